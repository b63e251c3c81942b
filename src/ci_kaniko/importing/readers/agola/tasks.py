"""Agola's runs: tasks that clone, hand over a workspace, and call the executor."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var
from ci_kaniko.importing.jobs import Facts, Job, Root, Secret, put
from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.pods.containers import take_read
from ci_kaniko.importing.readers.preparing import prepare
from ci_kaniko.importing.readers.scripts import (
    Piece,
    beginning,
    goes_on,
    is_named,
    read_pieces,
    sets_exit,
)
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.regular import globs_of
from ci_kaniko.importing.signs import are_mentioned
from ci_kaniko.importing.ticked import (
    Map,
    Str,
    ignore,
    line_of,
    mapping,
    maps,
    native,
    peek,
    sequence,
    string,
)
from ci_kaniko.importing.translate.started import always, bounded, set_triggers
from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.kaniko.variables import owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original


_FACTS = Facts("agola")
_READ = {
    *("name", "runtime", "environment", "working_dir", "shell", "steps", "depends", "when"),
    *("task_timeout_interval", "user", "docker_registries_auth"),
}
"""Keys of a task that have a field, or none: all others are extra."""


def jobs(original: Original) -> Iterator[Job]:
    """The tasks that call the executor."""
    for root in map(mapping, original.roots):
        made: list[Job] = []
        for run in maps(root.get("runs")):
            for task in maps(run.get("tasks")):
                reader = _Task(task, run, root, original)
                for job in reader.jobs():
                    made.append(job)
                    yield job
        if made:
            ignore_keys(root, "Agola file")
            later(made[0], root, "agola: {extra: ...} takes keys of a task as they are")


class _Task:
    def __init__(self, task: Map, run: Map, root: Map, original: Original) -> None:
        self.task = task
        self.run = run
        self.root = root
        self.original = original
        self.container = next(maps(task.mapping("runtime").get("containers")), Map())

    def jobs(self) -> Iterator[Job]:
        """The task as a job, if it calls the executor."""
        pieces = list(self._pieces())
        if not any(self.original.may_build(piece.text) for piece in pieces):
            return
        job = Job(_FACTS, self.task.peek("name"), self.original, line_of(self.task))
        self._environment(job, self.container)
        self._environment(job, self.task)
        image = self.container.string("image")
        job.image = (image,) if image else ()
        job.image_line = self.container.line_of("image")
        self._roots(job)
        self._shell(job)
        for kind, fields, _ in steps_of(self.task):
            if kind == "run":
                self._secrets(job, fields)
        job.calls = read_pieces(job, pieces).calls
        if not job.calls:
            return
        if any(call.builder in BUILDER_IMAGES for call in job.calls):
            self.container.is_true("privileged")  # what ci-kaniko lets other builders do
        self._account(job)
        with bounded(job, self.run.get("when"), self.task.get("when")):
            self._triggers(job)
        self._section(job)
        yield job

    # -- steps --------------------------------------------------------------------------------

    def _pieces(self) -> Iterator[Piece]:
        for kind, fields, value in steps_of(self.task):
            if kind != "run":
                continue
            command = fields.get("command", value)
            if isinstance(command, Str):
                if "\n" in command and "name" not in fields:
                    self.original.report.tell("unnamed-step", self.original.path, line_of(command))
                yield Piece("(", command.first)
                folder = fields.peek("working_dir")
                if folder:
                    yield Piece(f"cd '{folder}'", fields.line_of("working_dir"))
                given = fields.mapping("environment")
                for name, text in given.items():
                    if isinstance(text, Str) and name.isascii() and name.isidentifier():
                        yield Piece(f"export {name}={shlex.quote(text)}", given.line_of(name))
                yield Piece(str(command), command.first)
                yield Piece(")", command.first)

    def _account(self, job: Job) -> None:
        """The shell accounts for the commands; variables count where they are read."""
        take_read(job)
        ignore_keys(self.task, "Agola task")
        for kind, fields, value in steps_of(self.task):
            fields.ignore("type")
            if kind == "run":
                ignore_keys(fields, "Agola run")
                ignore(fields.get("command", value))
                fields.ignore("working_dir")
                self._take_variables(job, fields)
        self._take_variables(job, self.task)
        self._take_variables(job, self.container)

    def _take_variables(self, job: Job, holder: Map) -> None:
        for name, value in holder.mapping("environment").items():
            if isinstance(value, Str) or is_named(name, job.script_text):
                native(value.get("from_variable") if isinstance(value, Map) else value)

    # -- parts --------------------------------------------------------------------------------

    def _environment(self, job: Job, holder: Map) -> None:
        self._secrets(job, holder)
        entries = holder.mapping("environment")
        for name, value in entries.items():
            if not isinstance(value, Map):
                text = peek(value)
                job.environment[name] = (text,) if text else ()
                job.exported[name] = entries.line_of(name)

    def _secrets(self, job: Job, holder: Map) -> None:
        for name, value in holder.mapping("environment").items():
            if variable := mapping(value).peek("from_variable"):
                job.secrets[name] = Secret(variable, nodes=(mapping(value)["from_variable"],))
                job.runtime[name] = variable

    def _shell(self, job: Job) -> None:
        shell = self.task.string("shell")
        text = "\n".join(piece.text for piece in self._pieces())
        if re.search(r" -\w*x", shell):
            job.tell("trace-shows-secrets", self.task.line_of("shell"), shell)
        job.goes_on = bool(shell) and goes_on(shell.split())
        if job.goes_on and not sets_exit(text):
            job.tell("no-exit-on-error", self.task.line_of("shell"), shell)

    def _roots(self, job: Job) -> None:
        folder = self.task.string("working_dir") or "~/project"
        job.folder = (folder,)
        for kind, fields, value in steps_of(self.task):
            if kind == "restore_workspace":
                target = fields.string("dest_dir") or "."
                place = checkout_folder(self.task, self.run)
                root = posixpath.normpath(posixpath.join(folder, target, place))
                job.roots.append(Root((root,)))
                if (names := unsaved(self.task, self.run)) is not None:
                    job.tell("no-checkout/workspace", fields.line or job.line, names)
                if root.startswith("/workspace"):
                    job.tell("wiped-context", fields.line or job.line, root)
            elif kind == "save_to_workspace":
                for item in maps(fields.get("contents")):
                    source = item.peek("source_dir")
                    if source.startswith("/kaniko/"):
                        item.ignore(*SAVED)
                        job.outputs.append(Root((source,)))
            elif kind == "clone":
                clone_options(job, fields, value)
                job.roots.append(Root((folder,)))
        if not job.roots:
            job.roots.append(Root((folder,)))
            script = "\n".join(piece.text for piece in self._pieces())
            if not re.search(r"\b(?!dir\b)[a-z0-9]+://", script):
                job.tell("no-checkout", job.line)

    # -- what starts it -----------------------------------------------------------------------

    def _triggers(self, job: Job) -> None:
        conditions = Conditions(job.report.asking)
        guard = YES
        asked = False
        for holder in (self.run, self.task):
            when = holder.mapping("when")
            if when:
                asked = True
                guard = conditions.guards.both(guard, self._when(conditions, when))
        if asked:
            set_triggers(job, conditions, guard, job.line)
        else:
            job.started = always(implicit=not self.original.is_ours)

    def _when(self, conditions: Conditions, when: Map) -> int:
        guards = conditions.guards
        found = NO
        for key, name in (("branch", "branch"), ("tag", "tag"), ("ref", "AGOLA_GIT_REF")):
            value = when.get(key)
            if value is None:
                continue
            text: Text = (Var(name, portable=key != "ref"),)
            include = (
                mapping(value).sequence("include") if isinstance(value, Map) else (sequence(value))
            )
            exclude = mapping(value).sequence("exclude") if isinstance(value, Map) else []
            out, here = (
                guards.any(self._one(conditions, text, item) for item in items)
                for items in (exclude, include)
            )
            here = here if include else conditions.filled(text, line_of(value))
            found = guards.either(found, guards.minus(here, out))
        return found

    def _one(self, conditions: Conditions, text: Text, item: Any) -> int:
        value, line = string(item), line_of(item)
        regex = re.fullmatch(r"([/#])(.*)\1", value, re.DOTALL)
        if not regex:
            return conditions.equal(text, (value,), line)
        body = regex[2]
        if "refs/(pull" in body or "refs/pull" in body:
            return conditions.filled((Var("pull_request.number", portable=True),), line)
        if body in ("^.+$", ".+", ".*", "^.*$"):
            return conditions.filled(text, line)
        globs = globs_of(body)
        if globs is None:
            return conditions.regex(text, body, line)
        return conditions.guards.any(conditions.glob(text, glob, line) for glob in globs)

    # -- native settings ----------------------------------------------------------------------

    def _section(self, job: Job) -> None:
        section = job.section
        put(section, "run", self.run.string("name"))
        runtime = self.task.mapping("runtime")
        put(section, "arch", runtime.string("arch"))
        if runtime.peek("type") == "pod":
            runtime.string("type")  # as it is by itself
        timeout = timeout_of(self.task, self.run)
        for holder in (self.task, self.run):
            holder.string("task_timeout_interval")
        put(section, "timeout", timeout, "1h")
        if image := earlier_tasks(job, self.task, self.run):
            job.shared["tools"] = {"git": image}
        auth = self.run.get("docker_registries_auth", self.root.get("docker_registries_auth"))
        job.keep_extra(self.task, _READ, docker_registries_auth=native(auth))


# -- the tasks before the one that builds ------------------------------------------------------


SAVED = ("source_dir", "dest_dir", "paths")
"""What is handed over, from where and to where."""


def clone_options(job: Job, fields: Map, value: Any) -> None:
    """How the repository is cloned, by a step with some fields or with a lone value."""
    ignore(value if not isinstance(value, Map) else None)
    checkout: dict[str, Any] = {}
    put(checkout, "depth", fields.number("depth"))
    if fields.native("recurse_submodules") is True:
        checkout["submodules"] = "recursive"
    job.check_out(checkout)


def earlier_tasks(job: Job, built: Map, run: Map) -> str:
    """The tasks that the one that builds needs; the image of the one that only clones."""
    from ci_kaniko.kaniko.pins import GIT_IMAGE

    found = ""
    names = {other.peek("name") for other in _needed(built, run)}
    for item, name in zip(built.sequence("depends"), _names(built), strict=True):
        if name in names:
            string(item) or mapping(item).string("task")
    for task in _needed(built, run):
        task.string("name")
        runtime = task.mapping("runtime")
        containers = list(maps(runtime.get("containers")))
        image = string(containers[0].get("image")) if containers else ""
        if runtime.peek("arch") == built.mapping("runtime").peek("arch"):
            runtime.string("arch")
        if task.peek("task_timeout_interval") == timeout_of(built, run):
            task.string("task_timeout_interval")
        clones = False
        for kind, fields, value in steps_of(task):
            if kind == "clone":
                fields.ignore("type")
                clone_options(job, fields, value)
                clones = True
        for item, fields in _checkouts(task):
            item.ignore(*SAVED)
            fields.ignore("type")
        for name, value in task.mapping("environment").items():
            if owner_of_variable(name) == "proxy":
                native(value)  # the rendered checkout goes through the proxy, too
        runs = [(fields, value) for kind, fields, value in steps_of(task) if kind == "run"]
        if any(are_mentioned(peek(fields.get("command", value))) for fields, value in runs):
            job.section.setdefault("needs", []).append(task.peek("name"))
            _handed_over(job, task)
        elif runs:
            _prepared(job, task, image, runs)
        elif clones and image != GIT_IMAGE:
            found = image
    return found


def _needed(task: Map, run: Map) -> Iterator[Map]:
    """The tasks that one waits for."""
    names = [*_names(task)]
    return (other for other in maps(run.get("tasks")) if other.peek("name") in names)


def _before(task: Map, run: Map) -> list[Map]:
    """Those, and the ones that they wait for: the workspaces of all of them are restored."""
    found: list[Map] = []
    pending = [*_needed(task, run)]
    while pending:
        other = pending.pop(0)
        if not any(other is each for each in found):
            found.append(other)
            pending += _needed(other, run)
    return found


def _names(task: Map) -> Iterator[str]:
    for item in task.sequence("depends"):
        yield peek(item) or mapping(item).peek("task") or next(iter(mapping(item)), "")


def unsaved(task: Map, run: Map) -> str | None:
    """The tasks that one waits for, where none of them saves a checkout for it."""
    for other in _before(task, run):
        if {"clone", "save_to_workspace"} <= {kind for kind, _, _ in steps_of(other)}:
            return None
    return ", ".join(_names(task)) or "it depends on none"


def checkout_folder(task: Map, run: Map) -> str:
    """Where in the workspace the checkout lies that one waits for."""
    kept = (item for other in _before(task, run) for item, _ in _checkouts(other))
    return next((item.peek("dest_dir") for item in kept), "") or "."


def _checkouts(task: Map) -> Iterator[tuple[Map, Map]]:
    """What a task saves that is its whole folder, and the step that does."""
    for kind, fields, _ in steps_of(task):
        for item in maps(fields.get("contents")) if kind == "save_to_workspace" else ():
            paths = [peek(path) for path in item.sequence("paths")]
            if (item.peek("source_dir") or ".") == "." and paths == ["**"]:
                yield item, fields


def timeout_of(task: Map, run: Map) -> str:
    return task.peek("task_timeout_interval") or run.peek("task_timeout_interval")


def _prepared(job: Job, task: Map, image: str, runs: list[tuple[Map, Any]]) -> None:
    """A task that makes something first."""
    commands = []
    for fields, value in runs:
        fields.ignore("type")
        ignore_keys(fields, "Agola run")
        text = string(fields.get("command", value))
        if text:
            commands.append(text.strip())
    made = {"image": image, "commands": commands, "artifacts": _handed_over(job, task)}
    called = f"the task {string(task.get('name'))}"
    if not prepare(job, called, line_of(task), made):
        does = image or "no image", "; ".join(map(beginning, commands))
        job.tell("earlier-task", line_of(task), called, *does)


def _handed_over(job: Job, task: Map) -> list[str]:
    """The files that a task saves for others, where they lie in the checkout."""
    artifacts = []
    for kind, fields, _ in steps_of(task):
        for entry in maps(fields.get("contents")) if kind == "save_to_workspace" else ():
            source = entry.string("source_dir") or "."
            target = posixpath.normpath(entry.string("dest_dir").strip("/") or ".")
            for path in entry.sequence("paths"):
                name = posixpath.normpath(posixpath.join(source, string(path)))
                if "*" in name or name in {"Dockerfile", ".dockerignore", "."}:
                    continue
                if target not in {".", posixpath.dirname(name) or "."}:
                    moved = f"{target}/{posixpath.basename(name)}"
                    job.tell("moved-artifact", line_of(path), name, moved)
                artifacts.append(name)
    return artifacts


def steps_of(task: Map) -> Iterator[tuple[str, Map, Any]]:
    """Kind, fields and the written value of each step of a task, in either spelling."""
    for item in maps(task.get("steps")):
        kind = item.peek("type")
        if kind:
            yield kind, item, item.get("command")
            continue
        for name, value in item.items():
            yield name, value if isinstance(value, Map) else Map(line_of(value)), value
