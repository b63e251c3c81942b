"""Many cases, one item: a run spends its time on the cases, not on what pytest does around each.

A function becomes one item when all that it asks for are its parameters and fixtures that a case
can have for itself. Every case runs, even after another has failed, and each failure names its own.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Mapping, Sequence

_FIXTURES = {"tmp_path", "monkeypatch", "request", "snapshot"}
"""Each case has a folder and patches of its own; the rest is the same for all."""


class _Parameters(NamedTuple):
    """What one decorator gives: names, and their values in each case."""

    names: Sequence[str]
    values: Sequence[Sequence[Any]]


def folded(collector: pytest.Collector, name: str, test: Any) -> pytest.Function | None:
    """One item for all cases of a function; None where pytest has to make one of each."""
    marks = getattr(test, "pytestmark", [])
    given = [mark for mark in marks if mark.name == "parametrize"]
    if not given or not inspect.isfunction(test) or hasattr(test, "hypothesis"):
        return None
    if any(mark.name == "usefixtures" for mark in marks) or _has_autouse(collector):
        return None
    parameters = [each for each in map(_parameters, given) if each]
    names = {name for each in parameters for name in each.names}
    fixtures = [name for name in inspect.signature(test).parameters if name not in names]
    if len(parameters) < len(given) or not _FIXTURES.issuperset(fixtures):
        return None

    @functools.wraps(test)
    def every_case(**shared: Any) -> None:
        _run(test, list(_cases(parameters)), shared)

    keyword = inspect.Parameter.KEYWORD_ONLY
    every_case.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword) for name in fixtures]
    )
    every_case.pytestmark = [  # type: ignore[attr-defined]
        mark for mark in marks if mark.name != "parametrize"
    ]
    item: pytest.Function = pytest.Function.from_parent(collector, name=name, callobj=every_case)
    return item


def _parameters(mark: pytest.Mark) -> _Parameters | None:
    """None where a case has marks, or its values are for fixtures."""
    if len(mark.args) != 2 or mark.kwargs.keys() - {"ids"}:
        return None
    names, values = mark.args
    if not isinstance(values, Collection):
        return None
    alone = isinstance(names, str) and "," not in names
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    sets = []
    for value in values:
        if hasattr(value, "marks"):
            if value.marks:
                return None
            sets.append(value.values)
        else:
            sets.append([value] if alone else value)
    return _Parameters(names, sets)


def _has_autouse(collector: pytest.Collector) -> bool:
    """Whether the file has fixtures that pytest sets up anew for each case."""
    markers = (
        getattr(value, "_fixture_function_marker", None)
        for value in vars(getattr(collector, "obj", None)).values()
    )
    return any(marker.autouse for marker in markers if marker)


def _cases(parameters: Sequence[_Parameters]) -> Iterator[dict[str, Any]]:
    for chosen in itertools.product(*(each.values for each in parameters)):
        case: dict[str, Any] = {}
        for each, values in zip(parameters, chosen, strict=True):
            case |= zip(each.names, values, strict=True)
        yield case


def _run(
    test: Callable[..., None], cases: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]
) -> None:
    """Run every case; then fail, or skip, for all that did so.

    Raises pytest's own exceptions.
    """
    assert cases
    failures, skips = [], dict[str, BaseException]()
    for number, case in enumerate(cases):
        try:
            with _own(shared, number) as fixtures:
                test(**case, **fixtures)
        except pytest.exit.Exception:
            raise
        except pytest.skip.Exception as skipped:
            skips.setdefault(str(skipped), skipped)
        except (Exception, SystemExit, pytest.fail.Exception) as error:  # noqa: BLE001 - as pytest
            failures.append(_told(case, error))
    if failures:
        told = "\n\n".join(failures)
        pytest.fail(f"{len(failures)} of {len(cases)} cases\n\n{told}", pytrace=False)
    if len(skips) == 1:
        raise next(iter(skips.values()))
    if skips:
        pytest.skip(" and ".join(skips))


@contextlib.contextmanager
def _own(shared: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """The fixtures of one case."""
    own = dict(shared)
    with contextlib.ExitStack() as stack:
        if "tmp_path" in own:
            folder: pathlib.Path = own["tmp_path"] / str(number)
            folder.mkdir()
            own["tmp_path"] = folder
        if "monkeypatch" in own:
            own["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
        yield own


def _told(case: Mapping[str, Any], error: BaseException) -> str:
    found = pytest.ExceptionInfo.from_exception(error)
    found.traceback = found.traceback[1:]
    values = ", ".join(f"{name}={_short(value)}" for name, value in case.items())
    return f"-- {values}\n{found.getrepr(style='short')}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:99]}…"
