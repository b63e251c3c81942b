"""What validate says of an image that begins with another one which its run does not push."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from harness.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
default_branch: main
context: ${{image.name}}
destinations: ['quay.io/acme/${{image.name}}:{tag}']
registries: {{quay.io: {{username: bot, password: QUAY_TOKEN}}}}
images:
  base: {{{base}}}
  between: {{needs: base, triggers: {{branches: [main]}}}}
  api: {{{needs}build_args: {{{argument}}}, {api}}}
"""
COMMIT = "${commit.short}"
PUSHES = "triggers: {branches: [main]}"
EVERY_BRANCH = 'triggers: {branches: ["**"]}'
NIGHTLY = "triggers: {branches: [main], schedules: ['0 3 * * *']}"
REQUESTS = "triggers: {branches: [main], pull_requests: true}"


class Case(NamedTuple):
    """What two images say, the tag of both, and the event that is told; empty for none."""

    base: str
    api: str
    told: str
    tag: str = COMMIT
    target: str = "github"
    needs: str = "needs: base, "


CASES = {
    "requests": Case("", "", "a pull request"),
    "no requests": Case("", PUSHES, ""),
    "requests that push": Case("push: always", f"{REQUESTS}, push: always", ""),
    "a branch that base built": Case(EVERY_BRANCH, REQUESTS, ""),
    "a branch": Case(PUSHES, EVERY_BRANCH, "a push to feature/x"),
    "a branch that may be moved": Case(PUSHES, "triggers: {branches: [main, live]}", ""),
    "paths of one": Case(
        "triggers: {branches: [main], paths: ['base/**']}",
        PUSHES,
        "a change of api/Dockerfile alone",
    ),
    "paths of both": Case(
        "triggers: {branches: [main], paths: ['base/**']}",
        "triggers: {branches: [main], paths: ['api/**']}",
        "a change of api/x alone",
    ),
    "paths that hold the others": Case(
        "triggers: {branches: [main], paths: ['base/**', '*/**']}",
        "triggers: {branches: [main], paths: ['api/**']}",
        "",
    ),
    "paths and a tag that stays": Case(
        "triggers: {branches: [main], paths: ['base/**']}", PUSHES, "", "latest"
    ),
    "a commit that a branch had": Case(PUSHES, NIGHTLY, ""),
    "a run": Case(PUSHES, NIGHTLY, "a schedule", "${build.number}"),
    "a ref": Case(PUSHES, "triggers: {tags: ['v*']}", "a push of tag v1.2.3", "${ref.tag}"),
    "a ref at any time": Case(NIGHTLY, "triggers: {tags: ['v*']}", "", "${ref.tag}"),
    "a default": Case(PUSHES, "triggers: {branches: [live]}", "", "${version:-dev}"),
    "no default": Case(PUSHES, "triggers: {branches: [live]}", "a push to live", "${ref.tag}"),
    "a time of each job": Case(PUSHES, PUSHES, "a push to main", "${build.date}"),
    "no needs": Case(PUSHES, PUSHES, "a push to main", needs=""),
    "no needs, and a run": Case(PUSHES, PUSHES, "a push to main", "${build.number}", needs=""),
    "no needs, and a ref": Case(
        "", "triggers: {tags: ['v*']}", "a push of tag v1.2.3", "${ref.tag}", needs=""
    ),
    "no needs, and a tag that stays": Case(PUSHES, PUSHES, "", "latest", needs=""),
    "needs of needs": Case(PUSHES, PUSHES, "", needs="needs: between, "),
    "whoever calls": Case("github: {form: reusable}", "github: {form: reusable}", ""),
    "whoever creates": Case("", "", "", target="kubernetes"),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_cannot_be_there_is_told(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    done = validated(Repository(tmp_path), case, f"BASE: 'quay.io/acme/base:{case.tag}'", "$BASE")
    told = [line for line in done.splitlines() if "[unpushed-image]" in line]
    assert [line.partition("warning: ")[2].partition(" builds")[0] for line in told] == (
        [case.told] if case.told else []
    )


@pytest.mark.parametrize(
    ("argument", "begins"),
    [
        ("TAG: '${commit.short}'", "quay.io/acme/base:${TAG}"),
        ("BASE: 'quay.io/acme/base', TAG: '${commit.short}'", "$BASE:$TAG"),
    ],
)
def test_an_image_may_be_made_of_several_arguments(
    argument: str, begins: str, tmp_path: Path
) -> None:
    assert "[unpushed-image]" in validated(
        Repository(tmp_path), CASES["requests"], argument, begins
    )


@pytest.mark.parametrize("begins", ["$OTHER", "${BASE:-alpine}", "docker.io/library/alpine", "$$"])
def test_nothing_is_told_of_what_is_not_known_to_be_pulled(begins: str, tmp_path: Path) -> None:
    argument = f"BASE: 'quay.io/acme/base:{COMMIT}'"
    done = validated(Repository(tmp_path), CASES["requests"], argument, begins)
    assert "[unpushed-image]" not in done


@pytest.mark.parametrize("name", ["requests", "paths of both", "a branch", "a run"])
def test_a_tag_that_stays_is_the_way_out(name: str, tmp_path: Path) -> None:
    done = validated(Repository(tmp_path), CASES[name], "BASE: 'quay.io/acme/base:latest'", "$BASE")
    assert "[unpushed-image]" not in done


def validated(repository: Repository, case: Case, argument: str, begins: str) -> str:
    repository.write("base/Dockerfile", "FROM docker.io/library/debian:13\n")
    repository.write("api/Dockerfile", f"ARG BASE\nARG TAG\nFROM {begins}\n")
    text = SPEC.format(
        tag=case.tag, base=case.base, api=case.api, needs=case.needs, argument=argument
    )
    repository.write("ci-kaniko.yaml", text)
    return repository.call("validate", case.target).err
