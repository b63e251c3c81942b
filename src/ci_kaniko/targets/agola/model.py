"""A task of a run in Agola before its script is written, and what it is called."""

from __future__ import annotations

from ci_kaniko.plan.jobs import job_name
from ci_kaniko.plan.platforms import DEFAULT
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import dataclass, field

if TYPE_CHECKING:
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Job, Preparation
    from ci_kaniko.targets.agola.when import When

ARCHITECTURES = ("386", "amd64", "arm", "arm64")


@dataclass
class Task:
    """A task before its script is written.

    ``own`` is what starts it by itself: a checkout has nothing of that kind. ``when`` is what
    starts it with all that depend on it.
    """

    name: str
    image: Image
    depends: list[str] = field(default_factory=list)
    own: When | None = None
    when: When = field(default_factory=dict)
    job: Job | None = None
    preparation: Preparation | None = None

    @property
    def plan(self) -> Plan:
        """The plan that its script runs."""
        return self.job.plan if self.job else self.image.plan

    @property
    def hands_over(self) -> bool:
        """Whether later tasks get a digest from it."""
        if self.own is None:
            return False
        return self.plan.spec.digest if self.job else self.image.hands_over

    @property
    def outputs(self) -> bool:
        """Whether the executor writes files that are kept."""
        return self.job is not None and bool(self.plan.outputs)


def run_name(image: Image) -> str:
    """The run that an image is built in."""
    return image.build.agola.run or ("build-images" if image.name else job_name(None, image))


def task_name(image: Image, job: Job | None = None) -> str:
    """The name of a task that builds, or without a job of the image's last one."""
    base = job_name(None, image) if image.name else run_name(image)
    return f"{base}-{job.ending}" if job and job.ending else base


def arch_of(job: Job) -> str | None:
    """The architecture that a job has to run on; None when that is open or unknown."""
    if not job.platform or (job.platform == DEFAULT and not job.suffix):
        return job.plan.spec.agola.arch
    arch = job.platform.split("/")[1]
    return arch if arch in ARCHITECTURES else None
