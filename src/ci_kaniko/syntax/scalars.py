"""How one value of a spec becomes a Python value: by the field's type, never by YAML's guess."""

from __future__ import annotations

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


class Plain(str):
    """An unquoted scalar of a file: the only text that can also mean a number or a boolean."""

    __slots__ = ()


NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = dict.fromkeys(("yes", "on", "y", "true", "1"), "true")
_BOOLEANS |= dict.fromkeys(("no", "off", "n", "false", "0"), "false")
_SWITCHES = {"true": "auto", "false": "never"}
"""What somebody means who writes a switch where a word says when."""
_WORDS = {"buildx": "buildkit", "docker": "buildkit", "podman": "buildah"}
"""The choice that is nearest to another one."""


def kind_of(value: Any) -> str:
    """What a user would call the value."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return quoted(value) if value else "an empty text"
    if isinstance(value, bool | int | float):
        return _number(value)
    return f"a Python {type(value).__name__}"


def _number(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def wrong_type(value: Any, expected: str, hint: str = "") -> Refused:
    """A value of another shape than the field has."""
    return Refused("wrong-type", f"expected {expected}, got {kind_of(value)}", hint)


def as_text(value: Any) -> str:
    """The written text; ``1.10`` stays ``1.10``. Raises Refused."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        raise Refused("empty-value", "there is no value", 'an empty text is written ""')
    if isinstance(value, dict | list | tuple):
        raise wrong_type(value, "text")
    if isinstance(value, bool | int | float):
        raise wrong_type(value, "text", f'write "{_number(value)}"')
    raise wrong_type(value, "text")


def as_bool(value: Any) -> bool:
    """``true`` or ``false``, unquoted. Raises Refused."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Plain) and value in {"true", "false"}:
        return value == "true"
    if isinstance(value, str):
        meant = _BOOLEANS.get(value.lower())
        hint = f"write {meant}" if meant else "a switch is true or false, without quotes"
        what = "text, not" if value in {"true", "false"} else "not"
        raise Refused("bad-boolean", f"{quoted(value)} is {what} true or false", hint)
    raise wrong_type(value, "true or false")


def as_int(value: Any) -> int:
    """A whole number, unquoted. Raises Refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    digits = value.removeprefix("-") if isinstance(value, Plain) else ""
    if digits.isascii() and digits.isdigit() and len(digits) < 16:
        return int(value)
    if isinstance(value, str):
        number = value.strip()
        whole = number.isascii() and number.isdigit() and len(number) < 16
        hint = f"write {int(number)}" if whole else "digits without quotes, such as 3"
        what = "text, not" if whole else "not"
        raise Refused("bad-integer", f"{quoted(value)} is {what} a whole number", hint)
    raise wrong_type(value, "a whole number")


def as_choice(value: Any, choices: Collection[str]) -> str:
    """One of a fixed set of words. Raises Refused."""
    if isinstance(value, bool | int | float):
        value = _number(value)
    text = as_text(value)
    if text in choices:
        return text
    from ci_kaniko.problems.problem import suggest

    word = text.lower()
    meant = _SWITCHES.get(_BOOLEANS.get(word, "")) or _WORDS.get(word)
    close = meant if meant in choices else suggest(text, choices)
    raise Refused(
        "bad-choice",
        f"{quoted(text)} is not one of: {', '.join(choices)}",
        f'did you mean "{close}"?' if close else "",
    )


def as_list(value: Any) -> list[Any]:
    """A list, or one value that stands for a list of one. Raises Refused."""
    if isinstance(value, list | tuple):
        return list(value)
    if value is None or isinstance(value, dict):
        raise wrong_type(value, "text or a list", 'lines that begin with "- "')
    return [value]


def plain(value: Any) -> Any:
    """The text that a value was read from, or a list of them."""
    if isinstance(value, str):
        return str(value)
    return tuple(plain(item) for item in value) if isinstance(value, tuple) else value


def as_native(value: Any) -> Any:
    """A raw native value: unquoted scalars by the core schema of YAML 1.2, the rest as it is."""
    if isinstance(value, dict):
        return {str(key): as_native(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_native(item) for item in value]
    if isinstance(value, Plain):
        return _core(value)
    return value


def _core(text: str) -> Any:
    if text in NULLS:
        return None
    if text in {"true", "True", "TRUE"}:
        return True
    if text in {"false", "False", "FALSE"}:
        return False
    for number in (int, float):
        if text.lstrip("+-")[:1].isdigit() and "_" not in text and text.isascii():
            try:
                return number(text)
            except ValueError:
                continue
    return str(text)
