"""What a run is asked for."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.recorded import Handed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.rehearsing.events import Event


@dataclass(frozen=True)
class Request:
    """The job of a rendered file (or the one named `job`), and what its platform gives it.

    - `secrets` are the platform's. A name that is left out is unset on GitLab, empty on GitHub and
      Agola, absent from the Secret named `secret` on Kubernetes and Buildkite.
    - `file_secrets` are GitLab file variables, `docker_configs` Secrets of type dockerconfigjson.
    - `variables` are plain variables of the platform; `extra_env` is the environment that somebody
      else gives the job.
    - `inputs` are those of a reusable form, `handed` is what earlier jobs left, `files` lie in the
      checkout.
    - `digest` is that of what the job pushes, `executor_status` how its build ends, `failing` the
      tools of a preparation that fail.
    - `executor` is a program that builds.
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
    executor: str | None = None

    @property
    def store(self) -> dict[str, Mapping[str, str]]:
        """The Secrets of a cluster by their names."""
        configs = self.docker_configs.items()
        return {self.secret: self.secrets, **{k: {".dockerconfigjson": v} for k, v in configs}}
