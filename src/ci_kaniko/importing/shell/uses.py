"""Which commands of a script have a part in what import says, found backwards from what is used.

Things are files (``file PATH``), variables (``$NAME``) and lists (``$@``). What a command writes
or sets is made of what it looked at. A thing is used when an executor call, a login or a test
looked at it, or when something used is made of it. A command none of whose things is used is told.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PRINTS = "prints to the log"
IGNORED: dict[str, str] = {
    **dict.fromkeys(("echo", "printf", "cat", "pwd", "date", "ls", "tree"), PRINTS),
    **dict.fromkeys(("df", "du", "free", "stat", "wc", "file", "hostname"), PRINTS),
    **dict.fromkeys(("id", "uname", "whoami", "which", "type", "hash"), PRINTS),
    **dict.fromkeys((":", "true", "sleep", "sync", "wait"), "changes nothing"),
    **dict.fromkeys(("set", "umask"), "is the script's own way to run"),
}
"""Commands that mean nothing for an image build where nothing is made of what they print."""

IGNORED_VARIABLES: dict[str, str] = {
    "PATH": "where the shell finds its commands",
    "IFS": "how the shell cuts words",
}
"""Variables that mean nothing for an image build."""


class Act(NamedTuple):
    """A command that wrote or set something, and how it stands in the script."""

    line: int
    text: str
    things: frozenset[str]


def file_thing(path: str) -> str:
    """The name of a file among things."""
    return f"file {path}"


class _Looking:
    """What a command has looked at; ``made`` says that it went into something."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.made = False


class Uses:
    """What the commands of one script looked at and made."""

    def __init__(self) -> None:
        self._acts: dict[Act, None] = {}
        self._made_of: dict[str, set[str]] = {}
        self._used: set[str] = set()
        self._copies: list[tuple[str, str]] = []
        self._looking: list[_Looking] = []

    @contextmanager
    def looking(self) -> Iterator[_Looking]:
        """Collect what is looked at; it counts further out unless something was made of it."""
        here = _Looking()
        self._looking.append(here)
        try:
            yield here
        finally:
            self._looking.pop()
            if not here.made:
                self.look(*here.seen)

    def look(self, *things: str) -> None:
        """Something is looked at."""
        (self._looking[-1].seen if self._looking else self._used).update(things)

    def use(self, *things: str) -> None:
        """Something has reached what import says."""
        self._used.update(things)

    def use_all(self) -> None:
        """All that is being looked at has reached what import says."""
        for here in self._looking:
            self._used.update(here.seen)

    def made(self, line: int, text: str, things: Iterable[str]) -> None:
        """The command that runs made things of all that it has looked at."""
        self.act(line, text, things)
        for here in self._looking[-1:]:
            here.made = True

    def act(self, line: int, text: str, things: Iterable[str]) -> None:
        """A command made things of what it looked at."""
        made = frozenset(things)
        if text:
            self._acts.setdefault(Act(line, text, made))
        for thing in made:
            sources = self._made_of.setdefault(thing, set())
            for here in self._looking[-1:]:
                sources.update(here.seen)

    def copy(self, source: str, target: str) -> None:
        """A file became another one as it is."""
        self._copies.append((source, target))

    def use_copies(self, thing: str) -> None:
        """What the executor writes has reached what import says, and what is copied from it."""
        self.use(thing)
        for source, target in self._copies:
            if source == thing:
                self.use_copies(target)

    def looked_at(self) -> set[str]:
        """Everything that is used, directly or by what is made of it."""
        found: set[str] = set()
        waiting = list(self._used)
        while waiting:
            thing = waiting.pop()
            if thing not in found:
                found.add(thing)
                waiting += self._made_of.get(thing, ())
        return found

    def unused(self) -> list[Act]:
        """The commands that nothing is made of."""
        found = self.looked_at()
        folders = {
            parent
            for thing in found
            if thing.startswith("file ")
            for parent in _parents(thing.removeprefix("file "))
        }
        return [act for act in self._acts if not act.things & (found | folders)]


def _parents(path: str) -> Iterator[str]:
    while path and path != "/":
        yield file_thing(path)
        path = posixpath.dirname(path)


def shown(text: str) -> str:
    """A command on one line: of a longer one what it begins with."""
    text = re.sub(r"\\\n\s*", " ", text).strip()
    first, newline, _ = text.partition("\n")
    return f"{first} …" if newline else first
