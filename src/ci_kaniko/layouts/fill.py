"""The layouts of ``templates/``, filled.

A build compiles them (see ``hatch_build.py``) to Python that needs no Jinja: importing Jinja takes
longer than all the work on a spec. What has not been compiled, or has been edited since then, Jinja
compiles when it is asked for.
"""

from __future__ import annotations

from ci_kaniko.layouts.bundled import bundled, made_of, module_of
from ci_kaniko.layouts.runtime import Context, Unsupported
from ci_kaniko.quick.built import built
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def fill(template: str, view: Mapping[str, Any], folder: str = "") -> str:
    """A template of ``templates/``, or of another folder, filled with a view."""
    compiled = None if folder else built(module_of(template), made_of(template))
    if compiled:
        try:
            return "".join(compiled["root"](Context(view)))
        except Unsupported:
            pass
    from ci_kaniko.layouts.jinja import fill_by_jinja

    return fill_by_jinja(template, view, folder or bundled())
