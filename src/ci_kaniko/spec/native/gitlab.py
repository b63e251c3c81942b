"""What a spec says to GitLab alone."""

from ci_kaniko.problems.finding import Finding, Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import (
    STRING,
    Boolean,
    Makes,
    Name,
    Platform,
    Present,
    Reads,
    checked,
    choice,
    whole,
)
from ci_kaniko.spec.model import Section
from ci_kaniko.spec.native.shared import NameSetting, OneOrMore, name_with_input, native_name
from ci_kaniko.syntax.variables import Template, inputs_in
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import GitLabDict

GITLAB_RESERVED_JOBS = {
    *("image", "services", "stages", "types", "before_script", "after_script", "variables"),
    *("cache", "include", "true", "false", "nil", "pages", "pages:deploy", "default", "workflow"),
    "spec",
}
_GITLAB_TIME = pattern(
    r"(?:\d+\s*(?:mo(?:nths?)?|w(?:eeks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?"
    r"|s(?:ec(?:ond)?s?)?)\s*)+|\d+"
)


def _gitlab_job(text: str) -> Template:
    named = native_name(text)
    if text in GITLAB_RESERVED_JOBS:
        raise Refused(
            "gitlab-job-name",
            f"GitLab reads a job called {quoted(text)} as a global setting",
            f"such as build-{text}",
        )
    if not named or named.startswith(".") or len(named) > 255:
        raise Refused(
            "gitlab-job-name",
            f"{quoted(text)} is not a job name",
            "1 to 255 characters, not beginning with a dot: such a job is hidden and never runs",
        )
    return Template(text)


def _gitlab_time(text: str) -> None:
    if not _GITLAB_TIME.fullmatch(text):
        raise Refused(
            "gitlab-timeout",
            f"{quoted(text)} is not a time that GitLab reads",
            "such as 1h 30m, 90 minutes or 5400",
        )


GitLabJob = Annotated[Template, Makes(_gitlab_job, STRING, "name", inputs=True)]
GitLabTime = Annotated[str, Reads(checked(_gitlab_time), {"type": ["string", "integer"]})]
GitLabRetries = Annotated[int, whole(0, 2)]


class GitLab(Section):
    """GitLab CI."""

    by_platform = "platform_tags"
    read_by_check = ("inputs",)

    form: Annotated[str, choice("pipeline", "child", "include", "component")] = Field(
        default="pipeline",
        description="pipeline: a .gitlab-ci.yml. child: a file for trigger: include:. include: a "
        "file for include:, without stages. component: a template of a CI/CD component, with "
        "spec: inputs.",
        examples=["component"],
    )
    job: GitLabJob | None = Field(
        default=None,
        description="Name of the job; build-image, or build-NAME for each of several images, or "
        "after the spec's folder or file where that is not ci-kaniko.yaml at the root. "
        "In a file for include: it can hold ${input.NAME}, and it must where the file is included "
        "twice: two jobs of one name become one.",
        examples=["build-shop", "build-${input.channel}"],
    )
    stage: NameSetting | None = Field(
        default=None,
        description="Stage of the job; GitLab's default is test. Of a component it is what the "
        "input stage is when nobody gives it. It can hold ${input.NAME}.",
        examples=["build"],
    )
    tags: OneOrMore | None = Field(
        default=None,
        description="Tags a runner must have, all of them. They can hold ${input.NAME}.",
        examples=[["k8s"]],
    )
    platform_tags: dict[Platform, OneOrMore] = Field(
        default={},
        description="Tags of the runners for each of platforms:; GitLab.com's own by default.",
        examples=[{"linux/arm64": ["arm64"]}],
    )
    timeout: GitLabTime | None = Field(
        default=None, description="How long the job may take.", examples=["1h 30m"]
    )
    retry: GitLabRetries | None = Field(
        default=None,
        description="How often GitLab repeats a job that its runner lost; a failed build is not "
        "repeated.",
        examples=[1],
    )
    needs: tuple[Name, ...] | None = Field(
        default=None,
        description="Jobs to wait for instead of the earlier stages; [] waits for none.",
        examples=[["test"]],
    )
    resource_group: Present | None = Field(
        default=None, description="Jobs of this group run one at a time.", examples=["shop"]
    )
    interruptible: Boolean | None = Field(
        default=None,
        description="A newer pipeline cancels the job, a running push included; when left out, "
        "it does so for merge requests only.",
        examples=[True],
    )
    dependency_proxy: Boolean = Field(
        default=False,
        description="Log in to the group's dependency proxy, for base images; the Dockerfile "
        "names them with CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX, passed as a build arg.",
        examples=[True],
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the job that ci-kaniko does not write.",
        examples=[{"environment": "staging"}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[GitLabDict]") -> None: ...

    def merges_into(self, path: str) -> str:
        """A file of another name may be one that others include, though written by hand."""
        started = self.form == "pipeline" or path != ".gitlab-ci.yml"
        return "" if started else "the file that the project's own pipelines start from"

    def check(self, build: Any) -> "Iterator[Finding]":
        """A file that others include with inputs, they may include twice."""
        if self.form not in {"include", "component"} or not name_with_input(build):
            return
        if not inputs_in(self.job or ""):
            yield Finding(
                "input-in-name",
                ("gitlab", "job"),
                "whoever includes the file twice, with other inputs, gets one job: the last one",
                f"gitlab: {{job: {quoted(name_with_input(build))}}}",
                severity="warning",
            )

    @classmethod
    def check_outputs(cls, spec: Any) -> "Iterator[Finding]":
        """Only the pipeline itself may be called anything: a setting of the project names it."""
        for index, file in enumerate(spec.outputs.gitlab):
            build = spec.first_of(file.only)
            if build is None or build.gitlab.form == "pipeline":
                continue
            if not file.path.lower().endswith((".yml", ".yaml")):
                yield Finding(
                    "unread-output",
                    ("outputs", "gitlab", index, "path"),
                    f"GitLab includes no {quoted(file.path)}",
                    "a name that ends with .yml or .yaml",
                )
