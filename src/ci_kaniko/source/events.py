"""PyYAML's events, in a form that no release of libyaml changes."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.source.source import BOM, OTHER_BREAKS, is_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator


_CERTAIN = 120


def events_of(text: str) -> Iterator[Any]:
    """PyYAML's events; every one that stands before a mistake comes before its exception.

    libyaml reads up to 1,024 characters ahead and has a limit of its own for brackets, so without
    this a text that is nested too deeply for us would be refused in its words, or not, by release.
    """
    from ci_kaniko.text.pyyaml import MarkedYAMLError

    count = end = 0
    try:
        for event in _all(text):
            count, end = count + 1, event.end_mark.index
            yield event
    except MarkedYAMLError as error:
        mark: Any = error.problem_mark
        openings = [n for n in range(end, mark.index) if text[n] in "[{"]
        for last in openings[_CERTAIN::_CERTAIN]:
            for event in _before(text[: last + 1], count):
                count += 1
                yield event
        raise


def portable_events(text: str) -> Iterator[Any]:
    """PyYAML's events as a reader of YAML 1.2 has them: only LF, CR LF and CR end a line.

    What YAML 1.1 takes for a line break, too, is another character while PyYAML reads.
    """
    found = [] if text.isascii() else [one for one in OTHER_BREAKS if one in text]
    if not found:
        yield from events_of(text)
        return
    used = {*text, BOM}
    free = (one for one in map(chr, range(0xE000, 0x110000)) if one not in used and is_yaml(one))
    there = {ord(one): next(free) for one in found}
    back = {ord(one): chr(code) for code, one in there.items()}
    for event in events_of(text.translate(there)):
        if getattr(event, "value", ""):
            event.value = event.value.translate(back)
        yield event


def _before(text: str, known: int) -> Iterator[Any]:
    """The events of the start of a text, without the first ones and what its end cuts short."""
    from ci_kaniko.text.pyyaml import MarkedYAMLError

    try:
        for number, event in enumerate(_all(text)):
            if event.end_mark.index == len(text) and not hasattr(event, "flow_style"):
                return
            if number >= known:
                yield event
    except MarkedYAMLError:
        return


def _all(text: str) -> Iterator[Any]:
    from ci_kaniko.text.pyyaml import Parser

    parser = Parser(text)
    while parser.check_event():
        yield parser.get_event()
