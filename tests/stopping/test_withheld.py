"""A run that does not push does not hold what it could push with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.runners.buildkite import buildkite_commands, buildkite_pipeline
from ci_kaniko.rehearsing.triggers import Result, Step, buildkite_steps, github_steps, play
from harness.events import (
    DEFAULT_BRANCH,
    MERGE_GROUP,
    PIPELINE,
    PROGRAM,
    PULL_REQUEST,
    SCHEDULE,
    TAG,
    TARGET_OF_A_REQUEST,
)
from harness.execution import run
from harness.pipelines import looked

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

SECRET = "hunter2-of-the-registry"
SPEC = """
default_branch: main
destinations: ["quay.io/acme/shop:1"]
registries: {quay.io: {username: acme, password: QUAY_PASSWORD}}
"""
PIPELINES = "triggers: {pipelines: true}\n"
REQUESTED = [
    replace(event, name=f"{event.name}-of-a-request", branch="", pull_request="12")
    for event in (PIPELINE, PROGRAM)
]
STARTED = {
    "pipelines": PIPELINES,
    "pipelines and pushes": "triggers: {branches: [main], pipelines: true}\n",
    "all": "triggers: {branches: [main], pull_requests: true, manual: true, pipelines: true}\n",
    "platforms": f"platforms: [linux/amd64, linux/arm64]\n{PIPELINES}",
}
CALLED = "triggers: {branches: [main], pull_requests: true, pipelines: true}\n"
MANUAL = replace(PULL_REQUEST, name="request-started-again", source="manual")


def _steps(text: str, event: Event) -> dict[str, str]:
    """The steps that an event starts on Buildkite, each as it stands in the file."""
    document = buildkite_commands(buildkite_pipeline(text, event, {}))
    passed = {name: Result("passed") for name in document}
    started = [step.name for step in buildkite_steps(text, event) if step.starts(passed)]
    return {name: str(document[name]) for name in started}


@pytest.mark.parametrize("triggers", STARTED.values(), ids=STARTED)
@pytest.mark.parametrize("event", [PIPELINE, PROGRAM, *REQUESTED], ids=lambda event: event.name)
def test_what_starts_pipelines_may_be_a_request(triggers: str, event: Event) -> None:
    text = ci_kaniko.render(ci_kaniko.loads(f"{SPEC}{triggers}"), "buildkite")
    steps = _steps(text, event)
    assert steps
    holding = {name for name, step in steps.items() if "QUAY_PASSWORD" in step}
    assert holding == (set() if event.pull_request else steps.keys())


def test_a_request_that_is_started_again_is_built_without_them() -> None:
    text = ci_kaniko.render(ci_kaniko.loads(f"{SPEC}{STARTED['all']}"), "buildkite")
    (step,) = _steps(text, MANUAL).values()
    assert "QUAY_PASSWORD" not in step
    pushes = ci_kaniko.loads(f"{SPEC}triggers: {{branches: [main], manual: true}}\n")
    assert not _steps(ci_kaniko.render(pushes, "buildkite"), MANUAL)


@pytest.mark.parametrize("mode", ["docker", "container"])
@pytest.mark.parametrize(
    ("event", "pushes"),
    [
        (DEFAULT_BRANCH, True),
        (PROGRAM, True),
        (PULL_REQUEST, False),
        (MERGE_GROUP, False),
        (TARGET_OF_A_REQUEST, None),
        (replace(DEFAULT_BRANCH, name="release", source="release"), None),
        (SCHEDULE, None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_workflow_that_others_call(
    mode: str,
    event: Event,
    pushes: bool | None,  # noqa: FBT001
) -> None:
    """Whoever calls it may be started by anything; what nobody listed does not start the job."""
    section = f"{CALLED}github: {{form: reusable, mode: {mode}}}\n"
    text = ci_kaniko.render(ci_kaniko.loads(f"{SPEC}{section}"), "github")

    def perform(step: Step) -> Result:
        return looked(text, event) if step.name == "changes" else Result("passed")

    ended = play(github_steps(text, event), perform)
    assert (ended["image"].status == "passed") is (pushes is not None)
    if pushes is None:
        return
    got = run(Request("github", text, event, job="image", secrets={"QUAY_PASSWORD": SECRET}))
    assert (got.status, got.calls) == (0, 1)
    assert ("--no-push" in (got.argv or ())) is not pushes
    assert bool(got.config) is pushes
    assert (SECRET in str(got.env)) is (pushes and mode == "container")


WHENS = {
    "always": "always",
    "default-branch": "default-branch",
    "other-branch": "other-branch",
    "branches": {"branch": ["release-*", "main"]},
    "tags": {"tag": ["v**", "!v2.**"]},
    "schedule": "schedule",
    "version": "version",
    "several": ["manual", {"tag": "v*"}],
}


@pytest.mark.parametrize("default", ["default_branch: main\n", ""])
@pytest.mark.parametrize("when", WHENS)
def test_a_step_on_github_holds_what_it_pushes_with(when: str, default: str) -> None:
    """Exactly that where the executor could read it; no expression knows case or exclusions.

    Each event in one of the modes.
    """
    spec = {
        "destinations": [
            {"image": "quay.io/acme/shop:1", "when": WHENS[when]},
            {"image": "docker.io/acme/shop:1", "when": {"tag": "v1*"}},
        ],
        "registries": {
            "quay.io": {"username": "acme", "password": "QUAY_PASSWORD"},
            "docker.io": {"username": {"secret": "HUB_USER"}, "password": "HUB_PASSWORD"},
        },
        "triggers": {
            "branches": ["**"],
            "tags": ["**"],
            "pull_requests": True,
            "manual": True,
            "schedules": ["0 3 * * 1"],
        },
        "github": {"mode": "container" if default else "docker"},
    }
    text = ci_kaniko.render(ci_kaniko.loads(f"{default}{yaml.safe_dump(spec)}"), "github")
    workflow = yaml11.load(text)
    step = workflow["jobs"]["image"]["steps"][-1]
    step["run"] = 'echo "held:$QUAY_PASSWORD:$HUB_USER$HUB_PASSWORD:" >&2\n' + step["run"]
    text = yaml.safe_dump(workflow)
    secrets = {"QUAY_PASSWORD": "of-quay", "HUB_USER": "me", "HUB_PASSWORD": "of-hub"}
    turn = ([*WHENS].index(when) + bool(default)) % 2
    for event in HELD[turn::2]:
        got = run(Request("github", text, event, secrets=secrets))
        assert (got.status, got.calls) == (0, 1), got.stderr
        pushed = " ".join(got.argv or ())
        wanted = ["of-quay" * ("quay.io" in pushed), "meof-hub" * ("docker.io" in pushed)]
        held = got.stderr.partition("held:")[2].split(":")[:2]
        if spec["github"] == {"mode": "docker"} and event in UNTOLD:
            assert all(not one or one == other for one, other in zip(wanted, held, strict=True))
        else:
            assert held == wanted, event


def test_a_branch_that_is_spelled_like_the_default_branch_starts_nothing() -> None:
    """No expression sees the case, and without its name `on:` does not know the branch."""
    spec = "destinations: ['ghcr.io/acme/shop:1']\nplatforms: [linux/amd64, linux/arm64]\n"
    prepare = "prepare: {image: docker.io/library/golang:1.26, commands: make, artifacts: bin}\n"
    for mode, more in (("docker", prepare), ("container", "")):
        given = f"{spec}{more}github: {{mode: {mode}}}\n"
        text = ci_kaniko.render(ci_kaniko.loads(given), "github")
        for branch in ("main", "Main"):
            event = replace(DEFAULT_BRANCH, branch=branch)
            got = run(Request("github", text, event, job="image-amd64"))
            assert (got.status, got.calls) == (0, int(branch == "main")), got.stderr
            assert bool(got.outputs) is (branch == "main")
        (join,) = (step for step in github_steps(text, event) if step.name == "image")
        built = dict.fromkeys(("image-amd64", "image-arm64"), Result("passed"))
        assert not join.starts(built)


UNTOLD = (
    replace(DEFAULT_BRANCH, name="shouted", branch="Main"),
    replace(DEFAULT_BRANCH, name="shouted-release", branch="RELEASE-1"),
    replace(TAG, name="shouted-tag", tag="V1.2.3"),
    replace(TAG, name="excluded", tag="v2.0"),
)
HELD = (
    DEFAULT_BRANCH,
    replace(DEFAULT_BRANCH, name="release", branch="release-1"),
    replace(DEFAULT_BRANCH, name="deep", branch="release-1/2"),
    TAG,
    *UNTOLD,
    PULL_REQUEST,
    MERGE_GROUP,
    SCHEDULE,
    replace(PROGRAM, name="manual", source="manual", branch="main"),
)
