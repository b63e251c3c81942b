"""Small grammars, each word by word: what is taken, what is refused, and under which rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ci_kaniko.problems.finding import Refused
from ci_kaniko.spec import context, fields
from ci_kaniko.syntax import conditions, contexts, globs, grammar, scalars, variables
from ci_kaniko.syntax.scalars import Plain
from ci_kaniko.text.display import has_token, printable
from ci_kaniko.text.token_shapes import HEADS, SHAPES, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKS: dict[str, Callable[[str], Any]] = {
    "text": grammar.check_text,
    "lines": lambda text: grammar.check_text(text, newlines=True),
    "path": grammar.check_path,
    "host": grammar.check_host,
    "duration": grammar.check_duration,
    "platform": grammar.check_platform,
    "version": grammar.check_version,
    "digest": grammar.check_digest,
    "build arg": grammar.check_build_arg_name,
    "label": grammar.check_label_name,
    "secret": grammar.check_secret_name,
    "config": grammar.check_config_name,
    "glob": globs.check_glob,
    "branch": globs.check_branch,
    "context": contexts.Context,
    "dockerfile": context._read_dockerfile,
    "cache": fields._read_cache_repo,
    "registry": fields._read_registry,
    "plain": fields.check_plain,
    "variables": variables.parse,
}

TAKEN: dict[str, tuple[str, ...]] = {
    "text": ("", "tab\there", "it's $5 \\ `x` ${{ y }} {{ z }}", "é 😀 \u00a0 \u200b", "-", " "),
    "lines": ("a\nb\n", "\n"),
    "path": (".", "a/b", "a/../b", "with blank#%", "./a", "a/", "..a", "${x}"),
    "host": ("ghcr.io", "localhost", "localhost:5000", "10.0.0.1:5000", "[::1]:5000", "a-b.c:1"),
    "duration": ("168h", "1h30m", "1.5h", ".5h", "0", "0s", "-5m", "+1s", "90m", "1us", "2562047h"),
    "platform": ("linux/amd64", "linux/arm64/v8", "windows/amd64"),
    "version": ("v1.28.3", "v0.0.1"),
    "digest": ("sha256:" + "0a" * 32,),
    "build arg": ("A", "_a1", "GO_VERSION"),
    "label": ("a", "org.opencontainers.image.title", "with blank", "é"),
    "secret": (
        "GHCR_TOKEN",
        "token2",
        "_X",
        "dockerhubtoken2024production",
        "A1B2C3_D4E5F6G7H8_J0",
    ),
    "config": ("regcred", "REGISTRY_CONFIG", "my.reg-cred"),
    "glob": ("main", "release/*", "v*", "**", "a+b", "#1", "feature/**/x", "a@b", "$x", "é"),
    "branch": ("main", "feature/Add-x_1.2"),
    "context": (
        ".",
        "services/shop",
        "git://github.com/acme/shop.git",
        "git://github.com/acme/shop.git#refs/heads/main",
        "git://github.com/acme/shop.git#refs/tags/v1#" + "0" * 40,
        "git://github.com/acme/shop.git#refs/heads/${branch}#${commit.sha}",
        "git://localhost:8080/a",
        "s3://bucket/a/b.tar.gz",
        "gs://bucket/b.tar.gz",
        "https://example.com/a.tar.gz",
        "tar://build/context.tar.gz",
        "tar:///kaniko/context.tar.gz",
        "github.com/acme/shop",
    ),
    "dockerfile": (
        "Dockerfile",
        "../Dockerfile",
        "a b/Dockerfile",
        "https://example.com/Dockerfile",
    ),
    "cache": ("ghcr.io/acme/cache", "acme/cache", "oci:/cache/layers", "${registry.image}/cache"),
    "registry": ("ghcr.io", "docker.io", "${registry.host}", "${env.HOST}", "localhost:5000"),
    "plain": ("a", "$x", "${x}", "$${tag}"),
    "variables": ("${tag:-dev}", "${env.A}", "$${a", "$", "}", "${tag:-}", "${commit.sha}${tag}"),
}

REFUSED: dict[str, dict[str, str]] = {
    "text": {
        "line break": "a\nb",
        "carriage return": "a\r",
        "NUL": "\0",
        "escape": "\x1b[31m",
        "delete": "\x7f",
        "C1": "\x85",
        "line separator": "\u2028",
        "paragraph separator": "\u2029",
        "byte order mark": "\ufeff",
        "noncharacter": "\uffff",
        "surrogate": "\ud800",
        "GitHub token": "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "fine-grained token": "github_pat_0123456789abcdefghij_KLMN",
        "GitLab token": "glpat-0123456789abcdefghij",
        "Docker token": "dckr_pat_0123456789abcdefghij",
        "AWS key": "AKIA0123456789ABCDEF",
        "Google key": "AIza0123456789abcdefghijklmnopqrstuvwxy",
        "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln",
        "private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "inside a text": "x=npm_0123456789abcdefghijklmnopqrstuvwxyz;",
        "login in a URL": "https://acme:hunter2@example.com",
        "user in a URL": "git://token@example.com/a",
    },
    "lines": {"carriage return": "a\r\nb", "escape": "a\n\x1b"},
    "path": {
        "empty": "",
        "absolute": "/a",
        "outside": "../a",
        "outside later": "a/../../b",
        "home": "~/a",
        "backslash": "a\\b",
        "line break": "a\nb",
    },
    "host": {
        "empty": "",
        "scheme": "https://ghcr.io",
        "upper case": "GHCR.io",
        "path": "ghcr.io/acme",
        "port out of range": "ghcr.io:65536",
        "port zero": "ghcr.io:0",
        "word": "gitlab",
        "blank": "ghcr io",
        "underscore": "my_registry.io",
        "leading dash": "-a.io",
        "empty label": "a..io",
        "line break": "ghcr.io\n",
    },
    "duration": {
        "empty": "",
        "days": "7d",
        "number": "5",
        "words": "2 weeks",
        "blank": "1h 30m",
        "line break": "1h\n",
        "too long": "2562048h",
        "other digits": "\u0661h",
        "minus": "-",
    },
    "platform": {
        "one part": "linux",
        "four": "a/b/c/d",
        "upper case": "Linux/amd64",
        "empty": "",
        "a slip": "linux/arm46",
        "another name": "linux/aarch64",
    },
    "version": {"moving": "latest", "no v": "1.2.3", "variant": "v1.2.3-debug", "two": "v1.2"},
    "digest": {"short": "sha256:0", "no algorithm": "0a" * 32, "upper case": "sha256:" + "0A" * 32},
    "build arg": {"empty": "", "digit": "1A", "dash": "A-B", "equals": "A=B", "é": "é"},
    "label": {"empty": "", "equals": "a=b", "outer blank": " a", "line break": "a\nb"},
    "secret": {
        "empty": "",
        "dash": "a-b",
        "blank": "my token",
        "punctuation": "hunter2!",
        "digit": "1password",
        "switch": "true",
        "word that YAML reads": "No",
        "token": "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "random": "a1b2c3d4e5f6a7b8c9d0",
        "random capitals": "A1B2C3D4E5F6A7B8C9D0",
        "line break": "TOKEN\n",
    },
    "config": {"JSON": '{"auths": {}}', "path": "/kaniko/.docker/config.json", "empty": ""},
    "glob": {
        "empty": "",
        "question mark": "v?",
        "class": "[ab]",
        "alternatives": "{a,b}",
        "negation": "^a",
        "three stars": "***",
        "blank": "a b",
        "two dots": "a..b",
        "leading slash": "/a",
        "trailing slash": "a/",
        "two slashes": "a//b",
        "leading dash": "-a",
        "lock": "a.lock",
        "lock inside": "a.lock/b",
        "leading dot": ".a",
        "dot after a slash": "a/.b",
        "trailing dot": "a.",
        "control character": "a\x01",
    },
    "branch": {"pattern": "release/*", "empty": "", "blank": "a b"},
    "context": {
        "empty": "",
        "absolute": "/workspace",
        "outside": "../a",
        "dir": "dir://a",
        "unknown scheme": "ftp://a/b",
        "http": "http://a/b",
        "ssh": "ssh://example.com/a",
        "scp": "git@github.com:acme/shop.git",
        "git over https": "git://https://github.com/a/b",
        "no path": "git://github.com",
        "short ref": "git://github.com/a/b#main",
        "only a commit": "git://github.com/a/b#" + "0" * 40,
        "no commit": "git://github.com/a/b#refs/heads/main#HEAD",
        "three fragments": "git://github.com/a/b#refs/heads/main#" + "0" * 40 + "#x",
        "bucket only": "s3://bucket",
        "empty bucket": "gs:///a",
        "stdin": "tar://stdin",
        "tar outside": "tar://../a.tar.gz",
        "tar of nothing": "tar://",
        "variable in a directory": "a/${branch}",
        "line break": "a\nb",
    },
    "dockerfile": {"empty": "", "folder": "a/", "absolute": "/a", "scheme": "git://a/b"},
    "cache": {
        "tag": "ghcr.io/acme/cache:1",
        "one character": "ghcr.io/x",
        "nested on Docker Hub": "docker.io/acme/shop/cache",
        "upper case": "ghcr.io/Acme/cache",
        "relative layout": "oci:cache",
        "layout of nothing": "oci:/",
    },
    "registry": {"alias": "registry-1.docker.io", "path": "${registry.image}", "two": "${tag}a.io"},
    "plain": {"variable": "a${tag}", "with a default": "${env.A:-b}", "escape": "\x1b"},
    "variables": {
        "never closed": "${tag",
        "unknown": "${nope}",
        "blank": "${ tag }",
        "empty": "${}",
        "run-time name": "${env.a-b}",
        "no run-time name": "${env.}",
        "word that YAML reads": "${env.on}",
        "expression": "${{ github.sha }}",
        "shell": "${tag#v}",
    },
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in TAKEN.items() for text in texts]
)
def test_taken(name: str, text: str) -> None:
    CHECKS[name](text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(name, text, id=f"{name}: {why}")
        for name, texts in REFUSED.items()
        for why, text in texts.items()
    ],
)
def test_refused(name: str, text: str) -> None:
    with pytest.raises(Refused) as raised:
        CHECKS[name](text)
    assert raised.value.rule
    assert "\n" not in raised.value.message


def test_every_grammar_is_tried_both_ways() -> None:
    assert CHECKS.keys() == TAKEN.keys() == REFUSED.keys()


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    for check in CHECKS.values():
        try:
            check(text)
        except Refused as refused:
            message = refused.message
        else:
            continue
        assert message == printable(message)


@given(st.lists(st.sampled_from(["${", "}", "$", "{", "tag", ":-", "env.A", "x", "$${"])))
def test_variables_are_printed_as_they_are_written(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        parts = variables.parse(text)
    except Refused:
        return
    assert variables.parse(variables.text_of(parts)) == parts


SCALARS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "true": (scalars.as_bool, Plain("true"), True),
    "Python's true": (scalars.as_bool, True, True),
    "yes": (scalars.as_bool, Plain("yes"), "bad-boolean"),
    "quoted true": (scalars.as_bool, "true", "bad-boolean"),
    "one for true": (scalars.as_bool, 1, "wrong-type"),
    "number": (scalars.as_int, Plain("12"), 12),
    "negative": (scalars.as_int, Plain("-1"), -1),
    "Python's number": (scalars.as_int, 12, 12),
    "true for a number": (scalars.as_int, True, "wrong-type"),
    "quoted number": (scalars.as_int, "12", "bad-integer"),
    "fraction": (scalars.as_int, Plain("1.5"), "bad-integer"),
    "other digits": (scalars.as_int, Plain("\u0661"), "bad-integer"),
    "hexadecimal": (scalars.as_int, Plain("0x10"), "bad-integer"),
    "huge": (scalars.as_int, Plain("9" * 5000), "bad-integer"),
    "text": (scalars.as_text, Plain("1.10"), "1.10"),
    "number for a text": (scalars.as_text, 1.1, "wrong-type"),
    "nothing for a text": (scalars.as_text, None, "empty-value"),
    "list for a text": (scalars.as_text, ["a"], "wrong-type"),
    "one for a list": (scalars.as_list, "a", ["a"]),
    "mapping for a list": (scalars.as_list, {"a": 1}, "wrong-type"),
}


@pytest.mark.parametrize(("read", "value", "expected"), SCALARS.values(), ids=SCALARS)
def test_scalars(read: Callable[[Any], Any], value: Any, expected: Any) -> None:
    try:
        assert read(value) == expected
    except Refused as refused:
        assert refused.rule == expected  # noqa: PT017


NATIVES: dict[str, tuple[str, list[tuple[str, str | None, str]]]] = {
    "GitHub's settings": ("${{ vars.NAME }}", [("vars.NAME", "env.NAME", "github")]),
    "GitHub's context": ("a ${{ github.sha }}", [("github.sha", "commit.sha", "github")]),
    "a context of no value": ("${{ needs.a.outputs.b }}", []),
    "GitLab": ("$CI_COMMIT_SHA", [("CI_COMMIT_SHA", "commit.sha", "gitlab")]),
    "without a portable one": ("${CI_JOB_ID}", [("CI_JOB_ID", None, "gitlab")]),
    "two": (
        "${BUILDKITE_TAG}-$AGOLA_GIT_TAG",
        [("BUILDKITE_TAG", "tag", "buildkite"), ("AGOLA_GIT_TAG", "tag", "agola")],
    ),
    "of a shell": ("$HOME ${PATH}", []),
}


@pytest.mark.parametrize(("text", "expected"), NATIVES.values(), ids=NATIVES)
def test_natives(text: str, expected: list[tuple[str, str | None, str]]) -> None:
    found = variables.natives(text)
    assert [(each.name, each.portable, each.target) for each in found] == expected
    assert all(each.written in text for each in found)


KINDS: dict[str, tuple[Any, str]] = {
    "mapping": ({}, "a mapping"),
    "list": ([1], "a list"),
    "tuple": ((), "a list"),
    "nothing": (None, "nothing"),
    "empty": ("", "an empty text"),
    "text": ("x", '"x"'),
    "fraction": (1.5, "1.5"),
    "switch": (True, "true"),
    "object": (b"", "a Python bytes"),
}


@pytest.mark.parametrize(("value", "expected"), KINDS.values(), ids=KINDS)
def test_what_a_user_calls_a_value(value: Any, expected: str) -> None:
    assert scalars.kind_of(value) == expected


def test_plain_texts_become_what_yaml_1_2_calls_them() -> None:
    words: dict[str, Any] = {
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys(("null", "~", ""), None),
        "1": 1,
        "-1": -1,
        "+1": 1,
        "1.5": 1.5,
        "1e3": 1000.0,
        **{text: text for text in ("1_0", "0x10", "a", "\u0661", "inf", "tRue")},
    }
    for text, expected in words.items():
        found = scalars.as_native([{"a": Plain(text)}])[0]["a"]
        assert (found, type(found)) == (expected, type(expected)), text


def test_hints_for_whole_numbers() -> None:
    for text, hint, words in (
        ("12 ", "write 12", '"12 " is text, not a whole number'),
        ("1x", "digits without quotes, such as 3", '"1x" is not a whole number'),
    ):
        with pytest.raises(Refused) as raised:
            scalars.as_int(text)
        assert (raised.value.hint, raised.value.message) == (hint, words)


def test_what_names_a_secret() -> None:
    for text in ("NAME", "$NAME", "${NAME}", "${{ secrets.NAME }}"):
        assert grammar.names_a_secret(text), text
    for text in ("a b", "$A-x", "${x}", ""):
        assert not grammar.names_a_secret(text), text


WHEN: dict[str, tuple[Any, tuple[tuple[str, ...], ...]]] = {
    "word": ("default-branch", (("default-branch",),)),
    "always": (["always"], (("always",),)),
    "tag": ({"tag": "v*"}, (("tag", "v*"),)),
    "several": (["manual", {"branch": ["a", "b/*"]}], (("manual",), ("branch", "a", "b/*"))),
    "several of Python": (("manual", {"branch": ("a", "b")}), (("manual",), ("branch", "a", "b"))),
}


@pytest.mark.parametrize(("value", "expected"), WHEN.values(), ids=WHEN)
def test_when(value: Any, expected: Any) -> None:
    found = conditions.parse_when(value)
    assert tuple((condition.kind, *condition.globs) for condition in found) == expected


UNHEARD: dict[str, tuple[Any, str]] = {
    "a branch": (["main"], "{branch: main} is that branch, default-branch the one that the CI"),
    "a deeper branch": ("feature/x", "{branch: feature/x} is that branch"),
    "no branch": ("a b", "one of always, default-branch,"),
    "a switch": ("false", "one of always, default-branch,"),
    "branches": ("branches", 'write {branch: "**"}'),
    "tags": ("tags", "write {tag: v*}"),
    "a switch for a branch": ({"branch": Plain("false")}, """is written '"false"'"""),
    "always with others": ([{"tag": "v*"}, "always"], "leave always out, or the others"),
    "others behind always": (["always", "manual"], "leave always out, or the others"),
    "another key": ({"foo": "x"}, "a map has branch: or tag:"),
    "no condition": ([], "leave when: out for always"),
    "no condition of Python": ((), "leave when: out for always"),
    "a word of GitLab": ("merge_request", 'did you mean "pull-request"?'),
}


@pytest.mark.parametrize(("value", "hint"), UNHEARD.values(), ids=UNHEARD)
def test_hints_for_conditions(value: Any, hint: str) -> None:
    with pytest.raises(Refused) as raised:
        conditions.parse_when(value)
    assert hint in raised.value.hint


VARIABLE_HINTS = {
    "${vars.NAME}": "did you mean ${env.NAME}?",
    "${{ github.sha }}": "did you mean ${commit.sha}?",
    "${inputs.X}": "did you mean ${input.X}?",
    "${inputs.bad-x}": "the known names:",
    "${foo.BAR}": "the known names:",
    "${secrets.A}": "a secret never stands in a value",
    "${NAME}": "did you mean ${env.NAME}?",
    "${CI_COMMIT_SHA}": "did you mean ${commit.sha}?",
    "${SHA}": "did you mean ${commit.sha}?",
    "${build.timestam}": "did you mean ${build.timestamp}, or in a tag ${build.date}?",
    "${image.name}": "images: {NAME: {...}} gives an image its name",
    "${env.a-b}": "letters, digits and _",
    "${tag": "a variable is ${name};",
}


@pytest.mark.parametrize(("text", "hint"), VARIABLE_HINTS.items())
def test_hints_for_variables(text: str, hint: str) -> None:
    with pytest.raises(Refused) as raised:
        variables.parse(text)
    assert raised.value.hint.startswith(hint)


@pytest.mark.parametrize(
    "text", ["", "${tag}", "a${tag}", "${tag}${commit.sha}", "$${", "$$${tag}"]
)
def test_no_part_of_a_text_is_empty(text: str) -> None:
    assert "" not in variables.parse(text)


HINTS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "weeks": (grammar.check_duration, "2 weeks", "write 336h"),
    "days": (grammar.check_duration, "7d", "write 168h"),
    "minutes": (grammar.check_duration, "90 minutes", "write 90m"),
    "host of a URL": (grammar.check_host, "https://GHCR.io/acme", "write ghcr.io"),
    "version": (grammar.check_version, "1.28.3-debug", "write v1.28.3"),
    "build arg": (grammar.check_build_arg_name, "go.version", "write go_version"),
    "absolute path": (grammar.check_path, "/a/b", "write a/b"),
    "ssh": (contexts.Context, "git@a.io:b/c.git", "write git://a.io/b/c.git"),
}


@pytest.mark.parametrize(("check", "text", "hint"), HINTS.values(), ids=HINTS)
def test_hints_are_valid(check: Callable[[str], Any], text: str, hint: str) -> None:
    with pytest.raises(Refused) as raised:
        check(text)
    assert raised.value.hint == hint
    check(re.sub("^write ", "", hint))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([*SHAPES]).flatmap(
        lambda start: st.from_regex(
            HEADS.get(start, "") + re.escape(start) + SHAPES[start], fullmatch=True
        )
    )
)
def test_no_shape_of_a_credential_is_passed_over(token: str) -> None:
    """Each is as long as any of them, and found inside a text, too."""
    assert len(token) >= SHORTEST
    assert has_token(token)
    assert has_token(f"a '{token}' b")
