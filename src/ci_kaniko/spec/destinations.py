"""Where an image goes, and its cache."""

from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.fields import Boolean, CacheRepo, Duration, Image, Present, When
from ci_kaniko.spec.model import Model, short_or_long
from ci_kaniko.syntax.conditions import ALWAYS
from ci_kaniko.syntax.references import Repository

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import CacheDict, DestinationDict


class Destination(Model):
    """An image reference to push to."""

    __get_pydantic_json_schema__ = short_or_long(lambda long: long["properties"]["image"])

    image: Image = Field(
        description="Where to push: registry, repository and tag; variables are replaced.",
        examples=["ghcr.io/acme/shop:${commit.short}"],
    )
    when: When = Field(
        default=ALWAYS,
        description="When to push there: always, default-branch, other-branch (any but that), "
        "pull-request, schedule, manual, version, release, or a map with branch or tag and globs; "
        "any of a list is enough.",
        examples=["default-branch", {"tag": "v*"}],
        json_schema_extra={"default": "always"},
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[DestinationDict]") -> None: ...

    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"image": value} if isinstance(value, str) else value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a reference, or a mapping with image and when", ""


class Cache(Model):
    """Layer cache."""

    repo: CacheRepo | None = Field(
        default=None,
        description="A repository for cached layers, without a tag, or oci:/PATH.",
        examples=["ghcr.io/acme/shop/cache"],
    )
    ttl: Duration | None = Field(
        default=None, description="How old an entry may be, a Go duration.", examples=["168h"]
    )
    copy_layers: Boolean | None = Field(
        default=None, description="Cache COPY as well.", examples=[True]
    )
    run_layers: Boolean | None = Field(
        default=None, description="Cache RUN; kaniko's default is true.", examples=[False]
    )
    compressed: Boolean | None = Field(
        default=None,
        description="Compress layers before caching; false needs less memory, without a cache too.",
        examples=[False],
    )
    dir: Present | None = Field(
        default=None,
        description="Folder of warmed base images in the executor's container, mounted where the "
        "target has a field for it: cache_claim. kaniko looks into /cache by itself.",
        examples=["/cache"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[CacheDict]") -> None: ...

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a mapping", "such as {repo: ghcr.io/acme/shop/cache}: where the layers are kept"

    @property
    def remote(self) -> Repository | None:
        """The repository in a registry, where layers are not kept in a folder."""
        return self.repo if isinstance(self.repo, Repository) else None
