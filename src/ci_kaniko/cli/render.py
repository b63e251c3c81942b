"""The command ``render``."""

from __future__ import annotations

from ci_kaniko.cli.shared import (
    Misuse,
    check_format,
    check_target,
    deliver,
    load_spec,
    render_or_fail,
    say,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    """Print the native configuration of a target, or write it to ``output``.

    Raises Misuse for images or a revision that there are not.
    """
    check_format(form)
    check_target(target)
    part = load_spec(spec, form, strict=strict)
    if only or since is not None:
        from ci_kaniko.problems.problem import SelectionError
        from ci_kaniko.project.changes import Unchanged, chosen_images

        try:
            chosen = chosen_images(part, target, only, since)
        except SelectionError as error:
            raise Misuse(str(error)) from error
        if isinstance(chosen, Unchanged):
            say(chosen.why, err=True)
            deliver(chosen.text, output)
            return
        part = chosen
    deliver(render_or_fail(part, target, settings, form), output)
