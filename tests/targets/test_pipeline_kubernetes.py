"""Whole pipelines on Kubernetes: what its Pods look like, what they do and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import kubelet, yaml11
from ci_kaniko.rehearsing.logins import lookup
from ci_kaniko.rehearsing.request import Request
from harness import expectation, tools
from harness.cases import PIPELINE_CASES, spec_path
from harness.events import DEFAULT_BRANCH, PULL_REQUEST, TAG
from harness.execution import run
from harness.repository import Repository, git
from harness.runs import values_for
from harness.validators import VALIDATORS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded

_IN_ONE_POD = '"a" and "b" are built in one Pod, because needs: joins them, and differ in '
_PIPELINES = [*map(spec_path, PIPELINE_CASES)]
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOGINS = "registries: {ghcr.io: {username: a, password: GHCR_TOKEN}}\n"
_TOP = (
    "default_branch: main\n"
    "context: services/${image.name}\n"
    "destinations: ['ghcr.io/acme/${image.name}:${commit.short}']\n" + _LOGINS
)
_ALONE = "destinations: ['ghcr.io/acme/shop:${commit.short}']\n" + _LOGINS
_NONE: Mapping[str, str] = MappingProxyType({})
_PREPARE = "prepare: {image: docker.io/library/golang:1.26, commands: [make], artifacts: [bin]}\n"


def rendered(text: str, event: Event = DEFAULT_BRANCH, given: Mapping[str, str] = _NONE) -> str:
    values = {**(values_for("kubernetes", event) or {}), **given}
    return ci_kaniko.render(ci_kaniko.loads(text), "kubernetes", values)


def documents(
    text: str, event: Event = DEFAULT_BRANCH, given: Mapping[str, str] = _NONE
) -> list[dict[str, Any]]:
    return admitted(rendered(text, event, given))


def admitted(text: str) -> list[dict[str, Any]]:
    found = yaml11.load_all(text)
    for document in found:
        admit(document)
    return found


def problems(text: str, given: Mapping[str, str] = _NONE) -> list[ci_kaniko.Problem]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendered(text, given=given)
    return list(error.value.problems)


def refused(text: str) -> list[tuple[str, int | None, str]]:
    return [(item.rule, item.line, item.message) for item in problems(text)]


def pod_of(document: Mapping[str, Any]) -> dict[str, Any]:
    whole = document if document["kind"] == "Pod" else document["spec"]["template"]
    return {**whole["spec"], "metadata": whole.get("metadata") or {}}


def containers(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All containers of a Pod by name, in the order in which they run."""
    pod = pod_of(document)
    return {item["name"]: item for item in [*pod.get("initContainers", ()), *pod["containers"]]}


def admit(document: Mapping[str, Any]) -> None:
    """What the API server checks and no schema does."""
    pod = pod_of(document)
    name = document["metadata"]["generateName"]
    assert _LABEL.fullmatch(name + "x" * 5)
    assert len(pod["containers"]) == 1
    assert pod["restartPolicy"] == "Never"
    found = containers(document)
    assert len(found) == len(pod.get("initContainers", ())) + 1
    volumes = [volume["name"] for volume in pod.get("volumes", ())]
    assert len(set(volumes)) == len(volumes)
    assert all(_LABEL.fullmatch(item) for item in (*found, *volumes))
    mounted = set()
    for container in found.values():
        mounts = container.get("volumeMounts", [])
        mounted |= {mount["name"] for mount in mounts}
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        names = [entry["name"] for entry in container.get("env", ())]
        assert len(set(names)) == len(names)
    assert mounted == set(volumes)


def complaints(text: str, folder: Path) -> list[str]:
    path = folder / "kaniko.yaml"
    path.write_text(text, encoding="utf-8")
    return [found for check in VALIDATORS["kubernetes"].values() for found in check([path])]


# -- running ----------------------------------------------------------------------------------


class Ran(NamedTuple):
    """What a Pod did: the containers that were started, and what those did that build."""

    names: list[str]
    builds: dict[str, Recorded]

    def argv(self, name: str) -> tuple[str, ...]:
        found = self.builds[name].argv
        assert found is not None, self.builds[name].stderr
        return found


class Node:
    """Where a Pod runs: its containers one after the other, each with a root of its own."""

    def __init__(
        self, folder: Path, files: Mapping[str, str], event: Event = DEFAULT_BRANCH
    ) -> None:
        self.folder, self.event = folder, event
        self.origin = folder / "origin"
        self.origin.mkdir()
        git(self.origin, "init", "--quiet", "--initial-branch=main")
        for name, text in files.items():
            (self.origin / name).parent.mkdir(parents=True, exist_ok=True)
            (self.origin / name).write_text(text)
        git(self.origin, "add", ".")
        git(self.origin, "commit", "--quiet", "-m", "x")
        self.values = {"commit.sha": git(self.origin, "rev-parse", "HEAD")}

    def run(
        self,
        document: Mapping[str, Any],
        *,
        fail: str = "",
        secrets: Mapping[str, str] = _NONE,
        docker_configs: Mapping[str, str] = _NONE,
    ) -> Ran:
        """Start the containers in their order; the first that fails is the last."""
        pod = pod_of(document)
        ran = Ran([], {})
        for name, container in containers(document).items():
            ran.names.append(name)
            if "kaniko" not in name:
                status = self._shell(container, pod)
            else:
                done = run(
                    Request(
                        "kubernetes",
                        _alone(container, pod),
                        self.event,
                        executor_status=int(name == fail),
                        secrets=secrets,
                        docker_configs=docker_configs,
                    )
                )
                ran.builds[name] = done
                status = done.status
            if status:
                break
        return ran

    def _shell(self, container: Mapping[str, Any], pod: Mapping[str, Any]) -> int:
        (mount,) = container["volumeMounts"]
        (volume,) = (item for item in pod["volumes"] if item["name"] == mount["name"])
        assert volume == {"name": mount["name"], "emptyDir": {}}
        folder = self.workspace(mount["name"])
        folder.mkdir(exist_ok=True)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{self.origin}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"https://{self.event.host}/{self.event.repository}.git",
        }
        assert container["command"][0] == "sh"
        words = [*container["command"][1:], *container["args"]]
        words = [*tools.shell(), *(kubelet.expand(word, {}) for word in words)]
        return subprocess.run(
            [word.replace(mount["mountPath"], str(folder)) for word in words],
            env=env,
            cwd=folder if container.get("workingDir") else self.folder,
            check=False,
        ).returncode

    def workspace(self, volume: str = "workspace") -> Path:
        return self.folder / volume


def _alone(container: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """A Pod with one of the containers."""
    spec = {key: item for key, item in pod.items() if key not in {"initContainers", "metadata"}}
    spec["containers"] = [{**container, "name": "kaniko"}]
    metadata = {"name": "alone", **pod["metadata"]}
    return yaml.dump({"kind": "Pod", "metadata": metadata, "spec": spec})


# -- every pipeline ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", _PIPELINES, ids=lambda path: path.stem)
def test_every_pipeline_is_valid_or_refused(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = expectation.not_on(text).get("kubernetes")
    if expected:
        assert {rule for rule, _, _ in refused(text)} == expected
        return
    try:
        documents(text)
    except ci_kaniko.SpecError as error:
        rules = {problem.rule for problem in error.problems}
        assert rules <= {"impossible-platforms", "missing-login", "impossible-output"}
        return
    assert complaints(rendered(text), tmp_path) == []


@pytest.mark.parametrize("count", [1, 3, 60])
@pytest.mark.parametrize("joined", [False, True])
def test_any_number_of_images(count: int, joined: bool, tmp_path: Path) -> None:  # noqa: FBT001
    needs = "{needs: [img-0]}" if joined else "{}"
    images = ", ".join(f"img-{n}: {needs if n else '{}'}" for n in range(count))
    text = rendered(f"{_TOP}images: {{{images}}}")
    assert text.count("# Generated") == 1
    if count < 60:
        assert complaints(text, tmp_path) == []
    found = admitted(text)
    if not joined:
        names = [document["metadata"]["generateName"] for document in found]
        assert names == [f"build-img-{n}-" for n in range(count)]
        assert all(list(containers(document)) == ["kaniko"] for document in found)
    elif count > 1:
        (document,) = found
        assert document["metadata"]["generateName"] == f"build-img-{count - 1}-"
        assert list(containers(document)) == [f"kaniko-img-{n}" for n in range(count)]


def test_names_are_those_that_kubernetes_takes() -> None:
    long = "a" * 40
    found = documents(f"{_TOP}images: {{web_ui.v2: {{}}, api: {{needs: web_ui.v2}}, {long}: {{}}}}")
    assert [document["metadata"]["generateName"] for document in found] == [
        *("build-api-", f"build-{long}-")
    ]
    assert list(containers(found[0])) == ["kaniko-web-ui-v2", "kaniko-api"]


def test_pods_with_one_name_are_refused() -> None:
    text = _TOP + "kubernetes: {name: shop}\nimages:\n  api: {}\n  web: {}\n"
    assert refused(text) == [
        ("duplicate-job", 5, '"api" and "web" have the same Pod name, "shop"'),
    ]
    (document,) = documents(text.replace("web: {}", "web: {needs: api}"))
    assert document["metadata"]["generateName"] == "shop-"


def test_one_image_under_images_is_like_any_image() -> None:
    (document,) = documents(_TOP + "images: {api: {}}")
    assert document["metadata"]["generateName"] == "build-api-"


# -- joined images ----------------------------------------------------------------------------


def test_joined_images_are_built_in_their_order(tmp_path: Path) -> None:
    text = (
        _TOP
        + "build_args: {BASE: 'ghcr.io/acme/base:${commit.short}'}\n"
        + "images: {web: {needs: [api, base], kubernetes: {memory: 2Gi}}, api: {needs: base},"
        + " base: {build_args: {BASE: null}}, other: {}}"
    )
    first, second = documents(text)
    assert first["metadata"]["generateName"] == "build-web-"
    assert list(containers(second)) == ["kaniko"]
    limits = [item["resources"].get("limits") for item in containers(first).values()]
    assert limits == [None, None, {"memory": "2Gi"}]
    node = Node(tmp_path, {"Dockerfile": "FROM scratch"})
    done = node.run(first, secrets={"GHCR_TOKEN": "t"})
    assert done.names == ["kaniko-base", "kaniko-api", "kaniko-web"]
    for name in ("base", "api", "web"):
        words = done.argv(f"kaniko-{name}")
        assert f"--destination=ghcr.io/acme/{name}:12345e67" in words
        assert f"--context-sub-path=services/{name}" in words
        arg = "--build-arg=BASE=ghcr.io/acme/base:12345e67"
        assert (arg in words) == (name != "base")
        assert lookup(done.builds[f"kaniko-{name}"], "ghcr.io") == ("a", "t")


def test_after_a_failed_image_nothing_is_built(tmp_path: Path) -> None:
    (document,) = documents(_TOP + "images: {a: {}, b: {needs: a}, c: {needs: b}}")
    node = Node(tmp_path, {"Dockerfile": "FROM scratch"})
    done = node.run(document, fail="kaniko-b", secrets={"GHCR_TOKEN": "t"})
    assert done.names == ["kaniko-a", "kaniko-b"]


def test_different_secrets_have_volumes_of_their_own(tmp_path: Path) -> None:
    text = _TOP.replace(_LOGINS, "registries: {ghcr.io: {docker_config: shared}}\n") + (
        "images:\n"
        "  a: {}\n"
        "  b: {needs: a, registries: {ghcr.io: {docker_config: own}}}\n"
        "  c: {needs: b}\n"
        "  d: {needs: c, registries: {ghcr.io: {docker_config: third}}}\n"
    )
    (document,) = documents(text)
    volumes = {item["name"]: item["secret"]["secretName"] for item in pod_of(document)["volumes"]}
    assert volumes == {
        "docker-config": "shared",
        "docker-config-2": "own",
        "docker-config-3": "third",
    }
    stores = {
        name: json.dumps({"auths": {"ghcr.io": {"username": name, "password": "p"}}})
        for name in ("shared", "own", "third")
    }
    node = Node(tmp_path, {"Dockerfile": "FROM scratch"})
    done = node.run(document, docker_configs=stores)
    users = [lookup(item, "ghcr.io") for item in done.builds.values()]
    assert users == [("shared", "p"), ("own", "p"), ("shared", "p"), ("third", "p")]


def test_identities_of_joined_images_stay_apart(tmp_path: Path) -> None:
    text = (
        "default_branch: main\n"
        "images:\n"
        "  a: {destinations: [europe-docker.pkg.dev/p/r/a:1],"
        f" registries: {{europe-docker.pkg.dev: {_google('one')}}}}}\n"
        "  b: {needs: a, destinations: [europe-docker.pkg.dev/p/r/b:1],"
        f" registries: {{europe-docker.pkg.dev: {_google('two')}}}}}\n"
        "  c: {needs: b, destinations: [europe-docker.pkg.dev/p/r/c:1],"
        f" registries: {{europe-docker.pkg.dev: {_google('one')}}}}}\n"
    )
    (document,) = documents(text)
    name = "ci-kaniko/google-credentials.json"
    assert list(document["metadata"]["annotations"]) == [name, f"{name}-2"]
    assert len(pod_of(document)["volumes"]) == 2
    assert complaints(rendered(text), tmp_path) == []
    done = Node(tmp_path, {"Dockerfile": "x"}).run(document)
    found = [
        re.findall(r"providers/(\w+)", item.credentials["GOOGLE_APPLICATION_CREDENTIALS"])
        for item in done.builds.values()
    ]
    assert found == [["one"], ["two"], ["one"]]


def _google(name: str) -> str:
    provider = f"projects/1/locations/global/workloadIdentityPools/ci/providers/{name}"
    account = "image-push@my-project.iam.gserviceaccount.com"
    return f"{{google: {{provider: {provider}, service_account: {account}}}}}"


def test_azure_asks_for_its_identity_once() -> None:
    text = (
        "default_branch: main\n"
        "images:\n"
        "  a: {destinations: [acme.azurecr.io/shop:1],"
        " registries: {acme.azurecr.io: {azure: ambient}}}\n"
        "  b: {needs: a, destinations: [ghcr.io/acme/b:1], registries: {ghcr.io: anonymous}}\n"
    )
    (document,) = documents(text)
    labels = document["metadata"]["labels"]
    assert labels["azure.workload.identity/use"] == "true"


def test_labels_say_what_a_job_and_its_pod_are_and_those_of_the_spec_win() -> None:
    settings = "{kind: Job, labels: {app.kubernetes.io/name: shop, team: web}}"
    (document,) = documents(_TOP + f"kubernetes: {settings}\nimages: {{a: {{}}, b: {{needs: a}}}}")
    labels = {
        "app.kubernetes.io/name": "shop",
        "app.kubernetes.io/component": "build-b",
        "app.kubernetes.io/managed-by": "ci-kaniko",
        "team": "web",
    }
    assert document["metadata"]["labels"] == labels
    assert document["spec"]["template"]["metadata"] == {"labels": labels}
    assert document["spec"]["ttlSecondsAfterFinished"] == 3600


@pytest.mark.parametrize(
    ("settings", "resources"),
    [
        ("{}", {"requests": {"cpu": "500m", "memory": "1Gi"}}),
        ("{cpu: 2}", {"requests": {"cpu": "2", "memory": "1Gi"}}),
        (
            "{memory: 4Gi}",
            {"requests": {"cpu": "500m", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
        ),
    ],
)
def test_a_build_asks_for_what_it_needs(settings: str, resources: dict[str, object]) -> None:
    (document,) = documents(f"default_branch: main\n{_ALONE}kubernetes: {settings}\n")
    (container,) = document["spec"]["containers"]
    assert container["resources"] == resources


@pytest.mark.parametrize(
    ("field", "one"),
    [
        ("namespace", "ci"),
        ("service_account", "builder"),
        ("node_selector", "{disk: ssd}"),
        ("tolerations", "[{key: dedicated, value: ci}]"),
        ("kind", "Job"),
        ("deadline_seconds", "60"),
        ("image_pull_secrets", "[mirror]"),
        ("labels", "{app: shop}"),
        ("annotations", "{sidecar.istio.io/inject: 'false'}"),
        ("extra", "{priorityClassName: ci}"),
    ],
)
@pytest.mark.parametrize("odd", ["a", "b"])
def test_what_a_pod_has_once_must_agree(field: str, one: str, odd: str) -> None:
    lines = {"a": "  a: {", "b": "  b: {needs: a, ", "c": "  c: {needs: b"}
    lines[odd] += f"kubernetes: {{{field}: {one}}}"
    images = "images:\n" + "".join(f"{line}}}\n" for line in lines.values())
    assert refused(_TOP + images) == [
        (
            "joined-images",
            6 if odd == "a" else 7,
            f"{_IN_ONE_POD}kubernetes.{field}",
        )
    ]
    agreed = _TOP + f"kubernetes: {{{field}: {one}}}\nimages: {{a: {{}}, b: {{needs: a}}}}"
    assert len(documents(agreed)) == 1
    apart = images.replace("needs: a, ", "").replace("needs: b", "")
    assert len(documents(_TOP + apart)) == 3


def test_what_a_job_has_once_must_agree() -> None:
    text = (
        _TOP + "kubernetes: {kind: Job}\nimages:\n  a: {}\n"
        "  b: {needs: a, kubernetes: {ttl_seconds: 60}}\n"
    )
    assert [rule for rule, _, _ in refused(text)] == ["joined-images"]
    text = text.replace("ttl_seconds: 60", "memory: 1Gi")
    (document,) = documents(text)
    assert document["kind"] == "Job"
    assert document["metadata"]["generateName"] == "build-b-"
    assert list(containers(document)) == ["kaniko-a", "kaniko-b"]


def test_one_name_names_the_pod_of_joined_images() -> None:
    images = "images:\n  a: {kubernetes: {name: shop}}\n  b: {needs: a}\n"
    assert documents(_TOP + images)[0]["metadata"]["generateName"] == "shop-"
    two = images.replace("needs: a", "needs: a, kubernetes: {name: other}")
    assert [rule for rule, _, _ in refused(_TOP + two)] == ["joined-images"]


def test_joined_images_are_built_on_one_kind_of_node() -> None:
    text = _TOP + "images:\n  a: {}\n  b: {needs: a, platforms: linux/arm64}\n"
    assert [(rule, line) for rule, line, _ in refused(text)] == [("joined-images", 7)]
    both = _TOP + "platforms: linux/arm64\nimages: {a: {}, b: {needs: a}}"
    assert pod_of(documents(both)[0])["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    amd64 = "images: {a: {}, b: {needs: a%s}}"
    plain = rendered(_TOP + amd64 % "")
    assert rendered(_TOP + amd64 % ", platforms: linux/amd64") == plain


def test_only_some_images_need_not_agree() -> None:
    spec = ci_kaniko.loads(
        _TOP + "images: {a: {}, b: {needs: a, kubernetes: {namespace: ci}}, c: {needs: b}}"
    )
    from ci_kaniko.plan.select import select

    values = values_for("kubernetes", DEFAULT_BRANCH)
    text = ci_kaniko.render(select(spec, ["b"]), "kubernetes", values)
    assert text.count("kind: Pod") == 1
    assert "initContainers" not in text


def test_a_pod_that_etcd_would_not_take_is_refused() -> None:
    images = "".join(f"  i{n}: {{needs: [i{n - 1}]}}\n" for n in range(1, 300))
    text = _TOP + f"labels: {{x: {'y' * 3000}}}\nimages:\n  i0: {{}}\n{images}"
    ((rule, line, message),) = refused(text)
    assert (rule, line) == ("too-large", 306)
    assert "300 images" in message


# -- preparation ------------------------------------------------------------------------------


def test_prepared_files_reach_the_executor(tmp_path: Path) -> None:
    commands = (
        "VALUE=$(cat app/source)",
        "mkdir -p app/bin",
        "echo \"$VALUE \\$\\$ '$(id -u)' ${HOME:-} \\$(NAME)\" > app/bin/out",
        'test "$(wc -l < app/bin/out)" = 1',
    )
    image = "docker.io/library/alpine:3.23"
    prepare = {"image": image, "commands": commands, "artifacts": ["app/bin"]}
    text = f"{_ALONE}context: app\nprepare: {json.dumps(prepare)}\n"
    node = Node(tmp_path, {"app/source": "seven\n", "app/Dockerfile": "FROM x"})
    (document,) = documents(text, given=node.values)
    assert list(containers(document)) == ["clone", "prepare", "kaniko"]
    assert complaints(rendered(text), tmp_path) == []
    done = node.run(document, secrets={"GHCR_TOKEN": "t"})
    assert done.names == ["clone", "prepare", "kaniko"]
    made = (node.workspace() / "app/bin/out").read_text()
    assert made == f"seven $$ '{os.getuid()}' {tmp_path} $(NAME)\n"
    assert done.argv("kaniko")[:2] == (
        "--context=dir:///workspace/app",
        "--dockerfile=/workspace/app/Dockerfile",
    )
    container = containers(document)["kaniko"]
    assert container["volumeMounts"] == [{"name": "workspace", "mountPath": "/workspace"}]


def test_the_first_command_that_fails_ends_the_pod(tmp_path: Path) -> None:
    text = _ALONE + _PREPARE.replace("[make]", "[test -f nothing, touch later]")
    node = Node(tmp_path, {"Dockerfile": "FROM x"})
    done = node.run(documents(text, given=node.values)[0])
    assert done.names == ["clone", "prepare"]
    assert not (node.workspace() / "later").exists()


def test_cloning_may_be_asked_for_as_well() -> None:
    assert rendered(_ALONE + _PREPARE + "kubernetes: {clone: true}") == rendered(_ALONE + _PREPARE)


def test_an_archive_may_be_prepared() -> None:
    text = _ALONE + _PREPARE + "context: tar://bin/context.tar\n"
    (document,) = documents(text)
    assert containers(document)["kaniko"]["args"][0] == "--context=tar:///workspace/bin/context.tar"
    without = _ALONE + "context: tar://bin/context.tar\n"
    assert [rule for rule, _, _ in refused(without)] == ["impossible-context"]


def test_preparing_has_what_the_build_has() -> None:
    text = _ALONE + _PREPARE + "kubernetes: {memory: 4Gi}\nbuild_secrets: {npm: NPM_TOKEN}\n"
    found = containers(documents(text)[0])
    assert found["prepare"]["resources"] == found["kaniko"]["resources"]
    assert found["prepare"]["env"] == [{"name": "CI", "value": "true"}]


def test_a_private_repository_is_cloned_with_its_token() -> None:
    text = _ALONE + _PREPARE + "git: {token: GIT_TOKEN}\ncheckout: {submodules: true}\n"
    found = containers(documents(text)[0])
    assert [entry["name"] for entry in found["clone"]["env"]] == ["GIT_USERNAME", "GIT_PASSWORD"]
    names = {entry["name"] for entry in found["kaniko"]["env"]}
    assert "GIT_PASSWORD" not in names
    assert "submodule update" in found["clone"]["args"][0]


@pytest.mark.parametrize("way", [_PREPARE, "kubernetes: {clone: true}\n", "builder: buildah\n"])
def test_what_clones_goes_through_the_proxy(way: str) -> None:
    proxy = "proxy: {http: 'http://$(A):3128', https: {secret: PROXY}, no_proxy: 'yes'}\n"
    (document,) = documents(_ALONE + way + proxy)
    key = {"valueFrom": {"secretKeyRef": {"name": "ci-kaniko", "key": "PROXY"}}}
    assert containers(document)["clone"]["env"] == [
        {"name": "HTTP_PROXY", "value": "http://$$(A):3128"},
        {"name": "http_proxy", "value": "http://$$(A):3128"},
        {"name": "HTTPS_PROXY", **key},
        {"name": "https_proxy", **key},
        {"name": "NO_PROXY", "value": "yes"},
        {"name": "no_proxy", "value": "yes"},
    ]


def test_joined_images_share_one_preparation(tmp_path: Path) -> None:
    text = (
        _TOP
        + _PREPARE.replace("[make]", "[echo once >> made]")
        + ("images: {a: {}, b: {needs: a}}")
    )
    node = Node(tmp_path, {"Dockerfile": "FROM x"})
    (document,) = documents(text, given=node.values)
    done = node.run(document, secrets={"GHCR_TOKEN": "t"})
    assert done.names == ["clone", "prepare", "kaniko-a", "kaniko-b"]
    assert (node.workspace() / "made").read_text() == "once\n"


def test_different_preparations_do_not_see_each_other(tmp_path: Path) -> None:
    text = _TOP + (
        "images:\n"
        "  a: {prepare: {image: x, commands: [echo a > made], artifacts: [made]}}\n"
        "  b: {needs: a, prepare: {image: y, commands: [test ! -e made, echo b > made],"
        " artifacts: [made]}}\n"
        "  c: {needs: b, kubernetes: {clone: true}}\n"
        "  d: {needs: c}\n"
    )
    node = Node(tmp_path, {"Dockerfile": "FROM x"})
    (document,) = documents(text, given=node.values)
    done = node.run(document, secrets={"GHCR_TOKEN": "t"})
    assert done.names == [
        *("clone-a", "prepare-a", "kaniko-a"),
        *("clone-b", "prepare-b", "kaniko-b"),
        *("clone", "kaniko-c", "kaniko-d"),
    ]
    assert (node.workspace("workspace-a") / "made").read_text() == "a\n"
    assert (node.workspace("workspace-b") / "made").read_text() == "b\n"
    assert sorted(path.name for path in node.workspace().iterdir()) == [".git", "Dockerfile"]
    found = containers(document)
    assert [found[f"kaniko-{name}"].get("volumeMounts") for name in "abcd"] == [
        [{"name": "workspace-a", "mountPath": "/workspace"}],
        [{"name": "workspace-b", "mountPath": "/workspace"}],
        [{"name": "workspace", "mountPath": "/workspace"}],
        None,
    ]
    assert done.argv("kaniko-d")[0].startswith("--context=git://")


def test_apart_each_pod_prepares_for_itself() -> None:
    found = documents(_TOP + _PREPARE + "images: {a: {}, b: {}, c: {prepare: null}}")
    assert [list(containers(document)) for document in found] == [
        *(["clone", "prepare", "kaniko"], ["clone", "prepare", "kaniko"], ["kaniko"])
    ]


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("git.token", "git: {token: OTHER}"),
        ("git.username", "git: {username: other}"),
        ("proxy", "proxy: {https: 'http://other:3128'}"),
        ("kubernetes.secret", "kubernetes: {secret: other}"),
    ],
)
def test_one_workspace_is_cloned_in_one_way(field: str, other: str) -> None:
    text = _TOP + _PREPARE + "git: {token: GIT_TOKEN}\nimages:\n  a: {}\n"
    ((rule, line, message),) = refused(f"{text}  b: {{needs: a, {other}}}\n")
    assert (rule, line) == ("joined-images", 9)
    assert message.endswith(f"differ in {field}")


# -- platforms --------------------------------------------------------------------------------


def test_several_platforms_are_refused() -> None:
    text = _ALONE + "platforms: [linux/amd64, linux/arm64]\n"
    (problem,) = problems(text)
    assert (problem.rule, problem.line) == ("impossible-platforms", 3)
    assert "a Pod runs on one node" in problem.message
    images = _TOP + "platforms: [linux/amd64, linux/arm64]\nimages: {a: {}, b: {platforms: null}}"
    assert [rule for rule, _, _ in refused(images)] == ["impossible-platforms"]


@pytest.mark.parametrize(
    ("platform", "machine"),
    [("linux/arm64", "arm64"), ("linux/arm/v7", "arm"), ("linux/s390x", "s390x")],
)
def test_a_platform_chooses_its_node(platform: str, machine: str) -> None:
    text = _ALONE + f"platforms: {platform}\nkubernetes: {{node_selector: {{disk: ssd}}}}"
    (document,) = documents(text)
    selector = {"kubernetes.io/arch": machine, "disk": "ssd"}
    assert pod_of(document)["nodeSelector"] == selector
    assert f"--custom-platform={platform}" in containers(document)["kaniko"]["args"]


def test_the_usual_platform_leaves_no_trace() -> None:
    assert rendered(_ALONE + "platforms: linux/amd64\n") == rendered(_ALONE)


@pytest.mark.parametrize(
    ("platform", "machine", "fits"),
    [
        ("linux/arm64", "arm64", True),
        ("linux/arm64", "amd64", False),
        ("linux/amd64", "arm64", False),
        ("linux/amd64", "amd64", True),
        ("linux/arm/v7", "arm64", True),
        ("linux/arm/v7", "amd64", False),
    ],
)
def test_a_node_that_cannot_build_is_refused(platform: str, machine: str, fits: bool) -> None:  # noqa: FBT001
    selector = f"kubernetes: {{node_selector: {{kubernetes.io/arch: {machine}}}}}\n"
    text = _ALONE + selector + f"platforms: {platform}\n"
    if fits:
        (document,) = documents(text)
        assert pod_of(document)["nodeSelector"] == {"kubernetes.io/arch": machine}
    else:
        assert refused(text) == [
            (
                "conflicting-options",
                3,
                f"a node with kubernetes.io/arch: {machine} cannot build for {platform}",
            )
        ]


# -- digest -----------------------------------------------------------------------------------


def test_the_digest_is_the_termination_message(tmp_path: Path) -> None:
    text = _TOP + "digest: true\nimages: {a: {}, b: {needs: a}, c: {needs: b, digest: false}}"
    (document,) = documents(text)
    paths = [item.get("terminationMessagePath") for item in containers(document).values()]
    assert paths == ["/kaniko/output/digest", "/kaniko/output/digest", None]
    done = Node(tmp_path, {"Dockerfile": "x"}).run(document, secrets={"GHCR_TOKEN": "t"})
    written = [item.files.get("/kaniko/output/digest", b"") for item in done.builds.values()]
    digest = b"sha256:" + b"0" * 64
    assert [text.strip() for text in written] == [digest, digest, b""]


def test_a_script_hands_the_digest_over_too() -> None:
    text = (
        "digest: true\ndestinations: ['registry.example.com:5000/shop:1']\n"
        "registries: {'registry.example.com:5000': {username: a, password: TOKEN}}\n"
    )
    (document,) = documents(text)
    container = containers(document)["kaniko"]
    assert container["command"] == ["/busybox/sh", "-c"]
    assert "--digest-file=/kaniko/output/digest" in container["args"][0]
    assert container["terminationMessagePath"] == "/kaniko/output/digest"


def test_nothing_is_handed_over_when_nothing_is_pushed() -> None:
    text = _ALONE + "digest: true\n"
    assert "digest" not in rendered(text, PULL_REQUEST).partition("\n")[2]
    tagged = text.replace(
        "['ghcr.io/acme/shop:${commit.short}']",
        "[{image: 'ghcr.io/acme/shop:1', when: {tag: 'v*'}}]",
    )
    assert "digest" not in rendered(tagged)
    assert rendered(tagged, TAG).count("/kaniko/output/digest") == 2


def test_a_pod_hands_over_one_file() -> None:
    text = _ALONE + "digest: true\noptions: {image_name_with_digest_file: out}\n"
    assert [(rule, line) for rule, line, _ in refused(text)] == [("impossible-output", 3)]


# -- inputs and values ------------------------------------------------------------------------

_INPUTS = (
    _TOP.replace("${commit.short}", "${input.channel}")
    + "inputs:\n"
    + "  channel: {options: [dev, stable]}\n"
    + "  jobs: {type: number, default: 4}\n"
    + "  debug: {type: boolean, default: false}\n"
    + "  note: {default: ''}\n"
    + "build_args: {JOBS: '${input.jobs}', D: '${input.debug}', N: '${input.note:-none}'}\n"
    + "images: {api: {}, web: {}}\n"
)


def test_inputs_are_values() -> None:
    first, second = documents(_INPUTS, given={"input.channel": "stable", "input.debug": "true"})
    words = containers(first)["kaniko"]["args"]
    assert [word for word in words if "build-arg" in word or "destination" in word] == [
        "--build-arg=JOBS=4",
        "--build-arg=D=true",
        "--build-arg=N=none",
        "--destination=ghcr.io/acme/api:stable",
    ]
    assert "--destination=ghcr.io/acme/web:stable" in containers(second)["kaniko"]["args"]


@pytest.mark.parametrize(
    ("given", "rule", "hint"),
    [
        ({"input.channel": "beta"}, "bad-value", "expected one of: dev, stable"),
        ({"input.jobs": "many"}, "bad-value", "expected a number: such as 3 or 0.5"),
        ({"input.debug": "yes"}, "bad-value", "expected a boolean: true or false"),
        ({"input.note": 'a"b'}, "bad-value", 'expected a string: one line without ", \\ and $'),
        ({"input.chanel": "dev"}, "unknown-value", 'did you mean "input.channel"?'),
        ({"input.x": "dev"}, "unknown-value", "inputs: at the top of the spec declares them"),
    ],
)
def test_bad_inputs_are_refused(given: dict[str, str], rule: str, hint: str) -> None:
    found = problems(_INPUTS, {"input.channel": "dev", **given})
    assert [(problem.rule, problem.hint) for problem in found] == [(rule, hint)]


def test_an_input_must_fit_its_reference() -> None:
    text = _INPUTS.replace("{options: [dev, stable]}", "{default: dev}")
    (problem,) = problems(text, {"input.channel": "a b"})
    assert (problem.rule, problem.line) == ("bad-value", 3)


def test_a_cache_of_a_value_that_no_name_can_hold_is_refused() -> None:
    text = _ALONE + "cache: {repo: 'ghcr.io/acme/${env.TEAM}'}\n"
    (problem,) = problems(text, {"env.TEAM": "a b"})
    assert (problem.rule, problem.line) == ("bad-value", 3)


def test_a_host_of_values_is_one_of_the_cloud_that_opens_it() -> None:
    host = "${env.ID}.dkr.ecr.eu-west-1.amazonaws.com"
    text = f"destinations: ['{host}/acme/shop:1']\nregistries: {{'{host}': {{aws: ambient}}}}\n"
    assert "value: eu-west-1" in rendered(text, given={"env.ID": "123456789012"})
    (problem,) = problems(text, {"env.ID": "1234"})
    assert (problem.rule, problem.line) == ("foreign-cloud-login", 2)


def test_all_that_is_missing_is_said_once() -> None:
    text = _INPUTS.replace("N: '${input.note:-none}'", "N: '${env.NOTE}', R: '${ref.name}'")
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.render(ci_kaniko.loads(text), "kubernetes")
    (problem,) = error.value.problems
    assert (problem.rule, problem.line) == ("missing-value", 10)
    names = problem.message.rpartition(": ")[2].split(", ")
    assert sorted(names) == [
        *("branch", "commit.sha", "env.NOTE", "input.channel", "repository.url")
    ]


def test_triggers_are_for_whoever_creates_the_manifest() -> None:
    triggers = (
        "triggers: {branches: [x], schedules: ['0 3 * * 1'], manual: true, paths: [src/**]}\n"
    )
    assert rendered(_ALONE + triggers) == rendered(_ALONE)


def test_forms_and_unused_inputs_leave_no_trace() -> None:
    more = "gitlab: {form: component}\ngithub: {form: reusable}\ninputs: {x: {default: y}}\n"
    assert rendered(_ALONE + more) == rendered(_ALONE)


# -- files ------------------------------------------------------------------------------------


def test_a_committed_stream_stays_in_sync(tmp_path: Path) -> None:
    spec = (
        "context: git://github.com/acme/shop.git#refs/heads/main\n"
        "destinations: ['ghcr.io/acme/${image.name}:edge']\n"
        + _LOGINS
        + "outputs:\n  kubernetes: [all.yaml, {path: api.yaml, only: [api]}]\n"
        "images: {api: {}, web: {}}\n"
    )
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", spec)
    assert repository.run("sync").code == 0
    expected = ci_kaniko.render(ci_kaniko.loads(spec), "kubernetes")
    assert repository.text("all.yaml") == expected
    assert repository.text("api.yaml").count("kind: Pod") == 1
    assert repository.run("check").code == 0


def test_a_committed_stream_cannot_hold_values(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", _TOP + "outputs: {kubernetes: x.yaml}\nimages: {a: {}}\n")
    done = repository.run("sync")
    assert done.code != 0
    assert "a committed kubernetes file cannot hold what each commit changes: " in done.err


def test_the_command_line_gives_inputs(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", _INPUTS)
    sets = {"input.channel": "stable", **(values_for("kubernetes", DEFAULT_BRANCH) or {})}
    words = [word for item in sets.items() for word in ("--set", "=".join(item))]
    done = repository.run("render", "kubernetes", *words)
    assert done.code == 0, done.err
    assert done.out == rendered(_INPUTS, given={"input.channel": "stable"})


def test_a_stream_is_its_documents_one_after_the_other() -> None:
    whole = rendered(_TOP + "images: {a: {}, b: {}, c: {}}").split("---\n")
    alone = [rendered(_TOP + f"images: {{{name}: {{}}}}") for name in "abc"]
    header = alone[0].partition("apiVersion")[0]
    assert whole == [alone[0], *(text.removeprefix(header) for text in alone[1:])]


@pytest.mark.parametrize("builder", ["kaniko", "buildah", "buildkit"])
def test_a_variable_of_the_builder_is_the_containers_and_stands_nowhere_else(builder: str) -> None:
    text = f"builder: {builder}\n{_ALONE}env: {{ACME_MODE: of-the-spec}}\n"
    (pod,) = documents(text)
    (container,) = pod["spec"]["containers"]
    assert {"name": "ACME_MODE", "value": "of-the-spec"} in container["env"]
    assert rendered(text).count("of-the-spec") == 1
