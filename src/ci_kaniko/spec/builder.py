"""Which program builds."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.quick.hints import Annotated
from ci_kaniko.spec.fields import choice

BuilderName = Annotated[str, choice(*BUILDERS)]
