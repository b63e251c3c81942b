"""Rules on logins and secrets."""

from __future__ import annotations

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.rules.rule import build_rule
from ci_kaniko.spec.rules.texts import about_texts
from ci_kaniko.syntax.references import canonical_host
from ci_kaniko.syntax.variables import NATIVE, inputs_in
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.texts import Text


SECRET_WORD = pattern(r"(?i)(?:^|_)(?:token|password|passwd|secret|api_?key|private_?key)s?$")


def _by_default(spec: Build, host: str) -> str:
    """The host that an input is when nobody gives it."""
    given = [spec.inputs[name].default for name in inputs_in(host) if name in spec.inputs]
    return next((text for text in given if text), host)


@build_rule("registries[]", "inputs")
def _one_login_per_host(spec: Build) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for host, registry in spec.registries.items():
        first = seen.setdefault(canonical_host(_by_default(spec, host)), host)
        if first != host:
            yield Finding(
                "duplicate-host",
                ("registries", host),
                f"{quoted(host)} and {quoted(first)} are the same registry"
                + " when nobody gives the input" * bool(inputs_in(host) or inputs_in(first)),
                f"keep {quoted(first)}",
                on_key=True,
            )
        if not any(getattr(registry, name) for name in type(registry).model_fields):
            yield Finding(
                "bad-login",
                ("registries", host),
                f"{quoted(host)} has no login",
                "{username: NAME, password: NAME_OF_A_SECRET}, ci-token or anonymous",
                on_key=True,
            )


@about_texts
def _secrets_are_no_variables_of_the_ci(
    spec: Build, field: str, texts: list[Text]
) -> Iterator[Finding]:
    for text in texts:
        if text.kind == "secret" and text.text in NATIVE:
            yield Finding(
                "reserved-name",
                text.where,
                f"{quoted(text.text)} is a variable of the CI and no secret",
                "the name of a secret that you create, such as REGISTRY_PASSWORD",
            )


@build_rule("build_args[]")
def _build_args_are_public(spec: Build) -> Iterator[Finding]:
    for name, text in spec.build_args.items():
        if text and SECRET_WORD.search(name):
            yield Finding(
                "public-build-arg",
                ("build_args", name),
                f"whoever pulls the image can read the build arg {quoted(name)}",
                "build_secrets: hands a secret to RUN --mount=type=secret",
                severity="warning",
                secret=True,
            )
