"""Plain shell, Tekton's tasks, and what a Jenkinsfile shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Output, Text, Var, join
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.documents import Map, line_of, mapping, read_yaml, sequence, string
from ci_kaniko.importing.readers.kubernetes import (
    _calls,
    mounts_of,
    read_environment,
    runs_executor,
)
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report


def shell_jobs(path: str, text: str, report: Report) -> Iterator[Job]:
    """A script as one job."""
    if not mentions_executor(text):
        return
    job = Job("shell", "", path, 1, report, plain_secrets=True)
    job.roots = [Root((Var("PWD"),)), Root((Output("pwd"),)), Root((Var("WORKSPACE"),))]
    job.roots += [Root((Output("git rev-parse --show-toplevel"),))]
    job.calls = read_pieces(job, [Piece(text, 1)]).calls
    job.has_shell = False
    yield job


# -- Tekton ------------------------------------------------------------------------------------

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
        volumes = {
            string(mapping(item).get("name")): mapping(item)
            for item in sequence(task.get("volumes"))
        }
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
        job.calls = _calls(job, filled)
    return job


def _filled(step: Map, defaults: dict[str, Any], job: Job) -> Map:
    """A step with its parameters' defaults put in."""
    found = Map(step.line)
    found.lines = dict(step.lines)
    for key, value in step.items():
        found[key] = _value(value, defaults, job)
    return found


def _value(value: Any, defaults: dict[str, Any], job: Job) -> Any:
    from ci_kaniko.importing.readers.documents import List, Str, text

    if isinstance(value, Str):
        made = _substituted(str(value), defaults, job, value.line)
        return text(made, value.line, plain=value.plain, first=value.first)
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


# -- Jenkins -----------------------------------------------------------------------------------

_BLOCK = re.compile(r"(?:'''|\"\"\")(.*?)(?:'''|\"\"\")", re.DOTALL)
_LINE = re.compile(r"\bsh\s*\(?\s*(?:script:\s*)?(['\"])((?:\\.|(?!\1)[^\n\\])*)\1")


def jenkins_jobs(path: str, text: str, report: Report) -> Iterator[Job]:
    """The scripts and the pod of a Jenkinsfile, as far as their text goes."""
    pod = _pod(path, text, report)
    pieces = list(_scripts(text))
    pieces = [piece for piece in pieces if mentions_executor(piece.text)]
    if not pieces:
        return
    job = Job("jenkins", "", path, pieces[0].line, report, plain_secrets=True)
    job.roots = [Root((Var("WORKSPACE"),)), Root((Output("pwd"),)), Root((Var("PWD"),))]
    if pod is not None:
        image = string(pod.get("image"))
        job.image = (image,) if image else ()
        read_environment(job, pod)
        job.mounts = pod_mounts(path, text, pod)
    job.calls = read_pieces(job, pieces).calls
    _leave(job, text)
    if job.calls:
        yield job


def _scripts(text: str) -> Iterator[Piece]:
    for found in re.finditer(r"\bsh\s*\(?\s*(?:script:\s*)?(?='''|\"\"\")", text):
        block = _BLOCK.match(text, found.end())
        if block:
            line = text.count("\n", 0, block.start(1)) + 1
            body = block[1]
            if text[block.start() : block.start() + 3] == '"""':
                body = body.replace("\\$", "$").replace("\\\\", "\\")
            stripped = body.lstrip("\n")
            yield Piece(stripped, line + len(body) - len(stripped))
    for found in _LINE.finditer(text):
        if text.startswith(("'''", '"""'), found.start(1)):
            continue
        yield Piece(found[2].replace("\\$", "$"), text.count("\n", 0, found.start()) + 1)


def _pod(path: str, text: str, report: Report) -> Map | None:
    for block in _BLOCK.finditer(text):
        if "containers:" not in block[1]:
            continue
        shift = "\n" * text.count("\n", 0, block.start(1))
        body = block[1].lstrip("\n")
        pad = "\n" * (len(block[1]) - len(body))
        for root in read_yaml(shift + pad + body, path).roots:
            for item in sequence(mapping(mapping(root).get("spec")).get("containers")):
                if "kaniko" in string(mapping(item).get("image")):
                    return mapping(item)
    return None


def pod_mounts(path: str, text: str, container: Map) -> list[Any]:
    """The secrets that are mounted into the pod's container."""
    for block in _BLOCK.finditer(text):
        if "containers:" in block[1]:
            for root in read_yaml(block[1].lstrip("\n"), path).roots:
                volumes = {
                    string(mapping(item).get("name")): mapping(item)
                    for item in sequence(mapping(mapping(root).get("spec")).get("volumes"))
                }
                return mounts_of(container, volumes)
    return []


def _leave(job: Job, text: str) -> None:
    for key in ("when", "triggers", "parameters", "withCredentials", "post"):
        found = re.search(rf"^\s*{key}\b", text, re.MULTILINE)
        if found:
            job.left(
                "groovy",
                f"{key} is Groovy, which import does not read",
                text.count("\n", 0, found.end()) + 1,
                "write what it says into the spec",
            )


def words_of(text: Text) -> Text:
    """A text joined."""
    return join(text)
