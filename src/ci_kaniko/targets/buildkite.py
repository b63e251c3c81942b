"""Buildkite with agent-stack-k8s: a step whose pod is patched to run the executor's debug image.

Every ``$`` of every text is doubled once: ``buildkite-agent pipeline upload`` halves it again, and
the shared quoting leaves nothing that the upload or the kubelet would replace.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.findings import Finding, quoted
from ci_kaniko.globs import is_literal, to_regex
from ci_kaniko.plan import (
    CERTIFICATES,
    CHECKOUT,
    OUTPUT,
    OUTPUT_OPTIONS,
    executor_image,
    no_shell,
    resolve,
)
from ci_kaniko.references import parse_reference
from ci_kaniko.script import Cell, Dialect, Impossible, Script, impossible
from ci_kaniko.shell import continued
from ci_kaniko.targets import Rendering, Target
from ci_kaniko.targets.common import owned_keys, remote_url
from ci_kaniko.targets.pods import (
    SECRET_FOLDER,
    Volumes,
    cloud_labels,
    from_secret,
    resources,
    secret_volumes,
    toleration,
)
from ci_kaniko.variables import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.clouds import Token
    from ci_kaniko.findings import Where
    from ci_kaniko.plan import HostLogin, Plan
    from ci_kaniko.spec import Spec

_OWNED = {
    "label": "buildkite.label",
    "name": "buildkite.label",
    "key": "buildkite.key",
    "id": "buildkite.key",
    "identifier": "buildkite.key",
    "if": "triggers",
    "branches": "triggers",
    "agents": "buildkite.queue and buildkite.agents",
    "timeout_in_minutes": "buildkite.timeout_minutes",
    "retry": "buildkite.retry",
    "concurrency": "buildkite.concurrency_group",
    "concurrency_group": "buildkite.concurrency_group",
    "command": "the fields of the spec",
    "commands": "the fields of the spec",
    "artifact_paths": "options: the output files are kept",
    "plugins": "nothing: the kubernetes plugin runs the executor",
    "secrets": "registries",
    "image": "executor",
}
_STEP_KEYS = {
    *("allow_dependency_failure", "cancel_on_build_failing", "checkout", "depends_on", "env"),
    *("if_changed", "matrix", "notify", "parallelism", "priority", "signature", "skip"),
    *("soft_fail", "cache", "type", "concurrency_method"),
}

_WRITTEN = "/kaniko/credentials"

_COMMIT = (
    "case $BUILDKITE_COMMIT in",
    "  *[!0-9a-f]*)",
    '    echo "ci-kaniko: this build names no commit but $BUILDKITE_COMMIT" >&2',
    "    exit 1",
    "    ;;",
    "esac",
)
_IS_PULL_REQUEST = '[ "${BUILDKITE_PULL_REQUEST:-false}" != false ]'
_BRANCH = (
    "branch=$BUILDKITE_BRANCH",
    f"if [ -n \"${{BUILDKITE_TAG:-}}\" ] || {_IS_PULL_REQUEST}; then branch=''; fi",
)
_PULL_REQUEST = (
    "pull_request=${BUILDKITE_PULL_REQUEST:-}",
    "if [ \"$pull_request\" = false ]; then pull_request=''; fi",
)
_REMOTE = remote_url("BUILDKITE_REPO")

_CELLS: dict[str, Cell | Impossible] = {
    "commit.sha": Cell("BUILDKITE_COMMIT", define=_COMMIT),
    "commit.timestamp": Impossible(
        "Buildkite passes no commit time, and kaniko's image has no git", "use ${build.timestamp}"
    ),
    "branch": Cell("branch", define=_BRANCH),
    "tag": Cell("BUILDKITE_TAG", may_be_unset=True),
    "pull_request.number": Cell("pull_request", define=_PULL_REQUEST),
    "default_branch": Cell("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
    "repository.url": Cell("repository_url", define=(_REMOTE,)),
    "repository.path": Cell(
        "repository_path", define=(_REMOTE, "repository_path=${repository_url#https://*/}")
    ),
    "registry.host": Cell(literal="packages.buildkite.com"),
    "registry.image": Impossible(
        "a Package Registry has a name of its own",
        "such as packages.buildkite.com/ORGANIZATION/REGISTRY/IMAGE",
    ),
    "build.id": Cell("BUILDKITE_BUILD_ID"),
    "build.number": Cell("BUILDKITE_BUILD_NUMBER"),
    "build.url": Cell("BUILDKITE_BUILD_URL"),
}


def _cells(name: str, plan: Plan) -> Cell | Impossible | None:
    if name.startswith("env."):
        return Cell(name.removeprefix("env."), may_be_unset=True)
    return _CELLS.get(name)


def _ci_login(script: Script, login: HostLogin, key: str) -> tuple[list[str], str, str]:
    """A Package Registry's login: the job's own identity, exchanged for a short-lived token."""
    audience = "/".join(("https://packages.buildkite.com", *next(_registries(script.plan))))
    lifetime = script.plan.spec.buildkite.oidc_lifetime_seconds
    request = f"oidc request-token --audience {audience} --lifetime {lifetime}"
    return [f"token=$(/workspace/buildkite-agent {request})"], "buildkite", "token"


def _registries(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Organization and registry of every reference to Buildkite's own registry."""
    texts = [push.reference for push in plan.pushes if push.host == "packages.buildkite.com"]
    if "packages.buildkite.com" in plan.cache_hosts and plan.spec.cache:
        texts.append(parse_reference(plan.spec.cache.repo))
    for reference in texts:
        yield tuple(text_of(reference.repository).split("/")[:2])


def _one_registry(plan: Plan) -> Iterator[Finding]:
    used = [login for login in plan.logins if login.login.kind == "ci-token"]
    if any(name == "registry.image" for _, name in plan.uses()):
        return
    for login in used:
        registries = list(dict.fromkeys(_registries(plan)))
        if len(registries) != 1 or len(registries[0]) < 2 or "$" in "".join(registries[0]):
            yield Finding(
                "several-package-registries",
                login.where,
                "a job's token is for one Package Registry, written out: "
                + ", ".join(quoted("/".join(names)) for names in registries),
                "packages.buildkite.com/ORGANIZATION/REGISTRY/IMAGE, the same for all",
            )


def _id_token(plan: Plan, cloud: str, token: Token) -> list[str]:
    lifetime = plan.spec.buildkite.oidc_lifetime_seconds
    request = f"oidc request-token --audience {token.audience} --lifetime {lifetime}"
    return [f"token=$(/workspace/buildkite-agent {request})"]


def _folders(plan: Plan) -> list[str]:
    """The script's own folders; that of the docker config is a mount when there is one."""
    own_store = plan.spec.buildkite.secrets == "buildkite"
    folders = ["/kaniko/.docker"] if plan.password_logins and not plan.docker_config else []
    written = [cloud for cloud in plan.clouds if cloud.token or (own_store and cloud.secret)]
    if written:
        folders.append(_WRITTEN)
    if own_store and plan.certificates:
        folders.append(CERTIFICATES)
    return [f"mkdir -p {' '.join(folders)}"] if folders else []


DIALECT = Dialect(
    target="buildkite",
    cells=_cells,
    tests={
        "pull-request": _IS_PULL_REQUEST,
        "no-pull-request": '[ "${BUILDKITE_PULL_REQUEST:-false}" = false ]',
        "schedule": '[ "${BUILDKITE_SOURCE:-}" = schedule ]',
        "manual": '[ "${BUILDKITE_SOURCE:-}" = ui ]',
    },
    places={
        CHECKOUT: Cell("BUILDKITE_BUILD_CHECKOUT_PATH"),
        OUTPUT: Cell("BUILDKITE_BUILD_CHECKOUT_PATH"),
    },
    config="/kaniko/.docker",
    secret_hint="add this key to the Kubernetes Secret of the step",
    ci_login=_ci_login,
    mounts_config=True,
    mounted_files=SECRET_FOLDER,
    files=_WRITTEN,
    files_inside=_WRITTEN,
    id_token=_id_token,
    folders=_folders,
)
_OWN_STORE = replace(
    DIALECT,
    secret_hint="create it under Agents > Secrets",
    mounted_files="",
)


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    plan = resolve(spec, "buildkite")
    section = spec.buildkite
    findings = (
        *plan.findings,
        *no_shell(spec.executor),
        *impossible(plan, DIALECT),
        *_one_registry(plan),
        *owned_keys("buildkite", section.extra, _OWNED, known=_STEP_KEYS),
        *_second_queue(spec),
        *_store_names(plan),
        *_lost_artifacts(plan),
        *_undeliverable(("buildkite",), section.model_dump()),
    )
    if findings:
        return Rendering(view={}, findings=findings)
    own_store = section.secrets == "buildkite"
    dialect = _OWN_STORE if own_store else DIALECT
    script = Script(plan, dialect).build(lambda words: continued("/kaniko/executor", words))
    names = _secret_names(plan, files=own_store)
    volumes = (
        Volumes([], [], []) if own_store else secret_volumes(plan, section.secret, optional=True)
    )
    environment = [
        from_secret(name, section.secret, name, optional=True) for name in names if not own_store
    ]
    return Rendering(
        view=_uploaded(
            {
                "label": section.label,
                "key": section.key,
                "condition": _condition(plan),
                "agents": {"queue": section.queue, **section.agents},
                "timeout_minutes": section.timeout_minutes,
                "retry": section.retry,
                "concurrency_group": section.concurrency_group,
                "secrets": names if own_store else [],
                "script": script,
                "artifacts": list(_artifacts(plan)),
                "service_account": section.service_account,
                "node_selector": section.node_selector,
                "tolerations": [toleration(item) for item in section.tolerations],
                "image": executor_image(spec.executor, with_shell=True),
                "labels": cloud_labels(plan),
                "env": [*environment, *volumes.env],
                "resources": resources(section),
                "mounts": [*_config_mount(plan), *volumes.mounts],
                "volumes": [*_config_volume(plan), *volumes.volumes],
                "extra": section.extra,
            }
        )
    )


def _secret_names(plan: Plan, *, files: bool) -> list[str]:
    """The secrets that come as variables; ``files`` says that files come so, too."""
    names = [name for login in plan.logins for name in login.secrets if login.cloud is None]
    for cloud in plan.clouds:
        names += cloud.secrets if files else cloud.secret_variables.values()
    if plan.git_login and plan.git_login.secret:
        names.append(plan.git_login.secret)
    names += plan.spec.build_secrets.values()
    if files:
        names += plan.certificates.values()
    return list(dict.fromkeys(names))


def _undeliverable(where: Where, value: Any) -> Iterator[Finding]:
    """Texts that no doubling brings through the upload, and no quoting can help."""
    if isinstance(value, str) and not _survives(_uploaded(value)):
        yield Finding(
            "bad-character",
            where,
            f"{quoted(value)} has a backslash before a $, which Buildkite's upload would take away",
            "leave the backslash out",
        )
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _undeliverable((*where, key), item)
            yield from _undeliverable((*where, key), key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _undeliverable((*where, index), item)


def _second_queue(spec: Spec) -> Iterator[Finding]:
    if "queue" in spec.buildkite.agents:
        where = ("buildkite", "agents", "queue")
        yield Finding(
            "owned-key", where, "the queue has a field", "use buildkite.queue", on_key=True
        )


def _store_names(plan: Plan) -> Iterator[Finding]:
    """Names that Buildkite's own store does not take."""
    if plan.spec.buildkite.secrets != "buildkite":
        return
    for name in _secret_names(plan, files=True):
        if not re.match("[A-Za-z]", name) or re.match("(?i)bk|buildkite", name):
            yield Finding(
                "reserved-name",
                ("buildkite", "secrets"),
                f"Buildkite's own store takes no secret called {quoted(name)}",
                "a name begins with a letter, and not with bk or buildkite",
            )


def _artifacts(plan: Plan) -> Iterator[str]:
    """Globs of files: a folder's name alone uploads nothing."""
    for path in plan.outputs:
        glob = re.sub(r"([*?\[\]{}~])", r"\\\1", path)
        yield f"{glob}/**/*" if path == plan.spec.options.oci_layout_path else glob


def _lost_artifacts(plan: Plan) -> Iterator[Finding]:
    for name in OUTPUT_OPTIONS:
        path = getattr(plan.spec.options, name)
        if path and ";" in path:
            yield Finding(
                "impossible-output",
                ("options", name),
                "Buildkite reads ; between two paths",
                "give the file another name",
            )


def _config_mount(plan: Plan) -> list[dict[str, Any]]:
    if not plan.docker_config:
        return []
    return [{"name": "docker-config", "mountPath": "/kaniko/.docker", "readOnly": True}]


def _config_volume(plan: Plan) -> list[dict[str, Any]]:
    """Optional, so that a run which does not push starts without it; the script asks for it."""
    if not plan.docker_config:
        return []
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    secret = {"secretName": plan.docker_config, "optional": True, "items": items}
    return [{"name": "docker-config", "secret": secret}]


def _uploaded(value: Any) -> Any:
    """``value`` with every ``$`` doubled, for ``pipeline upload``."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {_uploaded(key): _uploaded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_uploaded(item) for item in value]
    return value


def _condition(plan: Plan) -> str:
    """``if:`` of the step, in Buildkite's own language; empty when every build is meant."""
    started = plan.started
    all_pushes = "**" in started.branches and "**" in started.tags
    if all_pushes and started.pull_requests:
        return ""
    if all_pushes:
        tests = ["build.pull_request.id == null"]
    else:
        tests = [*_branch_tests(plan), *_tag_tests(plan)]
    if started.pull_requests:
        tests.append("build.pull_request.id != null")
    if started.schedules:
        tests.append('build.source == "schedule"')
    if started.manual:
        tests.append('build.source == "ui"')
    if len(tests) == 1:
        return tests[0]
    return " || ".join(f"({test})" if "&&" in test else test for test in tests)


def _branch_tests(plan: Plan) -> Iterator[str]:
    """In the build of a tag ``build.branch`` is the tag."""
    started = plan.started
    branches = ["build.branch == pipeline.default_branch"] if started.default_branch else []
    branches += [_ref_test("build.branch", glob) for glob in started.branches]
    pushed = "build.pull_request.id == null && build.tag == null"
    if "**" in started.branches:
        yield pushed
    elif branches:
        either = f"({' || '.join(branches)})" if len(branches) > 1 else branches[0]
        yield f"{pushed} && {either}"


def _tag_tests(plan: Plan) -> Iterator[str]:
    for glob in plan.started.tags:
        yield "build.tag != null" if glob == "**" else _ref_test("build.tag", glob)


def _ref_test(variable: str, glob: str) -> str:
    """Buildkite replaces a ``$`` in double quotes, and an upload one after a backslash."""
    if is_literal(glob) and not re.search('["$]', glob):
        return f'{variable} == "{glob}"'
    pattern = to_regex(glob, slash=r"\/").replace(r"\$", "[$]")
    return f"{variable} =~ /^{pattern}$/"


_PLUGIN = {"podSpecPatch", "metadata"}
_POD = {"containers", "volumes", "serviceAccountName", "nodeSelector", "tolerations"}
_CONTAINER = {"name", "image", "env", "resources", "volumeMounts"}


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    (step,) = document["steps"]
    if step["command"] != view["script"] or step.get("if", "") != view["condition"]:
        yield "the step's command or condition is not the planned one"
    if not all(_survives(text) for text in _texts(step)):
        yield "a $ is not doubled, so the upload would replace it"
    for key in set(step) - {*_OWNED, *view["extra"]}:
        yield f"a step has no {key}"
    (plugin,) = step["plugins"]
    if set(plugin) != {"kubernetes"}:
        yield "the controller reads the plugin under its bare name only"
        return
    yield from _other_pod(plugin["kubernetes"], view)


def _other_pod(plugin: dict[str, Any], view: dict[str, Any]) -> Iterator[str]:
    pod = plugin["podSpecPatch"]
    (container,) = pod["containers"]
    for kind, known in ((plugin, _PLUGIN), (pod, _POD), (container, _CONTAINER)):
        for field in set(kind) - known:
            yield f"the controller knows no {field} there and would drop it"
    if container["name"] != "container-0" or container["image"] != view["image"]:
        yield "the patched container is not the one that runs the command"
    mounts = container.get("volumeMounts", [])
    if {mount["name"] for mount in mounts} != {item["name"] for item in pod.get("volumes", [])}:
        yield "a mount has no volume, or a volume no mount"
    if len({mount["mountPath"] for mount in mounts}) < len(mounts):
        yield "two volumes are mounted at one place, and the first one wins"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _survives(text: str) -> bool:
    """Whether every ``$`` is doubled, and none of them escaped by a backslash."""
    runs = re.findall(r"(\\*)(\$+)", text)
    return all(len(dollars) % 2 == 0 and len(slashes) % 2 == 0 for slashes, dollars in runs)


TARGET = Target(
    name="buildkite",
    summary="Buildkite with agent-stack-k8s",
    output=".buildkite/pipeline.yml",
    template="buildkite.yml.j2",
    prepare=_prepare,
    verify=_verify,
)
