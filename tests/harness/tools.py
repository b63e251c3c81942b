"""Programs that a machine may lack: a test that needs one is skipped by its name."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sysconfig
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing import shells as here
from harness.cases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = ROOT / ".tools" / "node_modules"
NODE_TOOLS = str(MODULES / ".bin")
SEARCH = os.pathsep.join(
    [sysconfig.get_path("scripts"), NODE_TOOLS, os.environ.get("PATH", os.defpath)]
)


@functools.cache
def _which(name: str, path: str | None) -> str | None:
    return shutil.which(name, path=path)


def program(name: str) -> str:
    """The path of a program."""
    found = _which(name, SEARCH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    if os.path.dirname(found) == NODE_TOOLS and name != "node":
        program("node")
    return found


def module(name: str, prefix: str = "") -> str:
    """The folder of a package that npm installed, with others or below a folder of its own."""
    found = MODULES.parent / prefix / "node_modules" / name
    if not found.is_dir():
        pytest.skip(f"{name} is not installed")
    return str(found)


def shells() -> tuple[str, ...]:
    """The shells that are here; all their names when none is, for tests to be skipped by."""
    return here.shells() or here.SHELLS


def serving(name: str) -> str:
    """The shell of a name, or one that serves in its place."""
    return name if name in shells() else shells()[0]


@contextlib.contextmanager
def skipping() -> Iterator[None]:
    """Skips a test by the name of the program that what it calls misses."""
    try:
        yield
    except here.MissingProgram as missing:
        pytest.skip(str(missing))


@skipping()
def shell(name: str = "sh") -> list[str]:
    """The words that start a shell: another one serves where the named one is missing."""
    return here.shell(name)
