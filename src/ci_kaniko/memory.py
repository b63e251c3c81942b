"""What was verified to be in sync, remembered between runs.

A record says only that a spec and its files were seen to agree: a hash over the version, the spec,
and each target, path and text. It can save the work of finding that out again; it never holds or
changes a byte of any of them, and a record that is damaged, foreign or old is no record.
"""

from __future__ import annotations

import contextlib
import os
import stat

from ci_kaniko import __version__

_MAX_RECORD = 1 << 20


def enabled() -> bool:
    """Not in CI, where every run starts afresh."""
    return not os.environ.get("CI")


def recall(spec_path: str, targets: tuple[str, ...] = ()) -> list[str] | None:
    """The paths of a spec's outputs when they are known to be in sync, else None."""
    try:
        with open(_record(spec_path, targets), "rb") as file:
            status = os.fstat(file.fileno())
            if not _trusted(status, stat.S_IRWXG | stat.S_IRWXO):
                return None
            lines = file.read(_MAX_RECORD).decode().split("\n")
        digest, *pairs = lines[:-1]
        outputs = [tuple(pair.split("\t")) for pair in pairs]
        if digest == _digest(spec_path, [(target, path) for target, path in outputs]):
            return [path for _, path in outputs]
    except (OSError, ValueError):
        return None
    return None


def remember(spec_path: str, targets: tuple[str, ...], outputs: list[tuple[str, str]]) -> None:
    """Note that these ``(target, absolute path)`` outputs agree with the spec; never fails."""
    if any("\t" in path or "\n" in path for _, path in outputs):
        return
    with contextlib.suppress(OSError, ValueError):
        record = _record(spec_path, targets)
        folder = os.path.dirname(record)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not _trusted(os.lstat(folder), stat.S_IRWXG | stat.S_IRWXO):
            return
        lines = [_digest(spec_path, outputs), *("\t".join(pair) for pair in outputs)]
        _replace(record, "".join(f"{line}\n" for line in lines).encode())


def _trusted(status: os.stat_result, forbidden: int) -> bool:
    """Whether only this user can have written it."""
    own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return own and (os.name == "nt" or not status.st_mode & forbidden)


def _replace(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _record(spec_path: str, targets: tuple[str, ...]) -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(home):
        raise ValueError(home)
    key = "\0".join((os.path.realpath(spec_path), *targets))
    return os.path.join(home, "ci-kaniko", _hash(key.encode("utf-8", "surrogateescape"))[:40])


def _digest(spec_path: str, outputs: list[tuple[str, str]]) -> str:
    parts = [__version__.encode(), _read(spec_path)]
    for target, path in outputs:
        parts += [target.encode(), path.encode("utf-8", "surrogateescape"), _read(path)]
    return _hash(b"".join(b"%d:%s" % (len(part), part) for part in parts))


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _hash(data: bytes) -> str:
    from hashlib import blake2b

    return blake2b(data, digest_size=32).hexdigest()
