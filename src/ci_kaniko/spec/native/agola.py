"""What a spec says to Agola alone."""

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.extra import Extra
from ci_kaniko.spec.fields import STRING, Duration, Reads, check_plain, checked, choice
from ci_kaniko.spec.model import Section

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import AgolaDict


def _agola_name(text: str) -> None:
    check_plain(text)
    if not 0 < len(text.encode()) <= 93:
        raise Refused(
            "agola-name",
            f"{quoted(text)} is not a name that Agola takes",
            "1 to 93 bytes",
        )


AgolaName = Annotated[str, Reads(checked(_agola_name), STRING, "name")]


class Agola(Section):
    """Agola."""

    run: AgolaName | None = Field(
        default=None,
        description="Name of the run, by default as that of GitLab's job, and of its task; several "
        "images have a task each, build-NAME.",
        examples=["build-shop"],
    )
    arch: Annotated[str, choice("386", "amd64", "arm", "arm64")] | None = Field(
        default=None, description="Architecture of the executor.", examples=["amd64"]
    )
    timeout: Duration = Field(
        default="1h", description="How long each task may take, a Go duration.", examples=["30m"]
    )
    extra: Extra = Field(
        default={},
        description="Raw keys of the executor's task that ci-kaniko does not write; "
        "docker_registries_auth, the login for pulling the images, is for both tasks.",
        examples=[{"ignore_failure": True}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[AgolaDict]") -> None: ...

    def tools(self, build: Any) -> set[str]:
        clones = build.context.is_checked_out and self.time_tool(build)
        return super().tools(build) | ({"git"} if clones else set())

    def time_tool(self, build: Any) -> str:
        """What prepares may clone, too."""
        return "git" if not build.prepare or build.tools.git else ""
