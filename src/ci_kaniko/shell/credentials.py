"""How a script logs in: to registries, to clouds, and to the server of its context."""

from __future__ import annotations

from ci_kaniko.plan.clouds import SESSION, TOKEN_FILE
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.secrets import path_in
from ci_kaniko.syntax.variables import ENV_PREFIX, names, parts_of
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.plan.clouds import Cloud, Token
    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.shell.config import Config
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.secrets import Secrets
    from ci_kaniko.shell.tests import Checks
    from ci_kaniko.shell.words import Words


class Credentials:
    """The logins of a script; ``config`` collects those that end in a docker config."""

    def __init__(
        self, draft: Draft, words: Words, secrets: Secrets, config: Config, checks: Checks
    ) -> None:
        self._draft = draft
        self._words = words
        self._secrets = secrets
        self._config = config
        self._checks = checks
        self._clouds = Clouds(draft, words, secrets)

    def of_context(self) -> list[str]:
        """The login to the cloud that holds the context, for a builder that is its client."""
        plan = self._draft.plan
        cloud = None if plan.fetches_store else plan.context_cloud
        return self._clouds.once(cloud.name) if cloud else []

    def of_git(self) -> list[str]:
        """The login to the server of the context's repository."""
        login = self._draft.plan.git_login
        if login is None:
            return []
        if login.secret:
            token, guard = login.secret, self._secrets.guard(login.secret)
        else:
            given = self._draft.dialect.ci_token
            assert given is not None, "a login by the CI's own token was refused before"
            token, guard = given.variable, self._secrets.guard(given.variable, given.hint)
        return [
            *guard,
            f'export GIT_USERNAME={quote(login.username)} GIT_PASSWORD="${token}"',
            "unset GIT_TOKEN",
        ]

    def of_hosts(self, logins: Iterable[HostLogin]) -> list[str]:
        """The logins of some hosts."""
        return [line for login in logins for line in self._of_host(login)]

    def adds_nothing(self, login: HostLogin, others: Iterable[HostLogin]) -> bool:
        """Whether a login has no line of its own beside the others and that of the context."""
        if login.login.docker_config:
            return any(other.login.docker_config for other in others)
        client, plan = _client(login), self._draft.plan
        if client is None or names(login.key):
            return False
        done = [*map(_client, others), None if plan.fetches_store else plan.context_cloud]
        return client.name in {each.name for each in done if each} or self._clouds.is_bare(client)

    def _of_host(self, login: HostLogin) -> list[str]:
        if login.login.kind == "docker-config":
            return self._config.ready()
        # What opens a cloud goes to a server that the host names.
        checked = self._checks.of_host(login.key) if login.cloud else []
        if client := _client(login):
            return [*checked, *self._clouds.once(client.name)]
        key = self._config.key(login)
        before, user, password = self._written(login, key)
        return [*checked, *before, *self._config.add(key, user, password)]

    def _written(self, login: HostLogin, key: str) -> tuple[list[str], str, str]:
        """Lines that come first, the user as a word, and the variable of the password."""
        dialect, plan = self._draft.dialect, self._draft.plan
        if login.plain:
            user, secret = login.plain
            if login.login.azure:
                return self._secrets.guard(secret), quote(user), secret
            lines, variable = self._secrets.text(secret)
            return lines, quote(user), variable
        if login.asked:
            from ci_kaniko.shell.exchange import Exchange

            return Exchange(self._draft, self._secrets, self._words).password(login)
        if login.login.kind == "ci-token":
            before, user, password, environment = dialect.ci_login(plan, login, key)
            self._draft.environment.update(environment)
            return before, user, password
        name = login.login.username
        user = quote(name) if isinstance(name, str) else f'"${name.secret}"' if name else "''"
        return self._secrets.guards(login.secrets), user, login.login.password or ""


def _client(login: HostLogin) -> Cloud | None:
    """The client of a cloud that logs in by itself."""
    return None if login.written else login.cloud


class Clouds:
    """The clients of clouds: one serves all registries of its cloud, and the context's store."""

    def __init__(self, draft: Draft, words: Words, secrets: Secrets) -> None:
        self._draft = draft
        self._words = words
        self._secrets = secrets

    def once(self, name: str) -> list[str]:
        """The lines of a cloud, unless a run has passed them."""
        if not self._draft.once(f"cloud {name}"):
            return []
        return self._lines(next(each for each in self._draft.plan.clouds if each.name == name))

    def is_bare(self, cloud: Cloud) -> bool:
        """Whether its client has all that it needs without a line."""
        site = self._draft.site
        asks = cloud.token and (cloud.role or not site.mounted_tokens)
        known = cloud.written if site.mounted_files else {}
        told = cloud.secret or cloud.secret_variables or cloud.variables.keys() - known.keys()
        return not (asks or told)

    def _lines(self, cloud: Cloud) -> list[str]:
        """The files that a cloud's client reads, and the variables that lead to them."""
        draft, site, secrets = self._draft, self._draft.site, self._secrets
        lines = secrets.guards(cloud.secret_variables.values())
        exports = [f'{name}="${secret}"' for name, secret in cloud.secret_variables.items()]
        known = cloud.written if site.mounted_files else {}
        for name, text in cloud.variables.items():
            if name not in known and text != f"${{{ENV_PREFIX}{name}}}":
                exports.append(f"{name}={self._words.text(parts_of(text))}")
        if site.mounted_files:
            if cloud.secret:
                path = f"{site.mounted_files}/{cloud.file}"
                lines += secrets.mounted(path, f"the secret {cloud.secret}")
        elif cloud.secret:
            lines += secrets.guard(cloud.secret)
            lines += secrets.write(cloud.secret, secrets.file(cloud.file))
            exports.append(f"{cloud.file_variable}={site.files_inside}/{cloud.file}")
        if cloud.token and cloud.role:
            lines += draft.dialect.identity(draft.plan, cloud.name, cloud.token)
            from ci_kaniko.shell.exchange import Exchange

            lines += Exchange(draft, secrets, self._words).session(cloud)
            exports += SESSION
        elif cloud.token and not site.mounted_tokens:
            lines += self._token(cloud, cloud.token)
            if cloud.token.variable:
                exports.append(f"{cloud.token.variable}={site.files_inside}/{cloud.token.file}")
            if cloud.document:
                exports.append(f"{cloud.file_variable}={site.files_inside}/{cloud.file}")
        return [*lines, f"export {' '.join(exports)}"] if exports else lines

    def _token(self, cloud: Cloud, token: Token) -> list[str]:
        """The CI's identity, written where the cloud's client looks for it."""
        draft, file = self._draft, self._secrets.file
        lines = [
            *draft.dialect.identity(draft.plan, cloud.name, token),
            f'(umask 077; printf %s "$token" > {file(token.file)})',
        ]
        if cloud.document:
            text = self._document(cloud.document, path_in(draft.site.files_inside, token.file))
            lines.append(f"(umask 077; printf %s {text} > {file(cloud.file)})")
        return lines

    def _document(self, document: str, path: str) -> str:
        """A document as a word, with the path of the token's file, which a variable may hold."""
        if "$" not in path:
            return quote(document.replace(TOKEN_FILE, path))
        return path.join(map(quote, document.split(TOKEN_FILE)))
