"""Some of a spec's images."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec

AnyBuild = TypeVar("AnyBuild", bound="Build")


def select(spec: Spec, names: Collection[str]) -> Spec:
    """The spec with only some of its images; what they need outside of these is not waited for."""
    images = {
        name: image.model_copy(
            update={"needs": tuple(needed for needed in image.needs if needed in names)}
        )
        for name, image in spec.images.items()
        if name in names
    }
    # The other files name images that are left out.
    kept = {
        target: tuple(file for file in files if set(file.only) == set(images))
        for target, files in spec.outputs
    }
    outputs = spec.outputs.model_copy(update=kept)
    return spec.model_copy(update={"images": images, "outputs": outputs})


def with_section(spec: Spec, target: str, update: Callable[[Any], dict[str, Any]]) -> Spec:
    """The spec with other settings of a target: ``update`` makes them of each image's section."""

    def changed(build: AnyBuild) -> AnyBuild:
        section = getattr(build, target)
        return build.model_copy(update={target: section.model_copy(update=update(section))})

    if not spec.images:
        return changed(spec)
    images = {name: changed(image) for name, image in spec.images.items()}
    return spec.model_copy(update={"images": images})
