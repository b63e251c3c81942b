"""Folders that a script fills with an archive: contexts that are fetched."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Output,
    Text,
    after,
    join,
    literal,
    plain_head,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.shell.files import read_file, write_file
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import EMPTY, Item, pure, stripped
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.shell.reader import Reader, Status


_TO_FILE = re.compile(r"--output|-[A-Za-z]*o")
_LOGS_IN = re.compile(r"--(?:aws-sigv4|config|header|netrc|oauth2-bearer|user)|-[A-Za-z]*[HKnu]")


def download(reader: Reader, items: list[Item]) -> Status | None:
    """Remember which address ``curl`` prints; None but for a file that needs no login."""
    from ci_kaniko.importing.shell.commands.filters import command_text

    words = [item.text for item in items]
    addresses = [word for word in words if starts_with(word, "http")]
    if len(addresses) != 1:
        return None
    printed = Output(command_text("curl", reader.arguments(items)))
    files = [file for flag, file in pairwise(words) if _TO_FILE.fullmatch(literal(flag) or "")]
    for file in files:
        write_file(reader, file, pure((printed,)))
    if starts_with(addresses[0], "http:") or any(
        _LOGS_IN.match(plain_head(word)) for word in words
    ):
        return None
    reader.downloads[(printed,)] = addresses[0]
    return reader.hoped("curl") if files else None


def _outside(reader: Reader, path: Text) -> Text:
    """Where a file of a container lies outside of it."""
    for item in reader.container.options if reader.container else ():
        outside, *inside = split_text(without_head(item.text, "--volume="), ":")
        below = after(path, inside[0]) if inside else None
        if below and starts_with(below, "/"):
            return join((*outside, *below))
    return path


def unpacked(reader: Reader, items: list[Item]) -> Status | None:
    """``tar`` that unpacks all of an archive into a folder; None for every other one."""
    words = [item.text for item in items]
    letters = (literal(words[0]) or "").lstrip("-") if words else ""
    if not letters or "x" not in letters or {*letters} - {*"xzofvp"}:
        return None
    rest = words[1:]
    from_file = letters.endswith("f") and len(rest) == 3 and literal(rest[0]) != "-"
    archive = rest.pop(0) if from_file else ()
    if len(rest) != 2 or literal(rest[0]) != "-C" or ("f" in letters and not from_file):
        return None
    if not archive:
        printed = [stripped(text) for _, text in reader.stdin or EMPTY]
        found = reader.downloads.get(printed[0]) if len(printed) == 1 else None
        return _filled(reader, rest[1], found) if found else None
    archive = _outside(reader, archive)
    held = [stripped(text) for _, text in read_file(reader, archive, empty=True)]
    found = reader.downloads.get(held[0]) if len(held) == 1 else None
    if found is None and any(held):
        return None
    return _filled(reader, rest[1], found or join(("tar://", *archive)))


def _filled(reader: Reader, folder: Text, address: Text) -> Status | None:
    """Remember the archive that a folder holds, where it holds that in every run."""
    guards = reader.guards
    if not reader.conditions.implies(guards.negate(reader.failed), reader.state.path):
        return None
    reader.fetched[folder] = address
    reader.made(file_thing(spell(folder)))
    return reader.hoped("tar")


def from_fetched(reader: Reader, items: list[Item]) -> list[Item]:
    """The words of a build, whose context may be what the script has fetched for it."""
    for folder, address in reader.fetched.items():
        contexts = [item for item in items if _below(item.text, "--context=", folder) is not None]
        if contexts:
            reader.uses.use(file_thing(spell(folder)))
            return [*_of_fetched(items, folder, address, contexts[0])]
    return items


def _of_fetched(items: list[Item], folder: Text, address: Text, context: Item) -> Iterator[Item]:
    for item in items:
        file = _below(item.text, "--dockerfile=", folder)
        if item == context:
            yield item._replace(text=join(("--context=", *address)), split=False)
        elif file is not None:
            yield item._replace(text=join((f"--dockerfile={FETCHED}", *file)))
        else:
            yield item
    if below := _below(context.text, "--context=", folder):
        yield context._replace(text=join(("--context-sub-path=", *without_head(below, "/"))))


def _below(text: Text, flag: str, folder: Text) -> Text | None:
    """What follows a folder in the value of a flag."""
    if not starts_with(text, flag):
        return None
    rest = after(without_head(text, flag), folder)
    return None if rest and not starts_with(rest, "/") else rest
