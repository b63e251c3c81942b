"""Names are unique where the platform keeps them: in a repository, a pipeline, a whole build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from ci_kaniko.sync import compare
from support import judge

if TYPE_CHECKING:
    from pathlib import Path


def written(text: str, root: Path) -> dict[str, str]:
    """The outputs of a spec by their paths."""
    found = compare(ci_kaniko.loads(text, "ci-kaniko.yaml"), str(root))
    assert not found.problems
    return {output.path: output.expected for output in found.outputs}


def problems(text: str, target: str) -> list[tuple[str, str]]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.render(ci_kaniko.loads(text), target)
    return [(problem.rule, problem.hint) for problem in error.value.problems]


# -- GitHub -----------------------------------------------------------------------------------

_TWO_WORKFLOWS = """
default_branch: main
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
registries: {ghcr.io: ci-token}
images:
  api: {context: services/api, triggers: {pull_requests: true, paths: ["api/**"]}}
  web: {context: services/web, triggers: {pull_requests: true, paths: ["web/**"]}}
  docs: {context: docs}
outputs:
  github:
    - {path: .github/workflows/services.yml, only: [api, web]}
    - {path: .github/workflows/docs.yml, only: docs}
"""


def run_of(path: str, run: int, *, request: int | None = None, ref: str = "") -> judge.Known:
    ref = ref or (f"refs/pull/{request}/merge" if request else "refs/heads/main")
    return {
        "github.workflow_ref": f"acme/shop/{path}@{ref}",
        "github.run_id": str(run),
        "github.event.pull_request.number": str(request or ""),
    }


def test_each_workflow_has_a_name_and_checks_of_its_own(tmp_path: Path) -> None:
    files = written(_TWO_WORKFLOWS, tmp_path)
    workflows = [yaml.safe_load(text) for text in files.values()]
    assert [each["name"] for each in workflows] == ["services", "docs"]
    checks = [job["name"] for each in workflows for job in each["jobs"].values()]
    assert len(set(checks)) == len(checks) == 4


def test_only_a_newer_run_of_a_request_cancels(tmp_path: Path) -> None:
    """And no run waits for its group: GitHub drops one that does when the next one comes."""
    files = written(_TWO_WORKFLOWS, tmp_path)
    paths = [*files]
    runs = [run_of(path, 10 + n, request=7) for n, path in enumerate(paths)]
    runs += [run_of(path, 7) for path in paths]
    runs += [run_of(path, 20 + n) for path in paths for n in range(3)]
    runs += [run_of(paths[0], 30 + n, ref="refs/tags/v1") for n in range(2)]
    settings = {
        (each["concurrency"]["group"], each["concurrency"]["cancel-in-progress"])
        for each in map(yaml.safe_load, files.values())
    }
    ((group, cancels),) = settings
    assert cancels is True
    found = [judge.filled(group, one) for one in [*runs, run_of(paths[0], 99, request=7)]]
    assert len(set(found)) == len(runs)
    assert found[-1] == found[0]


def test_a_workflow_is_called_as_its_file_however_it_is_rendered(tmp_path: Path) -> None:
    from ci_kaniko.pipeline import select

    files = written(_TWO_WORKFLOWS, tmp_path)
    spec = ci_kaniko.loads(_TWO_WORKFLOWS, "ci-kaniko.yaml")
    assert ci_kaniko.render(select(spec, ["docs"]), "github") == files[".github/workflows/docs.yml"]
    one = "push: never\noutputs: {github: .github/workflows/shop.yml}\n"
    assert "name: shop\n" in ci_kaniko.render(ci_kaniko.loads(one), "github")
    given = one + "github: {workflow: Shop}\n"
    assert "(Shop)\n" in ci_kaniko.render(ci_kaniko.loads(given), "github")


def test_two_workflows_of_one_name_are_refused() -> None:
    found = problems(_TWO_WORKFLOWS + "github: {workflow: Images}\n", "github")
    assert [rule for rule, _ in found] == ["duplicate-workflow"]
