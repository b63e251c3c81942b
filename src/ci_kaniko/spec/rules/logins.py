"""Rules on logins and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.spec.rules.rule import build_rule, spec_rule
from ci_kaniko.spec.rules.texts import about_texts
from ci_kaniko.spec.told import once_for_images
from ci_kaniko.syntax.references import canonical_host
from ci_kaniko.syntax.variables import NATIVE, inputs_in
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build, SpecFields
    from ci_kaniko.spec.native.kubernetes import Toleration
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


@build_rule("kubernetes.tolerations[]", "buildkite.tolerations[]")
def _tolerations_are_complete(spec: Build) -> Iterator[Finding]:
    for section in ("kubernetes", "buildkite"):
        for index, item in enumerate(getattr(spec, section).tolerations):
            where = (section, "tolerations", index)
            if why := _bad_toleration(item):
                yield Finding("kubernetes-toleration", where, *why)


def _bad_toleration(item: Toleration) -> tuple[str, str] | None:
    if item.operator == "Exists" and item.value is not None:
        return "Exists takes no value", "remove value:, or operator: Exists"
    if item.operator == "Equal" and item.key is None:
        return "without a key only Exists tolerates something", "add key:"
    return None


@spec_rule("registries", "push", "triggers", "destinations[]", "outputs[]")
def _identities_are_there_in_requests(spec: SpecFields) -> Iterator[Finding]:
    """What Buildkite's agent hands to a job, it hands to that of a request as well."""
    found = ((build, item) for build in spec.builds for item in _identities(build, spec))
    yield from once_for_images(found, len(spec.builds))


def _identities(build: Build, spec: SpecFields) -> Iterator[Finding]:
    asked = build.triggers is None or build.triggers.pull_requests or build.triggers.pipelines
    for host, registry in build.registries.items() if asked and build.push == "auto" else ():
        login = registry.on("buildkite")
        meant = registry.buildkite or spec.outputs.buildkite or host == "packages.buildkite.com"
        if login and meant and login.by_identity:
            from ci_kaniko.spec.pushed import pushed_hosts

            if canonical_host(host) in pushed_hosts(build):
                yield Finding(
                    "credentials-in-pull-request",
                    ("registries", host, *(("buildkite",) if registry.buildkite else ())),
                    "Buildkite's agent gives this identity to builds of pull requests, too, and "
                    "their Dockerfile can ask for it",
                    "let the policy of the registry or cloud refuse them, or leave pull_requests "
                    "out of triggers:",
                    severity="warning",
                )


@build_rule("registries", "push", "triggers", "destinations[]", "github", "git", "context")
def _tokens_are_there_in_requests(spec: Build) -> Iterator[Finding]:
    """What fetches the repository in GitHub's container mode may be what pushes as well."""
    requests = spec.triggers is None or spec.triggers.pull_requests
    fetched = spec.context.is_directory and spec.git.token is None
    if spec.github.mode != "container" or spec.push != "auto" or not (requests and fetched):
        return
    from ci_kaniko.spec.pushed import pushed_hosts

    for host, registry in spec.registries.items():
        login = registry.on("github")
        if login and login.kind == "ci-token" and canonical_host(host) in pushed_hosts(spec):
            yield Finding(
                "credentials-in-pull-request",
                ("registries", host),
                "in GitHub's container mode the token that pushes here also fetches the "
                "repository for pull requests, and their Dockerfile can read it",
                "git: {token: NAME} fetches with another one",
                severity="warning",
            )
