"""A root directory for each run, where scripts find the paths that they name.

It is a private mount namespace and chroot where the machine allows one; otherwise paths such as
/kaniko/ are swapped for that directory in every text.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.builders.registry import builder
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.rehearsing import buildah, executor, kubelet, launcher, shells
from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.programs import (
    CHOWN,
    CURL,
    DATE,
    NC,
    REGCTL,
    SU,
    TAR,
    TIMEOUT,
    TOOL,
    TOOLS,
)
from ci_kaniko.rehearsing.recorded import File, Mount

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ci_kaniko.rehearsing.request import Request


OTHERS = "/.recorder/builders"
"""The folder of the builders beside kaniko."""

_SHARED = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "proc", "dev")
_SWAPPED = re.compile(
    r"/(?=(?:kaniko|busybox|builds|workspace|__w|github|home/runner|home/user|root|\.recorder|\.record)(?:[/:\s\"']|\Z))"
)

_APPLETS = (
    *("[", "awk", "base64", "basename", "cat", "chmod", "chown", "cp", "cut", "date", "dirname"),
    *("env", "find", "grep", "head", "id", "ls", "mkdir", "mktemp", "printf", "readlink", "rm"),
    *("sed", "sleep", "sort", "tail", "test", "touch", "tr", "true", "wc", "xargs"),
)
"""What scripts may call where no busybox says what it has."""


class Result(NamedTuple):
    status: int
    stdout: str
    stderr: str

    def then(self, other: Result) -> Result:
        """What both said, and how the later one ended."""
        return Result(other.status, self.stdout + other.stdout, self.stderr + other.stderr)


class Sandbox:
    """A directory that scripts see as `/`."""

    def __init__(self, room: launcher.Room, shell: str) -> None:
        self.room, self.root = room, room.root
        self._root = str(room.root)
        self.shell = "/busybox/sh" if shell == "busybox" else shells.shell(shell)[0]
        self.binds: list[launcher.Bind] = []
        self.before: dict[str, bytes] = {}

    def prepare(self, request: Request) -> None:
        event = request.event
        for name in ("kaniko", "tmp", "root", "workspace", ".record"):
            self.mkdir(f"/{name}")
        self.keep("/.recorder/status", f"{request.executor_status}\n")
        self.keep("/.recorder/digest", request.digest)
        self.keep("/.recorder/failing", "".join(f"{name}\n" for name in request.failing))
        self.keep("/.recorder/timestamps", f"{event.timestamp_local}\n{event.timestamp}\n")
        self.keep("/.recorder/commits", f"{event.before} {event.sha}\n")
        self.keep("/.recorder/changed", "".join(f"{path}\0" for path in event.changed))
        building = request.executor is not None
        program = executor.BUILDING if building else executor.PROGRAM
        self.write("/kaniko/executor", program, 0o755)
        for name in BUILDERS[1:]:
            self.keep(f"{OTHERS}/{builder(name).program}", executor.CALLED, 0o755)
        self.keep(f"{OTHERS}/curl", CURL, 0o755)
        self.keep(f"{OTHERS}/nc", NC, 0o755)
        self.keep(f"{OTHERS}/tar", TAR, 0o755)
        self.keep(f"{OTHERS}/su", SU, 0o755)
        self.keep(f"{OTHERS}/chown", CHOWN, 0o755)
        self.keep(f"{OTHERS}/timeout", TIMEOUT, 0o755)
        if request.executor == buildah.NAME:
            self.write(executor.BUILDER, buildah.PROGRAM, 0o755)
        elif request.executor is not None:
            shutil.copyfile(request.executor, self.path(executor.BUILDER))
            self.path(executor.BUILDER).chmod(0o755)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def mkdir(self, inside: str) -> None:
        os.makedirs(self.outside(inside), exist_ok=True)

    def keep(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Write a file that runs only read; the next one finds it as it is."""
        if self.room.read.get(inside) != (text, mode):
            self.write(inside, text, mode)
            self.room.read[inside] = text, mode

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = self.outside(inside)
        if not os.path.isdir(folder := os.path.dirname(path)):
            os.makedirs(folder)
        with open(path, "wb") as file:
            file.write(self._inward(text))
            os.fchmod(file.fileno(), mode)

    def outside(self, inside: str) -> str:
        return f"{self._root}/{inside.lstrip('/')}"

    def inside(self, outside: str) -> str:
        return outside.removeprefix(self._root)

    def mount(self, volume: kubelet.VolumeMount) -> Mount:
        """Mount a volume. Raises NotModelled."""
        if volume.target.rstrip("/") in ("/kaniko", "/busybox", ""):
            raise NotModelled(f"a mount at {volume.target} hides the executor")
        place = volume.target
        if ISOLATED and volume.read_only:
            place = f"/.record/volumes/{len(self.binds)}"
            self.mkdir(volume.target)
            self.binds.append(launcher.Bind(place, volume.target, read_only=True))
        self.mkdir(place)
        for name, text in volume.files.items():
            self.write(f"{place}/{name}", text, volume.mode)
        return Mount(volume.source, volume.target, volume.read_only)

    def place(self, target: str) -> str:
        """Where the files of a mount are before anything runs."""
        places = {bind.target: bind.source for bind in self.binds}
        return places.get(target, target)

    def run(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Result:
        """Run a program in this root directory. Raises NotModelled."""
        self.before = self.before or self.files()
        words = [self._inward(word) for word in argv]
        inward = {name: self._inward(value) for name, value in env.items()}
        where = cwd if ISOLATED else str(self.path(cwd))
        try:
            done = self.room.start(words, inward, where, self.binds)
        except launcher.Failed as failed:
            raise NotModelled(str(failed)) from None
        return Result(done.status, self.outward(done.stdout), self.outward(done.stderr))

    def equip(self) -> None:
        """What containers have that are not the executor's."""
        for name in TOOLS:
            self.keep(f"/.recorder/tools/{name}", TOOL, 0o755)
        self.keep("/.recorder/join/regctl", REGCTL, 0o755)

    def lines(self, inside: str) -> tuple[str, ...]:
        path = self.outside(inside)
        return tuple(bytes_of(path).decode().splitlines()) if os.path.exists(path) else ()

    def below(self, folder: str, paths: Iterable[str] = (".",)) -> dict[str, File]:
        """The files of a folder, or of some files and folders in it, by their paths there."""
        base, found = self.outside(folder), {}
        for path in paths:
            start = os.path.normpath(os.path.join(base, path))
            for file in [start] if os.path.isfile(start) else sorted(files_below(start)):
                text = self.outward(bytes_of(file))
                mode = os.stat(file).st_mode & 0o777
                found[os.path.relpath(file, base)] = File(text, mode)
        return found

    def files(self) -> dict[str, bytes]:
        """What each file holds, but for what the harness has for itself."""
        hidden = {*self.room.kept, ".record"}
        found = files_below(self._root, hidden)
        return {path[len(self._root) :]: bytes_of(path) for path in found}

    def _inward(self, text: str) -> bytes:
        if not ISOLATED:
            text = _SWAPPED.sub(lambda _: f"{self._root}/", text)
        return text.encode("utf-8", "surrogateescape")

    def outward(self, data: bytes) -> str:
        return data.replace(os.fsencode(self._root), b"").decode("utf-8", "surrogateescape")


@functools.cache
def world(shell: str, *, isolated: bool) -> launcher.World:
    folder = str(tools_of(shell))
    if not isolated:
        return launcher.World(isolated=False, links=(("busybox", folder),))
    shared = [Path("/", name) for name in _SHARED]
    binds = [
        launcher.Bind(str(path), str(path), read_only=path.name not in ("proc", "dev"))
        for path in shared
        if path.is_dir() and not path.is_symlink()
    ]
    binds.append(launcher.Bind(folder, "/busybox", read_only=True))
    links = ((path.name, str(path.readlink())) for path in shared if path.is_symlink())
    return launcher.World(isolated=True, binds=tuple(binds), links=tuple(links))


@functools.cache
def tools_of(shell: str) -> Path:
    """What stands in for /busybox: the applets, or the host's tools of the same names."""
    program, names = shells.shell(shell)[0], {*_APPLETS}
    if busybox := shutil.which("busybox"):
        words = [busybox, "--list"]
        listing = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
        names = {*listing.stdout.split()}
    needed = {name: shells.program(name) for name in _APPLETS if shell != "busybox"}
    directory = Path(tempfile.mkdtemp(prefix="ci-kaniko-tools-", dir=launcher.MEMORY))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in names - {"date", "sh"}:
        host = busybox if shell == "busybox" else needed.get(name) or shutil.which(name)
        if host and "/" not in name:
            (directory / name).symlink_to(host)
    (directory / "sh").symlink_to(program)
    date = f"{busybox} date" if shell == "busybox" else needed["date"]
    (directory / "date").write_text(DATE.format(date))
    (directory / "date").chmod(0o755)
    return directory


def files_below(folder: str, hidden: Collection[str] = ()) -> Iterator[str]:
    """The paths of all files, but for what is hidden; links to folders are not followed."""
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in hidden:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from files_below(entry.path)
            elif entry.is_file():
                yield entry.path


def bytes_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


ISOLATED: bool = launcher.isolates()
