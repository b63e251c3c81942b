"""``import --to``: what one platform runs is what the other one gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.kaniko.systems import NAMES
from harness.repository import HEADER, Repository

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
context: git://github.com/acme/shop.git#refs/heads/main
build_args: {GO_VERSION: "1.26"}
destinations: ["ghcr.io/acme/shop:1.0"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
"""
STARTED = f"{SPEC}triggers: {{branches: [main]}}\n"


@pytest.mark.parametrize("source", NAMES)
def test_every_target_takes_what_every_other_has(tmp_path: Path, source: str) -> None:
    """A manifest does not tell when it is made: as a pipeline it starts when a spec starts."""
    repository = Repository(tmp_path)
    text = rendering.render(ci_kaniko.loads(STARTED), source)
    repository.write("pipeline.yml", text.removeprefix(HEADER))
    spec = ci_kaniko.loads(SPEC if source == "kubernetes" else STARTED)
    for target in NAMES:
        done = repository.call("import", "pipeline.yml", f"--from={source}", f"--to={target}")
        if (source, target) == ("kubernetes", "agola"):
            assert (done.code, ci_kaniko.loads(done.out)) == (1, spec)
            assert "agola does not know its name [missing-default-branch]" in done.err
        else:
            assert done == (0, rendering.render(spec, target), done.err)
            assert "is ghcr.io/acme/shop:1.0 [destination]" in done.err


def test_a_decision_gets_the_spec_and_names_for_the_logins(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write(
        "build.sh", "/kaniko/executor --context . --destination quay.io/acme/shop:1.0\n"
    )
    done = repository.call("import", "build.sh", "--to=github", "-o", "image.yml")
    assert done.code == 1
    assert "[missing-login]" in done.err
    offer = "registries: {quay.io: {username: {secret: QUAY_IO_USER}, password: QUAY_IO_PASSWORD}}"
    assert f"  {offer}\n" in done.err
    assert not (tmp_path / "image.yml").exists()
    spec = ci_kaniko.loads(f"{done.out}\n{offer}\n")
    assert "QUAY_IO_PASSWORD" in ci_kaniko.render(spec, "github")
