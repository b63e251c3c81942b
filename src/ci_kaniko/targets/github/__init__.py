"""GitHub Actions."""

from ci_kaniko.targets.github.workflow import TARGET as TARGET
