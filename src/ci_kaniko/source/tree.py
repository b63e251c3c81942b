"""From YAML events to a tree of nodes."""

from __future__ import annotations

import re

from ci_kaniko.problems.problem import Problem, SpecError, in_file_order
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, NoReturn
from ci_kaniko.source.events import portable_events
from ci_kaniko.source.nodes import Mapping, Node, Place, Scalar, Sequence, Unknown
from ci_kaniko.source.source import ORDINARY, WIDE_BLANKS, Source, quoted_bit, wide_blank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MAX_DEPTH = 64
MAX_NODES = 100_000
_MAX_PROBLEMS = 1000
_FIRST_LINE = "start with a line such as: destinations: [registry.example.com/team/app:1.0]"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))
_SCALAR_TAGS = _PLAIN_TAGS | {"!", _CORE + "str"}
_MAPPING_TAGS = frozenset(("!", _CORE + "map"))
_SEQUENCE_TAGS = frozenset(("!", _CORE + "seq"))


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


class Builder:
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
        """The tree of the whole text. Raises SpecError with every problem of it."""
        for event in self._events():
            if handle := _HANDLERS.get(type(event).__name__):
                handle(self, event)
        root = self.root
        if isinstance(root, Unknown):
            raise SpecError(self.problems)
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            self._fatal("empty-spec", "the spec is empty", Node(), _FIRST_LINE)
        if not isinstance(root, Mapping):
            self._fatal("not-a-mapping", *_not_a_mapping(root))
        self.source.problems = in_file_order(self.problems)
        if any(problem.rule != "duplicate-key" for problem in self.problems):
            raise SpecError(self.source.problems)
        return root

    def _events(self) -> Iterator[Any]:
        from ci_kaniko.text.pyyaml import MarkedYAMLError

        try:
            yield from portable_events(self.source.text)
        except MarkedYAMLError as error:
            from ci_kaniko.source.slips import explain

            self._stop(explain(error, self.source, started=self.root is not None))
        except (ValueError, OverflowError):
            from ci_kaniko.source.slips import ESCAPES

            self._fatal("yaml-syntax", "an escape sequence names no character", Node(), ESCAPES)

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
            elif not isinstance(origin, Unknown):
                message = f'"<<" merges a mapping or a list of mappings, not {_kind(origin)}'
                hint = 'write "<<: *name" for a mapping that has the anchor "&name"'
                self._report("bad-merge", message, key, hint)
                return

    def _check_key(self, node: Node, place: Place, branch: _Branch) -> None:
        if isinstance(node, Unknown):
            return
        if not isinstance(node, Scalar):
            self._bad_key(f"a key is a word, not {_kind(node)}", place, self._key_hint(node))
        elif not node.text:
            self._bad_key("a key is empty", place, 'write "name: value"')
        elif node.plain and node.text[0] in WIDE_BLANKS:
            line = self.source.line(place.line)
            is_indent = not line[: place.column - 1].strip()
            message, hint = wide_blank(node.text), ORDINARY
            if not is_indent:
                message, hint = wide_blank(node.text, "the key begins"), "write an ordinary blank"
            self._bad_key(message, place, hint)
        elif node.plain and node.text in _NULLS:
            hint = "put quotes around it when it is a name"
            self._bad_key(f"{quoted_bit(node.text)} is no key", place, hint)
        else:
            self._check_first(node, place, branch)

    def _check_first(self, key: Scalar, place: Place, branch: _Branch) -> None:
        merges = _is_merge(key)
        first = branch.keys.setdefault((key.text, merges), place)
        if first is not place:
            message = f"the key {quoted_bit(key.text)} is already given on line {first.line}"
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
            message = f"the tag {quoted_bit(tag)} does not fit {kind}"
        else:
            message = f"the tag {quoted_bit(tag)} means nothing in a spec"
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
            message = f"the alias {quoted_bit('*' + name)} stands inside what it names"
            hint = "remove it: a spec cannot contain itself"
        else:
            message = f"the alias {quoted_bit('*' + name)} names no anchor above it"
            hint = "put quotes around it when it is text"
        self._count(1, place)
        self._report("bad-alias", message, Node(place), hint)
        self._add(Unknown("", plain=True, place=place), place)

    def _report(self, rule: str, message: str, node: Node, hint: str) -> None:
        self.problems.append(self.source.problem(rule, message, node, hint))
        if len(self.problems) == _MAX_PROBLEMS:
            raise SpecError(in_file_order(self.problems))

    def _fatal(self, rule: str, message: str, node: Node, hint: str) -> NoReturn:
        self._stop(self.source.problem(rule, message, node, hint))

    def _stop(self, problem: Problem) -> NoReturn:
        raise SpecError(in_file_order([*self.problems, problem])) from None


_HANDLERS: dict[str, Callable[[Builder, Any], None]] = {
    "DocumentStartEvent": Builder.document,
    "ScalarEvent": Builder.scalar,
    "AliasEvent": Builder.alias,
    "MappingStartEvent": Builder.mapping,
    "SequenceStartEvent": Builder.sequence,
    "MappingEndEvent": Builder.close,
    "SequenceEndEvent": Builder.close,
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
    hint = _FIRST_LINE
    if isinstance(root, Scalar) and re.match(r"\S+:", root.text):
        hint = 'put a space after the colon: "key: value"'
    elif isinstance(root, Scalar) and (key := re.match(r"[a-z_]+(?=\s)", root.text)):
        hint = f'put a colon behind the key: "{key[0]}:"'
    return f'expected "key: value" lines, found {_kind(root)}', root, hint
