"""Who logs in where, and with what."""

from __future__ import annotations

from functools import partial

from ci_kaniko.kaniko.builders import HELPED
from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.hosts import ecr_region, is_acr, is_google
from ci_kaniko.kaniko.systems import FOREIGN_REGISTRIES, SYSTEMS, system
from ci_kaniko.plan.clouds import Cloud, context_cloud
from ci_kaniko.plan.model import GitLogin, HostLogin, Push, by_name, host_on
from ci_kaniko.plan.tools import reads_auth_variable
from ci_kaniko.problems.finding import Finding, Where, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.pushed import served_hosts, usual_of
from ci_kaniko.syntax.conditions import ALWAYS
from ci_kaniko.syntax.references import (
    DOCKER_HUB,
    DOCKER_HUB_KEY,
    OWN_HOST,
    canonical_host,
    is_run_time_host,
    same_but_port,
)
from ci_kaniko.syntax.variables import Parts, names, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.logins import Login, Registry
    from ci_kaniko.syntax.conditions import AnyOf


def git_login_of(spec: Build) -> GitLogin | None:
    git = spec.git
    if not git.token:
        return None
    secret = None if git.token == "ci-token" else git.token
    return GitLogin(git.username or "oauth2", secret)


class _Hosts(NamedTuple):
    """The registries of a build; the CI's own is called by its host where that is known.

    - ``needed`` are those that it pushes to, each with the place that says so.
    - ``given`` are the entries of ``registries:``, each with its key as it is written.
    - ``serving`` has hosts that only a run knows and that may turn out to be that of an entry.
    - ``served`` are such hosts for which there is a login.
    """

    needed: dict[str, Where]
    given: dict[str, tuple[str, Registry]]
    serving: dict[str, tuple[str, ...]]
    served: set[str]


def logins_of(
    spec: Build, target: str, pushes: tuple[Push, ...]
) -> tuple[tuple[HostLogin, ...], list[Finding]]:
    """The logins that a build needs or may use on a target, and what is wrong with them."""
    findings: list[Finding] = []
    logins: dict[str, HostLogin] = {}
    hosts = _hosts_of(spec, target, pushes)
    made = partial(_host_login, target, helped=spec.built_by(target) in HELPED)
    for host, where in hosts.needed.items():
        if host in hosts.served:
            continue
        login, place = _login_of(hosts.given, host, target, where)
        if login is None:
            if host != OWN_HOST or system(target).needs_values:
                findings.append(_missing_login(host, target, where, hosts.given))
        elif login.kind != "anonymous":
            serves = () if login.pull else hosts.serving.get(host, ())
            logins[host] = made(host, login, place, pushes=not login.pull, serves=serves)
    elsewhere = {by_name(target, host) for host in spec.elsewhere}
    for host, (written, entry) in hosts.given.items():
        login = entry.on(target)
        if login is None or login.kind == "anonymous" or host in hosts.needed:
            continue
        if host in elsewhere and host not in hosts.serving and not login.pull:
            continue
        place = _place(written, entry, target)
        serves = () if login.pull else hosts.serving.get(host, ())
        logins[host] = made(host, login, place, pushes=bool(serves), serves=serves)
    ordered = tuple(logins.values())
    for resolved in ordered:
        findings += _ci_token_finding(resolved, target, spec)
        findings += cloud_findings(resolved)
    findings += _config_findings(spec, ordered)
    findings += _switched_off(spec, ordered)
    findings += _several_cloud_files(spec, target, ordered)
    return ordered, findings


def _hosts_of(spec: Build, target: str, pushes: tuple[Push, ...]) -> _Hosts:
    given = {
        by_name(target, canonical_host(written)): (written, entry)
        for written, entry in sorted(spec.registries.items(), key=lambda item: item[0] != OWN_HOST)
    }
    needed = _needed(spec, target, pushes)
    serving = {by_name(target, host): hosts for host, hosts in served_hosts(spec).items()}
    served: set[str] = set()
    for host, hosts in serving.items():
        login = given[host][1].on(target)
        served |= {*hosts} if login and login.kind != "anonymous" else set()
    usually = {host: usual_of(spec, host) for host in needed if host not in given}
    for host, usual in usually.items():
        if usual := by_name(target, usual):
            needed.setdefault(usual, needed[host])
            serving[usual] = (*dict.fromkeys((*serving.get(usual, ()), host)),)
            served.add(host)
    return _Hosts(needed, given, serving, served)


def _needed(spec: Build, target: str, pushes: tuple[Push, ...]) -> dict[str, Where]:
    """The hosts that a build pushes to, its cache with them, and the places that say so."""
    needed: dict[str, Where] = {}
    for push in pushes:
        needed.setdefault(push.host, push.where)
    remote = spec.cache and spec.cache.remote
    if remote and spec.push != "never":
        needed.setdefault(host_on(target, remote), ("cache", "repo"))
    return needed


def late_uses(plan: Plan, login: HostLogin, read: Collection[str] = ()) -> set[AnyOf]:
    """When a login is needed that only some of the runs need which push; else nothing.

    What is read from, as hosts of ``read`` are, needs its login in each of them.
    """
    uses = {push.when for push in plan.pushes if login.opens(push.host)}
    if not login.pushes or ALWAYS in uses or all(login.opens(push.host) for push in plan.pushes):
        return set()
    return set() if any(map(login.opens, (*plan.cache_hosts, *read))) else uses


def in_every_run(plan: Plan, login: HostLogin) -> bool:
    """Whether no run is without a login."""
    return not login.pushes or (plan.pushes_always and not late_uses(plan, login))


def _login_of(
    given: dict[str, tuple[str, Registry]], host: str, target: str, where: Where
) -> tuple[Login | None, Where]:
    from ci_kaniko.spec.logins import Login

    if host in given:
        written, entry = given[host]
        login = entry.on(target)
        if login is not None:
            return login, _place(written, entry, target)
    registry = system(target).registry
    own = registry and host in {OWN_HOST, registry}
    return (Login(use="ci-token") if own else None), where


def _place(written: str, entry: Registry, target: str) -> Where:
    own = getattr(entry, target) is not None
    return ("registries", written, target) if own else ("registries", written)


def _host_login(
    target: str,
    host: str,
    login: Login,
    where: Where,
    *,
    pushes: bool,
    helped: bool,
    serves: tuple[str, ...] = (),
) -> HostLogin:
    """A login; GitHub's identity tokens live for minutes, so they are exchanged at once."""
    by_identity = (login.aws and login.aws.role) or (
        login.azure and not login.azure.use and not login.azure.client_secret
    )
    exchanged = system(target).identity_is_short and bool(by_identity)
    return HostLogin(host, _key(host), login, where, pushes, exchanged, helped, serves)


def _key(host: str) -> Parts:
    return (DOCKER_HUB_KEY,) if host == DOCKER_HUB else parts_of(host)


def _missing_login(
    host: str, target: str, where: Where, given: dict[str, tuple[str, Registry]]
) -> Finding:
    """What to add, so that the logins which other targets have stay as they are."""
    login = "{username: NAME, password: NAME_OF_A_SECRET}"
    own = _owner_of(host)
    hint = f"under registries: add {host}: {login}, or {host}: anonymous when the push needs none"
    if host in given:
        written, entry = given[host]
        others = [(name, other.use) for name, other in entry if other is not None]
        words = ", ".join(f"{name}: {word}" for name, word in others if word)
        # default: would also take the place of the token that a CI has by itself for its registry.
        has_token = host == OWN_HOST or (own is not None and own not in dict(others))
        key = target if has_token else "default"
        hint = f"under registries: {written}: add {key}: {login}"
        if all(word for _, word in others):
            hint = f"under registries: {written}: {{{key}: {login}, {words}}}"
    elif near := same_but_port(host, given) or _same_variables(host, given):
        hint = f"under registries: {given[near][0]} is another host: write {host} there"
    elif is_run_time_host(parts_of(host)) and len(parts_of(host)) == 1:
        hint = (
            "under registries: add each host that it may be with its login, "
            f"or {host}: {login} for whichever it is"
        )
    elif host == OWN_HOST:
        hint = f"under registries: add {host}: {{{target}: {login}}}"
    elif own is not None:
        hint = f"under registries: add {host}: {{default: {login}, {own}: ci-token}}"
    message = f"no login for {quoted(host)} on {target}"
    return Finding("missing-login", where, message, hint)


def _same_variables(host: str, given: Iterable[str]) -> str | None:
    """The one of some hosts that is made of the same variables."""
    made_of = {*names(parts_of(host))}
    return next((other for other in given if made_of & {*names(parts_of(other))}), None)


def _owner_of(host: str) -> str | None:
    """The CI whose own registry that is."""
    return next((item.name for item in SYSTEMS.values() if item.registry == host), None)


def _ci_token_finding(login: HostLogin, target: str, spec: Build) -> Iterator[Finding]:
    if login.login.kind != "ci-token":
        return
    own, host = system(target).registry, login.host
    hint = instead_of_token(login, target, spec)
    if not own:
        yield Finding("foreign-ci-token", login.where, f"{target} has no registry of its own", hint)
        return
    if host == OWN_HOST:
        return
    foreign = any(host == name or host.endswith(f".{name}") for name in FOREIGN_REGISTRIES)
    self_hosted = system(target).self_hosted or host.startswith("containers.")
    if host != own and (foreign or not self_hosted):
        yield Finding(
            "foreign-ci-token",
            login.where,
            f"{quoted(host)} is not {target}'s own registry, so its ci-token opens nothing there",
            hint,
        )


_CLOUDS: dict[str, tuple[Callable[[str], object], str, str]] = {
    "aws": (ecr_region, "AWS", "ACCOUNT.dkr.ecr.REGION.amazonaws.com"),
    "azure": (is_acr, "Azure", "NAME.azurecr.io"),
    "google": (is_google, "Google Cloud", "LOCATION-docker.pkg.dev or gcr.io"),
}
"""What knows a registry of each cloud, what the cloud is called, and such a registry."""


def cloud_findings(login: HostLogin) -> Iterator[Finding]:
    """A login to a cloud for a host that is no registry of it."""
    if login.login.kind in _CLOUDS:
        is_of_cloud, cloud, example = _CLOUDS[login.login.kind]
        if not is_of_cloud(login.host):
            message = f"{quoted(login.host)} is no registry of {cloud}"
            yield Finding("foreign-cloud-login", login.where, message, example)


def _identity(cloud: Cloud) -> tuple[object, ...]:
    """What makes two logins to one cloud different; regions and addresses do not."""
    places = ("AWS_REGION", "S3_")
    variables = {
        name: text for name, text in cloud.variables.items() if not name.startswith(places)
    }
    return cloud.secrets, cloud.document, cloud.token, cloud.role, tuple(sorted(variables.items()))


def _several_cloud_files(
    spec: Build, target: str, logins: tuple[HostLogin, ...]
) -> Iterator[Finding]:
    fetched = context_cloud(spec, target)
    shared = fetched if fetched and (fetched.token or not spec.asks_store(target)) else None
    return several_cloud_logins(logins, shared)


def several_cloud_logins(
    logins: Iterable[HostLogin], fetched: Cloud | None = None
) -> Iterator[Finding]:
    """Logins in two ways to a cloud whose client knows one; ``fetched`` is that of the context."""
    first = {fetched.name: (fetched, "the context")} if fetched else {}
    for login in logins:
        if login.cloud is None or not (login.helped or login.cloud.token):
            continue
        other, user = first.setdefault(login.cloud.name, (login.cloud, quoted(login.host)))
        if _identity(other) != _identity(login.cloud):
            yield Finding(
                "several-cloud-logins",
                login.where,
                f"{quoted(login.host)} and {user} log in to one cloud in two ways, "
                "and its client knows one",
                "use the same login for both",
            )


def _config_findings(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    ready: dict[str, HostLogin] = {}
    for login in logins:
        if login.login.docker_config:
            ready.setdefault(login.login.docker_config, login)
    if len(ready) > 1:
        first, second = list(ready.values())[:2]
        yield Finding(
            "several-docker-configs",
            second.where,
            f"{quoted(second.host)} and {quoted(first.host)} use two ready docker configs, "
            "and what builds reads one",
            "put both logins into one config.json and name it for both hosts",
        )
    yield from mixed_logins(spec, logins)


_HELPERS = {"aws": "ecr", "google": "google", "azure": "acr"}
"""The executor's helper for each cloud."""


def _switched_off(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    """Logins of clouds whose helper the options leave out."""
    asked = spec.options.credential_helpers
    for login in logins if asked is not None else ():
        helper = _HELPERS.get(login.login.kind)
        if helper and not login.written and helper not in (asked or ()):
            yield Finding(
                "conflicting-options",
                ("options", "credential_helpers"),
                f"this switches the login to {login.host} off: only {quoted(helper)} asks for it",
                f"write [{', '.join([*(asked or ()), helper])}]",
            )


def mixed_logins(spec: Build, logins: tuple[HostLogin, ...]) -> Iterator[Finding]:
    """A ready docker config beside written logins, for a kaniko that reads one of them."""
    ready = [login for login in logins if login.login.docker_config]
    written = [login for login in logins if login.written]
    if ready and written and not reads_auth_variable(spec.executor):
        since = DISTRIBUTIONS["osscontainertools"].auth_variable_since
        yield Finding(
            "mixed-logins",
            written[0].where,
            "this kaniko reads either a ready docker config or written logins",
            f"use docker_config for all hosts, or an executor of osscontainertools since {since}",
        )


def instead_of_token(login: HostLogin, target: str, spec: Build) -> str:
    """The whole entry of a host, or its key that is to change where there are others."""
    written = str(login.where[1]) if login.where[:1] == ("registries",) else login.host
    is_own = canonical_host(written) == OWN_HOST
    instead = "{username: NAME, password: NAME_OF_A_SECRET}"
    if is_own and not system(target).needs_values:
        instead = "anonymous"  # nobody can say there which host that is
    entry = spec.registries.get(written)
    others = [name for name, given in entry if given is not None] if entry else []
    home = _owner_of(login.host) or target
    if {*others} - {"default"}:
        verb = "write" if target in others else "add"
        return f"under registries: {written}: {verb} {target}: {instead}"
    if is_own:
        return f"under registries: {written}: {{default: ci-token, {target}: {instead}}}"
    if home == target:
        return f"under registries: {written}: {instead}"
    return f"under registries: {written}: {{default: {instead}, {home}: ci-token}}"
