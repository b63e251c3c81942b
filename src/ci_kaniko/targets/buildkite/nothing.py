"""A pipeline without steps."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.targets.header import header

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec


def nothing(spec: Spec, why: str) -> str:
    """What the agent uploads without adding a step."""
    return f"{header(spec)}\n\nsteps: []\n"
