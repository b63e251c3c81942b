"""A spec is made and its rules are asked, with one list of all that is wrong."""

from __future__ import annotations

from ci_kaniko.quick.declaring import ValidationError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, TypeVar
from ci_kaniko.spec.build import OF_THE_SPEC, Build, Checked, SpecFields, is_ignored
from ci_kaniko.spec.placing import InvalidSpec
from ci_kaniko.spec.policy import applied
from ci_kaniko.spec.rules.engine import check, check_build, check_builds, check_whole, with_unheard
from ci_kaniko.spec.told import once_for_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.problems.finding import Finding

AnySpec = TypeVar("AnySpec", bound=SpecFields)


def examined(data: Any, read_model: Callable[[Any], AnySpec]) -> AnySpec:
    """The spec that ``read_model`` makes of ``data``, when no rule finds an error in it.

    Raises InvalidSpec. When the model refuses a part, the rules still look at what is left, so
    that one run reports everything; rules about a damaged part stay silent.
    """
    if isinstance(data, dict):
        data = {key: item for key, item in data.items() if not is_ignored(key)}
    if isinstance(data, dict) and isinstance(data.get("images"), dict) and data["images"]:
        return _examined_images(data, read_model)
    if isinstance(data, dict) and data.get("images"):
        from ci_kaniko.spec.images import with_name

        data = with_name(data, "name")
    try:
        spec = read_model(data)
    except ValidationError as error:
        found, rest = _explained(error, data, read_model)
        if not isinstance(rest, SpecFields):
            raise InvalidSpec(found) from None
        raise InvalidSpec(applied(found, rest.rules), rest) from None
    findings = check(spec)
    if any(finding.severity == "error" for finding in findings):
        raise InvalidSpec(findings, spec)
    spec._checked = Checked(spec, findings)  # noqa: SLF001 - so that nobody asks the rules again
    return spec


def _explained(
    error: ValidationError,
    data: Any,
    read_model: Callable[[Any], Build],
    model: type[Build] = SpecFields,
) -> tuple[list[Finding], Build | None]:
    """What the model refuses, what the rules say about the rest, and the rest."""
    from ci_kaniko.spec.damage import kept_parts, misspelt, readable, restored_parts
    from ci_kaniko.spec.explain import findings_of

    findings = list(findings_of(error, model))
    rest, cuts = readable(findings, data, read_model)
    if rest is not None:
        damaged = {finding.where for finding in findings} | set(misspelt(findings, data, model))
        kept = kept_parts(data, cuts)
        findings += (
            finding._replace(where=restored_parts(finding.where, kept))
            for finding in check_build(rest, damaged)
        )
    return findings, rest


def _examined_images(data: dict[str, Any], read_model: Callable[[Any], AnySpec]) -> AnySpec:
    """A spec with several images: what they share is read once."""
    from ci_kaniko.spec.images import Entries, read_images

    entries = Entries(data)
    files = {key: data[key] for key in OF_THE_SPEC[1:] if data.get(key) is not None}
    findings: list[Finding] = []
    try:
        spec = read_model({**entries.common, **files})
    except ValidationError as error:
        from ci_kaniko.spec.explain import findings_of

        found = list(findings_of(error))
        damaged = {finding.where[0] for finding in found}
        findings += (item for item in found if not entries.completes(item))
        for key in damaged:
            entries.common.pop(str(key), None)
        kept = {key: value for key, value in files.items() if key not in damaged}
        spec = read_model({**entries.common, **kept})
    places = {finding.where for finding in findings}
    images = read_images(entries, spec, _explained)
    # The instance that pydantic is building: a copy with the images would not be it.
    spec.__dict__["images"] = images
    spec.model_fields_set.add("images")
    places |= {finding.where for finding in entries.findings}
    unread = places | {image.at(finding.where) for image, finding in entries.told}
    unread |= {("images",)} if len(entries.own) < len(data["images"]) else set()
    checked = check_builds(images.values(), places)
    findings += entries.findings
    known = {(finding.rule, finding.where) for finding in findings}
    told = once_for_images([*entries.told, *checked], len(entries.own))
    findings += (item for item in told if (item.rule, item.where) not in known)
    if entries.named:
        every = {**images, **entries.named}
        spec.__dict__["images"] = {name: every[name] for name in entries.own}
    findings += check_whole(spec, unread)
    spec.__dict__["images"] = images
    findings = with_unheard(spec, findings)
    if any(finding.severity == "error" for finding in findings):
        spec.__dict__["images"] = {**images, **entries.rests}
        raise InvalidSpec(findings, spec)
    spec._checked = Checked(spec, findings)  # noqa: SLF001 - so that nobody asks the rules again
    return spec
