"""Run in its own process: ``sync`` killed at every file operation, and what each kill leaves.

Each line that it reads has the code that makes the state which a sync starts from, and the way in
which it works. It answers with a line of JSON: for each event number, how the process ended, what
the repository held then, and after another sync if that was more than its files. It imports
little, for it forks at each of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from ci_kaniko import rendering
from ci_kaniko.cli import main as cli
from ci_kaniko.repository import files

_WATCHED = ("open", "os.", "shutil.", "fcntl.")
_LOOKS = ("os.scandir", "os.listdir", "os.putenv", "os.unsetenv")
"""After these everything is as it was: a kill there is the kill at what follows."""


def main() -> None:
    rendering.render = _remembered(rendering.render)
    for line in sys.stdin:
        print(json.dumps(_killed(*json.loads(line))), flush=True)


def _killed(prepare: str, variant: str) -> dict[str, Any]:
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - not a fixed name
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        root, cache = Path(folder, "repository"), Path(folder, "cache")
        os.environ.update(XDG_CACHE_HOME=str(cache), CI="")
        _make(root, cache, prepare)
        _run(root, variant)  # here, so that only the files of a sync are counted, and no modules
        wanted = _state(root, cache)
        seen = []
        for event in range(1, 1000):
            _make(root, cache, prepare)
            status = _sync(root, variant, event)
            killed = _state(root, cache)
            if killed.keys() - wanted:
                _sync(root, variant, 0)
            seen.append({"status": status, "killed": killed, "again": _state(root, cache)})
            if status == 0:
                break
        _make(root, cache, prepare)
        os.chdir("/")
        return {"old": _state(root, cache), "new": wanted, "seen": seen}


def _remembered(render: Any) -> Any:
    """Hundreds of syncs of one spec: only what they do with the text is different."""
    known: list[tuple[Any, str, str]] = []

    def rendered(spec: Any, target: str) -> str:
        for one, name, text in known:
            if (name, one.source.text, one) == (target, spec.source.text, spec):
                return text
        known.append((spec, target, render(spec, target)))
        return known[-1][-1]

    return rendered


def _make(root: Path, cache: Path, prepare: str) -> None:
    for folder in (root, cache):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    (root / ".git").mkdir()
    exec(prepare, {"root": root})  # noqa: S102 - the code is a test's own


def _state(root: Path, cache: Path) -> dict[str, str | None]:
    """Each file as text, folders and links as such, records only by the fact that they are."""
    found: dict[str, str | None] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = path.read_bytes().decode() if path.is_file() else None
    for path in cache.rglob("*"):
        if path.is_file() and len(path.name) != 40:
            found[f"cache/{path.name}"] = ""
    return found


def _sync(root: Path, variant: str, event: int) -> int:
    """The status of a child process that is killed at an event; 0 when there are not so many."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 3
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        code = _run(root, variant, event)
    finally:
        os._exit(code)


def _run(root: Path, variant: str, event: int = 0) -> int:
    os.chdir(root)
    sys.argv = ["ci-kaniko", "sync"]
    if event:
        _kill_at(event)
    try:
        with _VARIANTS[variant]():
            cli.command()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def _kill_at(event: int) -> None:
    left = event

    def hook(name: str, _: Any) -> None:
        nonlocal left
        if name.startswith(_WATCHED) and name not in _LOOKS:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _named() -> Any:
    """As where there are no unnamed files: macOS, and some network file systems."""
    return mock.patch.object(files, "_unnamed", return_value=None)


_VARIANTS: dict[str, Any] = {
    "usual": nullcontext,
    "named": _named,
    "threads": lambda: mock.patch.object(files, "_fork", return_value=None),
}
