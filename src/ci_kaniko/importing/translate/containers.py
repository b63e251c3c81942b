"""What ``docker run`` gives to the executor's container, and no field of a spec says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Word, spell
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.shell.commands.flags import outputs
from ci_kaniko.kaniko.builders import BUILDER_IMAGES

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work

_OWN = {
    *("--rm", "--init", "--name", "--pull", "-q", "--quiet", "-d", "--detach", "--sig-proxy"),
    *("-i", "-t", "-it", "-ti", "--interactive", "--tty", "--no-healthcheck"),
    *("--disable-content-trust",),
}
"""How a container is started and shown."""
_READ = {"--entrypoint", "--env", "--workdir"}
"""What the words and variables of the call are made of."""
_OF_BUILDERS = {"--security-opt", "--privileged", "--device"}
"""What the other builders need, and get."""
_ROOT = {"0", "root", "0:0", "root:root"}


def tell_container(work: Work) -> None:
    """Report the options that reach no build."""
    for word in work.call.docker:
        _tell(work, word)


def _tell(work: Work, word: Word) -> None:
    written = spell(word.text)
    name, _, value = written.partition("=")
    quiet = name in _OWN | _READ or (name == "--user" and value in _ROOT)
    if quiet or (work.call.builder in BUILDER_IMAGES and name in _OF_BUILDERS):
        return
    if name == "--privileged":
        work.job.tell("privileged", word.line)
        return
    mounted = list(mounts([word]))
    if not (mounted and all(_is_carried(work, *each) for each in mounted)):
        shown = name if name == "--env-file" else written
        work.job.tell("container-option", word.line or work.call.line, shown)


def _is_carried(work: Work, source: Text, target: Text) -> bool:
    """Whether the repository is mounted, or what a login, a path or an argument is made of."""
    if work.paths.is_repository(source):
        return True
    folder = spell(target)
    if folder.startswith("/kaniko/.docker"):
        return True  # of a login, or one that is told to be missing
    texts = [
        *(spell((path,)) for path in work.call.files),
        *(spell(work.logins.held(name)) for name in work.logins.asked),
        *(spell(path) for path in outputs(work.call.words)),
        *(spell(flag.value or ()) for flag in work.of("cache-dir")),
    ]
    below = f"{folder.rstrip('/')}/"
    return any(text == folder or text.startswith(below) for text in texts)
