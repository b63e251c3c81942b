"""GitHub's workflows: docker run, jobs in the executor's image, actions, matrices, calls."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Login, Text, Var, literal, spell, starts_with
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.jobs import Facts, Job, Root, forget, put
from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.github.actions import Builders
from ci_kaniko.importing.readers.github.catalogue import bare_name
from ci_kaniko.importing.readers.github.events import Events, events_of
from ci_kaniko.importing.readers.github.expressions import bare_condition
from ci_kaniko.importing.readers.github.knowledge import Known, cells_of, secret_name, take_named
from ci_kaniko.importing.readers.github.needed import needed_by, prepared_by
from ci_kaniko.importing.readers.github.settings import (
    hands_digest,
    section_of,
    tell_environment,
    tell_rest,
    words_of,
)
from ci_kaniko.importing.readers.github.steps import Steps
from ci_kaniko.importing.readers.inputs import name_of, read_input, unsaid
from ci_kaniko.importing.readers.matrices import cell_name, followed
from ci_kaniko.importing.shell.values import EMPTY, Value, Values, pure
from ci_kaniko.importing.signs import are_mentioned, is_image
from ci_kaniko.importing.ticked import (
    Map,
    Str,
    leftover,
    line_of,
    mapping,
    sequence,
    string,
    texts_below,
)
from ci_kaniko.importing.translate.executor import is_kaniko
from ci_kaniko.importing.translate.started import bounded
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.syntax.references import pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original
    from ci_kaniko.importing.readers.github.knowledge import Input

_ROOTS = (Var("GITHUB_WORKSPACE"), Var("github.workspace"), "/github/workspace")
_FACTS = Facts("github", tuple(Root((each,)) for each in _ROOTS))
_MAX_CALLS = 8
_MOST_CALLS = 150
_EVENT = (Var("github.event_name"),)
_WITHOUT_INPUTS = {"push", "pull_request", "pull_request_target", "schedule", "create", "release"}


def jobs(original: Original) -> Iterator[Job]:
    """The jobs of a workflow that call the executor."""
    for root in original.mappings:
        yield from Workflow(root, original, {}, {}).jobs()


_REMOTE = re.compile("--context=(?!dir:)[a-z0-9]+://")


class Workflow:
    """One workflow or action; ``caller`` is the one that calls it, with ``inputs``.

    ``secrets`` are those that the caller names anew, in its job ``calling``.
    """

    def __init__(
        self,
        root: Map,
        original: Original,
        inputs: dict[str, Input],
        secrets: dict[str, Text],
        caller: Workflow | None = None,
        calling: Map | None = None,
    ) -> None:
        self.root = root
        self.original = original
        self.path = original.path
        self.report = original.report
        self.inputs = inputs
        self.secrets = secrets
        self.caller = caller
        calling = mapping(calling)
        self.condition = calling.string("if"), calling.line_of("if")
        self.prepared: set[str] = set()
        self.depth: int = caller.depth + 1 if caller else 0
        self.called: list[str] = caller.called if caller else []
        self.is_action = "runs" in root and "jobs" not in root
        self.on = events_of(root.get("on", root.get("true", root.get("True"))))
        if self.is_action:  # whoever uses it gives the inputs
            self.on["workflow_call"] = root
        inputs_of = [mapping(on).get("inputs") for on in self.on.values()]
        given = root.get("env"), root.get("defaults"), calling.get("with"), inputs_of
        self.builders = Builders(original, *given)

    # -- jobs ---------------------------------------------------------------------------------

    @functools.cached_property
    def _words(self) -> set[str]:
        return words_of(self.root.get("jobs"))

    @functools.cached_property
    def _unsaid(self) -> dict[str, str]:
        called = mapping(self.on.get("workflow_call")).mapping("inputs")
        return unsaid(called) if len(self.on) == 1 and self.caller is None else {}

    def jobs(self) -> Iterator[Job]:
        """The jobs that call the executor."""
        listed = self.root.mapping("jobs")
        if self.is_action:
            listed = Map(1, {"action": mapping(self.root["runs"])})
        others: list[str] = []
        found = False
        for name, value in listed.items():
            made = list(self._jobs(name, mapping(value), listed.line_of(name)))
            found = found or bool(made)
            if not made:
                others.append(name)
            yield from made
        for name in [name for name in others if name not in self.prepared] if found else ():
            self.report.tell("other-job", self.path, listed.line_of(name), "job", name)

    def _jobs(self, name: str, job: Map, line: int) -> Iterator[Job]:
        called = self._workflow(job) if "uses" in job else None
        if "uses" in job and called is None:
            return
        matrix = job.mapping("strategy").mapping("matrix")
        take_named(matrix, str(job))
        at = job.line_of("strategy")
        cells = followed(cells_of(matrix), self.report, self.path, at, name)
        may_build = called is None and self.builders.may_be_in(job)
        made: list[Job] = []
        for cell in cells:
            shown = f"{name}-{cell_name(cell, cells)}" if cell else name
            if called is not None:
                yield from self._called(called, shown, job, cell)
            elif may_build and (one := self._job(name, job, cell, shown, line)) is not None:
                made.append(one)
        if made:
            # What one of them reads is read, and all of them stand in the same lines.
            tell_rest(made[0], self.root, job, ours=self.original.is_ours)
        yield from made
        for left in leftover(job) if called is not None else ():
            self.report.tell("not-carried/called", self.path, left.line, name, left.path)

    def _workflow(self, job: Map) -> Original | None:
        """The reusable workflow that a job calls, where it is at hand."""
        uses = string(job["uses"])
        line = job.line_of("uses")
        if not are_mentioned(uses) and not uses.startswith("./"):
            return None
        few = self.depth < _MAX_CALLS and len(self.called) < _MOST_CALLS
        found = self.original.find(uses.partition("@")[0]) if few else None
        self.called.append(uses)
        if found is None:
            self.report.tell("reusable-workflow", self.path, line, uses)
        elif not uses.startswith("./"):
            self.report.tell("reusable-workflow/elsewhere", self.path, line, uses, found.path)
        return found

    def _called(self, found: Original, name: str, job: Map, cell: dict[str, str]) -> Iterator[Job]:
        """The jobs of a reusable workflow."""
        ignore_keys(job, "GitHub job")
        known = self._known(Job(_FACTS, name, self.original, job.line), cell)
        given = {
            key: known.handed(value, line_of(value), {})
            for key, value in job.mapping("with").items()
        }
        secrets = {}
        if isinstance(job.get("secrets"), Map):
            entries = job.mapping("secrets")
            secrets = {key: known.text(string(value)) for key, value in entries.items()}
        elif job.peek("secrets") == "inherit":
            job.string("secrets")
        awaited = [string(item) for item in sequence(job.get("needs"))]
        for root in found.mappings:
            for made in Workflow(root, found, given, secrets, self, job).jobs():
                put(made.section, "needs", [*awaited, *made.section.get("needs", ())])
                made.name = name
                made.section["job"] = name
                made.section.pop("form", None)
                made.shared.pop("inputs", None)
                yield made

    def input(self, name: str, job: Job, values: Values) -> Value:
        """What an input is worth: what the caller gives, or its default where it has one.

        Runs that no call and no person starts have none.
        """
        if name in self.inputs:
            return self.inputs[name](values)
        itself = Known(job, lambda one, _: pure((Var(f"inputs.{one}"),)), {}).fixed({}, values)
        found = values.each(
            pure(self._declared_input(name, job)),
            lambda text: itself.template(literal(text) or "") if literal(text) else pure(text),
        )
        if self.caller is not None or self.is_action or not _WITHOUT_INPUTS & self.on.keys():
            return found
        manual = values.conditions.equal(_EVENT, ("workflow_dispatch",), 0)
        return values.choose(manual, found, EMPTY)

    def _declared_input(self, name: str, job: Job) -> Text:
        for event in ("workflow_call", "workflow_dispatch"):
            entry = mapping(self.on.get(event)).mapping("inputs").mapping(name)
            reusable = event == "workflow_call" and len(self.on) == 1 and self.caller is None
            if name in self._unsaid:
                return (self._unsaid[name],)
            if entry and not reusable:
                value = entry.string("default")
                job.tell("input", entry.line, name, value or "empty")
                read_input(entry)
                ignore_keys(entry, "GitHub input")
                if "default" in entry:
                    return (value,) if value else ()
        return (Var(f"inputs.{name}"),)

    def _job(self, name: str, raw: Map, cell: dict[str, str], shown: str, line: int) -> Job | None:
        job = Job(_FACTS, name, self.original, line)
        job.name = shown
        job.environment["GITHUB_JOB"] = (name,)
        known = self._known(job, cell)
        known.environment(self.root.mapping("env"))
        known.environment(raw.mapping("env"))
        logins = self._container(job, raw, known)
        events = self.events(raw.string("if"), raw.line_of("if"))
        before = prepared_by(job, self.root.mapping("jobs"), raw)
        known.taken = before[1] if before else None
        steps = Steps(known, events, self.original)
        needed = [*needed_by(raw, self.root.mapping("jobs"))]
        calls = steps.read(raw, self._folder(raw), needed)
        job.calls = tuple(_with_logins(call, logins) for call in calls)
        if not job.calls:
            return None
        # A step that import does not know may put the repository there.
        brought = (re.search("checkout|git ", text) for text in texts_below(raw.get("steps")))
        if not (job.own_folders or job.cloned or self.is_action or any(brought)):
            for call in filter(_takes_files, calls):
                job.tell("no-checkout/steps", call.line)
        with bounded(job):
            events.tell(job, known.starting())
        self._declared(job)
        called = self.is_action or self.caller is not None
        section_of(job, name, self.root, raw, known.text, called=called)
        if before:
            self.prepared.add(before[0])
            forget(job.section, "needs", before[0])
        for other in needed:
            if other.whole:
                self.prepared.add(other.name)
                forget(job.section, "needs", other.name)
        if self.caller is None and not self.is_action:
            mapping(self.on.get("workflow_call")).ignore("secrets")
            self._later(job)
        tell_environment(job, self.root, raw, self._words)
        return job

    def _later(self, job: Job) -> None:
        """What starts the job counts later; a start by hand is told by its inputs."""
        asked = mapping(self.on.get("workflow_dispatch"))
        starting = self.on.kept(lambda event: event != "workflow_dispatch" or not asked)
        if starting:
            later(job, Map(1, {"on": starting}), "triggers: says what starts the job")
        for key, value in asked.items():
            inner = value.items() if key == "inputs" and isinstance(value, Map) else [("", value)]
            for name, item in inner:
                path = ".".join(filter(None, ("on.workflow_dispatch", key, name)))
                unread = Map(line_of(item, asked.line_of(key)), {path: item})
                later(
                    job,
                    unread,
                    "no build reads it, and what is rendered asks a run by hand for nothing",
                )

    def _known(self, job: Job, cell: dict[str, str]) -> Known:
        known = Known(job, lambda name, values: self.input(name, job, values), self.secrets)
        known.cell = {name: known.text(value) for name, value in cell.items()}
        return known

    def _folder(self, raw: Map) -> str:
        for holder in (raw, self.root):
            run = holder.mapping("defaults").mapping("run")
            if run.string("working-directory"):
                return string(run["working-directory"])
        return ""

    def events(self, condition: str, line: int) -> Events:
        """What starts a job; a called workflow's jobs start with the caller's."""
        if self.caller is None:
            return Events(self.on, condition, line, self.path)
        outer, outer_line = self.condition
        both = [bare_condition(text) for text in (outer, condition) if text.strip()]
        joined = " && ".join(f"({text})" for text in both) if len(both) > 1 else "".join(both)
        return self.caller.events(joined, line if condition else outer_line)

    # -- the container ------------------------------------------------------------------------

    def _container(self, job: Job, raw: Map, known: Known) -> tuple[Login, ...]:
        given = raw.get("container")
        inner = mapping(given)
        image = string(given) if isinstance(given, Str) else inner.string("image")
        if not image:
            return ()
        job.image = known.text(image)
        job.image_line = line_of(given)
        if not is_image(image):
            return ()
        job.section["mode"] = "container"
        for step in raw.sequence("steps"):
            uses = mapping(step).peek("uses")
            if bare_name(uses).startswith("actions/checkout"):
                job.section.pop("mode", None)
                if is_kaniko(image):
                    job.tell("action-in-container", mapping(step).line_of("uses"), uses)
        known.environment(inner.mapping("env"))
        return self._pull_login(inner.mapping("credentials"), job, known)

    def _pull_login(self, credentials: Map, job: Job, known: Known) -> tuple[Login, ...]:
        """With what the runner pulls the executor: a login of its registry."""
        image = literal(job.image)
        line = credentials.line_of("password")
        if not credentials:
            return ()
        user, password = (known.text(credentials.string(key)) for key in ("username", "password"))
        if image is None:
            name = secret_name(password) or "a text"
            job.tell("pull-login", line, name)
            return ()
        host = pulled_from(image)
        return (Login((host,), user, password, source="container.credentials", line=line),)

    def _declared(self, job: Job) -> None:
        """The inputs of a workflow that others call."""
        if self.caller is not None or "workflow_call" not in self.on:
            return
        call = mapping(self.on["workflow_call"])
        inputs: dict[str, Any] = {}
        passwords = {login.password for each in job.calls for login in each.logins}
        for name, value in call.mapping("inputs").items():
            made, line = read_input(value, may_be_empty=True), call.mapping("inputs").line_of(name)
            ignore_keys(mapping(value), "GitHub input")
            if name in self._unsaid:
                job.tell("input", line, name, " ".join(self._unsaid[name].split()))
            elif (Var(f"inputs.{name}"),) in passwords:
                job.tell("input/secret", line, name)
            else:
                inputs[name_of(name)] = made
        if inputs and len(self.on) == 1:
            job.shared["inputs"] = inputs
        for name in call.mapping("outputs"):
            outputs = mapping(call["outputs"])
            value = mapping(outputs[name]).string("value")
            ignore_keys(mapping(outputs[name]), "GitHub input")
            if not hands_digest(job, f"{name}: {value}"):
                job.tell("workflow-outputs", outputs.line_of(name), name, value)
        if len(self.on) == 1:
            job.section["form"] = "reusable"


def _with_logins(call: Call, logins: tuple[Login, ...]) -> Call:
    hosts = {tuple(login.host) for login in call.logins}
    more = tuple(login for login in logins if tuple(login.host) not in hosts)
    return replace(call, logins=(*call.logins, *more)) if more else call


def _takes_files(call: Call) -> bool:
    """Whether kaniko builds a folder; docker's action fetches the repository itself."""
    named = [word.text for word in call.words if starts_with(word.text, "--context=")]
    fetched = (
        _REMOTE.match(spell(text)) or any(meaning(part) == "remote" for part in text)
        for text in named
    )
    return call.builder == KANIKO and not any(fetched)
