"""A job stops for a registry that only a run knows, where the name of it is none."""

from __future__ import annotations

import pytest

import ci_kaniko
from ci_kaniko import rendering
from harness import expectation
from harness.events import DEFAULT_BRANCH
from harness.expectation import Run
from harness.runs import SHELLS, execute

LOGIN = 'registries: {"${env.MIRROR}": {username: a, password: TOKEN, pull: true}}\n'
PULLED = f"default_branch: main\npush: never\n{LOGIN}"
LISTED = (
    "default_branch: main\npush: never\ngithub: {form: reusable}\n"
    "inputs: {mirror: {options: [quay.io, ghcr.io]}}\n"
    f"{LOGIN.replace('env.MIRROR', 'input.mirror')}"
)
HOSTS = {
    "mirror.example.com:5000": True,
    "localhost": True,
    "docker.io": True,
    "acme": False,
    "hub.docker.com": False,
    "Quay.io": False,
    "a..io": False,
    "quay.io/acme": False,
    "": False,
}


@pytest.mark.parametrize(("number", "host"), [*enumerate(HOSTS)])
def test_a_host_that_is_only_pulled_from(number: int, host: str) -> None:
    rendered = rendering.render(ci_kaniko.loads(PULLED), "buildkite")
    wanted = Run(expectation.read(PULLED), "buildkite", DEFAULT_BRANCH)
    shell = SHELLS[number % len(SHELLS)]
    got = execute(wanted, rendered, shell, extra_env={"MIRROR": host})
    assert (got.calls == 1, not got.status) == (HOSTS[host], HOSTS[host]), got.stderr
    assert HOSTS[host] or "no registry to log in to has this env.MIRROR" in got.stderr


def test_a_host_of_a_list_is_checked_by_the_list() -> None:
    text = rendering.render(ci_kaniko.loads(LISTED), "github")
    assert "quay.io" in text
    assert "no registry to log in to" not in text
