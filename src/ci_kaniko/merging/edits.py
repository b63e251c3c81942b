"""The text of a file with ci-kaniko's entries in their places."""

from __future__ import annotations

from ci_kaniko.merging.matching import arrange
from ci_kaniko.merging.places import bared
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.merging.entries import Collection, Entry
    from ci_kaniko.merging.pieces import Piece
    from ci_kaniko.merging.restyle import Style
    from ci_kaniko.problems.problem import Problem


class Edit(NamedTuple):
    """What stands from ``start`` up to ``end`` becomes ``text``."""

    start: int
    end: int
    text: str


class Editor:
    """Puts pieces into a file; ``is_bare`` says that the file has no line end at its end.

    The syntax that it edits always has one there.
    """

    def __init__(self, current: Collection, style: Style, *, is_bare: bool) -> None:
        self.current = current
        self.places = current.syntax.places
        self.style = style
        self.is_bare = is_bare
        self.edits: list[Edit] = []

    def put(self, pieces: Sequence[Piece], *, ordered: bool) -> str:
        """The file with exactly these pieces, and without what is ours and not among them."""
        own = self.current.own
        names = [piece.name for piece in pieces]
        places, follows = arrange([entry.name for entry in own], names, ordered=ordered)
        replacing = {places[piece.name]: piece for piece in pieces if piece.name in places}
        for run in _touching(own):
            self._replace([(own[number], replacing.get(number)) for number in run])
        for number in dict.fromkeys(follows.values()):
            new = [piece for piece in pieces if follows.get(piece.name) == number]
            self._insert(new, own, number)
        return self._applied()

    def _replace(self, run: list[tuple[Entry, Piece | None]]) -> None:
        """Replace and remove entries that touch.

        What stays first in their place keeps the empty line, or none, that the first one had.
        """
        at, is_first = run[0][0].core, True
        for entry, piece in run:
            if piece:
                self.edits.append(Edit(at if is_first else entry.core, entry.end, piece.text))
                is_first = False
            elif not is_first:
                self.edits.append(Edit(entry.full, entry.end, ""))
        if is_first:
            self._remove(run[0][0].full, run[-1][0].end)

    def _remove(self, start: int, end: int) -> None:
        """Remove lines, unless a text above would then go on with blank lines from below."""
        block = self.places.block_to(start)
        if (
            block
            and block.takes_blanks
            and end < len(self.current.syntax.text)
            and not self.places.line_at(end).strip()
        ):
            above = self.places.line_of(block.start)
            message = (
                f"the text of line {above} would go on with this line, were ci-kaniko's lines gone"
            )
            hint = "remove the blank lines from here on"
            raise SpecError([self.current.syntax.problem(message, end, hint)])
        self.edits.append(Edit(start, end, ""))

    def _insert(self, new: list[Piece], own: list[Entry], number: int) -> None:
        """Insert behind the entry of a number; -1 is before the first, if there is one."""
        if number >= 0:
            self._insert_at(own[number].end, new)
        elif own:
            self._insert_at(own[0].full, new, before=own[0])
        else:
            self._insert_at(self._end(new[-1]), new)

    def _insert_at(self, offset: int, new: list[Piece], before: Entry | None = None) -> None:
        is_spaced = self.style.spaced and self.current.shape.kind != "documents"
        blank = self.style.line_end if is_spaced else ""
        text = blank.join(piece.text for piece in new)
        above = self._line_above(offset)
        if above and not self._opens(offset, above):
            text = blank + text
        elif before and before.full == before.core:
            text += blank
        self.edits.append(Edit(offset, offset, text))

    def _line_above(self, offset: int) -> str:
        """What stands in the line above; empty when a blank line would join a text there."""
        if (block := self.places.block_to(offset)) and block.takes_blanks:
            return ""
        start = self.places.line_start(offset - 1) if offset else 0
        return self.current.syntax.text[start:offset].strip()

    def _opens(self, offset: int, above: str) -> bool:
        """Whether the collection begins here, right below its key or the ``---``."""
        entries = self.current.entries
        return not above.startswith("#") and not any(entry.end <= offset for entry in entries)

    def _end(self, last: Piece) -> int:
        """Where new entries go in a file that has none of ours."""
        offset = self.current.tail
        if not self.is_bare or offset < len(self.current.syntax.text):
            return offset
        block = self.places.block_to(offset)
        is_text = block is not None and not block.strips
        if not is_text and not last.ends_in_block:
            return offset
        earlier = self._before_last()
        if earlier is None and block and is_text:
            raise SpecError([self._no_line_end(block.start)])
        return offset if earlier is None else earlier

    def _before_last(self) -> int | None:
        """A place before the author's last entry and its comments, if there is one."""
        entries = self.current.entries
        if self.current.shape.kind == "documents":
            last = self.current.documents[-1] if entries else None
            return last.start if last and not last.has_directives else None
        if not entries:
            return None
        floor = self.places.line_after(entries[-1].start)
        lines = list(self.places.lines(floor, entries[-1].start))
        while lines and lines[-1][1].strip():
            lines.pop()
        while lines and not lines[-1][1].strip():
            lines.pop()
        place = self.places.line_end(lines[-1][0]) if lines else floor
        return self.places.inner_end(place, self.current.column or 0)

    def _no_line_end(self, offset: int) -> Problem:
        message = "a text begins here that ends with the file, without a line end"
        hint = "end the file with a line end: ci-kaniko cannot add one without changing the text"
        return self.current.syntax.problem(message, offset, hint)

    def _applied(self) -> str:
        text, at, parts = self.current.syntax.text, 0, []
        for edit in sorted(self.edits):
            parts += [text[at : edit.start], _apart(text, edit)]
            at = edit.end
        merged = "".join([*parts, text[at:]])
        if self.is_bare and not self._ends_in_text():
            return bared(merged)
        return merged

    def _ends_in_text(self) -> bool:
        """Whether a text of the author, to which its last line end belongs, has become the end."""
        end = at = len(self.current.syntax.text)
        for edit in sorted(self.edits, reverse=True):
            if edit.end == at:
                if edit.text:
                    return False
                at = edit.start
        block = self.places.block_to(at)
        return at < end and block is not None and not block.strips


def _apart(around: str, edit: Edit) -> str:
    """Its text with line ends that make none with those around: that would be one line less."""
    text = edit.text
    if around[edit.start - 1 : edit.start] == "\r" and text.startswith("\n"):
        text = f"\r{text[1:]}"
    if around.startswith("\n", edit.end) and text.endswith("\r"):
        text = f"{text[:-1]}\n"
    return text


def _touching(own: list[Entry]) -> list[list[int]]:
    """The numbers of entries, those together that have nothing between them."""
    runs: list[list[int]] = []
    for number, entry in enumerate(own):
        if number and own[number - 1].end == entry.full:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
