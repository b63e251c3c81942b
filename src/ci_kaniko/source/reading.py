"""The text of a spec as a small tree of nodes that know where they were written."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ci_kaniko.problems.problem import Problem, SpecError, in_file_order
from ci_kaniko.text.display import MASK, shown, shown_line
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.problems.problem import Severity

MAX_BYTES = 1024 * 1024
_KEY = "PRIVATE KEY"
_KEY_LINE = pattern(r"[ \t]*(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info): .*)[ \t]*")
MAX_DEPTH = 64
MAX_NODES = 100_000
_MAX_PROBLEMS = 1000
_MAX_TAG_DIRECTIVES = 100
_MAX_QUOTED = 50
_MAX_KEY = 1024
_CERTAIN = 120

_BOM = "\ufeff"
_BREAK = pattern("\r\n?|\n")
_OTHER_BREAKS = "\x85\u2028\u2029"
"""Line breaks for YAML 1.1, so for PyYAML; none for YAML 1.2 and editors."""
_BLANK = " \t"
_BINARY = bytes(sorted(set(range(32)) - set(b"\t\n\r")))
_WIDE_BLANKS = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_ORDINARY = "indent with ordinary blanks"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))
_SCALAR_TAGS = _PLAIN_TAGS | {"!", _CORE + "str"}
_MAPPING_TAGS = frozenset(("!", _CORE + "map"))
_SEQUENCE_TAGS = frozenset(("!", _CORE + "seq"))


class Place(NamedTuple):
    """Where something is written; lines and columns count from 1, in characters."""

    line: int
    column: int
    end_line: int
    end_column: int


_START = Place(1, 1, 1, 1)


class Node:
    """A piece of a spec and its place in the text.

    A node that is reached through an alias keeps the place where it was written.
    """

    __slots__ = ("column", "end_column", "end_line", "line")

    def __init__(self, place: Place = _START) -> None:
        self.line, self.column, self.end_line, self.end_column = place


class Scalar(Node):
    """A piece of text; ``plain`` says that it was neither quoted nor tagged as a string."""

    __slots__ = ("plain", "text")

    def __init__(self, text: str, *, plain: bool, place: Place = _START) -> None:
        super().__init__(place)
        self.text = text
        self.plain = plain


class Sequence(Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, items: list[Node], place: Place = _START) -> None:
        super().__init__(place)
        self.items = items


class Mapping(Node):
    """Keys and values in the order they were written, merged keys where ``<<`` stood."""

    __slots__ = ("_index", "items")

    def __init__(self, items: list[tuple[Scalar, Node]], place: Place = _START) -> None:
        super().__init__(place)
        self.items = items
        self._index: dict[str, tuple[Scalar, Node]] | None = None

    def entry(self, key: str) -> tuple[Scalar, Node] | None:
        """The node of a key and of its value; ``items`` may not change afterwards."""
        if self._index is None:
            self._index = {item[0].text: item for item in self.items}
        return self._index.get(key)

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        entry = self.entry(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Scalar | None:
        """The node of a key itself."""
        entry = self.entry(key)
        return entry[0] if entry else None


class _Unknown(Scalar):
    """Stands in for an alias that names nothing."""

    __slots__ = ()


class Lines:
    """The lines of a text as YAML 1.2 and editors count them: LF, CR LF or CR ends one."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset, from 1."""
        number = bisect_right(self._starts, offset)
        return number, offset - self._starts[number - 1] + 1


class Source:
    """A spec's text, its tree, and what is needed to point at a place in it.

    ``path`` is what messages call it. ``place`` leads to a file from the root of its repository;
    a text that was read from elsewhere has none.
    """

    __slots__ = (
        "_key_masks",
        "_lines",
        "_masks",
        "_views",
        "path",
        "place",
        "problems",
        "root",
        "text",
    )

    def __init__(self, path: str, text: str, root: Mapping | None = None) -> None:
        self.path = path
        self.place: str | None = None
        self.text = text
        self.root = root or Mapping([])
        self.problems: list[Problem] = []
        self._lines: list[str] | None = None
        self._masks: dict[int, list[tuple[int, int]]] = {}
        self._key_masks: dict[int, list[tuple[int, int]]] | None = None
        self._views: dict[int, str] = {}

    def line(self, number: int) -> str:
        """The text of a line as it was written; empty where there is no such line."""
        if self._lines is None:
            self._lines = _lines(self.text)
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def locate(self, where: tuple[str | int, ...]) -> tuple[Scalar | None, Node]:
        """The deepest node along ``where``, and its key when it is the value of a mapping.

        ``where`` is like pydantic's ``loc``: elements that match nothing (the tags of unions,
        ``"[key]"``) are skipped.
        """
        key: Scalar | None = None
        node: Node = self.root
        for step in where:
            if isinstance(node, Mapping) and isinstance(step, str) and (entry := node.entry(step)):
                key, node = entry
            elif isinstance(node, Sequence) and step in range(len(node.items)):
                key, node = None, node.items[int(step)]
        return key, node

    def problem(
        self,
        rule: str,
        message: str,
        node: Node,
        hint: str = "",
        severity: Severity = "error",
        where: str = "",
    ) -> Problem:
        """A problem at a node; nothing in it shows what looks like a credential."""
        end = node.end_column
        if node.end_line != node.line:
            end = len(self.line(node.line).rstrip()) + 1
        return Problem(
            rule=rule,
            message=shown(message),
            hint=shown(hint),
            severity=severity,
            path=self.path,
            where=shown(where),
            line=node.line,
            column=node.column,
            excerpt=self._view(node.line),
            width=max(1, end - node.column),
        )

    def mask(self, node: Node) -> None:
        """Never show the text of a node: problems made from now on have ``*`` in its place."""
        for number in range(node.line, node.end_line + 1):
            text = self.line(number)
            start = node.column if number == node.line else _indent(text) + 1
            end = node.end_column if number == node.end_line else len(text) + 1
            if start < end:
                self._masks.setdefault(number, []).append((start, end))
                self._views.pop(number, None)

    def _view(self, number: int) -> str:
        """A line as it may be shown, every character in its column."""
        if number not in self._views:
            text = self.line(number)
            for start, end in (*self._masks.get(number, ()), *self._keys().get(number, ())):
                text = text[: start - 1] + MASK * (end - start) + text[end - 1 :]
            self._views[number] = shown_line(text)
        return self._views[number]

    def _keys(self) -> dict[int, list[tuple[int, int]]]:
        """The columns of the lines below the first one of each private key."""
        if self._key_masks is None:
            self._key_masks = {}
            inside = False
            for number, text in enumerate(_lines(self.text) if _KEY in self.text else (), 1):
                inside = inside and _KEY_LINE.fullmatch(text) is not None
                if inside:
                    self._key_masks[number] = [(_indent(text) + 1, len(text) + 1)]
                inside = inside or ("-----BEGIN" in text and _KEY in text)
        return self._key_masks


def read(path: str | os.PathLike[str]) -> str:
    """The text of a spec file; never blocks, and stops at what a spec may hold."""
    path = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            _refuse_kind(path)
        if os.path.realpath(path) != os.path.abspath(path) and _leads_out(path):
            message = "this is a link that leads out of the repository"
            _refuse(path, "not-a-file", message, "name the file itself with --spec PATH")
        with open(path, "rb", buffering=0, opener=_open_now) as file:
            data = _first_bytes(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        hint = "name the file with --spec PATH"
        _refuse(path, "no-spec", "there is no such file", hint)
    except PermissionError:
        hint = "make the file readable for the user who runs ci-kaniko"
        _refuse(path, "unreadable", "no permission to read this file", hint)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _refuse(path, "unreadable", f"cannot read this file: {reason.lower()}")
    return decode(data, path)


def decode(data: bytes, path: str) -> str:
    """The text of a spec that was read as bytes."""
    if len(data) > MAX_BYTES:
        _refuse_size(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "the file is in UTF-16, a Windows default: save it as UTF-8"
        _refuse_byte(data, 0, path, "not-utf8", "the text is not in UTF-8", hint)
    data = data.removeprefix(_BOM.encode())
    if b"\0" in data:
        _refuse_binary(data, data.index(b"\0"), path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if any(byte in data for byte in _BINARY):
            _refuse_binary(data, error.start, path)
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        _refuse_byte(data, error.start, path, "not-utf8", message, "save the file as UTF-8")


def parse(text: str, path: str) -> Source:
    """The tree of a spec's text.

    Raises SpecError with everything that is wrong, up to where reading could not go on.
    """
    source = survey(text, path)
    if source.problems:
        raise SpecError(source.problems)
    return source


def survey(text: str, path: str) -> Source:
    """The tree of a spec's text, of a doubled key the last; ``problems`` says which are doubled.

    Raises SpecError as ``parse`` does for everything else.
    """
    if len(text) > MAX_BYTES:
        _refuse_size(path)
    source = Source(path, text.lstrip(_BOM))
    _check_characters(source)
    _check_directives(source)
    source.root = _Builder(source).build()
    return source


def events_of(text: str) -> Iterator[Any]:
    """PyYAML's events; every one that stands before a mistake comes before its exception.

    libyaml reads up to 1,024 characters ahead and has a limit of its own for brackets, so without
    this a text that is nested too deeply for us would be refused in its words, or not, by release.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    count = end = 0
    try:
        for event in events:
            count, end = count + 1, event.end_mark.index
            yield event
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        openings = [n for n in range(end, mark.index) if text[n] in "[{"]
        for last in openings[_CERTAIN::_CERTAIN]:
            for event in _before(text[: last + 1], count):
                count += 1
                yield event
        raise


def portable_events(text: str) -> Iterator[Any]:
    """PyYAML's events as a reader of YAML 1.2 has them: only LF, CR LF and CR end a line.

    What YAML 1.1 takes for a line break, too, is another character while PyYAML reads.
    """
    found = [] if text.isascii() else [one for one in _OTHER_BREAKS if one in text]
    if not found:
        yield from events_of(text)
        return
    used = {*text, _BOM}
    free = (one for one in map(chr, range(0xE000, 0x110000)) if one not in used and _is_yaml(one))
    there = {ord(one): next(free) for one in found}
    back = {ord(one): chr(code) for code, one in there.items()}
    for event in events_of(text.translate(there)):
        if getattr(event, "value", ""):
            event.value = event.value.translate(back)
        yield event


def _before(text: str, known: int) -> Iterator[Any]:
    """The events of the start of a text, without the first ones and what its end cuts short."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    try:
        for number, event in enumerate(events):
            if event.end_mark.index == len(text) and not hasattr(event, "flow_style"):
                return
            if number >= known:
                yield event
    except yaml.MarkedYAMLError:
        return


def _leads_out(path: str) -> bool:
    """Whether a repository's file is a link to what its messages must not show."""
    from ci_kaniko.repository.discovery import root_of

    root = root_of(path)
    top = os.path.realpath(root)
    inside = os.path.commonpath([top, os.path.realpath(path)]) == top
    return not inside and os.path.exists(os.path.join(root, ".git"))


def _open_now(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _first_bytes(file: Any) -> bytes:
    data = b""
    while len(data) <= MAX_BYTES and (more := file.read(MAX_BYTES + 1 - len(data))):
        data += more
    return data


def _refuse(path: str, rule: str, message: str, hint: str = "") -> NoReturn:
    raise SpecError([Problem(rule=rule, message=message, hint=hint, path=path)]) from None


def _refuse_kind(path: str) -> NoReturn:
    kind = "a directory" if os.path.isdir(path) else "a pipe or a device"
    _refuse(path, "not-a-file", f"this is {kind}, not a file", "name the file with --spec PATH")


def _refuse_size(path: str) -> NoReturn:
    hint = "a spec is a page or two of text: is this the right file?"
    _refuse(path, "too-large", "the text is larger than 1 MiB", hint)


def _refuse_binary(data: bytes, offset: int, path: str) -> NoReturn:
    message = f"byte 0x{data[offset]:02x} does not belong in text"
    hint = "a spec is a text file in UTF-8: is this the right file?"
    _refuse_byte(data, offset, path, "not-text", message, hint)


def _refuse_byte(
    data: bytes, offset: int, path: str, rule: str, message: str, hint: str
) -> NoReturn:
    source = Source(path, data.decode(errors="replace"))
    place = _place_after(data[:offset].decode(errors="replace"))
    raise SpecError([source.problem(rule, message, Node(place), hint)]) from None


def _check_characters(source: Source) -> None:
    bad = {character for character in set(source.text) if not _is_yaml(character)}
    if not bad:
        return
    offset = next(n for n, character in enumerate(source.text) if character in bad)
    message = f"the character U+{ord(source.text[offset]):04X} does not belong in text"
    node = Node(_place_after(source.text[:offset]))
    raise SpecError([source.problem("not-text", message, node, "remove it")])


def _check_directives(source: Source) -> None:
    """Refuse masses of %TAG lines, for which libyaml takes quadratic time."""
    if source.text.count("%TAG") <= _MAX_TAG_DIRECTIVES:
        return
    numbers = [
        number for number, line in enumerate(_lines(source.text), 1) if line.startswith("%TAG")
    ]
    if len(numbers) > _MAX_TAG_DIRECTIVES:
        line = numbers[_MAX_TAG_DIRECTIVES]
        node = Node(Place(line, 1, line, 5))
        message = f"more than {_MAX_TAG_DIRECTIVES} %TAG lines"
        raise SpecError([source.problem("yaml-syntax", message, node, "a spec needs none")])


class _Anchored:
    """What an anchor names; ``size`` is 0 while it is still being read."""

    __slots__ = ("height", "node", "size")

    def __init__(self, node: Node, size: int, height: int) -> None:
        self.node = node
        self.size = size
        self.height = height


class _Branch(_Anchored):
    """A collection that is being read."""

    __slots__ = ("before", "children", "end", "keys")

    def __init__(self, node: Mapping | Sequence, before: int) -> None:
        super().__init__(node, size=0, height=1)
        self.before = before
        self.children: list[Node] = []
        self.keys: dict[tuple[str, bool], Place] = {}
        self.end = (node.line, node.column)

    @property
    def expects_key(self) -> bool:
        return isinstance(self.node, Mapping) and len(self.children) % 2 == 0


class _Builder:
    """Makes the tree from PyYAML's events, on a stack of its own instead of by recursion.

    Nothing is ever expanded: an alias shares its node and counts with the node's size.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, _Anchored] = {}
        self.stack: list[_Branch] = []
        self.root: Node | None = None
        self.documents = 0
        self.count = 0

    def build(self) -> Mapping:
        for event in self._events():
            if handle := _HANDLERS.get(type(event).__name__):
                handle(self, event)
        root = self.root
        if isinstance(root, _Unknown):
            raise SpecError(self.problems)
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            hint = "start with a line such as: context: ."
            self._fatal("empty-spec", "the spec is empty", Node(), hint)
        if not isinstance(root, Mapping):
            self._fatal("not-a-mapping", *_not_a_mapping(root))
        self.source.problems = in_file_order(self.problems)
        if any(problem.rule != "duplicate-key" for problem in self.problems):
            raise SpecError(self.source.problems)
        return root

    def _events(self) -> Iterator[Any]:
        import yaml

        try:
            yield from portable_events(self.source.text)
        except yaml.MarkedYAMLError as error:
            self._stop(_explain(error, self.source, started=self.root is not None))
        except (ValueError, OverflowError):
            self._fatal("yaml-syntax", "an escape sequence names no character", Node(), _ESCAPES)

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = 'keep one spec in a file: remove this "---" and what follows'
            node = Node(_place(event))
            self._fatal("several-documents", "a second YAML document starts here", node, hint)

    def scalar(self, event: Any) -> None:
        place = _place(event)
        self._count(1, place)
        plain = event.implicit[0] if event.tag is None else event.tag in _PLAIN_TAGS
        node = Scalar(event.value, plain=plain, place=place)
        self._check_tag(event, node, _SCALAR_TAGS, "text")
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(node, size=1, height=0)
        self._add(node, place)

    def alias(self, event: Any) -> None:
        place = _place(event)
        anchored = self.anchors.get(event.anchor)
        if anchored is None or not anchored.size:
            self._bad_alias(event.anchor, place, known=anchored is not None)
            return
        self._count(anchored.size, place)
        self._check_depth(len(self.stack) + anchored.height, place)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, anchored.height + 1)
        self._add(anchored.node, place)

    def mapping(self, event: Any) -> None:
        self._open(event, Mapping([], _place(event)), _MAPPING_TAGS, "a mapping")

    def sequence(self, event: Any) -> None:
        self._open(event, Sequence([], _place(event)), _SEQUENCE_TAGS, "a list")

    def close(self, event: Any) -> None:
        branch = self.stack.pop()
        node = branch.node
        branch.size = self.count - branch.before
        node.end_line, node.end_column = _collection_end(event, branch)
        if isinstance(node, Mapping):
            node.items = self._entries(branch)
        elif isinstance(node, Sequence):
            node.items = branch.children
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, branch.height + 1)
        self._add(node, Place(node.line, node.column, node.end_line, node.end_column))

    def _open(self, event: Any, node: Mapping | Sequence, tags: frozenset[str], kind: str) -> None:
        place = _place(event)
        branch = _Branch(node, before=self.count)
        self._count(1, place)
        self._check_depth(len(self.stack) + 1, place)
        self._check_tag(event, node, tags, kind)
        if event.anchor:
            self.anchors[event.anchor] = branch
        self.stack.append(branch)

    def _add(self, node: Node, place: Place) -> None:
        if not self.stack:
            self.root = node
            return
        branch = self.stack[-1]
        if branch.expects_key:
            self._check_key(node, place, branch)
        branch.children.append(node)
        branch.end = place.end_line, place.end_column

    def _entries(self, branch: _Branch) -> list[tuple[Scalar, Node]]:
        """The items of a mapping with ``<<`` resolved; what is written out wins over it."""
        pairs = list(zip(branch.children[::2], branch.children[1::2], strict=True))
        if not any(map(_is_merge, branch.children[::2])):
            return [(key, value) for key, value in pairs if isinstance(key, Scalar)]
        seen = {key.text for key, _ in pairs if isinstance(key, Scalar) and not _is_merge(key)}
        entries: list[tuple[Scalar, Node]] = []
        for key, value in pairs:
            if _is_merge(key):
                entries += self._merged(key, value, seen)
            elif isinstance(key, Scalar):
                entries.append((key, value))
        return entries

    def _merged(self, key: Node, value: Node, seen: set[str]) -> Iterator[tuple[Scalar, Node]]:
        for origin in value.items if isinstance(value, Sequence) else [value]:
            if isinstance(origin, Mapping):
                for entry in origin.items:
                    if entry[0].text not in seen:
                        seen.add(entry[0].text)
                        yield entry
            elif not isinstance(origin, _Unknown):
                message = f'"<<" merges a mapping or a list of mappings, not {_kind(origin)}'
                hint = 'write "<<: *name" for a mapping that has the anchor "&name"'
                self._report("bad-merge", message, key, hint)
                return

    def _check_key(self, node: Node, place: Place, branch: _Branch) -> None:
        if isinstance(node, _Unknown):
            return
        if not isinstance(node, Scalar):
            self._bad_key(f"a key is a word, not {_kind(node)}", place, self._key_hint(node))
        elif not node.text:
            self._bad_key("a key is empty", place, 'write "name: value"')
        elif node.plain and node.text[0] in _WIDE_BLANKS:
            self._bad_key(_wide_blank(node.text), place, _ORDINARY)
        elif node.plain and node.text in _NULLS:
            hint = "put quotes around it when it is a name"
            self._bad_key(f"{_quote(node.text)} is no key", place, hint)
        else:
            self._check_first(node, place, branch)

    def _check_first(self, key: Scalar, place: Place, branch: _Branch) -> None:
        merges = _is_merge(key)
        first = branch.keys.setdefault((key.text, merges), place)
        if first is not place:
            message = f"the key {_quote(key.text)} is already given on line {first.line}"
            hint = "write one list: <<: [*a, *b]" if merges else "keep one of the two"
            self._report("duplicate-key", message, Node(place), hint)

    def _bad_key(self, message: str, place: Place, hint: str) -> None:
        self._report("bad-key", message, Node(place), hint)

    def _key_hint(self, node: Node) -> str:
        opening = self.source.line(node.line)[node.column - 1 : node.column]
        if opening and opening in "[{":
            return f'put quotes around the text when "{opening}" belongs to it'
        return "write the key as one word"

    def _check_tag(self, event: Any, node: Node, allowed: frozenset[str], kind: str) -> None:
        if event.tag is None or event.tag in allowed:
            return
        tag = event.tag
        if tag.startswith(_CORE):
            tag = "!!" + tag.removeprefix(_CORE)
        if event.tag in _SCALAR_TAGS | _MAPPING_TAGS | _SEQUENCE_TAGS:
            message = f"the tag {_quote(tag)} does not fit {kind}"
        else:
            message = f"the tag {_quote(tag)} means nothing in a spec"
        hint = 'remove it, or put quotes around the text when "!" belongs to it'
        place = Node(Place(node.line, node.column, node.line, node.column + len(tag)))
        self._report("bad-tag", message, place, hint)

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            self._fatal("too-deep", message, Node(place), "a spec needs fewer than ten levels")

    def _count(self, size: int, place: Place) -> None:
        self.count += size
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES:,} keys and values, counting what aliases stand for"
            self._fatal("too-many-nodes", message, Node(place), "make the spec smaller")

    def _bad_alias(self, name: str, place: Place, *, known: bool) -> None:
        if known:
            message = f"the alias {_quote('*' + name)} stands inside what it names"
            hint = "remove it: a spec cannot contain itself"
        else:
            message = f"the alias {_quote('*' + name)} names no anchor above it"
            hint = "put quotes around it when it is text"
        self._count(1, place)
        self._report("bad-alias", message, Node(place), hint)
        self._add(_Unknown("", plain=True, place=place), place)

    def _report(self, rule: str, message: str, node: Node, hint: str) -> None:
        self.problems.append(self.source.problem(rule, message, node, hint))
        if len(self.problems) == _MAX_PROBLEMS:
            raise SpecError(in_file_order(self.problems))

    def _fatal(self, rule: str, message: str, node: Node, hint: str) -> NoReturn:
        self._stop(self.source.problem(rule, message, node, hint))

    def _stop(self, problem: Problem) -> NoReturn:
        raise SpecError(in_file_order([*self.problems, problem])) from None


_HANDLERS: dict[str, Callable[[_Builder, Any], None]] = {
    "DocumentStartEvent": _Builder.document,
    "ScalarEvent": _Builder.scalar,
    "AliasEvent": _Builder.alias,
    "MappingStartEvent": _Builder.mapping,
    "SequenceStartEvent": _Builder.sequence,
    "MappingEndEvent": _Builder.close,
    "SequenceEndEvent": _Builder.close,
}


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return Place(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _collection_end(event: Any, branch: _Branch) -> tuple[int, int]:
    """Where the last child ends: block collections end for PyYAML where the next token starts."""
    start, end = event.start_mark, event.end_mark
    if (start.line, start.column) == (end.line, end.column):
        return branch.end
    return end.line + 1, end.column + 1


def _is_merge(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text == "<<"


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return "nothing" if node.plain and node.text in _NULLS else "text"
    return "a mapping" if isinstance(node, Mapping) else "a list"


def _not_a_mapping(root: Node) -> tuple[str, Node, str]:
    hint = "start with a line such as: context: ."
    if isinstance(root, Scalar) and ":" in root.text:
        hint = 'put a space after the colon: "key: value"'
    return f'expected "key: value" lines, found {_kind(root)}', root, hint


_ESCAPES = r"in double quotes write \\ for a backslash, or use single quotes"
_QUOTE_VALUE = "put quotes around the value"
_LONG_KEY = f"a key is longer than {_MAX_KEY} characters"


class _Slip:
    """A mistake that PyYAML stumbled over, and the text around it."""

    __slots__ = ("at", "error", "source", "start")

    def __init__(self, error: Any, source: Source) -> None:
        self.error = error
        self.source = source
        self.at: Any = error.problem_mark
        self.start: Any = error.context_mark or self.at

    @property
    def line(self) -> str:
        return self.source.line(self.at.line + 1)

    @property
    def before(self) -> str:
        """The text of the line up to where PyYAML stopped."""
        return self.line[: self.at.column]

    @property
    def character(self) -> str:
        return self.line[self.at.column : self.at.column + 1]

    @property
    def top(self) -> int:
        """The line where what PyYAML was reading starts."""
        return int(self.start.line) + 1

    @property
    def first(self) -> str:
        """The first character of what PyYAML was reading."""
        return self.source.line(self.top)[self.start.column : self.start.column + 1]

    def word(self, mark: Any, ends: str = _BLANK + ",]}") -> str:
        """What is written at a mark, up to one of ``ends``."""
        rest = self.source.line(mark.line + 1)[mark.column :]
        length = next((n for n, character in enumerate(rest) if n and character in ends), None)
        return rest[:length].rstrip()


class _Said(NamedTuple):
    """A human sentence about a slip, and the text it points at."""

    message: str
    hint: str
    mark: Any
    width: int = 1


def _explain(error: Any, source: Source, *, started: bool) -> Problem:
    """Say in plain words what PyYAML says in its own."""
    slip = _Slip(error, source)
    text = f"{error.context or ''} {error.problem or ''}"
    rule = "yaml-syntax"
    if _tab_column(slip) is not None:
        said = _say_tab(slip)
    elif (wide := _wide_indent(slip)) is not None:
        said = wide
    else:
        say = next((say for part, say in _SAYINGS if part in text), _say_other)
        said = say(slip)
    if started and "<document start>" in text and "..." in _lines(source.text)[: slip.at.line]:
        rule = "several-documents"
        said = _Said("a second YAML document starts here", "keep one spec in a file", slip.at)
    line, column = said.mark.line + 1, said.mark.column + 1
    node = Node(Place(line, column, line, column + max(1, said.width)))
    return source.problem(rule, said.message, node, said.hint)


def _tab_column(slip: _Slip) -> int | None:
    """Where a tab stands that makes the mistake."""
    if slip.character == "\t":
        return int(slip.at.column)
    if "flow" in (slip.error.context or "") or "quoted" in (slip.error.context or ""):
        return None
    indent = slip.line[: _indent(slip.line)]
    return indent.index("\t") if "\t" in indent else None


class _Mark(NamedTuple):
    line: int
    column: int


def _say_tab(slip: _Slip) -> _Said:
    mark = _Mark(slip.at.line, _tab_column(slip) or 0)
    message = "a tab cannot indent: YAML wants spaces"
    return _Said(message, "replace the tab with spaces", mark)


def _wide_blank(text: str) -> str:
    return f"the line is indented with U+{ord(text[0]):04X}, a blank that YAML does not count"


def _wide_indent(slip: _Slip) -> _Said | None:
    """The first line of the entry whose indentation is no blanks, though it looks like them."""
    for number in range(slip.start.line, slip.at.line + 1):
        text = slip.source.line(number + 1)
        rest = text.lstrip(_BLANK)
        if rest and rest[0] in _WIDE_BLANKS:
            mark = _Mark(number, len(text) - len(rest))
            return _Said(_wide_blank(rest), _ORDINARY, mark)
    return None


def _say_unclosed_quote(slip: _Slip) -> _Said:
    quote = slip.first
    message = f"the text that starts with {quote} is never closed"
    return _Said(message, f"add {quote} where the text ends", slip.start)


def _say_flow(slip: _Slip) -> _Said:
    opening = slip.first
    closing = "]" if opening == "[" else "}"
    if closing not in slip.source.text[slip.at.index :]:
        return _Said(f'"{opening}" is never closed', f'add "{closing}"', slip.start)
    if slip.character == "{" and slip.before.endswith("$"):
        mark = _Mark(slip.at.line, slip.at.column - 1)
        message = "a variable cannot stand between brackets without quotes"
        return _Said(message, 'put quotes around the text, as in ["app:${tag}"]', mark, 2)
    message = f'expected "," or "{closing}" here'
    hint = f'"{opening}" of line {slip.top} is open: put "," between its items'
    if slip.character == ":":
        hint += ', and quotes around text with ": "'
    return _Said(message, hint, slip.at)


def _say_token(slip: _Slip) -> _Said:
    return _Said(f"{_quote(slip.character)} cannot start a value", _QUOTE_VALUE, slip.at)


def _say_value(slip: _Slip) -> _Said:
    before = slip.before.lstrip()
    if before.startswith("--- "):
        return _Said('a mapping cannot start beside "---"', 'remove "---"', slip.at)
    if ": " in before or ":\t" in before:
        message = 'a value cannot contain ": " unless it is quoted'
        return _Said(message, f"{_QUOTE_VALUE}, or remove the space after the colon", slip.at)
    if len(before) > _MAX_KEY:
        return _Said(_LONG_KEY, "shorten it", slip.at)
    message = "a key is not expected here"
    hint = 'indent it like the keys beside it; the line above must read "key: value" or "key:"'
    return _Said(message, hint, slip.at)


def _say_no_value(slip: _Slip) -> _Said:
    word = slip.word(slip.start, ends="")
    if len(word) > _MAX_KEY:
        return _Said(_LONG_KEY, "shorten it", slip.start)
    message = f'{_quote(word)} is not a "key: value" line'
    hint = 'add ":" and a value, or indent the line when it belongs to the value above'
    if ":" in word and '"' not in word:
        hint = "put a space after the colon: " + _short(word.replace(":", ": ", 1))
    return _Said(message, hint, slip.start, len(word))


def _say_item(slip: _Slip) -> _Said:
    hint = "start the list on its own line below the key; put quotes around text"
    return _Said('"-" cannot start a list here', hint, slip.at)


def _say_name(slip: _Slip) -> _Said:
    word = slip.word(slip.start)
    what = "alias" if word.startswith("*") else "anchor"
    message = f"{_quote(word)} looks like a YAML {what} but is none"
    hint = f'put quotes around it: "{_short(word)}"'
    return _Said(message, hint, slip.start, len(word))


def _say_block(slip: _Slip) -> _Said:
    message = f"{_quote(slip.first)} announces a block of text, which starts on the next line"
    return _Said(message, _QUOTE_VALUE, slip.start)


def _say_entry(slip: _Slip) -> _Said:
    if slip.before.strip() and slip.character:
        return _say_rest(slip)
    if slip.character in (",", "]", "}", ":"):
        return _say_content(slip)
    if slip.at.column != slip.start.column:
        message = "the indentation of this line fits nothing above it"
        hint = f"start it below the keys or items it belongs to, e.g. those of line {slip.top}"
        return _Said(message, hint, slip.at)
    if slip.character == "-":
        message = 'a list item "-" stands among the keys of a mapping'
        return _Said(message, "write a key, or indent the list below its key", slip.at)
    message = "a key stands among the items of a list"
    return _Said(message, 'start the line with "- ", or indent the list below its key', slip.at)


def _say_rest(slip: _Slip) -> _Said:
    word = slip.word(slip.at)
    message = f"{_quote(word)} is not expected after the value before it"
    hint = "put quotes around the whole value"
    if '"' in word or "'" in word:
        hint = r"""close every quote above; inside "..." write \", inside '...' write two of them"""
    elif slip.character in "]}":
        hint = "remove it"
    return _Said(message, hint, slip.at, len(word))


def _say_colon(slip: _Slip) -> _Said:
    hint = f"{_QUOTE_VALUE}, or a space after the colon"
    return _Said('":" cannot stand here without quotes', hint, slip.at)


def _say_content(slip: _Slip) -> _Said:
    if slip.character == ":":
        return _Said('a key is missing before ":"', 'write "key: value"', slip.at)
    if not slip.character:
        line, column = Lines(slip.source.text).place(len(slip.source.text.rstrip()) - 1)
        mark = _Mark(line - 1, column - 1)
        return _Said("the text ends where a value should be", "close every bracket", mark)
    message = f"{_quote(slip.character)} cannot start a value"
    return _Said(message, "remove it, or put quotes around the value", slip.at)


def _say_tag(slip: _Slip) -> _Said:
    word = slip.word(slip.start)
    message = f"{_quote(word)} is not a tag"
    hint = 'remove it, or put quotes around the text when "!" belongs to it'
    return _Said(message, hint, slip.start, len(word))


def _say_escape(slip: _Slip) -> _Said:
    message = "this is not an escape sequence"
    if "Unicode" in slip.error.problem:
        return _Said(message, "write the character itself", slip.at)
    return _Said(message, _ESCAPES, slip.at)


def _say_directive(slip: _Slip) -> _Said:
    message = '"%" at the start of a line is an instruction to YAML, and this one is unknown'
    return _Said(message, "remove the line, or put quotes around the text", slip.start)


def _say_outside(slip: _Slip) -> _Said:
    message = "this does not belong to what is above it"
    hint = "indent it like the first line of the spec"
    if slip.source.text.startswith("%"):
        hint = 'write "---" after the lines that start with "%"'
    return _Said(message, hint, slip.at)


def _say_other(slip: _Slip) -> _Said:
    return _Said("YAML cannot be read from here on", _QUOTE_VALUE, slip.at)


_SAYINGS: tuple[tuple[str, Callable[[_Slip], _Said]], ...] = (
    ("found unexpected end of stream", _say_unclosed_quote),
    ("found unexpected document", _say_unclosed_quote),
    ("',' or '", _say_flow),
    ("cannot start any token", _say_token),
    ("mapping values are not allowed", _say_value),
    ("could not find expected ':'", _say_no_value),
    ("sequence entries are not allowed", _say_item),
    ("mapping keys are not allowed", _say_token),
    ("scanning an alias", _say_name),
    ("scanning an anchor", _say_name),
    ("scanning a block scalar", _say_block),
    ("node content", _say_content),
    ("found unexpected ':'", _say_colon),
    ("tag handle", _say_tag),
    (" a tag", _say_tag),
    ("parsing a block", _say_entry),
    ("quoted scalar", _say_escape),
    ("directive", _say_directive),
    ("incompatible YAML", _say_directive),
    ("<document start>", _say_outside),
)


def _lines(text: str) -> list[str]:
    """The text between the line breaks that ``Lines`` counts."""
    return _BREAK.split(text)


def _place_after(text: str) -> Place:
    line, column = Lines(text).place(len(text))
    return Place(line, column, line, column + 1)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(_BLANK))


def _is_yaml(character: str) -> bool:
    code = ord(character)
    return (
        0x20 <= code <= 0x7E
        or character in "\t\n\r"
        or 0xA0 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or code >= 0x10000
    )


def _short(text: str) -> str:
    return shown(text[: 2 * _MAX_QUOTED], _MAX_QUOTED + 3)


def _quote(text: str) -> str:
    return f'"{_short(text)}"'
