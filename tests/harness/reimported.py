"""What ci-kaniko rendered, imported again, has to be the same build.

A rendered file does not tell everything about its spec. These things cannot be known from it, and
are left out of the comparison:

- the sections and logins of other targets, ``outputs``, and options that the target ignores;
- whether a branch that GitHub and Agola compare with, or leave out, is meant as the default branch:
  their files hold the name that ``default_branch`` gives;
- the order of the alternatives of a ``when``; a default that is empty: ``${tag:-}`` is ``${tag}``;
- how the CI's own registry was written: GitHub's files hold ``ghcr.io``;
- on Agola and Buildkite the time of the commit: another job reads it, and hands it over;
- on Kubernetes every variable: the manifest holds values, and runs for one event only.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ci_kaniko import import_files, rendering
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.syntax.conditions import Condition
from ci_kaniko.syntax.variables import text_of
from harness.covering import covering, in_shell
from harness.leaves import fields
from harness.runs import RENDERED, TOLD_BY_OTHERS, render, spec_of

if TYPE_CHECKING:
    from ci_kaniko.plan.model import Plan


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
    named = {"default-branch": (branch,), "other-branch": ("**", f"!{branch}")} if branch else {}
    found = set()
    for item in when:
        globs = named.get(item.kind)
        condition = Condition("branch", globs) if globs else item
        found |= {f"{condition.kind} {glob}" for glob in condition.globs or ("",)}
    return sorted(found)


def compared(plan: Plan, *, branch: str | None) -> dict[str, Any]:
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


def imports_as_the_same_plan(case: str, target: str) -> None:
    """The plan of the spec that is imported is that of the spec that was rendered."""
    original = spec_of(case)
    again = imported(case, target).spec
    branch = original.default_branch or again.default_branch
    wanted = compared(resolve(original, target), branch=branch)
    found = compared(resolve(again, target), branch=branch)
    for part, expected in wanted.items():
        assert found[part] == expected, (
            part,
            found[part],
            expected,
            imported(case, target).spec_text,
        )
    if target == "github":
        # The version of an action is a comment in the workflow.
        action = (original.tools.checkout or "").partition(" #")[0]
        assert (again.tools.checkout or "") == action
    assert rendering.render(again, target)


def leaves_nothing(target: str) -> None:
    """All of it is carried over as it is, but where this file says so."""
    left = {
        (case, entry.rule)
        for case, _ in shell_driven(target)
        for entry in imported(case, target).report
        if entry.kind != "carried"
    }
    assert left == set()


def shell_driven(*targets: str) -> list[tuple[str, str]]:
    """Cases of some targets with every field and line, but for what a job cannot tell all of."""
    return [(case, target) for target in targets for case in _telling(target)]


@functools.cache
def _telling(target: str) -> list[str]:
    cases = [case for case, name in {*RENDERED} - TOLD_BY_OTHERS if name == target]
    texts = {render(case, target): case for case in sorted(cases)}
    return [
        texts[text] for text in covering({t: in_shell(t) | fields(c) for t, c in texts.items()})
    ]
