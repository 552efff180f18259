#!/usr/bin/python3
"""Draws the loss over the tokens seen, one line a run: curve.py LOG.csv CURVE.svg. The columns of LOG.csv are run, tokens, loss, scale."""
import csv
import math
import sys
from itertools import groupby
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 320, 52, 16, 16, 40
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]        # Okabe and Ito
LEAST, LOSSES = .1, [.125, .25, .5, 1, 2, 4]


def main(log, picture):
    rows = [(row["run"], float(row["tokens"]) / 1e6, float(row["loss"])) for row in csv.DictReader(open(log))]
    most = max(tokens for _, tokens, _ in rows)
    x = lambda tokens: LEFT + tokens / most * (WIDTH - LEFT - RIGHT)
    y = lambda loss: TOP + (math.log(8) - math.log(loss)) / (math.log(8) - math.log(LEAST)) * (HEIGHT - TOP - BOTTOM)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="#fff"/>']
    for loss in LOSSES:
        out.append('<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>' % (LEFT, y(loss), WIDTH - RIGHT, LEFT - 6, y(loss) + 4, loss))
    for tokens in range(0, int(most) + 1, 5):
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%d</text>' % (x(tokens), HEIGHT - BOTTOM + 18, tokens))
    out.append('<text x="%d" y="%d" text-anchor="end">million tokens seen</text>' % (WIDTH - RIGHT, HEIGHT - 6))
    out.append('<text x="%d" y="%d">training loss, nats a token (logarithmic)</text>' % (LEFT + 150, TOP + 12))
    for number, (run, points) in enumerate(groupby(rows, key=lambda row: row[0])):
        points, colour = list(points), COLOURS[number % len(COLOURS)]
        out.append('<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>' % (colour, " ".join("%.1f,%.1f" % (x(t), y(l)) for _, t, l in points)))
        out.append('<text x="%.1f" y="%.1f" fill="%s">%s</text>' % (x(points[0][1]) + 2, y(points[0][2]) - 5, colour, run))
    Path(picture).write_text("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
