"""CPU time in seconds of a usual machine: a slow one, or work beside us, fails no good program."""

from __future__ import annotations

import json
import resource
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

USUAL = 0.04
"""What `_work` takes on the machine whose seconds limits are in."""
TRIES = 5
"""What others do beside us only adds: too dear is what is so each time."""


def slowness() -> float:
    """How many times as long as usual things take now: 1 on a usual machine and on faster ones."""
    start = time.process_time()
    _work()
    return max(1.0, (time.process_time() - start) / USUAL)


def _work() -> None:
    for number in range(10_000):
        json.loads(json.dumps({"a": [number, str(number)]}))


def within(
    seconds: float, work: Callable[[], _T], clock: Callable[[], float] = time.process_time
) -> _T:
    """What work returns. Raises AssertionError for what takes longer, by the clock."""
    taken: list[float] = []
    for _ in range(TRIES):
        before = slowness() if taken else 1.0
        start = clock()
        done = work()
        taken.append(clock() - start)
        if taken[-1] < seconds or taken[-1] / max(before, slowness()) < seconds:
            return done
    raise AssertionError(f"not within {seconds} s: {taken}")


def of_children() -> float:
    """A clock of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
