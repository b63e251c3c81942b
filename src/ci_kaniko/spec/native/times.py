"""Durations as the platforms count them."""

from typing import Annotated

from ci_kaniko.spec.fields import (
    whole,
)

Minutes = Annotated[int, whole(1, 360 * 24)]
Seconds = Annotated[int, whole(1, 2147483647)]
