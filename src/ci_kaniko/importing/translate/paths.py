"""Paths of a job as paths of the repository."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Call,
    Output,
    Text,
    Var,
    after,
    filled_in,
    join,
    literal,
    without_head,
)
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.shell.commands.containers import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.translate.portable import Spelled

_VARIABLE = re.compile(r"\$\{?([\w.]+)\}?")


class Paths:
    """Where the repository lies for one call."""

    def __init__(self, job: Job, call: Call, spelled: Spelled) -> None:
        self.job = job
        self.call = call
        self._folder = spelled.with_inputs(call.folder)
        self._outside = spelled.with_inputs(call.outside)
        self._outer = spelled.with_inputs(job.folder)
        self.clone = ""
        """Where git has put the repository that is built, if a script does that."""
        self.mounted: list[Root] = []
        self.written: list[Root] = []
        self._volumes()

    def _volumes(self) -> None:
        """Where ``docker run`` shows the repository to the container."""
        for source, target in mounts(self.call.docker):
            inside = self._repository_path(source)
            if inside is not None:
                self.mounted.append(Root(target, inside))
            else:
                self.written.append(Root(target))
        self.mounted.sort(key=lambda root: -len(str(root.prefix)))

    def inside(self, text: Text) -> str | None:
        """The path from the root of the repository; None for a path outside of it."""
        found = self.place(text)
        return None if found is None else self.in_own(found)

    def place(self, text: Text) -> str | None:
        """The path from the root of what is checked out, or else from that of the machine."""
        text = without_head(without_head(text, "dir://"), "file://")
        return self._below(text, self.folder())

    def of_script(self, name: str) -> str | None:
        """Where a file is that the script wrote, by the name that the call has for it."""
        text = filled_in(_VARIABLE, name, lambda found: (Var(found[1]),))
        return self._below(text, self._start())

    def _below(self, text: Text, folder: str | None) -> str | None:
        """Where a path is that is seen from a folder."""
        found = self._absolute(text)
        written = literal(text)
        if found is not None or written is None:
            return found
        if not written.startswith("/") and folder is None:
            return None
        return _normal(posixpath.join(folder or "", written or "."))

    def in_own(self, path: str) -> str | None:
        """A path of what is checked out from the root of the repository."""
        path = _normal(path)
        for own in [self.clone] if self.clone else self.job.own_folders or ["."]:
            if is_below(path, own):
                return below(path, own)
        return None

    def folder(self) -> str | None:
        """The working directory, as ``place`` tells it."""
        return self._below(self._folder, self._start())

    def _start(self) -> str | None:
        """Where the script begins, as ``place`` tells it."""
        return self._below(self._outer, ".")

    def _absolute(self, text: Text) -> str | None:
        found = _within(text, [*self.mounted, *self.job.roots])
        first = text[0] if text else ""
        if found is None and isinstance(first, Var) and meaning(first) == "checkout":
            below = None if first.changes else literal(join(text[1:]))
            start = self._start() if first == Var("PWD") else "."
            if below is not None and start is not None:
                found = _normal(posixpath.join(start, below.strip("/")))
        return found

    def output(self, text: Text) -> str | None:
        """A file that the executor writes, from the root of the repository."""
        for roots in (self.job.outputs, self.mounted, self.written, self.job.roots):
            found = _within(text, roots, itself=False)
            if found is not None:
                return self.in_own(found)
        return self.inside(text)

    def is_repository(self, source: Text) -> bool:
        """Whether a folder outside of the container lies in the repository."""
        return self._repository_path(source) is not None

    def _repository_path(self, source: Text) -> str | None:
        """What a folder outside of the container is, from the root of the repository."""
        first = source[0] if source else ""
        asked = first.command.split()[0] if isinstance(first, Output) else ""
        if first == Var("PWD") or asked in {"pwd", "git"}:
            rest = literal(join(source[1:]))
            here = None if asked == "git" else self._start()
            found = None if rest is None else _normal(posixpath.join(here or ".", rest.strip("/")))
            return None if found is None or found.startswith("/") else found
        found = _within(source, self.job.roots)
        written = literal(source) or ""
        if found is None and written.startswith("."):
            found = self._below(source, self._below(self._outside, self._start()))
        return found


def _within(text: Text, roots: Iterable[Root], *, itself: bool = True) -> str | None:
    """What a path below one of some folders is from the root of the repository."""
    for root in roots:
        rest = after(text, root.prefix)
        below = None if rest is None else literal(rest)
        if below is not None and (below.startswith("/") or (itself and not below)):
            return _normal(posixpath.join(root.path, below.strip("/")))
    return None


def _normal(path: str) -> str:
    return posixpath.normpath(path) if path else "."


def is_below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder, or is that; ``.`` holds all that is checked out."""
    if folder == ".":
        return not path.startswith("/")
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def below(path: str, base: str) -> str:
    """A path of the repository as seen from one of its folders."""
    return posixpath.relpath(path, base)
