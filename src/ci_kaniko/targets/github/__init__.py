"""GitHub Actions."""

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.targets.target import PARTS, Init, Runner, Shape, Target, found_at, later

TARGET = Target(
    system=SYSTEMS["github"],
    summary="GitHub Actions",
    output=".github/workflows/image.yml",
    template="github.yml.j2",
    hears=PARTS,
    builders=BUILDERS,
    prepare=later("ci_kaniko.targets.github.workflow:prepare"),
    refuses=later("ci_kaniko.targets.github.workflow:refuses"),
    verify=later("ci_kaniko.targets.github.workflow:verify"),
    names=later("ci_kaniko.targets.github.workflow:names_beside_others"),
    field="workflow",
    mounts=lambda build: ("/__e", "/__w", "/github") if build.github.mode == "container" else (),
    dialect=found_at("ci_kaniko.targets.github.dialect:DIALECT"),
    fetches=lambda build: build.github.fetches(build),
    built_before=later("ci_kaniko.targets.github.events:built_before"),
    setup=later("ci_kaniko.targets.github.setup:GitHubSetup"),
    shape=Shape("job", "mapping", "jobs"),
    merged=later("ci_kaniko.targets.github.beside:merged"),
    init=Init(
        seen=(".github/workflows",),
        hosts="github[.].*",
        folded_by="linguist-generated",
        home="github.com",
        numbered=".github/workflows/image",
        folder=".github/workflows",
        no_merge="GitHub reads every workflow, so a new one stands beside yours: no `merge`",
    ),
    pulls_with=later("ci_kaniko.targets.github.pulls:pulls_with"),
    runner=Runner(
        steps=later("ci_kaniko.rehearsing.triggers:github_steps"),
        run=later("ci_kaniko.rehearsing.runners.github:run"),
        runs_in="bash",
        engine=found_at("ci_kaniko.rehearsing.engines:ACT"),
    ),
)
