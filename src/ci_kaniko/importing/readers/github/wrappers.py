"""Actions that run the executor: which arguments their inputs become."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Text,
    Var,
    join,
    literal,
    only_var,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.jobs import Root, Secret
from ci_kaniko.importing.readers.github.knowledge import WORKSPACE, in_workspace
from ci_kaniko.importing.readers.github.logins import log_in_to
from ci_kaniko.importing.readers.github.metadata import LABELS
from ci_kaniko.importing.shell.commands.docker import build
from ci_kaniko.importing.shell.commands.executor import record
from ci_kaniko.importing.shell.commands.others import line_at
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.reader import Container, Reader
from ci_kaniko.importing.shell.values import Item, Value, change_text, plain, pure
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.ticked import native
from ci_kaniko.kaniko.variables import is_read

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.github.catalogue import Action
    from ci_kaniko.importing.readers.github.scope import Scope


_BRANCH, _TAG, _REF_TAG, _REQUEST = (
    (Var(name, portable=True),) for name in ("branch", "tag", "ref.tag", "pull_request.number")
)


def run_image(scope: Scope, image: str) -> None:
    """``uses: docker://IMAGE``: the workspace is at /github/workspace."""
    scope.job.roots.append(Root(("/github/workspace",)))
    scope.given.string("entrypoint")
    record(scope.reader, scope.words("args"), Container((image,), _handed_on(scope)))


def _handed_on(scope: Scope) -> tuple[Item, ...]:
    """The job's variables that the executor reads: an action that is a container gets them."""
    names = filter(is_read, scope.reader.state.exported)
    return tuple(Item(YES, (f"--env={name}",)) for name in names)


def run_wrapper(scope: Scope, action: Action) -> None:
    words = [
        item
        for name, how in action.inputs.items()
        if name in scope.given and how not in {"own", "nothing"}
        for item in scope.become(name, how)
    ]
    for name in scope.given:
        if name not in action.inputs:
            scope.job.tell("unknown-input", scope.given.line_of(name), name, action.name)
            native(scope.given[name])
        elif action.inputs[name] == "nothing":
            native(scope.given[name])
    _OWN[action.name](scope, words)


def _with_context(scope: Scope, words: list[Item]) -> None:
    """Where no input names the context, it is the workspace."""
    if not any(starts_with(item.text, "--context=") for item in words):
        words.insert(0, Item(YES, ("--context=", WORKSPACE), line=scope.line))


def _int128_kaniko_action(scope: Scope, words: list[Item]) -> None:
    _with_context(scope, words)
    name = scope.step.raw.string("id")
    pushes = scope.truth("push")
    silent = scope.reader.guards.negate(pushes)
    if silent != NO:
        words.append(Item(silent, ("--no-push",), line=scope.line_of("push")))
    if f"{name}.digest" in scope.known.wanted:
        words.append(Item(YES, ("--digest-file=/kaniko/digest",), line=scope.line))
    image = scope.single("executor") if "executor" in scope.given else ()
    folder = Item(YES, ("--volume=", Var("HOME"), "/.docker:/kaniko/.docker"))
    record(scope.reader, words, Container(image, (folder,)))


def _aevea_action_kaniko(scope: Scope, words: list[Item]) -> None:
    """Its program puts the image together from several inputs."""
    _with_context(scope, words)
    reader, values = scope.reader, scope.values
    registry, host = _registry(scope)
    own = pure((Var("github.repository", changes=("lower",)),))
    image = [scope.value("image")]
    if host == "ghcr.io":
        written = spell(image[0][0][1])
        joined = not written or written.startswith(("-", "/"))
        image = [own, plain("" if joined else "/"), *image]
    if host != "docker.io":
        image = [registry, plain("/"), *image]
    tagged = values.concat([*image, plain(":"), _aevea_tag(scope)])
    words += scope.items("--destination=", tagged, "tag")
    newest = values.concat([*image, plain(":latest")])
    latest = scope.truth("tag_with_latest")
    words += scope.items("--destination=", newest, "tag_with_latest", latest)
    if "cache_registry" in scope.given:
        above = [registry, plain("/"), own, plain("/")] if host == "ghcr.io" else []
        repo = values.concat([*above, scope.value("cache_registry")])
        words += scope.items("--cache-repo=", repo, "cache_registry")
    if "build_file" in scope.given or "path" in scope.given:
        path = scope.path(scope.value("path", "."))
        file = values.each(
            scope.value("build_file", "Dockerfile"), lambda text: pure(without_head(text, "./"))
        )
        words += scope.items("--dockerfile=", values.concat([path, plain("/"), file]), "build_file")
    _aevea_reports(scope)
    before = reader.state.logins
    if "password" in scope.given:
        log_in_to(scope, registry, "aevea/action-kaniko", (Var("github.actor"),))
    record(reader, words, Container((), _handed_on(scope)))
    reader.state.logins = before


def _registry(scope: Scope) -> tuple[Value, str]:
    """The registry, and its host for a look."""
    registry = scope.value("registry", "docker.io")
    host = spell(registry[0][1])
    if host != "docker.pkg.github.com":
        return registry, host
    scope.job.tell("retired-registry", scope.line_of("registry"))
    return plain("ghcr.io"), "ghcr.io"


def _aevea_tag(scope: Scope) -> Value:
    """The tag: that of the ref, ``latest`` on master, without a prefix."""
    reader = scope.reader
    found = scope.value("tag") if "tag" in scope.given else _ref_tag(scope)
    prefix = literal(scope.single("strip_tag_prefix"))
    if not prefix:
        return found
    change, glob = "${#" + prefix + "}", f"{prefix}**"
    begins = reader.guards.either(
        *(reader.conditions.glob(name, glob, scope.line) for name in (_BRANCH, _TAG))
    )
    stripped: list[tuple[int, Text]] = []
    for guard, text in found:
        of_ref = text == _REF_TAG
        kept = of_ref and scope.within(reader.guards.both(guard, begins)) == NO
        if of_ref and not kept and prefix.endswith("v"):
            version = (Var(f"version@{prefix[:-1]}", portable=True),)
            is_version = reader.conditions.filled(version, scope.line)
            ways = ((is_version, version), (reader.guards.negate(begins), text))
            stripped += [(reader.guards.both(guard, way), said) for way, said in ways]
        else:
            stripped.append((guard, text if kept else change_text(text, change) or text))
    return tuple((guard, text) for guard, text in stripped if scope.within(guard) != NO)


def _ref_tag(scope: Scope, request: int = NO) -> Value:
    """The tag of the ref, ``latest`` on master; ``request`` is where it is a pull request's."""
    guards = scope.reader.guards
    master = scope.reader.conditions.equal(_BRANCH, ("master",), scope.line)
    rest = guards.minus(guards.negate(master), request)
    texts = ((master, ("latest",)), (rest, _REF_TAG), (request, ("pr-", *_REQUEST)))
    return scope.values.gather((scope.within(guard), text) for guard, text in texts if guard != NO)


def _aevea_reports(scope: Scope) -> None:
    if "strip_tag_prefix" in scope.given:
        prefix = spell(scope.value("strip_tag_prefix")[0][1])
        scope.job.tell("strip-tag-prefix", scope.line_of("strip_tag_prefix"), prefix)
    if "skip_unchanged_digest" in scope.given:
        native(scope.given["skip_unchanged_digest"])
        scope.job.tell("skip-unchanged", scope.line_of("skip_unchanged_digest"))
    scope.job.tell("aevea-flags", scope.line)


# -- docker/build-push-action ----------------------------------------------------------------------

_CHECKED_OUT = "{{defaultContext}}"
"""The repository at the commit of the run, as the action says it; a folder may follow."""


def _docker_build_push_action(scope: Scope, words: list[Item]) -> None:
    """``docker buildx build`` with the inputs as its flags."""
    words += [item.behind("--tag=") for item in scope.words("tags", ",")]
    words += _in_one(scope.reader, "--platform=", scope.words("platforms", ","))
    words += _secrets(scope)
    context = scope.values.each(scope.value("context", _CHECKED_OUT), _context)
    words += scope.items("", context, "context")
    _build(scope, words, scope.truth("push"))


def _docker_build_push_action_v1(scope: Scope, words: list[Item]) -> None:
    """The first version puts the names together, logs in, and pushes of itself."""
    reader, concat = scope.reader, scope.values.concat
    registry = _registry(scope)[0] if "registry" in scope.given else ()
    own = pure((Var("github.repository", changes=("lower",)),))
    image = [scope.value("repository") if "repository" in scope.given else own, plain(":")]
    if registry:
        image = [registry, plain("/"), *image]
    for item in scope.words("tags", ","):
        words += scope.items("--tag=", concat([*image, pure(item.text)]), "tags", item.guard)
    request = reader.conditions.filled(_REQUEST, scope.line)
    commit = pure(("sha-", Var("github.sha", changes=("first:7",))))
    for name, tag in (("tag_with_ref", _ref_tag(scope, request)), ("tag_with_sha", commit)):
        words += scope.items("--tag=", concat([*image, tag]), name, scope.truth(name))
    for label, text in LABELS[:3]:
        head, asked = f"--label=org.opencontainers.image.{label}=", scope.truth("add_git_labels")
        words += scope.items(head, pure(text), "add_git_labels", asked)
    if "password" in scope.given:
        log_in_to(scope, registry or plain("docker.io"), "docker/build-push-action")
    words += scope.items("", scope.path(scope.value("path", ".")), "path")
    _build(scope, words, scope.truth("push") if "push" in scope.given else YES)


def _build(scope: Scope, words: list[Item], pushes: int) -> None:
    reader = scope.reader
    if pushes != NO:
        words.insert(0, Item(pushes, ("--push",), line=scope.line_of("push")))
    line = line_at(reader, DOCKER.name)
    if f"{scope.step.raw.string('id')}.digest" in scope.known.wanted:
        line.keep(Item(YES, ("--digest-file=/kaniko/digest",), line=scope.line))
    build(reader, words, line)


def _in_one(reader: Reader, flag: str, items: list[Item]) -> list[Item]:
    """A flag with a list of words: one for each condition that some of them have."""
    asked = dict.fromkeys(item.guard for item in items if item.guard != YES)
    left = reader.guards.negate(reader.guards.any(asked))
    found = []
    for guard in (*asked, left):
        here = [item for item in items if item.guard in {YES, guard}]
        parts = [part for item in here for part in (",", *item.text)][1:]
        found += [Item(guard, join((flag, *parts)), line=item.line) for item in here[:1]]
    return [item for item in found if item.guard != NO]


def _context(text: Text) -> Value:
    """The context: a folder of the workspace, or an address."""
    if starts_with(text, _CHECKED_OUT):
        text = without_head(without_head(text, _CHECKED_OUT), ":") or (".",)
    return pure(text if re.match(r"[a-z]+://|git@", spell(text)) else in_workspace(text))


def _secrets(scope: Scope) -> list[Item]:
    """Build secrets: of the text of a secret, of a variable, or of a file."""
    found: list[Item] = []
    for row in scope.rows("secrets"):
        name, *value = split_text(row.text, "=", 1)
        var = only_var(value[0]) if value else None
        secret = var.name.partition("secrets.")[2] if var else ""
        if not secret:
            if written := literal(value[0]) if value else None:
                scope.job.report.hide(written)
                scope.job.tell("literal-secret", row.line, spell(name), spell(name))
            scope.job.tell("builder-flag", row.line, f"secrets: {spell(name)}", DOCKER.name)
            continue
        scope.job.secrets.setdefault(secret, Secret(secret))
        found.append(row._replace(text=join(("--secret=id=", *name, f",env={secret}"))))
    for key, kind in (("secret-envs", "env"), ("secret-files", "src")):
        for row in scope.rows(key):
            name, *value = split_text(row.text, "=", 1)
            text = join(("--secret=id=", *name, f",{kind}=", *(value[0] if value else ())))
            found.append(row._replace(text=text))
    return found


# -- Red Hat's actions -----------------------------------------------------------------------------

_CREDS = "--creds="


def _redhat_actions_buildah_build(scope: Scope, words: list[Item]) -> None:
    """``buildah build`` of one image, with a name for each tag."""
    files = [row for key in ("containerfiles", "dockerfiles") for row in scope.rows(key)]
    if not files:
        uses = scope.step.raw.string("uses")
        scope.job.tell("other-builder", scope.line, uses, ": it has no Containerfile")
        native(scope.given)
        return
    words += [name.behind("--tag=") for tag in _tags(scope) for name in _named(scope, tag)]
    words += [row._replace(text=join(("--file=", *in_workspace(row.text)))) for row in files]
    kinds = [
        item if "/" in spell(item.text) else item.behind("linux/")
        for key in ("archs", "arch", "platforms", "platform")
        for item in scope.words(key, ",")
    ]
    words += _in_one(scope.reader, "--platform=", kinds)
    oci, line = scope.truth("oci"), scope.line_of("oci")
    formats = {"oci": oci, "docker": scope.reader.guards.negate(oci)}
    words += [Item(at, (f"--format={of}",), line=line) for of, at in formats.items() if at != NO]
    folder = scope.items("", scope.path(scope.value("context", ".")), "context")
    _buildah(scope, "build", [*words, *folder])
    outputs = f"{scope.step.name}.outputs"
    scope.known.put(scope.reader, f"{outputs}.image", scope.value("image"))
    scope.known.lists[f"steps.{outputs}.tags"] = _tags(scope)


def _redhat_actions_push_to_registry(scope: Scope, words: list[Item]) -> None:
    """``podman push`` of each name, to that name or below a registry."""
    if "password" in scope.given:
        creds = [scope.value("username"), plain(":"), scope.value("password")]
        words += scope.items(_CREDS, scope.values.concat(creds), "password")
    places = scope.items("", scope.value("registry"), "registry")
    for tag in _tags(scope):
        for name in _named(scope, tag):
            below = (place._replace(text=_below(place.text, name.text)) for place in places)
            for to in [name] if name is tag else below:
                guard = scope.reader.guards.both(name.guard, to.guard)
                _buildah(scope, "push", [*words, name, to._replace(guard=guard)])


def _below(place: Text, name: Text) -> Text:
    end = place[-1:]
    slash = () if isinstance(end[0], str) and end[0].endswith("/") else ("/",)
    return join((*place, *slash, *name))


def _tags(scope: Scope) -> list[Item]:
    return scope.words("tags") or [Item(YES, ("latest",), line=scope.line)]


def _named(scope: Scope, tag: Item) -> list[Item]:
    """The image by a tag, which may be a whole name itself."""
    if any(":" in part for part in tag.text if isinstance(part, str)):
        return [tag]
    both = scope.reader.guards.both
    return [
        tag._replace(guard=both(guard, tag.guard), text=join((*name, ":", *tag.text)))
        for guard, name in scope.value("image")
    ]


def _buildah(scope: Scope, command: str, words: list[Item]) -> None:
    words = [Item(YES, ("buildah",)), Item(YES, (command,)), *words]
    shown = (spell(item.text) for item in words if not starts_with(item.text, _CREDS))
    scope.reader.text = " ".join(shown)
    scope.reader.guards.budget.spend(120)
    scope.reader.call(words)


_OWN = {
    "redhat-actions/buildah-build": _redhat_actions_buildah_build,
    "redhat-actions/push-to-registry": _redhat_actions_push_to_registry,
    "docker/build-push-action": _docker_build_push_action,
    "docker/build-push-action@v1": _docker_build_push_action_v1,
    "aevea/action-kaniko": _aevea_action_kaniko,
    "int128/kaniko-action": _int128_kaniko_action,
}
"""What of an action's program is more than one argument for an input."""
