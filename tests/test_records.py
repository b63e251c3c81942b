"""Records of the command line behave as those of Python."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, ClassVar, NamedTuple

import pytest

from ci_kaniko.quick import plain


def tuples(base: Any) -> Any:
    class Point(base):  # type: ignore[misc]
        x: int
        y: int = 2
        z: str = "z"

        @property
        def sum(self) -> int:
            return int(self.x + self.y)

    return Point


def classes(of: Any) -> list[Any]:
    @of.dataclass
    class Draft:
        lines: list[str] = of.field(default_factory=list)
        kind: ClassVar[str] = "draft"

    @of.dataclass(frozen=True, kw_only=True)
    class Note:
        text: str
        place: str = of.field(default="", compare=False)

        def __str__(self) -> str:
            return self.text

    return [Draft, Note]


def outcome(work: Any) -> Any:
    try:
        return work()
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, AttributeError):
            return "AttributeError"
        return "TypeError"  # before Python 3.13 an unknown field is a ValueError


POINTS: tuple[Any, ...] = (
    *(lambda of: of(1), lambda of: of(1, 3), lambda of: of(1, z="a"), lambda of: of(x=1, y=0)),
    *(lambda of: of(), lambda of: of(1, 2, 3, 4), lambda of: of(1, q=1), lambda of: of(1, x=1)),
    *(lambda of: of(1)._replace(y=5), lambda of: of(1)._replace(q=5), lambda of: of(1)._asdict()),
    *(lambda of: of(4).sum, lambda of: of._make([1, 2, 3]), lambda of: of(1) == (1, 2, "z")),
    *(lambda of: hash(of(1)), lambda of: sorted([of(2), of(1)]), lambda of: copy.copy(of(1, 9))),
    *(lambda of: setattr(of(1), "x", 2), lambda of: setattr(of(1), "q", 2), lambda of: of._fields),
    lambda of: [of(number, y=1) for number in range(120)][-1],
    lambda of: repr(of(1, 2)).rpartition(".")[2],
)


@pytest.mark.parametrize("index", range(len(POINTS)))
def test_a_tuple_with_names(index: int) -> None:
    work = POINTS[index]
    ours, theirs = tuples(plain.NamedTuple), tuples(NamedTuple)
    assert outcome(lambda: work(ours)) == outcome(lambda: work(theirs))


CLASSES: tuple[Any, ...] = (
    *(lambda draft, _: draft().lines, lambda draft, _: draft(["a"]) == draft(lines=["a"])),
    *(lambda draft, _: draft() == draft(["a"]), lambda draft, _: hash(draft()), lambda _, n: n()),
    *(lambda _, n: n("a"), lambda _, n: str(n(text="a")), lambda _, n: n(text="a", q=1)),
    *(lambda _, n: n(text="a", place="b") == n(text="a"), lambda draft, n: draft() == n(text="")),
    *(lambda _, n: len({n(text="a"), n(text="a", place="b")}), lambda _, n: n.place),
    *(lambda _, n: setattr(n(text="a"), "text", "b"), lambda _, n: delattr(n(text="a"), "text")),
    *(lambda draft, _: setattr(draft(), "lines", []), lambda draft, _: draft.lines),
    lambda draft, _: repr(draft(["a"])).rpartition(".")[2],
)


@pytest.mark.parametrize("index", range(len(CLASSES)))
def test_a_class_of_data(index: int) -> None:
    work = CLASSES[index]
    ours, theirs = classes(plain), classes(dataclasses)
    assert outcome(lambda: work(*ours)) == outcome(lambda: work(*theirs))


def test_a_record_is_replaced_and_kept() -> None:
    draft, note = classes(plain)
    assert plain.replace(note(text="a", place="b"), text="c") == note(text="c", place="b")
    assert draft().lines is not draft().lines
    globals()["Kept"] = kept = tuples(plain.NamedTuple)
    kept.__qualname__ = kept.__name__ = "Kept"
    kept.__module__ = __name__
    assert pickle.loads(pickle.dumps(kept(1))) == kept(1)  # noqa: S301
