"""The pod that agent-stack-k8s makes of a step: its own parts, then the step's patch."""

from __future__ import annotations

import copy
from typing import Any

from harness.manifests import fault

_MERGED_BY = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "env": "name",
    "imagePullSecrets": "name",
}
_WORKSPACE = {"name": "workspace", "mountPath": "/workspace"}


def controllers_pod() -> dict[str, Any]:
    """What the controller makes without a patch, in its least form."""
    return {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": name,
                "image": "ghcr.io/buildkite/agent:3.100.0",
                "command": ["/workspace/tini-static"],
                "args": ["--", "/workspace/buildkite-agent", "kubernetes-bootstrap"],
                "env": [{"name": "BUILDKITE_COMMAND", "value": "command"}],
                "volumeMounts": [dict(_WORKSPACE)],
            }
            for name in ("container-0", "agent", "checkout")
        ],
        "volumes": [{"name": "workspace", "emptyDir": {}}],
    }


def patched(step: dict[str, Any]) -> dict[str, Any]:
    """The pod spec of a step that was uploaded."""
    (plugin,) = step["plugins"]
    patch = plugin["kubernetes"]["podSpecPatch"]
    merged: dict[str, Any] = _merge(controllers_pod(), patch)
    return merged


def _merge(old: Any, new: Any, key: str = "") -> Any:
    """Kubernetes' strategic merge: lists that have a key are merged by it, others replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: _merge(old.get(name), new.get(name), name) for name in {**old, **new}}
    if isinstance(old, list) and isinstance(new, list) and key in _MERGED_BY:
        by = _MERGED_BY[key]
        entries = {item[by]: item for item in old}
        for item in new:
            entries[item[by]] = _merge(entries.get(item[by]), item)
        return [*entries.values()]
    return copy.deepcopy(old if new is None else new)


def complaints(step: dict[str, Any]) -> list[str]:
    """What the API server refuses in the pod, and what would not run the command in it."""
    pod = patched(step)
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"}, "spec": pod}
    found = [said] if (said := fault(manifest)) else []
    names = [container["name"] for container in pod["containers"]]
    if names != ["container-0", "agent", "checkout"]:
        found.append(f"{names[3:]} would run beside the command")
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = [mount for each in pod["containers"] for mount in each.get("volumeMounts", ())]
    found += [f"no volume {mount['name']}" for mount in mounts if mount["name"] not in volumes]
    entries = [entry for container in pod["containers"] for entry in container.get("env", ())]
    found += [f"{entry['name']}: two" for entry in entries if {"value", "valueFrom"} <= {*entry}]
    return found
