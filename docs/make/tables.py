"""Markdown for the generated pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A table; ``|`` in a cell is escaped.

    >>> print(table(("a", "b"), [["x|y", "z"]]))
    | a | b |
    | --- | --- |
    | x\|y | z |
    """
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(_row(cells) for cells in lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def code(text: str) -> str:
    """A text in code style; an empty one is nothing."""
    return f"`{text}`" if text else ""


def listed(words: Sequence[str], joint: str) -> str:
    """Words in a sentence.

    >>> listed(["a", "b", "c"], "or")
    'a, b or c'
    """
    *first, last = words or [""]
    return f"{', '.join(first)} {joint} {last}" if first else last
