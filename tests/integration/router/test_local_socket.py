"""The router's Unix socket: there as long as it, found by programs of its account, wherever its folder lies."""

import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import identity_pb2 as pb
from agentlink.v1.identity_pb2_grpc import IdentityStub

from agent.link import router_socket
from agent.link.channel import Endpoint
from agent.link.enrol import enrol
from agent.link.router_proof import carried, challenge
from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.errors import ExitCode
from router.config import SettingsError
from router.local_socket import socket_path
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.process import started
from tests.rigs.agent_thread import running
from tests.waiting import wait_until

CONNECTIONS, STREAMS = 10, 100  # of each
COMMAND = (sys.executable, "-I", "-m", "pointsman", "sessions")
OUTPUT: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "check": False}


def test_it_is_there_as_long_as_the_router(data_dir: Path) -> None:
    with serving(config(data_dir)):
        assert socket_path(data_dir).is_socket()
    assert not socket_path(data_dir).exists()


def test_a_dead_routers_socket_is_replaced(data_dir: Path) -> None:
    with started(data_dir) as first:
        first.address()
    assert socket_path(data_dir).is_socket()  # it was killed
    settings = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": API_KEY}
    meanwhile = subprocess.run(COMMAND, env=settings, **OUTPUT)
    with started(data_dir) as second:
        second.address()
        done = subprocess.run(COMMAND, env=settings, **OUTPUT)

    assert meanwhile.returncode == ExitCode.NOT_REACHABLE
    assert "no answer from the router at unix:" in meanwhile.stderr
    assert done.returncode == 0, done.stderr


def test_a_client_of_a_dead_router_leaves_no_thread_behind(data_dir: Path) -> None:
    """Closed at once, gRPC's would write a traceback between the lines for people."""
    before = threading.enumerate()
    client = Control(open_channel(f"unix:{socket_path(data_dir)}", is_local=True, fingerprint="f" * 43), API_KEY)
    with client, pytest.raises(RouterError) as refused:
        client.sessions()

    assert refused.value.is_unreachable
    assert threading.enumerate() == before


def test_routers_of_two_folders_have_one_each(data_dir: Path) -> None:
    ours, others = config(data_dir / "ours"), config(data_dir / "others", api_key="pmk_" + "o" * 43)
    with serving(ours), serving(others):
        settings = {"POINTSMAN_DATA_DIR": str(ours.data_dir), "POINTSMAN_API_KEY": API_KEY}
        done = subprocess.run(COMMAND, env=settings, **OUTPUT)
        no = subprocess.run(COMMAND, env={**settings, "POINTSMAN_API_KEY": others.api_key}, **OUTPUT)

    assert done.returncode == 0, done.stderr
    assert no.returncode == ExitCode.NOT_ALLOWED


def test_what_is_no_socket_is_left_alone(data_dir: Path) -> None:
    socket_path(data_dir).write_text("precious")

    with pytest.raises(SettingsError, match="is no socket: remove it"), serving(config(data_dir)):
        pass

    assert socket_path(data_dir).read_text() == "precious"


def test_a_folder_with_a_long_name_has_one_too(data_dir: Path) -> None:
    far = data_dir / ("d" * 90)
    settings = {"POINTSMAN_DATA_DIR": str(far), "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER_LISTEN": "127.0.0.1:1"}
    with serving(config(far)):
        done = subprocess.run(COMMAND, env=settings, **OUTPUT)
    shutil.rmtree(socket_path(far).parent)

    assert done.returncode == 0, done.stderr


def test_an_agent_comes_back_by_it_when_its_router_does(router: RouterUnderTest, data_dir: Path) -> None:
    enrol(Endpoint(f"unix:{socket_path(router.config.data_dir)}"), router.join_token(), "devbox", data_dir)
    with running(data_dir) as agent:
        wait_until(lambda: agent.client.status.connected)
        epoch = agent.client.status.epoch
        router.restart()
        wait_until(lambda: agent.client.status.connected and agent.client.status.epoch > epoch)


def test_a_path_may_have_any_letters(data_dir: Path) -> None:
    folder = data_dir / "a b%41#?ü"
    with serving(config(folder)), grpc.insecure_channel(router_socket.target(f"unix:{socket_path(folder)}")) as channel:
        assert IdentityStub(channel).Prove(pb.ProveRequest(nonce=bytes(32)), timeout=30).signature


def test_an_address_that_is_set_wins(router: RouterUnderTest) -> None:
    settings = {"POINTSMAN_DATA_DIR": str(router.config.data_dir), "POINTSMAN_API_KEY": API_KEY}

    done = subprocess.run(COMMAND, env={**settings, "POINTSMAN_ROUTER": "127.0.0.1:1"}, **OUTPUT)

    assert done.returncode == ExitCode.NOT_REACHABLE
    assert "127.0.0.1:1" in done.stderr


def test_who_is_on_this_machine_waits_behind_no_crowd_at_the_port(data_dir: Path) -> None:
    """Calls come in one after the other: at one door, what came last would be the last."""
    with serving(config(data_dir)) as router, ExitStack() as opened:
        apart = [("grpc.use_local_subchannel_pool", 1)]
        channels = [opened.enter_context(grpc.insecure_channel(router.address, apart)) for _ in range(CONNECTIONS)]
        asked = challenge()
        crowd = [
            IdentityStub(channel).Prove.future(asked, metadata=carried(asked), timeout=30)
            for channel in channels
            for _ in range(STREAMS)
        ]
        with grpc.insecure_channel(f"unix:{socket_path(data_dir)}") as local:
            IdentityStub(local).Prove(asked, metadata=carried(asked), timeout=30)
        waiting = sum(not call.done() for call in crowd)
        for call in crowd:
            call.cancel()

    assert waiting > len(crowd) // 4
