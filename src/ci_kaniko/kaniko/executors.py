"""The kaniko distributions: their images, what their executors read, and their state.

Source: the repositories named below, read at the given releases.
"""

from __future__ import annotations

from ci_kaniko.quick.records import NamedTuple


class Distribution(NamedTuple):
    """One maintained or frozen line of kaniko releases.

    ``frozen`` says why it gets no more of them. ``other_images`` are patterns of repositories that
    hold the same executor. ``reads_localhost`` says that it takes ``localhost`` for a registry.
    """

    summary: str
    image: str | None
    version: str
    source: str
    frozen: str = ""
    other_images: tuple[str, ...] = ()
    reads_localhost: bool = False
    registry_variables_since: str | None = None
    auth_variable_since: str | None = None


DEFAULT = "osscontainertools"

DISTRIBUTIONS: dict[str, Distribution] = {
    "osscontainertools": Distribution(
        summary="maintained, public images",
        image="ghcr.io/osscontainertools/kaniko",
        version="v1.28.3",
        source="github.com/osscontainertools/kaniko v1.28.3 (e0092dbc17e6), 2026-08-13",
        other_images=(r"docker\.io/martizih/kaniko",),
        reads_localhost=True,
        registry_variables_since="v1.25.2",
        auth_variable_since="v1.25.5",
    ),
    "chainguard": Distribution(
        summary="maintained; public source, images for customers: name yours with image:",
        image=None,
        version="v1.25.16",
        source="github.com/chainguard-forks/kaniko v1.25.16 (df8f307ec6bc), 2026-06-24",
        other_images=(r"cgr\.dev/.*", r".*chainguard.*"),
        auth_variable_since="v1.25.5",
    ),
    "google": Distribution(
        summary="archived in June 2025, unpatched since v1.24.0",
        image="gcr.io/kaniko-project/executor",
        version="v1.24.0",
        source="github.com/GoogleContainerTools/kaniko v1.24.0 (1d2bff595903), 2025-05-22",
        frozen="Google's kaniko was archived in June 2025 and gets no security fixes",
        other_images=(r".*kaniko-project/executor",),
    ),
}


def distribution_of(repository: str) -> str | None:
    """Whose executor an image is, by its repository.

    >>> distribution_of("gcr.io/kaniko-project/executor"), distribution_of("docker.io/acme/shop")
    ('google', None)
    """
    import re

    for name, known in DISTRIBUTIONS.items():
        if repository == known.image:
            return name
        if any(re.fullmatch(pattern, repository) for pattern in known.other_images):
            return name
    return None


def at_least(version: str, since: str | None) -> bool:
    """Whether a release tag is ``since`` or later; never when ``since`` is None."""
    return since is not None and _numbers(version) >= _numbers(since)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
