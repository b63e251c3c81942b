"""What is mounted into a container: secrets and claims, which count once somebody takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Mounted
from ci_kaniko.importing.readers.documents import Map, ignore, peek

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft


def volumes_of(pod: Map) -> dict[str, Map]:
    """The volumes of a pod or of a task by their names."""
    return {peek(volume.get("name")): volume for volume in maps(pod.get("volumes"))}


def read_volumes(job: Draft, pod: Map, container: Map) -> None:
    """What a container finds in the volumes of its pod: secrets, claims and tokens."""
    volumes = volumes_of(pod)
    job.mounts += _mounts_of(container, volumes)
    job.claims |= _claims_of(container, volumes) | _tokens_of(container, volumes)
    _take_scratch(pod, container, volumes)


def _mounts_of(container: Map, volumes: dict[str, Map]) -> list[Mounted]:
    """The secrets that are mounted into a container."""
    found = []
    for entry, volume in _mounted(container, volumes):
        path, sub = peek(entry.get("mountPath")), peek(entry.get("subPath"))
        for name, items in _secrets(volume):
            files = {peek(item.get("path")): peek(item.get("key")) for item in items}
            if sub:
                files = {sub: files.get(sub, sub)}
            folder = path.rstrip("/").endswith(".docker") and (not files or "config.json" in files)
            ready = folder or path.endswith("/config.json")
            nodes = [*_looks(entry, volume), name]
            nodes += [item.get(key) for item in items for key in ("path", "key")]
            nodes.append(_optional(volume.get("secret")))
            found.append(Mounted(path.rstrip("/") or "/", peek(name), files, ready, tuple(nodes)))
    return found


def _claims_of(container: Map, volumes: dict[str, Map]) -> dict[str, Mounted]:
    """The claims that are mounted into a container, by their paths."""
    found = {}
    for entry, volume in _mounted(container, volumes):
        claim = volume.get("persistentVolumeClaim")
        if not isinstance(claim, Map) or entry.get("subPath"):
            continue
        name = claim.get("claimName")
        if name:
            path = peek(entry.get("mountPath")).rstrip("/")
            nodes = (*_looks(entry, volume), name, claim.get("readOnly"))
            found[path] = Mounted(path, peek(name), {}, nodes=nodes)
    return found


def _tokens_of(container: Map, volumes: dict[str, Map]) -> dict[str, Mounted]:
    """The tokens of the service account that are mounted into a container, by their files."""
    found = {}
    for entry, volume in _mounted(container, volumes):
        for source in _sources(volume):
            token = source.get("serviceAccountToken")
            if isinstance(token, Map):
                folder = peek(entry.get("mountPath")).rstrip("/")
                path = f"{folder}/{peek(token.get('path'))}"
                nodes = (*_looks(entry, volume), *_tokens(source))
                found[path] = Mounted(path, "", {}, nodes=nodes)
    return found


def annotation_files(
    container: Map, volumes: dict[str, Map]
) -> dict[str, tuple[tuple[Any, ...], str]]:
    """Files of a container that hold a field of its Pod: what says so, and the field's path."""
    found = {}
    for entry, volume in _mounted(container, volumes):
        for source in _sources(volume):
            api = source.get("downwardAPI")
            for item in maps(api.get("items") if isinstance(api, Map) else None):
                field = item.get("fieldRef")
                path = field.get("fieldPath") if isinstance(field, Map) else None
                file = f"{peek(entry.get('mountPath')).rstrip('/')}/{peek(item.get('path'))}"
                nodes = (*_looks(entry, volume), item.get("path"), path)
                tokens = tuple(node for one in _sources(volume) for node in _tokens(one))
                found[file] = ((*nodes, *tokens), peek(path))
    return found


def _tokens(source: Map) -> tuple[Any, ...]:
    token = source.get("serviceAccountToken")
    return tuple(token.values()) if isinstance(token, Map) else ()


def _sources(volume: Map) -> Iterator[Map]:
    projected = volume.get("projected")
    yield from maps(projected.get("sources") if isinstance(projected, Map) else None)


def _optional(value: Any) -> Any:
    return value.get("optional") if isinstance(value, Map) else None


def _take_scratch(pod: Map, container: Map, volumes: dict[str, Map]) -> None:
    """Empty folders that nobody else fills are as good as a folder in the container."""
    others = [item for item in maps(pod.get("initContainers")) if item is not container]
    shared = {
        peek(item.get("name")) for other in others for item in maps(other.get("volumeMounts"))
    }
    for entry, volume in _mounted(container, volumes):
        if volume.get("emptyDir") == {} and peek(volume.get("name")) not in shared:
            for node in (*_looks(entry, volume), volume["emptyDir"]):
                ignore(node)


def maps(value: Any) -> Iterator[Map]:
    """The mappings of a list, for a look that decides nothing about them."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Map))


def _mounted(container: Map, volumes: dict[str, Map]) -> Iterator[tuple[Map, Map]]:
    for entry in maps(container.get("volumeMounts")):
        volume = volumes.get(peek(entry.get("name")))
        if volume is not None:
            yield entry, volume


def _looks(entry: Map, volume: Map) -> tuple[Any, ...]:
    keys = ("name", "mountPath", "subPath", "readOnly")
    return (volume.get("name"), *(entry.get(key) for key in keys))


def _secrets(volume: Map) -> Iterator[tuple[Any, list[Map]]]:
    """The name of each Secret in a volume, and the keys that are taken of it."""
    secret = volume.get("secret")
    if isinstance(secret, Map):
        yield secret.get("secretName"), list(maps(secret.get("items")))
    for source in _sources(volume):
        inner = source.get("secret")
        if isinstance(inner, Map):
            yield inner.get("name"), list(maps(inner.get("items")))
