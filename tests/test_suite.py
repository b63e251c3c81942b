"""The suite's own promises: no orphan snapshots, and nothing is skipped in CI."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import shells
from harness import forked, small
from harness.cases import BUILDER_CASES, CASES, PIPELINE_CASES, ROOT, SNAPSHOTS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_snapshot_belongs_to_a_case_and_a_target() -> None:
    expected = {
        SNAPSHOTS / target / f"{case}.yml"
        for target in ci_kaniko.available_targets()
        for case in (*CASES, *PIPELINE_CASES, *BUILDER_CASES)
    }
    assert not {*CASES} & {*PIPELINE_CASES}
    assert not {path for path in SNAPSHOTS.rglob("*") if path.is_file()} - expected


def test_every_target_has_snapshots() -> None:
    assert {path.parent.name for path in SNAPSHOTS.glob("*/*.yml")} == set(
        ci_kaniko.available_targets()
    )


def test_what_the_small_reader_leaves_out_is_there() -> None:
    tests = ROOT / "tests"
    assert [place for place in small.PLACES if not (tests / place).exists()] == []
    named = (test.split("::") for test in small.TESTS)
    assert [
        name for file, name in named if f"\ndef {name}(" not in (tests / file).read_text("utf-8")
    ] == []


def test_programs_are_looked_up_before_they_run() -> None:
    """Python and git are all that a machine needs: what else is called can be skipped by name."""
    optional = {"sh", "ash", "unshare", "setpriv", "node", "npm", *shells.SHELLS}
    calls = {
        f"{path.name}:{node.lineno}: {first.value}"
        for path in (ROOT / "tests").rglob("*.py")
        if "subprocess." in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
        for command in node.args[:1]
        if isinstance(command, ast.List) and isinstance(first := command.elts[0], ast.Constant)
        if first.value in optional
    }
    assert not calls


def run_pytest(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """How a small suite with the settings of this one ends."""
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    done = forked.run(
        *("-c", os.devnull, "--rootdir", str(folder), *arguments),
        code=forked.PYTEST,
        folder=folder,
        environment={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "tests"),
            **environment,
        },
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    ("workers", "ci", "status"),
    [(False, "", 0), (False, "true", 1), (True, "true", 1)],
    ids=["laptop", "ci", "ci with workers"],
)
def test_a_skipped_test_fails_in_ci(tmp_path: Path, ci: str, status: int, *, workers: bool) -> None:
    """By itself, and in the whole suite, which workers run."""
    (tmp_path / "test_tool.py").write_text(
        "import pytest\n\ndef test_tool():\n    pytest.skip('tool is not installed')\n"
    )
    part = [] if workers else ["test_tool.py"]
    code, said = run_pytest(tmp_path, *part, CI=ci, PYTEST_XDIST_AUTO_NUM_WORKERS="1")
    assert code == status, said
    assert ("created: 1/1 worker" in said) == workers
    assert ("CI does not allow" in said) == bool(ci)
    assert "1 skipped" in said


FOLDED = """
import os, pytest

BEGUN, RAN = [], []

@pytest.fixture(autouse=True)
def patched(monkeypatch):
    monkeypatch.setenv("PATCHED", "1")

@pytest.fixture
def new(tmp_path):
    assert not [*tmp_path.iterdir()]
    return tmp_path / "file"

@pytest.fixture
def begun(new):
    BEGUN.append(new)
    yield new
    BEGUN.remove(new)

@pytest.fixture
def left(begun):
    begun.touch()

@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("second", [{"a": 1}, {"a": 2}])
@pytest.mark.parametrize(("first", "more"), [(1, "x"), (2, "y"), (3, "z")])
def test_sum(first, more, second, begun, monkeypatch):
    RAN.append((first, *second.values()))
    assert BEGUN == [begun]
    assert begun.exists()
    assert os.environ["PATCHED"] == "1"
    assert "FOLDED" not in os.environ
    monkeypatch.setenv("FOLDED", "1")
    if more == "z":
        pytest.skip("z is not installed")
    assert first + second["a"] != 3

@pytest.mark.parametrize("word", ["a", "b"])
def test_word(word):
    if word == "b":
        pytest.skip("b is not installed")

def test_all():
    assert sorted(RAN) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
"""


@pytest.mark.parametrize(
    ("selection", "ended"),
    [
        ([], "1 failed, 1 passed, 1 skipped"),
        (["-k", "test_"], "2 failed, 4 passed, 3 skipped"),
    ],
    ids=["all", "a choice"],
)
def test_every_case_is_run(tmp_path: Path, selection: list[str], ended: str) -> None:
    """In one item; each that fails is named, with what it says."""
    (tmp_path / "test_folded.py").write_text(FOLDED)
    code, said = run_pytest(tmp_path, "-ra", "test_folded.py", *selection)
    assert code == 1
    assert ended in said
    assert said.count("assert (1 + 2) != 3") == said.count("assert (2 + 1) != 3") > 0
    if not selection:
        assert "2 of 6 cases" in said
        assert "-- first=1, more='x', second={'a': 2}\n" in said
        assert "-- first=2, more='y', second={'a': 1}\n" in said
        assert "b is not installed" in said


CHOSEN = """
import pytest

@pytest.hookimpl
def pytest_cmdline_main(config):
    option = config.option
    print("chosen:", option.numprocesses, option.dist, config.getoption("loadscopereorder"))
    return 0
"""


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ((), "3 loadfile False"),
        ((".",), "3 loadfile False"),
        (("test_one.py",), "None no True"),
        (("-n0",), "0 no False"),
        (("large",), "3 loadfile False"),
        (("large", "-k", "one"), "None no True"),
        (("small",), "None no True"),
        (("long",), "3 loadfile False"),
    ],
    ids=["nothing", "the folder", "a file", "a number", "large", "a choice", "small", "long"],
)
def test_the_whole_suite_and_large_parts_get_workers(
    tmp_path: Path, arguments: tuple[str, ...], chosen: str
) -> None:
    for name, files in (("large", 10), ("small", 2)):
        (tmp_path / name).mkdir()
        for number in range(files):
            (tmp_path / name / f"test_{number}.py").touch()
    (tmp_path / "long").mkdir()
    for name in ("test_leaves", "test_modes"):
        (tmp_path / "long" / f"{name}.py").touch()
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    (tmp_path / "chosen.py").write_text(CHOSEN)
    code, said = run_pytest(tmp_path, "-p", "chosen", *arguments, PYTEST_XDIST_AUTO_NUM_WORKERS="3")
    assert code == 0, said
    assert f"chosen: {chosen}\n" in said


def test_every_file_that_takes_long_is_there(pytestconfig: pytest.Config) -> None:
    conftest: Any = pytestconfig.pluginmanager.get_plugin(str(ROOT / "tests" / "conftest.py"))
    assert {path.stem for path in (ROOT / "tests").rglob("test_*.py")} >= conftest.LONG
