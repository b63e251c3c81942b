"""A plan: what will run, with every decision about kaniko taken."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import CURLED
from ci_kaniko.kaniko.hosts import ecr_region
from ci_kaniko.kaniko.systems import known_names, system
from ci_kaniko.plan.clouds import Cloud, aws, azure, context_cloud, google
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.latest import latest
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.given import chooser
from ci_kaniko.spec.labels import OCI, oci_labels
from ci_kaniko.spec.texts import variables_of
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf
from ci_kaniko.syntax.references import OWN_HOST, Reference, Repository
from ci_kaniko.syntax.variables import COMMIT_TIMES, Parts, names, piece_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.context import Proxy
    from ci_kaniko.spec.logins import Login, SecretText


CHECKOUT = "@checkout"
"""The directory that holds the repository where the executor runs."""
FOLDER = "@folder"
"""A slash and the folder of the checkout that an input names; nothing for its root."""
OUTPUT = "@output"
"""The directory for the files that the executor writes."""
DIGEST = "@digest"
"""The file whose digest the job hands to later ones."""
CERTIFICATES = "/kaniko/certificates"
"""The folder of private certificates."""
FETCHED = "/kaniko/buildcontext"
"""Where the executor unpacks a context that it fetches."""
STORED = "/kaniko/stored"
"""The folder of the archive that a script fetches for a builder which does not."""
ARCHIVE = "context.tar.gz"
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

    - ``pushes`` says that only runs that push need it.
    - ``exchanged`` says that the script exchanges the CI's identity, which would not live until the
      end of the build.
    - ``helped`` says that the program that logs in has helpers for clouds. Without them the script
      asks the cloud for a user and a password.
    - ``serves`` are registries that only a run knows and that may turn out to be this host.
    """

    host: str
    key: Parts
    login: Login
    where: Where
    pushes: bool
    exchanged: bool = False
    helped: bool = True
    serves: tuple[str, ...] = ()

    def opens(self, host: str) -> bool:
        """Whether a run that needs a registry needs this login."""
        return host == self.host or host in self.serves

    @property
    def cloud(self) -> Cloud | None:
        """What a cloud's client needs, for logins of that kind."""
        if self.login.aws:
            region = {"AWS_REGION": self._region}
            return aws(self.login.aws, region, exchanged=self.exchanged or not self.helped)
        if self.login.azure:
            return azure(self.login.azure)
        given = self.login.google
        return google(given, exchanged=not self.helped) if given else None

    @property
    def _region(self) -> str:
        found = ecr_region(self.host) or ""
        return piece_of(self.host, found) if "$" in found else found

    @property
    def written(self) -> bool:
        """Whether a script writes user and password for it."""
        return self.asked or self.login.kind in {"password", "ci-token"} or bool(self.plain)

    @property
    def plain(self) -> tuple[str, str] | None:
        """A user, and the secret that is the password, for a cloud without a helper."""
        azure, google = self.login.azure, self.login.google
        if not self.helped and azure and azure.client_secret:
            return azure.client_id or "", azure.client_secret
        if not self.helped and google and google.key_file:
            return "_json_key", google.key_file
        return None

    @property
    def asked(self) -> bool:
        """Whether the script asks the cloud for a password of the registry."""
        by_identity = self.exchanged and self.login.kind == "azure"
        return by_identity or (not self.helped and bool(self.cloud) and not self.plain)

    @property
    def holds_something(self) -> bool:
        """Whether a job with this login is given something that other jobs can be kept from."""
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
    """The events that start a job.

    - ``default_branch`` stands for the branch that the CI itself calls so.
    - ``merge_groups`` are the commits that a merge queue tries, as on GitHub.
    - ``each_request`` says that a pull request makes something that no push of its branch makes.
    - ``paths`` are globs: with some, only a change of such a file starts the job.
    - ``requests`` is True for a job for pull requests only, False for its sibling for all else, and
      None for a job for both.
    - ``repository`` is the only one in which anything starts the job; empty for any.
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
    repository: str = ""

    @property
    def may_be_request(self) -> bool:
        """Whether a run may be that of a pull request; one that a pipeline starts may be."""
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
            repository=self.repository,
        )

    @property
    def but_requests(self) -> Started | None:
        """These events but pull requests; None when there is no other."""
        rest = self._replace(pull_requests=False, each_request=False)
        nothing = Started(paths=self.paths, repository=self.repository)
        return None if rest == nothing else rest

    @property
    def outside_requests(self) -> Started | None:
        """These events outside of pull requests; None when there is none."""
        rest = self.but_requests
        return rest and rest._replace(requests=False)


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
    cached: Repository | None = None

    @property
    def reusable(self) -> bool:
        """Whether others include the job, and may give it inputs."""
        return is_reusable(self.spec, self.target)

    @property
    def chooser(self) -> str:
        """The input by which callers choose among the platforms; empty without one, or a build."""
        return chooser(self.spec) if self.reusable and self.arguments else ""

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
        return {host_on(self.target, remote)} if remote else set()

    @property
    def base_images(self) -> str | None:
        """The folder where the executor looks for base images; no other tool does."""
        return self.spec.cache.dir if self.spec.cache and self.arguments else None

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
        texts += [self.spec.context.parts] if self.arguments else []
        return {name for parts in texts for name in names(parts) if not name.startswith("@")}

    @property
    def tells_time(self) -> bool:
        """Whether the build says when its commit was made, which git knows and few platforms."""
        return not self.variables.isdisjoint(COMMIT_TIMES)

    def uses(self) -> list[tuple[Where, str]]:
        """Every portable variable and where the spec uses it."""
        return _uses(self)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets, each once, in the order of use."""
        return self.secrets_with(self.logins)

    def secrets_with(self, logins: Sequence[HostLogin], *, context: bool = True) -> tuple[str, ...]:
        """The same, of a run that makes some of the logins, or has its context already."""
        listed = [name for login in logins for name in login.secrets]
        listed += [login.login.docker_config for login in logins if login.login.docker_config]
        if self.git_login and self.git_login.secret:
            listed.append(self.git_login.secret)
        if self.context_cloud and context:
            listed += self.context_cloud.secrets
        listed += [*self.spec.build_secrets.values(), *self.certificates.values()]
        listed += self.proxy_secrets.values()
        return tuple(dict.fromkeys(listed))

    @property
    def certificates(self) -> dict[str, str]:
        """The files of private certificates, and the secret that holds each."""
        files = {}
        for host, name in self.spec.certificates.items():
            files[f"{file_of(host)}.crt"] = name
        for host, pair in self.spec.client_certificates.items():
            files[f"{file_of(host)}.client.crt"] = pair.certificate
            files[f"{file_of(host)}.client.key"] = pair.key
        return files

    @property
    def proxy(self) -> dict[str, str]:
        """The variables that lead the executor through a proxy, those of secrets aside."""
        return {name: text for name, text in proxies(self.spec) if isinstance(text, str)}

    @property
    def proxy_secrets(self) -> dict[str, str]:
        """The variables whose value is a secret, in both spellings, and the name of each."""
        if self.spec.proxy is None:
            return {}
        return {
            spelled: item.secret
            for name, item in proxies(self.spec)
            if not isinstance(item, str)
            for spelled in (name, name.lower())
        }

    def apart(self) -> tuple[Plan, Plan | None]:
        """The plan for runs that push, and one for pull requests that holds nothing for a push.

        The second is None where one plan does for both: where pull requests push as well, where
        there is nothing to hold back, or where only pull requests start the job. A run that another
        pipeline starts counts as a pull request, since it may be one.
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

    def logged_in_before(self) -> tuple[Plan | None, Plan]:
        """A plan that asks clouds before the build, and the plan of the build without these logins.

        So no RUN line sees the keys. The first is None where no cloud has to be asked before.
        """
        fetches = self.fetches_store
        asks = fetches or any(each.asked and each.login.is_signed for each in self.logins)
        if self.spec.built_by(self.target) in CURLED or not asks:
            return None, self
        ready = self.docker_config is not None
        before = self.only_with(*(() if ready else self.logins), proxy=self.spec.proxy)
        left = self if ready else self._replace(logins=())
        if not fetches:
            return before, left
        fetched = before.spec.model_copy(update={"context_login": self.spec.context_login})
        context = tuple(item for item in self.arguments if item.name == "context")
        without = left.spec.model_copy(update={"context_login": None})
        return before._replace(spec=fetched, arguments=context), left._replace(spec=without)

    def only_with(self, *logins: HostLogin, proxy: Proxy | None = None) -> Plan:
        """A plan of nothing but logins, which every run makes."""
        nothing: dict[str, object] = {
            "build_secrets": {},
            "certificates": {},
            "client_certificates": {},
            "proxy": proxy,
            "context_login": None,
        }
        return self._replace(
            spec=self.spec.model_copy(update=nothing),
            arguments=(),
            pushed_arguments=(),
            cached=None,
            pushes=(),
            logins=tuple(login._replace(pushes=False) for login in logins),
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
        return context_cloud(self.spec, self.target)

    @property
    def fetches_store(self) -> bool:
        """Whether a script fetches the context from a store."""
        return bool(self.arguments) and self.spec.asks_store(self.target)

    @property
    def asked_secrets(self) -> tuple[str, ...]:
        """The secrets that a script reads, to write logins and to fetch the context."""
        names = [name for login in self.password_logins for name in login.secrets]
        if self.fetches_store and self.context_cloud:
            names += self.context_cloud.secrets
        return tuple(dict.fromkeys(names))

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """What clouds' clients need, each once; where a store lies counts before registries."""
        helped = [login for login in self.logins if not login.written]
        store = None if self.fetches_store else self.context_cloud
        return _merged(store, (login.cloud for login in helped if login.cloud))

    @property
    def every_cloud(self) -> tuple[Cloud, ...]:
        """The same with those that a script asks by itself."""
        return _merged(self.context_cloud, (login.cloud for login in self.logins if login.cloud))

    @property
    def pushed_hosts(self) -> set[str]:
        """The hosts that some run pushes to, the cache's with them."""
        hosts = {push.host for push in self.pushes} | (self.cache_hosts if self.pushes else set())
        return hosts | {login.host for login in self.logins if login.serves}

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
        return _written(self.logins)

    @property
    def identities(self) -> dict[str, Token]:
        """What the CI's own identity is asked for, by cloud."""
        clouds = [self.context_cloud, *(login.cloud for login in self.logins)]
        return {cloud.name: cloud.token for cloud in clouds if cloud and cloud.token}


@latest
def _written(logins: tuple[HostLogin, ...]) -> tuple[HostLogin, ...]:
    return tuple([login for login in logins if login.written])


def _merged(store: Cloud | None, several: Iterable[Cloud]) -> tuple[Cloud, ...]:
    found = {store.name: store} if store else {}
    for cloud in several:
        first = found.setdefault(cloud.name, cloud)
        variables = {**cloud.variables, **first.variables}
        found[cloud.name] = first._replace(variables=variables)
    return tuple(found.values())


@latest
def _uses(plan: Plan) -> list[tuple[Where, str]]:
    others = {"registries", *known_names()} - {plan.target}
    found = [item for item in variables_of(plan.spec) if item[0][0] not in others]
    for login in plan.logins:
        if login.host[0] != "@" and login.login.kind != "ci-token":
            found += [(login.where, name) for name in names(login.key)]
    if plan.arguments:
        reproducible = bool(plan.spec.options.reproducible)
        made = oci_labels(plan.spec.labels, reproducible=reproducible)
        found += [(("labels", OCI), name) for name in made.values()]
    return found


def is_reusable(build: Build, target: str) -> bool:
    """Whether the form of a build is one that takes inputs."""
    form = getattr(getattr(build, target), "form", "pipeline")
    return form not in {"pipeline", "child", "workflow", "jobs"}


def host_on(target: str, reference: Reference) -> str:
    """The host of a reference; see ``by_name``."""
    return by_name(target, reference.home)


def by_name(target: str, host: str) -> str:
    """A host; the CI's own registry under its name where it has one."""
    return own_host(target) if host == OWN_HOST else host


def own_host(target: str) -> str:
    """The host of the CI's own registry: its name where it has one, or the variable."""
    known = system(target)
    return known.registry if known.one_host else OWN_HOST


def proxies(spec: Build) -> Iterator[tuple[str, str | SecretText]]:
    """What RUN lines and the executor are led by."""
    proxy = spec.proxy
    if proxy is None:
        return
    given = {"HTTP_PROXY": proxy.http, "HTTPS_PROXY": proxy.https, "NO_PROXY": proxy.no_proxy}
    yield from ((name, item) for name, item in given.items() if item)


THIS_REPOSITORY = "@repository"
"""A git context that means this repository at this commit."""


def file_of(host: str) -> str:
    return host.replace(":", "_").strip("[]")
