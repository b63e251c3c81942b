"""What the model refuses, in words that help."""

from __future__ import annotations

import re

from ci_kaniko.problems.finding import Finding, Refused, Where, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, get_origin
from ci_kaniko.spec.build import TOP_ONLY, Build, NamedImage, SpecFields
from ci_kaniko.spec.context import Checkout, Git
from ci_kaniko.spec.destinations import Cache, Destination
from ci_kaniko.spec.executor import Executor
from ci_kaniko.spec.logins import Login, Registry
from ci_kaniko.spec.prepare import Input, Prepare
from ci_kaniko.spec.triggers import Triggers
from ci_kaniko.syntax.scalars import wrong_type
from ci_kaniko.text.display import listed
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.quick.declaring import ValidationError


_ARGUMENTS = pattern(r"--[a-z-]+(?:=[\w./:@-]+)?(?: +--[a-z-]+(?:=[\w./:@-]+)?)+", re.ASCII)
_MOST = 100
"""The problems of one reading that are told: whoever made more, made them all in one way."""


def findings_of(error: ValidationError, model: type[Build] = SpecFields) -> Iterator[Finding]:
    items = error.errors(include_url=False)[:_MOST]
    unknown = {
        tuple(item["loc"]): meant_key(item["loc"], model)
        for item in items
        if item["type"] == "extra_forbidden"
    }
    meant = {(*loc[:-1], close) for loc, close in unknown.items()}
    for item in items:
        loc = item["loc"]
        where = tuple(step for step in loc if step != "[key]")
        refused = item.get("ctx", {}).get("error")
        if isinstance(refused, Refused):
            on_key = loc[-1:] == ("[key]",)
            if refused.rule == "wrong-type" and not (refused.hint or refused.at or on_key):
                refused.hint = _written(where, item["input"])
            for each in (refused, *refused.others):
                yield _refused(each, where, on_key=on_key)
        elif item["type"] == "extra_forbidden":
            yield _unknown_key(where, model)
        elif item["type"] == "invalid_key":
            yield _refused(wrong_type(where[-1], "a key that is text"), where[:-1])
        elif item["type"] != "missing":
            expected, hint = _expected(item)
            if expected == "a mapping" and (line := _example_line(where)):
                hint = f"lines such as {line}"
            yield _refused(wrong_type(item["input"], expected, hint), where)
        elif loc not in meant:
            name = str(where[-1])
            hint = f"add {name}: {_example(where)}"
            yield Finding("missing-key", where[:-1], f"{quoted(name)} is missing", hint)


def _refused(refused: Refused, where: Where, *, on_key: bool = False) -> Finding:
    return Finding(
        refused.rule,
        (*where, *refused.at),
        refused.message,
        refused.hint,
        on_key=on_key or refused.on_key,
        secret=refused.secret,
    )


def _expected(item: Any) -> tuple[str, str]:
    """What a list or mapping of free keys wants, and how it is written."""
    value = item["input"]
    if "dict" in item["type"]:
        return "a mapping", "lines such as NAME: VALUE"
    if isinstance(value, str) and _ARGUMENTS.fullmatch(value):
        return "a list", f"write [{', '.join(value.split())}]"
    if isinstance(value, str) and value.isprintable():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return "a list", f'write ["{escaped}"]'
    return "a list", 'lines that begin with "- "'


def _example(where: Where) -> str:
    from ci_kaniko.spec.writing import flow

    field = _model_at(where[:-1]).model_fields[where[-1]]
    example = (field.examples or ["..."])[0]
    return example if isinstance(example, str) else flow(example)


def _example_line(where: Where) -> str:
    """The first entry of a mapping of free keys, as the docs write it; empty for one without."""
    from ci_kaniko.spec.writing import flow

    field = _model_at(where[:-1]).model_fields.get(where[-1])
    example = (field.examples or [None])[0] if field else None
    return flow(dict([*example.items()][:1]))[1:-1] if isinstance(example, dict) else ""


def _written(where: Where, value: Any) -> str:
    """How a field is written that takes something else; empty for what is no field."""
    *above, name = where
    model: Any = SpecFields
    for step in above:
        field = model.model_fields.get(step) if model else None
        model = _model_of(field.annotation) if field else None
    if model is None or name not in model.model_fields:
        return ""
    sections = {key for key in SpecFields.model_fields if _is_native(key)}
    if isinstance(value, dict) and sections & value.keys():
        section = next(key for key in value if key in sections)
        if name in _model_at((section,)).model_fields:
            said = value[section] if isinstance(value[section], str) else "..."
            return f"{section}: {{{name}: {said}}} says it for one target"
    return f"such as {_example(where)}"


def _unknown_key(where: Where, root: type[Build]) -> Finding:
    from ci_kaniko.spec.synonyms import IMAGE, SAID_OTHERWISE, meant_by

    key = str(where[-1])
    said = SAID_OTHERWISE.get(key.replace("_", "-"))
    model = _model_at(where[:-1], root)
    known = [name for name in model.model_fields if model is not NamedImage or name not in TOP_ONLY]
    elsewhere = _elsewhere(where, model, root)
    close = None if said or elsewhere else meant_key(where, root)
    if "extra" in model.model_fields:
        hint = _in_section(str(where[-2]), key, close) or elsewhere or _known(known)
    elif close and "/" in key:
        hint = f"remove the blank after the colon when {key} is a reference"
    elif close:
        hint = f'did you mean "{close}"?'
    elif issubclass(model, SpecFields) and (key in NamedImage.model_fields or meant_by(key, IMAGE)):
        hint = "it is for one of several images, below images:"
    elif said:
        hint = said
    elif model is Registry and key in Login.model_fields:
        hint = f"beside the logins of targets the one for all the others is default: {{{key}: ...}}"
    elif model is NamedImage and key == "name":
        hint = "an image is named by its key, the one above this"
    else:
        hint = elsewhere or _known(known)
    return Finding("unknown-key", where, f"unknown key {quoted(key)}", hint, on_key=True)


def _known(names: Sequence[str]) -> str:
    return f"known here: {', '.join(names)}"


def _in_section(section: str, key: str, close: str | None) -> str:
    """What is said of a key below the section of a platform, which has keys of its own."""
    from ci_kaniko.spec.native.keys import KNOWN
    from ci_kaniko.spec.native.owned import OWNED
    from ci_kaniko.spec.synonyms import SECTION, meant_by

    native = KNOWN[section]
    is_spelled = close == key.replace("-", "_").lower()
    if above := meant_by(key, SECTION):
        return f"{above}: at the top says it for every target"
    if key in OWNED[section] and not is_spelled:
        return OWNED[section][key]
    if key in native:
        hint = f"extra: {{{key}: ...}} takes the platform's own keys"
        instead = "triggers: {manual: true} in its place says it on every target"
        return f"{instead}, or {hint}" if key == "when" else hint
    if close:
        return f'did you mean "{close}"?'
    other = suggest(key, native)
    return f"did you mean extra: {{{other}: ...}}?" if other else ""


def meant_key(where: Where, root: type[Build]) -> str | None:
    """The field of the same mapping that an unknown key was meant to be."""
    key, model = _plain(where), _model_at(where[:-1], root)
    if meant := _synonym(key, model):
        return meant
    if "/" in key and "image" in model.model_fields:
        return "image"
    return suggest(key, model.model_fields)


def _plain(where: Where) -> str:
    return str(where[-1]).replace("-", "_").lower()


def _synonym(key: str, model: Any) -> str | None:
    from ci_kaniko.spec import synonyms

    tables = {
        NamedImage: (synonyms.IMAGE, synonyms.BUILD),
        Login: (synonyms.LOGIN,),
        Git: (synonyms.GIT,),
        Prepare: (synonyms.PREPARE,),
        Input: (synonyms.INPUT,),
        Cache: (synonyms.CACHE,),
        Destination: (synonyms.DESTINATION,),
        Checkout: (synonyms.CHECKOUT,),
        Executor: (synonyms.EXECUTOR,),
        Triggers: (synonyms.TRIGGERS,),
    }.get(model, (synonyms.BUILD,) if issubclass(model, Build) else ())
    if issubclass(model, SpecFields):
        tables = (*tables, synonyms.SPEC)
    return synonyms.meant_by(key, *tables)


def _elsewhere(where: Where, model: Any, root: type[Build]) -> str:
    """Where a word has its field that has none here."""
    from ci_kaniko.kaniko.flags import owner_of

    key = _plain(where)
    owner = owner_of(key.replace("_", "-").lstrip("-"))
    here = {key, owner, f"{key}s", f"{key}es", key.removesuffix("s")}
    if here & model.model_fields.keys() or _synonym(key, model):
        return ""
    places = [owner] if owner else [*_places(key, root)]
    in_section = "extra" in model.model_fields
    places = [each for each in places if not (in_section and _is_native(each))]
    if "registries" in where:
        places = [each for each in places if not each.startswith("context_login.")]
    return f"it is {listed(places, 'or')} in a spec" if places else ""


def _places(key: str, root: type[Build]) -> Iterator[str]:
    """The fields of the top, and of the mappings there, that are called so, unit or not."""
    names = {key, f"{key}_minutes", f"{key}_seconds"}
    for top, field in root.model_fields.items():
        if top == key:
            yield top
        kind = field.annotation
        several = get_origin(kind) in (tuple, dict)  # whose mappings have places of their own
        kinds = () if several else getattr(kind, "__args__", (kind,))
        below = filter(None, map(_model_of, kinds))
        yield from (
            f"{top}.{name}" for model in below for name in model.model_fields if name in names
        )


def _is_native(place: str) -> bool:
    """Whether a field is one of the section of a platform."""
    model = _model_of(SpecFields.model_fields[place.partition(".")[0]].annotation)
    return model is not None and "extra" in model.model_fields


def _model_at(where: Where, root: type[Build] = SpecFields) -> Any:
    """The model of the mapping at ``where``."""
    model: Any = root
    for step in where:
        field = model.model_fields.get(step)
        model = (_model_of(field.annotation) if field else None) or model
    return model


def _model_of(annotation: Any) -> Any:
    """The model inside ``Model | None``, ``tuple[Model, ...]`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return annotation
    found = map(_model_of, getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)
