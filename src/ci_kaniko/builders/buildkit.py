"""BuildKit without a daemon of its own: one call builds and pushes, and a daemon serves it."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from ci_kaniko.builders.builder import Builder
from ci_kaniko.builders.carried import foreign, refusal
from ci_kaniko.builders.registries import reached
from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.plan.model import CHECKOUT, Argument
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.syntax.contexts import git_parts, normal_path, without_scheme
from ci_kaniko.syntax.references import merge
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.builders.builder import Call
    from ci_kaniko.builders.registries import Reached
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import Build
    from ci_kaniko.syntax.variables import Parts

CARRIED: Mapping[str, str] = MappingProxyType(
    {
        "context": "--local=context= or --opt=context=",
        "context-sub-path": "--opt=context=",
        "dockerfile": "--opt=filename=",
        "target": "--opt=target=",
        "build-arg": "--opt=build-arg:",
        "label": "--opt=label:",
        "annotation": "--output=type=image,annotation.",
        "cache": "--import-cache=",
        "cache-repo": "--import-cache=type=registry,ref= and --export-cache=",
        "custom-platform": "--opt=platform=",
        "image-format": "--output=type=image,oci-mediatypes=",
        "compression": "--output=type=image,compression=",
        "compression-level": "--output=type=image,compression-level=",
        "reproducible": "SOURCE_DATE_EPOCH and --output=type=image,rewrite-timestamp=true",
        "secret": "--secret=",
        "destination": "--output=type=image,name=",
        "insecure": "--output=type=image,registry.insecure=true",
        "digest-file": "--metadata-file=",
        "no-push": "no --output=",
        "no-push-cache": "no --export-cache=",
        "git": "--secret=id=GIT_AUTH_HEADER for a token",
        "insecure-registry": "buildkitd.toml",
        "skip-tls-verify-registry": "buildkitd.toml",
        "registry-map": "buildkitd.toml",
        "registry-mirror": "buildkitd.toml",
        "registry-certificate": "buildkitd.toml",
        "registry-client-cert": "buildkitd.toml",
    }
)
"""The flags of kaniko that it does, and how."""
_SIMPLE = {"target", "build-arg", "label", "custom-platform", "secret"}
"""Those that are followed by the same value."""
_OWN_OPTIONS = {"registry_certificate", "registry_client_cert", "secret", "digest_file"}
"""Options that name what lies in kaniko's container; fields do the same everywhere."""
_TAG = "buildkit"
"""What its cache is tagged with, beside that of kaniko."""


class BuildKit(Builder):
    """BuildKit, rootless: its daemon lives as long as the call."""

    name = "buildkit"
    program = "buildctl-daemonless.sh"
    home = "/home/user"
    user = 1000
    unset = ("BUILDKIT_HOST", "DOCKER_CONFIG")
    env = MappingProxyType({"BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox"})
    scratch = "/home/user/.local/share/buildkit"

    def image(self, build: Build, *, with_shell: bool) -> str:
        return mirrored(build.tools.buildkit or BUILDER_IMAGES[self.name], build)

    def refused(self, plan: Plan) -> Iterator[Finding]:
        yield from foreign(plan, self.name, CARRIED, places=_OWN_OPTIONS, git=True)
        for name in {name.lower().removesuffix("_proxy") for name in plan.proxy_secrets}:
            yield refusal(
                ("proxy", name),
                "buildkit takes proxies as arguments, which others can read",
                "write a proxy without a password, or keep kaniko on this target",
            )
        for name, text in plan.spec.annotations.items():
            if any(isinstance(part, Ref) and _can_hold_quotes(part) for part in text.parts):
                yield refusal(
                    ("annotations", name),
                    "buildkit reads annotations as CSV, and this text may hold quotes",
                    "labels: takes it, or ${ref.slug}",
                )
        if not plan.spec.context.is_directory and plan.arguments:
            folder, path = _below_context(plan)
            if not path.startswith(folder):
                yield refusal(
                    ("dockerfile",),
                    "buildkit looks for the Dockerfile in what context_sub_path: names",
                    "move it there, or leave context_sub_path: out and name paths from the root",
                )

    def prepared(self, plan: Plan) -> list[str]:
        lines = []
        text = [line for host, known in reached(plan, self).items() for line in _table(host, known)]
        if text:
            folder = f"{self.home}/.config/buildkit"
            lines += [f"mkdir -p {folder}"]
            lines += continued("printf '%s\\n'", [*map(quote, text), f"> {folder}/buildkitd.toml"])
        return lines

    def lines(self, call: Call) -> list[str]:
        plan, words = call.plan, call.words
        before = _git_header() if plan.git_login else []
        build = words.arguments(self._arguments(plan))
        handed = f"{self.home}/metadata" if call.digest and call.given else ""
        build += [f"--metadata-file={handed}"] * bool(handed)
        pushing = words.arguments(_cache_to(plan)) if call.given else []
        if call.is_open:
            start, end = _output(plan)
            output = words.text((*start, '"name=')) + '"$names"' + words.text(('"', *end))
            before += [
                "names=''",
                "for destination; do names=${names:+$names,}$destination; done",
                "set --",
                'if [ -n "$names" ]; then',
                *indented(continued("set --", [*pushing, output])),
                "fi",
            ]
            build.append('"$@"')
        elif call.given:
            start, end = _output(plan)
            names = [part for push in plan.pushes for part in (",", *push.reference.parts)][1:]
            named = ('"name=', *names, '"') if len(plan.pushes) > 1 else ("name=", *names)
            parts = merge([*start, *named, *end])
            build += [*pushing, words.text(parts, is_reference=True)]
        lines = [*before, *call.command(f"{self.program} build", build)]
        if handed:
            found = r's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p'
            lines.append(f"sed -n {quote(found)} {handed} > {call.digest}")
        return lines

    def _arguments(self, plan: Plan) -> Iterator[Argument]:
        """What every run passes."""
        yield Argument("frontend", ("dockerfile.v0",))
        for item in plan.arguments:
            value = item.value or ()
            if item.name in _SIMPLE:
                name, _, start = CARRIED[item.name][2:].partition("=")
                yield Argument(name, merge([start, *value]))
            elif item.name == "context":
                yield from _context(plan, value)
            elif item.name == "dockerfile":
                yield Argument("opt", merge(["filename=", *_filename(plan, value)]))
        if plan.cached:
            parts = ("type=registry,ref=", *plan.cached.parts, f":{_TAG}")
            yield Argument("import-cache", merge([*parts]), is_reference=True)
        if plan.spec.options.reproducible:
            yield Argument("opt", ("build-arg:SOURCE_DATE_EPOCH=0",))
        if plan.git_login:
            yield Argument("secret", ("id=GIT_AUTH_HEADER,env=GIT_AUTH_HEADER",))


def _context(plan: Plan, value: Parts) -> Iterator[Argument]:
    """A directory, and the whole checkout for the Dockerfile; or what is cloned."""
    if plan.spec.context.is_directory:
        yield Argument("local", merge(["context=", *without_scheme(value)]))
        yield Argument("local", ("dockerfile=", Ref(CHECKOUT)))
        return
    location, ref = git_parts(value)
    folder = normal_path(plan.spec.context_folder)
    asked = ("#", *ref) if ref or folder else ()
    below = (":", *folder) if folder else ()
    yield Argument("opt", merge(["context=https://", *location, *asked, *below]))


def _filename(plan: Plan, value: Parts) -> Parts:
    """The Dockerfile from the root of what it is looked for in."""
    if not plan.spec.context.is_directory:
        folder, path = _below_context(plan)
        return (path.removeprefix(folder),)
    _, first, *rest = value
    if isinstance(first, str):
        return (first.removeprefix("/"), *rest)
    return (".", first, *rest)


def _below_context(plan: Plan) -> tuple[str, str]:
    """The folder of a context that is cloned, with a slash, and the path of the Dockerfile."""
    below = plan.spec.context_folder
    texts = (normal_path(below), normal_path(plan.spec.dockerfile, below))
    folder, path = ("".join(map(str, parts)) for parts in texts)
    return folder and f"{folder}/", path


def _git_header() -> list[str]:
    """The login to the server of the context; BuildKit hands it to git alone."""
    encoded = "printf '%s:%s' \"$GIT_USERNAME\" \"$GIT_PASSWORD\" | base64 | tr -d '\\n'"
    return [f'GIT_AUTH_HEADER="basic $({encoded})"', "export GIT_AUTH_HEADER"]


def _cache_to(plan: Plan) -> Iterator[Argument]:
    """Some registries refuse the cache's own kind of manifest, so it is that of an image."""
    if plan.cached:
        kind = "mode=max,image-manifest=true,oci-mediatypes=true"
        parts = ("type=registry,ref=", *plan.cached.parts, f":{_TAG},{kind}")
        yield Argument("export-cache", merge([*parts]), is_reference=True)


def _output(plan: Plan) -> tuple[list[str], Parts]:
    """What stands before the names of the image in its output, and behind them."""
    options, level = plan.spec.options, plan.spec.options.compression_level
    said = {
        "registry.insecure": "true" if options.insecure else "",
        "oci-mediatypes": {"oci": "true", "docker": "false"}.get(options.image_format or "", ""),
        "compression": options.compression or "",
        "compression-level": "" if level is None else str(level),
        "force-compression": "true" if options.compression else "",
        "rewrite-timestamp": "true" if options.reproducible else "",
    }
    end: list[str | Ref] = [",push=true"]
    end += [f",{name}={text}" for name, text in said.items() if text]
    for item in plan.arguments:
        if item.name == "annotation":
            end += [",", *_csv(merge(["annotation.", *(item.value or ())]))]
    return ["--output=type=image,"], merge(end)


def _csv(parts: Parts) -> Parts:
    """A field of CSV: in quotes, and quotes in it twice."""
    plain = all(isinstance(part, str) and not set(part) & set(',"\n') for part in parts)
    if plain:
        return parts
    doubled = (part.replace('"', '""') if isinstance(part, str) else part for part in parts)
    return ('"', *doubled, '"')


def _can_hold_quotes(ref: Ref) -> bool:
    """Whether whoever names a branch or sets a variable can put a quote there."""
    return ref.name in {"branch", "tag", "ref.name"} or ref.name.startswith((INPUT_PREFIX, "env."))


def _table(host: str, known: Reached) -> Iterator[str]:
    """A registry in the words of buildkitd.toml."""
    yield f"[registry.{json.dumps(host)}]"
    if known.mirrors:
        yield f"  mirrors = {json.dumps([*known.mirrors])}"
    if known.plain:
        yield "  http = true"
    if known.unverified:
        yield "  insecure = true"
    if known.authority:
        yield f"  ca = {json.dumps([known.authority])}"
    if known.certificate:
        yield f"  [[registry.{json.dumps(host)}.keypair]]"
        yield f"    key = {json.dumps(known.key)}"
        yield f"    cert = {json.dumps(known.certificate)}"


BUILDER = BuildKit()
