"""Values while a script is read: the texts that something can be, each with its guard.

The guards of a value exclude each other, and one of them holds wherever the value can be read.
"""

from __future__ import annotations

import difflib
import math
import re
import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import (
    Encoded,
    Masked,
    Output,
    Part,
    Text,
    Var,
    join,
    literal,
    starts_with,
    with_inner,
)
from ci_kaniko.importing.facts import is_of_two
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.transforms import (
    UnknownChangeError,
    apply,
    finished,
    simplified,
    versioned,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ci_kaniko.importing.shell.conditions import Conditions

Value = tuple[tuple[int, Text], ...]

EMPTY: Value = ((YES, ()),)
_MAX_ALTERNATIVES = 32
_MAX_LENGTH = 32 * 1024
_MAX_PARTS = 500
_MAX_CHANGES = 12

_BY_LINES = ("cut ", "sed ", "head ", "awk ", "xargs")
_OF_TWO = {
    "${#*/}": "name",
    "${%%/*}": "owner",
    "cut -d/ -f2": "name",
    "cut -d/ -f1": "owner",
    "cut -d / -f 2": "name",
    "cut -d / -f 1": "owner",
}
"""What cuts do where there is exactly one slash."""


class Item(NamedTuple):
    """A word of a list, present where its guard holds."""

    guard: int
    text: Text
    split: bool = False
    line: int = 0

    def behind(self, head: str) -> Item:
        """The word with something before it."""
        return self._replace(text=join((head, *self.text)))

    @property
    def key(self) -> tuple[Text, bool]:
        """What makes two words the same."""
        return self.text, self.split


UNKNOWN_ARGUMENTS = Item(YES, (Var("@"),), split=True)
"""What a script may be called with, where nothing in it tells."""


def pure(text: Text) -> Value:
    """A value that is one text."""
    return ((YES, text),)


def plain(text: str) -> Value:
    """A value that is one text without holes."""
    return pure((text,) if text else ())


def plain_of(value: Value) -> str | None:
    """The text that a value is; None where it has holes, or is one of several."""
    return literal(value[0][1]) if len(value) == 1 else None


@dataclass(frozen=True)
class Values:
    """What can be done with values, given the conditions of the script."""

    conditions: Conditions
    decided_later: Callable[[], Part]
    """What stands for a value that is too large to be followed."""

    def _within_bounds(self, value: Value) -> Value:
        """A value, or what stands for it where it is more than a reading may cost."""
        self.conditions.guards.budget.spend(sum(len(text) for _, text in value))
        limit = 1 if self.conditions.undecided else _MAX_ALTERNATIVES
        if len(value) > limit or any(_is_long(text) for _, text in value):
            return pure((self.decided_later(),))
        return value

    def gather(self, alternatives: Iterable[tuple[int, Text]], path: int = YES) -> Value:
        """Alternatives as a value: the same text once, nothing that cannot be."""
        found = self.possible(alternatives, path)
        return self._within_bounds(pure(found[0][1]) if len(found) == 1 else found)

    def possible(self, alternatives: Iterable[tuple[int, Text]], path: int = YES) -> Value:
        """Alternatives as they are, also where none of them may hold."""
        guards = self.conditions.guards
        found: dict[Text, int] = {}
        for guard, text in alternatives:
            guards.budget.spend(2)
            if self.conditions.possible(guards.both(guard, path)):
                found[text] = guards.either(found.get(text, NO), guard)
        return tuple((guard, text) for text, guard in found.items())

    def each(self, value: Value, change: Callable[[Text], Value], path: int = YES) -> Value:
        """Every text of a value changed."""
        both = self.conditions.guards.both
        if len(value) == 1 and value[0][0] == YES:
            return self._within_bounds(change(value[0][1]))
        return self.gather(
            ((both(guard, inner), text) for guard, old in value for inner, text in change(old)),
            path,
        )

    def concat(self, values: Sequence[Value], path: int = YES) -> Value:
        """Values one after the other."""
        whole = EMPTY
        for value in self.bounded(list(values)):
            if value == EMPTY:
                continue
            whole = self.each(whole, partial(_after, tail=value), path)
        return whole

    def spaced(self, values: Sequence[Value], path: int = YES) -> Value:
        """Values with a blank between them."""
        return self.concat([one for value in values for one in (plain(" "), value)][1:], path)

    def filled_in(
        self, found: re.Pattern[str], text: str, value: Callable[[re.Match[str]], Value]
    ) -> Value:
        """A text with values for each place that a pattern finds."""
        values: list[Value] = []
        at = 0
        for match in found.finditer(text):
            values += [plain(text[at : match.start()]), value(match)]
            at = match.end()
        return self.concat([*values, plain(text[at:])])

    def bounded(self, values: list[Value]) -> list[Value]:
        """Values that stand side by side, of which there are not too many combinations."""
        if math.prod(map(len, values)) <= _MAX_ALTERNATIVES:
            return values
        return [v if len(v) == 1 else pure((self.decided_later(),)) for v in values]

    def under(self, value: Value, guard: int) -> Value:
        """A value where a guard holds as well."""
        both = self.conditions.guards.both
        return tuple((both(guard, inner), text) for inner, text in value)

    def choose(self, guard: int, then: Value, other: Value, path: int = YES) -> Value:
        """One value where a guard holds, another elsewhere."""
        if guard == YES or then == other:
            return then
        if guard == NO:
            return other
        unless = self.conditions.guards.negate(guard)
        return self.gather([*self.under(then, guard), *self.under(other, unless)], path)

    def overlaid(self, value: Value, before: Value, path: int = YES) -> Value:
        """A value where there is one, and what was there before elsewhere."""
        guards = self.conditions.guards
        known = guards.any(guard for guard, _ in value)
        return self.gather([*value, *self.under(before, guards.negate(known))], path)

    def test(self, value: Value, test: Callable[[Text], int]) -> int:
        """Where a value passes a test."""
        guards = self.conditions.guards
        return guards.any(guards.both(guard, test(text)) for guard, text in value)

    def test_both(self, one: Value, other: Value, test: Callable[[Text, Text], int]) -> int:
        """Where two values pass a test together."""
        return self.test(one, lambda left: self.test(other, lambda right: test(left, right)))

    def merged(
        self, one: Sequence[Item], path: int, other: Sequence[Item], other_path: int
    ) -> list[Item]:
        """Two lists as one, in which each word tells when it is there."""
        guards = self.conditions.guards
        joined = guards.either(path, other_path)

        here = _units(item._replace(guard=guards.both(item.guard, path)) for item in one)
        there = _units(item._replace(guard=guards.both(item.guard, other_path)) for item in other)
        keys = [[tuple(item.key for item in unit) for unit in units] for units in (here, there)]
        guards.budget.spend(10 + len(here) * len(there) // 8)
        matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
        found: list[Item] = []
        for what, a, b, c, d in matcher.get_opcodes():
            lefts, rights = _flat(here[a:b]), _flat(there[c:d])
            if what == "equal":
                for left, right in zip(lefts, rights, strict=True):
                    guard = guards.either(left.guard, right.guard)
                    whole = self.conditions.implies(joined, guard)
                    found.append(left._replace(guard=YES if whole else guard))
            else:
                found += [*lefts, *rights]
        return found


def _is_long(text: Text) -> bool:
    """Whether a text is longer than any that is worth following."""
    return len(text) > _MAX_PARTS or sum(len(p) for p in text if isinstance(p, str)) > _MAX_LENGTH


def _units(items: Iterable[Item]) -> list[list[Item]]:
    """Words with their flags: two lists may share a flag's name and not mean the same."""
    units: list[list[Item]] = []
    for item in items:
        before = units[-1] if units else []
        flag = before[0].text if len(before) == 1 else ()
        open_ = starts_with(flag, "-") and "=" not in str(flag[0])
        if open_ and not starts_with(item.text, "-"):
            before.append(item)
        else:
            units.append([item])
    return units


def _flat(units: list[list[Item]]) -> list[Item]:
    return [item for unit in units for item in unit]


def _after(head: Text, tail: Value) -> Value:
    return tuple((guard, join((*head, *text))) for guard, text in tail)


# -- changes -----------------------------------------------------------------------------------


def change_text(text: Text, change: str) -> Text | None:
    """A change made to a text with holes; None when nobody can tell what comes out."""
    plain_text = literal(text)
    try:
        if plain_text is not None:
            made = apply(change, plain_text)
            return (made,) if made else ()
        if len(text) == 1:
            return _changed_hole(text[0], change)
        if (
            text[-1] == "\n"
            and len(text) == 2
            and (
                change.startswith(_BY_LINES)
                or (change[:3] == "tr " and apply(change, "\n") == "\n")
            )
        ):  # a line end stays what it is
            inner = _changed_hole(text[0], change)
            return None if inner is None else join((*inner, "\n" * ("head -c" not in change)))
        if _by_characters(change):
            return _each_part(text, change)
        return _at_an_end(text, change)
    except UnknownChangeError:
        return None


def _changed_hole(part: Part, change: str) -> Text | None:
    if isinstance(part, Var | Output) and len(part.changes) > _MAX_CHANGES:
        return None
    if isinstance(part, Var) and (found := versioned(part, change)):
        return (found,)
    if isinstance(part, Var | Output):
        change = _OF_TWO.get(change, change) if is_of_two(part) else change
        return (replace(part, changes=simplified((*part.changes, change))),)
    if isinstance(part, Encoded):
        return _unwrapped(part, change)
    return (part,) if isinstance(part, Masked) else None


def _unwrapped(part: Encoded, change: str) -> Text | None:
    """Only blanks can be taken from base64."""
    words = shlex.split(change)
    drops = words[:2] == ["tr", "-d"] and len(words) == 3 and not apply(change, "\n")
    letters = "ABCZabcz019+/="
    if drops and apply(change, letters) == letters:
        return (replace(part, wrapped=False),)
    return None


def _by_characters(change: str) -> bool:
    """Whether a change looks at one character at a time."""
    if change in ("${,,}", "${^^}"):
        return True
    if change.startswith("tr "):
        options = [word for word in shlex.split(change)[1:] if word.startswith("-")]
        return not any("s" in option for option in options)
    return (
        change.startswith("${//")
        and len(change) > 5
        and change[4] not in "\\[*?#%"
        and (change[5] in "/}")
    )


def _each_part(text: Text, change: str) -> Text | None:
    parts: list[Part] = []
    for part in text:
        made = change_text((part,), change)
        if made is None:
            return None
        parts += made
    return join(parts)


def _at_an_end(text: Text, change: str) -> Text | None:
    """A cut that only meets the plain characters at one end of a text."""
    last = text[-1] if isinstance(text[-1], str) else ""
    if change in ("${##*/}", "name", "owner") and "/" in last:
        owner, _, name = last.rpartition("/")
        return join((*text[:-1], owner) if change == "owner" else (name,))
    if change == "${%/.}" and not isinstance(text[-1], str):
        # A folder that is itself, as our own scripts have it: what stands before it stays.
        made = _changed_hole(text[-1], change)
        return None if made is None else join((*text[:-1], *made))
    cut = re.fullmatch(r"\$\{(?:(#|##(?!.*[*?[]))|%|%%(?!.*[*?[]))[^#%].*\}", change, re.DOTALL)
    at_start = cut is not None and cut[1] is not None
    end = text[0 if at_start else -1]
    plain = apply(change, end) if cut and isinstance(end, str) else end
    if plain == end:
        return None
    return join((plain, *text[1:]) if at_start else (*text[:-1], plain))


def stripped(text: Text) -> Text:
    """A text as ``$(...)`` gives it: without line ends at its end."""
    if text and isinstance(text[-1], str):
        return join((*text[:-1], text[-1].rstrip("\n")))
    return text


def printed(value: Value) -> str:
    """The program that alone printed a value, whose output nobody knows; else nothing."""
    given = stripped(join(value[0][1])) if value else ()
    one = given[0] if len(given) == 1 else ""
    return one.command if isinstance(one, Output) else ""


def finished_text(text: Text) -> Text:
    """A text as a reader takes it."""
    return tuple(
        replace(part, changes=finished(part.changes))
        if isinstance(part, Var | Output)
        else with_inner(part, finished_text)
        for part in text
    )
