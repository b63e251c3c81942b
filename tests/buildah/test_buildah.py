"""Law 1 for builders, with a real one: Buildah builds what the rendered files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.bench import (
    FETCHED,
    NAMES,
    Bench,
    benched,
    builds_what_kaniko_is_told,
    leaves_the_image_in_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benched(tmp_path_factory) as made:
        yield made


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FETCHED])
def test_buildah_builds_what_kaniko_is_told(bench: Bench, name: str) -> None:
    builds_what_kaniko_is_told(bench, name)


@pytest.mark.parametrize("target", ["gitlab", "github"])
def test_buildah_leaves_the_image_in_files(bench: Bench, target: str) -> None:
    """In each run; an archive for Docker says what the image is called where it is pushed."""
    names, destinations = leaves_the_image_in_files(bench, target)
    assert names == [*destinations[:1], "localhost/built:latest"]
