"""In which runs a step holds a secret that only pushes need.

Where an expression of GitHub can tell these runs, it stands at the secret in ``env:``. None can
tell, for example, the case of a branch's name. Where the executor could read the secret, a step
before then looks at the run with the shell, and the expression reads its answers. Elsewhere the
step may hold the secret in a few runs more, in which its script makes no login.
"""

from __future__ import annotations

from ci_kaniko.plan.logins import late_uses
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.conditions import ALWAYS, ROLES, VERSIONS, Condition
from ci_kaniko.syntax.globs import Globs, split
from ci_kaniko.targets.github.events import DEFAULT_REF, FOLDERS, any_of, ref_test, starting
from ci_kaniko.targets.github.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.shell.script import Script
    from ci_kaniko.syntax.conditions import AnyOf

ASKED = "pushes"
"""The id of the step that says what no expression can say."""
_WHENS = {"pull-request": "pull_request", "schedule": "schedule", "manual": "workflow_dispatch"}


class _Test(NamedTuple):
    """Where it is not exact, it holds for rare refs, too; where it is ``wide``, for usual ones."""

    text: str
    is_exact: bool = True
    is_wide: bool = False


class Held:
    """The secrets of a build that only runs hold which push with them.

    ``inside`` says that the script runs in the executor's own container.
    """

    def __init__(self, plan: Plan, *, inside: bool) -> None:
        self._events = _one(list(_events(plan)))
        self._uses = {name: _uses(plan, name) for name in _names(plan)}
        self._tests = {name: _test(plan, uses, certain=inside) for name, uses in self._uses.items()}

    @property
    def environment(self) -> dict[str, str]:
        """The secrets under their names."""
        return {
            name: f"${{{{ {' && '.join(tests)} && secrets.{name} || '' }}}}"
            for name in self._uses
            if (tests := [*filter(None, [self._events, self._condition(name)])])
        }

    def _condition(self, name: str) -> str:
        test = self._tests[name]
        return test.text if test.is_exact else f"steps.{ASKED}.outputs.{name}"

    def asking(self, script: Script, shell: str) -> list[Step]:
        """The step that says the rest; none where expressions can say all."""
        asked: dict[AnyOf, list[str]] = {}
        for name, test in self._tests.items():
            if not test.is_exact:
                tell = f'echo {name}=yes >> "$GITHUB_OUTPUT"'
                asked.setdefault(self._uses[name], []).append(tell)
        if not asked:
            return []
        text = script.answers(asked)
        return [Step("Look at what is pushed", text, shell, ASKED, dict(script.environment))]


def _names(plan: Plan) -> list[str]:
    """The secrets that a run which pushes nothing must not hold, in the order of the others."""
    if not plan.arguments:
        return []
    kept = plan._replace(logins=tuple(login for login in plan.logins if not login.pushes))
    names = [name for name in plan.secrets if name not in kept.secrets]
    tokens, needed = (
        any(login.login.kind == "ci-token" for login in each.logins) for each in (plan, kept)
    )
    needed |= bool(plan.git_login and plan.git_login.secret is None)
    return [*names, *["GITHUB_TOKEN"] * (tokens and not needed)]


def _uses(plan: Plan, name: str) -> AnyOf:
    """When a run pushes with a secret, events that never push aside."""
    conditions: dict[Condition, None] = {}
    for login in plan.logins:
        token = login.login.kind == "ci-token" and name == "GITHUB_TOKEN"
        if token or name in {*login.secrets, login.login.docker_config}:
            late = late_uses(plan, login)
            whens = [push.when for push in plan.pushes if not late or push.when in late]
            conditions |= {condition: None for when in whens for condition in when}
    if {*ROLES} <= {each.kind for each in conditions}:
        others = {each: None for each in conditions if each.kind not in ROLES}
        conditions = {Condition("branch", Globs(["**"])): None, **others}
    return ALWAYS if ALWAYS[0] in conditions else tuple(conditions)


def _events(plan: Plan) -> Iterator[str]:
    """The events that may push, where others do not."""
    started = plan.started
    names = [
        "push",
        *["pull_request"] * (plan.push == "always"),
        *["schedule"] * started.schedules,
        *["workflow_dispatch"] * started.manual,
        *["repository_dispatch"] * started.pipelines,
    ]
    yield from (f"github.event_name == '{name}'" for name in names if plan.unpushed)


def _test(plan: Plan, uses: AnyOf, *, certain: bool) -> _Test:
    if uses == ALWAYS:
        return _Test("")
    tests = [test for condition in uses for test in _when_tests(condition, plan)]
    text = _one([*dict.fromkeys(test.text for test in tests)])
    exact = (test.is_exact or not (certain or test.is_wide) for test in tests)
    return _Test(text, all(exact))


def _when_tests(condition: Condition, plan: Plan) -> Iterator[_Test]:
    started, default = plan.started, plan.spec.default_branch
    if condition.kind in {"branch", "tag"}:
        kind = "branches" if condition.kind == "branch" else "tags"
        globs, out = split(condition.globs)
        starting_globs, never = split(getattr(started, kind))
        others = {*starting_globs, *(["**"] if started.manual else [])}
        if started.default_branch and kind == "branches":
            others |= {default or "**"}
        for glob in globs:
            if glob == "**":
                yield _Test(starting(FOLDERS[kind]), not out)
            else:
                test = ref_test(glob, FOLDERS[kind], others - {glob})
                yield _Test(test.text, test.is_exact and (not out or {*out} <= {*never}))
    elif condition.kind in VERSIONS:
        yield _Test(starting(FOLDERS["tags"] + plan.spec.tag_prefix), is_exact=False)
    elif condition.kind in _WHENS:
        yield _Test(f"github.event_name == '{_WHENS[condition.kind]}'")
    elif condition.kind == "other-branch":
        # To an expression a branch that differs from the default one in its case only is the same.
        yield _Test(starting(FOLDERS["branches"]), is_exact=False, is_wide=True)
    else:
        # Without triggers no other branch starts the job.
        others = set() if started.default_branch else {*split(started.branches)[0]}
        others |= {"**"} if started.manual else set()
        if default:
            test = ref_test(default, FOLDERS["branches"], others - {default})
            yield _Test(test.text, test.is_exact)
            return
        yield _Test(DEFAULT_REF, not others)
        # The event of a schedule does not say the name.
        yield from [_Test("github.event_name == 'schedule'")] * started.schedules


def _one(tests: list[str]) -> str:
    return f"({any_of(tests)})" if len(tests) > 1 else "".join(tests)
