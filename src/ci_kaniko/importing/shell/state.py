"""The abstract state: what a shell knows at one place of a script, found without running it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any

from ci_kaniko.importing.calls import Text, Var, join
from ci_kaniko.importing.shell.derived import recognised
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, Values, pure

Written = tuple[tuple[int, Text], ...]
"""The texts of a file; where no guard holds, it was not written."""
_GROWING = ("variables", "arrays", "items", "exported", "files", "functions")


@dataclass
class State:
    """One place of a script. ``path`` is the condition under which it is reached."""

    path: int = YES
    variables: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, list[Item]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    exported: dict[str, int] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()
    files: dict[Text, Written] = field(default_factory=dict)
    logins: tuple[tuple[int, Any], ...] = ()
    functions: dict[str, Any] = field(default_factory=dict)
    traps: tuple[Value, ...] = ()
    folder: Value = EMPTY
    output: Value = EMPTY
    goes_on: bool = True

    def fork(self, path: int) -> State:
        made = copy(self)
        made.path = path
        for name in _GROWING:
            setattr(made, name, getattr(self, name).copy())
        return made

    def value(self, name: str) -> Value:
        """What a variable holds; one that nobody set is a hole."""
        if name in self.variables:
            return self.variables[name]
        if name in self.arrays:
            first = self.arrays[name][:1]
            return pure(first[0].text) if first else EMPTY
        if name == "PWD":
            return tuple((guard, _absolute(text)) for guard, text in self.folder)
        return EMPTY if name in self.unset else pure((Var(name),))


def _absolute(folder: Text) -> Text:
    """A folder from the root of the machine: what is relative begins where the script started."""
    if folder and (not isinstance(folder[0], str) or folder[0].startswith("/")):
        return folder
    return join((Var("PWD"), "/", *folder)) if folder else (Var("PWD"),)


def merge(one: State, other: State, values: Values) -> State:
    """Two ways to one place."""
    if one.path == NO:
        return other
    if other.path == NO:
        return one
    guards = values.conditions.guards
    merged = one.fork(guards.either(one.path, other.path))
    guards.budget.spend(len(one.variables) + len(other.variables) + len(one.files) + 10)
    _merge_variables(merged, one, other, values)
    merged.goes_on = one.goes_on and other.goes_on
    merged.own = one.own | other.own
    merged.unset = one.unset & other.unset
    merged.logins = tuple(dict.fromkeys((*one.logins, *other.logins)))
    merged.functions = {**one.functions, **other.functions}
    merged.traps = tuple(dict.fromkeys((*one.traps, *other.traps)))
    for path, written in other.files.items():
        before = one.files.get(path)
        if before is None:
            merged.files[path] = written
        elif before != written:
            both = [*values.under(before, one.path), *values.under(written, other.path)]
            merged.files[path] = values.possible(both)
    return merged


def _merge_variables(merged: State, one: State, other: State, values: Values) -> None:
    """What the shell knows by names, and the folder and the output."""
    conditions = values.conditions
    guards = conditions.guards

    def both(here: Value, there: Value) -> Value:
        if here == there:
            return here
        found = values.gather([*values.under(here, one.path), *values.under(there, other.path)])
        return recognised(found, conditions, merged.path)

    for name in dict.fromkeys((*one.variables, *other.variables)):
        if one.variables.get(name) is not other.variables.get(name):
            merged.variables[name] = both(one.value(name), other.value(name))
    for name in dict.fromkeys((*one.arrays, *other.arrays)):
        lists = (state.arrays.get(name, []) for state in (one, other))
        merged.arrays[name] = values.merged(next(lists), one.path, next(lists), other.path)
    if one.items != other.items:
        merged.items = values.merged(one.items, one.path, other.items, other.path)
    for name in dict.fromkeys((*one.exported, *other.exported)):
        guard = guards.either(
            *(guards.both(at.exported.get(name, NO), at.path) for at in (one, other))
        )
        merged.exported[name] = YES if conditions.implies(merged.path, guard) else guard
    merged.folder = both(one.folder, other.folder)
    merged.output = both(one.output, other.output)
