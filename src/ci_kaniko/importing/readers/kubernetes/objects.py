"""Kubernetes' Pods and Jobs that run the executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import literal
from ci_kaniko.importing.jobs import Facts, Job, Root, put
from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.kubernetes.argo import as_pipeline
from ci_kaniko.importing.readers.kubernetes.tekton import Callers, callers_in, named, tekton_jobs
from ci_kaniko.importing.readers.pods.before import read_before
from ci_kaniko.importing.readers.pods.containers import (
    calls_of,
    filled,
    handed_over,
    read_environment,
    runs_executor,
)
from ci_kaniko.importing.readers.pods.settings import fixed, metadata_settings, pod_settings
from ci_kaniko.importing.readers.pods.volumes import (
    annotation_files,
    read_volumes,
    volumes_of,
)
from ci_kaniko.importing.ticked import Map, ignore, line_of, maps, peek, string
from ci_kaniko.kaniko.builders import BUILDER_IMAGES, KANIKO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original


_RECOMMENDED = "app.kubernetes.io"
_WRITTEN = {"automountServiceAccountToken": "false", "enableServiceLinks": "false"}
"""What ci-kaniko writes into each Pod; any other value is for the reader of the report."""
_READ = {
    *_WRITTEN,
    *("restartPolicy", "containers", "initContainers", "volumes", "securityContext"),
    *("serviceAccountName", "serviceAccount", "nodeSelector", "tolerations"),
    *("imagePullSecrets", "activeDeadlineSeconds"),
}
"""Keys of a Pod's spec that have a field, or that ci-kaniko writes: all others are extra."""
_FACTS = Facts("kubernetes", outputs=(Root(("/kaniko/output",)),), goes_on=True, names_none=True)
_MESSAGE = "/dev/termination-log"
_OUTPUT = "/kaniko/output/"


def jobs(original: Original) -> Iterator[Job]:
    """The containers of a manifest that run the executor."""
    callers = callers_in(original)
    found = [(root, list(_object(root, original, callers))) for root in _objects(original.roots)]
    first = next((made[0] for _, made in found if made), None)
    found += [(root, []) for root in callers.holders]
    for root, made in found:
        yield from made
        if made:
            later(made[0], root, "keep it by hand where the build needs it")
        elif first is not None and root:
            first.tell("other-object", line_of(root), root.peek("kind"), named(root))


def _objects(roots: Any) -> Iterator[Map]:
    for root in roots:
        if isinstance(root, Map) and root.peek("kind") == "List":
            yield from _objects(root.get("items") or ())
        elif isinstance(root, Map):
            yield root


def _object(root: Map, original: Original, callers: Callers) -> Iterator[Job]:
    if "tekton.dev" in root.peek("apiVersion"):
        yield from tekton_jobs(root, original, callers)
        return
    if "argoproj.io" in root.peek("apiVersion"):
        for given in callers.workflows.pop(named(root), [[]]):
            made = [*tekton_jobs(as_pipeline(root, given, callers.templates), original, callers)]
            yield from made
            callers.left -= len(made)
            if callers.left <= 0:
                return
        return
    spec = root.mapping("spec")
    kind = root.peek("kind")
    holder = spec.mapping("jobTemplate").mapping("spec") if kind == "CronJob" else spec
    template = holder.mapping("template")
    pod = template.mapping("spec") if template else spec
    running = [item for key in ("initContainers", "containers") for item in maps(pod.get(key))]
    running = [item for item in running if runs_executor(item)]
    if not running:
        return
    ignore_keys(root, "Kubernetes object")
    if kind == "CronJob":
        original.report.tell(
            "cron-job", original.path, spec.line_of("schedule"), spec.string("schedule")
        )
    settings: dict[str, Any] = {"kind": "Job"} if template else {}
    if kind in {"Job", "CronJob"}:
        _job_settings(holder, settings, original)
    metadata = root.mapping("metadata")
    inner = template.mapping("metadata") if template else metadata
    for container in running:
        job = _container_job(container, pod, original)
        clone = {"clone": True} if job.section.pop("clone", False) else {}
        _settings(job, pod, container, metadata, inner, {**settings, **clone})
        if "name" in metadata and kind != "CronJob":
            shown = settings.get("kind", "Pod"), job.name or "so"
            job.tell("fixed-name", metadata.line_of("name"), *shown)
        _container_settings(job, pod, container)
        if len(running) > 1:
            job.name = container.peek("name") or job.name
        yield job


def _job_settings(spec: Map, settings: dict[str, Any], original: Original) -> None:
    put(settings, "ttl_seconds", spec.number("ttlSecondsAfterFinished"), 3600)
    put(settings, "deadline_seconds", spec.number("activeDeadlineSeconds"))
    limit = spec.native("backoffLimit")
    if limit is None or limit:
        shown = "6 by default" if limit is None else str(limit)
        original.report.tell("repeated-job", original.path, spec.line_of("backoffLimit"), shown)


def _container_job(container: Map, pod: Map, original: Original) -> Job:
    """A container as a job: by its arguments, or by the script that it runs."""
    job = Job(_FACTS, "", original, line_of(container))
    ignore_keys(container, "Kubernetes container")
    job.image = filled(job, container.get("image"))
    job.image_line = container.line_of("image")
    read_environment(job, container)
    read_volumes(job, pod, container)
    folder = container.string("workingDir")
    if folder:
        job.folder = (folder,)
    before = tuple(read_before(job, pod, container))
    job.calls = calls_of(job, container, before=before)
    given = container.peek("terminationMessagePath")
    said = "the digest is the message of the container, as digest: true makes it"
    path = given or _MESSAGE
    if path.startswith(_OUTPUT):
        container.string("terminationMessagePath")
    if not path.startswith(_OUTPUT) or path == f"{_OUTPUT}digest":
        calls = handed_over(job, job.calls, (path,), said)
        if calls != job.calls:
            container.string("terminationMessagePath")
        job.calls = calls
    return job


def _settings(
    job: Job, pod: Map, container: Map, metadata: Map, inner: Map, base: dict[str, Any]
) -> None:
    """What the section of the target says of the object and of its Pod."""
    section = job.section
    section.update(base)
    key = "name" if "name" in metadata else "generateName"
    name = fixed(job, metadata.get(key), "name", metadata.line_of(key)).rstrip("-")
    job.name = name
    put(section, "name", name, "build-image")
    used = _google_document(job, pod, container, inner.mapping("annotations"))
    built = (call.builder for call in job.calls if call.builder in BUILDER_IMAGES)
    ours = {
        f"{_RECOMMENDED}/name": next(built, KANIKO),
        f"{_RECOMMENDED}/managed-by": "ci-kaniko",
        f"{_RECOMMENDED}/component": name,
    }
    metadata_settings(job, inner, section)
    if inner is not metadata and "namespace" in metadata:
        metadata_settings(job, metadata.kept("namespace".__eq__), section)
    for key in ("annotations", "labels"):
        kept = section.pop(key, {})
        own = {each for each, text in kept.items() if ours.get(each) == text} | used
        put(section, key, {each: text for each, text in kept.items() if each not in own})
        for label, value in metadata.mapping(key).items():
            if peek(value) == peek(inner.mapping(key).get(label)):
                string(value)
    put(section, "deadline_seconds", pod.number("activeDeadlineSeconds"))
    if section.get("deadline_seconds") == 3600:
        del section["deadline_seconds"]


def _google_document(job: Job, pod: Map, container: Map, annotations: Map) -> set[str]:
    """The annotation that the executor finds as its Google credentials; its key."""
    path = literal(job.environment.get("GOOGLE_APPLICATION_CREDENTIALS", ())) or ""
    for file, (nodes, field) in annotation_files(container, volumes_of(pod)).items():
        key = field.removeprefix("metadata.annotations['").removesuffix("']")
        if file == path and "external_account" in annotations.peek(key):
            job.google_document = string(annotations[key])
            ignore(*nodes)
            return {key}
    return set()


def _container_settings(job: Job, pod: Map, container: Map) -> None:
    section = job.section
    pod_settings(job, pod, container, section)
    secrets = [item.string("name") for item in maps(pod.get("imagePullSecrets"))]
    put(section, "image_pull_secrets", secrets)
    restart = pod.string("restartPolicy")
    if restart != "Never":
        job.tell("restart-policy", pod.line_of("restartPolicy"), restart or "Always by default")
    for key, value in _WRITTEN.items():
        if pod.peek(key) == value:
            pod.string(key)
    job.keep_extra(pod, _READ)
