"""A script has the conditions of a spec: in a shell they hold where they hold in Python."""

from __future__ import annotations

import subprocess
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.values import Values
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.shell import tests as asking
from ci_kaniko.shell.dialect import Cell
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.words import Words
from ci_kaniko.syntax.conditions import holds, parse_when
from harness import expectation, tools
from harness.checks import check
from harness.dialects import Telling
from harness.events import DEFAULT_BRANCH, FEATURE_BRANCH, TAG
from harness.expectation import Run
from harness.runs import SHELLS, execute

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

NAMES = {
    "branch": "BRANCH",
    "tag": "TAG",
    "pull_request.number": "REQUEST",
    "default_branch": "DEFAULT",
}
EVENTS: list[dict[str, str]] = [
    {"branch": "main"},
    {"branch": "feature/x"},
    {"branch": "feature/wip-x"},
    {"tag": "v1.2.3"},
    {"tag": "v1.2.3-rc.1"},
    {"tag": "nightly"},
    {"pull_request.number": "7"},
]
CONDITIONS = [
    *("default-branch", "other-branch", "release", "version", "pull-request"),
    *({"branch": "feature/**"}, {"branch": "main"}, {"tag": "v*"}),
    {"branch": ["feature/**", "!feature/wip-*"]},
    {"tag": ["v*", "nightly"]},
]
BOTH = {"tag": ["v*", "!v*-*"]}
"""Two tests: what stands before it must not become a part of it."""
ASKED = [[one] for one in [*CONDITIONS, BOTH]]
ASKED += [[*pair] for pair in permutations(("other-branch", "version", BOTH), 2)]
ASKED += [["default-branch", {"branch": ["**", "!main"]}], ["pull-request", "version", BOTH]]


@pytest.mark.parametrize("shell", tools.shells())
def test_conditions_hold_in_a_shell_where_they_hold_in_python(shell: str) -> None:
    spec = ci_kaniko.loads(
        "push: never\ntriggers: {branches: ['**'], tags: ['**'], pull_requests: true}\n"
    )
    cells = {name: Cell(env, may_be_unset=True) for name, env in NAMES.items()}
    dialect = Telling(cells)
    draft = Draft(resolve(spec, "gitlab"), dialect, dialect.site)
    tests = asking.Tests(Words(draft), {"pull-request": '[ -n "${REQUEST:-}" ]'})
    wanted = [parse_when(asked) for asked in ASKED]
    lines = [
        line
        for number, any_of in enumerate(wanted)
        for line in tests.when(any_of, [f"echo {number}"])
    ]
    defined = [line for define in draft.definitions for line in define]
    for given in EVENTS:
        known = {**given, "default_branch": "main"}
        done = subprocess.run(
            [*tools.shell(shell), "-s"],
            input="\n".join(["set -eu", *defined, *lines]),
            env={
                "PATH": "/usr/bin:/bin",
                **{NAMES[name]: text for name, text in known.items()},
            },
            capture_output=True,
            text=True,
            check=True,
        )
        event = Values(given, "main").event
        found = [number for number, any_of in enumerate(wanted) if holds(any_of, event)]
        assert [ASKED[int(line)] for line in done.stdout.split()] == [
            ASKED[number] for number in found
        ], known


SOME = """\
default_branch: main
destinations:
  - {image: "ghcr.io/acme/shop:edge", when: default-branch}
  - {image: "quay.io/acme/shop:edge", when: default-branch}
  - {image: "ghcr.io/acme/shop:${tag}", when: {tag: "v*"}}
  - {image: "quay.io/acme/shop:${tag}", when: {tag: "v*"}}
  - {image: "mirror.example.com/acme/shop:1", when: {branch: "feature/**"}}
registries:
  ghcr.io: {username: a, password: A_TOKEN}
  quay.io: {username: b, password: B_TOKEN}
  mirror.example.com: {username: c, password: C_TOKEN}
triggers: {branches: ["**"], tags: ["**"], pull_requests: true}
"""


@pytest.mark.parametrize("event", [DEFAULT_BRANCH, TAG, FEATURE_BRANCH])
def test_a_run_logs_in_to_each_host_that_it_pushes_to(event: Event) -> None:
    wanted = Run(expectation.read(SOME), "buildkite", event)
    text = rendering.render(ci_kaniko.loads(SOME), "buildkite")
    check(execute(wanted, text, SHELLS[0]), wanted, status=0)


@pytest.mark.parametrize("shell", tools.shells())
@pytest.mark.parametrize("builder", ["buildah", "buildkit", "kaniko"])
@pytest.mark.parametrize("push", ["push: always", "push: auto"])
def test_a_shell_can_read_what_pushes_only_sometimes(push: str, builder: str, shell: str) -> None:
    for when in ("", "  - {image: 'quay.io/acme/shop:1'}\n"):
        spec = SOME.replace("registries:", f"{when}builder: {builder}\n{push}\nregistries:")
        jobs = yaml11.load(rendering.render(ci_kaniko.loads(spec), "gitlab")).values()
        (script,) = (text for job in jobs for text in job.get("script", ()))
        read = [*tools.shell(shell), "-n", "-s"]
        subprocess.run(read, input=script, text=True, check=True)
