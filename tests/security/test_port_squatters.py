"""A program that was told no fingerprint believes whoever listens at the address: what it says there, and what not.

Where a fingerprint is known, it says nothing: test_router_identity.py.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY


class Squatter(grpc.GenericRpcHandler):
    """Answers nothing, and remembers what each call brought along."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
        metadata = {key: str(value) for key, value in handler_call_details.invocation_metadata}
        self.heard.append((str(handler_call_details.method), metadata))


@pytest.fixture
def squatter() -> Iterator[tuple[Squatter, str]]:
    handler = Squatter()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"127.0.0.1:{port}"
    server.stop(None)


def test_a_command_shows_it_the_api_key(squatter: tuple[Squatter, str], data_dir: Path) -> None:
    handler, address = squatter
    environ = {"POINTSMAN_ROUTER": address, "POINTSMAN_API_KEY": API_KEY, "POINTSMAN_DATA_DIR": str(data_dir)}

    done = CliRunner().invoke(pointsman, ["machines"], env=environ)

    assert done.exit_code != 0
    assert API_KEY in [metadata.get("x-api-key") for _, metadata in handler.heard]


def test_what_is_typed_on_the_command_line_goes_there_too_but_no_machines_key(
    squatter: tuple[Squatter, str], data_dir: Path
) -> None:
    """A machine's key never leaves it: it signs what is good for five minutes."""
    handler, address = squatter
    environ = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_MACHINE_ID": "devbox"}

    CliRunner().invoke(pointsman, ["enroll", address, "pmj_" + "t" * 43], env=environ)

    assert [method for method, _ in handler.heard] == ["/agentlink.v1.AgentLink/Enroll"]
    assert handler.heard[0][1].keys().isdisjoint({"x-api-key", "authorization"})
