"""From the text of a spec to a Spec, with every problem at its line and column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ci_kaniko.problems.finding import Finding, Refused, Where, dotted, quoted, told_once
from ci_kaniko.problems.problem import Problem, SpecError, in_file_order, suggest
from ci_kaniko.source.reading import Mapping, Node, Scalar, Sequence, Source, decode, read, survey
from ci_kaniko.spec.build import TOP_ONLY, Build, Checked, NamedImage, Spec, is_ignored
from ci_kaniko.spec.logins import Login
from ci_kaniko.spec.rules.engine import check, check_build, check_builds, check_whole, with_unheard
from ci_kaniko.syntax.grammar import names_a_secret
from ci_kaniko.syntax.scalars import NULLS, Plain, wrong_type
from ci_kaniko.text.display import shown
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator

_SECRET_FIELDS = {"password", "token", "secret_access_key", "client_secret", "azure_storage_key"}
_WORDS = {"ci-token", "anonymous", "ambient"}
_SYNONYMS = {
    **dict.fromkeys(("arg", "args", "build_arg", "buildargs"), "build_args"),
    **dict.fromkeys(("image", "tag", "tags", "to"), "destinations"),
    **dict.fromkeys(("platform", "arch", "architectures"), "platforms"),
    **dict.fromkeys(("before", "before_script", "steps"), "prepare"),
    **dict.fromkeys(("auth", "credentials", "login", "logins", "registry"), "registries"),
    **dict.fromkeys(("on", "only", "rules", "when"), "triggers"),
    **dict.fromkeys(("kaniko", "executor_image"), "executor"),
    "file": "dockerfile",
    "stage": "target",
}
_SAID_OTHERWISE = {"no-push": "push: never builds and pushes nothing"}
_LOGIN_SYNONYMS = {
    **dict.fromkeys(("user", "login", "name", "user_name"), "username"),
    **dict.fromkeys(("token", "pass", "secret", "passwd", "pwd"), "password"),
}
_IMAGE_SYNONYMS = {
    **dict.fromkeys(("depends_on", "dependson", "depends", "requires", "after"), "needs"),
    **dict.fromkeys(("path", "folder", "directory", "dir"), "context"),
}
_ARGUMENTS = pattern(r"--[a-z-]+(?:=[\w./:@-]+)?(?: +--[a-z-]+(?:=[\w./:@-]+)?)+", re.ASCII)
_MOST = 100
"""The problems of one reading that are told: whoever made more, made them all in one way."""
_FREE_KEYS = {"build_args", "labels", "annotations", "registries"}


class InvalidSpec(SpecError):
    """What is wrong with the parts of a spec; ``rest`` is what could be read, if anything."""

    def __init__(
        self, findings: list[Finding], rest: Spec | None = None, source: Source | None = None
    ) -> None:
        self.findings = findings
        self.rest = rest
        problems = [*(source.problems if source else ()), *placed(findings, source)]
        super().__init__(in_file_order(problems))

    @property
    def damaged(self) -> set[Where]:
        """The places of the errors, and of the keys that unknown ones were meant to be."""
        places = {finding.where for finding in self.findings if finding.severity == "error"}
        unknown = [item.where for item in self.findings if item.rule == "unknown-key"]
        meant = {(*where[:-1], _meant(where, Spec) or "") for where in unknown}
        return places | meant


def load(path: str | os.PathLike[str]) -> Spec:
    """The spec in a file.

    Raises SpecError with every problem of the file, in file order.
    """
    spec = loads(read(path), str(path))
    if spec.source:
        from ci_kaniko.repository.discovery import place_of

        spec.source.place = place_of(str(path))
    return spec


def loads(text: str | bytes, path: str = "<spec>") -> Spec:
    r"""The spec in a text; ``path`` is what messages call it.

    Raises SpecError with every problem of the text, in file order.

    >>> loads("destinations: ['ghcr.io/acme/shop:1.0']\nregistries: {ghcr.io: ci-token}").context
    '.'
    """
    if isinstance(text, bytes):
        text = decode(text, path)
    source = survey(text, path)
    try:
        spec = Spec.model_validate(to_python(source.root))
    except InvalidSpec as invalid:
        if invalid.rest is not None:
            invalid.rest._source = source  # noqa: SLF001 - a spec is told where it was written
        raise InvalidSpec(invalid.findings, invalid.rest, source) from None
    if source.problems:
        raise SpecError(source.problems)
    spec._source = source  # noqa: SLF001 - a spec is told where it was written
    return spec


def examined(data: Any, read_model: Callable[[Any], Spec]) -> Spec:
    """The spec that ``read_model`` makes of ``data``, when no rule finds an error in it.

    Raises InvalidSpec. When the model refuses a part, the rules still look at what is left, so
    that one run reports everything; rules about a damaged part stay silent.
    """
    if isinstance(data, dict):
        data = {key: item for key, item in data.items() if not is_ignored(key)}
    if isinstance(data, dict) and isinstance(data.get("images"), dict) and data["images"]:
        return _examined_images(data, read_model)
    if isinstance(data, dict) and data.get("images"):
        from ci_kaniko.spec.images import with_name

        data = with_name(data, "name")
    try:
        spec = read_model(data)
    except ValidationError as error:
        found, rest = _explained(error, data, read_model)
        raise InvalidSpec(found, rest if isinstance(rest, Spec) else None) from None
    findings = check(spec)
    if any(finding.severity == "error" for finding in findings):
        raise InvalidSpec(findings, spec)
    spec._checked = Checked(spec, findings)  # noqa: SLF001 - so that nobody asks the rules again
    return spec


def _explained(
    error: ValidationError,
    data: Any,
    read_model: Callable[[Any], Build],
    model: type[Build] = Spec,
) -> tuple[list[Finding], Build | None]:
    """What the model refuses, what the rules say about the rest, and the rest."""
    findings = list(_findings(error, model))
    rest, cuts = _readable(findings, data, read_model)
    if rest is not None:
        damaged = {finding.where for finding in findings} | set(_misspelt(findings, data, model))
        kept = _kept(data, cuts)
        findings += (
            finding._replace(where=_restored(finding.where, kept))
            for finding in check_build(rest, damaged)
        )
    return findings, rest


def _examined_images(data: dict[str, Any], read_model: Callable[[Any], Spec]) -> Spec:
    """A spec with several images: what they share is read once."""
    from ci_kaniko.spec.images import Entries, read_images

    entries = Entries(data)
    outputs = {"outputs": data["outputs"]} if data.get("outputs") is not None else {}
    findings: list[Finding] = []
    try:
        spec = read_model({**entries.common, **outputs})
    except ValidationError as error:
        found = list(_findings(error))
        damaged = {finding.where[0] for finding in found}
        findings += (item for item in found if not entries.completes(item))
        for key in damaged:
            entries.common.pop(str(key), None)
        kept = {} if "outputs" in damaged else outputs
        spec = read_model({**entries.common, **kept})
    places = {finding.where for finding in findings}
    images = read_images(entries, spec, _explained)
    # The instance that pydantic is building: a copy with the images would not be it.
    spec.__dict__["images"] = images
    places |= {finding.where for finding in entries.findings}
    unread = places | {image.at(finding.where) for image, finding in entries.told}
    checked = check_builds(images.values(), places)
    findings += entries.findings
    known = {(finding.rule, finding.where) for finding in findings}
    told = told_once([*entries.told, *checked], len(entries.own))
    findings += (item for item in told if (item.rule, item.where) not in known)
    findings = with_unheard(spec, [*findings, *check_whole(spec, unread)])
    if any(finding.severity == "error" for finding in findings):
        spec.__dict__["images"] = {**images, **entries.rests}
        raise InvalidSpec(findings, spec)
    spec._checked = Checked(spec, findings)  # noqa: SLF001 - so that nobody asks the rules again
    return spec


def errors(spec: Spec) -> list[Problem]:
    """What forbids rendering a spec, which ``model_copy`` may have changed."""
    return [problem for problem in warnings(spec) if problem.severity == "error"]


def warnings(spec: Spec) -> list[Problem]:
    """What is odd about a spec that can be rendered."""
    known = spec.findings
    return placed(check(spec) if known is None else known, spec.source)


def placed(findings: Iterable[Finding], source: Source | None) -> list[Problem]:
    """Findings at their lines, in file order; none of them shows a credential."""
    findings = list(findings)
    if source is not None:
        for finding in findings:
            _mask(finding, source)
    return in_file_order([_place(finding, source) for finding in findings])


def _mask(finding: Finding, source: Source) -> None:
    _, node = source.locate(finding.where)
    named = isinstance(node, Scalar) and (names_a_secret(node.text) or node.text in _WORDS)
    if finding.secret or (not named and not _SECRET_FIELDS.isdisjoint(finding.where)):
        source.mask(node)


def to_python(root: Node) -> Any:
    """The values of a node tree; unquoted scalars are Plain, empty and null ones None."""
    # The depth is at most 64: nodes.survey refuses more.
    if isinstance(root, Scalar):
        if not root.plain:
            return root.text
        return None if root.text in NULLS else Plain(root.text)
    if isinstance(root, Sequence):
        return [to_python(item) for item in root.items]
    assert isinstance(root, Mapping)
    return {key.text: to_python(item) for key, item in root.items}


def _readable(
    findings: list[Finding], data: Any, read_model: Callable[[Any], Build]
) -> tuple[Build | None, set[Where]]:
    """What can be read of ``data`` when some parts are left out, and which."""
    cuts = {_cut(data, finding.where) for finding in findings}
    for _ in range(2):
        if () in cuts or not isinstance(data, dict):
            break
        try:
            return read_model(_without(data, cuts)), cuts
        except ValidationError as error:
            cuts |= {_cut(data, where)[:1] for where in _places(error)}
        except InvalidSpec:
            break
    return None, cuts


def _misspelt(findings: list[Finding], data: Any, model: type[Build]) -> Iterator[Where]:
    """The keys that were meant by unknown ones."""
    for finding in findings:
        if finding.rule == "unknown-key" and (close := _meant(finding.where, model)):
            where = (*finding.where[:-1], close)
            if _cut(data, where) != where:
                yield where


def _places(error: ValidationError) -> Iterator[Where]:
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        yield tuple(step for step in item["loc"] if step != "[key]")


def _cut(data: Any, where: Where) -> Where:
    """The part to leave out so that the rest can be read: an item of a list, a key of a mapping."""
    path: list[str | int] = []
    for step in where:
        if isinstance(data, dict) and step in data:
            path.append(step)
            data = data[step]
            if len(path) == 2 and path[0] in _FREE_KEYS:
                break
        elif isinstance(data, list | tuple) and step in range(len(data)):
            path.append(step)
            break
    return tuple(path)


def _without(data: Any, cuts: Collection[Where], at: Where = ()) -> Any:
    if not any(cut[: len(at)] == at for cut in cuts):
        return data
    if isinstance(data, dict):
        return {
            key: _without(item, cuts, (*at, key))
            for key, item in data.items()
            if (*at, key) not in cuts
        }
    if isinstance(data, list | tuple):
        return [
            _without(item, cuts, (*at, index))
            for index, item in enumerate(data)
            if (*at, index) not in cuts
        ]
    return data


def _kept(data: Any, cuts: Collection[Where]) -> dict[Where, list[int]]:
    """For each list that was shortened, the places that its items had."""
    lists = {cut[:-1] for cut in cuts if isinstance(cut[-1], int)}
    kept = {}
    for where in lists:
        items = data
        for step in where:
            items = items[step]
        kept[where] = [index for index in range(len(items)) if (*where, index) not in cuts]
    return kept


def _restored(where: Where, kept: dict[Where, list[int]]) -> Where:
    restored = list(where)
    for end, step in enumerate(where):
        if isinstance(step, int) and where[:end] in kept:
            restored[end] = kept[where[:end]][step]
    return tuple(restored)


def _findings(error: ValidationError, model: type[Build] = Spec) -> Iterator[Finding]:
    items = error.errors(include_url=False)[:_MOST]
    unknown = {
        tuple(item["loc"]): _meant(item["loc"], model)
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
            for each in (refused, *refused.others):
                yield _refused(each, where, on_key=on_key)
        elif item["type"] == "extra_forbidden":
            yield _unknown_key(where, model)
        elif item["type"] != "missing":
            expected, hint = _expected(item)
            if where == ("images",):
                hint = "each by its name, such as api: {context: services/api}"
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
    field = _model_at(where[:-1]).model_fields[where[-1]]
    return str((field.examples or ["..."])[0])


def _unknown_key(where: Where, root: type[Build]) -> Finding:
    key = str(where[-1])
    model = _model_at(where[:-1], root)
    known = [name for name in model.model_fields if model is not NamedImage or name not in TOP_ONLY]
    close = None if key.replace("_", "-") in _SAID_OTHERWISE else _meant(where, root)
    if close and "/" in key:
        hint = f"remove the blank after the colon when {key} is a reference"
    elif close:
        hint = f'did you mean "{close}"?'
    elif model is Spec and (key in NamedImage.model_fields or _IMAGE_SYNONYMS.get(key)):
        hint = "it is for one of several images, below images:"
    elif key.replace("_", "-") in _SAID_OTHERWISE:
        hint = _SAID_OTHERWISE[key.replace("_", "-")]
    elif "extra" in model.model_fields:
        hint = f"extra: {{{key}: ...}} takes the platform's own keys"
        if key == "when":
            hint = f"triggers: {{manual: true}} says it on every target, {hint}"
    elif model is NamedImage and key == "name":
        hint = "an image is named by its key, the one above this"
    else:
        hint = _elsewhere(key) or f"known here: {', '.join(known)}"
    return Finding("unknown-key", where, f"unknown key {quoted(key)}", hint, on_key=True)


def _meant(where: Where, root: type[Build]) -> str | None:
    """The field that an unknown key was meant to be."""
    key = str(where[-1]).replace("-", "_").lower()
    model = _model_at(where[:-1], root)
    if model is NamedImage and key in _IMAGE_SYNONYMS:
        return _IMAGE_SYNONYMS[key]
    if issubclass(model, Build) and key in _SYNONYMS:
        return _SYNONYMS[key]
    if model is Spec and key == "services":
        return "images"
    if model is Login and key in _LOGIN_SYNONYMS:
        return _LOGIN_SYNONYMS[key]
    if "/" in key and "image" in model.model_fields:
        return "image"
    return suggest(key, model.model_fields)


def _elsewhere(key: str) -> str:
    """Where a flag of the executor has its field."""
    from ci_kaniko.kaniko.flags import owner_of

    options = set(Spec.model_fields["options"].annotation.model_fields)  # type: ignore[union-attr]
    owner = owner_of(key.replace("_", "-").lstrip("-"), options)
    return f"it is {owner} in a spec" if owner else ""


def _model_at(where: Where, root: type[Build] = Spec) -> Any:
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


def _place(finding: Finding, source: Source | None) -> Problem:
    where = dotted(finding.where)
    if source is None or not where:
        return Problem(
            rule=finding.rule,
            message=shown(finding.message),
            hint=shown(finding.hint),
            severity=finding.severity,
            path=source.path if source else "<spec>",
            where=shown(where),
        )
    key, value = source.locate(finding.where)
    node = key if finding.on_key and key is not None else value
    return source.problem(
        finding.rule, finding.message, node, finding.hint, finding.severity, where
    )
