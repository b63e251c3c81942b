"""Names of images that are made of a git tag without its ``v``: a spec calls that a version."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Test,
    Text,
    Var,
    join,
    literal,
    spell,
    starts_with,
    without_head,
)
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.transforms import outcomes
from ci_kaniko.importing.translate.conditions import both_ways
from ci_kaniko.syntax.versions import version_of

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Call, Part, Word
    from ci_kaniko.importing.jobs import Job

_CUT = re.compile(r"\$\{##?([\w./@+-]*?)v?\}")
_TAG = (Var("tag", portable=True),)
_VERSIONS = ("1.2.3", "10.20.30-rc.1", "0.1.0-dev.1", "1.0.0-v")
_DESTINATION = "--destination="
_FOLDERS = {"ref": "refs/tags/", "tag": "", "ref.name": ""}


def named_by_version(job: Job) -> bool:
    """Name images by the version where they have the tag without its ``v``; whether one had it.

    Tags that are no versions have no such name, so nothing is pushed for them.
    """
    calls = tuple(_call(job, call) for call in job.calls)
    changed = calls != job.calls
    job.calls = calls
    return changed


def _call(job: Job, call: Call) -> Call:
    pushed = tuple(_word(word) for word in call.pushed)
    for word, made in zip(call.pushed, pushed, strict=True):
        if made != word:
            job.tell("version-tags/name", word.line or call.line, spell(word.text))
    named = {word.text: made.text for word, made in zip(call.pushed, pushed, strict=True)}
    words = [replace(word, text=_destination(word.text, named)) for word in call.words]
    if all(made != word for word, made in zip(call.pushed, pushed, strict=True)):
        # No run pushes what is no version, so what else of the image has the text has that one.
        known = {
            part: version
            for text, other in named.items()
            for part, version in zip(text, other, strict=True)
        }
        words = [
            replace(word, text=tuple(known.get(part, part) for part in word.text)) for word in words
        ]
    return replace(call, pushed=pushed, words=tuple(words))


def _destination(text: Text, named: dict[Text, Text]) -> Text:
    """The argument that names one of the images, with its other name."""
    if not starts_with(text, _DESTINATION):
        return text
    image = without_head(text, _DESTINATION)
    return join((_DESTINATION, *named.get(image, image)))


def _word(word: Word) -> Word:
    tests: list[Test] = []
    text = tuple(_part(part, word.line, tests) for part in word.text)
    if not tests:
        return word
    when = tuple(
        tuple(test for test in asked if not _is_about(test, word))
        for asked in word.when
        if not any(_is_about(test, word) and not test.negated for test in asked)
    )
    return replace(word, text=text, when=both_ways(when, (tuple(tests),)))


def _is_about(test: Test, word: Word) -> bool:
    """Whether a test compares what is a version now with a text that is none."""
    right = literal(test.right)
    named = test.kind == "equal" and len(test.left) == 1 and test.left[0] in word.text
    return named and right is not None and not version_of(right)


def _part(part: Part, line: int, tests: list[Test]) -> Part:
    """A part of a name; ``tests`` are what holds where it is a version."""
    folder = _FOLDERS.get(meaning(part))
    if not isinstance(part, Var) or folder is None or part.default or not part.changes:
        return part
    cut = _CUT.fullmatch(part.changes[-1])
    prefix = cut[1].removeprefix(folder) if cut else ""
    folder += prefix
    if not all(_is_made(part, f"{folder}v{version}", version) for version in _VERSIONS):
        return part
    version = Var(f"version@{prefix}", portable=True)
    tests.append(Test("set", (version,), line=line))
    if not all(_is_made(part, folder + each, each) for each in _VERSIONS):
        tests.append(Test("glob", _TAG, (f"{prefix}v**",), line=line))
    return version


def _is_made(var: Var, text: str, version: str) -> bool:
    return outcomes(var.changes, [text]) == {text: version}
