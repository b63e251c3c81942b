"""Buildkite's pipelines: steps for agent-stack-k8s, and docker run on other agents."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, Word, references
from ci_kaniko.importing.jobs import Job, Root, Secret
from ci_kaniko.importing.readers.containers import (
    call_of,
    claims_of,
    is_executor_image,
    mounts_of,
    read_environment,
    volumes_of,
)
from ci_kaniko.importing.readers.documents import (
    List,
    Map,
    Str,
    line_of,
    mapping,
    native,
    sequence,
    string,
)
from ci_kaniko.importing.readers.expressions import Expressions, Operand
from ci_kaniko.importing.readers.kubernetes import pod_settings
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.translate.started import globs, is_ours, section_names, set_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_READ = {
    *(
        "label",
        "name",
        "key",
        "id",
        "identifier",
        "if",
        "branches",
        "agents",
        "command",
        "commands",
    ),
    *("plugins", "env", "timeout_in_minutes", "retry", "concurrency", "concurrency_group"),
    *("secrets", "image", "type", "matrix", "if_changed", "script", "artifact_paths"),
}
_FIELDS = {
    "build.branch": "branch",
    "build.tag": "tag",
    "build.pull_request.id": "pull_request.number",
    "build.pull_request": "pull_request.number",
    "pipeline.default_branch": "default_branch",
    "build.commit": "commit.sha",
}
_SINGLE = re.compile(r"(?<![$\\])\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z]\w*))")


def jobs(document: Document, report: Report) -> Iterator[Job]:
    """The steps of a pipeline that call the executor."""
    for root in document.roots:
        top = root if isinstance(root, Map) else Map(1)
        steps = root if isinstance(root, list) else sequence(top.get("steps"))
        environment = mapping(top.get("env"))
        agents = top.get("agents")
        for step in _flat(steps):
            yield from _step(step, environment, agents, document, report)


def _flat(steps: Any) -> Iterator[Map]:
    for step in steps:
        if not isinstance(step, Map):
            continue
        if "steps" in step and ("group" in step or "label" in step or "command" not in step):
            yield from _flat(sequence(step["steps"]))
        else:
            yield step


def _step(
    step: Map, environment: Map, agents: Any, document: Document, report: Report
) -> Iterator[Job]:
    for cell in _cells(step):
        job = Job("buildkite", _name(step), document.path, line_of(step), report)
        if cell:
            job.name = "-".join([job.name, *cell.values()])
        _environment(job, environment, step)
        job.roots = [
            Root((Var("BUILDKITE_BUILD_CHECKOUT_PATH"),)),
            Root(("/workspace/build/buildkite",)),
        ]
        job.outputs = [Root((Var("BUILDKITE_BUILD_CHECKOUT_PATH"),))]
        job.hook = "buildkite"
        reader = _Step(job, step, environment, agents, cell)
        reader.generated = is_ours(document.text)
        reader.read()
        if job.calls:
            yield job


def _cells(step: Map) -> Iterator[dict[str, str]]:
    matrix = step.get("matrix")
    if isinstance(matrix, List):
        for item in matrix:
            yield {"": string(item)}
        return
    setup = mapping(matrix).get("setup")
    if isinstance(setup, List):
        for item in setup:
            yield {"": string(item)}
        return
    names = list(mapping(setup))
    if not names:
        yield {}
        return
    import itertools

    lists = [[string(item) for item in sequence(mapping(setup)[name])] for name in names]
    for chosen in itertools.product(*lists):
        yield dict(zip(names, chosen, strict=True))


def _name(step: Map) -> str:
    key = string(step.get("key")) or string(step.get("id")) or string(step.get("identifier"))
    label = re.sub(r":[a-z0-9_+-]+:", "", string(step.get("label")) or string(step.get("name")))
    return key or label.strip() or "build-image"


def _environment(job: Job, top: Map, step: Map) -> None:
    for source in (top, mapping(step.get("env"))):
        for name, value in source.items():
            asked = re.sub(r"\$\{(\w+):?[?-][^}]*\}", r"${\1}", string(value))
            job.environment[name] = references(asked.replace("$$", "$"))
    for item in sequence(step.get("secrets")):
        if isinstance(item, Str):
            job.secrets[string(item)] = Secret(string(item))
    if isinstance(step.get("secrets"), Map):
        for name, value in mapping(step["secrets"]).items():
            job.secrets[name] = Secret(string(value))
    if step.get("secrets"):
        job.section["secrets"] = "buildkite"


class _Step:
    def __init__(
        self, job: Job, step: Map, environment: Map, agents: Any, cell: dict[str, str]
    ) -> None:
        self.job = job
        self.step = step
        self.top = environment
        self.agents = agents
        self.cell = cell
        self.generated = False
        self.container = Map(line_of(step))
        self.pod = Map(line_of(step))

    def read(self) -> None:
        pieces = self._commands()
        found = False
        for plugin, config in self._plugins():
            if plugin == "kubernetes":
                self._kubernetes(config, pieces)
                found = True
            elif plugin.startswith("docker"):
                found = self._docker(config) or found
        if "image" in self.step and not self.job.image:
            self.job.image = (string(self.step["image"]),)
            self.job.image_line = self.step.line_of("image")
        if not self.job.calls and any(mentions_executor(piece.text) for piece in pieces):
            self.job.has_shell = bool(self.job.image)
            self.job.calls = read_pieces(
                self.job, [self._uploaded(piece) for piece in pieces]
            ).calls
        if not self.job.calls:
            return
        self._triggers()
        self._section()

    # -- scripts ------------------------------------------------------------------------------

    def _commands(self) -> list[Piece]:
        found = []
        for key in ("command", "commands", "script"):
            items = sequence(self.step.get(key))
            found += [Piece(str(item), item.first) for item in items if isinstance(item, Str)]
        return found

    def _uploaded(self, piece: Piece) -> Piece:
        """A script after the upload: ``$$`` halved; what the upload would replace is reported."""
        own = mapping(self.step.get("env"))
        for row, line in enumerate(piece.text.split("\n")):
            for match in _SINGLE.finditer(line):
                name = match[1] or match[2]
                if name in own and name not in self.top:
                    self.job.mended(
                        "upload-time",
                        f"{match.group()} is replaced when the pipeline is uploaded, and the "
                        "step's own env: is not known then",
                        piece.line + row,
                        f"$${name} is read when the step runs",
                    )
        text = piece.text.replace("\\$", "$$").replace("$$", "$")
        for name, value in self.cell.items():
            dotted = rf"\.{re.escape(name)}" if name else ""
            text = re.sub(rf"\{{\{{\s*matrix{dotted}\s*\}}\}}", value.replace("\\", r"\\"), text)
        return Piece(text, piece.line)

    def _plugins(self) -> Iterator[tuple[str, Map]]:
        for item in sequence(self.step.get("plugins")):
            for name, config in mapping(item).items():
                short = name.rpartition("/")[2]
                base, mark, version = short.partition("#")
                if base == "kubernetes" and mark:
                    self.job.mended(
                        "plugin-version",
                        f"the plugin kubernetes#{version} is another one: its settings are ignored",
                        mapping(item).line_of(name),
                        "kubernetes, without a version",
                    )
                yield base.removesuffix("-buildkite-plugin"), mapping(config)

    # -- agent-stack-k8s ----------------------------------------------------------------------

    def _kubernetes(self, config: Map, pieces: list[Piece]) -> None:
        for key in ("podTemplate", "podSpec", "podSpecPatch"):
            pod = mapping(config.get(key))
            if not pod:
                continue
            self._merge_pod(pod)
            for container in sequence(pod.get("containers")):
                entry = mapping(container)
                self._container(entry, key)
        self._more(config)
        if pieces and not self.job.calls and any(mentions_executor(p.text) for p in pieces):
            self.job.calls = read_pieces(
                self.job, [self._uploaded(piece) for piece in pieces]
            ).calls

    def _merge_pod(self, pod: Map) -> None:
        for key, value in pod.items():
            self.pod[key] = value
            self.pod.lines[key] = pod.line_of(key)

    def _container(self, entry: Map, key: str) -> None:
        job = self.job
        name = string(entry.get("name"))
        image = string(entry.get("image"))
        words = [string(w) for k in ("command", "args") for w in sequence(entry.get(k))]
        ours = is_executor_image(image) or any("executor" in word for word in words)
        if not ours and self.container.get("image"):
            return
        if key == "podSpecPatch" and name != "container-0" and ours:
            job.mended(
                "container-name",
                f"a container called {name or 'nothing'} is added beside the step's own",
                entry.line_of("name"),
                "container-0 is the step's",
            )
        if image and (ours or name == "container-0"):
            job.image = references(image) if "$" in image else (image,)
            job.image_line = entry.line_of("image")
        self.container = entry
        read_environment(job, entry)
        if "extraVolumeMounts" in entry:
            job.mended(
                "extra-volume-mounts",
                "extraVolumeMounts is no field of a container: it vanishes there",
                entry.line_of("extraVolumeMounts"),
                "/workspace is mounted already",
            )
        volumes = volumes_of(self.pod)
        job.mounts += mounts_of(entry, volumes)
        job.claims |= claims_of(entry, volumes)
        self._hooks(volumes)
        if words:
            self._words(entry)

    def _hooks(self, volumes: dict[str, Map]) -> None:
        for name, volume in volumes.items():
            if "hook" in name and "configMap" in volume:
                self.job.left(
                    "agent-hook",
                    f"the hook in the ConfigMap {string(mapping(volume['configMap']).get('name'))}",
                    line_of(volume),
                    "logins are written by the rendered step itself",
                )

    def _words(self, entry: Map) -> None:
        command = sequence(entry.get("command"))
        arguments = sequence(entry.get("args"))
        texts = [string(word) for word in (*command, *arguments)]
        items = [*command, *arguments]
        shell = texts and re.search(r"(?:^|/)(?:sh|ash|bash)$", texts[0])
        flag = next((n for n, text in enumerate(texts) if re.fullmatch(r"-[a-z]*c", text)), None)
        if shell and flag is not None and flag + 1 < len(texts):
            item = items[flag + 1]
            piece = self._uploaded(Piece(texts[flag + 1], getattr(item, "first", line_of(item))))
            if not re.search(r"-[a-z]*e", texts[flag]) and not re.search(r"set -\w*e", piece.text):
                self.job.mended(
                    "no-exit-on-error",
                    "the inner shell has no -e: a failing line does not fail the step",
                    line_of(item),
                    "set -eu",
                )
            self.job.calls = read_pieces(self.job, [piece]).calls
            return
        if len(texts) == 1 or (texts and "\n" in texts[0]):
            piece = self._uploaded(Piece(" ".join(texts), getattr(items[0], "first", 0)))
            self.job.calls = read_pieces(self.job, [piece]).calls
            return
        start = 1 if texts and texts[0].endswith("executor") else 0
        words = []
        for item in items[start:]:
            written = string(item)
            text = references(written.replace("$$", "$"))
            if "$" in written and item in arguments:
                self.job.mended(
                    "quoted-argument",
                    f"{written} in args: is quoted, so the shell replaces nothing",
                    line_of(item),
                    "the rendered step has a script",
                )
            words.append(Word(self._own(text), line=line_of(item)))
        self.job.calls = (call_of(words, line_of(items[0])),)

    def _own(self, text: Text) -> Text:
        parts: list[Any] = []
        for part in text:
            known = self.job.environment.get(part.name) if isinstance(part, Var) else None
            parts += known if known is not None else (part,)
        return tuple(parts)

    def _more(self, config: Map) -> None:
        parameters = mapping(config.get("commandParams"))
        for item in sequence(parameters.get("envFrom")):
            reference = mapping(mapping(item).get("secretRef"))
            if reference:
                name = string(reference.get("name"))
                self.job.plain_secrets = True
                if name and name != "ci-kaniko":
                    self.job.section["secret"] = name
        options = self._checkout_options(mapping(config.get("checkout")))
        if options:
            self.job.shared["checkout"] = options
        for key in ("gitEnvFrom", "checkout"):
            if key not in config or (key == "checkout" and options):
                continue
            self.job.left(
                "checkout",
                f"{key}: of the plugin",
                config.line_of(key),
                "the controller's settings",
            )
        for key in ("extraVolumeMounts", "sidecars", "metadata"):
            identity = "azure.workload.identity/use" in mapping(
                mapping(config.get("metadata")).get("labels")
            )
            if key in config and not (key == "metadata" and identity):
                self.job.left(
                    "plugin-setting", f"{key}: of the plugin", config.line_of(key), "it is left out"
                )

    def _checkout_options(self, settings: Map) -> dict[str, Any]:
        """What a spec can say of the agent's checkout; nothing when there is more."""
        flags = [string(settings.get(key) or "-v") for key in ("cloneFlags", "fetchFlags")]
        depths = [re.fullmatch(r"-v(?: --prune)?(?: --depth[= ](\d+))?", text) for text in flags]
        known = set(settings) <= {"cloneFlags", "fetchFlags", "noSubmodules"}
        if not known or not depths[0] or not depths[1] or depths[0][1] != depths[1][1]:
            return {}
        found: dict[str, Any] = {}
        if string(settings.get("noSubmodules")) == "false":
            found["submodules"] = "recursive"
        if depths[0][1]:
            found["depth"] = int(depths[0][1])
        return found

    # -- the docker plugin --------------------------------------------------------------------

    def _docker(self, config: Map) -> bool:
        image = string(config.get("image"))
        if not is_executor_image(image):
            return False
        job = self.job
        job.image = (image,)
        job.image_line = config.line_of("image")
        job.has_shell = False
        folder = string(config.get("workdir")) or "/workdir"
        job.roots.append(Root((folder,)))
        job.folder = (folder,)
        items = sequence(config.get("command"))
        words = []
        for item in items:
            parts = shlex.split(string(item)) if len(items) == 1 else [string(item)]
            words += [
                Word(references(part.replace("$$", "$")), line=line_of(item)) for part in parts
            ]
        if words and words[0].text and str(words[0].text[0]).endswith("executor"):
            words = words[1:]
        job.calls = (call_of(words, config.line_of("command")),)
        return True

    # -- what starts it -----------------------------------------------------------------------

    def _operand(self, word: str) -> Operand:
        if word == "null":
            return Operand((), null=True)
        if word in {"true", "false"}:
            return Operand((word,))
        if word == "build.source":
            return Operand((Var("build.source"),))
        name = _FIELDS.get(word)
        if name is not None:
            return Operand((Var(name, portable=True),))
        return Operand((Var(word),))

    def _triggers(self) -> None:
        job = self.job
        expressions = Expressions(self._operand, {})
        guard = YES
        condition = string(self.step.get("if"))
        if condition:
            guard = expressions.guard(condition.replace("$$", "$"), self.step.line_of("if"))
        branches = string(self.step.get("branches"))
        if branches:
            conditions, guards = expressions.conditions, expressions.guards
            text, line = (Var("branch", portable=True),), self.step.line_of("branches")
            named = branches.split()
            found = YES if all(glob[0] == "!" for glob in named) else NO
            for glob in sorted(named, key=lambda glob: glob[0] == "!"):
                one = conditions.glob(text, glob.lstrip("!"), line)
                found = guards.minus(found, one) if glob[0] == "!" else guards.either(found, one)
            guard = guards.both(guard, found)
        paths: list[str] = []
        if "if_changed" in self.step:
            changed = self.step["if_changed"]
            listed = mapping(changed).get("include") if isinstance(changed, Map) else changed
            values = [string(item) for item in sequence(listed)]
            paths = globs(values, job, self.step.line_of("if_changed"))
        set_triggers(job, expressions.conditions, guard, job.line, paths=paths)
        if not condition and not branches:
            job.requests = True
            job.implicit_requests = not self.generated
            job.triggers = {"branches": ["**"], "tags": ["**"], "pull_requests": True}
            if paths:
                job.triggers["paths"] = paths

    # -- native settings ----------------------------------------------------------------------

    def _section(self) -> None:
        job, step, section = self.job, self.step, self.job.section
        given = [key for key in ("secret", "secrets") if key in section]
        kept: dict[str, Any] = {key: section.pop(key) for key in given}
        label = string(step.get("label")) or string(step.get("name"))
        if label and label != ":docker: Build image":
            section["label"] = label
        key = string(step.get("key")) or string(step.get("id"))
        section_names(section, "key", key, "build-image")
        agents = self._agents(step.get("agents")) or self._agents(self.agents)
        queue = agents.pop("queue", "")
        if queue and queue != "kubernetes":
            section["queue"] = queue
        elif not queue:
            job.left("queue", "the step names no queue", job.line, "buildkite: {queue: ...}")
        if agents:
            section["agents"] = agents
        minutes = native(step.get("timeout_in_minutes"))
        if isinstance(minutes, int) and minutes != 60:
            section["timeout_minutes"] = minutes
        self._retry(section)
        if "concurrency_group" in step:
            section["concurrency_group"] = string(step["concurrency_group"])
        section.update(kept)
        if section.get("secret") == "ci-kaniko":
            del section["secret"]
        lifetime = re.search(r"--lifetime[= ](\d+)", job.script_text)
        if lifetime and lifetime[1] != "300":
            section["oidc_lifetime_seconds"] = int(lifetime[1])
        pod_settings(job, self.pod, self.container, section)
        self._leave_artifacts()
        extra = {name: native(value) for name, value in step.items() if name not in _READ}
        if extra:
            section["extra"] = extra

    def _leave_artifacts(self) -> None:
        """The files that the executor writes are kept by themselves, and others cannot be."""
        value = self.step.get("artifact_paths")
        listed = sequence(value) if isinstance(value, list) else string(value).split(";")
        words = [word for call in self.job.calls for word in call.words if word.text]
        ends = [text for word in words if isinstance(text := word.text[-1], str)]
        for item in listed:
            path = (item if isinstance(item, str) else string(item)).strip()
            name = path.removesuffix("/**/*").replace("\\", "")
            if name and not any(end.endswith(f"/{name}") or end == name for end in ends):
                self.job.left(
                    "artifacts",
                    f"the files {path} are kept, which no option of the executor writes",
                    self.step.line_of("artifact_paths"),
                    "a step of its own can upload them",
                )

    def _agents(self, value: Any) -> dict[str, str]:
        if isinstance(value, list):
            pairs = (string(item).partition("=")[::2] for item in value)
            return {name.strip(): text.strip() for name, text in pairs}
        return {name: string(text) for name, text in mapping(value).items()}

    def _retry(self, section: dict[str, Any]) -> None:
        automatic = mapping(self.step.get("retry")).get("automatic")
        for item in sequence(automatic):
            limit = native(mapping(item).get("limit"))
            if isinstance(limit, int):
                section["retry"] = limit
                return
