"""What Kubernetes' own manifests and Buildkite's patches of pods share."""

from __future__ import annotations

from ci_kaniko.plan.clouds import TOKEN_FILE
from ci_kaniko.plan.model import CERTIFICATES, STORED
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.pulled import pulled_images
from ci_kaniko.syntax.references import canonical_host, pulled_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.plan.clouds import Cloud, Token
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.native.buildkite import Buildkite
    from ci_kaniko.spec.native.kubernetes import Kubernetes, Toleration

SECRET_FOLDER = "/kaniko/secrets"
CONFIG = "/kaniko/.docker"


class Volumes(NamedTuple):
    """Files of a pod: volumes, mounts, and the variables that lead to them."""

    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]
    env: list[dict[str, Any]]


def secret_volumes(
    plan: Plan,
    secret: str,
    place: Callable[[str], str],
    *,
    optional: bool = False,
    tokens: bool = False,
) -> Volumes:
    """Files from keys of a Secret: credentials of clouds, certificates, identity tokens.

    ``place`` says where kaniko's own folders lie. With ``tokens`` the pod's service account is the
    identity that clouds trust.
    """
    sources: list[dict[str, Any]] = []
    env = [_literal(name, value) for name, value in plan.proxy.items()]
    for cloud in plan.clouds:
        env += [_literal(name, value) for name, value in cloud.written.items()]
        if cloud.secret:
            sources.append(_from_key(secret, cloud.secret, cloud.file, optional=optional))
        if cloud.token and tokens:
            sources.append(_token(cloud.token))
            if cloud.document:
                sources.append(_document(cloud))
            if cloud.token.variable:
                path = f"{SECRET_FOLDER}/{cloud.token.file}"
                env.append({"name": cloud.token.variable, "value": path})
        if cloud.secret or (cloud.document and tokens):
            env.append({"name": cloud.file_variable, "value": f"{SECRET_FOLDER}/{cloud.file}"})
    if tokens:
        sources += [_token(token._replace(file=file)) for file, token in exchanged(plan).items()]
    certificates = [
        _from_key(secret, name, file, optional=optional) for file, name in plan.certificates.items()
    ]
    folders = {
        "cloud-credentials": (SECRET_FOLDER, sources),
        "certificates": (CERTIFICATES, certificates),
    }
    used = {name: pair for name, pair in folders.items() if pair[1]}
    return Volumes(
        [{"name": name, **_volume(files)} for name, (_, files) in used.items()],
        [
            {"name": name, "mountPath": place(path), "readOnly": True}
            for name, (path, _) in used.items()
        ],
        env,
    )


def exchanged(plan: Plan) -> dict[str, Token]:
    """The identities that a script exchanges, by the file in which a pod would keep each."""
    clouds = [login.cloud for login in plan.password_logins]
    clouds += [plan.context_cloud] * plan.fetches_store
    return {f"{cloud.name}-token": cloud.token for cloud in clouds if cloud and cloud.token}


def pull_secrets(build: Build, target: str) -> list[str]:
    """The ready docker configs with which the kubelet pulls the images of a pod."""
    logins = {canonical_host(host): entry.on(target) for host, entry in build.registries.items()}
    found = [logins.get(pulled_from(image)) for image in pulled_images(build, target)]
    names = [login.docker_config for login in found if login and login.docker_config]
    return list(dict.fromkeys(names))


def cache_volume(plan: Plan, claim: str | None) -> Volumes:
    """The claim with warmed base images: kaniko only reads them."""
    folder = plan.base_images
    if folder is None or claim is None:
        return Volumes([], [], [])
    source = {"claimName": claim, "readOnly": True}
    return Volumes(
        [{"name": "base-images", "persistentVolumeClaim": source}],
        [{"name": "base-images", "mountPath": folder, "readOnly": True}],
        [],
    )


def scratch_volume(folder: str) -> Volumes:
    """The folder of a builder that cannot lie on the container's own file system."""
    if not folder:
        return Volumes([], [], [])
    volumes = [{"name": "scratch", "emptyDir": {}}]
    return Volumes(volumes, [{"name": "scratch", "mountPath": folder}], [])


def stored_volume(place: Callable[[str], str], *, read_only: bool) -> Volumes:
    """The folder in which one container leaves the archive of the context to the next."""
    mount: dict[str, Any] = {"name": "stored", "mountPath": place(STORED)}
    mount |= {"readOnly": True} if read_only else {}
    return Volumes([{"name": "stored", "emptyDir": {}}], [mount], [])


def login_volume(place: Callable[[str], str], *, read_only: bool) -> Volumes:
    """The folder in which one container leaves config.json to the next: no disk ever holds it."""
    mount: dict[str, Any] = {"name": "docker-config", "mountPath": place(CONFIG)}
    volumes = [{"name": "docker-config", "emptyDir": {"medium": "Memory"}}]
    return Volumes(volumes, [{**mount, **({"readOnly": True} if read_only else {})}], [])


def unconfined(user: int) -> dict[str, Any]:
    """The security context of a builder that the usual profiles would stop."""
    profile = {"type": "Unconfined"}
    group = {"runAsGroup": user} if user else {}
    return {
        "runAsUser": user,
        **group,
        "seccompProfile": profile,
        "appArmorProfile": {**profile},
    }


def _literal(name: str, value: str) -> dict[str, Any]:
    """A variable whose value the kubelet leaves as it is."""
    return {"name": name, "value": value.replace("$", "$$")}


def _volume(sources: list[dict[str, Any]]) -> dict[str, Any]:
    """One Secret is a volume of its own; several kinds of files are projected into one."""
    secrets = [source["secret"] for source in sources if "secret" in source]
    if len(secrets) < len(sources):
        return {"projected": {"sources": sources}}
    items = [item for secret in secrets for item in secret["items"]]
    optional = {"optional": True} if "optional" in secrets[0] else {}
    return {"secret": {"secretName": secrets[0]["name"], **optional, "items": items}}


def _from_key(secret: str, key: str, path: str, *, optional: bool) -> dict[str, Any]:
    source: dict[str, Any] = {"name": secret}
    if optional:
        source["optional"] = True
    return {"secret": {**source, "items": [{"key": key, "path": path}]}}


def _token(token: Token) -> dict[str, Any]:
    audience = {"audience": token.audience, "expirationSeconds": 3600, "path": token.file}
    return {"serviceAccountToken": audience}


def _document(cloud: Cloud) -> dict[str, Any]:
    """A document is no secret: it stands in an annotation and is mounted as a file."""
    path = f"metadata.annotations['{_annotation(cloud)}']"
    items = [{"path": cloud.file, "fieldRef": {"fieldPath": path}}]
    return {"downwardAPI": {"items": items}}


def _annotation(cloud: Cloud) -> str:
    return f"ci-kaniko/{cloud.file}"


def documents(plan: Plan) -> dict[str, str]:
    """The annotations that hold the documents of clouds."""
    return {
        _annotation(cloud): cloud.document.replace(
            TOKEN_FILE, f"{SECRET_FOLDER}/{cloud.token.file}"
        )
        for cloud in plan.clouds
        if cloud.document and cloud.token
    }


def cloud_labels(plan: Plan) -> dict[str, str]:
    """Azure gives an identity only to pods that ask for it by label."""
    ambient = [each for each in plan.every_cloud if each.name == "azure" and not each.names]
    return {"azure.workload.identity/use": "true"} if ambient else {}


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


def resources(
    section: Kubernetes | Buildkite, memory: str | None = None
) -> dict[str, dict[str, str]]:
    """Requests and limits; memory and disk are both, so that a build is not evicted later.

    ``memory`` is requested where the section says nothing: a limit would be a guess that kills.
    """
    limits = {"memory": section.memory, "ephemeral-storage": section.ephemeral_storage}
    requests = {"cpu": section.cpu, **limits, "memory": section.memory or memory}
    both = {
        "requests": {name: size for name, size in requests.items() if size},
        "limits": {name: size for name, size in limits.items() if size},
    }
    return {kind: sizes for kind, sizes in both.items() if sizes}
