"""Texts with holes as texts of a spec: native variables become portable ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Contents, Masked, Output, Part, Text, Var, join, spell
from ci_kaniko.importing.facts import NEAR, is_of_two, meaning
from ci_kaniko.importing.readers.inputs import input_of, with_inputs
from ci_kaniko.importing.sentences import Note
from ci_kaniko.importing.shell.transforms import cuts_ref, leaves_last, makes_safe
from ci_kaniko.syntax.grammar import is_variable_name
from ci_kaniko.syntax.variables import NATIVE, VARIABLES

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.translate.settings import Settings

_CHANGED: dict[tuple[str, str], str] = {
    ("commit.sha", "short"): "commit.short",
    ("commit.sha", "first:8"): "commit.short",
    ("commit.timestamp", "tr -cd 0-9"): "commit.date",
    ("repository.path", "owner"): "repository.owner",
    ("repository.path", "name"): "repository.name",
    ("repository.url", "path"): "repository.path",
    ("repository.url", "url"): "repository.url",
    **{
        (name, change): "ref.slug"
        for name in ("ref.name", "branch", "tag", "ref.slug")
        for change in ("slug", "slug-like")
    },
    **{
        (name, change): "ref.tag"
        for name in ("ref.name", "branch", "tag", "ref.tag")
        for change in ("tag", "tag-like")
    },
}
_LOWERED = {"repository.path", "repository.owner", "repository.name", "registry.image"}
_LOWER_ALREADY = {"ref.slug", "commit.sha", "commit.short", "registry.host", "registry.image"}
_DATE = re.compile(r"date\b")
_DAY = re.compile(r"%F|%s|%[Yy].*%m.*%d")
_SECRET_LIKE = re.compile(r"(?i)pass(?:word|wd|phrase)?|token|secret|credential|api_?key|private")


class NotPortable(Exception):
    """A hole that no variable of a spec stands for, and why not."""

    def __init__(self, word: str, *values: object) -> None:
        super().__init__(word, *values)
        self._note = Note(f"not-portable/{word}", values)

    @property
    def message(self) -> str:
        return self._note.message

    @property
    def advice(self) -> str:
        return self._note.advice


class Spelled:
    """Turns the texts of one job into texts of a spec, and reports what it had to change."""

    def __init__(self, job: Job, settings: Settings) -> None:
        self.job = job
        self.settings = settings

    # -- one text -----------------------------------------------------------------------------

    def template(self, text: Text, line: int, *, what: str = "") -> str:
        """A text in which a spec replaces variables. Raises NotPortable."""
        parts = self._own_registry(_with_urls(text))
        return "".join(self._part(part, line, what) for part in parts)

    def _own_registry(self, text: Text) -> Text:
        """The repository's path in GitHub's registry, in lower case."""
        parts = list(text)
        for at in range(len(parts) - 1):
            host, path = parts[at : at + 2]
            if not isinstance(host, str) or not isinstance(path, Var):
                continue
            lowered = is_of_two(path) and path.changes == ("lower",)
            if lowered and host.endswith("ghcr.io/") and self.job.target == "github":
                parts[at : at + 2] = [
                    host.removesuffix("ghcr.io/"),
                    Var("registry.image", portable=True),
                ]
        return join(parts)

    def reference(self, text: Text, line: int) -> str:
        """An image reference; what no tag can hold becomes what it can. Raises NotPortable."""
        parts = _with_urls(text)
        out = ""
        for part in parts:
            if isinstance(part, str):
                out += part.replace("${", "$${")
                continue
            in_tag = ":" in out.rpartition("/")[2] and "/" in out
            in_tag = in_tag or bool(re.search(r"[^/]:[^/]*$", out) and not out.endswith("://"))
            out += self._in_reference(part, line, in_tag=in_tag)
        return out

    def with_inputs(self, text: Text) -> Text:
        """A text with the inputs of the spec."""
        return with_inputs(text, self.settings.shared.get("inputs", {}))

    # -- parts --------------------------------------------------------------------------------

    def _part(self, part: Part, line: int, what: str) -> str:
        if isinstance(part, str):
            return part.replace("${", "$${")
        if what == "build-arg":
            self._check_secret(part, line)
        name, default = self.name_of(part, line)
        return written_variable(name, default)

    def _check_secret(self, part: Part, line: int) -> None:
        name = part.name if isinstance(part, Var) else ""
        if (self.job.target != "agola" and name in self.job.secrets) or name.startswith("secrets."):
            raise NotPortable("build-arg", name.removeprefix("secrets."))
        if _SECRET_LIKE.search(name) and name not in NATIVE:
            self.job.tell("secret-build-arg", line, name)

    def _in_reference(self, part: Part, line: int, *, in_tag: bool) -> str:
        name, default = self.name_of(part, line, reference=True)
        if in_tag and name in {"branch", "ref.name"}:
            native = spell((part,))
            self.job.tell("unsafe-tag", line, native)
            name = "ref.tag"
        elif not in_tag and name in {"branch", "ref.name", "tag", "ref.tag"}:
            self.job.tell("unsafe-path", line, spell((part,)))
            name = "ref.slug"
        known = VARIABLES.get(name)
        if in_tag and known is not None and not known.in_tag:
            raise NotPortable("in-tag", spell((part,)))
        return written_variable(name, default)

    def name_of(self, part: Part, line: int, *, reference: bool = False) -> tuple[str, str | None]:
        """The portable name of a hole and its default. Raises NotPortable."""
        if isinstance(part, Var):
            return self._variable(part, line, reference=reference), part.default
        if isinstance(part, Output):
            return self._output(part, line, reference=reference), None
        if isinstance(part, Masked):
            raise NotPortable("written", part.name)
        if isinstance(part, Contents):
            raise NotPortable("contents", part.path)
        raise NotPortable("base64")

    def _output(self, part: Output, line: int, *, reference: bool) -> str:
        command = " ".join(part.command.split())
        if _DATE.match(command) and not part.changes and not re.search(r" -d| --date", command):
            if reference and not _DAY.search(command):
                raise NotPortable("date", command)
            if reference:
                self.job.tell("date-format/tag", line, command)
                return "build.date"
            utc = re.search(r" (?:-u|--utc|--universal)\b", command)
            if not utc or not re.search("%Y-%m-%dT%H:%M:%S|%FT%T| -I| --iso", command):
                self.job.tell("date-format", line, command)
            return "build.timestamp"
        if name := asked_of_aws(part):
            self.job.tell("run-time-variable/asked", line, command, name)
            return f"env.{name}"
        raise NotPortable("output", " ".join(spell((part,)).split()))

    def _variable(self, var: Var, line: int, *, reference: bool) -> str:
        if var.portable:
            own, at, prefix = var.name.partition("@")
            if at:
                self.settings.takes_prefix(prefix)
            return self._changed(own, var.changes, var, line, reference=reference)
        name = NEAR.get(var.name) or meaning(var)
        if name == "ref":
            return self._full_ref(var, line)
        if name == "remote" and var.changes:
            return self._changed("repository.url", var.changes, var, line, reference=reference)
        if name == "remote":
            self.job.tell("clone-url", line, spell((var,)))
            return "repository.url"
        if name not in VARIABLES:
            return self._runtime(var, line)
        if var.name in NEAR:
            self.job.tell("native-variable", line, var.name, name)
        return self._changed(name, var.changes, var, line, reference=reference)

    def _full_ref(self, var: Var, line: int) -> str:
        rest = tuple(change for change in var.changes if not cuts_ref(change))
        if rest and leaves_last(var.changes):
            self.job.tell("last-segment", line, spell((var,)))
            return "ref.tag"
        if rest and rest == var.changes:
            raise NotPortable("full-ref", spell((var,)))
        if not var.changes:
            self.job.tell("full-ref", line, var.name)
        return self._changed("ref.name", rest, var, line, reference=True)

    def _changed(
        self, name: str, changes: tuple[str, ...], part: Part, line: int, *, reference: bool
    ) -> str:
        for change in changes:
            name = self._change(name, change, part, line, reference=reference)
        return name

    def _change(self, name: str, change: str, part: Part, line: int, *, reference: bool) -> str:
        if (name, change) in _CHANGED:
            return _CHANGED[name, change]
        if change.startswith("first:") and name in {"commit.sha", "commit.short"}:
            self.job.tell("short-commit", line, spell((part,)), change[6:])
            return "commit.short"
        if change.startswith("first:") and name in {"ref.slug", "ref.tag"}:
            return name
        if change == "lower" and (name in _LOWER_ALREADY or (reference and name in _LOWERED)):
            return name
        if change == "lower" and name in {"ref.name", "branch", "tag", "ref.tag"}:
            return "ref.slug"
        if name in {"ref.name", "branch", "tag", "ref.tag", "ref.slug"} and makes_safe(change):
            safe = "ref.slug" if name == "ref.slug" else "ref.tag"
            self.job.tell("own-slug", line, spell((part,)), safe)
            return safe
        if name == "ref.name" and change == "name":
            self.job.tell("last-segment", line, spell((part,)))
            return "ref.tag"
        raise NotPortable("change", spell((part,)), name)

    def _runtime(self, var: Var, line: int) -> str:
        name = var.name
        for scope in ("vars.", "env.", "secrets."):
            if name.startswith(scope):
                name = name.removeprefix(scope)
                if scope == "secrets.":
                    self.job.tell("secret-in-text", line, name)
        if var.name in self.job.secrets and self.job.target == "github":
            name = self.job.secrets[var.name].name
            self.job.tell("secret-in-text", line, name)
        if inner := input_of(name):
            if inner in self.settings.shared.get("inputs", {}):
                return f"input.{inner}"
            raise NotPortable("input", inner)
        name = self.job.runtime.get(name, name)
        if not is_variable_name(name):
            if name.isdigit():
                raise NotPortable("argument", spell((var,)))
            raise NotPortable("native", spell((var,)), self.job.target)
        if var.changes:
            raise NotPortable("changed-variable", spell((var,)), name)
        if name.startswith(_PLATFORMS):
            self.job.tell("native-variable/known", line, spell((var,)), self.job.target, name)
            return f"env.{name}"
        self.job.tell("run-time-variable", line, spell((var,)), name)
        return f"env.{name}"


_ASKED = {
    r"aws (?:.* )?sts get-caller-identity .*\bAccount\b.*": "AWS_ACCOUNT_ID",
    r"aws (?:.* )?configure get (?:\w+\.)?region": "AWS_REGION",
}


def asked_of_aws(part: Output) -> str:
    """The variable in which people keep what a script asks AWS about its own login."""
    command = " ".join(part.command.split())
    found = (name for asked, name in _ASKED.items() if re.fullmatch(asked, command))
    return "" if part.changes else next(found, "")


_PLATFORMS = (
    *("BUILDKITE_", "GITHUB_", "AGOLA_", "GITLAB_USER_", "CI_COMMIT_", "CI_JOB_", "CI_PROJECT_"),
    *("CI_DEPENDENCY_PROXY_", "CI_ENVIRONMENT_", "CI_MERGE_REQUEST_", "CI_PIPELINE_", "CI_SERVER_"),
)
"""How the names of variables begin that a platform sets itself."""
_TOGETHER = (
    ("server", "/", "repository.path", "repository.url"),
    ("repository.url", "/actions/runs/", "build.id", "build.url"),
)
"""What GitHub's jobs put together from two variables."""


def _with_urls(text: Text) -> Text:
    """A text in which the pages of the repository and of the run are variables."""
    parts = list(text)
    for first, between, last, name in _TOGETHER:
        for at in reversed(range(len(parts) - 2)):
            said = [meaning(part) for part in (parts[at], parts[at + 2])]
            changed = any(getattr(part, "changes", ()) for part in parts[at : at + 3])
            if said == [first, last] and parts[at + 1] == between and not changed:
                parts[at : at + 3] = [Var(name, portable=True)]
    return join(parts)


def written_variable(name: str, default: str | None) -> str:
    return f"${{{name}}}" if not default else f"${{{name}:-{default}}}"
