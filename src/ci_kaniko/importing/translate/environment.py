"""Variables of the executor's container that no argument and no login is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.builders.registry import builder
from ci_kaniko.importing.calls import ALWAYS, Call, Masked, Var, spell
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.shell.uses import IGNORED_VARIABLES
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.translate.portable import NotPortable, Spelled
from ci_kaniko.kaniko.builders import BUILDER_IMAGES, BUILDER_NAMES
from ci_kaniko.kaniko.variables import flag_of_variable, is_read, owner_of_variable
from ci_kaniko.syntax.variables import NATIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ci_kaniko.importing.jobs import Job

_DAEMON = re.compile(
    r"(?:BUILDKIT|BUILDX|COMPOSE)_|DOCKER_(?:BUILDKIT|CERT_PATH|DRIVER|HOST|TLS\w*"
    r"|API_VERSION|CONTEXT|CUSTOM_HEADERS|DEFAULT_PLATFORM|(?:CLI|CONTENT_TRUST|HIDE)\w*)$"
)
"""Variables of docker itself; pipelines have others of their own."""


def exported(job: Job, call: Call, asked: Collection[str], spelled: Spelled) -> dict[str, str]:
    """What stands under ``env:``; ``asked`` are the variables that a login was looked for in."""
    found: dict[str, str] = {}
    given = {name: (job.environment[name], line) for name, line in job.exported.items()}
    for name in [*_own(job, call), *filter(flag_of_variable, job.exported)]:
        given.pop(name, None)
    for name, choices in call.environment.items():
        unread = call.image is None and not is_read(name) and owner_of_variable(name) is None
        if unread or name in IGNORED_VARIABLES or name in _own(job, call):
            continue
        text = choices[0].text
        secret = job.secret_of(text) is not None and spell(text)[1:] not in NATIVE
        if len(choices) == 1 and choices[0].when == ALWAYS and not secret:
            given[name] = text, call.line
        elif name not in asked:
            job.tell("owned-variable/conditional", call.line, name)
    for name, (text, line) in given.items():
        if for_daemon(name, [call]):
            job.tell("daemon-variable", line, f"{name}={spell(text)}")
            continue
        if name in asked or any(isinstance(part, Masked) for part in text):
            continue
        logins = name == "REGISTRY_AUTH_FILE" and name in BUILDER_NAMES.get(call.builder, ())
        owner = "registries" if logins else owner_of_variable(name)
        if owner:
            # What a step before leaves for the executor is what the spec's own login is made of.
            if text not in (("kube",), ("docker",), (Var(name),)):
                shown = name if is_secret_name(name) else f"{name}={spell(text)}"
                job.tell("owned-variable", line, shown, owner)
            continue
        if call.builder == DOCKER.name and not is_read(name):
            job.tell("unused-variable", line, name, spell(text))
            continue
        try:
            found[name] = spelled.template(text, line)
        except NotPortable as reason:
            job.tell("not-portable", line, name, reason.message, reason.advice)
    return found


def _own(job: Job, call: Call) -> set[str]:
    """What another builder is given anyway, and what its script makes its words of."""
    if call.builder not in BUILDER_IMAGES:
        return set()
    read = {name for name in call.environment if re.search(rf"\${name}\b", job.script_text)}
    env = builder(call.builder).env
    given = {name: job.environment[name] for name in job.exported}
    for name, choices in call.environment.items():
        given[name] = choices[0].text if len(choices) == 1 else ()
    return {name for name, text in given.items() if text == (env.get(name),)} | read


def for_daemon(name: str, calls: Iterable[Call]) -> bool:
    """Whether a variable tells docker where its daemon is, and what that does."""
    return bool(_DAEMON.match(name)) and any(call.builder == DOCKER.name for call in calls)


def own_variables(calls: Iterable[Call]) -> Mapping[str, str]:
    """The variables that other builders get from each rendered script."""
    names = {call.builder for call in calls} & {*BUILDER_IMAGES}
    return dict(pair for name in names for pair in builder(name).env.items())
