"""The words of an executor call as flags: old names, those of docker, strange ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Word, only_var, spell
from ci_kaniko.importing.shell.commands.flags import MEANT, Flag, parse
from ci_kaniko.importing.signs import is_program
from ci_kaniko.importing.translate.executor import pinned_without
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.kaniko.flags import FLAGS, RENAMED, RESERVED

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work

_OF_DOCKER = {
    *("push", "pull", "load", "no-cache", "platform", "progress", "provenance", "quiet", "rm"),
    *("sbom", "squash", "network", "output", "ssh", "compress", "iidfile", "memory", "cache-from"),
    *("cache-to", "builder", "attest", "add-host", "isolation", "shm-size", "ulimit"),
}


def read_words(work: Work) -> None:
    for word in work.call.words:
        flag = parse(word.text, word.when, word.line)
        if flag is None:
            _stray(work, word)
            continue
        written, name = flag.written, flag.name
        if written in RENAMED:
            work.job.tell("renamed-flag", flag.line, written, name)
        elif written in MEANT:
            _unknown(work, flag, f"--{name} was meant")
        elif name in RESERVED:
            work.job.tell("reserved-flag", flag.line, flag.shown, RESERVED[name])
            continue
        elif name not in FLAGS:
            _strange(work, flag)
            continue
        if without := pinned_without(work.image, name):
            work.job.tell("newer-flag", flag.line, flag.shown, without, FLAGS[name].since.spelled)
        elif FLAGS[name].kind != "switch" and not flag.value:
            work.job.tell("no-value", flag.line, name)
        else:
            if flag.is_wrong:
                work.job.tell("no-switch", flag.line, flag.shown)
            work.flags.append(flag)


def _unknown(work: Work, flag: Flag, meant: str = "") -> None:
    instead = "pushing is what kaniko does without it" if flag.name == "push" else meant
    work.job.tell("unknown-flag", flag.line, flag.shown, instead or "it is left out")


def _strange(work: Work, flag: Flag) -> None:
    """A flag that no release has; those of docker are faults, others may be new."""
    if flag.name in _OF_DOCKER or len(flag.name) == 1:
        _unknown(work, flag)
        return
    try:
        value = None if flag.value is None else work.spelled.template(flag.value, flag.line)
    except NotPortable as reason:
        work.lost("extra_args", flag, reason)
        return
    written = f"--{flag.name}" if value is None else f"--{flag.name}={value}"
    work.build.setdefault("extra_args", []).append(written)
    work.job.tell("new-flag", flag.line, flag.name)


def _stray(work: Work, word: Word) -> None:
    shown = spell(word.text)
    if is_program(shown):
        work.job.tell("executor-twice", word.line, shown)
        return
    if not shown.strip():
        work.job.tell("empty-argument", word.line)
        return
    said = "stray-argument", word.line, shown
    if only_var(word.text) is None:
        work.job.tell(*said, "kaniko takes no arguments but flags")
    elif not word.split:  # else the script has said so
        work.job.tell(*said, "write the flags that it holds into the spec")
