"""Variables that a script makes of others: in a shell they are what a renderer would know."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.values import Values
from ci_kaniko.shell.dialect import Cell, cell_of
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.words import Words
from ci_kaniko.syntax.variables import VARIABLES
from harness import tools
from harness.dialects import Telling

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN = {
    "commit.sha": Cell("SHA"),
    "commit.timestamp": Cell("STAMP"),
    "branch": Cell("BRANCH", may_be_unset=True),
    "tag": Cell("TAG", may_be_unset=True),
    "pull_request.number": Cell("REQUEST", may_be_unset=True),
    "repository.path": Cell(text="$GROUP/$PROJECT"),
}
ALWAYS = {
    "commit.sha": "0123456789abcdef0123456789abcdef01234567",
    "commit.timestamp": "2026-01-02T03:04:05Z",
    "repository.path": "Acme/Team/Shop",
}
ENVIRONMENT = {
    "SHA": ALWAYS["commit.sha"],
    "STAMP": ALWAYS["commit.timestamp"],
    "GROUP": "Acme/Team",
    "PROJECT": "Shop",
}
EVENTS = {
    "a branch": {"branch": "Feature/Ü_1.2"},
    "a long branch": {"branch": "." + "x" * 62 + "/" + "y" * 99},
    "a tag": {"tag": "v1.2.3-rc.1"},
    "a release": {"tag": "1.20.3"},
    "no version": {"tag": "nightly"},
    "a request": {"pull_request.number": "7"},
}
CLOCK = {"build.timestamp": r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z", "build.date": r"\d{14}"}


def printed(shell: str, lines: list[str], given: Mapping[str, str]) -> list[str]:
    """What a shell prints, by lines."""
    names = {"branch": "BRANCH", "tag": "TAG", "pull_request.number": "REQUEST"}
    return subprocess.run(
        [*tools.shell(shell), "-c", "\n".join(["set -eu", *lines])],
        env={"PATH": "/usr/bin:/bin", **ENVIRONMENT, **{names[key]: given[key] for key in given}},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


@pytest.mark.parametrize("shell", tools.shells())
def test_what_a_script_makes_of_others(shell: str) -> None:
    spec = ci_kaniko.loads(
        "push: never\ntriggers: {branches: ['**'], tags: ['**'], pull_requests: true}\n"
    )
    plan, dialect = resolve(spec, "gitlab"), Telling(KNOWN)
    names = [
        name for name in VARIABLES if name not in KNOWN and cell_of(dialect, name, plan) is None
    ]
    assert len(names) == 13
    draft = Draft(plan, dialect, dialect.site)
    words = Words(draft)
    said = [f"printf '%s\\n' {words.value(name)}" for name in names]
    lines = [line for define in draft.definitions for line in define] + said
    for event, given in EVENTS.items():
        known = Values({**ALWAYS, **given}, None)
        found = dict(zip(names, printed(shell, lines, given), strict=True))
        for name, pattern in CLOCK.items():
            assert re.fullmatch(pattern, found.pop(name)), name
        assert found == {name: known.get(name) for name in found}, event
