"""Where the test material lies: a new case is a new file."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
JUDGED = ROOT / "src" / "ci_kaniko" / "testing"
SPECS = JUDGED / "specs"
PIPELINES = (ROOT / "tests" / "specs" / "pipelines", JUDGED / "pipelines")
BROKEN = ROOT / "tests" / "broken"
SNAPSHOTS = ROOT / "snapshots"

BUILT_ELSEWHERE = ROOT / "tests" / "specs" / "builders"

CASES = sorted(path.stem for path in SPECS.glob("*.yaml"))
BUILDER_CASES = {path.stem: path for path in sorted(BUILT_ELSEWHERE.glob("*.yaml"))}
"""Those that another builder than kaniko builds."""
_OF_PIPELINES = {path.stem: path for folder in PIPELINES for path in folder.glob("*.yaml")}
PIPELINE_CASES = sorted(_OF_PIPELINES)
"""The cases of one image and one job, and those of whole pipelines."""


def spec_path(case: str) -> Path:
    return {**_OF_PIPELINES, **BUILDER_CASES}.get(case, SPECS / f"{case}.yaml")


def snapshots(target: str) -> list[Path]:
    return sorted((SNAPSHOTS / target).glob("*.yml"))
