"""The registries that a build pushes to, and the logins for them."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import system
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.syntax.references import OWN_HOST, canonical_host, may_be

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


def served_hosts(build: Any) -> dict[str, tuple[str, ...]]:
    """Entries with the hosts that may turn out to be theirs.

    Those are hosts that only a run knows and that have no entry of their own; entries that no
    other destination uses are for them, or else all.
    """
    if not build.registries:
        return {}
    hosts = [*dict.fromkeys(host for host, _ in _named(build))]
    entries = [*map(canonical_host, build.registries)]
    known = [host for host in hosts if host not in entries]
    found = {
        entry: tuple(host for host in known if may_be(host, entry))
        for entry in [entry for entry in entries if entry not in hosts] or entries
    }
    return {entry: served for entry, served in found.items() if served}


def _pushed(build: Any) -> Iterator[tuple[str, Where]]:
    """Each host that a build pushes to, or may push to, with the place that says so."""
    yield from _named(build)
    served = served_hosts(build)
    for written in build.registries if served else ():
        if (host := canonical_host(written)) in served:
            yield host, ("registries", written)


def _named(build: Any) -> Iterator[tuple[str, Where]]:
    if build.push == "never":
        return
    for index, item in enumerate(build.destinations):
        yield item.image.home, ("destinations", index)
    if build.cache and build.cache.remote:
        yield build.cache.remote.home, ("cache", "repo")
