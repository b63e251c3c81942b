"""Every case on every target is the file in snapshots/, or the refusal that the case names."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import yaml
from ruamel.yaml import YAML

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.cli.making import made
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.spec.extra import raw_images
from ci_kaniko.spec.running import running
from harness.cases import CASES, SNAPSHOTS
from harness.covering import covering, in_yaml
from harness.events import DEFAULT_BRANCH
from harness.runs import (
    PAIRS,
    PIPELINE_PAIRS,
    PIPELINES_RENDERED,
    RENDERED,
    TARGETS,
    refused,
    render,
    rendered_elsewhere,
    spec_of,
    values_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rules(case: str, target: str) -> set[str]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        render(case, target)
    return {problem.rule for problem in error.value.problems}


@pytest.mark.parametrize(("case", "target"), PAIRS + PIPELINE_PAIRS)
def test_snapshot(case: str, target: str, snapshot: Callable[[str, str, str | None], None]) -> None:
    expected = refused(case, target)
    if expected is None:
        snapshot(target, case, render(case, target))
    else:
        assert rules(case, target) == expected
        snapshot(target, case, None)


def test_both_dialects_read_the_same() -> None:
    """Every word that has no quotes, and files in which each kind of line is."""
    texts = [render(case, target) for case, target in RENDERED + PIPELINES_RENDERED]
    plain = {
        event.value
        for text in texts
        for event in yaml.parse(text, yaml.CSafeLoader)
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0]
    }
    words = "".join(f"- {word}\n" for word in sorted(plain))
    files = covering({text: in_yaml(text) for text in texts})
    assert (len(plain) > 500, len(files) > 50) == (True, True)
    for text in (words, *files):
        assert [*YAML(typ="safe", pure=True).load_all(text)] == yaml11.load_all(text)


def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Neither the clock, the environment, the folder nor the order of sets shows.

    Nor does it who reads the specs and who fills the templates, in turn.
    """
    for number, reader in enumerate(("pydantic", "small")):
        large = reader == "pydantic"
        files = {"__init__.py": ""} if large else made()
        pairs = (RENDERED + PIPELINES_RENDERED)[number::2]
        folder = tmp_path / reader
        folder.mkdir()
        *texts, imported = rendered_elsewhere(pairs, "12"[large], folder, files, reader)
        for (case, target), text in zip(pairs, texts, strict=True):
            assert text == render(case, target), (case, target)
        assert imported == ["jinja2", "pydantic"] * large


@pytest.mark.parametrize("target", TARGETS)
def test_rendering_leaves_no_trace_of_what_is_not_used(target: str) -> None:
    """The smallest spec: no login, no condition, no cache, no output."""
    smallest = ci_kaniko.loads("default_branch: main\npush: never\n")
    text = rendering.render(smallest, target, values_for(target, DEFAULT_BRANCH))
    unused = ("config", "auth", "login", "cache", "umask 077", "secret", "artifacts", "volumes:")
    assert not [word for word in unused if word in text.lower().replace("persist-credentials", "")]


def test_every_case_is_rendered_somewhere() -> None:
    assert {case for case, _ in RENDERED} == {case for case, _ in PAIRS}


def test_every_case_says_what_it_shows_by_its_name() -> None:
    assert all(name.replace("-", "").isalnum() for name, _ in PAIRS)
    assert all(spec_of(case).destinations or spec_of(case).push == "never" for case, _ in PAIRS)


def test_snapshots_are_files_that_people_can_read() -> None:
    for path in SNAPSHOTS.rglob("*.yml"):
        text = path.read_bytes().decode()
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path


def test_no_line_says_what_the_one_above_it_says() -> None:
    for path in SNAPSHOTS.rglob("*.yml"):
        lines = filter(None, path.read_text(encoding="utf-8").splitlines())
        assert [line for line, below in pairwise(lines) if line == below] == [], path


IN_A_SCRIPT = re.compile(
    r"(?m)^\s+((?:[\w-]+\.)+[a-z]+(?::\d+)?/[\w./-]+:[\w.-]+(?:@sha256:\w+)?)(?: .*)?$"
)
"""The image in a call of docker, which begins a line of its own."""


@pytest.mark.parametrize("case", CASES)
def test_the_rules_know_every_image_that_runs(case: str) -> None:
    """What a file runs is what ``pinned-images`` and ``allowed-registries`` are asked about."""
    spec = spec_of(case)
    known = {item.name: item for item in running(spec)}
    seen: set[str] = set()
    for target in (target for target in TARGETS if refused(case, target) is None):
        text = (SNAPSHOTS / target / f"{case}.yml").read_text(encoding="utf-8")
        document = yaml11.load(text)
        jobs = [*document["jobs"].values()] if target == "github" else document
        images = {image for _, image in raw_images(jobs)}
        images |= {*IN_A_SCRIPT.findall(text)} if target == "github" else set()
        assert images, target
        seen |= images
    assert {image.partition("@")[0] for image in seen} <= {name.partition("@")[0] for name in known}
