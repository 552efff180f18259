"""Weights as the types of GGUF: F32, F16, and Q8_0 and Q4_0, blocks of 32 with one scale."""
import numpy as np

TYPES = {"f32": (0, 1, 4, 0), "f16": (1, 1, 2, 1), "q4_0": (2, 32, 18, 2), "q8_0": (8, 32, 34, 7)}     # id, values and bytes of a block, general.file_type
NAMES = {numbers[0]: name for name, numbers in TYPES.items()}


def q8_0(x):
    blocks = x.reshape(-1, 32)
    scale = (np.abs(blocks).max(1) / 127).astype(np.float32)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.empty((len(blocks), 34), np.uint8)
    out[:, :2] = scale.astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 2:] = np.rint(blocks * inverse[:, None]).astype(np.int8).view(np.uint8)
    return out


def q4_0(x):
    blocks = x.reshape(-1, 32)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1)[:, 0]
    scale = (extreme / -8).astype(np.float32)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    q = np.clip((blocks * inverse[:, None] + 8.5).astype(np.int32), 0, 15).astype(np.uint8)
    out = np.empty((len(blocks), 18), np.uint8)
    out[:, :2] = scale.astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 2:] = q[:, :16] | (q[:, 16:] << 4)
    return out


ENCODE = {"f32": lambda x: x.astype("<f4"), "f16": lambda x: x.astype("<f2"), "q8_0": q8_0, "q4_0": q4_0}


def decode(raw, kind, shape):
    """The values of encoded bytes."""
    if kind == "f32": return raw.view("<f4").reshape(shape)
    if kind == "f16": return raw.view("<f2").astype(np.float32).reshape(shape)
    blocks = raw.reshape(-1, TYPES[kind][2])
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    values = blocks[:, 2:].view(np.int8) if kind == "q8_0" else np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32) - 8
    return (values * scale).reshape(shape)
