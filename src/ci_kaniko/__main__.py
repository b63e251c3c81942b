"""``python -m ci_kaniko``."""

from ci_kaniko.cli import main

main()
