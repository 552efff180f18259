"""The model: its sizes, its parameters in one flat array, and a plain forward pass that autograd can follow."""
import math

import torch
from torch.nn.functional import silu

# Mixtral's architecture, small. Every row is a multiple of 256 long, so that all block formats can hold it.
CONFIG = dict(dim=256, layers=4, heads=8, kv_heads=2, head_dim=32, hidden=256, experts=8, vocab=2048, context=512, rope_base=1e6, epsilon=1e-5)


def shapes(c):
    """Names and shapes in the order of the flat array. qkv is q, k and v in one, w13 the experts' gate and up matrices."""
    dim, hidden, experts = c["dim"], c["hidden"], c["experts"]
    heads, keys = c["heads"] * c["head_dim"], c["kv_heads"] * c["head_dim"]
    yield "embed", (c["vocab"], dim)
    for layer in range(c["layers"]):
        for name, shape in (("norm1", (dim,)), ("qkv", (heads + 2 * keys, dim)), ("o", (dim, heads)), ("norm2", (dim,)), ("router", (experts, dim)),
                            ("w13", (experts, 2 * hidden, dim)), ("w2", (experts, dim, hidden))):
            yield "%d.%s" % (layer, name), shape
    yield "norm", (dim,)
    yield "out", (c["vocab"], dim)


def size(c): return sum(math.prod(shape) for _, shape in shapes(c))


def views(flat, c):
    """The parameters (or gradients) of a flat array by name."""
    parts, at = {}, 0
    for name, shape in shapes(c):
        count = math.prod(shape)
        parts[name] = flat[at:at + count].view(shape)
        at += count
    return parts


def initialise(flat, c, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, w in views(flat, c).items():
        if w.dim() == 1:
            w.fill_(1)
            continue
        deviation = {"embed": .05, "out": .02, "router": .03}.get(name.split(".")[-1], .6 / math.sqrt(w.shape[-1]))
        if name.endswith((".o", ".w2")): deviation /= math.sqrt(2 * c["layers"])
        w.normal_(0, deviation, generator=generator)


def rope_table(positions, c):
    """(cosines, sines), each (positions, head_dim / 2)."""
    frequencies = c["rope_base"] ** (-torch.arange(0, c["head_dim"], 2, dtype=torch.float64) / c["head_dim"])
    angles = torch.arange(positions, dtype=torch.float64)[:, None] * frequencies
    return angles.cos().float().contiguous(), angles.sin().float().contiguous()


class Reference:
    """Logits by plain torch: for evaluation, and to check the hand-made gradients of step.py."""

    def __init__(self, parameters, c=CONFIG):
        self.p, self.c, (self.cos, self.sin) = parameters, c, rope_table(4096, c)

    def norm(self, x, gain): return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.c["epsilon"]) * gain

    def rotate(self, x, positions):  # (batch, head, position, head_dim), halves rotated against each other
        a, b = x.chunk(2, -1)
        cos, sin = self.cos[positions], self.sin[positions]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, x, w, layer, cache):
        c, (batch, length, _) = self.c, x.shape
        heads, kv, dim = c["heads"], c["kv_heads"], c["head_dim"]
        past = cache[layer][0].shape[2] if cache and layer in cache else 0
        positions = torch.arange(past, past + length)
        split = lambda part, count: part.view(batch, length, count, dim).transpose(1, 2)
        q, k, v = (x @ w("qkv").t()).split([heads * dim, kv * dim, kv * dim], -1)
        q, k, v = self.rotate(split(q, heads), positions), self.rotate(split(k, kv), positions), split(v, kv)
        if cache is not None:
            if past: k, v = torch.cat([cache[layer][0], k], 2), torch.cat([cache[layer][1], v], 2)
            cache[layer] = (k, v)
        k, v = k.repeat_interleave(heads // kv, 1), v.repeat_interleave(heads // kv, 1)
        scores = q @ k.transpose(2, 3) / math.sqrt(dim) + torch.full((length, past + length), -1e9).triu(past + 1)
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, heads * dim) @ w("o").t()

    def experts(self, x, w, balance):  # x: (token, dim)
        c = self.c
        shares = (x @ w("router").t()).softmax(-1)
        weights, chosen = shares.topk(2, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        y = torch.zeros_like(x)
        for e in range(c["experts"]):
            token, rank = (chosen == e).nonzero(as_tuple=True)
            if not len(token): continue
            gate, up = (x[token] @ w("w13")[e].t()).chunk(2, -1)
            y = y.index_add(0, token, (silu(gate) * up) @ w("w2")[e].t() * weights[token, rank][:, None])
        if balance is not None:
            used = torch.bincount(chosen.flatten(), minlength=c["experts"]).float() / chosen.numel()
            balance.append(c["experts"] * (used * shares.mean(0)).sum())
        return y

    def forward(self, ids, cache=None, balance=None):
        """Logits (batch, length, vocab) of ids (batch, length), behind what the cache holds. `balance` collects each layer's balance loss."""
        x = self.p["embed"][ids]
        for layer in range(self.c["layers"]):
            w = lambda name: self.p["%d.%s" % (layer, name)]
            x = x + self.attention(self.norm(x, w("norm1")), w, layer, cache)
            h = self.norm(x, w("norm2"))
            x = x + self.experts(h.view(-1, h.shape[-1]), w, balance).view(x.shape)
        return self.norm(x, self.p["norm"]) @ self.p["out"].t()

    @torch.no_grad()
    def generate(self, ids, tokens=90, end=2):
        """The likeliest continuation, without its end."""
        cache, made, x = {}, [], torch.tensor([ids])
        for _ in range(tokens):
            token = int(self.forward(x, cache)[0, -1].argmax())
            if token == end: break
            made.append(token)
            x = torch.tensor([[token]])
        return made
