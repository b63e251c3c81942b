"""What is made of whole files, and all that is said about them, is kept beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_kaniko import import_files

FILES = {
    f"{folder}/{path.name}": path
    for folder in ("built", "rare")
    for path in sorted((Path(__file__).parent / folder).iterdir())
    if path.suffix != ".txt"
}
"""Builds with BuildKit, Buildah and docker, as people write them; and what few pipelines have."""


@pytest.mark.parametrize("name", FILES)
def test_the_spec_and_the_report_are_those_that_were_read(
    name: str, request: pytest.FixtureRequest
) -> None:
    path = FILES[name]
    found = import_files([(path.name, path.read_text(encoding="utf-8"))])
    rows = [f"{entry.kind}: {entry.line}: {entry.message} [{entry.rule}]" for entry in found.report]
    told = "\n".join([found.spec_text, *rows, ""])
    wanted = path.with_name(f"{path.name}.txt")
    if request.config.getoption("--update-snapshots"):
        wanted.write_text(told, encoding="utf-8")
    assert told == wanted.read_text(encoding="utf-8")
