"""The answers of a function, for whoever asks the same again."""

from __future__ import annotations

from _weakref import ref  # what weakref has, too, and takes long to import
from functools import partial, wraps

from ci_kaniko.quick.hints import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


def latest(function: Function) -> Function:
    """A function that remembers what it was asked last, the very object, and its answer.

    It is for what is frozen, and an answer that nobody changes: the images of a spec share most of
    their parts, and are looked at one after the other.

    >>> halves = latest(lambda pair: [pair[0], pair[1]])
    >>> one = ("a", "b")
    >>> halves(one) is halves(one)
    True
    """
    kept: tuple[Any, Any, Any] = (object(), (), None)

    @wraps(function)
    def ask(given: Any, *more: Any) -> Any:
        nonlocal kept
        asked, others, answer = kept
        if asked is not given or others != more:
            answer = function(given, *more)
            kept = given, more, answer
        return answer

    made: Any = ask
    return made  # type: ignore[no-any-return]


def remembered(function: Function) -> Function:
    """A function that remembers its answer about each object for as long as that is there.

    It is for what is frozen, and asked about many objects in turn, more than once.

    >>> class Word(str): ...
    >>> letters = remembered(lambda word: [*word])
    >>> one = Word("ab")
    >>> letters(one) is letters(one)
    True
    """
    answers: dict[int, tuple[ref[Any], Any]] = {}

    @wraps(function)
    def ask(given: Any) -> Any:
        key = id(given)
        known = answers.get(key)
        if known is None:
            known = ref(given, partial(answers.pop, key)), function(given)
            answers[key] = known
        return known[1]

    made: Any = ask
    return made  # type: ignore[no-any-return]
