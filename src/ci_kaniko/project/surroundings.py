"""What a spec says of files, compared with the checkout that it lies in.

Only ``validate`` looks: what is rendered depends on the spec alone.
"""

from __future__ import annotations

import os

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.project.dockerfile import Unread, below, path_of
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.repository.files import in_submodule
from ci_kaniko.source.nodes import Mapping
from ci_kaniko.spec.build import NamedImage
from ci_kaniko.spec.told import once_for_images
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfile, Dockerfiles, Named
    from ci_kaniko.spec.build import Build, SpecFields

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_PREDEFINED = {
    *_PROXIES,
    *map(str.lower, _PROXIES),
    *(f"{side}{part}" for side in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "OSVERSION")),
    *(f"{side}{part}" for side in ("BUILD", "TARGET") for part in ("ARCH", "VARIANT")),
    *("TARGETSTAGE", "SOURCE_DATE_EPOCH"),
}
"""ARGs that every Dockerfile has."""
_LIKE_A_DOCKERFILE = pattern(
    r"(?i)(?:[\w-]+\.)*(?:docker|container)file(?:\.(?!dockerignore)[\w-]+)?"
)
_PATHS = ("context", "dockerfile", "prepare")
"""The fields that tell which files are looked at."""
_CHOICES = ("target", "build_secrets")
"""Those that tell what of a Dockerfile matters."""


def surroundings(
    spec: SpecFields,
    dockerfiles: Dockerfiles,
    targets: Sequence[str],
    only: Collection[str],
    damaged: Collection[Where] = (),
) -> Iterator[Finding]:
    """What is not in the checkout, and what its Dockerfiles do not take or would lose.

    ``only`` names the images that matter; what the others take is not unused, though. Nothing is
    said of what depends on the places that are ``damaged``.
    """
    found: list[tuple[Build, Finding]] = []
    unused: dict[Where, Finding] = {}
    used: set[Where] = set()
    for build in spec.builds:
        unknown = _fields(build, damaged)
        if not unknown.isdisjoint(_PATHS):
            continue
        found += ((build, finding) for finding in _missing(build, dockerfiles.root))
        try:
            dockerfile = None if _is_prepared(build) else dockerfiles.of(build)
        except Unread as unread:
            dockerfile = None
            found.append((build, _unread(build, unread)))
        if "checkout" not in unknown:
            unfetched = _unfetched(build, dockerfiles.root, dockerfile)
            found += ((build, finding) for finding in unfetched)
        untaken = {finding.where: finding for finding in _untaken(build, dockerfile)}
        for where, finding in untaken.items():
            unused.setdefault(build.at(where), finding)
        given: list[Where] = [("build_args", name) for name in build.build_args]
        given += [("build_secrets", name) for name in build.build_secrets]
        used |= {build.at(where) for where in given if where not in untaken}
        if dockerfile is not None and unknown.isdisjoint(_CHOICES):
            found += ((build, finding) for finding in _wrong(build, dockerfile, targets))
    for finding in once_for_images([pair for pair in found if pair[0].name in only], len(only)):
        yield _at_what_is_written(finding, spec)
    for where, finding in unused.items():
        if where not in used and (not damaged or where[0] == "images"):
            yield finding._replace(where=where)


def _fields(build: Build, damaged: Collection[Where]) -> set[str]:
    """The fields of an image that are damaged; what nobody can name stands for all of them."""
    fields = set()
    for where in damaged:
        here = where
        if where[:1] == ("images",):
            if isinstance(build, NamedImage) and where[1:2] not in {(), (build.name,)}:
                continue
            here = where[2:] if isinstance(build, NamedImage) else ()
        fields.add(str(here[0]) if here else _PATHS[0])
    return fields


def _at_what_is_written(finding: Finding, spec: SpecFields) -> Finding:
    """A finding about a default stands at the context, or where the image itself is."""
    source, (*above, field) = spec.source, finding.where
    if source is None or field not in {"dockerfile", "build_secrets"}:
        return finding
    layers = [layer.node for layer in source.layers(tuple(above))]
    written = {key.text for inner in layers if isinstance(inner, Mapping) for key, _ in inner.items}
    if field in written:
        return finding
    for other in ("dockerfile", "context"):
        if other in written:
            return finding._replace(where=(*above, other))
    if above:
        return finding._replace(where=tuple(above), on_key=True)
    return finding._replace(
        where=("destinations",) if "destinations" in written else (), on_key=True
    )


def _makes(build: Build, path: str) -> bool:
    """Whether commands make a file or a folder, or another one in its place."""
    return build.prepare is not None and any(
        below(path, artifact) for artifact in build.prepare.artifacts
    )


def _is_prepared(build: Build) -> bool:
    path = path_of(build)
    return path is not None and _makes(build, path)


def _missing(build: Build, root: str) -> Iterator[Finding]:
    """A context or a Dockerfile that the job will not find.

    What commands make, a submodule holds or a sparse checkout leaves out may be there for it.
    """
    context = build.context
    if not context.is_directory or "${" in context or _is_partial(root):
        return
    folder = inside_repository(context) or "."
    if in_submodule(root, folder):
        return
    artifacts = build.prepare.artifacts if build.prepare else ()
    is_made = _makes(build, folder) or any(below(artifact, folder) for artifact in artifacts)
    if not is_made and not os.path.isdir(os.path.join(root, folder)):
        above = os.path.join(root, os.path.dirname(folder))
        close = suggest(os.path.basename(folder), _folders(above))
        hint = os.path.join(os.path.dirname(folder), close) if close else ""
        yield Finding(
            "missing-context",
            ("context",),
            f"there is no folder {quoted(folder)} in this checkout",
            f"did you mean {hint}?" if hint else "its path starts at the root of the repository",
        )
        return
    path = path_of(build)
    if path is None or in_submodule(root, path) or os.path.lexists(os.path.join(root, path)):
        return
    if _makes(build, path):
        return
    yield Finding(
        "missing-dockerfile",
        ("dockerfile",),
        f"there is no file {quoted(path)} in this checkout",
        _instead(build, root, folder),
    )


def _unfetched(build: Build, root: str, dockerfile: Dockerfile | None) -> Iterator[Finding]:
    """The first path of an image that the job would not find, for a submodule holds it."""
    if not build.context.is_directory or build.prepare:
        return
    if build.checkout and build.checkout.submodules:
        return
    folder = inside_repository(build.context) or "."
    copied = [one.name for stage in dockerfile.stages for one in stage.copied] if dockerfile else []
    paths = [("context", folder), ("dockerfile", path_of(build))]
    paths += [("dockerfile", os.path.normpath(f"{folder}/{name}")) for name in copied]
    for field, path in paths:
        if path is not None and in_submodule(root, path):
            yield Finding(
                "unfetched-submodule",
                (field,),
                f"{quoted(path)} lies in a submodule, which most platforms do not fetch unasked",
                "checkout: {submodules: recursive} fetches it on each of them",
                severity="warning",
            )
            return


def _instead(build: Build, root: str, folder: str) -> str:
    """What the author of a wrong path may have meant."""
    whole = inside_repository(build.dockerfile)
    if whole and folder != "." and os.path.isfile(os.path.join(root, whole)):
        up = os.path.relpath(whole, folder).replace(os.sep, "/")
        return f"the path starts at the context, so write {up}"
    names = sorted(_files(os.path.join(root, folder)))
    close = [name for name in names if _LIKE_A_DOCKERFILE.fullmatch(name)]
    if close:
        return f"write dockerfile: {close[0]}"
    return "add it, or write the path of yours as dockerfile:, from the context"


def _folders(folder: str) -> list[str]:
    return [name for name in _entries(folder) if os.path.isdir(os.path.join(folder, name))]


def _files(folder: str) -> list[str]:
    return [name for name in _entries(folder) if os.path.isfile(os.path.join(folder, name))]


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_partial(root: str) -> bool:
    """Whether git was told to leave files out of this checkout."""
    git = os.path.join(root, ".git")
    try:
        with open(git, encoding="utf-8") as file:
            git = os.path.join(root, file.read(4096).partition("gitdir:")[2].strip())
    except (OSError, UnicodeDecodeError):
        pass
    return os.path.exists(os.path.join(git, "info", "sparse-checkout"))


def _unread(build: Build, reason: Unread) -> Finding:
    return Finding(
        "unread-dockerfile",
        ("dockerfile",),
        f"{quoted(str(path_of(build)))} was not read: {reason}",
        "its stages, ARGs and mounts are not compared with the spec",
        severity="warning",
    )


def _untaken(build: Build, dockerfile: Dockerfile | None) -> Iterator[Finding]:
    """Build args and secrets that the Dockerfile does not ask for."""
    if dockerfile is None:
        return
    for name in build.build_args:
        if name not in dockerfile.arguments and name not in _PREDEFINED:
            close = suggest(name, dockerfile.arguments)
            yield Finding(
                "unused-build-arg",
                ("build_args", name),
                f"no ARG of {dockerfile.path} declares {quoted(name)}",
                f"did you mean {close}?" if close else f"ARG {name} in the Dockerfile takes it",
                severity="warning",
                on_key=True,
            )
    mounted = {word.name for stage in dockerfile.stages for word in stage.secrets}
    for name in build.build_secrets:
        if name not in mounted:
            close = suggest(name, mounted)
            yield Finding(
                "unused-build-secret",
                ("build_secrets", name),
                f"no RUN of {dockerfile.path} mounts the secret {quoted(name)}",
                f"did you mean {close}?"
                if close
                else f"RUN --mount=type=secret,id={name} reads it",
                severity="warning",
                on_key=True,
            )


def _wrong(build: Build, dockerfile: Dockerfile, targets: Sequence[str]) -> Iterator[Finding]:
    """What cannot be built as the spec says, or would be lost."""
    if build.target and "${" in build.target:
        return
    number = dockerfile.number(build.target)
    if number is None:
        yield _unknown_stage(str(build.target), dockerfile)
        return
    used = dockerfile.used(number)
    for secret in dockerfile.secrets(number):
        if secret.name not in build.build_secrets:
            yield _missing_secret(secret, dockerfile)
    layers = dockerfile.layers(number)
    for one in sorted(used if build.cache and build.cache.repo else layers):
        lost = "the image" if one in layers else "the cached layers"
        yield from _hidden(build, dockerfile, dockerfile.stages[one].folders, lost, targets)


def _unknown_stage(name: str, dockerfile: Dockerfile) -> Finding:
    stages = [stage.name for stage in dockerfile.stages if stage.name]
    close = suggest(name, stages)
    hint = f"its stages: {', '.join(stages)}" if stages else f"such as FROM IMAGE AS {name}"
    return Finding(
        "unknown-stage",
        ("target",),
        f"{quoted(name)} is no stage of {dockerfile.path}",
        f"did you mean {close}?" if close else hint,
    )


def _missing_secret(secret: Named, dockerfile: Dockerfile) -> Finding:
    from ci_kaniko.problems.finding import Refused
    from ci_kaniko.spec.context import check_secret_id

    hint = f"build_secrets: {{{secret.name}: NAME_OF_A_SECRET}}"
    try:
        check_secret_id(secret.name)
    except Refused:
        hint = "another id in the Dockerfile: letters, digits, _ . and -"
    return Finding(
        "missing-build-secret",
        ("build_secrets",),
        f"{dockerfile.path}:{secret.line} mounts the secret {quoted(secret.name)}, which "
        "build_secrets does not name",
        hint,
        severity="warning",
    )


def _hidden(
    build: Build,
    dockerfile: Dockerfile,
    folders: Sequence[Named],
    lost: str,
    targets: Sequence[str],
) -> Iterator[Finding]:
    """Folders of the image where a target mounts something: the executor skips mounts."""
    for mount, names in _mounts(build, targets).items():
        for word in folders:
            if below(word.name, mount):
                whose = " and ".join(names) if names else "the executor"
                yield Finding(
                    "hidden-folder",
                    ("dockerfile",),
                    f"{dockerfile.path}:{word.line} names {quoted(word.name)}, but {mount} is "
                    f"{whose}'s own there: what is written below it is not in {lost}",
                    "another folder in the Dockerfile, such as /app",
                    severity="warning",
                )
                break


def _mounts(build: Build, targets: Sequence[str]) -> dict[str, list[str]]:
    from ci_kaniko.targets.registry import target as find_target

    found: dict[str, list[str]] = {"/kaniko": []}
    for name in targets:
        for folder in find_target(name).mounts(build):
            found.setdefault(folder, []).append(name)
    return found
