"""Plain facts about CI systems, for rooms that targets themselves take from."""

from __future__ import annotations

from ci_kaniko.quick.hints import Literal
from ci_kaniko.quick.records import NamedTuple


class System(NamedTuple):
    """What a spec and its plan must know of a target.

    The CI's own registry and tokens:

    - ``registry`` is the public registry of the CI. It is the same host everywhere when
      ``one_host``, and a host of each installation when ``self_hosted``.
    - ``identity_is_short`` says that identity tokens live for minutes, so a job exchanges them at
      once.
    - ``repository_token`` says that a job has a token which reads its repository.
    - ``shares_logins`` says that a job gets the logins of all its runs but pull requests, and that
      the platform has no other way.
    - ``secret_objects`` says that a ready docker config is a Secret of Kubernetes.
    - ``keeps_secrets`` tells the user how a native value names a secret.

    Its files and its runs:

    - ``needs_values`` says that variables must be known when the file is rendered.
    - ``names_events`` says that only the events in the file start a job; elsewhere anything may, a
      pull request too.
    - ``reads`` is a pattern of the paths that the system looks at, an example, and the word that
      proposes it.
    - ``inputs`` is the form that takes inputs.
    - ``prefixes`` begin the names of its own variables.
    - ``clones`` tells the user how git fetches the repository where the executor would.
    - ``request_refs`` begins the refs of pull requests on git servers whose host holds its name.
    """

    name: str
    registry: str = ""
    one_host: bool = False
    self_hosted: bool = False
    identity_is_short: bool = False
    repository_token: bool = False
    secret_objects: bool = False
    needs_values: bool = False
    shares_logins: bool = False
    names_events: bool = False
    keeps_secrets: str = "the platform keeps it as a secret"
    clones: str = ""
    reads: tuple[str, str, str] = ("", "", "")
    inputs: str = ""
    prefixes: tuple[str, ...] = ()
    request_refs: str = ""


_BUILT_IN = (
    System(
        "gitlab",
        names_events=True,
        registry="registry.gitlab.com",
        self_hosted=True,
        repository_token=True,
        keeps_secrets="Settings > CI/CD > Variables keeps it, and the job has it without a word "
        "here",
        inputs="component",
        prefixes=("CI_", "GITLAB_"),
        request_refs="refs/merge-requests",
    ),
    System(
        "github",
        names_events=True,
        registry="ghcr.io",
        one_host=True,
        identity_is_short=True,
        repository_token=True,
        keeps_secrets="the repository's secrets keep it: ${{ secrets.NAME }}",
        clones="github: {mode: docker} checks it out with git",
        reads=(r"\.github/workflows/[^/]+\.ya?ml", ".github/workflows/image.yml", "such as"),
        inputs="reusable",
        prefixes=("GITHUB_",),
    ),
    System(
        "buildkite",
        names_events=True,
        registry="packages.buildkite.com",
        one_host=True,
        secret_objects=True,
        shares_logins=True,
        keeps_secrets="a Kubernetes Secret or Buildkite's own store keeps it",
        inputs="steps",
        prefixes=("BUILDKITE_",),
    ),
    System(
        "agola",
        names_events=True,
        shares_logins=True,
        keeps_secrets="a secret of the project keeps it: {from_variable: NAME}",
        reads=(r"\.agola/config\.yml", ".agola/config.yml", "write"),
        prefixes=("AGOLA_",),
    ),
    System(
        "kubernetes",
        names_events=True,
        secret_objects=True,
        needs_values=True,
        keeps_secrets="a Secret keeps it: valueFrom: {secretKeyRef: {name: ..., key: ...}}",
        clones="kubernetes: {clone: true} fetches it with git",
    ),
)
TargetName = Literal["gitlab", "github", "buildkite", "agola", "kubernetes"]
"""The names of those that are built in, for type checkers."""
SYSTEMS = {item.name: item for item in _BUILT_IN}
NAMES = tuple(SYSTEMS)
"""The targets that come with ci-kaniko, in the order in which they are told."""
ADOPTED: list[str] = []
"""Those of others that a spec has named in this process."""
ADOPTING: set[str] = set()
"""Those that the model has fields for and cannot read yet, in another thread."""

FOREIGN_REGISTRIES = (
    *("docker.io", "ghcr.io", "quay.io", "gcr.io", "pkg.dev", "azurecr.io", "amazonaws.com"),
    *("public.ecr.aws", "packages.buildkite.com", "registry.gitlab.com"),
)
"""Registries that belong to somebody in particular."""

GIT_SERVERS = ("github", "gitlab", "bitbucket", "codeberg", "gitea", "dev.azure.com")
"""What stands in the host of a git server that is of one kind."""


def known_names() -> tuple[str, ...]:
    """The targets that a spec of this process can have a section for."""
    return (*NAMES, *ADOPTED)


def request_refs(host: str) -> str:
    """Where a git server keeps the refs of pull requests."""
    known = (item.request_refs for item in SYSTEMS.values() if item.name in host)
    return next(filter(None, known), "refs/pull")


def system(name: str) -> System:
    """The facts about a target, built in or installed."""
    found = SYSTEMS.get(name)
    if found is None:
        from ci_kaniko.kaniko.installed import installed

        target = installed(name)
        found = target.system if target else System(name)
    return found


SOURCES = (*NAMES, "shell", "tekton", "jenkins")
"""What can be imported from."""
