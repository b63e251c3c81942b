"""What one test says of another one on the same text."""

from __future__ import annotations

import re

from ci_kaniko.importing.calls import Test, literal, only_var
from ci_kaniko.importing.shell.patterns import affordable, matches
from ci_kaniko.syntax.globs import matches as glob_matches

ONE_OF = (
    {"branch", "tag", "pull_request.number"},
    {"CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "CI_MERGE_REQUEST_IID"},
    {"AGOLA_GIT_BRANCH", "AGOLA_GIT_TAG", "AGOLA_PULL_REQUEST_ID"},
)
"""Variables of which one has a value: a run is for a branch, a tag or a request."""


def choice_of(test: Test) -> int | None:
    """The variables among which a test that holds has chosen one."""
    var = only_var(test.left)
    if var is None or var.changes or var.default:
        return None
    if test.kind not in ("set", "glob") and not (test.kind == "equal" and literal(test.right)):
        return None
    return next(
        (
            number
            for number, names in enumerate(ONE_OF)
            if var.name in names and var.portable == (number == 0)
        ),
        None,
    )


def implies(one: Test, other: Test) -> bool:
    """Whether a text that passes the first test passes the second."""
    if one.kind == "glob" and other.kind == "set":
        return True
    if one.kind in ("regex", "pattern") and other.kind == "set":
        return _fits("", one) is False
    if one.kind == other.kind == "glob":
        head, stars, tail = str(other.right[0]).partition("**")
        return bool(stars) and not tail and "*" not in head and _head(one).startswith(head)
    value = literal(one.right) if one.kind == "equal" else None
    return value is not None and _fits(value, other) is True


def excludes(one: Test, other: Test) -> bool:
    """Whether a text that passes the first test cannot pass the second."""
    if one.kind == other.kind == "glob":
        return _apart(one, other)
    value = literal(one.right) if one.kind == "equal" else None
    return value is not None and _fits(value, other) is False


def _fits(value: str, test: Test) -> bool | None:
    """Whether a plain text passes a test; None when that is unknown."""
    right = literal(test.right)
    if test.kind == "set":
        return bool(value)
    if right is None:
        return None
    if test.kind == "equal":
        return value == right
    if test.kind == "glob":
        return glob_matches(right, value)
    if test.kind == "pattern":
        return matches(right, value)
    if test.kind == "regex":
        try:
            return re.search(affordable(right, value), value) is not None
        except re.error:
            return None
    return None


def _apart(one: Test, other: Test) -> bool:
    """Whether two globs begin with different texts."""
    heads = [_head(test) for test in (one, other)]
    return not heads[0].startswith(heads[1]) and not heads[1].startswith(heads[0])


def _head(test: Test) -> str:
    """What a glob begins with."""
    return str(test.right[0]).partition("*")[0]
