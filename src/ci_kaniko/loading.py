"""From the text of a spec to a Spec, with every problem at its line and column."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ci_kaniko.findings import Finding, Refused, Where, dotted, quoted
from ci_kaniko.nodes import Mapping, Node, Scalar, Sequence, Source, decode, parse, read
from ci_kaniko.problems import Problem, SpecError, in_file_order, suggest
from ci_kaniko.rules import check
from ci_kaniko.scalars import NULLS, Plain
from ci_kaniko.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE_NAMES = ("ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json")

_SECRET_FIELDS = {"password", "token", "secret", "docker_config"}


def load(path: str | os.PathLike[str]) -> Spec:
    """The spec in a file.

    Raises SpecError with every problem of the file, in file order.
    """
    return loads(read(path), str(path))


def loads(text: str | bytes, path: str = "<spec>") -> Spec:
    """The spec in a text; ``path`` is what messages call it.

    Raises SpecError with every problem of the text, in file order.

    >>> loads("destinations: ['ghcr.io/acme/shop:1.0']\\nregistries: {ghcr.io: ci-token}").context
    '.'
    """
    if isinstance(text, bytes):
        text = decode(text, path)
    source = parse(text, path)
    data = to_python(source.root)
    spec, findings = _validate(data)
    problems = placed(findings, source)
    if spec is None or any(problem.severity == "error" for problem in problems):
        raise SpecError(problems)
    spec._source = source
    return spec


def placed(findings: Iterable[Finding], source: Source | None) -> list[Problem]:
    """Findings at their lines, in file order."""
    return in_file_order([_place(finding, source) for finding in findings])


def warnings(spec: Spec) -> list[Problem]:
    """What is odd about a spec that can be rendered."""
    return placed(check(spec), spec._source)


def to_python(root: Node) -> Any:
    """The values of a node tree; unquoted scalars are Plain, empty and null ones None."""
    return _value(root)


def _value(node: Node) -> Any:
    # The depth is at most 64: nodes.parse refuses more.
    if isinstance(node, Scalar):
        if not node.plain:
            return node.text
        return None if node.text in NULLS else Plain(node.text)
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.text: _value(item) for key, item in node.items}


def _validate(data: Any) -> tuple[Spec | None, list[Finding]]:
    """The spec, or None, and what is wrong with it.

    When the model refuses a part, the rules still look at what is left, so that one run reports
    everything; rules about a damaged part stay silent.
    """
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        findings = list(_findings(error, data))
        damaged = {str(finding.where[0]) for finding in findings if finding.where}
        try:
            rest = Spec.model_validate({k: v for k, v in data.items() if k not in damaged})
        except ValidationError:
            return None, findings
        return None, findings + list(check(rest, damaged=damaged))
    return spec, list(check(spec))


def _findings(error: ValidationError, data: Any) -> Iterator[Finding]:
    for item in error.errors(include_url=False):
        where = tuple(step for step in item["loc"] if step != "[key]")
        refused = item.get("ctx", {}).get("error")
        if isinstance(refused, Refused):
            yield Finding(
                refused.rule,
                (*where, *refused.at),
                refused.message,
                refused.hint,
                on_key=item["loc"][-1:] == ("[key]",),
            )
        elif item["type"] == "extra_forbidden":
            yield _unknown_key(where)
        elif item["type"] == "missing":
            yield Finding(
                "missing-key", where[:-1], f"{quoted(str(where[-1]))} is missing", "add it"
            )
        else:
            expected = "a mapping" if "dict" in item["type"] else "a list"
            yield Finding("wrong-type", where, f"expected {expected}", _type_hint(expected))


def _type_hint(expected: str) -> str:
    return "write - before each item" if expected == "a list" else "write NAME: VALUE lines"


def _unknown_key(where: Where) -> Finding:
    key = str(where[-1])
    known = _known_keys(where[:-1])
    close = suggest(key.replace("-", "_"), known)
    hint = f'did you mean "{close}"?' if close else f"known here: {', '.join(known)}"
    return Finding("unknown-key", where, f"unknown key {quoted(key)}", hint, on_key=True)


def _known_keys(where: Where) -> list[str]:
    """The fields of the model at ``where``."""
    model: Any = Spec
    for step in where:
        inner = (
            _model_of(model.model_fields[step].annotation)
            if step in getattr(model, "model_fields", {})
            else None
        )
        model = inner or model
    return list(model.model_fields)


def _model_of(annotation: Any) -> Any:
    """The model inside ``Model | None``, ``tuple[Model, ...]`` or ``dict[str, Model]``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_of(argument)
        if found is not None:
            return found
    return None


def _place(finding: Finding, source: Source | None) -> Problem:
    where = dotted(finding.where)
    if source is None:
        return Problem(
            rule=finding.rule,
            message=finding.message,
            hint=finding.hint,
            severity=finding.severity,
            where=where,
        )
    key, value = source.locate(finding.where)
    node = key if finding.on_key and key is not None else value
    return source.problem(
        finding.rule, finding.message, node, finding.hint, finding.severity, where
    )


def find(start: str = ".") -> str | None:
    """The spec of a repository: the nearest one upward from a folder."""
    folder = os.path.abspath(start)
    while True:
        for name in FILE_NAMES:
            candidate = os.path.join(folder, name)
            if os.path.isfile(candidate):
                return os.path.relpath(candidate, start)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.isdir(os.path.join(folder, ".git")):
            return None
        folder = parent
