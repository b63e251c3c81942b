"""GitLab CI."""

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.targets.target import PARTS, Init, Runner, Shape, Target, found_at, later

TARGET = Target(
    system=SYSTEMS["gitlab"],
    summary="GitLab CI",
    output=".gitlab-ci.yml",
    template="gitlab.yml.j2",
    hears=PARTS,
    prepare=later("ci_kaniko.targets.gitlab.jobs:prepare"),
    verify=later("ci_kaniko.targets.gitlab.jobs:verify"),
    stream=True,
    names=later("ci_kaniko.targets.gitlab.jobs:names_beside_others"),
    field="job",
    builders=BUILDERS,
    mounts=lambda _: ("/builds",),
    dialect=found_at("ci_kaniko.targets.gitlab.dialect:DIALECT"),
    built_before=later("ci_kaniko.targets.gitlab.rules:built_before"),
    runs_in_forks=True,
    sees_source=lambda build: build.gitlab.form != "child",
    setup=later("ci_kaniko.targets.gitlab.setup:GitLabSetup"),
    shape=Shape("job", "mapping", header="spec", stages="stages"),
    merged=later("ci_kaniko.targets.gitlab.beside:merged"),
    started_now=later("ci_kaniko.targets.gitlab.beside:started_now"),
    nothing=later("ci_kaniko.targets.gitlab.beside:nothing"),
    init=Init(
        seen=(".gitlab-ci.yml", ".gitlab"),
        hosts=".*gitlab.*",
        outputs=(".gitlab-ci.yml",),
        numbered=".gitlab/ci/image",
        pipelines=(".gitlab-ci.yml",),
        folded_by="gitlab-generated",
        uses='add "- local: {output}" to include: in {pipeline}',
        section=later("ci_kaniko.targets.gitlab.beside:section"),
    ),
    runner=Runner(
        steps=later("ci_kaniko.rehearsing.triggers:gitlab_steps"),
        run=later("ci_kaniko.rehearsing.runners.gitlab:run"),
        has_files=True,
        engine=found_at("ci_kaniko.rehearsing.engines:GITLAB_CI_LOCAL"),
    ),
)
