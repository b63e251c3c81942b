"""The registries that a build reaches, as its spec and its Dockerfile name them."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.references import canonical_host, pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build


def reached_hosts(build: Build, dockerfiles: Dockerfiles) -> set[str] | None:
    """The hosts that the executor pushes to and pulls from; None when nobody can tell."""
    hosts = set(_named_hosts(build))
    bases = None if any("$" in host for host in hosts) else bases_of(build, dockerfiles)
    if bases is None:
        return None
    return {*map(canonical_host, hosts), *map(pulled_from, bases)}


def bases_of(build: Build, dockerfiles: Dockerfiles) -> set[str] | None:
    """The base images; None when the Dockerfile is not here or names them by ARGs."""
    from ci_kaniko.project.dockerfile import Unread

    try:
        dockerfile = dockerfiles.of(build)
    except Unread:
        return None
    return dockerfile.images() if dockerfile else None


def _named_hosts(build: Build) -> Iterator[str]:
    """The hosts that the spec itself names."""
    if build.push != "never":
        yield from (destination.image.home for destination in build.destinations)
    if build.cache and build.cache.remote:
        yield build.cache.remote.home
    options = build.options
    mapped = [mirror for mirrors in options.registry_map.values() for mirror in mirrors]
    for mirror in (*build.mirrors.values(), *options.registry_mirror, *mapped):
        yield mirror.partition("/")[0]
