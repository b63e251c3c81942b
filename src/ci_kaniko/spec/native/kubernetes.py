"""What a spec says to Kubernetes alone."""

# No deferred annotations here: pydantic would have to compile the text of each.

from ci_kaniko.kaniko.builders import FETCHING
from ci_kaniko.problems.finding import Finding, Refused, no_effect, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import STRING, Boolean, Present, Reads, checked, choice
from ci_kaniko.spec.model import Later, Model, Section
from ci_kaniko.spec.native.shared import Seconds
from ci_kaniko.syntax.grammar import is_object_name
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import KubernetesDict, TolerationDict

_DNS_LABEL = pattern(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_QUANTITY = pattern(r"[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_LABEL_NAME = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def _pod_name(text: str) -> None:
    if not _DNS_LABEL.fullmatch(text) or len(text) > 57:
        raise Refused(
            "kubernetes-name",
            f"{quoted(text)} cannot begin the name of a Pod",
            "lower-case letters, digits and -, at most 57: five random ones are appended",
        )


def _kubernetes_name(text: str) -> None:
    if not is_object_name(text):
        raise Refused(
            "kubernetes-name",
            f"{quoted(text)} is not a Kubernetes name",
            "lower-case letters, digits, - and ., beginning and ending with a letter or digit",
        )


def _kubernetes_namespace(text: str) -> None:
    if not _DNS_LABEL.fullmatch(text):
        raise Refused(
            "kubernetes-name",
            f"{quoted(text)} is not a namespace",
            "lower-case letters, digits and -, at most 63",
        )


def _quantity(text: str) -> None:
    if not _QUANTITY.fullmatch(text):
        raise Refused(
            "kubernetes-quantity",
            f"{quoted(text)} is not a quantity",
            "a number with a unit such as 500m, 2, 512Mi or 4Gi; GB is written G or Gi",
        )


def _qualified_name(text: str) -> None:
    prefix, slash, name = text.rpartition("/")
    if (slash and not is_object_name(prefix)) or not _LABEL_NAME.fullmatch(name):
        raise Refused(
            "kubernetes-label",
            f"{quoted(text)} is not a label or annotation key",
            "a name of at most 63 letters, digits, - _ ., with an optional prefix and /",
        )


def _label_value(text: str) -> None:
    if text and not _LABEL_NAME.fullmatch(text):
        raise Refused(
            "kubernetes-label",
            f"{quoted(text)} is not a label value",
            "at most 63 letters, digits, - _ .; anything else goes into annotations",
        )


PodName = Annotated[str, Reads(checked(_pod_name), STRING)]
KubernetesName = Annotated[str, Reads(checked(_kubernetes_name), STRING)]
Namespace = Annotated[str, Reads(checked(_kubernetes_namespace), STRING)]
Quantity = Annotated[str, Reads(checked(_quantity), {"type": ["string", "number"]})]
QualifiedName = Annotated[str, Reads(checked(_qualified_name), STRING)]
LabelValue = Annotated[str, Reads(checked(_label_value), STRING)]


class Toleration(Model):
    """A taint that the Pod tolerates."""

    key: QualifiedName | None = Field(
        default=None, description="Key of the taint.", examples=["dedicated"]
    )
    operator: Annotated[str, choice("Equal", "Exists")] = Field(
        default="Equal", description="Equal or Exists.", examples=["Exists"]
    )
    value: LabelValue | None = Field(
        default=None, description="Value of the taint; not with Exists.", examples=["ci"]
    )
    effect: Annotated[str, choice("NoSchedule", "PreferNoSchedule", "NoExecute")] | None = Field(
        default=None, description="Which effect; all when left out.", examples=["NoSchedule"]
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[TolerationDict]") -> None: ...


class Kubernetes(Section):
    """A Kubernetes manifest."""

    kind: Annotated[str, choice("Pod", "Job")] = Field(
        default="Pod", description="Pod, or a Job that removes itself.", examples=["Job"]
    )
    clone: Boolean = Field(
        default=False,
        description="Clone the repository in an init container instead of letting kaniko do it.",
        examples=[True],
    )
    ttl_seconds: Seconds = Field(
        default=3600,
        description="How long a finished Job is kept, its logs included, in seconds.",
        examples=[86400],
    )
    name: PodName | None = Field(
        default=None,
        description="What the Pod's name begins with; the rest is random. By default it is named "
        "as GitLab's job.",
        examples=["build-shop"],
    )
    namespace: Namespace | None = Field(default=None, description="Namespace.", examples=["ci"])
    secret: KubernetesName = Field(
        default="ci-kaniko",
        description="The Secret whose keys are the spec's secret names.",
        examples=["image-build"],
    )
    service_account: KubernetesName | None = Field(
        default=None, description="Service account, for cloud roles.", examples=["kaniko"]
    )
    cpu: Quantity = Field(default="500m", description="CPU request.", examples=["2"])
    memory: Quantity | None = Field(
        default=None,
        description="Memory request and limit; without it a request of 1Gi and no limit.",
        examples=["4Gi"],
    )
    ephemeral_storage: Quantity | None = Field(
        default=None,
        description="Disk request and limit; the unpacked image lies there.",
        examples=["20Gi"],
    )
    node_selector: dict[QualifiedName, LabelValue] = Field(
        default={},
        description="Labels a node must have.",
        examples=[{"kubernetes.io/arch": "amd64"}],
    )
    tolerations: tuple[Later[Toleration], ...] = Field(
        default=(),
        description="Taints the Pod tolerates.",
        examples=[[{"key": "dedicated", "value": "ci", "effect": "NoSchedule"}]],
    )
    annotations: dict[QualifiedName, Present] = Field(
        default={},
        description="Annotations of the Pod.",
        examples=[{"sidecar.istio.io/inject": "false"}],
    )
    labels: dict[QualifiedName, LabelValue] = Field(
        default={},
        description="Labels of the Pod, beside app.kubernetes.io/name, component and managed-by.",
        examples=[{"app": "shop"}],
    )
    image_pull_secrets: tuple[KubernetesName, ...] = Field(
        default=(),
        description="Secrets for pulling the executor's own image.",
        examples=[["mirror"]],
    )
    cache_claim: KubernetesName | None = Field(
        default=None,
        description="The PersistentVolumeClaim that is mounted, read-only, where cache.dir says.",
        examples=["warmed-images"],
    )
    deadline_seconds: Seconds = Field(
        default=3600, description="How long the build may take, in seconds.", examples=[1800]
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the Pod's spec that ci-kaniko does not write.",
        examples=[{"priorityClassName": "ci"}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[KubernetesDict]") -> None: ...

    def tools(self, build: Any) -> set[str]:
        """No platforms are joined there."""
        fetched = (self.builder or build.builder) in FETCHING
        checked_out = self.clone or build.prepare is not None or not fetched
        clones = build.context.is_checked_out and checked_out
        asks = {"curl"} if build.asks_before("kubernetes") else set()
        return super().tools(build) - {"regctl"} | ({"git"} if clones else set()) | asks

    def fetches(self, build: Any) -> bool:
        """Nothing checks out before a Pod starts."""
        return True

    @property
    def store(self) -> str:
        """The field that says where secrets lie."""
        return "secret"

    def unheard(self, build: Any) -> "Iterator[tuple[Finding, bool]]":
        """Settings of a Job, and of a clone that is made in any case."""
        if self.ttl_seconds != type(self).model_fields["ttl_seconds"].default:
            finding = no_effect(
                ("kubernetes", "ttl_seconds"),
                "a Pod stays until somebody removes it; only a Job ends by the clock",
                "add kind: Job",
            )
            yield finding, self.kind == "Job"
        if self.clone:
            builder = self.builder or build.builder
            message = (
                "prepare: clones in any case, for its commands"
                if build.prepare
                else f"for {builder} the repository is cloned in any case"
            )
            is_heard = not build.prepare and builder in FETCHING
            yield no_effect(("kubernetes", "clone"), message, "remove it"), is_heard
