"""What a platform must hold before a rendering works there."""

from __future__ import annotations

from typing import NamedTuple


class Requirement(NamedTuple):
    """One thing to create: what it is, what for, and the steps."""

    kind: str
    name: str
    purpose: str
    steps: tuple[str, ...]
