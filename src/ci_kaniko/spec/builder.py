"""Which program builds."""

from __future__ import annotations

from typing import Annotated

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.spec.fields import choice

BuilderName = Annotated[str, choice(*BUILDERS)]
