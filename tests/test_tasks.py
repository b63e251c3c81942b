"""What people who change the project type, and what runs on what they changed."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ci_kaniko.rehearsing import yaml11
from harness import tools, validators
from harness.cases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROJECT: dict[str, Any] = importlib.import_module(
    "tomllib" if sys.version_info >= (3, 11) else "tomli"
).loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENTS: dict[str, Any] = PROJECT["tool"]["hatch"]["envs"]
SCRIPTS: dict[str, str | list[str]] = ENVIRONMENTS["default"]["scripts"]
REACHED: list[str] = ENVIRONMENTS["reached"]["scripts"]["import"]
VERSION: str = PROJECT["project"]["version"]
NEEDED: list[str] = PROJECT["project"]["optional-dependencies"]["test"]
HOOKS = yaml11.load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def run(folder: Path, command: str) -> str:
    """What a command says, as Hatch or pre-commit start it in the environment of the project."""
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [tools.program(program), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": tools.SEARCH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_task_test_runs_an_area() -> None:
    command = str(SCRIPTS["test"]).replace("{args}", "docs/test_doctests.py -q --collect-only")
    assert "tests/docs/test_doctests.py" in run(ROOT, command)


def test_the_task_snap_updates_snapshots() -> None:
    assert "--update-snapshots" in SCRIPTS["snap"]
    said = run(ROOT, str(SCRIPTS["snap"]).replace("{args}", "-q --collect-only"))
    assert re.search(r"(?m)^[1-9]\d* tests collected", said)


@pytest.mark.parametrize("command", SCRIPTS["lint"])
def test_the_task_lint_runs_each_tool(command: str) -> None:
    assert command in {"ruff check", "ruff format --check", "mypy"}
    run(ROOT, "mypy --version" if command == "mypy" else f"{command} tests/test_tasks.py")


def test_the_task_docs_writes_the_pages(tmp_path: Path) -> None:
    """One that is made as a whole and one in part; tests/docs/test_docs.py has what each says."""
    whole, in_part = "commands.md", "api.md"
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for other in (".ci", "src", "tests", "README.md", "pyproject.toml"):
        (tmp_path / other).symlink_to(ROOT / other)
    (tmp_path / "docs" / whole).unlink()
    page = (ROOT / "docs" / in_part).read_text(encoding="utf-8")
    emptied = re.sub(r"(?s)(?<=made by python3 docs/make -->\n).*?(?=<!-- end of)", "", page)
    assert emptied != page
    (tmp_path / "docs" / in_part).write_text(emptied, encoding="utf-8")
    run(tmp_path, f"{SCRIPTS['docs']} {whole} {in_part}")
    for name in (whole, in_part):
        assert (tmp_path / "docs" / name).read_bytes() == (ROOT / "docs" / name).read_bytes()


def test_contributing_names_every_task() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {f"`hatch run {name}" for name in (*SCRIPTS, "reached:import")}
    assert named == set(re.findall(r"`hatch run [\w:]+", page))


def test_the_task_reached_runs_pipelines() -> None:
    """The measure itself comes with the environment of the task; what it runs is here."""
    command = re.sub("^- (.*)-m coverage run ", r"\1", REACHED[0])
    assert command != REACHED[0]
    places = re.findall(r"tests/\S+", command)
    assert places[0] == "tests/importing"
    assert [place for place in places if not (ROOT / place).exists()] == []
    last = command.replace(" ".join(places[:-1]), "")
    assert f"{places[-1]}::" in run(ROOT, f"{last} --collect-only")


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_hooks_of_this_repository_run(hook: dict[str, Any]) -> None:
    """Their programs are those of the environment, so pyproject.toml pins their releases."""
    assert hook["language"] == "system"
    if hook["id"] == "ci-kaniko-sync":
        run(ROOT, hook["entry"].replace("sync", "check").replace("--exit-code", ""))
        return
    run(ROOT, f"{hook['entry']} --version" if hook["id"] == "mypy" else f"{hook['entry']} tests")
    (tool,) = re.findall(r"-m (\w+)", hook["entry"])
    assert [each for each in NEEDED if each.startswith(f"{tool}==")]


def workflow(name: str) -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    return found


@pytest.mark.parametrize(
    "judge",
    [validators.actionlint, validators.zizmor, partial(validators.shellcheck, "github")],
)
def test_the_workflows_of_this_repository_are_sound(judge: Any) -> None:
    assert len(WORKFLOWS) > 3
    assert judge(WORKFLOWS) == []


def test_every_action_is_pinned_to_one_commit_with_its_release() -> None:
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
            name, pin = line.split("@")
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin), line
            used.setdefault(name, set()).add(pin)
    assert {name: pins for name, pins in used.items() if len(pins) > 1} == {}


def test_pull_requests_run_all_checks_and_build_the_site() -> None:
    for name, command in {"ci": "bash .ci/run", "docs": SCRIPTS["site"]}.items():
        asked = workflow(name)
        assert "pull_request" in asked["on"]
        scripts = [
            line
            for job in asked["jobs"].values()
            for step in job["steps"]
            for line in step.get("run", "").splitlines()
        ]
        assert scripts.count(str(command)) == 1
        assert {path for line in scripts for path in re.findall(r"[\w.]+/[\w.]+", line)} <= {
            path.relative_to(ROOT).as_posix() for path in (*ROOT.glob(".ci/*"), *ROOT.glob("*/*"))
        }


@pytest.mark.parametrize(("tag", "status"), [(f"v{VERSION}", 0), ("v999.0.0", 1)])
def test_a_release_is_of_the_version_of_its_tag(tag: str, status: int) -> None:
    """And what is tested, described and published is what the first job has built."""
    jobs = workflow("release")["jobs"]
    (script,) = [step["run"] for step in jobs["build"]["steps"] if step.get("name") == "Build"]
    first = script.splitlines()[0]
    done = subprocess.run(
        [*tools.shell("bash"), "-ec", first],
        cwd=ROOT,
        env={**os.environ, "GITHUB_REF_NAME": tag},
        check=False,
    )
    assert done.returncode == status
    built = {name for name, job in jobs.items() if "-m build" in str(job)}
    taken = {name for name, job in jobs.items() if "download-artifact" in str(job)}
    assert built == {"build"}
    assert taken == {"test", "describe", "publish", "announce"}


DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PROGRAMS = {
    "docker": f"""
        case $1 in
          login) read -r password; echo "$* $password" >> "$RECORD" ;;
          *) [ -e "$RECORD.again" ] || {{ : > "$RECORD.again"; exit 1; }}
             echo "$*" >> "$RECORD"; echo {DIGEST} ;;
        esac""",
    "gh": 'echo "$*" >> "$RECORD"; cat notes.md >> "$RECORD"',
    "sleep": 'echo "sleep $1" >> "$RECORD"',
}


def ran(tmp_path: Path, name: str, job: str, step: str) -> str:
    """What a step of a workflow asks of the programs that it starts, which only note it."""
    (script,) = [one["run"] for one in workflow(name)["jobs"][job]["steps"] if step in str(one)]
    for program, body in PROGRAMS.items():
        (tmp_path / program).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    (tmp_path / "dist").mkdir(exist_ok=True)
    (tmp_path / "dist" / "a.whl").touch()
    given = {
        "GITHUB_ACTOR": "octocat",
        "GITHUB_OUTPUT": f"{tmp_path}/output",
        "GITHUB_REF_NAME": "v1.2.3",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_TOKEN": "t0ken",
        "DIGEST": DIGEST,
        "RECORD": f"{tmp_path}/record",
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [*tools.shell("bash"), "-e", "-c", script], cwd=tmp_path, env=given, check=False
    )
    assert done.returncode == 0
    return (tmp_path / "record").read_text(encoding="utf-8")


def test_a_release_waits_for_its_image_and_names_it(tmp_path: Path) -> None:
    assert ran(tmp_path, "image", "attest", "Log in") == (
        "login ghcr.io --username octocat --password-stdin t0ken\n"
    )
    (tmp_path / "record").unlink()
    image = "ghcr.io/ci-kaniko/ci-kaniko:v1.2.3"
    assert ran(tmp_path, "release", "image", "Wait for it").splitlines() == [
        "login ghcr.io --username octocat --password-stdin t0ken",
        "sleep 30",
        f"buildx imagetools inspect {image} --format {{{{.Manifest.Digest}}}}",
    ]
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"digest={DIGEST}\n"
    (tmp_path / "record").unlink()
    asked, *notes = ran(tmp_path, "release", "announce", "Make the release").splitlines()
    assert asked == (
        "release create v1.2.3 --repo acme/shop --verify-tag --notes-file notes.md dist/a.whl"
    )
    assert notes == [
        "Changes: https://github.com/acme/shop/blob/v1.2.3/CHANGELOG.md",
        "",
        f"Image: `ghcr.io/ci-kaniko/ci-kaniko@{DIGEST}`",
    ]


def test_github_can_read_the_issue_templates() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = sorted(folder.glob("w*.yml"))
    assert len(forms) == len([*folder.iterdir()]) - 1
    assert validators.check_jsonschema("vendor.github-issue-forms", forms) == []
    config = [folder / "config.yml"]
    assert validators.check_jsonschema("vendor.github-issue-config", config) == []
