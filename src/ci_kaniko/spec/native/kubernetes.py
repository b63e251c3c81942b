"""The native sections: settings that only one CI system has, in its own words."""

# No deferred annotations here: pydantic would have to compile the text of each.

import re
from typing import Annotated, Any

from pydantic import Field

from ci_kaniko.kaniko.pins import GIT_IMAGE
from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.spec.fields import (
    LIST_OR_ONE,
    STRING,
    Boolean,
    Duration,
    Extra,
    Later,
    Model,
    Name,
    Platform,
    Present,
    PulledImage,
    Reads,
    check_plain,
    check_present,
    checked,
    choice,
    whole,
)
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.grammar import is_object_name
from ci_kaniko.syntax.scalars import as_list, as_text
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref, parse, with_inputs
from ci_kaniko.text.patterns import pattern

GITLAB_RESERVED_JOBS = {
    *("image", "services", "stages", "types", "before_script", "after_script", "variables"),
    *("cache", "include", "true", "false", "nil", "pages", "pages:deploy", "default", "workflow"),
    "spec",
}
_GITLAB_TIME = pattern(
    r"(?:\d+\s*(?:mo(?:nths?)?|w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?"
    r"|s(?:ec(?:ond)?s?)?)\s*)+|\d+"
)
_GITHUB_ID = pattern(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_DNS_LABEL = pattern(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BUILDKITE_KEY = pattern(r"[A-Za-z0-9_:-]{1,100}")
_UUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_QUANTITY = pattern(r"[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_LABEL_NAME = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def _native_name(text: str) -> str:
    """A native name with ``x`` for each input, the only variables that can stand in it."""
    grammar.check_text(text)
    refs = [part for part in parse(text) if isinstance(part, Ref)] if "${" in text else []
    for ref in refs:
        if not ref.name.startswith(INPUT_PREFIX) or ref.default is not None:
            raise Refused(
                "variable-not-allowed",
                f"a name holds no variables but inputs, and ${{{ref.name}}} is none",
                "such as build-${input.channel}, without a default of its own",
            )
    return with_inputs(text, lambda _: "x")


def _gitlab_job(text: str) -> None:
    named = _native_name(text)
    if text in GITLAB_RESERVED_JOBS:
        raise Refused(
            "gitlab-job-name",
            f"GitLab reads a job called {quoted(text)} as a global setting",
            f"such as build-{text}",
        )
    if not named or named.startswith(".") or len(named) > 255:
        raise Refused(
            "gitlab-job-name",
            f"{quoted(text)} is not a job name",
            "1 to 255 characters, not beginning with a dot: such a job is hidden and never runs",
        )


def _gitlab_time(text: str) -> None:
    if not _GITLAB_TIME.fullmatch(text):
        raise Refused(
            "gitlab-timeout",
            f"{quoted(text)} is not a time that GitLab reads",
            "such as 1h 30m, 90 minutes or 5400",
        )


def _github_id(text: str) -> None:
    if not _GITHUB_ID.fullmatch(text):
        raise Refused(
            "github-job-id",
            f"{quoted(text)} is not a job id",
            "letters, digits, - and _, beginning with a letter or _, at most 100",
        )


def _kubernetes_label_value_name(text: str) -> None:
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


def _buildkite_key(text: str) -> None:
    if not _BUILDKITE_KEY.fullmatch(_native_name(text)) or _UUID.fullmatch(text):
        raise Refused(
            "buildkite-key",
            f"{quoted(text)} is not a step key",
            "letters, digits, -, _ and :, at most 100, and not a UUID",
        )


def _agola_name(text: str) -> None:
    check_plain(text)
    if not 0 < len(text.encode()) <= 93:
        raise Refused(
            "agola-name",
            f"{quoted(text)} is not a name that Agola takes",
            "1 to 93 bytes",
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


def _read_labels(value: Any) -> tuple[str, ...]:
    labels = []
    for index, item in enumerate(as_list(value)):
        text = as_text(item)
        try:
            check_present(text)
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            raise
        labels.append(text)
    if not labels:
        raise Refused("empty-value", "the list is empty", "name at least one")
    return tuple(labels)


GitLabJob = Annotated[str, Reads(checked(_gitlab_job), STRING, "name")]
GitLabTime = Annotated[str, Reads(checked(_gitlab_time), {"type": ["string", "integer"]})]
GitHubId = Annotated[str, Reads(checked(_github_id), STRING)]
OneOrMore = Annotated[tuple[str, ...], Reads(_read_labels, LIST_OR_ONE)]
PodName = Annotated[str, Reads(checked(_kubernetes_label_value_name), STRING)]
KubernetesName = Annotated[str, Reads(checked(_kubernetes_name), STRING)]
Namespace = Annotated[str, Reads(checked(_kubernetes_namespace), STRING)]
Quantity = Annotated[str, Reads(checked(_quantity), {"type": ["string", "number"]})]
QualifiedName = Annotated[str, Reads(checked(_qualified_name), STRING)]
LabelValue = Annotated[str, Reads(checked(_label_value), STRING)]
Minutes = Annotated[int, whole(1, 360 * 24)]
Seconds = Annotated[int, whole(1, 2147483647)]
BuildkiteKey = Annotated[str, Reads(checked(_buildkite_key), STRING)]
BuildkiteRetries = Annotated[int, whole(0, 10)]
AgolaName = Annotated[str, Reads(checked(_agola_name), STRING, "name")]
GitLabRetries = Annotated[int, whole(0, 2)]


class GitLab(Model):
    """GitLab CI."""

    form: Annotated[str, choice("pipeline", "child", "include", "component")] = Field(
        default="pipeline",
        description="pipeline: a .gitlab-ci.yml. child: a file for trigger: include:. include: a "
        "file for include:, without stages. component: a template of a CI/CD component, with "
        "spec: inputs.",
        examples=["component"],
    )
    job: GitLabJob | None = Field(
        default=None,
        description="Name of the job; build-image, or build-NAME for each of several images, or "
        "after the spec's folder or file where that is not ci-kaniko.yaml at the root. "
        "In a file for include: it can hold ${input.NAME}, and it must where the file is included "
        "twice: two jobs of one name become one.",
        examples=["build-shop", "build-${input.channel}"],
    )
    stage: Name | None = Field(
        default=None,
        description="Stage of the job; GitLab's default is test. Of a component it is what the "
        "input stage is when nobody gives it.",
        examples=["build"],
    )
    tags: OneOrMore | None = Field(
        default=None, description="Tags a runner must have, all of them.", examples=[["k8s"]]
    )
    platform_tags: dict[Platform, OneOrMore] = Field(
        default={},
        description="Tags of the runners for each of platforms:; GitLab.com's own by default.",
        examples=[{"linux/arm64": ["arm64"]}],
    )
    timeout: GitLabTime | None = Field(
        default=None, description="How long the job may take.", examples=["1h 30m"]
    )
    retry: GitLabRetries | None = Field(
        default=None,
        description="How often GitLab repeats a job that its runner lost; a failed build is not "
        "repeated.",
        examples=[1],
    )
    needs: tuple[Name, ...] | None = Field(
        default=None,
        description="Jobs to wait for instead of the earlier stages; [] waits for none.",
        examples=[["test"]],
    )
    resource_group: Present | None = Field(
        default=None, description="Jobs of this group run one at a time.", examples=["shop"]
    )
    interruptible: Boolean | None = Field(
        default=None,
        description="A newer pipeline cancels the job, a running push included; when left out, "
        "it does so for merge requests only.",
        examples=[True],
    )
    dependency_proxy: Boolean = Field(
        default=False,
        description="Log in to the group's dependency proxy, for base images; the Dockerfile "
        "names them with CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX, passed as a build arg.",
        examples=[True],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the job that ci-kaniko does not write.",
        examples=[{"environment": "staging"}],
    )


class GitHub(Model):
    """GitHub Actions."""

    mode: Annotated[str, choice("docker", "container")] = Field(
        default="docker",
        description="docker: docker run on the runner. container: the job runs in the executor's "
        "image and fetches the repository itself, for runners without a Docker daemon.",
        examples=["container"],
    )
    form: Annotated[str, choice("workflow", "jobs", "reusable")] = Field(
        default="workflow",
        description="workflow: triggers start it. jobs: for a workflow whose on: somebody else "
        "writes, so each job asks for its events; mode: merge of an output chooses it. reusable: "
        "other workflows call it.",
        examples=["reusable"],
    )
    workflow: Name | None = Field(
        default=None,
        description="Name of the workflow; that of its file under outputs:, or image.",
        examples=["Images"],
    )
    job: GitHubId | None = Field(
        default=None,
        description="Id of the job; image, or build-NAME for each of several images.",
        examples=["shop"],
    )
    runs_on: OneOrMore = Field(
        default=("ubuntu-24.04",),
        description="Label of the runner, or a list; it needs a Docker daemon.",
        examples=["ubuntu-24.04", ["self-hosted", "linux"]],
    )
    platform_runs_on: dict[Platform, OneOrMore] = Field(
        default={},
        description="Labels of the runners for each of platforms:; GitHub's own by default.",
        examples=[{"linux/arm64": "ubuntu-24.04-arm"}],
    )
    timeout_minutes: Minutes = Field(
        default=60, description="How long the job may take, in minutes.", examples=[30]
    )
    environment: Present | None = Field(
        default=None,
        description="Deployment environment whose secrets and rules apply.",
        examples=["production"],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the job that ci-kaniko does not write.",
        examples=[{"continue-on-error": True}],
    )


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


class Kubernetes(Model):
    """A Kubernetes manifest."""

    kind: Annotated[str, choice("Pod", "Job")] = Field(
        default="Pod", description="Pod, or a Job that removes itself.", examples=["Job"]
    )
    clone: Boolean = Field(
        default=False,
        description="Clone the repository in an init container instead of letting kaniko do it.",
        examples=[True],
    )
    clone_image: PulledImage = Field(
        default=GIT_IMAGE,
        description="Image of that init container: it needs git and a shell.",
        examples=[GIT_IMAGE],
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


class Buildkite(Model):
    """Buildkite with agent-stack-k8s."""

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
    queue: Present = Field(
        default="kubernetes",
        description="Queue of the agent-stack-k8s controller.",
        examples=["kubernetes"],
    )
    agents: dict[Present, Present] = Field(
        default={}, description="More agent tags beside the queue.", examples=[{"arch": "arm64"}]
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


class Agola(Model):
    """Agola."""

    run: AgolaName | None = Field(
        default=None,
        description="Name of the run, by default as that of GitLab's job, and of its task; several "
        "images have a task each, build-NAME.",
        examples=["build-shop"],
    )
    arch: Annotated[str, choice("386", "amd64", "arm", "arm64")] | None = Field(
        default=None, description="Architecture of the executor.", examples=["amd64"]
    )
    timeout: Duration = Field(
        default="1h", description="How long each task may take, a Go duration.", examples=["30m"]
    )
    checkout_image: PulledImage | None = Field(
        default=None,
        description="Image of the task that clones: it needs git, ssh and a shell. By default "
        f"{GIT_IMAGE}; with prepare: its own image clones.",
        examples=["registry.example.com/mirror/git:2.52.0"],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the executor's task that ci-kaniko does not write; "
        "docker_registries_auth, the login for pulling the images, is for both tasks.",
        examples=[{"ignore_failure": True}],
    )
