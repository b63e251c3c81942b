"""Where a call pushes, and when: destinations, their conditions, and the logins."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Call, Test, Text, Var, When, spell, split_text, variables
from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.shell.commands.executor import PLACEHOLDER
from ci_kaniko.importing.translate.conditions import (
    DEFAULT_TRIGGERS,
    Condition,
    both_ways,
    read,
    shown_when,
)
from ci_kaniko.importing.translate.images import host_of, lowered_text, split_tag
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.importing.translate.started import condition_of, one_repository, tell_versions
from ci_kaniko.syntax.conditions import REFS
from ci_kaniko.syntax.references import Reference

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work


def take_destinations(work: Work) -> None:
    found: list[tuple[dict[str, Any], Condition]] = []
    named = _where_named(work)
    lost, repositories = False, set()
    for word in work.call.pushed:
        if not word.text:
            continue
        when = both_ways(_where_there(work, both_ways(work.call.when, word.when)), named)
        repository, rest = one_repository(when)
        if repository and repository == (work.job.started.triggers or {}).get("repository"):
            when = rest
        condition = condition_of(work, when)
        for piece in _split_images(work, word.text, word.line):
            entry = _destination(work, piece, condition, when, word.line)
            if entry is not None:
                found.append((entry, condition))
            repositories.add(split_tag(spell(piece))[0])
            lost |= entry is None and all("when" in each for each, _ in found)
    # Beside the first of a run kaniko caches.
    work.first_is_lost = lost and len(repositories) > 1
    images = {spell(word.text) for call in work.job.calls for word in call.pushed}
    for flag in work.of("destination"):
        if spell(flag.value or ()) not in images:
            work.job.tell("never-pushed", flag.line, flag.shown)
    _tell_condition(work)
    _policy(work, [condition for _, condition in found])
    pushed: dict[Any, Any] = {}
    for entry, condition in found:
        asks = work.build.get("push") == "always" and not condition.requests
        add_destination(pushed, but_in_requests(entry, condition.spelled) if asks else entry)
    listed = [*pushed.values()]
    if not listed:
        # With push: never they push nothing, and say what is built.
        listed = [{"image": reference} for reference in dict.fromkeys(work.held_back)]
    if listed:
        work.build["destinations"] = [
            entry["image"] if {*entry} == {"image"} else entry for entry in listed
        ]
    _registries(work, listed)


def _where_named(work: Work) -> When:
    """Where each image has a whole name: without a branch to name it by, the builder stops."""
    found: When = ((),)
    started = work.job.started
    others = started.requests or (started.triggers or DEFAULT_TRIGGERS).get("tags")
    words = work.call.pushed if others else ()
    for word, var in ((each, var) for each in words for var in variables(each.text)):
        named: When = ((Test("set", (Var(var.name),)),),)
        if var.name in _OF_BRANCHES and not var.default:
            when = both_ways(work.call.when, word.when)
            if condition_of(work, both_ways(when, named)) != condition_of(work, when):
                work.job.tell("branch-alone", word.line, var.name)
                found = named
    return found


_OF_BRANCHES = {"CI_COMMIT_BRANCH", "AGOLA_GIT_BRANCH"}
"""What is empty in a run of a tag or of a pull request."""


def _where_there(work: Work, when: When) -> When:
    """A condition without the question for the files without which nothing is built anyway."""
    if work.fetched:
        return when
    file = posixpath.join(work.context, work.build.get("dockerfile", "Dockerfile"))
    needed = {posixpath.normpath(path) for path in (work.context, file)}
    asked = {
        test
        for tests in when
        for test in tests
        if test.kind == "file" and not test.negated and work.paths.inside(test.left) in needed
    }
    for test in asked:
        work.job.tell("file-asked", test.line, spell(test.left))
    return tuple(tuple(test for test in tests if test not in asked) for tests in when)


def add_destination(pushed: dict[Any, Any], entry: Any) -> None:
    """One more destination by its name; the same image twice is pushed where either is."""
    name = _pushed_name(image_of(entry))
    have = pushed.setdefault(name, entry)
    if have is entry:
        return
    both = [_when(have), _when(entry)]
    whens = [item for each in both for item in (each if isinstance(each, list) else [each])]
    unique = [item for index, item in enumerate(whens) if item not in whens[:index]]
    if None in unique:
        pushed[name] = have if _when(have) is None else entry
    else:
        when = unique[0] if len(unique) == 1 else unique
        pushed[name] = {"image": image_of(have), "when": when}


def but_in_requests(entry: Any, when: Any = None) -> Any:
    """An entry beside others that pull requests push; they do not push this one."""
    when = _when(entry) or when or [{side: "**"} for side in REFS]
    return {"image": image_of(entry), "when": when}


def image_of(entry: Any) -> str:
    """The image of an entry of ``destinations:``."""
    return str(entry if isinstance(entry, str) else entry["image"])


def _when(entry: Any) -> Any:
    return None if isinstance(entry, str) else entry.get("when")


@lru_cache(maxsize=4096)
def _pushed_name(image: str) -> Any:
    """What is pushed to: a name without a tag means one."""
    try:
        return Reference(image).pushed_name
    except ValueError:
        return image


def _tell_condition(work: Work) -> None:
    """Where a build runs, which no spec says; pushes tell of unknown tests, if there are any."""
    unknown = condition_of(work, work.call.when).unknown
    for test in () if work.call.pushed else unknown:
        work.job.tell("unknown-condition/build", test.line or work.call.line, test.text)
    built = _built(work.call)
    same = (call for call in work.job.calls if _built(call) == built)
    asked = (one_repository(call.when)[1] for call in same)
    together = condition_of(work, tuple(tests for when in asked for tests in when))
    started = work.job.started
    whole = together.always or together.covers(started.triggers or DEFAULT_TRIGGERS, 1)
    whole = whole and (together.requests or not started.requests)
    if work.call.pushed:
        # Without a word of what starts it, nobody knows that it is more.
        whole = whole or started.triggers is None or bool(together.narrowed)
    if not unknown and not whole:
        said = shown_when(work.call.when)
        work.job.tell("unknown-condition/build", work.call.line, said)


def _built(call: Call) -> set[str]:
    """What a call says but for where it pushes, and for how it names a commit."""
    words = {spell(word.text) for word in call.words}
    others = {word for word in words if not word.startswith(("--destination=", "--no-push"))}
    return {word.partition("#")[0] if word.startswith("--context=") else word for word in others}


def _split_images(work: Work, image: Text, line: int) -> list[Text]:
    written = spell(image)
    if not any(isinstance(part, str) and "," in part for part in image):
        return [image]
    work.job.tell("destination-list", line, written)
    return [piece for piece in split_text(image, ",") if piece]


def _destination(
    work: Work, image: Text, condition: Condition, asked: When, line: int
) -> dict[str, Any] | None:
    shown = spell(image)
    placeholder = re.search(rf"<[^<>]+>|{PLACEHOLDER.pattern}", shown)
    if placeholder:
        work.job.tell("placeholder", line, shown, placeholder.group())
        return None
    try:
        reference = reference_of(work, image, line)
    except NotPortable as reason:
        said = reason.message, reason.advice or "write it under destinations:"
        work.job.tell("not-portable/destination", line, shown, *said)
        return None
    if _is_narrowed_away(work, condition, asked, shown, reference, line):
        work.held_back.append(reference)
        return None
    ours = shown == reference or any(var.portable for var in variables(image))
    written = _as_written(work.job.written_at(line), shown) if ours else shown
    work.job.tell("destination", line, written, reference)
    whole = condition.covers(work.job.started.triggers or DEFAULT_TRIGGERS)
    when = None if whole else condition.spelled
    return {"image": reference} if when is None else {"image": reference, "when": when}


_MOST_SAID = 5
_WORD = r"((?:\$\{\{[^{}]*\}\}|(?!\$\{\{)[^\s\"'])+)"
_ARGUMENT = re.compile(rf"(?:--destination|--tag|-d|-t)(?:=|\s+|[\"'],\s*[\"'])[\"']?{_WORD}")
_MORE = re.compile(r"(?:^|\s)[\"']?\$[\w{@*]|--destination|--tag\b|\s-[dt]\b")
_OTHERS = re.compile(r"--(?:context|dockerfile|build-arg|label|cache-repo)[=\s]\s*\S+")
_LONGEST = 1_000
_ALONE = re.compile(rf"\s*(?:- )?(?:[\w-]+:\s+)?[\"']?(?![-/]|true\b){_WORD}[\"']?,?\s*(?:\\\s*)?")


def _as_written(row: str, shown: str) -> str:
    """A destination as its line has it, where nothing else on that line may be one."""
    if len(row) > _LONGEST or shown in row:
        return shown
    alone = _ALONE.fullmatch(row)
    if alone:
        return alone[1]
    before, *found = _ARGUMENT.split(row, maxsplit=1)
    beside = _OTHERS.sub(" ", f"{before} {found[-1]}") if found else "$*"
    return shown if _MORE.search(beside) or "$(" in found[0] else found[0]


def _is_narrowed_away(
    work: Work, condition: Condition, asked: When, shown: str, reference: str, line: int
) -> bool:
    """Whether a destination is left out: a spec would push more to it than was ``asked``, or never.

    What asks for a run that the spec does not start is told as a whole.
    """
    more = sorted(condition.without - set(condition.words))
    unknown = [(test.text, test.line) for test in condition.unknown]
    unknown += [(f"no {word} run, which triggers: start as well", line) for word in more]
    away = condition.never or bool(more)
    if not away:
        tell_versions(work.job, condition, line)
    elif not (unknown or condition.unstarted or read(asked, sides=REFS).never):
        work.job.tell("never-pushed/runs", line, shown, shown_when(asked))
    if found := unknown or [(shown_when(asked), line)] * (away and condition.unstarted):
        texts = [*dict.fromkeys(text for text, _ in found)]
        said = " and on: ".join([*texts[:_MOST_SAID], *["more"][: len(texts) > _MOST_SAID]])
        end = "it is not pushed" if away else "the spec leaves that case out"
        depends = f"the push to {shown} depends on: {said}; {end}"
        work.job.tell("unknown-condition", found[0][1] or line, depends, reference)
    return away


def reference_of(work: Work, image: Text, line: int) -> str:
    reference = work.spelled.reference(image, line)
    lowered = lowered_text(reference)
    if "{{" in reference:  # a template puts the name there
        return reference
    if lowered != reference:
        work.job.tell("upper-case", line, reference, lowered)
    bare = re.sub(r"^https?://", "", lowered)
    if bare != lowered:
        work.job.tell("scheme", line, lowered, bare)
    bare = _on_docker_hub(work, bare, line)
    retired = re.match(r"docker\.pkg\.github\.com/([^/]+)/[^/]+/(.+)", bare)
    if retired:
        bare = f"ghcr.io/{retired[1]}/{retired[2]}"
        work.job.tell("retired-registry/image", line, bare)
    return bare


def _on_docker_hub(work: Work, reference: str, line: int) -> str:
    """A variable before the first slash is a registry only when it is called so.

    No namespace is one that holds an image: a spec cannot say what goes on behind it.
    """
    match = re.match(r"\$\{([\w.]+)[^}]*\}/", reference)
    if not match or match[1].startswith("registry."):
        return reference
    deeper = re.sub(r"\$\{[^}]*\}", "x", reference).count("/") > 1
    hosts = {spell(login.host).strip("${}") for login in work.call.logins}
    name = match[1].removeprefix("env.")
    if deeper or name in hosts or _holds_image(work.call, name):
        return reference
    if re.search(r"(?i)REGISTRY|HOST|SERVER|URL|DOMAIN|ECR|ACR|GCR|GAR|REPO|HARBOR", match[1]):
        return reference
    work.job.tell("docker-hub", line, reference)
    return f"docker.io/{reference}"


def _holds_image(call: Call, name: str) -> bool:
    """Whether something is pushed whose name begins with a variable and no slash behind it."""
    begin = re.compile(rf"--destination=\$(?:{name}(?!\w)|\{{{name}[^}}]*\}})(?!/)")
    return any(begin.match(spell(word.text)) for word in call.words)


def _policy(work: Work, conditions: list[Condition]) -> None:
    if not conditions or work.job.started.held or work.builds_another:
        work.build["push"] = "never"
        return
    in_requests = any(condition.requests for condition in conditions)
    if not (work.job.started.requests and in_requests):
        return
    if work.job.started.some_requests:
        work.job.tell("request-pushes", work.call.line)
    elif work.job.started.implicit:
        work.job.tell("pushes-pull-requests", work.call.line)
    else:
        work.build["push"] = "always"


def _registries(work: Work, listed: list[dict[str, Any]]) -> None:
    hosts: dict[str, None] = {}
    for entry in listed:
        hosts.setdefault(host_of(entry["image"]))
    for repo in work.of("cache-repo")[-1:] if listed else ():
        try:
            named = work.spelled.reference(repo.value or (), repo.line)
            host = host_of(_on_docker_hub(work, named, repo.line))
            if not host.startswith("oci"):
                hosts.setdefault(host)
        except NotPortable:
            pass
    hosts.pop("", None)
    cautious = bool(work.of("no-push"))
    found = work.logins.registries(list(hosts), cautious=cautious)
    for host, login in found.items():
        _name_user(work, host, login)
    put(work.build, "registries", found)


def _name_user(work: Work, host: str, login: Any) -> None:
    """Another name for the secret of a user that stands in texts as well, where it is none."""
    user = login.get("username") if isinstance(login, dict) else None
    name = user["secret"] if isinstance(user, dict) else ""
    if name and re.search(rf"\$\{{env\.{name}\b", str(work.build)):
        login["username"] = {"secret": f"{name}_LOGIN"}
        work.job.tell("user-in-text", work.call.line, name, host, f"{name}_LOGIN")
