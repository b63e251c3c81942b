"""The variables of a GitLab job: given in the file, by its matrix, and put into each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, filled_in, literal
from ci_kaniko.importing.readers.matrices import combined
from ci_kaniko.importing.readers.scripts import is_named
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.ticked import Map, line_of, mapping, native, peek, sequence, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.importing.jobs import Job

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)|\$\[\[\s*inputs\.([\w-]+)[^]]*\]\]")
_WORD = re.compile(r"\w+")
_PARTS = ("value", "expand", "description", "options")
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

    def settle(
        self, texts: list[str], told: list[str], counts: Callable[[str], bool]
    ) -> dict[str, Any]:
        """Tick the variables read in some texts or told; what else the job gives its container.

        A runner's own settings, and what ``counts``, are the job's whoever gives them.
        """
        used: set[str] = set()
        waiting = [*told, *(word for text in texts for word in _WORD.findall(text))]
        while waiting:
            name = waiting.pop()
            if name in self.raw and name not in used:
                used.add(name)
                waiting += _WORD.findall(self.raw[name][0])
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
