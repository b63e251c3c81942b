"""Kubernetes: a Pod or Job for each image, whose variables are known when it is rendered.

Images that wait for each other are built in one Pod: Kubernetes itself lets only the containers
of a Pod run one after the other.
"""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.inputs import settled_images, unfit_inputs
from ci_kaniko.plan.jobs import duplicate_names
from ci_kaniko.plan.pipeline import Named
from ci_kaniko.plan.platforms import is_staged
from ci_kaniko.plan.values import Values, check_values
from ci_kaniko.problems.finding import Finding
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.targets.kubernetes import TARGET
from ci_kaniko.targets.kubernetes.binding import bad_references, bound, missing_values
from ci_kaniko.targets.kubernetes.containers import WORKSPACE, needs_script
from ci_kaniko.targets.kubernetes.pods import (
    ARCHITECTURE,
    can_build,
    disagreements,
    fetches,
    grouped,
    pod_of,
    uses_workspace,
)
from ci_kaniko.targets.shared import owned_keys, unmounted_cache
from ci_kaniko.targets.target import Rendering

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.kubernetes.containers import Container
    from ci_kaniko.targets.kubernetes.pods import Group, Pod

_MAX_BYTES = 1_000_000
"""etcd takes 1.5 MiB, and Kubernetes adds a status and notes about every field."""


def prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    unfit = tuple(dict.fromkeys(unfit_inputs(spec, values)))
    if unfit:
        return Rendering(view={}, findings=unfit)
    spec = settled_images(spec, values)
    pipeline = TARGET.planned(spec)
    staged = list(_several_platforms(pipeline))
    groups = grouped(pipeline.images)
    findings = [
        *pipeline.findings,
        *check_values(values, spec.inputs),
        *(staged or [*pipeline.check(_plan_findings), *_wrong_nodes(pipeline)]),
        *(item for group in groups if not staged for item in disagreements(group)),
        *duplicate_names(
            (Named(group.last, group.name, "Pod name") for group in groups), "kubernetes", "name"
        ),
    ]
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    known = Values(values, spec.default_branch, spec.inputs)
    plans = {image.name: _bound(image, known) for image in pipeline.images}
    findings += missing_values(pipeline.images, known)
    for image in pipeline.images:
        plan = plans[image.name]
        if not known.missing:
            findings += image.findings(bad_references(image.plan, known.of(image.build)))
        scripted = needs_script(plan)
        findings += image.findings(builder_of(plan).impossible_image(plan, with_shell=scripted))
    if findings:
        return Rendering(view={}, findings=tuple(dict.fromkeys(findings)))
    pods = [pod_of(group, plans, known) for group in groups]
    return Rendering(view={"pods": pods}, findings=tuple(_too_large(groups, pods)))


def _too_large(groups: Iterable[Group], pods: Iterable[Pod]) -> Iterator[Finding]:
    for group, pod in zip(groups, pods, strict=True):
        if pod.size > _MAX_BYTES:
            yield Finding(
                "too-large",
                group.last.build.at(("needs",)),
                f"needs: joins {len(group.images)} images in one Pod, and Kubernetes keeps no "
                "object that is so large",
                "ci-kaniko render kubernetes --only NAME makes a Pod of fewer images",
            )


def _bound(image: Image, known: Values) -> Plan:
    plan = bound(image.plan, known.of(image.build))
    if uses_workspace(image):
        known.source()
    return plan


def _plan_findings(plan: Plan) -> Iterator[Finding]:
    yield from _undecidable(plan)
    yield from _impossible_outputs(plan)
    yield from _impossible_clone(plan)
    yield from owned_keys("kubernetes", plan.spec.kubernetes.extra)
    yield from unmounted_cache(plan, plan.spec.kubernetes.cache_claim)


def _several_platforms(pipeline: Pipeline) -> Iterator[Finding]:
    for image in pipeline.images:
        if is_staged(image.build):
            yield Finding(
                "impossible-platforms",
                image.build.at(("platforms",)),
                "a Pod runs on one node, and no Pod waits for others to join their platforms",
                "the other targets have a job for each; here a spec with one platform, such as "
                "platforms: linux/arm64, runs on a node of that kind",
            )


def _wrong_nodes(pipeline: Pipeline) -> Iterator[Finding]:
    for image in pipeline.images:
        given = image.build.kubernetes.node_selector.get(ARCHITECTURE)
        platform = image.jobs[0].platform
        if given and platform and not can_build(given, platform):
            yield Finding(
                "conflicting-options",
                image.build.at(("kubernetes", "node_selector", ARCHITECTURE)),
                f"a node with {ARCHITECTURE}: {given} cannot build for {platform}",
                "leave it out: platforms: chooses the node",
            )


def _impossible_clone(plan: Plan) -> Iterator[Finding]:
    prepared, context = plan.spec.prepare is not None, plan.spec.context
    if context.is_archive and fetches(plan.spec):
        yield Finding(
            "impossible-context",
            ("context",),
            "a Pod has no folder to take the archive from",
            "clone it with kubernetes: {clone: true}, or use a store such as s3://BUCKET/KEY",
        )
    if plan.spec.kubernetes.clone and not context.is_checked_out and not prepared:
        yield Finding(
            "unused-clone",
            ("kubernetes", "clone"),
            "a context with a scheme is fetched by the builder itself",
            "leave clone: out",
        )


def _undecidable(plan: Plan) -> Iterator[Finding]:
    for push in plan.pushes:
        for condition in push.when:
            if condition.kind in {"schedule", "manual"}:
                yield Finding(
                    "impossible-condition",
                    (*push.where, "when"),
                    f'a manifest does not know whether "{condition.kind}" holds for its run',
                    "branch and tag conditions are decided when it is rendered",
                )


def _impossible_outputs(plan: Plan) -> Iterator[Finding]:
    options = plan.spec.options
    for name in ("tar_path", "oci_layout_path"):
        if getattr(options, name):
            yield Finding(
                "impossible-output",
                ("options", name),
                "the files of a Pod are gone when it ends",
                "push the image, or mount a volume with a Job of your own",
            )
    if any((options.tar_path, options.oci_layout_path)):
        return
    if plan.spec.digest and plan.outputs:
        yield Finding(
            "impossible-output",
            ("digest",),
            "a Pod hands back one file, as its termination message",
            "keep one of digest: and the files of options:",
        )
    elif len(plan.outputs) > 1:
        yield Finding(
            "impossible-output",
            ("options", [*options.files][-1]),
            "a Pod hands back one file, as its termination message",
            "keep one of digest_file and the image_name files",
        )


def verify(documents: Any, view: dict[str, Any]) -> Iterator[str]:
    if len(documents) != len(view["pods"]):
        yield "there are not as many documents as planned"
    for document, pod in zip(documents, view["pods"], strict=False):
        spec = document["spec"]
        if document["kind"] == "Job":
            spec = spec["template"]["spec"]
        yield from _verify_pod(spec, pod)


def _verify_pod(spec: dict[str, Any], pod: Pod) -> Iterator[str]:
    written = [*spec.get("initContainers", []), *spec["containers"]]
    planned = pod.containers
    if len(written) != len(planned):
        yield "there are not as many containers as planned"
    for container, plan in zip(written, planned, strict=False):
        yield from _verify_container(container, plan)
    mounted = {mount["name"] for item in written for mount in item.get("volumeMounts", [])}
    if mounted != {volume["name"] for volume in spec.get("volumes", [])}:
        yield "a mount has no volume, or a volume no mount"


def _verify_container(container: dict[str, Any], planned: Container) -> Iterator[str]:
    if container["image"] != planned.image:
        yield "the container's image is not the planned one"
    if container["args"] != planned.words:
        yield "the container's arguments are not the planned ones"
    if container.get("env", []) != planned.env:
        yield "the container's environment is not the planned one"


def mounts(build: Build) -> tuple[str, ...]:
    """The folder that a clone or a preparation fills."""
    return (WORKSPACE,) if build.prepare or build.kubernetes.clone else ()
