"""``if:`` of Buildkite's steps, in its own language."""

from __future__ import annotations

import re

from ci_kaniko.plan.model import Started
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.globs import is_literal, split, to_regex
from ci_kaniko.targets.shared import remote_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WEBHOOK = 'build.source == "webhook"'


def condition_of_any(several: Iterable[Started]) -> str:
    """``if:`` of a step that several others, or one alone, need."""
    listed = [*several]
    excludes = any(split(globs)[1] for each in listed for globs in (each.branches, each.tags))
    if excludes or len({each.repository for each in listed}) > 1:
        return _any(list(dict.fromkeys(map(condition, listed))))
    return condition(_together_of(listed))


def _together_of(several: list[Started]) -> Started:
    """The events of all of them together."""
    return Started(
        default_branch=any(started.default_branch for started in several),
        branches=_together(started.branches for started in several),
        tags=_together(started.tags for started in several),
        pull_requests=any(started.pull_requests for started in several),
        schedules=any(started.schedules for started in several),
        manual=any(started.manual for started in several),
        pipelines=any(started.pipelines for started in several),
        repository=several[0].repository,
    )


def _together(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    globs = tuple(dict.fromkeys(glob for globs in several for glob in globs))
    return ("**",) if "**" in globs else globs


def condition(started: Started) -> str:
    """``if:`` of a step."""
    tests = _event_tests(started)
    if not started.repository:
        return _any(tests)
    pattern = remote_pattern([started.repository], slash=r"\/")
    return f"pipeline.repository =~ /{pattern}/i && {_either(tests)}"


def _event_tests(started: Started) -> list[str]:
    """A push or a request comes by a webhook, and other sources have names."""
    hooks = _hook_tests(started)
    tests = [f"{_WEBHOOK} && {_either(hooks)}" if any(hooks) else _WEBHOOK] if hooks else []
    tests += ['build.source == "schedule"'] * started.schedules
    # A build that is started again stays that of its request.
    asked = {
        None: "" if started.pull_requests else " && build.pull_request.id == null",
        False: " && build.pull_request.id == null",
        True: " && build.pull_request.id != null",
    }[started.requests]
    tests += [f'build.source == "ui"{asked}'] * started.manual
    asked = asked if started.requests is not None else ""
    sources = ("trigger_job", "api")
    tests += [f'build.source == "{source}"{asked}' for source in sources] * started.pipelines
    assert tests, "no condition would be every build"
    return tests


def _hook_tests(started: Started) -> list[str]:
    """Which pushes and requests; an empty test is all of them."""
    if all("**" in globs and not split(globs)[1] for globs in (started.branches, started.tags)):
        return ["" if started.pull_requests else "build.pull_request.id == null"]
    tests = [*_branch_tests(started), *_tag_tests(started)]
    return tests + ["build.pull_request.id != null"] * started.pull_requests


def _either(tests: list[str]) -> str:
    return f"({_any(tests)})" if len(tests) > 1 else tests[0]


def _any(tests: list[str]) -> str:
    if len(tests) == 1:
        return tests[0]
    return " || ".join(f"({test})" if "&&" in test else test for test in tests)


def _branch_tests(started: Started) -> Iterator[str]:
    """In the build of a tag ``build.branch`` is the tag."""
    branches = ["build.branch == pipeline.default_branch"] if started.default_branch else []
    branches += _ref_tests("build.branch", started.branches)
    pushed = "build.pull_request.id == null && build.tag == null"
    if "" in branches:
        yield pushed
    elif branches:
        yield f"{pushed} && {_either(branches)}"


def _tag_tests(started: Started) -> Iterator[str]:
    for test in _ref_tests("build.tag", started.tags):
        yield test or "build.tag != null"


def _ref_tests(variable: str, globs: tuple[str, ...]) -> Iterator[str]:
    """A test for each pattern of a list, without what the list excludes; empty for all."""
    plain, out = split(globs)
    without = [_ref_test(variable, glob, negated=True) for glob in out]
    for glob in plain:
        # Without a tag there is none to match, so an exclusion alone would hold.
        everything = [f"{variable} != null"] if without and variable == "build.tag" else []
        test = everything if glob == "**" else [_ref_test(variable, glob)]
        yield " && ".join(test if is_literal(glob) else [*test, *without])


def _ref_test(variable: str, glob: str, *, negated: bool = False) -> str:
    """Buildkite replaces a ``$`` in double quotes, and an upload one after a backslash."""
    if is_literal(glob) and not re.search('["$]', glob):
        return f'{variable} {"!=" if negated else "=="} "{glob}"'
    pattern = to_regex(glob, slash=r"\/").replace(r"\$", "[$]")
    return f"{variable} {'!~' if negated else '=~'} /^{pattern}$/"
