"""The kaniko distributions: their images, what their executors read, and their state.

Source: the repositories named below, read at the given releases.
"""

from __future__ import annotations

from typing import NamedTuple


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


def at_least(version: str, since: str | None) -> bool:
    """Whether a release tag is ``since`` or later; never when ``since`` is None."""
    return since is not None and _numbers(version) >= _numbers(since)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
