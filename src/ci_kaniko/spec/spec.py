"""The class that users hold."""

from typing import TYPE_CHECKING, Any

from pydantic import ModelWrapValidatorHandler, model_validator

from ci_kaniko.spec.build import SpecFields


class Spec(SpecFields):
    """One image, or several that share what they have in common."""

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _examine(cls, data: Any, handler: "ModelWrapValidatorHandler[Spec]") -> "Spec":
        from ci_kaniko.spec.examine import examined

        return examined(data, handler)

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
