"""The real BuildKit, in a Docker daemon of Debian's that has a root of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing import sandbox
from harness import buildctl, tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = tools.MODULES.parent / "buildkit"
"""Where ``.ci/run`` unpacks the packages."""
BUILDX = ROOT / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-buildx"
START = """\
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 buildkit "$2"
cd "$2"
mkdir -p dev etc/ssl/certs proc run shared sys tmp usr old
cp "$3/certificate.pem" etc/ssl/certs/ca-certificates.crt
mount --rbind "$1/usr" usr
for folder in dev sys; do mount --rbind "/$folder" "$folder"; done
mount --bind "$3" shared
mount -t proc proc proc
ln -s usr/bin usr/sbin usr/lib usr/lib64 .
pivot_root . old
/old/usr/bin/umount --lazy /old
export PATH=/usr/bin:/usr/sbin HOME=/tmp
exec dockerd --feature=containerd-snapshotter=true --bridge=none --iptables=false \\
  --ip6tables=false --data-root=/data --exec-root=/run/docker --pidfile=/run/docker.pid --host=unix:///shared/socket
"""
"""All that it writes lies in memory and is gone with it; ``pivot_root`` is for runc, which needs
a root that it can leave. A server's certificate is the only one that it trusts.
"""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A program like ``buildctl-daemonless.sh``, for as long as the daemon lives.

    It stands in ``bin`` of the folder, which holds the certificate of servers.
    """
    if not (ROOT / "complete").exists():
        pytest.skip("BuildKit is not installed")
    if not sandbox.ISOLATED:
        pytest.skip("no mount namespaces")
    new, socket, log = folder / "new-root", folder / "socket", folder / "daemon.log"
    new.mkdir()
    # The one kills the other as it dies, with all that it has started.
    words = [tools.program("setpriv"), "--pdeathsig=KILL", tools.program("unshare")]
    words += ["--mount", "--pid", "--fork", "--kill-child", tools.program("sh"), "-c", START, "sh"]
    with log.open("w") as out:
        daemon = subprocess.Popen([*words, ROOT, new, folder], stdout=out, stderr=out)
    try:
        for _ in range(1200):
            if socket.exists() or daemon.poll() is not None:
                break
            time.sleep(0.05)
        assert socket.exists(), log.read_text()
        program = folder / "bin" / "buildctl-daemonless.sh"
        settings = f"BUILDX={BUILDX} BUILDX_CONFIG={folder}/buildx DOCKER_HOST=unix://{socket}"
        python = f"{tools.program('python3')} -E -S {buildctl.__file__}"
        program.write_text(f'#!/bin/sh\n{settings} exec {python} "$@"\n')
        program.chmod(0o755)
        yield str(program)
    finally:
        daemon.kill()
        daemon.wait()


def forget(folder: Path) -> None:
    """Let the daemon keep nothing of what it has built."""
    env = {
        **os.environ,
        "DOCKER_HOST": f"unix://{folder}/socket",
        "BUILDX_CONFIG": f"{folder}/buildx",
    }
    words = ["prune", "--builder=default", "--all", "--force"]
    subprocess.run([str(BUILDX), *words], env=env, check=True, capture_output=True)
