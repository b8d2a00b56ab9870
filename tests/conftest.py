"""What every test relies on: a clean environment, and a data directory with a short name."""

import fcntl
import gc
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

# What becomes another account is forked, in a process where gRPC has threads: its handlers start some in the child
# before that is another program, and sometimes end it (6 of 150 tries). It is asked as it is loaded.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
import grpc as grpc

del os.environ["GRPC_ENABLE_FORK_SUPPORT"]

import pytest
from hypothesis import settings

from pointsman.signals import pass_on_none
from tests.folders import roomy, short_folder

# A developer's own bot, router or agent must not leak into a test, nor a proxy stand between two loopback sockets.
_FOREIGN = ("POINTSMAN_", "TELEGRAM_", "ALLOWED_", "CLAUDE", "TMUX", "NVIM", "XDG_DATA_HOME")
# Nor may a test depend on whose account runs it: tmux starts commands in the user's login shell, which may be nologin,
# and bash takes no pastes on a terminal that has no name.
_TERMINAL = {"SHELL": "/bin/sh", "TERM": "xterm-256color"}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GRPC_PROXY")

# No deadline: two cores are shared by many processes. No database: the tree may belong to someone else.
settings.register_profile("house", deadline=None, database=None, print_blob=True)
settings.load_profile("house")

# One worker at a time holds each while it collects: as many as there are cores, or nearly.
_TURNS = (Path(__file__), Path(__file__).with_name("folders.py"))

# The tests' own functions live until the end: looking for garbage among them doubles the time to collect them.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Not all workers at once: in a fresh clone the first leave to the others what they compiled."""
    with _TURNS[_worker() % len(_TURNS)].open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Every other worker begins at the end: of two that collect at once neither compiles what the other did."""
    report = yield
    if _worker() % len(_TURNS) and isinstance(collector, pytest.Dir):
        report.result = report.result[::-1]
    return report


def _worker() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    # An ordinary user may run the tests in a tree that root has cloned: then nothing is remembered, and that is all.
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestCacheWarning")
    for name in [n for n in os.environ if n.startswith(_FOREIGN) or n.upper() in _PROXIES]:
        del os.environ[name]
    # Nor on signals that whoever runs it ignores, such as nohup. The parent of workers keeps that, for them to know.
    if not config.getoption("numprocesses", None):
        pass_on_none()
    tempfile.tempdir = roomy()  # also for `short_folder`
    os.environ.update(_TERMINAL, TMPDIR=tempfile.tempdir)


# Whole programs wait more than they compute: begun first, they wait beside everything else instead of after it. What
# takes longest of all begins with them.
_FIRST = (
    *("tests/bench/", "tests/e2e/", "tests/faults/", "tests/integration/agent/backends/", "tests/soak/"),
    *("tests/integration/webhook_adapter/test_", "tests/integration/pointsman/", "tests/sim/", "tests/integration/"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[int, str]:
    """The same in each worker, in whatever order it came upon files; tests stay as they stand in theirs."""
    return next((n for n, name in enumerate(_FIRST) if item.nodeid.startswith(name)), len(_FIRST)), str(item.path)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data directory."""
    with short_folder() as folder:
        yield folder
