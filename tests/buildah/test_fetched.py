"""Law 1 for a real Buildah that fetches: a base of a mirror, an archive, a remote Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.bench import FETCHED, Bench, benched, builds_what_kaniko_is_told

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benched(tmp_path_factory) as made:
        yield made


@pytest.mark.parametrize("name", FETCHED)
def test_buildah_builds_what_it_fetches(bench: Bench, name: str) -> None:
    builds_what_kaniko_is_told(bench, name)
