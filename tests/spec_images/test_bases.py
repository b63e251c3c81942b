"""A spec over others: what comes out, who is told what, and what no file may loosen."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from contextlib import nullcontext
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import ci_kaniko
from ci_kaniko.cli.report import report
from ci_kaniko.problems.severities import CHANGEABLE, OPTIONAL, WARNINGS
from ci_kaniko.project.revisions import spec_at
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.labels import long_form
from ci_kaniko.spec.origins import annotated, show
from ci_kaniko.spec.schema import schema
from ci_kaniko.spec.writing import written
from ci_kaniko.syntax.scalars import Plain
from harness.cases import CASES, PIPELINE_CASES, spec_path
from harness.repository import HEADER, Repository, git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ci_kaniko.source.source import Source

LOGIN = "registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}\n"
SHOP = 'destinations: ["ghcr.io/acme/shop:1.0"]\n'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository, and beside it an empty folder for installed packages."""
    repository = Repository(tmp_path)
    (tmp_path / "site" / "fleet").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(repository.folder)
    return repository


def lay(repository: Repository, files: dict[str, str]) -> None:
    """Write files; ``package:NAME/FILE`` lies where packages are installed."""
    for name, text in files.items():
        package = name.removeprefix("package:")
        repository.write(name if package == name else f"../site/{package}", text)


def said(repository: Repository, files: dict[str, str]) -> list[str]:
    """What is wrong with ``ci-kaniko.yaml`` and the files beside it, a line each."""
    lay(repository, files)
    try:
        spec = ci_kaniko.load("ci-kaniko.yaml")
    except ci_kaniko.SpecError as error:
        return [str(problem) for problem in error.problems]
    return [f"{found.message} [{found.rule}]" for found in spec.findings or ()]


# -- what comes out ---------------------------------------------------------------------------


def split(value: dict[str, Any], random: Random, at: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """A mapping as two that make it when the second lies over the first."""
    below: dict[str, Any] = {}
    over: dict[str, Any] = {}
    for key, item in value.items():
        side = random.randrange(4)
        if isinstance(item, dict) and item and side > 1:
            below[key], over[key] = split(item, random, (*at, key))
        elif side == 0 and at[:1] != ("images",):
            below[key], over[key] = f"{key} was here", item
        else:
            (below if side % 2 else over)[key] = item
    if at[:1] != ("images",) and at != ("images",):
        below["x-gone" if not at else "gone"], over["x-gone" if not at else "gone"] = "x", None
    return below, over


def block(value: Any, margin: str = "") -> str:
    """Values as YAML, plain where they were."""
    if isinstance(value, dict) and value:
        lines = (f"{margin}{json.dumps(key)}:{_below(value[key], margin)}" for key in value)
        return "\n".join(lines) + "\n"
    if isinstance(value, list) and value:
        return "\n".join(f"{margin}-{_below(item, margin)}" for item in value) + "\n"
    if isinstance(value, bool | Plain) or value is None:
        return "null" if value is None else "true" if value is True else str(value)
    return json.dumps(value, ensure_ascii=False)


def _below(value: Any, margin: str) -> str:
    nested = isinstance(value, dict | list) and value
    return f"\n{block(value, margin + '  ')}" if nested else f" {block(value)}"


@pytest.mark.parametrize("case", [*CASES, *PIPELINE_CASES])
def test_two_files_are_as_good_as_one(case: str, repository: Repository) -> None:
    """And ``show`` prints one that is."""
    whole = ci_kaniko.load(spec_path(case))
    assert whole.source
    assert ci_kaniko.loads(annotated(whole.source)) == whole
    found = in_two_files(whole.source, case, repository)
    assert found == whole
    assert found.source
    assert ci_kaniko.loads(annotated(found.source)) == whole
    shown = show(found).spec
    assert ci_kaniko.loads(json.dumps(shown, ensure_ascii=False)) == whole


@pytest.mark.parametrize("case", [*CASES, *PIPELINE_CASES])
def test_what_two_files_say_is_written_as_one(case: str, repository: Repository) -> None:
    whole = ci_kaniko.load(spec_path(case))
    assert whole.source
    found = in_two_files(whole.source, case, repository)
    assert ci_kaniko.loads(ci_kaniko.dump(found)) == whole


_found: dict[str, ci_kaniko.Spec] = {}


def in_two_files(whole: Source, case: str, repository: Repository) -> ci_kaniko.Spec:
    if case in _found:
        return _found[case]
    data = to_python(whole.root)
    for part in (data, *(image or {} for image in (data.get("images") or {}).values())):
        if "labels" in part:
            part["labels"] = long_form(part["labels"])
    below, over = split(data, Random(case))  # noqa: S311 - the same in every run
    repository.write("base.yaml", block(below))
    repository.write("ci-kaniko.yaml", f"extends: base.yaml\n{block(over)}")
    return _found.setdefault(case, ci_kaniko.load("ci-kaniko.yaml"))


def test_files_lie_over_one_another(repository: Repository) -> None:
    """A file counts once, under all that extend it; of a list the last one is uppermost."""
    lay(
        repository,
        {
            "package:fleet/deep/common.yaml": "target: c\nbuild_args: {A: common, B: common}\n",
            "package:fleet/base.yaml": "extends: deep/common.yaml\nbuild_args: {B: base}\n"
            f"images: {{api: {{context: a}}, web: {{context: w}}}}\n{LOGIN}",
            "ci/one.yaml": "extends: package:fleet/base.yaml\ntarget: one\nlabels: oci\n",
            "ci/two.yaml": "extends: package:fleet/base.yaml\nbuild_args: {C: two}\n",
            "ci-kaniko.yaml": "extends: [ci/one.yaml, ci/two.yaml]\nlabels: {a.b: c}\n"
            "build_args: {A: null, D: here}\ndefault_branch: main\n"
            "images:\n  web: null\n  api: {context: b, cache: null}\n  new:\n"
            'destinations: ["ghcr.io/acme/${image.name}:1.0"]\n',
        },
    )
    spec = ci_kaniko.load("ci-kaniko.yaml")
    assert spec.source
    assert [source.path for source in spec.source.bases] == [
        *("ci/two.yaml", "ci/one.yaml"),
        *("package:fleet/base.yaml", "package:fleet/deep/common.yaml"),
    ]
    assert (spec.target, dict(spec.build_args)) == ("one", {"B": "base", "C": "two", "D": "here"})
    assert {name: image.context for name, image in spec.images.items()} == {"api": "b", "new": "."}
    assert spec.labels.oci  # type: ignore[attr-defined]
    assert not spec.extends
    assert annotated(spec.source) == textwrap.dedent("""\
        target: one                         # ci/one.yaml:2
        build_args:
          B: base                           # package:fleet/base.yaml:2
          C: two                            # ci/two.yaml:2
          D: here                           # ci-kaniko.yaml:3
        images:
          api:
            context: b                      # ci-kaniko.yaml:7
            cache: null                     # ci-kaniko.yaml:7
          new: null                         # ci-kaniko.yaml:8
        registries:
          ghcr.io:
            username: acme-bot              # package:fleet/base.yaml:4
            password: GHCR_TOKEN            # package:fleet/base.yaml:4
        labels:
          oci: true                         # ci/one.yaml:3
          a.b: c                            # ci-kaniko.yaml:2
        default_branch: main                # ci-kaniko.yaml:4
        destinations:
          - ghcr.io/acme/${image.name}:1.0  # ci-kaniko.yaml:9
        """)
    shown = repository.call("show", "--format", "json")
    assert json.loads(shown.out)["origins"]["images.api.context"] == {
        "path": "ci-kaniko.yaml",
        "line": 7,
        "column": 18,
    }
    assert json.loads(shown.out) == show(spec).to_dict()
    assert repository.call("show").out == annotated(spec.source)
    assert repository.call("show", "--format", "xml").code == 2


# -- problems ---------------------------------------------------------------------------------

MESSAGES: dict[str, tuple[dict[str, str], list[str]]] = {
    "a typing error in a base": (
        {"a.yaml": "x-a: b\ncontxt: app\n", "ci-kaniko.yaml": f"extends: a.yaml\n{SHOP}{LOGIN}"},
        ['a.yaml:2:1: unknown key "contxt" [unknown-key]'],
    ),
    "a value in a base of a base": (
        {
            "package:fleet/b.yaml": "options:\n  snapshot_mode: bad\n",
            "ci/a.yaml": "extends: package:fleet/b.yaml\n",
            "ci-kaniko.yaml": f"extends: ci/a.yaml\n{SHOP}{LOGIN}push: maybe\n",
        },
        [
            'ci-kaniko.yaml:4:7: "maybe" is not one of: auto, always, never [bad-choice]',
            'package:fleet/b.yaml:2:18: "bad" is not one of: full, redo, time [bad-choice]',
        ],
    ),
    "an image of a base": (
        {
            "a.yaml": "images:\n  api: {context: a, needs: bsae}\n",
            "ci-kaniko.yaml": "extends: a.yaml\npush: never\nimages: {base: {context: b}}\n",
        },
        ['a.yaml:2:28: no image is called "bsae" [unknown-image]'],
    ),
    "yaml": (
        {"a.yaml": "context: [\n", "ci-kaniko.yaml": "extends: a.yaml\n"},
        ["a.yaml:1:10: the text ends where a value should be [yaml-syntax]"],
    ),
    "a doubled key": (
        {"a.yaml": "push: never\npush: auto\n", "ci-kaniko.yaml": "extends: a.yaml\npush: never\n"},
        ['a.yaml:2:1: the key "push" is already given on line 1 [duplicate-key]'],
    ),
    "an empty base": (
        {"a.yaml": "", "ci-kaniko.yaml": "extends: a.yaml\npush: never\n"},
        ["a.yaml:1:1: the spec is empty [empty-spec]"],
    ),
    "missing": (
        {"ci-kaniko.yaml": "extends: [a.yaml, b/c.yaml]\npush: maybe\n"},
        [
            'ci-kaniko.yaml:1:11: there is no file "a.yaml" [missing-base]',
            'ci-kaniko.yaml:1:19: there is no file "b/c.yaml" [missing-base]',
        ],
    ),
    "missing in a base": (
        {"b/a.yaml": "extends: ../c.yaml\n", "ci-kaniko.yaml": "extends: b/a.yaml\npush: never\n"},
        ['b/a.yaml:1:10: there is no file "c.yaml" [missing-base]'],
    ),
    "itself": (
        {"ci-kaniko.yaml": "extends: ./ci-kaniko.yaml\npush: never\n"},
        ["ci-kaniko.yaml:1:10: a file cannot extend itself [circular-extends]"],
    ),
    "a circle": (
        {
            "a.yaml": "extends: b.yaml\n",
            "b.yaml": "extends: a.yaml\n",
            "ci-kaniko.yaml": "extends: a.yaml\npush: never\n",
        },
        ["b.yaml:1:10: the files extend one another: a.yaml > b.yaml > a.yaml [circular-extends]"],
    ),
    "nine levels": (
        {
            **{f"{n}.yaml": f"extends: {n + 1}.yaml\n" for n in range(1, 9)},
            "9.yaml": "push: never\n",
            "ci-kaniko.yaml": "extends: 1.yaml\n",
        },
        ['8.yaml:1:10: "9.yaml" is more than 8 levels below the spec [circular-extends]'],
    ),
    "eight levels": (
        {
            **{f"{n}.yaml": f"extends: {n + 1}.yaml\n" for n in range(1, 8)},
            "8.yaml": "push: never\n",
            "ci-kaniko.yaml": "extends: 1.yaml\n",
        },
        [],
    ),
    "out of the repository": (
        {"../a.yaml": "push: never\n", "ci-kaniko.yaml": "extends: ../a.yaml\n"},
        ['ci-kaniko.yaml:1:10: "../a.yaml" leads out of the repository [bad-base]'],
    ),
    "out of the package": (
        {
            "package:fleet/a.yaml": "extends: ../secret.yaml\n",
            "package:secret.yaml": "push: never\n",
            "ci-kaniko.yaml": "extends: [package:fleet/a.yaml, package:fleet/../secret.yaml]\n",
        },
        [
            'ci-kaniko.yaml:1:33: "../secret.yaml" leads out of the package "fleet" [bad-base]',
        ],
    ),
    "out of the package from inside": (
        {
            "package:fleet/a.yaml": "extends: ../secret.yaml\n",
            "package:secret.yaml": "push: never\n",
            "ci-kaniko.yaml": "extends: package:fleet/a.yaml\n",
        },
        [
            (
                'package:fleet/a.yaml:1:10: "../secret.yaml" leads out of the package "fleet" '
                "[bad-base]"
            ),
        ],
    ),
    "no package": (
        {"ci-kaniko.yaml": "extends: package:no_such_fleet/a.yaml\n"},
        [
            (
                'ci-kaniko.yaml:1:10: no package "no_such_fleet" is installed beside ci-kaniko '
                "[missing-base]"
            )
        ],
    ),
    "a module of Python": (
        {"ci-kaniko.yaml": "extends: [package:os/a.yaml, package:json/a.yaml]\n"},
        [
            (
                'ci-kaniko.yaml:1:11: "os" is a module of Python itself, and holds no spec '
                "[missing-base]"
            ),
            (
                'ci-kaniko.yaml:1:30: "json" is a module of Python itself, and holds no spec '
                "[missing-base]"
            ),
        ],
    ),
    "no file of a package": (
        {"ci-kaniko.yaml": "extends: package:fleet/a.yaml\n"},
        ['ci-kaniko.yaml:1:10: the package "fleet" has no file "a.yaml" [missing-base]'],
    ),
    "a package by another name": (
        {"ci-kaniko.yaml": "extends: package:acme-fleet/a.yaml\n"},
        [
            (
                'ci-kaniko.yaml:1:10: "acme-fleet" is not what a Python package is imported as '
                "[bad-base]"
            )
        ],
    ),
    "no file at all": (
        {"ci-kaniko.yaml": 'extends: ["package:fleet/", /etc/x.yaml, "https://x.io/y", a, a]\n'},
        [
            'ci-kaniko.yaml:1:11: "package:fleet/" names no file of the package [bad-base]',
            'ci-kaniko.yaml:1:29: "/etc/x.yaml" is no file of the repository [bad-base]',
            (
                'ci-kaniko.yaml:1:42: "https://x.io/y" is an address, and nothing is fetched '
                "[bad-base]"
            ),
            'ci-kaniko.yaml:1:63: "a" is listed twice [duplicate-entry]',
        ],
    ),
    "no text": (
        {"ci-kaniko.yaml": "extends: {a: b}\n"},
        ["ci-kaniko.yaml:1:10: expected text or a list, got a mapping [wrong-type]"],
    ),
    "nothing": (
        {"ci-kaniko.yaml": "extends: []\n"},
        ["ci-kaniko.yaml:1:10: extends: is empty [empty-value]"],
    ),
    "a folder": (
        {"a/b.yaml": "", "ci-kaniko.yaml": "extends: a\n"},
        ['ci-kaniko.yaml:1:10: "a": this is a directory, not a file [not-a-file]'],
    ),
    "too large": (
        {"a.yaml": "#" * (1 << 20) + "\n", "ci-kaniko.yaml": "extends: a.yaml\n"},
        ['ci-kaniko.yaml:1:10: "a.yaml" is larger than 1 MiB [too-large]'],
    ),
    "for one image": (
        {"ci-kaniko.yaml": "push: never\nimages: {a: {extends: b.yaml}}\n"},
        ['ci-kaniko.yaml:2:14: "extends" is for the whole spec, not for one image [top-only]'],
    ),
    "another release in a base": (
        {"a.yaml": 'contxt: a\nrequires: "<0.0.1"\n', "ci-kaniko.yaml": "extends: a.yaml\n"},
        [
            (
                "a.yaml:2:11: the spec requires ci-kaniko <0.0.1, and this is another release "
                "[other-release]"
            )
        ],
    ),
    "another release before all else": (
        {"ci-kaniko.yaml": 'extends: a.yaml\nrequires: "<0.0.1"\nnew_key: 1\n'},
        [
            (
                "ci-kaniko.yaml:2:11: the spec requires ci-kaniko <0.0.1, and this is another "
                "release [other-release]"
            )
        ],
    ),
    "null for nothing": (
        {
            "a.yaml": "build_args: {A: b}\n",
            "ci-kaniko.yaml": "extends: a.yaml\npush: never\nbuild_args: {B: null}\n",
        },
        ["ci-kaniko.yaml:3:17: there is no value [empty-value]"],
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_problem_stands_where_its_line_is(name: str, repository: Repository) -> None:
    files, expected = MESSAGES[name]
    assert said(repository, files) == expected


def test_links_and_pipes(repository: Repository) -> None:
    """A link that leads out of the repository is none of its files, and a pipe is never read."""
    outside = repository.folder.parent / "outside.yaml"
    outside.write_text("push: never\n")
    (repository.folder / "link.yaml").symlink_to(outside)
    os.mkfifo(repository.folder / "pipe.yaml")
    assert said(repository, {"ci-kaniko.yaml": "extends: [link.yaml, pipe.yaml]\n"}) == [
        (
            'ci-kaniko.yaml:1:11: "link.yaml" is a link that leads out of the repository, or into '
            ".git [bad-base]"
        ),
        'ci-kaniko.yaml:1:22: "pipe.yaml": this is a pipe or a device, not a file [not-a-file]',
    ]


def test_a_hint_finds_a_path_from_the_root(repository: Repository) -> None:
    """Every other path of a spec starts there."""
    lay(
        repository,
        {"ci/base.yaml": "push: never\n", "shop/ci-kaniko.yaml": "extends: ci/base.yaml\n"},
    )
    with pytest.raises(ci_kaniko.SpecError) as caught:
        ci_kaniko.load("shop/ci-kaniko.yaml")
    (problem,) = caught.value.problems
    (word,) = re.findall(r": write (\S+)$", problem.hint)
    repository.write("shop/ci-kaniko.yaml", f"extends: {word}\n")
    assert ci_kaniko.load("shop/ci-kaniko.yaml").push == "never"


@pytest.mark.parametrize(
    ("package", "hint"),
    {"flet": 'did you mean "fleet"?', "no_such_thing": "", "os": "", "json": ""}.items(),
)
def test_nobody_is_told_to_install_what_only_has_the_name(
    package: str, hint: str, repository: Repository
) -> None:
    """Whatever stands under that name in a public index is somebody else's."""
    lay(repository, {"package:fleet/a.yaml": "", "ci-kaniko.yaml": f"extends: package:{package}/a"})
    with pytest.raises(ci_kaniko.SpecError) as caught:
        ci_kaniko.load("ci-kaniko.yaml")
    (problem,) = caught.value.problems
    assert problem.rule == "missing-base"
    assert hint in problem.hint
    assert not {"pip", package} & {*re.split(r"\W+", problem.hint)}


def test_machines_are_told_the_file(repository: Repository) -> None:
    files, _ = MESSAGES["a value in a base of a base"]
    lay(repository, files)
    with pytest.raises(ci_kaniko.SpecError) as caught:
        ci_kaniko.load("ci-kaniko.yaml")
    found = json.loads(report(caught.value.problems, "json"))
    assert [(each["path"], each["line"]) for each in found] == [
        ("ci-kaniko.yaml", 4),
        ("package:fleet/b.yaml", 2),
    ]
    assert "file=package%3Afleet/b.yaml,line=2" in report(caught.value.problems, "github")
    assert "snapshot_mode: bad" in report(caught.value.problems, "text")


def test_what_is_wrong_with_a_base_is_told_once(repository: Repository) -> None:
    """However many specs extend it."""
    lay(repository, {"package:fleet/base.yaml": f"{LOGIN}options: {{snapshot_mode: bad}}\n"})
    options = []
    for name in "abc":
        repository.write(f"{name}/ci-kaniko.yaml", f"extends: package:fleet/base.yaml\n{SHOP}")
        (repository.folder / name / ".git").mkdir()
        options += ["-f", f"{name}/ci-kaniko.yaml"]
    for form in ("text", "concise", "json", "github"):
        done = repository.call("validate", "gitlab", *options, "--format", form)
        assert (done.out + done.err).count("is not one of: full, redo, time") == 1, form


def test_show_prints_a_spec_that_breaks_a_rule(repository: Repository) -> None:
    """What a base brings in may be the reason, so its lines are told."""
    rules = "rules: {allowed-registries: {registries: [quay.io/acme], locked: true}}\n"
    lay(repository, {"a.yaml": rules, "ci-kaniko.yaml": f"extends: a.yaml\n{SHOP}"})
    done = repository.call("show")
    assert done.code == 1
    assert "[allowed-registries]" in done.err
    assert "- quay.io/acme  # a.yaml:1" in re.sub(" +#", "  #", done.out)
    written = json.loads(repository.call("show", "--format", "json").out)
    assert {place["path"] for place in written["origins"].values()} == {"a.yaml", "ci-kaniko.yaml"}


def test_a_secret_in_a_base_is_not_shown(repository: Repository) -> None:
    token = "ghp_" + "a1B2" * 9
    lay(
        repository,
        {
            "a.yaml": f"registries: {{ghcr.io: {{username: x, password: {token}}}}}\n",
            "ci-kaniko.yaml": f"extends: a.yaml\n{SHOP}",
        },
    )
    for secret in (token, "hunter2!"):
        repository.write(
            "a.yaml", f"registries: {{ghcr.io: {{username: x, password: {secret}}}}}\n"
        )
        for command in ("validate", "show"):
            done = repository.call(command)
            assert (done.code, secret in done.err + done.out) == (1, False)
            assert "a.yaml:1:" in done.err


# -- rules ------------------------------------------------------------------------------------


def test_rules_say_how_bad_a_problem_is(repository: Repository) -> None:
    odd = f"push: never\n{LOGIN}executor: {{distribution: google}}\n"
    repository.write("Dockerfile", "FROM scratch\n")

    def judged(rules: str, *options: str) -> tuple[int, list[Any]]:
        repository.write("ci-kaniko.yaml", f"{odd}rules: {rules}\n")
        done = repository.call("validate", "gitlab", *options)
        return done.code, re.findall(r": (warning: )?.* \[([a-z-]+)\]", done.err)

    warned = ("warning: ", "unused-login"), ("warning: ", "frozen-image")
    plain = judged("{}")
    assert (plain[0], sorted(plain[1])) == (0, sorted(warned))
    assert judged("{frozen-image: off}") == (0, [warned[0]])
    assert judged("{frozen-image: off, unused-login: off}") == (0, [])
    assert judged("{frozen-image: off, unused-login: off}", "--strict") == (0, [])
    assert judged("{frozen-image: off, unused-login: error}") == (1, [("", "unused-login")])
    assert judged("{frozen-image: error}") == (1, [("", "frozen-image")])
    code, found = judged("{frozen-image: off, unused-login: warning}")
    assert (code, ("warning: ", "no-effect") in found) == (0, True)
    for rule in sorted(OPTIONAL):
        assert ("warning: ", "no-effect") in judged(f"{{{rule}: off}}")[1]


def test_the_rules_that_may_be_changed_are_those_that_warn() -> None:
    """Read from the code: whoever reports a new warning adds it to the table."""
    from make.checks import warned
    from make.rooms import read_sources

    assert warned(read_sources()) == WARNINGS


def test_the_schema_knows_the_rules_that_may_be_changed() -> None:
    assert {*schema()["properties"]["rules"]["propertyNames"]["enum"]} == CHANGEABLE


PINNED = "@sha256:" + "0123456789abcdef" * 4
RUNS = f"""
executor: {{image: "ghcr.io/acme/kaniko:v1-debug{PINNED}"}}
tools: {{checkout: acme/checkout@{"0123456789" * 4}}}
prepare: {{image: "ghcr.io/acme/go:1{PINNED}", commands: [make], artifacts: [bin]}}
outputs: {{gitlab: .gitlab-ci.yml, github: .github/workflows/image.yml}}
"""
PREPARE = {"commands": ["make"], "artifacts": ["bin"]}
LOOSE = {
    "executor.image": ("executor", {"image": "ghcr.io/acme/kaniko:v1-debug"}),
    "prepare.image": ("prepare", {**PREPARE, "image": "ghcr.io/acme/go:1"}),
    "tools.checkout": ("tools", {"checkout": "acme/checkout@v4"}),
    'rules["pinned-images"]': ("executor", None),
    "executor.digests": ("executor", {"image": "ghcr.io/acme/kaniko", "version": "v1.28.3"}),
    "tools.regctl": ("tools", {"regctl": "ghcr.io/acme/regctl:v1"}),
}


def strict(rule: str, changed: tuple[str, Any] | None = None) -> list[tuple[str, str]]:
    data = {**yaml11.load(SHOP + LOGIN + RUNS), "rules": yaml11.load(rule)}
    if changed:
        data[changed[0]] = changed[1]
    try:
        spec = ci_kaniko.Spec.model_validate(data)
    except ci_kaniko.SpecError as error:
        return [(problem.rule, problem.where) for problem in error.problems]
    return [(found.rule, ci_kaniko.Problem.__name__) for found in spec.findings or ()]


def test_every_image_that_runs_has_a_digest() -> None:
    assert strict("pinned-images: error") == []
    for where, changed in LOOSE.items():
        assert strict("pinned-images: error", changed) == [("pinned-images", where)]
        assert "pinned-images" not in dict(strict("{}", changed))


def test_what_is_pinned_is_pinned_for_the_rule(repository: Repository) -> None:
    """A digest for each variant of the executor that a target runs is all that is asked."""
    digest = PINNED.removeprefix("@")
    spec = f"{SHOP}{LOGIN}rules: {{pinned-images: error}}\noutputs: {{gitlab: .gitlab-ci.yml}}\n"
    executor = f'executor: {{version: v1.28.3, digests: {{debug: "v1.28.3-debug@{digest}"}}}}\n'
    repository.write("ci-kaniko.yaml", spec + executor)
    assert repository.call("render", "gitlab").code == 0
    repository.write("ci-kaniko.yaml", spec)
    assert "[pinned-images]" in repository.call("render", "gitlab").err


WHERE_IT_GOES = {
    "destinations[0]": ("destinations", ["docker.io/acme/shop:1.0"]),
    "cache.repo": ("cache", {"repo": "quay.io/acme/cache"}),
    "executor.image": ("executor", {"image": "quay.io/acme/kaniko:v1-debug"}),
    "prepare.image": ("prepare", {**PREPARE, "image": "golang:1.26"}),
    "tools.regctl": ("tools", {"regctl": "quay.io/acme/regctl:v1"}),
    "executor": ("executor", {"version": "v1.28.3"}),
}


def test_only_allowed_registries() -> None:
    for listed in ("[ghcr.io/acme]", "[ghcr.io]", '["*.io/acme", "!quay.io"]', '["ghcr.**"]'):
        assert strict(f"allowed-registries: {listed}") == [], listed
    for where, changed in WHERE_IT_GOES.items():
        found = strict("allowed-registries: [ghcr.io/acme]", changed)
        assert ("allowed-registries", where) in found, (where, found)
        assert {rule for rule, _ in found} == {"allowed-registries"}
        mirrored = {**yaml11.load(SHOP + LOGIN + RUNS), changed[0]: changed[1]}
        hub, quay = "ghcr.io/acme/hub", "ghcr.io/acme/quay"
        kaniko = {"docker.io": hub, "quay.io": quay, "ghcr.io": "ghcr.io/acme/mirror"}
        mirrored |= {"mirrors": kaniko, "rules": {"allowed-registries": ["ghcr.io/acme"]}}
        if changed[0] in {"prepare", "tools"} or "executor" in where:
            ci_kaniko.Spec.model_validate(mirrored)
    own = {"destinations": ["${registry.image}:1.0"], "push": "always"}
    for listed, right in (("${registry.host}", True), ("ghcr.io", False)):
        rules = {"allowed-registries": [listed, "ghcr.io/osscontainertools", "docker.io"]}
        with nullcontext() if right else pytest.raises(ci_kaniko.SpecError):
            ci_kaniko.Spec.model_validate({**own, "rules": rules, "outputs": {"gitlab": "a.yml"}})
    assert strict("allowed-registries: error") == [("missing-key", 'rules["allowed-registries"]')]


RAW: dict[str, tuple[str, Any]] = {
    "gitlab.extra.services[0]": ("gitlab", {"extra": {"services": ["quay.io/acme/db:1"]}}),
    "gitlab.extra.services[0].name": (
        "gitlab",
        {"extra": {"services": [{"name": "$QUAY/db:1", "alias": "db"}]}},
    ),
    "github.extra.services.db.image": (
        "github",
        {"extra": {"services": {"db": {"image": "postgres"}}}},
    ),
}


@pytest.mark.parametrize("where", RAW)
def test_images_of_native_keys_are_seen(where: str) -> None:
    assert strict("allowed-registries: [ghcr.io/acme]", RAW[where]) == [
        ("allowed-registries", where)
    ]
    assert strict("pinned-images: error", RAW[where]) == [("pinned-images", where)]
    section, data = RAW[where]
    for image, rule in (
        (f"ghcr.io/acme/db{PINNED}", "{pinned-images: error, allowed-registries: [ghcr.io/acme]}"),
        (
            f"$CI_REGISTRY/db{PINNED}",
            "{allowed-registries: [ghcr.io/acme, '${registry.host}'], pinned-images: error}",
        ),
        (f"$CI_REGISTRY/a/db:1{PINNED}", "{allowed-registries: ['*/a/db', ghcr.io]}"),
    ):
        text = re.sub(r"quay.io/acme/db:1|\$QUAY/db:1|postgres", image, json.dumps(data))
        assert strict(rule, (section, json.loads(text))) == []


def test_the_mirrors_of_the_executor_are_seen() -> None:
    options = {
        "registry_mirror": ["mirror.gcr.io"],
        "registry_map": {"quay.io": ["ghcr.io/acme/quay", "a.example.com/quay"]},
    }
    assert strict("allowed-registries: [ghcr.io/acme]", ("options", options)) == [
        ("allowed-registries", "options.registry_mirror[0]"),
        ("allowed-registries", 'options.registry_map["quay.io"][1]'),
    ]


def test_a_tool_is_told_with_the_targets_that_run_it() -> None:
    """Without outputs: all of them count, and one may be none that somebody builds for."""

    def told(more: str) -> list[str]:
        policy = "rules: {allowed-registries: [ghcr.io]}\n"
        try:
            ci_kaniko.loads(f"{SHOP}{LOGIN}{policy}{more}")
        except ci_kaniko.SpecError as error:
            return [problem.message.rpartition("; ")[2] for problem in error.problems]
        return []

    assert told("") == ["agola would run it"]
    assert told("kubernetes: {clone: true}\n") == ["agola and kubernetes would run it"]
    assert told("outputs: {gitlab: .gitlab-ci.yml}\n") == []
    (whole,) = told("outputs: {agola: .agola/config.yml}\n")
    assert whole.endswith("is in no registry that is allowed: ghcr.io")


def test_what_a_dockerfile_begins_with_is_allowed(repository: Repository) -> None:
    spec = f"{SHOP}{LOGIN}{RUNS}rules: {{allowed-registries: [ghcr.io/acme]}}\n"
    repository.write("ci-kaniko.yaml", spec)
    repository.write(
        "Dockerfile", "ARG X\nFROM golang:1.26 AS a\nFROM scratch\nCOPY --from=a / /\n"
    )
    done = repository.call("validate", "gitlab")
    assert done.code == 1
    assert '"docker.io/library/golang" is in no registry that is allowed: ghcr.io/acme' in done.err
    repository.write("ci-kaniko.yaml", spec + "mirrors: {docker.io: ghcr.io/acme/hub}\n")
    assert repository.call("validate", "gitlab").code == 0
    repository.write("ci-kaniko.yaml", spec.replace("rules: {", "rules: {pinned-images: error, "))
    repository.write("Dockerfile", "FROM ghcr.io/acme/go AS a\nFROM a\n")
    assert repository.call("validate", "gitlab").code == 0


def test_pin_mends_what_its_rule_says(repository: Repository) -> None:
    """The hint works: a spec that is wrong for want of digests alone can be pinned."""
    repository.write("ci-kaniko.yaml", f"{SHOP}{LOGIN}rules: {{pinned-images: error}}\n")
    assert "hint: ci-kaniko pin writes it" in repository.call("validate", "gitlab").err
    repository.write("Dockerfile", "FROM scratch\n")
    with mock.patch(
        "ci_kaniko.pinning.registry.Registries.digest", return_value=PINNED.removeprefix("@")
    ):
        assert repository.call("pin").code == 0
    assert repository.call("validate", "gitlab").code == 0
    raw = f"gitlab: {{extra: {{services: [redis, 'docker:27-dind', {{name: $A/b}}]}}}}\n{OUTPUT}"
    repository.write("ci-kaniko.yaml", f"{SHOP}{LOGIN}{raw}")
    with mock.patch(
        "ci_kaniko.pinning.registry.Registries.digest", return_value=PINNED.removeprefix("@")
    ):
        assert repository.call("pin").code == 0
    services = f"services: [redis{PINNED}, 'docker:27-dind{PINNED}', {{name: $A/b}}]"
    assert services in repository.text("ci-kaniko.yaml")
    repository.write("ci-kaniko.yaml", f"{SHOP}rules: {{pinned-images: error}}\ncontxt: a\n")
    assert "[unknown-key]" in repository.call("pin", "--check").err


OUTPUT = "outputs: {gitlab: .gitlab-ci.yml}\n"
LOCK = "rules:\n  {}\n"
LOCKS: dict[str, tuple[str, str, str]] = {
    "off": ("unused-login: {severity: error, locked: true}", "unused-login: off", "than error"),
    "less": (
        "unused-login: {severity: error, locked: true}",
        "unused-login: warning",
        "than error",
    ),
    "a list that is wider": (
        "allowed-registries: {registries: [ghcr.io/acme], locked: true}",
        "allowed-registries: [ghcr.io/acme, quay.io]",
        "than ghcr.io/acme",
    ),
    "a folder above": (
        "allowed-registries: {registries: [ghcr.io/acme], locked: true}",
        "allowed-registries: [ghcr.io]",
        "than ghcr.io/acme",
    ),
    "a wildcard": (
        'allowed-registries: {registries: ["ghcr.io/acme*"], locked: true}',
        'allowed-registries: ["ghcr.io/*"]',
        "than ghcr.io/acme*",
    ),
    "an exclusion left out": (
        'allowed-registries: {registries: [ghcr.io, "!ghcr.io/x"], locked: true}',
        "allowed-registries: [ghcr.io]",
        "than ghcr.io",
    ),
    "the lock itself": (
        "unused-login: {severity: error, locked: true}",
        "unused-login: {locked: false}",
        "it stays locked",
    ),
    "the rule": (
        "unused-login: {severity: error, locked: true}",
        "unused-login: null",
        "it may not be taken away",
    ),
    "all rules": (
        "unused-login: {severity: error, locked: true}",
        "null",
        "it may not be taken away",
    ),
    "stricter": ("unused-login: {severity: warning, locked: true}", "unused-login: error", ""),
    "a list that is narrower": (
        'allowed-registries: {registries: ["ghcr.io/*", quay.io/**], locked: true}',
        "allowed-registries: [ghcr.io/acme, quay.io/a/b]",
        "",
    ),
    "another rule": (
        "unused-login: {severity: error, locked: true}",
        "native-variable: error",
        "",
    ),
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds(name: str, repository: Repository) -> None:
    """In the file that extends the base, and in a base between them."""
    base, own, expected = LOCKS[name]
    own = "rules: null\n" if own == "null" else LOCK.format(own)
    spec = "push: never\noutputs: {gitlab: .gitlab-ci.yml}\n"
    spec += "mirrors: {docker.io: ghcr.io/acme/hub, ghcr.io: ghcr.io/acme/hub}\n"
    for files in (
        {"ci-kaniko.yaml": f"extends: package:fleet/base.yaml\n{own}{spec}"},
        {
            "own.yaml": f"extends: package:fleet/base.yaml\n{own}",
            "ci-kaniko.yaml": f"extends: own.yaml\n{spec}",
        },
    ):
        found = said(repository, {"package:fleet/base.yaml": LOCK.format(base), **files})
        found = [line for line in found if "[allowed-registries]" not in line]
        if not expected:
            assert found == []
            continue
        (line,) = found
        assert line.startswith(next(iter(files)) + ":"), line
        assert "is locked by package:fleet/base.yaml:2: " in line
        assert expected in line
        assert line.endswith(" [locked-rule]")


# -- releases ---------------------------------------------------------------------------------


def test_a_header_names_the_release_that_a_spec_requires(repository: Repository) -> None:
    repository.spec()
    assert repository.call("sync").code == 0
    assert repository.text(".gitlab-ci.yml").startswith(HEADER)
    text = repository.text("ci-kaniko.yaml")
    repository.write("base.yaml", 'requires: ">=0.0.1"\n')
    repository.write("ci-kaniko.yaml", f"extends: base.yaml\n{text}")
    assert repository.call("sync").err == "updated .gitlab-ci.yml for gitlab\n"
    release = ci_kaniko.__version__
    named = HEADER.replace("by ci-kaniko ", f"by ci-kaniko {release} ")
    assert repository.text(".gitlab-ci.yml").startswith(named)
    other = repository.text(".gitlab-ci.yml").replace(f"ci-kaniko {release} ", "ci-kaniko 99.0rc1 ")
    repository.write(".gitlab-ci.yml", other)
    assert "[drift]" in repository.call("check").err
    assert repository.call("sync").code == 0


# -- what a spec reads ------------------------------------------------------------------------


def test_every_file_that_a_spec_reads_counts(repository: Repository) -> None:
    """For what is remembered, for what changed since, and for what an output may overwrite."""
    lay(
        repository,
        {
            "package:fleet/base.yaml": "target: one\n",
            "ci/base.yaml": f"extends: package:fleet/base.yaml\n{LOGIN}",
            "ci-kaniko.yaml": f"extends: ci/base.yaml\n{SHOP}outputs: {{gitlab: .gitlab-ci.yml}}\n",
            "app/Dockerfile": "FROM scratch\n",
        },
    )
    site = str(repository.folder.parent / "site")

    def call(*words: str) -> Any:
        return repository.call(*words, CI="")

    assert call("sync").code == 0
    for path, text in (
        ("package:fleet/base.yaml", "target: two\n"),
        ("ci/base.yaml", f"extends: package:fleet/base.yaml\nlabels: {{a.b: c}}\n{LOGIN}"),
    ):
        assert call("check") == (0, "", "")
        lay(repository, {path: text})
        assert "[drift]" in call("check").err
        assert call("sync").code == 0
    # Another environment has another release of the package.
    assert call("check") == (0, "", "")
    newer = repository.folder.parent / "newer" / "fleet"
    newer.mkdir(parents=True)
    (newer / "base.yaml").write_text("target: three\n")
    sys.path.insert(0, str(newer.parent))
    assert "[drift]" in call("check").err
    sys.path.remove(str(newer.parent))
    assert site in sys.path

    (repository.folder / ".git").rmdir()
    git(repository.folder, "init", "-q", "-b", "main")
    git(repository.folder, "add", "-A")
    git(repository.folder, "commit", "-q", "-m", "first")
    repository.write("ci-kaniko.yaml", repository.text("ci-kaniko.yaml") + "context: app\n")
    git(repository.folder, "commit", "-q", "-a", "-m", "second")
    changed = ("render", "buildkite", "--changed-since", "HEAD~1")
    assert "kaniko" in call(*changed).out
    repository.write("ci/base.yaml", f"target: four\n{LOGIN}")
    git(repository.folder, "commit", "-q", "-a", "-m", "third")
    assert "kaniko" in call(*changed).out
    repository.write("README.md", "x\n")
    git(repository.folder, "add", "-A")
    git(repository.folder, "commit", "-q", "-m", "fourth")
    assert "has not changed since" in call(*changed).err

    # What an earlier commit says is what its own files say.
    now = ci_kaniko.load("ci-kaniko.yaml")
    assert (now.target, spec_at(now, "HEAD~2").target, spec_at(now, "HEAD").target) == (
        *("four", "two", "four"),
    )
    repository.write("ci/base.yaml", f"target: five\n{LOGIN}")
    assert spec_at(now, "HEAD").target == "four"
    (repository.folder / "ci" / "base.yaml").unlink()
    assert spec_at(now, "HEAD").target == "four"
    git(repository.folder, "checkout", "-q", "ci/base.yaml")

    spec = repository.text("ci-kaniko.yaml").replace(".gitlab-ci.yml", "ci/base.yaml")
    repository.write("ci-kaniko.yaml", spec)
    assert "that is a spec [duplicate-output]" in call("sync", "--force").err


def test_a_text_extends_files_of_the_current_folder(repository: Repository) -> None:
    lay(repository, {"base.yaml": "push: never\n"})
    assert ci_kaniko.loads("extends: base.yaml").push == "never"
    with pytest.raises(ci_kaniko.SpecError, match=r"load\(PATH\) reads one that does"):
        ci_kaniko.Spec(extends="base.yaml", push="never")


# -- a fleet ----------------------------------------------------------------------------------

FLEET = 50


def specs(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The specs of a fleet: each says a little, and some say otherwise what the base says."""
    for n in range(number):
        own: dict[str, Any] = {"extends": "package:fleet/base.yaml"}
        own["destinations"] = [f"ghcr.io/acme/app-{n}:${{commit.short}}"]
        if n % 3 == 0:
            own["executor"] = {"version": "v1.27.0"}
        if n % 5 == 0:
            own["cache"] = None
        if n % 7 == 0:
            own["cache"] = {"ttl": "24h"}
        if n % 4 == 0:
            own["images"] = {"api": {"context": "api"}, "web": {"context": "web"}}
            own["destinations"] = [f"ghcr.io/acme/app-{n}/${{image.name}}:1.0"]
        yield f"app-{n}", own


BASE = f"""\
default_branch: main
{LOGIN}executor: {{distribution: osscontainertools, version: v1.28.0}}
cache: {{repo: ghcr.io/acme/cache, ttl: 168h}}
outputs: {{gitlab: .gitlab-ci.yml}}
rules: {{unused-login: {{severity: error, locked: true}}}}
"""


def test_a_fleet(repository: Repository) -> None:
    """What a new release of the base changes is what check says, and nothing else."""
    lay(
        repository,
        {"package:fleet/base.yaml": BASE, "package:fleet/__init__.py": "raise SystemExit"},
    )
    names = []
    for name, own in specs(FLEET):
        repository.write(f"{name}/ci-kaniko.yaml", written(own))
        (repository.folder / name / ".git").mkdir()
        names.append(name)
    options = [word for name in names for word in ("-f", f"{name}/ci-kaniko.yaml")]
    assert repository.call("sync", *options).code == 0
    before = {name: repository.text(f"{name}/.gitlab-ci.yml") for name in names}

    newer = BASE.replace("v1.28.0", "v1.28.3").replace("ttl: 168h", "ttl: 336h")
    lay(repository, {"package:fleet/base.yaml": newer})
    told = {change.path: change for change in ci_kaniko.diff(options[1::2])}
    done = repository.call("sync", *options)
    assert done.code == 0
    assert {*re.findall(r"(?m)^updated (\S+) for gitlab", done.err)} == {*told}
    for name in names:
        path = f"{name}/.gitlab-ci.yml"
        text = repository.text(path)
        if path not in told:
            assert text == before[name]
            continue
        assert (told[path].before, told[path].after) == (before[name], text)
        assert told[path].problem.rule == "drift"
        changed = {*before[name].splitlines()} ^ {*text.splitlines()}
        assert changed
        assert all("v1.28" in line or "ttl" in line for line in changed)
    # A repository with its own executor and no cache, or a ttl of its own, does not change.
    same = {name for name, own in specs(FLEET) if "executor" in own and "cache" in own}
    assert {name for name in names if f"{name}/.gitlab-ci.yml" not in told} == same
    assert "fleet" not in sys.modules


def test_a_spec_that_is_made_in_python_extends_nothing() -> None:
    with pytest.raises(ci_kaniko.SpecError) as raised:
        ci_kaniko.Spec.model_validate({"push": "never", "extends": "base.yaml"})
    assert [(each.rule, each.where) for each in raised.value.problems] == [("bad-base", "extends")]
