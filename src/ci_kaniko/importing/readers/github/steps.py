"""The steps of a job as one script, which the shell's reader follows in one go.

Each ``run:`` is a subshell. Between them stand commands of this module's own: they set what a step
finds (``env:``, ``working-directory:``), take over what it wrote into GITHUB_ENV and GITHUB_OUTPUT,
test its ``if:``, and do what an action does. So a value that an earlier step made under a condition
keeps this condition, and a file that it wrote is found.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    ALWAYS,
    Contents,
    Text,
    Var,
    join,
    literal,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.readers.github.actions import Actions
from ci_kaniko.importing.readers.github.catalogue import composite_action
from ci_kaniko.importing.readers.github.expressions import EXPRESSION, bare_condition
from ci_kaniko.importing.readers.github.knowledge import Known, Step, in_workspace
from ci_kaniko.importing.readers.github.needed import Needed, list_of, wanted
from ci_kaniko.importing.readers.scripts import Commands, Piece, beginning, read_pieces
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.shell.files import change_folder, read_file, remove_file
from ci_kaniko.importing.shell.guards import NO, TooComplexError
from ci_kaniko.importing.shell.reader import SUCCESS, Host, Reader, Status
from ci_kaniko.importing.shell.values import EMPTY, Value, Values, plain_of, pure
from ci_kaniko.importing.ticked import Map, Str, mapping, peek, string
from ci_kaniko.importing.translate.conditions import both_ways, is_unknown, shown_when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ci_kaniko.importing.calls import Call, When, Word
    from ci_kaniko.importing.originals import Original
    from ci_kaniko.importing.readers.github.events import Events
    from ci_kaniko.importing.readers.github.knowledge import Input

_Made = dict[str, tuple[Values, Value]]
"""What a composite action is given, with what that was made under."""
_SHELLS = ("bash", "sh", "")
_STATIC = re.compile(r"(?:matrix|inputs|github\.event\.inputs)\.")
_LONG = 24_000
"""So many characters of scripts a job may have before only those are read that matter."""
_MATTERS = re.compile(r"kaniko|executor|docker|GITHUB_(?:ENV|OUTPUT)|config\.json|login")
_SHOWN_STEP = re.compile(r"(?i)(?<!\S)\S*(?:pass|token|secret)\S*")
_LATE = re.compile(r"\b(?:steps|env|secrets|needs)\.")
_HERE = re.compile(r"^(?:\$\{?(?:PWD|GITHUB_WORKSPACE)\}?|\.)/+")
_SET_OUTPUT = re.compile(
    r"echo\s+([\"']?)::set-(output|env) name=([\w-]+)::(.*)\1[ \t]*$", re.MULTILINE
)


class Steps:
    """The steps of one job as its script; ``original`` is the file that holds them."""

    def __init__(self, known: Known, events: Events, original: Original) -> None:
        self.known = known
        self.job = known.job
        self.events = events
        self.original = original
        self.actions = Actions(known)
        self._commands = Commands()
        self._pieces: list[Piece] = []
        self._is_long = False
        self._started: When = ALWAYS
        self._written: dict[str, int] = {}
        self._composites = 0
        self._added = 0

    # -- the script -----------------------------------------------------------------------------

    def read(self, raw: Map, folder: str, needed: Sequence[Needed]) -> tuple[Call, ...]:
        """The executor calls of the steps of a job, which reads outputs of others."""
        self._command(self._start, self.job.line)
        for job in needed:
            self._add(job.steps, {}, job.prefix, folder)
            self._command(partial(self._needs, job), job.line)
        steps = raw.sequence("steps")
        self._is_long = sum(len(mapping(step).peek("run")) for step in steps) > _LONG
        self._add(steps, {}, "", folder)
        self.known.wanted = wanted("steps", raw.kept("strategy".__ne__))
        for job in needed:
            made = wanted("steps", job.outputs)
            self.known.wanted |= {f"{job.prefix}{name}" for name in made}
        host = Host(self._commands.known, self._expression)
        script = read_pieces(self.job, self._pieces, host)
        self.actions.tell(script.calls)
        if script.calls:
            written = _digests(script.calls)
            # The outputs of steps that nothing of the build reads.
            for name, line in self._written.items():
                if not self._hands_digest(name, written) and name not in self.known.used:
                    self.job.tell("step-output", line, name.replace(".outputs.", "."))
        return tuple(
            replace(
                call, when=self._asked(call.when), pushed=tuple(map(self._narrowed, call.pushed))
            )
            for call in script.calls
        )

    def _hands_digest(self, name: str, written: Mapping[str, str]) -> bool:
        """Whether an output is a digest that an executor call has ``written``."""
        texts = (text for _, text in self.known.outputs.get(name, ()) if len(text) == 1)
        read = {part.path for (part,) in texts if isinstance(part, Contents)}
        found = {written[path] for path in read & written.keys()}
        self.job.handed_on |= found
        return bool(found)

    def _asked(self, when: When) -> When:
        """A condition of the script; nothing where what starts the job says as much."""
        expressions = self.known.starting()
        conditions = expressions.conditions
        try:
            started = self.events.guard(expressions)
            said = started != NO and conditions.implies(started, conditions.of(when))
        except TooComplexError:
            return when
        return ALWAYS if said else when

    def _narrowed(self, word: Word) -> Word:
        """A push with what starts the job in its condition, where only that makes it sayable."""
        if not is_unknown(word.when):
            return word
        whole = both_ways(self._started, word.when)
        known = tuple(tests for tests in whole if not is_unknown((tests,)))
        if not known:
            return word
        lost = tuple(tests for tests in whole if tests not in known)
        if lost:
            asked = (test for tests in lost for test in tests if is_unknown(((test,),)))
            said = " or ".join(dict.fromkeys(test.text for test in asked)) or shown_when(lost)
            self.job.tell("unknown-condition/lost", word.line, spell(word.text), said)
        return replace(word, when=known)

    def _add(
        self,
        steps: list[Any],
        inputs: Mapping[str, Input],
        prefix: str,
        folder: str,
        within: int = 0,
    ) -> None:
        for item in steps:
            raw = mapping(item)
            if raw is self.known.taken:
                continue
            step = Step(raw, inputs, prefix, folder, within)
            number, self._added = self._added, self._added + 1
            if "if" in raw:
                asks = self._commands.add(partial(self._if, step))
                self._pieces.append(Piece(f"if {asks}; then", step.line_of("if")))
            if "uses" in raw:
                self._add_action(step, number)
            elif "run" in raw:
                self._add_run(step)
            if "if" in raw:
                # An action alone in an if is a statement; an if without one is no shell.
                self._pieces.append(Piece(":; fi", step.line_of("if")))

    def _command(self, run: Callable[[Reader], Status], line: int) -> None:
        """Do something at this place of the script."""
        self._pieces.append(Piece(self._commands.add(run), line))

    def _add_run(self, step: Step) -> None:
        run, raw = step.raw.get("run"), step.raw
        first, line = getattr(run, "first", raw.line), step.at(raw.line)
        shell = raw.string("shell").split(" ")[0].rpartition("/")[2]
        if shell not in _SHELLS:
            self.job.tell("other-shell", step.at(first), shell, beginning(string(run)))
            return
        if self._is_long and not _MATTERS.search(peek(run)):
            self.job.tell("long-script", step.at(first), " ".join(string(run).split())[:60])
            return
        text = EXPRESSION.sub(
            lambda found: self._pasted(found, step), self._new_output(string(run), step.at(first))
        )
        rows = text.rstrip("\n").split("\n") if step.within else [text]
        self._pieces.append(Piece("(", line))
        self._command(partial(self._enter, step), line)
        self._pieces += [Piece(row, step.at(first)) for row in rows]
        ends = ") || :" if raw.peek("continue-on-error") == "true" else ")"
        self._pieces.append(Piece(ends, line))
        self._command(partial(self._leave, step), line)

    def _add_action(self, step: Step, number: int) -> None:
        uses = step.raw.string("uses")
        line = step.line_of("uses")
        inner = composite_action(uses, self.original, step.line_of("uses"))
        many = self._composites >= _MOST_ACTIONS
        if inner is None or many or len(step.prefix) > _MAX_PREFIX:
            self._command(partial(self._uses, step), line)
            return
        given = step.raw.mapping("with")
        texts = {
            name: given.get(name, mapping(entry).string("default"))
            for name, entry in inner.mapping("inputs").items()
        }
        made: _Made = {}
        inputs = {name: self._input(made, name, text, step) for name, text in texts.items()}
        prefix = f"{step.name or number}/"
        self._composites += 1
        steps = inner.mapping("runs").sequence("steps")
        self._command(partial(self._open, step, texts, made), line)
        self._add(steps, inputs, prefix, step.folder, step.at(line))
        self._command(partial(self._close, step, inner, prefix), line)

    def _input(self, made: _Made, name: str, text: Str, step: Step) -> Input:
        """What a composite action is given: it is made where the action begins."""
        always = self.known.handed(text, step.line_of("uses"), step.inputs)

        def worth(values: Values) -> Value:
            held = made.get(name)
            return held[1] if held and held[0] is values else always(values)

        return worth

    def _pasted(self, found: re.Match[str], step: Step) -> str:
        """A value of the matrix or an input: GitHub pastes it into the script before a shell."""
        body = found[1]
        if not _STATIC.search(body) or _LATE.search(body):
            return found.group()
        value = self.known.fixed(step.inputs).value(body)
        text = plain_of(value)
        return found.group() if text is None or "\n" in text else text

    def _new_output(self, text: str, line: int) -> str:
        """``::set-output`` as it is written today."""

        def replaced(found: re.Match[str]) -> str:
            self.job.tell("set-output", line + text.count("\n", 0, found.start()))
            file = {"output": "GITHUB_OUTPUT", "env": "GITHUB_ENV"}[found[2]]
            return f'echo {found[1]}{found[3]}={found[4]}{found[1]} >> "${file}"'

        return _SET_OUTPUT.sub(replaced, text)

    # -- between the parts of the script --------------------------------------------------------

    def _expression(self, reader: Reader, name: str) -> Value | None:
        """What an expression in a script is worth."""
        line = self.job.place(reader.line)[1]
        return self.known.expressions(reader, self.known.step).value(name, line)

    def _start(self, reader: Reader) -> Status:
        """What starts the job holds in all of it."""
        guard = self.events.guard(self.known.expressions(reader, None))
        if guard != NO:
            self.known.started = guard
            self._started = reader.conditions.when(guard)
        self.known.start(reader)
        return SUCCESS

    def _if(self, step: Step, reader: Reader) -> Status:
        self.known.entered = None
        condition, line = step.raw.string("if"), step.line_of("if")
        guard = self.known.expressions(reader, step).guard(condition, line)
        if guard == NO:
            does = " ".join(_SHOWN_STEP.sub(" ", step.raw.peek("run")).split())
            does = does or step.raw.peek("uses")
            self.job.tell("other-step", line, does, bare_condition(condition))
        return Status(guard, guard)

    def _enter(self, step: Step, reader: Reader) -> Status:
        self.known.set_environment(reader, step)
        expressions = self.known.expressions(reader, step)
        folder = step.raw.string("working-directory") or step.folder
        if folder:
            found = expressions.template(folder, step.line_of("working-directory"))
            change_folder(reader, reader.values.each(found, lambda to: pure(in_workspace(to))))
        return SUCCESS

    def _leave(self, step: Step, reader: Reader) -> Status:
        self.known.entered = None
        changed = _written(reader, "GITHUB_ENV")
        for name, value in () if step.is_elsewhere else changed:
            before = reader.state.variables.get(name, EMPTY)
            found = reader.values.overlaid(value, before, reader.state.path)
            self.known.assign(reader, name, found)
        for name, value in _written(reader, "GITHUB_OUTPUT"):
            self.known.put(reader, f"{step.name}.outputs.{name}", value)
            self._written[f"{step.name}.outputs.{name}"] = step.line_of("run")
        return SUCCESS

    def _uses(self, step: Step, reader: Reader) -> Status:
        self.known.entered = None
        self.actions.run(reader, step)
        return SUCCESS

    def _needs(self, job: Needed, reader: Reader) -> Status:
        """The outputs of a job before this one."""
        inside = Step(Map(job.line, {}), {}, job.prefix, "")
        for name, text in job.outputs.items():
            found = self.known.expressions(reader, inside).template(text, job.line)
            self.known.put(reader, f"needs.{job.name}.outputs.{name}", found)
            listed = self.known.lists.get(f"steps.{job.prefix}{list_of(text)}")
            if listed is not None:
                self.known.lists[f"needs.{job.name}.outputs.{name}"] = listed
        self.known.start(reader)
        return SUCCESS

    def _open(self, step: Step, texts: dict[str, Any], made: _Made, reader: Reader) -> Status:
        """The inputs of a composite action, as they are when it begins."""
        self.known.entered = None
        expressions = self.known.expressions(reader, step)
        for name, text in texts.items():
            found = expressions.template(string(text), step.line_of("uses"))
            made[name] = reader.values, found
        return SUCCESS

    def _close(self, step: Step, inner: Map, prefix: str, reader: Reader) -> Status:
        """The outputs of a composite action."""
        self.job.tell("action", step.line_of("uses"), step.raw.string("uses"))
        inside = Step(inner, {}, prefix, "", step.line_of("uses"))
        for name, entry in inner.mapping("outputs").items():
            value = mapping(entry).string("value")
            found = self.known.expressions(reader, inside).template(value)
            self.known.put(reader, f"{step.name}.outputs.{name}", found)
        return SUCCESS


_MAX_PREFIX = 200
_MOST_ACTIONS = 300


def _written(reader: Reader, file: str) -> list[tuple[str, Value]]:
    """NAME=VALUE, one a line, that a step wrote to a file of GitHub's, which is empty again."""
    path = (Var(file),)
    if path not in reader.state.files:
        return []
    found: dict[str, list[tuple[int, Text]]] = {}
    for guard, text in read_file(reader, path, empty=True):
        for name, value in _lines(text).items():
            found.setdefault(name, []).append((guard, value))
    remove_file(reader, path)
    return [(name, tuple(values)) for name, values in found.items()]


def _lines(text: Text) -> dict[str, Text]:
    found: dict[str, Text] = {}
    rows = iter(split_text(text, "\n"))
    for row in rows:
        head = row[0] if row and isinstance(row[0], str) else ""
        name, equals, value = head.partition("=")
        opened = re.fullmatch(r"([A-Za-z_][\w-]*)<<(\S+)", head) if len(row) == 1 else None
        if opened:
            inner: list[Text] = []
            for line in rows:
                if literal(line) == opened[2]:
                    break
                inner += [("\n",), line] if inner else [line]
            found[opened[1]] = join(part for line in inner for part in line)
        elif equals and re.fullmatch(r"[A-Za-z_][\w-]*", name):
            found[name] = join([value, *row[1:]])
    return found


def _digests(calls: Iterable[Call]) -> dict[str, str]:
    """The files of digests where a step finds them, and as the executor is told."""
    found: dict[str, str] = {}
    for call in calls:
        for word in call.words:
            if not starts_with(word.text, "--digest-file="):
                continue
            path = spell(without_head(word.text, "--digest-file="))
            found[path] = path
            for outside, inside in mounts(call.docker):
                if path.startswith(below := f"{spell(inside)}/"):
                    found[_HERE.sub("", f"{spell(outside)}/") + path.removeprefix(below)] = path
    return found
