"""What a spec cannot say makes it do less than the pipeline, and the report says so."""

from __future__ import annotations

import json
from itertools import product
from typing import Any, NamedTuple

import pytest

from ci_kaniko import import_files, loads, render
from ci_kaniko.importing.report import report_text
from ci_kaniko.rehearsing import yaml11

_GITLAB = """\
build:
  image: {name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}
  script:
    - |
      DEST="--destination=$CI_REGISTRY_IMAGE:a"
      SCRIPT
      /kaniko/executor --context "$CI_PROJECT_DIR" $DEST
  rules: RULES
"""
_GITHUB = """\
on: ON
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: |
          DEST=--no-push
          if [ "$GITHUB_EVENT_NAME" = push ]; then DEST=--destination=ghcr.io/acme/a:1; fi
          docker run -v "$PWD:/workspace" ghcr.io/osscontainertools/kaniko:v1.28.3 $DEST
"""
_PUSHES = _GITHUB.replace(' "$GITHUB_EVENT_NAME" = push ', " -n x ")
_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: image}
spec:
  containers:
    - name: kaniko
      image: registry.example.com/mirror/build-kaniko:v1.23.2
      args: [--context=git://github.com/acme/a, --destination=quay.io/acme/a:1, FLAG]
"""
_KEY = """\
      env: [{name: GIT_TOKEN, valueFrom: {secretKeyRef: {name: git, key: key.pem}}}]
"""
_BUILDKITE = """\
steps:
  - KEY
    command: docker run -v $$PWD:/workspace ghcr.io/osscontainertools/kaniko:v1.28.3 \
--destination=quay.io/acme/a:1
"""
_EXECUTOR = "ghcr.io/osscontainertools/kaniko:v1.28.3"
_TO = "--destination=quay.io/acme/a:1"
_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
_OTHERS = 'DEST="$DEST --destination=$CI_REGISTRY_IMAGE:b"'
_OF_BRANCH = 'DEST="$DEST --destination=$CI_REGISTRY_IMAGE:b-$CI_COMMIT_BRANCH"'


def _gitlab(rules: str, script: str = ":") -> tuple[str, str]:
    return ".gitlab-ci.yml", _GITLAB.replace("RULES", rules).replace("SCRIPT", script)


def _without_rules(key: str, script: str = ":") -> tuple[str, str]:
    return ".gitlab-ci.yml", _GITLAB.replace("rules: RULES", key).replace("SCRIPT", script)


def _buildkite(key: str) -> tuple[str, str]:
    return "pipeline.yml", _BUILDKITE.replace("KEY", key)


class Case(NamedTuple):
    file: tuple[str, str]
    spec: dict[str, Any]
    rules: set[str]


A = "${registry.image}:a"
B = "${registry.image}:b"
CASES = {
    "a branch that is not meant": Case(
        _gitlab("[{if: '$CI_COMMIT_BRANCH != \"main\"'}]"),
        {
            "triggers": {"branches": ["**", "!main"], "tags": ["**"], "pull_requests": True},
            "push": "always",
            "destinations": [A],
        },
        set(),
    ),
    "any branch but the default one": Case(
        _gitlab("[{if: '$CI_COMMIT_BRANCH && $CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH'}]"),
        {
            "triggers": {"branches": ["**"]},
            "push": None,
            "destinations": [{"image": A, "when": "other-branch"}],
        },
        {"other-branch"},
    ),
    "any branch but the default one, which has a destination of its own": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH}]",
            f'if [ "$CI_COMMIT_BRANCH" != "$CI_DEFAULT_BRANCH" ]; then {_OTHERS}; '
            'else DEST="--destination=$CI_REGISTRY_IMAGE:a"; fi',
        ),
        {
            "triggers": {"branches": ["**"]},
            "destinations": [A, {"image": B, "when": "other-branch"}],
        },
        set(),
    ),
    "neither the default branch nor others": Case(
        _gitlab(
            "[{if: '$CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH && $CI_COMMIT_BRANCH !~ /^wip/ "
            "&& $CI_COMMIT_BRANCH'}]"
        ),
        {"triggers": {"manual": True}, "push": "never"},
        {"no-trigger", "unknown-trigger"},
    ),
    "a rule after one that holds unless somebody starts the pipeline": Case(
        _gitlab(
            "[{if: '($CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH || $CI_COMMIT_TAG) "
            '&& $CI_PIPELINE_SOURCE != "web"\', variables: {T: b}}, '
            "{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', variables: {T: c}}]",
            'DEST="--destination=$CI_REGISTRY_IMAGE:$T"',
        ),
        {
            "destinations": [
                {"image": B, "when": ["pull-request", "other-branch", {"tag": "**"}]},
                {"image": B[:-1] + "c", "when": "default-branch"},
            ]
        },
        set(),
    ),
    "a rule of tags after one that holds for all of these": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG =~ /^v/, variables: {T: b}}, "
            "{if: $CI_COMMIT_TAG =~ /^v1/, variables: {T: c}}]",
            'DEST="--destination=$CI_REGISTRY_IMAGE:$T"',
        ),
        {"triggers": {"tags": ["v**"]}, "destinations": [{"image": B, "when": {"tag": "v**"}}]},
        set(),
    ),
    "the default branch, when it has a name that few have": Case(
        _gitlab("[{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_COMMIT_BRANCH =~ /^v/'}]"),
        {"triggers": {"manual": True}, "push": "never"},
        {"no-trigger", "unknown-trigger"},
    ),
    "the usual default branch, when it is not the default one": Case(
        _gitlab(
            "[{if: '$CI_COMMIT_BRANCH == \"main\" && $CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH'}]"
        ),
        {"triggers": {"manual": True}, "push": "never"},
        {"no-trigger", "unknown-trigger"},
    ),
    "the default branch, and others of which it is none": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}, "
            "{if: '$CI_COMMIT_BRANCH =~ /^rel/ && $CI_COMMIT_BRANCH != \"main\"'}]"
        ),
        {"triggers": {"branches": ["main", "rel**"]}, "destinations": [A]},
        {"default-branch"},
    ),
    "pull requests from branches of some names": Case(
        _gitlab("[{if: '$CI_COMMIT_REF_NAME !~ /^wip/'}]"),
        {"push": None, "destinations": [A]},
        {"request-pushes"},
    ),
    "pull requests from branches of some names, in Buildkite": Case(
        _buildkite("if: build.branch !~ /^wip/"),
        {
            "push": None,
            "triggers": {"branches": ["**", "!wip**"], "tags": ["**"], "pull_requests": True},
        },
        {"request-pushes", "queue"},
    ),
    "a destination that pull requests from some branches have": Case(
        _gitlab("[{when: always}]", f'[ "$CI_COMMIT_REF_NAME" = dev ] || {_OTHERS}'),
        {"destinations": [A, {"image": B, "when": [{"branch": ["**", "!dev"]}, {"tag": "**"}]}]},
        {"unknown-condition"},
    ),
    "what no push starts, of which there are pull requests alone": Case(
        (
            ".gitlab-ci.yml",
            'workflow: {rules: [{if: \'$CI_PIPELINE_SOURCE != "push" || '
            "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', variables: {T: a}}, {variables: {T: b}}]}\n"
            + _without_rules(
                "only: [dev, merge_requests]", 'DEST="--destination=$CI_REGISTRY_IMAGE:$T"'
            )[1],
        ),
        {
            "push": "always",
            "destinations": [
                {"image": A, "when": ["default-branch", "pull-request"]},
                {"image": B, "when": "other-branch"},
            ],
        },
        set(),
    ),
    "tags that one rule takes, and another for branches": Case(
        (
            ".gitlab-ci.yml",
            "workflow: {rules: [{if: $CI_COMMIT_TAG}]}\n"
            + _gitlab(
                "[{if: '$CI_COMMIT_TAG =~ /^v\\d+\\.\\d+\\.\\d+$/', variables: {T: b}}, "
                "{if: $CI_COMMIT_BRANCH =~ /^(main|dev)$/, variables: {T: c}}]",
                'DEST="--destination=$CI_REGISTRY_IMAGE:$T"',
            )[1],
        ),
        {"destinations": [{"image": B, "when": "release"}]},
        set(),
    ),
    "a kind of ref that pull requests have as well": Case(
        (
            ".github/workflows/a.yml",
            _GITHUB.replace("ON", "{push: {tags: [v*]}, pull_request: }")
            .replace("DEST=--no-push", "DEST=--destination=ghcr.io/acme/a:b")
            .replace('"$GITHUB_EVENT_NAME" = push', '"$GITHUB_REF_TYPE" != branch'),
        ),
        {
            "push": "always",
            "destinations": [
                {"image": "ghcr.io/acme/a:1", "when": {"tag": "**"}},
                {"image": "ghcr.io/acme/a:b", "when": "pull-request"},
            ],
        },
        set(),
    ),
    "names that are versions": Case(
        _without_rules('only: ["v1.2.3", main]\n  except: ["v1.2.4"]'),
        {"triggers": {"branches": ["main"], "tags": ["v1.2.3"]}, "destinations": [A]},
        set(),
    ),
    "a name of a version, which is not meant": Case(
        _gitlab('[{if: $CI_COMMIT_REF_NAME == "v1.2.3", when: never}, {if: $CI_COMMIT_TAG}]'),
        {"triggers": {"tags": ["**", "!v1.2.3"]}, "destinations": [A]},
        set(),
    ),
    "a step that the default branch leaves out": Case(
        _buildkite(
            "if: build.branch != pipeline.default_branch && build.tag == null && "
            "build.pull_request.id == null"
        ),
        {
            "triggers": {"branches": ["**"]},
            "destinations": [{"image": "quay.io/acme/a:1", "when": "other-branch"}],
        },
        {"other-branch", "queue"},
    ),
    "a run of GitHub that the default branch leaves out": Case(
        (
            "w.yml",
            _GITHUB.replace("ON", "push")
            .replace("= push ]", '= push ] && [ "$GITHUB_REF_NAME" != "$DEFAULT" ]')
            .replace(
                "      - run:",
                "      - env: {DEFAULT: '${{ github.event.repository.default_branch }}'}\n"
                "        run:",
            ),
        ),
        {
            "triggers": {"branches": ["**"], "tags": ["**"]},
            "destinations": [
                {"image": "ghcr.io/acme/a:1", "when": ["other-branch", {"tag": "**"}]}
            ],
        },
        set(),
    ),
    "a name that only branches have": Case(
        _without_rules("timeout: 30m", f"{_OF_BRANCH}"),
        {
            "triggers": {"branches": ["**"], "tags": ["**"]},
            "destinations": [
                {"image": A, "when": {"branch": "**"}},
                {"image": f"{B}-${{ref.tag}}", "when": {"branch": "**"}},
            ],
        },
        set(),
    ),
    "a name that a script asks branches for": Case(
        _without_rules("timeout: 30m", f'[ -z "$CI_COMMIT_BRANCH" ] || {_OF_BRANCH}'),
        {"destinations": [A, {"image": f"{B}-${{ref.tag}}", "when": {"branch": "**"}}]},
        set(),
    ),
    "the own token in some runs, and another in others": Case(
        _without_rules(
            "timeout: 30m",
            'T="$CI_JOB_TOKEN"; if [ -n "$CI_COMMIT_TAG" ]; then T="$OTHER"; fi; '
            'crane auth login "$CI_REGISTRY" -u x -p "$T"',
        ),
        {"destinations": [A], "registries": None},
        {"second-login"},
    ),
    "what a script stops for, but for a variable that is not set": Case(
        _without_rules(
            "timeout: 30m",
            '[ -n "$CI_REGISTRY_USER" ] || exit 1; N=$(jq length scan.json); '
            'if [ "$N" -gt 0 ] || grep -q CRITICAL scan.txt; then exit 1; fi',
        ),
        {"destinations": [A], "push": None},
        {"gate"},
    ),
    "changes below a folder that a variable of the job names": Case(
        _gitlab("[{if: $CI_COMMIT_BRANCH, changes: ['$APP/**/*']}]\n  variables: {APP: shop}"),
        {"triggers": {"branches": ["**"], "paths": ["shop/**/*"]}, "destinations": [A]},
        set(),
    ),
    "a variable of the settings": Case(
        _gitlab('[{if: \'$CI_COMMIT_BRANCH == "main" && $SKIP != "1"\'}]'),
        {"triggers": {"branches": ["main"]}, "push": "never", "destinations": [A]},
        {"unknown-trigger"},
    ),
    "one of two alternatives": Case(
        _gitlab("[{if: '$CI_COMMIT_TAG'}, {if: '$DEPLOY == \"yes\"'}]"),
        {"triggers": {"tags": ["**"]}, "push": None},
        {"unknown-trigger"},
    ),
    "a tag that is like something": Case(
        _gitlab("[{if: '$CI_COMMIT_TAG =~ /^v(?=1)/'}]"),
        {"triggers": {"tags": ["**"]}, "push": "never"},
        {"unknown-trigger"},
    ),
    "a trigger's token": Case(
        _gitlab("[{if: '$CI_PIPELINE_SOURCE == \"trigger\"'}]"),
        {"push": "never"},
        {"unknown-trigger"},
    ),
    "a button on one branch": Case(
        _gitlab("[{if: '$CI_COMMIT_BRANCH == \"main\"', when: manual}]"),
        {
            "triggers": {"manual": True},
            "destinations": [{"image": A, "when": {"branch": "main"}}],
        },
        {"manual-job"},
    ),
    "a button of a job for one branch": Case(
        _gitlab("[{if: '$CI_COMMIT_BRANCH == \"main\"'}]\n  when: manual"),
        {
            "triggers": {"manual": True},
            "destinations": [{"image": A, "when": {"branch": "main"}}],
        },
        {"manual-job"},
    ),
    "a button of a job": Case(
        _without_rules("when: manual"),
        {"triggers": {"manual": True}, "destinations": [A]},
        {"manual-job"},
    ),
    "a button on one branch, and tags": Case(
        _gitlab("[{if: $CI_COMMIT_TAG}, {if: '$CI_COMMIT_BRANCH == \"main\"', when: manual}]"),
        {
            "triggers": {"tags": ["**"], "manual": True},
            "destinations": [{"image": A, "when": [{"branch": "main"}, {"tag": "**"}]}],
        },
        {"manual-job"},
    ),
    "a button everywhere else": Case(
        _gitlab("[{if: $CI_COMMIT_TAG}, {when: manual}]"),
        {"triggers": {"tags": ["**"], "manual": True}, "destinations": [A]},
        {"manual-job"},
    ),
    "other files for each of two branches": Case(
        _gitlab(
            "[{if: '$CI_COMMIT_BRANCH == \"dev\"', changes: [app/**]}, "
            "{if: '$CI_COMMIT_BRANCH == \"main\"', changes: [lib/**]}]"
        ),
        {"triggers": {"branches": ["dev"], "paths": ["app/**"]}, "destinations": [A]},
        {"unknown-trigger"},
    ),
    "files that keep a job from starting": Case(
        _gitlab("[{changes: [docs/**], when: never}, {when: on_success}]"),
        {"push": "never"},
        {"unknown-trigger"},
    ),
    "files for one of two branches": Case(
        _gitlab(
            "[{if: '$CI_COMMIT_BRANCH == \"dev\"', changes: [app/**]}, "
            "{if: '$CI_COMMIT_BRANCH == \"main\"'}]"
        ),
        {"triggers": {"branches": ["dev", "main"], "paths": ["app/**"]}, "destinations": [A]},
        {"paths"},
    ),
    "files that no path names": Case(
        _gitlab("[{if: $CI_COMMIT_BRANCH, changes: ['{a,b}/x']}]"),
        {"push": "never"},
        {"path-glob", "unknown-trigger"},
    ),
    "variables of only, which start no request": Case(
        _without_rules("only: {variables: ['$DEPLOY == $CI_COMMIT_SHA', $CI_COMMIT_BRANCH]}"),
        {"triggers": {"branches": ["**"]}},
        {"unknown-trigger"},
    ),
    "a variable without its $": Case(
        _without_rules("only: {variables: [CI_COMMIT_TAG]}"),
        {"push": "never"},
        {"unknown-trigger"},
    ),
    "files of only that no path names": Case(
        _without_rules("only: {refs: [main], changes: ['{a,b}/x']}"),
        {"push": "never"},
        {"path-glob", "unknown-trigger"},
    ),
    "files that GitHub leaves out and no path names": Case(
        ("w.yml", _GITHUB.replace("ON", "{push: {branches: [main], paths-ignore: ['{a,b}/x']}}")),
        {"push": "never"},
        {"path-glob"},
    ),
    "files of Buildkite that no path names": Case(
        _buildkite("if_changed: '{a,b}/x'"),
        {"push": "never"},
        {"path-glob", "queue"},
    ),
    "files that GitLab does not ask of a tag": Case(
        _gitlab("[{if: $CI_COMMIT_BRANCH}, {if: $CI_COMMIT_TAG, changes: [app/**]}]"),
        {"triggers": {"branches": ["**"], "tags": ["**"]}, "destinations": [A]},
        set(),
    ),
    "a step that is switched off": Case(
        _buildkite("skip: not now"),
        {"push": "never"},
        {"unknown-trigger", "queue"},
    ),
    "what a schedule alone pushes": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG}, {if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]",
            f'if [ "$CI_PIPELINE_SOURCE" = schedule ]; then {_OTHERS}; fi',
        ),
        {"triggers": {"tags": ["**"]}, "destinations": [A]},
        {"schedule", "unknown-condition"},
    ),
    "some types of pull requests": Case(
        ("w.yml", _GITHUB.replace("ON", "{push: {}, pull_request: {types: [labeled]}}")),
        {"destinations": ["ghcr.io/acme/a:1"], "push": None},
        {"event"},
    ),
    "pushes of pull requests into one branch": Case(
        ("w.yml", _PUSHES.replace("ON", "{push: {}, pull_request: {branches: [main]}}")),
        {"destinations": ["ghcr.io/acme/a:1"], "push": None},
        {"request-branches", "request-pushes"},
    ),
    "pushes of pull requests that change some files": Case(
        ("w.yml", _PUSHES.replace("ON", "{push: {}, pull_request: {paths: [app/**]}}")),
        {"destinations": ["ghcr.io/acme/a:1"], "push": None},
        {"paths", "request-pushes"},
    ),
    "pushes of pull requests of more types than usual": Case(
        (
            "w.yml",
            _PUSHES.replace(
                "ON",
                "{push: {}, pull_request: {types: [opened, synchronize, reopened, labeled]}}",
            ),
        ),
        {"destinations": ["ghcr.io/acme/a:1"], "push": "always"},
        {"event"},
    ),
    "two kinds of branches": Case(
        _gitlab(
            "[{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}, {if: '$CI_COMMIT_BRANCH =~ /^r-/'}]"
        ),
        {"triggers": {"branches": ["main", "r-**"]}},
        {"default-branch"},
    ),
    "a file decides": Case(
        _gitlab("[{if: $CI_COMMIT_TAG}]", f"if [ -f release ]; then {_OTHERS}; fi"),
        {"destinations": [A]},
        {"unknown-condition"},
    ),
    "any branch but two": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH}]",
            f'case "$CI_COMMIT_BRANCH" in main|dev) ;; *) {_OTHERS};; esac',
        ),
        {"destinations": [A, {"image": B, "when": {"branch": ["**", "!main", "!dev"]}}]},
        set(),
    ),
    "what git describes": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG}]",
            'DEST="$DEST --destination=$CI_REGISTRY_IMAGE:$(git describe --tags)"',
        ),
        {"destinations": [A]},
        {"not-portable"},
    ),
    "a comma inside of a variable": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG}]",
            'V=$(echo "$CI_COMMIT_TAG" | sed s,v,,)\n'
            '      DEST="$DEST --destination=$CI_REGISTRY_IMAGE:$V"',
        ),
        {"destinations": [A]},
        {"unknown-condition", "version-tags"},
    ),
    "dates of the build and of another day": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG}]",
            'DEST="$DEST --destination=$CI_REGISTRY_IMAGE:$(date -u +%Y%m%d%H%M%S)"\n'
            '      DEST="$DEST --destination=$CI_REGISTRY_IMAGE:$(date -d yesterday +%Y)"',
        ),
        {"destinations": [A, "${registry.image}:${build.date}"]},
        {"not-portable"},
    ),
    "pushes among other runs": Case(
        ("w.yml", _GITHUB.replace("ON", "[push, workflow_dispatch]")),
        {"destinations": ["ghcr.io/acme/a:1"], "push": "never"},
        {"unknown-condition"},
    ),
    "pushes": Case(
        ("w.yml", _GITHUB.replace("ON", "[push, pull_request]")),
        {"destinations": ["ghcr.io/acme/a:1"], "push": None},
        set(),
    ),
    "what docker run gives to the container": Case(
        (
            "w.yml",
            _GITHUB.replace("ON", "[push]").replace(
                "docker run",
                'docker run --rm -u 0 -e container=docker -v "$HOME/.docker:/kaniko/.docker"',
            ),
        ),
        {"destinations": ["ghcr.io/acme/a:1"]},
        set(),
    ),
    **{
        f"docker run {option}": Case(
            (
                "w.yml",
                _GITHUB.replace("ON", "[push]").replace("docker run", f"docker run {option}"),
            ),
            {"destinations": ["ghcr.io/acme/a:1"]},
            {rule},
        )
        for option, rule in (
            ("--network host", "container-option"),
            ("-m 4g", "container-option"),
            ("--env-file x.env", "container-option"),
            ("-v /etc/ssl:/kaniko/ssl/certs:ro", "container-option"),
            ("-u 1000", "container-option"),
            ("-e HTTPS_PROXY", "owned-variable"),
        )
    },
    "the message of a Pod": Case(
        ("pod.yml", _POD.replace("FLAG", "--digest-file=/dev/termination-log")),
        {
            "digest": True,
            "options": None,
            "executor": {
                "distribution": "google",
                "version": "v1.23.2",
                "image": "registry.example.com/mirror/build-kaniko",
            },
        },
        set(),
    ),
    "a secret whose key is ours when it is a name": Case(
        ("pod.yml", _POD.replace("FLAG]", "--force]") + _KEY),
        {"git": {"token": "IMAGE_KEY_PEM"}},
        set(),
    ),
    "a cache that is read only": Case(
        ("pod.yml", _POD.replace("FLAG", "--cache, --cache-repo=quay.io/acme/c, --no-push-cache")),
        {"cache": {"repo": "quay.io/acme/c"}},
        {"unwritten-cache"},
    ),
    "a cache that runs without a push fill": Case(
        ("pod.yml", _POD.replace("FLAG", "--cache, --cache-repo=quay.io/acme/c, --no-push")),
        {"cache": {"repo": "quay.io/acme/c"}, "push": "never"},
        {"never-pushed", "unwritten-cache"},
    ),
    "a folder that runs without a push fill, as the spec's do": Case(
        ("pod.yml", _POD.replace("FLAG", "--cache, '--cache-repo=oci:/cache/c', --no-push")),
        {"cache": {"repo": "oci:/cache/c"}, "push": "never"},
        {"never-pushed"},
    ),
    "an output elsewhere": Case(
        ("pod.yml", _POD.replace("FLAG", "--tar-path=/data/image.tar")),
        {"options": None},
        {"output-outside"},
    ),
    "what the rules of the workflow set, and what is made of it": Case(
        (
            ".gitlab-ci.yml",
            "variables: {ARGS: '', STAGE: dev, IMAGE: '$CI_REGISTRY_IMAGE:$STAGE'}\n"
            "workflow:\n  rules:\n"
            "    - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS\n      when: never\n"
            f"    - if: {_REQUEST}\n      variables: {{ARGS: --no-push}}\n"
            "    - if: $CI_COMMIT_BRANCH =~ /^release-\\d$/ || $CI_COMMIT_BRANCH == 'main'\n"
            "      variables: {STAGE: prod}\n"
            + _gitlab("[{if: $CI_PIPELINE_SOURCE}]", 'DEST="--destination=$IMAGE $ARGS"')[1],
        ),
        {
            "triggers": {"branches": ["main"], "pull_requests": True},
            "push": None,
            "destinations": [{"image": "${registry.image}:prod", "when": {"branch": "main"}}],
        },
        {"unknown-trigger", "unknown-condition", "never-pushed"},
    ),
    "what a rule sets where some files have changed": Case(
        _gitlab(
            f"[{{if: '{_REQUEST}', changes: [a/*], variables: {{ARGS: --no-push}}}}, "
            "{if: $CI_COMMIT_TAG, variables: {OTHER: x}}]",
            'DEST="$DEST $ARGS"',
        ),
        {"push": None, "destinations": [A]},
        {"unknown-condition", "not-carried", "unknown-words"},
    ),
    "what nobody knows to be built": Case(
        _gitlab("[{if: $CI_COMMIT_TAG}]", 'DEST="$DEST --dockerfile=$FILE"'),
        {"push": "never", "destinations": [A]},
        {"unknown-dockerfile"},
    ),
    "a file of those that a pattern finds": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG}]",
            'for file in Dockerfile.*; do DEST="$DEST --dockerfile=$file"; done',
        ),
        {"push": "never", "destinations": [A]},
        {"unknown-list", "unknown-dockerfile"},
    ),
    "files without which nothing is built anyway": Case(
        _gitlab(
            "[{if: $CI_COMMIT_TAG, exists: [Dockerfile]}]",
            'if [ ! -f Dockerfile ] || [ ! -d "$CI_PROJECT_DIR" ]; then exit 0; fi',
        ),
        {"push": None, "triggers": {"tags": ["**"]}, "destinations": [A]},
        {"file-asked"},
    ),
    "a branch for which Groovy returns before the build": Case(
        (
            "Jenkinsfile",
            """\
node {
  if (BRANCH_NAME == 'old') { stage('o') { sh 'kaniko -c o -d x.io/a/o' }
    error 'no more' }
  if (BRANCH_NAME != 'main') { echo 'no'
    return }
  stage('a') { if (BRANCH_NAME == 'x') { return }
    sh 'ls' }
  stage('b') { script { if (BRANCH_NAME == 'y') { return } }
    sh 'kaniko -c . -d x.io/a/b' }
}
""",
        ),
        {
            "images": {
                "o": {
                    "context": "o",
                    "triggers": {"branches": ["old"]},
                    "destinations": ["x.io/a/o"],
                },
                "b": {"destinations": [{"image": "x.io/a/b", "when": {"branch": "main"}}]},
            }
        },
        {"groovy", "no-image", "unsaid-trigger"},
    ),
    "a branch that the script refuses": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH}]",
            'if [ "$CI_COMMIT_BRANCH" != main ]; then [ -n "$X" ] || exit 1; exit 2; fi; '
            '[ -n "$PASSWORD" ] || exit 1',
        ),
        {"push": None, "destinations": [{"image": A, "when": {"branch": "main"}}]},
        {"unknown-condition"},
    ),
    "a test that stops the script": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH}]",
            'if [ "$A" = b ]; then echo b; fi; ! [ "$A" = c ]; echo $([ "$A" = d ]); '
            '[ -n "$PASSWORD" ]; [ "$CI_COMMIT_BRANCH" = main ] || [ "$CI_COMMIT_BRANCH" = next ]',
        ),
        {"push": None, "destinations": [{"image": A, "when": {"branch": ["main", "next"]}}]},
        {"unknown-condition"},
    ),
    "a test of a function, and of a script of its own": Case(
        (
            "build.sh",
            """\
#!/bin/sh -e
is_main() { [[ $CI_COMMIT_BRANCH == main ]]; }
is_main && echo main
set +e
is_main
sh -c '[ "$CI_COMMIT_BRANCH" = old ]; echo $CI_COMMIT_BRANCH'
set -o errexit
(set -e; is_main)
check() { grep -q "$1" VERSION || return 1; }
check 1
case $CI_COMMIT_BRANCH in old) false ;; esac
set +o errexit
[ "$CI_COMMIT_BRANCH" = no ]
/kaniko/executor --context=. --destination=ghcr.io/acme/shop:1
""",
        ),
        {
            "push": None,
            "destinations": [{"image": "ghcr.io/acme/shop:1", "when": {"branch": "main"}}],
        },
        {"gate"},
    ),
    "a text that says false": Case(
        (
            "w.yml",
            _GITHUB.replace("ON", "push\nenv: {NO: 'false'}")
            .replace("      - run:", "      - if: env.NO\n        run:")
            .replace("      - uses:", "      - {if: '!env.NO', run: 'exit 1'}\n      - uses:"),
        ),
        {"push": None, "destinations": ["ghcr.io/acme/a:1"]},
        {"other-step"},
    ),
    "a step that may fail": Case(
        (
            "w.yml",
            _GITHUB.replace("ON", "push").replace(
                "      - run:",
                "      - {continue-on-error: true, run: 'test $GITHUB_REF_NAME = main; exit 1'}\n"
                "      - run: (exit 1) || test -n $GITHUB_REF_NAME\n      - run:",
            ),
        ),
        {"push": None, "destinations": ["ghcr.io/acme/a:1"]},
        {"not-carried"},
    ),
    "scripts of Jenkins that go on": Case(
        (
            "Jenkinsfile",
            """\
node('kaniko') {
  sh script: 'test "$BRANCH_NAME" = a', returnStatus: true
  sh \'\'\'#!/bin/sh
test "$BRANCH_NAME" = b
kaniko -c . -d x.io/a/b
\'\'\'
}
""",
        ),
        {"push": None, "destinations": ["x.io/a/b"]},
        {"groovy", "no-image", "unsaid-trigger"},
    ),
    "a name that an image has in some runs": Case(
        (
            "build.sh",
            """\
set -e
buildah build -t app .
if [ "$CI_COMMIT_BRANCH" = main ]; then buildah tag app x.io/a/b:new; fi
buildah tag app x.io/a/b:dev && buildah tag app x.io/a/b:dev
for tag in new dev; do buildah push x.io/a/b:$tag || true; done
""",
        ),
        {
            "push": None,
            "destinations": [{"image": "x.io/a/b:new", "when": {"branch": "main"}}, "x.io/a/b:dev"],
        },
        set(),
    ),
    "a message that the script looks at": Case(
        _gitlab(
            "[{if: $CI_COMMIT_BRANCH}]", 'echo "$CI_COMMIT_MESSAGE" | grep -q release || exit 1'
        ),
        {"push": "never", "destinations": [A]},
        {"unknown-condition"},
    ),
    "a value that the script refuses": Case(
        _without_rules("timeout: 30m", '[ "$STAGE" = prod ] || { echo "no $STAGE"; exit 1; }'),
        {"push": "never", "destinations": [A]},
        {"unknown-condition"},
    ),
    "another file": Case(
        _gitlab("[{if: $CI_COMMIT_TAG, exists: [app/Dockerfile]}]", "[ -f other ] || exit 0"),
        {"push": "never"},
        {"unknown-condition", "unknown-trigger"},
    ),
    "a repository of those that somebody may start it in": Case(
        _gitlab(
            "[{if: '$CI_PROJECT_PATH != \"acme/shop\"', when: never}, "
            "{if: '$CI_COMMIT_BRANCH == \"main\"', when: manual}, {if: $CI_COMMIT_TAG}]"
        ),
        {
            "push": None,
            "triggers": {"tags": ["**"], "manual": True, "repository": "acme/shop"},
            "destinations": [{"image": A, "when": [{"branch": "main"}, {"tag": "**"}]}],
        },
        {"manual-job"},
    ),
    "a login whose user is a variable": Case(
        (
            "w.yml",
            _GITHUB.replace("ON", "[push, pull_request]")
            .replace(
                "      - run:",
                "      - uses: docker/login-action@v3\n"
                "        with: {username: '${{ vars.HUB }}', password: '${{ secrets.HUB }}'}\n"
                "      - run:",
            )
            .replace("--rm", "")
            .replace("-v ", "-v ~/.docker:/kaniko/.docker -v "),
        ),
        {
            "push": None,
            "registries": {"docker.io": {"username": {"secret": "HUB"}, "password": "HUB"}},
        },
        set(),
    ),
    "a list of arguments by its name": Case(
        (
            "task.yaml",
            (
                "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: image}\nspec:\n"
                "  params: [{name: ARGS, type: array, default: [--no-push]}]\n"
                f"  steps: [{{image: '{_EXECUTOR}', args: [$(params.ARGS), '{_TO}']}}]\n"
            ),
        ),
        {"push": "never"},
        {"never-pushed", "parameter"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_spec_does_no_more_than_its_pipeline(name: str) -> None:
    case = CASES[name]
    found = import_files([case.file])
    spec = yaml11.load(found.spec_text)
    assert {key: spec.get(key) for key in case.spec} == case.spec
    left = {entry.rule for entry in found.report if entry.kind == "left"}
    assert "destination-list" not in {entry.rule for entry in found.report}
    assert left - {"missing-login", "secret-name"} == case.rules


def test_what_a_platform_refuses_is_left_out_and_named() -> None:
    rest = "  variables: {GIT_SUBMODULE_STRATEGY: recursive}\n"
    found = import_files([(".gitlab-ci.yml", _gitlab("[{if: $CI_COMMIT_TAG}]")[1] + rest)])
    assert render(found.spec, "gitlab")
    said = found.spec_text + report_text(found.report)
    assert "GIT_SUBMODULE_STRATEGY" in said or "submodules: recursive" in said


def test_each_item_of_a_list_that_a_platform_refuses_is_named() -> None:
    """One after the other is left out: the places of those behind it move."""
    docker = "buildx build --push -t quay.io/acme/shop:1 --platform"
    text = (
        "build:\n  image: docker:27\n  script:\n"
        "    - docker login -u acme -p $QUAY_PASSWORD quay.io\n"
        f"    - docker {docker} linux/s390x,linux/amd64,linux/riscv64,linux/arm64 .\n"
    )
    found = import_files([(".gitlab-ci.yml", text)])
    assert found.spec.platforms == ("linux/amd64", "linux/arm64")
    assert render(found.spec, "gitlab")
    left = [entry.message for entry in found.report if entry.rule == "missing-runner"]
    assert [("s390x" in each, "riscv64" in each) for each in left] == [(True, False), (False, True)]


def test_jobs_that_are_joined_push_no_more_than_each() -> None:
    """Neither may push everywhere, and what is made of both must not either."""
    text = (
        "default_branch: main\nregistries: {quay.io: {username: acme, password: QUAY_PASSWORD}}\n"
        "destinations: ['quay.io/acme/shop:1']\n"
        "triggers: {branches: [main], pull_requests: true}\n"
    )
    rendered = render(loads(text), "buildkite")
    asked = rendered.replace("if: '", "if: 'build.message =~ /release/ && ")
    assert asked.count("build.message") == 2
    assert import_files([("pipeline.yml", rendered)], "buildkite").spec.push == "auto"
    assert import_files([("pipeline.yml", asked)], "buildkite").spec.push == "never"


_QUESTIONS = (
    "git merge-base --is-ancestor HEAD origin/main",
    "git cat-file -e HEAD:release",
    "git diff-index --quiet HEAD",
    "git ls-files --error-unmatch release",
    "ls release",
    "stat release",
    "cat release",
    "mkdir lock",
    "cd release",
    "cp release a",
    "printenv RELEASE",
    "xargs grep x",
    "docker login -u acme -p x quay.io",
    "docker image inspect a",
    "curl -f https://example.com/release",
    "make -q release",
    "python3 ask.py",
)


_FORMS = (
    "if QUESTION; then OTHERS; fi",
    "if ! QUESTION; then :; else OTHERS; fi",
    "QUESTION && OTHERS",
    "QUESTION && { OTHERS; }",
    "! QUESTION || OTHERS",
)


@pytest.mark.parametrize("order", [1, -1])
def test_a_job_that_must_not_push_keeps_its_destination_beside_one_that_pushes(order: int) -> None:
    """Nobody can tell when it would push, so what it names is in the spec and not pushed."""
    step = "docker run -v $PWD:/workspace ghcr.io/osscontainertools/kaniko:v1.28.3"
    asked = {
        "main": "github.event_name == 'push'",
        "preview": "github.event_name == 'pull_request' && !github.event.pull_request.draft",
    }
    jobs = {
        name: {
            "runs-on": "ubuntu-24.04",
            "if": condition,
            "steps": [
                {"uses": "actions/checkout@v4"},
                {"run": f"{step} --destination=quay.io/acme/{name[0]}:1"},
            ],
        }
        for name, condition in [*asked.items()][::order]
    }
    text = json.dumps({"on": {"push": {"branches": ["main"]}, "pull_request": {}}, "jobs": jobs})
    found = import_files([("w.yml", text)])
    images = yaml11.load(found.spec_text)["images"]
    assert images["preview"]["destinations"] == ["quay.io/acme/p:1"]
    assert images["preview"]["push"] == "never"
    assert images["main"]["destinations"] == ["quay.io/acme/m:1"]
    assert "push" not in images["main"]


def test_whether_a_command_succeeds_is_not_known() -> None:
    """What is pushed only where it does is not pushed always, and the report says so."""
    wider: list[str] = []
    for form, question in product(_FORMS, _QUESTIONS):
        acts = question.startswith(("mkdir", "cd ", "cp "))
        if acts and not form.startswith("if"):
            continue  # where it fails, the script is to fail
        script = form.replace("QUESTION", question).replace("OTHERS", _OTHERS)
        found = import_files([_gitlab("[{if: $CI_COMMIT_TAG}]", script)])
        pushed = [str(destination.image) for destination in found.spec.destinations]
        told = {entry.rule for entry in found.report if entry.kind == "left"}
        if pushed != [A] or "unknown-condition" not in told:
            wider.append(script)
    assert not wider


def test_a_command_before_the_build_is_hoped_to_succeed() -> None:
    for before in ("ls", "cd .", "npm ci", "mkdir -p out", "docker login -u a -p $B quay.io"):
        text = _gitlab("[{if: $CI_COMMIT_TAG}]")[1].replace(
            "      /kaniko", f"      {before} && /kaniko"
        )
        assert import_files([(".gitlab-ci.yml", text)]).spec.push == "auto", before
