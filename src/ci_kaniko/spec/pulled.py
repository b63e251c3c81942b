"""The images that a spec runs, and those that it pulls from one's own registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.pins import GIT_IMAGE, JOIN_IMAGE
from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, path_of, pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build


DEFAULTS = {"regctl": JOIN_IMAGE, "git": GIT_IMAGE}
"""The images of tools."""


def pulled_images(build: Build, target: str = "") -> Iterator[str]:
    """The images of one's own that a target, or any, pulls to run them, mirrors among them."""
    if own := own_executor(build):
        yield own
    if build.prepare:
        yield mirrored(build.prepare.image, build)
    names = (target,) if target else known_names()
    run = {tool for name in names for tool in getattr(build, name).tools(build)}
    for tool, default in DEFAULTS.items():
        image = mirrored(getattr(build.tools, tool) or default, build)
        if tool in run and image != default:
            yield image


def own_executor(build: Build) -> str | None:
    """The executor's image, without its version, where it comes from one's own registry."""
    default = DISTRIBUTIONS[build.executor.distribution].image or ""
    image = mirrored(build.executor.image or default, build)
    return image if build.executor.image or image != default else None


def mirrored(image: str, build: Build) -> str:
    """An image as its host's mirror has it; as it is without one."""
    if not build.mirrors:
        return image
    host = pulled_from(image)
    mirrors = {canonical_host(name): mirror for name, mirror in build.mirrors.items()}
    if host not in mirrors:
        return image
    path = path_of(image)
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return f"{mirrors[host]}/{path}"
