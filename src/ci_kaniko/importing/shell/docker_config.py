"""A docker config with holes: which logins it holds, and what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    Contents,
    Encoded,
    Login,
    Masked,
    Output,
    Part,
    Text,
    Var,
    decoded,
    join,
    literal,
    references,
    split_text,
)
from ci_kaniko.importing.shell.parsing import fill, slotted
from ci_kaniko.importing.shell.secrets import Secrets, is_placeholder
from ci_kaniko.importing.shell.values import stripped

if TYPE_CHECKING:
    from collections.abc import Callable


_CONFIG = re.compile(r"auths|credHelpers|credsStore")
_ROBOT = re.compile(r"robot\$[a-z0-9][a-z0-9._+-]*")
"""How Harbor calls the users of machines; no shell has a variable there."""
_REFERENCE = re.compile(r"\$(?:\{\w+\}|[A-Za-z_]\w*)")


class DockerConfig:
    """One text of a docker config; ``note`` takes the name of a rule and its values."""

    def __init__(
        self, text: Text, source: str, line: int, secrets: Secrets, note: Callable[..., None]
    ) -> None:
        self._text = stripped(text)
        self._source = source
        self._line = line
        self._secrets = secrets
        self._note = note
        self._holes: list[Text] = []

    def logins(self) -> list[Login]:
        """What it says about registries."""
        text = self._text
        if len(text) == 1 and isinstance(text[0], Contents):
            return self._filled_in(text[0])
        if len(text) == 1 and isinstance(text[0], Var | Output):
            return [self._login((), config=text)]
        document = self._document(slotted(text, self._holes))
        if not isinstance(document, dict):
            return [self._login((), config=text)] if text else []
        found = [
            self._entry(host, entry) for host, entry in _mapping(document.get("auths")).items()
        ]
        for host, helper in _mapping(document.get("credHelpers")).items():
            found.append(self._login(self._filled(host), helper=str(helper)))
        if document.get("credsStore"):
            found.append(self._login((), helper=str(document["credsStore"])))
        return found

    def _login(self, host: Text, **fields: Any) -> Login:
        return Login(host, source=self._source, line=self._line, **fields)

    def _filled_in(self, part: Contents) -> list[Login]:
        """A template of the repository: what was put into it is a login, for whatever host."""
        found = []
        for _, new in part.replaced:
            if any(isinstance(item, Encoded) for item in new):
                found.append(self._with_auth(self._login(()), new))
        return found or [self._login((), config=(part,))]

    # -- reading ----------------------------------------------------------------------------------

    def _document(self, text: str) -> Any:
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            document = _Tolerant(text).value()
        if isinstance(document, dict) and _CONFIG.search(" ".join(document)):
            way = "broken-json-quoting/other" if '"' in text else "broken-json-quoting"
            self._note(way, self._source, line=self._line)
            return document
        return None

    def _filled(self, text: str) -> Text:
        """A string of the document; variables that no shell replaced are meant as such."""
        parts: list[Part] = []
        for part in fill(text, self._holes):
            plain = part if isinstance(part, str) and not _ROBOT.fullmatch(part) else ""
            if match := _REFERENCE.search(plain):
                self._note("unexpanded-variable", match.group(), line=self._line)
            parts += references(plain) if match else (part,)
        return join(parts)

    def _entry(self, host: str, entry: Any) -> Login:
        fields = {
            name: self._filled(str(value)) for name, value in _mapping(entry).items() if value
        }
        login = self._login(self._filled(host))
        token = fields.get("identitytoken", fields.get("registrytoken", ()))
        if token:
            login = replace(login, token=self._secret(token, "identitytoken"))
        if "password" in fields or "username" in fields:
            password = fields.get("password", ())
            if any(isinstance(part, Var) for part in password):
                name = next(part.name for part in password if isinstance(part, Var))
                self._note("unescaped-json-value", name, line=self._line)
            return replace(
                login, user=fields.get("username", ()), password=self._secret(password, "password")
            )
        if "auth" in fields:
            return self._with_auth(login, fields["auth"])
        return login

    def _with_auth(self, login: Login, auth: Text) -> Login:
        """The user and the password that base64 hides."""
        auth = stripped(auth)
        plain = literal(auth)
        if plain is not None:
            return self._with_written_auth(login, plain)
        encoded = auth[0] if len(auth) == 1 and isinstance(auth[0], Encoded) else None
        if encoded is None:
            return replace(login, auth=auth)
        if encoded.wrapped:
            self._note("wrapped-base64", line=self._line)
        user, *password = split_text(stripped(encoded.text), ":", 1)
        if not password:
            return replace(login, auth=(replace(encoded, wrapped=False),))
        secret = self._secret(password[0], "password")
        return replace(login, user=user, password=secret)

    def _with_written_auth(self, login: Login, auth: str) -> Login:
        if is_placeholder(auth):
            self._note("placeholder/script", auth, line=self._line)
            return replace(login, auth=(Masked("auth", self._line),))
        said = decoded(auth)
        user, colon, password = (said or "").partition(":")
        self._secrets.add(auth, "auth")
        if not colon:
            self._note("literal-secret/script", "auth", line=self._line)
            return replace(login, auth=(Masked("auth", self._line),))
        return replace(login, user=(user,), password=self._secret((password,), "password"))

    def _secret(self, text: Text, name: str) -> Text:
        """A password; one that is written down is not kept."""
        plain = literal(text)
        if not plain:
            return text
        if is_placeholder(plain):
            self._note("placeholder/script", plain, line=self._line)
        else:
            self._secrets.add(plain, name)
            self._note("literal-secret/script", name, line=self._line)
        return (Masked(name, self._line),)


def is_config(path: str, text: Text) -> bool:
    if path.endswith(".docker/config.json"):
        return True
    filled = any(
        not isinstance(item, str)
        for part in text
        if isinstance(part, Contents)
        for _, new in part.replaced
        for item in new
    )
    ready = len(text) == 1 and isinstance(text[0], Var | Output)
    return path.endswith("config.json") and (filled or ready or looks_like_config(text))


def looks_like_config(text: Text) -> bool:
    """Whether a text is a docker config, wherever it stands."""
    plain = "".join(part for part in text if isinstance(part, str))
    return _CONFIG.search(plain) is not None and "{" in plain


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Tolerant:
    """JSON whose quotes the shell has taken."""

    _NESTED_KEY = re.compile(r"\s*([^{}\",\s][^{}\",]*?)\s*:\s*(?=\{)")
    _KEY = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^{}\",:\s]+))\s*:\s*")
    _VALUE = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^{},]*))")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self, depth: int = 0) -> Any:
        self._skip()
        if self._text.startswith("{", self._at) and depth < 20:
            return self._object(depth)
        match = self._VALUE.match(self._text, self._at)
        assert match is not None, "any text is a value"
        self._at = match.end()
        return next((group for group in match.groups() if group is not None), "").strip()

    def _object(self, depth: int) -> dict[str, Any]:
        self._at += 1
        found: dict[str, Any] = {}
        while self._at < len(self._text):
            self._skip()
            if self._text.startswith("}", self._at):
                self._at += 1
                break
            key = self._NESTED_KEY.match(self._text, self._at) or self._KEY.match(
                self._text, self._at
            )
            if not key:
                self._at += 1
                continue
            self._at = key.end()
            name = next((group for group in key.groups() if group is not None), "")
            found[name] = self.value(depth + 1)
        return found

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t\r\n,":
            self._at += 1
