"""Makes the playground: ``python3 docs/playground FOLDER``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playground.making import main

main()
