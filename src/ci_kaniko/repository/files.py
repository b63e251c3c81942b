"""Files of a repository: where they really are, reading them, replacing them whole.

A crash leaves the old file or the new one, and nothing beside it. On Linux the new text has no
name until it is on disk. A new file gets its name in one step. Replacing a file takes two, so a
child process takes them: when we are killed it finishes, and when it is killed we clean up. Only
where both are killed between two system calls, or where a system has no unnamed files, may
``.ci-kaniko-<16 hex digits>`` stay behind, until the next run removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from ci_kaniko.quick.hints import TYPE_CHECKING, NoReturn

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREFIX = ".ci-kaniko-"


class OutsideRepository(Exception):
    """A path leads out of the repository, or into what git keeps there."""


def inside(root: str, path: str) -> str:
    """The file that ``path`` names below ``root``, symbolic links followed.

    Raises OutsideRepository when it is not below the root, or in ``.git``.
    """
    root = os.path.realpath(root)
    found = os.path.realpath(os.path.join(root, path))
    try:
        below = os.path.relpath(found, root).split(os.sep)
    except ValueError:  # another drive of Windows
        raise OutsideRepository(path) from None
    if below[0] in {os.curdir, os.pardir} or ".git" in map(str.lower, below):
        raise OutsideRepository(path)
    return found


def read_bytes(path: str) -> bytes | None:
    """What a regular file holds; None when there is no file.

    Raises OSError: IsADirectoryError for a folder.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write(path: str, text: str, *, mode: int | None = None, new_folders: bool = False) -> None:
    """Replace a file with ``text`` in UTF-8 with LF, so that a crash leaves the old or the new one.

    The mode and owner of an existing file are kept, ``mode`` is that of a new one. What an
    earlier, killed run left behind is removed. Raises OSError; its ``filename`` is ``path``.
    """
    target = os.path.abspath(path)
    folder = os.path.dirname(target)
    missing = _missing_folders(folder) if new_folders else []
    try:
        existing = _existing(target)
        if missing:
            home = os.path.dirname(missing[0])
        else:
            home = folder
            _remove_litter(folder)
        wished = mode if existing is None else stat.S_IMODE(existing.st_mode)
        temporary = os.path.join(folder, _PREFIX + os.urandom(8).hex())
        with _undone_on_failure(temporary, missing):
            handle = _unnamed(home, wished)
            if handle is None:
                _write_named(target, temporary, text.encode(), existing, wished, missing)
            else:
                with open(handle, "wb") as file:
                    _fill(file.fileno(), text.encode(), existing, wished)
                    _publish(file.fileno(), target, temporary, missing)
        _flush_folder(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), path) from error


def _missing_folders(folder: str) -> list[str]:
    """The folders that do not exist yet, outermost first."""
    missing: list[str] = []
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        missing.insert(0, folder)
        folder = os.path.dirname(folder)
    return missing


def _existing(path: str) -> os.stat_result | None:
    """The status of the file that is replaced. Raises OSError when it must not be."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return status


def _unnamed(folder: str, mode: int | None) -> int | None:
    """An unnamed file, which can be given a name later; None where there is no such thing."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        handle = os.open(folder, flag | os.O_WRONLY, 0o666 if mode is None else mode)
    except OSError:
        return None
    _lock(handle)
    return handle


def _fill(handle: int, data: bytes, existing: os.stat_result | None, mode: int | None) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    if existing is not None and hasattr(os, "fchown"):
        current = os.fstat(handle)
        if (current.st_uid, current.st_gid) != (existing.st_uid, existing.st_gid):
            with contextlib.suppress(OSError):
                os.fchown(handle, existing.st_uid, existing.st_gid)
    if mode is not None and hasattr(os, "fchmod"):
        os.fchmod(handle, mode)
    os.fsync(handle)


def _publish(handle: int, path: str, temporary: str, folders: Sequence[str]) -> None:
    """Give the unnamed file its name. What takes several steps is done by a child process."""
    if not folders and _link(handle, path):
        return
    child = _fork()
    if child is None:
        _name(handle, path, temporary, folders)
    elif child == 0:
        _finish(handle, path, temporary, folders)
    else:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            code = code if code > 0 else errno.EINTR
            raise OSError(code, os.strerror(code))


def _fork() -> int | None:
    """As os.fork; None where it is not safe, because of threads, or not possible."""
    try:
        return os.fork() if len(os.listdir("/proc/self/task")) == 1 else None
    except OSError:
        return None


def _finish(handle: int, path: str, temporary: str, folders: Sequence[str]) -> NoReturn:
    """The child process: Ctrl-C does not reach it; its exit status is an errno."""
    status = errno.EINTR
    try:
        os.setsid()
        _name(handle, path, temporary, folders)
        status = 0
    except OSError as error:
        status = error.errno or errno.EIO
    finally:
        os._exit(status)


def _name(handle: int, path: str, temporary: str, folders: Sequence[str]) -> None:
    """Make the folders, and the unnamed file the one at ``path``."""
    for folder in folders:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
    if not _link(handle, path):
        _link(handle, temporary)
        os.replace(temporary, path)


def _link(handle: int, path: str) -> bool:
    """Name an unnamed file; False when there is a file of that name."""
    try:
        # Only with a folder's handle does Python follow the link; the path is absolute.
        os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)
    except FileExistsError:
        return False
    return True


def _write_named(
    path: str,
    temporary: str,
    data: bytes,
    existing: os.stat_result | None,
    mode: int | None,
    folders: Sequence[str],
) -> None:
    """As everywhere: a temporary file in the same folder, renamed."""
    for folder in folders:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
    handle = _named(temporary, mode)
    with open(handle, "wb") as file:
        _fill(handle, data, existing, mode)
        if os.name == "nt":
            file.close()
        os.replace(temporary, path)


def _named(temporary: str, mode: int | None) -> int:
    """The temporary file, locked: until it is, another run may take it for litter."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        handle = os.open(temporary, flags, 0o666 if mode is None else mode)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


@contextlib.contextmanager
def _undone_on_failure(temporary: str, folders: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _undo(temporary, folders)
        raise


def _undo(temporary: str, folders: Sequence[str]) -> None:
    """Remove what an attempt made: the temporary file, and folders that are still empty."""
    with contextlib.suppress(OSError):
        if os.path.lexists(temporary):
            os.unlink(temporary)
        for folder in reversed(folders):
            if os.path.isdir(folder):
                os.rmdir(folder)


def _lock(handle: int) -> None:
    """Say that the file is in use, for as long as this process or its child lives."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _remove_litter(folder: str) -> None:
    """Remove what killed runs left behind."""
    entries: list[str] = []
    with contextlib.suppress(OSError):
        entries = os.listdir(folder)
    for entry in entries:
        tail = entry.removeprefix(_PREFIX)
        if len(tail) == 16 and entry != tail and not tail.strip("0123456789abcdef"):
            with contextlib.suppress(OSError):
                _remove_unused(os.path.join(folder, entry))


def _remove_unused(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.close(handle)
            handle = -1
        os.unlink(path)
    finally:
        if handle >= 0:
            os.close(handle)


def _flush_folder(folder: str) -> None:
    """Make the new name itself durable, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def in_submodule(root: str, path: str) -> bool:
    """Whether a submodule holds a path: it may not be fetched."""
    try:
        with open(os.path.join(root, ".gitmodules"), encoding="utf-8") as file:
            lines = [line.partition("=") for line in file.read(1 << 20).splitlines()]
    except (OSError, UnicodeDecodeError):
        return False
    modules = (value.strip() for name, _, value in lines if name.strip() == "path")
    return any(module and f"{path}/".startswith(f"{module}/") for module in modules)
