"""What a spec says to Buildkite alone."""

import re

from ci_kaniko.kaniko.builders import HELPED
from ci_kaniko.problems.finding import Finding, Refused, no_effect, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import STRING, Makes, Platform, Present, choice, whole
from ci_kaniko.spec.model import Later, Section
from ci_kaniko.spec.native.kubernetes import (
    KubernetesName,
    LabelValue,
    QualifiedName,
    Quantity,
    Toleration,
)
from ci_kaniko.spec.native.shared import Minutes, Setting, name_with_input, native_name
from ci_kaniko.syntax.variables import Template, inputs_in
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import BuildkiteDict

_BUILDKITE_KEY = pattern(r"[A-Za-z0-9_:-]{1,100}")
_UUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _buildkite_key(text: str) -> Template:
    if not _BUILDKITE_KEY.fullmatch(native_name(text)) or _UUID.fullmatch(text):
        raise Refused(
            "buildkite-key",
            f"{quoted(text)} is not a step key",
            "letters, digits, -, _ and :, at most 100, and not a UUID",
        )
    return Template(text)


BuildkiteKey = Annotated[Template, Makes(_buildkite_key, STRING, inputs=True)]
BuildkiteRetries = Annotated[int, whole(0, 10)]


class Buildkite(Section):
    """Buildkite with agent-stack-k8s."""

    by_platform = "platform_node_selector"
    read_by_check = ("inputs",)
    read_by_check_rendered = (
        "registries",
        "push",
        "triggers",
        "destinations[]",
        "outputs[]",
        "builder",
    )

    form: Annotated[str, choice("pipeline", "steps")] = Field(
        default="pipeline",
        description="pipeline: a file for pipeline upload. steps: one that others upload, whose "
        "steps read inputs from the environment of the upload.",
        examples=["steps"],
    )
    label: Present | None = Field(
        default=None,
        description="Label of the step; :docker: Build image, or :docker: Build NAME for each of "
        "several images.",
        examples=[":docker: Shop"],
    )
    key: BuildkiteKey | None = Field(
        default=None,
        description="Key of the step; by default as the name of GitLab's job. With "
        "form: steps it can hold ${input.NAME}, and it must where the steps are uploaded twice: a "
        "build has each key once.",
        examples=["build-shop", "build-${input.channel}"],
    )
    queue: Setting = Field(
        default="kubernetes",
        description="Queue of the agent-stack-k8s controller. It can hold ${input.NAME}.",
        examples=["kubernetes"],
    )
    agents: dict[Present, Setting] = Field(
        default={},
        description="More agent tags beside the queue. They can hold ${input.NAME}.",
        examples=[{"arch": "arm64"}],
    )
    timeout_minutes: Minutes = Field(
        default=60, description="How long the step may take, in minutes.", examples=[30]
    )
    retry: BuildkiteRetries | None = Field(
        default=None, description="How often a lost agent's step is repeated.", examples=[2]
    )
    concurrency_group: Present | None = Field(
        default=None,
        description="Steps of this group run one after the other.",
        examples=["shop/image"],
    )
    secret: KubernetesName = Field(
        default="ci-kaniko",
        description="The Kubernetes Secret whose keys are the spec's secret names.",
        examples=["image-build"],
    )
    oidc_lifetime_seconds: Annotated[int, whole(30, 86400)] = Field(
        default=300,
        description="How long the token for a Package Registry is valid; its policy must allow it.",
        examples=[1800],
    )
    secrets: Annotated[str, choice("kubernetes", "buildkite")] = Field(
        default="kubernetes",
        description="Where secrets live: that Kubernetes Secret, or Buildkite's own store.",
        examples=["buildkite"],
    )
    service_account: KubernetesName | None = Field(
        default=None, description="Service account, for cloud roles.", examples=["kaniko"]
    )
    cpu: Quantity | None = Field(default=None, description="CPU request.", examples=["2"])
    memory: Quantity | None = Field(
        default=None, description="Memory request and limit.", examples=["4Gi"]
    )
    ephemeral_storage: Quantity | None = Field(
        default=None, description="Disk request and limit.", examples=["20Gi"]
    )
    node_selector: dict[QualifiedName, LabelValue] = Field(
        default={},
        description="Labels a node must have.",
        examples=[{"kubernetes.io/arch": "amd64"}],
    )
    platform_node_selector: dict[Platform, dict[QualifiedName, LabelValue]] = Field(
        default={},
        description="Labels of the nodes for each of platforms:; kubernetes.io/arch by default.",
        examples=[{"linux/arm64": {"kubernetes.io/arch": "arm64"}}],
    )
    tolerations: tuple[Later[Toleration], ...] = Field(
        default=(),
        description="Taints the pod tolerates.",
        examples=[[{"key": "dedicated", "value": "ci"}]],
    )
    cache_claim: KubernetesName | None = Field(
        default=None,
        description="The PersistentVolumeClaim that is mounted, read-only, where cache.dir says.",
        examples=["warmed-images"],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the step that ci-kaniko does not write.",
        examples=[{"priority": 1}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[BuildkiteDict]") -> None: ...

    def time_tool(self, build: Any) -> str:
        """The agent checks out, and git reads from that."""
        return "git"

    def check(self, build: Any) -> "Iterator[Finding]":
        """A file that others upload with inputs, they may upload twice."""
        if self.form == "steps" and name_with_input(build) and not inputs_in(self.key or ""):
            yield Finding(
                "input-in-name",
                ("buildkite", "key"),
                "Buildkite refuses whoever uploads the steps twice in one build, with other inputs",
                f"buildkite: {{key: {quoted(name_with_input(build))}}}",
                severity="warning",
            )

    def check_rendered(self, build: Any, spec: Any) -> "Iterator[Finding]":
        """An identity that requests are given as well, or that expires before the push."""
        from ci_kaniko.spec.pushed import pushed_logins

        requests = ["pull_requests"] * (build.triggers is None or build.triggers.pull_requests)
        requests += ["pipelines"] * (build.triggers is not None and build.triggers.pipelines)
        for where, host, login in pushed_logins(build, "buildkite"):
            meant = (
                where[-1] == "buildkite"
                or spec.outputs.buildkite
                or host == "packages.buildkite.com"
            )
            if not (meant and login.by_identity):
                continue
            if requests and build.push == "auto":
                yield Finding(
                    "credentials-in-pull-request",
                    where,
                    "Buildkite's agent gives this identity to builds of pull requests, too, "
                    "and their Dockerfile can ask for it",
                    "let the policy of the registry or cloud refuse them, or leave "
                    f"{' and '.join(requests)} out of triggers:",
                    severity="warning",
                )
            if self._is_over_early(build, login.kind):
                longer = min(60 * self.timeout_minutes, 86400)
                yield Finding(
                    "short-identity",
                    where,
                    f"the token for this lives {self.oidc_lifetime_seconds} seconds, and a push "
                    f"comes at the end of a build of up to {self.timeout_minutes} minutes",
                    f"buildkite: {{oidc_lifetime_seconds: {longer}}}, as far as the policy of the "
                    "registry or cloud allows it; or a shorter buildkite.timeout_minutes",
                    severity="warning",
                )

    def _is_over_early(self, build: Any, kind: str) -> bool:
        """Whether the token of a login is shown at the end of a build, when it may have expired.

        The clouds' are exchanged before it for builders that have no helper, and kaniko keeps what
        it got of Google for an hour.
        """
        if kind != "ci-token" and build.built_by("buildkite") not in HELPED:
            return False
        kept = 60 if kind == "google" else 0
        return max(kept, self.oidc_lifetime_seconds / 60) < self.timeout_minutes

    @property
    def store(self) -> str:
        """The field that says where secrets lie."""
        return "secrets" if self.secrets == "buildkite" else "secret"

    def unheard(self, build: Any) -> "Iterator[tuple[Finding, bool]]":
        """Settings of a store and of a token that nothing asks for."""
        if self.store == "secrets" and self.secret != type(self).model_fields["secret"].default:
            finding = no_effect(
                ("buildkite", "secret"),
                "secrets: buildkite reads every secret from Buildkite's own store",
                "remove secret:, or secrets: buildkite",
            )
            yield finding, False
        field = "oidc_lifetime_seconds"
        if self.oidc_lifetime_seconds != type(self).model_fields[field].default:
            finding = no_effect(
                ("buildkite", field),
                "no login asks Buildkite for a token",
                "remove it; ci-token and the cloud logins by identity ask for one",
            )
            from ci_kaniko.spec.pushed import pushed_logins

            logins = [registry.on("buildkite") for registry in build.registries.values()]
            logins += [login for _, _, login in pushed_logins(build, "buildkite")]
            yield finding, any(login and login.by_identity for login in logins)
