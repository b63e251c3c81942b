"""What regular expressions find, decided and not tried: whether one finds all that others match.

An expression becomes a machine of states. Reading a letter leads from some states to others, so
all texts that lead to the same states are one case, and the cases are few.
"""

from __future__ import annotations

import functools

from ci_kaniko.importing.shell.regular import BEGINS, ENDS, LETTERS, NotRegular, Part, tree

_MOST_STATES = 2_000
_MOST_CASES = 5_000


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

    def add(self, part: Part, start: int) -> int:
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

    def _repeat(self, part: Part, start: int, end: int) -> None:
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
        return self.last in self.reached(states, ENDS)


@functools.lru_cache(maxsize=128)
def _machine(expression: str, *, whole: bool) -> _Machine:
    """The machine of an expression. Raises NotRegular."""
    made = _Machine()
    start = made.state()
    made.last = made.add(tree(expression), start)
    if not whole:
        for state in (start, made.last):
            made.moves[state].append((LETTERS, state))
    return made


def _finds(found: _Machine, wanted: tuple[str, ...]) -> bool | None:
    """Whether ``found`` finds every text that all of ``wanted`` match; None where none does.

    Raises NotRegular where that takes too long.
    """
    machines = [found, *(_machine(expression, whole=True) for expression in wanted)]
    letters = _representatives(machines)
    first = tuple(machine.reached(frozenset([0]), BEGINS) for machine in machines)
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
    kinds = {tuple(letter in each for each in ordered): letter for letter in sorted(LETTERS)}
    return list(kinds.values())
