"""Inputs that are made to take long get a clear answer within a second."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko.syntax.globs import matches, to_regex
from harness.pace import of_children, within

STARS = "*a" * 12 + "b"
LONG = {
    "unknown keys": "push: never\n" + "".join(f"key{n}: 1\n" for n in range(30_000)),
    "stars": f"destinations: [{{image: ghcr.io/acme/shop:1, when: {{branch: {'a' * 200}}}}}]\n"
    f'triggers: {{branches: ["{STARS}"]}}\n',
}


@pytest.mark.parametrize("name", LONG)
def test_an_answer_takes_a_second_at_most(name: str) -> None:
    ci_kaniko.loads("push: never")

    def problems() -> int:
        with pytest.raises(ci_kaniko.SpecError) as raised:
            ci_kaniko.loads(LONG[name])
        return len(raised.value.problems)

    assert 0 < within(1, problems) <= 101


@pytest.mark.parametrize("name", LONG)
def test_so_does_the_command_which_reads_without_pydantic(name: str) -> None:
    command = [sys.executable, "-m", "ci_kaniko", "validate", "-f", "-"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, input=LONG[name], capture_output=True, text=True, check=False
        )

    done = within(2, run, of_children)
    assert (done.returncode, done.stderr.count("<stdin>:") in range(1, 102)) == (1, True)


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "**", "."]), max_size=8).map("".join),
    st.text("ab/.", max_size=8),
)
def test_matching_is_what_the_regular_expression_says(glob: str, ref: str) -> None:
    if "***" not in glob:
        assert matches(glob, ref) == (bool(ref) and re.fullmatch(to_regex(glob), ref) is not None)
