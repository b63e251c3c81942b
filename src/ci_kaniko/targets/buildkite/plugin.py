"""What Buildkite's Kubernetes plugin is told: the pod of a step, and what is mounted there."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.targets.pods import (
    CONFIG,
    Volumes,
    cache_volume,
    from_secret,
    scratch_volume,
    secret_volumes,
    toleration,
    unconfined,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.native.buildkite import Buildkite

Fields = dict[str, Any]


def settings(
    section: Buildkite,
    image: str,
    *,
    nodes: dict[str, str],
    given: tuple[Fields, Fields],
    sizes: Fields | None = None,
    labels: dict[str, str] | None = None,
    security: Fields | None = None,
    service_account: bool = True,
    checkout: Fields | None = None,
    pull: Iterable[str] = (),
) -> Fields:
    """The plugin's settings; ``given`` are parts of the container and of the pod."""
    container = {
        "name": "container-0",
        "image": image,
        "securityContext": security,
        "env": given[0].get("env"),
        "resources": sizes,
        "volumeMounts": given[0].get("volumeMounts"),
    }
    pod = {
        "serviceAccountName": section.service_account if service_account else None,
        "imagePullSecrets": [{"name": name} for name in pull],
        "nodeSelector": nodes,
        "tolerations": [toleration(item) for item in section.tolerations],
        "containers": [_without_nothing(container)],
        "volumes": given[1].get("volumes"),
    }
    metadata = {"labels": labels} if labels else {}
    fields = {"checkout": checkout, "metadata": metadata, "podSpecPatch": _without_nothing(pod)}
    return _without_nothing(fields)


def checkout_settings(build: Build) -> Fields:
    """What the agent fetches; by itself it takes all submodules, so it is told when not to."""
    wanted = build.checkout
    if wanted is None:
        return {}
    depth = f" --depth={wanted.depth}" if wanted.depth else ""
    flags = {"cloneFlags": f"-v{depth}", "fetchFlags": f"-v --prune{depth}"} if depth else {}
    return {**flags, "noSubmodules": not wanted.submodules}


def _without_nothing(fields: Fields) -> Fields:
    return {name: item for name, item in fields.items() if item}


def security(builder: Builder) -> Fields:
    """The security context of the container that builds; kaniko needs none."""
    return {} if builder.confined else unconfined(builder.user)


def mounted(plan: Plan, builder: Builder | None = None) -> tuple[Fields, Fields]:
    """How secrets reach the container: its part and the pod's. A join has no builder."""
    place = builder.path if builder else str
    scratch = scratch_volume(builder.scratch if builder else "")
    nothing = Volumes([], [], [])
    section = plan.spec.buildkite
    own_store = section.secrets == "buildkite"
    volumes = nothing if own_store else secret_volumes(plan, section.secret, place, optional=True)
    env = [
        from_secret(name, section.secret, name, optional=True)
        for name in secret_names(plan, files=own_store)
        if not own_store
    ]
    cache = cache_volume(plan, section.cache_claim)
    container = {
        "env": [*env, *volumes.env],
        "volumeMounts": [
            *_config_mount(plan, place(CONFIG)),
            *volumes.mounts,
            *cache.mounts,
            *scratch.mounts,
        ],
    }
    listed = [
        *_config_volume(plan),
        *volumes.volumes,
        *cache.volumes,
        *scratch.volumes,
    ]
    return container, {"volumes": listed}


def secret_names(plan: Plan, *, files: bool) -> list[str]:
    """The secrets that reach a job as variables; with ``files`` those of files do, too."""
    names = [*plan.asked_secrets]
    for cloud in plan.clouds:
        names += cloud.secrets if files else cloud.secret_variables.values()
    if plan.git_login and plan.git_login.secret:
        names.append(plan.git_login.secret)
    names += [*plan.spec.build_secrets.values(), *plan.proxy_secrets.values()]
    if files:
        names += plan.certificates.values()
    return list(dict.fromkeys(names))


def _config_mount(plan: Plan, path: str) -> list[dict[str, Any]]:
    if not plan.docker_config:
        return []
    return [{"name": "docker-config", "mountPath": path, "readOnly": True}]


def _config_volume(plan: Plan) -> list[dict[str, Any]]:
    """Optional, so that a run which does not push starts without it; the script looks for it."""
    if not plan.docker_config:
        return []
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    secret = {"secretName": plan.docker_config, "optional": True, "items": items}
    return [{"name": "docker-config", "secret": secret}]
