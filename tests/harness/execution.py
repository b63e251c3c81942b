"""Runs of rendered files, as ``ci_kaniko.rehearsing`` has them, for tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ci_kaniko.rehearsing import execution, sandbox
from ci_kaniko.rehearsing import rehearse as rehearsals
from ci_kaniko.rehearsing.shells import MissingProgram
from ci_kaniko.targets import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.rehearse import Rehearsal
    from ci_kaniko.rehearsing.request import Request
    from ci_kaniko.rehearsing.triggers import Step

T = TypeVar("T")


def steps_of(target: str, text: str, event: Event, inputs: Mapping[str, str]) -> list[Step]:
    """The jobs of a text that an event starts."""
    found: list[Step] = execution.runner_of(registry.target(target)).steps(text, event, inputs)
    return found


def rehearse(*words: Any, **given: Any) -> Rehearsal:
    """Rehearse a spec; without a shell the test is skipped."""
    return _or_skipped(lambda: rehearsals.rehearse(*words, **given))


def run(request: Request) -> Recorded:
    """Run a job as its platform would; without a shell the test is skipped."""
    if not sandbox.ISOLATED and "CI" in os.environ:
        raise RuntimeError(
            "no mount namespaces here: allow unprivileged user namespaces, or be root"
        )
    return _or_skipped(lambda: execution.run(request))


def _or_skipped(made: Callable[[], T]) -> T:
    try:
        return made()
    except MissingProgram as missing:
        pytest.skip(str(missing))
