"""What runs in a cluster is imported as the build that it was rendered from."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.request import Request
from harness import expectation, expected_logins
from harness.execution import run
from harness.reimported import imported, imports_as_the_same_plan, leaves_nothing, shell_driven
from harness.runs import RENDERED, push_event, read, render, values_for

TARGETS = ("agola", "buildkite")


@pytest.mark.parametrize(("case", "target"), shell_driven(*TARGETS))
def test_a_rendered_pipeline_is_imported_as_the_same_plan(case: str, target: str) -> None:
    imports_as_the_same_plan(case, target)


MANIFESTS = [case for case, target in RENDERED if target == "kubernetes"]


def _recorded(case: str, text: str) -> Any:
    event = push_event(case)
    wanted = expectation.Run(read(case), "kubernetes", event)
    fed = expected_logins.fed(wanted)
    section = wanted.spec.section("kubernetes")
    return run(
        Request(
            "kubernetes",
            text,
            event,
            secrets=fed.secrets,
            docker_configs=fed.docker_configs,
            variables=expectation.RUN_TIME,
            secret=section.get("secret", "ci-kaniko"),
        )
    )


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_rendered_manifest_is_imported_with_the_same_arguments(case: str) -> None:
    again = imported(case, "kubernetes").spec
    text = ci_kaniko.render(again, "kubernetes", values_for("kubernetes", push_event(case)))
    if text != render(case, "kubernetes"):
        before = _recorded(case, render(case, "kubernetes"))
        after = _recorded(case, text)
        assert sorted(after.argv or ()) == sorted(before.argv or ()), text
        assert after.config == before.config
    assert _secrets(text) == _secrets(render(case, "kubernetes"))


def _secrets(text: str) -> list[str]:
    """The keys and Secrets that a manifest asks for, for its containers and for the kubelet."""
    document = json.dumps(yaml11.load(text))
    keys = re.findall(r'"(?:secretName|key)": "([^"]+)"', document)
    pulled = re.findall(r'"imagePullSecrets": (\[[^]]*\])', document)
    return sorted([*keys, *pulled])


@pytest.mark.parametrize("target", [*TARGETS, "kubernetes"])
def test_nothing_is_left_of_a_rendered_pipeline(target: str) -> None:
    leaves_nothing(target)
