"""Prints a GitLab pipeline of as many jobs as the argument says, from Jsonnet."""

import sys
from pathlib import Path

import _jsonnet

SOURCE = Path(__file__).with_name("pipeline.jsonnet")
print(_jsonnet.evaluate_file(str(SOURCE), ext_vars={"count": sys.argv[1]}))
