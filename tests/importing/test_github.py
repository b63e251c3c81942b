"""GitHub's workflows: what steps hand on, and what other people's actions are documented to do."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import yaml

from ci_kaniko import SpecError, import_files
from ci_kaniko.importing.readers.github.catalogue import known_actions
from ci_kaniko.importing.report import report_text
from ci_kaniko.rehearsing import yaml11

_EXECUTOR = "ghcr.io/osscontainertools/kaniko:v1.28.3"
_RUN = f'docker run --rm -v "$PWD:/workspace" {_EXECUTOR} --context=dir:///workspace'
_LOGIN = {
    "uses": "docker/login-action@v3",
    "with": {"registry": "ghcr.io", "username": "acme", "password": "${{ secrets.TOKEN }}"},
}


class Case(NamedTuple):
    """Steps, what starts them, the keys of the spec that are asked, and the rules of the report."""

    steps: list[dict[str, Any]]
    spec: dict[str, Any]
    left: set[str] = set()  # noqa: RUF012 - never changed
    on: Any = {"push": {"branches": ["main"]}}  # noqa: RUF012 - never changed
    job: dict[str, Any] = {}  # noqa: RUF012 - never changed


def _imported(case: Case) -> tuple[dict[str, Any], set[str]]:
    job = {
        "runs-on": "ubuntu-24.04",
        "timeout-minutes": 60,
        "permissions": {"contents": "read"},
        **case.job,
        "steps": [{"uses": "actions/checkout@v4"}, _LOGIN, *case.steps],
    }
    text = yaml.safe_dump({"on": case.on, "jobs": {"image": job}}, sort_keys=False)
    made = import_files([("w.yml", text)], "github")
    return yaml11.load(made.spec_text), {
        entry.rule for entry in made.report if entry.kind == "left"
    }


def _aevea(**given: str) -> dict[str, Any]:
    login = {"username": "acme", "password": "${{ secrets.TOKEN }}"}
    return {"uses": "aevea/action-kaniko@v0.14.0", "with": {**login, **given}}


def _int128(**given: str) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in given.items()}
    return {"uses": "int128/kaniko-action@v1.4.0", "with": {"push": "true", **named}}


def _built(**given: str) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in given.items()}
    return {"uses": "docker/build-push-action@v6", "with": {"push": "true", **named}}


def _metadata(**given: str) -> list[dict[str, Any]]:
    step = {"id": "meta", "uses": "docker/metadata-action@v5", "with": given}
    return [step, _int128(tags="${{ steps.meta.outputs.tags }}")]


_EVERY = {
    "push": {"branches": ["main", "dev"], "tags": ["v*"]},
    "schedule": [{"cron": "0 1 * * *"}],
}
_ROOT = "${{ github.ref == 'refs/heads/main' && 'root' || format('r-{0},', github.sha) }}"
_WEB = "ghcr.io/acme/web"
_OTHER = "github.com/acme/b.git"
CASES = {
    # -- what a step hands on --
    "a variable under a condition": Case(
        [
            {"run": 'echo "TAG=dev" >> $GITHUB_ENV'},
            {"if": "github.ref == 'refs/heads/main'", "run": 'echo "TAG=main" >> $GITHUB_ENV'},
            {"run": f"{_RUN} --destination={_WEB}:$TAG"},
        ],
        {
            "destinations": [
                {"image": f"{_WEB}:main", "when": {"branch": "main"}},
                {"image": f"{_WEB}:dev", "when": {"branch": ["**", "!main"]}},
            ]
        },
        on={"push": {"branches": ["*"]}},
    ),
    "an output with several lines": Case(
        [
            {
                "id": "tags",
                "run": 'echo "all<<X" >> $GITHUB_OUTPUT\n'
                f'echo "{_WEB}:a" >> $GITHUB_OUTPUT\necho "{_WEB}:b" >> $GITHUB_OUTPUT\n'
                'echo "X" >> $GITHUB_OUTPUT',
            },
            _int128(tags="${{ steps.tags.outputs.all }}"),
        ],
        {"destinations": [f"{_WEB}:a", f"{_WEB}:b"]},
    ),
    "a ref that ends in the name of the default branch": Case(
        [_int128(tags=f"{_WEB}:1")],
        {"triggers": {"branches": ["main"]}, "destinations": [f"{_WEB}:1"]},
        {"unknown-trigger", "default-branch"},
        on={"push": {"branches": ["**"]}},
        job={"if": "endsWith(github.ref, github.event.repository.default_branch)"},
    ),
    "a condition that no spec has": Case(
        [
            {"id": "v", "uses": "acme/next@v1"},
            {"if": "steps.v.outputs.new == 'true'", **_aevea(image="acme/a", tag="1")},
        ],
        {"push": "never"},
        {"earlier-step", "unknown-condition"},
    ),
    "always": Case(
        [{"run": f"{_RUN} --destination={_WEB}:1"}],
        {"destinations": [f"{_WEB}:1"], "triggers": {"branches": ["main"]}},
        job={"if": "always() && !failure() && !cancelled()"},
    ),
    "a working directory": Case(
        [
            {
                "working-directory": "services/api",
                "run": f'docker run -v "$(pwd)":/workspace {_EXECUTOR} '
                f"--context=/workspace --destination={_WEB}:1",
            }
        ],
        {"context": "services/api"},
    ),
    "what nobody reads": Case(
        [
            {"id": "n", "run": "echo 'a=b' >> $GITHUB_OUTPUT"},
            {"run": f"{_RUN} --destination={_WEB}:1", "continue-on-error": True},
            {"if": "failure()", "run": "curl example.com"},
            {"uses": "actions/upload-artifact@v4", "with": {"path": "x"}},
        ],
        {"destinations": [f"{_WEB}:1"]},
        {"step-output", "not-carried", "other-step", "later-step"},
    ),
    "outputs that keep a secret away": Case(
        [
            {"id": "n", "run": "echo 'a=b' >> $GITHUB_OUTPUT"},
            {
                "env": {"KEY": "${{ !(steps.n.outputs.a != 'b') && secrets.KEY || '' }}"},
                "run": 'docker login quay.io -u bot -p "$KEY"\n'
                + _RUN.replace("--rm", '-v "$HOME/.docker:/kaniko/.docker"')
                + " --destination=quay.io/acme/web:1",
            },
        ],
        {
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "quay.io": {"username": "bot", "password": "KEY"},
            }
        },
    ),
    "scripts that are too long to be followed": Case(
        [{"run": "make all of it\n" * 3000}, {"run": f"{_RUN} --destination={_WEB}:1"}],
        {"destinations": [f"{_WEB}:1"]},
        {"long-script"},
    ),
    # -- aevea/action-kaniko --
    "variables that no shell replaces are meant as such": Case(
        [
            {**_aevea(image="acme/a", tag="$TAG"), "env": {"TAG": "v1"}},
            _int128(tags=f"{_WEB}:${{GITHUB_SHA}}"),
        ],
        {"destinations": ["acme/a:v1", f"{_WEB}:${{commit.sha}}"]},
    ),
    "aevea: latest on master, the repository's path, the cache": Case(
        [_aevea(registry="ghcr.io", image="web", cache="true", cache_registry="cache")],
        {
            "destinations": [
                {"image": "ghcr.io/${repository.path}/web:latest", "when": {"branch": "master"}},
                {
                    "image": "ghcr.io/${repository.path}/web:${ref.tag}",
                    "when": {"branch": ["**", "!master"]},
                },
            ],
            "cache": {"repo": "ghcr.io/${repository.path}/cache"},
        },
        on={"push": {"branches": ["master", "feature/*"]}},
    ),
    "aevea: path, file, arguments, a comma in format()": Case(
        [
            _aevea(
                path="app",
                build_file="docker/Dockerfile",
                tag=_ROOT,
                image="acme/app",
                tag_with_latest="true",
                extra_args="--build-arg=A=1 --label=b=2",
            )
        ],
        {
            "context": "app",
            "dockerfile": "docker/Dockerfile",
            "build_args": {"A": "1"},
            "labels": {"b": "2"},
            "destinations": ["acme/app:root", "acme/app:latest"],
        },
    ),
    # -- int128/kaniko-action --
    "int128: every input": Case(
        [
            _int128(
                executor=_EXECUTOR,
                context="./src",
                file="./src/docker/Dockerfile",
                build_args="A=1\nB=2",
                labels="c=3",
                tags=f"{_WEB}:1\n{_WEB}:2",
                target="prod",
                cache="true",
                cache_repository=f"{_WEB}/cache",
                cache_ttl="24h",
                push_retry="3",
                registry_mirror="mirror.example.com",
                kaniko_args="--use-new-run\n--skip-unused-stages=true",
            )
        ],
        {
            "context": "src",
            "dockerfile": "docker/Dockerfile",
            "build_args": {"A": "1", "B": "2"},
            "labels": {"c": "3"},
            "destinations": [f"{_WEB}:1", f"{_WEB}:2"],
            "target": "prod",
            "cache": {"repo": f"{_WEB}/cache", "ttl": "24h"},
            "options": {
                "push_retry": 3,
                "registry_mirror": ["mirror.example.com"],
                "skip_unused_stages": True,
                "use_new_run": True,
            },
        },
    ),
    "int128: the digest is asked for": Case(
        [
            {"id": "k", **_int128(tags=f"{_WEB}:1")},
            {"run": "echo ${{ steps.k.outputs.digest }}"},
        ],
        {"destinations": [f"{_WEB}:1"], "digest": True},
    ),
    "int128: nothing is pushed without push": Case(
        [_int128(tags=f"{_WEB}:1", push="false")], {"push": "never"}, {"never-pushed"}
    ),
    # -- docker/metadata-action --
    "metadata: its defaults": Case(
        _metadata(images=f"{_WEB}\n"),
        {
            "destinations": [
                {"image": f"{_WEB}:nightly", "when": "schedule"},
                f"{_WEB}:${{ref.tag}}",
                {"image": f"{_WEB}:latest", "when": {"tag": "**"}},
            ]
        },
        on=_EVERY,
    ),
    "metadata: only what the triggers let happen": Case(
        _metadata(images=f"{_WEB},quay.io/acme/web"),
        {"destinations": [f"{_WEB}:${{ref.tag}}", "quay.io/acme/web:${ref.tag}"]},
        {"missing-login"},
    ),
    "metadata: raw, sha, edge, enable, prefixes, latest": Case(
        _metadata(
            images=_WEB,
            flavor="latest=false\nsuffix=-x",
            tags="type=raw,value=stable,enable={{is_default_branch}}\ntype=sha,format=long,prefix=\n"
            "type=edge,branch=dev\nplain\ntype=raw,value=off,enable=false\n"
            "type=raw,value=ci,enable=${{ github.ref == 'refs/heads/dev' }}",
        ),
        {
            "destinations": [
                {"image": f"{_WEB}:edge-x", "when": {"branch": "dev"}},
                {"image": f"{_WEB}:stable-x", "when": "default-branch"},
                f"{_WEB}:plain-x",
                {"image": f"{_WEB}:ci-x", "when": {"branch": "dev"}},
                f"{_WEB}:${{commit.sha}}-x",
            ]
        },
        on=_EVERY,
    ),
    "metadata: versions": Case(
        _metadata(
            images=_WEB,
            tags="# each\ntype=semver,pattern={{major}}.{{minor}}.{{patch}}\n"
            "type=semver,pattern={{ major }}.{{ minor }}\n"
            "type=semver,pattern={{major}}\ntype=raw,value=latest,enable={{is_default_branch}}\n"
            "type=raw,value=stable,enable=${{ startsWith(github.ref, 'refs/tags') }}",
        ),
        {
            "destinations": [
                {"image": f"{_WEB}:${{version}}", "when": "version"},
                {"image": f"{_WEB}:${{version.minor}}", "when": "release"},
                {"image": f"{_WEB}:${{version.major}}", "when": "release"},
                {"image": f"{_WEB}:latest", "when": ["default-branch", "release"]},
                {"image": f"{_WEB}:stable", "when": {"tag": "**"}},
            ]
        },
        on=_EVERY,
    ),
    "metadata: versions with affixes, without latest": Case(
        _metadata(
            images=_WEB,
            flavor="latest=false\nsuffix=-x",
            tags="type=semver,pattern={{version}},prefix=v\ntype=semver,pattern={{raw}}",
        ),
        {
            "destinations": [
                {"image": f"{_WEB}:v${{version}}-x", "when": "version"},
                {"image": f"{_WEB}:${{ref.tag}}-x", "when": "version"},
            ]
        },
        on={"push": {"tags": ["v*"]}},
    ),
    "metadata: a pre-release has a tag that no condition is for": Case(
        _metadata(images=_WEB, tags="type=semver,pattern=v{{major}}"),
        {
            "destinations": [
                {"image": f"{_WEB}:v${{version.major}}", "when": "release"},
                {"image": f"{_WEB}:latest", "when": "release"},
            ]
        },
        {"unknown-condition"},
        on={"push": {"tags": ["v*"]}},
    ),
    "metadata: some releases only, for which no condition is": Case(
        _metadata(
            images=_WEB,
            flavor="latest=false",
            tags="type=semver,pattern={{version}}\ntype=semver,pattern={{major}},"
            "enable=${{ !startsWith(github.ref, 'refs/tags/v0.') }}",
        ),
        {"destinations": [{"image": f"{_WEB}:${{version}}", "when": "version"}]},
        {"unknown-condition"},
        on={"push": {"tags": ["v*"]}},
    ),
    "metadata: other versions are told": Case(
        _metadata(
            images=_WEB,
            tags="type=semver,pattern={{patch}}\ntype=match,pattern=v(.*)\n"
            "type=pep440,pattern={{version}}\ntype=semver,pattern={{version}},value=${{ vars.V }}",
        ),
        {"push": "never"},
        {"metadata-action"},
        on={"push": {"tags": ["v*"]}},
    ),
    "metadata: versions that stand there are of any run": Case(
        _metadata(
            images=_WEB,
            tags="type=semver,pattern=v{{major}},value=v1.2.3\n"
            "type=semver,pattern={{major}},value=2.0.0-rc.1",
        ),
        {"destinations": [f"{_WEB}:v1", f"{_WEB}:2.0.0-rc.1", f"{_WEB}:latest"]},
    ),
    "a called workflow pushes where its job asks for it": Case(
        [_built(tags="ghcr.io/acme/a:1")],
        {"destinations": ["ghcr.io/acme/a:1"], "triggers": {"tags": ["v**"]}},
        set(),
        on={"workflow_call": None},
        job={"if": "contains(github.ref, 'refs/tags/v')"},
    ),
    "a called workflow pushes nothing where nobody can tell": Case(
        [_built(tags="ghcr.io/acme/a:1")],
        {"push": "never"},
        {"unknown-trigger"},
        on={"workflow_call": None},
        job={"if": "endsWith(github.ref, vars.END)"},
    ),
    "an input whose default has several lines": Case(
        _metadata(images=_WEB, tags="${{ inputs.rows }}"),
        {"destinations": [f"{_WEB}:a", f"{_WEB}:b"], "inputs": None},
        {"called", "input"},
        on={"workflow_call": {"inputs": {"rows": {"type": "string", "default": "a\nb"}}}},
    ),
    "what inputs name, and what an expression gives them": Case(
        [
            {
                "uses": "docker/login-action@v3",
                "with": {
                    "registry": "${{ inputs.registry-host }}",
                    "username": "acme",
                    "password": "${{ secrets.OTHER }}",
                },
            },
            _built(tags="${{ inputs.registry-host }}/acme/${{ inputs.name }}:1"),
        ],
        {
            "destinations": ["${input.registry_host}/acme/${repository.name}:1"],
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "${input.registry_host}": {"username": "acme", "password": "OTHER"},
            },
        },
        {"called", "input"},
        on={
            "workflow_call": {
                "inputs": {
                    "registry-host": {"type": "string", "required": True},
                    "name": {
                        "type": "string",
                        "default": "${{ github.event.repository.name }}",
                    },
                }
            }
        },
    ),
    "names that other forges have for what GitHub has": Case(
        [
            {
                "uses": "docker/login-action@v3",
                "with": {
                    "registry": "git.example.com",
                    "username": "bot",
                    "password": "${{ gitea.token }}",
                },
            },
            _built(tags="git.example.com/${{ gitea.repository }}:${{ forgejo.sha }}"),
        ],
        {
            "destinations": ["git.example.com/${repository.path}:${commit.sha}"],
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "git.example.com": {
                    "username": "bot",
                    "password": "GIT_EXAMPLE_COM_PASSWORD",
                },
            },
        },
        {"secret-name"},
        on="push",
        job={"if": "gitea.ref == 'refs/heads/main'"},
    ),
    "a value of a matrix that only a run can tell": Case(
        [_built(tags="ghcr.io/acme/${{ matrix.image }}:1", context="${{ matrix.image }}")],
        {"push": "never"},
        {"unknown-context", "not-portable"},
        job={"strategy": {"matrix": {"image": "${{ fromJSON(vars.IMAGES) }}"}}},
    ),
    "aevea: a prefix before versions": Case(
        [
            _aevea(
                registry="quay.io", image="acme/a", strip_tag_prefix="a/v", tag_with_latest="true"
            )
        ],
        {
            "tag_prefix": "a/",
            "destinations": [
                {"image": "quay.io/acme/a:${version}", "when": "version"},
                "quay.io/acme/a:latest",
            ],
        },
        {"strip-tag-prefix"},
        on={"push": {"tags": ["a/v*"]}},
    ),
    "metadata: more tags than are followed": Case(
        _metadata(
            images="\n".join(f"{_WEB}{number}" for number in range(60)),
            tags="\n".join(f"type=raw,value=t{number}" for number in range(60)),
        ),
        {"push": "never"},
        {"metadata-action"},
    ),
    "metadata: labels": Case(
        [
            {
                "id": "meta",
                "uses": "docker/metadata-action@v5",
                "with": {
                    "images": _WEB,
                    "labels": "org.opencontainers.image.title=Web\nvendor=Acme",
                },
            },
            _int128(tags=f"{_WEB}:1", labels="${{ steps.meta.outputs.labels }}"),
        ],
        {
            "labels": {
                "org.opencontainers.image.created": "${build.timestamp}",
                "org.opencontainers.image.revision": "${commit.sha}",
                "org.opencontainers.image.source": "${repository.url}",
                "org.opencontainers.image.url": "${repository.url}",
                "org.opencontainers.image.title": "Web",
                "vendor": "Acme",
            }
        },
        {"metadata-action"},
    ),
    # -- the others --
    "the registry of ECR": Case(
        [
            {
                "uses": "aws-actions/configure-aws-credentials@v4",
                "with": {
                    "role-to-assume": "arn:aws:iam::210987654321:role/p",
                    "aws-region": "eu-west-1",
                },
            },
            {"id": "ecr", "uses": "aws-actions/amazon-ecr-login@v2"},
            _int128(tags="${{ steps.ecr.outputs.registry }}/web:1"),
        ],
        {
            "destinations": ["210987654321.dkr.ecr.eu-west-1.amazonaws.com/web:1"],
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "210987654321.dkr.ecr.eu-west-1.amazonaws.com": {
                    "aws": {"role": "arn:aws:iam::210987654321:role/p"}
                },
            },
        },
    ),
    "the registry of whoever is logged in to ECR": Case(
        [
            {
                "uses": "aws-actions/configure-aws-credentials@v4",
                "with": {
                    "aws-access-key-id": "${{ secrets.KEY_ID }}",
                    "aws-secret-access-key": "${{ secrets.KEY }}",
                    "aws-region": "${{ vars.REGION }}",
                },
            },
            {"id": "ecr", "uses": "aws-actions/amazon-ecr-login@v2"},
            _int128(tags="${{ steps.ecr.outputs.registry }}/web:1"),
        ],
        {
            "destinations": [
                "${env.AWS_ACCOUNT_ID}.dkr.ecr.${env.REGION}.amazonaws.com/web:1",
            ],
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "${env.AWS_ACCOUNT_ID}.dkr.ecr.${env.REGION}.amazonaws.com": {
                    "aws": {"access_key_id": "KEY_ID", "secret_access_key": "KEY"}
                },
            },
        },
        {"run-time-variable"},
    ),
    "a checkout of something else": Case(
        [
            {
                "uses": "actions/checkout@v4",
                "with": {
                    "repository": "acme/b",
                    "ref": "v2",
                    "submodules": "true",
                    "lfs": "true",
                    "fetch-depth": "5",
                    "clean": "false",
                    "sparse-checkout": "a",
                },
            },
            {"run": f"{_RUN} --destination={_WEB}:1"},
        ],
        {"context": "git://github.com/acme/b.git#refs/tags/v2"},
        {"other-repository", "not-carried"},
    ),
    "a variable of another step": Case(
        [
            {"run": "make lint", "env": {"GIT_PASSWORD": "${{ secrets.OTHER }}"}},
            {"run": f"docker run {_EXECUTOR} --context=git://{_OTHER} --destination={_WEB}:1"},
        ],
        {"context": f"git://{_OTHER}", "git": None},
        {"skipped-command", "unused-variable"},
    ),
    "clouds that only secrets name, and a key that the first setup-gcloud takes": Case(
        [
            {
                "uses": "azure/login@v2",
                "with": {"client-id": "${{ secrets.ID }}", "tenant-id": "${{ secrets.TENANT }}"},
            },
            {
                "uses": "google-github-actions/auth@v2",
                "with": {
                    "workload_identity_provider": "${{ vars.PROVIDER }}",
                    "service_account": "${{ secrets.ACCOUNT }}",
                },
            },
            {
                "uses": "google-github-actions/auth@v2",
                "with": {"workload_identity_provider": "projects/1/x/providers/github"},
            },
            {
                "uses": "google-github-actions/setup-gcloud@v0",
                "with": {"service_account_key": "${{ secrets.KEY }}", "project_id": "acme"},
            },
            _int128(tags="europe-docker.pkg.dev/acme/web:1\nacme.azurecr.io/web:1"),
        ],
        {
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "europe-docker.pkg.dev": {"google": {"key_file": "KEY"}},
                "acme.azurecr.io": {"azure": "ambient"},
            },
        },
        {"role", "not-carried"},
    ),
    "a variable of the executor": Case(
        [{"run": f"docker run -e GODEBUG=a=0 {_RUN[11:]} --destination={_WEB}:1"}],
        {"env": {"GODEBUG": "a=0"}},
    ),
    "other builders and what kaniko does not need": Case(
        [
            {"uses": "docker/setup-buildx-action@v3"},
            {"uses": "docker/bake-action@v6", "with": {"push": "true"}},
            {"run": f"{_RUN} --destination={_WEB}:1"},
        ],
        {"destinations": [f"{_WEB}:1"]},
        {"other-builder"},
    ),
    # -- docker/build-push-action --
    "a build on a daemon": Case(
        [
            {"uses": "docker/setup-buildx-action@v3"},
            _built(
                context="./app",
                file="docker/Dockerfile",
                tags=f"{_WEB}:1,{_WEB}:${{{{ github.ref_name }}}}\n{_WEB}:${{{{ github.sha }}}}",
                target="app",
                platforms="linux/arm64",
                no_cache="true",
                provenance="false",
                secrets="npm=${{ secrets.NPM_TOKEN }}\nother=x",
                **{
                    "build-args": "A=1\nB=${{ github.event_name }}",
                    "labels": "org.example.a=b",
                    "cache-from": f"type=registry,ref={_WEB}/cache",
                    "cache-to": "type=gha,mode=max",
                    "github-token": "${{ github.token }}",
                    "shm-size": "1g",
                },
            ),
        ],
        {
            "context": "app",
            "dockerfile": "../docker/Dockerfile",
            "target": "app",
            "build_args": {"A": "1"},
            "labels": {"org.example.a": "b"},
            "destinations": [f"{_WEB}:1", f"{_WEB}:${{ref.tag}}", f"{_WEB}:${{commit.sha}}"],
            "cache": {"repo": f"{_WEB}/cache"},
            "build_secrets": {"npm": "NPM_TOKEN"},
            "options": {"custom_platform": "linux/arm64"},
        },
        {"builder-flag", "literal-secret", "not-portable"},
    ),
    "a build that requests do not push": Case(
        [_built(push="${{ github.event_name != 'pull_request' }}", tags=f"{_WEB}:1")],
        {"destinations": [f"{_WEB}:1"], "push": None},
        on=["push", "pull_request"],
    ),
    "a build that only looks": Case(
        [_built(push="false", load="true", tags="app:test", context="{{defaultContext}}:app")],
        {"push": "never", "context": "app"},
        {"never-pushed"},
    ),
    "a build for two platforms": Case(
        [_built(tags=f"{_WEB}:1", platforms="linux/amd64, linux/arm64")],
        {"destinations": [f"{_WEB}:1"], "platforms": ["linux/amd64", "linux/arm64"]},
    ),
    "a build of another repository": Case(
        [_built(tags=f"{_WEB}:1", context="https://github.com/acme/web.git#main:app")],
        {"context": "git://github.com/acme/web.git#refs/heads/main", "context_sub_path": "app"},
    ),
    "a build whose tags docker/metadata-action makes": Case(
        [
            {
                "id": "meta",
                "uses": "docker/metadata-action@v5",
                "with": {"images": _WEB, "tags": "type=sha,prefix={{branch}}-,format=long"},
            },
            {**_built(tags="${{ steps.meta.outputs.tags }}"), "id": "image"},
            {"run": "echo ${{ steps.image.outputs.digest }}"},
        ],
        {
            "destinations": [
                {"image": f"{_WEB}:${{ref.tag}}-${{commit.sha}}", "when": {"branch": "**"}},
            ],
            "digest": True,
        },
        on={"push": {"branches": ["main"], "tags": ["v*"]}},
    ),
    "Buildah builds and pushes by actions": Case(
        [
            {
                "id": "image",
                "uses": "redhat-actions/buildah-build@v2",
                "with": {
                    "image": "web",
                    "tags": "1 ${{ github.sha }}",
                    "archs": "amd64, arm64",
                    "containerfiles": "./web/Containerfile",
                    "context": "web",
                    "extra-args": "--target runtime",
                    "buildah-image": "quay.io/acme/buildah",
                },
            },
            {
                "if": "github.event_name == 'push'",
                "uses": "redhat-actions/push-to-registry@v2",
                "with": {
                    "image": "${{ steps.image.outputs.image }}",
                    "tags": "${{ steps.image.outputs.tags }}",
                    "registry": "quay.io/${{ github.repository_owner }}",
                    "username": "bot",
                    "password": "${{ secrets.QUAY_TOKEN }}",
                },
            },
            {
                "uses": "redhat-actions/buildah-build@v2",
                "with": {"image": "other", "base-image": "alpine:3.20", "content": "dist"},
            },
        ],
        {
            "builder": "buildah",
            "context": "web",
            "dockerfile": "Containerfile",
            "target": "runtime",
            "platforms": ["linux/amd64", "linux/arm64"],
            "destinations": [
                "quay.io/${repository.owner}/web:1",
                "quay.io/${repository.owner}/web:${commit.sha}",
            ],
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "quay.io": {"username": "bot", "password": "QUAY_TOKEN"},
            },
            "push": None,
        },
        {"builder-flag", "other-builder"},
    ),
    "a builder's platform by its whole name, and an action that nobody brings": Case(
        [
            {"uses": "./.github/actions/tests"},
            {
                "env": {"DEPLOY_TOKEN": "${{ secrets.DEPLOY }}"},
                "run": "buildah build -t quay.io/acme/a:1 . && buildah push quay.io/acme/a:1",
            },
            {
                "uses": "redhat-actions/buildah-build@v2",
                "with": {
                    "image": "web",
                    "archs": "linux/amd64,arm64",
                    "containerfiles": "Dockerfile",
                },
            },
        ],
        {
            "images": {
                "a": {"destinations": ["quay.io/acme/a:1"], "options": {"image_format": "oci"}},
                "image": {"push": "never", "platforms": ["linux/amd64", "linux/arm64"]},
            },
        },
        {"reusable-workflow", "earlier-step", "missing-login", "unused-variable", "never-pushed"},
    ),
    "the first docker/build-push-action puts names together, logs in and pushes": Case(
        [
            {
                "uses": "docker/build-push-action@v1.1.2",
                "with": {
                    "registry": "quay.io",
                    "username": "bot",
                    "password": "${{ secrets.QUAY_TOKEN || secrets.OLD_TOKEN }}",
                    "repository": "acme/shop",
                    "tags": "edge, ${{ github.sha }}",
                    "tag_with_ref": "true",
                    "tag_with_sha": "${{ github.ref == 'refs/heads/master' }}",
                    "path": "shop",
                    "dockerfile": "shop/docker/Dockerfile",
                    "build_args": "A=1,B=2",
                    "add_git_labels": "true",
                },
            },
            {
                "uses": "docker/build-push-action@v1",
                "with": {"repository": "acme/shop", "path": "shop", "push": "false"},
            },
        ],
        {
            "images": {
                "shop": {
                    "dockerfile": "docker/Dockerfile",
                    "build_args": {"A": "1", "B": "2"},
                    "labels": {
                        "org.opencontainers.image.created": "${build.timestamp}",
                        "org.opencontainers.image.revision": "${commit.sha}",
                        "org.opencontainers.image.source": "${repository.url}",
                    },
                    "destinations": [
                        "quay.io/acme/shop:edge",
                        "quay.io/acme/shop:${commit.sha}",
                        {"image": "quay.io/acme/shop:latest", "when": {"branch": "master"}},
                        {
                            "image": "quay.io/acme/shop:${ref.tag}",
                            "when": [{"branch": ["**", "!master"]}, {"tag": "**"}],
                        },
                        {
                            "image": "quay.io/acme/shop:sha-${commit.short}",
                            "when": {"branch": "master"},
                        },
                    ],
                },
                "image": {"push": "never"},
            },
            "context": "shop",
            "registries": {
                "ghcr.io": {"username": "acme", "password": "TOKEN"},
                "quay.io": {"username": "bot", "password": "QUAY_TOKEN"},
            },
        },
        {"second-login"},
        on={"push": {"branches": ["master", "dev/*"], "tags": ["v*"]}},
    ),
    "what each way to start a run asks is asked of any": Case(
        [
            {
                "id": "meta",
                "uses": "https://code.forge.example/docker/metadata-action@v5",
                "with": {
                    "images": _WEB,
                    "tags": "type=ref,event=branch\ntype=semver,pattern={{version}}\ntype=sha\n"
                    "type=raw,value=next,enable={{is_default_branch}}",
                },
            },
            _built(tags="${{ steps.meta.outputs.tags }}"),
        ],
        {
            "destinations": [
                {"image": f"{_WEB}:${{version}}", "when": "version"},
                {"image": f"{_WEB}:${{ref.tag}}", "when": {"branch": "**"}},
                {"image": f"{_WEB}:next", "when": "default-branch"},
                {
                    "image": f"{_WEB}:sha-${{commit.short}}",
                    "when": ["manual", {"branch": "main"}, "version"],
                },
                {"image": f"{_WEB}:latest", "when": "release"},
            ],
            "triggers": {"branches": ["main"], "tags": ["**", "!v*"], "manual": True},
            "push": None,
        },
        {"version-tags"},
        on={
            "push": {"branches": ["main"], "tags": ["[0-9]+.[0-9]+.[0-9]+*"]},
            "workflow_dispatch": None,
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_steps_are_read_as_they_run(name: str) -> None:
    case = CASES[name]
    spec, left = _imported(case)
    assert {key: spec.get(key) for key in case.spec} == case.spec
    assert left == case.left


@pytest.mark.parametrize(
    "uses",
    [
        "docker://ghcr.io/acme/action-kaniko:latest",
        "acme/kaniko-build@v1",
        "acme/build@v2",
    ],
)
def test_a_wrapper_that_nobody_knows_is_refused_by_its_name_and_line(uses: str) -> None:
    given = {"registry": "docker.io", "dockerfile": "Dockerfile", "destination": "acme/app"}
    with pytest.raises(SpecError, match=r"w\.yml:\d+: .*a wrapper, not the executor") as caught:
        _imported(Case([{"uses": uses, "with": given}], {}))
    assert uses in str(caught.value)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"uses": "acme/push-to-ghcr@v1", "with": {"image": "acme/app"}}, "is a wrapper"),
        ({"uses": "docker/bake-action@v6"}, "builds an image without kaniko: it builds with"),
    ],
)
def test_what_may_build_is_named_where_nothing_else_does(step: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=rf"w\.yml:\d+: {step['uses']} {said}"):
        _imported(Case([step], {}))


def test_each_action_says_what_it_does() -> None:
    actions = known_actions()
    kinds = {
        "executor",
        "builds",
        "checkout",
        "login",
        "metadata",
        "cloud",
        "prepares",
        "wraps",
        "pushes",
    }
    assert {action.does for action in actions.values()} == {*kinds, "emulates", "nothing"}
    assert all(action.because for action in actions.values() if action.does in {"wraps", "nothing"})


def test_a_file_that_stands_for_one_of_another_repository_is_told() -> None:
    calls = "on: push\njobs: {a: {uses: acme/flows/.github/workflows/kaniko.yml@v3}}\n"
    step = "{uses: int128/kaniko-action@v1, with: {push: true, tags: 'quay.io/acme/shop:1'}}"
    called = f"on: workflow_call\njobs: {{b: {{runs-on: ubuntu-24.04, steps: [{step}]}}}}\n"
    files = [(".github/workflows/ci.yml", calls), (".github/workflows/kaniko.yml", called)]
    said = report_text(import_files(files).report)
    assert "acme/flows/.github/workflows/kaniko.yml@v3 is of another repository" in said
