"""The page on adding a target, followed to the letter."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from harness import forked, tools
from harness.cases import JUDGED
from harness.covering import fewest
from harness.repository import PACKAGE

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-target.md"
NAMES = (
    *("acme_ci/acme.yml.j2", "acme_ci/__init__.py", "pyproject.toml"),
    *("acme_ci/runner.py", "test_acme.py"),
)
TARGET = "acme_ci/__init__.py"
FEW = """
from ci_kaniko.spec import loading
from ci_kaniko.testing import judging
known, loads = judging._specs, loading.loads
files = [f"{{name}}.yaml" for name in {names!r}]
loading.loads = lambda text, file: loads(text, file) if file in files else None
judging._specs = lambda: (each for each in known() if each[1])
"""
"""A target that is wrong is wrong with a few specs, too; the others are not even read."""
OF_PUSHES = (
    FEW
    + """
judging.EVENTS = judging.EVENTS[:1]
"""
)
"""And in the first event, too."""
OF_TWO_IMAGES = (
    OF_PUSHES.format(names=("two-images",))
    + """
print(*judging.judge("acme"), sep="\\n")
"""
)
NO = "Finding('x', (), 'no such thing')"


def _project(folder: Path) -> Path:
    """The files that the page shows, and what an installation makes of the entry point."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?!sh)\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for name, block in zip(NAMES, blocks, strict=True):
        assert f"`{name}`" in text
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")
    table, line = re.findall(r'entry-points\."(.+)"\]\n(.+)\n', blocks[2])[0]
    info = folder / "acme_ci-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ci\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{table}]\n{line}\n".replace('"', ""))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return _project(tmp_path)


def run(folder: Path, code: str, *words: str) -> tuple[int, str]:
    """How code ends beside the target, and what it says."""
    path = os.pathsep.join((str(folder), PACKAGE))
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = forked.run(*words, code=code, folder=folder, environment=environment)
    return done.returncode, done.stdout.decode()


def judged(folder: Path) -> tuple[int, str]:
    tools.shell()
    return run(folder, forked.PYTEST, "-q", "-p", "no:cacheprovider", "test_acme.py")


def _enough() -> set[str]:
    """The fewest specs in which each field of the top and each variable is, or nearly so."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(JUDGED.glob("*s/*.yaml"))}
    known = re.compile(r"^\w+(?=:)|\$\{[\w.]+", re.MULTILINE)
    return {*fewest({name: {*known.findall(text)} for name, text in texts.items()})}


def test_the_judge_of_the_page_is_content(project: Path) -> None:
    named = re.findall(r'"([\w-]+)"', (project / "test_acme.py").read_text("utf-8"))
    few = FEW.format(names=(*_enough(), *named))
    (project / "conftest.py").write_text(few, encoding="utf-8")
    code, said = judged(project)
    assert code == 0, said
    assert "1 passed" in said


def test_the_words_of_the_page_are_known(project: Path) -> None:
    (project / "ci-kaniko.yaml").write_text(
        "destinations: ['ghcr.io/acme/shop:1.0']\n"
        "registries: {ghcr.io: {default: {username: a, password: GHCR_TOKEN}, acme: anonymous}}\n"
        "acme: {queue: large}\noutputs: {acme: .acme.yml}\n"
    )
    assert "queue: large" in run(project, forked.COMMAND, "render", "acme")[1]
    (project / NAMES[0]).unlink()
    code, said = run(
        project, f"import sys\nsys.stderr = sys.stdout\n{forked.COMMAND}", "render", "acme"
    )
    assert code == 1
    assert said.startswith(f"ci-kaniko: the template acme.yml.j2 is not in {project}/acme_ci: ")


def test_the_distribution_of_the_page_holds_its_template(project: Path) -> None:
    (wheel,) = WheelBuilder(str(project)).build(directory=str(project / "dist"))
    assert {NAMES[0], TARGET, "acme_ci/runner.py"} <= {*zipfile.ZipFile(wheel).namelist()}


@pytest.mark.parametrize(
    ("name", "right", "wrong", "told"),
    [
        (TARGET, '"ACME_COMMIT"', '"ACME_BRANCH"', "is missing"),
        (TARGET, "script.called(words)", "script.called(words[:1])", "is missing"),
        (TARGET, "script.called(words)", "['true']", "the executor ran 0 times"),
        (TARGET, "with_shell=True)),\n", f"with_shell=True)),\n{' ' * 8}{NO},\n", "no such thing"),
        (
            "test_acme.py",
            '"cache", ',
            '"cache", "cache-claim", ',
            "is not refused: target-variable",
        ),
        ("test_acme.py", '["minimal-ghcr"]', "[]", 'no login for "ghcr.io" on acme'),
        ("test_acme.py", '"missing-login"', '"bad-value"', 'no login for "ghcr.io" on acme'),
        ("test_acme.py", '["minimal-ghcr"]', '["minimal-ghcr", "x"]', "is no spec of ours"),
    ],
)
def test_the_judge_tells_a_fault(
    project: Path, name: str, right: str, wrong: str, told: str
) -> None:
    path = project / name
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    few = OF_PUSHES.format(names=("agola-settings", "cache-claim", "minimal-ghcr"))
    (project / "conftest.py").write_text(few, encoding="utf-8")
    code, said = judged(project)
    assert code == 1, said
    assert told in said


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("words", ""),
        ("words[image.name == 'web' :]", "<context>/services/web is missing where"),
        ("[*words, *['--cache'] * (image.name == 'api')]", "--cache is too much where"),
    ],
)
def test_the_judge_looks_at_each_job(project: Path, wrong: str, told: str) -> None:
    tools.shell()
    path = project / TARGET
    text = path.read_text(encoding="utf-8")
    assert "script.called(words)" in text
    path.write_text(text.replace("script.called(words)", f"script.called({wrong})"))
    code, said = run(project, OF_TWO_IMAGES)
    assert code == 0
    assert told in said
    assert bool(said.strip()) == bool(told)
