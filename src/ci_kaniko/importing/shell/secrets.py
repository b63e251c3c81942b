"""Secrets that stand in a script: found, reported by name, and taken out of all that is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Masked, Output, Part, Text, Var, join, literal, with_inner
from ci_kaniko.text.display import MASK, hide

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(
    r"(?i)(?:^|_|\.|-)(?:PASS(?:WORD|WD|PHRASE)?|PWD|TOKEN|SECRETS?|CREDENTIALS?|AUTH"
    r"|(?:ACCESS|PRIVATE|SECRET|ACCOUNT|API|SSH|STORAGE|SERVICE)_?KEY|KEY_?JSON)(?:$|_|\.|-)"
    r"|password|DOCKER_?AUTH|^secrets\."
)
_NO_SECRET = re.compile(
    r"(?i)_(?:FILE|PATH|DIR|URL|USER|NAME|HOST|REGION|TTL|ARN)$|^PWD$|TOKEN_FILE"
    r"|(?:TOKEN|CREDENTIALS?)_?ID$"
)
_PLACEHOLDER = re.compile(
    r"(?i)<.*>|\$.*|\{.*\}|x{3,}|\.{3}|\*{3,}|your.*|change_?me|.*place_?holder.*"
)
_HARMLESS = re.compile(
    r"(?i)true|false|yes|no|on|off|\d{1,4}|none|null|/.*|.*\.json|[a-z]+://[^@]*"
)
_OBJECT = re.compile(r"(?i:(?:^|_)(?:K8S|KUBE|KUBERNETES|PULL)_SECRETS?)=[a-z][a-z.-]*$")
"""The name of a Secret of Kubernetes in a variable that is for one."""
_LONG_ENOUGH = 8


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return _NAME.search(name) is not None and _NO_SECRET.search(name) is None


def is_placeholder(text: str) -> bool:
    """Whether a text only says that something belongs there."""
    return _PLACEHOLDER.fullmatch(text) is not None


def is_written(name: str, text: Text) -> bool:
    """Whether a variable holds a secret that stands in the script."""
    plain = literal(text) if is_secret_name(name) else ""
    if not plain or is_placeholder(plain) or _HARMLESS.fullmatch(plain):
        return False
    return _OBJECT.search(f"{name}={plain}") is None


class Secrets:
    """The secrets that were found in one script."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def add(self, text: str, name: str) -> None:
        """Remember what must not be kept."""
        if len(text) >= _LONG_ENOUGH:
            self._texts[text] = name

    def clean(self, text: Text, line: int = 0) -> Text:
        return join(piece for part in text for piece in self._part(part, line))

    def _part(self, part: Part, line: int) -> Iterable[Part]:
        if isinstance(part, str):
            return self._pieces(part, line)
        if isinstance(part, Output):
            return (replace(part, command=self.clean_string(part.command)),)
        if isinstance(part, Var) and part.default:
            return (replace(part, default=self.clean_string(part.default)),)
        return (with_inner(part, lambda text: self.clean(text, line)),)

    def _pieces(self, text: str, line: int) -> Iterable[Part]:
        for secret, name in self._texts.items():
            if secret in text:
                head, _, tail = text.partition(secret)
                return (*self._pieces(head, line), Masked(name, line), *self._pieces(tail, line))
        pieces: list[Part] = []
        at = 0
        for match in re.finditer(re.escape(MASK) + "+", hide(text)):
            if text[match.start() : match.end()] == match.group():
                continue
            pieces += [text[at : match.start()], Masked("token", line)]
            at = match.end()
        return (*pieces, text[at:])

    def clean_string(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, "***")
        return hide(text)
