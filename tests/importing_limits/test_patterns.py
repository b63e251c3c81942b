"""What a file may cost that is written for an expression of ours to try in very many ways."""

from __future__ import annotations

import json
from typing import Any

from harness.costs import CALL, JOB, SIZE, affordable

LENGTH = SIZE - 4096


def filled(unit: str, length: int = LENGTH) -> str:
    """A unit as often as it fits."""
    return unit * (length // len(unit))


def workflow(*steps: dict[str, Any], **more: Any) -> str:
    """A workflow of GitHub's with one job."""
    job = {"runs-on": "u", "container": JOB["image"], "steps": [*steps], **more}
    return json.dumps({"on": "push", "jobs": {"b": job}})


def metadata(tags: str) -> str:
    return workflow(
        {
            "uses": "docker/metadata-action@v5",
            "id": "m",
            "with": {"images": "quay.io/acme/shop", "tags": tags},
        },
        {
            "uses": "docker/build-push-action@v6",
            "with": {"push": True, "tags": "x/y:1\n${{ steps.m.outputs.tags }}"},
        },
    )


BLANKS = " " * LENGTH
RUN = {"run": CALL}
FORK = "github.event.pull_request.head.repo.full_name == github.repository ||"
FILES = {
    "openings.yml": workflow({"run": f"{filled('${{')}\n{CALL}"}),
    "openings-of-a-variable.yml": workflow(RUN, env={"A": filled("${{")}),
    "openings-of-inputs.gitlab-ci.yml": json.dumps(
        {"a": {**JOB, "script": [f"{filled('$[[')}\n{CALL}"]}}
    ),
    "quotes.yml": workflow({"run": f"${{{{ {filled(chr(39))}\n{CALL}"}),
    "blanks-in-a-condition.yml": workflow(RUN, **{"if": f"{FORK}{BLANKS}x"}),
    "blanks-in-a-tag.yml": metadata(f"type=raw,value={{{{{BLANKS}x"),
    "words-in-a-tag.yml": metadata(f"type=raw,value={{{{{filled('a ')}x"),
    "points-of-another-step.yml": workflow({"run": filled("1."), "if": "false"}, RUN),
    "blanks-of-a-destination.sh": f"/kaniko/executor --context . \\\n -d=x/y:1{BLANKS}\\\n --force",
    "expressions-of-a-destination.sh": f"{CALL}\n{CALL}{filled('${{a}}', 900)} 'x",
    "openings-of-a-placeholder.sh": f"{CALL} -d x/{filled('<')}",
    "openings-of-a-password.gitlab-ci.yml": json.dumps(
        {"a": {**JOB, "variables": {"A_PASSWORD": filled("{")}, "script": [CALL]}}
    ),
    "digits.gitlab-ci.yml": json.dumps(
        {"a": {**JOB, "script": [CALL], "rules": [{"if": f"$CI_COMMIT_TAG =~ /^{filled('0')}/"}]}}
    ),
    "blanks-of-a-value.groovy": f"def a = b{BLANKS}x\nnode {{ sh '{CALL}' }}",
    "empty-lines.yml": json.dumps(
        {"steps": [{"command": f"{filled(chr(10), LENGTH // 2)}{CALL}"}]}
    ),
    "empty-lines.sh": f"{filled(chr(10))}aws\n{CALL}",
    "blanks-of-a-name.gitlab-ci.yml": json.dumps(
        {f"a{BLANKS}b": {**JOB, "script": [CALL]}, "c": {**JOB, "script": [f"{CALL}2"]}}
    ),
    "brackets.sh": f"case $X in {filled('[')}) ;; esac\n{CALL}",
    "openings-of-a-label.yml": json.dumps({"steps": [{"label": filled("{{"), "command": CALL}]}),
    "a-long-word.groovy": f"podTemplate({filled('a')}) {{ node {{ sh '{CALL}' }} }}",
    "a-long-word.gitlab-ci.yml": f"a: {{script: {filled('a')}}}\n# kaniko\n",
    "indented.groovy": f"node {{ sh '''(\n{filled('          a' + chr(10))}\n{CALL}''' }}",
    "blanks-of-a-parameter.yaml": json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "spec": {
                "templates": [
                    {
                        "name": "a",
                        "container": {**JOB, "args": ["-d=x/y:1", f"--label=a={{{{{BLANKS}x"]},
                    }
                ]
            },
        }
    ),
}


def test_no_text_costs_more_than_a_second_and_200_megabytes() -> None:
    assert affordable(FILES).keys() == FILES.keys()
