"""Rendered entries as they go into a file: marked, and in its style."""

from __future__ import annotations

from ci_kaniko.merging.entries import locate, marker
from ci_kaniko.merging.restyle import restyled
from ci_kaniko.merging.stages import new_list
from ci_kaniko.merging.syntax import read
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.marks import after_mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.merging.entries import Collection, Entry
    from ci_kaniko.merging.restyle import Style


class Piece(NamedTuple):
    """An entry with its marker; ``ends_in_block`` says that its last line end is text."""

    name: str
    text: str
    ends_in_block: bool


def pieces(
    current: Collection, rendered: Collection, style: Style, stages: Sequence[str]
) -> Iterator[Piece]:
    """The rendered entries for a file, and a list of stages before them when it needs one."""
    column = _column(current, style)
    if stages:
        source = locate(read(new_list(current, rendered, stages), "<stages>"), current.shape)
        yield _piece(source, source.entries[0], column, style)
    for entry in rendered.entries:
        if not rendered.is_stages(entry):
            yield _piece(rendered, entry, column, style)


def _column(current: Collection, style: Style) -> int:
    if current.column is not None:
        return current.column
    if current.parent is None:
        return 0
    return current.parent + (style.width if current.shape.kind == "mapping" else style.dash)


def _piece(source: Collection, entry: Entry, column: int, style: Style) -> Piece:
    places = source.syntax.places
    start = entry.start
    lines = [marker(entry.name, column)]
    if source.shape.kind == "documents":
        start = places.line_start(entry.value.offset)
        lines.insert(0, "---")
    head = "".join(line + style.line_end for line in lines)
    block = places.block_to(entry.end)
    ends_in_block = block is not None and not block.strips
    body = restyled(source.syntax, start, entry.end, column, style)
    return Piece(entry.name, head + body, ends_in_block)


def whole_file(rendered: Collection, line_end: str) -> str:
    """All that was rendered, its header left out, with a marker above each entry."""
    text, at, parts = rendered.syntax.text, 0, []
    if after_mark(text) is not None:
        at = len(text) - len(text.partition("\n")[2].lstrip("\n"))
    for entry in rendered.entries:
        column = rendered.column or 0
        parts += [text[at : entry.start], marker(entry.name, column), "\n"]
        at = entry.start
    return "".join([*parts, text[at:]]).replace("\n", line_end)
