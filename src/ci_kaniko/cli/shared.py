"""What several commands do: read a spec, render it, say what was found.

A command that has failed raises Done, one that was called in a wrong way raises Misuse.
"""

from __future__ import annotations

import errno
import os
import sys

from ci_kaniko.quick.hints import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ci_kaniko.problems.problem import Problem, SpecError
    from ci_kaniko.spec.spec import Spec

Item = TypeVar("Item")


class Done(Exception):
    """The command has said what there is to say; ``code`` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Misuse(Exception):
    """The command line asks for what there is not."""

    def __init__(self, message: str) -> None:
        from ci_kaniko.cli.wording import worded

        super().__init__(worded(message))


def check_format(form: str) -> None:
    """Raises Misuse for a format of problems that there is not."""
    from ci_kaniko.cli.report import FORMATS

    check_word(form, FORMATS)


def check_word(word: str, known: Sequence[str]) -> None:
    """Raises Misuse for a word that is none of those that an option knows."""
    if word not in known:
        raise Misuse(f'"{word}" is not one of: {", ".join(known)}')


def check_source(name: str | None) -> None:
    """Raises Misuse for an unknown platform."""
    from ci_kaniko.importing.pipelines import check_source as check
    from ci_kaniko.problems.problem import UnknownTargetError

    try:
        check(name)
    except UnknownTargetError as error:
        raise Misuse(str(error)) from error


def check_target(name: str) -> None:
    """Raises Misuse for an unknown target."""
    from ci_kaniko.problems.problem import UnknownTargetError
    from ci_kaniko.targets.registry import check_name

    try:
        check_name(name)
    except UnknownTargetError as error:
        raise Misuse(str(error)) from error


def read_spec(path: str | None) -> Spec:
    """A spec. Raises SpecError."""
    from ci_kaniko.spec import loading

    if path == "-":
        return loading.loads(standard_input(), "<stdin>")
    return loading.load(path or find_spec())


def read_each(paths: Sequence[str]) -> Iterator[Spec | SpecError]:
    """Each spec, or what is wrong with it; whoever waits for many of them sees how far it is."""
    from ci_kaniko.problems.problem import SpecError

    for path in watched(paths, "reading"):
        try:
            yield read_spec(path)
        except SpecError as error:
            yield error


def watched(items: Sequence[Item], verb: str) -> Iterator[Item]:
    """Each item; many of them are counted where somebody waits."""
    if len(items) < 2:
        return iter(items)
    from ci_kaniko.cli.progress import watched as counted

    return counted(items, verb)


def beside(form: str) -> str:
    """How problems are said where a result is asked for in a format that only results have."""
    return "json" if form == "json" else "text"


def load_spec(path: str | None, form: str, *, strict: bool) -> Spec:
    """A spec whose warnings have been said. Raises Done when it cannot be used."""
    from ci_kaniko.problems.problem import SpecError

    try:
        loaded = read_spec(path)
    except SpecError as error:
        fail(error.problems, form)
    from ci_kaniko.spec.loading import warnings

    found = warnings(loaded)
    if found and strict:
        fail(found, form)
    show(found, form)
    return loaded


def find_spec() -> str:
    """The spec of the repository. Raises Misuse when there is none."""
    from ci_kaniko.repository.discovery import FILE_NAMES, find

    found = find()
    if found is None:
        raise Misuse(
            f"no {FILE_NAMES[0]} here or above, up to the repository's root: ci-kaniko init writes "
            "one, --spec names another"
        )
    return found


def paths_of(specs: Sequence[str]) -> list[str]:
    """The specs at these places; the repository's own when there are none.

    Raises Misuse for a pattern that finds none.
    """
    from ci_kaniko.problems.finding import quoted
    from ci_kaniko.repository.discovery import FILE_NAMES, specs_at

    try:
        return specs_at(specs) if specs else [find_spec()]
    except LookupError as error:
        message = f"{quoted(str(error.args[0]))} finds no spec: no {FILE_NAMES[0]} in such a place"
        raise Misuse(message) from None


def standard_input() -> bytes:
    """What a pipe or a person says; a little more than any spec or pipeline may hold.

    Raises OSError.
    """
    from ci_kaniko.source.reading import MAX_BYTES

    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", "<stdin>")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def only_images(spec: Spec, only: Sequence[str]) -> Spec:
    """The images that ``--only`` names, all without it. Raises Misuse."""
    if not only:
        return spec
    from ci_kaniko.problems.problem import SelectionError
    from ci_kaniko.project import changes

    try:
        return changes.only_images(spec, only)
    except SelectionError as error:
        raise Misuse(str(error)) from error


def text_of(spec: Spec, target: str, settings: Sequence[str]) -> str:
    """A rendering, with what a checkout knows where it is needed. Raises SpecError."""
    from ci_kaniko.rendering import known_values
    from ci_kaniko.rendering import render as render_text

    return render_text(spec, target, known_values(target, values_of(settings), spec.repository))


def values_of(settings: Sequence[str]) -> dict[str, str]:
    """What ``--set`` says. Raises Misuse."""
    from ci_kaniko.problems.finding import quoted

    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise Misuse(f"--set wants NAME=VALUE, not {quoted(setting)}")
        values[name] = value
    return values


def render_or_fail(spec: Spec, target: str, settings: Sequence[str], form: str) -> str:
    """A rendering. Raises Done after the problems when there is none."""
    from ci_kaniko.problems.problem import SpecError

    try:
        return text_of(spec, target, settings)
    except SpecError as error:
        fail(error.problems, form)


def fails(problems: Sequence[Problem], *, strict: bool) -> bool:
    """Whether problems make a command fail."""
    return any(strict or problem.severity == "error" for problem in problems)


def show(problems: Sequence[Problem], form: str) -> None:
    """Say problems on standard error."""
    if problems:
        from ci_kaniko.cli.report import report

        say(report(problems, form), err=True)


def report_all(problems: Sequence[Problem], form: str) -> None:
    """What a command has found: for machines on standard output, and JSON always."""
    from ci_kaniko.cli.report import report

    if problems or form == "json":
        say(report(problems, form), err=form == "text")


def fail(problems: Sequence[Problem], form: str) -> NoReturn:
    """Raise Done after saying problems."""
    show(problems, form)
    raise Done(1)


def deliver(text: str, output: str | None) -> None:
    """Print what was made, or write it to a file and its folders."""
    if output in {None, "-"}:
        print_text(text)
    else:
        from ci_kaniko.repository.files import write

        write(os.path.realpath(str(output)), text, new_folders=True)


def print_text(text: str) -> None:
    """Bytes, so that the output is UTF-8 with LF on every system. Raises OSError."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed", "<stdout>")
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def coloured() -> bool:
    """Whether standard output takes colours: as the environment asks, else where a person reads."""
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return is_terminal and environment.get("TERM") != "dumb"


_COLOURS = {"+": "32", "-": "31"}


def print_lines(lines: Iterable[str]) -> None:
    """Lines whose headings begin in the first column, coloured on a terminal."""
    in_colour = coloured()
    for line in lines:
        colour = _COLOURS.get(line[:1], "1" if line and line[0] != " " else "")
        print_text(f"\x1b[{colour}m{line}\x1b[0m\n" if in_colour and colour else f"{line}\n")


def say(text: str, *, err: bool = False) -> None:
    """A line for people, or for machines on standard output."""
    if err:
        print(text, file=sys.stderr, flush=True)
    else:
        print_text(f"{text}\n")
