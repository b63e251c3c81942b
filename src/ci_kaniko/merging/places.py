"""Where the lines and the tokens of a YAML text begin and end."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.source.source import Lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLANKS = " \t\r\n\x85\u2028\u2029"
"""What a blank line consists of."""

_ENDS = ("", "\n", "\r", "\x85", "\u2028", "\u2029")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LAST_BREAK = re.compile(rf"(?:{_BREAK.pattern})\Z")
_HEADER = re.compile(r"[|>][-+0-9]*")
_SIGNS = {"KeyToken": "?", "BlockEntryToken": "-"}


def is_bare(text: str) -> bool:
    """Whether the last line has no end."""
    return text[-1:] not in _ENDS


def bared(text: str) -> str:
    """A text without the end of its last line."""
    return _LAST_BREAK.sub("", text)


class Block(NamedTuple):
    """A text behind ``|`` or ``>``; ``end`` is behind its last line.

    ``strips`` says that the end of the last line is not part of it, ``takes_blanks`` that blank
    lines behind it are, or may be.
    """

    start: int
    end: int
    strips: bool
    takes_blanks: bool


class Places:
    """Lines, the content between blank lines and comments, and entries.

    Lines begin where YAML 1.1 begins them, as the readers of most platforms do; they are counted
    for people as everywhere. ``block_on`` has the blocks by the start of the line that announces
    them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._counted = Lines(text)
        self._line_starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        self._blocks: dict[int, Block] = {}
        self.block_on: dict[int, Block] = {}
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._heads: dict[str, list[int]] = {"?": [], "-": []}
        self._columns: dict[tuple[str, int], list[int]] = {}

    def note(self, tokens: Iterable[Any]) -> None:
        """Remember where content stands and where the entries of block collections begin."""
        for token in tokens:
            start, end = token.start_mark.index, token.end_mark.index
            if sign := _SIGNS.get(type(token).__name__):
                self._heads[sign].append(start)
                column = start - self.line_start(start)
                self._columns.setdefault((sign, column), []).append(start)
            if getattr(token, "style", None) in {"|", ">"}:
                self._blocks[start] = block = self._block(start, end, token.value)
                self.block_on[self.line_start(start)] = block
                end = block.end
            if end > start:
                self._starts.append(start)
                self._ends.append(end)

    def _block(self, start: int, end: int, value: str) -> Block:
        match = _HEADER.match(self.text, start)
        header = match.group() if match else ""
        last = value.rstrip("\n").rpartition("\n")[2]
        takes_blanks = "+" in header or (last != "" and not last.strip(" \t"))
        if not takes_blanks:
            written = self.text[start:end].rstrip(BLANKS)
            end = self.line_end(start + len(written))
        return Block(start, end, "-" in header, takes_blanks)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset for people, from 1."""
        return self._counted.place(offset)

    def line_of(self, offset: int) -> int:
        """The number of a line for people, from 1."""
        return self.place(offset)[0]

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self._line_starts[bisect_right(self._line_starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the next line begins, or the end of the text."""
        number = bisect_right(self._line_starts, offset)
        return self._line_starts[number] if number < len(self._line_starts) else len(self.text)

    def line_at(self, start: int) -> str:
        """The line that begins at ``start``, without its end."""
        return self.text[start : self.line_end(start)].rstrip(BLANKS[2:])

    def lines(self, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """The lines that begin from ``start`` up to ``stop``, each with its offset."""
        while start < min(stop, len(self.text)):
            yield start, self.line_at(start)
            start = self.line_end(start)

    def end_before(self, limit: int) -> int:
        """Where the last piece of content that begins before ``limit`` ends."""
        number = bisect_left(self._starts, limit)
        return self._ends[number - 1] if number else 0

    def line_after(self, limit: int) -> int:
        """Where the first line begins behind all content that begins before ``limit``."""
        end = self.end_before(limit)
        return end if self.line_start(end) == end else self.line_end(end)

    def block_to(self, end: int) -> Block | None:
        """The block that ends there, with its last line."""
        number = bisect_left(self._starts, end)
        block = self._blocks.get(self._starts[number - 1]) if number else None
        return block if block and block.end == end else None

    def inner_end(self, end: int, column: int) -> int:
        """Behind the lines from ``end`` on that say nothing and are deeper than ``column``.

        After a block of text they would be read as a part of it.
        """
        for start, line in self.lines(end, len(self.text)):
            text = line.lstrip(" \t")
            if text and not text.startswith("#"):
                break
            if len(line) - len(text) > column:
                end = self.line_end(start)
            elif text:
                break
        return end

    def column(self, sign: str, offset: int) -> int:
        """The column of the entries of the block collection that begins at ``offset``."""
        heads = self._heads[sign]
        head = heads[bisect_left(heads, offset)]
        return head - self.line_start(head)

    def head(self, sign: str, column: int, offset: int) -> int:
        """Where the entry begins whose first value begins at ``offset``."""
        heads = self._columns[sign, column]
        number = bisect_right(heads, offset) if sign == "?" else bisect_left(heads, offset)
        return heads[number - 1]
