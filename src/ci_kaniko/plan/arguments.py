"""The executor's arguments, from the fields of a spec."""

from __future__ import annotations

from ci_kaniko.kaniko.flags import FLAGS, fields_below, flag_of
from ci_kaniko.plan.model import (
    CERTIFICATES,
    CHECKOUT,
    DIGEST,
    FETCHED,
    FOLDER,
    OUTPUT,
    PUSHED_ONLY,
    THIS_REPOSITORY,
    Argument,
    file_of,
    proxies,
)
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.latest import latest
from ci_kaniko.spec.labels import oci_labels
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.contexts import normal_path
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, merge
from ci_kaniko.syntax.variables import Part, Parts, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.options import Options


def arguments_of(spec: Build, *, directory_is_git: bool) -> Iterator[Argument]:
    yield from _context_arguments(spec, directory_is_git=directory_is_git)
    if spec.target:
        yield Argument("target", spec.target.parts)
    for name, text in spec.build_args.items():
        yield Argument("build-arg", merge([f"{name}=", *text.parts]))
    for name, proxy in proxies(spec):
        for spelled in (name, name.lower()):
            # Without a value the executor takes the one of its environment.
            value = f"={proxy}" if isinstance(proxy, str) else ""
            yield Argument("build-arg", (f"{spelled}{value}",))
    made = oci_labels(spec.labels, reproducible=bool(spec.options.reproducible))
    for name, variable in made.items():
        yield Argument("label", (f"{name}=", Ref(variable)))
    for name, text in spec.labels.items():
        yield Argument("label", merge([f"{name}=", *text.parts]))
    for name, text in spec.annotations.items():
        yield Argument("annotation", merge([f"{name}=", *text.parts]))
    yield from _cache_arguments(spec)
    yield from _option_arguments(spec.options)
    for host, mirror in spec.mirrors.items():
        known = "index.docker.io" if canonical_host(host) == DOCKER_HUB else host
        yield Argument("registry-map", (f"{known}={mirror}",))
    yield from _input_arguments(spec)
    yield from output_arguments(spec, pushed_only=False)
    for text in spec.extra_args:
        name, separator, _ = text.removeprefix("--").partition("=")
        yield Argument(name, text.without(f"--{name}=").parts if separator else None)


def _context_arguments(spec: Build, *, directory_is_git: bool) -> Iterator[Argument]:
    remote = not spec.context.is_directory
    folder = normal_path(spec.context_folder)
    if remote or directory_is_git:
        yield Argument("context", _fetched_context(spec))
        if folder:
            yield Argument("context-sub-path", folder)
        root: Part = FETCHED
    else:
        yield Argument("context", merge(["dir://", Ref(CHECKOUT), *_below(folder, folder)]))
        root = Ref(CHECKOUT)
    if spec.dockerfile.is_remote:
        yield Argument("dockerfile", (spec.dockerfile,))
    else:
        path = normal_path(spec.dockerfile, spec.context_folder)
        yield Argument("dockerfile", merge([root, *_below(path, folder)]))
    if remote:
        yield from _git_arguments(spec)
    elif directory_is_git and spec.checkout:
        if spec.checkout.depth:
            yield Argument("git", (f"depth={spec.checkout.depth}",))
        if spec.checkout.submodules:
            yield Argument("git", ("recurse-submodules=true",))


def _below(path: Parts, folder: Parts) -> Parts:
    """A path as it stands behind the root; an input that is all of the folder may be the root."""
    if len(folder) == 1 and isinstance(folder[0], Ref) and path[0] == folder[0]:
        return (Ref(FOLDER), *path[1:])
    return ("/", *path) if path else ()


def _fetched_context(spec: Build) -> Parts:
    context = spec.context
    if context.is_directory:
        return (Ref(THIS_REPOSITORY),)
    if context.is_archive and not context.location.startswith("/"):
        return merge(["tar://", Ref(CHECKOUT), "/", *context.without("tar://").parts])
    needed = "context"  # without a ref it would be another commit's
    return tuple(
        part if isinstance(part, str) else part._replace(needed=needed) for part in context.parts
    )


def _git_arguments(spec: Build) -> Iterator[Argument]:
    git = spec.git
    if git.branch:
        yield Argument("git", (f"branch={git.branch}",))
    if git.depth:
        yield Argument("git", (f"depth={git.depth}",))
    for name in ("single_branch", "recurse_submodules", "insecure_skip_tls"):
        value = getattr(git, name)
        if value is not None:
            yield Argument("git", (f"{flag_of(name)}={str(value).lower()}",))


def _cache_arguments(spec: Build) -> Iterator[Argument]:
    cache = spec.cache
    if cache is None:
        return
    if cache.repo:
        yield Argument("cache", ("true",))
    if cache.remote:
        yield Argument("cache-repo", cache.remote.parts, is_reference=True)
    elif cache.repo:
        yield Argument("cache-repo", (cache.repo,))
    if cache.ttl:
        yield Argument("cache-ttl", (cache.ttl,))
    if cache.dir:
        yield Argument("cache-dir", (cache.dir,))
    for name, flag in fields_below("cache").items():
        if FLAGS[flag].kind != "switch":
            continue
        value = getattr(cache, name)
        if value is not None:
            yield Argument(flag, None if value else ("false",))


@latest
def _option_arguments(options: Options) -> tuple[Argument, ...]:
    return tuple(_of_options(options))


def _of_options(options: Options) -> Iterator[Argument]:
    files = options.files
    for name, value in options:
        if value is None or name in files:
            continue
        flag = flag_of(name)
        if name == "credential_helpers" and not value:
            yield Argument(flag, ())
            continue
        if isinstance(value, bool):
            yield Argument(flag, None if value else ("false",))
        elif isinstance(value, dict):
            for key, item in value.items():
                listed = item if isinstance(item, tuple) else (item,)
                yield from (Argument(flag, (f"{key}={one}",)) for one in listed)
        elif isinstance(value, tuple):
            yield from (Argument(flag, (item,)) for item in value)
        else:
            yield Argument(flag, (str(value),))


def _input_arguments(spec: Build) -> Iterator[Argument]:
    for name, secret in spec.build_secrets.items():
        yield Argument("secret", (f"id={name},env={secret}",))
    for host in spec.certificates:
        path = f"{CERTIFICATES}/{file_of(host)}.crt"
        yield Argument("registry-certificate", (f"{host}={path}",))
    for host in spec.client_certificates:
        path = f"{CERTIFICATES}/{file_of(host)}.client"
        yield Argument("registry-client-cert", (f"{host}={path}.crt,{path}.key",))


def output_arguments(spec: Build, *, pushed_only: bool) -> Iterator[Argument]:
    for name, path in spec.options.files.items():
        if (name in PUSHED_ONLY) == pushed_only:
            normal = grammar.inside_repository(path)
            yield Argument(flag_of(name), (Ref(OUTPUT), f"/{normal}"))


def handed_over(spec: Build) -> Iterator[Argument]:
    """A digest is for later jobs, so it is written when the image is pushed."""
    if spec.digest:
        yield Argument("digest-file", (Ref(DIGEST),))
