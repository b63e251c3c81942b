"""The commands on the files that follow a spec: ``sync`` and ``check``."""

from __future__ import annotations

from ci_kaniko.cli.shared import (
    Done,
    check_format,
    check_target,
    coloured,
    fails,
    paths_of,
    print_text,
    read_each,
    report_all,
    say,
    show,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.syncing.compare import Compared
    from ci_kaniko.syncing.together import Change


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
    from ci_kaniko.syncing.together import in_the_way, remember, written

    compared, problems = _compared(specs, targets)
    if not force:
        problems += in_the_way(compared)
    report_all(problems, form)
    if fails(problems, strict=strict):
        raise Done(1)
    changed = False
    for change in written(compared):
        changed = True
        verb = "created" if change.before is None else "updated"
        say(f"{verb} {change.path} for {change.target}", err=True)
    if not problems and not no_cache:
        remember(compared, targets)
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
    from ci_kaniko.syncing.together import changes, remember

    compared, problems = _compared(specs, targets)
    drifted = changes(compared, named=bool(specs))
    if form == "text":
        show(problems, form)
        _show_drift(drifted, _command(specs))
    problems += [change.problem for change in drifted]
    if form != "text":
        report_all(problems, form)
    if fails(problems, strict=strict):
        raise Done(1)
    if not problems and not no_cache:
        remember(compared, targets)


def _compared(specs: Sequence[str], targets: Sequence[str]) -> tuple[list[Compared], list[Problem]]:
    for target in targets:
        check_target(target)
    from ci_kaniko.syncing.together import compare_all

    return compare_all(read_each(paths_of(specs)), targets)


def _command(specs: Sequence[str]) -> str:
    """What brings all these specs up to date."""
    from shlex import quote

    return " ".join(["ci-kaniko sync", *(f"-f {quote(spec)}" for spec in specs)])


def _show_drift(drifted: Iterable[Change], command: str) -> None:
    """Each file with its diff; of several with the same difference, the first one's."""
    from ci_kaniko.cli.wording import worded
    from ci_kaniko.problems.problem import listed

    colours = {"+": 32, "-": 31, "@": 36}
    in_colour = coloured()
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in drifted:
        lines = [line for line in change.diff.split("\n")[2:-1] if not line.startswith("@@")]
        is_ours = change.problem.hint.startswith("ci-kaniko sync ")
        groups.setdefault((is_ours, change.target, *lines), []).append(change)
    for (with_all, *_), (change, *others) in groups.items():
        say(str(change.problem), err=True)
        for line in change.diff.split("\n")[:-1]:
            colour = colours.get(line[:1]) if in_colour else None
            print_text(f"\x1b[{colour}m{line}\x1b[0m\n" if colour else f"{line}\n")
        if others:
            count = f"{len(others)} more {'file' if len(others) == 1 else 'files'}"
            names = listed([other.path for other in others], "files")
            say(f"the same in {count}: {names}", err=True)
        hint = worded(change.problem.hint)
        if others and with_all:
            hint = f"{command} {change.target}"
        say(f"hint: {hint}", err=True)
