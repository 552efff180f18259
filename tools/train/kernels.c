// Single-thread training kernels: everything but the matrix products. kernels.py builds them; step.py calls them.
#include <math.h>
#include <string.h>
typedef long long i64;

void rms_fwd(const float *x, const float *g, float *y, float *rinv, i64 n, i64 d, float eps) {
    for (i64 i = 0; i < n; i++) {
        const float *a = x + i * d; float *o = y + i * d, s = 0;
        for (i64 j = 0; j < d; j++) s += a[j] * a[j];
        float r = 1.0f / sqrtf(s / d + eps);
        rinv[i] = r;
        for (i64 j = 0; j < d; j++) o[j] = a[j] * r * g[j];
    }
}

// dx += gradient through the norm; dg += gain gradient
void rms_bwd(const float *x, const float *g, const float *rinv, const float *dy, float *dx, float *dg, i64 n, i64 d) {
    for (i64 i = 0; i < n; i++) {
        const float *a = x + i * d, *b = dy + i * d; float *o = dx + i * d, r = rinv[i], s = 0;
        for (i64 j = 0; j < d; j++) { s += a[j] * b[j] * g[j]; dg[j] += a[j] * r * b[j]; }
        float c = s * r * r * r / d;
        for (i64 j = 0; j < d; j++) o[j] += b[j] * g[j] * r - a[j] * c;
    }
}

// qkv (R*L, (H+2*KV)*hd) -> q (R,H,L,hd), k (R,KV,L,hd), v (R,KV,L,hd), rotate-half RoPE on q and k.  back: the reverse.
void rope_split(float *qkv, float *q, float *k, float *v, const float *cs, const float *sn, i64 R, i64 L, i64 H, i64 KV, i64 hd, int back) {
    i64 w = (H + 2 * KV) * hd, h2 = hd / 2;
    for (i64 r = 0; r < R; r++) for (i64 t = 0; t < L; t++) {
        float *row = qkv + (r * L + t) * w;
        const float *c = cs + t * h2, *s = sn + t * h2;
        for (i64 h = 0; h < H + 2 * KV; h++) {
            float *a = row + h * hd;
            float *b = h < H ? q + ((r * H + h) * L + t) * hd : h < H + KV ? k + ((r * KV + h - H) * L + t) * hd : v + ((r * KV + h - H - KV) * L + t) * hd;
            if (h >= H + KV) { if (back) memcpy(a, b, hd * 4); else memcpy(b, a, hd * 4); continue; }
            if (!back) for (i64 i = 0; i < h2; i++) { b[i] = a[i] * c[i] - a[i + h2] * s[i]; b[i + h2] = a[i + h2] * c[i] + a[i] * s[i]; }
            else for (i64 i = 0; i < h2; i++) { a[i] = b[i] * c[i] + b[i + h2] * s[i]; a[i + h2] = b[i + h2] * c[i] - b[i] * s[i]; }
        }
    }
}

// (R,H,L,hd) <-> (R,L,H*hd)
void heads_merge(float *o, float *m, i64 R, i64 L, i64 H, i64 hd, int back) {
    for (i64 r = 0; r < R; r++) for (i64 h = 0; h < H; h++) for (i64 t = 0; t < L; t++) {
        float *a = o + ((r * H + h) * L + t) * hd, *b = m + ((r * L + t) * H + h) * hd;
        if (back) memcpy(a, b, hd * 4); else memcpy(b, a, hd * 4);
    }
}

// rows of s are queries (row index modulo L is the position); in place
void softmax_fwd(float *s, i64 rows, i64 L, float scale) {
    for (i64 i = 0; i < rows; i++) {
        float *a = s + i * L, m = -1e30f, z = 0; i64 n = i % L + 1;
        for (i64 j = 0; j < n; j++) m = a[j] > m ? a[j] : m;
        for (i64 j = 0; j < n; j++) { a[j] = expf((a[j] - m) * scale); z += a[j]; }
        z = 1 / z;
        for (i64 j = 0; j < n; j++) a[j] *= z;
        for (i64 j = n; j < L; j++) a[j] = 0;
    }
}

void softmax_bwd(const float *p, float *d, i64 rows, i64 L, float scale) {
    for (i64 i = 0; i < rows; i++) {
        const float *a = p + i * L; float *b = d + i * L, s = 0; i64 n = i % L + 1;
        for (i64 j = 0; j < n; j++) s += a[j] * b[j];
        for (i64 j = 0; j < n; j++) b[j] = a[j] * (b[j] - s) * scale;
        for (i64 j = n; j < L; j++) b[j] = 0;
    }
}

// ab (n, 2F) -> s (n, F) = silu(a) * b
void swiglu_fwd(const float *ab, float *s, i64 n, i64 F) {
    for (i64 i = 0; i < n; i++) for (i64 j = 0; j < F; j++) { float a = ab[i * 2 * F + j]; s[i * F + j] = a / (1 + expf(-a)) * ab[i * 2 * F + F + j]; }
}

// ab is overwritten with its gradient
void swiglu_bwd(float *ab, const float *ds, i64 n, i64 F) {
    for (i64 i = 0; i < n; i++) for (i64 j = 0; j < F; j++) {
        float a = ab[i * 2 * F + j], b = ab[i * 2 * F + F + j], g = 1 / (1 + expf(-a)), d = ds[i * F + j];
        ab[i * 2 * F + j] = d * b * g * (1 + a * (1 - g));
        ab[i * 2 * F + F + j] = d * a * g;
    }
}

// logits (n, E) -> probs (in place), the two best experts, their weights, and the tokens sorted by expert
void route_fwd(float *l, int *top, float *w, i64 *order, i64 *pos, i64 *off, i64 n, i64 E) {
    i64 cnt[65] = {0};
    for (i64 i = 0; i < n; i++) {
        float *a = l + i * E; int b0 = 0, b1 = -1;
        for (int e = 1; e < E; e++) if (a[e] > a[b0]) b0 = e;
        for (int e = 0; e < E; e++) if (e != b0 && (b1 < 0 || a[e] > a[b1])) b1 = e;
        float w1 = expf(a[b1] - a[b0]), z = 0, m = a[b0];
        w[2 * i] = 1 / (1 + w1); w[2 * i + 1] = w1 / (1 + w1);
        top[2 * i] = b0; top[2 * i + 1] = b1; cnt[b0 + 1]++; cnt[b1 + 1]++;
        for (int e = 0; e < E; e++) { a[e] = expf(a[e] - m); z += a[e]; }
        for (int e = 0; e < E; e++) a[e] /= z;
    }
    for (int e = 0; e < E; e++) cnt[e + 1] += cnt[e];
    for (int e = 0; e <= E; e++) off[e] = cnt[e];
    for (i64 i = 0; i < 2 * n; i++) { i64 s = cnt[top[i]]++; order[s] = i / 2; pos[i] = s; }
}

void gather(const float *x, const i64 *order, float *y, i64 m, i64 d) { for (i64 i = 0; i < m; i++) memcpy(y + i * d, x + order[i] * d, d * 4); }

// out[i] = x[i] + w0 y[pos0] + w1 y[pos1]
void combine_fwd(const float *x, const float *y, const float *w, const i64 *pos, float *out, i64 n, i64 d) {
    for (i64 i = 0; i < n; i++) {
        const float *a = y + pos[2 * i] * d, *b = y + pos[2 * i + 1] * d; float u = w[2 * i], v = w[2 * i + 1];
        for (i64 j = 0; j < d; j++) out[i * d + j] = x[i * d + j] + u * a[j] + v * b[j];
    }
}

// y is overwritten with its gradient; dl (n, E) gets the router gradient, the auxiliary loss included (probs, f, coef)
void combine_bwd(const float *dout, float *y, const float *w, const i64 *pos, const int *top, const float *probs, const float *f, float coef,
                 float *dl, i64 n, i64 d, i64 E) {
    for (i64 i = 0; i < n; i++) {
        float *a = y + pos[2 * i] * d, *b = y + pos[2 * i + 1] * d; const float *g = dout + i * d; float u = w[2 * i], v = w[2 * i + 1], du = 0, dv = 0;
        for (i64 j = 0; j < d; j++) { du += g[j] * a[j]; dv += g[j] * b[j]; }
        for (i64 j = 0; j < d; j++) { a[j] = u * g[j]; b[j] = v * g[j]; }
        float s = u * du + v * dv, q = 0; const float *p = probs + i * E; float *o = dl + i * E;
        for (int e = 0; e < E; e++) q += p[e] * f[e];
        for (int e = 0; e < E; e++) o[e] = coef * p[e] * (f[e] - q);
        o[top[2 * i]] += u * (du - s); o[top[2 * i + 1]] += v * (dv - s);
    }
}

// dh[i] += dx[pos0] + dx[pos1]
void scatter2(const float *dx, const i64 *pos, float *dh, i64 n, i64 d) {
    for (i64 i = 0; i < n; i++) { const float *a = dx + pos[2 * i] * d, *b = dx + pos[2 * i + 1] * d; for (i64 j = 0; j < d; j++) dh[i * d + j] += a[j] + b[j]; }
}

// logits (n, V) become gradients scaled by wt; losses per row
void xent(float *l, const i64 *tgt, const float *wt, float *loss, i64 n, i64 V) {
    for (i64 i = 0; i < n; i++) {
        float *a = l + i * V, m = -1e30f, z = 0, at = a[tgt[i]];
        for (i64 j = 0; j < V; j++) m = a[j] > m ? a[j] : m;
        for (i64 j = 0; j < V; j++) { a[j] = expf(a[j] - m); z += a[j]; }
        loss[i] = logf(z) + m - at;
        float s = wt[i] / z;
        for (i64 j = 0; j < V; j++) a[j] *= s;
        a[tgt[i]] -= wt[i];
    }
}

void scatter_rows(const float *src, const i64 *idx, float *dst, i64 m, i64 d, int add) {
    for (i64 i = 0; i < m; i++) {
        float *o = dst + idx[i] * d; const float *a = src + i * d;
        if (add) for (i64 j = 0; j < d; j++) o[j] += a[j];
        else memcpy(o, a, d * 4);
    }
}

// w as Q4_0 holds it: 32 values share a scale of 16 bits, by which the one farthest from zero is -8
void round_q4_0(const float *w, float *r, i64 n) {
    for (i64 b = 0; b < n; b += 32) {
        const float *a = w + b; float *o = r + b, far = 0;
        for (int j = 0; j < 32; j++) far = fabsf(a[j]) > fabsf(far) ? a[j] : far;
        float d = far / -8, inverse = d != 0 ? 1 / d : 0, scale = (float)(_Float16)d;
        for (int j = 0; j < 32; j++) { int q = (int)(a[j] * inverse + 8.5f); o[j] = (float)((q > 15 ? 15 : q) - 8) * scale; }
    }
}
