"""The registries that a build pushes to, and the logins for them."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import system
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.syntax.references import OWN_HOST, canonical_host, may_be, usual_host
from ci_kaniko.syntax.variables import INPUT_PREFIX

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
    other destination uses are for them, or else all. That of the usual host is always.
    """
    if not build.registries:
        return {}
    hosts = named_hosts(build)
    entries = [*map(canonical_host, build.registries)]
    found: dict[str, tuple[str, ...]] = {}
    for host in hosts:
        fitting = [entry for entry in entries if host not in entries and may_be(host, entry)]
        unused = [entry for entry in fitting if not {entry} & {*hosts, *build.elsewhere}]
        usual = usual_of(build, host)
        for entry in fitting:
            if entry in (unused or fitting) or entry == usual:
                found[entry] = (*found.get(entry, ()), host)
    return found


def usual_of(build: Any, host: str) -> str:
    """The host that the defaults of its variables make of one that only a run knows, or none."""
    given = {f"{INPUT_PREFIX}{name}": item.default for name, item in build.inputs.items()}
    return usual_host(host, given) if "$" in host else ""


def named_hosts(build: Any) -> list[str]:
    """The hosts that a build pushes to, its cache with them, as they are written."""
    return [*dict.fromkeys(host for host, _ in _named(build))]


def _pushed(build: Any) -> Iterator[tuple[str, Where]]:
    """Each host that a build pushes to, or may push to, with the place that says so."""
    yield from _named(build)
    entries = {*map(canonical_host, build.registries)}
    for host, where in _named(build):
        if host not in entries and (usual := usual_of(build, host)):
            yield usual, where
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
