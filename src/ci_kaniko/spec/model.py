"""What all parts of a spec have in common."""

from __future__ import annotations

from _thread import RLock  # what threading has, too, and takes long to import

from ci_kaniko.kaniko.builders import GITLESS, KANIKO
from ci_kaniko.quick.declaring import BaseModel, ConfigDict, Field, model_validator
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar
from ci_kaniko.spec.builder import BuilderName  # noqa: TC001 - pydantic reads the annotation
from ci_kaniko.spec.fields import makers, remade
from ci_kaniko.syntax.scalars import wrong_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import Self

    from ci_kaniko.problems.finding import Finding


class _Later:
    def reading(self, _: Any, source: Any) -> Callable[[Any], Any]:
        """What reads a value: the model."""
        read: Callable[[Any], Any] = source.model_validate
        return read

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            source.model_validate,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _dumped, schema=core_schema.any_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        from pydantic_core import core_schema

        model = schema["function"]["function"].__self__
        model.model_rebuild()
        # A chain of one: for the model itself the handler would leave its entry in $defs out.
        described: dict[str, Any] = handler(
            core_schema.chain_schema([model.__pydantic_core_schema__])
        )
        return described


_Part = TypeVar("_Part", bound="Model")
Later = Annotated[_Part, _Later()]
"""A model that pydantic builds when a spec has it: a spec has few of all there are.

What ``model_validate`` is told beside the data, ``strict`` and ``context``, does not reach it.
"""


def _dumped(value: Any, handler: Callable[[Any], Any]) -> Any:
    if isinstance(value, Model):
        type(value).model_rebuild()  # a default may be the first of its kind that is dumped
    return handler(value)


_BUILDING = RLock()
_UNCHANGING = (str, int, float, type(None))


class Model(BaseModel):
    """What all parts of a spec share: unknown keys are refused, empty ones too; null is absent."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        defer_build=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **options: Any) -> bool | None:
        """Build the model when it is first used: pydantic lets threads disturb each other here."""
        depth = _parent_namespace_depth and _parent_namespace_depth + 1
        with _BUILDING:
            return super().model_rebuild(_parent_namespace_depth=depth, **options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, which nobody checks but to read the texts among them."""
        known = makers(type(self))
        read = {
            name: remade(known[name], value) if name in known else value
            for name, value in (update or {}).items()
        }
        return super().model_copy(update=read, deep=deep)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy that shares what nobody can change: each spec has one of every default."""
        if getattr(self, "__pydantic_private__", None):
            return super().__deepcopy__(memo)
        from copy import deepcopy

        copy = self.__copy__()
        values = copy.__dict__
        values.update(
            (name, deepcopy(value, memo))
            for name, value in values.items()
            if not isinstance(value, _UNCHANGING)
        )
        return copy

    @model_validator(mode="before")
    @classmethod
    def _present_keys(cls, value: Any) -> Any:
        value = cls._expand(value)
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise wrong_type(value, *cls._expected())
        known = cls.model_fields
        return {key: item for key, item in value.items() if item is not None or key not in known}

    @classmethod
    def _expand(cls, value: Any) -> Any:
        """The long form of a short form."""
        return value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        """What a user may write, in words, and a hint."""
        first = list(cls.model_fields)[:3]
        return "a mapping", f"lines such as {', '.join(f'{key}: ...' for key in first)}"


def short_or_long(short: Callable[[dict[str, Any]], Any]) -> Any:
    """The JSON Schema of a model that has a short form; ``short`` makes it from the long one."""

    def either(cls: Any, core: Any, handler: Any) -> dict[str, Any]:
        long = handler(core)
        return {"anyOf": [short(long), long]}

    return classmethod(either)


class Section(Model):
    """The settings of one target; each has a default.

    ``read_by_check`` names the parts of a build that ``check`` looks at, and
    ``read_by_check_rendered`` those for ``check_rendered``. ``by_platform`` names the setting with
    a value for each of several platforms.
    """

    builder: BuilderName | None = Field(
        default=None,
        description="The program that builds here, in the place of builder: for all targets.",
        examples=["buildah"],
    )

    by_platform: ClassVar[str] = ""
    read_by_check: ClassVar[tuple[str, ...]] = ()
    read_by_check_rendered: ClassVar[tuple[str, ...]] = ()

    @property
    def store(self) -> str:
        """The field that says where secrets lie, where a target has one."""
        return ""

    def tools(self, build: Any) -> set[str]:
        """Which of the tools the target runs for a build."""
        joins = {"regctl"} if build.platforms and build.push != "never" else set()
        builder = self.builder or build.builder
        clones = builder in GITLESS and build.context.kind == "git"
        run = {*joins, "git"} if clones else joins
        return run if builder == KANIKO else {*run, builder}

    def time_tool(self, build: Any) -> str:
        """Which of the tools tells when a commit was made, where the platform does not."""
        return ""

    def fetches(self, build: Any) -> bool:
        """Whether the executor fetches a repository that another target checks out."""
        return False

    def merges_into(self, path: str) -> str:
        """What ``mode: merge`` puts jobs into at a path, where the form is not for that."""
        return ""

    def check(self, build: Any) -> Iterable[Finding]:
        """What is wrong with it beside the rest of a build."""
        return ()

    def check_rendered(self, build: Any, spec: Any) -> Iterable[Finding]:
        """What is wrong with it beside the rest of a build and the outputs of a spec."""
        return ()

    @classmethod
    def check_outputs(cls, spec: Any) -> Iterable[Finding]:  # noqa: ARG003
        """What is wrong with the files of a target."""
        return ()

    def unheard(self, build: Any) -> Iterable[tuple[Finding, bool]]:
        """What may have no effect, and whether it has one."""
        return ()
