"""What Jenkins asks before a stage runs: ``when`` and ``if``, as guards."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Var
from ci_kaniko.importing.readers.expressions import Expressions, values_of
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.values import Value, pure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.readers.jenkins.groovy import Statement
    from ci_kaniko.importing.shell.guards import Budget

VARIABLES: dict[str, Text] = {
    "GIT_COMMIT": (Var("commit.sha", portable=True),),
    "BRANCH_NAME": (Var("branch", portable=True),),
    "TAG_NAME": (Var("tag", portable=True),),
    "CHANGE_ID": (Var("pull_request.number", portable=True),),
    "BUILD_NUMBER": (Var("build.number", portable=True),),
    "BUILD_ID": (Var("build.id", portable=True),),
    "BUILD_URL": (Var("build.url", portable=True),),
}
"""What Jenkins tells each build, https://www.jenkins.io/doc/book/pipeline/jenkinsfile/."""


_PATHS = re.compile(r"[\w./@+*-]+")


def changed_paths(asked: Iterable[Statement]) -> tuple[list[str], list[Statement]]:
    """The files of which a commit has to change one, and all else that is asked.

    A build of a tag has changed nothing. What asks twice for files is left as it is.
    """
    listed = list(asked)
    found: list[list[str]] = []
    rest = [_without_paths(one, found) if one.name == "when" else one for one in listed]
    return (found[0], rest) if len(found) == 1 else ([], listed)


def _without_paths(statement: Statement, found: list[list[str]]) -> Statement:
    block = []
    for one in statement.block:
        inner = one.block if one.name == "anyOf" else [one]
        paths = [_path(each) for each in inner]
        if paths and all(paths):
            found.append(paths)
            branch = replace(one, code="buildingTag()", texts=[], block=[], has_block=False)
            block.append(replace(one, code="not ", texts=[], block=[branch], has_block=True))
        else:
            block.append(_without_paths(one, found) if one.name == "allOf" else one)
    return replace(statement, block=block)


def _path(statement: Statement) -> str:
    """The files that ``changeset`` names; empty for all else."""
    pattern = statement.given() or statement.given("pattern")
    if statement.name != "changeset" or pattern is None or statement.given("comparator"):
        return ""
    path = pattern.text(lambda _: "$")
    return path if _PATHS.fullmatch(path) else ""


def asked_guard(asked: Iterable[Statement], budget: Budget) -> tuple[Conditions, int]:
    """All of some conditions as one guard."""
    conditions = Conditions(budget)
    guards = (guard(conditions, statement) for statement in asked)
    return conditions, conditions.guards.all(guards)


def guard(conditions: Conditions, statement: Statement) -> int:
    """What a ``when`` or Groovy's ``if`` asks."""
    if statement.name == "when":
        return _all(conditions, statement.block)
    found = re.fullmatch(r"if\s*\((.*)\)", statement.shown)
    if found is None:
        return conditions.unknown(statement.shown, statement.line)
    return _groovy(conditions, found[1], statement.line)


def _groovy(conditions: Conditions, text: str, line: int) -> int:
    text = _TRIMMED.sub(r"\1", _LONE.sub(r"\1", text))
    if _FILLED_IN.search(text):
        return conditions.unknown(text, line)
    return Expressions(_named, values_of(conditions)).guard(_ASKED.sub(_as_regex, text), line)


_LONE = re.compile(r"\"\$\{?((?:\w+\.)*\w+)\}?\"")
_TRIMMED = re.compile(r"('\S[^']*')\??\.trim\(\)")
_FILLED_IN = re.compile(r"\"[^\"]*\$")
"""A text that holds more than one variable."""
_ASKED = re.compile(
    r"(?<![\w.])([\w.]+)(?:\.(startsWith|endsWith|contains)\(\s*(['\"])([\w./-]*)\3\s*\)"
    r"|\s*==~\s*(?:/((?:\\.|[^/\\])*)/|(['\"])([^'\"/]*)\6))"
)


def _as_regex(found: re.Match[str]) -> str:
    """What Groovy asks of a text, as the expression that is looked for in it."""
    if found[2] is None:
        return f"({found[1]} =~ /^(?:{found[5] or found[7] or ''})$/)"
    part = found[4].replace(".", r"\.").replace("/", r"\/")
    start, end = "^" * (found[2] == "startsWith"), "$" * (found[2] == "endsWith")
    return f"({found[1]} =~ /{start}{part}{end}/)"


def _named(word: str) -> Value:
    return pure(VARIABLES.get(word.removeprefix("env."), (Var(word),)))


_FILLED = {"buildingTag": "tag", "changeRequest": "pull_request.number"}
_OPTIONS = {"beforeAgent", "beforeInput", "beforeOptions"}
"""Say when a stage asks, and nothing of what."""


def _all(conditions: Conditions, statements: list[Statement]) -> int:
    asked = (one for one in statements if one.name not in _OPTIONS)
    return conditions.guards.all(_one(conditions, statement) for statement in asked)


def _one(conditions: Conditions, statement: Statement) -> int:
    name, line, first = statement.name, statement.line, statement.given()
    guards = conditions.guards
    if name == "not":
        return guards.negate(_all(conditions, statement.block))
    if name == "allOf":
        return _all(conditions, statement.block)
    if name == "anyOf":
        return guards.any(_one(conditions, inner) for inner in statement.block)
    if name in {"branch", "tag"} and (pattern := first or statement.given("pattern")):
        return _called(conditions, statement, (Var(name, portable=True),), pattern.text())
    if name in _FILLED and not statement.texts:
        return conditions.filled((Var(_FILLED[name], portable=True),), line)
    asked = statement.block[0].shown.removeprefix("return ") if len(statement.block) == 1 else ""
    if name == "expression" and re.search(r"[=!(']", asked):
        return _groovy(conditions, asked, line)
    return conditions.unknown(f"when {_shown(statement)}", line)


def _called(conditions: Conditions, statement: Statement, text: Text, pattern: str) -> int:
    """Where a branch or a tag is called so; a glob, where no comparator says otherwise."""
    comparator = statement.given("comparator")
    how = comparator.text() if comparator else "GLOB"
    if how == "EQUALS":
        return conditions.equal(text, (pattern,), statement.line)
    if how == "REGEXP":
        return conditions.regex(text, f"^(?:{pattern})$", statement.line)
    if how == "GLOB":
        return conditions.glob(text, pattern, statement.line)
    return conditions.unknown(f"when {_shown(statement)}", statement.line)


def _shown(statement: Statement) -> str:
    """A condition as it is written."""
    return " ".join(inner.shown for inner in statement.below())
