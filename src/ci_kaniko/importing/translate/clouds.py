"""What a job finds in variables and files to log in with, and how it gets into clouds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Contents, Masked, Output, Text, Var, literal, only_var, spell
from ci_kaniko.importing.shell.secrets import is_placeholder
from ci_kaniko.importing.translate.settings import Settings, note_store
from ci_kaniko.plan.names import SHELL_NAMES, SHELL_PREFIXES
from ci_kaniko.syntax.grammar import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.calls import Call
    from ci_kaniko.importing.jobs import Job


_KEYS = re.compile(
    r'^[ \t]*AWS_ACCESS_KEY_ID="?\$\{?(\w+)\}?"?[ \t]*\n'
    r'[ \t]*AWS_SECRET_ACCESS_KEY="?\$\{?(\w+)\}?"?[ \t]*$',
    re.MULTILINE,
)
_PROFILE = re.compile(
    r"""(?:then\ cat\ "\$(\w+)";\ else[^\n]*\n[^\n]*)?
    AWS_ACCESS_KEY_ID=\$\(printf[^\n]*"\$(\w+)"[^\n]*aws_access_key_id""",
    re.VERBOSE,
)
_PROVIDER = re.compile(
    r"audience=//iam\.googleapis\.com/(projects/[\w/-]+)[\s\S]*?serviceAccounts/([^:\s]+):generate"
)
"""What a script has that asks a cloud by itself."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+")


class Clouds:
    """The variables and files of one call, and the names of secrets that they are."""

    def __init__(self, job: Job, call: Call, settings: Settings) -> None:
        self.job = job
        self.settings = settings
        self.call = call
        self.asked: set[str] = set()
        self.text = job.script_text

    def note_store(self, variable: str) -> None:
        """Remember the object that holds a variable's secret."""
        secret = self.job.secrets.get(variable)
        if secret and secret.take():
            note_store(self.job, self.settings.section, secret.store)

    def secret_name(self, name: str, line: int) -> str:
        """A name that the rendered scripts do not use themselves."""
        made = re.sub(r"\W", "_", name, flags=re.ASCII)
        made = f"_{made}" if made[:1].isdigit() else made or "SECRET"
        rule = "secret-name"
        made = made if is_secret_name(made) else made.upper()
        if made in SHELL_NAMES or made.startswith(SHELL_PREFIXES):
            rule = rule if made != name else "reserved-name"
            made = f"IMAGE_{made.upper()}"
        if made != name:
            self.job.tell(rule, line, name, made)
        return made

    def environment(self, name: str) -> Text:
        """What the executor finds in a variable, for a use that the spec tells."""
        self.asked.add(name)
        return self.held(name)

    def held(self, name: str) -> Text:
        """What the executor finds in a variable."""
        itself = (Var(name),)
        choices = [choice.text for choice in self.call.environment.get(name, ()) if choice.text]
        for text in sorted(choices, key=lambda text: text == itself):
            if text != itself or name in self.job.secrets:
                return text
        if name in self.job.environment:
            return self.job.environment[name]
        known = self.job.secrets.get(name)
        return itself if known and not known.of_step else ()

    def cloud(self, cloud: str) -> Any:
        read = {"aws": self.aws, "google": self.google, "azure": self._azure}[cloud]
        before = {*self.asked}
        found = read()
        if found == "ambient":
            self.asked &= before  # the login says nothing of what it was looked for in
        return {cloud: found}

    def aws(self) -> Any:
        role = literal(self.environment("AWS_ROLE_ARN"))
        if role and _ROLE.fullmatch(role):
            self.asked.add("AWS_ROLE_SESSION_NAME")
            self._take_token("AWS_WEB_IDENTITY_TOKEN_FILE")
            return {"role": role}
        key = self.environment("AWS_ACCESS_KEY_ID")
        said = " ".join(part.command for part in key if isinstance(part, Output))
        asked = self.text.replace("%2B", "+") if "AssumeRole" in self.text else ""
        match = _ROLE.search(said) or _ROLE.search(asked)
        if match:
            self.asked.update(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
            return {"role": match.group()}
        file = self.environment("AWS_SHARED_CREDENTIALS_FILE")
        secret = self.file_secret(file or ("/root/.aws/credentials",))
        if secret:
            return {"credentials_file": self.secret_name(secret, self.call.line)}
        password = self.environment("AWS_SECRET_ACCESS_KEY")
        if not (key and password):
            return self._asked_by_script() or "ambient"
        given = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": password}
        names = [self.key(text, name) for name, text in given.items()]
        if all(names):
            return {"access_key_id": names[0], "secret_access_key": names[1]}
        return "ambient"

    def _asked_by_script(self) -> dict[str, str] | None:
        """The keys, or the file with them, of a script that asks AWS by itself."""
        line, text = self.call.line, self.text
        if found := _KEYS.search(text):
            key, secret = (self.secret_name(name, line) for name in found.groups())
            return {"access_key_id": key, "secret_access_key": secret}
        if found := _PROFILE.search(text):
            return {"credentials_file": self.secret_name(found[1] or found[2], line)}
        return None

    def key(self, text: Text, name: str) -> str | None:
        if var := only_var(text):
            known = self.job.secret_of(text) or (var.name if var.name != name else "")
            self.note_store(var.name)
            return self.secret_name(known, self.call.line) if known else None
        made = f"IMAGE_{name}"
        plain = literal(text) or ""
        written = plain or any(isinstance(part, Masked) for part in text)
        if is_placeholder(plain):
            self.job.tell("placeholder/script", self.call.line, plain)
        elif written:
            self.job.tell("literal-secret", self.call.line, name, made)
        return made if written else None

    def google(self) -> Any:
        file = self.environment("GOOGLE_APPLICATION_CREDENTIALS")
        document = self._document(file)
        if document:
            provider = str(document.get("audience", "")).removeprefix("//iam.googleapis.com/")
            url = str(document.get("service_account_impersonation_url", ""))
            account = re.search(r"serviceAccounts/([^:]+):", url)
            if account:
                return {"provider": provider, "service_account": account[1]}
        secret = (self.file_secret(file) or self.job.secret_of(file)) if file else None
        if secret:
            return {"key_file": self.secret_name(secret, self.call.line)}
        if found := _PROVIDER.search(self.text):
            return {"provider": found[1], "service_account": found[2]}
        return "ambient"

    def _document(self, file: Text) -> dict[str, Any] | None:
        if self.job.google_document:
            return _object(self.job.google_document)
        for choice in self._written(file):
            whole = "".join(part if isinstance(part, str) else "x" for part in choice)
            if "external_account" in whole and (found := _object(whole)) is not None:
                return found
        return None

    def _azure(self) -> Any:
        tenant = literal(self.environment("AZURE_TENANT_ID"))
        client = literal(self.environment("AZURE_CLIENT_ID"))
        if not (tenant and client):
            ids = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
            text = self.job.script_text
            one = re.search(rf"login\.microsoftonline\.com/({ids})/", text)
            two = re.search(rf"client_id=({ids})", text)
            tenant, client = (one[1], two[1]) if one and two else (tenant, client)
        if not (tenant and client):
            return "ambient"
        self._take_token("AZURE_FEDERATED_TOKEN_FILE")
        secret = self.key(self.environment("AZURE_CLIENT_SECRET"), "AZURE_CLIENT_SECRET")
        found = {"tenant_id": tenant, "client_id": client}
        return {**found, "client_secret": secret} if secret else found

    # -- files --------------------------------------------------------------------------------

    def _take_token(self, variable: str) -> None:
        """A role or an identity comes with the token of the service account."""
        token = self.job.claims.get(literal(self.environment(variable)) or "")
        if token:
            token.take()

    def _written(self, path: Text) -> Iterable[Text]:
        for choice in self.call.files.get(spell(path), ()):
            yield choice.text

    def file_secret(self, path: Text) -> str | None:
        """The secret that a file is."""
        if var := only_var(path):
            secret = self.job.secrets.get(var.name)
            if secret or self.job.plain_secrets:
                self.note_store(var.name)
                return secret.name if secret else var.name
        for text in self._written(path):
            whole = whole_variable(text)
            if whole is not None:
                secret = self.job.secrets.get(whole)
                self.note_store(whole)
                return secret.name if secret else whole.rpartition(".")[2]
        written = literal(path) or ""
        for mount in self.job.mounts:
            folder, _, file = written.rpartition("/")
            if mount.path == written and len(mount.files) == 1:
                note_store(self.job, self.settings.section, mount.take())
                return next(iter(mount.files.values()))
            if mount.path.rstrip("/") == folder and (file in mount.files or not mount.files):
                note_store(self.job, self.settings.section, mount.take())
                return mount.files.get(file, file)
        return None


def whole_variable(text: Text) -> str | None:
    """The variable that a file was written from."""
    parts = [part for part in text if not (isinstance(part, str) and not part.strip())]
    if len(parts) == 1 and isinstance(parts[0], Var):
        return parts[0].name
    if len(parts) == 1 and isinstance(parts[0], Contents):
        match = re.fullmatch(r"\$\{?(\w+)\}?", parts[0].path)
        return match[1] if match and not parts[0].replaced else None
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
