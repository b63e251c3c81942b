"""Containers and steps that clone a repository, as scripts before that of the executor."""

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
from ci_kaniko.importing.readers.pods.volumes import placed, take_folder, volumes_of
from ci_kaniko.importing.readers.scripts import is_named
from ci_kaniko.importing.ticked import List, Map, line_of, maps, peek, string
from ci_kaniko.kaniko.pins import GIT_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.scripts import Piece

_CLONES = re.compile(r"\bgit\b[^\n]*\b(?:clone|fetch)\b|git-sync|^(?:clone|fetch)\b")

_ASKED = re.compile(r"GIT_(?:USERNAME|PASSWORD)|GIT_?SYNC_\w+")
"""Variables that git and git-sync read without a script naming them."""


def clones(text: str) -> bool:
    """Whether a script or a command line fetches a repository."""
    return _CLONES.search(text) is not None


def read_clones(job: Job, pod: Map, container: Map) -> Iterator[Piece]:
    """The scripts of the init containers that clone, in the folders of the one that builds."""
    volumes = volumes_of(pod)
    for entry in maps(pod.get("initContainers")):
        text = " ".join(map(peek, (*entry.sequence("command"), *entry.sequence("args"))))
        if runs_executor(entry) or not (clones(text) or "git" in entry.peek("image")):
            continue
        job.section["clone"] = True
        entry.string("name")
        image = entry.string("image")
        if image != GIT_IMAGE and "git-sync" not in image:
            job.shared["tools"] = {"git": image}
        own = own_environment(job, entry, text)
        folder = entry.string("workingDir")
        moved = _moved(job, entry, container, volumes, f"{text} {folder}")
        if not folder and len(moved) == 1 and not any(path in text for path in moved):
            # A clone that names no folder of its own ends in the one that it starts in.
            folder = next(iter(moved))
        yield script_of_container(entry, own, moved, folder)


def _moved(
    job: Job, entry: Map, container: Map, volumes: dict[str, Map], text: str
) -> dict[str, str]:
    """Where the container that builds has the folders into which another one clones."""
    mounts = {item.peek("name"): item for item in maps(container.get("volumeMounts"))}
    moved = {}
    for item in maps(entry.get("volumeMounts")):
        own, volume = mounts.get(item.peek("name")), volumes.get(item.peek("name"))
        path = item.peek("mountPath").rstrip("/")
        named = path and path in text
        nowhere = "clone" in text and not re.search(r"(?<![\w:/.@])/[a-z]", text)
        if own is None or volume is None or not (named or nowhere):
            continue
        take_folder(volume, item, own)
        moved[path] = own.string("mountPath").rstrip("/")
        job.roots.append(Root((moved[path],)))
    return moved


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
    return placed("".join(heads) + text, line, moved)
