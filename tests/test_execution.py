"""The rendered jobs are run: what reaches the executor is what the spec asks for, everywhere."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from support import expectation
from support.cases import CASES
from support.events import (
    DEFAULT_BRANCH,
    EVENTS,
    FORK_PULL_REQUEST,
    OTHER_EVENTS,
    PULL_REQUEST,
    TAG,
    Event,
)
from support.execution import Recorded, lookup, normalise
from support.expectation import HUB, Run
from support.runs import RENDERED, SHELLS, TARGETS, execute, read, recorded, refused, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WHERE = {
    "gitlab": "Settings > CI/CD > Variables",
    "github": "Settings > Secrets and variables > Actions",
    "kubernetes": "Secret ci-kaniko",
}
RUN_BY_A_SHELL = tuple(target for target in TARGETS if target != "kubernetes")
EVERY_SHELL = (DEFAULT_BRANCH, TAG)


def in_parallel(jobs: Iterable[Callable[[], None]]) -> None:
    """Two runs at a time; the first failure is raised."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def shells_for(event: Event, case: str) -> tuple[str, ...]:
    """All shells for the events that take most branches, another one each for the others."""
    if event in EVERY_SHELL:
        return SHELLS
    return (SHELLS[(EVENTS.index(event) + CASES.index(case)) % len(SHELLS)],)


def stopped(got: Recorded, names: Iterable[str]) -> None:
    assert got.status != 0
    assert got.argv is None
    assert any(name in got.stderr for name in names), got.stderr


def reached(got: Recorded, wanted: Run) -> None:
    """Exactly one call of the executor, with what the spec asks for."""
    assert (got.status, got.calls) == (0, 1), got.stderr
    assert normalise(got) == expectation.arguments(wanted)
    assert [a for a in got.argv or () if a.startswith("--git=")] == expectation.git_arguments(
        wanted.spec
    )
    assert got.image == expectation.image(wanted, shell=runs_in_debug_image(got))
    assert got.umask == 0o022
    assert got.env["container"] == {"kubernetes": "kube", "github": "docker"}.get(
        got.target, got.env.get("container")
    ) if got.target in ("github", "kubernetes") else True
    assert "KANIKO_NO_PUSH" not in got.env


def runs_in_debug_image(got: Recorded) -> bool:
    if got.target == "kubernetes":
        return got.command[0] != "/kaniko/executor" or "-debug" in got.image
    return got.target != "github"


def logged_in(got: Recorded, wanted: Run) -> None:
    """Every host that is needed has the login that was fed, no other host has one."""
    needed = expectation.logins(wanted)
    for name in expectation.all_logins(wanted):
        login = needed.get(name)
        expected = (login.user, login.password) if login else None
        assert lookup(got, name) == expected, name
    assert lookup(got, "other.example.com") is None
    git = expectation.git_login(wanted)
    if git:
        assert (got.env["GIT_USERNAME"], got.env["GIT_PASSWORD"]) == git[:2]
    if not needed:
        assert got.config_text is None
    written = got.config_text is not None and not any(m.read_only and m.target.startswith(
        "/kaniko/.docker") and m.source.startswith("secret:") for m in got.mounts)
    assert got.config_mode == 0o600 or not written


def kept_secret(got: Recorded, wanted: Run) -> None:
    """No password, nor its base64, anywhere but in the login's own place."""
    texts = {
        "arguments": "\0".join(got.command),
        "stdout": got.stdout,
        "stderr": got.stderr,
        **{path: data.decode("utf-8", "replace") for path, data in left_behind(got).items()},
    }
    if got.target == "github":
        own = ("DOCKER_AUTH_CONFIG", "GIT_PASSWORD")
        texts["env"] = "\0".join(value for name, value in got.env.items() if name not in own)
    for secret in all_secrets(wanted):
        for place, text in texts.items():
            assert secret not in text, place


def all_secrets(wanted: Run) -> set[str]:
    """Every secret text, and how it looks when it is encoded."""
    found = {"ghs-harness", "glcbt-job"}
    for login in expectation.all_logins(wanted).values():
        pair = f"{login.user}:{login.password}"
        found |= {login.password, encoded(login.password), encoded(pair)}
    git = expectation.git_login(wanted)
    return found | ({git[1], encoded(git[1])} if git else set())


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def left_behind(got: Recorded) -> dict[str, bytes]:
    """Files that are still there, config.json in the container's own file system aside."""
    container = "/kaniko/.docker/config.json"
    return {
        path: data
        for path, data in got.files.items()
        if path != container or got.target == "github"
    }


def cleaned_up(got: Recorded, wanted: Run) -> None:
    outputs = {path.rpartition("/")[2] for path in expectation.output_files(wanted.spec)}
    assert {path.rpartition("/")[2] for path in left_behind(got)} <= outputs


def check(got: Recorded, wanted: Run) -> None:
    needed = expectation.secrets_needed(wanted)
    if wanted.event.fork and needed and got.target != "never":
        stopped(got, needed)
    else:
        reached(got, wanted)
        logged_in(got, wanted)
    kept_secret(got, wanted)
    cleaned_up(got, wanted)


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_what_reaches_the_executor(case: str, target: str) -> None:
    def job(event: Event, shell: str) -> None:
        check(recorded(case, target, event, shell), Run(read(case), target, event))

    in_parallel(
        lambda event=event, shell=shell: job(event, shell)
        for event in EVENTS
        for shell in shells_for(event, case)
    )
