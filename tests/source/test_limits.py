"""Inputs that are made to take long get a clear answer within a second."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko.syntax.globs import matches, to_regex

STARS = "*a" * 12 + "b"
LONG = {
    "unknown keys": "push: never\n" + "".join(f"key{n}: 1\n" for n in range(30_000)),
    "stars": f"destinations: [{{image: ghcr.io/acme/shop:1, when: {{branch: {'a' * 200}}}}}]\n"
    f'triggers: {{branches: ["{STARS}"]}}\n',
}


@pytest.mark.parametrize("name", LONG)
def test_an_answer_takes_a_second_at_most(name: str) -> None:
    ci_kaniko.loads("push: never")
    start = time.process_time()
    with pytest.raises(ci_kaniko.SpecError) as raised:
        ci_kaniko.loads(LONG[name])
    assert time.process_time() - start < 1
    assert 0 < len(raised.value.problems) <= 101


@pytest.mark.parametrize("name", LONG)
def test_so_does_the_command_which_reads_without_pydantic(name: str) -> None:
    command = [sys.executable, "-m", "ci_kaniko", "validate", "-f", "-"]
    before = _seconds_of_children()
    done = subprocess.run(command, input=LONG[name], capture_output=True, text=True, check=False)
    assert _seconds_of_children() - before < 2
    assert (done.returncode, done.stderr.count("<stdin>:") in range(1, 102)) == (1, True)


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "**", "."]), max_size=8).map("".join),
    st.text("ab/.", max_size=8),
)
def test_matching_is_what_the_regular_expression_says(glob: str, ref: str) -> None:
    if "***" not in glob:
        assert matches(glob, ref) == (bool(ref) and re.fullmatch(to_regex(glob), ref) is not None)
