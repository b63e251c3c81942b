"""What Groovy's methods make of a text, as the changes of a shell that do the same."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.shell.values import change_text

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Text

_ARGUMENTS = r"\((?:[^()'\"]|'[^']*'|\"[^\"]*\")*\)"
_CHAIN = re.compile(
    rf"((?:(?:env|params)\.)?\w+)((?:\??\.\w+{_ARGUMENTS}|\[[\d.-]*\])+)"
    r"(?:\s*\?:\s*['\"]\w*['\"])?"
)
_METHOD = re.compile(rf"\.(\w+)({_ARGUMENTS})|\[([\d.-]*)\]")
_WORD = re.compile(r"'([^']*)'|\"([^\"]*)\"|(\d+)")
_SHORT = {("take",), ("substring", "0")}
_MAX_METHODS = 8
_PLAIN = {"toLowerCase": ("lower",), "toUpperCase": ("upper",), "trim": (), "toString": ()}
_ALIKE = re.compile(r"(?:[\w/.,:@ -]|\\[^\w|]|\[[^\[\]|\\]*\][*+]?)*")
"""Expressions that Java and sed read alike."""


class Changed(NamedTuple):
    """A variable and what methods make of it; without ``changes`` only Groovy knows that."""

    name: str
    changes: tuple[str, ...] | None

    def of(self, text: Text) -> Text | None:
        """What the methods make of the variable's text."""
        found: Text | None = text if self.changes is not None else None
        for change in self.changes or ():
            found = change_text(found, change) if found else found
        return found


def changed(expression: str) -> Changed | None:
    """The variable whose methods an expression calls."""
    found = _CHAIN.fullmatch(expression)
    if found is None:
        return None
    listed = [_changes(*method) for method in _METHOD.findall(found[2])]
    if len(listed) > _MAX_METHODS:
        return Changed(found[1], None)
    changes = tuple(each for one in listed for each in one or ())
    return Changed(found[1], None if None in listed else changes)


def _changes(name: str, given: str, places: str) -> tuple[str, ...] | None:
    words = [one or other or number for one, other, number in _WORD.findall(given)]
    if last := re.fullmatch(r"0\.\.(\d{1,2})", places):
        return (f"first:{int(last[1]) + 1}",)
    if not words:
        return _PLAIN.get(name)
    if (name, *words[:-1]) in _SHORT and words[-1].isdigit():
        return (f"first:{int(words[-1])}",)
    if name not in {"replace", "replaceAll"} or len(words) != 2:
        return None
    old, new = re.escape(words[0]) if name == "replace" else words[0], words[1]
    alike = _ALIKE.fullmatch(old) and re.fullmatch(r"[\w.-]*", new)
    return (shlex.join(["sed", "-E", f"s|{old}|{new}|g"]),) if alike else None
