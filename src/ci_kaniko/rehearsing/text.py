"""A rehearsal for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.rehearse import printed
from ci_kaniko.text.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.rehearsing.engines import Played
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.rehearse import Ran, Rehearsal


def lines(done: Rehearsal) -> Iterator[str]:
    """What happened, job by job: headings begin in the first column."""
    yield f"{done.occasion.title} on {done.target}, in {done.shell}"
    if not done.jobs:
        yield ""
        yield "this event starts no job"
    for job in done.jobs:
        if job.recorded is not None:
            yield ""
            yield f"{job.name}: {_ending(job, job.recorded)}"
            yield from _did(job, job.recorded)
    if skipped := [job.name for job in done.jobs if job.recorded is None]:
        yield ""
        yield f"skipped: {', '.join(skipped)}"
    yield ""
    for leak in done.leaks:
        yield f"the secret {leak.secret} is in {leak.place} of {leak.job}"
    if not done.leaks:
        yield "no secret is in what the jobs print, in arguments or in what they hand over"


def _ending(job: Ran, done: Recorded) -> str:
    return job.status + f" with exit status {done.status}" * bool(done.status)


def _did(job: Ran, done: Recorded) -> Iterator[str]:
    if done.calls and done.commands[0][0] in {"executor", "docker"}:
        yield from _listed("/kaniko/executor", done.argv or ())
    else:
        for program, *words in done.commands:
            yield from _listed(program, words)
    for call in done.joined:
        yield from _listed("regctl", call.words)
    if job.hosts:
        mode = f", by config.json with mode {done.config_mode or 0:o}" * bool(done.config_mode)
        yield from _listed(f"logs in to{mode}", job.hosts)
    if done.files:
        yield from _listed("leaves or changes", sorted(done.files))
    if done.outputs:
        yield from _listed("hands over", [f"{name}={text}" for name, text in done.outputs.items()])
    if said := printed(done):
        yield from _listed("prints", said)


def _listed(title: str, texts: Iterable[str]) -> Iterator[str]:
    yield f"  {title}"
    yield from (f"    {printable(text)}" for text in texts)


def played_lines(done: Played, title: str) -> Iterator[str]:
    """What an engine did, in the same form."""
    yield f"{title}, by {done.engine}"
    for words in done.calls:
        yield from ["", *_listed("/kaniko/executor", words)]
    for words in done.joins:
        yield from ["", *_listed("regctl", words)]
    yield from ["", *_listed("prints", done.printed), ""]
    yield f"it ended with exit status {done.status}"
