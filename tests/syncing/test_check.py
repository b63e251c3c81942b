"""check: what differs and where, for people and machines, without touching anything."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.kaniko.pins import CHECKOUT_ACTION, CHECKOUT_VERSION
from ci_kaniko.rehearsing import yaml11
from harness import tools
from harness.cases import ROOT
from harness.repository import HEADER, SPEC, Repository
from harness.terminal import everything
from harness.validators import VALIDATORS
from harness.yaml12 import read

if TYPE_CHECKING:
    from pathlib import Path

OUTPUT = ".gitlab-ci.yml"
WARNING = f"{SPEC}options: {{skip_tls_verify_pull: true}}\noutputs: {{gitlab: {OUTPUT}}}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.spec()
    repository.write(OUTPUT, expected())
    return repository


def expected(target: str = "gitlab") -> str:
    return rendering.render(ci_kaniko.loads(SPEC), target)


def changed(repository: Repository) -> int:
    """Change one line of the output; its number."""
    lines = expected().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines, start=1) if "acme-bot" in line)
    lines[number - 1] = "        auth=mine\n"
    repository.write(OUTPUT, "".join(lines))
    return number


# -- in sync ----------------------------------------------------------------------------------


def test_in_sync_is_0_and_silent(repository: Repository) -> None:
    assert repository.call("check") == (0, "", "")
    assert repository.call("check", "--format", "json") == (0, "[]\n", "")
    assert repository.call("check", "--format", "github") == (0, "", "")


def test_nothing_is_ever_written(repository: Repository) -> None:
    commands = [
        ["check"],
        ["check", "--format", "json"],
        ["check", "--strict"],
        ["check", "gitlab"],
    ]
    states = [expected(), HEADER, "theirs: true\n", expected().replace("\n", "\r\n"), None]
    for text in states:
        path = repository.write(OUTPUT, text or "")
        if text is None:
            path.unlink()
        before = repository.stamps()
        for command in commands:
            repository.call(*command)
        assert repository.stamps() == before


# -- drift ------------------------------------------------------------------------------------


def test_drift_is_1_with_a_diff(repository: Repository) -> None:
    number = changed(repository)
    lines = expected().splitlines()
    code, out, err = repository.call("check")
    assert code == 1
    context = [f" {line}" for line in lines[number - 4 : number - 1]]
    below = [f" {line}" for line in lines[number : number + 3]]
    assert out.splitlines() == [
        f"--- {OUTPUT}",
        f"+++ {OUTPUT} (rendered)",
        f"@@ -{number - 3},7 +{number - 3},7 @@",
        *context,
        "-        auth=mine",
        f"+{lines[number - 1]}",
        *below,
    ]
    assert err == (
        f"{OUTPUT}:{number}:1: out of date with ci-kaniko.yaml [drift]\n"
        "hint: ci-kaniko sync gitlab\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "hunk"),
    [
        (expected().rstrip("\n"), "last", ["\\ No newline at end of file"]),
        (expected() + "\n", "after", ["-"]),
        (expected() + "more", "after", ["-more", "\\ No newline at end of file"]),
        ("\ufeff" + expected(), "first", [f"-\ufeff{HEADER.rstrip()}", f"+{HEADER.rstrip()}"]),
        (expected().replace("\n", "\r", 2), "first", [f"+{HEADER.rstrip()}"]),
        ("", "first", [f"+{HEADER.rstrip()}"]),
        (HEADER, "second", ["+build-image:"]),
    ],
    ids=["no-newline", "blank-line", "more", "bom", "lone-cr", "empty", "header"],
)
def test_every_difference_shows(
    repository: Repository, text: str, line: str, hunk: list[str]
) -> None:
    repository.write(OUTPUT, text)
    last = len(expected().splitlines())
    number = {"first": 1, "second": 2, "last": last, "after": last + 1}[line]
    code, out, err = repository.call("check")
    assert code == 1
    assert err.startswith(f"{OUTPUT}:{number}:1: ")
    assert not set(hunk) - set(out.split("\n"))


def test_crlf_is_no_difference_even_in_a_diff(repository: Repository) -> None:
    number = changed(repository)
    repository.write(OUTPUT, repository.text(OUTPUT).replace("\n", "\r\n"))
    code, out, err = repository.call("check")
    assert code == 1
    assert err.startswith(f"{OUTPUT}:{number}:1: ")
    assert [line for line in out.splitlines()[2:] if line[0] in "+-"] == [
        "-        auth=mine",
        f"+{expected().splitlines()[number - 1]}",
    ]


def test_a_missing_file(repository: Repository) -> None:
    (repository.folder / OUTPUT).unlink()
    code, out, err = repository.call("check")
    assert code == 1
    assert err == (
        f"{OUTPUT}: missing; ci-kaniko.yaml asks for it [drift]\nhint: ci-kaniko sync gitlab\n"
    )
    assert out.startswith(f"--- /dev/null\n+++ {OUTPUT} (rendered)\n@@ -0,0 +1,")
    assert not (repository.folder / OUTPUT).exists()


def test_a_diff_shows_no_credential_and_nothing_that_a_terminal_obeys(
    repository: Repository,
) -> None:
    token = "glpat-" + "0123456789abcdef0123"
    repository.write(OUTPUT, f"{HEADER}\x1b[2J\nkey: {token}\n".encode() + b"\xff\n")
    code, out, err = repository.call("check")
    assert code == 1
    assert "\x1b" not in out + err
    assert token not in out + err
    assert f"-key: {'*' * len(token)}" in out.splitlines()
    assert "-\ufffd[2J" in out.splitlines()


@pytest.mark.parametrize(
    ("kind", "asked", "coloured"),
    [
        ("terminal", {}, True),
        ("pipe", {}, False),
        ("terminal", {"NO_COLOR": "1"}, False),
        ("terminal", {"TERM": "dumb"}, False),
        ("pipe", {"FORCE_COLOR": "1"}, True),
        ("pipe", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("pipe", {"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_are_for_terminals_and_for_those_who_ask(
    repository: Repository, kind: str, asked: dict[str, str], *, coloured: bool
) -> None:
    changed(repository)
    shown, writer = os.pipe() if kind == "pipe" else pty.openpty()
    plain = {"NO_COLOR": "", "FORCE_COLOR": "", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ci_kaniko", "check"],
        cwd=repository.folder,
        env=repository.environment(**plain | asked),
        stdout=writer,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    out = everything(shown)
    assert process.wait() == 1
    assert b"-        auth=mine" in out
    assert (b"\x1b[31m-        auth=mine\x1b[0m" in out) == coloured
    assert (b"\x1b[32m+        auth=" in out) == coloured
    assert (b"\x1b" in out) == coloured


# -- machines ---------------------------------------------------------------------------------


def test_one_line_for_each_problem(repository: Repository) -> None:
    number = changed(repository)
    code, out, err = repository.call("check", "--format", "concise")
    assert (code, err) == (1, "")
    assert out == f"{OUTPUT}:{number}:1: out of date with ci-kaniko.yaml [drift]\n"
    repository.write("ci-kaniko.yaml", "puhs: never\ndestinations: [shop]\n")
    for command in ("check", "validate", "sync"):
        code, out, err = repository.call(command, "--format", "concise")
        assert (code, err) == (1, "")
        first, *others = out.splitlines()
        assert first == 'ci-kaniko.yaml:1:1: unknown key "puhs" [unknown-key]'
        assert all(re.fullmatch(r"ci-kaniko\.yaml:2:\d+: .+ \[[\w-]+\]", one) for one in others)


def test_json(repository: Repository) -> None:
    number = changed(repository)
    code, out, err = repository.call("check", "--format", "json")
    assert (code, err) == (1, "")
    assert json.loads(out) == [
        {
            "path": OUTPUT,
            "line": number,
            "column": 1,
            "where": "",
            "severity": "error",
            "rule": "drift",
            "message": "out of date with ci-kaniko.yaml",
            "hint": "ci-kaniko sync gitlab",
        }
    ]


def test_github_annotates_the_line_of_the_output(repository: Repository) -> None:
    number = changed(repository)
    repository.spec("{gitlab: .gitlab-ci.yml, buildkite: 'a,b: c.yml'}")
    code, out, err = repository.call("check", "--format", "github")
    assert (code, err) == (1, "")
    assert out == (
        f"::error file={OUTPUT},line={number},col=1::out of date with ci-kaniko.yaml [drift]"
        "%0Ahint: ci-kaniko sync gitlab\n"
        "::error file=a%2Cb%3A c.yml::missing; ci-kaniko.yaml asks for it [drift]"
        "%0Ahint: ci-kaniko sync buildkite\n"
    )


# -- several specs, several problems ----------------------------------------------------------


def test_drift_and_errors_are_reported_together(repository: Repository) -> None:
    number = changed(repository)
    repository.spec("{gitlab: b.yml, buildkite: folder}", "two.yaml")
    repository.write("three.yaml", "push: sometimes\n")
    (repository.folder / "folder").mkdir()
    specs = [word for name in ("ci-kaniko", "two", "three") for word in ("-f", f"{name}.yaml")]
    code, out, err = repository.call("check", *specs)
    assert code == 1
    assert '"folder" is a folder [bad-path]' in err
    assert "three.yaml:1:7: " in err
    assert f"{OUTPUT}:{number}:1: out of date with ci-kaniko.yaml [drift]" in err
    assert "hint: ci-kaniko sync -f ci-kaniko.yaml gitlab\n" in err
    assert "b.yml: missing; two.yaml asks for it [drift]" in err
    assert "hint: ci-kaniko sync -f two.yaml gitlab\n" in err
    assert out.count("\n+++ ") + out.startswith("+++ ") == 2
    code, out, err = repository.call("check", *specs, "--format", "json")
    assert (code, err) == (1, "")
    rules = [item["rule"] for item in json.loads(out)]
    assert (rules[0], rules[-2:]) == ("bad-path", ["drift", "drift"])
    assert "bad-choice" in rules
    code, out, err = repository.call("check", *specs, "--format", "github")
    assert (code, err, len(out.splitlines())) == (1, "", len(rules))


def test_paths_start_where_the_command_runs(repository: Repository) -> None:
    """Specs and outputs alike, in text, diff and JSON; GitHub counts from the repository."""
    (repository.folder / "below").mkdir()
    changed(repository)
    _, out, err = repository.call("check", below="below")
    assert err.startswith(f"../{OUTPUT}:")
    assert " out of date with ../ci-kaniko.yaml [drift]" in err
    assert out.splitlines()[:2] == [f"--- ../{OUTPUT}", f"+++ ../{OUTPUT} (rendered)"]
    (problem,) = json.loads(repository.call("check", "--format", "json", below="below").out)
    assert problem["path"] == f"../{OUTPUT}"
    annotated = repository.call("check", "--format", "github", below="below").out
    assert annotated.startswith(f"::error file={OUTPUT},line=")
    repository.write(OUTPUT, "theirs: true\n")
    repository.write("ci-kaniko.yaml", "push: sometimes\n")
    assert (
        "file=ci-kaniko.yaml,line=1"
        in repository.call("validate", "--format", "github", below="below").out
    )


def test_a_spec_from_standard_input(repository: Repository) -> None:
    """It is one of the repository in which the command runs."""
    spec = repository.text("ci-kaniko.yaml").encode()
    (repository.folder / "ci-kaniko.yaml").unlink()
    (repository.folder / "below").mkdir()
    assert repository.run("check", "-f", "-", text=spec, below="below") == (0, "", "")
    changed(repository)
    code, _, err = repository.run("check", "-f", "-", text=spec)
    assert (code, err.splitlines()[-1]) == (1, "hint: ci-kaniko sync -f - writes it")
    assert repository.run("sync", "-f", "-", text=spec, below="below").code == 0
    assert repository.text(OUTPUT) == expected()
    assert not list(repository.cache.iterdir())


def test_the_hint_can_be_pasted(repository: Repository) -> None:
    repository.spec("{gitlab: b.yml}", "my specs/it's.yaml")
    err = repository.call("check", "-f", "my specs/it's.yaml").err
    command = err.splitlines()[-1].removeprefix("hint: ci-kaniko ")
    done = subprocess.run(
        [*tools.shell(), "-c", f'"$0" -m ci_kaniko {command}', sys.executable],
        cwd=repository.folder,
        env=repository.environment(),
        check=False,
    )
    assert done.returncode == 0
    first, *rest = repository.text("b.yml").splitlines(keepends=True)
    assert first == (
        "# Generated by ci-kaniko from my specs/it's.yaml; edit that and run: "
        """ci-kaniko sync -f 'my specs/it'"'"'s.yaml'\n"""
    )
    assert rest == expected().replace("build-image:", "build-it-s:").splitlines(keepends=True)[1:]
    named = first.partition("run: ci-kaniko ")[2].replace("sync", "check")
    assert (
        subprocess.run(
            [*tools.shell(), "-c", f'"$0" -m ci_kaniko {named}', sys.executable],
            cwd=repository.folder,
            env=repository.environment(),
            check=False,
        ).returncode
        == 0
    )


def test_warnings_are_shown_and_are_errors_only_when_strict(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", WARNING)
    assert "[no-effect]" in repository.call("sync").err
    code, out, err = repository.call("check")
    assert (code, out) == (0, "")
    assert "[no-effect]" in err
    assert repository.call("check", "--strict").code == 1
    assert repository.call("sync", "--strict").code == 1
    code, out, err = repository.call("check", "--format", "json")
    assert (code, err) == (0, "")
    assert [item["severity"] for item in json.loads(out)] == ["warning"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "gitlub"], 2),
        (["check", "--format", "xml"], 2),
        (["check", "agola"], 1),
        (["check", "-f", "missing.yaml"], 1),
        (["check", "gitlab"], 0),
        (["check", "-f", "./ci-kaniko.yaml"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes(repository: Repository, arguments: list[str], code: int) -> None:
    assert repository.call(*arguments).code == code


def test_without_a_spec(tmp_path: Path) -> None:
    assert Repository(tmp_path).call("check").code == 2


# -- docs/in-sync.md --------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "in-sync.md").read_text(encoding="utf-8")
FILES = {
    path: text
    for path, text in re.findall(r"(?ms)^```yaml\n# (\S+)\n(.*?)^```$", PAGE)
    if not path.endswith("plugin.yml")
}
"""What the page shows, without the plugin, which ``test_in_ci`` runs."""
STEPS = {
    "check.gitlab-ci.yml": "gitlab",
    ".github/workflows/check.yml": "github",
    ".buildkite/check.yml": "buildkite",
    ".agola/config.yml": "agola",
    "check.yaml": "kubernetes",
}
PLUGIN = (".buildkite/plugins/ci-kaniko/plugin.yml", ".buildkite/check-by-plugin.yml")
"""The step of Buildkite once more, by a plugin: ``test_in_ci.py`` runs it."""


def test_every_target_has_a_step_that_checks() -> None:
    assert [path for path in FILES if path not in PLUGIN] == list(STEPS)
    assert set(STEPS.values()) == set(ci_kaniko.available_targets())
    for text in (FILES[path] for path in STEPS):
        assert "ci-kaniko check" in text
        assert read(text) == yaml.load(text, yaml.CSafeLoader)


@pytest.mark.parametrize(
    ("path", "validator"),
    [
        (path, name)
        for path, target in STEPS.items()
        for name in VALIDATORS[target]
        if name != "shellcheck"
    ],
)
def test_a_step_that_checks_is_valid(path: str, validator: str, tmp_path: Path) -> None:
    file = tmp_path / path.rpartition("/")[2]
    file.write_text(FILES[path], encoding="utf-8")
    assert not VALIDATORS[STEPS[path]][validator]([file])


def test_the_page_names_this_release_and_these_hooks() -> None:
    version = ci_kaniko.__version__
    assert set(re.findall(r"ci-kaniko==([\d.]+[0-9])", PAGE)) == {version}
    assert re.findall(r"(?m)^    rev: (\S+)$", PAGE) == [f"v{version}"]
    hooks = yaml11.load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in hooks} <= set(re.findall(r"ci-kaniko-(?:sync|check)", PAGE))
    assert f"{CHECKOUT_ACTION} # {CHECKOUT_VERSION}" in PAGE
