"""Agola."""

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.targets.target import PARTS, Init, Runner, Shape, Target, found_at, later

TARGET = Target(
    system=SYSTEMS["agola"],
    summary="Agola",
    output=".agola/config.yml",
    template="agola.yml.j2",
    hears=PARTS,
    builders=BUILDERS,
    prepare=later("ci_kaniko.targets.agola.run:prepare"),
    refuses=later("ci_kaniko.targets.agola.run:refuses"),
    verify=later("ci_kaniko.targets.agola.run:verify"),
    mounts=lambda _: ("/mnt/agola",),
    dialect=found_at("ci_kaniko.targets.agola.dialect:DIALECT"),
    setup=later("ci_kaniko.targets.agola.setup:AgolaSetup"),
    shape=Shape("run", "sequence", "runs", ("name",)),
    init=Init(
        seen=(".agola",),
        outputs=(".agola/config.yml",),
        pipelines=(".agola/config.yml",),
    ),
    pulls_with=later("ci_kaniko.targets.agola.tasks:pulls_with"),
    runner=Runner(
        steps=later("ci_kaniko.rehearsing.triggers:agola_steps"),
        run=later("ci_kaniko.rehearsing.runners.agola:run"),
        without=("schedule", "manual", "pipeline"),
    ),
)
