"""What a platform does not tell its jobs is refused where a spec asks for it."""

from __future__ import annotations

from copy import copy

import pytest

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.shell.dialect import impossible
from ci_kaniko.targets.gitlab.dialect import DIALECT

HEAD = "default_branch: main\nregistries: {ghcr.io: {username: a, password: B}}\n"
TRIGGERS = (
    "triggers: {branches: ['**'], pull_requests: true, schedules: ['0 3 * * *'], manual: true}\n"
)


@pytest.mark.parametrize("kind", ["pull-request", "schedule", "manual"])
def test_a_kind_of_runs_that_a_job_cannot_tell(kind: str) -> None:
    spec = ci_kaniko.loads(
        f"{HEAD}{TRIGGERS}push: always\n"
        f"destinations: [{{image: 'ghcr.io/acme/shop:1', when: [{{branch: x}}, {kind}]}}]\n"
    )
    plan = resolve(spec, "gitlab")
    assert not [*impossible(plan, DIALECT)]
    deaf = copy(DIALECT)
    deaf.tests = {}
    (finding,) = impossible(plan, deaf)
    assert (finding.rule, finding.where) == ("impossible-condition", ("destinations", 0, "when"))
    assert kind in finding.message
