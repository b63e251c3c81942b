"""The commands on the files that follow a spec: ``sync`` and ``check``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ci_kaniko.cli.shared import (
    Done,
    check_format,
    check_target,
    fails,
    paths_of,
    print_text,
    read_spec,
    report_all,
    say,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.syncing.compare import Compared, Output


def sync(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    *,
    force: bool = False,
    strict: bool = False,
    form: str = "text",
    no_cache: bool = False,
    exit_code: bool = False,
) -> None:
    """Write the outputs that are out of date. Raises Done when asked to fail for them."""
    check_format(form)
    from ci_kaniko.syncing.compare import foreign, write_outputs

    compared, problems = _compared(specs, targets)
    if not force:
        problems += [problem for each in compared for problem in foreign(each)]
    report_all(problems, form)
    if fails(problems, strict=strict):
        raise Done(1)
    changed = False
    for each in compared:
        for output in write_outputs(each.outputs):
            changed = True
            verb = "created" if output.current is None else "updated"
            say(f"{verb} {output.shown} for {output.target}", err=True)
    if not problems and not no_cache:
        _remember(compared, targets)
    if changed and exit_code:
        raise Done(1)


def check(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    *,
    strict: bool = False,
    form: str = "text",
    no_cache: bool = False,
) -> None:
    """Compare the outputs with the spec. Raises Done after the diff when they differ."""
    check_format(form)
    from ci_kaniko.syncing.compare import drift

    compared, problems = _compared(specs, targets)
    drifted = [
        pair
        for each in compared
        for pair in drift(each, f"ci-kaniko sync{_option(each) if specs else ''}")
    ]
    if form == "text":
        show(problems, form)
        _show_drift(drifted)
    problems += [problem for problem, _ in drifted]
    if form != "text":
        report_all(problems, form)
    if fails(problems, strict=strict):
        raise Done(1)
    if not problems and not no_cache:
        _remember(compared, targets)


def _compared(specs: Sequence[str], targets: Sequence[str]) -> tuple[list[Compared], list[Problem]]:
    """Each spec with its outputs, and everything that is wrong; nothing is written meanwhile."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.syncing.compare import clashes, compare

    for target in targets:
        check_target(target)
    compared: list[Compared] = []
    problems: list[Problem] = []
    for path in paths_of(specs):
        try:
            spec, warnings = read_spec(path)
        except SpecError as error:
            problems += error.problems
        else:
            compared.append(compare(spec, spec.repository, targets))
            problems += [*warnings, *compared[-1].problems]
    return compared, problems + clashes([(each.spec, each.root) for each in compared], targets)


def _option(compared: Compared) -> str:
    """How to name a spec on the command line."""
    from shlex import quote

    source = compared.spec.source
    return f" -f {quote(source.path) if source and source.place else '-'}"


def _remember(compared: Sequence[Compared], targets: Sequence[str]) -> None:
    """Note that these outputs agree with their specs, and nothing is left to say about them."""
    from ci_kaniko.syncing import memory

    if not memory.enabled():
        return
    paths = [each.spec.source.path if each.spec.source else "" for each in compared]
    for each in compared:
        source = each.spec.source
        if source and source.place:
            outputs = [(output.target, output.path, _bytes(output)) for output in each.outputs]
            if folder := each.spec.templates:
                outputs.append(("", folder, memory.of_templates(each.templates)))
            memory.remember(source.path, tuple(targets), paths, source.text.encode(), outputs)


def _bytes(output: Output) -> bytes:
    """What the file holds: what was read, or what was written because it differed."""
    text = output.current if output.in_sync else None
    return (output.expected if text is None else text).encode("utf-8", "surrogateescape")


def _show_drift(drifted: Sequence[tuple[Problem, Output]]) -> None:
    from ci_kaniko.syncing.compare import diff

    colours = {"+": 32, "-": 31, "@": 36}
    coloured = bool(drifted) and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for problem, output in drifted:
        say(str(problem), err=True)
        for line in diff(output):
            colour = colours.get(line[:1]) if coloured else None
            print_text(f"\x1b[{colour}m{line}\x1b[0m\n" if colour else f"{line}\n")
        say(f"hint: {problem.hint}", err=True)
