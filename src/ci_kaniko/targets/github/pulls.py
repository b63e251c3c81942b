"""The logins that GitHub's runner pulls the images of a job with."""

from __future__ import annotations

from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.pulled import pulled_images

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.pipeline import Image


def pulls_with(plan: Plan, login: HostLogin) -> bool:
    """Whether a workflow can hand a login on: credentials, or a config that docker reads."""
    kind = login.login.kind
    if plan.spec.github.mode == "docker":
        return kind == "docker-config" or (login.written and plan.docker_config is None)
    return kind in {"password", "ci-token"}


def tool_login(image: Image, tool: str) -> HostLogin | None:
    """The login that pulls a tool of one's own, for a job beside those that build an image."""
    if tool not in pulled_images(image.build, "github"):
        return None
    return pull_login(image.jobs[0].plan, tool, pulls_with)
