"""What sessions do is told to the router: once, in order, behind everything else, whatever is cut."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import session_events_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.domain.session import Conversation, Session, SessionState
from agent.processes import identify
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, Router, running_router
from tests.tasks import background

TALK = "11111111-1111-4111-8111-111111111111"


@dataclass
class Kept:
    """What a router keeps, over all links."""

    events: list[pb.SessionEvent] = field(default_factory=list)
    cursor: bytes = b""
    refuses: "types.Reason.ValueType" = types.REASON_UNSPECIFIED
    deaf: bool = False  # it takes what comes, and its answers are lost

    @property
    def told(self) -> list[str]:
        return [shown(event) for event in self.events]

    async def serve(self, link: Link) -> None:
        """Answer as the router does, until the link is over."""
        while not link.gone.is_set():
            if link.came("events_query"):
                for name in (await link.next("events_query")).session_ids:
                    await self._answer(link, name)
            frame = await link.next("session_events") if link.came("session_events") else None
            if frame is None:
                await link.any()
                continue
            if not self.refuses and frame.first_seq == len(self.events) + 1:
                self.events += frame.events
                self.cursor = frame.cursor
            if not self.deaf:
                await self._answer(link, frame.session_id)

    async def _answer(self, link: Link, name: str) -> None:
        ack = pb.EventsAck(session_id=name, acked_seq=len(self.events), cursor=self.cursor, reason=self.refuses)
        await link.send(events_ack=ack)


def shown(event: pb.SessionEvent) -> str:
    match event.WhichOneof("event"):
        case "said":
            return event.said.text
        case "status":
            return types.SessionState.Name(event.status.state).removeprefix("SESSION_STATE_").lower()
    return str(event.WhichOneof("event"))


def row(text: str, second: int = 0) -> str:
    stamp = f"2026-11-29T12:00:{second:02}.000Z"
    return json.dumps({"type": "user", "timestamp": stamp, "message": {"content": text}}) + "\n"


@asynccontextmanager
async def linked(router: Router, kept: Kept) -> AsyncIterator[Link]:
    link = await router.welcomed(capabilities=["events"])
    async with background(kept.serve(link)):
        yield link


async def talking(rig: Rig, record: Path, session_id: str = "s1", talk: str = TALK) -> Session:
    """A session in which a coding agent writes such a record."""
    process = identify(os.getpid())
    assert process is not None
    await rig.session(session_id)
    return await rig.agent.sessions.converse(session_id, Conversation(talk, process, str(record.parent), str(record)))


async def becomes(rig: Rig, state: SessionState) -> None:
    await rig.agent.sessions.update("s1", state=state)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / f"{TALK}.jsonl"


def add(record: Path, text: str) -> None:
    with record.open("a") as file:
        file.write(text)


async def test_what_was_there_comes_first_and_then_what_is_added(rigs: Rigs, record: Path) -> None:
    kept = Kept()
    add(record, row("one") + row("two"))
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await talking(rig, record)
        await becomes(rig, SessionState.BUSY)
        await eventually(lambda: kept.told[-1:] == ["busy"])
        add(record, row("three"))
        await eventually(lambda: kept.told[-1:] == ["three"])
        await becomes(rig, SessionState.IDLE)
        await eventually(lambda: kept.told[-1:] == ["idle"])

    assert [each for each in kept.told if each not in ("unspecified", "busy", "idle")] == ["one", "two", "three"]


@pytest.mark.parametrize("deaf", [False, True], ids=["it was answered", "the answer was lost"])
async def test_nothing_is_told_twice_or_left_out_after_the_agent_died(rigs: Rigs, record: Path, *, deaf: bool) -> None:
    kept = Kept()
    add(record, row("one"))
    async with running_router() as router:
        async with rigs.running(router.address) as rig, linked(router, kept):
            await talking(rig, record)
            await eventually(lambda: "one" in kept.told)
            kept.deaf = deaf
            add(record, row("two"))
            await eventually(lambda: "two" in kept.told)
        add(record, row("three"))
        kept.deaf = False
        async with rigs.running(router.address) as rig, linked(router, kept):
            await eventually(lambda: "three" in kept.told)
            add(record, row("four"))
            await eventually(lambda: "four" in kept.told)

    assert [each for each in kept.told if each in ("one", "two", "three", "four")] == ["one", "two", "three", "four"]


async def test_a_router_that_knows_less_than_it_did_is_told_again(rigs: Rigs, record: Path) -> None:
    kept = Kept()
    add(record, row("one") + row("two"))
    async with running_router() as router, rigs.running(router.address) as rig:
        async with linked(router, kept) as link:
            await talking(rig, record)
            await eventually(lambda: "two" in kept.told)
            link.drop()
        empty = Kept()
        async with linked(router, empty):
            await eventually(lambda: "two" in empty.told)

    assert [each for each in empty.told if each in ("one", "two")] == ["one", "two"]


async def test_a_router_that_has_no_room_is_asked_again(rigs: Rigs, record: Path) -> None:
    kept = Kept(refuses=types.REASON_BUSY)
    add(record, row("one"))
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await talking(rig, record)
        kept.refuses = types.REASON_UNSPECIFIED
        await eventually(lambda: "one" in kept.told)

    assert kept.told.count("one") == 1


async def test_the_end_of_a_session_is_told_behind_its_last_words(rigs: Rigs, record: Path) -> None:
    kept = Kept()
    add(record, row("one"))
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await talking(rig, record)
        await eventually(lambda: "one" in kept.told)
        add(record, row("last words"))
        await rig.agent.sessions.close("s1", "its program ended")
        await eventually(lambda: "ended" in kept.told)

    assert kept.told[-2:] == ["last words", "ended"]


async def test_another_conversation_of_the_session_follows(rigs: Rigs, record: Path, tmp_path: Path) -> None:
    kept = Kept()
    add(record, row("one", 1))
    other = tmp_path / "22222222-2222-4222-8222-222222222222.jsonl"
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await talking(rig, record)
        await eventually(lambda: "one" in kept.told)
        add(other, row("two", 2))
        process = identify(os.getpid())
        assert process is not None
        await rig.agent.sessions.converse("s1", Conversation(other.stem, process, str(tmp_path), str(other)))
        await eventually(lambda: "two" in kept.told)


async def test_of_talks_that_came_and_went_without_a_router_each_is_told(rigs: Rigs, tmp_path: Path) -> None:
    process = identify(os.getpid())
    assert process is not None
    talks = [tmp_path / f"{number}1111111-1111-4111-8111-111111111111.jsonl" for number in range(3)]
    async with rigs.running("127.0.0.1:1") as rig:
        await rig.session("s1")
        for second, record in enumerate(talks):
            add(record, row(record.stem, second))
            talk = Conversation(record.stem, process, str(tmp_path), str(record))
            await rig.agent.sessions.converse("s1", talk)
    kept = Kept()
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await eventually(lambda: talks[-1].stem in kept.told)
        add(talks[-1], row("more", 3))
        await eventually(lambda: "more" in kept.told)

    stems = [record.stem for record in talks]
    assert [one for one in kept.told if one in (*stems, "more")] == [*stems, "more"]


async def test_of_a_program_without_hooks_the_record_is_found(rigs: Rigs, tmp_path: Path) -> None:
    """As of those that the agent runs itself."""
    kept = Kept()
    record = tmp_path / "projects" / "-a-folder" / f"{TALK}.jsonl"
    record.parent.mkdir(parents=True)
    add(record, row("one"))
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await rig.session("s1")
        process = identify(os.getpid())
        assert process is not None
        await rig.agent.sessions.converse("s1", Conversation(TALK, process, str(tmp_path)))
        await eventually(lambda: "one" in kept.told)


async def test_a_router_that_does_not_want_them_is_told_nothing(rigs: Rigs, record: Path) -> None:
    add(record, row("one"))
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await talking(rig, record)
        await link.next("session_update")

        assert link.came("events_query") == 0


async def test_secrets_do_not_leave_the_machine(rigs: Rigs, record: Path) -> None:
    kept = Kept()
    rules = (("house key", "HOUSE-[0-9]{6}"),)
    add(record, row("it is HOUSE-123456, and ghp_" + "a1B2" * 9))
    async with running_router() as router, rigs.running(router.address, masks=rules) as rig, linked(router, kept):
        await talking(rig, record)
        await eventually(lambda: kept.told)

    assert kept.told[0] == "it is [house key], and [GitHub token]"


def frames_of(count: int, of: Callable[[int], str]) -> str:
    return "".join(row(of(number)) for number in range(count))


async def test_much_that_was_said_comes_in_small_frames_and_whole(rigs: Rigs, record: Path) -> None:
    kept = Kept()
    add(record, frames_of(300, lambda number: f"{number} " + "x" * 5000))
    async with running_router() as router, rigs.running(router.address) as rig, linked(router, kept):
        await talking(rig, record)
        await eventually(lambda: len(kept.events) >= 300)

    words: list[Any] = [each.split()[0] for each in kept.told if " " in each]
    assert words == [str(number) for number in range(300)]
