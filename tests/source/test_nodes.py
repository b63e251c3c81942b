"""The node tree: where things are, and every way in which a text can be wrong."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.source.nodes import Mapping, Node, Place, Scalar, Sequence
from ci_kaniko.source.reading import MAX_BYTES, decode, parse, read
from ci_kaniko.source.source import Source
from ci_kaniko.source.tree import MAX_DEPTH, MAX_NODES
from ci_kaniko.text import pyyaml
from harness.pace import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = settings().max_examples


def problems_of(text: str) -> list[Problem]:
    """The problems that a text has."""
    with pytest.raises(SpecError) as raised:
        parse(text, "spec.yaml")
    return list(raised.value.problems)


def problem_of(call: Callable[[], object]) -> Problem:
    """The one problem that a call raises."""
    with pytest.raises(SpecError) as raised:
        call()
    (problem,) = raised.value.problems
    return problem


def marks_of(text: str) -> list[str]:
    """Every problem of a text, as ``rule line:column-end``."""
    return [mark_of(problem) for problem in problems_of(text)]


def mark_of(problem: Problem) -> str:
    return f"{problem.rule} {problem.line}:{problem.column}+{problem.width}"


def nodes_of(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    yield node
    if isinstance(node, Mapping):
        for key, value in node.items:
            yield key
            yield from nodes_of(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from nodes_of(item)


def scalars_of(text: str) -> list[str]:
    """Every scalar of a text, as ``text line:column-line:column``."""
    return [
        f"{node.text} {node.line}:{node.column}-{node.end_line}:{node.end_column}"
        for node in nodes_of(parse(text, "spec.yaml").root)
        if isinstance(node, Scalar)
    ]


def plain(node: Node) -> Any:
    """A tree as Python values, every scalar a text."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.text: plain(value) for key, value in node.items}


def value(text: str, *where: str | int) -> Node:
    return parse(text, "spec.yaml").locate(where).node


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PyYAML without libyaml."""
    monkeypatch.setattr(pyyaml, "Parser", yaml.SafeLoader)


POSITIONS = {
    "block": ("a: b\nc:\n  - d\n", ["a 1:1-1:2", "b 1:4-1:5", "c 2:1-2:2", "d 3:5-3:6"]),
    "flow": ("a: [b, {c: d}]", ["a 1:1-1:2", "b 1:5-1:6", "c 1:9-1:10", "d 1:12-1:13"]),
    "JSON": ('{"a":1,\n "b": "c"}', ["a 1:2-1:5", "1 1:6-1:7", "b 2:2-2:5", "c 2:7-2:10"]),
    "JSON with tabs": ('{\n\t"a":\t1\n}', ["a 2:2-2:5", "1 2:7-2:8"]),
    "tab between": ("a:\tb", ["a 1:1-1:2", "b 1:4-1:5"]),
    "several lines": ("a: b\n  c\nd: e", ["a 1:1-1:2", "b c 1:4-2:4", "d 3:1-3:2", "e 3:4-3:5"]),
    "block of text": ("a: |\n  b\n\nc: d", ["a 1:1-1:2", "b\n 1:4-4:1", "c 4:1-4:2", "d 4:4-4:5"]),
    "quoted lines": ('a: "b\n  c"', ["a 1:1-1:2", "b c 1:4-2:5"]),
    "CRLF": ("a: b\r\n\r\nc: d\r\n", ["a 1:1-1:2", "b 1:4-1:5", "c 3:1-3:2", "d 3:4-3:5"]),
    "lone CR": ("a: b\rc: d", ["a 1:1-1:2", "b 1:4-1:5", "c 2:1-2:2", "d 2:4-2:5"]),
    "line separator": (
        "a: b\u2028  c\nd: e",
        ["a 1:1-1:2", "b\u2028  c 1:4-1:9", "d 2:1-2:2", "e 2:4-2:5"],
    ),
    "separators in comments": ("# x\u2028y: z\n#\u2029\na: b", ["a 3:1-3:2", "b 3:4-3:5"]),
    "byte order mark": ("\ufeffa: b", ["a 1:1-1:2", "b 1:4-1:5"]),
    "byte order marks": ("\ufeff\ufeff\ufeffa: b", ["a 1:1-1:2", "b 1:4-1:5"]),
    "emoji": ("😀: [👩‍💻, b]", ["😀 1:1-1:2", "👩‍💻 1:5-1:8", "b 1:10-1:11"]),
    "wide text": ("名: 値 # 註\nb: c", ["名 1:1-1:2", "値 1:4-1:5", "b 2:1-2:2", "c 2:4-2:5"]),
    "empty value": (
        "a:\nb: [c: ]",
        ["a 1:1-1:2", " 1:3-1:3", "b 2:1-2:2", "c 2:5-2:6", " 2:8-2:8"],
    ),
    "comments and start": ("# x\n---\n# y\na: b # z", ["a 4:1-4:2", "b 4:4-4:5"]),
    "anchor and tag": ("a: &x !!str b", ["a 1:1-1:2", "b 1:4-1:14"]),
    "alias": ("a: &x b\nc: *x", ["a 1:1-1:2", "b 1:4-1:8", "c 2:1-2:2", "b 1:4-1:8"]),
    "alias as key": ("a: &x b\n*x : c", ["a 1:1-1:2", "b 1:4-1:8", "b 1:4-1:8", "c 2:6-2:7"]),
}


@pytest.mark.parametrize(("text", "expected"), POSITIONS.values(), ids=POSITIONS)
def test_positions_of_scalars(text: str, expected: list[str]) -> None:
    assert scalars_of(text) == expected


COLLECTIONS = {
    "flow list": ("a: [b,\n  c] # d", (1, 4, 2, 5)),
    "flow mapping": ("a: {b: c} # d", (1, 4, 1, 10)),
    "block list": ("a:\n  - b\n  - c # d\n\n# e\nf: g", (2, 3, 3, 6)),
    "block mapping": ("a:\n  b: c\n\nf: g", (2, 3, 2, 7)),
    "ends with an alias": ("x: &x\n  y: z\na:\n  b: *x\nc: d", (4, 3, 4, 8)),
    "ends with nothing": ("a:\n  b:\nc: d", (2, 3, 2, 5)),
    "anchored block": ("a: &x\n  b: c\nd: e", (1, 4, 2, 7)),
}


@pytest.mark.parametrize(("text", "expected"), COLLECTIONS.values(), ids=COLLECTIONS)
def test_positions_of_collections(text: str, expected: tuple[int, ...]) -> None:
    node = value(text, "a")
    assert (node.line, node.column, node.end_line, node.end_column) == expected


PLAIN = {
    "plain": ("1.10", ("1.10", True)),
    "empty": ("", ("", True)),
    "single quotes": ("'1'", ("1", False)),
    "double quotes": ('"1"', ("1", False)),
    "literal block": ("|\n 1\n", ("1\n", False)),
    "folded block": (">-\n 1\n", ("1", False)),
    "tagged as text": ("!!str 1", ("1", False)),
    "tagged in full": ("!<tag:yaml.org,2002:str> 1", ("1", False)),
    "tagged as text without saying so": ("! 1", ("1", False)),
    "quoted number": ('!!int "1"', ("1", True)),
    "quoted null": ('!!null ""', ("", True)),
    "quoted boolean": ("!!bool 'on'", ("on", True)),
    "plain number": ("!!float 1", ("1", True)),
}


@pytest.mark.parametrize(("written", "expected"), PLAIN.values(), ids=PLAIN)
def test_plain_scalars(written: str, expected: tuple[str, bool]) -> None:
    node = value(f"a: {written}", "a")
    assert isinstance(node, Scalar)
    assert (node.text, node.plain) == expected


@pytest.mark.usefixtures("pure")
@pytest.mark.parametrize(("written", "expected"), PLAIN.values(), ids=PLAIN)
def test_plain_scalars_without_libyaml(written: str, expected: tuple[str, bool]) -> None:
    test_plain_scalars(written, expected)


def test_core_tags_on_collections() -> None:
    assert plain(value("a: !!map {b: !!seq [c]}", "a")) == {"b": ["c"]}
    assert plain(value("a: ! {b: ! [c]}", "a")) == {"b": ["c"]}


MERGES = {
    "keys go where << stood": ("{x: 1, <<: {y: 2}, z: 3}", {"x": "1", "y": "2", "z": "3"}),
    "own keys win": ("{<<: {x: 1, y: 2}, x: 3}", {"y": "2", "x": "3"}),
    "own keys win from before": ("{x: 3, <<: {x: 1, y: 2}}", {"x": "3", "y": "2"}),
    "the earlier of a list wins": ("{<<: [{x: 1}, {x: 2, y: 3}]}", {"x": "1", "y": "3"}),
    "merges of merges": ("{<<: {<<: {x: 1}, y: 2}}", {"x": "1", "y": "2"}),
    "empty list": ("{<<: [], x: 1}", {"x": "1"}),
    "quoted << is a key": ('{"<<": {x: 1}}', {"<<": {"x": "1"}}),
    "tagged << is a key": ("{!!str <<: {x: 1}}", {"<<": {"x": "1"}}),
    "quoted << beside a merge": ("{'<<': 1, <<: {x: 1}}", {"<<": "1", "x": "1"}),
    "quoted << in a merge": ("{<<: {'<<': 1}}", {"<<": "1"}),
}


@pytest.mark.parametrize(("written", "expected"), MERGES.values(), ids=MERGES)
def test_merges(written: str, expected: dict[str, Any]) -> None:
    merged = plain(value(f"a: {written}", "a"))
    assert merged == expected
    assert list(merged) == list(expected)


def test_merged_keys_keep_their_place() -> None:
    source = parse("x: &x\n  b: c\na:\n  <<: [*x]\n  d: e\n", "spec.yaml")
    _, key, node = source.locate(("a", "b"))
    assert key
    assert (key.line, key.column, node.line, node.column) == (2, 3, 2, 6)


def test_an_anchor_may_be_defined_again() -> None:
    assert plain(parse("a: &x 1\nb: *x\nc: &x 2\nd: *x", "").root)["d"] == "2"
    assert plain(value("a: &x [1, &x 2, *x]\nb: *x", "b")) == "2"


def test_aliases_share_their_node() -> None:
    source = parse("a: &x [1]\nb: *x", "")
    assert source.root.get("a") is source.root.get("b")


def test_mapping_lookups() -> None:
    root = parse("a: 1\nb: {c: 2}", "").root
    key = root.key("b")
    assert key
    assert (key.text, key.line) == ("b", 2)
    assert plain(root.get("b") or root) == {"c": "2"}
    assert root.get("c") is None
    assert root.key("c") is None


LOCATE = {
    "root": ((), None, "1:1"),
    "value": (("a",), "1:1", "1:4"),
    "item": (("b", 1), None, "4:5"),
    "item's key": (("b", 1, "c"), "4:5", "4:8"),
    "union tags": (("b", "list[Item]", 1, "Item", "c", "str"), "4:5", "4:8"),
    "key of a mapping": (("b", 1, "c", "[key]"), "4:5", "4:8"),
    "missing key": (("b", 1, "missing"), None, "4:5"),
    "missing item": (("b", 7), "2:1", "3:3"),
    "item before the first": (("b", -1), "2:1", "3:3"),
    "index of a scalar": (("a", 0), "1:1", "1:4"),
}


@pytest.mark.parametrize(("where", "key", "node"), LOCATE.values(), ids=LOCATE)
def test_locate(where: tuple[str | int, ...], key: str | None, node: str) -> None:
    source = parse("a: 1\nb:\n  - x\n  - c: d\n", "spec.yaml")
    _, found_key, found = source.locate(where)
    assert f"{found.line}:{found.column}" == node
    assert (f"{found_key.line}:{found_key.column}" if found_key else None) == key


def test_lines_are_safe_for_any_number() -> None:
    source = parse("a: 1\r\nb: 2", "")
    assert [source.line(n) for n in (-1, 0, 1, 2, 3, 99)] == ["", "", "a: 1", "b: 2", "", ""]


def test_problem_points_at_a_node() -> None:
    source = parse("a: [x,\n  yz]  # c\n", "spec.yaml")
    problem = source.problem(
        "bad", "wrong", source.locate(("a", 1)).node, "right", "warning", "a[1]"
    )
    assert problem == Problem(
        rule="bad",
        message="wrong",
        hint="right",
        severity="warning",
        path="spec.yaml",
        where="a[1]",
        line=2,
        column=3,
    )
    assert (problem.excerpt, problem.width) == ("  yz]  # c", 2)


def test_problem_underlines_to_the_end_of_the_line() -> None:
    source = parse("a: [x,   \n  yz]\nb:", "spec.yaml")
    assert source.problem("", "", source.locate(("a",)).node).width == 3
    assert source.problem("", "", source.locate(("b",)).node).width == 1


def masked(text: str, *secrets: tuple[str | int, ...]) -> Source:
    source = parse(text, "spec.yaml")
    for secret in secrets:
        source.mask(source.locate(secret).node)
    return source


def test_mask_hides_a_value() -> None:
    source = masked('a: {b: "hunter2", c: hunter3, d: e} # f', ("a", "b"), ("a", "c"))
    excerpt = "a: {b: *********, c: *******, d: e} # f"
    for key, shown in (("b", "*********"), ("c", "*******"), ("d", "e")):
        problem = source.problem("", "", source.locate(("a", key)).node)
        assert problem.excerpt == excerpt
        assert excerpt[problem.column - 1 :][: problem.width] == shown if problem.column else False
    whole = source.problem("", "", source.locate(("a",)).node)
    assert (whole.column, whole.width) == (4, len("{b: *********, c: *******, d: e}"))


def test_mask_hides_every_line_of_a_value() -> None:
    source = masked("a: |\n  one\n\n   two\nb: 'three\n\n  four' # c\nd: e", ("a",), ("b",))
    shown = [source.problem("", "", Node(Place(n, 1, n, 2))).excerpt for n in range(1, 9)]
    assert shown == ["a: *", "  ***", "", "   ***", "b: ******", "", "  ***** # c", "d: e"]


def test_mask_hides_a_collection_and_what_is_in_it() -> None:
    source = masked("a:\n  b: [x, y]\n  c: d # e\nf: g", ("a", "b", 0), ("a",), ("a", "b", 1))
    shown = [source.problem("", "", Node(Place(n, 1, n, 2))).excerpt for n in range(1, 5)]
    assert shown == ["a:", "  *********", "  **** # e", "f: g"]
    problem = source.problem("", "", source.locate(("a", "b", 1)).node)
    assert (problem.column, problem.width) == (10, 1)


def test_mask_of_nothing_shows_nothing() -> None:
    source = masked("a:\nb: c", ("a",))
    assert source.problem("", "", source.root).excerpt == "a:"


def test_excerpts_cannot_drive_a_terminal() -> None:
    problem = problem_of(lambda: parse("a: \x1b[31m\u202e\ud800 é😀\t", ""))
    assert problem.excerpt == "a: \ufffd[31m\ufffd\ufffd é😀\t"
    assert "\x1b" not in str(problem.explain())


RULES = {
    "empty": ("", "empty-spec 1:1+1"),
    "spaces": (" \n\n", "empty-spec 1:1+1"),
    "only comments": ("# a\n# b\n", "empty-spec 1:1+1"),
    "only a document start": ("---\n# a\n", "empty-spec 1:1+1"),
    "only a byte order mark": ("\ufeff", "empty-spec 1:1+1"),
    "list": ("- a\n- b", "not-a-mapping 1:1+3"),
    "text": ("# c\nab", "not-a-mapping 2:1+2"),
    "null": ("~", "not-a-mapping 1:1+1"),
    "quoted nothing": ('""', "not-a-mapping 1:1+2"),
    "second document": ("a: 1\n---\nb: 1", "several-documents 2:1+3"),
    "empty second document": ("a: 1\n---\n", "several-documents 2:1+3"),
    "empty first document": ("---\n---\na: 1", "several-documents 2:1+3"),
    "document after an end": ("a: 1\n...\nb: 1", "several-documents 3:1+1"),
    "unknown alias": ("a: [*b]", "bad-alias 1:5+2"),
    "unknown alias at the root": ("*b", "bad-alias 1:1+2"),
    "unknown alias as key": ("*b : 1", "bad-alias 1:1+2"),
    "unknown alias in a merge": ("<<: [*b]", "bad-alias 1:6+2"),
    "anchor below its alias": ("a: *b\nc: &b 1", "bad-alias 1:4+2"),
    "alias inside its list": ("a: &b [[*b]]", "bad-alias 1:9+2"),
    "alias inside its mapping": ("a: &b\n  c: *b", "bad-alias 2:6+2"),
    "merge of itself": ("a: &b\n  <<: *b", "bad-alias 2:7+2"),
    "duplicate key": ("abc: 1\nb: 2\nabc: 3", "duplicate-key 3:1+3"),
    "duplicate key in flow": ("a: {b: 1, 'b': 2}", "duplicate-key 1:11+3"),
    "duplicate key by alias": ("a: &x b\nc: {b: 1, *x : 2}", "duplicate-key 2:11+2"),
    "duplicate merge": ("<<: {a: 1}\n<<: {b: 1}", "duplicate-key 2:1+2"),
    "mapping as key": ("a: {{ b }}", "bad-key 1:5+5"),
    "list as key": ("? [a]\n: b", "bad-key 1:3+3"),
    "block list as key": ("? - a\n: b", "bad-key 1:3+3"),
    "alias of a list as key": ("a: &x [b]\n*x : c", "bad-key 2:1+2"),
    "null key": ("null: 1", "bad-key 1:1+4"),
    "tilde key": ("a: {~: 1}", "bad-key 1:5+1"),
    "empty key": ("? \n: 1", "bad-key 1:2+1"),
    "quoted empty key": ('"": 1', "bad-key 1:1+2"),
    "unknown tag": ("a: !reference [b]", "bad-tag 1:4+10"),
    "core tag of another kind": ("a: !!set {b}", "bad-tag 1:4+5"),
    "list tag on a mapping": ("a: !!seq {b: c}", "bad-tag 1:4+5"),
    "mapping tag on text": ("a: !!map b", "bad-tag 1:4+5"),
    "text tag on a list": ("a: !!str\n- b", "bad-tag 1:4+5"),
    "tag on a key": ("!x a: 1", "bad-tag 1:1+2"),
    "merge of text": ("a:\n  <<: b", "bad-merge 2:3+2"),
    "merge of null": ("<<:", "bad-merge 1:1+2"),
    "merge of a list of texts": ("<<: [{a: 1}, b, c]", "bad-merge 1:1+2"),
    "merge of a list of lists": ("<<: [[{a: 1}]]", "bad-merge 1:1+2"),
    "deep": ("a: " + "[" * MAX_DEPTH, "too-deep 1:67+1"),
    "control character": ("a: b\n\x07", "not-text 2:1+1"),
    "NUL": ("a: \0", "not-text 1:4+1"),
    "surrogate": ("a: 😀\ud800", "not-text 1:5+1"),
    "noncharacter": ("a: \uffff", "not-text 1:4+1"),
    "DEL after CRLF": ("a: b\r\n \x7f", "not-text 2:2+1"),
}


@pytest.mark.parametrize(("text", "mark"), RULES.values(), ids=RULES)
def test_rules(text: str, mark: str) -> None:
    assert marks_of(text) == [mark]


@pytest.mark.usefixtures("pure")
@pytest.mark.parametrize(("text", "mark"), RULES.values(), ids=RULES)
def test_rules_without_libyaml(text: str, mark: str) -> None:
    assert marks_of(text) == [mark]


SYNTAX = {
    "tab": ("a:\n\tb: 1", "2:1+1", "a tab cannot indent"),
    "tab below a value": ("a: 1\n\tb: 2", "2:1+1", "a tab cannot indent"),
    "tab after spaces": ("a: 1\n\n  \tb: 1", "3:3+1", "a tab cannot indent"),
    "tab after a dash": ("a:\n-\tb: 1", "2:2+1", "a tab cannot indent"),
    "tab in a block": ("a: |\n\tb", "2:1+1", "a tab cannot indent"),
    "open double quote": ('a: "b\nc: d\n', "1:4+1", 'the text that starts with " is never closed'),
    "open single quote": ("a: 'b\nc: d\n", "1:4+1", "the text that starts with ' is never closed"),
    "open quote before ---": ("a: 'b\n---\nc'", "1:4+1", "the text that starts with ' is never"),
    "quote in quotes": ("a: 'it's'", "1:8+2", '"s\'" is not expected after the value'),
    "open bracket": ("a: [b,\nc: d\n", "1:4+1", '"[" is never closed'),
    "open brace": ("a: {b: c", "1:4+1", '"{" is never closed'),
    "wrong bracket": ("a: {b: c]", "1:4+1", '"{" is never closed'),
    "missing comma": ('{"a": 1 "b": 2}', "1:12+1", 'expected "," or "}" here'),
    "colon in flow": ("a: [b: c: d]", "1:9+1", 'expected "," or "]" here'),
    "comma too many": ("a: [b,, c]", "1:7+1", '"," cannot start a value'),
    "bracket too many": ("a: [b]]", "1:7+1", '"]" is not expected after the value'),
    "bracket from nowhere": ("a: ]", "1:4+1", '"]" cannot start a value'),
    "at sign": ("a: @b", "1:4+1", '"@" cannot start a value'),
    "backtick": ("a: `b`", "1:4+1", '"`" cannot start a value'),
    "percent sign": ("a: %b", "1:4+1", '"%" cannot start a value'),
    "percent line": ("%b: 1", "1:1+1", '"%" at the start of a line'),
    "colon in a value": ("a: b: c", "1:5+1", 'a value cannot contain ": " unless it is quoted'),
    "colon before a bracket": ("a: {b:] c}", "1:6+1", '":" cannot stand here without quotes'),
    "colon after emoji": ("a: 😀: c", "1:5+1", 'a value cannot contain ": " unless it is quoted'),
    "key below a value": ("a: b\n  c: d", "2:4+1", "a key is not expected here"),
    "mapping beside ---": ("--- a: 1", "1:6+1", 'a mapping cannot start beside "---"'),
    "no space after the colon": ("a: 1\nb:2\nc: 3", "2:1+3", '"b:2" is not a "key: value" line'),
    "no value": ("a: 1\nbcd\n", "2:1+3", '"bcd" is not a "key: value" line'),
    "open bracket at the end": ("a: [", "1:4+1", "the text ends where a value should be"),
    "no key": (": b", "1:1+1", 'a key is missing before ":"'),
    "list beside its key": ("a: - b", "1:4+1", '"-" cannot start a list here'),
    "list among keys": ("a: 1\n- b", "2:1+1", 'a list item "-" stands among the keys'),
    "key among items": ("- a\nb: 1", "2:1+1", "a key stands among the items of a list"),
    "odd indentation": ("a:\n  b: c\n d: e", "3:2+1", "the indentation of this line fits nothing"),
    "less than the first": ("  a: 1\nb: 2", "2:1+1", "this does not belong to what is above it"),
    "star": ("a: [*, b]", "1:5+1", '"*" looks like a YAML alias but is none'),
    "double star": ("a: **/b", "1:4+4", '"**/b" looks like a YAML alias but is none'),
    "ampersand": ("a: & b", "1:4+1", '"&" looks like a YAML anchor but is none'),
    "version range": ("a: >=1.0", "1:4+1", '">" announces a block of text'),
    "pipe": ("a: |b", "1:4+1", '"|" announces a block of text'),
    "question mark": ("a: ? b", "1:4+1", '"?" cannot start a value'),
    "escape": (r'a: "\d"', "1:5+1", "this is not an escape sequence"),
    "escape of half a character": (r'a: "\ud83d"', "1:7+1", "this is not an escape sequence"),
    "tag handle": ("a: !b!c d", "1:4+4", '"!b!c" is not a tag'),
    "open tag": ("a: !<b", "1:4+3", '"!<b" is not a tag'),
    "long key": ("a: 1\n" + "k" * 1100 + ": 1", "2:1+1", "a key is longer than 1024"),
    "CRLF": ("a: 1\r\n\r\nb: @\r\n", "3:4+1", '"@" cannot start a value'),
    "line separator": ("# \u2028\u2029\na: @", "2:4+1", '"@" cannot start a value'),
    "no --- after %": ("%YAML 1.1\na: 1", "2:1+1", "this does not belong"),
    "version of YAML": ("%YAML 3.0\n---\na: 1", "1:1+1", '"%" at the start of a line'),
    "masses of directives": ("%TAG !a! b\n" * 101 + "---\na: 1", "101:1+4", "more than 100 %TAG"),
}


@pytest.mark.parametrize(("text", "mark", "message"), SYNTAX.values(), ids=SYNTAX)
def test_syntax(text: str, mark: str, message: str) -> None:
    (problem,) = problems_of(text)
    assert mark_of(problem) == f"yaml-syntax {mark}"
    assert message in problem.message
    assert problem.hint


ELSEWHERE = {"colon before a bracket", "escape", "escape of half a character", "version of YAML"}


@pytest.mark.usefixtures("pure")
@pytest.mark.parametrize("case", [case for case in SYNTAX if case not in ELSEWHERE])
def test_syntax_without_libyaml(case: str) -> None:
    test_syntax(*SYNTAX[case])


@pytest.mark.usefixtures("pure")
def test_impossible_escape_without_libyaml() -> None:
    (problem,) = problems_of(r'a: "\UFFFFFFFF"')
    assert problem.rule == "yaml-syntax"


def test_all_duplicates_are_reported_together() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\na: 2\n\na: 3\n"
    assert marks_of(text) == ["duplicate-key 2:11+1", "duplicate-key 3:1+1", "duplicate-key 5:1+1"]
    messages = [problem.message for problem in problems_of(text)]
    assert messages[1] == messages[2] == 'the key "a" is already given on line 1'


def test_what_was_seen_before_a_syntax_error_is_reported_too() -> None:
    text = "a: !x 1\na: *b\nc: [{}: d]\ne: @"
    expected = ["bad-tag 1:4+2", "duplicate-key 2:1+1", "bad-alias 2:4+2", "bad-key 3:5+2"]
    assert marks_of(text) == [*expected, "yaml-syntax 4:4+1"]


def test_keys_in_different_mappings_are_no_duplicates() -> None:
    assert plain(parse("a: {a: 1}\nb: {a: [{a: 1}, {a: 2}]}\n'1': 1\n1.0: 1", "").root)["1"] == "1"


def test_long_words_are_cut() -> None:
    for text in (
        "a: *" + "b" * 500,
        "a: !" + "b" * 500,
        2 * ("k" * 500 + ": 1\n"),
        "a: *." + "b" * 500,
    ):
        (problem,) = problems_of(text)
        assert len(problem.message) < 120
        assert len(problem.hint) < 120


def test_depth_and_size_at_the_limit() -> None:
    depth = MAX_DEPTH - 1
    parse("a: " + "[" * depth + "]" * depth, "")
    parse("a: [" + "b," * (MAX_NODES - 3) + "]", "")
    assert marks_of("a: [" + "b," * (MAX_NODES - 2) + "]") == ["too-many-nodes 1:199999+1"]


def test_depth_counts_through_aliases() -> None:
    half = MAX_DEPTH // 2
    text = f"a: &x {'[' * half}{']' * half}\nb: {'[' * half}*x{']' * half}"
    assert marks_of(text) == [f"too-deep 2:{4 + half}+2"]


def bomb(opening: str, closing: str, key: str) -> str:
    names = [f"n{number}" for number in range(20)]
    lines = [f"n0: &n0 {opening}{closing}"]
    for inner, name in pairwise(names):
        items = ", ".join(f"{key.format(n=n)}*{inner}" for n in range(10))
        lines.append(f"{name}: &{name} {opening}{items}{closing}")
    return "\n".join(lines)


def merge_bomb() -> str:
    keys = ", ".join(f"k{number}: 1" for number in range(1000))
    return f"a: &a {{{keys}}}\nb: {{<<: [{', '.join(['*a'] * 50_000)}]}}"


MEGABYTE = 1_000_000
BOMBS = {
    "brackets": ("[" * MEGABYTE, "too-deep"),
    "braces": ("{" * MEGABYTE, "too-deep"),
    "brackets in braces": ("{a: [" * (MEGABYTE // 5), "too-deep"),
    "dashes": ("- " * (MEGABYTE // 2), "too-deep"),
    "question marks": ("? " * (MEGABYTE // 2), "too-deep"),
    "questions and brackets": ("[? " * (MEGABYTE // 3), "too-deep"),
    "stairs": ("\n".join(" " * n + "a:" for n in range(1400)), "too-deep"),
    "closing brackets": ("]" * MEGABYTE, "yaml-syntax"),
    "colons": (":" * MEGABYTE, "yaml-syntax"),
    "tabs": ("\t" * MEGABYTE, "yaml-syntax"),
    "letters": ("a" * MEGABYTE, "not-a-mapping"),
    "long value": ("- a\nb: " + "a" * MEGABYTE, "yaml-syntax"),
    "long open quote": ('a: "' + "a " * (MEGABYTE // 2), "yaml-syntax"),
    "long alias": ("a: *" + "a" * MEGABYTE, "bad-alias"),
    "long alias that is none": ("a: *." + "a" * MEGABYTE, "yaml-syntax"),
    "long tag": ("a: !" + "a" * MEGABYTE, "bad-tag"),
    "lines": ("\n" * MEGABYTE, "empty-spec"),
    "documents": ("---\n" * (MEGABYTE // 4), "several-documents"),
    "tag directives": ("".join(f"%TAG !{n}! x\n" for n in range(50_000)), "yaml-syntax"),
    "control characters": ("\x01" * MEGABYTE, "not-text"),
    "many items": ("a: [" + "b," * (MEGABYTE // 2), "too-many-nodes"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(80_000)), "too-many-nodes"),
    "many lists": ("a: [" + "[]," * (MEGABYTE // 3), "too-many-nodes"),
    "many duplicates": ("{" + "a: 1, " * (MEGABYTE // 6), "duplicate-key"),
    "many unknown aliases": ("a: [" + "*b," * (MEGABYTE // 3), "bad-alias"),
    "many unknown tags": ("a: [" + "!b c," * (MEGABYTE // 5), "bad-tag"),
    "many mappings as keys": ("{" + "{}: 1, " * (MEGABYTE // 7), "bad-key"),
    "alias bomb of lists": (bomb("[", "]", ""), "too-many-nodes"),
    "alias bomb of mappings": (bomb("{", "}", "k{n}: "), "too-many-nodes"),
    "merge bomb": (merge_bomb(), "too-many-nodes"),
    "merge chain": (
        "a0: &a0 {k: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 2000)),
        "too-deep",
    ),
    "too large": ("#" * (MAX_BYTES + 1), "too-large"),
}


@pytest.mark.parametrize(("text", "rule"), BOMBS.values(), ids=BOMBS)
def test_bombs(text: str, rule: str) -> None:
    problems = within(2, lambda: problems_of(text))
    assert problems[-1].rule == rule
    assert len(str(SpecError(problems))) < 1_000_000


FINE = {
    "one long line": "a: " + "b" * MEGABYTE,
    "words": "a: " + "b " * (MEGABYTE // 2),
    "quoted words": 'a: "' + "b " * (MEGABYTE // 2) + '"',
    "lines of a block": "a: |\n" + "  b\n" * (MEGABYTE // 4),
    "shared mappings": "a: &a {b: c}\nd: [" + "*a," * 33_000 + "]",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_large_texts(text: str) -> None:
    within(2, lambda: parse(text, "spec.yaml"))


def test_read_drops_the_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    assert read(path) == read(str(path)) == "a: 1\r\n"


def test_read_takes_up_to_a_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read(path)) == MAX_BYTES
    with path.open("ab") as file:
        file.truncate(1 << 32)
    problem = within(1, lambda: problem_of(lambda: read(path)))
    assert (problem.rule, problem.line) == ("too-large", None)


def test_read_of_what_is_no_file(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    expected = {
        tmp_path: "not-a-file",
        fifo: "not-a-file",
        Path("/dev/zero"): "not-a-file",
        loop: "unreadable",
        tmp_path / "missing": "no-spec",
        tmp_path / "dangling": "no-spec",
        tmp_path / "file" / "spec.yaml": "no-spec",
        Path("a\0b"): "no-spec",
        tmp_path / ("n" * 300): "unreadable",
    }
    found = within(1, lambda: {path: problem_of(partial(read, path)) for path in expected})
    assert {path: problem.rule for path, problem in found.items()} == expected
    assert all(problem.path == str(path) for path, problem in found.items())


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
@pytest.mark.parametrize("closed", ["file", "folder"])
def test_read_without_permission(closed: str) -> None:
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spec.yaml")
        path.write_text("a: 1")
        path.chmod(0 if closed == "file" else 0o644)
        Path(folder).chmod(0o700 if closed == "folder" and not user else 0o755)
        if closed == "folder" and user:
            Path(folder).chmod(0)
        if not user:
            os.seteuid(65534)
        try:
            problem = problem_of(lambda: read(path))
        finally:
            os.seteuid(user)
            Path(folder).chmod(0o755)
    assert problem.rule == "unreadable"
    assert "permission" in problem.message


BYTES = {
    "Latin-1": (b"a: 1\nb: caf\xe9 x\n", "not-utf8 2:7+1"),
    "after a byte order mark": (b"\xef\xbb\xbfa: \xff", "not-utf8 1:4+1"),
    "after CRLF and emoji": ("a\r\n😀".encode() + b"\x80", "not-utf8 2:2+1"),
    "cut character": ("a: 😀".encode()[:-1], "not-utf8 1:4+1"),
    "surrogate": (b"a: \xed\xa0\x80", "not-utf8 1:4+1"),
    "UTF-16": ("a: 1".encode("utf-16"), "not-utf8 1:1+1"),
    "UTF-16, the other way": ("\ufeffa: 1".encode("utf-16-be"), "not-utf8 1:1+1"),
    "UTF-16 without a mark": ("a: 1".encode("utf-16-le"), "not-text 1:2+1"),
    "NUL": (b"a: 1\nb\0", "not-text 2:2+1"),
    "gzip": (b"\x1f\x8b\x08\x01", "not-text 1:2+1"),
    "ELF": (b"\x7fELF\x02\x01\x01\0", "not-text 1:8+1"),
}


@pytest.mark.parametrize(("data", "mark"), BYTES.values(), ids=BYTES)
def test_decode(data: bytes, mark: str) -> None:
    problem = problem_of(lambda: decode(data, "spec.yaml"))
    assert mark_of(problem) == mark
    assert problem.hint


def test_decode_names_utf16() -> None:
    assert "UTF-16" in problem_of(lambda: decode("a: 1".encode("utf-16"), "-")).hint


def test_decode_refuses_too_much() -> None:
    assert problem_of(lambda: decode(b"#" * (MAX_BYTES + 1), "-")).rule == "too-large"


WORDS = [*"ab1:-?,[]{}&*!|>'\"%@`#~ \t\n\r\\", "\r\n", "\n  ", "\n    ", ": ", "- ", "? ", " #"]
WORDS += ["&a ", "*a", "!!str ", "!!map ", "!x ", "<<: ", "---\n", "...\n", "a: ", "b: ", "null"]
WORDS += [
    "\ufeff",
    "\x85",
    "\u2028",
    "\0",
    "\ud800",
    "😀",
    "é",
    '"a"',
    "'a'",
    "[a]",
    "{a: b}",
    "\\x",
]
SOUP = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)


def check_any_text(text: str) -> None:
    try:
        source = parse(text, "spec.yaml")
    except SpecError as error:
        check_problems(text, error)
        return
    for node in nodes_of(source.root):
        assert (1, 1) <= (node.line, node.column) <= (node.end_line, node.end_column)
        check_mark(source, node)
    if "<<" not in text and "&" not in text:
        loader = yaml.CBaseLoader  # keeps every scalar a text
        expected = yaml.load(source.text.replace("\u2028", "\ue028"), loader)  # noqa: S506
        assert json.dumps(plain(source.root)).replace("u2028", "ue028") == json.dumps(expected)


def check_problems(text: str, error: SpecError) -> None:
    assert error.problems
    positions = [(problem.line or 0, problem.column or 0) for problem in error.problems]
    assert positions == sorted(positions)
    assert min(positions) >= (1, 1)
    source = Source("spec.yaml", text)
    for problem in error.problems:
        assert problem.message
        assert (problem.column or 0) <= len(source.line(problem.line or 0)) + 1
    str(error).encode()


def check_mark(source: Source, node: Node) -> None:
    """A plain word starts with its first letter, a quoted one with its quote."""
    written = source.line(node.line)[node.column - 1 : node.column]
    if isinstance(node, Scalar) and node.text and written not in tuple("&!"):
        assert written == node.text[0] if node.plain else written in tuple("'\"|>")


@settings(max_examples=3 * EXAMPLES)
@given(SOUP)
def test_any_soup_parses_or_says_why(text: str) -> None:
    check_any_text(text)


@given(st.text())
def test_any_text_parses_or_says_why(text: str) -> None:
    check_any_text(text)
    check_any_text(f"a: {text}")


@given(st.binary())
def test_any_bytes_decode_or_say_why(data: bytes) -> None:
    try:
        assert decode(data, "spec.yaml").encode() == data.removeprefix(b"\xef\xbb\xbf")
    except SpecError as error:
        str(error).encode()


NOT_TEXT = "\ufeff\ufffe\uffff"
JSON = st.recursive(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NOT_TEXT), min_size=1
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc<", min_size=1), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abc", min_size=1), JSON), st.sampled_from([None, 2, "\t"]))
def test_json_means_the_same(data: dict[str, Any], indent: int | str | None) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    assert plain(parse(text, "spec.json").root) == json.loads(text)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.sampled_from([", ", ",\n  "]))),
)
def test_masked_text_is_never_shown(entries: list[tuple[bool, int, str]]) -> None:
    words = [("S" if secret else "p") * length for secret, length, _ in entries]
    gaps = [gap for *_, gap in entries]
    source = parse("a: [" + "".join(map(str.__add__, words, gaps)) + "]", "spec.yaml")
    nodes = [source.locate(("a", number)).node for number in range(len(words))]
    for node, (secret, *_) in zip(nodes, entries, strict=True):
        if secret:
            source.mask(node)
    for node, word, (secret, *_) in zip(nodes, words, entries, strict=True):
        problem = source.problem("rule", "message", node)
        start = (problem.column or 0) - 1
        assert "S" not in problem.excerpt
        shown = "*" * len(word) if secret else word
        assert problem.excerpt[start:][: problem.width] == shown
