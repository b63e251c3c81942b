"""What the executor's container is given that no argument and no login is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.builders.registry import builder
from ci_kaniko.importing.calls import ALWAYS, Call, Masked, Text, Var, Word, spell
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.shell.commands.flags import outputs
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
    from ci_kaniko.importing.translate.work import Work


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


# -- what a container is given -----------------------------------------------------------------


_OWN = {
    *("--rm", "--init", "--name", "--pull", "-q", "--quiet", "-d", "--detach", "--sig-proxy"),
    *("-i", "-t", "-it", "-ti", "--interactive", "--tty", "--no-healthcheck"),
    *("--disable-content-trust",),
}
"""How a container is started and shown."""
_READ = {"--entrypoint", "--env", "--workdir"}
"""What the words and variables of the call are made of."""
_OF_BUILDERS = {"--security-opt", "--privileged", "--device"}
"""What the other builders need, and get."""
_ROOT = {"0", "root", "0:0", "root:root"}


def tell_container(work: Work) -> None:
    """Report the options that reach no build."""
    for word in work.call.docker:
        _tell(work, word)


def _tell(work: Work, word: Word) -> None:
    written = spell(word.text)
    name, _, value = written.partition("=")
    quiet = name in _OWN | _READ or (name == "--user" and value in _ROOT)
    if quiet or (work.call.builder in BUILDER_IMAGES and name in _OF_BUILDERS):
        return
    if name == "--privileged":
        work.job.tell("privileged", word.line)
        return
    mounted = list(mounts([word]))
    if not (mounted and all(_is_carried(work, *each) for each in mounted)):
        shown = name if name == "--env-file" else written
        work.job.tell("container-option", word.line or work.call.line, shown)


def _is_carried(work: Work, source: Text, target: Text) -> bool:
    """Whether the repository is mounted, or what a login, a path or an argument is made of."""
    if work.paths.is_repository(source):
        return True
    folder = spell(target)
    if folder.startswith("/kaniko/.docker"):
        return True  # of a login, or one that is told to be missing
    texts = [
        *(spell((path,)) for path in work.call.files),
        *(spell(work.logins.held(name)) for name in work.logins.asked),
        *(spell(path) for path in outputs(work.call.words)),
        *(spell(flag.value or ()) for flag in work.of("cache-dir")),
    ]
    below = f"{folder.rstrip('/')}/"
    return any(text == folder or text.startswith(below) for text in texts)
