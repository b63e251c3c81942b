"""What runs before a build, its platforms and its inputs."""

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import (
    LIST_OR_ONE,
    STRING,
    UNSAID,
    NotEmpty,
    Present,
    PulledImage,
    Reads,
    Text,
    check_plain,
    checked,
    choice,
)
from ci_kaniko.spec.lists import check_one, read_each
from ci_kaniko.spec.model import Model
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.variables import INPUT_READ

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import InputDict, PrepareDict


def _check_command(text: str) -> None:
    grammar.check_text(text, newlines=True)
    if not text.strip():
        raise Refused("empty-value", "the command is empty", "a line for a POSIX shell")


def _check_artifact(text: str) -> None:
    if not text:
        raise Refused("empty-value", "the artifact is empty", "a file or folder, such as bin/shop")
    check_plain(text)
    path = grammar.check_path(text, what="artifact")
    if re.search(r"[*?\[\]{}~;,]", text):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is not a file or folder: patterns differ between platforms",
            "name the folder; everything in it is handed over",
        )
    if grammar.inside_repository(path) == ".":
        raise Refused("bad-path", f"{quoted(text)} is the whole repository", "such as bin/shop")


Command = Annotated[str, Reads(checked(_check_command), STRING)]
Artifact = Annotated[str, Reads(checked(_check_artifact), STRING)]


def _read_commands(value: Any) -> tuple[str, ...]:
    return tuple(read_each(value, _check_command, "commands", once=False))


def _read_artifacts(value: Any) -> tuple[str, ...]:
    return tuple(
        str(grammar.inside_repository(text))
        for text in read_each(value, _check_artifact, "artifacts")
    )


Commands = Annotated[tuple[str, ...], Reads(_read_commands, LIST_OR_ONE, "command")]
Artifacts = Annotated[tuple[str, ...], Reads(_read_artifacts, LIST_OR_ONE)]


class Prepare(Model):
    """Commands that run in another image, in the checkout, before the image is built."""

    image: PulledImage = Field(
        description="The image that has the tools; it needs a POSIX shell as sh.",
        examples=["docker.io/library/golang:1.26"],
    )
    commands: Commands = Field(
        description="Commands for sh, run at the root of the repository; the first that fails "
        "ends the job.",
        examples=[["go build -o bin/shop ./cmd/shop"]],
    )
    artifacts: Artifacts = Field(
        description="Files and folders, from the repository root, that the image build gets.",
        examples=[["bin/shop"]],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[PrepareDict]") -> None: ...


def _check_linux(text: str) -> None:
    if INPUT_READ in text:
        raise Refused(
            "variable-not-allowed",
            "each platform is built by a job of its own, and the jobs of a file are there before "
            "anybody gives it an input",
            "list every platform; an input of type: platforms chooses among them",
        )
    grammar.check_platform(text)
    if not text.startswith("linux/"):
        message = f"{quoted(text)}: images are built for Linux only"
        raise Refused("bad-platform", message, "such as linux/arm64")


def _read_platforms(value: Any) -> tuple[str, ...]:
    check_one(value, "bad-platform", "a platform")
    return tuple(read_each(value, _check_linux, "platforms"))


Platforms = Annotated[tuple[str, ...], Reads(_read_platforms, LIST_OR_ONE), UNSAID]


def _check_input_name(text: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text) or not grammar.is_variable_name(text):
        raise Refused(
            "bad-input",
            f"{quoted(text)} is not the name of an input",
            "lower-case letters, digits and _, beginning with a letter; no switch such as on",
        )


InputName = Annotated[str, Reads(checked(_check_input_name), STRING)]


PLATFORMS = "platforms"
"""The type of an input that chooses among the platforms of the images."""


class Input(Model):
    """A value that whoever includes the job gives it; texts read it as `${input.NAME}`."""

    type: Annotated[str, choice("string", "number", "boolean", PLATFORMS)] = Field(
        default="string",
        description="What callers may give; platforms are some of those that platforms: lists, "
        "with commas between them, and only these are built.",
        examples=["boolean"],
    )
    default: Text | None = Field(
        default=None,
        description="What it is when a caller gives nothing; without it the input is required.",
        examples=["dev"],
    )
    options: Annotated[tuple[Present, ...], NotEmpty("a text that callers may give"), UNSAID] = (
        Field(
            default=(),
            description="The only texts that callers may give.",
            examples=[["dev", "prod"]],
        )
    )
    description: Present | None = Field(
        default=None, description="What it is for.", examples=["The channel of the release"]
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[InputDict]") -> None: ...
