"""Agola."""

from ci_kaniko.targets.agola.run import TARGET as TARGET
