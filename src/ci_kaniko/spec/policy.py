"""What a spec says about its own problems."""

# No deferred annotations here, as in build.py.

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.problems.severities import CHANGEABLE, LEVELS, OPTIONAL, WARNINGS
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import (
    LIST_OR_ONE,
    STRING,
    UNSAID,
    Boolean,
    Reads,
    checked,
    choice,
)
from ci_kaniko.spec.lists import read_each
from ci_kaniko.spec.model import Model, short_or_long
from ci_kaniko.syntax.grammar import check_text
from ci_kaniko.syntax.references import OWN_HOST
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Unpack

    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.typed import RuleSettingDict

ALLOWED = "allowed-registries"
PINNED = "pinned-images"
_REGISTRY = pattern(r"!?[A-Za-z0-9.*_-]+(?::[0-9]+)?(?:/[a-z0-9.*_-]+)*")


def _check_rule(text: str) -> None:
    if text in CHANGEABLE:
        return
    from ci_kaniko.problems.catalogue import rules
    from ci_kaniko.problems.problem import suggest

    if text in rules():
        message = f"{quoted(text)} is an error in every spec"
        hint = f"mend what it finds: ci-kaniko explain {text}; rules: changes warnings"
        raise Refused("fixed-rule", message, hint)
    close = suggest(text, CHANGEABLE)
    hint = f'did you mean "{close}"?' if close else "ci-kaniko explain lists the rules"
    raise Refused("unknown-rule", f"there is no rule {quoted(text)}", hint)


def _check_registry(text: str) -> None:
    check_text(text)
    if text.removeprefix("!") != OWN_HOST and not _REGISTRY.fullmatch(text):
        message = f"{quoted(text)} is no registry, and no pattern of them"
        hint = "a host, with folders below it or not, such as ghcr.io/acme; * and ** as in globs"
        raise Refused("bad-host", message, hint)


def _read_registries(value: Any) -> tuple[str, ...]:
    found = tuple(read_each(value, _check_registry, "registries"))
    if all(each.startswith("!") for each in found):
        raise Refused("bad-glob", "every entry takes something away", "name what is allowed")
    return found


RuleId = Annotated[str, Reads(checked(_check_rule), {**STRING, "enum": sorted(CHANGEABLE)})]
Registries = Annotated["tuple[str, ...]", Reads(_read_registries, LIST_OR_ONE), UNSAID]


class RuleSetting(Model):
    """How bad it is to break a rule."""

    __get_pydantic_json_schema__ = short_or_long(
        lambda long: {
            "anyOf": [long["properties"]["severity"], long["properties"]["registries"]["anyOf"][1]]
        }
    )

    severity: Annotated[str, choice(*LEVELS)] = Field(
        default="error", description="error, warning or off.", examples=["warning"]
    )
    locked: Boolean = Field(
        default=False,
        description="A file that extends this one may be stricter, and no looser.",
        examples=[True],
    )
    registries: Registries = Field(
        default=(),
        description="For allowed-registries: hosts, or folders of them, with * and **; ! takes "
        "away. ${registry.host} is the CI's own.",
        examples=[["registry.example.com/acme", "*.pkg.dev"]],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[RuleSettingDict]") -> None: ...

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {"registries": value}
        return {"severity": value} if isinstance(value, str) else value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "error, warning or off, or a mapping", "lines such as severity: error"


def severity_of(rules: "Mapping[str, RuleSetting]", rule: str) -> str:
    """How bad it is to break a rule that warns, or that is asked on request."""
    if rule in rules:
        return rules[rule].severity
    return "off" if rule in OPTIONAL else "warning"


def applied(findings: "Iterable[Finding]", rules: "Mapping[str, RuleSetting]") -> "list[Finding]":
    """Findings as bad as a spec says they are; an error of the law stays one."""
    if not rules:
        return [*findings]
    found = []
    for finding in findings:
        if finding.severity == "warning" and finding.rule in WARNINGS:
            severity = severity_of(rules, finding.rule)
            if severity == "off":
                continue
            finding = finding._replace(severity="error" if severity == "error" else "warning")  # noqa: PLW2901
        found.append(finding)
    return found
