"""The names of the files that a spec extends."""

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import Annotated, Any
from ci_kaniko.repository.discovery import PREFIX
from ci_kaniko.spec.fields import LIST_OR_ONE, UNSAID, Reads, check_plain
from ci_kaniko.spec.lists import read_each
from ci_kaniko.text.patterns import pattern

_PACKAGE = pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_SUCH_AS = f"such as base.yaml, or {PREFIX}NAME/FILE of an installed Python package"


def check_base(text: str) -> None:
    """Raise Refused for what is no path of a repository or a package."""
    check_plain(text)
    if text.startswith(PREFIX):
        _check_package(text)
    elif "://" in text:
        message = f"{quoted(text)} is an address, and nothing is fetched"
        hint = f"a file of the repository, or {PREFIX}NAME/FILE of an installed Python package"
        raise Refused("bad-base", message, hint)
    elif not text or text.endswith("/") or text.startswith(("/", "~")) or "\\" in text:
        message = f"{quoted(text)} is no file of the repository"
        raise Refused("bad-base", message, _SUCH_AS)


def _check_package(text: str) -> None:
    package, _, path = text.removeprefix(PREFIX).partition("/")
    if not _PACKAGE.fullmatch(package):
        message = f"{quoted(package)} is not what a Python package is imported as"
        imported = package.replace("-", "_").partition(".")[0]
        named = _PACKAGE.fullmatch(imported) and path
        hint = f"write {PREFIX}{imported}/{path}" if named else f"{PREFIX}NAME/FILE"
        raise Refused("bad-base", message, hint)
    if not path or path.endswith("/") or path.startswith("/"):
        message = f"{quoted(text)} names no file of the package"
        raise Refused("bad-base", message, f"{PREFIX}{package}/FILE")
    if ".." in path.split("/") or "\\" in path:
        message = f"{quoted(path)} leads out of the package {quoted(package)}"
        raise Refused("bad-base", message, "the path of a file below the package")


def read_bases(value: Any) -> tuple[str, ...]:
    """The files that a spec names. Raises Refused."""
    return tuple(read_each(value, check_base, "extends"))


Bases = Annotated["tuple[str, ...]", Reads(read_bases, LIST_OR_ONE), UNSAID]
