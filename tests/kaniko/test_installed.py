"""Targets of others are found wherever Python finds the distributions that bring them."""

from __future__ import annotations

import sys
import zipfile
from importlib.metadata import PathDistribution, entry_points
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ci_kaniko.kaniko import installed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: acme\nVersion: 1\n"
POINTS = f"[{installed.GROUP}]\nacme = acme_ci:TARGET\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, which is all that Python looks at."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    installed._found.cache_clear()
    yield tmp_path
    installed._found.cache_clear()


def write(folder: Path, points: str = POINTS) -> None:
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(METADATA)
    (folder / "PKG-INFO").write_text(METADATA)
    (folder / "entry_points.txt").write_text(points)


@pytest.mark.parametrize(
    "place", ["acme-1.dist-info", "acme-1.egg-info", "acme-1.egg/EGG-INFO", "acme.zip", "finder"]
)
@pytest.mark.parametrize("start", ["", "{}"], ids=["here", "by its path"])
def test_one_is_found(path: Path, place: str, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path[:] = [start.format(path)]
    if place == "acme.zip":
        with zipfile.ZipFile(path / place, "w") as archive:
            archive.writestr("acme-1.dist-info/METADATA", METADATA)
            archive.writestr("acme-1.dist-info/entry_points.txt", POINTS)
        sys.path.append(str(path / place))
    elif place == "finder":
        write(path / "elsewhere" / "acme-1.dist-info")
        monkeypatch.setattr(sys, "meta_path", [_finder(path / "elsewhere"), *sys.meta_path])
    else:
        write(path / place)
        if ".egg/" in place:
            sys.path.append(str(path / "acme-1.egg"))
    assert installed.installed_names() == ("acme",)
    assert [item.name for item in entry_points(group=installed.GROUP)] == ["acme"]


def _finder(folder: Path) -> Any:
    found = [PathDistribution(each) for each in folder.iterdir()]
    return SimpleNamespace(
        __module__="elsewhere",
        find_spec=lambda *_: None,
        find_distributions=lambda *_: found,
    )


@pytest.mark.parametrize("points", ["[console_scripts]\nacme = acme:main\n", "", None])
def test_without_one_nobody_asks(
    path: Path, points: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if points is not None:
        write(path / "acme-1.dist-info", points)
    sys.path.append(str(path / "is not there"))
    monkeypatch.setattr("importlib.metadata.entry_points", pytest.fail)
    assert installed.installed_names() == ()
