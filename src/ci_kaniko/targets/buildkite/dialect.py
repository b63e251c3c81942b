"""What Buildkite's jobs know, and how they log in: the shell of its steps."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.logins import instead_of_token
from ci_kaniko.plan.model import CERTIFICATES, CHECKOUT, DIGEST, OUTPUT, own_host
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell, CiLogin, Impossible, PlainDialect, Site
from ci_kaniko.syntax.references import OWN_HOST
from ci_kaniko.syntax.variables import text_of
from ci_kaniko.targets.buildkite.inputs import checked
from ci_kaniko.targets.pods import CONFIG, SECRET_FOLDER
from ci_kaniko.targets.shared import remote_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.plan.model import HostLogin, Plan

AGENT = "/workspace/buildkite-agent"
"""The agent's own program, which the controller puts into every pod."""
DIGEST_FILE = "/kaniko/digest"

_WRITTEN = "/kaniko/credentials"

_COMMIT = (
    "case $BUILDKITE_COMMIT in",
    "  *[!0-9a-f]*)",
    '    echo "ci-kaniko: this build names no commit but $BUILDKITE_COMMIT" >&2',
    "    exit 1",
    "    ;;",
    "esac",
)
_IS_PULL_REQUEST = '[ "${BUILDKITE_PULL_REQUEST:-false}" != false ]'
_BRANCH = (
    "branch=$BUILDKITE_BRANCH",
    f"if [ -n \"${{BUILDKITE_TAG:-}}\" ] || {_IS_PULL_REQUEST}; then branch=''; fi",
)
_PULL_REQUEST = (
    "pull_request=${BUILDKITE_PULL_REQUEST:-}",
    "if [ \"$pull_request\" = false ]; then pull_request=''; fi",
)
_REMOTE = remote_url("BUILDKITE_REPO")

_CELLS: dict[str, Cell | Impossible] = {
    "commit.sha": Cell("BUILDKITE_COMMIT", define=_COMMIT),
    "commit.timestamp": Cell("committed"),
    "branch": Cell("branch", define=_BRANCH),
    "tag": Cell("BUILDKITE_TAG", may_be_unset=True),
    "pull_request.number": Cell("pull_request", define=_PULL_REQUEST),
    "default_branch": Cell("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
    "repository.url": Cell("repository_url", define=(_REMOTE,)),
    "repository.path": Cell(
        "repository_path", define=(_REMOTE, "repository_path=${repository_url#https://*/}")
    ),
    "registry.host": Cell(literal="packages.buildkite.com"),
    "registry.image": Impossible(
        "a Package Registry has a name of its own",
        "such as packages.buildkite.com/ORGANIZATION/REGISTRY/IMAGE",
    ),
    "build.id": Cell("BUILDKITE_BUILD_ID"),
    "build.number": Cell("BUILDKITE_BUILD_NUMBER"),
    "build.url": Cell("BUILDKITE_BUILD_URL"),
}


def _registries(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Organization and registry of every reference to Buildkite's own registry."""
    texts = [push.reference for push in plan.pushes if push.host == "packages.buildkite.com"]
    remote = plan.spec.cache and plan.spec.cache.remote
    if "packages.buildkite.com" in plan.cache_hosts and remote:
        texts.append(remote)
    for reference in texts:
        yield tuple(text_of(reference.repository).split("/")[:2])


def one_registry(plan: Plan) -> Iterator[Finding]:
    own = {OWN_HOST, own_host("buildkite")}
    used = [each for each in plan.logins if each.login.kind == "ci-token" and each.host in own]
    if any(name == "registry.image" for _, name in plan.uses()):
        return
    for login in used:
        registries = list(dict.fromkeys(_registries(plan)))
        if len(registries) != 1 or len(registries[0]) < 2 or "$" in "".join(registries[0]):
            listed = ", ".join(quoted("/".join(names)) for names in registries if any(names))
            hint = "packages.buildkite.com/ORGANIZATION/REGISTRY/IMAGE, the same for all"
            yield Finding(
                "several-package-registries",
                login.where,
                "a job's token is for one Package Registry, written out"
                + (f": {listed}" if listed else ""),
                hint if registries else instead_of_token(login, "buildkite", plan.spec),
            )


def _opening(plan: Plan) -> list[str]:
    """The script's own folders; that of the docker config is a mount when there is one."""
    own_store = plan.spec.buildkite.secrets == "buildkite"
    folders = [CONFIG] if plan.password_logins and not plan.docker_config else []
    written = [cloud for cloud in plan.clouds if cloud.token or (own_store and cloud.secret)]
    if written:
        folders.append(_WRITTEN)
    if own_store and plan.certificates:
        folders.append(CERTIFICATES)
    return [f"mkdir -p {' '.join(map(builder_of(plan).path, folders))}"] if folders else []


_SITE = Site(
    places={
        CHECKOUT: Cell("BUILDKITE_BUILD_CHECKOUT_PATH"),
        OUTPUT: Cell("BUILDKITE_BUILD_CHECKOUT_PATH"),
        DIGEST: Cell(literal=DIGEST_FILE),
    },
    opening=_opening,
    files=_WRITTEN,
    files_inside=_WRITTEN,
    mounted_config=CONFIG,
    mounted_files=SECRET_FOLDER,
)


class _Buildkite(PlainDialect):
    target = "buildkite"
    tests: Mapping[str, str] = {
        "pull-request": _IS_PULL_REQUEST,
        "no-pull-request": '[ "${BUILDKITE_PULL_REQUEST:-false}" = false ]',
        "schedule": '[ "${BUILDKITE_SOURCE:-}" = schedule ]',
        "manual": '[ "${BUILDKITE_SOURCE:-}" = ui ]',
    }

    def __init__(self, site: Site, secret_hint: str) -> None:
        self.site = site
        self.secret_hint = secret_hint

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        if name.startswith("env."):
            return Cell(name.removeprefix("env."), may_be_unset=True)
        return _CELLS.get(name)

    def input_value(self, name: str) -> str:
        """Its name: the upload sets a variable of that name."""
        return name

    def received(self, plan: Plan, environment: Mapping[str, str]) -> list[str]:
        return checked(plan, environment)

    def ci_login(self, plan: Plan, login: HostLogin, key: str) -> CiLogin:
        """A Package Registry's login: the job's own identity, exchanged for a short-lived token."""
        audience = "/".join(("https://packages.buildkite.com", *next(_registries(plan))))
        lifetime = plan.spec.buildkite.oidc_lifetime_seconds
        request = f"oidc request-token --audience {audience} --lifetime {lifetime}"
        return CiLogin([f"token=$({AGENT} {request})"], "buildkite", "token")

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        lifetime = plan.spec.buildkite.oidc_lifetime_seconds
        request = f"oidc request-token --audience {token.audience} --lifetime {lifetime}"
        return [f"token=$({AGENT} {request})"]


DIALECT = _Buildkite(_SITE, "add this key to the Kubernetes Secret of the step")
_OWN_STORE = _Buildkite(_SITE._replace(mounted_files=""), "create it under Agents > Secrets")


def dialect_of(plan: Plan) -> _Buildkite:
    """The dialect for where the spec says that its secrets are."""
    return _OWN_STORE if plan.spec.buildkite.secrets == "buildkite" else DIALECT
