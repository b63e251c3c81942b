"""The kaniko jobs of a pipeline, whatever its platform: what the readers find."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Call, Login, Masked, Text, Var, literal
from ci_kaniko.importing.readers.documents import ignore
from ci_kaniko.importing.shell.secrets import is_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.importing.report import Report


FILE_LINES = 10_000_000
"""The lines of each further file that a pipeline includes are numbered from a multiple of this."""
FIRST_SCRIPT_LINE = 1_000_000_000
"""Scripts are put together from pieces: their lines are numbered from here on."""


class Secret(NamedTuple):
    """A secret of the CI; ``store`` is the object that holds it, where there are such."""

    name: str
    store: str = ""


class Root(NamedTuple):
    """A folder that holds the repository, or its folder ``path``."""

    prefix: Text
    path: str = "."


class Mounted(NamedTuple):
    """A file or folder that comes from a secret: ``files`` by their keys, empty for all of them.

    ``nodes`` are the words of the file that say so: they are read once somebody takes the store.
    """

    path: str
    store: str
    files: Mapping[str, str]
    ready_config: bool = False
    nodes: tuple[Any, ...] = ()

    @property
    def config_key(self) -> str:
        """The key that is a ready config.json."""
        return self.files.get("config.json") or next(iter(self.files.values()), "config.json")

    def take(self) -> str:
        """The object that is mounted, for a use that the spec or the report tells."""
        for node in self.nodes:
            ignore(node)
        return self.store


@dataclass
class Job:
    """One job that calls the executor.

    ``secrets`` are the variables that hold secrets, ``runtime`` those that the CI's settings give,
    ``environment`` what else the executor's container knows, ``claims`` those of its volumes, by
    where they are mounted, ``exported`` the lines of the variables that the container itself has,
    ``pending`` what has to be read once the spec is made. ``triggers`` is what starts the job:
    None for what a spec means without any; ``held`` says that it starts where the original may not,
    and must not push. ``section`` are the native settings for ``target``.
    ``files`` are the included ones by their numbers.
    """

    target: str
    name: str
    path: str
    line: int
    report: Report
    calls: tuple[Call, ...] = ()
    image: Text = ()
    image_line: int = 0
    has_shell: bool = True
    secrets: dict[str, Secret] = field(default_factory=dict)
    runtime: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Text] = field(default_factory=dict)
    roots: list[Root] = field(default_factory=list)
    outputs: list[Root] = field(default_factory=list)
    mounts: list[Mounted] = field(default_factory=list)
    claims: dict[str, Mounted] = field(default_factory=dict)
    exported: dict[str, int] = field(default_factory=dict)
    pending: list[tuple[Any, str, str, str]] = field(default_factory=list)
    triggers: dict[str, Any] | None = None
    held: bool = False
    requests: bool = False
    implicit_requests: bool = False
    section: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    folder: Text = ()
    fetches_itself: bool = False
    script_text: str = ""
    hook: str = ""
    google_document: str = ""
    written: list[str] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    known_files: dict[str, Text] = field(default_factory=dict)
    logins: list[Login] = field(default_factory=list)
    plain_secrets: bool = False

    def carried(self, rule: str, message: str, line: int, advice: str = "") -> None:
        """Report something that the spec says as well."""
        self.report.carried(rule, message, *self.place(line), advice)

    def mended(self, rule: str, message: str, line: int, advice: str = "") -> None:
        """Report a fault that the spec does not repeat."""
        self.report.mended(rule, message, *self.place(line), advice)

    def left(self, rule: str, message: str, line: int, advice: str = "") -> None:
        """Report something that the spec does not say."""
        self.report.left(rule, message, *self.place(line), advice)

    def place(self, line: int) -> tuple[str, int]:
        """The file and its line for a line of the pipeline or of a script."""
        found = self.lines.get(line, line if line < FIRST_SCRIPT_LINE else 0) or self.line
        number, line = divmod(found, FILE_LINES)
        return self.files.get(number, self.path), line

    def hide_secrets(self) -> None:
        """Take secrets that stand in the file out of the environment."""
        for name, text in self.environment.items():
            if is_written(name, text):
                self.report.hide(literal(text) or "")
                self.environment[name] = (Masked(name, self.line),)
                self.written.append(name)

    def tell_secrets(self) -> None:
        """Report the secrets that stand in the file."""
        for name in dict.fromkeys(self.written):
            self.left(
                "literal-secret",
                f"the value of {name} is written into the file",
                self.line,
                f"revoke it, and store the new one as the secret {name}",
            )

    def secret_of(self, text: Text) -> str | None:
        """The name of the secret that a text is."""
        if len(text) != 1 or not isinstance(text[0], Var) or text[0].changes:
            return None
        name = text[0].name
        if name in self.secrets:
            return self.secrets[name].name
        if name.startswith("secrets."):
            return name.removeprefix("secrets.")
        return name if self.plain_secrets and name.isidentifier() else None
