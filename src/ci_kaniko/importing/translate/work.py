"""One executor call and what has been read of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import ALWAYS, Call, Text, spell, split_text
from ci_kaniko.importing.translate.conditions import shown_when
from ci_kaniko.importing.translate.logins import Logins
from ci_kaniko.importing.translate.paths import Paths
from ci_kaniko.importing.translate.portable import NotPortable, Spelled
from ci_kaniko.kaniko.flags import FLAGS

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.shell.commands.flags import Flag
    from ci_kaniko.importing.translate.settings import Settings


class Work:
    """One call on its way to a build: what it passes, and what is known of it so far."""

    def __init__(self, job: Job, call: Call, settings: Settings) -> None:
        self.job = job
        self.call = call
        self.settings = settings
        self.spelled = Spelled(job, settings)
        self.paths = Paths(job, call, self.spelled)
        self.logins = Logins(job, call, settings)
        self.build: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.cache: dict[str, Any] = {}
        self.git: dict[str, Any] = {}
        self.context = "."
        self.fetched = False
        self.fetches_itself = False
        self.proxies: dict[str, Text] = {}
        self.flags: list[Flag] = []
        self.held_back: list[str] = []
        self.first_is_lost = False
        """Whether no spec can name what a run may push to first."""
        self.builds_another = False

    @property
    def image(self) -> Text:
        return self.job.image if self.call.image is None else self.call.image

    @property
    def image_line(self) -> int:
        return self.job.image_line if self.call.image is None else self.call.line

    def of(self, name: str) -> list[Flag]:
        return [flag for flag in self.flags if flag.name == name]

    def last(self, name: str) -> Flag | None:
        """The flag that counts where one replaces another."""
        found = [flag for flag in self.of(name) if self.counts(flag)]
        return found[-1] if found else None

    def counts(self, flag: Flag) -> bool:
        """Whether the spec has what a flag says; where it says something else, that is told."""
        chosen = self._chosen[_subject(flag)]
        alike = flag.shown == chosen.shown
        if flag.when == ALWAYS and not alike:
            self.job.tell("not-carried", flag.line, flag.shown, f"{chosen.shown} replaces it")
        elif flag.when != ALWAYS and alike and chosen.when != ALWAYS:
            self.job.tell("conditional-flag", flag.line, flag.shown, shown_when(flag.when))
        elif flag.when != ALWAYS and not alike:
            said = flag.shown, shown_when(flag.when), chosen.shown
            self.job.tell("conditional-flag/other", flag.line, *said)
        return flag is chosen

    @cached_property
    def _chosen(self) -> dict[tuple[str, str], Flag]:
        """Of the flags that replace each other the last one of all runs, if there is one."""
        chosen: dict[tuple[str, str], Flag] = {}
        for flag in self.flags:
            subject = _subject(flag)
            before = chosen.setdefault(subject, flag)
            if flag.when == ALWAYS or before.when != ALWAYS:
                chosen[subject] = flag
        return chosen

    def misses(self, rule: str, line: int, *values: str) -> None:
        """Say of what is built that the spec has something else, which it must not push."""
        self.job.tell(rule, line, *values)
        self.builds_another = True

    def run_time(self, flag: Flag, field: str) -> None:
        if flag.name in {"target", "custom-platform"}:
            self.misses("run-time-value/another", flag.line, flag.shown, field)
        else:
            self.job.tell("run-time-value/flag", flag.line, flag.shown, field)

    def lost(self, field: str, flag: Flag, reason: NotPortable) -> None:
        advice = reason.advice or f"write {field}: by hand"
        self.job.tell("not-portable", flag.line, flag.shown, reason.message, advice)


def _subject(flag: Flag) -> tuple[str, str]:
    """What flags say something of: of two that have one subject, the later replaces the other."""
    kind = FLAGS[flag.name].kind
    if kind in {"switch", "number", "text"}:
        return flag.name, ""
    if kind == "mapping" and flag.name != "registry-map":
        return flag.name, spell(split_text(flag.value or (), "=", 1)[0])
    return flag.name, flag.shown
