"""Init containers that ask clouds: they leave a config.json, or an archive, to the executor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.pods.containers import (
    Known,
    in_script,
    read_environment,
    runs_executor,
    script_place,
)
from ci_kaniko.importing.readers.pods.volumes import read_volumes, take_folder, volumes_of
from ci_kaniko.importing.readers.scripts import Piece
from ci_kaniko.importing.ticked import Map, ignore, line_of, maps, peek, string
from ci_kaniko.kaniko.pins import CURL_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Job

_LEFT = (".docker", "/stored")
"""How the folders end in which a container leaves something for the next."""


def read_logins(job: Job, pod: Map, container: Map) -> Iterator[Piece]:
    """The scripts of init containers that write into folders of the executor."""
    volumes = volumes_of(pod)
    own = {entry.peek("name"): entry for entry in maps(container.get("volumeMounts"))}
    for entry in maps(pod.get("initContainers")):
        if entry is container or runs_executor(entry):
            continue
        items = [*entry.sequence("command"), *entry.sequence("args")]
        at = script_place([peek(item) for item in items])
        moved = {}
        for mount in maps(entry.get("volumeMounts")):
            found = own.get(mount.peek("name"))
            volume = volumes.get(mount.peek("name"))
            if at is None or found is None or volume is None or "emptyDir" not in volume:
                continue
            folder = found.peek("mountPath").rstrip("/")
            if not folder.endswith(_LEFT):
                continue
            take_folder(volume, mount, found)
            if job.is_ours:
                ignore(volume["emptyDir"])
            moved[mount.peek("mountPath").rstrip("/")] = folder
        if moved and at is not None:
            yield _script(job, pod, entry, items[at], moved)


def _script(job: Job, pod: Map, entry: Map, item: object, moved: dict[str, str]) -> Piece:
    """What a container runs, as if it stood before the executor."""
    read_environment(job, entry)
    read_volumes(job, pod, entry)
    name, image = entry.string("name"), entry.string("image")
    if image != CURL_IMAGE:
        if job.is_ours:
            job.shared.setdefault("tools", {})["curl"] = image
        else:
            job.tell("login-container", line_of(entry), name, image)
    for word in (*entry.sequence("command"), *entry.sequence("args")):
        string(word)
    context = entry.get("securityContext")
    if job.is_ours and isinstance(context, Map):
        ignore(context)  # a rendered Pod says it by itself
    text = in_script(string(item), Known({name: (f"${name}",) for name in job.secrets}))
    for before, after in moved.items():
        text = re.sub(rf"{re.escape(before)}(?=/)", after.replace("\\", r"\\"), text)
    line = getattr(item, "first", 0)
    return Piece(f"(\n{text.rstrip()}\n)", line - 1)
