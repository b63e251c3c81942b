"""Every rule that a problem can name: what it says, why, a spec that breaks it, and the fix.

The rules stand in ``rules/*.yaml``, a file for each group, and who reports them in ``checks.yaml``,
which ``docs/make`` reads from the code. ``ci-kaniko explain`` and
``docs/rules.md`` show them, and each example is run by the tests. What
``lint`` finds in the pipelines that people have stands beside them, in ``rules/pipelines.yaml``.
"""

from __future__ import annotations

from importlib.resources import files

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from ci_kaniko.problems.problem import Severity

_NOTHING: dict[str, str] = {}
_GROUPS = (
    *("reading", "keys", "texts", "logins", "together", "checkout", "images", "targets"),
    "outputs",
    "fleet",
)


class Rule(NamedTuple):
    """A rule and its example.

    - ``bad`` is a spec that breaks it, for a ``target`` with ``values`` or for every target, in a
      checkout with ``files``.
    - ``situation`` tells how it is broken where a spec in a book cannot show it.
    - ``message`` is what is said then. For other examples it is found out by running them.
    - ``fix`` is the spec put right, ``fixed_files`` are the files, and ``remedy`` says what else
      helps.
    - ``checks`` are the functions that report it.
    """

    id: str
    says: str
    why: str
    bad: str = ""
    fix: str | None = None
    remedy: str = ""
    target: str | None = None
    values: dict[str, str] = _NOTHING
    command: str = "validate"
    files: dict[str, str] = _NOTHING
    fixed_files: dict[str, str] = _NOTHING
    situation: str = ""
    message: str = ""
    checks: tuple[str, ...] = ()


class Fault(NamedTuple):
    """What ``lint`` finds in a pipeline: how bad it is, why, and what mends it there."""

    id: str
    severity: Severity
    says: str
    fix: str


class Faults(NamedTuple):
    """All faults by their ids; ``changes`` are what import words differently, which is none."""

    title: str
    faults: dict[str, Fault]
    changes: frozenset[str]


def groups() -> dict[str, dict[str, Rule]]:
    """The rules by their ids, in groups by their titles."""
    checks = _read("checks.yaml")
    found: dict[str, dict[str, Rule]] = {}
    for name in _GROUPS:
        group = _read(f"rules/{name}.yaml")
        found[group["title"]] = {
            rule: Rule(rule, **fields, checks=tuple(checks.get(rule, ())))
            for rule, fields in group["rules"].items()
        }
    return found


def _read(name: str) -> Any:
    from ci_kaniko.text.pyyaml import loader

    text = files("ci_kaniko.problems").joinpath(name).read_text("utf-8")
    return loader()(text).get_single_data()


def rules() -> dict[str, Rule]:
    """Every rule by its id."""
    return {name: rule for group in groups().values() for name, rule in group.items()}


def faults() -> Faults:
    """What can be wrong with a pipeline."""
    read = _read("rules/pipelines.yaml")
    found = {name: Fault(name, *fields) for name, fields in read["faults"].items()}
    return Faults(read["title"], found, frozenset(read["changes"]))
