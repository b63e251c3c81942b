"""Rules on the executor's options."""

from __future__ import annotations

from ci_kaniko.kaniko.executors import DEFAULT
from ci_kaniko.kaniko.flags import FLAGS
from ci_kaniko.problems.finding import Finding, no_effect, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.rules.contexts import absolute_findings
from ci_kaniko.spec.rules.logins import SECRET_WORD
from ci_kaniko.spec.rules.rule import build_rule
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build


_INDEX_DOCKER = f"index.{DOCKER_HUB}"


@build_rule("options.compression", "options.compression_level")
def _levels_fit_the_compression(spec: Build) -> Iterator[Finding]:
    options = spec.options
    if options.compression != "zstd" and (options.compression_level or 0) > 9:
        yield Finding(
            "out-of-range",
            ("options", "compression_level"),
            f"gzip has no level {options.compression_level}; the build would fail late",
            "at most 9, or compression: zstd",
        )


@build_rule("options.registry_client_cert[]")
def _client_certificates_are_pairs(spec: Build) -> Iterator[Finding]:
    for host, pair in spec.options.registry_client_cert.items():
        files = pair.split(",")
        if len(files) != 2 or not all(file.startswith("/") for file in files):
            yield Finding(
                "bad-certificate",
                ("options", "registry_client_cert", host),
                f"{quoted(pair)} is not a pair of files",
                "certificate and key, joined by one comma: /certs/client.crt,/certs/client.key",
            )


@build_rule("options.registry_mirror[]", "options.registry_map[]", "mirrors")
def _mirrors_are_hosts(spec: Build) -> Iterator[Finding]:
    options = spec.options
    mirrors: list[tuple[Where, str]] = [
        (("options", "registry_mirror", index), mirror)
        for index, mirror in enumerate(options.registry_mirror)
    ]
    mirrors += [
        (("options", "registry_map", host, *((index,) if len(listed) > 1 else ())), mirror)
        for host, listed in options.registry_map.items()
        for index, mirror in enumerate(listed)
    ]
    mirrors += [(("mirrors", host), mirror) for host, mirror in spec.mirrors.items()]
    for where, mirror in mirrors:
        rest = mirror.rpartition("://")[2]
        if rest != mirror or not grammar.is_host(mirror.partition("/")[0]):
            good = grammar.is_host(rest.partition("/")[0])
            yield Finding(
                "bad-host",
                where,
                f"{quoted(mirror)} does not begin with a host; it would never be found",
                f"write {rest}" if good else "a host and a path, such as mirror.example.com/hub",
            )
        elif where[0] == "mirrors" and not grammar.is_image(f"{mirror}/x"):
            yield Finding(
                "bad-host",
                where,
                f"no image name begins with {quoted(mirror)}",
                "a host and a path, such as mirror.example.com/hub",
            )


@build_rule(
    "options.insecure_registry[]",
    "options.skip_tls_verify_registry[]",
    "options.registry_certificate[]",
    "options.registry_client_cert[]",
    "options.registry_map[]",
)
def _docker_hub_has_its_full_name(spec: Build) -> Iterator[Finding]:
    names = ("insecure_registry", "skip_tls_verify_registry")
    places: list[Where] = [
        ("options", name, index)
        for name in names
        for index, host in enumerate(getattr(spec.options, name))
        if host == DOCKER_HUB
    ]
    tables = ("registry_certificate", "registry_client_cert", "registry_map")
    places += [
        ("options", name, DOCKER_HUB)
        for name in tables
        if DOCKER_HUB in getattr(spec.options, name)
    ]
    for where in places:
        yield Finding(
            "bad-host",
            where,
            f"Docker Hub is called {_INDEX_DOCKER} here, and {DOCKER_HUB} is never found",
            f"write {_INDEX_DOCKER}",
            on_key=where[-1] == DOCKER_HUB,
        )


@build_rule("mirrors", "options.registry_map")
def _each_host_has_its_mirrors_once(spec: Build) -> Iterator[Finding]:
    hosts = {canonical_host(host) for host in spec.options.registry_map}
    for host in spec.mirrors:
        if canonical_host(host) in hosts:
            yield Finding(
                "conflicting-options",
                ("mirrors", host),
                f"options.registry_map says where {host} is pulled from, too",
                "keep one of the two; mirrors: is for the images that run as well",
                on_key=True,
            )


@build_rule("options.ignore_path[]", "options.registry_certificate[]")
def _paths_of_the_container_are_absolute(spec: Build) -> Iterator[Finding]:
    options = spec.options
    for index, path in enumerate(options.ignore_path):
        yield from absolute_findings(("options", "ignore_path", index), path)
    for host, path in options.registry_certificate.items():
        yield from absolute_findings(("options", "registry_certificate", host), path)


@build_rule("options.skip_tls_verify_pull")
def _flags_have_an_effect(spec: Build) -> Iterator[Finding]:
    if spec.options.skip_tls_verify_pull:
        yield no_effect(
            ("options", "skip_tls_verify_pull"),
            "every builder accepts this flag, and nothing reads it",
            "skip_tls_verify_registry names the hosts, for push and pull",
        )


@build_rule(
    "options.image_name_with_digest_file", "options.image_name_tag_with_digest_file", "push"
)
def _image_names_are_written(spec: Build) -> Iterator[Finding]:
    options = spec.options
    names = ("image_name_with_digest_file", "image_name_tag_with_digest_file")
    if all(getattr(options, name) for name in names):
        yield no_effect(
            ("options", names[0]),
            "with image_name_tag_with_digest_file both files hold the tag",
            "keep one of them",
        )
    for name in names:
        if getattr(options, name) and spec.push == "never":
            yield Finding(
                "conflicting-options",
                ("options", name),
                "this file names what is pushed, and nothing is",
                "digest_file: is written in every run",
            )


@build_rule("options.compression", "options.image_format", "options.tar_path")
def _formats_fit_together(spec: Build) -> Iterator[Finding]:
    options = spec.options
    zstd, tar = options.compression == "zstd", bool(options.tar_path)
    conflicts = (
        (
            zstd and not tar and options.image_format == "docker",
            "image_format",
            "a docker image cannot hold zstd layers",
            "write oci",
        ),
        (
            tar and options.image_format == "oci",
            "image_format",
            "tar_path writes docker archives only",
            "oci_layout_path: is for an OCI image",
        ),
        (
            tar and zstd,
            "compression",
            "tar_path writes docker archives, which cannot hold zstd layers",
            "write gzip",
        ),
    )
    for conflict, name, message, hint in conflicts:
        if conflict:
            yield Finding("conflicting-options", ("options", name), message, hint)
    if zstd and options.image_format is None and not tar and spec.kaniko_builds:
        yield no_effect(
            ("options", "compression"),
            "zstd is ignored for images whose base is in docker format",
            f"add image_format: oci, which {DEFAULT} has since "
            f"{FLAGS['image-format'].since.osscontainertools}",
        )


@build_rule("env[]", "build_secrets[]")
def _variables_have_one_place(spec: Build) -> Iterator[Finding]:
    if not spec.env:
        return
    from ci_kaniko.kaniko.variables import owner_of_variable

    for name in spec.env:
        where = ("env", name)
        if owner := owner_of_variable(name):
            message = f"{quoted(name)} is not one to set here"
            hint = owner if ": " in owner else f"use {owner}"
            yield Finding("owned-variable", where, message, hint, on_key=True)
        elif name in spec.build_secrets.values():
            message = f"{quoted(name)} is a secret of build_secrets"
            yield Finding("owned-variable", where, message, "remove it here", on_key=True)
        elif SECRET_WORD.search(name):
            yield Finding(
                "written-secret",
                where,
                f"{quoted(name)} is named like a secret, and env: holds plain text",
                "build_secrets: names secrets for RUN lines, registries: those of logins",
                on_key=True,
                secret=True,
            )


@build_rule("proxy", "build_args[]")
def _a_proxy_is_named_once(spec: Build) -> Iterator[Finding]:
    for name in spec.build_args if spec.proxy else ():
        field = name.lower().removesuffix("_proxy")
        field = "no_proxy" if field == "no" else field
        if name.lower().endswith("_proxy") and getattr(spec.proxy, field, None):
            yield Finding(
                "conflicting-options",
                ("build_args", name),
                f"proxy: gives RUN lines their {name}",
                "remove it, or that of proxy:",
                on_key=True,
            )


@build_rule("platforms", "options")
def _a_platform_is_named_once(spec: Build) -> Iterator[Finding]:
    if spec.platforms and spec.options.custom_platform:
        yield Finding(
            "conflicting-options",
            ("options", "custom_platform"),
            "platforms: says it already",
            "leave custom_platform: out",
        )
    if len(spec.platforms) < 2:
        return
    for index, item in enumerate(spec.destinations):
        if item.image.may_hold_tag:
            yield Finding(
                "bad-reference",
                ("destinations", index),
                f"{quoted(item.image)} may hold a tag, and images of platforms wait under others",
                f"write the tag apart, such as {item.image}:${{ref.tag}}",
            )
    for name in spec.options.files:
        yield Finding(
            "conflicting-options",
            ("options", name),
            "each platform's job would write this file, and none of them has the whole image",
            "digest: true in its place hands over the digest of the whole",
        )
