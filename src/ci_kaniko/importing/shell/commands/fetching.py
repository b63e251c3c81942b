"""Folders that a script fills with a repository or an archive: contexts that are fetched.

What ``builders.buildah.fetching`` writes is read, and ``tar`` and ``curl | tar`` of anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Output,
    Text,
    after,
    join,
    literal,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.shell.state import Fetched
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import EMPTY, stripped
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.shell.reader import Reader, Status
    from ci_kaniko.importing.shell.values import Item

_TOLD = re.compile(r"(?i)(?:GIT_USERNAME|GIT_PASSWORD|HTTPS?_PROXY|NO_PROXY)=[^\n]*")
_FROM = re.compile(r"buildah from (\S+)")
_DEPTH = "--depth="


# -- a repository ------------------------------------------------------------------------------


def by_buildah(reader: Reader, items: list[Item]) -> Status | None:
    """``buildah run`` of git in a folder; None for every other command in a container."""
    from ci_kaniko.builders.buildah.fetching import READ

    words = [item.text for item in items]
    spelled = [literal(word) for word in words]
    if spelled[:1] != ["--volume"] or spelled[2:3] != ["--workingdir"] or spelled[5:6] != ["--"]:
        return None
    folder, *inside = split_text(words[1], ":")
    image = _FROM.fullmatch(_printed(words[4]))
    if inside != [words[3]] or image is None or not all(map(_is_for_git, reader.stdin or EMPTY)):
        return None
    if spelled[6:7] == ["git"]:
        rest = words[7:]
    elif spelled[6:10] == ["sh", "-c", READ, "sh"]:
        rest = words[10:]
    else:
        return None
    found = reader.fetched.get(folder, Fetched())
    found.image = image[1]
    if not rest or not _git(found, rest):
        return None
    return _filled(reader, folder, found, "buildah run")


def _printed(text: Text) -> str:
    """The command that prints a text."""
    return text[0].command if len(text) == 1 and isinstance(text[0], Output) else ""


def _is_for_git(case: tuple[int, Text]) -> bool:
    """Whether a text says nothing but what git is told of logins and proxies."""
    lines = [spell(line) for line in split_text(case[1], "\n") if line]
    return lines == ["$(cat /dev/null)"] or all(map(_TOLD.fullmatch, lines))


def _git(found: Fetched, words: list[Text]) -> bool:
    """Take what one call of git says; whether all of it is known."""
    from ci_kaniko.builders.buildah.fetching import HELPER

    while literal(words[0]) == "-c" and len(words) > 2:
        if literal(words[1]) == "http.sslVerify=false":
            found.options["insecure-skip-tls"] = "true"
        elif not (starts_with(words[1], "credential.https://") and HELPER in spell(words[1])):
            return False
        words = words[2:]
    command, rest = literal(words[0]), [word for word in words[1:] if literal(word) != "--quiet"]
    depths = [literal(word) for word in rest if starts_with(word, _DEPTH)]
    rest = [word for word in rest if not starts_with(word, _DEPTH)]
    if depths and depths[0]:
        found.options["depth"] = depths[0].removeprefix(_DEPTH)
    spelled = [literal(word) for word in rest]
    if command == "fetch" and len(rest) == 2:
        _address(found, rest[0])
        head = "refs/"
        if literal(rest[1]) != "HEAD" and not starts_with(rest[1], head):
            found.options["branch"] = spell(rest[1])
        elif literal(rest[1]) != "HEAD":
            found.ref = rest[1]
    elif command == "checkout" and spelled[:1] == ["--detach"] and len(rest) == 2:
        found.commit = () if spelled[1] == "FETCH_HEAD" else rest[1]
    elif command == "submodule" and spelled == ["update", "--init", "--recursive"]:
        found.options["recurse-submodules"] = "true"
    else:
        return (command, spelled) == ("init", []) or (
            command == "remote" and spelled[:2] == ["add", "origin"] and len(rest) == 3
        )
    return True


def _address(found: Fetched, text: Text) -> None:
    found.address = join(("git://", *without_head(text, "https://")))


# -- an archive --------------------------------------------------------------------------------


def download(reader: Reader, items: list[Item]) -> None:
    """Remember which address ``curl`` prints."""
    from ci_kaniko.importing.shell.commands.filters import command_text

    addresses = [item.text for item in items if starts_with(item.text, "https://")]
    if len(addresses) == 1:
        printed = command_text("curl", reader.arguments(items))
        reader.downloads[(Output(printed),)] = addresses[0]


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
        address = reader.downloads.get(printed[0]) if len(printed) == 1 else None
        return _filled(reader, rest[1], Fetched(address), "tar") if address else None
    return _filled(reader, rest[1], Fetched(join(("tar://", *archive))), "tar")


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
            archive = without_head(found.context, "tar://")
            reader.uses.use(file_thing(spell(folder)), file_thing(spell(archive)))
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
