"""Every snapshot passes what reads such files outside of this project."""

from __future__ import annotations

import pytest

from harness.cases import snapshots
from harness.validators import RENDERED, VALIDATORS, broken, found, not_told

EVERY = [
    (target, name) for target, known in VALIDATORS.items() for name in known if name != "shellcheck"
]
"""Scripts are checked in test_shellcheck.py."""


@pytest.mark.parametrize(("target", "validator"), EVERY)
def test_snapshots_pass(target: str, validator: str) -> None:
    if target in RENDERED:
        assert snapshots(target)
        assert not found(target, validator, in_broken=False)


@pytest.mark.parametrize(("target", "validator"), EVERY)
def test_a_broken_file_is_found(target: str, validator: str) -> None:
    assert broken(target, validator)
    assert not_told(target, validator) == []
