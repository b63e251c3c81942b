"""What a platform must hold before a rendering works there."""

from __future__ import annotations

from typing import NamedTuple


class Requirement(NamedTuple):
    """One thing to create: what it is, what for, and the steps."""

    kind: str
    name: str
    purpose: str
    steps: tuple[str, ...]


class Use(NamedTuple):
    """What a secret is for; ``is_file`` when the value is a file's text."""

    purpose: str
    is_file: bool = False
