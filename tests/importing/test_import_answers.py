"""Small pipelines as people write them: what the spec says of each, and what the report does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ci_kaniko import import_files, lint, loads
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"
GITLAB = f"build:\n  image: {{name: '{IMAGE}', entrypoint: ['']}}\n"
PLUGIN = (
    f"[{{kubernetes: {{podSpecPatch: {{containers: [{{name: container-0, image: '{IMAGE}'}}]}}}}}}]"
)


INCLUDED = f"""\
spec: {{inputs: {{name: , folder: {{default: .}}}}}}
---
build-$[[ inputs.name ]]:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script: /kaniko/executor -c $[[ inputs.folder ]] -d quay.io/acme/$[[ inputs.name ]]:1
"""
BESIDE = ("ci/kaniko.yml", INCLUDED)
"""A file that pipelines include."""


class Case(NamedTuple):
    """A pipeline; what stands in its spec by dotted keys, and in its report by line and rule."""

    file: str
    text: str
    spec: Mapping[str, Any]
    told: tuple[tuple[int, str], ...] = ()
    silent: tuple[str, ...] = ()


CASES = {
    "two environments are two jobs": Case(
        ".gitlab-ci.yml",
        f"""\
.one:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script: /kaniko/executor --context=. --destination=quay.io/acme/$STAGE:1
staging:
  extends: .one
  variables: {{STAGE: staging}}
  environment: {{name: staging, action: prepare}}
  rules: [{{if: $CI_COMMIT_BRANCH == "develop"}}]
production:
  extends: .one
  variables: {{STAGE: production}}
  environment: {{name: production, action: prepare}}
  resource_group: production
  rules: [{{if: $CI_COMMIT_BRANCH == "main"}}]
""",
        {
            "images.staging.gitlab.extra.environment.name": "staging",
            "images.production.gitlab.extra.environment.name": "production",
            "images.production.gitlab.resource_group": "production",
        },
        silent=("jobs-joined",),
    ),
    "a token has an audience": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  id_tokens:
    TOKEN: {{aud: https://gitlab.com}}
  script:
    - echo "$TOKEN" > /tmp/token
    - export AWS_WEB_IDENTITY_TOKEN_FILE=/tmp/token
    - export AWS_ROLE_ARN=arn:aws:iam::111122223333:role/push
    - /kaniko/executor -c . -d 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop:1
""",
        {},
        told=((4, "token-audience"),),
    ),
    "what Buildah is given anyway is no loss": Case(
        ".gitlab-ci.yml",
        """\
variables: {STORAGE_DRIVER: vfs, BUILDAH_ISOLATION: chroot, BUILDAH_FORMAT: docker}
build:
  image: quay.io/buildah/stable:v1.41
  script:
    - buildah build -t quay.io/acme/shop:1 .
    - buildah push quay.io/acme/shop:1
""",
        {"builder": "buildah"},
        silent=("not-carried",),
    ),
    "a shell as entrypoint starts the shell": Case(
        ".gitlab-ci.yml",
        f"""\
build:
  image: {{name: '{IMAGE}', entrypoint: [/bin/sh, -c]}}
  script: /kaniko/executor --context=. --destination=quay.io/acme/shop:1
""",
        {},
        silent=("entrypoint",),
    ),
    "Harbor's robots have a dollar": Case(
        "ci.sh",
        """\
cd /kaniko/.docker
echo '{"auths":{"hub.acme.dev":{"username":"robot$ci","password":"'"$PW"'"}}}' > config.json
cd -
/kaniko/executor --context=. --destination=hub.acme.dev/shop/app:1
""",
        {"registries": {"hub.acme.dev": {"username": "robot$ci", "password": "PW"}}},
        silent=("unexpanded-variable", "unknown-user"),
    ),
    "a short name of a secret is one": Case(
        ".agola/config.yml",
        f"""\
runs:
  - name: main
    tasks:
      - name: image
        runtime: {{containers: [{{image: '{IMAGE}'}}]}}
        environment: {{PASS: {{from_variable: pw}}}}
        steps:
          - clone:
          - run: |
              a=$(printf 'bot:%s' "$PASS" | base64 | tr -d '\\n')
              printf '{{"auths":{{"quay.io":{{"auth":"%s"}}}}}}' "$a" > /kaniko/.docker/config.json
              /kaniko/executor --context=. --destination=quay.io/acme/shop:1
""",
        {"registries": {"quay.io": {"username": "bot", "password": "PW"}}},
        told=((11, "secret-name"),),
        silent=("bad-secret-name",),
    ),
    "one image twice is pushed where either is": Case(
        "ci.sh",
        """\
set -- --destination=quay.io/acme/shop
if [ -n "$CI_COMMIT_TAG" ]; then set -- "$@" --destination=quay.io/acme/shop:latest; fi
/kaniko/executor --context=. "$@"
""",
        {"destinations": ["quay.io/acme/shop"]},
        silent=("duplicate-destination",),
    ),
    "tasks that build wait as images": Case(
        ".agola/config.yml",
        f"""\
runs:
  - name: main
    tasks:
      - name: api
        runtime: {{containers: [{{image: '{IMAGE}'}}]}}
        steps: [{{clone: }}, {{run: /kaniko/executor -c api -d quay.io/acme/api:1}}]
      - name: web
        depends: [api]
        runtime: {{containers: [{{image: '{IMAGE}'}}]}}
        steps: [{{clone: }}, {{run: /kaniko/executor -c web -d quay.io/acme/web:1}}]
      - name: tell
        depends: [web]
        runtime: {{containers: [{{image: alpine}}]}}
        steps: [{{run: ./tell}}]
""",
        {"images.web.needs": "api"},
        told=((11, "other-job"),),
        silent=("earlier-task",),
    ),
    "steps that build wait as images": Case(
        ".buildkite/pipeline.yml",
        f"""\
steps:
  - key: api
    command: /kaniko/executor --context=api --destination=quay.io/acme/api:1
    plugins: {PLUGIN}
  - key: web
    depends_on: [api, lint]
    command: /kaniko/executor --context=web --destination=quay.io/acme/web:1
    plugins: {PLUGIN}
  - command: ./tell
""",
        {"images.web.needs": "api", "images.web.buildkite.extra.depends_on": ["lint"]},
        told=((9, "other-job"),),
    ),
    "an included file has its inputs": Case(
        ".gitlab-ci.yml",
        """\
include:
  - {local: ci/kaniko.yml, inputs: {name: web, folder: web}}
  - {local: ci/kaniko.yml, inputs: {name: api}}
""",
        {"images.web.context": "web", "images.api": {}},
        silent=("include", "not-portable", "unknown-context"),
    ),
    "an included file brings its jobs where its rules let it": Case(
        ".gitlab-ci.yml",
        f"""\
include:
  - local: ci/kaniko.yml
    inputs: {{name: web, folder: web}}
    rules: [{{if: $CI_COMMIT_BRANCH == "main", changes: [web/**/*]}}]
own job:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script: /kaniko/executor -c own -d quay.io/acme/$CI_JOB_NAME_SLUG-$CI_JOB_STAGE:1
""",
        {
            "images.web.triggers": {"branches": ["main"], "paths": ["web/**/*"]},
            "images.own-job.triggers": {"branches": ["**"], "tags": ["**"]},
            "images.own-job.destinations": ["quay.io/acme/own-job-test:1"],
        },
        silent=("include", "paths", "duplicate-destination"),
    ),
    "a host that only a run knows has no login": Case(
        ".gitlab-ci.yml",
        """\
build:
  variables: {DOCKER_CONFIG: $CI_PROJECT_DIR/config}
  script:
    - docker login -u _json_key -p "$KEY" "https://$(cat region)-docker.pkg.dev"
    - docker login -u bot -p "$PASSWORD" "$(grep ^HOST= .env)"
    - cat "$CA" >> /etc/docker/certs.d/quay.io/ca.crt
    - docker build -t "$(cat region)-docker.pkg.dev/acme/shop:1" -t "$ALL" -t quay.io/acme/shop:1 .
    - docker push --all-tags "$(cat region)-docker.pkg.dev/acme/shop"
    - docker push "$ALL"
    - docker push quay.io/acme/shop:1
""",
        {"destinations": ["${env.ALL}", "quay.io/acme/shop:1"], "gitlab": {"job": "build"}},
        told=((1, "no-image"), (4, "unknown-host"), (5, "unknown-host"), (7, "missing-login")),
        silent=("foreign-cloud-login", "bad-host"),
    ),
    "a registry that only a run knows has the logins that nothing else uses": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: {name: gcr.io/kaniko-project/executor:v1.23.2-debug, entrypoint: [""]}
  script:
    - >-
      echo "{\\"auths\\":{\\"$CI_REGISTRY\\":{\\"auth\\":
      \\"$(printf %s:%s "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" | base64)\\"}}}"
      > /kaniko/.docker/config.json
    - /kaniko/executor -c "$CI_PROJECT_DIR" -d "$CI_REGISTRY_IMAGE:1" -d "$IMAGE:1" -d "$IMAGE-x:1"
""",
        {
            "destinations": ["${registry.image}:1", "${env.IMAGE}:1", "${env.IMAGE}-x:1"],
            "registries": {"${registry.host}": "ci-token"},
        },
        told=((8, "served-registry"),),
    ),
    "a login by a variable is that of the registry's name": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: docker:27
  script:
    - docker login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" "$CI_REGISTRY"
    - docker build -t registry.gitlab.com/acme/shop:1 .
    - docker push registry.gitlab.com/acme/shop:1
""",
        {"destinations": ["registry.gitlab.com/acme/shop:1"]},
        silent=("hook-login", "missing-login"),
    ),
    "requests keep the login for base images, and no image has another one behind it": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: docker:27
  rules: [if: $CI_PIPELINE_SOURCE == "merge_request_event", if: $CI_COMMIT_BRANCH]
  script:
    - docker login -u "$QUAY_USER" -p "$QUAY_PASSWORD" quay.io
    - docker build -t "$IMAGE:1" -t "$IMAGE/web:1" .
    - if [ "$CI_COMMIT_BRANCH" ]; then docker push "$IMAGE:1"; docker push "$IMAGE/web:1"; fi
""",
        {
            "destinations": [{"image": "${env.IMAGE}:1", "when": {"branch": "**"}}],
            "registries": {
                "quay.io": {
                    "username": {"secret": "QUAY_USER"},
                    "password": "QUAY_PASSWORD",
                    "pull": True,
                }
            },
        },
        told=((6, "served-registry"), (7, "destination")),
        silent=("docker-hub",),
    ),
    "a stage of Jenkins asks which files have changed": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  stages {
    stage('api') {
      when { allOf { branch 'main'; changeset pattern: "api/**" } }
      steps { sh '/kaniko/executor -c `pwd`/api -d q.io/a/api:1' }
    }
    stage('web') {
      when { anyOf { changeset 'web/**'; changeset '**/*.ts' } }
      steps { sh '/kaniko/executor -c `pwd`/web -d q.io/a/web:1' }
    }
    stage('both') {
      when { changeset 'a/**'; changeset 'b/**' }
      steps { sh '/kaniko/executor -c `pwd`/both -d q.io/a/both:1' }
    }
    stage('else') {
      when { anyOf { changeset 'a/**'; branch 'main' } }
      steps { sh '/kaniko/executor -c `pwd`/else -d q.io/a/else:1' }
    }
  }
}
""",
        {
            "images.api.triggers": {"branches": ["main"], "paths": ["api/**"]},
            "images.web.triggers": {
                "branches": ["**"],
                "pull_requests": True,
                "paths": ["web/**", "**/*.ts"],
            },
            "images.both.push": "never",
        },
        told=((13, "unknown-trigger"), (17, "unknown-trigger")),
    ),
    "Jenkins' plugin builds, tags for a registry, and pushes in another stage": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  environment {
    name = "team/app"
    login = 'harbor-login'
    made = ''
  }
  stages {
    stage('Build') {
      steps {
        script { made = docker.build(name + ":${env.BUILD_NUMBER}", "--target prod -f d/D d") }
      }
    }
    stage('Push') {
      when { branch 'main' }
      steps {
        script {
          docker.withRegistry("https://harbor.acme.io:8443/", login) {
            made.push()
            made.push('latest')
          }
        }
      }
    }
  }
}
""",
        {
            "context": "d",
            "dockerfile": "D",
            "target": "prod",
            "destinations": [
                {
                    "image": f"harbor.acme.io:8443/team/app:{tag}",
                    "when": {"branch": "main"},
                }
                for tag in ("${build.number}", "latest")
            ],
            "registries": {
                "harbor.acme.io:8443": {
                    "username": {"secret": "HARBOR_LOGIN_USR"},
                    "password": "HARBOR_LOGIN_PSW",
                }
            },
        },
        told=((18, "groovy"),),
        silent=("missing-login", "unused-variable"),
    ),
    "Jenkins' plugin pushes what a function is given, to Docker Hub by any of its names": Case(
        "Jenkinsfile",
        """\
def image(String name, String how) {
  docker.withRegistry('https://registry.hub.docker.com', 'hub') {
    def app = docker.build(name, how)
    app.push()
  }
}
node {
  stage('one') { image("acme/one:1", "one") }
  stage('two') { image("acme/two", "two") }
  stage('three') {
    docker.withRegistry('', 'hub') {
      docker.build("acme/three:${env.BUILD_NUMBER}", 'three').push("v3")
      if (env.BRANCH_NAME == 'main') { docker.image("acme/three:${env.BUILD_NUMBER}").push('main') }
    }
  }
}
""",
        {
            "images.one.destinations": ["acme/one:1"],
            "images.two.destinations": ["acme/two:latest"],
            "images.three.destinations": [
                "acme/three:v3",
                {"image": "acme/three:main", "when": {"branch": "main"}},
            ],
            "registries": {"docker.io": {"username": {"secret": "HUB_USR"}, "password": "HUB_PSW"}},
        },
    ),
    "Jenkins' plugin puts a host before a name once, and logs in to clouds": Case(
        "Jenkinsfile",
        """\
def put(String name) {
  docker.withRegistry("https://${env.HOST}", "gcr:" + key) { docker.build(name, "two").push("v2") }
}
pipeline {
  agent any
  environment {
    registry = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop'
    key = 'robot'
  }
  stages {
    stage('one') {
      steps {
        script {
          def app = docker.build(registry + ":$BUILD_NUMBER", "one")
          docker.withRegistry("https://" + registry, "ecr:eu-west-1:aws") { app.push() }
          docker.withRegistry("https://" + registry, "ecr:eu-west-1:other") { app.push("other") }
        }
      }
    }
    stage('two') {
      environment { HOST = 'gcr.io' }
      steps { script { put("$HOST/acme/two") } }
    }
  }
}
""",
        {
            "images.one.destinations": [
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:${build.number}"
            ],
            "images.one.registries": {
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com": {
                    "aws": {
                        "access_key_id": "IMAGE_AWS_ACCESS_KEY_ID",
                        "secret_access_key": "IMAGE_AWS_SECRET_ACCESS_KEY",
                    }
                }
            },
            "images.two.destinations": ["gcr.io/acme/two:v2"],
            "images.two.registries": {
                "gcr.io": {"google": {"key_file": "IMAGE_GOOGLE_APPLICATION_CREDENTIALS"}}
            },
        },
        told=((16, "groovy"),),
        silent=("unused-variable", "skipped-command", "missing-login"),
    ),
    "Jenkins' plugin pushes no image that a run chose, and has the logins around": Case(
        "Jenkinsfile",
        """\
node {
  docker.withRegistry("https://${env.HOST}", 'login') {
    def made
    stage('Build') {
      if (env.BRANCH_NAME == 'main') { made = docker.build("acme/prod", "-f P .") }
      else { made = docker.build("acme/dev", "-f D .") }
    }
    stage('Push') {
      made.push('v1')
      withDockerRegistry([credentialsId: 'hub', url: '']) {
        sh 'docker tag acme/dev acme/dev:v2 && docker push acme/dev:v2'
      }
    }
  }
}
""",
        {
            "images.build.push": "never",
            "images.dev.destinations": [
                {
                    "image": "acme/dev:v2",
                    "when": ["pull-request", {"branch": ["**", "!main"]}, {"tag": "**"}],
                }
            ],
            "images.dev.registries": {
                "docker.io": {"username": {"secret": "HUB_USR"}, "password": "HUB_PSW"}
            },
        },
        told=((9, "groovy"),),
    ),
    "what Jenkins' plugin is told by what nobody knows is not pushed": Case(
        "Jenkinsfile",
        """\
node {
  stage('a') {
    def app = docker.build("acme/app:1")
    docker.withRegistry(where(), 'login') {
      app.push()
    }
  }
}
""",
        {"push": "never"},
        told=((3, "never-pushed"), (5, "groovy")),
    ),
    "a Jenkinsfile goes over words that stand in it, and asks for a parameter's default": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  parameters { booleanParam(name: 'PUSH', defaultValue: true); booleanParam(name: 'ALL') }
  stages {
    stage('build') {
      steps {
        script {
          ['api', 'web'].each { name -> sh "docker build -t quay.io/a/${name}:1 ./$name" }
          def more = [[name: 'job', folder: 'jobs/job']]
          for (one in more) { dir(one.folder) { sh "docker build -t quay.io/a/${one.name}:1 ." } }
          def beside = [:]
          [cli: 'tools', lib: 'libs'].each { name, folder ->
            beside[name] = { docker.build("quay.io/a/${name}:1", folder) }
          }
          parallel beside
        }
      }
    }
    stage('push') {
      when { expression { params.PUSH } }
      parallel {
        stage('some') {
          steps {
            script {
              ['api', 'web'].each {
                if ("${env.BRANCH_NAME}" == "main") { sh "docker push quay.io/a/${it}:1" }
              }
              if ("x-${KIND}" == 'x-y') { sh "docker push quay.io/a/cli:1" }
              if (params.ALL) { sh "docker push quay.io/a/lib:1" }
            }
          }
        }
        stage('job') { steps { sh 'docker push quay.io/a/job:1' } }
      }
    }
  }
}
""",
        {
            "images.api.context": "api",
            "images.api.destinations": [{"image": "quay.io/a/api:1", "when": {"branch": "main"}}],
            "images.web.context": "web",
            "images.job.context": "jobs/job",
            "images.job.destinations": ["quay.io/a/job:1"],
            "images.tools.context": "tools",
            "images.tools.push": "never",
            "images.libs.push": "never",
        },
        told=((20, "groovy"), (28, "unknown-condition"), (29, "groovy")),
        silent=("unknown-context", "unknown-trigger", "unused-variable"),
    ),
    "a folder is left as it was entered": Case(
        "ci.sh",
        """\
pushd api > /dev/null
docker build -t quay.io/a/api:1 . && docker push quay.io/a/api:1
popd
docker build -t quay.io/a/web:1 . && docker push quay.io/a/web:1
""",
        {"images.api.context": "api", "images.web": {}},
        silent=("skipped-command", "unknown-context"),
    ),
    "the first tasks of Tekton asked for their parameters below inputs": Case(
        "task.yaml",
        f"""\
apiVersion: tekton.dev/v1alpha1
kind: Task
metadata: {{name: image}}
spec:
  inputs:
    resources: [{{name: source, type: git}}]
    params: [{{name: folder, default: /workspace/source/api}}]
  steps: [{{image: '{IMAGE}', args: ['-c=$(inputs.params.folder)', '-d=quay.io/a/b:1']}}]
""",
        {"context": "api"},
        told=((7, "parameter"),),
    ),
    "a script is told its registry": Case(
        "ci.sh",
        """\
printf %s "$3" | docker login -u "$2" --password-stdin "$1"
docker build -t "$1/a/b:1" . && docker push "$1/a/b:1"
""",
        {"push": "never"},
        told=((2, "not-portable"),),
    ),
    "a copy of a Dockerfile is that file, and one that a script writes is no commit's": Case(
        "ci.sh",
        """\
cp docker/Dockerfile . && docker build -t quay.io/a/api:1 .
docker push quay.io/a/api:1
echo "FROM quay.io/a/api:1" > web/Dockerfile
docker build -t quay.io/a/web:1 web && docker push quay.io/a/web:1
curl -sSfo db/Dockerfile https://x.io/Dockerfile
docker build -t quay.io/a/db:1 db && docker push quay.io/a/db:1
""",
        {
            "images.api.dockerfile": "docker/Dockerfile",
            "images.web.push": "never",
            "images.db.push": "never",
        },
        told=((4, "unknown-dockerfile"), (6, "unknown-dockerfile")),
    ),
    "a token stands in the address of a context": Case(
        "ci.sh",
        f"/kaniko/executor -c git://ghp_{'a1' * 18}@github.com/a/b.git -d quay.io/a/b:1\n",
        {"context": "git://github.com/a/b.git", "git": {"token": "GIT_TOKEN"}},
        told=((1, "token-in-context"),),
    ),
    "a date in a tag is that of the build, and none of another": Case(
        "ci.sh",
        """\
tag=$(date +%Y%m%d)
/kaniko/executor -c . -d quay.io/acme/shop:nightly-$tag -d quay.io/acme/shop:$(date +%Y)
""",
        {"destinations": ["quay.io/acme/shop:nightly-${build.date}"]},
        told=((2, "not-portable"), (2, "date-format")),
    ),
    "what Groovy writes and asks for before a build is that of a script": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  environment {
    NAME = sh(script: "echo $BRANCH_NAME | tr A-Z a-z", returnStdout: true).trim()
    SHORT = sh(returnStdout: true, script: 'git log -n 1 --pretty=format:"%h"').trim()
    DOCKER_CONFIG = '/root/.docker'
    MADE = readFile('x')
  }
  stages {
    stage('a') {
      when { branch 'main' }
      steps { script { env.TAG = 'main' } }
    }
    stage('b') {
      steps {
        container('make') {
          script { env.TAG = sh(script: 'make tag', returnStdout: true) }
          sh 'make'
        }
        dir('sub') { writeFile(file: 'Dockerfile', text: "FROM a:${SHORT}") }
        writeFile file: '/root/.docker/config.json', text: '{"auths": {"quay.io": {"auth": "x"}}}'
        sh "/kaniko/executor -c . -d quay.io/a/b:${NAME} -d quay.io/a/b:$SHORT -d quay.io/a/b:$TAG"
      }
    }
  }
}
""",
        {"destinations": ["quay.io/a/b:${ref.slug}", "quay.io/a/b:${commit.short}"]},
        told=((7, "groovy"), (18, "groovy"), (20, "skipped-command"), (22, "not-portable")),
        silent=("config-elsewhere", "missing-login"),
    ),
    "an image that is pulled is not what another run builds": Case(
        "ci.sh",
        """\
read -r sure
if [ "$sure" != yes ]; then exit 1; fi
if [ "$1" = dev ]; then
  docker build -t quay.io/a/b:1 . && docker push quay.io/a/b:1
else
  docker pull quay.io/a/b:1
  docker tag quay.io/a/b:1 quay.io/a/c:1
  docker push quay.io/a/c:1
fi
""",
        {"destinations": ["quay.io/a/b:1"]},
        told=((1, "skipped-command"), (8, "skipped-command")),
    ),
    "what is built is refused, and so is not pushed": Case(
        "ci.sh",
        """\
/kaniko/executor -c . --target "a b" -d quay.io/a/b:1
/kaniko/executor -c . --custom-platform linux -d quay.io/a/c:1
/kaniko/executor -c . -f ../Dockerfile -d quay.io/a/d:1
/kaniko/executor -c git://host -d quay.io/a/e:1
""",
        {"images": {name: {"push": "never"} for name in "bcde"}},
        told=((1, "bad-stage"), (2, "bad-platform"), (3, "bad-path"), (0, "bad-context")),
    ),
    "a cache that is refused is not said to be carried over": Case(
        "ci.sh",
        "/kaniko/executor -c . --cache --cache-ttl=long -d quay.io/a/b:1\n",
        {"destinations": ["quay.io/a/b:1"]},
        told=((1, "bad-duration"),),
        silent=("cache-repo",),
    ),
    "a caller's folder and file, below a folder and one in the other": Case(
        ".gitlab-ci.yml",
        """\
spec: {inputs: {folder: {default: .}, file: {default: Dockerfile}, part: {default: all}}}
---
a:
  image: {name: "docker.io/osscontainertools/kaniko:v1.27.0-debug", entrypoint: [""]}
  script:
    - /kaniko/executor -c $CI_PROJECT_DIR/apps/$[[ inputs.folder ]] --target $[[ inputs.part ]]
      -f $CI_PROJECT_DIR/apps/$[[ inputs.folder ]]/$[[ inputs.file ]] -d quay.io/a/b:1
b:
  image: {name: "docker.io/osscontainertools/kaniko:v1.27.0-debug", entrypoint: [""]}
  script:
    - /kaniko/executor -c $[[ inputs.folder ]] -f $PWD/$[[ inputs.file ]] -d quay.io/a/c:1
""",
        {
            "dockerfile": "${input.file}",
            "inputs": {"folder": {}, "file": {"default": "Dockerfile"}, "part": {"default": "all"}},
            "images": {
                "a": {
                    "context": "apps/${input.folder}",
                    "target": "${input.part}",
                    "destinations": ["quay.io/a/b:1"],
                },
                "b": {
                    "context": "${input.folder}",
                    "destinations": ["quay.io/a/c:1"],
                    "push": "never",
                },
            },
        },
        told=((0, "bad-input"), (11, "unknown-dockerfile")),
    ),
    "a runner that a caller names, and inputs that nobody has to give": Case(
        ".github/workflows/build.yml",
        """\
on:
  workflow_call:
    inputs:
      runner: {type: string, default: large}
      part: {type: string}
      suffix: {type: string, required: false}
      loud: {type: boolean}
jobs:
  build:
    runs-on: ["self-hosted", "${{ inputs.runner }}"]
    steps:
      - uses: actions/checkout@v4
      - uses: docker/build-push-action@v6
        with: {push: true, target: "${{ inputs.part }}", tags: "quay.io/a/b:1${{ inputs.suffix }}"}
""",
        {
            "triggers.branches": ["**"],
            "triggers.manual": True,
            "github.runs_on": ["self-hosted", "${input.runner}"],
            "target": "${input.part}",
            "destinations": ["quay.io/a/b:1${input.suffix}"],
            "inputs": {
                "runner": {"default": "large"},
                "part": {},
                "suffix": {"default": ""},
                "loud": {"type": "boolean", "default": "false"},
            },
        },
        told=((0, "bad-input"),),
        silent=("runs-on",),
    ),
    "inputs of a workflow that is not only called": Case(
        ".github/workflows/build.yml",
        """\
on:
  push: {branches: [main]}
  workflow_call: {inputs: {tag: {type: string, default: latest}}}
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "quay.io/a/b:${{ inputs.tag || github.sha }}"}
""",
        {"destinations": ["quay.io/a/b:${commit.sha}"], "inputs": None},
        told=((3, "event"), (3, "input")),
    ),
    "a password that is an input": Case(
        ".github/workflows/build.yml",
        """\
on: {workflow_call: {inputs: {image: {type: string, default: a}, key: {type: string}}}}
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/login-action@v3
        with: {registry: quay.io, username: bot, password: "${{ inputs.key }}"}
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "quay.io/a/${{ inputs.image }}:1"}
""",
        {
            "inputs": {"image": {"default": "a"}},
            "registries": {"quay.io": {"username": "bot", "password": "key"}},
        },
        told=((1, "input"), (1, "called")),
    ),
    "an output that holds what the executor wrote": Case(
        ".github/workflows/build.yml",
        """\
on: {push: {branches: [main]}}
jobs:
  build:
    runs-on: ubuntu-24.04
    outputs: {digest: "${{ steps.told.outputs.digest }}"}
    steps:
      - uses: actions/checkout@v4
      - run: >-
          docker run -v "$PWD:/workspace" gcr.io/kaniko-project/executor:v1.24.0
          -c /workspace -d quay.io/a/b:1 --digest-file=/workspace/out/digest
      - {id: told, run: 'echo "digest=$(cat out/digest)" >> "$GITHUB_OUTPUT"'}
""",
        {"digest": True, "destinations": ["quay.io/a/b:1"]},
        silent=("step-output", "job-outputs", "container-option"),
    ),
    "a date that Groovy makes is that of the build": Case(
        "Jenkinsfile",
        """\
def day = new Date().format("yyyy-MM-dd", TimeZone.getTimeZone("UTC"))
def other = "${new SimpleDateFormat("yyMM").format(new Date())}"
node {
  stage('a') {
    checkout scm
    container('kaniko') {
      sh "/kaniko/executor -c . -d quay.io/a/a:$day -d quay.io/a/b:${new Date().format('HHmm')}"
      sh "/kaniko/executor -c . -d quay.io/a/a:$other -d quay.io/a/a:${new Date().format('yyMMdd')}"
    }
  }
}
""",
        {"destinations": ["quay.io/a/a:${build.date}"]},
        told=((7, "not-portable"), (7, "date-format"), (8, "date-format")),
        silent=("groovy", "stray-argument"),
    ),
    "what docker was set up with is needed no more": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: docker:28
  before_script:
    - docker context create ci && docker buildx create --use ci
  script:
    - docker build -t quay.io/acme/shop:1 .
    - docker push quay.io/acme/shop:1
    - docker logout quay.io
    - ./tell
""",
        {},
        told=((4, "daemon-command"), (8, "daemon-command"), (9, "skipped-command")),
    ),
    "what docker prints decides in a run": Case(
        "ci.sh",
        """\
if docker buildx ls | grep -q many; then
  docker buildx build --platform linux/amd64,linux/arm64 -t quay.io/acme/shop:1 --push .
else
  docker build -t quay.io/acme/shop:1 . && docker push quay.io/acme/shop:1
fi
""",
        {"platforms": ["linux/amd64", "linux/arm64"]},
        told=((2, "platforms"), (2, "conditional-flag")),
    ),
    "docker logs in by what AWS prints": Case(
        "ci.sh",
        """\
$(aws ecr get-login --no-include-email --region eu-west-1)
eval $(aws ecr get-login --region eu-west-1)
docker build -t 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1 .
docker push 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1
""",
        {"destinations": ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1"]},
        told=((1, "daemon-command"), (2, "daemon-command"), (3, "cloud-login")),
        silent=("skipped-command", "eval"),
    ),
    "a public registry asks for a login whatever is said of certificates": Case(
        "Jenkinsfile",
        f"""\
podTemplate(containers: [containerTemplate(name: 'kaniko', image: '{IMAGE}', command: 'cat')]) {{
  node(POD_LABEL) {{
    container('kaniko') {{
      sh '/kaniko/executor --context=. --insecure --skip-tls-verify --destination=acme/shop:1'
    }}
  }}
}}
""",
        {"destinations": ["acme/shop:1"]},
        told=((4, "missing-login"),),
        silent=("anonymous", "not-carried"),
    ),
    "stages share a daemon": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  stages {
    stage('Build') { steps { sh 'docker build -t quay.io/acme/shop:$BUILD_NUMBER .' } }
    stage('Login') {
      environment { HOST = 'quay.io' }
      steps {
        withCredentials([usernamePassword(credentialsId: 'quay',
                                          usernameVariable: 'U', passwordVariable: 'P')]) {
          sh 'echo $P | docker login -u $U --password-stdin $HOST'
        }
      }
    }
    stage('Scan') { steps { sh 'trivy image quay.io/acme/shop:$BUILD_NUMBER' } }
    stage('Push') {
      when { branch 'main' }
      steps { sh 'docker push quay.io/acme/shop:$BUILD_NUMBER' }
    }
    stage('Deploy') { steps { sh './deploy' } }
  }
}
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:${build.number}", "when": {"branch": "main"}}
            ],
        },
        told=((9, "groovy"), (14, "groovy"), (19, "groovy")),
        silent=("missing-login", "never-pushed"),
    ),
    "a checkout tells the commit": Case(
        "Jenkinsfile",
        """\
node {
  def found = checkout scm
  sh "docker build -t quay.io/acme/shop:${found.GIT_COMMIT} ."
  sh "docker push quay.io/acme/shop:${found.GIT_COMMIT}"
}
""",
        {"destinations": ["quay.io/acme/shop:${commit.sha}"]},
        silent=("not-portable", "groovy"),
    ),
    "what one stage asks is not asked of others that build": Case(
        "Jenkinsfile",
        """\
node {
  stage('Api') { when { branch 'main' }
    sh 'docker build -t quay.io/acme/api:1 api' }
  stage('Web') { sh 'docker build -t quay.io/acme/web:1 web' }
  stage('Push') { sh 'docker push quay.io/acme/api:1 && docker push quay.io/acme/web:1' }
}
""",
        {
            "images.api.destinations": [
                {"image": "quay.io/acme/api:1", "when": {"branch": "main"}}
            ],
            "images.web.destinations": ["quay.io/acme/web:1"],
        },
        silent=("never-pushed",),
    ),
    "a Jenkinsfile names its containers by variables and its parameters last": Case(
        "Jenkinsfile",
        f"""\
pipeline {{
  agent {{ kubernetes {{ yaml \'\'\'
spec:
  containers:
  - {{name: warm, image: 'acme/kaniko-tools:v1', command: [cat]}}
  - {{name: build, image: '{IMAGE}', command: [cat]}}
\'\'\' }} }}
  environment {{ BUILDER = 'build' }}
  stages {{
    stage('Shop') {{ steps {{
      container(name: 'warm') {{ sh '/kaniko/warmer --image=alpine' }}
      container(env.BUILDER) {{
        sh "kaniko -c . -d ${{TO}}/shop:${{env.BRANCH_NAME.toLowerCase().replace('/', '-')}}"
      }}
    }} }}
    stage('Test') {{ steps {{ sh \'\'\'
      cd tests
      git clone https://git.example.com/acme/cases
      make test
    \'\'\' }} }}
    stage('Web') {{ steps {{ container(BUILDER) {{
      sh "/kaniko/executor -c web -d ${{TO.toLowerCase()}}/web:${{GIT_COMMIT.take(7)}}"
    }} }} }}
  }}
  parameters {{ string(name: 'TO', defaultValue: 'quay.io/acme') }}
}}
""",
        {
            "images.shop.destinations": ["quay.io/acme/shop:${ref.slug}"],
            "images.web.destinations": ["quay.io/acme/web:${commit.short}"],
        },
        told=((5, "not-carried"), (13, "own-slug"), (16, "groovy"), (25, "groovy")),
        silent=("unknown-trigger", "run-time-variable", "executor-image"),
    ),
    "steps run in folders that variables name": Case(
        "Jenkinsfile",
        """\
def WEB = 'apps/web'
node {
  checkout scm
  stage('A') { dir("${env.WORKSPACE}/api") { sh '/kaniko/executor -c . -d quay.io/acme/a:1' } }
  stage('B') { dir(WEB) { dir("it's") { sh '/kaniko/executor -c . -d quay.io/acme/b:1' } } }
  stage('C') { dir("${FOLDER}/c") { sh '/kaniko/executor -c . -d quay.io/acme/c:1' } }
  stage('D') { dir(params.FOLDER) { sh '/kaniko/executor -c . -d quay.io/acme/d:1' } }
}
""",
        {
            "images.a.context": "api",
            "images.b.context": "apps/web/it's",
            "images.c.push": "never",
            "images.d.push": "never",
        },
        told=((6, "unknown-context"), (7, "unknown-context")),
    ),
    "a text of Groovy holds what a run has set": Case(
        "Jenkinsfile",
        """\
node {
  checkout scm
  env.TAG = sh(returnStdout: true, script: 'git rev-parse HEAD').trim()
  def WHOLE = "quay.io/acme/shop:${env.TAG}"
  sh "/kaniko/executor -c . -d ${WHOLE}"
}
""",
        {"destinations": ["quay.io/acme/shop:${commit.sha}"]},
        silent=("run-time-variable",),
    ),
    "functions of a Jenkinsfile get what they build": Case(
        "Jenkinsfile",
        """\
def image(String name, folder) {
  dir(folder) { sh "/kaniko/executor -c . -d quay.io/acme/${name}:${BUILD_NUMBER}" }
}
def tag(tag) { sh "/kaniko/executor -c tools -d quay.io/acme/tools:${tag}" }
def other(tag) { sh "/kaniko/executor -c other -d quay.io/acme/other:${tag}" }
node {
  checkout scm
  stage('Api') { image('api', 'services/api') }
  stage('Web') { image("web", "services/${params.FOLDER}") }
  stage('Tools') { tag("a-${BUILD_NUMBER}"); tag("b-${BUILD_NUMBER}"); tag('c') }
  stage('Other') { other('1'); other() }
}
""",
        {
            "images.api.context": "services/api",
            "images.web.push": "never",
            "images.tools.destinations": [
                *(f"quay.io/acme/tools:{each}-${{build.number}}" for each in "ab"),
                "quay.io/acme/tools:c",
            ],
            "images.other.push": "never",
        },
        told=((2, "unknown-context"), (5, "unknown-trigger")),
    ),
    "variables that Groovy reads, or a build argument without a value": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  environment {
    URL = 'https://github.com/acme/app.git'
    LOGIN = 'pat'
    BASE = 'docker.io/library/alpine:3.22'
    AWS_REGION = 'eu-west-1'
  }
  stages {
    stage('a') { steps { checkout([$class: 'GitSCM', branches: [[name: '*/main']],
      userRemoteConfigs: [[url: env.URL, credentialsId: env.LOGIN]]]) } }
    stage('b') { steps { echo env.AWS_REGION
      sh '''export ONE=$BASE
        /kaniko/executor -c . -d quay.io/acme/a:1 --build-arg ONE'''
    } }
  }
}
""",
        {
            "context": "git://github.com/acme/app.git#refs/heads/main",
            "build_args": {"ONE": "docker.io/library/alpine:3.22"},
            "env": None,
        },
        told=((7, "owned-variable"),),
        silent=("skipped-command",),
    ),
    "a config that is no JSON for a brace too many": Case(
        "a.gitlab-ci.yml",
        """\
a:
  image: gcr.io/kaniko-project/executor:v1.23.2-debug
  script:
    - A='{"auths":{"quay.io":{"auth":"'"$QUAY_AUTH"'"}}}'
    - echo "$A }" > /kaniko/.docker/config.json
    - /kaniko/executor -c . -d quay.io/acme/a:1
""",
        {"destinations": ["quay.io/acme/a:1"]},
        told=((5, "broken-json-quoting"),),
    ),
    "a Jenkinsfile asks how a branch is called": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  stages {
    stage('Shop') {
      when { expression { BRANCH_NAME.startsWith('release/') && !BRANCH_NAME.endsWith('-wip') } }
      steps { sh 'kaniko -c shop -d quay.io/acme/shop:1' }
    }
    stage('Web') {
      steps { script { if (BRANCH_NAME ==~ /v1\\.(.*)/ || env.BRANCH_NAME.contains("hot")) {
        sh 'kaniko -c web -d quay.io/acme/web:1'
      } } }
    }
    stage('Api') {
      steps {
        script {
          if (env.BRANCH_NAME == 'main') { env.OF = 'live'
          } else if (env.BRANCH_NAME == 'next') { env.OF = 'test'
          } else { error('no such place') }
        }
        sh "kaniko -c api -d quay.io/acme/api:$OF -d quay.io/acme/api:1"
      }
    }
  }
}
""",
        {
            "images.shop.triggers": {"branches": ["release/**", "!**-wip"]},
            "images.web.destinations": [
                {"image": "quay.io/acme/web:1", "when": {"branch": ["v1.**", "**hot**"]}}
            ],
            "images.api.destinations": [
                {"image": "quay.io/acme/api:test", "when": {"branch": "next"}},
                {"image": "quay.io/acme/api:live", "when": {"branch": "main"}},
                {"image": "quay.io/acme/api:1", "when": {"branch": ["main", "next"]}},
            ],
        },
        silent=("unknown-trigger", "unknown-condition"),
    ),
    "a container builds with another builder, and nothing is said of kaniko's rights": Case(
        "Jenkinsfile",
        """\
podTemplate(yaml: \'\'\'
spec:
  containers:
  - name: build
    image: moby/buildkit:v0.33.1-rootless
    command: [cat]
    securityContext: {runAsUser: 1000, runAsGroup: 1000}
\'\'\') {
  node(POD_LABEL) {
    checkout scm
    container('build') {
      sh \'\'\'buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. \\
        --local dockerfile=. --output type=image,name=quay.io/acme/shop:1,push=true\'\'\'
    }
  }
}
""",
        {"builder": "buildkit", "destinations": ["quay.io/acme/shop:1"]},
        silent=("not-root", "privileged"),
    ),
    "what a template of Argo gets is what the workflow has": Case(
        "image.yaml",
        f"""\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {{name: image}}
spec:
  entrypoint: all
  arguments: {{parameters: [{{name: image, value: quay.io/acme/a}}, {{name: tag, value: '1.2'}}]}}
  templates:
  - name: all
    dag: {{tasks: [{{name: build, template: build}}]}}
  - name: build
    inputs:
      parameters:
      - {{name: image, value: '{{{{workflow.parameters.image}}}}'}}
      - {{name: version, value: '{{{{workflow.parameters.tag}}}}'}}
    container:
      image: {IMAGE}
      args: [-d, '{{{{inputs.parameters.image}}}}:{{{{inputs.parameters.version}}}}']
""",
        {"destinations": ["quay.io/acme/a:1.2"]},
        told=((6, "parameter"), (13, "parameter"), (14, "parameter")),
    ),
    "only a run tells what an expression of Argo is": Case(
        "image.yaml",
        f"""\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: image}}
spec:
  entrypoint: build
  arguments:
    parameters:
    - {{name: new-tag, value: '1.2'}}
    - {{name: word, value: '{{{{=workflow.parameters.tag + "a"}}}}'}}
  templates:
  - name: build
    container:
      image: {IMAGE}
      args:
      - -d=quay.io/acme/a:{{{{=workflow.parameters['new-tag']}}}}
      - "--no-push={{{{=workflow.parameters.push == 'yes' ? 'false' : 'true'}}}}"
      - --build-arg=WORD={{{{workflow.parameters.word}}}}
""",
        {"destinations": ["quay.io/acme/a:1.2"], "push": "never"},
        told=((16, "unknown-condition"), (17, "not-portable")),
        silent=("no-switch",),
    ),
    "a container of docker has its own folder": Case(
        ".github/workflows/ci.yml",
        f"""\
on: push
jobs:
  told:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: docker run -v "$PWD:/src" -w /src/svc {IMAGE} -c . -f ../D -d quay.io/acme/a:1
  usual:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: docker run -v "$GITHUB_WORKSPACE:/workspace" {IMAGE} -c . -d quay.io/acme/b:1
        working-directory: svc
  elsewhere:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: cd /tmp && docker run -v "$PWD:/src" {IMAGE} -c /src -d quay.io/acme/c:1
""",
        {
            "images.told.context": "svc",
            "images.told.dockerfile": "../D",
            "images.usual": {"destinations": ["quay.io/acme/b:1"]},
            "images.elsewhere.push": "never",
        },
        told=((18, "unknown-context"),),
    ),
    "a tag of the branch or the tag is of no other run": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: ["**"], tags: ["v*"]}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - id: meta
        uses: docker/metadata-action@v5
        with:
          images: quay.io/acme/shop
          flavor: prefix=b-
          tags: |
            type=raw,value={{branch}}
            type=raw,value={{tag}},prefix=t-
            type=sha
      - uses: int128/kaniko-action@v1
        with: {push: true, tags: "${{ steps.meta.outputs.tags }}"}
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:b-${ref.tag}", "when": {"branch": "**"}},
                {"image": "quay.io/acme/shop:t-${ref.tag}", "when": {"tag": "**"}},
                "quay.io/acme/shop:sha-${commit.short}",
            ]
        },
    ),
    "a first word without a dot is no registry": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  script:
    - echo "$P" | docker login -u me --password-stdin
    - /kaniko/executor --cache --cache-repo=acme/app/cache -d acme/app:1
""",
        {"destinations": ["acme/app:1"]},
        told=((5, "bad-cache-repo"),),
        silent=("missing-login",),
    ),
    "a parameter of Tekton stands in brackets": Case(
        "task.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: image}}
spec:
  params:
  - {{name: image, default: quay.io/acme/shop}}
  - {{name: shop.version, default: '1.2'}}
  - {{name: extra, type: array, default: [--target=prod, --build-arg=A=b]}}
  steps:
  - image: {IMAGE}
    args:
    - -d=$(params["image"]):$(params["shop.version"])
    - $(params["extra"][*])
    - $(params.extra[0])
""",
        {
            "destinations": ["quay.io/acme/shop:1.2"],
            "target": "prod",
            "build_args": {"A": "b"},
        },
    ),
    "the cache lies beside a destination that is lost": Case(
        "task.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: image}}
spec:
  steps:
  - image: {IMAGE}
    args:
    - --destination=quay.io/acme/a:$(context.taskRun.uid)
    - --destination=quay.io/acme/b:1
    - --cache
""",
        {"destinations": ["quay.io/acme/b:1"]},
        told=((8, "not-portable"), (10, "cache-without-repo")),
        silent=("cache-repo",),
    ),
    "a text of Groovy has what withEnv says": Case(
        "Jenkinsfile",
        f"""\
podTemplate(containers: [containerTemplate(name: 'kaniko', image: '{IMAGE}')]) {{
  node(POD_LABEL) {{
    checkout scm
    withEnv(["TAG=b${{BUILD_NUMBER}}", 'PART=']) {{
      container('kaniko') {{
        sh "/kaniko/executor -c . -d quay.io/acme/shop:${{TAG}}${{env.PART}}"
      }}
    }}
  }}
}}
""",
        {"destinations": ["quay.io/acme/shop:b${build.number}"]},
        silent=("run-time-variable",),
    ),
    "a list has the parameters of who passes it": Case(
        "pipeline.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {{name: image}}
spec:
  params: [{{name: version, default: '1'}}, {{name: given}}]
  tasks:
  - name: build
    params:
    - name: extra
      value: ["--build-arg=V=$(params.version)", "--build-arg=G=$(params['given'])"]
    taskSpec:
      params:
      - {{name: version, default: '2'}}
      - {{name: given, default: '3'}}
      - {{name: extra, type: array}}
      steps:
      - image: {IMAGE}
        args: [-d=quay.io/acme/shop:$(params.version), "$(params.extra[*])"]
""",
        {"build_args": {"V": "1"}, "destinations": ["quay.io/acme/shop:2"]},
        told=((10, "not-portable"),),
    ),
    "an object of Tekton, and a step that waits": Case(
        "task.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: image}}
spec:
  params:
  - {{name: git, type: object, default: {{rev: v1}}}}
  stepTemplate: {{image: {IMAGE}}}
  steps:
  - args: [-d=quay.io/acme/shop:1, --build-arg=REV=$(params.git.rev)]
    when: [{{input: "$(params.git.rev)", operator: notin, values: [v0]}}]
""",
        {"push": "never", "build_args": {"REV": "v1"}},
        told=((6, "parameter"), (10, "unknown-trigger")),
    ),
    "what no workflow of Argo starts is not pushed, and a call may hold its template": Case(
        "workflow.yaml",
        f"""\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: image-}}
spec:
  entrypoint: main
  onExit: last
  templates:
  - name: main
    steps:
    - - name: inner
        inline: {{container: {{image: {IMAGE}, args: [-d=quay.io/acme/a:1]}}}}
  - {{name: last, container: {{image: {IMAGE}, args: [-d=quay.io/acme/b:1]}}}}
  - {{name: left, container: {{image: {IMAGE}, args: [-d=quay.io/acme/c:1]}}}}
""",
        {
            "images.inner.destinations": ["quay.io/acme/a:1"],
            "images.last.destinations": ["quay.io/acme/b:1"],
            "images.left.push": "never",
        },
        told=((13, "unknown-trigger"),),
    ),
    "what is checked out takes the place of a clone": Case(
        "Jenkinsfile",
        f"""\
podTemplate(containers: [containerTemplate(name: 'kaniko', image: '{IMAGE}')]) {{
  node(POD_LABEL) {{
    sh 'git clone https://git.example.com/acme/lib.git .'
    checkout scm
    container('kaniko') {{ sh '/kaniko/executor -c svc -d quay.io/acme/shop:1' }}
  }}
}}
""",
        {"context": "svc", "destinations": ["quay.io/acme/shop:1"]},
        silent=("other-repository",),
    ),
    "the repository is a resource of Tekton": Case(
        "task.yaml",
        f"""\
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {{name: image}}
spec:
  resources: {{inputs: [{{name: source, type: git}}]}}
  params: [{{name: folder, default: $(resources.inputs.source.path)/shop}}]
  steps:
  - image: {IMAGE}
    command: [/kaniko/executor]
    args: [-c=$(params.folder), -d=quay.io/acme/shop:1]
""",
        {"context": "shop", "destinations": ["quay.io/acme/shop:1"]},
        told=((5, "not-carried"),),
        silent=("unknown-context",),
    ),
    "buildah is told where its logins are mounted": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: image-}
spec:
  restartPolicy: Never
  containers:
  - name: build
    image: quay.io/buildah/stable:v1.43.0
    env: [{name: REGISTRY_AUTH_FILE, value: /logins/auth.json}]
    command: [sh, -c, "buildah bud -t quay.io/acme/shop:1 . && buildah push quay.io/acme/shop:1"]
    volumeMounts: [{name: logins, mountPath: /logins}]
  volumes: [{name: logins, secret: {secretName: quay}}]
""",
        {"registries": {"quay.io": {"docker_config": "quay"}}},
        told=((9, "owned-variable"), (7, "docker-config-key")),
        silent=("missing-login",),
    ),
    "a variable of the pipeline's own is not docker's, and names a registry in small letters": Case(
        "pipeline.yml",
        """\
steps:
  - command:
      - docker build -t $my_registry/shop:1 .
      - docker push $my_registry/shop:1
    agents: {queue: linux}
    env: {DOCKER_SHOP: shop, DOCKER_HOST: 'tcp://docker:2375'}
""",
        {"destinations": ["${env.my_registry}/shop:1"]},
        told=((6, "daemon-variable"), (6, "unused-variable")),
        silent=("docker-hub",),
    ),
    "Docker Hub has no place beside a repository": Case(
        "ci.sh",
        "/kaniko/executor -c . -d acme/shop:1 --cache --cache-ttl=24h\n",
        {"destinations": ["acme/shop:1"]},
        told=((1, "cache-repo"), (1, "not-carried")),
        silent=("bad-cache-repo",),
    ),
    "keys of a cloud that still have to be filled in are no secrets": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: image-}
spec:
  restartPolicy: Never
  containers:
  - name: build
    image: ghcr.io/osscontainertools/kaniko:v1.28.3
    args: ['-c=s3://acme/shop.tar.gz', '-d=quay.io/acme/shop:1']
    env: [{name: AWS_ACCESS_KEY_ID, value: $id}, {name: AWS_SECRET_ACCESS_KEY, value: $key}]
""",
        {"context": "s3://acme/shop.tar.gz"},
        told=((7, "placeholder"),),
        silent=("literal-secret",),
    ),
    "a program stands in a variable, and two ways to build are one": Case(
        "ci.sh",
        """\
ENGINE=${ENGINE:-docker}
if $ENGINE buildx version; then
  $ENGINE buildx build --push -t quay.io/acme/shop:1 .
else
  $ENGINE build -t quay.io/acme/shop:1 .
  $ENGINE push quay.io/acme/shop:1
fi
""",
        {"destinations": ["quay.io/acme/shop:1"]},
        silent=("conditional-flag", "unknown-condition"),
    ),
    "a Sensor starts a template of Argo with what it fills in": Case(
        "ci.yaml",
        f"""\
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: pushed}}
spec:
  triggers:
  - template:
      argoWorkflow:
        parameters: [{{src: {{dataKey: body.after}}, dest: spec.arguments.parameters.1.value}}]
        source:
          resource:
            kind: Workflow
            spec:
              workflowTemplateRef: {{name: image}}
              arguments: {{parameters: [{{name: of, value: shop}}, {{name: tag, value: x}}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {{name: image}}
spec:
  arguments: {{parameters: [{{name: of, value: test}}, {{name: tag, value: latest}}]}}
  templates:
  - container:
      image: {IMAGE}
      args: [-c=git://x.io/a/b, "-d=quay.io/a/{{{{workflow.parameters.of}}}}\
:{{{{workflow.parameters.tag}}}}"]
""",
        {"destinations": ["quay.io/a/shop:${env.TAG}"]},
        told=((14, "parameter"), (20, "not-carried")),
    ),
    "a trigger runs a pipeline of Tekton with what an event says": Case(
        "ci.yaml",
        f"""\
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: {{name: pushed}}
spec:
  resourcetemplates:
  - kind: PipelineRun
    spec:
      pipelineRef: {{name: image}}
      params: [{{name: of, value: shop-$(tt.params.a-b)}}, {{name: tag, value: $(tt.params.tag)}}]
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {{name: image}}
spec:
  params: [{{name: of, default: test}}, {{name: tag, default: latest}}]
  tasks:
  - name: build
    taskRef: {{name: kaniko}}
    params: [{{name: to, value: "quay.io/a/$(params.of):$(params.tag)"}}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: kaniko}}
spec:
  params: [{{name: to}}]
  steps: [{{image: {IMAGE}, args: [-c=git://x.io/a/b, -d=$(params.to)]}}]
""",
        {"destinations": ["quay.io/a/shop-${env.A_B}:${env.TAG}"]},
        told=((1, "other-object"), (9, "parameter")),
    ),
    "a template puts the name there": Case(
        "pod.yaml",
        f"""\
apiVersion: v1
kind: Pod
metadata: {{generateName: image-}}
spec:
  containers:
  - {{name: build, image: {IMAGE}, args: ["-d={{{{ .Values.Image }}}}", -c=git://x.io/a/b]}}
""",
        {"push": "never"},
        told=((6, "bad-reference"),),
        silent=("upper-case",),
    ),
    "only a run knows whether it caches": Case(
        "ci.sh",
        "/kaniko/executor -c . -d quay.io/acme/shop:1 --cache=$CACHED\n",
        {"cache": {"repo": "quay.io/acme/shop/cache"}},
        told=((1, "conditional-flag"),),
    ),
    "what a Jenkinsfile calls its credentials is no secret": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  environment {
    HUB_CREDENTIALS = 'hub-login-of-ci'
    GIT_TOKEN_ID = 'git-login-of-ci'
    K8S_SECRET = 'login-of-the-cluster'
    REGISTRY_CREDENTIALS = 'registry-login-of-ci'
  }
  stages {
    stage('Image') {
      steps {
        withCredentials([usernamePassword(credentialsId: HUB_CREDENTIALS,
                                          usernameVariable: 'U', passwordVariable: 'P')]) {
          sh 'echo $P | docker login -u $U --password-stdin quay.io'
        }
        script { docker.withRegistry('https://ghcr.io', REGISTRY_CREDENTIALS) {
          sh 'docker build -t quay.io/acme/shop:1 . && docker push quay.io/acme/shop:1'
        } }
      }
    }
  }
}
""",
        {"destinations": ["quay.io/acme/shop:1"]},
        told=((5, "unused-variable"), (13, "groovy")),
        silent=("literal-secret", "missing-login"),
    ),
    "the version of docker's action is that of the ref": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: [main], tags: ["v*"]}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - id: meta
        uses: docker/metadata-action@v5
        with:
          images: quay.io/acme/shop
          tags: |
            type=ref,event=branch
            type=semver,pattern={{version}}
            type=sha
      - uses: docker/build-push-action@v6
        with:
          push: true
          tags: ${{ steps.meta.outputs.tags }}
          labels: ${{ steps.meta.outputs.labels }}
          build-args: VERSION=${{ steps.meta.outputs.version }}
""",
        {"build_args": {"VERSION": "${ref.version}"}},
        silent=("conditional-flag",),
    ),
    "who asks nobody is told": Case(
        "ci.sh",
        "/kaniko/executor -c . --insecure -d registry.acme.dev/shop:1\n",
        {"registries": {"registry.acme.dev": "anonymous"}},
        told=((1, "anonymous"),),
    ),
    "keys that only the executor reads are the login": Case(
        ".agola/config.yml",
        f"""\
runs:
  - name: main
    tasks:
      - name: image
        runtime: {{containers: [{{image: '{IMAGE}'}}]}}
        environment:
          AWS_ACCESS_KEY_ID: {{from_variable: aws_id}}
          AWS_SECRET_ACCESS_KEY: {{from_variable: aws_secret}}
        steps:
          - clone:
          - run: /kaniko/executor -c . -d 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop:1
""",
        {
            "registries": {
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com": {
                    "aws": {"access_key_id": "aws_id", "secret_access_key": "aws_secret"}
                }
            }
        },
        silent=("not-carried",),
    ),
    "a name that is given is a folder of the repository": Case(
        ".github/workflows/ci.yml",
        """\
on: {workflow_call: {inputs: {image: {type: string, required: true}}}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - uses: aevea/action-kaniko@v0.14.0
        with: {image: "${{ inputs.image }}", registry: ghcr.io, tag: one}
""",
        {"destinations": ["ghcr.io/${repository.path}/${input.image}:one"]},
    ),
    "the upload knows no secret of the step": Case(
        ".buildkite/pipeline.yml",
        """\
steps:
  - command:
      - TAG=1
      - buildah login -u bot -p $QUAY quay.io
      - buildah build --build-arg HOST=$HOST -t $NAMES:$TAG .
      - buildah push $NAMES:$$TAG
    image: quay.io/buildah/stable:v1.42
    secrets: [QUAY]
env: {HOST: quay.io, NAMES: $HOST/acme/shop}
""",
        {
            "registries": {"quay.io": {"username": "bot", "password": "QUAY"}},
            "destinations": ["quay.io/acme/shop:1"],
        },
        told=((4, "upload-time"), (5, "upload-time")),
    ),
    "a script asks for the account that it is logged in to": Case(
        ".gitlab-ci.yml",
        f"""\
build:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script:
    - ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
    - REGION=$(aws configure get region)
    - export REPO=$ACCOUNT.dkr.ecr.$REGION.amazonaws.com/shop
    - /kaniko/executor --context=. "--destination=$REPO:1"
""",
        {"destinations": ["${env.AWS_ACCOUNT_ID}.dkr.ecr.${env.AWS_REGION}.amazonaws.com/shop:1"]},
        told=((7, "run-time-variable"),),
        silent=("not-portable",),
    ),
    "nobody knows what an image of one's own has": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    container: ghcr.io/acme/kaniko-and-crane:2
    steps:
      - uses: actions/checkout@v5
      - run: /kaniko/executor --context . --destination quay.io/acme/shop:1
""",
        {"destinations": ["quay.io/acme/shop:1"]},
        told=((5, "executor-image"),),
        silent=("no-shell", "action-in-container", "moving-executor"),
    ),
    "the executor of one's own stays": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: {name: quay.io/acme/tools:1.2.3, entrypoint: [""]}
  script: /kaniko/executor --context . --destination $REGISTRY/$APP:1
""",
        {
            "executor.image": "quay.io/acme/tools:1.2.3",
            "destinations": ["${env.REGISTRY}/${env.APP}:1"],
        },
        silent=("no-shell", "bad-reference"),
    ),
    "an input whose default no input of a spec holds": Case(
        ".gitlab-ci.yml",
        f"""\
spec: {{inputs: {{image: {{default: $CI_REGISTRY_IMAGE/shop}}, tag: {{default: main}}}}}}
---
build:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script: /kaniko/executor --context=. --destination=$[[ inputs.image ]]:$[[ inputs.tag ]]
""",
        {"destinations": ["${registry.image}/shop:${input.tag}"], "inputs.tag.default": "main"},
        told=((1, "input"),),
    ),
    "templates offer what extends them more than the spec does": Case(
        ".gitlab-ci.yml",
        f"""\
.one:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  variables: {{APP: shop}}
  script: /kaniko/executor --context=. --destination=quay.io/acme/$APP:main
.two:
  extends: .one
  before_script: [!reference [.login, script]]
  script: /kaniko/executor --context=. --destination=quay.io/acme/$APP:two
.login: {{script: echo "$CONFIG" > /kaniko/.docker/config.json}}
.again: {{extends: .one, script: crane tag quay.io/acme/shop:two main}}
""",
        {"destinations": ["quay.io/acme/shop:two"]},
        told=((1, "template"), (5, "template"), (10, "other-job")),
    ),
    "emulation is for one other processor": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  two:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/setup-qemu-action@v3
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "ghcr.io/acme/a:1", platforms: "linux/amd64,linux/arm64/v8"}
  other:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/setup-qemu-action@v3
      - uses: docker/build-push-action@v6
        with: {push: true, tags: "ghcr.io/acme/b:1", platforms: linux/arm64}
""",
        {"images.two.platforms": ["linux/amd64", "linux/arm64"]},
        told=((6, "needless-step"), (12, "earlier-step")),
    ),
    "a list of tags becomes flags": Case(
        ".gitlab-ci.yml",
        f"""\
build:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script:
    - TAGS="$CI_COMMIT_TAG $CI_COMMIT_REF_SLUG $MORE"
    - if [ "$CI_COMMIT_BRANCH" = main ]; then TAGS="$TAGS latest"; fi
    - for each in $TAGS; do TO="$TO --tag $CI_REGISTRY_IMAGE:$each"; done
    - /kaniko/executor --context . $(echo "$TO" | sed s/--tag/--destination/g)
""",
        {
            "destinations": [
                {"image": "${registry.image}:${tag}", "when": {"tag": "**"}},
                "${registry.image}:${ref.slug}",
                {"image": "${registry.image}:latest", "when": {"branch": "main"}},
            ]
        },
        told=((6, "unknown-list"), (7, "not-portable")),
    ),
    "one text logs in to Docker Hub": Case(
        ".gitlab-ci.yml",
        """\
build:
  image: quay.io/buildah/stable:v1.42
  script:
    - buildah build -t acme/shop:1 .
    - buildah push --creds $HUB acme/shop:1
""",
        {
            "registries": {
                "docker.io": {
                    "username": {"secret": "DOCKER_HUB_USER"},
                    "password": "DOCKER_HUB_PASSWORD",
                }
            }
        },
        told=((5, "auth-in-one-variable"),),
    ),
    "what a script clones is what is built": Case(
        ".gitlab-ci.yml",
        f"""\
.one: &one
  image: {{name: '{IMAGE}', entrypoint: ['']}}
other:
  <<: *one
  script:
    - git clone -b v1.2 https://git.example.com/acme/tool.git src
    - cd src
    - /kaniko/executor --context app --destination quay.io/acme/tool:1
own:
  <<: *one
  script:
    - git clone "https://bot:$TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git" src
    - /kaniko/executor --context src/app --destination quay.io/acme/own:1
login:
  <<: *one
  script:
    - git clone https://bot:$TOKEN@git.example.com/acme/tool.git
    - /kaniko/executor --context tool/app --destination quay.io/acme/login:1
either:
  <<: *one
  script:
    - if [ $A ]; then git clone https://x.io/a/a s; else git -C . clone https://x.io/a/b s; fi
    - /kaniko/executor --context s --destination quay.io/acme/either:1
held:
  <<: *one
  script:
    - git -c http.extraHeader="PRIVATE-TOKEN; $A" -C lib clone http://me:$TOKEN@x.io/acme/tool
    - /kaniko/executor --context lib/tool --destination quay.io/acme/held:1
here:
  <<: *one
  script:
    - git clone https://x.io/a/b . && git clone https://me:hunter22@x.io/a/c c
    - /kaniko/executor --context d --destination quay.io/acme/here:1
commit:
  <<: *one
  script:
    - /kaniko/executor --context git://x.io/a/b#{"5" * 40} --destination quay.io/acme/commit:1
""",
        {
            "images.other.context": "git://git.example.com/acme/tool.git#refs/tags/v1.2",
            "images.other.context_sub_path": "app",
            "images.own.context": "app",
            "images.login.context": "git://git.example.com/acme/tool.git",
            "images.login.git": {"token": "TOKEN", "username": "bot"},
            "images.either.push": "never",
            "images.held.push": "never",
            "images.here.context": "git://x.io/a/b.git",
            "images.here.context_sub_path": "d",
            "images.commit.push": "never",
        },
        told=(
            (8, "other-repository"),
            (18, "other-repository"),
            (23, "unknown-context"),
            (27, "clone"),
            (28, "unknown-context"),
            (32, "literal-secret"),
            (37, "bad-context"),
        ),
    ),
    "what git does after a clone counts": Case(
        ".gitlab-ci.yml",
        f"""\
.one: &one
  image: {{name: '{IMAGE}', entrypoint: ['']}}
all:
  <<: *one
  script:
    - git clone --depth 1 --recurse-submodules --filter=blob:none https://x.io/a/b $CI_PROJECT_DIR/s
    - /kaniko/executor -f $CI_PROJECT_DIR/s/c/D --context $CI_PROJECT_DIR/s/c -d quay.io/acme/all:1
commit:
  <<: *one
  script:
    - git clone git@x.io:a/b.git /s -b next && git -C /s checkout -q {"5" * 40}
    - cd /s && /kaniko/executor --context c --destination quay.io/acme/commit:1
own:
  <<: *one
  script:
    - git clone --recursive $CI_REPOSITORY_URL s && cd s && git checkout v2
    - /kaniko/executor --context c --destination quay.io/acme/own:1
pieces:
  <<: *one
  script:
    - touch .git && git fetch && git init s && cd s && git remote add origin https://x.io/a/b
    - git fetch origin pull/1/head:pr && git checkout pr
    - /kaniko/executor --context . --destination quay.io/acme/pieces:1
bare:
  <<: *one
  script:
    - git clone --no-checkout https://x.io/a/b && cd b && git checkout HEAD -- c
    - /kaniko/executor --context . --destination quay.io/acme/bare:1
run:
  <<: *one
  script:
    - git init && git clone -bnext https://x.io/a/b && cd b && git remote -v && git submodule status
    - git pull origin $(cat ref)
    - /kaniko/executor --context . --destination quay.io/acme/run:1
head:
  <<: *one
  script:
    - git clone https://x.io/a/b s && git -C s reset --hard $CI_COMMIT_SHA
    - /kaniko/executor --context s --destination quay.io/acme/head:1
moved:
  <<: *one
  script:
    - git clone https://x.io/a/b t && rm -rf t/.git && mv t s
    - git clone https://x.io/a/c && rm -rf c
    - /kaniko/executor --context s --destination quay.io/acme/moved:1
    - /kaniko/executor --context c --destination quay.io/acme/moved:2
    - cp -a s/. u && echo FROM x > u/Dockerfile
    - /kaniko/executor --context u --destination quay.io/acme/moved:3
hub:
  <<: *one
  script:
    - gh auth status && gh repo clone acme/lib s -- --depth=1
    - /kaniko/executor --context s --destination quay.io/acme/hub:1
lone:
  <<: *one
  script:
    - git clone https://x.io/a/b s && git -C s checkout {"5" * 40}
    - /kaniko/executor --context s --destination quay.io/acme/lone:1
inner:
  <<: *one
  script:
    - git clone https://x.io/a/b s/t && git clone https://x.io/a/c s
    - /kaniko/executor --context s/t/u --destination quay.io/acme/inner:1
    - /kaniko/executor --context . --context-sub-path s/t/u --destination quay.io/acme/inner:2
    - /kaniko/executor --context s --destination quay.io/acme/inner:3
some:
  <<: *one
  script:
    - '[ -d s ] || git clone https://x.io/a/b s'
    - if [ "$CI_COMMIT_BRANCH" = main ]; then git clone https://x.io/a/b t; fi
    - /kaniko/executor --context s --destination quay.io/acme/some:1
    - /kaniko/executor --context t --destination quay.io/acme/some:2
full:
  <<: *one
  script:
    - git clone https://x.io/a/b s && cd s && git fetch && git switch refs/heads/$CI_COMMIT_BRANCH
    - /kaniko/executor --context . --destination quay.io/acme/full:1
other:
  <<: *one
  script:
    - hg clone https://x.io/a/b && svn co https://x.io/a/trunk s && glab repo clone acme/g/lib t
    - /kaniko/executor --context b --destination quay.io/acme/other:1
    - /kaniko/executor --context s/u --destination quay.io/acme/other:2
    - /kaniko/executor --context t --destination quay.io/acme/other:3
""",
        {
            "images.all.context": "git://x.io/a/b.git",
            "images.all.dockerfile": "D",
            "images.all.context_sub_path": "c",
            "images.all.git": {"recurse_submodules": True, "depth": 1},
            "images.commit.context": f"git://x.io/a/b.git#refs/heads/next#{'5' * 40}",
            "images.own.context": "c",
            "checkout": {"submodules": "recursive"},
            "images.pieces.context": "git://x.io/a/b.git#refs/pull/1/head",
            "images.bare.push": "never",
            "images.run.push": "never",
            "images.head": {"destinations": ["quay.io/acme/head:1"]},
            "images.some.context": "git://x.io/a/b.git",
            "images.some-2.push": "never",
            "images.lone.push": "never",
            "images.hub.context": "git://github.com/acme/lib.git",
            "images.moved.context": "git://x.io/a/b.git",
            "images.moved-2.context": "c",
            "images.moved.destinations": ["quay.io/acme/moved:1"],
            "images.inner.context": "git://x.io/a/b.git",
            "images.inner.context_sub_path": "u",
            "images.inner-2.push": "never",
            "images.full.context": "git://x.io/a/b.git#refs/heads/${branch}",
            "images.other.push": "never",
            "images.other-2.context": "git://gitlab.com/acme/g/lib.git",
        },
        told=(
            (6, "clone"),
            (7, "other-repository"),
            (12, "ssh-context"),
            (17, "checkout-ref"),
            (28, "unknown-context"),
            (48, "unknown-dockerfile"),
        ),
    ),
    "an init container clones what is built": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: build-}
spec:
  restartPolicy: Never
  initContainers:
    - name: other
      image: alpine/git
      args: [clone, -b, v1, "https://$(HOST)/acme/lib", /repo/lib]
      env:
        - {name: HOST, value: git.example.com}
        - {name: GIT_PASSWORD, valueFrom: {secretKeyRef: {name: git, key: LIB_TOKEN}}}
      volumeMounts: [{name: files, mountPath: /repo}]
    - name: own
      image: alpine/git
      command: [sh, -c]
      args:
        - |
          git clone --recurse-submodules "$URL" own
          cp /keys/a own/
      workingDir: /repo
      env: [{name: URL, valueFrom: {configMapKeyRef: {name: a, key: b}}}]
      volumeMounts: [{name: files, mountPath: /repo}]
    - name: sync
      image: registry.k8s.io/git-sync/git-sync:v4.0.0
      args: [--repo=https://git.example.com/acme/tool.git, --root, /repo/sync, --one-time]
      env: [{name: GITSYNC_REF, value: v2}]
      volumeMounts: [{name: files, mountPath: /repo}]
  containers:
    - name: sync
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=/workspace/sync/tool, --destination=quay.io/acme/sync:1]
      volumeMounts: [{name: files, mountPath: /workspace}]
    - name: lib
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=/workspace/lib/api, --destination=quay.io/acme/lib:1]
      volumeMounts: [{name: files, mountPath: /workspace}]
    - name: own
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=/workspace/own/api, --destination=quay.io/acme/own:1]
      volumeMounts: [{name: files, mountPath: /workspace}]
    - name: around
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=/workspace, --destination=quay.io/acme/around:1]
      volumeMounts: [{name: files, mountPath: /workspace}]
  volumes: [{name: files, emptyDir: {}}]
""",
        {
            "images.lib.context": "git://git.example.com/acme/lib.git#refs/tags/v1",
            "images.lib.context_sub_path": "api",
            "images.lib.git": {"token": "LIB_TOKEN"},
            "images.own.context": "api",
            "images.own.kubernetes.clone": True,
            "images.sync.context": "git://git.example.com/acme/tool.git#refs/tags/v2",
            "checkout": {"submodules": "recursive"},
            "images.around.push": "never",
        },
        told=((9, "clone"), (19, "clone"), (20, "skipped-command"), (44, "unknown-context")),
    ),
    "a container that logs in has variables of its own": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: build-}
spec:
  restartPolicy: Never
  initContainers:
    - name: login
      image: alpine:3.22
      command: [sh, -ec]
      args:
        - |
          auth=$(printf '%s:%s' "$WHO" "$TOKEN" | base64 -w0)
          printf '{"auths":{"quay.io":{"auth":"%s"}}}' "$auth" > /out/config.json
      env:
        - {name: WHO, value: bot}
        - {name: FF_KANIKO_SQUASH_STAGES, value: "1"}
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: quay, key: QUAY_TOKEN}}}
      volumeMounts: [{name: docker, mountPath: /out}]
    - {name: other, image: "registry.gitlab.com/acme/migrate:1", args: [up]}
  containers:
    - name: kaniko
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: ["--context=git://git.example.com/acme/shop.git", --destination=quay.io/acme/shop:1]
      volumeMounts: [{name: docker, mountPath: /kaniko/.docker}]
  volumes: [{name: docker, emptyDir: {}}]
""",
        {
            "registries": {"quay.io": {"username": "bot", "password": "QUAY_TOKEN"}},
            "kubernetes": {"name": "build", "secret": "quay"},
        },
        told=((7, "login-container"), (16, "not-carried"), (19, "not-carried")),
        silent=("unused-variable", "missing-login", "clone"),
    ),
    "a step of Tekton clones what the next one builds": Case(
        "task.yaml",
        """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  params: [{name: url}, {name: ref, default: next}, {name: at}]
  workspaces: [{name: files}]
  steps:
    - name: clone
      image: alpine/git
      script: |
        git clone $(params.url) $(workspaces.files.path)/own
        git clone -b $(params.ref) https://git.example.com/acme/lib $(workspaces.files.path)/lib
        git clone -b $(params.at) https://git.example.com/acme/lib $(workspaces.files.path)/at
    - name: own
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=$(workspaces.files.path)/own/api, --destination=quay.io/acme/own:1]
    - name: lib
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=$(workspaces.files.path)/lib, --destination=quay.io/acme/lib:1]
    - name: at
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: [--context=$(workspaces.files.path)/at, --destination=quay.io/acme/at:1]
""",
        {
            "images.own.context": "api",
            "images.lib.context": "git://git.example.com/acme/lib.git#refs/heads/next",
            "images.at.context": "git://git.example.com/acme/lib.git#refs/heads/${env.AT}",
        },
        told=((11, "clone"), (12, "clone"), (19, "other-repository"), (22, "context")),
        silent=("step",),
    ),
    "another task clones what this one builds, in the folder that it hands over": Case(
        "pipeline.yaml",
        """\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: shop}
spec:
  params: [{name: url}, {name: more, type: array, default: [--build-arg=A=1]}]
  tasks:
    - {name: get, taskRef: {name: fetch}, params: [{name: url, value: $(params.url)}]}
    - name: own
      taskRef: {name: build}
      params: [{name: args, value: [--reproducible, "$(params.more[*])"]}]
      workspaces: [{name: files, workspace: all, subPath: src/web}]
    - name: other
      taskRef: {name: build}
      workspaces: [{name: files, workspace: all, subPath: $(context.pipelineRun.name)}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: fetch}
spec:
  params: [{name: url}]
  workspaces: [{name: output}]
  steps: [{image: alpine/git, script: git clone $(params.url) $(workspaces.output.path)/src}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  params: [{name: args, type: array, default: []}]
  workspaces: [{name: files}]
  steps:
    - image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
      args: ["$(params.args[*])", quay.io/acme/shop:1]
      script: |
        #!/busybox/sh
        for last in "$@"; do :; done
        /kaniko/executor -c $(workspaces.files.path) --destination="$last" "$1"
""",
        {
            "images.own.context": "web",
            "images.own.options": {"reproducible": True},
            "images.other.push": "never",
        },
        told=((14, "not-carried"), (22, "clone"), (36, "unknown-context")),
    ),
    "a template of Argo clones what another one builds": Case(
        "workflow.yaml",
        """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: shop-}
spec:
  templates:
    - name: clone
      container:
        image: alpine/git
        args: [clone, "https://git.example.com/acme/shop", /work/src]
        volumeMounts: [{name: work, mountPath: /work}]
    - name: build
      container:
        image: ghcr.io/osscontainertools/kaniko:v1.28.3
        args: [--context=/work/src/web, --destination=quay.io/acme/shop:1]
        volumeMounts: [{name: work, mountPath: /work}]
""",
        {
            "context": "git://git.example.com/acme/shop.git",
            "context_sub_path": "web",
        },
        told=((9, "clone"), (14, "other-repository")),
    ),
    "the commit that the catalog's clone tells is that of the run": Case(
        "pipeline.yaml",
        """\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: shop}
spec:
  params: [{name: url}]
  tasks:
    - name: get
      taskRef: {name: git-clone}
      workspaces: [{name: output, workspace: all, subPath: src}]
      params: [{name: url, value: $(params.url)}]
    - name: build
      params: [{name: tag, value: $(tasks.get.results.commit)}]
      workspaces: [{name: files, workspace: all, subPath: src}]
      taskSpec:
        params: [{name: tag}]
        workspaces: [{name: files}]
        steps:
          - image: ghcr.io/osscontainertools/kaniko:v1.28.3
            workingDir: $(workspaces.files.path)
            args: [-c, web, -f, ./Dockerfile, -d, "quay.io/acme/shop:$(params.tag)"]
""",
        {"context": "web", "destinations": ["quay.io/acme/shop:${commit.sha}"]},
        told=((7, "clone"),),
        silent=("not-portable", "unknown-dockerfile"),
    ),
    "functions of Groovy have defaults, and its texts choose": Case(
        "Jenkinsfile",
        f"""\
pipeline {{
  agent {{ kubernetes {{ yaml '''
spec:
  containers:
  - {{name: kaniko, image: {IMAGE}}}
''' }} }}
  environment {{
    TAG = "${{env.BRANCH_NAME == 'main' ? 'latest' : 'dev'}}"
    WEB = "quay.io/acme/web:${{TAG}}"
  }}
  stages {{
    stage('web') {{ steps {{ container('kaniko') {{ build('web', WEB) }} }} }}
    stage('api') {{ steps {{ container('kaniko') {{ build('api') }} }} }}
    stage('next') {{
      environment {{ TAG = 'next' }}
      steps {{ container('kaniko') {{ build('next', "quay.io/acme/next:${{TAG}}", '--cleanup') }} }}
    }}
  }}
}}
def build(folder, String image = "quay.io/acme/api:${{env.TAG_NAME ?: 'none'}}", more = '') {{
  sh "/kaniko/executor -c ${{folder}} -d ${{image}} ${{env.CHANGE_ID ? '--no-push' : ''}} ${{more}}"
}}
""",
        {
            "images.web.destinations": [
                {"image": "quay.io/acme/web:latest", "when": {"branch": "main"}},
                {
                    "image": "quay.io/acme/web:dev",
                    "when": [{"branch": ["**", "!main"]}, {"tag": "**"}],
                },
            ],
            "images.api.destinations": ["quay.io/acme/api:${tag:-none}"],
            "images.next.destinations": ["quay.io/acme/next:next"],
            "images.next.options": {"cleanup": True},
        },
        silent=("groovy", "not-portable", "skipped-command"),
    ),
    "platforms that are chosen are not put together": Case(
        "image.yml",
        """\
on:
  push: {branches: [main]}
  workflow_dispatch: {inputs: {platforms: {default: "linux/amd64,linux/arm64"}}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - uses: docker/build-push-action@v6
        with:
          push: true
          platforms: ${{ inputs.platforms || 'linux/amd64' }}
          tags: quay.io/acme/shop:1
""",
        {"options": {"custom_platform": "linux/amd64"}},
        told=((12, "conditional-flag"),),
        silent=("platforms",),
    ),
    "a builder may have a time to end in": Case(
        "build.sh",
        """\
timeout -k 5 10m buildah bud -t quay.io/acme/shop:1 .
timeout 600 buildah push quay.io/acme/shop:1
timeout 5 curl https://example.com/hook
""",
        {"destinations": ["quay.io/acme/shop:1"]},
        told=((1, "skipped-command"), (2, "skipped-command"), (3, "skipped-command")),
    ),
    "a script of a container has arguments": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: shop-}
spec:
  restartPolicy: Never
  containers:
    - name: kaniko
      image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
      env: [{name: TAG, value: v2}]
      command: [/busybox/sh, -ec]
      args:
        - /kaniko/executor -c . --destination "quay.io/acme/shop:$1" --build-arg "A=${2}"
        - sh
        - $(TAG)
        - it's one
""",
        {"destinations": ["quay.io/acme/shop:v2"], "build_args": {"A": "it's one"}},
        told=((13, "stray-argument"),),
    ),
    "a task of the catalog and an artifact of Argo bring another repository": Case(
        "pipeline.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {{name: tekton}}
spec:
  params: [{{name: rev}}]
  tasks:
    - name: get
      taskRef: {{name: git-clone}}
      params:
        - {{name: subdirectory, value: src}}
        - {{name: url, value: "https://git.example.com/acme/shop"}}
        - {{name: revision, value: $(params.rev)}}
    - name: build
      taskSpec:
        workspaces: [{{name: files}}]
        steps:
          - image: {IMAGE}
            args:
              - --context=$(workspaces.files.path)/src/api
              - --dockerfile=$(workspaces.files.path)/src/api/D
              - --destination=quay.io/acme/shop:1
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: argo-}}
spec:
  arguments: {{parameters: [{{name: rev, value: v1.2}}]}}
  templates:
    - name: argo
      inputs:
        artifacts:
          - name: source
            path: /src
            git:
              repo: git@git.example.com:acme/lib
              revision: "{{{{workflow.parameters.rev}}}}"
      container:
        image: {IMAGE}
        args: [--context=/src/api, --destination=quay.io/acme/lib:1]
""",
        {
            "images.build.context": "git://git.example.com/acme/shop.git#refs/heads/${env.REV}",
            "context_sub_path": "api",
            "images.build.dockerfile": "D",
            "images.argo.context": "git://git.example.com/acme/lib.git#refs/tags/v1.2",
        },
        told=((7, "clone"), (17, "other-repository")),
    ),
    "the cache beside one of two destinations": Case(
        ".gitlab-ci.yml",
        f"""\
build:
  image: {{name: '{IMAGE}', entrypoint: ['']}}
  script:
    - |
      TO=$CI_REGISTRY_IMAGE/dev:$CI_COMMIT_SHA
      if [ -n "$CI_COMMIT_TAG" ]; then TO=$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG; fi
    - /kaniko/executor --context . --cache --destination $TO
""",
        {
            "destinations": [
                {"image": "${registry.image}:${tag}", "when": {"tag": "**"}},
                {"image": "${registry.image}/dev:${commit.sha}", "when": {"branch": "**"}},
            ]
        },
        told=((7, "cache-without-repo"),),
    ),
    "the name of the job, and a user on Docker Hub": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  shop:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - uses: docker/login-action@v3
        with: {username: "${{ vars.HUB }}", password: "${{ secrets.HUB_TOKEN }}"}
      - uses: docker/build-push-action@v6
        with:
          context: ${{ github.job }}
          push: true
          tags: ${{ vars.HUB }}/${{ github.job }}:1
          cache-from: type=registry,ref=${{ vars.HUB }}/cache
          cache-to: type=registry,ref=${{ vars.HUB }}/cache
""",
        {
            "context": "shop",
            "destinations": ["docker.io/${env.HUB}/shop:1"],
            "cache.repo": "docker.io/${env.HUB}/cache",
        },
        silent=("missing-login",),
    ),
    "another repository is what is built": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
        with: {repository: acme/tool, ref: v2.1}
      - uses: int128/kaniko-action@v1
        with: {push: true, context: src, tags: "ghcr.io/acme/tool:1"}
""",
        {
            "context": "git://github.com/acme/tool.git#refs/tags/v2.1",
            "context_sub_path": "src",
            "destinations": ["ghcr.io/acme/tool:1"],
        },
        told=((7, "other-repository"),),
        silent=("checkout-ref",),
    ),
    "nobody knows which repository is built": Case(
        ".github/workflows/ci.yml",
        """\
on: {workflow_dispatch: {inputs: {which: }}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
        with: {repository: "${{ inputs.which }}"}
      - uses: int128/kaniko-action@v1
        with: {push: true, tags: "ghcr.io/acme/tool:1"}
""",
        {"push": "never"},
        told=((7, "other-repository"),),
    ),
    "of two images that push to one place the second is tried": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    strategy: {matrix: {flavour: [thin, fat]}}
    steps:
      - uses: actions/checkout@v5
      - uses: aevea/action-kaniko@v0.14.0
        with:
          image: acme/shop
          registry: ghcr.io
          tag: one
          extra_args: --build-arg FLAVOUR=${{ matrix.flavour }}
""",
        {
            "images.thin.destinations": ["ghcr.io/${repository.path}/acme/shop:one"],
            "images.fat": {"build_args": {"FLAVOUR": "fat"}, "push": "never"},
        },
        told=((12, "duplicate-destination"),),
    ),
    "a run of Agola's for each kind of ref": Case(
        ".agola/config.yml",
        """\
version: v0
runs:
  - name: images
    tasks:
      - name: image
        when: {branch: "#.*#", tag: "#.*#", ref: "#refs/pull/.*#"}
        runtime: {containers: [{image: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"}]}
        steps:
          - clone:
          - run: |
              case "$AGOLA_GIT_REF_TYPE" in
                pull_request) TAG=pr-$AGOLA_PULL_REQUEST_ID ;;
                tag) TAG=$AGOLA_GIT_TAG ;;
                *) TAG=edge ;;
              esac
              /kaniko/executor --context . --destination "quay.io/acme/shop:$TAG"
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:pr-${pull_request.number}", "when": "pull-request"},
                {"image": "quay.io/acme/shop:${tag}", "when": {"tag": "**"}},
                {"image": "quay.io/acme/shop:edge", "when": {"branch": "**"}},
            ]
        },
    ),
    "what is pushed beside requests is not pushed by them": Case(
        ".gitlab-ci.yml",
        """\
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
      variables: {TAG: "mr-$CI_MERGE_REQUEST_IID"}
    - if: $CI_COMMIT_TAG
      variables: {TAG: $CI_COMMIT_TAG}
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
      variables: {TAG: edge}
"""
        f"{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:$TAG\n",
        {
            "push": "always",
            "destinations": [
                {"image": "quay.io/acme/shop:mr-${pull_request.number}", "when": "pull-request"},
                {
                    "image": "quay.io/acme/shop:${tag:-edge}",
                    "when": ["default-branch", {"tag": "**"}],
                },
            ],
        },
    ),
    "a call beside one for requests is not for them": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: [main]}, pull_request: }
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - if: github.event_name == 'pull_request'
        run: buildah build -t quay.io/acme/shop:trial . && buildah push quay.io/acme/shop:trial
      - if: github.event_name != 'pull_request'
        run: buildah build -t quay.io/acme/shop:1 . && buildah push quay.io/acme/shop:1
""",
        {
            "push": "always",
            "destinations": [
                {"image": "quay.io/acme/shop:trial", "when": "pull-request"},
                {"image": "quay.io/acme/shop:1", "when": [{"branch": "**"}, {"tag": "**"}]},
            ],
        },
    ),
    "a tag is pushed below a registry where it is one": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: [main]}, pull_request: }
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - id: names
        run: |
          if [ "$GITHUB_EVENT_NAME" = pull_request ]; then tags=trial; else tags="1 edge"; fi
          echo "tags=$tags" >> "$GITHUB_OUTPUT"
      - uses: redhat-actions/buildah-build@v2
        with: {image: shop, tags: "${{ steps.names.outputs.tags }}", containerfiles: Dockerfile}
      - uses: redhat-actions/push-to-registry@v2
        with: {image: shop, tags: "${{ steps.names.outputs.tags }}", registry: quay.io/acme}
""",
        {
            "push": "always",
            "destinations": [
                {"image": "quay.io/acme/shop:trial", "when": "pull-request"},
                {"image": "quay.io/acme/shop:1", "when": [{"branch": "**"}, {"tag": "**"}]},
                {"image": "quay.io/acme/shop:edge", "when": [{"branch": "**"}, {"tag": "**"}]},
            ],
        },
    ),
    "what may be told not to push does not": Case(
        "Jenkinsfile",
        f"""\
pipeline {{
  agent {{ kubernetes {{ yaml '''
spec: {{containers: [{{name: kaniko, image: "{IMAGE}", command: [sleep]}}]}}
''' }} }}
  parameters {{ booleanParam(name: 'PUSH', defaultValue: false) }}
  stages {{ stage('image') {{ steps {{ container('kaniko') {{
    sh "/kaniko/executor -c . -d quay.io/acme/shop:1 ${{flags(params.PUSH, '--no-push')}}"
  }} }} }} }}
}}
""",
        {"push": "never", "destinations": ["quay.io/acme/shop:1"]},
        told=((7, "unknown-words"), (7, "unknown-condition")),
    ),
    "what only requests have tells them": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: [main]}, pull_request: }
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - if: github.event.pull_request == null
        run: buildah build -t quay.io/acme/shop:1 . && buildah push quay.io/acme/shop:1
      - if: github.event.pull_request.head.sha
        run: buildah build -t quay.io/acme/shop:trial . && buildah push quay.io/acme/shop:trial
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:1", "when": [{"branch": "**"}, {"tag": "**"}]},
                {"image": "quay.io/acme/shop:trial", "when": "pull-request"},
            ],
        },
        silent=("unknown-condition",),
    ),
    "what every run has is no question": Case(
        ".gitlab-ci.yml",
        f"{GITLAB}  script:\n"
        '    - if [ -n "$CI_COMMIT_SHORT_SHA" ]; then T=$CI_PIPELINE_IID; fi\n'
        "    - /kaniko/executor -c . -d quay.io/acme/shop:$T\n",
        {"destinations": ["quay.io/acme/shop:${build.number}"]},
        silent=("unknown-condition",),
    ),
    "each way to start a run but a request pushes": Case(
        ".gitlab-ci.yml",
        f"{GITLAB}  rules:\n"
        '    - if: $CI_PIPELINE_SOURCE == "merge_request_event"\n'
        "      variables: {PUSH: --no-push}\n"
        "    - if: $CI_PIPELINE_SOURCE =~ /^(push|web)$/\n"
        "  script: /kaniko/executor -c . -d quay.io/acme/shop:$CI_COMMIT_REF_SLUG $PUSH\n",
        {
            "destinations": ["quay.io/acme/shop:${ref.slug}"],
            "triggers": {
                "branches": ["**"],
                "tags": ["**"],
                "pull_requests": True,
                "manual": True,
            },
            "push": None,
        },
        silent=("unknown-trigger",),
    ),
    "a variable is one of several commands": Case(
        "build.sh",
        """\
push=false dry=
if [ "$CI_COMMIT_BRANCH" = main ]; then push=true; else dry=echo; fi
buildah build -t quay.io/acme/shop:1 .
if $push; then buildah push quay.io/acme/shop:1; fi
$dry buildah push quay.io/acme/shop:1 docker://quay.io/acme/shop:2
if ${LATEST:-false}; then buildah push quay.io/acme/shop:1 docker://quay.io/acme/shop:3; fi
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:1", "when": {"branch": "main"}},
                {"image": "quay.io/acme/shop:2", "when": {"branch": "main"}},
            ],
        },
        told=((6, "unknown-condition"),),
    ),
    "an expression is a command": Case(
        ".github/workflows/ci.yml",
        """\
on: {push: {branches: [main], tags: ["v*"]}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: |
          buildah build -t quay.io/acme/shop:1 .
          if ${{ startsWith(github.ref, 'refs/tags/') }}; then buildah push quay.io/acme/shop:1; fi
""",
        {"destinations": [{"image": "quay.io/acme/shop:1", "when": {"tag": "**"}}]},
    ),
    "what is built otherwise is another image": Case(
        ".gitlab-ci.yml",
        f"{GITLAB}  rules:\n"
        '    - if: $CI_COMMIT_BRANCH == "main"\n'
        "      variables: {KIND: prod, TAG: edge}\n"
        "    - if: $CI_COMMIT_BRANCH\n"
        "  variables: {KIND: dev, TAG: trial}\n"
        "  script: /kaniko/executor -c $KIND --target $KIND -d quay.io/acme/shop:$TAG\n",
        {
            "context": "${image.name}",
            "images.prod": {
                "target": "prod",
                "destinations": [{"image": "quay.io/acme/shop:edge", "when": {"branch": "main"}}],
            },
            "images.dev": {
                "target": "dev",
                "destinations": [
                    {"image": "quay.io/acme/shop:trial", "when": {"branch": ["**", "!main"]}}
                ],
            },
        },
        silent=("conditional-flag",),
    ),
    "what a login does not say is told": Case(
        "pod.yaml",
        """\
apiVersion: v1
kind: Pod
metadata: {generateName: image-}
spec:
  restartPolicy: Never
  containers:
    - name: kaniko
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args:
        - --context=git://github.com/acme/shop.git
        - --destination=acme.azurecr.io/shop:1
        - --destination=eu.gcr.io/acme/shop:1
        - --destination=123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1
      env:
        - {name: AZURE_CLIENT_ID, value: 00000000-0000-0000-0000-000000000000}
        - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /made/elsewhere.json}
        - {name: AWS_ROLE_ARN, value: no-role}
""",
        {
            "registries": {
                "acme.azurecr.io": {"azure": "ambient"},
                "eu.gcr.io": {"google": "ambient"},
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com": {"aws": "ambient"},
            }
        },
        told=((15, "owned-variable"), (16, "owned-variable"), (17, "owned-variable")),
    ),
    "flags of buildah in a variable": Case(
        "build.yaml",
        """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  workspaces: [{name: source}, {name: certs, optional: true}]
  steps:
  - image: quay.io/buildah/stable:v1.43.0
    workingDir: $(workspaces.source.path)
    script: |
      [ "$(workspaces.certs.bound)" = "true" ] && FLAGS="--cert-dir $(workspaces.certs.path)"
      buildah ${FLAGS} --storage-driver=vfs bud -t quay.io/acme/shop:1 .
      buildah ${FLAGS} --storage-driver=vfs push quay.io/acme/shop:1 docker://quay.io/acme/shop:1
""",
        {"builder": "buildah", "destinations": ["quay.io/acme/shop:1"]},
        told=((11, "unknown-words"), (11, "builder-flag")),
        silent=("skipped-command",),
    ),
    "flags of podman in a variable": Case(
        "build.sh",
        "podman $FLAGS build -t quay.io/acme/shop:1 .\npodman $FLAGS push quay.io/acme/shop:1\n",
        {"destinations": ["quay.io/acme/shop:1"]},
        told=((1, "unknown-words"),),
        silent=("skipped-command",),
    ),
    "a template of Argo that others call": Case(
        "flow.yaml",
        """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shared}
spec:
  templates:
  - name: build
    inputs: {parameters: [{name: image}]}
    container:
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args:
      - --context=git://github.com/acme/shop.git
      - --destination={{inputs.parameters.image}}:{{workflow.parameters.tag}}
      volumeMounts: [{name: config, mountPath: /kaniko/.docker}]
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: shop-}
spec:
  entrypoint: all
  arguments: {parameters: [{name: tag, value: "1"}]}
  volumes: [{name: config, secret: {secretName: regcred}}]
  templates:
  - name: all
    steps:
    - - name: image
        templateRef: {name: shared, template: build}
        arguments: {parameters: [{name: image, value: quay.io/acme/shop}]}
""",
        {
            "destinations": ["quay.io/acme/shop:1"],
            "registries": {"quay.io": {"docker_config": "regcred"}},
        },
        told=((1, "other-object"),),
    ),
    "an init container of Argo logs in": Case(
        "flow.yaml",
        """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: shop-}
spec:
  templates:
  - name: image
    initContainers:
    - name: login
      image: busybox:1.37
      command: [sh, -c]
      args:
      - |
        auth=$(printf 'bot:%s' "$TOKEN" | base64 -w0)
        host={{workflow.parameters.host}}
        echo '{"auths":{"'$host'":{"auth":"'$auth'"}}}' > /out/.docker/config.json
      env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: quay, key: TOKEN}}}]
      volumeMounts: [{name: config, mountPath: /out/.docker}]
    container:
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      args: ["--context=git://github.com/acme/shop.git", "--destination=quay.io/acme/shop:1"]
      volumeMounts: [{name: config, mountPath: /kaniko/.docker}]
  arguments: {parameters: [{name: host, value: quay.io}]}
  volumes: [{name: config, emptyDir: {}}]
""",
        {"registries": {"quay.io": {"username": "bot", "password": "TOKEN"}}},
        told=((8, "login-container"),),
        silent=("docker-config",),
    ),
    "texts that Groovy puts together": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  stages { stage('a') {
    when { branch 'main' }
    steps { script {
      def auth = sh(script: 'printf %s:%s "$WHO" "$TOKEN" | base64 -w0', returnStdout: true)
      writeFile text: '{"auths":{"quay.io":{"auth":"' + auth + '"}}}', file: '/kaniko/.docker/' +
        'config.json'
      sh '/kaniko/executor -c . -d quay.io/acme/shop:$BUILD_NUMBER-' + env.GIT_COMMIT + ' --cleanup'
      dir("api/" + params.PART) { sh '/kaniko/executor -c "$PWD" -d quay.io/acme/api:1' }
    } }
  } }
}
""",
        {
            "images.shop.destinations": ["quay.io/acme/shop:${build.number}-${commit.sha}"],
            "images.shop.options": {"cleanup": True},
            "images.api.push": "never",
            "registries": {"quay.io": {"username": {"secret": "WHO"}, "password": "TOKEN"}},
        },
        told=((10, "unknown-context"),),
        silent=("literal-secret", "broken-json-quoting"),
    ),
    "a step that runs one of two scripts": Case(
        "Jenkinsfile",
        """\
pipeline {
  agent any
  stages { stage('a') {
    steps {
      sh(env.BRANCH_NAME == 'main' ? '/kaniko/executor -c . -d quay.io/acme/shop:1' : 'make test')
      sh(['/kaniko/executor', '-c', '.', '-d', 'quay.io/acme/shop:2'].join(' '))
    }
  } }
}
""",
        {"destinations": [{"image": "quay.io/acme/shop:1", "when": {"branch": "main"}}]},
        told=((6, "skipped-command"),),
        silent=("no-destination",),
    ),
    "a folder by the name of the working directory": Case(
        "build.sh",
        """\
top=$PWD
for x in api web; do
  (cd "parts/$x" && /kaniko/executor -c "$PWD" -f "$top/$x.Dockerfile" -d quay.io/acme/$x:1)
done
cd docs
docker run --rm -v "$PWD:/workspace" ghcr.io/osscontainertools/kaniko:v1.28.3 -d quay.io/acme/docs:1
""",
        {
            "images.api": {"context": "parts/api", "dockerfile": "../../api.Dockerfile"},
            "images.web": {"context": "parts/web", "dockerfile": "../../web.Dockerfile"},
            "images.docs": {"context": "docs"},
        },
    ),
    "a working directory by its name": Case(
        ".github/workflows/a.yml",
        f"""\
on: {{push: {{branches: [main]}}}}
jobs:
  a:
    runs-on: ubuntu-24.04
    container: {IMAGE}
    steps:
    - uses: actions/checkout@v4
    - {{run: '/kaniko/executor -c "$PWD" -d quay.io/acme/api:1', working-directory: api}}
""",
        {"context": "api"},
    ),
    "the working directory of a step of Tekton by its name": Case(
        "build.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: build}}
spec:
  workspaces: [{{name: source}}]
  steps:
  - image: {IMAGE}
    workingDir: $(workspaces.source.path)/api
    script: '/kaniko/executor -c "$PWD" -d quay.io/acme/api:1'
""",
        {"context": "api"},
    ),
    "a relative folder that docker mounts": Case(
        "build.sh",
        f"cd api\ndocker run -v ./:/workspace {IMAGE} -d quay.io/acme/api:1\n",
        {"context": "api"},
    ),
    "what is built has a default": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  rules: [{{if: $CI_COMMIT_TAG}}]
  script: >-
    /kaniko/executor -c "${{FOLDER:-api}}" -f "${{FILE:-docker/api}}.Dockerfile"
    --target "${{STAGE:-prod}}" -d "quay.io/acme/api:${{NAME:-edge}}"
""",
        {
            "context": "api",
            "dockerfile": "docker/api.Dockerfile",
            "target": "prod",
            "destinations": ["quay.io/acme/api:${env.NAME:-edge}"],
        },
        told=((5, "default-taken"),),
    ),
    "inputs whose defaults begin with a dot": Case(
        ".gitlab-ci.yml",
        f"""\
spec:
  inputs: {{folder: {{default: ./}}}}
---
{GITLAB}  script: /kaniko/executor -c "$CI_PROJECT_DIR/$[[ inputs.folder ]]" -d quay.io/acme/api:1
""",
        {"context": "${input.folder}", "inputs.folder.default": "."},
        silent=("bad-input",),
    ),
    "expressions that are no shell": Case(
        ".github/workflows/a.yml",
        f"""\
on: {{push: {{branches: [main]}}}}
jobs:
  a:
    runs-on: ubuntu-24.04
    container: {IMAGE}
    steps:
    - uses: actions/checkout@v4
    - run: /kaniko/executor -c . -d quay.io/acme/api:${{{{ github.run_id }}}}-${{{{ github.sha }}}}
""",
        {"destinations": ["quay.io/acme/api:${build.id}-${commit.sha}"]},
        silent=("expression-in-script",),
    ),
    "merge requests of one branch": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:$CI_COMMIT_SHORT_SHA
  rules:
  - {{if: $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "develop", when: manual}}
  - {{if: $CI_COMMIT_BRANCH == "develop"}}
""",
        {
            "destinations": [
                {"image": "quay.io/acme/shop:${commit.short}", "when": {"branch": "develop"}}
            ],
            "triggers.branches": ["develop"],
            "push": None,
        },
        told=((5, "unknown-trigger"),),
    ),
    "a job for other merge requests alone": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:1
  rules:
  - {{if: $CI_MERGE_REQUEST_TARGET_BRANCH_NAME != "main"}}
""",
        {"triggers": {"branches": ["**"], "tags": ["**"]}},
        told=((5, "unknown-trigger"),),
    ),
    "the commit of a clone of Tekton in a script": Case(
        "build.yaml",
        f"""\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {{name: shop}}
spec:
  params: [{{name: url}}]
  tasks:
  - name: fetch
    taskRef: {{name: git-clone}}
    params: [{{name: url, value: $(params.url)}}]
  - name: build
    taskRef: {{name: image}}
    params: [{{name: tag, value: $(tasks.fetch.results.commit)}}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {{name: image}}
spec:
  params: [{{name: tag}}]
  workspaces: [{{name: source}}]
  steps:
  - image: {IMAGE}
    workingDir: $(workspaces.source.path)
    script: /kaniko/executor -c . -d "quay.io/acme/shop:$(params.tag)"
""",
        {"destinations": ["quay.io/acme/shop:${commit.sha}"]},
        silent=("not-portable",),
    ),
    "a file of variables that nothing tells": Case(
        ".gitlab-ci.yml",
        f"{GITLAB}  script: [. ./env.sh, '/kaniko/executor -c . -d $CI_REGISTRY/shop:1']\n",
        {"destinations": ["${registry.host}/shop:1"]},
        told=((3, "skipped-command"),),
    ),
    "rules that an input holds": Case(
        ".gitlab-ci.yml",
        f"""\
spec:
  inputs:
    rules: {{type: array, default: [{{if: $CI_COMMIT_BRANCH == "edge"}}]}}
---
{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:1
  before_script: []
  rules: $[[ inputs.rules ]]
""",
        {"triggers": {"branches": ["edge"]}, "push": None},
        told=((3, "input"),),
        silent=("not-carried",),
    ),
    "rules that whoever includes a file gives": Case(
        ".gitlab-ci.yml",
        f"""\
spec: {{inputs: {{rules: {{type: array}}}}}}
---
{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:1
  rules: $[[ inputs.rules ]]
""",
        {"push": "never"},
        told=((6, "unknown-trigger"),),
    ),
    "one pipeline for a branch with a merge request": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  script: /kaniko/executor -c . -d quay.io/acme/shop:1
  rules:
  - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  - {{if: $CI_OPEN_MERGE_REQUESTS, when: never}}
  - if: $CI_COMMIT_BRANCH
""",
        {"triggers": {"branches": ["**"], "pull_requests": True}},
        silent=("unknown-trigger",),
    ),
    "a template that no file holds": Case(
        ".gitlab-ci.yml",
        f"""\
.image: {{extends: .elsewhere, stage: build}}
{GITLAB}  extends: .image
  script: /kaniko/executor -c . -d quay.io/acme/shop:1
""",
        {"push": "never"},
        told=((1, "extends"), (4, "unknown-trigger")),
    ),
    "a template that no file holds, and rules of the job": Case(
        ".gitlab-ci.yml",
        f"""\
{GITLAB}  extends: .elsewhere
  script: /kaniko/executor -c . -d quay.io/acme/shop:1
  rules: [{{if: $CI_COMMIT_TAG}}]
""",
        {"push": None, "triggers": {"tags": ["**"]}},
        told=((3, "extends"),),
        silent=("unknown-trigger",),
    ),
    "plugins log in": Case(
        ".buildkite/pipeline.yml",
        """\
steps:
  - command: docker build -t $HOST/shop:1 . && docker push $HOST/shop:1
    secrets: [QUAY]
    plugins:
      - docker-login#v3.0.0: {server: $HOST, username: $WHO, password-env: QUAY}
      - ecr#v2.9.0: {login: true, account-ids: "123456789012", region: eu-west-1}
env: {HOST: registry.example.com, WHO: bot}
""",
        {
            "registries": {
                "registry.example.com": {"username": "bot", "password": "QUAY"},
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com": {"aws": "ambient"},
            }
        },
    ),
    "what only kaniko hears has its line": Case(
        ".github/workflows/ci.yml",
        """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - run: |
          buildah build -t quay.io/acme/shop:1 .
          buildah push --digestfile digest quay.io/acme/shop:1
""",
        {},
        told=((9, "kaniko-only"),),
    ),
}


def _at(spec: Any, place: str) -> Any:
    if place not in spec and place in {"env", "inputs", "push"}:
        return None
    for key in place.split("."):
        spec = spec[key]
    return spec


@pytest.mark.parametrize("name", CASES)
def test_a_pipeline_is_answered(name: str) -> None:
    case = CASES[name]
    beside = [BESIDE] * (BESIDE[0] in case.text)
    found = import_files([(case.file, case.text), *beside])
    spec = yaml11.load(found.spec_text)
    assert {place: _at(spec, place) for place in case.spec} == case.spec, found.spec_text
    told = {(entry.line, entry.rule) for entry in found.report}
    assert told >= {*case.told}, sorted(told)
    assert not [entry for entry in found.report if entry.message.count("push: never") > 1]
    assert not {rule for _, rule in told} & {*case.silent}


def test_a_secret_with_another_name_is_no_fault() -> None:
    """The pipeline works: only what is rendered needs the other one."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\nspec:\n  restartPolicy: Never\n"
        "  containers:\n  - name: kaniko\n    image: ghcr.io/osscontainertools/kaniko:v1.28.3\n"
        "    args: ['-c=git://github.com/acme/shop.git', '-d=quay.io/acme/shop:1']\n"
        "    env: [{name: GIT_TOKEN, valueFrom: {secretKeyRef: {name: git, key: token}}}]\n"
    )
    assert lint([("pod.yaml", text)]).problems == ()
    rules = [entry.rule for entry in import_files([("pod.yaml", text)]).report]
    assert "reserved-name" in rules


def test_images_that_wait_render() -> None:
    case = CASES["steps that build wait as images"]
    found = import_files([(case.file, case.text)])
    text = found.spec_text + "registries: {quay.io: anonymous}\n"
    rendered = render(loads(text), "buildkite")
    keys = {step["key"] for step in yaml11.load(rendered)["steps"] if "key" in step}
    waits = {name for step in yaml11.load(rendered)["steps"] for name in step.get("depends_on", [])}
    assert waits - keys == {"lint"}


def test_a_stage_between_a_build_and_its_push_is_said_to_be_one() -> None:
    found = import_files([("Jenkinsfile", CASES["stages share a daemon"].text)])
    told = {entry.line for entry in found.report if "whether or not that fails" in entry.message}
    assert told == {14}


def test_a_long_condition_is_shown_by_its_beginning() -> None:
    script = f'if [ "$(curl {"https://x.io/a " * 50})" = 1 ]; then A=--reproducible; fi\n'
    found = import_files([("ci.sh", f"{script}/kaniko/executor -c . $A -d quay.io/a/b:1\n")])
    said = next(entry.message for entry in found.report if entry.rule == "conditional-flag")
    assert "curl https://x.io/a" in said
    assert len(said) < 250


@pytest.mark.parametrize("kind", ["password(name: 'WHO'", "string(name: 'API_KEY'"])
def test_the_default_of_a_secret_parameter_is_in_no_report(kind: str) -> None:
    name = kind.partition("'")[2].rstrip("'")
    text = (
        f"pipeline {{\n  parameters {{ {kind}, defaultValue: 'a1b2c3d4e5f6') }}\n"
        "  stages { stage('a') { steps { script {\n"
        f"    if (params.{name}.isEmpty()) {{ error 'no' }}\n"
        f'    sh "docker build -t quay.io/a/b:1 . && scan ${{params.{name}}} > /dev/null"\n'
        "    sh 'docker push quay.io/a/b:1'\n  } } } }\n}\n"
    )
    found = import_files([("Jenkinsfile", text)])
    said = " ".join(entry.message for entry in found.report)
    assert f"params.{name}.isEmpty()" in said
    assert "a1b2c3" not in said + found.spec_text
