"""What a file with very many builds may cost, and which of them are followed."""

from __future__ import annotations

import json

from ci_kaniko import import_files
from harness.costs import CALL, JOB, affordable


def run(number: int) -> str:
    """One of many builds, with options that no executor knows."""
    return f"{CALL}{number} --snapshot-mode=x{number} --target=''"


def matrix(**given: object) -> str:
    """A job of GitHub's with a matrix."""
    steps = [{"run": f"{CALL}${{{{ matrix.n }}}}"}]
    job = {"runs-on": "u", "container": JOB["image"], "steps": steps}
    return json.dumps({"on": "push", "jobs": {"b": {**job, "strategy": {"matrix": given}}}})


ROWS = [{"n": n, "folder": f"services/app{n}"} for n in range(1_500)]
MANY = {
    "rows-of-names.yml": matrix(n=list(range(60)), include=ROWS),
    "rows-left-out.yml": matrix(n=list(range(1_460, 1_520)), exclude=ROWS, of=["a", "b"]),
    "calls.sh": "\n".join(run(n) for n in range(750)),
    "destinations.sh": f"#!/bin/sh\n{CALL}" + "".join(f" -d=x/Y:{2_200 - n}" for n in range(2_200)),
    "names.sh": "#!/bin/sh\ndocker build -t x/y:1 .\n"
    + "docker tag x/y:1 x/y:1\n" * 99
    + "docker push x/y:1\n",
    "calls.gitlab-ci.yml": json.dumps({f"j{n}": {**JOB, "script": [run(n)]} for n in range(450)}),
    "calls.yml": json.dumps({"steps": [{"command": run(n)} for n in range(650)]}),
    "calls.groovy": "pipeline { stages {\n"
    + "\n".join(f"stage('b{n}') {{ steps {{ sh '{CALL}{n}' }} }}" for n in range(750))
    + "\n} }",
    "pods.yml": "\n---\n".join(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"p{n}"},
                "spec": {"containers": [{"name": "k", **JOB, "args": run(n).split()[1:]}]},
            }
        )
        for n in range(290)
    ),
}
"""Files with very many builds: those that are not followed have a line of the report."""


def workflow(**given: object) -> str:
    """A workflow of GitHub's with one job."""
    job = {"runs-on": "u", "container": JOB["image"], "steps": [{"run": CALL}]}
    return json.dumps({"on": "push", **given, "jobs": {"b": job}})


def pipeline(**given: object) -> str:
    """A pipeline of GitLab's with one job."""
    return json.dumps({"a": {**JOB, "script": [f"{CALL} --label=a=$V1499"], **given}})


IDLE = 1_500
POD = {"apiVersion": "v1", "kind": "Pod"}
TASK = {"apiVersion": "tekton.dev/v1", "kind": "Task"}
ARGO = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
BUILDS = {**JOB, "args": CALL.split()[1:]}


def documents(*objects: object) -> str:
    """A manifest."""
    return "\n---\n".join(map(json.dumps, objects))


def task(name: object, *steps: object) -> dict[str, object]:
    """One of Tekton's."""
    return {**TASK, "metadata": {"name": f"t{name}"}, "spec": {"steps": steps}}


BESIDE = {
    "jobs.yml": json.dumps(
        {
            "on": "push",
            "jobs": {
                **{f"j{n}": {"runs-on": "u", "steps": [{"run": f"m {n}"}]} for n in range(IDLE)},
                "b": json.loads(workflow())["jobs"]["b"],
            },
        }
    ),
    "steps.yml": json.dumps(
        {
            "on": "push",
            "jobs": {
                "j": {"runs-on": "u", "steps": [{"run": f"[ $X{n} ] && a"} for n in range(IDLE)]},
                "b": json.loads(workflow())["jobs"]["b"],
            },
        }
    ),
    "idle.gitlab-ci.yml": json.dumps(
        {
            **{f"j{n}": {"image": "a", "script": [f"m {n}"]} for n in range(IDLE)},
            "b": {**JOB, "script": [CALL]},
        }
    ),
    "idle-steps.yml": json.dumps(
        {"steps": [*({"command": f"m {n}"} for n in range(IDLE)), {"command": CALL}]}
    ),
    "idle-stages.groovy": "pipeline { stages {\n"
    + "\n".join(f"stage('s{n}') {{ steps {{ sh 'make t{n}' }} }}" for n in range(IDLE))
    + f"\nstage('b') {{ steps {{ {'script { ' * 80}"
    + "m()\n" * IDLE
    + " }" * 80
    + f"\nsh '{CALL}' }} }}\n}} }}",
    "idle-runs.yml": json.dumps(
        {
            "runs": [
                *(
                    {"name": f"r{n}", "tasks": [{"steps": [{"run": f"m {n}"}]}]}
                    for n in range(IDLE)
                ),
                {"name": "b", "tasks": [{"name": "b", "steps": ["clone", {"run": CALL}]}]},
            ]
        }
    ),
    "idle-pods.yml": documents(
        *({**POD, "spec": {"containers": [{"image": f"a:{n}"}]}} for n in range(1_000)),
        {**POD, "spec": {"containers": [BUILDS]}},
    ),
    "idle-tasks.yml": documents(*(task(n, {"image": "a"}) for n in range(750)), task("b", BUILDS)),
    "idle-templates.yml": json.dumps(
        {
            **ARGO,
            "spec": {
                "templates": [
                    *({"name": f"c{n}", "container": {"image": "a"}} for n in range(IDLE)),
                    {"name": "k", "container": BUILDS},
                ]
            },
        }
    ),
}
"""Files with one build beside very much that builds nothing."""

ARGUMENTS = [f"--build-arg=A{n}=$B{n}" for n in range(2_500)]
CALLERS = [
    {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": f"p{n}"},
        "spec": {"tasks": [{"name": f"c{n}", "taskRef": {"name": "tb"}}]},
    }
    for n in range(100)
]
LISTED = {
    "parameters.yml": documents(
        {
            **TASK,
            "metadata": {"name": "t"},
            "spec": {
                "params": [{"name": "l", "default": [f"--label=a{n}=b" for n in range(1_000)]}],
                "steps": [{**BUILDS, "args": ["--destination=x/y:1", *["$(params.l[*])"] * 10]}]
                * 20,
            },
        }
    ),
    "callers.yml": documents(task("b", *[BUILDS] * 300), *CALLERS),
    "arguments.sh": f"{CALL} {' '.join(ARGUMENTS)}",
    "arguments.yml": json.dumps(
        {**POD, "spec": {"containers": [{**BUILDS, "args": [*CALL.split()[1:], *ARGUMENTS]}]}}
    ),
    "branches.gitlab-ci.yml": pipeline(only=[f"b{n}" for n in range(5_000)]),
    "patterns.gitlab-ci.yml": pipeline(only=[f"/^release-{n}-.*$/" for n in range(2_500)]),
    "chain.gitlab-ci.yml": pipeline(variables={f"V{n}": f"$V{n - 1}" for n in range(1, 1_500)}),
    "rules.gitlab-ci.yml": pipeline(
        rules=[{"if": f"$X{n} == 'a'", "variables": {"A": f"b{n}"}} for n in range(700)]
    ),
    "branches.yml": workflow(on={"push": {"branches": [f"b{n}" for n in range(4_000)]}}),
    "filters.yml": workflow(on={"push": {"branches": [f"b[0-9]{n}+x*" for n in range(2_000)]}}),
    "commands.yml": json.dumps(
        {"steps": [{"command": [*(f"X{n}=a$Y{n}" for n in range(1_900)), CALL]}]}
    ),
    "variables.yml": workflow(env={f"V{n}": "x" * 20 for n in range(2_000)}),
    "gates.yml": json.dumps(
        {
            "steps": [
                *({"block": f"k{n}"} for n in range(1_100)),
                *({"command": run(n)} for n in range(60)),
            ]
        }
    ),
}
"""Files that list very much around a build."""

NAMES = range(70)
BRANCHES = [f"b{n}" for n in range(1_200)]
SHARED = {
    "started.gitlab-ci.yml": json.dumps(
        {
            "workflow": {
                "rules": [{"if": f"$CI_COMMIT_BRANCH == 'b{n}' && $X{n % 7}"} for n in range(240)]
            },
            **{f"j{n}": {**JOB, "script": [f"{CALL}{n}"]} for n in NAMES},
        }
    ),
    "started.yml": json.dumps(
        {
            "on": {"push": {"branches": BRANCHES}},
            "jobs": {
                f"j{n}": {
                    "runs-on": "u",
                    "container": JOB["image"],
                    "steps": [{"run": f"{CALL}{n}"}],
                }
                for n in NAMES
            },
        }
    ),
    "started-steps.yml": json.dumps(
        {
            "steps": [
                {
                    "group": "g",
                    "if": " || ".join(f"build.branch == '{name}'" for name in BRANCHES),
                    "steps": [{"command": f"{CALL}{n}"} for n in NAMES],
                }
            ]
        }
    ),
    "started.groovy": "pipeline { stages { stage('a') { when { anyOf {\n"
    + "\n".join(f"branch '{name}'" for name in BRANCHES)
    + "\n} }\nstages {\n"
    + "\n".join(f"stage('b{n}') {{ steps {{ sh '{CALL}{n}' }} }}" for n in NAMES)
    + "\n} } } }",
    "started-runs.yml": json.dumps(
        {
            "runs": [
                {
                    "name": "r",
                    "when": {"branch": BRANCHES},
                    "tasks": [
                        {
                            "name": f"t{n}",
                            "runtime": {"containers": [JOB]},
                            "steps": [{"type": "run", "command": f"{CALL}{n}"}],
                        }
                        for n in NAMES
                    ],
                }
            ]
        }
    ),
}
"""Files with many builds, all of which start by the same very long condition."""


def test_no_file_costs_more_than_a_second_and_200_megabytes() -> None:
    assert all("x/y:1" in answer for answer in affordable(MANY).values())


def test_what_builds_nothing_costs_no_more_than_a_second_and_200_megabytes() -> None:
    answers = affordable(BESIDE)
    assert all("x/y:1" in answer for answer in answers.values())


def test_no_list_costs_more_than_a_second_and_200_megabytes() -> None:
    answers = affordable(LISTED | SHARED)
    assert not any("can be followed" in answer for answer in answers.values())


def test_what_starts_by_more_than_can_be_followed_pushes_never() -> None:
    found = import_files([("a.yml", SHARED["started-runs.yml"])])
    assert found.spec.push == "never"
    assert any("more tests hold" in entry.message for entry in found.report)


def test_calls_that_are_not_followed_are_told_and_the_others_carried() -> None:
    jobs = {f"j{n}": {**JOB, "script": [f"{CALL}{n}"]} for n in range(110)}
    one = import_files([("calls.sh", "\n".join(f"{CALL}{n} --target=a{n}" for n in range(105)))])
    many = import_files([("calls.gitlab-ci.yml", json.dumps(jobs, indent=1))])
    for found, rule, left in ((one, "too-many-calls", 5), (many, "bad-shell", 10)):
        told = {entry.line for entry in found.report if entry.rule == rule}
        assert len(told) == left
        assert len(found.spec.images or ()) == 100


def test_what_is_refused_in_one_of_many_images_leaves_the_image() -> None:
    lines = [f"{run(n).replace('x/y:', 'x/y')}:1 --compression-level=a" for n in range(90)]
    found = import_files([("calls.sh", "\n".join(lines))])
    assert len(found.spec.images or ()) == 90
    assert len([entry for entry in found.report if "snapshot_mode: " in entry.message]) == 90
