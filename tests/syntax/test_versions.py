"""Versions in git tags, as Python and the shells of jobs read them."""

from __future__ import annotations

import random
import subprocess

import pytest

from ci_kaniko.syntax.versions import is_release, shell_lines, version_of
from harness import expectation, tools

_PIECES = (
    *("0", "1", "10", "01", "00", "2.3.4", "1.2.3", "v", "V", "vv", ".", "..", "-", "--", "+"),
    *("rc", "rc.1", "rc.01", "alpha-1", "-0a", "0a", "build.005", "_", "é", "x", "/", "api/", "~"),
)
_PREFIXES = ("", "api/", "a.b+c-")
_COUNT = 10_000


def tags() -> list[str]:
    """Random tags, half of them close to versions."""
    draw = random.Random(20260102)  # noqa: S311
    found = []
    for number in range(_COUNT):
        if number % 2:
            tag = "".join(draw.choices(_PIECES, k=draw.randint(1, 6)))
        else:
            core = ".".join(str(draw.choice((0, 1, 7, 10, "07", ""))) for _ in range(3))
            words = ["", "-rc", "-rc.1", "-0", "-01", "-0a", "-", "-a..b", "+5", "+05.x", "-x+y-z"]
            tag = draw.choice(("", "v", "v", "api/", "api/v", "a.b+c-v", "axb+c-")) + core
            tag += draw.choice(words) + draw.choice(("", "", "", "+", "-y", ".9"))
        found.append(tag)
    return found


@pytest.mark.parametrize("prefix", _PREFIXES)
def test_a_version_is_a_semantic_version(prefix: str) -> None:
    wanted = [expectation.version(tag, prefix) for tag in tags()]
    assert [version_of(tag, prefix) for tag in tags()] == wanted
    assert len([version for version in wanted if version]) > _COUNT / 100
    assert {bool(version) for version in wanted} == {True, False}


@pytest.mark.parametrize("prefix", _PREFIXES)
@pytest.mark.parametrize("shell", tools.shells())
def test_every_shell_reads_the_same_versions(shell: str, prefix: str) -> None:
    lines = "\n".join(shell_lines('"$tags"', prefix))
    script = f"set -eu\ntags=$(cat)\n{lines}\nprintf '%s\\n' \"$version\""
    command = [*tools.shell(shell), "-c", script]
    done = subprocess.run(
        command, input="\n".join(tags()), capture_output=True, check=True, encoding="utf-8"
    )
    wanted = [version for tag in tags() if (version := expectation.version(tag, prefix))]
    assert done.stdout.splitlines() == wanted


def test_a_release_has_no_part_before_it() -> None:
    assert [is_release(text) for text in ("1.2.3", "1.2.3-rc.1", "")] == [True, False, False]
