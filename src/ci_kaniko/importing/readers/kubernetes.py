"""Kubernetes' Pods and Jobs that run the executor; those of Tekton are handed on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers import documents
from ci_kaniko.importing.readers.containers import (
    calls_of,
    claims_of,
    mounts_of,
    read_environment,
    runs_executor,
    string_list,
    volumes_of,
)
from ci_kaniko.importing.readers.documents import Map, line_of, mapping, native, sequence, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_RECOMMENDED = "app.kubernetes.io"
_OWN_LABELS = {f"{_RECOMMENDED}/name": "kaniko", f"{_RECOMMENDED}/managed-by": "ci-kaniko"}
_DEFAULT_POD = {
    "restartPolicy",
    "containers",
    "initContainers",
    "volumes",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "securityContext",
    "terminationGracePeriodSeconds",
    "dnsPolicy",
}


def jobs(document: Document, report: Report) -> Iterator[Job]:
    """The containers of a manifest that run the executor."""
    for root in document.roots:
        yield from _object(root, document, report)


def _object(root: Any, document: Document, report: Report) -> Iterator[Job]:
    if not isinstance(root, Map):
        return
    kind = string(root.get("kind"))
    if kind == "List":
        for item in sequence(root.get("items")):
            yield from _object(item, document, report)
        return
    if "tekton.dev" in string(root.get("apiVersion")):
        from ci_kaniko.importing.readers.tekton import tekton_jobs

        yield from tekton_jobs(root, document, report)
        return
    spec = mapping(root.get("spec"))
    settings: dict[str, Any] = {}
    pod = spec
    metadata = mapping(root.get("metadata"))
    if kind == "CronJob":
        report.left(
            "cron-job",
            f"the schedule {string(spec.get('schedule'))} of the CronJob",
            document.path,
            spec.line_of("schedule"),
            "keep the CronJob and put the rendered Pod into it",
        )
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    if "template" in spec:
        template = mapping(spec.get("template"))
        pod = mapping(template.get("spec"))
        inner = mapping(template.get("metadata"))
        settings["kind"] = "Job"
        if kind == "Job":
            _job_settings(spec, settings, document, report)
        yield from _pod(pod, metadata, inner, settings, document, report)
        return
    yield from _pod(pod, metadata, metadata, settings, document, report)


def _job_settings(spec: Map, settings: dict[str, Any], document: Document, report: Report) -> None:
    ttl = native(spec.get("ttlSecondsAfterFinished"))
    if isinstance(ttl, int) and ttl != 3600:
        settings["ttl_seconds"] = ttl
    deadline = native(spec.get("activeDeadlineSeconds"))
    if isinstance(deadline, int):
        settings["deadline_seconds"] = deadline
    limit = native(spec.get("backoffLimit"))
    if limit is None or limit:
        shown = "6 by default" if limit is None else str(limit)
        report.mended(
            "repeated-job",
            f"backoffLimit is {shown}: a failed build runs again and again",
            document.path,
            spec.line_of("backoffLimit"),
            "a Job runs once",
        )


def _pod(
    pod: Map,
    metadata: Map,
    inner: Map,
    settings: dict[str, Any],
    document: Document,
    report: Report,
) -> Iterator[Job]:
    volumes = volumes_of(pod)
    for container in sequence(pod.get("containers")):
        if not isinstance(container, Map):
            continue
        if not runs_executor(container):
            continue
        job = _container_job(container, volumes, document, report)
        job.name = string(metadata.get("name")) or string(metadata.get("generateName")).rstrip("-")
        job.roots += _cloned(pod, container)
        _settings(job, pod, metadata, inner, settings)
        yield job


def _container_job(
    container: Map, volumes: dict[str, Map], document: Document, report: Report
) -> Job:
    """A container as a job: by its arguments, or by the script that it runs."""
    line = line_of(container)
    job = Job("kubernetes", string(container.get("name")), document.path, line, report)
    image = string(container.get("image"))
    job.image = (image,) if image else ()
    job.image_line = container.line_of("image")
    read_environment(job, container)
    job.mounts = mounts_of(container, volumes)
    job.claims = claims_of(container, volumes)
    job.outputs = [Root(("/kaniko/output",))]
    job.calls = calls_of(job, container)
    return job


# -- volumes -----------------------------------------------------------------------------------


def _cloned(pod: Map, container: Map) -> list[Root]:
    """Volumes into which an init container clones the repository."""
    mounts = {
        string(mapping(item).get("name")): string(mapping(item).get("mountPath"))
        for item in sequence(container.get("volumeMounts"))
    }
    found = []
    for init in sequence(pod.get("initContainers")):
        entry = mapping(init)
        text = " ".join([*string_list(entry.get("command")), *string_list(entry.get("args"))])
        clones = re.search(r"\bclone\b|\bfetch\b|git-sync", text) or "git" in string(
            entry.get("image")
        )
        for mount in sequence(entry.get("volumeMounts")) if clones else []:
            name = string(mapping(mount).get("name"))
            path = string(mapping(mount).get("mountPath"))
            if name in mounts and (path in text or "clone" in text):
                deeper = re.search(rf"{re.escape(path)}/([\w./-]+)", text)
                at = mounts[name].rstrip("/")
                if deeper and "clone" in text and ".git" not in deeper[1]:
                    found.append(Root((f"{at}/{deeper[1]}",)))
                found.append(Root((at,)))
    return found


# -- settings ----------------------------------------------------------------------------------


def _settings(job: Job, pod: Map, metadata: Map, inner: Map, base: dict[str, Any]) -> None:
    section = job.section
    store = section.pop("secret", None)
    section.update(base)
    if _clones(job, pod):
        section["clone"] = True
        _settings_of_clone(job, pod)
    name = job.name
    if name and name not in {"build-image", "kaniko"} and re.fullmatch(r"[a-z0-9-]{1,57}", name):
        section["name"] = name
    if "name" in metadata:
        job.mended(
            "fixed-name",
            f"a {base.get('kind', 'Pod')} called {string(metadata['name'])} cannot be made twice",
            metadata.line_of("name"),
            "generateName and kubectl create: each build has a name of its own",
        )
    if "namespace" in metadata:
        section["namespace"] = string(metadata.get("namespace"))
    if store:
        section["secret"] = store
    container = job_container(pod, job.line)
    pod_settings(job, pod, container, section)
    _leave_out_defaults(container, section)
    ours = {**_OWN_LABELS, f"{_RECOMMENDED}/component": name}
    for key in ("annotations", "labels"):
        values = {k: string(v) for k, v in mapping(inner.get(key)).items()}
        values = {k: text for k, text in values.items() if ours.get(k) != text}
        if values:
            section[key] = values
    secrets = [string(mapping(item).get("name")) for item in sequence(pod.get("imagePullSecrets"))]
    if secrets:
        section["image_pull_secrets"] = secrets
    deadline = native(pod.get("activeDeadlineSeconds"))
    if isinstance(deadline, int):
        section["deadline_seconds"] = deadline
    if section.get("deadline_seconds") == 3600:
        del section["deadline_seconds"]
    restart = string(pod.get("restartPolicy"))
    if restart != "Never":
        job.mended(
            "restart-policy",
            f"restartPolicy is {restart or 'Always by default'}: the build runs again for ever",
            pod.line_of("restartPolicy"),
            "Never",
        )
    known = {
        *_DEFAULT_POD,
        "serviceAccountName",
        "serviceAccount",
        "nodeSelector",
        "tolerations",
        "imagePullSecrets",
        "activeDeadlineSeconds",
    }
    extra = {key: native(value) for key, value in pod.items() if key not in known}
    if extra:
        section["extra"] = extra


def _leave_out_defaults(container: Map, section: dict[str, Any]) -> None:
    """Requests that ci-kaniko makes by itself."""
    limits = mapping(mapping(container.get("resources")).get("limits"))
    defaults = {"cpu": "500m", "memory": "1Gi"}
    for key, size in defaults.items():
        if section.get(key) == size and key not in limits:
            del section[key]


def _clones(job: Job, pod: Map) -> bool:
    return bool(job.roots) or any(
        "git" in string(mapping(item).get("image")) for item in sequence(pod.get("initContainers"))
    )


def _settings_of_clone(job: Job, pod: Map) -> None:
    """How an init container clones as ours does: its login, submodules and depth."""
    for item in map(mapping, sequence(pod.get("initContainers"))):
        text = " ".join([*string_list(item.get("command")), *string_list(item.get("args"))])
        if "git" not in string(item.get("image")):
            continue
        for variable in map(mapping, sequence(item.get("env"))):
            name = string(variable.get("name"))
            source = mapping(mapping(variable.get("valueFrom")).get("secretKeyRef"))
            if name == "GIT_PASSWORD" and source:
                job.shared.setdefault("git", {})["token"] = string(source.get("key"))
            elif name == "GIT_USERNAME" and string(variable.get("value")) != "oauth2":
                job.shared.setdefault("git", {})["username"] = string(variable.get("value"))
        checkout: dict[str, Any] = {}
        if "submodule update" in text:
            checkout["submodules"] = "recursive" if "--recursive" in text else True
        depth = re.search(r"--depth[= ]([0-9]+)", text)
        if depth:
            checkout["depth"] = int(depth[1])
        if checkout:
            job.shared["checkout"] = checkout


def job_container(pod: Map, line: int) -> Map:
    """The container that a job was made of."""
    for item in sequence(pod.get("containers")):
        if line_of(item) == line:
            return mapping(item)
    return Map()


def pod_settings(job: Job, pod: Map, container: Map, section: dict[str, Any]) -> None:
    """What Kubernetes and Buildkite call alike."""
    account = string(pod.get("serviceAccountName")) or string(pod.get("serviceAccount"))
    if account:
        section["service_account"] = account
    resources = mapping(container.get("resources"))
    requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
    for key, field in (
        ("cpu", "cpu"),
        ("memory", "memory"),
        ("ephemeral-storage", "ephemeral_storage"),
    ):
        wanted, most = string(requests.get(key)), string(limits.get(key))
        if wanted or most:
            section[field] = most if field != "cpu" and most else wanted or most
        if wanted and most and wanted != most and field != "cpu":
            job.mended(
                "uneven-resources",
                f"{key} has a request of {wanted} and a limit of {most}",
                requests.line_of(key),
                f"the spec has one value: {most}",
            )
    selector = {key: string(value) for key, value in mapping(pod.get("nodeSelector")).items()}
    if selector:
        section["node_selector"] = selector
    tolerations = [toleration(mapping(item)) for item in sequence(pod.get("tolerations"))]
    if tolerations:
        section["tolerations"] = tolerations
    context = {**mapping(pod.get("securityContext")), **mapping(container.get("securityContext"))}
    if documents.is_true(context.get("privileged")):
        job.mended("privileged", "kaniko needs no privileges", container.line_of("securityContext"))
    if documents.is_true(context.get("runAsNonRoot")) or string(context.get("runAsUser")) not in (
        "",
        "0",
    ):
        job.mended(
            "not-root",
            "kaniko cannot unpack images unless it is root in its container",
            container.line_of("securityContext"),
            "runAsUser: 0",
        )


def toleration(entry: Map) -> dict[str, Any]:
    """A toleration without what is its default."""
    found = {key: string(value) for key, value in entry.items()}
    if found.get("operator") == "Equal":
        del found["operator"]
    return found
