"""The registries that a build pushes to."""

from __future__ import annotations

from ci_kaniko.quick.hints import Any


def pushed_hosts(build: Any) -> set[str]:
    """The hosts that a build pushes to, its cache with them."""
    if build.push == "never":
        return set()
    hosts = {item.image.home for item in build.destinations}
    if build.cache and build.cache.remote:
        hosts.add(build.cache.remote.home)
    return hosts
