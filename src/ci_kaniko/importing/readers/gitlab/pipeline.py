"""GitLab's pipelines: the jobs that call the executor, and what the others hand to them."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Var, literal
from ci_kaniko.importing.jobs import Facts, Job, Root
from ci_kaniko.importing.readers.accounting import later, tell_unread
from ci_kaniko.importing.readers.gitlab.files import Files
from ci_kaniko.importing.readers.gitlab.rules import Rules, holds
from ci_kaniko.importing.readers.gitlab.settings import Settings
from ci_kaniko.importing.readers.gitlab.variables import Variables, cells
from ci_kaniko.importing.readers.inputs import name_of, read_input
from ci_kaniko.importing.readers.matrices import cell_name, followed
from ci_kaniko.importing.readers.preparing import prepare
from ci_kaniko.importing.readers.scripts import Commands, Piece, read_pieces
from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.importing.shell.commands.docker import SHELLS
from ci_kaniko.importing.shell.reader import Host
from ci_kaniko.importing.shell.values import change_text
from ci_kaniko.importing.signs import builder_of, is_image
from ci_kaniko.importing.ticked import (
    Map,
    Str,
    Tagged,
    is_read,
    is_true,
    line_of,
    mapping,
    peek,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original

_FACTS = Facts(
    "gitlab",
    roots=(
        Root((Var("CI_PROJECT_DIR"),)),
        Root((Var("CI_BUILDS_DIR"),), ".."),
        Root(("/home/user/checkout",)),
    ),
    outputs=(Root((Var("CI_PROJECT_DIR"),)),),
    plain_secrets=True,
    of_requests=("ref.name",),
)
_SCRIPTS = ("before_script", "script")
_GLOBAL = {
    *("image", "services", "stages", "types", "before_script", "after_script", "variables"),
    *("cache", "include", "default", "workflow", "spec"),
}
_STAGES = ["build", "test", "deploy"]
_DEFAULTS = (
    *("image", "before_script", "after_script", "tags", "retry", "timeout", "interruptible"),
    *("services", "cache", "artifacts", "id_tokens", "hooks"),
)
_STARTS = ("rules", "only", "except", "when", "tags")
_PREPARES = {
    *("stage", "image", "script", "before_script", "artifacts", "extends", *_STARTS),
    *("cache", "retry", "timeout", "interruptible"),
}
"""Keys of a job that does nothing but prepare files: those with a field, and some to be told."""
_MAX_DEPTH = 12


def jobs(original: Original) -> Iterator[Job]:
    """The jobs of a pipeline that call the executor."""
    yield from _Pipeline(original).jobs()


class _Pipeline:
    def __init__(self, original: Original) -> None:
        self.files = Files(original)
        self.root = self.files.root
        self.path = original.path
        self.report = original.report
        self.needed: dict[str, str] = {}
        self.prepared: set[str] = set()
        self.carried: set[str] = set()
        self.idle: set[str] = set()

    def jobs(self) -> Iterator[Job]:
        """The jobs that run; where none of them does, the templates that nobody extends."""
        shown = [name for name in self._names() if not name.startswith(".")]
        found = [job for name in shown for job in self._cells(name)]
        if not found:
            templates = self._templates()
            found = [job for name in templates for job in self._cells(name)]
            for job in found:
                self._include(job)
            if found:
                # Templates that build as well, and that a job may extend by themselves.
                for name in (each for each in self._names() if each not in {*shown, *templates}):
                    script = self._scripts(self.root[name].get("script"), 0)
                    if any(map(self.files.original.may_build, script)):
                        self.files.voice.tell("template/base", self.root.line_of(name), name)
        if found:
            self._tell_others()
            for name, taker in self.needed.items():
                if name not in self.root:
                    self.report.tell("needs/missing", self.path, 0, name, taker)
            shared = self.root.kept({"variables", "workflow"}.__contains__)
            default = self.root.mapping("default")
            for key in (key for key in default if key not in _DEFAULTS):
                path = f"default.{key}"
                shared[path], shared.lines[path] = default[key], default.line_of(key)
            later(found[0], self.files.header)
            for entry in (each for entries in self.files.included.values() for each in entries):
                later(found[0], entry.kept("rules".__eq__), "the spec has what the file says")
            later(found[0], shared, "env: takes variables of the executor")
        yield from found

    def _names(self) -> list[str]:
        return [n for n, value in self.root.items() if isinstance(value, Map) and n not in _GLOBAL]

    def _templates(self) -> list[str]:
        extended = {peek(b) for name in self._names() for b in self.root[name].sequence("extends")}
        return [name for name in self._names() if name.startswith(".") and name not in extended]

    def _include(self, job: Job) -> None:
        """Make a template a job of a file to include: nobody runs it by itself."""
        name = job.name
        job.name = name.lstrip(".")
        job.section.update(form="include", job=job.name)
        job.tell("template", job.line, name, job.name)

    def _tell_others(self) -> None:
        """Report the jobs and templates that are no part of the spec."""
        for name, value in self.root.items():
            line = self.root.line_of(name)
            hidden = name.startswith(".")
            seen = name in self.carried | self.prepared or (hidden and self._is_part(name, value))
            if name in _GLOBAL or seen:
                continue
            kind = "template" if hidden or not isinstance(value, Map) else "job"
            if name in self.needed and self._makes_files(name):
                artifacts = mapping(value).mapping("artifacts")
                paths = ", ".join(peek(path) for path in artifacts.sequence("paths"))
                given = name, self.needed[name], paths or "artifacts"
                self.files.voice.tell("other-job/needed", line, *given)
            else:
                self.files.voice.tell("other-job", line, kind, name)

    def _is_part(self, name: str, template: Any) -> bool:
        """Whether a job of the spec has something of a template."""
        if name in self.idle - self.files.referenced:
            return False
        # Each job is asked what it extends.
        own = isinstance(template, Map) and template.kept(lambda k: k not in {"extends", "inherit"})
        return is_read(own or template)

    # -- one job ------------------------------------------------------------------------------

    def _whole(self, name: str) -> Map:
        """A job with what it extends and with the defaults that it takes."""
        whole = self.files.extended(self.root[name])
        inherit = whole.mapping("inherit").get("default")
        default = self.root.mapping("default")
        for key in _DEFAULTS:
            given = default.get(key, self.root.get(key))
            if key not in whole and given is not None and _takes(inherit, key):
                whole[key] = given
                whole.lines[key] = default.lines.get(key, self.root.line_of(key))
        return whole

    def _cells(self, name: str) -> Iterator[Job]:
        whole = self._whole(name)
        line = self.root.line_of(name)
        scripts = [each for key in _SCRIPTS for each in self._scripts(whole.get(key), 0)]
        whole.ignore(*(key for key in _SCRIPTS if not whole.get(key)))
        if not any(map(self.files.original.may_build, scripts)):
            return
        matrix = whole.mapping("parallel").get("matrix")
        rest = {key: value for key, value in whole.items() if key != "parallel"}
        found = [{}] if matrix is None else list(cells(matrix, f"{rest} {scripts}"))
        found = followed(found, self.report, self.path, line % FILE_LINES, name)
        for cell in found:
            job = self._job(name, whole, line, cell, scripts)
            if job is not None:
                if cell:
                    job.name = f"{name}-{cell_name(cell, found)}"
                yield job

    def _job(
        self, name: str, whole: Map, line: int, cell: dict[str, str], scripts: list[Str]
    ) -> Job | None:
        job = Job(_FACTS, name, self.files.original, line)
        job.files = self.files.paths
        inherit = whole.mapping("inherit").get("variables")
        given = mapping(self.files.value(self.root.get("variables")))
        taken = {key: value for key, value in given.items() if _takes(inherit, key)}
        own = self._resolved(self.files.value(whole.get("variables")))
        known = {} if cell or name.startswith(".") else _named_by(name, whole)
        variables = Variables(self._resolved(taken), own, {**known, **cell})
        job.environment = variables.texts()
        image = self._image(job, whole, variables)
        self._inputs(job)
        for one in ("config.json", ".docker/config.json", "docker-config.json"):
            if (config := self.files.original.find(one)) is not None:  # which the job may copy
                job.known_files.setdefault(one, (config.text,))
        pieces = [Piece(string(script), script.first) for script in scripts]
        texts = [*map(str, scripts)]
        workflow = self.root.mapping("workflow").get("rules")
        commands = Commands()

        def asks(rule: Map) -> str:
            return commands.add(partial(holds, self.files, rule))

        set_by_rules = [
            *variables.set_by_workflow(self.files, workflow, texts, asks),
            *variables.set_by(self.files, whole.get("rules"), texts, asks),
        ]
        script = read_pieces(job, [*set_by_rules, *pieces], Host(commands.known))
        job.calls = script.calls
        if not job.calls:
            self.idle.add(name)
            return None
        self.carried.add(name)
        Rules(job, self.files, variables).set(whole)
        settings = Settings(job, self.files, variables)
        settings.set(whole, image)
        variables.tell(job)
        if name.startswith("."):
            variables.tell_template(job, texts)
        self.needed.update(dict.fromkeys(settings.needed, name))
        if not {"needs", "dependencies"} & {*whole}:
            for each in self._before(whole):
                self.needed.setdefault(each, name)
        makers = [each for each in settings.needed if self._makes_files(each)]
        if len(makers) == 1 and self._prepare(job, whole, makers[0]):
            self.prepared.add(makers[0])
            settings.forget(makers[0])
        return job

    def _before(self, whole: Map) -> Iterator[str]:
        """The jobs of the stages before that of a job: it gets the files of all of them."""
        stages = [peek(stage) for stage in self.root.sequence("stages")] or _STAGES
        place = {stage: at for at, stage in enumerate([".pre", *stages, ".post"])}
        own = place.get(whole.peek("stage") or "test", 0)
        yield from (name for name, stage in self._makers if place.get(stage, own) < own)

    @cached_property
    def _makers(self) -> list[tuple[str, str]]:
        """The jobs that leave files, each with its stage."""
        makers = [n for n in self._names() if not n.startswith(".") and self._makes_files(n)]
        whole = {name: self.files.extended(self.root[name]) for name in makers}
        return [(name, job.peek("stage") or "test") for name, job in whole.items()]

    def _makes_files(self, name: str) -> bool:
        job = self.root.get(name)
        return isinstance(job, Map) and "artifacts" in self.files.extended(job)

    def _prepare(self, job: Job, whole: Map, name: str) -> bool:
        """Say a job before as ``prepare``, where it starts with this one and does nothing else."""
        before = self._whole(name)
        artifacts = before.get("artifacts")
        same = all(before.get(key) == whole.get(key) for key in _STARTS)
        if not same or not before.keys() <= _PREPARES or not isinstance(artifacts, Map):
            return False
        if not artifacts.keys() <= {"paths", "expire_in", "name"}:
            return False
        pieces = [each for key in _SCRIPTS for each in self._scripts(before.get(key), 0)]
        image = self.files.value(before.get("image"))
        image = image if isinstance(image, Str) else mapping(image).get("name")
        paths = [peek(path).rstrip("/") for path in self.files.flat(artifacts.get("paths"))]
        made = {"image": peek(image), "commands": [*map(str, pieces)], "artifacts": paths}
        if not prepare(job, f"the job {name}", self.root.line_of(name), made):
            return False
        before.ignore(*_SCRIPTS, "image", "stage", *_STARTS)
        artifacts.ignore("paths")
        tell_unread(job, before, name, "keep the job for this")
        return True

    def _resolved(self, variables: Any) -> Map:
        given = variables.items() if isinstance(variables, dict) else ()
        return Map(line_of(variables), {name: self.files.value(value) for name, value in given})

    def _inputs(self, job: Job) -> None:
        inputs = {name_of(name): read_input(value) for name, value in self.files.inputs.items()}
        if inputs:
            job.shared["inputs"] = inputs
            job.section["form"] = "component"

    def _scripts(self, value: Any, depth: int) -> Iterator[Str]:
        if depth > _MAX_DEPTH:
            return
        if isinstance(value, Tagged):
            yield from self._scripts(self.files.value(value), depth + 1)
        elif isinstance(value, list):
            for item in value:
                yield from self._scripts(item, depth + 1)
        elif isinstance(value, Str):
            yield value

    def _image(self, job: Job, whole: Map, variables: Variables) -> str:
        """The image of a job; how it is written."""
        image = self.files.value(whole.get("image"))
        entry = mapping(image)
        name = string(image) if isinstance(image, Str) else entry.string("name")
        job.image_line = line_of(image, whole.line_of("image"))
        if not name:
            return ""
        job.image = variables.text(name)
        if job.image and isinstance(job.image[0], Var) and "DEPENDENCY_PROXY" in job.image[0].name:
            rest = "".join(part for part in job.image[1:] if isinstance(part, str)).lstrip("/")
            if rest.startswith(("kaniko-project", "martizih")):
                job.image = (rest if rest.startswith("gcr") else f"docker.io/{rest}",)
        usual = builder_of(name)
        if usual or is_image(name):
            entrypoint = entry.native("entrypoint")
            if not usual and entrypoint != [""] and not _is_shell(entrypoint):
                job.tell("entrypoint", job.image_line)
        return name


def _named_by(name: str, whole: Map) -> dict[str, str]:
    """GitLab's variables of a job that its name and its stage tell."""
    slug = literal(change_text((name,), "slug") or ()) or ""
    stage = whole.peek("stage") or "test"
    return {"CI_JOB_NAME": name, "CI_JOB_NAME_SLUG": slug, "CI_JOB_STAGE": stage}


def _is_shell(entrypoint: Any) -> bool:
    """Whether an entrypoint is a shell that runs the one that GitLab starts."""
    words = entrypoint if isinstance(entrypoint, list) else [entrypoint]
    return len(words) == 2 and words[0] in SHELLS and words[1] == "-c"


def _takes(inherit: Any, key: str) -> bool:
    """Whether a job takes a default or a variable of the file."""
    if isinstance(inherit, list):
        return key in [string(item) for item in inherit]
    return inherit is None or is_true(inherit)
