"""What every part of the shell's reading shares: the state, the conditions and the notes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Output, Part, Text, Var
from ci_kaniko.importing.sentences import Note
from ci_kaniko.importing.shell.conditions import Conditions, is_chosen
from ci_kaniko.importing.shell.guards import NO, YES, Budget
from ci_kaniko.importing.shell.parsing import Tree, fill
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.shell.state import State
from ci_kaniko.importing.shell.uses import IGNORED_VARIABLES, Uses
from ci_kaniko.importing.shell.values import (
    EMPTY,
    UNKNOWN_ARGUMENTS,
    Item,
    Value,
    Values,
    pure,
)
from ci_kaniko.kaniko.builders import KANIKO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


_HOPED = re.compile(r" on line \d+$|^not: (?:command|which|type|hash) ")
"""The questions whether a program did what it is there for, and whether it is there."""


class Container(NamedTuple):
    """The container that a nested script runs in, and the folder ``outside`` of who starts it."""

    image: Text
    options: tuple[Item, ...]
    outside: Value = EMPTY


class RawCall(NamedTuple):
    """An executor call as it was met, with guards."""

    path: int
    items: list[Item]
    environment: dict[str, Value]
    files: dict[Text, Value]
    logins: tuple[tuple[int, Any], ...]
    container: Container | None
    folder: Value
    line: int
    builder: str = KANIKO


class Status(NamedTuple):
    """Where a command succeeds.

    ``hoped`` is where it does if all goes well: nobody asks whether ``mkdir`` worked.
    """

    guard: int
    hoped: int


SUCCESS = Status(YES, YES)
FAILURE = Status(NO, NO)


class Host(NamedTuple):
    """The CI that runs a script, and what it does between two parts of it.

    ``commands`` have names that no shell has. ``expression`` tells what one stands for where the
    script is now, None where it is only a name; without it one stands for what the script's
    environment has under its name.
    """

    commands: Mapping[str, Callable[[Reader, list[Item]], Status]]
    expression: Callable[[Reader, str], Value | None] | None = None


class Given(NamedTuple):
    """What a script stands in.

    ``known`` are variables that its environment holds. ``files`` are what it finds: by path from
    the root of the repository, or by the path that an earlier script wrote to. With the dialect
    ``posix`` what only bash understands is reported. ``first_line`` is the line of the text's
    first line in its file. ``host`` is the CI, where it does something between the script's parts.
    ``called`` says that others call the script, with arguments that nothing tells, and ``goes_on``
    that it does so after a command that fails.
    """

    known: Mapping[str, Text] = MappingProxyType({})
    files: Mapping[str, Text] = MappingProxyType({})
    first_line: int = 1
    dialect: str = "bash"
    host: Host | None = None
    called: bool = False
    goes_on: bool = True


NOTHING = Given()


class Reader(ABC):
    """The reading of one script."""

    def __init__(self, given: Given, budget: Budget, undecided: int) -> None:
        self.dialect = given.dialect
        self.host = given.host
        self.given = given.known
        self.repository = given.files
        self.first_line = self.line = given.first_line
        self.conditions = Conditions(budget, undecided)
        self.values = Values(self.conditions, self._decided_later)
        self.guards = self.conditions.guards
        self.state = State(
            variables={name: pure(text) for name, text in given.known.items()},
            exported=dict.fromkeys(given.known, YES),
            items=[UNKNOWN_ARGUMENTS] if given.called else [],
            goes_on=given.goes_on,
        )
        self.holes: list[Text] = []
        self.hidden: frozenset[str] = frozenset()
        self.uses = Uses()
        self.text = ""
        self.notes: dict[Note, None] = {}
        self.lines: dict[str, int] = {}
        self.calls: list[RawCall] = []
        self.images: list[tuple[Text, int]] = []
        """Images that lie in a store of the script's own, by name, and the calls that made them."""
        self.lists: set[Text] = set()
        """Those of them that are lists of images for several platforms."""
        self.named: dict[Text, int] = {}
        """Where images have the names that were not theirs from the start."""
        self.fetched: dict[Text, Text] = {}
        """What the script has put into folders, by their paths."""
        self.downloads: dict[Text, Text] = {}
        """Archives of addresses, by what the commands print that get them."""
        self.unpushed: dict[Text, int] = {}
        """Where those are named that nothing pushes or names anew."""
        self.asked: dict[str, None] = {}
        self.missing: dict[str, int] = {}
        self.text_read = b""
        self.failed = NO
        self._stopped = NO
        self.container: Container | None = None
        self.stdin: Value | None = None
        self.captures = 0
        self.left_folders: list[Value] = []
        self.questioned = False
        self.answered = False
        self.repeats = False
        self.still = False
        self._temporary = 0
        self._later = 0

    # -- what other modules need of the interpreter -----------------------------------------------

    @abstractmethod
    def capture(self, statements: list[Tree]) -> Value:
        """What statements print, as ``$(...)`` gives it."""

    @abstractmethod
    def run_inner(self, text: Value, items: list[Item] | None) -> Status:
        """Run a script that stands in a text: in a shell of its own when it gets arguments."""

    @abstractmethod
    def call(self, words: list[Item]) -> Status:
        """Run a simple command."""

    @abstractmethod
    def function(self, name: str, items: list[Item]) -> Status:
        """Call a function of the script."""

    @abstractmethod
    def answer(self, guard: int) -> Status:
        """The status of a command that is run for it."""

    @abstractmethod
    def leave(self, kind: str) -> None:
        """Go to the end of what surrounds this place."""

    # -- notes ------------------------------------------------------------------------------------

    def note(self, name: str, *values: str, line: int = 0) -> None:
        """Remember an observation, once per line."""
        self.notes.setdefault(Note(name, values, line or self.line))

    # -- places -----------------------------------------------------------------------------------

    def at(self, node: Tree) -> int:
        """The line of a node; it becomes the current one."""
        self.line = self.line_of(node)
        return self.line

    def line_of(self, node: Tree) -> int:
        """The line of a node; of a file that is run, the line that runs it."""
        return self.line if self.still else self.first_line + int(node["Pos"]["Line"]) - 1

    def run_file(self, text: Value, items: list[Item] | None) -> Status:
        """Run a script that stands in a file."""
        before, self.still = self.still, True
        status = self.run_inner(text, items)
        self.still = before
        return status

    @property
    def alive(self) -> bool:
        """Whether this place can be reached."""
        return self.conditions.possible(self.state.path)

    def narrow(self, guard: int) -> None:
        """From here on a condition holds."""
        self.state.path = self.guards.both(self.state.path, guard)

    def refuse(self, guard: int) -> None:
        """Where a guard holds the script stops with an error here."""
        stopped = self.guards.both(self.state.path, guard)
        self.failed = self.guards.either(self.failed, stopped)
        if not self.conditions.undecided or guard == YES:
            self.narrow(self.guards.negate(guard))

    @contextmanager
    def answering(self, *, is_question: bool) -> Iterator[None]:
        """Commands whose failing stops nothing; a ``question`` is there to choose what comes."""
        kept = self.answered, self.questioned
        self.answered, self.questioned = True, self.questioned or is_question
        yield
        self.answered, self.questioned = kept

    def fail(self) -> Status:
        """The script stops with an error here.

        Where what the run is or is given decides that alone, it is a condition as any other.
        """
        self._stopped = self.guards.either(self._stopped, self.state.path)
        chosen = self.conditions.chosen(self._stopped)
        for tests in self.conditions.when(self.guards.minus(self.state.path, chosen)):
            # That something is there, or looks like itself, is so wherever a run does its work.
            told = [
                test.text for test in tests if test.kind in {"equal", "unknown"} or not test.negated
            ]
            asks = not all(test.text not in told or is_chosen(test) for test in tests)
            if asks and not any(map(_HOPED.search, told)):
                self.note("gate/script", " and ".join(told))
        self.refuse(YES)
        self.failed = self.guards.minus(self.failed, chosen)
        return FAILURE

    def temporary_name(self) -> str:
        """A name for a file or folder that ``mktemp`` makes."""
        self._temporary += 1
        return f"mktemp {self._temporary}"

    def _decided_later(self) -> Part:
        """What stands for a value that is not followed any further here."""
        if not self.conditions.undecided:
            self.note("too-many-values")
        self._later += 1
        return Output("one of many texts" + (f" ({self._later})" if self._later > 1 else ""))

    def hoped(self, what: str) -> Status:
        """A program whose success only a run can tell, and that is there to succeed."""
        return Status(self.conditions.unknown(f"{what} on line {self.line}", self.line), YES)

    def is_set(self, value: Value) -> int:
        return self.values.test(value, lambda text: self.conditions.filled(text, self.line))

    # -- values at this place ---------------------------------------------------------------------

    def each(self, value: Value, change: Callable[[Text], Value]) -> Value:
        return self.values.each(value, change, self.state.path)

    def concat(self, values: Sequence[Value]) -> Value:
        return self.values.concat(values, self.state.path)

    def gather(self, alternatives: Iterable[tuple[int, Text]]) -> Value:
        return self.values.gather(alternatives, self.state.path)

    def write(self, text: Value) -> None:
        if self.captures:
            state = self.state
            state.output = self.concat([state.output, text])

    def filled(self, text: Text) -> Value:
        """A text in which the CI's expressions have the values that they have here."""
        ask = self.host.expression if self.host else None
        if ask is None:
            return pure(text)
        values: list[Value] = []
        for part in text:
            found = ask(self, part.name) if isinstance(part, Var) and not part.portable else None
            values.append(pure((part,)) if found is None else found)
        return self.concat(values)

    def source(self, text: str) -> Text:
        """A piece of the script with its expressions as holes."""
        return fill(text, self.holes)

    def made(self, *things: str) -> None:
        """The command at this place wrote or set something, of what it looked at."""
        self.uses.made(self.line, self.text, things)

    def value(self, name: str) -> Value:
        self.uses.look(f"${name}")
        if name in self.hidden and name in self.state.variables:
            self.note("not-exported", name)
        return self.state.value(name)

    def need(self, name: str) -> None:
        """A variable without a default is read: one in small letters is the script's own."""
        if not name.islower() or name.endswith("_proxy"):
            return
        state = self.state
        if not any(name in known for known in (state.variables, state.arrays, state.unset)):
            self.missing.setdefault(name, self.line)

    def assign(self, name: str, value: Value) -> None:
        state = self.state
        if name not in IGNORED_VARIABLES:
            text = f"{name}=***" if self.text and is_secret_name(name) else self.text
            self.uses.act(self.line, text, (f"${name}",))
        self.lines[name] = self.line
        state.variables[name] = value
        state.arrays.pop(name, None)
        state.own |= {name}
        state.unset -= {name}
        self.hidden -= {name}

    def assign_list(self, name: str, items: list[Item]) -> None:
        """Set an array."""
        self.made(f"${name}")
        self.state.variables.pop(name, None)
        self.state.arrays[name] = items
        self.state.own |= {name}

    def arguments(self, items: list[Item]) -> list[Value]:
        """Words by their places, each with all that it can be."""
        if all(item.guard == YES for item in items):
            return [pure(item.text) for item in items]
        found = (self.value_of(items, at) for at in range(len(items)))
        return [value for value in found if value is not None]

    def value_of(self, items: list[Item], at: int) -> Value | None:
        """The word at a place in a list in which words may be missing; None beyond its end."""
        both, negate = self.guards.both, self.guards.negate
        found: list[tuple[int, Text]] = []
        counts = {0: YES}
        for item in items:
            later: dict[int, int] = {}
            for count, guard in counts.items():
                here = both(guard, item.guard)
                if self.conditions.possible(here):
                    if count == at:
                        found.append((here, item.text))
                    else:
                        later[count + 1] = self.guards.either(later.get(count + 1, NO), here)
                absent = both(guard, negate(item.guard))
                if self.conditions.possible(both(absent, self.state.path)):
                    later[count] = self.guards.either(later.get(count, NO), absent)
            counts = later
        if not found:
            return None
        rest = self.guards.any(counts.values())
        if self.conditions.possible(both(rest, self.state.path)):
            found.append((rest, ()))
        return self.gather(found)
