"""Import of existing pipelines: what their kaniko jobs do, as a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ci_kaniko.importing.linting import Linted
    from ci_kaniko.importing.pipelines import Imported

__all__ = ["import_files", "lint_files"]


def import_files(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str]], source: str | None = None
) -> Imported:
    """The spec that asks for what the kaniko jobs of some files do.

    A file is a path, or a pair of a path and its text. ``source`` is the platform's name where the
    files do not tell it. Raises SpecError.
    """
    from ci_kaniko.importing.pipelines import read_all

    return read_all(paths_or_texts, source)


def lint_files(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str]], source: str | None = None
) -> Linted:
    """What is wrong in the kaniko jobs of some files, which are given as ``import_files`` has them.

    What cannot be read is a problem as well.
    """
    from ci_kaniko.importing.linting import lint_all

    return lint_all(paths_or_texts, source)
