"""The plugins of Buildkite's steps: kubernetes of agent-stack-k8s, and docker on other agents."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, Word, references
from ci_kaniko.importing.jobs import Job, Root, forget, put
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.pods.before import read_before
from ci_kaniko.importing.readers.pods.containers import (
    calls_of_words,
    read_environment,
    script_place,
)
from ci_kaniko.importing.readers.pods.volumes import read_volumes, volumes_of
from ci_kaniko.importing.readers.preparing import prepare
from ci_kaniko.importing.readers.scripts import Piece, goes_on, read_pieces, sets_exit
from ci_kaniko.importing.signs import are_mentioned, is_image, is_path_in
from ci_kaniko.importing.ticked import Map, ignore, line_of, mapping, maps, peek, sequence, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


_WRAPPERS = re.compile(
    r"docker-compose|.*(?:kaniko|buildah|docker).*(?:publish|push|build|image).*"
)
_WRAPPED = {"build", "push", "ecr-name", "dockerfile", "image", "image-name", "destination", "tags"}
"""Plugins that build and push an image, and what they are told then."""


def _login(config: Map) -> str:
    """What the plugin docker-login does, as a script says it."""
    keys = ("username", "password-env", "server")
    user, secret, host = (re.sub(r"[\"`\\]", r"\\\g<0>", config.string(key)) for key in keys)
    password = f"$${secret or 'DOCKER_LOGIN_PASSWORD'}"
    return f'docker login -u "{user}" -p "{password}" "{host or "docker.io"}"'


def _login_to_ecr(config: Map) -> str:
    """What the plugin ecr does for the accounts that it names."""
    accounts = [string(item) for item in config.sequence("account-ids")]
    region = config.string("region") or "$$AWS_DEFAULT_REGION"
    config.string("login")
    token = "aws ecr get-login-password | docker login -u AWS --password-stdin"
    return "\n".join(f"{token} {one}.dkr.ecr.{region}.amazonaws.com" for one in accounts) or ":"


_LOGINS = {"docker-login": _login, "ecr": _login_to_ecr}


class Plugins:
    """What the plugins of a step say: its container, its pod, and perhaps the executor's call.

    ``text`` is what they pass to the executor, as it is written.
    """

    def __init__(self, job: Job, step: Map, uploaded: Callable[[Piece], Piece]) -> None:
        self.job = job
        self.step = step
        self.uploaded = uploaded
        self.container = Map(line_of(step))
        self.pod = Map(line_of(step))
        self.text = ""

    def read(self, script: list[Piece]) -> None:
        """Read those that matter for an image; ``script`` is the step's own, if it builds one."""
        for name, config, written, line in self._listed():
            if name == "kubernetes":
                self._kubernetes(config, script)
            elif name.startswith("docker") and _builds(config):
                self._docker(config)
            elif name in _LOGINS and script:
                script.insert(0, self.uploaded(Piece(_LOGINS[name](config), line)))
            elif _WRAPPERS.fullmatch(name) and config.keys() & _WRAPPED:
                self.job.tell("other-builder", line, written, "")

    def _listed(self) -> Iterator[tuple[str, Map, str, int]]:
        """The plugins: their names, what they are told, and how and where that is written."""
        for item in maps(self.step.get("plugins")):
            for name, config in item.items():
                base, mark, version = name.rpartition("/")[2].partition("#")
                if base == "kubernetes" and mark:
                    self.job.tell("plugin-version", item.line_of(name), version)
                if isinstance(config, Map):
                    line = item.line_of(name)
                    yield base.removesuffix("-buildkite-plugin"), config, name, line

    # -- agent-stack-k8s ----------------------------------------------------------------------

    def _kubernetes(self, config: Map, script: list[Piece]) -> None:
        for key in ("podTemplate", "podSpec", "podSpecPatch"):
            pod = config.mapping(key)
            for name, value in pod.items():
                self.pod[name] = value
                self.pod.lines[name] = pod.line_of(name)
            for entry in maps(pod.get("containers")):
                self._container(entry, key)
        self._more(config)
        if script and not self.job.calls:
            before = read_before(self.job, self.pod, self.container)
            self.job.calls = read_pieces(self.job, [*before, *script]).calls

    def _container(self, entry: Map, key: str) -> None:
        job = self.job
        name = entry.peek("name")
        image = entry.peek("image")
        words = [peek(w) for k in ("command", "args") for w in entry.get(k) or ()]
        ours = is_image(image) or any(map(are_mentioned, words))
        if not ours and self.container.get("image"):
            return
        entry.string("name")
        if key == "podSpecPatch" and name != "container-0" and ours:
            job.tell("container-name", entry.line_of("name"), name or "nothing")
        if image and (ours or name == "container-0"):
            entry.string("image")
            job.image = references(image) if "$" in image else (image,)
            job.image_line = entry.line_of("image")
        self.container = entry
        read_environment(job, entry)
        if "extraVolumeMounts" in entry:
            ignore(entry["extraVolumeMounts"])
            job.tell("extra-volume-mounts", entry.line_of("extraVolumeMounts"))
        for name in [name for name in job.exported if name.startswith("BUILDKITE_")]:
            line = job.exported.pop(name)
            job.tell("agent-setting", line, name)
        volumes = volumes_of(self.pod)
        read_volumes(job, self.pod, entry)
        ready = {mount.store for mount in job.mounts if mount.ready_config}
        for item in maps(self.pod.get("imagePullSecrets")):
            if item.peek("name") in ready:
                item.string("name")  # the executor's own image comes with the login
        self._hooks(entry, volumes)
        self._words(entry)

    def _hooks(self, entry: Map, volumes: dict[str, Map]) -> None:
        for name, volume in volumes.items():
            if "hook" in name and "configMap" in volume:
                for item in (volume, *maps(entry.get("volumeMounts"))):
                    if item.peek("name") == name:
                        ignore(item)
                self.job.tell(
                    "agent-hook", line_of(volume), mapping(volume["configMap"]).string("name")
                )

    def _words(self, entry: Map) -> None:
        """Agent-stack-k8s hands command and args to a shell, as they stand."""
        command = entry.sequence("command")
        arguments = entry.sequence("args")
        items = [*command, *arguments]
        if not items:
            return
        texts = [string(item) for item in items]
        at = script_place(texts)
        if at:
            piece = self.uploaded(Piece(texts[at], getattr(items[at], "first", 0)))
            self.job.goes_on = goes_on(texts[1:at])
            if self.job.goes_on and not sets_exit(piece.text):
                self.job.tell("no-exit-on-error/step", line_of(items[at]))
            self.job.calls = read_pieces(self.job, [piece]).calls
            return
        if len(texts) == 1 or (texts and "\n" in texts[0]):
            piece = self.uploaded(Piece(" ".join(texts), getattr(items[0], "first", 0)))
            self.job.calls = read_pieces(self.job, [piece]).calls
            return
        words = []
        for item in items:
            written = string(item)
            if "$" in written and item in arguments:
                self.job.tell("quoted-argument", line_of(item), written)
            words.append(Word(self._own(written), line=line_of(item)))
        self.job.calls = calls_of_words(self.job, words, line_of(items[0]))

    def _own(self, written: str) -> Text:
        """An argument after the upload, with the values that the step knows."""
        self.text = f"{self.text} {written}"
        parts: list[Any] = []
        for part in references(written.replace("$$", "$")):
            known = self.job.environment.get(part.name) if isinstance(part, Var) else None
            parts += known if known is not None else (part,)
            if isinstance(part, Var):
                self.job.exported.pop(part.name, None)
        return tuple(parts)

    def _more(self, config: Map) -> None:
        for item in maps(config.mapping("commandParams").get("envFrom")):
            reference = item.mapping("secretRef")
            if reference:
                name = reference.string("name")
                self.job.plain_secrets = True
                put(self.job.section, "secret", name, "ci-kaniko")
        checkout = config.get("checkout")
        options = _checkout_options(checkout) if isinstance(checkout, Map) else {}
        if options:
            ignore(checkout)
            self.job.check_out(options)
        labels = config.mapping("metadata").get("labels")
        if isinstance(labels, Map):
            labels.string("azure.workload.identity/use")

    # -- the docker plugin --------------------------------------------------------------------

    def _docker(self, config: Map) -> None:
        job = self.job
        job.image = (config.string("image"),)
        job.image_line = config.line_of("image")
        job.has_shell = False
        folder = config.string("workdir") or "/workdir"
        job.roots.append(Root((folder,)))
        job.folder = (folder,)
        job.exported.clear()  # the container gets no variables of the step
        items = config.sequence("command")
        words = []
        for item in items:
            parts = _split(string(item)) if len(items) == 1 else [string(item)]
            words += [Word(self._own(part), line=line_of(item)) for part in parts]
        job.calls = calls_of_words(job, words, config.line_of("command"))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that nobody closes
        return [text]


def _builds(config: Map) -> bool:
    """Whether the container of the plugin docker builds an image."""
    command = config.get("command")
    words = command if isinstance(command, list) else [command]
    return is_image(config.peek("image")) or is_path_in(" ".join(map(peek, words)))


def _checkout_options(settings: Map) -> dict[str, Any]:
    """What a spec can say of the agent's checkout; nothing when there is more."""
    flags = [settings.peek(key) or "-v" for key in ("cloneFlags", "fetchFlags")]
    depths = [re.fullmatch(r"-v(?: --prune)?(?: --depth[= ](\d+))?", text) for text in flags]
    known = set(settings) <= {"cloneFlags", "fetchFlags", "noSubmodules"}
    if not known or not depths[0] or not depths[1] or depths[0][1] != depths[1][1]:
        return {}
    found: dict[str, Any] = {}
    if settings.peek("noSubmodules") == "false":
        found["submodules"] = "recursive"
    if depths[0][1]:
        found["depth"] = int(depths[0][1])
    return found


# -- the step that makes files for the one that builds -----------------------------------------


_MADE = ("image", "command", "commands", "artifact_paths", "key")
_KEYS = {*_MADE, "label", "name", "id", "agents", "timeout_in_minutes"}
_EVERYTHING = re.compile(r"/\*\*(?:/\*)?$")


def prepared_by(job: Job, step: Map, before: Iterable[Map]) -> Map | None:
    """Say the one step whose files a step fetches as ``prepare``, where it does nothing else."""
    fetching = [
        (plugin, name, mapping(plugin[name]).get("download"))
        for plugin in maps(step.get("plugins"))
        for name in plugin
        if re.fullmatch(r"(?:.*/)?artifacts(?:-buildkite-plugin)?(?:#.*)?", name)
    ]
    if len(fetching) != 1:
        return None
    makers = [each for each in before if "artifact_paths" in each]
    if len(makers) != 1 or not makers[0].keys() <= _KEYS:
        return None
    (plugin, name, wanted), maker = fetching[0], makers[0]
    paths = [path.strip() for path in _listed(maker["artifact_paths"])]
    if _listed(wanted) != paths or mapping(plugin[name]).keys() != {"download"}:
        return None
    commands = [peek(each) for key in _MADE[1:3] for each in maker.sequence(key)]
    artifacts = [_EVERYTHING.sub("", path) for path in paths]
    called = f"the step {peek(maker.get('label')) or peek(maker.get('key')) or 'before'}"
    made = {"image": maker.peek("image"), "commands": commands, "artifacts": artifacts}
    if not prepare(job, called, maker.line, made):
        return None
    ignore(wanted)
    maker.ignore(*_MADE)
    forget(job.section, "depends_on", maker.peek("key"))
    ignore_keys(maker, "Buildkite step")
    return maker


def _listed(value: Any) -> list[str]:
    """Paths, in a list or with semicolons between them."""
    return [path for item in sequence(value) for path in peek(item).split(";")]
