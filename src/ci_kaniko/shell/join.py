"""The job that joins the images of several platforms into one list, with regctl.

The script is the shared one: the same logins, the same conditions. Where a build passes its
destinations to the executor, the join makes a list for each of them from the digests that the
platforms' jobs handed over.
"""

from __future__ import annotations

from functools import partial

from ci_kaniko.plan.model import CERTIFICATES
from ci_kaniko.plan.platforms import meeting_place, slug
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.script import Script, Tool, check_digest
from ci_kaniko.shell.words import expanded
from ci_kaniko.syntax.references import Reference
from ci_kaniko.syntax.variables import INPUT_PREFIX, around
from ci_kaniko.text.quoting import continued, indented

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import HostLogin, Plan, Push
    from ci_kaniko.plan.pipeline import Image
    from ci_kaniko.shell.dialect import Dialect, Site
    from ci_kaniko.shell.words import Words

_HELPERS = {"aws": "ecr-login", "google": "gcr"}
"""The credential helpers in regctl's image, by cloud."""
_DIGEST_FORMAT = "{{ .Manifest.GetDescriptor.Digest }}"


def digest_variable(platform: str) -> str:
    """The shell variable that holds a platform's digest in the join's script.

    >>> digest_variable("linux/arm/v7")
    'DIGEST_ARM_V7'
    """
    return "DIGEST_" + slug(platform).upper().replace("-", "_")


class Join:
    """The script of the job that joins platforms; it reads digests from ``digest_variable``.

    ``create`` makes the lines that create a list and put its digest into ``$digest``, from the
    command and its options. At the end of the script that is the digest of the last list.
    """

    def __init__(
        self,
        image: Image,
        plan: Plan,
        dialect: Dialect,
        site: Site,
        create: Callable[[str, list[str]], list[str]] | None = None,
    ) -> None:
        self._image = image
        self._create = create or _substituted
        self.script = Script(plan, dialect, site, tool=Regctl(plan))

    def build(self, before: Iterable[str] = (), after: Iterable[str] = ()) -> str:
        """The whole script; ``before`` reads the digests, and ``after`` hands ``$digest`` over."""
        return self.script.build(lambda words: [*before, *self._lists(words), *after])

    def _lists(self, words: list[str]) -> list[str]:
        build = self._image.build
        waiting = build.destinations[meeting_place(build)]
        reference = waiting.image
        repository = Reference.of(reference.registry, reference.repository)
        base = self.script.words.text(repository.parts, is_reference=True)
        guards = [line for name in build.platforms for line in self._guard(name)]
        is_docker = build.options.image_format == "docker"
        refs = {
            digest_variable(name): f"--ref {_at(base, digest_variable(name))}"
            for name in build.platforms
        }
        chooses = bool(self._image.chooser)
        options = [
            *(f"${{{name}:+{ref}}}" if chooses else ref for name, ref in refs.items()),
            *[f"--media-type {_DOCKER_LIST}"] * is_docker,
            f"--format '{_DIGEST_FORMAT}'",
        ]
        command = " ".join(["regctl", *self._reaching(), "index create"])
        collect = [] if words == ['"$@"'] else continued("set --", words)
        given = " ".join(f'"${digest_variable(name)}"' for name in build.platforms)
        return [
            *guards,
            f"for digest in {given}; do",
            *['  [ -n "$digest" ] || continue'] * chooses,
            *indented(check_digest()),
            "done",
            *collect,
            "for destination; do",
            *indented(self._create(f'{command} "$destination"', options)),
            '  echo "$destination is $digest"',
            "done",
        ]

    def _guard(self, platform: str) -> list[str]:
        """What stops where a platform has pushed nothing, if it was chosen."""
        variable = digest_variable(platform)
        guard = f': "${{{variable}:?is not set: the job of {platform} has pushed nothing}}"'
        if not self._image.chooser:
            return [guard]
        given = self.script.words.cell(f"{INPUT_PREFIX}{self._image.chooser}")
        return [
            f"case ,{expanded(given)}, in",
            f"  *,{platform},*) {guard} ;;",
            f"  *) {variable}='' ;;",
            "esac",
        ]

    def _reaching(self) -> list[str]:
        """How regctl reaches the registries that are not reached the usual way."""
        plan, words = self.script.plan, self.script.words
        options = plan.spec.options
        hosts = list(dict.fromkeys(push.host for push in plan.pushes))
        plain = {*options.insecure_registry, *(hosts if options.insecure else ())}
        unverified = {
            *options.skip_tls_verify_registry,
            *(hosts if options.skip_tls_verify else ()),
        }
        ways = {host: "insecure" for host in hosts if host in unverified}
        ways |= {host: "disabled" for host in hosts if host in plain}
        return [
            f"--host {words.text(around(f'reg={host},tls={way}', host))}"
            for host, way in ways.items()
        ]


class Regctl(Tool):
    """The tool of a join: it reads where the images wait, whichever destinations a run has."""

    unset: tuple[str, ...] = ()

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        place = ("destinations", meeting_place(plan.spec))
        self.reads: Collection[str] = {push.host for push in plan.pushes if push.where == place}
        self.helpers: Mapping[str, str] = {
            login.host: _HELPERS[login.cloud.name]
            for login in plan.logins
            if login.cloud and not login.written and login.cloud.name in _HELPERS
        }

    def placed(self, site: Site) -> Site:
        return site

    def prepared(self, site: Site) -> list[str]:
        if not self._plan.certificates or not site.inherits:
            return []
        return [f'export SSL_CERT_DIR="{site.certificates}:/etc/ssl/certs"']

    def first(self, words: Words) -> list[str]:
        return []

    def destination(self, words: Words, push: Push) -> str:
        return words.text(push.reference.parts, is_reference=True)

    def last(self, words: Words) -> list[str]:
        return []

    def nothing(self, words: Words) -> list[str]:
        return []

    def pushing_nothing(self, words: Words) -> list[str]:
        return ['echo "ci-kaniko: this run pushes nothing" >&2', "exit 0"]


def joined(site: Site) -> Site:
    """Where a script runs in the image that joins platforms, which has no folder of kaniko's."""
    mounted = bool(site.mounted_files)
    return site._replace(
        config="$DOCKER_CONFIG",
        files="$DOCKER_CONFIG",
        files_inside="$DOCKER_CONFIG",
        certificates=CERTIFICATES if mounted else "$DOCKER_CONFIG/certificates",
        opening=partial(_opening, mounted_config=site.mounted_config, mounts_files=mounted),
    )


def _opening(plan: Plan, *, mounted_config: str, mounts_files: bool) -> list[str]:
    if mounted_config and plan.docker_config:
        return [f"export DOCKER_CONFIG={mounted_config}"]
    if not plan.logins and not plan.certificates:
        return []
    written = plan.certificates and not mounts_files
    made = ['mkdir "$DOCKER_CONFIG/certificates"'] if written else []
    return ["DOCKER_CONFIG=$(mktemp -d)", "export DOCKER_CONFIG", *made]


def _substituted(command: str, options: list[str]) -> list[str]:
    return ["digest=$(", *indented(continued(command, options)), ")"]


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
