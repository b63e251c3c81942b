"""Where a script goes: ways that part and meet, shells inside of shells, and what is left early."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, spell
from ci_kaniko.importing.shell.guards import NO, YES, Budget, TooComplexError
from ci_kaniko.importing.shell.parsing import (
    Parsed,
    ShellError,
    Tree,
    parse_inner,
    slotted,
    stops,
    without_hashes,
)
from ci_kaniko.importing.shell.reader import SUCCESS, Given, Reader, Status
from ci_kaniko.importing.shell.state import State, merge
from ci_kaniko.importing.shell.values import EMPTY, Item, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MAX_DEPTH = 30


@dataclass
class Frame:
    """Something that can be left: a loop, a function or a shell; ``ends`` is where from."""

    kind: str
    ends: list[State] = field(default_factory=list)
    kept: dict[str, Value | None] = field(default_factory=dict)


class Places(Reader):
    """The places of one script, whatever stands at them."""

    def __init__(self, given: Given, budget: Budget, undecided: int) -> None:
        super().__init__(given, budget, undecided)
        self.frames: list[Frame] = []
        self.depth = 0

    @abstractmethod
    def statement(self, node: Tree) -> Status:
        """A command with its redirections."""

    @abstractmethod
    def continued(self, statements: list[Tree]) -> Iterator[Tree]:
        """Statements as they were meant."""

    # -- places -----------------------------------------------------------------------------------

    def run_all(self, parsed: Parsed) -> None:
        """The whole script, and what it left for its end."""
        self.text_read = parsed.text.encode("utf-8", "surrogatepass")
        with self.framed("shell"):
            self.run(parsed.tree.get("Stmts") or [])
            failed = self.failed
            for text in self.state.traps:
                self.inner_shell(partial(self.run_inner, text, None))
            self.failed = failed

    def run(self, statements: list[Tree]) -> Status:
        """Statements one after the other; the status is that of the last."""
        status = SUCCESS
        for statement in self.continued(statements):
            if not self.alive:
                break
            status = self.statement(statement)
        return status

    def leave(self, kind: str) -> None:
        """Go to the end of the next frame of a kind; nothing leads out of a shell."""
        frame = next(
            (frame for frame in reversed(self.frames) if frame.kind in (kind, "shell")), None
        )
        if frame is not None:
            frame.ends.append(self.state)
        self.state = self.state.fork(NO)

    @contextmanager
    def framed(self, kind: str) -> Iterator[Frame]:
        frame = Frame(kind)
        self.frames.append(frame)
        try:
            yield frame
        finally:
            self.frames.pop()
            for end in frame.ends:
                self.state = merge(self.state, end, self.values)

    def branch(self, guard: int, then: Callable[[], Status], other: Callable[[], Status]) -> Status:
        """Both sides of a condition, and what they have in common afterwards."""
        return self.ways([(guard, then), (YES, other)])

    def answer(self, guard: int) -> Status:
        """The status of a question: where nobody asks for it, it may stop the script."""
        if not self.answered and not self.state.goes_on:
            self.branch(guard, lambda: SUCCESS, self.fail)
        return Status(guard, guard)

    def ways(self, ways: list[tuple[int, Callable[[], Status]]]) -> Status:
        """Several ways of which the first that is open is taken, and where they meet again."""
        guards, before = self.guards, self.state
        guards.budget.spend(60)
        rest, merged, returned = before.path, before.fork(NO), True
        statuses: list[tuple[int, Status]] = []
        for way, run in ways:
            guard = way
            if self.conditions.undecided and guard not in (NO, YES):
                guard = self.conditions.unknown("", self.line)
                path = guards.both(before.path, guard)
            else:
                path = guard if self.conditions.implies(guard, rest) else guards.both(rest, guard)
                rest = guards.minus(rest, guard)
            self.state = before.fork(path)
            statuses.append((guard, run() if self.alive else SUCCESS))
            returned = returned and self.state.path == path
            merged = merge(merged, self.state, self.values)
        self.state = merged
        if returned and rest == NO:
            merged.path = before.path
        whole = SUCCESS
        for guard, status in reversed(statuses):
            whole = Status(
                guards.choose(guard, status.guard, whole.guard),
                guards.choose(guard, status.hoped, whole.hoped),
            )
        return whole

    def inner_shell(self, body: Callable[[], Status]) -> Status:
        """A subshell: its variables are lost, what it wrote stays."""
        before = self.state
        self.state = before.fork(before.path)
        hidden = self.hidden
        with self.framed("shell"):
            status = body()
        after, self.hidden = self.state, hidden
        self.state = before.fork(after.path)
        self.state.files = after.files
        self.state.logins = after.logins
        self.state.output = after.output
        return status

    def capture(self, statements: list[Tree]) -> Value:
        """What statements print."""
        kept, line = self.state.output, self.line
        self.state.output = EMPTY
        self.captures += 1
        with self.answering(is_question=False):
            self.inner_shell(lambda: self.run(statements))
        self.captures -= 1
        found, self.state.output = self.state.output, kept
        self.line = line
        return found

    def run_inner(self, text: Value, items: list[Item] | None) -> Status:
        """Run a script that stands in a text."""
        return self.ways([(guard, partial(self._run_text, one, items)) for guard, one in text])

    def _run_text(self, text: Text, items: list[Item] | None) -> Status:
        if self.depth >= MAX_DEPTH:
            raise ShellError("the script calls itself", self.line)
        self.guards.budget.spend(5000)
        if not self.guards.budget.parse(spell(text)):
            raise TooComplexError
        parsed = parse_inner(without_hashes(slotted(text, self.holes), self.holes), self.line)
        for note in parsed.notes:
            self.notes.setdefault(note)
        first, self.first_line = self.first_line, self.line
        outer, self.text_read = self.text_read, parsed.text.encode("utf-8", "surrogatepass")
        self.depth += 1
        statements = parsed.tree.get("Stmts") or []

        def nested() -> Status:
            self.state.items = items or []
            self.state.goes_on = not stops(spell(text))
            self.hidden = self.state.own - self.state.exported.keys()
            return self.run(statements)

        status = self.run(statements) if items is None else self.inner_shell(nested)
        self.depth -= 1
        self.text_read = outer
        self.line, self.first_line = self.first_line, first
        return status
