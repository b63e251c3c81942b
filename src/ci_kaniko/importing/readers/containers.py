"""Containers of a pod or of a task: what they run, with which environment and mounts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Text, Var, Word, join, starts_with, without_head
from ci_kaniko.importing.jobs import Job, Mounted, Secret
from ci_kaniko.importing.readers.documents import (
    Map,
    line_of,
    mapping,
    sequence,
    string,
)
from ci_kaniko.importing.readers.scripts import script_calls
from ci_kaniko.kaniko.flags import short_names, switches

if TYPE_CHECKING:
    from collections.abc import Iterator


_KUBELET = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_EXECUTOR = re.compile(r"(?:^|/)executor$")


def is_executor_image(image: str) -> bool:
    """Whether an image is kaniko's executor by its name."""
    name = image.partition("@")[0]
    return "kaniko" in name and "warmer" not in name


def runs_executor(container: Map) -> bool:
    """Whether a container runs the executor."""
    words = [string(item) for key in ("command", "args") for item in sequence(container.get(key))]
    image = string(container.get("image"))
    if any(_EXECUTOR.search(word) or "/kaniko/executor" in word for word in words):
        return True
    flags = any(
        word.startswith(("--destination", "--context", "--dockerfile", "-d", "--no-push"))
        for word in words
    )
    return is_executor_image(image) and (flags or not string_list(container.get("command")))


def string_list(value: Any) -> list[str]:
    """The texts of a list."""
    return [string(item) for item in sequence(value)]


def read_environment(job: Job, container: Map) -> None:
    """What the container's environment is."""
    for item in sequence(container.get("env")):
        entry = mapping(item)
        name = string(entry.get("name"))
        source = mapping(entry.get("valueFrom"))
        reference = mapping(source.get("secretKeyRef"))
        if reference:
            secret = Secret(string(reference.get("key")), string(reference.get("name")))
            job.secrets[name] = secret
        elif source:
            job.environment[name] = (Var(name),)
        else:
            job.environment[name] = expanded(string(entry.get("value")), job.environment)
    for item in sequence(container.get("envFrom")):
        reference = mapping(mapping(item).get("secretRef"))
        if reference:
            job.left(
                "env-from",
                f"every key of the Secret {string(reference.get('name'))} is in the environment",
                line_of(item),
                "the spec names each secret that it needs",
            )
            job.plain_secrets = True


def expanded(text: str, environment: dict[str, Text]) -> Text:
    """A text after the kubelet: ``$(NAME)`` replaced, ``$$`` halved."""
    parts: list[Any] = []
    at = 0
    for match in _KUBELET.finditer(text):
        parts.append(text[at : match.start()])
        at = match.end()
        name = match[1]
        if name is None:
            parts.append("$")
        elif name in environment:
            parts += environment[name]
        else:
            parts.append(match.group())
    return join([*parts, text[at:]])


def calls_of(job: Job, container: Map) -> tuple[Call, ...]:
    """What a container calls: by its arguments, or in the script that it runs."""
    job.hide_secrets()
    command = sequence(container.get("command"))
    arguments = sequence(container.get("args"))
    words = [*command, *arguments]
    texts = [string(word) for word in words]
    known = {**job.environment, **{name: (Var(name),) for name in job.secrets}}
    script = _script(texts)
    if script is not None:
        at = words[script]
        text = texts[script]
        halved = _KUBELET.sub(lambda found: "$" if found[1] is None else found.group(), text)
        job.script_text = halved
        return script_calls(job, halved, line=getattr(at, "first", line_of(at)))
    job.has_shell = False
    start = 0
    if texts and _EXECUTOR.search(texts[0]):
        start = 1
    found: list[Word] = []
    for word in words[start:]:
        value = expanded(string(word), known)
        found.append(Word(value, line=line_of(word)))
        if len(value) == 1 and isinstance(value[0], str) and re.search(r"<[^>]+>", value[0]):
            continue
        if re.search(r"(?<!\$)\$\{?[A-Z_]", string(word)) and "$(" not in string(word):
            job.left(
                "unexpanded-variable",
                f"{string(word)} is passed as it stands: no shell replaces variables there",
                line_of(word),
                "write the portable variable",
            )
    return (call_of(found, job.line),)


def call_of(words: list[Word], line: int) -> Call:
    """The call that arguments make where no shell reads them."""
    normal = normal_words(words)
    return Call(normal, pushed=_pushed(normal), line=line)


def _script(texts: list[str]) -> int | None:
    """Where the script stands in ``sh -c SCRIPT``."""
    if not texts:
        return None
    shell = re.search(r"(?:^|/)(?:sh|ash|bash|dash)$", texts[0])
    for at, text in enumerate(texts):
        flag = re.fullmatch(r"-[a-z]*c[a-z]*", text)
        if shell and flag and at + 1 < len(texts):
            return at + 1
    if len(texts) == 1 and "/kaniko/executor " in texts[0]:
        return 0
    return None


_SWITCHES = switches()
_SHORT = {
    f"-{letter}": f"--{name}" for letter, name in short_names().items() if name not in _SWITCHES
}


def normal_words(words: list[Word]) -> tuple[Word, ...]:
    """Arguments with ``--flag value``, ``-d value`` and ``-dvalue`` as ``--flag=value``."""
    found: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        text = "".join(part if isinstance(part, str) else "\0" for part in word.text)
        if text in _SHORT and rest:
            value = rest.pop(0)
            found.append(_joined(_SHORT[text], value, word))
            continue
        if text[:2] in _SHORT and not re.fullmatch(r"-[A-Za-z-]+(?:=.*)?", text, re.DOTALL):
            value = replace(word, text=(str(word.text[0])[2:], *word.text[1:]))
            found.append(_joined(_SHORT[text[:2]], value, word))
            continue
        name = re.fullmatch(r"--?([A-Za-z][A-Za-z-]*)", text)
        if name and name[1] not in _SWITCHES and rest and not starts_with(rest[0].text, "--"):
            found.append(_joined(text if text.startswith("--") else f"-{text}", rest.pop(0), word))
            continue
        found.append(word)
    return tuple(found)


def _joined(flag: str, value: Word, word: Word) -> Word:
    return Word(join((f"{flag}=", *value.text)), word.when, value.split, word.line)


def _pushed(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """What is pushed where nothing is conditional."""
    texts = ["".join(p if isinstance(p, str) else "\0" for p in word.text) for word in words]
    if any(text in ("--no-push", "--no-push=true") for text in texts):
        return ()
    return tuple(
        replace(word, text=without_head(word.text, "--destination="))
        for word in words
        if starts_with(word.text, "--destination=")
    )


def volumes_of(pod: Map) -> dict[str, Map]:
    """The volumes of a pod or of a task by their names."""
    return {
        string(mapping(item).get("name")): mapping(item) for item in sequence(pod.get("volumes"))
    }


def mounts_of(container: Map, volumes: dict[str, Map]) -> list[Mounted]:
    """The secrets that are mounted into a container."""
    found = []
    for item in sequence(container.get("volumeMounts")):
        entry = mapping(item)
        path = string(entry.get("mountPath"))
        volume = volumes.get(string(entry.get("name")))
        if volume is None:
            continue
        sub = string(entry.get("subPath"))
        for store, items in _secrets(volume):
            files = {string(m.get("path")): string(m.get("key")) for m in items}
            if sub:
                files = {sub: files.get(sub, sub)}
            ready = path.rstrip("/").endswith((".docker", ".docker/config.json"))
            ready = ready or any(file == "config.json" for file in files)
            found.append(Mounted(path.rstrip("/") or "/", store, files, ready))
    return found


def claims_of(container: Map, volumes: dict[str, Map]) -> dict[str, str]:
    """The claims that are mounted into a container, by their paths."""
    found = {}
    for item in sequence(container.get("volumeMounts")):
        entry = mapping(item)
        volume = volumes.get(string(entry.get("name")), Map())
        claim = string(mapping(volume.get("persistentVolumeClaim")).get("claimName"))
        if claim and not entry.get("subPath"):
            found[string(entry.get("mountPath")).rstrip("/")] = claim
    return found


def _secrets(volume: Map) -> Iterator[tuple[str, list[Map]]]:
    secret = mapping(volume.get("secret"))
    if secret:
        yield string(secret.get("secretName")), [mapping(m) for m in sequence(secret.get("items"))]
    for source in sequence(mapping(volume.get("projected")).get("sources")):
        inner = mapping(mapping(source).get("secret"))
        if inner:
            yield string(inner.get("name")), [mapping(m) for m in sequence(inner.get("items"))]
    config = mapping(volume.get("configMap"))
    if config and "docker" in string(config.get("name")):
        yield string(config.get("name")), [mapping(m) for m in sequence(config.get("items"))]
