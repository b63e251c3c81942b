"""The suite's own promises: no orphan snapshots, and nothing is skipped in CI."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from harness import tools
from harness.cases import CASES, PIPELINE_CASES, ROOT, SNAPSHOTS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_snapshot_belongs_to_a_case_and_a_target() -> None:
    expected = {
        SNAPSHOTS / target / f"{case}.yml"
        for target in ci_kaniko.available_targets()
        for case in (*CASES, *PIPELINE_CASES)
    }
    assert not {*CASES} & {*PIPELINE_CASES}
    assert not {path for path in SNAPSHOTS.rglob("*") if path.is_file()} - expected


def test_every_target_has_snapshots() -> None:
    assert {path.parent.name for path in SNAPSHOTS.glob("*/*.yml")} == set(
        ci_kaniko.available_targets()
    )


def test_programs_are_looked_up_before_they_run() -> None:
    """Python and git are all that a machine needs: what else is called can be skipped by name."""
    optional = {"sh", "ash", "unshare", "setpriv", "node", "npm", *tools.SHELLS}
    calls = {
        f"{path.name}:{node.lineno}: {first.value}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
        for command in node.args[:1]
        if isinstance(command, ast.List) and isinstance(first := command.elts[0], ast.Constant)
        if first.value in optional
    }
    assert not calls


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "workers"])
@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)], ids=["laptop", "ci"])
def test_a_skipped_test_fails_in_ci(
    tmp_path: Path, workers: list[str], ci: str, status: int
) -> None:
    (tmp_path / "test_tool.py").write_text(
        "import pytest\n\ndef test_tool():\n    pytest.skip('tool is not installed')\n"
    )
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *workers, "-c", os.devnull),
            *("--rootdir", str(tmp_path), "test_tool.py"),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "CI": ci, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert ("CI does not allow" in done.stdout) == bool(ci)
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "workers"),
    [((), True), ((".",), True), (("test_one.py",), False), (("-n0",), False)],
    ids=["nothing", "the folder", "a file", "a number"],
)
def test_the_whole_suite_gets_workers(
    tmp_path: Path, arguments: tuple[str, ...], *, workers: bool
) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    done = subprocess.run(
        [*(sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir=."), *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("bringing up nodes" in done.stdout or "workers [" in done.stdout) == workers
    assert "1 passed" in done.stdout
