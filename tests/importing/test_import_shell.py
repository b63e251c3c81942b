"""Shell scripts as the import reads them: our own, those of others, and their faults."""

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
    ALWAYS,
    Contents,
    Encoded,
    Masked,
    Output,
    Test,
    Var,
    references,
    spell,
)
from ci_kaniko.importing.shell import parsing as shell_tree
from ci_kaniko.importing.shell.commands.flags import one_word_each
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES, Guards
from ci_kaniko.importing.shell.interpreter import Given, ShellError, read
from ci_kaniko.importing.shell.patterns import matches, portable_glob, python_regex
from ci_kaniko.importing.shell.regular import globs_of
from ci_kaniko.importing.shell.transforms import CUT, apply, finished, simplified
from ci_kaniko.importing.shell.values import Item
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.syntax.globs import matches as glob_matches
from ci_kaniko.syntax.references import DOCKER_HUB_KEY
from harness import expectation, tools
from harness.cases import SNAPSHOTS
from harness.runs import RENDERED, TOLD_BY_OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ci_kaniko.importing.calls import Call, Part, Script, Text, When, Word

TARGETS = ("agola", "buildkite", "github", "gitlab", "kubernetes")
DOUBLED = {"buildkite", "kubernetes"}
CONFIG = "/kaniko/.docker/config.json"


def told(when: When) -> str:
    """A condition on one line."""
    return " or ".join(" and ".join(test.text for test in tests) or "always" for tests in when)


def shown(words: tuple[Word, ...]) -> list[str]:
    """Words, with their conditions in brackets."""
    return [
        spell(word.text) + ("" if word.when == ALWAYS else f" [{told(word.when)}]")
        for word in words
    ]


def rules(script: Script) -> list[str]:
    """The rules of the notes, without repetitions."""
    return list(dict.fromkeys(note.rule for note in script.notes))


def only(script: Script) -> Call:
    """The one call of a script."""
    assert len(script.calls) == 1
    return script.calls[0]


def logins(call: Call) -> list[tuple[str, str, str]]:
    """Host, user and password of each login."""
    return [(spell(one.host), spell(one.user), spell(one.password)) for one in call.logins]


# -- what ci-kaniko renders --------------------------------------------------------------------


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
    """The scripts of files that no test imports as a whole, and compares with the plan."""
    imported = {f"{case}.yml" for case, other in {*RENDERED} - TOLD_BY_OTHERS if other == target}
    found = {
        name: text
        for name, text in rendered(target).items()
        if name.rpartition(" ")[0] not in imported
    }
    with ThreadPoolExecutor(4) as pool:  # shfmt runs for several of them at a time
        list(pool.map(lambda text: shell_tree.parse(text, 1), found.values()))
    return found


def calls_in(text: str) -> int:
    """How often a script starts the executor or another builder."""
    programs = r"(?:exec )?/kaniko/executor\b|buildah build|buildctl-daemonless.sh build"
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
                *("skipped-command", "builder-flag", "eval", "unset-variable"),
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
        rules = {note.rule for note in script.notes} - {"skipped-command"}
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
    names = [name for name, script in scripts.items() if len(script.calls) == 1]
    texts = [rendered("gitlab")[name] for name in names]
    events = [EVENTS[number % len(EVENTS)] for number in range(len(names))]
    givens = [gitlab(event) for event in events]
    for given, text in zip(givens, texts, strict=True):
        secrets = re.findall(r"\$\{(\w+):\?is not set", text)
        given.update({name: f'{name}\'s "value" $x \\ {"y" * 60}' for name in secrets})
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
        ]
        if self.loops:
            simple.append(f"if {self.test()}; then {self.pick('break', 'continue')}; fi")
        kind = self.random.randrange(10 if self.depth < 3 else 4)
        if kind < 4:
            return self.pick(*simple)
        if kind == 4:
            return f"if {self.test()}; then\n{self.body()}\nfi"
        if kind == 5:
            return f"if {self.test()}; then\n{self.body()}\nelse\n{self.body()}\nfi"
        if kind == 6:
            one, two = self.random.sample(["main", "v*", "'' | */*/*", "k/*|a", "*"], 2)
            arms = f"{one}) {self.body()} ;;\n{two}) {self.body()} ;;"
            return f"case ${self.name()} in\n{arms}\nesac"
        if kind == 7:
            self.loops += 1
            loop = f'for i in a {self.word()}; do\n{name}="$i"\n{self.body()}\ndone'
            self.loops -= 1
            return loop
        if kind == 8:
            return f"{self.test()} || {{ {self.body()}\n}}"
        return self.pick(f"( {self.body()}\n)", f'{name}=$(:\n{self.body()}\necho "$x")')

    def program(self) -> str:
        statements = [self.statement() for _ in range(self.random.randint(4, 8))]
        head = ["x='' y='' flags=''", "set -- --first"]
        return "\n".join([*head, *statements, '/kaniko/executor "$@" --x="$x" --y=$y $flags'])


def test_random_scripts_mean_what_was_read(tmp_path: Path) -> None:
    programs = Programs(20261121)
    pairs = [
        (programs.program(), dict(zip("ABC", values, strict=True)))
        for values in itertools.islice(itertools.product(("", "main", "a/b", "V1"), repeat=3), 30)
    ]
    records = run_all(tmp_path, [text for text, _ in pairs], [given for _, given in pairs])
    for (text, given), record in zip(pairs, records, strict=True):
        argv = record.with_suffix(".record.argv").read_text(encoding="utf-8")
        passed = list(argv.split("\0")[:-1])
        passed = list(re.sub(r"\0?--([mn])\0", r"\0--\1=", "\0".join(passed)).split("\0"))
        call = only(read(text, Given({name: (Var(name),) for name in given})))
        if any(isinstance(part, Output) for word in call.words for part in word.text):
            continue
        run = Run(given, EVENTS[0])
        assert run.arguments(call) == passed, text


# -- how others write their pipelines -----------------------------------------------------------

AUTHS = '{"auths":{"quay.io":{"auth":"%s"}}}'
WRITTEN = [("quay.io", "$QUAY_USER", "$QUAY_PASSWORD")]
ENCODED = "$(echo -n $QUAY_USER:$QUAY_PASSWORD | base64 | tr -d '\\n')"
PAIR = r"\"username\":\"$QUAY_USER\",\"password\":\"$QUAY_PASSWORD\""

CONFIGS: dict[str, tuple[str, list[str]]] = {
    "printf": (
        f"""auth=$(printf '%s:%s' "$QUAY_USER" "$QUAY_PASSWORD" | base64 -w0)
printf '{AUTHS}' "$auth" > {CONFIG}""",
        [],
    ),
    "echo with escaped quotes": (
        rf'echo "{{\"auths\":{{\"quay.io\":{{{PAIR}}}}}}}" > {CONFIG}',
        ["unescaped-json-value"],
    ),
    "echo with the quotes changed": (
        f'echo \'{{"auths":{{"quay.io":{{"auth":"\'{ENCODED}\'"}}}}}}\' > {CONFIG}',
        [],
    ),
    "echo with quotes that the shell takes": (
        f'echo "{{"auths":{{"quay.io":{{"auth":"{ENCODED}"}}}}}}" > {CONFIG}',
        ["broken-json-quoting"],
    ),
    "echo in single quotes": (
        (
            'echo \'{"auths":{"quay.io":{"username":"$QUAY_USER","password":"$QUAY_PASSWORD"}}}\' '
            f"> {CONFIG}"
        ),
        ["unescaped-json-value", "unexpanded-variable"],
    ),
    "here-document": (
        f'cat > {CONFIG} <<EOF\n{{"auths": {{"quay.io": {{"auth": "{ENCODED}"}}}}}}\nEOF',
        [],
    ),
    "here-document with tabs": (
        f'cat <<-EOF | tee {CONFIG}\n\t{{"auths": {{"quay.io": {{"auth": "{ENCODED}"}}}}}}\n\tEOF',
        [],
    ),
    "quoted here-document": (
        (
            f"cat << 'EOF' > {CONFIG}\n"
            '{"auths": {"quay.io": {"username": "$QUAY_USER", "password": "$QUAY_PASSWORD"}}}\nEOF'
        ),
        ["unescaped-json-value", "unexpanded-variable"],
    ),
    "base64 that wraps": (
        f"""AUTH=$(echo -n "$QUAY_USER:$QUAY_PASSWORD" | base64)
echo "{{\\"auths\\":{{\\"quay.io\\":{{\\"auth\\":\\"$AUTH\\"}}}}}}" > {CONFIG}""",
        ["wrapped-base64"],
    ),
    "base64 of a line": (
        f"""AUTH=`echo "$QUAY_USER:$QUAY_PASSWORD" | base64 -w 0`
echo "{{\\"auths\\":{{\\"quay.io\\":{{\\"auth\\":\\"$AUTH\\"}}}}}}" > {CONFIG}""",
        ["newline-in-auth"],
    ),
    "openssl": (
        f"""A=$(printf "$QUAY_USER:$QUAY_PASSWORD" | openssl base64 -A)
printf '{AUTHS}' $A | tee {CONFIG}""",
        [],
    ),
    "sed on a text of the script": (
        f"""echo '{AUTHS.replace("%s", "PLACE_HOLDER")}' > {CONFIG}
AUTH=$(printf %s:%s $QUAY_USER $QUAY_PASSWORD | base64 -w0)
sed -i "s/PLACE_HOLDER/$AUTH/g" {CONFIG}""",
        ["sed-delimiter"],
    ),
    "sed with another delimiter": (
        f"""T='{AUTHS.replace("%s", "@@")}'
AUTH=$(printf %s:%s $QUAY_USER $QUAY_PASSWORD | base64 -w0)
echo "$T" | sed "s#@@#$AUTH#" > {CONFIG}""",
        [],
    ),
    "envsubst": (
        f"""export QUAY_AUTH={ENCODED}
echo '{AUTHS.replace("%s", "$QUAY_AUTH")}' > template
envsubst < template > {CONFIG}""",
        [],
    ),
    "replacement in a variable": (
        f"""T='{AUTHS.replace("%s", "AUTH")}'
echo "${{T/AUTH/{ENCODED}}}" > {CONFIG}""",
        [],
    ),
    "another folder": (
        f"""export DOCKER_CONFIG=/tmp/docker
mkdir -p $DOCKER_CONFIG
printf '{AUTHS}' "{ENCODED}" > $DOCKER_CONFIG/config.json""",
        [],
    ),
    "the home of root": (
        f"printf '{AUTHS}' \"{ENCODED}\" > ~/.docker/config.json",
        ["config-elsewhere"],
    ),
    "a variable for the executor": (
        f"export DOCKER_AUTH_CONFIG=$(printf '{AUTHS}' \"{ENCODED}\")",
        [],
    ),
    "printed into the log": (
        f"printf '{AUTHS}' \"{ENCODED}\" > {CONFIG}; cat {CONFIG}",
        ["secret-in-log"],
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_every_way_to_write_a_docker_config(case: str) -> None:
    text, expected = CONFIGS[case]
    script = read(f"{text}\n/kaniko/executor --no-push")
    assert logins(only(script)) == WRITTEN
    assert sorted(rules(script)) == expected


def test_a_template_of_the_repository() -> None:
    text = """AUTH=$(echo -n ${DOCKER_HUB_USER}:${DOCKER_HUB_PASSWORD} | base64)
cp -f "${CI_PROJECT_DIR}/config.json" /kaniko/.docker/config.json
sed -i "s/PLACE_HOLDER/$AUTH/" /kaniko/.docker/config.json
/kaniko/executor --context . --destination "$X:${$CI_COMMIT_REF_SLUG}"
"""
    script = read(text, Given(first_line=10))
    call = only(script)
    assert logins(call) == [("", "$DOCKER_HUB_USER", "$DOCKER_HUB_PASSWORD")]
    assert [(note.rule, note.line) for note in script.notes] == [
        ("sed-delimiter", 12),
        ("wrapped-base64", 12),
        ("bad-substitution", 13),
    ]
    assert shown(call.pushed) == ["$X:$CI_COMMIT_REF_SLUG"]
    template = '{"auths": {"https://index.docker.io/v1/": {"auth": "PLACE_HOLDER"}}}'
    known = only(read(text, Given(files={"config.json": (template,)})))
    assert logins(known) == [
        ("https://index.docker.io/v1/", "$DOCKER_HUB_USER", "$DOCKER_HUB_PASSWORD")
    ]


def test_ready_configs() -> None:
    ways = {
        'printf %s "$DOCKER_CONFIG_JSON"': "$DOCKER_CONFIG_JSON",
        "cat $FILE": "$(cat $FILE)",
        "echo $B64 | base64 -d": "${B64|base64 -d}",
    }
    for way, config in ways.items():
        call = only(read(f"{way} > {CONFIG}\n/kaniko/executor --no-push"))
        assert [spell(login.config).strip() for login in call.logins] == [config]


ARGUMENTS: dict[str, tuple[str, list[str]]] = {
    "flags and values apart": (
        "/kaniko/executor -c . -f Dockerfile -dx/y:1 --build-arg A=b --cache",
        [
            "--context=.",
            "--dockerfile=Dockerfile",
            "--destination=x/y:1",
            "--build-arg=A=b",
            "--cache",
        ],
    ),
    "a value that is chosen": (
        """if [ "$CI_COMMIT_BRANCH" = main ]; then TAG=latest; else TAG=$CI_COMMIT_SHORT_SHA; fi
exec /kaniko/executor --context . --destination x/y:$TAG""",
        [
            "--context=.",
            "--destination=x/y:latest [$CI_COMMIT_BRANCH = main]",
            "--destination=x/y:$CI_COMMIT_SHORT_SHA [not: $CI_COMMIT_BRANCH = main]",
        ],
    ),
    "a string of flags": (
        """ARGS="--context=$PWD --cache=true"
[ -n "$CI_COMMIT_TAG" ] && ARGS="$ARGS --destination x/y:$CI_COMMIT_TAG"
if [[ $CI_COMMIT_BRANCH == "$CI_DEFAULT_BRANCH" ]]; then ARGS+=" --destination=x/y:latest"; fi
/kaniko/executor $ARGS""",
        [
            "--context=$PWD",
            "--cache=true",
            "--destination=x/y:latest [$CI_COMMIT_BRANCH = $CI_DEFAULT_BRANCH]",
            "--destination=x/y:$CI_COMMIT_TAG [$CI_COMMIT_TAG is set]",
        ],
    ),
    "an array": (
        """args=(--context "$PWD")
for tag in "${GITHUB_SHA:0:8}" latest; do args+=(--destination "x/${GITHUB_REPOSITORY,,}:$tag"); done
/kaniko/executor "${args[@]}" "${args[@]:0:1}=x" ${#args[@]}""",
        [
            "--context=$PWD",
            "--destination=x/${GITHUB_REPOSITORY|lower}:${GITHUB_SHA|short}",
            "--destination=x/${GITHUB_REPOSITORY|lower}:latest",
            "--context=x",
            "6",
        ],
    ),
    "words of a list": (
        "IFS=, read -ra T <<< 'a,b'\n/kaniko/executor \"${T[@]/#/--destination=x/y:}\"",
        ["--destination=x/y:a", "--destination=x/y:b"],
    ),
    "a list that only a run can tell": (
        'for t in $TAGS; do D="$D --destination=x/y:$t"; done\nset -- $D\n/kaniko/executor "$@"',
        ["$D", "--destination=x/y:${TAGS|each}"],
    ),
    "eval": (
        'eval "/kaniko/executor --destination=x/y:$T $EXTRA"',
        ["--destination=x/y:$T", "$EXTRA"],
    ),
    "another shell": (
        """export T=1; sh -ec '/kaniko/executor --destination=x/y:"$T" "$@"' name --no-push""",
        ["--destination=x/y:1", "--no-push"],
    ),
    "a script from a here-document": (
        "bash -s <<'EOF'\n/kaniko/executor --destination=x/y:$T\nEOF",
        ["--destination=x/y:$T"],
    ),
    "a function": (
        """build() {
  local name=$1 tag="${2:-latest}"
  /kaniko/executor --context="$name" --destination="x/$name:$tag" "${@:3}"
}
build api "$CI_COMMIT_SHA" --cache=true""",
        ["--context=api", "--destination=x/api:${CI_COMMIT_SHA:-latest}", "--cache=true"],
    ),
    "case": (
        """case "$CI_COMMIT_REF_NAME" in
  main|master) T=latest ;;
  release/*) T=${CI_COMMIT_REF_NAME#release/} ;;
  *) T=$(echo $CI_COMMIT_REF_NAME | sed 's/[^a-zA-Z0-9]/-/g' | tr '[:upper:]' '[:lower:]')
esac
/kaniko/executor --destination=x/y:$T""",
        [
            (
                "--destination=x/y:latest "
                "[$CI_COMMIT_REF_NAME = main or $CI_COMMIT_REF_NAME = master]"
            ),
            (
                "--destination=x/y:${CI_COMMIT_REF_NAME|${#release/}} "
                "[$CI_COMMIT_REF_NAME like release/**]"
            ),
            (
                "--destination=x/y:${CI_COMMIT_REF_NAME|slug-like} [not: $CI_COMMIT_REF_NAME = main "
                "and not: $CI_COMMIT_REF_NAME = master and not: $CI_COMMIT_REF_NAME like release/**]"
            ),
        ],
    ),
    "three calls of which one runs": (
        """if [ -n "$CI_COMMIT_TAG" ]; then
  /kaniko/executor --context . --destination "x/y:$CI_COMMIT_TAG"
elif [ "$CI_PIPELINE_SOURCE" = merge_request_event ]; then
  /kaniko/executor --context . --no-push
else
  /kaniko/executor --context . --destination "x/y:dev"
fi""",
        [
            "--context=.",
            "--destination=x/y:$CI_COMMIT_TAG [$CI_COMMIT_TAG is set]",
            (
                "--no-push [not: $CI_COMMIT_TAG is set "
                "and $CI_PIPELINE_SOURCE = merge_request_event]"
            ),
            (
                "--destination=x/y:dev [not: $CI_COMMIT_TAG is set "
                "and not: $CI_PIPELINE_SOURCE = merge_request_event]"
            ),
        ],
    ),
    "tries": (
        "for i in 1 2 3; do /kaniko/executor --destination=x/y:1 && break || sleep 5; done",
        ["--destination=x/y:1"],
    ),
    "a loop until it works": (
        "until /kaniko/executor --destination=x/y:1; do sleep 5; done || true",
        ["--destination=x/y:1"],
    ),
    "GitHub's ref": (
        """case $GITHUB_REF in
  refs/tags/v*) D=--destination=x/y:${GITHUB_REF#refs/tags/} ;;
  refs/heads/main) D=--destination=x/y:latest ;;
  *) D=--no-push ;;
esac
/kaniko/executor $D""",
        [
            "--destination=x/y:${GITHUB_REF|${#refs/tags/}} [${tag} like v**]",
            "--destination=x/y:latest [${branch} = main]",
            "--no-push [not: ${tag} like v** and not: ${branch} = main]",
        ],
    ),
    "times and commits": (
        """/kaniko/executor --label=t=$(date -u +%Y-%m-%dT%H:%M:%SZ) --label=d=$(date +%F) \\
  --label=c=$(git rev-parse HEAD) --label=s=$(git rev-parse --short=8 HEAD) \\
  --label=v="$(cat VERSION)" """,
        [
            "--label=t=${build.timestamp}",
            "--label=d=$(date +%F)",
            "--label=c=${commit.sha}",
            "--label=s=${commit.sha|short}",
            "--label=v=$(cat VERSION)",
        ],
    ),
    "a refusal is no condition": (
        """if [ -z "$PASSWORD" ]; then echo "no password" >&2; exit 1; fi
cd services/api && mkdir -p out && /kaniko/executor --destination=x/y:1 || exit 1""",
        ["--destination=x/y:1"],
    ),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_every_way_to_pass_arguments(case: str) -> None:
    text, expected = ARGUMENTS[case]
    call = only(read(text))
    assert shown(call.words) == expected
    assert call.when == ALWAYS


def test_conditions_of_the_call_itself() -> None:
    script = read(
        """if [ "$B" != main ] && [ -z "$TAG" ]; then echo skipped; exit 0; fi
[ -n "$PASSWORD" ] || { echo "no password"; exit 1; }
if git diff --quiet HEAD~1 -- api; then exit; fi
: "${TOKEN:?is not set}"
/kaniko/executor --destination=x/y:1
"""
    )
    call = only(script)
    changed = "not: git diff --quiet 'HEAD~1' -- api"
    assert told(call.when) == f"$B = main and {changed} or $TAG is set and {changed}"
    assert shown(call.words) == ["--destination=x/y:1"]


def test_several_builds_stay_several() -> None:
    script = read(
        """for name in api web; do
  /kaniko/executor --context "$PWD/$name" --destination "x/$name:$T" --cleanup
done"""
    )
    assert [spell(word.text) for call in script.calls for word in call.pushed] == [
        "x/api:$T",
        "x/web:$T",
    ]


def test_docker_run() -> None:
    script = read(
        """echo "$HUB_TOKEN" | docker login -u acme --password-stdin
docker login -u bob -p "$QUAY_TOKEN" quay.io
config=$(mktemp -d)
printf '{"credsStore":"ecr-login"}' > "$config/config.json"
export AWS_REGION=eu-west-1
docker run --rm -v "$PWD:/workspace:ro" --mount type=bind,src="$config",dst=/kaniko/.docker \\
  -e AWS_REGION -eA=b -w /workspace ghcr.io/osscontainertools/kaniko:v1.28.3 \\
  --context . --destination x/y:1
docker run alpine echo done"""
    )
    call = only(script)
    assert spell(call.image or ()) == "ghcr.io/osscontainertools/kaniko:v1.28.3"
    assert shown(call.words) == ["--context=.", "--destination=x/y:1"]
    assert shown(call.docker) == [
        "--rm",
        "--volume=$PWD:/workspace:ro",
        "--mount=type=bind,src=${mktemp 1},dst=/kaniko/.docker",
        "--env=AWS_REGION",
        "--env=A=b",
        "--workdir=/workspace",
    ]
    assert {name: spell(item[0].text) for name, item in call.environment.items()} == {
        "AWS_REGION": "eu-west-1",
        "A": "b",
    }
    assert [(spell(one.host), spell(one.password), one.helper) for one in call.logins] == [
        ("docker.io", "$HUB_TOKEN", ""),
        ("quay.io", "$QUAY_TOKEN", ""),
        ("", "", "ecr-login"),
    ]
    assert CONFIG in call.files
    assert rules(script) == ["skipped-command"]


def test_a_shell_in_a_container() -> None:
    script = read(
        """docker run --entrypoint sh -e T="$TAG" kaniko:debug -c '
  echo "{\\"auths\\":{\\"quay.io\\":{\\"auth\\":\\"$AUTH\\"}}}" > /kaniko/.docker/config.json
  /kaniko/executor --destination="x/y:$T"'"""
    )
    assert [shown(call.words) for call in script.calls] == [["--destination=x/y:$TAG"]]
    assert script.calls[0].line == 3
    assert [spell(login.auth) for login in script.calls[0].logins] == ["$AUTH"]


def test_what_a_container_prints() -> None:
    script = read(
        """docker run --entrypoint sh kaniko:debug -c '
  /kaniko/executor --destination=x/y:1 "$@"
  echo v2' sh > said
read -r tag < said
docker run --entrypoint sh kaniko:debug -c '/kaniko/executor "$@"' sh --destination="x/y:$tag\""""
    )
    assert [shown(call.words) for call in script.calls] == [
        ["--destination=x/y:1"],
        ["--destination=x/y:v2"],
    ]


def test_what_a_job_knows() -> None:
    known = {"IMAGE": references("$CI_REGISTRY_IMAGE/api"), "TAGS": ("a b",), "ref": (Var("R"),)}
    script = read(
        """for t in $TAGS; do set -- "$@" --destination=$IMAGE:$t; done
/kaniko/executor "$@" --label=r=${{ env.ref }} --label=s='${{ github.sha }}'""",
        Given(known),
    )
    assert shown(only(script).words) == [
        "--destination=$CI_REGISTRY_IMAGE/api:a",
        "--destination=$CI_REGISTRY_IMAGE/api:b",
        "--label=r=$R",
        "--label=s=${github.sha}",
    ]


def test_what_a_script_finds() -> None:
    script = read("/kaniko/executor --label=x=$(cat made)", Given(files={"made": ("x\n",)}))
    assert shown(only(script).words) == ["--label=x=x"]


# -- faults -------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[str, list[tuple[str, int]], list[str]]] = {
    "a comment between the lines": (
        "/kaniko/executor \\\n  --context . \\\n  # push\n  --destination x/y:1",
        [("broken-continuation", 4)],
        ["--context=.", "--destination=x/y:1"],
    ),
    "a forgotten backslash": (
        "/kaniko/executor --context .\n  --destination x/y:1 \\\n  --cache",
        [("broken-continuation", 2)],
        ["--context=.", "--destination=x/y:1", "--cache"],
    ),
    "a blank behind the backslash": (
        "/kaniko/executor --context . \\ \n  --destination x/y:1",
        [("backslash-blank", 1), ("broken-continuation", 2)],
        ["--context=.", "--destination=x/y:1"],
    ),
    "a folded backslash": (
        "/kaniko/executor \\ --context . \\ --destination x/y:1",
        [("backslash-blank", 1)],
        ["--context=.", "--destination=x/y:1"],
    ),
    "no substitution": (
        '/kaniko/executor --destination "x/y:${$TAG}"',
        [("bad-substitution", 1)],
        ["--destination=x/y:$TAG"],
    ),
    "a switch with a word": (
        "/kaniko/executor --cache true --no-push",
        [("switch-value", 1)],
        ["--cache=true", "--no-push"],
    ),
    "no quotes": (
        "/kaniko/executor --destination $X:$Y $MORE",
        [("unknown-words", 1), ("unquoted-words", 1)],
        ["--destination=$X:$Y", "$MORE"],
    ),
    "quotes inside of an alternative": (
        "set -- a\n/kaniko/executor --no-push ${1:+--label='a b'=\"$X\"} ${1:+--build-arg=c=$Y}",
        [("unquoted-words", 2)],
        ["--no-push", "--label=a b=$X", "--build-arg=c=$Y"],
    ),
    "quotes out of a variable": (
        "A=\"--label 'a=b'\"\n/kaniko/executor --no-push $A \"'x'\"",
        [("kept-quotes", 2)],
        ["--no-push", "--label='a=b'", "'x'"],
    ),
    "a trace": (
        "set -eux\n/kaniko/executor --no-push",
        [("trace-shows-secrets", 1)],
        ["--no-push"],
    ),
    "a secret in an argument": (
        '/kaniko/executor --no-push --build-arg "TOKEN=$NPM_TOKEN"',
        [("secret-on-command-line", 1)],
        ["--no-push", "--build-arg=TOKEN=$NPM_TOKEN"],
    ),
    "an expression": (
        '/kaniko/executor --no-push --label="a=${{ github.actor }}${{ secrets.X }}"',
        [("expression-in-script", 1), ("secret-in-script", 1), ("secret-on-command-line", 1)],
        ["--no-push", "--label=a=${github.actor}${secrets.X}"],
    ),
    "not exported": (
        "T=1\nsh -c '/kaniko/executor --destination=x/y:\"$T\"'",
        [("not-exported", 2)],
        ["--destination=x/y:1"],
    ),
    "a placeholder": (
        '/kaniko/executor --destination="<your-repo>:<your-tag>"',
        [("placeholder", 1)],
        ["--destination=<your-repo>:<your-tag>"],
    ),
    "flags with one dash": (
        "/kaniko/executor -c . -x y -no-push",
        [],
        ["--context=.", "-x=y", "--no-push"],
    ),
    "an old output": (
        'echo "::set-output name=x::1"\n/kaniko/executor --no-push',
        [("set-output", 1)],
        ["--no-push"],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_reported_and_mended(case: str) -> None:
    text, expected, words = FAULTS[case]
    script = read(text)
    found = {(note.rule, note.line) for note in script.notes}
    assert sorted(found) == sorted(set(expected))
    assert shown(only(script).words) == words


def test_what_only_bash_reads() -> None:
    script = read(
        'a=(--no-push)\n/kaniko/executor "${a[@]}" --label=x=${Y,,}',
        Given(dialect="posix", first_line=5),
    )
    assert [(note.rule, note.line) for note in script.notes if note.rule == "bash-only"] == [
        ("bash-only", 5),
        ("bash-only", 6),
    ]
    assert shown(only(read("/kaniko/executor --a={b,c}", Given(dialect="posix"))).words) == [
        "--a={b,c}"
    ]
    assert shown(only(read("/kaniko/executor --a={b,c}")).words) == ["--a=b", "--a=c"]


SECRETS = {
    "auth": '{{"auths":{{"quay.io":{{"auth":"{}"}}}}}}'.format(
        base64.b64encode(b"acme:Hidden-1").decode()
    ),
    "password": '{"auths":{"quay.io":{"username":"acme","password":"Hidden-1"}}}',
}


@pytest.mark.parametrize("case", SECRETS)
def test_written_logins_are_not_kept(case: str) -> None:
    script = read(f"cat > {CONFIG} <<'EOF'\n{SECRETS[case]}\nEOF\n/kaniko/executor --no-push")
    login = only(script).logins[0]
    assert (spell(login.host), spell(login.user)) == ("quay.io", "acme")
    assert login.password == (Masked("password", 1),)
    assert [(note.rule, note.line) for note in script.notes] == [("literal-secret", 1)]
    assert "Hidden-1" not in repr(script)
    assert base64.b64encode(b"acme:Hidden-1").decode() not in repr(script)


@pytest.mark.parametrize(
    "text",
    [
        "export AWS_SECRET_ACCESS_KEY=Hidden-12345\n/kaniko/executor --no-push",
        "/kaniko/executor --no-push --build-arg PASSWORD=Hidden-12345",
        "P=Hidden-12345; docker login -u x -p $P quay.io; docker run kaniko --no-push",
        "docker login -u x -p Hidden-12345 quay.io; docker run kaniko --no-push",
        (
            "TOKEN=Hidden-12345\n[ $TOKEN = Hidden-12345 ] && echo Hidden-12345 > f; curl Hidden-12345\n"
            "/kaniko/executor --no-push --label=x=$TOKEN"
        ),
        f"/kaniko/executor --no-push --label=x=ghp_{'a1' * 18}",
        f"/kaniko/executor --no-push --context=git://me:ghp_{'a1' * 18}@github.com/a/b",
    ],
)
def test_written_secrets_are_not_kept(text: str) -> None:
    script = read(text)
    assert script.calls
    kept = repr(script)
    assert "Hidden-12345" not in kept
    assert "a1a1a1" not in kept


def test_an_empty_script_and_one_without_kaniko() -> None:
    assert read("").calls == ()
    script = read("npm ci\nnpm test\ngo build ./...")
    assert script.calls == ()
    assert [note.line for note in script.notes] == [1, 2, 3]
    assert script.notes[0].message == "npm ci is not carried over"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("true\nif [ a ]; then", 6, "`then` must be followed by a statement list"),
        ('echo "x\n', 5, 'reached EOF without closing quote `"`'),
        ("echo ${x", 5, "reached EOF without matching `${` with `}`"),
        ("f() { f; }\nf", 5, "f calls itself"),
        ("x" * 300_000, 5, "longer than 256 KiB"),
        ("a\0b", 5, "characters that no shell reads"),
        ("if a; then " * 300 + "a" + "; fi" * 300, 5, "nested too deeply"),
    ],
    ids=["if", "quote", "brace", "recursion", "long", "zero", "deep"],
)
def test_what_cannot_be_read(text: str, line: int, message: str) -> None:
    with pytest.raises(ShellError) as caught:
        read(text, Given(first_line=5))
    assert message in caught.value.message
    assert caught.value.line == line


def test_arguments_that_others_give_a_script() -> None:
    text = '[ -n "$1" ] || exit 2\nshift\n/kaniko/executor --destination=x/y:$1 --force'
    assert only(read(text, Given(called=True))).line == 3
    assert not read(text).calls


USED = {
    "a config": """printf '{"auths":{"quay.io":{"auth":"%s"}}}' "$A" > /kaniko/.docker/config.json
mkdir -p /kaniko/.docker && chmod 600 /kaniko/.docker/config.json""",
    "a value of a file": 'echo "$A" > tag\nset -- "$@" --label="a=$(cat tag)"',
    "a variable of variables": 'B=$A\nC=${B%x}\nset -- "$@" --label="a=$C"',
    "a function": 'f() { C=$1; }\nf "$A"\nset -- "$@" --label="a=$C"',
    "a key file": 'echo "$K" > /k.json\nexport GOOGLE_APPLICATION_CREDENTIALS=/k.json',
    "a certificate": 'cp ca.pem /k/ca.pem\nset -- "$@" --registry-certificate=a.b=/k/ca.pem',
    "what prints": 'set -eu\necho "building"\nls\nsleep 1\n: done > /dev/null',
    "what is removed": """printf '{"auths":{"quay.io":{"auth":"%s"}}}' "$A" > "$HOME/.docker/config.json"
trap 'rm -f "$HOME/.docker/config.json"' EXIT""",
}
UNUSED = {
    'echo "$A" > dist/version': ['echo "$A" > dist/version'],
    "cat <<E > .npmrc\na=$A\nE": ["cat <<E > .npmrc"],
    "cp -r libs app/libs; touch app/.env": ["cp -r libs app/libs;", "touch app/.env"],
    "mkdir -p out\nchmod +x run.sh": ["mkdir -p out", "chmod +x run.sh"],
    'sed -i "s/a/$A/" Dockerfile': ['sed -i "s/a/$A/" Dockerfile'],
    "B=1\nC=$B": ["B=1", "C=$B"],
    "export MODE=x": ["export MODE=x"],
    "API_TOKEN=abcdefgh1": ["API_TOKEN=***"],
    "rm -rf node_modules": ["rm -rf node_modules"],
    "for i in 1 2; do echo $i; sleep 1; done": ["for i in 1 2; do echo $i; sleep 1; done"],
    "git submodule update --init": ["git submodule update --init"],
    "ulimit -n 1024": ["ulimit -n 1024"],
    "echo $A 2> errors": ["echo $A 2> errors"],
}


@pytest.mark.parametrize("case", USED)
def test_commands_that_have_a_part_in_the_build(case: str) -> None:
    script = read(f'{USED[case]}\n/kaniko/executor --context=. "$@"')
    assert [note.message for note in script.notes if note.rule == "skipped-command"] == []


@pytest.mark.parametrize("text", UNUSED)
def test_commands_that_nothing_is_made_of_are_told(text: str) -> None:
    for whole in (f"{text}\n/kaniko/executor --context=.", f"/kaniko/executor\n{text}"):
        told = [note.message for note in read(whole).notes if note.rule == "skipped-command"]
        assert told == [f"{wanted} is not carried over" for wanted in UNUSED[text]]


def test_more_texts_than_are_followed_are_one_that_a_run_decides() -> None:
    lines = [f'[ "$X{n}" = 1 ] && A="$A --destination=x/y:{n}"' for n in range(16)]
    script = read("\n".join([*lines, "/kaniko/executor --context=. $A --force"]))
    words = shown(only(script).words)
    assert [words[0], words[1][:22], words[-1]] == [
        "--context=.",
        "$(one of many texts (2",
        "--force",
    ]
    assert [(note.rule, note.line) for note in script.notes][:1] == [("too-many-values", 6)]
    assert "unknown-words" in {note.rule for note in script.notes}


def test_more_conditions_than_are_followed_are_one_that_a_run_decides() -> None:
    lines = [f'if [ "$X" = {n} ]; then A=a; fi' for n in range(400)]
    call = 'if [ "$B" ]; then set -- --destination=x/y:1; fi\n/kaniko/executor --context=. "$@"'
    script = read("\n".join([*lines, call]))
    assert shown(only(script).words) == [
        "--context=.",
        "--destination=x/y:1 [one of many conditions]",
    ]
    assert {note.rule for note in script.notes} == {"skipped-command", "too-many-conditions"}


def test_many_conditions_in_a_list() -> None:
    lines = [f'if [ "$X{n}" = 1 ]; then set -- "$@" --destination=x/y:{n}; fi' for n in range(60)]
    call = only(read("\n".join([*lines, '/kaniko/executor "$@"'])))
    assert [told(word.when) for word in call.pushed] == [f"$X{n} = 1" for n in range(60)]


# -- parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_cubes_say_what_a_guard_says(seed: int) -> None:
    guards = Guards()
    choices = random.Random(seed)  # noqa: S311 - a test that can be repeated
    atoms = [guards.atom(number) for number in range(5)]

    def formula(depth: int) -> int:
        if not depth:
            return choices.choice(atoms)
        operator = choices.choice([guards.both, guards.either, guards.minus])
        return operator(formula(depth - 1), formula(depth - 1))

    least = formula(3)
    most = guards.either(least, formula(2))
    covered = NO
    for cube in guards.cubes(least, most):
        whole = YES
        for number, holds in cube:
            atom = guards.atom(number)
            whole = guards.both(whole, atom if holds else guards.negate(atom))
        covered = guards.either(covered, whole)
    assert guards.minus(least, covered) == NO
    assert guards.minus(covered, most) == NO


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (("${:0:8}",), ("short",)),
        (("cut -c 1-8",), ("short",)),
        (("head -c8",), ("short",)),
        (("${:0:7}",), ("first:7",)),
        (("tr -d '\\n'",), ()),
        (("tr '[:upper:]' '[:lower:]'",), ("lower",)),
        (("${##*/}",), ("name",)),
        (("${%/*}", "${,,}"), ("owner", "lower")),
        (("lower", "tr -c a-z0-9 -", "cut -c1-63", "sed 's/^-*//; s/-*$//'"), ("slug",)),
        (("lower", "sed -E 's/[^a-z0-9]+/-/g'"), ("slug-like",)),
        (("${//\\//-}",), ("tag-like",)),
        (("tr / _",), ("tr / _",)),
        (("${#refs/heads/}",), ("${#refs/heads/}",)),
        (("sed -e s/a/b/ -n",), ("sed -e s/a/b/ -n",)),
    ],
)
def test_changes_are_known_by_what_they_do(
    changes: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert finished(simplified(changes)) == expected


@pytest.mark.parametrize(
    ("expression", "globs"),
    [
        ("^(main|master)$", ["main", "master"]),
        ("^release/.*$", ["release/**"]),
        (r"^v\d", None),
        (r"v1\.2", ["**v1.2**"]),
        ("^feature/[^/]+$", ["feature/*"]),
        ("^a+$", None),
    ],
)
def test_regular_expressions_as_globs(expression: str, globs: list[str] | None) -> None:
    assert globs_of(expression) == globs


def test_patterns() -> None:
    assert python_regex("[!a]", extended=True) == "[!a]", "no shell negates there"
    assert portable_glob(r"v\*") is None
    assert portable_glob("a*b") == "a**b"
    assert matches("*[!0-9a-f]*", "xyz")
    assert not matches("*[!0-9a-f]*", SHA)
    assert matches("[[:upper:]]?", "Ab")
    assert matches("[", "[")


def test_contents_of_unknown_files_are_told() -> None:
    assert spell((Contents("$X/a"), Masked("y"))) == "$(cat $X/a)***"


@pytest.mark.parametrize("tells_apart", [True, False])
def test_words_that_were_lost_with_their_conditions_are_not_missing(*, tells_apart: bool) -> None:
    """A long file uses up the budget; what is read after that is no fault of a script."""
    conditions = Conditions()
    if not tells_apart:
        conditions.guards.budget.lower()
    notes: list[str] = []
    words = [Item(YES, ("--context=.",), split=False, line=1)]
    one_word_each(words, conditions, YES, lambda name, *_, line: notes.append(f"{line}: {name}"))
    assert notes == ["1: no-destination"] * tells_apart
