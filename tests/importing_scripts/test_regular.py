"""Regular expressions of pipelines: what is read of one finds what Python's finds."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ci_kaniko.importing.shell.regular import (
    BEGINS,
    ENDS,
    NotRegular,
    Part,
    ends_of,
    glob_around,
    globs_of,
    is_choice,
    tree,
)
from ci_kaniko.syntax.globs import any_matches, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ["".join(name) for size in range(1, 5) for name in product("ab/", repeat=size)]
NAMES += [*"AB1-_].^+", "v1.20", "a1", "b-a", "a--b", "Ab"]
LONG = ["aaaaa", "a" * 12]

_ATOMS = ["a", "b", "/", "A", "1", r"\.", "-", ".", "[ab]", "[^/]", "[a-c]", "[^a-b]", "[0-9]"]
_ATOMS += ["[]a]", "[^]a]", "[a-]", r"[\]b]", r"[\d-]", r"\d", r"\w", r"\W", r"\D", "[A-Za-z0-9_]"]
_SAYABLE = ["a", "b", "/", r"\.", ".*", "[^/]*", "[^/]+", ".+", ".*?", "(?:a)"]
_SIGNS = ["", "", "*", "+", "?", "*?", "+?", "{2}", "{1,}", "{0,1}", "{1,2}"]


def _expressions(
    atoms: Sequence[str] = _ATOMS,
    signs: Sequence[str] = _SIGNS,
    cases: Sequence[str] = ("(?i)", ""),
) -> st.SearchStrategy[str]:
    sign = st.sampled_from(signs)
    often = st.sampled_from([*signs, "{10,12}"] if len(signs) > 1 else signs)
    pieces = st.tuples(st.sampled_from(atoms), often).map("".join)
    inner = st.recursive(
        pieces,
        lambda each: st.one_of(
            st.lists(each, min_size=1, max_size=3).map("".join),
            st.tuples(st.lists(each, max_size=3).map("|".join), sign).map(
                lambda found: f"(?:{found[0]}){found[1]}"
            ),
            each.map("({})".format),
        ),
        max_leaves=5,
    )
    ways = st.tuples(st.sampled_from(["", "^"]), inner, st.sampled_from(["", "$"])).map("".join)
    whole = st.lists(ways, min_size=1, max_size=2).map("|".join)
    return st.tuples(st.sampled_from(cases), whole).map("".join)


_SURE = re.compile(r"\^?[ab/]+(?:\.\*|\[\^/\]\*|[ab/])*\$?")
"""One way to match, which a glob can say."""


def _spelled(part: Part) -> str:
    """What was read, as an expression again that Python reads without any of the shorthands."""
    inner = [_spelled(each) for each in part.parts]
    if part.kind in {BEGINS, ENDS}:
        return r"\A" if part.kind == BEGINS else r"\Z"
    if part.kind == "letters":
        return f"[{''.join(map(re.escape, sorted(part.letters)))}]" if part.letters else "(?!)"
    if part.kind == "repeat":
        return f"(?:{inner[0]}){{{part.least},{'' if part.most is None else part.most}}}"
    return f"(?:{'|'.join(inner) if part.kind == 'any' else ''.join(inner)})"


def _found(expression: str, *, long: bool) -> list[str]:
    """In what repeats what repeats Python's search tries every way to divide a long name."""
    return [name for name in (*NAMES, *LONG * long) if re.search(expression, name)]


@given(_expressions())
@example(expression="(?:a){10,12}")
def test_what_is_read_finds_the_same(expression: str) -> None:
    long = not re.search(r"(?<!\()[*+?}].*\)[*+?{]", expression)
    assert _found(_spelled(tree(expression)), long=long) == _found(expression, long=long)


@given(_expressions())
def test_what_is_known_of_an_expression_holds_for_all_it_finds(expression: str) -> None:
    head, tail = ends_of(expression)
    around = glob_around(expression)
    for name in _found(expression, long=False):
        assert name.startswith(head)
        assert name.endswith(tail)
        assert matches(around, name)


@given(_expressions(_SAYABLE, [""], [""]), st.booleans())
@example(expression="[^/]*[^/]*", whole=True)
def test_globs_match_what_an_expression_finds(expression: str, whole: bool) -> None:  # noqa: FBT001
    globs = globs_of(expression, whole=whole)
    if globs is None:
        assert not _SURE.fullmatch(expression)
        return
    search = re.fullmatch if whole else re.search
    found = [name for name in NAMES if search(expression, name)]
    matched = [name for name in NAMES if any_matches(globs or (), name)]
    # No glob says that there is one letter or more.
    assert found == matched or ("+" in expression and {*found} < {*matched}), globs


def test_the_longest_that_is_read() -> None:
    assert globs_of("^a{1}$") is None
    assert tree("a{999}") == Part("repeat", parts=(*[tree("a")],), least=999, most=999)
    assert globs_of("a" * 500) == ["**" + "a" * 500 + "**"]
    assert globs_of("a" * 501) is None
    assert len(globs_of("(a|b|c|d|e|f|g)(a|b|c|d|e|f|g)", whole=True) or []) == 49
    assert globs_of("(a|b|c|d|e|f|g)(a|b|c|d|e|f|g|h)", whole=True) is None
    assert tree("(" * 20 + "a" + ")" * 20) == tree("a")
    assert tree("(a)" * 21).kind == "all"


@pytest.mark.parametrize(
    "expression",
    [
        *("(?=a)", "(?!a)", "(?<=a)", "(?P<a>b)", r"(a)\1", r"\ba", r"\p{L}", "*", "a|+", "{2}"),
        *("(a", "a)", "[a", "a\\", "[]", "[^]", "[b-a]", "[a&&b]", "[[:alpha:]]", r"[\d-z]"),
        *("a**", "a+*", "a{2}{3}", "a*+", "^*", "$+", "a{", "a{}", "a{,2}", "a{x}", "a{1000}"),
        *("a{1,1000}", r"[a-\d]", "(" * 21 + "a" + ")" * 21),
    ],
)
def test_what_few_languages_share_is_not_read(expression: str) -> None:
    """Nor is anything known of it."""
    with pytest.raises(NotRegular):
        tree(expression)
    assert globs_of(expression) is None
    assert is_choice(expression)
    assert (ends_of(expression), glob_around(expression)) == (("", ""), "**")
