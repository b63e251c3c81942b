"""One executor call and what has been read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import ALWAYS, Call, Text
from ci_kaniko.importing.translate.conditions import shown_when
from ci_kaniko.importing.translate.logins import Logins
from ci_kaniko.importing.translate.paths import Paths
from ci_kaniko.importing.translate.portable import NotPortable, Spelled

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
        self.paths = Paths(job, call)
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

    @property
    def image(self) -> Text:
        """The executor's image."""
        return self.job.image if self.call.image is None else self.call.image

    @property
    def image_line(self) -> int:
        """Where the image is written."""
        return self.job.image_line if self.call.image is None else self.call.line

    def of(self, name: str) -> list[Flag]:
        return [flag for flag in self.flags if flag.name == name]

    def last(self, name: str) -> Flag | None:
        """The flag that counts where one replaces another."""
        found = self.of(name)
        plain = [flag for flag in found if flag.when == ALWAYS]
        for flag in found:
            if flag.when != ALWAYS:
                self.conditional(flag)
        chosen = plain or found
        return chosen[-1] if chosen else None

    def conditional(self, flag: Flag) -> None:
        said = shown_when(flag.when)
        self.job.tell("conditional-flag", flag.line, flag.shown, said)

    def run_time(self, flag: Flag, field: str) -> None:
        self.job.tell("run-time-value/flag", flag.line, flag.shown, field)

    def lost(self, field: str, flag: Flag, reason: NotPortable) -> None:
        self.job.tell(
            "not-portable",
            flag.line,
            flag.shown,
            reason.message,
            reason.advice or f"write {field}: by hand",
        )
