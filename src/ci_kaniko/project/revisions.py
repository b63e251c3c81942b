"""A spec as an earlier commit holds it."""

from __future__ import annotations

import os

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import SelectionError
from ci_kaniko.project.git import commit_of, git, output
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.repository.discovery import root_of
from ci_kaniko.source.reading import Unreadable, read_data
from ci_kaniko.spec.loading import loaded

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec


def spec_at(spec: Spec, revision: str) -> Spec:
    """The same file of an earlier commit, with what it extends there; packages as they are now.

    Raises SelectionError, and SpecError for what it holds.
    """
    path = spec.source.path if spec.source else ""
    if not os.path.isfile(path):
        raise SelectionError("`against` compares a file, and the spec is none")
    folder, name = os.path.split(os.path.realpath(path))
    git(folder, "rev-parse", "--git-dir", otherwise="`against` needs a git checkout")
    commit = commit_of(folder, revision)
    text = output(folder, "show", f"{commit}:./{name}")
    if text is None:
        raise SelectionError(
            f"{quoted(revision)} has no {quoted(path)}: there is nothing to compare"
        )
    return loaded(text, path, lambda file: _read_at(commit, root_of(path), file))


def _read_at(commit: str, root: str, file: str) -> bytes:
    """A file of a commit; what lies in no repository as it is. Raises Unreadable."""
    below = os.path.relpath(file, os.path.realpath(root)).replace(os.sep, "/")
    if below.startswith("../"):
        return read_data(file)
    text = output(root, "show", f"{commit}:./{below}")
    if text is None:
        raise Unreadable("no-spec", "there is no such file")
    return text.encode("utf-8", "surrogateescape")
