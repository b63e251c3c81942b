"""Flags on a command line, whether a shell reads it or a list holds it.

``flags_of`` reads those of any program. Of the executor's, ``one_word_each`` puts each flag and its
value together, and ``parse`` takes such a word apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import (
    ALWAYS,
    Text,
    When,
    join,
    literal,
    plain_head,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.shell.values import Item
from ci_kaniko.kaniko.flags import RENAMED, of_kind, short_names, switches

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ci_kaniko.importing.calls import Word
    from ci_kaniko.importing.shell.conditions import Conditions

_SWITCHES = switches()
_WRITTEN = of_kind("file")
_LETTERS = short_names()
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


class Told(NamedTuple):
    """One flag of a command line, or a word that is none: then it has no name.

    ``dashes`` are those of a name that is one letter.
    """

    name: str
    value: Text | None
    item: Item
    dashes: str = "-"

    @property
    def word(self) -> Text:
        """The flag and its value in one word."""
        if not self.name:
            return self.value or ()
        flag = f"{self.dashes if len(self.name) == 1 else '--'}{self.name}"
        return (flag,) if self.value is None else join((f"{flag}=", *self.value))

    @property
    def shown(self) -> str:
        """The flag as a person writes it."""
        return spell(self.word)


_DASHES = re.compile("-[^-]|--.")


def flags_of(
    rest: list[Item],
    switches: Collection[str],
    letters: Mapping[str, str],
    conditions: Conditions,
    path: int,
) -> Iterator[Told]:
    """The flags of a command line, as pflag takes them from a list; a value may be one of several.

    ``letters`` are the flags that have a longer name; a longer name behind one dash is meant as one
    behind two.
    """
    while rest:
        item = rest.pop(0)
        head, *value = split_text(item.text, "=", 1)
        first = plain_head(head)
        name = first.lstrip("-")
        dashes = first[: len(first) - len(name)]
        if not _DASHES.match(first):
            if item.text:
                yield Told("", item.text, item)
            continue
        if not first.startswith("--") and (name[1:] == "" or name[0] in {*letters, *switches}):
            name = letters.get(name[0], name[0])
            attached = without_head(item.text, first[:2])
            value = [without_head(attached, "=")] if attached else []
            if name in switches and first[2:3].isalpha():
                rest.insert(0, item._replace(text=join(("-", *attached))))
                value = []
        if value or name in switches:
            yield Told(name, value[0] if value else None, item, dashes)
            continue
        found = paired(item, rest, conditions, path)
        for one in found:
            yield Told(name, one.text, one, dashes)
        if not found:
            yield Told(name, None, item, dashes)


def paired(item: Item, rest: list[Item], conditions: Conditions, path: int) -> list[Item]:
    """What can be the value of a flag, each where it is: as many words as exclude each other."""
    guards = conditions.guards
    found: list[Item] = []
    missing = guards.both(item.guard, path)
    while rest and conditions.possible(missing):
        value = rest[0]
        if starts_with(value.text, "--") and value.text != ("--",):
            break
        if not conditions.possible(guards.both(value.guard, missing)):
            break
        rest.pop(0)
        whole = guards.both(item.guard, value.guard)
        found.append(Item(whole, value.text, value.split or item.split, item.line))
        missing = guards.minus(missing, value.guard)
        beyond = guards.both(guards.minus(value.guard, item.guard), path)
        if conditions.possible(beyond):
            rest.insert(0, value._replace(guard=beyond))
            break
    return found


# -- the executor's ------------------------------------------------------------------------------


def one_word_each(
    items: list[Item], conditions: Conditions, path: int, note: Callable[..., None]
) -> list[Item]:
    """The executor's arguments, each flag in one word with its value, as pflag reads them."""
    rest = list(items)
    found: list[Item] = []
    for item in items:
        if not item.text:
            note("empty-argument", line=item.line)
    for told in flags_of(rest, _SWITCHES, _LETTERS, conditions, path):
        word = told.word
        following = literal(rest[0].text) if rest else None
        if told.name in _SWITCHES and told.value is None and following in _BOOLEAN:
            # The word behind a switch is no value for kaniko, but it was meant as one.
            rest.pop(0)
            note("switch-value", spell(word), following, line=told.item.line)
            word = join((*word, "=", following or ""))
        found.append(told.item._replace(text=word))
    # Who does not tell conditions apart may have lost the words of one of them.
    if not conditions.guards.budget.low and not any(_says_where(item) for item in found):
        note("no-destination", line=items[0].line if items else 0)
    return found


def _says_where(item: Item) -> bool:
    """Whether a word says where an image is pushed, or may hold what says so."""
    flag = parse(item.text)
    if flag is None:
        return any(not isinstance(part, str) or "destination" in part for part in item.text)
    return flag.name in {"destination", "no-push"}


class Flag:
    """One flag of a call, by kaniko's name and as it was ``written``."""

    __slots__ = ("line", "name", "value", "when", "written")

    def __init__(self, written: str, value: Text | None, when: When, line: int) -> None:
        self.written = written
        self.name = _NAMES.get(written, written)
        self.value = value
        self.when = when
        self.line = line

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


def outputs(words: Iterable[Item | Word]) -> Iterator[Text]:
    """The files that the executor is to write."""
    for flag in (one_of(_WRITTEN, word.text) for word in words):
        if flag is not None and flag.value:
            yield flag.value


_FLAG = re.compile(r"--?([A-Za-z][A-Za-z-]*)(=?)")


def parse(text: Text, when: When = ALWAYS, line: int = 0) -> Flag | None:
    """A word as a flag; None when it is none."""
    match = _FLAG.match(plain_head(text))
    rest = join((match.string[match.end() :], *text[1:])) if match else ()
    if not match or (rest and not match[2]):
        return None
    return Flag(match[1], rest if match[2] else None, when, line)


def one_of(names: Collection[str], text: Text) -> Flag | None:
    """A word as a flag of one of some names; None when it is none."""
    match = _FLAG.match(plain_head(text))
    return parse(text) if match and _NAMES.get(match[1], match[1]) in names else None
