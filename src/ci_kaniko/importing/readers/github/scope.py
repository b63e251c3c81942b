"""The inputs of one step, with the values that they have where it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, join, spell, split_text
from ci_kaniko.importing.readers.github.expressions import EXPRESSION, lines_of, stripped_text
from ci_kaniko.importing.readers.github.knowledge import Known, Step, in_workspace
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.values import Item, Value, plain, pure
from ci_kaniko.importing.ticked import Map, line_of, string

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.reader import Reader

_BY_SHELL = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_BLANKS = re.compile(r"\s+")
_MOST_NAMES = 9
_MOST_ROWS = 4
"""So many conditional lines of an output are told apart in a script."""


class Scope:
    """The inputs of one step, with the values that they have where it runs."""

    def __init__(self, known: Known, reader: Reader, step: Step, given: Map) -> None:
        self.known = known
        self.job = known.job
        self.reader = reader
        self.step = step
        self.given = given
        self.line = step.line_of("uses")
        self.values = reader.values
        self.expressions = known.expressions(reader, step)

    def line_of(self, name: str) -> int:
        """Where an input is written; the step, where it is not."""
        return self.step.at(self.given.line_of(name)) if name in self.given else self.line

    def value(self, name: str, default: str = "") -> Value:
        """An input, without the blanks around it."""
        if name not in self.given:
            return plain(default)
        value = self._template(self.given.string(name), self.line_of(name))
        value = self.values.each(value, lambda text: pure(stripped_text(text)))
        return self.values.gather((self.within(guard), text) for guard, text in value)

    def _template(self, text: str, line: int) -> Value:
        """A text of an input; a variable that a shell would replace is meant as such."""
        known = self.step.raw.mapping("env"), self.reader.state.exported

        def meant(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            if not name.startswith("GITHUB_") and not any(name in names for names in known):
                return found[0]
            self.job.tell("unexpanded-variable/input", line, found[0])
            return f"${{{{ env.{name} }}}}"

        return self.expressions.template(_BY_SHELL.sub(meant, text, _MOST_NAMES), line)

    def single(self, name: str) -> Text:
        """An input that is one text; that it may be one of several is told, and it is none then."""
        found = self.value(name)
        if len(found) == 1:
            return found[0][1]
        shown = ", ".join(spell(text) for _, text in found)
        self.job.tell("several-values", self.line_of(name), name, shown)
        return ()

    def set_variable(self, name: str, value: Value) -> None:
        """Give the steps that follow a variable, where they are of the same job."""
        if not self.step.is_elsewhere:
            self.known.assign(self.reader, name, value)

    def within(self, guard: int) -> int:
        """A guard without what starts the job."""
        return self.known.within(self.reader, guard)

    def rows(self, name: str) -> list[Item]:
        """The lines of an input, each where it is there."""
        given = self.given.get(name)
        line = self.step.at(getattr(given, "first", line_of(given)))
        found: list[Item] = []
        for at, raw in enumerate(string(given).split("\n")):
            whole = EXPRESSION.fullmatch(raw.strip())
            items = self.known.lists.get(whole[1].strip()) if whole else None
            if items is not None:
                found += items
                continue
            for guard, text in self._template(raw.strip(), line + at):
                here = self.within(guard)
                found += [Item(here, row, line=line + at) for row in lines_of(text)]
        return [row for row in found if row.text and row.guard != NO]

    def truth(self, name: str) -> int:
        """Where an input is true."""
        line = self.line_of(name)
        return self.values.test(
            self.value(name), lambda text: self.reader.conditions.equal(text, ("true",), line)
        )

    def items(self, head: str, value: Value, name: str, asked: int = YES) -> list[Item]:
        """A value behind a flag, where it is asked for."""
        line, both = self.line_of(name), self.reader.guards.both
        found = ((both(asked, guard), text) for guard, text in value if text and asked != NO)
        return [Item(guard, text, line=line).behind(head) for guard, text in found]

    def become(self, name: str, how: str) -> list[Item]:
        """What an input becomes, as ``actions.yaml`` says."""
        kind, _, rest = how.partition(" ")
        flag, _, shape = rest.partition(" ")
        line = self.line_of(name)
        if kind == "one":
            value = self.value(name)
            if shape == "[path]":
                value = self.path(value)
            return self.items(f"{flag}=", value, name)
        if kind in {"each", "list"}:
            rows = self.rows(name) if kind == "each" else self.words(name, ",")
            return [row.behind(f"{flag}=") for row in rows]
        if kind in {"true", "given"}:
            conditions = self.reader.conditions
            guard = self.truth(name)
            if kind == "given":
                guard = self.values.test(
                    self.value(name), lambda text: conditions.filled(text, line)
                )
            return [Item(guard, (flag,), line=line)] if guard != NO else []
        if kind == "lines":
            return self.rows(name)
        return self.words(name)

    def path(self, value: Value) -> Value:
        """A path of the repository as one of the runner."""
        return self.values.each(value, lambda text: pure(in_workspace(text)))

    def words(self, name: str, between: str | re.Pattern[str] = _BLANKS) -> list[Item]:
        """The words of an input, or what it lists between commas."""
        return [
            row._replace(text=word)
            for row in self.rows(name)
            for word in map(stripped_text, split_text(row.text, between))
            if word
        ]

    def joined(self, items: list[Item]) -> Value | None:
        """Lines as one text; None where too many of them depend on something."""
        guards = self.reader.guards
        if sum(item.guard != YES for item in items) > _MOST_ROWS:
            return None
        parts: list[Value] = [
            ((item.guard, join((*item.text, "\n"))), (guards.negate(item.guard), ()))
            if item.guard != YES
            else pure(join((*item.text, "\n")))
            for item in items
        ]
        return self.reader.concat(parts)
