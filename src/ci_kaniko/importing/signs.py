"""By what a build shows: the programs, images and flags of kaniko and of other builders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Builder(NamedTuple):
    """A program that builds images, as pipelines name it.

    ``program`` is its command, ``called`` is found in a text that calls it, and ``words`` in a
    script that may. ``image`` is found in the names of an image that runs it without a command.
    Arguments with one of the flags ``builds`` and one of ``pushes`` are its own, whatever the image
    is called.
    """

    name: str
    program: re.Pattern[str]
    called: re.Pattern[str]
    words: re.Pattern[str]
    image: re.Pattern[str] | None = None
    builds: frozenset[str] = frozenset()
    pushes: frozenset[str] = frozenset()


_PATH = r"(?:(?!-).*/)?"
KANIKO = Builder(
    name="kaniko",
    program=re.compile(rf"{_PATH}executor|kaniko"),
    called=re.compile(r"/kaniko/executor"),
    words=re.compile(r"executor|kaniko"),
    image=re.compile(r"^(?!.*warmer)[^@]*kaniko"),
    builds=frozenset(("--context", "-c", "--dockerfile", "-f")),
    pushes=frozenset(("--destination", "-d", "--no-push")),
)
_BUILDCTL = re.compile(r"\bbuildctl(?:-daemonless\.sh)?\s")
BUILDKIT = Builder(
    "buildkit",
    re.compile(rf"{_PATH}buildctl(?:-daemonless\.sh)?"),
    called=_BUILDCTL,
    words=_BUILDCTL,
)
_FLAGS = r"(?:(?:-\S+\s+(?:[^-\s]\S*\s+)??)|\$\{?\w+\}?\s+)*"
_BUILDAH = re.compile(rf"\bbuildah\s+{_FLAGS}(?:bud|build|build-using-dockerfile)\b")
BUILDAH = Builder("buildah", re.compile(rf"{_PATH}buildah"), called=_BUILDAH, words=_BUILDAH)
_NEVER = re.compile(r"(?!)")
_DOCKER = re.compile(
    rf"\b(?:docker|podman|nerdctl)\s+{_FLAGS}(?:(?:image|buildx|builder)\s+{_FLAGS})?build\b"
)
_BY_VARIABLE = re.compile(rf"\$\{{?\w+(?::?-\w+)?\}}?\"?\s+{_FLAGS}(?:buildx\s+)?(?:build|bud)\b")
"""A command in a variable, such as ``$CONTAINER_ENGINE build``."""
DOCKER = Builder(
    name="docker",
    # It does much else, and so do images with its client: the word behind it tells.
    program=_NEVER,
    called=_DOCKER,
    words=re.compile(f"{_DOCKER.pattern}|{_BY_VARIABLE.pattern}"),
    image=_NEVER,
)
DAEMONLESS = (KANIKO, BUILDKIT, BUILDAH)
"""All that lint follows."""
BUILDERS = (*DAEMONLESS, DOCKER)
"""All that import follows."""


def builder_called(command: str) -> str:
    """The builder that a command is; empty for another command."""
    found = (builder.name for builder in BUILDERS if builder.program.fullmatch(command))
    return next(found, "")


def is_program(command: str) -> bool:
    return bool(builder_called(command))


def is_image(image: str) -> bool:
    """Whether an image is one that builds without a command, by its name."""
    return any(builder.image and builder.image.search(image) for builder in BUILDERS)


def builder_of(image: str) -> str:
    """The builder whose image scripts use whatever its entrypoint is; empty for another image."""
    return next((each.name for each in BUILDERS if each.image is None and each.name in image), "")


def is_path_in(text: str) -> bool:
    """Whether a text calls a builder the way that its image has it."""
    return any(builder.called.search(text) for builder in BUILDERS)


def are_mentioned(text: str) -> bool:
    """Whether a script may call a builder."""
    return any(builder.words.search(text) for builder in BUILDERS)


def is_build(image: str, flags: Collection[str]) -> bool:
    """Whether an image runs a builder, by its name or by what it is told."""
    given = {flag for flag in flags if flag.startswith("-")}
    return any(
        (given and builder.image and builder.image.search(image))
        or (given & builder.builds and given & builder.pushes)
        for builder in BUILDERS
    )


def is_told(flags: Collection[str]) -> bool:
    """Whether arguments say where a build is pushed: no other program takes these."""
    return any({*flags} & builder.pushes for builder in BUILDERS)
