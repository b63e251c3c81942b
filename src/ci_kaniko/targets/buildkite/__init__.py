"""Buildkite."""

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.targets.target import PARTS, Init, Runner, Shape, Target, found_at, later

TARGET = Target(
    system=SYSTEMS["buildkite"],
    summary="Buildkite with agent-stack-k8s",
    output=".buildkite/pipeline.yml",
    template="buildkite.yml.j2",
    hears=PARTS,
    builders=BUILDERS,
    prepare=later("ci_kaniko.targets.buildkite.pipeline:prepare"),
    verify=later("ci_kaniko.targets.buildkite.pipeline:verify"),
    names=later("ci_kaniko.targets.buildkite.pipeline:names_beside_others"),
    field="key",
    mounts=lambda _: ("/workspace",),
    dialect=found_at("ci_kaniko.targets.buildkite.dialect:DIALECT"),
    setup=later("ci_kaniko.targets.buildkite.setup:BuildkiteSetup"),
    shape=Shape("step", "sequence", "steps", ("key", "id", "identifier")),
    nothing=later("ci_kaniko.targets.buildkite.nothing:nothing"),
    init=Init(
        seen=(".buildkite",),
        outputs=(".buildkite/pipeline.yml",),
        numbered=".buildkite/image",
        pipelines=(".buildkite/pipeline.yml", ".buildkite/pipeline.yaml"),
        uses='write "command: buildkite-agent pipeline upload {output}" as a step of {pipeline}',
    ),
    runner=Runner(
        steps=later("ci_kaniko.rehearsing.triggers:buildkite_steps"),
        run=later("ci_kaniko.rehearsing.runners.buildkite:run"),
    ),
)
