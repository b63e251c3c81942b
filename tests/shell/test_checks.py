"""A job stops for a registry that only a run knows, where the name of it is none."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.values import Values, unfit_hosts, unfit_values
from ci_kaniko.shell.config import Config
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.secrets import Secrets
from ci_kaniko.shell.tests import Checks
from ci_kaniko.shell.words import Words
from ci_kaniko.targets.gitlab.dialect import DIALECT
from ci_kaniko.text.display import listed
from harness import expectation, tools
from harness.events import DEFAULT_BRANCH
from harness.expectation import Run
from harness.runs import SHELLS, execute

if TYPE_CHECKING:
    from ci_kaniko.syntax.variables import Parts

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


HUB = "https://index.docker.io/v1/"
NAMES = {
    "registry.example.com:5000/team/app": ("registry.example.com:5000", True),
    "localhost/app": ("localhost", True),
    "quay.io/a_b/c-d.e": ("quay.io", True),
    "docker.io/acme/app": (HUB, True),
    "acme/app": (HUB, True),
    "quay.io/acme/app:1.0": ("quay.io", False),
    "quay.io:443/acme/app:V_1": ("quay.io:443", False),
    **dict.fromkeys(
        (
            *("", "/", "app", "quay.io", "quay.io/", "/acme/app", "quay.io//app", "quay.io/.app"),
            *("quay.io/acme/", "Quay.io/app", "quay.io:x/app", "a@quay.io/app", "quay.io/a b"),
            *("quay.io/a:", "quay.io/a:1:2", "quay.io/a:1/b", "quay.io/a:.1", "quay.io/a@sha256"),
            *("hub.docker.com/acme/app", "-x/acme", "quay.io/-app", "quay.io/$(id)", "a,b/c"),
        ),
        ("", None),
    ),
}
"""What a variable holds, where that logs in, and whether a tag may be beside it; None for none."""


def _valued(known: Values, piece: Parts) -> Parts:
    return (known.reference(piece),) if piece else ()


@pytest.mark.parametrize("image", ["${env.NAME}", "${env.NAME}:1.0", "${env.NAME:-ghcr.io/a/b}"])
def test_an_image_in_a_variable_is_checked_as_a_whole(image: str) -> None:
    """As it is where a file gets its value: a login goes where the image is pushed to."""
    entry = image.removesuffix(":1.0")
    spec = ci_kaniko.loads(
        f'destinations: ["{image}"]\nregistries: {{"{entry}": {{username: a, password: TOKEN}}}}\n'
    )
    plan = resolve(spec, "gitlab")
    draft = Draft(plan, DIALECT, DIALECT.site)
    words = Words(draft)
    config = Config(draft, words, Secrets(draft), {}, is_single=True)
    key = config.key(plan.logins[0])
    lines = Checks(draft, words).of_pushes(plan.pushes)
    lines = [line for each in draft.definitions for line in each] + lines
    script = [
        *("set -eu", 'for NAME do (export NAME="${NAME#:}"'),
        *lines,
        f"printf '%s %s\\n' {key} {words.text(plan.pushes[0].reference.parts, is_reference=True)}",
        ") || echo none; done",
    ]
    for shell in SHELLS:
        command = [
            *tools.shell(shell),
            "-c",
            "\n".join(script),
            "sh",
            *(f":{name}" for name in NAMES),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        got = done.stdout.splitlines()
        for name, line in zip(NAMES, got, strict=True):
            pushed = name or ("ghcr.io/a/b" if ":-" in image else "")
            host, alone = NAMES.get(pushed, ("ghcr.io", True))
            fits = alone is not None and (alone or ":1.0" not in image)
            pushed += ":1.0" if image.endswith(":1.0") else ""
            assert line == (f"{host} {pushed}" if fits else "none"), (shell, name, done.stderr)
            known = Values({"env.NAME": name}, None)
            reference = plan.pushes[0].reference
            unfit = [*unfit_hosts(reference.registry, known), *unfit_values(reference, known)]
            lacks = bool(known.missing)
            assert bool(unfit or lacks) != fits, (name, unfit)
            if fits:
                bound = reference.replaced(partial(_valued, known))
                assert bound.home == host.replace(HUB, "docker.io"), name
                assert str(bound).removeprefix("docker.io/") == pushed.removeprefix("docker.io/")
