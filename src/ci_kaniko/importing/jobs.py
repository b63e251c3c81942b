"""The kaniko jobs of a pipeline: what readers collect of each, and what it is in the end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Call, Cloned, Masked, Text, literal, only_var
from ci_kaniko.importing.report import Voice
from ci_kaniko.importing.shell.secrets import is_written
from ci_kaniko.importing.ticked import Map, ignore, native

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ci_kaniko.importing.originals import Original


def put(section: dict[str, Any], key: str, value: Any, usual: Any = None) -> None:
    """Write a setting where there is one, and no spec means it anyway."""
    if value not in (None, "", [], {}, usual):
        section[key] = value


def forget(section: dict[str, Any], key: str, name: str) -> None:
    """Wait no more for what is a part of the spec now, wherever a section says so."""
    for holder in (section, section.get("extra", {})):
        names = holder.pop(key, [])
        listed = names if isinstance(names, list) else [names]
        put(holder, key, [each for each in listed if each != name])
    put(section, "extra", section.pop("extra", None))


class Secret(NamedTuple):
    """A secret of the CI; ``store`` is the object that holds it, where there are such.

    ``nodes`` are the words of the file that say so: they are read once somebody takes it.
    With ``of_step`` one step of the job knows it, and no other.
    """

    name: str
    store: str = ""
    nodes: tuple[Any, ...] = ()
    of_step: bool = False

    def take(self) -> str:
        """The object that holds it, for a use that the spec or the report tells."""
        ignore(*self.nodes)
        return self.store


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
        ignore(*self.nodes)
        return self.store


class Facts(NamedTuple):
    """What a platform tells every job.

    ``roots`` are where the repository lies, ``outputs`` where files are taken from, ``variables``
    what the platform sets. ``plain_secrets`` says that a secret may be any variable,
    ``keeps_workspace`` that ``/workspace`` is a volume, and ``called`` that others call the script,
    with arguments that nothing tells. Its shell ``goes_on`` after a command that fails, or stops.
    One that ``names_none`` knows of no repository: the one of a run is cloned by some variable.
    ``of_requests`` is what names, in the run of a pull request, the branch that it comes from.
    """

    target: str
    roots: tuple[Root, ...] = ()
    outputs: tuple[Root, ...] = ()
    variables: Mapping[str, Text] = MappingProxyType({})
    plain_secrets: bool = False
    keeps_workspace: bool = False
    called: bool = False
    goes_on: bool = False
    names_none: bool = False
    of_requests: tuple[str, ...] = ()


class Started(NamedTuple):
    """What starts a job: no ``triggers`` are what a spec means without any.

    ``held`` says that it starts where the original may not, and must not push; ``requests`` that a
    pull request may start it, and ``implicit`` that nobody said so. With ``untimed`` a schedule
    starts it at times that the file does not tell, with ``some_requests`` the file builds fewer
    pull requests than a spec, so that none pushes.
    """

    triggers: Mapping[str, Any] | None = None
    held: bool = False
    requests: bool = False
    implicit: bool = False
    untimed: bool = False
    some_requests: bool = False


class Job(Voice):
    """One job that calls the executor, as a reader fills it in.

    ``secrets`` are the variables that hold secrets, ``runtime`` those that the CI's settings give,
    ``environment`` what else the executor's container knows, ``claims`` those of its volumes, by
    where they are mounted, ``exported`` the lines of the variables that the container itself has.
    ``own_folders`` are where this repository is checked out, below what its files are taken from,
    ``cloned`` the folders that hold another one, with its address where that is known.
    ``handed_on`` are files of digests that other jobs are told.
    ``section`` are the native settings for ``target``, ``shared`` what stands at the top of the
    spec. ``known_files`` are what a script finds, ``written`` the secrets that stand in the file.
    """

    def __init__(self, facts: Facts, name: str, original: Original, line: int) -> None:
        super().__init__(original.path, line, original.report)
        self.is_ours = original.is_ours
        self.may_build, self.scripts_in = original.may_build, original.scripts_in
        self.facts = facts
        self.target = facts.target
        self.name = name
        self.calls: tuple[Call, ...] = ()
        self.started = Started()
        self.image: Text = ()
        self.image_line = 0
        self.has_shell = True
        self.plain_secrets, self.goes_on = facts.plain_secrets, facts.goes_on
        self.secrets: dict[str, Secret] = {}
        self.runtime: dict[str, str] = {}
        self.environment: dict[str, Text] = dict(facts.variables)
        self.roots = [*facts.roots]
        self.outputs = [*facts.outputs]
        self.handed_on: set[str] = set()
        self.own_folders: list[str] = []
        self.cloned: dict[str, Cloned] = {}
        self.mounts: list[Mounted] = []
        self.claims: dict[str, Mounted] = {}
        self.exported: dict[str, int] = {}
        self.section: dict[str, Any] = {}
        self.shared: dict[str, Any] = {}
        self.folder: Text = ()
        self.script_text = ""
        self.google_document = ""
        self.known_files: dict[str, Text] = {
            other.path: (other.text,) for other in original.given if other.text
        }
        self.written: list[str] = []
        self.names_of_logins: frozenset[str] = frozenset()

    def hide_secrets(self) -> None:
        """Take secrets that stand in the file out of the environment."""
        for name, text in self.environment.items():
            if name not in self.names_of_logins and is_written(name, text):
                self.report.hide(literal(text) or "")
                self.environment[name] = (Masked(name, self.line),)
                self.written.append(name)

    def keep_extra(self, holder: Map, read: Collection[str], **more: Any) -> None:
        """Keep the keys that have no field as the platform has them, and some more."""
        extra = {key: native(value) for key, value in holder.items() if key not in read}
        extra |= {key: value for key, value in more.items() if value}
        if extra:
            self.section["extra"] = extra

    def check_out(self, found: Mapping[str, Any]) -> None:
        """Say what is fetched beside the files of the commit."""
        if found:
            self.shared["checkout"] = {**self.shared.get("checkout", {}), **found}

    def secret_of(self, text: Text) -> str | None:
        """The name of the secret that a text is."""
        var = only_var(text)
        if var is None or var.changes:
            return None
        name = var.name
        if name in self.secrets:
            return self.secrets[name].name
        if name.startswith("secrets."):
            return name.removeprefix("secrets.")
        return name if self.plain_secrets and name.isidentifier() else None

    def finished(self) -> Job:
        """The job as its reader leaves it; the secrets that stand in the file are told."""
        for name in dict.fromkeys(self.written):
            self.tell("literal-secret", self.line, name, name)
        return self
