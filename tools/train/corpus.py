#!/usr/bin/python3
"""Makes the training text, from nothing but the words and templates beside this file.

    corpus.py --out DIR [--documents 60000] [--drills .15] [--seed 1]     writes DIR/train.npz and DIR/valid.npz
    corpus.py --show 5                                                    prints some documents
"""
import argparse
from pathlib import Path

import encode
from dialogue import Dialogue, prompt
from drills import drill
from maker import Maker

TOKENIZER = Path(__file__).parent / "tokenizer.model"
TURNS = [2, 4, 5, 6, 7, 8, 8, 9, 9, 10, 10, 12]


def conversation(m): return Dialogue(m).extend(m.one(TURNS)).turns


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path, default=Path("train"))
    arguments.add_argument("--documents", type=int, default=60000)
    arguments.add_argument("--drills", type=float, default=.15, help="share of bare copying and looking up")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--show", type=int)
    a = arguments.parse_args()
    m = Maker(a.seed, held_out=False)
    if a.show:
        for _ in range(a.show):
            turns = drill(m) if m.chance(a.drills) else conversation(m)
            print(prompt(turns[:-1], turns[-1][0]), turns[-1][1], "\n")
        return
    a.out.mkdir(parents=True, exist_ok=True)
    tokenizer, valid = encode.load(TOKENIZER), Maker(999, held_out=True)
    encode.save(a.out / "valid.npz", [encode.document(tokenizer, conversation(valid)) for _ in range(400)])
    encode.save(a.out / "train.npz", [encode.document(tokenizer, drill(m) if m.chance(a.drills) else conversation(m)) for _ in range(a.documents)])


if __name__ == "__main__":
    main()
