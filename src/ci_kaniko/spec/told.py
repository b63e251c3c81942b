"""What is told of several images at once."""

from __future__ import annotations

from types import FunctionType

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.latest import latest
from ci_kaniko.spec.build import PLACED
from ci_kaniko.text.display import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.spec.build import Build, SpecFields


def once_for_images(findings: Iterable[tuple[Build, Finding]], number: int) -> list[Finding]:
    """Findings about several images at their places in the spec, each place once.

    What the top says, and is wrong for some of ``number`` images only, names these.
    """
    first: dict[tuple[Any, ...], Finding] = {}
    names: dict[tuple[Any, ...], dict[str, None]] = {}
    said: dict[tuple[Any, ...], list[str]] = {}
    for build, finding in findings:
        placed = finding._replace(where=build.at(finding.where))
        place = (placed.rule, placed.where, placed.on_key)
        messages = said.setdefault((build.name, *place), [])
        if placed.message not in messages:
            messages.append(placed.message)
        # Messages may hold the name of the image, so their number says which of them are the same.
        key = (*place, messages.index(placed.message))
        first.setdefault(key, placed)
        names.setdefault(key, {})[build.name] = None
    return [
        finding
        if finding.where[:1] == ("images",) or len(names[key]) == number
        else finding._replace(message=f"{finding.message}, for {_listed([*names[key]])}")
        for key, finding in first.items()
    ]


class Watched:
    """A build that notes which of its parts somebody reads, in its methods, too."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        made = getattr(type(self._build), name, None)
        if name in PLACED or name[0] == "_":
            self.read.add(PLACED[0])
        elif isinstance(made, property | FunctionType):
            return made.__get__(self)
        else:
            self.read.add(name)
        return getattr(self._build, name)


def unheard_by_all(
    spec: SpecFields, look: Callable[[Build], Iterable[tuple[Finding, bool]]]
) -> Iterator[Finding]:
    """What no image hears: ``look`` tells for one whether it does; the top speaks to all."""
    found: dict[Where, Finding] = {}
    heard: set[Where] = set()
    alike: dict[frozenset[str] | None, bool] = {None: False}
    for build, own in _builds(spec):
        if own not in alike:
            watched: Any = Watched(build)
            told = [*look(watched)]
            alike[own] = watched.read.isdisjoint(own)
        elif alike[own]:
            continue  # it has all of it from the top, as the first such image has
        else:
            told = [*look(build)]
        for finding, is_heard in told:
            where = build.at(finding.where)
            found.setdefault(where, finding._replace(where=where))
            if is_heard:
                heard.add(where)
    yield from (finding for where, finding in found.items() if where not in heard)


@latest
def _builds(spec: SpecFields) -> list[tuple[Build, frozenset[str] | None]]:
    """The images of a spec, and what each of them may have for itself."""
    return [(build, build.differs) for build in spec.builds]


def _listed(names: list[str]) -> str:
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return listed(names)
