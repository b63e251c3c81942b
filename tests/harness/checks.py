"""What has to be true of a run: the arguments, the logins, and that no secret is left anywhere."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.comparable import normalise
from ci_kaniko.rehearsing.executor import CREDENTIAL_FILES
from ci_kaniko.rehearsing.logins import lookup
from harness import expectation, expected_arguments, expected_logins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.expectation import Run
    from harness.expected_logins import Login

NEVER_STARTED = 125
"""How a run ends whose container never starts."""
OUTPUT = {"kubernetes": "/kaniko/output", "agola": "/kaniko/output"}


def stopped(got: Recorded, names: Iterable[str]) -> None:
    assert got.status != 0
    assert got.argv is None
    assert any(name in got.stderr for name in names), got.stderr


HANDED_OVER = "--digest-file=<digest>"
"""The last argument of a run whose digest is for later jobs: each platform has its own place."""


def reached(
    got: Recorded, wanted: Run, arguments: Iterable[str] | None = None, *, status: int = 0
) -> None:
    """Exactly one call of the executor, with what the spec asks for; it ended with ``status``."""
    assert (got.status, got.calls) == (status, 1), got.stderr
    expected = expected_arguments.arguments(wanted) if arguments is None else [*arguments]
    assert compared(got, wanted, handed_over=expected[-1:] == [HANDED_OVER]) == expected
    assert [
        a for a in got.argv or () if a.startswith("--git=")
    ] == expected_arguments.git_arguments(wanted)
    assert got.image == expectation.image(wanted, shell=runs_in_debug_image(got))
    assert got.umask == 0o022
    assert got.env.get("container") == container(got)
    assert "KANIKO_NO_PUSH" not in got.env
    for path in () if status else expected_arguments.digest_files(wanted):
        assert f"{OUTPUT.get(got.target, got.workspace)}/{path}" in got.files


def runs_in_debug_image(got: Recorded) -> bool:
    if got.target == "kubernetes":
        return got.command[0] != "/kaniko/executor" or "-debug" in got.image
    return got.command[0] != "docker"


def container(got: Recorded) -> str | None:
    """How kaniko is told that it is in a container, where it does not notice."""
    if got.target == "kubernetes":
        return "kube"
    return "docker" if got.command[0] == "docker" else None


def logged_in(got: Recorded, wanted: Run) -> None:
    """Every host that is needed has the login that was fed, no other host has one."""
    needed = expected_logins.logins(wanted)
    for name, login in expected_logins.all_logins(wanted).items():
        found = lookup(got, name)
        if name in needed and login.is_cloud:
            asks_the_cloud(got, login, wanted)
        elif name in needed:
            assert found == (login.user, login.password), name
        else:
            assert found is None or is_always_there(got, login), name
            if login.kind not in {other.kind for other in needed.values()}:
                has_no_part_of(got, login, wanted)
    assert lookup(got, "other.example.com") is None
    asks_the_store(got, wanted)
    has_its_inputs(got, wanted)
    git = expected_logins.git_login(wanted)
    if git:
        assert (got.env["GIT_USERNAME"], got.env["GIT_PASSWORD"]) == git[:2]
    if got.config_text is not None and not mounts_config(got):
        assert got.config_mode == 0o600
        written = [login for login in needed.values() if not login.is_cloud]
        assert written or got.config == {"auths": {}}


def has_its_inputs(got: Recorded, wanted: Run) -> None:
    """Certificates, build secrets and proxies are in every run; written files are private."""
    given = expected_logins.always_given(wanted)
    assert {name: got.env.get(name) for name in given} == given
    claims = {one.target: one.read_only for one in got.mounts if "Claim:" in one.source}
    folder_of_images = wanted.spec.section("cache").get("dir")
    assert claims == ({folder_of_images: True} if folder_of_images else {})
    wanted_files = expected_logins.inputs(wanted)
    folder = "/kaniko/certificates/"
    found = {path: item for path, item in got.inputs.items() if path.startswith(folder)}
    assert {path: item.text.removesuffix("\n") for path, item in found.items()} == wanted_files
    mounted = {mount.target for mount in got.mounts if mount.source.startswith(("secret", "proj"))}
    for path, item in got.inputs.items():
        if path.rpartition("/")[0] not in mounted:
            assert item.mode == 0o600, path


FOREIGN = "of-somebody-else"
"""What a cloud's variables are where somebody else has set them for the job."""


def asks_the_store(got: Recorded, wanted: Run) -> None:
    """The store of the context answers: its address, and a key or the file that holds it."""
    environment = expected_logins.context_environment(wanted.spec)
    assert {name: got.env[name] for name in environment} == environment
    secret = expected_logins.context_secret(wanted.spec)
    if secret:
        name, key = secret
        held = got.credentials[name] if name in CREDENTIAL_FILES else got.env[name]
        assert held.removesuffix("\n") == expected_logins.secret(key)


def asks_the_cloud(got: Recorded, login: Login, wanted: Run) -> None:
    """There is no entry for the host: the executor's helper finds role or key by itself."""
    assert lookup(got, login.host) is None
    environment = {**login.environment, **expected_logins.context_environment(wanted.spec)}
    if login.kind == "aws" and "AWS_REGION" not in expected_logins.context_environment(wanted.spec):
        # The client takes a registry's region from its name; this one is for the exchange.
        every = expected_logins.all_logins(wanted).values()
        regions = {other.environment.get("AWS_REGION") for other in every}
        assert got.env["AWS_REGION"] in regions
        del environment["AWS_REGION"]
    paths = environment.keys() & set(CREDENTIAL_FILES)
    seen = {name: got.env[name] for name in environment}
    assert seen | {name: seen[name].rpartition("/")[2] for name in paths} == environment
    for name, text in login.files.items():
        held = got.credentials[name].removesuffix("\n")
        assert text in (held, token_of(got, held))
    if login.files or login.environment.keys() > {"AWS_REGION"}:  # else what the job has counts
        own = [text for name, text in got.env.items() if name.startswith(login.kind.upper())]
        assert FOREIGN not in own


def token_of(got: Recorded, document: str) -> str:
    """The identity to which Google's description of it leads."""
    if not document.startswith("{"):
        return ""
    source = json.loads(document)["credential_source"]["file"]
    return got.inputs[source].text


def has_no_part_of(got: Recorded, login: Login, wanted: Run) -> None:
    """A pod of Buildkite's is the same in every run; a manifest is for one run only."""
    if got.target == "buildkite" or login.kind in wanted.spec.section("context_login"):
        return
    assert not login.environment.keys() & got.env.keys()
    assert not login.files.keys() & got.credentials.keys()


def is_always_there(got: Recorded, login: Login) -> bool:
    """Kaniko finds GitLab's own login by itself; a volume of Buildkite's Pod is in every run."""
    if got.target == "gitlab":
        return login.host == got.env["CI_REGISTRY"]
    return got.target == "buildkite" and login.kind == "docker-config"


def mounts_config(got: Recorded) -> bool:
    return any(mount.source.startswith("secret:") for mount in got.mounts)


def kept_secret(got: Recorded, wanted: Run) -> None:
    """No password, nor its base64, anywhere but in the login's own place."""
    texts = {
        "arguments": "\0".join((*got.command, *got.curl, *got.agent)),
        "stdout": "\n".join(line for line in got.stdout.splitlines() if not is_mask(got, line)),
        "stderr": got.stderr,
        **{path: data.decode("utf-8", "replace") for path, data in left_behind(got).items()},
    }
    if got.command[:1] == ("docker",):
        own = {"DOCKER_AUTH_CONFIG", "GIT_PASSWORD", "AZURE_STORAGE_ACCESS_KEY"}
        own |= expected_logins.always_given(wanted).keys()
        for login in expected_logins.logins(wanted).values():
            own |= login.environment.keys()
        texts["env"] = "\0".join(value for name, value in got.env.items() if name not in own)
    for secret in all_secrets(wanted):
        for place, text in texts.items():
            assert secret not in text, place


def is_mask(got: Recorded, line: str) -> bool:
    """GitHub's runner takes such a line for itself, and hides the value from then on."""
    return got.target == "github" and line.startswith("::add-mask::")


def all_secrets(wanted: Run) -> set[str]:
    """Every secret text, and how it looks when it is encoded."""
    found = {"ghs-rehearsal", "glcbt-job", "oidc-rehearsal", "request-rehearsal", "eyJ."}
    found |= {*expected_logins.SESSION.values()}
    for name in (n for n in expected_logins.fed(wanted).secrets if not n.endswith("_USER")):
        text = expected_logins.secret(name)
        found |= {text, encoded(text), json.dumps(text)[1:-1]}
    for login in expected_logins.all_logins(wanted).values():
        pair = f"{login.user}:{login.password}"
        found |= {login.password, encoded(login.password), encoded(pair)}
    git = expected_logins.git_login(wanted)
    found |= {git[1], encoded(git[1])} if git else set()
    found |= {
        expected_logins.secret(name)
        for name in (expected_logins.context_secret(wanted.spec) or ())[1:]
    }
    return found - {"", encoded(":")}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def left_behind(got: Recorded) -> dict[str, bytes]:
    """Files that are still there, logins in the container's own file system aside."""
    files = got.files if got.calls else {}
    logins = ("/kaniko/.docker/", "/kaniko/credentials/", "/kaniko/certificates/")
    return {path: data for path, data in files.items() if not path.startswith(logins)}


def cleaned_up(got: Recorded, wanted: Run) -> None:
    files = [] if got.status else expected_arguments.output_files(wanted.spec)
    outputs = {path.rpartition("/")[2] for path in files}
    assert {path.rpartition("/")[2] for path in left_behind(got)} <= outputs


def is_kept_from_pushing(got: Recorded, wanted: Run) -> None:
    """Law 10: the executor does not hold what another run pushes with; no request is given it."""
    if not got.calls:
        return
    needed = expected_logins.secrets_needed(wanted)
    given = {name: expected_logins.secret(name) for name in expected_logins.fed(wanted).secrets}
    held = {name for name, text in given.items() if text in got.env.values()}
    assert held <= {*needed}, held
    if "--no-push" in (got.argv or ()) and "context_login" not in wanted.spec.data:
        assert not [name for name, text in got.env.items() if text.startswith("eyJ.")]
    if expected_logins.is_kept_from_secrets(wanted):
        ready = any(
            login.kind == "docker-config" for login in expected_logins.logins(wanted).values()
        )
        mounted = {mount.target for mount in got.mounts if mount.source.startswith("secret:")}
        assert ready or "/kaniko/.docker" not in mounted


def check(
    got: Recorded, wanted: Run, arguments: Iterable[str] | None = None, *, status: int = 0
) -> None:
    """A run of a job: what reached the executor and what is left; a fork gets no secret."""
    needed = expected_logins.secrets_needed(wanted)
    if wanted.event.fork and needed:
        stopped(got, needed)
    else:
        reached(got, wanted, arguments, status=status)
        logged_in(got, wanted)
    kept_secret(got, wanted)
    is_kept_from_pushing(got, wanted)
    cleaned_up(got, wanted)
    pulled(got, wanted)


def pulled(got: Recorded, wanted: Run) -> None:
    """The spec's own images are pulled with the logins of every run, all others with none."""
    logins = expected_logins.pull_logins(wanted)
    for image, found in got.pulls.items():
        login = logins.get(image.partition("@")[0].rpartition(":")[0])
        if login and wanted.event.fork and login.secrets:
            login = None
        assert found == (login and (login.user, login.password)), image


def common(got: Recorded, wanted: Run, *, handed_over: bool = False) -> tuple[str, ...]:
    """The arguments without the words that each platform has for itself: law 1 compares these."""
    own = expectation.own_values(wanted)
    found = compared(got, wanted, handed_over=handed_over)
    return tuple(anonymised(argument, own) for argument in found)


def compared(got: Recorded, wanted: Run, *, handed_over: bool = False) -> list[str]:
    """The arguments; Agola's executor runs where it also fetches to, and that is no checkout."""
    if expectation.is_fetched(wanted.spec):
        got = replace(got, workspace="")
    found = normalise(got)
    if handed_over and found[-1:] and found[-1].startswith("--digest-file="):
        found[-1] = HANDED_OVER
    return found


def anonymised(argument: str, own: Mapping[str, str]) -> str:
    """The longest words first: one may be part of another."""
    for name in sorted(own, key=lambda name: -len(own[name])):
        argument = argument.replace(own[name], f"<{name}>")
    return argument
