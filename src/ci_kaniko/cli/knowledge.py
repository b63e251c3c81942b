"""The commands that need no spec: ``targets``, ``schema``, ``explain`` and ``completion``."""

from __future__ import annotations

from ci_kaniko.cli.shared import Misuse, check_word, print_text, say
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def list_targets() -> None:
    """List the targets and where their configuration usually lies."""
    from ci_kaniko.targets.registry import available_targets

    rows = [(item.name, item.output, item.summary) for item in available_targets().values()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, path, summary in rows:
        say(f"{name:<{widths[0]}}  {path:<{widths[1]}}  {summary}")


def print_schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    from ci_kaniko.kaniko.installed import installed_names
    from ci_kaniko.spec.schema import schema_text

    if names := installed_names():
        from ci_kaniko.spec.foreign import adopt

        adopt(names)
    print_text(schema_text())


def explain(names: Sequence[str] = ()) -> None:
    """Print rules with an example and the fix, or all ids. Raises Misuse for an unknown one."""
    from ci_kaniko.cli.lesson import fault_lesson, lesson, overview
    from ci_kaniko.problems.catalogue import faults, groups, rules

    known, found = rules(), faults()
    for name in names:
        if name not in known and name not in found.faults:
            from ci_kaniko.problems.finding import quoted
            from ci_kaniko.problems.problem import meant

            hint = meant(name, {**known, **found.faults}, "ci-kaniko explain lists the rules")
            raise Misuse(f"there is no rule {quoted(name)}; {hint}")
    told = [lesson(known[name]) for name in names if name in known]
    told += [fault_lesson(found.faults[name]) for name in names if name in found.faults]
    print_text("\n".join(told) or overview({**groups(), found.title: found.faults}))


def print_completion(shell: str) -> None:
    """Print the script for a shell. Raises Misuse for another one."""
    from ci_kaniko.cli.completion import SHELLS, script_for

    check_word(shell, SHELLS)
    print_text(script_for(shell))
