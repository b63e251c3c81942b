"""Texts with holes: cut, joined and told, with the holes whole."""

from __future__ import annotations

import re

import pytest

from ci_kaniko.importing.calls import (
    Contents,
    Encoded,
    Masked,
    Output,
    Test,
    Text,
    Var,
    after,
    decoded,
    join,
    literal,
    only_var,
    references,
    spell,
    split_text,
    variables,
    without_head,
)
from ci_kaniko.importing.facts import is_of_two, meaning, variables_of

X, Y = Var("X"), Var("Y")

CUT: dict[str, tuple[Text, int, list[Text]]] = {
    "everywhere": (("a=b=", X, "=c"), -1, [("a",), ("b",), (X,), ("c",)]),
    "once": (("a=b", X, "c=d"), 1, [("a",), ("b", X, "c=d")]),
    "once behind a hole": ((X, "=a=b"), 1, [(X,), ("a=b",)]),
    "twice": (("a=b=c=d", X, "="), 2, [("a",), ("b",), ("c=d", X, "=")]),
    "twice over a hole": (("a=", X, "=b=c"), 2, [("a",), (X,), ("b=c",)]),
    "never": ((X, "a=b"), 0, [(X, "a=b")]),
    "nothing": ((), -1, [()]),
    "ends": (("=a=",), -1, [(), ("a",), ()]),
}


@pytest.mark.parametrize(("text", "limit", "pieces"), CUT.values(), ids=CUT)
def test_a_text_is_cut_at_plain_characters(text: Text, limit: int, pieces: list[Text]) -> None:
    assert split_text(text, "=", limit) == pieces
    if limit < 0:
        assert split_text(text, re.compile("=")) == pieces


def test_what_follows_a_prefix() -> None:
    whole: Text = ("a/", X, "/b")
    assert join(("a", "", "b", X, "", "c")) == ("ab", X, "c")
    for prefix, rest in (
        (("a",), ("/", X, "/b")),
        (("a/", X), ("/b",)),
        (("a/", X, "/"), ("b",)),
        (whole, ()),
        (("b",), None),
        (("a/", Y), None),
        ((*whole, Y), None),
        ((), None),
    ):
        assert after(whole, prefix) == rest, prefix
    assert without_head(whole, "a") == ("/", X, "/b")
    assert without_head((X, "a"), "a") == (X, "a")
    assert [literal(text) for text in ((), ("a",), (X,), ("a", X))] == ["", "a", None, None]
    assert [only_var(text) for text in ((), ("a",), (X,), (X, "a"))] == [None, None, X, None]


def test_every_variable_of_a_text_is_found() -> None:
    inside = Contents("a.json", (("@", ("b", Var("Z"))),))
    assert variables(("a", X, Encoded((Y, ":", X)), inside, Output("id"))) == [X, Y, X, Var("Z")]


SPELLED: dict[str, tuple[Text, str]] = {
    "variables": ((X, "-", Var("X", "d"), Var("1")), "$X-${X:-d}$1"),
    "of an expression": (
        (Var("github.sha", changes=("short", "lower")),),
        "${github.sha|short|lower}",
    ),
    "portable": ((Var("tag@v1", portable=True),), "${tag}"),
    "an empty default": ((Var("X", ""),), "${X:-}"),
    "base64": ((Encoded(("a", X)),), "$(printf %s 'a$X' | base64)"),
    "what is printed": ((Output("id -u", ("lower",)),), "$(id -u | lower)"),
    "a file": ((Contents("a/b"),), "$(cat a/b)"),
    "a secret": (("x", Masked("TOKEN", 3)), "x***"),
}


@pytest.mark.parametrize(("text", "spelled"), SPELLED.values(), ids=SPELLED)
def test_holes_are_told_as_a_shell_writes_them(text: Text, spelled: str) -> None:
    assert spell(text) == spelled


def test_a_test_is_told() -> None:
    told = {
        "$X = a": Test("equal", (X,), ("a",)),
        "not: $X is set": Test("set", (X,), negated=True),
        "$X like v*": Test("glob", (X,), ("v*",)),
        "$X =~ ^v": Test("regex", (X,), ("^v",)),
        "the file a exists": Test("file", ("a",)),
        "not: make": Test("unknown", (Output("make"),), negated=True),
        "$X": Test("unknown", (X,)),
    }
    assert [test.text for test in told.values()] == [*told]


def test_a_text_of_a_configuration_has_variables() -> None:
    assert references("$A/${B_1}x$C.d$") == (Var("A"), "/", Var("B_1"), "x", Var("C"), ".d$")
    assert [decoded(text) for text in ("YTpi", "YT pi\n", "YT", "/w==", "ä")] == [
        "a:b",
        "a:b",
        *[None] * 3,
    ]


def test_what_a_variable_means() -> None:
    assert [meaning(Var(name)) for name in ("CI_COMMIT_SHA", "github.ref", "HOME")] == [
        "commit.sha",
        "ref",
        "",
    ]
    assert meaning(Var("ref.tag@github", portable=True)) == "ref.tag"
    assert [meaning("CI_COMMIT_SHA"), meaning(Output("CI_COMMIT_SHA"))] == ["", ""]
    assert {*variables_of("remote")} > {*variables_of("remote", "buildkite")} == {"BUILDKITE_REPO"}
    two = ("GITHUB_REPOSITORY", "github.repository", "CI_PROJECT_PATH", "GITHUB_SHA")
    assert [is_of_two(Var(name)) for name in two] == [True, True, False, False]
