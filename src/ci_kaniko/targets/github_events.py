"""What starts a workflow on GitHub, and which of its jobs then run.

``on:`` is for the whole file: it names what starts any of the images, and the ``if:`` of a job
leaves out what is not for its image. Paths are looked at by ``on:`` when they are the same for all
images, and by a job that runs first when they differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.findings import Finding, quoted
from ci_kaniko.globs import in_order, is_exclusion, is_literal, split, to_github, to_regex
from ci_kaniko.shell import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.findings import Where
    from ci_kaniko.pipeline import Image, Pipeline

_EVERYTHING = {"branches": ["**"], "tags": ["**"]}
_FORK = "github.event.pull_request.head.repo.full_name != github.repository"
_DEFAULT_REF = "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
SAFE = str.maketrans("._", "--")
"""What becomes of the characters of an image's name that ids do not have."""
_FOLDERS = {"branches": "refs/heads/", "tags": "refs/tags/"}


class Starts(NamedTuple):
    """What starts an image's job, or any of several.

    ``by_role`` is for the default branch when nobody says its name.
    """

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pull_requests: bool = False
    schedules: tuple[str, ...] = ()
    manual: bool = False
    pipelines: bool = False
    by_role: bool = False
    each_request: bool = False


ANYTHING = Starts(("**",), ("**",), True, ("* * * * *",), True, True, True)  # noqa: FBT003
"""What may start a workflow that somebody else writes."""


def is_guest(found: Pipeline) -> bool:
    """Whether somebody else writes what starts the workflow, or the one that calls it."""
    return found.spec.builds[0].github.form in {"jobs", "reusable"}


def starts(image: Image) -> Starts:
    """What starts the job of an image."""
    started, triggers = image.plan.started, image.build.triggers
    default = image.build.default_branch
    return Starts(
        branches=(default,) if started.default_branch and default else started.branches,
        tags=started.tags,
        pull_requests=started.pull_requests,
        schedules=triggers.schedules if triggers else (),
        manual=started.manual,
        pipelines=started.pipelines,
        by_role=started.default_branch and default is None,
        each_request=started.each_request,
    )


def _any_of(several: list[Starts]) -> Starts:
    return Starts(
        branches=_merged(each.branches for each in several),
        tags=_merged(each.tags for each in several),
        pull_requests=any(each.pull_requests for each in several),
        schedules=_merged(each.schedules for each in several),
        manual=any(each.manual for each in several),
        pipelines=any(each.pipelines for each in several),
        by_role=any(each.by_role for each in several),
        each_request=all(each.each_request for each in several),
    )


def _merged(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    several = list(lists)
    merged = tuple(dict.fromkeys(text for texts in several for text in texts))
    return ("**",) if "**" in merged and len(set(several)) > 1 else merged


def events(found: Pipeline) -> dict[str, Any]:
    """``on:``; a filter that lets everything through is left out."""
    union = _any_of([starts(image) for image in found.images])
    paths = [to_github(glob) for glob in in_order(common_paths(found))]
    filters = {
        "branches": ["**"] if union.by_role else [*map(to_github, in_order(union.branches))],
        "tags": [*map(to_github, in_order(union.tags))],
    }
    filters = {key: globs for key, globs in filters.items() if globs}
    if paths and "branches" in filters:
        filters["paths"] = paths
    answer: dict[str, Any] = {}
    if filters:
        answer["push"] = None if filters == _EVERYTHING else filters
    if union.pull_requests:
        answer["pull_request"] = {"paths": paths} if paths else None
        answer["merge_group"] = None
    if union.schedules:
        answer["schedule"] = [{"cron": line} for line in union.schedules]
    if union.manual:
        answer["workflow_dispatch"] = None
    if union.pipelines:
        answer["repository_dispatch"] = None
    return answer


def common_paths(found: Pipeline) -> tuple[str, ...]:
    """The paths that ``on:`` can look at, because all images have the same."""
    several = {image.plan.started.paths for image in found.images}
    return several.pop() if len(several) == 1 and not is_guest(found) else ()


def conditions(found: Pipeline) -> tuple[dict[str, str], list[Finding]]:
    """What ``on:`` cannot say of each image, and what no condition can say."""
    several = {image.name: starts(image) for image in found.images}
    guests = [ANYTHING] if is_guest(found) else []
    if len({*several.values(), *guests}) == 1:
        return {name: _alone(each) for name, each in several.items()}, []
    answer: dict[str, str] = {}
    findings: list[Finding] = []
    for image in found.images:
        tests = _Tests(several[image.name], [*several.values(), *guests], guest=bool(guests))
        answer[image.name] = tests.condition()
        findings += image.findings(tests.findings)
    return answer, findings


def _alone(own: Starts) -> str:
    """The default branch by its role, and branches that are built already."""
    if own.by_role:
        # Without triggers every other event is a request, or a group of them.
        default = "github.ref_name == github.event.repository.default_branch"
        return f"github.event_name != 'push' || github.ref_type == 'tag' || {default}"
    foreign = _not_built_by_a_push(own)
    return f"github.event_name != 'pull_request' || {foreign}" if foreign else ""


def _not_built_by_a_push(own: Starts) -> str:
    """Which pull requests are built, as far as an expression can say it; empty for all."""
    if not own.pull_requests or own.each_request or split(own.branches)[1]:
        return ""
    other = [_not_from(glob) for glob in own.branches if not is_literal(glob)]
    if "" in other:
        return _FORK
    tests = [test for test in other if test]
    return f"{_FORK} || ({' && '.join(tests)})" if tests else ""


def _not_from(glob: str) -> str | None:
    """An expression that a request's branch does not match; None when expressions cannot say it."""
    if glob == "**":
        return ""
    prefix, stars, rest = glob.partition("**")
    if stars and not rest and "*" not in prefix and "'" not in prefix:
        return f"!startsWith(github.head_ref, '{prefix}')"
    return None


class _Tests:
    """The condition of one image among several that other events start."""

    def __init__(self, own: Starts, several: list[Starts], *, guest: bool) -> None:
        self.own = own
        self.guest = guest
        self.union = _any_of(several)
        self.several = several
        self.findings: list[Finding] = []

    def condition(self) -> str:
        foreign = _not_built_by_a_push(self.own)
        if self.own == self.union:
            return f"github.event_name != 'pull_request' || {foreign}" if foreign else ""
        tests = [*self._pushes()]
        if self.own.pull_requests:
            request = "github.event_name == 'pull_request'"
            tests.append(f"{request} && ({foreign})" if foreign else request)
            tests.append("github.event_name == 'merge_group'")
        if set(self.own.schedules) == set(self.union.schedules):
            tests += ["github.event_name == 'schedule'"] * bool(self.own.schedules)
        else:
            tests += [f"github.event.schedule == {_text(line)}" for line in self.own.schedules]
        if self.own.manual:
            tests.append("github.event_name == 'workflow_dispatch'")
        if self.own.pipelines:
            tests.append("github.event_name == 'repository_dispatch'")
        assert tests or self.findings, "no condition would be every event"
        return _any(tests)

    def _pushes(self) -> Iterator[str]:
        """Pushes: other events are told apart by the ref, but for those that have a branch's."""
        refs = [*self._refs("branches"), *self._refs("tags")]
        if {"refs/heads/", "refs/tags/"} <= {_all_of(test) for test in refs}:
            yield "github.event_name == 'push'"
        elif refs and self.union._replace(branches=(), tags=(), by_role=False) != Starts():
            test = f"({_any(refs)})" if len(refs) > 1 else refs[0]
            yield f"github.event_name == 'push' && {test}"
        else:
            yield from refs

    def _refs(self, kind: str) -> Iterator[str]:
        listed: tuple[str, ...] = getattr(self.own, kind)
        own, out = split(listed)
        others = {glob for each in self.several for glob in split(getattr(each, kind))[0]} - {*own}
        if out and any(getattr(each, kind) not in ((), listed) for each in self.several):
            index = next(at for at, glob in enumerate(listed) if is_exclusion(glob))
            self.findings.append(self._no_expression(listed[index], ("triggers", kind, index)))
            return
        others |= {"**"} if kind == "branches" and self.union.by_role else set()
        if kind == "branches" and self.own.by_role:
            yield _DEFAULT_REF
        elif own and (not others or "**" in own):
            yield _starting(_FOLDERS[kind])
        else:
            for glob in own:
                test = _ref_test(glob, _FOLDERS[kind], others)
                if test is None or any(_differ_by_case(glob, other) for other in others):
                    index = listed.index(glob)
                    self.findings.append(self._no_expression(glob, ("triggers", kind, index)))
                else:
                    yield test

    def _no_expression(self, glob: str, where: Where) -> Finding:
        others = (
            "the workflow has triggers of its own"
            if self.guest
            else ("other images have other triggers")
        )
        way_out = "branches: with ** at the end, or a file of its own, without mode: merge"
        if not self.guest:
            way_out = (
                "the same triggers for all images, or a file for each: outputs: {github: "
                "[{path: .github/workflows/NAME.yml, only: [NAME]}, ...]}"
            )
        message = f"{others}, and a job's if: cannot tell {quoted(glob)} from those"
        return Finding("impossible-trigger", where, message, way_out)


def _all_of(test: str) -> str:
    found = re.fullmatch(r"startsWith\(github\.ref, '(refs/(?:heads|tags)/)'\)", test)
    return found[1] if found else ""


def _ref_test(glob: str, folder: str, others: set[str]) -> str | None:
    """Whether a ref matches, of those that match this glob or any of the others.

    None when expressions cannot say it: they know how a text begins and ends, no more.
    """
    if is_literal(glob):
        return f"github.ref == {_text(folder + glob)}"
    first, last = glob.index("*"), glob.rindex("*")
    prefix, suffix = glob[:first], glob[last + 1 :]
    tests = [_starting(folder + prefix)]
    if suffix:
        tests.append(f"endsWith(github.ref, {_text(suffix)})")
    middle = glob[first : last + 1]
    simple = middle == "**" and not (prefix and suffix)
    if not simple and any(_may_pass(other, prefix, suffix) for other in others):
        if middle != "*" or "/" in prefix + suffix or (prefix and suffix):
            return None
        tests.append("!contains(github.ref_name, '/')")
    return " && ".join(tests)


def _differ_by_case(glob: str, other: str) -> bool:
    """Whether two globs begin alike but for the case, which an expression does not see."""
    one, two = glob.partition("*")[0], other.partition("*")[0]
    shared = min(len(one), len(two))
    if is_literal(glob) and is_literal(other):
        return one.lower() == two.lower()
    return one[:shared] != two[:shared] and one[:shared].lower() == two[:shared].lower()


def _may_pass(other: str, prefix: str, suffix: str) -> bool:
    """Whether something that matches ``other`` may begin and end so; GitHub ignores case."""
    other, prefix, suffix = other.lower(), prefix.lower(), suffix.lower()
    if is_literal(other):
        return other.startswith(prefix) and other.endswith(suffix)
    start, end = other[: other.index("*")], other[other.rindex("*") + 1 :]
    return (start.startswith(prefix) or prefix.startswith(start)) and (
        end.endswith(suffix) or suffix.endswith(end)
    )


def _starting(text: str) -> str:
    return f"startsWith(github.ref, {_text(text)})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _any(tests: list[str]) -> str:
    if len(tests) > 1:
        tests = [f"({test})" if " && " in test else test for test in tests]
    return " || ".join(tests)


def watched(found: Pipeline) -> dict[str, str]:
    """The images whose paths a job has to look at, and what its output for each is called."""
    if len({image.plan.started.paths for image in found.images}) == 1 and not is_guest(found):
        return {}
    return {
        image.name: output_name(image.name or "image")
        for image in found.images
        if image.plan.started.paths
    }


def output_name(image: str) -> str:
    """An image's name in expressions, where a name begins with a letter or ``_``."""
    name = image.translate(SAFE)
    return f"_{name}" if name[:1].isdigit() else name


WATCH_ENVIRONMENT = {
    "BASE": "${{ github.event.pull_request.base.sha || github.event.before }}",
    "HEAD": "${{ github.event.pull_request.head.sha || github.sha }}",
}


_LOOK = ('  if [ -n "$files" ] && ! LC_ALL=C grep -Eqxz -e "$2" "$files"; then changed=false; fi',)
_LOOK_EXCLUDING = (
    '  if [ -n "$files" ] && [ -z "$(LC_ALL=C grep -Exz -e "$2" "$files" |',
    """    LC_ALL=C grep -Evxz -e "${3:-}" | tr '\\0' x)" ]; then changed=false; fi""",
)
"""No path is empty, so nothing is excluded by an empty pattern."""


def watch_script(found: Pipeline) -> str:
    """The script of the job that looks at paths.

    As GitHub does, it compares a request with where it left its base, and a push with what was
    there before. Where there is nothing to compare with, everything counts as changed.
    """
    outputs = watched(found)
    excludes = any(split(image.plan.started.paths)[1] for image in found.images)
    lines = [
        "set -eu",
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
        "look() {",
        "  changed=true",
        *(_LOOK_EXCLUDING if excludes else _LOOK),
        '  echo "$1=$changed" | tee -a "$GITHUB_OUTPUT"',
        "}",
    ]
    for image in found.images:
        if image.name in outputs:
            words = [
                quote("|".join(map(_path_pattern, globs)))
                for globs in split(image.plan.started.paths)
                if globs
            ]
            lines.append(f"look {outputs[image.name]} {' '.join(words)}")
    return "\n".join(lines) + "\n"


def _path_pattern(glob: str) -> str:
    r"""The regular expression of a path's glob, where ``**/`` may be no folder at all.

    >>> _path_pattern("src/**/*.go"), _path_pattern("**.go")
    ('src/(.*/)?[^/]*\\.go', '.*\\.go')
    """
    return re.sub(r"(?:^|(?<=/))\.\*/", "(.*/)?", to_regex(glob))
