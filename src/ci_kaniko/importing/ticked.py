"""The files of CI systems as plain values that know their lines; tags and anchors are read.

Each value carries a tick: ``string``, ``native``, ``is_true``, ``sequence`` and ``mapping`` are
looks that tick the leaf which they turn into a value; ``peek`` is a look that does not. The ticks
stay with the values, through anchors, merges and every copy of a mapping, so that ``leftover``
can tell in the end which keys of a job nobody has read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.source.events import portable_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"
_MAX_DEPTH = 100
_MAX_NODES = 200_000
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+")


class Str(str):
    """A scalar; ``plain`` says that it was not quoted, ``first`` is the line its text begins on.

    ``origin`` is the one that it was made of: what is read of one is read of both.
    """

    line: int
    first: int
    plain: bool
    ticked: bool
    origin: Str | None
    __slots__ = ("first", "line", "origin", "plain", "ticked")


class Map(dict[str, Any]):
    """A mapping; ``lines`` holds the line of each key."""

    __slots__ = ("line", "lines", "ticked")

    def __init__(self, line: int = 0, items: Mapping[str, Any] | None = None) -> None:
        super().__init__(items or {})
        self.line = line
        self.ticked = False
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Where a key is written."""
        return self.lines.get(key, self.line)

    def kept(self, keep: Callable[[str], bool]) -> Map:
        """The same mapping with some of its keys."""
        found = Map(self.line, {key: value for key, value in self.items() if keep(key)})
        found.lines = self.lines
        return found

    # The looks below, at the value of a key.

    def string(self, key: str) -> str:
        return string(self.get(key))

    def peek(self, key: str) -> str:
        """A scalar's text for a look that decides nothing about it."""
        return peek(self.get(key))

    def is_true(self, key: str) -> bool:
        return is_true(self.get(key))

    def native(self, key: str) -> Any:
        return native(self.get(key))

    def ignore(self, *keys: str) -> None:
        """Tick whole values that mean nothing for an image build."""
        ignore(*map(self.get, keys))

    def number(self, key: str) -> int | None:
        """A whole number; None for anything else."""
        found = self.native(key)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def texts(self, key: str) -> dict[str, str]:
        return {name: string(value) for name, value in self.mapping(key).items()}

    def mapping(self, key: str) -> Map:
        return mapping(self.get(key))

    def sequence(self, key: str) -> list[Any]:
        return sequence(self.get(key))


class List(list[Any]):
    __slots__ = ("line", "ticked")

    def __init__(self, line: int = 0, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self.line = line
        self.ticked = False


class Tagged:
    """A value with a tag of its own, such as ``!reference``."""

    __slots__ = ("line", "tag", "value")

    def __init__(self, tag: str, value: Any, line: int) -> None:
        self.tag = tag
        self.value = value
        self.line = line


class Mended(NamedTuple):
    """A fault of the text itself, in one of our sentences, and what was read in its place."""

    sentence: str
    line: int
    values: tuple[object, ...]


class Document(NamedTuple):
    """The documents of one file."""

    roots: tuple[Any, ...]
    mended: tuple[Mended, ...] = ()


def text(value: str, line: int = 0, *, plain: bool = False, first: int = 0) -> Str:
    """A text with a place."""
    made = Str(value)
    made.line, made.first, made.plain, made.ticked = line, first or line, plain, False
    made.origin = None
    return made


def line_of(value: Any, default: int = 0) -> int:
    """The line of a value."""
    return getattr(value, "line", default) or default


def failure(
    path: str, rule: str, message: str, hint: str = "", line: int | None = None
) -> SpecError:
    """One problem of a file as an exception."""
    column = 1 if line else None
    problem = Problem(rule=rule, message=message, hint=hint, path=path, line=line, column=column)
    return SpecError([problem])


def read_yaml(source: str, path: str, before: int = 0) -> Document:
    """The documents of a YAML or JSON text; ``before`` is added to each line. Raises SpecError."""
    mended: list[Mended] = []
    current = source
    for _ in range(50):
        try:
            roots = tuple(_documents(current, path, before, mended))
            return Document(roots, tuple(mended))
        except _BadEscape as bad:
            shown = f"{current[bad.at : bad.at + 2]} in double quotes is no YAML: the file cannot "
            current = current[: bad.at] + current[bad.at + 1 :]
            mended.append(Mended("bad-yaml", bad.line, (f"{shown}be read",)))
    raise failure(path, "bad-yaml", "this is no YAML: it holds too many wrong escapes")


class _BadEscape(Exception):
    def __init__(self, at: int, line: int) -> None:
        super().__init__()
        self.at, self.line = at, line


def _documents(source: str, path: str, before: int, mended: list[Mended]) -> Iterator[Any]:
    from ci_kaniko.text.pyyaml import YAMLError, events

    builder = _Builder(path, events, before, mended)
    try:
        yield from builder.build(portable_events(source))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        said = str(getattr(error, "problem", None) or error).splitlines()[0]
        if mark and "unknown escape character" in said:
            at = source.rfind("\\", 0, mark.index + 1)
            raise _BadEscape(at, (before + mark.line + 1) % FILE_LINES) from None
        from ci_kaniko.source.slips import CONFLICT, conflict_in

        if conflict := conflict_in(source):
            raise failure(path, "bad-yaml", *CONFLICT, (before + conflict) % FILE_LINES) from None
        line = (before + mark.line + 1) % FILE_LINES if mark else None
        hint = ""
        if re.search(r"(?<!\$)\{\{", source):
            hint = "import what the template renders, such as by helm template"
        elif "${{" in source and "'}'" in said:
            hint = "between { and } a value with ${{ ... }} stands in quotes"
        raise failure(path, "bad-yaml", f"this is no YAML: {said}", hint, line) from None


class _Builder:
    """``nodes`` counts the values, those that an alias stands for with each alias."""

    def __init__(self, path: str, events: Any, before: int, mended: list[Mended]) -> None:
        self.path = path
        self.mended = mended
        self.kinds = events
        self.before = before + 1
        self.nodes = 0
        self.anchors: dict[str, tuple[Any, int]] = {}

    def build(self, events: Any) -> Iterator[Any]:
        kinds = self.kinds
        stack: list[_Open] = []
        for event in events:
            if isinstance(event, kinds.DocumentStartEvent):
                self.anchors, stack = {}, [_Open(List(), [])]
            elif isinstance(event, kinds.MappingStartEvent | kinds.SequenceStartEvent):
                stack.append(self._opened(event, len(stack)))
            elif isinstance(event, kinds.MappingEndEvent | kinds.SequenceEndEvent):
                done = stack.pop()
                self.mended += done.repeated()
                closed = done.closed()
                if done.anchor:
                    self.anchors[done.anchor] = closed, self.nodes - done.counted
                stack[-1].children.append(closed)
            elif isinstance(event, kinds.ScalarEvent | kinds.AliasEvent):
                stack[-1].children.append(self._leaf(event))
            elif isinstance(event, kinds.DocumentEndEvent):
                yield from stack[0].children

    def _opened(self, event: Any, depth: int) -> _Open:
        line = event.start_mark.line + self.before
        counted = self.nodes
        self._count(line)
        if depth > _MAX_DEPTH:
            raise failure(self.path, "too-deep", "the file is nested too deeply", line=line)
        mapping = isinstance(event, self.kinds.MappingStartEvent)
        value: Map | List = Map(line) if mapping else List(line)
        self.anchors.pop(event.anchor, None)
        return _Open(value, [], _own_tag(event.tag), event.anchor, counted)

    def _count(self, line: int, nodes: int = 1) -> None:
        self.nodes += nodes
        if self.nodes > _MAX_NODES:
            raise failure(self.path, "too-large", "the file holds too many values", line=line)

    def _leaf(self, event: Any) -> Any:
        line = event.start_mark.line + self.before
        if isinstance(event, self.kinds.AliasEvent):
            if event.anchor not in self.anchors:
                message = f"the alias *{event.anchor} names nothing that is complete"
                raise failure(self.path, "bad-yaml", message, line=line)
            value, nodes = self.anchors[event.anchor]
            self._count(line, nodes)
            return value
        self._count(line)
        plain = not event.style and (event.implicit[0] or event.tag == _MERGE)
        first = line + (event.style in ("|", ">"))
        value = text(event.value, line, plain=plain, first=first)
        tag = _own_tag(event.tag)
        if tag:
            value = Tagged(tag, value, line)
        if event.anchor:
            self.anchors[event.anchor] = value, 1
        return value


class _Open(NamedTuple):
    """A mapping or list that is being read; keys and values are its children in turn.

    ``counted`` is how many values were there before it.
    """

    value: Map | List
    children: list[Any]
    tag: str = ""
    anchor: str | None = None
    counted: int = 0

    def repeated(self) -> Iterator[Mended]:
        """The keys that stand again further below, which alone counts."""
        keys = self.children[::2] if isinstance(self.value, Map) else []
        last = {str(key): key for key in keys}
        for key in keys:
            if last[str(key)] is not key and key != "<<":
                lines = [line_of(each) % FILE_LINES for each in (key, last[str(key)])]
                yield Mended("repeated-key", lines[0], (key, lines[1]))

    def closed(self) -> Any:
        if isinstance(self.value, Map):
            self._fill(self.value)
        else:
            self.value.extend(self.children)
        return Tagged(self.tag, self.value, self.value.line) if self.tag else self.value

    def _fill(self, value: Map) -> None:
        merged: list[Any] = []
        for key, item in zip(self.children[::2], self.children[1::2], strict=True):
            if isinstance(key, Str) and key == "<<" and key.plain:
                merged += item if isinstance(item, List) else [item]
                continue
            name = str(key) if isinstance(key, str) else ""
            value[name] = item
            value.lines[name] = line_of(key, value.line)
        for base in maps(merged):
            for name, item in base.items():
                if name not in value:
                    value[name] = item
                    value.lines[name] = base.line_of(name)


def _own_tag(tag: str | None) -> str:
    return tag if tag and tag.startswith("!") and tag != "!" else ""


# -- values ------------------------------------------------------------------------------------


def native(value: Any) -> Any:
    """A value as Python has it: unquoted scalars by the core schema of YAML 1.2."""
    _tick(value)
    if isinstance(value, Map):
        return {key: native(item) for key, item in value.items()}
    if isinstance(value, List):
        return [native(item) for item in value]
    if isinstance(value, Tagged):
        return native(value.value)
    if isinstance(value, Str):
        return _scalar(value) if value.plain else str(value)
    return value


def _scalar(value: Str) -> Any:
    word = str(value)
    if word in ("", "~", "null", "Null", "NULL"):
        return None
    if word in ("true", "True", "TRUE"):
        return True
    if word in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word


def mapping(value: Any) -> Map:
    """A mapping, empty for anything else."""
    if isinstance(value, Map):
        value.ticked = True
        return value
    if _is_null(value):
        value.ticked = True
    return Map(line_of(value))


def maps(value: Any) -> Iterator[Map]:
    """The mappings of a list, for a look that decides nothing about them."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Map))


def sequence(value: Any) -> list[Any]:
    """A list; one value stands for a list of one, nothing for an empty one."""
    if isinstance(value, list):
        _tick(value)
        return value
    if value is None:
        return []
    if _is_null(value):
        value.ticked = True
        return []
    return [value]


def string(value: Any) -> str:
    """A scalar's text; empty for anything else."""
    _tick_leaf(value)
    return peek(value)


def peek(value: Any) -> str:
    """A scalar's text for a look that decides nothing about it."""
    return str(value) if isinstance(value, str) else ""


def texts_below(value: Any) -> Iterator[str]:
    """All scalars of a value, for a look that decides nothing about them."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_below(item)
    elif isinstance(value, str):
        yield value


def is_true(value: Any) -> bool:
    """Whether a scalar says yes."""
    return string(value).lower() in ("true", "yes", "on", "1")


def replaced(value: Any, change: Callable[[str], Any]) -> Any:
    """A value in which each text is another one, or another value."""
    if isinstance(value, Map) and value:
        found = Map(value.line, {key: replaced(item, change) for key, item in value.items()})
        found.lines = value.lines
        return found
    if isinstance(value, List) and value:
        return List(value.line, [replaced(item, change) for item in value])
    if not isinstance(value, Str) or (new := change(value)) == value:
        return value
    if not isinstance(new, str):
        return new
    made = text(new, value.line, plain=value.plain, first=value.first)
    made.origin = value
    return made


# -- ticks -------------------------------------------------------------------------------------


class Left(NamedTuple):
    """A part of a document that nobody has read: its keys from above, its line and its value."""

    path: str
    line: int
    value: Any


def leftover(value: Any, path: str = "", line: int = 0) -> Iterator[Left]:
    """The topmost keys and items of a value below which nothing was ever looked at."""
    if isinstance(value, Tagged):
        yield from leftover(value.value, path, line)
    elif not is_read(value) and (path or not isinstance(value, Map)):
        yield Left(path, line or line_of(value), value)
    elif isinstance(value, Map):
        for key, item in value.items():
            yield from leftover(item, f"{path}.{key}" if path else key, value.line_of(key))
    elif isinstance(value, List):
        for at, item in enumerate(value):
            yield from leftover(item, f"{path}[{at}]", line_of(item, line))


def is_read(value: Any) -> bool:
    """Whether anything of a value was looked at; an empty collection counts as a leaf."""
    if isinstance(value, Tagged):
        return is_read(value.value)
    if isinstance(value, Map):
        return any(map(is_read, value.values())) if value else value.ticked
    if isinstance(value, List):
        return any(map(is_read, value)) if value else value.ticked
    return not isinstance(value, Str) or value.ticked


def ignore(*values: Any) -> None:
    """Tick whole values that mean nothing for an image build; say why where this is called."""
    for value in values:
        native(value)


def _tick(value: Any) -> None:
    if isinstance(value, Map | List):
        value.ticked = True
    _tick_leaf(value)


def _tick_leaf(value: Any) -> None:
    while isinstance(value, Str):
        value.ticked = True
        value = value.origin


def _is_null(value: Any) -> bool:
    return isinstance(value, Str) and value.plain and _scalar(value) is None
