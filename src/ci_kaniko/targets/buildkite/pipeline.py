"""Buildkite with agent-stack-k8s: steps whose pods are patched to run the executor's debug image.

Every ``$`` of every text is doubled once: ``buildkite-agent pipeline upload`` halves it again, and
the shared quoting leaves nothing that the upload or the kubelet would replace.
"""

from __future__ import annotations

import re

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.inputs import declared
from ci_kaniko.plan.jobs import duplicate_names, no_runner, runner
from ci_kaniko.plan.pipeline import PREPARES, READS_TIME, Named, apart, pipeline, prepared_by
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.dialect import impossible
from ci_kaniko.shell.join import impossible_join
from ci_kaniko.spec.native.owned import OWNED
from ci_kaniko.spec.texts import texts_of
from ci_kaniko.targets.buildkite.dialect import DIALECT, one_registry
from ci_kaniko.targets.buildkite.inputs import takes_inputs
from ci_kaniko.targets.buildkite.plugin import secret_names
from ci_kaniko.targets.buildkite.steps import (
    NODES,
    Uploaded,
    archive,
    asking_for_time,
    job_key,
    key_of,
    preparation_key,
    steps,
    time_key,
)
from ci_kaniko.targets.shared import (
    differing_forms,
    narrow_checkout,
    no_paths,
    owned_keys,
    unmounted_cache,
)
from ci_kaniko.targets.target import Rendering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.native.buildkite import Buildkite
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.buildkite.steps import Step

_MAX_JOBS = 500
_LONGEST_KEY = 100
_NO_PATHS = (
    "Buildkite compares a build with the default branch, so one of that branch, or of a tag on it, "
    "would build nothing"
)


def prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    pipeline = _planned(spec)
    findings = [*pipeline.findings, *_findings(pipeline)]
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    listed = list(steps(pipeline))
    if len(listed) > _MAX_JOBS:
        return Rendering(view={}, findings=(_too_many(spec, len(listed)),))
    first = spec.builds[0]
    view = {
        "inputs": declared(spec, "buildkite") if takes_inputs(first) else {},
        "steps": _with_anchors([_delivered(step) for step in listed]),
    }
    return Rendering(view=view)


def _delivered(step: Step) -> Step:
    """A step as it is written, for the upload to undo; what it sets from inputs is meant for it."""
    extra = _uploaded(step["extra"])
    environment = step["environment"]
    if environment:
        environment = {**environment, **(extra.pop("env", None) or {})}
    return {**_uploaded(step), "environment": environment, "extra": extra}


def _with_anchors(listed: list[Step]) -> list[Step]:
    """The first of several equal plugins gets a name, and the others are this name."""
    groups: list[list[Step]] = []
    for step in listed:
        for group in groups:
            if group[0]["plugin"] == step["plugin"]:
                group.append(step)
                break
        else:
            groups.append([step])
    used: set[str] = set()
    for group in groups:
        name = group[0]["anchor"] if len(group) > 1 else ""
        if name in used:
            name = re.sub("[^A-Za-z0-9-]", "-", group[0]["key"])
        while name in used:
            name += "-"
        used |= {name} - {""}
        for step in group:
            step["anchor"], step["is_alias"] = name, step is not group[0]
    return listed


# -- findings ---------------------------------------------------------------------------------


def _findings(pipeline: Pipeline) -> Iterator[Finding]:
    yield from pipeline.check(_plan_findings)
    for image in pipeline.images:
        if image.join:
            yield from image.findings(impossible_join(image.join))
        yield from image.findings(_image_findings(image))
    yield from duplicate_names(_names(pipeline), "buildkite", "key")
    yield from differing_forms(pipeline)
    for preparation in pipeline.preparations:
        image = prepared_by(preparation, pipeline.images)
        yield from image.findings(_preparation_findings(image))


def _plan_findings(plan: Plan) -> Iterator[Finding]:
    section = plan.spec.buildkite
    if plan.arguments:
        yield from builder_of(plan).impossible_image(plan, with_shell=True)
    yield from impossible(plan, DIALECT)
    yield from one_registry(plan)
    here = {"checkout": "use checkout"} if plan.spec.checkout else {}
    yield from owned_keys("buildkite", section.extra, here)
    yield from narrow_checkout(
        plan, "its agent fetches no large files", "a checkout hook of the agent can fetch them"
    )
    yield from unmounted_cache(plan, section.cache_claim)
    yield from _second_queue(plan.spec)
    yield from _store_names(plan)
    yield from _lost_artifacts(plan)
    yield from _undeliverable(section)
    yield from no_paths(plan, _NO_PATHS)
    yield from _impossible_inputs(plan)


def _names(pipeline: Pipeline) -> Iterator[Named]:
    """The keys of all steps of a pipeline."""
    for image in pipeline.images:
        keys = [job_key(image, job) for job in image.jobs]
        keys += [key_of(image)] if image.join else []
        yield from (Named(image, key, "key") for key in keys)
    for preparation in pipeline.preparations:
        key = preparation_key(preparation, pipeline.images)
        yield Named(prepared_by(preparation, pipeline.images), key, "key", PREPARES)
    if time := time_key(pipeline):
        yield Named(asking_for_time(pipeline)[0], time, "key", READS_TIME)


def names_beside_others(spec: Spec) -> Iterator[Named]:
    """The keys of the steps."""
    return _names(_planned(spec))


def _planned(spec: Spec) -> Pipeline:
    planned = pipeline(spec, "buildkite")
    return planned._replace(images=tuple(map(apart, planned.images)))


def _image_findings(image: Image) -> Iterator[Finding]:
    section = image.build.buildkite
    for index, job in enumerate(image.jobs):
        known = runner(job, section.platform_node_selector, NODES)
        if job.suffix and known is None and not job.requests:
            example = f"platform_node_selector: {{{job.platform}: {{LABEL: VALUE}}}}"
            yield no_runner(job, ("platforms", index), "buildkite", example)
        if len(job_key(image, job).name) > _LONGEST_KEY:
            what = "pull requests" if job.requests else job.platform
            yield Finding(
                "buildkite-key",
                ("buildkite", "key"),
                f"the key of the step for {what} would be longer than {_LONGEST_KEY}",
                f"leave room for -{job.ending}",
            )


def _preparation_findings(image: Image) -> Iterator[Finding]:
    assert image.preparation is not None, "it was found by its preparation"
    name = archive(preparation_key(image.preparation, [image]))
    for index, path in enumerate(image.preparation.prepare.artifacts):
        if path == name:
            yield Finding(
                "impossible-output",
                ("prepare", "artifacts", index),
                f"{quoted(name)} is the archive in which the artifacts are handed over",
                "give the file another name",
            )


def _impossible_inputs(plan: Plan) -> Iterator[Finding]:
    if not plan.reusable:
        return
    for name, item in plan.spec.inputs.items():
        if item.default and "}" in item.default:
            yield Finding(
                "bad-character",
                ("inputs", name, "default"),
                f"{quoted(item.default)} has a }}, at which Buildkite's upload ends a default",
                "leave the } out",
            )
    where = ("buildkite", "extra", "env")
    env = plan.spec.buildkite.extra.get("env") or {}
    if plan.spec.inputs and not isinstance(env, dict):
        yield Finding("wrong-type", where, "env: is not a mapping", "lines such as NAME: text")
        return
    for name in plan.spec.inputs:
        variable = f"INPUT_{name.upper()}"
        if variable in env:
            message = f"{quoted(variable)} is written by ci-kaniko"
            yield Finding("owned-key", (*where, variable), message, "use inputs", on_key=True)


def _too_many(spec: Spec, count: int) -> Finding:
    return Finding(
        "too-many-jobs",
        ("images",) if spec.images else ("platforms",),
        f"Buildkite takes {_MAX_JOBS} jobs in one upload, and these are {count}",
        "outputs: buildkite: takes several files, each with only: and some of the images",
    )


def _undeliverable(section: Buildkite) -> Iterator[Finding]:
    """Texts that no doubling brings through the upload, and no quoting can help."""
    for field in type(section).model_fields:
        for where, text, *_ in texts_of(section, field, type(section)):
            if "$" in text and not _survives(_uploaded(text)):
                yield Finding(
                    "bad-character",
                    ("buildkite", *where),
                    f"{quoted(text)} has a backslash before a $, which Buildkite's upload would "
                    "take away",
                    "leave the backslash out",
                )


def _second_queue(spec: Build) -> Iterator[Finding]:
    if "queue" in spec.buildkite.agents:
        where = ("buildkite", "agents", "queue")
        yield Finding(
            "owned-key", where, "the queue has a field", "use buildkite.queue", on_key=True
        )


def _store_names(plan: Plan) -> Iterator[Finding]:
    """Names that Buildkite's own store does not take."""
    if plan.spec.buildkite.secrets != "buildkite":
        return
    for name in secret_names(plan, files=True):
        if not re.match("[A-Za-z]", name) or re.match("(?i)bk|buildkite", name):
            yield Finding(
                "reserved-name",
                ("buildkite", "secrets"),
                f"Buildkite's own store takes no secret called {quoted(name)}",
                "a name begins with a letter, and not with bk or buildkite",
            )


def _lost_artifacts(plan: Plan) -> Iterator[Finding]:
    for name, path in plan.spec.options.files.items():
        if ";" in path:
            yield Finding(
                "impossible-output",
                ("options", name),
                "Buildkite reads ; between two paths",
                "give the file another name",
            )
        elif builder_of(plan).user:
            yield Finding(
                "impossible-output",
                ("options", name),
                f"the checkout of Buildkite belongs to root, and {builder_of(plan).name} is not",
                "remove it, or another builder on this target",
            )


def _uploaded(value: Any) -> Any:
    """``value`` with every ``$`` doubled, for ``pipeline upload``, but for those of inputs."""
    if isinstance(value, Uploaded):
        return str(value)
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {_uploaded(key): _uploaded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_uploaded(item) for item in value]
    return value


# -- the result -------------------------------------------------------------------------------

_PLUGIN = {"checkout", "podSpecPatch", "metadata"}
_POD = {
    "initContainers",
    "containers",
    "volumes",
    "serviceAccountName",
    "imagePullSecrets",
    "nodeSelector",
    "tolerations",
}
_CONTAINER = {"name", "image", "env", "resources", "volumeMounts", "securityContext"}
_INIT_CONTAINER = {"name", "image", "command", "args", "env", "volumeMounts", "securityContext"}


def verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    listed = document["steps"]
    if [step["key"] for step in listed] != [step["key"] for step in view["steps"]]:
        yield "the steps are not the planned ones"
        return
    for step, planned in zip(listed, view["steps"], strict=True):
        for complaint in _other_step(step, planned):
            yield f"{step['key']}: {complaint}"


def _other_step(step: Any, planned: Step) -> Iterator[str]:
    if step["command"] != planned["script"] or step.get("if", "") != planned["condition"]:
        yield "the step's command or condition is not the planned one"
    waits = step.get("depends_on", []) if planned["depends_on"] else []
    if ([waits] if isinstance(waits, str) else waits) != planned["depends_on"]:
        yield "the step waits for others than planned"
    environment = planned["environment"]
    if environment and step.get("env") != environment:
        yield "the step's environment is not the planned one"
    if step["agents"] != planned["agents"]:
        yield "the step runs elsewhere than planned"
    # Keys and agents are as planned, and the upload sets the inputs that stand in them.
    texts = {name: text for name, text in step.items() if name not in {"key", "depends_on"}}
    texts |= {"agents": {}, "env": {} if environment else step.get("env")}
    texts |= {"if": ""} if environment else {}
    if not all(_survives(text) for text in _texts(texts)):
        yield "a $ is not doubled, so the upload would replace it"
    for key in set(step) - {*OWNED["buildkite"], *planned["extra"], "depends_on", "env"}:
        yield f"a step has no {key}"
    (plugin,) = step["plugins"]
    if set(plugin) != {"kubernetes"}:
        yield "the controller reads the plugin under its bare name only"
        return
    if plugin["kubernetes"] != planned["plugin"]:
        yield "the pod is not the planned one"
    yield from _other_pod(plugin["kubernetes"])


def _other_pod(plugin: dict[str, Any]) -> Iterator[str]:
    pod = plugin["podSpecPatch"]
    (container,) = pod["containers"]
    before = [(each, _INIT_CONTAINER) for each in pod.get("initContainers", [])]
    for kind, known in ((plugin, _PLUGIN), (pod, _POD), (container, _CONTAINER), *before):
        for field in set(kind) - known:
            yield f"the controller knows no {field} there and would drop it"
    if container["name"] != "container-0":
        yield "the patched container is not the one that runs the command"
    mounts = container.get("volumeMounts", [])
    if {mount["name"] for mount in mounts} != {item["name"] for item in pod.get("volumes", [])}:
        yield "a mount has no volume, or a volume no mount"
    if len({mount["mountPath"] for mount in mounts}) < len(mounts):
        yield "two volumes are mounted at one place, and the first one wins"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _survives(text: str) -> bool:
    """Whether every ``$`` is doubled, and none of them escaped by a backslash."""
    runs = re.findall(r"(\\*)(\$+)", text)
    return all(len(dollars) % 2 == 0 and len(slashes) % 2 == 0 for slashes, dollars in runs)
