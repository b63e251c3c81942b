"""Every pair of a mode and a field is run: what a form changes meets what a feature changes."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.source.reading import survey
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.spec import Spec
from ci_kaniko.syntax.scalars import Plain
from harness import expectation
from harness.cases import CASES
from harness.checks import check
from harness.events import DEFAULT_BRANCH
from harness.expectation import Run
from harness.leaves import fields, in_modes, modes
from harness.runs import SHELLS, TARGETS, execute, refused, rendering, text_of
from harness.scripts import pod_specs

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.leaves import Data, Mode, Path

USUAL = {target: vars(getattr(Spec(push="never"), target)) for target in TARGETS}
"""The settings of the usual mode, in which test_execution.py runs every case."""
MODES = {
    target: found
    for target in TARGETS
    if (found := [mode for mode in modes(target) if not mode.items() <= USUAL[target].items()])
}


EXCLUDED = {
    # No token for OIDC reaches the executor's image: it has no program that asks for one.
    ("github", "container"): ("registries.*.default.aws.role", "registries.*.default.google."),
    # A clone is of this repository, and the rest is about contexts that are fetched.
    ("kubernetes", True): ("context_login.", "context_sub_path", "git."),
}
"""What no spec may say in a mode, and why."""


def cases_of(target: str) -> list[str]:
    return [case for case in CASES if refused(case, target) is None]


@cache
def as_written(case: str) -> Data:
    found: Data = plain(to_python(survey(text_of(case), case).root))
    return found


def plain(value: Any) -> Any:
    """As YAML writes it: texts of a file may be marked as unquoted."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return yaml11.load(str(value)) if isinstance(value, Plain) else value


def text_in(data: Data, target: str, mode: Mode) -> str:
    return yaml.dump(in_modes(data, {target: mode}), Dumper=yaml.CSafeDumper, sort_keys=False)


_SAYS_WHEN = {"on", "rules", "if", "needs", "name", "concurrency", "inherit", "stage"}
"""Keys of a file or a job by which a platform starts it, and nothing that it does."""


def work(target: str, text: str) -> str:
    """What jobs do and are given, whatever starts them: most forms of a file have it alike."""
    document = yaml11.load_all(text)[-1]
    if target == "kubernetes":
        return json.dumps([*pod_specs(target, document)])
    whole = _without_when(document)
    jobs = whole.pop("jobs", {})
    parts = (*whole.items(), *jobs.items())
    said = json.dumps([(name, _without_when(part)) for name, part in parts])
    return text if "inputs." in said else said


def _without_when(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key not in _SAYS_WHEN}


_done: dict[tuple[str, str, str], Recorded] = {}


def done(wanted: Run, text: str, shell: str) -> Recorded:
    """What became of a job that may have run in another mode."""
    key = wanted.target, work(wanted.target, text), shell
    if key not in _done:
        _done[key] = execute(wanted, text, shell)
    return _done[key]


Pairs = set[tuple[str, Any, "Path"]]


def pairs(target: str, mode: Mode, case: str) -> Pairs:
    """What a run of a case shows: each choice that is not the usual one, with each field."""
    chosen = [(name, value) for name, value in mode.items() if value != USUAL[target][name]]
    return {(name, value, field) for name, value in chosen for field in fields(case)}


@pytest.mark.parametrize("target", MODES)
def test_every_field_in_every_mode(target: str) -> None:
    """The fewest runs that show every pair, and one of each mode at least.

    What no case may say there, no other may.
    """
    left = [
        (mode, case, pairs(target, mode, case))
        for mode in MODES[target]
        for case in cases_of(target)
    ]
    missing: Pairs = set().union(*(shown for _, _, shown in left))
    fresh = [*MODES[target]]
    while left:
        best = max(left, key=lambda one: (one[0] in fresh, len(one[2] & missing)))
        mode, case, shown = best
        left.remove(best)
        if not shown & missing and mode not in fresh:
            break
        text = text_in(as_written(case), target, mode)
        found = rendering(ci_kaniko.loads(text), target, DEFAULT_BRANCH)
        if isinstance(found, str):
            wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
            check(done(wanted, found, SHELLS[len(left) % len(SHELLS)]), wanted)
            missing -= shown
            fresh = [each for each in fresh if each != mode]
    assert not fresh
    dotted = {(value, ".".join(map(str, field))) for _, value, field in missing}
    excluded = [
        (value, start)
        for (name, value), starts in EXCLUDED.items()
        if name == target
        for start in starts
    ]
    silent = {
        field
        for value, field in dotted
        if not any(value == where and field.startswith(start) for where, start in excluded)
    }
    assert not silent, "neither run nor excluded"
    for where, start in excluded:
        assert any(value == where and field.startswith(start) for value, field in dotted)
