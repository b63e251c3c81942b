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
from harness.leaves import field_of, in_modes, modes, present, world
from harness.runs import SHELLS, TARGETS, execute, refused, rendering, text_of
from harness.scripts import pod_specs

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.leaves import Data, Mode, Path

MODES = [
    (target, mode)
    for target in TARGETS
    for mode in modes(target)
    if mode != {name: getattr(getattr(Spec(push="never"), target), name) for name in mode}
]
"""Every mode but the usual one, in which test_execution.py runs every case."""


EXCLUDED = {
    # No token for OIDC reaches the executor's image: it has no program that asks for one.
    ("github", "container"): ("registries.*.default.aws.role", "registries.*.default.google."),
    # A clone is of this repository, and the rest is about contexts that are fetched.
    ("kubernetes", True): ("context_login.", "context_sub_path", "git."),
}
"""What no spec may say in a mode, and why."""


@cache
def fields(case: str) -> frozenset[Path]:
    """What a case says that is not about one target."""
    found = {field_of(leaf.path) for leaf in present(world(case))}
    return frozenset(field for field in found if field[0] not in (*TARGETS, "outputs", "images"))


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


@pytest.mark.parametrize(
    ("target", "mode"), MODES, ids=[f"{t}-{'-'.join(map(str, m.values()))}" for t, m in MODES]
)
def test_every_field_in_every_mode(target: str, mode: Mode) -> None:
    """The fewest cases that say everything; what none of them may say there, no other may."""
    cases = cases_of(target)
    missing = {field for case in cases for field in fields(case)}
    while cases and missing:
        case = max(cases, key=lambda case: len(fields(case) & missing))
        cases.remove(case)
        if not fields(case) & missing:
            break
        text = text_in(as_written(case), target, mode)
        found = rendering(ci_kaniko.loads(text), target, DEFAULT_BRANCH)
        if isinstance(found, str):
            wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
            check(done(wanted, found, SHELLS[len(cases) % len(SHELLS)]), wanted)
            missing = missing - fields(case)
    excluded = [
        start
        for (name, value), starts in EXCLUDED.items()
        if name == target and value in mode.values()
        for start in starts
    ]
    dotted = {".".join(map(str, field)) for field in missing}
    left = {field for field in dotted if not field.startswith(tuple(excluded))}
    assert not left, "neither run nor excluded"
    assert all(any(field.startswith(start) for field in dotted) for start in excluded)
