"""Shell scripts as the import reads them: those of others, and their faults."""

from __future__ import annotations

import base64
import random
import subprocess

import pytest

from ci_kaniko import import_files
from ci_kaniko.importing.calls import (
    ALWAYS,
    Contents,
    Masked,
    Var,
    references,
    spell,
)
from ci_kaniko.importing.shell.commands.flags import one_word_each
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES, Budget, Guards
from ci_kaniko.importing.shell.interpreter import Given, ShellError, read
from ci_kaniko.importing.shell.patterns import matches, portable_glob, python_regex
from ci_kaniko.importing.shell.regular import globs_of
from ci_kaniko.importing.shell.transforms import finished, simplified
from ci_kaniko.importing.shell.values import Item
from harness import tools
from harness.readings import CONFIG, logins, only, rules, shown, told

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
            "--destination=x/${GITHUB_REPOSITORY,,}:${GITHUB_SHA:0:8}",
            "--destination=x/${GITHUB_REPOSITORY,,}:latest",
            "--context=x",
            "6",
        ],
    ),
    "an array that bash sets": (
        '[[ $X =~ ^v(.*)$ ]]; /kaniko/executor --label=a="${BASH_REMATCH[1]}"',
        ["--label=a=$(${BASH_REMATCH[1]})"],
    ),
    "two questions of numbers": (
        "D=--label=c\nif ((A)); then D=--label=a; fi\nif ((B)); then D=--label=b; fi\n/kaniko/executor $D",
        [
            "--label=b [((B))]",
            "--label=a [((A)) and not: ((B))]",
            "--label=c [not: ((A)) and not: ((B))]",
        ],
    ),
    "words with keys": (
        """declare -A AT=([a]=one)
AT[b]=two; AT[b]+=/app; AT["c"]=three
[ -n "$X" ] && AT[d]=four
for name in "${!AT[@]}"; do dest+=("--destination=x/$name:1" "--label=$name=${AT[$name]}"); done
/kaniko/executor "${dest[@]}" "${AT[none]}\"""",
        [
            "--destination=x/a:1",
            "--label=a=one",
            "--destination=x/b:1",
            "--label=b=two/app",
            "--destination=x/c:1",
            "--label=c=three",
            "--destination=x/d:1 [$X is set]",
            "--label=d=four [$X is set]",
            "$(${AT[none]})",
        ],
    ),
    "words by their numbers": (
        """A=(x y); B=(1 2)
for i in "${!A[@]}"; do D+=(--destination="${A[i]}/a:${B[$i]}"); done
for ((i = 0; i < 2; i++)); do D+=(--label="${A[i]}"); done
/kaniko/executor "${D[@]}" "${A[-1]}\"""",
        ["--destination=x/a:1", "--destination=y/a:2", "--label=$(${A[i]})", "y"],
    ),
    "words of a list": (
        "IFS=, read -ra T <<< 'a,b'\n/kaniko/executor \"${T[@]/#/--destination=x/y:}\"",
        ["--destination=x/y:a", "--destination=x/y:b"],
    ),
    "lines of a list, and a variable by the name of one": (
        """printf -v A '%s:%s' x/y 1; declare -n B=A; mapfile -t T < <(printf '%s\\n' c d)
/kaniko/executor --destination="$B" "${T[@]/#/--destination=x/y:}\"""",
        ["--destination=x/y:1", "--destination=x/y:c", "--destination=x/y:d"],
    ),
    "lines that a loop reads": (
        """printf 'b 2\\nc 3\\n' > list
while read -r n t; do D="$D --destination=x/$n:$t"; done <<E
a 1
E
while read -r n t; do D="$D --destination=x/$n:$t"; done < list
/kaniko/executor $D""",
        ["$D", "--destination=x/a:1", "--destination=x/b:2", "--destination=x/c:3"],
    ),
    "what takes the place of a command that fails": (
        """A=$(git rev-parse --short HEAD || echo none); B=$(git describe --tags || echo none)
/kaniko/executor --destination="x/y:$A" --destination="x/y:$B\"""",
        [
            "--destination=x/y:${commit.sha|first:7}",
            "--destination=x/y:$(git describe --tags) [git describe --tags]",
            "--destination=x/y:none [not: git describe --tags]",
        ],
    ),
    "an arm that goes on with the next": (
        """case $A in a) T=1 ;& b) T=2 ;; *) T=3 ;; esac
/kaniko/executor --destination="x/y:$T\"""",
        [
            "--destination=x/y:2 [$A = a or $A = b]",
            "--destination=x/y:3 [not: $A = a and not: $A = b]",
        ],
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
                "--destination=x/y:${CI_COMMIT_REF_NAME#release/} "
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
            "--destination=x/y:${GITHUB_REF#refs/tags/} [${tag} like v**]",
            "--destination=x/y:latest [${branch} = main]",
            "--no-push [not: ${tag} like v** and not: ${branch} = main]",
        ],
    ),
    "times and commits": (
        """/kaniko/executor --label=t=$(date -u +%Y-%m-%dT%H:%M:%SZ) --label=d=$(date +%F) \\
  --label=c=$(git rev-parse HEAD) --label=s=$(git rev-parse --short=8 HEAD) \\
  --label=l=$(git log -n 1 --pretty=format:'%h') --label=w=$(git show -s --format=%H HEAD) \\
  --label=v="$(cat VERSION)" """,
        [
            "--label=t=${build.timestamp}",
            "--label=d=$(date +%F)",
            "--label=c=${commit.sha}",
            "--label=s=${commit.sha|short}",
            "--label=l=${commit.sha|first:7}",
            "--label=w=${commit.sha}",
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
        '/kaniko/executor --no-push --context="git://<your-repo>"',
        [("placeholder", 1)],
        ["--no-push", "--context=git://<your-repo>"],
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
    "echo $A | xargs -n 1 cosign sign": ["printf %s '$A' | xargs -n 1 cosign sign"],
    "echo $A 2> errors": ["echo $A 2> errors"],
    "make all > /dev/null 2>&1": ["make all > /dev/null 2>&1"],
    "make all | grep -v x": ["make all | grep -v x"],
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


@pytest.mark.parametrize(
    ("before", "sets"),
    {
        "": False,
        "set -u": False,
        "read -r release < VERSION": True,
        ': "${release:?say which one}"': True,
        ': "${release?}"': True,
    }.items(),
)
def test_a_variable_of_ones_own_that_nothing_sets_is_told(before: str, sets: bool) -> None:  # noqa: FBT001
    script = read(f'{before}\n/kaniko/executor --destination "quay.io/a/b:$release"')
    assert ("unset-variable" in rules(script)) != sets


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
        (("sed 's/build image //'",), ("sed 's/build image //'",)),
        (("sed -E 's/^build-[0-9]{3}-//'",), ("sed -E 's/^build-[0-9]{3}-//'",)),
        (("${#build-*-}",), ("${#build-*-}",)),
        (("sed 's/ *$//'", "${%[[:space:]]}"), ()),
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
    assert not matches("*[!0-9a-f]*", "0123456789abcdef")
    assert matches("[[:upper:]]?", "Ab")
    assert matches("[", "[")


def test_contents_of_unknown_files_are_told() -> None:
    assert spell((Contents("$X/a"), Masked("y"))) == "$(cat $X/a)***"


@pytest.mark.parametrize("tells_apart", [True, False])
def test_words_that_were_lost_with_their_conditions_are_not_missing(*, tells_apart: bool) -> None:
    """A long file uses up the budget; what is read after that is no fault of a script."""
    conditions = Conditions(Budget())
    if not tells_apart:
        conditions.guards.budget.lower()
    notes: list[str] = []
    words = [Item(YES, ("--context=.",), split=False, line=1)]
    one_word_each(words, conditions, YES, lambda name, *_, line: notes.append(f"{line}: {name}"))
    assert notes == ["1: no-destination"] * tells_apart


HASHES = (
    "$B#c",
    "${B}#c",
    '"$B"#c',
    "'b'#c",
    "$(echo $B#c)#d",
    '"$(echo $B#c)"#d',
    "b#c",
    "b#$B#c",
)


@pytest.mark.parametrize(
    "form", ["{}", "({})", "( {{ {}\n}} )", 'eval "({})"', "if true; then ({}) fi"]
)
def test_a_hash_within_a_word_begins_no_comment(form: str) -> None:
    words = [word for word in HASHES if "eval" not in form or word[0] not in "\"'$"]
    labels = " ".join(f"--label l{number}={word}" for number, word in enumerate(words))
    script = "B=b\n" + form.format(f"/kaniko/executor {labels} --destination x/y:1 # --no-push\n")
    done = subprocess.run(
        [
            *tools.shell(),
            "-c",
            f"executor() {{ printf '%s\\n' \"$@\"; }}\n{script.replace('/kaniko/', '')}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    passed = done.stdout.split("\n")[1::2][: len(words)]
    found = import_files([("a.sh", script)])
    assert [f"{key}={value}" for key, value in found.spec.labels.items()] == passed
    assert found.spec.destinations
