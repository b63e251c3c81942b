"""Conditions as binary decision diagrams: two conditions that mean the same are the same number.

A guard is the number of a node: ``NO``, ``YES``, or a choice on one atom. Atoms are numbered in the
order in which they are made.
"""

from __future__ import annotations

import re
from functools import reduce
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

NO = 0
YES = 1
_LAST = 1 << 30
_UNITS = 220_000
_WORDS = 8_000
_SCRIPTS = 100
_CALLS = 100
"""So many executor calls of a pipeline are followed."""
_CHAINED = 300
_NESTED = 300
_JOINED = re.compile(r"(?:&&|\|\|?|\\)[ \t]*\n")

Cube = tuple[tuple[int, bool], ...]
"""Atoms and whether each holds, all together."""


class TooComplexError(Exception):
    """More conditions than can be told apart."""


class Budget:
    """What the reading of the scripts of one import may cost.

    Units are about a microsecond each. When they are used up, scripts are read once more without
    telling conditions apart (``low``), which may cost as much again.
    """

    def __init__(self, units: int = _UNITS) -> None:
        self._left = units
        self._words = _WORDS
        self._parsed: set[str] = set()
        self._calls = _CALLS
        self.low = False

    def spend(self, units: int) -> None:
        """Take from what is left. Raises TooComplexError."""
        self._left -= units
        if self._left < 0:
            raise TooComplexError

    def lower(self) -> None:
        """Go on without telling conditions apart."""
        self.low = True
        self._left = _UNITS
        self._calls = _CALLS

    def call(self) -> bool:
        """Whether one more executor call may be followed."""
        self._calls -= 1
        return self._calls >= 0

    def parse(self, text: str) -> bool:
        """Whether the parser may be asked for the tree of a text."""
        if text in self._parsed:
            return True
        if len(self._parsed) >= _SCRIPTS:
            return False
        self._parsed.add(text)
        self._words -= len(re.findall(r"[$`]?[^\s;|&'\"$`]+|[$`]|[;|&]+|''|\"\"", text))
        depths = accumulate(1 if mark in "({" else -1 for mark in re.findall(r"[(){}]", text))
        chains = (len(re.findall(r"\belif\b", chain)) for chain in re.split(r"\bfi\b", text))
        if max(max(depths, default=0), *chains) > _NESTED:
            return False
        lines = _JOINED.sub(" ", text).split("\n")
        return self._words >= 0 and max(len(re.findall(r"[|&]+", x)) for x in lines) < _CHAINED


class Guards:
    """All guards of one script."""

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self._nodes: list[tuple[int, int, int]] = [(_LAST, NO, NO), (_LAST, YES, YES)]
        self._known: dict[tuple[int, int, int], int] = {}
        self._chosen: dict[tuple[int, int, int], int] = {}

    def atom(self, number: int) -> int:
        """The guard that holds when the atom does."""
        return self._node(number, NO, YES)

    def _node(self, atom: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (atom, low, high)
        found = self._known.get(key)
        if found is None:
            found = len(self._nodes)
            self._nodes.append(key)
            self._known[key] = found
        return found

    def choose(self, test: int, then: int, other: int) -> int:
        """``then`` where ``test`` holds, ``other`` elsewhere."""
        if test == YES or then == other:
            return then
        if test == NO:
            return other
        if then == YES and other == NO:
            return test
        key = (test, then, other)
        found = self._chosen.get(key)
        if found is None:
            self.budget.spend(4)
            nodes = self._nodes
            one, test_not, test_so = nodes[test]
            two, then_not, then_so = nodes[then]
            three, other_not, other_so = nodes[other]
            top = min(one, two, three)
            if one != top:
                test_not = test_so = test
            if two != top:
                then_not = then_so = then
            if three != top:
                other_not = other_so = other
            low = self.choose(test_not, then_not, other_not)
            high = self.choose(test_so, then_so, other_so)
            found = self._chosen[key] = self._node(top, low, high)
        return found

    def _branches(self, guard: int, atom: int) -> tuple[int, int]:
        """What a guard is where an atom does not hold, and where it does."""
        own, if_not, if_so = self._nodes[guard]
        return (if_not, if_so) if own == atom else (guard, guard)

    def is_single(self, guard: int) -> bool:
        """Whether a guard asks for one atom only."""
        return set(self._nodes[guard][1:]) == {NO, YES}

    def both(self, one: int, other: int) -> int:
        """Where both hold."""
        if one > other:
            one, other = other, one
        if one in (other, NO):
            return one
        return other if one == YES else self.choose(one, other, NO)

    def either(self, one: int, other: int) -> int:
        """Where at least one holds."""
        if one > other:
            one, other = other, one
        if one in (other, YES):
            return one
        return other if one == NO else self.choose(one, YES, other)

    def all(self, guards: Iterable[int]) -> int:
        """Where each of some guards holds."""
        return reduce(self.both, guards, YES)

    def any(self, guards: Iterable[int]) -> int:
        """Where one of some guards holds."""
        return reduce(self.either, guards, NO)

    def negate(self, guard: int) -> int:
        """Where it does not hold."""
        return self.choose(guard, NO, YES)

    def minus(self, one: int, other: int) -> int:
        """Where only the first holds."""
        return self.choose(other, NO, one)

    def only(self, guard: int, atoms: Collection[int]) -> int:
        """Where it holds by some atoms alone, whatever the others are."""
        found = {NO: NO, YES: YES}

        def of(node: int) -> int:
            if node not in found:
                self.budget.spend(4)
                atom, if_not, if_so = self._nodes[node]
                low, high = of(if_not), of(if_so)
                is_own = atom in atoms
                found[node] = self._node(atom, low, high) if is_own else self.both(low, high)
            return found[node]

        return of(guard)

    def cubes(self, least: int, most: int) -> list[Cube]:
        """A short list of alternatives that covers ``least`` and stays within ``most``.

        Minato's irredundant sum of products: what lies between the two need not be told.
        """
        return self._cover(least, most)[0]

    def _cover(self, least: int, most: int) -> tuple[list[Cube], int]:
        if least == NO:
            return [], NO
        if most == YES:
            return [()], YES
        self.budget.spend(20)
        top = min(self._nodes[least][0], self._nodes[most][0])
        least_not, least_so = self._branches(least, top)
        most_not, most_so = self._branches(most, top)
        only_not, covered_not = self._cover(self.minus(least_not, most_so), most_not)
        only_so, covered_so = self._cover(self.minus(least_so, most_not), most_so)
        rest = self.either(self.minus(least_not, covered_not), self.minus(least_so, covered_so))
        free, covered = self._cover(rest, self.both(most_not, most_so))
        cubes = [((top, True), *cube) for cube in only_so]
        cubes += [((top, False), *cube) for cube in only_not]
        whole = self._node(top, self.either(covered_not, covered), self.either(covered_so, covered))
        return cubes + free, whole
