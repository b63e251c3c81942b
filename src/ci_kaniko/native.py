"""The native sections: settings that only one CI system has, in its own words."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from ci_kaniko.fields import (
    LIST_OR_ONE,
    STRING,
    Boolean,
    Extra,
    Model,
    Present,
    Reads,
    check_plain,
    checked,
    choice,
    whole,
)
from ci_kaniko.findings import Refused, quoted
from ci_kaniko.grammar import is_object_name
from ci_kaniko.scalars import as_list, as_text

GITLAB_RESERVED_JOBS = {
    *("image", "services", "stages", "types", "before_script", "after_script", "variables"),
    *("cache", "include", "true", "false", "nil", "pages", "pages:deploy", "default", "workflow"),
    "spec",
}
_GITLAB_TIME = re.compile(
    r"(?:\d+\s*(?:mo(?:nths?)?|w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?"
    r"|s(?:ec(?:ond)?s?)?)\s*)+|\d+"
)
_GITHUB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def _gitlab_job(text: str) -> None:
    check_plain(text)
    if text in GITLAB_RESERVED_JOBS:
        raise Refused(
            "gitlab-job-name",
            f"GitLab reads a job called {quoted(text)} as a global setting",
            f"such as build-{text}",
        )
    if not text or text.startswith(".") or len(text) > 255:
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
            check_plain(text)
            if not text:
                raise Refused("empty-value", "the text is empty", "write a value")
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            raise
        labels.append(text)
    if not labels:
        raise Refused("empty-value", "the list is empty", "write at least one")
    return tuple(labels)


GitLabJob = Annotated[str, Reads(checked(_gitlab_job), STRING)]
GitLabTime = Annotated[str, Reads(checked(_gitlab_time), {"type": ["string", "integer"]})]
GitHubId = Annotated[str, Reads(checked(_github_id), STRING)]
OneOrMore = Annotated["tuple[str, ...]", Reads(_read_labels, LIST_OR_ONE)]
PodName = Annotated[str, Reads(checked(_kubernetes_label_value_name), STRING)]
KubernetesName = Annotated[str, Reads(checked(_kubernetes_name), STRING)]
Namespace = Annotated[str, Reads(checked(_kubernetes_namespace), STRING)]
Quantity = Annotated[str, Reads(checked(_quantity), {"type": ["string", "number"]})]
QualifiedName = Annotated[str, Reads(checked(_qualified_name), STRING)]
LabelValue = Annotated[str, Reads(checked(_label_value), STRING)]
Minutes = Annotated[int, whole(1, 360 * 24)]
Seconds = Annotated[int, whole(1, 2147483647)]
GitLabRetries = Annotated[int, whole(0, 2)]


class GitLab(Model):
    """GitLab CI."""

    job: GitLabJob = Field(
        default="build-image", description="Name of the job.", examples=["build-shop"]
    )
    stage: Present | None = Field(
        default=None, description="Stage of the job; GitLab's default is test.", examples=["build"]
    )
    tags: OneOrMore | None = Field(
        default=None, description="Tags a runner must have, all of them.", examples=[["k8s"]]
    )
    timeout: GitLabTime | None = Field(
        default=None, description="How long the job may take.", examples=["1h 30m"]
    )
    retry: GitLabRetries | None = Field(
        default=None, description="How often GitLab repeats a failed job.", examples=[1]
    )
    interruptible: Boolean | None = Field(
        default=None,
        description="A newer pipeline cancels the job, a running push included.",
        examples=[True],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the job that ci-kaniko does not write.",
        examples=[{"environment": "staging"}],
    )


class GitHub(Model):
    """GitHub Actions."""

    workflow: Present = Field(
        default="image", description="Name of the workflow.", examples=["Images"]
    )
    job: GitHubId = Field(default="image", description="Id of the job.", examples=["shop"])
    runs_on: OneOrMore = Field(
        default=("ubuntu-24.04",),
        description="Label of the runner, or a list; it needs a Docker daemon.",
        examples=["ubuntu-24.04", ["self-hosted", "linux"]],
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

    name: PodName = Field(
        default="build-image",
        description="What the Pod's name begins with; the rest is random.",
        examples=["build-shop"],
    )
    namespace: Namespace | None = Field(
        default=None, description="Namespace.", examples=["ci"]
    )
    secret: KubernetesName = Field(
        default="ci-kaniko",
        description="The Secret whose keys are the spec's secret names.",
        examples=["image-build"],
    )
    service_account: KubernetesName | None = Field(
        default=None, description="Service account, for cloud roles.", examples=["kaniko"]
    )
    cpu: Quantity | None = Field(default=None, description="CPU request.", examples=["2"])
    memory: Quantity | None = Field(
        default=None, description="Memory request and limit.", examples=["4Gi"]
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
    tolerations: tuple[Toleration, ...] = Field(
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
        default={}, description="Labels of the Pod.", examples=[{"app": "shop"}]
    )
    image_pull_secrets: tuple[KubernetesName, ...] = Field(
        default=(),
        description="Secrets for pulling the executor's own image.",
        examples=[["mirror"]],
    )
    deadline_seconds: Seconds = Field(
        default=3600, description="How long the build may take, in seconds.", examples=[1800]
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the Pod's spec that ci-kaniko does not write.",
        examples=[{"priorityClassName": "ci"}],
    )


