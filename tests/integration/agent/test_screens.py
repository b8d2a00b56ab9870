"""What terminals show is shown to the router when it asks: as it stands, without secrets, or with the reason."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import count
from pathlib import Path

from agentlink.v1 import session_events_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.domain.session import Session
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, running_router

NUMBERS = count(1)
DRAWS = r"printf '\033[31mred\033[0m and plain\n'; exec cat"
TELLS = r"printf '\033[31mpassword: hunter2\033[0mhunter2\n'; exec cat"


@asynccontextmanager
async def showing(rigs: Rigs, command: str, folder: Path) -> AsyncIterator[tuple[Rig, Link, Session]]:
    """An agent with a link, and a pane of which it knows."""
    with closing(TmuxServerFixture(folder, ("sh", "-c", command))) as server:
        async with running_router() as router, rigs.running(router.address) as rig:
            link = await router.welcomed(capabilities=["events"])
            assert "screen" in link.hello.capabilities
            yield rig, link, await rig.agent.sessions.register(server.session())


async def look(link: Link, session_id: str) -> pb.Screen:
    """What it shows now."""
    number = next(NUMBERS)
    await link.send(screen_query=pb.ScreenQuery(query_id=number, session_id=session_id))
    screen: pb.Screen = await link.next("screen")
    assert screen.query_id == number
    return screen


async def drawn(link: Link, session_id: str, word: str) -> str:
    """The screen, once this word is there."""

    async def text() -> str:
        shown = (await look(link, session_id)).text
        return shown if word in shown else ""

    found: str = await eventually(text)
    return found


async def test_a_pane_is_shown_with_its_colours(rigs: Rigs, tmp_path: Path) -> None:
    async with showing(rigs, DRAWS, tmp_path) as (_, link, pane):
        text = await drawn(link, pane.session_id, "plain")

    assert text.startswith("\x1b[31mred")
    assert text.endswith("and plain")


async def test_a_secret_is_masked_however_it_is_coloured(rigs: Rigs, tmp_path: Path) -> None:
    async with showing(rigs, TELLS, tmp_path) as (_, link, pane):
        assert await drawn(link, pane.session_id, "secret") == "[secret]"


async def test_why_nobody_can_see_it_is_told(rigs: Rigs, tmp_path: Path) -> None:
    async with showing(rigs, DRAWS, tmp_path) as (rig, link, pane):
        await rig.session("typed")
        await rig.agent.sessions.register(replace(pane, session_id="gone", target={**pane.target, "pane": "%99"}))

        unknown, without, lost = [await look(link, name) for name in ("nobody", "typed", "gone")]

    assert [one.reason for one in (unknown, without, lost)] == [
        types.REASON_SESSION_UNKNOWN, types.REASON_UNSUPPORTED, types.REASON_TARGET_GONE,
    ]  # fmt: skip
    assert "command" in without.detail
    assert [one.text for one in (unknown, without, lost)] == ["", "", ""]
