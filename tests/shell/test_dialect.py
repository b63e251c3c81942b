"""What a platform does not tell its jobs is refused where a spec asks for it."""

from __future__ import annotations

from copy import copy

import pytest

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.shell.dialect import Cell, impossible
from ci_kaniko.targets.gitlab.dialect import DIALECT
from harness.dialects import Telling

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


def test_what_is_made_of_nothing_is_refused_with_what_asks_for_it() -> None:
    spec = ci_kaniko.loads(
        f"{HEAD}push: always\n"
        "labels: {a: '${commit.short}', b: '${build.number}', c: '${repository.name}'}\n"
        "destinations:\n"
        "  - {image: 'ghcr.io/acme/shop:${version.minor}', when: release}\n"
        "  - {image: 'ghcr.io/acme/shop:latest', when: default-branch}\n"
        "  - {image: 'ghcr.io/acme/shop:1', when: {tag: 'v*'}}\n"
    )
    silent = Telling({"commit.sha": Cell("SHA")})
    found = {
        ".".join(map(str, finding.where)): finding
        for finding in impossible(resolve(spec, "gitlab"), silent)
    }
    assert [*found] == [
        *("labels.b", "labels.c", "destinations.0.image"),
        *("destinations.0.when", "destinations.1.when", "destinations.2.when"),
    ]
    assert {finding.rule for finding in found.values()} == {"target-variable"}
    assert {finding.hint for finding in found.values()} == {"write it out"}
    assert "gitlab: gitlab does not tell" in found["labels.c"].message
    asked = [found[f"destinations.{n}.when"].message.partition(",")[0] for n in range(3)]
    assert asked == [
        "release asks for ${version}",
        "default-branch asks for ${branch}",
        "tag asks for ${tag}",
    ]


def test_the_name_of_a_ref_may_be_that_of_a_request() -> None:
    of_refs = Telling({"branch": Cell("BRANCH"), "tag": Cell("TAG")})
    for requests in (False, True):
        spec = ci_kaniko.loads(
            "push: never\nlabels: {a: '${ref.name}', b: '${ref.slug}'}\n"
            f"triggers: {{branches: ['**'], pull_requests: {str(requests).lower()}}}\n"
        )
        found = [finding.where for finding in impossible(resolve(spec, "gitlab"), of_refs)]
        assert found == [("labels", "a"), ("labels", "b")] * requests
