"""The pages of ``docs/`` that are made from the code: ``python3 docs/make``."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ci_kaniko.spec.build import TOP_ONLY, Build, NamedImage
from ci_kaniko.spec.images import IMAGE_NAME
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.schema import schema, schema_text
from ci_kaniko.spec.spec import Spec
from ci_kaniko.syntax.variables import ENV, INPUT, VARIABLES, Variable
from ci_kaniko.text.yaml import scalar
from make import api, importing, matrix, pictures, rooms, rules
from make.checks import checks_text
from make.parts import parts
from make.tables import code, listed, table
from make.typed import typed_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic.fields import FieldInfo

DOCS = Path(__file__).parents[2] / "docs"

_NOTICE = "<!-- Made from the code by: python3 docs/make -->\n"


PAGES: dict[str, Callable[[], str]] = {
    # Pages are made of this one.
    "checks.yaml": checks_text,
    "api.md": lambda: _filled("api.md", _api()),
    "architecture.md": lambda: _filled(
        "architecture.md", {"rooms": rooms.drawing(), "parts": parts()}
    ),
    "ci-kaniko.schema.json": schema_text,
    "commands.md": lambda: _page("Commands", _COMMANDS, *_command_sections()),
    "import.md": lambda: _filled("import.md", _importing()),
    "rules.md": lambda: _page("Rules", *rules.sections()),
    "matrix.md": lambda: _page("What works where", *matrix.sections()),
    "flow.svg": pictures.flow_picture,
    "preview.svg": pictures.preview_picture,
    "rehearse.svg": pictures.rehearsal_picture,
    "typed.py": typed_text,
    "spec.md": lambda: _page("The spec", _SPEC, *_model_sections(), *_variables_section()),
}
"""What makes each page that is generated, or a part of it, by its file name."""


def folder(name: str) -> Path:
    """Where a page lies: what the package needs as well, in the package."""
    room = {"checks.yaml": "problems", "typed.py": "spec"}.get(name)
    return DOCS.parent / "src" / "ci_kaniko" / room if room else DOCS


def main(words: Sequence[str] | None = None) -> None:
    """Write the pages that the command line names, or all."""
    parser = ArgumentParser(prog="python3 docs/make", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="default: all of them")
    parser.add_argument("--into", type=Path, help="another folder than theirs")
    parser.add_argument("--target", action="append", default=[], help="one that is installed, too")
    asked = parser.parse_args(words)
    for name in asked.target:
        matrix.take_in(name)
    for name in asked.pages or PAGES:
        ((asked.into or folder(name)) / name).write_bytes(PAGES[name]().encode())


def _page(title: str, *blocks: str) -> str:
    return "\n\n".join([f"# {title}", _NOTICE.rstrip(), *blocks]) + "\n"


def _filled(name: str, parts: dict[str, str]) -> str:
    """A written page with parts that are made, each between its marks."""
    page = (DOCS / name).read_bytes().decode()
    for part, text in parts.items():
        before, start, rest = page.partition(f"<!-- {part}: made by python3 docs/make -->\n")
        _, end, after = rest.partition(f"<!-- end of {part} -->\n")
        if not (start and end):
            raise ValueError(f"{name} has no marks for: {part}")
        page = f"{before}{start}\n{text}\n\n{end}{after}"
    return page


def _api() -> dict[str, str]:
    return {
        "functions": api.functions(),
        "aliases": api.aliases(),
        "results": api.results(),
        "errors": api.errors(),
        "models": api.models(),
    }


def _importing() -> dict[str, str]:
    return {
        "constructs": importing.constructs(),
        "ignored keys": importing.ignored(),
        "actions": importing.actions(),
        "faults": importing.rules("mended"),
        "rest": importing.rules("left"),
    }


_SPEC = """\
The file is `ci-kaniko.yaml`, `ci-kaniko.yml` or `ci-kaniko.json`. All paths start at the root of
the repository; only `dockerfile` starts at the context. Unknown keys are errors. An empty value
means that the key is absent; an empty text is written `""`. A text keeps what is written: `1.10`
stays `1.10`, and `on` stays `on`.

[Rules](rules.md) lists what can be wrong. Editors read
[ci-kaniko.schema.json](ci-kaniko.schema.json); with the YAML language server, the first line of a
spec can name a copy of it:

```yaml
# yaml-language-server: $schema=docs/ci-kaniko.schema.json
```"""

_TOP_ONLY = listed([code(name) for name in TOP_ONLY], "and")
_IMAGE = f"""\
One of several images. It takes every field of [Spec](#spec) but
{_TOP_ONLY}. What it does not
say, the top says for it: its own texts and lists replace, its mappings are merged key by key, and
`null` removes a key or a whole field. An entry may be empty. `${{image.name}}`, in any text of it
or of the top, is its name. One field is its own:"""

_IMAGE_NAME = "the name of one of several images; it may stand in every text of a spec"

_COMMANDS = """\
Exit codes: 0 fine, 1 problems with the spec or with files, 2 a wrong command line, 3 a bug of
ci-kaniko. What a command was asked for goes to standard output; problems with a spec, warnings and
progress go to standard error."""


def models() -> list[type[Model]]:
    """Every model of the spec, in the order in which the spec reaches it."""
    found: dict[type[Model], None] = {}
    pending: list[type[Model]] = [Spec]
    while pending:
        model = pending.pop(0)
        if model not in found:
            found[model] = None
            inner = [_models_in(info.annotation) for info in model.model_fields.values()]
            pending = [*(each for group in inner for each in group), *pending]
    named = {"Spec", *schema()["$defs"]}
    return [model for model in found if model.__name__ in named]


def _models_in(annotation: Any) -> list[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _model_sections() -> Iterator[str]:
    document = schema()
    for model in models():
        part = document if model is Spec else _long_form(document["$defs"][model.__name__])
        inherited = Build.model_fields if model is NamedImage else {}
        rows = [
            _field_row(name, info, part["properties"][name])
            for name, info in model.model_fields.items()
            if name not in inherited
        ]
        heading = ("field", "type", "default", "meaning", "example")
        about = _IMAGE if inherited else part["description"]
        yield f"## {model.__name__}\n\n{about}\n\n{table(heading, rows)}"


def _long_form(part: dict[str, Any]) -> dict[str, Any]:
    """The mapping, for a model that has a short form too."""
    found: dict[str, Any] = part["anyOf"][-1] if "anyOf" in part else part
    return found


def _field_row(name: str, info: FieldInfo, part: dict[str, Any]) -> list[str]:
    default = "required" if info.is_required() else ""
    if "default" in part:
        default = code(flow(part["default"]))
    example = code(flow((info.examples or [""])[0]))
    return [code(name), _words(part), default, info.description or "", example]


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    return scalar(value) if isinstance(value, str) else _in_flow(value)


def _in_flow(value: Any) -> str:
    if isinstance(value, dict):
        items = [f"{_in_flow(key)}: {_in_flow(item)}" for key, item in value.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_in_flow(item) for item in value) + "]"
    text = scalar(value)
    return f'"{text}"' if text[0] != '"' and set(text) & set("{}[],") else text


def _words(part: dict[str, Any]) -> str:
    """What a schema allows, in words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in part:
        return _either(part["anyOf"])
    if "enum" in part:
        words = [word if isinstance(word, str) else scalar(word) for word in part["enum"]]
        return listed([code(word) for word in dict.fromkeys(words)], "or")
    kind = part.get("type")
    if kind == "array":
        return f"list of {_several(part['items'])}"
    if kind == "object":
        return _mapping(part)
    if kind == "integer":
        return f"whole number, {part['minimum']} to {part['maximum']}"
    return {"boolean": "`true` or `false`"}.get(str(kind), "text")


def _several(part: dict[str, Any]) -> str:
    words = _words(part)
    return "texts" if words == "text" else words


def _either(choices: list[dict[str, Any]]) -> str:
    words = []
    choices = [choice for choice in choices if choice != {"type": "null"}]
    for choice in choices:
        rest = [other for other in choices if other is not choice]
        items = choice.get("items", {})
        same = items in rest or (rest and items.get("anyOf") == rest)
        words.append("a list of these" if same else _words(choice))
    return listed(words, "or")


def _mapping(part: dict[str, Any]) -> str:
    inner = part.get("additionalProperties")
    if isinstance(inner, dict):
        return f"map of {_several(inner)}"
    if "properties" not in part:
        return "map of native keys"
    keys = [code(f"{{{key}: …}}") for key in part["properties"]]
    return listed(keys, "or")


def _variables_section() -> Iterator[str]:
    yield (
        "## Variables\n\n"
        "`${name}` is replaced when the job runs, in `context`, `build_args`, `labels`, "
        "`annotations`, `destinations`, `cache.repo` and `extra_args`. `${name:-default}` gives "
        "what stands for an unset or empty value; `$${` is a literal `${`; any other `$` is "
        "itself. An empty value where an image reference or a fetched context needs one stops the "
        "job."
    )
    known = {**VARIABLES, "env.NAME": ENV}
    rows = [_variable_row(name, variable) for name, variable in known.items()]
    rows.append(
        [
            code("${input.NAME}"),
            INPUT.summary,
            "the tag, the name, the whole host, or host and name",
            "",
        ]
    )
    rows.append([code(IMAGE_NAME), _IMAGE_NAME, "the tag and the name", ""])
    heading = ("variable", "meaning", "in an image reference", "not on")
    yield table(heading, rows)
    yield "[What works where](matrix.md#variables) shows what each variable is on each target."


def _variable_row(name: str, variable: Variable) -> list[str]:
    places = ["the tag"] * variable.in_tag + ["the name"] * variable.in_path
    if name in {"registry.host", "registry.image"}:
        places = ["at the beginning"]
    elif name == "env.NAME":
        places.append("the host, a part of it, or host and name")
    refused = [
        f"{matrix.TITLES[target]}: {matrix.reason(outcome)}; {outcome.hint}"
        for target, outcome in matrix.variable_outcomes(name).items()
        if outcome is not None and target != "kubernetes"
    ]
    return [code(f"${{{name}}}"), variable.summary, listed(places, "and"), "<br>".join(refused)]


def _command_sections() -> Iterator[str]:
    from typer.main import get_command

    from ci_kaniko.cli.commands import app, argument_word

    root: Any = get_command(app)
    for name, command in root.commands.items():
        arguments = [item for item in command.params if item.param_type_name == "argument"]
        options = [item for item in command.params if item.param_type_name == "option"]
        usage = " ".join(["ci-kaniko", name, *map(argument_word, arguments)])
        rows = [[code(argument_word(item)), item.help or ""] for item in arguments]
        rows += [[code(_option(item)), item.help] for item in options if item.name != "help"]
        block = f"## {name}\n\n`{usage}`: {command.help}"
        yield f"{block}\n\n{table(('', ''), rows)}" if rows else block


def _option(item: Any) -> str:
    names = ", ".join(sorted(item.opts, key=len))
    return names if item.is_flag else f"{names} {item.metavar}"
