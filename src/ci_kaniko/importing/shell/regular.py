"""Regular expressions as trees, in what Ruby, RE2, Go, JavaScript and POSIX have in common."""

from __future__ import annotations

import functools
import string
from itertools import product
from typing import NamedTuple

LETTERS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""What a branch or a tag may hold, and some more."""
_CLASSES = {
    "d": frozenset(string.digits),
    "w": frozenset(string.ascii_letters + string.digits + "_"),
    "s": frozenset[str](),
}
_CLASSES |= {name.upper(): LETTERS - letters for name, letters in _CLASSES.items()}
BEGINS, ENDS = "begins", "ends"
_ANCHORS = {"^": BEGINS, "$": ENDS, "\\A": BEGINS, "\\z": ENDS, "\\Z": ENDS}
_REPEATED = {LETTERS: "**", LETTERS - {"/"}: "*"}
"""What a glob says instead of any number of some letters."""
_MOST_ALTERNATIVES = 50
_MOST_NESTED = 20
_MAX_LENGTH = 500


class NotRegular(Exception):
    """An expression that looks around or back, or is too large."""


class Part(NamedTuple):
    """A part of an expression: ``kind`` is letters, all, any, repeat, begins or ends."""

    kind: str
    letters: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()
    least: int = 0
    most: int | None = None


@functools.lru_cache(maxsize=256)
def tree(expression: str) -> Part:
    """The parts of an expression. Raises NotRegular."""
    if len(expression) > _MAX_LENGTH:
        raise NotRegular
    return _Parser(expression).whole()


def is_choice(expression: str) -> bool:
    """Whether an expression is one of several, or may be."""
    try:
        return tree(expression).kind == "any"
    except NotRegular:
        return True


def globs_of(expression: str, *, whole: bool = False) -> list[str] | None:
    """The portable globs that match what an expression finds; None when there are none.

    >>> globs_of("main|release/[^/]*", whole=True), globs_of("^v"), globs_of("^v[0-9]+$")
    (['main', 'release/*'], ['v**'], None)
    """
    try:
        return _globs_of(tree(expression), whole=whole)
    except NotRegular:
        return None


def _globs_of(found: Part, *, whole: bool) -> list[str]:
    """The globs of a whole expression. Raises NotRegular where there are none."""
    globs = []
    for pieces in _spelled(found):
        starts, ends = pieces[:1] == [BEGINS], pieces[-1:] == [ENDS]
        inner = pieces[starts : len(pieces) - ends]
        glob = _joined(["**" * (not (whole or starts)), *inner, "**" * (not (whole or ends))])
        if BEGINS in inner or ENDS in inner or not glob:
            raise NotRegular
        globs.append(glob)
    return list(dict.fromkeys(globs))


def _spelled(part: Part) -> list[list[str]]:
    """The alternatives of a part, each in pieces of a glob and anchors. Raises NotRegular."""
    if part.kind == "any":
        return [way for inner in part.parts for way in _spelled(inner)]
    if part.kind == "all":
        found: list[list[str]] = [[]]
        for inner in part.parts:
            here = _spelled(inner)
            if len(found) * len(here) > _MOST_ALTERNATIVES:
                raise NotRegular
            found = [[*one, *other] for one, other in product(found, here)]
        return found
    if part.kind == "letters" and len(part.letters) == 1 and "*" not in part.letters:
        return [[*part.letters]]
    if part.kind == "repeat" and part.least < 2 and part.most is None:
        letters = part.parts[0].letters
        if letters in _REPEATED:
            return [[_REPEATED[letters]]]
    if part.kind in {BEGINS, ENDS}:
        return [[part.kind]]
    raise NotRegular


def _joined(pieces: list[str]) -> str:
    """The pieces as one glob: of wildcards that touch the widest, as two narrow ones are a wide."""
    found: list[str] = []
    for piece in pieces:
        if found and not (found[-1] + piece).strip("*"):
            found[-1] = max(found[-1], piece)
        else:
            found.append(piece)
    return "".join(found)


def ends_of(expression: str) -> tuple[str, str]:
    r"""The plain texts that whatever an expression finds begins and ends with.

    >>> ends_of(r"^v1\.\d+-rc$"), ends_of("-rc|beta"), ends_of("^[")
    (('v1.', '-rc'), ('', ''), ('', ''))
    """
    parts = _parts_of(expression)
    known = tuple(part for part in parts if part.kind not in {BEGINS, ENDS})
    first = _plain(known) if parts[:1] == (Part(BEGINS),) else ""
    last = _plain(known[::-1]) if parts[-1:] == (Part(ENDS),) else ""
    return first, last[::-1]


def glob_around(expression: str) -> str:
    r"""A glob that matches all texts in which an expression is found, and more.

    >>> glob_around(r"^v\d+-rc\d+$"), glob_around(r"-rc\d|-b"), glob_around("^[")
    ('v**-rc**', '**', '**')
    """
    parts = _parts_of(expression)
    known = [part for part in parts if part.kind not in {BEGINS, ENDS}]
    pieces = [_plain((part,)) or "**" for part in known]
    pieces[:0] = ["**"] * (parts[:1] != (Part(BEGINS),))
    pieces += ["**"] * (parts[-1:] != (Part(ENDS),))
    return _joined(pieces)


def _parts_of(expression: str) -> tuple[Part, ...]:
    """The parts that follow each other; one that may be anything where that cannot be told."""
    try:
        whole = tree(expression)
    except NotRegular:
        return (Part("any"),)
    return whole.parts if whole.kind == "all" else (whole,)


def _plain(parts: tuple[Part, ...]) -> str:
    """The plain text at the beginning of some parts."""
    found = ""
    for part in parts:
        if part.kind != "letters" or len(part.letters) != 1:
            break
        found += next(iter(part.letters))
    return found


class _Parser:
    """One expression, in what Ruby, RE2, Go, JavaScript and POSIX have in common."""

    def __init__(self, text: str) -> None:
        self.either_case = text.startswith("(?i)")
        self.text = text.removeprefix("(?i)")
        self.at = self.depth = 0

    def whole(self) -> Part:
        """The parts of the expression. Raises NotRegular."""
        found = self._any()
        if self.at < len(self.text):
            raise NotRegular
        return found

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        """One more character. Raises NotRegular where there is none."""
        found = self._next()
        if not found:
            raise NotRegular
        self.at += 1
        return found

    def _any(self) -> Part:
        found = [self._all()]
        while self._next() == "|":
            self.at += 1
            found.append(self._all())
        return found[0] if len(found) == 1 else Part("any", parts=tuple(found))

    def _all(self) -> Part:
        found: list[Part] = []
        while self._next() not in {"", "|", ")"}:
            part = self._repeated(self._one())
            found += part.parts if part.kind == "all" else (part,)
        return found[0] if len(found) == 1 else Part("all", parts=tuple(found))

    def _one(self) -> Part:
        """A group, a class, an anchor or a letter. Raises NotRegular."""
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return Part("letters", self._class())
        if letter == ".":
            return Part("letters", LETTERS)
        if letter in "*+?{":
            raise NotRegular
        if letter == "\\":
            letter += self._take()
        if letter in _ANCHORS:
            return Part(_ANCHORS[letter])
        return Part("letters", self._letters(letter))

    def _group(self) -> Part:
        """What stands in brackets. Raises NotRegular for what looks around."""
        self.depth += 1
        if self.text.startswith("?:", self.at):
            self.at += 2
        if self._next() == "?" or self.depth > _MOST_NESTED:
            raise NotRegular
        found = self._any()
        self._take()  # nothing but the bracket that closes it, or the end, stops it
        self.depth -= 1
        return found

    def _letters(self, written: str) -> frozenset[str]:
        """What one letter, or one with a backslash, matches. Raises NotRegular."""
        letter = written[-1]
        if len(written) > 1 and letter in _CLASSES:
            return _CLASSES[letter]
        if len(written) > 1 and letter.isalnum():
            raise NotRegular
        return frozenset((letter.lower(), letter.upper()) if self.either_case else letter)

    def _class(self) -> frozenset[str]:
        """What stands in square brackets, from behind the first one. Raises NotRegular."""
        negated = self._next() == "^"
        self.at += negated
        found: set[str] = set()
        first = True
        while first or self._next() != "]":
            first = False
            letter = self._take()
            if letter == "[" or self.text.startswith("&&", self.at):
                raise NotRegular
            letter += self._take() if letter == "\\" else ""
            here = self._letters(letter)
            if self._next() == "-" and self.text[self.at + 1 : self.at + 2] not in {"", "]"}:
                self.at += 1
                here = self._range(letter, self._take())
            found |= here
        self.at += 1
        return LETTERS - found if negated else frozenset(found)

    def _range(self, first: str, last: str) -> frozenset[str]:
        if len(first) > 1 or last == "\\" or first > last:
            raise NotRegular
        letters = map(chr, range(ord(first), ord(last) + 1)) if last in LETTERS else ()
        return frozenset(found for letter in letters for found in self._letters(letter))

    def _repeated(self, part: Part) -> Part:
        """A part as often as the sign behind it says. Raises NotRegular."""
        signs: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        sign = self._next()
        if sign not in {*signs, "{"}:
            return part
        self.at += 1
        least, most = self._counts() if sign == "{" else signs[sign]
        if self._next() == "?":
            self.at += 1  # fewest first, which finds the same texts
        if self._next() in {*signs, "{"} or part.kind in {BEGINS, ENDS}:
            raise NotRegular
        return Part("repeat", parts=(part,), least=least, most=most)

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at : max(end, self.at)].partition(",")
        self.at = end + 1
        limits = [number for number in (least, most) if number]
        if not least or not all(len(one) < 4 and one.isdigit() for one in limits):
            raise NotRegular
        return int(least), int(most) if most else None if comma else int(least)
