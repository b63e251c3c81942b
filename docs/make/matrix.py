"""What works where, found by rendering one small spec for each cell."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ci_kaniko.builders.carried import PLACES, instead
from ci_kaniko.builders.registry import builder
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.flags import FLAGS, GIT_DEPTH, RESERVED, Since, owner_of
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.rendering import render
from ci_kaniko.spec.loading import loads
from ci_kaniko.syntax.variables import VARIABLES
from ci_kaniko.targets.registry import check_name
from ci_kaniko.targets.registry import target as find_target
from make.exemptions import EXEMPTIONS
from make.tables import code, listed, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TITLES = {
    "gitlab": "GitLab",
    "github": "GitHub",
    "github-container": "GitHub, mode `container`",
    "buildkite": "Buildkite",
    "agola": "Agola",
    "kubernetes": "Kubernetes",
}
"""The columns; ``github-MODE`` is a mode of one."""
_MANIFEST = [*TITLES].index("kubernetes")


def take_in(name: str) -> None:
    """Give a target that is installed a column. Raises UnknownTargetError."""
    check_name(name)
    TITLES.setdefault(name, find_target(name).summary)


_CHECKOUT = {
    "commit.sha": "12345e6789abcdef0123456789abcdef01234567",
    "commit.timestamp": "2026-01-02T03:04:05Z",
    "branch": "main",
    "default_branch": "main",
    "repository.url": "https://github.com/acme/shop",
}
"""What the command line reads from a checkout for targets that need values."""

_TRIGGERS = "triggers: {branches: [main], tags: ['**'], pull_requests: true}"

TRIGGERS = {
    "branches": "branches: [main, 'release/*']",
    "tags": "tags: ['v*']",
    "pull_requests": "pull_requests: true",
    "schedules": "schedules: ['30 3 * * 1']",
    "manual": "manual: true",
    "pipelines": "pipelines: true",
}

CONDITIONS = {
    "always": ("always", "branches"),
    "default-branch": ("default-branch", "branches"),
    "other-branch": ("other-branch", "branches"),
    "{branch: GLOBS}": ("{branch: 'release/*'}", "branches"),
    "{tag: GLOBS}": ("{tag: 'v*'}", "tags"),
    "pull-request": ("pull-request", "pull_requests"),
    "schedule": ("schedule", "schedules"),
    "manual": ("manual", "manual"),
}
"""Each condition, and the trigger without which it would never hold."""

_OWN_IMAGES = {
    "gitlab": "${registry.image}",
    "github": "${registry.image}",
    "github-container": "${registry.image}",
    "buildkite": "packages.buildkite.com/acme/images/shop",
}
_ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
_GOOGLE = "europe-west1-docker.pkg.dev/acme/images"

_ROLE = "arn:aws:iam::123456789012:role/image-push"
_PROVIDER = "projects/1/locations/global/workloadIdentityPools/ci/providers/ci"
_ACCOUNT = "image-push@acme.iam.gserviceaccount.com"
_TENANT = "11111111-1111-1111-1111-111111111111"
_PRINCIPAL = f"tenant_id: {_TENANT}, client_id: {_TENANT}"

LOGINS = {
    "ci-token": "ci-token",
    "{username: TEXT, password: NAME}": "{username: acme-bot, password: TOKEN}",
    "{username: {secret: NAME}, password: NAME}": (
        "{username: {secret: ACME_USER}, password: TOKEN}"
    ),
    "{username: TEXT, password: NAME, pull: true}": (
        "{username: acme-bot, password: TOKEN, pull: true}"
    ),
    "{docker_config: NAME}": "{docker_config: REGISTRY}",
    "anonymous": "anonymous",
    "{aws: ambient}": "{aws: ambient}",
    "{aws: {credentials_file: NAME}}": "{aws: {credentials_file: AWS_FILE}}",
    "{aws: {access_key_id: NAME, secret_access_key: NAME}}": (
        "{aws: {access_key_id: ECR_ID, secret_access_key: ECR_KEY}}"
    ),
    "{aws: {role: ARN}}": f"{{aws: {{role: '{_ROLE}'}}}}",
    "{google: ambient}": "{google: ambient}",
    "{google: {key_file: NAME}}": "{google: {key_file: GOOGLE_KEY}}",
    "{google: {provider: …, service_account: …}}": (
        f"{{google: {{provider: {_PROVIDER}, service_account: {_ACCOUNT}}}}}"
    ),
    "{azure: ambient}": "{azure: ambient}",
    "{azure: {tenant_id: …, client_id: …, client_secret: NAME}}": (
        f"{{azure: {{{_PRINCIPAL}, client_secret: ACR_SECRET}}}}"
    ),
    "{azure: {tenant_id: …, client_id: …}}": f"{{azure: {{{_PRINCIPAL}}}}}",
}
INPUTS = {
    "build_secrets": "build_secrets: {npm: NPM_TOKEN}",
    "certificates": "certificates: {registry.example.com: ACME_CA}",
    "client_certificates": (
        "client_certificates: {registry.example.com: {certificate: ACME_CERT, key: ACME_KEY}}"
    ),
    "proxy": "proxy: {https: 'http://proxy.example.com:3128', no_proxy: localhost}",
    "a login for base images only": (
        "registries: {registry.example.com: {username: acme-bot, password: TOKEN}}"
    ),
}
"""What a build needs beside its context; each is there in every run."""
_IMAGES = (
    "destinations: ['ghcr.io/acme/${image.name}:1']\nregistries: {ghcr.io: anonymous}\n"
    "triggers: {branches: [main]}\nimages: "
)
_PUSHED = (
    "destinations: ['ghcr.io/acme/shop:1']\nregistries: {ghcr.io: anonymous}\n"
    "triggers: {branches: [main]}\n"
)
PIPELINES = {
    "several `images`": f"{_IMAGES}{{api: {{context: api}}, web: {{context: web}}}}",
    "`needs` of an image": f"{_IMAGES}{{base: {{context: base}}, api: {{needs: base}}}}",
    "`prepare`": (
        f"{_PUSHED}prepare: {{image: 'docker.io/library/golang:1.26', commands: [make], "
        "artifacts: [bin]}"
    ),
    "several `platforms`": f"{_PUSHED}platforms: [linux/amd64, linux/arm64]",
    "`digest: true`": f"{_PUSHED}digest: true",
    "`triggers.paths`": "push: never\ntriggers: {branches: [main], paths: ['src/**']}",
    "`triggers.paths` of an image": (
        f"{_IMAGES}{{api: {{context: api, triggers: {{paths: ['api/**']}}}}, web: {{}}}}"
    ),
    "a required input": (
        "push: never\ntriggers: {branches: [main]}\ninputs: {channel: {}}\n"
        "build_args: {CHANNEL: '${input.channel}'}"
    ),
    "a required input in a path or a stage": (
        "push: never\ntriggers: {branches: [main]}\ninputs: {app: {}}\n"
        "context: 'services/${input.app}'\ndockerfile: '${input.app}.Dockerfile'\n"
        "target: '${input.app}'"
    ),
    "a required input as a registry": (
        "triggers: {branches: [main]}\ninputs: {registry: {}}\n"
        "destinations: ['${input.registry}/acme/shop:1']\n"
        "registries: {'${input.registry}': {username: acme-bot, password: TOKEN}}"
    ),
}
"""What makes a pipeline of several jobs, or a part of other pipelines."""
_BY_CREATOR = {
    "`triggers.paths`": "whoever creates it",
    "`triggers.paths` of an image": "whoever creates it",
    **dict.fromkeys((title for title in PIPELINES if "required input" in title), "`--set`"),
}
"""What whoever creates an object of Kubernetes decides."""
FORMS = {
    "gitlab": ("include", "component"),
    "github": ("reusable",),
    "buildkite": ("steps",),
}
"""The forms of a file that others include, by target."""

_OIDC = ("ambient", "role", "provider", "client_id: …}")
_BY_DOCUMENTATION = {
    ("ci-token", "buildkite"),
    *((kind, target) for kind in LOGINS for target in TITLES if any(map(kind.count, _OIDC))),
}

REFUSALS: dict[str, str] = {
    "two ready docker configs": (
        "destinations: [ghcr.io/acme/shop:1, quay.io/acme/shop:1]\n"
        "registries:\n"
        "  ghcr.io: {default: {docker_config: FIRST}, buildkite: {docker_config: first}, "
        "kubernetes: {docker_config: first}}\n"
        "  quay.io: {default: {docker_config: SECOND}, buildkite: {docker_config: second}, "
        "kubernetes: {docker_config: second}}"
    ),
    "two ways into one cloud": (
        f"destinations: [public.ecr.aws/acme/shop:1, {_ECR}/shop:1]\n"
        f"registries: {{public.ecr.aws: {{aws: ambient}}, {_ECR}: "
        "{aws: {credentials_file: AWS_FILE}}}"
    ),
    "the CI's token for a foreign registry": (
        "destinations: [docker.io/acme/shop:1]\nregistries: {docker.io: ci-token}"
    ),
    "a token of the CI for a git context": (
        "push: never\ncontext: git://github.com/acme/shop.git#refs/heads/main\n"
        "git: {token: ci-token}"
    ),
    "an archive of the repository as context": "push: never\ncontext: tar://context.tar.gz",
    "an image of your own without a shell": (
        "push: never\nexecutor: {image: 'registry.example.com/kaniko:v1.28.3'}"
    ),
    "a tar archive as the result": "push: never\noptions: {tar_path: image.tar}",
    "an OCI layout as the result": "push: never\noptions: {oci_layout_path: layout}",
    "several files that name what was pushed": (
        "destinations: [ghcr.io/acme/shop:1]\nregistries: {ghcr.io: anonymous}\n"
        "options: {digest_file: a, image_name_with_digest_file: b}"
    ),
    "a secret whose name begins with GITHUB_": (
        "destinations: [ghcr.io/acme/shop:1]\n"
        "registries: {ghcr.io: {username: acme-bot, password: GITHUB_PACKAGES}}"
    ),
}
"""A spec for each thing that some target cannot do; the reason comes from rendering it."""


def sections() -> Iterator[str]:
    """The page, block by block."""
    yield _INTRODUCTION
    yield "## Flags of the executor"
    yield _FLAGS
    yield table(("flag", "field", *Since._fields), _flag_rows())
    yield "## Variables"
    yield _VARIABLES
    yield from _with_reasons("variable", _variable_rows())
    yield "## Triggers"
    yield from _with_reasons("`triggers:`", _rows(TRIGGERS, trigger_outcome))
    yield "## Conditions of a destination"
    yield from _with_reasons("`when:`", _rows(CONDITIONS, condition_outcome))
    yield "## Logins"
    yield _LOGINS
    yield from _with_reasons("login", _rows(LOGINS, login_outcome))
    yield "## What every build gets"
    yield from _with_reasons("field", _rows(INPUTS, input_outcome))
    yield "## Whole pipelines"
    yield _PIPELINES
    yield from _with_reasons("what", _pipeline_rows())
    yield "## Builders"
    yield _BUILDERS
    yield table(("field", *BUILDERS), _builder_rows())
    yield "## What is not heard"
    yield _NOT_HEARD
    yield table(("fields", "where", "why"), _exempt_rows())
    yield "## What is refused"
    yield table(("what", "where", "why", "instead"), _refusal_rows())


_INTRODUCTION = """\
Each cell was found by rendering a small spec for that target. A number leads to the reason
below the table; the same sentence is what ci-kaniko prints."""

_FLAGS = """\
The columns on the right name the first release of each distribution that has the flag. An option
that the chosen release does not have is an error. `extra_args` takes what is not listed here."""

_VARIABLES = """\
What the variable is made of. A manifest for Kubernetes holds values: those marked `checkout` are
read from the local checkout by the command line, the others are given with `--set`."""

_LOGINS = """\
*By documentation* means that ci-kaniko writes what the vendor documents, and that its tests
cannot run it: the exchange needs the vendor's own machines."""


_PIPELINES = """\
[Pipelines](pipelines.md) shows each with an example. A required input needs the form of a file that
others include; an input with a default is that default elsewhere."""


_BUILDERS = """\
How each builder is told what a field says; [Leaving kaniko, or staying](leaving-kaniko.md) has what
they need. What only kaniko does is refused with another builder, for the reason that stands there,
and so are the options that name a place in kaniko's container."""


_NOT_HEARD = """\
Whatever a spec says has its effect on every target, or is refused or warned about there. These are
the exceptions; in a field `*` is any name and `**` any field."""


_read = cache(loads)
"""A spec that is shown for every target is read once."""


def outcome(spec: str, target: str) -> Problem | None:
    """The first problem of rendering a spec for a column, or None."""
    name, _, mode = target.partition("-")
    text = f"{spec}\ngithub: {{mode: {mode}}}" if mode and "github:" not in spec else spec
    try:
        render(_read(text), name, _CHECKOUT if name == "kubernetes" else None)
    except SpecError as error:
        return error.problems[0]
    return None


@cache
def variable_outcomes(name: str) -> dict[str, Problem | None]:
    """Per target, why a variable cannot be used there, or None."""
    spec = f"push: never\n{_TRIGGERS}\nbuild_args: {{X: '${{{name}}}'}}"
    return {target: outcome(spec, target) for target in TITLES}


def trigger_outcome(trigger: str, target: str) -> Problem | None:
    """Why a target's job cannot be started so, or None."""
    return outcome(f"push: never\ntriggers: {{{TRIGGERS[trigger]}}}", target)


def condition_outcome(condition: str, target: str) -> Problem | None:
    """Why a destination cannot have that condition on a target, or None."""
    when, trigger = CONDITIONS[condition]
    spec = (
        "default_branch: main\npush: always\nregistries: {ghcr.io: anonymous}\n"
        f"triggers: {{{TRIGGERS[trigger]}}}\n"
        f"destinations: [{{image: 'ghcr.io/acme/shop:1', when: {when}}}]"
    )
    return outcome(spec, target)


def login_spec(kind: str, target: str) -> str:
    """A spec whose one destination needs that login, as it is written for the target."""
    image, login = "ghcr.io/acme/shop", LOGINS[kind]
    if "aws" in login:
        image = f"{_ECR}/shop"
    elif "google" in login:
        image = f"{_GOOGLE}/shop"
    elif "azure" in login:
        image = "acme.azurecr.io/shop"
    elif login == "ci-token":
        image = _OWN_IMAGES.get(target, image)
    host = "${registry.host}" if image.startswith("$") else image.partition("/")[0]
    if "docker_config" in login and target in {"buildkite", "kubernetes"}:
        login = login.lower()
    return f"default_branch: main\ndestinations: ['{image}:1']\nregistries: {{'{host}': {login}}}"


@cache
def login_outcome(kind: str, target: str) -> Problem | None:
    """Why a login is impossible on a target, or None."""
    return outcome(login_spec(kind, target), target)


def input_outcome(title: str, target: str) -> Problem | None:
    """Why something that a build needs is impossible on a target, or None."""
    return outcome(f"default_branch: main\npush: never\n{INPUTS[title]}", target)


def pipeline_outcome(title: str, target: str) -> Problem | None:
    """Why a part of a pipeline is impossible on a target, or None."""
    spec = f"default_branch: main\n{PIPELINES[title]}"
    name, _, mode = target.partition("-")
    if "inputs:" in spec and name in FORMS:
        settings = {"form": FORMS[name][0], "mode": mode}
        keys = [f"{key}: {value}" for key, value in settings.items() if value]
        spec += f"\n{name}: {{{', '.join(keys)}}}"
    return outcome(spec, target)


Row = tuple[str, "list[str | Problem]"]


def _rows(titles: Iterable[str], outcome_of: Callable[[str, str], Problem | None]) -> Iterator[Row]:
    for title in titles:
        cells = [outcome_of(title, target) or _works(title, target) for target in TITLES]
        yield code(title), cells


def _works(title: str, target: str) -> str:
    if title in TRIGGERS and target == "kubernetes":
        return "whoever creates it"
    return "by documentation" if (title, target) in _BY_DOCUMENTATION else "yes"


def _pipeline_rows() -> Iterator[Row]:
    for title in PIPELINES:
        cells = [pipeline_outcome(title, target) or "yes" for target in TITLES]
        if title in _BY_CREATOR:
            cells[_MANIFEST] = _BY_CREATOR[title]
        yield title, cells
    forms = [FORMS.get(_name(target), ()) for target in TITLES]
    words = [listed(list(map(code, names)), "or") or "none" for names in forms]
    yield "the `form` of a file that others include", [*words]


def _name(column: str) -> str:
    return column.partition("-")[0]


def _variable_rows() -> Iterator[Row]:
    for name in (*VARIABLES, "env.NAME"):
        cells = [
            refused or made_of(name, target) for target, refused in variable_outcomes(name).items()
        ]
        if isinstance(cells[_MANIFEST], Problem):
            cells[_MANIFEST] = "`--set`"
        yield code(f"${{{name}}}"), cells


def made_of(name: str, target: str) -> str:
    """What holds a variable in a job of a target."""
    target = _name(target)
    if target == "kubernetes":
        return "checkout"
    from ci_kaniko.plan.resolve import resolve
    from ci_kaniko.shell.script import Script

    dialect = find_target(target).dialect
    if dialect is None:
        return "yes"
    plan = resolve(_read(f"push: never\n{_TRIGGERS}"), target)
    cell = Script(plan, dialect()).words.cell(name)
    if cell.env:
        return code(cell.env[1])
    if cell.literal:
        return code(cell.literal)
    return code(cell.name) if cell.name and not cell.define and cell.name.isupper() else "computed"


def _with_reasons(first: str, rows: Iterator[Row]) -> Iterator[str]:
    """A table whose refused cells are numbers, and the reasons by number."""
    reasons: dict[str, int] = {}
    lines = []
    for title, cells in rows:
        line = [title]
        for cell in cells:
            if isinstance(cell, Problem):
                number = reasons.setdefault(_sentence(cell), len(reasons) + 1)
                line.append(f"no ({number})")
            else:
                line.append(cell)
        lines.append(line)
    yield table((first, *TITLES.values()), lines)
    if reasons:
        yield "\n".join(f"{number}. {reason}" for reason, number in reasons.items())


def _sentence(problem: Problem) -> str:
    return f"{reason(problem)}; {problem.hint}" if problem.hint else reason(problem)


def reason(problem: Problem) -> str:
    """A message without what the table says already: the variable, the target, the host."""
    short = re.sub(r"^\$\{[^}]*\} cannot be known on [^:]*: ", "", problem.message)
    return re.sub(r" to \S+ by identity$", " by identity", short)


def _builder_rows() -> Iterator[list[str]]:
    """A row for each flag that a field owns: kaniko's, and what the others make of it."""
    for flag, known in FLAGS.items():
        if known.field is None or flag == "bucket":
            continue
        ways = {name: builder(name).carried.get(flag) for name in BUILDERS[1:]}
        cells = [
            code(way) if way else f"refused: {instead(name, flag)}" for name, way in ways.items()
        ]
        yield [code(PLACES.get(flag, known.field)), code(f"--{flag}"), *cells]


def _exempt_rows() -> Iterator[list[str]]:
    for exemption in EXEMPTIONS:
        fields = ", ".join(map(code, exemption.fields)).replace("OTHER", "TARGET")
        others = "every other target" if "OTHER" in "".join(exemption.fields) else ""
        where = ", ".join(TITLES[target] for target in exemption.targets)
        forms = f", form {listed([*map(code, exemption.forms)], 'or')}" if exemption.forms else ""
        off = f", without {code(exemption.without)}" if exemption.without else ""
        yield [fields, f"{others or where}{forms}{off}", exemption.reason]


def _refusal_rows() -> Iterator[list[str]]:
    """One row for each reason; targets that give the same one share it."""
    for title, spec in REFUSALS.items():
        where: dict[tuple[str, str], list[str]] = {}
        for target, shown in TITLES.items():
            problem = outcome(f"default_branch: main\n{spec}", target)
            if problem is not None:
                name = _name(target)
                why = reason(problem).replace(f"{name}'s", "the CI's")
                instead = problem.hint.removeprefix(f"{name}: ")
                where.setdefault((why, instead), []).append(shown)
        for (why, instead), targets in where.items():
            yield [title, ", ".join(targets), why, instead]


def _flag_rows() -> Iterator[list[str]]:
    for flag, known in FLAGS.items():
        owner = owner_of(flag)
        field = code(owner) if owner else f"none: {RESERVED[flag]}"
        yield [code(f"--{flag}"), field, *(version or "no" for version in known.since)]
    yield [code("--git=depth"), code("git.depth"), *(version or "no" for version in GIT_DEPTH)]
