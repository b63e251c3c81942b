"""The shells and programs of this machine that serve in a rehearsal."""

from __future__ import annotations

import functools
import os
import shutil

from ci_kaniko.problems.problem import CiKanikoError

SHELLS = ("busybox", "dash", "bash")


class MissingProgram(CiKanikoError):
    """A program that this machine lacks; the message names it."""


@functools.cache
def _which(name: str, path: str | None) -> str | None:
    return shutil.which(name, path=path)


def _found(name: str) -> str | None:
    return _which(name, os.environ.get("PATH"))


def shells() -> tuple[str, ...]:
    """The shells that are here."""
    return tuple(name for name in SHELLS if _found(name))


def serving(name: str) -> str:
    """The shell of a name, or one that serves in its place. Raises MissingProgram."""
    found = shells()
    if not found:
        raise MissingProgram(f"a shell ({', '.join(SHELLS)}) is not installed")
    return name if name in found else found[0]


def shell(name: str = "sh") -> list[str]:
    """The words that start a shell, or one that serves in its place. Raises MissingProgram."""
    found = _found(name) or _found(serving(name))
    assert found is not None
    return [found, "sh"] if os.path.basename(found) == "busybox" else [found]


def program(name: str) -> str:
    """The path of a program. Raises MissingProgram."""
    found = _found(name)
    if found is None:
        raise MissingProgram(f"{name} is not installed")
    return found
