"""What GitLab's jobs know, and how they log in."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.model import CHECKOUT, DIGEST, OUTPUT
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell, CiLogin, CiToken, PlainDialect, Site
from ci_kaniko.syntax.variables import with_inputs
from ci_kaniko.targets.shared import config_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.spec.build import Build

PROXY = "@dependency-proxy"
"""The host of the dependency proxy, which only a job knows."""
DIGEST_FILE = "/kaniko/digest"
_COPY = "/kaniko/checkout"
DOTENV = "digest.env"
REPORT = f'"$CI_PROJECT_DIR/{DOTENV}"'
"""The file by which a job hands variables over, in the checkout, and as a word of a script."""

_COMMITTED = (
    "clock=${CI_COMMIT_TIMESTAMP%[Z+-]*}",
    'zone=${CI_COMMIT_TIMESTAMP#"$clock"}',
    "# the sign of a POSIX time zone is the other way round",
    "case $zone in +*) zone=-${zone#+} ;; -*) zone=+${zone#-} ;; *) zone='' ;; esac",
    'seconds=$(TZ="UTC$zone" date -d "${clock%T*} ${clock#*T}" +%s)',
    'committed=$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)',
)

_CELLS: dict[str, Cell] = {
    "commit.sha": Cell("CI_COMMIT_SHA"),
    "commit.short": Cell("CI_COMMIT_SHORT_SHA"),
    "commit.timestamp": Cell("committed", define=_COMMITTED),
    "branch": Cell("CI_COMMIT_BRANCH", may_be_unset=True),
    "default_branch": Cell("CI_DEFAULT_BRANCH"),
    "tag": Cell("CI_COMMIT_TAG", may_be_unset=True),
    "pull_request.number": Cell("CI_MERGE_REQUEST_IID", may_be_unset=True),
    "repository.path": Cell("CI_PROJECT_PATH"),
    "repository.owner": Cell("CI_PROJECT_NAMESPACE"),
    "repository.name": Cell("CI_PROJECT_NAME"),
    "repository.url": Cell("CI_PROJECT_URL"),
    "registry.host": Cell("CI_REGISTRY"),
    "registry.image": Cell("CI_REGISTRY_IMAGE"),
    "build.id": Cell("CI_PIPELINE_ID"),
    "build.number": Cell("CI_PIPELINE_IID"),
    "build.url": Cell("CI_PIPELINE_URL"),
}


def _opening(plan: Plan) -> list[str]:
    """The report of a job is kept even when it fails, and anybody may have written one.

    The runner checks out with modes that no other platform has, for all users to write.
    """
    lines = [f"trap 'rm -rf {REPORT} || :' EXIT"] * plan.spec.digest
    lines.append("umask 022")
    if plan.reads_checkout:
        lines.append("# everybody may write what GitLab checks out, and COPY would take that over")
        lines += _own_checkout(builder_of(plan))
    return [*lines, *config_folder(plan)]


def _own_checkout(builder: Builder) -> list[str]:
    """Only root may change the modes of what the runner has made; a copy has those of umask."""
    if builder.user:
        return [f'cp -R "$CI_PROJECT_DIR" {builder.path(_COPY)}']
    return ['chmod -R go=u,go-w "$CI_PROJECT_DIR"']


_SITE = Site(
    places={
        CHECKOUT: Cell("CI_PROJECT_DIR"),
        OUTPUT: Cell("CI_PROJECT_DIR"),
        DIGEST: Cell(literal=DIGEST_FILE),
        # The variable names a port; kaniko looks up the host as image names write it.
        PROXY: Cell(text="${CI_DEPENDENCY_PROXY_SERVER%:443}"),
    },
    opening=_opening,
)
_BY_SOURCE = {
    "pull-request": '[ "$CI_PIPELINE_SOURCE" = merge_request_event ]',
    "no-pull-request": '[ "$CI_PIPELINE_SOURCE" != merge_request_event ]',
    "schedule": '[ "$CI_PIPELINE_SOURCE" = schedule ]',
    "manual": '[ "$CI_PIPELINE_SOURCE" = web ]',
}
_BY_NUMBER = {
    "pull-request": '[ -n "${CI_MERGE_REQUEST_IID:-}" ]',
    "no-pull-request": '[ -z "${CI_MERGE_REQUEST_IID:-}" ]',
}


def site_of(plan: Plan) -> Site:
    """Where the script of a build runs."""
    if not builder_of(plan).user:
        return _SITE
    return _SITE._replace(places={**_SITE.places, CHECKOUT: Cell(literal=_COPY)})


class _GitLab(PlainDialect):
    target = "gitlab"
    site = _SITE
    secret_hint = (
        "add it in Settings > CI/CD > Variables; a protected one exists on protected refs only"
    )
    ci_token = CiToken("CI_JOB_TOKEN", "GitLab gives every job this token")
    file_variables = True

    def __init__(self, tests: Mapping[str, str], form: str = "") -> None:
        self.tests = tests
        self.form = form

    def cell(self, name: str, plan: Plan) -> Cell | None:
        if name.startswith("env."):
            return Cell(name.removeprefix("env."), may_be_unset=True)
        if name in {"ref.name", "ref.slug"}:
            native = "CI_COMMIT_REF_" + name.removeprefix("ref.").upper()
            if not plan.started.may_be_request:
                return Cell(native)
            ref = "ref" if name == "ref.name" else "ref_slug"
            return Cell(
                ref,
                define=(
                    f"{ref}=${{CI_MERGE_REQUEST_IID:+pr-$CI_MERGE_REQUEST_IID}}",
                    f"{ref}=${{{ref}:-${native}}}",
                ),
            )
        return _CELLS.get(name)

    def input_value(self, name: str) -> str:
        return f"$[[ inputs.{name} ]]"

    def ci_login(self, plan: Plan, login: HostLogin, key: str) -> CiLogin:
        """The registry login that GitLab gives each job; it goes to GitLab's own registry only."""
        if login.host == PROXY:
            guard = ': "${CI_DEPENDENCY_PROXY_PASSWORD:?is not set: the dependency proxy is off}"'
            return CiLogin([guard], '"$CI_DEPENDENCY_PROXY_USER"', "CI_DEPENDENCY_PROXY_PASSWORD")
        lines = []
        if login.host != "${registry.host}":
            lines = [
                f'if [ "$CI_REGISTRY" != {key} ]; then',
                f'  echo "ci-kaniko:" {key} "is not the registry of this GitLab" >&2',
                "  exit 1",
                "fi",
            ]
        guard = ': "${CI_REGISTRY_PASSWORD:?is not set: the container registry is switched off}"'
        return CiLogin([*lines, guard], '"$CI_REGISTRY_USER"', "CI_REGISTRY_PASSWORD")

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        name = id_token_name(cloud)
        return [f': "${{{name}:?is not set: GitLab gives the job this token}}"', f"token=${name}"]

    def identity_variable(self, cloud: str) -> str:
        return id_token_name(cloud)


DIALECT = _GitLab(_BY_SOURCE)
CHILD = "GitLab's form: child"
_CHILD = _GitLab(_BY_NUMBER, CHILD)
"""A child pipeline is always started by its parent, and knows a request by its number only."""
_OF_PIPELINES = _GitLab({**_BY_SOURCE, **_BY_NUMBER})


def dialect_of(plan: Plan) -> _GitLab:
    """The dialect for what starts the pipeline of a plan."""
    if is_child(plan.spec):
        return _CHILD
    return _OF_PIPELINES if plan.started.pipelines else DIALECT


def pasted(text: str) -> str:
    """A text into which GitLab pastes inputs."""
    return with_inputs(text, DIALECT.input_value)


def is_child(build: Build) -> bool:
    """Whether the file is a pipeline that another one starts."""
    return build.gitlab.form == "child"


def is_included(build: Build) -> bool:
    """Whether the file becomes a part of others."""
    return build.gitlab.form in {"include", "component"}


def id_token_name(cloud: str) -> str:
    """The variable that holds the job's identity for a cloud."""
    return f"{cloud.upper()}_ID_TOKEN"
