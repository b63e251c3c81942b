"""What a platform says in its own way within a script."""

from __future__ import annotations

from ci_kaniko.plan.inputs import input_hint
from ci_kaniko.plan.model import STORED
from ci_kaniko.problems.finding import Finding
from ci_kaniko.quick.hints import TYPE_CHECKING, Protocol
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.conditions import ROLES
from ci_kaniko.syntax.variables import INPUT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.problems.finding import Where


class Cell(NamedTuple):
    """What a portable variable is in a job's shell.

    ``name`` is the shell variable that holds it, or ``text`` the double-quoted text that makes it,
    or ``literal`` what it always is. ``define`` are lines that must run first. ``env`` is an
    environment variable that the configuration has to set: its name and the CI's expression.
    """

    name: str = ""
    text: str = ""
    literal: str = ""
    define: tuple[str, ...] = ()
    may_be_unset: bool = False
    env: tuple[str, str] | None = None


class Impossible(NamedTuple):
    """A target that cannot know a variable, why, and what to do instead."""

    reason: str
    hint: str


class CiLogin(NamedTuple):
    """How a job gets into the registry of its CI.

    ``before`` are lines that come first, ``user`` is a word of the shell, ``password`` the name of
    a variable, and ``environment`` what the job must be given for it.
    """

    before: list[str]
    user: str
    password: str
    environment: tuple[tuple[str, str], ...] = ()


class CiToken(NamedTuple):
    """The token that a CI gives every job for its own repositories, and why it can be missing."""

    variable: str
    hint: str


class Site(NamedTuple):
    """Where a script runs, and where its files lie.

    What it writes:

    - ``places`` are the paths that a plan names, and ``opening`` makes the first lines.
    - ``config`` is the folder of config.json, ``files`` that of other secrets, which the executor
      sees as ``files_inside``, and ``certificates`` that of certificates.
    - ``stored`` is the folder of an archive that is fetched from a store.

    What is there already:

    - ``mounted_config`` is a ready config.json, ``mounted_files`` a folder of secrets, and with
      ``mounted_tokens`` the identity tokens are there.
    - ``logged_in`` says that an earlier container has asked the clouds.
    - ``inherits`` says that the executor gets the environment of the script, and ``withheld`` that
      this environment holds no secret which the run does not use.

    All paths are those of kaniko; ``moved`` makes those of another builder.
    """

    places: Mapping[str, Cell]
    opening: Callable[[Plan], list[str]]
    config: str = "/kaniko/.docker"
    files: str = "/kaniko/.docker"
    files_inside: str = "/kaniko/.docker"
    certificates: str = "/kaniko/certificates"
    stored: str = STORED
    inherits: bool = True
    withheld: bool = False
    mounted_config: str = ""
    mounted_files: str = ""
    mounted_tokens: bool = False
    logged_in: bool = False


def moved(site: Site, place: Callable[[str], str]) -> Site:
    """Where a script runs whose files lie elsewhere."""
    literal = ((name, cell) for name, cell in site.places.items() if cell.literal)
    places = {name: cell._replace(literal=place(cell.literal)) for name, cell in literal}
    return site._replace(
        places={**site.places, **places},
        config=place(site.config),
        files=place(site.files),
        files_inside=place(site.files_inside),
        certificates=place(site.certificates),
        stored=place(site.stored),
        mounted_config=place(site.mounted_config),
        mounted_files=place(site.mounted_files),
    )


class Dialect(Protocol):
    """How the jobs of one CI know things.

    ``tests`` are the shell's tests for kinds of runs. ``secret_hint`` tells the user where a secret
    is made. With ``file_variables`` the variable of a secret may hold the path of a file.
    ``no_identity`` says why a job has no identity of its own, if it has none. ``form`` is the word
    in messages for a form of the target's files that knows less.
    """

    target: str
    site: Site
    tests: Mapping[str, str]
    secret_hint: str
    ci_token: CiToken | None
    file_variables: bool
    no_identity: str
    form: str

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        """What a variable is here; None when it is made of others."""

    def input_value(self, name: str) -> str:
        """The CI's expression for an input."""

    def received(self, plan: Plan, environment: Mapping[str, str]) -> list[str]:
        """Lines that look at what a script was given by ``environment``."""

    def ci_login(self, plan: Plan, login: HostLogin, key: str) -> CiLogin:
        """The login to the CI's own registry."""

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        """Lines that put the job's own identity into ``$token``."""

    def identity_variable(self, cloud: str) -> str:
        """The variable that holds the identity from the start; empty where a job asks for it."""

    def masked(self, *names: str) -> list[str]:
        """Lines that keep the values of variables out of a log."""


class PlainDialect(Dialect):
    """A dialect of a CI that gives its jobs nothing; what it lacks was refused before."""

    ci_token: CiToken | None = None
    file_variables = False
    no_identity = ""
    form = ""

    def input_value(self, name: str) -> str:
        """Raises NotImplementedError: the CI is without inputs."""
        raise NotImplementedError

    def received(self, plan: Plan, environment: Mapping[str, str]) -> list[str]:
        return []

    def ci_login(self, plan: Plan, login: HostLogin, key: str) -> CiLogin:
        """Raises NotImplementedError: the CI is without a registry."""
        raise NotImplementedError

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        """Raises NotImplementedError: the CI is without identities."""
        raise NotImplementedError

    def identity_variable(self, cloud: str) -> str:
        return ""

    def masked(self, *names: str) -> list[str]:
        return []


def cell_of(dialect: Dialect, name: str, plan: Plan) -> Cell | Impossible | None:
    """What a dialect says about a variable; None when it is made of others, which are known."""
    if not name.startswith(INPUT_PREFIX):
        return dialect.cell(name, plan) or _unmade(dialect, name, plan)
    short = name.removeprefix(INPUT_PREFIX)
    if plan.reusable:
        variable_name = f"INPUT_{short.upper()}"
        return Cell(variable_name, env=(variable_name, dialect.input_value(short)))
    given = plan.spec.inputs.get(short)
    if given is not None and given.default is not None:
        return Cell(literal=given.default) if given.default else Cell(text="")
    return Impossible("nobody gives this form inputs", input_hint(dialect.target))


_MADE_OF = {
    "commit.short": ("commit.sha",),
    "commit.date": ("commit.timestamp",),
    "repository.owner": ("repository.path",),
    "repository.name": ("repository.path",),
    "ref.name": ("branch", "tag"),
    "ref.slug": ("ref.name",),
    "ref.tag": ("ref.name",),
    "ref.version": ("version", "ref.tag"),
    "version": ("tag",),
    "version.minor": ("version",),
    "version.major": ("version",),
    "build.timestamp": (),
    "build.date": (),
}
"""The variables that a script makes of others: see ``Words``."""


def _unmade(dialect: Dialect, name: str, plan: Plan) -> Impossible | None:
    """Why a variable that a dialect has no word for is not made of others."""
    if name not in _MADE_OF:
        return Impossible(f"{dialect.target} does not tell", "write it out")
    needed = _MADE_OF[name]
    if name == "ref.name" and plan.started.may_be_request:
        needed = (*needed, "pull_request.number")
    found = (cell_of(dialect, each, plan) for each in needed)
    return next((cell for cell in found if isinstance(cell, Impossible)), None)


def impossible(plan: Plan, dialect: Dialect) -> Iterator[Finding]:
    """Variables and conditions that a target cannot know, where the spec uses them."""
    for where, name in plan.uses():
        cell = cell_of(dialect, name, plan)
        if isinstance(cell, Impossible):
            yield Finding(
                "target-variable",
                where,
                f"${{{name}}} cannot be known on {dialect.target}: {cell.reason}",
                cell.hint,
            )
    for push in plan.pushes:
        for condition in push.when:
            where = (*push.where, "when")
            yield from _impossible_condition(condition.kind, where, plan, dialect)


_NEEDED = {
    **dict.fromkeys(ROLES, ("branch", "default_branch")),
    "branch": ("branch",),
    "tag": ("tag",),
    "version": ("version",),
    "release": ("version",),
}
"""The variables by which a script knows that a condition holds."""


def _impossible_condition(
    kind: str, where: Where, plan: Plan, dialect: Dialect
) -> Iterator[Finding]:
    """Why a job cannot know whether a condition holds."""
    for name in _NEEDED.get(kind, ()):
        cell = cell_of(dialect, name, plan)
        if isinstance(cell, Impossible):
            yield Finding(
                "target-variable",
                where,
                f"{kind} asks for ${{{name}}}, which cannot be known on {dialect.target}: "
                f"{cell.reason}",
                cell.hint,
            )
            return
    if kind in {"pull-request", "schedule", "manual"} and kind not in dialect.tests:
        yield Finding(
            "impossible-condition",
            where,
            f"{dialect.form or dialect.target} does not tell a job that it is a {kind} run",
            "branch and tag conditions work everywhere",
        )


def impossible_identities(plan: Plan, dialect: Dialect) -> Iterator[Finding]:
    """Logins by the CI's own identity, where a job has none or cannot ask for it."""
    if not dialect.no_identity:
        return
    for login in plan.logins:
        if login.cloud and login.cloud.token:
            yield Finding(
                "impossible-login",
                login.where,
                f"{dialect.no_identity}, so it cannot log in to {login.host} by identity",
                _without_identity(plan, login.cloud.name),
            )
    if plan.context_cloud and plan.context_cloud.token:
        yield Finding(
            "impossible-login",
            ("context_login",),
            f"{dialect.no_identity}, so it cannot fetch the context by identity",
            _without_identity(plan, plan.context_cloud.name),
        )


_SECRETS = {
    "aws": "a secret: credentials_file, or access_key_id and secret_access_key",
    "azure": "a secret: client_secret",
    "google": "a secret: key_file",
}
"""What a login to each cloud takes in the place of an identity."""


def _without_identity(plan: Plan, cloud: str) -> str:
    if cloud == "azure" and len(plan.spec.platforms) > 1:  # regctl has no client of Azure's
        return "a username and a password, such as a token of the registry"
    return _SECRETS[cloud]
