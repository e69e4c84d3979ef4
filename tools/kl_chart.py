#!/usr/bin/env python3
"""Draws the picture of the README from the results of quality_table.py (standard library only): kl_chart.py DIR TEXT > docs/quality.svg"""
import json
import math
import pathlib
import sys

ROWS = [("W4", "w4g64"), ("W3", "w3g64"), ("W2", "w2g64")]
KINDS = [("round to nearest", "rtn-{}", "#b9c0c8"), ("GPTQ, searched grids", "gptq-{}", "#1f5fa8")]
LEFT, WIDTH, BAR, GAP = 60, 560, 18, 26


def main():
    directory, text = pathlib.Path(sys.argv[1]), sys.argv[2]
    values = {(row, kind): json.loads((directory / f"{pattern.format(suffix)}-{text}.json").read_text())["kl"]
              for row, suffix in ROWS for kind, pattern, _ in KINDS}
    low, high = math.log10(0.05), math.log10(max(values.values()) * 1.05)

    def x(value):
        return LEFT + WIDTH * (math.log10(value) - low) / (high - low)

    out = []
    y = 58
    for row, _ in ROWS:
        out.append(f'<text x="{LEFT - 12}" y="{y + BAR + 3}" text-anchor="end" font-weight="bold">{row}</text>')
        for kind, _, colour in KINDS:
            value = values[row, kind]
            out.append(f'<rect x="{LEFT}" y="{y}" width="{x(value) - LEFT:.1f}" height="{BAR - 3}" fill="{colour}"/>')
            out.append(f'<text x="{x(value) + 6:.1f}" y="{y + 12}">{value:.3g}</text>')
            y += BAR
        y += GAP
    ticks = [t for t in (0.1, 0.3, 1, 3, 10) if low <= math.log10(t) <= high]
    grid = [f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="50" y2="{y - GAP + 4}" stroke="#ddd"/>'
            f'<text x="{x(t):.1f}" y="{y - GAP + 18}" text-anchor="middle" fill="#777">{t}</text>' for t in ticks]
    legend = []
    at = LEFT
    for kind, _, colour in KINDS:
        legend.append(f'<rect x="{at}" y="30" width="12" height="12" fill="{colour}"/><text x="{at + 17}" y="40">{kind}</text>')
        at += 40 + 7 * len(kind)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{y}" font-family="sans-serif" font-size="12">'
          f'<rect width="700" height="{y}" fill="white"/><text x="{LEFT}" y="18" font-size="14" font-weight="bold">KL divergence from full precision '
          f'(logarithmic; smaller is better)</text>{"".join(grid)}{"".join(legend)}{"".join(out)}</svg>')


if __name__ == "__main__":
    main()
