"""Small grammars: what a text, a path, a duration, a host or a name may look like."""

from __future__ import annotations

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.problems.problem import meant
from ci_kaniko.text.display import has_login, has_token
from ci_kaniko.text.patterns import pattern

_CONTROL = pattern("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_DURATION_PART = pattern(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION = pattern(rf"[+-]?(?:{_DURATION_PART.pattern})+|[+-]?0")
_DURATION_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9}
_DURATION_UNITS |= {"m": 60e9, "h": 3600e9}
_LONGEST_DURATION = 2**63 - 1
_WORDS_OF_TIME = pattern(r"([0-9]+) *(d|days?|w|weeks?|hours?|min(?:ute)?s?|seconds?)")
_HOURS = {"d": 24, "w": 24 * 7}
_HOST_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = pattern(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?")
_WRITTEN = pattern(r"(\$\{[^}]*\})|[^$]+")
_REPOSITORY = r"[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*"
_IMAGE = pattern(
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?/)?"
    rf"{_REPOSITORY}(?:/{_REPOSITORY})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@sha256:[0-9a-f]{64})?"
)
_IDENTIFIER = pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_OBJECT_NAME = pattern(rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*")
_PLATFORM = pattern(r"[a-z0-9]+/[a-z0-9]+(?:/[a-z0-9]+)?")
# Go's for Linux: the list of "go tool dist list".
_ARCHITECTURES = (
    *("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64"),
    *("ppc64le", "riscv64", "s390x"),
)
_OTHER_NAMES = {
    **dict.fromkeys(("x86_64", "x86-64", "x64"), "amd64"),
    **dict.fromkeys(("aarch64", "armv8", "arm64v8"), "arm64"),
    **dict.fromkeys(("armv7", "armv7l", "armhf", "arm32v7"), "arm/v7"),
    **dict.fromkeys(("armv6", "armv6l", "armel", "arm32v6"), "arm/v6"),
    **dict.fromkeys(("i386", "i686", "x86"), "386"),
    **dict.fromkeys(("ppc64el", "powerpc64le"), "ppc64le"),
    "loongarch64": "loong64",
}
_ALTERNATIONS = pattern(r"[A-Za-z][0-9]")
_NAMED = pattern(
    r"\$(\w+)|\$\{(?:env\.)?(\w+)\}|\$\{\{ *(?:secrets|vars|env)\.(\w+) *\}\}", re.ASCII
)
_LIKE_A_SECRET = pattern(
    r"(?i)_|token|secret|pass|pwd|key|auth|cred|login|user|config|cert|json|pat$"
)
_CONFIG_NAME = pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
_VERSION = pattern(r"v[0-9]+\.[0-9]+\.[0-9]+")


def check_text(text: str, *, newlines: bool = False) -> str:
    """Raise Refused for what would not reach the executor unharmed or looks like a secret."""
    for found in () if text.isprintable() else _CONTROL.finditer(text):
        character = found.group()
        if newlines and character == "\n":
            continue
        if character == "\n":
            raise Refused(
                "bad-character",
                "a line break cannot stand here",
                "only build args, labels and annotations may have several lines",
            )
        raise Refused(
            "bad-character",
            f"the character U+{ord(character):04X} cannot be passed on unharmed",
            "remove it, or produce it inside the Dockerfile",
        )
    if has_token(text):
        raise _written_secret()
    if has_login(text):
        raise Refused(
            "written-secret",
            "a URL with a login in it ends up in logs and process lists",
            "leave out what stands before the @; git: {token: NAME} opens a private repository",
            secret=True,
        )
    return text


def is_identifier(text: str) -> bool:
    """Whether ``text`` can name a shell variable."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_variable_name(text: str) -> bool:
    """Whether ``text`` can name an environment variable in every YAML file, as a plain key."""
    return is_identifier(text) and text.lower() not in _YAML_WORDS


def is_commit(text: str) -> bool:
    """Whether ``text`` is the full id of a commit."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def is_object_name(text: str) -> bool:
    """Whether ``text`` can name a Kubernetes object (a DNS subdomain)."""
    return len(text) <= 253 and _OBJECT_NAME.fullmatch(text) is not None


def check_secret_name(text: str) -> str:
    """Raise Refused for what cannot name a secret; it may be one, so it is not repeated."""
    if has_token(text) or _is_random(text):
        raise _written_secret()
    found = _NAMED.fullmatch(text)
    if found and is_secret_name(name := found.group(1) or found.group(2) or found.group(3)):
        raise Refused("bad-secret-name", "a secret is named by its bare name", f"write {name}")
    if is_variable_name(text) and not is_secret_name(text):
        raise Refused(
            "bad-secret-name",
            "this looks like the secret itself, not like its name",
            "a name such as REGISTRY_PASSWORD; the value itself belongs in the CI's settings",
            secret=True,
        )
    if not is_variable_name(text):
        raise Refused(
            "bad-secret-name",
            "this is not the name of a secret",
            "names are letters, digits and _, such as REGISTRY_PASSWORD; "
            "the value itself belongs in the CI's settings",
            secret=True,
        )
    return text


def is_secret_name(text: str) -> bool:
    """Whether people call a secret that: in capitals, of several words, or by what it is."""
    known = text.isupper() or _LIKE_A_SECRET.search(text) is not None
    return known and is_variable_name(text) and not has_token(text) and not _is_random(text)


def names_a_secret(text: str) -> bool:
    """Whether a text is a name, with or without the marks of a variable around it."""
    found = _NAMED.fullmatch(text)
    return is_identifier(text) or (
        found is not None and any(map(is_secret_name, filter(None, found.groups())))
    )


def check_config_name(text: str) -> str:
    """Raise Refused for what cannot name a variable, a secret or a Kubernetes object."""
    if has_token(text):
        raise _written_secret()
    if not _CONFIG_NAME.fullmatch(text):
        raise Refused(
            "bad-docker-config",
            "this is not the name of a ready docker config",
            "name the variable or the Secret that holds it; its content never stands in a spec",
            secret=True,
        )
    return text


def _is_random(text: str) -> bool:
    """Whether letters and digits alternate as in no name that people give."""
    return len(text) >= 20 and "_" not in text and len(_ALTERNATIONS.findall(text)) >= 5


def _written_secret() -> Refused:
    return Refused(
        "written-secret",
        "this looks like a credential; a spec never holds one",
        "revoke it, store the new one as a secret of the CI and write the secret's name",
        secret=True,
    )


def check_build_arg_name(text: str) -> str:
    """Raise Refused for what is not the name of a Dockerfile ARG."""
    check_text(text)
    if not is_identifier(text):
        plain = re.sub(r"[ .-]", "_", text.strip())
        raise Refused(
            "bad-build-arg",
            f"{quoted(text)} is not a build arg name",
            f"write {plain}"
            if is_identifier(plain)
            else "letters, digits and _, not beginning with a digit; the value follows a colon",
        )
    return text


def check_label_name(text: str) -> str:
    """Raise Refused for a bad label key: kaniko cuts at the first ``=``."""
    check_text(text)
    if not text or "=" in text or text != text.strip():
        raise Refused(
            "bad-label",
            f"{quoted(text)} is not a label name",
            'a name such as org.opencontainers.image.title, without "=" and outer blanks',
        )
    return text


def check_duration(text: str) -> str:
    """Raise Refused for what is no Go duration, https://pkg.go.dev/time#ParseDuration."""
    if not _DURATION.fullmatch(text):
        raise Refused("bad-duration", f"{quoted(text)} is not a duration", _duration_hint(text))
    parts = _DURATION_PART.findall(text)
    if sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts) > _LONGEST_DURATION:
        raise Refused(
            "bad-duration", f"{quoted(text)} is longer than a duration can be", "at most 2562047h"
        )
    return text


def _duration_hint(text: str) -> str:
    found = _WORDS_OF_TIME.fullmatch(text)
    if not found:
        return "such as 336h or 1h30m; a day is 24h"
    number, unit = int(found.group(1)), found.group(2)[0]
    return f"write {number * _HOURS[unit]}h" if unit in _HOURS else f"write {number}{unit}"


def check_platform(text: str) -> str:
    """Raise Refused for what is not ``os/arch`` or ``os/arch/variant``, and for no architecture."""
    message = f"{quoted(text)} is not a platform"
    name = text.lower().removeprefix("linux/")
    if other := _OTHER_NAMES.get(name) or (name if name in _ARCHITECTURES else ""):
        if text != f"linux/{other}":
            raise Refused("bad-platform", message, f"write linux/{other}")
    elif not _PLATFORM.fullmatch(text):
        hint = "os/arch or os/arch/variant, such as linux/amd64 or linux/arm64/v8"
        raise Refused("bad-platform", message, hint)
    elif text.startswith("linux/") and name.split("/")[0] not in _ARCHITECTURES:
        known = [f"linux/{each}" for each in _ARCHITECTURES]
        raise Refused("bad-platform", message, meant(text, known))
    return text


def _lowered(found: re.Match[str]) -> str:
    """A piece of a text in lower case, but not the name of a variable."""
    return found[1] or found[0].lower()


_SHORT_HOSTS = {
    **dict.fromkeys(("docker", "dockerhub", "docker-hub"), "docker.io"),
    **{name: f"{name}.io" for name in ("gcr", "ghcr", "quay")},
}
"""What people call a registry for short."""


def check_host(text: str) -> str:
    """Raise Refused for what is no registry host as kaniko compares it: exact, in lower case."""
    hint = "the host and, where needed, its port, such as registry.example.com:5000"
    if text.lower() in _SHORT_HOSTS:
        hint = f"write {_SHORT_HOSTS[text.lower()]}"
    if "://" in text:
        host = text.partition("://")[2].partition("/")[0].lower()
        raise Refused(
            "bad-host",
            f"{quoted(text)} has a scheme, and a host has none",
            f"write {host}" if is_host(host) else hint,
        )
    lowered = _WRITTEN.sub(_lowered, text)
    if lowered != text:
        raise Refused("bad-host", f"{quoted(text)} is not lower case", f"write {lowered}")
    if "/" in text:
        host = text.partition("/")[0]
        raise Refused(
            "bad-host",
            f"{quoted(text)} has a path, and a login is for a host",
            f"write {host}" if is_host(host) else hint,
        )
    if not is_host(text):
        raise Refused("bad-host", f"{quoted(text)} is not a registry host", hint)
    return text


def is_host(text: str) -> bool:
    """Whether ``text`` can be a registry: a dot, a port or ``localhost`` tells it from a path."""
    if not _HOST.fullmatch(text):
        return False
    port = text.rpartition(":")[2] if ":" in text and not text.endswith("]") else ""
    return ("." in text or ":" in text or text == "localhost") and (
        not port or 0 < int(port) < 65536
    )


def is_image(text: str) -> bool:
    """Whether ``text`` is a reference by the grammar that all runtimes share."""
    return _IMAGE.fullmatch(text) is not None


def check_version(text: str) -> str:
    """Raise Refused for what is no release tag of kaniko."""
    if not _VERSION.fullmatch(text):
        plain = f"v{text.removeprefix('v').removesuffix('-debug').removesuffix('-slim')}"
        raise Refused(
            "bad-version",
            f"{quoted(text)} is not a kaniko version",
            f"write {plain}"
            if _VERSION.fullmatch(plain)
            else "a full release such as v1.28.3; moving tags (latest, debug) are never used",
        )
    return text


def check_digest(text: str) -> str:
    """Raise Refused for what is no sha256 digest of an image."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise Refused(
            "bad-digest", f"{quoted(text)} is not a digest", "sha256: and 64 hexadecimal digits"
        )
    return text


def file_stem(path: str) -> str:
    """The name of a file without its folders and its ending.

    >>> file_stem(".github/workflows/docs.site.yml")
    'docs.site'
    """
    return path.rpartition("/")[2].rpartition(".")[0]


def inside_repository(text: str, base: str = ".") -> str | None:
    """``text`` below ``base`` as a normal path from the repository root; None when it leaves it."""
    whole = text if base == "." else f"{base}/{text}"
    if whole and "." not in whole and "//" not in f"/{whole}/":
        return whole
    parts: list[str] = []
    for part in f"{base}/{text}".split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or "."


def check_path(text: str, *, what: str = "path") -> str:
    """Raise Refused for a text that is no path in the repository."""
    check_text(text)
    check_inside(text, what=what)
    return text


def check_inside(text: str, *, what: str) -> None:
    """Raise Refused for a path that is not relative, or that leaves the repository."""
    if not text:
        raise Refused("bad-path", f"the {what} is empty", "the repository's root is .")
    if "\\" in text:
        raise Refused(
            "bad-path",
            f"{quoted(text)} has a backslash; the parts of a path are joined by /",
            "write " + text.replace("\\", "/"),
        )
    if text.startswith("/"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is absolute; paths start at the repository root",
            f"write {text.lstrip('/') or '.'}",
        )
    if text.startswith("~"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is not inside the repository",
            "a CI job has the repository and nothing beside it",
        )
    if inside_repository(text) is None:
        raise Refused(
            "bad-path",
            f"{quoted(text)} leaves the repository",
            "a CI job has the repository and nothing beside it",
        )


_STAGE = pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def is_stage(text: str) -> bool:
    """Whether a stage of a Dockerfile can be called so."""
    return _STAGE.fullmatch(text) is not None
