"""The program in the place of kaniko's executor: it reports its call and waits.

Meanwhile the process that started the script writes down, below /.record, the call and what the
executor would find at that moment. That takes no further programs.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAM = """#!/bin/sh
echo "executor $$" >/.recorder/call
read -r status message </.recorder/answer
[ -z "$message" ] || echo "$message" >&2
exit "$status"
"""

BUILDER = "/.record/executor"
"""The program that builds after a call is recorded, where one does."""

CALLED = PROGRAM.replace('"executor $$"', '"builder $$"').replace(
    'exit "$status"', '[ "$1" != from ] || echo working-container\nexit "$status"'
)
"""Another builder, which may be called more than once; Buildah names the containers it makes."""

BUILDING = PROGRAM.replace(
    'exit "$status"', f'[ "$status" = 0 ] || exit "$status"\nexec {BUILDER} "$@"'
)

CREDENTIAL_FILES = (
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_FEDERATED_TOKEN_FILE",
)
"""Variables that lead a cloud's client to a file."""

_CONFIG = "config.json"

INPUTS = (".docker", "credentials", "secrets", "certificates")
"""The executor's folders for what it is given."""


def furnish(root: str) -> None:
    """What a root directory needs for this."""
    os.mkdir(f"{root}/.recorder")
    os.mkfifo(f"{root}/.recorder/call")
    os.mkfifo(f"{root}/.recorder/answer")


class Calls:
    """The executor's calls, as the process that stands by sees them."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._asked, self._answered = (
            os.open(f"{root}/.recorder/{name}", os.O_RDWR | os.O_NONBLOCK)
            for name in ("call", "answer")
        )

    def fileno(self) -> int:
        return self._asked

    @property
    def build(self) -> bool:
        """Whether another program builds after a call."""
        return os.path.exists(f"{self.root}{BUILDER}")

    def forget(self) -> None:
        """Drop the calls that nobody waits for."""
        for pipe in (self._asked, self._answered):
            try:
                os.read(pipe, 65536)
            except BlockingIOError:
                continue

    def answer(self) -> None:
        """Record a call; it ends as the run was told, or with what went wrong here."""
        for line in os.fsdecode(os.read(self._asked, 65536)).splitlines():
            kind, pid, *image = line.split(" ")
            try:
                call = _Call(f"/proc/{int(pid)}")
                answer = str(self._pulled(call, image) if image else self._recorded(call, kind))
            except OSError as error:
                answer = f"1 {error}"
            os.write(self._answered, answer.encode() + b"\n")

    def _pulled(self, call: _Call, image: Sequence[str]) -> int:
        """Docker looks for a login before it starts a container."""
        config = b""
        if os.path.isfile(path := call.path(call.env.get("DOCKER_CONFIG", "/nowhere"), _CONFIG)):
            with open(path, "rb") as file:
                config = file.read()
        with open(f"{self.root}/.record/pulls", "a", encoding="utf-8") as pulls:
            pulls.write(f"{image[0]} {base64.b64encode(config).decode()}\n")
        return 0

    def _recorded(self, call: _Call, kind: str) -> int:
        record = self._new()
        for name in ("cmdline", "environ"):
            _copy_file(f"{call.process}/{name}", f"{record}/{name}")
        (umask,) = re.findall(r"^Umask:\s*(\w+)", _read(f"{call.process}/status"), re.MULTILINE)
        _write(f"{record}/umask", umask)
        if kind == "docker":
            _copy(f"{self.root}/home/runner", f"{record}/runner", links=True)
        else:
            self._keep(record, call, kind)
        status = int(_read(f"{self.root}/.recorder/status"))
        if status == 0 and not self.build:
            digest = _read(f"{self.root}/.recorder/digest")
            flags = call.flags()
            exports = any(
                flag == "--output" and value.startswith("type=image") for flag, value in flags
            )
            for flag, value in [*flags, *call.archives()]:
                if flag == "--metadata-file" and not exports:
                    continue
                path = call.path(call.outside(value) if kind == "docker" else value)
                if kind != "docker" or path != call.path(value):
                    _leave(flag, path, digest)
        return status

    def _new(self) -> str:
        number = 1
        while os.path.exists(record := f"{self.root}/.record/{number}"):
            number += 1
        os.makedirs(f"{record}/inputs", 0o700)
        return record

    def _keep(self, record: str, call: _Call, kind: str) -> None:
        folder = call.env.get("DOCKER_CONFIG") or call.env.get("HOME", "") + "/.docker"
        files = {_CONFIG: call.path(folder, _CONFIG)}
        files |= {name: call.path(call.env[name]) for name in CREDENTIAL_FILES if name in call.env}
        for name, path in files.items():
            if os.path.isfile(path):
                _copy_file(path, f"{record}/{name}")
        contexts = [value for flag, value in call.flags() if flag == "--context"]
        for context in contexts[:1]:
            path = call.path(context.removeprefix("dir://"))
            if context.startswith("dir://") and os.path.isdir(path):
                _copy(path, f"{record}/context", links=True)
        home = f"{self.root}/kaniko" if kind == "executor" else call.env.get("HOME", "")
        for name in INPUTS:
            if os.path.isdir(found := f"{home}/{name}"):
                _copy(found, f"{record}/inputs/{name}", links=False)


class _Call:
    """A process that waits for its answer."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.words = _listed(f"{process}/cmdline")
        self.env = dict(pair.partition("=")[::2] for pair in _listed(f"{process}/environ"))
        self.cwd = os.readlink(f"{process}/cwd")

    def path(self, *parts: str) -> str:
        return os.path.join(self.cwd, *parts)

    def flags(self) -> list[tuple[str, str]]:
        pairs = (word.partition("=")[::2] for word in self.words if word.startswith("--"))
        return [(flag, value) for flag, value in pairs if value]

    def archives(self) -> Iterator[tuple[str, str]]:
        """The files that other builders leave an image in, by the flags of the executor."""
        for word in self.words:
            kind, _, rest = word.partition(":")
            if kind in {"docker-archive", "oci"}:
                yield _ARCHIVES[kind.removesuffix("-archive")], rest.partition(":")[0]
            elif word.startswith("--output="):
                (fields,) = csv.reader([word.removeprefix("--output=")])
                given = dict(field.partition("=")[::2] for field in fields)
                if given["type"] in _ARCHIVES:
                    yield _ARCHIVES[given["type"]], given["dest"]

    def outside(self, path: str) -> str:
        """Where a path of a container is outside, by the volumes that it is started with."""
        for word in self.words:
            pairs = dict(part.partition("=")[::2] for part in word.split(","))
            if "bind" in (pairs.get("type"), pairs.get("--mount=type")):
                source = pairs.get("source") or pairs.get("src", "")
                target = pairs.get("target") or pairs.get("dst") or pairs.get("destination", "")
            else:
                source, _, target = word.rpartition("=")[2].partition(":")
                target = target.partition(":")[0]
            if source.startswith("/") and target and path.startswith(f"{target}/"):
                return source + path.removeprefix(target)
        return path


_ARCHIVES = {"docker": "--tar-path", "oci": "--oci-layout-path"}


def _leave(flag: str, path: str, digest: str) -> None:
    """What an executor leaves that has pushed, or has written an archive."""
    if flag.endswith("digest-file") or flag == "--digestfile":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, digest)
    elif flag == "--metadata-file":
        _write(path, json.dumps({"containerimage.digest": digest.strip()}, indent=2))
    elif flag == "--tar-path":
        _write(path, "tar\n")
    elif flag == "--oci-layout-path":
        os.makedirs(path)


def _copy(folder: str, to: str, *, links: bool) -> None:
    """A folder as it is now: what it holds, and who may read that."""
    os.mkdir(to)
    with os.scandir(folder) as entries:
        for entry in entries:
            place = f"{to}/{entry.name}"
            if links and entry.is_symlink():
                os.symlink(os.readlink(entry.path), place)
            elif entry.is_dir():
                _copy(entry.path, place, links=links)
            else:
                _copy_file(entry.path, place)
    os.chmod(to, stat.S_IMODE(os.stat(folder).st_mode))


def _copy_file(path: str, to: str) -> None:
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is not a file")
    with open(path, "rb") as file, open(to, "wb") as copy:
        copy.write(file.read())
    os.chmod(to, stat.S_IMODE(mode))


def _listed(path: str) -> list[str]:
    with open(path, "rb") as file:
        return [os.fsdecode(item) for item in file.read().split(b"\0")[:-1]]


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
