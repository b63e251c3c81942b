"""Logins that nothing uses: a login for base images is told by the Dockerfile alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.spec.pushed import pulled_images
from ci_kaniko.syntax.references import canonical_host, pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec


def unused_logins(spec: Spec, dockerfiles: Dockerfiles) -> Iterator[Finding]:
    """Entries whose host neither the spec nor its Dockerfile names; none when that is unknown.

    An entry that several images share is used when one of them uses it.
    """
    unused: dict[Where, str] = {}
    used: set[Where] = set()
    for build in spec.builds:
        hosts = _hosts(build, dockerfiles)
        for written in build.registries:
            where = build.at(("registries", written))
            unused.setdefault(where, written)
            if hosts is None or "$" in written or canonical_host(written) in hosts:
                used.add(where)
    for where, written in unused.items():
        if where not in used:
            host = canonical_host(written)
            yield Finding(
                "unused-login",
                where,
                f"no destination, cache, mirror or base image is on {host}: nothing uses this",
                f"remove {quoted(written)}: pull requests get the login, too",
                severity="warning",
                on_key=True,
            )


def _hosts(build: Build, dockerfiles: Dockerfiles) -> set[str] | None:
    """The hosts that a build pushes to and pulls from; None when nobody can tell."""
    if not build.registries:
        return None
    hosts = set(_own_hosts(build))
    pulled = None if any("$" in host for host in hosts) else _base_hosts(build, dockerfiles)
    return None if pulled is None else {canonical_host(host) for host in hosts} | pulled


def _own_hosts(spec: Build) -> Iterator[str]:
    """The hosts that the spec itself names."""
    if spec.push != "never":
        for destination in spec.destinations:
            yield destination.image.home
    if spec.cache and spec.cache.remote:
        yield spec.cache.remote.home
    for image in pulled_images(spec):
        yield pulled_from(image)
    mapped = [one for mirrors in spec.options.registry_map.values() for one in mirrors]
    for mirror in (*spec.options.registry_mirror, *mapped):
        yield canonical_host(mirror.partition("/")[0])


def _base_hosts(build: Build, dockerfiles: Dockerfiles) -> set[str] | None:
    """The hosts of base images; None when the Dockerfile is not here or names them by ARGs."""
    from ci_kaniko.project.dockerfile import Unread

    try:
        dockerfile = dockerfiles.of(build)
    except Unread:
        return None
    images = dockerfile.images() if dockerfile else None
    return None if images is None else {pulled_from(image) for image in images}
