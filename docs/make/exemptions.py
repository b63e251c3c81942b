"""What a target does not hear and need not: the exemptions from "nothing is silent".

``docs/matrix.md`` prints them, and the tests that change every leaf of the model know no others.
"""

from __future__ import annotations

from typing import NamedTuple

_ALL = ("gitlab", "github", "buildkite", "agola", "kubernetes")


class Exemption(NamedTuple):
    """Fields that some targets do not hear, and why that is right.

    In ``fields`` a ``*`` is any step and ``**`` any rest; OTHER is each target but the one that
    is rendered, and SELF that one. ``beside`` is what must be there for it, ``forms`` the forms,
    and ``without`` a switch of the target that has to be off. With ``elsewhere`` an input stands in
    the settings of other targets only.
    """

    fields: tuple[str, ...]
    targets: tuple[str, ...]
    reason: str
    beside: str = ""
    forms: tuple[str, ...] = ()
    without: str = ""
    elsewhere: bool = False


EXEMPTIONS = (
    Exemption(
        ("OTHER.**", "registries.*.OTHER.**"),
        _ALL,
        "the settings of one target, and its logins, are for it alone",
    ),
    Exemption(
        ("registries.*.default.**",),
        _ALL,
        "the target has a login of its own for that host",
        beside="registries.*.SELF",
    ),
    Exemption(
        ("SELF.builder",),
        _ALL,
        "it may name the builder that builds there anyway",
    ),
    Exemption(
        ("builder",),
        _ALL,
        "the target has a builder of its own",
        beside="SELF.builder",
    ),
    Exemption(
        ("options.image_format",),
        _ALL,
        "Buildah makes Docker's format where nobody says another one",
        beside="builder",
    ),
    Exemption(
        ("executor.version",),
        _ALL,
        "digests name the release already: a version beside them has to be the same",
        beside="executor.digests",
    ),
    Exemption(
        ("rules.**",),
        _ALL,
        "it says how bad a problem is, and changes nothing where there is none; a lock speaks to "
        "the files that extend this one",
    ),
    Exemption(
        ("default_branch",),
        _ALL,
        "it says what the repository is; it is read where something depends on the default branch "
        "and the platform does not know it",
    ),
    Exemption(
        ("triggers.**",),
        ("kubernetes",),
        "whoever creates an object decides when, and on what changes",
    ),
    Exemption(
        ("destinations.**",),
        ("kubernetes",),
        "a manifest is made for one commit: what is not pushed then is not in it",
    ),
    Exemption(
        ("triggers.schedules",),
        ("gitlab", "buildkite"),
        "the platform keeps the time, and the spec only lets schedules start the job",
    ),
    Exemption(
        ("prepare.artifacts",),
        ("github", "kubernetes"),
        "there is one checkout, and what is prepared in it stays there",
    ),
    Exemption(
        ("inputs.*.type", "inputs.*.description", "inputs.*.options"),
        ("agola", "kubernetes"),
        "there are no files with inputs; an input is its default",
    ),
    Exemption(
        ("inputs.*.type", "inputs.*.description", "inputs.*.options"),
        ("gitlab", "github", "buildkite"),
        "nobody gives that form inputs; an input is its default",
        forms=("pipeline", "child", "workflow", "jobs"),
    ),
    Exemption(
        ("inputs.*.**",),
        _ALL,
        "an input that stands in the settings of other targets only is for them alone",
        elsewhere=True,
    ),
    Exemption(
        ("inputs.*.type", "inputs.*.description"),
        ("buildkite",),
        "the upload's environment knows no types and no descriptions",
    ),
    Exemption(
        ("gitlab.form", "buildkite.form"),
        ("gitlab", "buildkite"),
        "without stages and inputs a file is the same in several forms",
    ),
    Exemption(
        ("needs",),
        ("agola", "kubernetes"),
        "what an image needs waits for the others already",
    ),
    Exemption(
        ("executor.digests.*",),
        _ALL,
        "each digest pins one variant of the image, and a target runs one of them",
    ),
    Exemption(
        ("git.token", "git.username"),
        ("gitlab", "github", "buildkite", "agola"),
        "the platform checks a directory out with a login of its own; a target that fetches it "
        "needs the token",
    ),
    Exemption(
        ("tools.git",),
        ("gitlab", "github", "buildkite"),
        "the platform checks out by itself",
    ),
    Exemption(
        ("tools.git",),
        ("kubernetes",),
        "the executor fetches the repository by itself",
        without="clone",
    ),
    Exemption(
        ("tools.curl",),
        ("gitlab", "github", "buildkite", "agola"),
        "a job logs in where it builds, and no container before it does",
    ),
    Exemption(
        ("tools.checkout",),
        ("gitlab", "buildkite", "agola", "kubernetes"),
        "an action is GitHub's",
    ),
    Exemption(
        ("tools.regctl",),
        ("kubernetes",),
        "no platforms are joined there",
    ),
    Exemption(
        ("cache.repo",),
        ("kubernetes",),
        "a manifest holds values: a text with variables may be the same as one without",
    ),
)
