"""Portable variables: ``${commit.sha}``, ``${tag:-dev}``; ``$${`` is a literal ``${``."""

from __future__ import annotations

import re
from functools import lru_cache

from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.grammar import is_identifier, is_variable_name
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class Ref(NamedTuple):
    """A variable inside a text; ``default`` is used when it is unset or empty.

    In an image tag, which is limited, ``beside`` is the text that a value is cut to make room for.
    ``needed`` is what cannot do with an empty value, where that is no image reference.
    ``piece`` is what of its value stands there, where that is the name of an image: its ``host``,
    or the ``path`` behind it.
    """

    name: str
    default: str | None = None
    beside: tuple[str | Ref, ...] = ()
    needed: str = ""
    piece: str = ""

    def cut(self, value: str) -> str:
        """What of a value stands there; one that begins with no host is on Docker Hub."""
        if not self.piece or not value:
            return value
        host, _, path = value.partition("/")
        if not HOST_SIGN.search(host):
            host, path = "docker.io", value
        return host if self.piece == "host" else path


HOST_SIGN = pattern("[.:]|^localhost$")
"""What tells a host from the first part of a path."""

Part = str | Ref
Parts = tuple[Part, ...]


class Template(str):
    """A text in which variables are replaced: equal to what was written, and it knows its parts."""

    __slots__ = ("parts",)
    parts: Parts

    def __new__(cls, text: str) -> Self:
        """Read a text. Raises Refused."""
        return cls.keeping(text, parse(text))

    @classmethod
    def keeping(cls, text: str, parts: Parts) -> Self:
        """A text of which the parts are known."""
        made = str.__new__(cls, text)
        made.parts = parts
        return made

    @property
    def names(self) -> list[str]:
        """The variables in it, in order."""
        return names(self.parts)

    def without(self, start: str) -> Template:
        """The rest of a text that begins with ``start``, in which no variable stands."""
        first, *rest = self.parts
        assert isinstance(first, str)
        assert first.startswith(start)
        end = first[len(start) :]
        return Template.keeping(self[len(start) :], (end, *rest) if end else tuple(rest))

    def prefixed(self, start: str, *, instead_of: str) -> Template:
        """The text with another beginning."""
        rest = self.without(instead_of) if self.startswith(instead_of) else self
        return Template.keeping(f"{start}{rest}", (start, *rest.parts))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class Variable(NamedTuple):
    """What is known of a portable variable on every target."""

    summary: str
    in_tag: bool = False
    in_path: bool = False
    may_be_empty: bool = False


VARIABLES: dict[str, Variable] = {
    "commit.sha": Variable("the commit that is checked out, 40 hexadecimal digits", in_tag=True),
    "commit.short": Variable("its first 8 digits", in_tag=True),
    "commit.timestamp": Variable("when it was committed, UTC, such as 2026-01-02T03:04:05Z"),
    "commit.date": Variable("when it was committed, UTC, such as 20260102030405", in_tag=True),
    "branch": Variable("the branch; empty for tags and pull requests", may_be_empty=True),
    "default_branch": Variable("the repository's default branch"),
    "tag": Variable("the git tag; empty for everything else", in_tag=True, may_be_empty=True),
    "version": Variable(
        "the semantic version of the git tag, after tag_prefix and a v: 1.2.3-rc.1 of "
        "v1.2.3-rc.1; build metadata is dropped; empty for everything else",
        in_tag=True,
        may_be_empty=True,
    ),
    "version.minor": Variable("its first two numbers, such as 1.2", in_tag=True, may_be_empty=True),
    "version.major": Variable("its first number", in_tag=True, may_be_empty=True),
    "ref.name": Variable("the branch or tag; pr-NUMBER in a pull request"),
    "ref.slug": Variable(
        "ref.name in lower case, other characters as -, at most 63 (GitLab's rule)",
        in_tag=True,
        in_path=True,
        may_be_empty=True,
    ),
    "ref.tag": Variable(
        "ref.name made safe as an image tag and cut to what the tag has room for; dots stay",
        in_tag=True,
        may_be_empty=True,
    ),
    "ref.version": Variable(
        "version, or ref.tag where there is none", in_tag=True, may_be_empty=True
    ),
    "pull_request.number": Variable(
        "the number of the pull or merge request; empty outside of one",
        in_tag=True,
        may_be_empty=True,
    ),
    "repository.path": Variable(
        "owner and name, lower case inside an image reference", in_path=True
    ),
    "repository.owner": Variable("what stands before the last / of repository.path", in_path=True),
    "repository.name": Variable(
        "what stands after the last / of repository.path", in_tag=True, in_path=True
    ),
    "repository.url": Variable("the https page of the repository, without .git"),
    "registry.host": Variable("the host of the CI's own registry"),
    "registry.image": Variable("the CI's own registry and this repository's path in it"),
    "build.id": Variable("the unique id of this run", in_tag=True),
    "build.number": Variable("the running number of this run", in_tag=True),
    "build.url": Variable("the page of this run"),
    "build.timestamp": Variable("when the build starts, UTC, such as 2026-01-02T03:04:05Z"),
    "build.date": Variable("the same as 20260102030405, which sorts", in_tag=True),
}

COMMIT_TIMES = ("commit.timestamp", "commit.date")
"""What only git knows, where the platform does not tell it."""

ENV_PREFIX = "env."
ENV = Variable(
    "the run-time variable NAME, set in the CI's settings",
    in_tag=True,
    in_path=True,
    may_be_empty=True,
)

INPUT_PREFIX = "input."
INPUT = Variable(
    "the input NAME of a reusable form, or its default",
    in_tag=True,
    in_path=True,
    may_be_empty=True,
)
IMAGE_NAME = "image.name"

NATIVE: dict[str, str] = {
    "CI_COMMIT_SHA": "commit.sha",
    "CI_COMMIT_SHORT_SHA": "commit.short",
    "CI_COMMIT_TIMESTAMP": "commit.timestamp",
    "CI_COMMIT_BRANCH": "branch",
    "CI_DEFAULT_BRANCH": "default_branch",
    "CI_COMMIT_TAG": "tag",
    "CI_COMMIT_REF_NAME": "ref.name",
    "CI_COMMIT_REF_SLUG": "ref.slug",
    "CI_MERGE_REQUEST_IID": "pull_request.number",
    "CI_PROJECT_PATH": "repository.path",
    "CI_PROJECT_NAMESPACE": "repository.owner",
    "CI_PROJECT_NAME": "repository.name",
    "CI_PROJECT_URL": "repository.url",
    "CI_REGISTRY": "registry.host",
    "CI_REGISTRY_IMAGE": "registry.image",
    "CI_PIPELINE_ID": "build.id",
    "CI_PIPELINE_IID": "build.number",
    "CI_PIPELINE_URL": "build.url",
    "GITHUB_SHA": "commit.sha",
    "GITHUB_REF_NAME": "ref.name",
    "GITHUB_REPOSITORY": "repository.path",
    "GITHUB_REPOSITORY_OWNER": "repository.owner",
    "GITHUB_RUN_ID": "build.id",
    "GITHUB_RUN_NUMBER": "build.number",
    "BUILDKITE_COMMIT": "commit.sha",
    "BUILDKITE_BRANCH": "branch",
    "BUILDKITE_TAG": "tag",
    "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "default_branch",
    "BUILDKITE_PULL_REQUEST": "pull_request.number",
    "BUILDKITE_BUILD_ID": "build.id",
    "BUILDKITE_BUILD_NUMBER": "build.number",
    "BUILDKITE_BUILD_URL": "build.url",
    "AGOLA_GIT_COMMITSHA": "commit.sha",
    "AGOLA_GIT_BRANCH": "branch",
    "AGOLA_GIT_TAG": "tag",
    "AGOLA_PULL_REQUEST_ID": "pull_request.number",
    "AGOLA_RUN_COUNTER": "build.number",
    "github.sha": "commit.sha",
    "github.ref_name": "ref.name",
    "github.repository": "repository.path",
    "github.repository_owner": "repository.owner",
    "github.run_id": "build.id",
    "github.run_number": "build.number",
}


INPUT_READ = "${input."
"""How a text reads an input."""


def with_inputs(text: str, make: Callable[[str], str]) -> str:
    """A text in which nothing but inputs stands, with what ``make`` makes of each."""
    if "${" not in text:
        return str(text)
    return "".join(
        part if isinstance(part, str) else make(input_of(part)) for part in parts_of(text)
    )


def input_of(ref: Ref) -> str:
    """The name of the input that a variable stands for."""
    return ref.name.removeprefix(INPUT_PREFIX)


def inputs_in(text: str) -> list[str]:
    """The names of the inputs in a text, in order."""
    if INPUT_READ not in text:
        return []
    found = names(parts_of(text))
    return [name.removeprefix(INPUT_PREFIX) for name in found if name.startswith(INPUT_PREFIX)]


def holding_inputs(text: str, what: str, example: str) -> Template:
    """A text in which nothing but inputs may stand, without defaults of their own. Raises Refused.

    ``what`` is what the text is, with an article.
    """
    read = Template(text)
    for ref in read.parts:
        if isinstance(ref, str):
            continue
        if not ref.name.startswith(INPUT_PREFIX):
            message = f"{what} holds no variables but inputs, and ${{{ref.name}}} is none"
            raise Refused("variable-not-allowed", message, f"such as {example}")
        if ref.default is not None:
            message = f"{what} takes an input with no default but its own"
            default = f"{input_of(ref)}: {{default: {ref.default}}}"
            raise Refused(
                "variable-not-allowed", message, f"${{{ref.name}}}, and inputs: {{{default}}}"
            )
    return read


def variable(name: str) -> Variable:
    """What is known of ``name``, which must exist."""
    if name.startswith(INPUT_PREFIX):
        return INPUT
    return ENV if name.startswith(ENV_PREFIX) else VARIABLES[name]


@lru_cache(maxsize=8192)
def parse(text: str) -> Parts:
    """Split ``text`` into literal parts and variables. Raises Refused."""
    if "${" not in text:
        return (text,) if text else ()
    parts: list[Part] = []
    literal = ""
    position = 0
    while position < len(text):
        found = text.find("${", position)
        if found < 0:
            literal += text[position:]
            break
        if found > position and text[found - 1] == "$":
            literal += f"{text[position : found - 1]}${{"
            position = found + 2
            continue
        literal += text[position:found]
        closing = "}}" if text.startswith("${{", found) else "}"
        end = text.find(closing, found)
        if end < 0:
            raise Refused(
                "bad-variable",
                f"{quoted(text[found:])} is never closed",
                "a variable is ${name}; a literal ${ is written $${",
            )
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_ref(text[found + 2 : end + len(closing) - 1]))
        position = end + len(closing)
    if literal:
        parts.append(literal)
    return tuple(parts)


def _ref(body: str) -> Ref:
    name, separator, default = body.partition(":-")
    env_name = name.removeprefix(ENV_PREFIX)
    input_name = name.removeprefix(INPUT_PREFIX)
    known = name in VARIABLES or (env_name != name and is_variable_name(env_name))
    if known or (input_name != name and is_variable_name(input_name)):
        return Ref(name, default if separator else None)
    if name == IMAGE_NAME:
        message = "${image.name} has no meaning here: the spec lists no images"
        raise Refused("unknown-variable", message, "images: {NAME: {...}} gives an image its name")
    if env_name != name:
        raise Refused(
            "unknown-variable",
            f"{quoted(env_name)} cannot name a run-time variable",
            "letters, digits and _, such as ${env.CHANNEL}",
        )
    written = quoted("${" + body + "}")
    raise Refused("unknown-variable", f"unknown variable {written}", _instead(body))


_OTHER_WORDS = {
    **dict.fromkeys(
        ("sha", "commit", "git_sha", "commit_sha", "git.sha", "revision"), "commit.sha"
    ),
    **dict.fromkeys(("short_sha", "sha_short", "short"), "commit.short"),
    **dict.fromkeys(("semver", "git_version", "release"), "version"),
    **dict.fromkeys(("minor", "major_minor", "version_minor"), "version.minor"),
    **dict.fromkeys(("major", "version_major"), "version.major"),
    **dict.fromkeys(("date", "build_date", "today"), "build.date"),
    **dict.fromkeys(("time", "timestamp", "now", "build.time", "build_time"), "build.timestamp"),
    **dict.fromkeys(("commit.time", "commit_time", "commit_timestamp"), "commit.timestamp"),
    "commit_date": "commit.date",
    **dict.fromkeys(("ref", "git_ref"), "ref.name"),
    **dict.fromkeys(("pr", "pr_number", "pull_request", "mr"), "pull_request.number"),
    **dict.fromkeys(("repo", "repository", "project"), "repository.path"),
    **dict.fromkeys(("owner", "org", "namespace"), "repository.owner"),
    "registry": "registry.host",
    "slug": "ref.slug",
    "build": "build.number",
}
"""What people call the portable variables."""
_IN_TAGS = {
    "build.timestamp": "build.date",
    "commit.timestamp": "commit.date",
    "ref.name": "ref.tag",
}
"""What is safe in a tag, for what is not."""


def _instead(body: str) -> str:
    """What to write for an unknown variable, also for those of GitHub's expressions."""
    from ci_kaniko.problems.problem import suggest
    from ci_kaniko.text.lookalikes import odd_character

    literal = "a literal ${ is written $${"
    name = body.strip("{} ").partition(":-")[0]
    if odd := odd_character(name):
        return odd.instead(f"at position {odd.at + 1} of the name")
    scope, dot, last = name.rpartition(".")
    if scope == "secrets":
        return "a secret never stands in a value; logins name it under registries:"
    close = NATIVE.get(name) or _OTHER_WORDS.get(name.lower())
    if scope == "inputs" and is_variable_name(last):
        close = INPUT_PREFIX + last
    if close is None and not (name.isupper() or scope in {"vars", "env"}):
        close = suggest(name, (*VARIABLES, IMAGE_NAME))
    if close is None and is_identifier(last) and (not dot or scope in {"vars", "env"}):
        close = ENV_PREFIX + last
    if close:
        other = f", or in a tag ${{{_IN_TAGS[close]}}}" if close in _IN_TAGS else ""
        return f"did you mean ${{{close}}}{other}? {literal}"
    from ci_kaniko.text.site import page

    return f"the known names: {page('spec/#variables')}; {literal}"


def parts_of(text: str) -> Parts:
    """The parts of a text; one that was never read has no variables."""
    return text.parts if isinstance(text, Template) else (text,)


def piece_of(text: str, piece: str) -> Template:
    """A piece of a text, with the parts that it has there: no variable is cut."""
    at, start = 0, text.index(piece)
    kept: list[Part] = []
    for part in parts_of(text):
        spelled = part if isinstance(part, str) else text_of((part,))
        first, last = max(start - at, 0), start + len(piece) - at
        if last > 0 and first < len(spelled):
            kept.append(part[first:last] if isinstance(part, str) else part)
        at += len(spelled)
    return Template.keeping(piece, tuple(kept))


def around(text: str, piece: str) -> Parts:
    """The parts of a text that was made around another, which knows its own."""
    before, _, after = text.partition(piece)
    return tuple(part for part in (before, *parts_of(piece), after) if part)


def names(parts: Parts) -> list[str]:
    """The variables in ``parts``, in order."""
    return [part.name for part in parts if isinstance(part, Ref)]


def text_of(parts: Parts) -> str:
    """``parts`` as a spec writes them."""
    out = ""
    for part in parts:
        if isinstance(part, str):
            out += part.replace("${", "$${")
        elif part.default is None:
            out += f"${{{part.name}}}"
        else:
            out += f"${{{part.name}:-{part.default}}}"
    return out


class Native(NamedTuple):
    """A variable of one CI inside a text: as it was written, its name, the portable one."""

    written: str
    name: str
    portable: str | None
    target: str


_PREFIXES = {start: item.name for item in SYSTEMS.values() for start in item.prefixes}
_CONTEXTS = {"github", "vars", "secrets", "inputs", "env", "matrix", "runner", "job", "steps"}
_NATIVE = pattern(
    r"(?<!\$)\$\{\{ *([a-z]+\.[A-Za-z0-9_.-]+)[^}]*\}\}|(?<!\$)\$\{(\w+)[^}]*\}|\$(\w+)", re.ASCII
)


@lru_cache(maxsize=1024)
def _home_of(name: str) -> str:
    """The target whose variables are called like this one."""
    return next((home for start, home in _PREFIXES.items() if name.startswith(start)), "")


def written_variables(text: str) -> list[str]:
    """Whatever looks like a variable in somebody's way, portable inputs aside."""
    found = [match.group() for match in _NATIVE.finditer(text)] if "$" in text else []
    return [written for written in found if not written.startswith(f"${{{INPUT_PREFIX}")]


def natives(text: str) -> list[Native]:
    """The variables of CIs that are written in their own way: ``$CI_X``, ``${{ github.x }}``."""
    found = []
    for match in _NATIVE.finditer(text) if "$" in text else ():
        name = next(filter(None, match.groups()))
        scope, dot, last = name.rpartition(".")
        if dot:
            target = "github" if name.partition(".")[0] in _CONTEXTS else ""
            portable = NATIVE.get(name) or (ENV_PREFIX + last if scope == "vars" else None)
        else:
            target = _home_of(name)
            portable = NATIVE.get(name)
        if target:
            found.append(Native(match.group(), name, portable, target))
    return found
