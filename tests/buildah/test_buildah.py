"""Law 1 for builders, with a real one: Buildah builds what the rendered files say."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from harness.bench import (
    FETCHED,
    FROM_FILES,
    NAMES,
    Bench,
    Case,
    asked,
    benched,
    build,
    builds_what_kaniko_is_told,
    check,
)
from harness.events import DEFAULT_BRANCH, PULL_REQUEST

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
    name = f"{bench.host}/acme/{target}"
    case = Case(
        {
            "destinations": [f"{name}:1", f"{name}:2"],
            "triggers": {"branches": ["main"], "pull_requests": True},
            "options": {"tar_path": "out/the image, as tar.tar", "oci_layout_path": "layout"},
        },
        DEFAULT_BRANCH if target == "github" else PULL_REQUEST,
        FROM_FILES.format("checkout"),
    )
    bench.checkout(case)
    wanted = asked(case, bench.host, target)
    build(bench, case, target)
    checkout = bench.box / "checkout"
    tar = checkout / "out" / "the image, as tar.tar"
    config = bench.look("inspect", "--config", "--raw", f"docker-archive:{tar}")["config"]
    check(config, case, wanted)
    layout = bench.look("inspect", "--config", "--raw", f"oci:{checkout}/layout")["config"]
    assert [layout[key] for key in ("Env", "Labels")] == [config[key] for key in ("Env", "Labels")]
    with tarfile.open(tar) as opened:
        listed = json.load(opened.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert listed[0]["RepoTags"] == [*wanted.destinations[:1], "localhost/built:latest"]
    assert bool(wanted.destinations) == (target == "github")
