"""How a script asks a server: no secret stands among the words that others can see."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.quoting import indented

if TYPE_CHECKING:
    from collections.abc import Iterable

CURL = "curl --fail --silent --show-error --retry 3"


def json_field(name: str) -> str:
    """A command that takes the text of a field out of JSON."""
    return f'sed -n \'s/.*"{name}" *: *"\\([^"]*\\)".*/\\1/p\''


def received(name: str) -> list[str]:
    """A line that stops where an answer left a variable empty."""
    return [f': "${{{name}:?is empty: the answer holds none}}"']


def token_of(asked: Iterable[str], field: str, then: Iterable[str] = ()) -> list[str]:
    """Lines that put a field of the answer to a call into ``$token``."""
    return [
        "token=$(",
        *indented([*asked, f"  {json_field(field)}", *then]),
        ")",
        *received("token"),
    ]
