"""Pipelines that build with BuildKit and Buildah, as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_kaniko import import_files
from ci_kaniko.rehearsing import yaml11

FOLDER = Path(__file__).parent / "built"
FILES = {path.name: path for path in sorted(FOLDER.glob("*.y*ml"))}


def told(name: str) -> str:
    found = import_files([(name, FILES[name].read_text(encoding="utf-8"))])
    rows = [f"{entry.kind}: {entry.line}: {entry.message} [{entry.rule}]" for entry in found.report]
    return "\n".join([found.spec_text, *rows, ""])


@pytest.mark.parametrize("name", FILES)
def test_the_spec_and_the_report_are_those_that_were_read(
    name: str, request: pytest.FixtureRequest
) -> None:
    wanted = FOLDER / f"{name}.txt"
    found = told(name)
    if request.config.getoption("--update-snapshots"):
        wanted.write_text(found, encoding="utf-8")
    assert found == wanted.read_text(encoding="utf-8")


LINE = """
build:
  image: {{name: moby/buildkit:rootless, entrypoint: [""]}}
  script:
    - >-
      buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=.
      {words}
"""


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("--output type=oci,dest=shop.tar", "builder-flag"),
        ("--output type=image,name=quay.io/acme/shop:1,push=true,unpack=true", "builder-flag"),
        ("--import-cache type=gha", "builder-flag"),
        ("--allow network.host", "builder-flag"),
        ("--import-cache type=registry,ref=quay.io/acme/shop:old", "builder-cache-tag"),
    ],
)
def test_what_has_no_field_is_told(words: str, rule: str) -> None:
    found = import_files([("a.gitlab-ci.yml", LINE.format(words=words))])
    assert yaml11.load(found.spec_text)["builder"] == "buildkit"
    assert rule in {entry.rule for entry in found.report}
