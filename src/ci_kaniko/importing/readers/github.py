"""GitHub's workflows: docker run, jobs in the executor's image, actions, matrices, calls."""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Login, Text, Var, join, literal, split_text
from ci_kaniko.importing.jobs import Job, Root, Secret
from ci_kaniko.importing.readers.documents import (
    Map,
    Str,
    line_of,
    mapping,
    native,
    read_yaml,
    sequence,
    string,
)
from ci_kaniko.importing.readers.expressions import Expressions, Operand
from ci_kaniko.importing.readers.github_actions import action_call
from ci_kaniko.importing.readers.scripts import Piece, read_pieces
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.translate.started import globs, set_triggers
from ci_kaniko.syntax.references import pulled_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.importing.calls import Script
    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_READ = {
    *("name", "if", "runs-on", "timeout-minutes", "environment", "permissions", "container"),
    *("steps", "strategy", "env", "outputs", "needs", "concurrency", "defaults", "services"),
    *("uses", "with", "secrets"),
}
_MAX_CELLS = 50
_ROOTS = ("GITHUB_WORKSPACE", "github.workspace")


def jobs(document: Document, others: Mapping[str, str], report: Report) -> Iterator[Job]:
    """The jobs of a workflow that call the executor."""
    for root in document.roots:
        if isinstance(root, Map):
            yield from _Workflow(root, document.path, others, report, {}).jobs()


class _Workflow:
    def __init__(
        self,
        root: Map,
        path: str,
        others: Mapping[str, str],
        report: Report,
        inputs: dict[str, Text],
        caller: _Workflow | None = None,
    ) -> None:
        self.root = root
        self.path = path
        self.others = others
        self.report = report
        self.inputs = inputs
        self.caller = caller
        self.on = root.get("on", root.get("true", root.get("True")))

    # -- jobs ---------------------------------------------------------------------------------

    def jobs(self) -> Iterator[Job]:
        listed = mapping(self.root.get("jobs"))
        if "runs" in self.root and "jobs" not in self.root:
            listed = Map(1)
            inner = mapping(self.root["runs"])
            listed["action"] = inner
        for name, value in listed.items():
            job = mapping(value)
            if "uses" in job:
                yield from self._called(name, job)
                continue
            for cell in _cells(job):
                made = self._job(name, job, cell, listed.line_of(name))
                if made is not None:
                    yield made

    def _called(self, name: str, job: Map) -> Iterator[Job]:
        """A job of a reusable workflow in the same repository."""
        uses = string(job["uses"])
        if "kaniko" not in uses and not uses.startswith("./"):
            return
        wanted = uses.removeprefix("./").partition("@")[0]
        found = next(
            (
                (text, path)
                for path, text in self.others.items()
                if path == wanted
                or path.endswith(f"/{wanted}")
                or os.path.basename(path) == os.path.basename(wanted)
            ),
            None,
        )
        if found is None:
            found = self._on_disk(wanted)
        if found is None:
            self.report.left(
                "reusable-workflow",
                f"{uses} was not found",
                self.path,
                job.line_of("uses"),
                "name the file on the command line, too",
            )
            return
        given = {key: self.text(string(value)) for key, value in mapping(job.get("with")).items()}
        for root in read_yaml(*found).roots:
            if isinstance(root, Map):
                inner = _Workflow(root, found[1], self.others, self.report, given, self)
                for made in inner.jobs():
                    made.name = name
                    made.section["job"] = name
                    made.section.pop("form", None)
                    made.shared.pop("inputs", None)
                    yield made

    def _on_disk(self, wanted: str) -> tuple[str, str] | None:
        base = os.path.dirname(os.path.abspath(self.path))
        for _ in range(4):
            candidate = os.path.join(base, wanted)
            if os.path.isfile(self.path) and os.path.isfile(candidate):
                with open(candidate, encoding="utf-8", errors="replace") as file:
                    return file.read(), os.path.relpath(candidate)
            base = os.path.dirname(base)
        return None

    def _job(self, name: str, raw: Map, cell: dict[str, Text], line: int) -> Job | None:
        job = Job("github", name, self.path, line, self.report)
        if cell:
            job.name = f"{name}-{cell_name(cell, list(_cells(raw)))}"
        job.roots = [Root((Var(name_),)) for name_ in _ROOTS]
        job.roots.append(Root(("/github/workspace",)))
        scope = _Scope(self, job, cell)
        scope.environment(mapping(self.root.get("env")))
        scope.environment(mapping(raw.get("env")))
        self._container(job, raw, scope)
        calls = []
        for step in sequence(raw.get("steps")):
            calls += scope.step(mapping(step))
        job.calls = tuple(calls)
        if not job.calls:
            return None
        self.set_triggers(job, raw, scope)
        self._section(job, name, raw)
        self._declared(job)
        return job

    def _container(self, job: Job, raw: Map, scope: _Scope) -> None:
        container = raw.get("container")
        image = (
            string(container)
            if isinstance(container, Str)
            else string(mapping(container).get("image"))
        )
        if not image:
            return
        scope.in_container = True
        job.image = scope.text(image)
        job.image_line = line_of(container)
        if "kaniko" not in image:
            return
        job.section["mode"] = "container"
        for step in sequence(raw.get("steps")):
            uses = string(mapping(step).get("uses"))
            if uses.startswith("actions/checkout"):
                job.mended(
                    "action-in-container",
                    f"{uses} runs on Node, which kaniko's image does not have",
                    mapping(step).line_of("uses"),
                    "in mode docker the checkout runs on the runner",
                )
                job.section.pop("mode", None)
        scope.environment(mapping(mapping(container).get("env")))
        self._pull_login(mapping(mapping(container).get("credentials")), job, scope)

    def _pull_login(self, credentials: Map, job: Job, scope: _Scope) -> None:
        """With what the runner pulls the executor: a login of its registry."""
        image = literal(job.image)
        line = credentials.line_of("password")
        if credentials and image is None:
            job.left("pull-login", "the login of a registry that only a run knows", line)
        elif credentials and image:
            user, password = (
                scope.secret(scope.text(string(credentials.get(key))))
                for key in ("username", "password")
            )
            source = "container.credentials"
            scope.logins.append(
                Login((pulled_from(image),), user, password, source=source, line=line)
            )

    def _declared(self, job: Job) -> None:
        """The inputs of a workflow that others call."""
        call = mapping(self.on).get("workflow_call") if isinstance(self.on, Map) else None
        if (
            self.caller is not None
            or not isinstance(self.on, Map)
            or "workflow_call" not in self.on
        ):
            return
        inputs: dict[str, Any] = {}
        for name, value in mapping(mapping(call).get("inputs")).items():
            entry = mapping(value)
            found: dict[str, Any] = {}
            kind = string(entry.get("type"))
            if kind in {"number", "boolean"}:
                found["type"] = kind
            if "default" in entry:
                found["default"] = string(entry["default"])
            if string(entry.get("description")):
                found["description"] = string(entry["description"])
            inputs[name.replace("-", "_").lower()] = found
        if inputs:
            job.shared["inputs"] = inputs
        if len(self.on) == 1:
            job.section["form"] = "reusable"

    # -- what starts a job --------------------------------------------------------------------

    def set_triggers(self, job: Job, raw: Map, scope: _Scope) -> None:
        """What starts the job; a called workflow's jobs start with the caller's."""
        if self.caller is not None:
            self.caller.set_triggers(job, raw, scope)
            return
        expressions = Expressions(scope.operand, job.environment)
        guards = expressions.guards
        paths: list[str] = []
        on = self._events()
        guard = NO
        requests = False
        for event, settings in on.items():
            guard = guards.either(
                guard, self._event(job, event, mapping(settings), expressions, paths)
            )
            requests = requests or event in {"pull_request", "pull_request_target"}
        condition = string(raw.get("if"))
        line = raw.line_of("if")
        bare = _EXPRESSION.fullmatch(condition.strip())
        condition = bare[1] if bare else condition
        if condition and "head.repo.full_name" not in condition:
            within = expressions.guard(condition.strip(), line)
            guard = guards.both(guard, within) if on else within
        elif condition:
            guard = self._own_condition(condition, guard, expressions, line)
        if not on:
            if condition:
                set_triggers(job, expressions.conditions, guard, job.line)
            return
        if set(on) == {"workflow_call"}:
            job.triggers = None
            return
        set_triggers(
            job,
            expressions.conditions,
            guard,
            job.line,
            requests=requests,
            paths=paths,
            schedules=[string(mapping(item).get("cron")) for item in sequence(on.get("schedule"))],
        )

    def _own_condition(self, text: str, guard: int, expressions: Expressions, line: int) -> int:
        """What keeps a pull request of the repository itself from being built twice."""
        pieces = [
            piece for piece in re.split(r"\s*\|\|\s*", text) if "head.repo.full_name" not in piece
        ]
        said = " || ".join(pieces)
        rest = expressions.guard(said, line) if said else YES
        request = expressions.guard("github.event_name == 'pull_request'", line)
        return expressions.guards.both(guard, expressions.guards.either(rest, request))

    def _events(self) -> Map:
        found = Map(line_of(self.on))
        if isinstance(self.on, Map):
            return self.on
        for item in sequence(self.on):
            found[string(item)] = None
        return found

    def _event(
        self, job: Job, event: str, settings: Map, expressions: Expressions, paths: list[str]
    ) -> int:
        guards, conditions = expressions.guards, expressions.conditions
        line = settings.line
        name = (Var("github.event_name"),)
        if event == "push":
            push = conditions.equal(name, ("push",), line)
            ref = self._pushed(job, settings, expressions, paths)
            return guards.both(push, ref)
        if event in {"pull_request", "pull_request_target"}:
            self._request(job, event, settings, paths)
            return conditions.equal(name, ("pull_request",), line)
        if event == "workflow_dispatch":
            return conditions.equal(name, ("workflow_dispatch",), line)
        if event == "schedule":
            return conditions.equal(name, ("schedule",), line)
        if event in {"release", "create"}:
            job.mended(
                "release-event",
                f"on: {event} becomes a push of a tag",
                line or job.line,
                "a release has a tag, whose push starts the job",
            )
            return conditions.filled((Var("tag", portable=True),), line)
        if event in {"workflow_call", "merge_group"}:
            # A merge group is part of what pull_requests: means.
            return NO
        job.left(
            "event",
            f"the event {event} is not carried over",
            line or job.line,
            "triggers: knows pushes, tags, pull requests, schedules and manual runs",
        )
        return NO

    def _pushed(self, job: Job, settings: Map, expressions: Expressions, paths: list[str]) -> int:
        guards, conditions = expressions.guards, expressions.conditions
        branch, tag = (Var("branch", portable=True),), (Var("tag", portable=True),)
        found = NO
        keys = {"branches", "branches-ignore", "tags", "tags-ignore"} & settings.keys()
        for key, text in (("branches", branch), ("tags", tag)):
            every = conditions.glob(text, "**", settings.line)
            if key in settings:
                here = NO
                for item in sequence(settings[key]):
                    glob = string(item)
                    if glob.startswith("!"):
                        one = conditions.glob(text, glob[1:], line_of(item))
                        here = guards.minus(here, one)
                        continue
                    here = guards.either(here, conditions.glob(text, glob, line_of(item)))
                found = guards.either(found, here)
            elif f"{key}-ignore" in settings:
                here = every
                for item in sequence(settings[f"{key}-ignore"]):
                    here = guards.minus(here, conditions.glob(text, string(item), line_of(item)))
                found = guards.either(found, here)
            elif not keys:
                found = guards.either(found, every)
        self._paths(job, settings, paths)
        return found

    def _request(self, job: Job, event: str, settings: Map, paths: list[str]) -> None:
        if event == "pull_request_target":
            job.mended(
                "pull-request-target",
                "pull_request_target gives secrets to foreign code",
                settings.line or job.line,
                "pull requests build without pushing",
            )
        branches = [string(item) for item in sequence(settings.get("branches"))]
        if branches and branches != ["**"]:
            job.left(
                "request-branches",
                f"only pull requests into {', '.join(branches)} start the job",
                settings.line_of("branches"),
                "the spec builds all of them",
            )
        self._paths(job, settings, paths)

    def _paths(self, job: Job, settings: Map, paths: list[str]) -> None:
        values = [string(item) for item in sequence(settings.get("paths"))]
        found = globs(values, job, settings.line_of("paths"))
        paths += [glob for glob in found if glob not in paths]
        if "paths-ignore" in settings:
            job.left(
                "paths-ignore",
                "paths-ignore is not carried over",
                settings.line_of("paths-ignore"),
                "triggers: {paths: ...} lists the paths that count",
            )

    # -- native settings ----------------------------------------------------------------------

    def _section(self, job: Job, name: str, raw: Map) -> None:
        section = job.section
        mode = section.pop("mode", None)
        if mode:
            section["mode"] = mode
        workflow = string(self.root.get("name"))
        if workflow and workflow != "image":
            section["workflow"] = workflow
        if name != "image" and "job" not in section:
            section["job"] = name
        runs_on = raw.get("runs-on")
        labels = [string(item) for item in sequence(runs_on)]
        if isinstance(runs_on, Map):
            labels = [string(item) for item in sequence(runs_on.get("labels"))]
        if labels and labels not in (["ubuntu-24.04"], ["ubuntu-latest"]):
            shown = [label for label in labels if "${{" not in label]
            if shown == labels:
                section["runs_on"] = labels[0] if len(labels) == 1 else labels
            else:
                job.left(
                    "runs-on", f"runs-on: {labels[0]}", raw.line_of("runs-on"), "github.runs_on"
                )
        elif labels == ["ubuntu-latest"]:
            job.mended(
                "moving-runner",
                "ubuntu-latest moves on by itself",
                raw.line_of("runs-on"),
                "ubuntu-24.04",
            )
        minutes = native(raw.get("timeout-minutes"))
        if isinstance(minutes, int) and minutes != 60:
            section["timeout_minutes"] = minutes
        environment = raw.get("environment")
        if environment is not None:
            named = string(environment) or string(mapping(environment).get("name"))
            if named and "${{" not in named:
                section["environment"] = named
        self._leave(job, raw)
        extra = {key: native(value) for key, value in raw.items() if key not in _READ}
        unused = {
            key: string(value)
            for key, value in mapping(raw.get("env")).items()
            if not is_secret_name(key)
            and not re.search(rf"\b{re.escape(key)}\b", _used(raw))
            and "${{" not in string(value)
        }
        if unused:
            extra["env"] = unused
        if extra:
            section["extra"] = extra

    def _leave(self, job: Job, raw: Map) -> None:
        if "needs" in raw:
            job.section["needs"] = [string(item) for item in sequence(raw["needs"])]
        if "permissions" not in raw and "permissions" not in self.root and self.on is not None:
            job.mended(
                "permissions",
                "no permissions are written, so the job's token may have all of them",
                job.line,
                "the rendered job asks for the least",
            )
        if "timeout-minutes" not in raw:
            job.mended(
                "no-timeout",
                "without timeout-minutes a hang takes six hours",
                job.line,
                "60 minutes",
            )
        if "services" in raw:
            job.left("services", "the services of the job", raw.line_of("services"), "github.extra")

    def text(self, value: str) -> Text:
        """A text of the workflow without a job."""
        return (value,) if "${{" not in value else (Var(value.strip("${} ")),)


def _used(raw: Map) -> str:
    found = []
    for step in sequence(raw.get("steps")):
        entry = mapping(step)
        found += [string(entry.get("run")), *map(string, mapping(entry.get("with")).values())]
        found += list(map(string, mapping(entry.get("env")).values()))
    return "\n".join(found)


def _cells(job: Map) -> Iterator[dict[str, Text]]:
    """The cells of a matrix; one without values where there is none."""
    matrix = mapping(mapping(job.get("strategy")).get("matrix"))
    names = [name for name in matrix if name not in {"include", "exclude"}]
    lists = [[_flat(item, name) for item in sequence(matrix[name])] for name in names]
    cells: list[dict[str, str]] = []
    if names:
        for chosen in itertools.product(*lists):
            cell: dict[str, str] = {}
            for part in chosen:
                cell.update(part)
            cells.append(cell)
    for item in sequence(matrix.get("exclude")):
        excluded = {key: string(value) for key, value in mapping(item).items()}
        cells = [cell for cell in cells if not excluded.items() <= cell.items()]
    for item in sequence(matrix.get("include")):
        added = {key: string(value) for key, value in mapping(item).items()}
        fitting = [
            cell
            for cell in cells
            if all(cell.get(k, v) == v for k, v in added.items() if k in names)
        ]
        if fitting and names and any(key in names for key in added):
            for cell in fitting:
                cell.update(added)
        else:
            cells.append(added)
    if not cells:
        yield {}
    for cell in cells[:_MAX_CELLS]:
        yield {name: (value,) if value else () for name, value in cell.items()}


def cell_name(cell: dict[str, Text], cells: list[dict[str, Text]]) -> str:
    """What tells a cell from the others: one value where that is enough."""
    for name, value in cell.items():
        if len({other.get(name) for other in cells}) == len(cells):
            return "-".join(str(part) for part in value)
    return "-".join(str(part) for value in cell.values() for part in value)


def _flat(item: Any, name: str) -> dict[str, str]:
    if isinstance(item, Map):
        return {f"{name}.{key}": string(value) for key, value in item.items()}
    return {name: string(item)}


class _Scope:
    """What the steps of one job know."""

    def __init__(self, workflow: _Workflow, job: Job, cell: dict[str, Text]) -> None:
        self.workflow = workflow
        self.job = job
        self.cell = cell
        self.outputs: dict[str, Text] = {}
        self.in_container = False
        self.files: dict[str, Text] = {}
        self.earlier: list[Piece] = []
        self.lasting: dict[str, Text] = {}
        self.logins: list[Login] = []

    # -- texts --------------------------------------------------------------------------------

    def text(self, value: str) -> Text:
        """A text of the workflow, its expressions as holes."""
        parts: list[Any] = []
        at = 0
        for match in _EXPRESSION.finditer(value):
            parts += [value[at : match.start()], *self.expression(match[1].strip())]
            at = match.end()
        return join([*parts, value[at:]])

    def expression(self, body: str) -> Text:
        """What one expression stands for."""
        if body.startswith("matrix."):
            return self.cell.get(body.removeprefix("matrix."), (Var(body),))
        if body.startswith(("inputs.", "github.event.inputs.")):
            return self._input(body.rpartition("inputs.")[2])
        if body.startswith("env."):
            name = body.removeprefix("env.")
            return self.job.environment.get(name, (Var(name),))
        if body.startswith("steps."):
            return self.outputs.get(body, (Var(body),))
        quoted = re.fullmatch(r"'((?:''|[^'])*)'", body)
        if quoted:
            return (quoted[1].replace("''", "'"),) if quoted[1] else ()
        if body.startswith("format("):
            return self._format(body)
        # Where a secret is not needed, it is kept away: the spec's job asks for it where it pushes.
        kept = re.fullmatch(r".+&&\s*(secrets\.\w+)\s*\|\|\s*''", body, re.DOTALL)
        if kept:
            return (Var(kept[1]),)
        either = re.fullmatch(r"([\w.-]+)\s*\|\|\s*'([^']*)'", body)
        if either:
            inner = self.expression(either[1])
            if len(inner) == 1 and isinstance(inner[0], Var) and not inner[0].changes:
                return (Var(inner[0].name, either[2], (), inner[0].portable),)
            return inner
        return (Var(body),)

    def _input(self, name: str) -> Text:
        if name in self.workflow.inputs:
            return self.workflow.inputs[name]
        on = mapping(self.workflow.on)
        for event in ("workflow_call", "workflow_dispatch"):
            entry = mapping(mapping(mapping(on.get(event)).get("inputs")).get(name))
            reusable = event == "workflow_call" and len(on) == 1 and self.workflow.caller is None
            if entry and not reusable and "default" in entry:
                value = string(entry["default"])
                self.job.left(
                    "input",
                    f"the input {name} is {value or 'empty'} by default",
                    entry.line,
                    "the spec has the default",
                )
                return (value,) if value else ()
        return (Var(f"inputs.{name}"),)

    def _format(self, body: str) -> Text:
        from ci_kaniko.importing.readers.expressions import formatted, tokens

        words = [token for token in tokens(body) if token[0] in {"string", "word"}][1:]
        arguments = [
            self.operand(word) if kind == "word" else Operand((word[1:-1],)) for kind, word in words
        ]
        return formatted(arguments)

    def operand(self, word: str) -> Operand:
        """A word of a condition."""
        if word in {"null", "true", "false"} or re.fullmatch(r"-?\d+", word):
            return Operand((word,), null=word == "null")
        return Operand(self.expression(word))

    def environment(self, entries: Map) -> None:
        """One more level of ``env:``."""
        for name, value in entries.items():
            self._set(name, self.text(string(value)))

    def _set(self, name: str, text: Text) -> None:
        only = text[0].name if len(text) == 1 and isinstance(text[0], Var) else ""
        self.job.secrets.pop(name, None)
        self.job.runtime.pop(name, None)
        if only.startswith("secrets.") or only == "github.token":
            secret = "GITHUB_TOKEN" if only == "github.token" else only.removeprefix("secrets.")
            self.job.secrets[name] = Secret(secret)
            self.job.environment[name] = (Var(name),)
        elif only in self.job.secrets:
            self.job.secrets[name] = self.job.secrets[only]
            self.job.environment[name] = (Var(name),)
        elif only.startswith("vars."):
            self.job.runtime[name] = only.removeprefix("vars.")
            self.job.environment[name] = (Var(name),)
        else:
            self.job.environment[name] = text

    # -- steps --------------------------------------------------------------------------------

    def step(self, step: Map) -> list[Any]:
        """The executor calls of one step."""
        before = (dict(self.job.environment), dict(self.job.secrets), dict(self.job.runtime))
        self.environment(mapping(step.get("env")))
        uses = string(step.get("uses"))
        calls: list[Any] = []
        if uses:
            calls = self._action(step, uses)
        elif "run" in step:
            script = self._run(step)
            calls = list(script.calls)
        if calls:
            self.executed = before
            self._pinned(step, uses)
        kept = {**self.job.secrets}
        if not calls:
            self.job.environment, self.job.secrets, self.job.runtime = before
            self._exported()
            for name, text in self.lasting.items():
                self._set(name, text)
        else:
            self.job.secrets = {**before[1], **kept}
        return [self._with_logins(call) for call in calls]

    def _pinned(self, step: Map, uses: str) -> None:
        if uses and "@" in uses and not re.search(r"@[0-9a-f]{40}", uses):
            self.job.mended(
                "unpinned-action",
                f"{uses} is moving code that can read the job's secrets",
                step.line_of("uses"),
                "the rendered job uses no such action",
            )

    def _exported(self) -> None:
        for name, text in self._env_file.items():
            self._set(name, text)
        self._env_file: dict[str, Text] = {}

    _env_file: dict[str, Text] = {}  # noqa: RUF012 - replaced per job

    def _with_logins(self, call: Any) -> Any:
        from dataclasses import replace

        hosts = {tuple(login.host) for login in call.logins}
        more = tuple(login for login in self.logins if tuple(login.host) not in hosts)
        return replace(call, logins=(*call.logins, *more)) if more else call

    def _run(self, step: Map) -> Script:
        run = step.get("run")
        text = string(run)
        line = getattr(run, "first", step.line)
        folder = string(step.get("working-directory"))
        text = self._new_output(text, line)
        pieces = [Piece(text, line)]
        if folder:
            pieces.insert(0, Piece(f"cd '{folder}'", step.line_of("working-directory")))
        condition = string(step.get("if"))
        self.job.known_files = dict(self.files)
        matrix = {f"matrix.{name}": value for name, value in self.cell.items()}
        pieces = [Piece(self._filled(piece.text, matrix), piece.line) for piece in pieces]
        earlier = [Piece("(", line), *self.earlier, Piece(")", line)] if self.earlier else []
        script = read_pieces(self.job, [*earlier, *pieces])
        self.earlier += pieces
        script = self._own_calls(script, pieces)
        if condition and script.calls:
            self.job.left(
                "step-condition",
                f"the step runs only if: {condition}",
                step.line_of("if"),
                "when: and triggers: say when to push",
            )
        self._written(script, string(step.get("id")))
        return script

    def _own_calls(self, script: Script, pieces: list[Piece]) -> Script:
        """Without the calls of earlier steps, which were read again for what they wrote."""
        from dataclasses import replace

        rows = sum(piece.text.rstrip("\n").count("\n") + 1 for piece in pieces)
        first = max(self.job.lines) - rows + 1
        return replace(script, calls=tuple(call for call in script.calls if call.line >= first))

    def _new_output(self, text: str, line: int) -> str:
        """``::set-output`` as it is written today."""

        def replaced(found: re.Match[str]) -> str:
            self.job.mended(
                "set-output",
                "::set-output is switched off by GitHub",
                line + text.count("\n", 0, found.start()),
                "write NAME=VALUE to $GITHUB_OUTPUT",
            )
            file = {"output": "GITHUB_OUTPUT", "env": "GITHUB_ENV"}[found[2]]
            return f'echo {found[1]}{found[3]}={found[4]}{found[1]} >> "${file}"'

        pattern = r"echo\s+([\"']?)::set-(output|env) name=([\w-]+)::(.*)\1[ \t]*$"
        return re.sub(pattern, replaced, text, flags=re.MULTILINE)

    def _filled(self, text: str, matrix: dict[str, Text]) -> str:
        """Matrix values and outputs of earlier steps are pasted into the script."""

        def value(found: re.Match[str]) -> str:
            body = found[1].strip()
            known = literal(matrix[body]) if body in matrix else None
            if known is None and body.startswith(
                ("steps.", "inputs.", "env.", "github.event.inputs")
            ):
                made = self.expression(body)
                known = literal(made)
                if known is None and len(made) == 1 and isinstance(made[0], Var):
                    var = made[0]
                    if not var.changes and not var.default and not var.portable:
                        return f"${{{{ {var.name} }}}}"
                if known is None:
                    name = f"KANIKO_IMPORT_{len(self.job.environment)}"
                    self.job.environment[name] = made
                    return f"${{{name}}}"
            return found.group() if known is None else known

        return _EXPRESSION.sub(value, text)

    def _written(self, script: Script, step: str) -> None:
        self._env_file = {}
        for path, choices in script.files.items():
            if not choices:
                continue
            text = choices[-1].text
            if "GITHUB_OUTPUT" in path:
                for name, value in _lines(text):
                    self.outputs[f"steps.{step}.outputs.{name}"] = value
            elif "GITHUB_ENV" in path:
                self._env_file.update(_lines(text))
            else:
                self.files[path] = text

    # -- actions ------------------------------------------------------------------------------

    def _action(self, step: Map, uses: str) -> list[Any]:
        given = mapping(step.get("with"))
        texts = {key: self.text(string(value)) for key, value in given.items()}
        name = uses.partition("@")[0]
        if name == "docker/login-action":
            host = texts.get("registry") or ("docker.io",)
            self.logins.append(
                Login(
                    host,
                    self.secret(texts.get("username", ())),
                    self.secret(texts.get("password", ())),
                    source=uses,
                    line=given.line_of("password"),
                )
            )
            return []
        if name == "docker/metadata-action":
            self._metadata(step, texts)
            return []
        if name == "aws-actions/configure-aws-credentials":
            self._aws(texts)
            return []
        if name == "google-github-actions/auth":
            self._google(texts)
            return []
        if name == "azure/login":
            for key, variable in (
                ("tenant-id", "AZURE_TENANT_ID"),
                ("client-id", "AZURE_CLIENT_ID"),
            ):
                if literal(texts.get(key, ())):
                    self.lasting[variable] = texts[key]
            return []
        call = action_call(self.job, step, name, texts, given, self.operand)
        return [call] if call is not None else []

    def secret(self, text: Text) -> Text:
        """A secret's expression as a variable that is known to be one."""
        if len(text) == 1 and isinstance(text[0], Var) and text[0].name == "github.token":
            return (Var("secrets.GITHUB_TOKEN"),)
        return text

    def _metadata(self, step: Map, texts: dict[str, Text]) -> None:
        images = texts.get("images", ())
        name = string(step.get("id"))
        self.job.left(
            "metadata-action",
            "docker/metadata-action makes up tags and labels that only a run can tell",
            step.line_of("uses"),
            "write the tags under destinations: with when:",
        )
        tag = (*images, ":", Var("ref.tag", portable=True))
        self.outputs[f"steps.{name}.outputs.tags"] = join(tag)
        self.outputs[f"steps.{name}.outputs.version"] = (Var("ref.tag", portable=True),)
        self.outputs[f"steps.{name}.outputs.labels"] = ()

    def _aws(self, texts: dict[str, Text]) -> None:
        role = texts.get("role-to-assume", ())
        if literal(role):
            self.lasting["AWS_ROLE_ARN"] = role
        elif role:
            self.job.left(
                "role",
                "the role of AWS is a secret or a variable",
                self.job.line,
                "aws: {role: ARN} holds it as text",
            )
        for key, variable in (
            ("aws-access-key-id", "AWS_ACCESS_KEY_ID"),
            ("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY"),
        ):
            if key in texts:
                self.lasting[variable] = texts[key]

    def _google(self, texts: dict[str, Text]) -> None:
        provider = literal(texts.get("workload_identity_provider", ()))
        account = literal(texts.get("service_account", ()))
        key = texts.get("credentials_json", ())
        if provider and account:
            document = (
                '{"type": "external_account", "audience": "//iam.googleapis.com/'
                + provider
                + '", "service_account_impersonation_url": "https://iamcredentials.googleapis.com/'
                + f'v1/projects/-/serviceAccounts/{account}:generateAccessToken"}}'
            )
            self.job.google_document = document
        elif key:
            self.lasting["GOOGLE_APPLICATION_CREDENTIALS"] = key


def _lines(text: Text) -> Iterator[tuple[str, Text]]:
    """NAME=VALUE, one a line, in a text with holes."""
    for row in split_text(text, "\n"):
        head = row[0] if row and isinstance(row[0], str) else ""
        name, equals, value = head.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][\w-]*", name):
            yield name, join([value, *row[1:]])
