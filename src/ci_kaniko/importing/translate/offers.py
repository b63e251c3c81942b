"""Names for the logins that another platform needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.translate.images import host_of
from ci_kaniko.importing.translate.logins import name_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.spec import Spec


def offered(spec: Spec, target: str) -> Iterator[str]:
    """A line for each host that a spec pushes to without a login of its own on a target."""
    hosts: dict[str, None] = {}
    for build in spec.builds:
        for destination in build.destinations:
            host = host_of(str(destination.image))
            registry = build.registries.get(host)
            login = registry.on(target) if registry else None
            if not host.startswith("$") and (login is None or login.use == "ci-token"):
                hosts.setdefault(host)
    for host in hosts:
        user, password = name_for(host, "USER"), name_for(host, "PASSWORD")
        yield f"registries: {{{host}: {{username: {{secret: {user}}}, password: {password}}}}}"
