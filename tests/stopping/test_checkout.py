"""What a target checks out is what the spec asks for, by the platform's own settings."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import kubelet, yaml11
from harness import tools
from harness.events import DEFAULT_BRANCH
from harness.repository import git
from harness.runs import TARGETS, values_for

if TYPE_CHECKING:
    from pathlib import Path

_SPEC = "default_branch: main\npush: never\n"
_PREPARE = "prepare: {image: docker.io/library/golang:1.26, commands: make, artifacts: bin}\n"


def documents(target: str, text: str) -> Any:
    spec = ci_kaniko.loads(_SPEC + text)
    return yaml11.load(rendering.render(spec, target, values_for(target, DEFAULT_BRANCH)))


def settings(target: str, text: str) -> list[Any]:
    """What each checkout of the file is told, in the platform's words."""
    document = documents(target, text)
    if target == "gitlab":
        return [job.get("variables", {}) for job in document.values() if "script" in job]
    if target == "github":
        steps = [step for job in document["jobs"].values() for step in job["steps"]]
        return [step["with"] for step in steps if "uses" in step]
    if target == "buildkite":
        plugins = [step["plugins"][0]["kubernetes"] for step in document["steps"]]
        return [plugin.get("checkout", {}) for plugin in plugins]
    tasks = [task for run in document["runs"] for task in run["tasks"]]
    return [step["clone"] or {} for task in tasks for step in task["steps"] if "clone" in step]


_NONE = {"gitlab": {}, "github": {"persist-credentials": False}, "buildkite": {}, "agola": {}}
_WANTED: dict[tuple[str, str], Any] = {
    ("gitlab", "submodules: true"): {"GIT_SUBMODULE_STRATEGY": "normal"},
    ("gitlab", "submodules: recursive"): {"GIT_SUBMODULE_STRATEGY": "recursive"},
    ("gitlab", "lfs: true"): {"GIT_LFS_SKIP_SMUDGE": "0"},
    ("gitlab", "depth: 5"): {"GIT_DEPTH": "5"},
    ("github", "submodules: true"): {"submodules": True},
    ("github", "submodules: recursive"): {"submodules": "recursive"},
    ("github", "lfs: true"): {"lfs": True},
    ("github", "depth: 5"): {"fetch-depth": 5},
    ("buildkite", "submodules: recursive"): {"noSubmodules": False},
    ("buildkite", "depth: 5"): {
        "cloneFlags": "-v --depth=5",
        "fetchFlags": "-v --prune --depth=5",
        "noSubmodules": True,
    },
    ("agola", "submodules: recursive"): {"recurse_submodules": True},
    ("agola", "depth: 5"): {"depth": 5},
}


@pytest.mark.parametrize("prepare", ["", _PREPARE], ids=["alone", "prepared"])
@pytest.mark.parametrize(("target", "setting"), _WANTED)
def test_every_checkout_is_told(target: str, setting: str, prepare: str) -> None:
    wanted = {**_WANTED[target, setting], **_NONE[target]}
    found = settings(target, f"checkout: {{{setting}}}\n{prepare}")
    assert found == [wanted] * len(found) != []


@pytest.mark.parametrize("target", _NONE)
def test_without_a_word_nothing_is_said(target: str) -> None:
    found = settings(target, "")
    assert found == [_NONE[target]] * len(found) != []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("setting", ["", "lfs: false"])
def test_what_is_not_wanted_is_as_if_unsaid(target: str, setting: str) -> None:
    """But on Buildkite, whose agent fetches submodules unless it is told otherwise."""
    changed = documents(target, f"checkout: {{{setting}}}")
    assert (changed == documents(target, "")) is (target != "buildkite")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "setting", ["submodules: true", "submodules: recursive", "lfs: true", "depth: 5"]
)
def test_a_setting_is_heard_or_refused(target: str, setting: str) -> None:
    try:
        changed = documents(target, f"checkout: {{{setting}}}")
    except ci_kaniko.SpecError as error:
        (problem,) = error.problems
        assert problem.rule == "impossible-checkout"
        assert problem.where == f"checkout.{setting.partition(':')[0]}"
    else:
        assert changed != documents(target, "")


def test_variables_of_the_team_stay_beside_it() -> None:
    text = (
        "checkout: {depth: 5}\ngitlab: {extra: {variables: {A: x, B: {value: y, expand: false}}}}"
    )
    ours = {"GIT_DEPTH": "5"}
    assert settings("gitlab", text) == [ours | {"A": "x", "B": {"value": "y", "expand": False}}]


# -- a Pod clones by a script: real git runs it -------------------------------------------------


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """Three of them: app has the submodule lib, and lib has deep, all by relative addresses."""
    tools.shell()  # git submodule is a script
    for name, inner in (("deep", ""), ("lib", "deep"), ("app", "lib")):
        folder = tmp_path / f"{name}.git"
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
        (folder / f"{name}.txt").write_text(name)
        if inner:
            git(folder, "submodule", "--quiet", "add", f"../{inner}.git", inner)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=one")
    return tmp_path


@pytest.mark.parametrize(
    ("setting", "there"),
    [
        ("depth: 1", []),
        ("submodules: true", ["lib/lib.txt"]),
        ("submodules: recursive", ["lib/lib.txt", "lib/deep/deep.txt"]),
    ],
)
def test_a_pod_clones_submodules(setting: str, there: list[str], repositories: Path) -> None:
    values = {
        **(values_for("kubernetes", DEFAULT_BRANCH) or {}),
        "commit.sha": git(repositories / "app.git", "rev-parse", "HEAD"),
        "repository.url": "https://git.example.com/app",
        "branch": "main",
    }
    text = f"{_SPEC}kubernetes: {{clone: true}}\ncheckout: {{{setting}}}"
    document = yaml11.load(ci_kaniko.render(ci_kaniko.loads(text), "kubernetes", values))
    (container,) = document["spec"]["initContainers"]
    script = kubelet.expand(container["args"][0], {})
    workspace = repositories / "workspace"
    script = script.replace("/workspace", str(workspace))
    config = {
        "protocol.file.allow": "always",
        f"url.file://{repositories}/.insteadOf": "https://git.example.com/",
    }
    environment = {"GIT_CONFIG_COUNT": str(len(config))}
    for index, (key, value) in enumerate(config.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    subprocess.run(
        [*tools.shell(), "-c", script],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    known = ["lib/lib.txt", "lib/deep/deep.txt"]
    assert [path for path in known if (workspace / path).exists()] == there
    assert git(workspace, "rev-list", "--count", "HEAD") == "1"


FAKE_GIT = '#!/bin/sh\necho "$*" >>"$LOG"\ncase "$*" in *"lfs install"*) exit "$LFS" ;; esac\n'


@pytest.mark.parametrize("status", [0, 1])
def test_without_git_lfs_the_pod_stops(status: int, tmp_path: Path) -> None:
    """The filters are there before the files are, so none arrives as a pointer."""
    document = documents("kubernetes", "kubernetes: {clone: true}\ncheckout: {lfs: true}")
    (container,) = document["spec"]["initContainers"]
    (tmp_path / "git").write_text(FAKE_GIT)
    (tmp_path / "git").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    environment["LFS"] = str(status)
    done = subprocess.run(
        [*tools.shell(), "-c", kubelet.expand(container["args"][0], {})],
        env=environment,
        check=False,
    )
    assert done.returncode == status
    calls = (tmp_path / "log").read_text()
    assert ("checkout" in calls) == (status == 0)
    assert calls.index("remote add origin") < calls.index("lfs install --local")
