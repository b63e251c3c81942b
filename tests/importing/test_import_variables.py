"""A variable has the value of the innermost place, and nothing of it stays for what follows."""

from __future__ import annotations

import pytest

from ci_kaniko import import_files

RUN = "/kaniko/executor --context=git://github.com/a/b --destination=ghcr.io/acme"
IMAGE = "gcr.io/kaniko-project/executor:v1.23.2-debug"

GITHUB = f"""\
on: {{push: {{branches: [main]}}}}
env: {{TAG: workflow, A: a}}
jobs:
  b:
    runs-on: ubuntu-24.04
    env: {{TAG: job}}
    container: {{image: "{IMAGE}"}}
    steps:
      - env: {{TAG: "step-${{{{ env.TAG }}}}"}}
        run: |
          {RUN}/e:${{{{ env.TAG }}}} --destination=ghcr.io/acme/s:$TAG
      - run: {RUN}/e2:${{{{ env.TAG }}}} --destination=ghcr.io/acme/s2:$TAG
      - run: |
          TAG=own
          {RUN}/e3:${{{{ env.TAG }}}} --destination=ghcr.io/acme/s3:$TAG
      - run: echo TAG=exported >> "$GITHUB_ENV"
      - run: {RUN}/e4:${{{{ env.TAG }}}} --destination=ghcr.io/acme/s4:$TAG
      - env: {{GO: "yes"}}
        if: env.GO == 'yes'
        run: {RUN}/e5:${{{{ env.TAG }}}}-${{{{ env.A }}}}
"""
ACTIONS = """\
on: {push: {branches: [main]}}
env: {TAG: workflow}
jobs:
  b:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/metadata-action@v5
        id: m
        env: {TAG: step}
        with: {images: ghcr.io/acme/m, tags: "type=raw,value=${{ env.TAG }}"}
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "${{ steps.m.outputs.tags }}"}
      - uses: docker/build-push-action@v6
        env: {TAG: step}
        with: {push: true, tags: "ghcr.io/acme/a:${{ env.TAG }}"}
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "ghcr.io/acme/a2:${{ env.TAG }}"}
"""
GITLAB = f"""\
variables: {{TAG: file, IMG: "ghcr.io/acme/i:$TAG"}}
default: {{image: {{name: "{IMAGE}", entrypoint: [""]}}}}
b:
  variables: {{TAG: job}}
  script: ["{RUN}/s:$TAG --destination=$IMG"]
c:
  script: ["{RUN}/s2:$TAG"]
"""
BUILDKITE = f"""\
env: {{TAG: pipeline}}
steps:
  - env: {{TAG: step}}
    command: "{RUN}/u:$TAG --destination=ghcr.io/acme/r:$$TAG"
    plugins: [{{kubernetes: {{podSpec: {{containers: [{{image: "{IMAGE}"}}]}}}}}}]
  - command: "{RUN}/u2:${{TAG}} --destination=ghcr.io/acme/r2:$$TAG"
    plugins: [{{kubernetes: {{podSpec: {{containers: [{{image: "{IMAGE}"}}]}}}}}}]
"""
AGOLA = f"""\
runs:
  - name: r
    tasks:
      - name: build
        environment: {{TAG: task}}
        runtime:
          type: pod
          containers: [{{image: "{IMAGE}", environment: {{TAG: container, A: a}}}}]
        steps:
          - run:
              environment: {{TAG: step, a-b: c, TEXT: "one\\ntwo"}}
              command: "{RUN}/s:$TAG-$A -d ghcr.io/acme/t:$(echo \\"$TEXT\\" | head -n 1)"
          - run: {RUN}/s2:$TAG
          - run: export TAG=own; cd /tmp
          - run: {RUN}/s3:$TAG
"""
JENKINS = f"""\
pipeline {{
  agent any
  environment {{ TAG = 'pipeline' }}
  stages {{
    stage('b') {{
      environment {{ TAG = 'stage' }}
      steps {{ container('kaniko') {{
        withEnv(["TAG=with-${{env.TAG}}"]) {{
          sh "{RUN}/g:${{TAG}} --destination=ghcr.io/acme/e:${{env.TAG}}"
          sh '{RUN}/s:$TAG'
        }}
        sh "{RUN}/g2:${{TAG}} --destination=ghcr.io/acme/s2:\\$TAG"
        withEnv(['TAG=other']) {{ sh '{RUN}/s3:$TAG' }}
      }} }}
    }}
  }}
}}
"""
TEKTON = f"""\
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: t}}
spec:
  stepTemplate: {{env: [{{name: TAG, value: template}}]}}
  steps:
    - name: one
      image: {IMAGE}
      env: [{{name: TAG, value: step}}]
      script: |
        #!/busybox/sh
        {RUN}/s:$TAG
    - name: two
      image: {IMAGE}
      script: |
        #!/busybox/sh
        {RUN}/s2:$TAG
"""
FILES = {
    "image.yml": (
        GITHUB,
        "e:step-job s:step-job e2:job s2:job e3:job s3:own e4:exported s4:exported e5:exported-a",
    ),
    "actions.yml": (ACTIONS, "m:step a:step a2:workflow"),
    ".gitlab-ci.yml": (GITLAB, "s:job i:job s2:file"),
    "pipeline.yml": (BUILDKITE, "u:pipeline r:step u2:pipeline r2:pipeline"),
    ".agola/config.yml": (AGOLA, "s:step-a t:one s2:task s3:task"),
    "Jenkinsfile": (JENKINS, "g:with-stage e:with-stage s:with-stage g2:stage s2:stage s3:other"),
    "task.yaml": (TEKTON, "s:step s2:template"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_variable_is_that_of_the_place_that_reads_it(name: str) -> None:
    text, wanted = FILES[name]
    spec = import_files([(name, text)]).spec
    builds = [spec, *(spec.images or {}).values()]
    found = [str(each.image) for build in builds for each in build.destinations or ()]
    assert sorted(found) == sorted(f"ghcr.io/acme/{image}" for image in wanted.split())


def test_variables_of_a_jenkinsfile_keep_their_order() -> None:
    names = [f"KEPT_{letter}" for letter in "QWERTYUIOP"]
    sets = "".join(f"    {name} = 'x'\n" for name in names)
    text = f"""\
pipeline {{
  agent {{ kubernetes {{ yaml 'spec: {{containers: [{{name: kaniko, image: "{IMAGE}"}}]}}' }} }}
  environment {{
{sets}  }}
  stages {{
    stage('build') {{
      steps {{ container('kaniko') {{ sh '/kaniko/executor -c . -d quay.io/acme/shop:1' }} }}
    }}
  }}
}}
"""
    found = import_files([("Jenkinsfile", text)])
    assert [*found.spec.env] == names
