"""A spec's text, and what points at a place in it."""

from __future__ import annotations

from bisect import bisect_right

from ci_kaniko.problems.problem import Problem
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.source.nodes import Mapping, Node, Place, Scalar, Sequence
from ci_kaniko.text.display import MASK, shown, shown_line
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from ci_kaniko.problems.problem import Severity


_KEY = "PRIVATE KEY"
_KEY_LINE = pattern(r"[ \t]*(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info): .*)[ \t]*")
BOM = "\ufeff"
_BREAK = pattern("\r\n?|\n")
OTHER_BREAKS = "\x85\u2028\u2029"
"""Line breaks for YAML 1.1, so for PyYAML; none for YAML 1.2 and editors."""
_MAX_QUOTED = 50
BLANK = " \t"
WIDE_BLANKS = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
ORDINARY = "indent with ordinary blanks"


class Lines:
    """The lines of a text as YAML 1.2 and editors count them: LF, CR LF or CR ends one."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset, from 1."""
        number = bisect_right(self._starts, offset)
        return number, offset - self._starts[number - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a place."""
        return self._starts[line - 1] + column - 1


class Found(NamedTuple):
    """A node, the key of which it is the value, and the file that it stands in."""

    source: Source
    key: Scalar | None
    node: Node


class Source:
    """A spec's text, its tree, and what is needed to point at a place in it.

    ``path`` is what messages call it. ``place`` leads to a file from the root of its repository;
    a text that was read from elsewhere has none. ``bases`` are the files that lie under it, the
    next one first.
    """

    __slots__ = (
        "_key_masks",
        "_lines",
        "_masks",
        "_views",
        "bases",
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
        self.bases: list[Source] = []
        self.problems: list[Problem] = []
        self._lines: list[str] | None = None
        self._masks: dict[int, list[tuple[int, int]]] = {}
        self._key_masks: dict[int, list[tuple[int, int]]] | None = None
        self._views: dict[int, str] = {}

    def line(self, number: int) -> str:
        """The text of a line as it was written; empty where there is no such line."""
        if self._lines is None:
            self._lines = lines_of(self.text)
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def locate(self, where: tuple[str | int, ...]) -> Found:
        """The deepest node along ``where``, and its key when it is the value of a mapping.

        ``where`` is like pydantic's ``loc``: elements that match nothing (the tags of unions,
        ``"[key]"``) are skipped.
        """
        return self.layers(where)[0]

    def layers(self, where: tuple[str | int, ...]) -> list[Found]:
        """That node, and what lies under it when it is a mapping; all else hides the bases."""
        found = [Found(each, None, each.root) for each in (self, *self.bases)]
        for step in where:
            below: list[Found] = []
            for source, _, node in found:
                if isinstance(node, Mapping) and isinstance(step, str):
                    if entry := node.entry(step):
                        below.append(Found(source, *entry))
                elif isinstance(node, Sequence) and step in range(len(node.items)):
                    below.append(Found(source, None, node.items[int(step)]))
                if below and not isinstance(below[-1].node, Mapping):
                    break
            found = below or found
        return found

    def problem(
        self,
        rule: str,
        message: str,
        node: Node,
        hint: str = "",
        severity: Severity = "error",
        where: str = "",
    ) -> Problem:
        """A problem at a node; nothing in it shows what looks like a credential.

        Where a word is wrong by a character that nobody sees, the hint is about this character.
        """
        end = node.end_column
        if node.end_line != node.line:
            end = len(self.line(node.line).rstrip()) + 1
        if severity == "error" and "U+" not in message:
            hint = self._unseen(node, end) or hint
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

    def _unseen(self, node: Node, end: int) -> str:
        """What to do about a character of a word that is not what it looks like."""
        if isinstance(node, Mapping):
            keys = (self._unseen(key, key.end_column) for key, _ in node.items)
            return next(filter(None, keys), "")
        if isinstance(node, Sequence):
            return ""
        from ci_kaniko.text.lookalikes import odd_character

        odd = odd_character(self.line(node.line)[node.column - 1 : end - 1])
        # A letter of what is masked may be one of a secret.
        if odd is None or (odd.character.isalpha() and node.line in self._masks):
            return ""
        return odd.instead(f"in column {node.column + odd.at}")

    def mask(self, node: Node) -> None:
        """Never show the text of a node: problems made from now on have ``*`` in its place."""
        for number in range(node.line, node.end_line + 1):
            text = self.line(number)
            start = node.column if number == node.line else indent_of(text) + 1
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
            for number, text in enumerate(lines_of(self.text) if _KEY in self.text else (), 1):
                inside = inside and _KEY_LINE.fullmatch(text) is not None
                if inside:
                    self._key_masks[number] = [(indent_of(text) + 1, len(text) + 1)]
                inside = inside or ("-----BEGIN" in text and _KEY in text)
        return self._key_masks


def wide_blank(text: str, what: str = "the line is indented") -> str:
    return f"{what} with U+{ord(text[0]):04X}, a blank that YAML does not count"


def lines_of(text: str) -> list[str]:
    """The text between the line breaks that ``Lines`` counts."""
    return _BREAK.split(text)


def place_after(text: str) -> Place:
    line, column = Lines(text).place(len(text))
    return Place(line, column, line, column + 1)


def indent_of(text: str) -> int:
    return len(text) - len(text.lstrip(BLANK))


def is_yaml(character: str) -> bool:
    code = ord(character)
    return (
        0x20 <= code <= 0x7E
        or character in "\t\n\r"
        or 0xA0 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or code >= 0x10000
    )


def short(text: str) -> str:
    """What a user wrote, cut when it is long, credentials starred out."""
    return shown(text[: 2 * _MAX_QUOTED], _MAX_QUOTED + 3)


def quoted_bit(text: str) -> str:
    """The same in double quotes."""
    return f'"{short(text)}"'
