"""A repository behind a login, and an image that holds git, for what a builder clones."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

from harness import tools

if TYPE_CHECKING:
    from pathlib import Path

READER, TOKEN = "reader", "t0ken '$x'"
IMAGE = """\
FROM scratch
COPY . /
ENV PATH=/usr/bin:/bin
ENTRYPOINT ["git"]
"""
_GIT = ("git", "git-remote-https", "git-http-fetch", "git-submodule", "git-sh-setup", "git-sh-i18n")


class Handler(SimpleHTTPRequestHandler):
    """A server of files, of which a login guards the repositories."""

    def do_GET(self) -> None:
        wanted = base64.b64encode(f"{READER}:{TOKEN}".encode()).decode()
        kind, _, given = (self.headers["Authorization"] or "").partition(" ")
        if ".git/" in self.path and (kind.lower(), given) != ("basic", wanted):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.end_headers()
            return
        super().do_GET()


def commit(files: Path, served: Path, name: str) -> str:
    """A bare repository of a server's with the files in a commit of ``release``, and others after.

    The commit is returned.
    """
    place = files.parent / f"{name}.work"
    shutil.copytree(files, place)

    def git(*words: str) -> str:
        said = ["git", "-C", str(place), "-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run([*said, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch", "release")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message", "the files")
    found = git("rev-parse", "HEAD")
    (place / "Dockerfile").write_text("FROM nowhere\n")
    git("commit", "--quiet", "--all", "--message", "broken")
    git("clone", "--quiet", "--bare", str(place), str(served / name))
    git("--git-dir", str(served / name), "update-server-info")
    shutil.rmtree(place)
    return found


def git_image(folder: Path) -> None:
    """The files of an image with git and a shell, and its Dockerfile."""
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    found = [tools.program("busybox"), tools.program("git")]
    found += [f"{core.stdout.strip()}/{name}" for name in _GIT[1:]]
    for program in found:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for file in (program, *re.findall(r"(/\S+) \(", said.stdout)):
            place = folder / file.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "sh").symlink_to(tools.program("busybox"))
    for name in ("etc", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(IMAGE)
