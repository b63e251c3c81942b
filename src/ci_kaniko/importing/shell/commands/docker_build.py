"""``docker build`` and ``docker buildx build``, told in kaniko's flags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal, spell, starts_with
from ci_kaniko.importing.shell.commands.executor import record
from ci_kaniko.importing.shell.commands.others import (
    BUILDAH_SWITCHES,
    NAMES,
    Line,
    cached,
    fetched,
    fields,
    named,
    subcommand,
)
from ci_kaniko.importing.shell.guards import NO
from ci_kaniko.importing.signs import DOCKER

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.commands.flags import Told
    from ci_kaniko.importing.shell.reader import Reader
    from ci_kaniko.importing.shell.values import Item

_SWITCHES = {*BUILDAH_SWITCHES, "push", "load", "check"}
_LETTERS = {"t": "tag", "f": "file", "o": "output", "m": "memory", "c": "cpu-shares"}
_WAYS = {
    **{f"{name}=": name for name in ("build-arg", "label", "target", "secret", "annotation")},
    "file=": "dockerfile",
    "platform=": "custom-platform",
}
_ITSELF = {
    *("no-cache", "pull", "load", "quiet", "q", "rm", "force-rm", "progress", "compress", "debug"),
    *(*NAMES, "push", "D", "provenance=false", "sbom=false"),
}
"""What changes nothing in the image, or what kaniko does anyway."""
_GROUPS = {"image", "buildx", "builder", "manifest"}
_FETCHED = re.compile(r"https?://|git://|git@|ssh://")


def command_of(items: list[Item]) -> tuple[str, list[Item]]:
    """What docker is to do, and the words of that: groups of commands are passed."""
    name, _, rest = subcommand(items)
    while name in _GROUPS and rest:
        name, _, rest = subcommand(rest)
    return name, rest


def build(reader: Reader, items: list[Item], line: Line) -> None:
    """Remember a build, and what it calls its image."""
    told = line.flags(items, _SWITCHES, _LETTERS)
    names = [one for one in told if one.name in NAMES]
    folders = [one for one in told if not one.name]
    for one in folders[:-1]:
        if one.item.split and len(one.item.text) == 1 and not literal(one.item.text):
            # It may be any flags, for a build has one folder.
            reader.note("unknown-words", spell(one.item.text), line=one.item.line)
            told.remove(one)
    if not folders:
        reader.note("no-folder")
    for one in told:
        _take(line, one, names)
    words = line.words(items[0].line if items else 0)
    count = len(reader.calls)
    record(reader, words, reader.container, DOCKER.name)
    if len(reader.calls) > count:
        named(reader, names, count)


def _take(line: Line, one: Told, names: list[Told]) -> None:
    """What one flag says, or the context."""
    value = literal(one.value or ())
    if not one.name:
        _context(line, one)
    elif (one.name, value) == ("file", "-"):
        line.left(one)
    elif one.name == "output":
        _output(line, one, names)
    elif one.name in {"cache-from", "cache-to"}:
        cached(line, one)
    else:
        line.carry(one, _WAYS, _ITSELF)
    if one.name == "push":
        on = one.item if one.value is None else line.where_on(one.item, one.value)
        _pushed(line, one._replace(item=on), names)


def _pushed(line: Line, one: Told, names: list[Told]) -> None:
    for name in names:
        guard = line.conditions.guards.both(one.item.guard, name.item.guard)
        if guard == NO:
            continue
        line.say(name.item._replace(guard=guard), "destination", name.value)


def _output(line: Line, one: Told, names: list[Told]) -> None:
    """``--output``: only what goes to a registry is an image somewhere else."""
    given = fields(one, ("true",))
    kind = literal(given.pop("type", ()))
    if kind == "docker" and not given:
        return
    push = given.pop("push", ("false",)) if kind == "image" else ("true",)
    if kind in {"image", "registry"} and not given:
        _pushed(line, one._replace(item=line.where_on(one.item, push)), names)
    else:
        line.left(one)


def _context(line: Line, one: Told) -> None:
    """A folder, or an address that is cloned; standard input has no place in a spec."""
    value: Text = one.value or ()
    if starts_with(value, "-"):
        line.left(one)
    elif _FETCHED.match(spell(value)):
        fetched(line, one, value)
    else:
        line.say(one.item, "context", value)
