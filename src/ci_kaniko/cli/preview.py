"""The command ``preview``: what each event builds, pushes and logs in to."""

from __future__ import annotations

from ci_kaniko.cli.shared import (
    Misuse,
    beside,
    check_target,
    check_word,
    fail,
    load_spec,
    only_images,
    print_lines,
    say,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ci_kaniko.previewing.preview import Preview
    from ci_kaniko.spec.spec import Spec

FORMATS = ("text", "json", "markdown")


def preview(
    targets: Sequence[str] = (),
    spec: str | None = None,
    events: Sequence[str] = (),
    only: Sequence[str] = (),
    against: str | None = None,
    builder: str | None = None,
    *,
    form: str = "text",
) -> None:
    """Say what happens on each event. Raises Done, and Misuse for an unknown word."""
    check_word(form, FORMATS)
    for name in targets:
        check_target(name)
    loaded = only_images(load_spec(spec, beside(form), strict=False), only)
    if builder is not None:
        _moved(loaded, targets, events, builder, against, form)
    elif against is None:
        _print(_previewed(loaded, targets, events, form), form)
    else:
        _compare(loaded, targets, events, against, form)


def _moved(
    spec: Spec,
    targets: Sequence[str],
    events: Sequence[str],
    builder: str,
    against: str | None,
    form: str,
) -> None:
    """Say what another builder needs, and what happens then. Raises Misuse."""
    from ci_kaniko.kaniko.builders import BUILDERS
    from ci_kaniko.previewing import builders

    check_word(builder, BUILDERS)
    if against is not None or form == "markdown":
        raise Misuse("--builder goes with --format text or json, and without --against")
    then = builders.built_by(spec, builder)
    found = _previewed(then, targets, events, form)
    moves = [*builders.moves(spec, then, found.targets)]
    if form == "json":
        import json

        data = {**found.to_dict(), "builders": [move.to_dict() for move in moves]}
        say(json.dumps(data, ensure_ascii=False, indent=2))
        return
    print_lines(builders.lines(moves))
    _print(found, form)


def _previewed(spec: Spec, targets: Sequence[str], events: Iterable[str], form: str) -> Preview:
    from ci_kaniko.previewing.events import UnknownEvent
    from ci_kaniko.previewing.preview import preview as look
    from ci_kaniko.problems.problem import SpecError

    try:
        return look(spec, targets, events)
    except UnknownEvent as error:
        raise Misuse(str(error)) from error
    except SpecError as error:
        fail(error.problems, beside(form))


def _print(preview: Preview, form: str) -> None:
    from ci_kaniko.previewing import text

    if form == "json":
        _print_json(preview)
    elif form == "markdown":
        say(text.markdown(preview))
    else:
        print_lines(text.lines(preview))


def _print_json(preview: Preview) -> None:
    import json

    say(json.dumps(preview.to_dict(), ensure_ascii=False, indent=2))


def _compare(
    spec: Spec, targets: Sequence[str], events: Sequence[str], revision: str, form: str
) -> None:
    """Say what differs from an earlier spec."""
    import json

    from ci_kaniko.previewing import compare
    from ci_kaniko.problems.problem import SelectionError, SpecError
    from ci_kaniko.project.revisions import spec_at

    after = _previewed(spec, targets, events, form)
    try:
        earlier = spec_at(spec, revision)
    except SelectionError as error:
        raise Misuse(str(error)) from error
    except SpecError as error:
        say(f"as of {revision}:", err=True)
        fail(error.problems, beside(form))
    same = [*after.targets, *after.refused]
    before = _previewed(earlier, same, [answer.occasion.word for answer in after.answers], form)
    found = compare.changes(before, after)
    if form == "json":
        say(json.dumps(compare.data(found), ensure_ascii=False, indent=2))
    elif form == "markdown":
        say(compare.markdown(found, revision))
    elif found:
        print_lines(compare.lines(found))
    else:
        say(f"nothing that an event does differs from {revision}", err=True)
