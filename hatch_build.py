"""Ships the templates compiled, beside the templates themselves; see ``ci_kaniko.layouts``."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledTemplates(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the package ``ci_kaniko_templates`` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the templates of this checkout with its own settings."""
        sys.path.insert(0, str(Path(self.root, "src")))
        from ci_kaniko.layouts import COMPILED, compiled

        self.folder = Path(mkdtemp(prefix="ci-kaniko-"))
        for name, text in compiled().items():
            (self.folder / name).write_text(text, encoding="utf-8")
        editable = version == "editable"
        build_data["force_include_editable" if editable else "force_include"][
            str(self.folder)
        ] = COMPILED

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Leave nothing behind."""
        rmtree(self.folder)
