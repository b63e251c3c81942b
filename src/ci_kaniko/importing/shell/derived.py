"""Values that a script puts together, known as one of ci-kaniko's portable variables.

No shell has ``ref.name``: a script writes ``${TAG:-$BRANCH}``. Without this every destination with
such a name would be several destinations with conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Contents, Text, Var, literal, only_var, spell
from ci_kaniko.importing.facts import meaning, variables_of
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.shell.values import Value, pure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.shell.conditions import Conditions

_Case = tuple[int, Text]
"""One of the texts that a value is, and where."""
_FOLDERS = {"branch": "refs/heads/", "tag": "refs/tags/"}


def recognised(value: Value, conditions: Conditions, path: int) -> Value:
    """The value as one variable, where it is one."""
    if len(value) == 1:
        return value
    pairs = (value, value[::-1]) if len(value) == 2 else ()
    looks = (_default, _guarded, _from_file, _version)
    two = (look(*pair, conditions, path) for look in looks for pair in pairs)
    found = next(filter(None, two), None) or _ref(value, conditions, path)
    return pure((found,)) if found else value


def _default(one: _Case, other: _Case, conditions: Conditions, path: int) -> Var | None:
    """``if [ -z "$x" ]; then x=text; fi``."""
    text, var = literal(one[1]), only_var(other[1])
    if text is None or var is None or var.default or var.changes:
        return None
    if not conditions.same(other[0], conditions.filled((var,), 0), path):
        return None
    return Var(var.name, text or None, (), var.portable)


def _guarded(one: _Case, other: _Case, conditions: Conditions, path: int) -> Var | None:
    """``case $GITHUB_REF in refs/heads/*) branch=$GITHUB_REF_NAME ;; *) branch='' ;; esac``."""
    var = only_var(other[1])
    for name, test in _places(var, conditions) if var and not one[1] else ():
        if conditions.same(other[0], test, path):
            return Var(name, portable=True)
    return None


def _places(var: Var, conditions: Conditions) -> Iterator[tuple[str, int]]:
    """What a variable of a platform is in some of the runs, and in which."""
    guards = conditions.guards
    if var == Var("BUILDKITE_BRANCH"):
        no_request = conditions.equal((Var("BUILDKITE_PULL_REQUEST", "false"),), ("false",), 0)
        yield "branch", guards.minus(no_request, conditions.filled((Var("BUILDKITE_TAG"),), 0))
    if var.name == "BUILDKITE_PULL_REQUEST":
        none = conditions.equal((var,), ("false",), 0)
        yield "pull_request.number", guards.negate(none)
    for portable, folder in _FOLDERS.items():
        cut = meaning(var) == "ref" and var.changes == (f"${{#{folder}}}",)
        if cut or (meaning(var) == "ref.name" and not var.changes):
            for name in variables_of("ref", "github"):
                yield portable, conditions.glob((Var(name),), f"{folder}**", 0)
            for name in variables_of("ref.type", "github"):
                yield portable, conditions.equal((Var(name),), (portable,), 0)


def _from_file(one: _Case, other: _Case, conditions: Conditions, path: int) -> Var | None:
    """``if [ -f "$x" ]; then x=$(cat "$x"); fi``: GitLab's variables of both types."""
    var = only_var(other[1])
    if var is None or one[1] != (Contents(spell(other[1])),):
        return None
    return var if conditions.same(one[0], conditions.exists(other[1], 0), path) else None


def _version(one: _Case, other: _Case, conditions: Conditions, path: int) -> Var | None:
    """The version, or where there is none the branch or tag made safe."""
    version, ref = only_var(one[1]), only_var(other[1])
    if version is None or ref is None or not version.name.startswith("version@"):
        return None
    is_tag = ref.changes in (("tag",), ("tag-like",)) or ref.name == "ref.tag"
    if is_tag and conditions.same(one[0], conditions.filled((version,), 0), path):
        return Var(f"ref.{version.name}", portable=True)
    return None


def _ref(value: Value, conditions: Conditions, path: int) -> Var | None:
    """``pr-NUMBER``, else the tag, else the branch."""
    guards = conditions.guards
    rest = {text: guard for guard, text in value}
    asked = ((text, only_var(text[1:])) for text in rest if text[:1] == ("pr-",))
    request = next((text for text, var in asked if var and _is(var, "pull_request.number")), None)
    left = YES
    if request is not None:
        test = conditions.filled(request[1:], 0)
        if not conditions.same(rest.pop(request), test, path):
            return None
        left = guards.negate(test)
    vars_ = [only_var(text) for text in rest]
    if len(vars_) == 1 and request is not None and vars_[0] is not None:
        return _known_ref(vars_[0])
    tag = next((var for var in vars_ if var and _is(var, "tag")), None)
    branch = next((var for var in vars_ if var and _is(var, "branch")), None)
    if len(rest) != 2 or tag is None or branch is None:
        return None
    test = guards.both(left, conditions.filled((tag,), 0))
    if not conditions.same(rest[tag,], test, path):
        return None
    return Var("ref.name", portable=True)


def _known_ref(var: Var) -> Var | None:
    if var.portable and var.name == "ref.name":
        return var
    names = {"CI_COMMIT_REF_NAME": (), "CI_COMMIT_REF_SLUG": ("slug",)}
    if var.changes or var.name not in names:
        return None
    return Var("ref.name", changes=names[var.name], portable=True)


def _is(var: Var, wanted: str) -> bool:
    return not var.changes and meaning(var) == wanted
