"""What a platform says in its own way within a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.problems.finding import Finding
from ci_kaniko.syntax.variables import INPUT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.plan.clouds import Cloud, Token
    from ci_kaniko.plan.model import HostLogin, Plan


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


class Dialect(NamedTuple):
    """How one target's shell knows things.

    ``inherits`` says that the environment of the script is that of the executor. ``unset`` are
    variables that would change what it does. ``input_expression`` makes an input's value.
    """

    target: str
    cells: Callable[[str, Plan], Cell | Impossible | None]
    tests: dict[str, str]
    places: dict[str, Cell]
    config: str
    secret_hint: str
    token_hint: str = ""
    ci_token: str = ""
    ci_login: Callable[[Plan, HostLogin, str], CiLogin] | None = None
    unset: tuple[str, ...] = ("KANIKO_NO_PUSH",)
    inherits: bool = True
    mask: tuple[str, ...] = ()
    file_variables: bool = False
    mounts_config: bool = False
    mounted_files: str = ""
    mounted_tokens: bool = False
    identity_reason: str = ""
    id_token: Callable[[Plan, str, Token], list[str]] | None = None
    session: Callable[[Cloud], list[str]] | None = None
    registry_token: Callable[[HostLogin], list[str]] | None = None
    certificates: str = "/kaniko/certificates"
    files: str = "/kaniko/.docker"
    files_inside: str = "/kaniko/.docker"
    folders: Callable[[Plan], list[str]] = lambda _: []
    input_expression: str = ""


def cell_of(dialect: Dialect, name: str, plan: Plan) -> Cell | Impossible | None:
    """What a dialect says about a variable; None when it is made of others."""
    if not name.startswith(INPUT_PREFIX):
        return dialect.cells(name, plan)
    short = name.removeprefix(INPUT_PREFIX)
    if plan.reusable:
        variable_name = f"INPUT_{short.upper()}"
        return Cell(variable_name, env=(variable_name, dialect.input_expression.format(short)))
    given = plan.spec.inputs.get(short)
    if given is not None and given.default is not None:
        return Cell(literal=given.default) if given.default else Cell(text="")
    forms = {"gitlab": "component", "github": "reusable", "buildkite": "steps"}
    form = forms.get(dialect.target)
    give = "give the input a default"
    hint = f"{dialect.target}: {{form: {form}}} takes inputs, or {give}" if form else give
    return Impossible("nobody gives this form inputs", hint)


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
            needed = dialect.cells("default_branch", plan)
            if condition.kind == "default-branch" and isinstance(needed, Impossible):
                yield Finding("target-variable", (*push.where, "when"), needed.reason, needed.hint)
            if condition.kind in {"schedule", "manual"} and condition.kind not in dialect.tests:
                yield Finding(
                    "impossible-condition",
                    (*push.where, "when"),
                    f"{dialect.target} does not tell a job that it is a {condition.kind} run",
                    "branch and tag conditions work everywhere",
                )


def impossible_identities(plan: Plan, dialect: Dialect) -> Iterator[Finding]:
    """Logins by the CI's own identity, where a job has none or cannot ask for it."""
    if dialect.id_token or dialect.mounted_tokens:
        return
    for login in plan.logins:
        if login.cloud and login.cloud.token:
            yield Finding(
                "impossible-login",
                login.where,
                f"{dialect.identity_reason}, so it cannot log in to {login.host} by identity",
                "a secret: credentials_file, key_file, access keys or client_secret",
            )
    if plan.context_cloud and plan.context_cloud.token:
        yield Finding(
            "impossible-login",
            ("context_login",),
            f"{dialect.identity_reason}, so it cannot fetch the context by identity",
            "a secret: credentials_file, key_file or access keys",
        )
