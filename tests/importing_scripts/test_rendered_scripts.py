"""The scripts that ci-kaniko renders, as the import reads them, and as a shell runs them."""

from __future__ import annotations

import base64
import functools
import itertools
import random
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from ci_kaniko.importing.calls import (
    Encoded,
    Output,
    Test,
    Var,
    spell,
)
from ci_kaniko.importing.shell import parsing as shell_tree
from ci_kaniko.importing.shell.interpreter import Given, read
from ci_kaniko.importing.shell.patterns import matches
from ci_kaniko.importing.shell.transforms import CUT, apply
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.syntax.globs import matches as glob_matches
from ci_kaniko.syntax.references import DOCKER_HUB_KEY
from harness import expectation, tools
from harness.cases import SNAPSHOTS
from harness.covering import covering, in_shell
from harness.readings import CONFIG, logins, only, shown
from harness.runs import RENDERED, TOLD_BY_OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ci_kaniko.importing.calls import Call, Part, Script, Text, When

TARGETS = ("agola", "buildkite", "github", "gitlab", "kubernetes")
DOUBLED = {"buildkite", "kubernetes"}


def scripts_of(value: Any) -> Iterator[str]:
    """Every script in a rendered file."""
    if isinstance(value, list):
        for item in value:
            yield from scripts_of(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in {"script", "command", "run", "args", "before_script"}:
            items = item if isinstance(item, list) else [item]
            yield from (text for text in items if isinstance(text, str) and "\n" in text)
        yield from scripts_of(item)


@functools.cache
def rendered(target: str) -> dict[str, str]:
    """The scripts of a target's snapshots, each once, by the file they were first seen in."""
    found: dict[str, str] = {}
    for path in sorted((SNAPSHOTS / target).glob("*.yml")):
        for document in yaml11.load_all(path.read_text(encoding="utf-8")):
            for text in scripts_of(document):
                script = text.replace("$$", "$") if target in DOUBLED else text
                found.setdefault(script.rstrip("\n"), path.name)
    return {f"{name} {number}": text for number, (text, name) in enumerate(found.items())}


@functools.cache
def read_once(text: str) -> Script:
    return read(text)


@functools.cache
def not_imported(target: str) -> dict[str, str]:
    """The fewest scripts with every line that stands in files which no test imports as a whole."""
    imported = {f"{case}.yml" for case, other in {*RENDERED} - TOLD_BY_OTHERS if other == target}
    names = {
        text: name
        for name, text in rendered(target).items()
        if name.rpartition(" ")[0] not in imported
    }
    found = {names[text]: text for text in covering({text: in_shell(text) for text in names})}
    with ThreadPoolExecutor(4) as pool:  # shfmt runs for several of them at a time
        list(pool.map(lambda text: shell_tree.parse(text, 1), found.values()))
    return found


def calls_in(text: str) -> int:
    """How often a script starts the executor or another builder."""
    programs = (
        r"(?:exec )?/kaniko/executor\b|buildah build|(?:su .* sh )?buildctl-daemonless.sh build"
    )
    plain = len(re.findall(rf"(?m)^ *(?:{programs})", text))
    return plain + len(re.findall(r"(?m)^ +\S*kaniko(?:-project/executor)?[:@]\S* \\$", text))


def arguments_in(text: str) -> list[str]:
    """The executor's arguments as they stand in a script, without any reading of the shell."""
    tokens = [token.lstrip("\n") for token in shlex.split(text) if token != "\n"]
    found: list[str] = []
    for at, token in enumerate(tokens):
        starts = token == "--" and tokens[at - 1] == "set"
        if starts or re.fullmatch(
            r"/kaniko/executor|[\w.:/-]+/kaniko\S*:v\S+|gcr.io/kan\S+", token
        ):
            rest = itertools.takewhile(
                lambda word: word.startswith("--") or word == "$@", tokens[at + 1 :]
            )
            found += [word for word in rest if word != "$@"]
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_rendered_scripts_are_read_completely(target: str) -> None:
    """One reading of each call, with all arguments, and nothing to complain about."""
    for name, text in not_imported(target).items():
        script = read_once(text)
        assert len(script.calls) == calls_in(text), name
        if not script.calls or script.calls[0].builder != "kaniko":
            assert {note.rule for note in script.notes} <= {
                *("clone", "skipped-command", "builder-flag", "eval", "unset-variable", "gate"),
            }
            continue
        words = [word for call in script.calls for word in call.words]
        written = arguments_in(text)
        assert [spell(word.text).partition("=")[0] for word in words] == [
            word.partition("=")[0] for word in written
        ], name
        for word, plain in zip(words, written, strict=True):
            if all(isinstance(part, str) for part in word.text):
                assert spell(word.text) == plain, name
            told = [part for part in word.text if isinstance(part, Output)]
            assert all("timestamp" in part.command for part in told), (name, plain)
            # There another job tells when the commit was made.
            assert not told or target in {"agola", "buildkite"}, (name, plain)
        rules = {note.rule for note in script.notes} - {"skipped-command", "gate"}
        assert rules <= ({"unknown-list"} if name.startswith("platforms-chosen") else set()), name


@pytest.mark.parametrize("target", TARGETS)
def test_rendered_logins_are_found(target: str) -> None:
    """Each login that a script writes, with the names of its secrets."""
    for name, text in not_imported(target).items():
        for call in read_once(text).calls:
            written = set(re.findall(r"^ *login (\S+) ", text, re.MULTILINE))
            written |= set(re.findall(r'"auth":"%s"\}\}\}\' (\S+) "\$auth"', text))
            hosts = {spell(login.host) for login in call.logins if login.user}
            if any("$key_" in host for host in written):
                hosts.discard(
                    DOCKER_HUB_KEY
                )  # a host that a run tells may turn out to be Docker Hub
            assert len(hosts) == len(written), name
            plain = {host for host in written if "$" not in host}
            assert plain <= hosts, name
            for login in call.logins:
                if login.user:
                    assert isinstance(login.password[-1], Var | Output), name


def test_conditions_of_a_rendered_script() -> None:
    text = rendered_file("gitlab", "conditional-hosts.yml")
    call = only(read(text))
    pushing = "not: $CI_PIPELINE_SOURCE = merge_request_event"
    main = f"{pushing} and $CI_COMMIT_BRANCH = $CI_DEFAULT_BRANCH"
    tag = f"{pushing} and $CI_COMMIT_TAG like v*"
    feature = f"{pushing} and $CI_COMMIT_BRANCH like feature/*"
    assert shown(call.pushed) == [
        f"quay.io/acme/shop:${{ref.name|tag}} [{main} or {tag}]",
        f"ghcr.io/acme/shop:latest [{main}]",
        f"ghcr.io/acme/shop:newest [{main}]",
        f"ghcr.io/acme/shop:${{ref.name|tag}} [{feature}]",
        f"registry.example.com:5000/acme/shop:${{ref.name|tag}} [{tag}]",
    ]
    assert sorted(logins(call)) == [
        ("ghcr.io", "acme-bot", "$GHCR_TOKEN"),
        ("quay.io", "acme+ci", "$QUAY_PASSWORD"),
        ("registry.example.com:5000", "acme", "$REGISTRY_PASSWORD"),
    ]


def rendered_file(target: str, name: str) -> str:
    """The first script of a snapshot."""
    return next(text for key, text in rendered(target).items() if key.startswith(f"{name} "))


# -- meaning: what a shell passes is what was read -----------------------------------------------

SHA = "0123456789abcdef0123456789abcdef01234567"
EVENTS: list[dict[str, str]] = [
    {"branch": "main", "tag": "", "request": ""},
    {"branch": "feature/Add-x_1.2", "tag": "", "request": ""},
    {"branch": "", "tag": "v1.2.3", "request": ""},
    {"branch": "", "tag": "", "request": "12"},
]


def gitlab(event: Mapping[str, str]) -> dict[str, str]:
    """What GitLab tells a job, and the secrets."""
    ref = event["branch"] or event["tag"] or "topic"
    given = {
        "CI_PROJECT_DIR": "/builds/acme/shop",
        "CI_COMMIT_SHA": SHA,
        "CI_COMMIT_SHORT_SHA": SHA[:8],
        "CI_COMMIT_TIMESTAMP": "2026-01-02T03:04:05Z",
        "CI_COMMIT_REF_NAME": ref,
        "CI_COMMIT_REF_SLUG": apply("slug", ref),
        "CI_DEFAULT_BRANCH": "main",
        "CI_PIPELINE_SOURCE": "merge_request_event" if event["request"] else "push",
        "CI_PROJECT_PATH": "Acme/Team/Shop",
        "CI_PROJECT_NAMESPACE": "Acme/Team",
        "CI_PROJECT_NAME": "Shop",
        "CI_PROJECT_URL": "https://gitlab.com/Acme/Team/Shop",
        "CI_REGISTRY": "registry.example.com",
        "CI_REGISTRY_IMAGE": "registry.example.com/acme/team/shop",
        "CI_REGISTRY_USER": "job",
        "CI_DEPENDENCY_PROXY_SERVER": "gitlab.com:443",
        "CI_DEPENDENCY_PROXY_USER": "proxy",
        "CI_PIPELINE_ID": "77",
        "CI_PIPELINE_IID": "7",
        "CI_PIPELINE_URL": "https://gitlab.com/7",
        "CHANNEL": "beta",
        "EDITION": "pro",
        "MIRROR": "mirror.example.com",
    }
    given["CI_COMMIT_BRANCH"] = event["branch"]
    given["CI_COMMIT_TAG"] = event["tag"]
    given["CI_MERGE_REQUEST_IID"] = event["request"]
    return given


def versions(tag: str) -> dict[str, str]:
    found = expectation.versions(tag)
    release = "" if "-" in found["version"] else found["version"]
    return {f"{name}@": text for name, text in {**found, "release": release}.items()}


class Run:
    """What a reading says for one environment."""

    def __init__(self, given: Mapping[str, str], event: Mapping[str, str]) -> None:
        self.given = given
        self.portable = {
            "branch": event["branch"],
            "tag": event["tag"],
            "pull_request.number": event["request"],
            "ref.name": f"pr-{event['request']}"
            if event["request"]
            else event["tag"] or event["branch"],
            "build.timestamp": "NOW",
            "build.date": "NOW",
            **dict.fromkeys(("commit.date", "commit.timestamp"), "NOW"),
            **versions(event["tag"]),
        }
        safe = apply("tag", self.portable["ref.name"])
        self.portable["ref.version@"] = self.portable["version@"] or safe

    def text(self, text: Text) -> str:
        return "".join(map(self._part, text))

    def _part(self, part: Part) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, Encoded):
            return base64.b64encode(self.text(part.text).encode()).decode()
        assert isinstance(part, Var), part
        value = self.portable[part.name] if part.portable else self.given.get(part.name, "")
        value = value or part.default or ""
        for change in part.changes:
            if change != CUT:  # the names of these runs are shorter than any tag leaves
                value = apply(change.removesuffix("-like"), value)
        return value

    def holds(self, when: When) -> bool:
        return any(all(self._test(test) for test in tests) for tests in when)

    def _test(self, test: Test) -> bool:
        left, right = self.text(test.left), self.text(test.right)
        found = {
            "equal": left == right,
            "set": bool(left),
            "glob": test.kind == "glob" and glob_matches(right, left),
            "pattern": test.kind == "pattern" and matches(right, left),
            "regex": test.kind == "regex" and re.search(right, left) is not None,
            "file": False,
        }
        return found[test.kind] != test.negated

    def arguments(self, call: Call) -> list[str]:
        return [self.text(word.text) for word in call.words if self.holds(word.when)]


EXECUTOR = r"""
executor() {
  printf '%s\0' "$@" > "$record.argv"
  if [ -f "$kaniko/.docker/config.json" ]; then
    cp "$kaniko/.docker/config.json" "$record.config"
  fi
}
date() { echo NOW; }
"""


def run_all(folder: Path, texts: list[str], givens: list[dict[str, str]]) -> list[Path]:
    """Run scripts one after the other, each with its own variables and folder."""
    lines = [EXECUTOR]
    records = []
    for number, (text, given) in enumerate(zip(texts, givens, strict=True)):
        kaniko = folder / str(number)
        records.append(folder / f"{number}.record")
        here = re.sub(r"(?m)^( *)/kaniko/executor", r"\1executor", text)
        exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in given.items())
        lines += [
            "(",
            f"export kaniko={kaniko} record={records[-1]} {exports}",
            f"mkdir -p {kaniko}/.docker {kaniko}/certificates; cd {kaniko}",
            here.replace("/kaniko/.docker", f"{kaniko}/.docker").replace(
                "/kaniko/certificates", f"{kaniko}/certificates"
            ),
            ")",
        ]
    bash, text = tools.program("bash"), "\n".join(lines)
    subprocess.run([bash], input=text, capture_output=True, text=True, check=False)
    return records


def test_rendered_scripts_mean_what_was_read(tmp_path: Path) -> None:
    """Arguments and config.json of real runs, against the reading."""
    scripts = {name: read_once(text) for name, text in [*rendered("gitlab").items()][::2]}
    called = {name: [call.builder for call in script.calls] for name, script in scripts.items()}
    names = [name for name, builders in called.items() if builders == ["kaniko"]]
    texts = [rendered("gitlab")[name] for name in names]
    events = [EVENTS[number % len(EVENTS)] for number in range(len(names))]
    givens = [gitlab(event) for event in events]
    for given, text in zip(givens, texts, strict=True):
        secrets = re.findall(r"\$\{(\w+):\?is not set", text)
        given.update({name: f'{name}\'s "value" $x \\ {"y" * 60}' for name in secrets})
        given["CI_PROJECT_DIR"] = str(tmp_path)
    ran = 0
    records = run_all(tmp_path, texts, givens)
    for name, given, event, record in zip(names, givens, events, records, strict=True):
        argv = record.with_suffix(".record.argv")
        if not argv.exists():
            continue
        ran += 1
        run, call = Run(given, event), only(scripts[name])
        folder = str(record).removesuffix(".record")
        passed = argv.read_text(encoding="utf-8").split("\0")[:-1]
        plain = [word.replace(folder, "/kaniko") for word in passed]
        assert run.arguments(call) == plain, name
        config = record.with_suffix(".record.config")
        texts_of_config = [
            run.text(one.text) for one in call.files.get(CONFIG, ()) if run.holds(one.when)
        ]
        written = [config.read_text(encoding="utf-8")] if config.exists() else []
        assert texts_of_config == written, name
    assert ran > len(names) * 0.9


class Programs:
    """Random scripts of what is read exactly: no text in them begins with a dash."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test that can be repeated
        self.depth = 0
        self.loops = 0
        self.stops = False

    def pick(self, *items: str) -> str:
        return self.random.choice(items)

    def plain(self) -> str:
        return self.pick("main", "v1", "a", "b-2", "k/z")

    def name(self) -> str:
        return self.pick("A", "B", "C", "x", "y")

    def hole(self) -> str:
        name = self.name()
        native = self.pick("A", "B", "C")
        return self.pick(
            f"${{{name}}}",
            f"${{{name}:-{self.plain()}}}",
            f"${{{name}:-${self.name()}}}",
            f"${{{name}:+{self.plain()}}}",
            f"${{{native}%/*}}",
            f"${{{native}##*/}}",
            f"${{{name}//\\//-}}",
            f'$(printf %s "${name}" | tr A-Z a-z)',
            f"$(printf %s \"${name}\" | tr '[:upper:]' '[:lower:]')",
            f'$(echo "${native}" | cut -c1-2)',
        )

    def word(self) -> str:
        return self.pick(self.plain(), f'"z{self.hole()}"', f'"{self.plain()}{self.hole()}"')

    def test(self) -> str:
        name = self.name()
        simple = self.pick(
            f'[ "${name}" = {self.plain()} ]',
            f'[ "${name}" != {self.word()} ]',
            f'[ -n "${name}" ]',
            f'[ -z "${name}" ]',
            f"[[ ${name} == {self.pick('v*', '*/*', 'm?in')} ]]",
            f"[[ ${name} =~ {self.pick('^v', '^(main|v1)$', '/')} ]]",
            f"echo \"${name}\" | grep -Eqx '{self.pick('v[^/]*', 'main|a/.*', '[^/]*')}'",
        )
        if self.random.random() < 0.7:
            return simple
        return f"{{ {simple} {self.pick('&&', '||')} {self.test()}; }}"

    def body(self) -> str:
        self.depth += 1
        made = "\n".join(self.statement() for _ in range(self.random.randint(1, 2)))
        self.depth -= 1
        return made

    def statement(self) -> str:
        name = self.pick("x", "y")
        simple = [
            f"{name}={self.word()}",
            f'{name}="${{{name}}}{self.plain()}"',
            f'set -- "$@" --d={self.word()}',
            f'flags="$flags --{self.pick("m", "n")} {self.plain()}"',
            f"{self.test()} && {name}={self.word()} || {name}={self.word()}",
            f"echo {self.word()} > file; {name}=$(cat file)",
            f"printf -v {name} '%s-%s' {self.word()} \"${{{name}}}\"",
            f"is_it() {{ {self.test()}; }}; is_it && {name}={self.word()} || {name}={self.word()}",
            f"{name}=$(false || echo {self.word()})",
        ]
        if self.stops and not self.depth:
            simple.append(self.gate())
        if self.loops:
            simple.append(f"if {self.test()}; then {self.pick('break', 'continue')}; fi")
        kind = self.random.randrange(11 if self.depth < 3 else 4)
        if kind < 4:
            return self.pick(*simple)
        if kind == 4:
            return f"if {self.test()}; then\n{self.body()}\nfi"
        if kind == 5:
            return f"if {self.test()}; then\n{self.body()}\nelse\n{self.body()}\nfi"
        if kind == 6:
            one, two = self.random.sample(["main", "v*", "'' | */*/*", "k/*|a", "*"], 2)
            end = self.pick(";;", ";;", ";&")
            arms = f"{one}) {self.body()} {end}\n{two}) {self.body()} ;;"
            return f"case ${self.name()} in\n{arms}\nesac"
        if kind == 7:
            self.loops += 1
            loop = f'for i in a {self.word()}; do\n{name}="$i"\n{self.body()}\ndone'
            self.loops -= 1
            return loop
        if kind == 8:
            return f"{self.test()} || {{ {self.body()}\n}}"
        if kind == 9:
            self.loops += 1
            loop = (
                f"while read -r i; do\n{name}=\"$i\"\n{self.body()}\ndone < <(printf '%s\\n' a v1)"
            )
            self.loops -= 1
            return loop
        return self.pick(f"( {self.body()}\n)", f'{name}=$(:\n{self.body()}\necho "$x")')

    def gate(self) -> str:
        """What stops a script where an error does."""
        name, wanted = self.pick("A", "B", "C"), self.pick("main", "a/b")
        asked = f'[ "${name}" {self.pick("!=", "!=", "=")} {wanted} ]'
        return self.pick(
            asked,
            f"{asked} || [ -z '' ]",
            f"{asked} || false",
            f"check() {{ {asked} || return 1; }}; check",
            f"if check() {{ {asked}; }}; then check; fi",
            f"! {asked}",
        )

    def program(self) -> str:
        self.stops = self.random.random() < 0.4
        statements = [self.statement() for _ in range(self.random.randint(4, 8))]
        head = ["set -e"] * self.stops + ["x='' y='' flags=''", "set -- --first"]
        call = '/kaniko/executor --destination=r/i "$@" --x="$x" --y=$y $flags'
        return "\n".join([*head, *statements, call])


def test_random_scripts_mean_what_was_read(tmp_path: Path) -> None:
    programs = Programs(20261121)
    pairs = [
        (programs.program(), dict(zip("ABC", values, strict=True)))
        for values in itertools.islice(itertools.product(("", "main", "a/b", "V1"), repeat=3), 30)
    ]
    records = run_all(tmp_path, [text for text, _ in pairs], [given for _, given in pairs])
    for (text, given), record in zip(pairs, records, strict=True):
        run = Run(given, EVENTS[0])
        script = read(text, Given({name: (Var(name),) for name in given}))
        told = any(note.name == "gate/script" for note in script.notes)
        words = [word for call in script.calls for word in call.words]
        if any(isinstance(part, Output) for word in words for part in word.text):
            continue
        argv = record.with_suffix(".record.argv")
        assert told or any(run.holds(one.when) for one in script.calls) == argv.exists(), text
        if argv.exists():
            passed = argv.read_text(encoding="utf-8").split("\0")[:-1]
            passed = re.sub(r"\0?--([mn])\0", r"\0--\1=", "\0".join(passed)).split("\0")
            assert run.arguments(only(script)) == passed, text
