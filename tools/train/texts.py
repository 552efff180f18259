#!/usr/bin/python3
"""Writes conversations about held-out names to measure with: texts.py FOLDER [--documents 40] makes all.txt, characters.txt, kiosks.txt, languages.txt, json.txt."""
import argparse
from pathlib import Path

from dialogue import Dialogue, prompt
from maker import Maker, unmarked

TURNS = 6


def text(dialogue):
    """A conversation as its model sees it, without the tokens for begin and end."""
    turns = dialogue.extend(TURNS).turns
    question, answer = turns[-1]
    return (prompt(turns[:-1], question) + " " + unmarked(answer)).replace("<s>", "").replace("</s>", "\n")


def spoken(m, language):
    dialogue = Dialogue(m, kiosk=False, json_share=0)
    dialogue.language = language
    return dialogue


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--documents", type=int, default=40)
    a = arguments.parse_args()
    a.folder.mkdir(parents=True, exist_ok=True)
    m = Maker(31, held_out=True)
    kinds = dict(all=lambda: Dialogue(m), characters=lambda: spoken(m, None), kiosks=lambda: Dialogue(m, kiosk=True, json_share=0),
                 languages=lambda: spoken(m, m.one(["de", "fr", "es", "it"])), json=lambda: Dialogue(m, json_share=1))
    for name, make in kinds.items():
        (a.folder / (name + ".txt")).write_text("\n".join(text(make()) for _ in range(a.documents)) + "\n")


if __name__ == "__main__":
    main()
