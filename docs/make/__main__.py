"""Writes the generated pages: ``python3 docs/make``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from make.pages import main

main()
