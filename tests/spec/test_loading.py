"""From a text or from Python to a Spec: what is kept, what is refused, and where."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko import Spec, SpecError, load, loads, render
from ci_kaniko.cli.report import report
from ci_kaniko.problems.problem import Problem, in_file_order, suggest
from ci_kaniko.repository.discovery import find
from ci_kaniko.spec import loading
from ci_kaniko.spec.loading import errors, warnings
from ci_kaniko.spec.rules import engine
from ci_kaniko.text.display import hide, shown, shown_line
from harness.cases import CASES, SPECS
from harness.pace import within

if TYPE_CHECKING:
    from pathlib import Path

    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import SpecFields

TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(SpecError) as raised:
        loads(text, "spec.yaml")
    return list(raised.value.problems)


def marks_of(text: str) -> list[str]:
    """Every problem as ``rule line:column underlined``."""
    return [
        f"{problem.rule} {problem.line}:{problem.column} "
        + problem.excerpt[(problem.column or 1) - 1 :][: problem.width]
        for problem in problems_of(text)
    ]


def refusals_of(**data: Any) -> list[str]:
    """Every problem of a spec that is built in Python, as ``where: rule``."""
    with pytest.raises(SpecError) as raised:
        Spec(**data)
    return [f"{problem.where}: {problem.rule}" for problem in raised.value.problems]


KEPT = {
    "version with a zero": ("build_args: {A: 1.10}", "build_args", {"A": "1.10"}),
    "leading zero": ("build_args: {A: 012345}", "build_args", {"A": "012345"}),
    "switch as a text": ("build_args: {A: on}", "build_args", {"A": "on"}),
    "date": ("labels: {a: 2026-01-02}", "labels", {"a": "2026-01-02"}),
    "sexagesimal": ("labels: {a: 1:30}", "labels", {"a": "1:30"}),
    "empty in quotes": ('build_args: {A: ""}', "build_args", {"A": ""}),
    "null in quotes": ('build_args: {A: "null"}', "build_args", {"A": "null"}),
    "several lines": ("build_args:\n  A: |\n    b\n    c\n", "build_args", {"A": "b\nc\n"}),
    "null is absent": ("target: ~", "target", None),
    "nothing is absent": ("target:", "target", None),
}


@pytest.mark.parametrize(("text", "field", "value"), KEPT.values(), ids=KEPT)
def test_texts_are_read_as_written(text: str, field: str, value: object) -> None:
    assert getattr(loads(f"push: never\n{text}"), field) == value


def test_native_keys_are_read_as_yaml_1_2_does() -> None:
    spec = loads("push: never\ngitlab: {extra: {a: on, b: true, c: 012, d: 1.5, e: '1', f: ~}}")
    assert spec.gitlab.extra == {"a": "on", "b": True, "c": 12, "d": 1.5, "e": "1", "f": None}


MARKS = {
    "unknown key": ("contxt: .\npush: never", ["unknown-key 1:1 contxt"]),
    "unknown key in a flow": ("{push: never, contxt: .}", ["unknown-key 1:15 contxt"]),
    "unknown key in JSON": ('{"push": "never",\n "contxt": "."}', ['unknown-key 2:2 "contxt"']),
    "bad value": ("push: sometimes", ["bad-choice 1:7 sometimes"]),
    "bad value in quotes": ("push: 'no'", ["bad-choice 1:7 'no'"]),
    "bad item": (
        "destinations:\n- ghcr.io/acme/a:1\n- Shop",
        ["bad-reference 3:3 Shop"],
    ),
    "after wide characters": (
        "push: never\nlabels: {é😀: a, b: [c]}",
        ["wrong-type 2:20 [c]"],
    ),
    "through an alias": (
        "push: never\nbuild_args: &a {B: [c]}\nlabels: *a",
        ["wrong-type 2:20 [c]"],
    ),
    "through a merge": (
        "push: never\nlabels: {<<: {a: [b]}}",
        ["wrong-type 2:18 [b]"],
    ),
    "two on one line": (
        "push: never\nbuild_args: {A-B: 1, C-D: 2}",
        ["bad-build-arg 2:14 A-B", "bad-build-arg 2:22 C-D"],
    ),
    "missing key": ("push: never\ncache: {ttl: 1h}", ["missing-key 2:8 {ttl: 1h}"]),
    "missing destinations": ("context: .", ["missing-destination 1:1 context: ."]),
    "deep in a login": (
        "push: never\nregistries: {a.io: {gitlab: {username: {secret: a b}, password: C}}}",
        ["bad-secret-name 2:49 ***"],
    ),
    "several in one list": (
        "destinations: [{image: ghcr.io/acme/a, when: [tags, {branch: ['[', ']']}]}]",
        ["bad-condition 1:47 tags", "bad-glob 1:63 '['", "bad-glob 1:68 ']'"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), MARKS.values(), ids=MARKS)
def test_problems_point_at_what_is_wrong(text: str, expected: list[str]) -> None:
    assert marks_of(text) == expected


ONE = {
    "misspelt destinations": "destination: [ghcr.io/acme/a:1]",
    "misspelt image": "destinations: [{imgae: ghcr.io/acme/a:1}]",
    "misspelt repo": "push: never\ncache: {repository: ghcr.io/acme/cache}",
    "misspelt password": "push: never\nregistries: {a.io: {username: b, pasword: C}}",
    "every destination damaged": "destinations: [Shop]",
    "destinations of another type": "destinations: {a: b}",
    "no destinations": "destinations: []",
    "bad compression and a level": "push: never\noptions: {compression: xz, compression_level: 19}",
    "bad context and a sub path": "push: never\ncontext: /a\ncontext_sub_path: b",
    "bad host of a mirror": "push: never\noptions: {registry_map: {'https://a.io': b}}",
}


@pytest.mark.parametrize("text", ONE.values(), ids=ONE)
def test_one_mistake_is_one_problem(text: str) -> None:
    assert len(problems_of(text)) == 1


ALL = {
    "a rule beside a bad field": (
        "push: never\noptions: {push_retry: x, ignore_path: [a]}",
        ["bad-integer", "bad-path"],
    ),
    "a rule about the other destinations": (
        "destinations: [ghcr.io/acme/a:1, Shop, ghcr.io/acme/a:1]",
        ["bad-reference", "duplicate-destination"],
    ),
    "a doubled key and a bad value": (
        "push: never\npush: auto\ndestinations: [Shop]",
        ["duplicate-key", "bad-reference"],
    ),
    "a warning beside an error": (
        "push: never\nexecutor: {distribution: google}\ncontxt: .",
        ["frozen-image", "unknown-key"],
    ),
    "a rule beside an incomplete part": (
        "push: never\ncache: {ttl: 1h}\nextra_args: [x]",
        ["missing-key", "bad-argument"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), ALL.values(), ids=ALL)
def test_everything_is_said_in_one_run(text: str, expected: list[str]) -> None:
    assert [problem.rule for problem in problems_of(text)] == expected


def test_positions_of_rules_survive_a_bad_entry() -> None:
    text = "destinations:\n- Shop\n- ghcr.io/acme/a:1\n- ghcr.io/acme/a:1"
    assert [(problem.line, problem.where) for problem in problems_of(text)] == [
        (2, "destinations[0].image"),
        (4, "destinations[2]"),
    ]


SECRETS = {
    "password": "registries: {a.io: {username: b, password: hunter2!}}",
    "password in a list": "registries: {a.io: {username: b, password: [hunter2!]}}",
    "password in a mapping": "registries: {a.io: {username: b, password: {hunter2!: 1}}}",
    "password of several lines": "registries:\n  a.io:\n    password: |\n      hunter2!\n",
    "misspelt password": "registries: {a.io: {username: b, pasword: hunter2!}}",
    "password and broken YAML": "password: hunter2!: x",
    "password in JSON": '{"registries": {"a.io": {"username": "b", "password":"hunter2!"}}}',
    "login in a URL": "context: git://acme:hunter2@example.com/a",
    "login in a reference": "destinations: ['https://acme:hunter2@example.com/a']",
    "docker config": 'registries: {a.io: {docker_config: \'{"auths": {"a": "hunter2"}}\'}}',
    "auth in a wrong place": "auths: {'auth': 'hunter2'}",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_never_shown(text: str) -> None:
    problems = problems_of(text if text.startswith("{") else f"push: never\n{text}")
    said = report(problems, "text") + report(problems, "json") + report(problems, "github")
    assert "hunter" not in said
    assert "hunter" not in repr(problems)


PLACES = (
    "labels: {a: %s}",
    "%s: a",
    "build_args: {%s: a}",
    "registries: {%s: anonymous}",
    "registries: {a.io: {username: %s, password: B}}",
    "registries: {a.io: {username: b, password: %s}}",
    "gitlab: {extra: {%s: [%s]}}",
    "contxt: %s",
    "target: [a, b] # %s",
    "a: b: %s",
    "x: *%s",
    "destinations: [%s]",
    "triggers: {branches: [%s/?]}",
    "options: {digest_file: ../%s}",
    "labels: {'a=%s': b}",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_token_is_never_shown(place: str) -> None:
    text = "push: never\n" + place.replace("%s", TOKEN)
    problems = problems_of(text)
    assert TOKEN[:12] not in report(problems, "text") + report(problems, "json") + repr(problems)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_shown_keeps_its_columns(before: str, after: str) -> None:
    line = f"{before} {TOKEN} {after}"
    assert len(shown_line(line)) == len(line)
    assert TOKEN not in shown_line(line)
    assert TOKEN[:8] not in shown(line, 20 + len(before))


@pytest.mark.parametrize(
    "piece", ["token: a!, ", "eyJ", "://a", "pwd ", "-----BEGIN ", "a", "{token: a!", "ghp_"]
)
def test_hiding_takes_no_time(piece: str) -> None:
    within(1, lambda: shown_line(piece * (1_000_000 // len(piece))))


def test_names_of_secrets_are_shown() -> None:
    line = "  ghcr.io: {username: acme, password: GHCR_TOKEN} # token: OTHER"
    assert shown_line(line) == hide(line) == line


PYTHON = {
    "reference": ({"destinations": ["Bad/Ref"]}, ["destinations[0].image: bad-reference"]),
    "typo": ({"push": "never", "contxt": "."}, ["contxt: unknown-key"]),
    "number for a text": ({"push": "never", "build_args": {"A": 1}}, ["build_args.A: wrong-type"]),
    "text for a switch": (
        {"push": "never", "options": {"cleanup": "true"}},
        ["options.cleanup: bad-boolean"],
    ),
    "object": ({"push": "never", "target": object()}, ["target: wrong-type"]),
    "rule": ({}, ["destinations: missing-destination"]),
    "rules beside a bad part": (
        {"push": "never", "target": "a,b", "extra_args": ["x"]},
        ["target: bad-stage", "extra_args[0]: bad-argument"],
    ),
    "objects for keys": ({"push": "never", "build_args": {1: "a"}}, ["build_args[1]: wrong-type"]),
}


@pytest.mark.parametrize(("data", "expected"), PYTHON.values(), ids=PYTHON)
def test_python_refuses_the_same(data: dict[str, Any], expected: list[str]) -> None:
    assert refusals_of(**data) == expected


def test_python_messages_name_the_place() -> None:
    with pytest.raises(SpecError) as raised:
        Spec(destinations=["ghcr.io/Acme/shop:1"])
    assert str(raised.value) == (
        '<spec>: destinations[0].image: "ghcr.io/Acme/shop:1" is not an image reference: '
        "repository names are lower case [bad-reference]\n  hint: write ghcr.io/acme/shop:1"
    )


def test_python_and_yaml_make_equal_specs() -> None:
    built = Spec(
        destinations=[{"image": "ghcr.io/acme/shop:1", "when": {"tag": "v*"}}],
        build_args={"A": "1.10"},
        options={"cleanup": True, "push_retry": 3},
    )
    text = (
        "destinations: [{image: ghcr.io/acme/shop:1, when: {tag: v*}}]\nbuild_args: {A: 1.10}\n"
        "options: {cleanup: true, push_retry: 3}"
    )
    assert built == loads(text)


def test_a_changed_spec_is_checked_before_it_is_rendered() -> None:
    spec = Spec(push="never").model_copy(update={"push": "auto"})
    assert [problem.rule for problem in errors(spec)] == ["missing-destination"]
    with pytest.raises(SpecError):
        render(spec, "gitlab")


def test_the_rules_are_asked_once_of_each_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """And anew of a changed copy, whatever was said of the spec before."""
    asked = []

    def check(spec: SpecFields) -> list[Finding]:
        asked.append(spec)
        return engine.check(spec)

    monkeypatch.setattr(loading, "check", check)
    spec = loads("push: never\nlabels: {a: b}\n")
    changed = spec.model_copy(update={"context": "$CI_PROJECT_DIR"})
    for _ in range(2):
        assert warnings(spec) == []
        assert warnings(changed) != []
    assert asked == [changed]
    assert errors(changed.model_copy(update={"push": "auto"}))
    assert len(asked) == 2


def test_warnings_do_not_stop() -> None:
    spec = Spec(push="never", executor={"distribution": "google"})
    assert [problem.rule for problem in warnings(spec)] == ["frozen-image"]
    assert not errors(spec)


def test_load_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ci-kaniko.yaml"
    path.write_text("contxt: .\npush: never\n")
    with pytest.raises(SpecError) as raised:
        load(path)
    assert raised.value.problems[0].path == str(path)


def test_bytes_and_text_are_one() -> None:
    text = "push: never\nlabels: {a: é}\n"
    assert loads(text) == loads(text.encode()) == loads(b"\xef\xbb\xbf" + text.encode())


def test_find_looks_upward_to_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "ci-kaniko.yaml").touch()
    monkeypatch.chdir(inner)
    assert find() == "../../../ci-kaniko.yaml"
    (tmp_path / "repository" / ".git").touch()
    assert find() is None
    (tmp_path / "repository" / "ci-kaniko.json").touch()
    assert find() == "../../ci-kaniko.json"
    (inner / "ci-kaniko.yaml").mkdir()
    (inner / "ci-kaniko.yml").touch()
    assert find() == "ci-kaniko.yml"


def test_problems_are_sorted_and_said_once() -> None:
    def problem(line: int | None, where: str) -> Problem:
        return Problem(rule="a", message="b", line=line, column=line, where=where)

    found = in_file_order(
        [problem(None, "c"), problem(2, "x"), problem(1, "x"), problem(2, "y"), problem(None, "d")]
    )
    assert [(p.line, p.where) for p in found] == [(1, "x"), (2, "x"), (None, "c"), (None, "d")]


def test_carets_stand_below_wide_characters() -> None:
    found = problems_of("push: never\nlabels: {名前: [b]}")[0]
    excerpt, caret = found.explain().splitlines()[1:3]
    assert excerpt == "  2 | labels: {名前: [b]}"
    assert caret == "    |                ^^^"


SUGGESTIONS = {"contxt": "context", "Destination": "destinations", "zzz": None}


@pytest.mark.parametrize(("word", "meant"), SUGGESTIONS.items(), ids=SUGGESTIONS)
def test_suggestions(word: str, meant: str | None) -> None:
    assert suggest(word, Spec.model_fields) == meant


def test_a_github_annotation_is_one_line() -> None:
    text = report(problems_of("push: never\ntarget: 'a%b,c'"), "github")
    assert text == (
        '::error file=spec.yaml,line=2,col=9::"a%25b,c" is not a stage of a Dockerfile [bad-stage]'
        "%0Ahint: letters, digits, _ . and -; one stage"
    )


def test_a_spec_error_is_an_error_of_the_library() -> None:
    with pytest.raises(ci_kaniko.CiKanikoError):
        Spec(target="a,b")


ODD: tuple[object, ...] = (
    None,
    "",
    " ",
    "x",
    "a b",
    "${tag}",
    "${",
    "\x1b",
    TOKEN,
    "*",
    -1,
    1.5,
    True,
    [],
    {},
    ["x"],
)
ODD += ({"x": "y"}, [None], [[]], "a" * 300, "ghcr.io/acme/a:1", "git://x", "1h", "ci-token")


def places_in(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a value, itself included."""
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [at, *(place for key, item in entries for place in places_in(item, (*at, key)))]


def with_odd(value: Any, place: tuple[str | int, ...], odd: object, *, as_key: bool) -> Any:
    if not place:
        return odd
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if as_key and len(place) == 1 and isinstance(copy, dict):
        copy[str(odd)] = copy.pop(place[0])
    else:
        copy[place[0]] = with_odd(value[place[0]], place[1:], odd, as_key=as_key)
    return copy


@given(st.data())
def test_a_spec_with_something_odd_is_taken_or_refused(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    value = yaml.load((SPECS / f"{case}.yaml").read_text(), yaml.CBaseLoader)  # noqa: S506
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places_in(value)[1:] or [()]))
        if place:
            odd = data.draw(st.sampled_from(ODD))
            value = with_odd(value, place, odd, as_key=data.draw(st.booleans()))
    try:
        loads(json.dumps(value), "spec.json")
    except SpecError as error:
        said = report(error.problems, "text") + report(error.problems, "github")
        assert TOKEN[:12] not in said
        assert "\x1b" not in said
        assert not re.search(r"Input should|validation error|Traceback|__root__", said)
        places = [(problem.line or 1 << 60, problem.column or 0) for problem in error.problems]
        assert places == sorted(places)


THREADS = """
import sys, threading
import ci_kaniko
sys.setswitchinterval(1e-6)
spec = sys.stdin.read()
barrier, texts = threading.Barrier(8), []
def run():
    barrier.wait()
    texts.append(ci_kaniko.render(ci_kaniko.loads(spec), "gitlab"))
threads = [threading.Thread(target=run) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(texts) == 8, len(texts)
assert len({*texts}) == 1
"""
ALL_SECTIONS = """\
destinations: ["ghcr.io/acme/${image.name}:1.0"]
registries: {ghcr.io: {default: {username: acme-bot, password: GHCR_TOKEN}, github: ci-token}}
cache: {repo: ghcr.io/acme/cache}
options: {cleanup: true}
checkout: {depth: 1}
executor: {version: v1.28.3}
triggers: {branches: [main], tags: ["v*"]}
gitlab: {stage: build}
images: {api: {}, web: {labels: {team: shop}}}
"""


def test_first_uses_may_come_from_several_threads(tmp_path: Path) -> None:
    """Models are built when they are first used, by whichever thread that is."""
    for _ in range(3):
        subprocess.run(
            [sys.executable, "-c", THREADS], input=ALL_SECTIONS, cwd=tmp_path, text=True, check=True
        )
