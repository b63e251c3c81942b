"""The executor that runs."""

import re

from ci_kaniko.kaniko.executors import DEFAULT, DISTRIBUTIONS
from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated
from ci_kaniko.spec.fields import STRING, OwnImage, Reads, Version, check_present, checked, choice
from ci_kaniko.spec.model import Later, Model
from ci_kaniko.syntax.grammar import check_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import DigestsDict, ExecutorDict


def version_of(executor: "Executor") -> str:
    """The release that runs: the one that the spec names, else the distribution's."""
    return (
        executor.version
        or own_version(executor)
        or next(pinned_versions(executor), "")
        or DISTRIBUTIONS[executor.distribution].version
    )


def own_version(executor: "Executor") -> str | None:
    """The release that the tag of the user's own image names."""
    tag = (executor.image or "").partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v[0-9]+\.[0-9]+\.[0-9]+(?![0-9.])", tag)
    return found.group() if found else None


def repository_of(executor: "Executor") -> str:
    """The user's own image without tag and digest; empty where there is none."""
    folder, slash, name = (executor.image or "").partition("@")[0].rpartition("/")
    return folder + slash + name.partition(":")[0]


def has_own_tag(executor: "Executor") -> bool:
    """Whether the spec names an image that nothing is appended to."""
    return executor.image is not None and _tagged(executor.image)


def _tagged(image: str) -> bool:
    return ":" in image.partition("@")[0].rpartition("/")[2] or "@" in image


def pinned_versions(executor: "Executor") -> "Iterator[str]":
    """The releases that the digests are of."""
    for _, pinned in executor.digests:
        if pinned:
            yield pinned.partition("@")[0].removesuffix(SUFFIXES["debug"])


SUFFIXES = {"plain": "", "debug": "-debug"}
"""What follows the version in the tag of a variant."""


def _check_pinned(variant: str) -> "Callable[[str], None]":
    def check(text: str) -> None:
        """Raises Refused for what is not a tag of the variant with a digest."""
        check_present(text)
        tag, at, digest = text.partition("@")
        version = rf"v[0-9]+\.[0-9]+\.[0-9]+{SUFFIXES[variant]}"
        if at and re.fullmatch(version, tag):
            check_digest(digest)
        else:
            example = f"v1.28.3{SUFFIXES[variant]}@sha256:..."
            message = f"{quoted(text)} is not a tag and digest of the {variant} image"
            raise Refused("bad-digest", message, f"{example}, as ci-kaniko pin writes it")

    return check


PlainDigest = Annotated[str, Reads(checked(_check_pinned("plain")), STRING)]
DebugDigest = Annotated[str, Reads(checked(_check_pinned("debug")), STRING)]


class Digests(Model):
    """Tags of the executor's image with their digests, one per variant."""

    plain: PlainDigest | None = Field(
        default=None,
        description="vX.Y.Z@DIGEST, for targets that need no shell.",
        examples=["v1.28.3@sha256:" + "0" * 64],
    )
    debug: DebugDigest | None = Field(
        default=None,
        description="vX.Y.Z-debug@DIGEST, which has a shell.",
        examples=["v1.28.3-debug@sha256:" + "0" * 64],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[DigestsDict]") -> None: ...


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
        description="The release; the default is that of the digests, else the newest one that "
        "ci-kaniko was tried with.",
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
        examples=[{"debug": "v1.28.3-debug@sha256:" + "0" * 64}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[ExecutorDict]") -> None: ...

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a mapping", "such as {version: v1.28.3}, or {image: registry.example.com/kaniko}"
