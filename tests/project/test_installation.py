"""What a hint says to install fits how ci-kaniko was installed."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.repository import installation

if TYPE_CHECKING:
    from pathlib import Path


class _Installed:
    """A distribution that says who has installed it."""

    def __init__(self, installer: str | None) -> None:
        self.installer = installer

    def read_text(self, name: str) -> str | None:
        return self.installer if name == "INSTALLER" else None


@pytest.mark.parametrize(
    ("file", "installer", "command"),
    [
        ("pipx_metadata.json", "pip\n", "pipx install --force"),
        ("pipx_metadata.json", "uv\n", "pipx install --force"),
        ("uv-receipt.toml", "uv\n", "uv tool install --force"),
        ("pyvenv.cfg", "uv\n", "uv pip install"),
        ("pyvenv.cfg", "pip\n", "python3 -m pip install"),
        ("pyvenv.cfg", None, "python3 -m pip install"),
    ],
)
def test_the_installer_is_known_by_what_it_leaves(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    installer: str | None,
    command: str,
) -> None:
    (tmp_path / file).write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(installation, "distribution", lambda _: _Installed(installer))
    for wanted in ("ci-kaniko[import]", "ci-kaniko>=0.2,<1"):
        assert installation.install(wanted) == f"{command} '{wanted}'"
        assert shlex.split(installation.install(wanted))[-1] == wanted


def test_without_metadata_pip_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation, "distribution", missing)
    assert installation.install("ci-kaniko") == "python3 -m pip install ci-kaniko"
