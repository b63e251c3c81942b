"""Flags that replace each other: the spec has one, and the report says what of the others."""

from __future__ import annotations

import pytest

from ci_kaniko import import_files
from ci_kaniko.rehearsing import yaml11

SCRIPT = """\
build:
  image: {name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}
  script:
    - |
      MORE=
      if [ "$MODE" = fast ]; then MORE="FAST"; fi
      /kaniko/executor --context . --no-push FIRST $MORE LAST
"""
ALWAYS, RARELY = "one", "two"
FLAGS = {
    "--target=": "target",
    "--snapshot-mode=": "options.snapshot_mode",
    "--push-retry=": "options.push_retry",
    "--build-arg=A=": "build_args.A",
    "--label=a=": "labels.a",
}
VALUES = {"--snapshot-mode=": ("full", "redo"), "--push-retry=": ("1", "2")}


def _imported(first: str, fast: str, last: str) -> tuple[object, dict[str, str]]:
    text = SCRIPT.replace("FIRST", first).replace("FAST", fast).replace("LAST", last)
    found = import_files([(".gitlab-ci.yml", text)])
    told = {entry.message.split()[0]: str(entry) for entry in found.report if entry.kind == "left"}
    return yaml11.load(found.spec_text), told


def _at(spec: object, place: str) -> str:
    for key in place.split("."):
        assert isinstance(spec, dict)
        spec = spec[key]
    return str(spec)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("order", ["before", "behind"])
def test_what_is_passed_in_some_runs_replaces_nothing_in_the_spec(flag: str, order: str) -> None:
    one, two = (flag + value for value in VALUES.get(flag, (ALWAYS, RARELY)))
    first, last = (one, "") if order == "before" else ("", one)
    spec, told = _imported(first, two, last)
    if flag == "--target=" and order == "before":
        assert isinstance(spec, dict)
        # What says what is built makes an image of its own.
        assert [build["target"] for build in spec["images"].values()] == [ALWAYS, RARELY]
        return
    assert _at(spec, FLAGS[flag]) == one.rpartition("=")[2]
    assert f"the spec takes {one} for all runs" in told[two]
    assert one not in told


@pytest.mark.parametrize("flag", FLAGS)
def test_what_is_passed_twice_is_told(flag: str) -> None:
    one, two = (flag + value for value in VALUES.get(flag, (ALWAYS, RARELY)))
    spec, told = _imported(one, "", two)
    assert _at(spec, FLAGS[flag]) == two.rpartition("=")[2]
    assert f"{two} replaces it" in told[one]
    assert two not in told


def test_lists_keep_all_that_they_are_given() -> None:
    spec, told = _imported("--ignore-path=/a", "", "--ignore-path=/b")
    assert isinstance(spec, dict)
    assert spec["options"]["ignore_path"] == ["/a", "/b"]
    assert not told
