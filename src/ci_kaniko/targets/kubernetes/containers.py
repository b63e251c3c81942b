"""The containers of a Pod: the executor of an image, and what fills its workspace before.

Three ways to log in: a Secret that holds a ready config.json; ``KANIKO_<HOST>_USER`` and
``_PASSWORD`` where the executor reads them; a script in the debug image for the rest.
"""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.model import CHECKOUT, DIGEST, OUTPUT, proxies
from ci_kaniko.plan.tools import curl_image, git_image, reads_registry_variables
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import dataclass, field
from ci_kaniko.shell.dialect import Cell, Impossible, PlainDialect, Site
from ci_kaniko.shell.script import Script, login_script
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.syntax.references import DOCKER_HUB
from ci_kaniko.targets.pods import (
    CONFIG,
    SECRET_FOLDER,
    Volumes,
    cache_volume,
    exchanged,
    from_secret,
    login_volume,
    resources,
    scratch_volume,
    secret_volumes,
    stored_volume,
    unconfined,
)
from ci_kaniko.targets.shared import preparing
from ci_kaniko.text.quoting import continued, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.plan.model import Argument, HostLogin, Plan
    from ci_kaniko.plan.values import Source
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Prepare
    from ci_kaniko.syntax.variables import Parts

WORKSPACE = "/workspace"
MEMORY = "1Gi"
"""What a container of a build asks for when the spec does not say it."""
_OUTPUT = "/kaniko/output"
_DIGEST = f"{_OUTPUT}/digest"
_PLACES = {CHECKOUT: WORKSPACE, OUTPUT: _OUTPUT, DIGEST: _DIGEST}

_NOT_IN_A_POD = Impossible("nothing in a Pod tells it", "give it when rendering")


def _opening(plan: Plan) -> list[str]:
    folder = builder_of(plan).path(CONFIG)
    return [] if plan.docker_config or not plan.writes_files else [f"mkdir -p {folder}"]


class _Kubernetes(PlainDialect):
    target = "kubernetes"
    secret_hint = "add it to the Secret"
    tests: Mapping[str, str] = {}
    site = Site(
        places={name: Cell(literal=path) for name, path in _PLACES.items()},
        opening=_opening,
        mounted_config=CONFIG,
        mounted_files=SECRET_FOLDER,
        mounted_tokens=True,
    )

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        return _NOT_IN_A_POD

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        (file,) = (file for file, each in exchanged(plan).items() if each == token)
        return [f"token=$(cat {builder_of(plan).path(SECRET_FOLDER)}/{file})"]


DIALECT = _Kubernetes()


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a Pod: ``interpreter`` runs ``script``, or the image takes ``arguments``.

    ``volumes`` are what it mounts, for the Pod to have. It is ``unconfined`` where the usual
    profiles of seccomp and AppArmor would stop it.
    """

    name: str
    image: str
    interpreter: str = ""
    script: str = ""
    arguments: list[str] = field(default_factory=list)
    folder: str = ""
    env: list[dict[str, Any]] = field(default_factory=list)
    resources: dict[str, dict[str, str]] = field(default_factory=dict)
    user: int | None = None
    unconfined: bool = False
    message_path: str = ""
    mounts: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def security(self) -> dict[str, Any]:
        """Its security context."""
        if self.user is None:
            return {}
        return unconfined(self.user) if self.unconfined else {"runAsUser": self.user}

    @property
    def words(self) -> list[str]:
        """What the container is called with."""
        return [self.script] if self.script else self.arguments


def building_containers(
    plan: Plan, workspace: str, ending: str
) -> Iterator[tuple[Plan, Container]]:
    """The containers that build an image, each with what it does of the plan.

    ``workspace`` is the volume with its context, if any, and ``ending`` that of the names.
    """
    name = f"{builder_of(plan).name}{ending}"
    before, plan = plan.logged_in_before()
    if before:
        yield before, login_container(before, f"login{ending}")
    yield plan, executor_container(plan, name, workspace, before)


def login_container(plan: Plan, name: str) -> Container:
    """The container that asks clouds, for passwords or an archive, with what others have not."""
    builder = builder_of(plan)
    text = login_script(plan, DIALECT)
    files = secret_volumes(plan, plan.spec.kubernetes.secret, builder.path, tokens=True)
    written = _left_behind(plan, read_only=False)
    return Container(
        name=name,
        image=curl_image(plan.spec),
        interpreter="sh",
        script=_doubled(text),
        env=_each_once([*_secret_env(plan), *files.env]),
        # Who builds reads the file, and nobody else.
        user=builder.user,
        mounts=[*written.mounts, *files.mounts],
        volumes=[*written.volumes, *files.volumes],
    )


def executor_container(
    plan: Plan, name: str, workspace: str, before: Plan | None = None
) -> Container:
    """The container that builds an image; another may have asked clouds ``before`` it."""
    builder, scripted = builder_of(plan), needs_script(plan)
    text = ""
    if scripted:
        # The environment holds the git login, and the variables of the spec.
        site = DIALECT.site._replace(logged_in=before is not None)
        script = Script(plan._replace(git_login=None), DIALECT, site)
        text = script.build(lambda words: script.called(words, continued))
    files = _files(plan, workspace, before)
    return Container(
        name=name,
        image=builder.image(plan.spec, with_shell=scripted),
        interpreter=builder.shell if scripted else "",
        script=_doubled(text),
        arguments=[] if scripted else [_doubled(word) for word in _words(plan)],
        env=_each_once([*_env(plan, scripted=scripted), *files.env]),
        resources=resources(plan.spec.kubernetes, memory=MEMORY),
        user=builder.user,
        unconfined=not builder.confined,
        message_path=builder.path(_message_path(plan)),
        mounts=files.mounts,
        volumes=files.volumes,
    )


def clone_container(build: Build, source: Source, name: str, workspace: str) -> Container:
    """The container that puts this repository at this commit into the workspace."""
    git = f"git -C {WORKSPACE}"
    helper = '!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_PASSWORD"; }; f'
    # A submodule may lie elsewhere, and whoever serves it must not get the token.
    server = f"credential.https://{source.repository.partition('/')[0]}.helper"
    option = f" -c {server}={quote(helper)}" if build.git.token else ""
    wanted = build.checkout
    depth = f" --depth={wanted.depth}" if wanted and wanted.depth else ""
    remote = quote(f"https://{source.repository}")
    submodules, lfs = (wanted.submodules, wanted.lfs) if wanted else (None, False)
    script = [
        "set -eu",
        f"git init --quiet {WORKSPACE}",
        # Relative addresses of submodules and of large files start at it.
        *[f"{git} remote add origin {remote}"] * bool(submodules or lfs),
        *[f"{git} lfs install --local"] * lfs,
        f"{git}{option} fetch --quiet{depth} {remote} {quote(source.ref)}",
        f"{git}{option if lfs else ''} checkout --quiet --detach {source.commit}",
    ]
    if submodules:
        deeper = " --recursive" if submodules == "recursive" else ""
        script.append(f"{git}{option} submodule update --quiet --init{deeper}{depth}")
    return Container(
        name=name,
        image=git_image(build),
        interpreter="sh",
        script=_doubled("\n".join(script) + "\n"),
        env=[*_git_env(build), *_git_proxies(build)],
        mounts=[_workspace_mount(workspace)],
        volumes=[_workspace_volume(workspace)],
    )


def prepare_container(build: Build, prepare: Prepare, name: str, workspace: str) -> Container:
    """The container that runs the commands of ``prepare``, as root like the one that cloned."""
    return Container(
        name=name,
        image=mirrored(prepare.image, build),
        interpreter="sh",
        script=_doubled(preparing(prepare.commands)),
        folder=WORKSPACE,
        env=[{"name": "CI", "value": "true"}],
        resources=resources(build.kubernetes, memory=MEMORY),
        user=0,
        mounts=[_workspace_mount(workspace)],
        volumes=[_workspace_volume(workspace)],
    )


def needs_script(plan: Plan) -> bool:
    """Whether a login needs a config.json that only a script can write, or the builder a script."""
    if not builder_of(plan).takes_arguments:
        return True
    logins = plan.password_logins
    if not logins:
        return False
    variables = [_variable(login.host) for login in logins]
    helpers = plan.spec.options.credential_helpers
    return (
        not reads_registry_variables(plan.spec.executor)
        or (helpers is not None and "env" not in helpers)
        or len(set(variables)) < len(variables)
        or any(":" in login.host for login in logins)
    )


def _message_path(plan: Plan) -> str:
    """The file that the kubelet reads when the container ends."""
    if plan.spec.digest:
        return _DIGEST if plan.pushes else ""
    return f"{_OUTPUT}/{plan.outputs[0]}" if plan.outputs else ""


def _workspace_volume(name: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {}}


def _workspace_mount(name: str) -> dict[str, Any]:
    return {"name": name, "mountPath": WORKSPACE}


def _left_behind(plan: Plan, *, read_only: bool) -> Volumes:
    """What the container that asks clouds leaves to the one that builds."""
    place = builder_of(plan).path
    left = [login_volume(place, read_only=read_only)] * plan.writes_files
    left += [stored_volume(place, read_only=read_only)] * plan.fetches_store
    volumes = [volume for each in left for volume in each.volumes]
    return Volumes(volumes, [mount for each in left for mount in each.mounts], [])


def _files(plan: Plan, workspace: str, before: Plan | None) -> Volumes:
    builder = builder_of(plan)
    files = secret_volumes(plan, plan.spec.kubernetes.secret, builder.path, tokens=True)
    cache = cache_volume(plan, plan.spec.kubernetes.cache_claim)
    volumes, mounts = [*files.volumes, *cache.volumes], [*files.mounts, *cache.mounts]
    if before:
        written = _left_behind(before, read_only=True)
        volumes[:0], mounts[:0] = written.volumes, written.mounts
    if plan.docker_config:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        secret = {"secretName": plan.docker_config, "items": items}
        volumes.insert(0, {"name": "docker-config", "secret": secret})
        path = builder.path(CONFIG)
        mounts.insert(0, {"name": "docker-config", "mountPath": path, "readOnly": True})
    scratch = scratch_volume(builder.scratch)
    volumes += scratch.volumes
    mounts += scratch.mounts
    if workspace:
        volumes.insert(0, _workspace_volume(workspace))
        mounts.insert(0, _workspace_mount(workspace))
    return Volumes(volumes, mounts, files.env)


def _words(plan: Plan) -> list[str]:
    return [
        f"--{item.name}" + ("" if item.value is None else f"={_joined(item.value)}")
        for item in _arguments(plan)
    ]


def _joined(parts: Parts) -> str:
    return "".join(part if isinstance(part, str) else _PLACES[part.name] for part in parts)


def _arguments(plan: Plan) -> list[Argument]:
    if not plan.pushes:
        return [*plan.arguments, *plan.no_push_arguments]
    pushed = [push.argument for push in plan.pushes]
    return [*plan.arguments, *pushed, *plan.pushed_arguments]


def _doubled(text: str) -> str:
    """The kubelet halves every ``$$`` and replaces ``$(NAME)``: double them all."""
    return text.replace("$", "$$")


def _variable(host: str) -> str:
    """The environment variable of a host, https://github.com/osscontainertools/kaniko."""
    name = "index.docker.io" if host == DOCKER_HUB else host
    return "KANIKO_" + name.upper().replace(".", "_").replace("-", "_")


def _git_env(build: Build) -> Iterator[dict[str, Any]]:
    git = build.git
    if git.token:
        yield {"name": "GIT_USERNAME", "value": _doubled(git.username or "oauth2")}
        yield from_secret("GIT_PASSWORD", build.kubernetes.secret, git.token)


def _git_proxies(build: Build) -> Iterator[dict[str, Any]]:
    """What leads git through a proxy: for http:// it reads the small letters only."""
    for name, item in proxies(build):
        for spelled in (name, name.lower()):
            if isinstance(item, str):
                yield {"name": spelled, "value": _doubled(item)}
            else:
                yield from_secret(spelled, build.kubernetes.secret, item.secret)


def _each_once(env: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The variables with one entry for each name: one secret may be of use in several ways."""
    return [*{entry["name"]: entry for entry in env}.values()]


def _env(plan: Plan, *, scripted: bool) -> Iterator[dict[str, Any]]:
    if variable := builder_of(plan).container:
        # Without a service account token kaniko does not notice that it runs in a container.
        yield {"name": variable, "value": "kube"}
    secret = plan.spec.kubernetes.secret
    if plan.git_login:
        yield from _git_env(plan.spec)
    for cloud in plan.clouds:
        for name, key in cloud.secret_variables.items():
            yield from_secret(key if scripted else name, secret, key)
    for name in plan.spec.build_secrets.values():
        yield from_secret(name, secret, name)
    if scripted:
        yield from _secret_env(plan)
    else:
        yield from (from_secret(name, secret, key) for name, key in plan.proxy_secrets.items())
    for name, text in plan.spec.env.items():
        yield {"name": name, "value": _doubled(text)}
    for login in () if scripted else plan.password_logins:
        yield from _registry_variables(login, secret)


def _secret_env(plan: Plan) -> Iterator[dict[str, Any]]:
    """The secrets of proxies, of logins and of a store, as a script reads them."""
    for name in dict.fromkeys([*plan.proxy_secrets.values(), *plan.asked_secrets]):
        yield from_secret(name, plan.spec.kubernetes.secret, name)


def _registry_variables(login: HostLogin, secret: str) -> Iterator[dict[str, Any]]:
    prefix = _variable(login.host)
    user = login.login.username
    if isinstance(user, str):
        yield {"name": f"{prefix}_USER", "value": _doubled(user)}
    elif user is not None:
        yield from_secret(f"{prefix}_USER", secret, user.secret)
    yield from_secret(f"{prefix}_PASSWORD", secret, login.login.password or "")
