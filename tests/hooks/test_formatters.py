"""What the formatters of others find in what we render: nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import tools
from harness.cases import BUILDER_CASES, SNAPSHOTS
from harness.covering import covering, laid_out
from harness.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_SNAPSHOT = sorted(SNAPSHOTS.rglob("*.yml"))

# In these a value of the user's own ends a line with blanks; they arrive in the image like that.
TRAILING_BLANKS = {
    f"{target}/{case}.yml"
    for target in ("agola", "buildkite", "github", "gitlab")
    for case in ("build-args-awkward", "labels")
}


@pytest.fixture
def outputs(tmp_path: Path) -> list[Path]:
    """A copy of every snapshot, for tools that write."""
    shutil.copytree(SNAPSHOTS, tmp_path / "snapshots")
    return sorted((tmp_path / "snapshots").rglob("*.yml"))


def changed(outputs: Sequence[Path]) -> set[str]:
    pairs = zip(outputs, EVERY_SNAPSHOT, strict=True)
    return {
        original.relative_to(SNAPSHOTS).as_posix()
        for copy, original in pairs
        if copy.read_bytes() != original.read_bytes()
    }


COMMON = [
    ["end-of-file-fixer"],
    ["mixed-line-ending", "--fix=auto"],
    ["mixed-line-ending", "--fix=lf"],
    ["fix-byte-order-marker"],
    ["check-merge-conflict", "--assume-in-merge"],
]


def test_common_hooks_find_nothing(outputs: list[Path]) -> None:
    for name, *options in COMMON:
        done = subprocess.run([tools.program(name), *options, *outputs], check=False)
        assert done.returncode == 0, name
    assert changed(outputs) == set()


def test_the_common_reader_finds_nothing() -> None:
    """In what other builders build, and in a file of two documents.

    It is ruamel.yaml, by which ``test_both_dialects_read_the_same`` reads every other snapshot.
    """
    files = [path for path in EVERY_SNAPSHOT if path.stem in BUILDER_CASES]
    files.append(next(path for path in EVERY_SNAPSHOT if b"\n---\n" in path.read_bytes()))
    command = [tools.program("check-yaml"), "--allow-multiple-documents"]
    assert subprocess.run([*command, *files], check=False).returncode == 0


def test_trailing_whitespace_is_only_in_values(outputs: list[Path]) -> None:
    subprocess.run([tools.program("trailing-whitespace-fixer"), *outputs], check=False)
    assert changed(outputs) == TRAILING_BLANKS


def test_prettier_finds_nothing() -> None:
    """In files in which each kind of line follows each that it can follow, on each target.

    What has passed in an earlier run is not read again, but for one.
    """
    passed = Verdicts("prettier", Path(__file__))
    every = {path.read_text(encoding="utf-8"): path for path in EVERY_SNAPSHOT}
    said = {text: {(path.parent, each) for each in laid_out(text)} for text, path in every.items()}
    texts = {every[text]: text.encode() for text in covering(said)}
    assert len(texts) > 100
    files = passed.left(texts) or EVERY_SNAPSHOT[:1]
    command = [tools.program("prettier"), "--no-config", "--list-different"]
    done = subprocess.run(
        [*command, *files], cwd=SNAPSHOTS, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.split() == []
    passed.passes(texts)
