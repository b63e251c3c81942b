"""Paths of a job as paths of the repository."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Call, Output, Text, Var, after, join, literal, without_head
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.shell.commands.containers import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.translate.portable import Spelled


class Paths:
    """Where the repository lies for one call."""

    def __init__(self, job: Job, call: Call, spelled: Spelled) -> None:
        self.job = job
        self.call = call
        self._folder = spelled.with_inputs(call.folder)
        self._outer = spelled.with_inputs(job.folder)
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
        text = without_head(without_head(text, "dir://"), "file://")
        found = self._absolute(text)
        if found is not None:
            return self._in_own(found)
        written = literal(text)
        if written is None or written.startswith("/"):
            return None
        folder = self.folder()
        return None if folder is None else self._in_own(posixpath.join(folder, written or "."))

    def _in_own(self, path: str) -> str | None:
        """A path of what is checked out from the root of the repository."""
        path = _normal(path)
        for own in self.job.own_folders or ["."]:
            if own == "." or f"{path}/".startswith(f"{own}/"):
                return below(path, own)
        return None

    def folder(self) -> str | None:
        """The working directory, from the root of the repository."""
        written = literal(self._folder)
        if written is not None and not written.startswith("/"):
            base = self._absolute(self._outer) if self._outer else "."
            return None if base is None else _normal(posixpath.join(base, written or "."))
        return self._absolute(self._folder)

    def _absolute(self, text: Text) -> str | None:
        found = _within(text, [*self.mounted, *self.job.roots])
        first = text[0] if text else ""
        if found is None and isinstance(first, Var) and meaning(first) == "checkout":
            below = None if first.changes else literal(join(text[1:]))
            found = None if below is None else _normal(below.strip("/"))
        return found

    def output(self, text: Text) -> str | None:
        """A file that the executor writes, from the root of the repository."""
        for roots in (self.job.outputs, self.mounted, self.written, self.job.roots):
            found = _within(text, roots, itself=False)
            if found is not None:
                return self._in_own(found)
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
            here = "." if asked == "git" else self.folder() or "."
            return None if rest is None else _normal(posixpath.join(here, rest.strip("/")))
        found = _within(source, self.job.roots)
        written = literal(source) or ""
        return _normal(written) if found is None and written.startswith(".") else found


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


def below(path: str, base: str) -> str:
    """A path of the repository as seen from one of its folders."""
    return posixpath.relpath(path, base)
