"""How Buildkite, and the cluster of its agents, is made ready."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.targets.requirement import Requirement
from ci_kaniko.targets.setup import Cluster, Setup, config_secret, handed_to_forks, needs_secrets
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.secrets import Use
    from ci_kaniko.spec.logins import Login


class BuildkiteSetup(Setup):
    """Secrets of the cluster, or those of Buildkite's own store."""

    issuer = "https://agent.buildkite.com"

    def secret(self, plan: Plan, name: str, use: Use) -> Iterator[str]:
        yield f"Buildkite: Agents > CLUSTER > Secrets > New Secret, with the key {name}"

    def variable(self, plan: Plan, name: str) -> str:
        return f"the pipeline's settings, or env: at its top: {name}"

    def cluster(self, plan: Plan) -> Cluster:
        section = plan.spec.buildkite
        account = section.service_account or "default"
        secret = section.secret if section.secrets == "kubernetes" else ""
        return Cluster("kubectl --namespace buildkite", account, secret, section.cache_claim)

    def pull(self, plan: Plan, host: str) -> Iterator[str]:
        cluster = self.cluster(plan)
        patch = quote('{"imagePullSecrets": [{"name": "mirror"}]}')
        yield "a docker_config of the spec for that host is used; or a config.json:"
        yield config_secret(cluster, "mirror")
        yield f"{cluster.kubectl} patch serviceaccount {cluster.account} --patch {patch}"

    def pulls_by_itself(self, plan: Plan, login: Login) -> bool:
        return login.docker_config is not None

    def trusted(self, plan: Plan, steps: list[str]) -> list[str]:
        lifetime = plan.spec.buildkite.oidc_lifetime_seconds
        last = (
            f"the token lives {lifetime} seconds, and the push comes last: "
            "buildkite.oidc_lifetime_seconds makes it longer than a build"
        )
        return [*steps, last]

    def note(self, plan: Plan, login: HostLogin) -> str:
        return (
            "the Package Registry's OIDC policy must allow this pipeline, and tokens of "
            f"{plan.spec.buildkite.oidc_lifetime_seconds} seconds"
        )

    def forks(self, plans: Sequence[Plan]) -> Iterator[Requirement]:
        if any(needs_secrets(plan) for plan in plans):
            yield handed_to_forks(
                "leave them off: the pipeline's settings > GitHub > Build pull requests from forks"
            )

    def finally_(self, plans: Sequence[Plan]) -> Iterator[Requirement]:
        if any(plan.secrets for plan in plans):
            yield Requirement(
                "note",
                "",
                "agent-stack-k8s is 0.28 (June 2025) or newer: with older ones a branch called "
                "x-$(NAME) gets the secret NAME into its name",
                ("helm list --all-namespaces --filter agent-stack-k8s",),
            )
