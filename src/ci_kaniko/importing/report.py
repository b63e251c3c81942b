"""What became of each part of an imported pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.sentences import KINDS, Kind, Note
from ci_kaniko.importing.shell.guards import Budget
from ci_kaniko.problems.finding import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


FILE_LINES = 10_000_000
"""The lines of each further file that a pipeline includes are numbered from a multiple of this."""
FIRST_SCRIPT_LINE = 1_000_000_000
"""Scripts are put together from pieces: their lines are numbered from here on."""
_HEADS = {
    "carried": "carried over",
    "mended": "changed, because it was a fault",
    "left": "not carried over; this is for you",
}


@dataclass(frozen=True)
class Entry:
    """One part of the pipeline: carried over, mended because it was a fault, or left."""

    kind: Kind
    rule: str
    message: str
    path: str = ""
    line: int = 0
    advice: str = ""

    def __str__(self) -> str:
        """One line, and the advice below it."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        head = f"{place}: " if place else ""
        advice = f"\n    {self.advice}" if self.advice else ""
        return f"  {head}{self.message} [{self.rule}]{advice}"


_ASKING = 110_000
"""Eight times what any known file takes."""


class Report:
    """The entries of one import, each once.

    ``budget`` is what its scripts may cost, ``asking`` what the conditions outside of them may.
    With ``daemons`` what builds on a daemon of docker's counts, too: somebody means to leave it.
    ``rules`` are those of the entries so far, ``images`` the jobs of the spec's images, ``pending``
    what counts once the spec is made, by whose it is, and ``texts`` the lines of the files.
    """

    def __init__(self, *, daemons: bool = True) -> None:
        self.budget = Budget()
        self.asking = Budget(_ASKING)
        self.daemons = daemons
        self._entries: dict[Entry, None] = {}
        self._said: set[tuple[object, ...]] = set()
        self._hidden: set[str] = set()
        self._pushed: dict[Entry, tuple[str, str]] = {}
        self.rules: set[str] = set()
        self.images: dict[str, str] = {}
        self.pending: list[tuple[Voice, Any, str]] = []
        self.texts: dict[str, list[str]] = {}

    def hide(self, secret: str) -> None:
        """Never show a text."""
        if len(secret) > 2:
            self._hidden.add(secret)

    def clean(self, text: str) -> str:
        """A text without what must not be shown."""
        from ci_kaniko.text.display import shown

        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, "***")
        return "\n".join(shown(line, 2000) for line in text.split("\n"))

    @property
    def hidden(self) -> frozenset[str]:
        """What must not be shown."""
        return frozenset(self._hidden)

    def tell(self, sentence: str, path: str, line: int, *values: object) -> None:
        """Say something of a line, in one of our sentences."""
        said = sentence, path, line, values
        if said in self._said:
            return
        self._said.add(said)
        note = Note(sentence, values)
        entry = Entry(note.kind, note.rule, note.message, path, line, note.advice)
        self.add(entry)
        if sentence == "destination":
            shown, image = map(str, values)
            self._pushed[entry] = (shown, image)

    def add(self, entry: Entry) -> None:
        self.rules.add(entry.rule)
        self._entries.setdefault(entry)

    def keep_pushed(self, images: Collection[str]) -> None:
        """Call those destinations alone carried over that the spec has in the end."""
        left = "\n".join(entry.message for entry in self._entries if entry.kind == "left")
        for entry, (shown, image) in self._pushed.items():
            if image in images:
                continue
            self._entries.pop(entry, None)
            if shown not in left and quoted(image) not in left:
                lost = Note("destination/lost", (shown, image))
                self.add(replace(entry, kind=lost.kind, message=lost.message, advice=lost.advice))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, in the order of the files' lines within each kind."""
        advice = {text: self.clean(text) for text in {entry.advice for entry in self._entries}}
        cleaned = dict.fromkeys(
            # What is said of a line stands on one line, whatever it quotes.
            replace(entry, message=message.replace("\n", "\\n"), advice=advice[entry.advice])
            for entry in self._entries
            for message in [self.clean(entry.message)]
        )
        place = KINDS.index
        return tuple(sorted(cleaned, key=lambda entry: (place(entry.kind), entry.path, entry.line)))


class Voice:
    """What speaks to the report from the places of one job.

    ``lines`` are those of the file by those of the script, ``files`` the included ones by their
    numbers.
    """

    def __init__(self, path: str, line: int, report: Report) -> None:
        self.path = path
        self.line = line
        self.report = report
        self.lines: dict[int, int] = {}
        self.files: dict[int, str] = {}

    def tell(self, sentence: str, line: int, *values: object) -> None:
        """Say something of a line of the pipeline or of a script."""
        self.report.tell(sentence, *self.place(line), *values)

    def place(self, line: int) -> tuple[str, int]:
        """The file and its line for a line of the pipeline or of a script."""
        found = self.lines.get(line, line if line < FIRST_SCRIPT_LINE else 0) or self.line
        number, line = divmod(found, FILE_LINES)
        return self.files.get(number, self.path), line

    def written_at(self, line: int) -> str:
        """What stands there in the file; it may hold a secret."""
        path, number = self.place(line)
        return "".join(self.report.texts.get(path, [])[number - 1 : number])


def report_text(entries: Iterable[Entry]) -> str:
    listed = list(entries)
    blocks = []
    for kind, head in _HEADS.items():
        found = [str(entry) for entry in listed if entry.kind == kind]
        if found:
            blocks.append(f"{head}:\n" + "\n".join(found))
    return "\n\n".join(blocks) + "\n" if blocks else ""
