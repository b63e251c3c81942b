"""Rendered entries in the style of the file that they go into."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.merging.entries import Collection
    from ci_kaniko.merging.syntax import Node, Syntax

_LINE_END = re.compile("\r\n?|\n")
_BLOCK = re.compile(r"[|>]([-+]?)([1-9]?)[-+]?$")
_DASH = "- "


class Style(NamedTuple):
    """How a file is written: columns per level, columns of a dash below its key, line ends.

    ``spaced`` says that entries have blank lines between them.
    """

    width: int = 2
    dash: int = 2
    line_end: str = "\n"
    spaced: bool = True


def style_of(current: Collection) -> Style:
    """The style of what the author wrote; of equally common ones the first in the file."""
    first = _LINE_END.search(current.syntax.text)
    widths: Counter[int] = Counter()
    dashes: Counter[int] = Counter()
    for column, value in _nested(current):
        (widths if value.kind == "mapping" else dashes)[value.column - column] += 1
    return Style(
        _most_common(widths, least=1),
        _most_common(dashes, least=0),
        first.group() if first else "\n",
        _is_spaced(current),
    )


def _most_common(counts: Counter[int], *, least: int) -> int:
    return next((number for number, _ in counts.most_common() if least <= number <= 9), 2)


def _nested(current: Collection) -> Iterator[tuple[int, Node]]:
    """Every block collection that the author gave a key, and the column of the mapping."""
    own = {event for entry in current.own for event in (entry.node.first, entry.value.first)}
    pending = [document.root for document in reversed(current.documents)]
    while pending:
        node = pending.pop()
        if node.first in own:
            continue
        pending += reversed(node.children)
        is_plain = not node.anchor and not node.tag
        for key, value in node.pairs:
            is_block = value.kind in {"mapping", "sequence"} and not value.flow
            if is_block and not value.anchor and not value.tag and value.first not in own:
                yield node.column if is_plain else key.column, value


def _is_spaced(current: Collection) -> bool:
    """Whether most neighbours have a blank line between them."""
    own = {entry.start for entry in current.own}
    places = current.syntax.places
    gaps = [
        any(not line.strip() for _, line in places.lines(above.end, below.core))
        for above, below in pairwise(current.entries)
        if own.isdisjoint((above.start, below.start))
    ]
    return 2 * sum(gaps) >= len(gaps)


def restyled(source: Syntax, start: int, end: int, column: int, style: Style) -> str:
    """The lines of a rendered entry from ``start`` to ``end``, moved to another column."""
    places, lines = source.places, _Lines(column, style)
    while start < end:
        block = places.block_on.get(start)
        behind = places.line_end(start)
        if block:
            body = [line for _, line in places.lines(behind, block.end)]
            lines.block(places.line_at(start), body)
            behind = max(behind, block.end)
        else:
            lines.add(places.line_at(start))
        start = behind
    return "".join(line + style.line_end for line in lines.done)


class _Level(NamedTuple):
    """A column of the rendered text, and the one that it becomes."""

    old: int
    new: int
    is_dash: bool


class _Lines:
    """Moves line after line; rendered text is regular, so its columns tell the levels."""

    def __init__(self, column: int, style: Style) -> None:
        self.column = column
        self.style = style
        self.levels: list[_Level] = []
        self.comments: list[str] = []
        self.done: list[str] = []

    def add(self, line: str) -> None:
        """A line that is no part of a block."""
        text = line.lstrip(" ")
        if text.startswith("#"):
            self.comments.append(text)
            return
        old = len(line) - len(text)
        new = self._place(old, text) if text else 0
        self.done += [" " * new + comment for comment in self.comments]
        self.comments.clear()
        self.done.append(" " * new + text)

    def block(self, header: str, body: list[str]) -> None:
        """The line that announces a block, and the lines of the block."""
        self.add(header)
        match = _BLOCK.search(header)
        level = self.levels[-1]
        step = self.style.width
        if match and header[: match.start()].strip(_DASH) == "":
            level, step = self.levels[-2], len(_DASH)
        old = next((len(line) - len(line.lstrip(" ")) for line in body if line.strip()), 0)
        if match and match.group(2):
            old = level.old + int(match.group(2))
            self.done[-1] = _with_digit(self.done[-1], step)
        margin = " " * (level.new + step)
        self.done += [margin + line[old:] if line[old:] else "" for line in body]

    def _place(self, old: int, text: str) -> int:
        """The new column of a line; its levels are noted."""
        while self.levels and self.levels[-1].old > old:
            self.levels.pop()
        if not self.levels or self.levels[-1].old < old:
            self._enter(old, text)
        new = self.levels[-1].new
        while text.startswith(_DASH):
            rest = text[1:].lstrip(" ")
            old, text = old + len(text) - len(rest), rest
            self._enter(old, text)
        return new

    def _enter(self, old: int, text: str) -> None:
        is_dash = text.startswith(_DASH)
        if not self.levels:
            new = self.column
        elif self.levels[-1].is_dash:
            new = self.levels[-1].new + len(_DASH)
        else:
            new = self.levels[-1].new + (self.style.dash if is_dash else self.style.width)
        self.levels.append(_Level(old, new, is_dash))


def _with_digit(header: str, digit: int) -> str:
    """A block's header with another indentation indicator."""
    match = _BLOCK.search(header)
    assert match
    return header[: match.start(2)] + str(digit) + header[match.end(2) :]
