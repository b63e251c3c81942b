"""The command ``render``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.cli.shared import (
    Misuse,
    check_format,
    check_target,
    deliver,
    load_spec,
    only_images,
    render_or_fail,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.spec.spec import Spec


def render(
    target: str,
    spec: str | None = None,
    output: str | None = None,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    since: str | None = None,
    *,
    strict: bool = False,
    form: str = "text",
) -> None:
    """Print the native configuration of a target, or write it to ``output``."""
    check_format(form)
    check_target(target)
    loaded = load_spec(spec, form, strict=strict)
    if since is None:
        text = render_or_fail(only_images(loaded, only), target, settings, form)
    elif part := _changed(loaded, target, since, only):
        text = render_or_fail(part, target, settings, form)
    else:
        text = _nothing(loaded, target, since, only)
    deliver(text, output)


def _changed(spec: Spec, target: str, since: str, only: Sequence[str]) -> Spec | None:
    from ci_kaniko.project import changes
    from ci_kaniko.project.git import CannotTell

    try:
        return changes.changed_images(spec, target, spec.repository, since, only)
    except CannotTell as error:
        raise Misuse(str(error)) from error


def _nothing(spec: Spec, target: str, since: str, only: Sequence[str]) -> str:
    from ci_kaniko.project import changes

    why = changes.unchanged(spec, only, since)
    say(why, err=True)
    from ci_kaniko.targets.registry import target as find_target

    return find_target(target).nothing(spec, why)
