"""The types of the spec's fields: how a value is read, what is refused, what the schema says."""

from __future__ import annotations

import re
from threading import RLock
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import core_schema

from ci_kaniko.problems.finding import Refused, quoted, raise_all
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import EVENTS, AnyOf, parse_globs, parse_when
from ci_kaniko.syntax.references import (
    REGISTRY_HOST,
    REGISTRY_IMAGE,
    check_lookalike,
    parse_reference,
    parse_repository,
)
from ci_kaniko.syntax.scalars import as_bool, as_choice, as_int, as_native, as_text, wrong_type
from ci_kaniko.syntax.variables import Ref, natives, parse, written_variables
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.problems.finding import Where

TARGETS = ("gitlab", "github", "buildkite", "agola", "kubernetes")
REMOTE_SCHEMES = ("git", "s3", "gs", "https", "tar")

TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"]}
STRING: dict[str, Any] = {"type": "string"}
LIST_OR_ONE: dict[str, Any] = {"anyOf": [STRING, {"type": "array", "items": STRING}]}

_SCP = pattern(r"[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):(?!/)(.+)")


class Reads:
    """Annotates a field: ``read`` makes its value or raises Refused, ``schema`` describes it.

    ``kind`` is what its texts are: ``plain`` ones, a ``template`` in which variables are replaced,
    the name of a ``secret``, a ``command`` for a shell, a ``name`` in which nobody replaces
    anything, or ``native`` keys and values.
    """

    def __init__(
        self, read: Callable[[Any], Any], schema: dict[str, Any], kind: str = "plain"
    ) -> None:
        self.read = read
        self.schema = schema
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return dict(self.schema)


class NotEmpty:
    """Annotates a collection of which none would mean all: an empty one is refused."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
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


class _Later:
    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            source.model_validate,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                _dumped, schema=core_schema.any_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        model = schema["function"]["function"].__self__
        model.model_rebuild()
        # A chain of one: for the model itself the handler would leave its entry in $defs out.
        described: dict[str, Any] = handler(
            core_schema.chain_schema([model.__pydantic_core_schema__])
        )
        return described


_Part = TypeVar("_Part", bound="Model")
Later = Annotated[_Part, _Later()]
"""A model that pydantic builds when a spec has it: a spec has few of all there are.

What ``model_validate`` is told beside the data, ``strict`` and ``context``, does not reach it.
"""


def _dumped(value: Any, handler: Callable[[Any], Any]) -> Any:
    if isinstance(value, Model):
        type(value).model_rebuild()  # a default may be the first of its kind that is dumped
    return handler(value)


def checked(check: Callable[[str], Any]) -> Callable[[Any], str]:
    """Reads a text that ``check`` lets through unchanged."""

    def read(value: Any) -> str:
        text = as_text(value)
        check(text)
        return text

    return read


def _check_template(text: str, *, newlines: bool = False) -> None:
    grammar.check_text(text, newlines=newlines)
    parse(text)


def _check_lines(text: str) -> None:
    _check_template(text, newlines=True)


def check_plain(text: str) -> None:
    """A text in which no variable is replaced, so that none may stand there."""
    grammar.check_text(text)
    if "${" not in text:
        return
    try:
        parts = parse(text)
    except Refused as refused:
        if "${image.name" in refused.message:
            raise
        return
    known = [part.name for part in parts if isinstance(part, Ref)]
    if known:
        raise Refused(
            "variable-not-allowed",
            f"${{{known[0]}}} is not replaced in this field",
            "variables work in fetched contexts, build_args, labels, annotations, destinations, "
            "registries, cache.repo and extra_args",
        )


def check_present(text: str) -> None:
    check_plain(text)
    if not text:
        raise Refused("empty-value", "the text is empty", "give it a value, or leave the key out")


def _check_reference(text: str) -> None:
    grammar.check_text(text)
    parse_reference(text)


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


def _check_cache_repo(text: str) -> None:
    grammar.check_text(text)
    if text.startswith("oci:"):
        check_plain(text)
        if not re.match(r"oci:/[^/]", text):
            raise Refused(
                "bad-cache-repo",
                f"{quoted(text)} is not an absolute layout path",
                "such as oci:/cache/layers, a folder below a mount",
            )
        return
    try:
        parse_repository(text)
    except Refused as refused:
        if refused.rule == "bad-reference":
            refused.rule = "bad-cache-repo"
            refused.hint = refused.hint.removesuffix(":1.0")
        raise


def _check_registry(text: str) -> None:
    if text == f"${{{REGISTRY_HOST}}}":
        return
    grammar.check_text(text)
    if foreign := natives(text):
        native = foreign[0]
        own = native.portable in {REGISTRY_HOST, REGISTRY_IMAGE}
        raise Refused(
            "native-variable",
            f"{native.written} belongs to one CI only",
            f"${{{REGISTRY_HOST}}}: ci-token is the CI's own registry"
            if own
            else "a host is written out; ${env.NAME} is a run-time variable of your own",
        )
    parts = parse(text)
    if len(parts) == 1 and isinstance(parts[0], Ref) and parts[0].name.startswith("env."):
        return
    check_lookalike(text)
    grammar.check_host(text)


def _check_plain_host(text: str) -> None:
    check_plain(text)
    grammar.check_host(text)


def _check_context(text: str) -> None:
    grammar.check_text(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        _check_directory(text)
        return
    if scheme == "dir":
        raise Refused(
            "bad-context",
            f"{quoted(text)} needs no scheme",
            f"write {rest.strip('/') or '.'}",
        )
    if scheme not in REMOTE_SCHEMES:
        close = {"http": "https", "ssh": "git", "git+ssh": "git", "git+https": "git"}.get(scheme)
        raise Refused(
            "bad-context",
            f"{quoted(text)} has a scheme that kaniko does not know",
            f"write {close}://{rest}"
            if close
            else "a directory, or git:// s3:// gs:// https:// tar://",
        )
    if scheme == "https" and rest.partition("#")[0].endswith(".git"):
        message = f"{quoted(text)} is a repository, and https:// fetches an archive"
        raise Refused("bad-context", message, f"write git://{rest}")
    if scheme == "git":
        _check_git_context(text, rest)
    elif scheme == "tar":
        _check_archive(text, rest)
    elif not all(rest.partition("/")[::2]):
        what = "HOST/FILE" if scheme == "https" else "BUCKET/FILE"
        raise Refused("bad-context", f"{quoted(text)} names no file", f"{scheme}://{what}")
    parse(text)


def _check_directory(text: str) -> None:
    if remote := _SCP.fullmatch(text):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is a clone over SSH, which kaniko cannot do",
            f"write git://{remote.group(1)}/{remote.group(2)}",
        )
    if any(isinstance(part, Ref) for part in parse(text)):
        raise Refused(
            "variable-not-allowed",
            "the name of a directory holds no variables",
            "variables are replaced in contexts that are fetched, such as git://",
        )
    grammar.check_path(text, what="context")


def _check_archive(text: str, rest: str) -> None:
    if rest == "stdin":
        raise Refused(
            "bad-context",
            "nothing writes to the executor's standard input in a CI job",
            "tar://FILE, a gzipped archive in the repository",
        )
    if not rest or (not rest.startswith("/") and grammar.inside_repository(rest) in {None, "."}):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is no file of the repository",
            "such as tar://build/context.tar.gz",
        )


def _check_git_context(text: str, rest: str) -> None:
    location, *fragments = rest.split("#")
    if "://" in location or location.startswith("git@"):
        raise Refused(
            "bad-context",
            f"{quoted(text)}: git:// already means a clone over https",
            f"write git://{rest.removeprefix('https://')}"
            if rest.startswith("https://")
            else "such as git://github.com/acme/shop.git#refs/heads/main",
        )
    host, _, path = location.partition("/")
    if not path.strip("/") or (not grammar.is_host(host) and "${" not in host):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is not a repository",
            "git://HOST/PATH#REF#COMMIT, such as git://github.com/acme/shop.git#refs/heads/main",
        )
    if fragments and not _is_git_ref(fragments[0]):
        named = fragments[0] and not grammar.is_commit(fragments[0])
        raise Refused(
            "bad-context",
            f"{quoted(fragments[0])} is not a full ref",
            f"write git://{location}#refs/heads/{'#'.join(fragments)}"
            if named
            else "git://HOST/PATH#refs/heads/main#COMMIT; a bare commit works on few servers",
        )
    if len(fragments) > 2 or (fragments[1:] and not _is_commit(fragments[1])):
        raise Refused(
            "bad-context",
            f"{quoted('#'.join(fragments[1:]))} is not a commit",
            "40 hexadecimal digits, after the ref: #refs/heads/main#COMMIT",
        )


def _is_git_ref(text: str) -> bool:
    return text.startswith(("refs/", "${"))


def _is_commit(text: str) -> bool:
    return grammar.is_commit(text) or text.startswith("${")


def _check_dockerfile(text: str) -> None:
    check_plain(text)
    if text.startswith(("http://", "https://")):
        return
    if not text or text.endswith("/"):
        raise Refused("bad-path", f"{quoted(text)} is not a file", "such as docker/Dockerfile")
    if "://" in text:
        raise Refused(
            "bad-path",
            f"{quoted(text)} has a scheme that kaniko does not know",
            "a path, or https://",
        )
    if text.startswith("/"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is absolute; the Dockerfile's path starts at the context",
            f"write {text.lstrip('/')}",
        )


def _check_git_token(text: str) -> None:
    if text != "ci-token":
        grammar.check_secret_name(text)


def _check_relative_path(text: str) -> None:
    check_plain(text)
    grammar.check_path(text)


def choice(*choices: str) -> Reads:
    """Reads one of some words."""
    return Reads(lambda value: as_choice(value, choices), {"type": "string", "enum": list(choices)})


def whole(minimum: int, maximum: int) -> Reads:
    """Reads a whole number within bounds."""

    def read(value: Any) -> int:
        number = as_int(value)
        if not minimum <= number <= maximum:
            raise Refused(
                "out-of-range",
                f"{number} is not between {minimum} and {maximum}",
                f"at most {maximum}" if number > maximum else f"at least {minimum}",
            )
        return number

    return Reads(read, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _parse_extra(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type(value, "a mapping of native keys")
    raise_all(list(_native_refusals(value, ())))
    parsed: dict[str, Any] = as_native(value)
    return parsed


def _native_refusals(value: Any, at: Where) -> Iterator[Refused]:
    """What is wrong with the texts and keys of a raw native value."""
    pending = [(value, at)]
    while pending:
        item, place = pending.pop()
        if isinstance(item, dict):
            for key in item:
                yield from _native_refusal(str(key), (*place, str(key)), on_key=True)
            pending += [(child, (*place, str(key))) for key, child in item.items()]
        elif isinstance(item, list | tuple):
            pending += [(child, (*place, index)) for index, child in enumerate(item)]
        elif isinstance(item, str):
            yield from _native_refusal(item, place)


def _native_refusal(text: str, at: Where, *, on_key: bool = False) -> Iterator[Refused]:
    try:
        grammar.check_text(text, newlines=not on_key)
    except Refused as refused:
        refused.at, refused.on_key = at, on_key
        yield refused


Text = Annotated[str, Reads(checked(check_plain), TEXT)]
Present = Annotated[str, Reads(checked(check_present), TEXT)]
Template = Annotated[str, Reads(checked(_check_template), TEXT, "template")]
Lines = Annotated[str, Reads(checked(_check_lines), TEXT, "template")]
Image = Annotated[str, Reads(checked(_check_reference), STRING, "template")]
Name = Annotated[str, Reads(checked(check_present), TEXT, "name")]
"""A text in which the platform replaces nothing, unlike in most of its own settings."""
OwnImage = Annotated[str, Reads(checked(_check_own_image), STRING)]
PulledImage = Annotated[str, Reads(checked(_check_pulled), STRING)]
CacheRepo = Annotated[str, Reads(checked(_check_cache_repo), STRING, "template")]
RegistryHost = Annotated[str, Reads(checked(_check_registry), STRING, "template")]
PlainHost = Annotated[str, Reads(checked(_check_plain_host), STRING)]
Context = Annotated[str, Reads(checked(_check_context), STRING, "template")]
Dockerfile = Annotated[str, Reads(checked(_check_dockerfile), STRING)]
BuildArgName = Annotated[str, Reads(checked(grammar.check_build_arg_name), STRING)]
LabelName = Annotated[str, Reads(checked(grammar.check_label_name), STRING)]
SecretName = Annotated[str, Reads(checked(grammar.check_secret_name), STRING, "secret")]
GitToken = Annotated[str, Reads(checked(_check_git_token), STRING, "secret")]
ConfigName = Annotated[str, Reads(checked(grammar.check_config_name), STRING, "secret")]
Duration = Annotated[str, Reads(checked(grammar.check_duration), STRING)]
Platform = Annotated[str, Reads(checked(grammar.check_platform), STRING)]
Version = Annotated[str, Reads(checked(grammar.check_version), STRING)]
Digest = Annotated[str, Reads(checked(grammar.check_digest), STRING)]
RelativePath = Annotated[str, Reads(checked(_check_relative_path), STRING)]
Boolean = Annotated[bool, Reads(as_bool, {"type": "boolean"})]
Globs = Annotated["tuple[str, ...]", Reads(parse_globs, LIST_OR_ONE)]
Extra = Annotated["dict[str, Any]", Reads(_parse_extra, {"type": "object"}, "native")]

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
When = Annotated[AnyOf, Reads(parse_when, _CONDITIONS)]


_BUILDING = RLock()


class Model(BaseModel):
    """What all parts of a spec share: unknown keys are refused, null means absent."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True
    )

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **options: Any) -> bool | None:
        """Build the model when it is first used: pydantic lets threads disturb each other here."""
        depth = _parent_namespace_depth and _parent_namespace_depth + 1
        with _BUILDING:
            return super().model_rebuild(_parent_namespace_depth=depth, **options)

    @model_validator(mode="before")
    @classmethod
    def _present_keys(cls, value: Any) -> Any:
        value = cls._expand(value)
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise wrong_type(value, *cls._expected())
        return {key: item for key, item in value.items() if item is not None}

    @classmethod
    def _expand(cls, value: Any) -> Any:
        """The long form of a short form."""
        return value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        """What a user may write, in words, and a hint."""
        first = list(cls.model_fields)[:3]
        return "a mapping", f"lines such as {', '.join(f'{key}: ...' for key in first)}"
