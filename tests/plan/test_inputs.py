"""Inputs where somebody gives them, or nobody: what a build holds then, and what it cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.plan.inputs import chosen, declared, settled, settled_images, unfit_inputs

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build

SPEC = """\
default_branch: main
inputs:
  folder: {default: services/shop}
  stage: {}
  registry: {default: quay.io}
  mode: {default: fast}
  where: {type: platforms, default: linux/amd64}
  never: {}
context: ${input.folder}
dockerfile: ${input.folder}.Dockerfile
target: ${input.stage}
labels: {mode: "${input.mode}"}
platforms: [linux/amd64, linux/arm64, linux/s390x]
destinations: ["${input.registry}/acme/shop:${input.mode}"]
cache: {repo: "${input.registry}/acme/cache"}
registries: {"${input.registry}": {username: a, password: TOKEN}}
"""


def held(build: Build) -> dict[str, object]:
    """What inputs make."""
    cache = build.cache
    return {
        "context": str(build.context),
        "dockerfile": str(build.dockerfile),
        "target": str(build.target),
        "destination": str(build.destinations[0].image),
        "cache": str(cache and cache.repo),
        "hosts": [*build.registries],
        "platforms": build.platforms,
    }


def test_a_build_holds_what_is_given_or_the_defaults() -> None:
    spec = ci_kaniko.loads(SPEC)
    usual = {
        "context": "services/shop",
        "dockerfile": "services/shop.Dockerfile",
        "target": "${input.stage}",
        "destination": "quay.io/acme/shop:${input.mode}",
        "cache": "quay.io/acme/cache",
        "hosts": ["quay.io"],
        "platforms": ("linux/amd64",),
    }
    assert held(settled(spec, {})) == usual
    given = {
        "input.folder": "b",
        "input.stage": "run",
        "input.registry": "ghcr.io",
        "input.where": "linux/s390x,linux/amd64",
    }
    build = settled(spec, given)
    assert held(build) == {
        "context": "b",
        "dockerfile": "b.Dockerfile",
        "target": "run",
        "destination": "ghcr.io/acme/shop:${input.mode}",
        "cache": "ghcr.io/acme/cache",
        "hosts": ["ghcr.io"],
        "platforms": ("linux/amd64", "linux/s390x"),
    }
    assert build.labels["mode"] == "${input.mode}"
    assert chosen(spec).platforms == ("linux/amd64",)
    kept = SPEC.replace('"${input.registry}/acme/cache"', '"oci:/cache/layers"')
    assert held(settled(ci_kaniko.loads(kept), given))["cache"] == "oci:/cache/layers"
    plain = ci_kaniko.loads("push: never\n")
    assert settled(plain, given) is plain
    assert settled_images(plain, given) is plain
    assert chosen(plain) is plain


def test_each_image_is_settled() -> None:
    text = SPEC.replace("destinations", "images: {a: {}, b: {target: x}}\ndestinations")
    spec = ci_kaniko.loads(text.replace("shop:", "${image.name}:"))
    made = settled_images(spec, {"input.registry": "ghcr.io"})
    assert {name: str(each.destinations[0].image) for name, each in made.images.items()} == {
        name: f"ghcr.io/acme/{name}:${{input.mode}}" for name in ("a", "b")
    }


UNFIT = {"folder": "../x", "stage": "a b", "registry": "Quay", "where": "linux/riscv64"}


@pytest.mark.parametrize(("name", "text"), UNFIT.items())
def test_what_makes_no_path_stage_or_host_is_refused(name: str, text: str) -> None:
    spec = ci_kaniko.loads(SPEC)
    fits = {"input.folder": "a/b", "input.stage": "x", "input.registry": "ghcr.io:5000"}
    assert not [*unfit_inputs(spec, {**fits, "input.where": "linux/arm64", "input.mode": "any ü"})]
    found = [*unfit_inputs(spec, {**fits, f"input.{name}": text})]
    assert {(finding.rule, finding.message) for finding in found} == {
        ("bad-value", f'input.{name} cannot be "{text}"')
    }


def test_a_form_has_the_inputs_that_it_reads() -> None:
    spec = ci_kaniko.loads(
        "default_branch: main\npush: never\n"
        "inputs: {a: {default: x}, b: {default: x}, c: {default: x}, d: {default: x}}\n"
        "labels: {a: '${input.a}'}\n"
        "gitlab: {form: component, tags: ['${input.b}']}\n"
        "github: {form: reusable, extra: {name: '${{ inputs.c }}'}}\n"
    )
    assert [*declared(spec, "gitlab")] == ["a", "b", "d"]
    assert [*declared(spec, "github")] == ["a", "c", "d"]
    assert [*declared(spec, "buildkite")] == ["a", "d"]
