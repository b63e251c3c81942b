"""Rules on contexts, preparations and caches."""

from __future__ import annotations

import re

from ci_kaniko.kaniko.hosts import is_azure_blob
from ci_kaniko.problems.finding import Finding, no_effect, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.outputs import named_targets
from ci_kaniko.spec.rules.rule import build_rule, spec_rule
from ci_kaniko.spec.told import unheard_by_all
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.variables import inputs_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, SpecFields


@build_rule("context", "dockerfile", "context_sub_path")
def _dockerfile_is_in_the_repository(spec: Build) -> Iterator[Finding]:
    if spec.context_sub_path and spec.context.is_directory:
        whole = grammar.inside_repository(spec.context_sub_path, spec.context)
        yield Finding(
            "bad-context",
            ("context_sub_path",),
            "a directory context has no sub path",
            f"it is one path, context: {whole}" if whole else "name the directory itself",
        )
        return
    if spec.dockerfile.is_remote:
        return
    base = spec.context_folder
    if inputs_in(spec.context) and ".." in spec.dockerfile.split("/"):
        yield Finding(
            "bad-path",
            ("dockerfile",),
            f"{quoted(spec.dockerfile)} leaves the context, which an input names, and nobody knows "
            "how deep it lies",
            "a Dockerfile in the context, or a context without an input",
        )
    elif grammar.inside_repository(spec.dockerfile, base) is None:
        yield Finding(
            "bad-path",
            ("dockerfile",),
            f"{quoted(spec.dockerfile)} leaves the repository",
            f"its path starts at the context, {quoted(base)}",
        )


@build_rule("cache.dir")
def _the_cache_folder_can_be_mounted(spec: Build) -> Iterator[Finding]:
    folder = spec.cache and spec.cache.dir
    if not folder:
        return
    where = ("cache", "dir")
    if not folder.startswith("/"):
        yield from absolute_findings(where, folder)
    elif not re.fullmatch(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._-]+)+", folder):
        message = f"nothing can be mounted at {quoted(folder)}"
        hint = "letters, digits, dots, dashes and underscores, such as /cache"
        yield Finding("bad-path", where, message, hint)
    elif folder.split("/")[1] in {"busybox", "kaniko", "workspace"}:
        message = f"a mount at {quoted(folder)} can hide what builds there"
        yield Finding("bad-path", where, message, "write /cache")


def absolute_findings(where: Where, path: str) -> Iterator[Finding]:
    if not path.startswith("/"):
        yield Finding(
            "bad-path",
            where,
            f"{quoted(path)} is a path in the builder's container, and not absolute",
            f"write /{path}",
        )


@build_rule("cache.ttl")
def _entries_can_be_young_enough(spec: Build) -> Iterator[Finding]:
    if spec.cache and spec.cache.ttl and not re.search("[1-9]", spec.cache.ttl.partition("-")[0]):
        yield no_effect(
            ("cache", "ttl"),
            "with this age every entry counts as expired, so nothing is ever found",
            "a positive duration, or leave ttl: out for two weeks",
        )


@build_rule("context", "context_login")
def _the_login_fits_the_context(spec: Build) -> Iterator[Finding]:
    login = spec.context_login
    if is_azure_blob(spec.context) and (login is None or not login.azure_storage_key):
        yield Finding(
            "missing-context-login",
            ("context",),
            "kaniko fetches from Azure's blob storage only with the account's key",
            "add context_login: {azure_storage_key: NAME_OF_A_SECRET}",
        )
    if login is None:
        return
    if login.s3_path_style is not None and not (login.s3_path_style and login.s3_endpoint):
        yield no_effect(
            ("context_login", "s3_path_style"),
            "the executor asks for it only when it is true and an endpoint is given",
            "remove it, or add s3_endpoint: and true",
        )
    schemes = {"aws": "s3", "region": "s3", "s3_endpoint": "s3", "s3_path_style": "s3"}
    schemes |= {"google": "gs", "azure_storage_key": "https"}
    for name, wanted in schemes.items():
        if getattr(login, name) is not None and spec.context.kind != wanted:
            yield Finding(
                "unused-context-login",
                ("context_login", name),
                f"nothing asks for this: the context is no {wanted}:// address",
                "remove it, or write another context",
            )


_INSTEAD_OF_GIT = {
    "branch": "remove it: what starts the job is what is built",
    "single_branch": "remove it: only what starts the job is fetched",
    "recurse_submodules": "checkout: {submodules: recursive} at the top in its place",
    "depth": "checkout: {depth: N} at the top in its place",
    "insecure_skip_tls": "remove it; a context git://HOST/PATH can have it",
}


@spec_rule("context", "git", "images[]", "outputs[]")
def _git_settings_are_used(spec: SpecFields) -> Iterator[Finding]:
    targets = named_targets(spec.outputs)

    def look(build: Build) -> Iterator[tuple[Finding, bool]]:
        fetched = not build.context.is_directory
        for name, value in build.git:
            if value is None:
                continue
            where = ("git", name)
            if name == "token" and not fetched:
                message = (
                    "every target of outputs: checks the repository out with a login of its own"
                )
                read = not targets or any(getattr(build, n).fetches(build) for n in targets)
                yield no_effect(where, message, "remove it"), read
                continue
            if fetched:
                finding = no_effect(where, "the context is not fetched with git", f"remove {name}:")
            else:
                message = "the context is a directory of this repository, which is checked out"
                finding = Finding("unused-git", where, message, _INSTEAD_OF_GIT.get(name, ""))
            if name == "username" and not build.git.token:
                message, hint = (
                    "a user without a token logs in nowhere",
                    "add token: NAME_OF_A_SECRET",
                )
                yield Finding("unused-git", where, message, hint), False
            else:
                yield finding, build.context.kind == "git" if fetched else name == "username"

    yield from unheard_by_all(spec, look)


@build_rule("context", "git")
def _a_ref_is_named_once(spec: Build) -> Iterator[Finding]:
    if spec.git.branch and spec.context.names_a_ref:
        yield no_effect(
            ("context",),
            "the ref after # is not used: git.branch replaces it",
            "keep one of the two",
        )


@build_rule("cache")
def _a_cache_has_a_place(spec: Build) -> Iterator[Finding]:
    """But one flag, which decides how much memory a build without a cache takes, too."""
    cache = spec.cache
    if cache is None or cache.repo:
        return
    others = [name for name, value in cache if value is not None and name != "compressed"]
    if others or cache.compressed is None:
        yield Finding(
            "missing-key",
            ("cache",),
            '"repo" is missing',
            "add repo: ghcr.io/acme/shop/cache",
        )


@build_rule("build_args[]", "cache")
def _the_cache_can_be_hit(spec: Build) -> Iterator[Finding]:
    if spec.cache is None or spec.cache.repo is None:
        return
    for name, text in spec.build_args.items():
        moving = [part for part in text.names if part.endswith("timestamp")]
        if moving:
            yield Finding(
                "cold-cache",
                ("build_args", name),
                f"${{{moving[0]}}} differs in every run, so no layer after its ARG is ever cached",
                "labels: hold such values without touching the cache",
                severity="warning",
            )


@build_rule("prepare", "context")
def _what_is_prepared_is_used(spec: Build) -> Iterator[Finding]:
    if spec.prepare and not spec.context.is_checked_out:
        yield Finding(
            "unused-prepare",
            ("prepare",),
            "the builder fetches this context itself, so nothing that is prepared reaches it",
            "context: . or a directory of the repository",
            on_key=True,
        )
