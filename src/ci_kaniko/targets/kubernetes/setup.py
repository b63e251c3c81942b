"""How a cluster is made ready."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.variables import ENV_PREFIX
from ci_kaniko.targets.setup import Cluster, Setup, config_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.logins import Login
    from ci_kaniko.targets.requirement import Requirement


class KubernetesSetup(Setup):
    """Secrets of the cluster; whoever renders a manifest gives it the variables."""

    issuer = "the cluster's service account issuer"

    def variable(self, plan: Plan, name: str) -> str:
        return f"ci-kaniko render kubernetes --set {ENV_PREFIX}{name}=VALUE"

    def cluster(self, plan: Plan) -> Cluster:
        section = plan.spec.kubernetes
        kubectl = f"kubectl --namespace {section.namespace}" if section.namespace else "kubectl"
        account = section.service_account or "default"
        return Cluster(kubectl, account, section.secret, section.cache_claim)

    def pull(self, plan: Plan, host: str) -> Iterator[str]:
        yield "a docker_config of the spec for that host is used; or a config.json:"
        yield config_secret(self.cluster(plan), "mirror")
        yield "kubernetes: {image_pull_secrets: [mirror]} in the spec"

    def pulls_by_itself(self, plan: Plan, login: Login) -> bool:
        return bool(plan.spec.kubernetes.image_pull_secrets) or login.docker_config is not None

    def trusted(self, plan: Plan, steps: list[str]) -> list[str]:
        section = plan.spec.kubernetes
        account = section.service_account or "default"
        namespace = section.namespace or "NAMESPACE"
        last = f"restrict the subject to system:serviceaccount:{namespace}:{account}"
        return [*steps[:-1], last]

    def forks(self, plans: Sequence[Plan]) -> Iterable[Requirement]:
        return ()
