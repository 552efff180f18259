#!/usr/bin/python3
"""Averages the weights of runs that began from each other: average.py --out DIR/mean.pt FILE:SHARE...

A FILE is a checkpoint or an F16 GGUF file. The mean of what two annealed runs found is often better than either (stochastic weight averaging,
https://arxiv.org/abs/1803.05407), and keeps what the later one forgot. It has no optimizer state: gguf.py makes files of it.
"""
import argparse
from pathlib import Path

import checkpoint


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("files", nargs="+", metavar="FILE:SHARE")
    a = arguments.parse_args()
    parts = [(Path(path), float(share)) for path, share in (f.rsplit(":", 1) for f in a.files)]
    whole = sum(share for _, share in parts)
    files = [(checkpoint.read(path), share / whole) for path, share in parts]
    checkpoint.write(a.out, flat=sum(file["flat"] * share for file, share in files), tokens=max(file["tokens"] for file, _ in files))


if __name__ == "__main__":
    main()
