"""The tasks of Agola before the one that builds: they clone, and perhaps make something first."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, put
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.preparing import Before, prepare
from ci_kaniko.importing.readers.scripts import beginning
from ci_kaniko.importing.signs import are_mentioned
from ci_kaniko.importing.ticked import Map, ignore, line_of, mapping, maps, native, peek, string
from ci_kaniko.kaniko.variables import owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """How long a task may take."""
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
    artifacts = _handed_over(job, task)
    called = f"the task {string(task.get('name'))}"
    if not prepare(job, Before(called, image, commands, artifacts, line_of(task))):
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
