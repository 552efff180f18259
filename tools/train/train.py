#!/usr/bin/python3
"""Trains the shipped model on CPU, in a few single-thread processes that share the parameters.

    train.py --dir DIR --minutes 75 [--resume DIR/last.pt | FILE-f16.gguf] [--seed 1]
    train.py --check            compares the gradients made by hand with torch's autograd

DIR holds train.npz (corpus.py); it gets last.pt every two minutes, and log.jsonl. The rates follow the clock (warm-up, hold, linear decay to
almost nothing at the end of --minutes), so a run always ends annealed, whatever the machine's load was. The processes take batches and
parameters from one list each as they get to it, so that one that is held up by other programs does not hold up the others.
"""
import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import torch
import torch.multiprocessing as processes

import checkpoint
from batches import Batches
from blocks import decode, q4_0
from kernels import Kernels, build
from model import CONFIG, Reference, initialise, size, views
from muon import parts, update
from step import Step

LOG_EVERY, SAVE_SECONDS = 20, 120


class Shared:
    """What the processes share."""

    def __init__(self, workers):
        zeros = lambda: torch.zeros(size(CONFIG)).share_memory_()
        self.flat, self.used, self.first, self.second, self.gradients = zeros(), zeros(), zeros(), zeros(), [zeros() for _ in range(workers)]
        self.results = torch.zeros(workers, 2, dtype=torch.float64).share_memory_()                 # (worker): sum of losses, tokens
        self.experts = torch.zeros(workers, CONFIG["layers"], CONFIG["experts"], dtype=torch.float64).share_memory_()
        self.progress = torch.zeros(1, dtype=torch.float64).share_memory_()                         # 0 to 1, by the clock
        self.batch, self.part, self.barrier = processes.Value("q", 0), processes.Value("q", 0), processes.Barrier(workers)


def claims(counter, end):
    """Numbers up to `end` that no other process gets."""
    while True:
        with counter.get_lock():
            number = counter.value
            if number >= end: return
            counter.value = number + 1
        yield number


def rate_scale(step, progress, a):
    return min(1, step / a.warm) * min(1, max(a.floor, (1 - progress) / max(1e-9, 1 - a.hold)))


def use(part, rounded, kernels):
    """Gives the next step a part's parameters; rounded, it learns to get by with what Q4_0 leaves of them, and its gradients move the exact ones."""
    if rounded and part.quantisable: kernels.round_q4_0(part.p, part.used, part.p.numel())
    else: part.used.copy_(part.p)


def worker(rank, a, shared):
    torch.set_num_threads(1)
    kernels = Kernels(a.dir)
    step = Step(views(shared.used, CONFIG), views(shared.gradients[rank], CONFIG), CONFIG, kernels)
    units = parts(shared.flat, shared.used, shared.gradients, shared.first, shared.second, CONFIG)
    batches = Batches(a.dir / "train.npz", a.tokens, a.seed, CONFIG["context"])
    log = Log(a, shared) if rank == 0 else None
    done = 0
    while True:
        done += 1
        for number in claims(shared.batch, done * a.batches):
            ids, targets, weights, real = batches.take(number)
            loss, counts = step(ids, targets, weights)
            shared.results[rank] += torch.tensor([loss, real])
            shared.experts[rank] += torch.tensor(counts)
        if log: shared.progress[0] = max(log.minutes() / a.minutes, a.steps and done / a.steps)
        shared.barrier.wait()
        progress = float(shared.progress)
        scale = rate_scale(done, progress, a)
        for number in claims(shared.part, done * len(units)):
            unit = units[number - (done - 1) * len(units)]
            update(unit, a.first_step + done, a.rate * scale, a.muon_rate * scale, a.batches)
            use(unit, progress >= a.round_from, kernels)
        shared.barrier.wait()
        if log: log.after(done, scale, progress >= 1)
        if progress >= 1: break


class Log:
    """Progress to log.jsonl, and checkpoints."""

    def __init__(self, a, shared):
        self.a, self.shared, self.start = a, shared, time.time()
        self.saved, self.logged, self.tokens, self.loss = self.start, (self.start, a.first_tokens), a.first_tokens, None
        self.file = open(a.dir / "log.jsonl", "a")

    def minutes(self): return (time.time() - self.start) / 60

    def after(self, done, scale, last):
        """Called between steps, while no other process touches the results."""
        loss, tokens = self.shared.results.sum(0).tolist()
        self.shared.results.zero_()
        loss /= self.a.batches
        self.tokens += int(tokens)
        self.loss = loss if self.loss is None else self.loss + max(.03, 1 / done) * (loss - self.loss)
        now = time.time()
        if done % LOG_EVERY == 0 or last: self.write(done, scale, now)
        if now - self.saved > SAVE_SECONDS or last:
            self.saved = now
            checkpoint.write(self.a.dir / "last.pt", flat=self.shared.flat, first=self.shared.first, second=self.shared.second, step=self.a.first_step + done, tokens=self.tokens)

    def write(self, done, scale, now):
        used = self.shared.experts.sum(0)
        used /= used.sum(1, keepdim=True)
        self.shared.experts.zero_()
        record = dict(step=self.a.first_step + done, tokens=self.tokens, loss=round(self.loss, 4), scale=round(scale, 4), minutes=round(self.minutes(), 2),
                      tokens_per_second=round((self.tokens - self.logged[1]) / (now - self.logged[0])),
                      least_used=[round(float(x), 3) for x in used.min(1).values], most_used=[round(float(x), 3) for x in used.max(1).values])
        self.logged = (now, self.tokens)
        for out in (self.file, None): print(json.dumps(record), file=out, flush=True)


def resume(path, shared):
    """(step, tokens) of a checkpoint, which the processes go on from."""
    found = checkpoint.read(path)
    for name in ("flat", "first", "second"): getattr(shared, name).copy_(found[name])
    return found["step"], found["tokens"]


def check(a):
    """Prints the worst relative difference of a gradient from autograd's; and whether weights are rounded as the file rounds them."""
    torch.manual_seed(0)
    flat, gradient, rows, length = torch.zeros(size(CONFIG)), torch.zeros(size(CONFIG)), 4, 48
    initialise(flat, CONFIG, a.seed)
    flat += torch.randn(len(flat)) * .02
    step = Step(views(flat, CONFIG), views(gradient, CONFIG), CONFIG, Kernels(a.dir), balance=0)    # balance counts picked positions only
    ids, targets = torch.randint(0, CONFIG["vocab"], (rows, length)), torch.randint(0, CONFIG["vocab"], (rows * length,))
    weights = torch.rand(rows * length) * (torch.rand(rows * length) < .7)
    loss, _ = step(ids, targets, weights)
    exact = flat.clone().requires_grad_()
    logits = Reference(views(exact, CONFIG)).forward(ids).view(rows * length, -1)
    expected = (torch.nn.functional.cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()
    expected.backward()
    ours, theirs = views(gradient, CONFIG), views(exact.grad, CONFIG)
    differences = {name: float((ours[name] - theirs[name]).norm() / theirs[name].norm()) for name in ours}
    print("loss %.6f, autograd %.6f; worst gradient %s %.1e" % (loss, float(expected), *max(differences.items(), key=lambda d: d[1])))
    rounded, kept = torch.empty_like(step.p["out"]), decode(q4_0(step.p["out"].numpy()), "q4_0", step.p["out"].shape)
    step.k.round_q4_0(step.p["out"], rounded, rounded.numel())
    wrong = int((rounded.numpy() != kept).sum())
    print("%d of %d weights rounded otherwise than in a file" % (wrong, kept.size))
    return max(differences.values()) < 1e-4 and wrong < 1e-4 * kept.size


def main():
    arguments = argparse.ArgumentParser()
    add = arguments.add_argument
    add("--dir", type=Path, default=Path("train"))
    add("--minutes", type=float, default=75)
    add("--steps", type=int, default=0, help="end after so many, if sooner")
    add("--resume", type=Path)
    add("--seed", type=int, default=1)
    add("--rate", type=float, default=2e-3, help="of AdamW")
    add("--muon-rate", type=float, default=.02)
    add("--warm", type=int, default=40, help="steps of warm-up")
    add("--hold", type=float, default=.4, help="share of the time before the decay")
    add("--round-from", type=float, default=.5, help="share of the time after which the weights are rounded as Q4_0 rounds them")
    add("--floor", type=float, default=.02, help="least share of the rates")
    add("--tokens", type=int, default=1024, help="of a batch")
    add("--batches", type=int, default=4, help="of a step")
    add("--workers", type=int, default=2)
    add("--check", action="store_true")
    a = arguments.parse_args()
    a.dir.mkdir(parents=True, exist_ok=True)
    build(a.dir)
    if a.check: raise SystemExit(0 if check(a) else "the gradients are wrong")
    shared, a.first_step, a.first_tokens = Shared(a.workers), 0, 0
    if a.resume: a.first_step, a.first_tokens = resume(a.resume, shared)
    else: initialise(shared.flat, CONFIG, a.seed)
    shared.used.copy_(shared.flat)
    running = [processes.Process(target=worker, args=(rank, a, shared)) for rank in range(a.workers)]
    for process in running: process.start()
    for process in running: process.join()
    if any(process.exitcode for process in running): raise SystemExit("a worker failed")


if __name__ == "__main__":
    main()
