"""Buildah: it builds into a store of its own, and pushes from there to each destination."""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.builders.buildah.arguments import (
    BUILT,
    CARRIED,
    archived,
    from_root,
    image_to,
    pushing,
)
from ci_kaniko.builders.buildah.fetching import fetching
from ci_kaniko.builders.buildah.settings import reaching
from ci_kaniko.builders.builder import Builder, Contained, context_of
from ci_kaniko.builders.carried import foreign, refusal
from ci_kaniko.builders.registries import reached
from ci_kaniko.builders.stores import unfetched
from ci_kaniko.kaniko.builders import BUILDER_HOMES
from ci_kaniko.plan.model import Argument
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.contexts import normal_path, without_scheme
from ci_kaniko.syntax.references import merge
from ci_kaniko.text.quoting import continued, indented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.builder import Call
    from ci_kaniko.builders.fetching import Fetching
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.syntax.variables import Parts

_GIT = ("token", "username", "branch", "depth", "recurse_submodules", "insecure_skip_tls")
"""What it does for a repository."""


class Buildah(Builder):
    """Buildah, with its isolation by chroot: it starts no container in the job's."""

    name = "buildah"
    program = "buildah"
    home = BUILDER_HOMES["buildah"]
    carried = CARRIED
    settings = "/root/.config/containers"
    unset = ("BUILDAH_FORMAT", "BUILDAH_LAYERS", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE")
    env = MappingProxyType({"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"})

    def refused(self, plan: Plan) -> Iterator[Finding]:
        yield from foreign(plan, self.name, CARRIED, _GIT)
        yield from unfetched(plan, self.name)
        mirrored_hosts = [host for host, known in reached(plan).items() if known.mirrors]
        if plan.spec.options.skip_default_registry_fallback and not mirrored_hosts:
            where = ("options", "skip_default_registry_fallback")
            yield refusal(where, "buildah has no mirror to ask here", "remove it, or add mirrors:")
        for name in ("tar_path", "oci_layout_path"):
            if ":" in (getattr(plan.spec.options, name) or ""):
                message = "buildah takes what follows a colon for a name of the image"
                yield refusal(("options", name), message, "a path without a colon")
        if plan.spec.annotations and plan.spec.options.image_format == "docker":
            message = "buildah annotates images of the other format only"
            yield refusal(("options", "image_format"), message, "leave it out, or write oci")

    def prepared(self, plan: Plan, settings: str, certificates: str) -> list[str]:
        return reaching(plan, settings, certificates)

    def lines(self, call: Call) -> list[str]:
        fetched = self._fetching(call)
        lines = fetched.lines() if fetched else []
        lines += call.command(f"{self.program} build", self._words(call, fetched))
        named = '"${1:+:$1}"' if call.is_open else "".join(f":{word}" for word in call.given[:1])
        for words in archived(call, named):
            lines += call.command(f"{self.program} push", words)
        if not call.given:
            return lines
        push = call.words.arguments(pushing(call.plan))
        push += [f"--digestfile={call.digest}"] * bool(call.digest)
        if len(call.given) == 1 and not call.is_open:
            return [*lines, *self._push(call, push, call.given[0])]
        collect = [] if call.is_open else continued("set --", call.given)
        each = self._push(call, push, '"$destination"')
        return [*lines, *collect, "for destination; do", *indented(each), "done"]

    def contained(self, call: Call) -> Contained:
        fetched = self._fetching(call)
        words, script = self._words(call, fetched), [f'{self.program} build "$@"']
        passed = ("GIT_USERNAME", "GIT_PASSWORD") if call.plan.git_login else ()
        if fetched:
            words[:0], script[:0] = fetched.words, fetched.contained()
        named = '"${destinations:+:${destinations%% *}}"' if call.given else ""
        script += (" ".join([f"{self.program} push", *each]) for each in archived(call, named))
        if not call.given:
            return Contained([], words, script, passed)
        digest = f"{self.home}/digest"
        push = call.words.arguments(pushing(call.plan))
        push += [f"--digestfile={digest}"] * bool(call.digest)
        each = " ".join([f"{self.program} push", *push, *image_to('"$destination"')])
        script += ["for destination in $destinations; do", f"  {each}", "done"]
        if call.digest:
            script += ['if [ -n "$destinations" ]; then', f"  cat {digest} >&3", "fi"]
        before = [] if call.is_open else continued("set --", call.given)
        return Contained(before, words, script, (*passed, '"destinations=$*"'))

    def _push(self, call: Call, words: list[str], destination: str) -> list[str]:
        return call.command(f"{self.program} push", [*words, *image_to(destination)])

    def _fetching(self, call: Call) -> Fetching | None:
        return fetching(call.plan, call.words, self)

    def _words(self, call: Call, fetched: Fetching | None) -> list[str]:
        """The words of the build."""
        plan, words = call.plan, call.words
        build = words.arguments(self._arguments(plan, is_whole=fetched is None))
        if plan.cached and call.given:
            kept = words.argument(Argument("cache-to", plan.cached.parts, is_reference=True))
            build.append(f"${{1:+{kept}}}" if call.is_open else kept)
        context = context_of(plan)
        if fetched:
            folder = normal_path(plan.spec.context_folder)
            found = merge([fetched.folder, *(("/", *folder) if folder else ())])
        else:
            found = without_scheme(context) if plan.spec.context.is_directory else context
        return [*build, f"--tag={BUILT}", words.text(found)]

    def _arguments(self, plan: Plan, *, is_whole: bool) -> Iterator[Argument]:
        """The arguments of the build, in the order of kaniko's; Buildah fetches a whole archive."""
        options = plan.spec.options
        for item in plan.arguments:
            way = CARRIED.get(item.name, "")
            if way.startswith("--") and way.endswith("="):
                value = item.value
                if item.name == "dockerfile" and not plan.spec.context.is_directory:
                    value = from_root(plan) if is_whole else self._fetched(item.value or ())
                yield item._replace(name=way[2:-1], value=value)
            elif way.startswith("--"):
                name, _, written = way[2:].partition("=")
                yield Argument(name, (written,) if written else None)
        if not options.image_format:
            # The other format has no HEALTHCHECK, SHELL and ONBUILD, and this one no annotations.
            yield Argument("format", ("oci" if plan.spec.annotations else "docker",))
        yield Argument("identity-label", ("false",))

    def _fetched(self, path: Parts) -> Parts:
        """Where a path lies that kaniko would have below its own folder."""
        return tuple(self.path(part) if isinstance(part, str) else part for part in path)


BUILDER = Buildah()
