"""How secrets come into a script, and from there into files."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.shell.draft import Draft


class Secrets:
    """The secrets that a script reads from variables, or finds as files."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def guard(self, secret: str, hint: str = "") -> list[str]:
        """A line that stops where a secret is not there, unless one before has done so."""
        if not self._draft.once(f"guard {secret}"):
            return []
        return [f': "${{{secret}:?is not set: {hint or self._draft.dialect.secret_hint}}}"']

    def guards(self, secrets: Iterable[str]) -> list[str]:
        """A guard for each secret."""
        return [line for secret in secrets for line in self.guard(secret)]

    def mounted(self, path: str, what: str, hint: str = "") -> list[str]:
        """A guard for a file that the pod mounts when it exists."""
        advice = hint or self._draft.dialect.secret_hint
        return [
            f"if [ ! -f {path} ]; then",
            f'  echo "ci-kaniko: {what} is not there: {advice}" >&2',
            "  exit 1",
            "fi",
        ]

    def write(self, variable: str, target: str) -> list[str]:
        """Put a secret into a file; a GitLab variable may hold a file's path instead of a text."""
        read = self._read(variable)
        if not self._draft.dialect.file_variables:
            return [f"(umask 077; {read} > {target})"]
        return ["(", "  umask 077", f"  {read} > {target}", ")"]

    def text(self, variable: str) -> tuple[list[str], str]:
        """Lines that come first, and a variable with the text of a secret."""
        lines = self.guard(variable)
        if not self._draft.dialect.file_variables:
            return lines, variable
        return [*lines, f"text=$({self._read(variable)})"], "text"

    def _read(self, variable: str) -> str:
        """A command that prints a secret, of which some platforms give the path of a file."""
        text = f"printf '%s\\n' \"${variable}\""
        if not self._draft.dialect.file_variables:
            return text
        return f'if [ -f "${variable}" ]; then cat "${variable}"; else {text}; fi'

    def file(self, name: str) -> str:
        """A secret's file as a word of the script."""
        return path_in(self._draft.site.files, name)

    def variables(self, login: HostLogin) -> list[str]:
        """The variables that hold what a login needs; mounted files are none."""
        site, cloud = self._draft.site, login.cloud
        names = [*(cloud.secret_variables.values() if cloud else login.secrets)]
        if cloud and cloud.secret and (login.written or not site.mounted_files):
            names.append(cloud.secret)
        if login.login.docker_config and not site.mounted_config:
            names.append(login.login.docker_config)
        return names

    def inputs(self) -> list[str]:
        """What every build needs beside its context: secrets, certificates, proxies."""
        plan, site = self._draft.plan, self._draft.site
        build_secrets = dict.fromkeys(plan.spec.build_secrets.values())
        lines = self.guards([*build_secrets, *plan.proxy_secrets.values()])
        if self._draft.dialect.file_variables:
            # A secret that is a password, too, must not be a file: the login would send its path.
            passwords = {name for login in plan.logins for name in login.secrets}
            files = [name for name in build_secrets if name not in passwords]
            lines += [f'if [ -f "${name}" ]; then {name}=$(cat "${name}"); fi' for name in files]
        for file, secret in plan.certificates.items():
            if site.mounted_files:
                lines += self.mounted(f"{site.certificates}/{file}", f"the secret {secret}")
            else:
                lines += self.guard(secret)
                lines += self.write(secret, path_in(site.certificates, file))
        if plan.proxy and not site.mounted_files:
            exports = " ".join(f"{name}={quote(value)}" for name, value in plan.proxy.items())
            lines.append(f"export {exports}")
        if plan.proxy_secrets:
            exports = " ".join(f'{name}="${key}"' for name, key in plan.proxy_secrets.items())
            lines.append(f"export {exports}")
        return lines


def path_in(folder: str, name: str) -> str:
    """A file in a folder as a word of the script."""
    return f'"{folder}/{name}"' if "$" in folder else f"{folder}/{name}"
