"""A job as GitHub's runner runs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing import expressions, yaml11
from ci_kaniko.rehearsing.documents import NotModelled, as_mapping, as_scalar, flat, listed, only
from ci_kaniko.rehearsing.logins import both, docker_pulls
from ci_kaniko.rehearsing.programs import CURL, DOCKER, GIT
from ci_kaniko.rehearsing.running import Outcome, Running
from ci_kaniko.rehearsing.sandbox import Result, Sandbox
from ci_kaniko.rehearsing.told import github as told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.rehearsing.events import Event


def run(request: Running) -> Outcome:
    workflow = as_mapping(yaml11.load(request.text))
    jobs = workflow["jobs"]
    # A single image has one job that builds; one before it may tell refs apart.
    waited_for = flat(job.get("needs", []) for job in jobs.values()) if not request.job else []
    job = only({name: jobs[name] for name in jobs if name not in waited_for}, request.job)
    container = job.get("container")
    known = _github_known(request, workflow, job)
    env = _github_env(request, [workflow, job], known, inside=container is not None)
    request.box.equip()
    if container is None:
        request.box.keep("/.recorder/bin/docker", DOCKER, 0o755)
        request.box.keep("/.recorder/bin/git", GIT, 0o755)
        request.box.keep("/.recorder/bin/curl", CURL, 0o755)
    if (job.get("permissions") or {}).get("id-token") == "write" and not request.event.fork:
        env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://pipelines.example.com/id?api-version=2.0"
        env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "request-rehearsal"
    for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"):
        request.box.write(env[name], "")
    request.box.mkdir(env["HOME"])
    acts = any("uses" in step for step in job["steps"])
    request.checkout(env["GITHUB_WORKSPACE"], cloned=container is None or acts)
    result = Result(0, "", "")
    for step in job["steps"]:
        if "run" in step and not result.status:
            done = _github_step(request, [workflow, job, step], env, known)
            result = result.then(done)
            known |= _step_outputs(request.box, env["GITHUB_OUTPUT"], step.get("id", ""))
    image = container["image"] if isinstance(container, dict) else container or ""
    outputs = {name: _evaluated(text, known) for name, text in (job.get("outputs") or {}).items()}
    credentials = container.get("credentials") if isinstance(container, dict) else None
    pulls = dict(docker_pulls(request.box))
    if container is not None:
        given = credentials or {"username": "", "password": ""}
        pulls[image] = both(*(_evaluated(given[key], known) for key in ("username", "password")))
    return Outcome(
        result,
        image,
        env["GITHUB_WORKSPACE"],
        outputs={name: text for name, text in outputs.items() if text},
        pulls=pulls,
    )


def github_inputs(workflow: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a workflow that is called, as expressions print them."""
    called = (workflow.get("on") or {}).get("workflow_call") or {}
    found = {}
    for name, declared in (called.get("inputs") or {}).items():
        value = given.get(name, declared.get("default", ""))
        found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _github_known(
    request: Running, workflow: Mapping[str, Any], job: Mapping[str, Any]
) -> expressions.Known:
    """What expressions of a job may read, environments aside."""
    token = request.secrets.get("GITHUB_TOKEN", "ghs-rehearsal")
    known: expressions.Known = {
        **github_known(workflow, job, request.event),
        "github.token": token,
        "secrets.GITHUB_TOKEN": token,
        **{f"vars.{name}": value for name, value in request.variables.items()},
        **{f"secrets.{name}": value for name, value in request.secrets.items()},
    }
    for name, value in github_inputs(workflow, request.inputs).items():
        known[f"inputs.{name}"] = value
    for needed in listed(job.get("needs") or []):
        for name, held in request.handed.outputs.get(needed, {}).items():
            known[f"needs.{needed}.outputs.{name}"] = held
    return known


def github_known(
    workflow: Mapping[str, Any], job: Mapping[str, Any], event: Event
) -> expressions.Known:
    """What there is for expressions before anything is given or has run."""
    known: expressions.Known = {**told.context(event), "github.token": "ghs-rehearsal"}
    known |= {f"inputs.{name}": value for name, value in github_inputs(workflow, {}).items()}
    for needed in listed(job.get("needs") or []):
        known[f"needs.{needed}.result"] = "success"
        for name in workflow["jobs"][needed].get("outputs") or {}:
            known[f"needs.{needed}.outputs.{name}"] = ""
    return known


def _step_outputs(box: Sandbox, path: str, step: str) -> expressions.Known:
    """What a step wrote for others; the runner gives the next step a new file."""
    found: expressions.Known = {}
    for line in box.path(path).read_text().splitlines():
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            raise NotModelled(f"GitHub refuses the output {line!r}")
        found[f"steps.{step}.outputs.{name}"] = value
    if step:
        box.write(path, "")
    return found


def _github_env(
    request: Running,
    levels: Sequence[Mapping[str, Any]],
    known: expressions.Known,
    *,
    inside: bool,
) -> dict[str, str]:
    env = told.environment(request.event)
    if inside:
        env = {key: value.replace("/home/runner/work", "/__w") for key, value in env.items()}
        container = levels[-1]["container"]
        scripts = "\n".join(step.get("run", "") for step in levels[-1]["steps"])
        given = request.container_env(scripts)
        env = {**given, "HOME": "/github/home", **env}
        levels = [*levels, container] if isinstance(container, dict) else levels
    else:
        path = "/.recorder/bin:/busybox:/usr/local/bin:/usr/bin:/bin"
        env = {"PATH": path, "HOME": "/home/runner", "USER": "runner", **env}
    for level in levels:
        env = _github_level(level, env, known)
    return env


def _github_level(
    level: Mapping[str, Any], env: Mapping[str, str], known: expressions.Known
) -> dict[str, str]:
    here = {**known, **{f"env.{name}": value for name, value in env.items()}}
    added = level.get("env") or {}
    return {**env, **{name: _evaluated(as_scalar(text), here) for name, text in added.items()}}


def _evaluated(text: str, known: expressions.Known) -> str:
    try:
        return expressions.filled(text, known)
    except expressions.Refused as refused:
        raise NotModelled(str(refused)) from None


def _github_step(
    request: Running,
    levels: Sequence[Mapping[str, Any]],
    env: Mapping[str, str],
    known: expressions.Known,
) -> Result:
    step = levels[-1]
    if "${{" in step["run"] or "if" in step:
        raise NotModelled("an expression in run, or a conditional step")
    if request.box.path(env["GITHUB_ENV"]).stat().st_size:
        raise NotModelled("GITHUB_ENV is not modelled")
    defaults = [((level.get("defaults") or {}).get("run") or {}) for level in levels]
    declared = [level["shell"] for level in [*defaults, step] if "shell" in level]
    cwd = step.get("working-directory", env["GITHUB_WORKSPACE"])
    flags = _github_flags(declared[-1] if declared else "", request.shell)
    return request.script(step["run"], _github_level(step, env, known), cwd, flags)


def _github_flags(declared: str, shell: str) -> list[str]:
    name, *rest = declared.split() or ["sh"]
    if name not in ("sh", "bash", "dash", "/busybox/sh", "/bin/sh"):
        raise NotModelled(f"shell: {declared}")
    if rest:
        return rest[:-1]
    return ["--noprofile", "--norc", "-eo", "pipefail"] if name == shell == "bash" else ["-e"]
