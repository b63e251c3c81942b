"""The hooks for pre-commit, run by pre-commit, and our own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from harness import tools
from harness.cases import ROOT
from harness.repository import HEADER, PACKAGE, Repository, git

if TYPE_CHECKING:
    from pathlib import Path

HOOKS = {hook["id"]: hook for hook in yaml11.load((ROOT / ".pre-commit-hooks.yaml").read_text())}
OWN = yaml11.load((ROOT / ".pre-commit-config.yaml").read_text())

# -- the real pre-commit ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of this project as it is now, for pre-commit to install."""
    folder = tmp_path_factory.mktemp("hooks") / "ci-kaniko"
    folder.mkdir()
    for name in ("src", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    needed = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    for name in needed:
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "now")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which pre-commit installs, with what this one has installed.

    The hook's own environment gets ci-kaniko; what that depends on is borrowed, so that no index
    is needed.
    """
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("store")),
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("-packages")),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as: do not isolate
        "PIP_NO_COMPILE": "0",  # and this as: do not compile; what is imported is then
        "PATH": tools.SEARCH,
    }


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A git repository in sync, everything committed, that runs a hook without installing it."""
    repository = Repository(tmp_path, git="none")
    git(repository.folder, "init", "-q")
    repository.spec("{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}")
    assert repository.call("sync").code == 0
    use(repository, "ci-kaniko-sync")
    git(repository.folder, "add", "-A")
    git(repository.folder, "commit", "-q", "-m", "in sync")
    return repository


def use(repository: Repository, hook: str) -> None:
    """Configure a hook of ours, to be run by the ci-kaniko of this environment."""
    here = {**HOOKS[hook], "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [here]}]}
    repository.write(".pre-commit-config.yaml", yaml.safe_dump(config))


def pre_commit(repository: Repository, store: dict[str, str], *arguments: str) -> tuple[int, str]:
    tools.shell()  # it calls git submodule, which is a script
    done = subprocess.run(
        [tools.program("pre-commit"), *arguments, "--color=never"],
        cwd=repository.folder,
        env=store,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_try_repo_fixes_and_fails_then_passes(
    repository: Repository, hooks: Path, store: dict[str, str]
) -> None:
    """As somebody tries us for the first time: pre-commit try-repo URL ci-kaniko-sync."""
    synced = repository.files()
    repository.write(".gitlab-ci.yml", f"{HEADER}old: true\n")
    git(repository.folder, "add", "-A")
    code, said = pre_commit(repository, store, "try-repo", str(hooks), "ci-kaniko-sync")
    assert code == 1, said
    assert re.search(r"ci-kaniko sync\.+Failed\n", said)
    assert "updated .gitlab-ci.yml for gitlab" in said
    assert {**repository.files(), ".git": ""}.items() >= {
        name: text for name, text in synced.items() if not name.startswith(".git/")
    }.items() - {(".git", "folder")}


def test_the_fixing_hook(repository: Repository, store: dict[str, str]) -> None:
    run = ("run", "ci-kaniko-sync", "--all-files")
    code, said = pre_commit(repository, store, *run)
    assert (code, git(repository.folder, "status", "--porcelain")) == (0, ""), said
    assert re.search(r"ci-kaniko sync\.+Passed\n", said)

    # The spec was edited, the outputs were not.
    repository.write("ci-kaniko.yaml", repository.text("ci-kaniko.yaml").replace("acme-bot", "bob"))
    git(repository.folder, "add", "-A")
    code, said = pre_commit(repository, store, "run")
    assert code == 1
    assert "updated .gitlab-ci.yml for gitlab" in said
    assert "files were modified by this hook" in said
    git(repository.folder, "add", "-A")
    assert pre_commit(repository, store, "run")[0] == 0

    # An output was deleted: pre-commit itself does not see a file that git does not know.
    git(repository.folder, "rm", "-q", "-f", ".gitlab-ci.yml")
    code, said = pre_commit(repository, store, *run)
    assert code == 1
    assert "created .gitlab-ci.yml for gitlab" in said
    git(repository.folder, "add", "-A")
    assert pre_commit(repository, store, *run)[0] == 0

    # A commit of something else.
    git(repository.folder, "commit", "-q", "-m", "in sync again")
    repository.write("README.md", "changed\n")
    repository.write(".gitlab-ci.yml", f"{HEADER}drift: true\n")
    git(repository.folder, "add", "README.md")
    code, said = pre_commit(repository, store, "run")
    assert code == 0
    assert "(no files to check)Skipped" in said
    assert repository.text(".gitlab-ci.yml") == f"{HEADER}drift: true\n"


def test_the_checking_hook(repository: Repository, store: dict[str, str]) -> None:
    use(repository, "ci-kaniko-check")
    git(repository.folder, "add", "-A")
    assert pre_commit(repository, store, "run", "--all-files")[0] == 0
    drifted = f"{HEADER}drift: true\n"
    repository.write(".gitlab-ci.yml", drifted)
    git(repository.folder, "add", "-A")
    before = git(repository.folder, "status", "--porcelain")
    code, said = pre_commit(repository, store, "run")
    assert code == 1
    assert ".gitlab-ci.yml:2:1: out of date with ci-kaniko.yaml [drift]" in said
    assert "-drift: true" in said
    assert "hint: ci-kaniko sync gitlab" in said
    assert "files were modified" not in said
    assert git(repository.folder, "status", "--porcelain") == before
    assert repository.text(".gitlab-ci.yml") == drifted


# -- which files start them -------------------------------------------------------------------

STARTS = [
    "ci-kaniko.yaml",
    "ci-kaniko.yml",
    "ci-kaniko.json",
    "services/shop/ci-kaniko.yaml",
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    "ci/image.gitlab-ci.yml",
    ".gitlab/ci/image.yml",
    ".gitlab/image.yaml",
    ".github/workflows/image.yml",
    ".github/workflows/ci-kaniko.yaml",
    ".buildkite/pipeline.yml",
    ".buildkite/image.yml",
    ".buildkite/image/pipeline.yaml",
    ".agola/config.yml",
    "services/shop/.buildkite/pipeline.yml",
    "ci/base.yaml",
    ".pre-commit-config.yaml",
    "templates/gitlab.yml.j2",
    "deploy/chart/values.yaml",
]
DOES_NOT_START = [
    "README.md",
    "Dockerfile",
    "ci-kaniko.toml",
    "ci-kaniko.yaml.bak",
    "ci-kaniko/yaml",
    ".gitlab-ci.yml.orig",
    ".gitlab/CODEOWNERS",
    ".gitlab/issue_templates/bug.md",
    ".github/workflows/README.md",
    ".buildkite/run.sh",
    ".agola/config.star",
]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_files_that_start_a_hook(hook: str) -> None:
    pattern = re.compile(HOOKS[hook]["files"])
    assert [path for path in STARTS if not pattern.search(path)] == []
    assert [path for path in DOES_NOT_START if pattern.search(path)] == []


def test_the_usual_places_start_the_hooks() -> None:
    pattern = re.compile(HOOKS["ci-kaniko-sync"]["files"])
    usual = {item.output for item in ci_kaniko.available_targets().values()}
    assert {path for path in usual if not pattern.search(path)} == set()


def test_what_the_hooks_run() -> None:
    assert {name: hook["entry"] for name, hook in HOOKS.items()} == {
        "ci-kaniko-sync": "ci-kaniko sync --exit-code",
        "ci-kaniko-check": "ci-kaniko check",
    }
    for hook in HOOKS.values():
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        assert hook["name"]
        assert hook["description"]


# -- the project eats its own -----------------------------------------------------------------


def own(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ci_kaniko", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PACKAGE, "CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_this_repository_is_in_sync() -> None:
    done = own("check", "--strict")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_outputs_of_this_repository_are_its_pipelines() -> None:
    spec = ci_kaniko.load(ROOT / "ci-kaniko.yaml")
    paths = {name: tuple(file.path for file in files) for name, files in spec.outputs if files}
    assert paths == {"gitlab": (".gitlab-ci.yml",), "github": (".github/workflows/image.yml",)}
    assert ci_kaniko.diff(ROOT / "ci-kaniko.yaml") == []
    assert (ROOT / spec.context / spec.dockerfile).is_file()


def test_this_repository_uses_its_own_hook(tmp_path: Path) -> None:
    """With the code of the checkout, whose changes change the outputs too."""
    hooks = [hook for repo in OWN["repos"] for hook in repo["hooks"]]
    hook = next(hook for hook in hooks if hook["id"] == "ci-kaniko-sync")
    ours = HOOKS["ci-kaniko-sync"]
    assert hook["entry"] == ours["entry"].replace("ci-kaniko", "python3 -m ci_kaniko", 1)
    assert (hook["name"], hook["pass_filenames"]) == (ours["name"], ours["pass_filenames"])
    for path in (
        *("ci-kaniko.yaml", ".gitlab-ci.yml", ".github/workflows/image.yml"),
        *("templates/gitlab.yml.j2", "src/ci_kaniko/shell/script.py"),
    ):
        assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "README.md")

    repository = Repository(tmp_path, git="none")
    git(repository.folder, "init", "-q")
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for path in (".pre-commit-config.yaml", "ci-kaniko.yaml", ".gitlab-ci.yml"):
        repository.write(path, (ROOT / path).read_bytes())
    image = ".github/workflows/image.yml"
    now = (ROOT / image).read_text(encoding="utf-8")
    old = now.replace("name: Build and push the image", "name: Build the image")
    assert old != now
    repository.write(image, old)
    git(repository.folder, "add", "-A")
    environment = repository.environment(
        PATH=f"{python.parent}{os.pathsep}{tools.SEARCH}", PRE_COMMIT_HOME=str(tmp_path / "store")
    )
    assert pre_commit(repository, environment, "run", "--all-files")[0] == 1
    assert repository.text(image) == now
    git(repository.folder, "add", "-A")
    code, said = pre_commit(repository, environment, "run", "--all-files")
    assert (code, "Passed" in said) == (0, True)
