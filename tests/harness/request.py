"""What a run is asked for, how it goes on in its sandbox, and what comes out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from harness.recorded import Handed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.events import Event
    from harness.recorded import File, Mount
    from harness.sandbox import Result, Sandbox

IMAGE_ENV = {
    "PATH": "/usr/local/bin:/kaniko:/busybox",
    "HOME": "/root",
    "USER": "root",
    "DOCKER_CONFIG": "/kaniko/.docker/",
    "SSL_CERT_DIR": "/kaniko/ssl/certs",
}
JOIN_IMAGE = "ghcr.io/regclient/regctl"
JOIN_ENV = {"PATH": "/.record/bin:/busybox", "HOME": "/home/appuser", "USER": "appuser"}
PREPARE_ENV = {"PATH": "/.record/tools:/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
"""Containers that are not the executor's: the one that joins, and those that prepare."""


@dataclass(frozen=True)
class Request:
    """The job of a rendered file (or the one named `job`), and what its platform gives it.

    `secrets` are the platform's: a name that is left out is unset on GitLab, empty on GitHub and
    Agola, absent from the Secret named `secret` on Kubernetes and Buildkite. `file_secrets` are
    GitLab file variables, `docker_configs` Secrets of type dockerconfigjson, `variables` the
    platform's plain variables, `extra_env` what somebody else put into the job's environment.
    `inputs` are given to a reusable form, `handed` is what earlier jobs left, `files` are in the
    checkout. `digest` is of what the job pushes, `executor_status` is how its build ends, and
    `failing` are the tools of a preparation that fail.
    """

    target: str
    text: str
    event: Event
    _: KW_ONLY
    job: str | None = None
    shell: str = "dash"
    secrets: Mapping[str, str] = field(default_factory=dict)
    secret: str = "ci-kaniko"
    variables: Mapping[str, str] = field(default_factory=dict)
    file_secrets: Mapping[str, str] = field(default_factory=dict)
    docker_configs: Mapping[str, str] = field(default_factory=dict)
    extra_env: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    handed: Handed = field(default_factory=Handed)
    files: Mapping[str, str] = field(default_factory=dict)
    digest: str = "sha256:" + "0" * 64
    executor_status: int = 0
    failing: Sequence[str] = ()

    @property
    def store(self) -> dict[str, Mapping[str, str]]:
        """The Secrets of a cluster by their names."""
        configs = self.docker_configs.items()
        return {self.secret: self.secrets, **{k: {".dockerconfigjson": v} for k, v in configs}}


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

    def container_env(self, image: str, script: str) -> dict[str, str]:
        """What an image gives: the executor's, that of the tool that joins, or some other."""
        if image.startswith(JOIN_IMAGE):
            self.box.equip()
            return dict(JOIN_ENV)
        if "/kaniko/executor" in script:
            return dict(IMAGE_ENV)
        self.box.equip()
        return dict(PREPARE_ENV)


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
