"""What is mounted into a container: secrets, claims, and what init containers leave there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import literal
from ci_kaniko.importing.jobs import Job, Mounted
from ci_kaniko.importing.ticked import Map, ignore, maps, peek

if TYPE_CHECKING:
    from collections.abc import Iterator

Nodes = tuple[Any, ...]


def volumes_of(pod: Map) -> dict[str, Map]:
    """The volumes of a pod or of a task by their names."""
    return {volume.peek("name"): volume for volume in maps(pod.get("volumes"))}


def read_volumes(job: Job, pod: Map, container: Map) -> None:
    """What a container finds in the volumes of its pod: secrets, claims and tokens."""
    volumes = volumes_of(pod)
    config = literal(job.environment.get("REGISTRY_AUTH_FILE", ())) or ""
    for path, entry, volume, nodes in _mounted(container, volumes):
        job.mounts += _secrets(path, entry, volume, nodes, config)
        claim = volume.mapping("persistentVolumeClaim")
        if (name := claim.get("claimName")) and not entry.get("subPath"):
            looks = (*nodes, name, claim.get("readOnly"))
            job.claims[path] = Mounted(path, peek(name), {}, nodes=looks)
        for source in _sources(volume):
            if token := source.mapping("serviceAccountToken"):
                file = f"{path}/{peek(token.get('path'))}"
                job.claims[file] = Mounted(file, "", {}, nodes=(*nodes, *token.values()))
    _take_scratch(pod, container, volumes)


def _secrets(path: str, entry: Map, volume: Map, nodes: Nodes, auth: str) -> Iterator[Mounted]:
    """The secrets of a volume, with the keys that are taken of each; ``auth`` holds logins."""
    own = volume.mapping("secret")
    listed = [(own, own.get("secretName"))] if own else []
    inner = (source.mapping("secret") for source in _sources(volume))
    for secret, name in (*listed, *((each, each.get("name")) for each in inner if each)):
        items = list(maps(secret.get("items")))
        files = {item.peek("path"): item.peek("key") for item in items}
        if sub := entry.peek("subPath"):
            files = {sub: files.get(sub, sub)}
        place, _, named = auth.rpartition("/")
        if asked := bool(named) and place == path:
            files = {named: files.get(named, named)}
        folder = path.endswith(".docker") and (not files or "config.json" in files)
        ready = asked or folder or path.endswith("/config.json")
        keys = [item.get(key) for item in items for key in ("path", "key")]
        looks = (*nodes, name, *keys, own.get("optional"))
        yield Mounted(path or "/", peek(name), files, ready, looks)


def annotation_files(container: Map, volumes: dict[str, Map]) -> dict[str, tuple[Nodes, str]]:
    """Files of a container that hold a field of its Pod: what says so, and the field's path."""
    found = {}
    for path, _, volume, nodes in _mounted(container, volumes):
        given = list(_sources(volume))
        tokens = [node for one in given for node in one.mapping("serviceAccountToken").values()]
        for item in (
            item for one in given for item in maps(one.mapping("downwardAPI").get("items"))
        ):
            field = item.mapping("fieldRef").get("fieldPath")
            looks = (*nodes, item.get("path"), field, *tokens)
            found[f"{path}/{peek(item.get('path'))}"] = (looks, peek(field))
    return found


def _sources(volume: Map) -> Iterator[Map]:
    return maps(volume.mapping("projected").get("sources"))


def _take_scratch(pod: Map, container: Map, volumes: dict[str, Map]) -> None:
    """Empty folders that nobody else fills are as good as a folder in the container."""
    others = [item for item in maps(pod.get("initContainers")) if item is not container]
    shared = {item.peek("name") for other in others for item in maps(other.get("volumeMounts"))}
    for _, _, volume, nodes in _mounted(container, volumes):
        if volume.get("emptyDir") == {} and volume.peek("name") not in shared:
            ignore(*nodes, volume["emptyDir"])


def take_folder(volume: Map, *mounts: Map) -> None:
    """Tick what says where containers have an empty folder of their pod."""
    volume.ignore("name")
    volume.mapping("emptyDir")
    for mount in mounts:
        mount.ignore("name", "mountPath", "readOnly")


def _mounted(container: Map, volumes: dict[str, Map]) -> Iterator[tuple[str, Map, Map, Nodes]]:
    """Where each volume is mounted, its mount, the volume, and the words that say so."""
    for entry in maps(container.get("volumeMounts")):
        volume = volumes.get(entry.peek("name"))
        if volume is not None:
            looks = (entry.get(key) for key in ("name", "mountPath", "subPath", "readOnly"))
            path = entry.peek("mountPath").rstrip("/")
            yield path, entry, volume, (volume.get("name"), *looks)
