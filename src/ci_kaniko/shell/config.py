"""The docker config: the entries that a script collects, and the file that it writes."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.secrets import path_in
from ci_kaniko.syntax.references import (
    DOCKER_HUB,
    DOCKER_HUB_KEY,
    DOCKER_HUB_NAMES,
    can_be,
    is_held,
    is_run_time_host,
)
from ci_kaniko.syntax.variables import parts_of
from ci_kaniko.text.quoting import indented

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.secrets import Secrets
    from ci_kaniko.shell.words import Words
    from ci_kaniko.syntax.variables import Parts

_ENTRY = """'"%s":{"auth":"%s"}'"""
_ENCODED = """printf '%s:%s' "$2" "$3" | base64 | tr -d '\\n'"""


class Config:
    """The config.json of a script, which names credential ``helpers`` by host, too.

    A single entry is written as it comes; several are added by a function of the script.
    """

    def __init__(
        self,
        draft: Draft,
        words: Words,
        secrets: Secrets,
        helpers: Mapping[str, str],
        *,
        is_single: bool,
    ) -> None:
        self._draft = draft
        self._words = words
        self._secrets = secrets
        self._helpers = helpers
        self._is_single = is_single
        self._keys: dict[Parts, str] = {}

    def key(self, login: HostLogin) -> str:
        """The key of a login as a word; that of Docker Hub is found under one name only."""
        if not is_run_time_host(login.key):
            return self._words.text(login.key)
        hub = " | ".join(sorted(name for name in DOCKER_HUB_NAMES if can_be(login.key, name)))
        if not hub:
            return self._words.text(login.key)
        name = self._keys.setdefault(login.key, f"key_{len(self._keys) + 1}")
        held = f"case ${name} in *.* | *:* | localhost) ;; *) {name}={DOCKER_HUB} ;; esac"
        self._draft.define(
            f"{name}={self._words.text(login.key)}",
            *[held] * is_held(login.key),
            f"case ${name} in {hub}) {name}={DOCKER_HUB_KEY} ;; esac",
        )
        return f'"${name}"'

    def add(self, key: str, user: str, password: str) -> list[str]:
        """Lines that add an entry; ``key`` and ``user`` are words, ``password`` a variable."""
        if self._is_single:
            encoded = f"printf '%s:%s' {user} \"${password}\" | base64 | tr -d '\\n'"
            return [f"auth=$({encoded})", *self._draft.dialect.masked("auth")]
        return [f'login {key} {user} "${password}"']

    def function(self) -> list[str]:
        """The function that adds an entry."""
        if self._is_single or not self._draft.plan.password_logins:
            return []
        if masked := self._draft.dialect.masked("auth"):
            return [
                "auths=''",
                "login() {",
                f"  auth=$({_ENCODED})",
                *indented(masked),
                f'  auths=$auths${{auths:+,}}$(printf {_ENTRY} "$1" "$auth")',
                "}",
            ]
        return [
            "auths=''",
            "login() {",
            "  auths=$auths${auths:+,}$(",
            f'    printf {_ENTRY} "$1" "$({_ENCODED})"',
            "  )",
            "}",
        ]

    def write(self) -> list[str]:
        """The written logins; beside a ready docker config they go into a variable."""
        plan = self._draft.plan
        if self._helpers:
            return self._into_file(self._with_helpers())
        if not plan.password_logins:
            return []
        if plan.docker_config is None:
            return self._into_file(self._text())
        return [f"DOCKER_AUTH_CONFIG=$({self._text()})", "export DOCKER_AUTH_CONFIG"]

    def ready(self) -> list[str]:
        """The ready docker config: mounted by the pod, or written from a variable."""
        ready = self._draft.plan.docker_config or ""
        if not self._draft.once(f"config {ready}"):
            return []
        if folder := self._draft.site.mounted_config:
            secret = f"the Secret {ready} of type kubernetes.io/dockerconfigjson"
            hint = "create it in the namespace of the Pod"
            return self._secrets.mounted(f"{folder}/config.json", secret, hint)
        return [*self._secrets.guard(ready), *self._secrets.write(ready, self._file())]

    def _into_file(self, text: str) -> list[str]:
        return [f"(umask 077; {text} > {self._file()})"]

    def _file(self) -> str:
        return path_in(self._draft.site.config, "config.json")

    def _text(self) -> str:
        if self._is_single:
            key = self.key(self._draft.plan.password_logins[0])
            return f'printf \'{{"auths":{{"%s":{{"auth":"%s"}}}}}}\' {key} "$auth"'
        return 'printf \'{"auths":{%s}}\' "$auths"'

    def _with_helpers(self) -> str:
        written = bool(self._draft.plan.password_logins)
        words = ['"$auths"'] * written
        named = []
        for host, helper in self._helpers.items():
            if "$" in host:
                words.append(self._words.text(parts_of(host)))
            named.append(f'"{"%s" if "$" in host else host}":"{helper}"')
        auths = '"auths":{%s},' * written
        form = f"'{{{auths}\"credHelpers\":{{{','.join(named)}}}}}'"
        return " ".join(["printf", form, *words])
