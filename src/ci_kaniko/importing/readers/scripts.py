"""Scripts of jobs: read as shell, with what the job knows, and their notes as report entries."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import Script, Text, Var, spell
from ci_kaniko.importing.report import FIRST_SCRIPT_LINE
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.signs import DAEMONLESS, DOCKER, is_image
from ci_kaniko.importing.ticked import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.shell.reader import Host, Reader, Status
    from ci_kaniko.importing.shell.values import Item

_NAMES = ("--destination", "--context", "--dockerfile", "--cache-repo")

_SHOWN = 4
_BETWEEN = re.compile(
    r"(?:echo|printf|ls|cd|pwd|exit|export|if|then|elif|else|fi|for|while|do|done|case|esac)\b"
    r"|\w+=|[{}()!\[]"
)
"""Rows of a script that say less than those between them."""


class Piece(NamedTuple):
    """A part of a script and the line of the file that it begins on."""

    text: str
    line: int


class Commands:
    """What the CI does between the parts of a script, as commands of it."""

    def __init__(self) -> None:
        self.known: dict[str, Callable[[Reader, list[Item]], Status]] = {}

    def add(self, run: Callable[[Reader], Status]) -> str:
        """One more, by a name that no shell has."""
        name = f"ci:{len(self.known)}"
        self.known[name] = lambda reader, _: run(reader)
        return name


@functools.lru_cache(maxsize=1024)
def beginning(*scripts: str) -> str:
    """The first words of the first commands: enough to know them by, too little for a secret."""
    texts = [script.partition("<<")[0].replace("\\\n", " ") for script in scripts]
    rows = [row.strip() for text in texts for row in text.split("\n")]
    commands = [row for row in rows if row and not row.startswith(("#", "set "))]
    found = [row for row in commands if not _BETWEEN.match(row)] or commands[:1]
    shown = list(dict.fromkeys(" ".join(row.split()[:2]) for row in found))
    return "; ".join([*shown[:_SHOWN], *["..."][: len(shown) > _SHOWN]])


def is_named(name: str, *texts: str) -> bool:
    """Whether a variable is spoken of in some texts."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(map(word.search, texts))


def goes_on(options: Iterable[str]) -> bool:
    """Whether a shell goes on after a command that fails, unless its script says otherwise."""
    return not any(re.match(r"-[a-z]*e", option) for option in options)


def sets_exit(script: str) -> bool:
    """Whether a script says that it ends with a command that fails."""
    return re.search(r"set -\w*e", script) is not None


def hole(name: str) -> str:
    """What stands in a script for a value that the CI puts there, whatever the quotes."""
    return f"$[[ {name} ]]"


def read_pieces(job: Job, pieces: list[Piece], host: Host | None = None) -> Script:
    """What a script does that is put together from pieces; nothing where it cannot be read.

    Raises SpecError where nothing on this machine reads scripts.
    """
    from ci_kaniko.importing.shell.interpreter import Given, NoProgramError, ShellError, read

    job.hide_secrets()
    first = max(job.lines, default=FIRST_SCRIPT_LINE - 1) + 1
    rows: list[str] = []
    for piece in pieces:
        for offset, row in enumerate(piece.text.rstrip("\n").split("\n")):
            job.lines[first + len(rows)] = piece.line + offset
            rows.append(row)
    known: dict[str, Text] = {name: (Var(name),) for name in job.secrets}
    known.update(job.environment)
    text = "\n".join(rows)
    for name, called in job.scripts_in(text).items():
        job.known_files.setdefault(name, (called,))
    job.script_text = f"{job.script_text}\n{text}"
    try:
        dialect = "posix" if is_image(spell(job.image)) else "bash"
        facts = job.facts
        given = Given(known, job.known_files, first, dialect, host, facts.called, job.goes_on)
        script = read(text, given, job.report.budget)
    except ShellError as error:
        if job.report.daemons or any(each.words.search(text) for each in DAEMONLESS):
            job.tell("bad-shell", error.line, error.message, error.hint or "mend the script")
        return Script(())
    except NoProgramError as missing:
        message = "shfmt is not installed, and import and lint read shell scripts with it"
        raise failure(job.path, "bad-shell", message, str(missing)) from None
    if not job.report.daemons:
        calls = tuple(call for call in script.calls if call.builder != DOCKER.name)
        script = replace(script, calls=calls)
    add_notes(job, script)
    return script


def _reads_secrets(job: Job, script: Script) -> bool:
    """Whether a script logs in, or speaks of a variable that holds a secret."""
    named = set(re.findall(r"\$\{?(\w+)", job.script_text))
    logs_in = any(call.logins for call in script.calls)
    return logs_in or bool(named & job.secrets.keys()) or any(map(is_secret_name, named))


def add_notes(job: Job, script: Script) -> None:
    """What the shell's reading has to say, as entries of the report."""
    if not script.calls:
        return
    named = " ".join(
        spell(word.text)
        for call in script.calls
        for word in call.words
        if spell(word.text).startswith(_NAMES)
    )
    unquoted: dict[int, list[str]] = {}
    for note in script.notes:
        if note.name == "unquoted-words":
            unquoted.setdefault(note.line, []).append(str(note.values[0]).partition("=")[0])
        elif note.name in {"gate/script", "clone"} and job.is_ours:
            continue  # the rendered job does the same again
        elif note.name == "trace-shows-secrets" and not _reads_secrets(job, script):
            job.tell("trace", note.line, *note.values)
        elif note.name != "placeholder/script" or str(note.values[0]) in named:
            job.tell(note.name, note.line, *note.values)
    for line, words in unquoted.items():
        job.tell("unquoted-words", line, ", ".join(dict.fromkeys(words)))
