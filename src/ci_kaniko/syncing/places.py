"""Where an output lies in its repository, or why no file can be there."""

from __future__ import annotations

import errno

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.files import OutsideRepository, inside, read_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import SpecFields

_NO_FILE = {errno.EISDIR: "is a folder", errno.ENOTDIR: "lies below a file"}


class Place(NamedTuple):
    """A file of a repository, and what it holds; None where there is none."""

    file: str
    data: bytes | None


def place(root: str, path: str, where: Where) -> Place | Finding:
    """The file of an output, or what is wrong with its path. Raises OSError."""
    try:
        file = inside(root, path)
    except OutsideRepository:
        message = f"{quoted(path)} leads out of the repository, or into .git"
        hint = "an output may be a symbolic link, but to a file of the same repository"
        return Finding("outside-repository", where, message, hint)
    try:
        return Place(file, read_bytes(file))
    except OSError as error:
        if what := _NO_FILE.get(error.errno or 0):
            return Finding("bad-path", where, f"{quoted(path)} {what}", "name a file")
        raise


def misplaced(spec: SpecFields, root: str, targets: Collection[str]) -> Iterator[Finding]:
    """Outputs that can be no files; one that cannot be read is for who compares it."""
    for target, files in spec.outputs:
        for index, each in enumerate(files if target in targets else ()):
            try:
                found = place(root, each.path, ("outputs", target, index))
            except OSError:
                continue
            if isinstance(found, Finding):
                yield found
