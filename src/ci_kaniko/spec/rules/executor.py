"""Rules on the executor and its release."""

from __future__ import annotations

from ci_kaniko.kaniko.executors import DEFAULT, DISTRIBUTIONS, at_least
from ci_kaniko.kaniko.flags import FLAGS, GIT_DEPTH, Since, fields_below, flag_of
from ci_kaniko.problems.finding import Finding, Refused, no_effect, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.executor import (
    SUFFIXES,
    has_own_tag,
    own_version,
    repository_of,
    version_of,
)
from ci_kaniko.spec.rules.rule import build_rule
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.references import Reference
from ci_kaniko.syntax.variables import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build


@build_rule("executor.distribution", "executor.image")
def _the_executor_has_an_image(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    distribution = DISTRIBUTIONS[executor.distribution]
    if executor.image is None and distribution.image is None:
        yield Finding(
            "missing-image",
            ("executor", "distribution"),
            f"{executor.distribution} publishes no image that everybody can pull",
            "name your own: image: registry.example.com/mirror/kaniko",
        )
    if distribution.frozen:
        yield Finding(
            "frozen-image",
            ("executor", "distribution"),
            distribution.frozen,
            f"{DEFAULT} is the same, maintained",
            severity="warning",
        )


@build_rule("executor.image")
def _mirrors_are_images(spec: Build) -> Iterator[Finding]:
    image = spec.executor.image
    if image is None:
        return
    where = ("executor", "image")
    name, at, digest = image.partition("@")
    try:
        reference = Reference(name)
        if at:
            grammar.check_digest(digest)
    except Refused as refused:
        yield Finding(refused.rule, where, refused.message, refused.hint)
        return
    if reference.tag and not at and not any(c.isdigit() for c in text_of(reference.tag)):
        yield Finding(
            "floating-image",
            where,
            f"{quoted(image)} is another kaniko tomorrow",
            "name a release, or leave the tag out: the version and variant are appended",
            severity="warning",
        )


@build_rule("executor.distribution", "executor.image")
def _the_image_is_of_the_distribution(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    repository = repository_of(executor)
    for name, known in DISTRIBUTIONS.items():
        if repository == known.image and name != executor.distribution:
            yield Finding(
                "conflicting-options",
                ("executor", "image"),
                f"{quoted(repository)} is the kaniko of {name}, not of {executor.distribution}",
                f"write distribution: {name} beside it",
            )


@build_rule("executor.distribution", "executor.version", "executor.digests", "executor.image")
def _digests_belong_to_a_version(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    digests = executor.digests
    if has_own_tag(executor):
        for name, digest in digests:
            if digest:
                yield Finding(
                    "conflicting-options",
                    ("executor", "digests", name),
                    f"image: {executor.image} is used as it is, so this pins nothing",
                    "image: REPOSITORY:TAG@DIGEST pins it; an image without a tag takes these",
                )
        own = own_version(executor)
        if executor.version and own and own != executor.version:
            yield Finding(
                "conflicting-options",
                ("executor", "version"),
                f"image: {executor.image} is another release, and it is the one that runs",
                f"write {own}",
            )
        return
    version = version_of(executor)
    for name, digest in digests:
        tag = (digest or "").partition("@")[0]
        if tag and tag != f"{version}{SUFFIXES[name]}":
            yield Finding(
                "digest-of-another-release",
                ("executor", "digests", name),
                f"{tag} is another release than {version}, and its digest would win",
                "remove it, and ci-kaniko pin writes the one that belongs here",
            )


@build_rule("executor.distribution", "executor.version", "destinations[]")
def _localhost_is_a_registry(spec: Build) -> Iterator[Finding]:
    if DISTRIBUTIONS[spec.executor.distribution].reads_localhost or not spec.kaniko_builds:
        return
    for index, destination in enumerate(spec.destinations):
        if destination.image.host == "localhost":
            yield Finding(
                "bad-reference",
                ("destinations", index),
                "this kaniko takes localhost for a namespace of Docker Hub",
                "add the port: localhost:5000/...",
            )


@build_rule("executor.distribution", "executor.version", "options[]")
def _flags_are_not_outdated(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    if executor.distribution != "osscontainertools" or not spec.kaniko_builds:
        return
    for name, flag in fields_below("options").items():
        always = FLAGS[flag].always
        if always and getattr(spec.options, name) and at_least(version_of(executor), always):
            yield no_effect(
                ("options", name),
                f"this executor always does so since {always}",
                f"remove {name}:",
            )


@build_rule("executor.distribution", "executor.version", "options[]", "annotations[]", "git")
def _the_executor_has_the_flags(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    version = version_of(executor)
    for where, flag, since in _flags_in_use(spec):
        first = getattr(since, executor.distribution)
        if not at_least(version, first):
            yield Finding(
                "unsupported-flag",
                where,
                f"kaniko {version} of {executor.distribution} has no {flag}",
                f"it is in {since.spelled}",
                on_key=True,
            )


def _flags_in_use(spec: Build) -> Iterator[tuple[Where, str, Since]]:
    for name in type(spec.options).model_fields:
        value = getattr(spec.options, name)
        if value is not None and (value not in ((), {}) or name == "credential_helpers"):
            yield ("options", name), f"--{flag_of(name)}", FLAGS[flag_of(name)].since
    for where, flag in _fields_in_use(spec):
        yield where, f"--{flag}", FLAGS[flag].since
    if spec.git.depth:
        yield ("git", "depth"), "--git=depth", GIT_DEPTH


def _fields_in_use(spec: Build) -> Iterator[tuple[Where, str]]:
    """Flags that other fields than the options lead to."""
    fields: dict[Where, tuple[object, str]] = {
        ("build_secrets",): (spec.build_secrets, "secret"),
        ("annotations",): (spec.annotations, "annotation"),
        ("labels",): (spec.labels, "label"),
        ("target",): (spec.target, "target"),
        ("context_sub_path",): (spec.context_sub_path, "context-sub-path"),
        ("certificates",): (spec.certificates, "registry-certificate"),
        ("client_certificates",): (spec.client_certificates, "registry-client-cert"),
        ("executor", "version"): (spec.push != "always", "no-push"),
    }
    if spec.cache:
        fields |= {
            ("cache", name): (getattr(spec.cache, name) is not None, flag)
            for name, flag in fields_below("cache").items()
        }
        # A run that does not push must not push cached layers either.
        fields[("cache",)] = (spec.cache.remote, "no-push-cache")
    for name, value in spec.git:
        if name not in {"token", "username", "depth"}:
            fields[("git", name)] = (value is not None, "git")
    for where, (used, flag) in fields.items():
        if used:
            yield where, flag
