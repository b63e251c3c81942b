"""Paths of a workflow that checks the repository out into a folder, or another one."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from ci_kaniko import import_files

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = """\
on: {push: {branches: [main]}}
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
        with: {%s}
      - %s
"""
KANIKO = "ghcr.io/osscontainertools/kaniko:v1.28.3"
NAMED = "--destination=docker.io/acme/app:1"


def run(mounted: str, words: str, *, head: str = "") -> str:
    return f'{head}run: docker run -v "{mounted}:/workspace" {KANIKO} {words} {NAMED}'


def action(name: str) -> str:
    given = '{push: true, tags: "docker.io/acme/app:1", context: src/api, file: src/api/D}'
    return f"uses: {name}\n        with: {given}"


WAYS = {
    "a mount of the folder": run("$PWD/src", "--context=/workspace/api --dockerfile=D"),
    "a mount around it": run(
        "$GITHUB_WORKSPACE",
        "--context=dir:///workspace/src/api --dockerfile=/workspace/src/api/D",
    ),
    "an expression": run("${{ github.workspace }}/src", "--context=/workspace/api --dockerfile=D"),
    "a working directory": run(
        "$PWD",
        "--context=/workspace/api --dockerfile=D",
        head="working-directory: src\n        ",
    ),
    "kaniko's action": action("int128/kaniko-action@v1"),
    "docker's action": action("docker/build-push-action@v6"),
}


@pytest.mark.parametrize("way", WAYS)
def test_paths_start_at_the_repository_wherever_it_is_checked_out(way: str) -> None:
    found = import_files([("ci.yml", WORKFLOW % ("path: src", WAYS[way]))])
    assert "\ncontext: api\ndockerfile: D\n" in f"\n{found.spec_text}"
    assert found.spec.push == "auto"


def test_a_file_is_written_into_the_repository() -> None:
    step = run("$PWD/src", "--context=/workspace --digest-file=/workspace/out/d.txt")
    found = import_files([("ci.yml", WORKFLOW % ("path: src", step))]).spec
    assert found.options.digest_file == "out/d.txt"


@pytest.mark.parametrize("given", ["path: src", "path: src, repository: acme/other, ref: v2"])
def test_what_lies_around_a_checkout_is_not_pushed(given: str) -> None:
    """The folder holds more than a repository, or nothing of this one."""
    found = import_files([("ci.yml", WORKFLOW % (given, run("$PWD", "--context=/workspace")))])
    assert found.spec.push == "never"
    assert [entry.line for entry in found.report if entry.rule == "unknown-context"] == [8]


JENKINS = """\
node {
  dir('src') { checkout scm }
  container('k') { sh "/kaniko/executor --context=%s --dockerfile=`pwd`/src/api/D -d x.io/a/b" }
}
"""
TEKTON = """\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p}
spec:
  tasks:
  - {name: get, taskRef: {name: git-clone}, params: [{name: subdirectory, value: src}]}
  - name: build
    taskSpec:
      workspaces: [{name: files}]
      steps:
      - image: ghcr.io/osscontainertools/kaniko:v1.28.3
        args: ["--context=%s", "--dockerfile=$(workspaces.files.path)/src/api/D", "-d=x.io/a/b"]
"""


@pytest.mark.parametrize(
    ("name", "text", "root"),
    [("Jenkinsfile", JENKINS, "`pwd`"), ("task.yml", TEKTON, "$(workspaces.files.path)")],
)
def test_other_files_say_where_the_repository_is(name: str, text: str, root: str) -> None:
    found = import_files([(name, text % f"{root}/src/api")])
    assert "\ncontext: api\ndockerfile: D\n" in f"\n{found.spec_text}"
    around = import_files([(name, text % root)])
    assert around.spec.push == "never"
    assert "unknown-context" in {entry.rule for entry in around.report}


@pytest.mark.parametrize(
    ("step", "context", "push"),
    [
        (
            "git url: 'https://x.io/acme/lib', branch: 'next'",
            "git://x.io/acme/lib.git#refs/heads/next",
            "auto",
        ),
        ("git 'https://x.io/acme/lib.git'", "git://x.io/acme/lib.git#refs/heads/master", "auto"),
        ("git url: 'https://x.io/acme/lib', credentialsId: params.WHO", ".", "never"),
        ("git url: 'git@x.io:acme/lib', credentialsId: 'a'", ".", "never"),
        (
            "}\n  sh 'git clone -b v1 https://x.io/acme/lib.git'; {",
            "git://x.io/acme/lib.git#refs/tags/v1",
            "auto",
        ),
        (
            "}\n  sh 'git clone --branch=v1 --depth=1 https://x.io/acme/lib'; {",
            "git://x.io/acme/lib.git#refs/tags/v1",
            "auto",
        ),
        (
            "}\n  sh 'cd . && git clone https://me:$T@x.io/acme/a ./lib'; {",
            "git://x.io/acme/a.git",
            "auto",
        ),
        ("script { git 'https://x.io/acme/a' }", "git://x.io/acme/a.git#refs/heads/master", "auto"),
        ("sh 'git clone https://x.io/acme/a .'", "git://x.io/acme/a.git", "auto"),
        ("checkout scm }\n  dir('lib') { git 'https://x.io/acme/a'", ".", "never"),
        (
            (
                "a }\n  checkout([branches: [[name: 'refs/tags/v1']], extensions: "
                "[[relativeTargetDir: 'lib']], at: [[url: 'https://x.io/acme/a']]]); {"
            ),
            "git://x.io/acme/a.git#refs/tags/v1",
            "auto",
        ),
        (
            "if (a) { git 'https://x.io/acme/a' } else { git 'https://x.io/acme/b' }",
            ".",
            "never",
        ),
        (
            "checkout([$class: 'GitSCM', userRemoteConfigs: [[url: 'git@x.io:a/lib']]])",
            "git://x.io/a/lib.git",
            "auto",
        ),
    ],
)
def test_what_jenkins_checks_out_elsewhere_is_another_repository(
    step: str, context: str, push: str
) -> None:
    lines = JENKINS.replace("src", "lib").replace("checkout scm", step) % "`pwd`/lib"
    found = import_files([("Jenkinsfile", f"pipeline {{ stages {{\n{lines}}} }}\n")])
    assert (str(found.spec.context), found.spec.push) == (context, push)
    assert any("into lib" in entry.message for entry in found.report)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "Jenkinsfile",
            (
                "def who = 'LIB_TOKEN'\nnode {\n"
                " git url: 'https://github.com/acme/lib', branch: 'next', credentialsId: who\n"
                " container('k') { sh '/kaniko/executor -c `pwd`/api -d x.io/a/b' }\n}\n"
            ),
        ),
        (
            "Jenkinsfile",
            (
                "pipeline { agent any\n stages { stage('a') { steps {\n"
                "dir('lib') { checkout([$class: 'GitSCM', branches: [[name: '*/next']], "
                "userRemoteConfigs: [[credentialsId: 'LIB_TOKEN', url: 'https://github.com/acme/lib']]])"
                " }\n sh '/kaniko/executor -c `pwd`/lib/api -d x.io/a/b' } } } }\n"
            ),
        ),
        *(
            (
                "Jenkinsfile",
                (
                    f"node {{ withCredentials([{kind}(credentialsId: 'LIB_TOKEN'{bound})]) {{\n"
                    f" sh 'git clone -b next https://{user}github.com/acme/lib' }}\n"
                    " container('k') { sh '/kaniko/executor -c `pwd`/lib/api -d x.io/a/b' }\n}\n"
                ),
            )
            for kind, bound, user in (
                ("gitUsernamePassword", "", ""),
                ("usernamePassword", ", usernameVariable: 'U', passwordVariable: 'P'", "$U:${P}@"),
                ("string", ", variable: 'T'", "$T@"),
            )
        ),
        (
            ".github/workflows/a.yml",
            (
                "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"
                "    - uses: actions/checkout@v4\n      with: {repository: acme/lib, ref: next, "
                'path: lib, token: "${{ secrets.LIB_TOKEN }}"}\n'
                "    - run: docker run -v $PWD/lib:/w gcr.io/kaniko-project/executor:v1.9.0 "
                "-c /w/api -d x.io/a/b\n"
            ),
        ),
    ],
)
def test_a_private_repository_is_fetched_with_the_secret_that_the_file_names(
    name: str, text: str
) -> None:
    spec = import_files([(name, text)]).spec
    assert str(spec.context) == "git://github.com/acme/lib.git#refs/heads/next"
    assert (spec.context_sub_path, spec.push) == ("api", "auto")
    assert spec.git.token in {"LIB_TOKEN", *re.findall(r"(?:password)?[vV]ariable: '(\w)'", text)}


@pytest.mark.parametrize(
    ("step", "context"),
    [
        ("with: {%s, github-server-url: 'https://ghe.x.io/'}", "git://ghe.x.io/acme/lib.git"),
        ("with: {%s, github-server-url: '${{ vars.AT }}'}", "."),
        ("with: {%s}\n        if: github.ref_name == 'main'", "."),
    ],
)
def test_a_token_goes_to_its_own_server_and_where_it_went(step: str, context: str) -> None:
    """What only some runs fetch, or from a server that nobody knows, is not pushed."""
    given = "repository: acme/lib, path: src, token: '${{ secrets.T }}'"
    text = WORKFLOW.replace("with: {%s}", step % given) % WAYS["a mount of the folder"]
    spec = import_files([("ci.yml", text)]).spec
    assert (str(spec.context), spec.push == "never") == (context, context == ".")


ELSEWHERE = "git://x.io/acme/lib.git#refs/heads/next"
OF_MASTER = "git://x.io/acme/lib.git#refs/heads/master"
FETCH = "git url: 'https://x.io/acme/lib', branch: 'next'"
AS_GIVEN = "string(name: 'GIT_URL', defaultValue: 'https://x.io/acme/lib')"
BUILDS = 'container("k") { sh "/kaniko/executor --context=%s -d x.io/a/b" }'


@pytest.mark.parametrize(
    ("steps", "context", "push"),
    [
        ("git url: 'https://x.io/acme/lib', branch: 'next'\n BUILD", ELSEWHERE, "auto"),
        (
            "def at = 'x.io/acme'\n git branch: 'next', url: \"https://$at/lib\"\n BUILD",
            ELSEWHERE,
            "auto",
        ),
        ("git url: 'https://x.io/acme/lib', credentialsId: who\n BUILD", ".", "never"),
        ("git url: where, branch: 'next'\n BUILD", ".", "never"),
        ("git url: env.GIT_URL, credentialsId: 'a'\n BUILD", ".", "auto"),
        (
            "checkout([$class: 'GitSCM', userRemoteConfigs: scm.userRemoteConfigs])\n BUILD",
            ".",
            "auto",
        ),
        (
            "checkout scm: [at: [[url: 'https://x.io/acme/lib']], of: [[name: 'next']]]\n BUILD",
            ELSEWHERE,
            "auto",
        ),
        ("git 'https://x.io/acme/lib'\n checkout scm\n BUILD", ".", "auto"),
        ("checkout scm\n if (a) { FETCH }\n BUILD", ".", "never"),
        ("if (a) { FETCH } else { checkout scm }\n BUILD", ".", "never"),
        ("if (a) { FETCH }\n checkout scm\n BUILD\n if (b) { FETCH }", ".", "auto"),
        ("if (env.BRANCH_NAME == 'm') { FETCH\n BUILD }", ELSEWHERE, "auto"),
        (
            "def at = 'https://x.io/acme/lib'\n git url: at, branch: 'next'\n BUILD",
            ELSEWHERE,
            "auto",
        ),
        ("def at = 'https://x.io/acme/lib'\n git at\n BUILD", OF_MASTER, "auto"),
        (f"{AS_GIVEN}\n git url: params.GIT_URL, branch: 'next'\n BUILD", ELSEWHERE, "auto"),
        (
            AS_GIVEN.replace("'https", '"$A').replace("')", '")') + "\n git GIT_URL\n BUILD",
            ".",
            "never",
        ),
        ("FETCH\n stash 'all'\n}\n node { unstash 'all'\n BUILD", ELSEWHERE, "auto"),
        ("FETCH\n stash name: 'a', includes: 'b'\n}\n node { unstash 'a'\n BUILD", ".", "auto"),
        ("container('git') { a = 'b'\n FETCH }\n BUILD // a", ELSEWHERE, "auto"),
        (
            "try { node { stage('a') { a = 'b'\n FETCH }\n BUILD } } catch (a) { }",
            ELSEWHERE,
            "auto",
        ),
        ("tools { git 'Default' }\n BUILD", ".", "auto"),
        ("BUILD\n git url: 'https://x.io/acme/env', credentialsId: 'a'", ".", "auto"),
        ("}\n node { git 'https://x.io/acme/env' }\n node { BUILD", ".", "auto"),
        ("sh 'git clone https://x.io/a .' }\n node { checkout scm\n BUILD", ".", "auto"),
        ("stage('a') { sh 'git clone https://x.io/a/b .' }\n BUILD", "git://x.io/a/b.git", "auto"),
        ('ws("$WORKSPACE/api/") { BUILD }', "api", "auto"),
        ("dir('web') { ws(\"${env.WORKSPACE}/api\") { BUILD } }", "api", "auto"),
        (
            "dir('a') { FETCH }\n dir('a/b') { git 'https://x.io/b' }\n dir('a') { BUILD }",
            ".",
            "never",
        ),
        (
            "def at = 'api'\n dir(at) { git url: 'x', branch: 'y' }\n dir(at) { BUILD }",
            ".",
            "never",
        ),
    ],
)
def test_jenkins_builds_what_its_workspace_holds_there(steps: str, context: str, push: str) -> None:
    """What another step fetches after a build, or in another workspace, is not built."""
    steps = steps.replace("BUILD", BUILDS % "`pwd`").replace("FETCH", FETCH)
    text = f"node {{\n {steps}\n}}\n"
    found = import_files([("Jenkinsfile", text)])
    assert (str(found.spec.context), found.spec.push) == (context, push)


def test_what_jenkins_clones_of_the_repository_itself_is_no_other() -> None:
    clone = "checkout scm }\n  sh 'git clone ${GIT_URL} new'; {"
    text = JENKINS.replace("checkout scm", clone) % "`pwd`/new/src/api"
    found = import_files([("Jenkinsfile", text.replace("`pwd`/src", "`pwd`/new/src"))])
    assert "\ncontext: src/api\ndockerfile: D\n" in f"\n{found.spec_text}"


def test_what_jenkins_fetches_beside_the_commit_is_told() -> None:
    more = "checkout([extensions: scm.extensions + [[$class: 'SubmoduleOption']], lfs()])"
    found = import_files([("Jenkinsfile", JENKINS.replace("checkout scm", more) % "`pwd`/src")])
    assert any("{submodules: recursive, lfs: true}" in entry.message for entry in found.report)


def test_files_that_other_steps_bring_are_told() -> None:
    """A context that kaniko fetches needs none of them."""
    text = WORKFLOW.replace("actions/checkout@v4", "actions/download-artifact@v4")
    for context, told in (("/workspace", [8]), ("git://github.com/acme/shop.git", [])):
        step = run("$PWD", f"--context={context}")
        found = import_files([("ci.yml", text % ("name: context", step))])
        assert [entry.line for entry in found.report if entry.rule == "no-checkout"] == told


def test_a_clone_of_the_repository_that_holds_the_file_is_no_other(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    remote = ["remote", "add", "origin", "git@git.example.com:acme/shop.git"]
    subprocess.run(["git", "-C", tmp_path, *remote], check=True)
    for name, context in (("shop", "api"), ("lib", "git://git.example.com/acme/lib.git")):
        path = tmp_path / f"{name}.sh"
        path.write_text(
            f"git clone https://git.example.com/acme/{name} a\n"
            "/kaniko/executor -c a/api -d quay.io/acme/a:1\n"
        )
        assert str(import_files([path]).spec.context) == context
