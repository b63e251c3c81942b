"""What a shell script passes on, as far as its text tells: texts with holes, and conditions.

A text is a tuple of parts. A part is a plain ``str`` or a hole: a variable of the CI, base64 of
another text, what a command prints, what a file holds, a secret that was written down, or a
repository that git has cloned.

A condition is a ``When``: a tuple of alternatives, each a tuple of tests that all hold.
``ALWAYS`` has one alternative without tests, ``NEVER`` has none.
"""

from __future__ import annotations

import base64
import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ci_kaniko.kaniko.builders import KANIKO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci_kaniko.importing.sentences import Note


@dataclass(frozen=True)
class Var:
    """A variable that the script does not set itself, and what was done to its value.

    ``name`` is the shell's (``CI_COMMIT_SHA``), or that of an expression (``github.sha``,
    ``inputs.x``, ``matrix.y``). With ``portable`` it is one of ci-kaniko's own names: the script
    puts that value together by itself. ``default`` is taken first when the variable is empty, then
    the ``changes`` are made one after the other: ``short`` (the first 8 characters), ``first:N``,
    ``lower``, ``upper``, ``slug``, ``tag``, ``slug-like`` and ``tag-like`` (the same for usual
    names only), ``owner``, ``name`` (before and after the last ``/``), ``url``, ``path``,
    ``each`` (one word of a list), or the shell's own spelling: ``${#refs/tags/}``, ``tr / _``.
    """

    name: str
    default: str | None = None
    changes: tuple[str, ...] = ()
    portable: bool = False


@dataclass(frozen=True)
class Encoded:
    """base64 of a text; ``wrapped`` when a long one would be cut into lines."""

    text: Text
    wrapped: bool = False


@dataclass(frozen=True)
class Output:
    """What a command prints, which only a run can tell."""

    command: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """What a file holds that the script did not write, and what was replaced in it."""

    path: str
    replaced: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True)
class Masked:
    """A secret that stands in the script; only what it was called is kept."""

    name: str
    line: int = 0


@dataclass(frozen=True)
class Cloned:
    """A repository that git has put into a folder; without an address nobody knows which.

    ``ref`` may end in ``#`` and a commit, and is empty for the default branch; ``fetched`` is what
    ``FETCH_HEAD`` names. ``submodules`` are ``true`` or ``recursive``, and ``without`` is what git
    was told that a spec has no word for.
    """

    address: Text
    ref: Text = ()
    submodules: str = ""
    depth: str = ""
    without: tuple[str, ...] = ()
    lfs: bool = False
    fetched: Text = ()


Part = str | Var | Encoded | Output | Contents | Masked | Cloned
Text = tuple[Part, ...]


@dataclass(frozen=True)
class Test:
    """One test on the way to a word or a call.

    ``kind`` is ``equal`` (two texts), ``set`` (not empty), ``glob`` (``right`` is a portable glob:
    ``*`` within a path segment, ``**`` across), ``pattern`` (any other pattern of the shell),
    ``regex``, ``file`` (``left`` is a path that exists) or ``unknown`` (a command's status).
    Tests of GitHub's full ref are told as tests of the portable ``branch``, ``tag`` and
    ``pull_request.number``.
    """

    __test__ = False

    kind: str
    left: Text
    right: Text = ()
    negated: bool = False
    line: int = 0

    @property
    def text(self) -> str:
        """How it is spelled, for people."""
        left = spell(self.left)
        if self.kind == "unknown" and isinstance(self.left[0], Output):
            left = self.left[0].command
        said = _SAID[self.kind].format(left, spell(self.right))
        return f"not: {said}" if self.negated else said


_SAID = {
    "equal": "{} = {}",
    "set": "{} is set",
    **dict.fromkeys(("glob", "pattern"), "{} like {}"),
    "regex": "{} =~ {}",
    "file": "the file {} exists",
    "unknown": "{}",
}


When = tuple[tuple[Test, ...], ...]
ALWAYS: When = ((),)
NEVER: When = ()


@dataclass(frozen=True)
class Choice:
    """One of the texts that something can be, and when it is that."""

    text: Text
    when: When = ALWAYS


@dataclass(frozen=True)
class Word:
    """One argument. ``split`` says that a run-time value in it stands without quotes."""

    text: Text
    when: When = ALWAYS
    split: bool = False
    line: int = 0


@dataclass(frozen=True)
class Login:
    """How the executor or the docker client logs in to one host.

    ``user`` and ``password`` are empty where only ``auth`` is known: a text that is base64 of both.
    ``token`` is an identity or registry token, ``helper`` the name of a credential helper,
    ``config`` a ready docker config.
    ``source`` is the path of the file, the name of the variable or the command that says so.
    An empty ``host`` means that nothing tells it: all credentials (``helper``), or a file of the
    repository in which the login was filled in.
    """

    host: Text
    user: Text = ()
    password: Text = ()
    auth: Text = ()
    token: Text = ()
    helper: str = ""
    config: Text = ()
    source: str = ""
    when: When = ALWAYS
    line: int = 0


@dataclass(frozen=True)
class Call:
    """One executor call, or one of another ``builder`` in the executor's flags.

    ``words`` are its arguments, one ``--flag=value`` each however they were written; ``pushed`` the
    images and when each is really pushed: where its argument stands and ``--no-push`` does not.
    Conditions in a call are told under the assumption that ``when``, the condition of the call
    itself, holds and that the script did not stop with an error before.

    ``environment`` is what the script exports to the executor.
    ``files`` are those written before, by path as the executor sees them: ``$NAME`` in a path
    stands for a variable. ``logins`` is what these say about registries.

    ``image`` and ``docker`` are that image and those options of ``docker run``, else None and ().
    ``outside`` is the folder where that runs, and ``folder`` that of the executor.
    """

    words: tuple[Word, ...]
    when: When = ALWAYS
    pushed: tuple[Word, ...] = ()
    environment: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    logins: tuple[Login, ...] = ()
    image: Text | None = None
    docker: tuple[Word, ...] = ()
    folder: Text = ()
    outside: Text = ()
    line: int = 0
    builder: str = KANIKO


@dataclass(frozen=True)
class Script:
    """All that was read in a script."""

    calls: tuple[Call, ...]
    notes: tuple[Note, ...] = ()


def join(parts: Iterable[Part]) -> Text:
    """Neighbouring plain parts as one, empty ones left out."""
    joined: list[Part] = []
    plain = ""
    for part in parts:
        if isinstance(part, str):
            plain += part
            continue
        if plain:
            joined.append(plain)
            plain = ""
        joined.append(part)
    if plain:
        joined.append(plain)
    return tuple(joined)


def split_text(text: Text, mark: str | re.Pattern[str], limit: int = -1) -> list[Text]:
    """A text cut at a character, or where a pattern is found; holes stay whole."""
    if len(text) == 1 and isinstance(text[0], str) and isinstance(mark, str):
        return [(piece,) if piece else () for piece in text[0].split(mark, limit)]
    pieces: list[list[Part]] = [[]]
    for part in text:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        rest = limit - len(pieces) + 1 if limit >= 0 else -1
        found = part.split(mark, rest) if isinstance(mark, str) else mark.split(part)
        first, *others = found
        pieces[-1].append(first)
        pieces += [[other] for other in others]
    return [join(piece) for piece in pieces]


def plain_head(text: Text) -> str:
    """The plain characters that a text begins with."""
    return text[0] if text and isinstance(text[0], str) else ""


def starts_with(text: Text, head: str) -> bool:
    """Whether a text begins with plain characters."""
    return plain_head(text).startswith(head)


def after(text: Text, prefix: Text) -> Text | None:
    """What follows a prefix of a text; None when it does not begin with one."""
    rest = list(text)
    for part in prefix:
        have = rest.pop(0) if rest else None
        if have != part:
            if not (isinstance(have, str) and isinstance(part, str) and have.startswith(part)):
                return None
            rest.insert(0, have[len(part) :])
    return join(rest) if prefix else None


def without_head(text: Text, head: str) -> Text:
    """A text without what it begins with."""
    return join((plain_head(text)[len(head) :], *text[1:])) if starts_with(text, head) else text


def literal(text: Text) -> str | None:
    """A text without holes; None when it has some."""
    if not text:
        return ""
    return text[0] if len(text) == 1 and isinstance(text[0], str) else None


def only_var(text: Text) -> Var | None:
    """The variable that a text is, with nothing around it."""
    return text[0] if len(text) == 1 and isinstance(text[0], Var) else None


def variables(text: Text) -> list[Var]:
    """Every variable in a text, also inside of base64."""
    found: list[Var] = []
    for part in text:
        if isinstance(part, Var):
            found.append(part)
        elif isinstance(part, Encoded):
            found += variables(part.text)
        elif isinstance(part, Contents):
            found += [var for _, new in part.replaced for var in variables(new)]
    return found


def with_inner(part: Part, change: Callable[[Text], Text]) -> Part:
    """A part in which the texts that it holds are changed."""
    if isinstance(part, Encoded):
        return replace(part, text=change(part.text))
    if isinstance(part, Contents):
        return replace(part, replaced=tuple((old, change(new)) for old, new in part.replaced))
    if isinstance(part, Cloned):
        return replace(part, address=change(part.address), ref=change(part.ref))
    return part


_TIMES = {
    "YYYY": "%Y",
    "yyyy": "%Y",
    "YY": "%y",
    "yy": "%y",
    "MM": "%m",
    "DD": "%d",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "X": "%s",
}


def printed_time(pattern: str) -> Output:
    """The command that prints the time as a pattern of Java's or of moment.js does.

    >>> printed_time("yyyy-MM-dd").command
    'date +%Y-%m-%d'
    """
    words = "|".join(_TIMES)
    written = re.sub(words, lambda found: _TIMES[found[0]], pattern)
    return Output(f"date {shlex.quote(f'+{written}')}")


def spell(text: Text) -> str:
    """A text for people: holes as the shell would write them.

    >>> spell(("shop:", Var("CI_COMMIT_SHA", changes=("short",))))
    'shop:${CI_COMMIT_SHA:0:8}'
    """
    return "".join(part if isinstance(part, str) else _spell_hole(part) for part in text)


def _spell_hole(part: Part) -> str:
    if isinstance(part, Var):
        return _spell_var(part)
    if isinstance(part, Encoded):
        return f"$(printf %s {spell(part.text)!r} | base64)"
    if isinstance(part, Output):
        changes = [_AS_COMMANDS.get(change, change) for change in part.changes if change != "each"]
        if re.fullmatch(r"\$\w+", part.command):  # what the shell itself knows
            return f"$({' '.join((*changes[::-1], part.command))})" if changes else part.command
        return f"$({' | '.join((part.command, *changes))})"
    if isinstance(part, Contents):
        return f"$(cat {part.path})"
    return "***"


_AS_COMMANDS = {"owner": "dirname", "name": "basename", "short": "cut -c1-8"}
_IN_SHELL = {"short": ":0:8", "lower": ",,", "upper": "^^", "name": "##*/", "owner": "%/*"}
"""How a shell writes what is done to a variable."""
_OF_SHELL = re.compile(r"^\|\$\{(.*)\}$", re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*|\d")


def _spell_var(var: Var) -> str:
    default = "" if var.default is None else f":-{var.default}"
    changes = "".join(f"|{change}" for change in var.changes)
    bare = _PLAIN_NAME.fullmatch(var.name)
    if bare and not default and len(var.changes) == 1:
        made = _IN_SHELL.get(changes[1:], changes).replace("${:-", "${: -")
        changes = _OF_SHELL.sub(r"\1", made).replace("|first:", ":0:")
    plain = not default and not changes and bare
    name = var.name.partition("@")[0] if var.portable else var.name
    return f"${name}" if plain and not var.portable else f"${{{name}{default}{changes}}}"


def decoded(text: str) -> str | None:
    """What a base64 text says; None when it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return None


_MAX_FILLED = 8 * 1024
_HOLE = 16
"""What a hole counts, in characters."""
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


def references(text: str) -> Text:
    """A text of a CI's configuration in which ``$NAME`` and ``${NAME}`` stand for variables.

    >>> references("$CI_REGISTRY_IMAGE/api")
    (Var(name='CI_REGISTRY_IMAGE', default=None, changes=(), portable=False), '/api')
    """
    return filled_in(_REFERENCE, text, lambda match: (Var(match[1] or match[2]),))


def filled_in(
    pattern: re.Pattern[str], text: str, value: Callable[[re.Match[str]], Iterable[Part]]
) -> Text:
    """A text with parts for each place that a pattern finds.

    Texts within texts double quickly: where they become too long, only a run can tell.
    """
    parts: list[Part] = []
    at, left = 0, _MAX_FILLED
    for match in pattern.finditer(text):
        found = [*value(match)]
        left -= sum(len(part) if isinstance(part, str) else _HOLE for part in found)
        if left < 0:
            return (Output("a text that is too long to be followed"),)
        parts += [text[at : match.start()], *found]
        at = match.end()
    return join([*parts, text[at:]])
