"""What a job of a pipeline has to have built, and what it hands over."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.logins import lookup
from harness import checks, expectation, expected_logins
from harness.pipelines import digest_of, native_name

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.images import Job


def built(got: Recorded, job: Job, event: Event, target: str) -> None:
    wanted = job.run(target, event)
    checks.check(without_handed_over(got, job), wanted, job.arguments(target, event))
    if not got.calls:
        return
    for host in job.hosts_of_others(target, event):
        assert lookup(got, host) is None or checks.is_always_there(
            got, expected_logins.Login(host, "")
        ), host
    assert_digest(got, job, expectation.images(wanted))


def without_handed_over(got: Recorded, job: Job) -> Recorded:
    """What is for later jobs has to be left behind."""
    own = {path for path in got.files if re.search(r"/digest(\.env|/[^/]+)?\Z|/output\Z", path)}
    handed = own if job.hands_over else set[str]()
    prepared = tuple(f"{got.workspace}/{path}" for path in prepared_by(job))
    handed |= {path for path in got.files if prepared and path.startswith(prepared)}
    return replace(got, files={path: got.files[path] for path in got.files if path not in handed})


def prepared_by(job: Job) -> list[str]:
    return expectation.listed((job.image.prepare or {"artifacts": []})["artifacts"])


def assert_digest(got: Recorded, job: Job, images: list[str]) -> None:
    """Exactly the digest of what was pushed is handed over, and nothing when nothing was."""
    name = native_name(job, got.target)
    expected = [digest_of(name)] if images and job.hands_over else []
    assert [*got.outputs.values()] == expected, got.outputs
    if expected and got.target == "gitlab" and not job.platform:
        given = job.image.data.get("gitlab", {}).get("job", "").removeprefix("build-")
        word = re.sub("[^A-Za-z0-9]+", "_", given or job.image.name or "image").strip("_").upper()
        assert [*got.outputs] == [f"{word}_DIGEST"]
