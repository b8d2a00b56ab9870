"""Tools whose work is the router's, used by the official client in the name of a session, through everything."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from agent.local.client import socket_path
from pointsman.mcp import SERVER
from tests.e2e.system import System, running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("tools")) as one:
        yield one


@pytest.fixture(scope="module")
def own(system: System) -> str:
    """The id of the session in whose name it is done."""
    return str(system.cli("session", "register", "--command", "cat", "--label", "own"))


def used(system: System, own: str, *calls: tuple[str, dict[str, Any]]) -> list[tuple[str, bool]]:
    """What each call says, and whether it is an error."""

    async def use() -> list[tuple[str, bool]]:
        argv = ["-I", "-S", SERVER, socket_path(system.data)]
        async with Client(
            StdioServerParameters(command=sys.executable, args=argv, env={"POINTSMAN_SESSION_ID": own})
        ) as client:
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
        return [(result.content[0].text, bool(result.is_error)) for result in results]  # type: ignore[union-attr]

    return asyncio.run(use())


def test_what_is_done_later_is_kept_for_its_own_session(system: System, own: str) -> None:
    [(kept, failed), (unclear, refused)] = used(
        system,
        own,
        ("later", {"when": "in 10m", "text": "look at the build"}),
        ("later", {"when": "when the moon is full", "text": "howl"}),
    )
    [waits] = system.cli("scheduled", "--json")

    assert (failed, refused) == (False, True)
    assert waits["deferredId"] in kept
    assert (waits["sessionId"], waits["text"]) == (own, "look at the build")
    assert "in 10m" in unclear  # what would be understood


def test_what_the_router_is_to_do_waits_while_it_is_started_anew(system: System, own: str) -> None:
    system.programs("router")[0].kill()
    [(kept, failed)] = used(system, own, ("later", {"when": "in 20m", "text": "over a restart"}))

    assert not failed, kept
    assert [one["text"] for one in system.cli("scheduled", "--json")].count("over a restart") == 1
