"""What a spec says to GitHub alone."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import STRING, Name, Platform, Present, Reads, checked, choice
from ci_kaniko.spec.model import Section
from ci_kaniko.spec.native.shared import Minutes, OneOrMore
from ci_kaniko.syntax.variables import INPUT_READ
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import GitHubDict

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


GitHubId = Annotated[str, Reads(checked(_github_id), STRING)]


class GitHub(Section):
    """GitHub Actions."""

    mode: Annotated[str, choice("docker", "container")] = Field(
        default="docker",
        description="docker: docker run on the runner. container: the job runs in the executor's "
        "image and fetches the repository itself, for runners without a Docker daemon.",
        examples=["container"],
    )
    form: Annotated[str, choice("workflow", "jobs", "reusable")] = Field(
        default="workflow",
        description="workflow: triggers start it. jobs: for a workflow whose on: somebody else "
        "writes, so each job asks for its events; mode: merge of an output chooses it. reusable: "
        "other workflows call it.",
        examples=["reusable"],
    )
    workflow: Name | None = Field(
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
