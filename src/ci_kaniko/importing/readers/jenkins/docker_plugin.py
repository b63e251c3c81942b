"""What Jenkins' Docker Pipeline plugin runs, as the scripts that say the same.

``docker.build`` runs ``docker build``, ``push`` of its result tags and pushes, and
``docker.withRegistry`` logs in and puts its host before the names of what is pushed inside;
the step ``withDockerRegistry`` only logs in:
https://github.com/jenkinsci/docker-workflow-plugin, ``Docker.groovy``. Credentials named
``ecr:REGION:ID`` are AWS' and ``gcr:ID`` Google's:
https://plugins.jenkins.io/amazon-ecr, https://plugins.jenkins.io/google-container-registry-auth.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.readers.jenkins.groovy import ASSIGNED, MARK, Quoted, Statement
from ci_kaniko.syntax.references import DOCKER_HUB_LOOKALIKES, DOCKER_HUB_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE = re.compile(
    r"\s*(?:(?:(?:def|final|[A-Z]\w*)\s+)*(?:env\.)?(\w+)\s*=\s*)?docker\.(build|image)\b"
)
_DECLARED = re.compile(rf"\s*(?:(?:def|final|[A-Z]\w*)\s+)*(\w+)\s*(?:=\s*(?:{MARK}|null)\s*)?")
_PUSH = re.compile(r"\s*(?:env\.)?(\w+)\.push\b")
_REGISTRY = re.compile(r"\s*(docker\.withRegistry|withDockerRegistry)\b")
_VARIABLE = re.compile(r"(?:(?:env|params)\.)?([A-Za-z_]\w*)")
_LONE = re.compile(rf"(?<!\\)\$\{{{_VARIABLE.pattern}\}}")
_HOLE = re.compile(r"\$\{[^{}]*\}")
_URL = re.compile(r"https?://([^/]+)/?.*", re.DOTALL)
_ECR = re.compile(r"ecr:([\w-]+):(.*)", re.DOTALL)
_GCR = re.compile(r"gcr:(.+)", re.DOTALL)
_DAEMON = re.compile(r"\b(?:docker|podman|nerdctl|buildah|buildx)\b")
_HUB = DOCKER_HUB_NAMES | DOCKER_HUB_LOOKALIKES
_MAY_RUN = {"if", "else", "for", "while", "switch", "try", "catch", "finally"}
_MAX_LENGTH = 2_000
_MAX_NAME = 300
_MAX_CALLS = 300
_MAX_LOGINS = 5


class _Registry(NamedTuple):
    """What stands before the names of what is pushed, and the logins of what runs inside.

    The host is empty for Docker Hub, and None where only a run knows it.
    """

    host: str | None = ""
    logins: tuple[Statement, ...] = ()


def as_scripts(statements: list[Statement]) -> list[Statement]:
    """Statements in which scripts stand for what the plugin is told."""
    whole = [inner for one in statements for inner in one.below()]
    if not any("docker." in one.code or _REGISTRY.match(one.code) for one in whole):
        return statements
    return [*_Plugin(whole).translated(statements, _Registry())]


class _Plugin:
    def __init__(self, whole: list[Statement]) -> None:
        self._values: dict[str, str] = {}
        self._changed: list[str] = []
        self._images: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        """The credentials that each variable of a login is bound to."""
        self._left = _MAX_CALLS
        made = (_MADE.match(one.code) for one in whole)
        self._made = {found[1] for found in made if found and found[2] == "build"}
        for one in whole:
            if named := ASSIGNED.match(one.code):
                again = named[1] in self._values
                self._values[named[1]] = "" if again else _set(one, named)

    def translated(self, statements: list[Statement], around: _Registry) -> Iterator[Statement]:
        """Statements one after the other, in a block for a registry."""
        logins = around.logins
        for one in statements:
            found = self._said(one, around)
            if any(map(_DAEMON.search, (found[0] if found else replace(one, block=[])).scripts)):
                yield from logins
                logins = ()
            if found is not None:
                yield from found
            elif named := ASSIGNED.match(one.code):
                self._values[named[1]] = _set(one, named)
                self._changed.append(named[1])
                yield one
            else:
                before = len(self._changed)
                inside = around
                if one.name == "docker.withRegistry":
                    inside = _Registry(None, around.logins)
                if one.name in {"if", "else"} or any(inner.name == "when" for inner in one.block):
                    yield self._chosen(one, inside)
                else:
                    yield replace(one, block=[*self.translated(one.block, inside)])
                if one.name in _MAY_RUN:
                    self._values |= dict.fromkeys(self._changed[before:], "")
                    del self._changed[before:]

    def _chosen(self, one: Statement, around: _Registry) -> Statement:
        """A block that may run: a variable that holds another image after it is not followed."""
        before = {**self._images}
        made = replace(one, block=[*self.translated(one.block, around)])
        self._images = {
            name: image for name, image in self._images.items() if before.get(name, image) == image
        }
        return made

    def _said(self, one: Statement, around: _Registry) -> list[Statement] | None:
        texts = iter(one.texts)
        if (login := _REGISTRY.match(one.code)) and one.has_block:
            if login[1] == "withDockerRegistry":
                return self._with_registry(one, _named(one.code[login.end() :], texts), around)
            given, _ = _arguments(one.code[login.end() :], texts)
            return self._with_registry(one, given, around)
        if made := _MADE.match(one.code):
            given, rest = _arguments(one.code[made.end() :], texts)
            push = re.match(r"\s*\.push\b", rest)
            image = given[0] if given else None
            self._left -= 1
            if not image or len(image) > _MAX_NAME or (rest.strip() and not push) or self._left < 0:
                return None
            image = self._expanded(image) if _LONE.fullmatch(image) else image
            self._images[made[1] or ""] = image
            found = self._built(one, (image, *given[1:])) if made[2] == "build" else []
            if push and found is not None:
                tag, _ = _arguments(rest[push.end() :], texts)
                pushed = self._pushed(one, image, tag, around)
                return None if pushed is None else found + pushed
            return found
        if (pushes := _PUSH.match(one.code)) and pushes[1] in self._images:
            given, _ = _arguments(one.code[pushes.end() :], texts)
            return self._pushed(one, self._images[pushes[1]], given, around)
        declared = _DECLARED.fullmatch(one.code)
        is_image = declared is not None and declared[1] in self._made and not one.has_block
        return [] if is_image and not any(text.source for text in one.texts) else None

    def _built(self, one: Statement, given: tuple[str | None, ...]) -> list[Statement] | None:
        image, arguments = (*given, ".")[:2]
        if arguments is None:
            return None
        return [_script(one, f'docker build -t "{image}" {arguments}')]

    def _pushed(
        self, one: Statement, image: str, given: list[str | None], around: _Registry
    ) -> list[Statement] | None:
        self._left -= 1
        if (given and not given[0]) or self._left < 0 or around.host is None:
            return None
        is_open = _LONE.fullmatch(image) is not None
        if given and is_open:
            return None  # nobody knows whether it has another tag
        name, tag = _parted(image)
        pushed = f"{name}:{given[0]}" if given else image if tag or is_open else f"{name}:latest"
        begins = self._expanded(name)
        if not begins.startswith(around.host):
            first = _LONE.match(begins)
            if first and first[1] in self._values:
                return None  # which has several values
            pushed = f"{around.host}/{pushed}"
        return [_script(one, f'docker tag "{image}" "{pushed}" && docker push "{pushed}"')]

    def _expanded(self, text: str) -> str:
        """A text with the values of variables that are known here."""
        for _ in range(5):
            made = _LONE.sub(lambda found: self._values.get(found[1]) or found[0], text)
            if made == text or len(made) > _MAX_NAME:
                break
            text = made
        return text

    def _with_registry(
        self, one: Statement, given: list[str | None], around: _Registry
    ) -> list[Statement] | None:
        address, called = (*given, "", "")[:2]
        if address is None or called is None or len(around.logins) >= _MAX_LOGINS:
            return None
        address, called = self._expanded(address), self._expanded(called)
        url = _URL.fullmatch(address)
        if address and url is None:
            return None
        host = "" if url is None or url[1] in _HUB else url[1]
        prefix = host if one.name == "docker.withRegistry" else around.host
        login, bound = _login(called, host)
        owner = bound.get("credentialsId", "")
        names = [name for key, name in bound.items() if key != "credentialsId"]
        if any(self._owners.setdefault(name, owner) != owner for name in names):
            return None  # one variable would be two secrets
        logins = (*around.logins, _script(one, login)) if called else around.logins
        inner = [*self.translated(one.block, _Registry(prefix, logins))]
        if not bound:
            return [Statement(one.line, "script ", block=inner, has_block=True)]
        bound |= {"credentialsId": given[1] or "", "url": given[0] or ""}
        code = f"withCredentials([login({', '.join(f'{key}: {MARK}' for key in bound)})]) "
        texts = [Quoted(text, one.line, replaced="${" in text) for text in bound.values()]
        return [Statement(one.line, code, texts, inner, has_block=True)]


def _login(called: str, host: str) -> tuple[str, dict[str, str]]:
    """The script that logs in with credentials, and what binds them to its variables."""
    if aws := _ECR.fullmatch(called):
        token = f"aws ecr get-login-password --region {aws[1]}"
        keys = {
            "credentialsId": aws[2],
            "accessKeyVariable": "AWS_ACCESS_KEY_ID",
            "secretKeyVariable": "AWS_SECRET_ACCESS_KEY",
        }
        return f"{token} | docker login -u AWS --password-stdin {host}", keys if aws[2] else {}
    if google := _GCR.fullmatch(called):
        token = "gcloud auth application-default print-access-token"
        login = f"{token} | docker login -u oauth2accesstoken --password-stdin {host}"
        file = {"credentialsId": google[1], "variable": "GOOGLE_APPLICATION_CREDENTIALS"}
        return login, file
    if not called:
        return "", {}
    held = re.sub(r"\W", "_", called).strip("_").upper() or "DOCKER"
    login = f'printf %s "\\${held}_PSW" | docker login -u "\\${held}_USR" --password-stdin {host}'
    names = {"usernameVariable": f"{held}_USR", "passwordVariable": f"{held}_PSW"}
    return login.strip(), {"credentialsId": called, **names}


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


def _named(code: str, texts: Iterator[Quoted]) -> list[str | None]:
    """The URL and the credentials that a step is given by their names."""
    given: dict[str, str | None] = {"url": "", "credentialsId": ""}
    for part in re.sub(r"[\[\]()]|\bregistry\s*:", " ", code).split(","):
        name, _, value = part.partition(":")
        given[name.strip()] = _joined(value, texts)
    return [given["url"], given["credentialsId"]]


def _joined(code: str, texts: Iterator[Quoted]) -> str | None:
    """Texts and variables with ``+`` between them, as one in double quotes; None for others."""
    made = ""
    for term in (part.strip() for part in code.split("+")):
        named = _VARIABLE.fullmatch(term)
        if term == MARK and (text := next(texts, None)):
            made += text.woven
        elif named:
            made += f"${{{term}}}"
        else:
            return None
    return made if len(made) <= _MAX_LENGTH else None
