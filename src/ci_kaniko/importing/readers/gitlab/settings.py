"""What else the keys of a GitLab job say: native settings, raw keys, and what is left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import literal, spell
from ci_kaniko.importing.jobs import Job, forget, put
from ci_kaniko.importing.readers.accounting import tell_unread
from ci_kaniko.importing.readers.scripts import is_named
from ci_kaniko.importing.shell.commands.flags import outputs
from ci_kaniko.importing.ticked import Map, Str, line_of, mapping, native, peek, sequence, string
from ci_kaniko.importing.translate.environment import for_daemon, own_variables
from ci_kaniko.importing.translate.values import HANDED_ON
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.kaniko.variables import flag_of_variable, owner_of_variable

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.gitlab.files import Files
    from ci_kaniko.importing.readers.gitlab.variables import Variables

_LOST = {"runner_system_failure", "stuck_or_timeout_failure"}
"""The reasons for which ``gitlab.retry`` repeats a job."""
_AUDIENCES = {"AWS_": "sts.amazonaws.com", "AZURE_": "api://AzureADTokenExchange"}
"""What the identities of rendered jobs are made for, by what the scripts for a cloud say."""
_SUBMODULES = {"normal": True, "recursive": "recursive"}
_READ = {
    *("image", "script", "before_script", "after_script", "variables", "inherit", "extends"),
    *("rules", "only", "except", "when", "stage", "timeout", "resource_group", "tags", "retry"),
    *("interruptible", "needs", "parallel", "services", "cache", "id_tokens", "start_in"),
}
"""Keys of a job that have a field, or none: all others are extra."""
_EXTRA = "gitlab: {extra: ...} takes keys of GitLab as they are"


class Settings:
    """The native settings of one job; ``needed`` are the jobs whose files it takes."""

    def __init__(self, job: Job, files: Files, variables: Variables) -> None:
        self.job = job
        self.files = files
        self.variables = variables
        self.needed: dict[str, None] = {}

    def set(self, whole: Map, image: str) -> None:
        """Fill the section of a job, whose image is written so, and report what is left of it."""
        job = self.job
        self.image = image
        put(job.section, "job", job.name, "build-image")
        for key in ("stage", "timeout", "resource_group"):
            if key in whole:
                job.section[key] = self.variables.flat(string(whole[key]))
        if "inputs" in job.shared:
            self._input_stage(whole)
        tags = [self.variables.flat(string(item)) for item in self.files.flat(whole.get("tags"))]
        put(job.section, "tags", tags)
        self._retry(whole)
        if "interruptible" in whole:
            job.section["interruptible"] = bool(native(whole["interruptible"]))
        self._needs(whole)
        self._leave(whole)
        self._extra(whole)
        tell_unread(job, whole, advice=_EXTRA)

    def _input_stage(self, whole: Map) -> None:
        """Say the stage of a component, which has an input for it of its own."""
        match = re.fullmatch(r"\$\{input\.(\w+)\}", self.job.section.get("stage", ""))
        if not match:
            return
        given = self.job.shared["inputs"].get(match[1], {})
        self.job.section.pop("stage")
        put(self.job.section, "stage", given.get("default"))
        if match[1] == "stage":
            self.job.shared["inputs"].pop("stage", None)
        self.job.tell("stage", whole.line_of("stage"), match[1])

    def _retry(self, whole: Map) -> None:
        given = whole.get("retry")
        written = given if isinstance(given, Map) else {"max": given}
        known = ("max", "when", "exit_codes")
        parts = {key: native(written[key]) for key in known if key in written}
        most, when = parts.get("max"), parts.get("when")
        if not isinstance(most, int):
            return
        self.job.section["retry"] = most
        reasons = {when} if isinstance(when, str) else {*(when or ())}
        if most and (reasons != _LOST or "exit_codes" in parts):
            shown = ", ".join(sorted(map(str, reasons))) or "every failure"
            self.job.tell("retry", whole.line_of("retry"), shown)

    def _needs(self, whole: Map) -> None:
        if "needs" not in whole:
            return
        names: list[str] = []
        for item in self.files.flat(whole["needs"]):
            entry = mapping(item)
            name = string(item) if isinstance(item, Str) else entry.string("job")
            if not name or "pipeline" in entry or "project" in entry:
                shown = ", ".join(f"{key} {value}" for key, value in native(entry).items())
                self.job.tell("needs", line_of(item), shown or name)
                continue
            if entry.string("artifacts") != "false":
                self.needed[name] = None
            if name not in names:
                names.append(name)
        if names or not sequence(whole["needs"]):
            self.job.section["needs"] = names

    def forget(self, name: str) -> None:
        """Neither wait for a job nor take its files."""
        for key in ("needs", "dependencies"):
            forget(self.job.section, key, name)

    def _extra(self, whole: Map) -> None:
        """Keep the keys that nobody has read as GitLab has them."""
        self.needed.update(dict.fromkeys(map(peek, whole.sequence("dependencies"))))
        script = self.job.script_text
        for name, token in whole.mapping("id_tokens").items():
            if is_named(name, script):
                self._audience(name, native(token), line_of(token), script)
        artifacts = self.files.value(whole.get("artifacts"))
        names_outputs = isinstance(artifacts, Map) and self._is_of_outputs(artifacts)
        read = {*_READ, "artifacts"} if names_outputs else _READ
        image = f"{spell(self.job.image)} {self.image}"
        conditions = [f"{whole.get(key)}" for key in ("rules", "only", "except", "tags")]
        section = " ".join(map(str, self.job.section.values()))
        called = map(spell, self.job.known_files.values())
        calls = self.job.calls
        built = "BUILDAH_FORMAT" if any(call.builder == "buildah" for call in calls) else ""
        texts = [script, image, built, section, literal(self.job.image) or "", *conditions, *called]
        for name, value in self.variables.nodes.items():
            path = self.variables.raw[name][0]
            if owner_of_variable(name) and any(path in call.files for call in calls):
                self.job.exported[name] = line_of(value, self.job.line)
                texts.append(name)
        own = own_variables(calls)
        variables = self.variables.settle(
            texts, self.job.written, lambda name: name in own or for_daemon(name, calls)
        )
        self.job.keep_extra(whole, read, variables=self._checked_out(variables))

    def _audience(self, name: str, token: Any, line: int, script: str) -> None:
        """Clouds trust a token by whom it is made for."""
        given = token.get("aud") if isinstance(token, dict) else token
        ours = next((aud for word, aud in _AUDIENCES.items() if word in script), "")
        if ours and given not in (ours, [ours]):
            self.job.tell("token-audience", line, name, given, ours)

    def _checked_out(self, variables: dict[str, Any]) -> dict[str, Any]:
        """What else the job gives its runner than what to check out."""
        found: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        own = own_variables(self.job.calls)
        for name, given in variables.items():
            value = self.variables.raw[name][0]
            if own.get(name) == value or flag_of_variable(name):
                continue
            if for_daemon(name, self.job.calls):
                line = line_of(self.variables.nodes[name], self.job.line)
                self.job.tell("daemon-variable", line, f"{name}={value}")
                continue
            if name == "GIT_SUBMODULE_STRATEGY" and value in _SUBMODULES:
                found["submodules"] = _SUBMODULES[value]
            elif name == "GIT_DEPTH" and value.isdigit() and int(value) > 0:
                found["depth"] = int(value)
            elif name == "GIT_LFS_SKIP_SMUDGE" and value == "0":
                found["lfs"] = True
            else:
                rest[name] = given
                continue
            line = line_of(self.variables.nodes[name], self.job.line)
            self.job.tell("checkout", line, name, value)
        self.job.check_out(found)
        return rest

    def _is_of_outputs(self, artifacts: Map) -> bool:
        """Whether artifacts hold a file that the executor writes: then the spec names that one."""
        named = (spell(path) for call in self.job.calls for path in outputs(call.words))
        files = {path.removeprefix("$CI_PROJECT_DIR/").removeprefix("./") for path in named}
        paths = [
            item
            for item in artifacts.sequence("paths")
            if any(f"{path}/".startswith(f"{peek(item).rstrip('/')}/") for path in files)
        ]
        for path in paths:
            self.job.tell("artifact", line_of(path), path)
        dotenv = artifacts.mapping("reports").get("dotenv")
        is_made = bool(dotenv) and peek(dotenv) in self.job.script_text
        if is_made and any(path.startswith(HANDED_ON) for path in files):
            paths.append(dotenv)
        return bool([string(item) for item in paths]) or is_made

    def _leave(self, whole: Map) -> None:
        if native(self.files.value(whole.get("after_script"))):
            alone = all(call.builder == KANIKO for call in self.job.calls)
            told = "after-script" if alone else "after-script/builder"
            self.job.tell(told, whole.line_of("after_script"))
        for service in self.files.flat(whole.get("services")):
            given = native(service)
            name = str(given.get("name") if isinstance(given, dict) else given)
            rule = "docker-in-docker" if "dind" in name else "service"
            self.job.tell(rule, line_of(service), name)
        caches = self.files.value(whole.get("cache"))
        for cache in self.files.flat(caches):
            line = line_of(cache) if isinstance(caches, list) else whole.line_of("cache")
            self._cache(mapping(cache), line)

    def _cache(self, cache: Map, line: int) -> None:
        paths = [peek(path) for path in cache.sequence("paths")]
        for path in paths:
            if path.startswith("/"):
                self.job.tell("cache-outside", line, path)
        if all(path.startswith("/") for path in paths):
            native(cache)
