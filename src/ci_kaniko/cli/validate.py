"""The command ``validate``."""

from __future__ import annotations

from ci_kaniko.cli.shared import (
    Done,
    Misuse,
    check_format,
    check_target,
    fails,
    paths_of,
    read_each,
    report_all,
    say,
    values_of,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ci_kaniko.checking import Verdict
    from ci_kaniko.problems.problem import Problem

_MANY = 8


def validate(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    strict: bool = False,
    form: str = "text",
) -> None:
    """Check specs, and that targets can be rendered from them.

    Raises Done for problems, and Misuse for images that there are not.
    """
    check_format(form)
    for target in targets:
        check_target(target)
    from ci_kaniko.checking import Asked, between, check
    from ci_kaniko.problems.problem import SelectionError
    from ci_kaniko.repository.discovery import FILE_NAMES, root_of

    asked = Asked(targets, values_of(settings), only, root_of(FILE_NAMES[0]))
    paths = paths_of(specs)
    try:
        verdicts = [check(spec, asked) for spec in read_each(paths)]
    except SelectionError as error:
        raise Misuse(str(error)) from error
    shared = between(verdicts, targets)
    problems = [problem for each in verdicts for problem in each.problems]
    report_all([*problems, *shared], form)
    if form == "text" and not shared:
        fine = [each for each in verdicts if not fails(each.problems, strict=strict)]
        for line in _lines(fine):
            say(line)
    if shared or fails(problems, strict=strict):
        raise Done(1)


def _lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """What is said of specs that are fine; of many that are fine for the same, how many."""
    from ci_kaniko.spec.placing import name_of

    named: dict[str, list[str]] = {}
    for each in verdicts:
        name = name_of(each.spec.source if each.spec else None)
        if each.tried is not None:
            yield from (f"{name}: fine", *_tried(each.tried))
        else:
            named.setdefault(f"fine for {', '.join(each.targets)}", []).append(name)
    for what, names in named.items():
        yield from (
            [f"{len(names)} specs: {what}"]
            if len(names) > _MANY
            else (f"{name}: {what}" for name in names)
        )


def _tried(refused: Mapping[str, Sequence[Problem]]) -> Iterator[str]:
    """A line on each target: nobody has named any."""
    from ci_kaniko.cli.wording import worded_all

    yield "no target was named, here or under outputs:, so all were tried:"
    width = max(map(len, refused))
    for name, problems in refused.items():
        said = [str(problem) for problem in worded_all(problems)] or ["fine"]
        more = f" (and {len(said) - 1} more: ci-kaniko validate {name})" if len(said) > 1 else ""
        yield f"  {name:<{width}}  {said[0]}{more}"
