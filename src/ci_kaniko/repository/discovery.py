"""Where a repository starts, where its spec is, and what its templates are called."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE_NAMES = ("ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json")
ENDING = ".j2"
_MAGIC = frozenset("*?[")
PREFIX = "package:"
"""Before the name of an installed package and that of a file in it."""


def given_path(name: str, given: "str | os.PathLike[str]") -> str:
    """A path as a text. Raises ValueError for an empty one, the current folder, and TypeError."""
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"{name} is a path, not {given!r:.80}")
    path = os.fspath(given)
    if not path:
        raise ValueError(f"{name} is an empty path")
    return path


def given_folder(name: str, given: "str | os.PathLike[str]") -> str:
    """A folder as a text. Raises ValueError for what is none: nothing would be found in it."""
    path = given_path(name, given)
    if not os.path.isdir(path):
        raise ValueError(f"{name}: there is no folder {path}")
    return path


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


def spec_in(path: str) -> str:
    """The spec in a folder; the path itself when it is no folder or holds no spec."""
    if not os.path.isdir(path):
        return path
    names = (os.path.join(path, name) for name in FILE_NAMES)
    return next(filter(os.path.isfile, names), path)


def specs_below(root: str) -> "Iterator[str]":
    """The specs of a repository that have the usual names, without those of other packages."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if one[0] != "." and one != "node_modules")
        yield from (os.path.join(folder, name) for name in FILE_NAMES if name in files)


_ENDINGS = tuple(os.path.splitext(name)[1] for name in FILE_NAMES)


def specs_at(places: "Iterable[str]") -> list[str]:
    """The specs that files, folders and patterns name, each once, from the current folder on.

    Patterns are those of ``glob``, and match folders, too; ``-`` stands for itself. Raises
    LookupError for a pattern that matches no spec.
    """
    found: dict[str, str] = {}
    for place in places:
        for path in [place] if place == "-" else map(_from_here, _specs_at(place)):
            found.setdefault(path if path == "-" else os.path.realpath(path), path)
    return list(found.values())


def _specs_at(place: str) -> list[str]:
    if not _MAGIC.intersection(place) or os.path.lexists(place):
        return [spec_in(place)]
    from glob import glob

    paths = map(spec_in, sorted(glob(place, recursive=True)))
    found = [path for path in paths if os.path.isfile(path)]
    if not os.path.splitext(place)[1]:  # repos/* is about folders, and finds what lies beside them
        found = [path for path in found if path.endswith(_ENDINGS)]
    if not found:
        raise LookupError(place)
    return found


def _from_here(path: str) -> str:
    """A path as messages name it; on another drive there is no way from here."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return path


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


def place_here(path: str) -> str:
    """A file's path from the root of the repository that a command runs in, if it lies there.

    Otherwise it starts at the root of its own repository. The name of a text that is no file stays
    as it is.
    """
    if path.startswith(("<", PREFIX)):
        return path
    below = os.path.relpath(path, root_of(FILE_NAMES[0])).replace(os.sep, "/")
    return place_of(path) if below.startswith("../") else below


def place_of(spec_path: str) -> str:
    """A spec's path from the root of its repository, as it stands in what is rendered."""
    below = os.path.relpath(os.path.abspath(spec_path), root_of(spec_path))
    return below.replace(os.sep, "/")
