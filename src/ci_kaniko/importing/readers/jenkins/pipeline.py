"""Jenkinsfiles: the stages whose steps run the executor, with the pods that they run in."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Output,
    Part,
    Text,
    Var,
    filled_in,
    join,
    literal,
    printed_time,
    references,
    spell,
    split_text,
)
from ci_kaniko.importing.jobs import Facts, Job, Root, Secret, Started
from ci_kaniko.importing.readers.jenkins.docker_plugin import as_scripts
from ci_kaniko.importing.readers.jenkins.folders import BY_NAME, Folders
from ci_kaniko.importing.readers.jenkins.groovy import (
    ASSIGNED,
    MARK,
    Quoted,
    Statement,
    chosen,
    inlined,
    parse,
)
from ci_kaniko.importing.readers.jenkins.loops import default, unrolled, with_defaults
from ci_kaniko.importing.readers.jenkins.methods import changed
from ci_kaniko.importing.readers.jenkins.pods import Pod, read_pod, template_of
from ci_kaniko.importing.readers.jenkins.when import VARIABLES, asked_guard, changed_paths, guard
from ci_kaniko.importing.readers.pods.containers import take_read
from ci_kaniko.importing.readers.scripts import Commands, Piece, beginning, hole, read_pieces
from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.importing.shell.commands.builtins import exported
from ci_kaniko.importing.shell.files import in_folder
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.shell.parsing import stops
from ci_kaniko.importing.shell.reader import SUCCESS, Host, Reader, Status
from ci_kaniko.importing.shell.values import Value, pure
from ci_kaniko.importing.signs import are_mentioned
from ci_kaniko.importing.ticked import Map, read_yaml
from ci_kaniko.importing.translate.started import bounded, set_triggers
from ci_kaniko.kaniko.variables import is_read, owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original

_FACTS = Facts(
    "jenkins",
    (Root((Var("WORKSPACE"),)), Root((Output("pwd"),)), Root((Var("PWD"),))),
    variables=VARIABLES,
    plain_secrets=True,
)
_SLOT = re.compile("\x02")
_TIME = re.compile(
    r"new (?:Date\(\)\.format|(?:[a-z.]+\.)?SimpleDateFormat)"
    r"\((['\"][^'\"]*['\"]|[^\s,()'\"]+)(?:,.*)?\)(?:\.format\(new Date\(\)\))?"
)
_TERNARY = re.compile(rf"(.*\S)\s*\?\s*{MARK}\s*:\s*{MARK}", re.DOTALL)
_TERM = re.compile(rf"{MARK}|(?!(?:true|false|null)\b)(?:(?:env|params)\.)?[A-Za-z_]\w*")
_NAMED = re.compile(r"\b(\w+)\s*:((?:(?!\b\w+\s*:).)*)", re.DOTALL)
"""What a step is given by names."""
_MAX_CHANGED = 30
_MAX_ASKED = 2_000
_DECLARED = {"agent", "environment", "when"}
_HELD = {"pipeline", "stages", "stage", "steps", "node", "podTemplate", "script", "parallel"}
_SERVES = re.compile(
    r"\b(?:docker|podman|nerdctl|buildah)\s+(?:login|push|tag)\b|\becr get-login\b"
)
_CLONES = re.compile(r"\bgit\b[^\n;&|]*\sclone\s")
_ASKED = re.compile(r"\benv\.(\w+)")
"""Variables that Groovy reads: they are not for the executor."""
_CHECKED_OUT = re.compile(r"\b(\w+)\s*=\s*checkout\s*(?:scm\b|\(\s*scm\s*\))")
_CALLED = re.compile(
    r"\b(?:credentialsId\s*:|withRegistry\b[^,\n]*,)\s*(?:\"\$\{?)?(?:env\.)?([A-Za-z_]\w*)"
)
_PLAIN = {"container", "dir", "withCredentials", "withEnv", "timeout", "timestamps", "ansiColor"}
_ALWAYS = re.compile(
    r"(?:with|docker|$|\W)"
    r"|(?:ansiColor|catchError|container|configFileProvider|each|finally|for|gitlabCommitStatus|lock|matrix"
    r"|nodejs|retry|sshagent|timeout|timestamps|try|warnError|wrap|ws)$"
)
"""Blocks that always run what they hold; any other one may be a condition."""


@dataclass(frozen=True)
class _Around:
    """What holds for a statement because of those around it.

    ``folder`` is a word of the shell, ``held`` are the variables that only some scripts of a stage
    have; ``goes_on`` says that more builds follow the block.
    """

    pod: Pod | None = None
    container: str = ""
    folder: str = ""
    stage: Statement | None = None
    environment: dict[str, Text] = field(default_factory=dict)
    held: dict[str, Text] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    asked: tuple[Statement, ...] = ()
    goes_on: bool = False


_Pieces = list[tuple[list[Piece], _Around]]
"""The parts of the script of a stage, each with what holds for it."""


def jobs(original: Original) -> Iterator[Job]:
    """The stages of a Jenkinsfile that run the executor."""
    parsed = parse(original.text, original.path)
    statements, choices = chosen(inlined(parsed.statements), original.path)
    statements, lists = unrolled(statements)
    statements, decided = with_defaults(as_scripts(statements))
    by_itself = "skipDefaultCheckout" not in original.text
    reader = _Reader(original, Folders(statements, by_itself=by_itself))
    reader.used |= lists
    reader.words.update(choices * 2)
    reader.outer(statements, _Around())
    named = ((ASSIGNED.match(one.code), (one, said)) for one, said in reader.rest)
    reader.rest = [one for found, one in named if not found or found[1] not in lists]
    reader.rest += [each for each in decided if _builds(each[0]) or _serves(each[0])]
    reader.tell()
    for job in reader.jobs:
        job.own_folders += reader.folders.own
        job.cloned |= reader.folders.others
        for name in reader.used & job.exported.keys():
            del job.exported[name]
    for job in reader.jobs[:1]:
        for line in parsed.unpaired:
            job.tell("bad-groovy", line)
    yield from reader.jobs


def _builds(statement: Statement) -> bool:
    return any(map(are_mentioned, statement.scripts))


def _clones(statement: Statement) -> bool:
    """Whether a step clones a repository by a script."""
    return any(map(_CLONES.search, statement.scripts))


def _serves(statement: Statement) -> bool:
    """Whether a step logs in for a build on a daemon, or pushes what it made."""
    return any(map(_SERVES.search, statement.scripts))


def _share_a_daemon(statements: list[Statement]) -> list[Statement]:
    """The stages that build on a daemon, with those that only log in there or push."""
    stages = [one for one in statements if one.name == "stage" and not _whole_inside(one)]
    shared = [one for one in stages if _builds(one) or _serves(one)]
    building = [one for one in shared if _builds(one)]
    if not building or len(building) == len(shared):
        return []
    agents = any(inner.name == "agent" for one in shared for inner in one.block)
    kaniko = any("executor" in text for one in building for text in one.scripts)
    return [] if agents or kaniko else shared


def _whole_inside(statement: Statement) -> bool:
    """Whether a stage has others that do by themselves what they have to do."""
    inner = [one for one in statement.below() if one.name in {"stage", "matrix"}][1:]
    return _inner_stages(statement) and any(
        one.name == "matrix" or (_builds(one) and _serves(one)) for one in inner
    )


class _Questions(Commands):
    """What Groovy asks and sets between the scripts of its steps, with their host."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Host(self.known, self._expression)
        self.bound: set[str] = set()

    def asked(self, statement: Statement, before: str) -> tuple[str, str]:
        """An ``if`` or ``else`` as the test of a script; and all that its chain has asked."""
        code = re.sub(r"^\s*(?:else\b\s*)?", "", statement.code)
        if statement.name == "else" and len(before) > _MAX_ASKED:
            return self.add(partial(_asked, statement)), before  # of that many nobody knows
        asks = [replace(statement, code=code)] * code.startswith("if")
        own = [self.add(partial(_asked, one)) for one in asks]
        if statement.name == "if":
            return own[0], own[0]
        return " && ".join([f"! {{ {before}; }}", *own]), " || ".join([before, *own])

    def along(self, statements: list[Statement]) -> Iterator[tuple[Statement, str]]:
        """Statements, each with the test that it asks by its chain, if it asks one.

        One that returns before a build leaves what holds both.
        """
        chain = ":"
        last = max((at for at, one in enumerate(statements) if _builds(one)), default=0)
        for at, statement in enumerate(statements):
            test = ""
            if statement.name in {"if", "else"}:
                test, chain = self.asked(statement, chain)
            ends = test and at < last and not _builds(statement)
            yield (_leaving(statement) if ends else statement), test

    def _expression(self, reader: Reader, name: str) -> Value | None:
        """What Groovy puts into a text: its own variables have what was set last."""
        if name in self.bound:
            return reader.value(name)
        return pure(reader.given[name]) if name in reader.given else None


def _asked(statement: Statement, reader: Reader) -> Status:
    asked = guard(reader.conditions, statement)
    return Status(asked, asked)


def _held(environment: dict[str, Text], reader: Reader) -> Status:
    """Set the variables that one script has."""
    for name, text in environment.items():
        reader.assign(name, pure(text))
        exported(reader, name)
    return SUCCESS


def _leaving(statement: Statement) -> Statement:
    """An ``if`` whose ``return`` is one of the script."""
    left = [(one, re.sub(r"^\s*return\b", "leave", one.code)) for one in statement.block]
    return replace(statement, block=[replace(one, code=code) for one, code in left])


def _checked_out(folder: str, reader: Reader) -> Status:
    """Take the repository of the file for what a folder holds, whatever was cloned there."""
    reader.state.files.pop(in_folder((folder or ".",), ".git"), None)
    return SUCCESS


def _unset(name: str, reader: Reader) -> Status:
    reader.assign(name, pure((Var(name),)))
    return SUCCESS


class _Reader:
    def __init__(self, original: Original, folders: Folders) -> None:
        self.original = original
        self.folders = folders
        self.path = original.path
        self.jobs: list[Job] = []
        self.known: dict[str, Text] = {**_FACTS.variables}
        self.rest: list[tuple[Statement, str]] = []
        self.credentials: list[tuple[Statement, str]] = []
        self.used: set[str] = set()
        self.lines: dict[str, int] = {}
        self.changed: set[str] = set()
        self.files: dict[int, str] = {}
        self.questions = _Questions()
        self.bound = self.questions.bound
        self.earlier: list[Piece] = []
        self.secrets: dict[str, Secret] = {}
        self.homes: dict[int, int] = {}
        self.checkouts = {"checkout scm", "checkout(scm)", "checkout (scm)"}
        self.checkouts |= {*_CHECKED_OUT.findall(original.text)}
        self.names_of_logins = frozenset(_CALLED.findall(original.text))
        ours = {*_ASKED.findall(original.text)}
        self.ours = {name for name in ours if not is_read(name) and not owner_of_variable(name)}
        self.words = Counter(re.findall(r"\w+", original.text))
        self.asking = 0

    def outer(self, statements: list[Statement], around: _Around) -> None:
        """The statements around the stages, and the stages."""
        for statement in statements:
            if statement.name in _DECLARED:
                around = self._declared(statement, around)
            for parameter in statement.block if statement.name == "parameters" else ():
                around = self._parameter(parameter, around)
        shared = _share_a_daemon(statements)
        later = {id(one) for one in shared[1:]}
        last = max((at for at, one in enumerate(statements) if _builds(one)), default=0)
        push = max((at for at, one in enumerate(statements) if id(one) in later), default=0)
        scripts = any(one.name == "sh" and _builds(one) for one in statements)
        for at, (statement, test) in enumerate(self.questions.along(statements)):
            name = statement.name
            if name in {*_DECLARED, "parameters"} or id(statement) in later:
                continue
            if scripts and name == "sh" and not _builds(statement):
                continue  # the stage of the script that builds has it, too
            if shared and statement is shared[0]:
                first, *others = (one for one in shared if _builds(one))
                asked_by_all = Statement(first.line) if others else first
                self._stage(first, shared, replace(around, stage=asked_by_all))
                continue
            if name == "sh" and _builds(statement):
                self._stage(around.stage or statement, statements, around)
                return
            if not _builds(statement):
                when = "between the builds" if around.goes_on or at < last else "after the build"
                when = "between the build and its push" if at < push else when
                said = when if self.jobs else "before the build"
                self._leave(statement, said, around, test)
            elif name == "steps" or (name == "stage" and not _inner_stages(statement)):
                stage = statement if name == "stage" else around.stage or statement
                inner = statement.block
                if name == "stage" and any(one.name == "steps" for one in inner):
                    more = around.goes_on or at < last
                    self.outer(inner, replace(around, stage=statement, goes_on=more))
                else:
                    self._stage(stage, inner, around)
            else:
                if name == "node" and statement.texts:
                    self.rest.append((statement, f"{statement.shown} says where it runs"))
                inside = around if name in _HELD else self._wrapped(statement, around)
                inside = replace(inside, goes_on=around.goes_on or at < last)
                self.outer(statement.block, self._of_template(statement, inside))

    def _leave(self, statement: Statement, when: str, around: _Around, test: str) -> None:
        """A part that no spec says: each of its statements is one line of the report."""
        if statement.name == "stage":
            below = list(statement.below())
            where = [f" in {_shown(one)}" for one in below if one.name == "container" and one.texts]
            runs = [text for one in below if one.name == "sh" for text in one.texts]
            what = beginning(*(text.text() for text in runs))
            said = f"the stage {_shown(statement)} runs {when}{''.join(dict.fromkeys(where))}"
            ends = ", and the image is pushed whether or not that fails" * when.endswith("push")
            self.rest.append((statement, f"{said}{': ' * bool(what)}{what}{ends}"))
            for inner in below:
                self._checkout(inner)
        elif self._assigned(statement, around):
            return
        elif not test and any(one.name == "stage" for one in statement.block):
            for inner, asked in self.questions.along(statement.block):
                self._leave(inner, when, around, asked)
            return
        if around.asked and statement.name == "error":  # only where that was asked
            self._tell_parts(statement, "")
        else:
            head = None if statement.name == "stage" else ""
            self.earlier += self._setting(statement, test, around, head)

    def _tell_parts(self, statement: Statement, head: str | None) -> None:
        """Say that no spec has a statement, or those in its block; nothing without a ``head``."""
        if head is None:
            return
        named = _named(statement, head)
        for inner in statement.block:
            self._tell_parts(inner, f"{named}: ")
        known = self._checkout(statement) or statement.block or self.folders.owns(statement)
        if not known:
            self.rest.append((statement, f"{named} is Groovy that no spec says"))

    def tell(self) -> None:
        """Report what stands around the builds."""
        for job in self.jobs[:1]:
            for statement, said in self.rest:
                job.tell("groovy", statement.line, said)
            for statement, said in self.credentials:
                job.tell("groovy/credentials", statement.line, said)

    # -- what is declared ---------------------------------------------------------------------

    def _declared(self, statement: Statement, around: _Around) -> _Around:
        if statement.name == "when":
            return replace(around, asked=(*around.asked, statement))
        if statement.name == "environment":
            return self._environment(statement, around)
        for inner in statement.below():
            if inner.name in {"yaml", "yamlFile", "image", "defaultContainer"}:
                around = self._agent(inner, around)
            elif not inner.block and inner is not statement:
                self.rest.append((inner, f"agent: {inner.name} is Groovy that no spec says"))
        return around

    def _of_template(self, statement: Statement, around: _Around) -> _Around:
        """What ``podTemplate(...)`` says, as YAML or as Groovy."""
        if statement.name != "podTemplate":
            return around
        pod, rest = template_of(statement)
        for line, said in rest:
            self.rest.append((Statement(line), f"{said} is Groovy that no spec says"))
        if text := statement.given("yaml"):
            return self._with_pod(around, text.source, text.line)
        return replace(around, pod=pod) if pod else around

    def _agent(self, statement: Statement, around: _Around) -> _Around:
        text = statement.given()
        if text is None:
            self.rest.append((statement, f"agent: {statement.shown} is Groovy that no spec says"))
            return around
        if statement.name == "yaml":
            return self._with_pod(around, text.text(), text.line)
        if statement.name == "yamlFile":
            name = text.text()
            found = self.original.find(name)
            if found is not None:
                self.files[len(self.files) + 1] = found.path
                return self._with_pod(around, found.text, len(self.files) * FILE_LINES + 1)
            said = f"yamlFile {name} is not there: name it on the command line, too"
            self.rest.append((statement, said))
        elif statement.name == "defaultContainer":
            return replace(around, container=text.text())
        elif statement.name == "image":
            container = Map(statement.line, {"image": text.text()})
            root = Map(statement.line, {"spec": Map(items={"containers": [container]})})
            return replace(around, pod=Pod(root))
        return around

    def _with_pod(self, around: _Around, text: str, line: int) -> _Around:
        number, first = divmod(line, FILE_LINES)
        path = self.files.get(number, self.path)
        for root in read_yaml(text, path, line - 1).roots:
            if isinstance(root, Map) and "spec" in root:
                return replace(around, pod=Pod(root))
        self.rest.append((Statement(first), f"agent: {path}:{first} holds no Pod"))
        return around

    def _environment(self, statement: Statement, around: _Around) -> _Around:
        environment, secrets = dict(around.environment), dict(around.secrets)
        for inner in statement.block:
            name = inner.name
            called, found = inner.given(), ASSIGNED.match(inner.code)
            so_far = replace(around, environment=environment)
            if called and re.search(r"=\s*credentials\b", inner.code):
                self.credentials.append((inner, f"{name} are the credentials {called.text()}"))
                secrets |= {f"{name}{end}": Secret(f"{name}{end}") for end in ("", "_USR", "_PSW")}
            elif called and found and _value(found) == MARK:
                environment[name] = self._text(called, so_far)
                self.lines[name] = inner.line
            else:
                self.earlier += self._setting(inner, "", so_far, "environment: ")
        return replace(around, environment=environment, secrets=secrets)

    def _parameter(self, statement: Statement, around: _Around) -> _Around:
        """A parameter has its default; of a password the spec has no more than the name."""
        called = statement.given("name")
        if called is None:
            self._tell_parts(statement, "parameters: ")
            return around
        name = called.text()
        if statement.name == "password":
            revoke = "; revoke the default, which everybody can read" * bool(default(statement))
            self.credentials.append(
                (statement, f"the parameter {name}: the spec has a secret{revoke}")
            )
            return replace(around, secrets={**around.secrets, name: Secret(name)})
        self.rest.append((statement, f"the parameter {statement.shown}: the spec has the default"))
        if value := default(statement):
            self.known[name] = (value,)
        return around

    def _assigned(self, statement: Statement, around: _Around) -> bool:
        """A variable with a text of its own."""
        found = ASSIGNED.match(statement.code)
        if found is None or _value(found) != MARK or found[1] in self.bound:
            return False
        text = self._text(statement.texts[0], around)
        before = self.known.get(found[1], text)
        again = before != text and None in {literal(before), literal(text)}
        if again or self.bound & {part.name for part in text if isinstance(part, Var)}:
            return False  # each script has what was set last before it
        self.known[found[1]] = text
        return True

    def _bound(self, statement: Statement, around: _Around, head: str | None) -> Iterator[Piece]:
        """What sets a variable of Groovy in a run, as a part of the script that follows."""
        found = ASSIGNED.match(statement.code)
        if found is None or self.words[found[1]] < 2:
            return
        name, line, code = found[1], statement.line, _value(found)
        one = _TERNARY.fullmatch(code)
        if script := _printed(code, statement):
            yield Piece(f"{name}=$(", line)
            yield Piece(script.text(lambda one: self._hole(one, around)), script.line)
            yield Piece(")", line)
        elif one and one[1].count(MARK) + 2 == len(statement.texts):
            asks = Statement(line, f"if ({one[1]})", statement.texts[:-2])
            then, other = (self._joined(MARK, [text], around) for text in statement.texts[-2:])
            test, _ = self.questions.asked(asks, ":")
            yield Piece(f"if {test}; then {name}={then}; else {name}={other}; fi", line)
        elif (time := _TIME.fullmatch(code)) and time[1] == MARK:
            yield Piece(f"{name}=$({printed_time(statement.texts[0].text()).command})", line)
        elif value := self._joined(code, statement.texts, around):
            yield Piece(f"{name}={value}", line)
        else:
            yield Piece(self.questions.add(partial(_unset, name)), line)
            self._tell_parts(statement, head)
        self.bound.add(name)

    def _joined(self, code: str, texts: list[Quoted], around: _Around) -> str:
        """Texts and variables with ``+`` between them as a word of the shell, if they are all."""
        terms = [term.strip() for term in code.split("+")]
        if terms.count(MARK) != len(texts) or not all(map(_TERM.fullmatch, terms)):
            return ""
        left = iter(texts)
        return "".join(
            "".join(map(self._quoted, self._text(next(left), around))) or "''"
            if term == MARK
            else f'"{self._hole(term, around)}"'
            for term in terms
        )

    def _quoted(self, part: Part) -> str:
        """A part of a text as a word of the shell."""
        if isinstance(part, Var):
            return f'"{self._part(part)}"'
        return shlex.quote(spell((part,)))

    def _part(self, part: Part) -> str:
        """A part of a text where Groovy puts it into a script."""
        if isinstance(part, str):
            return part
        name = spell((part,)).replace("[", "(").replace("]", ")")  # no sign of a hole
        self.known[name] = (part,)
        return hole(part.name if isinstance(part, Var) and part.name in self.bound else name)

    def _setting(
        self, statement: Statement, test: str, around: _Around, head: str | None
    ) -> Iterator[Piece]:
        """What a statement that builds nothing sets, and what Groovy asks before it does.

        All else of it is told, after a ``head``.
        """
        line, inside = statement.line, None if head is None else f"{_named(statement, head)}: "
        stays = any(one.name == "when" for one in statement.block)
        if statement.block and (test or (statement.name in {*_HELD, *_PLAIN} and not stays)):
            held = statement.name == "withCredentials" and _clones(statement)
            if held or statement.name == "dir":
                around = self._wrapped(statement, around)
            inner = [
                piece
                for one, asked in self.questions.along(statement.block)
                for piece in self._setting(one, asked, around, inside)
            ]
            if inner and test:
                inner = [Piece(f"if {test}; then", line), *inner, Piece("fi", line)]
            yield from inner
        elif statement.has_block:
            yield from self._forget(statement)
            self._tell_parts(statement, head)
        elif statement.name == "sh" and _clones(statement):
            self.secrets |= around.secrets
            pieces = self._script(statement, around)
            self.homes |= {piece.line: self.folders.home(statement) for piece in pieces}
            yield from pieces
        elif self.folders.owns(statement):
            self.homes[line] = self.folders.home(statement)
            yield Piece(self.questions.add(partial(_checked_out, around.folder)), line)
            self._tell_parts(statement, head)
        elif statement.name == "writeFile" and (script := self._written(statement, around)):
            yield script
        elif end := {"error": "exit 1", "leave": "exit 0"}.get(statement.name):
            yield Piece(end, statement.line)
        else:
            found = [*self._bound(statement, around, head)]
            yield from found
            if not found:
                self._tell_parts(statement, head)

    def _written(self, statement: Statement, around: _Around) -> Piece | None:
        """What writes a file, as a script."""
        words: dict[str, str] = {}
        texts = iter(statement.texts)
        for name, value in _NAMED.findall(statement.code):
            given = [next(texts) for _ in range(value.count(MARK))]
            words[name] = self._joined(value.strip(" ,)"), given, around)
        if not (words.get("file") and words.get("text")):
            return None
        into = f"cd {around.folder} && " * bool(around.folder)
        return Piece(f"({into}printf > {words['file']} %s {words['text']})", statement.line)

    def _forget(self, statement: Statement) -> Iterator[Piece]:
        """Variables that a block sets which may not run: only a run knows them."""
        found = [ASSIGNED.match(inner.code) for inner in statement.below()]
        for name in dict.fromkeys(one[1] for one in found if one and self.words[one[1]] > 1):
            self.bound.add(name)
            yield Piece(self.questions.add(partial(_unset, name)), statement.line)

    # -- steps --------------------------------------------------------------------------------

    def _stage(self, stage: Statement, statements: list[Statement], around: _Around) -> None:
        name = _shown(stage) if stage.name == "stage" else ""
        job = Job(_FACTS, name, self.original, stage.line)
        job.files = self.files
        job.names_of_logins = self.names_of_logins
        pieces: _Pieces = []
        self._steps(job, statements, around, pieces)
        may_build = self.original.may_build
        building = (
            inside
            for rows, inside in pieces
            if any(may_build(row.text.replace("/kaniko/warmer", "")) for row in rows)
        )
        built = next(building, around)
        job.environment |= {**self.known, **around.environment}
        own = (name for name in around.environment if name not in self.ours)
        job.exported |= {name: self.lines[name] for name in own}
        job.secrets |= self.secrets
        for _, inside in pieces:
            job.secrets |= inside.secrets
        if built.pod:
            read_pod(job, built.pod, built.container)
        below = (inner for one in statements for inner in one.below() if inner.name == "sh")
        home = next((self.folders.home(one) for one in below if _builds(one)), 0)
        earlier = [one for one in self.earlier if self.homes.get(one.line, home) == home]
        script = [*earlier, *(piece for listed, _ in pieces for piece in listed)]
        job.calls = read_pieces(job, script, self.questions.host).calls
        take_read(job)
        if built.asked:
            with bounded(job):
                paths, asked = changed_paths(built.asked)
                conditions, guarded = asked_guard(asked, job.report.asking)
                if paths or guarded != YES:
                    set_triggers(job, conditions, guarded, job.line, paths=paths)
        if job.calls:
            self.jobs.append(job)
            if job.started == Started():
                job.report.tell("unsaid-trigger", job.path, 0)

    def _steps(
        self, job: Job, statements: list[Statement], around: _Around, pieces: _Pieces
    ) -> None:
        for statement, test in self.questions.along(statements):
            name = statement.name
            if name == "sh" and statement.texts:
                job.cloned |= self.folders.root(statement) if _builds(statement) else {}
                pieces.append((self._script(statement, around), around))
            elif test and (_builds(statement) or _serves(statement)):
                pieces.append(([Piece(f"if {test}; then", statement.line)], around))
                self.asking += 1
                self._steps(job, statement.block, around, pieces)
                self.asking -= 1
                pieces.append(([Piece("fi", statement.line)], around))
            elif name == "stage" and around.stage is not None:
                self._shared_stage(job, statement, around, pieces)
            elif statement.has_block and name in _HELD:
                self._steps(job, statement.block, around, pieces)
            elif statement.has_block and (_builds(statement) or _serves(statement)):
                self._steps(job, statement.block, self._wrapped(statement, around), pieces)
            elif self.asking or not self._assigned(statement, around):
                pieces.append(([*self._setting(statement, test, around, "")], around))

    def _shared_stage(
        self, job: Job, statement: Statement, around: _Around, pieces: _Pieces
    ) -> None:
        """A stage that shares the daemon with the one that builds, asked for what it asks."""
        inside, asked = around, []
        for inner in statement.block:
            if inner.name == "when" and statement is not around.stage:
                asked.append(inner)
            elif inner.name in _DECLARED:
                inside = self._declared(inner, inside)
        own = inside.environment.items() - around.environment.items()
        inside = replace(inside, held={**around.held, **dict(own)})
        if asked:
            test = " && ".join(self.questions.add(partial(_asked, one)) for one in asked)
            pieces.append(([Piece(f"if {test}; then", statement.line)], inside))
        self.asking += bool(asked)
        rest = [inner for inner in statement.block if inner.name not in _DECLARED]
        self._steps(job, rest, inside, pieces)
        self.asking -= bool(asked)
        if asked:
            pieces.append(([Piece("fi", statement.line)], inside))

    def _script(self, statement: Statement, around: _Around) -> list[Piece]:
        text = statement.given("script") or statement.texts[0]
        body = text.text(lambda expression: self._hole(expression, around))
        stripped = body.lstrip("\n")
        line = text.line + len(body) - len(stripped)
        heads = [self.questions.add(partial(_held, around.held))] if around.held else []
        heads += [f"cd {around.folder}"] if around.folder else []
        heads += ["set +e"] if stripped.startswith("#!") and not stops(stripped) else []
        end = ") || :" if re.search(r"returnStatus\s*:\s*true", statement.code) else ")"
        return [Piece(row, line) for row in ("(", *heads, stripped, end)]

    def _wrapped(self, statement: Statement, around: _Around) -> _Around:
        """What a step says for those in its block."""
        name = statement.name
        given = self._argument(statement, around) if name in {"container", "dir", "ws"} else ()
        if name == "container" and (called := literal(given)):
            return replace(around, container=called)
        inside = given[:1] == (Var("WORKSPACE"),)
        if given and (name == "dir" or (name == "ws" and inside)):
            word = "".join(map(self._quoted, given))
            return replace(
                around, folder="/".join(filter(None, ("" if inside else around.folder, word)))
            )
        if name == "withEnv":
            environment = {}
            for quoted in statement.texts:
                head, *value = split_text(self._text(quoted, around), "=", 1)
                if "+" in (key := spell(head)):
                    self.rest.append((statement, f"withEnv: {key} is no variable of its own"))
                elif value:
                    environment[key] = self._resolved(value[0], around)
            return replace(around, held={**around.held, **environment})
        if name == "withCredentials":
            return self._credentials(statement, around)
        if name in {"if", "else"}:
            return replace(around, asked=(*around.asked, statement))
        self.rest.append((replace(statement, block=[]), f"{name} is Groovy that no spec says"))
        if _ALWAYS.match(name):
            return around
        code = re.sub(r"\s*\bdef\s+(.*\S)\s*", r"\1 is called", statement.code)
        return replace(around, asked=(*around.asked, replace(statement, code=code, block=[])))

    def _argument(self, statement: Statement, around: _Around) -> Text:
        """The folder or container that a step names, by a text or by a variable."""
        if text := statement.given() or statement.given("name") or statement.given("path"):
            return self._text(text, around)
        named = BY_NAME.fullmatch(statement.code)
        return self._of(Var(self._name(named[1], around)), around) if named else ()

    def _credentials(self, statement: Statement, around: _Around) -> _Around:
        secrets = dict(around.secrets)
        given = re.finditer(r"\b(\w+)\s*:\s*\x01|\x01", statement.code)
        by_name = _CALLED.search(statement.code)
        called = (literal(self._of(Var(by_name[1]), around)) or by_name[1]) if by_name else ""
        for found, text in zip(given, statement.texts, strict=False):
            whole = self._text(text, around)
            if found[1] == "credentialsId":
                called = literal(whole) or text.text()
            elif (found[1] or "").lower().endswith("variable"):
                secrets[text.text()] = Secret(text.text())
                said = f"{text.text()} is of the credentials {called}"
                self.credentials.append((replace(statement, line=text.line), said))
        if called and "gitUsernamePassword" in statement.code:
            secrets[called] = Secret(called)
            held = {**around.held, "GIT_PASSWORD": (Var(called),)}
            around = replace(around, held=held)
        return replace(around, secrets=secrets)

    def _checkout(self, statement: Statement) -> bool:
        """Whether a step puts another repository into the place of this one."""
        if said := self.folders.enter(statement):
            shown = ", ".join(text.text() for text in statement.texts)
            shown = shown or statement.shown.partition(" ")[2]
            self.rest.append((statement, f"{statement.name} {shown} {said}"))
        return bool(said)

    # -- values -------------------------------------------------------------------------------

    def _text(self, quoted: Quoted, around: _Around) -> Text:
        """A text of Groovy with holes."""
        values: list[Text] = []

        def slot(expression: str) -> str:
            name = self._name(expression, around)
            values.append(self._of(Var(name), around))
            return _SLOT.pattern

        text = quoted.text(slot)
        return filled_in(_SLOT, text, lambda _: values.pop(0))

    def _resolved(self, text: Text, around: _Around) -> Text:
        """A text in which what Jenkins itself replaces has the values that it has here."""
        parts = (references(part) if isinstance(part, str) else (part,) for part in text)
        return join(
            inner
            for part in (part for found in parts for part in found)
            for inner in (self._of(part, around) if isinstance(part, Var) else (part,))
        )

    def _known(self, name: str, around: _Around) -> Text | None:
        """What a name stands for here, where no run decides it."""
        for given in (around.held, around.environment, self.known):
            if name in given and name not in self.bound:
                return given[name]
        return None

    def _of(self, var: Var, around: _Around) -> Text:
        found = self._known(var.name, around)
        return (var,) if found is None else found

    def _name(self, expression: str, around: _Around) -> str:
        """The name of a value of Groovy; the beginning of a text that is known has one, too."""
        holder, _, asked = expression.rpartition(".")
        if asked == "GIT_COMMIT" and holder in self.checkouts:
            expression = asked
        name = _variable(expression)
        if made := changed(expression, lambda written: self._whole(written, around)):
            self.changed.add(expression)
            self.known[name] = made
        elif time := _TIME.fullmatch(expression):
            self.known[name] = (printed_time(time[1].strip("'\"")),)
        elif not expression.endswith(name):
            self.known[name] = (Var(expression),)  # the report shows what is written
        self.used.add(name)
        return name

    def _whole(self, written: str, around: _Around) -> Text | None:
        """What a variable is before methods change it; so many of a file are followed."""
        self.used.add(name := _variable(written))
        lost = name in self.bound or len(self.changed) >= _MAX_CHANGED
        return None if lost else self._of(Var(name), around)

    def _hole(self, expression: str, around: _Around) -> str:
        name = self._name(expression, around)
        if name in around.held and name not in self.bound:
            return "".join(map(self._part, around.held[name]))
        return literal(self._known(name, around) or ()) or hole(name)


def _named(statement: Statement, head: str) -> str:
    """A statement in the report, after what it stands in."""
    if head.startswith(("options: ", "triggers: ")) or statement.name == "docker.image":
        return f"{head}{statement.shown}"
    declared = re.match(r"\s*((?:def|String|final)\s+\w+)", statement.code)
    own = declared[1] if declared else statement.name
    return f"{head}{own or statement.code.strip().replace(MARK, '...')}"


def _value(assigned: re.Match[str]) -> str:
    return " ".join(assigned.string[assigned.end() :].split())


def _printed(code: str, statement: Statement) -> Quoted | None:
    """The script that makes a value, where that is what it prints."""
    found = re.fullmatch(r"(?:this\.|steps\.)?sh\b(.*?)(?:\.trim\(\))?", code, re.DOTALL)
    if found is None or not re.search(r"returnStdout\s*:\s*true", found[1]):
        return None
    return statement.given("script")


def _inner_stages(statement: Statement) -> bool:
    return any(inner.name == "stage" and _builds(inner) for inner in statement.block) or any(
        inner.name in {"stages", "parallel", "matrix"} for inner in statement.block
    )


def _shown(statement: Statement) -> str:
    text = statement.given() or statement.given("name")
    return text.text() if text else statement.name


def _variable(expression: str) -> str:
    """The name of a value of Groovy, as the shell has it where it does."""
    name = re.sub(r"^(?:env|params)\.", "", expression)
    return name if re.fullmatch(r"[A-Za-z_][\w.]*", name) else re.sub(r"[^\w.]+", "_", expression)
