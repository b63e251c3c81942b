"""What Jenkins' Docker Pipeline plugin runs, as the scripts that say the same.

``docker.build`` runs ``docker build``, ``push`` of its result tags and pushes, and
``docker.withRegistry`` logs in and puts its host before the names of what is pushed inside:
https://github.com/jenkinsci/docker-workflow-plugin, ``Docker.groovy``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.readers.jenkins.folders import ASSIGNED
from ci_kaniko.importing.readers.jenkins.groovy import MARK, Quoted, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE = re.compile(
    r"\s*(?:(?:(?:def|final|[A-Z]\w*)\s+)*(?:env\.)?(\w+)\s*=\s*)?docker\.(build|image)\b"
)
_DECLARED = re.compile(rf"\s*(?:(?:def|final|[A-Z]\w*)\s+)*(\w+)\s*(?:=\s*(?:{MARK}|null)\s*)?")
_PUSH = re.compile(r"\s*(?:env\.)?(\w+)\.push\b")
_REGISTRY = re.compile(r"\s*docker\.withRegistry\b")
_VARIABLE = re.compile(r"(?:(?:env|params)\.)?([A-Za-z_]\w*)")
_LONE = re.compile(rf"\$\{{{_VARIABLE.pattern}\}}")
_HOLE = re.compile(r"\$\{[^{}]*\}")
_URL = re.compile(r"https?://([^/]+)/?.*", re.DOTALL)
_HUB = {"registry.hub.docker.com", "index.docker.io", "registry-1.docker.io", "docker.io"}
_MAY_RUN = {"if", "else", "for", "while", "switch", "try", "catch", "finally"}
_MAX_LENGTH = 2_000
_MAX_NAME = 300
_MAX_CALLS = 300


class _Registry(NamedTuple):
    """What stands before the names of what is pushed; nothing for Docker Hub."""

    host: str = ""


def as_scripts(statements: list[Statement]) -> list[Statement]:
    """Statements in which scripts stand for what the plugin is told."""
    whole = [inner for one in statements for inner in one.below()]
    if not any("docker." in one.code for one in whole):
        return statements
    return [*_Plugin(whole).translated(statements, _Registry())]


class _Plugin:
    def __init__(self, whole: list[Statement]) -> None:
        self._values: dict[str, str] = {}
        self._changed: list[str] = []
        self._images: dict[str, str] = {}
        self._left = _MAX_CALLS
        made = (_MADE.match(one.code) for one in whole)
        self._made = {found[1] for found in made if found and found[2] == "build"}
        for one in whole:
            if named := ASSIGNED.match(one.code):
                again = named[1] in self._values
                self._values[named[1]] = "" if again else _set(one, named)

    def translated(self, statements: list[Statement], around: _Registry) -> Iterator[Statement]:
        """Statements one after the other, in a block for a registry."""
        for one in statements:
            found = self._said(one, around)
            if found is not None:
                yield from found
            elif named := ASSIGNED.match(one.code):
                self._values[named[1]] = _set(one, named)
                self._changed.append(named[1])
                yield one
            elif _REGISTRY.match(one.code):
                yield one  # nobody knows where its block pushes to
            else:
                before = len(self._changed)
                yield replace(one, block=[*self.translated(one.block, around)])
                if one.name in _MAY_RUN:
                    self._values |= dict.fromkeys(self._changed[before:], "")
                    del self._changed[before:]

    def _said(self, one: Statement, around: _Registry) -> list[Statement] | None:
        texts = iter(one.texts)
        if _REGISTRY.match(one.code) and one.has_block:
            given, _ = _arguments(one.code.partition("withRegistry")[2], texts)
            return self._with_registry(one, given)
        if made := _MADE.match(one.code):
            given, rest = _arguments(one.code[made.end() :], texts)
            push = re.match(r"\s*\.push\b", rest)
            image = given[0] if given else None
            if not image or len(image) > _MAX_NAME or (rest.strip() and not push):
                return None
            image = self._known(image)
            self._images[made[1] or ""] = image
            found = self._built(one, (image, *given[1:])) if made[2] == "build" else []
            if push and found is not None:
                tag, _ = _arguments(rest[push.end() :], texts)
                pushed = self._pushed(one, image, tag, around)
                return None if pushed is None else found + pushed
            return found or None
        if (pushes := _PUSH.match(one.code)) and pushes[1] in self._images:
            given, _ = _arguments(one.code[pushes.end() :], texts)
            return self._pushed(one, self._images[pushes[1]], given, around)
        declared = _DECLARED.fullmatch(one.code)
        is_image = declared is not None and declared[1] in self._made and not one.has_block
        return [] if is_image and not any(text.source for text in one.texts) else None

    def _built(self, one: Statement, given: tuple[str | None, ...]) -> list[Statement] | None:
        image, arguments = (*given, ".")[:2]
        self._left -= 1
        if arguments is None or self._left < 0:
            return None
        return [_script(one, f'docker build -t "{image}" {arguments}')]

    def _pushed(
        self, one: Statement, image: str, given: list[str | None], around: _Registry
    ) -> list[Statement] | None:
        self._left -= 1
        if (given and not given[0]) or self._left < 0:
            return None
        is_open = _LONE.fullmatch(image) is not None
        if given and is_open:
            return None  # nobody knows whether it has another tag
        name, tag = _parted(image)
        pushed = f"{name}:{given[0]}" if given else image if tag or is_open else f"{name}:latest"
        if around.host and not name.startswith(around.host):
            pushed = f"{around.host}/{pushed}"
        return [_script(one, f'docker tag "{image}" "{pushed}" && docker push "{pushed}"')]

    def _known(self, text: str) -> str:
        """A text; what a variable alone holds, where it is set once."""
        for _ in range(5):
            lone = _LONE.fullmatch(text)
            held = self._values.get(lone[1]) if lone else None
            if not held:
                break
            text = held
        return text

    def _with_registry(self, one: Statement, given: list[str | None]) -> list[Statement] | None:
        address, called = (*given, "", "")[:2]
        if address is None or called is None:
            return None
        url = _URL.fullmatch(self._known(address))
        if address and url is None:
            return None
        host = self._known(url[1]) if url else ""
        host = "" if host in _HUB else host
        inner = [*self.translated(one.block, _Registry(host))]
        if not called:
            return [Statement(one.line, "script ", block=inner, has_block=True)]
        held = re.sub(r"\W", "_", self._known(called)).strip("_").upper() or "DOCKER"
        login = f'printf %s "${held}_PSW" | docker login -u "${held}_USR" --password-stdin {host}'
        names = (called, f"{held}_USR", f"{held}_PSW")
        keys = ("credentialsId", "usernameVariable", "passwordVariable")
        code = f"withCredentials([usernamePassword({', '.join(f'{k}: {MARK}' for k in keys)})]) "
        texts = [Quoted(text, one.line, replaced="${" in text) for text in names]
        plain = Statement(one.line, f"sh {MARK}", [Quoted(login.strip(), one.line, replaced=False)])
        return [Statement(one.line, code, texts, [plain, *inner], has_block=True)]


def _parted(image: str) -> tuple[str, str]:
    """The repository of an image, and its tag."""
    plain = _HOLE.sub(lambda hole: "x" * len(hole[0]), image)
    at = plain.rfind(":")
    return (image, "") if at < 0 or "/" in plain[at:] else (image[:at], image[at + 1 :])


def _script(one: Statement, script: str) -> Statement:
    return Statement(one.line, f"sh {MARK}", [Quoted(script, one.line, replaced=True)])


def _set(one: Statement, named: re.Match[str]) -> str:
    return _joined(one.code[named.end() :], iter(one.texts)) or ""


def _arguments(code: str, texts: Iterator[Quoted]) -> tuple[list[str | None], str]:
    """What a call is given, as texts between double quotes; and what follows it."""
    code = code.strip()
    rest = ""
    if code.startswith("("):
        depth = 0
        for end, character in enumerate(code):
            depth += (character == "(") - (character == ")")
            if not depth:
                code, rest = code[1:end], code[end + 1 :]
                break
    return [_joined(part, texts) for part in code.split(",")] if code.strip() else [], rest


def _joined(code: str, texts: Iterator[Quoted]) -> str | None:
    """Texts and variables with ``+`` between them, as one in double quotes; None for others."""
    made = ""
    for term in (part.strip() for part in code.split("+")):
        named = _VARIABLE.fullmatch(term)
        if term == MARK and (text := next(texts, None)):
            made += text.source if text.replaced else re.sub(r"(?=[$\"])", r"\\", text.source)
        elif named:
            made += f"${{{term}}}"
        else:
            return None
    return made if len(made) <= _MAX_LENGTH else None
