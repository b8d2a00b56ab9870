"""The router answers tools that have never seen its protos: reflection, health, a command, its state."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.system import System, running

pytestmark = pytest.mark.e2e
BUF = Path(sys.executable).with_name("buf")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("clients")) as one:
        yield one


def ask(system: System, method: str, body: Any = None, *options: str) -> Any:
    """`buf curl` by reflection, from a folder without a file."""
    address = f"http://{system.router}/{method}"
    grpc = ["--protocol", "grpc", "--http2-prior-knowledge"]
    call = ["--data", json.dumps(body or {})] if method else []
    argv = [str(BUF), "curl", *grpc, *options, *call, address.rstrip("/")]
    done = subprocess.run(argv, capture_output=True, text=True, cwd="/", timeout=30, env=system.environ())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if call else done.stdout.split()


def test_the_services_can_be_listed(system: System) -> None:
    assert {"agentlink.v1.AgentLink", "agentlink.v1.ChatLink", "agentlink.v1.Control", "grpc.health.v1.Health"} <= set(
        ask(system, "", None, "--list-services")
    )


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_is_served_under_both_of_its_names(system: System, version: str) -> None:
    name = f"grpc.reflection.{version}.ServerReflection"
    call = {"listServices": ""}

    answer = ask(system, f"{name}/ServerReflectionInfo", call)

    assert name in {one["name"] for one in answer["listServicesResponse"]["service"]}


@pytest.mark.parametrize("service", ["agentlink.v1.AgentLink", "agentlink.v1.ChatLink", "agentlink.v1.Control"])
def test_health_is_told_by_the_name_of_a_service(system: System, service: str) -> None:
    assert ask(system, "grpc.health.v1.Health/Check", {"service": service}) == {"status": "SERVING"}


def test_health_is_readable_without_a_key(system: System) -> None:
    assert ask(system, "grpc.health.v1.Health/Check") == {"status": "SERVING"}


def test_a_command_can_be_sent_and_its_end_read(system: System) -> None:
    session = system.cli("session", "register", "--command", "cat", "--label", "cat").split()[-1]
    key = ("--header", f"x-api-key: {system.api_key}")
    body = {"sessionId": session, "action": {"input": {"text": "by reflection", "submit": True}}}

    sent = ask(system, "agentlink.v1.Control/SendCommand", body, *key)
    question = {"commandId": sent["command"]["commandId"], "wait": "20s"}
    ended = ask(system, "agentlink.v1.Control/GetCommand", question, *key)

    assert ended["command"]["state"] == "COMMAND_STATE_DONE"
    assert "by reflection" in ended["command"]["detail"]
