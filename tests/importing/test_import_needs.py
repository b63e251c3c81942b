"""Outputs of another job are what they would be if its step stood in the job that reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_kaniko import import_files

METADATA = {
    "uses": "docker/metadata-action@v5",
    "with": {
        "images": "ghcr.io/acme/shop",
        "tags": "type=ref,event=branch\ntype=semver,pattern={{version}}\ntype=sha",
    },
}
CHECKOUT = {"uses": "actions/checkout@v5"}
SHORT = 'echo "tag=$(git rev-parse --short HEAD)" >> $GITHUB_OUTPUT'
BRANCHES = """\
if [ "$GITHUB_REF_NAME" = main ]; then tag=latest; else tag=$GITHUB_SHA; fi
echo "tag=$tag" >> "$GITHUB_OUTPUT"
"""
STEPS: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = {
    "tags of the action": (
        METADATA,
        {"tags": "${{ steps.s.outputs.tags }}", "labels": "${{ steps.s.outputs.labels }}"},
        {"tags": "{tags}", "labels": "{labels}"},
    ),
    "its version": (
        METADATA,
        {"version": "${{ steps.s.outputs.version }}"},
        {"tags": "ghcr.io/acme/shop:{version}"},
    ),
    "a script": (
        {"run": SHORT},
        {"tag": "${{ steps.s.outputs.tag }}"},
        {"tags": "ghcr.io/acme/shop:{tag}"},
    ),
    "a condition": (
        {"run": BRANCHES},
        {"tag": "${{ steps.s.outputs.tag }}"},
        {"tags": "ghcr.io/acme/shop:{tag}"},
    ),
    "a text around it": (
        {"run": SHORT},
        {"image": "ghcr.io/acme/shop:v${{ steps.s.outputs.tag }}"},
        {"tags": "{image}"},
    ),
    "a step of some runs": (
        {"run": SHORT, "if": "github.ref_name == 'main'"},
        {"tag": "${{ steps.s.outputs.tag }}"},
        {"tags": "ghcr.io/acme/shop:{tag}"},
    ),
}


def _read(*jobs: tuple[str, Any], action: Any = None, **around: Any) -> Any:
    on = {"push": {"branches": ["main", "next"], "tags": ["v*"]}}
    text = json.dumps({"on": on, "jobs": dict(jobs), **around})
    called = [(".github/actions/build/action.yml", json.dumps(action))] if action else []
    return import_files([(".github/workflows/image.yml", text), *called])


def _job(steps: list[Any], **more: Any) -> Any:
    return {"runs-on": "ubuntu-24.04", "steps": [CHECKOUT, *steps], **more}


def _build(given: dict[str, Any]) -> Any:
    return {"uses": "docker/build-push-action@v6", "with": {"push": True, "context": ".", **given}}


def _filled(given: dict[str, Any], outputs: dict[str, str]) -> dict[str, Any]:
    def filled(text: str) -> str:
        for name, value in outputs.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    return {key: filled(text) for key, text in given.items()}


@pytest.mark.parametrize("name", STEPS)
def test_an_output_of_another_job_is_read_as_a_step_of_the_own(name: str) -> None:
    step, outputs, given = STEPS[name]
    made = {"id": "s", **step}
    handed = {key: f"${{{{ needs.before.outputs.{key} }}}}" for key in outputs}
    one = _read(("image", _job([made, _build(_filled(given, outputs))])))
    two = _read(
        ("before", _job([made], outputs=outputs)),
        ("image", _job([_build(_filled(given, handed))], needs="before")),
    )
    assert two.spec_text == one.spec_text
    left = [{entry.rule for entry in found.report if entry.kind == "left"} for found in (one, two)]
    assert left[0] == left[1]
    steps = [_build({key: f"${{{{ inputs.{key} }}}}" for key in given})]
    action = {"inputs": {key: {} for key in given}, "runs": {"using": "composite", "steps": steps}}
    call = {"uses": "./.github/actions/build", "with": {**_filled(given, outputs), "else": "a"}}
    by_action = _read(("image", _job([made, call])), action=action)
    assert by_action.spec_text == one.spec_text
    assert any("with.else is not carried" in entry.message for entry in by_action.report)


def test_a_variable_of_the_job_may_hold_it() -> None:
    env = {"IMAGE": "ghcr.io/acme/shop:${{ needs.before.outputs.tag }}"}
    before = _job([{"id": "s", "run": SHORT}], outputs={"tag": "${{ steps.s.outputs.tag }}"})
    build = _build({"tags": "${{ env.IMAGE }}"})
    found = _read(("before", before), ("image", _job([build], needs=["before"], env=env)))
    assert [str(each.image) for each in found.spec.destinations] == [
        "ghcr.io/acme/shop:${commit.short}"
    ]


NAMED: dict[str, dict[str, Any]] = {
    "a variable of the shell": {"run": 'echo "tag=$TAG" >> $GITHUB_OUTPUT'},
    "an expression": {"run": 'echo "tag=${{ env.TAG }}" >> $GITHUB_OUTPUT'},
    "an action": {
        "uses": "docker/metadata-action@v5",
        "with": {"images": "ghcr.io/acme/shop", "tags": "type=raw,value=${{ env.TAG }}"},
    },
}
PLACES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "of the workflow": ({"TAG": "ours"}, {}, {}, {}),
    "of its job": ({"TAG": "theirs"}, {"TAG": "ours"}, {}, {}),
    "of its step": ({}, {"TAG": "theirs"}, {"TAG": "ours"}, {}),
    "of its job, and another one of the reader's": ({}, {"TAG": "ours"}, {}, {"TAG": "theirs"}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMED)
def test_an_output_is_made_with_the_variables_of_its_own_job(name: str, place: str) -> None:
    around, of_job, of_step, of_reader = PLACES[place]
    output = "version" if name == "an action" else "tag"
    made = {"id": "s", **NAMED[name], "env": of_step}
    before = _job([made], env=of_job, outputs={"tag": f"${{{{ steps.s.outputs.{output} }}}}"})
    build = _build({"tags": "ghcr.io/acme/shop:${{ needs.before.outputs.tag }}"})
    image = _job([build], needs="before", env=of_reader)
    found = _read(("before", before), ("image", image), env=around)
    assert [str(each.image) for each in found.spec.destinations] == ["ghcr.io/acme/shop:ours"]
    assert not [entry for entry in found.report if entry.rule in ("needs", "other-job")]


@pytest.mark.parametrize("name", NAMED)
def test_a_variable_of_the_reader_is_none_of_the_job_before(name: str) -> None:
    output = "version" if name == "an action" else "tag"
    made = {"id": "s", **NAMED[name]}
    before = _job([made], outputs={"tag": f"${{{{ steps.s.outputs.{output} }}}}"})
    build = _build({"tags": "ghcr.io/acme/shop:${{ needs.before.outputs.tag }}"})
    found = _read(("before", before), ("image", _job([build], needs="before", env={"TAG": "ours"})))
    assert "ours" not in found.spec_text
    assert any("needs.before.outputs.tag" in entry.message for entry in found.report)


ELSE: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a variable of a job before it": (
        [{"id": "s", "run": SHORT}],
        {"env": {"A": "${{ needs.first.outputs.a }}"}},
    ),
    "what another step exports": (
        [{"run": "echo A=b >> $GITHUB_ENV"}, {"id": "s", "run": SHORT}],
        {},
    ),
    "an action": ([{"id": "s", "uses": "acme/version@v1"}], {}),
    "a build": ([{"id": "s", "run": f"docker build -t a .\n{SHORT}"}], {}),
    "a matrix": ([{"id": "s", "run": SHORT}], {"strategy": {"matrix": {"a": [1, 2]}}}),
}


@pytest.mark.parametrize("name", ELSE)
def test_an_output_that_cannot_be_read_is_told(name: str) -> None:
    steps, more = ELSE[name]
    before = _job(steps, outputs={"tag": "${{ steps.s.outputs.tag }}"}, **more)
    build = _build({"tags": "ghcr.io/acme/shop:${{ needs.before.outputs.tag }}"})
    found = _read(("before", before), ("image", _job([build], needs="before")))
    assert "needs.before" not in found.spec_text
    assert "ghcr.io" not in found.spec_text
    assert any("needs.before.outputs.tag" in entry.message for entry in found.report)


def test_a_job_that_does_more_stays_where_it_is() -> None:
    """Only one whose every step and output is read needs no place beside what is rendered."""
    made = {"id": "s", "run": SHORT}
    outputs = {"tag": "${{ steps.s.outputs.tag }}"}
    build = _build({"tags": "ghcr.io/acme/shop:${{ needs.before.outputs.tag }}"})
    jobs = {
        "other-job": _job([made, {"run": "make lint"}], outputs=outputs),
        "": _job([made], outputs=outputs),
    }
    for rule, before in jobs.items():
        found = _read(("before", before), ("image", _job([build], needs="before")))
        told = {entry.rule for entry in found.report}
        assert ("other-job" in told, "needs" in told) == (bool(rule), bool(rule))
