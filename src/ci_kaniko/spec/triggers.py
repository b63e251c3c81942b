"""What starts a build."""

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import (
    LIST_OR_ONE,
    STRING,
    UNSAID,
    Boolean,
    Globs,
    Reads,
    check_plain,
    checked,
)
from ci_kaniko.spec.lists import read_each
from ci_kaniko.spec.model import Model
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import check_something_is_left
from ci_kaniko.syntax.globs import Globs as PathGlobs
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import TriggersDict


def _check_cron(text: str) -> None:
    check_plain(text)
    fields = text.split()
    known = re.compile(r"(?:[0-9]{1,2}|[A-Za-z]{3}|\*)(?:-[0-9A-Za-z]{1,3})?(?:/[0-9]{1,2})?")
    parts = [part for field in fields for part in field.split(",")]
    if len(fields) != 5 or not all(known.fullmatch(part) for part in parts):
        raise Refused(
            "bad-cron",
            f"{quoted(text)} is not a cron line",
            "minute, hour, day, month, weekday, such as 30 3 * * 1",
        )


_NOT_IN_PATHS = pattern(r"[?\[\]{}\\~$]|^!|\*{3}")


def check_path_glob(text: str) -> None:
    """Raise Refused for a pattern that matches no file, or that platforms read differently."""
    grammar.check_text(text)
    if not text or text.startswith(("/", "./", "../")) or text.endswith("/") or "//" in text:
        plain = re.sub(r"^(?:[.]?/)+", "", text) + "**" * text.endswith("/")
        raise Refused(
            "bad-path",
            f"{quoted(text)} matches no file: paths start at the repository root",
            f"write {plain}" if re.match(r"(?!.*//)[^.*]", plain) else "such as services/shop/**",
        )
    found = _NOT_IN_PATHS.search(text)
    if found:
        message = f"{quoted(text)}: platforms read {quoted(found.group())} differently"
        raise Refused("bad-path", message, "* matches within a path segment and ** across")


def _read_path_globs(value: Any) -> PathGlobs:
    globs = read_each(value, lambda text: check_path_glob(text.removeprefix("!")), "paths")
    named = PathGlobs(globs)
    check_something_is_left(named, (), "**")
    return named


def _read_schedules(value: Any) -> tuple[str, ...]:
    return tuple(read_each(value, _check_cron, "schedules"))


_REPOSITORY = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


_FORGE = pattern(
    r"(?i)(?:.+\.)?(?:git|github|gitlab|gitea|forgejo|gogs|bitbucket|codeberg|sourcehut|stash)\..+"
)
"""A host of repositories, told from a group of GitLab, whose path may have dots as well."""


def is_repository(text: str) -> bool:
    """Whether a text is the path of a repository on its platform."""
    is_path = bool(_REPOSITORY.fullmatch(text)) and not text.endswith(".git")
    return is_path and not _FORGE.fullmatch(text.partition("/")[0])


def _check_repository(text: str) -> None:
    grammar.check_text(text)
    if not is_repository(text):
        raise Refused(
            "bad-repository",
            f"{quoted(text)} is not the path of a repository",
            "the owner and the name, such as acme/shop, without a host and without .git",
        )


Schedules = Annotated[tuple[str, ...], Reads(_read_schedules, LIST_OR_ONE), UNSAID]
Paths = Annotated[tuple[str, ...], Reads(_read_path_globs, LIST_OR_ONE), UNSAID]

Repository = Annotated[str, Reads(checked(_check_repository), STRING)]


class Triggers(Model):
    """Which events start the job; what is left out does not."""

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[TriggersDict]") -> None: ...

    @property
    def starts_something(self) -> bool:
        """Whether one of them is an event; paths and the repository are filters."""
        return any(value for name, value in self if name not in {"paths", "repository"})

    @property
    def starts_any_ref(self) -> bool:
        """Whether one of them is an event that may be of any branch or tag."""
        return bool(self.schedules or self.manual or self.pipelines)

    @property
    def only_requests(self) -> bool:
        """Whether pull requests are all that starts the job."""
        others = self.branches or self.tags or self.starts_any_ref
        return self.pull_requests and not others

    @property
    def only_tags(self) -> bool:
        """Whether every run is one of a tag, but for pull requests."""
        return not (self.branches or self.starts_any_ref)

    @property
    def names_refs(self) -> bool:
        """Whether one of them tells refs or requests, which a child pipeline knows."""
        return bool(self.branches or self.tags or self.pull_requests)

    @property
    def compares(self) -> bool:
        """Whether paths are asked: pushes of branches and pull requests have changed files."""
        return bool(self.branches) or self.pull_requests

    branches: Globs = Field(
        default=(),
        description="Pushes to these branches; * within a path segment, ** across. An entry that "
        "begins with ! excludes, wherever it stands.",
        examples=[["main", "release/*"]],
    )
    tags: Globs = Field(
        default=(), description="Pushes of these tags; as branches.", examples=[["v*", "!*-*"]]
    )
    pull_requests: Boolean = Field(
        default=False, description="Pull and merge requests.", examples=[True]
    )
    schedules: Schedules = Field(
        default=(),
        description="Cron lines in UTC. GitHub runs them; GitLab and Buildkite let a schedule that "
        "you make in their settings start the job.",
        examples=[["30 3 * * 1"]],
    )
    manual: Boolean = Field(
        default=False, description="Runs that somebody starts by hand.", examples=[True]
    )
    pipelines: Boolean = Field(
        default=False,
        description="Runs that another pipeline or a program starts: GitLab's parent and upstream "
        "pipelines, trigger tokens and API; Buildkite's trigger steps and API; GitHub's "
        "repository_dispatch.",
        examples=[True],
    )
    paths: Paths = Field(
        default=(),
        description="Pushes and pull requests start the job only when they change one of these "
        "files, from the repository root; * within a path segment, ** across. Nothing else is "
        "asked, and paths alone start nothing.",
        examples=[["services/shop/**", "libs/**"]],
    )
    repository: Repository | None = Field(
        default=None,
        description="Nothing starts the job in any other repository, such as a fork: owner and "
        "name, in any case. It starts nothing by itself.",
        examples=["acme/shop"],
    )
