"""How Agola is made ready."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.references import DOCKER_HUB
from ci_kaniko.targets.setup import NAMESPACES, Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.secrets import Use


class AgolaSetup(Setup):
    """Secrets of the project, and variables that take theirs from them."""

    def secret(self, plan: Plan, name: str, use: Use) -> Iterator[str]:
        yield f"agola projectsecret create --project PROJECT --name {name} -f - <<'END'"
        yield f"{name}: THE_VALUE"
        yield "END"
        yield f"agola projectvariable create --project PROJECT --name {name} -f - <<'END'"
        yield f"- secret_name: {name}"
        yield f"  secret_var: {name}"
        yield "END"

    def variable(self, plan: Plan, name: str) -> str:
        return f"agola projectsecret and projectvariable create, as for a secret: {name}"

    def allows(self, builder: Builder, plan: Plan) -> Iterator[str]:
        yield "the executor runs privileged containers, as its configuration has to say"
        yield NAMESPACES

    def pull(self, plan: Plan, host: str) -> Iterator[str]:
        key = "index.docker.io" if host == DOCKER_HUB else host
        yield f"agola: {{extra: {{docker_registries_auth: {{{key}: ...}}}}}} in the spec"
