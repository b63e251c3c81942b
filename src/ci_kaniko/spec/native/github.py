"""What a spec says to GitHub alone."""

from ci_kaniko.kaniko.builders import FETCHING
from ci_kaniko.problems.finding import Finding, Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import (
    STRING,
    TEXT,
    Platform,
    Present,
    Reads,
    check_present,
    checked,
    choice,
)
from ci_kaniko.spec.model import Section
from ci_kaniko.spec.native.shared import Minutes, OneOrMore
from ci_kaniko.syntax.grammar import file_stem
from ci_kaniko.syntax.variables import INPUT_READ
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import GitHubDict

_EXPRESSION = pattern(r"\$\{\{((?:'[^']*'|(?!\}\})[^'])*)(\}\})?")
_NAMED = pattern(r"'[^']*'|(?<![\w.\]])([A-Za-z_][\w-]*) *[.\[]")
_CONTEXTS = ("github", "inputs", "matrix", "needs", "strategy", "vars")
"""What an expression can name where GitHub chooses runners and environments."""
_GITHUB_ID = pattern(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")


def _github_id(text: str) -> None:
    if INPUT_READ in text:
        message = "GitHub puts nothing into the id of a job"
        raise Refused(
            "github-job-id", message, "whoever calls the workflow names the job that does"
        )
    if not _GITHUB_ID.fullmatch(text):
        raise Refused(
            "github-job-id",
            f"{quoted(text)} is not a job id",
            "letters, digits, - and _, beginning with a letter or _, at most 100",
        )


def _workflow_name(text: str) -> None:
    check_present(text)
    if "${{" in text:
        message = "GitHub takes no expression in the name of a workflow"
        raise Refused("github-expression", message, "such as Images")


WorkflowName = Annotated[str, Reads(checked(_workflow_name), TEXT, "name")]
GitHubId = Annotated[str, Reads(checked(_github_id), STRING)]


class GitHub(Section):
    """GitHub Actions."""

    by_platform = "platform_runs_on"
    read_by_check = ("registries", "push", "triggers", "destinations[]", "git", "context")

    mode: Annotated[str, choice("docker", "container")] = Field(
        default="docker",
        description="docker: docker run on the runner. container: the job runs in the builder's "
        "image, where kaniko fetches the repository itself, for runners without a Docker daemon.",
        examples=["container"],
    )
    form: Annotated[str, choice("workflow", "jobs", "reusable")] = Field(
        default="workflow",
        description="workflow: triggers start it. jobs: for a workflow whose on: somebody else "
        "writes, so each job asks for its events; mode: merge of an output chooses it. reusable: "
        "other workflows call it.",
        examples=["reusable"],
    )
    workflow: WorkflowName | None = Field(
        default=None,
        description="Name of the workflow; that of its file under outputs:, or image.",
        examples=["Images"],
    )
    job: GitHubId | None = Field(
        default=None,
        description="Id of the job; image, or build-NAME for each of several images.",
        examples=["shop"],
    )
    runs_on: OneOrMore = Field(
        default=("ubuntu-24.04",),
        description="Label of the runner, or a list; it needs a Docker daemon. It can hold "
        "${input.NAME}.",
        examples=["ubuntu-24.04", ["self-hosted", "linux"]],
    )
    platform_runs_on: dict[Platform, OneOrMore] = Field(
        default={},
        description="Labels of the runners for each of platforms:; GitHub's own by default.",
        examples=[{"linux/arm64": "ubuntu-24.04-arm"}],
    )
    timeout_minutes: Minutes = Field(
        default=60, description="How long the job may take, in minutes.", examples=[30]
    )
    environment: Present | None = Field(
        default=None,
        description="Deployment environment whose secrets and rules apply.",
        examples=["production"],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the job that ci-kaniko does not write.",
        examples=[{"continue-on-error": True}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[GitHubDict]") -> None: ...

    def tools(self, build: Any) -> set[str]:
        """An action checks out, where the executor does not fetch."""
        acts = build.context.is_checked_out and not self.fetches(build)
        return super().tools(build) | ({"checkout"} if acts else set())

    def time_tool(self, build: Any) -> str:
        """The runner has git, and the action gets the commit."""
        return "git" if self.mode == "container" else "checkout"

    def fetches(self, build: Any) -> bool:
        """In the executor's own image no action runs."""
        return self.mode == "container" and (self.builder or build.builder) in FETCHING

    def merges_into(self, path: str) -> str:
        """Workflows that are called are files of their own."""
        return "a workflow whose on: is written by hand" if self.form == "reusable" else ""

    def check(self, build: Any) -> "Iterator[Finding]":
        """Expressions that mean nothing to GitHub, and a token that fetches and pushes."""
        yield from self._expressions()
        yield from self._fetches_with_what_pushes(build)

    def _expressions(self) -> "Iterator[Finding]":
        told: dict[tuple[str, ...], tuple[str, ...]] = {
            ("runs_on",): self.runs_on,
            ("environment",): (self.environment or "",),
            **{("platform_runs_on", name): held for name, held in self.platform_runs_on.items()},
        }
        found = ((where, text) for where, texts in told.items() for text in texts)
        for where, text in found:
            if why := self._meaningless(text):
                hint = "${{ vars.NAME }} is a variable of the repository"
                yield Finding("github-expression", ("github", *where), why, hint)

    def _meaningless(self, text: str) -> str:
        """Why GitHub makes nothing of the expressions in a text; empty where it does."""
        for expression in _EXPRESSION.finditer(text):
            if not expression[2]:
                return f"the expression in {quoted(text)} does not end"
            for name in filter(None, _NAMED.findall(expression[1])):
                if name not in _CONTEXTS:
                    return f"no expression knows {name} here; it knows {', '.join(_CONTEXTS)}"
                if name in {"matrix", "strategy"} and "strategy" not in self.extra:
                    return f"the job has no strategy, so {name} is empty"
        return ""

    def _fetches_with_what_pushes(self, build: Any) -> "Iterator[Finding]":
        """What fetches the repository in container mode may be what pushes as well."""
        requests = build.triggers is None or build.triggers.pull_requests
        fetched = build.context.is_directory and build.git.token is None
        if not self.fetches(build) or build.push != "auto" or not (requests and fetched):
            return
        from ci_kaniko.spec.pushed import pushed_logins

        for where, _, login in pushed_logins(build, "github"):
            if login.kind == "ci-token":
                yield Finding(
                    "credentials-in-pull-request",
                    where,
                    "in GitHub's container mode the token that pushes here also fetches the "
                    "repository for pull requests, and their Dockerfile can read it",
                    "git: {token: NAME} fetches with another one",
                    severity="warning",
                )

    @classmethod
    def check_outputs(cls, spec: Any) -> "Iterator[Finding]":
        """Nobody can tell the checks of two workflows of one name apart."""
        seen: dict[str, str] = {}
        for index, file in enumerate(spec.outputs.github):
            build = spec.first_of(file.only)
            if build is None or file.mode == "merge" or build.github.form != "workflow":
                continue
            name = build.github.workflow or file_stem(file.path)
            first = seen.setdefault(name, file.path)
            if first != file.path:
                yield Finding(
                    "duplicate-workflow",
                    ("outputs", "github", index),
                    f"{quoted(first)} and {quoted(file.path)} would be workflows of one name, "
                    f"{quoted(name)}, and nobody could tell their checks apart",
                    "without github: {workflow: ...} each is called as its file",
                )
