"""What regular expressions find, decided and not tried: whether one finds all that others match.

An expression becomes a machine of states. Reading a letter leads from some states to others, so
all texts that lead to the same states are one case, and the cases are few.
"""

from __future__ import annotations

import functools
import re
import string
from typing import NamedTuple

_LETTERS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""What a branch or a tag may hold, and some more."""
_CLASSES = {
    "d": frozenset(string.digits),
    "w": frozenset(string.ascii_letters + string.digits + "_"),
    "s": frozenset[str](),
}
_CLASSES |= {name.upper(): _LETTERS - letters for name, letters in _CLASSES.items()}
_BEGINS, _ENDS = "begins", "ends"
_ANCHORS = {"^": _BEGINS, "$": _ENDS, "\\A": _BEGINS, "\\z": _ENDS, "\\Z": _ENDS}
_MOST_STATES = 2_000
_MOST_CASES = 5_000
_MOST_NESTED = 20


class NotRegular(Exception):
    """An expression that looks around or back, or is too large."""


class _Part(NamedTuple):
    """A part of an expression: ``kind`` is letters, all, any, repeat, begins or ends."""

    kind: str
    letters: frozenset[str] = frozenset()
    parts: tuple[_Part, ...] = ()
    least: int = 0
    most: int | None = None


def are_found(expression: str, *wanted: str) -> bool:
    r"""Whether an expression finds every text that all of ``wanted`` match, and there is one.

    ``expression`` is looked for in a text as ``search`` does, the others match it as a whole.
    False as well where that cannot be decided.

    >>> are_found(r"^v\d+(\.\d+)*$", r"v(0|[1-9][0-9]*)\.[0-9]", r"v1.*")
    True
    >>> are_found(r"^v\d\.", r"v[0-9]+\.[0-9]"), are_found("^a", "b", "c")
    (False, False)
    """
    return _answer(expression, wanted) is True


def never_meet(*wanted: str) -> bool:
    """Whether no text matches all of some expressions; False where that cannot be decided.

    >>> never_meet("v.*", "[^v].*"), never_meet("v.*", ".*1")
    (True, False)
    """
    return _answer("", wanted) is None


def _answer(expression: str, wanted: tuple[str, ...]) -> bool | None:
    """Whether an expression finds all that ``wanted`` match; None where nothing is that."""
    try:
        return _finds(_machine(expression, whole=False), wanted)
    except NotRegular:
        return False


def ends_of(expression: str) -> tuple[str, str]:
    r"""The plain texts that whatever an expression finds begins and ends with.

    >>> ends_of(r"^v1\.\d+-rc$"), ends_of("-rc|beta"), ends_of("^[")
    (('v1.', '-rc'), ('', ''), ('', ''))
    """
    parts = _parts_of(expression)
    known = tuple(part for part in parts if part.kind not in {_BEGINS, _ENDS})
    first = _plain(known) if parts[:1] == (_Part(_BEGINS),) else ""
    last = _plain(known[::-1]) if parts[-1:] == (_Part(_ENDS),) else ""
    return first, last[::-1]


def glob_around(expression: str) -> str:
    r"""A glob that matches all texts in which an expression is found, and more.

    >>> glob_around(r"^v\d+-rc\d+$"), glob_around(r"-rc\d|-b"), glob_around("^[")
    ('v**-rc**', '**', '**')
    """
    parts = _parts_of(expression)
    known = [part for part in parts if part.kind not in {_BEGINS, _ENDS}]
    pieces = [_plain((part,)) or "**" for part in known]
    pieces[:0] = ["**"] * (parts[:1] != (_Part(_BEGINS),))
    pieces += ["**"] * (parts[-1:] != (_Part(_ENDS),))
    return re.sub(r"\*{3,}", "**", "".join(pieces))


def _parts_of(expression: str) -> tuple[_Part, ...]:
    """The parts that follow each other; one that may be anything where that cannot be told."""
    try:
        whole = _Parser(expression).whole()
    except NotRegular:
        return (_Part("any"),)
    return whole.parts if whole.kind == "all" else (whole,)


def _plain(parts: tuple[_Part, ...]) -> str:
    """The plain text at the beginning of some parts."""
    found = ""
    for part in parts:
        if part.kind != "letters" or len(part.letters) != 1:
            break
        found += next(iter(part.letters))
    return found


# -- expressions -------------------------------------------------------------------------------


class _Parser:
    """One expression, in what Ruby, RE2, Go, JavaScript and POSIX have in common."""

    def __init__(self, text: str) -> None:
        self.either_case = text.startswith("(?i)")
        self.text = text.removeprefix("(?i)")
        self.at = self.depth = 0

    def whole(self) -> _Part:
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

    def _any(self) -> _Part:
        found = [self._all()]
        while self._next() == "|":
            self.at += 1
            found.append(self._all())
        return found[0] if len(found) == 1 else _Part("any", parts=tuple(found))

    def _all(self) -> _Part:
        found: list[_Part] = []
        while self._next() not in {"", "|", ")"}:
            part = self._repeated(self._one())
            found += part.parts if part.kind == "all" else (part,)
        return found[0] if len(found) == 1 else _Part("all", parts=tuple(found))

    def _one(self) -> _Part:
        """A group, a class, an anchor or a letter. Raises NotRegular."""
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return _Part("letters", self._class())
        if letter == ".":
            return _Part("letters", _LETTERS)
        if letter in "*+?{":
            raise NotRegular
        if letter == "\\":
            letter += self._take()
        if letter in _ANCHORS:
            return _Part(_ANCHORS[letter])
        return _Part("letters", self._letters(letter))

    def _group(self) -> _Part:
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
        return _LETTERS - found if negated else frozenset(found)

    def _range(self, first: str, last: str) -> frozenset[str]:
        if len(first) > 1 or last == "\\" or first > last:
            raise NotRegular
        letters = map(chr, range(ord(first), ord(last) + 1)) if last in _LETTERS else ()
        return frozenset(found for letter in letters for found in self._letters(letter))

    def _repeated(self, part: _Part) -> _Part:
        """A part as often as the sign behind it says. Raises NotRegular."""
        signs: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        sign = self._next()
        if sign not in {*signs, "{"}:
            return part
        self.at += 1
        least, most = self._counts() if sign == "{" else signs[sign]
        if self._next() == "?":
            self.at += 1  # fewest first, which finds the same texts
        if self._next() in {*signs, "{"} or part.kind in {_BEGINS, _ENDS}:
            raise NotRegular
        return _Part("repeat", parts=(part,), least=least, most=most)

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at : max(end, self.at)].partition(",")
        self.at = end + 1
        limits = [number for number in (least, most) if number]
        if not least or not all(len(one) < 4 and one.isdigit() for one in limits):
            raise NotRegular
        return int(least), int(most) if most else None if comma else int(least)


# -- machines ----------------------------------------------------------------------------------


class _Machine:
    """The states of an expression. State 0 is the first one, ``last`` accepts.

    ``moves`` are the letters from each state to another, ``free`` the ways without a letter, at
    the beginning or the end of the text alone where an anchor stands.
    """

    def __init__(self) -> None:
        self.moves: list[list[tuple[frozenset[str], int]]] = []
        self.free: list[list[tuple[str, int]]] = []
        self.last = 0

    def state(self) -> int:
        """One more. Raises NotRegular where there are too many."""
        if len(self.moves) >= _MOST_STATES:
            raise NotRegular
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def add(self, part: _Part, start: int) -> int:
        """A part from a state on; where it leads to. Raises NotRegular."""
        if part.kind == "all":
            for inner in part.parts:
                start = self.add(inner, start)
            return start
        end = self.state()
        if part.kind == "letters":
            self.moves[start].append((part.letters, end))
        elif part.kind == "any":
            for inner in part.parts:
                self.free[self.add(inner, self._from(start))].append(("", end))
        elif part.kind == "repeat":
            self._repeat(part, start, end)
        else:
            self.free[start].append((part.kind, end))
        return end

    def _from(self, start: int) -> int:
        found = self.state()
        self.free[start].append(("", found))
        return found

    def _repeat(self, part: _Part, start: int, end: int) -> None:
        inner = part.parts[0]
        for _ in range(part.least):
            start = self.add(inner, start)
        self.free[start].append(("", end))
        if part.most is None:
            again = self._from(start)
            self.free[self.add(inner, again)] += [("", again), ("", end)]
        for _ in range((part.most or 0) - part.least):
            start = self.add(inner, start)
            self.free[start].append(("", end))

    def reached(self, states: frozenset[int], *where: str) -> frozenset[int]:
        """States with those that are reached from them without a letter."""
        found, left = set(states), list(states)
        while left:
            for needed, state in self.free[left.pop()]:
                if state not in found and (not needed or needed in where):
                    found.add(state)
                    left.append(state)
        return frozenset(found)

    def after(self, states: frozenset[int], letter: str) -> frozenset[int]:
        """The states behind a letter."""
        moved = (to for state in states for letters, to in self.moves[state] if letter in letters)
        return self.reached(frozenset(moved))

    def accepts(self, states: frozenset[int]) -> bool:
        """Whether a text may end here."""
        return self.last in self.reached(states, _ENDS)


@functools.lru_cache(maxsize=128)
def _machine(expression: str, *, whole: bool) -> _Machine:
    """The machine of an expression. Raises NotRegular."""
    made = _Machine()
    start = made.state()
    made.last = made.add(_Parser(expression).whole(), start)
    if not whole:
        for state in (start, made.last):
            made.moves[state].append((_LETTERS, state))
    return made


def _finds(found: _Machine, wanted: tuple[str, ...]) -> bool | None:
    """Whether ``found`` finds every text that all of ``wanted`` match; None where none does.

    Raises NotRegular where that takes too long.
    """
    machines = [found, *(_machine(expression, whole=True) for expression in wanted)]
    letters = _representatives(machines)
    first = tuple(machine.reached(frozenset([0]), _BEGINS) for machine in machines)
    seen, left = {first}, [first]
    matched: bool | None = None
    while left:
        states = left.pop()
        if all(map(_Machine.accepts, machines[1:], states[1:])):
            matched = found.accepts(states[0])
            if not matched:
                break
        for letter in letters:
            there = tuple(
                machine.after(here, letter) for machine, here in zip(machines, states, strict=True)
            )
            if all(there[1:]) and there not in seen:
                if len(seen) >= _MOST_CASES:
                    raise NotRegular
                seen.add(there)
                left.append(there)
    return matched


def _representatives(machines: list[_Machine]) -> list[str]:
    """One of the letters that all machines treat alike, of each kind."""
    sets = {letters for machine in machines for moves in machine.moves for letters, _ in moves}
    ordered = sorted(sets, key=sorted)
    kinds = {tuple(letter in each for each in ordered): letter for letter in sorted(_LETTERS)}
    return list(kinds.values())
