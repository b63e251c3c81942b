"""sync: outputs become what the spec says, and whatever happens, each is the old or the new one."""

from __future__ import annotations

import functools
import json
import os
import re
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.repository import files
from harness import tools
from harness.cases import CASES
from harness.covering import fewest
from harness.killed import killed
from harness.leaves import fields
from harness.repository import HEADER, PACKAGE, SPEC, Repository, git, unprivileged
from harness.runs import RENDERED, refused, render, spec_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATHS = {name: item.output for name, item in ci_kaniko.available_targets().items()}
LATE = "ci-kaniko render kubernetes | kubectl create -f -"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def expected(target: str = "gitlab", spec: str = SPEC) -> str:
    return rendering.render(ci_kaniko.loads(spec), target)


def of(place: str, target: str = "gitlab") -> str:
    """What a spec that lies elsewhere is rendered to."""
    spec = ci_kaniko.loads(SPEC)
    assert spec.source is not None
    spec.source.place = place
    text = rendering.render(spec, target)
    assert text.startswith(f"{HEADER[:-1].replace('ci-kaniko.yaml', place)} -f {place}\n")
    return text


# -- every spec -------------------------------------------------------------------------------


@functools.cache
def committed(case: str, target: str) -> str | None:
    """What a file holds whatever the commit is; None for a manifest that depends on it."""
    if not ci_kaniko.available_targets()[target].needs_values:
        return render(case, target)
    try:
        return rendering.render(spec_of(case), target)
    except ci_kaniko.SpecError:
        return None


def wanted_of(case: str) -> dict[str, str]:
    """The text for each output of a case."""
    texts = {target: committed(case, target) for target in PATHS if refused(case, target) is None}
    return {target: text for target, text in texts.items() if text is not None}


@pytest.mark.parametrize("case", fewest({case: fields(case) for case in CASES}))
def test_after_sync_check_is_clean_and_sync_touches_nothing(
    case: str, repository: Repository
) -> None:
    texts = wanted_of(case)
    assert "outputs:" not in text_of(case)
    lines = [f"  {target}: {PATHS[target]}\n" for target in texts]
    repository.write("ci-kaniko.yaml", f"{text_of(case)}\noutputs:\n{''.join(lines)}")
    if not texts:
        return
    done = repository.call("sync")
    assert done.code == 0, done.err
    assert {target: repository.text(PATHS[target]) for target in texts} == texts
    before = repository.stamps()
    # It was rendered twice to the same; now what counts is what is made of it.
    with mock.patch.object(rendering, "render", lambda _, target: texts[target]):
        assert repository.call("check")[:2] == (0, "")
        assert repository.call("sync")[:2] == (0, "")
    assert repository.stamps() == before


@pytest.mark.parametrize("case", [case for case, target in RENDERED if target == "kubernetes"])
def test_a_committed_manifest_cannot_hold_what_each_commit_changes(
    case: str, repository: Repository
) -> None:
    if committed(case, "kubernetes") is not None:
        return
    outputs = "{gitlab: .gitlab-ci.yml, kubernetes: deploy/build.yaml}"
    if refused(case, "gitlab") is not None:
        outputs = "{kubernetes: deploy/build.yaml}"
    repository.write("ci-kaniko.yaml", f"{text_of(case)}\noutputs: {outputs}\n")
    before = repository.files()
    for command in ("sync", "check"):
        done = repository.call(command)
        assert done.code == 1
        assert "a committed kubernetes file cannot hold what each commit changes: " in done.err
        assert LATE in done.err
    assert repository.files() == before


def test_every_target_has_a_committed_form() -> None:
    """The sweep above is no sweep when nothing is rendered."""
    found = {target for case in CASES for target in wanted_of(case)}
    assert found == set(PATHS)
    assert [case for case, target in RENDERED if committed(case, target) is None]


# -- what is written --------------------------------------------------------------------------


def test_sync_says_what_it_did(repository: Repository) -> None:
    repository.spec("{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}")
    repository.write(".gitlab-ci.yml", HEADER)
    assert repository.call("sync") == (
        0,
        "",
        "updated .gitlab-ci.yml for gitlab\ncreated .github/workflows/image.yml for github\n",
    )
    assert repository.call("sync") == (0, "", "")


def test_the_exit_code_can_tell(repository: Repository) -> None:
    """For pre-commit, which does not see files that git does not know yet."""
    repository.spec()
    assert repository.call("sync", "--exit-code").code == 1
    assert repository.call("sync", "--exit-code").code == 0


def test_only_some_targets(repository: Repository) -> None:
    repository.spec("{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}")
    assert repository.call("sync", "github").code == 0
    assert not (repository.folder / ".gitlab-ci.yml").exists()
    assert repository.call("check", "github").code == 0
    assert repository.call("check", "gitlab").code == 1
    done = repository.call("sync", "agola")
    assert (done.code, done.out) == (1, "")
    assert 'no file is named for "agola"' in done.err
    assert repository.call("sync", "gitlub").code == 2


def test_a_spec_without_outputs(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", SPEC)
    done = repository.call("sync")
    assert done.code == 1
    assert done.err.startswith("ci-kaniko.yaml: outputs: names no file [missing-output]\n")


def test_several_paths_for_a_target(repository: Repository) -> None:
    repository.spec("{gitlab: [.gitlab-ci.yml, ci/copy.yml]}")
    assert repository.call("sync").code == 0
    assert repository.text(".gitlab-ci.yml") == repository.text("ci/copy.yml") == expected()
    repository.write("ci/copy.yml", HEADER)
    assert repository.call("sync").err == "updated ci/copy.yml for gitlab\n"


def test_several_specs(repository: Repository) -> None:
    repository.spec("{gitlab: a.yml}", "one/ci-kaniko.yaml")
    repository.spec("{gitlab: b.yml}", "two/ci-kaniko.yaml")
    one, two = "one/ci-kaniko.yaml", "two/ci-kaniko.yaml"
    specs = ("-f", one, "-f", two, "-f", f"./{one}")
    assert repository.call("check", *specs).code == 1
    assert repository.call("sync", *specs).err == (
        "created a.yml for gitlab\ncreated b.yml for gitlab\n"
    )
    assert repository.call("check", *specs) == (0, "", "")


def test_a_file_has_one_writer(repository: Repository) -> None:
    repository.spec("{gitlab: same.yml}", "one.yaml")
    repository.spec("{buildkite: same.yml}", "two.yaml")
    before = repository.files()
    done = repository.call("sync", "-f", "one.yaml", "-f", "two.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "same.yml: buildkite cannot be written there: one.yaml writes its gitlab output there "
        "[duplicate-output]\n  hint: give one of them another file\n"
    )
    assert repository.files() == before


def test_two_names_of_one_file_have_one_writer(repository: Repository) -> None:
    repository.spec("{gitlab: a.yml, buildkite: b.yml}")
    (repository.folder / "b.yml").symlink_to("a.yml")
    assert "[duplicate-output]" in repository.call("sync").err
    assert "a.yml" not in repository.files()


def test_a_spec_is_never_written_over(repository: Repository) -> None:
    repository.spec("{gitlab: ci-kaniko.yaml}")
    before = repository.files()
    done = repository.call("sync", "--force")
    assert (done.code, repository.files()) == (1, before)
    assert "that is a spec [duplicate-output]" in done.err


def test_nothing_is_written_before_everything_was_checked(repository: Repository) -> None:
    repository.spec("{gitlab: a.yml, buildkite: theirs.yml}", "one.yaml")
    repository.spec("{gitlab: b.yml}", "two.yaml")
    repository.write("three.yaml", "push: sometimes\n")
    repository.write("theirs.yml", "stages: [build]\n")
    before = repository.files()
    done = repository.call("sync", "-f", "two.yaml", "-f", "one.yaml", "-f", "three.yaml")
    assert (done.code, done.out) == (1, "")
    assert "theirs.yml: ci-kaniko did not write this file [foreign-file]" in done.err
    assert "hint: --force overwrites it" in done.err
    assert "three.yaml:1:7: " in done.err
    assert repository.files() == before


@pytest.mark.parametrize(
    "text",
    [
        b"stages: [build]\n",
        b"\n" + HEADER.encode(),
        b"# Generated by ci-kaniko-like tools\n",
        b"\xff\xfe\x00binary",
        "# Größe".encode("latin-1"),
    ],
    ids=["theirs", "header-below", "similar", "binary", "latin-1"],
)
def test_a_foreign_file_is_overwritten_by_force_only(repository: Repository, text: bytes) -> None:
    repository.spec()
    repository.write(".gitlab-ci.yml", text)
    before = repository.stamps()
    done = repository.call("sync")
    assert (done.code, repository.stamps()) == (1, before)
    assert done.err == (
        ".gitlab-ci.yml: ci-kaniko did not write this file [foreign-file]\n"
        "  hint: --force overwrites it\n"
    )
    assert repository.call("sync", "--force").code == 0
    assert repository.text(".gitlab-ci.yml") == expected()


@pytest.mark.parametrize(
    "text",
    [b"", b"\n \r\n", HEADER.encode(), (HEADER + "old: yes").encode(), HEADER.encode() + b"\xff"],
    ids=["empty", "blank", "header", "older", "damaged"],
)
def test_our_file_is_overwritten(repository: Repository, text: bytes) -> None:
    """``render > file`` empties the file before a wrong spec is found: that is ours too."""
    repository.spec()
    repository.write(".gitlab-ci.yml", text)
    assert repository.call("sync").code == 0
    assert repository.text(".gitlab-ci.yml") == expected()


def test_a_file_of_another_spec_is_overwritten_by_force_only(repository: Repository) -> None:
    """Each of the two would find it out of date for ever; a spec that is gone has no say."""
    repository.spec("{gitlab: a.yml}", "one.yaml")
    repository.spec("{gitlab: a.yml}", "two.yaml")
    assert repository.call("sync", "-f", "one.yaml").code == 0
    before = repository.files()
    done = repository.call("sync", "-f", "two.yaml")
    assert (done.code, repository.files()) == (1, before)
    assert done.err == (
        'a.yml: "one.yaml" writes this file [foreign-file]\n'
        "  hint: give one of the two specs another file; --force overwrites it\n"
    )
    assert repository.call("sync", "-f", "two.yaml", "--force").code == 0
    (repository.folder / "two.yaml").unlink()
    assert repository.call("sync", "-f", "one.yaml").code == 0


MADE = "# Generated by ci-kaniko from {}; edit that and run: ci-kaniko sync\n"
STATES = {
    "gone": None,
    "edited": MADE.format("ci-kaniko.yaml"),
    "saved with a byte order mark": "\ufeff" + MADE.format("ci-kaniko.yaml"),
    "empty": "",
    "of a stranger": "test: {script: [make]}\n",
    "of another spec": MADE.format("two.yaml"),
    "of a spec that is gone": MADE.format("three.yaml"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_hint_of_a_check_brings_a_file_into_sync(repository: Repository, state: str) -> None:
    repository.spec("{gitlab: a.yml}")
    repository.spec("{gitlab: two.yml}", "two.yaml")
    if (text := STATES[state]) is not None:
        repository.write("a.yml", text)
    hint = repository.call("check").err.splitlines()[-1]
    command = hint[hint.index("ci-kaniko sync") :].removesuffix(" overwrites it").split()
    assert ("--force" in command) == (state in {"of a stranger", "of another spec"})
    assert repository.call(*command[1:]).code == 0
    assert repository.call("check") == (0, "", "")


def test_entries_of_another_spec_are_not_lost_to_those_of_this_one(repository: Repository) -> None:
    """A file that a hand writes, too, says of no entry which spec it is of."""
    merged = "{gitlab: {path: a.yml, mode: merge}}"
    repository.spec(merged)
    assert repository.call("sync").code == 0
    text = repository.spec(merged, "two/ci-kaniko.yaml")
    text.write_text(f"{text.read_text()}gitlab: {{job: two}}\n")
    before = repository.files()
    done = repository.call("sync", "-f", "two/ci-kaniko.yaml")
    assert (done.code, repository.files()) == (1, before)
    assert done.err.startswith('a.yml: "ci-kaniko.yaml" writes this file [foreign-file]\n')
    (repository.folder / "ci-kaniko.yaml").unlink()
    assert repository.call("sync", "-f", "two/ci-kaniko.yaml").code == 0
    assert "# ci-kaniko: two\n" in repository.text("a.yml")


def test_a_foreign_file_that_says_the_right_thing_is_in_sync(repository: Repository) -> None:
    repository.spec()
    repository.write(".gitlab-ci.yml", expected())
    assert repository.call("sync") == (0, "", "")


def test_a_checkout_with_crlf_is_in_sync(repository: Repository) -> None:
    repository.spec()
    path = repository.write(".gitlab-ci.yml", expected().replace("\n", "\r\n"))
    before = repository.stamps()
    assert repository.call("sync") == repository.call("check") == (0, "", "")
    assert repository.stamps() == before
    path.write_bytes(path.read_bytes().replace(b"acme-bot", b"bob"))
    assert repository.call("sync").code == 0
    assert repository.text(".gitlab-ci.yml") == expected()


def test_text_is_utf8_whatever_the_locale(repository: Repository) -> None:
    repository.write(
        "ci-kaniko.yaml", f"{SPEC}labels: {{title: Größe ✓}}\noutputs: {{gitlab: a.yml}}\n"
    )
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert repository.start("sync", environment=settings).code == 0
    assert "Größe ✓" in repository.text("a.yml")
    repository.write("a.yml", HEADER + "# Größe ✓\n")
    done = repository.start("check", environment=settings)
    assert done.code == 1
    assert "\n-# Größe ✓\n" in done.out
    repository.spec("{gitlab: Größe.yml}")
    for command in ("sync", "check", "validate"):
        done = repository.start(command, environment=settings)
        assert (done.code, done.err.splitlines()[1:]) == (1, [])
        assert 'e.yml"; set PYTHONUTF8=1' in done.err


@pytest.mark.parametrize("form", ["json", "github"])
def test_machines_read_what_is_wrong(repository: Repository, form: str) -> None:
    repository.spec()
    repository.write(".gitlab-ci.yml", "theirs: true\n")
    done = repository.call("sync", "--format", form)
    assert (done.code, done.err) == (1, "")
    if form == "json":
        assert [item["rule"] for item in json.loads(done.out)] == ["foreign-file"]
        assert json.loads(repository.call("sync", "--force", "--format", form).out) == []
    else:
        assert done.out == (
            "::error file=.gitlab-ci.yml::ci-kaniko did not write this file [foreign-file]"
            "%0Ahint: --force overwrites it\n"
        )


# -- modes and owners -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o664, 0o4755], ids=oct)
def test_the_mode_is_kept(repository: Repository, mode: int) -> None:
    repository.spec()
    repository.write(".gitlab-ci.yml", HEADER).chmod(mode)
    assert repository.run("sync").code == 0
    assert repository.text(".gitlab-ci.yml") == expected()
    assert repository.mode(".gitlab-ci.yml") == mode


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_usual_mode(repository: Repository, mask: int, mode: int) -> None:
    repository.spec("{gitlab: new/folder/a.yml}")
    assert repository.start("sync", umask=mask).code == 0
    assert repository.mode("new/folder/a.yml") == mode
    assert repository.mode("new/folder") == 0o777 & ~mask


def test_the_owner_is_kept(repository: Repository) -> None:
    """Root in a container writes to the checkout of a user; others can give to their groups."""
    owner = (1234, 5678) if os.getuid() == 0 else (os.getuid(), max([os.getgid(), *os.getgroups()]))
    repository.spec()
    path = repository.write(".gitlab-ci.yml", HEADER)
    os.chown(path, *owner)
    assert repository.run("sync").code == 0
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    assert path.read_text() == expected()


# -- where files are --------------------------------------------------------------------------


def test_a_link_inside_the_repository_stays_a_link(repository: Repository) -> None:
    repository.spec("{gitlab: .gitlab-ci.yml, buildkite: links/image.yml}")
    repository.write("real/a.yml", HEADER)
    (repository.folder / ".gitlab-ci.yml").symlink_to("real/a.yml")
    (repository.folder / "links").symlink_to("real")
    assert repository.call("sync").code == 0
    assert (repository.folder / ".gitlab-ci.yml").is_symlink()
    assert (repository.folder / "links").is_symlink()
    assert repository.text("real/a.yml") == expected()
    assert repository.text("real/image.yml") == expected("buildkite")
    assert repository.call("check").code == 0


def test_a_dangling_link_is_filled(repository: Repository) -> None:
    repository.spec()
    (repository.folder / ".gitlab-ci.yml").symlink_to("later/a.yml")
    assert repository.call("check").code == 1
    assert repository.call("sync").code == 0
    assert repository.text("later/a.yml") == expected()


@pytest.mark.parametrize("where", ["../outside.yml", "/tmp/ci-kaniko-outside.yml"])  # noqa: S108
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["plain", "force"])
def test_a_link_out_of_the_repository_is_refused(
    repository: Repository, where: str, force: list[str]
) -> None:
    repository.spec("{gitlab: .gitlab-ci.yml, buildkite: a.yml}")
    (repository.folder / ".gitlab-ci.yml").symlink_to(where)
    before = repository.files()
    done = repository.call("sync", *force)
    assert (done.code, repository.files()) == (1, before)
    assert '".gitlab-ci.yml" leads out of the repository' in done.err
    assert done.err.startswith("ci-kaniko.yaml:3:19: ")
    assert not (repository.folder / where).exists()
    assert repository.call("check").code == 1


@pytest.mark.parametrize("command", [("sync", "--force"), ("validate",)])
def test_git_keeps_its_own_folder(repository: Repository, command: Sequence[str]) -> None:
    repository.spec("{gitlab: .git/hooks/pre-commit, buildkite: link/hooks/x}")
    (repository.folder / "link").symlink_to(".git")
    done = repository.call(*command)
    assert done.code == 1
    assert done.err.count("[outside-repository]") == 2
    assert not list((repository.folder / ".git").iterdir())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to(path.name), "too many levels of symbolic links"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_text("") and path.chmod(0), "permission denied"),
    ],
    ids=["loop", "pipe", "secret"],
)
def test_what_cannot_be_read_is_reported(
    repository: Repository, make: Callable[[Path], Any], reason: str
) -> None:
    repository.spec("{gitlab: .gitlab-ci.yml, buildkite: a.yml}")
    path = repository.write(".gitlab-ci.yml", "x")
    if reason == "permission denied":
        path.chmod(0)
    else:
        path.unlink()
        make(path)
    for command in ("check", "sync"):
        done = repository.start(command, prefix=unprivileged(), timeout=20)
        assert done.code == 1
        assert f".gitlab-ci.yml: {reason} [unreadable]\n" in done.err
    assert not (repository.folder / "a.yml").exists()


@pytest.mark.parametrize("command", ["sync", "check", "validate"])
@pytest.mark.parametrize("path", ["file/a.yml", "folder"])
def test_a_path_that_can_be_no_file_is_told_in_its_line(
    repository: Repository, path: str, command: str
) -> None:
    spec = repository.spec(f"{{gitlab: {path}}}")
    repository.write("file", "mine")
    repository.write("folder/kept", "mine")
    before = repository.files()
    done = repository.call(command)
    line = next(n for n, text in enumerate(spec.read_text().splitlines(), 1) if path in text)
    what = "is a folder" if path == "folder" else "lies below a file"
    assert done.code == 1
    said = rf'^ci-kaniko\.yaml:{line}:\d+: "{path}" {what} \[bad-path\]\n'
    assert re.search(said, done.err, re.MULTILINE)
    assert "hint: name a file" in done.err
    assert repository.files() == before


def test_from_another_folder(repository: Repository) -> None:
    repository.spec()
    (repository.folder / "deep" / "er").mkdir(parents=True)
    assert repository.call("sync", below="deep/er").err == (
        "created ../../.gitlab-ci.yml for gitlab\n"
    )
    assert repository.call("check", below="deep").code == 0
    outside = Repository(repository.folder.parent / "other")
    assert outside.call("check", "-f", str(repository.folder / "ci-kaniko.yaml")).code == 0


def test_paths_start_at_the_root_of_the_repository(repository: Repository) -> None:
    repository.spec("{gitlab: ci/a.yml}", "services/shop/ci-kaniko.yaml")
    assert repository.call("sync", below="services/shop").code == 0
    assert repository.text("ci/a.yml") == of("services/shop/ci-kaniko.yaml")
    assert repository.call("check", "-f", "services/shop/ci-kaniko.yaml").code == 0


def test_without_git_paths_start_at_the_spec(tmp_path: Path) -> None:
    repository = Repository(tmp_path, git="none")
    repository.spec("{gitlab: ci/a.yml}", "below/ci-kaniko.yaml")
    assert repository.call("sync", "-f", "below/ci-kaniko.yaml").code == 0
    assert repository.text("below/ci/a.yml") == expected()


@pytest.mark.parametrize("kind", ["worktree", "submodule"])
def test_a_git_file_is_a_repository_too(tmp_path: Path, kind: str) -> None:
    outer = Repository(tmp_path / "outer", git="none")
    inner = Repository(tmp_path / "inner", git="none")
    for each in (outer, inner):
        git(each.folder, "init", "-q")
        git(each.folder, "commit", "-q", "--allow-empty", "-m", "first")
    if kind == "worktree":
        git(outer.folder, "worktree", "add", "-q", "tree")
    else:
        tools.shell()  # git submodule is a script
        git(outer.folder, "submodule", "add", "-q", str(inner.folder), "tree")
    assert (outer.folder / "tree" / ".git").is_file()
    outer.spec("{gitlab: outer.yml}")
    outer.spec("{gitlab: inner.yml}", "tree/below/ci-kaniko.yaml")
    assert outer.call("sync", below="tree/below").code == 0
    assert outer.text("tree/inner.yml") == of("below/ci-kaniko.yaml")
    (outer.folder / "tree/below/ci-kaniko.yaml").unlink()
    assert outer.call("sync", below="tree/below").code == 2


# -- when it cannot be written ----------------------------------------------------------------


def test_a_folder_that_cannot_be_written(repository: Repository) -> None:
    repository.spec("{gitlab: ci/a.yml}")
    path = repository.write("ci/a.yml", HEADER)
    path.parent.chmod(0o555)
    done = repository.start("sync", prefix=unprivileged())
    path.parent.chmod(0o755)
    assert done == (1, "", "ci-kaniko: ci/a.yml: Permission denied\n")
    assert repository.text("ci/a.yml") == HEADER
    assert sorted(os.listdir(path.parent)) == ["a.yml"]


def test_a_folder_that_cannot_be_made(repository: Repository) -> None:
    repository.spec("{gitlab: ci/new/a.yml}")
    (repository.folder / "ci").mkdir(mode=0o555)
    done = repository.start("sync", prefix=unprivileged())
    assert done == (1, "", "ci-kaniko: ci/new/a.yml: Permission denied\n")


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        files.write(os.devnull, "text")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.write(str(tmp_path / "pipe"), "text")
    with pytest.raises(IsADirectoryError):
        files.write(str(tmp_path), "text")
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_read_only_file(repository: Repository) -> None:
    repository.spec()
    repository.write(".gitlab-ci.yml", HEADER).chmod(0o444)
    before = repository.stamps()
    done = repository.start("sync", prefix=unprivileged())
    assert done == (1, "", "ci-kaniko: .gitlab-ci.yml: Permission denied\n")
    assert repository.stamps() == before


@pytest.mark.parametrize("path", [".gitlab-ci.yml", "new/folder/a.yml"])
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_no_space(repository: Repository, path: str, size: int) -> None:
    repository.spec(f"{{gitlab: {path}}}")
    if path == ".gitlab-ci.yml":
        repository.write(path, HEADER)
    before = repository.files()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = repository.start("sync", preexec_fn=limit, environment={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done == (1, "", f"ci-kaniko: {path}: File too large\n")
    assert repository.files() == before
    assert not [path for path in repository.cache.rglob("*") if path.is_file()]


def test_a_full_file_system(repository: Repository) -> None:
    script = (
        'mount -t tmpfs -o size=8k none "$1" && mkdir "$1/.git" && cp ci-kaniko.yaml "$1" && '
        'cd "$1" && echo "# Generated by ci-kaniko from x" > .gitlab-ci.yml && '
        "{ head -c 8192 /dev/zero > filler; } 2>/dev/null;"
        '"$2" -m ci_kaniko sync; echo "code $?"; cat .gitlab-ci.yml; ls -A'
    )
    repository.spec()
    (repository.folder / "small").mkdir()
    command = [tools.program("unshare"), "-rm", *tools.shell(), "-c", script, "sh"]
    done = subprocess.run(
        [*command, "small", sys.executable],
        cwd=repository.folder,
        env=repository.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.stderr == "ci-kaniko: .gitlab-ci.yml: No space left on device\n"
    assert done.stdout.split("\n")[:2] == ["code 1", "# Generated by ci-kaniko from x"]
    assert done.stdout.split()[-4:] == [".git", ".gitlab-ci.yml", "ci-kaniko.yaml", "filler"]


def test_the_second_of_two_fails(repository: Repository) -> None:
    repository.spec("{gitlab: a.yml, buildkite: ci/b.yml}")
    repository.write("ci/b.yml", HEADER).parent.chmod(0o555)
    done = repository.start("sync", prefix=unprivileged())
    (repository.folder / "ci").chmod(0o755)
    assert (done.code, done.out) == (1, "")
    assert done.err == ("created a.yml for gitlab\nci-kaniko: ci/b.yml: Permission denied\n")
    assert repository.text("a.yml") == expected()
    assert repository.text("ci/b.yml") == HEADER


# -- kills ------------------------------------------------------------------------------------

BOTH = f"{SPEC}outputs: {{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}}\n"
CREATE = f"(root / 'ci-kaniko.yaml').write_text({BOTH!r})"
UPDATE = f"""{CREATE}
(root / '.github/workflows').mkdir(parents=True)
(root / 'ci').mkdir()
(root / 'ci/real.yml').write_text({HEADER!r})
(root / '.gitlab-ci.yml').symlink_to('ci/real.yml')
(root / '.github/workflows/image.yml').write_text({HEADER + "old: true"!r})
"""
OURS = files._PREFIX


@pytest.mark.parametrize("prepare", [CREATE, UPDATE], ids=["create", "update"])
@pytest.mark.parametrize("variant", ["usual", "threads", "named"])
def test_killed_at_every_file_operation(prepare: str, variant: str) -> None:
    """``usual`` is Linux, where nothing is left behind.

    Where a file cannot be unnamed, or threads forbid a second process, there may be one file of a
    known name until the next run.
    """
    found = killed(prepare, variant)
    old, new, littered = found["old"], found["new"], 0
    for number, seen in enumerate(found["seen"], start=1):
        after = seen["killed"]
        litter = [path for path in after if path not in new]
        assert not [path for path in old if path not in after], number
        for path in after.keys() & new.keys():
            assert after[path] in (old.get(path), new[path]), (number, path)
        assert all(path.rpartition("/")[2].startswith(OURS) for path in litter), number
        assert len(litter) <= 1
        littered += len(litter)
        folders = {path for path, text in after.items() if text is None and path not in old}
        empty = {path for path in folders if not any(one.startswith(f"{path}/") for one in after)}
        assert variant != "usual" or not empty, number
        assert not litter or seen["again"] == new, number
    assert bool(littered) == (variant == "named" or (variant, prepare) == ("threads", UPDATE))


def test_a_kill_from_outside(repository: Repository) -> None:
    """At any moment: the file is whole, and the next run leaves nothing but the files."""
    repository.spec()
    path = repository.write(".gitlab-ci.yml", HEADER)
    for delay in (150, 220, 290, 360):
        path.write_text(HEADER)
        process = subprocess.Popen(
            [sys.executable, "-m", "ci_kaniko", "sync"],
            cwd=repository.folder,
            env=repository.environment(CI="true"),
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(delay / 1000)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        assert path.read_text() in (HEADER, expected())
    assert repository.call("sync").code == 0
    assert sorted(repository.files()) == [".git", ".gitlab-ci.yml", "ci-kaniko.yaml"]


def test_what_a_killed_run_left_is_removed(repository: Repository) -> None:
    repository.spec()
    litter = repository.write(f"{OURS}0123456789abcdef", "half")
    kept = [f"{OURS}cache", f"{OURS}0123456789ABCDEF", f"{OURS}0123456789abcdef.yml"]
    for name in kept:
        repository.write(name, "theirs")
    assert repository.call("sync").code == 0
    assert not litter.exists()
    assert all((repository.folder / name).exists() for name in kept)


def test_what_another_run_is_writing_is_left_alone(repository: Repository) -> None:
    busy = repository.write(f"{OURS}0123456789abcdef", "half")
    with busy.open("rb") as file:
        files._lock(file.fileno())
        files.write(str(repository.folder / "a.yml"), "new")
        assert busy.exists()
    files.write(str(repository.folder / "b.yml"), "new")
    assert not busy.exists()


# -- two at once ------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [True, False], ids=["same", "different"])
def test_two_at_once(repository: Repository, same: bool) -> None:  # noqa: FBT001
    """Two specs that fight for a file in two processes: it always is one or the other."""
    repository.spec("{gitlab: new/image.yml}", "one.yaml")
    repository.spec("{gitlab: new/image.yml}" if same else "{buildkite: new/image.yml}", "two.yaml")
    texts = {of("one.yaml"), of("two.yaml", "gitlab" if same else "buildkite")}

    def run(name: str) -> int:
        return repository.run("sync", "--force", "-f", name, environment={"CI": "true"}).code

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            assert list(pool.map(run, ["one.yaml", "two.yaml"])) == [0, 0]
            assert repository.text("new/image.yml") in texts
            (repository.folder / "new/image.yml").write_text(HEADER)
    assert sorted(os.listdir(repository.folder / "new")) == ["image.yml"]


FIGHT = """
import sys
from ci_kaniko.repository import files
path, text, named = sys.argv[1:]
if named:
    files._unnamed = lambda *_: None
for _ in range(60):
    files.write(path, text)
"""


@pytest.mark.parametrize("named", ["", "named"], ids=["usual", "named"])
def test_many_at_once(tmp_path: Path, named: str) -> None:
    path = tmp_path / "a.yml"
    texts = [letter * 100_000 for letter in "ab"]
    path.write_text(texts[0])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", FIGHT, str(path), text, named],
            env={**os.environ, "PYTHONPATH": PACKAGE},
        )
        for text in texts
    ]
    while any(writer.poll() is None for writer in writers):
        assert path.read_text() in texts
    assert [writer.returncode for writer in writers] == [0, 0]
    assert os.listdir(tmp_path) == ["a.yml"]
