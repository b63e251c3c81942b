"""A flowchart as a picture, for the site: GitHub draws the same text by itself."""

from __future__ import annotations

import re
from html import escape

_WIDTH, _HEIGHT, _ROW, _CHART = 104, 30, 74, 760


def picture(text: str) -> str:
    """What stands in a block of mermaid, ``flowchart BT`` with an arrow a line.

    Each box stands one row below the lowest of those that it points at.
    """
    arrows = re.findall(r"(?m)^ *(\w+) --> (\w+)$", text)
    places = _places(arrows)
    rows = max(y for _, y in places.values()) + _HEIGHT
    drawn = [_arrow(*places[start], *places[end]) for start, end in arrows]
    drawn += [_box(name, *place) for name, place in places.items()]
    return (
        f'<svg class="flowchart" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {_CHART} {rows:g}"><title>Which room takes from which</title>'
        f"{''.join(drawn)}</svg>"
    )


def _places(arrows: list[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """The middle of each box: beside others of its row, below what it points at."""
    ends: dict[str, list[str]] = {}
    for start, end in arrows:
        ends.setdefault(start, []).append(end)
        ends.setdefault(end, [])
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 1 + max((depth(end) for end in ends[name]), default=-1)
        return depths[name]

    rows: dict[int, list[str]] = {}
    for name in ends:
        rows.setdefault(depth(name), []).append(name)
    found: dict[str, tuple[float, float]] = {}
    for number in sorted(rows):
        over = {name: [found[end][0] for end in ends[name]] for name in rows[number]}
        ordered = sorted(rows[number], key=lambda name: sum(over[name]) / max(1, len(over[name])))
        gap = _CHART / (len(ordered) + 1)
        # Rows of one box lean to a side by turns, or the long arrows would lie behind each other.
        lean = (-1) ** number * _CHART / 8 if len(ordered) == 1 else 0
        for place, name in enumerate(ordered, start=1):
            found[name] = (gap * place + lean, _ROW * number + _HEIGHT / 2)
    return found


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    start, end = y - _HEIGHT / 2, to_y + _HEIGHT / 2
    half = (start - end) / 2
    return (
        f'<path d="M{x:g} {start:g}C{x:g} {start - half:g} {to_x:g} {end + half:g} '
        f'{to_x:g} {end + 5:g}"/><path class="tip" d="M{to_x - 4:g} {end + 8:g}L{to_x:g} {end:g}'
        f'L{to_x + 4:g} {end + 8:g}z"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    return (
        f'<rect x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="5"/><text x="{x:g}" y="{y + 5:g}">{escape(name)}</text>'
    )
