"""Files of a CI system -> one spec and the report beside it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import spell
from ci_kaniko.importing.originals import File, Original, opened
from ci_kaniko.importing.readers.accounting import tell_pending
from ci_kaniko.importing.readers.platforms import check_look, platform_of
from ci_kaniko.importing.report import Entry, Report
from ci_kaniko.importing.shell.guards import TooComplexError
from ci_kaniko.importing.ticked import failure
from ci_kaniko.importing.translate.joining import merged
from ci_kaniko.importing.translate.pushes import image_of
from ci_kaniko.kaniko.flags import FLAGS, RENAMED
from ci_kaniko.kaniko.systems import NAMES, SOURCES
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.problems.problem import UnknownTargetError
from ci_kaniko.spec.loading import loads
from ci_kaniko.spec.placing import InvalidSpec
from ci_kaniko.spec.writing import written

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.spec.spec import Spec


@dataclass(frozen=True)
class Imported:
    """A spec as text and as a value, and what became of each part of the pipeline."""

    spec_text: str
    spec: Spec
    report: tuple[Entry, ...]
    sources: tuple[str, ...] = ()


def check_source(source: str | None) -> None:
    """Raise UnknownTargetError for a name of no platform; None is as files look."""
    if source is not None and source not in SOURCES:
        raise UnknownTargetError(f"{quoted(source)} is not one of: {', '.join(SOURCES)}")


def read_all(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str | bytes]], source: str | None
) -> Imported:
    """The spec of some files, or of texts with their names.

    Raises SpecError, and UnknownTargetError for a ``source`` that is none.
    """
    check_source(source)
    files = [opened(item) for item in paths_or_texts]
    if not files:
        raise failure("<pipeline>", "no-kaniko", "no file was named", "name that of a pipeline")
    report, jobs = _read(files, source)
    if not jobs:
        paths = ", ".join(file.path for file in files)
        kept = [entry for entry in report.entries if entry.kind == "left"]
        unread = next((entry for entry in kept if entry.rule == "bad-shell"), None)
        if unread is not None:
            raise failure(unread.path, unread.rule, unread.message, unread.advice, unread.line)
        for file in files:
            check_look(Original(file, files, Report()), source)
        if not kept:
            # The line that says how an image is built where import reads nothing that does it.
            for file, (shows, (said, hint)) in product(files, _UNREAD.items()):
                if found := re.search(shows, file.text):
                    number = file.text.count("\n", 0, found.start(1)) + 1
                    message = f"no job here builds an image: {said.format(found[1])}"
                    raise failure(file.path, "no-kaniko", message, hint, number)
        known = "/kaniko/executor, docker build, buildctl build and buildah build"
        told = next((entry for entry in kept if entry.rule in _BUILDERS), (*kept, None)[0])
        hint = str(told).strip() if told else f"import reads {known}"
        raise failure(paths, "no-kaniko", "no job here builds an image", hint)
    data = merged(jobs, report)
    tell_pending(report, jobs)
    return _checked(data, report, jobs)


_BUILDERS = {"other-builder", "unknown-action"}
"""What says which line may build an image, where import reads no build."""


def _read(files: list[File], source: str | None) -> tuple[Report, list[Job]]:
    """The jobs of some files: what one includes is a part of that, wherever it is named."""
    report = Report()
    jobs: list[Job] = []
    read: set[str] = set()
    included: set[str] = set()
    for file in files:
        if file.path not in included:
            read.add(file.path)
            original = Original(file, files, report)
            jobs += jobs_of(original, source)
            included |= original.found
    if read & included:
        ordered = sorted(files, key=lambda file: file.path in included)
        return _read(ordered, source) if ordered != files else (report, jobs)
    return report, jobs


_UNREAD = {
    r"(?m)^[ \t]+trigger:\s*(?:\{\s*)?include:[\s\[{-]*(?:local:[ \t]*)?([\w./][\w./-]*\.ya?ml)": (
        "a job here starts the pipeline {}",
        "import that file; the job with trigger: stays, and its rules: are of all that it starts",
    ),
    r"(?ms)\A(?=.*kubectl)(?=.*(?:<<|writeFile))(?=.*kaniko).*?^[ \t]*kind: *(Pod|Job|CronJob)\b": (
        "kubectl makes a {} of the manifest in this script",
        "save the manifest as a file, and import that",
    ),
    r"(?ms)\A(?=.*kaniko).*?^(?![ \t]*(?:#|//))[^\n]*\bkubectl (run)\b": (
        "kubectl {} starts the Pod that builds",
        "save what it prints by --dry-run=client -o yaml as a file, and import that",
    ),
    r"\b(docker\.build)\s?\(": (
        "import does not read {} of Jenkins",
        "write it as docker build and docker push, and import these by `source='shell'`",
    ),
    r"(?ms)\A(?=.*kaniko).*?^kind: *(Pipeline|PipelineRun|TaskRun)\b": (
        "this {} calls a Task of another file",
        "name the file of the Task that it calls on the command line, too",
    ),
    r"(?ms)\A(?=.*kaniko)(?=.*\btemplateRef:).*?^kind: *(\w*Workflow\w*)": (
        "this {} calls a template of another file",
        "name the file of the template that it calls on the command line, too",
    ),
    r"(?m)^(?![ \t]*#).*?(\$\{?\w+\}?\"?) (?:buildx )?(?:build|bud)\b": (
        "nothing says what {} is",
        "set it in the script, such as to docker",
    ),
    r"(?ms)\A(?=.*(?:docker|kaniko)).*?^(?![ \t]*//)[^\n]*\b(bat|pwsh|powershell)[ (]+['\"]": (
        "{} runs commands of Windows, and import reads those of sh",
        "write what builds and pushes as a script, and import that by `source='shell'`",
    ),
    r"(?m)^(?![ \t]*(?:#|//)).*?(?<![\w./:@-])([\w./:@-]*kaniko[\w./:@-]*)": (
        "import does not read {} here",
        "import its call as a script of one line, `source='shell'`",
    ),
    r"(?m)^(?![ \t]*(?:#|//)).*?(?<![\w/.])((?:\./|sh |bash )[\w./-]+\.(?:sh|bash))\b": (
        "nothing here tells what {} does",
        "name the script on the command line, too",
    ),
}
"""What builds an image in a way that is not read, what is said of it, and what to do."""


def jobs_of(original: Original, source: str | None) -> list[Job]:
    """The jobs of a file that run kaniko. Raises SpecError."""
    try:
        found = list(platform_of(original, source).read(original))
    except TooComplexError:
        message = "what starts its jobs is more than can be followed"
        raise failure(original.path, "too-large", message, "import their scripts alone") from None
    return [job.finished() for job in found if job.calls]


# -- the finished spec -------------------------------------------------------------------------


def _checked(data: dict[str, Any], report: Report, jobs: list[Job]) -> Imported:
    """The spec without the parts that cannot stand in one; these are reported."""
    sources = tuple(dict.fromkeys(job.target for job in jobs))
    parts = _Parts(_without_secrets(data, report.hidden), report, jobs)
    while True:
        text = written(parts.data or {"push": "never"})
        try:
            spec = loads(text, "<imported>")
        except InvalidSpec as invalid:
            mended = parts.without_errors(invalid.findings)
            assert mended, "what is in the way of a spec can be taken out of it"
            continue
        if not parts.without_refused(spec):
            report.keep_pushed(parts.pushed)
            read = {*_READ.findall(text)}
            entries = tuple(entry for entry in report.entries if _holds(entry, text, read))
            return Imported(text, spec, entries, sources)


_READ = re.compile(r"\$\{env\.\w+")
_SAID_BY = {"cache-repo": "cache:", "digest": "digest: true"}


def _holds(entry: Entry, text: str, read: Collection[str]) -> bool:
    """Whether the spec still has what an entry says it has: a variable or a part of its own."""
    if entry.rule == "run-time-variable":
        found = _READ.search(entry.message)
        return not found or found[0] in read
    return entry.kind != "carried" or _SAID_BY.get(entry.rule, "") in text


_LONG_ENOUGH = 8


def _without_secrets(value: Any, secrets: frozenset[str]) -> Any:
    """The last line of defence: no text of the spec holds a secret that was found in the file."""
    if isinstance(value, dict):
        return {key: _without_secrets(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= _LONG_ENOUGH:
                value = value.replace(secret, "REMOVED")
    return value


_STAYS = {"destinations", "registries", "context", "push"}
"""What a build is about: the report says what is in the way there, and the spec keeps it."""


class _Parts:
    """The parts of a spec that some jobs made; what is taken away has a line of the report."""

    def __init__(self, data: Any, report: Report, jobs: list[Job]) -> None:
        self.data = data
        self.report = report
        self.jobs = jobs

    @property
    def pushed(self) -> set[str]:
        """What the spec pushes to, as the report has it."""
        images = self.data.get("images", {})
        listed = [build.get("destinations", ()) for build in (self.data, *images.values())]
        found = {image_of(entry) for entries in listed for entry in entries}
        named = {text.replace("${image.name}", name) for text in found for name in images}
        return found | named

    def without_errors(self, findings: list[Finding]) -> bool:
        """Take the first refused part of each image away; whether there was one."""
        errors = [finding for finding in findings if finding.severity == "error"]
        taken = [self._take_away(finding) for finding in _first_of_each_image(errors)]
        return any(taken) or any(map(self._take_away, errors))

    def without_refused(self, spec: Spec) -> bool:
        """Take the parts away that the platform of a job does not render; whether there were some.

        An item of a list is taken away alone: the others move.
        """
        from ci_kaniko.targets.registry import target

        taken = False
        for job in {job.target: job for job in reversed(self.jobs)}.values():
            if job.target not in NAMES or taken:
                continue
            for finding in target(job.target).rendering(spec, {}).findings:
                keys = finding.where[2:] if finding.where[:1] == ("images",) else finding.where
                stays = not keys or keys[0] in _STAYS
                known = stays and finding.rule in self.report.rules
                moved = taken and any(isinstance(step, int) for step in keys)
                if finding.rule == "missing-value" or known or moved:
                    continue
                what = None if stays else _removed(self.data, finding.where)
                shown = what or f"{job.target} does not render the spec yet"
                place = job.path, job.line
                self._tell(finding, shown, finding.hint or "by hand", place)
                taken = taken or bool(what)
        return taken

    def _take_away(self, finding: Finding) -> bool:
        """Take what a finding is about out of the spec; whether it can be."""
        nowhere = finding.rule in {"missing-key", "missing-destination"}
        silent = self.data.get("push") == "never"
        if finding.rule == "bad-input" and self._with_plain_path(finding.where):
            return True
        removed: str | None
        if finding.rule == "missing-destination" and finding.where[:1] == ("images",):
            self.data["images"][finding.where[1]]["push"] = "never"
            removed = f"images.{finding.where[1]}.push"
        else:
            removed = _removed(self.data, finding.where)
        if removed is None and nowhere and not self.data.get("destinations") and not silent:
            self.data["push"] = "never"
            removed = "push"
        if removed is not None:
            self._tell(finding, removed, finding.hint or "write it by hand", ("", 0))
        return removed is not None

    def _with_plain_path(self, where: tuple[str | int, ...]) -> bool:
        """Write the path that an input is by default without a ``./`` before it, if it has one."""
        holder = self.data["inputs"][where[1]] if where[-1:] == ("default",) else {}
        path: str = holder.get("default", "")
        holder["default"] = posixpath.normpath(path)
        return path[:2] == "./"

    def _tell(self, finding: Finding, what: str, advice: str, place: tuple[str, int]) -> None:
        """Say what a finding says, where its argument stands or at another ``place``."""
        message = "***" if finding.secret else finding.message
        path, line = self._written_at(finding.where) or place
        self.report.add(Entry("left", finding.rule, f"{what}: {message}", path, line, advice))

    def _written_at(self, where: tuple[str | int, ...]) -> tuple[str, int] | None:
        """Where the argument stands that a field of the spec comes from, if that is one line."""
        keys, whose = where, {job.name for job in self.jobs}
        if where[:1] == ("images",):
            keys, whose = where[2:], {self.report.images.get(str(where[1]), "")}
        names = [step for step in keys if isinstance(step, str)]
        fields = [".".join(names[:end]) for end in range(1, len(names) + 1)]
        found = {
            place
            for job in whose
            for field in fields
            for place in self._arguments.get((job, field), ())
        }
        return found.pop() if len(found) == 1 else None

    @cached_property
    def _arguments(self) -> dict[tuple[str, str | None], set[tuple[str, int]]]:
        """Where the arguments stand, by their jobs and the fields that they fill."""
        found: dict[tuple[str, str | None], set[tuple[str, int]]] = {}
        for job in self.jobs:
            for word in (word for call in job.calls for word in call.words):
                flag = spell(word.text[:1]).partition("=")[0].lstrip("-")
                if known := FLAGS.get(RENAMED.get(flag, flag)):
                    place = job.place(word.line)
                    found.setdefault((job.name, known.field), set()).add(place)
        return found


def _first_of_each_image(findings: list[Finding]) -> list[Finding]:
    """The first finding of each image; when it is one of a destination, one of each of these.

    The last one comes first: taking a destination away moves those behind it.
    """
    chosen: dict[tuple[str | int, ...], dict[tuple[str | int, ...], Finding]] = {}
    for finding in findings:
        image = finding.where[:2] if finding.where[:1] == ("images",) else ()
        inside = finding.where[len(image) :]
        item = inside[:2] if inside[:1] == ("destinations",) else ()
        held = chosen.setdefault(image, {item: finding})
        if item and () not in held:
            held.setdefault(item, finding)
    return [
        finding
        for held in chosen.values()
        for _, finding in sorted(held.items(), key=lambda pair: (0, *pair[0][1:])[-1], reverse=True)
    ]


_LIMITS = {"paths", "repository"}
"""Triggers without which a job starts more often."""
_BUILT = {"context", "context_sub_path", "dockerfile", "target", "platforms"}
"""What a build is made of."""


def _removed(data: Any, where: tuple[str | int, ...]) -> str | None:
    """Take away what is at ``where``; its name."""
    path: list[Any] = list(where)
    holder: Any = data
    parents: list[tuple[Any, Any]] = []
    for step in path:
        if (isinstance(holder, dict) and step in holder) or (
            isinstance(holder, list) and isinstance(step, int) and step < len(holder)
        ):
            parents.append((holder, step))
            holder = holder[step]
        else:
            break
    if not parents:
        return None
    whole = {"registries": 2, "destinations": 2, "cache": 1, "context_login": 1, "executor": 1}
    root = 2 if parents[0][1] == "images" else 0
    depth = whole.get(str(parents[min(root, len(parents) - 1)][1]))
    if depth is not None:
        parents = parents[: root + depth]
    owner, step = parents[-1]
    name = ".".join(str(item[1]) for item in parents)
    if isinstance(owner[step], dict | list):
        name += f" ({', '.join(map(str, owner[step]))})"
    elif parents[-2:-1] and parents[-2][1] == "platforms":
        # Its number is that of another one as soon as it is taken away.
        name = f"{name.rpartition('.')[0]}: {owner[step]}"
    build, key = parents[min(root, len(parents) - 1)]
    excludes = str(owner[step]).startswith("!")
    del owner[step]
    while len(parents) > 1 and not owner:
        parents.pop()
        if len(parents) == 2 and (root or key == "inputs"):
            break  # an image or an input that says nothing of its own is one all the same
        owner, step = parents[-1]
        del owner[step]
    wider = key == "triggers" and (excludes or step in _LIMITS or key not in build)
    if wider or key in _BUILT or where[-1] == "custom_platform":
        # Without that it starts where nobody asked for it, or is another image.
        build["push"] = "never"
        name += "; push: never"
    return name
