"""A step as Buildkite's agent stack runs it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing import buildkite_upload, kubelet, yaml11
from ci_kaniko.rehearsing.documents import (
    NotModelled,
    as_mapping,
    as_scalar,
    for_the_event,
    listed,
    only,
)
from ci_kaniko.rehearsing.programs import BUILDKITE_AGENT
from ci_kaniko.rehearsing.recorded import File
from ci_kaniko.rehearsing.runners.kubernetes import fill, left
from ci_kaniko.rehearsing.running import Outcome, Running, builder_in
from ci_kaniko.rehearsing.sandbox import Result
from ci_kaniko.rehearsing.told import buildkite as told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.rehearsing.events import Event


def run(request: Running) -> Outcome:
    job_env = told.environment(request.event)
    pipeline = buildkite_pipeline(request.text, request.event, request.inputs)
    commands = buildkite_commands(pipeline)
    building = {key: step for key, step in commands.items() if builder_in(_buildkite_script(step))}
    chosen = commands if request.job else for_the_event(building or commands, request.event)
    step = only(chosen, request.job)
    pod, container = _buildkite_container(step)
    text = _buildkite_script(step)
    first, volumes = _before(request, pod)
    if first.status:
        return Outcome(first, container.get("image", ""))
    plugin_env = kubelet.environment({**_buildkite_params(step), **container}, request.store)
    mounts = tuple(request.box.mount(m) for m in kubelet.mounts(container, pod, request.store))
    fill(request.box, mounts, volumes)
    image = container.get("image") or step.get("image", "")
    env = {
        **request.container_env(text),
        **plugin_env,
        **{key: as_scalar(value) for key, value in pipeline["env"].items()},
        **{key: as_scalar(value) for key, value in (step.get("env") or {}).items()},
        **_buildkite_secrets([pipeline, step], request.secrets),
        **job_env,
        **request.variables,
    }
    script = kubelet.expand(text, env)
    workspace = told.WORKSPACE
    request.checkout(workspace)
    request.box.write("/workspace/buildkite-agent", BUILDKITE_AGENT, 0o755)
    _buildkite_store(request)
    argv = [request.box.shell, "-ec", script]
    done = request.box.run(
        argv, {**env, "BUILDKITE_COMMAND": script, **request.extra_env}, workspace
    )
    kept = request.box.below(workspace, listed(step.get("artifact_paths", [])))
    outputs = request.box.below("/.record/meta-set")
    return Outcome(
        first.then(done),
        image,
        workspace,
        mounts,
        artifacts={path: File(file.text) for path, file in kept.items()},
        outputs={key: file.text for key, file in outputs.items()},
    )


def _before(request: Running, pod: Mapping[str, Any]) -> tuple[Result, dict[str, File]]:
    """What the pod's own containers do before a step, and what they leave to it."""
    result, volumes = Result(0, "", ""), dict[str, File]()
    for container in pod.get("initContainers", ()):
        env = kubelet.environment(container, request.store)
        mounts = [request.box.mount(m) for m in kubelet.mounts(container, pod, request.store)]
        _, dash, script = container["command"] + container["args"]
        script = kubelet.expand(script, env)
        known = request.container_env(script)
        argv = [request.box.shell, dash, script]
        done = request.box.run(argv, {**known, **env, **request.extra_env}, "/")
        result = result.then(done)
        volumes |= left(request.box, mounts)
        if done.status:
            break
    return result, volumes


def _buildkite_store(request: Running) -> None:
    """What earlier steps uploaded: artifacts keep their names, and lose their modes."""
    request.box.mkdir("/.record/meta-set")
    for step, files in request.handed.artifacts.items():
        for path, file in files.items():
            request.box.write(f"/.record/artifacts/{step}/{path}", file.text)
    for values in request.handed.outputs.values():
        for key, value in values.items():
            request.box.write(f"/.record/meta/{key}", value)


def buildkite_pipeline(
    text: str, event: Event, inputs: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """The pipeline as another job uploads it, with its environment."""
    document = yaml11.load(text)
    elsewhere = {
        **told.environment(event),
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        "BUILDKITE_BUILD_CHECKOUT_PATH": "/upload",
        "BUILDKITE_JOB_ID": "upload",
    }
    return buildkite_upload.upload(as_mapping(document), elsewhere)


def buildkite_commands(pipeline: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every step that runs a command, by its key."""
    return {
        step.get("key") or step.get("label") or str(index): step
        for index, step in enumerate(pipeline["steps"])
        if isinstance(step, dict) and ("command" in step or "commands" in step)
    }


def _buildkite_script(step: Mapping[str, Any]) -> str:
    command = step["command"] if "command" in step else step["commands"]
    return command if isinstance(command, str) else "\n".join(command)


def _buildkite_plugin(step: Mapping[str, Any]) -> dict[str, Any]:
    plugins = step.get("plugins") or []
    entries = [plugin for plugin in plugins if isinstance(plugin, dict) and "kubernetes" in plugin]
    if len(entries) != 1 or len(plugins) != 1:
        raise NotModelled(f"expected the one plugin kubernetes: {plugins}")
    return dict(entries[0]["kubernetes"] or {})


def _buildkite_params(step: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_buildkite_plugin(step).get("commandParams") or {})


def _buildkite_container(step: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    plugin = _buildkite_plugin(step)
    pod = plugin.get("podSpecPatch") or plugin.get("podSpec") or {}
    containers = pod.get("containers") or [{}]
    container = only({str(index): value for index, value in enumerate(containers)}, None)
    if container.get("name", "container-0") != "container-0":
        raise NotModelled(f"{container['name']} would be one more container, not container-0")
    if "command" in container or "args" in container:
        raise NotModelled("command and args of container-0 are not modelled")
    return pod, container


def _buildkite_secrets(
    levels: Iterable[Mapping[str, Any]], secrets: Mapping[str, str]
) -> dict[str, str]:
    found = {}
    for level in levels:
        wanted = level.get("secrets") or {}
        for name, key in wanted.items() if isinstance(wanted, dict) else ((n, n) for n in wanted):
            if key not in secrets:
                raise kubelet.MissingSecret(f"secret {key!r} does not exist")
            found[name] = secrets[key]
    return found
