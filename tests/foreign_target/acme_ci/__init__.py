"""Acme CI, as somebody else would add it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.systems import System
from ci_kaniko.plan.model import CHECKOUT, OUTPUT
from ci_kaniko.plan.pipeline import Named, pipeline
from ci_kaniko.problems.finding import Finding
from ci_kaniko.shell.dialect import (
    Cell,
    Impossible,
    PlainDialect,
    Site,
    impossible,
    impossible_identities,
)
from ci_kaniko.shell.script import Script
from ci_kaniko.spec.fields import STRING, Reads, checked
from ci_kaniko.spec.model import Section
from ci_kaniko.syntax.grammar import check_text
from ci_kaniko.targets.header import header
from ci_kaniko.targets.setup import Setup
from ci_kaniko.targets.shared import config_folder
from ci_kaniko.targets.target import Init, Rendering, Runner, Shape, Target, later

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Pipeline
    from ci_kaniko.plan.secrets import Use
    from ci_kaniko.spec.spec import Spec

Name = Annotated[str, Reads(checked(check_text), STRING, "name")]


class Acme(Section):
    """Acme CI."""

    queue: Name = Field(default="default", description="The queue.", examples=["large"])
    job: Name = Field(default="build", description="Name of the job.", examples=["image"])


_CELLS = {
    "commit.sha": Cell("ACME_COMMIT"),
    "branch": Cell("ACME_BRANCH"),
    "tag": Cell("ACME_TAG"),
    "pull_request.number": Cell("ACME_PULL_REQUEST"),
    "repository.url": Cell("ACME_URL"),
    "build.number": Cell("ACME_BUILD"),
}


class _Dialect(PlainDialect):
    target = "acme"
    site = Site({CHECKOUT: Cell("ACME_CHECKOUT"), OUTPUT: Cell("ACME_CHECKOUT")}, config_folder)
    tests: Mapping[str, str] = {
        "pull-request": '[ -n "$ACME_PULL_REQUEST" ]',
        "no-pull-request": '[ -z "$ACME_PULL_REQUEST" ]',
    }
    secret_hint = "acme secret set"
    no_identity = "Acme gives a job no identity"

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        """What Acme calls a portable variable; None for those that are made of others."""
        if name.startswith("env."):
            return Cell(name.removeprefix("env."))
        if name == "default_branch":
            branch = plan.spec.default_branch
            hint = "add default_branch: main at the top"
            return Cell(literal=branch) if branch else Impossible("Acme does not tell", hint)
        if name.startswith(("registry.", "repository.path")) or name in {"build.id", "build.url"}:
            return Impossible("Acme does not tell", "write it")
        if name == "commit.timestamp":
            return Impossible("Acme does not tell", "use ${build.timestamp}")
        return _CELLS.get(name)


_DIALECT = _Dialect()


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    found = pipeline(spec, "acme")
    findings = [
        *found.findings,
        *found.check(lambda plan: builder_of(plan).impossible_image(plan, with_shell=True)),
        *found.check(lambda plan: impossible(plan, _DIALECT)),
        *found.check(lambda plan: impossible_identities(plan, _DIALECT)),
        *_impossible(found),
    ]
    if findings:
        return Rendering({}, tuple(findings))
    return Rendering({"jobs": [*_jobs(found)]})


def _impossible(found: Pipeline) -> Iterator[Finding]:
    for image in found.images:
        for field in ("prepare", "platforms", "digest"):
            if getattr(image.build, field):
                yield Finding("bad-choice", image.build.at((field,)), "Acme CI has no such job")


def _jobs(found: Pipeline) -> Iterator[dict[str, Any]]:
    for image in found.images:
        plan, section = image.plan, image.build.acme  # type: ignore[attr-defined]
        script = Script(plan, _DIALECT)
        text = script.build(script.called)
        yield {
            "name": f"build-{image.name}" if image.name else section.job,
            "queue": section.queue,
            "image": builder_of(plan).image(plan.spec, with_shell=True),
            "variables": script.environment,
            "script": text,
        }


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    scripts = {name: job["script"] for name, job in document["jobs"].items()}
    if scripts != {job["name"]: job["script"] for job in view["jobs"]}:
        yield "the scripts have changed on their way"


class _Words(Setup):
    def secret(self, plan: Plan, name: str, use: Use) -> Iterator[str]:
        yield f"acme secret set {name} < FILE_WITH_THE_VALUE"

    def variable(self, plan: Plan, name: str) -> str:
        return f"acme variable set {name} VALUE"


def _names(spec: Spec) -> Iterator[Named]:
    found = pipeline(spec, "acme")
    for image, job in zip(found.images, _jobs(found), strict=True):
        yield Named(image, job["name"], "job")


TARGET = Target(
    system=System("acme", keeps_secrets="acme secret set keeps it", prefixes=("ACME_",)),
    summary="Acme CI",
    output=".acme.yml",
    template="acme.yml.j2",
    folder=str(Path(__file__).parent),
    settings=Acme,
    prepare=_prepare,
    verify=_verify,
    names=_names,
    field="job",
    shape=Shape("job", "mapping", "jobs"),
    setup=_Words,
    init=Init(seen=(".acme.yml",), outputs=(".acme.yml",), pipelines=(".acme.yml",)),
    dialect=lambda: _DIALECT,
    runner=Runner(steps=later("acme_ci.runner:steps"), run=later("acme_ci.runner:run")),
    nothing=lambda spec, _: f"{header(spec)}\n\njobs: {{}}\n",
)
