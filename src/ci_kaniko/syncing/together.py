"""Several specs and their files at once: nothing is written until all have been looked at."""

from __future__ import annotations

from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import dataclass
from ci_kaniko.spec.loading import warnings
from ci_kaniko.syncing.abandoned import abandoned
from ci_kaniko.syncing.compare import clashes, compare, drift, foreign, unified, write_outputs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syncing.compare import Compared, Output


@dataclass(frozen=True)
class Change:
    """A file that differs from what its spec asks for.

    ``path`` leads to it from the current folder, and ``problem`` is what ``ci-kaniko check`` says
    of it. ``before`` is what it holds, None where there is no such file, and ``after`` what it
    should hold.
    """

    path: str
    target: str
    problem: Problem
    before: str | None
    after: str

    @property
    def diff(self) -> str:
        """The unified diff that ``ci-kaniko check`` prints; without secrets."""
        return "".join(f"{line}\n" for line in unified(self.path, self.before, self.after))


def compare_all(
    specs: Iterable[Spec | SpecError], targets: Collection[str] = (), root: str | None = None
) -> tuple[list[Compared], list[Problem]]:
    """Each spec with its outputs, and everything that is wrong with any of them.

    ``root`` is the repository of those that were not read from a file; without one it is that of
    the current folder.
    """
    compared: list[Compared] = []
    problems: list[Problem] = []
    for spec in specs:
        if isinstance(spec, SpecError):
            problems += spec.problems
            continue
        placed = spec.source and spec.source.place
        compared.append(compare(spec, spec.repository if placed or not root else root, targets))
        problems += [*warnings(spec), *compared[-1].problems]
    for place in () if targets else sorted({each.root for each in compared}):
        problems += abandoned([each.spec for each in compared if each.root == place], place)
    return compared, problems + clashes([(each.spec, each.root) for each in compared], targets)


def changes(compared: Iterable[Compared], *, named: bool = True) -> list[Change]:
    """The files that are not in sync; ``named`` is as for ``drift``."""
    found = [pair for each in compared for pair in drift(each, named=named)]
    return [_change(problem, output) for problem, output in found]


def written(compared: Sequence[Compared]) -> Iterator[Change]:
    """Write the files that are not in sync; yields each that was written. Raises OSError."""
    for each in compared:
        problems = {output: problem for problem, output in drift(each)}
        for output in write_outputs(each.outputs):
            yield _change(problems[output], output)


def _change(problem: Problem, output: Output) -> Change:
    return Change(output.shown, output.target, problem, output.current, output.expected)


def in_the_way(compared: Iterable[Compared]) -> list[Problem]:
    """Files that would be overwritten and that are not ours."""
    return [problem for each in compared for problem in foreign(each)]


def remember(compared: Sequence[Compared], targets: Sequence[str]) -> None:
    """Note that these outputs agree with their specs, and nothing is left to say about them."""
    from ci_kaniko.syncing import memory

    if not memory.enabled():
        return
    paths = [each.spec.source.path if each.spec.source else "" for each in compared]
    noted = memory.Memory(targets, paths)
    for each in compared:
        source = each.spec.source
        if source and source.place:
            outputs = [(output.target, output.path, _bytes(output)) for output in each.outputs]
            if folder := each.spec.templates:
                outputs.append(("", folder, memory.of_templates(each.templates)))
            outputs += [
                (memory.BASE, base.place or base.path, base.text.encode()) for base in source.bases
            ]
            noted.remember(source.path, source.text.encode(), outputs)


def _bytes(output: Output) -> bytes:
    """What the file holds: what was read, or what was written because it differed."""
    text = output.current if output.in_sync else None
    return (output.expected if text is None else text).encode("utf-8", "surrogateescape")
