"""What is said to programs, in the words of the command line.

A message names a parameter of the functions as Python has it, in backquotes: here it is an option.
"""

from __future__ import annotations

import re

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.problems.problem import Problem

_OPTIONS = {
    "against": "--against",
    "changed_since": "--changed-since",
    "checkout_values": "the command line",
    "executor": "--executor",
    "force": "--force",
    "image": "--image",
    "merge": "--merge",
    "only": "--only",
    "path": "--spec PATH",
    "source": "--from",
    "sync": "ci-kaniko sync -f -",
    "values": "--set NAME=VALUE",
}
_NAMED = re.compile(
    rf"\"[^\"\n]*\"|`(?:values\['(?P<item>[^'`]+)'\]|source='(?P<source>\w+)'|"
    rf"(?P<name>{'|'.join(_OPTIONS)}))`"
)


def worded(text: str) -> str:
    """A message for people at a command line; what is quoted in it stays.

    >>> worded("`force` overwrites it"), worded("`values['tag']` gives one")
    ('--force overwrites it', '--set tag=VALUE gives one')
    >>> worded('"`only`" is no image')
    '"`only`" is no image'
    """
    return _NAMED.sub(_option, text) if "`" in text else text


def _option(found: re.Match[str]) -> str:
    if found["item"]:
        return f"--set {found['item']}=VALUE"
    if found["source"]:
        return f"--from {found['source']}"
    return _OPTIONS[found["name"]] if found["name"] else found[0]


def worded_all(problems: Iterable[Problem]) -> list[Problem]:
    """Problems for people at a command line."""
    return [
        replace(each, message=worded(each.message), hint=worded(each.hint))
        if "`" in each.message + each.hint
        else each
        for each in problems
    ]
