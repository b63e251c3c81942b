"""A registry on this machine that wants a password."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from harness import tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "reader", "not-so-secret"
_HASH = "$2b$04$MJjDuwzgyZ/iIZjnD0IBeOaPIscjrAZpXlYefgE4pifWf0nX6i2Le"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its host, for as long as it serves."""
    program = tools.program("docker-registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = f"127.0.0.1:{port}"
    (folder / "htpasswd").write_text(f"{USER}:{_HASH}\n", encoding="utf-8")
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
        "auth": {"htpasswd": {"realm": "here", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(settings), encoding="utf-8")
    with subprocess.Popen(
        [program, "serve", str(folder / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield host
        finally:
            running.terminate()
