"""What `buildkite-agent pipeline upload` does to text: the interpolation rules of its parser.

Source: https://github.com/buildkite/interpolate.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_ORDINARY = re.compile(r"[^\\$}]+")


class UploadError(Exception):
    """The upload is refused: nothing of the pipeline runs."""


def interpolate(text: str, env: Mapping[str, str]) -> str:
    if "$" not in text:
        return text
    return _Parser(text, env).expression(stop="")


def interpolate_all(value: Any, env: Mapping[str, str]) -> Any:
    """Every string below value, keys included."""
    if isinstance(value, str):
        return interpolate(value, env)
    if isinstance(value, list):
        return [interpolate_all(item, env) for item in value]
    if isinstance(value, dict):
        return {
            interpolate_all(key, env): interpolate_all(item, env) for key, item in value.items()
        }
    return value


def upload(pipeline: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """The pipeline as Buildkite receives it; later entries of the top `env` see earlier ones."""
    known, block = dict(env), {}
    for key, value in (pipeline.get("env") or {}).items():
        name = interpolate(key, known)
        block[name] = interpolate(value, known) if isinstance(value, str) else value
        known.setdefault(name, str(block[name]))
    rest = {key: value for key, value in pipeline.items() if key != "env"}
    return {"env": block, **interpolate_all(rest, known)}


class _Parser:
    def __init__(self, text: str, env: Mapping[str, str]) -> None:
        self.text, self.env, self.at = text, env, 0

    def expression(self, stop: str) -> str:
        out: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != stop:
            ordinary = _ORDINARY.match(self.text, self.at)
            if ordinary:
                self.at = ordinary.end()
            out.append(ordinary[0] if ordinary else self._item())
        return "".join(out)

    def _item(self) -> str:
        pair = self.text[self.at : self.at + 2]
        if pair in ("\\\\", "$("):
            self.at += 2
            return pair
        if pair in ("\\$", "$$"):
            self.at += 2
            return "$"
        if pair == "${":
            self.at += 2
            return self._brace()
        self.at += 1
        if pair[0] == "$" and pair[1:].isalpha():
            return self.env.get(self._identifier(), "")
        return pair[0]

    def _brace(self) -> str:
        name = self._identifier()
        operator = self._operator(name)
        value = self.env.get(name)
        if operator == "}":
            return value or ""
        if operator == ":":
            result = self._substring(value or "")
        else:
            other = self.expression(stop="}")
            result = self._chosen(name, operator, value, other)
        if self._next() != "}":
            raise UploadError(f"${{{name}...: no closing brace")
        return result

    def _operator(self, name: str) -> str:
        operator = self._next()
        if operator == ":" and self.text[self.at : self.at + 1] == "-":
            return operator + self._next()
        if operator not in ("}", ":", "-", "?"):
            raise UploadError(f"expected an operator after {name!r}, got {operator!r}")
        return operator

    @staticmethod
    def _chosen(name: str, operator: str, value: str | None, other: str) -> str:
        if operator == "?" and value is None:
            raise UploadError(f"${name}: {other or 'not set'}")
        if value is None or (operator == ":-" and not value):
            return other
        return value

    def _substring(self, value: str) -> str:
        offset = self._integer(":}")
        start = max(offset + len(value), 0) if offset < 0 else offset
        if self.text[self.at : self.at + 1] != ":":
            return value[start:]
        self.at += 1
        length = self._integer("}")
        return value[start : start + length] if length >= 0 else value[start:length]

    def _integer(self, stops: str) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        number = self.text[start : self.at].strip()
        if not _INTEGER.match(number):
            raise UploadError(f"cannot parse {number!r} as an offset or length")
        return int(number)

    def _identifier(self) -> str:
        start = self.at
        if not self.text[start : start + 1].isalpha():
            raise UploadError(f"expected an identifier at {self.text[start : start + 10]!r}")
        while self.at < len(self.text) and self._continues(self.text[self.at]):
            self.at += 1
        return self.text[start : self.at]

    @staticmethod
    def _continues(character: str) -> bool:
        return character.isalpha() or character.isnumeric() or character == "_"

    def _next(self) -> str:
        self.at += 1
        return self.text[self.at - 1 : self.at]
