"""Agola drops what it does not know, so every rule of its parser is checked here."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import agola_when, yaml11
from ci_kaniko.targets.agola import TARGET
from harness import agola, expectation, starts
from harness.cases import snapshots
from harness.runs import RENDERED, read, refused, render

if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = """
default_branch: main
destinations: ["quay.io/acme/shop:${commit.short}"]
registries: {quay.io: {username: acme, password: QUAY_PASSWORD}}
agola:
  arch: amd64
  extra:
    ignore_failure: true
    docker_registries_auth: {mirror.example.com: {username: acme, password: {from_variable: M}}}
"""
CASES = [case for case, target in RENDERED if target == "agola"]


def config() -> str:
    return ci_kaniko.render(ci_kaniko.loads(SPEC), "agola")


@pytest.mark.parametrize("path", snapshots("agola"), ids=lambda path: path.stem)
def test_snapshots_are_what_the_parser_reads(path: Any) -> None:
    assert agola.complaints(path.read_text(encoding="utf-8"), place=TARGET.output) == []


def test_the_full_example_is_fine() -> None:
    assert agola.complaints(config()) == []


SECOND = "    tasks:\n      - {name: other, runtime: {containers: [{image: x}]}, steps: []}\n"
ANCESTOR = """depends: [checkout, other]
      - name: other
        depends: [checkout]
        runtime: {containers: [{image: x}]}
        steps: []
      - name: more
        runtime: {containers: [{image: x}]}"""
BROKEN = {
    "file-field": ("version: v0", "versoin: v0", "a file has no versoin"),
    "no-runs": (r"(?s)runs:.*", "runs: []\n", "there is no run"),
    "run-field": ("    when:", "    timeout: 1h\n    when:", "a run has no timeout"),
    "task-field": ("        shell:", "        resources: {}\n        shell:", "no resources"),
    "runtime-field": ("          arch:", "          cpu: 1\n          arch:", "runtime has no cpu"),
    "container-field": ("(- image: ghcr.*)", r"\1\n              limits: {}", "has no limits"),
    "run-step-field": ("tty: false", "tyt: false", "a run step has no tyt"),
    "restore-field": ("dest_dir: /kaniko/src", "dest: /kaniko/src", "restore_workspace step has"),
    "content-field": ("paths:", "path:", "a content has no path"),
    "clone-field": ("- clone:", "- clone: {deep: 1}", "a clone step has no deep"),
    "when-field": ("      branch:", "      event: push\n      branch:", "a when has no event"),
    "condition-field": (r"branch: \[main\]", "branch: {only: main}", "a condition has no only"),
    "duplicate-key": ("version: v0", "version: v0\nversion: v1", "not one meaning in YAML"),
    "run-name": ("  - name: build-image\n    when", "  - when", "a run needs name"),
    "task-name": ("      - name: checkout\n        r", "      - r", "a task needs name"),
    "long-name": ("- name: checkout", "- name: " + "ü" * 51, "1 to 100 bytes"),
    "task-twice": ("- name: checkout", "- name: build-image", "two tasks have one name"),
    "run-twice": (r"\Z", "  - name: build-image\n" + SECOND, "two runs have one name"),
    "runtime": ("        runtime:\n          containers:\n            - image: docker.*\n", "",
        "a task needs runtime"),
    "runtime-type": ("arch: amd64", "type: vm", "of type pod"),
    "arch": ("arch: amd64", "arch: x86_64", "no runtime has arch x86_64"),
    "no-container": (r"containers:\n +- image: ghcr.*", "containers: []", "has a container"),
    "no-image": ("image: ghcr[^\n]*", "privileged: false", "a container needs image"),
    "privileged": ("(- image: ghcr.*)", r"\1\n              privileged: on", "true or false"),
    "volume": ("(- image: ghcr.*)", r"\1\n              volumes: [{path: /x}]", "needs tmpfs"),
    "nanoseconds": ("interval: 1h", "interval: 3600", "3600 would be nanoseconds"),
    "duration": ("interval: 1h", "interval: 60 minutes", "no Go duration"),
    "step-text": ("- clone:", "- clone", "a step is a mapping"),
    "step-kind": ("- clone:", "- checkout:", "no step is a checkout"),
    "two-kinds": ("- clone:", "- clone:\n            run: ls", "exactly one kind"),
    "typed-step": ("- clone:", "- {type: clone, deep: 1}", "a clone step has no deep"),
    "depth": ("- clone:", "- clone: {depth: 0}", "depth is a number from 1"),
    "unnamed-lines": ("              name: Run kaniko\n", "", "more than one line needs a name"),
    "short-form": (r"(?s)- run:.*", "- run: |\n              ls\n", "more than one line"),
    "no-command": (r"(?s)command: .*", "shell: sh\n", "a run step has a command"),
    "number": ("(environment:)", r"\1\n          A: 1", "A is neither a text nor"),
    "boolean": ("(environment:)", r"\1\n          A: true", "A is neither a text nor"),
    "null": ("(environment:)", r"\1\n          A:", "A is neither a text nor"),
    "map": ("from_variable: QUAY", "variable: QUAY", "QUAY_PASSWORD is neither"),
    "switch": ("ignore_failure: true", "ignore_failure: sometimes", "true or false"),
    "unknown-parent": (r"depends: \[checkout\]", "depends: [clone]", "which is no task"),
    "itself": (r"depends: \[checkout\]", "depends: [build-image]", "depends on itself"),
    "circle": ("      - name: checkout", "      - name: checkout\n        depends: [build-image]",
        "depends on itself"),
    "parent-twice": (r"depends: \[checkout\]", "depends: [checkout, checkout]", "depends twice"),
    "condition": (r"depends: \[checkout\]", "depends: [{checkout: [succes]}]", "succes is no"),
    "task-condition": (r"depends: \[checkout\]",
        "depends: [{task: checkout, conditions: [always]}]", "always is no condition"),
    "ancestor": (r"depends: \[checkout\]", ANCESTOR, "so does another"),
    "glob": (r"branch: \[main\]", 'branch: ["release/*"]', "is no glob"),
    "go": (r"branch: \[main\]", 'branch: ["#^(?!x)#"]', "no such thing"),
    "pattern": (r"branch: \[main\]", 'branch: ["#(#"]', "no regular expression"),
    "number-in-when": (r"branch: \[main\]", "branch: [1.10]", "a condition is a text"),
    "registry-type": ("username: acme", "type: token\n        username: acme", "no kind of"),
    "registry": ("        username: acme\n", "", "has password and username"),
    "syntax": ("version: v0", "version: [", "not one meaning in YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BROKEN.values(), ids=BROKEN)
def test_every_rule_can_fail(old: str, new: str, said: str) -> None:
    text = config()
    broken = re.sub(old, new, text, count=1)
    assert broken != text
    assert said in "\n".join(agola.complaints(broken))


def test_the_file_itself() -> None:
    assert agola.complaints(config(), place=".agola/config.yaml")
    assert agola.complaints(config() + "#" * agola.LARGEST) == ["the file is larger than 1 MiB"]


def _task(document: Any) -> Any:
    return document["runs"][0]["tasks"][1]


TAMPERED: dict[str, Callable[[Any], object]] = {
    "file": lambda d: d.update(timeout="1h"),
    "run": lambda d: d["runs"][0].update(nam="x"),
    "when": lambda d: d["runs"][0]["when"].update(event="push"),
    "other-events": lambda d: d["runs"][0]["when"].update(branch=["other"]),
    "task": lambda d: _task(d).update(resources={}),
    "runtime": lambda d: _task(d)["runtime"].update(cpu=1),
    "container": lambda d: _task(d)["runtime"]["containers"][0].update(limits={}),
    "step": lambda d: _task(d)["steps"][-1]["run"].update(tyt=False),
    "step-kind": lambda d: _task(d)["steps"].append({"ran": {}}),
    "two-kinds": lambda d: _task(d)["steps"][0].update(clone=None),
    "nanoseconds": lambda d: _task(d).update(task_timeout_interval=3600),
    "script": lambda d: _task(d)["steps"][-1]["run"].update(command="true"),
    "no-name": lambda d: _task(d)["steps"][-1]["run"].pop("name"),
    "no-run": lambda d: _task(d)["steps"].pop(),
    "variable": lambda d: d["runs"][0]["tasks"][1]["environment"].update(A={"variable": "x"}),
    "image": lambda d: _task(d)["runtime"]["containers"][0].update(image="x"),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_document_is_noticed(tamper: Callable[[Any], object]) -> None:
    """What stands between the template and the file that is handed out."""
    view = TARGET.prepare(ci_kaniko.loads(SPEC), {}).view
    document = yaml11.load(config())
    assert list(TARGET.verify(copy.deepcopy(document), view)) == []
    tamper(document)
    assert list(TARGET.verify(document, view))


@pytest.mark.parametrize(
    ("key", "value"),
    [("ignore_failure", "sometimes"), ("approval", 1), ("user", 0), ("docker_registries_auth", [])],
)
def test_raw_keys_have_types(key: str, value: object) -> None:
    spec = ci_kaniko.Spec(push="never", default_branch="main", agola={"extra": {key: value}})
    with pytest.raises(ci_kaniko.SpecError, match="wrong-type"):
        ci_kaniko.render(spec, "agola")


@pytest.mark.parametrize("case", CASES)
def test_pushes_start_what_they_start_on_gitlab(case: str) -> None:
    """Of requests only GitLab can leave out those whose branch is built as a branch."""
    if refused(case, "gitlab") is not None:
        return
    for event in expectation.events(read(case)):
        here = starts.agola(render(case, "agola"), event)
        there = starts.gitlab(render(case, "gitlab"), event)
        assert here == there or (event.pull_request and here), event


def test_when_in_the_parsers_words() -> None:
    branch = {"AGOLA_GIT_REF_TYPE": "branch", "AGOLA_GIT_BRANCH": "release/1"}
    branch |= {"AGOLA_GIT_REF": "refs/heads/release/1", "AGOLA_GIT_TAG": ""}
    request = {"AGOLA_GIT_REF_TYPE": "pull_request", "AGOLA_GIT_BRANCH": "", "AGOLA_GIT_TAG": ""}
    request |= {"AGOLA_GIT_REF": "refs/pull/1/head"}
    for when, env, expected in (
        (None, branch, True),
        ({"branch": "release/1"}, branch, True),
        ({"branch": "release/*"}, branch, False),
        ({"branch": "/release/"}, branch, True),
        ({"branch": "#^rel$#"}, branch, False),
        ({"branch": {"include": "#release#", "exclude": ["release/1"]}}, branch, False),
        ({"tag": "#.*#"}, branch, False),
        ({"tag": "x", "ref": "#refs/heads/.*#"}, branch, True),
        ({"branch": "#.*#"}, request, False),
        ({"ref": "#refs/pull/.*#"}, request, True),
    ):
        assert agola_when.included(when, env) == expected, when
