"""The command line: exit codes, formats, files, streams, and what happens when things break."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

import ci_kaniko
from ci_kaniko.cli import helped
from ci_kaniko.cli import main as cli
from ci_kaniko.cli.commands import app
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import NAMES, SOURCES
from ci_kaniko.layouts import fill as layouts
from ci_kaniko.quick.built import PACKAGE as BUILT
from ci_kaniko.repository.files import write
from harness import forked, tools
from harness.repository import PACKAGE, Repository

if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = """\
destinations: ["ghcr.io/acme/shop:1.0"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
labels: {title: Größe ✓}
"""
WARNING = SPEC + "options: {skip_tls_verify_pull: true}\n"
WRONG = "context: .\npush: sometimes\n"
COMMIT = "12345e6789abcdef0123456789abcdef01234567"
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a spec, and the current folder; git finds nothing in it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "ci-kaniko.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return tmp_path


def run(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return forked.run(*arguments, environment=os.environ, text=text)


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """As a new process of Python's."""
    return subprocess.run(
        [sys.executable, "-m", "ci_kaniko", *arguments],
        env={**os.environ, "PYTHONPATH": PACKAGE, **environment},
        capture_output=True,
        check=False,
    )


def here(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], *arguments: str
) -> tuple[int, bytes, bytes]:
    """The command in this process: its exit code, output and errors."""
    monkeypatch.setattr(sys, "argv", ["ci-kaniko", *arguments])
    code = 0
    try:
        cli.command()
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    captured = capfdbinary.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def call(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Callable[..., tuple[int, bytes, bytes]]:
    assert repository.exists()
    return lambda *arguments: here(monkeypatch, capfdbinary, *arguments)


# -- help -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for item in command.params:
        assert item.help, item.name


@pytest.mark.parametrize("known", [(NAMES, SOURCES), (BUILDERS,)], ids=["systems", "builders"])
def test_help_that_lists_names_lists_all(known: tuple[tuple[str, ...], ...]) -> None:
    every = {name for names in known for name in names}
    for command in COMMANDS.values():
        for item in command.params:
            listed = every & {*re.findall(r"[a-z]+", f"{item.metavar} {item.help}")}
            assert len(listed) < 2 or sorted(listed) in map(sorted, known), item.name


def test_help_is_written_down_as_typer_says_it(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(helped, "built", lambda *_: None)
    texts = helped.texts()
    assert [*texts] == ["", *COMMANDS]
    for name, text in texts.items():
        assert call(*name.split(), "--help") == (0, f"{text}\n".encode(), b"")


def test_help_is_asked_of_typer_when_it_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    written = SimpleNamespace(texts={"sync": "as it was"}, made_of=helped.made_of())
    monkeypatch.setitem(sys.modules, f"{BUILT}.{helped.MODULE}", written)
    monkeypatch.setenv("COLUMNS", "80")
    assert helped.help_for(["sync", "--help"]) == "as it was"
    assert helped.help_for(["sync", "gitlab", "--help"]) is None
    assert helped.help_for(["synk", "--help"]) is None
    monkeypatch.setenv("COLUMNS", "79")
    assert helped.help_for(["sync", "--help"]) is None
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(helped, "made_of", lambda: "edited")
    assert helped.help_for(["sync", "--help"]) is None


def test_help_names_every_command() -> None:
    done = start("--help")
    assert done.returncode == 0
    assert not [name for name in COMMANDS if f"  {name} ".encode() not in done.stdout]


def test_help_shows_whole_sentences_and_arguments_as_they_are_declared() -> None:
    texts = helped.texts()
    assert "..." not in texts[""].replace("[ARGS]...", "")
    for name, command in COMMANDS.items():
        words = [item.metavar or item.name.upper() for item in command.params]
        kinds = [item.param_type_name for item in command.params]
        given = [word for word, kind in zip(words, kinds, strict=True) if kind == "argument"]
        usage = " ".join(["ci-kaniko", name, "[OPTIONS]", *given])
        assert texts[name].splitlines()[0] == f"Usage: {usage}"
        assert command.help.partition("\n")[0] in " ".join(texts[""].split())


@pytest.mark.parametrize("command", [[], ["render"], ["import", "x"]], ids=" ".join)
def test_help_has_a_short_name(call: Any, command: list[str]) -> None:
    assert call(*command, "-h") == call(*command, "--help")


def test_without_a_command_the_help_is_shown() -> None:
    done = run()
    assert b"Commands:" in done.stdout + done.stderr


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word: str) -> None:
    done = run(word)
    assert (done.returncode, done.stdout) == (0, f"ci-kaniko {ci_kaniko.__version__}\n".encode())


# -- exit codes -------------------------------------------------------------------------------


def test_a_good_spec_is_0(call: Any) -> None:
    fine = b"ci-kaniko.yaml: fine for gitlab\n"
    assert call("validate", "gitlab") == (0, fine, b"")
    assert call("validate", "gitlab", "github")[1] == b"ci-kaniko.yaml: fine for gitlab, github\n"


@pytest.mark.parametrize("command", [["validate"], ["render", "gitlab"]], ids=" ".join)
def test_a_wrong_spec_is_1(call: Any, repository: Path, command: list[str]) -> None:
    (repository / "ci-kaniko.yaml").write_text(WRONG)
    code, out, err = call(*command)
    assert (code, out) == (1, b"")
    assert err.startswith(b'ci-kaniko.yaml:2:7: "sometimes" is not one of')


@pytest.mark.parametrize(
    "arguments",
    [
        ["rander"],
        ["render"],
        ["render", "jenkins"],
        ["render", "gitlab", "--sets", "a=b"],
        ["render", "kubernetes", "--set", "tag"],
        ["render", "gitlab", "--format", "xml"],
        ["validate", "jenkins"],
        ["validate", "--format", "xml"],
        ["render", "gitlab", "-f", "a.yaml", "-f", "b.yaml"],
        ["render", "gitlab", "--spec=a.yaml", "-fb.yaml"],
        ["setup", "gitlab", "-f", "a.yaml", "--spec", "b.yaml"],
        ["render", "gitlab", "-o", "a.yml", "-o", "b.yml"],
        ["check", "--format", "text", "--format", "json"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_2(call: Any, arguments: list[str]) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, b"")
    assert b"Usage:" in err


_EMPTY = [
    (name, item.opts[0] if item.param_type_name == "option" else "")
    for name, command in COMMANDS.items()
    for item in command.params
    if not getattr(item, "is_flag", False) and item.name != "help"
]


@pytest.mark.parametrize(("name", "option"), _EMPTY)
def test_an_empty_word_is_2(call: Any, name: str, option: str) -> None:
    """As a variable leaves it that is not set."""
    needed = ["gitlab" for item in COMMANDS[name].params if item.required and option]
    for words in [[option, ""], [f"{option}="]] if option else [[""]]:
        code, out, err = call(name, *needed, *words)
        assert (code, out) == (2, b"")
        assert b"it is empty" in err


def test_an_unknown_target_is_answered_with_a_suggestion(call: Any) -> None:
    assert b'did you mean "gitlab"?' in call("render", "gitlub")[2]


def test_no_spec_is_2(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").unlink()
    code, out, err = call("render", "gitlab")
    assert (code, out) == (2, b"")
    assert b"no ci-kaniko.yaml here or above" in err


def test_a_spec_that_is_named_and_missing_is_1(call: Any) -> None:
    code, out, err = call("render", "gitlab", "--spec", "other.yaml")
    assert (code, out) == (1, b"")
    assert err.startswith(b"other.yaml: ")


def test_a_bug_is_3_with_a_report(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(layouts, "fill", broken)
    code, out, err = call("render", "gitlab")
    assert (code, out) == (3, b"")
    assert b"ZeroDivisionError" in err
    assert b"please report" in err


# -- formats ----------------------------------------------------------------------------------


def test_text_shows_the_line(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").write_text(WRONG)
    assert call("validate")[2].decode().splitlines()[1:3] == [
        "  2 | push: sometimes",
        "    |       ^^^^^^^^^",
    ]


def test_what_is_wrong_with_many_images_is_once_for_images(call: Any, repository: Path) -> None:
    own = "options: {skip_tls_verify_pull: true}"
    images = [f"  image-{number}: {{{own}}}" for number in range(12)]
    spec = f"{SPEC.replace('shop:', '${image.name}:')}images:\n"
    few, many = ("\n".join([spec[:-1], *images[:count], ""]) for count in (3, 12))
    (repository / "ci-kaniko.yaml").write_text(few, encoding="utf-8")
    text = call("validate", "gitlab")[2].decode()
    assert text.count("[no-effect]") == 1
    assert text.endswith("\n    = also at 6:45 and 7:45\n")
    (repository / "ci-kaniko.yaml").write_text(many, encoding="utf-8")
    assert call("validate", "gitlab")[2].endswith(b" 10:45, 11:45 and 5 more places\n")
    assert len(json.loads(call("validate", "gitlab", "--format", "json")[1])) == 12


def test_json_is_a_list_of_problems(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").write_text(WRONG)
    _, out, err = call("validate", "--format", "json")
    problem = next(item for item in json.loads(out or err) if item["where"] == "push")
    assert problem["message"].startswith('"sometimes" is not one of')
    assert {**problem, "message": "", "hint": ""} == {
        "path": "ci-kaniko.yaml",
        "line": 2,
        "column": 7,
        "where": "push",
        "severity": "error",
        "rule": "bad-choice",
        "message": "",
        "hint": "",
    }


def test_json_is_an_empty_list_when_all_is_fine(call: Any) -> None:
    code, out, _ = call("validate", "--format", "json")
    assert (code, json.loads(out)) == (0, [])


def test_github_annotates(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").write_text(WRONG)
    assert (
        b"::error file=ci-kaniko.yaml,line=2,col=7::" in call("validate", "--format", "github")[1]
    )


# -- warnings ---------------------------------------------------------------------------------


def test_a_warning_does_not_disturb(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").write_text(WARNING, encoding="utf-8")
    code, out, err = call("render", "gitlab")
    assert code == 0
    assert out.startswith(b"# Generated")
    assert b"warning: " in err


@pytest.mark.parametrize("command", [["validate"], ["render", "gitlab"]], ids=" ".join)
def test_strict_makes_warnings_errors(call: Any, repository: Path, command: list[str]) -> None:
    (repository / "ci-kaniko.yaml").write_text(WARNING, encoding="utf-8")
    code, out, err = call(*command, "--strict")
    assert (code, out) == (1, b"")
    assert b"[no-effect]" in err


# -- the spec ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json"])
def test_the_spec_is_found_upward(
    call: Any, repository: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (repository / "ci-kaniko.yaml").unlink()
    text = '{"push": "never"}' if name.endswith("json") else "push: never\n"
    (repository / name).write_text(text)
    below = repository / "services" / "shop"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert call("validate", "github")[:2] == (0, f"../../{name}: fine for github\n".encode())


def test_the_search_stops_at_the_root_of_the_repository(
    call: Any, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = repository / "vendor" / "library"
    (inner / ".git").mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert call("validate")[0] == 2


def test_standard_input(repository: Path) -> None:
    done = run("render", "gitlab", "--spec", "-", text=SPEC.encode())
    assert done.stdout == run("render", "gitlab").stdout
    wrong = run("validate", "--spec", "-", text=WRONG.encode())
    assert wrong.stderr.startswith(b"<stdin>:2:7: ")
    (repository / "out.yml").write_bytes(done.stdout)
    imported = run("import", "-", text=done.stdout)
    assert imported.stdout == run("import", "out.yml").stdout
    assert b"destinations" in imported.stdout
    assert run("import", "-", text=b"\xff").stderr.startswith(b"<stdin>: ")


@pytest.mark.parametrize("command", [["validate", "-f", "-"], ["import", "-"]], ids=" ".join)
def test_standard_input_that_is_closed(repository: Path, command: list[str]) -> None:
    quoted = " ".join(command)
    done = subprocess.run(
        [*tools.shell(), "-c", f'exec "$0" -m ci_kaniko {quoted} <&-', sys.executable],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"ci-kaniko: <stdin>: standard input is closed\n"


@pytest.mark.parametrize("command", [["validate"], ["sync"], ["render", "gitlab"]], ids=" ".join)
def test_a_spec_that_is_a_link_out_of_the_repository(
    call: Any, repository: Path, command: list[str]
) -> None:
    """What it leads to may be anybody's file, and messages quote lines."""
    outside = repository.parent / "theirs"
    outside.write_text("hunter2\n", encoding="utf-8")
    (repository / "ci-kaniko.yaml").unlink()
    (repository / "ci-kaniko.yaml").symlink_to(outside)
    code, out, err = call(*command)
    assert (code, out) == (1, b"")
    assert b"leads out of the repository [not-a-file]" in err
    assert b"hunter2" not in err
    (repository / "inside").write_text("push: never\n", encoding="utf-8")
    (repository / "ci-kaniko.yaml").unlink()
    (repository / "ci-kaniko.yaml").symlink_to("inside")
    assert call("render", "gitlab")[0] == 0


# -- several specs, and no target -----------------------------------------------------------------


def test_every_spec_is_checked(call: Any, repository: Path) -> None:
    (repository / "wrong.yaml").write_text(WRONG)
    (repository / "worse.yaml").write_text("contxt: .\npush: never\n")
    code, out, err = call(
        *("validate", "gitlab", "-f", "wrong.yaml", "-f", "ci-kaniko.yaml"),
        *("--spec=worse.yaml", "-f", "./wrong.yaml"),
    )
    assert (code, out) == (1, b"ci-kaniko.yaml: fine for gitlab\n")
    told = [line for line in err.decode().splitlines() if line.endswith("]")]
    assert [line.partition(":")[0] for line in told] == ["wrong.yaml", "worse.yaml"]
    code, out, _ = call("validate", "-f", "wrong.yaml", "-f", "worse.yaml", "--format", "json")
    assert code == 1
    assert [item["path"] for item in json.loads(out)] == ["wrong.yaml", "worse.yaml"]


@pytest.mark.parametrize("outputs", ["", "outputs: {github: .github/workflows/image.yml}\n"])
def test_native_keys_are_checked_for_every_target(
    call: Any, repository: Path, outputs: str
) -> None:
    """Whoever writes some means their target, whatever the outputs are."""
    sections = "".join(f"{name}: {{extra: {{bogus: 1}}}}\n" for name in NAMES)
    (repository / "ci-kaniko.yaml").write_text(SPEC + sections + outputs, encoding="utf-8")
    code, out, err = call("validate")
    assert (code, out) == (1, b"")
    told = [line for line in err.decode().splitlines() if line.endswith("[unknown-native-key]")]
    assert len(told) == len(NAMES)


def test_without_a_target_all_are_tried(call: Any, repository: Path) -> None:
    (repository / "ci-kaniko.yaml").write_text(SPEC + "gitlab: {stage: build}\n", encoding="utf-8")
    code, out, err = call("validate")
    assert (code, err) == (0, b"")
    assert out.decode().splitlines() == [
        "ci-kaniko.yaml: fine",
        "no target was named, here or under outputs:, so all were tried:",
        "  gitlab      fine",
        "  github      fine",
        "  buildkite   fine",
        (
            "  agola       ci-kaniko.yaml: pushes to the default branch start the job, and agola "
            "does not know its name [missing-default-branch]"
        ),
        (
            "  kubernetes  ci-kaniko.yaml: a Kubernetes manifest must hold these values, and they "
            "are not known: repository.url, commit.sha, branch [missing-value]"
        ),
    ]
    known = ["commit.sha=" + COMMIT, "repository.url=https://github.com/acme/shop", "branch=x"]
    given = [word for value in known for word in ("--set", value)]
    assert call("validate", *given)[1].endswith(b"kubernetes  fine\n")


def test_what_no_target_takes_is_a_problem_of_the_spec(call: Any, repository: Path) -> None:
    text = "default_branch: main\ndestinations: [quay.io/acme/shop:1]\n"
    (repository / "ci-kaniko.yaml").write_text(text)
    code, out, err = call("validate")
    assert (code, out) == (1, b"")
    assert err.count(b"[missing-login]") == 1
    assert json.loads(call("validate", "--format", "json")[1])[0]["rule"] == "missing-login"


@pytest.mark.parametrize(
    ("name", "shown", "job"),
    [
        ("ci/shop.yaml", "ci/shop.yaml; edit that and run: ci-kaniko sync -f ci/shop.yaml", "shop"),
        ("a b.yaml", "a b.yaml; edit that and run: ci-kaniko sync -f 'a b.yaml'", "a-b"),
        ("a\nB: c.yaml", '"a\\nB: c.yaml"; edit that and run: ci-kaniko sync', "a-b-c"),
        ("a\u2028b.yaml", '"a\\u2028b.yaml"; edit that and run: ci-kaniko sync', "a-b"),
        ("ci-kaniko.json", "ci-kaniko.json; edit that and run: ci-kaniko sync", "image"),
        ("ß.yaml", "ß.yaml; edit that and run: ci-kaniko sync -f 'ß.yaml'", "image"),
        (f"{'x' * 50}/ci-kaniko.yaml", f"{'x' * 50}/ci-kaniko.yaml; edit that", "x" * 40),
    ],
)
def test_the_first_line_names_the_spec(
    call: Any, repository: Path, name: str, shown: str, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the root of the repository, whatever the folder; its file or folder names the job."""
    _, text, _ = call("render", "gitlab")
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / "ci-kaniko.yaml").rename(repository / name)
    path = str(repository / name)
    below = repository / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    wanted = f"# Generated by ci-kaniko from {shown}".encode()
    for spec in (path, os.path.relpath(path)):
        first, _, rest = call("render", "gitlab", "-f", spec)[1].partition(b"\n")
        assert first.startswith(wanted)
        assert rest == text.partition(b"\n")[2].replace(b"build-image", f"build-{job}".encode())
    assert repository.exists()


# -- values -----------------------------------------------------------------------------------


def test_set_gives_values(call: Any, repository: Path) -> None:
    text = SPEC.replace("1.0", "${ref.tag}")
    (repository / "ci-kaniko.yaml").write_text(text, encoding="utf-8")
    known = ["commit.sha=" + COMMIT, "repository.url=https://github.com/acme/shop"]
    settings = [word for value in [*known, "tag=v1=2"] for word in ("--set", value)]
    code, out, err = call("render", "kubernetes", *settings)
    assert (code, err) == (0, b"")
    assert b"- --destination=ghcr.io/acme/shop:v1-2\n" in out
    assert f"#refs/tags/v1=2#{COMMIT}".encode() in out


def test_missing_values_are_named_together(call: Any) -> None:
    code, _, err = call("render", "kubernetes")
    assert code == 1
    assert b"not known: commit.sha, branch, repository.url [missing-value]" in err.replace(
        b"repository.url, commit.sha, branch", b"commit.sha, branch, repository.url"
    )


def test_values_where_none_are_taken(call: Any) -> None:
    code, _, err = call("render", "gitlab", "--set", "tag=v1")
    assert code == 1
    assert b"[unused-value]" in err


# -- output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_output_is_utf8_everywhere(repository: Path, environment: dict[str, str]) -> None:
    done = start("render", "gitlab", **environment)
    assert done.returncode == 0, done.stderr
    assert "Größe ✓" in done.stdout.decode("utf-8")
    assert b"\r" not in done.stdout
    (repository / "ci-kaniko.yaml").write_text("push: Größe ✓\n", encoding="utf-8")
    wrong = start("validate", **environment)
    assert wrong.returncode == 1, wrong.stderr
    assert b"Traceback" not in wrong.stderr


def test_a_file_is_written_whole(call: Any, repository: Path) -> None:
    _, printed, _ = call("render", "gitlab")
    assert call("render", "gitlab", "-o", "out.yml") == (0, b"", b"")
    assert (repository / "out.yml").read_bytes() == printed


def test_an_existing_file_keeps_its_mode(call: Any, repository: Path) -> None:
    path = repository / "out.yml"
    path.write_text("old")
    path.chmod(0o640)
    call("render", "gitlab", "-o", "out.yml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_bytes().startswith(b"# Generated")


def test_a_new_file_has_the_usual_mode(call: Any, repository: Path) -> None:
    mask = os.umask(0o027)
    try:
        call("render", "gitlab", "-o", "out.yml")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((repository / "out.yml").stat().st_mode) == 0o640


def test_a_symbolic_link_stays_one(call: Any, repository: Path) -> None:
    (repository / "real.yml").write_text("old")
    (repository / "out.yml").symlink_to("real.yml")
    call("render", "gitlab", "-o", "out.yml")
    assert (repository / "out.yml").is_symlink()
    assert (repository / "real.yml").read_bytes().startswith(b"# Generated")


def test_a_wrong_spec_leaves_the_file_alone(call: Any, repository: Path) -> None:
    (repository / "out.yml").write_text("old")
    (repository / "ci-kaniko.yaml").write_text(WRONG)
    assert call("render", "gitlab", "-o", "out.yml")[0] == 1
    assert (repository / "out.yml").read_text() == "old"


def test_a_crash_while_writing_leaves_the_old_file(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    path = repository / "out.yml"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises((KeyboardInterrupt, OSError)):
        write(str(path), "new")
    assert path.read_text() == "old"
    assert sorted(item.name for item in repository.iterdir()) == [
        ".git",
        "Dockerfile",
        "ci-kaniko.yaml",
        "out.yml",
    ]


def test_missing_folders_are_made(call: Any, repository: Path) -> None:
    _, printed, _ = call("render", "gitlab")
    assert call("render", "gitlab", "-o", "new/er/out.yml") == (0, b"", b"")
    assert (repository / "new/er/out.yml").read_bytes() == printed
    (repository / "out.yml").write_bytes(printed)
    spec = call("import", "out.yml")[1]
    assert call("import", "out.yml", "-o", "imported/spec.yaml")[:2] == (0, b"")
    assert (repository / "imported/spec.yaml").read_bytes() == spec


def test_a_hyphen_is_standard_output(call: Any, repository: Path) -> None:
    printed = call("render", "gitlab")
    assert call("render", "gitlab", "-o", "-") == printed
    (repository / "out.yml").write_bytes(printed[1])
    assert call("import", "out.yml", "-o", "-") == call("import", "out.yml")
    assert not (repository / "-").exists()


@pytest.mark.parametrize("path", ["ci-kaniko.yaml/out.yml", ".git"])
def test_a_file_that_cannot_be_written_is_1(call: Any, path: str) -> None:
    code, out, err = call("render", "gitlab", "-o", path)
    assert (code, out) == (1, b"")
    assert b"Traceback" not in err
    assert err.startswith(b"ci-kaniko: ")
    assert len(err.splitlines()) == 1


# -- streams and signals ----------------------------------------------------------------------


@pytest.mark.parametrize("command", [["explain"], ["render", "gitlab"], ["targets"]], ids=" ".join)
def test_a_reader_that_goes_away(repository: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "ci_kaniko", *command],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_is_1(repository: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ci_kaniko", "explain"],
            env={**os.environ, "PYTHONPATH": PACKAGE},
            cwd=repository,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"No space left on device" in done.stderr


def test_ctrl_c(repository: Path) -> None:
    """The command waits for standard input; a person gives up."""
    waiting = subprocess.Popen(
        [sys.executable, "-c", _ANNOUNCED, "validate", "--spec", "-"],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert waiting.stdout
    assert waiting.stdout.readline() == b"reading\n"
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode in {130, -signal.SIGINT}
    assert b"Traceback" not in out + err


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("atexit.register(interrupt)", 0),
        ("cli.run = lambda words: atexit.register(interrupt)", 0),
        ("cli.run = lambda words: interrupt()", 130),
        ("cli.run = lambda words: Ended()", 0),
        ("cli.run = lambda words: type('A', (), {'a': Named()})", 130),
        ("cli._stop_listening = once(interrupt)", 130),
    ],
)
def test_ctrl_c_at_the_last_moment(repository: Path, moment: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED.format(moment), "explain", "bad-glob"],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (code, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-c", "import atexit; atexit.register(print, 'told'); {}"), "told"),
        (("-c", "from threading import Timer; Timer(0.2, print, ['told']).start(); {}"), "told"),
        (("-m", "cProfile", "-m", "ci_kaniko"), "function calls"),
        (("-m", "trace", "--listfuncs", "--module", "ci_kaniko"), "functions called"),
    ],
    ids=["at exit", "a thread", "a profiler", "a tracer"],
)
def test_who_waits_for_the_end_has_it(repository: Path, words: tuple[str, ...], told: str) -> None:
    started = [word.format("from ci_kaniko.cli.main import main; main()") for word in words]
    done = subprocess.run(
        [sys.executable, *started, "--version"],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ci-kaniko {ci_kaniko.__version__}" in done.stdout
    assert told in done.stdout


@pytest.mark.parametrize("group", [True, False], ids=["as a terminal does", "alone"])
def test_ctrl_c_while_a_rehearsal_starts_what_it_runs_in(repository: Path, *, group: bool) -> None:
    """A terminal interrupts the whole group, so what was started must not speak up either."""
    waiting = subprocess.Popen(
        [sys.executable, "-c", _REHEARSED, "rehearse", "gitlab"],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert waiting.stdout
    assert waiting.stdout.readline() == b"started\n"
    os.kill(-waiting.pid if group else waiting.pid, signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 130
    assert b"Traceback" not in out + err


_REHEARSED = """
import signal, subprocess
signal.signal(signal.SIGINT, signal.default_int_handler)
from ci_kaniko.cli import main as cli
class Announced(subprocess.Popen):
    def __init__(self, words, **options):
        super().__init__(words, **options)
        if "ci_kaniko.rehearsing.launcher" in words:
            print("started", flush=True)
subprocess.Popen = Announced
cli.main()
"""

_INTERRUPTED = """
import atexit, os, re, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ci_kaniko.cli import main as cli
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
class Ended:
    def __del__(self):
        interrupt()
class Named:
    def __set_name__(self, owner, name):
        interrupt()
def once(action):
    calls = iter([action])
    return lambda: next(calls, int)()
{}
cli.main()
"""

_ANNOUNCED = """
import signal, sys
# Python starts without it where the suite runs in the background of a shell.
signal.signal(signal.SIGINT, signal.default_int_handler)
from ci_kaniko.cli import helped
from ci_kaniko.cli import main as cli
from ci_kaniko.spec import loading
class Announced:
    def read(self, size):
        print("reading", flush=True)
        return original.read(size)
original = sys.stdin.buffer
class Stdin:
    buffer = Announced()
sys.stdin = Stdin()
cli.main()
"""


FORMS = """\
push: never
default_branch: main
images: {api: {}, web: {github: {form: reusable}}}
"""
FILES = """\
outputs:
  github:
    - {path: .github/workflows/api.yml, only: [api]}
    - {path: .github/workflows/web.yml, only: [web]}
"""


def test_validate_checks_each_output_by_itself(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("Dockerfile", "FROM scratch\n")
    repository.write("ci-kaniko.yaml", FORMS + FILES)
    assert repository.call("validate").code == 0
    assert repository.call("validate", "github").code == 0
    assert repository.call("sync").code == 0
    repository.write("ci-kaniko.yaml", f"{FORMS}outputs: {{github: .github/workflows/all.yml}}\n")
    assert "[several-forms]" in repository.call("validate").err
    repository.write("ci-kaniko.yaml", FORMS)
    assert "[several-forms]" in repository.call("validate", "github").err


FOLLOWED = {
    "ghcr.io/acme/shop:1": (
        "ci-token",
        "{default: {username: NAME, password: NAME_OF_A_SECRET}, github: ci-token}",
    ),
    "ghcr.io/acme/shop:2": (
        "{gitlab: ci-token}",
        "{gitlab: {username: NAME, password: NAME_OF_A_SECRET}}",
    ),
}


@pytest.mark.parametrize("image", FOLLOWED)
def test_a_hint_keeps_the_logins_that_work(tmp_path: Path, image: str) -> None:
    repository = Repository(tmp_path)
    repository.write("Dockerfile", "FROM scratch\n")
    written, followed = FOLLOWED[image]
    spec = f"destinations: ['{image}']\ndefault_branch: main\nregistries: {{ghcr.io: "
    repository.write("ci-kaniko.yaml", f"{spec}{written}}}\n")
    told = repository.call("validate", "gitlab").err
    assert followed.removeprefix("{gitlab: ").removesuffix("}}") in told
    repository.write("ci-kaniko.yaml", f"{spec}{followed}}}\n")
    assert repository.call("validate", "gitlab", "github").code == 0


@pytest.mark.parametrize("word", ["date", "semver", "sha", "ref", "pr", "build"])
def test_a_hint_about_a_variable_of_a_tag_works(tmp_path: Path, word: str) -> None:
    repository = Repository(tmp_path)
    repository.write("Dockerfile", "FROM scratch\n")
    spec = "registries: {ghcr.io: {username: a, password: T}}\ndestinations: "
    repository.write("ci-kaniko.yaml", f"{spec}['ghcr.io/acme/shop:x-${{{word}}}']\n")
    told = repository.call("validate", "gitlab").err
    better = re.findall(r"\$\{[a-z._]+\}", told.split("did you mean")[1])[-1]
    repository.write("ci-kaniko.yaml", f"{spec}['ghcr.io/acme/shop:x-{better}']\n")
    assert repository.call("validate", "gitlab").code == 0
