"""Agola: tasks clone or prepare into the workspace, others build from it.

Agola drops unknown fields in silence, so the verification here is strict: see ``_FIELDS``.
"""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.pipeline import apart, pipeline
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.dialect import impossible, impossible_identities
from ci_kaniko.shell.join import impossible_join
from ci_kaniko.spec.native.owned import OWNED
from ci_kaniko.targets.agola.dialect import DIALECT
from ci_kaniko.targets.agola.model import ARCHITECTURES, arch_of, run_name
from ci_kaniko.targets.agola.tasks import runs_of
from ci_kaniko.targets.shared import (
    impossible_triggers,
    narrow_checkout,
    needed_default_branch,
    no_paths,
    owned_keys,
    unmounted_cache,
)
from ci_kaniko.targets.target import Rendering

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Pipeline
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.agola.tasks import Run

_LARGEST = 1024 * 1024
"""What Agola reads of a file, in bytes."""
_LONGEST_NAME = 100

_EXTRA_TYPES: dict[str, tuple[type, str]] = {
    "ignore_failure": (bool, "true or false"),
    "approval": (bool, "true or false"),
    "user": (str, "text"),
    "docker_registries_auth": (dict, "a mapping of hosts"),
}


def prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    planned = pipeline(spec, "agola")
    planned = planned._replace(images=tuple(map(apart, planned.images)))
    findings = _findings(planned)
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    runs = runs_of(planned)
    findings = [*_impossible_runs(planned, runs)]
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    view = {"runs": [run.fields() for run in runs], "written": [*OWNED["agola"]]}
    return Rendering(view=view)


def _findings(pipeline: Pipeline) -> list[Finding]:
    return [
        *pipeline.findings,
        *pipeline.check(_impossible_builds),
        *pipeline.check(lambda plan: impossible_join(plan) if not plan.arguments else ()),
        *_missing_runners(pipeline),
        *_once(needed_default_branch(image.plan) for image in pipeline.images),
    ]


def _once(findings: Iterable[Iterable[Finding]]) -> list[Finding]:
    """What is said about the whole spec, by the first image that has it."""
    return next((listed for listed in map(list, findings) if listed), [])


def _impossible_builds(plan: Plan) -> Iterator[Finding]:
    extra = plan.spec.agola.extra
    yield from builder_of(plan).impossible_image(plan, with_shell=True)
    yield from impossible(plan, DIALECT)
    yield from impossible_triggers(plan, "schedules", "manual", "pipelines")
    yield from no_paths(plan, "Agola looks at branches, tags and refs, not at the files of a push")
    yield from impossible_identities(plan, DIALECT)
    yield from owned_keys("agola", extra)
    yield from narrow_checkout(
        plan, "its clone fetches no large files", "commands under prepare: can fetch them"
    )
    yield from unmounted_cache(
        plan,
        reason="a task mounts memory only",
        hint="remove it; an image of your own under executor: can hold the folder /cache, where "
        "kaniko looks by itself",
    )
    yield from _wrong_types(extra)


def _wrong_types(extra: Mapping[str, Any]) -> Iterator[Finding]:
    """Agola refuses the whole file for these."""
    for key, (kind, expected) in _EXTRA_TYPES.items():
        if key in extra and not isinstance(extra[key], kind):
            yield Finding("wrong-type", ("agola", "extra", key), f"{quoted(key)} is {expected}")


def _impossible_runs(pipeline: Pipeline, runs: Iterable[Run]) -> Iterator[Finding]:
    """What is wrong with the runs and the names of their tasks."""
    names = {image.name: run_name(image) for image in pipeline.images}
    for image in pipeline.images:
        for needed in image.needs:
            if names[needed] != names[image.name]:
                yield Finding(
                    "separate-runs",
                    image.build.at(("needs",)),
                    f"{quoted(image.name)} needs {quoted(needed)}, and Agola's runs do not wait "
                    "for one another",
                    "agola: {run: NAME} at the top is for all images",
                )
    for run in runs:
        yield from _impossible_names(run)


def _impossible_names(run: Run) -> Iterator[Finding]:
    seen: set[str] = set()
    for task in run.tasks:
        name = task.name
        where = ("images", task.image.name) if task.image.name else ("agola", "run")
        if name in seen:
            message = f"two tasks of the run {quoted(run.name)} would be called {quoted(name)}"
            yield Finding("duplicate-job", where, message, "give one of them another name")
        seen.add(name)
        if len(name.encode()) > _LONGEST_NAME:
            message = f"{quoted(name)} is longer than the {_LONGEST_NAME} bytes of a task's name"
            yield Finding("agola-name", where, message, "a shorter name")
        if task.hands_over and ("/" in name or name in {".", ".."}):
            message = f"{quoted(name)} cannot be the name of the file that holds the digest"
            yield Finding("agola-name", where, message, "letters, digits, - and _")


def _missing_runners(pipeline: Pipeline) -> Iterator[Finding]:
    for image in pipeline.images:
        for job in image.jobs:
            if (job.suffix or job.platform not in {"", "linux/amd64"}) and arch_of(job) is None:
                yield Finding(
                    "missing-runner",
                    image.build.at(("platforms", image.build.platforms.index(job.platform))),
                    f"Agola runs nothing on {job.platform}",
                    f"its architectures are {', '.join(ARCHITECTURES)}",
                )


def refuses(spec: Spec, text: str) -> Iterator[Finding]:
    """Agola reads one file, up to a size."""
    size = len(text.encode())
    if size > _LARGEST:
        yield Finding(
            "too-large",
            ("images",) if spec.images else (),
            f"Agola reads one file of up to 1 MiB, and this one would have {size:,} bytes",
            "outputs: agola: {path: .agola/config.yml, only: [...]} leaves images out; "
            "texts that all of them share can stand in the Dockerfiles",
        )


_FIELDS = {
    "file": {"version", "runs"},
    "run": {"name", "when", "docker_registries_auth", "tasks"},
    "when": {"branch", "tag", "ref"},
    "task": {
        *("name", "when", "runtime", "environment", "shell", "working_dir"),
        *("task_timeout_interval", "depends", "steps", *_EXTRA_TYPES),
    },
    "runtime": {"arch", "containers"},
    "container": {"image", "privileged"},
    "content": {"source_dir", "dest_dir", "paths"},
}
_STEPS: dict[str, set[str]] = {
    "clone": {"depth", "recurse_submodules"},
    "run": {"name", "tty", "command"},
    "save_to_workspace": {"contents"},
    "restore_workspace": {"dest_dir"},
}


def verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    yield from _unknown_fields("file", document)
    if len(document["runs"]) != len(view["runs"]):
        yield "there are other runs than planned"
    for run, planned in zip(document["runs"], view["runs"], strict=False):
        yield from _other_run(run, planned)


def _other_run(run: Any, planned: dict[str, Any]) -> Iterator[str]:
    yield from _unknown_fields("run", run)
    yield from _unknown_fields("when", run.get("when", {}))
    if [task["name"] for task in run["tasks"]] != [task["name"] for task in planned["tasks"]]:
        yield "there are other tasks than planned"
    yield from _differing("the run", run, {**planned, "tasks": run["tasks"]})
    for task, wanted in zip(run["tasks"], planned["tasks"], strict=False):
        yield from _unknown_in_task(task)
        yield from _differing(f"the task {task['name']}", task, wanted)


def _unknown_in_task(task: dict[str, Any]) -> Iterator[str]:
    yield from _unknown_fields("task", task)
    yield from _unknown_fields("when", task.get("when", {}))
    yield from _unknown_fields("runtime", task["runtime"])
    for container in task["runtime"]["containers"]:
        yield from _unknown_fields("container", container)
    for step in task["steps"]:
        yield from _unknown_step(step)
    if not isinstance(task.get("task_timeout_interval", ""), str):
        yield "a timeout that is no text would be nanoseconds"


def _differing(what: str, found: dict[str, Any], planned: dict[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*found, *planned]):
        if found.get(key) != planned.get(key):
            yield f"{key} of {what} is not the planned one"


def _unknown_fields(kind: str, mapping: dict[str, Any]) -> Iterator[str]:
    for name in set(mapping) - _FIELDS[kind]:
        yield f"Agola knows no {name} in a {kind} and would drop it"


def _unknown_step(step: dict[str, Any]) -> Iterator[str]:
    kind, fields = next(iter(step.items()))
    if len(step) != 1 or kind not in _STEPS:
        yield "a step is not of one kind that Agola knows"
        return
    for name in set(fields or {}) - _STEPS[kind]:
        yield f"Agola knows no {name} in a {kind} step and would drop it"
    for content in (fields or {}).get("contents", []):
        yield from _unknown_fields("content", content)
