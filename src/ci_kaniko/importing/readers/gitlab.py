"""GitLab's pipelines: hidden jobs, ``extends``, references, defaults, rules and matrices."""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, join, spell
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.accounting import tell_unread
from ci_kaniko.importing.readers.documents import (
    List,
    Map,
    Str,
    Tagged,
    line_of,
    mapping,
    native,
    peek,
    read_yaml,
    sequence,
    string,
)
from ci_kaniko.importing.readers.expressions import Expressions, Operand
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.translate.started import globs, section_names, set_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.importing.readers.documents import Document
    from ci_kaniko.importing.report import Report

_GLOBAL = {
    *("image", "services", "stages", "types", "before_script", "after_script", "variables"),
    *("cache", "include", "default", "workflow", "spec", "pages"),
}
_DEFAULTS = (
    *("image", "before_script", "after_script", "tags", "retry", "timeout", "interruptible"),
    *("services", "cache", "artifacts", "id_tokens"),
)
_READ = {
    *("image", "before_script", "script", "after_script", "variables", "stage", "tags", "timeout"),
    *("retry", "needs", "resource_group", "interruptible", "rules", "only", "except", "extends"),
    *("parallel", "services", "cache", "artifacts", "id_tokens", "when", "inherit", "secrets"),
}
_LOST = {"runner_system_failure", "stuck_or_timeout_failure"}
"""The reasons for which ``gitlab.retry`` repeats a job."""
_OUTPUTS = ("-file", "tar-path", "oci-layout-path")
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)|\$\[\[\s*inputs\.([\w-]+)[^]]*\]\]")
_RUNNER = re.compile(r"(?:FF|GIT|KUBERNETES|ARTIFACT|CACHE|TRANSFER|FASTZIP|SECURE)_")
_MAX_DEPTH = 12
_MAX_CELLS = 50


def jobs(document: Document, others: Mapping[str, str], report: Report) -> Iterator[Job]:
    """The jobs of a pipeline that call the executor."""
    yield from _Pipeline(document, others, report).jobs()


def _is_for_requests(rule: Map) -> bool:
    """Whether a rule lets a newer run of a merge request stop an older one, as ours do."""
    return bool(native(rule["interruptible"])) and "merge_request_event" in string(rule.get("if"))


class _Pipeline:
    def __init__(self, document: Document, others: Mapping[str, str], report: Report) -> None:
        self.document = document
        self.others = others
        self.report = report
        self.inputs = self._inputs()
        roots = [root for root in document.roots if isinstance(root, Map)]
        if len(roots) > 1 and "spec" in roots[0]:
            roots = roots[1:]
        self.root = Map(1)
        self.owner: dict[int, str] = {}
        for root in roots:
            self._merge_file(root, document.path, 0)
        self.default = mapping(self.root.get("default"))

    def _inputs(self) -> Map:
        first = self.document.roots[0] if self.document.roots else None
        return mapping(mapping(mapping(first).get("spec")).get("inputs"))

    # -- includes -----------------------------------------------------------------------------

    def _merge_file(self, root: Map, path: str, depth: int) -> None:
        for item in sequence(root.get("include")):
            self._include(item, path, root.line_of("include"), depth)
        self._own(root, path)
        merged = _deep(self.root, root)
        self.root = merged

    def _own(self, root: Map, path: str) -> None:
        for key, value in root.items():
            if isinstance(value, Map) and key not in _GLOBAL:
                self.owner[id(value)] = path

    def _include(self, item: Any, path: str, line: int, depth: int) -> None:
        local = string(item) if isinstance(item, Str) else string(mapping(item).get("local"))
        if not local or "://" in local or depth > _MAX_DEPTH:
            kinds = [str(key) for key in mapping(item)] or ["remote"]
            self.report.left(
                "include",
                f"the included {kinds[0]} is not in the repository",
                path,
                line_of(item, line),
                "import that file too, where it holds the kaniko job",
            )
            return
        found = self._local(local)
        if found is None:
            self.report.left(
                "include",
                f"the included file {local} was not found",
                path,
                line_of(item, line),
                "name it on the command line, too",
            )
            return
        document = read_yaml(*found)
        for root in document.roots:
            if isinstance(root, Map):
                self._merge_file(root, found[1], depth + 1)

    def _local(self, local: str) -> tuple[str, str] | None:
        wanted = local.lstrip("/")
        for name, source in self.others.items():
            if name == wanted or name.endswith(f"/{wanted}"):
                return source, name
        base = os.path.dirname(os.path.abspath(self.document.path))
        for _ in range(8):
            candidate = os.path.join(base, wanted)
            if os.path.isfile(candidate) and os.path.isfile(self.document.path):
                with open(candidate, encoding="utf-8", errors="replace") as file:
                    return file.read(), os.path.relpath(candidate)
            base = os.path.dirname(base)
        return None

    # -- jobs ---------------------------------------------------------------------------------

    def jobs(self) -> Iterator[Job]:
        for name, value in self.root.items():
            if name in _GLOBAL or name.startswith(".") or not isinstance(value, Map):
                continue
            whole = self._extended(value, 0)
            for key in _DEFAULTS:
                given = self.default.get(key, self.root.get(key))
                if key not in whole and given is not None:
                    whole[key] = given
                    whole.lines[key] = self.default.line_of(key) or self.root.line_of(key)
            path = self.owner.get(id(value), self.document.path)
            line = self.root.line_of(name)
            yield from self._cells(name, whole, path, line)

    def _extended(self, job: Map, depth: int) -> Map:
        if depth > _MAX_DEPTH:
            return job
        found = Map(job.line)
        for base in sequence(job.get("extends")):
            parent = self.root.get(string(base))
            if isinstance(parent, Map):
                found = _deep(found, self._extended(parent, depth + 1))
            else:
                self.report.left(
                    "extends",
                    f"{string(base)} is not in the file",
                    self.document.path,
                    line_of(base),
                    "name the file that holds it on the command line, too",
                )
        found = _deep(found, job)
        found.line = job.line
        return found

    def _cells(self, name: str, whole: Map, path: str, line: int) -> Iterator[Job]:
        matrix = mapping(whole.get("parallel")).get("matrix")
        cells = list(_matrix(matrix)) if matrix is not None else [{}]
        if len(cells) > _MAX_CELLS:
            cells = cells[:_MAX_CELLS]
            self.report.left(
                "matrix", f"{name} has more than {_MAX_CELLS} cells", path, line, "import fewer"
            )
        for cell in cells:
            job = self._job(name, whole, path, line, cell)
            if job is not None:
                if cell:
                    job.name = f"{name}-{_cell_name(cell, cells)}"
                yield job

    def _job(self, name: str, whole: Map, path: str, line: int, cell: dict[str, str]) -> Job | None:
        pieces = [
            *self._pieces(whole.get("before_script"), 0),
            *self._pieces(whole.get("script"), 0),
        ]
        if not any(mentions_executor(piece.text) for piece in pieces):
            return None
        job = Job("gitlab", name, path, line, self.report, plain_secrets=True)
        job.environment = self._variables(whole, cell)
        job.roots = [Root((Var("CI_PROJECT_DIR"),)), Root((Var("CI_BUILDS_DIR"),), "..")]
        job.outputs = [Root((Var("CI_PROJECT_DIR"),))]
        self._image(job, whole)
        self._inputs_of(job)
        job.known_files = self._files(job)
        script = read_pieces(job, pieces)
        job.calls = script.calls
        if not job.calls:
            return None
        self._triggers(job, whole)
        self._section(job, whole)
        return job

    def _files(self, job: Job) -> dict[str, Text]:
        found: dict[str, Text] = {name: (text_,) for name, text_ in self.others.items() if text_}
        base = os.path.dirname(os.path.abspath(job.path))
        if os.path.isfile(job.path):
            for name in ("config.json", ".docker/config.json", "docker-config.json"):
                candidate = os.path.join(base, name)
                if os.path.isfile(candidate) and os.path.getsize(candidate) < 65536:
                    with open(candidate, encoding="utf-8", errors="replace") as file:
                        found.setdefault(name, (file.read(),))
        return found

    def _inputs_of(self, job: Job) -> None:
        inputs: dict[str, Any] = {}
        for name, value in self.inputs.items():
            entry = mapping(value)
            found: dict[str, Any] = {}
            kind = string(entry.get("type"))
            if kind in {"number", "boolean"}:
                found["type"] = kind
            if "default" in entry:
                found["default"] = string(entry.get("default"))
            if "options" in entry:
                found["options"] = [string(item) for item in sequence(entry.get("options"))]
            if "description" in entry:
                found["description"] = string(entry.get("description"))
            inputs[name.replace("-", "_").lower()] = found
        if inputs:
            job.shared["inputs"] = inputs
            job.section["form"] = "component"

    def _pieces(self, value: Any, depth: int) -> Iterator[Piece]:
        if depth > _MAX_DEPTH:
            return
        if isinstance(value, Tagged):
            yield from self._pieces(self._referenced(value), depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from self._pieces(item, depth + 1)
        elif isinstance(value, Str):
            yield Piece(string(value), value.first)

    def _referenced(self, value: Tagged) -> Any:
        if value.tag != "!reference":
            return value.value
        found: Any = self.root
        for step in sequence(value.value):
            found = mapping(found).get(string(step))
            if isinstance(found, Map) and found is not self.root:
                found = self._extended(found, 0)
        if found is None:
            shown = ", ".join(string(step) for step in sequence(value.value))
            self.report.left(
                "reference",
                f"!reference [{shown}] names nothing here",
                self.document.path,
                value.line,
                "name the file that holds it on the command line, too",
            )
        return found

    def _value(self, value: Any) -> Any:
        return self._referenced(value) if isinstance(value, Tagged) else value

    # -- variables ----------------------------------------------------------------------------

    def _variables(self, whole: Map, cell: dict[str, str]) -> dict[str, Text]:
        raw: dict[str, tuple[str, bool]] = {}
        for source in (
            self._value(self.root.get("variables")),
            self._value(whole.get("variables")),
        ):
            for name, given in mapping(source).items():
                value = self._value(given)
                entry = mapping(value)
                if isinstance(value, Map):
                    plain = string(entry.get("expand")) == "false"
                    raw[name] = (string(entry.get("value")), not plain)
                else:
                    raw[name] = (string(value), True)
        raw.update({name: (value, True) for name, value in cell.items()})
        return {name: expanded(name, raw, ()) for name in raw}

    # -- parts --------------------------------------------------------------------------------

    def _image(self, job: Job, whole: Map) -> None:
        image = self._value(whole.get("image"))
        name = string(image) if isinstance(image, Str) else string(mapping(image).get("name"))
        job.image_line = line_of(image, whole.line_of("image"))
        if not name:
            return
        raw = {key: (value, False) for key, value in _literals(job.environment).items()}
        job.image = substituted(name, raw, ())
        if job.image and isinstance(job.image[0], Var) and "DEPENDENCY_PROXY" in job.image[0].name:
            rest = "".join(part for part in job.image[1:] if isinstance(part, str)).lstrip("/")
            if rest.startswith(("kaniko-project", "martizih")):
                job.image = (rest if rest.startswith("gcr") else f"docker.io/{rest}",)
        kaniko = "kaniko" in name
        entry = mapping(image)
        entrypoint = entry.get("entrypoint")
        if kaniko and not (
            isinstance(entrypoint, list) and [string(e) for e in entrypoint] == [""]
        ):
            job.mended(
                "entrypoint",
                "the image's entrypoint is the executor: GitLab's script never starts",
                job.image_line,
                'entrypoint: [""]',
            )

    def _triggers(self, job: Job, whole: Map) -> None:
        workflow = mapping(self.root.get("workflow"))
        expressions = Expressions(self._operand, job.environment)
        guards = expressions.guards
        paths: list[str] = []
        within = YES
        if "rules" in workflow:
            within = self._rules(job, workflow.get("rules"), expressions, paths)
        if "rules" in whole:
            guard = self._rules(job, whole.get("rules"), expressions, paths)
        elif "only" in whole or "except" in whole:
            guard = self._only(job, whole, expressions, paths)
        else:
            request = expressions.guard('$CI_PIPELINE_SOURCE == "merge_request_event"', job.line)
            guard = YES if "rules" in workflow else guards.negate(request)
        set_triggers(job, expressions.conditions, guards.both(guard, within), job.line, paths=paths)
        if string(whole.get("when")) == "manual":
            job.triggers = (
                {**(job.triggers or {}), "manual": True} if job.triggers else {"manual": True}
            )
            job.left(
                "manual-job",
                "somebody has to start the job by its button",
                whole.line_of("when"),
                "triggers: {manual: true} starts it in a pipeline that somebody starts by hand",
            )

    def _operand(self, word: str) -> Operand:
        if word == "null":
            return Operand((), null=True)
        match = re.fullmatch(r"\$\{?(\w+)\}?", word)
        if not match:
            return Operand((word,))
        return Operand((Var(match[1]),))

    def _rules(self, job: Job, value: Any, expressions: Expressions, paths: list[str]) -> int:
        guards = expressions.guards
        found, before = NO, NO
        for rule in _flat(self, value):
            entry = mapping(rule)
            condition = string(self._value(entry.get("if")))
            line = entry.line_of("if")
            guard = expressions.guard(condition, line) if condition else YES
            when = string(entry.get("when"))
            if "CI_MERGE_REQUEST_SOURCE_PROJECT_ID" in condition or (
                "CI_OPEN_MERGE_REQUESTS" in condition and when == "never"
            ):
                continue
            self._rule_parts(job, entry, paths)
            if when != "never":
                here = guards.minus(guard, before)
                found = guards.either(found, here)
            if "changes" not in entry and "exists" not in entry:
                before = guards.either(before, guard)
        return found

    def _rule_parts(self, job: Job, entry: Map, paths: list[str]) -> None:
        changes = self._value(entry.get("changes"))
        listed = mapping(changes).get("paths", changes) if isinstance(changes, Map) else changes
        values = [string(item) for item in sequence(listed)]
        paths += [
            glob for glob in globs(values, job, entry.line_of("changes")) if glob not in paths
        ]
        for key in ("exists", "variables", "allow_failure", "needs", "interruptible"):
            if key in entry and not (key == "interruptible" and _is_for_requests(entry)):
                job.left(
                    "rule",
                    f"a rule with {key}: is not carried over",
                    entry.line_of(key),
                    "triggers: asks for branches, tags, events and paths",
                )
        if string(entry.get("when")) in {"manual", "delayed", "on_failure", "always"} and (
            string(entry.get("when")) != "always"
        ):
            job.left(
                "rule",
                f"a rule with when: {string(entry.get('when'))} is not carried over",
                entry.line_of("when"),
                "the job starts by itself",
            )

    def _only(self, job: Job, whole: Map, expressions: Expressions, paths: list[str]) -> int:
        guards = expressions.guards
        request = expressions.guard('$CI_PIPELINE_SOURCE == "merge_request_event"', 0)
        found = guards.negate(request)
        if "only" in whole:
            found = self._refs(job, whole.get("only"), expressions, paths)
        if "except" in whole:
            found = guards.minus(found, self._refs(job, whole.get("except"), expressions, []))
        return found

    def _refs(self, job: Job, value: Any, expressions: Expressions, paths: list[str]) -> int:
        guards = expressions.guards
        value = self._value(value)
        entry = value if isinstance(value, Map) else Map(line_of(value))
        refs = entry.get("refs") if isinstance(value, Map) else value
        found = NO if refs is not None else YES
        for item in sequence(refs):
            found = guards.either(found, self._ref(string(item), line_of(item), expressions))
        variables_ = NO
        for item in sequence(entry.get("variables")):
            variables_ = guards.either(variables_, expressions.guard(string(item), line_of(item)))
        if "variables" in entry:
            found = guards.both(found, variables_)
        values = [string(item) for item in sequence(entry.get("changes"))]
        paths += globs(values, job, entry.line_of("changes"))
        return found

    def _ref(self, ref: str, line: int, expressions: Expressions) -> int:
        known = {
            "branches": "$CI_COMMIT_BRANCH",
            "tags": "$CI_COMMIT_TAG",
            "merge_requests": '$CI_PIPELINE_SOURCE == "merge_request_event"',
            "external_pull_requests": '$CI_PIPELINE_SOURCE == "merge_request_event"',
            "schedules": '$CI_PIPELINE_SOURCE == "schedule"',
            "web": '$CI_PIPELINE_SOURCE == "web"',
            "api": '$CI_PIPELINE_SOURCE == "api"',
            "pushes": '$CI_PIPELINE_SOURCE == "push"',
            "triggers": '$CI_PIPELINE_SOURCE == "trigger"',
        }
        if ref in known:
            return expressions.guard(known[ref], line)
        name = ref.partition("@")[0]
        if name.startswith("/"):
            branch = expressions.guard(f"$CI_COMMIT_BRANCH =~ {name}", line)
            tag = expressions.guard(f"$CI_COMMIT_TAG =~ {name}", line)
            looks_like_tag = re.match(r"/\^?v?(?:\\d|\[0-9|v)", name)
            return tag if looks_like_tag else expressions.guards.either(branch, NO) or branch
        if name.startswith("$"):
            return expressions.guard(name, line)
        return expressions.guard(f'$CI_COMMIT_BRANCH == "{name}"', line)

    # -- native settings ----------------------------------------------------------------------

    def _section(self, job: Job, whole: Map) -> None:
        section = job.section
        section_names(section, "job", job.name, "build-image")
        raw = {key: (value, False) for key, value in _literals(job.environment).items()}
        for key in ("stage", "timeout", "resource_group"):
            if key in whole:
                section[key] = _flat_text(string(whole[key]), raw)
        tags = [_flat_text(string(item), raw) for item in sequence(self._value(whole.get("tags")))]
        if tags:
            section["tags"] = tags
        self._retry(job, whole, section)
        if "interruptible" in whole:
            section["interruptible"] = bool(native(whole["interruptible"]))
        self._needs(job, whole)
        extra = self._extra(job, whole)
        if extra:
            section["extra"] = extra
        tell_unread(job, whole, advice="gitlab: {extra: ...} takes keys of GitLab as they are")

    def _retry(self, job: Job, whole: Map, section: dict[str, Any]) -> None:
        given = native(whole.get("retry"))
        parts = given if isinstance(given, dict) else {"max": given}
        most, when = parts.get("max"), parts.get("when")
        if not isinstance(most, int):
            return
        section["retry"] = most
        reasons = {when} if isinstance(when, str) else {*(when or ())}
        if most and (reasons != _LOST or "exit_codes" in parts):
            job.mended(
                "retry",
                "retry has other reasons than a lost runner: a failed build fails again",
                whole.line_of("retry"),
                "gitlab.retry repeats only what the runner lost",
            )

    def _needs(self, job: Job, whole: Map) -> None:
        if "needs" not in whole:
            return
        names: list[str] = []
        for item in sequence(whole["needs"]):
            entry = mapping(item)
            name = string(item) if isinstance(item, Str) else string(entry.get("job"))
            if not name or "pipeline" in entry or "project" in entry:
                job.left(
                    "needs", "a job of another pipeline is needed", line_of(item), "gitlab.extra"
                )
            elif name not in names:
                names.append(name)
        if names or not sequence(whole["needs"]):
            job.section["needs"] = names

    def _extra(self, job: Job, whole: Map) -> dict[str, Any]:
        extra = {key: native(value) for key, value in whole.items() if key not in _READ}
        job_variables = mapping(self._value(whole.get("variables")))
        kept = {
            name: native(value)
            for name, value in job_variables.items()
            if _RUNNER.match(name) or not re.search(rf"\b{name}\b", _used(whole, job))
        }
        consumed = {"DOCKER_CONFIG", "CONTEXT", "DOCKERFILE"}
        kept = {
            name: value
            for name, value in kept.items()
            if name not in consumed and not is_secret_name(name)
        }
        if kept:
            extra["variables"] = {
                name: value if isinstance(value, dict) else string(job_variables[name])
                for name, value in kept.items()
            }
        artifacts = self._value(whole.get("artifacts"))
        if artifacts and not self._is_of_outputs(job, mapping(artifacts)):
            extra["artifacts"] = native(artifacts)
        for name, token in mapping(whole.get("id_tokens")).items():
            if re.search(rf"\b{name}\b", job.script_text):
                native(token)
        self._leave(job, whole)
        return extra

    def _is_of_outputs(self, job: Job, artifacts: Map) -> bool:
        """Whether artifacts hold a file that the executor writes: then the spec names that one."""
        words = [word for call in job.calls for word in call.words]
        values = [spell(word.text).partition("=") for word in words]
        outputs = {value for flag, _, value in values if flag.endswith(_OUTPUTS)}
        outputs = {value.removeprefix("$CI_PROJECT_DIR/").removeprefix("./") for value in outputs}
        paths = [item for item in sequence(artifacts.get("paths")) if peek(item) in outputs]
        dotenv = mapping(artifacts.get("reports")).get("dotenv")
        if dotenv and peek(dotenv) in job.script_text:
            paths.append(dotenv)
        return bool([string(item) for item in paths])

    def _leave(self, job: Job, whole: Map) -> None:
        if native(whole.get("after_script")):
            job.left(
                "after-script",
                "after_script: runs in kaniko's container, whose files are the image's then",
                whole.line_of("after_script"),
                "make it a job of its own",
            )
        for service in sequence(whole.get("services")):
            name = string(service) or string(mapping(service).get("name"))
            if "dind" in name:
                job.mended(
                    "docker-in-docker",
                    f"the service {name} is for docker build; kaniko needs none",
                    line_of(service),
                )
            else:
                job.left("service", f"the service {name}", line_of(service), "gitlab: {extra: ...}")
        paths = [
            string(p)
            for cache in sequence(whole.get("cache"))
            for p in sequence(mapping(cache).get("paths"))
        ]
        for path in paths:
            if path.startswith("/"):
                job.mended(
                    "cache-outside",
                    f"GitLab caches nothing outside of the project, so not {path}",
                    whole.line_of("cache"),
                    "kaniko's cache is a repository: cache: {repo: ...}",
                )
        if paths and not all(path.startswith("/") for path in paths):
            job.section.setdefault("extra", {})
            job.left(
                "cache",
                "GitLab's cache: of the job",
                whole.line_of("cache"),
                "gitlab: {extra: ...}",
            )


def _used(whole: Map, job: Job) -> str:
    """Every text in which a variable may be read."""
    values = " ".join(
        f"{part.name}"
        for text_ in job.environment.values()
        for part in text_
        if isinstance(part, Var)
    )
    image = string(mapping(whole.get("image")).get("name")) + string(whole.get("image"))
    tags = " ".join(string(item) for item in sequence(whole.get("tags")))
    return f"{job.script_text} {values} {image} {tags}"


def _flat(pipeline: _Pipeline, value: Any) -> Iterator[Any]:
    """The rules of a list, references among them."""
    value = pipeline._value(value)  # noqa: SLF001 - a helper of the class
    for item in sequence(value):
        if isinstance(item, Tagged | List):
            yield from _flat(pipeline, item)
        else:
            yield item


def _deep(old: Map, new: Map) -> Map:
    """Two mappings as one: mappings inside are merged, everything else replaced."""
    found = Map(new.line)
    for source in (old, new):
        for key, value in source.items():
            have = found.get(key)
            if isinstance(have, Map) and isinstance(value, Map):
                found[key] = _deep(have, value)
            else:
                found[key] = value
            found.lines[key] = source.line_of(key)
    return found


def _cell_name(cell: dict[str, str], cells: list[dict[str, str]]) -> str:
    """What tells a cell from the others: one value where that is enough."""
    for name, value in cell.items():
        if len({other.get(name) for other in cells}) == len(cells):
            return value
    return "-".join(cell.values())


def _matrix(value: Any) -> Iterator[dict[str, str]]:
    for entry in sequence(value):
        names = list(mapping(entry))
        lists = [[string(item) for item in sequence(mapping(entry)[name])] for name in names]
        for cell in itertools.product(*lists):
            yield dict(zip(names, cell, strict=True))


def expanded(name: str, raw: dict[str, tuple[str, bool]], seen: tuple[str, ...]) -> Text:
    """A variable's text with the others put in, as GitLab does it."""
    value, expands = raw[name]
    if not expands:
        whole = re.fullmatch(r"\$\[\[\s*inputs\.([\w-]+)[^]]*\]\]", value)
        if whole:
            return (Var(f"inputs.{whole[1]}"),)
        return (value,) if value else ()
    return substituted(value, raw, (*seen, name))


def substituted(value: str, raw: dict[str, tuple[str, bool]], seen: tuple[str, ...]) -> Text:
    """A text with variables put in; those of GitLab stay holes."""
    parts: list[Any] = []
    at = 0
    for match in _VARIABLE.finditer(value):
        parts.append(value[at : match.start()])
        at = match.end()
        inner = match[1] or match[2]
        if match[3]:
            parts.append(Var(f"inputs.{match[3]}"))
        elif inner is None:
            parts.append("$")
        elif inner in raw and inner not in seen:
            parts += expanded(inner, raw, seen)
        else:
            parts.append(Var(inner))
    return join([*parts, value[at:]])


def _literals(environment: dict[str, Text]) -> dict[str, str]:
    return {
        name: str(value[0]) if value else ""
        for name, value in environment.items()
        if not value or (len(value) == 1 and isinstance(value[0], str))
    }


def _flat_text(value: str, raw: dict[str, tuple[str, bool]]) -> str:
    parts = substituted(value, raw, ())
    return "".join(part if isinstance(part, str) else f"${part.name}" for part in parts)  # type: ignore[union-attr]
