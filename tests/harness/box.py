"""Scripts run in a folder, with curl and busybox that reach servers which refuse as clouds do."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
from contextlib import contextmanager
from shutil import rmtree
from typing import TYPE_CHECKING, NamedTuple

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rendering import render
from harness import clouds, tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = (
    "[other]\naws_access_key_id = AKIAOTHER\n[default]\r\n"
    f"aws_access_key_id={clouds.KEY_ID}\naws_secret_access_key = {clouds.KEY} \n[last]\n"
)
SHELLS = (["dash"], ["bash"], ["busybox", "sh"])


NC = r"""#!/bin/sh
printf "%s\n" "$*" >> {0}/asked
while [ "$1" != -e ]; do host=$port port=$1; shift; done
case $host:$port in
  *.example.com:3128) port={3} ;;
  *:80 | *:9000) port={1} ;;
  *:443) port={2} ;;
  *) exit 1 ;;
esac
exec {4} nc 127.0.0.1 $port "$@"
"""
"""Busybox' nc, which gets to the servers and to the proxy whatever host is asked."""


class Box(NamedTuple):
    """A folder in the place of a container's root, and the ports of the clouds."""

    folder: Path
    tunnelled: list[str]

    def run(self, script: str, env: dict[str, str], shell: list[str]) -> tuple[int, str]:
        """The status of a job and what it printed; its builder does nothing."""
        for name in ("root/.docker/config.json", "asked"):
            (self.folder / name).unlink(missing_ok=True)
        for name in ("stored", "buildcontext"):
            rmtree(self.folder / "root" / name, ignore_errors=True)
        for name in ("root", "checkout"):
            (self.folder / name).mkdir(exist_ok=True)
        files = {"POD": clouds.POD, "AGENT": clouds.AGENT, "AWS_FILE": FILE}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        given = {k: str(self.folder / text) if text in files else text for k, text in env.items()}
        home = str(self.folder / "root")
        inside = re.sub(r"(?<![\w.$-])/(?:root|home/user)(?=/|\s)", home, script)
        program = [tools.program(shell[0]), *shell[1:], "-c", inside]
        places = {name: str(self.folder / name) for name in ("root", "checkout")}
        given |= {"HOME": places["root"], "CI_PROJECT_DIR": places["checkout"]}
        given["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"
        done = subprocess.run(program, env=given, capture_output=True, text=True)  # noqa: PLW1510
        return done.returncode, done.stdout + done.stderr

    @property
    def logins(self) -> dict[str, tuple[str, str]]:
        file = self.folder / "root" / ".docker" / "config.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        found = {}
        for host, entry in json.loads(file.read_text())["auths"].items():
            user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
            found[host] = user, password
        return found

    @property
    def words(self) -> str:
        """What others on the machine could see of the calls."""
        file = self.folder / "asked"
        return file.read_text() if file.exists() else ""


@contextmanager
def boxed(folder: Path) -> Iterator[Box]:
    """A folder with programs that reach the servers whatever host is asked."""
    curl = tools.program("curl")
    tools.program("openssl")
    (folder / "bin").mkdir()
    with clouds.serving(folder) as (plain, secure), clouds.tunnelling(secure) as (proxy, tunnelled):
        to = "--insecure " + " ".join(
            f"--connect-to :{port}:127.0.0.1:{there}"
            for port, there in ((80, plain), (clouds.MINIO_PORT, plain), (443, secure))
        )
        wrapper = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/asked\nexec {curl} {to} "$@"\n'
        busybox = tools.program("busybox")
        programs = {"curl": wrapper, "nc": NC.format(folder, plain, secure, proxy, busybox)}
        watched = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/asked\nexec {busybox} '
        programs["ssl_client"] = f'{watched} ssl_client "$@"\n'
        programs |= dict.fromkeys(("buildah", "buildctl-daemonless.sh"), "#!/bin/sh\n")
        for name, text in programs.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        yield Box(folder, tunnelled)


def script_of(text: str) -> str:
    """The script of the one job of GitLab that a spec makes."""
    jobs = yaml11.load(render(ci_kaniko.loads(text), "gitlab")).values()
    (found,) = (each["script"] for each in jobs if "script" in each)
    return str(found[0])
