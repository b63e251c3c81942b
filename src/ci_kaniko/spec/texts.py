"""The texts of a build: all of them, and those in which variables are replaced."""

from __future__ import annotations

import re
from functools import cache

from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.latest import latest, remembered
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.fields import Reads, inside, readers
from ci_kaniko.spec.model import Model
from ci_kaniko.syntax.variables import COMMIT_TIMES, INPUT_READ, names, parts_of
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.quick.declaring import FieldInfo
    from ci_kaniko.spec.build import Build


ENV_READ = "${env."
"""How a text reads a run-time variable."""

CI_TOKENS = frozenset(
    (
        # https://docs.gitlab.com/ci/variables/predefined_variables/
        *("CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_REPOSITORY_URL"),
        *("CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD"),
        # https://docs.github.com/actions/reference/workflows-and-actions/variables
        *("GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        # https://buildkite.com/docs/pipelines/configure/environment-variables
        *("BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_JOB_API_TOKEN"),
        "AGOLA_SSHPRIVKEY",
    )
)
"""Variables of CIs that hold what a job logs in with."""

SECRETS_BY_NAME = frozenset(("secrets", "id_tokens"))
"""Native keys below which secrets are named."""

_REFERENCE = pattern(
    r"\$\{\{.*\}\}|\$\[\[.*\]\]|\$\{\w+\}|\$\w+|\$\(\w+\)|true|false|[0-9.]+", re.ASCII
)
_NATIVE_SECRET = pattern(r"\bsecrets\.([A-Za-z_][A-Za-z0-9_]*)")


class Text(NamedTuple):
    """One text of a spec, where it stands, and what it is: the ``kind`` of its field."""

    where: Where
    text: str
    kind: str
    on_key: bool = False


def texts_of(part: Any, field: str, model: type[Model]) -> list[Text]:
    """Every text of a model's field, however deep; what nobody wrote has none."""
    if field not in _fields(model):
        return []  # a section without native keys
    default, kinds = _fields(model)[field]
    value = getattr(part, field)
    found: list[Text] = []
    if value is not default:
        _gather(value, (field,), kinds, found)
    return found


def _gather(value: Any, where: Where, kinds: tuple[str, ...], found: list[Text]) -> None:
    if isinstance(value, str):
        found.append(Text(where, value, kinds[-1]))
    elif isinstance(value, Model):
        for field, (default, inner) in _fields(type(value)).items():
            part = getattr(value, field)
            if part is not default:
                _gather(part, (*where, field), inner, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            found.append(Text((*where, key), key, kinds[0], on_key=True))
            _gather(item, (*where, str(key)), kinds, found)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _gather(item, (*where, index), kinds, found)


@cache
def _fields(model: type[Model]) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """The fields of a model: their defaults, and what their texts are."""
    return {name: (info.default, _kinds(info)) for name, info in model.model_fields.items()}


def forget_fields() -> None:
    """A model has got a field more."""
    _fields.cache_clear()
    _fields_with_variables.cache_clear()


def _kinds(info: FieldInfo) -> tuple[str, ...]:
    """What the texts of a field are; for a mapping what its keys are, and then its values."""
    return tuple(reads.kind for reads in readers(info)) or ("plain",)


@latest
def texts_with_variables(spec: Build) -> list[tuple[Where, str]]:
    """Every text of a build in which variables are replaced, and where it stands."""
    from ci_kaniko.spec.build import Build

    found: list[tuple[Where, str]] = []
    _add_templates(spec, Build, (), found)
    return found


@remembered
def variables_of(spec: Build) -> list[tuple[Where, str]]:
    """Every variable in the texts of a build, and where it stands."""
    texts = texts_with_variables(spec)
    return [(where, name) for where, text in texts for name in names(parts_of(text))]


def tells_time(spec: Build) -> bool:
    """Whether a build says when its commit was made."""
    return any(name in COMMIT_TIMES for _, name in variables_of(spec))


def settings_with_inputs(spec: Build, target: str) -> list[str]:
    """The settings of a target in which inputs stand."""
    found = texts_with_variables(spec) if spec.inputs else []
    return [text for where, text in found if where[0] == target and INPUT_READ in text]


def _add_templates(
    part: Any, model: type[Model], at: Where, found: list[tuple[Where, str]]
) -> None:
    values = part.__dict__ if isinstance(part, Model) else None
    for field, default, keys in _fields_with_variables(model):
        value = values.get(field, default) if values else getattr(part, field)
        if not value or value is default:
            continue
        where = (*at, field)
        if isinstance(value, str):
            found.append((where, value))
        elif isinstance(value, dict):
            for key, item in value.items():
                if keys:
                    found.append(((*where, key), key))
                if isinstance(item, str):
                    found.append(((*where, key), item))
                elif isinstance(item, tuple):
                    found += (((*where, key, index), text) for index, text in enumerate(item))
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, str):
                    found.append(((*where, index), item))
                else:
                    _add_templates(item, type(item), (*where, index), found)
        else:
            _add_templates(value, type(value), where, found)


@cache
def _fields_with_variables(model: type[Model]) -> tuple[tuple[str, Any, bool], ...]:
    """The fields of a model in which such a text can be, however deep.

    Each with its default, and whether the keys of a mapping are such texts.
    """
    return tuple(
        (field, info.default, _kinds(info)[0] == "template")
        for field, info in model.model_fields.items()
        if _takes_variables(info)
    )


def _takes_variables(part: Any) -> bool:
    if isinstance(part, Reads):
        return part.inputs or part.kind == "template"
    if isinstance(part, type) and issubclass(part, Model):
        return bool(_fields_with_variables(part))
    return any(map(_takes_variables, inside(part)))


def asks_for_secrets(spec: Build, target: str) -> bool:
    """Whether a build has a secret by name on a target; a ready docker config is one of its own."""
    from ci_kaniko.spec.build import Build

    own = {host for host, registry in spec.registries.items() if getattr(registry, target)}
    for field in Build.model_fields:
        for text in texts_of(spec, field, Build):
            where = text.where
            if text.kind != "secret" or text.on_key or text.text == "ci-token":
                continue
            if field != "registries":
                return True
            on_it = where[2] == (target if where[1] in own else "default")
            if on_it and where[-1] != "docker_config":
                return True
    return False


def secrets_of(spec: Build) -> set[str]:
    """The names of every secret of a build, on any target, in any login, in native keys, too."""
    from ci_kaniko.spec.build import Build

    found = {
        text.text
        for field in Build.model_fields
        for text in texts_of(spec, field, Build)
        if text.kind == "secret" and not text.on_key
    }
    for target in known_names():
        section = getattr(spec, target)
        for text in texts_of(section, "extra", type(section)):
            found.update(_NATIVE_SECRET.findall(text.text))
            named = text.where[-1] == "from_variable" and not text.on_key
            if named or (len(text.where) > 1 and text.where[-2] in SECRETS_BY_NAME):
                found.add(text.text)
    return found - {"ci-token"}


def is_reference(text: str) -> bool:
    """Whether a native text only names a variable, or is a switch or a number."""
    return _REFERENCE.fullmatch(text) is not None
