"""What is read from a file is ticked off, and the rest of a job is told by its keys and lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_kaniko import SpecError
from ci_kaniko.importing.report import (
    FILE_LINES,
    FIRST_SCRIPT_LINE,
    Entry,
    Report,
    Voice,
    report_text,
)
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


def test_a_value_is_what_yaml_1_2_calls_it() -> None:
    words: dict[str, object] = {
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
        "012": "012",
        "-12": -12,
        "1.50": 1.5,
        "1e3": "1e3",
        "yes": "yes",
        "'true'": "true",
        # The tag that only says that a value is none of YAML's own kinds.
        "! x": "x",
        "!here [1]": [1],
        "{a: ~}": {"a": None},
    }
    for word, value in words.items():
        found = native(read_yaml(f"a: {word}\n", "a.yml").roots[0])["a"]
        assert (found, type(found)) == (value, type(value)), word
    assert string(read_yaml("a: ! x\n", "a.yml").roots[0]["a"]) == "x"


def test_nothing_in_the_place_of_a_list_or_a_mapping_is_read() -> None:
    root = read_yaml("a:\nb: ~\nc: ''\nd: x\n", "a.yml").roots[0]
    assert [sequence(root[key]) for key in "abcd"] == [[], [], [""], ["x"]]
    assert _left(root) == [("c", 3), ("d", 4)]
    root = read_yaml("a:\nb: x\n", "a.yml").roots[0]
    assert [dict(mapping(root[key])) for key in "ab"] == [{}, {}]
    assert _left(root) == [("b", 2)]


def test_a_wrong_escape_is_mended_and_shown() -> None:
    found = read_yaml('a: x\nb: "1\\.2 \\d"\n', "a.yml")
    assert string(found.roots[0]["b"]) == "1.2 d"
    assert [(each.line, str(*each.values).partition(" in ")[0]) for each in found.mended] == [
        (2, "\\."),
        (2, "\\d"),
    ]


REFUSED = {
    "conflict": ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", "bad-yaml", (2, 1)),
    "no end": ("a: [", "bad-yaml", (2, 1)),
    "no anchor": ("a: 1\nb: *x\n", "bad-yaml", (2, 1)),
    "escapes": ('a: "' + "\\d" * 51 + '"', "bad-yaml", (None, None)),
    "deep": ("\n" + "[" * 102, "too-deep", (2, 1)),
    "again": ("a: &a 1\nb: &a [*a]\n", "bad-yaml", (2, 1)),
    "itself": ("a: 1\nb: &b {c: *b}\n", "bad-yaml", (2, 1)),
    # Each line holds ten times what the one before does.
    "aliases": (
        "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 10 if n else 'x'}]\n" for n in range(9)),
        "too-large",
        (6, 1),
    ),
}


@pytest.mark.parametrize(("text", "rule", "place"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_refused_at_its_line(
    text: str, rule: str, place: tuple[int | None, int | None]
) -> None:
    with pytest.raises(SpecError) as raised:
        read_yaml(text, "a.yml")
    (problem,) = raised.value.problems
    assert (problem.rule, problem.path, problem.line, problem.column) == (rule, "a.yml", *place)


def test_an_alias_counts_with_what_it_stands_for() -> None:
    values, aliases = "1, " * 1000, "*a, " * 150
    (root,) = read_yaml(f"f: [{values}]\na: &a [x]\nb: [{aliases}]\n", "a.yml").roots
    assert native(root)["b"] == [["x"]] * 150


def test_keys_win_over_those_that_are_merged_and_the_first_over_the_next() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  !!merge <<: [*x, *y]\n  a: 5\n"
    (root,) = read_yaml(text, "a.yml").roots
    assert native(root)["z"] == {"a": 5, "b": 2, "c": 4}
    assert [root["z"].line_of(key) for key in "abc"] == [5, 1, 2]


def test_a_key_that_stands_again_is_told_and_the_last_one_counts() -> None:
    text = "a: &a {x: 1}\nb: 2\na:\n  <<: *a\n  <<: {y: 1, y: 2}\nb: 3\nb: 4\n"
    found = read_yaml(text, "a.yml")
    assert native(found.roots[0]) == {"a": {"x": 1, "y": 2}, "b": 4}
    told = [(each.sentence, each.line, *each.values) for each in found.mended]
    places = [("y", 5, 5), ("a", 1, 3), ("b", 2, 7), ("b", 6, 7)]
    assert told == [("repeated-key", line, key, last) for key, line, last in places]


def test_tags_of_ones_own_and_keys_that_are_no_texts_are_kept() -> None:
    (root,) = read_yaml("a: !here x\nb: &b !there [y]\nc: *b\n? [d]\n: e\n", "a.yml").roots
    assert [(root[key].tag, native(root[key])) for key in "abc"] == [
        ("!here", "x"),
        *[("!there", ["y"])] * 2,
    ]
    assert native(root)[""] == "e"


def test_a_report_has_a_block_for_each_kind() -> None:
    assert report_text([]) == ""
    left = Entry("left", "a-rule", "this", "a.yml", 3, "do that")
    carried = [Entry("carried", "b-rule", text) for text in ("it", "more")]
    assert report_text([*carried, left]) == (
        "carried over:\n  it [b-rule]\n  more [b-rule]\n\n"
        "not carried over; this is for you:\n  a.yml:3: this [a-rule]\n    do that\n"
    )
    assert str(replace(left, line=0)) == "  a.yml: this [a-rule]\n    do that"


def test_a_line_is_that_of_its_own_file_or_of_the_job() -> None:
    voice = Voice("ci.yml", 7, Report())
    voice.files[2] = "shared.yml"
    voice.lines |= {FIRST_SCRIPT_LINE: 12, FIRST_SCRIPT_LINE + 1: 2 * FILE_LINES + 3}
    places = {
        9: ("ci.yml", 9),
        2 * FILE_LINES + 4: ("shared.yml", 4),
        FIRST_SCRIPT_LINE: ("ci.yml", 12),
        FIRST_SCRIPT_LINE + 1: ("shared.yml", 3),
        FIRST_SCRIPT_LINE + 2: ("ci.yml", 7),
        0: ("ci.yml", 7),
    }
    assert {line: voice.place(line) for line in places} == places
