"""What must hold between the fields of a spec, whatever the target.

Each rule names the top-level keys that it reads: when one of them could not be read, the rule
stays silent instead of complaining about the consequences.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko import grammar
from ci_kaniko.conditions import Condition
from ci_kaniko.executors import DISTRIBUTIONS, at_least
from ci_kaniko.findings import Finding, Refused, quoted
from ci_kaniko.flags import FLAGS, GIT_DEPTH, OWNERS, RESERVED, Since, flag_of, owner_of
from ci_kaniko.references import canonical_host, parse_reference
from ci_kaniko.variables import natives, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ci_kaniko.findings import Where
    from ci_kaniko.spec import Spec

_ARGUMENT = re.compile(r"--([a-z][A-Za-z0-9-]*)(=.*)?", re.DOTALL)


class Rule(NamedTuple):
    """A check and the top-level keys that it reads."""

    reads: frozenset[str]
    run: Callable[[Spec], Iterable[Finding]]


RULES: list[Rule] = []


def _rule(*reads: str) -> Callable[..., Callable[[Spec], Iterable[Finding]]]:
    def register(run: Callable[[Spec], Iterable[Finding]]) -> Callable[[Spec], Iterable[Finding]]:
        RULES.append(Rule(frozenset(reads), run))
        return run

    return register


def check(spec: Spec, damaged: Collection[str] = ()) -> Iterator[Finding]:
    """Every finding about a spec; rules that read a damaged key are left out."""
    for rule in RULES:
        if rule.reads.isdisjoint(damaged):
            yield from rule.run(spec)


@_rule("destinations", "push")
def _something_is_pushed(spec: Spec) -> Iterator[Finding]:
    if not spec.destinations and spec.push != "never":
        yield Finding(
            "missing-destination",
            (),
            '"destinations" is missing: nothing would be pushed',
            "list at least one image, such as registry.example.com/team/app:1.0, "
            "or write push: never",
        )
    if spec.destinations and spec.push == "never":
        yield Finding(
            "never-pushed",
            ("push",),
            "the destinations are never used",
            "leave push: out, or remove the destinations",
            severity="warning",
        )


@_rule("destinations")
def _destinations_differ(spec: Spec) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], int] = {}
    for index, destination in enumerate(spec.destinations):
        reference = parse_reference(destination.image)
        key = (reference.host or "docker.io", str(reference.repository), str(reference.tag))
        first = seen.setdefault(key, index)
        if first != index and _overlap(spec.destinations[first].when, destination.when):
            yield Finding(
                "duplicate-destination",
                ("destinations", index),
                f"{quoted(destination.image)} is pushed twice",
                f"destinations[{first}] is the same; several conditions are a list in its when:",
            )


def _overlap(first: tuple[Condition, ...], second: tuple[Condition, ...]) -> bool:
    kinds = {condition.kind for condition in first} & {condition.kind for condition in second}
    return "always" in {condition.kind for condition in (*first, *second)} or bool(kinds)


@_rule("destinations", "push", "triggers")
def _destinations_are_reached(spec: Spec) -> Iterator[Finding]:
    if spec.push == "never":
        return
    for index, destination in enumerate(spec.destinations):
        reasons = [_out_of_reach(spec, condition) for condition in destination.when]
        if all(reasons):
            why, hint = reasons[0] or ("", "")
            yield Finding(
                "never-pushed", ("destinations", index, "when"), f"this never holds: {why}", hint
            )


def _out_of_reach(spec: Spec, condition: Condition) -> tuple[str, str] | None:
    triggers = spec.triggers
    if condition.kind == "pull-request":
        if spec.push == "auto":
            return "pull requests are built and not pushed", "write push: always to push them"
        if triggers and not triggers.pull_requests:
            return "no pull request starts the job", "write pull_requests: true under triggers:"
    if condition.kind == "tag" and triggers and not triggers.tags:
        return "no tag starts the job", "list them under triggers: tags:"
    if condition.kind in {"branch", "default-branch"} and triggers and not triggers.branches:
        return "no branch starts the job", "list them under triggers: branches:"
    if condition.kind == "branch" and not triggers and _all_but_default(spec, condition):
        return (
            "without triggers: only the default branch, tags and pull requests start the job",
            "list the branches under triggers: branches:",
        )
    return None


def _all_but_default(spec: Spec, condition: Condition) -> bool:
    from ci_kaniko.globs import matches

    return spec.default_branch is not None and not any(
        matches(glob, spec.default_branch) for glob in condition.globs
    )


@_rule("triggers")
def _something_starts_the_job(spec: Spec) -> Iterator[Finding]:
    triggers = spec.triggers
    if triggers and not (triggers.branches or triggers.tags or triggers.pull_requests):
        yield Finding(
            "no-trigger",
            ("triggers",),
            "nothing starts the job",
            "name branches, tags or pull_requests, or leave triggers: out",
        )


@_rule("push", "triggers")
def _pull_requests_get_no_credentials(spec: Spec) -> Iterator[Finding]:
    if spec.push == "always" and (spec.triggers is None or spec.triggers.pull_requests):
        yield Finding(
            "credentials-in-pull-request",
            ("push",),
            "pull requests get the registry credentials, and their Dockerfile can read them",
            "push: auto builds them without",
            severity="warning",
        )


@_rule("context", "dockerfile", "context_sub_path")
def _dockerfile_is_in_the_repository(spec: Spec) -> Iterator[Finding]:
    remote = "://" in spec.context
    if spec.context_sub_path and not remote:
        yield Finding(
            "bad-context",
            ("context_sub_path",),
            "a directory context has no sub path",
            f"write context: {grammar.inside_repository(spec.context_sub_path, spec.context)}",
        )
    if spec.dockerfile.startswith(("http://", "https://")):
        return
    base = (spec.context_sub_path or ".") if remote else spec.context
    if grammar.inside_repository(spec.dockerfile, base) is None:
        yield Finding(
            "bad-path",
            ("dockerfile",),
            f"{quoted(spec.dockerfile)} leaves the repository",
            f"its path starts at the context, {quoted(base)}",
        )


@_rule("registries")
def _one_login_per_host(spec: Spec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for host in spec.registries:
        first = seen.setdefault(canonical_host(host), host)
        if first != host:
            yield Finding(
                "duplicate-host",
                ("registries", host),
                f"{quoted(host)} and {quoted(first)} are the same registry",
                f"keep {quoted(first)}",
                on_key=True,
            )


@_rule("build_args", "labels", "extra_args", "context")
def _variables_are_portable(spec: Spec) -> Iterator[Finding]:
    texts: list[tuple[Where, str]] = [(("context",), spec.context)]
    for field in ("build_args", "labels"):
        texts += [((field, key), text) for key, text in getattr(spec, field).items()]
    texts += [(("extra_args", index), text) for index, text in enumerate(spec.extra_args)]
    for where, text in texts:
        for native, portable in natives(text):
            yield Finding(
                "native-variable",
                where,
                f"${native} is passed on as it is written, not replaced",
                f"${{{portable}}} works on every target",
                severity="warning",
            )


@_rule("extra_args", "options")
def _extra_args_are_extra(spec: Spec) -> Iterator[Finding]:
    options = set(type(spec.options).model_fields)
    for index, text in enumerate(spec.extra_args):
        where = ("extra_args", index)
        found = _ARGUMENT.fullmatch(text)
        if not found:
            yield Finding(
                "bad-argument",
                where,
                f"{quoted(text)} is not one argument",
                "one --flag or --flag=value per entry, with the flag's long name",
            )
            continue
        flag = found.group(1)
        owner = owner_of(flag, options)
        if owner or flag in RESERVED:
            hint = f"write {owner}:" if owner else RESERVED[flag]
            yield Finding("owned-argument", where, f"--{flag} is set by ci-kaniko itself", hint)
            continue
        from ci_kaniko.problems import suggest

        close = suggest(flag, [*OWNERS, *(option.replace("_", "-") for option in options)])
        if close:
            yield Finding(
                "unknown-flag",
                where,
                f"no kaniko that ci-kaniko knows has --{flag}",
                f"did you mean {owner_of(close, options)}?",
                severity="warning",
            )


@_rule("executor")
def _the_executor_has_an_image(spec: Spec) -> Iterator[Finding]:
    executor = spec.executor
    distribution = DISTRIBUTIONS[executor.distribution]
    if executor.image is not None:
        yield from _mirror(executor.image)
    elif distribution.image is None:
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
            "Google's kaniko was archived in June 2025 and gets no security fixes",
            "osscontainertools is the same, maintained",
            severity="warning",
        )


def _mirror(image: str) -> Iterator[Finding]:
    where = ("executor", "image")
    name, at, digest = image.partition("@")
    try:
        reference = parse_reference(name)
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


@_rule("options", "executor")
def _options_fit_together(spec: Spec) -> Iterator[Finding]:
    options = spec.options
    if options.compression != "zstd" and (options.compression_level or 0) > 9:
        yield Finding(
            "out-of-range",
            ("options", "compression_level"),
            f"gzip has no level {options.compression_level}; the build would fail late",
            "at most 9, or compression: zstd",
        )
    for host, pair in options.registry_client_cert.items():
        if pair.count(",") != 1:
            yield Finding(
                "bad-certificate",
                ("options", "registry_client_cert", host),
                f"{quoted(pair)} is not a pair of files",
                "certificate and key, joined by one comma: /certs/client.crt,/certs/client.key",
            )
    for index, mirror in enumerate(options.registry_mirror):
        yield from _mirror_host(("options", "registry_mirror", index), mirror)
    for host, mirror in options.registry_map.items():
        yield from _mirror_host(("options", "registry_map", host), mirror)
    for index, path in enumerate(options.ignore_path):
        if not path.startswith("/"):
            yield Finding(
                "bad-path",
                ("options", "ignore_path", index),
                f"{quoted(path)} is not absolute; it would never match",
                f"/{path}",
            )


def _mirror_host(where: Where, mirror: str) -> Iterator[Finding]:
    host = mirror.partition("/")[0]
    if "://" in mirror or not grammar.is_host(host):
        yield Finding(
            "bad-host",
            where,
            f"{quoted(mirror)} does not begin with a host; it would never be found",
            f"{mirror.partition('://')[2] or 'mirror.example.com'}: a host and a path, no scheme",
        )


@_rule("options", "executor", "cache")
def _nothing_is_without_effect(spec: Spec) -> Iterator[Finding]:
    options, executor = spec.options, spec.executor
    version = executor.version or DISTRIBUTIONS[executor.distribution].version
    if options.skip_tls_verify_pull:
        yield _no_effect(
            ("options", "skip_tls_verify_pull"),
            "every executor accepts this flag and none reads it",
            "skip_tls_verify_registry names the hosts, for push and pull",
        )
    if spec.cache and spec.cache.ttl and not re.search("[1-9]", spec.cache.ttl.partition("-")[0]):
        yield _no_effect(
            ("cache", "ttl"),
            "with this age every entry counts as expired, so nothing is ever found",
            "a positive duration, or leave ttl: out for two weeks",
        )
    if executor.distribution == "osscontainertools" and at_least(version, "v1.27.0"):
        for name in ("skip_unused_stages", "force_build_metadata"):
            if getattr(options, name):
                yield _no_effect(
                    ("options", name),
                    "this executor always does so since v1.27.0",
                    f"remove {name}:",
                )
    if options.image_name_with_digest_file and options.image_name_tag_with_digest_file:
        yield _no_effect(
            ("options", "image_name_with_digest_file"),
            "beside image_name_tag_with_digest_file both files hold the tag",
            "keep one of them",
        )


def _no_effect(where: Where, message: str, hint: str) -> Finding:
    return Finding("no-effect", where, message, hint, severity="warning")


@_rule("executor", "options", "annotations", "git")
def _the_executor_has_the_flags(spec: Spec) -> Iterator[Finding]:
    executor = spec.executor
    version = executor.version or DISTRIBUTIONS[executor.distribution].version
    for where, flag, since in _flags_in_use(spec):
        first = getattr(since, executor.distribution)
        if not at_least(version, first):
            yield Finding(
                "unsupported-flag",
                where,
                f"kaniko {version} of {executor.distribution} has no {flag}",
                "it is in " + ", ".join(_releases(since)),
            )


def _flags_in_use(spec: Spec) -> Iterator[tuple[Where, str, Since]]:
    for name in type(spec.options).model_fields:
        if getattr(spec.options, name) not in (None, (), {}):
            yield ("options", name), f"--{flag_of(name)}", FLAGS[flag_of(name)]
    if spec.annotations:
        yield ("annotations",), "--annotation", FLAGS["annotation"]
    if spec.git.depth:
        yield ("git", "depth"), "--git=depth", GIT_DEPTH


def _releases(since: Since) -> Iterator[str]:
    for distribution, version in since._asdict().items():
        if version:
            yield f"{distribution} since {version}"


@_rule("executor", "options")
def _formats_fit_together(spec: Spec) -> Iterator[Finding]:
    options = spec.options
    conflicts = (
        (
            options.compression == "zstd" and options.image_format == "docker",
            "image_format",
            "a docker image cannot hold zstd layers",
            "image_format: oci",
        ),
        (
            bool(options.tar_path) and options.image_format == "oci",
            "image_format",
            "tar_path writes docker archives only",
            "oci_layout_path: for an OCI image",
        ),
        (
            bool(options.tar_path) and options.compression == "zstd",
            "compression",
            "tar_path writes docker archives, which cannot hold zstd layers",
            "compression: gzip",
        ),
    )
    for conflict, name, message, hint in conflicts:
        if conflict:
            yield Finding("conflicting-options", ("options", name), message, hint)
    if options.compression == "zstd" and options.image_format is None:
        yield _no_effect(
            ("options", "compression"),
            "zstd is ignored for images whose base is in docker format",
            "image_format: oci, which osscontainertools has since v1.28.1",
        )
