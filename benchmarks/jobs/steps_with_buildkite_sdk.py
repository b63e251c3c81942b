"""A Buildkite pipeline of so many steps, printed."""

import sys

from buildkite_sdk import CommandStep, Pipeline

pipeline = Pipeline()
for number in range(int(sys.argv[1])):
    context = f'--context="dir://$$PWD/services/image-{number:04}"'
    destination = f'--destination="ghcr.io/acme/image-{number:04}:$$BUILDKITE_COMMIT"'
    step = CommandStep(
        key=f"image-{number:04}",
        label=f":docker: image-{number:04}",
        command=[
            "set -eu",
            f"/kaniko/executor {context} {destination}",
        ],
    )
    pipeline.add_step(step)
print(pipeline.to_yaml())
