"""An abstract interpreter of shell: from a script to the executor calls in it, running nothing.

docs/architecture.md has examples. ``read`` walks shfmt's syntax tree once. Variables are texts with
holes, both sides of a branch are followed, and where they meet again a value remembers which text
it has under which condition.
So each call is found once, with words that tell when they are there, and not once per path.

The interface is ``read``, its errors and the classes of ``calls``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Script, Text, Var, literal, spell, split_text
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.commands.builtins import BUILTINS, exported, one_of
from ci_kaniko.importing.shell.commands.dispatch import dispatch
from ci_kaniko.importing.shell.files import NOWHERE, read_file, write_file
from ci_kaniko.importing.shell.guards import YES, Budget, TooComplexError
from ci_kaniko.importing.shell.parsing import NoProgramError, ShellError, Tree, parse, stops
from ci_kaniko.importing.shell.places import MAX_DEPTH, Places
from ci_kaniko.importing.shell.reader import FAILURE, NOTHING, SUCCESS, Given, Status
from ci_kaniko.importing.shell.results import script
from ci_kaniko.importing.shell.tests import like, test_clause, test_values, within_segments
from ci_kaniko.importing.shell.uses import IGNORED, file_thing, shown
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, plain, printed, pure, stripped
from ci_kaniko.importing.shell.words import (
    element,
    fields,
    keys_of,
    look_at_names,
    pattern,
    source,
    text_of_parts,
    value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["Given", "NoProgramError", "ShellError", "read"]

_NO_WORD: Tree = {"Parts": [], "Pos": {"Line": 1}}
_MAX_ROUNDS = 200
_ONE_WORD = {
    *("commit.sha", "commit.short", "ref.name", "ref.slug", "default_branch", "repository.name"),
    *("build.id", "build.number"),
}
_MAYBE_A_WORD = {"branch", "tag", "pull_request.number"}
"""What a platform tells is no list of words; this is empty in some runs."""
_GLOB = re.compile(r"[*?\[]")


def _asks(name: str, text: str) -> bool:
    """Whether a script of ours asks servers with a function: that is followed no more than curl."""
    if not text.startswith(f"{name}() (\n"):
        return False
    from ci_kaniko.shell.functions import BODIES

    return text in BODIES


def read(text: str, given: Given = NOTHING, budget: Budget | None = None) -> Script:
    """Read a script with what is given; without a budget it has its own. Raises ShellError."""
    budget = budget or Budget()
    if not budget.parse(text):
        raise ShellError(
            "the script, with those before it, is longer than can be followed",
            given.first_line,
            "write the destinations into the spec by hand",
        )
    parsed = parse(text, given.first_line)
    undecided = given.first_line if budget.low else 0
    while True:
        shell = _Shell(given, budget, undecided)
        shell.holes = [_expression(hole, given) for hole in parsed.holes]
        for note in parsed.notes:
            shell.notes.setdefault(note)
        shell.state.goes_on &= not stops(text)
        if re.match(r"#!.*sh -[a-z]*x", text):
            shell.note("trace-shows-secrets", text.partition("\n")[0])
        if undecided:
            shell.note("too-many-conditions", line=undecided)
        try:
            shell.run_all(parsed)
            return script(shell)
        except (RecursionError, TooComplexError) as error:
            if budget.low:
                deep = isinstance(error, RecursionError)
                raise ShellError(
                    "the script is nested too deeply"
                    if deep
                    else "the script does more than can be followed",
                    shell.line,
                    "write the destinations into the spec by hand",
                ) from None
            budget.lower()
            undecided = shell.line


class _Shell(Places):
    # -- statements -------------------------------------------------------------------------------

    def continued(self, statements: list[Tree]) -> Iterator[Tree]:
        """Statements, with lines that begin with a flag put back where they belong."""
        held: Tree | None = None
        for statement in statements:
            command = statement.get("Cmd") or {}
            words = command.get("Args") or []
            lost = (
                held is not None
                and command.get("Type") == "CallExpr"
                and not command.get("Assigns")
                and words
                and _first_literal(words[0]).startswith("--")
            )
            if not lost:
                if held is not None:
                    yield held
                held = statement
                continue
            assert held is not None, "a flag was found behind a command"
            self.note("broken-continuation", _first_literal(words[0]), line=self.at(statement))
            before = held["Cmd"]
            held = {**held, "Cmd": {**before, "Args": [*before.get("Args", []), *words]}}
            redirections = [*(held.get("Redirs") or []), *(statement.get("Redirs") or [])]
            held["Redirs"] = redirections
        if held is not None:
            yield held

    def statement(self, node: Tree, before: str = "") -> Status:
        """A command with its redirections; ``before`` is the program whose output it reads."""
        line = self.at(node)
        self.guards.budget.spend(80)
        kept, self.text = self.text, f"{before}{self._spelled(node)}"
        outer, self.answered = self.answered, self.answered or bool(node.get("Negated"))
        if node.get("Redirs"):
            with self.uses.looking():
                status = self._with_redirections(node, line)
        else:
            status = self._command(node["Cmd"]) if node.get("Cmd") else SUCCESS
        self.text, self.answered = kept, outer
        if node.get("Negated"):
            negate = self.guards.negate
            status = Status(negate(status.guard), negate(status.guard))
        return status

    def _spelled(self, node: Tree) -> str:
        """A command as it stands in the script."""
        return shown(spell(self.source(self._written(node))))

    def _written(self, node: Tree) -> str:
        cut = self.text_read[node["Pos"]["Offset"] : node["End"]["Offset"]]
        return cut.decode("utf-8", "replace")

    def _with_redirections(self, node: Tree, line: int) -> Status:
        command = node.get("Cmd")
        redirections = node.get("Redirs") or []
        kept_input = self.stdin
        targets: list[tuple[Value, bool]] = []
        silent = False
        for redirection in redirections:
            silent |= self._redirected(redirection, targets)
        self.line = line
        caught = bool(targets) or silent
        kept_output, captures = self.state.output, self.captures
        if caught:
            into = [literal(text) for path, _ in targets for _, text in path]
            self.state.output = EMPTY
            self.captures = 0 if {*into} <= {*NOWHERE} else captures + 1
        status = self._command(command) if command else SUCCESS
        self.captures = captures
        if caught:
            made, self.state.output = self.state.output, kept_output
            for path, append in targets:
                self._write(path, made, append=append)
        self.stdin = kept_input
        return status

    def _write(self, path: Value, text: Value, *, append: bool) -> None:
        """Write to a file whose name may depend on conditions."""
        before = self.state.path
        for guard, to in path:
            self.state.path = self.guards.both(before, guard)
            if self.alive:
                write_file(self, to, text, append=append)
        self.state.path = before

    def _redirected(self, node: Tree, targets: list[tuple[Value, bool]]) -> bool:
        """One redirection; whether it only takes the output away."""
        operator = node["Op"]
        number = (node.get("N") or {}).get("Value", "")
        if operator in ("<<", "<<-"):
            parts = (node.get("Hdoc") or {}).get("Parts") or []
            quoted = any(part["Type"] != "Lit" for part in node["Word"]["Parts"])
            self.stdin = self._document(parts, quoted=quoted, tabs=operator == "<<-")
        elif operator == "<<<":
            self.stdin = self.values.concat([value(self, node["Word"]), plain("\n")])
        elif operator == "<" and node["Word"]["Parts"][0]["Type"] == "ProcSubst":
            self.stdin = self.capture(node["Word"]["Parts"][0].get("Stmts") or [])
        elif operator == "<":
            path = value(self, node["Word"])
            self.stdin = self.each(path, lambda to: read_file(self, to))
        elif operator in (">", ">>", ">|", "&>", "&>>") and number in ("", "1"):
            targets.append((value(self, node["Word"]), operator.endswith(">>")))
        elif operator in (">", ">>") and source(self, node["Word"]) not in NOWHERE:
            self.made(file_thing(source(self, node["Word"]) or ""))
        elif operator == ">&" and number in ("", "1"):
            return source(self, node["Word"]) == "2"
        return False

    def _document(self, parts: list[Tree], *, quoted: bool, tabs: bool) -> Value:
        """The text of a here-document."""
        if quoted:
            text = "".join(part.get("Value", "") for part in parts)
            text = re.sub(r"(?m)^\t+", "", text) if tabs else text
            return self.filled(self.source(text))
        if tabs:
            parts = [
                {**part, "Value": re.sub(r"(?m)(^|\n)\t+", r"\1", part["Value"])}
                if part["Type"] == "Lit"
                else part
                for part in parts
            ]
        return text_of_parts(self, parts)

    def _command(self, node: Tree) -> Status:
        run = getattr(self, f"_run_{node['Type']}", None)
        if run is None:
            self.note("not-understood", node["Type"], "write it in a simpler way")
            return SUCCESS
        status: Status = run(node)
        return status

    # -- compound commands ------------------------------------------------------------------------

    def _run_Block(self, node: Tree) -> Status:  # noqa: N802
        return self.run(node.get("Stmts") or [])

    def _run_Subshell(self, node: Tree) -> Status:  # noqa: N802
        before = self.state.path, self.failed, self._stopped
        status = self.inner_shell(lambda: self.run(node.get("Stmts") or []))
        if not self.answered:
            return status
        ended, both = self.state.path, self.guards.both
        self.state.path, self.failed, self._stopped = before
        return Status(both(status.guard, ended), both(status.hoped, ended))

    def _run_TimeClause(self, node: Tree) -> Status:  # noqa: N802
        return self.run([node["Stmt"]] if "Stmt" in node else [])

    def _run_FuncDecl(self, node: Tree) -> Status:  # noqa: N802
        name = node["Name"]["Value"]
        if not _asks(name, self._written(node)):
            self.state.functions[name] = node["Body"], self.still
        return SUCCESS

    def _run_TestClause(self, node: Tree) -> Status:  # noqa: N802
        return self.answer(test_clause(self, node["X"]))

    def _run_ArithmCmd(self, node: Tree) -> Status:  # noqa: N802
        look_at_names(self, node)
        self._compute(node)
        guard = self.conditions.unknown(self._spelled(node), self.line)
        return Status(guard, guard)

    def _compute(self, node: Tree) -> None:
        """What an expression sets only a run knows."""
        for found in _COMPUTED.finditer(self._written(node)):
            self.state.variables[found[1] or found[2]] = pure((Output(f"(({found[0]}))"),))

    def _run_BinaryCmd(self, node: Tree) -> Status:  # noqa: N802
        if node["Op"] in ("|", "|&"):
            return self._piped(node)
        asks = _only_sets(node["Y"]) and not _only_acts(node["X"])
        before = self.state.output
        with self.answering(is_question=asks):
            first = self.statement(node["X"])
        both, either = self.guards.both, self.guards.either
        if node["Op"] == "&&":
            where = first.guard if asks else first.hoped
            second = self.branch(where, lambda: self.statement(node["Y"]), lambda: FAILURE)
            return Status(both(first.guard, second.guard), both(first.hoped, second.hoped))
        alone = (node["X"].get("Cmd") or {}).get("Type") == "CallExpr"

        def other() -> Status:
            if alone:  # what fails has printed nothing
                self.state.output = before
            return self.statement(node["Y"])

        second = self.branch(first.guard, lambda: SUCCESS, other)
        return Status(either(first.guard, second.guard), either(first.hoped, second.hoped))

    def _piped(self, node: Tree) -> Status:
        given = self.capture([node["X"]])
        kept, self.stdin = self.stdin, given
        before = f"{self._spelled(node['X'])} | " if printed(given) else ""
        status = self.inner_shell(lambda: self.statement(node["Y"], before))
        self.stdin = kept
        return status

    def _run_IfClause(self, node: Tree) -> Status:  # noqa: N802
        if not node.get("Cond"):
            return self.run(node.get("Then") or [])
        with self.answering(is_question=True):
            guard = self.run(node["Cond"]).guard
        other = node.get("Else")
        return self.branch(
            guard,
            lambda: self.run(node.get("Then") or []),
            lambda: self._run_IfClause(other) if other else SUCCESS,
        )

    def _run_CaseClause(self, node: Tree) -> Status:  # noqa: N802
        word = value(self, node["Word"])
        arms = node.get("Items") or []
        if len(arms) == 2 and not arms[0].get("Stmts"):
            guard = within_segments(self, word, arms[0], arms[1])
            if guard is not None:
                return self.branch(guard, partial(self._run_arms, arms[1:]), lambda: SUCCESS)
        ways: list[tuple[int, Callable[[], Status]]] = []
        for at, arm in enumerate(arms):
            wanted = (pattern(self, one) for one in arm.get("Patterns") or [])
            guard = self.guards.any(like(self, word, one) for one in wanted)
            last = next((n for n, one in enumerate(arms[at:], at) if one["Op"] != ";&"), at)
            ways.append((guard, partial(self._run_arms, arms[at : last + 1])))
        return self.ways([*ways, (YES, lambda: SUCCESS)])

    def _run_arms(self, arms: list[Tree]) -> Status:
        return self.run([each for arm in arms for each in arm.get("Stmts") or []])

    def _run_ForClause(self, node: Tree) -> Status:  # noqa: N802
        loop, body = node["Loop"], node.get("Do") or []
        if loop["Type"] != "WordIter":
            self._compute(loop)
            with self.framed("break"):
                self._round(body, YES)
            return SUCCESS
        name = loop["Name"]["Value"]
        with self.uses.looking():
            items = self._loop_items(loop)
            self.made(f"${name}")
        with self.framed("break"):
            for item in items[:_MAX_ROUNDS]:
                self._round(body, item.guard, name, item.text)
        return SUCCESS

    def _loop_items(self, loop: Tree) -> list[Item]:
        if not loop.get("InPos"):
            self.uses.look("$@")
            return list(self.state.items)
        found: list[Item] = []
        for word in loop.get("Items") or []:
            files = any(
                part["Type"] == "Lit" and _GLOB.search(part.get("Value", ""))
                for part in word["Parts"]
            )
            for item in fields(self, word):
                hole = item.text[0] if len(item.text) == 1 else None
                known = "" if getattr(hole, "changes", ()) or files else meaning(hole or "")
                if item.split and known in _MAYBE_A_WORD:
                    there = self.conditions.filled(item.text, self.line)
                    item = item._replace(guard=self.guards.both(item.guard, there))  # noqa: PLW2901
                elif known in _ONE_WORD:
                    pass
                elif files or (item.split and isinstance(hole, Var | Output)):
                    self.note("unknown-list", spell(item.text))
                    listed = (Output(f"ls {spell(item.text)}"),) if files else item.text
                    item = item._replace(text=one_of(listed))  # noqa: PLW2901
                found.append(item)
        return found

    def _round(self, body: list[Tree], guard: int, name: str = "", text: Text = ()) -> None:

        def run() -> Status:
            if name:
                self.assign(name, pure(text))
            with self.framed("continue"):
                return self.run(body)

        self.branch(guard, run, lambda: SUCCESS)

    def _run_WhileClause(self, node: Tree) -> Status:  # noqa: N802
        """A loop is read as if it ran once, or once for each line that it reads."""
        kept_input, repeats, line = self.stdin, self.repeats, self.line
        reads = _first_command(node) == "read"
        with self.framed("break"):
            for there, given in [*self._lines()] if reads else [(YES, self.stdin)]:
                self.stdin, self.repeats = given, True
                with self.answering(is_question=False):
                    guard = self.run(node.get("Cond") or []).guard
                self.repeats = repeats
                if not reads:
                    self.made(f"loop {line}")
                guard = self.guards.negate(guard) if node.get("Until") else guard
                self._round(node.get("Do") or [], self.guards.both(there, guard))
        self.stdin = kept_input
        return SUCCESS

    def _lines(self) -> Iterator[tuple[int, Value | None]]:
        """The lines of the standard input, and where each is read."""
        if self.stdin is None:
            yield YES, None
        for guard, text in self.stdin or ():
            lines = split_text(stripped(text), "\n")
            yield from ((guard, pure(line)) for line in lines[:_MAX_ROUNDS])

    # -- simple commands --------------------------------------------------------------------------

    def _run_DeclClause(self, node: Tree) -> Status:  # noqa: N802
        variant, by_name = node["Variant"]["Value"], False
        for argument in node.get("Args") or []:
            if not argument.get("Name"):
                words = fields(self, argument.get("Value") or _NO_WORD)
                texts = [literal(each.text) or "" for each in words]
                given = [text for text in texts if text.startswith("-")]
                by_name |= any("n" in each for each in given)
                BUILTINS["export"](self, words[len(given) :])
                continue
            name = argument["Name"]["Value"]
            self.text = f"{variant} {self._spelled(argument)}"
            if variant == "local":
                self._keep(name)
            if by_name and argument.get("Value"):
                named = value(self, argument["Value"])
                self.assign(name, self.each(named, lambda text: self.value(literal(text) or "")))
            elif not argument.get("Naked"):
                with self.uses.looking() as looking:
                    self._assign(argument)
                    looking.made = True
            if variant == "export":
                exported(self, name)
        return SUCCESS

    def _keep(self, name: str) -> None:
        """A local variable gets its old value back when its function ends."""
        for frame in reversed(self.frames):
            if frame.kind == "function":
                frame.kept.setdefault(name, self.state.variables.get(name))
                break

    def _assign(self, node: Tree) -> None:
        name = node["Name"]["Value"]
        if node.get("Array") is not None:
            elements = node["Array"].get("Elems") or []
            items = [
                item
                for one in elements
                if one.get("Value") and not one.get("Index")
                for item in fields(self, one["Value"])
            ]
            before = self.state.arrays.get(name, []) if node.get("Append") else []
            if self.dialect != "bash":
                self.note("bash-only", f"{name}=()")
            if not node.get("Append"):
                self.state.arrays.pop(keys_of(name), None)
            self.assign_list(name, [*before, *items])
            for one in elements:
                if one.get("Index"):
                    self._assign({**one, "Name": node["Name"]})
            return
        found = value(self, node.get("Value"))
        if node.get("Index"):
            array = name
            key, name = element(self, array, node["Index"])
            held = [one for one in self.state.arrays.get(keys_of(array), ()) if one.text != key]
            self.state.arrays[keys_of(array)] = [*held, Item(YES, key, split=False)]
            self.state.arrays.setdefault(array, [])
        if node.get("Append"):
            found = self.concat([self.value(name), found])
        self.assign(name, found)

    def _run_CallExpr(self, node: Tree) -> Status:  # noqa: N802
        assigns, words = node.get("Assigns") or [], node.get("Args") or []
        if not words:
            for assign in assigns:
                with self.uses.looking() as looking:
                    self._assign(assign)
                    looking.made = True
            return SUCCESS
        if _first_literal(words[0]) in ("[", "test"):
            return self._test(words)
        if not assigns:
            return self._called(words)
        return self._with_assigns(assigns, words)

    def _test(self, words: list[Tree]) -> Status:
        closed = _first_literal(words[0]) == "["
        given = words[1:-1] if closed else words[1:]
        return self.answer(test_values(self, [value(self, word) for word in given]))

    def _with_assigns(self, assigns: list[Tree], words: list[Tree]) -> Status:
        """``NAME=value command``: the variable is the command's alone."""
        kept = self.state
        self.state = kept.fork(kept.path)
        for assign in assigns:
            self._assign(assign)
            exported(self, assign["Name"]["Value"])
        status = self._called(words)
        for assign in assigns:
            name = assign["Name"]["Value"]
            self.uses.look(f"${name}")
            self.state.variables.pop(name, None)
            if name in kept.variables:
                self.state.variables[name] = kept.variables[name]
        self.state.exported, self.state.own = kept.exported, kept.own
        return status

    def _called(self, words: list[Tree]) -> Status:
        with self.uses.looking() as looking:
            items = [item for word in words for item in fields(self, word)]
            status = self.call(items) if items else SUCCESS
            if items and not self.captures and literal(items[0].text) in IGNORED:
                looking.made = True
        return status

    def call(self, words: list[Item]) -> Status:
        """Run a simple command by each word that may be its first one."""
        ways: list[tuple[int, Callable[[], Status]]] = []
        left = self.state.path
        for at, word in enumerate(words):
            ways.append((word.guard, partial(self._by_first, words[at:])))
            left = self.guards.minus(left, word.guard)
            if not self.conditions.possible(left):
                break
        if len(ways) == 1:
            return dispatch(self, words)
        self.uses.use_all()
        return self.ways([*ways, (YES, lambda: SUCCESS)])

    def _by_first(self, words: list[Item]) -> Status:
        both, possible = self.guards.both, self.conditions.possible
        return dispatch(self, [it for it in words if possible(both(it.guard, self.state.path))])

    def function(self, name: str, rest: list[Item]) -> Status:
        """Call a function of the script. Raises ShellError when it calls itself too often."""
        if self.depth >= MAX_DEPTH:
            raise ShellError(f"{name} calls itself", self.line)
        outer, line = self.state.items, self.line
        self.state.items = rest
        self.depth += 1
        before = self.still
        body, self.still = self.state.functions[name]
        with self.framed("function") as frame:
            status = self.statement(body)
        self.still = before
        self.depth -= 1
        self.state.items = outer
        for local, old in frame.kept.items():
            if old is None:
                self.state.variables.pop(local, None)
            else:
                self.state.variables[local] = old
        self.line = line
        return status


def _expression(hole: Text, given: Given) -> Text:
    """What an expression of the CI stands for, if its configuration says so."""
    name = hole[0].name if isinstance(hole[0], Var) else ""
    if given.host and given.host.expression:
        return hole
    return given.known.get(name, given.known.get(name.removeprefix("env."), hole))


def _first_command(loop: Tree) -> str:
    """What the condition of a loop begins with."""
    command = (loop.get("Cond") or [{}])[0].get("Cmd") or {}
    words = command.get("Args") or []
    return _first_literal(words[0]) if words else ""


_COMPUTED = re.compile(r"([A-Za-z_]\w*)\s*(?:\+\+|--|[-+*/%]?=(?!=))|(?:\+\+|--)\s*([A-Za-z_]\w*)")
_SETTERS = {"declare", "export", "readonly", "set", "typeset"}
_ACTS = {"apk", "apt", "apt-get", "cd", "chmod", "cp", "dnf", "install", "ln", "mkdir", "mv", "rm"}
_ACTS |= {"touch", "yum"}
"""Commands that nobody runs to ask something: where one fails, the script is to fail."""


def _only_sets(statement: Tree) -> bool:
    """Whether a statement does nothing but set variables: what is before it then decides."""
    command = statement.get("Cmd") or {}
    if command.get("Type") == "Block":
        return all(map(_only_sets, command.get("Stmts") or []))
    if command.get("Type") == "BinaryCmd":
        return _only_sets(command["X"]) and _only_sets(command["Y"])
    words = command.get("Args") or []
    if command.get("Type") == "CallExpr":
        return not words or _first_literal(words[0]) in _SETTERS
    return command.get("Type") == "DeclClause"


def _only_acts(statement: Tree) -> bool:
    """Whether all commands of a statement are there for what they do."""
    command = statement.get("Cmd") or {}
    if command.get("Type") == "BinaryCmd":
        return _only_acts(command["X"]) and _only_acts(command["Y"])
    words = command.get("Args") or []
    return not words or (words[0].get("Parts") or [{}])[0].get("Value") in _ACTS


def _first_literal(word: Tree) -> str:
    part = word["Parts"][0]
    if part["Type"] == "DblQuoted":
        part = (part.get("Parts") or [part])[0]
    return str(part["Value"]) if part["Type"] == "Lit" else ""
