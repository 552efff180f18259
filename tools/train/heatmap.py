#!/usr/bin/python3
"""Draws which experts the layers choose: mixtralvk routing FILE --text ... --json | heatmap.py HEATMAP.svg"""
import json
import math
import sys
from pathlib import Path

CELL, LEFT, TOP, GAP = 40, 60, 40, 30
UNDER, EVEN, OVER = (0, 114, 178), (255, 255, 255), (213, 94, 0)      # half, an even share and twice of it


def colour(ratio):
    depth = max(-1, min(1, math.log2(max(ratio, 1e-6))))
    return "rgb(%d,%d,%d)" % tuple(round(even + abs(depth) * (end - even)) for even, end in zip(EVEN, OVER if depth > 0 else UNDER))


def main(picture):
    report = json.load(sys.stdin)
    experts, layers = report["experts"], len(report["texts"][0]["layers"])
    columns, rows = 2, -(-len(report["texts"]) // 2)
    wide, high = LEFT + experts * CELL + GAP, TOP + layers * CELL + GAP
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (wide * columns, high * rows),
           '<rect width="100%" height="100%" fill="#fff"/>']
    for number, text in enumerate(report["texts"]):
        left, top = number % columns * wide + LEFT, number // columns * high + TOP
        out.append('<text x="%d" y="%d" font-weight="bold">%s, %d tokens</text>' % (left, top - 22, text["label"], text["tokens"]))
        for expert in range(experts): out.append('<text x="%.1f" y="%d" text-anchor="middle">%d</text>' % (left + (expert + .5) * CELL, top - 6, expert))
        for layer, report_of_layer in enumerate(text["layers"]):
            middle = top + (layer + .5) * CELL + 4
            out.append('<text x="%d" y="%.1f" text-anchor="end">layer %d</text>' % (left - 6, middle, layer))
            for expert, share in enumerate(report_of_layer["shares"]):
                x = left + expert * CELL
                out.append('<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="#ccc"/>' % (x, top + layer * CELL, CELL, CELL, colour(share * experts)))
                out.append('<text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>' % (x + CELL / 2, middle, share * 100))
    Path(picture).write_text("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
