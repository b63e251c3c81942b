"""The types of the spec's fields: how a value is read, what is refused, what the schema says."""

from __future__ import annotations

from functools import cache
from operator import not_

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field, FieldInfo
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any, get_args
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import EVENTS, AnyOf, parse_globs, parse_when, spelled
from ci_kaniko.syntax.references import (
    NO_PART,
    OWN_HOST,
    PARTS,
    REGISTRY_HOST,
    REGISTRY_IMAGE,
    Layout,
    Reference,
    Repository,
    can_be_host,
    check_lookalike,
    no_part_of_host,
)
from ci_kaniko.syntax.scalars import as_bool, as_choice, as_int, as_text, plain, wrong_type
from ci_kaniko.syntax.variables import (
    INPUT_PREFIX,
    Template,
    names,
    natives,
    parse,
    written_variables,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.quick.declaring import BaseModel


TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"]}
STRING: dict[str, Any] = {"type": "string"}
LIST_OR_ONE: dict[str, Any] = {"anyOf": [STRING, {"type": "array", "items": STRING}]}


UNSAID = Field(exclude_if=not_)
"""A collection of which none is written by leaving it out."""


class Reads:
    """Annotates a field: ``read`` makes its value or raises Refused, ``schema`` describes it.

    ``write`` makes what ``read`` takes out of a value. With ``inputs`` the text may hold inputs.
    ``kind`` is what a text is:

    - ``plain``, without variables
    - ``template``, in which variables are replaced
    - ``name``, in which nobody replaces anything
    - ``secret``, the name of a secret
    - ``command``, for a shell
    - ``native``, keys and values of a platform
    """

    def __init__(
        self,
        read: Callable[[Any], Any],
        schema: dict[str, Any],
        kind: str = "plain",
        write: Callable[[Any], Any] = plain,
        *,
        inputs: bool = False,
    ) -> None:
        self.read = read
        self.inputs = inputs
        self.schema = schema
        self.kind = kind
        self.write = write

    def reading(self, _: Any, __: Any) -> Callable[[Any], Any]:
        """What reads a value, whatever the type is."""
        return self.read

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


class Makes(Reads):
    """Annotates a field whose texts become values: ``make`` reads one, or raises Refused."""

    def __init__(
        self,
        make: Callable[[str], str],
        schema: dict[str, Any],
        kind: str = "plain",
        *,
        inputs: bool = False,
    ) -> None:
        super().__init__(lambda value: make(as_text(value)), schema, kind, inputs=inputs)


_ANNOTATED: Any = type(Annotated[int, ""])


def inside(part: Any) -> list[Any]:
    """What a field or its annotation is made of."""
    if isinstance(part, FieldInfo):
        return [*part.metadata, part.annotation]
    if isinstance(part, _ANNOTATED):
        return [*part.__metadata__, *part.__args__]
    return [*get_args(part)]


def readers(part: Any) -> list[Reads]:
    """What reads the texts of a field, those of a mapping's keys first."""
    if isinstance(part, Reads):
        return [part]
    return [reads for item in inside(part) for reads in readers(item)]


@cache
def makers(model: type[BaseModel]) -> dict[str, list[Makes | None]]:
    """The fields of a model whose texts become values, and what reads them; None for no values."""
    found = {
        name: [reads if isinstance(reads, Makes) else None for reads in readers(info)]
        for name, info in model.model_fields.items()
    }
    return {name: each for name, each in found.items() if any(each)}


def remade(makers: list[Makes | None], value: Any) -> Any:
    """What somebody put into a field, with values for its texts. Raises Refused."""
    maker = makers[-1] if makers else None
    if maker and type(value) is str:
        return maker.read(value)
    if isinstance(value, list | tuple):
        return tuple(remade(makers, item) for item in value)
    if type(value) is dict:
        return {remade(makers[:1], key): remade(makers[1:], item) for key, item in value.items()}
    return value


class NotEmpty:
    """Annotates a collection of which none would mean all: an empty one is refused."""

    def __init__(self, what: str) -> None:
        self.what = what

    def reading(self, handler: Any, source: Any) -> Callable[[Any], Any]:
        """What reads a value that is not empty."""
        read = handler(source)
        return lambda value: read(self._filled(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._filled, handler(source))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict | list | tuple) and not value:
            message = "this is empty, and an absent key means something else"
            raise Refused("empty-value", message, f"name {self.what}, or leave the key out")
        return value

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        described: dict[str, Any] = handler(schema["schema"])
        least = "minItems" if described.get("type") == "array" else "minProperties"
        return {**described, least: 1}


def checked(check: Callable[[str], Any]) -> Callable[[Any], str]:
    """Reads a text that ``check`` lets through unchanged."""

    def read(value: Any) -> str:
        text = as_text(value)
        check(text)
        return text

    return read


def _secret(check: Callable[[str], Any]) -> Callable[[Any], str]:
    """Reads the name of a secret."""
    read_text = checked(check)

    def read(value: Any) -> str:
        """The text. Raises Refused."""
        if isinstance(value, dict) and value.keys() == {"secret"}:
            raise wrong_type(value, "the name alone", f"write {read(value['secret'])}")
        return read_text(value)

    return read


_NEARLY = pattern(
    r'unknown variable "\$\{(?P<name>[a-z_]+\.[^:}]*).*" '
    r"did you mean \$\{(?P<meant>(?!env\.)[^}]*)\}.*"
)
"""What a text without variables can only hold by mistake; others may be somebody else's."""


def check_plain(text: str) -> None:
    """A text in which no variable is replaced, so that none may stand there. Raises Refused."""
    grammar.check_text(text)
    if "${" not in text:
        return
    try:
        found = names(parse(text))[:1]
    except Refused as refused:
        if "${image.name" in refused.message:
            raise
        nearly = _NEARLY.fullmatch(f"{refused.message} {refused.hint}")
        if nearly and nearly["meant"].startswith(INPUT_PREFIX):
            hint = f"did you mean ${{{nearly['meant']}}}?"
            raise Refused(refused.rule, refused.message, hint) from None
        found = [nearly["name"]] if nearly else []
    if found:
        raise Refused(
            "variable-not-allowed",
            f"${{{found[0]}}} is not replaced in this field",
            "inputs also work in context, dockerfile, target and in what chooses a name, a stage "
            "or a runner"
            if found[0].startswith(INPUT_PREFIX)
            else "variables work in fetched contexts, build_args, labels, annotations, "
            "destinations, registries, cache.repo and extra_args",
        )


def check_present(text: str) -> None:
    """Raise Refused for an empty text."""
    check_plain(text)
    if not text:
        raise Refused("empty-value", "the text is empty", "give it a value, or leave the key out")


def _read_reference(text: str) -> Reference:
    grammar.check_text(text)
    return Reference(text)


def _check_own_image(text: str) -> None:
    check_present(text)
    if written := written_variables(text):
        raise Refused(
            "native-variable",
            f"{written[0]} is not replaced in the name of an image that runs",
            "write what it stands for",
        )


def _check_pulled(text: str) -> None:
    """An image to run: a registry, a repository, a tag, a digest, of which one may be missing."""
    _check_own_image(text)
    if not grammar.is_image(text):
        message = f"{quoted(text)} is not an image"
        raise Refused("bad-reference", message, "such as docker.io/library/golang:1.26")


def _read_cache_repo(text: str) -> Repository | Layout:
    grammar.check_text(text)
    if text.startswith("oci:"):
        check_plain(text)
        return Layout(text)
    try:
        return Repository(text)
    except Refused as refused:
        if refused.rule == "bad-reference":
            refused.rule = "bad-cache-repo"
            refused.hint = refused.hint.removesuffix(":1.0")
        raise


def _read_registry(text: str) -> Template:
    if text != OWN_HOST:
        _check_registry(text)
    return Template(text)


def _check_registry(text: str) -> None:
    grammar.check_text(text)
    if foreign := natives(text):
        native = foreign[0]
        own = native.portable in {REGISTRY_HOST, REGISTRY_IMAGE}
        raise Refused(
            "native-variable",
            f"{native.written} belongs to one CI only",
            f"{OWN_HOST}: ci-token is the CI's own registry"
            if own
            else "a host is written out; ${env.NAME} is a run-time variable of your own",
        )
    parts = parse(text)
    if can_be_host(parts):
        return
    if odd := no_part_of_host(parts):
        raise Refused("bad-host", f"{odd} {NO_PART}", PARTS)
    check_lookalike(text)
    grammar.check_host(text)


def _read_line(text: str) -> Template:
    grammar.check_text(text)
    return Template(text)


def _read_lines(text: str) -> Template:
    grammar.check_text(text, newlines=True)
    return Template(text)


def _check_plain_host(text: str) -> None:
    check_plain(text)
    grammar.check_host(text)


def _check_git_token(text: str) -> None:
    if text != "ci-token":
        grammar.check_secret_name(text)


def _check_relative_path(text: str) -> None:
    check_plain(text)
    grammar.check_path(text)


_TAG_PREFIX = pattern(r"(?:[A-Za-z0-9_@+-][A-Za-z0-9._/@+-]*)?")


def _check_tag_prefix(text: str) -> None:
    check_plain(text)
    if not _TAG_PREFIX.fullmatch(text) or "//" in text or ".." in text:
        message = f"no git tag that is a version begins with {quoted(text)}"
        raise Refused("bad-tag-prefix", message, "the text itself, such as api/ for api/v1.2.3")


def choice(*choices: str) -> Reads:
    """Reads one of some words."""
    return Reads(lambda value: as_choice(value, choices), {"type": "string", "enum": list(choices)})


def whole(minimum: int, maximum: int) -> Reads:
    """Reads a whole number within bounds."""

    def read(value: Any) -> int:
        """The number, within its limits. Raises Refused."""
        number = as_int(value)
        if not minimum <= number <= maximum:
            raise Refused(
                "out-of-range",
                f"{number} is not between {minimum} and {maximum}",
                f"at most {maximum}" if number > maximum else f"at least {minimum}",
            )
        return number

    return Reads(read, {"type": "integer", "minimum": minimum, "maximum": maximum})


Text = Annotated[str, Reads(checked(check_plain), TEXT)]
Present = Annotated[str, Reads(checked(check_present), TEXT)]
Line = Annotated[Template, Makes(_read_line, TEXT, "template")]
Lines = Annotated[Template, Makes(_read_lines, TEXT, "template")]
Image = Annotated[Reference, Makes(_read_reference, STRING, "template")]
Name = Annotated[str, Reads(checked(check_present), TEXT, "name")]
"""A text in which the platform replaces nothing, unlike in most of its own settings."""
OwnImage = Annotated[str, Reads(checked(_check_own_image), STRING)]
PulledImage = Annotated[str, Reads(checked(_check_pulled), STRING)]
CacheRepo = Annotated[Repository | Layout, Makes(_read_cache_repo, STRING, "template")]
RegistryHost = Annotated[str, Makes(_read_registry, STRING, "template")]
PlainHost = Annotated[str, Reads(checked(_check_plain_host), STRING)]
BuildArgName = Annotated[str, Reads(checked(grammar.check_build_arg_name), STRING)]
LabelName = Annotated[str, Reads(checked(grammar.check_label_name), STRING)]
SecretName = Annotated[str, Reads(_secret(grammar.check_secret_name), STRING, "secret")]
GitToken = Annotated[str, Reads(_secret(_check_git_token), STRING, "secret")]
ConfigName = Annotated[str, Reads(_secret(grammar.check_config_name), STRING, "secret")]
Duration = Annotated[str, Reads(checked(grammar.check_duration), STRING)]
Platform = Annotated[str, Reads(checked(grammar.check_platform), STRING)]
Version = Annotated[str, Reads(checked(grammar.check_version), STRING)]
Digest = Annotated[str, Reads(checked(grammar.check_digest), STRING)]
TagPrefix = Annotated[str, Reads(checked(_check_tag_prefix), STRING)]
RelativePath = Annotated[str, Reads(checked(_check_relative_path), STRING)]
Boolean = Annotated[bool, Reads(as_bool, {"type": "boolean"})]
Globs = Annotated["tuple[str, ...]", Reads(parse_globs, LIST_OR_ONE), UNSAID]

_CONDITION: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "enum": list(EVENTS)},
        {
            "type": "object",
            "properties": {"branch": LIST_OR_ONE, "tag": LIST_OR_ONE},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}
_CONDITIONS = {"anyOf": [_CONDITION, {"type": "array", "items": _CONDITION, "minItems": 1}]}
When = Annotated[AnyOf, Reads(parse_when, _CONDITIONS, write=spelled)]
