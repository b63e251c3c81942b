"""What GitLab and GitHub run is imported as the build that it was rendered from."""

from __future__ import annotations

import pytest

from ci_kaniko import TargetName, import_files, loads, render
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.syntax.variables import Ref
from harness.reimported import imports_as_the_same_plan, leaves_nothing, shell_driven

TARGETS: tuple[TargetName, ...] = ("gitlab", "github")


@pytest.mark.parametrize(("case", "target"), shell_driven(*TARGETS))
def test_a_rendered_pipeline_is_imported_as_the_same_plan(case: str, target: str) -> None:
    imports_as_the_same_plan(case, target)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_left_of_a_rendered_pipeline(target: str) -> None:
    leaves_nothing(target)


ONE_REPOSITORY = """
a:
  image: {name: gcr.io/kaniko-project/executor:v1.9.0-debug, entrypoint: [""]}
  script: [/kaniko/executor --context=. --destination=quay.io/acme/shop:1]
"""


@pytest.mark.parametrize(
    ("asked", "repository", "push"),
    [
        ("only: [main@acme/shop]", "acme/shop", None),
        ("rules: [{if: $CI_PROJECT_PATH == 'acme/shop'}]", "acme/shop", "always"),
        ("except: [main@acme/shop]", None, None),
        ("rules: [{if: $CI_PROJECT_PATH != 'acme/shop'}]", None, "never"),
        ("rules: [{if: $CI_PROJECT_PATH =~ /^acme/}]", None, "never"),
        ("rules: [{if: $CI_PROJECT_PATH == 'shop'}]", None, "never"),
    ],
)
def test_a_repository_alone_starts_a_job(
    asked: str, repository: str | None, push: str | None
) -> None:
    found = import_files([("a.gitlab-ci.yml", f"{ONE_REPOSITORY}  {asked}\n")])
    spec = yaml11.load(found.spec_text)
    assert spec.get("triggers", {}).get("repository") == repository
    assert spec.get("push") == push
    told = any(entry.rule == "unknown-trigger" for entry in found.report)
    assert told == (repository is None)


@pytest.mark.parametrize("host", ["${env.HOST}", "docker.${env.ZONE}", "reg.${env.ZONE}:5000"])
def test_a_host_that_may_be_docker_hub_is_one_host(host: str) -> None:
    spec = loads(
        f"destinations: ['{host}/acme/shop:1']\n"
        f"registries: {{'{host}': {{username: acme, password: TOKEN}}}}\n"
    )
    found = import_files([(".gitlab-ci.yml", render(spec, "gitlab"))])
    assert found.spec.registries == spec.registries


@pytest.mark.parametrize("image", ["${env.IMAGE}", "${env.IMAGE}:1", "${env.IMAGE}-x:${ref.tag}"])
def test_an_image_in_a_variable_is_one_image(image: str) -> None:
    """With a login of its own, or with those that it may need."""
    login = "{username: acme, password: TOKEN}"
    for entries in (f"'${{env.IMAGE}}': {login}", f"quay.io: {login}, ghcr.io: {login}"):
        spec = loads(f"destinations: ['{image}']\nregistries: {{{entries}}}\n")
        found = import_files([(".gitlab-ci.yml", render(spec, "gitlab"))])
        assert found.spec.registries == spec.registries
        assert found.spec.destinations == spec.destinations
        assert not [entry for entry in found.report if entry.kind == "left"]


def test_variables_are_references() -> None:
    assert Ref("tag").name == "tag"


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_caller_names_stays_an_input(target: TargetName) -> None:
    spec = loads("""\
context: apps/${input.folder}
dockerfile: ${input.file}
target: ${input.part}
destinations: [quay.io/acme/shop:1]
registries: {quay.io: anonymous}
triggers: {branches: [main]}
digest: true
inputs: {folder: {}, file: {default: Dockerfile}, part: {}}
gitlab: {form: component}
github: {form: reusable}
""")
    again = import_files([(f"a.{target}.yml", render(spec, target))], target).spec
    for field in ("context", "dockerfile", "target", "inputs", "push", "digest", "triggers"):
        assert getattr(again, field) == getattr(spec, field)
