"""Jobs and calls that become one image push what each of them pushed, and nothing else."""

from __future__ import annotations

import functools
from itertools import permutations

import pytest

from ci_kaniko import import_files, loads
from ci_kaniko.previewing.preview import preview
from ci_kaniko.rehearsing import yaml11

JOB = """\
on: {{{on}}}
jobs:
  {name}:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: |
          docker login quay.io -u {user} -p ${{{{ secrets.QUAY_PASSWORD }}}}
          docker run -v $PWD:/workspace -v $HOME/.docker/config.json:/kaniko/.docker/config.json \\
            ghcr.io/osscontainertools/kaniko:v1.28.3 --destination quay.io/acme/{name}{more}
"""
STARTS = {
    "main": "push: {branches: [main]}",
    "next": "push: {branches: [next]}",
    "tags": "push: {tags: ['v*']}",
    "changed": "push: {branches: [old], paths: ['src/**']}",
    "requests": "pull_request: {}",
    "nightly": "schedule: [{cron: '1 2 * * *'}]",
    "hand": "workflow_dispatch: {}",
}
MORE = {"others": "push: {branches-ignore: [main], tags: ['v*']}"}
EVENTS = (
    *("branch=main", "branch=next", "branch=old", "tag=v1.2.3", "pull-request", "schedule"),
    "manual",
)
SCRIPT = """\
build:
  image: {name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}
  script:
    - |
"""
LOGIN = (
    """      echo '{"auths":{"quay.io":{"username":"%s","password":"'$%s'"}}}'"""
    " > /kaniko/.docker/config.json\n"
)
BUILD = "      /kaniko/executor --context . --destination quay.io/acme/%s\n"


def _job(name: str, user: str = "bot", more: str = "") -> tuple[str, str]:
    text = JOB.format(on={**STARTS, **MORE}[name], name=name, user=user, more=more)
    return f".github/workflows/{name}.yml", text


@functools.cache
def _pushed(*jobs: tuple[str, str]) -> set[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """What each event pushes: the image, the users that log in, and what has to change before."""
    text = import_files([*jobs]).spec_text
    return {
        (answer.occasion.word, image, tuple(login.how for login in run.logins), run.when_changed)
        for answer in preview(loads(text), ["github"], EVENTS).answers
        for run in (outcome.run for outcome in answer.outcomes)
        if run.starts
        for image in run.destinations
    }


PAIRS = [*permutations(STARTS, 2), ("main", "others"), ("others", "main")]


@pytest.mark.parametrize(
    ("number", "one", "other"), [(number, *pair) for number, pair in enumerate(PAIRS)]
)
def test_jobs_that_are_joined_push_what_each_did(number: int, one: str, other: str) -> None:
    """In one order two that are alike, in the other two that log in or push otherwise, in turn."""
    unlike = (_job(other, "other"), _job(other, more=":1 -d quay.io/acme/x"))
    second = _job(other) if one < other else unlike[number % 2]
    both = _pushed(_job(one), second)
    assert both == _pushed(_job(one)) | _pushed(second), (one, other)


def test_calls_with_two_logins_are_two_images() -> None:
    text = SCRIPT + LOGIN % ("one", "ONE") + BUILD % "a" + LOGIN % ("two", "TWO") + BUILD % "b"
    images = yaml11.load(import_files([(".gitlab-ci.yml", text)]).spec_text)["images"]
    users = {
        name: image["registries"]["quay.io"]["username"] for name, image in images.items() if image
    }
    assert users == {"a": "one", "b": "two"}


@pytest.mark.parametrize("order", [1, -1])
def test_a_call_of_one_repository_pushes_there_alone(order: int) -> None:
    asked = f'      if [ "$CI_PROJECT_PATH" = acme/shop ]; then\n  {BUILD % "a"}      fi\n'
    text = SCRIPT + "".join([asked, BUILD % "b"][::order])
    images = yaml11.load(import_files([(".gitlab-ci.yml", text)]).spec_text)["images"]
    where = {name: image["triggers"].get("repository") for name, image in images.items() if image}
    assert where == {"a": "acme/shop", "b": None}


def test_what_a_later_call_says_of_the_job_is_said() -> None:
    proxy = "CI_DEPENDENCY_PROXY"
    login = f"      docker login -u ${proxy}_USER -p ${proxy}_PASSWORD ${proxy}_SERVER\n"
    found = import_files([(".gitlab-ci.yml", SCRIPT + BUILD % "a" + login + BUILD % "b")])
    assert yaml11.load(found.spec_text)["gitlab"]["dependency_proxy"] is True


def test_what_one_call_tries_and_another_pushes_is_pushed() -> None:
    tried = BUILD % "a --no-push"
    found = import_files([(".gitlab-ci.yml", SCRIPT + tried + BUILD % "a")])
    assert "never-pushed" not in {entry.rule for entry in found.report}
    found = import_files([(".gitlab-ci.yml", SCRIPT + tried + BUILD % "b")])
    told = [entry for entry in found.report if entry.rule == "never-pushed"]
    assert [(entry.line, "quay.io/acme/a" in entry.message) for entry in told] == [(5, True)]


TWICE = {
    "a.gitlab-ci.yml": """\
one: &one
  image: {name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}
  script: [/kaniko/executor --context . --destination quay.io/acme/a:1]
two: *one
three:
  <<: *one
  needs: [two]
  script: [/kaniko/executor --context . --destination quay.io/acme/b:1]
""",
    "a.yml": """\
on: push
jobs:
  one: &one
    runs-on: ubuntu-24.04
    container: {image: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"}
    steps: &steps
      - run: /kaniko/executor --context . --destination quay.io/acme/a:1
  two: *one
  three:
    <<: *one
    needs: [two]
    steps: [{run: /kaniko/executor --context . --destination quay.io/acme/b:1}]
""",
    "b.yml": """\
steps:
  - &one
    label: one
    image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
    command: /kaniko/executor --context . --destination quay.io/acme/a:1
  - <<: *one
    key: two
  - <<: *one
    label: three
    depends_on: two
    command: /kaniko/executor --context . --destination quay.io/acme/b:1
""",
}


@pytest.mark.parametrize("name", TWICE)
def test_jobs_that_do_the_same_are_one(name: str) -> None:
    found = import_files([(name, TWICE[name])])
    images = yaml11.load(found.spec_text)["images"]
    assert images["one"]["destinations"] == ["quay.io/acme/a:1"]
    assert images["three"] == {"destinations": ["quay.io/acme/b:1"], "needs": "one"}
    assert len(images) == 2
    told = [entry.message for entry in found.report if entry.rule == "jobs-joined"]
    assert told == ["one and two do the same for the same events"]


def test_jobs_that_push_the_same_from_other_machines_are_told() -> None:
    found = import_files(
        [("a.yml", TWICE["a.yml"].replace("two: *one", "two: {<<: *one, runs-on: arm}"))]
    )
    assert not [entry for entry in found.report if entry.rule == "jobs-joined"]
    assert "duplicate-destination" in {entry.rule for entry in found.report}


def test_a_destination_is_named_as_its_line_has_it() -> None:
    rows = {
        "--destination=quay.io/$TEAM/a:1": "quay.io/$TEAM/a:1",
        "-d quay.io/acme/b:1": "quay.io/acme/b:1",
        "$MORE": "$MORE",
        "--destination=quay.io/$TEAM/d:1 $LAST": "quay.io/acme/d:1",
    }
    head = "TEAM=acme MORE=--destination=quay.io/acme/c:1 LAST=--destination=quay.io/acme/e:1"
    lines = [*head.split(), "/kaniko/executor --context . \\", *(f"  {row} \\" for row in rows)]
    found = import_files([("a.sh", "\n".join(lines))])
    told = [entry.message.split(" is ") for entry in found.report if entry.rule == "destination"]
    assert {*rows.values()} <= {written for written, _ in told}


@pytest.mark.parametrize("client", ["docker", "podman", "buildah"])
def test_a_name_that_nothing_pushes_is_told(client: str) -> None:
    """One that another is made of is no loss, and what becomes of that one counts."""
    build, push = f"    - {client} build -t %s .\n", f"    - {client} push %s\n"
    tag = f"    - {client} tag %s quay.io/acme/%s\n"
    scripts = {
        build % "a": ["a"],
        build % "a" + build % "b" + push % "b": ["a"],
        build % "a -t b" + push % "a": ["b"],
        build % "a" + tag % ("a", "c") + push % "quay.io/acme/c": [],
        build % "a" + tag % ("a", "c"): ["quay.io/acme/c"],
    }
    for script, names in scripts.items():
        text = "build:\n  image: docker:28\n  script:\n" + script
        report = import_files([(".gitlab-ci.yml", text)]).report
        told = [entry.message.split()[0] for entry in report if entry.rule == "never-pushed"]
        assert told == names, script
