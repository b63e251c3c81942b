"""The images that a spec runs, and those that it pulls from one's own registries."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import BUILDER_IMAGES, KANIKO
from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.pins import CURL_IMAGE, GIT_IMAGE, JOIN_IMAGE
from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.texts import tells_time
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, path_of, pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.spec.build import Build


DEFAULTS = {"regctl": JOIN_IMAGE, "git": GIT_IMAGE, "curl": CURL_IMAGE, **BUILDER_IMAGES}
"""The images of tools."""


def pulled_images(build: Build, target: str = "") -> Iterator[str]:
    """The images of one's own that a target, or any, pulls to run them, mirrors among them."""
    for image, default in run_images(build, target):
        pulled = mirrored(image, build)
        if pulled != default:
            yield pulled


def run_images(build: Build, target: str = "") -> Iterator[tuple[str, str]]:
    """The images that a target, or any, runs, before mirrors, and what each is by default."""
    names = (target,) if target else known_names()
    if KANIKO in map(build.built_by, names):
        yield _executor(build)
    if build.prepare:
        yield build.prepare.image, ""
    run = tools_of(build, names)
    for tool, default in DEFAULTS.items():
        if tool in run:
            yield getattr(build.tools, tool) or default, default


def tools_of(build: Build, names: Iterable[str]) -> set[str]:
    """Which of the tools any of some targets runs for a build."""
    sections = [getattr(build, name) for name in names]
    run = {tool for section in sections for tool in section.tools(build)}
    more = {section.time_tool(build) for section in sections} - {*run, ""}
    return run | more if more and tells_time(build) else run


def own_executor(build: Build) -> str | None:
    """The executor's image, without its version, where it comes from one's own registry."""
    image, default = _executor(build)
    pulled = mirrored(image, build)
    return pulled if pulled != default else None


def _executor(build: Build) -> tuple[str, str]:
    """The executor's image, and the default where the spec names none."""
    if build.executor.image:
        return build.executor.image, ""
    default = DISTRIBUTIONS[build.executor.distribution].image or ""
    return default, default


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
