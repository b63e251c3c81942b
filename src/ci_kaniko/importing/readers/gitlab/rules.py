"""When a GitLab job starts: ``rules``, ``only`` and ``except``, within those of the workflow."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Output, Var, only_var, spell
from ci_kaniko.importing.readers.expressions import Expressions, values_of
from ci_kaniko.importing.readers.gitlab.variables import ASKED_OF_FILES
from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.reader import Reader, Status
from ci_kaniko.importing.shell.values import Value, plain, pure
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.ticked import Map, Str, line_of, mapping, peek, sequence, string
from ci_kaniko.importing.translate.conditions import read
from ci_kaniko.importing.translate.started import bounded, globs, push_only_where, set_triggers
from ci_kaniko.syntax.versions import version_of

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.readers.gitlab.files import Files
    from ci_kaniko.importing.readers.gitlab.variables import Variables

_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
_REFS = {
    "branches": "$CI_COMMIT_BRANCH",
    "tags": "$CI_COMMIT_TAG",
    "merge_requests": _REQUEST,
    "external_pull_requests": _REQUEST,
    "schedules": '$CI_PIPELINE_SOURCE == "schedule"',
    "web": '$CI_PIPELINE_SOURCE == "web"',
    "api": '$CI_PIPELINE_SOURCE == "api"',
    "pushes": '$CI_PIPELINE_SOURCE == "push"',
    "triggers": '$CI_PIPELINE_SOURCE == "trigger"',
    "pipelines": '$CI_PIPELINE_SOURCE == "pipeline"',
    "chat": '$CI_PIPELINE_SOURCE == "chat"',
}
_OPEN = "$CI_OPEN_MERGE_REQUESTS"
_NOT_TWICE = f"$CI_COMMIT_BRANCH && {_OPEN}"
"""GitLab's documented rule against two pipelines for one commit: a spec's triggers have it."""


_RULE = 30
"""The units of a budget that it takes to look at one."""


class Rules:
    """The conditions of one job as its triggers."""

    def __init__(self, job: Job, files: Files, variables: Variables) -> None:
        self.job = job
        self.files = files
        self.variables = variables
        self.offered = variables.offered()
        self.expressions = Expressions(
            self._named, values_of(Conditions(job.report.asking)), variables.fixed(job.environment)
        )
        self.guards = self.expressions.guards
        self.paths: list[str] = []
        self.manual = False
        self.by_hand = NO
        self.anywhere: list[tuple[int, int]] = []

    def set(self, whole: Map) -> None:
        """Give the job the triggers that its keys and those of the workflow make."""
        with bounded(self.job, *(whole.get(key) for key in ("rules", "only", "except"))):
            self._take(whole)

    def _take(self, whole: Map) -> None:
        for rules in (self.files.root.mapping("workflow").get("rules"), whole.get("rules")):
            for rule in self.files.flat(rules):
                for name in mapping(rule).mapping("variables"):
                    self.offered.pop(name, None)
        guard, within = self._guards(whole)
        both = self.guards.both(guard, within)
        if self.offered and not self.manual and not self.expressions.conditions.possible(both):
            # Only who gives another value starts it, and nobody gives the spec one.
            self.offered = {}
            self.paths, self.anywhere = [], []
            guard, within = self._guards(whole)
        guard = self.guards.both(guard, within)
        when = whole.string("when")
        if when == "delayed":
            self.job.tell("delay", whole.line_of("start_in"), whole.string("start_in"))
        if when == "manual":  # nothing but a hand may start it
            self.by_hand = guard
        guard = self._when(when, guard, whole.line_of("when"))
        if self.manual:
            self._limit(self.guards.either(guard, self.guards.both(self.by_hand, within)))
        set_triggers(
            self.job,
            self.expressions.conditions,
            guard,
            self.job.line,
            paths=self.paths,
            by_hand=self.guards.both(self.by_hand, within) if self.manual else None,
        )

    def _guards(self, whole: Map) -> tuple[int, int]:
        """Where the keys of the job start it, and where those of the workflow let it."""
        workflow = self.files.root.mapping("workflow")
        within = self._rules(workflow["rules"]) if "rules" in workflow else YES
        brought = self.files.included.get(self.job.line // FILE_LINES, [])
        for entry in (entry for entry in brought if "rules" in entry):
            within = self.guards.both(within, self._rules(entry["rules"]))
        limited, anywhere = self.paths, [*self.anywhere]
        if "rules" in whole:
            guard = self._rules(whole["rules"])
        elif not {"only", "except"} & whole.keys() and (name := self.files.missing(whole)):
            said, line = f"{name} lets it", whole.line_of("extends")
            guard = self.expressions.conditions.unknown(said, line)
        elif "rules" in workflow and not {"only", "except"} & whole.keys():
            guard = YES
        else:
            guard = self._only(whole)
        # What has changed where the file is included limits all that starts the job.
        anywhere = anywhere if limited else self.anywhere
        for here, line in anywhere if self.paths else ():
            branch = self.guards.both(here, self.expressions.guard(_REFS["branches"], line))
            if self.expressions.conditions.possible(branch):
                self.job.tell("paths/everywhere", line, ", ".join(self.paths))
        return guard, within

    def _named(self, word: str) -> Value:
        """What a name is worth: of what a run may be given, what it is without that."""
        found = _named(word)
        var = only_var(found[0][1])
        if var is None or var.name not in self.offered:
            return found
        self.variables.read.add(var.name)
        return plain(self.offered[var.name])

    def _limit(self, started: int) -> None:
        """Keep a run by hand, which may be of any ref, from pushing what it could not."""
        conditions = self.expressions.conditions
        when = conditions.when(started)
        by_hand = self.expressions.guard(_REFS["web"], self.job.line)
        if conditions.possible(self.guards.minus(by_hand, started)):
            push_only_where(self.job, when)  # somebody could start a pipeline without the job
            return
        for test in read(when, starts=True).unknown:
            line = test.line or self.job.line
            self.job.tell("unknown-trigger", line, test.text, "triggers: leaves that out")

    def _when(self, when: str, guard: int, line: int) -> int:
        """What of a condition starts a job by itself."""
        if when in {"", "on_success", "always", "delayed"}:
            return guard
        if when == "manual":
            self.manual = True
            self.job.tell("manual-job", line)
        elif when != "never":
            self.job.tell("rule", line, when)
        return NO

    def _rules(self, value: Any) -> int:
        found, before = NO, NO
        for item in self.files.flat(value):
            self.job.report.asking.spend(_RULE)
            rule = mapping(item)
            condition = string(self.files.value(rule.get("if")))
            when = rule.string("when")
            if self._is_ours(rule, condition, when, before):
                continue
            guard = self.expressions.guard(condition, rule.line_of("if")) if condition else YES
            if isinstance(item, Str):  # an input that holds rules
                guard = self.expressions.conditions.unknown(string(item), item.line)
            guard = self.guards.both(guard, self._exists(rule))
            guard = self.guards.both(guard, self._changes(rule, when, guard))
            if "start_in" in rule:
                self.job.tell("delay", rule.line_of("start_in"), string(rule["start_in"]))
            here = self.guards.minus(guard, before)
            if when == "manual":
                self.by_hand = self.guards.either(self.by_hand, here)
            started = self._when(when, here, rule.line_of("when"))
            found = self.guards.either(found, started)
            if "changes" not in rule:
                self.anywhere.append((started, rule.line))
            if "changes" not in rule or when == "never":
                before = self.guards.either(before, guard)
        return found

    def _is_ours(self, rule: Map, condition: str, when: str, before: int) -> bool:
        """Whether a rule says what the triggers of a spec mean without being told.

        ``before`` is where an earlier rule decides.
        """
        if when == "never" and condition in {_OPEN, _NOT_TWICE}:
            request = self.expressions.guard(_REQUEST, rule.line)
            left = self.guards.minus(request, before)
            if condition != _OPEN or not self.expressions.conditions.possible(left):
                return True
        if _REQUEST in condition and rule.peek("interruptible") == "true":
            string(rule["interruptible"])
        ours = self.files.original.is_ours
        return ours and "CI_MERGE_REQUEST_SOURCE_PROJECT_ID" in condition

    def _exists(self, rule: Map) -> int:
        if "exists" not in rule:
            return YES
        paths = self._paths_in(rule["exists"])
        shown = ", ".join(paths)
        if {*paths} == {_dockerfile(call) for call in self.job.calls}:
            self.job.tell("file-asked", rule.line_of("exists"), shown)
            return YES
        return self.expressions.conditions.unknown(f"exists: {shown}", rule.line_of("exists"))

    def _paths_in(self, value: Any) -> list[str]:
        """The paths that ``exists`` and ``changes`` list, by themselves or below a key."""
        value = self.files.value(value)
        listed = value.get("paths") if isinstance(value, Map) else value
        return [self.variables.flat(string(item)) for item in sequence(listed)]

    def _changes(self, rule: Map, when: str, guard: int) -> int:
        """Where the files have changed that a rule asks for, as far as ``paths`` do not say it.

        There is one list of paths for all that starts a job, and it never stops one. For tags all
        files count as changed.
        """
        if "changes" not in rule:
            return YES
        line = rule.line_of("changes")
        values = self._paths_in(rule["changes"])
        elsewhere = self.guards.minus(guard, self.expressions.guard(_REFS["tags"], line))
        if not self.expressions.conditions.possible(elsewhere):
            self.job.tell("tag-changes", line, ", ".join(values))
            return YES
        found = list(dict.fromkeys(globs(values, self.job, line)))
        if when != "never" and found and self.paths in ([], found):
            self.paths = found
            return YES
        return self._changed(values, line)

    # -- only and except ----------------------------------------------------------------------

    def _only(self, whole: Map) -> int:
        found = self._refs(whole.get("only", Map(0)), limits=False)
        if "except" in whole:
            found = self.guards.minus(found, self._refs(whole["except"], limits=True))
        return found

    def _refs(self, value: Any, *, limits: bool) -> int:
        """Where one key holds; no paths of a spec say the files of one that ``limits`` it."""
        value = self.files.value(value)
        entry = value if isinstance(value, Map) else Map(line_of(value))
        refs = entry.get("refs") if isinstance(value, Map) else value
        # Without refs, only: is of branches and tags, as a job is that has neither key.
        request = self.expressions.guard(_REQUEST, 0)
        found = YES if limits else self.guards.negate(request)
        if refs is not None:
            items = self.files.flat(refs)
            found = self.guards.any(self._ref(string(item), line_of(item)) for item in items)
        if "variables" in entry:
            asked = ((string(item), line_of(item)) for item in entry.sequence("variables"))
            given = self.guards.any(self.expressions.guard(*one) for one in asked)
            found = self.guards.both(found, given)
        values = [string(item) for item in entry.sequence("changes")]
        said = [] if limits else globs(values, self.job, entry.line_of("changes"))
        self.paths += said
        if values and not said:
            found = self.guards.both(found, self._changed(values, entry.line_of("changes")))
        return found

    def _changed(self, values: list[str], line: int) -> int:
        """Where files have changed that no path of a spec names."""
        return self.expressions.conditions.unknown(f"changes: {', '.join(values)}", line)

    def _ref(self, ref: str, line: int) -> int:
        name, _, project = ref.partition("@")
        if name in _REFS:
            found = self.expressions.guard(_REFS[name], line)
        else:
            found = self._name(name, line)
        if project:
            there = self.expressions.guard(f'$CI_PROJECT_PATH == "{project}"', line)
            return self.guards.both(found, there)
        return found

    def _name(self, name: str, line: int) -> int:
        if name.startswith("/"):
            # It is looked for in the names of both: a branch is hardly called like a version.
            is_tag = re.match(r"/\^?\(?v?(?:\\d|\[0-9|v)", name)
            sides = ["TAG"] if is_tag else ["BRANCH", "TAG"]
            tests = (f"$CI_COMMIT_{side} =~ {name}" for side in sides)
            return self.guards.any(self.expressions.guard(test, line) for test in tests)
        if name.startswith("$"):
            return self.expressions.guard(name, line)
        side = "TAG" if version_of(name) else "BRANCH"
        return self.expressions.guard(f'$CI_COMMIT_{side} == "{name}"', line)


def _dockerfile(call: Call) -> str:
    """The Dockerfile of a call, from the root of the repository."""
    said = dict(spell(word.text).lstrip("-").partition("=")[::2] for word in call.words)
    context = said.get("context", ".").removeprefix("dir://").replace("$CI_PROJECT_DIR", ".")
    file = said.get("dockerfile", "Dockerfile")
    if file.startswith("$CI_PROJECT_DIR/"):
        file, context = file.partition("/")[2], "."
    base = "." if call.builder == DOCKER.name and "dockerfile" in said else context
    return posixpath.normpath(posixpath.join(base, file))


def _named(word: str) -> Value:
    match = re.fullmatch(r"\$\{?(\w+)\}?", word)
    if not match and re.fullmatch("[A-Z][A-Z0-9_]+", word):
        return pure((Output(f"{word} without its $"),))  # GitLab refuses the file
    if not match:
        return plain(word)
    # a request's pipeline runs in the project that its branch is of
    return pure((Var(match[1].replace("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_PROJECT_ID")),))


def holds(files: Files, rule: Map, reader: Reader) -> Status:
    """Where a rule holds in a script, by what is set there."""
    condition, line = peek(files.value(rule.get("if"))), reader.line

    def worth(word: str) -> Value:
        found = _named(word)
        var = only_var(found[0][1])
        return reader.value(var.name) if var else found

    guard = Expressions(worth, reader.values).guard(condition, line) if condition else YES
    for key in sorted(ASKED_OF_FILES & rule.keys()):
        value = files.value(rule[key])
        listed = value.get("paths") if isinstance(value, Map) else value
        shown = ", ".join(peek(item) for item in sequence(listed))
        unknown = reader.conditions.unknown(f"{key}: {shown}", line)
        guard = reader.guards.both(guard, unknown)
    return Status(guard, guard)
