"""What Groovy's methods make of a text, as the changes of a shell that do the same."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Var
from ci_kaniko.importing.shell.values import change_text

if TYPE_CHECKING:
    from collections.abc import Callable


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
_UNKNOWN = ("",)
_ALIKE = re.compile(r"(?:[\w/.,:@ -]|\\[^\w|]|\[[^\[\]|\\]*\][*+]?)*")
"""Expressions that Java and sed read alike."""


def changed(expression: str, value: Callable[[str], Text | None]) -> Text | None:
    """What methods make of a variable, by its ``value``; None where an expression calls none."""
    found = _CHAIN.fullmatch(expression)
    if found is None:
        return None
    methods = _METHOD.findall(found[2])
    made = value(found[1]) if len(methods) <= _MAX_METHODS else None
    for change in (each for method in methods for each in _changes(*method)):
        made = change_text(made, change) if made and change else None
    return made or (Var(expression),)


def _changes(name: str, given: str, places: str) -> tuple[str, ...]:
    words = [one or other or number for one, other, number in _WORD.findall(given)]
    if last := re.fullmatch(r"0\.\.(\d{1,2})", places):
        return (f"first:{int(last[1]) + 1}",)
    if not words:
        return _PLAIN.get(name, _UNKNOWN)
    if (name, *words[:-1]) in _SHORT and words[-1].isdigit():
        return (f"first:{int(words[-1])}",)
    if name not in {"replace", "replaceAll"} or len(words) != 2:
        return _UNKNOWN
    old, new = re.escape(words[0]) if name == "replace" else words[0], words[1]
    alike = _ALIKE.fullmatch(old) and re.fullmatch(r"[\w.-]*", new)
    return (shlex.join(["sed", "-E", f"s|{old}|{new}|g"]),) if alike else _UNKNOWN
