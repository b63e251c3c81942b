"""What the section of a target says about itself beside the rest of a spec."""

from __future__ import annotations

from functools import partial

from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.problems.finding import Finding
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.rules.rule import RULES, WHOLE, Rule
from ci_kaniko.spec.told import once_for_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.model import Section
    from ci_kaniko.spec.native.kubernetes import Toleration


def sections_are_checked(name: str, model: type[Section]) -> None:
    """Let a section have a say."""
    RULES.append(Rule((f"{name}.tolerations[]",), partial(_tolerations_are_complete, name)))
    RULES.append(Rule((name, *model.read_by_check), partial(_check, name)))
    read = (name, *model.read_by_check_rendered, "outputs[]")
    WHOLE.append(Rule(read, partial(_check_rendered, name)))
    WHOLE.append(Rule(("images", "outputs[]", name), model.check_outputs))


def _check(name: str, build: Build) -> Iterable[Finding]:
    section: Section = getattr(build, name)
    return section.check(build)


def _check_rendered(name: str, spec: SpecFields) -> list[Finding]:
    found = (
        (build, finding)
        for build in spec.builds
        for finding in getattr(build, name).check_rendered(build, spec)
    )
    return once_for_images(found, len(spec.builds))


def _tolerations_are_complete(name: str, build: Build) -> Iterator[Finding]:
    for index, item in enumerate(getattr(getattr(build, name), "tolerations", ())):
        if why := _bad_toleration(item):
            yield Finding("kubernetes-toleration", (name, "tolerations", index), *why)


def _bad_toleration(item: Toleration) -> tuple[str, str] | None:
    if item.operator == "Exists" and item.value is not None:
        return "Exists takes no value", "remove value:, or operator: Exists"
    if item.operator == "Equal" and item.key is None:
        return "without a key only Exists tolerates something", "add key:"
    return None


for _name in NAMES:
    sections_are_checked(_name, type(Build.model_fields[_name].default))
