"""Kubernetes."""

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.targets.target import PARTS, Init, Runner, Shape, Target, later

TARGET = Target(
    system=SYSTEMS["kubernetes"],
    summary="Kubernetes Pod or Job, for kubectl create",
    output="kaniko.yaml",
    template="kubernetes.yml.j2",
    hears=PARTS,
    prepare=later("ci_kaniko.targets.kubernetes.manifests:prepare"),
    verify=later("ci_kaniko.targets.kubernetes.manifests:verify"),
    stream=True,
    mounts=later("ci_kaniko.targets.kubernetes.manifests:mounts"),
    fetches=later("ci_kaniko.targets.kubernetes.pods:fetches"),
    builders=BUILDERS,
    setup=later("ci_kaniko.targets.kubernetes.setup:KubernetesSetup"),
    shape=Shape("manifest", "documents", "", ("name", "generateName")),
    init=Init(
        steps=(
            "ci-kaniko setup kubernetes  # what must exist there before the first run",
            "ci-kaniko render kubernetes | kubectl create -f -  # a manifest holds one commit",
        )
    ),
    runner=Runner(
        steps=later("ci_kaniko.rehearsing.triggers:kubernetes_steps"),
        run=later("ci_kaniko.rehearsing.runners.kubernetes:run"),
    ),
)
