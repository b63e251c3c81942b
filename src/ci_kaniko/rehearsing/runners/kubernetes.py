"""A container as the kubelet runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.rehearsing import kubelet, yaml11
from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.running import Outcome, Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.rehearsing.recorded import File, Mount
    from ci_kaniko.rehearsing.sandbox import Sandbox


def run(request: Running) -> Outcome:
    before, pod, container = _kubernetes_container(request)
    env = kubelet.environment(container, request.store)
    mounts = tuple(request.box.mount(m) for m in kubelet.mounts(container, pod, request.store))
    command = container.get("command", ["/kaniko/executor"])
    argv = [
        kubelet.expand(kubelet.text(word), env) for word in [*command, *container.get("args", ())]
    ]
    image_env = request.container_env("\n".join(argv))
    if argv[0] in ("/busybox/sh", "/bin/sh", "sh"):
        argv[0] = request.box.shell
    cwd = container.get("workingDir", "/workspace")
    request.box.mkdir(cwd)
    request.checkout("/.record/repository")
    volumes = dict(request.handed.artifacts.get(before, {}))
    fill(request.box, mounts, volumes)
    message = container.get("terminationMessagePath")
    if message:
        # The kubelet mounts this file, and every user may write it.
        request.box.write(message, "", 0o666)
    result = request.box.run(argv, {**image_env, **env, **request.extra_env}, cwd)
    volumes |= left(request.box, mounts)
    told = request.box.path(message).read_text() if message else ""
    outputs = {"digest": told} if told else {}
    cloned = any(mount.target == "/workspace" for mount in mounts)
    workspace = "/workspace" if cloned else ""
    return Outcome(
        result, container["image"], workspace, mounts, artifacts=volumes, outputs=outputs
    )


def _kubernetes_container(request: Running) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A pod's container, its main one by default, and the name of what runs before it."""
    chains = kubernetes_chains(request.text)
    if request.job is None:
        (chain,) = chains
        return "", *chain[-1][1:]
    for chain in chains:
        before = ""
        for name, pod, container in chain:
            if name == request.job:
                return before, pod, container
            before = name
    raise NotModelled(f"no container {request.job}")


def fill(box: Sandbox, mounts: Iterable[Mount], volumes: Mapping[str, File]) -> None:
    """Put what earlier containers left into the folders that a container shares with them."""
    for mount in _shared(mounts):
        place = box.place(mount.target)
        for path, file in volumes.items():
            if path.startswith(f"{mount.source}/"):
                box.write(place + path[len(mount.source) :], file.text, file.mode)


def left(box: Sandbox, mounts: Iterable[Mount]) -> dict[str, File]:
    """What a container leaves to those that come after it."""
    return {
        f"{mount.source}/{path}": file
        for mount in _shared(mounts)
        for path, file in box.below(mount.target).items()
    }


def _shared(mounts: Iterable[Mount]) -> list[Mount]:
    return [mount for mount in mounts if mount.source.startswith(kubelet.SHARED)]


def kubernetes_chains(text: str) -> list[list[tuple[str, dict[str, Any], dict[str, Any]]]]:
    """The containers of every pod in the order in which they run, each with a name and its pod."""
    documents = [document for document in yaml11.load_all(text) if document]
    return [
        list(pod_containers(document))
        for document in documents
        if document["kind"] in ("Pod", "Job")
    ]


def pod_containers(
    workload: Mapping[str, Any],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The containers of a workload by their names. Raises NotModelled."""
    metadata = workload["metadata"]
    name = metadata.get("name") or metadata["generateName"].rstrip("-")
    whole = workload if workload["kind"] == "Pod" else workload["spec"]["template"]
    pod = {**whole["spec"], "metadata": whole.get("metadata") or {}}
    containers = [*pod.get("initContainers", ()), *pod["containers"]]
    if len(pod["containers"]) != 1 or any("restartPolicy" in each for each in containers):
        raise NotModelled("containers that run beside one another are not modelled")
    for container in containers:
        own = container["name"]
        program, dash, rest = own.partition("-")
        if dash and program in BUILDERS:
            own = f"build-{rest}"
        else:
            own = name if container in pod["containers"] else f"{name}/{own}"
        yield own, pod, container
