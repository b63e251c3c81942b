"""What a few lines multiply to: matrices, and variables within variables."""

from __future__ import annotations

import json

from harness.costs import CALL, JOB, affordable

LISTS = {f"a{number}": [str(value) for value in range(10)] for number in range(9)}
"""A matrix of a thousand million cells."""


def cell(value: str) -> str:
    """One build of a matrix, whose values a platform writes so."""
    return f"{CALL}{value.replace('?', 'a7')}-{value.replace('?', 'a8')}"


STEPS = [{"run": cell("${{matrix.?}}")}]
WORKFLOW = {"container": JOB["image"], "strategy": {"matrix": LISTS}, "steps": STEPS}
MATRICES = {
    "matrix.gitlab-ci.yml": {"a": {**JOB, "script": [cell("$?")], "parallel": {"matrix": [LISTS]}}},
    "matrix.yml": {"steps": [{"command": cell("{{matrix.?}}"), "matrix": {"setup": LISTS}}]},
    "matrix.github.yml": {"jobs": {"a": WORKFLOW}},
}


def doubled(written: str) -> dict[str, str]:
    """Variables of which each is the one before, twice."""
    twice = {f"V{n}": written.replace("?", f"V{n - 1}") * 2 for n in range(1, 40)}
    return {"V0": "x", **twice}


CONTAINER = {
    "name": "kaniko",
    **JOB,
    "env": [{"name": name, "value": value} for name, value in doubled("$(?)").items()],
    "args": [*CALL.split()[1:], "--label=a=$(V39)"],
}
DOUBLED = {
    "doubled.gitlab-ci.yml": {
        "variables": doubled("$?"),
        "a": {**JOB, "script": [f"{CALL} --label=a=$V39"]},
    },
    "doubled.yml": {
        "on": "push",
        "env": doubled("${{ env.? }}"),
        "jobs": {
            "a": {
                "container": JOB["image"],
                "steps": [{"run": f"{CALL} --label=a=${{{{ env.V39 }}}}"}],
            }
        },
    },
    "doubled.pod.yml": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [CONTAINER]},
    },
}
GROOVY = (
    "pipeline { environment {\n"
    + "\n".join(f'{name} = "{value}"' for name, value in doubled("${?}").items())
    + f"\n}}\nstages {{ stage('a') {{ steps {{ sh \"{CALL} --label=a=${{V39}}\" }} }} }} }}"
)


def test_no_matrix_costs_more_than_a_second_and_200_megabytes() -> None:
    answers = affordable({name: json.dumps(text) for name, text in MATRICES.items()})
    assert all("x/y:1" in answer for answer in answers.values())


def test_no_text_costs_more_than_a_second_and_200_megabytes() -> None:
    files = {name: json.dumps(text) for name, text in DOUBLED.items()}
    answers = affordable({**files, "doubled.groovy": GROOVY})
    assert all("x/y:1" in answer for answer in answers.values())
    assert not any("labels" in answer for answer in answers.values()), "only a run can tell"
