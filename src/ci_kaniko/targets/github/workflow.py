"""GitHub Actions: the plain executor in ``docker run`` on the runner.

No JavaScript action runs in kaniko's image, so the checkout stays on the host; the workspace is
mounted read-only below ``/kaniko``, where the executor never looks for files of the image.
"""

from __future__ import annotations

import re

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import CURLED, GITLESS, KANIKO
from ci_kaniko.plan.jobs import duplicate_names, no_runner, runner
from ci_kaniko.plan.names import secret_places
from ci_kaniko.plan.pipeline import READS_TIME, Named, pipeline, workflow_name
from ci_kaniko.plan.tools import checkout_action
from ci_kaniko.problems.finding import Finding, quoted, unique
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.dialect import impossible, impossible_identities
from ci_kaniko.shell.join import impossible_join
from ci_kaniko.spec.build import SpecFields
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.targets.github import TARGET
from ci_kaniko.targets.github.changes import Changes
from ci_kaniko.targets.github.events import events
from ci_kaniko.targets.github.jobs import (
    RUNNERS,
    adapted,
    asking_for_time,
    dialect_of,
    ids,
    is_inside,
    time_id,
)
from ci_kaniko.targets.github.order import CHANGES, jobs
from ci_kaniko.targets.github.reusable import call, impossible_inputs
from ci_kaniko.targets.shared import differing_forms, owned_keys, unmounted_cache
from ci_kaniko.targets.target import Rendering
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.github.model import Job

_REQUEST, _RUN = "github.event.pull_request.number", "github.run_id"
_MAX_SIZE = 500_000
_MAX_ID = 100


def prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    pipeline = TARGET.planned(spec)
    pipeline = pipeline._replace(images=tuple(adapted(image) for image in pipeline.images))
    changes = Changes(pipeline)
    findings = _findings(pipeline, changes)
    if findings:
        return Rendering(view={}, findings=tuple(unique(findings)))
    view = _view(pipeline, changes)
    return Rendering(view=view)


def _view(pipeline: Pipeline, changes: Changes) -> dict[str, Any]:
    reusable = _is_reusable(pipeline)
    cancel = not reusable and any(image.plan.started.pull_requests for image in pipeline.images)
    return {
        "workflow": workflow_name(pipeline.spec),
        "events": {"workflow_call": call(pipeline)} if reusable else events(pipeline),
        # GitHub drops a run that waits for its group, so only a request's runs share one.
        "group": "" if reusable else f"{_REQUEST} || {_RUN}" if cancel else _RUN,
        "cancel": cancel,
        "jobs": jobs(pipeline, changes),
        "checkout": checkout_action(pipeline.images[0].build),
    }


def _is_reusable(pipeline: Pipeline) -> bool:
    return pipeline.images[0].plan.reusable


def _findings(pipeline: Pipeline, changes: Changes) -> list[Finding]:
    joins = [image for image in pipeline.images if image.join]
    findings = [
        *pipeline.findings,
        *pipeline.check(_plan_findings),
        *(item for image in joins for item in image.findings(impossible_join(image.plan))),
        *(item for image in pipeline.images for item in image.findings(_image_findings(image))),
        *_job_ids(pipeline, changes),
        *_settings_of_the_file(pipeline),
    ]
    return [*findings, *impossible_inputs(pipeline)] if _is_reusable(pipeline) else findings


def _plan_findings(plan: Plan) -> Iterator[Finding]:
    dialect = dialect_of(plan)
    yield from impossible(plan, dialect)
    if builder_of(plan).name not in CURLED or not plan.arguments:
        yield from impossible_identities(plan, dialect)
    yield from _container_findings(plan) if is_inside(plan) else _docker_findings(plan)
    yield from _secret_names(plan)
    yield from _repository_findings(plan)
    yield from unmounted_cache(
        plan,
        reason="a runner keeps no folder of images for its jobs",
        hint="remove it; an image of your own under executor: can hold the folder /cache, where "
        "kaniko looks by itself",
    )


def _repository_findings(plan: Plan) -> Iterator[Finding]:
    repository = plan.started.repository
    if repository.count("/") > 1:
        yield Finding(
            "impossible-trigger",
            ("triggers", "repository"),
            f"no repository of GitHub is called {quoted(repository)}: none lies in a subgroup",
            "there it is owner and name, such as acme/shop",
        )


_ARM = pattern(r"(?:^|-)arm(?:64)?(?:-|$)", re.IGNORECASE)
"""A label that says so: those of GitHub's own runners, and what one of one's own has by itself."""


def _runs_on_arm(plan: Plan) -> bool:
    """Whether a job is known to run where GitHub has no node for Alpine's libc.

    https://github.com/actions/runner/issues/801
    """
    platforms, github = plan.spec.platforms, plan.spec.github
    labels = github.platform_runs_on.values() if platforms else [github.runs_on]
    return any(name.startswith("linux/arm64") for name in platforms) or any(
        _ARM.search(label) for each in labels for label in each
    )


def _container_findings(plan: Plan) -> Iterator[Finding]:
    builder = builder_of(plan)
    if builder.user and plan.reads_checkout and _runs_on_arm(plan):
        yield Finding(
            "impossible-builder",
            ("github", "mode"),
            f"GitHub's checkout runs on amd64 alone in the image of {builder.name}",
            "where a runner has Docker, github: {mode: docker} runs it; elsewhere "
            f"github: {{builder: buildah}}, or {KANIKO}",
        )
    for name in plan.spec.options.files if builder.user else ():
        yield Finding(
            "impossible-output",
            ("options", name),
            f"the user of {builder.name} may not write into what a runner mounts",
            "github: {mode: docker} has a folder for it, or github: {builder: buildah}",
        )
    yield from builder.impossible_image(plan, with_shell=True)
    for name, wanted in (plan.spec.checkout or ()) if plan.reads_checkout else ():
        if wanted and builder.name in GITLESS | {KANIKO}:
            yield Finding(
                "impossible-checkout",
                ("checkout", name),
                "in an image without git GitHub's action downloads the files of the commit alone",
                "github: {mode: docker} checks it out with git",
            )
    if plan.spec.context.is_archive and plan.spec.github.fetches(plan.spec):
        yield Finding(
            "impossible-context",
            ("context",),
            "a job in the executor's image has no checkout to take the archive from",
            "github: {mode: docker} has one",
        )


def _docker_findings(plan: Plan) -> Iterator[Finding]:
    if plan.spec.client_certificates and builder_of(plan).user:
        yield Finding(
            "impossible-builder",
            ("client_certificates",),
            f"the user of {builder_of(plan).name} may not read a key of the runner's",
            f"github: {{builder: {KANIKO}}}, or a registry that asks for a login",
        )
    if plan.arguments:
        yield from builder_of(plan).impossible_image(plan, with_shell=False)
    if plan.spec.context.is_archive and plan.spec.context.location.startswith("/"):
        yield Finding(
            "impossible-context",
            ("context",),
            "only the checkout is mounted into the executor's container",
            "tar://PATH, from the repository root",
        )
    names = {(inside_repository(path) or "").partition("/")[0] for path in plan.outputs}
    if plan.spec.digest and "digest" in names:
        yield Finding(
            "duplicate-output",
            ("digest",),
            "the digest is handed over by a file called digest, and an output has that name, too",
            "give the file under options: another name",
            on_key=True,
        )


def _secret_names(plan: Plan) -> Iterator[Finding]:
    for name, where in secret_places(plan).items():
        if name.upper().startswith("GITHUB_"):
            yield Finding(
                "github-secret-name",
                where,
                f'GitHub keeps names that begin with GITHUB_ for itself, so "{name}" '
                "cannot be a secret",
                "ci-token is the login that GitHub gives each job",
            )


def _image_findings(image: Image) -> Iterator[Finding]:
    """What is wrong with the jobs of an image, whatever they do."""
    section = image.build.github
    yield from owned_keys("github", section.extra, _owned_here(image))
    needs = section.extra.get("needs") or []
    if not isinstance(needs, str | list) or not all(isinstance(one, str) for one in needs):
        where = ("github", "extra", "needs")
        yield Finding("wrong-type", where, "needs: names jobs", "a list such as [test]")
    if image.build.prepare and is_inside(image.plan):
        yield Finding(
            "impossible-prepare",
            ("prepare",),
            "a job in the builder's image has no Docker to run another image",
            "github: {mode: docker} has it",
            on_key=True,
        )
    for index, job in enumerate(image.jobs):
        anywhere = not job.platform or (job.platform == "linux/amd64" and not job.suffix)
        if not anywhere and runner(job, section.platform_runs_on, RUNNERS) is None:
            example = f"{{platform_runs_on: {{{job.platform}: [self-hosted, LABEL]}}}}"
            yield no_runner(job, ("platforms", index), "github", example)
    too_long = [name for name in ids(image) if len(name) > _MAX_ID]
    if too_long:
        yield Finding(
            "github-job-id",
            ("github", "job"),
            f"{quoted(too_long[0])} is not a job id",
            f"at most {_MAX_ID} characters, the platform's name with them",
        )


def _owned_here(image: Image) -> dict[str, str]:
    """Keys that a job has only when the spec asks for something."""
    owned = {}
    if image.build.name:
        owned["needs"] = "use needs: of the image"
    elif not _is_put_beside_others(image):
        owned["needs"] = "remove it: no other job is in the file; mode: merge in outputs: has them"
    if image.build.digest:
        owned["outputs"] = "use digest: it is handed over"
    if len(image.jobs) > 1:
        owned |= dict.fromkeys(("needs", "outputs", "strategy"), "use platforms")
    return owned


def _is_put_beside_others(image: Image) -> bool:
    outputs = image.build.outputs.github if isinstance(image.build, SpecFields) else ()
    return any(file.mode == "merge" for file in outputs)


def _job_ids(pipeline: Pipeline, changes: Changes) -> Iterator[Finding]:
    """Ids that two jobs would have; GitHub does not tell upper case from lower case."""
    named = [
        Named(image, name.lower(), "job id") for image in pipeline.images for name in ids(image)
    ]
    if changes.outputs:
        named.append(Named(pipeline.images[0], CHANGES, "job id", "tells the images apart"))
    if asking := asking_for_time(pipeline.images):
        named.append(Named(asking[0], time_id(asking[0]).lower(), "job id", READS_TIME))
    yield from duplicate_names(named, "github", "job")


def names_beside_others(spec: Spec) -> Iterator[Named]:
    """Checks are told apart by the names of jobs, which have that of their workflow."""
    planned = pipeline(spec, "github")
    if planned.images[0].build.github.form == "workflow":
        yield Named(planned.images[0], workflow_name(spec), "workflow")


def _settings_of_the_file(pipeline: Pipeline) -> Iterator[Finding]:
    """A file has one form and one name."""
    yield from differing_forms(pipeline)
    first = pipeline.images[0].build.github
    for image in pipeline.images:
        if image.build.github.workflow != first.workflow:
            yield Finding(
                "several-workflows",
                image.build.at(("github", "workflow")),
                "one file is one workflow, and other images have another",
                "github: {workflow: ...} stands at the top, for all images",
            )


def refuses(spec: Spec, text: str) -> Iterator[Finding]:
    """GitHub reads a file up to a size."""
    if len(text.encode()) > _MAX_SIZE:
        yield Finding(
            "too-large",
            ("images",) if spec.images else (),
            "GitHub reads workflows of up to 500 KB, and this one is larger",
            "several files: "
            "outputs: {github: [{path: .github/workflows/NAME.yml, only: [NAME, ...]}]}",
            on_key=bool(spec.images),
        )


def verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    planned: dict[str, Job] = {job.id: job for job in view["jobs"]}
    if list(document["jobs"]) != list(planned):
        yield "the workflow's jobs are not the planned ones"
    for name, job in document["jobs"].items():
        steps = [step for step in job["steps"] if "run" in step]
        if [step["run"] for step in steps] != [step.run for step in planned[name].steps]:
            yield "a step's script is not the planned one"
        if [step.get("env", {}) for step in steps] != [step.env for step in planned[name].steps]:
            yield "a step's environment is not the planned one"
        if any("${{" in step["run"] for step in steps):
            yield "an expression stands in a script"
        if job.get("if", "") != planned[name].condition:
            yield "a job's condition is not the planned one"
        needs = job.get("needs", [])
        if tuple([needs] if isinstance(needs, str) else needs) != planned[name].needs:
            yield "a job does not wait for the planned ones"
    # YAML 1.1 readers take the key `on` for a boolean.
    if document.get("on", document.get(True)) != view["events"]:
        yield "the workflow's events are not the planned ones"
