"""Variables of a plan as values: what a manifest holds instead of a job's environment."""

from __future__ import annotations

from ci_kaniko.plan.bind import bind
from ci_kaniko.plan.logins import cloud_findings
from ci_kaniko.plan.model import CHECKOUT, DIGEST, OUTPUT, THIS_REPOSITORY
from ci_kaniko.plan.values import unfit_hosts, unfit_values
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.conditions import ROLES, VERSIONS, holds
from ci_kaniko.syntax.references import check_tag_text, is_run_time_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image
    from ci_kaniko.plan.values import Values
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.syntax.conditions import AnyOf
    from ci_kaniko.syntax.references import Reference
    from ci_kaniko.syntax.variables import Part, Ref

PLACES = {CHECKOUT, OUTPUT, DIGEST}
"""What a container knows when it runs."""


def bound(plan: Plan, known: Values) -> Plan:
    """The plan with its values; what is missing is noted in ``known``."""

    def in_text(ref: Ref) -> Part:
        if ref.name in PLACES:
            return ref
        if ref.name == THIS_REPOSITORY:
            source = known.source()
            return f"git://{source.repository}#{source.ref}#{source.commit}"
        return known.replace(ref)

    def in_reference(ref: Ref) -> Part:
        return known.replace(ref, is_reference=True)

    def decided(any_of: AnyOf) -> bool:
        kinds = {condition.kind for condition in any_of}
        if kinds & {"branch", "tag", *ROLES, "pull-request", *VERSIONS}:
            known.get("branch")
        if kinds & {*ROLES}:
            known.get("default_branch")
        return holds(any_of, known.event)

    return bind(
        plan,
        in_text,
        in_reference,
        decided,
        is_pull_request=bool(known.event.pull_request),
    )


def missing_values(images: Iterable[Image], known: Values) -> Iterator[Finding]:
    """Everything that nobody has told, in one finding."""
    if not known.missing:
        return
    names = ", ".join(known.missing)
    places = [
        image.build.at(where)
        for image in images
        for where, name in image.plan.uses()
        if name in known.missing
    ]
    yield Finding(
        "missing-value",
        places[0] if places else (),
        f"a Kubernetes manifest must hold these values, and they are not known: {names}",
        "`values` gives one; in a git checkout `checkout_values` finds most of them",
    )


def bad_references(plan: Plan, known: Values) -> Iterator[Finding]:
    """Values that an image reference cannot hold."""
    yield from _bad_hosts(plan, known)
    for where, reference in _references(plan, known):
        unfit = [*unfit_values(reference, known)]
        for name, text in unfit:
            yield Finding(
                "bad-value",
                where,
                f"no image reference can hold this {name}: {quoted(text)}",
                "${ref.tag} is safe in a tag, ${ref.slug} in a name",
            )
        tag = known.reference(reference.tag)
        if tag and not unfit and not check_tag_text(tag):
            yield Finding("bad-value", where, f"{quoted(tag)} is not an image tag")


def _bad_hosts(plan: Plan, known: Values) -> Iterator[Finding]:
    """Values that are no registry, or one for which the login is not found."""
    registries = {reference.registry: where for where, reference in _references(plan, known)}
    for login in plan.logins:
        registries.setdefault(login.key, login.where)
    for registry, where in registries.items():
        for name, text in unfit_hosts(registry, known):
            yield Finding(
                "bad-value",
                where,
                f"no registry to log in to has this {name}: {quoted(text)}",
                "a host, such as docker.io or registry.example.com:5000",
            )
    for login in plan.logins:
        if is_run_time_host(login.key) and not any(unfit_hosts(login.key, known)):
            yield from cloud_findings(login._replace(host=known.reference(login.key)))


def _references(plan: Plan, known: Values) -> Iterator[tuple[Where, Reference]]:
    for push in plan.pushes:
        if holds(push.when, known.event):
            yield push.where, push.reference
    cache = plan.spec.cache
    if cache and cache.remote:
        yield ("cache", "repo"), cache.remote
