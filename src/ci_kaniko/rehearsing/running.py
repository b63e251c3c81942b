"""Run a request in its sandbox, and collect what comes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_kaniko.builders.registry import builder
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.sandbox import OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.rehearsing.recorded import File, Mount
    from ci_kaniko.rehearsing.sandbox import Result, Sandbox

IMAGE_ENV = {
    "PATH": "/usr/local/bin:/kaniko:/busybox",
    "HOME": "/root",
    "USER": "root",
    "DOCKER_CONFIG": "/kaniko/.docker/",
    "SSL_CERT_DIR": "/kaniko/ssl/certs",
}
JOIN_ENV = {"PATH": "/.recorder/join:/busybox", "HOME": "/home/appuser", "USER": "appuser"}
CURL_ENV = {"PATH": f"{OTHERS}:/busybox:/usr/bin:/bin", "HOME": "/home/curl_user"}
_ENV_OF = {"regctl": JOIN_ENV, "curl --fail": CURL_ENV}
_TOOL = re.compile(r"^set -eu$.*?^ *(regctl|curl --fail) ", re.DOTALL | re.MULTILINE)
"""What a script of ours calls that builds nothing; the image with it can have any name."""
PREPARE_ENV = {"PATH": "/.recorder/tools:/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
"""Containers that are not the executor's: the one that joins, and those that prepare."""


def builder_in(script: str) -> Builder | None:
    """What a script builds with."""
    every = map(builder, BUILDERS)
    return next((one for one in every if _call_of(one) in script), None)


def _call_of(known: Builder) -> str:
    return known.program if known.takes_arguments else f"{known.program} build"


@dataclass(frozen=True, kw_only=True)
class Running(Request):
    """A request at work in its sandbox."""

    box: Sandbox

    def checkout(self, workspace: str, *, cloned: bool = True) -> None:
        self.box.mkdir(workspace)
        for path, text in self.files.items() if cloned else ():
            self.box.write(f"{workspace}/{path}", text)

    def unpack(self, jobs: Iterable[str], workspace: str) -> None:
        """The artifacts of earlier jobs come into the checkout."""
        for job in jobs:
            for path, file in self.handed.artifacts.get(job, {}).items():
                self.box.write(f"{workspace}/{path}", file.text, file.mode)

    def script(
        self, text: str, env: Mapping[str, str], cwd: str, flags: Sequence[str] = ("-e",)
    ) -> Result:
        self.box.write("/.record/script", text)
        command = [self.box.shell, *flags, "/.record/script"]
        return self.box.run(command, {**env, **self.extra_env}, cwd)

    def container_env(self, script: str) -> dict[str, str]:
        """What the image of a script gives: a builder's, that of a tool of ours, or some other."""
        found = builder_in(script)
        if found and found.takes_arguments:
            return dict(IMAGE_ENV)
        if found:
            self.box.mkdir(found.home)
            return {"PATH": f"{OTHERS}:/busybox:/usr/bin:/bin", "HOME": found.home}
        self.box.equip()
        tool = _TOOL.search(script)
        return dict(_ENV_OF[tool.group(1)] if tool else PREPARE_ENV)


@dataclass(frozen=True)
class Outcome:
    """How a job ended: status and what it said, in which image, and what it left to others."""

    result: tuple[int, str, str]
    image: str
    workspace: str = ""
    mounts: tuple[Mount, ...] = ()
    artifacts: Mapping[str, File] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)
