"""Which releases of ci-kaniko may read a spec."""

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated
from ci_kaniko.source.nodes import Scalar
from ci_kaniko.spec.fields import STRING, Reads, check_present, checked

if TYPE_CHECKING:
    from ci_kaniko.source.source import Source


def _example(version: str) -> str:
    """What this release and those after it say until they break something.

    >>> _example("0.1.0"), _example("2.4.1")
    ('such as >=0.1,<1', 'such as >=2.4,<3')
    """
    major, minor = version.split(".")[:2]
    return f"such as >={major}.{minor},<{int(major) + 1}"


def _check(text: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from ci_kaniko import __version__

    check_present(text)
    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier:
        message = f"{quoted(text)} does not say which releases"
        raise Refused("bad-requires", message, _example(__version__)) from None
    if not wanted.contains(__version__, prereleases=True):
        from ci_kaniko.repository.installation import install

        message = f"the spec requires ci-kaniko {text}, and this is another release"
        hint = f"ci-kaniko --version says which; {install(f'ci-kaniko{text}')}"
        raise Refused("other-release", message, hint)


Requires = Annotated[str, Reads(checked(_check), STRING)]


def check_release(source: "Source") -> None:
    """Raise SpecError for a file that another release has to read, whatever else is in it."""
    node = source.root.get("requires")
    if not isinstance(node, Scalar) or not node.text:
        return
    try:
        _check(node.text)
    except Refused as refused:
        if refused.rule == "other-release":
            problem = source.problem(refused.rule, refused.message, node, refused.hint)
            raise SpecError([problem]) from None
