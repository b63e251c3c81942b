"""A small plot, written by hand: times of a bare Python by the number of images, both in powers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT = 860, 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 670, 50, 460
_STRONG = ("#0b5fa5", "#c2410c", "#15803d", "#7e22ce", "#a16207")
_TITLE = "How many times as long as a bare Python, by the number of images"
_WEAK = "#8a8f98"
_LINE_HEIGHT = 15


def plot(ours: Mapping[str, Mapping[int, float]], peers: Mapping[str, Mapping[int, float]]) -> str:
    """An SVG: our lines in colours, those of the peers in grey, each with its name at its end."""
    lines = {**peers, **ours}
    counts = sorted({count for line in lines.values() for count in line})
    ceiling = max(value for line in lines.values() for value in line.values())
    axes = _Axes(counts, ceiling)
    colours = dict(zip(ours, _STRONG, strict=False))
    drawn = [*axes.grid()]
    for name, line in lines.items():
        drawn += axes.line(line, colours.get(name, _WEAK), 2.5 if name in ours else 1.2)
    drawn += axes.names(lines, colours)
    body = "\n".join(f"  {item}" for item in drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'role="img" font-family="sans-serif" font-size="12">\n'
        f'  <rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n'
        f'  <text x="{_LEFT}" y="28" font-size="15">{_TITLE}</text>\n'
        f"{body}\n</svg>\n"
    )


class _Axes:
    def __init__(self, counts: Sequence[int], ceiling: float) -> None:
        self.counts = counts
        self.right = math.log10(max(counts[-1], 10))
        self.decades = max(1, math.ceil(math.log10(ceiling)))

    def place(self, count: float, value: float) -> tuple[float, float]:
        across = math.log10(count) / self.right
        up = math.log10(max(value, 1)) / self.decades
        x = _LEFT + across * (_RIGHT - _LEFT)
        return round(x, 1), round(_BOTTOM - up * (_BOTTOM - _TOP), 1)

    def grid(self) -> list[str]:
        drawn = []
        for count in self.counts:
            x, _ = self.place(count, 1)
            drawn.append(_stroke([(x, _TOP), (x, _BOTTOM)], "#e3e5e8", 1))
            drawn.append(_text(x, _BOTTOM + 20, f"{count:,}", anchor="middle"))
        for decade in range(self.decades + 1):
            for step in (1, 2, 5):
                value = step * 10**decade
                if value <= 10**self.decades:
                    _, y = self.place(1, value)
                    drawn.append(_stroke([(_LEFT, y), (_RIGHT, y)], "#e3e5e8", 1))
                    drawn.append(_text(_LEFT - 8, y + 4, f"{value:,}", anchor="end"))
        drawn.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 42, "images", anchor="middle"))
        return drawn

    def line(self, line: Mapping[int, float], colour: str, width: float) -> list[str]:
        points = [self.place(count, value) for count, value in sorted(line.items())]
        dots = [
            f'<circle cx="{x}" cy="{y}" r="{width + 0.8:g}" fill="{colour}"/>' for x, y in points
        ]
        return [_stroke(points, colour, width), *dots]

    def names(
        self, lines: Mapping[str, Mapping[int, float]], colours: Mapping[str, str]
    ) -> list[str]:
        """Beside the ends of the lines, moved apart where they would cover one another."""
        ends = []
        for name, line in lines.items():
            last = max(line)
            ends.append((*self.place(last, line[last])[::-1], name))
        drawn, lowest = [], float(_TOP)
        for left, (y, x, name) in zip(range(len(ends))[::-1], sorted(ends), strict=True):
            lowest = min(max(lowest, y), _BOTTOM - left * _LINE_HEIGHT)
            colour = colours.get(name, "#4b5563")
            drawn.append(_stroke([(x + 4, y), (_RIGHT + 14, lowest)], "#d1d5db", 0.8))
            weight = ' font-weight="bold"' if name in colours else ""
            drawn.append(_text(_RIGHT + 18, lowest + 4, name, colour, weight))
            lowest += _LINE_HEIGHT
        return drawn


def _stroke(points: Sequence[tuple[float, float]], colour: str, width: float) -> str:
    listed = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{listed}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'


def _text(
    x: float, y: float, text: str, colour: str = "#111827", more: str = "", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}"{more}>'
        f"{escape(text)}</text>"
    )
