"""The command ``show``."""

from __future__ import annotations

from ci_kaniko.cli.shared import Done, beside, check_word, print_text, read_spec, say
from ci_kaniko.cli.shared import show as show_problems
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.spec.origins import Shown


def show(spec: str | None = None, *, form: str = "text") -> None:
    """Print a spec with all that it extends, and where each value was written.

    One that breaks a rule is printed as well, after what is said of it: what a base brings in may
    be the reason. Raises Done for a spec with errors, Misuse for another format.
    """
    check_word(form, ("text", "json"))
    found, code = _shown(spec, beside(form))
    if found and form == "text":
        print_text(found.text)
    elif found:
        import json

        say(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    if code:
        raise Done(code)


def _shown(spec: str | None, form: str) -> tuple[Shown | None, int]:
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.loading import warnings
    from ci_kaniko.spec.origins import show, shown
    from ci_kaniko.spec.placing import InvalidSpec

    try:
        loaded = read_spec(spec)
    except SpecError as error:
        show_problems(error.problems, form)
        whole = error.whole if isinstance(error, InvalidSpec) else None
        return (shown(whole) if whole else None), 1
    show_problems(warnings(loaded), form)
    return show(loaded), 0
