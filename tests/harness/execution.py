"""Runs of rendered files, as ``ci_kaniko.rehearsing`` has them, for tests."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing import execution, sandbox
from ci_kaniko.rehearsing import rehearse as rehearsals
from ci_kaniko.targets import registry
from harness.tools import skipping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.request import Request
    from ci_kaniko.rehearsing.triggers import Step

rehearse = skipping()(rehearsals.rehearse)
"""Rehearse a spec; without a shell the test is skipped."""


def steps_of(target: str, text: str, event: Event, inputs: Mapping[str, str]) -> list[Step]:
    """The jobs of a text that an event starts."""
    found: list[Step] = execution.runner_of(registry.target(target)).steps(text, event, inputs)
    return found


_recorded: dict[bytes, Recorded] = {}


@skipping()
def run(request: Request) -> Recorded:
    """Run a job as its platform would; without a shell the test is skipped.

    What was run before, with all that it is given, is not run again.
    """
    if not sandbox.ISOLATED and "CI" in os.environ:
        raise RuntimeError(
            "no mount namespaces here: allow unprivileged user namespaces, or be root"
        )
    if request.executor:
        return execution.run(request)
    given = repr((request, sandbox.ISOLATED, os.environ.get("PATH")))
    key = hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()
    if key not in _recorded:
        _recorded[key] = execution.run(request)
    return _recorded[key]
