"""Of a terminal of which nothing else is known its screen tells whether something goes on, and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import session_events_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.clock import SteadyClock
from agent.domain.session import Conversation, Process, SessionState
from agent.services.screen_states import REST, ScreenStates
from tests.integration.agent.backends.stages import TmuxServerFixture
from tests.integration.agent.test_local_server import Terminal
from tests.rigs.agent_rig import Rigs, eventually
from tests.rigs.scripted_link import Link, running_router
from tests.tasks import background

BUSY, IDLE = SessionState.BUSY, SessionState.IDLE
UNKNOWN_ROUTER = "127.0.0.1:1"


class Clock(SteadyClock):
    """One that is set."""

    now_is = 0.0

    def monotonic(self) -> float:
        return self.now_is


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TmuxServerFixture]:
    fixture = TmuxServerFixture(tmp_path, ["cat"])
    yield fixture
    fixture.close()


async def test_a_screen_that_changes_is_at_work_until_it_has_come_to_rest(
    rigs: Rigs, server: TmuxServerFixture
) -> None:
    told: list[tuple[str, SessionState]] = []
    clock = Clock()
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        await rig.agent.sessions.register(server.session())
        states = ScreenStates(rig.agent.sessions, lambda name, state: told.append((name, state)), clock)
        await states.look()
        server.run("send-keys", "-t", server.session().target["pane"], "hello", "Enter")
        server.shows("hello")
        await states.look()
        clock.now_is = REST / 2
        await states.look()
        at_work = list(told)
        clock.now_is = REST
        await states.look()

    assert at_work == [("s1", BUSY)]
    assert told[1:] == [("s1", IDLE)]


async def test_where_a_coding_agent_tells_more_no_screen_is_looked_at(rigs: Rigs, server: TmuxServerFixture) -> None:
    told: list[object] = []
    clock = Clock()
    async with rigs.running(UNKNOWN_ROUTER) as rig:
        session = await rig.agent.sessions.register(server.session())
        assert session.process is not None
        await rig.agent.sessions.converse("s1", Conversation("talk", Process(1, 0.0), "/nowhere"))
        states = ScreenStates(rig.agent.sessions, lambda *of: told.append(of), clock)
        for clock.now_is in (0.0, REST, 2 * REST):
            await states.look()

    assert told == []


async def test_what_a_host_says_of_its_screen_is_told_as_that(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed(capabilities=["events"])
        seen: list[pb.SessionStatus] = []
        async with background(answer(link, seen)):
            terminal, _ = await Terminal.attached(rig, session_id="s1")
            await terminal.say(type="shows", changes=True)
            await eventually(lambda: seen and seen[-1].state == types.SESSION_STATE_BUSY)
            await terminal.say(type="shows", changes=False)
            await eventually(lambda: seen[-1].state == types.SESSION_STATE_IDLE)
            await terminal.leave()

    assert [one.by_screen for one in seen[:2]] == [True, True]


async def test_of_a_terminal_that_says_nothing_nothing_is_told(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed(capabilities=["events"])
        seen: list[pb.SessionStatus] = []
        asked: list[str] = []
        async with background(answer(link, seen, asked)):
            await rig.session("s1")
            terminal, _ = await Terminal.attached(rig, session_id="s2")
            await terminal.say(type="shows", changes=True)
            await eventually(lambda: seen)
            await terminal.leave()

    assert set(asked) == {"s2"}


async def answer(link: Link, seen: list[pb.SessionStatus], asked: list[str] | None = None) -> None:
    """As the router does; what states it was told, and of which sessions it was asked."""
    seq = 0
    while not link.gone.is_set():
        if link.came("events_query"):
            for name in (await link.next("events_query")).session_ids:
                (asked if asked is not None else []).append(name)
                await link.send(events_ack=pb.EventsAck(session_id=name, acked_seq=seq))
        elif link.came("session_events"):
            frame = await link.next("session_events")
            seen += [event.status for event in frame.events if event.HasField("status")]
            seq += len(frame.events)
            await link.send(events_ack=pb.EventsAck(session_id=frame.session_id, acked_seq=seq, cursor=frame.cursor))
        else:
            await link.any()
