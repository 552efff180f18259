"""Loss and gradients of one batch, by hand: matrix products by BLAS, everything between by kernels.c. train.py --check compares them with autograd."""
import math

import torch

from model import rope_table


class Step:
    """Adds the gradients of batches to `gradients`. The balance loss spreads tokens over experts."""

    def __init__(self, parameters, gradients, c, kernels, balance=.01):
        self.p, self.g, self.c, self.k, self.balance = parameters, gradients, c, kernels, balance
        self.cos, self.sin = rope_table(c["context"] * 2, c)

    def __call__(self, ids, targets, weights):
        """ids (row, position); targets and weights (row * position). Returns the weighted mean loss and each layer's expert counts."""
        self.rows, self.length = ids.shape
        ids = ids.reshape(-1)
        self.picked = weights.nonzero().flatten()       # positions with a loss; in the last layer the others only feed keys and values
        x, saved, counts = self.p["embed"].index_select(0, ids), [], []
        for layer in range(self.c["layers"]):
            x, attention = self.attention(layer, x)
            x, experts = self.experts(layer, x)
            saved.append((attention, experts))
            counts.append([b - a for a, b in zip(experts["ends"], experts["ends"][1:])])
        loss, dx = self.head(x, targets[self.picked], weights[self.picked])
        for layer in reversed(range(self.c["layers"])):
            attention, experts = saved.pop()
            self.experts_back(layer, dx, experts)
            dx = self.attention_back(layer, dx, attention)
        self.k.scatter_rows(dx, ids, self.g["embed"], len(ids), self.c["dim"], 1)
        return loss, counts

    def weight(self, layer, name): return self.p["%d.%s" % (layer, name)]
    def gradient(self, layer, name): return self.g["%d.%s" % (layer, name)]
    def last(self, layer): return layer == self.c["layers"] - 1

    def norm(self, x, gain):
        y, scale = torch.empty_like(x), torch.empty(len(x))
        self.k.rms_fwd(x, gain, y, scale, len(x), x.shape[1], self.c["epsilon"])
        return y, scale

    def attention(self, layer, x):
        c, k, n = self.c, self.k, len(x)
        heads, kv, dim = c["heads"], c["kv_heads"], c["head_dim"]
        h, scale = self.norm(x, self.weight(layer, "norm1"))
        qkv = h @ self.weight(layer, "qkv").t()
        groups = self.rows * kv                             # query heads that share a key head are one long matrix
        q, key, v = torch.empty(groups, heads // kv * self.length, dim), torch.empty(groups, self.length, dim), torch.empty(groups, self.length, dim)
        k.rope_split(qkv, q, key, v, self.cos, self.sin, self.rows, self.length, heads, kv, dim, 0)
        shares = torch.bmm(q, key.transpose(1, 2))
        k.softmax_fwd(shares, self.rows * heads * self.length, self.length, 1 / math.sqrt(dim))
        mixed, merged = torch.bmm(shares, v), torch.empty(n, heads * dim)
        k.heads_merge(mixed, merged, self.rows, self.length, heads, dim, 0)
        saved = dict(x=x, h=h, scale=scale, qkv=qkv, q=q, key=key, v=v, shares=shares)
        if self.last(layer): merged, x = merged.index_select(0, self.picked), x.index_select(0, self.picked)
        return torch.addmm(x, merged, self.weight(layer, "o").t()), dict(saved, merged=merged)

    def attention_back(self, layer, dx, s):
        c, k = self.c, self.k
        heads, kv, dim, n = c["heads"], c["kv_heads"], c["head_dim"], len(s["x"])
        self.gradient(layer, "o").addmm_(dx.t(), s["merged"])
        dmerged = dx @ self.weight(layer, "o")
        if self.last(layer): dx, dmerged = self.spread(dx, n), self.spread(dmerged, n)
        dmixed = torch.empty(self.rows * kv, heads // kv * self.length, dim)
        k.heads_merge(dmixed, dmerged, self.rows, self.length, heads, dim, 1)
        dv = torch.bmm(s["shares"].transpose(1, 2), dmixed)
        dscores = torch.bmm(dmixed, s["v"].transpose(1, 2))
        k.softmax_bwd(s["shares"], dscores, self.rows * heads * self.length, self.length, 1 / math.sqrt(dim))
        dq, dkey = torch.bmm(dscores, s["key"]), torch.bmm(dscores.transpose(1, 2), s["q"])
        dqkv = s["qkv"]
        k.rope_split(dqkv, dq, dkey, dv, self.cos, self.sin, self.rows, self.length, heads, kv, dim, 1)
        self.gradient(layer, "qkv").addmm_(dqkv.t(), s["h"])
        k.rms_bwd(s["x"], self.weight(layer, "norm1"), s["scale"], dqkv @ self.weight(layer, "qkv"), dx, self.gradient(layer, "norm1"), n, c["dim"])
        return dx

    def spread(self, picked, n):
        """Rows of picked positions among n, the others zero."""
        full = torch.zeros(n, picked.shape[1])
        self.k.scatter_rows(picked, self.picked, full, len(picked), picked.shape[1], 0)
        return full

    def experts(self, layer, x):
        c, k, n = self.c, self.k, len(x)
        dim, hidden, experts = c["dim"], c["hidden"], c["experts"]
        h, scale = self.norm(x, self.weight(layer, "norm2"))
        shares = h @ self.weight(layer, "router").t()
        chosen, weights = torch.empty(n, 2, dtype=torch.int32), torch.empty(n, 2)
        order, place, ends = (torch.empty(count, dtype=torch.int64) for count in (2 * n, 2 * n, experts + 1))
        k.route_fwd(shares, chosen, weights, order, place, ends, n, experts)
        ends = ends.tolist()
        inputs = torch.empty(2 * n, dim)
        k.gather(h, order, inputs, 2 * n, dim)
        both, inner, y = torch.empty(2 * n, 2 * hidden), torch.empty(2 * n, hidden), torch.empty(2 * n, dim)
        for e, (a, b) in enumerate(zip(ends, ends[1:])): torch.mm(inputs[a:b], self.weight(layer, "w13")[e].t(), out=both[a:b])
        k.swiglu_fwd(both, inner, 2 * n, hidden)
        for e, (a, b) in enumerate(zip(ends, ends[1:])): torch.mm(inner[a:b], self.weight(layer, "w2")[e].t(), out=y[a:b])
        out = torch.empty(n, dim)
        k.combine_fwd(x, y, weights, place, out, n, dim)
        return out, dict(x=x, h=h, scale=scale, shares=shares, chosen=chosen, weights=weights, place=place, ends=ends, inputs=inputs, both=both, inner=inner, y=y)

    def experts_back(self, layer, dx, s):
        """Adds to dx, in place."""
        c, k, n = self.c, self.k, len(s["x"])
        dim, hidden, experts, ends = c["dim"], c["hidden"], c["experts"], s["ends"]
        used = torch.tensor([(b - a) / (2 * n) for a, b in zip(ends, ends[1:])])
        drouter, dy, dboth, dinner = torch.empty(n, experts), s["y"], s["both"], torch.empty(2 * n, hidden)
        k.combine_bwd(dx, dy, s["weights"], s["place"], s["chosen"], s["shares"], used, float(self.balance * experts / n), drouter, n, dim, experts)
        for e, (a, b) in enumerate(zip(ends, ends[1:])):
            torch.mm(dy[a:b], self.weight(layer, "w2")[e], out=dinner[a:b])
            self.gradient(layer, "w2")[e].addmm_(dy[a:b].t(), s["inner"][a:b])
        k.swiglu_bwd(dboth, dinner, 2 * n, hidden)
        for e, (a, b) in enumerate(zip(ends, ends[1:])):
            self.gradient(layer, "w13")[e].addmm_(dboth[a:b].t(), s["inputs"][a:b])
            torch.mm(dboth[a:b], self.weight(layer, "w13")[e], out=dy[a:b])
        self.gradient(layer, "router").addmm_(drouter.t(), s["h"])
        dh = drouter @ self.weight(layer, "router")
        k.scatter2(dy, s["place"], dh, n, dim)
        k.rms_bwd(s["x"], self.weight(layer, "norm2"), s["scale"], dh, dx, self.gradient(layer, "norm2"), n, dim)

    def head(self, x, targets, weights):
        """Loss of the picked positions, and its gradient with respect to x."""
        c, n = self.c, len(x)
        h, scale = self.norm(x, self.p["norm"])
        logits, losses, weights = h @ self.p["out"].t(), torch.empty(n), weights / weights.sum()
        self.k.xent(logits, targets, weights, losses, n, c["vocab"])        # logits become their gradients
        self.g["out"].addmm_(logits.t(), h)
        dx = torch.zeros_like(x)
        self.k.rms_bwd(x, self.p["norm"], scale, logits @ self.p["out"], dx, self.g["norm"], n, c["dim"])
        return float(weights @ losses), dx
