"""What was verified to be in sync, remembered between runs.

A record says only that a spec and its files were seen to agree: a hash over this installation, the
repository's root, the spec, the templates of the repository, and each target, path, real path and
text. It can save the work of finding that out again; it never holds or changes a byte of any of
them, and a record that is damaged, foreign or old is no record.
"""

import os
import stat

from ci_kaniko import __version__
from ci_kaniko.repository.discovery import ENDING, PREFIX, root_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BASE = "extends"
MADE_OF = "made_of"
"""The file beside this module, in what a build ships, that tells its sources from any others."""
_MAX_RECORD = 1 << 20


def enabled() -> bool:
    """Not in CI, where every run starts afresh."""
    return not os.environ.get("CI")


class Memory:
    """What is remembered of the specs of one call, and of their outputs for its targets.

    The installation is looked at once, so that hundreds of specs cost little.
    """

    def __init__(self, targets: "Iterable[str]" = (), specs: "Iterable[str]" = ()) -> None:
        self._targets = tuple(targets)
        self._specs = sorted({*map(os.path.abspath, specs)})
        self._installation = _installation()

    def knows(self, spec_path: str) -> bool:
        """Whether the outputs of a spec are known to be in sync, beside those of the others."""
        try:
            record = _load(self._record(spec_path))
            if record is None:
                return False
            digest, *pairs = record.split("\n")[:-1]
            root = root_of(spec_path)
            found = []
            for pair in pairs:
                target, path = pair.split("\t")
                found.append((target, path, _remembered(root, target, path)))
            return digest == self._digest(root, _read(spec_path), found)
        except (OSError, ValueError):
            return False

    def remember(self, spec_path: str, spec: bytes, outputs: list[tuple[str, str, bytes]]) -> None:
        """Note that these outputs, ``(target, path, bytes)``, agree with the spec; never fails.

        A folder of templates stands among them without a target, see ``of_templates``, and a file
        that the spec extends as one of BASE, a file of a package by its name there.
        """
        try:
            root = root_of(spec_path)
            record = self._record(spec_path)
            folder = os.path.dirname(record)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if not _trusted(os.lstat(folder)):
                return
            lines = [
                self._digest(root, spec, outputs),
                *(f"{target}\t{path}" for target, path, _ in outputs),
            ]
            from ci_kaniko.repository.files import write

            if os.path.lexists(record) and not os.path.isdir(record):
                os.unlink(record)
            write(record, "".join(f"{line}\n" for line in lines), mode=0o600)
        except (OSError, ValueError):
            pass

    def _record(self, spec_path: str) -> str:
        own = os.path.abspath(spec_path)
        others = [path for path in self._specs if path != own]
        key = "\0".join((own, *self._targets, *others))
        return os.path.join(_home(), "ci-kaniko", _hash([_path(key)])[:40])

    def _digest(self, root: str, spec: bytes, outputs: list[tuple[str, str, bytes]]) -> str:
        parts = [__version__.encode(), self._installation, _path(root), spec]
        for target, path, data in outputs:
            real = os.path.realpath(os.path.join(root, path))
            parts += [target.encode(), _path(path), _path(real), data]
        return _hash(parts)


def _remembered(root: str, target: str, path: str) -> bytes:
    """What an earlier run has read. Raises OSError."""
    if target == BASE and path.startswith(PREFIX):
        from ci_kaniko.repository.packages import file_of

        return _read(file_of(path) or path)
    file = os.path.join(root, path)
    return _read(file) if target else _folder(file)


def _load(path: str) -> str | None:
    """A record that only this user can have written."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _trusted(status):
            return None
        return file.read(_MAX_RECORD).decode()


def _trusted(status: os.stat_result) -> bool:
    """Whether only this user can have written it."""
    own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return own and (os.name == "nt" or not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _home() -> str:
    """Where a user's caches lie. Raises ValueError when nothing tells."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(home):
        raise ValueError(home)
    return home


def _installation() -> bytes:
    """What this very ci-kaniko is made of: it changes while the version does not.

    A build has written down what it is made of; in a checkout every file is looked at.
    """
    own = os.path.dirname(os.path.abspath(__file__))
    try:
        return _read(os.path.join(own, MADE_OF))
    except OSError:
        pass
    package, seen = os.path.dirname(own), []
    folders = [package, os.path.join(package, "../../templates")]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders += [entry.path] * (entry.name != "__pycache__")
                    else:
                        status = entry.stat()
                        seen.append(f"{entry.name} {status.st_mtime_ns} {status.st_size}")
        except OSError:
            seen.append(folder)
    return _path("\n".join(sorted(seen)))


def of_templates(files: dict[str, bytes]) -> bytes:
    """What is remembered of a folder of templates."""
    return _hash([part for name in sorted(files) for part in (_path(name), files[name])]).encode()


def _folder(path: str) -> bytes:
    names = [name for name in os.listdir(path) if name.endswith(ENDING)]
    return of_templates({name: _read(os.path.join(path, name)) for name in names})


def _read(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(path)
    with open(path, "rb") as file:
        return file.read()


def _path(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _hash(parts: list[bytes]) -> str:
    try:
        from _blake2 import blake2b  # hashlib loads OpenSSL, and that takes longer than a check
    except ImportError:
        from hashlib import blake2b

    return blake2b(
        b"".join(b"%d:%s" % (len(part), part) for part in parts), digest_size=32
    ).hexdigest()
