"""What a build makes, so that a start need not: ``hatch_build.py`` ships it."""

from __future__ import annotations

from hashlib import sha256

from ci_kaniko.cli import completion, helped
from ci_kaniko.layouts.jinja import compiled
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def made() -> dict[str, str]:
    """The files of the package ``ci_kaniko_built``: their names and texts."""
    modules = {
        "__init__": '"""What a build of ci-kaniko has made."""\n',
        helped.MODULE: f"texts = {helped.texts()!r}\nmade_of = {helped.made_of()!r}\n",
        completion.MODULE: f"texts = {completion.texts()!r}\nmade_of = {completion.made_of()!r}\n",
        **compiled(),
    }
    return {f"{name}.py": text for name, text in modules.items()}


def fingerprint(folders: Iterable[Path]) -> str:
    """What tells a build of these sources from one of others: two have one version, too."""
    digest = sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name, text = bytes(path.relative_to(folder.parent)), path.read_bytes()
                digest.update(b"%s\0%d\0%s" % (name, len(text), text))
    return digest.hexdigest()
