"""How registries are reached that are not reached the usual way, for builders with a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.plan.model import file_of
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.references import canonical_host

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

    def of(host: str) -> Reached:
        return found.get(canonical_host(host), Reached())

    def note(host: str, known: Reached) -> None:
        found[canonical_host(host)] = known

    for host, mirror in spec.mirrors.items():
        note(host, of(host)._replace(mirrors=(mirror,)))
    for host, mirrors in options.registry_map.items():
        note(host, of(host)._replace(mirrors=mirrors))
    for mirror in options.registry_mirror:
        hub = of("docker.io")
        note("docker.io", hub._replace(mirrors=(*hub.mirrors, mirror)))
    for host in options.insecure_registry:
        note(host, of(host)._replace(plain=True))
    for host in options.skip_tls_verify_registry:
        note(host, of(host)._replace(unverified=True))
    for host in spec.certificates:
        note(host, of(host)._replace(authority=f"{file_of(host)}.crt"))
    for host in spec.client_certificates:
        path = f"{file_of(host)}.client"
        note(host, of(host)._replace(certificate=f"{path}.crt", key=f"{path}.key"))
    return found
