"""Logins that a job holds in runs of branches which push nothing there.

Who may push such a branch, or a dependency of it, is trusted less than the default branch: its
``RUN`` lines can read what the job holds.
"""

from __future__ import annotations

from ci_kaniko.kaniko.systems import system
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.conditions import ALWAYS
from ci_kaniko.syntax.globs import any_matches, is_literal, split

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syntax.conditions import Condition

_USUAL_DEFAULTS = {"main", "master"}


def shared_logins(spec: Spec, targets: Sequence[str], only: Collection[str]) -> Iterator[Finding]:
    """Logins of a target's job that its runs of some branches do not use, each once."""
    found: dict[tuple[Where, str, str], list[str]] = {}
    sharing = [target for target in targets if system(target).shares_logins]
    for build in spec.builds:
        triggers = build.triggers
        if build.name not in only or build.push == "never" or not (triggers and triggers.branches):
            continue
        from ci_kaniko.plan.resolve import resolve

        for target in sharing:
            plan = resolve(build, target)
            for login in plan.logins:
                if globs := _without_use(plan, login):
                    place = (build.at(login.where), login.host, " and ".join(globs))
                    found.setdefault(place, []).append(target)
    for (where, host, branches), names in found.items():
        yield Finding(
            "shared-login",
            where,
            f"on {' and '.join(dict.fromkeys(names))} runs of {branches} hold this login, too, and "
            f"push nothing to {host}: their RUN lines could use it",
            f"under images: one of its own for what goes to {host}, with triggers: of its own; "
            "only its job has the login then",
            severity="warning",
            on_key=True,
        )


def _without_use(plan: Plan, login: HostLogin) -> list[str]:
    """The branches, but the default one, whose runs hold a login and push nothing there."""
    if not login.pushes or not login.holds_something or any(map(login.opens, plan.cache_hosts)):
        return []
    if plan.push == "always" and plan.started.may_be_request:
        # Anybody's pull request has it, and another rule says so.
        return []
    pushes = [push for push in plan.pushes if login.opens(push.host)]
    uses = [condition for push in pushes for condition in push.when]
    defaults = {plan.spec.default_branch} if plan.spec.default_branch else _USUAL_DEFAULTS
    plain = split(plan.started.branches)[0]
    return [
        quoted(glob)
        for glob in plain
        if glob not in defaults and not any(_covers(condition, glob) for condition in uses)
    ]


def _covers(condition: Condition, glob: str) -> bool:
    """Whether each branch of a pattern fulfils a condition."""
    if condition in ALWAYS or condition.kind == "other-branch":
        return True
    if condition.kind != "branch":
        return False
    plain, out = split(condition.globs)
    return any_matches(condition.globs, glob) if is_literal(glob) else glob in plain and not out
