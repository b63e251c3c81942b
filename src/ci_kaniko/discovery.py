"""Where the spec of a repository is."""

from __future__ import annotations

import os

FILE_NAMES = ("ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json")


def find(start: str = ".") -> str | None:
    """The spec of a repository: the nearest one upward from a folder."""
    folder = os.path.abspath(start)
    while True:
        for name in FILE_NAMES:
            candidate = os.path.join(folder, name)
            if os.path.isfile(candidate):
                return os.path.relpath(candidate, start)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return None
        folder = parent
