"""A file that was rendered and that no spec lists any more is named: its platform still runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A workflow was rendered, and its spec lists another file by now."""
    made = Repository(tmp_path)
    made.spec("{github: .github/workflows/a.yml}")
    assert made.call("sync").code == 0
    made.spec("{github: .github/workflows/b.yml}")
    return made


def told(repository: Repository, *arguments: str) -> list[str]:
    """The files that ``sync`` names."""
    done = repository.call("sync", *arguments)
    return [line.split(":")[0] for line in done.err.splitlines() if "[abandoned-file]" in line]


def test_an_output_that_is_not_listed_any_more(repository: Repository) -> None:
    for command in ("sync", "check"):
        done = repository.call(command)
        assert done.code == 0
        assert done.err.startswith(".github/workflows/a.yml: warning: ")
        assert "does not list it under outputs: [abandoned-file]\n" in done.err
    (repository.folder / ".github/workflows/a.yml").unlink()
    assert told(repository) == []


def test_a_file_beside_an_output_of_a_spec_with_another_name(repository: Repository) -> None:
    repository.spec("{gitlab: ci/a.yml}", "shop.yaml")
    assert told(repository, "-f", "shop.yaml") == []
    repository.spec("{gitlab: ci/b.yml}", "shop.yaml")
    assert told(repository, "-f", "shop.yaml") == ["ci/a.yml"]


def test_a_spec_that_is_gone(repository: Repository) -> None:
    (repository.folder / "ci-kaniko.yaml").rename(repository.folder / "shop.yaml")
    assert told(repository, "-f", "shop.yaml") == [".github/workflows/a.yml"]


def test_what_another_spec_lists_or_a_link_leads_to_is_asked_for(repository: Repository) -> None:
    (repository.folder / "ci-kaniko.yaml").unlink()
    repository.spec("{gitlab: ci/b.yml}", "shop.yaml")
    repository.spec("{github: .github/workflows/a.yml}", "other/ci-kaniko.yaml")
    assert told(repository, "-f", "shop.yaml") == []
    repository.spec("{gitlab: link.yml}", "other/ci-kaniko.yaml")
    (repository.folder / "link.yml").symlink_to(".github/workflows/a.yml")
    assert told(repository, "-f", "shop.yaml") == []


def test_the_spec_says_how_bad_that_is(repository: Repository) -> None:
    spec = (repository.folder / "ci-kaniko.yaml").read_text()
    repository.write("ci-kaniko.yaml", f"{spec}rules: {{abandoned-file: error}}\n")
    assert repository.call("check").code == 1
    repository.write("ci-kaniko.yaml", f"{spec}rules: {{abandoned-file: off}}\n")
    assert told(repository) == []
    assert repository.call("check").code == 0


def test_some_targets_are_asked_about_their_own_files_only(repository: Repository) -> None:
    assert told(repository, "github") == []
