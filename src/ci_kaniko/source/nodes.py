"""The nodes of a spec's tree, each with its place in the file."""

from __future__ import annotations

from ci_kaniko.quick.records import NamedTuple


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


class Unknown(Scalar):
    """Stands in for an alias that names nothing."""

    __slots__ = ()
