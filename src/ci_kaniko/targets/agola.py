"""Agola: one task clones into the workspace, the next builds from it.

Agola drops unknown fields in silence, so the verification here is strict: see ``_FIELDS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.findings import Finding, quoted
from ci_kaniko.globs import is_literal, to_regex
from ci_kaniko.plan import CHECKOUT, OUTPUT, executor_image, no_shell, resolve
from ci_kaniko.script import (
    Cell,
    Dialect,
    Impossible,
    Script,
    impossible,
    impossible_identities,
)
from ci_kaniko.shell import continued
from ci_kaniko.targets import Rendering, Target
from ci_kaniko.targets.common import (
    config_folder,
    needed_default_branch,
    no_clock_or_button,
    owned_keys,
    remote_url,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan import Plan
    from ci_kaniko.spec import Spec

_SOURCE = "/kaniko/src"
_OUTPUT = "/kaniko/output"

_OWNED = {
    "name": "agola.run",
    "runtime": "executor and agola.arch",
    "environment": "the fields of the spec",
    "shell": "nothing: the executor's image has one",
    "working_dir": "nothing: kaniko needs its own folder",
    "task_timeout_interval": "agola.timeout",
    "depends": "nothing: the checkout comes first",
    "steps": "the fields of the spec",
    "when": "triggers",
}
_EXTRA_TYPES: dict[str, tuple[type, str]] = {
    "ignore_failure": (bool, "true or false"),
    "approval": (bool, "true or false"),
    "user": (str, "a text"),
    "docker_registries_auth": (dict, "a mapping of hosts"),
}

_NO_CLOCK = Impossible("Agola passes no commit time", "use ${build.timestamp}")
_NO_REGISTRY = Impossible("Agola has no registry of its own", "name the registry's host")

_CELLS: dict[str, Cell | Impossible] = {
    "commit.sha": Cell("AGOLA_GIT_COMMITSHA"),
    "commit.timestamp": _NO_CLOCK,
    "branch": Cell("AGOLA_GIT_BRANCH"),
    "tag": Cell("AGOLA_GIT_TAG"),
    "pull_request.number": Cell("AGOLA_PULL_REQUEST_ID"),
    "repository.url": Cell("repository_url", define=(remote_url("AGOLA_REPOSITORY_URL"),)),
    "repository.path": Cell(
        "repository_path",
        define=(remote_url("AGOLA_REPOSITORY_URL"), "repository_path=${repository_url#https://*/}"),
    ),
    "registry.host": _NO_REGISTRY,
    "registry.image": _NO_REGISTRY,
    "build.id": Impossible("Agola passes no id of a run", "use ${build.number}"),
    "build.number": Cell("AGOLA_RUN_COUNTER"),
    "build.url": Impossible("Agola passes no address of a run", "use ${repository.url}"),
}


def _cells(name: str, plan: Plan) -> Cell | Impossible | None:
    if name.startswith("env."):
        variable = name.removeprefix("env.")
        return Cell(variable, env=(variable, variable))
    if name == "default_branch":
        if plan.spec.default_branch:
            return Cell(literal=plan.spec.default_branch)
        return Impossible("Agola does not tell", "add default_branch: main at the top")
    return _CELLS.get(name)


DIALECT = Dialect(
    target="agola",
    cells=_cells,
    tests={
        "pull-request": '[ -n "$AGOLA_PULL_REQUEST_ID" ]',
        "no-pull-request": '[ -z "$AGOLA_PULL_REQUEST_ID" ]',
    },
    places={CHECKOUT: Cell(literal=_SOURCE), OUTPUT: Cell(literal=_OUTPUT)},
    config="/kaniko/.docker",
    secret_hint="map a secret to this variable in the settings of the project",
    folders=config_folder,
    identity_reason="Agola gives a job no identity of its own",
)


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    plan = resolve(spec, "agola")
    section = spec.agola
    findings = (
        *plan.findings,
        *no_shell(spec.executor),
        *impossible(plan, DIALECT),
        *needed_default_branch(plan),
        *no_clock_or_button(plan),
        *impossible_identities(plan, DIALECT),
        *owned_keys("agola", section.extra, _OWNED, known=_EXTRA_TYPES),
        *_wrong_types(section.extra),
    )
    if findings:
        return Rendering(view={}, findings=findings)
    script = Script(plan, DIALECT)
    text = script.build(lambda words: continued("/kaniko/executor", words))
    variables = dict.fromkeys([*plan.secrets, *script.environment])
    return Rendering(
        view={
            "run": section.run,
            "when": _when(plan),
            "checkout_image": section.checkout_image if plan.reads_checkout else "",
            "arch": section.arch,
            "image": executor_image(spec.executor, with_shell=True),
            "environment": list(variables),
            "timeout": section.timeout,
            "source": _SOURCE,
            "script": text,
            "output": _OUTPUT if plan.outputs else "",
            "registries": section.extra.get("docker_registries_auth", {}),
            "extra": {k: v for k, v in section.extra.items() if k != "docker_registries_auth"},
        }
    )


def _wrong_types(extra: Mapping[str, Any]) -> Iterator[Finding]:
    """Agola refuses the whole file for these."""
    for key, (kind, expected) in _EXTRA_TYPES.items():
        if key in extra and not isinstance(extra[key], kind):
            yield Finding("wrong-type", ("agola", "extra", key), f"{quoted(key)} is {expected}")


def _when(plan: Plan) -> dict[str, list[str]]:
    """What starts the run: in Agola one matching entry is enough, and texts match exactly."""
    started = plan.started
    if "**" in started.branches and "**" in started.tags and started.pull_requests:
        return {}
    branches = [_pattern(glob) for glob in started.branches]
    if started.default_branch and plan.spec.default_branch:
        branches.append(plan.spec.default_branch)
    when = {"branch": branches, "tag": [_pattern(glob) for glob in started.tags]}
    if started.pull_requests:
        when["ref"] = ["#^refs/(pull|merge-requests)/#"]
    return {key: patterns for key, patterns in when.items() if patterns}


def _pattern(glob: str) -> str:
    return glob if is_literal(glob) and not glob.startswith("#") else f"#^{to_regex(glob)}$#"


_FIELDS = {
    "file": {"version", "runs"},
    "run": {"name", "when", "docker_registries_auth", "tasks"},
    "when": {"branch", "tag", "ref"},
    "task": {
        *("name", "runtime", "environment", "shell", "working_dir", "task_timeout_interval"),
        *("depends", "steps", *_EXTRA_TYPES),
    },
    "runtime": {"arch", "containers"},
    "container": {"image"},
}
_STEPS: dict[str, set[str]] = {
    "clone": set(),
    "run": {"name", "tty", "command"},
    "save_to_workspace": {"contents"},
    "restore_workspace": {"dest_dir"},
}


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    run = document["runs"][0]
    yield from _unknown_fields("file", document)
    yield from _unknown_fields("run", run)
    yield from _unknown_fields("when", run.get("when", {}))
    if run.get("when", {}) != view["when"]:
        yield "the run starts for other events than planned"
    for task in run["tasks"]:
        yield from _unknown_fields("task", task)
        yield from _unknown_fields("runtime", task["runtime"])
        for container in task["runtime"]["containers"]:
            yield from _unknown_fields("container", container)
        for step in task["steps"]:
            yield from _unknown_step(step)
        if not isinstance(task.get("task_timeout_interval", ""), str):
            yield "a timeout that is no text would be nanoseconds"
    yield from _other_build(run["tasks"][-1], view)


def _other_build(task: Any, view: dict[str, Any]) -> Iterator[str]:
    step: dict[str, Any] = next((item["run"] for item in task["steps"] if "run" in item), {})
    if not step.get("name") or step.get("command") != view["script"]:
        yield "the run step's script is not the planned one"
    environment = task.get("environment", {})
    if environment != {name: {"from_variable": name} for name in view["environment"]}:
        yield "the task's variables are not the planned ones"
    if task["runtime"]["containers"][0]["image"] != view["image"]:
        yield "the task's image is not the planned one"


def _unknown_fields(kind: str, mapping: dict[str, Any]) -> Iterator[str]:
    for field in set(mapping) - _FIELDS[kind]:
        yield f"Agola knows no {field} in a {kind} and would drop it"


def _unknown_step(step: dict[str, Any]) -> Iterator[str]:
    kind, fields = next(iter(step.items()))
    if len(step) != 1 or kind not in _STEPS:
        yield "a step is not of one kind that Agola knows"
        return
    for field in set(fields or {}) - _STEPS[kind]:
        yield f"Agola knows no {field} in a {kind} step and would drop it"


TARGET = Target(
    name="agola",
    summary="Agola",
    output=".agola/config.yml",
    template="agola.yml.j2",
    prepare=_prepare,
    verify=_verify,
)
