"""Containers and steps before the one that builds, as scripts before its own."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Var, literal
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.pods.containers import (
    UNKNOWN,
    Known,
    in_script,
    read_environment,
    runs_executor,
    script_place,
)
from ci_kaniko.importing.readers.pods.volumes import read_volumes, take_folder, volumes_of
from ci_kaniko.importing.readers.scripts import Piece, is_named
from ci_kaniko.importing.ticked import List, Map, ignore, line_of, maps, peek, string
from ci_kaniko.kaniko.pins import CURL_IMAGE, GIT_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONES = re.compile(r"\bgit\b[^\n]*\b(?:clone|fetch)\b|git-sync|^(?:clone|fetch)\b")

_GIT_IMAGE = re.compile(r"(?:^|/)(?:[\w.-]*[.-])?git(?:-\w+)*(?:[:@][^/]*)?$")
_LEFT = (".docker", "/stored")
"""How the folders end in which a container leaves something for the next."""
_ASKED = re.compile(r"GIT_(?:USERNAME|PASSWORD)|GIT_?SYNC_\w+")
"""Variables that git and git-sync read without a script naming them."""


def clones(text: str) -> bool:
    """Whether a script or a command line fetches a repository."""
    return _CLONES.search(text) is not None


def read_before(job: Job, pod: Map, container: Map, known: Known = UNKNOWN) -> Iterator[Piece]:
    """The scripts of the init containers that clone or log in, in the folders of the executor."""
    for entry in maps(pod.get("initContainers")):
        text = " ".join(map(peek, (*entry.sequence("command"), *entry.sequence("args"))))
        is_clone = clones(text) or _GIT_IMAGE.search(entry.peek("image")) is not None
        shared = list(_shared(pod, container, entry))
        left = [own for _, own, volume in shared if "emptyDir" in volume and _is_left(own)]
        if entry is container or runs_executor(entry) or not (is_clone or left):
            continue
        folder = entry.string("workingDir")
        moved = {}
        for mount, own, volume in shared:
            before, after = (each.peek("mountPath").rstrip("/") for each in (mount, own))
            nowhere = "clone" in text and not re.search(r"(?<![\w:/.@])/[a-z]", text)
            named = before and before in f"{text} {folder}"
            if own in left and job.is_ours:
                ignore(volume["emptyDir"])
            if own in left or (is_clone and (named or nowhere)):
                take_folder(volume, mount, own)
                moved[before] = after
                job.roots += [Root((after,))] * is_clone
        (_say_clone if is_clone else _say_login)(job, pod, entry)
        if not folder and len(moved) == 1 and not any(path in text for path in moved):
            # A clone that names no folder of its own ends in the one that it starts in.
            folder = next(iter(moved))
        yield script_of_container(entry, own_environment(job, entry, text, known), moved, folder)


def _is_left(mount: Map) -> bool:
    return mount.peek("mountPath").rstrip("/").endswith(_LEFT)


def _shared(pod: Map, container: Map, entry: Map) -> Iterator[tuple[Map, Map, Map]]:
    """Where one container has a volume, where another one has it, and the volume."""
    mounts = {item.peek("name"): item for item in maps(container.get("volumeMounts"))}
    volumes = volumes_of(pod)
    for mount in maps(entry.get("volumeMounts")):
        name = mount.peek("name")
        if name in mounts and name in volumes:
            yield mount, mounts[name], volumes[name]


def _say_clone(job: Job, pod: Map, entry: Map) -> None:
    entry.string("name")
    image = entry.string("image")
    if job.facts.names_none:
        job.section["clone"] = True
    if image != GIT_IMAGE and "git-sync" not in image:
        job.shared["tools"] = {"git": image}


def _say_login(job: Job, pod: Map, entry: Map) -> None:
    read_volumes(job, pod, entry)
    name, image = entry.string("name"), entry.string("image")
    if image != CURL_IMAGE and job.is_ours:
        job.shared.setdefault("tools", {})["curl"] = image
    elif image != CURL_IMAGE:
        job.tell("login-container", line_of(entry), name, image)
    context = entry.get("securityContext")
    if job.is_ours and isinstance(context, Map):
        ignore(context)  # a rendered Pod says it by itself


def own_environment(job: Job, entry: Map, text: str, known: Known = UNKNOWN) -> Known:
    """The variables of a container that its script names, which are no other one's."""
    before = dict(job.environment), dict(job.exported)
    named = [item for item in maps(entry.get("env")) if _is_asked(item.peek("name"), text)]
    read_environment(job, Map(items={"env": List(items=named)}), known)
    job.hide_secrets()
    own = {item.peek("name"): job.environment.get(item.peek("name"), ()) for item in named}
    job.environment, job.exported = before
    secrets = {name: (Var(name),) for name in job.secrets}
    return Known({**known.texts, **secrets, **{name: item for name, item in own.items() if item}})


def _is_asked(name: str, text: str) -> bool:
    return _ASKED.fullmatch(name) is not None or is_named(name, text)


def script_of_container(entry: Map, own: Known, moved: dict[str, str], folder: str) -> Piece:
    """What a container runs, whether or not a shell reads it, as a script."""
    words = [*entry.sequence("command"), *entry.sequence("args")]
    texts = [string(word) for word in words]
    at = script_place(texts)
    filled = [in_script(text, own) for text in texts]
    if at is not None:
        return script_of_text(filled[at], getattr(words[at], "first", 0), own, moved, folder)
    program = "git-sync" if "git-sync" in entry.peek("image") else "git"
    has_program = "command" in entry or texts[:1] == [program]
    line = line_of(words[0] if words else entry)
    found = shlex.join([program] * (not has_program) + filled)
    return script_of_text(found, line, own, moved, folder)


def script_of_text(text: str, line: int, own: Known, moved: dict[str, str], folder: str) -> Piece:
    """A script of a container that starts in a folder, with variables of its own."""
    heads = [
        f"{name}={shlex.quote(literal(value) or '')}; "
        for name, value in own.texts.items()
        if _is_asked(name, text) and literal(value) is not None and name.isidentifier()
    ]
    heads += [f"cd {shlex.quote(folder)}; "] * bool(folder)
    text = "".join(heads) + text
    for before, after in moved.items():
        pattern = rf"(?<![\w.:/-]){re.escape(before)}(?![\w.-])"
        text = re.sub(pattern, after.replace("\\", r"\\"), text)
    return Piece(f"(\n{text.rstrip()}\n)", line - 1)
