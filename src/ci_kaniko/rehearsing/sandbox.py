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

from ci_kaniko.rehearsing import executor, kubelet, shells, starter
from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.programs import DATE, REGCTL, TOOL, TOOLS
from ci_kaniko.rehearsing.recorded import File, Mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ci_kaniko.rehearsing.request import Request


_SHARED = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "proc", "dev")
_SWAPPED = re.compile(
    r"/(?=(?:kaniko|busybox|builds|workspace|__w|github|home/runner|root|\.recorder|\.record)(?:[/:\s\"']|\Z))"
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


class Sandbox:
    """A directory that scripts see as `/`."""

    def __init__(self, room: starter.Room, shell: str) -> None:
        self.room, self.root = room, room.root
        self.shell = "/busybox/sh" if shell == "busybox" else shells.shell(shell)[0]
        self.binds: list[starter.Bind] = []
        self.before: dict[str, bytes] = {}

    def prepare(self, request: Request) -> None:
        event = request.event
        for name in ("kaniko", "tmp", "root", "workspace"):
            self.mkdir(f"/{name}")
        self.write("/.record/status", f"{request.executor_status}\n")
        self.write("/.record/digest", request.digest)
        self.write("/.record/failing", "".join(f"{name}\n" for name in request.failing))
        self.write("/.record/timestamps", f"{event.timestamp_local}\n{event.timestamp}\n")
        self.write("/.record/commits", f"{event.before} {event.sha}\n")
        self.write("/.record/changed", "".join(f"{path}\0" for path in event.changed))
        building = request.executor is not None
        program = executor.BUILDING if building else executor.PROGRAM
        self.write("/kaniko/executor", program, 0o755)
        if request.executor is not None:
            shutil.copyfile(request.executor, self.path("/.record/executor"))
            self.path("/.record/executor").chmod(0o755)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def mkdir(self, inside: str) -> None:
        os.makedirs(os.path.join(self.root, inside.lstrip("/")), exist_ok=True)

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = os.path.join(self.root, inside.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(self._inward(text))
        os.chmod(path, mode)

    def mount(self, volume: kubelet.VolumeMount) -> Mount:
        """Mount a volume. Raises NotModelled."""
        if volume.target.rstrip("/") in ("/kaniko", "/busybox", ""):
            raise NotModelled(f"a mount at {volume.target} hides the executor")
        place = volume.target
        if ISOLATED and volume.read_only:
            place = f"/.record/volumes/{len(self.binds)}"
            self.mkdir(volume.target)
            self.binds.append(starter.Bind(place, volume.target, read_only=True))
        self.mkdir(place)
        for name, text in volume.files.items():
            self.write(f"{place}/{name}", text, volume.mode)
        return Mount(volume.source, volume.target, volume.read_only)

    def run(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Result:
        """Run a program in this root directory. Raises NotModelled."""
        self.before = self.before or self.files()
        words = [self._inward(word) for word in argv]
        inward = {name: self._inward(value) for name, value in env.items()}
        where = cwd if ISOLATED else str(self.path(cwd))
        try:
            done = self.room.start(words, inward, where, self.binds)
        except starter.Failed as failed:
            raise NotModelled(str(failed)) from None
        return Result(done.status, self.outward(done.stdout), self.outward(done.stderr))

    def equip(self) -> None:
        """What containers have that are not the executor's."""
        for name in TOOLS:
            self.write(f"/.record/tools/{name}", TOOL, 0o755)
        self.write("/.record/bin/regctl", REGCTL, 0o755)

    def below(self, folder: str, paths: Iterable[str] = (".",)) -> dict[str, File]:
        """The files of a folder, or of some files and folders in it, by their paths there."""
        base, found = self.path(folder), {}
        for path in paths:
            start = base / path
            for file in [start] if start.is_file() else sorted(start.rglob("*")):
                if file.is_file():
                    text = self.outward(file.read_bytes())
                    found[str(file.relative_to(base))] = File(text, file.stat().st_mode & 0o777)
        return found

    def files(self) -> dict[str, bytes]:
        """What each file holds, but for what the harness has for itself."""
        found: dict[str, bytes] = {}
        root = str(self.root)
        left = [entry.path for entry in os.scandir(root) if not entry.name.startswith(".record")]
        for path in left:
            if os.path.isdir(path):
                if not os.path.islink(path):
                    left += [entry.path for entry in os.scandir(path)]
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path[len(root) :]] = file.read()
        return found

    def _inward(self, text: str) -> bytes:
        if not ISOLATED:
            text = _SWAPPED.sub(lambda _: f"{self.root}/", text)
        return text.encode("utf-8", "surrogateescape")

    def outward(self, data: bytes) -> str:
        return data.replace(bytes(self.root), b"").decode("utf-8", "surrogateescape")


@functools.cache
def world(shell: str, *, isolated: bool) -> starter.World:
    folder = str(tools_of(shell))
    if not isolated:
        return starter.World(isolated=False, links=(("busybox", folder),))
    shared = [Path("/", name) for name in _SHARED]
    binds = [
        starter.Bind(str(path), str(path), read_only=path.name not in ("proc", "dev"))
        for path in shared
        if path.is_dir() and not path.is_symlink()
    ]
    binds.append(starter.Bind(folder, "/busybox", read_only=True))
    links = ((path.name, str(path.readlink())) for path in shared if path.is_symlink())
    return starter.World(isolated=True, binds=tuple(binds), links=tuple(links))


@functools.cache
def tools_of(shell: str) -> Path:
    """What stands in for /busybox: the applets, or the host's tools of the same names."""
    program, names = shells.shell(shell)[0], {*_APPLETS}
    if busybox := shutil.which("busybox"):
        words = [busybox, "--list"]
        listing = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
        names = {*listing.stdout.split()}
    needed = {name: shells.program(name) for name in _APPLETS if shell != "busybox"}
    directory = Path(tempfile.mkdtemp(prefix="ci-kaniko-tools-", dir=starter.MEMORY))
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


def lines_of(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text().splitlines()) if path.exists() else ()


ISOLATED: bool = starter.isolates()
