"""What a session is saying goes to the router while somebody wants it: a few times a second, without secrets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from agentlink.v1 import session_events_pb2 as pb

from agent.clock import SteadyClock
from agent.domain.frames import AgentFrame, DeltasWanted, Heartbeat, SaidDelta
from agent.domain.masks import Masks
from agent.link.lanes import Lanes
from agent.services.deltas import LONGEST, DeltaTeller
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, Router, running_router
from tests.tasks import background


@asynccontextmanager
async def wanted(
    rigs: Rigs, router: Router, rules: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[tuple[Rig, Link]]:
    """An agent whose router has asked what session s1 is saying."""
    async with rigs.running(router.address, masks=rules) as rig:
        link = await router.welcomed(capabilities=["events"])
        await link.send(deltas_wanted=pb.DeltasWanted(session_id="s1", seconds=60))
        await eventually(lambda: teller(rig).is_wanted("s1"))
        yield rig, link


def teller(rig: Rig) -> DeltaTeller:
    found = rig.agent.link_handler.deltas
    assert found is not None
    return found


async def test_what_was_said_so_far_is_told_by_whole_words(rigs: Rigs) -> None:
    async with running_router() as router, wanted(rigs, router) as (rig, link):
        teller(rig).begun("s1", "m1.0")
        teller(rig).more("s1", "I look at the te")
        first = await link.next("said_delta")
        teller(rig).more("s1", "sts now")
        second = await link.next("said_delta")

    assert (first.session_id, first.answer_id, first.before, first.text) == ("s1", "m1.0", 0, "I look at the ")
    assert second.text == "I look at the tests "


async def test_a_secret_is_masked_before_it_is_whole(rigs: Rigs) -> None:
    async with running_router() as router, wanted(rigs, router, (("house key", "HOUSE-[0-9]{6}"),)) as (rig, link):
        teller(rig).begun("s1", "m1.0")
        teller(rig).more("s1", "it is HOUSE-123")
        first = await link.next("said_delta")
        teller(rig).more("s1", "456 then")
        second = await link.next("said_delta")

    assert first.text == "it is "
    assert second.text == "it is [house key] "


async def test_of_a_long_answer_the_end_is_told_with_where_it_begins(rigs: Rigs) -> None:
    async with running_router() as router, wanted(rigs, router) as (rig, link):
        teller(rig).begun("s1", "m1.0")
        teller(rig).more("s1", "word " * 2000)
        delta = await link.next("said_delta")

    assert (delta.before, delta.text) == (10_000 - LONGEST, ("word " * 2000)[-LONGEST:])


async def test_what_comes_quickly_goes_together() -> None:
    told: list[SaidDelta] = []
    slow = DeltaTeller(Masks(), SteadyClock(), every=3600.0)
    slow.asked(DeltasWanted("s1", 60.0))
    async with background(slow.tell(told.append)):
        slow.begun("s1", "m1.0")
        slow.more("s1", "one ")
        await eventually(lambda: told)
        slow.more("s1", "two ")
        await asyncio.sleep(0)

    assert [delta.text for delta in told] == ["one "]


async def test_what_nobody_wants_and_what_is_whole_is_not_told(rigs: Rigs) -> None:
    async with running_router() as router, wanted(rigs, router) as (rig, link):
        for name in ("s2", "s1"):
            teller(rig).begun(name, "m1.0")
            teller(rig).more(name, f"from {name} ")
        teller(rig).whole("s2")
        delta = await link.next("said_delta")
        teller(rig).whole("s1")
        teller(rig).more("s1", "too late ")

        assert not teller(rig).is_wanted("s2")
        assert delta.text == "from s1 "


@pytest.mark.parametrize("before", ["control", "bulk", "events"])
async def test_it_is_dropped_while_anything_else_waits(before: str) -> None:
    lanes, first, delta = (
        Lanes(),
        AgentFrame(1, Heartbeat(1, 0, 0.0)),
        AgentFrame(1, SaidDelta("s1", "m1.0", 0, "word ")),
    )
    getattr(lanes, before)(first)
    lanes.events(delta)
    waited = await lanes.take()
    lanes.events(delta)

    assert waited == first
    assert await lanes.take() == delta
    lanes.close()
    assert await lanes.take() is None
