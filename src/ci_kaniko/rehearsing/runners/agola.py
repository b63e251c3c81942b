"""A task as Agola runs it."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.documents import NotModelled, as_mapping, for_the_event, only
from ci_kaniko.rehearsing.logins import both
from ci_kaniko.rehearsing.recorded import File
from ci_kaniko.rehearsing.running import Outcome, Running, builder_in
from ci_kaniko.rehearsing.sandbox import Result, Sandbox
from ci_kaniko.rehearsing.told import agola as told

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(request: Running) -> Outcome:
    every = agola_tasks(request.text)
    building = {
        name: task
        for name, task in every.items()
        if any(builder_in(step["command"]) for step in _agola_runs(task))
    }
    chosen = every if request.job else for_the_event(building, request.event)
    task = only(chosen, request.job)
    image = task["runtime"]["containers"][0]["image"]
    commands = "\n".join(step["command"] for step in _agola_runs(task))
    cwd = task.get("working_dir", "~/project").replace("~", "/root")
    task_env = _agola_env(task, {**request.secrets, **request.variables})
    shown = {
        **request.container_env(commands),
        **task_env,
        **told.environment(request.event),
    }
    workspace, saved = cwd, dict[str, File]()
    result = Result(0, "", "")
    request.box.mkdir(cwd)
    _agola_runs(task)
    for entry in task["steps"]:
        (kind,) = [entry["type"]] if "type" in entry else entry
        if kind == "clone":
            request.checkout(cwd)
        elif kind == "restore_workspace":
            place = os.path.join(cwd, entry[kind]["dest_dir"])
            request.box.mkdir(place)
            workspace = os.path.normpath(os.path.join(place, _agola_clone(every, task)))
            request.unpack(agola_ancestors(every, task["name"]), place)
            if not request.handed.artifacts:
                request.checkout(workspace)
        elif kind == "save_to_workspace":
            for content in entry[kind]["contents"] if not result.status else ():
                saved |= _agola_saved(request.box, cwd, content)
        elif kind == "run" and not result.status:
            step = entry.get("run", entry)
            step = {"command": step} if isinstance(step, str) else step
            shell = step.get("shell", task.get("shell", "/bin/sh -e"))
            env = {**shown, **_agola_env(step, {**request.secrets, **request.variables})}
            where = os.path.join(cwd, step.get("working_dir", ""))
            done = request.script(step["command"], env, where, shlex.split(shell)[1:])
            result = result.then(done)
    digests = {path: file.text for path, file in saved.items() if path.startswith("digests/")}
    pulls = {image: _agola_pull_login(request, task, image)}
    return Outcome(result, image, workspace, artifacts=saved, outputs=digests, pulls=pulls)


def _agola_pull_login(
    request: Running, task: Mapping[str, Any], image: str
) -> tuple[str, str] | None:
    """Agola looks for a registry under these names, and Docker Hub is index.docker.io."""
    document = as_mapping(yaml11.load(request.text))
    levels = (document, *(one for one in document["runs"] if task in one["tasks"]), task)
    auths: dict[str, Any] = {}
    for level in levels:
        auths |= level.get("docker_registries_auth") or {}
    host, slash, _ = image.partition("/")
    hub = not slash or not ("." in host or ":" in host) or host == "docker.io"
    name = "index.docker.io" if hub else host
    for form in ("{}", "https://{}", "http://{}", "https://{}/v1/", "https://{}/v2/"):
        if form.format(name) in auths:
            given = _agola_env(
                {"environment": auths[form.format(name)]}, {**request.secrets, **request.variables}
            )
            return both(given["username"], given["password"])
    return None


def agola_tasks(text: str) -> dict[str, dict[str, Any]]:
    """Every task of every run by its name."""
    document = as_mapping(yaml11.load(text))
    return {task["name"]: task for each in document["runs"] for task in each["tasks"]}


def agola_parents(task: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a task depends on, each with the outcomes that it may have."""
    found: dict[str, list[str]] = {}
    for entry in task.get("depends") or ():
        long: dict[str, Any] = {"task": entry} if isinstance(entry, str) else entry
        found[long["task"]] = long.get("conditions") or ["on_success"]
    return found


def agola_ancestors(tasks: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """All tasks before one, each once, the first ones first."""
    found: dict[str, None] = {}
    for parent in agola_parents(tasks[name]):
        found |= dict.fromkeys([*agola_ancestors(tasks, parent), parent])
    return list(found)


def saves(task: Mapping[str, Any]) -> bool:
    """Whether a task leaves something in the workspace."""
    return any("save_to_workspace" in step for step in task["steps"])


def _agola_clone(tasks: Mapping[str, Mapping[str, Any]], task: Mapping[str, Any]) -> str:
    """Where in the workspace the clone of an earlier task is."""
    for name in agola_ancestors(tasks, task["name"]):
        kinds = {kind: step for step in tasks[name]["steps"] for kind in step}
        if "clone" in kinds and "save_to_workspace" in kinds:
            contents = kinds["save_to_workspace"]["save_to_workspace"]["contents"]
            return str(contents[0]["dest_dir"])
    return "."


def _agola_saved(box: Sandbox, cwd: str, content: Mapping[str, Any]) -> dict[str, File]:
    """The files of a folder that match one of the paths, under their new folder."""
    source = os.path.normpath(os.path.join(cwd, content["source_dir"]))
    if not box.path(source).is_dir():
        raise NotModelled(f"Agola fails: there is no {source} to save")
    found = {}
    for path, file in box.below(source).items():
        if any(_doublestar(pattern, path) for pattern in content["paths"]):
            found[os.path.normpath(os.path.join(content["dest_dir"], path))] = file
    return found


def _doublestar(pattern: str, path: str) -> bool:
    """`**` is any number of folders, `*` is within one."""
    text = re.escape(pattern).replace(r"/\*\*", "(?:/.*)?").replace(r"\*\*", ".*")
    return re.fullmatch(text.replace(r"\*", "[^/]*"), path) is not None


def _agola_runs(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    steps = []
    for entry in task["steps"]:
        if entry.get("type") == "run" or "run" in entry:
            step = entry.get("run", entry)
            step = {"command": step} if isinstance(step, str) else step
            if "\n" in step["command"] and "name" not in step:
                raise NotModelled("a run step of several lines needs a name")
            steps.append(step)
    return steps


def _agola_env(level: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    env = {}
    for name, value in (level.get("environment") or {}).items():
        if isinstance(value, dict):
            env[name] = variables.get(value["from_variable"], "")
        elif isinstance(value, str):
            env[name] = value
        else:
            raise NotModelled(f"environment {name}: Agola takes strings only, not {value!r}")
    return env
