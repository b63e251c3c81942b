"""The commands for a new repository: ``init``, ``setup`` and ``import``."""

from __future__ import annotations

import os
from shlex import quote

from ci_kaniko.cli.shared import (
    Done,
    Misuse,
    beside,
    check_source,
    check_target,
    check_word,
    deliver,
    fail,
    load_spec,
    print_text,
    say,
    show,
    standard_input,
    text_of,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def init(
    targets: Sequence[str] = (),
    image: str = "",
    *,
    merge: bool = False,
    builder: str = "kaniko",
    stdout: bool = False,
) -> None:
    """Write a first spec for this repository, with comments, and say what comes next.

    Raises Misuse for what it cannot write, and Done for a spec that is there.
    """
    for target in targets:
        check_target(target)
    from ci_kaniko.kaniko.builders import BUILDERS
    from ci_kaniko.project.starter import CannotStart, Wishes, starter
    from ci_kaniko.repository.discovery import FILE_NAMES, find, root_of
    from ci_kaniko.repository.files import write

    check_word(builder, BUILDERS)
    root = root_of(FILE_NAMES[0])
    try:
        text, steps = starter(root, Wishes(tuple(targets), image, merge, builder))
    except CannotStart as error:
        raise Misuse(str(error)) from error
    if stdout:
        print_text(text)
        return
    paths = [os.path.relpath(os.path.join(root, name)) for name in FILE_NAMES]
    existing = find() or next(filter(os.path.lexists, paths), None)
    if existing is not None:
        say(f"{existing}: there is a spec already; --stdout prints a new one", err=True)
        raise Done(1)
    write(paths[0], text)
    above = os.path.dirname(paths[0])
    first = [f"cd {quote(above)}  # the root of the repository"] if above else []
    say("\n  ".join([f"wrote {paths[0]}; next:", *first, *steps]), err=True)


def setup(target: str, spec: str | None = None, *, form: str = "text") -> None:
    """List what must exist on a platform before the first run. Raises Misuse for another format."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.requirements import requirements, setup_json, setup_text

    check_word(form, ("text", "json"))
    check_target(target)
    loaded = load_spec(spec, beside(form), strict=False)
    try:
        found = requirements(loaded, target)
    except SpecError as error:
        fail(error.problems, beside(form))
    print_text(setup_json(found) if form == "json" else setup_text(found, target))


def import_pipelines(
    files: Sequence[str],
    source: str | None = None,
    target: str | None = None,
    output: str | None = None,
    settings: Sequence[str] = (),
) -> None:
    """Print the spec of what some pipelines do, or what it becomes on another platform.

    Where the other platform needs a decision, the spec is printed all the same, for that. Raises
    Misuse for a platform that is not known, and Done for what cannot be read or rendered.
    """
    from ci_kaniko.cli.wording import worded
    from ci_kaniko.importing.pipelines import read_all
    from ci_kaniko.importing.report import report_text
    from ci_kaniko.problems.problem import SpecError

    check_source(source)
    if target is not None:
        check_target(target)
    given = [("<stdin>", standard_input()) if file == "-" else file for file in files]
    try:
        found = read_all(given, source)
    except SpecError as error:
        fail(error.problems, "text")
    say(worded(report_text(found.report)), err=True)
    if target is None:
        deliver(found.spec_text, output)
        return
    try:
        text = text_of(found.spec, target, settings)
    except SpecError as error:
        from ci_kaniko.importing.translate.logins import offered

        show(error.problems, "text")
        say(f"{target} needs a decision; this is the spec for it: ci-kaniko.yaml", err=True)
        for line in offered(found.spec, target):
            say(f"  {line}", err=True)
        print_text(found.spec_text)
        raise Done(1) from None
    deliver(text, output)
