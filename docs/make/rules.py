"""``docs/rules.md``: each rule with an example, the message and the fix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ci_kaniko.cli.lesson import instruction, message_of, standing
from ci_kaniko.problems.catalogue import faults, groups
from ci_kaniko.text.display import shown_line
from make.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.catalogue import Rule

_ABOUT = """\
Each problem ends with the id of its rule in brackets. `ci-kaniko explain RULE` prints what stands
here; each example is run by the tests. Where nothing else is said a rule is an error in every spec;
[Many repositories](fleet.md) has what a spec can change."""


def sections() -> Iterator[str]:
    """The page, block by block."""
    yield _ABOUT
    for title, rules in groups().items():
        links = [f"[{code(name)}](#{name})" for name in rules]
        yield f"## {title}"
        yield _filled(", ".join(links) + ".")
        for rule in rules.values():
            yield from _section(rule)
    found = faults()
    yield f"## {found.title}"
    yield "[`ci-kaniko lint`](import.md) finds them."
    rows = [[code(each.id), each.severity, each.says, each.fix] for each in found.faults.values()]
    yield table(("rule", "", "what is wrong", "the fix"), rows)


def _section(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}"
    yield _filled(
        f"{rule.says} {rule.why} {standing(rule)}".rstrip().replace("rules:", code("rules:"))
    )
    if rule.situation:
        yield _filled(f"For example {rule.situation}:")
    else:
        yield from _listing("", rule.bad, rule.files)
        yield f"{code(instruction(rule))} says:"
    yield _block("text", message_of(rule))
    if rule.fix is not None or rule.fixed_files:
        yield from _listing("The fix", rule.fix, rule.fixed_files)
    if rule.remedy:
        yield _filled(rule.remedy)
    yield _filled(f"Checked by {', '.join(map(code, rule.checks))}.")


def _listing(title: str, spec: str | None, files: dict[str, str]) -> Iterator[str]:
    """A spec and the files beside it."""
    if spec is not None:
        if title:
            yield f"{title}:"
        yield _block("yaml", "\n".join(map(shown_line, spec.splitlines())))
    for name, text in files.items():
        opening = "with" if spec is not None else f"{title}:"
        yield f"{opening} {code(name)}:"
        yield _block("dockerfile" if name == "Dockerfile" else "yaml", text.rstrip())


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```" if text else f"```{language}\n```"


def _filled(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
