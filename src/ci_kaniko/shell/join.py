"""The job that joins the images of several platforms into one list, with regctl.

The script is the shared one: the same logins, the same conditions. Where a build passes its
destinations to the executor, the join makes a list for each of them from the digests that the
platforms' jobs handed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.plan.platforms import meeting_place, slug
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.shell.script import Script, check_digest
from ci_kaniko.syntax.references import Reference, parse_reference
from ci_kaniko.text.quoting import continued, indented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import HostLogin, Plan, Push
    from ci_kaniko.plan.pipeline import Image

_HELPERS = {"aws": "ecr-login", "google": "gcr"}
"""The credential helpers in regctl's image, by cloud."""
_DIGEST_FORMAT = "{{ .Manifest.GetDescriptor.Digest }}"


def digest_variable(platform: str) -> str:
    """The shell variable that holds a platform's digest in the join's script.

    >>> digest_variable("linux/arm/v7")
    'DIGEST_ARM_V7'
    """
    return "DIGEST_" + slug(platform).upper().replace("-", "_")


class JoinScript(Script):
    """The script of a join. The digests are in the variables of ``digest_variable``.

    ``tool`` are the words that run regctl. When it ends, ``$digest`` is that of the list.
    """

    def text_of_join(self, image: Image, tool: list[str], after: list[str] | None = None) -> str:
        """The whole script; ``after`` are lines that hand ``$digest`` over."""
        return self.build(lambda words: [*self._lists(image, tool, words), *(after or [])])

    def _lists(self, image: Image, tool: list[str], words: list[str]) -> list[str]:
        platforms = image.build.platforms
        waiting = image.build.destinations[meeting_place(image.build)]
        reference = parse_reference(waiting.image)
        repository = Reference(reference.registry, reference.repository, ())
        base = self.text(repository.parts, is_reference=True)
        guards = [
            f': "${{{digest_variable(name)}:?is not set: the job of {name} has pushed nothing}}"'
            for name in platforms
        ]
        options = [
            *(f"--ref {_at(base, digest_variable(name))}" for name in platforms),
            *(
                [f"--media-type {_DOCKER_LIST}"]
                if image.build.options.image_format == "docker"
                else []
            ),
            f"--format '{_DIGEST_FORMAT}'",
        ]
        command = " ".join([*tool, *self._reaching(), "index create"])
        collect = [] if words == ['"$@"'] else continued("set --", words)
        given = " ".join(f'"${digest_variable(name)}"' for name in platforms)
        return [
            *guards,
            f"for digest in {given}; do",
            *indented(check_digest()),
            "done",
            *collect,
            "for destination; do",
            *indented(self._create(f'{command} "$destination"', options)),
            '  echo "$destination is $digest"',
            "done",
        ]

    def _create(self, command: str, options: list[str]) -> list[str]:
        """Lines that make one list, and put its digest into ``$digest``."""
        return ["digest=$(", *indented(continued(command, options)), ")"]

    def _reaching(self) -> list[str]:
        """How regctl reaches the registries that are not reached the usual way."""
        options = self.plan.spec.options
        hosts = list(dict.fromkeys(push.host for push in self.plan.pushes))
        plain = {*options.insecure_registry, *(hosts if options.insecure else ())}
        unverified = {
            *options.skip_tls_verify_registry,
            *(hosts if options.skip_tls_verify else ()),
        }
        ways = {host: "insecure" for host in hosts if host in unverified}
        ways |= {host: "disabled" for host in hosts if host in plain}
        return [
            f"--host {self.text((f'reg={host},tls={way}',))}"
            if "$" not in host
            else f'--host "reg={self.value(host[2:-1])[1:-1]},tls={way}"'
            for host, way in ways.items()
        ]

    def _late_logins(self) -> dict[str, str]:
        """The images are read where they wait, whichever destinations a run pushes to."""
        place = ("destinations", meeting_place(self.plan.spec))
        read = {push.host for push in self.plan.pushes if push.where == place}
        return {host: flag for host, flag in super()._late_logins().items() if host not in read}

    def _push_word(self, push: Push) -> str:
        return self.text(push.reference.parts, is_reference=True)

    def _not_pushing(self) -> list[str]:
        return ['echo "ci-kaniko: this run pushes nothing" >&2', "exit 0"]

    def _inputs(self) -> list[str]:
        lines = super()._inputs()
        if not self.plan.certificates:
            return lines
        return [*lines, f'export SSL_CERT_DIR="{self.dialect.certificates}:/etc/ssl/certs"']

    def _credential_helpers(self) -> dict[str, str]:
        return {
            login.host: _HELPERS[login.cloud.name]
            for login in self.plan.logins
            if login.cloud and not login.written and login.cloud.name in _HELPERS
        }

    def _write_config(self) -> list[str]:
        helpers = self._credential_helpers()
        if not helpers:
            return super()._write_config()
        named = ",".join(f'"{host}":"{helper}"' for host, helper in helpers.items())
        auths = '"auths":{%s},' if self.plan.password_logins else ""
        words = ' "$auths"' if self.plan.password_logins else ""
        text = f"printf '{{{auths}\"credHelpers\":{{{named}}}}}'{words}"
        return [f"(umask 077; {text} > {self._config_file('config.json')})"]

    def _has_one_entry(self) -> bool:
        return not self._credential_helpers()


_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def _at(repository: str, variable: str) -> str:
    """A reference by digest: the repository is a word of the shell already."""
    return f'"{repository.strip(chr(34))}@${variable}"'


def impossible_join(plan: Plan) -> Iterator[Finding]:
    """Logins that the executor has and regctl has not."""
    for login in plan.logins:
        if login.cloud and not login.written and login.cloud.name not in _HELPERS:
            yield _no_login(login)
    if plan.docker_config and (plan.password_logins or _clouds(plan)):
        yield Finding(
            "mixed-logins",
            plan.password_logins[0].where if plan.password_logins else _clouds(plan)[0].where,
            "the platforms are joined with one config.json: ready, or written here",
            "use docker_config for all hosts, or for none",
        )
    for host in plan.spec.client_certificates:
        if host in {push.host for push in plan.pushes}:
            yield Finding(
                "impossible-join",
                ("client_certificates", host),
                f"the job that joins platforms has no client certificate for {quoted(host)}",
                "push to a registry that asks for a login",
            )


def _clouds(plan: Plan) -> list[HostLogin]:
    return [login for login in plan.logins if login.cloud and not login.written]


def _no_login(login: HostLogin) -> Finding:
    return Finding(
        "impossible-join",
        login.where,
        f"the job that joins platforms cannot log in to {quoted(login.host)} this way",
        "a username and a password, such as a token of the registry",
    )
