"""Image references, component by component."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ci_kaniko.problems.finding import Refused
from ci_kaniko.syntax.references import Reference, Repository, canonical_host, path_of
from ci_kaniko.syntax.variables import Parts, Ref, text_of

TAKEN = {
    "host, path, tag": ("ghcr.io/acme/shop:1.0", "ghcr.io", "acme/shop", "1.0"),
    "no tag": ("ghcr.io/acme/shop", "ghcr.io", "acme/shop", ""),
    "Docker Hub by name": ("docker.io/acme/shop:1", "docker.io", "acme/shop", "1"),
    "Docker Hub by its other name": ("index.docker.io/acme/shop:1", "docker.io", "acme/shop", "1"),
    "Docker Hub without a name": ("acme/shop:1", "", "acme/shop", "1"),
    "port": ("localhost:5000/acme/shop:1", "localhost:5000", "acme/shop", "1"),
    "localhost": ("localhost/acme:1", "localhost", "acme", "1"),
    "IPv6": ("[::1]:5000/acme:1", "[::1]:5000", "acme", "1"),
    "one part": ("ghcr.io/acme:1", "ghcr.io", "acme", "1"),
    "deep": ("ghcr.io/a/b/c/d:1", "ghcr.io", "a/b/c/d", "1"),
    "separators": ("ghcr.io/a.b_c__d---e/f:1", "ghcr.io", "a.b_c__d---e/f", "1"),
    "tag characters": ("ghcr.io/acme/a:_A.b-9", "ghcr.io", "acme/a", "_A.b-9"),
    "longest tag": ("ghcr.io/acme/a:" + "x" * 128, "ghcr.io", "acme/a", "x" * 128),
    "longest path": ("ghcr.io/" + "a" * 255, "ghcr.io", "a" * 255, ""),
    "own registry": ("${registry.image}:1", "${registry.host}", "", "1"),
    "below the own registry": ("${registry.image}/a:1", "${registry.host}", "a", "1"),
    "own host": ("${registry.host}/acme/a:1", "${registry.host}", "acme/a", "1"),
    "variable host": ("${env.HOST}/acme/a:1", "${env.HOST}", "acme/a", "1"),
    "variable port": ("${env.HOST}:5000/a/b:1", "${env.HOST}:5000", "a/b", "1"),
    "registry of an account in a region": (
        "${env.ID}.dkr.ecr.${env.REGION:-eu-west-1}.amazonaws.com/app:1",
        "${env.ID}.dkr.ecr.${env.REGION:-eu-west-1}.amazonaws.com",
        "app",
        "1",
    ),
    "variable image": ("${env.IMAGE}:1", "${env.IMAGE}", "${env.IMAGE}", "1"),
    "variable image with an end": ("${env.A}-x_${env.B}", "${env.A}", "${env.A}-x_${env.B}", ""),
    "variable image with a default": (
        "${input.image:-quay.io/a/b:1}",
        "${input.image:-quay.io/a/b:1}",
        "${input.image:-quay.io/a/b:1}",
        "",
    ),
    "variable host twice": ("${env.A}/${env.A}/b:1", "${env.A}", "${env.A}/b", "1"),
    "variables alone": ("${env.HOST}/${env.APP}:1", "${env.HOST}", "${env.APP}", "1"),
    "variables": (
        "ghcr.io/${repository.path}/${ref.slug}:${tag:-dev}-${commit.short}",
        "ghcr.io",
        "${repository.path}/${ref.slug}",
        "${tag:-dev}-${commit.short}",
    ),
}


@pytest.mark.parametrize(("text", "host", "repository", "tag"), TAKEN.values(), ids=TAKEN)
def test_taken(text: str, host: str, repository: str, tag: str) -> None:
    reference = Reference(text)
    assert (reference.host, text_of(reference.repository), text_of(reference.tag)) == (
        host,
        repository,
        tag,
    )
    assert text_of(reference.parts) == text


REFUSED = {
    "empty": ("", "bad-reference", "it is empty"),
    "bare name": ("shop", "bad-reference", "no repository of yours"),
    "bare name and tag": ("shop:1", "bad-reference", "no repository of yours"),
    "scheme": ("https://ghcr.io/acme/a:1", "bad-reference", "scheme"),
    "digest": ("ghcr.io/acme/a@sha256:" + "0" * 64, "bad-reference", "digest"),
    "comma": ("ghcr.io/acme/a,ghcr.io/acme/b", "bad-reference", "entry of its own"),
    "inner blank": ("ghcr.io/acme/a b", "bad-reference", "space"),
    "outer blank": (" ghcr.io/acme/a", "bad-reference", "space"),
    "upper-case host": ("GHCR.io/acme/a", "bad-reference", "host names are lower case"),
    "upper-case path": ("ghcr.io/Acme/a", "bad-reference", "repository names are lower case"),
    "upper-case default": ("ghcr.io/acme/${env.A:-B}", "bad-reference", "lower case"),
    "port out of range": ("ghcr.io:65536/acme/a", "bad-reference", "not a registry host"),
    "host with underscore": ("my_host.io/acme/a", "bad-reference", "not a registry host"),
    "Docker Hub's alias": ("registry-1.docker.io/acme/a", "bad-host", "Docker Hub"),
    "no namespace on Docker Hub": ("docker.io/shop", "bad-reference", "namespace/name"),
    "nested on Docker Hub": ("docker.io/a/b/c", "bad-reference", "namespace/name"),
    "nested without a host": ("a/b/c", "bad-reference", "namespace/name"),
    "no repository": ("ghcr.io/:1", "bad-reference", "no repository"),
    "one character": ("ghcr.io/a:1", "bad-reference", "2 to 255"),
    "path too long": ("ghcr.io/" + "a" * 256, "bad-reference", "2 to 255"),
    "two slashes": ("ghcr.io/a//b", "bad-reference", "is empty"),
    "trailing slash": ("ghcr.io/acme/", "bad-reference", "is empty"),
    "leading dash": ("ghcr.io/acme/-a", "bad-reference", "valid part"),
    "two dots": ("ghcr.io/acme/a..b", "bad-reference", "valid part"),
    "three underscores": ("ghcr.io/acme/a___b", "bad-reference", "valid part"),
    "dot and dash": ("ghcr.io/acme/a.-b", "bad-reference", "valid part"),
    "empty tag": ("ghcr.io/acme/a:", "bad-reference", "the tag is empty"),
    "slash in a tag": ("ghcr.io/acme/a:feature/x", "bad-reference", "not a tag"),
    "plus in a tag": ("ghcr.io/acme/a:1+2", "bad-reference", "not a tag"),
    "leading dot of a tag": ("ghcr.io/acme/a:.x", "bad-reference", "not a tag"),
    "tag too long": ("ghcr.io/acme/a:" + "x" * 129, "bad-reference", "not a tag"),
    "tag too long with its variable": (
        "ghcr.io/acme/a:${commit.sha}-" + "x" * 88,
        "bad-reference",
        "not a tag",
    ),
    "two tags": ("ghcr.io/acme/a:b:c", "bad-reference", "not a tag"),
    "slash behind the own registry": ("${registry.image}/", "bad-reference", "nothing follows"),
    "joined to the own registry": ("${registry.image}x:1", "bad-reference", "comes / or :"),
    "own registry with a default": ("${registry.image:-a}/b", "bad-reference", "default"),
    "branch in a tag": ("ghcr.io/acme/a:${branch}", "unsafe-variable", "${branch}"),
    "time in a tag": ("ghcr.io/acme/a:${build.timestamp}", "unsafe-variable", "timestamp"),
    "tag in a path": ("ghcr.io/acme/${tag}", "unsafe-variable", "${tag}"),
    "empty default": ("ghcr.io/acme/a:${tag:-}", "bad-reference", "may be empty"),
    "bad default": ("ghcr.io/acme/a:${tag:-a b}", "bad-reference", ""),
    "native variable": ("ghcr.io/acme/a:$CI_COMMIT_SHA", "native-variable", "$CI_COMMIT_SHA"),
    "unknown variable": ("ghcr.io/acme/a:${nope}", "unknown-variable", "nope"),
    "input and port": ("${input.host}:5000/ab:1", "bad-reference", "is no part of a host"),
    "branch in a host": ("${ref.slug}.example.com/ab", "bad-reference", "is no part of a host"),
    "own registry and port": ("${registry.host}:5000/ab", "bad-reference", "no part of a host"),
    "host that ends with a dot": ("${env.ZONE}./ab", "bad-reference", "not a registry host"),
    "port with a letter": (
        "a.io:${env.PORT:-x}/ab",
        "bad-reference",
        '"a.io:${env.PORT:-x}" is not a registry host',
    ),
    "variable image that ends badly": ("${env.A}-:1", "bad-reference", '"${env.A}-" is not'),
    "variable image without a home": ("${env.A:-app}:1", "bad-reference", '"app" is not an image'),
    "variable image with two tags": ("${env.A:-a/b:1}:1", "bad-reference", "without a tag"),
    "branch as an image": ("${ref.slug}:1", "bad-reference", "no repository of yours"),
    "private character": ("ghcr.io/acme/\ue000", "bad-reference", ""),
}


@pytest.mark.parametrize(("text", "rule", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, rule: str, words: str) -> None:
    with pytest.raises(Refused) as raised:
        Reference(text)
    assert raised.value.rule == rule
    assert words in raised.value.message


INSTEAD = {
    "https://ghcr.io/acme/a:1": "ghcr.io/acme/a:1",
    "GHCR.io/Acme/a:Tag": "ghcr.io/acme/a:Tag",
    "ghcr.io/Acme/${env.NAME}:${tag:-Dev}": "ghcr.io/acme/${env.NAME}:${tag:-Dev}",
    "ghcr.io/acme/a@sha256:0": "ghcr.io/acme/a",
    "ghcr.io/acme/a:": "ghcr.io/acme/a:1.0",
    " ghcr.io/acme/a ": "ghcr.io/acme/a",
    "ghcr.io/acme/a:${tag:-}": "ghcr.io/acme/a:${tag}",
    "${registry.image}/": "${registry.image}",
    "${registry.image}/:1": "${registry.image}:1",
}


@pytest.mark.parametrize(("text", "instead"), INSTEAD.items())
def test_hints_are_references(text: str, instead: str) -> None:
    with pytest.raises(Refused) as raised:
        Reference(text)
    assert raised.value.hint == f"write {instead}"
    Reference(instead)


def test_the_path_of_an_image_is_what_stands_behind_its_host() -> None:
    for image, path in (("a:5000/b", "b"), ("a.io/b/c", "b/c"), ("localhost/b", "b")):
        assert path_of(image) == path
    assert [path_of(image) for image in ("a/b", "x")] == ["a/b", "x"]


def test_a_repository_has_no_tag() -> None:
    assert Repository("ghcr.io/acme/cache").tag == ()
    with pytest.raises(Refused) as raised:
        Repository("ghcr.io/acme/cache:1")
    assert (raised.value.rule, raised.value.hint) == ("bad-cache-repo", "write ghcr.io/acme/cache")


HOSTS = {"docker.io": "docker.io", "index.docker.io": "docker.io", "ghcr.io": "ghcr.io"}


@pytest.mark.parametrize(("host", "canonical"), HOSTS.items())
def test_hosts_that_are_one(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical


PIECES = [
    "ghcr.io",
    "/",
    ":",
    "acme",
    "A",
    "${tag}",
    "${registry.image}",
    "@",
    "-",
    ".",
    "1",
    "://",
]


@example("${registry.image}/")
@example("${registry.image}/:1")
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_any_reference_is_taken_or_refused(text: str) -> None:
    try:
        reference = Reference(text)
    except Refused as refused:
        if found := re.match("write (.+)", refused.hint):
            Reference(found.group(1))
        return
    assert text_of(reference.parts) == text


def test_a_tag_is_no_longer_than_its_variables_let_it_be() -> None:
    sha, short, number = "${commit.sha}", "${commit.short}", "${build.number}"
    for tag in ("-".join([sha] * 3), "x" * 120 + short, "x" * 127 + number):
        assert Reference(f"ghcr.io/acme/a:{tag}").tag
        with pytest.raises(Refused, match="is not a tag"):
            Reference(f"ghcr.io/acme/a:xxxxxxx{tag}")


@pytest.mark.parametrize("name", ["ref.tag", "ref.version"])
def test_what_is_cut_is_told_what_stands_beside_it(name: str) -> None:
    def beside(tag: str) -> list[Parts]:
        return [part.beside for part in Reference(f"a.io/b/c:{tag}").tag if isinstance(part, Ref)]

    assert beside(f"${{{name}}}") == [()]
    assert beside(f"x-${{{name}}}-y") == [("x--y",)]
    assert beside(f"${{{name}}}-${{build.number}}") == [("-", Ref("build.number")), ()]
    assert beside("x-${build.number}") == [()]
