"""A repository's own templates stand in the place of ours, and what they make is judged as ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing import yaml11
from harness.cases import ROOT
from harness.repository import Repository, git

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "push: never\ndefault_branch: main\n"
SPEC = f"{PLAIN}templates: ci\noutputs: {{gitlab: .gitlab-ci.yml}}\n"
NAMED = "# Our own layout.\n"


def ours(target: str) -> str:
    return (ROOT / "templates" / f"{target}.yml.j2").read_text(encoding="utf-8")


def changed(target: str = "gitlab") -> str:
    """Our template with a comment below its first line."""
    return ours(target).replace("<%= header %>\n", f"<%= header %>\n{NAMED}", 1)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", SPEC)
    repository.write("Dockerfile", "FROM scratch\n")
    repository.write("ci/gitlab.yml.j2", changed())
    return repository


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "agola", "kubernetes"])
def test_a_template_says_the_same_in_its_own_layout(repository: Repository, target: str) -> None:
    words = ["render", target]
    if target == "kubernetes":
        values = ("1" * 40, "main", "https://github.com/acme/shop")
        names = ("commit.sha", "branch", "repository.url")
        words += [f"--set={name}={value}" for name, value in zip(names, values, strict=True)]
    repository.write("ci-kaniko.yaml", PLAIN)
    before = repository.call(*words)
    repository.write("ci-kaniko.yaml", SPEC)
    assert target == "gitlab" or repository.call(*words) == before, "it is for another target"
    repository.write(f"ci/{target}.yml.j2", changed(target))
    after = repository.call(*words)
    assert NAMED in after.out, after.err
    assert after.out.replace(NAMED, "", 1) == before.out


def test_a_template_takes_from_others_beside_it(repository: Repository) -> None:
    repository.write("ci/gitlab.yml.j2", changed().replace(NAMED, '<% include "top.j2" %>\n'))
    repository.write("ci/top.j2", "<% if jobs %>\n# <%= jobs | length %> job\n<% endif %>")
    assert repository.call("render", "gitlab").out.splitlines()[1] == "# 1 job"


def test_several_images_and_merged_files_have_it(repository: Repository) -> None:
    text = SPEC.replace("{gitlab: .gitlab-ci.yml}", "{gitlab: {path: own.yml, mode: merge}}")
    repository.write("ci-kaniko.yaml", f"{text}images: {{api: {{}}, web: {{}}}}\n")
    repository.write("ci/gitlab.yml.j2", ours("gitlab").replace("entrypoint: [", "entrypoint:  ["))
    repository.write("own.yml", "test: {script: [make test]}\n")
    assert repository.call("sync").code == 0
    assert repository.text("own.yml").count('entrypoint:  [""]') == 1
    repository.write("ci-kaniko.yaml", f"{PLAIN}images: {{api: {{templates: ci}}}}\n")
    assert '"templates" is for the whole spec' in repository.call("validate").err


def test_what_follows_a_template_is_kept_in_sync(repository: Repository) -> None:
    """A note of what was in sync ends when a template changes, comes or goes."""
    assert repository.call("sync", CI="").code == 0
    assert NAMED in repository.text(".gitlab-ci.yml")
    (note,) = [path for path in repository.cache.rglob("*") if path.is_file()]

    def noted() -> bool:
        before = note.stat().st_mtime_ns
        assert repository.call("check", CI="").code == 0
        return note.stat().st_mtime_ns == before

    assert noted()
    repository.write("ci/github.yml.j2", ours("github"))
    assert [noted(), noted()] == [False, True]
    (repository.folder / "ci/github.yml.j2").unlink()
    assert [noted(), noted()] == [False, True]
    repository.write("ci/gitlab.yml.j2", ours("gitlab"))
    assert f"-{NAMED}" in repository.call("check", CI="").out


def test_hooks_start_for_a_template() -> None:
    for hook in yaml11.load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        assert re.search(hook["files"], "ci/gitlab.yml.j2")
        assert not re.search(hook["files"], "ci/gitlab.yml.j2.orig")


def test_a_template_concerns_every_image(tmp_path: Path) -> None:
    repository = Repository(tmp_path, git="none")
    images = "images: {api: {context: api}, web: {context: web}}\n"
    repository.write("ci-kaniko.yaml", SPEC + images)
    for folder in ("api", "web"):
        repository.write(f"{folder}/Dockerfile", "FROM scratch\n")
    repository.write("ci/gitlab.yml.j2", ours("gitlab"))
    repository.write("layouts/linked.j2", "")
    (repository.folder / "ci/linked.j2").symlink_to("../layouts/linked.j2")
    including = changed().replace(NAMED, '<% include "linked.j2" %>')
    git(repository.folder, "init", "-q", "--initial-branch=main")

    def images_after(path: str, text: str) -> list[str]:
        git(repository.folder, "add", ".")
        git(repository.folder, "commit", "-qm", "before", "--allow-empty")
        repository.write(path, text)
        git(repository.folder, "add", ".")
        git(repository.folder, "commit", "-qm", "after")
        done = repository.call("render", "gitlab", "--changed-since=HEAD~1")
        assert done.code == 0, done.err
        return [key for key in yaml11.load(done.out) if key.startswith("build-")]

    assert images_after("ci/gitlab.yml.j2", including) == ["build-api", "build-web"]
    assert images_after("layouts/linked.j2", NAMED) == ["build-api", "build-web"]
    assert images_after("api/a", "") == ["build-api"]
    assert images_after("ci/README.md", "") == []


FAULTS: dict[str, tuple[dict[str, str | bytes], str, str, str]] = {
    "no folder": ({}, "templates: ci", "3:12: ", "cannot be read: no such file"),
    "no template": ({"ci/README.md": ""}, "templates: ci", "3:12: ", "holds no template"),
    "another name": (
        {"ci/gitlab.yaml.j2": ""},
        "templates: ci",
        "3:12: ",
        'did you mean "gitlab.yml.j2"?',
    ),
    "above": ({}, "templates: ../ci", "3:12: ", "leaves the repository"),
    "a file": ({"ci": "x"}, "templates: ci", "3:12: ", "not a directory"),
    "the root": ({}, "templates: .", "3:12: ", "leads out of the repository"),
    "what git keeps": ({}, "templates: .git", "3:12: ", "or into .git"),
    "syntax": (
        {"ci/gitlab.yml.j2": changed().replace(NAMED, "<% none such %>\n")},
        "templates: ci",
        "ci/gitlab.yml.j2:{none such}:1: ",
        "unknown tag 'none'",
    ),
    "an unknown word": (
        {"ci/gitlab.yml.j2": changed().replace(NAMED, "# <%= jbos %>\n")},
        "templates: ci",
        "ci/gitlab.yml.j2:{jbos}:1: ",
        "'jbos' is undefined",
    ),
    "an unknown word in another": (
        {
            "ci/gitlab.yml.j2": changed().replace(NAMED, "<% include 'a.j2' %>\n"),
            "ci/a.j2": "# a\n  # <%= jbos %>\n",
        },
        "templates: ci",
        "ci/a.j2:2:3: ",
        "it is given component, header,",
    ),
    "none to include": (
        {"ci/gitlab.yml.j2": changed().replace(NAMED, "<% include 'b.j2' %>\n")},
        "templates: ci",
        "ci/gitlab.yml.j2:{b.j2}:1: ",
        "b.j2",
    ),
    "code": (
        {
            "ci/gitlab.yml.j2": changed().replace(
                NAMED, "# <%= header.__class__.__mro__[1].__subclasses__() %>\n"
            )
        },
        "templates: ci",
        "ci/gitlab.yml.j2:{__mro__}:1: ",
        "access to attribute '__class__' of 'str' object is unsafe",
    ),
    "another script": (
        {"ci/gitlab.yml.j2": changed().replace("job.script |", "(job.script ~ 'x') |")},
        "templates: ci",
        "ci/gitlab.yml.j2:1:1: ",
        "the script of build-image is not the planned one",
    ),
    "another shape": (
        {"ci/gitlab.yml.j2": "<%= header %>\na: b\n"},
        "templates: ci",
        "ci/gitlab.yml.j2:1:1: ",
        "lacks what was planned (KeyError: 'build-image')",
    ),
    "no YAML": (
        {"ci/gitlab.yml.j2": "<%= header %>\na: [\n"},
        "templates: ci",
        "ci/gitlab.yml.j2:1:1: ",
        "is not YAML",
    ),
    "no header": (
        {"ci/gitlab.yml.j2": changed().replace("<%= header %>\n", "")},
        "templates: ci",
        "ci/gitlab.yml.j2:1:1: ",
        "begin with <%= header %>",
    ),
    "not UTF-8": (
        {"ci/gitlab.yml.j2": b"# a\n# caf\xe9\n"},
        "templates: ci",
        "ci/gitlab.yml.j2:2:1: ",
        "not UTF-8",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, name: str) -> None:
    files, line, place, told = FAULTS[name]
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", f"{PLAIN}{line}\n")
    repository.write("Dockerfile", "FROM scratch\n")
    for path, text in files.items():
        repository.write(path, text)
    word = re.search(r"{(.+)}", place)
    if word:
        lines = repository.text("ci/gitlab.yml.j2").splitlines()
        number = next(n for n, text in enumerate(lines, 1) if word[1] in text)
        place = place.replace(word[0], str(number))
    for command in (["render", "gitlab"], ["validate", "gitlab"]):
        done = repository.call(*command)
        assert done.code == 1
        assert re.search(rf"^(ci-kaniko\.yaml:)?{re.escape(place)}", done.err), done.err
        assert told in done.err


def test_no_link_leads_out(repository: Repository) -> None:
    outside = repository.folder.parent / "gitlab.yml.j2"
    outside.write_text(changed(), encoding="utf-8")
    path = repository.folder / "ci/gitlab.yml.j2"
    path.unlink()
    path.symlink_to(outside)
    done = repository.call("sync")
    assert done.code == 1
    assert "[outside-repository]" in done.err
    assert not (repository.folder / ".gitlab-ci.yml").exists()
