"""Problems as text for people, a line each, JSON for machines, annotations for GitHub's log."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ci_kaniko.problems.problem import Problem

FORMATS = ("text", "concise", "json", "github")


def report(problems: Sequence[Problem], form: str) -> str:
    """All problems in one of FORMATS, without a final newline; JSON is a list even when empty.

    What is wrong with a file that several specs extend is told once.
    """
    if problems:
        from ci_kaniko.cli.wording import worded_all

        problems = worded_all(dict.fromkeys(problems))
    if form == "concise":
        return "\n".join(map(str, problems))
    if form == "json":
        return _json(problems)
    if form == "github":
        return "\n".join(_annotation(problem) for problem in problems)
    return "\n\n".join(first.explain(also) for first, *also in _alike(problems))


def _alike(problems: Sequence[Problem]) -> Iterable[list[Problem]]:
    """What is equally wrong with several images or files is told once, where it is met first."""
    groups: dict[object, list[Problem]] = {}
    for problem in problems:
        key: object = (problem.severity, problem.rule, problem.message, problem.hint)
        others = groups.get(key)
        here = [one for one in others or () if one.path == problem.path]
        if here and not (problem.line and problem.where.startswith("images")):
            key = id(problem)
        groups.setdefault(key, []).append(problem)
    return groups.values()


def _json(problems: Sequence[Problem]) -> str:
    import json

    listed = [problem.to_dict() for problem in problems]
    return json.dumps(listed, ensure_ascii=False, indent=2)


def _annotation(problem: Problem) -> str:
    """A workflow command, docs.github.com/actions: data and properties are escaped.

    GitHub looks for a file from the root of the repository, wherever the command runs.
    """
    from ci_kaniko.repository.discovery import place_here

    properties = {"file": place_here(problem.path), "line": problem.line, "col": problem.column}
    listed = ",".join(
        f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items() if value
    )
    hint = f"\nhint: {problem.hint}" if problem.hint else ""
    text = _escaped(f"{problem.message} [{problem.rule}]{hint}", "")
    return f"::{problem.severity} {listed}::{text}"


def _escaped(text: str, special: str) -> str:
    for character in "%\r\n" + special:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
