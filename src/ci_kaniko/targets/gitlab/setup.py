"""How GitLab is made ready."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.targets.requirement import Requirement
from ci_kaniko.targets.setup import NAMESPACES, Setup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.secrets import Use
    from ci_kaniko.spec.logins import Login


class GitLabSetup(Setup):
    """Variables of the project, which every job gets."""

    issuer = "your GitLab's address"

    def secret(self, plan: Plan, name: str, use: Use) -> Iterator[str]:
        kind = " --type file" if use.is_file else " --masked"
        yield f"glab variable set {name} --raw{kind} < FILE_WITH_THE_VALUE"
        yield "or: Settings > CI/CD > Variables, with 'Expand variable reference' off"
        if use.is_file:
            yield "a file variable cannot be masked"
        else:
            yield "masked: one line of at least 8 characters; leave --masked out for a user name"
        yield "add --protected when only protected branches and tags push"

    def variable(self, plan: Plan, name: str) -> str:
        return f"glab variable set {name} VALUE --raw, or Settings > CI/CD > Variables"

    def pull(self, plan: Plan, host: str) -> Iterator[str]:
        yield "glab variable set DOCKER_AUTH_CONFIG --raw < config.json"
        yield f"a config.json with a login for {host}, which the runner reads and no script sees"

    def pulls_by_itself(self, plan: Plan, login: Login) -> bool:
        return login.kind == "ci-token"

    def allows(self, builder: Builder, plan: Plan) -> Iterator[str]:
        yield "the runner's config.toml, with the executor docker: in [runners.docker]"
        yield 'security_opt = ["seccomp:unconfined", "apparmor:unconfined"]'
        yield (
            "with the executor kubernetes: a pod_spec patch that gives the container build "
            "seccompProfile and appArmorProfile of type Unconfined"
        )
        yield NAMESPACES

    def note(self, plan: Plan, login: HostLogin) -> str:
        return "the container registry must be switched on: Settings > General"

    def finally_(self, plans: Sequence[Plan]) -> Iterator[Requirement]:
        """GitLab gives every variable to every job: no file can keep one from merge requests."""
        names = {
            name: None
            for plan in plans
            if plan.started.pull_requests and plan.push == "auto"
            for login in plan.logins
            if login.pushes
            for name in (*login.secrets, *filter(None, [login.login.docker_config]))
        }
        if names:
            yield Requirement(
                "note",
                "",
                "merge requests push nothing, but GitLab gives them every variable that is not "
                f"protected: {', '.join(names)}",
                (
                    "protect these variables: Settings > CI/CD > Variables",
                    "protect the branches and tags that push: Settings > Repository",
                ),
            )
