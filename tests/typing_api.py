"""Ordinary uses of the public names, which ``mypy --strict`` and pyright have to accept.

What they have to refuse stands at the end: an excuse that nothing needs is an error for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ci_kaniko
from ci_kaniko import (
    Agola,
    Answer,
    AwsLogin,
    AzureLogin,
    BrokenTargetError,
    Buildkite,
    Cache,
    CannotPin,
    CannotRehearse,
    CannotStart,
    Change,
    Checkout,
    CiKanikoError,
    ClientCertificate,
    ContextLogin,
    Destination,
    Digests,
    Entry,
    Executor,
    Git,
    GitHub,
    GitLab,
    GoogleLogin,
    Imported,
    Input,
    Kubernetes,
    Leak,
    Linted,
    Login,
    LoginUse,
    NamedImage,
    Occasion,
    Options,
    Outcome,
    OutputFile,
    Outputs,
    Pin,
    Prepare,
    Preview,
    Problem,
    Proxy,
    Ran,
    Registry,
    Rehearsal,
    RenderingError,
    Requirement,
    RuleSetting,
    Run,
    SelectionError,
    Shown,
    Spec,
    SpecDict,
    SpecError,
    Starter,
    Target,
    TargetName,
    Toleration,
    Tools,
    Triggers,
    UnknownEvent,
    UnknownTargetError,
    available_targets,
    check,
    checkout_values,
    diff,
    dump,
    import_files,
    init,
    lint,
    load,
    loads,
    pin,
    preview,
    rehearse,
    render,
    setup,
    show,
    sync,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def render_a_file(path: Path) -> str:
    spec: Spec = load(path)
    text: str = render(spec, "gitlab")
    return text + render(load(str(path)), target="github")


def render_a_manifest(values: Mapping[str, str]) -> str:
    return render(build_in_python(), "kubernetes", values=values)


def render_for_any(spec: Spec, target: TargetName | Target) -> str:
    return render(spec, target)


def render_for_one_that_is_installed(spec: Spec, name: str) -> str:
    return render(spec, available_targets()[name])


def render_a_part(spec: Spec) -> str:
    return render(spec, "gitlab", only=["api"])


def say_again(spec: Spec) -> Spec:
    text: str = dump(spec)
    return loads(text)


def build_in_python() -> Spec:
    return Spec(
        context="services/shop",
        destinations=["ghcr.io/acme/shop:1.0", {"image": "ghcr.io/acme/shop:latest"}],
        registries={"ghcr.io": "anonymous"},
        build_args={"VERSION": "${tag:-dev}"},
        kubernetes={"namespace": "ci"},
    )


def build_with_models() -> Spec:
    return Spec(
        destinations=[Destination(image="ghcr.io/acme/shop:1.0", when={"tag": ["v*"]})],
        registries={"ghcr.io": Registry(default=Login(username="acme-bot", password="TOKEN"))},
        cache=Cache(repo="ghcr.io/acme/shop/cache", ttl="168h"),
        checkout=Checkout(submodules="recursive"),
        git=Git(),
        triggers=Triggers(branches="main", tags=["v*"]),
        executor=Executor(distribution="osscontainertools", digests=Digests()),
        options=Options(snapshot_mode="redo"),
        tools=Tools(),
        proxy=Proxy(no_proxy="localhost"),
        gitlab=GitLab(stage="build"),
        github=GitHub(timeout_minutes=30),
        buildkite=Buildkite(queue="kubernetes"),
        agola=Agola(arch="amd64"),
        kubernetes=Kubernetes(tolerations=[Toleration(key="ci", operator="Exists")]),
        prepare=Prepare(
            image="docker.io/library/golang:1.26", commands=["make"], artifacts=["shop"]
        ),
        images=None,
        rules={"unused-login": RuleSetting(severity="off")},
        outputs=Outputs(gitlab=OutputFile(path=".gitlab-ci.yml")),
    )


def build_from_data(data: SpecDict) -> Spec:
    return Spec(**data)


def look_inside(spec: Spec) -> list[str]:
    images: dict[str, NamedImage] = spec.images
    logins: dict[str, Registry] = spec.registries
    return [*images, *logins, *(each.image for each in spec.destinations)]


def logins_to_clouds(login: Login) -> tuple[AwsLogin | None, GoogleLogin | None, AzureLogin | None]:
    return login.aws, login.google, login.azure


def rarer_sections(
    spec: Spec,
) -> tuple[ContextLogin | None, Mapping[str, Input], Mapping[str, ClientCertificate]]:
    return spec.context_login, spec.inputs, spec.client_certificates


def explain(text: str | bytes) -> list[str]:
    try:
        loads(text, path="specs/shop.yaml")
    except SpecError as error:
        return [one_line(problem) for problem in error.problems]
    except CiKanikoError as error:
        return [str(error)]
    return []


def every_error() -> tuple[type[CiKanikoError], ...]:
    wrong = SpecError, UnknownTargetError, SelectionError, UnknownEvent
    return *wrong, CannotPin, CannotRehearse, CannotStart, BrokenTargetError, RenderingError


def one_line(problem: Problem) -> str:
    line: int | None = problem.line
    severity: str = problem.severity
    return f"{severity} {problem.path}:{line}:{problem.column} {problem.message} {problem.hint}"


def all_that_is_wrong(path: Path) -> list[Problem]:
    return [*check(path), *check([load(path)], ["gitlab", "github"]), *check(path, "agola")]


def bring_up_to_date(path: Path) -> list[str]:
    changes: list[Change] = diff(path)
    written: list[Change] = sync([path], "gitlab", force=True)
    return [f"{change.path} {change.target}\n{change.diff}" for change in [*changes, *written]]


def what_must_exist(spec: Spec) -> list[str]:
    needed: list[Requirement] = setup(spec, "gitlab")
    return [f"{each.kind} {each.name}" for each in needed]


def what_happens(spec: Spec) -> list[str]:
    found: Preview = preview(spec, ["gitlab", "github"], ["default-branch"])
    return [line for answer in found.answers for line in _told(answer)]


def _told(answer: Answer) -> list[str]:
    occasion: Occasion = answer.occasion
    outcomes: tuple[Outcome, ...] = answer.outcomes
    runs: list[Run] = [outcome.run for outcome in outcomes]
    logins: list[LoginUse] = [login for run in runs for login in run.logins]
    return [occasion.title, *(run.name for run in runs), *(login.host for login in logins)]


def what_a_job_does(spec: Spec, values: Mapping[str, str]) -> list[str]:
    done: Rehearsal = rehearse(spec, "gitlab", "tag=v1.2.3", values=values)
    jobs: tuple[Ran, ...] = done.jobs
    leaks: tuple[Leak, ...] = done.leaks
    return [*(job.status for job in jobs), *(leak.place for leak in leaks)]


def begin(folder: Path) -> str:
    begun: Starter = init(folder, ["gitlab"], image="ghcr.io/acme/shop")
    return "\n".join([begun.text, *begun.steps])


def what_is_not_pinned(path: Path) -> list[str]:
    missing: list[Pin] = pin([path], check=True)
    return [f"{each.path} {each.where} {each.name} {each.pin}" for each in missing]


def whence(spec: Spec) -> str:
    found: Shown = show(spec)
    return found.text


def take_over(path: Path) -> str:
    found: Imported = import_files([path])
    entries: tuple[Entry, ...] = found.report
    return f"{found.spec_text}{len(entries)}"


def faults(path: Path) -> list[str]:
    found: Linted = lint(path)
    return [problem.rule for problem in found.problems]


def file_names() -> dict[str, str]:
    return {name: target.output for name, target in available_targets().items()}


def version() -> str:
    return ci_kaniko.__version__


VALUES = {
    "commit.sha": "12345e6789abcdef0123456789abcdef01234567",
    "branch": "main",
    "default_branch": "main",
    "repository.url": "https://github.com/acme/shop",
}


def use_everything(folder: Path) -> None:
    path = folder / "ci-kaniko.yaml"
    text = "push: never\ndefault_branch: main\noutputs: {gitlab: .gitlab-ci.yml}\n"
    path.write_text(text, encoding="utf-8")
    (folder / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    spec = load(folder)
    assert "build-image:" in render_a_file(path)
    assert "namespace: ci" in render_a_manifest({**checkout_values(folder), **VALUES})
    assert render_for_any(spec, "agola")
    assert render_for_one_that_is_installed(spec, "github")
    assert "build-api" in render_a_part(build_from_data({**TWO}))
    assert explain(b"push: sometimes\n")[0].startswith("error specs/shop.yaml:1:7")
    assert all_that_is_wrong(path) == []
    assert len(bring_up_to_date(path)) == 2
    assert bring_up_to_date(path) == []
    assert what_must_exist(spec) == []
    assert what_happens(spec) == ["push to main, the default branch", "build"]
    assert "ghcr.io/acme/shop" in begin(folder)
    assert what_is_not_pinned(path)[0].startswith(f"{path} executor.digests.")
    assert whence(spec).startswith("push: never")
    assert take_over(folder / ".gitlab-ci.yml").startswith("push: never\n")
    assert faults(folder / ".gitlab-ci.yml") == []
    assert file_names()["gitlab"] == ".gitlab-ci.yml"
    assert version()
    assert say_again(build_in_python()) == build_in_python()
    assert look_inside(build_with_models()) == ["ghcr.io", "ghcr.io/acme/shop:1.0"]
    login = build_with_models().registries["ghcr.io"].default
    assert login is not None
    assert logins_to_clouds(login) == (None, None, None)
    assert rarer_sections(spec) == (None, {}, {})
    assert len(every_error()) == 9


SUBMODULES: SpecDict = {"push": "never", "checkout": {"submodules": True}}
TWO: SpecDict = {"push": "never", "images": {"api": {"context": "a"}, "web": {"context": "b"}}}


def refused(spec: Spec, name: str) -> None:
    """Nobody calls it."""
    Spec(contxt="x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    Spec(push="sometimes")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Spec(digest="yes")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Spec(cache={"rep": "x"})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Cache(tll="1h")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    render(spec, "gitlub")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    render(spec, name)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    check(spec, ["gitlub"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    diff(spec, "gitlub")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    sync(spec, target="gitlab")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    setup(spec, "gitlub")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    preview(spec, "gitlab", "tag")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    render(spec, "gitlab", only="a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    check(spec, only="a")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    rehearse(spec, "gitlub")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    lint(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
