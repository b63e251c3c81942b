"""The snapshot fixture, hypothesis profiles, and the rule that nothing is skipped in CI."""

from __future__ import annotations

import contextlib
import functools
import gc
import glob
import os
import shutil
import signal
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import typer
import typer.testing

from ci_kaniko.importing.shell.parsing import ShellError
from ci_kaniko.rehearsing import expressions, launcher
from ci_kaniko.syncing import memory
from harness import answers, judge, shared, small, verdicts
from harness.cases import SNAPSHOTS
from harness.folding import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Here GitHub's own evaluator answers, which a rehearsal has to do without.
expressions.use(judge.OFFICIAL)

CI = bool(os.environ.get("CI"))

# Commands are made of their functions once, not for each of hundreds of calls.
typer.main.get_command = functools.cache(typer.main.get_command)
vars(typer.testing)["_get_command"] = typer.main.get_command

# In a checkout it looks at every file of the package, which stay as they are while tests run.
memory._installation = functools.cache(memory._installation)

# Hundreds of programs start that import the package: one of them compiles it, as at users'.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A file that is written durably takes as long as the disk, in memory no time.
if launcher.MEMORY and shutil.disk_usage(launcher.MEMORY).free > 2 << 30:
    os.environ.setdefault("TMPDIR", str(launcher.MEMORY))
    tempfile.tempdir = None

# A shell starts what it puts in the background deaf to it, and so would be all that is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("dev", deadline=None, max_examples=30)
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, database=None
)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("ci" if CI else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite snapshots/")
    parser.addoption("--every-mode", action="store_true", help="change every leaf in every mode")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give the whole suite and large folders every core; a small part is faster without workers.

    The tests of a file stay together: they share what they render and run.
    """
    whole = [os.path.abspath(each) for each in config.args] == [os.path.dirname(__file__)]
    asked = config.getoption("numprocesses", default="no such option")
    many = whole or _is_large(config)
    if not many or asked == "no such option" or hasattr(config, "workerinput"):
        return
    if asked is None:
        config.option.numprocesses = "auto"
    if config.option.dist == "no":
        config.option.dist, config.option.loadscopereorder = "loadfile", False


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are cores: some tests wait for a daemon or a browser."""
    found = yield
    return found + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


_ANSWERS, _TEXTS = pytest.StashKey[str](), pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is rendered; and what shfmt answers and what passes, but in CI for the next run."""
    given = getattr(config, "workerinput", {})
    config.stash[_TEXTS] = given.get("texts") or _made_for(config)
    shared.use(config.stash[_TEXTS])
    folder = given.get("answers")
    lasting = not CI and hasattr(config, "cache")
    if lasting:
        verdicts.keep(config.cache)
    if folder is None and lasting:
        with contextlib.suppress(ShellError):
            folder = answers.lasting(config.cache)
    if folder is None:
        folder = _made_for(config)
    config.stash[_ANSWERS] = folder
    answers.keep(folder)


def _made_for(config: pytest.Config) -> str:
    """A folder for one run."""
    folder = tempfile.mkdtemp()
    config.add_cleanup(functools.partial(shutil.rmtree, folder))
    return folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["texts"] = node.config.stash[_TEXTS]
    node.workerinput["answers"] = node.config.stash[_ANSWERS]


def _is_large(config: pytest.Config) -> bool:
    """Whether the folders that are asked for take long, and all of their tests are wanted."""
    found = [
        path for each in config.args for path in glob.glob(f"{each}/**/test_*.py", recursive=True)
    ]
    long = sum(os.path.basename(path).removesuffix(".py") in LONG for path in found)
    option = config.option
    return (len(found) >= 3 or long >= 2) and not (
        option.keyword or option.markexpr or option.usepdb
    )


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> pytest.Function | None:
    """All cases of a function are one item, unless somebody chooses among them."""
    option = collector.config.option
    chosen = option.keyword or option.markexpr or option.collectonly
    if chosen or any("::" in each for each in collector.config.args):
        return None
    return folded(collector, name, obj) if collector.istestfunction(obj, name) else None


LONG = {
    *("test_leaves", "test_execution", "test_pipelines", "test_validators", "test_shellcheck"),
    *("test_beside", "test_truth_table", "test_site", "test_buildah", "test_told", "test_builders"),
    *("test_hooks", "test_formatters", "test_sync", "test_long_scripts", "test_rendered_scripts"),
    *("test_hosted", "test_clustered", "test_other_builders", "test_perturbation", "test_merge"),
    *("test_existing_files", "test_scripts", "test_bases", "test_logins", "test_properties"),
    *("test_adding_a_target", "test_foreign_target", "test_playground", "test_suite"),
    *("test_images", "test_modes", "test_forms", "test_fetched", "test_buildkit"),
}
"""The files that take longest start first: none of them is alone at work at the end."""


collect_ignore = [*small.PLACES] if small.SMALL else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)
    for item in items if small.SMALL else ():
        name = item.nodeid.partition("tests/")[2].partition("[")[0]
        if reason := small.TESTS.get(name):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tests run at the root of the repository, from wherever somebody starts them.

    What was collected stays: the collector need not walk through it over and over.
    """
    os.chdir(session.config.rootpath)
    gc.freeze()
    gc.set_threshold(1_000_000)


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str, str, str | None], None]:
    """Compare text with snapshots/<target>/<case>.yml; None says that there is no such file."""

    def compare(target: str, case: str, text: str | None) -> None:
        path = SNAPSHOTS / target / f"{case}.yml"
        if request.config.getoption("--update-snapshots"):
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
        kept = path.read_bytes().decode() if path.exists() else None
        assert text == kept, f"{path.name}: pytest --update-snapshots, then read what changed"

    return compare


def _left_out(config: pytest.Config) -> list[str]:
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is None:
        return []
    kinds = ("skipped", "xfailed", "xpassed")
    return [report.nodeid for kind in kinds for report in terminal.stats.get(kind, ())]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if CI and session.exitstatus == pytest.ExitCode.OK and _left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out = _left_out(config) if CI else []
    if left_out:
        terminalreporter.section("not run, which CI does not allow", red=True)
        for nodeid in left_out:
            terminalreporter.line(nodeid)
