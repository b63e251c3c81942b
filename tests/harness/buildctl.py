"""In the place of ``buildctl-daemonless.sh``: its words, told to the BuildKit of a Docker daemon.

It speaks through ``docker buildx build``, whose words are few others: each word of buildctl has one
here, or the call fails. Contexts, Dockerfiles, ``RUN`` lines, secrets, logins, outputs and caches
are those of the real BuildKit. What is not: a daemon of this call's own, its file of settings and
its flags, of which just those pass that say what this daemon does anyway; ``RUN`` lines have no
network; and what is pushed keeps its times, so ``rewrite-timestamp`` is for files alone.
"""

from __future__ import annotations

import os
import posixpath
import sys

PLAIN = {
    "secret": "secret",
    "output": "output",
    "import-cache": "cache-from",
    "export-cache": "cache-to",
    "metadata-file": "metadata-file",
}
"""What both call by a word, with the same text behind it."""
OPTIONS = ("target", "platform")
PAIRS = ("build-arg", "label")
ALWAYS = ("--builder=default", "--progress=plain", "--provenance=false", "--network=none")


def translated(words: list[str]) -> list[str]:
    """What buildx is told; raises ValueError for a word that is not known, or not once."""
    verb, frontend, *others = words
    if (verb, frontend) != ("build", "--frontend=dockerfile.v0"):
        raise ValueError(words)
    told: list[str] = []
    places: dict[str, str] = {}
    for word in others:
        flag, mark, text = word.removeprefix("--").partition("=")
        name, _, value = text.partition("=")
        kind, colon, pair = text.partition(":")
        if not (word.startswith("--") and mark):
            raise ValueError(word)
        if flag in PLAIN:
            told.append(f"--{PLAIN[flag]}={_unpacked(text)}")
        elif flag == "opt" and name in OPTIONS:
            told.append(f"--{name}={value}")
        elif flag == "opt" and colon and kind in PAIRS:
            told.append(f"--{kind}={pair}")
        elif (flag, name) in {("opt", "filename"), ("opt", "context")} and name not in places:
            places[name] = value
        elif flag == "local" and name in {"context", "dockerfile"} and f"in {name}" not in places:
            places[f"in {name}"] = value
        else:
            raise ValueError(word)
    if not any(word.startswith("--output=") for word in told):
        told.append("--output=type=cacheonly")
    return ["build", *ALWAYS, *told, *_placed(places)]


def _unpacked(text: str) -> str:
    """An output: Docker unpacks what it pushes, and times are never rewritten then."""
    return text.replace(",rewrite-timestamp=true", "") if text.startswith("type=image,") else text


def _placed(places: dict[str, str]) -> list[str]:
    """The Dockerfile and the context: folders, or what BuildKit fetches."""
    file = places.pop("filename")
    if [*places] == ["context"]:
        return [f"--file={file}", places["context"]]
    folder, context = places.pop("in dockerfile"), places.pop("in context")
    if places:
        raise ValueError(places)
    return [f"--file={posixpath.join(folder, file)}", context]


def check_daemon() -> None:
    """Raises ValueError for what its own daemon would be told, and this one is not."""
    flags = os.environ.get("BUILDKITD_FLAGS")
    if flags != "--oci-worker-no-process-sandbox":
        raise ValueError(flags)
    settings = os.path.expanduser("~/.config/buildkit/buildkitd.toml")
    if os.path.exists(settings):
        with open(settings, encoding="utf-8") as file:
            host, *said = file.read().splitlines()
        # Docker speaks plain HTTP with what is on its own machine.
        if not host.startswith('[registry."127.0.0.1:') or said != ["  http = true"]:
            raise ValueError(said)


if __name__ == "__main__":
    check_daemon()
    program = os.environ["BUILDX"]
    os.execv(program, [program, *translated(sys.argv[1:])])  # noqa: S606 - whose place it takes
