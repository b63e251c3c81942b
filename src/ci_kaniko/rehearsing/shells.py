"""The shells and programs of this machine that serve in a rehearsal."""

from __future__ import annotations

import functools
import os
import shutil

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import CannotRehearse

SHELLS = ("busybox", "dash", "bash")


class MissingProgram(CannotRehearse):
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


def check_shell(name: str) -> None:
    """Raises CannotRehearse for a shell that nobody runs jobs in, MissingProgram without it."""
    if name not in SHELLS:
        raise CannotRehearse(f"{quoted(name)} is not one of: {', '.join(SHELLS)}")
    program(name)


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
