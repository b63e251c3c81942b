"""When GitLab's jobs run: ``rules:``."""

from __future__ import annotations

from functools import lru_cache

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.globs import any_matches, is_literal, split, to_regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan, Started
    from ci_kaniko.spec.build import Build

_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
_PUSH = '$CI_PIPELINE_SOURCE == "push"'
_PIPELINES = "$CI_PIPELINE_SOURCE =~ /^(api|parent_pipeline|pipeline|trigger)$/"


class Rule(NamedTuple):
    """One entry of ``rules:``; ``changes`` are the only files that count."""

    test: str
    when: str = ""
    why: str = ""
    changes: tuple[str, ...] = ()
    interruptible: bool = False


def rules(build: Build, *jobs: Started) -> list[Rule]:
    """What starts a job that some jobs, or it alone, need.

    A branch that a push builds is not built again for its request, and a request's newer pipeline
    cancels the older one. A child's parent says what starts it, and the child sees only which ref
    or request that is for.
    """
    section = build.gitlab
    cancels = section.interruptible is None
    return _rules(section.form == "child", cancels, build.default_branch, jobs)


@lru_cache(maxsize=64)
def _rules(
    child: bool,  # noqa: FBT001 - what is remembered has no names
    cancels: bool,  # noqa: FBT001
    default_branch: str | None,
    jobs: tuple[Started, ...],
) -> list[Rule]:
    request = "$CI_MERGE_REQUEST_IID" if child else _REQUEST
    pushed = "" if child else f"{_PUSH} && "
    requested = [started for started in jobs if started.pull_requests]
    found: dict[Rule, None] = {}
    differs = len({started.repository for started in jobs}) > 1
    if not differs and jobs[0].repository:
        found[Rule(_repository_test(jobs[0], "!~"), "never")] = None
    if requested:
        if (built := _built_by_pushes(requested, default_branch)) is not None:
            own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
            why = "the push to that branch has built it already"
            found[Rule(" && ".join([request, own, *built]), "never", why)] = None
        for each in requested:
            test = f"{request}{_there(each, differs=differs)}"
            found[Rule(test, changes=_changes(each), interruptible=cancels)] = None
    for started in jobs:
        there = _there(started, differs=differs)
        for test in _branch_tests(started, "$CI_COMMIT_BRANCH"):
            found[Rule(f"{pushed}{test}{there}", changes=_changes(started))] = None
        for test in _ref_tests("$CI_COMMIT_TAG", started.tags):
            found[Rule(f"{pushed}{test}{there}")] = None
    for started in jobs:
        there = _there(started, differs=differs)
        if started.schedules:
            found[Rule(f'$CI_PIPELINE_SOURCE == "schedule"{there}')] = None
        if started.manual:
            found[Rule(f'$CI_PIPELINE_SOURCE == "web"{there}')] = None
        if started.pipelines:
            found[Rule(f"{_PIPELINES}{there}")] = None
    assert found, "no rules would be every pipeline"
    return list(found)


def _there(started: Started, *, differs: bool) -> str:
    """What a rule asks when the jobs that need this one are for different repositories."""
    return f" && {_repository_test(started, '=~')}" if differs and started.repository else ""


def _repository_test(started: Started, operator: str) -> str:
    """GitLab finds a project in any case, and its path is written as somebody once did."""
    path = to_regex(started.repository, slash=r"\/")
    return f"$CI_PROJECT_PATH {operator} /^{path}$/i"


def _changes(started: Started) -> tuple[str, ...]:
    return tuple(changed_glob(glob) or glob for glob in started.paths)


def built_before(plan: Plan, source: str, _: object) -> bool:
    """Whether the run of a request is left out because the push to its branch makes the same.

    The request of a fork runs in the fork's project, as the push does.
    """
    started, default = plan.started, plan.spec.default_branch
    if {*started.branches} <= {default} or started.each_request:
        return False
    return any_matches(started.branches, source)


def _built_by_pushes(requested: list[Started], default: str | None) -> list[str] | None:
    """Tests that the source of a request is built by pushes, for every job; None when never.

    The default branch is where requests go, not where they come from.
    """
    source = "$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"
    tests: dict[str, None] = {}
    for started in requested:
        built = list(_branch_tests(started, source))
        if {*started.branches} <= {default} or started.each_request:
            return None
        built = [f"({test})" if len(built) > 1 and " && " in test else test for test in built]
        if source not in built:
            tests[f"({' || '.join(built)})" if len(built) > 1 else built[0]] = None
    return list(tests)


def _branch_tests(started: Started, variable: str) -> Iterator[str]:
    if started.default_branch:
        yield f"{variable} == $CI_DEFAULT_BRANCH"
    yield from _ref_tests(variable, started.branches)


def _ref_tests(variable: str, globs: tuple[str, ...]) -> Iterator[str]:
    """A test for each pattern of a list, without what the list excludes."""
    plain, out = split(globs)
    without = "".join(f" && {_ref_test(variable, glob, negated=True)}" for glob in out)
    for glob in plain:
        test = variable if glob == "**" else _ref_test(variable, glob)
        yield test if is_literal(glob) else f"{test}{without}"


def _ref_test(variable: str, glob: str, *, negated: bool = False) -> str:
    if is_literal(glob) and '"' not in glob:
        return f'{variable} {"!=" if negated else "=="} "{glob}"'
    pattern = to_regex(glob, slash=r"\/")
    return f"{variable} {'!~' if negated else '=~'} /^{pattern}$/"


def changed_glob(glob: str) -> str | None:
    """A glob of ``changes:``, where ``**`` crosses folders only before a slash."""
    segments = glob.split("/")
    if segments[0].startswith("**") and len(segments[0]) > 2 and "**" not in segments[0][2:]:
        segments[:1] = ["**", f"*{segments[0][2:]}"]
    if any("**" in segment and segment != "**" for segment in segments):
        return None
    if segments[-1] == "**":
        segments.append("*")
    return "/".join(segments)
