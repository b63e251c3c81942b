"""What validate says of the checkout: contexts, Dockerfiles, stages, ARGs, secrets, mounts."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.problems.catalogue import groups
from ci_kaniko.project.dockerfile import MAX_BYTES, Unread, parse
from ci_kaniko.spec.loading import warnings
from harness.pace import within
from harness.repository import Done, Repository

if TYPE_CHECKING:
    from pathlib import Path

TOP = "default_branch: main\npush: never\n"
DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG BASE=docker.io/library/alpine
FROM $BASE AS build
ARG VERSION
RUN --mount=type=secret,id=npm true
FROM scratch AS Runtime
COPY --from=build /app /app
"""
MODULES = '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib.git\n'
SECRET = "build_secrets: {npm: NPM_TOKEN}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def validated(
    repository: Repository, spec: str, dockerfile: str | None, target: str = "gitlab"
) -> Done:
    if dockerfile is not None:
        repository.write("Dockerfile", dockerfile)
    repository.write("ci-kaniko.yaml", TOP + spec)
    return repository.call("validate", target)


def told(done: Done) -> list[str]:
    """The rules of what was said, in order."""
    lines = done.err.splitlines()
    return [line.rpartition("[")[2][:-1] for line in lines if line.startswith("ci-kaniko.yaml:")]


# -- one of each rule ---------------------------------------------------------------------------

WRONG = {
    "missing-context": (
        "context: servces/api\n",
        '3:10: there is no folder "servces/api" in this checkout',
        "its path starts at the root of the repository",
    ),
    "missing-context, almost": (
        "context: services/ap\n",
        '3:10: there is no folder "services/ap" in this checkout',
        "did you mean services/api?",
    ),
    "missing-dockerfile": (
        "dockerfile: docker/Dockerfile\n",
        '3:13: there is no file "docker/Dockerfile" in this checkout',
        "write dockerfile: Dockerfile",
    ),
    "missing-dockerfile, from the root": (
        "dockerfile: ci/Api\ncontext: services/api\n",
        '3:13: there is no file "services/api/ci/Api" in this checkout',
        "the path starts at the context, so write ../../ci/Api",
    ),
    "unread-dockerfile": (
        "dockerfile: big\n",
        f'3:13: warning: "big" was not read: it is larger than {MAX_BYTES // 1024} KiB',
        "its stages, ARGs and mounts are not compared with the spec",
    ),
    "unknown-stage": (
        f"{SECRET}target: runtine\n",
        '4:9: "runtine" is no stage of Dockerfile',
        "did you mean Runtime?",
    ),
    "unused-build-arg": (
        f"{SECRET}build_args: {{VERSOIN: x}}\n",
        '4:14: warning: no ARG of Dockerfile declares "VERSOIN"',
        "did you mean VERSION?",
    ),
    "missing-build-secret": (
        "build_secrets: {}\n",
        '3:16: warning: Dockerfile:5 mounts the secret "npm", which build_secrets does not name',
        "build_secrets: {npm: NAME_OF_A_SECRET}",
    ),
    "unused-build-secret": (
        "build_secrets: {npm: NPM_TOKEN, pip: PIP}\n",
        '3:33: warning: no RUN of Dockerfile mounts the secret "pip"',
        "RUN --mount=type=secret,id=pip reads it",
    ),
    "hidden-folder": (
        "dockerfile: hidden\n",
        (
            '3:13: warning: hidden:2 names "/builds/x", but /builds is gitlab\'s own there: what '
            "is written below it is not in the image"
        ),
        "another folder in the Dockerfile, such as /app",
    ),
    "unfetched-submodule": (
        "context: vendor/lib\n",
        (
            '3:10: warning: "vendor/lib" lies in a submodule, which most platforms do not fetch '
            "unasked"
        ),
        "checkout: {submodules: recursive} fetches it on each of them",
    ),
}


def test_every_rule_has_an_example() -> None:
    assert {name.partition(",")[0] for name in WRONG} == set(groups()["The checkout"])


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_at_its_place(repository: Repository, name: str) -> None:
    spec, message, hint = WRONG[name]
    for path in ("services/api/Dockerfile", "ci/Api"):
        repository.write(path, DOCKERFILE)
    repository.write("big", b"#" * (MAX_BYTES + 1))
    repository.write(".gitmodules", MODULES)
    repository.write("vendor/lib/Dockerfile", "FROM scratch\n")
    repository.write("hidden", "FROM alpine\nWORKDIR /builds/x\n")
    done = validated(repository, spec, DOCKERFILE)
    rule = name.partition(",")[0]
    lines = done.err.splitlines()
    assert lines[0] == f"ci-kaniko.yaml:{message} [{rule}]"
    assert lines[3].endswith(f"= hint: {hint}")
    assert told(done) == [rule]
    assert done.code == (0 if "warning: " in message else 1)


BROKEN = {
    "a rule": "destinations: [ghcr.io/acme/shop:1]\n",
    "the model": "labels: {a: [b]}\n",
    "another image": "images: {api: {context: nowhere}, web: {labels: {a: [b]}}}\n",
    "an image's own": "images: {api: {context: nowhere, labels: {a: [b]}}}\n",
    "another key": "labls: {a: b}\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told_beside_other_errors(repository: Repository, name: str) -> None:
    where = "" if "images" in BROKEN[name] else "context: nowhere\n"
    done = validated(repository, f"{where}{BROKEN[name].replace('push: never', '')}", None)
    if name == "a rule":
        repository.write("ci-kaniko.yaml", f"context: nowhere\n{BROKEN[name]}push: always\n")
        done = repository.call("validate", "gitlab", "github")
        repository.write("ci-kaniko.yaml", f"context: nowhere\n{BROKEN[name]}cache: {{ttl: 1h}}\n")
        done = repository.call("validate", "gitlab")
    assert "missing-context" in told(done)
    assert len(told(done)) > 1
    assert done.code == 1


DEPENDENT = {
    "its context": "contxt: nowhere\n",
    "a wrong context": "context: ../nowhere\n",
    "a Dockerfile that is meant": "dokerfile: x\n",
    "a stage": "target: [x]\n",
    "a preparation": "prepare: {commands: [make], artifacts: [Dockerfile]}\n",
    "all images": "images: [api]\n",
    "one image": "images: {api: x}\n",
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_nothing_is_told_of_what_cannot_be_read(repository: Repository, name: str) -> None:
    rules = set(told(validated(repository, DEPENDENT[name], None)))
    if name == "a stage":
        rules = set(told(validated(repository, DEPENDENT[name], DOCKERFILE)))
    assert rules
    assert rules.isdisjoint(groups()["The checkout"])


DEFAULTS = {
    "context": ("context: services\n", "3:10"),
    "destinations": ("destinations: ['ghcr.io/acme/a:1']\nregistries: {ghcr.io: T}\n", "3:1"),
    "an image": ("images:\n  web: {}\n", "4:3"),
    "an image's context": ("images:\n  web: {context: services}\n", "4:18"),
    "a context for all": ("context: services\nimages:\n  web: {}\n", "5:3"),
    "a Dockerfile for all": ("dockerfile: none\nimages:\n  web: {}\n", "3:13"),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_is_told_where_something_is_written(repository: Repository, name: str) -> None:
    spec, place = DEFAULTS[name]
    repository.write("services/api/Dockerfile", "FROM scratch\n")
    lines = validated(repository, spec, None).err.splitlines()
    told = next(line for line in lines if "[missing-dockerfile]" in line)
    assert told.startswith(f"ci-kaniko.yaml:{place}: there is no file ")


def test_a_default_that_nothing_points_to(repository: Repository) -> None:
    for name in ("dockerfile-ast-0.7.1.tgz", "Dockerfile.dockerignore"):
        repository.write(name, "x")  # neither is meant
    lines = validated(repository, "", None).err.splitlines()
    assert lines == [
        'ci-kaniko.yaml: there is no file "Dockerfile" in this checkout [missing-dockerfile]',
        "  hint: add it, or write the path of yours as dockerfile:, from the context",
    ]


def test_a_secret_is_missed_where_the_image_is(repository: Repository) -> None:
    spec = "images:\n  web: {}\n  api: {build_secrets: {npm: NPM}}\n"
    done = validated(repository, spec, DOCKERFILE)
    assert done.err.startswith("ci-kaniko.yaml:4:3: warning: Dockerfile:5 mounts")


# -- Dockerfiles ----------------------------------------------------------------------------------

TAKEN = {
    "global": "ARG X\nFROM scratch\n",
    "in a stage": "FROM scratch\nARG X=1\n",
    "in a list": 'FROM scratch\nARG A B="x y" X\n',
    "small letters": "from scratch\narg X\n",
    "onbuild": "FROM scratch\nONBUILD ARG X\n",
    "behind a continuation": "FROM scratch\nARG \\\n  # why\n\n  X\n",
    "behind another line": "FROM scratch\nRUN \\\n\n # c\n --network=none \\\n\n a\nARG X\n",
    "another escape": "# escape=`\nFROM scratch\nARG `\n X\n",
    "behind a heredoc": "FROM scratch\nRUN <<EOF\nARG Y\nFROM x\nEOF\nARG X\n",
    "behind a here-string": "FROM scratch\nRUN cat <<<x && echo $((1<<2))\nARG X\n",
    "behind other words": 'FROM scratch\nWORKDIR "/a b"\nLABEL x=\nCMD\nARG X\n',
    "with CRLF and a mark": "\ufeffFROM scratch\r\nARG X\r\n",
}
LEFT = {
    "another": "FROM scratch\nARG XX\n",
    "in a heredoc": "FROM scratch\nRUN <<EOF\nARG X\nEOF\n",
    "in a file": "FROM scratch\nCOPY <<-'A' <<B /etc/\n\tARG X\n\tA\nARG X\nB\n",
    "in a comment": "FROM scratch\n# ARG X\nRUN a \\\n # ARG X\n b\n",
    "in a command": "FROM scratch\nRUN a; \\\n ARG X\n",
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_an_arg_that_is_declared(repository: Repository, text: str) -> None:
    assert validated(repository, "build_args: {X: y}\n", text).err == ""


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_an_arg_that_is_not_declared(repository: Repository, text: str) -> None:
    assert told(validated(repository, "build_args: {X: y}\n", text)) == ["unused-build-arg"]


def test_args_that_every_dockerfile_has(repository: Repository) -> None:
    names = ["HTTP_PROXY", "https_proxy", "no_proxy", "TARGETPLATFORM", "BUILDARCH"]
    given = ", ".join(f"{name}: x" for name in names)
    assert validated(repository, f"build_args: {{{given}}}\n", "FROM scratch\n").err == ""
    done = validated(repository, "build_args: {targetarch: x}\n", "FROM scratch\n")
    assert told(done) == ["unused-build-arg"]


@pytest.mark.parametrize("target", ["build", "BUILD", "runtime", "Runtime"])
def test_stages_have_no_case(repository: Repository, target: str) -> None:
    assert validated(repository, f"target: {target}\n{SECRET}", DOCKERFILE).err == ""


def test_only_stages_that_are_built_need_secrets(repository: Repository) -> None:
    later = f"{DOCKERFILE}FROM scratch AS docs\nRUN --mount=type=secret,target=/run/secrets/pip a\n"
    assert validated(repository, f"target: runtime\n{SECRET}", later).err == ""
    assert told(validated(repository, "target: docs\n", later)) == ["missing-build-secret"]
    assert "Dockerfile:9 mounts" in validated(repository, "", later).err
    mounted = f"{later}FROM scratch\nRUN --mount=from=build,target=/x a\n"
    assert "Dockerfile:5 mounts" in validated(repository, "", mounted).err


def test_a_secret_whose_id_no_spec_can_name(repository: Repository) -> None:
    text = "FROM scratch\nRUN --mount=type=secret,id=\N{LATIN SMALL LETTER E WITH ACUTE} a\n"
    assert "another id in the Dockerfile" in validated(repository, "", text).err


def test_what_several_images_share_is_used_by_one_of_them(repository: Repository) -> None:
    repository.write("api/Dockerfile", "FROM scratch\nARG A\n")
    repository.write("web/Dockerfile", "FROM scratch\nARG W\nRUN --mount=type=secret,id=npm a\n")
    shared = (
        f"build_args: {{A: a, W: w}}\n{SECRET}images: {{api: {{context: api}}, web: {{context: web"
    )
    assert validated(repository, f"{shared}}}}}\n", None).err == ""
    done = validated(repository, f"{shared}, build_args: {{A: null, O: o}}}}}}\n", None)
    assert told(done) == ["unused-build-arg"]
    assert 'no ARG of web/Dockerfile declares "O"' in done.err


def test_only_the_images_that_are_named(repository: Repository) -> None:
    repository.write("web/Dockerfile", "FROM scratch\nARG A\n")
    spec = "build_args: {A: a}\nimages: {api: {context: api}, web: {context: web}}\n"
    assert told(validated(repository, spec, None)) == ["missing-context"]
    assert repository.call("validate", "gitlab", "--only", "web").err == ""


# -- what is not known --------------------------------------------------------------------------

PREPARE = "prepare: {{image: alpine, commands: [make], artifacts: [{}]}}\n"
FETCHED = "checkout: {submodules: recursive}\n"
SILENT = {
    "fetched": "context: git://github.com/acme/shop.git#refs/heads/main\ntarget: x\n",
    "a Dockerfile from the net": "dockerfile: https://example.com/Dockerfile\ntarget: x\n",
    "prepared": f"context: made\ntarget: x\n{PREPARE.format('made')}",
    "a submodule": f"context: vendor/lib\n{FETCHED}",
    "below a submodule": f"context: vendor/lib/app\ntarget: x\n{FETCHED}",
    "a name for each image": f"images: {{a: {{context: 'vendor/lib/${{image.name}}'}}}}\n{FETCHED}",
}


@pytest.mark.parametrize("spec", SILENT.values(), ids=SILENT)
def test_what_may_be_there_for_the_job_is_not_missed(repository: Repository, spec: str) -> None:
    repository.write(".gitmodules", MODULES)
    repository.write("vendor/lib/.keep", "")
    assert validated(repository, spec, None).err == ""


UNFETCHED = {
    "a context": ("context: vendor/lib\n", "FROM scratch\n"),
    "a Dockerfile": ("dockerfile: vendor/lib/Dockerfile\n", "FROM scratch\n"),
    "what is copied": ("build_args: {}\n", "FROM scratch\nCOPY a ./vendor/lib/b /\n"),
    "of an image": ("images: {a: {context: vendor/lib}}\n", "FROM scratch\n"),
}


@pytest.mark.parametrize(("spec", "text"), UNFETCHED.values(), ids=UNFETCHED)
def test_a_submodule_that_is_not_fetched_is_named(
    repository: Repository, spec: str, text: str
) -> None:
    repository.write(".gitmodules", MODULES)
    repository.write("vendor/lib/Dockerfile", "FROM scratch\n")
    assert told(validated(repository, spec, text)) == ["unfetched-submodule"]
    assert told(validated(repository, f"{spec}{FETCHED}", text)) == []


@pytest.mark.parametrize(("artifact", "silent"), [("Dockerfile", True), ("bin", False)])
def test_a_dockerfile_that_commands_replace(
    repository: Repository,
    artifact: str,
    silent: bool,  # noqa: FBT001
) -> None:
    done = validated(repository, f"target: x\n{PREPARE.format(artifact)}", "FROM scratch\n")
    assert told(done) == ([] if silent else ["unknown-stage"])


MADE = {
    "bin/shop": ["missing-context"],
    "apps/shop": [],
    "apps": [],
    "apps/shop/Dockerfile": [],
    "apps/shop/bin": ["missing-dockerfile"],
    "apps/sho": ["missing-context"],
    "apps/shop/Dockerfile.dev": ["missing-dockerfile"],
}


@pytest.mark.parametrize("artifact", MADE)
def test_a_preparation_makes_its_artifacts_only(repository: Repository, artifact: str) -> None:
    done = validated(repository, f"context: apps/shop\n{PREPARE.format(artifact)}", None)
    assert told(done) == MADE[artifact]


@pytest.mark.parametrize("kind", ["usual", "worktree"])
def test_a_sparse_checkout_leaves_files_out(tmp_path: Path, kind: str) -> None:
    repository = Repository(tmp_path, git="none")
    git = "real" if kind == "worktree" else ".git"
    repository.write(f"{git}/info/sparse-checkout", "/ci\n")
    if kind == "worktree":
        repository.write(".git", "gitdir: real\n")
    assert validated(repository, "context: apps/shop\n", None).err == ""


def test_only_validate_looks(repository: Repository) -> None:
    """What is remembered of check and sync stays true when a Dockerfile changes."""
    outputs = "context: nowhere\noutputs: {gitlab: .gitlab-ci.yml}\n"
    assert told(validated(repository, outputs, None)) == ["missing-context"]
    assert repository.call("sync").code == 0
    assert repository.call("check") == (0, "", "")
    assert repository.call("render", "gitlab").err == ""
    assert not warnings(ci_kaniko.load(repository.folder / "ci-kaniko.yaml"))


# -- folders of the job ---------------------------------------------------------------------------

MOUNTS = {
    "gitlab": "/builds",
    "buildkite": "/workspace",
    "agola": "/mnt/agola",
    "github": "/__w",
    "kubernetes": "/workspace",
}
FORMS = {"github": "github: {mode: container}\n", "kubernetes": "kubernetes: {clone: true}\n"}
WRITES = {
    "WORKDIR {0}/a": "{0}/a",
    "WORKDIR {0}\nWORKDIR a/../b": "{0}",
    "WORKDIR /\nWORKDIR .{0}/a": "{0}/a",
    "COPY . {0}/": "{0}",
    'COPY ["a", "{0}/b c"]': "{0}/b c",
    "ADD a {0}/b": "{0}/b",
    "RUN make --out {0}/a": "{0}/a",
    "RUN a && \\\n  b > {0}/c": "{0}/c",
    "RUN <<EOF\na > {0}/b\nEOF": "{0}/b",
    'RUN ["cp", "a", "{0}/b"]': "{0}/b",
}


@pytest.mark.parametrize("lines", WRITES)
def test_what_a_dockerfile_writes(lines: str) -> None:
    (stage,) = parse(f"FROM scratch\n{lines}\n".format("/builds").encode()).stages
    assert WRITES[lines].format("/builds") in [folder.name for folder in stage.folders]


@pytest.mark.parametrize("target", MOUNTS)
def test_what_a_mount_hides(repository: Repository, target: str) -> None:
    folder, form = MOUNTS[target], FORMS.get(target, "")
    text = f"FROM scratch\nRUN a && \\\n  b > {folder}/c\nWORKDIR {folder}\n"
    done = validated(repository, form, text, target)
    found = [line for line in done.err.splitlines() if "[hidden-folder]" in line]
    assert len(found) == 1
    assert f' Dockerfile:3 names "{folder}/c", but {folder} is {target}\'s own' in found[0]
    beside = text.replace(folder, f"{folder}x")
    assert "hidden-folder" not in validated(repository, form, beside, target).err


def test_all_targets_are_asked_when_none_is_named(repository: Repository) -> None:
    folders = ["/workspace", "/builds", "/mnt/agola", "/__w"]
    text = "FROM scratch\n" + "".join(f"WORKDIR {folder}\n" for folder in folders)

    def hidden(spec: str) -> list[str]:
        err = validated(repository, spec, text, "--strict").err.splitlines()
        lines = [line for line in err if "[hidden-folder]" in line]
        return [line.partition(" is ")[2].partition("'s own")[0] for line in lines]

    assert hidden("") == ["gitlab", "buildkite", "agola"]
    assert hidden("checkout: {lfs: true}\n") == ["gitlab"]  # the others cannot do it
    assert hidden("outputs: {buildkite: a.yml, agola: .agola/config.yml}\n") == [
        "buildkite",
        "agola",
    ]
    assert hidden("labels: {a: [b]}\noutputs: {agola: .agola/config.yml}\n") == ["agola"]
    assert hidden("labels: {a: [b]}\n") == ["gitlab", "buildkite", "agola"]


@pytest.mark.parametrize("target", ["github", "kubernetes"])
def test_what_is_mounted_depends_on_the_form(repository: Repository, target: str) -> None:
    text = f"FROM scratch\nWORKDIR {MOUNTS[target]}\n"
    assert "hidden-folder" not in validated(repository, "", text, target).err


def test_a_stage_that_is_copied_from_is_lost_with_a_cache_only(repository: Repository) -> None:
    text = "FROM golang AS build\nWORKDIR /builds/x\nFROM scratch\nCOPY --from=build /builds/x /\n"
    assert validated(repository, "", text).err == ""
    done = validated(repository, "cache: {repo: 'oci:/kaniko/cache'}\n", text)
    assert "is not in the cached layers [hidden-folder]" in done.err
    based = "FROM golang AS build\nWORKDIR /builds/x\nFROM build\n"
    assert "is not in the image [hidden-folder]" in validated(repository, "", based).err


# -- what is read, and what it costs --------------------------------------------------------------


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _input(path: Path) -> None:
    path.symlink_to("/dev/stdin")


def _folder(path: Path) -> None:
    path.mkdir()


def _outside(path: Path) -> None:
    (path.parents[1] / "secret").write_text("FROM hunter2\n")
    path.symlink_to("../secret")


def _circle(path: Path) -> None:
    path.symlink_to("Dockerfile")


ODD = {
    "pipe": (_pipe, "it is not a plain file"),
    "device": (_endless, "it is a link that leads out of the repository"),
    "input": (_input, "it is a link that leads out of the repository"),
    "folder": (_folder, "it is not a plain file"),
    "outside": (_outside, "it is a link that leads out of the repository"),
    "circle": (_circle, "it is not a plain file"),
}


@pytest.mark.parametrize("kind", ODD)
def test_only_plain_files_of_the_repository_are_read(repository: Repository, kind: str) -> None:
    make, reason = ODD[kind]
    make(repository.folder / "Dockerfile")
    done = validated(repository, "target: x\n", None)
    assert told(done) == ["unread-dockerfile"]
    assert f'"Dockerfile" was not read: {reason} [' in done.err
    assert "hunter2" not in done.err


def test_a_link_inside_of_the_repository_is_followed(repository: Repository) -> None:
    repository.write("docker/real", "FROM scratch AS x\n")
    (repository.folder / "Dockerfile").symlink_to("docker/real")
    assert validated(repository, "target: x\n", None).err == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it has no FROM"),
        ("# nothing\n", "it has no FROM"),
        ("ARG X\n", "it has no FROM"),
        ("FROM scratch\nFORM x\n", "line 2 of it is not understood"),
        ("{}\n", "line 1 of it is not understood"),
        ("FROM scratch # nothing\nRUN x\n", "line 1 of it is not understood"),
    ],
)
def test_what_is_no_dockerfile(text: str, reason: str) -> None:
    with pytest.raises(Unread, match=f"^{reason}$"):
        parse(text.encode())


@pytest.mark.parametrize(
    "line",
    [
        *("ARG A=1", "ARG A", "WORKDIR /x", "COPY a b", 'COPY ["a","b"]', "ADD a b", "EXPOSE 80"),
        *("USER x", "RUN x", "ENV A=1", "ENV A 1", "LABEL a=1", "VOLUME /x", "STOPSIGNAL 9"),
        *("CMD x", 'ENTRYPOINT ["x"]', "HEALTHCHECK NONE", 'SHELL ["x"]', "ONBUILD RUN x"),
    ],
)
def test_a_number_sign_behind_a_word_hides_no_line(line: str) -> None:
    text = f"FROM scratch\n{line} # more\nRUN --mount=type=secret,id=npm x\nARG Z\n"
    found = parse(text.encode())
    assert "Z" in found.arguments
    assert [secret.name for secret in found.stages[0].secrets] == ["npm"]


def test_secrets_are_told_in_the_order_of_their_first_mounts() -> None:
    mounts = [f"RUN --mount=type=secret,id={name} x\n" for name in ("b", "a", "b")]
    found = parse(("FROM scratch\n" + "".join(mounts)).encode()).secrets(0)
    assert [(secret.name, secret.line) for secret in found] == [("b", 2), ("a", 3)]


COSTLY = {
    "--mount=": "FROM x\nRUN {}\n",
    "--mount=type=secret,id=x ": "FROM x\nRUN {}ls\n",
    "RUN --mount=type=secret,id=x ls\n": "FROM x\n{}",
    "RUN --mount=from=x ls\n": "FROM x\n{}",
    "\\\n": "{}",
    "<<A ": "FROM x\nRUN {}\n",
    "RUN <<A\n": "FROM x\n{}",
    "<": "FROM x\nRUN {}\n",
    '"': "{}",
    "FROM a AS a\n": "{}",
    "[": "FROM x\nCOPY {}\n",
    "${": "FROM {}\n",
    "/a \\\n": "FROM x\nRUN {}b\n",
    "/": "FROM x\nRUN {}\n",
    ",": "FROM x\nRUN --mount=type=secret{}\n",
    "WORKDIR a\n": "FROM x\n{}",
    "ONBUILD ": "FROM x\n{}RUN x\n",
    "#\n": "FROM x\nRUN a \\\n{}b\n",
    "0": "FROM x\nCOPY --from={} a b\n",
}


@pytest.mark.parametrize("unit", COSTLY, ids=repr)
def test_a_second_is_enough_for_any_text(unit: str) -> None:
    text = COSTLY[unit].format(unit * (MAX_BYTES // len(unit) - 10)).encode()

    def read() -> None:
        try:
            found = parse(text)
        except Unread:
            return
        found.used(len(found.stages) - 1)
        found.layers(len(found.stages) - 1)
        found.images()

    within(1, read)


def test_long_chains_of_stages() -> None:
    names = ["scratch", *(f"s{number}" for number in range(4000))]
    lines = (f"FROM {one} AS {other}\n" for one, other in pairwise(names))
    chain = parse("".join(lines).encode())
    assert len(chain.layers(3999)) == len(chain.used(3999)) == 4000
    assert chain.images() == set()


def test_a_dockerfile_is_read_only_when_asked(repository: Repository) -> None:
    validated(repository, "", DOCKERFILE)
    code = (
        "import sys; from ci_kaniko import load, render; render(load('ci-kaniko.yaml'), 'gitlab')"
    )
    code += "; print({name for name in sys.modules if 'docker' in name or 'instructions' in name})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository.folder,
        env=repository.environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "set()\n"
