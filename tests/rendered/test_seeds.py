"""docs/seeds.md shows the specs and renderings that are tested, byte for byte."""

from __future__ import annotations

import re

import pytest

from harness.cases import CASES, ROOT
from harness.runs import RENDERED, TARGETS

PAGE = ROOT / "docs" / "seeds.md"
SEEDS = [case for case in CASES if case.startswith("seed-")]
BLOCK = re.compile(r"(?ms)^<!-- (\S+) -->\n\n```yaml\n(.*?)^```$")


def filled(page: str) -> str:
    """The page with the present text of every file that it shows."""

    def block(found: re.Match[str]) -> str:
        text = (ROOT / found[1]).read_text(encoding="utf-8")
        return f"<!-- {found[1]} -->\n\n```yaml\n{text}```"

    return BLOCK.sub(block, page)


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update-snapshots"):
        PAGE.write_bytes(filled(page).encode())
        page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "pytest --update-snapshots"


def test_every_seed_is_shown_with_its_own_platform() -> None:
    shown = [found[1] for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]
    assert len(SEEDS) == 10
    for seed in SEEDS:
        platform = seed.split("-")[1]
        assert f"src/ci_kaniko/testing/specs/{seed}.yaml" in shown
        assert f"snapshots/{platform}/{seed}.yml" in shown
    assert len(shown) == 2 * len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_is_rendered_wherever_it_has_a_meaning(seed: str) -> None:
    """Only GitLab's and GitHub's own registry is one that the others cannot name."""
    targets = {target for case, target in RENDERED if case == seed}
    own = {"gitlab", "github"} if seed == "seed-gitlab-own-registry" else {*TARGETS}
    assert targets == own
