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
        """Compile the templates of this checkout, and write down what its ``--help`` prints.

        What is no checkout also gets a fingerprint of its sources.
        """
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from ci_kaniko.cli.making import fingerprint, made
            from ci_kaniko.quick.built import PACKAGE
            from ci_kaniko.syncing.memory import MADE_OF

            files = made()
        finally:
            del sys.path[0]

        self.folder = TemporaryDirectory(prefix="ci-kaniko-")
        package = Path(self.folder.name, PACKAGE)
        package.mkdir()
        for name, text in files.items():
            (package / name).write_text(text, encoding="utf-8")
        included = "force_include_editable" if version == "editable" else "force_include"
        build_data[included][str(package)] = PACKAGE
        if version != "editable":
            sources = (Path(self.root, name) for name in ("src/ci_kaniko", "templates"))
            made_of = Path(self.folder.name, MADE_OF)
            made_of.write_text(fingerprint(sources), encoding="utf-8")
            build_data[included][str(made_of)] = f"ci_kaniko/syncing/{MADE_OF}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()
