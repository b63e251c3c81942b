"""GitLab CI."""

from ci_kaniko.targets.gitlab.jobs import TARGET as TARGET
