"""The class that users hold."""

from ci_kaniko.kaniko.systems import ADOPTING
from ci_kaniko.quick.declaring import model_serializer, model_validator
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.build import NamedImage, SpecFields
from ci_kaniko.spec.logins import Login, Registry
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.outputs import Outputs

if TYPE_CHECKING:
    from pydantic import ModelWrapValidatorHandler
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import SpecDict


class Spec(SpecFields):
    """One image, or several that share what they have in common."""

    if TYPE_CHECKING:

        def __init__(self, /, **data: Unpack[SpecDict]) -> None: ...

    def __new__(cls, /, **data: Any) -> "Spec":  # noqa: PYI034 - Self needs Python 3.11
        """A spec that is built in Python may name targets of others as well."""
        if data:
            _has_adopted(data)
        return super().__new__(cls)

    @model_validator(mode="wrap")
    @classmethod
    def _examine(cls, data: Any, handler: "ModelWrapValidatorHandler[Spec]") -> "Spec":
        from ci_kaniko.spec.examine import examined

        if _has_adopted(data):
            return cls.model_validate(data)
        return examined(data, handler)

    @model_serializer(mode="wrap")
    def _write(self, handler: Any) -> dict[str, Any]:
        said: dict[str, Any] = handler(self)
        if said.get("images"):
            from ci_kaniko.spec.images import said_by

            said["images"] = {
                name: said_by(self.images[name], item, said)
                for name, item in said["images"].items()
            }
        return said

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


def _has_adopted(data: Any) -> bool:
    """Whether the model has got a section more, for a target that ``data`` names.

    Another thread may have given it that meanwhile.
    """
    strangers = _strangers(data)
    if not strangers:
        return False
    from ci_kaniko.kaniko.installed import installed_names

    if strangers.isdisjoint(installed_names()):
        return False
    from ci_kaniko.spec.foreign import adopt

    adopt(strangers)
    return True


def _strangers(data: Any) -> set[str]:
    """Keys that nothing reads yet, in places where the name of a target can stand."""
    if not isinstance(data, dict):
        return set()
    found = _unread(data, Spec) | _unread(data.get("outputs"), Outputs)
    images, registries = data.get("images"), data.get("registries")
    for image in images.values() if isinstance(images, dict) else ():
        found |= _unread(image, NamedImage)
        found |= _in_registries(image.get("registries")) if isinstance(image, dict) else set()
    return found | _in_registries(registries)


def _in_registries(registries: Any) -> set[str]:
    given = registries.values() if isinstance(registries, dict) else ()
    found = {key for registry in given for key in _unread(registry, Registry)}
    return found - Login.model_fields.keys()


def _unread(value: Any, model: type[Model]) -> set[str]:
    """Keys without a field that a model can read."""
    keys = {str(key) for key in value} if isinstance(value, dict) else set()
    return keys - (model.model_fields.keys() - ADOPTING)
