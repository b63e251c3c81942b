"""A job of a workflow, in GitHub's words."""

from __future__ import annotations

from ci_kaniko.quick.hints import Any
from ci_kaniko.quick.records import NamedTuple, dataclass, field


class Permission(NamedTuple):
    """What a job's token may do, and why."""

    name: str
    access: str
    why: str


@dataclass(frozen=True)
class Step:
    """A step that runs a script."""

    name: str
    run: str
    shell: str = "bash"
    id: str = ""
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job.

    ``checkout`` are the settings of the checkout, None when there is none.
    """

    id: str
    name: str
    runs_on: tuple[str, ...]
    timeout_minutes: int
    permissions: list[Permission]
    steps: list[Step]
    needs: tuple[str, ...] = ()
    condition: str = ""
    environment: str | None = None
    container: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    checkout: dict[str, Any] | None = None
