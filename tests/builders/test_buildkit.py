"""Law 1 for BuildKit, with a real one: the one of a Docker daemon, which rendered files reach.

``harness/buildctl.py`` says what of it is real, and what is translated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.rehearsing.rehearse import rehearse
from ci_kaniko.rendering import render
from harness import buildctl, buildkit
from harness.bench import (
    NAMES,
    Bench,
    Case,
    asked,
    benched,
    build,
    builds_what_kaniko_is_told,
    case_of,
    check,
    leaves_the_image_in_files,
    spec_of,
)
from harness.events import DEFAULT_BRANCH, PULL_REQUEST
from harness.registry import USER
from harness.runs import values_for
from harness.told import TARGETS, built

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT = [name for name in NAMES if name not in {"address", "cache", "mirror", "part"}]
"""BuildKit fetches no Dockerfile; mirrors are in the settings of a daemon of its own."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benched(tmp_path_factory, "buildkit") as made:
        yield made


@pytest.mark.parametrize("name", BUILT)
def test_buildkit_builds_what_kaniko_is_told(bench: Bench, name: str) -> None:
    builds_what_kaniko_is_told(bench, name)


@pytest.mark.parametrize("target", ["gitlab", "github"])
def test_buildkit_leaves_the_image_in_files(bench: Bench, target: str) -> None:
    names, destinations = leaves_the_image_in_files(bench, target)
    assert names == [*destinations]


def test_another_run_reads_what_one_has_cached(bench: Bench) -> None:
    """Where the daemon kept nothing: a pull request, which writes no cache."""
    builds_what_kaniko_is_told(bench, "cache")
    case = case_of(bench, "cache")
    login = {"username": USER, "password": "REGISTRY_PASSWORD", "pull": True}
    cache = f"docker://{asked(case, bench.host, 'gitlab').cache}:buildkit"
    case = Case({**case.spec, "registries": {bench.host: login}}, PULL_REQUEST)
    kept = bench.look("inspect", "--raw", cache)
    buildkit.forget(bench.box)
    bench.checkout(case)
    said = build(bench, case, "github")
    assert ("CACHED" in said, "exporting cache" in said) == (True, False)
    assert bench.look("inspect", "--raw", cache) == kept


def test_a_word_that_buildkit_does_not_know_fails(bench: Bench) -> None:
    """Each name in each word of a call, and a call by its script; a text that is another shows."""
    case = case_of(bench, "awkward")
    cached = Case({**case.spec, **case_of(bench, "cache").spec, **case_of(bench, "secret").spec})
    (job,) = built(rehearse(spec_of(cached, bench.host, builder="buildkit"), "gitlab"))
    assert job.recorded
    ((_, verb, *words),) = job.recorded.commands
    assert buildctl.translated([verb, *words])
    for place, word in enumerate(words):
        for found in re.finditer(r"(?<=--)[a-z-]+|(?<==)[a-z-]+(?=[:=])", word):
            if word.startswith("--opt") or found.start() == 2:
                wrong = f"{word[: found.end()]}s{word[found.end() :]}"
                with pytest.raises(ValueError, match=re.escape(wrong)):
                    buildctl.translated([verb, *words[:place], wrong, *words[place + 1 :]])
    for old, new in (("opt='label:", "opt='labels:"), ("--oci-worker-no", "--oci-worker")):
        bench.checkout(case)
        with pytest.raises(AssertionError, match="ValueError"):
            build(bench, case, "gitlab", lambda text: text.replace(old, new))  # noqa: B023
    bench.checkout(case)
    build(
        bench, case, "gitlab", lambda text: text.replace("label:com.example.", "label:com.other.")
    )
    wanted = asked(case, bench.host, "gitlab")
    config = bench.look("inspect", "--config", "--raw", f"docker://{wanted.destinations[0]}")
    with pytest.raises(AssertionError):
        check(bench, config["config"], case, wanted)


def test_layers_of_zstd_are_read_as_they_are_written() -> None:
    """In OCI's format, which the spec need not name: Docker's has none for them."""
    for said in ({"compression": "zstd"}, {"compression": "gzip", "image_format": "oci"}):
        data = {
            "builder": "buildkit",
            "default_branch": "main",
            "destinations": ["quay.io/acme/shop:1"],
            "registries": {"quay.io": "anonymous"},
            "options": said,
        }
        for target in TARGETS:
            text = render(
                ci_kaniko.Spec.model_validate(data), target, values_for(target, DEFAULT_BRANCH)
            )
            assert "oci-mediatypes=true" in text
            again = ci_kaniko.import_files([("pipeline.yml", text)]).spec
            assert again.options == ci_kaniko.Options.model_validate(said)
