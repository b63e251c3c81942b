"""The check as others take it: GitHub's action, GitLab's component, and the page about them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import expressions, yaml11
from harness import judge, tools
from harness.cases import ROOT
from harness.preview import previewed
from harness.repository import HEADER, PACKAGE, Repository

if TYPE_CHECKING:
    from pathlib import Path

ACTION_FILE = ROOT / "action.yml"
ACTION = yaml11.load(ACTION_FILE.read_text("utf-8"))
COMPONENT = ROOT / "docs" / "check" / "template.yml"
PAGE = (ROOT / "docs" / "in-sync.md").read_text("utf-8")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def commands(folder: Path) -> str:
    """A folder of commands: ours, and a Python and a pip that only note what they would install."""
    folder.mkdir()
    ours = f'#!/bin/sh\nexec "{sys.executable}" -m ci_kaniko "$@"\n'
    note = '#!/bin/sh\nprintf "%s\\n" "$@" >> "$NOTES"\n'
    python = f"""\
#!/bin/sh
test "$1 $2" = "-m venv" || exit 1
mkdir -p "$3/bin"
cp "{folder}/pip" "$3/bin/python"
cp "{folder}/ci-kaniko" "$3/bin/ci-kaniko"
"""
    for name, text in (("ci-kaniko", ours), ("pip", note), ("python3", python)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two specs, one of them in a folder, and their outputs in sync."""
    repository = Repository(tmp_path)
    repository.spec("{gitlab: .gitlab-ci.yml}")
    repository.spec("{github: .github/workflows/shop.yml}", "ci/shop.yaml")
    assert repository.call("sync", "-f", "ci-kaniko.yaml", "-f", "ci/shop.yaml").code == 0
    return repository


def run(script: str, folder: Path, env: dict[str, str], *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [*tools.shell("bash"), *options, "-c", script],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


# -- GitHub -----------------------------------------------------------------------------------


def acted(repository: Repository, **inputs: str) -> tuple[int, str, list[str]]:
    """The action's status, what it prints, and what it has installed."""
    scratch = repository.cache / "runner"
    scratch.mkdir()
    notes = scratch / "notes"
    given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
    known: expressions.Known = {
        f"inputs.{name}": text for name, text in {**given, **inputs}.items()
    }
    env = {
        "PATH": commands(scratch / "bin"),
        "PYTHONPATH": PACKAGE,
        "HOME": str(scratch),
        "NOTES": str(notes),
        "RUNNER_TEMP": str(scratch),
        "GITHUB_ACTION_PATH": str(ROOT),
    }
    code, said = 0, ""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        own = {name: expressions.filled(text, known) for name, text in step.get("env", {}).items()}
        folder = expressions.filled(step.get("working-directory", "."), known)
        options = ("--noprofile", "--norc", "-e", "-o", "pipefail")
        code, told = run(step["run"], repository.folder / folder, {**env, **own}, *options)
        said += told
        if code:
            break
    return code, said, notes.read_text().splitlines()


def test_github_reads_the_action() -> None:
    assert judge.action(ACTION_FILE.read_text("utf-8")) == []
    assert judge.action("runs: {using: composite, steps: [{run: x}]}") != []
    program = tools.program("shellcheck")
    for step in ACTION["runs"]["steps"]:
        done = subprocess.run(
            [program, "--norc", "-s", "bash", "-S", "style", "-"],
            input=step["run"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("inputs", "installed"),
    [
        ({}, str(ROOT)),
        ({"version": "0.1.0", "args": "-f ci/shop.yaml  -f ci-kaniko.yaml"}, "ci-kaniko==0.1.0"),
        ({"working-directory": "ci", "args": "-f shop.yaml"}, str(ROOT)),
    ],
)
def test_the_action_finds_what_differs(
    inputs: dict[str, str], installed: str, repository: Repository
) -> None:
    (repository.folder / "ci").mkdir(exist_ok=True)
    file = ".github/workflows/shop.yml" if "args" in inputs else ".gitlab-ci.yml"
    code, said, notes = acted(repository, **inputs)
    assert code == 0, said
    assert notes == ["-m", "pip", "install", "--quiet", installed]
    repository.write(file, f"{HEADER}old: true\n")
    again = Repository.__new__(Repository)
    again.folder, again.cache = repository.folder, repository.cache / "again"
    again.cache.mkdir()
    code, said, _ = acted(again, **inputs)
    assert code == 1
    assert f"::error file={file},line=" in said


@pytest.mark.parametrize("text", ["; touch x", "$(touch x)", "`touch x`", "*", "'", "-f a b"])
def test_arguments_of_the_action_are_never_code(text: str, repository: Repository) -> None:
    before = repository.files()
    code, _, _ = acted(repository, args=text)
    assert code not in {0, 3}
    assert repository.files() == before


def test_a_version_of_the_action_is_never_code(repository: Repository) -> None:
    version = '1" $(touch x) -r y'
    _, _, notes = acted(repository, version=version)
    assert notes[-1] == f"ci-kaniko=={version}"


def test_the_page_calls_the_action() -> None:
    (text,) = [block for block in blocks() if "uses: ci-kaniko/ci-kaniko@" in block]
    text = text.replace("@COMMIT", f"@{COMMIT}")
    workflow = f"""\
on: push
jobs:
  check:
    runs-on: ubuntu-24.04
    steps:
{text}"""
    assert judge.workflow_of(workflow).errors == []
    (step,) = yaml11.load(text)
    assert step["uses"] == f"ci-kaniko/ci-kaniko@{COMMIT}"
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"(?m)^\| `([a-z-]+)` \|", PAGE)) == set(ACTION["inputs"])


def blocks() -> list[str]:
    return re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE)


# -- jobs -------------------------------------------------------------------------------------

FILES = dict(re.findall(r"(?ms)^```yaml\n# (\S+)\n(.*?)^```$", PAGE))


def script_of(path: str) -> str:
    """What a job of the page runs in a checkout."""
    document = yaml11.load(FILES[path])
    if path == "check.gitlab-ci.yml":
        return "\n".join(document["check-ci-kaniko"]["script"])
    if path == ".buildkite/check.yml":
        return str(document["steps"][0]["command"]).replace("$$", "$")
    if path == ".agola/config.yml":
        steps = document["runs"][0]["tasks"][0]["steps"]
        return "\n".join(step["run"] for step in steps if "run" in step)
    (container,) = document["spec"]["containers"]
    _, _, script = container["args"][0].partition("cd /tmp/shop\n")
    return f"pip install --quiet ci-kaniko=={ci_kaniko.__version__}\n{script}"


JOBS = [path for path in FILES if not path.startswith(".github/") and "plugin" not in path]


@pytest.mark.parametrize("path", JOBS)
def test_a_job_of_the_page_finds_what_differs(path: str, repository: Repository) -> None:
    env = {
        "PATH": commands(repository.cache / "bin"),
        "PYTHONPATH": PACKAGE,
        "HOME": str(repository.cache),
        "NOTES": str(repository.cache / "notes"),
    }
    script = script_of(path)
    code, said = run(script, repository.folder, env, "-e")
    assert code == 0, said
    assert f"ci-kaniko=={ci_kaniko.__version__}" in (repository.cache / "notes").read_text()
    repository.write(".gitlab-ci.yml", f"{HEADER}old: true\n")
    code, said = run(script, repository.folder, env, "-e")
    assert code == 1
    assert "-old: true" in said


def test_the_plugin_of_the_page_finds_what_differs(repository: Repository) -> None:
    """A step's settings reach the hook as the agent names them, an item at a time."""
    (hook,) = re.findall(r"(?ms)^```sh\n(#!/usr/bin/env bash\n# \S+/hooks/command\n.*?)^```$", PAGE)
    known = yaml11.load(FILES[".buildkite/plugins/ci-kaniko/plugin.yml"])["configuration"]
    (step,) = yaml11.load(FILES[".buildkite/check-by-plugin.yml"])["steps"]
    ((source, given),) = step["plugins"][0].items()
    assert source == "./.buildkite/plugins/ci-kaniko"
    assert given.keys() <= known["properties"].keys()
    env = {
        "PATH": commands(repository.cache / "bin"),
        "PYTHONPATH": PACKAGE,
        "HOME": str(repository.cache),
        "NOTES": str(repository.cache / "notes"),
    }

    def hooked(*args: str, version: str = "") -> tuple[int, str]:
        name = "BUILDKITE_PLUGIN_CI_KANIKO"
        settings = {f"{name}_ARGS_{number}": word for number, word in enumerate(args)}
        settings |= {f"{name}_VERSION": version} if version else {}
        return run(hook, repository.folder, {**env, **settings})

    assert hooked(*given["args"])[0] == 0
    note = (repository.cache / "notes").read_text()
    assert note.split()[-1] == f"ci-kaniko=={ci_kaniko.__version__}"
    repository.write(".github/workflows/shop.yml", f"{HEADER}old: true\n")
    code, said = hooked(*given["args"], version="9 $(touch x)")
    assert code == 1
    assert "-old: true" in said
    assert (repository.cache / "notes").read_text().endswith("ci-kaniko==9 $(touch x)\n")
    assert hooked()[0] == 0  # the spec at the root, whose file is in sync
    assert hooked("-f", "a b.yaml")[0] == 1
    assert "a b.yaml" in hooked("-f", "a b.yaml")[1]
    assert not (repository.folder / "x").exists()


# -- GitLab -----------------------------------------------------------------------------------


def included(tmp_path: Path, *inputs: dict[str, str]) -> dict[str, Any]:
    """The jobs of a project that includes the component so often."""
    files = {"templates/check/template.yml": COMPONENT.read_text("utf-8")}
    include = [{"local": "/templates/check/template.yml", "inputs": given} for given in inputs]
    text = yaml.safe_dump({"stages": ["lint", "test"], "include": include})
    found = previewed(tmp_path / "project", {**files, ".gitlab-ci.yml": text})
    return {name: job for name, job in found.items() if name.startswith("check-")}


def test_a_project_includes_the_component(repository: Repository, tmp_path: Path) -> None:
    (text,) = [block for block in blocks() if "component:" in block]
    (shown,) = yaml11.load(text)
    assert shown["component"].endswith("/check@1.0.0")
    mine = {"job-name": "check-all", "stage": "lint", "args": "-f ci/shop.yaml"}
    found = included(tmp_path, shown["inputs"], mine)
    assert list(found) == ["check-ci-kaniko", "check-all"]
    assert [job["stage"] for job in found.values()] == ["test", "lint"]
    notes = repository.cache / "notes"
    env = {
        "PATH": commands(repository.cache / "bin"),
        "PYTHONPATH": PACKAGE,
        "HOME": str(repository.cache),
        "NOTES": str(notes),
    }
    script = "\n".join(found["check-all"]["script"])
    assert run(script, repository.folder, env, "-e")[0] == 0
    assert notes.read_text().split() == [
        "install",
        "--quiet",
        f"ci-kaniko=={ci_kaniko.__version__}",
    ]
    repository.write(".github/workflows/shop.yml", f"{HEADER}old: true\n")
    code, said = run(script, repository.folder, env, "-e")
    assert code == 1
    assert "-old: true" in said


def test_what_is_given_to_the_component_is_never_code() -> None:
    header, _ = yaml11.load_all(COMPONENT.read_text("utf-8"))
    given = header["spec"]["inputs"]
    for name, one in given.items():
        assert one["description"].endswith(".")
        assert re.fullmatch(one["regex"], one["default"])
        for text in ('"', "$(id)", "`id`", "a;b", "a\nb", "a&b", "a|b", "$HOME", "'", "#", "*"):
            assert not re.search(one["regex"], text), name
