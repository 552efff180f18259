#!/usr/bin/python3
"""Checkpoints as GGUF v3 files, and back.

    gguf.py --checkpoint DIR/last.pt --out DIR [--types f16,q4_0] [--name hearth-8x1m]

Architecture "llama" with experts, as Mixtral's files are. q and k rows are permuted from halves, the order of training, to the interleaved order
of such files. Norms and the router stay F32.
"""
import argparse
import struct
from pathlib import Path

import numpy as np
import torch

import encode
from blocks import ENCODE, NAMES, TYPES, decode
from model import CONFIG, size, views

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
ALIGNMENT = 32
TOKENIZER = Path(__file__).with_name("tokenizer.model")
TOKENS_SEEN = "Tokens seen in training: "
# Mixtral's own shape of template: the system text goes in front of the first user message.
TEMPLATE = ("{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content'] + '\\n\\n' %}{%- set turns = messages[1:] %}"
            "{%- else %}{%- set system = '' %}{%- set turns = messages %}{%- endif %}{{- bos_token }}"
            "{%- for m in turns %}{%- if m['role'] == 'user' %}{{- '[INST] ' + (system if loop.first else '') + m['content'] + ' [/INST]' }}"
            "{%- elif m['role'] == 'assistant' %}{{- ' ' + m['content'] + eos_token }}{%- endif %}{%- endfor %}")


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, v): return string(v) if kind == STRING else struct.pack(FORMATS[kind], v)


def pair(key, kind, v): return string(key) + struct.pack("<I", kind) + value(kind, v)


def array(key, kind, values): return string(key) + struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(value(kind, v) for v in values)


def permuted(w, heads, to_file):
    """Rows of each head from (half, pair) to (pair, half), or back."""
    split = (heads, 2, -1) if to_file else (heads, -1, 2)
    return w.reshape(*split, w.shape[1]).transpose(0, 2, 1, 3).reshape(w.shape)


def to_file(parameters, c):
    """(name, values, whether they may be quantised) of each tensor."""
    w = lambda name: parameters[name].numpy()
    heads, kv, keys = c["heads"], c["kv_heads"], c["heads"] * c["head_dim"]
    yield "token_embd.weight", w("embed"), True
    for layer in range(c["layers"]):
        ours, block = "%d." % layer, "blk.%d." % layer
        q, k, v = np.split(w(ours + "qkv"), [keys, keys + kv * c["head_dim"]])
        gate_up = w(ours + "w13")
        yield block + "attn_norm.weight", w(ours + "norm1"), False
        yield block + "attn_q.weight", permuted(q, heads, True), True
        yield block + "attn_k.weight", permuted(k, kv, True), True
        yield block + "attn_v.weight", v, True
        yield block + "attn_output.weight", w(ours + "o"), True
        yield block + "ffn_norm.weight", w(ours + "norm2"), False
        yield block + "ffn_gate_inp.weight", w(ours + "router"), False
        yield block + "ffn_gate_exps.weight", gate_up[:, :c["hidden"]], True
        yield block + "ffn_up_exps.weight", gate_up[:, c["hidden"]:], True
        yield block + "ffn_down_exps.weight", w(ours + "w2"), True
    yield "output_norm.weight", w("norm"), False
    yield "output.weight", w("out"), True


def from_file(w, c):
    """The flat parameters of a file's tensors."""
    flat = torch.zeros(size(c))
    parameters, heads, kv = views(flat, c), c["heads"], c["kv_heads"]
    put = lambda name, values: parameters[name].copy_(torch.from_numpy(np.array(values)))
    for ours, theirs in (("embed", "token_embd"), ("norm", "output_norm"), ("out", "output")): put(ours, w[theirs + ".weight"])
    for layer in range(c["layers"]):
        of = lambda name: w["blk.%d.%s.weight" % (layer, name)]
        put("%d.qkv" % layer, np.concatenate([permuted(of("attn_q"), heads, False), permuted(of("attn_k"), kv, False), of("attn_v")]))
        put("%d.w13" % layer, np.concatenate([of("ffn_gate_exps"), of("ffn_up_exps")], 1))
        for ours, theirs in (("norm1", "attn_norm"), ("o", "attn_output"), ("norm2", "ffn_norm"), ("router", "ffn_gate_inp"), ("w2", "ffn_down_exps")):
            put("%d.%s" % (layer, ours), of(theirs))
    return flat


def metadata(c, kind, name, tokens):
    sp = encode.load(TOKENIZER)
    token_kind = lambda i: 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 1
    ids = range(sp.get_piece_size())
    return [
        pair("general.architecture", STRING, "llama"), pair("general.type", STRING, "model"), pair("general.name", STRING, name),
        pair("general.author", STRING, "MixtralVk"), pair("general.license", STRING, "MIT"), array("general.languages", STRING, ["en", "de", "fr", "es", "it"]),
        pair("general.description", STRING, "NPC and kiosk dialogue model, trained from scratch on the project's own generated text. %s%d." % (TOKENS_SEEN, tokens)),
        pair("general.file_type", U32, TYPES[kind][3]), pair("general.quantization_version", U32, 2), pair("general.alignment", U32, ALIGNMENT),
        pair("llama.vocab_size", U32, c["vocab"]), pair("llama.context_length", U32, c["context"]), pair("llama.embedding_length", U32, c["dim"]),
        pair("llama.block_count", U32, c["layers"]), pair("llama.feed_forward_length", U32, c["hidden"]), pair("llama.rope.dimension_count", U32, c["head_dim"]),
        pair("llama.rope.freq_base", F32, c["rope_base"]), pair("llama.attention.head_count", U32, c["heads"]),
        pair("llama.attention.head_count_kv", U32, c["kv_heads"]), pair("llama.attention.layer_norm_rms_epsilon", F32, c["epsilon"]),
        pair("llama.expert_count", U32, c["experts"]), pair("llama.expert_used_count", U32, 2),
        pair("tokenizer.ggml.model", STRING, "llama"), pair("tokenizer.ggml.pre", STRING, "default"),
        array("tokenizer.ggml.tokens", STRING, [sp.id_to_piece(i) for i in ids]), array("tokenizer.ggml.scores", F32, [sp.get_score(i) for i in ids]),
        array("tokenizer.ggml.token_type", I32, [token_kind(i) for i in ids]), pair("tokenizer.ggml.bos_token_id", U32, 1),
        pair("tokenizer.ggml.eos_token_id", U32, 2), pair("tokenizer.ggml.unknown_token_id", U32, 0), pair("tokenizer.ggml.add_bos_token", BOOL, True),
        pair("tokenizer.ggml.add_eos_token", BOOL, False), pair("tokenizer.ggml.add_space_prefix", BOOL, True),
        pair("tokenizer.chat_template", STRING, TEMPLATE)]


def write(path, flat, c, kind, name, tokens):
    pairs, infos, data, offset = metadata(c, kind, name, tokens), [], [], 0
    for tensor, values, quantisable in to_file(views(flat, c), c):
        stored = kind if quantisable else "f32"
        raw = ENCODE[stored](np.ascontiguousarray(values, np.float32)).tobytes()
        infos.append(string(tensor) + struct.pack("<I%dQIQ" % values.ndim, values.ndim, *reversed(values.shape), TYPES[stored][0], offset))
        data.append(raw + b"\0" * (-len(raw) % ALIGNMENT))
        offset += len(data[-1])
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(pairs)) + b"".join(pairs + infos)
    path.write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(data))
    print("%s: %.1f MB" % (path, path.stat().st_size / 1e6))


class Reader:
    """Goes through a file's head."""

    def __init__(self, data): self.data, self.at = data, 0

    def numbers(self, layout):
        layout = "<" + layout
        found = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return found

    def string(self):
        length, = self.numbers("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == STRING: return self.string()
        if kind != ARRAY: return self.numbers(FORMATS[kind][1:])[0]
        kind, count = self.numbers("IQ")
        return [self.value(kind) for _ in range(count)]


def read(path, c):
    """(flat parameters, tokens seen) of a file that write made."""
    reader = Reader(path.read_bytes())
    _, _, tensors, pairs = reader.numbers("4sIQQ")
    found = {reader.string(): reader.value(*reader.numbers("I")) for _ in range(pairs)}
    infos = []
    for _ in range(tensors):
        name, (dimensions,) = reader.string(), reader.numbers("I")
        *shape, kind, offset = reader.numbers("%dQIQ" % dimensions)
        infos.append((name, shape[::-1], NAMES[kind], offset))
    begin = -(-reader.at // ALIGNMENT) * ALIGNMENT
    weights = {}
    for name, shape, kind, offset in infos:
        _, block, bytes_of_block, _ = TYPES[kind]
        raw = np.frombuffer(reader.data, np.uint8, int(np.prod(shape)) // block * bytes_of_block, begin + offset)
        weights[name] = decode(raw, kind, shape)
    return from_file(weights, c), int(found["general.description"].split(TOKENS_SEEN)[1].rstrip("."))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--checkpoint", type=Path, default=Path("train/last.pt"))
    arguments.add_argument("--out", type=Path, default=Path("train"))
    arguments.add_argument("--types", default="f16,q4_0")
    arguments.add_argument("--name", default="hearth-8x1m")
    a = arguments.parse_args()
    checkpoint = torch.load(a.checkpoint)
    for kind in a.types.split(","):
        write(a.out / ("%s-%s.gguf" % (a.name, kind)), checkpoint["flat"], CONFIG, kind, "Hearth 8x1M NPC", checkpoint["tokens"])


if __name__ == "__main__":
    main()
