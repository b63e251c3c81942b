"""Our judge, for authors of targets."""

from ci_kaniko.testing.judging import judge as judge
