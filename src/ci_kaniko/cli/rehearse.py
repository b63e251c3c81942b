"""The command ``rehearse``: run a rendered job here, with a recorder in the executor's place."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path

from ci_kaniko.cli.shared import (
    Done,
    Misuse,
    beside,
    check_target,
    check_word,
    fail,
    load_spec,
    print_lines,
    say,
    values_of,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.rehearsing.rehearse import Rehearsal
    from ci_kaniko.spec.spec import Spec

FORMATS = ("text", "json")


def rehearse(
    target: str,
    spec: str | None = None,
    event: str = "default-branch",
    shell: str = "",
    settings: Sequence[str] = (),
    keep: str | None = None,
    executor: str | None = None,
    *,
    engine: bool = False,
    form: str = "text",
) -> None:
    """Say what each job does. Raises Done when one fails, Misuse for a wrong word."""
    check_word(form, FORMATS)
    check_target(target)
    folder = _empty_folder(keep) if keep is not None else None
    loaded = load_spec(spec, beside(form), strict=False)
    given = values_of(settings)
    if engine:
        if shell or keep is not None or executor is not None:
            raise Misuse("an --engine has its own shell and images: no --shell, --keep, --executor")
        _by_engine(loaded, target, event, given, form)
        return
    done = _played(loaded, target, event, shell, given, executor, form)
    if folder is not None:
        _keep(done, folder)
    if form == "json":
        say(json.dumps(done.to_dict(), ensure_ascii=False, indent=2))
    else:
        from ci_kaniko.rehearsing.text import lines

        print_lines(lines(done))
    if done.failed:
        raise Done(1)


def _by_engine(spec: Spec, target: str, event: str, given: dict[str, str], form: str) -> None:
    """Say what the platform's engine does with the same file. Raises Done, Misuse."""
    from ci_kaniko.rehearsing.rehearse import by_engine
    from ci_kaniko.rehearsing.text import played_lines

    with _told(form):
        done = by_engine(spec, target, event, given=given)
    if form == "json":
        say(json.dumps(done._asdict(), ensure_ascii=False, indent=2))
    else:
        print_lines(played_lines(done, f"{event} on {target}"))
    if done.status:
        raise Done(1)


def _played(
    spec: Spec,
    target: str,
    event: str,
    shell: str,
    given: dict[str, str],
    executor: str | None,
    form: str,
) -> Rehearsal:
    from ci_kaniko.rehearsing.rehearse import rehearse as play

    with _told(form):
        return play(spec, target, event, shell=shell, given=given, executor=executor)


@contextmanager
def _told(form: str) -> Iterator[None]:
    """What is in the way, as a command line says it. Raises Done, Misuse."""
    from ci_kaniko.previewing.events import UnknownEvent
    from ci_kaniko.problems.problem import CannotRehearse, SpecError
    from ci_kaniko.rehearsing.documents import NotModelled, RefusedInput

    try:
        yield
    except SpecError as error:
        fail(error.problems, beside(form))
    except RefusedInput as error:
        say(str(error), err=True)
        raise Done(1) from error
    except NotModelled as error:
        say(f"the file holds what a rehearsal does not know: {error}", err=True)
        raise Done(1) from error
    except (UnknownEvent, CannotRehearse) as error:
        raise Misuse(str(error)) from error


def _empty_folder(path: str) -> Path:
    """A folder that is nobody else's. Raises Misuse."""
    folder = Path(path)
    if folder.exists() and (not folder.is_dir() or os.listdir(folder)):
        raise Misuse(f"--keep wants a new or empty folder, and {path} is neither")
    return folder


def _keep(done: Rehearsal, folder: Path) -> None:
    """Write the rendered file and what each job left; the secrets in it are stand-ins."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rendered.yml").write_text(done.text, encoding="utf-8")
    text = json.dumps(done.to_dict(), ensure_ascii=False, indent=2)
    (folder / "rehearsal.json").write_text(f"{text}\n", encoding="utf-8")
    for job in done.jobs:
        for path, content in (job.recorded.files if job.recorded else {}).items():
            file = folder / job.name.replace("/", "-") / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
