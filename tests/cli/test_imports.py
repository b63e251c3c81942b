"""What each command and each public name imports: start-up time is a feature."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typing_api
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from harness.cases import ROOT
from harness.loaded import COMMAND, loaded
from harness.repository import PACKAGE

LISTS = Path(__file__).with_name("loaded.yaml")
"""What may be imported, by command or Python code: our modules, and the packages of others."""
VALUES = [word for item in typing_api.VALUES.items() for word in ("--set", "=".join(item))]
COMMANDS = {
    "--version": "--version",
    "--help": "--help",
    "render --help": "render --help",
    "targets": "targets",
    "schema": "schema",
    "explain": "explain",
    "explain bad-glob": "explain bad-glob",
    "init --stdout": "init --stdout",
    "setup gitlab": "setup gitlab",
    "import pipeline.yml": "import pipeline.yml",
    "validate": "validate",
    "validate gitlab": "validate gitlab",
    "validate, a bad spec": "validate -f bad.yaml",
    "render gitlab, a bad spec": "render gitlab -f bad.yaml",
    **{f"render {target}": f"render {target}" for target in ci_kaniko.available_targets()},
    "render kubernetes": " ".join(["render kubernetes", *VALUES]),
    "render gitlab, several images": "render gitlab -f images.yaml",
    "render gitlab --only": "render gitlab --only api -f images.yaml",
    "render gitlab -o": "render gitlab -o out.yml",
    "sync": "sync",
    "sync, a merged file": "sync -f merged.yaml",
    "check, never seen": "check",
    "check, seen": "check",
}
CODES = {
    "import ci_kaniko": "import ci_kaniko",
    "looking at ci_kaniko": "import ci_kaniko; ci_kaniko.__version__; dir(ci_kaniko)",
    "available_targets": "from ci_kaniko import available_targets",
    "Problem, SpecError": "from ci_kaniko import Problem, SpecError",
    "render": "from ci_kaniko import render",
    "Spec": "from ci_kaniko import Spec",
    "rendering": "import ci_kaniko as c; c.render(c.loads('push: never'), 'gitlab')",
}
SPEC = "push: never\ndefault_branch: main\n"
FILES = {
    "ci-kaniko.yaml": f"{SPEC}outputs: {{gitlab: .gitlab-ci.yml}}\n",
    "images.yaml": "push: never\nimages: {api: {}, web: {}}\n",
    "merged.yaml": f"{SPEC}outputs: {{gitlab: {{path: own.yml, mode: merge}}}}\n",
    "own.yml": "test: {script: [make test]}\n",
    "bad.yaml": "puhs: never\n",
    "pipeline.yml": "build: {image: gcr.io/kaniko-project/executor:debug, "
    "script: [/kaniko/executor --no-push]}\n",
}
LISTED = yaml11.load(LISTS.read_text(encoding="utf-8")) if LISTS.exists() else {}
OF_OTHERS = {
    *("annotated_types", "cython_runtime", "markupsafe", "pydantic_core", "typing_extensions"),
    *("typing_inspection", "annotated_doc", "shellingham", "click", "rich"),
}
"""What the packages that we depend on bring along."""
SLOW = {"dataclasses", "typing"}
"""Modules of Python's own that are listed, too: `ci_kaniko.quick` has what stands in for them."""
HEAD = "# What is imported, exactly. Made by: pytest --update-snapshots tests/cli/test_imports.py\n"


def imported(code: str, *arguments: str, folder: Path, source: str = PACKAGE) -> set[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": source,
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
    }
    return loaded(code, *arguments, folder=folder, environment=environment, statuses=(0, 1))


def listed(modules: set[str]) -> dict[str, str]:
    """Modules as they are listed: ours, and the packages of others."""
    ours = {name for name in modules if name.partition(".")[0] == "ci_kaniko"}
    others = {name.partition(".")[0] for name in modules - ours} - sys.stdlib_module_names
    return {
        "ours": " ".join(sorted(name.partition(".")[2] or name for name in ours)),
        "others": " ".join(
            sorted(name for name in others - OF_OTHERS | modules & SLOW if name[0] != "_")
        ),
    }


def repository(place: Path) -> Path:
    folder = place / "repository"
    (folder / ".git").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path)


def found(name: str, folder: Path, source: str = PACKAGE) -> dict[str, str]:
    """What a command or a piece of code imports, as it is listed."""
    if name in CODES:
        return listed(imported(CODES[name], folder=folder, source=source))
    if name == "check, seen":
        imported(COMMAND, "sync", folder=folder, source=source)
    return listed(imported(COMMAND, *COMMANDS[name].split(), folder=folder, source=source))


def test_nothing_looks_for_plugins_of_pydantic(folder: Path) -> None:
    """What would look for them is imported when it is asked for, as by who wants plugins."""
    assert not imported(COMMAND, "render", "github", folder=folder) & {"email", "zipfile", "csv"}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "render", "github"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGE, "PYDANTIC_DISABLE_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", [*COMMANDS, *CODES])
def test_exactly_what_is_listed_is_imported(name: str, folder: Path) -> None:
    assert found(name, folder) == LISTED[name]


def test_the_list_has_nothing_else(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if request.config.getoption("--update-snapshots"):
        lists = {}
        for number, name in enumerate([*COMMANDS, *CODES]):
            lists[name] = found(name, repository(tmp_path / str(number)))
        text = yaml.safe_dump(lists, sort_keys=False, width=90)
        LISTS.write_text(HEAD + text, encoding="utf-8")
        return
    assert [*LISTED] == [*COMMANDS, *CODES]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package elsewhere, where it can be changed."""
    copy = tmp_path_factory.mktemp("source") / "ci_kaniko"
    shutil.copytree(Path(ci_kaniko.__file__).parent, copy)
    if not (copy / "templates").exists():
        shutil.copytree(ROOT / "templates", copy / "templates")
    return copy


HEAVY = [
    ("--version", "cli/main", "typer"),
    ("import ci_kaniko", "__init__", "pydantic"),
    ("check, seen", "syncing/memory", "yaml"),
    ("validate, a bad spec", "spec/loading", "jinja2"),
    ("render gitlab", "targets/gitlab/jobs", "ruamel.yaml"),
    ("render github", "rendering", "ci_kaniko.targets.gitlab.jobs"),
]


@pytest.mark.parametrize(("name", "module", "heavy"), HEAVY)
def test_a_heavy_import_is_noticed(
    name: str, module: str, heavy: str, folder: Path, copy: Path
) -> None:
    path = copy / f"{module}.py"
    light = path.read_bytes()
    path.write_bytes(light + f"\nimport {heavy}\n".encode())
    try:
        assert found(name, folder, str(copy.parent)) != LISTED[name]
    finally:
        path.write_bytes(light)


def test_a_copy_imports_the_same(folder: Path, copy: Path) -> None:
    assert found("render github", folder, str(copy.parent)) == LISTED["render github"]


def test_the_library_renders_without_the_heavy_parts_of_python(folder: Path) -> None:
    """Typer and what pydantic needs for schemas stay out of a program that only renders."""
    code = "import ci_kaniko as c; c.render(c.loads('push: never'), 'gitlab')"
    by_itself = imported("import pydantic, uuid, zoneinfo", folder=folder)  # by older Pythons
    assert not imported(code, folder=folder) & {"asyncio", "difflib", "subprocess"} - by_itself


def test_importing_reads_no_file_and_prints_nothing(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import ci_kaniko"],
        cwd=folder,
        env={"PYTHONPATH": PACKAGE},
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
