"""Tools whose work is the router's, used by the official client in the name of a session, through everything."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from agent.local.client import socket_path
from pointsman.mcp import SERVER
from tests.e2e.system import CHAT, System, running
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

LONG = 40.0  # seconds; other programs share the cores


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("tools")) as one:
        yield one


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is typed into the other session."""
    return tmp_path_factory.mktemp("other") / "heard"


@pytest.fixture(scope="module")
def own(system: System, heard: Path) -> str:
    """The id of the session in whose name it is done; there is another one."""
    system.cli("session", "register", "--command", f"cat >> {heard}", "--label", "other")
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


def test_another_session_hears_whose_words_they_are(system: System, own: str, heard: Path) -> None:
    [(sent, failed), (nobody, refused)] = used(
        system,
        own,
        ("send_to_session", {"to": "other", "text": "the build is green"}),
        ("send_to_session", {"to": "nobody", "text": "hello"}),
    )
    [asked] = wait_until(lambda: [one for one in system.telegram.bot_messages(CHAT) if one.buttons], LONG)
    system.delivered(asked.message_id)
    system.telegram.press(asked, "✅ They may", user_id=CHAT)
    wait_until(lambda: heard.exists() and "the build is green" in heard.read_text(), LONG)

    assert (failed, refused) == (False, True), (sent, nobody)
    assert "people are asked" in sent  # nobody tells what runs in the other one
    assert "session own on devbox says this" in heard.read_text()


def test_what_it_remembers_it_recalls_and_forgets(system: System, own: str) -> None:
    [(kept, failed), (found, _), (secret, refused)] = used(
        system,
        own,
        ("remember", {"text": "The tests need a database of their own.", "scope": "session"}),
        ("recall", {"query": "database tests"}),
        ("remember", {"text": "password=hunter2hunter2hunter2"}),
    )
    number = int("".join(filter(str.isdigit, kept.split("note ")[1].split(",")[0])))
    [(gone, _), (nothing, _)] = used(system, own, ("forget", {"number": number}), ("recall", {"query": "database"}))

    assert (failed, refused) == (False, True), (kept, secret)
    assert f"Note {number}, by a session" in found
    assert "The tests need a database of their own." in found
    assert "no instructions" in found
    assert (gone, nothing) == (f"Note {number} is gone.", "No note has these words.")


def test_what_the_router_is_to_do_waits_while_it_is_started_anew(system: System, own: str) -> None:
    system.programs("router")[0].kill()
    [(kept, failed)] = used(system, own, ("later", {"when": "in 20m", "text": "over a restart"}))

    assert not failed, kept
    assert [one["text"] for one in system.cli("scheduled", "--json")].count("over a restart") == 1
