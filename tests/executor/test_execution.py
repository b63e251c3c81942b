"""The rendered jobs are run: what reaches the executor is what the spec asks for, everywhere."""

from __future__ import annotations

import functools
import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import kubelet, yaml11
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rendering import render as text_for
from harness import expectation, expected_logins, tools
from harness.cases import CASES
from harness.checks import (
    FOREIGN,
    check,
    common,
    encoded,
)
from harness.events import DEFAULT_BRANCH, EVENTS, OTHER_EVENTS
from harness.execution import run
from harness.expectation import HUB, Run
from harness.runs import (
    RENDERED,
    SHELLS,
    TARGETS,
    execute,
    in_parallel,
    read,
    refused,
    render,
    rendering,
    started,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded

RUN_BY_A_SHELL = tuple(target for target in TARGETS if target != "kubernetes")
NATIVE = {"github": "bash"}
"""Whose shell runs a target's script; busybox where nothing is said."""


def own_shell(target: str) -> str:
    return tools.serving(NATIVE.get(target, "busybox"))


def shells_for(event: Event, case: str, target: str) -> tuple[str, ...]:
    """The shell of the target; where most branches are taken, one that no target has, in turn."""
    own = own_shell(target)
    if event.name != DEFAULT_BRANCH.name:
        return (own,)
    scripted = [
        name
        for name in TARGETS
        if refused(case, name) is None
        and (name != "kubernetes" or "set -eu" in render(case, name, event))
    ]
    if target not in scripted:
        return (own,)
    left = [shell for shell in SHELLS if shell not in map(own_shell, scripted)]
    turn = (scripted.index(target) + CASES.index(case)) % len(scripted)
    return (own, *left[turn :: len(scripted)])


def test_every_shell_runs_every_script() -> None:
    """On some target; that of a manifest without a script has none to run."""
    for case in CASES:
        targets = [target for target in TARGETS if (case, target) in RENDERED]
        found = [turn for target in targets for turn in turns(case, target)]
        shells = {turn.shell for turn in found if turn.event.name == DEFAULT_BRANCH.name}
        assert not shells or shells == {*SHELLS}, case


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_what_reaches_the_executor(case: str, target: str) -> None:
    """The job ends with the executor's status; what its environment holds already is not used."""

    def job(turn: Turn) -> None:
        wanted = Run(read(case), target, turn.event)
        check(ran(case, target, turn), wanted, status=turn.status)

    in_parallel(functools.partial(job, turn) for turn in turns(case, target))


class Turn(NamedTuple):
    """A run of a case: with a status of its own the build fails, in a foreign environment."""

    event: Event
    shell: str
    status: int = 0


@functools.cache
def turns(case: str, target: str) -> list[Turn]:
    """Every event in its shells; one that has its secrets fails, the only one on a target."""
    found = [
        Turn(event, shell)
        for event in events_for(case, target)
        for shell in shells_for(event, case, target)
    ]
    number = CASES.index(case) + TARGETS.index(target)
    own = [turn for turn in found if not turn.event.fork]
    failing = own[number % len(own)]
    if len(own) == 1 and number % len(TARGETS):
        return found
    kept = [turn for turn in found if turn != failing or len(own) == 1]
    return [*kept, failing._replace(status=(7, 42)[number % 2])]


@functools.cache
def ran(case: str, target: str, turn: Turn) -> Recorded:
    wanted = Run(read(case), target, turn.event)
    text = render(case, target, turn.event)
    extra = foreign(wanted) if turn.status and target in RUN_BY_A_SHELL else {}
    return execute(wanted, text, turn.shell, status=turn.status, extra_env=extra)


def foreign(wanted: Run) -> dict[str, str]:
    """What somebody else may have left in the environment of a job."""
    auth = {"auth": encoded("somebody:else")}
    auths = {login.host: auth for login in expected_logins.all_logins(wanted).values()}
    auths |= {"https://index.docker.io/v1/": auth} if HUB in auths else {}
    clouds = dict.fromkeys(
        (
            *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
            *("AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"),
        ),
        FOREIGN,
    )
    if wanted.target == "github":
        clouds = {}  # its variables reach a job one by one, and nobody else's does
    return {"KANIKO_NO_PUSH": "true", "DOCKER_AUTH_CONFIG": json.dumps({"auths": auths}), **clouds}


@functools.cache
def events_for(case: str, target: str) -> list[Event]:
    """The first event, which mostly is a push to the default branch, on each target.

    Every other one on one of those that could run it, in turn.
    """
    return [
        event
        for number, event in enumerate(started(case))
        if not number or target == runner(case, event, number)
    ]


@functools.cache
def runner(case: str, event: Event, number: int) -> str | None:
    """The target, of those that could, that runs an event of a case."""
    able = [
        target
        for target in TARGETS
        if (case, target) in RENDERED and (not event.fork or is_fed(case, target, event))
    ]
    return able[(CASES.index(case) + 2 * number) % len(able)] if able else None


def is_fed(case: str, target: str, event: Event) -> bool:
    """Whether a run of the repository itself gets secrets: without any, that of a fork is alike."""
    fed = expected_logins.fed(Run(read(case), target, event))
    return bool(fed.secrets or fed.docker_configs)


def test_every_event_is_run() -> None:
    """On some target, for each case in which it starts the job."""
    for case in CASES:
        targets = [target for target in TARGETS if (case, target) in RENDERED]
        wanted = {
            event
            for event in started(case)
            for target in targets
            if not event.fork or is_fed(case, target, event)
        }
        ran = {event for target in targets for event in events_for(case, target)}
        assert wanted <= ran, case


@pytest.mark.parametrize("case", CASES)
def test_the_same_arguments_everywhere(case: str) -> None:
    """Law 1: what was recorded is compared, after the words that each platform has for itself."""
    targets = [target for target in TARGETS if refused(case, target) is None]
    found = [(target, turn) for target in targets for turn in turns(case, target)]
    for event in started(case):
        runs = [ran(case, target, turn) for target, turn in found if turn.event == event]
        lists = {
            common(got, Run(read(case), got.target, event)): got.target for got in runs if got.calls
        }
        assert len(lists) <= 1, lists


def test_gitlab_takes_a_ready_config_as_text_too() -> None:
    wanted = Run(read("docker-config"), "gitlab", DEFAULT_BRANCH)
    fed = expected_logins.fed(wanted)
    as_text = expected_logins.Fed({**fed.secrets, **fed.docker_configs}, {})
    for shell in SHELLS:
        got = execute(wanted, render("docker-config", "gitlab"), shell, fed=as_text)
        check(got, wanted)


@pytest.mark.parametrize("target", RUN_BY_A_SHELL)
@pytest.mark.parametrize("event", OTHER_EVENTS, ids=lambda event: event.name)
def test_scheduled_and_manual_runs(target: str, event: Event) -> None:
    spec = (
        "default_branch: main\n"
        "destinations:\n"
        f"  - {{image: 'quay.io/acme/shop:it', when: {event.source}}}\n"
        "  - {image: 'quay.io/acme/shop:main', when: default-branch}\n"
        "registries: {quay.io: {username: acme, password: QUAY_PASSWORD}}\n"
        "triggers: {branches: [main], schedules: ['0 3 * * 1'], manual: true}\n"
    )
    text = rendering(ci_kaniko.loads(spec), target, event)
    if isinstance(text, ci_kaniko.SpecError):
        rules = {problem.rule for problem in text.problems}
        assert rules == {"impossible-condition", "impossible-trigger"}
        return
    for actual in (event, DEFAULT_BRANCH):
        wanted = Run(expectation.read(spec), target, actual)
        for shell in SHELLS:
            check(execute(wanted, text, shell), wanted)


FAKE_GIT = """#!/bin/sh
printf '%s\\0' "$@" >>"$LOG"
printf '\\n' >>"$LOG"
"""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_a_clone_is_this_repository_at_this_commit(event: Event, tmp_path: Path) -> None:
    document = yaml11.load(render("kubernetes-clone", "kubernetes", event))
    (container,) = document["spec"]["initContainers"]
    store = {"ci-kaniko": {"GIT_TOKEN": expected_logins.secret("GIT_TOKEN")}}
    env = kubelet.environment(container, store)
    script = kubelet.expand(container["args"][0], env)
    (tmp_path / "git").write_text(FAKE_GIT)
    (tmp_path / "git").chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    done = subprocess.run(
        [*tools.shell(), "-c", script], env={**env, **path}, capture_output=True, check=True
    )
    calls = [line.split("\0")[:-1] for line in (tmp_path / "log").read_text().splitlines()]
    made, _, fetched, taken, submodules = calls
    url = f"{event.server}/{event.repository}.git"
    assert made[-1] == "/workspace"
    assert fetched[-2:] == [url, event.ref.replace("merge", "head")]
    assert taken[-1] == event.sha
    for call in (fetched, submodules):
        helper = call[call.index("-c") + 1]
        assert helper.startswith(f"credential.https://{url.split('/')[2]}.helper=")
    assert container["volumeMounts"][0]["mountPath"] == made[-1]
    for text in (str(calls), done.stdout.decode(), done.stderr.decode()):
        assert env["GIT_PASSWORD"] not in text


@pytest.mark.parametrize("target", ["gitlab", "buildkite", "agola", "github"])
def test_the_files_of_the_context_have_the_same_modes(target: str) -> None:
    """`COPY` takes them over, and GitLab's runner lets everybody write them."""
    spec = "default_branch: main\npush: never\n"
    text = text_for(ci_kaniko.loads(spec), target)
    for shell in SHELLS:
        got = run(
            Request(
                target, text, DEFAULT_BRANCH, shell=shell, files={"src/main": "", "Dockerfile": ""}
            )
        )
        assert {path: file.mode for path, file in got.context.items()} == {
            "src/main": 0o644,
            "Dockerfile": 0o644,
        }
        assert got.umask == 0o022


LONG = "feature/" + "x" * 150
CUT: dict[str, tuple[str, int, str]] = {
    "ci-${ref.tag}": ("ci-", 125, ""),
    "${ref.tag}-${env.CHANNEL}": ("", 117, "-stable_1.2"),
    "${commit.short}-${ref.tag:-x}-${env.CI_KANIKO_UNSET:-it}.1": ("12345e67-", 114, "-it.1"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("branch", [LONG, "main"], ids=["long", "short"])
def test_a_branch_is_cut_to_what_its_tag_leaves(target: str, branch: str) -> None:
    """A tag has 128 characters at most, and none of those beside the branch is lost."""
    event = replace(DEFAULT_BRANCH, branch=branch, default_branch=branch)
    spec = (
        f"default_branch: {branch}\n"
        f"destinations: {[f'quay.io/acme/shop:{tag}' for tag in CUT]}\n"
        "registries: {quay.io: anonymous}\n"
        "labels: {ref: '${ref.tag}'}\n"
    )
    text = rendering(ci_kaniko.loads(spec), target, event)
    assert isinstance(text, str)
    ref = branch.replace("/", "-")
    tags = [f"{before}{ref[:left]}{after}" for before, left, after in CUT.values()]
    for shell in SHELLS:
        argv = execute(Run(expectation.read(spec), target, event), text, shell).argv or ()
        pushed = [word for word in argv if word.startswith("--destination=")]
        assert pushed == [f"--destination=quay.io/acme/shop:{tag}" for tag in tags]
        assert f"--label=ref={ref[:128]}" in argv
