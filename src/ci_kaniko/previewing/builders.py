"""What a spec needs and loses with another builder."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder, builder_of
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.spec.spec import Spec


class Move(NamedTuple):
    """The images that build on a target, now and then, and what has to be allowed there."""

    target: str
    now: tuple[str, ...]
    then: tuple[str, ...]
    needs: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``ci-kaniko preview --builder NAME --format json`` prints of it."""
        return self._asdict()


def built_by(spec: Spec, name: str) -> Spec:
    """The spec with that builder everywhere."""
    images = {
        key: image.model_copy(update=_with(image, name)) for key, image in spec.images.items()
    }
    return spec.model_copy(update={**_with(spec, name), "images": images})


def _with(build: Any, name: str) -> dict[str, Any]:
    from ci_kaniko.kaniko.systems import known_names

    sections = {system: getattr(build, system) for system in known_names()}
    own = {
        system: section.model_copy(update={"builder": None})
        for system, section in sections.items()
        if section.builder
    }
    return {"builder": name, **own}


def moves(before: Spec, after: Spec, targets: Iterable[str]) -> Iterator[Move]:
    """What differs on each target but the files."""
    for name in targets:
        chosen = find_target(name)
        words, needs = chosen.setup(), dict[str, None]()
        for plan in chosen.planned(after).plans:
            known = builder_of(plan)
            if plan.arguments and not known.confined:
                needs |= dict.fromkeys(words.allows(known, plan))
        yield Move(name, _images(before, name), _images(after, name), tuple(needs))


def _images(spec: Spec, target: str) -> tuple[str, ...]:
    found = (builder(build.built_by(target)).image(build, with_shell=True) for build in spec.builds)
    return tuple(dict.fromkeys(found))


def lines(found: Iterable[Move]) -> Iterator[str]:
    """The same for people."""
    for move in found:
        yield f"on {move.target}"
        yield f"  builds with {', '.join(move.then)}"
        if move.now != move.then:
            yield f"  in the place of {', '.join(move.now)}"
        yield from (f"  needs: {step}" for step in move.needs)
        yield ""
