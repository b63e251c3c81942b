"""The files that hold what is rendered."""

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import LIST_OR_ONE, STRING, UNSAID, Reads, checked, choice
from ci_kaniko.spec.lists import check_one, read_each
from ci_kaniko.spec.model import Later, Model, short_or_long
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import OutputFileDict, OutputsDict


def check_image_name(text: str) -> None:
    """A name that every platform takes as a part of its own. Raises Refused."""
    if not re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", text) or len(text) > 40:
        mended = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
        raise Refused(
            "image-name",
            f"{quoted(text)} is not a name for an image",
            "lower-case letters and digits, with single . _ - between, at most 40"
            + (f": {mended}" if mended else ""),
        )


def _read_image_names(value: Any) -> tuple[str, ...]:
    check_one(value, "image-name", "a name for an image")
    return tuple(read_each(value, check_image_name, "needs")) if as_list(value) else ()


def _read_only(value: Any) -> tuple[str, ...]:
    check_one(value, "image-name", "a name for an image")
    return tuple(read_each(value, check_image_name, "only"))


ImageName = Annotated[str, Reads(checked(check_image_name), STRING)]
ImageNames = Annotated[tuple[str, ...], Reads(_read_image_names, LIST_OR_ONE)]
OnlyNames = Annotated[tuple[str, ...], Reads(_read_only, LIST_OR_ONE), UNSAID]


def _check_file(text: str) -> str:
    path = grammar.check_path(text, what="output")
    if grammar.inside_repository(path) == "." or path.endswith("/"):
        raise Refused("bad-path", f"{quoted(path)} is a folder", "name a file")
    return path


OutputPath = Annotated[str, Reads(checked(_check_file), STRING)]


class OutputFile(Model):
    """A file that holds rendered configuration."""

    __get_pydantic_json_schema__ = short_or_long(lambda long: long["properties"]["path"])

    path: OutputPath = Field(
        description="The file, from the repository root.", examples=[".gitlab-ci.yml"]
    )
    only: OnlyNames = Field(
        default=(),
        description="The images that the file is for; all of them when left out.",
        examples=[["api", "web"]],
    )
    mode: Annotated[str, choice("own", "merge")] = Field(
        default="own",
        description="own: ci-kaniko writes the whole file. merge: the file is written by hand, and "
        "only the entries below a # ci-kaniko: comment are ci-kaniko's.",
        examples=["merge"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[OutputFileDict]") -> None: ...

    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a path, or a mapping with path and only", ""


class _OneOrMany:
    """A list, or its only item."""

    @staticmethod
    def _listed(value: Any) -> list[Any]:
        return [value] if isinstance(value, dict) else as_list(value)

    def reading(self, handler: Any, source: Any) -> "Callable[[Any], Any]":
        """What reads a value as a list."""
        read = handler(source)
        return lambda value: read(self._listed(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


OutputFiles = Annotated[tuple[Later[OutputFile], ...], _OneOrMany()]


def _output(target: str, example: str) -> Any:
    return Field(default=(), description=f"The file, or several, for {target}.", examples=[example])


class Outputs(Model):
    """Files that hold the rendered configuration, from the repository root."""

    gitlab: OutputFiles = _output("GitLab", ".gitlab-ci.yml")
    github: OutputFiles = _output("GitHub", ".github/workflows/image.yml")
    buildkite: OutputFiles = _output("Buildkite", ".buildkite/pipeline.yml")
    agola: OutputFiles = _output("Agola", ".agola/config.yml")
    kubernetes: OutputFiles = _output("Kubernetes", "deploy/build.yaml")

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[OutputsDict]") -> None: ...


def named_targets(outputs: Outputs) -> list[str]:
    """The targets for which files are named."""
    return [name for name, files in outputs if files]
