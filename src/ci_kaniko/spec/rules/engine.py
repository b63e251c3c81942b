"""What must hold between the fields of a spec, whatever the target.

Each rule names what it reads: ``cache.ttl`` one field, ``destinations[]`` the entries one by one.
When a part could not be read, the rules that read it stay silent instead of complaining about the
consequences; entries that could not be read do not silence a rule about the others.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.kaniko.executors import DISTRIBUTIONS, at_least, has_own_tag, own_version, version_of
from ci_kaniko.kaniko.flags import FLAGS, GIT_DEPTH, OWNERS, RESERVED, Since, flag_of, owner_of
from ci_kaniko.plan.clouds import is_azure_blob
from ci_kaniko.problems.finding import Finding, Refused, dotted, quoted, told_once, unheard_by_all
from ci_kaniko.problems.problem import suggest
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.fields import TARGETS
from ci_kaniko.spec.texts import (
    CI_TOKENS,
    ENV_READ,
    SECRETS_BY_NAME,
    is_reference,
    secrets_of,
    texts_of,
    texts_with_variables,
)
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import Condition
from ci_kaniko.syntax.globs import any_matches, check_branch, is_literal, matches, split
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, parse_reference
from ci_kaniko.syntax.variables import (
    ENV_PREFIX,
    NATIVE,
    names,
    natives,
    parse,
    text_of,
    written_variables,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import NamedImage, Spec
    from ci_kaniko.spec.native.kubernetes import Toleration
    from ci_kaniko.spec.texts import Text
    from ci_kaniko.syntax.variables import Native

_ARGUMENT = pattern(r"--([a-z][A-Za-z0-9-]*)(=.*)?", re.DOTALL)
_TWO_WORDS = pattern(r"(--[a-z][a-z0-9-]*) +(\S+)")
_SECRET_WORD = pattern(r"(?i)(?:^|_)(?:token|password|passwd|secret|api_?key|private_?key)s?$")
_INDEX_DOCKER = f"index.{DOCKER_HUB}"


class Rule(NamedTuple):
    """A check and what it reads."""

    reads: tuple[str, ...]
    run: Callable[[Any], Iterable[Finding]]


RULES: list[Rule] = []
WHOLE: list[Rule] = []
"""The rules about one build, and those about all of a spec."""


def _rule(*reads: str) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    return _registered(RULES, reads)


def _whole_rule(*reads: str) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    return _registered(WHOLE, reads)


def _registered(
    rules: list[Rule], reads: tuple[str, ...]
) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    def register(run: Callable[[Any], Iterable[Finding]]) -> None:
        rules.append(Rule(reads, run))

    return register


def check(spec: Spec) -> list[Finding]:
    """Every finding about a spec; what the top says for several images is reported once."""
    found = told_once(check_builds(spec.builds), len(spec.builds))
    return with_unheard(spec, [*found, *check_whole(spec)])


def with_unheard(spec: Spec, found: list[Finding]) -> list[Finding]:
    """Findings, and what nothing hears: whoever mends an error may mend that, too."""
    if any(finding.severity == "error" for finding in found):
        return found
    from ci_kaniko.spec.rules.unheard import unheard

    return [*found, *unheard(spec)]


def check_build(build: Build, damaged: Collection[Where] = ()) -> Iterator[Finding]:
    """Every finding about one image, at places relative to it."""
    return _run(RULES, build, damaged)


def check_builds(
    builds: Iterable[Build], damaged: Collection[Where] = ()
) -> Iterator[tuple[Build, Finding]]:
    """Every finding about each of several images.

    A rule that has looked only at what an image has from the top says the same about the next.
    ``asked`` has, for images that differ from others in the same parts, what is left to ask.
    """
    rules = _undamaged(RULES, damaged)
    answers: dict[int, tuple[set[str], list[Finding]]] = {}
    asked: dict[frozenset[str], list[Rule | list[Finding]]] = {}
    for build in builds:
        own = build.differs
        if own is None or own in asked:
            for step in rules if own is None else asked[own]:
                findings = step if isinstance(step, list) else step.run(build)
                yield from ((build, finding) for finding in findings)
            continue
        steps: list[Rule | list[Finding]] = []
        asked[own] = steps
        for number, rule in enumerate(rules):
            read, found = answers.get(number, (None, []))
            if read is None or not read.isdisjoint(own):
                watched = _Watched(build)
                read, found = watched.read, list(rule.run(watched))
            if read.isdisjoint(own):
                answers[number] = (read, found)
                steps += [found] if found else []
            else:
                steps.append(rule)
            yield from ((build, finding) for finding in found)


class _Watched:
    """A build that notes which of its parts a rule reads."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._build, name)


def check_whole(spec: Spec, damaged: Collection[Where] = ()) -> Iterator[Finding]:
    """Every finding about what the images of a spec have to do with one another."""
    return _run(WHOLE, spec, damaged)


def _run(rules: list[Rule], part: Build | Spec, damaged: Collection[Where]) -> Iterator[Finding]:
    for rule in _undamaged(rules, damaged):
        yield from rule.run(part)


def _undamaged(rules: list[Rule], damaged: Collection[Where]) -> list[Rule]:
    return [rule for rule in rules if not _is_damaged(rule, damaged)] if damaged else rules


def _is_damaged(rule: Rule, damaged: Collection[Where]) -> bool:
    return any(_touches(read, where) for read in rule.reads for where in damaged)


def _touches(read: str, where: Where) -> bool:
    """Whether what is damaged at ``where`` is read."""
    steps = tuple(read.removesuffix("[]").split("."))
    shared = min(len(steps), len(where))
    within = read.endswith("[]") and len(where) > len(steps)
    return where[:shared] == steps[:shared] and not within


@_rule("destinations", "push")
def _something_is_pushed(spec: Build) -> Iterator[Finding]:
    if not spec.destinations and spec.push != "never":
        yield Finding(
            "missing-destination",
            ("destinations",),
            '"destinations" is missing: nothing would be pushed',
            "list at least one image, such as registry.example.com/team/app:1.0, "
            "or set push: never",
            on_key=True,
        )
    if spec.destinations and spec.push == "never":
        yield Finding(
            "never-pushed",
            ("push",),
            "the destinations are never used",
            "leave push: out, or remove the destinations",
            severity="warning",
        )


@_rule("destinations[]")
def _destinations_differ(spec: Build) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], int] = {}
    for index, destination in enumerate(spec.destinations):
        reference = parse_reference(destination.image)
        tag = text_of(reference.tag) or "latest"
        key = (reference.host or DOCKER_HUB, text_of(reference.repository), tag)
        first = spec.destinations[seen.setdefault(key, index)]
        if first is not destination and _overlap(first.when, destination.when):
            same = "" if first.image == destination.image else f": {first.image} is the same"
            yield Finding(
                "duplicate-destination",
                ("destinations", index),
                f"{quoted(destination.image)} is pushed twice{same}",
                "keep one of the two; its when: can list several conditions",
            )


def _overlap(first: tuple[Condition, ...], second: tuple[Condition, ...]) -> bool:
    both = (*first, *second)
    return Condition("always") in both or any(
        one.kind == other.kind
        and (not one.globs or {*split(one.globs)[0]} & {*split(other.globs)[0]})
        for one in first
        for other in second
    )


@_rule("destinations[]", "push", "triggers", "default_branch")
def _destinations_are_reached(spec: Build) -> Iterator[Finding]:
    if spec.push == "never":
        return
    for index, destination in enumerate(spec.destinations):
        reasons = [_out_of_reach(spec, condition) for condition in destination.when]
        if all(reasons):
            why, hint = reasons[0] or ("", "")
            yield Finding(
                "never-pushed", ("destinations", index, "when"), f"this never holds: {why}", hint
            )


def _out_of_reach(spec: Build, condition: Condition) -> tuple[str, str] | None:
    triggers = spec.triggers
    kind = condition.kind
    if kind in _OWN_TRIGGERS:
        return _event_out_of_reach(spec, kind)
    if kind == "always" or (triggers and triggers.starts_any_ref):
        return None
    if kind == "tag":
        if triggers and not _started(triggers.tags, condition.globs):
            return "no such tag starts the job", "list it under triggers: tags:"
        return None
    return _branch_out_of_reach(spec, condition)


_OWN_TRIGGERS = {
    "pull-request": ("pull_requests", "pull request", "pull_requests: true"),
    "schedule": ("schedules", "schedule", 'schedules: ["30 3 * * 1"]'),
    "manual": ("manual", "run by hand", "manual: true"),
}


def _event_out_of_reach(spec: Build, kind: str) -> tuple[str, str] | None:
    """A condition that asks for an event is no trigger."""
    if kind == "pull-request" and spec.push == "auto":
        return "pull requests are built and not pushed", "push: always pushes them too"
    field, event, line = _OWN_TRIGGERS[kind]
    triggers = spec.triggers
    if triggers is None and kind != "pull-request":
        usual = f'branches: [{spec.default_branch or "main"}], tags: ["**"], pull_requests: true'
        return (
            f"without triggers: no {event} starts the job",
            f"triggers: {{{usual}, {line}}} adds it to what starts it now",
        )
    if triggers and not getattr(triggers, field):
        return f"no {event} starts the job", f"add {line} under triggers:"
    return None


def _branch_out_of_reach(spec: Build, condition: Condition) -> tuple[str, str] | None:
    default = spec.default_branch
    wanted = condition.globs or ((default,) if default else ("**",))
    if spec.triggers and not _started(spec.triggers.branches, wanted):
        return "no such branch starts the job", "list it under triggers: branches:"
    if not spec.triggers and default and not any_matches(wanted, default):
        return (
            "without triggers: only the default branch, tags and pull requests start the job",
            "list the branches under triggers: branches:",
        )
    return None


def _started(triggers: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a trigger may cover what is wanted; two patterns are taken to overlap."""
    return any(
        matches(trigger, glob)
        if is_literal(glob)
        else not is_literal(trigger) or matches(glob, trigger)
        for trigger in split(triggers)[0]
        for glob in split(wanted)[0]
    )


@_rule("destinations[]", "push")
def _tags_can_be_tags_of_images(spec: Build) -> Iterator[Finding]:
    """A git tag with a folder is no tag of an image, so the job could only fail."""
    for index, destination in enumerate(spec.destinations if spec.push != "never" else ()):
        folders = [
            next((glob for glob in split(condition.globs)[0] if "/" in glob), "")
            for condition in destination.when
            if condition.kind == "tag" and all("/" in glob for glob in split(condition.globs)[0])
        ]
        if "tag" in names(parse_reference(destination.image).tag) and any(folders):
            yield Finding(
                "unsafe-variable",
                ("destinations", index),
                f"${{tag}} holds the / of {quoted(next(filter(None, folders)))} there, "
                "and a tag of an image cannot",
                "${ref.tag} has - in its place",
            )


@_rule("destinations", "push", "triggers")
def _not_only_requests_start_the_job(spec: Build) -> Iterator[Finding]:
    triggers = spec.triggers
    if spec.destinations and spec.push == "auto" and triggers and triggers.only_requests:
        yield Finding(
            "never-pushed",
            ("triggers", "pull_requests"),
            "only pull requests start the job, and they are built and not pushed",
            "push: never says so, and needs no destinations and no login",
            severity="warning",
            on_key=True,
        )


@_rule("triggers")
def _something_starts_the_job(spec: Build) -> Iterator[Finding]:
    triggers = spec.triggers
    if triggers and not triggers.starts_something:
        why = ": paths leave out what would start it" if triggers.paths else ""
        yield Finding(
            "no-trigger",
            ("triggers",),
            f"nothing starts the job{why}",
            "name branches, tags or pull_requests, or leave triggers: out",
        )


@_rule("push", "triggers.pull_requests")
def _pull_requests_get_no_credentials(spec: Build) -> Iterator[Finding]:
    if spec.push == "always" and (spec.triggers is None or spec.triggers.pull_requests):
        yield Finding(
            "credentials-in-pull-request",
            ("push",),
            "pull requests get the registry credentials, and their Dockerfile can read them",
            "push: auto builds them without",
            severity="warning",
        )


_BRANCHES = (("default_branch",), ("git", "branch"))


@_rule("default_branch", "git.branch")
def _branches_are_names(spec: Build) -> Iterator[Finding]:
    named: tuple[tuple[Where, str | None], ...] = (
        (("default_branch",), spec.default_branch),
        (("git", "branch"), spec.git.branch),
    )
    for where, name in named:
        try:
            check_branch(name or "main")
        except Refused as refused:
            hint = "the name as git shows it, such as main"
            if refused.rule == "native-variable":
                yield Finding(refused.rule, where, f"{quoted(str(name))} is not replaced", hint)
            else:
                yield Finding("bad-branch", where, f"{quoted(str(name))} is not a branch", hint)


@_rule("context", "dockerfile", "context_sub_path")
def _dockerfile_is_in_the_repository(spec: Build) -> Iterator[Finding]:
    remote = "://" in spec.context
    if spec.context_sub_path and not remote:
        whole = grammar.inside_repository(spec.context_sub_path, spec.context)
        yield Finding(
            "bad-context",
            ("context_sub_path",),
            "a directory context has no sub path",
            f"it is one path, context: {whole}" if whole else "name the directory itself",
        )
        return
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


@_rule("registries[]")
def _one_login_per_host(spec: Build) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for host, registry in spec.registries.items():
        first = seen.setdefault(canonical_host(host), host)
        if first != host:
            yield Finding(
                "duplicate-host",
                ("registries", host),
                f"{quoted(host)} and {quoted(first)} are the same registry",
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


_ABOUT_TEXTS: list[Callable[[Build, str, list[Text]], Iterable[Finding]]] = []


def _about_texts(check: Callable[[Build, str, list[Text]], Iterable[Finding]]) -> None:
    """A check of the texts of a field, whichever it is."""
    _ABOUT_TEXTS.append(check)


def _texts_are_checked(field: str, spec: Build) -> list[Finding]:
    texts = texts_of(spec, field, Build)
    if not texts:
        return []
    return [finding for check in _ABOUT_TEXTS for finding in check(spec, field, texts)]


# One rule for each field: what images share is asked once.
RULES += (Rule((f"{field}[]",), partial(_texts_are_checked, field)) for field in Build.model_fields)


@_about_texts
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


@_whole_rule("outputs[]")
def _files_are_called_as_written(spec: Spec) -> Iterator[Finding]:
    yield from _native_variables(texts_of(spec, "outputs", type(spec)), "outputs")


@_about_texts
def _variables_are_portable(spec: Build, field: str, texts: list[Text]) -> Iterator[Finding]:
    yield from _native_variables(texts, field)


def _native_variables(texts: Iterable[Text], field: str) -> Iterator[Finding]:
    for text in texts:
        if text.kind in {"secret", "command", "native"} or text.where in _BRANCHES:
            continue
        if text.kind == "name":
            yield from _replaced_nowhere(text, field)
            continue
        for native in natives(text.text):
            if native.target != field:
                yield Finding(
                    "native-variable",
                    text.where,
                    f"{native.written} is passed on as it is written, not replaced",
                    _instead_of(native, text),
                    severity="warning",
                    on_key=text.on_key,
                )


def _replaced_nowhere(text: Text, target: str) -> Iterator[Finding]:
    for written in written_variables(text.text)[:1]:
        yield Finding(
            "native-variable",
            text.where,
            f"{written} stays as it is written: {target} replaces no variable here",
            "write what it stands for",
            severity="warning",
        )


def _instead_of(native: Native, text: Text) -> str:
    if text.kind != "template" or (text.where == ("context",) and "://" not in text.text):
        rest = text.text.removeprefix(native.written).lstrip("/")
        if native.name in {"CI_PROJECT_DIR", "GITHUB_WORKSPACE", "github.workspace"}:
            return f"paths start at the root of the repository: write {rest or '.'}"
        return "no variable is replaced in this field: write what it stands for"
    if native.portable:
        return f"${{{native.portable}}} works on every target"
    return "the names that work on every target are in docs/spec.md; ${env.NAME} is one of yours"


@_about_texts
def _secrets_are_in_no_text(spec: Build, field: str, texts: list[Text]) -> Iterator[Finding]:
    templates = _read_at_run_time(texts)
    if templates and not spec.name:
        secrets = secrets_of(spec)
        for text in templates:
            yield from _secrets_in(text, secrets)


_DEFAULTS = {name: field.default for name, field in Build.model_fields.items()}


@_whole_rule("images[]")
def _secrets_of_one_image_are_in_no_text_of_another(spec: Spec) -> Iterator[Finding]:
    templates: list[tuple[NamedImage, Text]] = []
    seen: set[int] = set()
    for image in spec.images.values():
        for field, default in _DEFAULTS.items():
            value = getattr(image, field)
            if value is not default and id(value) not in seen:
                seen.add(id(value))
                texts = texts_of(image, field, Build)
                templates += ((image, text) for text in _read_at_run_time(texts))
    if not templates:
        return
    secrets = {name for image in spec.images.values() for name in secrets_of(image)}
    found = (
        finding._replace(where=image.at(finding.where))
        for image, text in templates
        for finding in _secrets_in(text, secrets)
    )
    yield from dict.fromkeys(found)


_BY_OUTSIDERS = frozenset(
    f"GITHUB_{name}" for name in ("HEAD_REF", "REF", "REF_NAME", "ACTOR", "TRIGGERING_ACTOR")
)
"""What whoever opens a pull request chooses, or what is another text in one."""


@_about_texts
def _variables_of_the_ci_are_not_yours(
    spec: Build, field: str, texts: list[Text]
) -> Iterator[Finding]:
    """A variable of a repository cannot be called so: the runner has its own in its place."""
    for text in _read_at_run_time(texts):
        for name in names(parse(text.text)):
            short = name.removeprefix(ENV_PREFIX)
            if name == short or not short.startswith("GITHUB_") or short in CI_TOKENS:
                continue
            why = "GitHub's own variable, and other targets have none"
            if short in _BY_OUTSIDERS:
                why = "GitHub's own variable, and who opens a pull request decides what it is there"
            portable = NATIVE.get(short, "ref.name" if short == "GITHUB_HEAD_REF" else "")
            yield Finding(
                "native-variable",
                text.where,
                f"${{{name}}} is {why}",
                f"${{{portable}}} works on every target"
                if portable
                else "${env.NAME} is for a variable of your own, under a name of yours",
                severity="warning",
                on_key=text.on_key,
            )


def _read_at_run_time(texts: list[Text]) -> list[Text]:
    return [text for text in texts if text.kind == "template" and ENV_READ in text.text]


def _secrets_in(text: Text, secrets: Collection[str]) -> Iterator[Finding]:
    """The run-time variables of a text that are secrets, or are called as if they were."""
    hint = "build_secrets: hands a secret to RUN --mount=type=secret, and no text holds it"
    if text.where[0] in {"destinations", "cache"}:
        hint = "an image's name is no secret: write it as text, a user's name in it as well"
    for name in names(parse(text.text)):
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
        elif _SECRET_WORD.search(short):
            yield Finding(
                "secret-in-text",
                text.where,
                f"${{{name}}} is called like a secret, and this text is readable in logs "
                "and in the image",
                hint,
                severity="warning",
                on_key=text.on_key,
            )


@_rule(*(f"{target}.extra[]" for target in TARGETS), "registries[]", "build_secrets[]")
def _extra_holds_no_secret(spec: Build) -> Iterator[Finding]:
    secrets: set[str] | None = None
    for target in TARGETS:
        for text in texts_of(getattr(spec, target), "extra", type(getattr(spec, target))):
            key = next((step for step in reversed(text.where) if isinstance(step, str)), "")
            named = text.on_key or not SECRETS_BY_NAME.isdisjoint(text.where)
            if named or not text.text or is_reference(text.text):
                continue
            if secrets is None:
                secrets = secrets_of(spec)
            if key in secrets or _SECRET_WORD.search(key):
                yield Finding(
                    "written-secret",
                    (target, *text.where),
                    f"the value of {quoted(key)} is written down, and everybody can read it",
                    _KEPT_BY[target],
                    secret=True,
                )


_KEPT_BY = {
    "gitlab": "Settings > CI/CD > Variables keeps it, and the job has it without a word here",
    "github": "the repository's secrets keep it: ${{ secrets.NAME }}",
    "buildkite": "a Kubernetes Secret or Buildkite's own store keeps it",
    "agola": "a secret of the project keeps it: {from_variable: NAME}",
    "kubernetes": "a Secret keeps it: valueFrom: {secretKeyRef: {name: ..., key: ...}}",
}


@_rule("build_args[]")
def _build_args_are_public(spec: Build) -> Iterator[Finding]:
    for name, text in spec.build_args.items():
        if text and _SECRET_WORD.search(name):
            yield Finding(
                "public-build-arg",
                ("build_args", name),
                f"whoever pulls the image can read the build arg {quoted(name)}",
                "build_secrets: hands a secret to RUN --mount=type=secret",
                severity="warning",
                secret=True,
            )


@_rule("extra_args[]")
def _extra_args_are_extra(spec: Build) -> Iterator[Finding]:
    options = set(type(spec.options).model_fields)
    for index, text in enumerate(spec.extra_args):
        where = ("extra_args", index)
        found = _ARGUMENT.fullmatch(text)
        if not found:
            words = _TWO_WORDS.fullmatch(text)
            yield Finding(
                "bad-argument",
                where,
                f"{quoted(text)} is not one argument",
                f"write {words.group(1)}={words.group(2)}"
                if words
                else "one --flag or --flag=value per entry, with the flag's long name",
            )
            continue
        flag = found.group(1)
        owner = owner_of(flag, options)
        if owner or flag in RESERVED:
            hint = f"{owner}: is its place" if owner else RESERVED[flag]
            yield Finding("owned-argument", where, f"--{flag} is set by ci-kaniko itself", hint)
            continue
        close = suggest(flag, [*OWNERS, *map(flag_of, options)])
        if close:
            yield Finding(
                "unknown-flag",
                where,
                f"no kaniko that ci-kaniko knows has --{flag}",
                f"--{close} has its place at {owner_of(close, options)}:",
                severity="warning",
            )


@_rule("executor.distribution", "executor.image")
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
            "Google's kaniko was archived in June 2025 and gets no security fixes",
            "osscontainertools is the same, maintained",
            severity="warning",
        )


@_rule("executor.image")
def _mirrors_are_images(spec: Build) -> Iterator[Finding]:
    image = spec.executor.image
    if image is None:
        return
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


@_rule("executor.distribution", "executor.version", "executor.digests", "executor.image")
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
    elif (digests.plain or digests.debug) and not executor.version and not executor.image:
        yield Finding(
            "digest-without-version",
            ("executor", "digests"),
            "these digests are of one release, and a later ci-kaniko has a newer one",
            f"add version: {DISTRIBUTIONS[executor.distribution].version}, or the one they are of",
            severity="warning",
        )


@_rule("executor.distribution", "executor.version", "destinations[]")
def _localhost_is_a_registry(spec: Build) -> Iterator[Finding]:
    if spec.executor.distribution == "osscontainertools":
        return
    for index, destination in enumerate(spec.destinations):
        if parse_reference(destination.image).host == "localhost":
            yield Finding(
                "bad-reference",
                ("destinations", index),
                "this kaniko takes localhost for a namespace of Docker Hub",
                "add the port: localhost:5000/...",
            )


@_rule("options.compression", "options.compression_level")
def _levels_fit_the_compression(spec: Build) -> Iterator[Finding]:
    options = spec.options
    if options.compression != "zstd" and (options.compression_level or 0) > 9:
        yield Finding(
            "out-of-range",
            ("options", "compression_level"),
            f"gzip has no level {options.compression_level}; the build would fail late",
            "at most 9, or compression: zstd",
        )


@_rule("options.registry_client_cert[]")
def _client_certificates_are_pairs(spec: Build) -> Iterator[Finding]:
    for host, pair in spec.options.registry_client_cert.items():
        files = pair.split(",")
        if len(files) != 2 or not all(file.startswith("/") for file in files):
            yield Finding(
                "bad-certificate",
                ("options", "registry_client_cert", host),
                f"{quoted(pair)} is not a pair of files",
                "certificate and key, joined by one comma: /certs/client.crt,/certs/client.key",
            )


@_rule("options.registry_mirror[]", "options.registry_map[]")
def _mirrors_are_hosts(spec: Build) -> Iterator[Finding]:
    options = spec.options
    mirrors: list[tuple[Where, str]] = [
        (("options", "registry_mirror", index), mirror)
        for index, mirror in enumerate(options.registry_mirror)
    ]
    mirrors += [
        (("options", "registry_map", host, *((index,) if len(listed) > 1 else ())), mirror)
        for host, listed in options.registry_map.items()
        for index, mirror in enumerate(listed)
    ]
    for where, mirror in mirrors:
        rest = mirror.rpartition("://")[2]
        if rest != mirror or not grammar.is_host(mirror.partition("/")[0]):
            good = grammar.is_host(rest.partition("/")[0])
            yield Finding(
                "bad-host",
                where,
                f"{quoted(mirror)} does not begin with a host; it would never be found",
                f"write {rest}" if good else "a host and a path, such as mirror.example.com/hub",
            )


@_rule(
    "options.insecure_registry[]",
    "options.skip_tls_verify_registry[]",
    "options.registry_certificate[]",
    "options.registry_client_cert[]",
    "options.registry_map[]",
)
def _docker_hub_has_its_full_name(spec: Build) -> Iterator[Finding]:
    names = ("insecure_registry", "skip_tls_verify_registry")
    places: list[Where] = [
        ("options", name, index)
        for name in names
        for index, host in enumerate(getattr(spec.options, name))
        if host == DOCKER_HUB
    ]
    tables = ("registry_certificate", "registry_client_cert", "registry_map")
    places += [
        ("options", name, DOCKER_HUB)
        for name in tables
        if DOCKER_HUB in getattr(spec.options, name)
    ]
    for where in places:
        yield Finding(
            "bad-host",
            where,
            f"kaniko compares this with {_INDEX_DOCKER}, so {DOCKER_HUB} is never found",
            f"write {_INDEX_DOCKER}",
            on_key=where[-1] == DOCKER_HUB,
        )


@_rule("options.ignore_path[]", "options.registry_certificate[]")
def _paths_of_the_container_are_absolute(spec: Build) -> Iterator[Finding]:
    options = spec.options
    for index, path in enumerate(options.ignore_path):
        yield from _absolute(("options", "ignore_path", index), path)
    for host, path in options.registry_certificate.items():
        yield from _absolute(("options", "registry_certificate", host), path)


@_rule("cache.dir")
def _the_cache_folder_can_be_mounted(spec: Build) -> Iterator[Finding]:
    folder = spec.cache and spec.cache.dir
    if not folder:
        return
    where = ("cache", "dir")
    if not folder.startswith("/"):
        yield from _absolute(where, folder)
    elif not re.fullmatch(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._-]+)+", folder):
        message = f"nothing can be mounted at {quoted(folder)}"
        hint = "letters, digits, dots, dashes and underscores, such as /cache"
        yield Finding("bad-path", where, message, hint)
    elif folder.split("/")[1] in {"busybox", "kaniko", "workspace"}:
        message = f"a mount at {quoted(folder)} can hide what kaniko needs"
        yield Finding("bad-path", where, message, "write /cache")


def _absolute(where: Where, path: str) -> Iterator[Finding]:
    if not path.startswith("/"):
        yield Finding(
            "bad-path",
            where,
            f"{quoted(path)} is a path in the executor's container, and not absolute",
            f"write /{path}",
        )


@_rule("options.skip_tls_verify_pull")
def _flags_have_an_effect(spec: Build) -> Iterator[Finding]:
    if spec.options.skip_tls_verify_pull:
        yield _no_effect(
            ("options", "skip_tls_verify_pull"),
            "every executor accepts this flag and none reads it",
            "skip_tls_verify_registry names the hosts, for push and pull",
        )


@_rule("cache.ttl")
def _entries_can_be_young_enough(spec: Build) -> Iterator[Finding]:
    if spec.cache and spec.cache.ttl and not re.search("[1-9]", spec.cache.ttl.partition("-")[0]):
        yield _no_effect(
            ("cache", "ttl"),
            "with this age every entry counts as expired, so nothing is ever found",
            "a positive duration, or leave ttl: out for two weeks",
        )


@_rule("executor.distribution", "executor.version", "options[]")
def _flags_are_not_outdated(spec: Build) -> Iterator[Finding]:
    executor = spec.executor
    if executor.distribution == "osscontainertools" and at_least(version_of(executor), "v1.27.0"):
        for name in ("skip_unused_stages", "force_build_metadata"):
            if getattr(spec.options, name):
                yield _no_effect(
                    ("options", name),
                    "this executor always does so since v1.27.0",
                    f"remove {name}:",
                )


@_rule("options.image_name_with_digest_file", "options.image_name_tag_with_digest_file", "push")
def _image_names_are_written(spec: Build) -> Iterator[Finding]:
    options = spec.options
    names = ("image_name_with_digest_file", "image_name_tag_with_digest_file")
    if all(getattr(options, name) for name in names):
        yield _no_effect(
            ("options", names[0]),
            "beside image_name_tag_with_digest_file both files hold the tag",
            "keep one of them",
        )
    for name in names:
        if getattr(options, name) and spec.push == "never":
            yield Finding(
                "conflicting-options",
                ("options", name),
                "this file names what is pushed, and nothing is",
                "digest_file: is written in every run",
            )


def _no_effect(where: Where, message: str, hint: str) -> Finding:
    return Finding("no-effect", where, message, hint, severity="warning")


@_rule("executor.distribution", "executor.version", "options[]", "annotations[]", "git")
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
                "it is in " + ", ".join(_releases(since)),
                on_key=True,
            )


def _flags_in_use(spec: Build) -> Iterator[tuple[Where, str, Since]]:
    for name in type(spec.options).model_fields:
        value = getattr(spec.options, name)
        if value is not None and (value not in ((), {}) or name == "credential_helpers"):
            yield ("options", name), f"--{flag_of(name)}", FLAGS[flag_of(name)]
    for where, flag in _fields_in_use(spec):
        yield where, f"--{flag}", FLAGS[flag]
    if spec.git.depth:
        yield ("git", "depth"), "--git=depth", GIT_DEPTH


_CACHE_FLAGS = {
    "repo": "cache-repo",
    "ttl": "cache-ttl",
    "dir": "cache-dir",
    "copy_layers": "cache-copy-layers",
    "run_layers": "cache-run-layers",
    "compressed": "compressed-caching",
}


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
            for name, flag in _CACHE_FLAGS.items()
        }
        # A run that does not push must not push cached layers either.
        fields[("cache",)] = (spec.cache.remote, "no-push-cache")
    for name, value in spec.git:
        if name not in {"token", "username", "depth"}:
            fields[("git", name)] = (value is not None, "git")
    for where, (used, flag) in fields.items():
        if used:
            yield where, flag


def _releases(since: Since) -> Iterator[str]:
    for distribution, version in since._asdict().items():
        if version:
            yield f"{distribution} since {version}"


@_rule("options.compression", "options.image_format", "options.tar_path")
def _formats_fit_together(spec: Build) -> Iterator[Finding]:
    options = spec.options
    zstd, tar = options.compression == "zstd", bool(options.tar_path)
    conflicts = (
        (
            zstd and not tar and options.image_format == "docker",
            "image_format",
            "a docker image cannot hold zstd layers",
            "write oci",
        ),
        (
            tar and options.image_format == "oci",
            "image_format",
            "tar_path writes docker archives only",
            "oci_layout_path: is for an OCI image",
        ),
        (
            tar and zstd,
            "compression",
            "tar_path writes docker archives, which cannot hold zstd layers",
            "write gzip",
        ),
    )
    for conflict, name, message, hint in conflicts:
        if conflict:
            yield Finding("conflicting-options", ("options", name), message, hint)
    if zstd and options.image_format is None and not tar:
        yield _no_effect(
            ("options", "compression"),
            "zstd is ignored for images whose base is in docker format",
            "add image_format: oci, which osscontainertools has since v1.28.1",
        )


@_whole_rule("outputs[]", "options[]")
def _files_are_written_once(spec: Spec) -> Iterator[Finding]:
    outputs: list[tuple[Where, str]] = [
        (("outputs", name, index), file.path)
        for name, files in spec.outputs
        for index, file in enumerate(files)
    ]
    for build in spec.builds:
        seen: dict[str, Where] = {}
        options = [
            (build.at(("options", name)), path)
            for name in _FILES
            if (path := getattr(build.options, name)) is not None
        ]
        for where, path in (*outputs, *options):
            first = seen.setdefault(grammar.inside_repository(path) or "", where)
            if first != where:
                yield Finding(
                    "duplicate-output",
                    where,
                    f"{quoted(path)} is written twice: {dotted(first[:2])} is the same file",
                    "give each its own file",
                )
    files = {grammar.inside_repository(path) for _, path in outputs}
    for where, path in outputs:
        *folders, _ = accumulate((grammar.inside_repository(path) or "").split("/"), "{}/{}".format)
        if shared := files.intersection(folders):
            yield Finding(
                "duplicate-output",
                where,
                f"{quoted(path)} lies in {quoted(str(shared.pop()))}, which is a file of outputs:",
                "give each its own file",
            )


_FILES = (
    "digest_file",
    "image_name_with_digest_file",
    "image_name_tag_with_digest_file",
    "tar_path",
    "oci_layout_path",
)


@_rule("kubernetes.tolerations[]", "buildkite.tolerations[]")
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


@_rule("context", "context_login")
def _the_login_fits_the_context(spec: Build) -> Iterator[Finding]:
    login = spec.context_login
    scheme = spec.context.partition("://")[0] if "://" in spec.context else ""
    if is_azure_blob(spec.context) and (login is None or not login.azure_storage_key):
        yield Finding(
            "missing-context-login",
            ("context",),
            "kaniko fetches from Azure's blob storage only with the account's key",
            "add context_login: {azure_storage_key: NAME_OF_A_SECRET}",
        )
    if login is None:
        return
    if login.s3_path_style is not None and not (login.s3_path_style and login.s3_endpoint):
        yield _no_effect(
            ("context_login", "s3_path_style"),
            "the executor asks for it only when it is true and an endpoint is given",
            "remove it, or add s3_endpoint: and true",
        )
    schemes = {"aws": "s3", "region": "s3", "s3_endpoint": "s3", "s3_path_style": "s3"}
    schemes |= {"google": "gs", "azure_storage_key": "https"}
    for name, wanted in schemes.items():
        if getattr(login, name) is not None and scheme != wanted:
            yield Finding(
                "unused-context-login",
                ("context_login", name),
                f"nothing asks for this: the context is no {wanted}:// address",
                "remove it, or write another context",
            )


_INSTEAD_OF_GIT = {
    "branch": "remove it: what starts the job is what is built",
    "single_branch": "remove it: only what starts the job is fetched",
    "recurse_submodules": "at the top: checkout: {submodules: recursive}",
    "depth": "at the top: checkout: {depth: N}",
    "insecure_skip_tls": "remove it; a context git://HOST/PATH can have it",
}


@_whole_rule("context", "git", "images[]", "outputs[]")
def _git_settings_are_used(spec: Spec) -> Iterator[Finding]:
    targets = [name for name, files in spec.outputs if files]

    def look(build: Build) -> Iterator[tuple[Finding, bool]]:
        scheme, fetched, _ = build.context.partition("://")
        for name, value in build.git:
            if value is None:
                continue
            where = ("git", name)
            if name == "token" and not fetched:
                message = (
                    "every target of outputs: checks the repository out with a login of its own"
                )
                inside = "github" in targets and build.github.mode == "container"
                read = not targets or "kubernetes" in targets or inside
                yield _no_effect(where, message, "remove it"), read
                continue
            if fetched:
                finding = _no_effect(
                    where, "the context is not fetched with git", f"remove {name}:"
                )
            else:
                message = "the context is a directory of this repository, which is checked out"
                finding = Finding("unused-git", where, message, _INSTEAD_OF_GIT.get(name, ""))
            if name == "username" and not build.git.token:
                message, hint = (
                    "a user without a token logs in nowhere",
                    "add token: NAME_OF_A_SECRET",
                )
                yield Finding("unused-git", where, message, hint), False
            else:
                yield finding, scheme == "git" if fetched else name == "username"

    yield from unheard_by_all(spec, look)


@_rule("context", "git")
def _a_ref_is_named_once(spec: Build) -> Iterator[Finding]:
    if spec.git.branch and spec.context.startswith("git://") and "#" in spec.context:
        yield _no_effect(
            ("context",),
            "the ref after # is not used: git.branch replaces it",
            "keep one of the two",
        )


@_rule("cache")
def _a_cache_has_a_place(spec: Build) -> Iterator[Finding]:
    """But one flag, which decides how much memory a build without a cache takes, too."""
    cache = spec.cache
    if cache is None or cache.repo:
        return
    others = [name for name, value in cache if value is not None and name != "compressed"]
    if others or cache.compressed is None:
        yield Finding(
            "missing-key",
            ("cache",),
            '"repo" is missing',
            "add repo: ghcr.io/acme/shop/cache",
        )


@_rule("env[]", "build_secrets[]")
def _variables_have_one_place(spec: Build) -> Iterator[Finding]:
    if not spec.env:
        return
    from ci_kaniko.kaniko.variables import owner_of_variable

    for name in spec.env:
        where = ("env", name)
        if owner := owner_of_variable(name):
            message = f"{quoted(name)} is not one to set here"
            hint = owner if ": " in owner else f"use {owner}"
            yield Finding("owned-variable", where, message, hint, on_key=True)
        elif name in spec.build_secrets.values():
            message = f"{quoted(name)} is a secret of build_secrets"
            yield Finding("owned-variable", where, message, "remove it here", on_key=True)
        elif _SECRET_WORD.search(name):
            yield Finding(
                "written-secret",
                where,
                f"{quoted(name)} is called as a secret is, and env: holds plain text",
                "build_secrets: names secrets for RUN lines, registries: those of logins",
                on_key=True,
                secret=True,
            )


@_rule("proxy", "build_args[]")
def _a_proxy_is_named_once(spec: Build) -> Iterator[Finding]:
    for name in spec.build_args if spec.proxy else ():
        field = name.lower().removesuffix("_proxy")
        field = "no_proxy" if field == "no" else field
        if name.lower().endswith("_proxy") and getattr(spec.proxy, field, None):
            yield Finding(
                "conflicting-options",
                ("build_args", name),
                f"proxy: gives RUN lines their {name}",
                "remove it, or that of proxy:",
                on_key=True,
            )


@_rule("build_args[]", "cache")
def _the_cache_can_be_hit(spec: Build) -> Iterator[Finding]:
    if spec.cache is None or spec.cache.repo is None:
        return
    for name, text in spec.build_args.items():
        moving = [part for part in names(parse(text)) if part.endswith("timestamp")]
        if moving:
            yield Finding(
                "cold-cache",
                ("build_args", name),
                f"${{{moving[0]}}} differs in every run, so no layer after its ARG is ever cached",
                "labels: hold such values without touching the cache",
                severity="warning",
            )


@_rule("prepare", "context")
def _what_is_prepared_is_used(spec: Build) -> Iterator[Finding]:
    if spec.prepare and "://" in spec.context and not spec.context.startswith("tar://"):
        yield Finding(
            "unused-prepare",
            ("prepare",),
            "the executor fetches this context itself, so nothing that is prepared reaches it",
            "context: . or a directory of the repository",
            on_key=True,
        )


@_rule("digest", "push", "options.digest_file")
def _a_digest_can_be_handed_over(spec: Build) -> Iterator[Finding]:
    if spec.digest and spec.push == "never":
        yield Finding(
            "conflicting-options",
            ("digest",),
            "nothing is pushed, so there is no image to hand over",
            "leave digest: out",
        )
    if spec.digest and spec.options.digest_file:
        yield Finding(
            "conflicting-options",
            ("options", "digest_file"),
            "the executor writes one digest file, and digest: true reads it",
            "image_name_with_digest_file: is another file with the digest",
        )


@_rule("platforms", "options")
def _a_platform_is_named_once(spec: Build) -> Iterator[Finding]:
    if spec.platforms and spec.options.custom_platform:
        yield Finding(
            "conflicting-options",
            ("options", "custom_platform"),
            "platforms: says it already",
            "leave custom_platform: out",
        )
    if len(spec.platforms) < 2:
        return
    for name in _FILES:
        if getattr(spec.options, name):
            yield Finding(
                "conflicting-options",
                ("options", name),
                "each platform's job would write this file, and none of them has the whole image",
                "digest: true hands over the digest of the whole",
            )


@_rule(
    *("context", "build_args[]", "labels[]", "annotations[]", "destinations[]", "registries[]"),
    *("cache", "extra_args[]", "inputs"),
)
def _inputs_are_declared(spec: Build) -> Iterator[Finding]:
    for where, text in texts_with_variables(spec):
        yield from _undeclared(spec, where, text)


def _undeclared(spec: Build, where: Where, text: str) -> Iterator[Finding]:
    for name in names(parse(text)):
        declared = name.removeprefix("input.")
        if declared != name and declared not in spec.inputs:
            close = suggest(declared, spec.inputs)
            yield Finding(
                "unknown-input",
                where,
                f"no input is called {quoted(declared)}",
                f"did you mean ${{input.{close}}}?"
                if close
                else f"at the top: inputs: {{{declared}: {{default: TEXT}}}}",
            )


@_rule("gitlab", "buildkite", "inputs")
def _inputs_of_names_are_declared(spec: Build) -> Iterator[Finding]:
    for where, text in (
        (("gitlab", "job"), spec.gitlab.job),
        (("buildkite", "key"), spec.buildkite.key),
    ):
        yield from _undeclared(spec, where, text or "")


@_rule("gitlab", "buildkite", "inputs")
def _names_hold_an_input(spec: Build) -> Iterator[Finding]:
    """A file that others include with inputs, they may include twice."""
    if not spec.inputs:
        return
    name = "build-${image.name}-" if spec.name else "build-"
    example = f"{name}${{input.{next(iter(spec.inputs))}}}"
    gitlab, buildkite = spec.gitlab, spec.buildkite
    if gitlab.form in {"include", "component"} and "${input." not in (gitlab.job or ""):
        yield Finding(
            "input-in-name",
            ("gitlab", "job"),
            "whoever includes the file twice, with other inputs, gets one job: the last one",
            f"gitlab: {{job: {quoted(example)}}}",
            severity="warning",
        )
    if buildkite.form == "steps" and "${input." not in (buildkite.key or ""):
        yield Finding(
            "input-in-name",
            ("buildkite", "key"),
            "Buildkite refuses whoever uploads the steps twice in one build, with other inputs",
            f"buildkite: {{key: {quoted(example)}}}",
            severity="warning",
        )


_REFERENCE_TEXTS = (re.compile(r"[a-z0-9._/-]*"), re.compile(r"[A-Za-z0-9_.-]*"))


@_rule("destinations[]", "inputs")
def _defaults_fit_references(spec: Build) -> Iterator[Finding]:
    for index, destination in enumerate(spec.destinations):
        _, *pieces = parse_reference(destination.image)
        for piece, fits in zip(pieces, _REFERENCE_TEXTS, strict=True):
            for name in names(piece):
                given = spec.inputs.get(name.removeprefix("input."))
                text = given.default if given and name.startswith("input.") else None
                if text is not None and not fits.fullmatch(text):
                    yield Finding(
                        "bad-reference",
                        ("destinations", index),
                        f"no image reference can hold {quoted(text)}, the default of ${{{name}}}",
                        "letters, digits, - _ and . in a tag",
                    )


@_whole_rule("inputs")
def _inputs_fit_their_type(spec: Spec) -> Iterator[Finding]:
    for name, item in spec.inputs.items():
        given: list[tuple[Where, str]] = []
        if item.default is not None:
            given.append((("inputs", name, "default"), item.default))
        given += [(("inputs", name, "options", n), text) for n, text in enumerate(item.options)]
        for where, text in given:
            if not _INPUT_TEXTS[item.type].fullmatch(text):
                yield Finding(
                    "bad-input",
                    where,
                    f"{quoted(text)} is not a {item.type} that an input can hold",
                    _INPUT_HINTS[item.type],
                )
        if item.options and item.default is not None and item.default not in item.options:
            yield Finding(
                "bad-input",
                ("inputs", name, "default"),
                f"{quoted(item.default)} is not one of the options",
                f"one of: {', '.join(item.options)}",
            )


_INPUT_TEXTS = {
    "string": pattern(r"[^\"\\$\x00-\x1f]*"),
    "number": pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "boolean": pattern(r"true|false"),
}
_INPUT_HINTS = {
    "string": 'one line without ", \\ and $',
    "number": "such as 3 or 0.5",
    "boolean": "true or false",
}


@_whole_rule("images")
def _needs_lead_to_an_end(spec: Spec) -> Iterator[Finding]:
    circles: set[frozenset[str]] = set()
    endless = _endless(spec)
    for name, image in spec.images.items():
        for index, needed in enumerate(image.needs):
            where = image.at(("needs", index))
            if needed not in spec.images:
                yield _no_such_image(where, needed, spec)
            elif not {name, needed} <= endless:
                continue
            elif (circle := _circle(spec, name, needed)) and frozenset(circle) not in circles:
                circles.add(frozenset(circle))
                yield Finding(
                    "circular-needs",
                    where,
                    f"{quoted(name)} would wait for itself: {' needs '.join(circle)}",
                    "remove one of these",
                )


def _no_such_image(where: Where, name: str, spec: Spec) -> Finding:
    close = suggest(name, spec.images)
    hint = f'did you mean "{close}"?' if close else f"known: {_some(spec.images)}"
    if not spec.images:
        hint = "the spec lists no images"
    return Finding("unknown-image", where, f"no image is called {quoted(name)}", hint)


def _some(images: Collection[str]) -> str:
    listed = sorted(images)
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")


def _endless(spec: Spec) -> set[str]:
    """The images that wait for a circle, or are part of one."""
    waiting = {
        name: {needed for needed in image.needs if needed in spec.images}
        for name, image in spec.images.items()
    }
    users: dict[str, list[str]] = {name: [] for name in waiting}
    for name, needs in waiting.items():
        for needed in needs:
            users[needed].append(name)
    finished = [name for name, needs in waiting.items() if not needs]
    while finished:
        needed = finished.pop()
        del waiting[needed]
        for name in users[needed]:
            waiting[name].discard(needed)
            if not waiting[name]:
                finished.append(name)
    return {*waiting}


def _circle(spec: Spec, name: str, needed: str) -> list[str]:
    """The way from an image through one that it needs back to itself; empty when there is none."""
    came_from = {needed: name}
    pending = [needed]
    while pending:
        current = pending.pop()
        if current == name:
            way = [name]
            step = came_from[name]
            while step != name:
                way.append(step)
                step = came_from[step]
            return [*way, name][::-1]
        for following in spec.images[current].needs if current in spec.images else ():
            if following not in came_from:
                came_from[following] = current
                pending.append(following)
    return []


@_whole_rule("images", "outputs[]")
def _outputs_are_for_images(spec: Spec) -> Iterator[Finding]:
    for target, files in spec.outputs:
        for index, file in enumerate(files):
            for place, name in enumerate(file.only):
                if name not in spec.images:
                    yield _no_such_image(("outputs", target, index, "only", place), name, spec)


@_whole_rule("images", "outputs[]", "github")
def _workflows_have_names_of_their_own(spec: Spec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, file in enumerate(spec.outputs.github):
        if file.mode == "merge" or not set(file.only) <= set(spec.images):
            continue
        build = spec.images[file.only[0]] if file.only else spec.builds[0]
        if build.github.form != "workflow":
            continue
        name = build.github.workflow or grammar.file_stem(file.path)
        first = seen.setdefault(name, file.path)
        if first != file.path:
            yield Finding(
                "duplicate-workflow",
                ("outputs", "github", index),
                f"{quoted(first)} and {quoted(file.path)} would be workflows of one name, "
                f"{quoted(name)}, and nobody could tell their checks apart",
                "without github: {workflow: ...} each is called as its file",
            )


_READ_FILES = {
    "github": (pattern(r"\.github/workflows/[^/]+\.ya?ml"), ".github/workflows/image.yml"),
    "agola": (pattern(r"\.agola/config\.yml"), ".agola/config.yml"),
}
"""Which files a platform looks at, and how one is called."""


@_whole_rule("outputs[]")
def _outputs_are_read(spec: Spec) -> Iterator[Finding]:
    for target, files in spec.outputs:
        if target not in _READ_FILES:
            continue
        fits, example = _READ_FILES[target]
        for index, file in enumerate(files):
            if not fits.fullmatch(grammar.inside_repository(file.path) or ""):
                yield Finding(
                    "unread-output",
                    ("outputs", target, index, "path"),
                    f"{target} reads no {quoted(file.path)}",
                    f"such as {example}" if target == "github" else f"write {example}",
                )


@_whole_rule("images", "outputs[]", "gitlab")
def _includes_end_as_gitlab_asks(spec: Spec) -> Iterator[Finding]:
    """Only the pipeline itself may be called anything: a setting of the project names it."""
    for index, file in enumerate(spec.outputs.gitlab):
        if not set(file.only) <= set(spec.images):
            continue
        build = spec.images[file.only[0]] if file.only else spec.builds[0]
        if build.gitlab.form != "pipeline" and not file.path.lower().endswith((".yml", ".yaml")):
            yield Finding(
                "unread-output",
                ("outputs", "gitlab", index, "path"),
                f"GitLab includes no {quoted(file.path)}",
                "a name that ends with .yml or .yaml",
            )


@_whole_rule("registries", "push", "triggers", "destinations[]", "outputs[]")
def _identities_are_there_in_requests(spec: Spec) -> Iterator[Finding]:
    """What Buildkite's agent hands to a job, it hands to that of a request as well."""
    found = ((build, item) for build in spec.builds for item in _identities(build, spec))
    yield from told_once(found, len(spec.builds))


def _identities(build: Build, spec: Spec) -> Iterator[Finding]:
    asked = build.triggers is None or build.triggers.pull_requests or build.triggers.pipelines
    for host, registry in build.registries.items() if asked and build.push == "auto" else ():
        login = registry.on("buildkite")
        meant = registry.buildkite or spec.outputs.buildkite or host == "packages.buildkite.com"
        if login and meant and login.by_identity:
            from ci_kaniko.plan.platforms import pushed_hosts

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


@_rule("registries", "push", "triggers", "destinations[]", "github", "git", "context")
def _tokens_are_there_in_requests(spec: Build) -> Iterator[Finding]:
    """What fetches the repository in GitHub's container mode may be what pushes as well."""
    requests = spec.triggers is None or spec.triggers.pull_requests
    fetched = "://" not in spec.context and spec.git.token is None
    if spec.github.mode != "container" or spec.push != "auto" or not (requests and fetched):
        return
    from ci_kaniko.plan.platforms import pushed_hosts

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


@_whole_rule("images[]")
def _names_stay_different(spec: Spec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in spec.images:
        first = seen.setdefault(re.sub("[._]", "-", name), name)
        if first != name:
            yield Finding(
                "image-name",
                ("images", name),
                f"{quoted(name)} and {quoted(first)} would have one job name on some platforms",
                "they differ in . _ - only: give one another name",
                on_key=True,
            )


@_whole_rule("images[]")
def _images_do_not_overwrite_each_other(spec: Spec) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], tuple[str, tuple[Condition, ...]]] = {}
    for name, image in spec.images.items():
        for index, destination in enumerate(image.destinations if image.push != "never" else ()):
            reference = parse_reference(destination.image)
            tag = text_of(reference.tag) or "latest"
            key = (reference.host or DOCKER_HUB, text_of(reference.repository), tag)
            other, when = seen.setdefault(key, (name, destination.when))
            if other != name and _overlap(when, destination.when):
                yield Finding(
                    "duplicate-destination",
                    image.at(("destinations", index)),
                    f"{quoted(destination.image)} is pushed by {quoted(other)}, too",
                    "put ${image.name} into the repository's name or the tag",
                )
