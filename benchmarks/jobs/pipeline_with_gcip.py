"""A GitLab pipeline of so many jobs, printed."""

import sys

import yaml
from gcip import Job, Pipeline

pipeline = Pipeline()
for number in range(int(sys.argv[1])):
    context = f'--context="dir://$CI_PROJECT_DIR/services/image-{number:04}"'
    destination = f'--destination="ghcr.io/acme/image-{number:04}:$CI_COMMIT_SHA"'
    job = Job(
        stage="build",
        name=f"image-{number:04}",
        image="ghcr.io/osscontainertools/kaniko:v1.28.3-debug",
        script=[
            "set -eu",
            f"/kaniko/executor {context} {destination}",
        ],
    )
    pipeline.add_children(job)
print(yaml.dump(pipeline.render(), sort_keys=False))
