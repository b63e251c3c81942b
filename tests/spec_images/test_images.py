"""Several images in one spec: inheritance by two implementations, and what is wrong where."""

from __future__ import annotations

import functools
import json
import re
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.select import select
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.runners.gitlab import gitlab_jobs
from ci_kaniko.rehearsing.runners.kubernetes import pod_containers
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.loading import warnings
from harness import agola, images
from harness.cases import PIPELINE_CASES
from harness.events import DEFAULT_BRANCH
from harness.pipelines import native_name
from harness.runs import TARGETS, read_pipeline, spec_of, values_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
HEAD = "default_branch: main\npush: never\n"

# -- inheritance ------------------------------------------------------------------------------


def alone(data: dict[str, Any], name: str) -> str:
    """One image of a spec as a spec of its own, merged by the second implementation."""
    top = {key: item for key, item in data.items() if key not in ("images", "outputs")}
    whole = images.named(images.merged(top, data["images"][name] or {}), name)
    return json.dumps({key: item for key, item in whole.items() if key != "needs"})


def fields(build: Build) -> dict[str, Any]:
    return {name: getattr(build, name) for name in Build.model_fields}


def same(data: dict[str, Any]) -> None:
    """Every image means what it would mean alone; whatever is refused is refused alone, too.

    What is wrong at the top is wrong even when no image keeps it.
    """
    try:
        spec = ci_kaniko.loads(json.dumps(data))
    except ci_kaniko.SpecError as refused:
        between = {"duplicate-destination", "duplicate-output"}
        own = {p.rule for p in refused.problems if p.severity == "error"} - between
        top = json.dumps({key: item for key, item in data.items() if key != "images"})
        texts = [top, *(alone(data, name) for name in data["images"])]
        assert own <= {rule for text in texts for rule in rules(text)}
        return
    for name in data["images"]:
        assert fields(spec.images[name]) == fields(ci_kaniko.loads(alone(data, name)))


def rules(text: str) -> set[str]:
    try:
        ci_kaniko.loads(text)
    except ci_kaniko.SpecError as refused:
        return {problem.rule for problem in refused.problems}
    return set()


INHERITANCE: dict[str, tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = {
    "everything": ({"context": "a", "build_args": {"A": "1"}}, None, {"context": "a"}),
    "a text replaces": ({"context": "a"}, {"context": "b"}, {"context": "b"}),
    "a list replaces": (
        {"extra_args": ["--a", "--b"]},
        {"extra_args": ["--c"]},
        {"extra_args": ("--c",)},
    ),
    "a mapping is merged": (
        {"build_args": {"A": "1", "B": "2"}},
        {"build_args": {"B": "3", "C": "4"}},
        {"build_args": {"A": "1", "B": "3", "C": "4"}},
    ),
    "null removes a field": ({"target": "x"}, {"target": None}, {"target": None}),
    "null removes a key": (
        {"build_args": {"A": "1", "B": "2"}},
        {"build_args": {"A": None}},
        {"build_args": {"B": "2"}},
    ),
    "null removes a mapping": (
        {"build_args": {"A": "1"}},
        {"build_args": None},
        {"build_args": {}},
    ),
    "an empty list replaces": ({"extra_args": ["--a"]}, {"extra_args": []}, {"extra_args": ()}),
    "an empty mapping adds nothing": (
        {"build_args": {"A": "1"}},
        {"build_args": {}},
        {"build_args": {"A": "1"}},
    ),
    "an empty text is a text": (
        {"build_args": {"A": "1"}},
        {"build_args": {"A": ""}},
        {"build_args": {"A": ""}},
    ),
    "null of what is not there": (
        {},
        {"target": None, "build_args": {"A": None}},
        {"build_args": {}},
    ),
    "the name": ({"context": "s/${image.name}"}, {}, {"context": "s/api"}),
    "the name in its own text": ({}, {"target": "${image.name}"}, {"target": "api"}),
    "the name has no default": (
        {"build_args": {"A": "${image.name:-x} ${image.name}${image.name}"}},
        {},
        {"build_args": {"A": "api apiapi"}},
    ),
    "a literal is none": (
        {"build_args": {"A": "$${image.name}", "B": "$$${image.name}", "C": "$ {image.name}"}},
        {},
        {"build_args": {"A": "$${image.name}", "B": "$$${image.name}", "C": "$ {image.name}"}},
    ),
    "a key is no text": ({"build_args": {"A": "1"}, "labels": {"x": "${image.name}"}}, {}, {}),
}


@pytest.mark.parametrize("case", INHERITANCE)
def test_inheritance(case: str) -> None:
    top, own, expected = INHERITANCE[case]
    data = {"push": "never", **top, "images": {"api": own, "web": {}}}
    same(data)
    found = fields(ci_kaniko.loads(json.dumps(data)).images["api"])
    assert {name: found[name] for name in expected} == expected


def test_deep_mappings_are_merged_and_changed_kinds_replaced() -> None:
    spec = ci_kaniko.loads(
        "registries:\n"
        "  ghcr.io: {default: {username: a, password: A}, github: ci-token}\n"
        "  quay.io: {username: b, password: B}\n"
        "cache: {repo: 'ghcr.io/x/c', ttl: 24h}\n"
        "destinations: ['ghcr.io/x/${image.name}:1']\n"
        "images:\n"
        "  api:\n"
        "    registries: {ghcr.io: {github: null, gitlab: ci-token}, quay.io: anonymous}\n"
        "    cache: {ttl: null}\n"
        "  web:\n"
        "    cache: {repo: 'ghcr.io/x/w'}\n"
    )
    api, web = spec.images.values()
    ghcr = api.registries["ghcr.io"]
    assert [entry and entry.kind for entry in (ghcr.default, ghcr.github, ghcr.gitlab)] == [
        *("password", None, "ci-token")
    ]
    quay = [image.registries["quay.io"].default for image in (api, web)]
    assert [entry and entry.kind for entry in quay] == ["anonymous", "password"]
    caches = [image.cache and (image.cache.repo, image.cache.ttl) for image in (api, web)]
    assert caches == [("ghcr.io/x/c", None), ("ghcr.io/x/w", "24h")]


@pytest.mark.parametrize("case", PIPELINE_CASES)
def test_cases_mean_the_same_by_both_implementations(case: str) -> None:
    found = {name: image.needs for name, image in spec_of(case).images.items()}
    expected = {name: image.needs for name, image in read_pipeline(case).images.items() if name}
    assert found == expected


NAMED = st.sampled_from(
    ["a", "x-${image.name}", "${image.name}", "$${image.name}", "b${commit.sha}"]
)
KEYS = st.sampled_from(["A", "B", "C_1"])
TEXTS = st.one_of(NAMED, st.sampled_from(["", "true", "1.10", 'it\'s "$5"', "${image.name:-q}"]))
HOSTS = st.sampled_from(["ghcr.io", "quay.io", "docker.io"])
LOGINS = st.sampled_from(
    [
        "anonymous",
        {"username": "u-${image.name}", "password": "P"},
        {"default": {"username": "u", "password": "Q"}, "gitlab": "anonymous"},
        {"default": None, "github": "anonymous"},
    ]
)
WHENS = st.sampled_from(["always", "default-branch", {"tag": "v*"}, {"branch": ["main", "r/*"]}])
PUSHED = st.sampled_from(
    [
        "ghcr.io/acme/${image.name}:1",
        "quay.io/acme/${image.name}:${ref.tag}",
        "docker.io/acme/all:1",
    ]
)
DESTINATIONS = st.lists(
    PUSHED | st.fixed_dictionaries({"image": PUSHED, "when": WHENS}), max_size=2
)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    with_null = {key: st.none() | value for key, value in optional.items()}
    return st.fixed_dictionaries({}, optional=with_null)


OTHER = some(
    context=st.sampled_from([".", "services/${image.name}", "a b"]),
    dockerfile=st.sampled_from(["Dockerfile", "${image.name}.Dockerfile", "../Dockerfile"]),
    target=st.sampled_from(["runtime", "${image.name}"]),
    destinations=DESTINATIONS,
    push=st.sampled_from(["never", "auto"]),
    cache=some(
        repo=st.sampled_from(["ghcr.io/acme/cache", "quay.io/acme/${image.name}"]),
        ttl=st.sampled_from(["24h", "1h"]),
        run_layers=st.booleans(),
    ),
    options=some(
        push_retry=st.integers(0, 3),
        snapshot_mode=st.sampled_from(["redo", "full"]),
        ignore_path=st.lists(st.just("/var/${image.name}"), max_size=1),
    ),
    triggers=some(
        branches=st.lists(st.sampled_from(["main", "r/*"]), max_size=2),
        tags=st.just("v*"),
        pull_requests=st.booleans(),
        paths=st.sampled_from([["src/${image.name}/**"], ["**"]]),
    ),
    prepare=some(
        image=st.just("docker.io/library/golang:1.26"),
        commands=st.sampled_from([["make ${image.name}"], "make"]),
        artifacts=st.sampled_from([["bin/${image.name}"], ["out"]]),
    ),
    platforms=st.sampled_from(["linux/arm64", ["linux/amd64", "linux/arm64"]]),
    digest=st.booleans(),
    gitlab=some(tags=st.lists(st.sampled_from(["k8s", "${image.name}"]), max_size=2)),
    extra_args=st.lists(st.sampled_from(["--x=${image.name}", "--y"]), max_size=2),
)


def builds(args: st.SearchStrategy[Any], logins: st.SearchStrategy[Any]) -> Any:
    """A build, or what an image adds to it: there null takes away what is above."""
    maps = some(
        build_args=st.dictionaries(KEYS, args, max_size=3),
        labels=st.dictionaries(KEYS, args, max_size=2),
        registries=st.dictionaries(HOSTS, logins, max_size=3),
    )
    return st.tuples(maps, OTHER).map(lambda both: {**both[0], **both[1]})


TOP, OWN = builds(TEXTS, LOGINS), builds(st.none() | TEXTS, st.none() | LOGINS)


@RUNS
@given(TOP, st.fixed_dictionaries({"api": st.none() | OWN, "web.1": OWN}))
def test_every_image_means_what_it_would_mean_alone(
    top: dict[str, Any], own: dict[str, Any]
) -> None:
    same({"default_branch": "main", **top, "images": own})


# -- the name ---------------------------------------------------------------------------------

GOOD_NAMES = ("a", "api", "web-ui", "web.ui", "web_ui", "1.10", "on", "true", "0", "x" * 40)
BAD_NAMES = (
    *("API", "a b", "-a", "a-", ".a", "a..b", "a--b", "ü", "a/b", "a:b", "x" * 41, "$a", "${x}"),
    *("a.", "_a", "a@b", "a\\b", "'"),
)


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names(name: str) -> None:
    spec = ci_kaniko.loads(HEAD + f"images: {{{name}: {{build_args: {{A: '${{image.name}}'}}}}}}")
    assert {each.name: each.build_args["A"] for each in spec.builds} == {name: name}
    for target in TARGETS:
        rendering.render(spec, target, values_for(target, DEFAULT_BRANCH))


@pytest.mark.parametrize("name", BAD_NAMES)
def test_other_names_are_refused_where_they_stand(name: str) -> None:
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(f"{HEAD}images:\n  ok: {{}}\n  {json.dumps(name)}: {{}}\n")
    (problem,) = error.value.problems
    assert (problem.rule, problem.line, problem.column) == ("image-name", 5, 3)
    hinted = problem.hint.rpartition(": ")[2]
    if re.fullmatch("[a-z0-9-]+", hinted):
        ci_kaniko.loads(f"{HEAD}images: {{{hinted}: {{}}}}")


@pytest.mark.parametrize("other", ["web-ui", "web_ui", "web.ui"])
def test_names_that_only_some_platforms_tell_apart(other: str) -> None:
    first = "web.ui" if other != "web.ui" else "web-ui"
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(f"{HEAD}images:\n  {first}: {{}}\n  {other}: {{}}\n")
    (problem,) = error.value.problems
    assert (problem.rule, problem.line) == ("image-name", 5)


# -- what is wrong, and where -----------------------------------------------------------------

WRONG: dict[str, tuple[str, set[tuple[str, int, int]]]] = {
    "at the top, once for all": (
        "build_args:\n  A: ${nope}\nimages:\n  a: {}\n  b: {}\n  c: {}\n",
        {("unknown-variable", 4, 6)},
    ),
    "at the top, with the name, once for all": (
        "build_args:\n  A: ${image.name} ${nope}\nimages:\n  a: {}\n  b: {}\n",
        {("unknown-variable", 4, 6)},
    ),
    "in one image": (
        "images:\n  a: {}\n  b:\n    options:\n      snapshot_mode: nope\n",
        {("bad-choice", 7, 22)},
    ),
    "in a part that is merged": (
        "build_args: {A: x}\nimages:\n  a:\n    build_args: {B: '${nope}'}\n  b: {}\n",
        {("unknown-variable", 6, 21)},
    ),
    "the shared half of a merged part": (
        "build_args: {A: '${nope}'}\nimages:\n  a:\n    build_args: {B: x}\n  b: {}\n",
        {("unknown-variable", 3, 17)},
    ),
    "hidden by the images that replace it": (
        "build_args: {A: '${nope}'}\nimages:\n  a: {build_args: {A: x}}\n  b: {build_args: null}\n",
        {("unknown-variable", 3, 17)},
    ),
    "an unknown key of one image": (
        "images:\n  a: {contxt: x}\n  b: {}\n",
        {("unknown-key", 4, 7)},
    ),
    "an unknown key of all": ("bogus: x\nimages:\n  a: {}\n  b: {}\n", {("unknown-key", 3, 1)}),
    "the kind of an entry": (
        "images:\n  a: 3\n  b: [x]\n",
        {("wrong-type", 4, 6), ("wrong-type", 5, 6)},
    ),
    "what the name makes wrong": (
        "github: {job: 'x-${image.name}'}\nimages: {ok: {}, web.ui: {}}\n",
        {("github-job-id", 3, 15)},
    ),
    "between an image and the top": (
        "options: {compression: gzip}\nimages:\n  a: {options: {compression_level: 19}}\n  b: {}\n",
        {("out-of-range", 5, 36)},
    ),
    "a top-only field": (
        "images:\n  a: {default_branch: x, outputs: {}}\n",
        {("top-only", 4, 7), ("top-only", 4, 26)},
    ),
    "a field of images at the top": ("needs: [a]\nimages: {a: {}}\n", {("unknown-key", 3, 1)}),
    "one thing at the top, another in an image": (
        "labels: {x: '${nope}'}\nimages:\n  a: {target: [x]}\n",
        {("unknown-variable", 3, 13), ("wrong-type", 5, 15)},
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_once_where_it_stands(case: str) -> None:
    text, expected = WRONG[case]
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(HEAD + text)
    found = [(problem.rule, problem.line, problem.column) for problem in error.value.problems]
    assert sorted(found) == sorted(expected)


def test_two_images_that_push_one_tag() -> None:
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(
            "registries: {quay.io: anonymous}\n"
            "images:\n"
            "  a: {destinations: ['quay.io/acme/x:1']}\n"
            "  b: {destinations: ['quay.io/acme/y:1', {image: 'quay.io/acme/x:1'}]}\n"
        )
    (problem,) = error.value.problems
    assert (problem.rule, problem.line) == ("duplicate-destination", 4)
    assert '"a"' in problem.message


CIRCLES = {
    "images: {a: {needs: [a]}}": {"a needs a"},
    "images: {a: {needs: [b]}, b: {needs: [a]}}": {"a needs b needs a"},
    "images: {a: {needs: [b]}, b: {needs: [c]}, c: {needs: [b]}}": {"b needs c needs b"},
    "images: {a: {needs: [b, c]}, b: {needs: d}, c: {needs: d}, d: {}}": set[str](),
}


@pytest.mark.parametrize("text", CIRCLES)
def test_circles_are_refused(text: str) -> None:
    expected = CIRCLES[text]
    if not expected:
        spec = ci_kaniko.loads(HEAD + text)
        assert {name: image.needs for name, image in spec.images.items()}["a"] == ("b", "c")
        return
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(HEAD + text)
    assert {problem.rule for problem in error.value.problems} == {"circular-needs"}
    said = " ".join(problem.message for problem in error.value.problems)
    assert all(circle in said for circle in expected)


def test_needs_of_images_that_there_are_not() -> None:
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(HEAD + "images: {api: {}, web: {needs: [apii, nothing]}}")
    problems = error.value.problems
    assert [problem.rule for problem in problems] == ["unknown-image"] * 2
    assert [problem.column for problem in problems] == [33, 39]
    assert problems[0].hint == 'did you mean "api"?'


_OF_OTHERS = """\
images:
  base: {when: main}
  api: {needs: [base, bsae], context: [a]}
  NAME: {needs: NAME}
outputs: {gitlab: {path: .gitlab-ci.yml, only: [bsae]}}
push: never
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cli", ["unknown-key", "unknown-image", "wrong-type", "circular-needs", "unknown-image"]),
        ("Cli", ["unknown-key", "wrong-type", "image-name"]),
    ],
)
def test_what_images_say_of_each_other_is_checked_beside_other_errors(
    name: str, told: list[str]
) -> None:
    """Where each has a name: else nobody knows which one is meant."""
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.loads(_OF_OTHERS.replace("NAME", name))
    assert [problem.rule for problem in error.value.problems] == told


def test_a_spec_without_images_has_no_name() -> None:
    assert rules(HEAD + "build_args: {A: '${image.name}'}") == {"unknown-variable"}
    assert rules(HEAD + "build_args: {A: '$${image.name}'}\n") == set()


# -- many images ------------------------------------------------------------------------------

MANY, FEWER = {"globs": 300, "platforms": 100}, 30
"""More than a file may hold: of jobs that are large, and of two and more for each image."""
LARGEST = {"gitlab": 2 * 1024 * 1024, "github": 500_000, "agola": 1024 * 1024}
PREPARE = {
    "image": "docker.io/library/golang:1.26",
    "commands": ["make ${image.name}"],
    "artifacts": ["services/${image.name}/bin"],
}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "platforms": {"platforms": ["linux/amd64", "linux/arm64"], "digest": True, "prepare": PREPARE},
    "paths": {
        "triggers": {"branches": ["main", "r/*"], "tags": ["v*"], "paths": ["s/${image.name}/**"]}
    },
    "globs": {
        "prepare": PREPARE,
        "triggers": {
            "branches": ["main", "r/${image.name}/**", "it's(${image.name})+", "a.b*/c-*"],
            "tags": ["${image.name}/v*", "v*.*"],
            "pull_requests": True,
        },
    },
}


def many(number: int, variant: str) -> str:
    """A spec of many images, every tenth of them after the one before it."""
    data = {
        "default_branch": "main",
        "context": "services/${image.name}",
        "destinations": ["ghcr.io/acme/${image.name}:${commit.short}"],
        "registries": {"ghcr.io": {"username": "acme-bot", "password": "GHCR_TOKEN"}},
        "images": {
            f"image-{index}": {"needs": [f"image-{index - 1}"]} if index % 10 == 9 else {}
            for index in range(number)
        },
        **VARIANTS[variant],
    }
    return json.dumps(data)


@functools.cache
def spec_of_many(number: int, variant: str) -> ci_kaniko.Spec:
    return ci_kaniko.loads(many(number, variant))


@functools.cache
def pipeline_of_many(number: int, variant: str) -> images.Pipeline:
    return images.read(many(number, variant))


@functools.cache
def selected(number: int, variant: str, names: tuple[str, ...]) -> ci_kaniko.Spec:
    return select(spec_of_many(number, variant), names)


def parts(count: int, variant: str, target: str) -> dict[tuple[str, ...], str]:
    """Everything in one file or, where that is too much, the last of several: names grow."""
    spec = spec_of_many(count, variant)
    values = values_for(target, DEFAULT_BRANCH)
    refused: set[str] = set()
    for number in (1, 3, 10):
        names = [*spec.images]
        size = len(names) // number
        group = tuple(names[-size:])
        try:
            return {group: rendering.render(selected(count, variant, group), target, values)}
        except ci_kaniko.SpecError as error:
            refused = {problem.rule for problem in error.problems}
            hints = " ".join(problem.hint for problem in error.problems)
        if not refused <= {"too-large", "too-many-jobs"}:
            break
        assert "only" in hints, hints
    assert refused <= {"impossible-platforms", "impossible-trigger"}
    return {}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_many_images_keep_to_the_limits(variant: str, target: str) -> None:
    """In one file, or refused with a way out that works."""
    too_much = target in TOO_MUCH.get(variant, ())
    number = MANY[variant] if too_much else FEWER
    found = parts(number, variant, target)
    assert found or (variant, target) in REFUSED
    one_file = all(len(group) == number for group in found)
    assert one_file == (not too_much)
    pipeline = pipeline_of_many(number, variant)
    for group, text in found.items():
        documents = yaml11.load_all(text)
        names = [name for document in documents for name in job_names(target, document)]
        jobs = [job for job in pipeline.jobs if job.image.name in group]
        assert {native_name(job, target) for job in jobs} <= {*names}
        assert len(names) == len({*names})
        assert len(text.encode()) <= LARGEST.get(target, 10_000_000)
        assert target != "buildkite" or len(names) <= 500
        structure(target, documents)


REFUSED = {
    ("platforms", "kubernetes"),
    ("paths", "agola"),
    ("paths", "buildkite"),
}
"""What a target refuses of one image, too."""

TOO_MUCH = {"platforms": {"buildkite", "github"}, "globs": {"agola", "gitlab"}}
"""Which targets refuse that many images, and take some of them."""


def job_names(target: str, document: Any) -> list[str]:
    jobs: dict[str, Callable[[], list[str]]] = {
        "gitlab": lambda: [*gitlab_jobs(document)],
        "github": lambda: [*document["jobs"]],
        "buildkite": lambda: [step["key"] for step in document["steps"]],
        "agola": lambda: [task["name"] for each in document["runs"] for task in each["tasks"]],
        "kubernetes": lambda: [name for name, *_ in pod_containers(document)],
    }
    return jobs[target]()


def structure(target: str, documents: list[Any]) -> None:
    """What the platform itself would look at, without a tool for it."""
    (document,) = documents if target != "kubernetes" else [{}]
    if target == "agola":
        assert not [*agola.complaints_of(document)]
    if target == "github":
        assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_-]{0,99}", name) for name in document["jobs"])
    if target == "gitlab":
        for name, job in gitlab_jobs(document).items():
            assert len(name) < 255
            assert len(job.get("needs", ())) <= 50
    if target == "kubernetes":
        for pod in documents:
            assert re.fullmatch("[a-z0-9][a-z0-9-]{0,57}", pod["metadata"]["generateName"])


COMMON = re.compile(
    r"""(?:
    [^\\.*+?()|\[\]{}^$]          # a character that is itself
    | \\[^A-Za-z0-9]               # one that is escaped
    | \. | \.\* | \.\+
    | \[\^\\?/\][*+]?             # all but a slash
    | \( (?:\?:)? | \) | \| | \^ | \$
    )*""",
    re.VERBOSE,
)
"""What RE2, JavaScript and Go read alike: no classes by letter, look-around or back reference."""


@pytest.mark.parametrize("target", ["gitlab", "buildkite", "agola"])
def test_regular_expressions_mean_one_thing_to_every_engine(target: str) -> None:
    found = set()
    for names, text in parts(FEWER, "globs", target).items():
        for value in every_text(yaml11.load(text)):
            if "=~" in value and "set -eu" not in value:
                found |= {*re.findall(r"=~ /((?:[^/\\]|\\.)+)/", value)}
            elif target == "agola" and re.fullmatch("#.*#", value):
                found.add(value[1:-1])
        assert len(found) > 2 * len(names)
    for pattern in found:
        plain = pattern.replace("$$", "$") if target == "buildkite" else pattern
        assert COMMON.fullmatch(plain), pattern
        re.compile(plain)


def every_text(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from every_text(item)
    elif isinstance(value, list):
        for item in value:
            yield from every_text(item)


@pytest.mark.parametrize("target", TARGETS)
def test_what_else_is_built_changes_nothing_in_a_job(target: str) -> None:
    few, more = (ci_kaniko.loads(many(number, "plain")) for number in (3, 20))
    values = values_for(target, DEFAULT_BRANCH)
    first, second = (
        rendering.render(select(spec, ["image-1", "image-2"]), target, values)
        for spec in (few, more)
    )
    assert first == second


def test_a_rule_asks_each_image_what_its_methods_read() -> None:
    """Which builder an image has, on a target or at all, is its own."""
    head = "options: {compression: zstd}\npush: never\nimages:\n"
    entries = [
        "  kaniko: {}\n",
        "  other: {builder: buildkit}\n",
        "  another: {builder: buildah}\n",
    ]
    for order in permutations(entries):
        problems = warnings(ci_kaniko.loads(head + "".join(order)))
        said = [item.message for item in problems if item.rule == "no-effect"]
        assert len(said) == 1
        assert said[0].endswith(", for kaniko")


IN_VAIN = """
destinations: ["ghcr.io/acme/${image.name}:1.0"]
registries: {ghcr.io: {username: bot, password: GHCR_TOKEN}}
builder: buildah
checkout: {submodules: recursive}
context: s3://acme/shop.tar.gz
context_login: {aws: ambient}
tag_prefix: shop-
tools: {git: docker.io/alpine/git:2.52.0, regctl: "ghcr.io/regclient/regctl:v0.11.5-alpine"}
git: {depth: 1}
gitlab: {platform_tags: {linux/arm64: arm}}
buildkite: {secrets: buildkite, secret: other, oidc_lifetime_seconds: 1800}
kubernetes: {clone: true, ttl_seconds: 600, cache_claim: images}
default_branch: main
"""
"""What one image does not hear, with the words of another one that does."""
HERE = {"context": ".", "context_login": None, "git": None}
HEARING: dict[str, dict[str, Any]] = {
    "checkout.submodules": HERE,
    "tools.git": HERE,
    "tools.regctl": {"platforms": ["linux/amd64", "linux/arm64"]},
    "kubernetes.clone": {**HERE, "builder": "kaniko"},
    "kubernetes.ttl_seconds": {"kubernetes": {"kind": "Job"}},
    "kubernetes.cache_claim": {"cache": {"repo": "ghcr.io/acme/cache", "dir": "/cache"}},
    "buildkite.secret": {"buildkite": {"secrets": "kubernetes"}},
    "buildkite.oidc_lifetime_seconds": {
        "destinations": ["packages.buildkite.com/acme/images/shop:1.0"],
        "registries": {"packages.buildkite.com": {"default": "anonymous", "buildkite": "ci-token"}},
    },
    'gitlab.platform_tags["linux/arm64"]': {"platforms": ["linux/arm64"]},
    "git.depth": {**HERE, "context": "git://github.com/acme/shop.git#refs/heads/main", "git": {}},
    "tag_prefix": {"labels": {"version": "${version}"}},
}


@pytest.mark.parametrize("place", HEARING)
def test_what_one_image_hears_is_no_vain_word_of_the_top(place: str) -> None:
    """Neither the image that hears it, nor the order of the images, makes a difference."""
    top = yaml11.load(IN_VAIN)
    assert said_in_vain({**top, "images": {"deaf": {}}}) == {*HEARING}
    for names in (("deaf", "hears"), ("hears", "deaf")):
        several = {name: HEARING[place] if name == "hears" else {} for name in names}
        assert place not in said_in_vain({**top, "images": several})


def said_in_vain(data: dict[str, Any]) -> set[str]:
    found = warnings(ci_kaniko.loads(json.dumps(data)))
    return {problem.where for problem in found if problem.rule == "no-effect"}
