"""merge: ci-kaniko's jobs go into files that people wrote by hand, and nothing else changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import yaml

from ci_kaniko import SpecError, loads, rendering
from ci_kaniko.merging import MergingError, merge
from ci_kaniko.merging.edits import Editor
from ci_kaniko.merging.matching import arrange
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.targets import agola
from ci_kaniko.text import pyyaml
from harness import tools, validators
from harness.nodes import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

FOLDER = Path(__file__).parents[1] / "merge"
TARGETS = ("gitlab", "github", "buildkite", "agola", "kubernetes")
FILES = [path for target in TARGETS for path in sorted((FOLDER / target).glob("*.yml"))]
CONFLICTS = sorted((FOLDER / "conflicts").glob("*.yml"))
IS_LONG = hypothesis.settings().max_examples > 1000

NAMES = [f"{path.parent.name}-{path.stem}" for path in FILES]

# -- what is rendered ---------------------------------------------------------------------------

SPEC = """\
default_branch: main
registries:
  ghcr.io:
    default: {username: acme-bot, password: GHCR_TOKEN}
    kubernetes: {docker_config: regcred}
triggers: {branches: [main]}
agola: {run: RUN}
"""
VALUES = {
    "branch": "main",
    "commit.sha": "0123456789abcdef0123456789abcdef01234567",
    "repository.url": "https://git.example.com/acme/shop",
}


@cache
def rendered(target: str, *images: str, mode: str = "fast", more: str = "") -> str:
    """What is rendered for images of these names; ``more`` are lines of the spec."""
    lines = [SPEC.replace("RUN", f"build-{images[0]}"), more, "images:\n"]
    for name in images:
        where = f'context: services/{name}, build_args: {{MODE: "{mode}"}}'
        lines.append(f"  {name}: {{{where}, destinations: ['ghcr.io/acme/{name}:1']}}\n")
    return rendering.render(
        loads("".join(lines)), target, VALUES if target == "kubernetes" else None
    )


def one(target: str) -> str:
    return rendered(target, "api")


def read(path: Path) -> str:
    return path.read_bytes().decode()


def target_of(path: Path) -> str:
    return path.parent.name


# -- what must hold, found out without ci-kaniko ------------------------------------------------

ENTRY = {
    "gitlab": r"(?m)^\S.*:$",
    "github": r"(?m)(?<=\n)  \S.*:$",
    "buildkite": r"(?m)^  - ",
    "agola": r"(?m)^  - ",
    "kubernetes": r"(?m)^apiVersion: ",
}


def entries(target: str, text: str) -> dict[str, list[str]]:
    """The lines of each rendered entry by its name; rendered text is regular."""
    body = text.partition("jobs:\n")[2] if target == "github" else text
    starts = [found.start() for found in re.finditer(ENTRY[target], "\n" + body)]
    pieces = [("\n" + body)[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    lines = [piece.strip("\n").removesuffix("\n---").split("\n") for piece in pieces]
    named = {name_in(target, each): each for each in lines}
    return {name: each for name, each in named.items() if name != "stages"}


def name_in(target: str, lines: list[str]) -> str:
    if target in {"gitlab", "github"}:
        return lines[0].strip().removesuffix(":")
    key = {"buildkite": "key", "agola": "- name", "kubernetes": "generateName"}[target]
    return next(line.partition(": ")[2] for line in lines if line.strip().startswith(f"{key}:"))


def without_ours(target: str, text: str, ours: dict[str, list[str]], spared: int = 0) -> str:
    """A merged text without our lines, which are cut out by nothing but their number.

    The empty lines above are ours, too, but for so many of the first.
    """
    lines = re.split("(?<=\n)", text)
    kept: list[str] = []
    left = {f"# ci-kaniko: {name}": body for name, body in ours.items()}
    above = "---" if target == "kubernetes" else ""
    while lines:
        line = lines[0].lstrip("\ufeff ").rstrip("\r\n")
        if line in left and is_ours(lines, left[line]):
            is_spared = len(ours) - len(left) < spared
            if kept and kept[-1].rstrip("\r\n") == above and not is_spared:
                kept.pop()
            kept += ["\ufeff"] if lines[0].startswith("\ufeff") else []
            del lines[: len(left.pop(line)) + 1]
        else:
            kept.append(lines.pop(0))
    assert not left, "entries are missing"
    return "".join(kept)


def is_ours(lines: list[str], body: list[str]) -> bool:
    """Whether what was rendered stands below a marker, which else is a look-alike."""
    return [line.strip() for line in lines[1:3]] == [line.strip() for line in body[:2]]


def said(target: str, text: str, names: Collection[str]) -> tuple[Any, dict[str, Any]]:
    """What a file says: without the entries of these names, and these."""
    documents = [plain(node) for node in yaml.compose_all(text, Loader=yaml.CSafeLoader)]
    if target == "kubernetes":
        mine = {name: item for item in documents if (name := name_of(item)) in names}
        return [item for item in documents if name_of(item) not in names], mine
    key = {"github": "jobs", "buildkite": "steps", "agola": "runs"}.get(target, "")
    body = documents[-1] if documents else {}
    entries = body[key] if key and isinstance(body, dict) else body
    if isinstance(entries, list):
        mine = {name: item for item in entries if (name := name_of(item)) in names}
        rest: Any = [item for item in entries if name_of(item) not in names]
    else:
        mine = {name: value for name, value in (entries or {}).items() if name in names}
        rest = {name: value for name, value in (entries or {}).items() if name not in names}
    others = {name: value for name, value in body.items() if name != key} if key in body else ()
    return (documents[:-1] if target == "gitlab" else [], others, rest or None), mine


def name_of(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    if item.get("kind") == "Pod":
        return str(item["metadata"].get("generateName"))
    return str(item.get("key", item.get("name")))


def expect_merged(target: str, before: str, text: str, wanted: str) -> None:
    """The author's bytes and values are as before, and ours are as rendered."""
    ours = entries(target, wanted)
    assert merge(text, wanted, target, "ci.yml") == text
    rests = [without_ours(target, text, ours, spared) for spared in (0, 1)]
    assert any(same_but_for_end(rest, before) for rest in rests)
    rest, mine = said(target, text, ours)
    assert rest == said(target, before, ())[0]
    expected = said(target, wanted, ours)[1]
    assert mine == expected or (
        not text.endswith("\n") and without_ends(mine) == without_ends(expected)
    )


def without_ends(value: Any) -> Any:
    """A value whose texts have no line end at their end."""
    if isinstance(value, dict):
        return {key: without_ends(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_ends(item) for item in value]
    return value.removesuffix("\n") if value else value


def same_but_for_end(text: str, before: str) -> bool:
    """Whether texts are the same; a file without a last line end can have one inside then."""
    return text == before or (not before.endswith("\n") and text.rstrip("\r\n") == before)


# -- files that exist already -------------------------------------------------------------------


def test_there_are_enough_awkward_files() -> None:
    assert len(FILES) >= 40
    assert {target_of(path) for path in FILES} == set(TARGETS)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_add_change_rename_add_another_and_remove(path: Path) -> None:
    target, before = target_of(path), read(path)
    steps = (
        one(target),
        rendered(target, "api", mode="slow # it's"),
        rendered(target, "shop", mode="slow # it's"),
        rendered(target, "shop", "web"),
        rendered(target, "base", "shop", "web"),
        rendered(target, "web", "base"),
        rendered(target, "web"),
    )
    text = before
    for wanted in steps:
        text = merge(text, wanted, target, "ci.yml")
        expect_merged(target, before, text, wanted)
    assert merge(text, "", target, "ci.yml") == before


def flip_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n") if "\r\n" in text else text.replace("\n", "\r\n")


def flip_mark(text: str) -> str:
    return text.removeprefix("\ufeff") if text.startswith("\ufeff") else "\ufeff" + text


def flip_end(text: str) -> str:
    bare = text.rstrip("\r\n")
    return bare if bare != text else text + ("\r\n" if "\r\n" in text else "\n")


FLIPS = (flip_line_ends, flip_mark, flip_end)
FLIPPED = [
    pytest.param(path, flip, id=f"{name}-{flip.__name__}")
    for number, (path, name) in enumerate(zip(FILES, NAMES, strict=True))
    for flip in (FLIPS if IS_LONG else FLIPS[number % 3 :][:1])
]


@pytest.mark.parametrize(("path", "flip"), FLIPPED)
def test_line_ends_marks_and_last_lines_of_every_file(
    path: Path, flip: Callable[[str], str]
) -> None:
    target, before = target_of(path), flip(read(path))
    if (path.stem, flip) == ("unindented-lists", flip_end) and target == "kubernetes":
        with pytest.raises(SpecError, match="ends with the file, without a line end"):
            merge(before, one(target), target, "ci.yml")
        return
    text = merge(before, one(target), target, "ci.yml")
    expect_merged(target, before, text, one(target))
    assert merge(text, "", target, "ci.yml") == before


def test_a_long_file_takes_little_time() -> None:
    jobs = [
        f"job-{number}: # {number}\n  script:\n    - |\n      make {number}\n\n\n"
        f"  rules: [{{if: $CI_COMMIT_TAG}}] # end\n\n# next\n"
        for number in range(600)
    ]
    before = "stages: [build, test]\n\n" + "".join(jobs)
    assert before.count("\n") > 5000
    wanted = rendered("gitlab", "api", more="gitlab: {stage: images}\n")
    began = time.process_time()
    text = merge(before, wanted, "gitlab", "ci.yml")
    assert time.process_time() - began < 5
    with_stage = before.replace("[build, test]", "[build, test, images]")
    expect_merged("gitlab", with_stage, text, wanted)
    assert merge(text, "", "gitlab", "ci.yml") == with_stage


# -- files that do not -------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_new_file_is_what_is_rendered_with_markers(target: str) -> None:
    wanted = rendered(target, "api", "web")
    header, blank, *lines = wanted.splitlines(keepends=True)
    assert (header.startswith("# Generated by ci-kaniko"), blank) == (True, "\n")
    text = merge("", wanted, target, "ci.yml")
    kept = [line for line in text.splitlines(keepends=True) if "# ci-kaniko: " not in line]
    first = ["---\n"] if target == "kubernetes" else []
    assert kept == [*first, *lines]
    markers = [line.strip() for line in text.splitlines() if "# ci-kaniko: " in line]
    assert markers == [f"# ci-kaniko: {name}" for name in entries(target, wanted)]
    assert merge(text, wanted, target, "ci.yml") == text


@pytest.mark.parametrize(
    "before", ["", "\n\n", "# to come\n", "# to come", "---\n", "\ufeff", "--- # x\r\n"]
)
def test_a_file_that_says_nothing_gets_it_all_and_can_lose_it(before: str) -> None:
    text = merge(before, one("gitlab"), "gitlab", "ci.yml")
    assert yaml11.load(text.removeprefix("\ufeff")) == yaml11.load(one("gitlab"))
    assert merge(text, "", "gitlab", "ci.yml") == before


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_that_is_all_ours_gets_markers(target: str) -> None:
    wanted = rendered(target, "api", "web")
    text = merge("", wanted, target, "ci.yml")
    assert merge(wanted, wanted, target, "ci.yml") == text
    windows = wanted.replace("\n", "\r\n")
    assert merge(windows, wanted, target, "ci.yml") == text.replace("\n", "\r\n")
    assert merge(text.replace("\n", "\r\n"), wanted, target, "ci.yml").count("\r\n")
    with pytest.raises(SpecError):
        merge(wanted + "# by hand\n", wanted, target, "ci.yml")


def test_a_new_file_for_a_stage_of_our_own_has_a_marked_list() -> None:
    wanted = rendered("gitlab", "api", more="gitlab: {stage: images}\n")
    text = merge("", wanted, "gitlab", "ci.yml")
    assert text.startswith("# ci-kaniko: stages\nstages:\n  - images\n\n# ci-kaniko: build-api\n")
    assert merge(text, "", "gitlab", "ci.yml") == ""


def test_a_header_without_a_pipeline_is_a_place_for_jobs() -> None:
    before = "spec:\n  inputs: {}\n--- # the pipeline\n# to come\n"
    text = merge(before, one("gitlab"), "gitlab", "ci.yml")
    assert text.startswith(before + "\n# ci-kaniko: build-api\nbuild-api:\n")
    assert merge(text, "", "gitlab", "ci.yml") == before


def test_a_file_without_anything_of_ours_is_left_alone() -> None:
    for path in FILES:
        text = read(path)
        assert merge(text, "", target_of(path), path.name) == text


# -- where entries go --------------------------------------------------------------------------


def names_in(text: str) -> list[str]:
    """The jobs of a GitLab file in their order."""
    return re.findall(r"(?m)^(\S.*):$", text)


def test_a_renamed_image_moves_its_job() -> None:
    before = "first:\n  script: a\n\nlast:\n  script: b\n"
    text = merge(before, one("gitlab"), "gitlab", "ci.yml")
    at = text.index("# ci-kaniko")
    moved = "# by hand\n" + text[at:] + "\n" + before
    renamed = merge(moved, rendered("gitlab", "shop"), "gitlab", "ci.yml")
    assert names_in(renamed) == ["build-shop", "first", "last"]
    assert renamed.startswith("# by hand\n# ci-kaniko: build-shop\nbuild-shop:\n")
    assert renamed.endswith("\n\n" + before)


def test_new_jobs_stand_in_the_order_of_the_spec() -> None:
    text = merge("test: {script: a}\nlint: {script: b}\n", one("gitlab"), "gitlab", "ci.yml")
    text += "\nafter:\n  script: c\n"
    text = merge(text, rendered("gitlab", "base", "api", "web"), "gitlab", "ci.yml")
    assert names_in(text) == [".kaniko-build-base", "build-base", "build-api", "build-web", "after"]


@pytest.mark.parametrize(
    ("present", "wanted", "ordered", "places", "follows"),
    [
        ("", "ab", False, {}, {"a": -1, "b": -1}),
        ("ab", "ab", False, {"a": 0, "b": 1}, {}),
        ("ab", "ba", False, {"a": 0, "b": 1}, {}),
        ("ab", "ba", True, {"b": 0, "a": 1}, {}),
        ("ab", "xb", False, {"x": 0, "b": 1}, {}),
        ("ab", "ax", False, {"a": 0, "x": 1}, {}),
        ("ab", "bx", False, {"b": 1, "x": 0}, {}),
        ("ab", "bx", True, {"b": 1}, {"x": 1}),
        ("a", "xay", False, {"a": 0}, {"x": -1, "y": 0}),
        ("abc", "b", False, {"b": 1}, {}),
        ("abcd", "xd", False, {"x": 0, "d": 3}, {}),
        ("ab", "bxa", True, {"b": 0, "x": 1}, {"a": 1}),
        ("ab", "bxa", False, {"a": 0, "b": 1}, {"x": 1}),
    ],
)
def test_arrangement(
    present: str,
    wanted: str,
    ordered: bool,  # noqa: FBT001 - a column of the table
    places: dict[str, int],
    follows: dict[str, int],
) -> None:
    assert arrange([*present], [*wanted], ordered=ordered) == (places, follows)


def test_steps_that_share_an_anchor_stay_in_an_order_that_can_be_read() -> None:
    before = "steps:\n  - wait\n"
    two = rendered("buildkite", "api", "web")
    assert re.search(r"(?s)plugins: &kaniko.*plugins: \*kaniko", two)
    text = merge(before, two, "buildkite", "ci.yml")
    swapped = rendered("buildkite", "web", "api")
    assert (
        yaml11.load(merge(text, swapped, "buildkite", "ci.yml"))["steps"][1:]
        == (yaml11.load(swapped)["steps"])
    )
    alone = merge(text, rendered("buildkite", "web"), "buildkite", "ci.yml")
    assert yaml11.load(alone)["steps"][1:] == yaml11.load(rendered("buildkite", "web"))["steps"]


@pytest.mark.parametrize("target", TARGETS)
def test_an_edit_inside_an_entry_is_replaced(target: str) -> None:
    before = read(FOLDER / target / "four-spaces.yml") if target in {"github", "agola"} else ""
    text = merge(before, one(target), target, "ci.yml")
    image = "kaniko:v1.28.3"
    for edited in (
        text.replace(image, "kaniko:latest"),
        text.replace("    entrypoint", "    # by hand\n    entrypoint"),
        text.rstrip("\n") + "\n              # deeper than the job\n",
        text.replace("kaniko:v1.28.3", "'kaniko:v1.28.3'"),
    ):
        assert merge(edited, one(target), target, "ci.yml") == text
    assert text.count(image)


def test_comments_stay_with_what_they_are_about() -> None:
    for before, behind in {
        "steps:\n- wait\n# about wait\n": "",
        "steps:\n- wait\n  # inside\n": "# about env\nenv: {A: b}\n",
        "steps:\n  - wait\n  # about wait\n": "env: {A: b}\n",
        "steps:\n  - wait\n": "# about env\nenv: {A: b}\n",
        "steps:\n- wait\n": "\n# about env\nenv: {A: b}\n",
    }.items():
        text = merge(before + behind, one("buildkite"), "buildkite", "ci.yml")
        assert text.startswith(before)
        assert text.endswith(behind)
        assert "# ci-kaniko: build-api" in text[len(before) : len(before) + 27]


def test_two_jobs_with_one_marker_each_are_both_taken_out() -> None:
    text = merge("a: {script: b}\n", rendered("gitlab", "api", "web"), "gitlab", "ci.yml")
    less = merge(text, rendered("gitlab", "web"), "gitlab", "ci.yml")
    assert names_in(less) == ["build-web"]
    assert less.startswith("a: {script: b}\n\n# ci-kaniko: build-web\n")


def test_a_job_before_the_first_of_the_file_stands_apart() -> None:
    web = "# ci-kaniko: build-web\nbuild-web:\n  script: x\n"
    text = merge(f"{web}\na: {{script: b}}\n", rendered("gitlab", "api", "web"), "gitlab", "ci.yml")
    assert re.findall("\n\n# ci-kaniko: (.+)", text) == ["build-api", "build-web"]
    assert "\n\na: {script: b}\n" in text


def test_the_last_line_end_of_a_text_stays_when_jobs_below_it_go() -> None:
    for before, after in (
        ("a:\n  script: |\n    make\n", "a:\n  script: |\n    make\n"),
        ("a:\n  script: |-\n    make\n", "a:\n  script: |-\n    make"),
        ("a:\n  script: make\n", "a:\n  script: make"),
    ):
        text = merge(before, one("gitlab"), "gitlab", "ci.yml").rstrip("\n")
        assert merge(text, "", "gitlab", "ci.yml") == after


def test_documents_go_before_the_last_where_it_ends_in_a_text() -> None:
    some = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    last = f"{some}data:\n  x: |\n    text"
    text = merge(f"{some}---\n{last}", one("kubernetes"), "kubernetes", "all.yml")
    assert text.startswith(f"{some}---\n# ci-kaniko: build-api-\n")
    assert text.endswith(f"\n---\n{last}")
    with pytest.raises(SpecError, match="a text begins here that ends with the file"):
        merge(f"{some}...\n%YAML 1.1\n---\n{last}", one("kubernetes"), "kubernetes", "all.yml")


# -- stages ------------------------------------------------------------------------------------

OWN_STAGE = "gitlab: {stage: images}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("stages: [build]\n", "stages: [build, images]\n"),
        ("stages: [ build, test , ] # x\n", "stages: [ build, test, images , ] # x\n"),
        ("stages: []\n", "stages: [images]\n"),
        ("stages: [\n  a,\n  'b'  # c\n]\n", "stages: [\n  a,\n  'b', images  # c\n]\n"),
        ("stages:\n- a\n- b # c\n# d\n", "stages:\n- a\n- b # c\n- images\n# d\n"),
        ("stages:\r\n    - a\r\n", "stages:\r\n    - a\r\n    - images\r\n"),
        ("stages: &s\n  - a", "stages: &s\n  - a\n  - images"),
        ("stages: [images]\n", "stages: [images]\n"),
        ("stages: [a, [b, images]]\n", "stages: [a, [b, images]]\n"),
        (".a: &a [images]\nstages: *a\n", ".a: &a [images]\nstages: *a\n"),
        ("stages:\n- a", "stages:\n- a\n- images"),
    ],
)
def test_a_stage_that_nobody_waits_for_goes_to_the_end(before: str, after: str) -> None:
    wanted = rendered("gitlab", "api", more=OWN_STAGE)
    text = merge(before, wanted, "gitlab", "ci.yml")
    assert text.startswith(after)
    assert merge(text, wanted, "gitlab", "ci.yml") == text
    other = merge(
        text, rendered("gitlab", "api", more="gitlab: {stage: .pre}\n"), "gitlab", "c.yml"
    )
    assert other.startswith(after)
    assert merge(text, "", "gitlab", "ci.yml") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("stages: [test, ship]\n", "stages: [test, images, ship]\n"),
        ("stages: [ship, test]\n", "stages: [images, ship, test]\n"),
        ("stages: [[test], [x, ship], y]\n", "stages: [[test], images, [x, ship], y]\n"),
        (
            "stages:\n- test # x\n# live\n- ship\n",
            "stages:\n- test # x\n- images\n# live\n- ship\n",
        ),
        ("stages: &s\n  - ship\n  - y\n", "stages: &s\n  - images\n  - ship\n  - y\n"),
        (
            "stages:\n  - - test\n    - a\n  - ship\n",
            "stages:\n  - - test\n    - a\n  - images\n  - ship\n",
        ),
        ("stages: [test]\n", "stages: [test, images]\n"),
    ],
)
@pytest.mark.parametrize(
    "needs",
    [
        "needs: [build-api]",
        "needs: [{job: build-api, optional: true}]",
        "dependencies: [build-api]",
    ],
)
def test_a_missing_stage_goes_before_a_job_that_needs_it(
    before: str, after: str, needs: str
) -> None:
    """GitLab makes no pipeline where a job needs one of a later stage."""
    wanted = rendered("gitlab", "api", more=OWN_STAGE)
    job = f"live:\n  extends: .live\n  {needs}\n  script: make\n.live: {{stage: ship}}\n"
    text = merge(before + job, wanted, "gitlab", "ci.yml")
    assert text.startswith(after + job)
    assert merge(text, wanted, "gitlab", "ci.yml") == text
    text = merge(job.replace("ship", "deploy"), wanted, "gitlab", "ci.yml")
    assert "- build\n  - test\n  - images\n  - deploy\n" in text


def test_several_missing_stages_are_lines_of_the_list() -> None:
    jobs = "a:\n  stage: one\n  script: [x]\n\nb:\n  stage: two\n  script: [x]\n"
    text = merge("stages:\n  - test\nt: {script: x}\n", jobs, "gitlab", "ci.yml")
    assert text.startswith("stages:\n  - test\n  - one\n  - two\nt: {script: x}\n")


def test_a_block_of_a_list_keeps_its_text_in_another_style() -> None:
    blocks = "  script:\n    - |\n      make\n        all\n    - - |2\n          x\n"
    text = merge("a:\n    b:\n    - c\n", f"d:\n{blocks}", "gitlab", "ci.yml")
    assert text.endswith(
        "d:\n    script:\n    - |\n      make\n        all\n    - - |2\n          x\n"
    )
    assert yaml11.load(text)["d"] == yaml11.load(blocks)


def test_the_end_of_a_text_is_no_marker() -> None:
    before = 'a: "b\n# ci-kaniko: c"\nd: {script: e}\n'
    text = merge(before, one("gitlab"), "gitlab", "ci.yml")
    assert text.startswith(before)
    assert merge(text, "", "gitlab", "ci.yml") == before


def test_a_target_without_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agola, "TARGET", agola.TARGET._replace(shape=None))
    with pytest.raises(SpecError, match="agola puts nothing into a file") as raised:
        merge("", one("gitlab"), "agola", "a.yml")
    (problem,) = raised.value.problems
    assert (problem.path, problem.hint) == ("a.yml", "name a file of its own, without mode: merge")


def test_a_list_of_stages_is_written_where_there_is_none() -> None:
    before = "test:\n    script: make\n    cache:\n        paths:\n        - a\n"
    text = merge(before, rendered("gitlab", "api", more=OWN_STAGE), "gitlab", "ci.yml")
    assert text.startswith(
        f"{before}\n# ci-kaniko: stages\nstages:\n- build\n- test\n- deploy\n- images\n"
        "\n# ci-kaniko: build-api\nbuild-api:\n    stage: images\n"
    )
    other = merge(
        text, rendered("gitlab", "api", more="gitlab: {stage: scan}\n"), "gitlab", "c.yml"
    )
    assert "- deploy\n- images\n- scan\n\n# ci-kaniko: build-api\n" in other
    assert merge(other, "", "gitlab", "ci.yml") == before
    used = other.replace("test:\n", "test:\n    stage: scan\n", 1)
    assert "\n- images\n- scan\n" in merge(used, "", "gitlab", "ci.yml")


def test_a_list_of_stages_is_written_before_jobs_that_are_there_already() -> None:
    before = "test:\n  script: make\n\nlint:\n  script: make\n"
    text = merge(before, one("gitlab"), "gitlab", "ci.yml")
    text = merge(text, rendered("gitlab", "api", more=OWN_STAGE), "gitlab", "ci.yml")
    assert names_in(text) == ["test", "lint", "stages", "build-api"]
    assert "make\n\n# ci-kaniko: stages\n" in text
    assert "- images\n\n# ci-kaniko: build-api\n" in text


def test_stages_of_gitlab_itself_need_no_list() -> None:
    for stage in (".pre", "build", "test", "deploy", ".post"):
        wanted = rendered("gitlab", "api", more=f"gitlab: {{stage: {stage}}}\n")
        assert "stages" not in merge("a: {script: b}\n", wanted, "gitlab", "ci.yml")
    wanted = rendered("gitlab", "api", more="gitlab: {stage: .post}\n")
    assert merge("stages: [a]\n", wanted, "gitlab", "ci.yml").startswith("stages: [a]\n")


def test_stages_of_a_file_that_is_merged_in_are_not_known() -> None:
    before = ".a: &a {stages: [x]}\n<<: *a\n"
    with pytest.raises(SpecError, match="what this includes may have a list of stages") as raised:
        merge(before, rendered("gitlab", "api", more=OWN_STAGE), "gitlab", "ci.yml")
    assert [(problem.line, problem.column) for problem in raised.value.problems] == [(2, 1)]


def test_a_job_has_the_stage_of_what_it_extends() -> None:
    """Also where a layout of one's own extends what stands elsewhere, or in a circle."""
    jobs = "{0}:\n  extends: [.elsewhere, .{0}]\n  script: [x]\n\n.{0}:\n  extends: {0}\n{1}"
    with_stage = merge("", jobs.format("a", "  stage: images\n"), "gitlab", "ci.yml")
    assert with_stage.startswith("# ci-kaniko: a\na:\n")
    text = merge("b: {script: c}\n", jobs.format("a", "  stage: images\n"), "gitlab", "ci.yml")
    assert "- deploy\n  - images\n" in text
    assert "stages" not in merge("b: {script: c}\n", jobs.format("a", ""), "gitlab", "ci.yml")


# -- conflicts ---------------------------------------------------------------------------------


def wanted_for(path: Path) -> str:
    """What is merged into a file that conflicts with it; its name says what is special."""
    target = path.stem.partition("-")[0]
    if "inputs" in path.stem:
        inputs = "inputs: {debug: {type: boolean, default: 'false'}, level: {default: '1'}}\n"
        return rendered(
            target, "api", mode="${input.level}", more=f"{inputs}github: {{form: reusable}}\n"
        )
    images = ("api", "web") if re.search("anchor-name|our-anchor|several", path.stem) else ("api",)
    return rendered(target, *images, more=OWN_STAGE if "stage-images" in path.stem else "")


@pytest.mark.parametrize("path", CONFLICTS, ids=[path.stem for path in CONFLICTS])
def test_a_conflict_is_explained(path: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(SpecError) as raised:
        merge(read(path), wanted_for(path), path.stem.partition("-")[0], path.name)
    assert {problem.rule for problem in raised.value.problems} == {"merge-conflict"}
    kept = path.with_suffix(".errors.txt")
    if request.config.getoption("--update-snapshots"):
        kept.write_text(f"{raised.value}\n", encoding="utf-8")
    assert f"{raised.value}\n" == kept.read_text(encoding="utf-8")


def test_every_conflict_has_a_text_and_every_text_a_conflict() -> None:
    texts = {path.name.removesuffix(".errors.txt") for path in FOLDER.rglob("*.errors.txt")}
    assert texts == {path.stem for path in CONFLICTS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc: \udcff\n", "ci.yml:2:4: the file is not in UTF-8"),
        ("a: b\nc: é\x07\n", "ci.yml:2:5: the character U+0007 does not belong in YAML"),
        ("a:\n  - b\n\t\nc: d\n", "ci.yml:3:1: a tab cannot indent: YAML wants spaces"),
        ("a: " + "[" * 5_000, "ci.yml:1:603: nested more than 600 levels deep"),
    ],
)
def test_what_no_reader_can_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        merge(text, one("gitlab"), "gitlab", "ci.yml")
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: b\nc: é\x07\n", "remove it"),
        (
            "a:\n  - b\n c: d\n",
            "start it below the keys or items it belongs to, e.g. those of line 1",
        ),
        ("a: b\n- c\n", "write a key, or indent the list below its key; see line 1, too"),
    ],
)
def test_a_hint_names_the_other_line_once(text: str, hint: str) -> None:
    with pytest.raises(SpecError) as raised:
        merge(text, one("gitlab"), "gitlab", "ci.yml")
    assert [problem.hint for problem in raised.value.problems] == [hint]


PURE = [path for path in FILES if "tabs" not in path.stem]  # which PyYAML itself does not take


@pytest.mark.parametrize("path", PURE if IS_LONG else PURE[::6], ids=str)
def test_without_libyaml_all_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, before = target_of(path), read(path)
    text = merge(before, one(target), target, "ci.yml")
    monkeypatch.setattr(pyyaml, "Parser", yaml.SafeLoader)
    assert merge(before, one(target), target, "ci.yml") == text
    assert merge(text, "", target, "ci.yml") == before


def test_without_libyaml_an_impossible_escape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyyaml, "Parser", yaml.SafeLoader)
    with pytest.raises(SpecError, match="an escape sequence of this file names no character"):
        merge('a: "\\U00110000"\n', one("gitlab"), "gitlab", "ci.yml")


def test_a_deep_file_is_no_problem() -> None:
    before = "a: " + "[" * 500 + "]" * 500 + "\n"
    assert merge(before, one("gitlab"), "gitlab", "ci.yml").startswith(before)


def test_lines_are_not_taken_out_when_a_text_would_grow() -> None:
    before = "a:\n  script: |+\n    make\n\n"
    text = merge(before, one("gitlab"), "gitlab", "ci.yml") + "\n\nb: {script: c}\n"
    with pytest.raises(SpecError) as raised:
        merge(text, "", "gitlab", "ci.yml")
    line = text[: text.index("b:")].count("\n") - 1
    assert str(raised.value).startswith(
        f"ci.yml:{line}:1: the text of line 2 would go on with this line, "
        "were ci-kaniko's lines gone"
    )


def test_lines_that_end_in_cr_get_more_of_their_kind() -> None:
    text = merge("# first\ra: {script: b}\r", one("gitlab"), "gitlab", "ci.yml")
    assert "\n" not in text
    assert merge(text, one("gitlab"), "gitlab", "ci.yml") == text


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("gitlab", "test:\n  script: [make]\r"),
        ("gitlab", "test:\r  script: [make]\n\n# end\n"),
        ("buildkite", "# c\rsteps:\n- command: x\n\n"),
        ("agola", "version: v0\rruns:\r\n  - name: a\n    tasks: []\r\n\n\r"),
        ("github", "name: x\r\ron: push\rjobs:\r  a:\r    runs-on: x\n\n  # c\r  b:\n    x: y\n\n"),
    ],
)
def test_line_ends_of_several_kinds_never_become_one(target: str, text: str) -> None:
    merged = merge(text, one(target), target, "ci.yml")
    assert merge(merged, one(target), target, "ci.yml") == merged
    assert merge(merged, "", target, "ci.yml") == text


def test_a_job_that_would_take_in_the_lines_behind_it_is_refused() -> None:
    more = 'gitlab: {extra: {after_script: ["one\\n\\n\\n"]}}\n'
    with pytest.raises(SpecError, match='"build-api" ends in a text that ends in blank lines'):
        merge("a: {script: b}\n", rendered("gitlab", "api", more=more), "gitlab", "ci.yml")


# -- the proof ---------------------------------------------------------------------------------


def lose_a_line(text: str) -> str:
    return text.replace("# first\n", "")


def change_a_value(text: str) -> str:
    return text.replace("script: [make]", "script: [mak]")


def change_how_a_text_is_read(text: str) -> str:
    return text.replace("# the last\n", "    # the last\n")


def change_a_rendered_value(text: str) -> str:
    return text.replace("build-arg=MODE=fast", "build-arg=MODE=slow")


def lose_an_entry(text: str) -> str:
    return text.partition("\n# ci-kaniko: build-api")[0] + "\n# the last\n"


def damage(text: str) -> str:
    return text.replace("build-api:\n", "build-api: {\n")


def add_a_stage(text: str) -> str:
    return text.replace("stages: [test", "stages: [test, more")


DAMAGES = (
    lose_a_line,
    change_a_value,
    change_how_a_text_is_read,
    change_a_rendered_value,
    lose_an_entry,
    damage,
    add_a_stage,
)


@pytest.mark.parametrize("harm", DAMAGES)
def test_a_damaged_result_is_never_returned(
    harm: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = "stages: [test]\n# first\ntest:\n  script: [make]\n\n# the last\n"
    wanted = rendered("gitlab", "api", more=OWN_STAGE)
    expected = merge(before, wanted, "gitlab", "ci.yml")
    assert harm(expected) != expected
    put = Editor.put
    monkeypatch.setattr(Editor, "put", lambda *given, **more: harm(put(*given, **more)))
    with pytest.raises(MergingError):
        merge(before, wanted, "gitlab", "ci.yml")


def test_a_damaged_new_file_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["ci_kaniko.merging.merge"]
    whole = module.whole_file
    monkeypatch.setattr(module, "whole_file", lambda *given: change_a_rendered_value(whole(*given)))
    with pytest.raises(MergingError, match="the new file is not what was rendered"):
        merge("# to come\n", one("gitlab"), "gitlab", "ci.yml")


def test_a_result_that_yaml_1_2_cannot_read_is_never_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = "test:\n  script: [make]\n"
    broken = "build-api:\n  script:\t[make]\n"  # libyaml takes that tab, ruamel.yaml does not
    with pytest.raises(MergingError, match=r"YAML 1\.2"):
        merge(before, broken, "gitlab", "ci.yml")
    assert merge("a:\t[b]\n", broken, "gitlab", "ci.yml")


# -- what others say ---------------------------------------------------------------------------


def written(folder: Path, target: str) -> tuple[list[Path], dict[str, Path]]:
    """The files of a target under names that tell them apart, and what they become."""
    before, after = folder / "before", folder / "after"
    before.mkdir()
    after.mkdir()
    originals, results = [], {}
    for path in (path for path in FILES if target_of(path) == target):
        originals.append(before / path.name)
        originals[-1].write_bytes(path.read_bytes())
        results[path.name] = after / path.name
        text = merge(read(path), rendered(target, "api", "web"), target, path.name)
        results[path.name].write_bytes(text.encode())
    return originals, results


def refused_by(check: Callable[[Sequence[Path]], list[str]], files: Sequence[Path]) -> set[str]:
    found = check(files)
    return {path.name for path in files if any(line.startswith(path.stem) for line in found)}


SCHEMAS = [(target, "check-jsonschema") for target in ("gitlab", "github", "buildkite")]


@pytest.mark.parametrize(("target", "name"), [*SCHEMAS, ("github", "actionlint")])
def test_what_was_accepted_still_is(target: str, name: str, tmp_path: Path) -> None:
    check = validators.VALIDATORS[target][name]
    originals, results = written(tmp_path, target)
    accepted = {path.name for path in originals} - refused_by(check, originals)
    assert len(accepted) > len(originals) * 2 // 3
    assert check([results[each] for each in sorted(accepted)]) == []


PREVIEWED = [path for path in FILES if target_of(path) == "gitlab"]
if not IS_LONG:
    PREVIEWED = [
        path for path in PREVIEWED if path.stem in {"anchors-and-aliases", "reference-tags"}
    ]


def test_gitlab_ci_local_still_reads_every_job(tmp_path: Path) -> None:
    texts = {path.stem: read(path) for path in PREVIEWED}
    wanted = rendered("gitlab", "api", "web")
    merged = {name: merge(text, wanted, "gitlab", name) for name, text in texts.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        before = dict(
            zip(texts, pool.map(partial(preview, tmp_path / "a"), texts.items()), strict=True)
        )
        after = dict(
            zip(merged, pool.map(partial(preview, tmp_path / "b"), merged.items()), strict=True)
        )
    accepted = {name for name, jobs in before.items() if jobs is not None}
    assert len(accepted) > len(texts) * 9 // 10 - 1
    for name in accepted:
        jobs = after[name]
        assert jobs is not None, name
        assert {job: jobs.pop(job)["script"] for job in ("build-api", "build-web")} == {
            job: yaml11.load(wanted)[job]["script"] for job in ("build-api", "build-web")
        }
        assert without(jobs, ".kaniko-build-api") == before[name]


def without(jobs: dict[str, Any], name: str) -> dict[str, Any]:
    return {job: value for job, value in jobs.items() if job != name}


def preview(folder: Path, named: tuple[str, str]) -> dict[str, Any] | None:
    """What gitlab-ci-local makes of a file; None when it refuses it."""
    name, text = named
    root = folder / name
    root.mkdir(parents=True)
    (root / ".gitlab-ci.yml").write_bytes(text.encode())
    run = partial(subprocess.run, cwd=root, capture_output=True, encoding="utf-8", check=False)
    env = {"PATH": tools.SEARCH, "HOME": str(root), "LANG": "C.UTF-8"}
    validators.git_repository(root)
    remote = ["git", "remote", "add", "origin", "https://gitlab.com/acme/shop.git"]
    assert run(remote, env=env).returncode == 0
    done = run([tools.program("gitlab-ci-local"), "--preview", validators.NO_SCHEMA], env=env)
    if done.returncode:
        return None
    jobs: Any = yaml.compose(re.sub(r"(?m)^.*\bWARN\b.*\n", "", done.stdout))
    return {str(plain(key)): plain(value) for key, value in jobs.value}
