"""ci-kaniko: one build spec, native CI configuration that builds and pushes it with kaniko.

>>> import ci_kaniko
>>> spec = ci_kaniko.loads("destinations: ['${registry.image}:${commit.short}']")
>>> "kaniko" in ci_kaniko.render(spec, "gitlab")
True
"""

TYPE_CHECKING = False  # as type checkers know it: typing itself would cost half of a start

if TYPE_CHECKING:
    from ci_kaniko.api import (
        check,
        checkout_values,
        diff,
        import_files,
        init,
        lint,
        pin,
        preview,
        rehearse,
        render,
        setup,
        sync,
    )
    from ci_kaniko.importing.linting import Linted
    from ci_kaniko.importing.pipelines import Imported
    from ci_kaniko.importing.report import Entry
    from ci_kaniko.kaniko.systems import TargetName
    from ci_kaniko.pinning.files import Pin
    from ci_kaniko.previewing.events import Occasion, UnknownEvent
    from ci_kaniko.previewing.preview import Answer, Outcome, Preview
    from ci_kaniko.previewing.runs import LoginUse, Run
    from ci_kaniko.problems.problem import (
        BrokenTargetError,
        CannotPin,
        CannotRehearse,
        CiKanikoError,
        Problem,
        SelectionError,
        SpecError,
        UnknownTargetError,
    )
    from ci_kaniko.project.starter import CannotStart, Starter
    from ci_kaniko.rehearsing.rehearse import Leak, Ran, Rehearsal
    from ci_kaniko.rendering import RenderingError
    from ci_kaniko.spec.build import NamedImage
    from ci_kaniko.spec.clouds import AwsLogin, AzureLogin, ContextLogin, GoogleLogin
    from ci_kaniko.spec.context import Checkout, ClientCertificate, Git, Proxy
    from ci_kaniko.spec.destinations import Cache, Destination
    from ci_kaniko.spec.executor import Digests, Executor
    from ci_kaniko.spec.loading import dump, load, loads
    from ci_kaniko.spec.logins import Login, Registry
    from ci_kaniko.spec.native.agola import Agola
    from ci_kaniko.spec.native.buildkite import Buildkite
    from ci_kaniko.spec.native.github import GitHub
    from ci_kaniko.spec.native.gitlab import GitLab
    from ci_kaniko.spec.native.kubernetes import Kubernetes, Toleration
    from ci_kaniko.spec.options import Options
    from ci_kaniko.spec.origins import Shown, show
    from ci_kaniko.spec.outputs import OutputFile, Outputs
    from ci_kaniko.spec.policy import RuleSetting
    from ci_kaniko.spec.prepare import Input, Prepare
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.spec.tools import Tools
    from ci_kaniko.spec.triggers import Triggers
    from ci_kaniko.spec.typed import SpecDict
    from ci_kaniko.syncing.together import Change
    from ci_kaniko.targets.registry import available_targets
    from ci_kaniko.targets.requirement import Requirement
    from ci_kaniko.targets.target import Target

__version__ = "0.1.0"

__all__ = [
    "Agola",
    "Answer",
    "AwsLogin",
    "AzureLogin",
    "BrokenTargetError",
    "Buildkite",
    "Cache",
    "CannotPin",
    "CannotRehearse",
    "CannotStart",
    "Change",
    "Checkout",
    "CiKanikoError",
    "ClientCertificate",
    "ContextLogin",
    "Destination",
    "Digests",
    "Entry",
    "Executor",
    "Git",
    "GitHub",
    "GitLab",
    "GoogleLogin",
    "Imported",
    "Input",
    "Kubernetes",
    "Leak",
    "Linted",
    "Login",
    "LoginUse",
    "NamedImage",
    "Occasion",
    "Options",
    "Outcome",
    "OutputFile",
    "Outputs",
    "Pin",
    "Prepare",
    "Preview",
    "Problem",
    "Proxy",
    "Ran",
    "Registry",
    "Rehearsal",
    "RenderingError",
    "Requirement",
    "RuleSetting",
    "Run",
    "SelectionError",
    "Shown",
    "Spec",
    "SpecDict",
    "SpecError",
    "Starter",
    "Target",
    "TargetName",
    "Toleration",
    "Tools",
    "Triggers",
    "UnknownEvent",
    "UnknownTargetError",
    "available_targets",
    "check",
    "checkout_values",
    "diff",
    "dump",
    "import_files",
    "init",
    "lint",
    "load",
    "loads",
    "pin",
    "preview",
    "rehearse",
    "render",
    "setup",
    "show",
    "sync",
]

_ROOMS = {
    "api": "check checkout_values diff import_files init lint pin preview rehearse render setup "
    "sync",
    "importing.linting": "Linted",
    "importing.pipelines": "Imported",
    "importing.report": "Entry",
    "kaniko.systems": "TargetName",
    "pinning.files": "Pin",
    "previewing.events": "Occasion UnknownEvent",
    "previewing.preview": "Answer Outcome Preview",
    "previewing.runs": "LoginUse Run",
    "problems.problem": "BrokenTargetError CannotPin CannotRehearse CiKanikoError Problem "
    "SelectionError SpecError UnknownTargetError",
    "project.starter": "CannotStart Starter",
    "rehearsing.rehearse": "Leak Ran Rehearsal",
    "rendering": "RenderingError",
    "spec.build": "NamedImage",
    "spec.clouds": "AwsLogin AzureLogin ContextLogin GoogleLogin",
    "spec.context": "Checkout ClientCertificate Git Proxy",
    "spec.destinations": "Cache Destination",
    "spec.executor": "Digests Executor",
    "spec.loading": "dump load loads",
    "spec.logins": "Login Registry",
    "spec.native.agola": "Agola",
    "spec.native.buildkite": "Buildkite",
    "spec.native.github": "GitHub",
    "spec.native.gitlab": "GitLab",
    "spec.native.kubernetes": "Kubernetes Toleration",
    "spec.options": "Options",
    "spec.origins": "Shown show",
    "spec.outputs": "OutputFile Outputs",
    "spec.policy": "RuleSetting",
    "spec.prepare": "Input Prepare",
    "spec.spec": "Spec",
    "spec.tools": "Tools",
    "spec.triggers": "Triggers",
    "spec.typed": "SpecDict",
    "syncing.together": "Change",
    "targets.registry": "available_targets",
    "targets.requirement": "Requirement",
    "targets.target": "Target",
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: importing ci_kaniko costs nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ci_kaniko' has no attribute '{name}'")
    from importlib import import_module

    value: object = getattr(import_module(f"ci_kaniko.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
