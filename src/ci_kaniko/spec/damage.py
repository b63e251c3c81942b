"""What the rules say about a spec that the model refuses in part."""

from __future__ import annotations

from ci_kaniko.quick.declaring import ValidationError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.explain import meant_key
from ci_kaniko.spec.placing import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.spec.build import Build


_FREE_KEYS = {"build_args", "labels", "annotations", "registries"}


def readable(
    findings: list[Finding], data: Any, read_model: Callable[[Any], Build]
) -> tuple[Build | None, set[Where]]:
    """What can be read of ``data`` when some parts are left out, and which."""
    cuts = {_cut(data, finding.where) for finding in findings}
    for _ in range(2):
        if () in cuts or not isinstance(data, dict):
            break
        try:
            return read_model(_without(data, cuts)), cuts
        except ValidationError as error:
            cuts |= {_cut(data, where)[:1] for where in _places(error)}
        except InvalidSpec:
            break
    return None, cuts


def misspelt(findings: list[Finding], data: Any, model: type[Build]) -> Iterator[Where]:
    """The keys that were meant by unknown ones."""
    for finding in findings:
        if finding.rule == "unknown-key" and (close := meant_key(finding.where, model)):
            where = (*finding.where[:-1], close)
            if _cut(data, where) != where:
                yield where


def _places(error: ValidationError) -> Iterator[Where]:
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        yield tuple(step for step in item["loc"] if step != "[key]")


def _cut(data: Any, where: Where) -> Where:
    """The part to leave out so that the rest can be read: an item of a list, a key of a mapping."""
    path: list[str | int] = []
    for step in where:
        if isinstance(data, dict) and step in data:
            path.append(step)
            data = data[step]
            if len(path) == 2 and path[0] in _FREE_KEYS:
                break
        elif isinstance(data, list | tuple) and step in range(len(data)):
            path.append(step)
            break
    return tuple(path)


def _without(data: Any, cuts: Collection[Where]) -> Any:
    above = {cut[:end] for cut in cuts for end in range(len(cut))}

    def rest(data: Any, at: Where) -> Any:
        if at not in above:
            return data
        if isinstance(data, dict):
            places: Iterator[tuple[Any, Any]] = iter(data.items())
        else:
            places = enumerate(data)
        kept = {step: rest(item, (*at, step)) for step, item in places if (*at, step) not in cuts}
        return kept if isinstance(data, dict) else list(kept.values())

    return rest(data, ())


def kept_parts(data: Any, cuts: Collection[Where]) -> dict[Where, list[int]]:
    """For each list that was shortened, the places that its items had."""
    lists = {cut[:-1] for cut in cuts if isinstance(cut[-1], int)}
    kept = {}
    for where in lists:
        items = data
        for step in where:
            items = items[step]
        kept[where] = [index for index in range(len(items)) if (*where, index) not in cuts]
    return kept


def restored_parts(where: Where, kept: dict[Where, list[int]]) -> Where:
    restored = list(where)
    for end, step in enumerate(where):
        if isinstance(step, int) and where[:end] in kept:
            restored[end] = kept[where[:end]][step]
    return tuple(restored)
