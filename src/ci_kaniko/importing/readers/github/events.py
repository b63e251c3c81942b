"""What starts a job of a workflow, as one condition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Var
from ci_kaniko.importing.report import Voice
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.ticked import Map, line_of, mapping, sequence, string
from ci_kaniko.importing.translate.started import always, globs, push_only_where, set_triggers

if TYPE_CHECKING:
    from typing import Any

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.readers.github.expressions import Expressions
    from ci_kaniko.importing.shell.conditions import Conditions

_NAME = (Var("github.event_name"),)
_BRANCH, _TAG = (Var("branch", portable=True),), (Var("tag", portable=True),)
_REQUESTS = {"pull_request", "pull_request_target"}


def events_of(on: Any) -> Map:
    """``on:`` as a mapping, however it is written."""
    if isinstance(on, Map):
        return on
    found = Map(line_of(on))
    for item in sequence(on):
        found[string(item)] = None
        found.lines[string(item)] = line_of(item, found.line)
    return found


class Events:
    """The events of a workflow, for one job; ``path`` is the file that holds them."""

    def __init__(self, on: Map, condition: str, condition_line: int, path: str) -> None:
        self.on = on
        self.path = path
        self.condition = condition
        self.condition_line = condition_line
        self.unsaid = False
        self.some_requests = False

    @property
    def is_called(self) -> bool:
        """Whether nothing but other workflows starts this one."""
        return "workflow_call" in self.on and self.on.keys() <= {"workflow_call", "merge_group"}

    def guard(self, expressions: Expressions) -> int:
        """Where the job runs."""
        guards = expressions.guards
        found = NO if self.on and not self.is_called else YES
        for event, settings in self.on.items():
            one = self._event(event, mapping(settings), self.on.line_of(event), expressions)
            found = guards.either(found, one)
        if self.condition:
            found = self._within(found, expressions)
        return found

    def _within(self, guard: int, expressions: Expressions) -> int:
        text, line, guards = self.condition, self.condition_line, expressions.guards
        if not _FROM_A_FORK.search(text) or "&&" in text:
            return guards.both(guard, expressions.guard(text, line))
        # What keeps a pull request of the repository itself from being built twice.
        pieces = [piece.strip() for piece in text.split("||") if not _FROM_A_FORK.search(piece)]
        rest = expressions.guard(" || ".join(pieces), line) if pieces else YES
        request = expressions.guard("github.event_name == 'pull_request'", line)
        return guards.both(guard, guards.either(rest, request))

    def _event(self, event: str, settings: Map, line: int, expressions: Expressions) -> int:
        guards, conditions = expressions.guards, expressions.conditions
        if event == "push":
            push = conditions.equal(_NAME, ("push",), line)
            return guards.both(push, self._pushed(settings, expressions))
        if event in _REQUESTS:
            return conditions.equal(_NAME, ("pull_request",), line)
        if event in {"workflow_dispatch", "schedule"}:
            return conditions.equal(_NAME, (event,), line)
        if event == "create":
            return conditions.filled(_TAG, line)
        if event == "release":
            return conditions.filled((Var(f"{_word(settings)}@", portable=True),), line)
        return NO

    def _pushed(self, settings: Map, expressions: Expressions) -> int:
        guards, conditions = expressions.guards, expressions.conditions
        found = NO
        named = {"branches", "branches-ignore", "tags", "tags-ignore"} & settings.keys()
        for key, text in (("branches", _BRANCH), ("tags", _TAG)):
            every = conditions.glob(text, "**", settings.line)
            ignored = key not in settings and f"{key}-ignore" in settings
            here = every if ignored or not named else NO
            for item in sequence(settings.get(f"{key}-ignore" if ignored else key)):
                glob = string(item)
                one = _filtered(conditions, text, glob.removeprefix("!"), line_of(item))
                is_out = ignored or glob.startswith("!")
                here = guards.minus(here, one) if is_out else guards.either(here, one)
            found = guards.either(found, here)
        return found

    # -- triggers and report ------------------------------------------------------------------

    def tell(self, job: Job, expressions: Expressions) -> None:
        """Set the triggers of a job, and report what they cannot say."""
        on, called = self.on, self.is_called
        if called and not self.condition:
            job.started = always(implicit=True, by_hand=True)
            job.tell("called", on.line_of("workflow_call"))
        if not self.condition and (called or not on):
            return
        voice = Voice(self.path, job.line, job.report)
        for event, settings in on.items() if not called else ():
            self._report(voice, event, mapping(settings), on.line_of(event))
        guard = self.guard(expressions)
        if "release" in on:
            # A trigger names tags and no versions, so the pushes have to.
            push_only_where(job, expressions.conditions.when(guard))
        requests = called or bool(_REQUESTS & on.keys()) or not on
        paths = self._paths(voice)
        crons = [mapping(item).string("cron") for item in on.sequence("schedule")]
        set_triggers(
            job,
            expressions.conditions,
            guard,
            job.line,
            requests=requests,
            paths=paths,
            schedules=crons,
            unsaid=self.unsaid,
            some_requests=self.some_requests,
        )

    def _report(self, job: Voice, event: str, settings: Map, line: int) -> None:
        if event == "create":
            job.tell("release-event", line, event, _types(settings))
        elif event == "release":
            job.tell("release-event/versions", line, _types(settings), _word(settings))
        elif event == "pull_request_target":
            job.tell("pull-request-target", line)
        elif event == "workflow_call" and len(self.on) > 1:
            job.tell("event/called", line)
        elif event not in (_KNOWN if _REQUESTS & self.on.keys() else _KNOWN - {"merge_group"}):
            job.tell("event", line, event)
        if event in _REQUESTS:
            for key in ("branches", "branches-ignore"):
                named = [string(item) for item in settings.sequence(key)]
                if named and not (key == "branches" and named == ["**"]):
                    self.some_requests = True
                    into = "into" if key == "branches" else "into others than"
                    job.tell("request-branches", settings.line_of(key), into, ", ".join(named))
            types = {string(item) for item in settings.sequence("types")}
            if types and types != _USUAL_TYPES:
                self.some_requests |= not types >= _USUAL_TYPES
                shown = ", ".join(sorted(types))
                job.tell("event/types", settings.line_of("types"), event, shown)

    def _paths(self, job: Voice) -> list[str]:
        """The paths of pushes; where requests have others, the report says so."""
        lists: dict[str, list[str]] = {}
        for event in ("push", *sorted(_REQUESTS)):
            if event not in self.on:
                continue
            lists[event] = self._paths_of(job, mapping(self.on[event]))
        if not lists:
            return []
        first, *others = lists.items()
        for event, paths in others:
            if paths != first[1]:
                self.some_requests = True
                said = ", ".join(paths) or "every path"
                job.tell("paths", self.on.line_of(event), event, first[0], said)
        return first[1]

    def _paths_of(self, job: Voice, settings: Map) -> list[str]:
        """The paths of one event; those that a spec has no words for may have kept it from more."""
        found: list[str] = []
        kinds: list[tuple[str, list[str]]] = [("paths", []), ("paths-ignore", ["**"])]
        for key, every in kinds:
            for item in settings.sequence(key):
                glob = string(item)
                out = "!" if glob.startswith("!") or every else ""
                read = globs([glob.removeprefix("!")], job, line_of(item))
                self.unsaid = self.unsaid or bool(out and not read)
                found += [*(every if not found else ()), *(f"{out}{one}" for one in read)]
            self.unsaid = self.unsaid or (key in settings and not found)
        return found


_FROM_A_FORK = re.compile(r"head\.repo\.full_name\s*!=")
_FILTER = re.compile(r"\*\*|\*|[?+]|\[[^]]*\]|\\?.", re.DOTALL)
_AS_REGEX = {"**": ".*", "*": "[^/]*", "?": "?", "+": "+"}


def _filtered(conditions: Conditions, text: Text, pattern: str, line: int) -> int:
    """Where a filter of ``on:`` matches: a glob, with ``+ ? [ ]`` as in an expression."""
    pieces = _FILTER.findall(pattern)
    if not any(piece in "?+" or piece[0] == "[" for piece in pieces):
        glob = "".join(piece if "*" in piece else piece[-1] for piece in pieces)
        return conditions.glob(text, glob, line)
    written = (
        _AS_REGEX.get(piece) or (piece if piece[0] == "[" else re.escape(piece[-1]))
        for piece in pieces
    )
    return conditions.regex(text, f"^{''.join(written)}$", line)


def _word(settings: Map) -> str:
    """Which tags are those of releases: only one of the types leaves pre-releases out."""
    return "release" if settings.sequence("types") == ["released"] else "version"


def _types(settings: Map) -> str:
    listed = [string(item) for item in settings.sequence("types")]
    return f" ({', '.join(listed)})" if listed else ""


_USUAL_TYPES = {"opened", "reopened", "synchronize"}
_KNOWN = {"push", "pull_request", "workflow_dispatch", "schedule", "merge_group", "workflow_call"}
"""Events that triggers say: a merge group is a part of requests."""
