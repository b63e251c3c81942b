"""Buildkite's pipelines: steps for agent-stack-k8s, and docker run on other agents."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Text, Var, filled_in, spell
from ci_kaniko.importing.jobs import Facts, Job, Root, Secret, put
from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.buildkite.plugins import Plugins, prepared_by
from ci_kaniko.importing.readers.expressions import Expressions, values_of
from ci_kaniko.importing.readers.matrices import combined, followed
from ci_kaniko.importing.readers.pods.containers import take_read
from ci_kaniko.importing.readers.pods.settings import pod_settings
from ci_kaniko.importing.readers.scripts import Piece, beginning, is_named, read_pieces
from ci_kaniko.importing.shell.commands.flags import outputs
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.values import Value, pure
from ci_kaniko.importing.ticked import (
    List,
    Map,
    Str,
    ignore,
    line_of,
    mapping,
    maps,
    native,
    peek,
    replaced,
    sequence,
    string,
)
from ci_kaniko.importing.translate.started import always, bounded, globs, set_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.importing.originals import Original

_CHECKOUT = Root((Var("BUILDKITE_BUILD_CHECKOUT_PATH"),))
_FACTS = Facts(
    "buildkite",
    roots=(_CHECKOUT, Root(("/workspace/build/buildkite",))),
    outputs=(_CHECKOUT,),
    keeps_workspace=True,
    of_requests=("branch",),
)
_SCRIPTS = ("command", "commands", "script")
_READ = {
    *("label", "name", "key", "id", "identifier", "if", "branches", "agents", *_SCRIPTS),
    *("plugins", "env", "timeout_in_minutes", "retry", "concurrency"),
    *("concurrency_group", "secrets", "image", "type", "matrix", "if_changed", "artifact_paths"),
}
"""Keys of a step that have a field, or none: all others are extra."""
_RETRIED = ({"exit_status": "-1"}, {"signal_reason": "agent_stop"})
"""What ci-kaniko repeats."""
_FIELDS = {
    "build.branch": "branch",
    "build.tag": "tag",
    "build.pull_request.id": "pull_request.number",
    "build.pull_request": "pull_request.number",
    "pipeline.default_branch": "default_branch",
    "build.commit": "commit.sha",
}
_UPLOAD = re.compile(r"\$\$|\\\$|\$\{(\w+)(?::?[?-][^}]*)?\}|\$([A-Za-z_]\w*)")
_SINGLE = re.compile(r"(?<![$\\])\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z]\w*))")
_MADE = re.compile(
    r"(?m)(?:^[ \t]*|[;&|(]\s*|\b(?:then|do|else|export|local|readonly)\s+)([A-Za-z_]\w*)="
    r"|\b(?:for|read(?: -r)?) ([A-Za-z_]\w*)\b"
)


class _Placed(NamedTuple):
    """A step, the groups around it, and what has to pass before it."""

    step: Map
    groups: tuple[Map, ...] = ()
    gates: tuple[Map, ...] = ()


def jobs(original: Original) -> Iterator[Job]:
    """The steps of a pipeline that call the executor."""
    for root in original.roots:
        top = root if isinstance(root, Map) else Map(1)
        steps = root if isinstance(root, list) else list(top.get("steps") or ())
        first = True
        told: set[int] = set()
        every = list(_flat(steps, _Placed(Map())))
        for at, placed in enumerate(every):
            for job in _step(placed, top, original):
                earlier = (one.step for one in every[:at])
                awaited = (step for step in earlier if _is_awaited(step, placed))
                prepared = prepared_by(job, placed.step, awaited)
                asked = [gate for gate in placed.gates if gate is not prepared]
                _tell_gates(job, [gate for gate in asked if id(gate) not in told])
                told |= {*map(id, asked)}
                if first:
                    later(job, root, "buildkite: {extra: ...} takes keys of a step as they are")
                first = False
                yield job


def _is_awaited(step: Map, placed: _Placed) -> bool:
    """Whether a step has to pass before another one starts."""
    needed = placed.step.sequence("depends_on")
    keys = {peek(item) or mapping(item).peek("step") for item in needed}
    return any(step is gate for gate in placed.gates) or bool({step.peek("key")} & keys - {""})


def _tell_gates(job: Job, gates: list[Map]) -> None:
    for step in gates:
        keys = [key for key in ("label", "group", "block", "input", "command") if key in step]
        words = [beginning(string(step[key])) for key in keys]
        step.string("key")
        job.tell("gate", line_of(step), ": ".join(filter(None, words)) or "a step")


def _flat(steps: list[Any], around: _Placed) -> Iterator[_Placed]:
    """The steps of a pipeline and of its groups."""
    gates = around.gates
    before: tuple[Map, ...] = ()
    for step in steps:
        waits = {"wait", "waiter", "block", "input"}
        names = step.keys() & waits if isinstance(step, Map) else {peek(step)} & waits
        if names:
            for each in names:
                ignore(step[each] if isinstance(step, Map) else step)
            gates, before = (*gates, *before), ()
            if isinstance(step, Map) and names & {"block", "input"}:
                gates = (*gates, step)
            continue
        if not isinstance(step, Map):
            continue
        if isinstance(step.get("steps"), list):
            yield from _flat(step["steps"], _Placed(step, (*around.groups, step), gates))
        else:
            yield _Placed(step, around.groups, gates)
        before = (*before, step)


def _step(placed: _Placed, top: Map, original: Original) -> Iterator[Job]:
    line, named = line_of(placed.step), _name(placed.step)
    for cell in followed(_cells(placed.step), original.report, original.path, line, named):
        job = Job(_FACTS, "-".join([named, *cell.values()]), original, line)
        step = replaced(placed.step, partial(_of_cell, cell))
        _environment(job, top.mapping("env"), step)
        _Step(job, placed._replace(step=step), top, generated=original.is_ours).read()
        if job.calls:
            yield job


def _cells(step: Map) -> list[dict[str, str]]:
    """The cells of a matrix, without those that are skipped."""
    matrix = step.get("matrix")
    setup = matrix if isinstance(matrix, List) else mapping(matrix).get("setup")
    if isinstance(setup, Map):
        lists = {name: [string(item) for item in sequence(setup[name])] for name in setup}
    else:
        lists = {"": [string(item) for item in sequence(setup)]} if setup else {}
    skipped = []
    for item in maps(matrix.get("adjustments") if isinstance(matrix, Map) else None):
        if item.native("skip"):
            given = item.get("with")
            skipped.append(native(given) if isinstance(given, Map) else {"": string(given)})
    return [cell for cell in combined(lists) if cell not in skipped]


def _of_cell(cell: dict[str, str], text: str) -> str:
    """A text with the values of a cell of the matrix."""
    for name, value in cell.items():
        dotted = rf"\.{re.escape(name)}" if name else ""
        text = re.sub(rf"\{{\{{\s*matrix{dotted}\s*\}}\}}", value.replace("\\", r"\\"), text)
    return text


def _name(step: Map) -> str:
    key = step.peek("key") or step.peek("id") or step.peek("identifier")
    label = re.sub(r":[a-z0-9_+-]+:|\{\{[^{}]*\}\}", "", step.peek("label") or step.peek("name"))
    return key or label.strip() or "build-image"


def _environment(job: Job, top: Map, step: Map) -> None:
    known: dict[str, Text] = {}
    for source in (top, step.mapping("env")):
        for name, value in source.items():
            job.environment[name] = _at_upload(peek(value), known)
            if source is top:
                known[name] = job.environment[name]
            if source is not top:
                job.exported[name] = line_of(value, source.line_of(name))
    secrets = step.get("secrets")
    if isinstance(secrets, Map):
        job.secrets |= {
            name: Secret(peek(value), nodes=(value,)) for name, value in secrets.items()
        }
    else:
        job.secrets |= {string(item): Secret(string(item)) for item in sequence(secrets)}
    if secrets:
        job.section["secrets"] = "buildkite"


def _set_in(script: str) -> set[str]:
    """The variables that a script sets."""
    return {one or two for one, two in _MADE.findall(script)}


def _at_upload(text: str, known: Mapping[str, Text]) -> Text:
    """A text after the upload: variables have their values, and what is doubled is halved."""

    def value(match: re.Match[str]) -> Text:
        name = match[1] or match[2]
        if name in known and match.group() in (f"${name}", f"${{{name}}}"):
            return known[name]
        return (Var(name) if name else "$",)

    return filled_in(_UPLOAD, text, value)


def _named(word: str) -> Value:
    return pure((Var(_FIELDS[word], portable=True) if word in _FIELDS else Var(word),))


class _Step:
    def __init__(self, job: Job, placed: _Placed, top: Map, *, generated: bool) -> None:
        self.job = job
        self.step = placed.step
        self.groups = placed.groups
        self.top = top.mapping("env")
        self.agents = top.get("agents")
        self.generated = generated
        self.commands = self._commands()
        self.made = _set_in("\n".join(each.text for each in self.commands))

    def read(self) -> None:
        pieces = [self._uploaded(piece) for piece in self.commands]
        script = pieces if any(self.job.may_build(piece.text) for piece in pieces) else []
        self.plugins = Plugins(self.job, self.step, self._uploaded)
        self.plugins.read(script)
        if "image" in self.step and not self.job.image:
            self.job.image = (self.step.peek("image"),)
            self.job.image_line = self.step.line_of("image")
        if not self.job.calls and script:
            self.job.has_shell = bool(self.job.image)
            self.job.calls = read_pieces(self.job, script).calls
        if not self.job.calls:
            return
        if script:
            self.step.ignore(*_SCRIPTS)  # the shell accounts for them
        self.step.string("image")
        self._take_environment()
        asked = [each.get(key) for each in (*self.groups, self.step) for key in ("if", "branches")]
        with bounded(self.job, *asked):
            self._triggers()
        self._section()

    def _take_environment(self) -> None:
        """Variables of the step reach the executor; those of the pipeline count where read."""
        job = self.job
        take_read(job)
        for value in self.step.mapping("env").values():
            string(value)
        secrets = self.step.get("secrets")
        texts = [job.script_text, self.plugins.text]
        for given in (self.top, secrets if isinstance(secrets, Map) else Map()):
            for name, value in reversed(given.items()):
                if is_named(name, *texts):
                    texts.append(string(value))  # which may name those before it

    # -- scripts ------------------------------------------------------------------------------

    def _commands(self) -> list[Piece]:
        found = []
        for key in _SCRIPTS:
            value = self.step.get(key)
            items = value if isinstance(value, list) else [value]
            found += [Piece(str(item), item.first) for item in items if isinstance(item, Str)]
        return found

    def _uploaded(self, piece: Piece) -> Piece:
        """A script after the upload: ``$$`` halved; what the upload would replace is reported.

        The upload knows the variables of the pipeline, and not those of the step.
        """
        secrets = self.step.get("secrets")
        named = secrets if isinstance(secrets, Map) else map(peek, sequence(secrets))
        own = {*(self.step.get("env") or ()), *named}
        here = _set_in(piece.text)
        told = set[str]()

        def pasted(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            is_made = (name in self.made or name in here) and name not in told
            if not is_made and name not in own:
                return match.group()
            if name in self.top and match.group() in (f"${name}", f"${{{name}}}"):
                return peek(self.top[name])
            row = piece.line + piece.text.count("\n", 0, match.start())
            said = "upload-time" if name in own else "upload-time/script"
            self.job.tell(said, row, match.group(), name)
            told.add(name)
            return match.group()

        text = _SINGLE.sub(pasted, piece.text)
        return Piece(text.replace("\\$", "$$").replace("$$", "$"), piece.line)

    # -- what starts it -----------------------------------------------------------------------

    def _triggers(self) -> None:
        job = self.job
        expressions = Expressions(_named, values_of(Conditions(job.report.asking)))
        asked = [holder for holder in (*self.groups, self.step) if holder.string("if")]
        guard = expressions.guards.all(
            expressions.guard(holder.string("if").replace("$$", "$"), holder.line_of("if"))
            for holder in asked
        )
        holders = (*self.groups, self.step)
        off = [one for one in holders if one.peek("skip") not in {"", "false"}]  # a text says why
        for holder in off:
            line = holder.line_of("skip")
            never = expressions.conditions.unknown(f"skip: {holder.peek('skip')}", line)
            guard = expressions.guards.both(guard, never)
        branches = self.step.string("branches")
        if branches:
            conditions, guards = expressions.conditions, expressions.guards
            text, line = (Var("branch", portable=True),), self.step.line_of("branches")
            named = branches.split()
            found = YES if all(glob[0] == "!" for glob in named) else NO
            for glob in sorted(named, key=lambda glob: glob[0] == "!"):
                one = conditions.glob(text, glob.lstrip("!"), line)
                found = guards.minus(found, one) if glob[0] == "!" else guards.either(found, one)
            guard = guards.both(guard, found)
        paths: list[str] = []
        unsaid = False
        if "if_changed" in self.step:
            changed = self.step["if_changed"]
            listed = mapping(changed).get("include") if isinstance(changed, Map) else changed
            values = [string(item) for item in sequence(listed)]
            line = self.step.line_of("if_changed")
            paths = globs(values, job, line)
            unsaid = bool(values) and not paths
            if isinstance(changed, Map) and "exclude" in changed:
                out = [string(item) for item in sequence(changed["exclude"])]
                kept = globs(out, job, line)
                unsaid = unsaid or len(kept) < len(out)
                paths = [*(paths or ["**"]), *(f"!{glob}" for glob in kept)]
        set_triggers(job, expressions.conditions, guard, job.line, paths=paths, unsaid=unsaid)
        if not (asked or branches or off):
            started = always(paths, implicit=not self.generated)
            job.started = started._replace(held=unsaid)

    # -- native settings ----------------------------------------------------------------------

    def _section(self) -> None:
        job, step, section = self.job, self.step, self.job.section
        given = [key for key in ("secret", "secrets") if key in section]
        kept: dict[str, Any] = {key: section.pop(key) for key in given}
        label = step.string("label") or step.string("name")
        ignore_keys(step, "Buildkite step")
        put(section, "label", label, ":docker: Build image")
        key = step.string("key") or step.string("id") or step.string("identifier")
        put(section, "key", key, "build-image")
        agents = self._agents(step.get("agents")) or self._agents(self.agents)
        queue = agents.pop("queue", "")
        put(section, "queue", queue, "kubernetes")
        if not queue:
            job.tell("queue", job.line)
        put(section, "agents", agents)
        put(section, "timeout_minutes", step.number("timeout_in_minutes"), 60)
        self._retry(section)
        if "concurrency_group" in step:
            section["concurrency_group"] = string(step["concurrency_group"])
            if step.peek("concurrency") == "1":
                step.string("concurrency")
        section.update(kept)
        lifetime = re.search(r"--lifetime[= ](\d+)", job.script_text)
        put(section, "oidc_lifetime_seconds", int(lifetime[1]) if lifetime else None, 300)
        pod_settings(job, self.plugins.pod, self.plugins.container, section)
        self._leave_artifacts()
        job.keep_extra(step, _READ)

    def _leave_artifacts(self) -> None:
        """The files that the executor writes are kept by themselves, and others cannot be."""
        value = self.step.get("artifact_paths")
        listed = sequence(value) if isinstance(value, list) else string(value).split(";")
        written = [spell(path) for call in self.job.calls for path in outputs(call.words)]
        for item in listed:
            path = string(item).strip()
            name = path.removesuffix("/**/*").replace("\\", "")
            if name and not any(f"/{file}".endswith(f"/{name}") for file in written):
                self.job.tell("artifacts", self.step.line_of("artifact_paths"), path)

    def _agents(self, value: Any) -> dict[str, str]:
        if isinstance(value, list):
            pairs = (string(item).partition("=")[::2] for item in value)
            return {name.strip(): text.strip() for name, text in pairs}
        return {name: string(text) for name, text in mapping(value).items()}

    def _retry(self, section: dict[str, Any]) -> None:
        for item in self.step.mapping("retry").sequence("automatic"):
            entry = mapping(item)
            limit = entry.number("limit")
            rest = {key: peek(value) for key, value in entry.items() if key != "limit"}
            if limit is not None:
                section["retry"] = limit if rest in _RETRIED else section.get("retry", limit)
            if rest in _RETRIED:
                native(entry)
            elif entry:
                shown = ", ".join(f"{key} {peek(value)}" for key, value in entry.items())
                self.job.tell("retry/step", line_of(item), shown)
