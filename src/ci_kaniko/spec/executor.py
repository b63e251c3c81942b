"""The executor that runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ci_kaniko.kaniko.executors import DEFAULT, DISTRIBUTIONS
from ci_kaniko.spec.fields import Digest, OwnImage, Version, choice
from ci_kaniko.spec.model import Later, Model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import DigestsDict, ExecutorDict


def version_of(executor: Executor) -> str:
    """The release that runs: the one that the spec names, else the distribution's."""
    return executor.version or own_version(executor) or DISTRIBUTIONS[executor.distribution].version


def own_version(executor: Executor) -> str | None:
    """The release that the tag of the user's own image names."""
    tag = (executor.image or "").partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v[0-9]+\.[0-9]+\.[0-9]+(?![0-9.])", tag)
    return found.group() if found else None


def has_own_tag(executor: Executor) -> bool:
    """Whether the spec names an image that nothing is appended to."""
    return executor.image is not None and _tagged(executor.image)


def _tagged(image: str) -> bool:
    return ":" in image.partition("@")[0].rpartition("/")[2] or "@" in image


class Digests(Model):
    """Digests of the executor's image, one per variant."""

    plain: Digest | None = Field(
        default=None,
        description="Digest of vX.Y.Z, for targets that need no shell.",
        examples=["sha256:" + "0" * 64],
    )
    debug: Digest | None = Field(
        default=None,
        description="Digest of vX.Y.Z-debug, which has a shell.",
        examples=["sha256:" + "0" * 64],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: Unpack[DigestsDict]) -> None: ...


DistributionName = Annotated[str, choice(*DISTRIBUTIONS)]


class Executor(Model):
    """Which kaniko runs."""

    distribution: DistributionName = Field(
        default=DEFAULT,
        description="Whose kaniko: osscontainertools (maintained), chainguard, google (frozen).",
        examples=["osscontainertools"],
    )
    version: Version | None = Field(
        default=None,
        description="The release; the default is the newest one that ci-kaniko was tried with.",
        examples=["v1.28.3"],
    )
    image: OwnImage | None = Field(
        default=None,
        description="A mirror's repository: the version and variant are appended; with a tag of "
        "its own it is used as it is.",
        examples=["registry.example.com/mirror/kaniko"],
    )
    digests: Later[Digests] = Field(
        default=Digests.model_construct(),
        description="Digests that pin the image beyond its tag.",
        examples=[{"debug": "sha256:" + "0" * 64}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: Unpack[ExecutorDict]) -> None: ...
