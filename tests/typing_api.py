"""Ordinary uses of the public names, which ``mypy --strict`` has to accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ci_kaniko
from ci_kaniko import (
    CiKanikoError,
    Problem,
    Spec,
    SpecError,
    available_targets,
    dump,
    load,
    loads,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def render_a_file(path: Path) -> str:
    spec: Spec = load(path)
    text: str = render(spec, "gitlab")
    return text + render(load(str(path)), target="github")


def render_a_manifest(values: Mapping[str, str]) -> str:
    return render(build_in_python(), "kubernetes", values=values)


def say_again(spec: Spec) -> Spec:
    text: str = dump(spec)
    return loads(text)


def build_in_python() -> Spec:
    return Spec(
        context="services/shop",
        destinations=["ghcr.io/acme/shop:1.0", {"image": "ghcr.io/acme/shop:latest"}],
        registries={"ghcr.io": "anonymous"},
        build_args={"VERSION": "${tag:-dev}"},
        kubernetes={"namespace": "ci"},
    )


def explain(text: str | bytes) -> list[str]:
    try:
        loads(text, path="specs/shop.yaml")
    except SpecError as error:
        return [one_line(problem) for problem in error.problems]
    except CiKanikoError as error:
        return [str(error)]
    return []


def one_line(problem: Problem) -> str:
    line: int | None = problem.line
    severity: str = problem.severity
    return f"{severity} {problem.path}:{line}:{problem.column} {problem.message} {problem.hint}"


def file_names() -> dict[str, str]:
    return {name: target.output for name, target in available_targets().items()}


def version() -> str:
    return ci_kaniko.__version__


VALUES = {
    "commit.sha": "12345e6789abcdef0123456789abcdef01234567",
    "branch": "main",
    "default_branch": "main",
    "repository.url": "https://github.com/acme/shop",
}


def use_everything(folder: Path) -> None:
    path = folder / "ci-kaniko.yaml"
    path.write_text("push: never\n", encoding="utf-8")
    assert "build-image:" in render_a_file(path)
    assert "namespace: ci" in render_a_manifest(VALUES)
    assert explain(b"push: sometimes\n")[0].startswith("error specs/shop.yaml:1:7")
    assert file_names()["gitlab"] == ".gitlab-ci.yml"
    assert version()
    assert say_again(build_in_python()) == build_in_python()
