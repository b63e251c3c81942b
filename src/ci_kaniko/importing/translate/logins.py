"""How a job logs in, as the kinds of login that a spec knows, with names of secrets."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    ALWAYS,
    Encoded,
    Masked,
    Output,
    Text,
    Var,
    decoded,
    literal,
    only_var,
    spell,
    split_text,
    without_head,
)
from ci_kaniko.importing.readers.inputs import name_of
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.translate.clouds import Clouds, whole_variable
from ci_kaniko.importing.translate.images import host_of
from ci_kaniko.importing.translate.portable import asked_of_aws, written_variable
from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.hosts import ecr_region, is_acr, is_google
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.problems.finding import Refused
from ci_kaniko.spec.writing import flow
from ci_kaniko.syntax.references import (
    DOCKER_HUB_LOOKALIKES,
    DOCKER_HUB_NAMES,
    OWN_HOST,
    can_be,
    can_be_host,
    canonical_host,
    may_be,
)
from ci_kaniko.syntax.variables import Template, names, parse
from ci_kaniko.text.display import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.calls import Call, Login
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.translate.settings import Settings
    from ci_kaniko.spec.spec import Spec

_CI_PASSWORDS = {"CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN", "CI_BUILD_TOKEN", "CI_DEPLOY_PASSWORD"}
_GITHUB_TOKENS = {"GITHUB_TOKEN", "github.token", "secrets.GITHUB_TOKEN", "ACTIONS_TOKEN"}
_HELPERS = {
    **dict.fromkeys(("ecr-login", "ecr"), "aws"),
    **dict.fromkeys(("gcr", "gcloud", "google"), "google"),
    **dict.fromkeys(("acr-env", "acr", "acr-linux"), "azure"),
}
_CONFIG_KEY = ".dockerconfigjson"
_CONFIG_FOLDER = re.compile(r"^/(?:kaniko|root)/\.docker(?:/config\.json)?/?$")
_HOST_OF_IMAGE = "${%%/*}"
_HUB_KEY = "https://index.docker.io/v1/"
_PROXY_SERVER = "CI_DEPENDENCY_PROXY_SERVER"


def _variable_of(host: str) -> str:
    """What the names of the variables begin with that hold a host's login."""
    plain = "index.docker.io" if host == "docker.io" else host
    return "KANIKO_" + re.sub(r"[.:-]", "_", plain.upper())


def _can_be_hub(host: str) -> bool:
    try:
        parts = parse(host)
    except Refused:
        return False  # what a script is called with: no spec holds that
    return bool(names(parts)) and any(can_be(parts, name) for name in DOCKER_HUB_NAMES)


def as_pushed(kind: Any) -> Any:
    """A login, whether runs that only pull have it or not."""
    if not isinstance(kind, dict):
        return kind
    bare = {key: value for key, value in kind.items() if key != "pull"}
    return bare["use"] if {*bare} == {"use"} else bare


def _also_pulling(kind: Any) -> dict[str, Any]:
    """A login that runs have, too, which push nothing."""
    return {**(kind if isinstance(kind, dict) else {"use": kind}), "pull": True}


class Logins(Clouds):
    """The logins of one call."""

    def __init__(self, job: Job, call: Call, settings: Settings) -> None:
        super().__init__(job, call, settings)
        self.found: dict[str, Any] = {}
        self.anywhere: list[tuple[Any, Login]] = []
        self.helpers: set[str] = set()
        self.undecided: set[str] = set()
        self.own = ""
        self.pulling: set[str] = set()

    # -- registries ---------------------------------------------------------------------------

    def registries(self, pushed: list[str], *, cautious: bool) -> dict[str, Any]:
        """What stands under ``registries:``; ``pushed`` are the hosts that are pushed to.

        ``cautious`` says that the script itself tells runs that push from those that do not.
        """
        for login in self.call.logins:
            self._add(login, pushed, cautious=cautious)
        self._variables(pushed)
        self._ready(pushed)
        for kind, _ in self.anywhere:
            for host in pushed:
                self.found.setdefault(host, kind)
        for host in pushed:
            if self.found.get(host) == "ci-token" and self._is_own(host):
                self.found[host] = None  # the rendered job has it by itself
                self.own = host
        self._by_name(pushed)
        for host in pushed:
            if host not in self.found:
                self._missing(host, pushed)
        for host in self.undecided:
            self.found[host] = None
        found = {host: login for host, login in self.found.items() if login is not None}
        hub = None if "docker.io" in pushed else found.get("docker.io")
        if any(_can_be_hub(host) and login == hub for host, login in found.items()):
            # What a run names may be Docker Hub, and the script knows how that is called there.
            del found["docker.io"]
        return found

    def _add(self, login: Login, pushed: list[str], *, cautious: bool) -> None:
        host = self._host(login.host)
        if host is None:
            if (kind := self._kind(login, "HOST")) is not None:
                self.job.tell("unknown-host", login.line, spell(login.host), flow({"HOST": kind}))
            return
        if login.password and not login.user:
            self.job.tell("unknown-user", login.line, host, "empty")
        elif login.user and not (login.password or login.auth or login.token):
            self.job.tell("unknown-password/empty", login.line, host)
        if host == _PROXY_SERVER:
            self.settings.section["dependency_proxy"] = True
            self.job.tell("dependency-proxy", login.line)
            return
        if spared := self._spared(login):
            name = spell(spared).strip("${}").rpartition(".")[2]
            self.job.tell("second-login/spare", login.line, host, name)
            return
        kind = self._kind(login, host)
        if kind is None:
            return
        self.asked.add(login.source)
        if not host:
            self.anywhere.append((kind, login))
            return
        pulls = login.when == ALWAYS and self.job.started.requests
        own = kind == "ci-token" and self._is_own(host)
        if cautious and kind != "anonymous" and pulls and not own:
            self.pulling.add(host)
            kind = _also_pulling(kind) if host in pushed else kind
        have = self.found.get(host)
        if as_pushed(have) not in (None, as_pushed(kind)):
            self.job.tell("second-login", login.line, host)
            self.undecided.add(host)
        elif have is None:
            self.found[host] = kind

    def _spared(self, login: Login) -> Text:
        """The password of the login for whose lack alone there is this one."""
        others = {other.password for other in self.call.logins if other.host == login.host}
        tests = [test for tests in login.when for test in tests]
        spares = all(test.kind == "set" and test.left in others for test in tests)
        return next((test.left for test in tests if test.negated and spares), ())

    def _is_own(self, host: str) -> bool:
        """Whether a host is the registry of the platform that ran the job."""
        known = SYSTEMS.get(self.job.target)
        return host == "${registry.host}" or bool(known and known.registry == host)

    def _by_name(self, pushed: list[str]) -> None:
        """Know the platform's registry by its name where a file logs in by a variable."""
        if self.found.get(OWN_HOST) != "ci-token" or OWN_HOST in pushed:
            return
        for host in pushed:
            if host not in self.found and self._is_own(host):
                self.found |= {OWN_HOST: None, host: None}
                self.own = host

    def _host(self, text: Text) -> str | None:
        """A host as a spec has it; None for one that it cannot name."""
        text = without_head(without_head(text, "https://"), "http://") if len(text) > 1 else text
        if not text:
            return ""
        named = split_text(text, "/", 1)[0]
        if (var := only_var(named[:1])) and var.name.startswith(_PROXY_SERVER):
            return _PROXY_SERVER
        if var := only_var(named):
            name = var.name
            if name in {"CI_REGISTRY", "CI_REGISTRY_IMAGE", "registry.host", "registry.image"}:
                return "${registry.host}"
            if var.changes == (_HOST_OF_IMAGE,):
                named = (replace(var, changes=()),)
            return self._spelled(named)
        written = literal(named) if literal(text) is None else literal(text)
        if written is None:
            host = self._spelled(named)
            return host if host and can_be_host(parse(host)) else None
        bare = re.sub(r"^https?://", "", written).partition("/")[0]
        if written not in (bare, _HUB_KEY):
            self.job.tell("registry-key", 0, written, bare)
        return "docker.io" if bare in DOCKER_HUB_LOOKALIKES else canonical_host(bare)

    def _spelled(self, text: Text) -> str | None:
        """A text of run-time variables, as a spec has it; None where it is of something else."""
        out = ""
        for part in text:
            if isinstance(part, str):
                out += part
            elif isinstance(part, Output) and (name := asked_of_aws(part)):
                out += f"${{env.{name}}}"
            elif isinstance(part, Var) and not part.changes:
                named = self.job.runtime.get(part.name, part.name)
                scope, _, name = named.rpartition(".")
                if scope == "inputs" and name_of(name) not in self.job.shared.get("inputs", {}):
                    return None
                name = f"input.{name_of(name)}" if scope == "inputs" else f"env.{name}"
                out += written_variable(name, part.default)
            else:
                return None
        return out

    def _kind(self, login: Login, host: str) -> Any:
        if login.helper:
            cloud = _HELPERS.get(login.helper)
            if cloud is None:
                self.job.tell("credential-helper", login.line, login.helper)
                return None
            if not host:
                self.helpers.add(cloud)
                return None
            return self.cloud(cloud)
        if self._is_ready(login):
            return None
        return self._password(login, host)

    def _password(self, login: Login, host: str) -> Any:
        user, password = login.user, login.password or login.token
        if not password and login.auth:
            return self._from_auth(login, host)
        written = literal(user)
        if self._is_ci_token(password, host):
            return "ci-token"
        if written == "_json_key":
            # A key is a file, and a variable of GitLab's may hold its path.
            read = re.fullmatch(r"\$\(cat \$(\w+)\)", spell(password))
            if read is not None:
                return {"google": {"key_file": self.secret_name(read[1], login.line)}}
            return {"google": {"key_file": self._secret(password, host, login.line)}}
        if self._is_output(password, "aws ") or (
            written == "AWS" and self.job.secret_of(password) is None
        ):
            return self.cloud("aws")
        if self._is_output(password, "gcloud ") or written == "oauth2accesstoken":
            return self.cloud("google")
        if self._is_output(password, "login.microsoftonline", "azurecr.io", "az acr login"):
            return self.cloud("azure")
        secret = self._secret(password, host, login.line)
        return {"username": self._user(user, host, login.line), "password": secret}

    def _is_output(self, text: Text, *words: str) -> bool:
        return any(
            isinstance(part, Output) and any(word in part.command for word in words)
            for part in text
        )

    def _is_ci_token(self, password: Text, host: str) -> bool:
        var = only_var(password)
        name = var.name if var else ""
        if self.job.target == "gitlab" and name in _CI_PASSWORDS:
            return True
        if self._is_github_token(password):
            return host in {"ghcr.io", "${registry.host}"} or host.startswith("containers.")
        oidc = self._is_output(password, "oidc request-token")
        return oidc and host == "packages.buildkite.com"

    def _is_github_token(self, password: Text) -> bool:
        """Whether a password is the token of GitHub's job, which Gitea's and Forgejo's have too."""
        var = only_var(password)
        names = {var.name, self.job.secret_of(password)} if var else set()
        return self.job.target == "github" and bool(names & _GITHUB_TOKENS)

    def _user(self, user: Text, host: str, line: int) -> Any:
        written = literal(user)
        if written:
            return written
        if var := only_var(user):
            if var.name in {"GITHUB_ACTOR", "github.actor", "GITHUB_REPOSITORY_OWNER"} or (
                var.name == "github.repository_owner"
            ):
                self.job.tell("actor-as-user", line, host)
                return "token"
            self._check_given(var.name, line)
            secret = self.job.secret_of(user)
            name = secret or self.job.runtime.get(var.name) or var.name.rpartition(".")[2]
            return {"secret": self.secret_name(name, line)}
        self.job.tell("unknown-user", line, host, spell(user) or "empty")
        return {"secret": name_for(host, "USER")}

    def _secret(self, text: Text, host: str, line: int) -> str:
        """The name of the secret that a password is."""
        made = name_for(host, "PASSWORD")
        if self._is_github_token(text):
            self.job.tell("secret-name/token", line, host, made)
            return made
        if var := only_var(text):
            name = self.job.secret_of(text)
            if name is None:
                name = self.job.runtime.get(var.name, var.name).rpartition(".")[2]
            self._check_given(var.name, line)
            return self.secret_name(name, line)
        if any(isinstance(part, Masked) for part in text) or literal(text):
            self.job.tell("literal-secret/password", line, host, made)
        else:
            self.job.tell("unknown-password", line, host, spell(text), made)
        return made

    def _check_given(self, name: str, line: int) -> None:
        """Remember what holds a part of a login; say so where nothing gives it to the job."""
        job = self.job
        self.note_store(name)
        if name.startswith("vars."):
            job.tell("secret-name/variable", line, name.removeprefix("vars."))
        known = job.plain_secrets or name in job.secrets or name in job.environment
        if not known and name not in self.call.environment and "." not in name:
            job.tell("not-given", line, name)

    def _from_auth(self, login: Login, host: str) -> Any:
        """A login that only its base64 is known of."""
        auth = login.auth
        user = name_for(host, "USER")
        password = name_for(host, "PASSWORD")
        if len(auth) == 1 and isinstance(auth[0], Encoded) and len(auth[0].text) == 1:
            auth = auth[0].text
        written = literal(auth)
        if written is not None or any(isinstance(part, Masked) for part in auth):
            said = decoded(written or "") or ""
            self.job.tell("literal-secret/login", login.line, host, password)
            name = said.partition(":")[0]
            usable = name and re.fullmatch(r"[A-Za-z0-9._@+-]{1,60}", name)
            return {"username": name if usable else {"secret": user}, "password": password}
        shown = spell(auth)
        if var := only_var(auth):
            self._check_given(var.name, login.line)
            if (secret := self.job.secrets.get(var.name)) and secret.name != var.name:
                shown = f"{shown} ({secret.name})"
        self.job.tell("auth-in-one-variable", login.line, shown, host, user, password)
        return {"username": {"secret": user}, "password": password}

    # -- ready configs ------------------------------------------------------------------------

    def _is_ready(self, login: Login) -> bool:
        """Whether a whole config.json is taken from somewhere."""
        return not (login.auth or login.password or login.token or login.helper)

    def _ready(self, pushed: list[str]) -> None:
        name, line = self._ready_name()
        if not name:
            known = not all(map(self._is_ready, self.call.logins))
            for given in self.call.logins:
                copied = known and spell(given.config).endswith("/.docker/config.json)")
                if given.config and self._is_ready(given) and not copied:
                    asked = (part for part in given.config if isinstance(part, Output))
                    made = next((part.command.split(" ")[0] for part in asked), "what it copies")
                    self.job.tell("unknown-config", given.line, made)
            return
        hosts = [host for host in pushed if host not in self.found] or (
            [] if pushed else self._hosts_left_out() or [self._image_host()]
        )
        for host in hosts:
            login: dict[str, Any] = {"docker_config": name}
            self.found[host] = login
        if hosts:
            self.job.tell("docker-config", line, name)
        self._leave_out_pulling(name, hosts)

    def _hosts_left_out(self) -> list[str]:
        """The hosts of what is pushed, where a spec has no words for the rest of its name."""
        heads = (literal(word.text[:1]) or "" for word in self.call.pushed)
        return list(dict.fromkeys(host_of(f"{head}x") for head in heads if "/" in head))

    def _leave_out_pulling(self, name: str, hosts: list[str]) -> None:
        """The executor is pulled with the ready config of its host; nobody has to say so."""
        secrets = self.settings.section.get("image_pull_secrets", [])
        written = literal(self.job.image) or ""
        if name in secrets and any(written.startswith(f"{host}/") for host in hosts):
            secrets.remove(name)
        if not secrets:
            self.settings.section.pop("image_pull_secrets", None)

    def _image_host(self) -> str:
        """Where one's own image of the executor is; the public ones need no login."""
        written = literal(self.job.image) or ""
        own = not any(
            known.image and written.startswith(known.image) for known in DISTRIBUTIONS.values()
        )
        host, slash, _ = written.partition("/")
        return host if own and slash and re.search("[.:]", host) else "docker.io"

    def _ready_name(self) -> tuple[str, int]:
        for mount in self.job.mounts:
            if mount.ready_config:
                self._check_config_key(mount.config_key, mount.store)
                return mount.take(), self.job.line
        for path, choices in self.call.files.items():
            if not path.endswith("config.json"):
                continue
            for choice in choices:
                name = whole_variable(choice.text)
                if name is not None:
                    secret = self.job.secrets.get(name)
                    name = secret.name if secret else name.rpartition(".")[2]
                    return self._config_name(name), self.call.line
        secret = self.job.secrets.get("DOCKER_AUTH_CONFIG")
        if secret is not None:
            self.asked.add("DOCKER_AUTH_CONFIG")
            if secret.take():
                self._check_config_key(secret.name, secret.store)
                return secret.store, self.call.line
            return self._config_name(secret.name), self.call.line
        return "", 0

    def _check_config_key(self, key: str, store: str) -> None:
        if store and key != _CONFIG_KEY:
            self.job.tell("docker-config-key", self.job.line, key, store, _CONFIG_KEY)

    def _config_name(self, name: str) -> str:
        if self.job.target == "gitlab" and name != "DOCKER_AUTH_CONFIG":
            return name
        return self.secret_name(name, self.call.line)

    def _variables(self, pushed: list[str]) -> None:
        """KANIKO_<HOST>_USER and _PASSWORD, which newer executors read."""
        for host in [*pushed, "docker.io"]:
            prefix = _variable_of(host)
            if f"{prefix}_PASSWORD" not in self.job.secrets or host in self.found:
                continue
            self.found[host] = self._of_variables(prefix)
        for prefix, host in self._hosts_of_variables([*pushed, "docker.io", *self.found]):
            self.found[host] = self._of_variables(prefix)
            self.job.tell("host-of-variable", self.call.line, prefix, host)

    def _of_variables(self, prefix: str) -> dict[str, Any]:
        for variable in (f"{prefix}_USER", f"{prefix}_PASSWORD"):
            self.note_store(variable)
        user = self.job.secrets.get(f"{prefix}_USER")
        given = literal(self.environment(f"{prefix}_USER")) or ""
        line = self.call.line
        return {
            "username": {"secret": self.secret_name(user.name, line)} if user else given,
            "password": self.secret_name(self.job.secrets[f"{prefix}_PASSWORD"].name, line),
        }

    def _hosts_of_variables(self, known: list[str]) -> list[tuple[str, str]]:
        """Hosts that only the name of a variable tells: images are pulled from there."""
        taken = {_variable_of(host) for host in known}
        found = []
        for name in self.job.secrets:
            match = re.fullmatch(r"(KANIKO_([A-Z0-9_]+?)(?:_([0-9]{2,5}))?)_PASSWORD", name)
            if match and match[1] not in taken:
                port = f":{match[3]}" if match[3] else ""
                found.append((match[1], match[2].lower().replace("_", ".") + port))
        return found

    def _serves(self, host: str, pushed: list[str]) -> bool:
        """Whether the file logs in to what a registry that only a run knows may turn out to be."""
        logins = {other for other, kind in self.found.items() if kind not in (None, "anonymous")}
        asked = Template(host)
        if not logins and self.own and may_be(asked, self.own):
            self.found[self.own] = "ci-token"
            logins = {self.own}
        fitting = {other for other in logins if may_be(asked, other)}
        serving = sorted(fitting - {*pushed} or fitting)
        for other in self.pulling.intersection(serving):
            self.found[other] = _also_pulling(self.found[other])
        if serving:
            self.job.tell("served-registry", self.call.line, host, listed(serving))
        return bool(serving)

    # -- clouds -------------------------------------------------------------------------------

    def _missing(self, host: str, pushed: list[str]) -> None:
        own = self._is_own(host)
        if region := ecr_region(host):
            if self._spelled(self.held("AWS_REGION")) == region:
                self.asked.add("AWS_REGION")
            self._by_cloud(host, "aws")
        elif is_google(host):
            self._by_cloud(host, "google")
        elif is_acr(host):
            self._by_cloud(host, "azure")
        elif own and self.job.target in {"gitlab", "buildkite"}:
            said = "hook-login/own" if self.job.target == "gitlab" else "hook-login"
            self.job.tell(said, self.call.line, host)
        elif outside := self._config_outside():
            self.job.tell("missing-login/mounted", self.call.line, host, outside)
        elif folder := self.held("DOCKER_CONFIG"):
            self.job.tell("missing-login/folder", self.call.line, host, spell(folder))
        elif (
            any(
                (literal(word.text) or "").startswith(f"--registry-client-cert={host}=")
                for word in self.call.words
            )
            or host.startswith(("localhost", "127.0.0.1"))
            or self._plain_http(host)
        ):
            self.found[host] = "anonymous"
            self.job.tell("anonymous", self.call.line, host)
        elif self.helpers:
            self.job.tell("missing-login/helper", self.call.line, min(self.helpers), host)
        elif not self._serves(host, pushed):
            self.job.tell("missing-login", self.call.line, host)

    def _config_outside(self) -> str:
        """What is mounted as the docker config, where the file does not tell what it holds."""
        claims = {path: claim.store for path, claim in self.job.claims.items()}
        given = {spell(inside): spell(outside) for outside, inside in mounts(self.call.docker)}
        for path, held in (given | claims).items():
            told = any(file.startswith(path) for file in self.call.files)
            if _CONFIG_FOLDER.search(path) and not told:
                return held
        return ""

    def _by_cloud(self, host: str, cloud: str) -> None:
        self.found[host] = self.cloud(cloud)
        if cloud not in self.helpers:
            self.job.tell("cloud-login", self.call.line, host, cloud)

    def _plain_http(self, host: str) -> bool:
        if host == "docker.io":
            return False  # Docker Hub asks everybody for a login
        flags = {"--insecure", "--insecure=true", f"--insecure-registry={host}"}
        return any(literal(word.text) in flags for word in self.call.words)


def name_for(host: str, what: str) -> str:
    stem = re.sub(r"[^A-Z0-9]+", "_", host.upper().strip("${}")) or "REGISTRY"
    stem = {"DOCKER_IO": "DOCKER_HUB", "REGISTRY_HOST": "REGISTRY"}.get(stem, stem)
    return f"{'_' * stem[:1].isdigit()}{stem}_{what}"


def offered(spec: Spec, target: str) -> Iterator[str]:
    """A line for each host that a spec pushes to without a login of its own on a target."""
    hosts: dict[str, None] = {}
    for build in spec.builds:
        for destination in build.destinations:
            host = host_of(str(destination.image))
            registry = build.registries.get(host)
            login = registry.on(target) if registry else None
            if not host.startswith("$") and (login is None or login.use == "ci-token"):
                hosts.setdefault(host)
    for host in hosts:
        user, password = name_for(host, "USER"), name_for(host, "PASSWORD")
        yield f"registries: {{{host}: {{username: {{secret: {user}}}, password: {password}}}}}"
