"""Templates as Jinja compiles and fills them."""

from __future__ import annotations

import re
from functools import lru_cache

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from ci_kaniko.layouts.bundled import FILTERS, SETTINGS, bundled, made_of, module_of
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_E = TypeVar("_E", bound=Environment)


def fill_by_jinja(template: str, view: Mapping[str, Any], folder: str) -> str:
    """A template of a folder filled with a view. Raises BrokenTargetError when it is not there."""
    try:
        return _environment(folder).get_template(template).render(view)
    except TemplateNotFound as error:
        from ci_kaniko.problems.problem import BrokenTargetError

        lost = f"the template {error.name} is not in {folder}"
        raise BrokenTargetError(f"{lost}: was its distribution built without it?") from error


def compiled() -> dict[str, str]:
    """The bundled templates as Python that runs without Jinja: names of modules and their texts."""
    environment = _environment(bundled())
    return {
        module_of(name): f"{_without_jinja(environment, name)}\nmade_of = {made_of(name)!r}\n"
        for name in environment.list_templates(["j2"])
    }


def _without_jinja(environment: Environment, template: str) -> str:
    source = made_of(template)[1]
    code: str = environment.compile(source, template, template, raw=True, defer_init=True)
    head, body = code.split("\n", 1)
    known = head.removeprefix("from jinja2.runtime import ").split(", ")
    used = [name for name in known if re.search(rf"\b{name}\b", body)]
    return f"from ci_kaniko.layouts.runtime import environment, {', '.join(used)}\n{body}"


@lru_cache(maxsize=8)
def _environment(folder: str) -> Environment:
    return with_filters(Environment, FileSystemLoader(folder))


def with_filters(kind: type[_E], loader: BaseLoader) -> _E:
    """What fills a template: Jinja as the layouts need it."""
    environment = kind(loader=loader, undefined=StrictUndefined, **SETTINGS)
    environment.filters.update(FILTERS)
    return environment
