"""The executor's flags as the options of a spec."""

from __future__ import annotations

import re

from ci_kaniko.importing.calls import Text, Word, join, literal, spell
from ci_kaniko.kaniko.flags import FLAGS, fields_below, short_names

CACHE_SWITCHES = {
    flag: field for field, flag in fields_below("cache").items() if FLAGS[flag].kind == "switch"
}
LETTERS = short_names()
LETTERS_OF_DOCKER = {"t": "tag", "o": "output"}
MEANT = {
    "tag": "destination",
    "tags": "destination",
    "destinations": "destination",
    "file": "dockerfile",
    "build-args": "build-arg",
    "cache-repository": "cache-repo",
}
OF_DOCKER = {
    *("push", "pull", "load", "no-cache", "platform", "progress", "provenance", "quiet", "rm"),
    *("sbom", "squash", "network", "output", "ssh", "compress", "iidfile", "memory", "cache-from"),
    *("cache-to", "builder", "attest", "add-host", "isolation", "shm-size", "ulimit"),
}


class Flag:
    """One flag of a call."""

    __slots__ = ("line", "name", "value", "when")

    def __init__(self, name: str, value: Text | None, word: Word) -> None:
        self.name = name
        self.value = value
        self.when = word.when
        self.line = word.line


def parse(word: Word) -> Flag | None:
    """A word as a flag; None when it is none."""
    first = word.text[0] if word.text else ""
    match = re.match(r"--?([A-Za-z][A-Za-z-]*)(=?)", first) if isinstance(first, str) else None
    if not match or not isinstance(first, str):
        return None
    rest = join((first[match.end() :], *word.text[1:]))
    if not match[2] and rest:
        return None
    return Flag(match[1], rest if match[2] else None, word)


def shown_flag(flag: Flag) -> str:
    return "" if flag.value is None else f"={spell(flag.value)}"


def switch(flag: Flag) -> bool:
    return flag.value is None or (literal(flag.value) or "true").lower() not in {"false", "0", "f"}
