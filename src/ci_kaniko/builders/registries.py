"""Registries with mirrors, certificates or plain HTTP, for builders that read a file about it."""

from __future__ import annotations

from ci_kaniko.plan.model import file_of
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host

if TYPE_CHECKING:
    from ci_kaniko.plan.model import Plan


class Reached(NamedTuple):
    """A registry: where to pull from instead, and how to connect to it.

    The last three are files in the folder of certificates.
    """

    mirrors: tuple[str, ...] = ()
    plain: bool = False
    unverified: bool = False
    authority: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def is_insecure(self) -> bool:
        """Whether anybody could answer in its place."""
        return self.plain or self.unverified


def reached(plan: Plan) -> dict[str, Reached]:
    """The registries of a plan that need a word, by host; Docker Hub is ``docker.io``."""
    spec, options = plan.spec, plan.spec.options
    found: dict[str, Reached] = {}

    def note(host: str, **known: Any) -> None:
        host = canonical_host(host)
        found[host] = found.get(host, Reached())._replace(**known)

    for host, mirror in spec.mirrors.items():
        note(host, mirrors=(mirror,))
    for host, mirrors in options.registry_map.items():
        note(host, mirrors=mirrors)
    if options.registry_mirror:
        before = found.get(DOCKER_HUB, Reached()).mirrors
        note(DOCKER_HUB, mirrors=(*before, *options.registry_mirror))
    for host in options.insecure_registry:
        note(host, plain=True)
    for host in options.skip_tls_verify_registry:
        note(host, unverified=True)
    for host in spec.certificates:
        note(host, authority=f"{file_of(host)}.crt")
    for host in spec.client_certificates:
        path = f"{file_of(host)}.client"
        note(host, certificate=f"{path}.crt", key=f"{path}.key")
    return found
