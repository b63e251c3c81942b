"""Ships what a start must not wait for, in a package of its own; see ``ci_kaniko.quick.built``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Built(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the package ``ci_kaniko_built`` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the templates of this checkout, and write down what its ``--help`` prints."""
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from ci_kaniko.cli.making import made
            from ci_kaniko.quick.built import PACKAGE

            files = made()
        finally:
            del sys.path[0]

        self.folder = TemporaryDirectory(prefix="ci-kaniko-")
        for name, text in files.items():
            Path(self.folder.name, name).write_text(text, encoding="utf-8")
        included = "force_include_editable" if version == "editable" else "force_include"
        build_data[included][self.folder.name] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()
