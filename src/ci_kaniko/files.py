"""Files of a repository: where they really are, reading them, replacing them whole."""

from __future__ import annotations

import contextlib
import os
import stat

_SUFFIX = ".ci-kaniko"


class OutsideRepository(Exception):
    """A path leads out of the repository."""


def inside(root: str, path: str) -> str:
    """The file that ``path`` names below ``root``, symbolic links followed.

    Raises OutsideRepository when it is not below the root.
    """
    root = os.path.realpath(root)
    found = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath([root, found]) != root or found == root:
        raise OutsideRepository(path)
    return found


def read_text(path: str) -> str | None:
    """The text of a file, line ends as they are; None when there is no file.

    Raises OSError, UnicodeDecodeError.
    """
    try:
        with open(path, "rb") as file:
            return file.read().decode()
    except FileNotFoundError:
        return None


def write(path: str, text: str) -> None:
    """Replace a file with ``text`` in UTF-8 with LF, so that a crash leaves the old or the new one.

    A temporary file in the same folder is written, flushed to disk and renamed; the mode of an
    existing file is kept. What an earlier, killed run left behind is removed. Raises OSError.
    """
    folder, name = os.path.split(os.path.abspath(path))
    _remove_litter(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}{_SUFFIX}")
    try:
        with open(temporary, "wb", opener=_private) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _flush_folder(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _remove_litter(folder: str, name: str) -> None:
    for entry in os.listdir(folder):
        if entry.startswith(f".{name}.") and entry.endswith(_SUFFIX):
            owner = entry[len(name) + 2 : -len(_SUFFIX)]
            if owner.isdigit() and not _is_running(int(owner)):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, entry))


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _mode(path: str) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _flush_folder(folder: str) -> None:
    """Make the rename itself durable, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
