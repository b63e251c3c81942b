"""The version of a git tag, as the scripts of ci-kaniko put it together.

In a variable's name the prefix of its tags follows an ``@``: ``version.minor@api/``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.transforms import outcomes
from ci_kaniko.syntax.versions import is_release, sed_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.importing.calls import Var

_PREFIX = re.compile(r"s,\^(?P<prefix>[^(]*?)v\?\(")
_VERSIONS = ("1.2.3", "10.20.30-rc.1", "0.0.1", "1.2.3-0a.b-c.4", "12.3.45", "")
_NAMED: dict[str, Callable[[str], str]] = {
    "version": lambda version: version,
    "version.minor": lambda version: version.partition("-")[0].rpartition(".")[0],
    "version.major": lambda version: version.partition("-")[0].partition(".")[0],
    "release": lambda version: version if is_release(version) else "",
}


def versioned(var: Var, change: str) -> Var | None:
    """A variable after one more change, where it is then a version or a part of one."""
    name, at, prefix = var.name.partition("@")
    known: str | None = None
    if var.portable and at and name == "version":
        known = _part_of((*var.changes, change))
    elif not var.changes and not var.default and meaning(var) == "tag":
        found = _prefix_of(change)
        known, prefix = (None, "") if found is None else ("version", found)
    if known is None:
        return None
    return replace(var, name=f"{known}@{prefix}", default=None, changes=(), portable=True)


def _prefix_of(change: str) -> str | None:
    """The prefix of the tags whose versions a program of ours prints; None for another one."""
    *command, program = shlex.split(change) or [""]
    found = _PREFIX.match(program)
    if found is None or command != ["sed", "-nE"]:
        return None
    prefix = re.sub(r"\[(.)\]", r"\1", found["prefix"])
    return prefix if program == sed_program(prefix) else None


def _part_of(changes: tuple[str, ...]) -> str | None:
    """Which part of a version changes leave, found by trying."""
    made = outcomes(changes, _VERSIONS)
    parts = {name: {text: of(text) for text in _VERSIONS} for name, of in _NAMED.items()}
    return next((name for name, part in parts.items() if made == part), None)
