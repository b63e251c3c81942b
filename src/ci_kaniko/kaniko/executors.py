"""The kaniko distributions: their images, what their executors read, and their state.

Source: the repositories named below, read at the given releases.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.syntax.references import pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.resolve import HostLogin, Plan
    from ci_kaniko.spec.build import Build, Executor


class Distribution(NamedTuple):
    """One maintained or frozen line of kaniko releases."""

    summary: str
    image: str | None
    version: str
    source: str
    frozen: bool = False
    registry_variables_since: str | None = None
    auth_variable_since: str | None = None


DEFAULT = "osscontainertools"

DISTRIBUTIONS: dict[str, Distribution] = {
    "osscontainertools": Distribution(
        summary="maintained, public images",
        image="ghcr.io/osscontainertools/kaniko",
        version="v1.28.3",
        source="github.com/osscontainertools/kaniko v1.28.3 (e0092dbc17e6), 2026-08-13",
        registry_variables_since="v1.25.2",
        auth_variable_since="v1.25.5",
    ),
    "chainguard": Distribution(
        summary="maintained; public source, images for customers: name yours with image:",
        image=None,
        version="v1.25.16",
        source="github.com/chainguard-forks/kaniko v1.25.16 (df8f307ec6bc), 2026-06-24",
        auth_variable_since="v1.25.5",
    ),
    "google": Distribution(
        summary="archived in June 2025, unpatched since v1.24.0",
        image="gcr.io/kaniko-project/executor",
        version="v1.24.0",
        source="github.com/GoogleContainerTools/kaniko v1.24.0 (1d2bff595903), 2025-05-22",
        frozen=True,
    ),
}


def version_of(executor: Executor) -> str:
    """The release that runs: the one that the spec names, else the distribution's."""
    return executor.version or own_version(executor) or DISTRIBUTIONS[executor.distribution].version


def own_version(executor: Executor) -> str | None:
    """The release that the tag of the user's own image names."""
    tag = (executor.image or "").partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v[0-9]+\.[0-9]+\.[0-9]+(?![0-9.])", tag)
    return found.group() if found else None


def pulled_images(build: Build, target: str = "") -> Iterator[str]:
    """The images of one's own that a target, or any, pulls to run them."""
    from ci_kaniko.kaniko.pins import GIT_IMAGE

    if build.executor.image:
        yield build.executor.image
    if build.prepare:
        yield build.prepare.image
    if target in {"", "kubernetes"} and build.kubernetes.clone_image != GIT_IMAGE:
        yield build.kubernetes.clone_image
    if target in {"", "agola"} and build.agola.checkout_image:
        yield build.agola.checkout_image


def pull_login(plan: Plan, image: str) -> HostLogin | None:
    """The login with which every run may pull an image of one's own, where a file can hand it on.

    What only runs that push hold pulls nothing: requests need the image as well.
    """
    host = pulled_from(image)
    login = next((one for one in plan.logins if one.host == host and not one.pushes), None)
    if login is None:
        return None
    kind = login.login.kind
    if plan.target == "github" and plan.spec.github.mode == "docker":
        beside = plan.docker_config is not None
        usable = kind == "docker-config" or (login.written and not beside)
    elif plan.target == "github":
        usable = kind in {"password", "ci-token"}
    else:
        usable = plan.target == "agola" and kind == "password"
    return login if usable else None


def has_own_tag(executor: Executor) -> bool:
    """Whether the spec names an image that nothing is appended to."""
    return executor.image is not None and _tagged(executor.image)


def _tagged(image: str) -> bool:
    return ":" in image.partition("@")[0].rpartition("/")[2] or "@" in image


def at_least(version: str, since: str | None) -> bool:
    """Whether a release tag is ``since`` or later; never when ``since`` is None."""
    return since is not None and _numbers(version) >= _numbers(since)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
