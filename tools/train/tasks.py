#!/usr/bin/python3
"""Writes the held-out evaluation, one task a line: a conversation up to a question, and what a right answer contains.

    tasks.py [--file ../../samples/models/eval.jsonl] [--seed 2077]

The first 200 lines of the file stay: the tasks that the first version of the model was measured with. Those behind them are made anew: questions
of every category about personas whose names, towns, places and wares never occur in the training text.
"""
import argparse
import json
from pathlib import Path

import asks
import languages
from dialogue import Dialogue, prompt
from maker import Maker, unmarked

FIRST = 200
COUNTS = dict(identity=30, place=50, shop=60, rumour=30, quest=40, relation=60, owned=20, taste=20, memory=50, kiosk=60, languages=40, json=60, unknown=80)
BEFORE = [0, 0, 1, 1, 2, 3, 4]        # turns before the question


def draw(m):
    dialogue = Dialogue(m, json_share=0).extend(m.one(BEFORE))
    turn = dialogue.draw()
    before = list(dialogue.turns)
    is_json = dialogue.add(turn, as_json_object=m.chance(.1))
    if not turn.must and not turn.refusal: return None
    question, answer = dialogue.turns[-1]
    return dict(category="json" if is_json else turn.category, prompt=prompt(before, question), facts=turn.must,
                any=asks.REFUSALS + languages.REFUSALS if turn.refusal else [], json=dict(action=turn.action, target=turn.target) if is_json else None,
                reference=unmarked(answer))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--file", type=Path, default=Path(__file__).parents[2] / "samples/models/eval.jsonl")
    arguments.add_argument("--seed", type=int, default=2077, help="another one draws other tasks behind the first 200")
    a = arguments.parse_args()
    lines, left, m, seen = a.file.read_text().splitlines()[:FIRST], dict(COUNTS), Maker(a.seed, held_out=True), set()
    while any(left.values()):
        task = draw(m)
        if not task or not left.get(task["category"]) or task["prompt"] in seen: continue
        left[task["category"]] -= 1
        seen.add(task["prompt"])
        lines.append(json.dumps(dict(id=len(lines), **task), ensure_ascii=False))
    a.file.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
