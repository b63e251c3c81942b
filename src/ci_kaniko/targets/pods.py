"""What Kubernetes' own manifests and Buildkite's patches of pods share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ci_kaniko.native import Buildkite, Kubernetes, Toleration
    from ci_kaniko.plan import Plan

SECRET_FOLDER = "/kaniko/secrets"


class Volumes(NamedTuple):
    """Files of a pod: volumes, mounts, and the variables that lead to them."""

    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]
    env: list[dict[str, Any]]


def cloud_volumes(plan: Plan, secret: str, *, optional: bool = False) -> Volumes:
    """The credential files of clouds, mounted from keys of a Secret."""
    items = []
    env = []
    for cloud in plan.clouds:
        env += [{"name": name, "value": value} for name, value in cloud.variables.items()]
        if cloud.secret:
            items.append({"key": cloud.secret, "path": cloud.file})
            env.append({"name": cloud.file_variable, "value": f"{SECRET_FOLDER}/{cloud.file}"})
    if not items:
        return Volumes([], [], env)
    source: dict[str, Any] = {"secretName": secret}
    if optional:
        source["optional"] = True
    volume = {"name": "cloud-credentials", "secret": {**source, "items": items}}
    mount = {"name": "cloud-credentials", "mountPath": SECRET_FOLDER, "readOnly": True}
    return Volumes([volume], [mount], env)


def from_secret(name: str, secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    """An environment variable that holds a key of a Secret."""
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


def toleration(item: Toleration) -> dict[str, str]:
    """A toleration as Kubernetes writes it."""
    fields = {"key": item.key, "operator": item.operator, "value": item.value}
    return {k: v for k, v in {**fields, "effect": item.effect}.items() if v is not None}


def resources(section: Kubernetes | Buildkite) -> dict[str, dict[str, str]]:
    """Requests and limits; memory and disk are both, so that a build is not evicted later."""
    limits = {"memory": section.memory, "ephemeral-storage": section.ephemeral_storage}
    requests = {"cpu": section.cpu, **limits}
    both = {
        "requests": {name: size for name, size in requests.items() if size},
        "limits": {name: size for name, size in limits.items() if size},
    }
    return {kind: sizes for kind, sizes in both.items() if sizes}
