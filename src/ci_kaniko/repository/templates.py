"""Templates that a repository has for itself."""

from __future__ import annotations

import os

from ci_kaniko.repository.discovery import ENDING
from ci_kaniko.repository.files import inside, read_bytes


def templates_in(root: str, folder: str) -> dict[str, bytes]:
    """The templates in a folder of a repository, by name.

    Raises OutsideRepository for what a symbolic link leads out, and OSError.
    """
    names = sorted(name for name in os.listdir(inside(root, folder)) if name.endswith(ENDING))
    paths = {name: inside(root, os.path.join(folder, name)) for name in names}
    return {name: read_bytes(path) or b"" for name, path in paths.items()}
