"""What no expression of GitHub can tell: changed paths, and refs that need a pattern.

A job before the others tells it, or a job itself.
"""

from __future__ import annotations

import re

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.globs import case_arms, split, to_regex
from ci_kaniko.targets.github.events import FOLDERS, conditions, own_paths, starts
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.targets.github.events import Starts

SAFE = str.maketrans("._", "--")
"""What becomes of the characters of an image's name that ids do not have."""


def output_name(image: str) -> str:
    """An image's name in expressions, where a name begins with a letter or ``_``."""
    name = image.translate(SAFE)
    return f"_{name}" if name[:1].isdigit() else name


_COMPARED = (
    "case $GITHUB_EVENT_NAME:$GITHUB_REF in",
    "  pull_request:*) range=$BASE...$HEAD ;;",
    "  push:refs/heads/*) range=$BASE..$HEAD ;;",
    "  *) range='' ;;",
    "esac",
    'files="$RUNNER_TEMP/changed-files"',
    'if [ -z "$range" ] || ! git cat-file -e "$BASE^{commit}" 2> /dev/null ||',
    '  ! git diff --name-only --no-renames -z "$range" -- > "$files"; then',
    '  echo "There is nothing to compare with, so everything counts as changed."',
    "  files=''",
    "fi",
)
_CHANGED = (
    '  if [ -n "$files" ] && ! LC_ALL=C grep -Eqxz -e "$1" "$files"; then answer=false; fi',
)
_CHANGED_BUT = (
    '  if [ -n "$files" ] && [ -z "$(LC_ALL=C grep -Exz -e "$1" "$files" |',
    """    LC_ALL=C grep -Evxz -e "${2:-}" | tr '\\0' x)" ]; then answer=false; fi""",
)
"""No path is empty, so nothing is excluded by an empty pattern."""
_DEFAULT_BRANCH = {"DEFAULT_BRANCH": "${{ github.event.repository.default_branch }}"}
_ROLE = (
    "role=''",
    'if [ "$GITHUB_REF" = "refs/heads/$DEFAULT_BRANCH" ]; then role=default; fi',
)


class Guard:
    """What the steps of a job begin with where its condition holds for other spellings, too."""

    def __init__(self, own: Starts) -> None:
        self.environment = _DEFAULT_BRANCH if own.by_role else {}
        self.text = "\n".join(_guard(own)) + "\n"


_LEAVE = (
    'echo "ci-kaniko: $GITHUB_REF does not start this job, and if: does not see the case"',
    "exit 0",
)


def _guard(own: Starts) -> list[str]:
    """Names and ``**`` are patterns of the shell; other lists are compared as the job does it."""
    listed = [(FOLDERS["branches"], glob) for glob in own.branches]
    listed += [(FOLDERS["tags"], glob) for glob in own.tags]
    if all(len(case_arms(folder + glob) or ()) == 1 for folder, glob in listed):
        arms = ['push:refs/heads/"$DEFAULT_BRANCH"'] * own.by_role
        arms += [f"push:{arm}" for where in listed for arm in case_arms("".join(where)) or ()]
        test = " | ".join(arms)
        return [
            "case $GITHUB_EVENT_NAME:$GITHUB_REF in",
            f"  {test}) ;;",
            "  push:*)",
            *indented(indented(_LEAVE)),
            "    ;;",
            "esac",
        ]
    patterns = list(_ref_patterns(own._replace(by_role=False)))
    grep = f"LC_ALL=C grep -Eqx -e {quote(patterns[0])}"
    if patterns[1]:
        first, second = map(quote, patterns)
        grep = f"LC_ALL=C grep -Ex -e {first} | LC_ALL=C grep -Evqx -e {second}"
    return [
        'if [ "$GITHUB_EVENT_NAME" = push ] &&',
        *['  [ "$GITHUB_REF" != "refs/heads/$DEFAULT_BRANCH" ] &&'] * own.by_role,
        f"  ! printf '%s\\n' \"$GITHUB_REF\" | {grep}; then",
        *indented(_LEAVE),
        "fi",
    ]


class Changes:
    """What the job is asked of each image; ``outputs`` are the names of its answers.

    An image that it need not be asked about, but for the case of a ref, has a guard of its own.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.conditions = conditions(pipeline)
        self.paths = own_paths(pipeline)
        inexact = {
            image.name: starts(image)
            for image in pipeline.images
            if not self.conditions[image.name].is_exact
        }
        self.guards = {
            name: Guard(own)
            for name, own in inexact.items()
            if self.conditions[name].ignores_case and name not in self.paths
        }
        self.asked = {name: own for name, own in inexact.items() if name not in self.guards}
        self.questions = {
            image.name: lines for image in pipeline.images if (lines := self._questions(image))
        }
        named: dict[tuple[str, ...], str] = {}
        self.outputs = {
            name: named.setdefault(lines, output_name(name or "image"))
            for name, lines in self.questions.items()
        }
        self.has_role = any(own.by_role for own in self.asked.values())

    def _questions(self, image: Image) -> tuple[str, ...]:
        lines = []
        if image.name in self.asked:
            lines.append(_call("pushed", _ref_patterns(self.asked[image.name])))
        if image.name in self.paths:
            lines.append(_call("changed", _path_patterns(self.paths[image.name])))
        return tuple(lines)

    @property
    def environment(self) -> dict[str, str]:
        """What the script reads."""
        names = {}
        if self.paths:
            names["BASE"] = "${{ github.event.pull_request.base.sha || github.event.before }}"
            names["HEAD"] = "${{ github.event.pull_request.head.sha || github.sha }}"
        return {**names, **(_DEFAULT_BRANCH if self.has_role else {})}

    @property
    def script(self) -> str:
        """The script of the job.

        As GitHub does, it compares a request with where it left its base, and a push with what was
        there before. Where there is nothing to compare with, everything counts as changed.
        """
        lines = ["set -eu", *(_COMPARED if self.paths else ()), *(_ROLE if self.has_role else ())]
        lines += ["answer=true", *self._about_refs(), *self._about_paths()]
        lines += ["tell() {", '  echo "$1=$answer" | tee -a "$GITHUB_OUTPUT"', "  answer=true", "}"]
        questions = {self.outputs[name]: each for name, each in self.questions.items()}
        for output, each in questions.items():
            lines += [*each, f"tell {output}"]
        return "\n".join(lines) + "\n"

    def _about_refs(self) -> list[str]:
        if not self.asked:
            return []
        grep = 'grep -Eqx -e "$1"'
        asked = self.asked.values()
        if any(split(globs)[1] for own in asked for globs in (own.branches, own.tags)):
            grep = 'grep -Ex -e "$1" | LC_ALL=C grep -Evqx -e "${2:-}"'
        words = '"$GITHUB_REF"' + ' "$role"' * self.has_role
        return [
            "pushed() {",
            f"""  if [ "$GITHUB_EVENT_NAME" = push ] && ! printf '%s\\n' {words} |""",
            f"    LC_ALL=C {grep}; then answer=false; fi",
            "}",
        ]

    def _about_paths(self) -> list[str]:
        if not self.paths:
            return []
        excludes = any(split(globs)[1] for globs in self.paths.values())
        return ["changed() {", *(_CHANGED_BUT if excludes else _CHANGED), "}"]


def _call(function: str, patterns: Iterable[str]) -> str:
    return " ".join([function, *(quote(pattern) for pattern in patterns if pattern)])


def _ref_patterns(own: Starts) -> Iterator[str]:
    """What the ref of a push matches, and what of it is taken away again."""
    role = ["default"] * own.by_role
    for heads, names in zip(split(own.branches), split(own.tags), strict=True):
        patterns = [f"refs/heads/{to_regex(glob)}" for glob in heads]
        patterns += [f"refs/tags/{to_regex(glob)}" for glob in names]
        yield "|".join([*role, *patterns])
        role = []


def _path_patterns(globs: tuple[str, ...]) -> Iterator[str]:
    for part in split(globs):
        yield "|".join(map(_path_pattern, part))


def _path_pattern(glob: str) -> str:
    r"""The regular expression of a path's glob, where ``**/`` may be no folder at all.

    >>> _path_pattern("src/**/*.go"), _path_pattern("**.go")
    ('src/(.*/)?[^/]*\\.go', '.*\\.go')
    """
    return re.sub(r"(?:^|(?<=/))\.\*/", "(.*/)?", to_regex(glob))
