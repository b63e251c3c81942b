"""What a spec says for each of the files of a target."""

from __future__ import annotations

from ci_kaniko.plan.select import select
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.targets.registry import check_name
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from ci_kaniko.spec.outputs import OutputFile
    from ci_kaniko.spec.spec import Spec


def in_file(spec: Spec, target: str, file: OutputFile, current: str = "") -> Spec:
    """What a spec says for one of its files, which is ``current``: its images, in its form."""
    if file.only:
        spec = select(spec, file.only)
    return find_target(target).merged(spec, current) if file.mode == "merge" else spec


def in_files(spec: Spec, target: str) -> list[tuple[str | None, Spec]]:
    """The path of each file of a target and what is in it; all in one when none is named."""
    check_name(target)  # specs that were read before get the fields of another distribution's
    files = getattr(spec.outputs, target)
    return [(file.path, in_file(spec, target, file)) for file in files] or [(None, spec)]
