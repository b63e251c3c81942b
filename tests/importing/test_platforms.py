"""Which platform a file is for, as far as it tells; and the files beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_kaniko import SpecError, import_files, lint
from harness.pace import within

PIPELINES = Path(__file__).parents[1] / "imports" / "pipelines"
_CALL = "/kaniko/executor --context=. --destination=ghcr.io/acme/a:1"
_STAGE = f"node {{ stage('image') {{ sh '{_CALL}' }} }}\n"
_TASK = "{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: a}, spec: {steps: [STEP]}}\n"
_STEP = f"{{name: a, image: gcr.io/kaniko-project/executor:v1.23.2, args: {_CALL.split()[1:]}}}"
_OBJECT = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
_FILES = {
    "a script by how it begins": ("build", f"#!/usr/bin/env bash\n{_CALL}\n", "shell"),
    "a Jenkinsfile that says so in its first line": (
        "Jenkinsfile",
        f"#!/usr/bin/env groovy\n{_STAGE}",
        "jenkins",
    ),
    "a Jenkinsfile of another name": ("build", f"#!groovy\n// builds\n{_STAGE}", "jenkins"),
    "a job with an image is GitLab's": (
        "ci.yml",
        f"a:\n  image: {{name: gcr.io/kaniko-project/executor:debug}}\n  script: ['{_CALL}']\n",
        "gitlab",
    ),
    "settings of Buildkite's agents are no job": (
        "ci.yml",
        f"agents: {{stage: build, queue: a}}\nsteps: [{{command: '{_CALL}'}}]\n",
        "buildkite",
    ),
    "a task of Tekton beside a Secret": (
        "ci.yml",
        f"{_OBJECT}---\n{_TASK.replace('STEP', _STEP)}",
        "tekton",
    ),
}


@pytest.mark.parametrize("name", _FILES)
def test_a_file_shows_its_platform(name: str) -> None:
    path, text, platform = _FILES[name]
    made = import_files([(path, text)])
    assert made.sources == (platform,)
    assert made.spec.destinations


@pytest.mark.parametrize(
    "other", ["gitlab", "github", "buildkite", "agola", "kubernetes", "tekton"]
)
@pytest.mark.parametrize("name", [name for name in _FILES if _FILES[name][0] == "ci.yml"])
def test_a_file_of_another_platform_than_was_said_is_named(name: str, other: str) -> None:
    path, text, platform = _FILES[name]
    if platform == other or (platform, other) == ("tekton", "kubernetes"):
        return  # who reads one of these two reads the other as well
    told = f"this looks like a pipeline of {platform}, and `source` says {other}"
    with pytest.raises(SpecError, match=told):
        import_files([(path, text)], other)
    assert [problem.message for problem in lint([(path, text)], other).problems] == [told]


@pytest.mark.parametrize("name", ["Makefile", "ci/Makefile.docker", "image.mk"])
def test_recipes_of_make_are_no_script(name: str) -> None:
    text = f"image:\n\t{_CALL}\n"
    with pytest.raises(SpecError, match="a Makefile, which import does not read"):
        import_files([(name, text)])
    assert import_files([(name, text)], "shell").sources == ("shell",)


@pytest.mark.parametrize("name", ["compose.yaml", "ci/docker-compose.prod.yml"])
def test_a_compose_file_leads_to_a_first_spec(name: str) -> None:
    with pytest.raises(SpecError, match="a compose file, which import does not read") as refused:
        import_files([(name, "services: {shop: {build: .}}\n")])
    assert "ci-kaniko init" in str(refused.value.problems[0].hint)


def test_a_file_of_two_platforms_is_asked_about() -> None:
    step = f"{{run: '{_CALL}'}}"
    text = f"on: push\njobs: {{a: {{steps: [{step}]}}}}\nsteps: [{{command: '{_CALL}'}}]\n"
    with pytest.raises(SpecError) as refused:
        import_files([("ci.yml", text)])
    assert "github and buildkite" in str(refused.value)
    assert import_files([("ci.yml", text)], "buildkite").sources == ("buildkite",)


def test_what_is_no_pipeline_says_what_can_be_read() -> None:
    with pytest.raises(SpecError, match="no pipeline that import knows"):
        import_files([("kaniko.yml", "a: 1\n")])


_STEP = f"{{script: ['{_CALL}']}}"
_OTHERS = {
    "Bitbucket Pipelines": f"image: a\npipelines: {{default: [{{step: {_STEP}}}]}}\n",
    "AWS CodeBuild": f"version: 0.2\nphases: {{build: {{commands: ['{_CALL}']}}}}\n",
    "Concourse": "jobs: [{name: a, plan: [{task: b, config: {run: {path: kaniko}}}]}]\n",
    "Skaffold": "apiVersion: skaffold/v3\nkind: Config\nbuild: {artifacts: [{kaniko: {}}]}\n",
    "CircleCI": f"version: 2.1\njobs: {{a: {{docker: [{{image: b}}], steps: [run: '{_CALL}']}}}}\n",
    "Azure Pipelines": f"trigger: [main]\npool: a\nsteps: [{{script: '{_CALL}'}}]\n",
    "Drone": f"kind: pipeline\ntrigger: {{}}\nsteps: [{{image: c, commands: ['{_CALL}']}}]\n",
    "Woodpecker": f"when: {{event: tag}}\nsteps: [{{image: a, commands: ['{_CALL}']}}]\n",
    "Cloud Build": f"steps: [{{name: gcr.io/a/executor, args: {_CALL.split()[1:]}}}]\n",
}


@pytest.mark.parametrize("system", _OTHERS)
def test_a_system_that_nobody_reads_is_named(system: str) -> None:
    """Its steps look like those of another one, and mean something else."""
    with pytest.raises(SpecError, match=f"a pipeline of {system}, which import does not read"):
        import_files([("ci.yml", _OTHERS[system])])


def test_the_first_steps_of_woodpecker_are_named() -> None:
    with pytest.raises(SpecError, match="a pipeline of Woodpecker, which import does not read"):
        import_files([("ci.yml", f"pipeline:\n  a: {{image: b, commands: ['{_CALL}']}}\n")])


def test_a_task_of_tekton_is_read_as_another_file_calls_it() -> None:
    """In whatever order they are named; what calls it alone is asked for the task."""
    task, *callers = (PIPELINES / "tekton-called.yml").read_text(encoding="utf-8").split("---\n")
    files = [("task.yml", task), ("runs.yml", "---\n".join(callers))]
    for given in (files, files[::-1]):
        made = import_files(given)
        pushed = {image.destinations[0].image for image in made.spec.images.values()}
        assert pushed == {"quay.io/acme/shop:1.3", "quay.io/acme/edge:latest"}
        told = {entry.line for entry in made.report if entry.path == "runs.yml"}
        assert {1, 18, 23, 28, 30, 36} <= told
    with pytest.raises(SpecError) as alone:
        import_files([("run.yml", callers[0].replace("shop", "kaniko"))])
    assert "the file of the Task" in str(alone.value.problems[0].hint)


def test_a_plugin_that_wraps_a_builder_is_named() -> None:
    text = (
        "steps: [{plugins: [{acme/docker-publish#v1: {image: acme/a, dockerfile: Dockerfile}}]}]\n"
    )
    with pytest.raises(SpecError, match=r"ci\.yml:1: acme/docker-publish#v1 builds an image"):
        import_files([("ci.yml", text)])


@pytest.mark.parametrize(
    "given", ["beside it", "named with it", "named by the end of its path", "of another project"]
)
def test_a_file_of_the_repository_is_found(given: str, tmp_path: Path) -> None:
    included = f"shop:\n  image: gcr.io/kaniko-project/executor:debug\n  script: ['{_CALL}']\n"
    main = tmp_path / "ci" / ".gitlab-ci.yml"
    other = tmp_path / "templates" / "image.yml"
    main.parent.mkdir()
    other.parent.mkdir()
    of = "project: acme/ci, file" if given == "of another project" else "local"
    main.write_text(f"include: [{{{of}: /templates/image.yml}}]\n", encoding="utf-8")
    names: list[str | tuple[str, str]] = [str(main)]
    if given == "beside it":
        other.write_text(included, encoding="utf-8")
    elif given == "named with it":
        names.append((str(other), included))
    else:
        names.append(("image.yml", included))
    made = import_files(names)
    assert made.spec.destinations
    assert import_files(names[::-1]).spec == made.spec
    assert [entry for entry in made.report if entry.rule == "include"] == []


_JOB = f"image: gcr.io/kaniko-project/executor:debug, script: ['{_CALL}']"
_DOCKER = f"{{run: docker run gcr.io/kaniko-project/executor:v1.23.2 {_CALL.partition(' ')[2]}}}"
_SELF = "!reference [.a, rules]"
_CALLS = ", ".join(f"{name}: {{uses: ./.github/workflows/NEXT.yml}}" for name in "abc")
_LOOPS = {
    "included": [
        ("ci.yml", "include: a.yml\n"),
        ("a.yml", f"{{include: [a.yml, a.yml], b: {{{_JOB}}}}}\n"),
    ],
    "image": [("ci.yml", f"{{.a: {{extends: [.a, .a, .a], {_JOB}}}, b: {{extends: .a}}}}\n")],
    "!reference": [
        ("ci.yml", f".a: {{rules: [{_SELF}, {_SELF}, {_SELF}]}}\nb: {{rules: [{_SELF}], {_JOB}}}\n")
    ],
    "./x": [
        ("ci.yml", f"on: push\njobs: {{b: {{runs-on: u, steps: [{{uses: ./x}}, {_DOCKER}]}}}}\n"),
        ("x/action.yml", "runs: {using: composite, steps: [{uses: ./x}, {uses: ./x}]}\n"),
    ],
    "was not found": [
        (
            f".github/workflows/a{n}.yml",
            "{on: [push, workflow_call], jobs: {"
            + _CALLS.replace("NEXT", f"a{n + 1}")
            + f", d: {{runs-on: u, steps: [{_DOCKER}]}}}}}}\n",
        )
        for n in range(9)
    ],
}


@pytest.mark.parametrize("told", _LOOPS)
def test_files_that_name_themselves_again_and_again_are_soon_read(told: str) -> None:
    made = within(8, lambda: import_files(_LOOPS[told]))
    assert "ghcr.io/acme/a:1" in str(made.spec.destinations or made.spec.images)
    assert any(told in entry.message for entry in made.report)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("build.yml", True),
        (".github/workflows/build.yml", True),
        ("shop/.github/workflows/build.yml", True),
        ("rebuild.yml", False),
        ("other/build.yml", False),
    ],
)
def test_a_file_is_the_one_that_was_asked_for(path: str, found: bool) -> None:  # noqa: FBT001
    step = f"{{run: docker run gcr.io/kaniko-project/executor:v1.23.2 {_CALL.partition(' ')[2]}}}"
    job = f"{{runs-on: ubuntu-24.04, steps: [{step}]}}"
    uses = "{uses: ./.github/workflows/build.yml, concurrency: images}"
    files = [
        ("ci.yml", f"on: {{push: {{branches: [release]}}}}\njobs: {{image: {uses}}}\n"),
        ("test.yml", "on: push\njobs: {test: {runs-on: ubuntu-24.04, steps: [{run: make}]}}\n"),
        (path, f"on: {{workflow_call: {{}}}}\njobs: {{build: {job}}}\n"),
    ]
    made = import_files(files)
    missing = [entry.message for entry in made.report if entry.rule == "reusable-workflow"]
    assert ("was not found" in "".join(missing)) is not found
    kept = [entry.message for entry in made.report if entry.rule == "not-carried"]
    assert ("image.concurrency is not carried over" in "".join(kept)) is found, kept
    branches = made.spec.triggers.branches if made.spec.triggers else ()
    assert (tuple(branches) == ("release",)) is found
