#!/usr/bin/python3
"""Averages the weights of runs that began from each other: average.py --out DIR/mean.pt FILE:SHARE...

A FILE is a checkpoint or an F16 GGUF file. The mean of what two annealed runs found is often better than either (stochastic weight averaging,
https://arxiv.org/abs/1803.05407), and keeps what the later one forgot. It has no optimizer state: gguf.py makes files of it.
"""
import argparse
from pathlib import Path

import torch

import gguf
from model import CONFIG


def weights(path):
    """(flat parameters, tokens seen)."""
    if path.suffix == ".gguf": return gguf.read(path, CONFIG)
    checkpoint = torch.load(path)
    return checkpoint["flat"], checkpoint["tokens"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("files", nargs="+", metavar="FILE:SHARE")
    a = arguments.parse_args()
    parts = [(Path(path), float(share)) for path, share in (f.rsplit(":", 1) for f in a.files)]
    whole = sum(share for _, share in parts)
    mean, most = 0, 0
    for path, share in parts:
        flat, tokens = weights(path)
        mean = mean + flat * (share / whole)
        most = max(most, tokens)
    torch.save(dict(flat=mean, tokens=most), a.out)


if __name__ == "__main__":
    main()
