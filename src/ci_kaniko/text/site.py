"""Where the pages are: who has installed ci-kaniko has no docs folder to look into."""

_SITE = "https://ci-kaniko.github.io/ci-kaniko/"


def page(place: str) -> str:
    """The address of a page, or of a part of one.

    >>> page("spec/#variables")
    'https://ci-kaniko.github.io/ci-kaniko/spec/#variables'
    """
    return f"{_SITE}{place}"
