"""Globs of branches and tags, each tried on every short name."""

from __future__ import annotations

import re
import subprocess
from itertools import product

import pytest

from ci_kaniko.problems.finding import Refused
from ci_kaniko.syntax.globs import case_arms, check_glob, covers, is_literal, matches, to_regex
from ci_kaniko.text.quoting import quote
from harness import tools


def is_glob(text: str) -> bool:
    try:
        return check_glob(text) == text
    except Refused:
        return False


NAMES = ["".join(name) for size in range(1, 5) for name in product("ab/", repeat=size)]
GLOBS = [
    glob
    for size in range(1, 5)
    for glob in map("".join, product("ab/*", repeat=size))
    if is_glob(glob)
]
MATCHED = {glob: frozenset(name for name in NAMES if matches(glob, name)) for glob in GLOBS}


@pytest.mark.parametrize("size", range(1, 5))
def test_a_glob_is_its_regular_expression(size: int) -> None:
    names = [name for name in NAMES if len(name) == size]
    for glob, matched in MATCHED.items():
        pattern = re.compile(to_regex(glob))
        assert [n for n in names if n in matched] == [n for n in names if pattern.fullmatch(n)]
    assert not any(matches(glob, "") for glob in GLOBS)


@pytest.mark.parametrize("shell", tools.shells())
def test_a_shell_matches_the_same(shell: str) -> None:
    """By a ``case``, which cannot say all of them."""
    names = " ".join(NAMES)
    arms = {glob: found for glob in GLOBS if (found := case_arms(glob))}
    assert [glob for glob in GLOBS if glob not in arms] == [
        glob for glob in GLOBS if {"*", "**"} <= set(re.findall(r"\*+", glob))
    ]
    lines = ["set -f"]
    for glob, (*not_these, pattern) in arms.items():
        first = "".join(f"{arm}) ;; " for arm in not_these)
        lines.append(f"printf '%s' {quote(glob)}")
        lines.append(
            f"for n in {names}; do case $n in {first}{pattern}) printf ' %s' $n ;; esac; done"
        )
        lines.append("echo")
    out = subprocess.run(
        [*tools.shell(shell), "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told = {glob: frozenset(rest) for glob, *rest in (line.split() for line in out.splitlines())}
    assert told == {glob: MATCHED[glob] for glob in arms}


def test_what_is_covered_matches_nothing_else() -> None:
    """Covering may be overlooked, but is never claimed wrongly."""
    for wide, narrow in product(GLOBS, repeat=2):
        if covers(wide, narrow):
            assert MATCHED[narrow] <= MATCHED[wide], (wide, narrow)


SEEN = {
    "itself": ("a*", "a*"),
    "what differs in two places": ("a*b*", "a*b*"),
    "a name": ("a*", "ab"),
    "everything": ("**", "a/*"),
    "one part": ("*", "a*"),
    "a longer beginning": ("v*", "v1.*"),
    "a longer end": ("*-rc", "v1.*-rc"),
    "both": ("v**-rc", "v1/*-rc"),
    "deeper": ("release/**", "release/*/x"),
}
UNSEEN = {
    "another name": ("ab", "a*"),
    "another beginning": ("v*", "w1.*"),
    "another end": ("*-rc", "*-beta"),
    "deeper than one part": ("release/*", "release/*/x"),
    "any depth": ("v*", "v**"),
    "beginning and end that overlap": ("aba*aba", "aba*ba"),
    "two places": ("a*b*", "a*b"),
}


@pytest.mark.parametrize(("wide", "narrow"), SEEN.values(), ids=SEEN)
def test_seen_to_cover(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(("wide", "narrow"), UNSEEN.values(), ids=UNSEEN)
def test_not_seen_to_cover(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow)


def test_a_literal_has_no_star() -> None:
    assert [glob for glob in GLOBS if is_literal(glob)] == [g for g in GLOBS if "*" not in g]
