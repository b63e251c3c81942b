"""What buildctl is told of a plan."""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.builders.builder import archives
from ci_kaniko.kaniko.builders import BUILDER_HOMES
from ci_kaniko.plan.model import CHECKOUT, FETCHED, Argument
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.contexts import git_parts, normal_path, without_scheme
from ci_kaniko.syntax.references import merge
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.syntax.variables import Parts

CARRIED: Mapping[str, str] = MappingProxyType(
    {
        "context": "--local=context= or --opt=context=",
        "context-sub-path": "--opt=contextsubdir=, and --local=context= for tar://",
        "dockerfile": "--opt=filename=",
        "target": "--opt=target=",
        "build-arg": "--opt=build-arg:",
        "label": "--opt=label:",
        "annotation": "--output=type=image,annotation.",
        "cache": "--import-cache=",
        "cache-repo": "--import-cache=type=registry,ref= and --export-cache=",
        "custom-platform": "--opt=platform=",
        "image-format": "--output=type=image,oci-mediatypes=",
        "compression": "--output=type=image,compression=",
        "compression-level": "--output=type=image,compression-level=",
        "reproducible": "SOURCE_DATE_EPOCH and --output=type=image,rewrite-timestamp=true",
        "secret": "--secret=",
        "destination": "--output=type=image,name=",
        "insecure": "--output=type=image,registry.insecure=true",
        "digest-file": "--metadata-file=",
        "tar-path": "--output=type=docker,dest=",
        "oci-layout-path": "--output=type=oci,tar=false,dest=",
        "no-push": "no --output=",
        "no-push-cache": "no --export-cache=",
        "git": "--secret=id=GIT_AUTH_HEADER for a token, and --opt=context= for a branch",
        "insecure-registry": "buildkitd.toml",
        "skip-tls-verify-registry": "buildkitd.toml",
        "registry-map": "buildkitd.toml",
        "registry-mirror": "buildkitd.toml",
        "registry-certificate": "buildkitd.toml",
        "registry-client-cert": "buildkitd.toml",
    }
)
"""The flags of kaniko that it does, and how."""
_SIMPLE = {"target", "build-arg", "label", "custom-platform", "secret"}
"""Those that are followed by the same value."""
UNPACKED = f"{BUILDER_HOMES['buildkit']}{FETCHED.removeprefix('/kaniko')}"
"""Where the script puts the files of an archive."""
_TAG = "buildkit"
"""What its cache is tagged with, beside that of kaniko."""

LAYOUT = "localhost/built"
"""The image in the index of a layout, which else has an entry for each name that is pushed."""


def asks_for_git(plan: Plan) -> bool:
    """Whether the context is cloned with a token, which some targets put into the environment."""
    return bool(plan.spec.git.token) and not plan.spec.context.is_directory


def arguments(plan: Plan) -> Iterator[Argument]:
    """What every run passes."""
    yield Argument("frontend", ("dockerfile.v0",))
    for item in plan.arguments:
        value = item.value or ()
        if item.name in _SIMPLE:
            name, _, start = CARRIED[item.name][2:].partition("=")
            yield Argument(name, merge([start, *value]))
        elif item.name == "context":
            yield from _context(plan, value)
        elif item.name == "dockerfile":
            yield Argument("opt", merge(["filename=", *_filename(plan, value)]))
    if plan.cached:
        parts = ("type=registry,ref=", *plan.cached.parts, f":{_TAG}")
        yield Argument("import-cache", merge([*parts]), is_reference=True)
    if plan.spec.options.reproducible:
        yield Argument("opt", ("build-arg:SOURCE_DATE_EPOCH=0",))
    if asks_for_git(plan):
        yield Argument("secret", ("id=GIT_AUTH_HEADER,env=GIT_AUTH_HEADER",))


def _context(plan: Plan, value: Parts) -> Iterator[Argument]:
    """A directory, and the whole checkout for the Dockerfile; or what is fetched."""
    folder = normal_path(plan.spec.context_folder)
    if plan.spec.context.is_directory:
        yield Argument("local", merge(["context=", *without_scheme(value)]))
        yield Argument("local", ("dockerfile=", Ref(CHECKOUT)))
        return
    if plan.spec.context.is_archive or plan.fetches_store:
        below = ("/", *folder) if folder else ()
        yield Argument("local", merge([f"context={UNPACKED}", *below]))
        yield Argument("local", (f"dockerfile={UNPACKED}",))
        return
    if plan.spec.context.kind == "git":
        location, named = git_parts(value)
        ref = (plan.spec.git.branch,) if plan.spec.git.branch else (named or [()])[-1]
        value = ("https://", *location, *(("#", *ref) if ref else ()))
    yield Argument("opt", merge(["context=", *value]))
    if folder:
        # Behind the ref of the context it would also be the folder that holds the Dockerfile.
        yield Argument("opt", merge(["contextsubdir=", *folder]))


def _filename(plan: Plan, value: Parts) -> Parts:
    """The Dockerfile from the root of what it is looked for in."""
    if not plan.spec.context.is_directory:
        return normal_path(plan.spec.dockerfile, plan.spec.context_folder)
    _, first, *rest = value
    if isinstance(first, str):
        return (first.removeprefix("/"), *rest)
    return (".", first, *rest)


def cache_to(plan: Plan) -> Iterator[Argument]:
    """Some registries refuse the cache's own kind of manifest, so it is that of an image."""
    if plan.cached:
        kind = "mode=max,image-manifest=true,oci-mediatypes=true"
        parts = ("type=registry,ref=", *plan.cached.parts, f":{_TAG},{kind}")
        yield Argument("export-cache", merge([*parts]), is_reference=True)


def output(plan: Plan) -> tuple[list[str], Parts]:
    """What stands before the names of the image in its output, and behind them."""
    options = plan.spec.options
    # Before 0.31 the default is Docker's format, in which nobody else reads layers of zstd.
    kind = options.image_format or {"zstd": "oci"}.get(options.compression or "", "")
    said = {
        "registry.insecure": "true" if options.insecure else "",
        "oci-mediatypes": {"oci": "true", "docker": "false"}.get(kind, ""),
    }
    end = [",push=true", *(f",{name}={text}" for name, text in said.items() if text)]
    return ["--output=type=image,"], merge([*end, *_layers(plan), *_annotations(plan)])


def _layers(plan: Plan) -> Iterator[str]:
    """How layers are written, whatever they are written to."""
    options, level = plan.spec.options, plan.spec.options.compression_level
    said = {
        "compression": options.compression or "",
        "compression-level": "" if level is None else str(level),
        "force-compression": "true" if options.compression else "",
        "rewrite-timestamp": "true" if options.reproducible else "",
    }
    yield from (f",{name}={text}" for name, text in said.items() if text)


def _annotations(plan: Plan) -> Iterator[str | Ref]:
    for item in plan.arguments:
        if item.name == "annotation":
            yield from (",", *_csv(merge(["annotation.", *(item.value or ())])))


def archived(plan: Plan, kind: str) -> Parts:
    """The output that is a file of a kind, by the flag of kaniko; nothing where none is wanted."""
    for flag, path in archives(plan):
        if flag == kind:
            output, _, start = CARRIED[flag].rpartition(",")
            more = [] if flag == "tar-path" else [*_annotations(plan), f",name={LAYOUT}"]
            return merge([f"{output},", *_csv(merge([start, *path])), *_layers(plan), *more])
    return ()


def _csv(parts: Parts) -> Parts:
    """A field of CSV: in quotes, and quotes in it twice."""
    plain = all(isinstance(part, str) and not set(part) & set(',"\n') for part in parts)
    if plain:
        return parts
    doubled = (part.replace('"', '""') if isinstance(part, str) else part for part in parts)
    return ('"', *doubled, '"')


def can_hold_quotes(ref: Ref) -> bool:
    """Whether whoever names a branch or sets a variable can put a quote there."""
    return ref.name in {"branch", "tag", "ref.name"} or ref.name.startswith((INPUT_PREFIX, "env."))
