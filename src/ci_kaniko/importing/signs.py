"""By what a build shows: the programs, images and flags of kaniko, and of no other builder yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Builder(NamedTuple):
    """A program that builds images, as pipelines name it.

    ``program`` is its command, ``path`` where its image has it, and ``image`` is found in the names
    of that image. ``words`` are found in a script that may call it. Arguments with one of the flags
    ``builds`` and one of ``pushes`` are its own, whatever the image is called.
    """

    program: re.Pattern[str]
    path: str
    image: re.Pattern[str]
    words: re.Pattern[str]
    builds: frozenset[str]
    pushes: frozenset[str]


KANIKO = Builder(
    program=re.compile(r"(?:(?!-).*/)?executor"),
    path="/kaniko/executor",
    image=re.compile(r"^(?!.*warmer)[^@]*kaniko"),
    words=re.compile(r"executor|kaniko"),
    builds=frozenset(("--context", "-c", "--dockerfile", "-f")),
    pushes=frozenset(("--destination", "-d", "--no-push")),
)
BUILDERS = (KANIKO,)
"""All that import follows."""


def is_program(command: str) -> bool:
    """Whether a command is a builder."""
    return any(builder.program.fullmatch(command) for builder in BUILDERS)


def is_image(image: str) -> bool:
    """Whether an image is a builder's by its name."""
    return any(builder.image.search(image) for builder in BUILDERS)


def is_path_in(text: str) -> bool:
    """Whether a text calls a builder by the path that it has in its image."""
    return any(builder.path in text for builder in BUILDERS)


def are_mentioned(text: str) -> bool:
    """Whether a script may call a builder."""
    return any(builder.words.search(text) for builder in BUILDERS)


def is_build(image: str, flags: Collection[str]) -> bool:
    """Whether an image runs a builder, by its name or by what it is told."""
    given = {flag for flag in flags if flag.startswith("-")}
    return any(
        (given and builder.image.search(image))
        or (given & builder.builds and given & builder.pushes)
        for builder in BUILDERS
    )


def is_told(flags: Collection[str]) -> bool:
    """Whether arguments say where a build is pushed: no other program takes these."""
    return any({*flags} & builder.pushes for builder in BUILDERS)
