"""A YAML text as a tree of values that know where they are written."""

from __future__ import annotations

import re

from ci_kaniko.merging.places import Places
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, Literal, cast
from ci_kaniko.quick.records import NamedTuple, replace
from ci_kaniko.source.events import events_of
from ci_kaniko.source.nodes import Node as Mark
from ci_kaniko.source.nodes import Place
from ci_kaniko.source.slips import explain as explain_slip
from ci_kaniko.source.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.problem import Problem

Kind = Literal["scalar", "alias", "sequence", "mapping"]

_MAX_DEPTH = 600
_SURROGATE = re.compile("[\ud800-\udfff]")


class Node:
    """A value; its events are those from ``first`` up to, not including, ``last``.

    ``offset`` is where it begins, its anchor and tag included; ``end`` of a block collection is
    where the next token begins.
    """

    __slots__ = (
        *("anchor", "children", "column", "end", "first", "flow", "kind", "last"),
        *("offset", "plain", "tag", "target", "text"),
    )

    def __init__(self, kind: Kind, event: Any, number: int) -> None:
        self.kind = kind
        self.first = number
        self.last = number + 1
        self.offset: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.column: int = event.start_mark.column
        self.anchor: str | None = event.anchor
        self.tag: str | None = getattr(event, "tag", None)
        self.flow = bool(getattr(event, "flow_style", False))
        self.text: str = getattr(event, "value", "")
        self.plain = kind == "scalar" and event.implicit[0]
        self.children: list[Node] = []
        self.target: Node | None = None

    @property
    def real(self) -> Node:
        """What an alias names, when that is known; else the node itself."""
        return self.target or self

    @property
    def absent(self) -> bool:
        """Whether nothing is written where a value could stand."""
        return self.plain and not self.text

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        """The keys and values of a mapping; none of another kind of value."""
        if self.kind != "mapping":
            return []
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    def get(self, key: str) -> Node | None:
        """The value of a key that is written in this mapping."""
        return next((value for name, value in self.pairs if name.real.text == key), None)


class Document(NamedTuple):
    """A document; ``start`` is where its ``---`` stands, ``end`` where the next token begins."""

    root: Node
    first: int
    last: int
    start: int | None
    end: int
    has_directives: bool


class Syntax:
    """A text that is YAML, without a byte order mark."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.places = Places(text)
        self.events: list[Any] = []
        self.documents: list[Document] = []
        self._source: Source | None = None

    def problem(self, message: str, offset: int, hint: str, width: int = 1) -> Problem:
        """A conflict at a place of the file."""
        if self._source is None:
            self._source = Source(self.path, self.text)
        line, column = self.places.place(offset)
        mark = Mark(Place(line, column, line, column + max(1, width)))
        return self._source.problem("merge-conflict", message, mark, hint)

    def problem_at(self, node: Node, message: str, hint: str) -> Problem:
        """A conflict at a value, as far as its first line goes."""
        line = self.text[node.offset : self.places.line_end(node.offset)].rstrip()
        return self.problem(message, node.offset, hint, min(node.end - node.offset, len(line)))

    def line_of(self, node: Node) -> int:
        """The number of the line where a value begins."""
        return self.places.line_of(node.offset)


def read(text: str, path: str) -> Syntax:
    """The syntax of a text. Raises SpecError when it is not YAML."""
    from ci_kaniko.text.pyyaml import MarkedYAMLError, ReaderError

    syntax = Syntax(text, path)
    if match := _SURROGATE.search(text):
        problem = syntax.problem("the file is not in UTF-8", match.start(), "save it as UTF-8")
        raise SpecError([problem])
    try:
        syntax.events = list(_shallow(syntax))
        syntax.places.note(_tokens(text))
    except MarkedYAMLError as error:
        raise SpecError([_explained(syntax, error)]) from None
    except ReaderError as error:
        raise SpecError([_unreadable(syntax, error)]) from None
    except (ValueError, OverflowError):
        message = "an escape sequence of this file names no character"
        hint = r"in double quotes write \\ for a backslash, or use single quotes"
        raise SpecError([syntax.problem(message, 0, hint)]) from None
    _build(syntax)
    return syntax


def _tokens(text: str) -> Iterator[Any]:
    from ci_kaniko.text.pyyaml import Parser

    scanner = Parser(text)
    while scanner.check_token():
        yield scanner.get_token()


def _shallow(syntax: Syntax) -> Iterator[Any]:
    depth = 0
    for event in events_of(syntax.text):
        kind = type(event).__name__
        if kind.endswith(("MappingStartEvent", "SequenceStartEvent")):
            depth += 1
        elif kind.endswith(("MappingEndEvent", "SequenceEndEvent")):
            depth -= 1
        if depth > _MAX_DEPTH:
            message = f"nested more than {_MAX_DEPTH} levels deep"
            raise SpecError([syntax.problem(message, event.start_mark.index, "flatten it")])
        yield event


def _explained(syntax: Syntax, error: Any) -> Problem:
    from ci_kaniko.text.pyyaml import Mark

    source = Source(syntax.path, syntax.text)
    for name in ("context_mark", "problem_mark"):
        if mark := getattr(error, name):
            row, column = syntax.places.place(mark.index)
            counted = Mark(mark.name, mark.index, row - 1, column - 1, None, 0)
            setattr(error, name, counted)
    problem = explain_slip(error, source, started=False)
    hint, began = problem.hint, error.context_mark
    if began and began.line + 1 not in {problem.line, error.problem_mark.line + 1}:
        line = f"line {began.line + 1}"
        hint = hint if line in hint else f"{hint}; see {line}, too"
    return replace(problem, rule="merge-conflict", hint=hint)


def _unreadable(syntax: Syntax, error: Any) -> Problem:
    at = len(syntax.text.encode()[: error.position].decode(errors="ignore"))
    message = f"the character U+{ord(syntax.text[at]):04X} does not belong in YAML"
    return syntax.problem(message, at, "remove it")


_KINDS: dict[str, Kind] = {
    "ScalarEvent": "scalar",
    "AliasEvent": "alias",
    "SequenceStartEvent": "sequence",
    "MappingStartEvent": "mapping",
}


def _build(syntax: Syntax) -> None:
    """Make the trees, on a stack: a file may be nested deeper than Python can call."""
    stack: list[Node] = []
    anchors: dict[str, Node] = {}
    roots: list[Node] = []
    opened = 0
    for number, event in enumerate(syntax.events):
        name = type(event).__name__
        if kind := _KINDS.get(name):
            node = Node(kind, event, number)
            if kind == "alias":
                node.target = anchors.get(cast("str", node.anchor))
            elif node.anchor:
                anchors[node.anchor] = node
            (stack[-1].children if stack else roots).append(node)
            if kind in {"sequence", "mapping"}:
                stack.append(node)
        elif name in {"SequenceEndEvent", "MappingEndEvent"}:
            node = stack.pop()
            node.last = number + 1
            node.end = event.end_mark.index if node.flow else event.start_mark.index
        elif name == "DocumentStartEvent":
            opened, anchors = number, {}
        elif name == "DocumentEndEvent":
            syntax.documents.append(_document(syntax, roots.pop(), opened, number))


def _document(syntax: Syntax, root: Node, first: int, last: int) -> Document:
    opening, closing = syntax.events[first], syntax.events[last]
    start = opening.end_mark.index - len("---") if opening.explicit else None
    has_directives = bool(opening.version or opening.tags)
    return Document(root, first, last + 1, start, closing.start_mark.index, has_directives)
