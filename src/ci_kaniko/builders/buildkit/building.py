"""BuildKit without a daemon of its own: one call builds and pushes, and a daemon serves it."""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.builders.builder import Builder, Contained
from ci_kaniko.builders.buildkit.arguments import (
    CARRIED,
    UNPACKED,
    archived,
    arguments,
    asks_for_git,
    cache_to,
    can_hold_quotes,
    output,
)
from ci_kaniko.builders.buildkit.settings import reaching
from ci_kaniko.builders.carried import foreign, refusal
from ci_kaniko.builders.fetching import archive_of, unpacking
from ci_kaniko.builders.stores import unfetched
from ci_kaniko.kaniko.builders import BUILDER_HOMES
from ci_kaniko.plan.model import CERTIFICATES
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.references import merge
from ci_kaniko.syntax.variables import Ref
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.builder import Call
    from ci_kaniko.builders.fetching import Fetching
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.syntax.variables import Parts


_NO_DOCKERFILE = "buildkit takes the Dockerfile from files, and fetches none"


class BuildKit(Builder):
    """BuildKit, rootless: its daemon lives as long as the call."""

    name = "buildkit"
    program = "buildctl-daemonless.sh"
    home = BUILDER_HOMES["buildkit"]
    user = 1000
    account = "user"
    unset = ("BUILDKIT_HOST", "DOCKER_CONFIG")
    env = MappingProxyType({"BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox"})
    carried = CARRIED
    settings = "/home/user/.config/buildkit"
    scratch = "/home/user/.local/share/buildkit"

    def refused(self, plan: Plan) -> Iterator[Finding]:
        git = ("token", "username", "branch")
        yield from foreign(plan, self.name, CARRIED, git, _NO_DOCKERFILE)
        yield from unfetched(plan, self.name)
        for option in ("tar_path", "oci_layout_path"):
            if plan.spec.digest and getattr(plan.spec.options, option):
                yield refusal(
                    ("options", option),
                    "buildkit tells one digest, and an archive has another than what is pushed",
                    "leave digest: out, or build with buildah",
                )
        for name, text in plan.spec.annotations.items():
            if any(isinstance(part, Ref) and can_hold_quotes(part) for part in text.parts):
                yield refusal(
                    ("annotations", name),
                    "buildkit reads annotations as CSV, and this text may hold quotes",
                    "labels: takes it, or ${ref.slug}",
                )

    def prepared(self, plan: Plan, settings: str, certificates: str) -> list[str]:
        return reaching(plan, settings, self.path(CERTIFICATES))

    def lines(self, call: Call) -> list[str]:
        before, words = self._call(call)
        unpacked = self._unpacking(call)
        before[:0] = unpacked.lines() if unpacked else []
        lines = [*before, *call.command(f"{self.program} build", words)]
        if not (call.digest and call.given):
            return lines
        digest = f"{_digest_in(self._metadata)} > {call.digest}"
        return [*lines, *self._if_written(digest, call)]

    def contained(self, call: Call) -> Contained:
        before, words = self._call(call)
        script = [f'{self.program} build "$@"']
        if unpacked := self._unpacking(call):
            words[:0], script[:0] = unpacked.words, unpacked.contained()
        if call.plan.writes_files:
            script.insert(0, "(umask 077; mkdir -p ~/.docker; cat > ~/.docker/config.json)")
        if call.digest and call.given:
            script += self._if_written(f"cat {self._metadata} >&3", call)
        secrets = ("GIT_AUTH_HEADER",) if asks_for_git(call.plan) else ()
        return Contained(before, words, script, (), _digest_in, secrets)

    def _unpacking(self, call: Call) -> Fetching | None:
        packed = archive_of(call.plan, self)
        return unpacking(call.words, packed, UNPACKED) if packed else None

    @property
    def _metadata(self) -> str:
        """The file that it writes for what it pushes, and for nothing else."""
        return f"{self.home}/metadata"

    def _if_written(self, line: str, call: Call) -> list[str]:
        file = self._metadata
        return [f"if [ -f {file} ]; then", f"  {line}", "fi"] if call.is_open else [line]

    def _archive(self, call: Call) -> list[str]:
        """The output that is an archive, with the names that the image has where it is pushed."""
        parts = archived(call.plan, "tar-path")
        if parts and call.is_open:
            return [call.words.text(parts) + r'"${names:+,\"name=$names\"}"']
        named = merge([",", *_names(call.plan)]) if call.given else ()
        return [call.words.text((*parts, *named), is_reference=bool(named))] if parts else []

    def _call(self, call: Call) -> tuple[list[str], list[str]]:
        """Lines that come first, and the words of the call."""
        plan, words = call.plan, call.words
        before = _git_header() if asks_for_git(plan) else []
        build = words.arguments(arguments(plan)) + self._archive(call)
        pushing = words.arguments(cache_to(plan)) if call.given else []
        start, end = output(plan)
        handed = [f"--metadata-file={self._metadata}"] * bool(call.digest)
        if call.is_open:
            said = words.text((*start, '"name=')) + '"$names"' + words.text(('"', *end))
            before += [
                "names=''",
                "for destination; do names=${names:+$names,}$destination; done",
                "set --",
                'if [ -n "$names" ]; then',
                *indented(continued("set --", [*pushing, said, *handed])),
                "fi",
            ]
            build.append('"$@"')
        elif call.given:
            output_to = words.text(merge([*start, *_names(plan), *end]), is_reference=True)
            build += [*pushing, output_to, *handed]
        # The index of a layout gets the manifest of whatever output comes last.
        layout = archived(plan, "oci-layout-path")
        return before, build + [words.text(layout)] * bool(layout)


def _names(plan: Plan) -> Parts:
    """What the image is called where it is pushed, as a field of CSV."""
    names = [part for push in plan.pushes for part in (",", *push.reference.parts)][1:]
    return merge(['"name=', *names, '"'] if len(plan.pushes) > 1 else ["name=", *names])


def _digest_in(file: str) -> str:
    """A command that prints the digest of what was pushed."""
    found = r's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p'
    return f"sed -n {quote(found)} {file}"


def _git_header() -> list[str]:
    """The login to the server of the context; BuildKit hands it to git alone."""
    encoded = "printf '%s:%s' \"$GIT_USERNAME\" \"$GIT_PASSWORD\" | base64 | tr -d '\\n'"
    return [f'GIT_AUTH_HEADER="basic $({encoded})"', "export GIT_AUTH_HEADER"]


BUILDER = BuildKit()
