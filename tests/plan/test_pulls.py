"""With which login a job's own image is pulled."""

from __future__ import annotations

import pytest

import ci_kaniko
from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.plan.resolve import resolve

SPEC = """\
default_branch: main
destinations: ["quay.io/acme/shop:1"]
registries:
  mirror.example.com: {username: m, password: MIRROR, pull: true}
  ghcr.io: {username: a, password: PULL, pull: true}
  quay.io: {username: b, password: PUSH}
"""
PULLED = {
    "ghcr.io/acme/tool:1": "ghcr.io",
    "mirror.example.com/tool": "mirror.example.com",
    "quay.io/acme/tool:1": None,
    "registry.example.com/tool:1": None,
    "alpine:3": None,
}


@pytest.mark.parametrize("image", PULLED)
def test_an_image_is_pulled_with_what_every_run_has_for_its_host(image: str) -> None:
    plan = resolve(ci_kaniko.loads(SPEC), "gitlab")
    login = pull_login(plan, image, lambda *_: True)
    assert (login and login.host) == PULLED[image]
    assert pull_login(plan, image, lambda *_: False) is None
