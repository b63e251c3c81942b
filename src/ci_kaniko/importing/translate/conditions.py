"""Tests of scripts and pipelines as the conditions of a spec: ``when`` and ``triggers``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Output, Test, When, literal
from ci_kaniko.importing.translate.atoms import (
    VERSIONS,
    Atom,
    are_bound,
    around_of,
    atoms_of,
    name_of,
    versions_of,
)
from ci_kaniko.problems.finding import Refused
from ci_kaniko.syntax.conditions import REFS, ROLES
from ci_kaniko.syntax.globs import check_glob, covers, is_literal, matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass
class Condition:
    """Alternatives of a ``when`` or of ``triggers``, and whether one holds for pull requests.

    ``always`` says that nothing is asked but that it is no pull request. ``refs`` are the globs of
    branches and tags, by their kind and what is taken from them. ``without`` are the ways to start
    a run that some alternative rules out. ``unknown`` are the tests that a spec has no words for:
    their alternatives are left out, so that a spec never pushes more than was asked. Where nothing
    would start a job without these, they are ``held``: it starts, and must not push. ``narrowed``
    are the tests of tags of which less is said than they ask for. ``unstarted`` says that an
    alternative is for runs that the spec does not start. ``others`` says that ``triggers`` start
    the default branch, which was ruled out: these name no branch by its role, and pushes do.
    """

    always: bool = False
    words: list[str] = field(default_factory=list)
    refs: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    requests: bool = False
    without: set[str] = field(default_factory=set)
    unknown: list[Test] = field(default_factory=list)
    held: bool = False
    narrowed: list[Test] = field(default_factory=list)
    unstarted: bool = False
    others: bool = False

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
        for kind in REFS:
            for globs in self.lists(kind):
                found += [glob[1:] for glob in globs if glob in VERSIONS]
                if rest := [glob for glob in globs if glob not in VERSIONS]:
                    found.append({kind: globs_in_short(rest)})
        return found[0] if len(found) == 1 else found

    def covers(self, triggers: Mapping[str, Any], least: int = 2) -> bool:
        """Whether its alternatives, of which there are a few, are all that some triggers start."""
        branches, tags = (self.refs.get((kind, ()), []) for kind in REFS)
        words = {"default-branch": "default-branch", "schedules": "schedule", "manual": "manual"}
        started = {name for name, value in triggers.items() if value}
        return (
            len(self.words) + len(self.refs) >= least
            and set(triggers.get("branches", ())) <= set(branches)
            and set(triggers.get("tags", ())) <= set(tags)
            and all(word in self.words for name, word in words.items() if name in started)
            and "pipelines" not in started
        )

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


SIDES = (*REFS, "pull-request")
STARTS = {"push", "schedule", "manual", "pipelines"}
DEFAULT_BRANCH = "main"
"""What the default branch is taken for, whose name no pipeline tells."""
_MOST = 64
"""Alternatives that a condition may have; beyond, a test counts as one without words."""


def read(
    when: When,
    *,
    starts: bool = False,
    sides: Collection[str] = SIDES,
    started: Collection[str] = STARTS,
    tags: Sequence[str] = ("**",),
) -> Condition:
    """A condition as a spec says it; ``starts`` reads it as ``triggers``, else as a ``when``.

    ``sides`` is what the run can be at all, a branch, a tag, a pull request, ``started`` what
    can start it, and ``tags`` the globs of its tags.
    """
    made = Condition()
    left_out: list[_Run] = []
    unsaid = False
    for tests in filter(_may_hold, when):
        for atoms, unknown in _combinations(tests):
            run = _Run.of(atoms)
            if run is None:
                continue
            runs = bool(run.starts & set(started))
            run.anything = runs and run.sides >= set(REFS) and all(map(run.is_whole, REFS))
            if not runs and run.sides & set(sides) & set(REFS):
                made.unstarted = True
            run.sides &= set(sides) if runs else {"pull-request"} & set(sides)
            ruled_out = run.ruled_out if starts else set(started) - run.starts
            run.everywhere = run.starts >= set(started) or "push" in run.starts & set(started)
            run.starts &= set(started)
            if run.sides and unknown:
                made.unknown += unknown
                left_out.append(run)
            elif run.sides:
                made.without |= ruled_out if run.everywhere else set()
                lost = _add(made, run, tags=() if starts else tags)
                made.unknown += lost
                unsaid = unsaid or bool(lost)
                if not lost and "tag" in run.sides:
                    made.narrowed += [
                        test for test in tests if versions_of(test) or around_of(test)
                    ]
    if starts and made.never and (left_out or unsaid):
        made.held = True
        for run in left_out:
            made.unknown += _add(made, run, tags=())
    made.unknown = list(dict.fromkeys(made.unknown))
    made.narrowed = list(dict.fromkeys(made.narrowed))
    if made.always or all("**" in made.refs.get((side, ()), ()) for side in REFS):
        made.always = True
        made.refs = {}
        made.without -= {*made.words}
        made.words = [word for word in made.words if starts and word not in ROLES]
    return made


_OF_TEXTS = {"equal", "set", "glob", "pattern", "regex"}


def _may_hold(tests: tuple[Test, ...]) -> bool:
    """Whether no test of some texts is among others that ask for the contrary."""
    asked = {replace(test, line=0) for test in tests if test.kind in _OF_TEXTS}
    return all(replace(test, negated=not test.negated) not in asked for test in asked)


def _combinations(tests: tuple[Test, ...]) -> Iterable[tuple[list[Atom], list[Test]]]:
    """The alternatives of one alternative: a test may stand for several."""
    found: list[tuple[list[Atom], list[Test]]] = [([], [])]
    for test in tests:
        atoms = atoms_of(test)
        ways = _implied(test) if atoms is None else [(way, []) for way in atoms]
        if len(found) * len(ways) > _MOST:
            ways = [([], [test])]
        found = [
            ([*have, *way], [*unknown, *asked]) for have, unknown in found for way, asked in ways
        ]
    return found


def _implied(test: Test) -> list[tuple[list[Atom], list[Test]]]:
    """What holds where a test does that a spec has no words for, and whether that is less.

    A tag is one that is like something, and only a pull request has branches of its own.
    """
    name = name_of(test.left)
    asked = test.kind in {"equal", "glob", "pattern", "regex"}
    if asked and name in REFS and not test.negated:
        return [([Atom(name, "**")], [test])]
    if test.kind == "equal" and name == "request" and literal(test.right):
        other = [([Atom("pull-request", negated=True)], list[Test]())] * test.negated
        return [*other, ([Atom("pull-request")], [test])]
    return [([], [test])]


@dataclass
class _Run:
    """What a run can be when some things hold: its ref, and what started it.

    ``names`` are globs of its branch or tag that all match, ``out`` those that do not.
    """

    sides: set[str] = field(default_factory=lambda: {*SIDES})
    starts: set[str] = field(default_factory=lambda: {*STARTS})
    names: dict[str, list[str]] = field(default_factory=lambda: {side: [] for side in REFS})
    out: dict[str, list[str]] = field(default_factory=lambda: {side: [] for side in REFS})
    default: bool | None = None
    ruled_out: set[str] = field(default_factory=set)
    anything: bool = False
    everywhere: bool = True

    @classmethod
    def of(cls, atoms: list[Atom]) -> _Run | None:
        """None when they contradict each other."""
        run = cls()
        for atom in atoms:
            run._take(atom)
        if not run.starts:
            run.sides &= {"pull-request"}
        run.sides -= {side for side in REFS if not run._agrees(side)}
        return run if run.sides else None

    def _take(self, atom: Atom) -> None:
        kind, glob = atom.kind, atom.glob
        if kind == "always":
            self.sides -= self.sides if atom.negated else set()
        elif kind in STARTS and atom.negated:
            self.starts.discard(kind)
            self.ruled_out.add(kind)
        elif kind in STARTS:
            self.starts &= {kind}
            self.sides &= {"branch"} if kind == "schedule" else {"branch", "tag"}
        elif kind == "default-branch":
            self.sides -= {"branch"} if self.default is atom.negated else set()
            self.default = not atom.negated
            self.sides -= set() if atom.negated else {"tag", "pull-request"}
        elif not atom.negated:
            self.sides &= {kind}
            if glob not in ("", "**"):
                self.names[kind].append(glob)
        elif glob in ("", "**"):
            self.sides.discard(kind)
        else:
            self.out[kind].append(glob)

    def _agrees(self, side: str) -> bool:
        wanted = self.names[side]
        names = [glob for glob in wanted if _is_exact(glob)]
        return all(matches(glob, name) for glob in wanted for name in names) and not any(
            covers(glob, name) for glob in self.out[side] for name in wanted
        )

    @property
    def may_be_default(self) -> bool:
        """Whether what is asked of the name of its branch holds for that of the default branch."""
        wanted, out = self.names["branch"], self.out["branch"]
        return all(matches(glob, DEFAULT_BRANCH) for glob in wanted) and not any(
            matches(glob, DEFAULT_BRANCH) for glob in out
        )

    def says(self, side: str) -> str:
        """Its part for one kind of ref, for people."""
        asked = [*self.names[side], *(f"not {glob}" for glob in self.out[side])]
        asked = [name.replace("@", "a ") for name in asked]
        if self.default is not None and side == "branch":
            asked.append("the default branch" if self.default else "not the default branch")
        started = (
            [] if self.starts == STARTS else [f"started by {' or '.join(sorted(self.starts))}"]
        )
        return " and ".join([side, *asked, *started])

    def is_whole(self, side: str) -> bool:
        """Whether any branch or tag will do."""
        return not (
            self.names[side] or self.out[side] or (side == "branch" and self.default is not None)
        )


def _add(made: Condition, run: _Run, *, tags: Sequence[str]) -> list[Test]:
    """One more alternative; the parts that a spec has no words for are returned instead.

    Without ``tags`` it is one of ``triggers``.
    """
    refs = [side for side in REFS if side in run.sides]
    unknown: list[str] = []
    if "pull-request" in run.sides:
        made.requests = True
        if not run.anything:
            _once(made.words, "pull-request")
    if run.everywhere:
        made.always = made.always or run.anything
        unknown += [run.says(side) for side in refs if not _add_refs(made, run, side, tags)]
        return _unknown(unknown)
    for word in sorted(run.starts) if refs else ():
        wanted = ["branch"] if word == "schedule" else list(REFS)
        usual = refs == wanted and all(
            run.is_whole(side) or (word == "schedule" and run.default and run.may_be_default)
            for side in refs
        )
        if usual and (not tags or word != "pipelines"):
            _once(made.words, word)
        else:
            unknown += [run.says(side) for side in refs]
    return _unknown(unknown)


def _unknown(said: Iterable[str]) -> list[Test]:
    return [Test("unknown", (Output(text),)) for text in dict.fromkeys(said)]


def _add_refs(made: Condition, run: _Run, side: str, tags: Sequence[str]) -> bool:
    """One more glob of branches or tags; whether a spec can say it."""
    if side == "branch" and run.default:
        if run.may_be_default:
            _once(made.words, "default-branch")
        return run.may_be_default
    names = list(dict.fromkeys(run.names[side]))
    if names and side == "branch" and run.default is False and run.may_be_default:
        return False
    exact = [name for name in names if _is_exact(name)][:1]
    out = () if exact else tuple(dict.fromkeys(run.out[side]))
    if not names and side == "branch" and run.default is False:
        if out:
            return False
        if tags:
            _once(made.words, "other-branch")
            return True
        made.others = True
    if {*out} & {*VERSIONS}:
        return False
    words = [] if exact else [word for word in VERSIONS if word in names][-1:]
    named = [name for name in names if name not in VERSIONS]
    if words:  # which have no slash
        named = list(dict.fromkeys(name.replace("**", "*") for name in named))
    wider = [each for each in named if any(each != one and covers(each, one) for one in named)]
    globs = exact or [each for each in named if each not in wider]
    if words and tags:
        # A trigger says the rest, or nothing does.
        if not are_bound(words[0][1:], globs, out, tags):
            return False
        globs, out = words, ()
    globs = globs or ["**"]
    if len(globs) > 1:
        return False
    try:
        for glob in (*globs, *out):
            check_glob(glob)
    except Refused:
        return False
    listed = made.refs.setdefault((side, out), [])
    if not any(covers(one, globs[0]) for one in listed):
        listed[:] = [*(one for one in listed if not covers(globs[0], one)), globs[0]]
    return True


def _is_exact(glob: str) -> bool:
    return is_literal(glob) and glob not in VERSIONS


def _once(items: list[str], item: str) -> None:
    if item not in items:
        items.append(item)


# -- triggers ----------------------------------------------------------------------------------

DEFAULT_TRIGGERS = {"default-branch": True, "tags": ["**"], "pull_requests": True}


def triggers_of(made: Condition, *, requests: bool) -> dict[str, Any] | None:
    """What starts a job, as ``triggers``; None when it is what a spec means without them."""
    found: dict[str, Any] = {
        "default-branch": "default-branch" in made.words,
        "branches": ["**"] if made.always else only(made, "branch"),
        "tags": ["**"] if made.always else only(made, "tag"),
        "pull_requests": requests,
        "manual": "manual" in made.words,
        "pipelines": "pipelines" in made.words,
    }
    found = {name: value for name, value in found.items() if value}
    return None if found == DEFAULT_TRIGGERS else found


def only(made: Condition, kind: str) -> list[str]:
    """The one list that ``triggers`` has; ``several`` reports what it cannot say.

    What one of several lists excludes, that one excludes everywhere: it starts less.
    """
    globs = [glob for listed in made.lists(kind) for glob in listed]
    out = [glob for glob in globs if glob.startswith("!")]
    wide = ["**"] if "**" in globs else [glob for glob in globs if glob not in out]
    return list(dict.fromkeys([*wide, *out]))


def several(made: Condition) -> list[Test]:
    """Lists that exclude different things, which ``triggers`` cannot tell apart."""
    lists = {kind: made.lists(kind) for kind in REFS}
    return _unknown(
        " and ".join(f"{kind} {', '.join(globs)}" for globs in found)
        for kind, found in lists.items()
        if len(found) > 1
    )


def is_unknown(when: When) -> bool:
    """Whether a spec has no words for a part of a condition."""
    return bool(read(when).unknown)


def shown_when(when: When) -> str:
    """A condition for people, who look up what is long."""
    shown = ([shorten(test.text, 120, placeholder=" …") for test in tests] for tests in when)
    return " or ".join(" and ".join(tests) or "always" for tests in shown)


def both_ways(one: When, other: When) -> When:
    """Where both conditions hold."""
    found = tuple(tuple(dict.fromkeys((*left, *right))) for left in one for right in other)
    return tuple(dict.fromkeys(found))
