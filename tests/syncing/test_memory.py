"""The memory of what was in sync: it saves work, and never changes what anybody sees."""

from __future__ import annotations

import inspect
import os
import shutil
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from ci_kaniko.cli.making import fingerprint
from ci_kaniko.syncing import memory
from harness.loaded import SEEN, imported
from harness.repository import HEADER, SPEC, Repository, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OUTPUTS = "{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}"
HEAVY = {"jinja2", "pydantic", "ruamel", "typer", "yaml"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """In sync, and remembered."""
    repository = Repository(tmp_path)
    repository.spec(OUTPUTS)
    assert repository.call("sync", CI="").code == 0
    assert remembered(repository)
    return repository


def records(repository: Repository) -> list[Path]:
    return [path for path in repository.cache.rglob("*") if not path.is_dir() or path.is_symlink()]


def remembered(repository: Repository, *arguments: str, **environment: str) -> bool:
    """Whether ``check`` is answered without any work."""
    with mock.patch("ci_kaniko.syncing.together.compare", side_effect=ZeroDivisionError):
        code = repository.call(*(arguments or ("check",)), **{"CI": "", **environment}).code
    assert code in (0, 1, 2, 3)
    return code == 0


# -- hits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [["check"], ["sync"], ["sync", "--exit-code"], ["check", "-f", "ci-kaniko.yaml"]]
)
def test_a_hit_imports_nothing_that_works(repository: Repository, command: list[str]) -> None:
    names = imported(repository, *command)
    assert not names & HEAVY
    assert {name for name in names if name.startswith("ci_kaniko")} == SEEN
    assert not names & {"dataclasses", "inspect", "difflib", "subprocess", "pathlib"}
    assert imported(repository, *command, "--no-cache") > {*SEEN, "ci_kaniko.rendering"}


def test_a_hit_says_nothing_and_touches_nothing(repository: Repository) -> None:
    before, kept = repository.stamps(), [path.read_bytes() for path in records(repository)]
    for command in ("check", "sync"):
        assert repository.call(command, CI="") == (0, "", "")
    assert repository.stamps() == before
    assert [path.read_bytes() for path in records(repository)] == kept


@pytest.mark.parametrize("command", ["check", "sync"])
def test_both_remember(tmp_path: Path, command: str) -> None:
    repository = Repository(tmp_path)
    repository.spec(OUTPUTS)
    repository.call("sync")
    assert not records(repository)
    assert not remembered(repository)
    assert repository.call(command, CI="").code == 0
    assert remembered(repository)
    assert remembered(repository, "sync")


def test_targets_are_remembered_apart(repository: Repository) -> None:
    assert not remembered(repository, "check", "gitlab")
    repository.call("check", "gitlab", CI="")
    assert remembered(repository, "check", "gitlab")
    assert not remembered(repository, "check", "github")
    repository.write(".github/workflows/image.yml", HEADER)
    assert remembered(repository, "check", "gitlab")
    assert not remembered(repository)


def test_specs_are_remembered_apart(repository: Repository) -> None:
    repository.spec("{gitlab: b.yml}", "two/ci-kaniko.yaml")
    both = ("check", "-f", "ci-kaniko.yaml", "-f", "two/ci-kaniko.yaml")
    assert not remembered(repository, *both)
    repository.call("sync", "-f", "two/ci-kaniko.yaml", CI="")
    assert remembered(repository, *both[:1], *both[3:])
    assert not remembered(repository, *both), "one beside the other was not verified"
    assert repository.call(*both, CI="").code == 0
    assert remembered(repository, *both)
    assert remembered(repository, "check", *both[3:], *both[1:3])
    repository.write("b.yml", HEADER)
    assert not remembered(repository, *both)
    assert remembered(repository)


def test_a_checkout_with_crlf_is_remembered(repository: Repository) -> None:
    path = repository.folder / ".gitlab-ci.yml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert not remembered(repository)
    assert repository.call("check", CI="") == (0, "", "")
    assert remembered(repository)


def test_a_record_holds_no_text_and_is_private(repository: Repository) -> None:
    (record,) = records(repository)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    digest, *outputs = record.read_text().splitlines()
    assert len(bytes.fromhex(digest)) == 32
    assert outputs == ["gitlab\t.gitlab-ci.yml", "github\t.github/workflows/image.yml"]


# -- what makes it forget ---------------------------------------------------------------------


def touch(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def moved(root: Path) -> None:
    """The same file, but reached through a link that leads out of the repository."""
    (root / ".gitlab-ci.yml").rename(root.parent / "outside.yml")
    (root / ".gitlab-ci.yml").symlink_to("../outside.yml")


CHANGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "spec": (lambda root: touch(root / "ci-kaniko.yaml", SPEC + "outputs: {gitlab: a.yml}\n"), 1),
    "wrong spec": (lambda root: touch(root / "ci-kaniko.yaml", "push: sometimes\n"), 1),
    "output": (lambda root: touch(root / ".gitlab-ci.yml", HEADER), 1),
    "other output": (lambda root: touch(root / ".github/workflows/image.yml", HEADER), 1),
    "deleted": (lambda root: (root / ".gitlab-ci.yml").unlink(), 1),
    "deleted spec": (lambda root: (root / "ci-kaniko.yaml").unlink(), 2),
    "linked out": (moved, 1),
    "no git": (lambda root: (root / ".git").rmdir(), 0),
    "nearer spec": (lambda root: (root / "ci-kaniko.yaml").rename(root / "ci-kaniko.yml"), 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(repository: Repository, change: str) -> None:
    make, code = CHANGES[change]
    make(repository.folder)
    with_memory = repository.call("check", CI="")
    assert with_memory == repository.call("check", CI="true")
    assert with_memory.code == code


def test_a_root_that_moves_is_seen(tmp_path: Path) -> None:
    """``.git`` appears above: paths start elsewhere now, although no file has changed."""
    repository = Repository(tmp_path, git="none")
    repository.spec(OUTPUTS, "below/ci-kaniko.yaml")
    assert repository.call("sync", below="below", CI="").code == 0
    (repository.folder / ".git").mkdir()
    done = repository.call("check", below="below", CI="")
    assert done == repository.call("check", below="below")
    assert done.code == 1


def test_another_version_is_another_verdict(repository: Repository) -> None:
    with mock.patch.object(memory, "__version__", "9.9.9"):
        assert not remembered(repository)
    assert remembered(repository)


def test_another_installation_is_another_verdict(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout the code changes while the version does not."""
    monkeypatch.setattr(memory, "_installation", inspect.unwrap(memory._installation))
    package = tmp_path / "site" / "ci_kaniko"
    for folder in ("", "targets", "templates"):
        touch(package / folder / "file", "")
    monkeypatch.setattr(memory, "__file__", str(package / "memory.py"))
    assert not remembered(repository)
    repository.call("check", CI="")
    assert remembered(repository)
    for folder in ("", "targets", "templates"):
        touch(package / folder / "file", "changed")
        assert not remembered(repository)
        repository.call("check", CI="")
        assert remembered(repository)
    for sources in ("of a build", "of another build"):
        touch(package / memory.MADE_OF, sources)
        assert not remembered(repository)
        repository.call("check", CI="")
        assert remembered(repository)


def test_builds_of_two_sources_differ(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("src", "templates")]
    found = {fingerprint(folders)}
    changes = [
        ("src/a", ""),
        ("src/b", ""),
        ("src/b", "text"),
        ("templates/a", ""),
        ("src/c/d", ""),
    ]
    for path, text in changes:
        touch(tmp_path / path, text)
        found.add(fingerprint(folders))
    assert len(found) == len(changes) + 1
    touch(tmp_path / "src/__pycache__/d", "")
    assert fingerprint(folders) in found


def test_what_was_verified_is_remembered_not_what_lies_there_later(tmp_path: Path) -> None:
    """Somebody edits an output between its comparison and the note."""
    repository = Repository(tmp_path)
    repository.spec()
    repository.call("sync")
    real = memory.Memory.remember

    def late(*arguments: Any) -> None:
        repository.write(".gitlab-ci.yml", HEADER)
        real(*arguments)

    with mock.patch.object(memory.Memory, "remember", late):
        assert repository.call("check", CI="").code == 0
    assert repository.call("check", CI="").code == 1


def test_what_is_wrong_is_not_remembered(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.spec(OUTPUTS)
    repository.call("sync", "gitlab", "--no-cache", CI="")
    assert repository.call("check", CI="").code == 1
    assert not records(repository)


def test_warnings_are_never_swallowed(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    warned = f"{SPEC}options: {{skip_tls_verify_pull: true}}\noutputs: {{gitlab: a.yml}}\n"
    repository.write("ci-kaniko.yaml", warned)
    for command in ("sync", "check", "sync", "check"):
        done = repository.call(command, CI="")
        assert done.code == 0
        assert "[no-effect]" in done.err
    assert not records(repository)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--no-cache"),
        ("sync", "--no-cache"),
        ("check", "--strict"),
        ("check", "--format", "json"),
        ("sync", "--force"),
        ("check", "--exit-code"),
        ("check", "gitlub"),
        ("check", "-f"),
        ("check", "-f", "-"),
        ("check", "-f", "missing.yaml"),
        ("check", "-f", "."),
        ("check", "--help"),
        ("validate",),
    ],
    ids=" ".join,
)
def test_anything_unusual_is_done_in_full(
    repository: Repository, arguments: tuple[str, ...]
) -> None:
    with mock.patch.object(sys, "stdin", mock.Mock(buffer=mock.Mock(read=lambda _: b""))):
        assert repository.call(*arguments, CI="") == repository.call(*arguments, CI="true")


def test_switched_off(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.spec()
    for settings, option in (({"CI": "1"}, []), ({"CI": ""}, ["--no-cache"])):
        repository.call("sync", *option, **settings)
        repository.call("check", *option, **settings)
    assert not records(repository)
    repository.call("check", CI="")
    assert records(repository)
    assert not remembered(repository, CI="true")


# -- a record that is no record ---------------------------------------------------------------


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def spoil(record: Path) -> None:
        record.rename(record.parent.parent / "kept")
        make(record)

    return spoil


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda record: record.write_bytes(change(record.read_bytes()))


def filed(record: Path) -> None:
    shutil.rmtree(record.parent)
    touch(record.parent, "")


SPOILT: dict[str, Callable[[Path], object]] = {
    "empty": rewritten(lambda _: b""),
    "truncated": rewritten(lambda data: data[:-1]),
    "half": rewritten(lambda data: data[: len(data) // 2]),
    "no outputs": rewritten(lambda data: data[:65]),
    "fewer outputs": rewritten(lambda data: b"\n".join(data.split(b"\n")[:2]) + b"\n"),
    "other digest": rewritten(lambda data: b"0" + data[1:]),
    "binary": rewritten(lambda _: bytes(range(256)) * 16),
    "zero bytes": rewritten(lambda data: data.replace(b"\t", b"\t\0")),
    "more columns": rewritten(lambda data: data.replace(b"\t", b"\t\t")),
    "huge": rewritten(lambda data: data + b"gitlab\tx\n" * 200_000),
    "longer": rewritten(lambda data: data + b"\n" * 4_000_000),
    "group-writable": lambda record: record.chmod(0o660),
    "readable": lambda record: record.chmod(0o644),
    "unreadable": lambda record: record.chmod(0),
    "folder": replaced(lambda record: record.mkdir()),
    "full folder": replaced(lambda record: touch(record / "file", "")),
    "pipe": replaced(os.mkfifo),
    "link": replaced(lambda record: record.symlink_to("../kept")),
    "dangling link": replaced(lambda record: record.symlink_to("nowhere")),
    "loop": replaced(lambda record: record.symlink_to(record.name)),
    "gone": lambda record: record.unlink(),
    "folder of others": lambda record: record.parent.chmod(0o777),
    "folder read-only": lambda record: record.parent.chmod(0o555),
    "no folder": lambda record: shutil.rmtree(record.parent),
    "file for folder": filed,
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("in_sync", [True, False], ids=["same", "drifted"])
def test_a_spoilt_record_changes_nothing(repository: Repository, kind: str, in_sync: bool) -> None:  # noqa: FBT001
    (record,) = records(repository)
    if not in_sync:
        repository.write(".gitlab-ci.yml", HEADER)
    wanted = repository.call("check")
    SPOILT[kind](record)
    assert repository.call("check", CI="") == wanted
    assert repository.call("check", CI="") == wanted
    assert wanted.code == (0 if in_sync else 1)


@pytest.mark.parametrize("kind", ["unreadable", "folder read-only"])
def test_a_spoilt_record_changes_nothing_for_a_usual_user(
    repository: Repository, kind: str
) -> None:
    SPOILT[kind](records(repository)[0])
    assert repository.start("check", prefix=unprivileged()) == (0, "", "")


@pytest.mark.parametrize(
    "kind", [kind for kind in SPOILT if "folder" not in kind or kind == "no folder"]
)
def test_a_spoilt_record_is_replaced(repository: Repository, kind: str) -> None:
    SPOILT[kind](records(repository)[0])
    repository.call("check", CI="")
    assert remembered(repository)


def test_what_belongs_to_another_user_is_not_believed(repository: Repository) -> None:
    """Only root can give files away; for others the other user is acted."""
    (record,) = records(repository)
    user = os.getuid()
    if user == 0:
        os.chown(record, 65534, 65534)
    else:
        user += 1
    with mock.patch.object(os, "getuid", return_value=user):
        assert not remembered(repository)
        assert repository.call("check", "--no-cache", CI="") == (0, "", "")
        repository.write(".gitlab-ci.yml", HEADER)
        assert repository.call("check", CI="").code == 1


def test_nothing_is_noted_in_the_folder_of_another_user(repository: Repository) -> None:
    (record,) = records(repository)
    record.unlink()
    user = os.getuid()
    if user == 0:
        os.chown(record.parent, 65534, 65534)
    else:
        user += 1
    with mock.patch.object(os, "getuid", return_value=user):
        assert repository.call("check", CI="") == (0, "", "")
    assert not records(repository)


def test_two_who_note_at_once(repository: Repository) -> None:
    """A check that is in sync beside ones that change the verdict."""
    (record,) = records(repository)
    record.unlink()
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: repository.run("check"), range(4)))
    assert done == [(0, "", "")] * 4
    assert records(repository) == [record]
    assert remembered(repository)


# -- where it lies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"XDG_CACHE_HOME": "{base}/xdg"}, "xdg/ci-kaniko"),
        ({"XDG_CACHE_HOME": "", "HOME": "{base}/home"}, "home/.cache/ci-kaniko"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "{base}/home"}, "home/.cache/ci-kaniko"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "relative"}, None),
        ({"XDG_CACHE_HOME": "", "HOME": ""}, None),
        ({"XDG_CACHE_HOME": "/dev/null/x"}, None),
        ({"XDG_CACHE_HOME": "/proc/x"}, None),
        ({"XDG_CACHE_HOME": "{base}/" + "x" * 300}, None),
        ({"XDG_CACHE_HOME": "{base}/" + "\udcff"}, "\udcff/ci-kaniko"),
    ],
    ids=["xdg", "home", "xdg-relative", "relative", "empty", "file", "proc", "long", "bytes"],
)
def test_the_place(tmp_path: Path, settings: dict[str, str], place: str | None) -> None:
    repository = Repository(tmp_path)
    repository.spec(OUTPUTS)
    known = {name: value.format(base=tmp_path) for name, value in settings.items()}
    for command, code in (("check", 1), ("sync", 0), ("check", 0)):
        assert repository.call(command, CI="", **known).code == code
    assert sorted(repository.files()) == [
        *(".git", ".github", ".github/workflows", ".github/workflows/image.yml"),
        *(".gitlab-ci.yml", "ci-kaniko.yaml"),
    ]
    if place is not None:
        assert len(list((tmp_path / place).iterdir())) == 1


def test_no_home_at_all(repository: Repository) -> None:
    """The home of the user database counts; it may not exist either."""
    settings = repository.environment(CI="")
    del settings["XDG_CACHE_HOME"]
    settings.pop("HOME", None)
    with (
        mock.patch.dict(os.environ, settings, clear=True),
        mock.patch("pwd.getpwuid", side_effect=KeyError),
    ):
        path = str(repository.folder / "ci-kaniko.yaml")
        assert not memory.Memory().knows(path)
        memory.Memory().remember(path, b"", [])
