"""Tests on texts with holes: as guards while the script is read, as plain conditions afterwards."""

from __future__ import annotations

import re
from dataclasses import replace

from ci_kaniko.importing.calls import (
    Encoded,
    Masked,
    Output,
    Part,
    Test,
    Text,
    Var,
    When,
    join,
    literal,
    only_var,
    spell,
    starts_with,
    without_head,
)
from ci_kaniko.importing.facts import OF_A_RUN, meaning
from ci_kaniko.importing.shell.guards import NO, YES, Budget, Cube, Guards, TooComplexError
from ci_kaniko.importing.shell.patterns import affordable, matches, portable_glob, unescaped
from ci_kaniko.importing.shell.regular import is_choice
from ci_kaniko.importing.shell.transforms import keeps_emptiness
from ci_kaniko.syntax.globs import matches as glob_matches
from ci_kaniko.syntax.variables import VARIABLES

_MAX_TESTS = 300
_ASKED = 30
"""What a test takes from a budget, whatever is done about it."""
_NEVER_EMPTY = {"build.timestamp", "commit.timestamp", "commit.sha"}


class Conditions:
    """The tests of one script and what is known about them.

    ``facts`` holds whatever the tests' values are: one text does not equal two others. Where a
    script asks more than can be told apart, ``undecided`` is the line of the one test that then
    stands for all of them.
    """

    def __init__(self, budget: Budget, undecided: int = 0) -> None:
        self.undecided = undecided
        self._budget = budget
        self.guards = Guards(budget)
        self.facts = YES
        self._tests: list[Test] = []
        self._chosen: set[int] = set()
        self._numbers: dict[tuple[str, Text, Text], int] = {}
        self._by_text: dict[Text, list[int]] = {}
        self._by_group: list[list[int]] = [[] for _ in ONE_OF]

    # -- guards ---------------------------------------------------------------------------------

    def possible(self, guard: int) -> bool:
        """Whether a guard can hold."""
        return self.guards.both(guard, self.facts) != NO

    def implies(self, one: int, other: int) -> bool:
        """Whether the second guard holds wherever the first does."""
        return not self.possible(self.guards.minus(one, other))

    def chosen(self, guard: int) -> int:
        """Where a guard holds by what the run is or is given, and by nothing else."""
        return self.guards.only(guard, self._chosen)

    def same(self, one: int, other: int, within: int = YES) -> bool:
        """Whether two guards mean the same wherever ``within`` holds."""
        both = self.guards.both
        return self.implies(both(one, within), other) and self.implies(both(other, within), one)

    def _atom(self, test: Test) -> int:
        self._budget.spend(_ASKED)
        if self.undecided:
            test = Test("unknown", (Output("one of many conditions"),), line=self.undecided)
        test = _in_one_spelling(test)
        if test.left == _REF_TYPE and (test.kind, test.right) == ("equal", ("branch",)):
            return self.guards.negate(self._atom(_set((Var("tag", portable=True),), test.line)))
        test = _of_ref(test)
        if test.left == _REF_NAME and test.kind in {"glob", "pattern", "regex"}:
            sides = [(Var(side, portable=True),) for side in ("branch", "tag")]
            return self.guards.either(*(self._atom(replace(test, left=side)) for side in sides))
        key = (test.kind, test.left, test.right)
        number = self._numbers.get(key)
        if number is None:
            if len(self._tests) > _MAX_TESTS and test.kind != "unknown":
                raise TooComplexError
            number = self._numbers[key] = len(self._tests)
            self._tests.append(test)
            if is_chosen(test):
                self._chosen.add(number)
            if test.kind != "unknown":
                self._learn(number)
        return self.guards.atom(number)

    def _learn(self, number: int) -> None:
        """What the new test says about the earlier ones on the same text."""
        guards, new = self.guards, self._tests[number]
        atom = guards.atom(number)
        cause, effect, rival = NO, YES, NO
        if new.kind == "equal" and [*map(meaning, new.right)] == ["default_branch"]:
            effect = self.filled(new.left, new.line)
        earlier_tests = self._by_text.setdefault(new.left, [])
        guards.budget.spend(10 * len(earlier_tests))
        for earlier in earlier_tests:
            old, other = self._tests[earlier], guards.atom(earlier)
            if implies(old, new):
                cause = guards.either(cause, other)
            if implies(new, old):
                effect = guards.both(effect, other)
            if excludes(old, new) or excludes(new, old):
                rival = guards.either(rival, other)
        self._by_text[new.left].append(number)
        if (group := choice_of(new)) is not None:
            guards.budget.spend(2 * len(self._by_group[group]))
            for earlier in self._by_group[group]:
                if self._tests[earlier].left != new.left:
                    rival = guards.either(rival, guards.atom(earlier))
            self._by_group[group].append(number)
        fact = guards.choose(atom, guards.minus(effect, rival), guards.negate(cause))
        self.facts = guards.both(self.facts, fact)

    # -- tests ----------------------------------------------------------------------------------

    def equal(self, one: Text, other: Text, line: int) -> int:
        """Whether two texts are the same."""
        left, right = _without_common(one, other)
        if left is None or right is None:
            return NO
        if left == right:
            return YES
        if not left or not right:
            return self.guards.negate(self.filled(left or right, line))
        if literal(left) is not None:
            left, right = right, left
        pairs = _pairs(left, right)
        if pairs:
            return self.guards.both(*(self.equal(one, other, line) for one, other in pairs))
        return self._atom(Test("equal", left, right, line=line))

    def filled(self, text: Text, line: int) -> int:
        """Whether a text is not empty."""
        return self.guards.any(self._filled_part(part, line) for part in text)

    def _filled_part(self, part: Part, line: int) -> int:
        if isinstance(part, str | Masked):
            return YES
        if isinstance(part, Encoded):
            return self.filled(part.text, line)
        if isinstance(part, Var):
            if part.default or part.name in _NEVER_EMPTY or part.name.startswith("mktemp "):
                return YES
            if all(keeps_emptiness(change) for change in part.changes):
                part = replace(part, default=None, changes=())
        return self._atom(_set((part,), line))

    def like(self, text: Text, pattern: Text, line: int) -> int:
        """Whether a text matches a pattern of the shell, in which quoted characters are escaped."""
        written = literal(pattern)
        if written is None:
            return self._like_hole(text, pattern, line)
        if written.strip("*") == "":
            return YES if written else self.guards.negate(self.filled(text, line))
        exact = unescaped(written)
        if exact is not None:
            return self.equal(text, (exact,), line)
        plain = literal(text)
        if plain is not None:
            return YES if matches(written, plain) else NO
        pairs = _pairs(text, pattern)
        if pairs and unescaped(spell(pairs[0][1])) is not None:
            return self.guards.both(*(self.like(one, other, line) for one, other in pairs))
        glob = portable_glob(written)
        kind, right = ("glob", glob) if glob is not None else ("pattern", written)
        return self._shortened(kind, text, right, line)

    def _like_hole(self, text: Text, pattern: Text, line: int) -> int:
        plain = [part for part in pattern if isinstance(part, str)]
        if all(unescaped(part) is not None for part in plain):
            exact = (unescaped(p) or "" if isinstance(p, str) else p for p in pattern)
            return self.equal(text, join(exact), line)
        return self._atom(Test("pattern", text, pattern, line=line))

    def _shortened(self, kind: str, text: Text, right: str, line: int) -> int:
        """A glob on a text that begins with plain characters: on what follows them."""
        first = text[0]
        if kind == "glob" and isinstance(first, str):
            head = _common(first, right, 0)
            if head == first and not head.endswith("*"):
                text, right = text[1:], right[len(head) :]
            elif "*" not in right[: len(first)]:
                return NO
            if not right.strip("*"):
                return YES
        return self._atom(Test(kind, text, (right,), line=line))

    def glob(self, text: Text, glob: str, line: int) -> int:
        """Whether a text matches a portable glob."""
        plain = literal(text)
        if plain is not None:
            return YES if glob_matches(glob, plain) else NO
        if "*" not in glob:
            return self.equal(text, (glob,), line)
        if glob == "**":
            return self.filled(text, line)
        return self._atom(Test("glob", text, (glob,), line=line))

    def regex(self, text: Text, expression: str, line: int) -> int:
        """Whether a regular expression is found in a text."""
        return self._atom(Test("regex", text, (expression,), line=line))

    def exists(self, path: Text, line: int) -> int:
        """Whether there is a file."""
        return self._atom(Test("file", path, line=line))

    def unknown(self, command: str, line: int) -> int:
        """Whether a command succeeds; each place has its own answer."""
        return self._atom(Test("unknown", (Output(command),), (str(line),), line=line))

    def of(self, when: When) -> int:
        """The guard of a condition that was told, in these conditions."""
        return self.guards.any(self.guards.all(map(self._told, tests)) for tests in when)

    def _told(self, test: Test) -> int:
        atom = self._atom(replace(test, negated=False))
        return self.guards.negate(atom) if test.negated else atom

    # -- results --------------------------------------------------------------------------------

    def when(self, guard: int, within: int = YES) -> When:
        """A guard as alternatives of tests; where ``within`` does not hold, anything goes."""
        both, negate = self.guards.both, self.guards.negate
        care = both(self.facts, within)
        if self.guards.is_single(guard) and both(guard, care) not in (NO, care):
            care = YES
        cubes = self.guards.cubes(both(guard, care), self.guards.either(guard, negate(care)))
        found = {self._tests_of(cube) for cube in cubes}
        return tuple(sorted(found, key=lambda tests: [(test.line, test.text) for test in tests]))

    def _tests_of(self, cube: Cube) -> tuple[Test, ...]:
        tests = (replace(self._tests[number], negated=not holds) for number, holds in sorted(cube))
        return tuple(replace(test, right=()) if test.kind == "unknown" else test for test in tests)


def is_chosen(test: Test) -> bool:
    """Whether a test asks for the branch, the tag, the event, or for the value of a variable."""
    var = only_var(test.left)
    if var is None or test.kind == "pattern":
        return False
    asked = meaning(var)
    return asked in OF_A_RUN or (test.kind == "equal" and asked not in VARIABLES)


_SPELLINGS = {
    f"GITHUB_{name.upper()}": f"github.{name}"
    for name in ("event_name", "ref", "ref_name", "ref_type")
}
"""What GitHub calls one thing in a script, and in an expression."""


_KINDS = {"branch": "branch", "tag": "tag", "pull_request": "pull_request.number"}
"""What a ref may be, and the variable that is set then."""
_REF_TYPE: Text = (Var("github.ref_type"),)
"""A branch, too, in the run of a pull request."""
_REF_NAME: Text = (Var("github.ref_name"),)
"""The name of a branch, or of a tag: a pattern may fit either."""


def _in_one_spelling(test: Test) -> Test:
    var = only_var(test.left)
    if var is None or var.name not in _SPELLINGS:
        return test
    return replace(test, left=(replace(var, name=_SPELLINGS[var.name]),))


def _pairs(left: Text, right: Text) -> list[tuple[Text, Text]]:
    """``$A:$B = x:y`` as two tests, where there is one way to cut the text."""
    colons = "".join(part for part in right if isinstance(part, str)).count(":")
    if len(left) != 3 or left[1] != ":" or colons != 1 or not isinstance(right[0], str):
        return []
    first, colon, second = right[0].partition(":")
    return [((left[0],), (first,)), ((left[2],), join((second, *right[1:])))] if colon else []


_REFS = {"refs/heads/": "branch", "refs/tags/": "tag", "refs/pull/": "pull_request.number"}


def _of_ref(test: Test) -> Test:
    """A test of GitHub's full ref as one of the branch or the tag."""
    var = only_var(test.left)
    if var is None or var.changes or var.default:
        return test
    kind = _KINDS.get(literal(test.right) or "", "")
    if kind and meaning(var) == "ref.type" and test.kind == "equal":
        return _set((Var(kind, portable=True),), test.line)
    anchor = "^" if test.kind == "regex" else ""
    folder = next((name for name in _REFS if starts_with(test.right, anchor + name)), None)
    several = bool(anchor) and is_choice(spell(test.right))
    if meaning(var) != "ref" or folder is None or several:
        return test
    left, rest = (Var(_REFS[folder], portable=True),), without_head(test.right, anchor + folder)
    if rest == ("**",) or folder == "refs/pull/":
        return _set(left, test.line)
    return replace(test, left=left, right=join((anchor, *rest)))


def _set(left: Text, line: int) -> Test:
    return Test("set", left, line=line)


def _without_common(one: Text, other: Text) -> tuple[Text | None, Text | None]:
    """Two texts without what both begin and end with; None when plain ends differ."""
    left, right = list(one), list(other)
    for at in (0, -1):
        while left and right:
            a, b = left[at], right[at]
            if a == b:
                del left[at], right[at]
            elif isinstance(a, str) and isinstance(b, str):
                common = _common(a, b, at)
                if len(common) < min(len(a), len(b)):
                    return None, None
                _cut(left, at, len(common))
                _cut(right, at, len(common))
            else:
                break
    return tuple(left), tuple(right)


def _common(one: str, other: str, at: int) -> str:
    """What two texts begin with, or end with where ``at`` is -1."""
    if at:
        return _common(one[::-1], other[::-1], 0)
    pairs = zip(one, other, strict=False)
    length = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    return one[:length]


def _cut(parts: list[Part], at: int, length: int) -> None:
    part = str(parts[at])
    rest = part[length:] if at == 0 else part[: len(part) - length]
    if rest:
        parts[at] = rest
    else:
        del parts[at]


# -- what one test says of another one on the same text ----------------------------------------


ONE_OF = (
    {"branch", "tag", "pull_request.number"},
    {"CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "CI_MERGE_REQUEST_IID"},
    {"AGOLA_GIT_BRANCH", "AGOLA_GIT_TAG", "AGOLA_PULL_REQUEST_ID"},
)
"""Variables of which one has a value: a run is for a branch, a tag or a request."""


def choice_of(test: Test) -> int | None:
    """The variables among which a test that holds has chosen one."""
    var = only_var(test.left)
    if var is None or var.changes or var.default:
        return None
    if test.kind not in ("set", "glob") and not (test.kind == "equal" and literal(test.right)):
        return None
    return next(
        (
            number
            for number, names in enumerate(ONE_OF)
            if var.name in names and var.portable == (number == 0)
        ),
        None,
    )


def implies(one: Test, other: Test) -> bool:
    """Whether a text that passes the first test passes the second."""
    if one.kind == "glob" and other.kind == "set":
        return True
    if one.kind in ("regex", "pattern") and other.kind == "set":
        return _fits("", one) is False
    if one.kind == other.kind == "glob":
        head, stars, tail = str(other.right[0]).partition("**")
        return bool(stars) and not tail and "*" not in head and _head(one).startswith(head)
    value = literal(one.right) if one.kind == "equal" else None
    return value is not None and _fits(value, other) is True


def excludes(one: Test, other: Test) -> bool:
    """Whether a text that passes the first test cannot pass the second."""
    if one.kind == other.kind == "glob":
        return _apart(one, other)
    value = literal(one.right) if one.kind == "equal" else None
    return value is not None and _fits(value, other) is False


def _fits(value: str, test: Test) -> bool | None:
    """Whether a plain text passes a test; None when that is unknown."""
    right = literal(test.right)
    if test.kind == "set":
        return bool(value)
    if right is None:
        return None
    if test.kind == "equal":
        return value == right
    if test.kind == "glob":
        return glob_matches(right, value)
    if test.kind == "pattern":
        return matches(right, value)
    if test.kind == "regex":
        try:
            return re.search(affordable(right, value), value) is not None
        except re.error:
            return None
    return None


def _apart(one: Test, other: Test) -> bool:
    """Whether two globs begin with different texts."""
    heads = [_head(test) for test in (one, other)]
    return not heads[0].startswith(heads[1]) and not heads[1].startswith(heads[0])


def _head(test: Test) -> str:
    return str(test.right[0]).partition("*")[0]
