"""The jobs, steps, runs or manifests of a file, and which of them ci-kaniko owns."""

from __future__ import annotations

import re

from ci_kaniko.merging.places import BLANKS
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, NoReturn
from ci_kaniko.quick.records import NamedTuple, dataclass, field
from ci_kaniko.text.yaml import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.merging.syntax import Document, Node, Syntax
    from ci_kaniko.targets.target import Shape

_MARKER = "# ci-kaniko: "


class Entry(NamedTuple):
    """An entry and its lines, from ``start`` up to ``end``.

    ``label`` is the text of the marker above it. ``core`` is where the line of the marker begins,
    or the ``---`` before that, and ``full`` where the empty line above begins. Without a marker
    both are ``start``.
    """

    name: str
    label: str
    node: Node
    value: Node
    first: int
    last: int
    full: int
    core: int
    start: int
    end: int


@dataclass
class Collection:
    """The entries of a file, which are ``value`` in the document ``body``.

    ``floor`` is where the first entry stands or can stand. ``column`` is None when nothing is
    written yet; ``parent`` is the column of the key that holds the entries, if one does.
    ``gives_up_stages`` says that a list of stages with a marker is not needed any more.
    """

    syntax: Syntax
    shape: Shape
    documents: list[Document]
    body: Document | None = None
    value: Node | None = None
    column: int | None = None
    parent: int | None = None
    floor: int = 0
    entries: list[Entry] = field(default_factory=list)
    gives_up_stages: bool = False

    @property
    def is_empty_file(self) -> bool:
        """Whether the file says nothing at all."""
        return all(document.root.absent for document in self.documents)

    @property
    def tail(self) -> int:
        """Behind the last entry of ours, or else of all and the comments that belong to it."""
        places, text = self.syntax.places, self.syntax.text
        if self.own:
            return self.own[-1].end
        if self.shape.kind == "documents":
            return len(text)
        if not self.entries:
            return self.floor
        column, end = self.column or 0, self.entries[-1].end
        return places.inner_end(self._behind_comments(end, column), column)

    def _behind_comments(self, end: int, column: int) -> int:
        """Behind the comments that touch the last entry, unless they touch the next key as well."""
        places, behind = self.syntax.places, end
        for start, line in places.lines(end, len(self.syntax.text)):
            text = line.lstrip(" ")
            depth = len(line) - len(text)
            if not text.startswith("#") or depth < column:
                return end if text and depth == column else behind
            behind = places.line_end(start)
        return behind

    @property
    def own(self) -> list[Entry]:
        """The entries with a marker; a list of stages only when nobody needs it any more."""
        return [entry for entry in self.entries if self._is_own(entry)]

    @property
    def foreign(self) -> list[Entry]:
        """The author's entries."""
        return [entry for entry in self.entries if not self._is_own(entry)]

    def _is_own(self, entry: Entry) -> bool:
        if self.is_stages(entry):
            return self.gives_up_stages and entry.label == self.shape.stages
        return bool(entry.label)

    @property
    def stages(self) -> Entry | None:
        """The list of stages."""
        return next(filter(self.is_stages, self.entries), None)

    def is_stages(self, entry: Entry) -> bool:
        """Whether an entry is no job but the list of stages."""
        return bool(self.shape.stages) and entry.name == self.shape.stages


def labels_in(text: str) -> set[str]:
    """What the markers of a file say."""
    lines = (line.strip() for line in text.splitlines())
    return {line.removeprefix(_MARKER) for line in lines if line.startswith(_MARKER)}


def label_of(name: str) -> str:
    """What the marker of an entry says."""
    return name if name == name.strip() and name.isprintable() else scalar(name)


def marker(name: str, column: int) -> str:
    """The line above an entry that ci-kaniko owns."""
    return f"{' ' * column}{_MARKER}{label_of(name)}"


def locate(syntax: Syntax, shape: Shape) -> Collection:
    """The entries of a file; raises SpecError when it cannot have any."""
    current = Collection(syntax, shape, syntax.documents)
    if shape.kind == "documents":
        current.entries = [_manifest(syntax, document, shape) for document in syntax.documents]
        return current
    if not current.documents:
        current.floor = _behind_content(syntax, len(syntax.text))
        return current
    current.body = body = _body(syntax, shape)
    current.value = body.root
    if body.root.absent:
        current.floor = _behind_content(syntax, body.end)
        return current
    if shape.key and body.root.kind != "sequence":
        return _under_key(current, body)
    if body.root.kind != shape.kind:
        _refuse(syntax, body.root, f"expected {shape.whole}", "is this the right file?")
    return _fill(current, body.root)


def _behind_content(syntax: Syntax, limit: int) -> int:
    """Behind the last line before ``limit`` that is not empty."""
    written = syntax.text[:limit].rstrip(BLANKS[2:])
    return syntax.places.line_end(len(written)) if written else 0


def _body(syntax: Syntax, shape: Shape) -> Document:
    """The document that holds the entries; there may be a header before it."""
    first, *others = syntax.documents
    if shape.header and others and first.root.get(shape.header):
        first, *others = others
    if others:
        start = others[0].start
        line = syntax.places.line_of(first.start or first.root.offset)
        message = f"a second YAML document starts here, and the first one on line {line}"
        hint = "ci-kaniko cannot tell which one to edit: keep one of them"
        raise SpecError([syntax.problem(message, start or 0, hint, len("---"))])
    return first


def _under_key(current: Collection, body: Document) -> Collection:
    """The entries below a key such as ``jobs:``."""
    syntax, key = current.syntax, current.shape.key
    pairs = [pair for pair in body.root.pairs if pair[0].real.text == key]
    if not pairs:
        where = f'a line "{key}:"' if body.root.pairs else f'"{key}:" with {current.shape.whole}'
        _refuse(syntax, body.root, f'there is no "{key}:" in this file', f"add {where}")
    if len(pairs) > 1:
        line = syntax.line_of(pairs[0][0])
        message = f'"{key}:" is given a second time here, first on line {line}'
        _refuse(syntax, pairs[1][0], message, "keep one of the two")
    name, value = pairs[0]
    current.parent, current.value = name.column, value
    if value.absent and value.offset == value.end:
        below = syntax.places.line_end(value.offset)
        current.floor = syntax.places.inner_end(below, name.column)
        return current
    if value.kind != current.shape.kind:
        said = "an alias" if value.kind == "alias" else f"not {current.shape.whole}"
        hint = f"write {current.shape.whole} below it"
        _refuse(syntax, value, f'"{key}:" on line {syntax.line_of(name)} is {said}', hint)
    return _fill(current, value)


def _refuse(syntax: Syntax, node: Node, message: str, hint: str) -> NoReturn:
    raise SpecError([syntax.problem_at(node, message, hint)])


def _fill(current: Collection, node: Node) -> Collection:
    """Find where each entry of a block collection begins and ends."""
    current.value = node
    if node.flow:
        return current
    places = current.syntax.places
    sign = "?" if node.kind == "mapping" else "-"
    column = places.column(sign, node.offset)
    members = node.pairs or [(item, item) for item in node.children]
    heads = [places.head(sign, column, key.offset) for key, _ in members]
    current.column = column
    current.floor = places.line_start(heads[0])
    for (key, value), head, limit in zip(members, heads, [*heads[1:], node.end], strict=True):
        name = key.real.text if node.kind == "mapping" else _name(value, current.shape)
        current.entries.append(_entry(current.syntax, name, (key, value), head, limit))
    return current


def _name(item: Node, shape: Shape) -> str:
    """What a list item is called; empty when it has no name."""
    values = (item.real.get(key) for key in shape.names)
    return next((value.real.text for value in values if value), "")


def _entry(syntax: Syntax, name: str, member: tuple[Node, Node], head: int, limit: int) -> Entry:
    key, value = member
    places = syntax.places
    start = places.line_start(head)
    label, core = "", start
    if start and not syntax.text[start:head].strip(" "):
        above = places.line_start(start - 1)
        if places.end_before(head) <= above:
            label = _label(places.line_at(above), head - start)
            core = above if label else start
    full = _with_blank(syntax, core) if label else core
    end = places.line_after(limit)
    if label:
        end = places.inner_end(end, head - start)
    return Entry(name, label, key, value, key.first, value.last, full, core, start, end)


def _label(line: str, column: int) -> str:
    """What a marker in that column says; empty when the line is none."""
    match = re.fullmatch(rf" {{{column}}}{_MARKER}(\S.*)", line.rstrip())
    return match.group(1) if match else ""


def _with_blank(syntax: Syntax, start: int) -> int:
    """Where the empty line above a line begins, when it is not part of some text."""
    if not start:
        return start
    above = syntax.places.line_start(start - 1)
    is_free = not syntax.places.line_at(above) and syntax.places.end_before(start) <= above
    return above if is_free else start


def _manifest(syntax: Syntax, document: Document, shape: Shape) -> Entry:
    """A document of a Kubernetes file; its marker is the line behind ``---``."""
    places, root = syntax.places, document.root
    metadata = root.get("metadata")
    name = _name(metadata, shape) if metadata else ""
    core = places.line_start(document.start if document.start is not None else root.offset)
    label, start = "", core
    if document.start is not None:
        below = places.line_end(document.start)
        if below <= root.offset:
            label = _label(places.line_at(below), 0)
        start = places.line_end(below) if label else core
    end = places.line_after(document.end)
    if label:
        end = places.inner_end(end, 0)
    return Entry(name, label, root, root, document.first, document.last, core, core, start, end)


def nested_names(current: Collection) -> Iterator[tuple[str, Node]]:
    """Names that count beside those of the author's entries: of merged mappings, of groups."""
    for entry in current.foreign:
        if current.shape.kind == "sequence":
            steps = entry.value.real.get("steps")
            for step in steps.real.children if steps else ():
                yield _name(step, current.shape), step
        elif entry.name == "<<" and entry.node.plain:
            value = entry.value.real
            for origin in value.children if value.kind == "sequence" else [value]:
                yield from ((name.real.text, entry.node) for name, _ in origin.real.pairs)


def named(current: Collection) -> Iterator[Node]:
    """Everything that has an anchor or is an alias, in the order of the file."""
    pending = [document.root for document in reversed(current.documents)]
    while pending:
        node = pending.pop()
        if node.anchor:
            yield node
        pending += reversed(node.children)
