"""References in parts."""

from __future__ import annotations

import re

_VARIABLE = r"\$\{[^}]*\}"
_TAGGED = re.compile(
    rf"(?P<name>(?:{_VARIABLE}|\$(?!\{{)|[^$])*?)(?P<tag>:(?:{_VARIABLE}|\$(?!\{{)|[^$/:])*)?",
    re.DOTALL,
)


def split_tag(reference: str) -> tuple[str, str]:
    """A reference without its tag, and the tag with its colon."""
    found = _TAGGED.fullmatch(reference)
    return (found["name"], found["tag"] or "") if found else (reference, "")


def lowered_text(reference: str) -> str:
    """A reference with the literal parts of its repository in lower case."""
    name, tag = split_tag(reference)
    pieces = re.split(f"({_VARIABLE})", name)
    return "".join(piece if piece.startswith("${") else piece.lower() for piece in pieces) + tag


def host_of(image: str) -> str:
    """The host of an image; empty where a spec can name neither."""
    from ci_kaniko.problems.finding import Refused
    from ci_kaniko.syntax.references import DOCKER_HUB, Reference
    from ci_kaniko.syntax.variables import HOST_SIGN

    try:
        return Reference(image).host or DOCKER_HUB
    except Refused:
        found = re.match(rf"({_VARIABLE}|[^/$]+)/", image)
        if found is None:
            return ""
        return found[1] if found[1][0] == "$" or HOST_SIGN.search(found[1]) else DOCKER_HUB
