"""Executor calls as they were met -> calls as others read them, without guards and secrets."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    ALWAYS,
    Call,
    Choice,
    Login,
    Masked,
    Script,
    Test,
    Text,
    When,
    Word,
    join,
    literal,
    spell,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.shell.commands.executor import pushed
from ci_kaniko.importing.shell.commands.flags import one_of, outputs
from ci_kaniko.importing.shell.commands.others import image_name
from ci_kaniko.importing.shell.docker_config import DockerConfig, is_config
from ci_kaniko.importing.shell.files import below, from_start
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.secrets import Secrets, is_written
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import Item, Value, finished_text, pure
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.kaniko.variables import owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.importing.sentences import Note
    from ci_kaniko.importing.shell.reader import RawCall, Reader

_IDENTITY = ("context", "context-sub-path", "dockerfile", "target", "git")
_MOST_WAYS = 4
_IN_ENVIRONMENT = "DOCKER_AUTH_CONFIG"
_READ = ("registry-certificate", "registry-client-cert", "secret")
_TEXTS_OF_LOGIN = ("host", "user", "password", "auth", "token", "config")
_BY_CLIENT = re.compile(r"(?!executor).* login|docker/login-action@.*")
"""What says that docker's own config.json has a login."""
_SET = (
    r"(?m)(?:^|[;&|(])\s*(?:(?:read|readarray|mapfile|getopts|printf -v)\b[^\n;&|]*\s)?"
    r"{}(?![\w.-])"
)
"""Where a script may set a variable in a way that is not followed."""
_READ_BY_KANIKO = ("/kaniko/.docker/config.json", "$DOCKER_CONFIG/config.json")


def script(reader: Reader) -> Script:
    return _Results(reader).script()


_TRUSTS = re.compile(r"/kaniko/ssl/|/etc/(?:ssl|docker|pki)/\S*cert|\bupdate-ca-")
"""What of a command shows that it lets a program trust a certificate."""


class _Results:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.conditions = reader.conditions
        self.guards = reader.guards
        self.secrets = Secrets()
        self.usual = self.guards.negate(reader.failed)
        """Where the script has not stopped with an error."""

    def script(self) -> Script:
        reader = self.reader
        merged = [one for call in self._merged(reader.calls) for one in self._apart(call)]
        self._find_secrets(merged)
        logins = [self._logins(call) for call in merged]
        calls = tuple(self._call(call, found) for call, found in zip(merged, logins, strict=True))
        for call in merged:
            self._carried(call)
        text = reader.text_read.decode("utf-8", "replace")
        for name, line in reader.missing.items():
            told = name in reader.lines or name in reader.asked
            if not told and not re.search(_SET.format(name), text):
                reader.note("unset-variable", name, line=line)
        images = {image_name(word.text) for call in calls for word in call.pushed}
        for image, line in reader.unpushed.items():
            if image not in images:
                reader.note("never-pushed/built", spell(image), line=line)
        for act in reader.uses.unused():
            reader.note("skipped-command", act.text, line=act.line)
        return Script(calls, tuple(self._notes(calls)))

    def _notes(self, calls: tuple[Call, ...]) -> Iterator[Note]:
        """What is said, by line: what stands behind the last call prepares nothing."""
        clean = self.secrets.clean_string
        last = max((call.line for call in calls), default=0)
        pushes = [(call.line, word.line) for call in calls for word in call.pushed]
        for note in sorted(self.reader.notes, key=lambda note: (note.line, note.rule)):
            name = note.name
            if name == "gate/script" and not any(note.line < line for _, line in pushes):
                continue
            if name == "skipped-command" and _TRUSTS.search(str(note.values[0])):
                name = "skipped-command/trust"
            elif name == "skipped-command" and any(one < note.line < two for one, two in pushes):
                name = "skipped-command/between"
            elif name == "skipped-command" and note.line > last > 0:
                name = "skipped-command/after"
            yield note._replace(name=name, values=tuple(clean(str(each)) for each in note.values))

    # -- joining ----------------------------------------------------------------------------------

    def _merged(self, calls: list[RawCall]) -> list[RawCall]:
        """Calls of which only one can run and that build the same thing, as one."""
        found: list[RawCall] = []
        for call in calls:
            for index, other in enumerate(found):
                if self._alike(other, call):
                    found[index] = self._joined(other, call)
                    break
            else:
                found.append(call)
        return found

    def _alike(self, one: RawCall, other: RawCall) -> bool:
        if _place(one) != _place(other):
            return False
        if one.line == other.line and _texts(one) == _texts(other):
            return True
        both = self.guards.both(one.path, other.path)
        return not self.conditions.possible(both) and _identity(one) == _identity(other)

    def _joined(self, one: RawCall, other: RawCall) -> RawCall:
        values = self.reader.values
        names = dict.fromkeys((*one.environment, *other.environment))
        paths = dict.fromkeys((*one.files, *other.files))
        return one._replace(
            path=self.guards.either(one.path, other.path),
            items=values.merged(one.items, one.path, other.items, other.path),
            environment={
                name: values.possible(
                    (*one.environment.get(name, ()), *other.environment.get(name, ()))
                )
                for name in names
            },
            files={
                path: values.possible(
                    (
                        *values.under(one.files.get(path, ()), one.path),
                        *values.under(other.files.get(path, ()), other.path),
                    )
                )
                for path in paths
            },
            logins=tuple(dict.fromkeys((*one.logins, *other.logins))),
        )

    def _apart(self, call: RawCall) -> list[RawCall]:
        """A call for each thing that it builds, by the words that say what that is."""
        both, possible = self.guards.both, self.conditions.possible
        ways, counts = [call.path], {}
        for name in _IDENTITY:
            left = YES
            for at, item in reversed([*enumerate(call.items)]):  # the last one that is there counts
                if one_of((name,), item.text):
                    counts[at] = both(left, item.guard)
                    left = self.guards.minus(left, item.guard)
                    here = [counts[at], self.guards.negate(counts[at])]
                    parts = (both(way, guard) for way in ways for guard in here)
                    ways = [part for part in parts if possible(both(part, self.usual))]
            if len(ways) > _MOST_WAYS:
                return [call]
        there = [counts.get(at, item.guard) for at, item in enumerate(call.items)]
        kept = ([possible(both(guard, way)) for guard in there] for way in ways)
        made = [call._replace(items=[*compress(call.items, each)]) for each in kept]
        made = [one._replace(path=way) for one, way in zip(made, ways, strict=True)]
        return made[::-1] if len(made) > 1 else [call]

    # -- secrets ----------------------------------------------------------------------------------

    def _find_secrets(self, calls: list[RawCall]) -> None:
        """What stands in the script although its name says that it is secret."""
        for call in calls:
            for name, value in call.environment.items():
                for _, text in value:
                    self._judge(name, text, self.reader.lines.get(name, call.line))
            for item in call.items:
                head = next(
                    (h for h in ("--build-arg=", "--secret=") if starts_with(item.text, h)), ""
                )
                if head:
                    key, *rest = split_text(without_head(item.text, head), "=", 1)
                    if rest and head == "--secret=":
                        self._judge(spell(key), rest[0], item.line)
                    elif rest and is_written(spell(key), rest[0]):  # which the argument tells
                        self.secrets.add(literal(rest[0]) or "", spell(key))
        for name, value in self.reader.state.variables.items():
            if name in self.reader.state.own:
                for _, text in value:
                    self._judge(name, text, self.reader.lines.get(name, 0))

    def _judge(self, name: str, text: Text, line: int) -> None:
        plain = literal(text)
        if plain and is_written(name, text):
            self.secrets.add(plain, name)
            self.reader.note("literal-secret/script", name, line=line)

    # -- parts ------------------------------------------------------------------------------------

    def _when(self, guard: int, within: int) -> When:
        both = self.guards.both
        found = self.conditions.when(guard, both(within, self.usual))
        if found != ALWAYS:
            whole = self.conditions.when(both(guard, within), self.usual)
            found = min(whole, found, key=_clumsiness)
        return tuple(tuple(map(self._test, tests)) for tests in found)

    def _clean(self, text: Text, line: int = 0) -> Text:
        return self.secrets.clean(finished_text(text), line)

    def _test(self, test: Test) -> Test:
        return replace(test, left=self._clean(test.left), right=self._clean(test.right))

    def _call(self, call: RawCall, logins: tuple[Login, ...]) -> Call:
        whole = self.guards.both(call.path, self.usual)
        container, inside = call.container, _inside(call).items()
        return Call(
            words=tuple(self._word(item, whole) for item in call.items),
            when=self._when(call.path, YES),
            pushed=tuple(
                self._word(item, whole) for item in pushed(call.items, self.conditions, whole)
            ),
            environment=self._held(call.environment.items(), whole, named=True),
            files=self._held(((spell(path), value) for path, (_, value) in inside), whole),
            logins=logins,
            image=self._clean(container.image) if container else None,
            docker=tuple(self._word(item, whole) for item in container.options)
            if container
            else (),
            folder=self._clean(call.folder[0][1]),
            outside=self._clean(container.outside[0][1]) if container else (),
            line=call.line,
            builder=call.builder,
        )

    def _word(self, item: Item, within: int) -> Word:
        text = item.text
        for head in ("--build-arg=", "--env="):
            if not starts_with(text, head) or not isinstance(text[-1], str):
                continue
            name, *rest = split_text(without_head(text, head), "=", 1)
            if rest and is_written(spell(name), rest[0]):
                text = join((head, *name, "=", Masked(spell(name), item.line)))
        return Word(
            self._clean(text, item.line), self._when(item.guard, within), item.split, item.line
        )

    def _held(
        self, values: Iterable[tuple[str, Value]], within: int, *, named: bool = False
    ) -> dict[str, tuple[Choice, ...]]:
        """What files can hold, or variables, whose names tell which of them are secret."""
        found = {}
        for name, value in values:
            if choices := tuple(self._choices(value, within, name if named else "")):
                found[self.secrets.clean_string(name)] = choices
        return found

    def _choices(self, value: Value, within: int, name: str = "") -> Iterable[Choice]:
        for guard, text in value:
            if self.conditions.possible(self.guards.both(guard, within)):
                clean = (Masked(name),) if name and is_written(name, text) else self._clean(text)
                yield Choice(clean, self._when(guard, within))

    # -- logins -----------------------------------------------------------------------------------

    def _logins(self, call: RawCall) -> tuple[Login, ...]:
        whole = self.guards.both(call.path, self.usual)
        found: dict[Login, int] = {}
        alone = call.container is not None and not _sees_logins(call)
        for guard, login in call.logins:
            if alone and _BY_CLIENT.fullmatch(login.source):
                self.reader.note("login-outside", login.source, line=login.line)
            secret = self._written_password(login)
            found[secret] = self.guards.either(found.get(secret, NO), guard)
        lines = self.reader.lines
        inside = _inside(call)
        has_config = any(spell(path) in _READ_BY_KANIKO for path in inside)
        for path, (outside, value) in inside.items():
            line = lines.get(spell(outside), call.line)
            self._config_logins(spell(path), value, whole, found, line)
            if any(login.source == spell(path) for login in found):
                self.reader.uses.use(file_thing(spell(outside)))
                if not has_config:  # else the other one is for another program
                    self._check_place(spell(path), call, line)
        if _IN_ENVIRONMENT in call.environment:
            value = call.environment[_IN_ENVIRONMENT]
            line = lines.get(_IN_ENVIRONMENT, call.line)
            self.reader.uses.use(f"${_IN_ENVIRONMENT}")
            self._config_logins(_IN_ENVIRONMENT, value, whole, found, line)
        return tuple(
            self._clean_login(login, self._when(guard, whole)) for login, guard in found.items()
        )

    def _carried(self, call: RawCall) -> None:
        """The files that an argument or a variable hands to the executor, and those it writes.

        A build argument without a value is the variable of its name.
        """
        uses = self.reader.uses
        flags = (one_of(("build-arg",), item.text) for item in call.items)
        uses.use(*(f"${literal(flag.value or ())}" for flag in flags if flag))
        texts = [spell(item.text) for item in call.items if one_of(_READ, item.text)]
        given = self.reader.given
        texts += [spell(text) for name, text in given.items() if owner_of_variable(name)]
        for name, value in call.environment.items():
            if owner_of_variable(name):
                texts += [spell(text) for _, text in value]
        files = {spell(path): held for path, held in _inside(call).items()}
        waiting = list(files)
        while found := [path for path in waiting if any(path in text for text in texts)]:
            waiting = [path for path in waiting if path not in found]
            for path in found:
                outside, value = files[path]
                uses.use(file_thing(spell(outside)))
                texts += [spell(text) for _, text in value]
        for written in outputs(call.items):
            uses.use_copies(file_thing(_outside(call, spell(written))))

    def _clean_login(self, login: Login, when: When) -> Login:
        clean: dict[str, Any] = {
            name: self._clean(getattr(login, name)) for name in _TEXTS_OF_LOGIN
        }
        return replace(login, when=when, **clean)

    def _written_password(self, login: Login) -> Login:
        plain = literal(login.password)
        if not plain:
            return login
        self.secrets.add(plain, "password")
        self.reader.note("literal-secret/script", "password", line=login.line)
        return replace(login, password=(Masked("password", login.line),))

    def _config_logins(
        self, source: str, value: Value, within: int, found: dict[Login, int], line: int
    ) -> None:
        for guard, text in value:
            if not self.conditions.possible(self.guards.both(guard, within)):
                continue
            if source != _IN_ENVIRONMENT and not is_config(source, text):
                continue
            config = DockerConfig(text, source, line, self.secrets, self.reader.note)
            for login in config.logins():
                found[login] = self.guards.either(found.get(login, NO), guard)

    def _check_place(self, source: str, call: RawCall, line: int) -> None:
        given = pure(self.reader.given.get("DOCKER_CONFIG", ("/kaniko/.docker",)))
        folders = call.environment.get("DOCKER_CONFIG", given)
        named = any(source.startswith(spell(text).rstrip("/")) for _, text in folders)
        if call.builder == KANIKO and source not in _READ_BY_KANIKO and not named:
            self.reader.note("config-elsewhere", source, line=line)


def _sees_logins(call: RawCall) -> bool:
    """Whether the container of a call has a docker config at all."""
    options = call.container.options if call.container else ()
    inside = [spell(inside) for _, inside in mounts(options)]
    named = any(path.startswith(("/kaniko/.docker", "/root/.docker")) for path in inside)
    return named or "DOCKER_CONFIG" in call.environment


def _outside(call: RawCall, path: str) -> str:
    """A path that the executor sees, as the script sees it."""
    for outside, inside in mounts(call.container.options) if call.container else ():
        head = spell(inside).rstrip("/")
        if path == head or path.startswith(f"{head}/"):
            return spell(outside).rstrip("/") + path[len(head) :]
    return path


def _clumsiness(when: When) -> tuple[int, int]:
    """How hard a condition is to read: negations first, then tests."""
    tests = [test for tests in when for test in tests]
    return sum(test.negated for test in tests), len(tests)


def _texts(call: RawCall) -> list[Text]:
    return [item.text for item in call.items]


def _place(call: RawCall) -> tuple[object, ...]:
    container = call.container
    options = tuple(item.text for item in container.options) if container else ()
    around = (container.image, container.outside) if container else None
    return call.builder, around, options, call.folder


def _identity(call: RawCall) -> list[Text]:
    """The words that say what is built."""
    return [item.text for item in call.items if one_of(_IDENTITY, item.text)]


def _inside(call: RawCall) -> dict[Text, tuple[Text, Value]]:
    """The files by the paths that the executor sees, each with that of the script."""
    if call.container is None:
        return {path: (path, value) for path, value in call.files.items()}
    found: dict[Text, tuple[Text, Value]] = {}
    pairs = sorted(mounts(call.container.options), key=lambda pair: len(spell(pair[0])))
    mounted = [(from_start(outside), inside) for outside, inside in pairs]
    for path, value in call.files.items():
        seen, here = path, from_start(path)
        for outside, inside in mounted:
            rest = below(here, outside)
            if rest is not None:
                seen = join((*inside, "/" if rest else "", rest))
        found[seen] = path, value
    return found
