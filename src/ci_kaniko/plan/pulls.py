"""The login that pulls the images that a job runs in."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.references import pulled_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.plan.model import HostLogin, Plan


def pull_login(
    plan: Plan, image: str, pulls_with: Callable[[Plan, HostLogin], bool]
) -> HostLogin | None:
    """The login with which every run may pull an image of one's own, where a file can hand it on.

    What only runs that push hold pulls nothing: requests need the image as well.
    """
    host = pulled_from(image)
    login = next((one for one in plan.logins if one.host == host and not one.pushes), None)
    return login if login and pulls_with(plan, login) else None
