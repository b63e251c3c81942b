"""The settings of a pod that several platforms have: Kubernetes, Buildkite and Jenkins."""

from __future__ import annotations

import re
from typing import Any

from ci_kaniko.builders.registry import builder
from ci_kaniko.importing.calls import spell
from ci_kaniko.importing.jobs import Job, put
from ci_kaniko.importing.signs import builder_of
from ci_kaniko.importing.ticked import Map, mapping, native, peek, string
from ci_kaniko.kaniko.builders import BUILDER_IMAGES

_DEFAULTS = {"cpu": "500m", "memory": "1Gi"}
"""Requests that ci-kaniko makes by itself."""


def pod_settings(job: Job, pod: Map, container: Map, section: dict[str, Any]) -> None:
    """What runs where: account, resources, node, and what kaniko needs of its container."""
    accounts = [pod.string(key) for key in ("serviceAccountName", "serviceAccount")]
    put(section, "service_account", accounts[0] or accounts[1])
    _resources(job, container, section)
    put(section, "node_selector", pod.texts("nodeSelector"))
    tolerations = [toleration(mapping(item)) for item in pod.sequence("tolerations")]
    put(section, "tolerations", tolerations)
    for holder in (pod, container):
        security(job, holder)


def _resources(job: Job, container: Map, section: dict[str, Any]) -> None:
    resources = container.mapping("resources")
    requests, limits = resources.mapping("requests"), resources.mapping("limits")
    for key in ("cpu", "memory", "ephemeral-storage"):
        wanted = requests.string(key)
        # A spec has no limit of the processor: where there is a request, that stays to be told.
        alone = key == "cpu" and wanted
        most = wanted if alone else limits.string(key) or wanted
        if most and (key in limits or most != _DEFAULTS.get(key)):
            section[key.replace("-", "_")] = most
        if wanted and wanted != most:
            job.tell("uneven-resources", requests.line_of(key), key, wanted, most)


def security(job: Job, holder: Map) -> None:
    """What kaniko cannot work with; and what ci-kaniko writes by itself."""
    context = holder.mapping("securityContext")
    line = holder.line_of("securityContext")
    # The steps of an agent's pod are read after it.
    called = [call.builder for call in job.calls] or [builder_of(spell(job.image))]
    other = next((name for name in called if name in BUILDER_IMAGES), "")
    if other:
        _granted(context, builder(other).user)
        return
    if context.is_true("privileged"):
        job.tell("privileged", line)
    user = context.string("runAsUser")
    if context.is_true("runAsNonRoot") or user not in ("", "0"):
        job.tell("not-root", line, f"user {user}" if user else "no root")
    profile = context.mapping("seccompProfile")
    if {key: peek(item) for key, item in profile.items()} == {"type": "RuntimeDefault"}:
        native(profile)


def _granted(context: Map, user: int) -> None:
    """What ci-kaniko lets another builder do."""
    for key, item in context.items():
        if key in {"runAsUser", "runAsGroup"} and peek(item) == str(user):
            string(item)
        profile = {name: peek(text) for name, text in mapping(item).items()}
        if key == "seccompProfile" and profile == {"type": "RuntimeDefault"}:
            native(item)
        if key in {"seccompProfile", "appArmorProfile"} and profile == {"type": "Unconfined"}:
            native(item)


def metadata_settings(job: Job, metadata: Map, section: dict[str, Any]) -> None:
    """The namespace of a Pod, and what is written on it."""
    if "namespace" in metadata:
        line = metadata.line_of("namespace")
        namespace = fixed(job, metadata.get("namespace"), "namespace", line)
        put(section, "namespace", namespace)
    for key in ("annotations", "labels"):
        put(section, key, metadata.texts(key))


def toleration(entry: Map) -> dict[str, Any]:
    """A toleration without what is its default."""
    found = {key: string(value) for key, value in entry.items()}
    if found.get("operator") == "Equal":
        del found["operator"]
    return found


def fixed(job: Job, value: Any, key: str, line: int) -> str:
    """A name that no spec puts together from variables."""
    name = string(value)
    if not re.search(r"\$[{(A-Z_]|\{\{", name):
        return name
    job.tell("run-time-value", line, key, name)
    return ""
