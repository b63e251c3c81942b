"""Where the test material lies: a new case is a new file."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "src" / "ci_kaniko" / "testing" / "specs"
PIPELINES = ROOT / "tests" / "specs" / "pipelines"
BROKEN = ROOT / "tests" / "broken"
SNAPSHOTS = ROOT / "snapshots"

CASES = sorted(path.stem for path in SPECS.glob("*.yaml"))
PIPELINE_CASES = sorted(path.stem for path in PIPELINES.glob("*.yaml"))
"""The cases of one image and one job, and those of whole pipelines."""


def spec_path(case: str) -> Path:
    folder = PIPELINES if case in PIPELINE_CASES else SPECS
    return folder / f"{case}.yaml"


def snapshots(target: str) -> list[Path]:
    return sorted((SNAPSHOTS / target).glob("*.yml"))
