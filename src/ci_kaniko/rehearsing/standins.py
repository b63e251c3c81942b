"""What a rehearsal has in the place of what only a platform holds."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ci_kaniko.rehearsing.events import Event
from ci_kaniko.syntax.references import DOCKER_HUB, DOCKER_HUB_KEY
from ci_kaniko.syntax.variables import ENV_PREFIX, names
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec

_B = TypeVar("_B", bound="Build")


class Store(NamedTuple):
    """Secrets and plain variables by name; ``configs`` are ready docker configs."""

    secrets: Mapping[str, str]
    configs: Mapping[str, str]
    variables: Mapping[str, str]


def secret(name: str) -> str:
    """A value that shows whatever reads it as code, or prints it."""
    return f"p'a\"s\\s$w`{name}` %s %% $(id) ${{HOME}}: ü {{{{x}}}} " + "x" * 80 + "\\"


def profile(name: str) -> str:
    """A credentials file of AWS that a script reads by itself."""
    other = "[other]\naws_access_key_id = AKIAOTHER\n"
    keys = f"aws_access_key_id = AKIAREHEARSAL\naws_secret_access_key = key+/{name}\n"
    return f"{other}[default]\n{keys}{other}"


def store(plans: Sequence[Plan], given: Mapping[str, str], *, fork: bool) -> Store:
    """What a platform holds for plans; a pull request of a fork gets no secret of it."""
    hosts: dict[str, dict[str, str]] = {}
    for plan in plans:
        for login in plan.logins:
            if ready := login.login.docker_config:
                key = DOCKER_HUB_KEY if login.host == DOCKER_HUB else login.host
                hosts.setdefault(ready, {})[key] = secret(f"{ready} {login.host}")
    names = {name for plan in plans for name in plan.secrets} - hosts.keys()
    # A container that clones before the build gets the token as well.
    tokens = (plan.spec.git.token for plan in plans)
    names |= {token for token in tokens if token and token != "ci-token"}
    used = {name for plan in plans for name in plan.variables if name.startswith(ENV_PREFIX)}
    fit = _hosts(plans)
    variables = {
        name.removeprefix(ENV_PREFIX): given.get(name, fit.get(name, _value(name)))
        for name in sorted(used)
    }
    if fork:
        return Store({}, {}, variables)
    configs = {name: _config(passwords) for name, passwords in hosts.items()}
    asked = [login.login.aws for plan in plans for login in plan.logins if login.asked]
    files = {aws.credentials_file for aws in asked if aws}
    texts = {name: profile(name) if name in files else secret(name) for name in sorted(names)}
    return Store(texts, configs, variables)


def _value(name: str) -> str:
    return f"value-of-{name.removeprefix(ENV_PREFIX)}"


def _hosts(plans: Iterable[Plan]) -> dict[str, str]:
    """Values for the variables that are a registry, or a part of one: a label or a port.

    With what comes behind it, too, where one holds both.
    """
    found: dict[str, str] = {}
    for plan in plans:
        keys = [login.key for login in plan.logins]
        for key in [*keys, *(push.reference.registry for push in plan.pushes)]:
            for name in names(key):
                found[name] = _host(name) if len(key) == 1 else "1"
        for image in (*(push.reference for push in plan.pushes), *filter(None, [plan.cached])):
            if image.held:
                (name,) = names(image.registry)
                found[name] = f"{_host(name)}/acme/app"
    return found


def _host(name: str) -> str:
    return f"{_value(name)}.example.com".lower().replace("_", "-")


def _config(passwords: Mapping[str, str]) -> str:
    auths = {
        key: {"auth": base64.b64encode(f"ready:{password}".encode()).decode()}
        for key, password in passwords.items()
    }
    return json.dumps({"auths": auths})


def event_of(occasion: Occasion, spec: Spec, plans: Iterable[Plan]) -> Event:
    """An event as platforms know it; it changes a file that every image watches.

    The platform's own registry is the one that the plans log in to with its token.
    """
    said = occasion.event
    logins = [login for plan in plans for login in plan.logins if login.login.kind == "ci-token"]
    own = next((login.host for login in logins if "$" not in login.host), Event.registry)
    builds = spec.builds
    started = [build.triggers for build in builds if build.triggers]
    watched = {glob for triggers in started for glob in triggers.paths}
    changed = {"Dockerfile", *(glob.replace("**", "x/y").replace("*", "z") for glob in watched)}
    return Event(
        name=occasion.word,
        branch=said.branch,
        tag=said.tag,
        pull_request=said.pull_request,
        source_branch=occasion.source,
        default_branch=said.default_branch,
        fork=occasion.fork,
        repository=next((t.repository for t in started if t.repository), "Acme/Shop"),
        source="pull_request" if said.pull_request else said.source or "push",
        schedule=next((line for t in started for line in t.schedules), ""),
        changed=tuple(sorted(changed)),
        registry=own,
    )


def checkout(builds: Iterable[Build]) -> dict[str, str]:
    """A Dockerfile where each image looks for its own."""
    files = {}
    for build in builds:
        if build.context.is_directory and not build.dockerfile.is_remote:
            path = os.path.normpath(os.path.join(build.context_folder, str(build.dockerfile)))
            files[path] = "FROM scratch\n"
    return files


def repository(spec: Spec) -> dict[str, str]:
    """The files of the spec's repository, without git's own."""
    found = {}
    for folder, folders, files in os.walk(spec.repository):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    text = file.read().decode("utf-8", "surrogateescape")
                found[os.path.relpath(path, spec.repository)] = text
    return found


def with_prepared(spec: Spec) -> Spec:
    """The spec with commands that make what the user's own would: those are not run here."""

    def changed(build: _B) -> _B:
        if build.prepare is None:
            return build
        made = [
            f"mkdir -p {quote(os.path.dirname(path) or '.')} && : > {quote(path)}"
            for path in build.prepare.artifacts
        ]
        update: dict[str, Any] = {"commands": tuple(made)}
        return build.model_copy(update={"prepare": build.prepare.model_copy(update=update)})

    images = {name: changed(image) for name, image in spec.images.items()}
    return changed(spec).model_copy(update={"images": images})
