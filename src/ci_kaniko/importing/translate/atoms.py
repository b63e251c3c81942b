"""Single tests of scripts and pipelines, as things that a run is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ci_kaniko.importing.calls import Test, Text, literal, only_var
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.patterns import globs_of_regex

VERSIONS = ("@version", "@release")
"""Stand among the globs of tags for those that are versions; a release is a version as well."""

_EVENT_NAMES = {
    "merge_request_event": "pull-request",
    "external_pull_request_event": "pull-request",
    "pull_request": "pull-request",
    "pull_request_target": "pull-request",
    "schedule": "schedule",
    "web": "manual",
    "ui": "manual",
    "repository_dispatch": "pipelines",
    "workflow_dispatch": "manual",
    "push": "push",
    "webhook": "always",
    "release": "tag",
}


@dataclass(frozen=True)
class Atom:
    """One thing that a run is: a pull request, on the default branch, on some tag."""

    kind: str
    glob: str = ""
    negated: bool = False


def name_of(text: Text) -> str:
    """The portable name of a text that is one variable; ``event``, ``ref`` or ``ref.type`` else."""
    var = only_var(text)
    if var is None:
        return ""
    if var.portable:
        return var.name.partition("@")[0] if not var.changes else ""
    found = meaning(var)
    if found == "ref":
        cut = all(change.startswith(("${#refs/", "${##refs/")) for change in var.changes)
        return ("ref.name" if var.changes else "ref") if cut else ""
    return "" if var.changes and found not in {"event", "ref.type"} else found


def atoms_of(test: Test) -> list[list[Atom]] | None:
    """A test as alternatives, each of things that all hold; None when a spec has no words."""
    found = _atoms(test)
    ways = None if found is None else [[atom] for atom in found]
    if ways is None or not test.negated:
        return ways
    return [
        [Atom(atom.kind, atom.glob, negated=not atom.negated) for atom in chosen]
        for chosen in product(*ways)
    ]


def _atoms(test: Test) -> list[Atom] | None:
    name = name_of(test.left)
    right = literal(test.right)
    if test.kind == "set":
        return _set(name)
    if test.kind == "equal":
        return _equal(name, test.right, right)
    if test.kind == "glob" and right is not None:
        return _globbed(name, right)
    if test.kind == "regex" and right is not None:
        globs = globs_of_regex(right, extended=True)
        if globs is None:
            return None
        made = [_globbed(name, glob) for glob in globs]
        if any(item is None for item in made):
            return None
        return [atom for item in made for atom in item or []]
    return None


def _set(name: str) -> list[Atom] | None:
    kinds = {"tag": "tag", "branch": "branch"}
    if name in {"pull_request.number", "request"}:
        return [Atom("pull-request")]
    if name in kinds:
        return [Atom(kinds[name], "**")]
    if f"@{name}" in VERSIONS:
        return [Atom("tag", f"@{name}")]
    if name in {"default_branch", "commit.sha", "ref.name", "event", "ref"}:
        return [Atom("always")]
    return None


def _equal(name: str, other: Text, right: str | None) -> list[Atom] | None:
    if name_of(other) == "default_branch" and name in {"branch", "ref.name"}:
        return [Atom("default-branch")]
    if name_of(other) in {"branch", "ref.name"} and name == "default_branch":
        return [Atom("default-branch")]
    if right is None:
        return None
    if name == "event" and right == "merge_group":
        # It pushes nothing, whatever a spec says, so nothing has to say it.
        return [Atom("always", negated=True)]
    if name == "event":
        kind = _EVENT_NAMES.get(right)
        return [Atom(kind, "**" if kind == "tag" else "")] if kind else None
    if name == "pull_request.number" and right == "false":
        return [Atom("pull-request", negated=True)]
    return _globbed(name, right)


def _globbed(name: str, glob: str) -> list[Atom] | None:
    if name in {"branch", "ref.name"}:
        return [Atom("branch", glob)]
    return [Atom("tag", glob)] if name == "tag" else None
