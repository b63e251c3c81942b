"""The steps of Agola's tasks."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.spec.build import Build

Fields = dict[str, Any]


def checking(artifacts: Iterable[str], enter: list[str]) -> str:
    """A script that fails when an artifact is missing."""
    words = [quote(name) for name in artifacts]
    lines = [
        'if [ ! -e "$artifact" ]; then',
        '  echo "ci-kaniko: the commands have made no $artifact" >&2',
        "  exit 1",
        "fi",
    ]
    if len(words) > 1:
        lines = [f"for artifact in {' '.join(words)}; do", *indented(lines), "done"]
    else:
        lines = [f"artifact={words[0]}", *lines]
    return "\n".join(["set -eu", *enter, *lines]) + "\n"


def commands(name: str, command: str) -> Fields:
    """A step that runs commands."""
    return {"run": {"name": name, "tty": False, "command": command}}


def clone(build: Build) -> Fields:
    """The step that fetches the repository."""
    wanted = build.checkout
    if wanted is None:
        return {"clone": None}
    asked = {"depth": wanted.depth, "recurse_submodules": wanted.submodules and True}
    return {"clone": {name: item for name, item in asked.items() if item} or None}


def restore(folder: str) -> Fields:
    """The step that fetches what earlier tasks saved."""
    return {"restore_workspace": {"dest_dir": folder}}


def save(*contents: tuple[str, str, list[str]]) -> Fields:
    """The step that saves files: from a folder of the task, into one of the workspace."""
    listed = [
        {"source_dir": source, "dest_dir": place, "paths": paths}
        for source, place, paths in contents
    ]
    return {"save_to_workspace": {"contents": listed}}


def given(fields: Fields) -> Fields:
    """Fields without those that say nothing."""
    return {key: item for key, item in fields.items() if item not in (None, {}, [])}
