"""By which way programs of `up`, and commands beside it, reach the router."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from router.local_socket import socket_path
from tests.faults import certificates
from tests.folders import short_folder
from tests.integration.pointsman.up.test_up import POINTSMAN, Up, running
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with short_folder() as folder, running(folder) as one:
        yield one


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that was told no address."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ |= {"POINTSMAN_DATA_DIR": str(folder)}
    return subprocess.run((*POINTSMAN, *arguments), env=environ, capture_output=True, text=True, timeout=60)


def clients_of_port(up: Up) -> list[str]:
    """The programs that have a connection to the router's port."""
    port = int(up.router.rpartition(":")[2])
    children = psutil.Process(up.process.pid).children(recursive=True)
    connected = {
        child for child in children for one in child.net_connections("tcp") if one.raddr and one.raddr.port == port
    }
    return sorted(child.cmdline()[-1] for child in connected)


def test_programs_of_up_go_by_its_socket(up: Up) -> None:
    assert up.line(f"^  router +{up.router}; programs here use unix:{socket_path(up.folder)}")
    assert up.run("doctor").returncode == 0  # all of them are connected
    assert clients_of_port(up) == []


def test_doctor_says_by_which_way_it_is_asked(up: Up) -> None:
    by_socket, by_port = command(up.folder, "doctor").stdout, up.run("doctor").stdout

    assert f"unix:{socket_path(up.folder)}, asked by its socket" in by_socket
    assert f"{up.router}, asked over TCP" in by_port
    assert "connected by its socket" in by_socket
    assert "connected by its socket" in by_port


def test_its_agent_may_be_run_by_itself(data_dir: Path) -> None:
    """It finds the socket, too, although its machine was enrolled where the socket was once."""
    with running(data_dir / "before"):
        pass
    (data_dir / "before").rename(data_dir / "after")
    settings = {"POINTSMAN_DATA_DIR": str(data_dir / "after"), "POINTSMAN_ROUTER_LISTEN": "127.0.0.1:0"}
    environ = {**os.environ, **settings}
    with subprocess.Popen((*POINTSMAN, "router"), env=environ, stdout=subprocess.PIPE, text=True) as router:
        assert router.stdout
        assert router.stdout.readline().startswith("ready router")
        with subprocess.Popen((*POINTSMAN, "agent"), env=environ, stdout=subprocess.PIPE, text=True) as agent:
            assert agent.stdout
            assert agent.stdout.readline().startswith("ready agent")
            wait_until(lambda: "connected by its socket" in command(data_dir / "after", "doctor").stdout)
            agent.terminate()
        router.terminate()


def test_a_router_with_a_certificate_needs_nothing_more_here(data_dir: Path, tmp_path: Path) -> None:
    certificate, key = certificates.issue(tmp_path, "router", certificates.write(tmp_path))

    with running(data_dir, POINTSMAN_TLS_CERT=str(certificate), POINTSMAN_TLS_KEY=str(key)) as up:
        done = command(up.folder, "machines")

    assert done.returncode == 0, done.stderr
    assert "box" in done.stdout
