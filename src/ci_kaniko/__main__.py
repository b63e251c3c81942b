"""``python -m ci_kaniko``."""

from ci_kaniko.cli.main import main

main()
