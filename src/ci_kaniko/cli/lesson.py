"""A rule as ``ci-kaniko explain`` prints it, and the list of all rules."""

from __future__ import annotations

import textwrap

from ci_kaniko.cli.wording import worded_all
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.display import shown_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ci_kaniko.problems.catalogue import Fault, Rule
    from ci_kaniko.problems.problem import Problem

_FILE = "ci-kaniko.yaml"


def lesson(rule: Rule) -> str:
    """What a rule says, why, an example with its message, and the fix."""
    return "\n\n".join(_blocks(rule)) + "\n"


def fault_lesson(fault: Fault) -> str:
    """What a fault of a pipeline is, and the fix."""
    about = f"`ci-kaniko lint` finds it in pipelines: {fault.severity} [{fault.id}]."
    blocks = (f"{fault.id}: {fault.says}", about, f"The fix: {fault.fix}")
    return "\n\n".join(map(_filled, blocks)) + "\n"


def overview(groups: Mapping[str, Iterable[str]]) -> str:
    """The ids of all rules, by group."""
    blocks = [
        "\n".join([f"{title}:", *(f"  {name}" for name in rules)])
        for title, rules in groups.items()
    ]
    return "\n\n".join([*blocks, "ci-kaniko explain RULE says more on one of them."]) + "\n"


def message_of(rule: Rule) -> str:
    """What ci-kaniko says of the bad example."""
    if rule.message:
        return rule.message.rstrip()
    said = (each for each in problems_in(rule.bad, rule) if each.rule == rule.id)
    (problem,) = worded_all([next(said)])
    return problem.explain()


def problems_in(text: str, rule: Rule) -> Sequence[Problem]:
    """The problems of a spec where the rule's example is rendered: errors, else warnings."""
    from ci_kaniko.rendering import render
    from ci_kaniko.spec.loading import loads, warnings

    try:
        spec = loads(text, _FILE)
        if rule.target:
            render(spec, rule.target, rule.values)
    except SpecError as error:
        return error.problems
    return warnings(spec)


def standing(rule: Rule) -> str:
    """What rules: may change about a rule; empty for what is an error in every spec."""
    from ci_kaniko.problems.severities import OPTIONAL, WARNINGS

    if rule.id in OPTIONAL:
        return "It is off until rules: makes it a warning or an error."
    if rule.id in WARNINGS:
        return "Where it warns, rules: makes it an error or switches it off."
    return ""


def instruction(rule: Rule) -> str:
    """The command line that finds the bad example."""
    settings = [f" --set {name}={value}" for name, value in rule.values.items()]
    if rule.target:
        return f"ci-kaniko render {rule.target}{''.join(settings)}"
    return f"ci-kaniko {rule.command}"


def _blocks(rule: Rule) -> Iterator[str]:
    yield _filled(f"{rule.id}: {rule.says}")
    yield _filled(f"{rule.why} {standing(rule)}".rstrip())
    if rule.situation:
        yield _filled(f"An example: {rule.situation}.")
        yield "What it is told:"
    else:
        yield "A spec that breaks it:"
        yield from _listing(rule.bad, rule.files)
        yield f"What `{instruction(rule)}` says:"
    yield _indented(message_of(rule))
    if rule.fix is not None or rule.fixed_files:
        yield "The fix:"
        yield from _listing(rule.fix, rule.fixed_files)
    if rule.remedy:
        yield _filled(rule.remedy)
    yield _filled(f"Checked by {', '.join(rule.checks)}.")


def _listing(spec: str | None, files: dict[str, str]) -> Iterator[str]:
    if spec is not None:
        yield _indented("\n".join(map(shown_line, spec.splitlines())) or "(nothing)")
    for name, text in files.items():
        yield f"with {name}:"
        yield _indented(text.rstrip())


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def _filled(text: str) -> str:
    return textwrap.fill(text, 88, break_long_words=False, break_on_hyphens=False)
