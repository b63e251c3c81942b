"""The shell script of a plan: one generator for every target that runs a shell.

The shape, the traps and the quoting were tried with real executors: strict POSIX sh, no ``eval``,
one executor call whose status is the job's.
"""

from __future__ import annotations

from contextlib import nullcontext

from ci_kaniko.builders.builder import Call
from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.logins import in_every_run, late_uses
from ci_kaniko.plan.model import DIGEST, OUTPUT
from ci_kaniko.quick.hints import TYPE_CHECKING, Protocol
from ci_kaniko.quick.latest import latest
from ci_kaniko.shell.config import Config
from ci_kaniko.shell.credentials import Credentials
from ci_kaniko.shell.dialect import moved
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.secrets import Secrets
from ci_kaniko.shell.tests import Checks, Tests
from ci_kaniko.shell.words import Words
from ci_kaniko.syntax.conditions import ALWAYS
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.syntax.variables import Ref
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ci_kaniko.builders.builder import Builder, Contained
    from ci_kaniko.plan.model import HostLogin, Plan, Push
    from ci_kaniko.shell.dialect import Dialect, Site
    from ci_kaniko.syntax.conditions import AnyOf


class Tool(Protocol):
    """The program that a script is written for.

    ``unset`` are variables that would change what it does, ``helpers`` the credential helpers that
    it finds by host, and ``reads`` the hosts that it reads from in every run that pushes.
    """

    unset: tuple[str, ...]
    helpers: Mapping[str, str]
    reads: Collection[str]

    def placed(self, site: Site) -> Site:
        """Where its files lie."""

    def prepared(self, site: Site) -> list[str]:
        """Lines that it needs beside the inputs of a build."""

    def first(self, words: Words) -> list[str]:
        """The words that are collected before the destinations."""

    def destination(self, words: Words, push: Push) -> str:
        """A destination as a word."""

    def last(self, words: Words) -> list[str]:
        """The words that are collected after them."""

    def nothing(self, words: Words) -> list[str]:
        """The words of a run that pushes nothing."""

    def pushing_nothing(self, words: Words) -> list[str]:
        """What a run does that pushes nothing, after others have collected destinations."""


class Building(Tool):
    """The builder of a plan: it builds whatever happens, and is told where to push."""

    reads: Collection[str] = ()

    def __init__(self, plan: Plan) -> None:
        self.builder = builder_of(plan)
        self.unset = self.builder.unset
        self.helpers: Mapping[str, str] = {}
        self._plan = plan

    def placed(self, site: Site) -> Site:
        return _placed(site, self.builder)

    def prepared(self, site: Site) -> list[str]:
        if not site.inherits:
            return []
        exports = " ".join(f"{name}={text}" for name, text in self.builder.env.items())
        folder = self.builder.settings
        written = self.builder.prepared(self._plan, folder, site.certificates)
        made = [f"mkdir -p {folder}"] if written else []
        return [*[f"export {exports}"] * bool(exports), *made, *written]

    def first(self, words: Words) -> list[str]:
        return words.arguments(self.builder.first(self._plan))

    def destination(self, words: Words, push: Push) -> str:
        return words.argument(self.builder.destination(push))

    def last(self, words: Words) -> list[str]:
        return words.arguments(self.builder.last(self._plan))

    def nothing(self, words: Words) -> list[str]:
        return words.arguments(self.builder.nothing(self._plan))

    def pushing_nothing(self, words: Words) -> list[str]:
        nothing = self.nothing(words)
        return ['set -- "$@" ' + " ".join(nothing)] if nothing else []


@latest
def _placed(site: Site, builder: Builder) -> Site:
    return moved(site, builder.path)


class Script:
    """A script under construction; ``environment`` is what the job must pass to it.

    With ``asks`` the lines after the executor ask whether the run has pushed: see ``if_pushed``.
    """

    def __init__(
        self,
        plan: Plan,
        dialect: Dialect,
        site: Site | None = None,
        *,
        tool: Tool | None = None,
        asks: bool = False,
    ) -> None:
        self.plan = plan
        self._asks = asks
        self._tool = tool or Building(plan)
        self._late = _late_logins(plan, self._tool.reads)
        self._draft = draft = Draft(plan, dialect, self._tool.placed(site or dialect.site))
        self.words = words = Words(draft)
        self.tests = Tests(words, dialect.tests)
        self._checks = checks = Checks(draft, words)
        self._secrets = secrets = Secrets(draft)
        is_single = not self._tool.helpers and _has_single_entry(plan, self._late)
        self._config = Config(draft, words, secrets, self._tool.helpers, is_single=is_single)
        self._credentials = Credentials(draft, words, secrets, self._config, checks)
        early = [login for login in plan.logins if login.host not in self._late]
        for login in plan.logins:
            if login not in early and self._credentials.adds_nothing(login, early):
                del self._late[login.host]

    @property
    def environment(self) -> dict[str, str]:
        return self._draft.environment

    def build(self, run: Callable[[list[str]], list[str]]) -> str:
        """The whole script; ``run`` turns the tool's words into the command that starts it."""
        plan, draft = self.plan, self._draft
        body = self._body(run)
        body = [*draft.dialect.received(plan, draft.environment), *body]
        inherits = draft.site.inherits
        unset = [*self._tool.unset] if inherits else []
        logs_in = bool(plan.logins or plan.withholds or draft.site.logged_in)
        inherited = inherits and logs_in
        if inherited or (plan.password_logins and plan.docker_config):
            unset.append("DOCKER_AUTH_CONFIG")
        unset += [name for cloud in plan.clouds * inherits for name in cloud.rivals]
        head = ["set -eu", *([f"unset {' '.join(unset)}"] if unset else [])]
        head += draft.site.opening(plan) + self._archive_folder()
        defined = [line for lines in draft.definitions for line in lines]
        return "\n".join([*head, *defined, *self._config.function(), *body]) + "\n"

    def called(
        self, words: list[str], command: Callable[[str, list[str]], list[str]] | None = None
    ) -> list[str]:
        """The lines that build, with what was collected; ``command`` starts a program elsewhere."""
        return builder_of(self.plan).lines(self._call(words, command or self.in_place))

    def contained(self, words: list[str]) -> Contained:
        """The same in a container of its own, where the script runs outside of it."""
        return builder_of(self.plan).contained(self._call(words, self.in_place))

    def _call(self, words: list[str], command: Callable[[str, list[str]], list[str]]) -> Call:
        digest = self.words.text((Ref(DIGEST),)) if self.plan.spec.digest else ""
        return Call(self.plan, self.words, words, command, digest)

    def in_place(self, program: str, words: list[str]) -> list[str]:
        """The call of a program in its own image; the variables are for it alone."""
        variables = [f"{name}={quote(text)}" for name, text in self.plan.spec.env.items()]
        return [f"{one} \\" for one in variables] + continued(program, words)

    def answers(self, asked: Mapping[AnyOf, list[str]]) -> str:
        """A script of its own that runs lines under conditions, and does nothing else."""
        lines = [line for when, body in asked.items() for line in self.tests.when(when, body)]
        defined = [line for lines in self._draft.definitions for line in lines]
        return "\n".join(["set -eu", *defined, *lines]) + "\n"

    def _archive_folder(self) -> list[str]:
        """The executor makes the folders of its other output files, but not that of an archive."""
        folder = (self.plan.spec.options.tar_path or "").rpartition("/")[0]
        if not folder or not self._draft.site.places[OUTPUT].name:
            return []
        return [f"mkdir -p {self._output(folder)}"]

    def _output(self, path: str) -> str:
        return self.words.text((Ref(OUTPUT), f"/{inside_repository(path)}"))

    def _body(self, run: Callable[[list[str]], list[str]]) -> list[str]:
        plan, credentials = self.plan, self._credentials
        static = self._tool.first(self.words)
        always = [login for login in plan.logins if not login.pushes]
        head = credentials.of_context() + self._secrets.inputs()
        head += self._archive()
        head += self._tool.prepared(self._draft.site) + self._checks.of_every_run()
        head += credentials.of_hosts(always) + credentials.of_git()
        if not plan.pushes:
            config = self._config.write() if always else []
            words = static + self._tool.nothing(self.words)
            return [*head, *config, *run(words)]
        if plan.pushes_always and all(push.when == ALWAYS for push in plan.pushes):
            words = static + self._destinations(plan.pushes)
            words += self._tool.last(self.words)
            logins = credentials.of_hosts([login for login in plan.logins if login.pushes])
            config = self._config.write() if plan.logins else []
            checks = self._checks.of_pushes(plan.pushes)
            return [*head, *logins, *config, *checks, *run(words)]
        collect = continued("set --", static)
        return [*head, *collect, *self._decide(), *self._forgotten(), *run(['"$@"'])]

    def _archive(self) -> list[str]:
        if not self.plan.fetches_store:
            return []
        from ci_kaniko.shell.stores import Stores

        fetched = Stores(self._draft, self._secrets, self.words).fetched()
        return [*fetched, *self._spent()] if fetched else []

    def _spent(self) -> list[str]:
        """Forget what opened a store and nothing else needs: RUN lines may see the environment."""
        plan, cloud = self.plan, self.plan.context_cloud
        if cloud is None or not self._draft.site.inherits:
            return []
        kept = plan.secrets_with(plan.logins, context=False)
        names = [name for name in cloud.secrets if name not in kept]
        others = {each.cloud.name for each in plan.logins if each.cloud and each.cloud.token}
        if cloud.token and cloud.name not in others:
            names += filter(None, [self._draft.dialect.identity_variable(cloud.name)])
        return [f"unset {' '.join(names)}"] if names else []

    def _forgotten(self) -> list[str]:
        """What the executor does not inherit: secrets of logins that not every run makes."""
        plan, site = self.plan, self._draft.site
        if not site.inherits or site.withheld or not plan.arguments:
            return []
        some = [login for login in plan.logins if not in_every_run(plan, login)]
        if not some:
            return []
        kept = plan.secrets_with([login for login in plan.logins if login not in some])
        held = dict.fromkeys(name for login in some for name in self._secrets.variables(login))
        names = [name for name in held if name not in kept] + self._identities_of(some)
        return [f"unset {' '.join(names)}"] if names else []

    def _identities_of(self, logins: list[HostLogin]) -> list[str]:
        """The variables of the job's own identity that only these logins read."""
        plan, dialect = self.plan, self._draft.dialect
        others = [login.cloud for login in plan.logins if login not in logins]
        kept = {cloud.name for cloud in (*others, plan.context_cloud) if cloud and cloud.token}
        clouds = (login.cloud for login in logins)
        spared = dict.fromkeys(each.name for each in clouds if each and each.token)
        names = [dialect.identity_variable(name) for name in spared if name not in kept]
        return [name for name in names if name]

    def _destinations(self, pushes: Iterable[Push]) -> list[str]:
        return [self._tool.destination(self.words, push) for push in pushes]

    def _decide(self) -> list[str]:
        """Collect the destinations of this run, or see that it pushes nothing."""
        refuse = self._tool.pushing_nothing(self.words)
        some_always = any(push.when == ALWAYS for push in self.plan.pushes)
        decided = self._often(refuse) if some_always else self._seldom(refuse)
        return [*decided, *self._config_without_push()]

    def _often(self, refuse: list[str]) -> list[str]:
        """Where every run pushes, but for kinds that push nothing."""
        unpushed = self.plan.unpushed
        pushing = [*self._early_logins(), *self._collect(), *self._finish()]
        if not unpushed:
            return pushing
        pushing += ["push=yes"] * self._asks
        if not refuse:
            tests = (self.tests.event(f"no-{kind}") for kind in unpushed)
            test = f"if {' && '.join(tests)}; then"
            return [*["push=''"] * self._asks, test, *indented(pushing), "fi"]
        return [
            *["push=''"] * self._asks,
            f"if {' || '.join(map(self.tests.event, unpushed))}; then",
            *indented(refuse),
            "else",
            *indented(pushing),
            "fi",
        ]

    def _seldom(self, refuse: list[str]) -> list[str]:
        """Where it is open whether a run pushes until its destinations are collected."""
        unpushed = self.plan.unpushed
        collected = self._collect()
        if unpushed:
            test = " && ".join(self.tests.event(f"no-{kind}") for kind in unpushed)
            collected = [f"if {test}; then", *indented(collected), "fi"]
        pushing = [*self._early_logins(), *self._finish()]
        if not refuse:
            last = ['if [ -n "$push" ]; then', *indented(pushing), "fi"] if pushing else []
            return [*["push=''"] * self._tells(), *collected, *last]
        return [
            "push=''",
            *collected,
            'if [ -z "$push" ]; then',
            *indented(refuse),
            *(["else", *indented(pushing)] if pushing else []),
            "fi",
        ]

    def _tells(self) -> bool:
        """Whether something asks later if the run pushes."""
        logins = any(login.pushes for login in self.plan.logins)
        ends = self._tool.nothing(self.words) or self._tool.pushing_nothing(self.words)
        return bool(ends or logins or self._asks or self._tool.last(self.words))

    def if_pushed(self, lines: list[str], otherwise: Iterable[str] = ()) -> list[str]:
        """Lines for after the executor; only a run that has pushed has something to tell."""
        if not self.plan.pushes or self.plan.pushes_always:
            return lines if self.plan.pushes else [*otherwise]
        other = ["else", *indented(otherwise)] if otherwise else []
        return ['if [ -n "$push" ]; then', *indented(lines), *other, "fi"]

    def forget_unless_pushed(self) -> list[str]:
        """Lines that remove the files that say what was pushed, where nothing was."""
        plan = self.plan
        if not plan.pushed_outputs or plan.pushes_always:
            return []
        removed = f"rm -rf {' '.join(map(self._output, plan.pushed_outputs))}"
        return [f'if [ -z "$push" ]; then {removed}; fi']

    def _early_logins(self) -> list[str]:
        """The logins of every run that pushes."""
        logins = self.plan.logins
        early = [login for login in logins if login.pushes and login.host not in self._late]
        return self._credentials.of_hosts(early)

    def _config_without_push(self) -> list[str]:
        """Pull logins are written in every run, so they are written last."""
        return self._config.write() if _has_pull_logins(self.plan) else []

    def _finish(self) -> list[str]:
        """What a run that pushes does once its destinations are known."""
        plan = self.plan
        lines: list[str] = []
        for login in plan.logins:
            if flag := self._late.get(login.host):
                with self._draft.branch():
                    late = self._credentials.of_hosts([login])
                lines += [f'if [ -n "${flag}" ]; then', *indented(late), "fi"]
        if last := self._tool.last(self.words):
            lines += continued('set -- "$@"', last)
        if plan.logins and not _has_pull_logins(plan):
            lines += self._config.write()
        return lines

    def _collect(self) -> list[str]:
        plan = self.plan
        lines = [f"{flag}=''" for flag in self._late.values() if flag]
        some_always = any(push.when == ALWAYS for push in plan.pushes)
        groups: dict[AnyOf, list[Push]] = {}
        for push in plan.pushes:
            groups.setdefault(push.when, []).append(push)
        for when, pushes in groups.items():
            with self._draft.branch() if when != ALWAYS else nullcontext():
                body = self._collected(pushes)
            if not some_always and self._tells():
                body.append("push=yes")
            lines += self.tests.when(when, body)
        return lines

    def _collected(self, pushes: list[Push]) -> list[str]:
        """What a run does that pushes to destinations of one condition."""
        lines = self._checks.of_pushes(pushes)
        opened = [
            login
            for login in self.plan.logins
            if login.host in self._late and any(login.opens(push.host) for push in pushes)
        ]
        flags = [self._late[login.host] for login in opened]
        here = [login for login, flag in zip(opened, flags, strict=True) if not flag]
        lines += [f"{flag}=yes" for flag in flags if flag]
        lines += self._credentials.of_hosts(here)
        return [*lines, *continued('set -- "$@"', self._destinations(pushes))]


def login_script(plan: Plan, dialect: Dialect) -> str:
    """The script of a container that logs in for another, which has its folder of config.json."""
    site = dialect.site._replace(inherits=False, opening=lambda _: [])
    return Script(plan, dialect, site).build(lambda _: [])


def _has_pull_logins(plan: Plan) -> bool:
    return any(not login.pushes for login in plan.logins)


def _has_single_entry(plan: Plan, late: Mapping[str, str]) -> bool:
    """Whether every run that writes config.json writes the same single login."""
    logins = plan.password_logins
    if len(logins) != 1 or logins[0].host in late:
        return False
    return _has_pull_logins(plan) != logins[0].pushes


def _late_logins(plan: Plan, read: Collection[str]) -> dict[str, str]:
    """Hosts that only some pushing runs need, with the flag that tells.

    The flag is empty where one block of the script does all for the host.
    """
    several = {login.host: late_uses(plan, login, read) for login in plan.logins}
    flags: dict[str, str] = {}
    for host, uses in several.items():
        if uses:
            flags[host] = "" if len(uses) == 1 else _flag_name(host, flags.values())
    return flags


def only_files(folder: str) -> list[str]:
    """Lines that stop where a build has left a link or a device among its output files."""
    return [
        f'if [ -n "$(find {folder} ! -type f ! -type d)" ]; then',
        '  echo "ci-kaniko: the build has left something else among its output files" >&2',
        "  exit 1",
        "fi",
    ]


def read_digest(file: str) -> list[str]:
    """``$digest`` from a file that has no newline; after a build only the shell itself is there."""
    return [f"read -r digest < {file} || true", *check_digest()]


def check_digest() -> list[str]:
    """Lines that stop where ``$digest`` is something else; it may be a command to a CI's log."""
    return [
        "hex=${digest#sha256:}",
        'if [ "sha256:$hex" != "$digest" ] || [ ${#hex} != 64 ] ||',
        '  [ "${hex#*[!0-9a-f]}" != "$hex" ]; then',
        '  echo "ci-kaniko: what should be the digest of the image is none" >&2',
        "  exit 1",
        "fi",
    ]


def _flag_name(host: str, taken: Collection[str]) -> str:
    """A name that tells a host from others that differ in a dot or a dash only."""
    name = "to_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in host)
    while name in taken:
        name += "_"
    return name
