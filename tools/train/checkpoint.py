"""What a run goes on from: parameters, the optimizer's state, steps and tokens so far."""
import os

import torch

import gguf
from model import CONFIG


def read(path):
    """A checkpoint. A GGUF file has the parameters and the tokens only: the optimizer begins anew."""
    if path.suffix != ".gguf": return torch.load(path)
    flat, tokens = gguf.read(path, CONFIG)
    return dict(flat=flat, first=torch.zeros_like(flat), second=torch.zeros_like(flat), step=0, tokens=tokens)


def write(path, **checkpoint):
    """Whole or not at all."""
    torch.save(checkpoint, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)
