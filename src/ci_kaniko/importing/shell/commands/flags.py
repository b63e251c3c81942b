"""The executor's flags on a command line, whether a shell reads it or a list holds it.

``one_word_each`` puts each flag and its value together, and ``parse`` takes such a word apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Word, join, literal, spell, starts_with
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.shell.values import Item
from ci_kaniko.kaniko.flags import RENAMED, short_names, switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.importing.shell.conditions import Conditions

_SWITCHES = switches()
_LETTERS = short_names()
_SHORT = {f"-{letter}": name for letter, name in _LETTERS.items()}
_LETTERS_OF_DOCKER = {"t", "o"}
MEANT = {
    **dict.fromkeys(("t", "tag", "tags", "destinations"), "destination"),
    "file": "dockerfile",
    "build-args": "build-arg",
    "cache-repository": "cache-repo",
}
"""What people call a flag that kaniko calls otherwise."""
_NAMES = {**_LETTERS, **RENAMED, **MEANT}
_OFF = {"false", "False", "FALSE", "f", "F", "0"}
_BOOLEAN = {"true", "True", "TRUE", "t", "T", "1", *_OFF}


def one_word_each(
    items: list[Item], conditions: Conditions, path: int, note: Callable[..., None]
) -> list[Item]:
    """The executor's arguments, each flag in one word with its value, as pflag reads them."""
    rest = list(items)
    found: list[Item] = []
    while rest:
        item = rest.pop(0)
        name = _flag(item.text)
        if name is None:
            found.append(item)
        elif name in _SWITCHES:
            found.append(_switch(item, name, rest, note))
        elif "=" in str(item.text[0]) or not rest or _is_unknown_letter(item.text):
            found.append(_long(item, name))
        else:
            found += _paired(item, name, rest, conditions, path)
    if not any(_says_where(item) for item in found):
        note("no-destination", line=items[0].line if items else 0)
    return found


def _says_where(item: Item) -> bool:
    """Whether a word says where an image is pushed, or may hold what says so."""
    flag = parse(Word(item.text))
    if flag is None:
        return any(not isinstance(part, str) or "destination" in part for part in item.text)
    return flag.name in {"destination", "no-push"}


def _flag(text: Text) -> str | None:
    """The name of a flag, without dashes."""
    if not text or not isinstance(text[0], str) or not text[0].startswith("-"):
        return None
    head = text[0].partition("=")[0]
    return _SHORT.get(
        head, _SHORT.get(head[:2], head.lstrip("-")) if head[1:2] != "-" else head[2:]
    )


def _is_unknown_letter(text: Text) -> bool:
    """Whether a flag has one dash and is none of the executor's short ones."""
    head = str(text[0])
    known = head[:2] in _SHORT or head[1:] in _LETTERS_OF_DOCKER
    return not head.startswith("--") and not known


def _long(item: Item, name: str) -> Item:
    head = str(item.text[0])
    if head.startswith("--") or head[:2] not in _SHORT:
        return item
    value = join((head[2:].removeprefix("="), *item.text[1:]))
    return item._replace(text=join((f"--{name}=", *value)))


def _switch(item: Item, name: str, rest: list[Item], note: Callable[..., None]) -> Item:
    """A switch; the word behind it is no value for kaniko, but it was meant as one."""
    if "=" in str(item.text[0]) or not rest or literal(rest[0].text) not in _BOOLEAN:
        return item._replace(text=(f"--{name}",)) if literal(item.text) == "-h" else item
    value = literal(rest.pop(0).text) or ""
    note("switch-value", f"--{name}", value, line=item.line)
    return item._replace(text=(f"--{name}={value}",))


def _paired(
    item: Item, name: str, rest: list[Item], conditions: Conditions, path: int
) -> list[Item]:
    """A flag and the words that can be its value: as many as exclude each other."""
    head = str(item.text[0])
    if len(head) > 2 and head[:2] in _SHORT and not head.startswith("--"):
        return [_long(item, name)]
    guards = conditions.guards
    flag = head if head[1:] in _LETTERS_OF_DOCKER else f"--{name}"
    found: list[Item] = []
    missing = guards.both(item.guard, path)
    while rest and conditions.possible(missing):
        value = rest[0]
        if starts_with(value.text, "--") and not _flagless(value.text):
            break
        here = guards.both(value.guard, missing)
        if not conditions.possible(here):
            break
        rest.pop(0)
        text = join((f"{flag}=", *value.text))
        whole = item.guard if value.guard == YES else guards.both(item.guard, value.guard)
        found.append(Item(whole, text, value.split or item.split, item.line))
        missing = guards.minus(missing, value.guard)
        beyond = guards.both(guards.minus(value.guard, item.guard), path)
        if conditions.possible(beyond):
            rest.insert(0, value._replace(guard=beyond))
            break
    return found or [item]


def _flagless(text: Text) -> bool:
    return len(text) == 1 and text[0] == "--"


class Flag:
    """One flag of a call, by kaniko's name and as it was ``written``."""

    __slots__ = ("line", "name", "value", "when", "written")

    def __init__(self, written: str, value: Text | None, word: Word) -> None:
        self.written = written
        self.name = _NAMES.get(written, written)
        self.value = value
        self.when = word.when
        self.line = word.line

    @property
    def shown(self) -> str:
        """The flag as it was passed."""
        dashes = "-" * min(len(self.written), 2)
        return f"{dashes}{self.written}" + ("" if self.value is None else f"={spell(self.value)}")

    @property
    def on(self) -> bool:
        """Whether a switch is on; one that only a run can tell is taken for on."""
        return self._said not in _OFF

    @property
    def is_wrong(self) -> bool:
        """Whether a switch has a value that pflag refuses."""
        return self.name in _SWITCHES and self._said not in {None, *_BOOLEAN}

    @property
    def _said(self) -> str | None:
        """What a switch is set to; None where only a run can tell."""
        return "true" if self.value is None else literal(self.value)


def parse(word: Word) -> Flag | None:
    """A word as a flag; None when it is none."""
    first = word.text[0] if word.text else ""
    match = re.match(r"--?([A-Za-z][A-Za-z-]*)(=?)", first) if isinstance(first, str) else None
    rest = join((str(first)[match.end() :], *word.text[1:])) if match else ()
    if not match or (rest and not match[2]):
        return None
    return Flag(match[1], rest if match[2] else None, word)
