"""Kubernetes' Pods and Jobs that run the executor, Tekton's tasks among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Text, Var, Word, join
from ci_kaniko.importing.jobs import Job, Mounted, Root, Secret
from ci_kaniko.importing.readers import documents
from ci_kaniko.importing.readers.documents import (
    List,
    Map,
    line_of,
    mapping,
    native,
    sequence,
    string,
)
from ci_kaniko.importing.readers.scripts import add_notes, script_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

KINDS = {"Pod", "Job", "CronJob", "Deployment", "PodTemplate", "List", "StatefulSet"}
_KUBELET = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
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
_EXECUTOR = re.compile(r"(?:^|/)executor$")


def is_executor_image(image: str) -> bool:
    """Whether an image is kaniko's executor by its name."""
    name = image.partition("@")[0]
    return "kaniko" in name and "warmer" not in name


def is_manifest(root: Any) -> bool:
    """Whether a document is a manifest of Kubernetes."""
    return isinstance(root, Map) and "apiVersion" in root and "kind" in root


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
    volumes = _volumes(pod)
    for container in sequence(pod.get("containers")):
        if not isinstance(container, Map):
            continue
        if not runs_executor(container):
            continue
        job = container_job(container, volumes, document, report, target="kubernetes")
        job.name = string(metadata.get("name")) or string(metadata.get("generateName")).rstrip("-")
        job.roots += _cloned(pod, container)
        _settings(job, pod, metadata, inner, settings, document)
        yield job


def runs_executor(container: Map) -> bool:
    """Whether a container runs the executor."""
    words = [string(item) for key in ("command", "args") for item in sequence(container.get(key))]
    image = string(container.get("image"))
    if any(_EXECUTOR.search(word) or "/kaniko/executor" in word for word in words):
        return True
    flags = any(
        word.startswith(("--destination", "--context", "--dockerfile", "-d", "--no-push"))
        for word in words
    )
    return is_executor_image(image) and (flags or not string_list(container.get("command")))


def string_list(value: Any) -> list[str]:
    """The texts of a list."""
    return [string(item) for item in sequence(value)]


def container_job(
    container: Map,
    volumes: dict[str, Map],
    document: Document,
    report: Report,
    *,
    target: str,
) -> Job:
    """A container as a job: by its arguments, or by the script that it runs."""
    line = line_of(container)
    job = Job(target, string(container.get("name")), document.path, line, report)
    image = string(container.get("image"))
    job.image = (image,) if image else ()
    job.image_line = container.line_of("image")
    read_environment(job, container)
    job.mounts = mounts_of(container, volumes)
    job.claims = claims_of(container, volumes)
    job.outputs = [Root(("/kaniko/output",))]
    job.calls = _calls(job, container)
    return job


def read_environment(job: Job, container: Map) -> None:
    """What the container's environment is."""
    for item in sequence(container.get("env")):
        entry = mapping(item)
        name = string(entry.get("name"))
        source = mapping(entry.get("valueFrom"))
        reference = mapping(source.get("secretKeyRef"))
        if reference:
            secret = Secret(string(reference.get("key")), string(reference.get("name")))
            job.secrets[name] = secret
        elif source:
            job.environment[name] = (Var(name),)
        else:
            job.environment[name] = expanded(string(entry.get("value")), job.environment)
    for item in sequence(container.get("envFrom")):
        reference = mapping(mapping(item).get("secretRef"))
        if reference:
            job.left(
                "env-from",
                f"every key of the Secret {string(reference.get('name'))} is in the environment",
                line_of(item),
                "the spec names each secret that it needs",
            )
            job.plain_secrets = True


def expanded(text: str, environment: dict[str, Text]) -> Text:
    """A text after the kubelet: ``$(NAME)`` replaced, ``$$`` halved."""
    parts: list[Any] = []
    at = 0
    for found in _KUBELET.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        name = found[1]
        if name is None:
            parts.append("$")
        elif name in environment:
            parts += environment[name]
        else:
            parts.append(found.group())
    return join([*parts, text[at:]])


def _calls(job: Job, container: Map) -> tuple[Call, ...]:
    job.hide_secrets()
    command = sequence(container.get("command"))
    arguments = sequence(container.get("args"))
    words = [*command, *arguments]
    texts = [string(word) for word in words]
    known = {**job.environment, **{name: (Var(name),) for name in job.secrets}}
    script = _script(texts)
    if script is not None:
        at = words[script]
        text = texts[script]
        halved = _KUBELET.sub(lambda found: "$" if found[1] is None else found.group(), text)
        job.script_text = halved
        return script_calls(job, halved, line=getattr(at, "first", line_of(at)))
    job.has_shell = False
    start = 0
    if texts and _EXECUTOR.search(texts[0]):
        start = 1
    found: list[Word] = []
    for word in words[start:]:
        value = expanded(string(word), known)
        found.append(Word(value, line=line_of(word)))
        if len(value) == 1 and isinstance(value[0], str) and re.search(r"<[^>]+>", value[0]):
            continue
        if re.search(r"(?<!\$)\$\{?[A-Z_]", string(word)) and "$(" not in string(word):
            job.left(
                "unexpanded-variable",
                f"{string(word)} is passed as it stands: no shell replaces variables there",
                line_of(word),
                "write the portable variable",
            )
    return (Call(normal_words(found), pushed=pushed_of(normal_words(found)), line=job.line),)


def _script(texts: list[str]) -> int | None:
    """Where the script stands in ``sh -c SCRIPT``."""
    if not texts:
        return None
    shell = re.search(r"(?:^|/)(?:sh|ash|bash|dash)$", texts[0])
    for at, text in enumerate(texts):
        flag = re.fullmatch(r"-[a-z]*c[a-z]*", text)
        if shell and flag and at + 1 < len(texts):
            return at + 1
    if len(texts) == 1 and "/kaniko/executor " in texts[0]:
        return 0
    return None


_SWITCHES = {
    "cache",
    "cache-copy-layers",
    "cache-run-layers",
    "cleanup",
    "compressed-caching",
    "dryrun",
    "force",
    "force-build-metadata",
    "ignore-var-run",
    "insecure",
    "insecure-pull",
    "log-timestamp",
    "materialize",
    "no-push",
    "no-push-cache",
    "pre-cleanup",
    "preserve-context",
    "push",
    "push-ignore-immutable-tag-errors",
    "reproducible",
    "single-snapshot",
    "skip-default-registry-fallback",
    "skip-push-permission-check",
    "skip-tls-verify",
    "skip-tls-verify-pull",
    "skip-unused-stages",
    "use-new-run",
    "whitelist-var-run",
}
_SHORT = {
    "-d": "--destination",
    "-c": "--context",
    "-f": "--dockerfile",
    "-v": "--verbosity",
    "-b": "--bucket",
}


def normal_words(words: list[Word]) -> tuple[Word, ...]:
    """Arguments with ``--flag value`` and ``-d value`` as ``--flag=value``."""
    found: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        text = "".join(part if isinstance(part, str) else "\0" for part in word.text)
        if text in _SHORT and rest:
            value = rest.pop(0)
            found.append(_joined(_SHORT[text], value, word))
            continue
        name = re.fullmatch(r"--?([A-Za-z][A-Za-z-]*)", text)
        if name and name[1] not in _SWITCHES and rest and not _is_flag(rest[0]):
            found.append(_joined(text if text.startswith("--") else f"-{text}", rest.pop(0), word))
            continue
        found.append(word)
    return tuple(found)


def _is_flag(word: Word) -> bool:
    return bool(word.text) and isinstance(word.text[0], str) and word.text[0].startswith("--")


def _joined(flag: str, value: Word, word: Word) -> Word:
    return Word(join((f"{flag}=", *value.text)), word.when, value.split, word.line)


def pushed_of(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """What is pushed where nothing is conditional."""
    texts = ["".join(p if isinstance(p, str) else "\0" for p in word.text) for word in words]
    if any(text in ("--no-push", "--no-push=true") for text in texts):
        return ()
    return tuple(
        Word(
            join((text_of[0][len("--destination=") :], *text_of[1:])),
            word.when,
            word.split,
            word.line,
        )
        for word in words
        if (text_of := word.text)
        and isinstance(text_of[0], str)
        and text_of[0].startswith("--destination=")
    )


# -- volumes -----------------------------------------------------------------------------------


def _volumes(pod: Map) -> dict[str, Map]:
    return {
        string(mapping(item).get("name")): mapping(item) for item in sequence(pod.get("volumes"))
    }


def mounts_of(container: Map, volumes: dict[str, Map]) -> list[Mounted]:
    """The secrets that are mounted into a container."""
    found = []
    for item in sequence(container.get("volumeMounts")):
        entry = mapping(item)
        path = string(entry.get("mountPath"))
        volume = volumes.get(string(entry.get("name")))
        if volume is None:
            continue
        sub = string(entry.get("subPath"))
        for store, items in _secrets(volume):
            files = {string(m.get("path")): string(m.get("key")) for m in items}
            if sub:
                files = {sub: files.get(sub, sub)}
            ready = path.rstrip("/").endswith((".docker", ".docker/config.json"))
            ready = ready or any(file == "config.json" for file in files)
            found.append(Mounted(path.rstrip("/") or "/", store, files, ready))
    return found


def claims_of(container: Map, volumes: dict[str, Map]) -> dict[str, str]:
    """The claims that are mounted into a container, by their paths."""
    found = {}
    for item in sequence(container.get("volumeMounts")):
        entry = mapping(item)
        volume = volumes.get(string(entry.get("name")), Map())
        claim = string(mapping(volume.get("persistentVolumeClaim")).get("claimName"))
        if claim and not entry.get("subPath"):
            found[string(entry.get("mountPath")).rstrip("/")] = claim
    return found


def _secrets(volume: Map) -> Iterator[tuple[str, list[Map]]]:
    secret = mapping(volume.get("secret"))
    if secret:
        yield string(secret.get("secretName")), [mapping(m) for m in sequence(secret.get("items"))]
    for source in sequence(mapping(volume.get("projected")).get("sources")):
        inner = mapping(mapping(source).get("secret"))
        if inner:
            yield string(inner.get("name")), [mapping(m) for m in sequence(inner.get("items"))]
    config = mapping(volume.get("configMap"))
    if config and "docker" in string(config.get("name")):
        yield string(config.get("name")), [mapping(m) for m in sequence(config.get("items"))]


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


def _settings(
    job: Job, pod: Map, metadata: Map, inner: Map, base: dict[str, Any], document: Document
) -> None:
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


def unused(items: List) -> bool:
    """Whether a list is empty."""
    return not items


def notes(job: Job, script: Any) -> None:
    """What the shell's reading has to say."""
    add_notes(job, script)
