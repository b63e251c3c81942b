"""Where a repository starts, where its spec is, and what its templates are called."""

from __future__ import annotations

import os

FILE_NAMES = ("ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json")
ENDING = ".j2"


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


def root_of(spec_path: str) -> str:
    """The repository that a spec belongs to: the nearest folder above it with ``.git``.

    In a worktree or a submodule that is a file. Without one, the folder of the spec.
    """
    folder = start = os.path.dirname(os.path.abspath(spec_path))
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return start
        folder = parent
    return folder


def place_of(spec_path: str) -> str:
    """A spec's path from the root of its repository, as it stands in what is rendered."""
    below = os.path.relpath(os.path.abspath(spec_path), root_of(spec_path))
    return below.replace(os.sep, "/")
