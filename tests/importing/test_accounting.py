"""What is read from a file is ticked off, and the rest of a job is told by its keys and lines."""

from __future__ import annotations

from ci_kaniko.importing.ticked import (
    Map,
    leftover,
    mapping,
    native,
    peek,
    read_yaml,
    sequence,
    string,
)

_TEXT = """\
base: &base {size: 1, colour: red}
job:
  <<: *base
  steps:
    - run: one
      shell: sh
    - run: two
  env: !reference [base, env]
  needs: []
  note:
"""


def _left(job: Map) -> list[tuple[str, int]]:
    return [(left.path, left.line) for left in leftover(job)]


def test_the_topmost_keys_below_which_nothing_was_read_are_left() -> None:
    root = read_yaml(_TEXT, "a.yml").roots[0]
    job = mapping(root["job"])
    assert [path for path, _ in _left(job)] == ["steps", "env", "needs", "note", "size", "colour"]
    assert string(root["base"]["size"]) == "1"
    steps = sequence(job["steps"])
    assert peek(mapping(steps[1])["run"]) == "two"
    assert string(mapping(steps[0])["run"]) == "one"
    rest = [("env", 8), ("needs", 9), ("note", 10), ("colour", 1)]
    assert _left(job) == [("steps[0].shell", 6), ("steps[1]", 7), *rest]
    native(job["steps"])
    native(job["env"])
    sequence(job["needs"])
    assert _left(job) == [("note", 10), ("colour", 1)]
