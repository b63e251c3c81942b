"""The registries that a build pushes to, and the logins for them."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import system
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.syntax.references import OWN_HOST, canonical_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.logins import Login


def pushed_hosts(build: Any) -> set[str]:
    """The hosts that a build pushes to, its cache with them."""
    return {host for host, _ in _pushed(build)}


def pushed_logins(build: Any, target: str) -> Iterator[tuple[Where, str, Login]]:
    """The logins that a build pushes with on a target: where each is asked for, and its host.

    That of the CI's own registry needs no entry.
    """
    from ci_kaniko.spec.logins import Login

    known = system(target)
    own = {known.registry, *([OWN_HOST] if known.one_host else [])} - {""}
    pushed = dict(reversed([*_pushed(build)]))
    for written, registry in build.registries.items():
        host = canonical_host(written)
        names = own & {*pushed} if host in own else {host} & {*pushed}
        login = registry.on(target)
        if login and names:
            yield (
                ("registries", written, *([target] if getattr(registry, target) else [])),
                host,
                login,
            )
            for name in names:
                del pushed[name]
    for host, where in pushed.items():
        if host in own:
            yield where, host, Login(use="ci-token")


def _pushed(build: Any) -> Iterator[tuple[str, Where]]:
    """Each host that a build pushes to, with the place that says so."""
    if build.push == "never":
        return
    for index, item in enumerate(build.destinations):
        yield item.image.home, ("destinations", index)
    if build.cache and build.cache.remote:
        yield build.cache.remote.home, ("cache", "repo")
