"""What a spec asks for in a given run: an oracle that shares no code with ci-kaniko.

It reads the YAML as text only, replaces the variables by what the event says, and knows kaniko's
flags. The order is kaniko's own: context, Dockerfile, what the image is made of, cache, options
by name, outputs, extra arguments, destinations.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from harness.events import (
    DEFAULT_BRANCH,
    EVENTS,
    NOW,
    Event,
    environment,
    identity,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

HUB = "docker.io"
RUN_TIME = {"CHANNEL": "stable_1.2", "MIRROR": "mirror.example.com:5000", "MOTTO": "it's $5 \\ 'x'"}

_IMAGES = {
    "osscontainertools": ("ghcr.io/osscontainertools/kaniko", "v1.28.3"),
    "chainguard": ("", "v1.25.16"),
    "google": ("gcr.io/kaniko-project/executor", "v1.24.0"),
}
_GIVEN = {
    "registry.host": "registry.example.net",
    "registry.image": "registry.example.net/acme/shop",
    "build.id": "job-5f3c",
    "build.number": "77",
    "build.url": "https://cluster.example.com/jobs/77",
    "build.timestamp": NOW,
}
_OUTPUTS = ("digest_file", "tar_path", "oci_layout_path")
_PUSHED_OUTPUTS = ("image_name_with_digest_file", "image_name_tag_with_digest_file")
_GIT = ("branch", "single_branch", "recurse_submodules", "insecure_skip_tls")


@dataclass(frozen=True)
class Spec:
    """A spec as plain data: texts, lists and mappings, nothing interpreted."""

    data: Mapping[str, Any]

    def section(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get(name) or {}
        return found


@dataclass(frozen=True)
class Run:
    """One spec on one target in one event."""

    spec: Spec
    target: str
    event: Event


def events(spec: Spec) -> tuple[Event, ...]:
    """The events in a repository whose default branch is the one that the spec names."""
    branch = spec.data.get("default_branch", DEFAULT_BRANCH.branch)
    return tuple(
        replace(
            event,
            default_branch=branch,
            branch=branch if event == DEFAULT_BRANCH else event.branch,
            source_branch=branch if event.fork else event.source_branch,
        )
        for event in EVENTS
    )


def read(text: str) -> Spec:
    # BaseLoader reads every scalar as the text that is written.
    return Spec(yaml.load(text, yaml.CBaseLoader) or {})  # noqa: S506


def not_on(text: str) -> dict[str, set[str]]:
    """The targets that refuse a spec, by its first lines, and the rules that say so."""
    found = re.findall(r"^# not on (\w+): (.+)$", text, re.MULTILINE)
    return {target: set(rules.split(", ")) for target, rules in found}


# -- variables --------------------------------------------------------------------------------


def known(target: str, event: Event) -> dict[str, str]:
    """Every portable variable, run-time variables as env.NAME."""
    ref = f"pr-{event.pull_request}" if event.pull_request else event.tag or event.branch
    path = event.fork_repository if event.fork and target == "gitlab" else event.repository
    owner, _, name = path.rpartition("/")
    return {
        "commit.sha": event.sha,
        "commit.short": event.sha[:8],
        "commit.timestamp": event.timestamp,
        "branch": event.branch,
        "default_branch": event.default_branch,
        "tag": event.tag,
        "ref.name": ref,
        "ref.slug": "".join(c if _is_plain(c) else "-" for c in _lower(ref))[:63].strip("-"),
        "ref.tag": "".join(c if _is_plain(c, "_.-") else "-" for c in ref).lstrip(".-")[:128],
        "pull_request.number": event.pull_request,
        "repository.path": path,
        "repository.owner": owner,
        "repository.name": name,
        "repository.url": f"{event.server}/{path}",
        **_own(target, event, path),
        **{f"env.{name}": value for name, value in RUN_TIME.items()},
    }


def _is_plain(character: str, more: str = "") -> bool:
    return character.isascii() and (character.isalnum() or character in more)


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _own(target: str, event: Event, path: str) -> dict[str, str]:
    """What a platform says of itself: law 1 compares after these."""
    if target == "kubernetes":
        return dict(_GIVEN)
    env = environment(target, event)
    own = {
        "gitlab": {
            "registry.host": env.get("CI_REGISTRY", ""),
            "registry.image": env.get("CI_REGISTRY_IMAGE", ""),
            "build.id": "9001",
            "build.url": env.get("CI_PIPELINE_URL", ""),
        },
        "github": {
            "registry.host": "ghcr.io",
            "registry.image": f"ghcr.io/{path.lower()}",
            "build.id": "9001",
            "build.url": f"{event.server}/{path}/actions/runs/9001",
        },
        "buildkite": {
            "build.id": env.get("BUILDKITE_BUILD_ID", ""),
            "build.url": env.get("BUILDKITE_BUILD_URL", ""),
        },
    }
    return {"build.number": "42", "build.timestamp": NOW, **own.get(target, {})}


def own_values(run: Run) -> dict[str, str]:
    """The values that the spec uses and that each platform has its own way of."""
    path = known(run.target, run.event)["repository.path"]
    own = _own(run.target, run.event, path)
    if run.event.fork:
        variables = known(run.target, run.event)
        own |= {name: variables[name] for name in variables if name.startswith("repository.")}
        own["path in lower case"] = path.lower()
    used = json.dumps(run.spec.data)
    return {
        name: value
        for name, value in own.items()
        if value and (f"${{{name}" in used or ("${repository" in used and "path" in name))
    }


def given() -> dict[str, str]:
    """What a Kubernetes manifest is told beside the event's own values."""
    run_time = {f"env.{name}": value for name, value in RUN_TIME.items()}
    return {**_GIVEN, **run_time, "env.CI_KANIKO_UNSET": ""}


def replaced(text: str, variables: Mapping[str, str], *, in_image: bool = False) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return "${"
        name, _, default = match[1].partition(":-")
        found = variables.get(name, "")
        lowered = in_image and name.startswith(("repository.", "registry."))
        return (found.lower() if lowered else found) or default

    return re.sub(r"\$\$\{|\$\{([^}]*)\}", value, text)


# -- conditions -------------------------------------------------------------------------------


@functools.cache
def glob_matches(glob: str, ref: str) -> bool:
    """`*` within a path segment, `**` across; nothing matches an empty ref."""
    return bool(ref) and _matches(glob, ref)


@functools.cache
def _matches(glob: str, ref: str) -> bool:
    if not glob:
        return not ref
    if glob.startswith("**"):
        return _matches(glob[2:], ref) or (bool(ref) and _matches(glob, ref[1:]))
    if glob.startswith("*"):
        return _matches(glob[1:], ref) or (ref[:1] not in ("", "/") and _matches(glob, ref[1:]))
    return ref[:1] == glob[:1] and _matches(glob[1:], ref[1:])


def lets_through(globs: Any, ref: str) -> bool:
    """Whether some entry matches, and none that begins with `!`."""
    found = [glob for glob in listed(globs) if glob_matches(glob.removeprefix("!"), ref)]
    return bool(found) and not any(glob.startswith("!") for glob in found)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def holds(when: Any, event: Event) -> bool:
    return any(_holds(condition, event) for condition in listed(when))


def _holds(condition: Any, event: Event) -> bool:
    if isinstance(condition, dict):
        ((kind, globs),) = condition.items()
        ref = event.branch if kind == "branch" else event.tag
        return lets_through(globs, ref)
    facts = {
        "always": True,
        "default-branch": bool(event.branch) and event.branch == event.default_branch,
        "pull-request": bool(event.pull_request),
        "schedule": event.source == "schedule",
        "manual": event.source == "manual",
    }
    return facts[condition]


def starts(spec: Spec, event: Event) -> bool:
    """Whether an event starts the job, requests aside that a push has built already."""
    if event.source in _WORDS:
        word = _WORDS[event.source]
        return bool(spec.section("triggers").get(word, "false") != "false")
    if event.source not in ("push", "pull_request", "merge_group"):
        return False
    if "triggers" not in spec.data:
        if event.source == "merge_group":
            return True
        default = bool(event.branch) and event.branch == event.default_branch
        return default or bool(event.tag or event.pull_request)
    triggers = spec.section("triggers")
    if event.source == "merge_group":
        return bool(triggers.get("pull_requests") == "true")
    if not _changes(triggers.get("paths"), event):
        return False
    if event.pull_request:
        return bool(triggers.get("pull_requests") == "true")
    kind, ref = ("tags", event.tag) if event.tag else ("branches", event.branch)
    return lets_through(triggers.get(kind, []), ref)


_WORDS = {
    "schedule": "schedules",
    "manual": "manual",
    **dict.fromkeys(("pipeline", "parent_pipeline", "api", "trigger"), "pipelines"),
}
"""The words of `triggers` for what is neither a push nor a request."""


def _changes(globs: Any, event: Event) -> bool:
    """Whether one of the paths has changed; what cannot be compared counts as changed."""
    if globs is None or not event.is_compared:
        return True
    return any(lets_through(globs, path) for path in event.changed)


def built_by_a_push(spec: Spec, event: Event, target: str) -> bool:
    """Whether the branch of a request is built as a branch, in the project that runs it."""
    if not event.pull_request or (event.fork and target == "github"):
        return False
    if target == "gitlab" and pushes_of_the_default_branch_only(spec):
        return False
    push = replace(event, branch=event.source_branch, pull_request="", source="push")
    return starts(spec, push)


def pushes_of_the_default_branch_only(spec: Spec) -> bool:
    """Requests lead there and do not come from there, so GitLab's jobs do without a rule."""
    triggers = spec.data.get("triggers")
    branches = [] if triggers is None else listed(triggers.get("branches", []))
    return {*branches} <= {spec.data.get("default_branch")}


# -- the arguments ----------------------------------------------------------------------------


def images(run: Run) -> list[str]:
    """The destinations of this run: unconditional ones first, then by condition."""
    policy = run.spec.data.get("push", "auto")
    if policy == "never" or (policy == "auto" and run.event.pull_request):
        return []
    if run.event.source == "merge_group":
        return []
    variables = known(run.target, run.event)
    groups: dict[str, list[str]] = {_key("always"): []}
    for item in listed(run.spec.data.get("destinations", [])):
        image, when = _destination(item)
        if holds(when, run.event):
            name = replaced(image, _room_for(image, variables), in_image=True)
            groups.setdefault(_key(when), []).append(name)
    return [image for group in groups.values() for image in group]


def _room_for(image: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, ref.tag cut to what the other text of the tag leaves of 128 characters."""
    written = re.split(r":(?![^{]*\})", image.rpartition("/")[2])[-1]
    rest = replaced(written, {**variables, "ref.tag": ""})
    return {**variables, "ref.tag": variables["ref.tag"][: max(0, 128 - len(rest))]}


def _destination(item: Any) -> tuple[str, Any]:
    return (
        (item, "always") if isinstance(item, str) else (item["image"], item.get("when", "always"))
    )


def _key(when: Any) -> str:
    """Equal conditions are one group, however they are written."""
    return json.dumps(
        [
            {kind: listed(globs) for kind, globs in condition.items()}
            if isinstance(condition, dict)
            else condition
            for condition in listed(when)
        ]
    )


def arguments(run: Run) -> list[str]:
    """The argument list as `normalise` gives it."""
    spec, variables = run.spec, known(run.target, run.event)
    pushed = images(run)
    cached = cache_host(run) is not None
    return [
        *_context(run, variables),
        *([f"--target={spec.data['target']}"] if "target" in spec.data else []),
        *(f"--build-arg={k}={replaced(v, variables)}" for k, v in _items(spec, "build_args")),
        *_proxy_arguments(spec),
        *(f"--label={k}={replaced(v, variables)}" for k, v in _items(spec, "labels")),
        *(f"--annotation={k}={replaced(v, variables)}" for k, v in _items(spec, "annotations")),
        *_cache(run, variables),
        *_options(spec),
        *_input_arguments(spec),
        *_outputs(spec, _OUTPUTS),
        *(replaced(text, variables) for text in spec.data.get("extra_args", [])),
        *([] if pushed else ["--no-push", "--no-push-cache"] if cached else ["--no-push"]),
        *(f"--destination={image}" for image in pushed),
        *(_outputs(spec, _PUSHED_OUTPUTS) if pushed else []),
    ]


_PROXIES = {"http": "HTTP_PROXY", "https": "HTTPS_PROXY", "no_proxy": "NO_PROXY"}


def _proxy_arguments(spec: Spec) -> list[str]:
    """RUN lines get both spellings; the value of a secret stays out of the arguments."""
    given = {_PROXIES[key]: text for key, text in spec.section("proxy").items()}
    return [
        f"--build-arg={spelled}" + (f"={text}" if isinstance(text, str) else "")
        for name, text in given.items()
        for spelled in (name, name.lower())
    ]


def _items(spec: Spec, section: str) -> list[tuple[str, str]]:
    return list(spec.section(section).items())


def _context(run: Run, variables: Mapping[str, str]) -> list[str]:
    spec = run.spec
    context, dockerfile = spec.data.get("context", "."), spec.data.get("dockerfile", "Dockerfile")
    sub_path = spec.data.get("context_sub_path", "")
    if "://" in context:
        archive = "tar://<context>/" if is_archive_of_the_repository(spec) else "tar://"
        whole = replaced(context, variables) + (f"/{sub_path}" if sub_path else "")
        whole = whole.replace("tar://", archive)
        return [
            f"--context={whole}",
            f"--dockerfile=/kaniko/buildcontext/{_path(sub_path, dockerfile)}",
        ]
    return [
        f"--context=<context>/{_path(context)}".rstrip("/"),
        f"--dockerfile=<context>/{_path(context, dockerfile)}",
    ]


def is_archive_of_the_repository(spec: Spec) -> bool:
    return re.match("tar://[^/]", spec.data.get("context", "")) is not None


def is_fetched(spec: Spec) -> bool:
    """Whether nothing of the checkout is read."""
    return "://" in spec.data.get("context", ".") and not is_archive_of_the_repository(spec)


def _path(*pieces: str) -> str:
    steps: list[str] = []
    for step in "/".join(pieces).split("/"):
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def git_arguments(run: Run) -> list[str]:
    """How the executor fetches a git context, or this repository where nothing checks it out."""
    git, checkout = run.spec.section("git"), run.spec.section("checkout")
    if "://" in run.spec.data.get("context", "."):
        return [f"--git={name.replace('_', '-')}={git[name]}" for name in _GIT if name in git]
    if not fetches(run):
        return []
    submodules = ["--git=recurse-submodules=true"] * (checkout.get("submodules") == "recursive")
    return [
        *(f"--git=depth={checkout[name]}" for name in ("depth",) if name in checkout),
        *submodules,
    ]


def _cache(run: Run, variables: Mapping[str, str]) -> list[str]:
    cache = run.spec.section("cache")
    if not cache:
        return []
    flags = {"copy_layers": "cache-copy-layers", "run_layers": "cache-run-layers"}
    flags["compressed"] = "compressed-caching"
    repo = cache.get("repo")
    return [
        *(["--cache=true"] if repo else []),
        *([f"--cache-repo={replaced(repo, variables, in_image=True)}"] if repo else []),
        *([f"--cache-ttl={cache['ttl']}"] if "ttl" in cache else []),
        *([f"--cache-dir={cache['dir']}"] if "dir" in cache else []),
        *(_switch(flags[name], cache[name]) for name in flags if name in cache),
    ]


def _input_arguments(spec: Spec) -> list[str]:
    folder = "/kaniko/certificates/"
    return [
        *(f"--secret=id={name},env={key}" for name, key in _items(spec, "build_secrets")),
        *(
            f"--registry-certificate={name}={folder}{_file(name)}.crt"
            for name in spec.section("certificates")
        ),
        *(
            f"--registry-client-cert={name}={folder}{_file(name)}.client.crt,"
            f"{folder}{_file(name)}.client.key"
            for name in spec.section("client_certificates")
        ),
    ]


def _switch(flag: str, value: str) -> str:
    return f"--{flag}" if value == "true" else f"--{flag}={value}"


def _options(spec: Spec) -> list[str]:
    options = spec.section("options")
    names = sorted(options.keys() - {*_OUTPUTS, *_PUSHED_OUTPUTS})
    return [argument for name in names for argument in _option(name, options[name])]


def _option(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, dict):
        return [f"--{flag}={key}={one}" for key, item in value.items() for one in listed(item)]
    return [_switch(flag, item) for item in listed(value)]


def _outputs(spec: Spec, names: tuple[str, ...]) -> list[str]:
    options = spec.section("options")
    flags = {name: name.replace("_", "-") for name in names if name in options}
    return [f"--{flag}={options[name].rpartition('/')[2]}" for name, flag in flags.items()]


def output_files(spec: Spec) -> set[str]:
    options = spec.section("options")
    return {options[name] for name in (*_OUTPUTS, *_PUSHED_OUTPUTS) if name in options}


def digest_files(run: Run) -> list[str]:
    """The files that hold a digest when the run is done."""
    names = ["digest_file", *(_PUSHED_OUTPUTS if images(run) else ())]
    options = run.spec.section("options")
    return [options[name] for name in names if name in options]


def image(run: Run, *, shell: bool) -> str:
    executor = run.spec.section("executor")
    name, version = _IMAGES[executor.get("distribution", "osscontainertools")]
    reference = f"{executor.get('image', name)}:{executor.get('version', version)}"
    digest = executor.get("digests", {}).get("debug" if shell else "plain", "")
    return reference + "-debug" * shell + f"@{digest}" * bool(digest)


# -- logins -----------------------------------------------------------------------------------


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


def host(reference: str) -> str:
    head, slash, _ = reference.partition("/")
    known_host = slash and ("." in head or ":" in head or head == "localhost")
    return HUB if not known_host or head == "index.docker.io" else head


def cache_host(run: Run) -> str | None:
    repo = run.spec.section("cache").get("repo", "oci:")
    if repo.startswith("oci:"):
        return None
    return host(replaced(repo, known(run.target, run.event), in_image=True))


def push_hosts(run: Run) -> set[str]:
    """Every host that some run of this spec pushes to."""
    if run.spec.data.get("push") == "never":
        return set()
    variables = known(run.target, run.event)
    destinations = [_destination(item)[0] for item in listed(run.spec.data.get("destinations", []))]
    hosts = {host(replaced(image, variables, in_image=True)) for image in destinations}
    return (hosts | {cache_host(run) or HUB}) if cache_host(run) else hosts


def logins(run: Run) -> dict[str, Login]:
    """The logins that this run needs, by host, anonymous ones left out."""
    pushed = images(run)
    cached = cache_host(run)
    needed = {host(image) for image in pushed} | ({cached} if pushed and cached else set())
    every = all_logins(run)
    pull_only = every.keys() - push_hosts(run)
    pull_only |= {name for name, login in every.items() if login.pull}
    return {name: login for name, login in every.items() if name in needed | pull_only}


def pull_logins(run: Run) -> dict[str, Login]:
    """The logins with which the spec's own images are pulled, where a rendered file hands them on.

    By the name of the image without its tag. Only what every run holds pulls.
    """
    spec = run.spec
    named = [spec.section("executor").get("image"), spec.section("prepare").get("image")]
    named += [spec.section("agola").get("checkout_image")] * (run.target == "agola")
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


def all_logins(run: Run) -> dict[str, Login]:
    """Every login of the spec on this target, whether or not this run needs it."""
    variables = known(run.target, run.event)
    found = {}
    if run.target == "gitlab" and run.spec.section("gitlab").get("dependency_proxy") == "true":
        proxy = environment("gitlab", run.event)["CI_DEPENDENCY_PROXY_SERVER"].removesuffix(":443")
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
    "AWS_ACCESS_KEY_ID": "ASIAHARNESS",
    "AWS_SECRET_ACCESS_KEY": "key+/harness",
    "AWS_SESSION_TOKEN": "session+/harness==",
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
        return Login(name, "azure", (), nobody, "eyJ.registry.harness")
    token = {"AZURE_FEDERATED_TOKEN_FILE": identity("api://AzureADTokenExchange")}
    return _cloud_login(name, "azure", (), ids, token)


def inputs(run: Run) -> dict[str, str]:
    """The files of certificates and keys, by their paths in the executor's container."""
    found = {}
    for name, key in _items(run.spec, "certificates"):
        found[f"{_file(name)}.crt"] = secret(key)
    for name, pair in run.spec.section("client_certificates").items():
        found[f"{_file(name)}.client.crt"] = secret(pair["certificate"])
        found[f"{_file(name)}.client.key"] = secret(pair["key"])
    return {f"/kaniko/certificates/{name}": text for name, text in found.items()}


def _file(name: str) -> str:
    return name.replace(":", "_")


def always_given(run: Run) -> dict[str, str]:
    """What every run has in the executor's environment: build secrets, proxies."""
    proxies = {_PROXIES[key]: text for key, text in run.spec.section("proxy").items()}
    secrets = {
        spelled: secret(item["secret"])
        for name, item in proxies.items()
        if isinstance(item, dict)
        for spelled in (name, name.lower())
    }
    given = {name: text for name, text in proxies.items() if isinstance(text, str)}
    given |= {key: secret(key) for _, key in _items(run.spec, "build_secrets")}
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
        "github": ("alice", "ghs-harness"),
        "buildkite": ("buildkite", "oidc-harness"),
    }[run.target]


def clones(run: Run) -> bool:
    """Whether an init container clones the repository before the executor starts."""
    section = run.spec.section(run.target)
    remote = "://" in run.spec.data.get("context", ".")
    return run.target == "kubernetes" and section.get("clone") == "true" and not remote


def fetches(run: Run) -> bool:
    """Whether the executor itself fetches the context."""
    if "://" in run.spec.data.get("context", "."):
        return True
    container = run.target == "github" and run.spec.section("github").get("mode") == "container"
    return container or (run.target == "kubernetes" and not clones(run))


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
        token = {"gitlab": "glcbt-job", "github": "ghs-harness"}[run.target]
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
