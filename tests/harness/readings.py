"""How tests look at what was read of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    ALWAYS,
    spell,
)

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Call, Script, When, Word

CONFIG = "/kaniko/.docker/config.json"


def told(when: When) -> str:
    """A condition on one line."""
    return " or ".join(" and ".join(test.text for test in tests) or "always" for tests in when)


def shown(words: tuple[Word, ...]) -> list[str]:
    """Words, with their conditions in brackets."""
    return [
        spell(word.text) + ("" if word.when == ALWAYS else f" [{told(word.when)}]")
        for word in words
    ]


def rules(script: Script) -> list[str]:
    """The rules of the notes, without repetitions."""
    return list(dict.fromkeys(note.rule for note in script.notes))


def only(script: Script) -> Call:
    """The one call of a script."""
    assert len(script.calls) == 1
    return script.calls[0]


def logins(call: Call) -> list[tuple[str, str, str]]:
    """Host, user and password of each login."""
    return [(spell(one.host), spell(one.user), spell(one.password)) for one in call.logins]
