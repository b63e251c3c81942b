"""How Buildah gets what it does not fetch by itself: a repository, or a part of an archive."""

from __future__ import annotations

from ci_kaniko.builders.builder import context_of
from ci_kaniko.builders.fetching import Fetching, archive_of, unpacking
from ci_kaniko.plan.model import FETCHED, proxies
from ci_kaniko.plan.tools import git_image
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.contexts import git_parts
from ci_kaniko.syntax.references import merge
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.builder import Builder, Words
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.syntax.variables import Parts, Ref

HELPER = '!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_PASSWORD"; }; f'
READ = 'while IFS= read -r line; do export "$line"; done; exec git "$@"'


def fetching(plan: Plan, words: Words, builder: Builder) -> Fetching | None:
    """How the context of a plan gets into a folder; None where Buildah takes it as it is."""
    context, folder = context_of(plan), builder.path(FETCHED)
    kind = plan.spec.context.kind
    if kind == "git":
        return _cloning(plan, words, context, folder)
    if packed := archive_of(plan, builder):
        return unpacking(words, packed, folder)
    if kind == "https" and plan.spec.context_sub_path:
        return Fetching([words.text(context)], lambda given: _downloaded(given[0], folder), folder)
    return None


def _downloaded(address: str, folder: str) -> list[str]:
    download = f"curl --fail --silent --show-error --location {address}"
    return [f"mkdir -p {folder}", f"{download} | tar -xzo -C {folder}"]


def _cloning(plan: Plan, words: Words, context: Parts, folder: str) -> Fetching:
    """Buildah's image has no git, but Buildah runs it in another one, as it runs a ``RUN`` line."""
    git = plan.spec.git
    location, named = git_parts(context)
    ref, commit = (*named, (), ())[:2]
    listed = [
        words.text(merge(["https://", *location])),
        words.text((git.branch,) if git.branch else ref or ("HEAD",)),
        words.text(commit or ("FETCH_HEAD",)),
    ]
    if git.token:
        # A submodule may lie elsewhere, and whoever serves it must not get the token.
        server = merge(["credential.https://", *_server(location), f".helper={HELPER}"])
        listed.append(words.text(server))
    return Fetching(listed, lambda given: _cloned(plan, folder, *given), folder)


def _cloned(
    plan: Plan, folder: str, address: str, ref: str, commit: str, login: str = ""
) -> list[str]:
    git = plan.spec.git
    insecure = " -c http.sslVerify=false" * bool(git.insecure_skip_tls)
    run = "run_git" + insecure + (f" -c {login}" if login else "")
    depth = f" --depth={git.depth}" if git.depth else ""
    lines = [
        f"mkdir -p {folder}",
        f"git=$(buildah from {quote(git_image(plan.spec))})",
        "run_git() {",
        *indented(_run(plan, folder)),
        "}",
        "run_git init --quiet",
        f"{run} fetch --quiet{depth} {address} {ref}",
        f"run_git checkout --quiet --detach {commit}",
    ]
    if git.recurse_submodules:
        # Relative addresses of submodules start at it.
        lines.insert(-2, f"run_git remote add origin {address}")
        lines.append(f"{run} submodule update --quiet --init --recursive{depth}")
    if git.token:
        # RUN lines may see the environment.
        lines.append("unset GIT_USERNAME GIT_PASSWORD")
    return lines


def _run(plan: Plan, folder: str) -> list[str]:
    """Git in the folder; what may be secret is told at its standard input, and in no argument."""
    run = f'buildah run --volume {folder}:/git --workingdir /git "$git" --'
    told = [*_told(plan)]
    if not told:
        # A runner may give the shell its script there.
        return [f'{run} git "$@" < /dev/null']
    listed = " ".join(f'"{name}=${variable}"' for name, variable in told)
    return [f"printf '%s\\n' {listed} |", f'  {run} sh -c {quote(READ)} sh "$@"']


def _told(plan: Plan) -> Iterator[tuple[str, str]]:
    """The variables of git, and those of the script that hold them."""
    if plan.spec.git.token:
        yield from ((name, name) for name in ("GIT_USERNAME", "GIT_PASSWORD"))
    for name, _ in proxies(plan.spec):
        # For http:// it reads the small letters only.
        yield from ((spelled, name) for spelled in (name, name.lower()))


def _server(location: Parts) -> Iterator[str | Ref]:
    for part in location:
        if isinstance(part, str) and "/" in part:
            yield part.partition("/")[0]
            return
        yield part
