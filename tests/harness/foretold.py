"""What a preview says of an event, and whether a recorded run does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ci_kaniko
from ci_kaniko.previewing.events import Occasion
from ci_kaniko.previewing.runs import Run, runs
from ci_kaniko.rehearsing.logins import lookup
from ci_kaniko.syntax import conditions
from harness import expectation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.images import Job

_SOURCES = {"schedule": "schedule", "manual": "manual", "pipeline": "pipeline"}


def foretold(
    spec: ci_kaniko.Spec, target: str, event: Event, inputs: Mapping[str, str]
) -> dict[tuple[str, str], Run]:
    """What is said of each job, by its image and kind, with every variable known."""
    given = {f"input.{name}": text for name, text in inputs.items()}
    known = {**expectation.known(target, event), **given}
    chosen = ci_kaniko.available_targets()[target]
    return {
        (run.image, run.job): run
        for run in runs(chosen.planned(spec), chosen, occasion(event), known)
    }


def occasion(event: Event) -> Occasion:
    said = conditions.Event(
        event.branch,
        event.tag,
        event.pull_request,
        event.default_branch,
        source=_SOURCES.get(event.source, ""),
    )
    return Occasion("", event.name, said, event.source_branch, event.fork)


def kind_of(job: Job) -> str:
    """What a preview calls one of an image's jobs."""
    if job.joins:
        return "join"
    return f"build {job.platform}" if job.image.is_staged else "build"


def does_as_foretold(got: Recorded, run: Run) -> None:
    words = [word.partition("=") for word in got.argv or ()]
    given = [(name, value) for name, _, value in words]
    assert [*run.destinations] == [value for name, value in given if name == "--destination"]
    cache = [value for name, value in given if name == "--cache-repo"]
    assert cache == ([run.cache] if run.cache else []), run
    assert run.writes_cache == (bool(cache) and ("--no-push-cache", "") not in given), run
    for login in run.logins:
        written = login.how.startswith(("as ", "with ci-token", "with docker config"))
        assert not written or lookup(got, login.host), login
