"""Rules on where a secret's name may stand."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import NAMES, known_names, system
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.rules.logins import SECRET_WORD
from ci_kaniko.spec.rules.rule import build_rule, spec_rule
from ci_kaniko.spec.rules.texts import about_texts, read_at_run_time
from ci_kaniko.spec.texts import (
    CI_TOKENS,
    SECRETS_BY_NAME,
    is_reference,
    secrets_of,
    texts_of,
    variables_of,
)
from ci_kaniko.syntax.variables import ENV_PREFIX, names, parts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.spec.build import NamedImage, SpecFields
    from ci_kaniko.spec.texts import Text


@about_texts
def _secrets_are_in_no_text(spec: Build, field: str, texts: list[Text]) -> Iterator[Finding]:
    templates = read_at_run_time(texts)
    if templates and not spec.name:
        secrets = secrets_of(spec)
        for text in templates:
            yield from _secrets_in(text, secrets)


@spec_rule("images[]")
def _secrets_of_one_image_are_in_no_text_of_another(spec: SpecFields) -> Iterator[Finding]:
    templates: list[tuple[NamedImage, Text]] = []
    seen: set[int] = set()
    for image in spec.images.values():
        read = (str(at[0]) for at, name in variables_of(image) if name.startswith(ENV_PREFIX))
        for field in dict.fromkeys(read):
            value = getattr(image, field)
            if id(value) not in seen:
                seen.add(id(value))
                texts = texts_of(image, field, Build)
                templates += ((image, text) for text in read_at_run_time(texts))
    if not templates:
        return
    secrets = {name for image in spec.images.values() for name in secrets_of(image)}
    found = (
        finding._replace(where=image.at(finding.where))
        for image, text in templates
        for finding in _secrets_in(text, secrets)
    )
    yield from dict.fromkeys(found)


def _secrets_in(text: Text, secrets: Collection[str]) -> Iterator[Finding]:
    """The run-time variables of a text that are secrets, or are called as if they were."""
    hint = "build_secrets: hands a secret to RUN --mount=type=secret, and no text holds it"
    if text.where[0] in {"destinations", "cache"}:
        hint = "an image's name is no secret: write it as text, a user's name in it as well"
    for name in names(parts_of(text.text)):
        short = name.removeprefix(ENV_PREFIX)
        if short == name:
            continue
        if short in secrets or short in CI_TOKENS:
            what = "a secret of this spec" if short in secrets else "a token of the CI"
            yield Finding(
                "secret-in-text",
                text.where,
                f"${{{name}}} is {what}, and this text is readable in logs and in the image",
                hint,
                on_key=text.on_key,
            )
        elif SECRET_WORD.search(short):
            yield Finding(
                "secret-in-text",
                text.where,
                f"${{{name}}} is called like a secret, and this text is readable in logs "
                "and in the image",
                hint,
                severity="warning",
                on_key=text.on_key,
            )


@build_rule(*(f"{target}.extra[]" for target in NAMES), "registries[]", "build_secrets[]")
def _extra_holds_no_secret(spec: Build) -> Iterator[Finding]:
    secrets: set[str] | None = None
    for target in known_names():
        for text in texts_of(getattr(spec, target), "extra", type(getattr(spec, target))):
            key = next((step for step in reversed(text.where) if isinstance(step, str)), "")
            named = text.on_key or not SECRETS_BY_NAME.isdisjoint(text.where)
            if named or not text.text or is_reference(text.text):
                continue
            if secrets is None:
                secrets = secrets_of(spec)
            if key in secrets or SECRET_WORD.search(key):
                yield Finding(
                    "written-secret",
                    (target, *text.where),
                    f"the value of {quoted(key)} is written down, and everybody can read it",
                    system(target).keeps_secrets,
                    secret=True,
                )
