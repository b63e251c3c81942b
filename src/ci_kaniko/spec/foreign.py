"""Sections of the spec for targets that other distributions install."""

from __future__ import annotations

from functools import partial
from threading import RLock

from pydantic import Field
from pydantic.fields import FieldInfo

from ci_kaniko.kaniko.installed import installed, installed_names
from ci_kaniko.kaniko.systems import ADOPTED, ADOPTING
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.logins import Login, Registry
from ci_kaniko.spec.model import Later, Section
from ci_kaniko.spec.outputs import OutputFiles, Outputs
from ci_kaniko.spec.rules.rule import RULES, Rule
from ci_kaniko.spec.rules.sections import sections_are_checked
from ci_kaniko.spec.rules.texts import texts_are_checked
from ci_kaniko.spec.texts import forget_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.spec.model import Model


_ADOPTING = RLock()


def adopt(names: Iterable[str]) -> None:
    """Give the model a section for each target of these names, unless it has one."""
    wanted = {*names}
    with _ADOPTING:
        for name in installed_names():
            if name in wanted and name not in ADOPTED:
                ADOPTING.add(name)
                try:
                    _adopt(name)
                finally:
                    ADOPTING.discard(name)


def _adopt(name: str) -> None:
    target = installed(name)
    settings: Any = target.settings or Section
    default = settings.model_construct()
    section = Field(
        default=default, description=f"{target.summary}: its own settings.", examples=[{}]
    )
    output = Field(
        default=(),
        description=f"The file, or several, for {target.summary}.",
        examples=[target.output],
    )
    login = Field(
        default=None,
        description=f"The login on {target.summary}.",
        examples=[{"username": "acme-bot", "password": "ACME_REGISTRY_TOKEN"}],
    )
    for model in _family(Build):
        _add(model, name, Later[settings], section)  # type: ignore[misc]
    _add(Outputs, name, OutputFiles, output)
    _add(Registry, name, Later[Login] | None, login)
    RULES.append(Rule((f"{name}[]",), partial(texts_are_checked, name)))
    sections_are_checked(name, settings)
    ADOPTED.append(name)
    forget_fields()


def _family(model: type[Model]) -> Iterator[type[Model]]:
    yield model
    for below in model.__subclasses__():
        yield from _family(below)


def _add(model: type[Model], name: str, annotation: Any, field: Any) -> None:
    """A field more; instances that were made without it have the default of the class."""
    info = FieldInfo.from_annotated_attribute(annotation, field)
    model.__pydantic_fields__[name] = info
    setattr(model, name, info.default)
    model.model_rebuild(force=True)
