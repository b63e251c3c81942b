"""Many cases, one item: a run spends its time on the cases, not on what pytest does around each.

A function becomes one item when all that it asks for are its parameters and fixtures that a case
can have for itself: those below, and those of its file that are made of them. What a file sets up
for all of its tests by patches holds around the item. Every case runs, even after another has
failed, and each failure names its own.
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
    made = _fixtures(collector)
    parameters = [each for each in map(_parameters, given) if each]
    if made is None or len(parameters) < len(given):
        return None
    names = {name for each in parameters for name in each.names}
    asked = [name for name in _asked(test) if name not in names]
    asked += [name for mark in marks if mark.name == "usefixtures" for name in mark.args]
    fixtures = list(dict.fromkeys(each for name in asked for each in _leaves(name, made)))
    if not _FIXTURES.issuperset(fixtures):
        return None

    @functools.wraps(test)
    def every_case(**shared: Any) -> None:
        _run(test, list(_cases(parameters)), functools.partial(_own, shared, asked, made))

    keyword = inspect.Parameter.KEYWORD_ONLY
    every_case.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword) for name in fixtures]
    )
    every_case.pytestmark = [  # type: ignore[attr-defined]
        mark for mark in marks if mark.name not in {"parametrize", "usefixtures"}
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


def _fixtures(collector: pytest.Collector) -> dict[str, Callable[..., Any]] | None:
    """What a file makes anew for each test; None where all of its tests get more than patches."""
    made = {}
    for name, value in vars(getattr(collector, "obj", None)).items():
        marker = getattr(value, "_fixture_function_marker", None)
        if marker is None:
            continue
        function = value._get_wrapped_function()
        if marker.autouse and set(_asked(function)) - {"monkeypatch"}:
            return None
        if marker.scope == "function" and marker.params is None and not marker.autouse:
            made[marker.name or name] = function
    return made


def _asked(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _leaves(name: str, made: Mapping[str, Callable[..., Any]]) -> Iterator[str]:
    """The fixtures that are not of the file, and that one is made of."""
    if name not in made:
        yield name
        return
    for inner in _asked(made[name]):
        yield from _leaves(inner, made)


def _cases(parameters: Sequence[_Parameters]) -> Iterator[dict[str, Any]]:
    for chosen in itertools.product(*(each.values for each in parameters)):
        case: dict[str, Any] = {}
        for each, values in zip(parameters, chosen, strict=True):
            case |= zip(each.names, values, strict=True)
        yield case


def _run(
    test: Callable[..., None],
    cases: Sequence[Mapping[str, Any]],
    own: Callable[[int], contextlib.AbstractContextManager[Mapping[str, Any]]],
) -> None:
    """Run every case; then fail, or skip, for all that did so.

    Raises pytest's own exceptions.
    """
    assert cases
    wanted = set(_asked(test))
    failures, skips = [], dict[str, BaseException]()
    for number, case in enumerate(cases):
        try:
            with own(number) as fixtures:
                test(**case, **{name: fixtures[name] for name in wanted - case.keys()})
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
def _own(
    shared: Mapping[str, Any],
    asked: Sequence[str],
    made: Mapping[str, Callable[..., Any]],
    number: int,
) -> Iterator[dict[str, Any]]:
    """The fixtures of one case."""
    own = dict(shared)
    with contextlib.ExitStack() as stack:
        if "tmp_path" in own:
            folder: pathlib.Path = own["tmp_path"] / str(number)
            folder.mkdir()
            own["tmp_path"] = folder
        if "monkeypatch" in own:
            own["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
        for name in asked:
            _make(name, own, made, stack)
        yield own


def _make(
    name: str,
    own: dict[str, Any],
    made: Mapping[str, Callable[..., Any]],
    stack: contextlib.ExitStack,
) -> Any:
    """A fixture of a case, made once for it; one that yields goes on when the case has ended."""
    if name not in own:
        inner = {each: _make(each, own, made, stack) for each in _asked(made[name])}
        value = made[name](**inner)
        if inspect.isgenerator(value):
            own[name] = next(value)
            stack.callback(next, value, None)
        else:
            own[name] = value
    return own[name]


def _told(case: Mapping[str, Any], error: BaseException) -> str:
    found = pytest.ExceptionInfo.from_exception(error)
    found.traceback = found.traceback[1:]
    values = ", ".join(f"{name}={_short(value)}" for name, value in case.items())
    return f"-- {values}\n{found.getrepr(style='short')}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:99]}…"
