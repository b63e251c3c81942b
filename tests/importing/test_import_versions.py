"""Patterns of tags that no glob says: what is pushed is never more, and every usual release."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest

from ci_kaniko import import_files
from ci_kaniko.importing.translate.languages import are_found, never_meet
from ci_kaniko.syntax.conditions import Event, holds
from ci_kaniko.syntax.globs import any_matches
from ci_kaniko.syntax.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko import Spec

RELEASES = ("v1.2.3", "v0.1.0", "v10.20.30", "1.2.3", "2024.11.5")
TAGS = (
    *RELEASES,
    *map(
        "".join,
        product(
            ("", "v", "V", "vv", "v1.", "release-", "release-v", "x/v"),
            ("1", "1.2", "1.2.3", "10.0.200", "01.2.3", "1.2.3.4", "x.y.z"),
            ("", "-rc.1", "-rc1", "-01", "+b.1", "-x+y", "\u00e4"),
        ),
    ),
)
_KANIKO = (
    '/kaniko/executor --context "$CI_PROJECT_DIR" --destination "$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG"'
)
_IMAGE = '{name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}'
_DOCKER = "docker run -v $PWD:/workspace ghcr.io/osscontainertools/kaniko:v1.28.3 --destination"
_GITLAB = f"a:\n  image: {_IMAGE}\n  script: ['{_KANIKO}']\n"
FORMS = {
    "a rule of GitLab": (
        ".gitlab-ci.yml",
        _GITLAB + "  rules: [{if: '$CI_COMMIT_TAG =~ /PATTERN/'}]",
    ),
    "a rule beside another": (
        ".gitlab-ci.yml",
        _GITLAB + "  rules: [{if: $CI_COMMIT_BRANCH}, {if: '$CI_COMMIT_TAG =~ /PATTERN/'}]",
    ),
    "only of GitLab": (".gitlab-ci.yml", _GITLAB + "  only: ['/PATTERN/']"),
    "a test of the shell": (
        ".gitlab-ci.yml",
        f"""\
a:
  image: {_IMAGE}
  only: [tags]
  script:
    - |
      if echo "$CI_COMMIT_TAG" | grep -Eq 'PATTERN'; then {_KANIKO}; fi
""",
    ),
    "a full ref on GitHub": (
        "w.yml",
        f"""\
on: {{push: {{tags: ['**']}}}}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: |
          if [[ $GITHUB_REF =~ ^refs/tags/PATTERN ]]; then
            {_DOCKER} ghcr.io/acme/a:1
          fi
""",
    ),
    "an if of Buildkite": (
        "pipeline.yml",
        f"""\
steps:
  - if: build.tag =~ /PATTERN/
    command: '{_DOCKER} quay.io/acme/a:$BUILDKITE_TAG'
""",
    ),
    "a stage of Jenkins": (
        "Jenkinsfile",
        """\
pipeline {
  agent { kubernetes { yaml '''
spec:
  containers:
    - {name: kaniko, image: gcr.io/kaniko-project/executor:v1.23.2-debug}
''' } }
  stages {
    stage('a') {
      when { tag pattern: 'PATTERN', comparator: 'REGEXP' }
      steps { container('kaniko') { sh '/kaniko/executor -c . -d quay.io/acme/a:1' } }
    }
  }
}
""",
    ),
    "a run of Agola": (
        "config.yml",
        """\
runs:
  - name: a
    tasks:
      - name: a
        runtime: {containers: [{image: 'gcr.io/kaniko-project/executor:v1.23.2-debug'}]}
        steps:
          - clone:
          - run: {command: '/kaniko/executor -c . -d quay.io/acme/a:1', name: a}
        when: {tag: '#PATTERN#'}
""",
    ),
}
V, PLAIN = {tag for tag in RELEASES if tag[0] == "v"}, {tag for tag in RELEASES if tag[0] != "v"}
PREFIXED = {"release-1.2.3", "release-v1.2.3"}
PATTERNS = {
    r"^v[0-9]+\.[0-9]+\.[0-9]+$": V,
    r"^v[0-9]+(\.[0-9]+)*$": V,
    r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.[0-9]+$": V,
    r"^v?[0-9]+\.[0-9]+\.[0-9]+$": V | PLAIN,
    r"^[0-9]+\.[0-9]+\.[0-9]+$": PLAIN,
    r"^v[0-9]+\.[0-9]+\.[0-9]+(-rc\.?[0-9]+)?$": V,
    r"^v[0-9]+\.[0-9]+\.[0-9]+(-.+)?$": V,
    r"^v1\.[0-9]+\.[0-9]+$": {"v1.2.3"},
    r"^v[0-9]": V,
    r"^v[0-9]\.[0-9]\.[0-9]$": set(),
    r"^release-[0-9]+$": set(),
    r"^release-[0-9]+\.[0-9]+\.[0-9]+$": {"release-1.2.3"},
    r"^release-v[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9]+)?$": {"release-v1.2.3"},
    r"^release-v?[0-9]+\.": PREFIXED,
    r"^(release-)?v[0-9]+\.[0-9]+\.[0-9]+$": V,
    r"^v[0-9]+\.[0-9]+\.[0-9]+-": set(),
    r"^(v[0-9]+\.[0-9]+\.[0-9]+|nightly)$": V,
}


def _pushed(spec: Spec) -> set[str]:
    """The tags whose push starts the job and pushes."""
    triggers = spec.triggers
    assert triggers is not None
    return {
        tag
        for tag in TAGS
        if spec.push != "never"
        and any_matches(triggers.tags, tag)
        and any(
            holds(destination.when, Event(tag=tag, version=version_of(tag, spec.tag_prefix)))
            for destination in spec.destinations
        )
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_other_tag_is_pushed(form: str, pattern: str) -> None:
    name, text = FORMS[form]
    written, whole = pattern, pattern
    if form == "a full ref on GitHub":
        written = pattern.removeprefix("^")
    elif form == "a stage of Jenkins":  # whose strings have escapes
        written, whole = pattern.replace("\\", "\\\\"), f"(?:{pattern})$"
    found = import_files([(name, text.replace("PATTERN", written))])
    pushed = _pushed(found.spec)
    assert not [tag for tag in pushed if not re.search(whole, tag)]
    usual = {tag for tag in {*RELEASES, *PREFIXED} if re.search(whole, tag)} & PATTERNS[pattern]
    assert usual <= pushed
    assert pushed or not usual
    left = {entry.rule for entry in found.report if entry.kind == "left"}
    fewer = {tag for tag in TAGS if re.search(whole, tag)} - pushed
    zeros = {tag for tag in fewer if re.search(r"(?:^|[v.]|release-)0[0-9]|\.0[0-9]", tag)}
    assert not fewer - zeros or left & {"version-tags", "unknown-trigger", "unknown-condition"}


FILTERS = {
    ("v[0-9]+.[0-9]+.[0-9]+",): (r"v[0-9]+\.[0-9]+\.[0-9]+", V),
    ("v[0-9]+.[0-9]+.[0-9]+*",): (r"v[0-9]+\.[0-9]+\.[0-9]+[^/]*", V),
    ("[0-9]+.[0-9]+.[0-9]+",): (r"[0-9]+\.[0-9]+\.[0-9]+", PLAIN),
    ("v?[0-9]+.[0-9]+.[0-9]+",): (r"v?[0-9]+\.[0-9]+\.[0-9]+", V | PLAIN),
    ("v*", "!v[0-9]+.[0-9]+.[0-9]+-*"): (r"(?!v[0-9]+\.[0-9]+\.[0-9]+-)v[^/]*", V),
    ("v*", "!v[1-9]*"): (r"v(?![1-9])[^/]*", set()),
    ("v[1-9].*",): (r"v[1-9]\.[^/]*", set()),
}


@pytest.mark.parametrize("filters", FILTERS)
def test_filters_of_github_are_patterns(filters: tuple[str, ...]) -> None:
    text = f"""\
on: {{push: {{tags: {[*filters]}}}}}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: {_DOCKER} ghcr.io/acme/a:1
"""
    whole, usual = FILTERS[filters]
    spec = import_files([("w.yml", text)]).spec
    if spec.triggers is None:
        assert (spec.push, usual) == ("never", set())
        return
    pushed = _pushed(spec)
    assert not [tag for tag in pushed if not re.fullmatch(whole, tag)]
    assert usual <= pushed


def _without(text: str) -> Callable[[str], str]:
    return lambda tag: tag.replace(text, "", 1)


_HUB = "on: {push: {tags: ['v*']}}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
_HUB += f"      - uses: actions/checkout@v4\n      - run: {_DOCKER} ghcr.io/acme/a:NAME\n"
NAMES: dict[str, tuple[str, Callable[[str], str]]] = {
    "${CI_COMMIT_TAG#v}": (".gitlab-ci.yml", lambda tag: tag.removeprefix("v")),
    "${CI_COMMIT_TAG#release-v}": (".gitlab-ci.yml", lambda tag: tag.removeprefix("release-v")),
    "$(echo $CI_COMMIT_TAG | sed s/^v//)": (".gitlab-ci.yml", lambda tag: tag.removeprefix("v")),
    "$(echo $CI_COMMIT_TAG | sed s/v//)": (".gitlab-ci.yml", _without("v")),
    "${CI_COMMIT_TAG:1}": (".gitlab-ci.yml", lambda tag: tag[1:]),
    "${CI_COMMIT_TAG//v/}": (".gitlab-ci.yml", lambda tag: tag.replace("v", "")),
    "$(echo $CI_COMMIT_TAG | tr -s / - )": (".gitlab-ci.yml", lambda tag: tag.replace("/", "-")),
    "${GITHUB_REF#refs/tags/v}": ("w.yml", lambda tag: tag.removeprefix("v")),
    "${GITHUB_REF##refs/*/}": ("w.yml", lambda tag: tag),
    "${GITHUB_REF_NAME#v}": ("w.yml", lambda tag: tag.removeprefix("v")),
    r"${GITHUB_REF/refs\/tags\//}": ("w.yml", lambda tag: tag),
    r"${GITHUB_REF/refs\/tags\/v/}": ("w.yml", lambda tag: tag.removeprefix("v")),
}


@pytest.mark.parametrize("written", NAMES)
def test_a_tag_without_its_v_is_a_version(written: str) -> None:
    """Each image has the name that the pipeline gave it, or is not pushed."""
    name, made = NAMES[written]
    text = _HUB.replace("NAME", written)
    if name != "w.yml":
        text = _GITLAB.replace("$CI_COMMIT_TAG", written) + "  rules: [{if: $CI_COMMIT_TAG}]"
    spec = import_files([(name, text)]).spec
    pushed = _pushed(spec)
    image = str(spec.destinations[0].image).rpartition(":")[2] if spec.destinations else ""
    version = {tag: version_of(tag, spec.tag_prefix) for tag in pushed}
    names = {tag: {"${version}": version[tag]}.get(image, tag) for tag in pushed}
    sayable = [tag for tag in pushed if re.fullmatch("[A-Za-z0-9.-]+", tag)]
    assert {tag: made(tag) for tag in sayable} == {tag: names[tag] for tag in sayable}
    usual = {"release-v1.2.3"} if "release" in written else V
    assert not pushed if written == "${CI_COMMIT_TAG//v/}" else pushed >= usual


def test_a_run_by_hand_pushes_no_tag_that_a_trigger_keeps_away() -> None:
    """Somebody may start it for a tag that is a version and not of the pattern."""
    rules = "[{if: '$CI_COMMIT_TAG =~ /^v[0-9]+[.][0-9]+[.][0-9]+$/', when: manual}]"
    text = f"a:\n  image: {_IMAGE}\n  script: ['{_KANIKO}']\n  rules: {rules}\n"
    found = import_files([(".gitlab-ci.yml", text)])
    assert found.spec.push == "never"
    assert "unknown-condition" in {entry.rule for entry in found.report}


def test_a_pattern_is_compared_as_a_whole() -> None:
    """Against Python's own reading of the same expressions, on every short text."""
    letters = "v1.-"
    texts = ["".join(item) for size in range(5) for item in product(letters, repeat=size)]
    narrow = ("v1*", "v[1.]+", "[^v]*-?", "(v|1){2,3}", "v?1\\.?", "")
    wide = ("^v", "1$", "^v1*$", "^(?:v|[.])", "^[^-]*$", "v.?1", "^$|1", "^(v1?){1,2}", "\\d")
    for one, other in product(narrow, wide):
        matched = [text for text in texts if re.fullmatch(one, text)]
        found = [text for text in matched if re.search(other, text)]
        assert are_found(other, one) == (bool(matched) and found == matched), (one, other)
        assert never_meet(one, f".*(?:{other}).*") == (not found), (one, other)


@pytest.mark.parametrize(("other", "carried"), [("", True), ("-d quay.io/acme/a:latest", False)])
def test_what_else_has_the_text_of_the_name_is_the_version_as_well(
    other: str, *, carried: bool
) -> None:
    """Where another name is pushed for any tag, the text may be another one, and that is told."""
    call = f'/kaniko/executor --build-arg "V=${{CI_COMMIT_TAG#v}}" {other}'
    script = f'{call} -d "quay.io/acme/a:${{CI_COMMIT_TAG#v}}"'
    text = f"a:\n  image: {_IMAGE}\n  only: [tags]\n  script: ['{script}']\n"
    made = import_files([(".gitlab-ci.yml", text)])
    told = [entry.message for entry in made.report if entry.rule == "not-portable"]
    assert {name: str(value) for name, value in made.spec.build_args.items()} == (
        {"V": "${version}"} if carried else {}
    )
    assert len(told) == (not carried)
