"""Where the test material lies: a new case is a new file."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "tests" / "specs" / "ok"
BROKEN = ROOT / "tests" / "broken"
SNAPSHOTS = ROOT / "snapshots"

CASES = sorted(path.stem for path in SPECS.glob("*.yaml"))


def snapshots(target: str) -> list[Path]:
    return sorted((SNAPSHOTS / target).glob("*.yml"))
