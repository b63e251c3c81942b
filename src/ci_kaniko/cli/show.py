"""The command ``show``."""

from __future__ import annotations

from ci_kaniko.cli.shared import beside, check_word, load_spec, print_text, say


def show(spec: str | None = None, *, form: str = "text") -> None:
    """Print a spec with all that it extends, and where each value was written.

    Raises Done for a spec with errors, Misuse for another format.
    """
    check_word(form, ("text", "json"))
    loaded = load_spec(spec, beside(form), strict=False)
    from ci_kaniko.spec.origins import show as shown

    found = shown(loaded)
    if form == "text":
        print_text(found.text)
    else:
        import json

        say(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
