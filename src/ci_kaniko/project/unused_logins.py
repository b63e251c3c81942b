"""Logins that nothing uses, or less than it seems.

A login for base images is told by the Dockerfile alone, and one for pushes pulls nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.kaniko.systems import FOREIGN_REGISTRIES
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.spec.pushed import pulled_images, pushed_hosts
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, pulled_from
from ci_kaniko.syntax.variables import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec


_OF_EVERYBODY = {DOCKER_HUB, *FOREIGN_REGISTRIES}


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


def push_only_logins(
    spec: Spec, targets: Sequence[str], only: Collection[str]
) -> Iterator[Finding]:
    """Logins that a job could pull an image of one's own with, were they not for pushes only."""
    found: dict[tuple[Where, str], list[str]] = {}
    for build in spec.builds:
        for target in targets if build.name in only else ():
            own = (image for image in pulled_images(build, target) if _is_own(image, build))
            images = {pulled_from(image): image for image in own}
            hosts = images.keys() & pushed_hosts(build)
            if not hosts:
                continue
            from ci_kaniko.plan.pulls import pull_login
            from ci_kaniko.plan.resolve import resolve
            from ci_kaniko.targets.registry import target as find_target

            plan, pulls_with = resolve(build, target), find_target(target).pulls_with
            for login in plan.logins:
                image = images.get(login.host, "")
                every = plan._replace(logins=(login._replace(pushes=False),))
                if login.pushes and image and pull_login(every, image, pulls_with):
                    found.setdefault((build.at(login.where), image), []).append(target)
    for (where, image), names in found.items():
        yield Finding(
            "push-only-login",
            where,
            f"{quoted(image)} is pulled without this login on {', '.join(dict.fromkeys(names))}: "
            "only runs that push have it, when the image is there",
            "pull: true at the login hands it to every run, for this image too",
            severity="warning",
            on_key=True,
        )


def _is_own(image: str, build: Build) -> bool:
    """Whether an image may be private: where anybody may push, other owners' images are public."""
    host = pulled_from(image)
    owners = {text_of(one.image.repository).split("/")[0] for one in build.destinations}
    return host not in _OF_EVERYBODY or not owners.isdisjoint(image.split("/"))


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
    yield from (canonical_host(mirror.partition("/")[0]) for mirror in spec.mirrors.values())
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
