"""From a spec to a plan: what will run, with every decision about kaniko taken.

A plan is for one target, but it holds no word of that target's syntax: arguments and texts are
made of literal parts and variables, conditions stay conditions. ``bind`` turns variables into
values for targets that know them when they are rendered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.kaniko.executors import DISTRIBUTIONS, at_least, has_own_tag, version_of
from ci_kaniko.kaniko.flags import GIT_DEPTH, flag_of
from ci_kaniko.plan.clouds import (
    Cloud,
    aws,
    azure,
    context_cloud,
    ecr_region,
    google,
    is_acr,
    is_google,
)
from ci_kaniko.problems.finding import Finding, Where, quoted
from ci_kaniko.spec.texts import texts_with_variables
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf, Condition
from ci_kaniko.syntax.references import (
    DOCKER_HUB,
    DOCKER_HUB_KEY,
    REGISTRY_HOST,
    Reference,
    canonical_host,
    merge,
    parse_reference,
    parse_repository,
)
from ci_kaniko.syntax.variables import NATIVE, Part, Parts, Ref, names, parse, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.spec.build import Build, Executor
    from ci_kaniko.spec.logins import Login, Registry, SecretText

CHECKOUT = "@checkout"
"""The directory that holds the repository where the executor runs."""
OUTPUT = "@output"
"""The directory for the files that the executor writes."""
DIGEST = "@digest"
"""The file whose digest the job hands to later ones."""
CERTIFICATES = "/kaniko/certificates"
"""The folder of private certificates."""
FETCHED = "/kaniko/buildcontext"
"""Where the executor unpacks a context that it fetches."""

OUTPUT_OPTIONS = (
    "digest_file",
    "image_name_with_digest_file",
    "image_name_tag_with_digest_file",
    "tar_path",
    "oci_layout_path",
)
PUSHED_ONLY = {"image_name_with_digest_file", "image_name_tag_with_digest_file"}


class Argument(NamedTuple):
    """One argument of the executor: ``--name`` or ``--name=value``.

    ``is_reference`` asks for lower-cased repository variables and refuses empty ones.
    """

    name: str
    value: Parts | None = None
    is_reference: bool = False


class Push(NamedTuple):
    """One destination."""

    reference: Reference
    when: AnyOf
    where: Where
    host: str

    @property
    def argument(self) -> Argument:
        """As the executor takes it."""
        return Argument("destination", self.reference.parts, is_reference=True)


class HostLogin(NamedTuple):
    """How to log in to one host, and what for.

    ``exchanged`` says that the script exchanges the CI's identity: it would not outlive the build.
    """

    host: str
    key: Parts
    login: Login
    where: Where
    pushes: bool
    exchanged: bool = False

    @property
    def cloud(self) -> Cloud | None:
        """What a cloud's client needs, for logins of that kind."""
        if self.login.aws:
            region = {"AWS_REGION": ecr_region(self.host) or ""}
            return aws(self.login.aws, region, exchanged=self.exchanged)
        if self.login.azure:
            return azure(self.login.azure)
        return google(self.login.google) if self.login.google else None

    @property
    def written(self) -> bool:
        """Whether a script writes user and password for it."""
        by_identity = self.exchanged and self.login.kind == "azure"
        return by_identity or self.login.kind in {"password", "ci-token"}

    @property
    def holds_something(self) -> bool:
        """Whether a job that may log in is given something that others can be kept from."""
        ambient = self.cloud is not None and not self.cloud.secrets and not self.cloud.token
        return bool(self.secrets or self.login.docker_config or ambient)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        user, login = self.login.username, self.login
        if self.cloud:
            return self.cloud.secrets
        listed = [user.secret] if user is not None and not isinstance(user, str) else []
        return (*listed, *((login.password,) if login.password else ()))


class Started(NamedTuple):
    """What starts the job; ``default_branch`` stands for the branch that the CI calls so.

    ``merge_groups`` are what a merge queue tries, as GitHub does. With ``each_request`` a pull
    request makes something that no push of its branch has made. ``requests`` tells jobs apart, of
    which one is for pull requests only and another for all else; None is for both.
    """

    default_branch: bool = False
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pull_requests: bool = False
    schedules: bool = False
    manual: bool = False
    pipelines: bool = False
    merge_groups: bool = False
    each_request: bool = False
    paths: tuple[str, ...] = ()
    requests: bool | None = None

    @property
    def may_be_request(self) -> bool:
        """Whether a run may be one of a pull request; what starts pipelines may be in one."""
        return self.requests is not False and (self.pull_requests or self.pipelines)

    @property
    def in_requests(self) -> Started:
        """Of these events, those that may be in a pull request."""
        return Started(
            pull_requests=self.pull_requests,
            manual=self.manual and self.pull_requests,
            pipelines=self.pipelines,
            each_request=self.each_request,
            paths=self.paths,
            requests=True,
        )

    @property
    def outside_requests(self) -> Started | None:
        """These events outside of pull requests; None when there is none."""
        rest = self._replace(pull_requests=False, each_request=False)
        return None if rest == Started(paths=self.paths) else rest._replace(requests=False)


class GitLogin(NamedTuple):
    """What a private git context needs."""

    username: str
    secret: str | None


class Plan(NamedTuple):
    """One build on one target."""

    target: str
    spec: Build
    arguments: tuple[Argument, ...]
    pushed_arguments: tuple[Argument, ...]
    pushes: tuple[Push, ...]
    push: str
    logins: tuple[HostLogin, ...]
    started: Started
    outputs: tuple[str, ...]
    git_login: GitLogin | None = None
    reads_checkout: bool = True
    findings: tuple[Finding, ...] = ()

    @property
    def reusable(self) -> bool:
        """Whether others include the job, and may give it inputs."""
        section = getattr(self.spec, self.target)
        return getattr(section, "form", "pipeline") not in {"pipeline", "child", "workflow", "jobs"}

    @property
    def pushed_outputs(self) -> tuple[str, ...]:
        """The output files that only a run that pushes writes."""
        named = [getattr(self.spec.options, name) for name in sorted(PUSHED_ONLY)]
        return tuple(path for path in named if path in self.outputs)

    @property
    def pushes_always(self) -> bool:
        """Whether every run pushes."""
        unconditional = any(push.when == ALWAYS for push in self.pushes)
        return unconditional and self.push != "never" and not self.unpushed

    @property
    def unpushed(self) -> list[str]:
        """The kinds of runs that do not push, among those that start the job."""
        requests = self.started.may_be_request and self.push == "auto"
        return ["pull-request"] * requests + ["merge-group"] * self.started.merge_groups

    @property
    def cache_hosts(self) -> set[str]:
        """The host of the cache repository, when there is one."""
        remote = self.spec.cache and self.spec.cache.remote
        return {_host_on(self.target, parse_repository(remote))} if remote else set()

    @property
    def no_push_arguments(self) -> tuple[Argument, ...]:
        """What a run passes that does not push."""
        if self.spec.cache and self.spec.cache.remote:
            return (Argument("no-push"), Argument("no-push-cache"))
        return (Argument("no-push"),)

    @property
    def variables(self) -> set[str]:
        """Every portable variable that the build reads."""
        texts = [argument.value or () for argument in (*self.arguments, *self.pushed_arguments)]
        texts += [push.reference.parts for push in self.pushes]
        texts += [login.key for login in self.logins]
        return {name for parts in texts for name in names(parts) if not name.startswith("@")}

    def uses(self) -> Iterator[tuple[Where, str]]:
        """Every portable variable and where the spec uses it."""
        texts = [item for item in texts_with_variables(self.spec) if item[0][0] != "registries"]
        texts += [
            (login.where, text_of(login.key)) for login in self.logins if login.host[0] != "@"
        ]
        for where, text in texts:
            for name in names(parse(text)):
                yield where, name

    @property
    def condition_variables(self) -> set[str]:
        """Every portable variable that a condition reads."""
        kinds = {condition.kind for push in self.pushes for condition in push.when}
        read = {kind for kind in kinds if kind in {"branch", "tag"}}
        return read | ({"branch", "default_branch"} if "default-branch" in kinds else set())

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets, each once, in the order of use."""
        listed = [name for login in self.logins for name in login.secrets]
        listed += [login.login.docker_config for login in self.logins if login.login.docker_config]
        if self.git_login and self.git_login.secret:
            listed.append(self.git_login.secret)
        if self.context_cloud:
            listed += self.context_cloud.secrets
        listed += [*self.spec.build_secrets.values(), *self.certificates.values()]
        listed += self.proxy_secrets.values()
        return tuple(dict.fromkeys(listed))

    @property
    def certificates(self) -> dict[str, str]:
        """The files of private certificates, and the secret that holds each."""
        files = {f"{_file_of(host)}.crt": name for host, name in self.spec.certificates.items()}
        for host, pair in self.spec.client_certificates.items():
            files[f"{_file_of(host)}.client.crt"] = pair.certificate
            files[f"{_file_of(host)}.client.key"] = pair.key
        return files

    @property
    def proxy(self) -> dict[str, str]:
        """The variables that lead the executor through a proxy, those of secrets aside."""
        return {name: text for name, text in _proxies(self.spec) if isinstance(text, str)}

    @property
    def proxy_secrets(self) -> dict[str, str]:
        """The variables whose value is a secret, in both spellings, and the name of each."""
        return {
            spelled: item.secret
            for name, item in _proxies(self.spec)
            if not isinstance(item, str)
            for spelled in (name, name.lower())
        }

    def apart(self) -> tuple[Plan, Plan | None]:
        """The plan for runs that push, and one for pull requests that holds nothing for a push.

        One plan is for both where requests push, too, where nothing could be held back, or where
        only requests start the job. What starts pipelines may do so in a request.
        """
        kept = tuple(login for login in self.logins if not login.pushes)
        holds = any(login.holds_something for login in self.logins if login.pushes)
        if not (self.push == "auto" and self.pushes and self.started.may_be_request and holds):
            return self, None
        requests = self._replace(
            spec=self.spec.model_copy(update={"digest": False}),
            pushes=(),
            pushed_arguments=(),
            push="never",
            logins=kept,
            started=self.started.in_requests,
            outputs=tuple(path for path in self.outputs if path not in self.pushed_outputs),
        )
        started = self.started.outside_requests
        return (self._replace(started=started), requests) if started else (requests, None)

    def only_with(self, login: HostLogin | None) -> Plan:
        """A plan of nothing but one login, or none, for what runs beside the build."""
        nothing: dict[str, object] = {
            "build_secrets": {},
            "certificates": {},
            "client_certificates": {},
            "proxy": None,
            "context_login": None,
        }
        return self._replace(
            spec=self.spec.model_copy(update=nothing),
            arguments=(),
            pushed_arguments=(),
            pushes=(),
            logins=(login,) if login else (),
            outputs=(),
            git_login=None,
        )

    @property
    def withholds(self) -> bool:
        """Whether this is for the runs that do not push, of a build whose others do."""
        return self.push == "never" and self.spec.push == "auto"

    @property
    def docker_config(self) -> str | None:
        """The name of what holds the ready config.json, when there is one."""
        ready = [login.login.docker_config for login in self.logins]
        return next((name for name in ready if name), None)

    @property
    def context_cloud(self) -> Cloud | None:
        """What the store needs that the context is fetched from."""
        return context_cloud(self.spec, exchanged=self.target == "github")

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """What clouds' clients need, each once; where a store lies counts before registries."""
        found = {self.context_cloud.name: self.context_cloud} if self.context_cloud else {}
        for login in self.logins:
            cloud = login.cloud
            if cloud and not login.written:
                first = found.setdefault(cloud.name, cloud)
                variables = {**cloud.variables, **first.variables}
                found[cloud.name] = first._replace(variables=variables)
        return tuple(found.values())

    @property
    def pushed_hosts(self) -> set[str]:
        """The hosts that some run pushes to, the cache's with them."""
        return {push.host for push in self.pushes} | (self.cache_hosts if self.pushes else set())

    @property
    def writes_files(self) -> bool:
        """Whether a script puts credentials into files."""
        files = [
            cloud for cloud in self.clouds if cloud.has_file or (cloud.token and cloud.token.file)
        ]
        return bool(self.password_logins or self.docker_config or files)

    @property
    def password_logins(self) -> tuple[HostLogin, ...]:
        """The logins that are written by a script."""
        return tuple(login for login in self.logins if login.written)

    @property
    def identities(self) -> dict[str, Token]:
        """What the CI's own identity is asked for, by cloud."""
        clouds = [*self.clouds, *(login.cloud for login in self.logins if login.cloud)]
        return {cloud.name: cloud.token for cloud in clouds if cloud.token}


def resolve(spec: Build, target: str, *, directory_is_git: bool = False) -> Plan:
    """The plan of a spec on a target; what is wrong is in its ``findings``.

    With ``directory_is_git`` a directory context means this repository at this commit, fetched by
    the executor itself.
    """
    pushes = _pushes(spec, target)
    logins, findings = _logins(spec, target, pushes)
    fetched = "://" in spec.context or directory_is_git
    plan = Plan(
        target=target,
        spec=spec,
        arguments=tuple(_arguments(spec, directory_is_git=directory_is_git)),
        pushed_arguments=(*_outputs(spec, pushed_only=True), *_handed_over(spec)),
        pushes=pushes,
        push=spec.push,
        logins=logins,
        started=started_by(spec),
        outputs=tuple(path for name in OUTPUT_OPTIONS if (path := getattr(spec.options, name))),
        git_login=_git_login(spec) if fetched else None,
        reads_checkout=not fetched or spec.context.startswith("tar://"),
    )
    findings += _git_token(plan)
    if directory_is_git and "://" not in spec.context:
        findings += _impossible_fetch(plan)
    return plan._replace(findings=(*findings, *_config_names(plan), *_reserved_names(plan)))


def executor_image(executor: Executor, *, with_shell: bool) -> str:
    """The image to run; the debug variant has the shell that a script needs."""
    if executor.image and has_own_tag(executor):
        return executor.image
    distribution = DISTRIBUTIONS[executor.distribution]
    repository = executor.image or distribution.image
    version = executor.version or distribution.version
    digest = executor.digests.debug if with_shell else executor.digests.plain
    return f"{repository}:{version}{'-debug' if with_shell else ''}" + (
        f"@{digest}" if digest else ""
    )


def impossible_image(executor: Executor, *, with_shell: bool) -> Iterator[Finding]:
    """An image without the shell that a script needs, or one that the digests leave open."""
    image = executor.image or ""
    used, other = ("debug", "plain") if with_shell else ("plain", "debug")
    digests = executor.digests
    if not getattr(digests, used) and getattr(digests, other) and not has_own_tag(executor):
        yield Finding(
            "unpinned-image",
            ("executor", "digests"),
            f"this runs the {used} image, and only the {other} one is pinned",
            f"add {used}: DIGEST, of {executor_image(executor, with_shell=with_shell)}",
        )
    if not with_shell:
        return
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    if has_own_tag(executor) and not re.search("debug|alpine|bootstrap", tag):
        yield Finding(
            "no-shell",
            ("executor", "image"),
            f"{quoted(image)} has no shell, and a script must run in it",
            "the debug variant has one; without a tag the right variant is appended",
        )


def reads_registry_variables(executor: Executor) -> bool:
    """Whether the executor reads KANIKO_<HOST>_USER and _PASSWORD."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.registry_variables_since)


def reads_auth_variable(executor: Executor) -> bool:
    """Whether the executor reads DOCKER_AUTH_CONFIG beside config.json."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.auth_variable_since)


def started_by(spec: Build) -> Started:
    """What the triggers of a spec say; the condition of a destination starts nothing."""
    triggers = spec.triggers
    if triggers is None:
        own = _makes_its_own(spec)
        return Started(default_branch=True, tags=("**",), pull_requests=True, each_request=own)
    return Started(
        branches=triggers.branches,
        tags=triggers.tags,
        pull_requests=triggers.pull_requests,
        schedules=bool(triggers.schedules),
        manual=triggers.manual,
        pipelines=triggers.pipelines,
        each_request=triggers.pull_requests and _makes_its_own(spec),
        paths=triggers.paths,
    )


def _makes_its_own(spec: Build) -> bool:
    """Whether the run of a pull request differs from that of the push to its branch.

    A destination is for requests alone, or a text holds a number that only requests have.
    """
    pushed = spec.destinations if spec.push == "always" else ()
    return any(
        (item.when == ALWAYS and "${ref." in item.image) or Condition("pull-request") in item.when
        for item in pushed
    ) or any("${pull_request." in text for _, text in texts_with_variables(spec))


def _host_on(target: str, reference: Reference) -> str:
    """The host of a reference; the CI's own registry under its name where it has one."""
    host = reference.host or DOCKER_HUB
    return FIXED_REGISTRIES.get(target, host) if host == f"${{{REGISTRY_HOST}}}" else host


def _pushes(spec: Build, target: str) -> tuple[Push, ...]:
    """Unconditional destinations first, then those with the same condition together."""
    if spec.push == "never":
        return ()
    groups: dict[AnyOf, list[Push]] = {ALWAYS: []}
    for index, destination in enumerate(spec.destinations):
        reference = parse_reference(destination.image)
        push = Push(
            reference, destination.when, ("destinations", index), _host_on(target, reference)
        )
        groups.setdefault(destination.when, []).append(push)
    return tuple(push for group in groups.values() for push in group)


def _arguments(spec: Build, *, directory_is_git: bool) -> Iterator[Argument]:
    yield from _context_arguments(spec, directory_is_git=directory_is_git)
    if spec.target:
        yield Argument("target", (spec.target,))
    for name, text in spec.build_args.items():
        yield Argument("build-arg", merge([f"{name}=", *parse(text)]))
    for name, proxy in _proxies(spec):
        for spelled in (name, name.lower()):
            # Without a value the executor takes the one of its environment.
            value = f"={proxy}" if isinstance(proxy, str) else ""
            yield Argument("build-arg", (f"{spelled}{value}",))
    for name, text in spec.labels.items():
        yield Argument("label", merge([f"{name}=", *parse(text)]))
    for name, text in spec.annotations.items():
        yield Argument("annotation", merge([f"{name}=", *parse(text)]))
    yield from _cache_arguments(spec)
    yield from _option_arguments(spec)
    yield from _input_arguments(spec)
    yield from _outputs(spec, pushed_only=False)
    for text in spec.extra_args:
        name, separator, value = text.removeprefix("--").partition("=")
        yield Argument(name, parse(value) if separator else None)


def _proxies(spec: Build) -> Iterator[tuple[str, str | SecretText]]:
    """What RUN lines and the executor are led by."""
    proxy = spec.proxy
    if proxy is None:
        return
    given = {"HTTP_PROXY": proxy.http, "HTTPS_PROXY": proxy.https, "NO_PROXY": proxy.no_proxy}
    yield from ((name, item) for name, item in given.items() if item)


def _context_arguments(spec: Build, *, directory_is_git: bool) -> Iterator[Argument]:
    remote = "://" in spec.context
    base = (spec.context_sub_path or ".") if remote else spec.context
    sub_path = grammar.inside_repository(base) or "."
    if remote or directory_is_git:
        yield Argument("context", _fetched_context(spec))
        if sub_path != ".":
            yield Argument("context-sub-path", (sub_path,))
        root: Part = FETCHED
    else:
        yield Argument("context", merge(["dir://", Ref(CHECKOUT), _below(sub_path)]))
        root = Ref(CHECKOUT)
    if spec.dockerfile.startswith(("http://", "https://")):
        yield Argument("dockerfile", (spec.dockerfile,))
    else:
        path = grammar.inside_repository(spec.dockerfile, base) or "."
        yield Argument("dockerfile", merge([root, _below(path)]))
    if remote:
        yield from _git_arguments(spec)
    elif directory_is_git and spec.checkout:
        if spec.checkout.depth:
            yield Argument("git", (f"depth={spec.checkout.depth}",))
        if spec.checkout.submodules:
            yield Argument("git", ("recurse-submodules=true",))


def _below(path: str) -> str:
    return "" if path == "." else f"/{path}"


THIS_REPOSITORY = "@repository"
"""A git context that means this repository at this commit."""


def _fetched_context(spec: Build) -> Parts:
    scheme, separator, rest = spec.context.partition("://")
    if not separator:
        return (Ref(THIS_REPOSITORY),)
    if scheme == "tar" and not rest.startswith("/"):
        return merge(["tar://", Ref(CHECKOUT), "/", *parse(rest)])
    return parse(spec.context)


def _git_arguments(spec: Build) -> Iterator[Argument]:
    git = spec.git
    if git.branch:
        yield Argument("git", (f"branch={git.branch}",))
    if git.depth:
        yield Argument("git", (f"depth={git.depth}",))
    for name in ("single_branch", "recurse_submodules", "insecure_skip_tls"):
        value = getattr(git, name)
        if value is not None:
            yield Argument("git", (f"{flag_of(name)}={str(value).lower()}",))


def _cache_arguments(spec: Build) -> Iterator[Argument]:
    cache = spec.cache
    if cache is None:
        return
    if cache.repo:
        yield Argument("cache", ("true",))
    if cache.remote:
        yield Argument("cache-repo", parse_repository(cache.remote).parts, is_reference=True)
    elif cache.repo:
        yield Argument("cache-repo", (cache.repo,))
    if cache.ttl:
        yield Argument("cache-ttl", (cache.ttl,))
    if cache.dir:
        yield Argument("cache-dir", (cache.dir,))
    for name, flag in (
        ("copy_layers", "cache-copy-layers"),
        ("run_layers", "cache-run-layers"),
        ("compressed", "compressed-caching"),
    ):
        value = getattr(cache, name)
        if value is not None:
            yield Argument(flag, None if value else ("false",))


def _option_arguments(spec: Build) -> Iterator[Argument]:
    for name, value in spec.options:
        if value is None or name in OUTPUT_OPTIONS:
            continue
        flag = flag_of(name)
        if name == "credential_helpers" and not value:
            yield Argument(flag, ())
            continue
        if isinstance(value, bool):
            yield Argument(flag, None if value else ("false",))
        elif isinstance(value, dict):
            for key, item in value.items():
                listed = item if isinstance(item, tuple) else (item,)
                yield from (Argument(flag, (f"{key}={one}",)) for one in listed)
        elif isinstance(value, tuple):
            yield from (Argument(flag, (item,)) for item in value)
        else:
            yield Argument(flag, (str(value),))


def _input_arguments(spec: Build) -> Iterator[Argument]:
    for name, secret in spec.build_secrets.items():
        yield Argument("secret", (f"id={name},env={secret}",))
    for host in spec.certificates:
        path = f"{CERTIFICATES}/{_file_of(host)}.crt"
        yield Argument("registry-certificate", (f"{host}={path}",))
    for host in spec.client_certificates:
        path = f"{CERTIFICATES}/{_file_of(host)}.client"
        yield Argument("registry-client-cert", (f"{host}={path}.crt,{path}.key",))


def _file_of(host: str) -> str:
    return host.replace(":", "_").strip("[]")


def _outputs(spec: Build, *, pushed_only: bool) -> Iterator[Argument]:
    for name in OUTPUT_OPTIONS:
        path = getattr(spec.options, name)
        if path and (name in PUSHED_ONLY) == pushed_only:
            normal = grammar.inside_repository(path)
            yield Argument(flag_of(name), (Ref(OUTPUT), f"/{normal}"))


def _handed_over(spec: Build) -> Iterator[Argument]:
    """A digest is for later jobs, so it is written when the image is pushed."""
    if spec.digest:
        yield Argument("digest-file", (Ref(DIGEST),))


def _git_login(spec: Build) -> GitLogin | None:
    git = spec.git
    if not git.token:
        return None
    secret = None if git.token == "ci-token" else git.token
    return GitLogin(git.username or "oauth2", secret)


OWN_REGISTRIES = {
    "github": "ghcr.io",
    "gitlab": "registry.gitlab.com",
    "buildkite": "packages.buildkite.com",
}
"""The public registry of the CI that runs the job."""
FIXED_REGISTRIES = {"github": "ghcr.io", "buildkite": "packages.buildkite.com"}
"""Where the CI's own registry has one name everywhere."""

FOREIGN_REGISTRIES = (
    *("docker.io", "ghcr.io", "quay.io", "gcr.io", "pkg.dev", "azurecr.io", "amazonaws.com"),
    *("public.ecr.aws", "packages.buildkite.com", "registry.gitlab.com"),
)
"""Registries that belong to somebody in particular."""


def _logins(
    spec: Build, target: str, pushes: tuple[Push, ...]
) -> tuple[tuple[HostLogin, ...], list[Finding]]:
    findings: list[Finding] = []
    needed: dict[str, Where] = {}
    for push in pushes:
        needed.setdefault(push.host, push.where)
    remote = spec.cache and spec.cache.remote
    if remote and spec.push != "never":
        needed.setdefault(_host_on(target, parse_repository(remote)), ("cache", "repo"))
    logins: dict[str, HostLogin] = {}
    own = {f"${{{REGISTRY_HOST}}}": FIXED_REGISTRIES.get(target, f"${{{REGISTRY_HOST}}}")}
    given = {}
    for written, entry in sorted(spec.registries.items(), key=lambda item: item[0] not in own):
        host = canonical_host(written)
        given[own.get(host, host)] = (written, entry)
    for host, where in needed.items():
        login, place = _login_of(given, host, target, where)
        if login is None and (host != f"${{{REGISTRY_HOST}}}" or target == "kubernetes"):
            findings.append(_missing_login(host, target, where, given))
        elif login is None:
            continue
        elif login.kind != "anonymous":
            logins[host] = _host_login(host, login, place, target, pushes=not login.pull)
    elsewhere = {own.get(host, host) for host in spec.elsewhere}
    for host, (written, entry) in given.items():
        login = entry.on(target)
        if login is not None and host in elsewhere and not login.pull:
            continue
        if host not in needed and login is not None and login.kind != "anonymous":
            place = _place(written, entry, target)
            logins[host] = _host_login(host, login, place, target, pushes=False)
    ordered = tuple(logins.values())
    for resolved in ordered:
        findings += _ci_token_finding(resolved, target, spec)
        findings += _cloud_findings(resolved)
    findings += _config_findings(spec, ordered)
    findings += _switched_off(spec, ordered)
    findings += _several_cloud_files(spec, target, ordered)
    return ordered, findings


def _login_of(
    given: dict[str, tuple[str, Registry]], host: str, target: str, where: Where
) -> tuple[Login | None, Where]:
    from ci_kaniko.spec.logins import Login

    if host in given:
        written, entry = given[host]
        login = entry.on(target)
        if login is not None:
            return login, _place(written, entry, target)
    own = host == f"${{{REGISTRY_HOST}}}" or host == OWN_REGISTRIES.get(target)
    return (Login(use="ci-token") if own and target in OWN_REGISTRIES else None), where


def _place(written: str, entry: Registry, target: str) -> Where:
    own = getattr(entry, target) is not None
    return ("registries", written, target) if own else ("registries", written)


def _host_login(host: str, login: Login, where: Where, target: str, *, pushes: bool) -> HostLogin:
    """A login; GitHub's identity tokens live for minutes, so they are exchanged at once."""
    by_identity = (login.aws and login.aws.role) or (
        login.azure and not login.azure.use and not login.azure.client_secret
    )
    exchanged = target == "github" and bool(by_identity)
    return HostLogin(host, _key(host), login, where, pushes, exchanged)


def _key(host: str) -> Parts:
    return (DOCKER_HUB_KEY,) if host == DOCKER_HUB else parse(host)


def _missing_login(
    host: str, target: str, where: Where, given: dict[str, tuple[str, Registry]]
) -> Finding:
    """What to add, so that the logins which other targets have stay as they are."""
    login = "{username: NAME, password: NAME_OF_A_SECRET}"
    anonymous = f"or {host}: anonymous when the push needs none"
    own = next((name for name, registry in OWN_REGISTRIES.items() if registry == host), None)
    hint = f"under registries: add {host}: {login}, {anonymous}"
    if host in given:
        written, entry = given[host]
        others = [(name, other.use) for name, other in entry if other is not None]
        words = ", ".join(f"{name}: {word}" for name, word in others if word)
        hint = f"under registries: {written}: add default: {login}"
        if all(word for _, word in others):
            hint = f"under registries: {written}: {{default: {login}, {words}}}"
    elif own is not None:
        hint = f"under registries: add {host}: {{default: {login}, {own}: ci-token}}"
    message = f"no login for {quoted(host)} on {target}"
    return Finding("missing-login", where, message, hint)


def _ci_token_finding(login: HostLogin, target: str, spec: Build) -> Iterator[Finding]:
    if login.login.kind != "ci-token" or login.host == f"${{{REGISTRY_HOST}}}":
        return
    own = OWN_REGISTRIES.get(target)
    hint = _instead_of_token(login, target, spec)
    if own is None:
        yield Finding("foreign-ci-token", login.where, f"{target} has no registry of its own", hint)
        return
    host = login.host
    foreign = any(host == name or host.endswith(f".{name}") for name in FOREIGN_REGISTRIES)
    self_hosted = target == "gitlab" or host.startswith("containers.")
    if host != own and (foreign or not self_hosted):
        yield Finding(
            "foreign-ci-token",
            login.where,
            f"{quoted(host)} is not {target}'s own registry, so its ci-token opens nothing there",
            hint,
        )


def _instead_of_token(login: HostLogin, target: str, spec: Build) -> str:
    """The whole entry of a host, or its key that is to change where there are others."""
    written = str(login.where[1]) if login.where[:1] == ("registries",) else login.host
    user = "{username: NAME, password: NAME_OF_A_SECRET}"
    entry = spec.registries.get(written)
    others = [name for name, given in entry if given is not None] if entry else []
    home = next((name for name, host in OWN_REGISTRIES.items() if host == login.host), target)
    if len(others) > 1:
        verb = "write" if target in others else "add"
        return f"under registries: {written}: {verb} {target}: {user}"
    if home == target:
        return f"under registries: {written}: {user}"
    return f"under registries: {written}: {{default: {user}, {home}: ci-token}}"


def _cloud_findings(login: HostLogin) -> Iterator[Finding]:
    if login.login.aws and ecr_region(login.host) is None:
        yield Finding(
            "foreign-cloud-login",
            login.where,
            f"{quoted(login.host)} is no registry of AWS",
            "ACCOUNT.dkr.ecr.REGION.amazonaws.com",
        )
    if login.login.azure and not is_acr(login.host):
        yield Finding(
            "foreign-cloud-login",
            login.where,
            f"{quoted(login.host)} is no registry of Azure",
            "NAME.azurecr.io",
        )
    if login.login.google and not is_google(login.host):
        yield Finding(
            "foreign-cloud-login",
            login.where,
            f"{quoted(login.host)} is no registry of Google Cloud",
            "LOCATION-docker.pkg.dev or gcr.io",
        )


def _identity(cloud: Cloud) -> tuple[object, ...]:
    """What makes two logins to one cloud different; regions and addresses do not."""
    places = ("AWS_REGION", "S3_")
    variables = {
        name: text for name, text in cloud.variables.items() if not name.startswith(places)
    }
    return cloud.secrets, cloud.document, cloud.token, cloud.role, tuple(sorted(variables.items()))


def _several_cloud_files(
    spec: Build, target: str, logins: tuple[HostLogin, ...]
) -> Iterator[Finding]:
    fetched = context_cloud(spec, exchanged=target == "github")
    first = {fetched.name: (fetched, "the context")} if fetched else {}
    for login in logins:
        if login.cloud is None:
            continue
        other, user = first.setdefault(login.cloud.name, (login.cloud, quoted(login.host)))
        if _identity(other) != _identity(login.cloud):
            yield Finding(
                "several-cloud-logins",
                login.where,
                f"{quoted(login.host)} and {user} log in to one cloud in two ways, "
                "and its client knows one",
                "use the same login for both",
            )


def _config_findings(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    ready: dict[str, HostLogin] = {}
    for login in logins:
        if login.login.docker_config:
            ready.setdefault(login.login.docker_config, login)
    if len(ready) > 1:
        first, second = list(ready.values())[:2]
        yield Finding(
            "several-docker-configs",
            second.where,
            f"{quoted(second.host)} and {quoted(first.host)} use two ready docker configs, "
            "and kaniko reads one",
            "put both logins into one config.json and name it for both hosts",
        )
    yield from mixed_logins(spec, logins)


_HELPERS = {"aws": "ecr", "google": "google", "azure": "acr"}
"""The executor's helper for each cloud."""


def _switched_off(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    """Logins of clouds whose helper the options leave out."""
    asked = spec.options.credential_helpers
    for login in logins if asked is not None else ():
        helper = _HELPERS.get(login.login.kind)
        if helper and not login.written and helper not in (asked or ()):
            yield Finding(
                "conflicting-options",
                ("options", "credential_helpers"),
                f"this switches the login to {login.host} off: only {quoted(helper)} asks for it",
                f"write [{', '.join([*(asked or ()), helper])}]",
            )


def mixed_logins(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    """A ready docker config beside written logins, for a kaniko that reads one of them."""
    ready = [login for login in logins if login.login.docker_config]
    written = [login for login in logins if login.written]
    if ready and written and not reads_auth_variable(spec.executor):
        yield Finding(
            "mixed-logins",
            written[0].where,
            "this kaniko reads either a ready docker config or written logins",
            "use docker_config for all hosts, or distribution: osscontainertools",
        )


_SHELL_NAMES = {
    *("auth", "auths", "branch", "committed", "config", "container", "login", "match", "name"),
    *("name_lower", "output", "owner", "owner_lower", "path", "repository_lower", "pull_request"),
    *("push", "ref", "ref_slug", "ref_tag", "repository_name", "repository_path", "short"),
    *("repository_url", "tag", "timestamp", "token"),
    *("PATH", "HOME", "IFS", "PWD", "OLDPWD", "SHELL", "USER", "PS1", "PS2", "PS4", "ENV"),
    *("OPTIND", "OPTARG", "PPID", "LINENO", "MAIL", "CI", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG"),
    *("GIT_USERNAME", "GIT_PASSWORD", "DEFAULT_BRANCH", "PULL_REQUEST", "RANDOM", "UID", "EUID"),
    *("AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "GOOGLE_APPLICATION_CREDENTIALS"),
    *("AZURE_STORAGE_ACCESS_KEY", "S3_ENDPOINT", "S3_FORCE_PATH_STYLE", "AWS_ROLE_ARN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_SESSION_TOKEN", "AWS_ROLE_SESSION_NAME", "SSL_CERT_DIR", "answer"),
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "certificates"),
    *("http_proxy", "https_proxy", "no_proxy"),
    *("AWS_ID_TOKEN", "GOOGLE_ID_TOKEN", "AZURE_ID_TOKEN", "digest", "destination", "image"),
    *("BASH_ENV", "HOSTNAME", "SHLVL", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH"),
}
_SHELL_PREFIXES = (
    *(
        "KANIKO_",
        "FF_KANIKO_",
        "default_",
        "beside_",
        "key_",
        "ref_tag_",
        "to_",
        "BUILDKITE",
        "BK_",
        "AGOLA_",
        "INPUT_",
        "DIGEST_",
    ),
)


def _git_token(plan: Plan) -> list[Finding]:
    login = plan.git_login
    if login is None or login.secret or plan.target in {"github", "gitlab"}:
        return []
    return [
        Finding(
            "foreign-ci-token",
            ("git", "token"),
            f"{plan.target} gives a job no token for repositories",
            "name a secret that holds one",
        )
    ]


def _impossible_fetch(plan: Plan) -> Iterator[Finding]:
    """What the executor cannot do when it fetches this repository itself."""
    checkout, executor = plan.spec.checkout, plan.spec.executor
    if checkout is None:
        return
    asked = {
        "submodules": (checkout.submodules is True, "fetches submodules at every depth or none"),
        "lfs": (checkout.lfs, "cannot read git's large file storage"),
        "depth": (
            checkout.depth
            and not at_least(version_of(executor), GIT_DEPTH._asdict()[executor.distribution]),
            f"of {executor.distribution} {version_of(executor)} fetches every commit",
        ),
    }
    git = {
        "github": "github: {mode: docker} checks it out with git",
        "kubernetes": "kubernetes: {clone: true} fetches it with git",
    }[plan.target]
    for name, (wanted, why) in asked.items():
        if wanted:
            more = "recursive, or " if name == "submodules" else ""
            yield Finding(
                "impossible-checkout",
                ("checkout", name),
                f"on {plan.target} the executor fetches the repository itself, and it {why}"
                if name != "depth"
                else f"on {plan.target} the executor fetches the repository itself, and that {why}",
                f"{more}{git}",
            )


def _config_names(plan: Plan) -> Iterator[Finding]:
    """A ready docker config is an object on some targets and a variable on the others."""
    for login in plan.logins:
        name = login.login.docker_config
        if name is None:
            continue
        if plan.target in {"kubernetes", "buildkite"}:
            valid, expected = grammar.is_object_name(name), "a Secret: lower case, digits, - and ."
        else:
            valid, expected = grammar.is_identifier(name), "a variable: letters, digits and _"
        if not valid:
            yield Finding(
                "bad-docker-config",
                login.where,
                f"{quoted(name)} cannot be a ready docker config on {plan.target}",
                f"there it is the name of {expected}; {plan.target}: gives it another one",
            )


def _reserved_names(plan: Plan) -> Iterator[Finding]:
    """Secrets and run-time variables whose names already mean something in the job."""
    used = secret_places(plan)
    for where, name in plan.uses():
        if plan.target != "kubernetes" and name.startswith("env."):
            used.setdefault(name.removeprefix("env."), where)
    for name, where in used.items():
        if name in _SHELL_NAMES or name.startswith(_SHELL_PREFIXES):
            portable = NATIVE.get(name)
            own = f"call it ACME_{name.upper()} or the like"
            yield Finding(
                "reserved-name",
                where,
                f"{quoted(name)} already has a meaning in the job",
                f"write ${{{portable}}}" if portable else own,
            )


def secret_places(plan: Plan) -> dict[str, Where]:
    """Every secret and where the spec first names it."""
    used: dict[str, Where] = {}
    for login in plan.logins:
        for secret in login.secrets:
            used.setdefault(secret, login.where)
        if login.login.docker_config:
            used.setdefault(login.login.docker_config, login.where)
    if plan.git_login and plan.git_login.secret:
        used.setdefault(plan.git_login.secret, ("git", "token"))
    for name, secret in plan.spec.build_secrets.items():
        used.setdefault(secret, ("build_secrets", name))
    for name in plan.certificates.values():
        used.setdefault(name, ("certificates",))
    for variable, name in plan.proxy_secrets.items():
        used.setdefault(name, ("proxy", variable.lower().removesuffix("_proxy"), "secret"))
    if plan.context_cloud:
        used.update(dict.fromkeys(plan.context_cloud.secrets, ("context_login",)))
    return used


def _bound_login(login: HostLogin, key: Parts) -> HostLogin:
    """The login with its key known; a host that was a variable is known with it."""
    if "$" not in login.host:
        return login._replace(key=key)
    host = canonical_host("".join(part for part in key if isinstance(part, str)))
    return login._replace(key=(DOCKER_HUB_KEY,) if host == DOCKER_HUB else key, host=host)


def bind(
    plan: Plan,
    text_value_of: Callable[[Ref], Part],
    reference_value_of: Callable[[Ref], Part],
    holds: Callable[[AnyOf], bool],
    *,
    is_pull_request: bool,
) -> Plan:
    """The plan with every variable replaced and every condition decided."""

    def text(parts: Parts, *, is_reference: bool) -> Parts:
        value_of = reference_value_of if is_reference else text_value_of
        return merge([part if isinstance(part, str) else value_of(part) for part in parts])

    def argument(item: Argument) -> Argument:
        value = None if item.value is None else text(item.value, is_reference=item.is_reference)
        return item._replace(value=value)

    pushes = tuple(
        push._replace(
            when=ALWAYS,
            reference=Reference(*(text(piece, is_reference=True) for piece in push.reference)),
        )
        for push in plan.pushes
        if holds(push.when)
    )
    used = {push.host for push in plan.pushes if holds(push.when)}
    used |= plan.cache_hosts
    silent = plan.push == "never" or (plan.push == "auto" and is_pull_request) or not pushes
    return plan._replace(
        arguments=tuple(argument(item) for item in plan.arguments),
        pushed_arguments=tuple(argument(item) for item in plan.pushed_arguments),
        pushes=() if silent else pushes,
        push="never" if silent else "always",
        logins=tuple(
            _bound_login(login, text(login.key, is_reference=True))
            for login in plan.logins
            if not login.pushes or (not silent and login.host in used)
        ),
        started=Started(default_branch=True),
    )
