"""The variables of a GitLab job: given in the file, by its matrix, and put into each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, filled_in, literal
from ci_kaniko.importing.readers.matrices import combined
from ci_kaniko.importing.readers.scripts import Piece, is_named
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.ticked import Map, line_of, mapping, native, peek, sequence, string
from ci_kaniko.syntax.logic import NotLogic, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.readers.gitlab.files import Files

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)|\$\[\[\s*inputs\.([\w-]+)[^]]*\]\]")
_WORD = re.compile(r"\w+")
_PARTS = ("value", "expand", "description", "options")
_SPECIAL = re.compile(r"[\"`\\]|\$(?!\{?\w+)")
_MOST_RULES = 100
ASKED_OF_FILES = {"changes", "exists"}
_RUNNER = re.compile(r"(?:FF|GIT|KUBERNETES|ARTIFACT|CACHE|TRANSFER|FASTZIP|SECURE)_")


class Variables:
    """What ``variables:`` of the file and of a job say, and the values of a cell of its matrix."""

    def __init__(self, whole: Map, own: Map, cell: dict[str, str]) -> None:
        self.own = own
        self.nodes: dict[str, Any] = {**whole, **own}
        self.raw: dict[str, tuple[str, bool]] = {}
        for name, value in self.nodes.items():
            if isinstance(value, Map):
                plain = value.peek("expand") == "false"
                self.raw[name] = (value.peek("value"), not plain)
            else:
                self.raw[name] = (peek(value), True)

        self.raw.update({name: (value, True) for name, value in cell.items()})
        self._known: dict[str, Text] = {}
        self.read: set[str] = set()
        """Those that something of the job is made of."""
        self.fixed_names = {*own, *cell}
        """Those of the job itself, which no rule of the workflow sets."""
        self._changing: set[str] = set()

    def offered(self) -> dict[str, str]:
        """What GitLab asks of who starts a pipeline by hand, with what it is in all others."""
        asked = [
            name
            for name, value in self.nodes.items()
            if isinstance(value, Map) and ("options" in value or "description" in value)
        ]
        texts = {name: literal(self._expanded(name, ())) for name in asked}
        return {name: text for name, text in texts.items() if text is not None}

    def tell(self, job: Job) -> None:
        """Say of what somebody may give that the spec has what it is without that."""
        for name, text in self.offered().items():
            if name in self.read:
                job.tell("default-taken", line_of(self.nodes[name]), name, text or "an empty text")

    def tell_template(self, job: Job, scripts: list[str]) -> None:
        """Say of what jobs may set that extend a template that the spec has what stands here."""
        named = self._named(scripts)
        names = [name for name in self.raw if name in named]
        if names:
            job.tell("template/variables", job.line, ", ".join(names), job.name)

    def texts(self) -> dict[str, Text]:
        """Each variable's text with the others put in, as GitLab does it."""
        return {name: self._expanded(name, ()) for name in self.raw}

    def _expanded(self, name: str, seen: tuple[str, ...]) -> Text:
        if name not in self._known:
            value, expands = self.raw[name]
            self._known[name] = self.text(value, (*seen, name), expands=expands)
        return self._known[name]

    def text(self, value: str, seen: tuple[str, ...] = (), *, expands: bool = True) -> Text:
        """A text with inputs and variables put in; those of GitLab stay holes."""

        def part(match: re.Match[str]) -> Text:
            inner = match[1] or match[2]
            if match[3]:
                return (Var(f"inputs.{match[3]}"),)
            if not expands:
                return (match.group(),)
            if inner in self.raw and inner not in seen:
                return self._expanded(inner, seen)
            return ("$" if inner is None else Var(inner),)

        return filled_in(_VARIABLE, value, part)

    def flat(self, value: str) -> str:
        """A text with the variables of the file put in, as GitLab itself would write it."""
        return "".join(
            part if isinstance(part, str) else _spelled(part) for part in self.text(value)
        )

    def _named(self, texts: Iterable[str]) -> set[str]:
        """The words of some texts, and those of the variables among them."""
        found: set[str] = set()
        waiting = [*{word for text in texts for word in _WORD.findall(text)}]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _WORD.findall(self.raw.get(name, ("",))[0])
        return found

    # -- what rules set -----------------------------------------------------------------------

    def fixed(self, known: dict[str, Text]) -> dict[str, Text]:
        """Of some variables those that no rule of the workflow sets or is the other part of."""
        moved = {name for name in known if self._named([name]) & self._changing}
        return {name: text for name, text in known.items() if name not in moved}

    def set_by_workflow(
        self, files: Files, rules: Any, scripts: list[str], asks: Callable[[Map], str]
    ) -> Iterator[Piece]:
        """What the rules of the workflow set, which the job may set again."""
        self._changing = {
            name
            for rule in files.flat(rules)
            for name in mapping(rule).mapping("variables")
            if name not in self.fixed_names
        }
        yield from self.set_by(files, rules, scripts, asks, self.fixed_names)

    def set_by(
        self,
        files: Files,
        rules: Any,
        scripts: list[str],
        asks: Callable[[Map], str],
        fixed: Iterable[str] = (),
    ) -> Iterator[Piece]:
        """What rules set of what scripts name, and what is made of it, as a script says it.

        ``asks`` gives the command that asks whether a rule holds.
        """
        named = self._named(scripts).difference(fixed)
        listed = [mapping(item) for item in files.flat(rules)]
        if not any(name in named for rule in listed for name in rule.mapping("variables")):
            return
        word, sure = "if", True
        pieces: list[Piece] = []
        nodes: list[Any] = []
        for rule in listed:
            if len(pieces) >= _MOST_RULES:
                return
            if rule.peek("when") == "never":
                continue
            sure = sure and _is_known(rule, peek(files.value(rule.get("if"))))
            given = rule.mapping("variables")
            texts = {name: peek(text) for name, text in given.items() if name in named}
            sets = " ".join(self._sets(texts, named)) or ":;"
            pieces.append(Piece(f"{word} {asks(rule)}; then {sets}", line_of(given, rule.line)))
            nodes += [given[name] for name in texts]
            word = "elif"
        if nodes:
            native([string(node) for node in nodes])
            yield from pieces
            # without a rule that holds the job does not start
            yield Piece("else exit; fi" if sure else "fi", pieces[-1].line)

    def _sets(self, texts: dict[str, str], named: set[str]) -> Iterator[str]:
        """Assignments of some variables and of those that are made of them, in an order."""
        made = {
            name: text
            for name, (text, expands) in self.raw.items()
            if expands and name in named and self._named([text]) & texts.keys()
        }
        waiting = {**made, **texts} if texts else {}

        def set_one(name: str) -> Iterator[str]:
            text = waiting.pop(name)
            for other in _WORD.findall(text):
                if other in waiting:
                    yield from set_one(other)
            escaped = _SPECIAL.sub(r"\\\g<0>", text)
            yield f'{name}="{escaped}";'

        while waiting:
            yield from set_one(next(iter(waiting)))

    def settle(
        self, texts: list[str], told: list[str], counts: Callable[[str], bool]
    ) -> dict[str, Any]:
        """Tick the variables read in some texts or told; what else the job gives its container.

        A runner's own settings, and what ``counts``, are the job's whoever gives them.
        """
        used = self._named([*told, *texts])
        self.read |= used
        kept: dict[str, Any] = {}
        for name, value in self.nodes.items():
            if name in used or name == "DOCKER_CONFIG":
                _taken(value)
            elif (name in self.own or _RUNNER.match(name) or counts(name)) and not is_secret_name(
                name
            ):
                kept[name] = _taken(value)
        return kept


def _taken(value: Any) -> Any:
    """A variable as GitLab has it."""
    if not isinstance(value, Map):
        return string(value)
    return {key: native(value[key]) for key in _PARTS if key in value}


def _spelled(part: Any) -> str:
    given = part.name.removeprefix("inputs.")
    return f"${{input.{given.replace('-', '_').lower()}}}" if given != part.name else f"${given}"


def cells(matrix: Any, text: str) -> Iterator[dict[str, str]]:
    """The cells of ``parallel: matrix:``; what the text of the job has no word of stays unread."""
    for entry in sequence(matrix):
        names = list(mapping(entry))
        lists = {name: [peek(item) for item in sequence(mapping(entry)[name])] for name in names}
        for name in names:
            if is_named(name, text):
                native(mapping(entry)[name])
        yield from combined(lists)


def _is_known(rule: Map, condition: str) -> bool:
    """Whether a rule asks for nothing that a run alone can tell."""
    try:
        parsed(condition or "true")
    except NotLogic:
        return False
    return not ASKED_OF_FILES & rule.keys()
