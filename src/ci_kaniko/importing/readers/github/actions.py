"""What the steps that use other people's actions do to what follows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Cloned, Text, Var, literal, only_var, spell, starts_with
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.github.catalogue import (
    Action,
    bare_name,
    composite_action,
    known_actions,
)
from ci_kaniko.importing.readers.github.expressions import pieces_of
from ci_kaniko.importing.readers.github.logins import CLOUDS, log_in
from ci_kaniko.importing.readers.github.metadata import Metadata
from ci_kaniko.importing.readers.github.scope import Scope
from ci_kaniko.importing.readers.github.wrappers import run_image, run_wrapper
from ci_kaniko.importing.repositories import context_of, with_token
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.signs import are_mentioned, is_image
from ci_kaniko.importing.ticked import Map, mapping, maps, native, peek, texts_below

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.originals import Original
    from ci_kaniko.importing.readers.github.knowledge import Known, Step
    from ci_kaniko.importing.shell.reader import Reader
    from ci_kaniko.importing.shell.values import Item


_WRAPPED = {"destination", "destinations", "dockerfile", "build_file", "kaniko-args", "extra_args"}
_SECRET = re.compile(r"(?i)pass|token|secret|key|cred|json|user")
_TOLD = {"prepares", "emulates", "wraps", "nothing"}
_NATIVE = ": each platform is built on a processor of its kind"
_OWN = "--custom-platform=linux/amd64"
_MAY_BUILD = re.compile(r"(?i)docker|container|image|ghcr|ecr|buildah|podman")
_OF_IMAGES = {"image", "images", "image-name", "image_name", "dockerfile", "tag", "tags"}


def may_build(step: Map) -> bool:
    """Whether an action builds, wraps a builder, or is told of where nothing else builds."""
    name = bare_name(step.peek("uses")).partition("@")[0]
    action = known_actions().get(name)
    if action is not None:
        return action.does in {"builds", "executor", "wraps"}
    given = step.mapping("with").keys()
    return name.startswith("docker://") or not given.isdisjoint(_WRAPPED | _OF_IMAGES)


class Actions:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.job = known.job
        self._others: list[tuple[str, Action | None, int]] = []
        self._unknown: list[tuple[str, int]] = []

    def run(self, reader: Reader, step: Step) -> None:
        """What an action does to what the following steps know."""
        uses, line = step.raw.string("uses"), step.line_of("uses")
        name, _, version = bare_name(uses).partition("@")
        given = step.raw.mapping("with")
        first = known_actions().get(f"{name}@{version.partition('.')[0]}")
        action = first or known_actions().get(name)
        if action is None and name.endswith("/checkout") and not name.startswith(("./", "docker:")):
            # A copy of the action, as organisations that allow only their own keep.
            action = known_actions()["actions/checkout"]
            self.job.shared.setdefault("tools", {})["checkout"] = uses
        scope = Scope(self.known, reader, step, given)
        # The executor itself has no inputs but its arguments.
        bare = name.startswith("docker://") and given.keys() <= {"args", "entrypoint"}
        if action is None and bare and is_image(name):
            run_image(scope, name.removeprefix("docker://"))
        elif action is None and (are_mentioned(name.lower()) or len(_WRAPPED & given.keys()) > 1):
            self.job.tell("unknown-action", line, uses)
            native(step.raw)
        elif action is None or action.does in _TOLD:
            self._others.append((f"{uses}{shown_inputs(given)}", action, line))
            if action is None and _MAY_BUILD.search(name) and _OF_IMAGES & given.keys():
                self._unknown.append((uses, line))
            native(step.raw)
        else:
            self._read(scope, action, version)
            self.job.tell("action", line, f"{uses}{shown_inputs(given)}")

    def _read(self, scope: Scope, action: Action, version: str) -> None:
        if action.does in {"builds", "pushes"}:
            run_wrapper(scope, action)
        elif action.does == "executor":
            run_wrapper(scope, action)
            if not re.fullmatch("[0-9a-f]{40}", version):
                self.job.tell("unpinned-action", scope.line, action.name, version)
        elif action.does == "cloud":
            CLOUDS[action.name](scope)
        else:
            _READ[action.does](scope)

    def tell(self, calls: Iterable[Call]) -> None:
        """Report the actions that the spec has no words for."""
        calls = [*calls]
        lines = [self.job.place(call.line)[1] for call in calls]
        for uses, action, line in self._others:
            why = f": {action.because}" if action and action.because else ""
            does = action.does if action else ""
            if does == "wraps":
                self.job.tell("other-builder", line, uses, why)
            elif lines and does == "emulates" and not any(map(_is_emulated, calls)):
                self.job.tell("needless-step", line, uses, _NATIVE)
            elif lines and does == "nothing":
                self.job.tell("needless-step", line, uses, why)
            elif lines and line > max(lines):
                self.job.tell("later-step", line, uses)
            elif lines:
                self.job.tell("earlier-step", line, uses, why)
        for uses, line in () if lines else self._unknown:  # where no build is read, it may be one
            self.job.tell("unknown-action", line, uses)


def _is_emulated(call: Call) -> bool:
    """Whether a build is for one processor that is not the runner's."""
    words = {spell(word.text) for word in call.words}
    asked = {word for word in words if word.startswith("--custom-platform=")}
    return bool(asked - {_OWN}) and not any("," in word for word in asked)


def shown_inputs(given: Map) -> str:
    """The inputs of a step for people, without what may be a secret."""
    said = [
        f"{key}: {' '.join(peek(value).split())}"
        for key, value in given.items()
        if not _SECRET.search(key)
    ]
    return f" ({', '.join(said)})" if said else ""


def make_up_tags(scope: Scope) -> None:
    """docker/metadata-action: its tags and labels, for the steps that ask for them."""
    reader, name = scope.reader, scope.step.name
    tell = scope.job.tell
    metadata = Metadata(reader.conditions, scope.within, tell)
    images = [
        row._replace(text=piece) for row in _rows(scope, "images") for piece in _images(row.text)
    ]
    tags = metadata.tags(images, _rows(scope, "tags"), _rows(scope, "flavor"), scope.line)
    rows = _rows(scope, "labels")
    wanted = f"{scope.step.name}.labels" in scope.known.wanted
    labels = metadata.labels(rows, scope.line) if wanted else []
    if rows and not wanted:
        tell("metadata-action/labels", rows[0].line)
    if scope.rows("annotations"):
        tell("metadata-action/annotations", scope.line_of("annotations"))
    for key, items in (("tags", tags), ("labels", labels)):
        scope.known.lists[f"steps.{name}.outputs.{key}"] = items
        if not scope.step.is_elsewhere:
            scope.known.lists[f"env.DOCKER_METADATA_OUTPUT_{key.upper()}"] = items
        whole = scope.joined(items)
        if whole is not None:
            scope.known.put(reader, f"{name}.outputs.{key}", whole)
            scope.set_variable(f"DOCKER_METADATA_OUTPUT_{key.upper()}", whole)
    version = reader.values.gather(metadata.version(name))
    scope.known.put(reader, f"{name}.outputs.version", version)
    scope.set_variable("DOCKER_METADATA_OUTPUT_VERSION", version)


def _rows(scope: Scope, name: str) -> list[Item]:
    """The lines of an input without those that are comments."""
    return [row for row in scope.rows(name) if not starts_with(row.text, "#")]


def _images(text: Text) -> list[Text]:
    """``images: a,b``; a line with attributes is one image."""
    if "=" in spell(text):
        return [text]
    return pieces_of(text)


# -- which jobs may build ----------------------------------------------------------------------


_FROM_ELSEWHERE = re.compile(r"\bneeds\.")
_RUNS_IMAGES = re.compile(r"\b(?:docker|podman|nerdctl)\s")
"""What may run a builder by its image."""
_MAX_DEPTH = 8


class Builders:
    """What the jobs of one workflow show of builders; ``given`` is what all of them are given."""

    def __init__(self, original: Original, *given: Any) -> None:
        self.original = original
        self.are_given = _shows([*given])
        self._actions: dict[str, bool] = {}

    def may_be_in(self, job: Map) -> bool:
        """Whether a job may call a builder, itself or by something of the repository."""
        return self.are_given or _shows(job) or self._in_steps(job, 0)

    def _in_steps(self, holder: Map, depth: int) -> bool:
        return any(self._in_step(step, depth) for step in maps(holder.get("steps")))

    def _in_step(self, step: Map, depth: int) -> bool:
        run, uses = step.peek("run"), step.peek("uses")
        named = _FROM_ELSEWHERE.search(run) or self.original.scripts_in(run)
        return bool(named or (uses and (may_build(step) or self._in_action(step, uses, depth))))

    def _in_action(self, step: Map, uses: str, depth: int) -> bool:
        """Whether an action of the repository may call a builder."""
        if uses not in self._actions:
            self._actions[uses] = False
            inner = mapping(composite_action(uses, self.original, step.line_of("uses")))
            found = depth > _MAX_DEPTH or _shows(inner)
            self._actions[uses] = found or self._in_steps(inner.mapping("runs"), depth + 1)
        return self._actions[uses]


def _shows(value: Any) -> bool:
    return any(are_mentioned(text) or _RUNS_IMAGES.search(text) for text in texts_below(value))


# -- the checkout: what it fetches beside the files of the commit ------------------------------


def check_out(scope: Scope) -> None:
    """What the step fetches, as ``checkout:``; the rest is told."""
    given, job = scope.given, scope.job
    found: dict[str, Any] = {}
    submodules, lfs, depth = (_switch(scope, key) for key in ("submodules", "lfs", "fetch-depth"))
    if submodules in {"true", "recursive"}:
        found["submodules"] = True if submodules == "true" else "recursive"
    if lfs == "true":
        found["lfs"] = True
    if depth.isdigit() and int(depth) > 1:
        found["depth"] = int(depth)
    elif depth == "0":
        job.tell("fetch-depth", given.line_of("fetch-depth"))
    ignore_keys(given, "GitHub checkout")
    if not _is_fetched(scope):
        job.check_out(found)
    elif found:
        line = given.line_of("repository")
        job.tell("other-repository/how", line, ", ".join(found))


_OWN_TOKENS = {"secrets.GITHUB_TOKEN", "github.token"}
"""What opens no private repository but the own one."""


def _other(scope: Scope) -> Cloned:
    """How the executor fetches another repository: by an address that is known, with a token.

    What a step fetches in some runs only is nobody's context.
    """
    repository, ref = (literal(scope.single(key)) for key in ("repository", "ref"))
    server = _host_of(scope.single("github-server-url"))
    token = only_var(scope.single("token"))
    name = token.name if token and token.name not in _OWN_TOKENS else ""
    asked = "token" in scope.given and token is None
    if repository is None or ref is None or not server or asked or "ssh-key" in scope.given:
        return Cloned(())
    somewhere = scope.within(scope.reader.state.path) != YES
    if somewhere or (name and not name.startswith("secrets.")):
        return Cloned(())
    address = with_token(f"https://{server}/{repository}", name.removeprefix("secrets."))
    return Cloned(address, (ref,) * bool(ref))


def _host_of(server: Text) -> str:
    """The host of ``github-server-url``: GitHub's own by default, empty where nobody knows it."""
    if not server or [meaning(part) for part in server] == ["server"]:
        return "github.com"
    scheme, _, host = (literal(server) or "").rstrip("/").partition("://")
    return host if scheme == "https" and "/" not in host else ""


def _switch(scope: Scope, key: str) -> str:
    """What is said plainly; that only a run can tell is told."""
    text = scope.single(key)
    if literal(text) is None:
        scope.job.tell("several-values", scope.line_of(key), key, spell(text))
    return literal(text) or ""


def _is_fetched(scope: Scope) -> bool:
    """Say whose files are checked out, and where; whether the executor can fetch them itself."""
    given, job = scope.given, scope.job
    repository = scope.single("repository")
    path = literal(scope.single("path"))
    ref = scope.single("ref")
    folder = (path or "").removeprefix("./").strip("/") or "."
    if repository and repository != (Var("github.repository"),):
        where = f" into {path}" if path else ""
        found = _other(scope)
        # Of a folder nobody can tell whose it is where this repository is checked out elsewhere.
        job.cloned[folder] = Cloned(()) if {*job.own_folders} - {"."} else found
        said, line = (spell(repository), where), given.line_of("repository")
        if context := context_of(job.cloned[folder]):
            job.tell("other-repository/fetched", line, *said, context)
            return True
        job.tell("other-repository", line, *said)
    elif path and path.strip("./"):
        job.own_folders.insert(0, folder)
        job.cloned = dict.fromkeys(job.cloned, Cloned(()))
        job.tell("checkout-path", given.line_of("path"), path)
    else:
        job.own_folders.append(folder)
        job.cloned.pop(folder, None)
    if ref and ref not in {(Var(f"github.{name}"),) for name in ("sha", "ref", "ref_name")}:
        job.tell("checkout-ref", given.line_of("ref"), spell(ref))
    for key in ("token", "ssh-key"):
        if key in given:
            job.tell("checkout-login", given.line_of(key), key, spell(scope.value(key)[0][1]))
    return False


_READ = {"checkout": check_out, "login": log_in, "metadata": make_up_tags}
