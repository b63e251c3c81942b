"""Kubernetes: a Pod or Job whose variables are known when it is rendered.

Three ways to log in: a Secret that holds a ready config.json; ``KANIKO_<HOST>_USER`` and
``_PASSWORD`` where the executor reads them; a script in the debug image for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.conditions import holds
from ci_kaniko.findings import Finding, quoted
from ci_kaniko.plan import (
    CHECKOUT,
    OUTPUT,
    THIS_REPOSITORY,
    bind,
    executor_image,
    no_shell,
    reads_registry_variables,
    resolve,
)
from ci_kaniko.references import DOCKER_HUB, Reference, check_tag_text
from ci_kaniko.script import Cell, Dialect, Impossible, Script
from ci_kaniko.shell import continued, quote
from ci_kaniko.targets import Rendering, Target
from ci_kaniko.targets.common import owned_keys
from ci_kaniko.targets.pods import (
    SECRET_FOLDER,
    Volumes,
    cloud_labels,
    documents,
    from_secret,
    resources,
    secret_volumes,
    toleration,
)
from ci_kaniko.values import Values, check_in_reference, check_values
from ci_kaniko.variables import Part, Parts, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.conditions import AnyOf
    from ci_kaniko.plan import HostLogin, Plan
    from ci_kaniko.spec import Spec

_OWNED = {
    "containers": "the fields of the spec",
    "restartPolicy": "nothing: a build is never repeated",
    "initContainers": "kubernetes.clone",
    "activeDeadlineSeconds": "kubernetes.deadline_seconds",
    "serviceAccountName": "kubernetes.service_account",
    "automountServiceAccountToken": "kubernetes.service_account",
    "enableServiceLinks": "nothing: service variables stay out of builds",
    "securityContext": "nothing: kaniko needs to be root in its container",
    "nodeSelector": "kubernetes.node_selector",
    "tolerations": "kubernetes.tolerations",
    "imagePullSecrets": "kubernetes.image_pull_secrets",
    "volumes": "the logins",
}

_WORKSPACE = "/workspace"
_OUTPUT = "/kaniko/output"

_NOT_IN_A_POD = Impossible("nothing in a Pod tells it", "give it when rendering")


def _no_cell(name: str, plan: Plan) -> Cell | Impossible | None:
    return _NOT_IN_A_POD


def _folders(plan: Plan) -> list[str]:
    return [] if plan.docker_config else ["mkdir -p /kaniko/.docker"]


DIALECT = Dialect(
    target="kubernetes",
    cells=_no_cell,
    tests={},
    places={CHECKOUT: Cell(literal=_WORKSPACE), OUTPUT: Cell(literal=_OUTPUT)},
    config="/kaniko/.docker",
    secret_hint="add it to the Secret",
    mounts_config=True,
    mounted_files=SECRET_FOLDER,
    mounted_tokens=True,
    folders=_folders,
)


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    section = spec.kubernetes
    plan = resolve(spec, "kubernetes", directory_is_git=not section.clone)
    findings = [
        *plan.findings,
        *check_values(values),
        *_undecidable(plan),
        *_impossible_outputs(plan),
        *_impossible_clone(plan),
        *owned_keys("kubernetes", section.extra, _OWNED),
    ]
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    known = Values(values, spec.default_branch)
    bound = _bind(plan, known, findings)
    clone = _clone(plan, known) if section.clone else None
    if known.missing:
        findings.append(_missing(plan, known))
    scripted = _needs_script(bound)
    if scripted:
        findings += no_shell(spec.executor)
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    return Rendering(view=_view(bound, scripted=scripted, clone=clone))


def _view(plan: Plan, *, scripted: bool, clone: dict[str, Any] | None) -> dict[str, Any]:
    spec, section = plan.spec, plan.spec.kubernetes
    script = ""
    if scripted:
        script = Script(plan, DIALECT).build(lambda words: continued("/kaniko/executor", words))
    volumes = _volumes(plan, clone=clone is not None)
    return {
        "kind": section.kind,
        "metadata": _metadata(plan),
        "pod_metadata": _pod_metadata(plan),
        "deadline": section.deadline_seconds,
        "ttl": section.ttl_seconds,
        "service_account": section.service_account,
        "image_pull_secrets": section.image_pull_secrets,
        "node_selector": section.node_selector,
        "tolerations": [toleration(item) for item in section.tolerations],
        "clone": clone,
        "image": executor_image(spec.executor, with_shell=scripted),
        "arguments": [] if scripted else [_doubled(word) for word in _words(plan)],
        "script": _doubled(script),
        "env": [*_env(plan, scripted=scripted), *volumes.env],
        "resources": resources(section),
        "message_path": f"{_OUTPUT}/{plan.outputs[0]}" if plan.outputs else "",
        "mounts": volumes.mounts,
        "volumes": volumes.volumes,
        "extra": section.extra,
    }


def _volumes(plan: Plan, *, clone: bool) -> Volumes:
    files = secret_volumes(plan, plan.spec.kubernetes.secret, tokens=True)
    volumes, mounts = list(files.volumes), list(files.mounts)
    if plan.docker_config:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        secret = {"secretName": plan.docker_config, "items": items}
        volumes.insert(0, {"name": "docker-config", "secret": secret})
        path = "/kaniko/.docker"
        mounts.insert(0, {"name": "docker-config", "mountPath": path, "readOnly": True})
    if clone:
        volumes.insert(0, {"name": "workspace", "emptyDir": {}})
        mounts.insert(0, {"name": "workspace", "mountPath": _WORKSPACE})
    return Volumes(volumes, mounts, files.env)


def _impossible_clone(plan: Plan) -> Iterator[Finding]:
    section = plan.spec.kubernetes
    if plan.spec.context.startswith("tar://"):
        yield Finding(
            "impossible-context",
            ("context",),
            "a Pod has no folder to take the archive from",
            "a git context, or a store such as s3://BUCKET/KEY",
        )
    if section.clone and "://" in plan.spec.context:
        yield Finding(
            "unused-clone",
            ("kubernetes", "clone"),
            "a context with a scheme is fetched by the executor itself",
            "leave clone: out",
        )


def _clone(plan: Plan, known: Values) -> dict[str, Any]:
    """The init container that puts this repository at this commit into the workspace."""
    source = known.source()
    git = f"git -C {_WORKSPACE}"
    login = plan.spec.git.token
    helper = '!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_PASSWORD"; }; f'
    option = f" -c credential.helper={quote(helper)}" if login else ""
    script = [
        "set -eu",
        f"git init --quiet {_WORKSPACE}",
        f"{git}{option} fetch --quiet {quote(f'https://{source.repository}')} {quote(source.ref)}",
        f"{git} checkout --quiet --detach {source.commit}",
    ]
    if plan.spec.git.recurse_submodules:
        script.append(f"{git}{option} submodule update --quiet --init --recursive")
    return {
        "image": plan.spec.kubernetes.clone_image,
        "script": _doubled("\n".join(script) + "\n"),
        "env": list(_git_env(plan)),
    }


def _git_env(plan: Plan) -> Iterator[dict[str, Any]]:
    git = plan.spec.git
    if git.token:
        yield {"name": "GIT_USERNAME", "value": _doubled(git.username or "oauth2")}
        yield from_secret("GIT_PASSWORD", plan.spec.kubernetes.secret, git.token)


def _words(plan: Plan) -> list[str]:
    return [
        f"--{item.name}" + ("" if item.value is None else f"={_joined(item.value)}")
        for item in _arguments(plan)
    ]


def _joined(parts: tuple[str | Ref, ...]) -> str:
    places = {OUTPUT: _OUTPUT, CHECKOUT: _WORKSPACE}
    return "".join(part if isinstance(part, str) else places[part.name] for part in parts)


def _arguments(plan: Plan) -> list[Any]:
    if not plan.pushes:
        return [*plan.arguments, *plan.no_push_arguments]
    pushed = [push.argument for push in plan.pushes]
    return [*plan.arguments, *pushed, *plan.pushed_arguments]


def _doubled(text: str) -> str:
    """The kubelet halves every ``$$`` and replaces ``$(NAME)``: double them all."""
    return text.replace("$", "$$")


def _undecidable(plan: Plan) -> Iterator[Finding]:
    for push in plan.pushes:
        for condition in push.when:
            if condition.kind in {"schedule", "manual"}:
                yield Finding(
                    "impossible-condition",
                    (*push.where, "when"),
                    f"a manifest does not know whether its run is a {condition.kind} one",
                    "branch and tag conditions are decided when it is rendered",
                )


def _impossible_outputs(plan: Plan) -> Iterator[Finding]:
    options = plan.spec.options
    for name in ("tar_path", "oci_layout_path"):
        if getattr(options, name):
            yield Finding(
                "impossible-output",
                ("options", name),
                "the files of a Pod are gone when it ends",
                "push the image, or mount a volume with a Job of your own",
            )
    if not any((options.tar_path, options.oci_layout_path)) and len(plan.outputs) > 1:
        yield Finding(
            "impossible-output",
            ("options", "image_name_with_digest_file"),
            "a Pod hands back one file, as its termination message",
            "keep one of digest_file and the image_name files",
        )


def _bind(plan: Plan, known: Values, findings: list[Finding]) -> Plan:
    def in_text(ref: Ref) -> Part:
        if ref.name in {OUTPUT, CHECKOUT}:
            return ref
        if ref.name == THIS_REPOSITORY:
            source = known.source()
            return f"git://{source.repository}#{source.ref}#{source.commit}"
        return known.replace(ref)

    def in_reference(ref: Ref) -> Part:
        return known.replace(ref, is_reference=True)

    def decided(any_of: AnyOf) -> bool:
        kinds = {condition.kind for condition in any_of}
        if kinds & {"branch", "tag", "default-branch", "pull-request"}:
            known.get("branch")
        if "default-branch" in kinds:
            known.get("default_branch")
        return holds(any_of, known.event)

    bound = bind(
        plan,
        in_text,
        in_reference,
        decided,
        is_pull_request=bool(known.event.pull_request),
    )
    if not known.missing:
        findings += _bad_references(plan, known)
    return bound


def _bad_references(plan: Plan, known: Values) -> Iterator[Finding]:
    """Values that an image reference cannot hold."""
    for push in plan.pushes:
        if not holds(push.when, known.event):
            continue
        unfit = [
            *_unfit(push.reference.repository, known, in_tag=False),
            *_unfit(push.reference.tag, known, in_tag=True),
        ]
        for name, text in unfit:
            yield Finding(
                "bad-value",
                push.where,
                f"no image reference can hold this {name}: {quoted(text)}",
                "${ref.tag} is safe in a tag, ${ref.slug} in a name",
            )
        tag = _text(push.reference, known)
        if tag and not unfit and not check_tag_text(tag):
            yield Finding("bad-value", push.where, f"{quoted(tag)} is not an image tag")


def _unfit(parts: Parts, known: Values, *, in_tag: bool) -> Iterator[tuple[str, str]]:
    """Variables whose value cannot stand there, with the value."""
    for part in parts:
        if isinstance(part, Ref) and (part.name == "tag" or part.name.startswith("env.")):
            text = known.replace(part, is_reference=True)
            if not check_in_reference(part, text, in_tag=in_tag):
                yield part.name, text


def _text(reference: Reference, known: Values) -> str:
    return "".join(
        part if isinstance(part, str) else known.replace(part, is_reference=True)
        for part in reference.tag
    )


def _missing(plan: Plan, known: Values) -> Finding:
    names = ", ".join(known.missing)
    places = [where for where, name in plan.uses() if name in known.missing]
    return Finding(
        "missing-value",
        places[0] if places else (),
        f"a Kubernetes manifest must hold these values, and they are not known: {names}",
        "--set NAME=VALUE gives one; in a git checkout the command line finds most of them",
    )


def _needs_script(plan: Plan) -> bool:
    """Whether a login needs a config.json that only a script can write."""
    logins = plan.password_logins
    if not logins:
        return False
    variables = [_variable(login.host) for login in logins]
    return (
        not reads_registry_variables(plan.spec.executor)
        or len(set(variables)) < len(variables)
        or any(":" in login.host for login in logins)
    )


def _variable(host: str) -> str:
    """The environment variable of a host, https://github.com/osscontainertools/kaniko."""
    name = "index.docker.io" if host == DOCKER_HUB else host
    return "KANIKO_" + name.upper().replace(".", "_").replace("-", "_")


def _env(plan: Plan, *, scripted: bool) -> Iterator[dict[str, Any]]:
    # Without a service account token kaniko does not notice that it runs in a container.
    yield {"name": "container", "value": "kube"}
    secret = plan.spec.kubernetes.secret
    if plan.git_login:
        yield from _git_env(plan)
    for cloud in plan.clouds:
        for name, key in cloud.secret_variables.items():
            yield from_secret(key if scripted else name, secret, key)
    for name in plan.spec.build_secrets.values():
        yield from_secret(name, secret, name)
    if scripted:
        names = dict.fromkeys(name for login in plan.password_logins for name in login.secrets)
        yield from (from_secret(name, secret, name) for name in names)
        return
    for login in plan.password_logins:
        yield from _registry_variables(login, secret)


def _registry_variables(login: HostLogin, secret: str) -> Iterator[dict[str, Any]]:
    prefix = _variable(login.host)
    user = login.login.username
    if isinstance(user, str):
        yield {"name": f"{prefix}_USER", "value": _doubled(user)}
    elif user is not None:
        yield from_secret(f"{prefix}_USER", secret, user.secret)
    yield from_secret(f"{prefix}_PASSWORD", secret, login.login.password or "")


def _metadata(plan: Plan) -> dict[str, Any]:
    section = plan.spec.kubernetes
    metadata: dict[str, Any] = {"generateName": f"{section.name}-"}
    if section.namespace:
        metadata["namespace"] = section.namespace
    return {**metadata, **_pod_metadata(plan)} if section.kind == "Pod" else metadata


def _pod_metadata(plan: Plan) -> dict[str, Any]:
    section = plan.spec.kubernetes
    labels = {**section.labels, **cloud_labels(plan)}
    annotations = {**section.annotations, **documents(plan)}
    described = {"labels": labels, "annotations": annotations}
    return {name: texts for name, texts in described.items() if texts}


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    pod = document["spec"]
    if document["kind"] == "Job":
        pod = pod["template"]["spec"]
    container = pod["containers"][0]
    if container["image"] != view["image"]:
        yield "the container's image is not the planned one"
    expected = [view["script"]] if view["script"] else view["arguments"]
    if container["args"] != expected:
        yield "the container's arguments are not the planned ones"
    if container["env"] != view["env"]:
        yield "the container's environment is not the planned one"
    mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
    if mounted != {volume["name"] for volume in pod.get("volumes", [])}:
        yield "a mount has no volume, or a volume no mount"


TARGET = Target(
    name="kubernetes",
    summary="Kubernetes Pod or Job, for kubectl create",
    output="kaniko.yaml",
    template="kubernetes.yml.j2",
    prepare=_prepare,
    verify=_verify,
    needs_values=True,
)
