"""The shell script of a plan: one generator for every target that runs a shell.

The shape, the traps and the quoting were tried with real executors: strict POSIX sh, no ``eval``,
one executor call whose status is the job's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_kaniko.plan.clouds import SESSION, TOKEN_FILE
from ci_kaniko.plan.model import CERTIFICATES, OUTPUT
from ci_kaniko.shell.credentials import ENCODED, ENTRY, path_in
from ci_kaniko.shell.dialect import Cell, Dialect, Impossible, cell_of
from ci_kaniko.shell.words import LOWERED, braced, double_quoted
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf, Condition
from ci_kaniko.syntax.globs import case_arms, grep_pattern, is_literal, split
from ci_kaniko.syntax.references import (
    DOCKER_HUB_KEY,
    DOCKER_HUB_LOOKALIKES,
    DOCKER_HUB_NAMES,
    MAX_TAG,
    is_run_time_host,
    parse_repository,
)
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref, names, text_of, variable
from ci_kaniko.text.quoting import TO_LOWER, can_be_double_quoted, continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.plan.clouds import Cloud, Token
    from ci_kaniko.plan.model import Argument, HostLogin, Plan, Push
    from ci_kaniko.syntax.references import Reference
    from ci_kaniko.syntax.variables import Part, Parts


@dataclass
class Script:
    """A script under construction; ``environment`` collects what the job must pass to it.

    With ``asks`` the lines after the executor ask whether the run has pushed: see ``if_pushed``.
    """

    plan: Plan
    dialect: Dialect
    environment: dict[str, str] = field(default_factory=dict)
    asks: bool = False
    _defined: dict[tuple[str, ...], None] = field(default_factory=dict)
    _clouds: set[str] = field(default_factory=set)
    _defaults: int = 0
    _login_keys: dict[Parts, str] = field(default_factory=dict)
    _besides: dict[Parts, int] = field(default_factory=dict)
    _one_login: bool = False

    def build(self, run: Callable[[list[str]], list[str]]) -> str:
        """The whole script; ``run`` turns the executor's words into the command that starts it."""
        plan = self.plan
        late = self._late_logins()
        logins = plan.password_logins
        certain = self._has_pull_logins() != (len(logins) == 1 and logins[0].pushes)
        alone = len(logins) == 1 and self._has_one_entry()
        self._one_login = alone and logins[0].host not in late and certain
        body = self._body(run, late)
        unset = list(self.dialect.unset)
        inherited = self.dialect.inherits and bool(plan.logins or plan.withholds)
        if inherited or (logins and plan.docker_config):
            unset.append("DOCKER_AUTH_CONFIG")
        head = ["set -eu", *([f"unset {' '.join(unset)}"] if unset else [])]
        head += self.dialect.folders(plan) + self._archive_folder()
        defined = [line for lines in self._defined for line in lines]
        return "\n".join([*head, *defined, *self._login_function(), *body]) + "\n"

    def _archive_folder(self) -> list[str]:
        """The executor makes the folders of its other output files, but not that of an archive."""
        folder = (self.plan.spec.options.tar_path or "").rpartition("/")[0]
        if not folder or not self.dialect.places[OUTPUT].name:
            return []
        return [f"mkdir -p {self.text((Ref(OUTPUT), f'/{grammar.inside_repository(folder)}'))}"]

    def _has_one_entry(self) -> bool:
        """Whether config.json holds nothing but the written logins."""
        return True

    # -- values ---------------------------------------------------------------------------------

    def cell(self, name: str, *, lower: bool = False) -> Cell:
        """The cell of a variable, with its definition noted. Raises LookupError without one."""
        if name in self.dialect.places:
            return self.dialect.places[name]
        found = cell_of(self.dialect, name, self.plan)
        if found is None:
            found = self._derived(name)
        if isinstance(found, Impossible):
            raise LookupError(found.reason)  # noqa: TRY004
        if found.env:
            self.environment[found.env[0]] = found.env[1]
        if found.define:
            self._defined[found.define] = None
        if lower and name in LOWERED:
            return self._define(
                f"{LOWERED[name]}_lower",
                f'$(printf %s "{double_quoted(found)}" | {TO_LOWER})',
            )
        return found

    def _define(self, name: str, value: str) -> Cell:
        self._defined[(f"{name}={value}",)] = None
        return Cell(name)

    def _derived(self, name: str) -> Cell:
        """A variable that no target has by itself, made of others."""
        if name == "commit.short":
            return self._define("short", f"$(printf %.8s {self.value('commit.sha')})")
        if name == "build.timestamp":
            return self._define("timestamp", "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
        if name == "repository.owner":
            return self._define("owner", f"${{{self._shell_name('repository.path')}%/*}}")
        if name == "repository.name":
            return self._define("name", f"${{{self._shell_name('repository.path')}##*/}}")
        if name == "ref.name":
            return self._ref_name()
        slug = (
            f"{TO_LOWER} | tr -c a-z0-9 - | cut -c1-63 | sed 's/^-*//; s/-*$//'"
            if name == "ref.slug"
            else "tr -c 'A-Za-z0-9_.-' - | sed 's/^[.-]*//' | cut -c1-128"
        )
        ref = self.value("ref.name")
        return self._define(
            name.replace(".", "_"), f"$(printf %s {ref} | tr -d '\\200-\\277' | {slug})"
        )

    def _ref_name(self) -> Cell:
        branch, tag = self.cell("branch"), self.cell("tag")
        other = f"${{{branch.name}:-}}" if branch.may_be_unset else f"${branch.name}"
        ref = f"${{{tag.name}:-{other}}}"
        if not self.plan.started.may_be_request:
            return self._define("ref", ref)
        number = self.cell("pull_request.number").name
        self._defined[(f"ref=${{{number}:+pr-${number}}}", f"ref=${{ref:-{ref}}}")] = None
        return Cell("ref")

    def _shell_name(self, name: str) -> str:
        cell = self.cell(name)
        if cell.name:
            return cell.name
        return self._define(name.replace(".", "_"), f'"{cell.text}"').name

    def expression(self, ref: Ref, *, is_reference: bool, follows: str = "") -> tuple[bool, str]:
        """Whether a variable is literal text here, and its text, to stand in double quotes."""
        cell = self._cut(ref) if ref.beside else self.cell(ref.name, lower=is_reference)
        if cell.literal:
            return True, cell.literal
        if not cell.name:
            return False, cell.text
        name = cell.name
        if ref.default is not None:
            if not can_be_double_quoted(ref.default) or "}" in ref.default:
                name = self._with_default(ref, cell)
                return False, braced(name, follows)
            return False, f"${{{name}:-{ref.default}}}"
        if is_reference and variable(ref.name).may_be_empty:
            return False, f"${{{name}:?is empty, but the image needs it}}"
        if cell.may_be_unset:
            return False, f"${{{name}:-}}"
        return False, braced(name, follows)

    def _cut(self, ref: Ref) -> Cell:
        """A variable cut to what the text beside it leaves of an image tag."""
        name = self._shell_name(ref.name)
        rest = "".join(part for part in ref.beside if isinstance(part, str))
        if len(ref.beside) == 1 and rest:
            left = MAX_TAG - len(rest)
            return self._define(f"{name}_{left}", f'$(printf %.{left}s "${name}")')
        number = self._besides.setdefault(ref.beside, len(self._besides) + 1)
        beside = self._define(f"beside_{number}", self.text(ref.beside)).name
        limit = f"$((${{#{beside}}} < {MAX_TAG} ? {MAX_TAG} - ${{#{beside}}} : 0))"
        return self._define(f"{name}_beside_{number}", f'$(printf "%.{limit}s" "${name}")')

    def _with_default(self, ref: Ref, cell: Cell) -> str:
        """A shell variable for a default that cannot stand inside double quotes."""
        self._defaults += 1
        name = f"default_{self._defaults}"
        value = f"${{{cell.name}:-}}" if cell.may_be_unset else f"${cell.name}"
        self._defined[
            (
                f"{name}={value}",
                f'if [ -z "${name}" ]; then {name}={quote(ref.default or "")}; fi',
            )
        ] = None
        return name

    def word(self, argument: Argument) -> str:
        """One argument as a shell word."""
        if argument.value is None:
            return f"--{argument.name}"
        value = self.text(argument.value, is_reference=argument.is_reference)
        return f"--{argument.name}={value}"

    def text(self, parts: Parts, *, is_reference: bool = False) -> str:
        """A text as a shell word."""
        pieces: list[tuple[bool, str]] = []
        for index, part in enumerate(parts):
            following = parts[index + 1] if index + 1 < len(parts) else ""
            literal, text = self._piece(part, following, is_reference=is_reference)
            if literal and pieces and pieces[-1][0]:
                pieces[-1] = (True, pieces[-1][1] + text)
            else:
                pieces.append((literal, text))
        if not pieces:
            return ""
        if all(literal for literal, _ in pieces):
            return quote(pieces[0][1])
        if all(can_be_double_quoted(text) for literal, text in pieces if literal):
            return '"' + "".join(text for _, text in pieces) + '"'
        return "".join(quote(text) if literal else f'"{text}"' for literal, text in pieces)

    def _piece(self, part: Part, following: Part, *, is_reference: bool) -> tuple[bool, str]:
        if isinstance(part, str):
            return True, part
        follows = following[:1] if isinstance(following, str) else ""
        return self.expression(part, is_reference=is_reference, follows=follows)

    def value(self, name: str) -> str:
        """A variable for a test: a shell word that is empty when it is not there."""
        literal, text = self.expression(Ref(name), is_reference=False)
        return quote(text) if literal else f'"{text}"'

    # -- conditions -----------------------------------------------------------------------------

    def when(self, any_of: AnyOf, body: list[str]) -> list[str]:
        """``body`` under a condition."""
        if any_of == ALWAYS:
            return body
        if len(any_of) == 1 and any_of[0].globs:
            return self._ref_block(any_of[0], body)
        tests = [self._test(condition) for condition in any_of]
        if len(tests) > 1:
            tests = [f"{{ {test}; }}" if " && " in test else test for test in tests]
        test = " || ".join(tests)
        return [f"if {test}; then", *indented(body), "fi"]

    def _test(self, condition: Condition) -> str:
        if condition.kind == "default-branch":
            return self._default_branch_test()
        if not condition.globs:
            return self._event_test(condition.kind)
        word = self.value(condition.kind)
        globs, out = split(condition.globs)
        if len(globs) == 1 and is_literal(globs[0]):
            return f"[ {word} = {quote(globs[0])} ]"
        test = f"printf '%s\\n' {word} | grep -Eqx {quote(grep_pattern(globs))}"
        if out:
            test += f" && ! printf '%s\\n' {word} | grep -Eqx {quote(grep_pattern(out))}"
        return test

    def _event_test(self, kind: str) -> str:
        return self.dialect.tests[kind]

    def _default_branch_test(self) -> str:
        branch, default = self.value("branch"), self.value("default_branch")
        cell = self.cell("default_branch")
        guard = f"[ -n {branch} ] && " if cell.env else ""
        return f"{guard}[ {branch} = {default} ]"

    def _ref_block(self, condition: Condition, body: list[str]) -> list[str]:
        globs, out = split(condition.globs)
        arms = case_arms(globs[0]) if len(globs) == 1 and not out else None
        if len(globs) > 1 and all(is_literal(glob) for glob in globs):
            arms = (" | ".join(arm for glob in globs for arm in case_arms(glob) or ()),)
        if arms is None or (len(globs) == 1 and is_literal(globs[0])):
            return [f"if {self._test(condition)}; then", *indented(body), "fi"]
        word = self.value(condition.kind).strip('"')
        skipped = [f"  {arm}) ;;" for arm in arms[:-1]]
        if len(body) == 1 and "\n" not in body[0]:
            taken = [f"  {arms[-1]}) {body[0]} ;;"]
        else:
            taken = [f"  {arms[-1]})", *indented(indented(body)), "    ;;"]
        return [f"case {word} in", *skipped, *taken, "esac"]

    # -- the body -------------------------------------------------------------------------------

    def _body(self, run: Callable[[list[str]], list[str]], late: dict[str, str]) -> list[str]:
        plan = self.plan
        static = [self.word(argument) for argument in plan.arguments]
        always = [login for login in plan.logins if not login.pushes]
        head = self._cloud_once(plan.context_cloud.name) if plan.context_cloud else []
        head += self._inputs() + self._cache_checks() + self._log_in(always) + self._git_login()
        if not plan.pushes:
            config = self._write_config() if always else []
            words = static + self._words(plan.no_push_arguments)
            return [*head, *config, *run(words)]
        if plan.pushes_always and all(push.when == ALWAYS for push in plan.pushes):
            words = static + [self._push_word(push) for push in plan.pushes]
            words += self._words(plan.pushed_arguments)
            checks = self._checks(plan.pushes)
            logins = self._log_in([login for login in plan.logins if login.pushes])
            config = self._write_config() if plan.logins else []
            return [*head, *logins, *config, *checks, *run(words)]
        collect = continued("set --", static)
        return [*head, *collect, *self._decide(late), *run(['"$@"'])]

    def _words(self, arguments: Iterable[Argument]) -> list[str]:
        return [self.word(argument) for argument in arguments]

    def _decide(self, late: dict[str, str]) -> list[str]:
        """Collect the destinations of this run, or ``--no-push``."""
        plan = self.plan
        refuse = self._not_pushing()
        some_always = any(push.when == ALWAYS for push in plan.pushes)
        finish = self._finish(late)
        if some_always:
            pushing = [*self._early_logins(late), *self._collect(late), *finish]
            if not plan.unpushed:
                return [*pushing, *self._config_without_push()]
            return [
                *["push=''"] * self.asks,
                f"if {' || '.join(map(self._event_test, plan.unpushed))}; then",
                *indented(refuse),
                "else",
                *indented([*pushing, *["push=yes"] * self.asks]),
                "fi",
                *self._config_without_push(),
            ]
        collected = self._collect(late)
        if plan.unpushed:
            test = " && ".join(self._event_test(f"no-{kind}") for kind in plan.unpushed)
            collected = [f"if {test}; then", *indented(collected), "fi"]
        pushing = [*self._early_logins(late), *finish]
        return [
            "push=''",
            *collected,
            'if [ -z "$push" ]; then',
            *indented(refuse),
            *(["else", *indented(pushing)] if pushing else []),
            "fi",
            *self._config_without_push(),
        ]

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
        files = [
            self.text((Ref(OUTPUT), f"/{grammar.inside_repository(path)}"))
            for path in plan.pushed_outputs
        ]
        removed = f"rm -rf {' '.join(files)}"
        if not plan.pushes:
            return [removed]
        return [f'if [ -z "$push" ]; then {removed}; fi']

    def _push_word(self, push: Push) -> str:
        return self.word(push.argument)

    def _not_pushing(self) -> list[str]:
        """What a run does that pushes nothing."""
        return ['set -- "$@" ' + " ".join(self._words(self.plan.no_push_arguments))]

    def _early_logins(self, late: dict[str, str]) -> list[str]:
        """The logins of every run that pushes."""
        return self._log_in(
            [login for login in self.plan.logins if login.pushes and login.host not in late]
        )

    def _config_without_push(self) -> list[str]:
        """Pull logins are written in every run, so they are written last."""
        return self._write_config() if self._has_pull_logins() else []

    def _has_pull_logins(self) -> bool:
        return any(not login.pushes for login in self.plan.logins)

    def _finish(self, late: dict[str, str]) -> list[str]:
        """What a run that pushes does once its destinations are known."""
        plan = self.plan
        lines: list[str] = []
        for login in plan.logins:
            if late.get(login.host):
                lines += [
                    f'if [ -n "${late[login.host]}" ]; then',
                    *indented(self._log_in([login], certain=False)),
                    "fi",
                ]
        if plan.pushed_arguments:
            lines += continued('set -- "$@"', self._words(plan.pushed_arguments))
        if plan.logins and not self._has_pull_logins():
            lines += self._write_config()
        return lines

    def _late_logins(self) -> dict[str, str]:
        """Hosts that only some pushing runs need, with the flag that tells.

        The flag is empty where one block of the script does all for the host.
        """
        plan = self.plan
        hosts = {push.host for push in plan.pushes}
        late = {}
        for login in plan.logins:
            uses = {push.when for push in plan.pushes if push.host == login.host}
            if not login.pushes or ALWAYS in uses or not uses or hosts == {login.host}:
                continue
            if login.host in plan.cache_hosts:
                continue
            late[login.host] = "" if len(uses) == 1 else _flag_name(login.host)
        return late

    def _collect(self, late: dict[str, str]) -> list[str]:
        plan = self.plan
        lines = [f"{flag}=''" for flag in late.values() if flag]
        some_always = any(push.when == ALWAYS for push in plan.pushes)
        groups: dict[AnyOf, list[Push]] = {}
        for push in plan.pushes:
            groups.setdefault(push.when, []).append(push)
        inline_done: set[str] = set()
        for when, pushes in groups.items():
            body = self._checks(pushes)
            for push in pushes:
                host = push.host
                if late.get(host):
                    body.append(f"{late[host]}=yes")
                elif host in late and host not in inline_done:
                    inline_done.add(host)
                    these = [login for login in plan.logins if login.host == host]
                    body += self._log_in(these, certain=False)
            words = [self._push_word(push) for push in pushes]
            body += continued('set -- "$@"', words)
            if not some_always:
                body.append("push=yes")
            lines += self.when(when, body)
        return lines

    def _checks(self, pushes: Iterable[Push]) -> list[str]:
        """Run-time checks of variables that can hold what a reference cannot."""
        done = self._checks_of(self._cached())
        checks = self._checks_of(push.reference for push in pushes)
        return [line for check in checks if check not in done for line in check]

    def _cache_checks(self) -> list[str]:
        return [line for check in self._checks_of(self._cached()) for line in check]

    def _cached(self) -> list[Reference]:
        """What every run pulls from."""
        cache = self.plan.spec.cache
        return [
            parse_repository(text_of(argument.value or ()))
            for argument in self.plan.arguments
            if argument.name == "cache-repo" and cache and cache.remote
        ]

    def _checks_of(self, references: Iterable[Reference]) -> dict[tuple[str, ...], None]:
        checks: dict[tuple[str, ...], None] = {}
        for reference in references:
            if is_run_time_host(reference.registry):
                checks[tuple(self._host_check(reference.registry))] = None
            for index, allowed in ((1, "a-z0-9._/-"), (2, "A-Za-z0-9_.-")):
                for part in reference[index]:
                    if isinstance(part, Ref) and self._can_hold_anything(part.name):
                        checks[tuple(self._check(part, allowed))] = None
        return checks

    def _host_check(self, registry: Parts) -> list[str]:
        """Lines that stop where a host is none: kaniko would take it for a part of the path."""
        word = self.text(registry)
        (name,) = names(registry)
        hidden = " | ".join(sorted(DOCKER_HUB_LOOKALIKES))
        return [
            f"case {word} in",
            "  '' | localhost) ;;",
            "  *[!a-z0-9.:-]* | [.:-]* | *[.:-] | *[.:-][.:]* | *[.:]-* | *:*[!0-9]*) false ;;",
            f"  {hidden}) false ;;",
            "  *.* | *:*) ;;",
            "  *) false ;;",
            "esac || {",
            f'  echo "ci-kaniko: no registry to log in to has this {name}:" {word} >&2',
            "  exit 1",
            "}",
        ]

    def _can_hold_anything(self, name: str) -> bool:
        if name.startswith(INPUT_PREFIX):
            return bool(self.cell(name).name)
        return name == "tag" or name.startswith("env.")

    def _check(self, ref: Ref, allowed: str) -> list[str]:
        cell = self.cell(ref.name)
        word = f"${{{cell.name}:-}}" if cell.may_be_unset else f"${cell.name}"
        what = "image tag" if "A-Z" in allowed else "repository name"
        return [
            f"case {word} in",
            f"  [.-]* | *[!{allowed}]*)",
            f'    echo "ci-kaniko: no {what} can hold this {ref.name}: {word}" >&2',
            "    exit 1",
            "    ;;",
            "esac",
        ]

    # -- credentials ----------------------------------------------------------------------------

    def _key(self, login: HostLogin) -> str:
        """The key of a login in config.json; that of Docker Hub is found under one name only."""
        if not is_run_time_host(login.key):
            return self.text(login.key)
        name = self._login_keys.setdefault(login.key, f"key_{len(self._login_keys) + 1}")
        hub = " | ".join(sorted(DOCKER_HUB_NAMES))
        self._defined[
            (
                f"{name}={self.text(login.key)}",
                f"case ${name} in {hub}) {name}={DOCKER_HUB_KEY} ;; esac",
            )
        ] = None
        return f'"${name}"'

    def _git_login(self) -> list[str]:
        login = self.plan.git_login
        if login is None:
            return []
        token = login.secret or self.dialect.ci_token
        return [
            *self._guard(token, ci=login.secret is None),
            f'export GIT_USERNAME={quote(login.username)} GIT_PASSWORD="${token}"',
            "unset GIT_TOKEN",
        ]

    def _guard(self, secret: str, *, ci: bool = False) -> list[str]:
        why = self.dialect.token_hint if ci else self.dialect.secret_hint
        return [f': "${{{secret}:?is not set: {why}}}"']

    def _log_in(self, logins: Iterable[HostLogin], *, certain: bool = True) -> list[str]:
        """The logins of some hosts; ``certain`` when every run that pushes passes here."""
        lines: list[str] = []
        shared = ""
        for login in logins:
            if login.login.docker_config and login.login.docker_config == shared:
                continue
            shared = login.login.docker_config or shared
            lines += self._credentials(login, certain=certain)
        return lines

    def _credentials(self, login: HostLogin, *, certain: bool) -> list[str]:
        kind = login.login.kind
        if kind == "docker-config":
            return self._ready_config()
        if login.cloud and not login.written:
            return self._cloud_once(login.cloud.name, certain=certain)
        key = self._key(login)
        if login.cloud and login.cloud.token:
            assert self.dialect.registry_token is not None, "only one target exchanges tokens"
            before = self._identity(login.cloud.name, login.cloud.token)
            before += self.dialect.registry_token(login)
            user, password = "00000000-0000-0000-0000-000000000000", "token"
        elif kind == "ci-token":
            assert self.dialect.ci_login is not None, "a ci-token login was refused before"
            before, user, password, environment = self.dialect.ci_login(self.plan, login, key)
            self.environment.update(environment)
        else:
            before = [line for secret in login.secrets for line in self._guard(secret)]
            name = login.login.username
            user = quote(name) if isinstance(name, str) else f'"${name.secret}"' if name else "''"
            password = login.login.password or ""
        if self._one_login:
            encoded = f"printf '%s:%s' {user} \"${password}\" | base64 | tr -d '\\n'"
            return [*before, f"auth=$({encoded})", *self.dialect.mask]
        return [*before, f'login {key} {user} "${password}"']

    def _cloud_once(self, name: str, *, certain: bool = True) -> list[str]:
        """A cloud's client serves all registries of the cloud, and the context's store."""
        if name in self._clouds:
            return []
        if certain:
            self._clouds.add(name)
        return self._cloud(next(cloud for cloud in self.plan.clouds if cloud.name == name))

    def _identity(self, cloud: str, token: Token) -> list[str]:
        assert self.dialect.id_token is not None, "a login by identity was refused before"
        return self.dialect.id_token(self.plan, cloud, token)

    def _cloud(self, cloud: Cloud) -> list[str]:
        """The files that a cloud's client reads, and the variables that lead to them."""
        lines = [line for secret in cloud.secret_variables.values() for line in self._guard(secret)]
        exports = [f'{name}="${secret}"' for name, secret in cloud.secret_variables.items()]
        if self.dialect.mounted_files:
            if cloud.secret:
                path = f"{self.dialect.mounted_files}/{cloud.file}"
                lines += self._mounted(path, f"the secret {cloud.secret}")
        else:
            exports += [f"{name}={quote(value)}" for name, value in cloud.variables.items()]
            if cloud.secret:
                lines += [*self._guard(cloud.secret), *self._write(cloud.secret, cloud.file)]
                exports.append(f"{cloud.file_variable}={self.dialect.files_inside}/{cloud.file}")
        if cloud.token and cloud.role:
            assert self.dialect.session is not None, "only one target exchanges tokens"
            lines += self._identity(cloud.name, cloud.token) + self.dialect.session(cloud)
            exports += SESSION
        elif cloud.token and not self.dialect.mounted_tokens:
            lines += self._token(cloud, cloud.token)
            inside = self.dialect.files_inside
            if cloud.token.variable:
                exports.append(f"{cloud.token.variable}={inside}/{cloud.token.file}")
            if cloud.document:
                exports.append(f"{cloud.file_variable}={inside}/{cloud.file}")
        return [*lines, f"export {' '.join(exports)}"] if exports else lines

    def _token(self, cloud: Cloud, token: Token) -> list[str]:
        """The CI's identity, written where the cloud's client looks for it."""
        file = self._config_file(token.file)
        lines = [
            *self._identity(cloud.name, token),
            f'(umask 077; printf %s "$token" > {file})',
        ]
        if cloud.document:
            inside = f"{self.dialect.files_inside}/{token.file}"
            text = quote(cloud.document.replace(TOKEN_FILE, inside))
            lines.append(f"(umask 077; printf %s {text} > {self._config_file(cloud.file)})")
        return lines

    def _inputs(self) -> list[str]:
        """What every build needs beside its context: secrets, certificates, proxies."""
        plan = self.plan
        secrets = [*plan.spec.build_secrets.values(), *plan.proxy_secrets.values()]
        lines = [line for name in dict.fromkeys(secrets) for line in self._guard(name)]
        for file, secret in plan.certificates.items():
            if self.dialect.mounted_files:
                lines += self._mounted(f"{CERTIFICATES}/{file}", f"the secret {secret}")
            else:
                lines += self._guard(secret)
                lines += self._write(secret, file, folder=self.dialect.certificates)
        if plan.proxy and not self.dialect.mounted_files:
            exports = " ".join(f"{name}={quote(value)}" for name, value in plan.proxy.items())
            lines.append(f"export {exports}")
        if plan.proxy_secrets:
            exports = " ".join(f'{name}="${key}"' for name, key in plan.proxy_secrets.items())
            lines.append(f"export {exports}")
        return lines

    def _mounted(self, path: str, what: str) -> list[str]:
        """A guard for a file that the pod mounts when it exists."""
        return [
            f"if [ ! -f {path} ]; then",
            f'  echo "ci-kaniko: {what} is not there: {self.dialect.secret_hint}" >&2',
            "  exit 1",
            "fi",
        ]

    def _write(self, variable: str, file: str, folder: str = "") -> list[str]:
        """Put a secret into a file; a GitLab variable may hold a file's path instead of a text."""
        target = path_in(folder, file) if folder else self._config_file(file)
        text = f"printf '%s\\n' \"${variable}\""
        if not self.dialect.file_variables:
            return [f"(umask 077; {text} > {target})"]
        return [
            "(",
            "  umask 077",
            f'  if [ -f "${variable}" ]; then cat "${variable}"; else {text}; fi > {target}',
            ")",
        ]

    def _config_file(self, name: str) -> str:
        return path_in(self.dialect.files if name != "config.json" else self.dialect.config, name)

    def _login_function(self) -> list[str]:
        if self._one_login or not self.plan.password_logins:
            return []
        if self.dialect.mask:
            return [
                "auths=''",
                "login() {",
                f"  auth=$({ENCODED})",
                *indented(self.dialect.mask),
                f'  auths=$auths${{auths:+,}}$(printf {ENTRY} "$1" "$auth")',
                "}",
            ]
        return [
            "auths=''",
            "login() {",
            "  auths=$auths${auths:+,}$(",
            f'    printf {ENTRY} "$1" "$({ENCODED})"',
            "  )",
            "}",
        ]

    def _write_config(self) -> list[str]:
        """The written logins; beside a ready docker config they go into a variable."""
        if not self.plan.password_logins:
            return []
        if self.plan.docker_config is None:
            return [f"(umask 077; {self._config_text()} > {self._config_file('config.json')})"]
        return [f"DOCKER_AUTH_CONFIG=$({self._config_text()})", "export DOCKER_AUTH_CONFIG"]

    def _ready_config(self) -> list[str]:
        """The ready docker config: mounted by the pod, or written from a variable."""
        ready = self.plan.docker_config or ""
        if self.dialect.mounts_config:
            secret = f"the Secret {ready} of type kubernetes.io/dockerconfigjson"
            return self._mounted("/kaniko/.docker/config.json", secret)
        return [*self._guard(ready), *self._write(ready, "config.json")]

    def _config_text(self) -> str:
        if self._one_login:
            key = self._key(self.plan.password_logins[0])
            return f'printf \'{{"auths":{{"%s":{{"auth":"%s"}}}}}}\' {key} "$auth"'
        return 'printf \'{"auths":{%s}}\' "$auths"'


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


def executor(plan: Plan, words: Iterable[str]) -> list[str]:
    """The call of the executor in its own image; the variables are for it alone."""
    variables = [f"{name}={quote(text)}" for name, text in plan.spec.env.items()]
    if not variables:
        return continued("/kaniko/executor", words)
    return [f"{one} \\" for one in variables] + continued("/kaniko/executor", words)


def _flag_name(host: str) -> str:
    return "to_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in host)
