"""YAML text that YAML 1.1 and 1.2 readers understand alike."""

from __future__ import annotations

import math
import re

from ci_kaniko.quick.hints import Any
from ci_kaniko.text.patterns import pattern

_PLAIN = pattern(
    r"(?:[A-Za-z_./$]|--[a-z])"
    r"(?:[A-Za-z0-9_./@+=$,~()*&|!\"'\\\[\]{}?^<>;%-]|[ ](?=[^ #])|:(?=[^\s])|(?<=[^ ])#)*"
)
_AMBIGUOUS = pattern(
    r"(?i)(?:y|n|yes|no|on|off|true|false|null|\.(?:inf|nan)|\.[0-9_].*|\.{3}.*|_*[0-9].*)"
)
_MEASURE = pattern(r"[1-9][0-9]*(?:[hms]|[KMGT]i)(?: [1-9][0-9]*[ms])*")
_NOT_SINGLE = pattern("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ESCAPED = pattern("[\x00-\x08\x0a-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def scalar(value: Any) -> str:
    """``value`` on one line: plain where a conservative pattern holds, else quoted.

    Double quotes, or single ones around a text that holds more double quotes than single ones and
    nothing that needs an escape.

    >>> print(scalar("ghcr.io/acme/shop:1.0"), scalar("1.10"), scalar("on"), scalar(True))
    ghcr.io/acme/shop:1.0 "1.10" "on" true
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return repr(value)
    text = str(value)
    if "$[[" in text:  # GitLab pastes an input there, which may hold anything but a double quote
        return _double_quoted(text)
    if _MEASURE.fullmatch(text) or (_PLAIN.fullmatch(text) and not _AMBIGUOUS.fullmatch(text)):
        return text
    if text.count('"') > text.count("'") and "\\" not in text and not _NOT_SINGLE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return _double_quoted(text)


def single(text: str) -> str:
    r"""A text of another language: in single quotes its own quotes and backslashes stay.

    >>> print(single('build.branch == "it\'s"'))
    'build.branch == "it''s"'
    """
    if not ('"' in text or "\\" in text) or _NOT_SINGLE.search(text):
        return scalar(text)
    return "'" + text.replace("'", "''") + "'"


def _float(value: float) -> str:
    """YAML 1.1 wants a point in every float."""
    text = repr(value)
    if not math.isfinite(value):
        return "." + text if value != -math.inf else "-.inf"
    return text if "." in text else text.replace("e", ".0e")


def _double_quoted(text: str) -> str:
    from json import dumps

    quoted = dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def flow(values: list[Any] | tuple[Any, ...]) -> str:
    """A short list on one line."""
    return "[" + ", ".join(_in_flow(value) for value in values) + "]"


def _in_flow(value: Any) -> str:
    text = scalar(value)
    return (
        text
        if text.startswith(('"', "'")) or not re.search(r"[,?\[\]{}]", text)
        else _double_quoted(value)
    )


def literal(text: str, indent: int) -> str:
    """A ``|`` block with its body ``indent`` columns in; ``text`` begins with a non-blank."""
    assert not text[:1].isspace(), "the first line of a block decides its indentation"
    chomp = (
        ""
        if text.endswith("\n") and not text.endswith("\n\n")
        else ("+" if text.endswith("\n") else "-")
    )
    margin = " " * indent
    lines = [f"{margin}{line}" if line else "" for line in text.removesuffix("\n").split("\n")]
    return f"|{chomp}\n" + "\n".join(lines)


def margined(text: str, margin: str) -> str:
    """A text with a margin, but for blank lines after the first, as Jinja makes it."""
    first, *rest = f"{text}\n".splitlines()
    return "\n".join([f"{margin}{first}", *(f"{margin}{line}" if line else line for line in rest)])


def block(value: Any, indent: int) -> str:
    """A nested value as block style, ``indent`` columns in, without a final newline."""
    return "\n".join(_block_lines(value, " " * indent))


def _block_lines(value: Any, margin: str) -> list[str]:
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines += _entry(f"{margin}{scalar(key)}:", item, margin)
    else:
        for item in value:
            nested = isinstance(item, dict | list) and item
            if nested:
                inner = _block_lines(item, margin + "  ")
                lines += [f"{margin}- {inner[0].lstrip()}", *inner[1:]]
            else:
                lines += _entry(f"{margin}-", item, margin)
    return lines


def _entry(head: str, item: Any, margin: str) -> list[str]:
    if isinstance(item, dict | list):
        if not item:
            return [f"{head} {'{}' if isinstance(item, dict) else '[]'}"]
        return [head, *_block_lines(item, margin + "  ")]
    if isinstance(item, str) and "\n" in item and not item[0].isspace() and _fits_literal(item):
        return [f"{head} {literal(item, len(margin) + 2)}"]
    return [f"{head} {scalar(item)}"]


def _fits_literal(text: str) -> bool:
    return not _ESCAPED.search(text.replace("\n", "").replace("\xa0", "x"))
