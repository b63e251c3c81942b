"""The texts of a build in which variables are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.findings import Where
    from ci_kaniko.spec import Build


def texts_with_variables(spec: Build) -> Iterator[tuple[Where, str]]:
    """Every text of a build in which variables are replaced, and where it stands."""
    if "://" in spec.context:
        yield ("context",), spec.context
    for section in ("build_args", "labels", "annotations"):
        yield from (((section, name), text) for name, text in getattr(spec, section).items())
    for index, destination in enumerate(spec.destinations):
        yield ("destinations", index), destination.image
    if spec.cache and not spec.cache.repo.startswith("oci:"):
        yield ("cache", "repo"), spec.cache.repo
    yield from ((("registries", host), host) for host in spec.registries)
    yield from ((("extra_args", index), text) for index, text in enumerate(spec.extra_args))
