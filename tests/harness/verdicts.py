"""What others' tools have found nothing in: not read again in the next run, but in CI.

A tool that reads the same text again says the same: what has to be judged is what changed.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness import tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    Named = TypeVar("Named")

_kept: list[pytest.Cache] = []


def keep(cache: pytest.Cache) -> None:
    """Begin with what earlier runs have kept."""
    _kept[:] = [cache]


class Verdicts:
    """The texts that pass a tool, as long as nothing changes of what its answer depends on."""

    def __init__(self, tool: str, *asked: str | Path) -> None:
        """``asked`` is how the tool is asked, and the files that it is made of."""
        self._place = f"passed/{tool}"
        self._asked = hashlib.sha256(_installed())
        for each in asked:
            known = each.read_bytes() if isinstance(each, Path) else each.encode()
            self._asked.update(b"%d:%b" % (len(known), known))
        self._passed: set[str] = {one for cache in _kept for one in cache.get(self._place, [])}
        self._now: set[str] = set()

    def left(self, texts: Mapping[Named, bytes]) -> list[Named]:
        """The names of the texts that have not passed."""
        keys = {name: self._key(text) for name, text in texts.items()}
        self._now.update(self._passed.intersection(keys.values()))
        return [name for name, key in keys.items() if key not in self._passed]

    def passes(self, texts: Mapping[Named, bytes]) -> None:
        """Keep that these have passed, and what else is still asked for."""
        self._now.update(map(self._key, texts.values()))
        self._passed |= self._now
        for cache in _kept:
            cache.set(self._place, sorted(self._now))

    def _key(self, text: bytes) -> str:
        key = self._asked.copy()
        key.update(text)
        return key.hexdigest()[:32]


@functools.cache
def _installed() -> bytes:
    """The releases of everything that a tool is made of."""
    found = {f"{each.name} {each.version}" for each in metadata.distributions()}
    lock = tools.MODULES / ".package-lock.json"
    listed = lock.read_bytes() if lock.is_file() else b""
    return "\n".join([sys.version, *sorted(found)]).encode() + listed
