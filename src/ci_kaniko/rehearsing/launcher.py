"""Start programs in a root directory of their own, with no other program in between.

A small process stands by in that directory, in a mount namespace, and starts one program after
another; what is left of one is gone before the next.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.rehearsing import executor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _DETACH = 0x1, 0x20, 0x1000, 0x4000, 0x40000, 0x2
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
_TIMEOUT, _TIME_TO_BUILD = 60, 1800

_SHM = Path("/dev/shm")  # noqa: S108


def _in_memory() -> Path | None:
    """A folder in memory whose programs may run: in most containers those of this one may not."""
    if not os.access(_SHM, os.W_OK | os.X_OK) or os.statvfs(_SHM).f_flag & os.ST_NOEXEC:
        return None
    return _SHM


# A run makes and removes dozens of small files: in memory where the system offers that.
MEMORY = _in_memory()


class Bind(NamedTuple):
    """A folder that is seen elsewhere, too."""

    source: str
    target: str
    read_only: bool


class Done(NamedTuple):
    status: int
    stdout: bytes
    stderr: bytes


class Failed(Exception):
    """The program could not be started, or did not end."""


class World(NamedTuple):
    """What a root directory always has: folders of the machine, and links."""

    isolated: bool
    binds: tuple[Bind, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


class Room:
    """A root directory, and the process that stands by in it until its input ends."""

    def __init__(self, world: World) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="ci-kaniko-", dir=MEMORY))
        for bind in world.binds:
            (self.root / bind.target.lstrip("/")).mkdir()
        for name, place in world.links:
            (self.root / name).symlink_to(place)
        executor.furnish(str(self.root))
        self.kept = {*os.listdir(self.root)}
        self.read: dict[str, tuple[str, int]] = {}
        with _without_interrupts():
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-S", "-m", __name__],
                env={"PYTHONPATH": str(Path(__file__).parents[2])},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="ascii",
            )
        atexit.register(self.close)
        self.ready: bool = self._ask([str(self.root), world.isolated, world.binds])

    def close(self) -> None:
        atexit.unregister(self.close)
        self.process.communicate()
        shutil.rmtree(self.root, ignore_errors=True)

    def clean(self) -> None:
        with os.scandir(self.root) as entries:
            for entry in entries:
                if entry.name not in self.kept:
                    _remove_entry(entry)

    def start(
        self,
        words: Sequence[bytes],
        env: Mapping[str, bytes],
        cwd: str,
        binds: Sequence[Bind] = (),
    ) -> Done:
        """Start a program and wait for its end. Raises Failed."""
        answer = self._ask(
            {
                "words": [os.fsdecode(word) for word in words],
                "env": {name: os.fsdecode(value) for name, value in env.items()},
                "cwd": cwd,
                "binds": binds,
            }
        )
        if "error" in answer:
            raise Failed(answer["error"])
        return Done(answer["status"], os.fsencode(answer["stdout"]), os.fsencode(answer["stderr"]))

    def _ask(self, request: object) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits, here and in what is started, which until it serves would end in a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _remove(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            _remove_entry(entry)
    os.rmdir(folder)


def _remove_entry(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        _remove(entry.path)
    else:
        os.unlink(entry.path)


_idle: dict[World, list[Room]] = {}


@contextlib.contextmanager
def room(world: World) -> Iterator[Room]:
    """An empty one that no other thread uses."""
    idle = _idle.setdefault(world, [])
    try:
        found = idle.pop()
    except IndexError:
        found = Room(world)
    try:
        yield found
        found.clean()
    except BaseException:
        found.close()
        raise
    idle.append(found)


@functools.cache
def isolates() -> bool:
    """Whether this machine lets a program have a root directory of its own."""
    probe = Room(World(isolated=True, binds=(Bind("/proc", "/proc", read_only=False),)))
    probe.close()
    return probe.ready


# -- the process that stands by -----------------------------------------------------------------


def _called(name: str, *words: Any) -> None:
    if getattr(_libc(), name)(*words):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}: {words}")


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, flags: int) -> None:
    _called("mount", os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None)


def _bind(bind: Bind, root: str = "") -> None:
    _mount(bind.source, root + bind.target, _BIND | _REC)
    if bind.read_only:
        # A remount in a user namespace must repeat the flags that the source has.
        kept = os.statvfs(bind.source).f_flag & _KEPT
        _mount("none", root + bind.target, _REMOUNT | _BIND | _RDONLY | kept)


def _unbind(bind: Bind) -> None:
    _called("umount2", os.fsencode(bind.target), _DETACH)


def _private() -> None:
    """As root of a namespace without network; nothing that is mounted here is seen outside."""
    user, group = os.geteuid(), os.getegid()
    _called("unshare", _NEWNS | _NEWNET | (_NEWUSER if user else 0))
    if user:
        maps = {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _mount("none", "/", _REC | _PRIVATE)


def _enter(root: str, binds: Sequence[Bind]) -> bool:
    try:
        _private()
        # A root that is a mount: programs that make namespaces of their own expect that.
        _bind(Bind(root, root, read_only=False))
        for bind in binds:
            _bind(bind, root)
        os.chroot(root)
        os.chdir("/")
    except (AttributeError, OSError):
        return False
    return True


def _done(request: Mapping[str, Any], calls: executor.Calls) -> dict[str, Any]:
    mounted = []
    try:
        for bind in (Bind(*words) for words in request["binds"]):
            _bind(bind)
            mounted.append(bind)
        return _ran(request["words"], request["env"], request["cwd"], calls)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)}
    finally:
        for bind in reversed(mounted):
            _unbind(bind)


def _ran(
    words: Sequence[str], env: Mapping[str, str], cwd: str, calls: executor.Calls
) -> dict[str, Any]:
    calls.forget()
    limit = _TIME_TO_BUILD if calls.build else _TIMEOUT
    end = time.monotonic() + limit
    with (
        selectors.DefaultSelector() as selector,
        subprocess.Popen(  # noqa: S603
            words,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            umask=0o022,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout
        assert process.stderr
        said: dict[int, list[bytes]] = {}
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ, stream)
            said[stream.fileno()] = []
        selector.register(calls.fileno(), selectors.EVENT_READ)
        try:
            while len(selector.get_map()) > 1:
                events = selector.select(end - time.monotonic())
                if not events:
                    raise TimeoutError(f"not done after {limit} seconds: {words}")
                for key, _ in events:
                    if key.data is None:
                        calls.answer()
                    elif data := os.read(key.fd, 65536):
                        said[key.fd].append(data)
                    else:
                        selector.unregister(key.data)
            while process.poll() is None and time.monotonic() < end:
                # The executor may be called with its output elsewhere.
                if selector.select(0.01):
                    calls.answer()
            status = process.wait(0)
        finally:
            # Nothing of a run may disturb the next one.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    stdout, stderr = (os.fsdecode(b"".join(each)) for each in said.values())
    return {"status": status, "stdout": stdout, "stderr": stderr}


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.umask(0o022)
    first = sys.stdin.readline()
    if not first:  # who started this has gone
        return
    root, isolated, binds = json.loads(first)
    ready = not isolated or _enter(root, [Bind(*words) for words in binds])
    print(json.dumps(ready), flush=True)
    if not ready:
        return
    calls = executor.Calls("" if isolated else root)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line), calls)), flush=True)


if __name__ == "__main__":
    _serve()
