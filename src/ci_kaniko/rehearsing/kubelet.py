"""What the kubelet makes of a container: `$(NAME)` expansion, environment and secret volumes.

Source: https://github.com/kubernetes/kubernetes, `third_party/forked/golang/expansion` and
`pkg/kubelet`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing.events import identity
from ci_kaniko.rehearsing.recorded import MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_DIRECTORIES = ("emptyDir", "hostPath", "persistentVolumeClaim")


SHARED = ("emptyDir:", MEMORY)
"""The folders that the containers of a Pod share."""


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
    """The API server takes no numbers or booleans where it wants a string. Raises TypeError."""
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
    """What is mounted in a container. Raises NotImplementedError."""
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    for mount in container.get("volumeMounts", ()):
        if "subPath" in mount or "subPathExpr" in mount:
            raise NotImplementedError(f"subPath of {mount['mountPath']}")
        volume = volumes[mount["name"]]
        held = volume.get("secret") or volume.get("projected")
        yield VolumeMount(
            source=_source(volume),
            target=mount["mountPath"],
            read_only=held is not None or mount.get("readOnly", False),
            files=_volume_files(volume, pod, store),
            mode=(held or {}).get("defaultMode", 0o644),
        )


def _volume_files(
    volume: Mapping[str, Any], pod: Mapping[str, Any], store: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    if "secret" in volume:
        return _secret_files(volume["secret"], store)
    files: dict[str, str] = {}
    for source in volume.get("projected", {}).get("sources", ()):
        ((kind, given),) = source.items()
        if kind == "secret":
            new = _secret_files({**given, "secretName": given["name"]}, store)
        elif kind == "serviceAccountToken":
            if given.get("expirationSeconds", 3600) < 600:
                raise ValueError("the API server refuses tokens of less than 10 minutes")
            new = {given["path"]: identity(given["audience"])}
        elif kind == "downwardAPI":
            new = dict(_fields(given["items"], pod.get("metadata", {})))
        else:
            raise NotImplementedError(f"projected {kind}")
        if files.keys() & new.keys():
            raise ValueError(f"conflicting duplicate paths: {sorted(files.keys() & new.keys())}")
        files |= new
    return files


def _fields(
    items: Iterable[Mapping[str, Any]], metadata: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for item in items:
        found = re.fullmatch(r"metadata\.annotations\['(.+)'\]", item["fieldRef"]["fieldPath"])
        if not found:
            raise NotImplementedError(f"field {item['fieldRef']}")
        yield item["path"], metadata.get("annotations", {}).get(found[1], "")


def _source(volume: Mapping[str, Any]) -> str:
    if "secret" in volume:
        return f"secret:{volume['secret']['secretName']}"
    if (volume.get("emptyDir") or {}).get("medium") == "Memory":
        return f"{MEMORY}{volume['name']}"
    for kind in (*_DIRECTORIES, "projected"):
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
