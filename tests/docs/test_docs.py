"""The documentation tells the truth: what it shows is run, what is generated is current."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import textwrap
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.cli.commands import app
from ci_kaniko.kaniko.flags import FLAGS, RESERVED
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.spec.origins import annotated
from harness import tools
from harness.cases import ROOT
from harness.models import every_field
from harness.repository import PACKAGE
from harness.yaml12 import read
from make import api, matrix, pages, rooms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "docs"
MADE = {"commands.md", "matrix.md", "rules.md", "seeds.md", "spec.md"}
"""Pages that nobody writes."""
WRITTEN = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*ROOT.glob("*.md"), *sorted(DOCS.glob("*.md")))
    if path.name not in {*MADE, "CHANGELOG.md"}
}
ARCHITECTURE = WRITTEN["docs/architecture.md"]
PAGES = {
    **WRITTEN,
    **{f"docs/{name}": (pages.folder(name) / name).read_text("utf-8") for name in pages.PAGES},
}
FIRST_COMMANDS = [
    "python3 -m pip install . && python3 -m ci_kaniko render gitlab",
    "python3 -m pip install -e '.[test]' && python3 -m pytest",
]
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]


HOME = WRITTEN["docs/index.md"]
ORIGINS = {
    "README.md": "https://gitlab.com/acme/shop.git",
    "docs/tutorial.md": "git@github.com:acme/shop.git",
}
"""Where the repositories come from in which pages let people type."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def shown(pattern: str) -> list[tuple[str, str]]:
    """What stands in backquotes on the first page, and the block that follows it."""
    return re.findall(rf"(?ms)^{pattern}\n\n```\w+\n(.*?)^```$", HOME)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Dockerfile and what the first page shows; ``ci-kaniko`` is a command."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    for name, text in shown(r"`([\w-]+\.yaml)`:"):
        (tmp_path / name).write_bytes(text.encode())
    command = tmp_path / "bin" / "ci-kaniko"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ci_kaniko "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", PACKAGE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Ann")
        monkeypatch.setenv(f"{name}_EMAIL", "ann@example.com")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(script: str) -> str:
    done = subprocess.run(
        [*tools.shell("bash"), "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode()


def test_readme_has_its_two_commands_first() -> None:
    found = re.findall(r"(?ms)^```(?:sh|console)\n(.*?)^```$", README)
    assert found[:2] == [f"{command}\n" for command in FIRST_COMMANDS]
    assert README.count("\n") <= 120


def test_readme_shows_a_spec_beside_what_it_becomes() -> None:
    spec, rendered = blocks(README, "yaml")[:2]
    assert rendering.render(ci_kaniko.loads(spec), "gitlab") == rendered


@pytest.mark.usefixtures("folder")
def test_the_first_page_shows_what_commands_print() -> None:
    examples = shown(r"`(ci-kaniko [^`]+)` prints:")
    assert examples
    for command, output in examples:
        assert run(command) == output, command


@pytest.mark.parametrize("page", [name for name, text in WRITTEN.items() if "```console" in text])
def test_pages_show_what_a_terminal_shows(folder: Path, page: str) -> None:
    """A reader writes each file that a page shows below its name, and types all that it types."""
    tools.program("bash")
    run("rm *.yaml && git init --quiet --initial-branch=main")
    run(f"git remote add origin {ORIGINS.get(page, 'https://example.com/shop.git')}")
    for name, language, block in re.findall(
        r"(?ms)(?:^`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```$", WRITTEN[page]
    ):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block, encoding="utf-8")
        if language == "console":
            typed = [line[2:] for line in block.splitlines() if line[:2] == "$ "]
            lines = [line for line in block.splitlines(keepends=True) if line[:2] != "$ "]
            assert run("\n".join(typed)) == "".join(lines), typed


@pytest.mark.usefixtures("folder")
def test_the_first_page_shows_what_python_says() -> None:
    """The session goes on after the block that shows the same on the command line."""
    examples = "\n".join(blocks(HOME, "pycon"))
    test = doctest.DocTestParser().get_doctest(examples, {}, "index.md", None, 0)
    assert test.examples
    assert not doctest.DocTestRunner().run(test, clear_globs=False).failed
    assert (
        dict(shown(r"`(ci-kaniko [^`]+)` prints:"))["ci-kaniko render gitlab"]
        == (test.globs["text"])
    )


def test_the_page_on_python_shows_what_python_says(folder: Path) -> None:
    for name in ("api", "web"):
        (folder / "repos" / name / ".git").mkdir(parents=True)
    (folder / "repos" / "api" / "Dockerfile").write_text("FROM scratch\n")
    written = PAGES["docs/api.md"].partition("\n## Functions\n")[0]
    page = "\n".join(blocks(written, "pycon"))
    test = doctest.DocTestParser().get_doctest(page, {}, "api.md", None, 0)
    assert len([example for example in test.examples if example.want]) > 2
    assert not doctest.DocTestRunner().run(test).failed


def test_every_public_name_is_on_the_page_on_python() -> None:
    assert api.undocumented() == set()
    table = set(re.findall(r"(?m)^\| `(\w+)` \| `\w+\(", PAGES["docs/api.md"]))
    assert (
        table | {"explain", "schema", "init", "pin", "rehearse", "show", "completion"}
        >= COMMANDS.keys()
    )


def test_architecture_shows_what_python_says() -> None:
    found = re.findall(r"(?ms)^    ```pycon\n(.*?)^    ```$", ARCHITECTURE)
    page = textwrap.dedent("\n".join(found))
    test = doctest.DocTestParser().get_doctest(page, {}, "architecture.md", None, 0)
    assert len([example for example in test.examples if example.want]) > 2
    assert not doctest.DocTestRunner().run(test).failed


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_path_is_there(page: str) -> None:
    """A path starts at the repository, at the package or at its targets."""
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", WRITTEN[page])
    quoted = [word for span in re.findall(r"`([^`]+)`", prose) for word in span.split()]
    paths = [word for word in quoted if re.fullmatch(r"[\w.-]+(/[\w.-]*)+", word)]
    starts = (ROOT, ROOT / "src" / "ci_kaniko", ROOT / "src" / "ci_kaniko" / "targets")
    there = {path for path in paths if any((start / path).exists() for start in starts)}
    assert there
    assert [path for path in paths if path not in there and "NAME" not in path] == []


def test_every_word_of_the_glossary_is_used() -> None:
    """A word that neither code nor messages have belongs in no glossary."""
    glossary = ARCHITECTURE.partition("## Words\n")[2]
    words = [
        word for row in re.findall(r"(?m)^\| ([a-z, ]+) \|", glossary) for word in row.split(", ")
    ]
    text = "\n".join(rooms.read_sources().values()).lower().replace("_", " ")
    assert len(words) > 20
    assert [word for word in words if word not in text] == []


def test_a_spec_over_a_package_is_as_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a base and a spec: what show prints, and whom the rules stop."""
    page = WRITTEN["docs/fleet.md"]
    base, spec, rules = blocks(page, "yaml")
    (folder / "site" / "fleet").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / "site")
    (folder / "ci-kaniko.yaml").write_text(spec)
    (folder / "site" / "fleet" / "base.yaml").write_text(base)
    merged = ci_kaniko.load("ci-kaniko.yaml")
    assert [annotated(merged.source)] == blocks(page, "text") if merged.source else False
    (folder / "site" / "fleet" / "base.yaml").write_text(base + rules)
    with pytest.raises(ci_kaniko.SpecError) as caught:
        ci_kaniko.load("ci-kaniko.yaml")
    found = {problem.rule for problem in caught.value.problems}
    assert found == {"pinned-images", "allowed-registries"}
    (outputs,) = re.findall(r"`(outputs: \{.+?\})`", page)
    (folder / "ci-kaniko.yaml").write_text(f"{spec}{outputs}\n")
    with pytest.raises(ci_kaniko.SpecError) as caught:
        ci_kaniko.load("ci-kaniko.yaml")
    assert {problem.rule for problem in caught.value.problems} == {"pinned-images"}


SPECS_OF_PIPELINES = [
    block if "destinations:" in block else f"default_branch: main\npush: never\n{block}"
    for block in blocks(WRITTEN["docs/pipelines.md"], "yaml")
    if not block.startswith("# .")
]


def test_pipelines_says_where_a_digest_is() -> None:
    page = WRITTEN["docs/pipelines.md"]
    (text,) = [text for text in SPECS_OF_PIPELINES if text.startswith("digest: true")]
    image = "images: {api: {}, web: {destinations: ['ghcr.io/acme/web:1']}}"
    several = ci_kaniko.loads(f"default_branch: main\n{text}{image}")
    one = ci_kaniko.loads(f"default_branch: main\n{text}")
    for target, places in {
        "gitlab": ("IMAGE_DIGEST", "API_DIGEST"),
        "github": ("image", "build-api"),
        "buildkite": ("build-image:digest", "build-api:digest"),
        "agola": ("digest/build-image", "digest/build-api"),
    }.items():
        for spec, place in zip((one, several), places, strict=True):
            assert place in rendering.render(spec, target)
            assert place.replace("digest/", "digests/") in page


@pytest.mark.parametrize("ci", ["gitlab-ci.yml", "buildkite/pipeline.yml"])
def test_recipes_of_pipelines_render(folder: Path, ci: str) -> None:
    """The scripts run, with programs that do nothing for those that a CI brings."""
    (block,) = [
        block
        for block in blocks(WRITTEN["docs/pipelines.md"], "yaml")
        if block.startswith(f"# .{ci}")
    ]
    document = yaml11.load(block)
    if "steps" in document:
        script = document["steps"][0]["command"].replace("$$", "$")
        script = script.replace("/workspace/buildkite-agent pipeline upload", "cat")
    else:
        script = "\n".join(document["plan-images"]["script"]) + "\ncat images.yml"
    (folder / "ci-kaniko.yaml").write_text("push: never\ncontext: app\n")
    said = run(f"""\
set -e
pip() {{ :; }}
commit() {{ git -c user.name=a -c user.email=a@example.com commit --quiet --allow-empty -m x; }}
plan() {{
  BUILDKITE_PIPELINE_DEFAULT_BRANCH=main BUILDKITE_BRANCH=main
  CI_MERGE_REQUEST_DIFF_BASE_SHA= CI_COMMIT_BEFORE_SHA=$(git rev-parse HEAD~1)
  {script}
}}
git init --quiet --initial-branch=main
commit && git add ci-kaniko.yaml && commit && commit && plan
mkdir app && touch app/x && git add app && commit && echo AFTER && plan
""")
    before, _, after = said.partition("AFTER\n")
    assert "the image has not changed since" in before
    assert "nothing-to-build:" in before or "steps: []" in before
    assert "build-image" in after
    assert "build-image" not in before


def test_every_exit_code_is_named() -> None:
    assert re.findall(r"(?m)^\| (\d) \|", WRITTEN["docs/wrong.md"]) == ["0", "1", "2", "3"]


def options() -> Iterator[tuple[str, Any]]:
    for name, command in COMMANDS.items():
        for item in command.params:
            if item.name != "help":
                yield name, item


def test_every_option_is_documented() -> None:
    page = PAGES["docs/commands.md"]
    for command, item in options():
        section = page.partition(f"## {command}\n")[2].partition("\n## ")[0]
        for name in item.opts if item.param_type_name == "option" else [item.metavar or "TARGET"]:
            assert name in section, (command, name)


@pytest.mark.parametrize("name", pages.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    kept = (pages.folder(name) / name).read_bytes().decode()
    if name == "rehearse.svg":
        tools.program("bash")
    assert pages.PAGES[name]() == kept, "run: python3 docs/make"


def test_the_generator_writes_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: partial("# {}\n".format, name) for name in pages.PAGES}
    monkeypatch.setattr(pages, "PAGES", made)
    pages.main(["--into", str(tmp_path)])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        name: f"# {name}\n" for name in made
    }


def test_each_trouble_has_a_rule_or_a_command_that_finds_it() -> None:
    page = WRITTEN["docs/troubleshooting.md"]
    rows = re.findall(r"(?m)^\| (?!---|What you see|What to write)(.+) \| (.+) \|$", page)
    assert len(rows) == len(re.findall(r"(?m)^\|", page)) - 2 * page.count("\n## ")
    for seen, finds in rows:
        rules = re.findall(r"\[([\w-]+)\]\(rules\.md#([\w-]+)\)", finds)
        commands = re.findall(r"`ci-kaniko (\w+)", finds)
        assert rules or commands, seen
        assert all(name == anchor for name, anchor in rules), seen
        assert {*commands} <= COMMANDS.keys(), seen
    faults = re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page)
    assert faults
    assert all(f"| `{fault}` |" in PAGES["docs/rules.md"] for fault in faults)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"`[^`\n]*`", "", PAGES[page])
    for target in re.findall(r"\]\((?!https://)([^)]+)\)", text) if page.endswith(".md") else ():
        path, _, anchor = target.partition("#")
        file = f"{page.rpartition('/')[0]}/{path}".lstrip("/") if path else page
        assert (ROOT / file).exists(), target
        if anchor:
            assert anchor in anchors(PAGES[file]), target


def anchors(text: str) -> set[str]:
    """The names that GitHub gives headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_field_and_model_is_in_the_reference() -> None:
    page = PAGES["docs/spec.md"]
    for field in every_field():
        if field.model.__name__ == "SecretText":
            continue
        section = page.partition(f"## {field.model.__name__}\n")[2].partition("\n## ")[0]
        assert f"| `{field.name}` |" in section, str(field)


def test_shown_examples_are_yaml_for_what_they_mean() -> None:
    for field in every_field():
        for example in field.info.examples or ():
            assert read(pages.flow(example)) == example


def test_every_flag_has_a_field_or_a_reason() -> None:
    rows = [
        line.split(" | ") for line in PAGES["docs/matrix.md"].splitlines() if line[:5] == "| `--"
    ]
    named = {row[0].strip("| `"): row[1] for row in rows}
    assert {f"--{flag}" for flag in FLAGS} == {name for name in named if "=" not in name}
    for flag, field in named.items():
        assert field.startswith("`") or flag.removeprefix("--") in RESERVED, flag


@pytest.mark.parametrize("title", matrix.REFUSALS)
def test_what_the_matrix_calls_refused_is_refused_somewhere(title: str) -> None:
    assert f"| {title} |" in PAGES["docs/matrix.md"]


def test_pages_are_tidy() -> None:
    for name, text in WRITTEN.items():
        prose = re.sub(r"(?ms)^```.*?^```$", "", text)
        assert text.endswith("\n"), name
        assert not re.search(r"[ \t]$", text, re.MULTILINE), name
        long = [line for line in prose.splitlines() if len(line) > 100 and "|" not in line]
        assert not long, name
