"""The registries that a spec pushes to, and the images of one's own that it pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.kaniko.systems import known_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build


def pulled_images(build: Build, target: str = "") -> Iterator[str]:
    """The images of one's own that a target, or any, pulls to run them."""
    if build.executor.image:
        yield build.executor.image
    if build.prepare:
        yield build.prepare.image
    for name in (target,) if target else known_names():
        yield from getattr(build, name).own_images()


def pushed_hosts(build: Build) -> set[str]:
    """The hosts that a build pushes to, its cache with them."""
    if build.push == "never":
        return set()
    hosts = {item.image.home for item in build.destinations}
    if build.cache and build.cache.remote:
        hosts.add(build.cache.remote.home)
    return hosts
