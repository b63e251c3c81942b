"""The words of ``ci-kaniko setup``; each target has its own."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.targets.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.secrets import Use
    from ci_kaniko.spec.logins import Login

_NEVER = "never hand secrets to them: a Dockerfile can read what its executor can"


NAMESPACES = (
    "the machine lets processes make user namespaces; Ubuntu since 23.10 does not by itself: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)
"""What both of the others need of a kernel, and kaniko does not."""


class Cluster(NamedTuple):
    """Where pods run, and what of the cluster they use.

    ``secret`` is the Secret that holds every secret of a job, empty where another store does.
    """

    kubectl: str
    account: str
    secret: str
    cache_claim: str | None


class Setup:
    """How a platform is made ready; a target says in a subclass what differs."""

    issuer = ""

    def secret(self, plan: Plan, name: str, use: Use) -> Iterable[str]:
        """How a secret is created."""
        return (f"the secret {name} of {plan.target}",)

    def variable(self, plan: Plan, name: str) -> str:
        """How a variable is created that is read when a job runs."""
        return f"the variable {name} of {plan.target}"

    def pull(self, plan: Plan, host: str) -> Iterable[str]:
        """How the platform itself logs in to pull an image."""
        return (f"{plan.target} itself logs in to {host}",)

    def pulls_by_itself(self, plan: Plan, login: Login) -> bool:
        """Whether the platform is logged in there without that."""
        return False

    def cluster(self, plan: Plan) -> Cluster | None:
        """Where pods run, on a target that names what a cluster holds."""
        return None

    def trusted(self, plan: Plan, steps: list[str]) -> list[str]:
        """The steps that let a cloud trust the identity of a job."""
        return steps

    def note(self, plan: Plan, login: HostLogin) -> str:
        """What the platform asks of its own registry before a job can use ``login``."""
        return ""

    def allows(self, builder: Builder, plan: Plan) -> Iterable[str]:
        """How it is allowed to run a builder that the usual profiles would stop."""
        cluster = self.cluster(plan)
        if cluster is None:
            return (f"{plan.target} runs it without profiles of seccomp and AppArmor", NAMESPACES)
        namespace = cluster.kubectl.partition("--namespace ")[2] or "default"
        label = "pod-security.kubernetes.io/enforce=privileged"
        return (
            f"kubectl label namespace {namespace} {label} --overwrite",
            "Pod Security baseline refuses profiles of type Unconfined",
            "appArmorProfile is a field since Kubernetes 1.30",
            NAMESPACES,
        )

    def forks(self, plans: Sequence[Plan]) -> Iterable[Requirement]:
        """What pull requests of forks get, for plans that have secrets."""
        stops = any(needs_secrets(plan) for plan in plans)
        end = "their builds stop where one is needed" if stops else "they are built and not pushed"
        purpose = f"pull requests of forks get no secrets: {end}"
        return (Requirement("note", "", purpose, (_NEVER,)),)

    def finally_(self, plans: Sequence[Plan]) -> Iterable[Requirement]:
        """What there is to say beside that."""
        return ()

    def caller(
        self,
        plans: Sequence[Plan],
        path: str,
        view: dict[str, Any],
    ) -> Iterable[Requirement]:
        """What whoever calls the file at ``path`` has to write."""
        return ()


def handed_to_forks(setting: str) -> Requirement:
    """A platform that hands secrets to pull requests of forks, unless ``setting`` is made."""
    purpose = "pull requests of forks get what the step names, when the pipeline builds them"
    return Requirement("note", "", purpose, (setting, _NEVER))


def needs_secrets(plan: Plan) -> bool:
    """Whether a run that pushes nothing reads secrets."""
    always = plan.push == "always" or any(not login.pushes for login in plan.logins)
    return bool(
        always
        or plan.spec.build_secrets
        or plan.proxy_secrets
        or plan.certificates
        or plan.git_login
    )


def config_secret(cluster: Cluster, name: str) -> str:
    """The command that creates a Secret of a config.json."""
    return (
        f"{cluster.kubectl} create secret generic {name} "
        "--type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=./config.json"
    )
