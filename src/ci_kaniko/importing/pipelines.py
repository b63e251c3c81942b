"""Files of a CI system -> one spec and the report beside it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.readers import documents
from ci_kaniko.importing.readers.accounting import tell_pending
from ci_kaniko.importing.readers.documents import Document, Map, failure, read_yaml
from ci_kaniko.importing.report import Entry, Report
from ci_kaniko.importing.translate.joining import merged
from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.spec.loading import loads
from ci_kaniko.spec.placing import InvalidSpec
from ci_kaniko.spec.writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ci_kaniko.importing.jobs import Draft, Job
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.spec import Spec

SOURCES = (*NAMES, "shell", "tekton", "jenkins")
"""What can be imported from."""


class Imported(NamedTuple):
    """A spec as text and as a value, and what became of each part of the pipeline."""

    spec_text: str
    spec: Spec
    report: tuple[Entry, ...]
    sources: tuple[str, ...] = ()


class File(NamedTuple):
    """A pipeline, and what messages call it."""

    path: str
    text: str
    is_there: bool = False


def read_all(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str | bytes]], source: str | None
) -> Imported:
    """The spec of some files, or of texts with their names. Raises SpecError."""
    files = [opened(item) for item in paths_or_texts]
    report = Report()
    jobs: list[Job] = []
    for file in files:
        jobs += jobs_of(file, files, source, report)
    if not jobs:
        paths = ", ".join(file.path for file in files)
        kept = [entry for entry in report.entries if entry.kind == "left"]
        unread = next((entry for entry in kept if entry.rule == "bad-shell"), None)
        if unread is not None:
            raise failure(unread.path, unread.rule, unread.message, unread.advice, unread.line)
        if not kept:
            _raise_mention(files)
        hint = str(kept[0]).strip() if kept else "import reads jobs that call /kaniko/executor"
        raise failure(paths, "no-kaniko", "no job here runs kaniko's executor", hint)
    data = merged(jobs, report)
    tell_pending(report, [job.voice for job in jobs])
    return _checked(data, report, jobs)


def _raise_mention(files: list[File]) -> None:
    """Name the line that speaks of kaniko where nothing that import reads runs it."""
    for file in files:
        for number, row in enumerate(file.text.split("\n"), 1):
            word = re.search(r"[\w./:@-]*kaniko[\w./:@-]*", row)
            if word is None or row.lstrip().startswith(("#", "//")):
                continue
            before = "\n".join(file.text.split("\n")[:number])
            kinds = re.findall(r"(?m)^kind:\s*(\w+)", before)
            where = f"in a {kinds[-1]}" if kinds else "here"
            message = f"no job here runs kaniko's executor: import does not read {word[0]} {where}"
            hint = "import its call as a script of one line, --from shell"
            raise failure(file.path, "no-kaniko", message, hint, number)


def opened(item: str | os.PathLike[str] | tuple[str, str | bytes]) -> File:
    """A file, or a text with its name. Raises SpecError for what cannot be read."""
    if isinstance(item, tuple):
        path, text = item
        if isinstance(text, bytes):
            return _decoded(path, text)
        if len(text.encode("utf-8", "surrogatepass")) > documents.MAX_BYTES:
            raise _too_large(path)
        return File(path, text)
    path = os.fspath(item)
    try:
        if os.path.getsize(path) > documents.MAX_BYTES:
            raise _too_large(path)
        with open(path, "rb") as file:
            data = file.read(documents.MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise failure(path, "unreadable", message) from None
    return _decoded(path, data)._replace(is_there=True)


def _decoded(path: str, data: bytes) -> File:
    if len(data) > documents.MAX_BYTES:
        raise _too_large(path)
    try:
        return File(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise failure(path, "not-utf-8", "this is no text in UTF-8") from None


def _too_large(path: str) -> SpecError:
    limit = documents.MAX_BYTES // 1024 // 1024
    message = f"the file is larger than {limit} MiB: no pipeline is"
    return failure(path, "too-large", message, "import the file of the pipeline itself")


# -- platforms ---------------------------------------------------------------------------------


def jobs_of(file: File, files: list[File], source: str | None, report: Report) -> list[Job]:
    """The jobs of a file that run kaniko; ``files`` are given beside it. Raises SpecError."""
    return [draft.finished() for draft in _drafts(file, files, source, report) if draft.calls]


def _drafts(file: File, files: list[File], source: str | None, report: Report) -> list[Draft]:
    if source == "shell" or (source is None and _is_script(file)):
        from ci_kaniko.importing.readers.shell import shell_jobs

        return list(shell_jobs(file.path, file.text, report))
    if source == "jenkins" or (source is None and _is_jenkinsfile(file)):
        from ci_kaniko.importing.readers.jenkins.pipeline import jenkins_jobs

        return list(jenkins_jobs(file.path, file.text, report, _beside(file, files)))
    document = read_yaml(file.text, file.path)
    for fault in document.mended:
        report.mended("bad-yaml", fault.message, file.path, fault.line, "the backslash is left out")
    found = source or detected(document)
    if found is None:
        message = "this is no pipeline that import knows"
        raise failure(file.path, "unknown-platform", message, f"--from {', '.join(SOURCES)}")
    others = {other.path: other.text for other in files if other.path != file.path}
    return list(_read(found, document, others, report))


def _beside(file: File, files: list[File]) -> Callable[[str], str | None]:
    """How a pipeline finds a file of its repository: among those given, or beside it."""

    def find(name: str) -> str | None:
        for other in files:
            if other is not file and f"/{other.path}".endswith(f"/{name}"):
                return other.text
        beside = os.path.join(os.path.dirname(file.path), name)
        return opened(beside).text if file.is_there and os.path.isfile(beside) else None

    return find


def _read(
    source: str, document: Document, others: dict[str, str], report: Report
) -> Iterator[Draft]:
    if source == "gitlab":
        from ci_kaniko.importing.readers.gitlab.pipeline import jobs as gitlab_jobs

        return gitlab_jobs(document, others, report)
    if source == "github":
        from ci_kaniko.importing.readers.github.workflow import jobs as github_jobs

        return github_jobs(document, others, report)
    if source == "buildkite":
        from ci_kaniko.importing.readers.buildkite.steps import jobs as buildkite_jobs

        return buildkite_jobs(document, report)
    if source == "agola":
        from ci_kaniko.importing.readers.agola.tasks import jobs as agola_jobs

        return agola_jobs(document, report)
    from ci_kaniko.importing.readers.kubernetes.objects import jobs as kubernetes_jobs

    return kubernetes_jobs(document, report)


def _is_script(file: File) -> bool:
    name = os.path.basename(file.path)
    return (
        file.text.startswith("#!")
        or name.endswith((".sh", ".bash"))
        or (
            name == "Makefile" or bool(re.match(r"\s*(?:/kaniko/executor|docker run)\b", file.text))
        )
    )


def _is_jenkinsfile(file: File) -> bool:
    name = os.path.basename(file.path)
    if name.startswith("Jenkinsfile") or name.endswith((".groovy", ".jenkinsfile")):
        return True
    before = r"(?://[^\n]*\n|(?:@Library|import|def)\b[^\n]*\n|\s)*"
    return bool(re.match(rf"{before}(?:pipeline|podTemplate|node)\b[^\n]*\{{", file.text))


def detected(document: Document) -> str | None:
    """The platform that a document is for."""
    for root in document.roots:
        found = _platform(root)
        if found:
            return found
    return "gitlab" if os.path.basename(document.path).startswith(".gitlab-ci") else None


def _platform(root: Any) -> str | None:
    if isinstance(root, list):
        steps = [item for item in root if isinstance(item, Map)]
        if any("plugins" in step or "command" in step or "commands" in step for step in steps):
            return "buildkite"
        return None
    if not isinstance(root, Map):
        return None
    if "apiVersion" in root and "kind" in root:
        return "tekton" if "tekton.dev" in str(root["apiVersion"]) else "kubernetes"
    if isinstance(root.get("jobs"), Map) and ("on" in root or "steps" not in root):
        return "github"
    if isinstance(root.get("runs"), list):
        return "agola"
    if isinstance(root.get("runs"), Map) and "using" in root["runs"]:
        return "github"
    if isinstance(root.get("steps"), list):
        return "buildkite"
    if any(isinstance(value, Map) and _is_gitlab_job(value) for value in root.values()):
        return "gitlab"
    return "gitlab" if {"stages", "include", "workflow"} & root.keys() else None


def _is_gitlab_job(job: Map) -> bool:
    return bool({"script", "extends", "before_script", "trigger", "stage"} & job.keys()) or (
        "image" in job and "name" in documents.mapping(job["image"])
    )


# -- the finished spec -------------------------------------------------------------------------

_MAX_ROUNDS = 50


def _checked(data: dict[str, Any], report: Report, jobs: list[Job]) -> Imported:
    """The spec without the parts that cannot stand in one; these are reported."""
    sources = tuple(dict.fromkeys(job.target for job in jobs))
    data = _without_secrets(data, report.hidden)
    for _ in range(_MAX_ROUNDS):
        text = written(data)
        try:
            spec = loads(text, "<imported>")
        except SpecError:
            if not _without_errors(data, report):
                raise
            continue
        if not _without_refused(data, spec, report, jobs):
            return Imported(text, spec, report.entries, sources)
    raise failure("<imported>", "import", "the imported spec cannot be mended")


_STAYS = {"destinations", "registries", "context", "push"}
"""What a build is about: the report says what is in the way there, and the spec keeps it."""


def _without_refused(data: dict[str, Any], spec: Spec, report: Report, jobs: list[Job]) -> bool:
    """Take a part away that the platform of a job does not render; whether there was one.

    Keys that it owns are taken away all at once: every image may have some.
    """
    from ci_kaniko.targets.registry import target

    taken = False
    for job in {job.target: job for job in reversed(jobs)}.values():
        if job.target not in NAMES:
            continue
        for finding in target(job.target).prepare(spec, {}).findings:
            is_key = finding.rule == "owned-key"
            known = finding.rule in report.rules or taken
            if finding.rule == "missing-value" or (known and not is_key):
                continue
            keys = finding.where[2:] if finding.where[:1] == ("images",) else finding.where
            stays = not keys or keys[0] in _STAYS
            what = None if stays else _removed(data, finding.where)
            message = "***" if finding.secret else finding.message
            shown = what or f"{job.target} does not render the spec yet"
            report.left(
                finding.rule,
                f"{shown}: {message}",
                job.voice.path,
                job.line,
                finding.hint or "by hand",
            )
            if what and not is_key:
                return True
            taken = taken or bool(what)
        if taken:
            return True
    return False


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


def _without_errors(data: dict[str, Any], report: Report) -> bool:
    """Take the first refused part of each image away; whether there was one."""
    from ci_kaniko.source.reading import survey
    from ci_kaniko.spec.loading import to_python
    from ci_kaniko.spec.spec import Spec

    try:
        Spec.model_validate(to_python(survey(written(data), "<imported>").root))
    except InvalidSpec as invalid:
        errors = [item for item in invalid.findings if item.severity == "error"]
        taken = [_take_away(data, finding, report) for finding in _first_of_each_image(errors)]
        return any(taken) or any(_take_away(data, finding, report) for finding in errors)
    return False


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


def _take_away(data: dict[str, Any], finding: Finding, report: Report) -> bool:
    """Take what a finding is about out of the spec, with a line that says so; whether it can be."""
    removed = _removed(data, finding.where)
    nowhere = finding.rule in {"missing-key", "missing-destination"}
    if removed is None and nowhere and not data.get("destinations"):
        data["push"] = "never"
        removed = "push"
    if removed is None:
        return False
    shown = "***" if finding.secret else finding.message
    report.left(finding.rule, f"{removed}: {shown}", "", 0, finding.hint or "write it by hand")
    return True


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
    if isinstance(owner[step], dict):
        name += f" ({', '.join(map(str, owner[step]))})"
    del owner[step]
    while len(parents) > 1 and not owner:
        parents.pop()
        if len(parents) == 2 and root:
            break  # an image that says nothing of its own is one all the same
        owner, step = parents[-1]
        del owner[step]
    return name
