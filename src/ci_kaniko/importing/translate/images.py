"""References in parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import without_head

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Text


def without_flag(text: Text) -> Text:
    return without_head(without_head(text, "--destination="), "-d=")


def lowered_text(reference: str) -> str:
    """A reference with the literal parts of its repository in lower case."""
    slash = reference.rfind("/")
    colon = _tag_at(reference)
    end = colon if colon > slash else len(reference)
    pieces = re.split(r"(\$\{[^}]*\})", reference[:end])
    lowered = "".join(piece if piece.startswith("${") else piece.lower() for piece in pieces)
    return lowered + reference[end:]


def _tag_at(reference: str) -> int:
    """Where the tag's colon stands; -1 without one."""
    depth = 0
    found = -1
    for at, character in enumerate(reference):
        if reference.startswith("${", at):
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif not depth and character == "/":
            found = -1
        elif not depth and character == ":":
            found = at
    return found


def without_tag(reference: str) -> str:
    at = _tag_at(reference)
    return (
        reference[:at]
        if at > reference.rfind("/") or (at >= 0 and "/" not in reference[at:])
        else reference
    )


def host_of(image: str) -> str:
    from ci_kaniko.problems.finding import Refused
    from ci_kaniko.syntax.references import DOCKER_HUB, Reference

    try:
        host = Reference(image).host
    except Refused:
        host = image.partition("/")[0] if "/" in image else ""
    return host or DOCKER_HUB
