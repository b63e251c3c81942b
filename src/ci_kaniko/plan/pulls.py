"""The login that pulls the images that a job runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.syntax.references import pulled_from

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin, Plan


def pull_login(plan: Plan, image: str) -> HostLogin | None:
    """The login with which every run may pull an image of one's own, where a file can hand it on.

    What only runs that push hold pulls nothing: requests need the image as well.
    """
    host = pulled_from(image)
    login = next((one for one in plan.logins if one.host == host and not one.pushes), None)
    if login is None:
        return None
    kind = login.login.kind
    if plan.target == "github" and plan.spec.github.mode == "docker":
        beside = plan.docker_config is not None
        usable = kind == "docker-config" or (login.written and not beside)
    elif plan.target == "github":
        usable = kind in {"password", "ci-token"}
    else:
        usable = plan.target == "agola" and kind == "password"
    return login if usable else None
