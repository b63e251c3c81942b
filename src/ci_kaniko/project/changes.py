"""Which images a part of the history concerns, for pipelines that are rendered when they run."""

from __future__ import annotations

import os
import re

from ci_kaniko.plan.select import select
from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import SelectionError, meant
from ci_kaniko.project.git import commit_of, git, more_history, output
from ci_kaniko.quick.hints import TYPE_CHECKING, TypeVar
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.discovery import ENDING
from ci_kaniko.syntax.globs import split, to_regex
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.syntax.variables import INPUT_READ, inputs_in
from ci_kaniko.targets.registry import target as find_target
from ci_kaniko.text.display import listed
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec

_B = TypeVar("_B", bound="Build")
_NO_COMMIT = pattern(r"0{40}|0{64}")


class Changes(NamedTuple):
    """Changed files, from the repository root, and every folder that holds one."""

    files: frozenset[str]
    folders: frozenset[str]


def named(spec: Spec, words: Iterable[str]) -> list[str]:
    """The images that ``--only`` names, in the order of the spec. Raises SelectionError."""
    names = {name.strip() for word in words for name in word.split(",")} - {""}
    if not spec.images:
        raise SelectionError("`only` chooses among images:, and this spec lists none")
    if not names:
        raise SelectionError("`only` names no image")
    for name in sorted(names - spec.images.keys()):
        raise SelectionError(f"no image is called {quoted(name)}; {meant(name, spec.images)}")
    return [name for name in spec.images if name in names]


def changed(root: str, revision: str) -> Changes:
    """What differs between HEAD and where it left ``revision``. Raises SelectionError."""
    if not revision:
        raise SelectionError("`changed_since` has no revision: the variable that names it is empty")
    if _NO_COMMIT.fullmatch(revision):
        raise SelectionError(
            f"{revision[:7]}... stands for no commit, as in the first push of a branch; "
            "name one, such as origin/main"
        )
    git(root, "rev-parse", "--git-dir", otherwise="`changed_since` needs a git checkout")
    commits = [commit_of(root, name) for name in (revision, "HEAD")]
    base = output(root, "merge-base", *commits)
    if base is None:
        more = more_history(root)
        raise SelectionError(
            f"git finds no commit that {quoted(revision)} and HEAD both come from{more}"
        )
    # A rename is a deletion and an addition here, so that both names count.
    options = ("--name-only", "-z", "--no-renames", "--ignore-submodules=none", "--relative")
    listed = git(root, "diff", *options, base.strip(), commits[1], "--", otherwise="git failed")
    return changes(name for name in listed.split("\0") if name)


def changes(files: Iterable[str]) -> Changes:
    """Changed files with their folders."""
    found = frozenset(files)
    return Changes(found, frozenset(folder for file in found for folder in _folders(file)))


def affected(spec: Spec, root: str, changes: Changes) -> list[str]:
    """The images that changes concern, those that need them included; "" is the only one."""
    texts = (spec.source, *spec.source.bases) if spec.source else ()
    files = [text.path for text in texts if text is spec.source or text.place]
    read = [_names(root, os.path.abspath(file)) for file in files]
    if any(not changes.files.isdisjoint(names) for names in read):
        return [build.name for build in spec.builds]
    if spec.templates and _touches_templates(root, spec.templates, changes):
        return [build.name for build in spec.builds]
    waiting: dict[str, list[str]] = {}
    for name, image in spec.images.items():
        for needed in image.needs:
            waiting.setdefault(needed, []).append(name)
    reached = {build.name for build in spec.builds if _concern(build, root, changes)}
    pending = list(reached)
    while pending:
        following = set(waiting.get(pending.pop(), ())) - reached
        reached |= following
        pending += following
    return [build.name for build in spec.builds if build.name in reached]


def _touches_templates(root: str, folder: str, changes: Changes) -> bool:
    """Whether changes touch the templates of a repository, or what links there lead to."""
    folders = _names(root, folder)
    if any(os.path.dirname(file) in folders for file in changes.files if file.endswith(ENDING)):
        return True
    place = os.path.join(root, folder)
    names = os.listdir(place) if os.path.isdir(place) else []
    return any(
        not changes.files.isdisjoint(_names(root, f"{folder}/{name}"))
        for name in names
        if name.endswith(ENDING)
    )


def only_images(spec: Spec, words: Iterable[str]) -> Spec:
    """The images that ``--only`` names. Raises SelectionError."""
    return select(spec, named(spec, words))


class Unchanged(NamedTuple):
    """There is nothing to build: why, and the text of a pipeline that builds nothing."""

    why: str
    text: str


def chosen_images(
    spec: Spec, target: str, only: Sequence[str] = (), since: str | None = None
) -> Spec | Unchanged:
    """The images that ``only`` names, and of them those that commits since ``since`` concern.

    Raises SelectionError.
    """
    if since is None:
        return only_images(spec, only) if only else spec
    part = changed_images(spec, target, spec.repository, since, only)
    if part is not None:
        return part
    why = _unchanged(spec, only, since)
    return Unchanged(why, find_target(target).nothing(spec, why))


def changed_images(
    spec: Spec, target: str, root: str, since: str, only: Sequence[str] = ()
) -> Spec | None:
    """The images that have changed, of those that ``only`` names; None when there are none.

    Raises SelectionError.
    """
    names = named(spec, only) if only else [build.name for build in spec.builds]
    reached = affected(spec, root, changed(root, since))
    names = [name for name in names if name in reached]
    if not names:
        return None
    if not spec.images:
        return _started_now(spec, target)
    part = select(spec, names)
    images = {name: _started_now(image, target) for name, image in part.images.items()}
    return part.model_copy(update={"images": images})


def _unchanged(spec: Spec, only: Sequence[str], since: str) -> str:
    """What is said when there is nothing to build."""
    if not spec.images:
        return f"the image has not changed since {since}"
    names = named(spec, only) if only else []
    who = "no image" if not names else names[0] if len(names) == 1 else f"none of {listed(names)}"
    return f"{who} has {'not ' if len(names) == 1 else ''}changed since {since}"


def _started_now(build: _B, target: str) -> _B:
    """A build in a pipeline that is rendered when it runs: which files changed is settled."""
    build = build.model_copy(update=find_target(target).started_now(build))
    if build.triggers is None:
        return build
    return build.model_copy(update={"triggers": build.triggers.model_copy(update={"paths": ()})})


def _concern(build: Build, root: str, changes: Changes) -> bool:
    """Whether changes touch what an image is made of."""
    globs = build.triggers.paths if build.triggers else ()
    if globs and _any_matches(globs, changes):
        return True
    if any(
        not changes.files.isdisjoint(_names(root, file)) or _in_submodule(file, changes)
        for file in _own_files(build)
    ):
        return True
    folder = _folder(build)
    if folder is None:
        return False
    if folder == ".":
        return bool(changes.files) and not globs
    return not changes.folders.isdisjoint(_names(root, folder)) or _in_submodule(folder, changes)


def _folder(build: Build) -> str | None:
    """The folder that an image is made from: all of the repository where commands prepare it.

    Of a path that holds an input only what stands before that is known.
    """
    leaves = inputs_in(build.dockerfile) and ".." in build.dockerfile.split("/")
    if build.prepare or leaves:
        return "."
    if not build.context.is_directory:
        return None
    known, given, _ = build.context.partition(INPUT_READ)
    return inside_repository(known.rpartition("/")[0] if given else known)


def _own_files(build: Build) -> Iterator[str]:
    """The files of an image that need not lie in its context."""
    dockerfile = inside_repository(build.dockerfile, build.context_folder)
    if dockerfile and not build.dockerfile.is_remote:
        yield dockerfile
        yield f"{dockerfile}.dockerignore"
    context = build.context
    archive = inside_repository(context.location) if context.is_archive else None
    if archive:
        yield archive


def _any_matches(globs: tuple[str, ...], changes: Changes) -> bool:
    """Whether globs let a changed file through."""
    plain, out = ([_compiled(glob) for glob in part] for part in split(globs))
    return any(
        any(regex.fullmatch(file) for regex in plain)
        and not any(regex.fullmatch(file) for regex in out)
        for file in changes.files
    )


def _compiled(glob: str) -> re.Pattern[str]:
    """Between slashes ``**`` may be no folder at all."""
    return re.compile(re.sub(r"(^|/)\.\*/", r"\1(?:.*/)?", to_regex(glob)))


def _folders(path: str) -> Iterator[str]:
    while path := os.path.dirname(path):
        yield path


def _in_submodule(path: str, changes: Changes) -> bool:
    """Whether ``path`` lies in a submodule that has changed: git lists it as a file."""
    return any(folder in changes.files for folder in (path, *_folders(path)))


def _names(root: str, path: str) -> set[str]:
    """A path of the repository as git calls it, and what it leads to when it is a link."""
    full = os.path.join(root, path)
    top = os.path.realpath(root)
    ways = {os.path.relpath(full, root), os.path.relpath(os.path.realpath(full), top)}
    return {way.replace(os.sep, "/") for way in ways if not way.startswith(os.pardir)}
