"""Whether an event starts a job, and why."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.globs import any_matches, matches, split

if TYPE_CHECKING:
    from ci_kaniko.plan.model import Plan, Started
    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.syntax.conditions import Event
    from ci_kaniko.targets.target import Target


class Start(NamedTuple):
    """Whether a job starts and why; ``when_changed`` are globs of the only files that count."""

    starts: bool
    why: str
    when_changed: tuple[str, ...] = ()


def start_of(plan: Plan, target: Target, occasion: Occasion) -> Start:
    """What an event does to a job. A manifest is started by whoever creates it, for any event."""
    if target.needs_values:
        return Start(starts=True, why="whoever creates the manifest")
    event = occasion.event
    if not target.sees_source(plan.spec):
        event = event._replace(source="")
    start = _asked(plan.started, event, named=plan.spec.triggers is not None)
    request = start.starts and event.pull_request
    if request and occasion.fork and target.runs_in_forks and plan.started.repository:
        why = f"{target.name} runs it in the fork, which is not triggers.repository"
        return Start(starts=False, why=why)
    if request and target.built_before(plan, occasion.source, occasion.fork):
        return Start(starts=False, why=f"the push to {occasion.source} has built it")
    return start


def _asked(started: Started, event: Event, *, named: bool) -> Start:
    if event.source:
        field = {"schedule": "schedules", "manual": "manual", "pipeline": "pipelines"}[event.source]
        if getattr(started, field):
            return Start(starts=True, why=f"triggers.{field}")
        return Start(starts=False, why=f"triggers.{field} is not set")
    if event.pull_request:
        if not started.pull_requests:
            return Start(starts=False, why="triggers.pull_requests is not set")
        why = "triggers.pull_requests" if named else "triggers is not set: pull requests start it"
        return Start(starts=True, why=why, when_changed=started.paths)
    if event.tag:
        return _by_ref("tags", started.tags, event.tag, named=named)
    if started.default_branch and event.branch == event.default_branch:
        why = "triggers is not set: the default branch starts it"
        return Start(starts=True, why=why, when_changed=started.paths)
    start = _by_ref("branches", started.branches, event.branch, named=named)
    return start._replace(when_changed=started.paths) if start.starts else start


def _by_ref(kind: str, globs: tuple[str, ...], name: str, *, named: bool) -> Start:
    if not named:
        if any_matches(globs, name):
            return Start(starts=True, why=f"triggers is not set: {kind} start it")
        return Start(starts=False, why="triggers is not set: only the default branch starts it")
    if not globs:
        return Start(starts=False, why=f"triggers.{kind} is not set")
    plain, out = split(globs)
    if excluded := next((glob for glob in out if matches(glob, name)), ""):
        return Start(starts=False, why=f"triggers.{kind}: !{excluded}")
    found = next((glob for glob in plain if matches(glob, name)), "")
    if not found:
        return Start(starts=False, why=f"triggers.{kind} does not match")
    return Start(starts=True, why=f"triggers.{kind}: {found}")
