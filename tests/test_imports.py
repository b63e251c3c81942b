"""What each command and each public name imports: start-up time is a feature."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typing_api

import ci_kaniko

WATCHED = {"jinja2", "jsonschema", "pydantic", "ruamel", "typer", "yaml"}
NEEDED_LATE = {
    *("changes", "checkout", "files", "matrix", "memory", "plan", "reference", "rendering"),
    *("rules", "schema", "spec", "starter", "sync", "targets.agola"),
    *("targets.buildkite", "targets.github", "targets.gitlab", "targets.kubernetes"),
}

TYPER = {"typer"}
HELP = {"typer", "pydantic"}  # Typer explains a command with the help of pydantic.
LOADING = {"pydantic", "yaml", "rules", "spec"}
RENDERING = {*LOADING, "jinja2", "plan", "rendering"}
TARGETS = {f"targets.{name}" for name in ci_kaniko.available_targets()}
VALUES = [word for item in typing_api.VALUES.items() for word in ("--set", "=".join(item))]

COMMANDS: dict[str, set[str]] = {
    "--version": set(),
    "--help": TYPER,
    "render --help": HELP,
    "targets": {"pydantic", "plan", *TARGETS},
    "schema": {"pydantic", "schema", "spec"},
    "validate": LOADING,
    "validate gitlab": {*RENDERING, "targets.gitlab"},
    "render gitlab": {*RENDERING, "targets.gitlab"},
    "render github": {*RENDERING, "targets.github"},
    "render buildkite": {*RENDERING, "targets.buildkite"},
    "render agola": {*RENDERING, "targets.agola"},
    " ".join(["render kubernetes", *VALUES]): {*RENDERING, "checkout", "targets.kubernetes"},
    "render gitlab --only api -f images.yaml": {*RENDERING, "changes", "targets.gitlab"},
    "render gitlab -o out.yml": {*RENDERING, "files", "targets.gitlab"},
}
NAMES: dict[str, set[str]] = {
    "import ci_kaniko": set(),
    "import ci_kaniko; ci_kaniko.__version__; dir(ci_kaniko)": set(),
    "from ci_kaniko import available_targets": set(),
    "from ci_kaniko import Problem, SpecError": set(),
    "from ci_kaniko import render": {"rendering"},
    "from ci_kaniko import Spec": {"pydantic", "spec"},
    "import ci_kaniko as c; c.render(c.loads('push: never'), 'gitlab')": {
        *RENDERING,
        "targets.gitlab",
    },
}
RUN = """
import sys
from ci_kaniko import cli
try:
    cli.main()
except SystemExit as stopped:
    assert not stopped.code, stopped.code
"""
REPORT = "\nimport sys; print('loaded:', *sys.modules, file=sys.stderr)"


def loaded(code: str, *arguments: str, folder: Path) -> set[str]:
    """Every module that is loaded at the end, ours without the package's name."""
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(ci_kaniko.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    names = done.stderr.splitlines()[-1].split()
    return {name.removeprefix("ci_kaniko.") for name in names}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "ci-kaniko.yaml").write_text("push: never\ndefault_branch: main\n")
    (tmp_path / "images.yaml").write_text("push: never\nimages: {api: {}, web: {}}\n")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.partition(" --set")[0])
def test_a_command_imports_what_it_needs(command: str, folder: Path) -> None:
    found = loaded(RUN, *command.split(), folder=folder)
    assert found & (WATCHED | NEEDED_LATE) == COMMANDS[command]


@pytest.mark.parametrize("code", NAMES)
def test_a_name_imports_what_it_needs(code: str, folder: Path) -> None:
    assert loaded(code, folder=folder) & (WATCHED | NEEDED_LATE) == NAMES[code]


def test_the_library_renders_without_the_heavy_parts_of_python(folder: Path) -> None:
    """Typer and what pydantic needs for schemas stay out of a program that only renders."""
    code = "import ci_kaniko as c; c.render(c.loads('push: never'), 'gitlab')"
    assert not loaded(code, folder=folder) & {"asyncio", "difflib", "subprocess", "commands"}


def test_importing_reads_no_file_and_prints_nothing(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import ci_kaniko"],
        cwd=folder,
        env={"PYTHONPATH": str(Path(ci_kaniko.__file__).parents[1])},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_public_names_are_what_is_documented() -> None:
    assert set(ci_kaniko.__all__) <= set(dir(ci_kaniko))
    assert all(getattr(ci_kaniko, name) for name in ci_kaniko.__all__)
    assert {name for name in vars(typing_api) if name in ci_kaniko.__all__} == set(
        ci_kaniko.__all__
    )
    with pytest.raises(AttributeError, match="no attribute 'rendre'"):
        ci_kaniko.__getattr__("rendre")


def test_ordinary_uses_work(tmp_path: Path) -> None:
    typing_api.use_everything(tmp_path)
