"""Single tests of scripts and pipelines, as things that a run is."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import Test, Text, literal, only_var
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.patterns import shell_regex
from ci_kaniko.importing.shell.regular import ends_of, glob_around, globs_of
from ci_kaniko.importing.shell.transforms import cuts_ref, leaves_last
from ci_kaniko.importing.translate.languages import are_found, never_meet
from ci_kaniko.syntax.globs import is_literal, split, to_regex
from ci_kaniko.syntax.versions import EXPRESSIONS, NUMBER, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSIONS = tuple(f"@{word}" for word in EXPRESSIONS)
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
        cut = all(map(cuts_ref, var.changes)) or leaves_last(var.changes)
        return ("ref.name" if var.changes else "ref") if cut else ""
    return "" if var.changes and found not in {"event", "ref.type"} else found


def atoms_of(test: Test) -> list[list[Atom]] | None:
    """A test as alternatives, each of things that all hold; None when a spec has no words.

    Where it has words for less than the test asks for, they are these: never for more.
    """
    versions = versions_of(test)
    if versions is not None:
        names = (f"@{versions.word}", *versions.globs)
        return [[*(Atom("tag", glob) for glob in names), *versions.without]]
    if _of_tags(test):
        around = around_of(test)
        return [[Atom("tag", around, negated=True)]] if around else None
    found = _atoms(test)
    ways = None if found is None else [[atom] for atom in found]
    if ways is None or not test.negated:
        return ways
    return [
        [Atom(atom.kind, atom.glob, negated=not atom.negated) for atom in chosen]
        for chosen in product(*ways)
    ]


class Versions(NamedTuple):
    """The versions among the tags of a test: those of a word that some globs match.

    ``out`` are globs that none of them matches. ``whole`` says that the test asks for no others,
    but for numbers that begin with a zero. ``prefix`` is what stands before each version.
    """

    word: str
    globs: tuple[str, ...]
    out: tuple[str, ...]
    whole: bool
    prefix: str = ""

    @property
    def without(self) -> list[Atom]:
        """What they are not."""
        return [Atom("tag", glob, negated=True) for glob in self.out]


_METADATA = "*+*"


def versions_of(test: Test) -> Versions | None:
    """What a pattern of tags that no glob says means for versions."""
    expression = "" if test.negated else _of_tags(test)
    if not expression and test.kind == "regex" and not test.negated:
        # A branch may be called so as well: of those, nothing is said.
        expression = _unglobbed(test) if name_of(test.left) == "ref.name" else ""
    return _versions_in(expression) if expression else None


def _of_tags(test: Test) -> str:
    """The regular expression that a test looks for in tags, where no glob says the same."""
    if name_of(test.left) != "tag":
        return ""
    if test.kind == "pattern":
        written = literal(test.right)
        return f"^{shell_regex(written)}$" if written else ""
    return _unglobbed(test) if test.kind == "regex" else ""


def _unglobbed(test: Test) -> str:
    written = literal(test.right) or ""
    return "" if globs_of(written) is not None else written


@functools.lru_cache(maxsize=256)
def _versions_in(expression: str) -> Versions | None:
    """The most versions that a spec can name and an expression finds all of."""
    head, tail = ends_of(expression)
    prefix = prefix_in(head)
    v = f"{prefix}v*"
    # Globs that may be taken from versions, and what is left then.
    left = {v: f"(?:{re.escape(prefix)})[^v].*", _METADATA: "[^+]*"}
    bounds: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), ())]
    bounds += [((f"{head}*{tail}",), ())] * bool(head or tail)
    bounds += [((v,), ()), ((), (v,))]
    for word, (globs, kept), more in product(EXPRESSIONS, bounds, ((), (_METADATA,))):
        out = (*kept, *more)
        versions = _prefixed(word, prefix)
        within = [versions, *map(to_regex, globs), *(left[glob] for glob in out)]
        if are_found(expression, *within):
            return Versions(word, globs, out, _is_all(expression, versions, out), prefix)
    return None


def prefix_in(head: str) -> str:
    """What stands before the version in tags that begin so.

    >>> prefix_in("api-v"), prefix_in("v1."), prefix_in("api/1.2")
    ('api-', '', 'api/')
    """
    return head.rstrip("0123456789.").removesuffix("v")


def _prefixed(word: str, prefix: str) -> str:
    return f"{re.escape(prefix)}(?:{EXPRESSIONS[word]})"


def _is_all(expression: str, versions: str, out: tuple[str, ...]) -> bool:
    """Whether what an expression finds are such versions, however their numbers begin."""
    flag = "(?i)" if expression.startswith("(?i)") else ""
    found = f"{flag}.*(?:{expression.removeprefix(flag)}).*"
    loose = versions.replace(NUMBER, "[0-9]+")
    return are_found(f"^(?:{loose})$", found) and all(
        never_meet(found, to_regex(glob)) for glob in out
    )


def around_of(test: Test) -> str:
    """The glob of all tags that a test without words leaves out, and of more; empty without one."""
    expression = _of_tags(test) if test.negated else ""
    around = glob_around(expression) if expression else "**"
    return "" if around == "**" else around


def are_bound(word: str, globs: list[str], out: tuple[str, ...], by: Sequence[str]) -> bool:
    """Whether versions that a list of globs lets through match all of some, and none of others."""
    plain, without = split(by)
    prefix = next(filter(None, (prefix_in(glob.partition("*")[0]) for glob in globs)), "")
    versions = _prefixed(word, prefix)
    for glob in map(to_regex, plain):
        if never_meet(versions, glob):
            continue
        inside = (are_found(f"^(?:{to_regex(one)})$", versions, glob) for one in globs)
        apart = (one in without or never_meet(versions, glob, to_regex(one)) for one in out)
        if not (all(inside) and all(apart)):
            return False
    return True


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
        globs = globs_of(right)
        if globs is None:
            return None
        made = [_equal(name, (), glob) for glob in globs]
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
    if name.startswith(("commit.s", "repository.", "build.", "ref", "default_branch", "event")):
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
    if name == "ref.name" and (not is_literal(glob) or version_of(glob)):
        return [Atom("branch", glob), Atom("tag", glob)]
    if name in {"branch", "ref.name"}:
        # A whole name that is no version is a branch's: nobody has a tag of the same.
        return [Atom("branch", glob)]
    return [Atom("tag", glob)] if name == "tag" else None
