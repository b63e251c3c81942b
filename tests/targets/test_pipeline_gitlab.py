"""Whole pipelines on GitLab: what its jobs look like and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11

_TWO = """
default_branch: main
registries: {ghcr.io: {username: a, password: GHCR_TOKEN}}
context: services/${image.name}
destinations: ['ghcr.io/acme/${image.name}:${commit.short}']
"""


def rendered(text: str) -> str:
    return ci_kaniko.render(ci_kaniko.loads(text), "gitlab")


def jobs(text: str) -> dict[str, Any]:
    """The jobs of the last document, each with what it extends."""
    *_, document = yaml11.load_all(rendered(text))
    return {
        name: {**document.get(job.get("extends"), {}), **job}
        for name, job in document.items()
        if isinstance(job, dict) and not name.startswith(".")
    }


def refused(text: str) -> set[str]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendered(text)
    return {problem.rule for problem in error.value.problems}


def test_one_platform_leaves_no_trace() -> None:
    text = "push: never\n"
    assert rendered(text + "platforms: linux/amd64\n") == rendered(text)


def test_what_images_share_is_written_once() -> None:
    text = rendered(_TWO + "gitlab: {stage: build, tags: [k8s]}\nimages: {api: {}, web: {}}")
    assert [text.count(word) for word in ("entrypoint", "tags:", "rules:", "extends:")] == [
        *(1, 1, 1, 2)
    ]


def test_what_only_a_child_pipeline_is_not_told_names_that_form() -> None:
    text = (
        "destinations: [{image: '${registry.image}:1', when: [default-branch, manual]}]\n"
        "triggers: {branches: [main], manual: true, schedules: ['5 4 * * 0']}\n"
    )
    rendered(text)
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendered(text + "gitlab: {form: child}\n")
    assert {problem.rule for problem in error.value.problems} == {
        *("impossible-condition", "impossible-trigger")
    }
    for problem in error.value.problems:
        assert problem.message.startswith("GitLab's form: child ")


def test_every_job_has_the_runner_that_the_spec_asks_for() -> None:
    found = jobs(
        _TWO
        + "gitlab: {stage: build, tags: [k8s], timeout: 1h, retry: 2}\n"
        + "images: {api: {platforms: [linux/amd64, linux/arm64], prepare:"
        + " {image: docker.io/library/golang:1.26, commands: [make], artifacts: [bin]}}}\n"
    )
    assert len(found) == 4
    for name, job in found.items():
        assert (job["stage"], job["timeout"]) == ("build", "1h"), name
        assert job["retry"]["max"] == 2, name
        assert job["tags"], name


def test_a_job_keeps_what_differs() -> None:
    found = jobs(
        _TWO
        + "images: {api: {gitlab: {tags: [arm]}}, web: {gitlab: {retry: 1}}, db: {push: never,"
        + " destinations: null, triggers: {tags: ['v*']}}}"
    )
    assert found["build-api"]["tags"] == ["arm"]
    assert "tags" not in found["build-web"]
    assert found["build-web"]["retry"] == {
        "max": 1,
        "when": ["runner_system_failure", "stuck_or_timeout_failure"],
    }
    assert "retry" not in found["build-api"]
    assert [rule["if"] for rule in found["build-db"]["rules"]] == [
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_TAG =~ /^v[^\\/]*$/'
    ]


def test_an_image_waits_for_what_it_needs() -> None:
    found = jobs(_TWO + "images: {web: {needs: [api, db]}, api: {}, db: {triggers: {tags: [v1]}}}")
    assert list(found) == ["build-api", "build-db", "build-web"]
    assert found["build-web"]["needs"] == [
        {"job": "build-api", "artifacts": False},
        {"job": "build-db", "artifacts": False, "optional": True},
    ]


def test_native_needs_stay() -> None:
    found = jobs(_TWO + "gitlab: {needs: [test]}\nimages: {web: {needs: api}, api: {}}")
    assert found["build-api"]["needs"] == ["test"]
    assert found["build-web"]["needs"] == ["test", {"job": "build-api", "artifacts": False}]


def test_platforms_run_on_runners_of_their_own() -> None:
    found = jobs(
        _TWO.replace("/${image.name}", "/x")
        + "platforms: [linux/amd64, linux/arm64, linux/s390x]\n"
        + "gitlab: {tags: [k8s], platform_tags: {linux/s390x: ibm}}\n"
    )
    assert {name: job["tags"] for name, job in found.items()} == {
        "build-image-amd64": ["saas-linux-small-amd64"],
        "build-image-arm64": ["saas-linux-small-arm64"],
        "build-image-s390x": ["ibm"],
        "build-image": ["k8s"],
    }
    assert found["build-image"]["needs"] == [name for name in found if name != "build-image"]
    assert not [rule for rule in found["build-image"]["rules"] if "merge_request" in rule["if"]]
    assert all("if" in rule for rule in found["build-image"]["rules"])


def test_an_unknown_platform_needs_tags() -> None:
    text = _TWO.replace("/${image.name}", "/x") + "platforms: [linux/amd64, linux/s390x]"
    assert refused(text) == {"missing-runner"}


def test_a_child_pipeline_knows_a_request_by_its_number() -> None:
    text = rendered(_TWO + "gitlab: {form: child}\nimages: {api: {}}")
    assert "CI_PIPELINE_SOURCE" not in text
    assert '[ -n "${CI_MERGE_REQUEST_IID:-}" ]' in text
    assert refused(_TWO + "gitlab: {form: child}\ntriggers: {manual: true}\nimages: {api: {}}") == {
        "impossible-trigger"
    }


def test_a_file_to_include_has_no_stages() -> None:
    text = _TWO + "gitlab: {stage: images, form: include}\nimages: {api: {}}"
    assert list(yaml11.load(rendered(text))) == ["build-api"]


@pytest.mark.parametrize("form", ["include", "component"])
def test_inputs_reach_the_script_by_variables(form: str) -> None:
    text = _TWO + (
        f"gitlab: {{form: {form}}}\n"
        "inputs: {channel: {default: dev}, level: {type: number, default: 3}, "
        "fast: {type: boolean}}\n"
        "labels: {a: '${input.channel}', b: '${input.level}', c: '${input.fast}', d: '$[[ x ]]'}\n"
        "images: {api: {}}\n"
    )
    header, document = yaml11.load_all(rendered(text))
    pattern = header["spec"]["inputs"]["channel"].pop("regex")
    stage = header["spec"]["inputs"].pop("stage", None)
    assert (stage is not None) == (form == "component")
    assert header == {
        "spec": {
            "inputs": {
                "channel": {"type": "string", "default": "dev"},
                "level": {"type": "number", "default": 3},
                "fast": {"type": "boolean"},
            }
        }
    }
    job = document["build-api"]
    assert job["variables"] == {
        f"INPUT_{name.upper()}": {"value": f"$[[ inputs.{name} ]]", "expand": False}
        for name in ("channel", "level", "fast")
    }
    assert "$[[" not in job["script"][0]
    for harmful in ('a"b', "a\\b", "a\nb", "$X", "a\tb"):
        assert not re.search(pattern, harmful), harmful
    for fine in ("", "dev", "it's: # {x} ü"):
        assert re.search(pattern, fine), fine


def test_elsewhere_an_input_is_its_default() -> None:
    text = _TWO + "inputs: {a: {default: 'x y'}, b: {}}\nlabels: {l: '${input.a}'}\nimages: {q: {}}"
    assert "--label='l=x y'" in rendered(text)
    assert refused(text.replace("input.a", "input.b")) == {"target-variable"}


def test_one_file_has_one_form() -> None:
    assert refused(_TWO + "images: {a: {gitlab: {form: include}}, b: {}}") == {"several-forms"}


def test_paths_are_written_as_gitlab_reads_them() -> None:
    found = jobs(
        "push: never\ntriggers: {branches: [main], tags: [v1], pull_requests: true,"
        " paths: ['a/**', '**', '**.go', '**/x/*', 'go.mod', 'a/**/b']}\n"
    )
    assert [rule.get("changes") for rule in found["build-image"]["rules"]] == [
        None,
        *([["a/**/*", "**/*", "**/*.go", "**/x/*", "go.mod", "a/**/b"]] * 2),
        None,
    ]
    assert refused("push: never\ntriggers: {branches: [main], paths: ['a/b**c']}") == {
        "impossible-trigger"
    }
    many = ", ".join(f"f{n}" for n in range(51))
    assert refused(f"push: never\ntriggers: {{branches: [main], paths: [{many}]}}") == {
        "impossible-trigger"
    }


def test_a_shared_preparation_runs_when_one_of_its_images_does() -> None:
    prepare = "prepare: {image: 'golang:1.26', commands: [go build], artifacts: [bin]}\n"
    found = jobs(
        _TWO
        + prepare
        + "triggers: {branches: [main], pull_requests: true}\n"
        + "images: {a: {}, b: {triggers: {branches: ['**']}}, c: {triggers: {tags: [v1]}}}"
    )
    tests = [rule["if"] for rule in found["prepare-a"]["rules"]]
    assert tests == [
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_TAG == "v1"',
    ]
    assert all("prepare-a" in found[f"build-{name}"]["needs"] for name in "abc")


def test_jobs_of_one_name() -> None:
    assert refused(_TWO + "gitlab: {job: x}\nimages: {a: {}, b: {}}") == {"duplicate-job"}
    found = jobs(_TWO + "gitlab: {job: 'x ${image.name}'}\nimages: {a: {}, b: {}}")
    assert list(found) == ["x a", "x b"]


def test_limits() -> None:
    others = "".join(f"  i{n}: {{}}\n" for n in range(50))
    needs = ", ".join(f"i{n}" for n in range(50))
    text = f"{_TWO}images:\n{others}  last: {{needs: [{needs}]}}\n"
    assert refused(text) == {"too-many-needs"}
    label = "x" * 2000
    images = "".join(f"  i{n}: {{labels: {{l: {label}}}}}\n" for n in range(700))
    assert refused(f"{_TWO}images:\n{images}") == {"too-large"}


def test_commands_keep_what_gitlab_would_replace() -> None:
    prepare = "prepare: {image: x, commands: ['echo $[[ inputs.a ]]'], artifacts: [bin]}\n"
    assert "echo $[[ inputs.a ]]" in rendered(_TWO + prepare + "images: {a: {}}")
    form = "gitlab: {form: component}\n"
    assert refused(_TWO + form + prepare + "images: {a: {}}") == {"impossible-command"}
