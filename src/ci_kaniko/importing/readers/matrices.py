"""The cells of a matrix, of whatever platform: a few lists make more jobs than anybody reads."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.importing.report import Report

    _Value = TypeVar("_Value")

Cell = dict[str, str]
MAX_CELLS = 50


def combined(lists: Mapping[str, Sequence[_Value]]) -> list[dict[str, _Value]]:
    """One item of each list with one of each other; hardly more than are followed."""
    rows = itertools.islice(itertools.product(*lists.values()), MAX_CELLS + 1)
    return [dict(zip(lists, row, strict=True)) for row in rows]


def followed(cells: list[Cell], report: Report, path: str, line: int, name: str) -> list[Cell]:
    """The cells that are followed; that there are more is told."""
    if len(cells) > MAX_CELLS:
        report.tell("matrix", path, line, name, MAX_CELLS)
    return cells[:MAX_CELLS]


def cell_name(cell: Cell, cells: list[Cell]) -> str:
    """What tells a cell from the others: one value where that is enough."""
    for name, value in cell.items():
        if value and len({other.get(name) for other in cells}) == len(cells):
            return value
    return "-".join(value for value in cell.values() if value)
