"""How GitHub is made ready."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.targets.requirement import Requirement
from ci_kaniko.targets.setup import NAMESPACES, Setup
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.secrets import Use


class GitHubSetup(Setup):
    """Secrets and variables of the repository."""

    issuer = "https://token.actions.githubusercontent.com"

    def secret(self, plan: Plan, name: str, use: Use) -> Iterator[str]:
        environment = plan.spec.github.environment
        where = f" --env {quote(environment)}" if environment else ""
        yield f"gh secret set {name}{where} < FILE_WITH_THE_VALUE"

    def variable(self, plan: Plan, name: str) -> str:
        return f"gh variable set {name} --body VALUE"

    def pull(self, plan: Plan, host: str) -> Iterator[str]:
        yield f"on a runner of your own: docker login {host}"
        yield "GitHub's own runners pull only what is public"

    def allows(self, builder: Builder, plan: Plan) -> Iterator[str]:
        if plan.spec.github.mode == "container":
            yield "nothing where Docker runs the job: its container gets --security-opt"
            root = "runAsUser 0, " if builder.user else ""
            yield (
                "with the hook for Kubernetes, which reads no such options: the file of "
                f"ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE gives the container $job {root}"
                "seccompProfile and appArmorProfile of type Unconfined"
            )
            yield NAMESPACES
            return
        yield "nothing beside a Docker daemon: docker run gets --security-opt in the workflow"
        yield "on GitHub's own runners the job lets processes make user namespaces"
        yield f"on a runner of your own: {NAMESPACES}"

    def caller(
        self, plans: Sequence[Plan], path: str, view: dict[str, Any]
    ) -> Iterator[Requirement]:
        """The job that calls a reusable workflow: what it may do, and what it hands over."""
        if not plans[0].reusable:
            return
        from ci_kaniko.text.yaml import scalar

        granted: dict[str, str] = {}
        for job in view["jobs"]:
            for permission in job.permissions:
                if granted.get(permission.name) != "write":
                    granted[permission.name] = permission.access
        called = view["events"]["workflow_call"] or {}
        inputs = called.get("inputs", {})
        steps = ["permissions:", *(f"  {name}: {access}" for name, access in granted.items())]
        steps.append(f"uses: ./{path}")
        if inputs:
            given = {name: item.get("default", "VALUE") for name, item in inputs.items()}
            steps += ["with:", *(f"  {name}: {scalar(value)}" for name, value in given.items())]
        if secrets := called.get("secrets"):
            steps += ["secrets:", *(f"  {name}: ${{{{ secrets.{name} }}}}" for name in secrets)]
        purpose = "a job of the workflow that calls it says"
        yield Requirement("caller", path, purpose, tuple(steps))
