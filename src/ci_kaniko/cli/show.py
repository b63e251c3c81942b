"""The command ``show``."""

from __future__ import annotations

from ci_kaniko.cli.shared import check_word, load_spec, print_text


def show(spec: str | None = None, *, form: str = "text") -> None:
    """Print a spec with all that it extends, and where each value was written.

    Raises Done for a spec with errors, Misuse for another format.
    """
    check_word(form, ("text", "json"))
    loaded = load_spec(spec, "text", strict=False)
    from ci_kaniko.spec.origins import annotated, as_json

    assert loaded.source, "a spec that was read has a source"
    print_text(annotated(loaded.source) if form == "text" else as_json(loaded.source))
