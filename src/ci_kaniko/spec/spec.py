"""The class that users hold."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from ci_kaniko.spec.build import Build, Checked, NamedImage
from ci_kaniko.spec.fields import (
    NotEmpty,
)
from ci_kaniko.spec.model import Later
from ci_kaniko.spec.outputs import ImageName, Outputs

if TYPE_CHECKING:
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.source.source import Source


class Spec(Build):
    """One image, or several that share what they have in common."""

    images: Annotated[dict[ImageName, Later[NamedImage]], NotEmpty("an image")] = Field(
        default={},
        description="Several images, by name. Each inherits the rest of the spec: its own texts "
        "and lists replace, its mappings are merged key by key, null removes; ${image.name} is "
        "its name in every text.",
        examples=[{"api": {"context": "services/api"}, "web": {"needs": ["api"]}}],
    )
    outputs: Later[Outputs] = Field(
        default=Outputs.model_construct(),
        description="Files that hold the rendered configuration.",
        examples=[{"gitlab": ".gitlab-ci.yml"}],
    )

    _source: "Source | None" = PrivateAttr(default=None)
    _checked: Checked | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _examine(cls, data: Any, handler: "ModelWrapValidatorHandler[Spec]") -> "Spec":
        from ci_kaniko.spec.examine import examined

        return examined(data, handler)

    @property
    def source(self) -> "Source | None":
        """Where the spec was written; None when it was built in Python."""
        return self._source

    @property
    def findings(self) -> "list[Finding] | None":
        """What the rules say about the spec; None for a changed copy, which nobody has asked."""
        known = self._checked
        return known.findings if known and known.spec is self else None

    @property
    def builds(self) -> tuple[Build, ...]:
        """Every image of the spec with all that it inherits: itself when it has no ``images``."""
        return tuple(self.images.values()) or (self,)

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
