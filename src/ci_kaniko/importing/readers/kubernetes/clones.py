"""Init containers that put a repository where the executor finds it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.pods.containers import runs_executor, script_place
from ci_kaniko.importing.readers.pods.volumes import take_folder
from ci_kaniko.importing.ticked import Map, line_of, maps, peek, string
from ci_kaniko.importing.translate.settings import note_store
from ci_kaniko.kaniko.pins import GIT_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONES = re.compile(r"\bgit\b[^\n]*\b(?:clone|fetch)\b|git-sync|^(?:clone|fetch)\b")
_PLAIN = re.compile(r"(?:set [-+]|cd |mkdir |#|$)")


def read_clones(job: Job, pod: Map, container: Map, volumes: dict[str, Map], *, ours: bool) -> bool:
    """Read the init containers that clone; whether there is one."""
    found = False
    for entry in maps(pod.get("initContainers")):
        words = " ".join(map(peek, _words(entry)))
        if runs_executor(entry):
            continue
        if _CLONES.search(words) or "git" in entry.peek("image"):
            found = True
            job.roots += _roots(entry, container, volumes, words)
            _read(job, entry, words, ours=ours)
    return found


def _words(entry: Map) -> list[Any]:
    return [*entry.sequence("command"), *entry.sequence("args")]


def _roots(entry: Map, container: Map, volumes: dict[str, Map], text: str) -> Iterator[Root]:
    """Where the executor's container has the volume into which the other one clones."""
    mounts = {item.peek("name"): item for item in maps(container.get("volumeMounts"))}
    for item in maps(entry.get("volumeMounts")):
        own = mounts.get(item.peek("name"))
        path, volume = item.peek("mountPath"), volumes.get(item.peek("name"))
        named = path in text if path else False
        # A clone that names no folder of its own ends in the one that it starts in.
        nowhere = "clone" in text and not re.search(r"(?<![\w:/.@])/[a-z]", text)
        if own is None or volume is None or not (named or nowhere):
            continue
        take_folder(volume, item, own)
        deeper = re.search(rf"{re.escape(path)}/([\w./-]+)", text)
        at = own.string("mountPath").rstrip("/")
        if deeper and "clone" in text and ".git" not in deeper[1]:
            yield Root((f"{at}/{deeper[1]}",))
        yield Root((at,))


def _read(job: Job, entry: Map, text: str, *, ours: bool) -> None:
    """How the container clones: its image, login, submodules and depth."""
    entry.string("name")
    image = entry.string("image")
    if image != GIT_IMAGE and "git-sync" not in image:
        job.shared["tools"] = {"git": image}
    for variable in maps(entry.get("env")):
        _login(job, variable)
    checkout: dict[str, Any] = {}
    if "submodule update" in text or "--recurse-submodules" in text:
        deep = "--recursive" in text or "--recurse-submodules" in text
        checkout["submodules"] = "recursive" if deep else True
    if re.search(r"\bgit\b[^\n]* lfs\b", text):
        checkout["lfs"] = True
    depth = re.search(r"--depth[= ]([0-9]+)", text)
    if depth:
        checkout["depth"] = int(depth[1])
    job.check_out(checkout)
    for line, command in _commands(entry):
        if ours or _PLAIN.match(command):
            continue
        if re.match(r"(?:\w+=(?:\"[^\"]*\"|'[^']*'|\S*) )*(?:\S*/)?git\b", command):
            job.tell("clone", line, command)
        else:
            job.tell("init-command", line, command)


def _login(job: Job, variable: Map) -> None:
    name = variable.peek("name")
    source = variable.mapping("valueFrom").mapping("secretKeyRef")
    if name == "GIT_PASSWORD" and source:
        job.shared.setdefault("git", {})["token"] = source.string("key")
        note_store(job, job.section, source.string("name"))
    elif name == "GIT_USERNAME":
        if variable.string("value") != "oauth2":
            job.shared.setdefault("git", {})["username"] = variable.string("value")
    else:
        return
    variable.string("name")


def _commands(entry: Map) -> Iterator[tuple[int, str]]:
    """The commands of a container and their lines."""
    items = _words(entry)
    texts = [string(item) for item in items]
    at = script_place(texts)
    if at is None:
        if texts:
            head = [] if re.search(r"git(?:-sync)?$", texts[0]) else ["git"]
            yield line_of(items[0]), " ".join([*head, *texts])
        return
    first = getattr(items[at], "first", line_of(items[at]))
    for offset, row in enumerate(texts[at].split("\n")):
        for command in re.split(r"&&|;", row):
            if command.strip():
                yield first + offset, command.strip()
