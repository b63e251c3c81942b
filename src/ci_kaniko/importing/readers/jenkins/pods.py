"""The pods of Jenkins' agents, and the container in them that has the executor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.jenkins.groovy import MARK, Quoted, Statement
from ci_kaniko.importing.readers.pods.containers import read_environment
from ci_kaniko.importing.readers.pods.settings import metadata_settings, pod_settings
from ci_kaniko.importing.readers.pods.volumes import read_volumes
from ci_kaniko.importing.signs import is_image
from ci_kaniko.importing.ticked import List, Map, Str, maps, peek, text

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job

_PART = re.compile(rf"\b(\w+)\s*\(|(?:\b(\w+)\s*:\s*)?{MARK}|\b(\w+)\s*:\s*(true|false|\d+)\b")
_LOOKS = {"ttyEnabled", "alwaysPullImage", "label"}
_SLEEPS = re.compile(r"(?:^|/)(?:sleep|cat|tail|busybox)$")


class Pod(NamedTuple):
    """The pod of an agent; all of its containers have the ``mounts``."""

    root: Map
    mounts: List | None = None

    @property
    def spec(self) -> Map:
        return self.root.mapping("spec")

    def container(self, name: str) -> Map | None:
        """A container by its name, or the one that has the executor."""
        listed = list(maps(self.spec.get("containers")))
        named = [item for item in listed if name and item.peek("name") == name]
        found = [item for item in listed if is_image(item.peek("image"))]
        chosen = next(iter([*named, *found]), None)
        if chosen is not None and self.mounts:
            chosen["volumeMounts"] = self.mounts
        return chosen


def template_of(statement: Statement) -> tuple[Pod | None, list[tuple[int, str]]]:
    """The pod that ``podTemplate(containers: ..., volumes: ...)`` says, and what else it says."""
    calls: list[tuple[str, dict[str, Quoted]]] = []
    rest: list[tuple[int, str]] = []
    texts = iter(statement.texts)
    for name, key, switch, value in (found.groups() for found in _PART.finditer(statement.code)):
        if name:
            calls.append((name, {}))
        elif not switch:
            text = next(texts)
            calls[-1][1][key or text.source] = text
        elif switch not in _LOOKS:
            rest.append((statement.line, f"{calls[-1][0]}: {switch}: {value}"))
    containers: list[Map] = []
    mounts: list[Map] = []
    volumes: list[Map] = []
    for name, given in calls:
        if name == "containerTemplate" and "image" in given:
            line = given["image"].line
            waits = "command" in given and _SLEEPS.search(given["command"].text())
            own = given.keys() & {"name", "image", "command", *(["args"] if waits else [])}
            containers.append(Map(line, {key: _scalar(given.pop(key)) for key in sorted(own)}))
        elif name == "secretVolume" and {"secretName", "mountPath"} <= given.keys():
            named = {"name": f"volume-{len(volumes)}"}
            secret, path = (_scalar(given.pop(key)) for key in ("secretName", "mountPath"))
            volumes.append(Map(secret.line, {**named, "secret": Map(items={"secretName": secret})}))
            mounts.append(Map(path.line, {**named, "mountPath": path}))
        rest += [
            (text.line, f"{name}: {key}: {text.source}")
            for key, text in given.items()
            if key not in {"yaml", *_LOOKS}
        ]
    if not containers:
        return None, rest
    spec = Map(statement.line, {"containers": List(items=containers)})
    if mounts:
        spec["volumes"] = List(items=volumes)
    return Pod(Map(statement.line, {"spec": spec}), List(items=mounts)), rest


def _scalar(given: Quoted) -> Str:
    return text(given.text(), given.line)


def read_pod(job: Job, pod: Pod, name: str) -> None:
    """What a job knows by the container that its steps run in."""
    container = pod.container(name)
    if container is None:
        return
    if not name and "name" in container:
        job.tell("container-name/jnlp", job.line)
    ignore_keys(pod.root, "Kubernetes object")
    ignore_keys(container, "Kubernetes container")
    command = container.get("command") or [""]
    if _SLEEPS.search(peek(command[0] if isinstance(command, list) else command)):
        container.ignore("command", "args", "tty")  # it waits for the steps
    image = container.string("image")
    job.image = (image,) if image else ()
    job.image_line = container.line_of("image")
    read_environment(job, container)
    read_volumes(job, pod.spec, container)
    section: dict[str, Any] = {}
    metadata_settings(job, pod.root.mapping("metadata"), section)
    pod_settings(job, pod.spec, container, section)
    if section:
        job.shared["kubernetes"] = section
    later(job, pod.root, "kubernetes: has what it knows of a Pod")
