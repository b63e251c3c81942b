"""What type checkers say of the public names; mypy reads the same file with all the others."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import pytest

import ci_kaniko
from ci_kaniko.kaniko.systems import NAMES
from harness.cases import ROOT
from make.pages import models

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {
    "include": [str(ROOT / "tests" / "typing_api.py")],
    "extraPaths": [str(ROOT / "src")],
    "typeCheckingMode": "strict",
    "pythonVersion": "3.10",
    "enableTypeIgnoreComments": False,
    "reportUnnecessaryTypeIgnoreComment": "error",
}


def test_pyright_takes_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    settings = tmp_path / "pyrightconfig.json"
    settings.write_text(json.dumps(SETTINGS))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--project", settings],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings, 0 notes\n"), done.stderr


def test_type_checkers_know_the_targets() -> None:
    assert get_args(ci_kaniko.TargetName) == NAMES


def test_every_model_of_a_spec_is_public() -> None:
    assert {model.__name__ for model in models()} <= {*ci_kaniko.__all__}
    assert all(getattr(ci_kaniko, model.__name__) is model for model in models())
