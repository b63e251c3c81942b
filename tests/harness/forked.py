"""Programs in Python that start at once: forks of a process that has imported what they need.

A fork has its own environment, folder, streams and modules, and ends as any program; what Python
reads when it starts it has from its parent. A test about that uses ``subprocess``.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any
from unittest import mock

import ci_kaniko
from ci_kaniko.kaniko import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COMMAND = "from ci_kaniko.cli.main import main; main()"
PYTEST = "import sys, pytest; sys.exit(pytest.console_main())"
_PRELOADED = ("hypothesis", "pytest", "xdist.plugin", "harness.cases", "yaml")
_LIMIT = 120
_TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = {_TESTS, os.path.dirname(next(iter(ci_kaniko.__path__)))}


class _First:
    """A process that has imported, and is only ever copied."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        atexit.register(channel.close)

    def copy(self, *, warm: bool = False) -> socket.socket:
        """The channel of a process that serves, and has run every command when it is warm."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            _send(self._channel, {"warm": True} if warm else {}, [theirs.fileno()])
        return ours


@functools.cache
def _first(*, warm: bool) -> _First:
    return _First(_first(warm=False).copy(warm=True) if warm else _started())


def _started() -> socket.socket:
    """The channel of the process that imports for all of them."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": _TESTS},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(process.wait)
    return ours


_STARTING = threading.Lock()


class _Server:
    """Starts one program after another."""

    def __init__(self, *, warm: bool) -> None:
        with _STARTING:
            first = _first(warm=warm)
        self.channel = first.copy()
        self.channel.settimeout(_LIMIT)
        atexit.register(self.close)

    def close(self) -> None:
        atexit.unregister(self.close)
        self.channel.close()

    def run(self, request: Mapping[str, Any], streams: Sequence[int]) -> int:
        _send(self.channel, request, streams)
        child = _number(self.channel)
        try:
            return _number(self.channel)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise


_idle: dict[bool, list[_Server]] = {False: [], True: []}


@contextlib.contextmanager
def _server(*, warm: bool) -> Iterator[_Server]:
    """One that no other thread uses."""
    try:
        found = _idle[warm].pop()
    except IndexError:
        found = _Server(warm=warm)
    try:
        yield found
    except BaseException:
        found.close()
        raise
    _idle[warm].append(found)


def run(
    *arguments: str,
    code: str = COMMAND,
    folder: Path | str = ".",
    environment: Mapping[str, str],
    text: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """What code does as a program: by default that of ``ci-kaniko``.

    Raises TimeoutError for one that does not end.
    """
    request = {
        "code": code,
        "arguments": arguments,
        "folder": os.path.abspath(folder),
        "environment": dict(environment),
    }
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(text)
        streams[0].seek(0)
        added = environment.get("PYTHONPATH", "").split(os.pathsep)
        # Somebody else's target has to be there when models are made.
        warm = code == COMMAND and _OURS.issuperset(filter(None, added))
        server = stack.enter_context(_server(warm=warm))
        status = server.run(request, [stream.fileno() for stream in streams])
        for stream in streams:
            stream.seek(0)
        return subprocess.CompletedProcess(arguments, status, streams[1].read(), streams[2].read())


def _send(channel: socket.socket, request: Mapping[str, Any], streams: Sequence[int]) -> None:
    data = json.dumps(request).encode()
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))
    channel.sendmsg([len(data).to_bytes(4, "big")], [rights])
    channel.sendall(data)


def _number(channel: socket.socket) -> int:
    return int.from_bytes(_received(channel, 4), "big", signed=True)


def _received(channel: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += (more := channel.recv(length - len(data)))
        if not more:
            raise EOFError
    return data


# -- the process that is forked -------------------------------------------------------------------


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """In each fork what it has to do; in the process itself None, when nobody asks any more.

    A request without code makes a copy, which serves on the channel that comes with it.
    """
    while True:
        head, rights, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        if not head:
            return None
        streams = array.array("i", rights[0][2])
        request: dict[str, Any] = json.loads(_received(channel, int.from_bytes(head, "big")))
        child = os.fork()
        if "code" not in request:
            (copied,) = streams
            if child:
                os.close(copied)
            else:
                channel.close()
                channel = socket.socket(fileno=copied)
                if request:
                    _warm_up()
                    gc.freeze()
            continue
        if not child:
            channel.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return request
        for stream in streams:
            os.close(stream)
        channel.sendall(child.to_bytes(4, "big"))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        channel.sendall(status.to_bytes(4, "big", signed=True))


def _become(request: Mapping[str, Any], own: Sequence[str]) -> None:
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = ["", *filter(None, added), *own]
    sys.argv[:] = ["ci-kaniko", *request["arguments"]]
    importlib.invalidate_caches()
    for remembered in (installed._found, installed.installed):
        remembered.cache_clear()  # what was installed for the parent


def _main() -> None:
    ours = (module.name for module in pkgutil.walk_packages(ci_kaniko.__path__, "ci_kaniko."))
    for name in (*_PRELOADED, *ours):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    gc.freeze()
    own = [path for path in sys.path if path not in (os.getcwd(), _TESTS)]
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    if request:
        _become(request, own)
        status = _ran(request["code"])
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # to take all modules apart takes longer than most programs


_SPEC = b"""\
destinations: ["ghcr.io/acme/shop:1.0"]
context: git://github.com/acme/shop.git#refs/heads/main
default_branch: main
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
"""


def _warm_up() -> None:
    """What is made when it is first used, as models and commands are, is made once for all."""
    for words in (["validate"], *(["render", name] for name in ci_kaniko.available_targets())):
        with (
            mock.patch.object(sys, "argv", ["ci-kaniko", *words, "-f", "-"]),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(_SPEC))),
            contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())),
        ):
            status = _ran(COMMAND)
        assert not status, words


def _ran(code: str) -> int:
    """The status with which Python would end."""
    try:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - the code is a test's own
    except SystemExit as stopped:
        if stopped.code is None or isinstance(stopped.code, int):
            return stopped.code or 0
        print(stopped.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001 - as Python does it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _main()
