"""The logins that GitHub's runner pulls the images of a job with."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin, Plan


def pulls_with(plan: Plan, login: HostLogin) -> bool:
    """Whether a workflow can hand a login on: credentials, or a config that docker reads."""
    kind = login.login.kind
    if plan.spec.github.mode == "docker":
        return kind == "docker-config" or (login.written and plan.docker_config is None)
    return kind in {"password", "ci-token"}
