"""Any text is refused with a message, or it arrives byte for byte on every target."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

import ci_kaniko
from ci_kaniko.plan.values import Values
from ci_kaniko.problems.finding import Refused
from ci_kaniko.rehearsing import kubelet
from ci_kaniko.rehearsing.buildkite_upload import interpolate
from ci_kaniko.rehearsing.comparable import normalise
from ci_kaniko.rehearsing.sandbox import tools_of
from ci_kaniko.rehearsing.told.gitlab import slug
from ci_kaniko.rehearsing.triggers import github_filter
from ci_kaniko.rendering import render as text_for
from ci_kaniko.syntax import globs
from ci_kaniko.text.quoting import annotated, can_be_double_quoted, quote
from ci_kaniko.text.yaml import block, flow, literal, scalar
from harness import expectation, expected_arguments, tools
from harness.events import DEFAULT_BRANCH, TAG
from harness.expectation import Run
from harness.runs import SHELLS, TARGETS, execute, rendering, values_for

EXAMPLES = settings().max_examples
RUNS = settings(
    max_examples=EXAMPLES * 6 // 10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BATCHES = settings(max_examples=EXAMPLES // 8)

# -- texts --------------------------------------------------------------------------------------

PIECES = (
    *("'", '"', "\\", "`", "$", "$$", "$(", "${", "$${", "$[[", "{{", "}}", "}", ")", "]", "{"),
    *("$HOME", "$1", "$@", "$(id)", "`id`", "${{ secrets.X }}", "{{matrix}}", "$((1+1))", "\\$x"),
    *(" ", "  ", "\t", "\n", "\n\n", "\n  ", " \n", "\n# ", "#", " #", ": ", ":", "- ", "? ", "|"),
    *("&", ";", "<", ">", "*", "?", "[a-z]", "~", "!", "%s", "%%", "=", ",", "@", "--", "-", "..."),
    *("yes", "no", "null", "~", "0x1f", "1_000", "1:30", "1e3", ".inf", "2026-01-02", "<<", "on"),
    *(
        "\\n",
        "\\0",
        "\\",
        "a",
        "b",
        "Z",
        "0",
        "é",
        "日",
        "😀",
        "\u00a0",
        "\u200d",
        "\ufffd",
        "e\u0301",
    ),
    *("${commit.sha}", "${tag:-x}", "${tag:-'$\"}", "${branch}", "${commit.short}", "${ref.name}"),
    *(
        "EOF",
        "fi",
        "esac",
        "done",
        "; fi",
        "\u0085",
        "\u2028",
        "\ufeff",
        "\x00",
        "\x7f",
        "\r",
        "\x1b",
    ),
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(max_size=20),
)
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
SAFE_PIECES = tuple(piece for piece in PIECES if not _UNSAFE.search(piece))
SAFE_CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"
)
LINES = st.one_of(
    st.lists(st.sampled_from(SAFE_PIECES), max_size=12).map("".join),
    st.text(SAFE_CHARACTERS | st.sampled_from("\t\n"), max_size=20),
)
NAMES = st.one_of(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True), TEXTS)
SEGMENTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=4)
TAGS = st.one_of(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True), TEXTS)


def as_yaml(value: Any) -> str:
    """JSON that YAML reads: the characters that YAML does not take are written as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def specs(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Specs with some of the fields; the rest is what every target can render."""
    base = {"default_branch": "main"}
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: {**base, **given})


USERS = st.fixed_dictionaries({"username": TEXTS, "password": st.just("QUAY_PASSWORD")})
ANY_SPEC = specs(
    build_args=st.dictionaries(NAMES, TEXTS, max_size=4),
    labels=st.dictionaries(TEXTS, TEXTS, max_size=3),
    extra_args=st.lists(TEXTS.map("--some-flag={}".format) | TEXTS, max_size=2),
    target=TEXTS,
    dockerfile=SEGMENTS.map("/".join),
    context=SEGMENTS.map("/".join),
    destinations=st.lists(TAGS.map("quay.io/acme/shop:{}".format), max_size=2),
    quay=USERS,
)
LIKELY_SPEC = specs(
    build_args=st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), LINES, max_size=5
    ),
    labels=st.dictionaries(LINES, LINES, max_size=3),
    extra_args=st.lists(LINES.map(lambda text: f"--flag={text}".replace("\n", " ")), max_size=3),
    context=LINES.map(lambda text: f"a{text}".replace("\n", "n").replace("..", ".")),
)


def written(data: dict[str, Any]) -> str:
    """The text of a spec: what is not there is what every target can render."""
    data = dict(data)
    login = data.pop("quay", None)
    data["registries"] = {"quay.io": login or "anonymous"}
    if not data.get("destinations"):
        data = {**data, "push": "never", "destinations": []}
    return as_yaml(data)


def loaded(text: str) -> ci_kaniko.Spec | None:
    """A spec, or None when it is refused: with a rule, a message and a place."""
    try:
        return ci_kaniko.loads(text)
    except ci_kaniko.SpecError as refused:
        problems = refused.problems
    assert all(problem.rule and problem.message and problem.line for problem in problems)
    return None


def arrives(text: str, shell: str) -> None:
    spec = loaded(text)
    if spec is None:
        return
    again = ci_kaniko.loads(text)
    for target in TARGETS:
        rendered = rendering(spec, target, DEFAULT_BRANCH)
        if isinstance(rendered, ci_kaniko.SpecError):
            assert all(problem.rule for problem in rendered.problems)
            continue
        assert rendering(again, target, DEFAULT_BRANCH) == rendered
        both(rendered)
        wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
        got = execute(wanted, rendered, shell)
        assert got.status == 0, got.stderr
        assert normalise(got) == expected_arguments.arguments(wanted)


@RUNS
@given(ANY_SPEC.map(written), st.sampled_from(SHELLS))
def test_any_text_is_refused_or_arrives(text: str, shell: str) -> None:
    arrives(text, shell)


@RUNS
@given(LIKELY_SPEC.map(written), st.sampled_from(SHELLS))
def test_any_text_without_control_characters_arrives(text: str, shell: str) -> None:
    arrives(text, shell)


@RUNS
@given(TEXTS)
def test_a_build_arg_is_refused_for_a_reason(text: str) -> None:
    """A character that cannot pass, a variable that does not exist, or a credential."""
    if loaded(written({"build_args": {"A": text}})) is None:
        assert _UNSAFE.search(text) or "${" in text or "://" in text


# -- YAML ---------------------------------------------------------------------------------------


def both(text: str) -> Any:
    """What both dialects read, which must be the same."""
    old = yaml.load(text, yaml.CSafeLoader)
    new = YAML(typ="safe", pure=True).load(text)
    assert (old, str(type(old))) == (new, str(type(new)))
    return old


@settings(max_examples=6 * EXAMPLES)
@given(st.text() | TEXTS)
@example("1:30")
@example("=")
@example("0o7")
@example("1_0")
@example("a: b #c")
@example("--- x")
@example("! x")
@example("A?")
def test_a_scalar_is_read_back(text: str) -> None:
    assume(not re.search("[\ud800-\udfff]", text))
    assert both(f"key: {scalar(text)}\n") == {"key": text}
    assert both(f"- {scalar(text)}\n- next\n") == [text, "next"]
    assert both(f"key: {flow([text, text])}\n") == {"key": [text, text]}
    assert both(f"{scalar(text)}: 1\n") == {text: 1} or len(text) > 1024 or not text.isascii()


@given(st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_other_scalars_are_read_back(value: object) -> None:
    old = yaml.safe_load(f"key: {scalar(value)}\n")
    assert old == {"key": value} == YAML(typ="safe", pure=True).load(f"key: {scalar(value)}\n")
    assert type(old["key"]) is type(value)


@given(LINES, st.integers(1, 8))
def test_a_literal_block_is_read_back(text: str, indent: int) -> None:
    text = f"set -eu\n{text}"
    assert both(f"key: {literal(text, indent)}\nnext: 1\n") == {"key": text, "next": 1}


TREES = st.recursive(
    LINES | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(LINES, TREES, min_size=1, max_size=3) | st.lists(TREES, min_size=1))
def test_a_nested_block_is_read_back(tree: object) -> None:
    assert both(f"top:\n{block(tree, 2)}\nnext: 1\n") == {"top": tree, "next": 1}


# -- quoting ------------------------------------------------------------------------------------


def printed(shell: str, script: str) -> list[str]:
    """What a script prints, cut at NUL."""
    command = tools.shell(shell)
    env = {"PATH": f"{tools_of(shell)}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, "-c", script], env=env, capture_output=True, check=False, timeout=60
    )
    assert not done.returncode, done.stderr
    return done.stdout.decode().split("\0")[:-1]


@BATCHES
@given(st.lists(LINES, min_size=30, max_size=60))
def test_a_quoted_word_survives_every_layer(texts: list[str]) -> None:
    """YAML block, Buildkite's upload, the kubelet and three shells."""
    words = [quote(text) for text in texts]
    script = "printf '%s\\0' \\\n" + " \\\n".join(f"  {word}" for word in words) + "\n"
    assert not re.search(r"\$\{\{|\$\[\[|\{\{", "".join(words))
    kept = yaml.safe_load(f"script: {literal(script, 4)}\n")["script"]
    assert kept == script
    uploaded = interpolate(script.replace("$", "$$"), {"HOME": "/x", "x": "y"})
    assert uploaded == script
    assert kubelet.expand(uploaded, {"HOME": "/x", "id": "y", "x": "y"}) == script
    assert kubelet.expand(script.replace("$", "$$"), {"HOME": "/x"}) == script
    for shell in SHELLS:
        assert printed(shell, script) == texts


@BATCHES
@given(st.lists(LINES.map("--some-flag={}".format), max_size=30))
@example(["--x=x\nx$$"])
@example(["--x=$x", "--x=`x`", "--x=\\", "--x=it\u2019s"])
def test_quotes_are_meant(texts: list[str]) -> None:
    """Alone or below another command, shellcheck has no doubt, and is told no more than it asks."""
    codes = {}
    for text in texts:
        command = f"set -- \\\n  {quote(text)}\n"
        told = annotated(command).removesuffix(command)
        codes[command] = {*re.findall(r"SC[0-9]+", told)}
        codes[f"if :; then\n  {command}fi\n"] = codes[command]
    script = "".join(["set -eu\n", *codes])
    assert not _doubts(annotated(script))
    at, found = 2, _doubts(script)
    for command, expected in codes.items():
        lines = range(at, at + command.count("\n"))
        assert {code for line, code in found if line in lines} == expected, command
        at = lines.stop


def _doubts(script: str) -> set[tuple[int, str]]:
    options = ["--norc", "-s", "bash", "-f", "json", "-"]
    done = subprocess.run(
        [tools.program("shellcheck"), *options],
        input=script.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    return {(one["line"], f"SC{one['code']}") for one in json.loads(done.stdout)}


@BATCHES
@given(st.lists(st.text("aZ09_@%+=:,./ #;<>()*?~&|-$`\\'\"!{}[]^\t", max_size=9), max_size=60))
@example(["<(", ">(", "a<b"])
def test_what_may_stand_in_double_quotes_does(texts: list[str]) -> None:
    texts = [text for text in texts if can_be_double_quoted(text)]
    words = [f'"{text}" "${{unset:-{text}}}"' for text in texts if "}" not in text]
    script = "printf '%s\\0' begin " + " ".join(words)
    expected = ["begin", *(text for text in texts if "}" not in text for _ in range(2))]
    for shell in SHELLS:
        assert printed(shell, script) == expected


# -- globs and refs -----------------------------------------------------------------------------

REF_PIECES = (
    *("main", "release", "v1", "v", "x", "A", "1.2", "-", "_", ".", "+", "(", ")", "'"),
    *('"', "$", "&", ";", "|", "@", "{", "}", "!", "#", "%", "=", ",", "ü", "日", "😀", "`", "<"),
)
GLOBS = st.lists(st.sampled_from((*REF_PIECES, "*", "**", "/", "/", "*")), min_size=1, max_size=6)
REFS = st.lists(st.sampled_from((*REF_PIECES, "/", "/")), min_size=1, max_size=6).map("".join)


def allowed(text: str) -> bool:
    try:
        globs.check_glob(text)
    except Refused:
        return False
    return True


def is_ref(text: str) -> bool:
    bad = ("..", "//", "@{", ".lock/", "/.")
    edges = text.startswith((".", "/", "-")) or text.endswith((".", "/", ".lock"))
    return not edges and text != "@" and not any(piece in text for piece in bad)


def derived(pattern: str) -> st.SearchStrategy[str]:
    """Refs that a glob nearly or really matches."""
    filler = st.sampled_from(["", "a", "x/y", "/", "1.2"])
    pieces = re.split(r"(\*+)", pattern)
    parts = [filler if piece.startswith("*") else st.just(piece) for piece in pieces]
    return st.tuples(*parts).map("".join)


@st.composite
def glob_cases(draw: st.DrawFn) -> list[tuple[str, str]]:
    patterns = draw(st.lists(GLOBS.map("".join).filter(allowed), min_size=8, max_size=16))
    return [
        (pattern, ref)
        for pattern in patterns
        for ref in draw(st.lists(REFS | derived(pattern), min_size=4, max_size=8))
        if is_ref(ref) or not ref
    ]


def case_test(pattern: str) -> str:
    arms = globs.case_arms(pattern)
    if arms is None:
        return grep_test((pattern,))
    skipped = "".join(f"{arm}) echo no ;; " for arm in arms[:-1])
    return f"case $r in {skipped}{arms[-1]}) echo yes ;; *) echo no ;; esac"


def grep_test(patterns: tuple[str, ...]) -> str:
    expression = quote(globs.grep_pattern(patterns))
    return f"if printf '%s\\n' \"$r\" | grep -Eqx {expression}; then echo yes; else echo no; fi"


@BATCHES
@given(glob_cases())
def test_globs_mean_one_thing(cases: list[tuple[str, str]]) -> None:
    expected = [expectation.glob_matches(pattern, ref) for pattern, ref in cases]
    for (pattern, ref), wanted in zip(cases, expected, strict=True):
        assert globs.matches(pattern, ref) == wanted, (pattern, ref)
        gitlab = globs.to_regex(pattern, slash=r"\/")
        assert not re.search(r"(?<!\\)/", gitlab)
        assert (re.fullmatch(gitlab, ref) is not None) == wanted or not ref, (pattern, ref)
        github = github_filter(globs.to_github(pattern))
        assert (re.fullmatch(github, ref) is not None) == wanted or not ref, (pattern, ref)
    for make in (case_test, lambda pattern: grep_test((pattern,))):
        script = "".join(f"r={quote(ref)}; {make(pattern)}\n" for pattern, ref in cases)
        for shell in SHELLS:
            answers = printed(shell, f"{{\n{script}}} | tr '\\n' '\\0'") if cases else []
            assert answers == ["yes" if wanted else "no" for wanted in expected], (shell, script)


@BATCHES
@given(st.lists(GLOBS.map("".join).filter(allowed), min_size=2, max_size=4), st.lists(REFS))
def test_several_globs_mean_any_of_them(patterns: list[str], refs: list[str]) -> None:
    refs = [ref for ref in refs if is_ref(ref)]
    assume(refs)
    script = "".join(f"r={quote(ref)}; {grep_test(tuple(patterns))}\n" for ref in refs)
    expected = [any(expectation.glob_matches(p, ref) for p in patterns) for ref in refs]
    for shell in SHELLS:
        answers = printed(shell, f"{{\n{script}}} | tr '\\n' '\\0'")
        assert answers == ["yes" if wanted else "no" for wanted in expected]


SHELL_TARGETS = tuple(target for target in TARGETS if values_for(target, DEFAULT_BRANCH) is None)
REF_SPEC = (
    "default_branch: main\npush: never\ntriggers: {branches: ['**'], tags: ['**']}\n"
    "labels: {name: '${ref.name}', slug: '${ref.slug}', tag: '${ref.tag}'}\n"
)
UNICODE_REFS = (
    (REFS | st.text(min_size=1, max_size=90))
    .map(
        lambda text: re.sub(
            r"[\x00-\x20\x7f-\x9f~^:?*\[\\\u2028\u2029\ufeff\ufffe\uffff]", "", text
        )
    )
    .filter(lambda text: bool(text) and is_ref(text) and not re.search("[\ud800-\udfff]", text))
)


@RUNS
@given(
    UNICODE_REFS,
    st.sampled_from(SHELL_TARGETS),
    st.sampled_from(SHELLS),
    st.sampled_from(["branch", "tag"]),
)
@example("İstanbul", SHELL_TARGETS[-1], SHELLS[0], "branch")
@example("\u212a", SHELL_TARGETS[-1], SHELLS[0], "tag")
@example("---", SHELL_TARGETS[0], SHELLS[0], "tag")
@example("a" * 62 + "-b", SHELL_TARGETS[-1], SHELLS[0], "tag")
@example("x" * 200, SHELL_TARGETS[0], SHELLS[0], "tag")
def test_refs_become_names_alike(ref: str, target: str, shell: str, kind: str) -> None:
    event = replace(TAG, tag=ref) if kind == "tag" else replace(DEFAULT_BRANCH, branch=ref)
    wanted = Run(expectation.read(REF_SPEC), target, event)
    known = Values({kind: ref}, None)
    expected = {name: expectation.known(target, event)[f"ref.{name}"] for name in ("slug", "tag")}
    assert {name: known.get(f"ref.{name}") for name in expected} == expected
    if target == "gitlab":
        # GitLab's own slug knows two letters more that have an ASCII lower case: K and İ.
        expected["slug"] = slug(ref)
        assert expected["slug"] == known.get("ref.slug") or {"\u212a", "İ"} & {*ref}
    got = execute(wanted, text_for(ci_kaniko.loads(REF_SPEC), target), shell)
    assert got.status == 0, got.stderr
    labels = [argument for argument in normalise(got) if argument.startswith("--label=")]
    assert labels == [f"--label=name={ref}", *(f"--label={k}={v}" for k, v in expected.items())]
