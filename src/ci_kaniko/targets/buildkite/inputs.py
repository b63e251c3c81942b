"""The inputs of Buildkite's steps: variables that the upload sets from its own."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.texts import settings_with_inputs
from ci_kaniko.syntax.variables import inputs_in
from ci_kaniko.targets.shared import checked_platforms
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Input


def takes_inputs(build: Build) -> bool:
    """Whether whoever uploads the steps gives them inputs."""
    return build.buildkite.form == "steps"


def environment(plan: Plan, asked: Mapping[str, str]) -> dict[str, str]:
    """Variables that the upload sets, each from its own variable of that name."""
    return {f"INPUT_{name.upper()}": expression(name, item) for name, item in _inputs(plan, asked)}


def checked(plan: Plan, asked: Mapping[str, str]) -> list[str]:
    """Lines that stop where an input is not what it may be."""
    lines: list[str] = []
    for name, item in _inputs(plan, asked):
        if name == plan.chooser:
            lines += checked_platforms(name, plan.spec.platforms)
        lines += _checked(name, f"INPUT_{name.upper()}", item)
    return lines


def _inputs(plan: Plan, asked: Mapping[str, str]) -> list[tuple[str, Input]]:
    """The inputs that a script asks for, and those of its step's settings."""
    build = plan.spec
    settings = settings_with_inputs(build, "buildkite") if takes_inputs(build) else []
    chosen = [name for text in settings for name in inputs_in(text)]
    if plan.chooser:
        chosen.append(plan.chooser)
    return [(name, build.inputs[name]) for name in dict.fromkeys([*asked.values(), *chosen])]


def expression(name: str, item: Input) -> str:
    """The upload's expression for an input."""
    variable = f"INPUT_{name.upper()}"
    if item.default is None:
        return f"${{{variable}?the input {name} has no value}}"
    return f"${{{variable}:-{item.default}}}"


def _checked(name: str, variable: str, item: Input) -> list[str]:
    """A guard for an input of which not every text will do."""
    if item.options:
        fits, wanted = " | ".join(map(quote, item.options)), ", ".join(item.options)
    elif item.type == "boolean":
        fits, wanted = "true | false", "true, false"
    elif item.type == "number":
        return [
            f"case ${variable} in",
            "  '' | *[!0-9.-]* | *[!0-9] | .* | -.* | ?*-* | *.*.*)",
            *_refusal(f"ci-kaniko: the input {name} is no number:", variable),
            "esac",
        ]
    else:
        return []
    return [
        f"case ${variable} in",
        f"  {fits}) ;;",
        "  *)",
        *_refusal(f"ci-kaniko: the input {name} is none of {wanted}:", variable),
        "esac",
    ]


def _refusal(message: str, variable: str) -> list[str]:
    return [
        f"    printf '%s %s\\n' {quote(message)} \"${variable}\" >&2",
        "    exit 1",
        "    ;;",
    ]
