"""Conditions of platforms: as deep as Python's own, and refused where somebody would guess."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_kaniko.syntax.logic import Node, NotLogic, parsed


def _shape(part: Any) -> Any:
    """A tree without how it is written; a name or a literal that says it all is its text."""
    if isinstance(part, tuple) and not isinstance(part, Node):
        return [_shape(each) for each in part]
    if not isinstance(part, Node):
        return part
    if part.kind == "name":
        return part.parts[0]
    return (part.kind, *map(_shape, part.parts))


READ: dict[str, Any] = {
    "a": "a",
    "  a\n ": "a",
    "a \t": "a",
    "$CI_X": "$CI_X",
    "${A}": "${A}",
    "a.b-c.*.d": "a.b-c.*.d",
    "a || b && c || d": ("or", "a", ("and", "b", "c"), "d"),
    "(a || b) && c": ("and", ("or", "a", "b"), "c"),
    "!a == b": ("compare", "==", ("not", "a"), "b"),
    "!(a == b)": ("not", ("compare", "==", "a", "b")),
    "!!a": ("not", ("not", "a")),
    "a == b && c != (d)": ("and", ("compare", "==", "a", "b"), ("compare", "!=", "c", "d")),
    **{f"a {sign} b": ("compare", sign, "a", "b") for sign in ("<", ">", "<=", ">=")},
    r"$A =~ /^v\/[0-9]+$/i": ("compare", "=~", "$A", ("regex", r"/^v\/[0-9]+$/i")),
    "a !~ /b/": ("compare", "!~", "a", ("regex", "/b/")),
    "'it''s'": ("text", "it's"),
    r'"a\"b\\"': ("text", 'a"b\\'),
    "''": ("text", ""),
    "-1.5": ("text", "-1.5"),
    "true": ("true",),
    "false": ("false",),
    "null": ("null",),
    "f()": ("call", "f", []),
    "f(a, 'b', g(!c || d))": (
        *("call", "f"),
        ["a", ("text", "b"), ("call", "g", [("or", ("not", "c"), "d")])],
    ),
    "a['b']": "a.b",
    "a['b'][\"c\"]": "a.b.c",
    "a[b.c]": "a[b.c]",
    "a[1]": "a.1",
    " && ".join("a" * 100): ("and", *"a" * 100),
    "!" * 39 + "a": None,
    "(" * 39 + "a" + ")" * 39: "a",
}


@pytest.mark.parametrize("text", READ)
def test_a_condition_is_read_as_the_platforms_read_it(text: str) -> None:
    found = parsed(text)
    assert READ[text] is None or _shape(found) == READ[text]


def test_a_part_knows_how_it_is_written() -> None:
    whole = parsed(" (a  || 'b') &&!f( c ) ")
    either, negated = whole.parts
    assert whole.text == "(a  || 'b') &&!f( c )"
    assert (either.text, negated.text) == ("a  || 'b'", "!f( c )")
    assert [part.text for part in either.parts] == ["a", "'b'"]
    assert [argument.text for argument in negated.parts[0].parts[1]] == ["c"]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a ||", "&& a", "a b", "a == b == c", "a ==", "!", "a & b", "a = b", "a # b"),
        *("(a", "a)", "()", "f(", "f(a", "f(a b)", "f(,)", "f(a,,b)", "'a'()", "1()"),
        *("a[", "a[]", "a[b", "a]", "[a]", "'a", '"a', "/a", "true[a]", "==", ","),
        *("!" * 40 + "a", "(" * 40 + "a" + ")" * 40, "f(" * 41 + "a" + ")" * 41),
    ],
)
def test_what_is_no_condition_is_not_guessed(text: str) -> None:
    with pytest.raises(NotLogic):
        parsed(text)


_SAID = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        inner.map("! {}".format),
        inner.map("( {} )".format),
        st.lists(inner, min_size=2, max_size=3).map(" && ".join),
        st.lists(inner, min_size=2, max_size=3).map(" || ".join),
    ),
    max_leaves=12,
)


def _holds(node: Node, known: dict[str, bool]) -> bool:
    if node.kind == "name":
        return known[node.parts[0]]
    each = [_holds(part, known) for part in node.parts]
    return {"not": not each[0], "and": all(each), "or": any(each)}[node.kind]


@given(_SAID)
def test_it_holds_when_python_says_so(text: str) -> None:
    tree = parsed(text)
    words = {"!": "not", "&&": "and", "||": "or"}
    python = " ".join(words.get(word, word) for word in text.split())
    for values in product((False, True), repeat=3):
        known = dict(zip("abc", values, strict=True))
        assert _holds(tree, known) == eval(python, {}, known)  # noqa: S307 - of our own words
