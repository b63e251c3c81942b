"""What starts a workflow on GitHub, and which of its jobs then run.

``on:`` is for the whole file: it names the events of all images, and paths if all have the same.
The ``if:`` of a job leaves out the events of other images. What neither can express, a job that
runs first finds out: paths that differ, and refs that need a pattern. Expressions also ignore the
case of a name, and there the script of each job looks: a job before each build would cost more than
a build in vain for a branch ``Main``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.globs import in_order, is_literal, matches, split, to_github

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Pipeline

_EVERYTHING = {"branches": ["**"], "tags": ["**"]}
_FORK = "github.event.pull_request.head.repo.full_name != github.repository"
_DEFAULT_BRANCH = "github.event.repository.default_branch"
DEFAULT_REF = f"github.ref == format('refs/heads/{{0}}', {_DEFAULT_BRANCH})"
FOLDERS = {"branches": "refs/heads/", "tags": "refs/tags/"}


class Starts(NamedTuple):
    """What starts an image's job, or any of several.

    ``by_role`` is for the default branch when nobody says its name.
    """

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pull_requests: bool = False
    schedules: tuple[str, ...] = ()
    manual: bool = False
    pipelines: bool = False
    by_role: bool = False
    each_request: bool = False


ANYTHING = Starts(("**",), ("**",), True, ("* * * * *",), True, True, True)  # noqa: FBT003
"""What may start a workflow that somebody else writes."""


def is_guest(pipeline: Pipeline) -> bool:
    """Whether somebody else writes what starts the workflow, or the one that calls it."""
    return pipeline.spec.builds[0].github.form in {"jobs", "reusable"}


def starts(image: Image) -> Starts:
    """What starts the job of an image."""
    started, triggers = image.plan.started, image.build.triggers
    default = image.build.default_branch
    return Starts(
        branches=(default,) if started.default_branch and default else started.branches,
        tags=started.tags,
        pull_requests=started.pull_requests,
        schedules=triggers.schedules if triggers else (),
        manual=started.manual,
        pipelines=started.pipelines,
        by_role=started.default_branch and default is None,
        each_request=started.each_request,
    )


def _any_of(several: list[Starts]) -> Starts:
    return Starts(
        branches=_merged(each.branches for each in several),
        tags=_merged(each.tags for each in several),
        pull_requests=any(each.pull_requests for each in several),
        schedules=_merged(each.schedules for each in several),
        manual=any(each.manual for each in several),
        pipelines=any(each.pipelines for each in several),
        by_role=any(each.by_role for each in several),
        each_request=all(each.each_request for each in several),
    )


def _merged(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """What any of several lists lets through: what one excludes another may take in."""
    several = list(dict.fromkeys(texts for texts in lists if texts))
    if len(several) < 2:
        return several[0] if several else ()
    merged = tuple(dict.fromkeys(text for texts in several for text in split(texts)[0]))
    return ("**",) if "**" in merged else merged


def events(pipeline: Pipeline) -> dict[str, Any]:
    """``on:``; a filter that lets everything through is left out."""
    union = _any_of([starts(image) for image in pipeline.images])
    paths = [to_github(glob) for glob in in_order(common_paths(pipeline))]
    filters = {
        "branches": ["**"] if union.by_role else [*map(to_github, in_order(union.branches))],
        "tags": [*map(to_github, in_order(union.tags))],
    }
    filters = {key: globs for key, globs in filters.items() if globs}
    if paths and "branches" in filters:
        filters["paths"] = paths
    answer: dict[str, Any] = {}
    if filters:
        answer["push"] = None if filters == _EVERYTHING else filters
    if union.pull_requests:
        answer["pull_request"] = {"paths": paths} if paths else None
        answer["merge_group"] = None
    if union.schedules:
        answer["schedule"] = [{"cron": line} for line in union.schedules]
    if union.manual:
        answer["workflow_dispatch"] = None
    if union.pipelines:
        answer["repository_dispatch"] = None
    return answer


def common_paths(pipeline: Pipeline) -> tuple[str, ...]:
    """The paths that ``on:`` can look at, because all images have the same."""
    several = {image.plan.started.paths for image in pipeline.images if _looks_at_paths(image)}
    return several.pop() if len(several) == 1 and not is_guest(pipeline) else ()


def own_paths(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """The paths of images that ``on:`` cannot look at."""
    if common_paths(pipeline):
        return {}
    return {
        image.name: image.plan.started.paths
        for image in pipeline.images
        if image.plan.started.paths and _looks_at_paths(image)
    }


def _looks_at_paths(image: Image) -> bool:
    """Whether something starts the job that has changed files, as a tag has none."""
    own = starts(image)
    return bool(own.branches) or own.by_role or own.pull_requests


class JobCondition(NamedTuple):
    """An ``if:``; one that is not exact also holds for pushes of refs that start other images.

    With ``ignores_case`` those are spelled like its own. ``place`` is what it says of the
    repository.
    """

    test: str
    is_exact: bool = True
    ignores_case: bool = False
    place: str = ""


class RefTest(NamedTuple):
    """A test of a ref, and whether it holds for others: for some, or only for other spellings."""

    text: str
    is_exact: bool = True
    ignores_case: bool = False


def conditions(pipeline: Pipeline) -> dict[str, JobCondition]:
    """What ``on:`` cannot say of each image."""
    places = {image.name: _repository_test(image) for image in pipeline.images}
    return {
        name: each._replace(test=all_of([places[name], each.test]), place=places[name])
        for name, each in _event_conditions(pipeline).items()
    }


def _repository_test(image: Image) -> str:
    """GitHub compares without the case, as it finds a repository."""
    repository = image.plan.started.repository
    return f"github.repository == {_text(repository)}" if repository else ""


def _event_conditions(pipeline: Pipeline) -> dict[str, JobCondition]:
    several = {image.name: starts(image) for image in pipeline.images}
    guests = [ANYTHING] if is_guest(pipeline) else []
    if len({*several.values(), *guests}) == 1:
        return {
            name: JobCondition(_alone(each), not each.by_role, ignores_case=True)
            for name, each in several.items()
        }
    different = [*dict.fromkeys([*several.values(), *guests])]
    union = _any_of(different)
    globs = {
        kind: {glob for each in different for glob in split(getattr(each, kind))[0]}
        for kind in FOLDERS
    }
    answers = {each: _Tests(each, different, globs, union).condition() for each in different}
    return {name: answers[each] for name, each in several.items()}


def _alone(own: Starts) -> str:
    """The default branch by its role, and branches that are built already."""
    if own.by_role:
        # Without triggers every other event is a request, or a group of them.
        default = "github.ref_name == github.event.repository.default_branch"
        return f"github.event_name != 'push' || github.ref_type == 'tag' || {default}"
    return f"github.event_name != 'pull_request' || {_FORK}" if _builds_every_push(own) else ""


def built_before(plan: Plan, _: str, is_fork: bool) -> bool:  # noqa: FBT001 - as all targets have it
    """Whether the run of a request is left out because the push to its branch makes the same."""
    if is_fork:
        return False
    started = plan.started
    own = Starts(
        started.branches, pull_requests=started.pull_requests, each_request=started.each_request
    )
    return _builds_every_push(own)


def _builds_every_push(own: Starts) -> bool:
    """Whether a request of the repository's own branch makes what a push of it has made.

    Where only some branches are built, no expression knows those: none sees the case.
    """
    everything = "**" in own.branches and not split(own.branches)[1]
    return own.pull_requests and not own.each_request and everything


class _Tests:
    """The condition of one image among several that other events start, ``union`` all of them."""

    def __init__(
        self, own: Starts, several: list[Starts], globs: Mapping[str, set[str]], union: Starts
    ) -> None:
        self.own = own
        self.several = several
        self.globs = globs
        self.union = union
        self.is_exact = True
        self.ignores_case = True

    def condition(self) -> JobCondition:
        if self.own == self.union:
            return JobCondition(_alone(self.own), not self.own.by_role, ignores_case=True)
        tests = [*self._pushes()]
        if self.own.pull_requests:
            request = "github.event_name == 'pull_request'"
            tests.append(f"{request} && {_FORK}" if _builds_every_push(self.own) else request)
            tests.append("github.event_name == 'merge_group'")
        if set(self.own.schedules) == set(self.union.schedules):
            tests += ["github.event_name == 'schedule'"] * bool(self.own.schedules)
        else:
            tests += [f"github.event.schedule == {_text(line)}" for line in self.own.schedules]
        if self.own.manual:
            tests.append("github.event_name == 'workflow_dispatch'")
        if self.own.pipelines:
            tests.append("github.event_name == 'repository_dispatch'")
        assert tests, "no condition would be every event"
        return JobCondition(any_of(tests), self.is_exact, self.ignores_case)

    def _pushes(self) -> Iterator[str]:
        """Pushes: other events are told apart by the ref, but for those that have a branch's."""
        refs = [*self._refs("branches"), *self._refs("tags")]
        if {"refs/heads/", "refs/tags/"} <= {_all_of(test) for test in refs}:
            yield "github.event_name == 'push'"
        elif refs and self.union._replace(branches=(), tags=(), by_role=False) != Starts():
            test = f"({any_of(refs)})" if len(refs) > 1 else refs[0]
            yield f"github.event_name == 'push' && {test}"
        else:
            yield from refs

    def _refs(self, kind: str) -> Iterator[str]:
        listed: tuple[str, ...] = getattr(self.own, kind)
        own, out = split(listed)
        others = self.globs[kind].difference(own)
        others |= {"**"} if kind == "branches" and self.union.by_role else set()
        if out and any(getattr(each, kind) not in ((), listed) for each in self.several):
            self.is_exact = self.ignores_case = False
        if kind == "branches" and self.own.by_role:
            self.is_exact = False
            yield DEFAULT_REF
        elif own and (not others or "**" in own):
            yield starting(FOLDERS[kind])
        else:
            for glob in own:
                test = ref_test(glob, FOLDERS[kind], others)
                self.is_exact &= test.is_exact
                self.ignores_case &= test.is_exact or test.ignores_case
                yield test.text


def _all_of(test: str) -> str:
    found = re.fullmatch(r"startsWith\(github\.ref, '(refs/(?:heads|tags)/)'\)", test)
    return found[1] if found else ""


def ref_test(glob: str, folder: str, others: set[str]) -> RefTest:
    """Whether a ref matches, of those that match this glob or any of the others.

    It is not exact where expressions cannot say it: they know how a text begins and ends, no more,
    and nothing of the case.
    """
    if is_literal(glob):
        alike = any(_may_be(other, glob) for other in others)
        return RefTest(f"github.ref == {_text(folder + glob)}", not alike, ignores_case=True)
    first, last = glob.index("*"), glob.rindex("*")
    prefix, suffix = glob[:first], glob[last + 1 :]
    passing = [other for other in others if _may_pass(other, prefix, suffix)]
    is_exact = not any(_may_differ(other, prefix, suffix) for other in passing)
    tests = [starting(folder + prefix)]
    if suffix:
        tests.append(f"endsWith(github.ref, {_text(suffix)})")
    middle = glob[first : last + 1]
    ignores_case = True
    if passing and (middle != "**" or (prefix and suffix)):
        if middle != "*" or "/" in prefix + suffix or (prefix and suffix):
            is_exact = ignores_case = False
        else:
            tests.append("!contains(github.ref_name, '/')")
    return RefTest(" && ".join(tests), is_exact, ignores_case)


def _may_be(other: str, name: str) -> bool:
    """Whether something that matches ``other`` is this name in another case."""
    if is_literal(other):
        return other.lower() == name.lower()
    return matches(other.lower(), name.lower()) and _may_differ(other, name, "")


def _may_pass(other: str, prefix: str, suffix: str) -> bool:
    """Whether something that matches ``other`` may begin and end so, in any case."""
    start, end, is_whole = _ends_in_any_case(other)
    prefix, suffix = prefix.lower(), suffix.lower()
    if is_whole:
        return start.startswith(prefix) and end.endswith(suffix)
    return (start.startswith(prefix) or prefix.startswith(start)) and (
        end.endswith(suffix) or suffix.endswith(end)
    )


@lru_cache(maxsize=1024)
def _ends_in_any_case(glob: str) -> tuple[str, str, bool]:
    """How what matches begins and ends, and whether each is all of it; many images ask often."""
    lower = glob.lower()
    return (lower, lower, True) if is_literal(lower) else (*_ends(lower), False)


def _may_differ(other: str, prefix: str, suffix: str) -> bool:
    """Whether something that matches ``other`` and begins and ends so does it in another case."""
    if is_literal(other):
        return not (other.startswith(prefix) and other.endswith(suffix))
    start, end = _ends(other)
    return _leaves_case(start, prefix) or _leaves_case(end[::-1], suffix[::-1])


def _leaves_case(known: str, text: str) -> bool:
    """Whether a text that begins with ``known`` may be another spelling of ``text``."""
    rest = text[len(known) :]
    return not text.startswith(known[: len(text)]) or rest.lower() != rest.upper()


def _ends(glob: str) -> tuple[str, str]:
    """How everything that matches begins and ends."""
    return glob[: glob.index("*")], glob[glob.rindex("*") + 1 :]


def starting(text: str) -> str:
    return f"startsWith(github.ref, {_text(text)})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def any_of(tests: list[str]) -> str:
    if len(tests) > 1:
        tests = [f"({test})" if " && " in test else test for test in tests]
    return " || ".join(tests)


def all_of(tests: Iterable[str]) -> str:
    """Those of the tests that ask something, together."""
    tests = [test for test in tests if test]
    if len(tests) > 1:
        tests = [f"({test})" if " || " in test else test for test in tests]
    return " && ".join(tests)
