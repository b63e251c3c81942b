"""Files that stay equal to the spec: compare them, write them, say what changed."""

from __future__ import annotations

import errno
import os

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.files import OutsideRepository, inside, read_bytes, write
from ci_kaniko.spec.outputs import named_targets
from ci_kaniko.spec.placing import name_of, placed
from ci_kaniko.syncing.places import place
from ci_kaniko.text.marks import after_mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.outputs import OutputFile
    from ci_kaniko.spec.spec import Spec

_NO_NEWLINE = "\n\\ No newline at end of file"


class Output(NamedTuple):
    """A file of a spec: ``expected`` is what it should hold, ``current`` what it does.

    - ``path`` starts at the root of the repository, ``shown`` at the current folder, as in every
      message; ``file`` is the real path.
    - Bytes that are not UTF-8 are surrogate escapes in ``current``.
    - ``shared`` says that its author goes on writing the file by hand.
    """

    target: str
    path: str
    shown: str
    file: str
    expected: str
    current: str | None
    shared: bool = False

    @property
    def in_sync(self) -> bool:
        """Whether the file says what it should; a checkout may have turned LF into CRLF."""
        if self.current is None or self.shared:
            return self.current == self.expected
        return self.current.replace("\r\n", "\n") == self.expected

    @property
    def is_ours(self) -> bool:
        """Whether ci-kaniko wrote the file, or may create it."""
        written = self.current is None or not self.current.strip()
        return self.shared or written or after_mark(self.current or "") is not None

    @property
    def first_difference(self) -> int | None:
        """The first line that differs, from 1; None when there is no file."""
        if self.current is None:
            return None
        old, new = _lines(self.current), _lines(self.expected)
        pairs = enumerate(zip(old, new, strict=False), start=1)
        return next((n for n, (a, b) in pairs if a != b), min(len(old), len(new)) + 1)


class Compared(NamedTuple):
    """A spec, the repository it lies in, its outputs, and what is wrong with the others.

    ``templates`` are those of the repository, as they were before they were used.
    """

    spec: Spec
    root: str
    outputs: list[Output]
    problems: list[Problem]
    templates: dict[str, bytes]


def compare(spec: Spec, root: str, targets: Collection[str] = ()) -> Compared:
    """Every output of a spec, rendered and read; ``targets`` narrows them."""
    named = placed(_unnamed(spec, targets), spec.source)
    found = Compared(spec, root, [], named, _templates(spec))
    for target, index, wanted in _files(spec, targets):
        path = wanted.path
        shown = os.path.relpath(os.path.join(root, path))
        shared = wanted.mode == "merge"
        try:
            lies = place(root, path, ("outputs", target, index))
            if isinstance(lies, Finding):
                found.problems.extend(placed([lies], spec.source))
                continue
            file, data = lies
            current = None if data is None else data.decode("utf-8", "surrogateescape")
            rendered = _rendered(spec, target, wanted, current or "")
            expected = _merged(current, rendered, target, shown) if shared else rendered
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            found.problems.append(Problem(rule="unreadable", path=shown, message=reason))
        except SpecError as error:
            found.problems.extend(error.problems)
        else:
            found.outputs.append(Output(target, path, shown, file, expected, current, shared))
    found.problems[:] = dict.fromkeys(found.problems)
    return found


def _templates(spec: Spec) -> dict[str, bytes]:
    """The templates of a repository; what is wrong with them is found when they are used."""
    if spec.templates is None:
        return {}
    from ci_kaniko.repository.templates import templates_in

    try:
        return templates_in(spec.repository, spec.templates)
    except (OutsideRepository, OSError):
        return {}


def _unnamed(spec: Spec, targets: Collection[str]) -> Iterator[Finding]:
    given = named_targets(spec.outputs)
    if not given and not targets:
        hint = "such as outputs: {gitlab: .gitlab-ci.yml}"
        yield Finding("missing-output", (), "outputs: names no file", hint)
    for target in targets:
        if target not in given:
            hint = f"add it under outputs:, such as {target}: path/of/the/file.yml"
            yield Finding("missing-output", (), f'no file is named for "{target}"', hint)


def _files(spec: Spec, targets: Collection[str]) -> Iterator[tuple[str, int, OutputFile]]:
    for target, files in spec.outputs:
        if not targets or target in targets:
            yield from ((target, index, file) for index, file in enumerate(files))


def _rendered(spec: Spec, target: str, file: OutputFile, current: str) -> str:
    """The text for a committed file: it may not depend on the commit it is part of."""
    from ci_kaniko.rendering import render
    from ci_kaniko.targets.files import in_file

    spec = in_file(spec, target, file, current)
    try:
        return render(spec, target)
    except SpecError as error:
        raise SpecError([_committed(problem, target) for problem in error.problems]) from None


def _merged(current: str | None, rendered: str, target: str, path: str) -> str:
    """The file that its author writes by hand, with the entries that are ci-kaniko's."""
    from ci_kaniko.merging import merge

    return merge(current or "", rendered, target, path)


def _committed(problem: Problem, target: str) -> Problem:
    if problem.rule != "missing-value":
        return problem
    from ci_kaniko.quick.records import replace

    return replace(
        problem,
        message=f"a committed {target} file cannot hold what each commit changes: "
        + problem.message.rpartition(": ")[2],
        hint=f"render it when it is needed: ci-kaniko render {target} | kubectl create -f -",
    )


def clashes(specs: Collection[tuple[Spec, str]], targets: Collection[str] = ()) -> list[Problem]:
    """What the outputs of specs, each with its repository, would take from one another.

    Files that would be written twice, specs that would be overwritten, and names of which a
    platform keeps one.
    """
    problems = []
    taken = {
        os.path.realpath(text.path): "that is a spec"
        for spec, _ in specs
        for text in ((spec.source, *spec.source.bases) if spec.source else ())
        if text.place
    }
    beside: dict[tuple[str, str], list[Neighbour]] = {}
    for spec, root in specs:
        for target, index, wanted in _files(spec, targets):
            try:
                file = inside(root, wanted.path)
            except (OutsideRepository, OSError):
                continue
            if file in taken:
                message = f"{target} cannot be written there: {taken[file]}"
                shown = os.path.relpath(os.path.join(root, wanted.path))
                hint = "give one of them another file"
                problems.append(_problem("duplicate-output", shown, message, hint))
            taken.setdefault(file, f"{name_of(spec.source)} writes its {target} output there")
            others = beside.setdefault((root, target), [])
            others.append(Neighbour(spec, wanted, ("outputs", target, index)))
    for (_, target), files in beside.items():
        if len(files) > 1:
            problems += _shared_names(target, files)
    return problems


class Neighbour(NamedTuple):
    """A file of a spec, beside others of its target; ``where`` is its place in the spec."""

    spec: Spec
    file: OutputFile
    where: Where


def _shared_names(target: str, files: Collection[Neighbour]) -> Iterator[Problem]:
    """Names that two files have, when they are for different images."""
    from ci_kaniko.targets.files import in_file
    from ci_kaniko.targets.registry import target as find_target

    chosen = find_target(target)
    seen: dict[str, tuple[Neighbour, str]] = {}
    for each in files:
        spec, file, where = each
        reported: set[str] = set()
        for named in chosen.names(in_file(spec, target, file)):
            first, image = seen.setdefault(named.name, (each, named.image.name))
            same = first.spec is spec and (image == named.image.name or named.what == "workflow")
            if first is each or same or first.file.path in reported:
                continue
            reported.add(first.file.path)
            of = f" of {name_of(first.spec.source)}" if first.spec is not spec else ""
            finding = Finding(
                f"duplicate-{'workflow' if named.what == 'workflow' else 'job'}",
                where,
                f"{quoted(named.name)} is a {named.what} in {quoted(first.file.path)}{of} as well",
                f"{target}: {{{chosen.field}: ...}} gives it another name",
            )
            yield from placed([finding], spec.source)


def _problem(rule: str, path: str, message: str, hint: str = "") -> Problem:
    return Problem(rule=rule, path=path, message=message, hint=hint)


def foreign(compared: Compared) -> Iterator[Problem]:
    """Files that differ and that ci-kaniko did not write, or wrote from another spec."""
    for output in compared.outputs:
        if not output.in_sync and (whose := _whose(output, compared)):
            message, way = whose
            yield _problem("foreign-file", output.shown, message, f"{way}`force` overwrites it")


def _whose(output: Output, compared: Compared) -> tuple[str, str] | None:
    """What is said of a file that is not of this spec, and the way to keep it."""
    if not output.is_ours:
        return "ci-kaniko did not write this file", ""
    if other := _other_spec(output, compared):
        return f"{quoted(other)} writes this file", "give one of the two specs another file; "
    return None


def _other_spec(output: Output, compared: Compared) -> str:
    """The spec that a file was rendered from when that is another one, and is still there."""
    from ci_kaniko.targets.header import spec_of

    if output.shared:
        return _other_author(output, compared)
    written = spec_of(output.current or "")
    if not written or written == spec_of(output.expected):
        return ""
    return written if os.path.isfile(os.path.join(compared.root, written)) else ""


def _other_author(output: Output, compared: Compared) -> str:
    """The spec whose entries a file would lose to those of this one."""
    from ci_kaniko.merging.entries import labels_in
    from ci_kaniko.repository.discovery import specs_below
    from ci_kaniko.spec.loading import load

    if labels_in(output.current or "") <= labels_in(output.expected):
        return ""
    own = os.path.realpath(compared.spec.source.path) if compared.spec.source else ""
    for path in specs_below(compared.root):
        if os.path.realpath(path) == own:
            continue
        try:
            other = load(path)
        except (SpecError, OSError):
            continue
        if any(each.path == output.path for _, _, each in _files(other, ())):
            return os.path.relpath(path, compared.root).replace(os.sep, "/")
    return ""


def drift(compared: Compared, *, named: bool = True) -> list[tuple[Problem, Output]]:
    """The files that are not in sync, each with its problem.

    Its hint names the spec unless that is the one which is found without a name.
    """
    from shlex import quote

    name = name_of(compared.spec.source)
    source = compared.spec.source
    path = source.path if source and source.place else ""
    option = f" -f {quote(path)}" if named else ""

    def hint(output: Output) -> str:
        if whose := _whose(output, compared):
            by = f"ci-kaniko sync{option} --force {output.target}" if path else "`force`"
            return f"{whose[0]}: {whose[1]}{by} overwrites it"
        return f"ci-kaniko sync{option} {output.target}" if path else "`sync` writes it"

    return [
        (
            Problem(
                rule="drift",
                path=output.shown,
                line=output.first_difference,
                column=output.first_difference and 1,
                message=f"missing; {name} asks for it"
                if output.current is None
                else f"out of date with {name}",
                hint=hint(output),
            ),
            output,
        )
        for output in compared.outputs
        if not output.in_sync
    ]


def unified(shown: str, current: str | None, expected: str) -> list[str]:
    """The unified diff from a file to what it should be, without line ends."""
    import difflib

    from ci_kaniko.text.display import hide, printable

    compared = difflib.unified_diff(
        _lines(current or ""),
        _lines(expected),
        shown if current is not None else "/dev/null",
        f"{shown} (rendered)",
        lineterm="",
    )
    return [printable(hide(line)) for line in "\n".join(compared).split("\n")]


def _lines(text: str) -> list[str]:
    """As git counts them; a last line without an end is not the same as one with it."""
    *lines, last = text.replace("\r\n", "\n").split("\n")
    return [*lines, last + _NO_NEWLINE] if last else lines


def write_outputs(outputs: Collection[Output]) -> Iterator[Output]:
    """Write the files that are not in sync; yields each that was written. Raises OSError."""
    for output in outputs:
        if not output.in_sync:
            try:
                _refuse_late_change(output)
                write(output.file, output.expected, new_folders=True)
            except OSError as error:
                raise OSError(error.errno, error.strerror, output.shown) from error
            yield output


def _refuse_late_change(output: Output) -> None:
    """The author of a shared file may have saved it since it was read. Raises OSError."""
    if not output.shared:
        return
    data = read_bytes(output.file)
    if (None if data is None else data.decode("utf-8", "surrogateescape")) != output.current:
        raise OSError(errno.EBUSY, "was changed meanwhile; run sync again")
