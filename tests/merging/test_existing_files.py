"""merge: entries of ours come into every file that exists, change there, and go again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci_kaniko import SpecError
from ci_kaniko.merging import merge
from harness.merged import (
    FILES,
    IS_LONG,
    NAMES,
    TARGETS,
    expect_merged,
    one,
    read,
    rendered,
    target_of,
)
from harness.pace import within

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_there_are_enough_awkward_files() -> None:
    assert len(FILES) >= 40
    assert {target_of(path) for path in FILES} == set(TARGETS)


@pytest.mark.parametrize(("number", "path"), [*enumerate(FILES)], ids=NAMES)
def test_add_change_rename_add_another_and_remove(number: int, path: Path) -> None:
    """Of six changes every third one, in turn; a long run makes all of them in every file."""
    target, before = target_of(path), read(path)
    steps = (
        rendered(target, "api", mode="slow # it's"),
        rendered(target, "shop", mode="slow # it's"),
        rendered(target, "shop", "web"),
        rendered(target, "base", "shop", "web"),
        rendered(target, "web", "base"),
        rendered(target, "web"),
    )
    text = before
    for wanted in (one(target), *(steps if IS_LONG else steps[number % 3 :: 3])):
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
    text = within(5, lambda: merge(before, wanted, "gitlab", "ci.yml"))
    with_stage = before.replace("[build, test]", "[build, test, images]")
    expect_merged("gitlab", with_stage, text, wanted)
    assert merge(text, "", "gitlab", "ci.yml") == with_stage
