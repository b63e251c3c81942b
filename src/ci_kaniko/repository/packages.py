"""Files of installed Python packages, found without importing anything of them."""

from __future__ import annotations

import os

from ci_kaniko.repository.discovery import PREFIX


def folders_of(package: str) -> list[str]:
    """Where a package lies; none when it is not installed, or no folder."""
    from importlib.util import find_spec

    try:
        found = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return []
    return list(found.submodule_search_locations or ()) if found else []


def installed_packages() -> list[str]:
    """The folders that could be imported by their name, and are not Python's own."""
    import sys

    folders = [folder for folder in sys.path if os.path.isdir(folder)]
    found = {entry.name for folder in folders for entry in os.scandir(folder) if entry.is_dir()}
    names = {name for name in found if name.isidentifier() and not name.startswith("_")}
    return sorted(names - sys.stdlib_module_names)


def file_of(place: str) -> str | None:
    """The file at ``package:NAME/FILE``; None when there is none."""
    package, _, path = place.removeprefix(PREFIX).partition("/")
    files = (os.path.join(folder, path) for folder in folders_of(package))
    return next((file for file in files if os.path.exists(file)), None)
