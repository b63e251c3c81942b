"""Folders that a script fills with a repository or an archive: contexts that are fetched.

What ``builders.buildah.fetching`` writes is read, and ``tar`` and ``curl | tar`` of anybody.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace
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
from ci_kaniko.importing.shell.parsing import fill, slotted
from ci_kaniko.importing.shell.state import Fetched
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, pure, stripped
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.shell.reader import Reader, Status

_TOLD = re.compile(r"(?i)(?:GIT_USERNAME|GIT_PASSWORD|HTTPS?_PROXY|NO_PROXY)=[^\n]*")
_FROM = re.compile(r"\$\(buildah from (\S+)\)")


# -- a repository ------------------------------------------------------------------------------


def by_buildah(reader: Reader, items: list[Item]) -> Status | None:
    """``buildah run`` of git in a folder; None for every other command in a container."""
    holes: list[Text] = []
    run = _runs_git().fullmatch("\0".join(slotted(item.text, holes) for item in items))
    told = _told_to_git(reader.stdin or EMPTY)
    said = (
        {name: fill(text, holes) for name, text in run.groupdict().items() if text} if run else {}
    )
    image = _FROM.fullmatch(spell(said.get("image", ())))
    if image is None or told is None:
        return None
    found = reader.fetched.get(said["folder"], Fetched())
    found.image, found.environment = image[1], told
    found.commit = said.get("commit", found.commit)
    if "depth" in said:
        found.options["depth"] = spell(said["depth"])
    if "insecure" in said:
        found.options["insecure-skip-tls"] = "true"
    if "submodules" in said:
        found.options["recurse-submodules"] = "true"
    if "address" in said:
        found.address = join(("git://", *said["address"]))
        found.ref = said.get("ref", ())
    if "branch" in said:
        found.options["branch"] = spell(said["branch"])
    return _filled(reader, said["folder"], found, "buildah run")


@functools.cache
def _runs_git() -> re.Pattern[str]:
    """What ``buildah run`` is told by a script of ours, its words with NUL between them."""
    from ci_kaniko.builders.buildah.fetching import HELPER, READ

    words = [
        r"--volume (?P<folder>[^\0:]+):(?P<inside>[^\0]+) --workingdir (?P=inside)",
        r" (?P<image>[^\0]+) -- (?:git|sh -c READ sh)",
        r"(?: -c http\.sslVerify=(?P<insecure>false))?(?: -c credential\.https://[^\0]*HELPER)?",
        r" (?:init --quiet|remote add origin [^\0]+|checkout --quiet --detach",
        r" (?:FETCH_HEAD|(?P<commit>[^\0]+))|fetch --quiet(?: --depth=(?P<depth>\d+))?",
        r" https://(?P<address>[^\0]+) (?:HEAD|(?P<ref>refs/[^\0]+)|(?P<branch>[^\0]+))",
        r"|submodule update --quiet --init (?P<submodules>--recursive)(?: --depth=\d+)?)",
    ]
    whole = "".join(words).replace(" ", r"\0")
    return re.compile(whole.replace("READ", re.escape(READ)).replace("HELPER", re.escape(HELPER)))


def _told_to_git(given: Value) -> dict[str, Value] | None:
    """The login of what git is told; None where that is more than logins and proxies."""
    found: dict[str, Value] = {}
    for guard, text in given:
        lines = [line for line in split_text(text, "\n") if line]
        for line in lines if spell(text) != "$(cat /dev/null)" else ():
            if not _TOLD.fullmatch(spell(line)):
                return None
            name, value = split_text(line, "=", 1)
            if starts_with(name, "GIT_"):
                found[spell(name)] = (*found.get(spell(name), ()), (guard, value))
    return found


# -- an archive --------------------------------------------------------------------------------


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
    reader.downloads[(printed,)] = Fetched(addresses[0])
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
        return _filled(reader, rest[1], replace(found), "tar") if found else None
    archive = _outside(reader, archive)
    held = [stripped(text) for _, text in read_file(reader, archive, empty=True)]
    found = reader.downloads.get(held[0]) if len(held) == 1 else None
    if found is None and any(held):
        return None
    found = replace(found) if found else Fetched(join(("tar://", *archive)))
    found.archive = archive
    return _filled(reader, rest[1], found, "tar")


# -- what is built -----------------------------------------------------------------------------


def _filled(reader: Reader, folder: Text, found: Fetched, by: str) -> Status | None:
    """Remember what a folder holds, where it holds that in every run."""
    guards = reader.guards
    if not reader.conditions.implies(guards.negate(reader.failed), reader.state.path):
        return None
    reader.fetched[folder] = found
    reader.made(file_thing(spell(folder)))
    return reader.hoped(by)


def from_fetched(reader: Reader, items: list[Item]) -> tuple[list[Item], Fetched]:
    """The words of a build, whose context may be what the script has fetched for it, and that."""
    for folder, found in reader.fetched.items():
        contexts = [item for item in items if _below(item.text, "--context=", folder) is not None]
        if contexts and found.context:
            reader.uses.use(file_thing(spell(folder)), file_thing(spell(found.archive)))
            return [*_of_fetched(items, folder, found, contexts[0])], found
    return items, Fetched()


def _of_fetched(items: list[Item], folder: Text, found: Fetched, context: Item) -> Iterator[Item]:
    for item in items:
        file = _below(item.text, "--dockerfile=", folder)
        if item == context:
            yield item._replace(text=join(("--context=", *found.context)), split=False)
        elif file is not None:
            yield item._replace(text=join((f"--dockerfile={FETCHED}", *file)))
        else:
            yield item
    if below := _below(context.text, "--context=", folder):
        yield context._replace(text=join(("--context-sub-path=", *without_head(below, "/"))))
    for name, value in found.options.items():
        yield context._replace(text=(f"--git={name}={value}",))


def _below(text: Text, flag: str, folder: Text) -> Text | None:
    """What follows a folder in the value of a flag."""
    if not starts_with(text, flag):
        return None
    rest = after(without_head(text, flag), folder)
    return None if rest and not starts_with(rest, "/") else rest
