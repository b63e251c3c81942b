"""Guards on what starts a job as the ``triggers`` of a spec."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    Output,
    Test,
    Text,
    Var,
    When,
    Word,
    join,
    literal,
    only_var,
    spell,
    starts_with,
    variables,
    without_head,
)
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.jobs import Job, Started
from ci_kaniko.importing.shell.guards import TooComplexError
from ci_kaniko.importing.shell.regular import globs_of
from ci_kaniko.importing.shell.transforms import outcomes
from ci_kaniko.importing.ticked import ignore
from ci_kaniko.importing.translate.atoms import (
    VERSIONS,
    Atom,
    around_of,
    atoms_of,
    name_of,
    versions_of,
)
from ci_kaniko.importing.translate.conditions import (
    DEFAULT_BRANCH,
    DEFAULT_TRIGGERS,
    SIDES,
    STARTS,
    both_ways,
    only,
    read,
    several,
    triggers_of,
)
from ci_kaniko.spec.triggers import is_repository
from ci_kaniko.syntax.conditions import REFS
from ci_kaniko.syntax.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ci_kaniko.importing.calls import Call, Part
    from ci_kaniko.importing.report import Voice
    from ci_kaniko.importing.shell.conditions import Conditions
    from ci_kaniko.importing.translate.conditions import Condition
    from ci_kaniko.importing.translate.work import Work


_STARTED = {
    **dict.fromkeys(("branches", "default-branch", "tags", "pull_requests"), "push"),
    "schedules": "schedule",
    "manual": "manual",
    "pipelines": "pipelines",
}


@contextmanager
def bounded(job: Job, *unread: Any) -> Iterator[None]:
    """Where the triggers of a job are set; what starts it by more than can be followed, never does.

    Nothing more is said of what is then ``unread``.
    """
    try:
        yield
    except TooComplexError:
        ignore(*unread)
        job.started = Started(held=True)
        said = "more tests hold than can be followed"
        job.tell("unknown-trigger", job.line, said, "push: never")


def set_triggers(
    job: Job,
    conditions: Conditions,
    guard: int,
    line: int,
    *,
    requests: bool = True,
    paths: list[str] | None = None,
    schedules: Sequence[str] = (),
    by_hand: int | None = None,
    unsaid: bool = False,
    some_requests: bool = False,
) -> None:
    """Turn a guard into the triggers of a job; ``requests`` says that it may be a pull request.

    What no trigger says does not start the job. ``schedules`` are cron lines, where the file has
    them. Where the guard ``by_hand`` holds, somebody starts it. ``unsaid`` are paths without which
    it would start more often; ``some_requests`` of the file are fewer than a spec builds.
    """
    versions = named_by_version(job)
    repository, when = one_repository(conditions.when(guard))
    sides = SIDES if requests else REFS
    made = read(when, starts=True, sides=sides)
    tell_versions(job, made, line)
    if made.others:
        job.tell("other-branch/start", line)
    if made.others or any(map(versions_of, made.narrowed)):
        # A trigger names no versions and no branch by its role, so the pushes have to.
        said = (tests for tests in when if not read((tests,), starts=True, sides=sides).unknown)
        push_only_where(job, tuple(said))
    instead = "push: never" if made.held else "triggers: leaves that out"
    for test in [*made.unknown, *several(made)]:
        job.tell("unknown-trigger", test.line or line, test.text, instead)
    if "schedule" in made.without:
        job.tell("schedule/none", line)
    found = triggers_of(made, requests=made.requests)
    tags = _pushed_tags(job, conditions, guard, sides, versions=versions)
    if tags is not None and tags != (found or DEFAULT_TRIGGERS).get("tags"):
        job.tell("version-tags/start", line, ", ".join(tags))
        found = {**(found or DEFAULT_TRIGGERS), "tags": tags}
    untimed = "schedule" in made.words and not schedules
    if untimed:
        job.tell("schedule", line)
    if found is None and (paths or schedules):
        found = dict(DEFAULT_TRIGGERS)
    if found is not None and "schedule" in made.words and schedules:
        found["schedules"] = list(schedules)
    if found is not None and paths:
        found["paths"] = paths
    found = only_in(found, repository)
    if found is not None and by_hand is not None:
        hand = read(conditions.when(by_hand), starts=True, sides=sides)
        for test in (one for one in hand.unknown if name_of(one.left) == "request"):
            # No push depends on it, for pull requests do not start what is left.
            job.tell("unknown-trigger", test.line or line, test.text, "triggers: leaves that out")
        found["manual"] = _by_hand(hand, found)
    held = made.held or unsaid
    some_requests = some_requests or _names_requests(job, when, sides)
    job.started = Started(found, held, made.requests, untimed=untimed, some_requests=some_requests)


def _names_requests(job: Job, when: When, sides: Collection[str]) -> bool:
    """Whether it holds for pull requests by the names of their branches, of which no spec knows."""

    def by_name(test: Test) -> bool:
        ways = atoms_of(test) if name_of(test.left) in job.facts.of_requests else None
        return any(
            atom.kind == "branch" and atom.negated and atom.glob != DEFAULT_BRANCH
            for atoms in ways or ()
            for atom in atoms
        )

    found = [any(map(by_name, tests)) for tests in when if read((tests,), sides=sides).requests]
    return bool(found) and all(found)


def _pushed_tags(
    job: Job, conditions: Conditions, guard: int, sides: tuple[str, ...], *, versions: bool
) -> list[str] | None:
    """The globs of the tags of which versions are pushed; None where nothing asks for versions.

    What is pushed to versions alone needs a trigger that says which tags those are among.
    """
    whens = [both_ways(call.when, word.when) for call in job.calls for word in call.pushed]
    if not (versions or any(versions_of(t) for when in whens for tests in when for t in tests)):
        return None
    guards = conditions.guards
    pushes = guards.both(guard, guards.any(map(conditions.of, whens)))
    made = read(one_repository(conditions.when(pushes))[1], starts=True, sides=sides)
    if made.held or not (versions or made.narrowed):
        return None
    return only(made, "tag") or None


def _by_hand(made: Condition, started: Mapping[str, Any]) -> Any:
    """The trigger of who starts a job by hand, and which others would do it."""
    from ci_kaniko.spec.writing import Remarked, flow

    usual = triggers_of(made, requests=made.requests) or DEFAULT_TRIGGERS
    others = {name: value for name, value in usual.items() if started.get(name) != value}
    others.pop("manual", None)
    return Remarked(f"{flow(others)[1:-1]} would start it without the button") if others else True


def push_only_where(job: Job, when: When) -> None:
    """Keep the calls of a job from pushing elsewhere."""

    def limited(word: Word) -> Word:
        return replace(word, when=both_ways(word.when, when))

    job.calls = tuple(replace(call, pushed=tuple(map(limited, call.pushed))) for call in job.calls)


def tell_versions(job: Voice | Job, made: Condition, line: int) -> None:
    """Say what of tests of tags is left, where a spec has no words for all of it."""
    for test in made.narrowed:
        found = versions_of(test)
        if found is None:
            job.tell("version-tags/out", test.line or line, test.text, around_of(test))
        else:
            sentence = "version-tags" if found.whole else "version-tags/fewer"
            job.tell(sentence, test.line or line, test.text, found.word)


def always(paths: Sequence[str] = (), *, implicit: bool, by_hand: bool = False) -> Started:
    """What starts a job that asks for nothing."""
    triggers: dict[str, Any] = {"branches": ["**"], "tags": ["**"], "pull_requests": True}
    if by_hand:
        triggers["manual"] = True
    if paths:
        triggers["paths"] = paths
    return Started(triggers, requests=True, implicit=implicit)


_OF_REMOTE = (r"^([a-z+]+://[^/]+/|[^/:]+:/?)", r"(\.git)?/?$")
"""How the rendered jobs look for a path at the end of a remote."""


def only_in(triggers: Mapping[str, Any] | None, repository: str) -> dict[str, Any] | None:
    """Triggers that one repository alone has; without one as they are."""
    if not repository:
        return None if triggers is None else dict(triggers)
    return {**(DEFAULT_TRIGGERS if triggers is None else triggers), "repository": repository}


def one_repository(when: When) -> tuple[str, When]:
    """The repository that all alternatives ask for, and what else they ask; empty without one."""
    asked = [{asks for test in tests if (asks := _repository(test))} for tests in when]
    paths = set.intersection(*asked) if asked else set()
    if len(paths) != 1:
        return "", when
    path = paths.pop()
    return path, tuple(tuple(test for test in tests if _repository(test) != path) for tests in when)


def _repository(test: Test) -> str:
    """The path of a repository that a test asks for."""
    var, right = only_var(test.left), literal(test.right)
    if var is None or var.changes or test.negated or not right:
        return ""
    found: str | None = None
    if meaning(var) == "repository.path" and test.kind in {"equal", "glob"}:
        found = right
    elif test.kind == "regex":
        right = right.removeprefix("(?i)")
        head, tail = _OF_REMOTE
        if meaning(var) == "repository.path":
            found = _path_of_regex(right)
        elif meaning(var) == "remote" and right.startswith(head) and right.endswith(tail):
            found = _path_of_regex(f"^{right.removeprefix(head).removesuffix(tail)}$")
    return found if found and is_repository(found) else ""


def _path_of_regex(expression: str) -> str | None:
    globs = globs_of(expression) or []
    return globs[0] if len(globs) == 1 else None


def condition_of(work: Work, when: When) -> Condition:
    """A condition of a destination, among the runs that start a job."""
    when = tuple(tuple(_of_one_prefix(work, test) for test in tests) for tests in when)
    by = work.job.started
    triggers: Mapping[str, Any] = DEFAULT_TRIGGERS if by.triggers is None else by.triggers
    given = {name for name, value in triggers.items() if value}
    started = {word for name, word in _STARTED.items() if name in given}
    sides = {"pull-request"} if by.requests or by.triggers is None else set()
    anywhere = not started or started & {"manual", "pipelines"}
    if anywhere or given & {"branches", "default-branch", "schedules"}:
        sides.add("branch")
    if anywhere or "tags" in given:
        sides.add("tag")
    starts = started or STARTS
    tags = triggers.get("tags") or ["**"]
    others = "default-branch" in given
    branches = [*triggers.get("branches", ()), *["**"] * others] or ["**"]
    when = _whatever_starts(when, starts, branches, tags)
    made = read(when, sides=sides, started=starts, tags=tags)
    if "pipelines" in starts or ("manual" in starts and "manual" not in made.words):
        # Such a run may be of any tag.
        made = read(when, sides=sides, started=starts)
    if by.untimed:
        timed = read(when, sides={*sides, "branch"}, started={*starts, "schedule"})
        if "schedule" in timed.words:
            made.unknown.append(Test("unknown", ("a schedule",)))
    if made.requests and _names_requests(work.job, when, sides):
        made.requests, made.words = False, [word for word in made.words if word != "pull-request"]
        made.unknown.append(Test("unknown", ("a pull request from some branches",)))
    return made


_NO_REQUEST = Test("set", (Var("pull_request.number", portable=True),), negated=True)
"""What each run asks that is started in another way."""


def _whatever_starts(
    when: When, starts: Collection[str], branches: Sequence[str], tags: Sequence[str]
) -> When:
    """A condition without its ways to start a run where the rest is asked of each of ``starts``.

    What is pushed is one of some ``branches`` or ``tags`` in any case.
    """
    if len(starts) < 2:
        return when
    pushed = {Atom("tag", glob[1:], negated=True) for glob in tags if glob.startswith("!")}
    pushed |= {Atom("branch", branches[0])} if len(branches) == 1 else set()
    kinds: dict[frozenset[Atom | Test], set[str]] = {}
    parts: list[tuple[frozenset[Atom | Test], When]] = []
    for tests in when:
        by, held, rest = set(starts), set[Atom | Test](), list[Test]()
        for test in tests:
            ways = atoms_of(test)
            atoms = ways[0] if ways is not None and len(ways) == 1 else []
            if not atoms or any(atom.kind not in STARTS for atom in atoms):
                rest.append(test)
                held |= {*atoms} or {test}
                continue
            for atom in atoms:
                by = by - {atom.kind} if atom.negated else by & {atom.kind}
            rest += [_NO_REQUEST] * any(not atom.negated for atom in atoms)
        for atom in pushed & held if by == {"push"} else ():
            held = (held - {atom}) | ({Atom("branch", "**")} if not atom.negated else set())
        subject = _plainly(held)
        kinds.setdefault(subject, set()).update(by)
        # Of alternatives that are alike a push is asked for more than the others.
        parts.append((subject, (tuple(rest),) if by != {"push"} else ()))
    found = (
        alike if kinds[subject] >= {*starts} else (tests,)
        for (subject, alike), tests in zip(parts, when, strict=True)
    )
    return tuple(dict.fromkeys(tests for alike in found for tests in alike))


def _plainly(held: set[Atom | Test]) -> frozenset[Atom | Test]:
    """What some things say, without those that another one of them says as well."""
    words = [atom for word in VERSIONS if (atom := Atom("tag", word)) in held]
    sides = {Atom(side, "**") for side in REFS}
    named = {e.kind for e in held - sides if isinstance(e, Atom) and not e.negated}
    named |= {"branch"} if "default-branch" in named else set()
    return frozenset(held.difference(words[:-1], {side for side in sides if side.kind in named}))


def _of_one_prefix(work: Work, test: Test) -> Test:
    """A test; one that no spec has words for where it is of versions after another prefix."""
    found = versions_of(test)
    prefixes = [] if found is None else [found.prefix]
    named = (var.name.partition("@") for var in variables(test.left) if var.portable)
    prefixes += [prefix for _, at, prefix in named if at]
    if all(map(work.settings.takes_prefix, prefixes)):
        return test
    return Test("unknown", (Output(test.text),), line=test.line)


def globs(values: list[str], job: Voice, line: int) -> list[str]:
    """Path globs of a platform as those of a spec; the others are reported."""
    from ci_kaniko.problems.finding import Refused
    from ci_kaniko.spec.triggers import check_path_glob

    found: list[str] = []
    for value in values:
        glob = value.removeprefix("./")
        glob = f"{glob}**" if glob.endswith("/") else glob
        try:
            check_path_glob(glob)
        except Refused as refused:
            job.tell("path-glob", line, refused.message, refused.hint)
        else:
            found.append(glob)
    return found


# -- images that are named by a version --------------------------------------------------------


_CUT = re.compile(r"\$\{##?([\w./@+-]*?)v?\}")
_TAG = (Var("tag", portable=True),)
_VERSIONS = ("1.2.3", "10.20.30-rc.1", "0.1.0-dev.1", "1.0.0-v")
_DESTINATION = "--destination="
_FOLDERS = {"ref": "refs/tags/", "tag": "", "ref.name": ""}


def named_by_version(job: Job) -> bool:
    """Name images by the version where they have the tag without its ``v``; whether one had it.

    Tags that are no versions have no such name, so nothing is pushed for them.
    """
    calls = tuple(_call(job, call) for call in job.calls)
    changed = calls != job.calls
    job.calls = calls
    return changed


def _call(job: Job, call: Call) -> Call:
    pushed = tuple(_word(word) for word in call.pushed)
    for word, made in zip(call.pushed, pushed, strict=True):
        if made != word:
            job.tell("version-tags/name", word.line or call.line, spell(word.text))
    named = {word.text: made.text for word, made in zip(call.pushed, pushed, strict=True)}
    words = [replace(word, text=_destination(word.text, named)) for word in call.words]
    if all(made != word for word, made in zip(call.pushed, pushed, strict=True)):
        # No run pushes what is no version, so what else of the image has the text has that one.
        known = {
            part: version
            for text, other in named.items()
            for part, version in zip(text, other, strict=True)
        }
        words = [
            replace(word, text=tuple(known.get(part, part) for part in word.text)) for word in words
        ]
    return replace(call, pushed=pushed, words=tuple(words))


def _destination(text: Text, named: dict[Text, Text]) -> Text:
    """The argument that names one of the images, with its other name."""
    if not starts_with(text, _DESTINATION):
        return text
    image = without_head(text, _DESTINATION)
    return join((_DESTINATION, *named.get(image, image)))


def _word(word: Word) -> Word:
    tests: list[Test] = []
    text = tuple(_part(part, word.line, tests) for part in word.text)
    if not tests:
        return word
    when = tuple(
        tuple(test for test in asked if not _is_about(test, word))
        for asked in word.when
        if not any(_is_about(test, word) and not test.negated for test in asked)
    )
    return replace(word, text=text, when=both_ways(when, (tuple(tests),)))


def _is_about(test: Test, word: Word) -> bool:
    """Whether a test compares what is a version now with a text that is none."""
    right = literal(test.right)
    named = test.kind == "equal" and len(test.left) == 1 and test.left[0] in word.text
    return named and right is not None and not version_of(right)


def _part(part: Part, line: int, tests: list[Test]) -> Part:
    """A part of a name; ``tests`` are what holds where it is a version."""
    folder = _FOLDERS.get(meaning(part))
    if not isinstance(part, Var) or folder is None or part.default or not part.changes:
        return part
    cut = _CUT.fullmatch(part.changes[-1])
    prefix = cut[1].removeprefix(folder) if cut else ""
    folder += prefix
    if not all(_is_made(part, f"{folder}v{version}", version) for version in _VERSIONS):
        return part
    version = Var(f"version@{prefix}", portable=True)
    tests.append(Test("set", (version,), line=line))
    if not all(_is_made(part, folder + each, each) for each in _VERSIONS):
        tests.append(Test("glob", _TAG, (f"{prefix}v**",), line=line))
    return version


def _is_made(var: Var, text: str, version: str) -> bool:
    return outcomes(var.changes, [text]) == {text: version}
