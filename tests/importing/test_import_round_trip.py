"""What ci-kaniko rendered is imported as the same build again.

A rendered file does not tell everything about its spec. These things cannot be known from it, and
are left out of the comparison:

- the sections and logins of other targets, ``outputs``, and options that the target ignores;
- whether a branch that GitHub and Agola compare with is meant as the default branch: their files
  hold the name that ``default_branch`` gives;
- the order of the alternatives of a ``when``; a default that is empty: ``${tag:-}`` is ``${tag}``;
- how the CI's own registry was written: GitHub's files hold ``ghcr.io``;
- on Agola and Buildkite the time of the commit: another job reads it, and hands it over;
- on Kubernetes every variable: the manifest holds values, and runs for one event only.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko import import_files, rendering
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.spec.logins import Login
from ci_kaniko.syntax.conditions import Condition
from ci_kaniko.syntax.variables import Ref, text_of
from harness import expectation, expected_logins, runs
from harness.execution import run
from harness.runs import (
    RENDERED,
    TARGETS,
    TOLD_BY_OTHERS,
    push_event,
    read,
    render,
    spec_of,
    values_for,
)

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin, Plan

SHELL_DRIVEN = [pair for pair in RENDERED if pair[1] != "kubernetes" and pair not in TOLD_BY_OTHERS]
MANIFESTS = [case for case, target in RENDERED if target == "kubernetes"]


@functools.cache
def imported(case: str, target: str) -> Any:
    return import_files([(f"{case}.yml", render(case, target))])


def _value(parts: Any, target: str) -> str:
    text = text_of(tuple(part for part in parts or ())).replace(":-}", "}")
    if target in {"github", "agola"}:
        text = text.replace("${default_branch}", "main")
    if target == "github":
        text = text.replace("${registry.image}", "ghcr.io/${repository.path}")
        text = text.replace("${registry.host}", "ghcr.io")
    if target == "buildkite":
        text = text.replace("${registry.host}", "packages.buildkite.com")
    return text


def _when(when: Any, branch: str | None) -> list[str]:
    found = set()
    for item in when:
        named = item.kind == "default-branch" and branch
        condition = Condition("branch", (str(branch),)) if named else item
        found |= {f"{condition.kind} {glob}" for glob in condition.globs or ("",)}
    return sorted(found)


def _told(plan: Plan, *, branch: str | None) -> dict[str, Any]:
    target = plan.target
    default = branch if target in {"github", "agola"} else None
    return {
        "arguments": sorted(
            (item.name, None if item.value is None else _value(item.value, target))
            for item in plan.arguments
        ),
        "pushed arguments": sorted(
            (item.name, _value(item.value, target)) for item in plan.pushed_arguments
        ),
        "pushes": sorted(
            (_value(push.reference.parts, target), _when(push.when, default))
            for push in plan.pushes
        ),
        "push": plan.push if plan.pushes else "never",
        "logins": sorted(
            (_value((login.host,), target), str(login.login)) for login in plan.logins
        ),
        "started": _started(plan, branch),
        "outputs": plan.outputs,
        "git": plan.git_login,
    }


def _started(plan: Plan, branch: str | None) -> Any:
    started = plan.started
    branches = set(started.branches)
    if started.default_branch:
        branches.add(branch or "default")
    if "default" in branches and branch:
        branches = {branch if item == "default" else item for item in branches}
    return (
        sorted(branches),
        sorted(started.tags),
        started.pull_requests,
        started.manual,
        sorted(started.paths),
        started.repository,
    )


@pytest.mark.parametrize(("case", "target"), SHELL_DRIVEN)
def test_a_rendered_pipeline_is_imported_as_the_same_plan(case: str, target: str) -> None:
    original = spec_of(case)
    again = imported(case, target).spec
    branch = original.default_branch or again.default_branch
    wanted = _told(resolve(original, target), branch=branch)
    found = _told(resolve(again, target), branch=branch)
    assert found == wanted, imported(case, target).spec_text
    if target == "github":
        # The version of an action is a comment in the workflow.
        action = (original.tools.checkout or "").partition(" #")[0]
        assert (again.tools.checkout or "") == action
    assert rendering.render(again, target)


def _recorded(case: str, text: str) -> Any:
    event = push_event(case)
    wanted = expectation.Run(read(case), "kubernetes", event)
    fed = expected_logins.fed(wanted)
    section = wanted.spec.section("kubernetes")
    return run(
        Request(
            "kubernetes",
            text,
            event,
            secrets=fed.secrets,
            docker_configs=fed.docker_configs,
            variables=expectation.RUN_TIME,
            secret=section.get("secret", "ci-kaniko"),
        )
    )


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_rendered_manifest_is_imported_with_the_same_arguments(case: str) -> None:
    again = imported(case, "kubernetes").spec
    text = ci_kaniko.render(again, "kubernetes", values_for("kubernetes", push_event(case)))
    before = _recorded(case, render(case, "kubernetes"))
    after = _recorded(case, text)
    assert sorted(after.argv or ()) == sorted(before.argv or ()), text
    assert after.config == before.config
    assert _secrets(text) == _secrets(render(case, "kubernetes"))


def _secrets(text: str) -> list[str]:
    """The keys and Secrets that a manifest asks for, for its containers and for the kubelet."""
    document = json.dumps(yaml11.load(text))
    keys = re.findall(r'"(?:secretName|key)": "([^"]+)"', document)
    pulled = re.findall(r'"imagePullSecrets": (\[[^]]*\])', document)
    return sorted([*keys, *pulled])


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_left_of_a_rendered_pipeline(target: str) -> None:
    """All of it is carried over as it is, but where the docstring says so."""
    cases = [case for case, other in {*RENDERED} - TOLD_BY_OTHERS if other == target]
    left = {
        (case, entry.rule)
        for case in cases
        for entry in imported(case, target).report
        if entry.kind != "carried"
    }
    assert left == set()


ONE_REPOSITORY = """
a:
  image: {name: gcr.io/kaniko-project/executor:v1.9.0-debug, entrypoint: [""]}
  script: [/kaniko/executor --context=. --destination=quay.io/acme/shop:1]
"""


@pytest.mark.parametrize(
    ("asked", "repository", "push"),
    [
        ("only: [main@acme/shop]", "acme/shop", None),
        ("rules: [{if: $CI_PROJECT_PATH == 'acme/shop'}]", "acme/shop", "always"),
        ("except: [main@acme/shop]", None, None),
        ("rules: [{if: $CI_PROJECT_PATH != 'acme/shop'}]", None, "never"),
        ("rules: [{if: $CI_PROJECT_PATH =~ /^acme/}]", None, "never"),
        ("rules: [{if: $CI_PROJECT_PATH == 'shop'}]", None, "never"),
    ],
)
def test_a_repository_alone_starts_a_job(
    asked: str, repository: str | None, push: str | None
) -> None:
    found = import_files([("a.gitlab-ci.yml", f"{ONE_REPOSITORY}  {asked}\n")])
    spec = yaml11.load(found.spec_text)
    assert spec.get("triggers", {}).get("repository") == repository
    assert spec.get("push") == push
    told = any(entry.rule == "unknown-trigger" for entry in found.report)
    assert told == (repository is None)


def test_variables_are_references() -> None:
    assert Ref("tag").name == "tag"


OTHERS = BUILDERS[1:]
BUILT_BY_OTHERS = [
    (case, target, name)
    for name in OTHERS
    for target in ("gitlab", "github", "kubernetes", "buildkite", "agola")
    for case, rendered in RENDERED
    if rendered == target and (target == "gitlab" or case.startswith("seed-"))
]


_CANNOT_BUILD = {"kaniko-only", "impossible-builder", "impossible-login", "mixed-logins"}

_FROM_FILES = {"registry-certificate", "registry-client-cert", "registry-map"}
"""What other builders read from files of their own, which the report quotes."""


def _as_written(login: HostLogin) -> HostLogin:
    """A service principal is a user and a password where no helper takes it."""
    if not (login.plain and login.login.azure):
        return login
    user, password = login.plain
    return login._replace(login=Login(username=user, password=password))


@pytest.mark.parametrize(("case", "target", "name"), BUILT_BY_OTHERS)
def test_what_another_builder_builds_is_imported_as_the_same_plan(
    case: str, target: Any, name: str
) -> None:
    refused = set[str]()
    try:
        original = ci_kaniko.loads(f"{runs.text_of(case)}\nbuilder: {name}\n", f"{case}.yaml")
        text = ci_kaniko.render(original, target, values_for(target, push_event(case)))
    except ci_kaniko.SpecError as error:
        refused = {problem.rule for problem in error.problems}
    if refused:
        assert refused <= _CANNOT_BUILD
        return
    found = import_files([(f"{case}.yml", text)])
    again, left = found.spec, {entry.rule for entry in found.report if entry.kind == "left"}
    assert again.builder == name
    if target == "kubernetes":
        back = ci_kaniko.render(again, target, values_for(target, push_event(case)))
        assert back.partition("\nspec:")[2] == text.partition("\nspec:")[2]
        return
    branch = original.default_branch or again.default_branch
    plan = resolve(original, target)
    wanted = _told(plan._replace(logins=tuple(map(_as_written, plan.logins))), branch=branch)
    if wanted["arguments"] != (told := [a for a in wanted["arguments"] if a[0] not in _FROM_FILES]):
        assert "skipped-command" in left
        wanted["arguments"] = told
    if original.context.kind == "git":
        assert left & {"bad-context", "builder-flag"}
        return
    assert _told(resolve(again, target), branch=branch) == wanted, found.spec_text
    assert left <= {"schedule", "needs", "skipped-command", "missing-login"}
