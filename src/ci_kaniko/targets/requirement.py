"""What a platform must hold before a rendering works there."""

from __future__ import annotations

from ci_kaniko.quick.hints import Any
from ci_kaniko.quick.records import dataclass


@dataclass(frozen=True)
class Requirement:
    """One thing to create: what it is, what for, and the steps."""

    kind: str
    name: str
    purpose: str
    steps: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``ci-kaniko setup --format json`` prints of it."""
        return {**vars(self), "steps": list(self.steps)}
