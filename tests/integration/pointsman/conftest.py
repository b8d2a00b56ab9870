"""A command line against a small router."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.rigs.agent_socket import FakeAgent, listening
from tests.rigs.scripted_control import API_KEY, FakeControl, serving

Run = Callable[..., Result]


@pytest.fixture
def control() -> Iterator[FakeControl]:
    with serving() as fake:
        yield fake


@pytest.fixture
def run(control: FakeControl, data_dir: Path) -> Run:
    """Runs one command against the router, as a person with its key would."""
    environ = {
        "POINTSMAN_ROUTER": control.address,
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_DATA_DIR": str(data_dir),
    }

    def invoke(*arguments: str, stdin: str | None = None, **changes: str | None) -> Result:
        return CliRunner().invoke(pointsman, arguments, input=stdin, env={**environ, **changes})

    return invoke


@pytest.fixture
def unused_address() -> Iterator[str]:
    """A port of loopback that refuses connections: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def agent(data_dir: Path) -> Iterator[FakeAgent]:
    with listening(data_dir) as fake:
        yield fake
