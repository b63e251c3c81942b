"""Which logins a run has for a registry that only the run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.logins import late_uses
from ci_kaniko.plan.resolve import resolve

if TYPE_CHECKING:
    from ci_kaniko.plan.model import HostLogin

PASSWORD = "{username: a, password: TOKEN}"
ALWAYS = '"${env.IMAGE}:1"'
TAGGED = '{image: "${env.IMAGE}:1", when: {tag: "v*"}}'
QUAY = "quay.io/acme/app:1"
CASES = {
    "one login": (ALWAYS, {"quay.io": PASSWORD}, {"quay.io": "pushes"}),
    "all logins": (
        ALWAYS,
        {"quay.io": PASSWORD, "docker.io": "{username: b, password: HUB}"},
        {"quay.io": "pushes", "docker.io": "pushes"},
    ),
    "those that nothing else has": (
        f"{ALWAYS}, {QUAY}",
        {"quay.io": PASSWORD, "docker.io": PASSWORD},
        {"quay.io": "", "docker.io": "pushes"},
    ),
    "else all": (
        f'{ALWAYS}, {{image: "{QUAY}", when: {{tag: "v*"}}}}',
        {"quay.io": PASSWORD},
        {"quay.io": "pushes"},
    ),
    "in its runs": (
        f"{TAGGED}, ghcr.io/acme/app:1",
        {"quay.io": PASSWORD, "ghcr.io": PASSWORD},
        {"quay.io": "late", "ghcr.io": ""},
    ),
    "its own": (
        ALWAYS,
        {'"${env.IMAGE}"': PASSWORD, "quay.io": PASSWORD},
        {"${env.IMAGE}": "", "quay.io": "pulls"},
    ),
    "for pulls, too": (
        ALWAYS,
        {"quay.io": "{username: a, password: TOKEN, pull: true}"},
        {"quay.io": "pulls"},
    ),
    "a host that it may be": (
        '"reg.${env.ZONE}/acme/app:1"',
        {"reg.example.com": PASSWORD, "ghcr.io": PASSWORD},
        {"reg.example.com": "pushes", "ghcr.io": "pulls"},
    ),
    "none that it may be": ('"reg.${env.ZONE}/ab:1"', {"quay.io": PASSWORD}, None),
    "none but an anonymous one": (ALWAYS, {"quay.io": "anonymous"}, None),
    "none on this target": (ALWAYS, {"quay.io": f"{{github: {PASSWORD}}}"}, None),
}


@pytest.mark.parametrize(("destinations", "registries", "wanted"), CASES.values(), ids=CASES)
def test_logins_for_it(
    destinations: str, registries: dict[str, str], wanted: dict[str, str] | None
) -> None:
    """A login in a run that needs none is one that RUN lines may read."""
    entries = ", ".join(f"{host}: {login}" for host, login in registries.items())
    spec = ci_kaniko.loads(f"destinations: [{destinations}]\nregistries: {{{entries}}}\n")
    if wanted is None:
        with pytest.raises(ci_kaniko.SpecError, match="no login for"):
            rendering.render(spec, "gitlab")
        return
    plan = resolve(spec, "gitlab")

    def use(login: HostLogin) -> str:
        if not login.pushes:
            return "pulls"
        return "late" if late_uses(plan, login) else "pushes" if login.serves else ""

    assert {login.host: use(login) for login in plan.logins} == wanted
