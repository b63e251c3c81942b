"""What a script asks about its run: conditions, and whether texts can stand in references."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.words import expanded
from ci_kaniko.spec.given import CHOICE, UNTAGGED, given_in
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf, Condition
from ci_kaniko.syntax.globs import case_arms, grep_pattern, is_literal, split
from ci_kaniko.syntax.references import DOCKER_HUB_LOOKALIKES, can_be, is_held, is_run_time_host
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref, names, text_of
from ci_kaniko.text.display import listed
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.plan.model import Push
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.words import Words
    from ci_kaniko.spec.given import Given
    from ci_kaniko.syntax.references import Reference
    from ci_kaniko.syntax.variables import Parts


class Tests:
    """Conditions; ``events`` are the tests of a CI for its own kinds of runs."""

    def __init__(self, words: Words, events: Mapping[str, str]) -> None:
        self._words = words
        self._events = events

    def when(self, any_of: AnyOf, body: list[str]) -> list[str]:
        """``body`` under a condition."""
        if any_of == ALWAYS:
            return body
        if len(any_of) == 1 and any_of[0].globs:
            return self._ref_block(any_of[0], body)
        versions = any(condition.kind == "version" for condition in any_of)
        needed = [each for each in any_of if not (versions and each.kind == "release")]
        tests = [self._test(condition) for condition in needed]
        if len(tests) > 1:
            tests = [f"{{ {test}; }}" if " && " in test else test for test in tests]
        test = " || ".join(tests)
        return [f"if {test}; then", *indented(body), "fi"]

    def event(self, kind: str) -> str:
        """The test for a kind of run."""
        return self._events[kind]

    def _test(self, condition: Condition) -> str:
        if condition.kind == "default-branch":
            return self._default_branch()
        if condition.kind == "other-branch":
            return self._other_branch()
        if condition.kind == "version":
            return f"[ -n {self._words.value('version')} ]"
        if condition.kind == "release":
            name = self._words.cell("version").name
            return f'[ -n "${{{name}##*-*}}" ]'
        if not condition.globs:
            return self.event(condition.kind)
        word = self._words.value(condition.kind)
        globs, out = split(condition.globs)
        if len(globs) == 1 and is_literal(globs[0]):
            return f"[ {word} = {quote(globs[0])} ]"
        test = f"printf '%s\\n' {word} | grep -Eqx {quote(grep_pattern(globs))}"
        if out:
            test += f" && ! printf '%s\\n' {word} | grep -Eqx {quote(grep_pattern(out))}"
        return test

    def _default_branch(self) -> str:
        branch, default = self._words.value("branch"), self._words.value("default_branch")
        cell = self._words.cell("default_branch")
        guard = f"[ -n {branch} ] && " if cell.env else ""
        return f"{guard}[ {branch} = {default} ]"

    def _other_branch(self) -> str:
        """Where nobody tells the default branch, each may be it."""
        branch, default = self._words.value("branch"), self._words.value("default_branch")
        known = "" if self._words.cell("default_branch").literal else f"[ -n {default} ] && "
        return f"[ -n {branch} ] && {known}[ {branch} != {default} ]"

    def _ref_block(self, condition: Condition, body: list[str]) -> list[str]:
        globs, out = split(condition.globs)
        arms = case_arms(globs[0]) if len(globs) == 1 and not out else None
        if len(globs) > 1 and all(is_literal(glob) for glob in globs):
            arms = (" | ".join(arm for glob in globs for arm in case_arms(glob) or ()),)
        if arms is None or (len(globs) == 1 and is_literal(globs[0])):
            return [f"if {self._test(condition)}; then", *indented(body), "fi"]
        word = self._words.value(condition.kind).strip('"')
        skipped = [f"  {arm}) ;;" for arm in arms[:-1]]
        if len(body) == 1 and "\n" not in body[0]:
            taken = [f"  {arms[-1]}) {body[0]} ;;"]
        else:
            taken = [f"  {arms[-1]})", *indented(indented(body)), "    ;;"]
        return [f"case {word} in", *skipped, *taken, "esac"]


_ELSEWHERE = ("host", "image", UNTAGGED, CHOICE)
"""What is checked where it stands in a text, or where a platform hands it over."""


class Checks:
    """Run-time checks of variables that can hold what a reference cannot."""

    def __init__(self, draft: Draft, words: Words) -> None:
        self._draft = draft
        self._words = words
        self._plan = draft.plan

    def of_every_run(self) -> list[str]:
        """The checks that every run makes: of paths, of the stage, of the cache, of base images."""
        found = given_in(self._plan.spec) if self._plan.arguments else ()
        given = [
            each for each in found if each.what not in _ELSEWHERE and not self._listed(each.name)
        ]
        checks = [tuple(self._given(each)) for each in given]
        checks += self._of(self._cached())
        checks += [tuple(self.of_host(one.key)) for one in self._plan.logins if not one.pushes]
        return [line for check in dict.fromkeys(checks) for line in check]

    def _listed(self, name: str) -> bool:
        """Whether an input is one of a list, which a job checks first, or its platform."""
        item = self._plan.spec.inputs.get(name)
        return item is not None and bool(item.options)

    def _given(self, given: Given) -> list[str]:
        """Lines that stop where an input is no path or no stage."""
        name = INPUT_PREFIX + given.name
        word = expanded(self._words.cell(name))
        if given.what == "stage":
            tested, arms = word, ["[!A-Za-z0-9]* | *[!A-Za-z0-9_.-]* | '')"]
        else:
            tested, arms = f"/{word}/", ["*[!A-Za-z0-9._+@/-]* | *//* | */./* | */../*)"]
        if given.what == "folder":
            arms.insert(0, "/./) ;;")
        return [
            f"case {tested} in",
            *indented(arms),
            f'    echo "ci-kaniko: no {given.what} can be this {name}: {word}" >&2',
            "    exit 1",
            "    ;;",
            "esac",
        ]

    def of_pushes(self, pushes: Iterable[Push]) -> list[str]:
        """The checks of some destinations."""
        done = self._of(self._cached())
        checks = self._of(push.reference for push in pushes)
        return [line for check in checks if check not in done for line in check]

    def _cached(self) -> list[Reference]:
        """What every run pulls from."""
        return [self._plan.cached] if self._plan.cached else []

    def _of(self, references: Iterable[Reference]) -> dict[tuple[str, ...], None]:
        checks: dict[tuple[str, ...], None] = {}
        for reference in references:
            checks[tuple(self.of_host(reference.registry, "'' | localhost"))] = None
            pieces = ((reference.repository, "a-z0-9._/-"), (reference.tag, "A-Za-z0-9_.-"))
            for piece, allowed in pieces:
                for part in piece:
                    if not isinstance(part, Ref) or not self._can_hold_anything(part.name):
                        continue
                    if part.piece:
                        check = self._check_held(part, may_hold_tag=reference.may_hold_tag)
                    else:
                        check = self._check(part, allowed)
                    checks[tuple(check)] = None
        return checks

    def of_host(self, registry: Parts, short: str = "localhost") -> list[str]:
        """Lines that stop where a host is none: kaniko would take it for a part of the path.

        ``short`` are hosts without a dot: an empty one that stands in a reference has stopped the
        run before. What a run has passed is not checked again.
        """
        written = text_of(registry)
        given = [name for name in names(registry) if name.startswith(INPUT_PREFIX)]
        chosen = any(self._listed(name.removeprefix(INPUT_PREFIX)) for name in given)
        if chosen or not is_run_time_host(registry):
            return []
        held = is_held(registry)
        if not self._draft.once(f"{'image' if held else 'host'} {written}"):
            return []
        word = self._words.text(registry)
        made_of = listed(dict.fromkeys(names(registry)))
        hidden = sorted(name for name in DOCKER_HUB_LOOKALIKES if can_be(registry, name))
        is_whole = len(registry) == 1
        return [
            f"case {word} in",
            *[f"  {short}) ;;"] * (is_whole and not held),
            "  *[!a-z0-9.:-]* | [.:-]* | *[.:-] | *[.:-][.:]* | *[.:]-* | *:*[!0-9]*) false ;;",
            *[f"  {' | '.join(hidden)}) false ;;"] * bool(hidden),
            *["  *.* | *:*) ;;", "  *) false ;;"] * (is_whole and not held),
            "esac || {",
            f'  echo "ci-kaniko: no registry to log in to has this {made_of}:" {word} >&2',
            "  exit 1",
            "}",
        ]

    def _can_hold_anything(self, name: str) -> bool:
        if name.startswith(INPUT_PREFIX):
            return bool(self._words.cell(name).name)
        return name == "tag" or name.startswith("env.")

    def _check_held(self, ref: Ref, *, may_hold_tag: bool) -> list[str]:
        """Lines that stop where what should be the name of an image is none."""
        whole = f'"${self._words.whole(ref)}"'
        if not self._draft.once(f"path {whole} {may_hold_tag}"):
            return []
        what = "image" if may_hold_tag else "image without a tag"
        arms = ["/* | */[./-]* | */*[!a-z0-9._/-]* | */) false ;;"]
        if may_hold_tag:
            arms = ["/* | */[./:-]* | */*[!A-Za-z0-9._/:-]* | */) false ;;"]
            arms += ["*/*:*[:/]* | */*:[.-]* | */*:) false ;;"]
        return [
            f"case {whole} in",
            *indented([*arms, "*/*) ;;", "*) false ;;"]),
            "esac || {",
            f'  echo "ci-kaniko: {ref.name} is not the name of an {what}:" {whole} >&2',
            "  exit 1",
            "}",
        ]

    def _check(self, ref: Ref, allowed: str) -> list[str]:
        word = expanded(self._words.cell(ref.name))
        what = "image tag" if "A-Z" in allowed else "repository name"
        return [
            f"case {word} in",
            f"  [.-]* | *[!{allowed}]*)",
            f'    echo "ci-kaniko: no {what} can hold this {ref.name}: {word}" >&2',
            "    exit 1",
            "    ;;",
            "esac",
        ]
