"""What a run of a job leaves on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.rehearsing.documents import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.rehearsing.events import Event

MEMORY = "memory:"
"""A folder of a Pod that no disk ever holds: it is gone with the Pod, and so are its logins."""


class Mount(NamedTuple):
    source: str
    target: str
    read_only: bool


class File(NamedTuple):
    text: str
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What earlier jobs of the pipeline left, by their names: files, and named texts."""

    artifacts: Mapping[str, Mapping[str, File]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Joined(NamedTuple):
    """One call of the tool that joins platforms, and the login that it found."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    config_text: str | None
    config_mode: int | None
    credentials: Mapping[str, str]


class Input(NamedTuple):
    """A file that the executor finds below /kaniko; the mode of its folder, too."""

    text: str
    mode: int
    folder_mode: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a run did.

    How the executor was called:

    - `argv` are its arguments, None when it was never called; `calls` counts.
    - `command` is the whole call (`docker run …` included). `commands` are the program and the
      words of every call: a builder may push by calls of its own.
    - `config_text` and `config_mode` are config.json, `credentials` the texts of the files that
      CREDENTIAL_FILES lead to, `inputs` all files of the executor's folders for such things.
    - `context` are the files in its context.

    What else ran: `agent` and `curl` are the words of these programs, `tools` those of the
    compilers' stand-ins and `tools_env` their environment, `joined` the calls that join platforms.
    `pulls` are the images that were pulled where a file says how, with user and password.

    What is left: `files` are all that the run made or changed, by path as the script saw it;
    `artifacts` and `outputs` are for later jobs.
    """

    target: str
    event: Event
    status: int
    stdout: str
    stderr: str
    image: str
    workspace: str
    mounts: tuple[Mount, ...]
    calls: int
    files: Mapping[str, bytes]
    command: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    argv: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    umask: int | None = None
    config_text: str | None = None
    config_mode: int | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    agent: tuple[str, ...] = ()
    curl: tuple[str, ...] = ()
    context: Mapping[str, File] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    tools_env: tuple[str, ...] = ()
    joined: tuple[Joined, ...] = ()
    artifacts: Mapping[str, File] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any] | None:
        return None if self.config_text is None else json_object(self.config_text)
