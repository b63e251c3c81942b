"""Each secret of a spec is known by its place and by what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.plan.names import secret_places
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.secrets import uses_of_secrets
from ci_kaniko.rehearsing import yaml11

if TYPE_CHECKING:
    from collections.abc import Iterator

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SPEC = f"""\
default_branch: main
context: git://git.example.com/acme/shop.git
git: {{token: S_GIT}}
destinations: ["quay.io/acme/shop:1"]
registries:
  quay.io: {{username: {{secret: S_USER}}, password: S_TOKEN}}
  {ECR}: {{aws: {{access_key_id: S_ID, secret_access_key: S_KEY}}, pull: true}}
  eu.gcr.io: {{google: {{key_file: S_GOOGLE}}, pull: true}}
proxy: {{http: {{secret: S_PLAIN}}, https: {{secret: S_SECURE}}, no_proxy: internal}}
build_secrets: {{npm: S_NPM}}
certificates: {{quay.io: S_CA}}
client_certificates: {{quay.io: {{certificate: S_CERT, key: S_CERT_KEY}}}}
"""
FOR = {
    "S_GIT": "repository",
    "S_NPM": "npm",
    "S_PLAIN": "HTTP_PROXY",
    "S_SECURE": "HTTPS_PROXY",
    **dict.fromkeys(("S_USER", "S_TOKEN", "S_CA", "S_CERT", "S_CERT_KEY"), "quay.io"),
    **dict.fromkeys(("S_ID", "S_KEY"), ECR),
    "S_GOOGLE": "eu.gcr.io",
}
FILES = {"S_GOOGLE", "S_CA", "S_CERT", "S_CERT_KEY"}


def found(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Secrets of a spec, and where each stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from found(value, (*path, key))
    elif str(node).startswith("S_"):
        yield node, path


PLACES = dict(found(yaml11.load(SPEC)))


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
def test_secrets_have_a_place_and_a_purpose(target: str) -> None:
    plan = resolve(ci_kaniko.loads(SPEC), target)
    places = secret_places(plan)
    assert {*places} == {*FOR} == {*PLACES}
    for name, where in places.items():
        assert where in {PLACES[name][: len(where)], ("certificates",)}, name
    uses = uses_of_secrets([plan])
    assert {*uses} == {*FOR}
    assert [name for name, use in uses.items() if FOR[name] not in use.purpose] == []
    assert {name for name, use in uses.items() if use.is_file} == FILES


HINTS = {"PATH": "call it ACME_PATH", "HTTP_PROXY": "proxy: "}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("reserved", HINTS)
def test_a_secret_may_not_have_a_name_that_means_something(name: str, reserved: str) -> None:
    text = SPEC.replace(f"{name}}}", f"{reserved}}}").replace(f"{name},", f"{reserved},")
    spec = ci_kaniko.loads(text)
    (finding,) = resolve(spec, "gitlab").findings
    assert finding.rule == "reserved-name"
    assert finding.where in {PLACES[name][: len(finding.where)], ("certificates",)}
    assert (finding.hint or "").startswith(HINTS[reserved])


@pytest.mark.parametrize("target", ["agola", "buildkite", "kubernetes"])
def test_a_token_that_no_job_has_is_told_where_it_is_asked_for(target: str) -> None:
    spec = ci_kaniko.loads(SPEC.replace("S_GIT", "ci-token"))
    places = [
        finding.where
        for finding in resolve(spec, target).findings
        if finding.rule == "foreign-ci-token"
    ]
    assert places == [("git", "token")]
