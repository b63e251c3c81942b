"""docs/import.md lists the rules of every report that the tests know."""

from __future__ import annotations

import re

from harness.cases import ROOT

REPORTS = sorted((ROOT / "tests" / "imports").rglob("*.report.txt"))


def test_every_rule_is_listed() -> None:
    page = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"(?m)^\| `([a-z0-9-]+)` \|", page))
    lines = [line for path in REPORTS for line in path.read_text(encoding="utf-8").splitlines()]
    entries = [re.match(r"(mended|left) ([a-z0-9-]+) ", line) for line in lines]
    shown = {entry[2] for entry in entries if entry}
    assert len(shown) > 40
    assert shown == listed
