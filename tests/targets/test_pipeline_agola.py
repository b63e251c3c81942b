"""Whole pipelines on Agola: shapes, refusals, and runs as its scheduler would do them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import agola_when, yaml11
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.told import agola as told
from ci_kaniko.targets.agola import TARGET
from harness import agola, tools
from harness.events import DEFAULT_BRANCH, FEATURE_BRANCH, PULL_REQUEST, TAG
from harness.execution import run
from harness.pipelines import digest_of
from harness.validators import VALIDATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event

TOP = """
default_branch: main
registries: {ghcr.io: anonymous}
"""
LOGIN = "{username: acme, password: GHCR_TOKEN}"
ONE = TOP + "destinations: ['ghcr.io/acme/shop:${commit.short}']\n"
MANY = (
    TOP
    + """
context: services/${image.name}
destinations: ['ghcr.io/acme/${image.name}:${commit.short}']
"""
)
GO = "{image: 'docker.io/library/golang:1.26', commands: [%s], artifacts: [bin/shop]}"
PREPARE = f"prepare: {GO % 'go build -o bin/shop .'}\n"
PLATFORMS = "platforms: [linux/amd64, linux/arm64]\n"
SHELLS = tools.shells()


def rendered(text: str) -> str:
    found = ci_kaniko.render(ci_kaniko.loads(text), "agola")
    assert agola.complaints(found) == []
    return found


def runs(text: str) -> list[Any]:
    return list(yaml11.load(rendered(text))["runs"])


def tasks(text: str) -> dict[str, Any]:
    (only,) = runs(text)
    return {task["name"]: task for task in only["tasks"]}


def depends(text: str) -> dict[str, list[str]]:
    return {name: task.get("depends", []) for name, task in tasks(text).items()}


def refused(text: str) -> dict[str, str]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.render(ci_kaniko.loads(text), "agola")
    return {problem.rule: f"{problem} {problem.hint}" for problem in error.value.problems}


def steps(task: Any) -> list[str]:
    """What a task does, in order: the kinds of its steps and the names of what it runs."""
    kinds = [next(iter(step.items())) for step in task["steps"]]
    return [fields["name"] if kind == "run" else kind for kind, fields in kinds]


# -- Agola's scheduler and workspace, as its source has them -------------------------------------

FINISHED = {"skipped", "success", "failed"}


@dataclass
class Done:
    """What a task did: its status, what stopped it, and the calls of its tools."""

    status: str = "waiting"
    log: str = ""
    calls: list[list[str]] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    config: Any = None


class Failed(Exception):
    """A step that fails."""


@dataclass
class World:
    """A run of one event. Everything that may start does so at once, and ends together.

    So a task that does not wait for what it restores fails here.
    """

    root: Path
    event: Event
    tasks: Mapping[str, Any]
    shell: str = "busybox"
    files: Mapping[str, str] = field(default_factory=lambda: {"Dockerfile": "FROM scratch\n"})
    secrets: Mapping[str, str] = field(default_factory=lambda: {"GHCR_TOKEN": "secret"})
    tools: Mapping[str, str] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    archives: dict[str, list[tuple[str, bytes | None, int]]] = field(default_factory=dict)

    def play(self) -> dict[str, Done]:
        env = told.environment(self.event)
        for name, task in self.tasks.items():
            included = agola_when.included(task.get("when"), env)
            self.done[name] = Done("waiting" if included else "skipped")
        while ready := [name for name in self.tasks if self._is_ready(name)]:
            fresh: dict[str, list[Any]] = {}
            for name in ready:
                if self._matches(name):
                    fresh[name] = self._run(name)
                else:
                    self.done[name].status = "skipped"
            for name, saved in fresh.items():
                if self.done[name].status == "success" and saves(self.tasks[name]):
                    self.archives[name] = saved
        assert {done.status for done in self.done.values()} <= FINISHED
        return self.done

    def _is_ready(self, name: str) -> bool:
        parents = [self.done[parent].status in FINISHED for parent in self._parents(name)]
        return self.done[name].status == "waiting" and all(parents)

    def _parents(self, name: str) -> dict[str, list[str]]:
        return dict(map(agola._dependency, self.tasks[name].get("depends", [])))

    def _matches(self, name: str) -> bool:
        return all(
            f"on_{self.done[parent].status}".replace("failed", "failure")
            in (conditions or ["on_success"])
            for parent, conditions in self._parents(name).items()
        )

    def _ancestors(self, name: str) -> set[str]:
        found = set(self._parents(name))
        return found.union(*(self._ancestors(parent) for parent in found))

    def _run(self, name: str) -> list[tuple[str, bytes | None, int]]:
        container = Container(self, name, self.root / name)
        saved: list[tuple[str, bytes | None, int]] = []
        try:
            for step in self.tasks[name]["steps"]:
                saved += container.step(step)
            self.done[name].status = "success"
        except Failed as failed:
            self.done[name].status = "failed"
            self.done[name].log += f"\n{failed}"
        container.record()
        return saved

    def restored(self, name: str) -> Iterator[tuple[str, bytes | None, int]]:
        for ancestor in sorted(self._ancestors(name)):
            if saves(self.tasks[ancestor]):
                if ancestor not in self.archives:
                    raise Failed(f"error reading workspace archive of {ancestor}")
                yield from self.archives[ancestor]


def saves(task: Any) -> bool:
    return any("save_to_workspace" in step for step in task["steps"])


RECORD = """#!/bin/sh
n=1
while ! mkdir "{root}/calls/$n" 2>/dev/null; do n=$((n + 1)); done
for word; do printf '%s\\n' "$word"; done > "{root}/calls/$n/words"
"""
EXECUTOR = (
    RECORD
    + """
for word; do
  case $word in
    --context=dir://*) cp -R "${{word#*dir://}}" "{root}/calls/$n/context" ;;
    --digest-file=*)
      digest=$(printf %s "${{word##*/}}" | sha256sum | cut -d ' ' -f 1)
      printf 'sha256:%s' "$digest" > "${{word#*=}}" ;;
    --tar-path=*) echo > "${{word#*=}}" ;;
  esac
done
cp "{root}/kaniko/.docker/config.json" "{root}/calls/$n/config" 2>/dev/null || true
"""
)
REGCTL = (
    RECORD
    + 'cp "$DOCKER_CONFIG/config.json" "{root}/calls/$n/config"\necho '
    + digest_of("list")
    + "\n"
)


@dataclass
class Container:
    """The first container of a task: a folder that is its root."""

    world: World
    name: str
    root: Path

    def __post_init__(self) -> None:
        self.task = self.world.tasks[self.name]
        for folder in ("kaniko", "tmp", "bin", "calls"):
            (self.root / folder).mkdir(parents=True)
        self._tool("kaniko/executor", EXECUTOR)
        image = self.task["runtime"]["containers"][0]["image"]
        if "regctl" in image:
            self._tool("bin/regctl", REGCTL)
        for name, text in self.world.tools.items():
            self._tool(f"bin/{name}", text)
        self.folder = self.inside(self.task.get("working_dir", "~/project"))
        self.folder.mkdir(parents=True, exist_ok=True)

    def _tool(self, path: str, text: str) -> None:
        file = self.root / path
        file.write_text(text.format(root=self.root) if "{root}" in text else text)
        file.chmod(0o755)

    def inside(self, path: str) -> Path:
        if path.startswith("~"):
            return self.root / "home" / path[2:]
        return self.root / path[1:] if path.startswith("/") else self.folder / path

    def step(self, step: Any) -> Iterable[tuple[str, bytes | None, int]]:
        ((kind, fields),) = step.items()
        if kind == "clone":
            for path, text in self.world.files.items():
                file = self.folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        elif kind == "restore_workspace":
            self._restore(self.inside(fields["dest_dir"]))
        elif kind == "save_to_workspace":
            return [entry for content in fields["contents"] for entry in self._save(content)]
        else:
            self._script(fields)
        return []

    def _restore(self, folder: Path) -> None:
        for path, data, mode in self.world.restored(self.name):
            place = folder / path
            if place.exists() or place.is_symlink():
                raise Failed(f"file already exists: {path}")
            if data is None:
                place.mkdir(parents=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
                place.chmod(mode)

    def _save(self, content: Any) -> Iterator[tuple[str, bytes | None, int]]:
        source = self.inside(content["source_dir"])
        if not source.is_dir():
            raise Failed(f"{content['source_dir']}: no such directory")
        for path in sorted(source.rglob("*")):
            relative = str(path.relative_to(source))
            if any(matches(pattern, relative) for pattern in content["paths"]):
                place = os.path.normpath(os.path.join(content["dest_dir"], relative))
                mode = stat.S_IMODE(path.stat().st_mode)
                yield place, None if path.is_dir() else path.read_bytes(), mode

    def _script(self, fields: Any) -> None:
        file = self.root / "script"
        text = re.sub(r"/(?=(?:kaniko|tmp)(?:[/\s\"';]|$))", f"{self.root}/", fields["command"])
        file.write_text(text + "\n")
        command = [*tools.shell(self.world.shell), "-e", str(file)]
        given = {
            name: self.world.secrets.get(value["from_variable"], "")
            for name, value in self.task.get("environment", {}).items()
        }
        places = {"HOME": self.root / "home", "TMPDIR": self.root / "tmp"}
        base = {name: str(place) for name, place in places.items()}
        base["PATH"] = f"{self.root}/bin:{os.environ['PATH']}"
        env = {**base, **given, **told.environment(self.world.event)}
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        self.world.done[self.name].log += done.stdout + done.stderr
        if done.returncode:
            raise Failed(f"{fields['name']}: exit status {done.returncode}")

    def record(self) -> None:
        done = self.world.done[self.name]
        for call in sorted((self.root / "calls").iterdir(), key=lambda path: int(path.name)):
            words = (call / "words").read_text().replace(str(self.root), "")
            done.calls.append(words.splitlines())
            files = [path for path in (call / "context").rglob("*") if path.is_file()]
            done.context |= {str(p.relative_to(call / "context")): p.read_text() for p in files}
            if (call / "config").exists():
                done.config = json.loads((call / "config").read_text())


def matches(pattern: str, path: str) -> bool:
    """A pattern of doublestar v1, of the kinds that are rendered."""
    assert not set(pattern.removesuffix("**")) & set("*?[]{}\\")
    if pattern.endswith("/**"):
        return path.startswith(pattern.removesuffix("**"))
    return pattern in ("**", path)


def play(folder: Path, text: str, event: Event = DEFAULT_BRANCH, **more: Any) -> dict[str, Done]:
    """What each task does that one of the runs has for an event."""
    done: dict[str, Done] = {}
    for number, each in enumerate(runs(text)):
        found = {task["name"]: task for task in each["tasks"]}
        if agola_when.included(each.get("when"), told.environment(event)):
            done |= World(folder / f"{event.name}-{number}", event, found, **more).play()
    return done


def statuses(done: Mapping[str, Done]) -> dict[str, str]:
    return {name: each.status for name, each in done.items()}


def built(done: Mapping[str, Done]) -> list[str]:
    """The tasks that have run the executor, or joined."""
    return [name for name, each in done.items() if each.calls]


def successful(done: Mapping[str, Done]) -> None:
    wrong = {name: each.log for name, each in done.items() if each.status == "failed"}
    assert wrong == {}


# -- no trace of what is not used -----------------------------------------------------------------


def test_one_platform_leaves_no_trace() -> None:
    assert rendered(ONE + "platforms: linux/amd64\n") == rendered(ONE)
    assert rendered(ONE + "digest: false\ninputs: {a: {default: b}}\n") == rendered(ONE)


def test_another_platform_alone_has_its_architecture() -> None:
    task = tasks(ONE + "platforms: linux/arm/v7\nagola: {arch: amd64}\n")["build-image"]
    assert task["runtime"]["arch"] == "arm"
    assert "--custom-platform=linux/arm/v7" in task["steps"][-1]["run"]["command"]
    assert list(tasks(ONE + "platforms: linux/arm64\n")) == ["checkout", "build-image"]


# -- many images ----------------------------------------------------------------------------------


def test_images_share_a_checkout() -> None:
    (only,) = runs(MANY + "images: {api: {}, web: {}, db: {}}")
    assert only["name"] == "build-images"
    assert depends(MANY + "images: {api: {}, web: {}, db: {}}") == {
        "checkout": [],
        **{name: ["checkout"] for name in ("build-api", "build-web", "build-db")},
    }
    assert not [task for task in only["tasks"] if "when" in task]


@pytest.mark.parametrize("prepare", ["", PREPARE, PREPARE + "tools: {git: git:2}\n"])
def test_what_clones_goes_through_the_proxy(prepare: str) -> None:
    proxy = "proxy: {http: 'http://proxy:3128', https: {secret: PROXY}, no_proxy: 'yes'}\n"
    found = tasks(MANY + prepare + proxy + "images: {api: {}}")
    environment = {
        **dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://proxy:3128"),
        **{key: {"from_variable": "PROXY"} for key in ("HTTPS_PROXY", "https_proxy")},
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "yes"),
    }
    cloning = {name for name, task in found.items() if "clone" in steps(task)}
    given = {name for name, task in found.items() if task.get("environment") == environment}
    assert given == cloning != set()


def test_an_image_waits_for_what_it_needs() -> None:
    """What another dependency waits for is not named again: Agola refuses that."""
    assert depends(MANY + "images: {web: {needs: [api, base]}, api: {needs: base}, base: {}}") == {
        "checkout": [],
        "build-base": ["checkout"],
        "build-api": ["build-base"],
        "build-web": ["build-api"],
    }


def test_an_image_without_the_checkout() -> None:
    git = "git://github.com/acme/base.git#refs/heads/main"
    text = MANY + f"images: {{base: {{context: '{git}'}}, web: {{needs: base}}}}"
    assert depends(text) == {
        "checkout": [],
        "build-base": [],
        "build-web": ["checkout", "build-base"],
    }
    assert steps(tasks(text)["build-base"]) == ["Run kaniko"]


def test_the_run_has_a_name() -> None:
    (only,) = runs(MANY + "agola: {run: all images}\nimages: {api: {}, web: {}}")
    assert only["name"] == "all images"
    assert [task["name"] for task in only["tasks"]] == ["checkout", "build-api", "build-web"]


def test_images_of_different_runs() -> None:
    text = MANY + "agola: {run: 'image ${image.name}'}\nimages: {api: {}, web: {}}"
    assert [(each["name"], len(each["tasks"])) for each in runs(text)] == [
        ("image api", 2),
        ("image web", 2),
    ]
    said = refused(text.replace("web: {}", "web: {needs: api}"))
    assert '"web" needs "api"' in said["separate-runs"]


def test_events_of_a_run_are_those_of_its_images() -> None:
    text = MANY + (
        "triggers: {branches: [main]}\nimages: {api: {triggers: {pull_requests: true}}, "
        "web: {triggers: {branches: ['**'], tags: [v1]}}, git: {context: 'git://github.com/a/b'}}"
    )
    (only,) = runs(text)
    request = ["#^refs/(pull|merge-requests)/#"]
    everywhere = {"branch": ["#^.+$#"], "tag": ["v1"], "ref": request}
    assert only["when"] == everywhere
    found = {task["name"]: task.get("when") for task in only["tasks"]}
    assert found == {
        "checkout": None,
        "build-api": {"branch": ["main"], "ref": request},
        "build-web": {"branch": ["#^.+$#"], "tag": ["v1"]},
        "build-git": {"branch": ["main"]},
    }


def test_a_run_for_every_event_has_no_when() -> None:
    text = MANY + (
        "triggers: {branches: ['**']}\nimages: {a: {triggers: {pull_requests: true}}, "
        "b: {triggers: {tags: ['**']}}}"
    )
    (only,) = runs(text)
    assert "when" not in only
    assert set(tasks(text)["build-b"]["when"]) == {"branch", "tag"}


TRIGGERS = MANY + (
    "digest: true\n"
    "images:\n"
    "  base: {triggers: {branches: [main]}}\n"
    "  api: {needs: base, triggers: {branches: [main], pull_requests: true}}\n"
    "  web: {needs: [api, base], triggers: {tags: ['v*'], pull_requests: true}}\n"
    "  docs: {needs: base, platforms: [linux/amd64, linux/arm64], triggers: {branches: ['**']}}\n"
    "  site: {needs: docs, triggers: {tags: ['**'], branches: ['feature/*']}}\n"
    "  alone: {triggers: {tags: ['v*']}}\n"
)
STARTED = {
    DEFAULT_BRANCH: {"base", "api", "docs-amd64", "docs-arm64", "docs"},
    FEATURE_BRANCH: {"docs-amd64", "docs-arm64", "docs", "site"},
    TAG: {"web", "site", "alone"},
    PULL_REQUEST: {"api", "web"},
}


@pytest.mark.parametrize("event", STARTED, ids=lambda event: event.name)
def test_every_image_has_its_own_events(tmp_path: Path, event: Event) -> None:
    """What another image waits for runs, but does nothing; it is skipped where nobody waits."""
    done = play(tmp_path, TRIGGERS, event)
    successful(done)
    assert {name.removeprefix("build-") for name in built(done)} == STARTED[event]
    for name, each in done.items():
        idle = each.status == "success" and not each.calls and name != "checkout"
        assert idle == ("this event does not start" in each.log), name


def test_a_failure_holds_back_what_needs_it(tmp_path: Path) -> None:
    text = MANY + "images: {base: {}, api: {needs: base}, web: {needs: api}, other: {}}"
    text = text.replace("base: {}", "base: {registries: {ghcr.io: {username: a, password: NONE}}}")
    assert statuses(play(tmp_path, text)) == {
        "checkout": "success",
        "build-base": "failed",
        # This event is none of its own, and others depend on it.
        "build-base-pull-request": "success",
        "build-api": "skipped",
        "build-web": "skipped",
        "build-other": "success",
    }


def test_the_world_notices_what_agola_would_not_do(tmp_path: Path) -> None:
    """A skipped ancestor that saves, and one that nobody waits for."""
    (only,) = runs(MANY + "digest: true\nimages: {base: {}, web: {needs: base}}")
    found = {task["name"]: task for task in only["tasks"]}
    found["build-base"]["when"] = {"tag": ["x"]}
    done = World(tmp_path / "a", DEFAULT_BRANCH, found).play()
    assert statuses(done)["build-web"] == "skipped"
    found["build-web"]["depends"] = [{"build-base": ["on_success", "on_skipped"]}]
    done = World(tmp_path / "b", DEFAULT_BRANCH, found).play()
    assert "error reading workspace archive of build-base" in done["build-web"].log


def test_raw_keys_are_for_each_image() -> None:
    login = "{username: acme, password: {from_variable: %s}}"
    text = MANY + (
        f"agola: {{extra: {{docker_registries_auth: {{a.io: {login % 'A'}}}}}}}\nimages:\n"
        "  api: {agola: {extra: {ignore_failure: true}}}\n"
        f"  web: {{agola: {{extra: {{docker_registries_auth: {{b.io: {login % 'B'}}}}}}}}}\n"
        f"  db: {{agola: {{extra: {{docker_registries_auth: {{a.io: {login % 'C'}}}}}}}}}\n"
    )
    (only,) = runs(text)
    assert set(only["docker_registries_auth"]) == {"a.io", "b.io"}
    found = tasks(text)
    assert found["build-api"]["ignore_failure"] is True
    assert "docker_registries_auth" not in found["build-web"]
    assert found["build-db"]["docker_registries_auth"] == {
        "a.io": {"username": "acme", "password": {"from_variable": "C"}}
    }


def test_three_hundred_images() -> None:
    images = ", ".join(
        f"i{number}: {{needs: [i{number // 2}]}}" if number else "i0: {}" for number in range(300)
    )
    text = MANY + PREPARE + f"images: {{{images}}}"
    found = rendered(text)
    assert len(found.encode()) < agola.LARGEST
    assert len(yaml11.load(found)["runs"][0]["tasks"]) == 301
    assert found == rendered(text)


def test_a_file_that_agola_would_not_read() -> None:
    images = ", ".join(f"i{number}: {{}}" for number in range(300))
    labels = "".join(f"  l{number}: {'x' * 50}\n" for number in range(50))
    said = refused(f"{MANY}labels:\n{labels}images: {{{images}}}")
    assert "1 MiB" in said["too-large"]
    assert "outputs: agola:" in said["too-large"]


# -- prepare --------------------------------------------------------------------------------------

TOOLS = {
    "go": "#!/bin/sh\nmkdir -p bin\necho program > bin/shop\nchmod 755 bin/shop\necho x > cache\n",
}


def test_the_seed() -> None:
    """Build the program where the compiler is, the image from what came out."""
    found = tasks(ONE + PREPARE + "dockerfile: Dockerfile\n")
    assert list(found) == ["prepare", "build-image"]
    first, second = found.values()
    assert first["runtime"]["containers"] == [{"image": "docker.io/library/golang:1.26"}]
    assert steps(first) == ["clone", "Prepare", "Check the artifacts", "save_to_workspace"]
    assert first["steps"][1]["run"]["command"] == "set -e\ngo build -o bin/shop .\n"
    assert first["steps"][3] == {
        "save_to_workspace": {"contents": [{"source_dir": ".", "dest_dir": ".", "paths": ["**"]}]}
    }
    assert second["depends"] == ["prepare"]
    assert second["steps"][0] == {"restore_workspace": {"dest_dir": "/kaniko/src"}}
    assert second["shell"] == "/busybox/sh -e"


def test_a_preparation_without_git_gets_a_checkout() -> None:
    found = tasks(ONE + PREPARE + "tools: {git: alpine/git}\nagola: {arch: arm64}\n")
    assert list(found) == ["checkout", "prepare", "build-image"]
    assert steps(found["prepare"]) == [
        *("restore_workspace", "Prepare", "Check the artifacts", "save_to_workspace"),
    ]
    assert found["prepare"]["depends"] == ["checkout"]
    assert found["prepare"]["runtime"]["arch"] == "arm64"
    assert "arch" not in found["checkout"]["runtime"]
    (content,) = found["prepare"]["steps"][-1]["save_to_workspace"]["contents"]
    assert content == {
        "source_dir": "src",
        "dest_dir": "prepare",
        "paths": ["bin/shop", "bin/shop/**"],
    }
    assert found["build-image"]["depends"] == ["prepare"]


GENERATED = {
    "Dockerfile": "FROM scratch\n",
    "bin/.gitkeep": "",
    "bin/shop": "old\n",
    ".dockerignore": "*.md\n",
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("given", ["", "tools: {git: alpine/git}\n"])
def test_artifacts_are_in_the_context(tmp_path: Path, shell: str, given: str) -> None:
    """Also when the repository has a file of that name."""
    for name, artifact in (("file", "bin/shop"), ("folder", "bin")):
        text = ONE + (PREPARE + given).replace("[bin/shop]", f"[{artifact}]")
        done = play(tmp_path / name, text, shell=shell, files=GENERATED, tools=TOOLS)
        successful(done)
        context = done["build-image"].context
        assert context["bin/shop"] == "program\n"
        assert {*GENERATED} <= context.keys()
        assert ("cache" in context) == (not given)


@pytest.mark.parametrize("given", ["", "tools: {git: alpine/git}\n"])
def test_a_missing_artifact_stops_the_run(tmp_path: Path, given: str) -> None:
    for name, artifacts in (("one", "bin/other"), ("two", "bin/shop, 'it''s $HOME'")):
        text = ONE + (PREPARE + given).replace("bin/shop]", f"{artifacts}]")
        done = play(tmp_path / name, text, tools=TOOLS)
        assert done["prepare"].status == "failed"
        assert "the commands have made no " in done["prepare"].log
        assert done["build-image"].status == "skipped"
    assert "have made no it's $HOME" in done["prepare"].log


def test_the_first_command_that_fails_ends_the_task(tmp_path: Path) -> None:
    text = ONE + PREPARE.replace("[go build -o bin/shop .]", "[go, 'false', go]")
    done = play(tmp_path, text, tools={"go": "#!/bin/sh\necho called\n"})
    assert done["prepare"].log.count("called") == 1
    assert done["prepare"].status == "failed"


def test_images_share_a_preparation() -> None:
    other = GO % "make"
    text = (
        MANY
        + PREPARE
        + f"images: {{a: {{}}, b: {{}}, c: {{prepare: null}}, d: {{prepare: {other}}}}}"
    )
    assert depends(text) == {
        "prepare-a": [],
        "checkout": [],
        "prepare-d": [],
        "build-a": ["prepare-a"],
        "build-b": ["prepare-a"],
        "build-c": ["checkout"],
        "build-d": ["prepare-d"],
    }


@pytest.mark.parametrize("digest", ["", "digest: true\n"])
def test_no_task_gets_two_clones(tmp_path: Path, digest: str) -> None:
    """An image that needs one with another preparation restores what both have left."""
    other = GO % "go build -o bin/shop ./other"
    text = MANY.replace("services/${image.name}", ".") + digest + PREPARE
    text += "images: {base: {prepare: null}, api: {needs: base}, "
    text += f"web: {{needs: api, prepare: {other}}}}}"
    assert depends(text) == {
        "checkout": [],
        "prepare-api": ["checkout"],
        "prepare-web": ["checkout"],
        "build-base": ["checkout"],
        "build-api": ["prepare-api", "build-base"],
        "build-web": ["prepare-web", "build-api"],
    }
    tools = {"go": '#!/bin/sh\nmkdir -p bin\necho "$4" > bin/shop\n'}
    done = play(tmp_path, text, tools=tools)
    successful(done)
    contexts = {name: done[f"build-{name}"].context for name in ("base", "api", "web")}
    plain = {"Dockerfile": "FROM scratch\n"}
    assert contexts == {
        "base": plain,
        "api": {**plain, "bin/shop": ".\n"},
        "web": {**plain, "bin/shop": "./other\n"},
    }


def test_a_preparation_runs_when_one_of_its_images_does(tmp_path: Path) -> None:
    text = (
        MANY
        + PREPARE
        + (
            "images: {a: {triggers: {tags: ['v*']}}, b: {triggers: {pull_requests: true}},"
            " c: {prepare: null, triggers: {branches: [main]}}}"
        )
    )
    assert set(tasks(text)["prepare-a"]["when"]) == {"tag", "ref"}
    for event, expected in (
        (DEFAULT_BRANCH, {"checkout", "build-c"}),
        (TAG, {"prepare-a", "build-a"}),
        (PULL_REQUEST, {"prepare-a", "build-b"}),
    ):
        done = play(
            tmp_path,
            text,
            event,
            tools=TOOLS,
            files={"services/a/x": "", "services/b/x": "", "services/c/x": ""},
        )
        assert {name for name, each in done.items() if each.status == "success"} == expected


# -- platforms and digests ------------------------------------------------------------------------


def test_platforms_have_an_architecture_each() -> None:
    text = ONE + "platforms: [linux/386, linux/amd64, linux/arm/v7, linux/arm64/v8]\n"
    found = tasks(text + "agola: {arch: amd64, timeout: 30m}\n")
    assert {name: task["runtime"].get("arch") for name, task in found.items()} == {
        "checkout": None,
        "build-image-386": "386",
        "build-image-amd64": "amd64",
        "build-image-arm-v7": "arm",
        "build-image-arm64-v8": "arm64",
        "build-image": "amd64",
    }
    join = found["build-image"]
    assert join["depends"] == [
        f"build-image-{name}" for name in ("386", "amd64", "arm-v7", "arm64-v8")
    ]
    assert join["task_timeout_interval"] == "30m"
    assert "shell" not in join
    assert join["working_dir"].split("/")[1] == "tmp"
    assert {*join["when"]} == {"branch", "tag"}


@pytest.mark.parametrize("platforms", ["[linux/amd64, linux/s390x]", "linux/s390x"])
def test_platforms_that_agola_has_not(platforms: str) -> None:
    said = refused(ONE + f"platforms: {platforms}\n")
    assert "Agola runs nothing on linux/s390x" in said["missing-runner"]
    assert "386, amd64, arm, arm64" in said["missing-runner"]


@pytest.mark.parametrize("shell", SHELLS)
def test_platforms_are_joined_from_their_digests(tmp_path: Path, shell: str) -> None:
    text = ONE + PLATFORMS + "digest: true\n"
    done = play(tmp_path, text, shell=shell, files={"Dockerfile": "", "digests/build-image": "x"})
    successful(done)
    (call,) = done["build-image"].calls
    assert call == [
        *("index", "create", "ghcr.io/acme/shop:12345e67"),
        *("--ref", f"ghcr.io/acme/shop@{digest_of('build-image-amd64')}"),
        *("--ref", f"ghcr.io/acme/shop@{digest_of('build-image-arm64')}"),
        *("--format", "{{ .Manifest.GetDescriptor.Digest }}"),
    ]
    (words,) = done["build-image-arm64"].calls
    assert "--destination=ghcr.io/acme/shop:12345e6789abcdef0123456789abcdef01234567-arm64" in words
    assert "--custom-platform=linux/arm64" in words


def test_a_request_joins_nothing(tmp_path: Path) -> None:
    done = play(tmp_path, ONE + PLATFORMS, PULL_REQUEST)
    assert statuses(done)["build-image"] == "skipped"
    assert all("--no-push" in done[f"build-image-{name}"].calls[0] for name in ("amd64", "arm64"))


def test_a_join_that_others_need_runs_in_requests(tmp_path: Path) -> None:
    text = MANY + "images: {base: {platforms: [linux/amd64, linux/arm64]}, web: {needs: base}}"
    assert "when" not in tasks(text)["build-base"]
    done = play(tmp_path, text, PULL_REQUEST)
    successful(done)
    assert "this run pushes nothing" in done["build-base"].log
    assert built(done) == ["build-base-amd64", "build-base-arm64", "build-web"]


def test_what_pushes_nothing_is_not_joined() -> None:
    for text in (
        "push: never\n" + PLATFORMS + "default_branch: main\n",
        "push: never\ndefault_branch: main\nimages: {a: {platforms: [linux/amd64, linux/arm64]}}",
    ):
        assert not [name for name in tasks(text) if name in ("build-image", "build-a")]
    text = (
        MANY + "images: {b: {needs: a}, a: {push: never, destinations: null,"
        " platforms: [linux/amd64, linux/arm64]}}"
    )
    assert depends(text)["build-b"] == ["build-a-amd64", "build-a-arm64"]


def test_nothing_to_join_for_a_destination_that_is_left_out(tmp_path: Path) -> None:
    text = (
        TOP + PLATFORMS + "destinations: [{image: 'ghcr.io/acme/shop:${tag}', when: {tag: 'v*'}}]\n"
    )
    done = play(tmp_path, text)
    successful(done)
    assert "this run pushes nothing" in done["build-image"].log
    assert built(play(tmp_path, text, TAG))[-1] == "build-image"


@pytest.mark.parametrize("event", [DEFAULT_BRANCH, PULL_REQUEST], ids=lambda event: event.name)
def test_digests_are_in_the_workspace(tmp_path: Path, event: Event) -> None:
    text = (
        MANY
        + "digest: true\n"
        + (
            "images: {api: {}, web: {needs: api, digest: false}, all: {needs: [web],"
            " platforms: [linux/amd64, linux/arm64]}}"
        )
    )
    (only,) = runs(text)
    found = {task["name"]: task for task in only["tasks"]}
    found["read"] = {
        "name": "read",
        "runtime": {"containers": [{"image": "alpine"}]},
        "depends": ["build-web"] if event.pull_request else ["build-all"],
        "steps": [
            {"restore_workspace": {"dest_dir": "."}},
            {"run": {"name": "read", "command": "grep . digests/* || echo nothing"}},
        ],
    }
    files = {f"services/{name}/Dockerfile": "" for name in ("api", "web", "all")}
    done = World(tmp_path / "world", event, found, files=files).play()
    successful(done)
    expected = {
        "api": "build-api",
        "all": "list",
        "all-amd64": "build-all-amd64",
        "all-arm64": "build-all-arm64",
    }
    handed = {f"digests/build-{name}:{digest_of(digest)}" for name, digest in expected.items()}
    if event.pull_request:
        assert "nothing" in done["read"].log
    else:
        assert set(done["read"].log.split()) == handed
    assert done["build-web"].context == {"Dockerfile": ""}


def test_output_files_lie_apart_when_others_restore_them(tmp_path: Path) -> None:
    text = MANY.replace("services/${image.name}", ".") + (
        "options: {tar_path: out/image.tar, image_name_with_digest_file: names.txt}\n"
        "images: {api: {}, web: {needs: api}, all: {needs: web}}"
    )
    done = play(tmp_path, text, tools={})
    successful(done)
    assert done["build-all"].context == {"Dockerfile": "FROM scratch\n"}
    (content,) = tasks(text)["build-api"]["steps"][-1]["save_to_workspace"]["contents"]
    assert content["dest_dir"] == "outputs/build-api"


@pytest.mark.parametrize(
    ("options", "folders"),
    [
        ("image_name_with_digest_file: names.txt", ""),
        ("tar_path: image.tar", " /kaniko/output"),
        ("tar_path: a b/image.tar, digest_file: digest.txt", " '/kaniko/output/a b'"),
        ("tar_path: out/image.tar, digest_file: out/a/digest.txt", ""),
        ("oci_layout_path: layout, image_name_with_digest_file: names.txt", ""),
        ("digest_file: digest.txt", ""),
    ],
)
def test_folders_of_output_files_are_there(options: str, folders: str) -> None:
    """Kaniko does not make that of a tar, and a run that pushes nothing may write nothing."""
    text = ONE.replace("anonymous", LOGIN) + f"options: {{{options}}}\n"
    command = tasks(text)["build-image"]["steps"][1]["run"]["command"]
    assert command.splitlines()[2] == f"mkdir -p /kaniko/.docker{folders}"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("event", [DEFAULT_BRANCH, PULL_REQUEST, TAG], ids=lambda event: event.name)
def test_the_executor_gets_the_place_of_the_digest(event: Event, shell: str) -> None:
    text = rendered(ONE + "digest: true\n")
    got = run(
        Request("agola", text, event, secrets={"GHCR_TOKEN": "x"}, shell=shell, job="build-image")
    )
    assert got.status == 0
    place = "/kaniko/digest/build-image"
    assert (f"--digest-file={place}" in (got.argv or ())) == (not event.pull_request)
    assert (place in got.files) == (not event.pull_request)


# -- what Agola refuses, or would not do ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (ONE + "triggers: {branches: [main], paths: ['src/**']}", "impossible-trigger"),
        (ONE + "triggers: {schedules: ['0 3 * * *'], branches: [main]}", "impossible-trigger"),
        (ONE + "triggers: {manual: true, branches: [main]}", "impossible-trigger"),
        (ONE + "agola: {run: checkout}", "duplicate-job"),
        (ONE + PREPARE + "agola: {run: prepare}", "duplicate-job"),
        (ONE + "agola: {run: a/b}\ndigest: true", "agola-name"),
        (ONE + "agola: {run: ..}\ndigest: true", "agola-name"),
        (ONE + PLATFORMS.replace("64]", "64/long]") + f"agola: {{run: {'x' * 93}}}", "agola-name"),
        (
            MANY + "images: {a: {platforms: [linux/amd64, linux/arm64]}, a-arm64: {}}",
            "duplicate-job",
        ),
        (MANY + "agola: {extra: {depends: []}}\nimages: {a: {}}", "owned-key"),
        (MANY + "agola: {extra: {nice: 1}}\nimages: {a: {}}", "unknown-native-key"),
        (ONE + "inputs: {a: {}}\nlabels: {l: '${input.a}'}", "target-variable"),
    ],
)  # fmt: skip
def test_refusals(text: str, rule: str) -> None:
    assert set(refused(text)) == {rule}


def test_paths_are_refused_with_a_way_out() -> None:
    said = refused(ONE + "triggers: {branches: [main], paths: ['src/**']}")
    assert "--changed-since" in said["impossible-trigger"]


def test_the_default_branch_is_asked_for_once() -> None:
    text = MANY.replace("default_branch: main", "") + "images: {a: {}, b: {}}"
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.render(ci_kaniko.loads(text), "agola")
    assert [problem.rule for problem in error.value.problems] == ["missing-default-branch"]


def test_an_input_is_its_default() -> None:
    text = ONE + "inputs: {a: {default: 'it''s `id`'}}\nlabels: {l: '${input.a}'}"
    assert "--label='l=it'\\''s `id`'" in rendered(text)


TAMPERED: dict[str, Callable[[Any], object]] = {
    "another-run": lambda d: d["runs"].append(d["runs"][0]),
    "no-task": lambda d: d["runs"][0]["tasks"].pop(),
    "when-of-a-task": lambda d: d["runs"][0]["tasks"][1].update(when={"brunch": ["x"]}),
    "no-dependency": lambda d: d["runs"][0]["tasks"][-1].pop("depends"),
    "working-dir": lambda d: d["runs"][0]["tasks"][-1].update(working_dir="/"),
    "paths": lambda d: d["runs"][0]["tasks"][0]["steps"][-1]["save_to_workspace"]["contents"][
        0
    ].update(path=["*"]),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_pipeline_is_noticed(tamper: Callable[[Any], object]) -> None:
    spec = ci_kaniko.loads(TRIGGERS)
    document = yaml11.load(rendered(TRIGGERS))
    view = TARGET.prepare(spec, {}).view
    assert list(TARGET.verify(document, view)) == []
    tamper(document)
    assert list(TARGET.verify(document, view))


# -- everything together --------------------------------------------------------------------------


@pytest.mark.parametrize("validator", VALIDATORS["agola"])
def test_validators(tmp_path: Path, validator: str) -> None:
    """Of what is no snapshot: tests/judges/test_validators.py reads those."""
    file = tmp_path / "triggers.yml"
    file.write_text(rendered(TRIGGERS), encoding="utf-8")
    assert VALIDATORS["agola"][validator]([file]) == []
