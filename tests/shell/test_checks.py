"""A job stops for a registry that only a run knows, where the name of it is none."""

from __future__ import annotations

import subprocess

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.tests import Checks
from ci_kaniko.shell.words import Words
from ci_kaniko.targets.gitlab.dialect import DIALECT
from ci_kaniko.text.display import listed
from harness import expectation, tools
from harness.events import DEFAULT_BRANCH
from harness.expectation import Run
from harness.runs import SHELLS, execute

LOGIN = 'registries: {"${env.MIRROR}": {username: a, password: TOKEN, pull: true}}\n'
PULLED = f"default_branch: main\npush: never\n{LOGIN}"
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


@pytest.mark.parametrize("listed", [False, True])
def test_a_host_of_an_input_is_no_path(listed: bool) -> None:  # noqa: FBT001
    """Where callers choose one of a list, that is what is checked."""
    options = ", options: [quay.io]" if listed else ""
    spec = ci_kaniko.loads(
        "default_branch: main\npush: never\ngitlab: {form: include}\n"
        f"inputs: {{mirror: {{description: x{options}}}}}\n"
        + LOGIN.replace("env.MIRROR", "input.mirror")
    )
    plan = resolve(spec, "gitlab")
    draft = Draft(plan, DIALECT, DIALECT.site)
    lines = Checks(draft, Words(draft)).of_every_run()
    assert bool(lines) != listed
    for host, fits in HOSTS.items():
        done = subprocess.run(
            [*tools.shell(), "-c", "\n".join(["set -eu", *lines])],
            env={"PATH": "/usr/bin:/bin", "INPUT_MIRROR": host},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == (fits or listed), host
        assert "no host can be" not in done.stderr


@pytest.mark.parametrize(
    ("host", "given", "fits"),
    [
        ("${env.ZONE}.example.com", {"ZONE": "eu-1"}, True),
        ("reg.${env.ZONE}:${env.PORT}", {"ZONE": "example.com", "PORT": "5000"}, True),
        ("${env.ZONE}.${env.ZONE}.io", {"ZONE": ""}, False),
        ("${env.ZONE}.example.com", {"ZONE": "evil.io/a"}, False),
        ("${env.ZONE}.example.com", {"ZONE": "evil.io:80"}, False),
        ("${env.ZONE}.example.com", {"ZONE": "a@evil"}, False),
        ("reg.${env.ZONE}:5000", {"ZONE": "Example.com"}, False),
        ("${env.ZONE}.docker.io", {"ZONE": "registry-1"}, False),
        ("reg.example.com:${env.PORT}", {"PORT": "5000/a"}, False),
    ],
)
def test_a_host_with_variables_is_checked_as_a_whole(
    host: str, given: dict[str, str], *, fits: bool
) -> None:
    """Before anything is sent there, whatever the shell."""
    text = PULLED.replace("${env.MIRROR}", host)
    rendered = rendering.render(ci_kaniko.loads(text), "gitlab")
    wanted = Run(expectation.read(text), "gitlab", DEFAULT_BRANCH)
    shell = SHELLS[len(host + "".join(given.values())) % len(SHELLS)]
    got = execute(wanted, rendered, shell, extra_env=given)
    assert (got.calls == 1, not got.status) == (fits, fits), got.stderr
    told = f"no registry to log in to has this {listed(f'env.{name}' for name in given)}: "
    assert fits or told in got.stderr
