"""Builds the site into ``build/site``, or a folder that is named: ``python3 docs/web [FOLDER]``."""

import os
import sys

# Material would advertise its successor in each build.
os.environ["NO_MKDOCS_2_WARNING"] = "true"

from mkdocs.__main__ import cli

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mkdocs.yml")
INTO = [f"--site-dir={os.path.abspath(folder)}" for folder in sys.argv[1:]]

cli(["build", "--strict", f"--config-file={CONFIG}", *INTO], prog_name="docs/web")
