"""Actions that wrap the executor, as the calls that they make."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Login, Text, Var, Word, join, literal, spell, split_text
from ci_kaniko.importing.jobs import Root
from ci_kaniko.importing.readers.containers import call_of
from ci_kaniko.importing.readers.expressions import Expressions, Operand
from ci_kaniko.importing.shell.values import change_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.readers.documents import Map

_WORKSPACE = Var("GITHUB_WORKSPACE")


def action_call(
    job: Job,
    step: Map,
    name: str,
    texts: dict[str, Text],
    given: Map,
    operand: Callable[[str], Operand],
) -> Call | None:
    """The call that an action makes; None for other actions."""
    if name.startswith("docker://") and "kaniko" in name:
        return _docker(job, step, name, texts, given)
    if name == "aevea/action-kaniko" or re.search(r"/action-kaniko$", name):
        return _aevea(job, step, texts, given)
    if name == "int128/kaniko-action" or name.endswith("/kaniko-action"):
        return _int128(job, step, texts, given, operand)
    if "kaniko" in name:
        job.left(
            "unknown-action",
            f"the action {name} is not known",
            step.line_of("uses"),
            "import knows aevea/action-kaniko and int128/kaniko-action",
        )
    return None


def _call(job: Job, words: list[tuple[Text, int]], step: Map, logins: tuple[Login, ...]) -> Call:
    job.has_shell = False
    call = call_of([Word(text, line=line) for text, line in words], step.line_of("uses"))
    return replace(call, logins=logins, image=(), folder=(_WORKSPACE,))


def _lines(text: Text) -> list[Text]:
    """The lines of an input, without empty ones."""
    return [row for piece in split_text(text, "\n") if (row := _stripped(piece))]


def _stripped(text: Text) -> Text:
    parts = list(text)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return join(parts)


def _true(texts: dict[str, Text], key: str) -> bool:
    return literal(texts.get(key, ())) == "true"


# -- aevea/action-kaniko -----------------------------------------------------------------------


def _aevea(job: Job, step: Map, texts: dict[str, Text], given: Map) -> Call:
    registry = texts.get("registry") or ("docker.io",)
    host = literal(registry) or spell(registry)
    image = texts.get("image") or (Var("github.repository"),)
    tag = texts.get("tag") or (Var("GITHUB_REF_NAME"),)
    ghcr = host in {"ghcr.io", "docker.pkg.github.com"}
    retired = host == "docker.pkg.github.com"
    if retired:
        job.mended(
            "retired-registry",
            "docker.pkg.github.com is retired",
            given.line_of("registry"),
            "ghcr.io",
        )
        host, registry = "ghcr.io", ("ghcr.io",)
    name = literal(image)
    if ghcr and name is not None and "/" not in name:
        owner: tuple[Any, ...] = (Var("github.repository_owner"), "/")
        image = join((*owner, name))
    lowered = change_text(image, "lower") or image
    base = join((*registry, "/", *lowered)) if host != "docker.io" else lowered
    words: list[tuple[Text, int]] = []

    def add(text: Text, key: str) -> None:
        words.append((text, given.line_of(key)))

    path = literal(texts.get("path", ())) or "."
    add(("--context=", _WORKSPACE, "" if path == "." else f"/{path.strip('/')}"), "path")
    file = literal(texts.get("build_file", ())) or "Dockerfile"
    add((f"--dockerfile={file.removeprefix('./')}",), "build_file")
    if literal(texts.get("target", ())):
        add(join(("--target=", *texts["target"])), "target")
    add(join(("--destination=", *base, ":", *tag)), "tag")
    if _true(texts, "tag_with_latest"):
        add(join(("--destination=", *base, ":latest")), "tag_with_latest")
    if _true(texts, "cache"):
        add(("--cache=true",), "cache")
        repo = texts.get("cache_registry")
        if repo and ghcr and "/" not in spell(repo):
            add(join(("--cache-repo=", *base, "/", *repo)), "cache_registry")
        elif repo:
            add(join(("--cache-repo=", *repo)), "cache_registry")
        if texts.get("cache_ttl"):
            add(join(("--cache-ttl=", *texts["cache_ttl"])), "cache_ttl")
    for word in (literal(texts.get("extra_args", ())) or "").split():
        add((word,), "extra_args")
    if texts.get("extra_args") and literal(texts["extra_args"]) is None:
        words += [(row, given.line_of("extra_args")) for row in _words(texts["extra_args"])]
    if _true(texts, "skip_unchanged_digest"):
        job.left(
            "skip-unchanged",
            "skip_unchanged_digest: the push is skipped when nothing changed",
            given.line_of("skip_unchanged_digest"),
            "the registry keeps one copy of a digest anyway",
        )
    job.mended(
        "aevea-flags",
        "the action adds --reproducible and --force without being asked",
        step.line_of("uses"),
        "options: {reproducible: true}, if that is meant",
    )
    user = texts.get("username") or (Var("github.actor"),)
    password = texts.get("password") or ()
    logins = (
        (
            Login(
                registry,
                user,
                password,
                source="aevea/action-kaniko",
                line=given.line_of("password"),
            ),
        )
        if password
        else ()
    )
    return _call(job, [(join(text), line) for text, line in words], step, logins)


def _words(text: Text) -> list[Text]:
    """A text with holes, split at blanks."""
    rows: list[list[Any]] = [[]]
    for part in text:
        if isinstance(part, str):
            first, *others = re.split(r"\s+", part)
            rows[-1].append(first)
            rows += [[other] for other in others]
        else:
            rows[-1].append(part)
    return [join(row) for row in rows if join(row)]


# -- int128/kaniko-action ----------------------------------------------------------------------

_FLAGS = {
    "file": "dockerfile",
    "target": "target",
    "cache-repository": "cache-repo",
    "cache-ttl": "cache-ttl",
}


def _int128(
    job: Job, step: Map, texts: dict[str, Text], given: Map, operand: Callable[[str], Operand]
) -> Call:
    words: list[tuple[Text, int]] = []
    context = literal(texts.get("context", ())) or "."
    folder = "" if context in {".", "./"} else f"/{context.removeprefix('./').strip('/')}"
    words.append((join(("--context=", _WORKSPACE, folder)), given.line_of("context")))
    for key, flag in _FLAGS.items():
        value = texts.get(key)
        if not value:
            continue
        if key == "file":
            value = join((_WORKSPACE, "/", *value)) if not spell(value).startswith("/") else value
        words.append((join((f"--{flag}=", *value)), given.line_of(key)))
    if _true(texts, "cache"):
        words.append((("--cache=true",), given.line_of("cache")))
    for key, flag in (("build-args", "build-arg"), ("labels", "label")):
        rows = _lines(texts.get(key, ()))
        words += [(join((f"--{flag}=", *row)), given.line_of(key)) for row in rows]
    push = texts.get("push")
    pushes = push is not None and literal(push) != "false"
    tags = _lines(texts.get("tags", ()))
    words += [(join(("--destination=", *row)), given.line_of("tags")) for row in tags]
    if not pushes:
        words.append((("--no-push",), given.line_of("push")))
    more = _lines(texts.get("kaniko-args", ()))
    words += [(row, given.line_of("kaniko-args")) for row in more]
    executor = literal(texts.get("executor", ()))
    call = _call(job, words, step, ())
    if push is not None and pushes and literal(push) is None:
        call = _conditional(call, push, given.line_of("push"), operand)
    if executor:
        return replace(call, image=(executor,))
    return call


def _conditional(call: Call, push: Text, line: int, operand: Callable[[str], Operand]) -> Call:
    """A call that pushes where an expression holds."""
    from dataclasses import replace

    first = push[0]
    expressions = Expressions(operand, {})
    guard = expressions.guard(first.name if isinstance(first, Var) else spell(push), line)
    when = expressions.conditions.when(guard)
    unless = expressions.conditions.when(expressions.guards.negate(guard))
    pushed = tuple(replace(word, when=when) for word in call.pushed)
    words = (*call.words, Word(("--no-push",), unless, line=line))
    return replace(call, pushed=pushed, words=words)


def _docker(job: Job, step: Map, name: str, texts: dict[str, Text], given: Map) -> Call:
    """``uses: docker://gcr.io/kaniko-project/executor``: the workspace is at /github/workspace."""
    from dataclasses import replace

    job.roots.append(Root(("/github/workspace",)))
    words = [(row, given.line_of("args")) for row in _words(texts.get("args", ()))]
    call = _call(job, words, step, ())
    return replace(call, image=(name.removeprefix("docker://"),))
