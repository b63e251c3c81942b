"""Ships the templates compiled, in a package of their own; see ``ci_kaniko.layouts.fill``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledTemplates(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the package ``ci_kaniko_templates`` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the templates of this checkout with its own settings."""
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from ci_kaniko.layouts.fill import COMPILED, compiled
        finally:
            del sys.path[0]

        self.folder = TemporaryDirectory(prefix="ci-kaniko-")
        for name, text in compiled().items():
            Path(self.folder.name, name).write_text(text, encoding="utf-8")
        included = "force_include_editable" if version == "editable" else "force_include"
        build_data[included][self.folder.name] = COMPILED

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()
