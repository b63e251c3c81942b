"""Containers of a pod or of a task: what they run, and with which environment."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Call, Text, Var, Word, filled_in, spell, without_head
from ci_kaniko.importing.jobs import Job, Secret, Started
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.scripts import Piece, goes_on, hole, read_pieces, sets_exit
from ci_kaniko.importing.signs import builder_called, is_build, is_image, is_path_in, is_program
from ci_kaniko.importing.ticked import Map, line_of, mapping, peek, string

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


KANIKO_PROGRAM = "/kaniko/executor"
_IN_BRACKETS = r"\[(?:'[^'\]]+'|\"[^\"\]]+\"|\d+)\]"
_READ = re.compile(r"\$\{?(\w+)")
_NAME = rf"[A-Za-z_](?:[\w.-]|{_IN_BRACKETS})*"
_KUBELET = re.compile(rf"\$\$|\$\(({_NAME})\)")
_FILLED = re.compile(rf"\$\$|\$\(({_NAME})\)|\$\{{([A-Za-z_]\w*)\}}|\$([A-Z_][A-Z0-9_]*)\b")
_LIST = re.compile(rf"\$\(({_NAME})(\[\*\])?\)")
_READS_GIVEN = re.compile(r"\$\{?[@*1-9]")
_SHELL = re.compile(r"(?:^|/)(?:sh|ash|bash|dash)$")
_MOST_WORDS = 3_000


class Listed:
    """How many words the lists of some files may still bring: each can stand in many places."""

    def __init__(self) -> None:
        self._left = _MOST_WORDS

    def takes(self, count: int) -> bool:
        """Whether so many more are followed."""
        self._left -= count
        return self._left >= 0


class Known(NamedTuple):
    """What stands for ``$(NAME)`` and ``$(NAME[*])`` before a container starts."""

    texts: Mapping[str, Text] = {}
    lists: Mapping[str, list[Any]] = {}
    listed: Listed | None = None

    def text(self, name: str) -> Text | None:
        """The text of a name; what only a task or a trigger knows is a variable."""
        name = _dotted(name)
        called = variable(event) if (event := name.partition("tt.params.")[2]) else name
        return self.texts.get(name, (Var(called),) if "." in name else None)

    def listed_by(self, word: Any) -> tuple[list[Any] | None, bool]:
        """The words of a list that a word names, and whether it can name nothing else."""
        found = _LIST.fullmatch(peek(word))
        return (self.lists.get(_dotted(found[1])), bool(found[2])) if found else (None, False)

    def flat(self, words: list[Any]) -> list[Any]:
        """The words of a list, with those of lists in their place as long as they are few."""
        parts = [self.listed_by(each)[0] for each in words]
        few = len(words) + sum(len(part or ()) for part in parts) <= _MOST_WORDS
        spread = zip(words, parts, strict=True)
        return [
            one for each, part in spread for one in ([each] if part is None or not few else part)
        ]

    def peek(self, value: Any) -> str:
        """A scalar's text with what is known, for a look that decides nothing about it."""
        return "".join(
            part if isinstance(part, str) else "" for part in expanded(peek(value), self)
        )


UNKNOWN = Known()


def _dotted(name: str) -> str:
    """A name of Tekton without quotes in brackets: ``params['a']`` is ``params.a``."""
    return re.sub(r"\[['\"](.+?)['\"]\]", r".\1", name)


def variable(parameter: str) -> str:
    """The variable that stands for a parameter which each run is given."""
    return re.sub(r"\W", "_", parameter).upper()


def runs_executor(container: Map, known: Known = UNKNOWN) -> bool:
    command = _peeked(container.get("command"), known)
    words = [*command, *_peeked(container.get("args"), known)]
    if any(is_program(word) or is_path_in(word) for word in (*words, " ".join(words))):
        return True
    if is_path_in(container.peek("script")):
        return True
    image = known.peek(container.get("image"))
    return is_image(image) and (not command or is_build("", {w.partition("=")[0] for w in words}))


def _peeked(value: Any, known: Known) -> list[str]:
    return [
        known.peek(item) for item in (value if isinstance(value, list) else [value] * bool(value))
    ]


def read_environment(job: Job, container: Map, known: Known = UNKNOWN) -> None:
    for item in container.sequence("env"):
        entry = mapping(item)
        name = entry.peek("name")
        source = entry.mapping("valueFrom")
        reference = source.mapping("secretKeyRef")
        if not reference:
            entry.string("name")
        if reference:
            ignore_keys(reference, "Kubernetes secretKeyRef")
            nodes = (entry.get("name"), reference.get("name"), reference.get("key"))
            key, store = reference.peek("key"), reference.peek("name")
            before = job.secrets.get(name)
            if before and (before.name, before.store) == (key, store):
                nodes = (*before.nodes, *nodes)
            job.secrets[name] = Secret(key, store, nodes)
            if not (key and store):
                job.tell("half-reference", line_of(item), name)
        elif source:
            job.environment[name] = (Var(name),)
        else:
            job.environment[name] = filled(job, entry.get("value"), known)
            job.exported[name] = line_of(item)
    for item in container.sequence("envFrom"):
        reference = mapping(item).mapping("secretRef")
        if reference:
            job.tell("env-from", line_of(item), reference.string("name"))
            job.plain_secrets = True


def expanded(text: str, known: Known) -> Text:
    """A text after the kubelet: ``$(NAME)`` replaced, ``$$`` halved."""

    def value(match: re.Match[str]) -> Text:
        found = None if match[1] is None else known.text(match[1])
        return ("$",) if match[1] is None else (match.group(),) if found is None else found

    return filled_in(_KUBELET, text, value)


def filled(job: Job, value: Any, known: Known = UNKNOWN) -> Text:
    """A scalar after envsubst or the like, and the kubelet; what nobody fills in is reported."""
    line = line_of(value)
    own = Known({**known.texts, **_values(job)})

    def part(match: re.Match[str]) -> Text:
        by_kubelet, name = match[1], match[2] or match[3]
        if not by_kubelet and not name:
            return ("$",)
        found = own.text(by_kubelet or name)
        if found is not None or not by_kubelet:
            job.exported.pop(by_kubelet or name, None)
            take_secret(job, by_kubelet or name)
        if by_kubelet and found is None:
            job.tell("unexpanded-variable/kubelet", line, match.group())
        elif not by_kubelet:
            by = "envsubst" if found is None else "shell"
            job.tell(f"unexpanded-variable/{by}", line, match.group(), name)
        return ((match.group() if by_kubelet else Var(name)),) if found is None else found

    return filled_in(_FILLED, string(value), part)


def _values(job: Job) -> dict[str, Text]:
    return {**job.environment, **{name: (Var(name),) for name in job.secrets}}


def calls_of(
    job: Job, container: Map, known: Known = UNKNOWN, before: tuple[Piece, ...] = ()
) -> tuple[Call, ...]:
    """What a container calls: by its arguments, or in the script that it runs.

    ``before`` are scripts of other containers, which leave files to this one.
    """
    job.hide_secrets()
    items = [*spread(job, container, "command", known), *spread(job, container, "args", known)]
    texts = [string(item) for item in items]
    at = script_place(texts)
    if at is not None:
        _check_shell(job, texts, at, items)
        own = Known({**known.texts, **_values(job)})
        given = texts[at + 2 :] if _READS_GIVEN.search(texts[at]) else []
        script = given_to(in_script(texts[at], own), [in_script(one, own) for one in given])
        piece = Piece(script, getattr(items[at], "first", 0))
        calls = read_pieces(job, [*before, piece]).calls
        take_read(job)
        return calls
    job.has_shell = False
    words = [Word(filled(job, item, known), line=line_of(item)) for item in items]
    return calls_of_words(job, words, job.line, before)


def take_read(job: Job) -> None:
    """Variables that a script reads are in what it says."""
    for name in set(_READ.findall(job.script_text)):
        job.exported.pop(name, None)
        take_secret(job, name)


def take_secret(job: Job, name: str) -> None:
    """A secret that something is made of."""
    if name in job.secrets:
        job.secrets[name].take()


def spread(job: Job, container: Map, key: str, known: Known) -> Iterator[Any]:
    """The words of a container, with those of lists in their place."""
    for item in container.sequence(key):
        found, is_list = known.listed_by(item)
        if found is None and not is_list:
            yield item
            continue
        string(item)
        if found and known.listed and not known.listed.takes(len(found)):
            job.started = Started(held=True)
            found = None
        if found is None:
            job.tell("parameter/list", line_of(item), string(item))
        yield from found or ()


def script_place(texts: list[str]) -> int | None:
    """Where the script stands in ``sh -c SCRIPT``."""
    if texts and _SHELL.search(texts[0]):
        for at, text in enumerate(texts[:-1]):
            if re.fullmatch(r"-[a-z]*ce?", text):
                return at + 1
    return 0 if len(texts) == 1 and is_path_in(texts[0]) and " " in texts[0] else None


def _check_shell(job: Job, texts: list[str], at: int, items: list[Any]) -> None:
    job.goes_on = goes_on(texts[1:at])
    if at and "\n" in texts[at].strip() and job.goes_on and not sets_exit(texts[at]):
        job.tell("no-exit-on-error/container", line_of(items[at]), texts[0])
    left = items[at + 1 : at + 2] if _READS_GIVEN.search(texts[at]) else items[at + 1 :]
    for item in left:
        job.tell("stray-argument/script", line_of(item), string(item))


def given_to(script: str, words: list[str]) -> str:
    """A script that has some words as its arguments."""
    return f"set -- {shlex.join(words)}; {script}" if words else script


def in_script(text: str, known: Known) -> str:
    """A script after the kubelet, in which holes stand for what a run tells."""
    return "".join(
        part if isinstance(part, str) else hole(part.name) if isinstance(part, Var) else ""
        for part in expanded(text, known)
    )


def handed_over(job: Job, calls: tuple[Call, ...], path: Text, said: str) -> tuple[Call, ...]:
    """Calls without the digest of a push that they write where the platform reads it."""
    found = []
    for call in calls:
        if not call.pushed:
            found.append(call)
            continue
        kept = []
        for word in call.words:
            if without_head(word.text, "--digest-file=") == path:
                job.shared["digest"] = True
                job.tell("digest", word.line or job.line, said)
            else:
                kept.append(word)
        found.append(replace(call, words=tuple(kept)))
    return tuple(found)


def calls_of_words(
    job: Job, words: list[Word], line: int, before: tuple[Piece, ...] = ()
) -> tuple[Call, ...]:
    """The calls that a command makes where no shell reads it: they are those of a script."""
    from ci_kaniko.importing.shell.guards import YES
    from ci_kaniko.importing.shell.reader import Host
    from ci_kaniko.importing.shell.values import Item

    texts = [spell(word.text) for word in words]
    if not is_path_in(" ".join(texts)) and not (texts and builder_called(texts[0])):
        words = [Word((KANIKO_PROGRAM,), line=line), *words]
    items = [Item(YES, word.text, word.split, word.line) for word in words]
    host = Host({"words": lambda reader, _: reader.call(items)})
    calls = read_pieces(job, [*before, Piece("words", line)], host).calls
    if before:
        take_read(job)
    return calls
