"""Labels of an image: one's own, and those of the OCI image specification."""

from __future__ import annotations

from functools import partial

from ci_kaniko.problems.finding import Refused
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.syntax.scalars import Plain, as_bool, wrong_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OCI = "oci"
_PREFIX = "org.opencontainers.image."
_CREATED = f"{_PREFIX}created"
OCI_LABELS = {
    f"{_PREFIX}source": "repository.url",
    f"{_PREFIX}revision": "commit.sha",
    _CREATED: "build.timestamp",
    f"{_PREFIX}version": "ref.version",
    f"{_PREFIX}url": "repository.url",
    f"{_PREFIX}ref.name": "ref.name",
}
"""The variable of each label, https://github.com/opencontainers/image-spec/blob/main/annotations.md"""


class Labels(dict[str, Any]):
    """Labels as they were written; with ``oci`` those of the image specification, too."""

    def __init__(self, labels: Mapping[str, Any], *, oci: bool) -> None:
        super().__init__(labels)
        self.oci = oci

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.oci == getattr(other, "oci", False)

    __hash__ = None


class OrOci:
    """Annotates a mapping of labels that may be ``oci``, or have it as a switch."""

    def reading(self, handler: Any, source: Any) -> Callable[[Any], Any]:
        """What reads a value."""
        return partial(_read, read=handler(source))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_wrap_validator_function(
            _read,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(_written),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "enum": [OCI]}, handler(schema["schema"])]}


def _read(value: Any, read: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    value = long_form(value)
    if not isinstance(value, dict):
        raise wrong_type(value, "a mapping or oci", "lines such as NAME: text, or labels: oci")
    oci = _is_switch(value.get(OCI)) and _switched(value[OCI])
    own = {key: item for key, item in value.items() if key != OCI or not _is_switch(item)}
    oci = oci or getattr(value, "oci", False)
    return Labels(read(own), oci=True) if oci else read(own)


def long_form(value: Any) -> Any:
    """``oci`` as a mapping that has it."""
    return {OCI: True} if isinstance(value, str) and value == OCI else value


_WORDS = {"true", "false", "yes", "no", "on", "off"}


def _is_switch(value: Any) -> bool:
    """Whether this is no text for a label that is called so."""
    return isinstance(value, bool) or (isinstance(value, Plain) and value.lower() in _WORDS)


def _switched(value: Any) -> bool:
    try:
        return as_bool(value)
    except Refused as refused:
        refused.at = (OCI,)
        raise


def _written(labels: dict[str, Any]) -> dict[str, Any]:
    plain = {str(key): str(item) for key, item in labels.items()}
    return {OCI: True, **plain} if getattr(labels, "oci", False) else plain


def oci_labels(labels: Mapping[str, Any], *, reproducible: bool) -> dict[str, str]:
    """The labels that are made, and the variable of each: what is written replaces them.

    Those of a reproducible image do not change from run to run.
    """
    if not getattr(labels, "oci", False):
        return {}
    return {
        name: variable
        for name, variable in OCI_LABELS.items()
        if name not in labels and not (reproducible and name == _CREATED)
    }
