"""Agola's runs: tasks that clone, hand over a workspace, and call the executor."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var
from ci_kaniko.importing.jobs import Job, Root, Secret
from ci_kaniko.importing.readers.documents import (
    Map,
    Str,
    line_of,
    mapping,
    native,
    sequence,
    string,
)
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.patterns import globs_of_regex
from ci_kaniko.importing.translate.started import is_ours, section_names, set_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_READ = {
    *("name", "runtime", "environment", "working_dir", "shell", "steps", "depends", "when"),
    *("task_timeout_interval", "user"),
}


def jobs(document: Document, report: Report) -> Iterator[Job]:
    """The tasks that call the executor."""
    for root in document.roots:
        for run in sequence(mapping(root).get("runs")):
            entry = mapping(run)
            for task in sequence(entry.get("tasks")):
                yield from _Task(mapping(task), entry, mapping(root), document, report).jobs()


class _Task:
    def __init__(self, task: Map, run: Map, root: Map, document: Document, report: Report) -> None:
        self.task = task
        self.run = run
        self.root = root
        self.document = document
        self.report = report

    def jobs(self) -> Iterator[Job]:
        pieces = list(self._pieces())
        if not any(mentions_executor(piece.text) for piece in pieces):
            return
        job = Job(
            "agola",
            string(self.task.get("name")),
            self.document.path,
            line_of(self.task),
            self.report,
        )
        self._environment(job)
        self._image(job)
        self._roots(job)
        self._shell(job)
        for step in self._steps():
            self._environment_of(job, mapping(step.get("environment")))
        job.calls = read_pieces(job, pieces).calls
        if not job.calls:
            return
        self._triggers(job)
        self._section(job)
        yield job

    # -- steps --------------------------------------------------------------------------------

    def _all_steps(self) -> Iterator[tuple[str, Map, Any]]:
        """Kind, fields and the written value of each step, in either spelling."""
        for item in sequence(self.task.get("steps")):
            entry = mapping(item)
            kind = string(entry.get("type"))
            if kind:
                yield kind, entry, entry.get("command")
                continue
            for name, value in entry.items():
                yield name, mapping(value), value

    def _steps(self) -> Iterator[Map]:
        for kind, fields, _ in self._all_steps():
            if kind == "run":
                yield fields

    def _pieces(self) -> Iterator[Piece]:
        for kind, fields, value in self._all_steps():
            if kind != "run":
                continue
            command = fields.get("command", value)
            if isinstance(command, Str):
                if "\n" in command and "name" not in fields:
                    self.report.mended(
                        "unnamed-step",
                        "a run of several lines needs a name: Agola refuses the file",
                        self.document.path,
                        line_of(command),
                        "the rendered step has one",
                    )
                folder = string(fields.get("working_dir"))
                if folder:
                    yield Piece(f"cd '{folder}'", fields.line_of("working_dir"))
                yield Piece(str(command), command.first)

    # -- parts --------------------------------------------------------------------------------

    def _environment(self, job: Job) -> None:
        for container in sequence(mapping(self.task.get("runtime")).get("containers"))[:1]:
            self._environment_of(job, mapping(mapping(container).get("environment")))
        self._environment_of(job, mapping(self.task.get("environment")))

    def _environment_of(self, job: Job, entries: Map) -> None:
        for name, value in entries.items():
            if isinstance(value, Map):
                variable = string(value.get("from_variable"))
                job.secrets[name] = Secret(variable)
                job.runtime[name] = variable
            else:
                text = string(value)
                job.environment[name] = (text,) if text else ()

    def _image(self, job: Job) -> None:
        containers = sequence(mapping(self.task.get("runtime")).get("containers"))
        first = mapping(containers[0]) if containers else Map()
        image = string(first.get("image"))
        job.image = (image,) if image else ()
        job.image_line = first.line_of("image")

    def _shell(self, job: Job) -> None:
        shell = string(self.task.get("shell"))
        text = "\n".join(piece.text for piece in self._pieces())
        if shell and " -" not in shell and not re.search(r"set -\w*e", text):
            job.mended(
                "no-exit-on-error",
                f"{shell} has no -e: a failing line does not fail the step",
                self.task.line_of("shell"),
                "/busybox/sh -e",
            )

    def _roots(self, job: Job) -> None:
        folder = string(self.task.get("working_dir")) or "~/project"
        job.folder = (folder,)
        for kind, fields, _ in self._all_steps():
            if kind == "restore_workspace":
                target = string(fields.get("dest_dir")) or "."
                root = posixpath.normpath(posixpath.join(folder, target))
                job.roots.append(Root((root,)))
                if root.startswith("/workspace"):
                    job.mended(
                        "wiped-context",
                        f"kaniko wipes {root} between two stages, and the context with it",
                        fields.line or job.line,
                        "/kaniko/src, which kaniko leaves alone",
                    )
            elif kind == "save_to_workspace":
                for item in sequence(fields.get("contents")):
                    source = string(mapping(item).get("source_dir"))
                    if source.startswith("/kaniko/"):
                        job.outputs.append(Root((source,)))
            elif kind == "clone":
                job.roots.append(Root((folder,)))
        if not job.roots:
            job.roots.append(Root((folder,)))

    # -- what starts it -----------------------------------------------------------------------

    def _triggers(self, job: Job) -> None:
        conditions = Conditions()
        guard = YES
        asked = False
        for holder in (self.run, self.task):
            when = mapping(holder.get("when"))
            if when:
                asked = True
                guard = conditions.guards.both(guard, self._when(conditions, when))
        if asked:
            set_triggers(job, conditions, guard, job.line)
        else:
            job.requests = True
            job.implicit_requests = not is_ours(self.document.text)
            job.triggers = {"branches": ["**"], "tags": ["**"], "pull_requests": True}

    def _when(self, conditions: Conditions, when: Map) -> int:
        guards = conditions.guards
        found = NO
        for key, name in (("branch", "branch"), ("tag", "tag"), ("ref", "AGOLA_GIT_REF")):
            value = when.get(key)
            if value is None:
                continue
            text: Text = (Var(name, portable=key != "ref"),)
            include = (
                sequence(mapping(value).get("include"))
                if isinstance(value, Map)
                else (sequence(value))
            )
            exclude = sequence(mapping(value).get("exclude")) if isinstance(value, Map) else []
            here = NO if include else conditions.filled(text, line_of(value))
            for item in include:
                here = guards.either(here, self._one(conditions, text, item))
            for item in exclude:
                here = guards.minus(here, self._one(conditions, text, item))
            found = guards.either(found, here)
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
        globs = globs_of_regex(body, extended=True)
        if globs is None:
            return conditions.regex(text, body, line)
        found = NO
        for glob in globs:
            found = conditions.guards.either(found, conditions.glob(text, glob, line))
        return found

    # -- native settings ----------------------------------------------------------------------

    def _section(self, job: Job) -> None:
        section = job.section
        section_names(section, "run", string(self.run.get("name")), "build-image")
        arch = string(mapping(self.task.get("runtime")).get("arch"))
        if arch:
            section["arch"] = arch
        timeout = string(self.task.get("task_timeout_interval")) or string(
            self.run.get("task_timeout_interval")
        )
        if timeout and timeout != "1h":
            section["timeout"] = timeout
        image = self._checkout_image(job)
        if image:
            section["checkout_image"] = image
        extra = {key: native(value) for key, value in self.task.items() if key not in _READ}
        auth = self.run.get("docker_registries_auth", self.root.get("docker_registries_auth"))
        if auth is not None:
            extra["docker_registries_auth"] = native(auth)
        if extra:
            section["extra"] = extra

    def _checkout_image(self, job: Job) -> str:
        from ci_kaniko.kaniko.pins import GIT_IMAGE

        needed = {
            string(item) or string(mapping(item).get("task")) or next(iter(mapping(item)), "")
            for item in sequence(self.task.get("depends"))
        }
        found = ""
        for item in sequence(self.run.get("tasks")):
            task = mapping(item)
            if string(task.get("name")) not in needed:
                continue
            containers = sequence(mapping(task.get("runtime")).get("containers"))
            image = string(mapping(containers[0]).get("image")) if containers else ""
            kinds = [name for step in sequence(task.get("steps")) for name in mapping(step)]
            runs = [step for step in sequence(task.get("steps")) if "run" in mapping(step)]
            if runs:
                self._prepared(job, task, image, runs)
            elif "clone" in kinds and image != GIT_IMAGE:
                found = image
        return found

    def _prepared(self, job: Job, task: Map, image: str, runs: list[Any]) -> None:
        """A task that makes something first."""
        commands = []
        for step in runs:
            value = mapping(step)["run"]
            fields = mapping(value)
            text = string(fields.get("command")) or string(value)
            if text:
                commands.append(text.strip())
        artifacts = []
        for step in sequence(task.get("steps")):
            saved = mapping(mapping(step).get("save_to_workspace"))
            for item in sequence(saved.get("contents")):
                entry = mapping(item)
                source = string(entry.get("source_dir")) or "."
                target = posixpath.normpath(string(entry.get("dest_dir")).strip("/") or ".")
                for path in sequence(entry.get("paths")):
                    name = posixpath.normpath(posixpath.join(source, string(path)))
                    if "*" in name or name in {"Dockerfile", ".dockerignore", "."}:
                        continue
                    if target not in {".", posixpath.dirname(name) or "."}:
                        job.left(
                            "moved-artifact",
                            f"{name} is handed over as {target}/{posixpath.basename(name)}",
                            line_of(path),
                            f"the build gets it as {name}: change the Dockerfile's COPY",
                        )
                    artifacts.append(name)
        if commands and artifacts and image:
            job.shared["prepare"] = {
                "image": image,
                "commands": commands,
                "artifacts": artifacts,
            }
            job.carried(
                "prepare", f"the task {string(task.get('name'))} is prepare:", line_of(task)
            )
        else:
            job.left(
                "earlier-task",
                f"the task {string(task.get('name'))} runs before",
                line_of(task),
                "prepare: {image: ..., commands: ..., artifacts: ...}",
            )
