"""What the steps of a job know: the matrix, inputs, ``env:`` and what earlier steps put out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Text, Var, join, only_var, starts_with
from ci_kaniko.importing.jobs import Job, Secret
from ci_kaniko.importing.readers.expressions import values_of
from ci_kaniko.importing.readers.github.expressions import Expressions
from ci_kaniko.importing.readers.github.needed import ELSEWHERE, wanted
from ci_kaniko.importing.readers.matrices import MAX_CELLS, combined
from ci_kaniko.importing.shell.commands.builtins import exported
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES, Budget
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, Values, pure
from ci_kaniko.importing.ticked import (
    Map,
    Str,
    line_of,
    mapping,
    maps,
    native,
    peek,
    sequence,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.importing.shell.reader import Reader

    Input = Callable[[Values], Value]
    """What an input is worth under the conditions of who asks."""
    from collections.abc import Iterator


WORKSPACE = Var("GITHUB_WORKSPACE")
_ROOTS = {"GITHUB_WORKSPACE", "github.workspace"}
_OUTCOMES: dict[str, Value] = {name: pure(("success",)) for name in ("outcome", "conclusion")}
_NAMES: dict[str, Text] = {
    "github.token": (Var("secrets.GITHUB_TOKEN"),),
    "github.event.release.tag_name": (Var("tag", portable=True),),
    "runner.temp": (Var("RUNNER_TEMP"),),
    "runner.os": ("Linux",),
    "job.status": ("success",),
}


class Step(NamedTuple):
    """One step, and what surrounds it.

    ``inputs`` are those of a composite action, ``prefix`` stands before the ids of its steps, and
    ``within`` is the line of the step that calls it; ``folder`` is where a script starts.
    """

    raw: Map
    inputs: Mapping[str, Input]
    prefix: str
    folder: str
    within: int = 0

    @property
    def name(self) -> str:
        """What its outputs are kept under."""
        return self.prefix + self.raw.string("id")

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is a step of another job, whose environment this one has not."""
        return self.prefix.startswith(ELSEWHERE)

    def at(self, line: int) -> int:
        """A line of the workflow for one of the step."""
        return self.within or line

    def line_of(self, key: str) -> int:
        """The line of one of its keys."""
        return self.at(self.raw.line_of(key))


class Known:
    """What is known in one job; ``given`` tells what an input of the workflow is worth.

    ``secrets`` are those that a caller hands over under a name of its own, ``taken`` is the step
    that ``prepare`` of the spec stands for, and ``entered`` are the variables with which a script
    began: GitHub writes its expressions before a shell changes any.
    """

    def __init__(
        self, job: Job, given: Callable[[str, Values], Value], secrets: Mapping[str, Text]
    ) -> None:
        self.job = job
        self.cell: dict[str, Text] = {}
        self.secrets = secrets
        self.outputs: dict[str, Value] = {}
        self.lists: dict[str, list[Item]] = {}
        self.wanted: set[str] = set()
        self.used: set[str] = set()
        self.step: Step | None = None
        self.taken: Map | None = None
        self.started = YES
        self.entered: Mapping[str, Value] | None = None
        self._given = given
        self._is_outside = False
        self._late: dict[str, Str] = {}
        self._expressions: Expressions | None = None

    # -- above the steps ------------------------------------------------------------------------

    def environment(self, entries: Map) -> None:
        """One level of ``env:`` above the steps."""
        before = self.before()
        for name, value in entries.items():
            found = before.template(string(value), line_of(value))
            if len(found) > 1 or wanted("needs", value):
                self._late[name] = value
            else:
                self._set(name, found[0][1])

    def start(self, reader: Reader) -> None:
        """Set what of ``env:`` depends on conditions."""
        expressions = self.expressions(reader, None)
        for name, text in self._late.items():
            self.assign(reader, name, expressions.template(string(text), line_of(text)))

    def _set(self, name: str, text: Text) -> None:
        job = self.job
        job.secrets.pop(name, None)
        job.runtime.pop(name, None)
        only = _plain_name(text)
        secret = secret_name(text)
        if secret:
            job.secrets[name] = Secret(secret)
        elif only in job.secrets:
            job.secrets[name] = job.secrets[only]
        elif only.startswith("vars."):
            job.runtime[name] = only.removeprefix("vars.")
        else:
            job.environment[name] = text
            return
        job.environment[name] = (Var(name),)

    def starting(self) -> Expressions:
        """Expressions of what starts the job, within what these of all jobs may cost."""
        return self.before(self.job.report.asking)

    def before(self, budget: Budget | None = None) -> Expressions:
        """Expressions above the steps, under conditions of their own."""
        values = values_of(Conditions(budget or Budget()))
        return Expressions(lambda name: self._look_before(name, values), values)

    def fixed(self, inputs: Mapping[str, Input], values: Values | None = None) -> Expressions:
        """Expressions that know nothing but what is the same in all of the job."""
        under = values or values_of(Conditions(Budget()))
        return Expressions(lambda name: self._constant(name, inputs, under), under)

    def handed(self, value: Str, line: int, inputs: Mapping[str, Input]) -> Input:
        """A text that is handed over as an input, to be read by who gets it."""
        return lambda values: self.fixed(inputs, values).template(string(value), line)

    def text(self, value: str) -> Text:
        """A text above the steps; one that may be several stands for itself."""
        found = self.before().template(value)
        return found[0][1] if len(found) == 1 else (Var(value.strip()),)

    def _look_before(self, name: str, values: Values) -> Value | None:
        head, _, rest = name.partition(".")
        if head == "env":
            return pure(self.job.environment.get(rest, (Var(rest),)))
        return self._constant(name, {}, values)

    def _constant(self, name: str, inputs: Mapping[str, Input], values: Values) -> Value | None:
        """What a name is worth in all of the job."""
        head, _, rest = name.partition(".")
        if head == "matrix":
            if rest in self.cell:
                return pure(self.cell[rest])
            return EMPTY if self.cell and "." not in rest else None
        if name.startswith(("inputs.", "github.event.inputs.")):
            rest = name.rpartition("inputs.")[2]
            return inputs[rest](values) if rest in inputs else self._given(rest, values)
        if head == "secrets" and rest in self.secrets:
            return pure(self.secrets[rest])
        if name == "github.job":
            return self._look_before("env.GITHUB_JOB", values)
        return pure(_NAMES[name]) if name in _NAMES else None

    # -- between the steps ----------------------------------------------------------------------

    def expressions(self, reader: Reader, step: Step | None) -> Expressions:
        """The expressions of a step, with the values that they have now."""
        self.step = step
        if self._expressions is None or self._expressions.values is not reader.values:
            self._expressions = Expressions(lambda name: self._look(reader, name), reader.values)
        return self._expressions

    def _look(self, reader: Reader, name: str) -> Value | None:
        step = self.step
        head, _, rest = name.partition(".")
        if head == "env":
            return self._variable(reader, rest)
        if head == "steps":
            prefix = step.prefix if step else ""
            self.used.add(f"{prefix}{rest}")
            return self.outputs.get(f"{prefix}{rest}", _OUTCOMES.get(rest.rpartition(".")[2]))
        if head == "needs":
            return self.outputs.get(name)
        return self._constant(name, step.inputs if step else {}, reader.values)

    def _variable(self, reader: Reader, name: str) -> Value:
        """A variable as an expression of a step sees it: first that of the step itself."""
        if self.entered is not None:
            now = reader.value(name)
            unset = pure((Var(name),)) if name in reader.state.variables else now
            return self.entered.get(name, unset)
        if self.step and not self._is_outside and name in self.step.raw.mapping("env"):
            return self._own(reader, self.step, name)
        return reader.value(name)

    def _own(self, reader: Reader, step: Step, name: str) -> Value:
        """What ``env:`` of a step says of a variable; what it names there is from outside."""
        entries = step.raw.mapping("env")
        line = step.at(line_of(entries[name], entries.line_of(name)))
        self._is_outside = True
        try:
            return self.expressions(reader, step).template(string(entries[name]), line)
        finally:
            self._is_outside = False

    def set_environment(self, reader: Reader, step: Step) -> None:
        """What ``env:`` of a step gives it, before its script begins."""
        self.entered = None
        given = {name: self._own(reader, step, name) for name in step.raw.mapping("env")}
        for name, found in given.items():
            self.assign(reader, name, self._masked(name, found))
        self.entered = dict(reader.state.variables)

    def _masked(self, name: str, found: Value) -> Value:
        """What a variable of a step is worth; a secret, or what a run tells, is worth itself."""
        only = found[0][1] if len(found) == 1 else ()
        secret, named = secret_name(only), _plain_name(only)
        held = Secret(secret, of_step=True)
        if secret and self.job.secrets.setdefault(name, held).name == secret:
            return pure((Var(name),))
        if named.startswith("vars."):
            self.job.runtime.setdefault(name, named.removeprefix("vars."))
            return pure((Var(name),))
        return found

    def within(self, reader: Reader, guard: int) -> int:
        """A guard in a job that starts for some events only: without what these say as well."""
        conditions = reader.conditions
        if not conditions.possible(reader.guards.both(guard, self.started)):
            return NO
        return YES if conditions.implies(self.started, guard) else guard

    def assign(self, reader: Reader, name: str, value: Value) -> None:
        """Give the steps that follow a variable."""
        reader.assign(name, value)
        exported(reader, name)

    def put(self, reader: Reader, name: str, value: Value) -> None:
        """Remember an output; where the step does not run it is empty."""
        values, path = reader.values, reader.state.path
        self.outputs[name] = values.choose(path, values.overlaid(value, EMPTY, path), EMPTY)


def in_workspace(text: Text) -> Text:
    """A path of the checkout as one of the runner."""
    first = text[0] if text else ""
    if starts_with(text, "/") or (isinstance(first, Var) and first.name in _ROOTS):
        return text
    if isinstance(first, str):
        first = "" if first in {".", "./"} else first.removeprefix("./")
        text = join((first, *text[1:]))
    return join((WORKSPACE, *(("/", *text) if text else ())))


def _plain_name(text: Text) -> str:
    """The variable that a text is, as it is."""
    var = only_var(text)
    return var.name if var and not (var.changes or var.default) else ""


def secret_name(text: Text) -> str:
    """The secret that a text is; empty where it is something else."""
    var = only_var(text)
    return var.name.removeprefix("secrets.") if var and var.name.startswith("secrets.") else ""


# -- the cells of a matrix ---------------------------------------------------------------------


def cells_of(matrix: Map) -> list[dict[str, str]]:
    """The cells of a matrix; one without values where there is none."""
    names = [name for name in matrix if name not in {"include", "exclude"}]
    lists = {name: [dict(_flat(item, name)) for item in sequence(matrix[name])] for name in names}
    rows = combined(lists) if names else []
    cells = [{key: value for part in row.values() for key, value in part.items()} for row in rows]
    excluded = [_row(item) for item in matrix.sequence("exclude")]
    cells = [cell for cell in cells if not any(row.items() <= cell.items() for row in excluded)]
    original = [dict(cell) for cell in cells]
    for item in matrix.sequence("include"):
        row = _row(item)
        fitting = [
            cell
            for cell, first in zip(cells, original, strict=False)
            if all(first.get(key, value) == value for key, value in row.items())
        ]
        for cell in fitting:
            cell.update(row)
        if not fitting and len(cells) <= MAX_CELLS:
            cells.append(row)
    return cells or [{}]


def take_named(matrix: Map, text: str) -> None:
    """Tick what of a matrix a job speaks of: the rest makes more of the same jobs."""
    named = {*re.findall(r"\bmatrix\.([\w-]+)", text)}
    whole = re.search(r"\bmatrix[\[)]", text) is not None
    for holder in (matrix, *maps(matrix.get("include")), *maps(matrix.get("exclude"))):
        for name, value in holder.items():
            if whole or name in named:
                native(value)


def _row(item: Any) -> dict[str, str]:
    return {
        key: value for name, inner in mapping(item).items() for key, value in _flat(inner, name)
    }


def _flat(item: Any, name: str) -> Iterator[tuple[str, str]]:
    """A value by its name, one of a mapping by ``name.key``."""
    if isinstance(item, Map):
        for key, inner in item.items():
            yield from _flat(inner, f"{name}.{key}")
    else:
        yield name, peek(item)
