"""A command that is a list of words is read as the same command in a script."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ci_kaniko import import_files
from ci_kaniko.rehearsing import yaml11

COMMANDS = {
    "docker": "docker buildx build --push -t quay.io/acme/a:1 -t quay.io/acme/a:2 "
    "--build-arg 'A=b c' --target app -f docker/Dockerfile .",
    "buildkit": "buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. "
    "--local dockerfile=docker --opt target=app --opt 'build-arg:A=b c' "
    "--output type=image,name=quay.io/acme/a:1,push=true",
    "buildah": "buildah --storage-driver vfs bud --layers=false --target app -f docker/Dockerfile "
    "-t quay.io/acme/a:1 .",
    "kaniko": "/kaniko/executor --context . --dockerfile docker/Dockerfile --target app "
    "--build-arg 'A=b c' --destination quay.io/acme/a:1",
}
IMAGES = {
    "docker": "docker:27-cli",
    "buildkit": "moby/buildkit:v0.15.0",
    "buildah": "quay.io/buildah/stable:v1.43.0",
    "kaniko": "gcr.io/kaniko-project/executor:v1.23.2-debug",
}


def _pod(image: str, words: list[str]) -> tuple[str, str]:
    container = {"name": "a", "image": image, "workingDir": "/workspace", "command": words[:1]}
    pod = {"restartPolicy": "Never", "containers": [{**container, "args": words[1:]}]}
    found = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}, "spec": pod}
    return "pod.yml", json.dumps(found)


def _task(image: str, words: list[str]) -> tuple[str, str]:
    step = {"name": "a", "image": image, "workingDir": "/workspace/src", "command": words}
    spec = {"workspaces": [{"name": "src", "mountPath": "/workspace/src"}], "steps": [step]}
    found = {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "a"}}
    return "task.yml", json.dumps({**found, "spec": spec})


def _plugin(image: str, words: list[str]) -> tuple[str, str]:
    plugin = {"docker#v5.13.0": {"image": image, "workdir": "/workdir", "command": words}}
    return "pipeline.yml", json.dumps({"steps": [{"label": "a", "plugins": [plugin]}]})


def _stack(image: str, words: list[str]) -> tuple[str, str]:
    container = {"name": "container-0", "image": image, "command": words}
    plugin = {"kubernetes": {"podSpecPatch": {"containers": [container]}}}
    return "pipeline.yml", json.dumps({"steps": [{"label": "a", "plugins": [plugin]}]})


def _run(image: str, words: list[str]) -> tuple[str, str]:
    ran = ["docker", "run", "--entrypoint", words[0], image, *words[1:]]
    steps = [{"uses": "actions/checkout@v4"}, {"run": shlex.join(ran)}]
    jobs = {"a": {"runs-on": "ubuntu-24.04", "steps": steps}}
    return "w.yml", json.dumps({"on": ["push"], "jobs": jobs})


FORMS = {"a Pod": _pod, "a Task": _task, "docker#": _plugin, "kubernetes": _stack, "run": _run}
_BUILD = ("destinations", "build_args", "target", "dockerfile", "builder", "push", "options")


def _said(file: tuple[str, str]) -> dict[str, Any]:
    spec = yaml11.load(import_files([file]).spec_text)
    return {key: spec.get(key) for key in _BUILD}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("builder", COMMANDS)
def test_words_are_read_as_a_script_is(builder: str, form: str) -> None:
    make, image, script = FORMS[form], IMAGES[builder], COMMANDS[builder]
    by_words = _said(make(image, shlex.split(script)))
    assert by_words == _said(make(image, ["sh", "-ec", script]))
    assert by_words["target"] == "app"
    assert by_words["dockerfile"] == "docker/Dockerfile"


def test_what_is_left_out_is_called_by_its_name() -> None:
    """A number is another one's as soon as one is gone, and not every container is kaniko's."""
    text = """\
include: [{project: acme/ci, ref: v1, file: [/one.yml, /two.yml]}]
build:
  image: docker:28
  variables: {ON: "linux/s390x,linux/riscv64,linux/arm64"}
  script: docker buildx build --push -t quay.io/acme/shop:1 --platform $ON .
tidy:
  image: quay.io/buildah/stable:v1.43.0
  script: buildah build -t localhost/shop .
  after_script: [make clean]
"""
    report = import_files([(".gitlab-ci.yml", text)]).report
    told = [entry.message for entry in report if entry.kind == "left"]
    for named in ("platforms: linux/s390x", "platforms: linux/riscv64", "/one.yml", "/two.yml"):
        assert len([message for message in told if named in message]) == 1, named
    after = [entry.message for entry in report if entry.rule == "after-script"]
    assert len(after) == 1
    assert "kaniko" not in after[0]
