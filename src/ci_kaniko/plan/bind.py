"""Values in place of variables, for targets that know them when they are rendered."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import system
from ci_kaniko.plan.model import Argument, HostLogin, Plan, Started
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf
from ci_kaniko.syntax.references import DOCKER_HUB, DOCKER_HUB_KEY, canonical_host, merge
from ci_kaniko.syntax.variables import parts_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.syntax.variables import Part, Parts, Ref


def _bound_login(login: HostLogin, key: Parts) -> HostLogin:
    """The login with its key known; a host that was a variable is known with it."""
    if "$" not in login.host:
        return login._replace(key=key)
    host = canonical_host(text_of(key))
    return login._replace(key=(DOCKER_HUB_KEY,) if host == DOCKER_HUB else key, host=host)


def bind(
    plan: Plan,
    text_value_of: Callable[[Ref], Part],
    reference_value_of: Callable[[Ref], Part],
    holds: Callable[[AnyOf], bool],
    *,
    is_pull_request: bool,
) -> Plan:
    """The plan with every variable replaced and every condition decided."""

    def text(parts: Parts, *, is_reference: bool) -> Parts:
        value_of = reference_value_of if is_reference else text_value_of
        return merge([part if isinstance(part, str) else value_of(part) for part in parts])

    def reference(piece: Parts) -> Parts:
        return text(piece, is_reference=True)

    def known_host(host: str) -> str:
        return canonical_host(text_of(reference(parts_of(host))))

    def needs(host: str, login: HostLogin) -> bool:
        """A manifest knows each host, and needs no login but its own; a script has all of them."""
        if not login.opens(host) or not system(plan.target).needs_values:
            return login.opens(host)
        found = known_host(host)
        return "$" in found or found == known_host(login.host)

    def argument(item: Argument) -> Argument:
        value = None if item.value is None else text(item.value, is_reference=item.is_reference)
        return item._replace(value=value)

    pushes = tuple(
        push._replace(
            when=ALWAYS,
            reference=push.reference.replaced(reference),
        )
        for push in plan.pushes
        if holds(push.when)
    )
    used = {push.host for push in plan.pushes if holds(push.when)}
    used |= plan.cache_hosts
    silent = plan.push == "never" or (plan.push == "auto" and is_pull_request) or not pushes
    return plan._replace(
        arguments=tuple(argument(item) for item in plan.arguments),
        pushed_arguments=tuple(argument(item) for item in plan.pushed_arguments),
        cached=plan.cached and plan.cached.replaced(reference),
        pushes=() if silent else pushes,
        push="never" if silent else "always",
        logins=tuple(
            _bound_login(login, text(login.key, is_reference=True))
            for login in plan.logins
            if not login.pushes or (not silent and any(needs(host, login) for host in used))
        ),
        started=Started(default_branch=True),
    )
