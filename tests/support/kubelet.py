"""What the kubelet makes of a container: `$(NAME)` expansion, environment and secret volumes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_DIRECTORIES = ("emptyDir", "hostPath", "persistentVolumeClaim")


class MissingSecret(Exception):
    """The container cannot start: a Secret or a key that is not optional does not exist."""


@dataclass(frozen=True)
class VolumeMount:
    source: str
    target: str
    read_only: bool
    files: Mapping[str, str]
    mode: int


def expand(text: str, env: Mapping[str, str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        return "$" if name is None else env.get(name, match[0])

    return _REFERENCE.sub(replaced, text)


def environment(
    container: Mapping[str, Any], store: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """`envFrom`, then `env` in order: a literal value sees what stands before it."""
    env: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        reference = source["secretRef"]
        for key, value in _secret(reference["name"], reference, store).items():
            env[source.get("prefix", "") + key] = value
    for entry in container.get("env", ()):
        given = _value(entry, env, store)
        if given is not None:
            env[entry["name"]] = given
    return env


def _value(
    entry: Mapping[str, Any], env: Mapping[str, str], store: Mapping[str, Mapping[str, str]]
) -> str | None:
    if "valueFrom" not in entry:
        return expand(text(entry.get("value", "")), env)
    if "value" in entry:
        raise ValueError(f"env {entry['name']}: both value and valueFrom")
    reference = entry["valueFrom"]["secretKeyRef"]
    secret = _secret(reference["name"], reference, store)
    if reference["key"] not in secret and not reference.get("optional"):
        raise MissingSecret(f"couldn't find key {reference['key']} in Secret {reference['name']}")
    return secret.get(reference["key"])


def text(value: object) -> str:
    """The API server takes no numbers or booleans where it wants a string."""
    if not isinstance(value, str):
        raise TypeError(f"expected a string, the manifest has {value!r}")
    return value


def _secret(
    name: str, reference: Mapping[str, Any], store: Mapping[str, Mapping[str, str]]
) -> Mapping[str, str]:
    if name not in store and not reference.get("optional"):
        raise MissingSecret(f'secret "{name}" not found')
    return store.get(name, {})


def mounts(
    container: Mapping[str, Any], pod: Mapping[str, Any], store: Mapping[str, Mapping[str, str]]
) -> Iterator[VolumeMount]:
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    for mount in container.get("volumeMounts", ()):
        if "subPath" in mount or "subPathExpr" in mount:
            raise NotImplementedError(f"subPath of {mount['mountPath']}")
        secret = volumes[mount["name"]].get("secret")
        yield VolumeMount(
            source=_source(volumes[mount["name"]]),
            target=mount["mountPath"],
            read_only=secret is not None or mount.get("readOnly", False),
            files=_secret_files(secret, store) if secret else {},
            mode=(secret or {}).get("defaultMode", 0o644),
        )


def _source(volume: Mapping[str, Any]) -> str:
    if "secret" in volume:
        return f"secret:{volume['secret']['secretName']}"
    for kind in _DIRECTORIES:
        if kind in volume:
            return f"{kind}:{volume['name']}"
    raise NotImplementedError(f"volume {volume}")


def _secret_files(
    volume: Mapping[str, Any], store: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    name = volume["secretName"]
    secret = _secret(name, volume, store)
    if "items" not in volume:
        return dict(secret)
    missing = [item["key"] for item in volume["items"] if item["key"] not in secret]
    if missing and not volume.get("optional"):
        raise MissingSecret(f"references non-existent secret key: {missing[0]} of {name}")
    return {item["path"]: secret[item["key"]] for item in volume["items"] if item["key"] in secret}
