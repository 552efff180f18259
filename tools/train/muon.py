"""The optimizer: Muon for the hidden matrices (Jordan et al. 2024), AdamW for embedding, head, router and norms."""
import math

import torch

from model import shapes

ADAM_BETAS, ADAM_EPSILON, MOMENTUM, DECAY = (.9, .98), 1e-9, .95, .01
EXPERTS_EVERY = 2          # the many small expert matrices are updated every second step, with the gradients of both


def orthogonal(g, steps=5):
    """Approximately the nearest (semi-)orthogonal matrices to a batch of matrices, by Newton-Schulz."""
    wide = g.shape[1] < g.shape[2]
    x = g.transpose(1, 2) if wide else g
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-9)
    for _ in range(steps):
        a = torch.bmm(x.transpose(1, 2), x)
        x = torch.baddbmm(x, x, torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315), beta=3.4445)
    return x.transpose(1, 2) if wide else x


class Part:
    """One tensor, or one that is stored within another, with its workers' gradients, its moments, and what the next step computes with."""

    def __init__(self, name, shape, at, number, flat, used, gradients, first, second):
        leaf, count = name.split(".")[-1], math.prod(shape)
        self.shape, self.number, view = shape, number, lambda t: t[at:at + count]
        self.p, self.used, self.gradients, self.m, self.v = view(flat), view(used), [view(g) for g in gradients], view(first), view(second)
        self.muon = leaf in ("q", "k", "v", "o", "w13", "w2")
        self.every = EXPERTS_EVERY if leaf in ("w13", "w2") else 1
        self.quantisable = len(shape) > 1 and leaf != "router"
        self.decay = DECAY if len(shape) > 1 and leaf != "embed" else 0.0


def parts(flat, used, gradients, first, second, c):
    """The optimizer's units of work, the largest first."""
    found, at = [], 0
    for name, shape in shapes(c):
        if name.endswith("qkv"):
            counts = dict(q=c["heads"], k=c["kv_heads"], v=c["kv_heads"])
            pieces = [(name[:-3] + leaf, (heads * c["head_dim"], shape[1])) for leaf, heads in counts.items()]
        elif name.endswith("w13"): pieces = [(name, (2 * c["experts"], c["hidden"], c["dim"]))]
        else: pieces = [(name, shape)]
        for piece, dims in pieces:
            found.append(Part(piece, dims, at, len(found), flat, used, gradients, first, second))
            at += math.prod(dims)
    return sorted(found, key=lambda part: -part.p.numel())


def update(part, step, rate, muon_rate, batches):
    """Adds up the gradients of a step's batches, moves the parameters, clears the gradients."""
    if (step + part.number) % part.every: return
    g = part.gradients[0]
    for other in part.gradients[1:]:
        g.add_(other)
        other.zero_()
    g.mul_(1 / (batches * part.every))
    if part.muon:
        part.m.mul_(MOMENTUM).add_(g)
        direction = orthogonal(g.add_(part.m, alpha=MOMENTUM).view((-1,) + part.shape[-2:]))
        scale = math.sqrt(max(1, part.shape[-2] / part.shape[-1]))
        part.p.mul_(1 - muon_rate * part.decay).add_(direction.reshape(-1), alpha=-muon_rate * scale)
    else:
        (b1, b2), norm = ADAM_BETAS, float(g.norm())
        if norm > 1: g.mul_(1 / norm)
        part.m.mul_(b1).add_(g, alpha=1 - b1)
        part.v.mul_(b2).addcmul_(g, g, value=1 - b2)
        spread = (part.v / (1 - b2 ** step)).sqrt_().add_(ADAM_EPSILON)
        part.p.mul_(1 - rate * part.decay).addcdiv_(part.m, spread, value=-rate / (1 - b1 ** step))
    g.zero_()
