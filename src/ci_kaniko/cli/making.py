"""What a build makes, so that a start need not: ``hatch_build.py`` ships it."""

from __future__ import annotations

from ci_kaniko.cli import completion, helped
from ci_kaniko.layouts.jinja import compiled


def made() -> dict[str, str]:
    """The files of the package ``ci_kaniko_built``: their names and texts."""
    modules = {
        "__init__": '"""What a build of ci-kaniko has made."""\n',
        helped.MODULE: f"texts = {helped.texts()!r}\nmade_of = {helped.made_of()!r}\n",
        completion.MODULE: f"texts = {completion.texts()!r}\nmade_of = {completion.made_of()!r}\n",
        **compiled(),
    }
    return {f"{name}.py": text for name, text in modules.items()}
