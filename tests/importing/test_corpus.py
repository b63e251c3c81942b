"""What an expert reads in a pipeline is in its spec or in the report: corpus/README.md."""

from __future__ import annotations

import pytest
import yaml

from ci_kaniko.rehearsing import yaml11
from harness.corpus import NAMES, pending_path, pipeline


def _pending() -> dict[str, list[str]]:
    return yaml11.load(pending_path().read_text(encoding="utf-8")) or {}


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_of_a_pipeline_hold(name: str, request: pytest.FixtureRequest) -> None:
    missed, pending = list(pipeline(name).missed()), _pending()
    listed = pending.get(name, [])
    if request.config.getoption("--update-snapshots"):
        listed = pending[name] = [entry for entry in listed if entry in missed]
        kept = {each: entries for each, entries in pending.items() if entries}
        pending_path().write_text(yaml.safe_dump(kept, width=200, allow_unicode=True))
    assert not [entry for entry in missed if entry not in listed], "no longer told"
    assert not [entry for entry in listed if entry not in missed], "told now: see corpus/README.md"


def test_nothing_is_pending_of_a_pipeline_that_is_not_there() -> None:
    assert set(_pending()) <= set(NAMES)
