"""The layouts of ``templates/``, filled.

An installed ci-kaniko has them as Python as well, in the package ``ci_kaniko_templates`` that
``hatch_build.py`` makes: compiling a template takes Jinja ten times as long as filling it. What
that package does not have, or made of something else, is compiled when it is asked for. It is a
package of its own since an editable installation can put nothing into ``ci_kaniko``.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.bccache import bc_version

from ci_kaniko.text import yaml as yamltext

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_E = TypeVar("_E", bound=Environment)
COMPILED = "ci_kaniko_templates"

_SETTINGS: dict[str, Any] = {
    "undefined": StrictUndefined,
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<%=",
    "variable_end_string": "%>",
    "comment_start_string": "<%#",
    "comment_end_string": "%>",
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": False,
}


def fill(template: str, view: Mapping[str, Any], folder: str = "") -> str:
    """A template of ``templates/``, or of another folder, filled with a view."""
    return _environment(folder).get_template(template).render(view)


def compiled() -> dict[str, str]:
    """The files of the package ``ci_kaniko_templates``: their names and texts."""
    environment = _environment()
    files = {"__init__.py": '"""The templates of ci-kaniko, compiled by Jinja."""\n'}
    for name in environment.list_templates():
        code = environment.compile(_source(name), name, name, raw=True, defer_init=True)
        files[f"{_module(name)}.py"] = f"{code}\nmade_of = {_made_of(name)!r}\n"
    return files


class _Loader(BaseLoader):
    def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:
        return _source(template), None, None

    def list_templates(self) -> list[str]:
        return sorted(name for name in os.listdir(_templates()) if name.endswith(".j2"))

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja's name for it
    ) -> Template:
        try:
            found = vars(import_module(f"{COMPILED}.{_module(name)}"))
        except ImportError:
            found = {}
        if found.get("made_of") != _made_of(name):
            return super().load(environment, name, globals)
        return environment.template_class.from_module_dict(environment, found, globals or {})


def _source(name: str) -> str:
    with open(os.path.join(_templates(), name), encoding="utf-8") as file:
        return file.read()


def _templates() -> str:
    """The bundled templates: package data when installed, the top-level folder in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    packaged = os.path.join(package, "templates")
    return packaged if os.path.isdir(packaged) else os.path.join(package, "../../templates")


def _made_of(name: str) -> tuple[int, str, str]:
    """What the compiled form of a template depends on."""
    return bc_version, repr(_SETTINGS), _source(name)


def _module(name: str) -> str:
    return name.partition(".")[0]


@lru_cache(maxsize=8)
def _environment(folder: str = "") -> Environment:
    return with_filters(Environment, FileSystemLoader(folder) if folder else _Loader())


def with_filters(kind: type[_E], loader: BaseLoader) -> _E:
    """What fills a template: Jinja as the layouts need it."""
    environment = kind(loader=loader, **_SETTINGS)
    environment.filters.update(
        scalar=yamltext.scalar,
        single=yamltext.single,
        flow=yamltext.flow,
        literal=yamltext.literal,
        block=yamltext.block,
    )
    return environment
