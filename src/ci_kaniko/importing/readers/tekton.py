"""Tekton's tasks, and those inside of pipelines: their steps that run the executor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers import documents
from ci_kaniko.importing.readers.containers import (
    calls_of,
    mounts_of,
    read_environment,
    runs_executor,
    volumes_of,
)
from ci_kaniko.importing.readers.documents import (
    List,
    Map,
    Str,
    line_of,
    mapping,
    sequence,
    string,
)
from ci_kaniko.importing.readers.scripts import Piece, read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_PARAM = re.compile(r"\$\((?:inputs\.)?(?:params|workspaces|context|resources)[.\[][^)]*\)")


def tekton_jobs(root: Map, document: Document, report: Report) -> Iterator[Job]:
    """The steps of a Task, or of the tasks that a Pipeline holds, that run the executor."""
    spec = mapping(root.get("spec"))
    name = string(mapping(root.get("metadata")).get("name"))
    for task in _tasks(spec):
        defaults = {
            string(mapping(item).get("name")): mapping(item).get("default")
            for item in sequence(task.get("params"))
        }
        volumes = volumes_of(task)
        template = mapping(task.get("stepTemplate"))
        for item in sequence(task.get("steps")):
            step = mapping(item)
            if not runs_executor(step) and "executor" not in string(step.get("script")):
                continue
            yield _tekton_step(step, template, defaults, volumes, name, document, report)


def _tasks(spec: Map) -> Iterator[Map]:
    if "steps" in spec:
        yield spec
    for item in sequence(spec.get("tasks")):
        inner = mapping(mapping(item).get("taskSpec"))
        if inner:
            yield inner
    for key in ("taskSpec", "pipelineSpec"):
        if key in spec:
            yield from _tasks(mapping(spec[key]))


def _tekton_step(
    step: Map,
    template: Map,
    defaults: dict[str, Any],
    volumes: dict[str, Map],
    name: str,
    document: Document,
    report: Report,
) -> Job:
    job = Job("tekton", name, document.path, line_of(step), report)
    filled = _filled(step, defaults, job)
    image = string(filled.get("image"))
    job.image = (image,) if image else ()
    job.image_line = step.line_of("image")
    read_environment(job, _filled(template, defaults, job))
    read_environment(job, filled)
    job.mounts = mounts_of(step, volumes)
    job.roots = [
        Root(("$(workspaces.source.path)",)),
        Root(("/workspace/source",)),
        Root(("/workspace",)),
    ]
    folder = string(filled.get("workingDir"))
    if folder:
        job.folder = (folder,)
        job.roots.append(Root((folder,)))
    script = step.get("script")
    if script is not None:
        text = _substituted(string(script), defaults, job, line_of(script))
        job.calls = read_pieces(job, [Piece(text, getattr(script, "first", 0))]).calls
    else:
        job.calls = calls_of(job, filled)
    return job


def _filled(step: Map, defaults: dict[str, Any], job: Job) -> Map:
    """A step with its parameters' defaults put in."""
    found = Map(step.line)
    found.lines = dict(step.lines)
    for key, value in step.items():
        found[key] = _value(value, defaults, job)
    return found


def _value(value: Any, defaults: dict[str, Any], job: Job) -> Any:
    if isinstance(value, Str):
        made = _substituted(str(value), defaults, job, value.line)
        return documents.text(made, value.line, plain=value.plain, first=value.first)
    if isinstance(value, Map):
        return _filled(value, defaults, job)
    if isinstance(value, List):
        out = List(value.line)
        for item in value:
            spread = re.fullmatch(r"\$\(params\.([\w-]+)\[\*\]\)", string(item))
            if spread:
                out += sequence(defaults.get(spread[1]))
                if not sequence(defaults.get(spread[1])):
                    job.left(
                        "parameter",
                        f"the parameter {spread[1]} may hold more arguments",
                        line_of(item),
                        "write them into the spec",
                    )
                continue
            out.append(_value(item, defaults, job))
        return out
    return value


def _substituted(text: str, defaults: dict[str, Any], job: Job, line: int) -> str:
    def value(found: re.Match[str]) -> str:
        parameter = re.fullmatch(r"\$\((?:inputs\.)?params\.([\w-]+)\)", found.group())
        if parameter and defaults.get(parameter[1]) is not None:
            job.left(
                "parameter",
                f"the parameter {parameter[1]} is {string(defaults[parameter[1]])} by default",
                line,
                "the spec has the default",
            )
            return string(defaults[parameter[1]])
        if parameter:
            name = parameter[1].replace("-", "_").upper()
            job.left(
                "parameter",
                f"the parameter {parameter[1]} is given to each run",
                line,
                f"write its value; {name} stands for it",
            )
            return f"<{parameter[1]}>"
        return found.group()

    return _PARAM.sub(value, text)
