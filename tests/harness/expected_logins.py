"""The logins and secrets that a spec asks for in a given run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing.events import identity
from ci_kaniko.rehearsing.told import gitlab
from harness.expectation import (
    HUB,
    Run,
    Spec,
    cache_host,
    destination_of,
    executor_name,
    fetches,
    host,
    images,
    known,
    listed,
    mirrored,
    once,
    replaced,
)
from harness.expected_arguments import PROXIES, input_file, items_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Login:
    """How to log in to a host; the names of secrets, and what they hold.

    `environment` is what a cloud's client reads, paths by their file name; `files` are the texts
    of the files that variables lead to.
    """

    host: str
    kind: str
    secrets: tuple[str, ...] = ()
    user: str = ""
    password: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    pull: bool = False

    @property
    def is_cloud(self) -> bool:
        """Whether the cloud's own client logs in: there is no entry for the host."""
        return self.kind in ("aws", "google", "azure") and not self.user


def secret(name: str) -> str:
    """The value of a secret: awkward, long, and different from every other one."""
    if name.endswith("_USER"):
        return f'u\'ser "{name}" $HOME \\ ` %s'
    return f"p'a\"s\\s$w`{name}` %s %% $(id) ${{HOME}}: ü {{{{x}}}} " + "x" * 80 + "\\"


@once
def push_hosts(run: Run) -> set[str]:
    """Every host that some run of this spec pushes to."""
    if run.spec.data.get("push") == "never":
        return set()
    variables = known(run.target, run.event)
    destinations = [
        destination_of(item)[0] for item in listed(run.spec.data.get("destinations", []))
    ]
    hosts = {host(replaced(image, variables, in_image=True)) for image in destinations}
    return (hosts | {cache_host(run) or HUB}) if cache_host(run) else hosts


@once
def logins(run: Run) -> dict[str, Login]:
    """The logins that this run needs, by host, anonymous ones left out."""
    pushed = images(run)
    cached = cache_host(run)
    needed = {host(image) for image in pushed} | ({cached} if pushed and cached else set())
    every = all_logins(run)
    pull_only = every.keys() - push_hosts(run)
    pull_only |= {name for name, login in every.items() if login.pull}
    return {name: login for name, login in every.items() if name in needed | pull_only}


def _mirrors(spec: Spec) -> set[str]:
    return {host(mirror) for mirror in spec.section("mirrors").values()}


def pull_logins(run: Run) -> dict[str, Login]:
    """The logins with which the spec's own images are pulled, where a rendered file hands them on.

    By the name of the image without its tag. Only what every run holds pulls.
    """
    spec = run.spec
    prepared = spec.section("prepare").get("image")
    own = executor_name(spec)
    is_own = "image" in spec.section("executor") or host(own) in _mirrors(spec)
    named = [own if is_own else None, mirrored(prepared, spec) if prepared else None]
    named += [spec.section("tools").get("git")] * (run.target == "agola")
    kinds = {"password"}
    if run.target == "github":
        kinds.add("ci-token")
        if spec.section("github").get("mode", "docker") == "docker":
            kinds.add("docker-config")
    pushed, every = push_hosts(run), all_logins(run)
    ready = "docker-config" in {login.kind for login in every.values()}
    found = {}
    for image in filter(None, named):
        login = every.get(host(image))
        if login and login.kind in kinds and (login.pull or login.host not in pushed):
            name = image if ":" not in image.rpartition("/")[2] else image.rpartition(":")[0]
            if not ready or login.kind == "docker-config" or run.target == "agola":
                found[name] = login
    return found


@once
def all_logins(run: Run) -> dict[str, Login]:
    """Every login of the spec on this target, whether or not this run needs it."""
    variables = known(run.target, run.event)
    found = {}
    if run.target == "gitlab" and run.spec.section("gitlab").get("dependency_proxy") == "true":
        proxy = gitlab.environment(run.event)["CI_DEPENDENCY_PROXY_SERVER"].removesuffix(":443")
        found[proxy] = Login(proxy, "ci-token", (), "gitlab-ci-token", "glcbt-job", pull=True)
    for written, entry in run.spec.section("registries").items():
        name = host(replaced(written, variables) + "/")
        by_target = isinstance(entry, dict) and entry.keys() & {"default", "gitlab", "github"}
        login = entry.get(run.target, entry.get("default")) if by_target else entry
        if login is not None:
            found[name] = _login(name, login, run)
    for name in push_hosts(run) - found.keys():
        found[name] = _login(name, "ci-token", run)
    return {name: login for name, login in found.items() if login.kind != "anonymous"}


def _login(name: str, login: Any, run: Run) -> Login:
    if isinstance(login, str):
        return Login(name, login, (), *ci_login(run)) if login == "ci-token" else Login(name, login)
    if login.get("pull") == "true":
        rest = {key: value for key, value in login.items() if key != "pull"}
        return replace(_login(name, rest.get("use", rest), run), pull=True)
    if "docker_config" in login:
        ready = (login["docker_config"],)
        return Login(name, "docker-config", ready, "ready", secret(f"ready {name}"))
    for kind, cloud in (("aws", _aws), ("google", _google), ("azure", _azure)):
        if kind in login:
            given = {} if login[kind] == "ambient" else login[kind]
            return cloud(name, given, run)
    user, password = login["username"], login["password"]
    if isinstance(user, dict):
        secrets = (user["secret"], password)
        return Login(name, "password", secrets, secret(user["secret"]), secret(password))
    return Login(name, "password", (password,), user, secret(password))


_FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "aws-credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "aws-token",
    "GOOGLE_APPLICATION_CREDENTIALS": "google-key.json",
    "AZURE_FEDERATED_TOKEN_FILE": "azure-token",
}
SESSION = {
    "AWS_ACCESS_KEY_ID": "ASIAREHEARSAL",
    "AWS_SECRET_ACCESS_KEY": "key+/rehearsal",
    "AWS_SESSION_TOKEN": "session+/rehearsal==",
}
"""What AWS answers to a job of GitHub that takes a role."""


def _cloud_login(
    name: str,
    kind: str,
    secrets: tuple[str, ...],
    variables: Mapping[str, str],
    files: Mapping[str, str],
) -> Login:
    paths = {variable: _FILES[variable] for variable in files}
    return Login(name, kind, secrets, environment={**variables, **paths}, files=files)


def _aws(name: str, login: Mapping[str, str], run: Run) -> Login:
    region = {"AWS_REGION": "us-east-1" if name == "public.ecr.aws" else name.split(".")[3]}
    if "credentials_file" in login:
        file = login["credentials_file"]
        held = {"AWS_SHARED_CREDENTIALS_FILE": secret(file)}
        return _cloud_login(name, "aws", (file,), region, held)
    if "access_key_id" in login:
        names = (login["access_key_id"], login["secret_access_key"])
        keys = dict(zip(SESSION, map(secret, names), strict=False))
        return _cloud_login(name, "aws", names, region | keys, {})
    if "role" in login and run.target == "github":
        return _cloud_login(name, "aws", (), region | SESSION, {})
    if "role" in login:
        role = {"AWS_ROLE_ARN": login["role"], "AWS_ROLE_SESSION_NAME": "ci-kaniko"}
        token = {"AWS_WEB_IDENTITY_TOKEN_FILE": identity("sts.amazonaws.com")}
        return _cloud_login(name, "aws", (), region | role, token)
    return _cloud_login(name, "aws", (), region, {})


def _google(name: str, login: Mapping[str, str], run: Run) -> Login:
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    if "key_file" in login:
        file = login["key_file"]
        return _cloud_login(name, "google", (file,), {}, {variable: secret(file)})
    if "provider" in login:
        token = identity(f"https://iam.googleapis.com/{login['provider']}")
        held = Login(name, "google", files={variable: token})
        return replace(held, environment={variable: "google-credentials.json"})
    return Login(name, "google")


def _azure(name: str, login: Mapping[str, str], run: Run) -> Login:
    if not login:
        return Login(name, "azure")
    ids = {"AZURE_TENANT_ID": login["tenant_id"], "AZURE_CLIENT_ID": login["client_id"]}
    if "client_secret" in login:
        key = login["client_secret"]
        variables = ids | {"AZURE_CLIENT_SECRET": secret(key)}
        return _cloud_login(name, "azure", (key,), variables, {})
    if run.target == "github":
        nobody = "00000000-0000-0000-0000-000000000000"
        return Login(name, "azure", (), nobody, "eyJ.registry.rehearsal")
    token = {"AZURE_FEDERATED_TOKEN_FILE": identity("api://AzureADTokenExchange")}
    return _cloud_login(name, "azure", (), ids, token)


def inputs(run: Run) -> dict[str, str]:
    """The files of certificates and keys, by their paths in the executor's container."""
    found = {}
    for name, key in items_of(run.spec, "certificates"):
        found[f"{input_file(name)}.crt"] = secret(key)
    for name, pair in run.spec.section("client_certificates").items():
        found[f"{input_file(name)}.client.crt"] = secret(pair["certificate"])
        found[f"{input_file(name)}.client.key"] = secret(pair["key"])
    return {f"/kaniko/certificates/{name}": text for name, text in found.items()}


def always_given(run: Run) -> dict[str, str]:
    """What every run has in the executor's environment: build secrets, proxies."""
    proxies = {PROXIES[key]: text for key, text in run.spec.section("proxy").items()}
    secrets = {
        spelled: secret(item["secret"])
        for name, item in proxies.items()
        if isinstance(item, dict)
        for spelled in (name, name.lower())
    }
    given = {name: text for name, text in proxies.items() if isinstance(text, str)}
    given |= {key: secret(key) for _, key in items_of(run.spec, "build_secrets")}
    return {**given, **secrets, **run.spec.section("env")}


def input_secrets(spec: Spec) -> list[str]:
    """The secrets of what every build needs beside its context."""
    pairs = spec.section("client_certificates").values()
    names = [*spec.section("build_secrets").values(), *spec.section("certificates").values()]
    names += [pair[key] for pair in pairs for key in ("certificate", "key")]
    names += [item["secret"] for item in spec.section("proxy").values() if isinstance(item, dict)]
    return names


def ci_login(run: Run) -> tuple[str, str]:
    return {
        "gitlab": ("gitlab-ci-token", "glcbt-job"),
        "github": ("alice", "ghs-rehearsal"),
        "buildkite": ("buildkite", "oidc-rehearsal"),
    }[run.target]


def given_to_every_run(run: Run) -> bool:
    """Buildkite's own store is read before the script: a job without its secret never starts."""
    own_store = run.spec.section("buildkite").get("secrets") == "buildkite"
    return run.target == "buildkite" and own_store and not is_kept_from_secrets(run)


def is_kept_from_secrets(run: Run) -> bool:
    """Whether a run holds no secret that only a push needs; GitLab gives all to every job."""
    request = bool(run.event.pull_request) and run.spec.data.get("push", "auto") == "auto"
    return request and run.target != "gitlab"


def git_login(run: Run) -> tuple[str, str, tuple[str, ...]] | None:
    """User, token and its secret, where the executor itself fetches the context."""
    git = run.spec.section("git")
    if not fetches(run) or "token" not in git:
        return None
    user = git.get("username", "oauth2")
    if git["token"] == "ci-token":
        token = {"gitlab": "glcbt-job", "github": "ghs-rehearsal"}[run.target]
        return user, token, ()
    return user, secret(git["token"]), (git["token"],)


def context_environment(spec: Spec) -> dict[str, str]:
    """What the executor must be told of the store that it fetches a context from."""
    login = spec.section("context_login")
    names = {"region": "AWS_REGION", "s3_endpoint": "S3_ENDPOINT"}
    names["s3_path_style"] = "S3_FORCE_PATH_STYLE"
    return {name: login[key] for key, name in names.items() if key in login}


def context_secret(spec: Spec) -> tuple[str, str] | None:
    """The variable that holds a store's secret, or leads to its file, and the secret's name."""
    login = spec.section("context_login")
    if "azure_storage_key" in login:
        return "AZURE_STORAGE_ACCESS_KEY", login["azure_storage_key"]
    files = {
        "aws": ("AWS_SHARED_CREDENTIALS_FILE", "credentials_file"),
        "google": ("GOOGLE_APPLICATION_CREDENTIALS", "key_file"),
    }
    for kind, (variable, key) in files.items():
        if kind in login and login[kind] != "ambient":
            return variable, login[kind][key]
    return None


def secrets_needed(run: Run) -> list[str]:
    needed = all_logins(run) if given_to_every_run(run) else logins(run)
    names = [name for login in needed.values() for name in login.secrets]
    names += (git_login(run) or ("", "", ()))[2]
    names += (context_secret(run.spec) or ())[1:]
    names += input_secrets(run.spec)
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Fed:
    """What the platform's secret store holds for a run."""

    secrets: Mapping[str, str]
    docker_configs: Mapping[str, str]

    def without(self, name: str) -> Fed:
        return Fed(
            {key: value for key, value in self.secrets.items() if key != name},
            {key: value for key, value in self.docker_configs.items() if key != name},
        )


def fed(run: Run) -> Fed:
    """Every secret of the spec on this target, needed in this run or not."""
    secrets: dict[str, str] = {}
    auths: dict[str, dict[str, dict[str, str]]] = {}
    for login in all_logins(run).values():
        if login.kind == "docker-config":
            key = "https://index.docker.io/v1/" if login.host == HUB else login.host
            ready = auths.setdefault(login.secrets[0], {})
            ready[key] = {"username": login.user, "password": login.password}
        else:
            secrets |= {name: secret(name) for name in login.secrets}
    token = git_login(run)
    secrets |= {name: secret(name) for name in token[2]} if token else {}
    secrets |= {name: secret(name) for name in (context_secret(run.spec) or ())[1:]}
    secrets |= {name: secret(name) for name in input_secrets(run.spec)}
    return Fed(secrets, {name: json.dumps({"auths": entry}) for name, entry in auths.items()})
