"""Texts that one worker of a run has made, for the others: one rendering, many judges."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_folders: list[str] = []


def use(folder: str) -> None:
    """Keep texts there, which is empty when a run begins."""
    _folders[:] = [folder]


def text(of: object, make: Callable[[], str]) -> str:
    """What is made of something, which its ``repr`` tells from all else. Raises what that does."""
    if not _folders:
        return make()
    return kept(_folders[0], repr(of).encode(), lambda: make().encode()).decode()


def kept(folder: str, of: bytes, make: Callable[[], bytes]) -> bytes:
    """What a folder holds of something, or what is made of it now. Raises what that does."""
    path = os.path.join(folder, hashlib.sha256(of).hexdigest())
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        made = make()
    if os.path.isdir(folder):
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as new:
            new.write(made)
        os.replace(new.name, path)  # another worker finds all of it or nothing
    return made
