"""Which logins a run has for a registry that only the run knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.bind import bind
from ci_kaniko.plan.logins import late_uses
from ci_kaniko.plan.pipeline import pipeline
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.values import Values

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
    "that of its default, too": (
        f'"${{env.IMAGE:-quay.io/a/bc}}:1", {{image: "{QUAY}", when: {{tag: "v*"}}}}',
        {"quay.io": PASSWORD, "docker.io": PASSWORD},
        {"quay.io": "pushes", "docker.io": "pushes"},
    ),
    "none for its default": ('"${env.IMAGE:-ghcr.io/a/bc}:1"', {"quay.io": PASSWORD}, None),
    "its own with another default": (
        '"${env.REGISTRY:-ghcr.io}/a/bc:1"',
        {'"${env.REGISTRY}"': PASSWORD},
        None,
    ),
    "a used one where others cannot be it": (
        '"reg.${env.ZONE}/acme/app:1", {image: "reg.a.io/acme/app:2", when: {tag: "v*"}}',
        {"reg.a.io": PASSWORD, "ghcr.io": PASSWORD},
        {"reg.a.io": "pushes", "ghcr.io": "pulls"},
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


MIXED = f"""
registries: {{quay.io: {PASSWORD}, docker.io: {PASSWORD}, ghcr.io: {PASSWORD}}}
images:
  one:
    destinations: ["${{env.IMAGE}}:1", {{image: "ghcr.io/acme/one:1", when: {{tag: "v*"}}}}]
    platforms: [linux/amd64, linux/arm64]
  two: {{destinations: [{QUAY}]}}
  three: {{destinations: ["${{input.image}}:1"], registries: {{"${{input.image}}": {PASSWORD}}}}}
inputs: {{image: {{default: gcr.io/acme/three}}}}
"""


def test_other_jobs_have_no_more() -> None:
    """Those of platforms, the one that joins them, and those of other images."""
    planned = pipeline(ci_kaniko.loads(MIXED), "gitlab")
    logins = [
        [{login.host for login in job.plan.logins} for job in image.jobs]
        for image in planned.images
    ]
    joins = [{login.host for login in image.join.logins} for image in planned.images if image.join]
    assert logins == [[{"docker.io", "quay.io"}] * 2, [{"quay.io"}], [{"gcr.io"}]]
    assert joins == [{"docker.io", "ghcr.io", "quay.io"}]


@pytest.mark.parametrize(
    ("image", "host"), [("quay.io/acme/app", "quay.io"), ("acme/app", "docker.io")]
)
def test_a_manifest_has_the_login_of_the_registry_that_it_knows(image: str, host: str) -> None:
    """And no other one; a script, which a preview asks for, has what it would need anywhere."""
    spec = ci_kaniko.loads(
        f"destinations: [{ALWAYS}]\n"
        f"registries: {{quay.io: {PASSWORD}, docker.io: {PASSWORD}, ghcr.io: {PASSWORD}}}\n"
    )
    read = Values({"env.IMAGE": image}, None).replace
    for target, hosts in (("kubernetes", [host]), ("gitlab", ["quay.io", "docker.io", "ghcr.io"])):
        plan = bind(resolve(spec, target), read, read, lambda _: True, is_pull_request=False)
        assert [login.host for login in plan.logins] == hosts
