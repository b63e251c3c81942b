"""The arguments that a spec asks for in a given run.

The order is kaniko's own: context, Dockerfile, what the image is made of, cache, options by name,
outputs, extra arguments, destinations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.expectation import (
    Run,
    Spec,
    cache_host,
    fetches,
    images,
    is_archive_of_the_repository,
    known,
    labels,
    listed,
    replaced,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


_OUTPUTS = ("digest_file", "tar_path", "oci_layout_path")
_PUSHED_OUTPUTS = ("image_name_with_digest_file", "image_name_tag_with_digest_file")
_GIT = ("branch", "single_branch", "recurse_submodules", "insecure_skip_tls")


def arguments(run: Run) -> list[str]:
    """The argument list as `normalise` gives it."""
    spec, variables = run.spec, known(run.target, run.event)
    pushed = images(run)
    cached = cache_host(run) is not None
    return [
        *_context(run, variables),
        *([f"--target={spec.data['target']}"] if "target" in spec.data else []),
        *(f"--build-arg={k}={replaced(v, variables)}" for k, v in items_of(spec, "build_args")),
        *_proxy_arguments(spec),
        *(f"--label={k}={replaced(v, variables)}" for k, v in labels(spec)),
        *(f"--annotation={k}={replaced(v, variables)}" for k, v in items_of(spec, "annotations")),
        *_cache(run, variables),
        *_options(spec),
        *(
            f"--registry-map={'index.' * (name == 'docker.io')}{name}={mirror}"
            for name, mirror in items_of(spec, "mirrors")
        ),
        *_input_arguments(spec),
        *_outputs(spec, _OUTPUTS),
        *(replaced(text, variables) for text in spec.data.get("extra_args", [])),
        *([] if pushed else ["--no-push", "--no-push-cache"] if cached else ["--no-push"]),
        *(f"--destination={image}" for image in pushed),
        *(_outputs(spec, _PUSHED_OUTPUTS) if pushed else []),
    ]


PROXIES = {"http": "HTTP_PROXY", "https": "HTTPS_PROXY", "no_proxy": "NO_PROXY"}


def _proxy_arguments(spec: Spec) -> list[str]:
    """RUN lines get both spellings; the value of a secret stays out of the arguments."""
    given = {PROXIES[key]: text for key, text in spec.section("proxy").items()}
    return [
        f"--build-arg={spelled}" + (f"={text}" if isinstance(text, str) else "")
        for name, text in given.items()
        for spelled in (name, name.lower())
    ]


def items_of(spec: Spec, section: str) -> list[tuple[str, str]]:
    return list(spec.section(section).items())


def _context(run: Run, variables: Mapping[str, str]) -> list[str]:
    spec = run.spec
    context, dockerfile = spec.data.get("context", "."), spec.data.get("dockerfile", "Dockerfile")
    sub_path = spec.data.get("context_sub_path", "")
    if "://" in context:
        archive = "tar://<context>/" if is_archive_of_the_repository(spec) else "tar://"
        whole = replaced(context, variables) + (f"/{sub_path}" if sub_path else "")
        whole = whole.replace("tar://", archive)
        return [
            f"--context={whole}",
            f"--dockerfile=/kaniko/buildcontext/{_path(sub_path, dockerfile)}",
        ]
    return [
        f"--context=<context>/{_path(context)}".rstrip("/"),
        f"--dockerfile=<context>/{_path(context, dockerfile)}",
    ]


def _path(*pieces: str) -> str:
    steps: list[str] = []
    for step in "/".join(pieces).split("/"):
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def git_arguments(run: Run) -> list[str]:
    """How the executor fetches a git context, or this repository where nothing checks it out."""
    git, checkout = run.spec.section("git"), run.spec.section("checkout")
    if "://" in run.spec.data.get("context", "."):
        return [f"--git={name.replace('_', '-')}={git[name]}" for name in _GIT if name in git]
    if not fetches(run):
        return []
    submodules = ["--git=recurse-submodules=true"] * (checkout.get("submodules") == "recursive")
    return [
        *(f"--git=depth={checkout[name]}" for name in ("depth",) if name in checkout),
        *submodules,
    ]


def _cache(run: Run, variables: Mapping[str, str]) -> list[str]:
    cache = run.spec.section("cache")
    if not cache:
        return []
    flags = {"copy_layers": "cache-copy-layers", "run_layers": "cache-run-layers"}
    flags["compressed"] = "compressed-caching"
    repo = cache.get("repo")
    return [
        *(["--cache=true"] if repo else []),
        *([f"--cache-repo={replaced(repo, variables, in_image=True)}"] if repo else []),
        *([f"--cache-ttl={cache['ttl']}"] if "ttl" in cache else []),
        *([f"--cache-dir={cache['dir']}"] if "dir" in cache else []),
        *(_switch(flags[name], cache[name]) for name in flags if name in cache),
    ]


def _input_arguments(spec: Spec) -> list[str]:
    folder = "/kaniko/certificates/"
    return [
        *(f"--secret=id={name},env={key}" for name, key in items_of(spec, "build_secrets")),
        *(
            f"--registry-certificate={name}={folder}{input_file(name)}.crt"
            for name in spec.section("certificates")
        ),
        *(
            f"--registry-client-cert={name}={folder}{input_file(name)}.client.crt,"
            f"{folder}{input_file(name)}.client.key"
            for name in spec.section("client_certificates")
        ),
    ]


def _switch(flag: str, value: str) -> str:
    return f"--{flag}" if value == "true" else f"--{flag}={value}"


def _options(spec: Spec) -> list[str]:
    options = spec.section("options")
    names = sorted(options.keys() - {*_OUTPUTS, *_PUSHED_OUTPUTS})
    return [argument for name in names for argument in _option(name, options[name])]


def _option(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, dict):
        return [f"--{flag}={key}={one}" for key, item in value.items() for one in listed(item)]
    return [_switch(flag, item) for item in listed(value)]


def _outputs(spec: Spec, names: tuple[str, ...]) -> list[str]:
    options = spec.section("options")
    flags = {name: name.replace("_", "-") for name in names if name in options}
    return [f"--{flag}={options[name].rpartition('/')[2]}" for name, flag in flags.items()]


def output_files(spec: Spec) -> set[str]:
    options = spec.section("options")
    return {options[name] for name in (*_OUTPUTS, *_PUSHED_OUTPUTS) if name in options}


def digest_files(run: Run) -> list[str]:
    """The files that hold a digest when the run is done."""
    names = ["digest_file", *(_PUSHED_OUTPUTS if images(run) else ())]
    options = run.spec.section("options")
    return [options[name] for name in names if name in options]


def input_file(name: str) -> str:
    return name.replace(":", "_")
