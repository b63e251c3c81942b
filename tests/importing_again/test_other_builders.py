"""What another builder builds is imported as the build that it was rendered from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko import import_files
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.spec.logins import Login
from harness import runs
from harness.cases import SNAPSHOTS
from harness.covering import fewest
from harness.leaves import fields
from harness.reimported import compared
from harness.runs import RENDERED, push_event, values_for

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin

OTHERS = BUILDERS[1:]
GIVEN = fewest({case: fields(case) for case, target in RENDERED if target == "gitlab"})
"""The fewest specs in which is every field."""
BUILT_BY_OTHERS = [
    (case, target, name)
    for name in OTHERS
    for target in ("gitlab", "github", "kubernetes", "buildkite", "agola")
    for case, rendered in RENDERED
    if rendered == target and (case.startswith("seed-") or (target == "gitlab" and case in GIVEN))
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
    if original.context.store:
        # What a script asks a store for, it tells nobody.
        assert again.push == "never"
        return
    if target == "kubernetes":
        back = ci_kaniko.render(again, target, values_for(target, push_event(case)))
        assert back.partition("\nspec:")[2] == text.partition("\nspec:")[2]
        return
    branch = original.default_branch or again.default_branch
    plan = resolve(original, target)
    wanted = compared(plan._replace(logins=tuple(map(_as_written, plan.logins))), branch=branch)
    told = [each for each in wanted["arguments"] if each[0] in _FROM_FILES]
    wanted["arguments"] = [each for each in wanted["arguments"] if each not in told]
    if name == "buildkit" and original.context.kind == "git":
        # Its address has one ref, and its token is a secret of the build.
        assert left & {"bad-context", "builder-flag"}
        return
    assert compared(resolve(again, target), branch=branch) == wanted, found.spec_text
    assert again.tools.git == original.tools.git
    left -= {"schedule", "needs", "missing-login"}
    if name == "buildkit":
        # It copies a checkout and asks AWS by itself, for which no spec has a word.
        left -= {"skipped-command"}
    assert left == ({"skipped-command"} if told and name != "buildkit" else set())


@pytest.mark.parametrize("target", ["gitlab", "github", "kubernetes"])
@pytest.mark.parametrize("name", OTHERS)
def test_what_hands_the_digest_on_is_imported_as_that(name: str, target: str) -> None:
    """One builder writes it into a file, and the other into one of more than that."""
    path = SNAPSHOTS / target / f"builder-{name}-archive.yml"
    assert import_files([path]).spec.digest
