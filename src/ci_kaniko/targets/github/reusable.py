"""A workflow that others call: its inputs, secrets and outputs."""

from __future__ import annotations

from ci_kaniko.plan.inputs import declared
from ci_kaniko.plan.secrets import uses_of_secrets
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.prepare import PLATFORMS
from ci_kaniko.targets.github.changes import output_name
from ci_kaniko.targets.github.jobs import base_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Pipeline
    from ci_kaniko.plan.secrets import Use
    from ci_kaniko.spec.prepare import Input


def call(pipeline: Pipeline) -> dict[str, Any] | None:
    """``on.workflow_call``; None when there is nothing to hand over."""
    parts = {
        "inputs": {
            name: _input(given) for name, given in declared(pipeline.spec, "github").items()
        },
        "secrets": _secrets(pipeline),
        "outputs": _outputs(pipeline),
    }
    return {name: part for name, part in parts.items() if part} or None


def _input(given: Input) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if description := _description(given):
        answer["description"] = description
    answer["type"] = "string" if given.type == PLATFORMS else given.type
    if given.default is None:
        answer["required"] = True
    else:
        answer["default"] = _value(given.type, given.default)
    return answer


def _description(given: Input) -> str:
    options = ", ".join(given.options or ())
    if not options or not given.description:
        return f"One of {options}" if options else given.description or ""
    return f"{given.description} ({options})"


def _value(kind: str, text: str) -> str | float | bool:
    if kind == "boolean":
        return text == "true"
    if kind == "number":
        return float(text) if "." in text else int(text)
    return text


def _secrets(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    """Every secret of every job; required where no run can do without it."""
    plans = pipeline.plans
    names = dict.fromkeys(name for plan in plans for name in plan.secrets)
    needed = {name for plan in plans for name in _always_needed(plan)}
    uses = uses_of_secrets(plans)
    return {name: {**_purpose(uses.get(name)), "required": name in needed} for name in names}


def _purpose(use: Use | None) -> dict[str, str]:
    purpose = use.purpose if use else "config.json of docker, with logins to registries"
    purpose = purpose[:1].upper() + purpose[1:]
    return {} if "${{" in purpose else {"description": purpose}


def _always_needed(plan: Plan) -> Iterator[str]:
    if plan.spec.github.environment:
        # The environment's own secrets are used, not those that the caller hands over.
        return
    for login in plan.logins:
        # A caller may be started by what pushes nothing, such as a fork, which has no secrets.
        if not login.pushes:
            yield from login.secrets
            if login.login.docker_config:
                yield login.login.docker_config
    if plan.git_login and plan.git_login.secret:
        yield plan.git_login.secret
    if plan.context_cloud:
        yield from plan.context_cloud.secrets
    yield from plan.spec.build_secrets.values()
    yield from plan.certificates.values()
    yield from plan.proxy_secrets.values()


def _outputs(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    return {
        f"{output_name(image.name)}-digest" if image.name else "digest": {
            "description": f"Digest of {image.name or 'the image'}; empty when nothing was pushed",
            "value": f"${{{{ jobs.{base_id(image)}.outputs.digest }}}}",
        }
        for image in pipeline.images
        if image.hands_over
    }


def impossible_inputs(pipeline: Pipeline) -> Iterator[Finding]:
    """What GitHub would refuse, or hand on in another spelling than the spec's."""
    for name, given in declared(pipeline.spec, "github").items():
        if "${{" in _description(given):
            yield Finding(
                "bad-input",
                ("inputs", name, "description"),
                "GitHub takes ${{ for an expression, and a description holds none",
                "say it in other words",
            )
        if given.type == "number" and given.default is not None:
            read = f"{float(given.default):.15g}"
            if read != given.default:
                yield Finding(
                    "bad-input",
                    ("inputs", name, "default"),
                    f"GitHub would hand {quoted(given.default)} on as {read}",
                    "type: string keeps the text",
                )
