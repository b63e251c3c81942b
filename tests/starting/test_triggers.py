"""The same events start the job everywhere, and no commit is built twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import expressions, triggers
from ci_kaniko.rehearsing.triggers import NotUnderstood
from harness import expectation, starts
from harness.cases import CASES
from harness.events import (
    DEFAULT_BRANCH,
    FEATURE_BRANCH,
    FORK_PULL_REQUEST,
    PARENT_OF_A_REQUEST,
    PULL_REQUEST,
    TAG,
)
from harness.execution import steps_of
from harness.expectation import Run
from harness.runs import RENDERED, SHELLS, TARGETS, execute, read, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.rehearsing.events import Event

BRANCHES = (
    "main",
    "release/1.x",
    "release/1/2",
    "feature/Add-x_1.2",
    "fix+it",
    "it's\"$x",
    "ü",
    'a"b',
    "a'b",
    "a'b\"c",
)
TAGS = ("v1.2.3", "v1/2", "release/1", "x", "1.2+3")
PUSHES = (
    *(replace(FEATURE_BRANCH, branch=branch) for branch in BRANCHES),
    *(replace(TAG, tag=tag) for tag in TAGS),
)
REQUESTS = tuple(replace(PULL_REQUEST, source_branch=branch) for branch in BRANCHES)
FORKED = tuple(replace(FORK_PULL_REQUEST, source_branch=branch) for branch in BRANCHES)
TRIGGERS = {
    "absent": "",
    "branches": "triggers: {branches: [main, 'release/*', 'fix+it']}",
    "across": "triggers: {branches: ['release/**'], pull_requests: true}",
    "all-branches": "triggers: {branches: ['**'], pull_requests: true}",
    "flat-branches": "triggers: {branches: ['*'], pull_requests: true}",
    "awkward": "triggers: {branches: ['it''s\"$x', 'it''s*', 'ü'], pull_requests: true}",
    "dollar": "triggers: {branches: ['it''s\"$x', '*$x', 'a$'], tags: ['$*', 'v$*']}",
    "double-quote": 'triggers: {branches: [\'a"b\', "a\'b", "a\'b\\"c"]}',
    "tags": "triggers: {tags: ['v*', 'release/**', '1.2+3']}",
    "all-tags": "triggers: {tags: ['**']}",
    "requests": "triggers: {pull_requests: true}",
    "everything": "triggers: {branches: ['**'], tags: ['**'], pull_requests: true}",
    "mixed": "triggers: {branches: [main, '**/Add-*'], tags: ['v*.*.*'], pull_requests: true}",
}
DEFAULTS = {"known": "default_branch: main", "unknown": ""}
UNKNOWN_THERE = ("agola", "absent", "unknown")
STARTS = [(target, start) for target, start in starts.STARTS.items() if target in TARGETS]


def spec(trigger: str, default: str) -> str:
    return f"push: never\n{DEFAULTS[default]}\n{TRIGGERS[trigger]}\n"


@pytest.mark.parametrize(("target", "start"), STARTS, ids=[target for target, _ in STARTS])
@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_events(target: str, start: object, trigger: str, default: str) -> None:
    if (target, trigger, default) == UNKNOWN_THERE:
        with pytest.raises(ci_kaniko.SpecError, match="missing-default-branch"):
            rendering.render(ci_kaniko.loads(spec(trigger, default)), target)
        return
    text = rendering.render(ci_kaniko.loads(spec(trigger, default)), target)
    wanted = expectation.read(spec(trigger, default))
    assert callable(start)
    for event in (*PUSHES, *REQUESTS, *FORKED):
        expected = expectation.starts(wanted, event)
        started = start(text, event)
        if expected and expectation.built_by_a_push(wanted, event, target):
            # GitHub builds the merge, which the push did not; where it can tell, it leaves it.
            # Buildkite's own settings tell, Agola has no way to.
            assert not started or target != "gitlab", event
        else:
            assert started == expected, event


@pytest.mark.parametrize(("case", "target"), [pair for pair in RENDERED if pair[1] in dict(STARTS)])
def test_cases(case: str, target: str) -> None:
    for event in expectation.events(read(case)):
        expected = expectation.starts(read(case), event)
        if not expectation.built_by_a_push(read(case), event, target):
            assert starts.STARTS[target](render(case, target), event) == expected, event


@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_gitlab_has_one_pipeline_for_a_commit(trigger: str, default: str) -> None:
    """Of a branch with an open merge request, either the push is built or the request."""
    text = ci_kaniko.render(ci_kaniko.loads(spec(trigger, default)), "gitlab")
    wanted = expectation.read(spec(trigger, default))
    for branch in BRANCHES:
        push = replace(DEFAULT_BRANCH, branch=branch)
        request = replace(PULL_REQUEST, source_branch=branch)
        both = [starts.gitlab(text, event) for event in (push, request)]
        expected = [expectation.starts(wanted, event) for event in (push, request)]
        twice = expectation.pushes_of_the_default_branch_only(wanted) and all(expected)
        assert sum(both) == (2 if twice else any(expected)), branch


@pytest.mark.parametrize("trigger", [name for name in TRIGGERS if name != "tags"])
def test_gitlab_builds_a_fork_in_the_parent_project(trigger: str) -> None:
    """There no push of the fork's branch was ever built."""
    text = ci_kaniko.render(ci_kaniko.loads(spec(trigger, "unknown")), "gitlab")
    wanted = expectation.read(spec(trigger, "unknown"))
    for event in FORKED:
        assert starts.gitlab(text, event, in_parent=True) == expectation.starts(wanted, event)


@pytest.mark.parametrize("case", CASES)
def test_gitlab_and_github_agree(case: str) -> None:
    """Pushes start both or none; a request starts at least GitHub where it starts GitLab."""
    if not {(case, "gitlab"), (case, "github")} <= {*RENDERED}:
        return
    default = expectation.events(read(case))[0].default_branch
    for event in (replace(event, default_branch=default) for event in (*PUSHES, *REQUESTS)):
        on_gitlab = starts.gitlab(render(case, "gitlab"), event)
        on_github = starts.github(render(case, "github"), event)
        assert on_github or not on_gitlab
        assert on_github == on_gitlab or event.pull_request


@pytest.mark.parametrize(
    "text", ['$A == "a"b"', "$A =~ /a/b/", "$A =~ /a/g", "$A &&", "($A", "A == B", "!$A", "$A < 2"]
)
def test_what_gitlab_refuses_is_found(text: str) -> None:
    with pytest.raises(NotUnderstood):
        triggers.gitlab_holds(text, {"A": "a"})


def test_expressions() -> None:
    known = {"A": "release/1", "B": None, "C": "c"}
    for text, expected in {
        '$A == "release/1" && $C': True,
        "$B || $A =~ /^release\\/[^\\/]*$/": True,
        "$B == null && ($A == $C || $C != 'x')": True,
        "$B =~ /./": False,
        "$A =~ /^release$/": False,
    }.items():
        assert triggers.gitlab_holds(text, known) == expected, text
    context: expressions.Known = {
        "github.head_ref": "Fix/x",
        "github.event_name": "push",
        "github.none": "",
    }
    for text, expected in {
        "github.event_name == 'PUSH' && !startsWith(github.head_ref, 'release/')": True,
        "github.none || (github.event_name != 'push' && github.head_ref)": False,
        "startsWith(github.head_ref, 'fix/')": True,
    }.items():
        assert expressions.evaluate(text, context).truth == expected, text
    for pattern, ref, expected in (
        ("v*", "v1", True),
        ("v*", "v1/2", False),
        ("**", "a/b", True),
        (r"a\+b", "a+b", True),
        ("a+b", "aab", True),
    ):
        import re

        assert (re.fullmatch(triggers.github_filter(pattern), ref) is not None) == expected


# -- jobs that wait for one another -----------------------------------------------------------


def played(target: str, text: str, *failing: str) -> dict[str, str]:
    """How every job ends when some fail."""

    def perform(step: triggers.Step) -> triggers.Result:
        return triggers.Result("failed" if step.name in failing else "passed")

    found = steps_of(target, text, DEFAULT_BRANCH, {})
    return {name: result.status for name, result in triggers.play(found, perform).items()}


GITHUB = """
"on": {push: }
jobs:
  a: {if: "github.ref == 'refs/heads/main'", runs-on: x, steps: [&step {run: x}]}
  b: {if: "github.ref == 'refs/heads/other'", runs-on: x, steps: [*step]}
  c: {needs: [a, b], runs-on: x, steps: [*step]}
  d: {needs: [a, b], if: "${{ !failure() && !cancelled() }}", runs-on: x, steps: [*step]}
  e: {needs: d, runs-on: x, steps: [*step]}
  f: {needs: d, if: "always() && needs.d.result == 'success'", runs-on: x, steps: [*step]}
"""


def test_github_skips_what_waits_for_a_skipped_job_unless_it_asks() -> None:
    usual = {"a": "passed", "b": "skipped", "c": "skipped", "d": "passed"}
    assert played("github", GITHUB) == {**usual, "e": "skipped", "f": "passed"}
    failed = played("github", GITHUB, "a")
    assert failed["d"] == failed["f"] == "skipped"


def test_buildkite_waits_for_failed_steps_only() -> None:
    text = """
steps:
  - {key: a, command: x}
  - {key: b, command: x, if: build.tag != null}
  - {key: c, command: x, depends_on: [a, b]}
  - {key: d, command: x, depends_on: c}
"""
    assert played("buildkite", text) == {
        "a": "passed",
        "b": "skipped",
        "c": "passed",
        "d": "passed",
    }
    assert played("buildkite", text, "a")["d"] == "skipped"
    with pytest.raises(NotUnderstood, match="depends on a step"):
        played("buildkite", text.replace("depends_on: c", "depends_on: e"))


def agola_run(**tasks: str) -> str:
    listed = "".join(
        f"      - {{name: {name}, runtime: {{containers: [{{image: x}}]}}, {rest}}}\n"
        for name, rest in tasks.items()
    )
    return f"runs:\n  - name: run\n    tasks:\n{listed}"


def test_agola_has_conditions_for_parents_and_no_archive_of_a_skipped_one() -> None:
    save = "steps: [save_to_workspace: {contents: []}]"
    text = agola_run(
        a=f"{save}",
        b=f"{save}, when: {{tag: v1}}",
        c="depends: [a, b], steps: [run: x]",
        d="depends: [a, {task: b, conditions: [on_success, on_skipped]}], steps: [run: x]",
    )
    assert played("agola", text) == {"a": "passed", "b": "skipped", "c": "skipped", "d": "passed"}
    assert played("agola", text, "a")["d"] == "skipped"
    restoring = text.replace("steps: [run: x]", "steps: [restore_workspace: {dest_dir: .}]")
    with pytest.raises(NotUnderstood, match="archive of b"):
        played("agola", restoring)


def test_gitlab_makes_no_pipeline_without_what_a_job_needs() -> None:
    text = """
a: {script: [x], rules: [{if: $CI_COMMIT_TAG}]}
b: {script: [x], needs: [{job: a, optional: true}], rules: [{if: $CI_COMMIT_BRANCH}]}
c: {script: [x], needs: [b], rules: [{if: $CI_COMMIT_BRANCH}]}
"""
    assert played("gitlab", text) == {"b": "passed", "c": "passed"}
    assert played("gitlab", text, "b") == {"b": "failed", "c": "skipped"}
    with pytest.raises(NotUnderstood, match="needs a, which is not in it"):
        played("gitlab", text.replace(", optional: true", ""))


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("src/**/*", "src/a", True),
        ("src/**/*", "src/a/b/c", True),
        ("src/**/*", "srcs/a", False),
        ("src/**", "src/a", True),
        ("src/**", "src/a/b", False),
        ("**/go.mod", "go.mod", True),
        ("**/go.mod", "a/b/go.mod", True),
        ("**/*.go", "a/.x.go", True),
        ("*.go", "a/b.go", False),
        ("src/*/x", "src/a/x", True),
        ("a.b", "axb", False),
        ("a**/b", "a1/b", True),
    ],
)
def test_globs_of_changes(glob: str, path: str, expected: bool) -> None:  # noqa: FBT001
    """As Ruby's File.fnmatch with PATHNAME and DOTMATCH answers."""
    assert triggers.fnmatch(glob, path) == expected


def test_paths_are_asked_where_something_can_be_compared() -> None:
    spec = "triggers: {branches: ['**'], tags: ['**'], pull_requests: true, paths: ['src/**']}"
    text = ci_kaniko.render(ci_kaniko.loads(f"push: never\n{spec}\n"), "gitlab")
    for event, expected in (
        (replace(DEFAULT_BRANCH, changed=("src/a/b",)), True),
        (replace(DEFAULT_BRANCH, changed=("docs/a",)), False),
        (replace(DEFAULT_BRANCH, changed=("docs/a",), is_new=True), True),
        (replace(TAG, changed=("docs/a",)), True),
    ):
        assert starts.gitlab(text, event) == expected, event


# -- requests that make something of their own ------------------------------------------------

OWN_REQUESTS = {
    "a destination for requests": """
push: always
destinations:
  - {image: "ghcr.io/acme/shop:pr-${pull_request.number}", when: pull-request}
  - {image: "ghcr.io/acme/shop:${ref.slug}", when: {branch: "**"}}
""",
    "a tag that is another one in requests": """
push: always
destinations: ["ghcr.io/acme/shop:${ref.tag}"]
""",
    "a value that requests have": """
push: never
build_args: {NUMBER: "${pull_request.number:-none}"}
""",
}


@pytest.mark.parametrize("branches", ["[main, 'feature/*']", "['**']"])
@pytest.mark.parametrize("what", OWN_REQUESTS)
@pytest.mark.parametrize(("target", "start"), STARTS, ids=[target for target, _ in STARTS])
def test_no_push_stands_for_a_request_of_its_own(
    target: str, start: Callable[[str, Event], bool], what: str, branches: str
) -> None:
    text = (
        "default_branch: main\nregistries: {ghcr.io: anonymous}"
        f"{OWN_REQUESTS[what]}triggers: {{branches: {branches}, pull_requests: true}}\n"
    )
    rendered = rendering.render(ci_kaniko.loads(text), target)
    assert start(rendered, PULL_REQUEST)
    wanted = Run(expectation.read(text), target, PULL_REQUEST)
    done = execute(wanted, rendered, SHELLS[0])
    assert (done.status, done.calls) == (0, 1), done.stderr
    pushed = [a for a in done.argv or () if a.startswith("--destination=")]
    assert pushed == [f"--destination={image}" for image in expectation.images(wanted)]


@pytest.mark.parametrize("target", ["gitlab", "buildkite"])
def test_a_run_that_a_pipeline_starts_for_a_request_is_not_pushed(target: str) -> None:
    text = (
        "destinations: ['quay.io/acme/shop:${ref.slug}']\nregistries: {quay.io: anonymous}\n"
        "triggers: {branches: [main], pipelines: true}\n"
    )
    rendered = rendering.render(ci_kaniko.loads(text), target)
    wanted = Run(expectation.read(text), target, PARENT_OF_A_REQUEST)
    assert "--no-push" in (execute(wanted, rendered, SHELLS[0]).argv or ())
