"""What a plan decides that shows on no single target alone."""

from __future__ import annotations

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.model import Started
from harness.events import DEFAULT_BRANCH
from harness.runs import TARGETS, values_for

HEAD = "default_branch: main\npush: never\n"


@pytest.mark.parametrize("target", TARGETS)
def test_a_registry_that_asks_for_no_login_leaves_no_trace(target: str) -> None:
    plain, named = (
        rendering.render(ci_kaniko.loads(text), target, values_for(target, DEFAULT_BRANCH))
        for text in (HEAD, HEAD + "registries: {quay.io: anonymous}\n")
    )
    assert named == plain


def test_the_events_beside_those_of_requests() -> None:
    where = {"paths": ("src/**",), "repository": "acme/shop"}
    requests = Started(pull_requests=True, each_request=True, **where)  # type: ignore[arg-type]
    assert requests.but_requests is None
    assert requests.outside_requests is None
    both = requests._replace(branches=("main",))
    assert both.but_requests == Started(branches=("main",), **where)  # type: ignore[arg-type]
    assert both.outside_requests == both.but_requests._replace(requests=False)
    assert not both.outside_requests.may_be_request
    assert both.in_requests == requests._replace(requests=True)
