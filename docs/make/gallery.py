"""The gallery of the site: specs, and what the snapshots say they become."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from ci_kaniko.targets.registry import available_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_JUDGED = ROOT / "src" / "ci_kaniko" / "testing"
SPECS = (_JUDGED / "specs", _JUDGED / "pipelines", ROOT / "tests" / "specs" / "pipelines")

CASES = {
    "seed-agola-docker-hub": (
        "One image on Docker Hub",
        "Pushes to the default branch and tags are built and pushed; pull requests are built only.",
    ),
    "versions": (
        "The versions of a release",
        "A tag `v1.2.3` pushes `1.2.3`, `1.2`, `1` and `latest`; `v1.2.3-rc.1` only itself.",
    ),
    "two-images": (
        "Several images of one repository",
        "What stands at the top is for each of them; `images` says what differs.",
    ),
    "prepare": (
        "A compiler first",
        "Commands in another image make a program, and the Dockerfile takes it.",
    ),
}


def page() -> str:
    """The page, in Markdown with tabs."""
    return "\n\n".join(["# Gallery", _INTRODUCTION, *_sections()]) + "\n"


_INTRODUCTION = """\
One spec, five dialects. Each text is a file of the
[snapshots](https://github.com/ci-kaniko/ci-kaniko/tree/main/snapshots): the tests render it, give
it to the platform's own parser, run its scripts and compare what reaches the executor. A manifest
for Kubernetes is shown as a push to the default branch renders it."""


def _sections() -> Iterator[str]:
    for case, (title, about) in CASES.items():
        (spec,) = (path for folder in SPECS for path in folder.glob(f"{case}.yaml"))
        yield f"## {title}\n\n{about}\n\n{_block(spec, 'ci-kaniko.yaml')}"
        for name, target in available_targets().items():
            block = _block(ROOT / "snapshots" / name / f"{case}.yml", target.output)
            yield f'=== "{target.summary.partition(" ")[0]}"\n\n{indent(block, " " * 4)}'


def _block(path: Path, title: str) -> str:
    return f'```yaml title="{title}"\n{path.read_text(encoding="utf-8")}```'
