"""Every flag of every kaniko: who owns it, how it is written, and who has it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import ci_kaniko
from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.flags import (
    FLAGS,
    GIT_DEPTH,
    RENAMED,
    RESERVED,
    fields_below,
    flag_of,
    of_kind,
    owner_of,
    short_names,
    switches,
)
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.spec.destinations import Cache
from ci_kaniko.spec.loading import warnings
from ci_kaniko.spec.options import FILES, Options
from ci_kaniko.spec.spec import Spec

PACKAGE = Path(ci_kaniko.__file__).parent
OPTIONS = {*Options.model_fields}
GIT = "git://git.example.com/acme/shop.git"
CACHE = {"repo": "oci:/cache/layers"}

SAMPLES: dict[str, list[tuple[Any, list[str]]]] = {
    "compression": [("gzip", ["=gzip"]), ("zstd", ["=zstd"])],
    "compression_level": [(9, ["=9"]), (-1, ["=-1"])],
    "credential_helpers": [(["ecr", "env"], ["=ecr", "=env"]), ([], ["="])],
    "custom_platform": [("linux/arm64", ["=linux/arm64"]), ("linux/arm/v7", ["=linux/arm/v7"])],
    "digest_file": [("out/./d.txt", ["=<output>/out/d.txt"])],
    "ignore_path": [(["/a", "/b c"], ["=/a", "=/b c"])],
    "image_download_retry": [(3, ["=3"]), (0, ["=0"])],
    "image_format": [("oci", ["=oci"]), ("docker", ["=docker"])],
    "image_fs_extract_retry": [(2, ["=2"])],
    "image_name_tag_with_digest_file": [("i.txt", ["=<output>/i.txt"])],
    "image_name_with_digest_file": [("i.txt", ["=<output>/i.txt"])],
    "insecure_registry": [(["a.b", "c.d:80"], ["=a.b", "=c.d:80"])],
    "log_format": [("json", ["=json"]), ("text", ["=text"]), ("color", ["=color"])],
    "oci_layout_path": [("layout", ["=<output>/layout"])],
    "push_retry": [(3, ["=3"])],
    "registry_certificate": [({"a.b": "/x", "c.d": "/y"}, ["=a.b=/x", "=c.d=/y"])],
    "registry_client_cert": [({"a.b": "/x,/y"}, ["=a.b=/x,/y"])],
    "registry_map": [({"index.docker.io": "m.b/hub"}, ["=index.docker.io=m.b/hub"])],
    "registry_mirror": [(["m.b/hub", "n.c"], ["=m.b/hub", "=n.c"])],
    "secret": [(["id=a,src=/x", "id=b,env=B"], ["=id=a,src=/x", "=id=b,env=B"])],
    "skip_tls_verify_registry": [(["a.b"], ["=a.b"])],
    "snapshot_mode": [(mode, [f"={mode}"]) for mode in ("full", "redo", "time")],
    "tar_path": [("image.tar", ["=<output>/image.tar"])],
    "verbosity": [(level, [f"={level}"]) for level in ("trace", "info", "panic")],
}
SWITCHES = [(True, [""]), (False, ["=false"])]
EVERY = [
    (option, value, [f"--{flag_of(option)}{form}" for form in forms])
    for option in sorted(OPTIONS)
    for value, forms in SAMPLES.get(option, SWITCHES)
]

FIELDS: dict[str, dict[str, Any]] = {
    "annotation": {"annotations": {"a": "b"}},
    "build-arg": {"build_args": {"A": "b"}},
    "cache": {"cache": CACHE},
    "cache-copy-layers": {"cache": {**CACHE, "copy_layers": True}},
    "cache-dir": {"cache": {**CACHE, "dir": "/cache"}},
    "cache-repo": {"cache": CACHE},
    "cache-run-layers": {"cache": {**CACHE, "run_layers": False}},
    "cache-ttl": {"cache": {**CACHE, "ttl": "1h"}},
    "compressed-caching": {"cache": {**CACHE, "compressed": False}},
    "context": {},
    "context-sub-path": {"context": GIT, "context_sub_path": "x"},
    "dockerfile": {},
    "git": {"context": GIT, "git": {"branch": "main"}},
    "label": {"labels": {"a": "b"}},
    "no-push": {},
    "target": {"target": "runtime"},
}
"""Where a flag is the consequence of a field outside of `options`."""
SILENT = {"bucket", "destination", "no-push-cache"}
"""Never written, in every release, or left out where it is missing."""


def words(spec: Spec) -> list[str]:
    """The arguments of a plan; the folder of outputs is `<output>`."""
    plan = resolve(spec, "gitlab")
    found = []
    for argument in (*plan.arguments, *plan.pushed_arguments):
        parts = argument.value
        texts = [part if isinstance(part, str) else f"<{part.name[1:]}>" for part in parts or ()]
        found.append(f"--{argument.name}" + ("" if parts is None else "=" + "".join(texts)))
    return found


def rules(**fields: Any) -> dict[str, str]:
    """The problems of a spec: their hints by their rules."""
    try:
        found = [*warnings(Spec(**{"push": "never", **fields}))]
    except ci_kaniko.SpecError as error:
        found = [*error.problems]
    return {problem.rule: problem.hint or "" for problem in found}


def test_every_flag_has_one_owner_or_is_reserved_with_a_reason() -> None:
    owned = {flag for flag in FLAGS if owner_of(flag)}
    assert owned | RESERVED.keys() == FLAGS.keys() | {"help"}
    assert not owned & RESERVED.keys()
    assert all(RESERVED.values())


def test_owners_are_fields_of_the_spec() -> None:
    fields = {*Spec.model_fields, *(f"cache.{name}" for name in Cache.model_fields)}
    fields |= {f"options.{name}" for name in OPTIONS}
    assert {flag.field for flag in FLAGS.values() if flag.field} <= fields
    assert {*fields_below("options").items()} == {(name, flag_of(name)) for name in OPTIONS}
    assert {*fields_below("cache")} == {*Cache.model_fields}


def test_the_kind_of_a_flag_is_the_type_of_its_option() -> None:
    for option, flag in fields_below("options").items():
        annotation = str(Options.model_fields[option].annotation)
        kind = FLAGS[flag].kind
        assert ("bool" in annotation) == (kind == "switch"), flag
        assert ("int" in re.findall(r"\w+", annotation)) == (kind == "number"), flag
        assert ("dict[" in annotation) == (kind == "mapping"), flag
        assert annotation.startswith("tuple[") == (kind == "list" and flag != HELPERS), flag
    assert of_kind("file") == {flag_of(option) for option in FILES}


HELPERS = "credential-helpers"
"""A list that may be empty, so that no list is something else."""


def test_names_of_flags() -> None:
    assert short_names() == {
        "b": "bucket",
        "c": "context",
        "d": "destination",
        "f": "dockerfile",
        "h": "help",
        "v": "verbosity",
    }
    assert RENAMED.keys().isdisjoint(FLAGS)
    assert switches() - of_kind("switch") == {"help", "whitelist-var-run"}


def test_flags_are_listed_once() -> None:
    """No other module keeps a list of flags of its own: it would not learn of the next one.

    What another builder does not carry it refuses, for a reason of each or for none.
    """
    distinct = {flag for flag in FLAGS if "-" in flag}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "flags.py" and path.parent.name == "kaniko":
            continue
        if PACKAGE / "builders" in path.parents:
            continue
        text = path.read_text(encoding="utf-8")
        few = sum(flag in text for flag in distinct) < 8
        for node in () if few else ast.walk(ast.parse(text)):
            if isinstance(node, ast.Set | ast.Dict | ast.Tuple | ast.List):
                named = {
                    leaf.value
                    for leaf in ast.walk(node)
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
                }
                assert len(named & distinct) < 8, (path, node.lineno, named & distinct)


def test_every_option_is_a_flag_and_has_samples() -> None:
    assert {flag_of(option) for option in OPTIONS} <= FLAGS.keys()
    assert SAMPLES.keys() <= OPTIONS
    assert OPTIONS - SAMPLES.keys() == {
        option for option, flag in fields_below("options").items() if FLAGS[flag].kind == "switch"
    }


@pytest.mark.parametrize(("option", "value", "expected"), EVERY, ids=lambda value: str(value)[:30])
def test_an_option_is_one_form_of_argument(option: str, value: Any, expected: list[str]) -> None:
    pushed = {"destinations": ["quay.io/acme/shop:1"], "registries": {"quay.io": "anonymous"}}
    spec = Spec.model_validate({"options": {option: value}, **pushed})
    assert words(spec)[2:] == expected
    assert not any(" " in word.partition("=")[0] for word in expected)


def test_an_option_that_is_left_out_is_no_argument() -> None:
    plain = ["--context=dir://<checkout>", "--dockerfile=<checkout>/Dockerfile"]
    assert words(Spec(push="never", options={})) == plain
    empty: dict[str, Any] = {"ignore_path": [], "registry_map": {}}
    assert words(Spec.model_validate({"push": "never", "options": empty})) == plain


def test_the_other_fields_are_arguments() -> None:
    spec = Spec(
        push="never",
        context=GIT,
        context_sub_path="a",
        target="runtime",
        build_args={"A": "b=c", "B": ""},
        labels={"l": "=m"},
        annotations={"n": "o"},
        cache={
            "repo": CACHE["repo"],
            "ttl": "1h",
            "dir": "/c",
            "copy_layers": True,
            "run_layers": False,
        },
        git={"branch": "b", "depth": 1, "single_branch": True, "recurse_submodules": False},
        extra_args=["--new", "--new=", "--new=x y"],
    )
    assert words(spec) == [
        f"--context={GIT}",
        "--context-sub-path=a",
        "--dockerfile=/kaniko/buildcontext/a/Dockerfile",
        "--git=branch=b",
        "--git=depth=1",
        "--git=single-branch=true",
        "--git=recurse-submodules=false",
        "--target=runtime",
        "--build-arg=A=b=c",
        "--build-arg=B=",
        "--label=l==m",
        "--annotation=n=o",
        "--cache=true",
        "--cache-repo=oci:/cache/layers",
        "--cache-ttl=1h",
        "--cache-dir=/c",
        "--cache-copy-layers",
        "--cache-run-layers=false",
        "--new",
        "--new=",
        "--new=x y",
    ]


PUSHED = "quay.io/acme/shop:1"


# -- who has it -------------------------------------------------------------------------------


def used(flag: str) -> dict[str, Any]:
    """A spec that makes a flag an argument."""
    if flag in FIELDS:
        return FIELDS[flag]
    option = flag.replace("-", "_")
    return {"options": {option: SAMPLES.get(option, SWITCHES)[0][0]}}


def executor(distribution: str, version: str) -> dict[str, str]:
    return {"distribution": distribution, "version": version, "image": "mirror.example.com/kaniko"}


def before(version: str) -> str:
    """The last release before one."""
    major, minor, patch = (int(number) for number in version.removeprefix("v").split("."))
    if patch:
        return f"v{major}.{minor}.{patch - 1}"
    return f"v{major}.{minor - 1}.99" if minor else f"v{major - 1}.99.99"


def first_release(distribution: str) -> str:
    releases: list[str] = [getattr(flag.since, distribution) or "" for flag in FLAGS.values()]
    return min((r for r in releases if r), key=lambda r: [int(n) for n in r[1:].split(".")])


def expected_releases(since: Any) -> str:
    has = [f"{name} since {version}" for name, version in since._asdict().items() if version]
    return "it is in " + ", ".join(has)


WRITTEN = sorted(FLAGS.keys() - SILENT - RESERVED.keys())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("flag", WRITTEN)
def test_a_flag_is_refused_where_it_is_missing(flag: str, distribution: str) -> None:
    since = getattr(FLAGS[flag].since, distribution)
    newest = DISTRIBUTIONS[distribution].version
    pushed = {"push": "always", "destinations": [PUSHED], "registries": {"quay.io": "anonymous"}}
    fields = used(flag) if flag == "no-push" else {**pushed, **used(flag)}
    if since is None:
        found = rules(**fields, executor=executor(distribution, newest))
        assert found["unsupported-flag"] == expected_releases(FLAGS[flag].since)
        return
    for version in (since, newest):
        found = rules(**fields, executor=executor(distribution, version))
        assert "unsupported-flag" not in found, version
    if since != first_release(distribution):
        found = rules(**fields, executor=executor(distribution, before(since)))
        assert found["unsupported-flag"] == expected_releases(FLAGS[flag].since)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_depth_of_a_clone(distribution: str) -> None:
    since = getattr(GIT_DEPTH, distribution)
    fields = {"context": GIT, "git": {"depth": 1}}
    missing = before(since) if since else DISTRIBUTIONS[distribution].version
    found = rules(**fields, executor=executor(distribution, missing))
    assert found["unsupported-flag"] == expected_releases(GIT_DEPTH)
    if since:
        found = rules(**fields, executor=executor(distribution, since))
        assert "unsupported-flag" not in found


def test_no_credential_helpers_are_an_argument_too() -> None:
    found = rules(options={"credential_helpers": []}, executor={"distribution": "google"})
    assert "unsupported-flag" in found


TOGETHER = {
    "zstd alone": ({"compression": "zstd"}, "no-effect"),
    "zstd, docker": ({"compression": "zstd", "image_format": "docker"}, "conflicting-options"),
    "zstd, oci": ({"compression": "zstd", "image_format": "oci"}, ""),
    "zstd, tar": (
        {"compression": "zstd", "image_format": "oci", "tar_path": "i.tar"},
        "conflicting-options",
    ),
    "gzip, docker": ({"compression": "gzip", "image_format": "docker"}, ""),
    "oci, tar": ({"image_format": "oci", "tar_path": "i.tar"}, "conflicting-options"),
    "docker, tar": ({"image_format": "docker", "tar_path": "i.tar"}, ""),
    "oci, layout": ({"image_format": "oci", "oci_layout_path": "layout"}, ""),
    "gzip 10": ({"compression": "gzip", "compression_level": 10}, "out-of-range"),
    "level 10": ({"compression_level": 10}, "out-of-range"),
    "gzip 9": ({"compression": "gzip", "compression_level": 9}, ""),
    "zstd 19": ({"compression": "zstd", "image_format": "oci", "compression_level": 19}, ""),
}


@pytest.mark.parametrize(("options", "rule"), TOGETHER.values(), ids=TOGETHER)
def test_formats_and_compressions_together(options: dict[str, Any], rule: str) -> None:
    assert set(rules(options=options)) == ({rule} if rule else set())


# -- the escape hatch -------------------------------------------------------------------------


@pytest.mark.parametrize("flag", sorted({*FLAGS, *RENAMED, *RESERVED}))
@pytest.mark.parametrize("form", ["--{}", "--{}=x", "--{}="])
def test_extra_args_cannot_name_an_owned_flag(flag: str, form: str) -> None:
    found = rules(extra_args=[form.format(flag)])
    assert "owned-argument" in found
    owner = owner_of(flag)
    assert found["owned-argument"] == (f"{owner}: is its place" if owner else RESERVED[flag])


@pytest.mark.parametrize("text", ["-d", "-d=x", "--", "x", "--a b=c", "", "--=x", "---x", "-v=x"])
def test_extra_args_are_long_flags(text: str) -> None:
    assert "bad-argument" in rules(extra_args=[text])
