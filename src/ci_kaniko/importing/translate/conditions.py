"""Tests of scripts and pipelines as the conditions of a spec: ``when`` and ``triggers``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Test, Text, Var, When, literal
from ci_kaniko.importing.shell.patterns import globs_of_regex
from ci_kaniko.importing.translate.portable import MORE
from ci_kaniko.problems.finding import Refused
from ci_kaniko.syntax.globs import check_glob, is_literal, matches
from ci_kaniko.syntax.variables import NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

_EVENTS = {
    "CI_PIPELINE_SOURCE",
    "GITHUB_EVENT_NAME",
    "github.event_name",
    "BUILDKITE_SOURCE",
    "build.source",
}
_EVENT_NAMES = {
    "merge_request_event": "pull-request",
    "external_pull_request_event": "pull-request",
    "pull_request": "pull-request",
    "pull_request_target": "pull-request",
    "schedule": "schedule",
    "web": "manual",
    "ui": "manual",
    "api": "manual",
    "workflow_dispatch": "manual",
    "push": "push",
    "webhook": "always",
    "release": "tag",
}
_REFS = {"GITHUB_REF", "github.ref", "AGOLA_GIT_REF"}
_REF_TYPES = {"GITHUB_REF_TYPE", "github.ref_type", "AGOLA_GIT_REF_TYPE"}
_PORTABLE = {
    **NATIVE,
    **MORE,
    "CI_MERGE_REQUEST_ID": "pull_request.number",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "pull_request.number",
    "CI_OPEN_MERGE_REQUESTS": "open-requests",
    "CI_COMMIT_TAG": "tag",
    "PULL_REQUEST": "pull_request.number",
}
_ON_REQUESTS_ONLY = {
    *("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "GITHUB_HEAD_REF", "github.head_ref"),
    *("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "GITHUB_BASE_REF", "github.base_ref"),
}


@dataclass(frozen=True)
class Atom:
    """One thing that a run is: a pull request, on the default branch, on some tag."""

    kind: str
    glob: str = ""
    negated: bool = False


@dataclass
class Condition:
    """Alternatives of a ``when``, and whether one of them holds for pull requests.

    ``always`` says that nothing is asked but that it is no pull request. ``refs`` are the globs of
    branches and tags, by their kind and what is taken from them. ``unknown`` are the tests that a
    spec has no words for.
    """

    always: bool = False
    words: list[str] = field(default_factory=list)
    refs: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    requests: bool = False
    unknown: list[Test] = field(default_factory=list)

    @property
    def never(self) -> bool:
        """Whether nothing remains that a spec can say."""
        return not (self.always or self.words or self.refs)

    @property
    def spelled(self) -> Any:
        """As a spec writes it; None for always."""
        if self.always:
            return None
        found: list[Any] = list(self.words)
        for kind in ("branch", "tag"):
            found += [{kind: globs_in_short(globs)} for globs in self.lists(kind)]
        return found[0] if len(found) == 1 else found

    def lists(self, kind: str) -> list[list[str]]:
        """The lists of branches or tags that a spec has for it."""
        found = {out: globs for (of, out), globs in self.refs.items() if of == kind}
        names, others = found.get((), []), [out for out in found if out]
        if len(others) == 1 and all(
            is_literal(name) and not any(matches(glob, name) for glob in others[0])
            for name in names
        ):
            found = {others[0]: [*names, *found[others[0]]]}
        return [[*globs, *(f"!{glob}" for glob in out)] for out, globs in found.items()]


def globs_in_short(globs: list[str]) -> Any:
    """A list of globs; a lone one is a text."""
    return globs[0] if len(globs) == 1 else list(globs)


def name_of(text: Text) -> str:
    """The portable name of a text that is one variable; ``event``, ``ref`` or ``ref.type`` else."""
    if len(text) != 1 or not isinstance(text[0], Var):
        return ""
    var = text[0]
    if var.portable:
        return var.name if not var.changes else ""
    if var.name in _EVENTS:
        return "event"
    if var.name in _REFS:
        cut = all(change.startswith(("${#refs/", "${##refs/")) for change in var.changes)
        return ("ref.name" if var.changes else "ref") if cut else ""
    if var.name in _REF_TYPES:
        return "ref.type"
    if var.changes:
        return ""
    if var.name in _ON_REQUESTS_ONLY:
        return "request-branch"
    return _PORTABLE.get(var.name, "")


def atoms_of(test: Test) -> list[Atom] | None:
    """A test as the alternatives that it stands for; None when a spec has no words for it."""
    found = _atoms(test)
    if found is None or not test.negated:
        return found
    if len(found) != 1:
        return None
    return [Atom(found[0].kind, found[0].glob, negated=not found[0].negated)]


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
    if name in {"pull_request.number", "request-branch"}:
        return [Atom("pull-request")]
    if name in kinds:
        return [Atom(kinds[name], "**")]
    if name in {"default_branch", "commit.sha", "ref.name", "event", "ref"}:
        return [Atom("always")]
    return None


def _equal(name: str, other: Text, right: str | None) -> list[Atom] | None:
    if name_of(other) == "default_branch" and name in {"branch", "ref.name"}:
        return [Atom("default-branch")]
    if name_of(other) in {"branch", "ref.name"} and name == "default_branch":
        return [Atom("default-branch")]
    if name == "ref" and len(other) == 2 and other[0] == "refs/heads/":
        return [Atom("default-branch")] if name_of(other[1:]) == "default_branch" else None
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
    if name == "ref.type":
        kinds = {"branch": Atom("branch", "**"), "tag": Atom("tag", "**")}
        return [kinds[right]] if right in kinds else None
    return _globbed(name, right)


def _globbed(name: str, glob: str) -> list[Atom] | None:
    if name == "ref":
        for folder, kind in (("refs/heads/", "branch"), ("refs/tags/", "tag")):
            if glob.startswith(folder):
                return [Atom(kind, glob.removeprefix(folder))]
        if glob.startswith(("refs/pull/", "refs/merge-requests/")):
            return [Atom("pull-request")]
        return None
    if name in {"branch", "ref.name"}:
        return [Atom("branch", glob)]
    return [Atom("tag", glob)] if name == "tag" else None


def read(when: When) -> Condition:
    """A condition of a script as a spec says it."""
    made = Condition()
    for tests in when:
        for atoms, unknown in _combinations(tests):
            _add(made, atoms, unknown)
    if made.always:
        made.words, made.refs = [], {}
    return made


def _combinations(tests: tuple[Test, ...]) -> Iterable[tuple[list[Atom], list[Test]]]:
    """The alternatives of one alternative: a test may stand for several."""
    found: list[tuple[list[Atom], list[Test]]] = [([], [])]
    for test in tests:
        atoms = atoms_of(test)
        if atoms is None:
            found = [(have, [*unknown, test]) for have, unknown in found]
        else:
            found = [([*have, atom], unknown) for have, unknown in found for atom in atoms]
    return found


def _add(made: Condition, atoms: list[Atom], unknown: list[Test]) -> None:
    made.unknown += unknown
    positive = [atom for atom in atoms if not atom.negated and atom.kind != "always"]
    negative = [atom for atom in atoms if atom.negated]
    kinds = {atom.kind for atom in positive}
    not_kinds = {atom.kind for atom in negative}
    if any(atom.kind == "always" for atom in negative):
        return
    specific = [atom for atom in positive if atom.kind != "push" and atom.glob != "**"]
    broad = [atom for atom in positive if atom.glob == "**"]
    chosen = specific or broad or _all_but(negative)
    if not kinds and "pull-request" not in not_kinds and not not_kinds & {"branch"}:
        made.requests = made.requests or not (not_kinds & {"event"})
    if kinds == {"pull-request"}:
        made.requests = True
    negated_globs = [atom for atom in negative if atom.glob not in ("", "**")]
    stray = [atom for atom in negative if atom.kind in {"default-branch", "schedule", "manual"}]
    if _contradictory(kinds, not_kinds, positive):
        return
    if not chosen and not stray and not negated_globs:
        _broad(made, not_kinds)
        return
    chosen_kinds = {atom.kind for atom in chosen}
    if not chosen and not any(atom.kind in {"schedule", "manual"} for atom in stray):
        made.unknown += [_spelled([atom for atom in negative if atom.kind != "pull-request"])]
        _broad(made, not_kinds)
        return
    if len(chosen) != 1 or (stray and not chosen_kinds & _EXCLUDES.keys()):
        chosen = _reduced(chosen)
        if len(chosen) != 1:
            made.unknown += [_spelled(atoms)]
            return
        if _stray_matters(stray, chosen[0]):
            made.unknown += [_spelled(atoms)]
    if negated_globs and chosen[0].kind not in {"branch", "tag"}:
        made.unknown += [_spelled(atoms)]
    _keep(made, chosen[0], [atom for atom in negated_globs if atom.kind == chosen[0].kind])


def _all_but(negative: list[Atom]) -> list[Atom]:
    """All branches where tags, pull requests and some branches are ruled out; tags likewise."""
    whole = {atom.kind for atom in negative if atom.glob in ("", "**")}
    some = {atom.kind for atom in negative} - whole
    if "pull-request" in whole and some | whole == {"branch", "tag", "pull-request"}:
        return [Atom(kind, "**") for kind in some]
    return []


_EXCLUDES = {"schedule": {"manual"}, "manual": {"schedule"}, "tag": {"default-branch"}}


def _stray_matters(stray: list[Atom], chosen: Atom) -> bool:
    return any(atom.kind not in _EXCLUDES.get(chosen.kind, set()) for atom in stray)


def _contradictory(kinds: set[str], not_kinds: set[str], positive: list[Atom]) -> bool:
    refs = {"default-branch": "branch", "branch": "branch", "tag": "tag"}
    sides = {refs[kind] for kind in kinds if kind in refs}
    whole = {atom.kind for atom in positive if atom.glob in ("**", "")}
    return (
        len(sides) > 1
        or bool(whole & not_kinds - {"branch", "tag"})
        or ("pull-request" in kinds and bool(sides))
    )


def _broad(made: Condition, not_kinds: set[str]) -> None:
    if "tag" in not_kinds and "branch" in not_kinds:
        if "pull-request" not in not_kinds:
            made.words.append("pull-request")
            made.requests = True
        return
    if "tag" in not_kinds:
        _once(made.refs.setdefault(("branch", ()), []), "**")
    elif "branch" in not_kinds:
        _once(made.refs.setdefault(("tag", ()), []), "**")
    else:
        made.always = True


def _reduced(chosen: list[Atom]) -> list[Atom]:
    """Two tests of which one says no more than the other."""
    kinds = {atom.kind for atom in chosen}
    if kinds == {"default-branch", "branch"}:
        return [atom for atom in chosen if atom.kind == "default-branch"]
    if len(kinds) == 1:
        exact = [atom for atom in chosen if "*" not in atom.glob]
        return exact[:1] or chosen
    return chosen


def _spelled(atoms: list[Atom]) -> Test:
    said = " and ".join(
        f"{'not ' * atom.negated}{atom.kind}{' ' + atom.glob if atom.glob else ''}"
        for atom in atoms
    )
    return Test("unknown", (), text=said)


def _keep(made: Condition, atom: Atom, out: list[Atom]) -> None:
    if atom.kind in {"branch", "tag"}:
        try:
            for glob in (atom.glob, *(other.glob for other in out)):
                check_glob(glob)
        except Refused:
            made.unknown.append(_spelled([atom, *out]))
            return
        without = tuple(dict.fromkeys(other.glob for other in out))
        if is_literal(atom.glob):
            if any(matches(glob, atom.glob) for glob in without):
                return
            without = ()
        _once(made.refs.setdefault((atom.kind, without), []), atom.glob)
    elif atom.kind == "push":
        made.always = True
    else:
        _once(made.words, atom.kind)


def _once(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)


# -- triggers ----------------------------------------------------------------------------------

DEFAULT_TRIGGERS = {"default-branch": True, "tags": ["**"], "pull_requests": True}


def triggers_of(made: Condition, *, requests: bool) -> dict[str, Any] | None:
    """What starts a job, as ``triggers``; None when it is what a spec means without them."""
    words = set(made.words)
    branches = ["**"] if made.always else _only(made, "branch")
    tags = ["**"] if made.always else _only(made, "tag")
    wanted = requests or "pull-request" in words
    if "default-branch" in words and not branches:
        if tags == ["**"] and wanted and not words & {"manual"}:
            return None
        return {"default-branch": True, "tags": tags, "pull_requests": wanted, "words": words}
    found: dict[str, Any] = {}
    if branches:
        found["branches"] = branches
    if tags:
        found["tags"] = tags
    if wanted:
        found["pull_requests"] = True
    if "manual" in words:
        found["manual"] = True
    return found


def _only(made: Condition, kind: str) -> list[str]:
    """The one list that ``triggers`` has; ``several`` reports what it cannot say."""
    listed = made.lists(kind)
    if len(listed) == 1:
        return listed[0]
    return [glob for globs in listed for glob in globs if not glob.startswith("!")]


def several(made: Condition) -> list[Test]:
    """Lists that exclude different things, which ``triggers`` cannot tell apart."""
    return [
        _spelled([Atom(kind, ", ".join(globs)) for globs in made.lists(kind)])
        for kind in ("branch", "tag")
        if len(made.lists(kind)) > 1
    ]


def shown_when(when: When) -> str:
    """A condition for people."""
    return " or ".join(
        " and ".join(test.text or test.kind for test in tests) or "always" for tests in when
    )


def both_ways(one: When, other: When) -> When:
    """Where both conditions hold."""
    found = tuple(tuple(dict.fromkeys((*left, *right))) for left in one for right in other)
    return tuple(dict.fromkeys(found))
