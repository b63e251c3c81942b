"""Rules on variables in texts."""

from __future__ import annotations

import re
from functools import partial

from ci_kaniko.kaniko.flags import FLAGS, RESERVED, owner_of
from ci_kaniko.kaniko.systems import NAMES, known_names
from ci_kaniko.problems.finding import Finding, dotted, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.given import given_in
from ci_kaniko.spec.prepare import PLATFORMS
from ci_kaniko.spec.rules.pushing import BRANCHES
from ci_kaniko.spec.rules.rule import RULES, Rule, build_rule, spec_rule
from ci_kaniko.spec.texts import CI_TOKENS, ENV_READ, texts_of, texts_with_variables, variables_of
from ci_kaniko.syntax.contexts import Context
from ci_kaniko.syntax.references import Reference, fit_for
from ci_kaniko.syntax.variables import (
    ENV_PREFIX,
    INPUT_PREFIX,
    NATIVE,
    Ref,
    inputs_in,
    names,
    natives,
    parts_of,
    text_of,
    with_inputs,
    written_variables,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.texts import Text
    from ci_kaniko.syntax.variables import Native


_ARGUMENT = pattern(r"--([a-z][A-Za-z0-9-]*)(=.*)?", re.DOTALL)
_TWO_WORDS = pattern(r"(--[a-z][a-z0-9-]*) +(\S+)")
_ABOUT_TEXTS: list[Callable[[Build, str, list[Text]], Iterable[Finding]]] = []


def about_texts(check: Callable[[Build, str, list[Text]], Iterable[Finding]]) -> None:
    """A check of the texts of a field, whichever it is."""
    _ABOUT_TEXTS.append(check)


def texts_are_checked(field: str, spec: Build) -> list[Finding]:
    texts = texts_of(spec, field, Build)
    if not texts:
        return []
    return [finding for check in _ABOUT_TEXTS for finding in check(spec, field, texts)]


@about_texts
def _variables_are_portable(spec: Build, field: str, texts: list[Text]) -> Iterator[Finding]:
    yield from native_variables(texts, field)


def native_variables(texts: Iterable[Text], field: str) -> Iterator[Finding]:
    for text in texts:
        if text.kind in {"secret", "command", "native"} or text.where in BRANCHES:
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
    if text.kind != "template" or _is_directory(text.text):
        rest = text.text.removeprefix(native.written).lstrip("/")
        if native.name in {"CI_PROJECT_DIR", "GITHUB_WORKSPACE", "github.workspace"}:
            return f"paths start at the root of the repository: write {rest or '.'}"
        return "no variable is replaced in this field: write what it stands for"
    if native.portable:
        return f"${{{native.portable}}} works on every target"
    from ci_kaniko.text.site import page

    names = page("spec/#variables")
    return f"the names that work on every target: {names}; ${{env.NAME}} is one of yours"


def _is_directory(text: str) -> bool:
    return isinstance(text, Context) and text.is_directory


_BY_OUTSIDERS = frozenset(
    f"GITHUB_{name}" for name in ("HEAD_REF", "REF", "REF_NAME", "ACTOR", "TRIGGERING_ACTOR")
)
"""What whoever opens a pull request chooses, or what is another text in one."""


@about_texts
def _variables_of_the_ci_are_not_yours(
    spec: Build, field: str, texts: list[Text]
) -> Iterator[Finding]:
    """A variable of a repository cannot be called so: the runner has its own in its place."""
    for text in read_at_run_time(texts):
        for ref in parts_of(text.text):
            name = ref.name if isinstance(ref, Ref) else ""
            short = name.removeprefix(ENV_PREFIX)
            if name == short or not short.startswith("GITHUB_") or short in CI_TOKENS:
                continue
            why = "GitHub's own variable, and other targets have none"
            if short in _BY_OUTSIDERS:
                why = "GitHub's own variable, and who opens a pull request decides what it is there"
            portable = NATIVE.get(short, "ref.name" if short == "GITHUB_HEAD_REF" else "")
            if portable and isinstance(text.text, Reference):
                portable = fit_for(text.text, text_of((ref,)), portable)
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


@build_rule("extra_args[]")
def _extra_args_are_extra(spec: Build) -> Iterator[Finding]:
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
        owner = owner_of(flag)
        if owner or flag in RESERVED:
            hint = f"{owner}: is its place" if owner else RESERVED[flag]
            yield Finding("owned-argument", where, f"--{flag} is set by ci-kaniko itself", hint)
            continue
        close = suggest(flag, [name for name, known in FLAGS.items() if known.field])
        if close:
            yield Finding(
                "unknown-flag",
                where,
                f"no kaniko that ci-kaniko knows has --{flag}",
                f"--{close} has its place at {owner_of(close)}:",
                severity="warning",
            )


@build_rule(
    *("context", "build_args[]", "labels[]", "annotations[]", "destinations[]", "registries[]"),
    *("cache", "extra_args[]", "inputs", "dockerfile", "target", *NAMES),
)
def _inputs_are_declared(spec: Build) -> Iterator[Finding]:
    for where, variable in variables_of(spec):
        name = variable.removeprefix(INPUT_PREFIX)
        if name != variable and name not in spec.inputs:
            close = suggest(name, spec.inputs)
            yield Finding(
                "unknown-input",
                where,
                f"no input is called {quoted(name)}",
                f"did you mean ${{input.{close}}}?"
                if close
                else f"at the top: inputs: {{{name}: {{default: TEXT}}}}",
            )


_REFERENCE_TEXTS = (re.compile(r"[a-z0-9._/-]*"), re.compile(r"[A-Za-z0-9_.-]*"))


@build_rule("destinations[]", "inputs")
def _defaults_fit_references(spec: Build) -> Iterator[Finding]:
    for index, destination in enumerate(spec.destinations):
        pieces = (destination.image.repository, destination.image.tag)
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


@build_rule(
    *("context", "dockerfile", "target", "destinations[]", "cache", "registries[]", "platforms"),
    "inputs",
)
def _inputs_fit_what_they_make(spec: Build) -> Iterator[Finding]:
    makes = {(given.name, given.what): given for given in [*given_in(spec)][::-1]}
    for given in reversed(makes.values()):
        item = spec.inputs.get(given.name)
        if item is None:
            continue  # it is not declared
        texts: list[tuple[Where, str]] = [
            (("inputs", given.name, "options", n), text) for n, text in enumerate(item.options)
        ]
        if item.default is not None:
            texts.append((("inputs", given.name, "default"), item.default))
        for where, text in texts:
            if not given.fits(text) and INPUT_TEXTS[item.type].fullmatch(text):
                yield Finding(
                    "bad-input",
                    where,
                    f"{quoted(text)} is no {given.what}, and {dotted(given.where)} is made of it",
                    given.hint,
                )


@build_rule(*NAMES, "inputs")
def _settings_are_not_empty(spec: Build) -> Iterator[Finding]:
    """A runner, a stage or a name that is nothing but an input, and that nobody gives."""
    for where, text in texts_with_variables(spec) if spec.inputs else ():
        given = [spec.inputs[name] for name in inputs_in(text) if name in spec.inputs]
        if where[0] not in known_names() or len(given) != 1 or given[0].default != "":
            continue
        if not with_inputs(text, lambda _: ""):
            yield Finding(
                "bad-input",
                ("inputs", inputs_in(text)[0], "default"),
                f"{dotted(where)} is nothing but this input, and its default is empty",
                "give it a text; without a default callers must",
            )


@spec_rule("inputs")
def _inputs_fit_their_type(spec: SpecFields) -> Iterator[Finding]:
    for name, item in spec.inputs.items():
        given: list[tuple[Where, str]] = []
        if item.default is not None:
            given.append((("inputs", name, "default"), item.default))
        given += [(("inputs", name, "options", n), text) for n, text in enumerate(item.options)]
        for where, text in given:
            if not INPUT_TEXTS[item.type].fullmatch(text):
                yield Finding(
                    "bad-input",
                    where,
                    f"{quoted(text)} is not a {item.type} that an input can hold"
                    if item.type != PLATFORMS
                    else f"{quoted(text)} is no list of platforms",
                    INPUT_HINTS[item.type],
                )
        if item.options and item.type == PLATFORMS:
            yield Finding(
                "bad-input",
                ("inputs", name, "options"),
                "platforms: lists what callers may give",
                "remove it",
                on_key=True,
            )
            continue
        if item.options and item.default is not None and item.default not in item.options:
            yield Finding(
                "bad-input",
                ("inputs", name, "default"),
                f"{quoted(item.default)} is not one of the options",
                f"one of: {', '.join(item.options)}",
            )


@spec_rule("inputs", "platforms", "images")
def _one_input_chooses_platforms(spec: SpecFields) -> Iterator[Finding]:
    chosen = [name for name, item in spec.inputs.items() if item.type == PLATFORMS]
    for name in chosen[1:]:
        yield Finding(
            "bad-input",
            ("inputs", name, "type"),
            f"the input {quoted(chosen[0])} chooses the platforms already",
            "one input is for all images",
        )
    several = [build for build in spec.builds if len(build.platforms) > 1] if chosen else []
    for build in several[1:]:
        if {*build.platforms} != {*several[0].platforms}:
            yield Finding(
                "bad-input",
                build.at(("platforms",)),
                f"the input {quoted(chosen[0])} chooses the platforms of all images, and "
                f"{quoted(several[0].name)} has others",
                f"list the same ones: {', '.join(several[0].platforms)}",
            )


INPUT_TEXTS = {
    "string": pattern(r"[^\"\\$\x00-\x1f]*"),
    "number": pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
    "boolean": pattern(r"true|false"),
    "platforms": pattern(r"linux/[a-z0-9/]+(?:,linux/[a-z0-9/]+)*"),
}
INPUT_HINTS = {
    "string": 'one line without ", \\ and $',
    "number": "such as 3 or 0.5",
    "boolean": "true or false",
    "platforms": "such as linux/amd64,linux/arm64",
}


# One rule for each field: what images share is asked once.
RULES += (Rule((f"{field}[]",), partial(texts_are_checked, field)) for field in Build.model_fields)


def read_at_run_time(texts: list[Text]) -> list[Text]:
    return [text for text in texts if text.kind == "template" and ENV_READ in text.text]
