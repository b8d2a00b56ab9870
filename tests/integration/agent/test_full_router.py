"""A router that has as much of this machine as it takes: what it refuses for now is kept here, and told again later."""

import asyncio
import logging
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.services import link_handler, uploads
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import Link, Refusal, Router, running_router, text_command


async def ready(rig: Rig, router: Router) -> Link:
    """A session that the router knows; who is turned away asks again at once."""
    rig.agent.uploads._pause = 0.0
    await rig.session("s1")
    link = await router.welcomed()
    await link.ack((await link.next("session_update")).upstream_seq)
    return link


async def notified(rig: Rig, text: str, *files: Path) -> str:
    answer = await rig.ask(op="notify", session_id="s1", text=text, files=[str(path) for path in files])
    assert answer["ok"], answer
    return str(answer["notification_id"])


async def taken(link: Link) -> pb.Notify:
    """The next message, which this router has at once: what is held goes when what was said before it has arrived."""
    notification: pb.Notify = await link.next("notify")
    await link.ack(notification.upstream_seq)
    return notification


async def turn_away(link: Link, *seqs: int) -> None:
    refused = [
        pb.UpstreamRejection(upstream_seq=seq, reason=types.REASON_QUOTA_MESSAGES, detail="full") for seq in seqs
    ]
    await link.send(upstream_ack=pb.UpstreamAck(acked_seq=seqs[-1], rejected=refused))


async def test_messages_that_it_has_no_room_for_are_told_again_in_their_order(
    rigs: Rigs, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await ready(rig, router)
        sent = [await notified(rig, f"message {number}") for number in range(3)]
        with caplog.at_level(logging.WARNING):
            await turn_away(link, *[(await link.next("notify")).upstream_seq for _ in sent])
            again = [await link.next("notify") for _ in sent]
        await link.ack(again[-1].upstream_seq)
        left = await eventually(lambda: _is_empty(rig))

    assert [each.notification_id for each in again] == sent
    assert left
    assert len([line for line in caplog.messages if "full" in line]) == 1


async def _is_empty(rig: Rig) -> bool:
    return not await rig.outbox() and not await rig.sql("SELECT 1 FROM held_notices")


async def test_messages_that_it_has_no_room_for_are_kept_when_the_agent_ends(rigs: Rigs) -> None:
    async with running_router() as router:
        async with rigs.running(router.address) as rig:
            link = await ready(rig, router)
            rig.agent.uploads._pause = 3600.0
            sent = await notified(rig, "kept")
            await turn_away(link, (await link.next("notify")).upstream_seq)
            await eventually(lambda: _is_held(rig))
        async with rigs.running(router.address):
            again = await router.welcomed(upstream_acked_seq=2)
            assert (await again.next("notify")).notification_id == sent


async def test_messages_whose_refusal_was_lost_with_the_link_are_told_again(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await ready(rig, router)
        sent = [await notified(rig, f"message {number}") for number in range(2)]
        last = [(await link.next("notify")).upstream_seq for _ in sent][-1]
        link.drop()
        link = await router.welcomed(upstream_acked_seq=last)
        again = [await taken(link)]  # what is said before it knows of the welcome is told first
        sent.append(await notified(rig, "behind them"))
        again += [await taken(link) for _ in sent[1:]]
        left = await eventually(lambda: _is_empty(rig))

    assert [each.notification_id for each in again] == sent
    assert left


async def test_who_asks_hears_at_once_that_it_has_no_room_for_the_question(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await ready(rig, router)
        async with asyncio.TaskGroup() as asking:
            asked = asking.create_task(rig.ask(op="ask", session_id="s1", tool="deploy", input="to production"))
            await turn_away(link, (await link.next("permission_request")).upstream_seq)

    assert asked.result() == {"ok": True, "option": None}


async def test_a_question_whose_refusal_was_lost_with_the_link_is_asked_again_while_somebody_waits(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await ready(rig, router)
        async with asyncio.TaskGroup() as asking:
            asked = asking.create_task(rig.ask(op="ask", session_id="s1", tool="deploy", input="to production"))
            first = await link.next("permission_request")
            link.drop()
            link = await router.welcomed(upstream_acked_seq=first.upstream_seq)
            again = await link.next("permission_request")
            await turn_away(link, again.upstream_seq)
        link.drop()
        link = await router.welcomed(upstream_acked_seq=again.upstream_seq)
        sent = await notified(rig, "behind it")
        following = await link.next("notify")

    assert again.permission_id == first.permission_id
    assert asked.result()["option"] is None
    assert (following.notification_id, following.upstream_seq) == (sent, again.upstream_seq + 1)


async def _is_held(rig: Rig) -> bool:
    return bool(await rig.sql("SELECT 1 FROM held_notices"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [(grpc.StatusCode.FAILED_PRECONDITION, "QUOTA_FILES"), (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_MESSAGES")],
)
async def test_a_message_with_files_waits_until_there_is_room(
    rigs: Rigs, tmp_path: Path, code: grpc.StatusCode, reason: str
) -> None:
    plot = tmp_path / "plot.png"
    plot.write_bytes(b"plot")
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        router.notice_refusals.append(Refusal(code, "full", reason=reason))
        sent = await notified(rig, "look", plot)
        await eventually(lambda: router.notifications)

    assert [(each.notify.notification_id, len(each.files)) for each in router.notifications] == [(sent, 1)]


async def test_files_that_are_too_much_for_one_message_come_with_several(
    rigs: Rigs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE", 10)
    files = [tmp_path / f"plot{number}.png" for number in range(3)]
    for file in files:
        await asyncio.to_thread(file.write_bytes, b"12345")
    async with running_router() as router, rigs.running(router.address) as rig:
        await ready(rig, router)
        sent = await notified(rig, "look", *files)
        await eventually(lambda: len(router.notifications) == 2)

    first, second = router.notifications
    assert (first.notify.notification_id, first.notify.text, len(first.files)) == (sent, "look", 2)
    assert (second.notify.text, [each.name for each in second.files]) == ("plot2.png", ["plot2.png"])


async def test_sessions_that_do_not_fit_into_a_hello_follow_it(rigs: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_handler, "MAX_IN_HELLO", 2)
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.link()
        for number in range(3):
            await rig.session(f"s{number}")
        link.drop()
        link = await router.link()
        told = [each.session_id for each in link.hello.sessions]
        await link.welcome()
        followed = [(await link.next("session_update")).session_id for _ in range(4)]  # three as they began

    assert told == ["s0", "s1"]
    assert followed[3:] == ["s2"]


async def test_they_follow_no_second_time_while_the_router_has_not_taken_them(
    rigs: Rigs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_handler, "MAX_IN_HELLO", 2)
    async with running_router() as router, rigs.running(router.address) as rig:
        for number in range(3):
            await rig.session(f"s{number}")
        held: list[tuple[int]] = []
        for acked in (0, 0, 4):
            link = await router.link()
            await link.welcome(upstream_acked_seq=acked)
            await link.commands([text_command(f"c{len(held)}", "nowhere")])
            await link.receipts(1)  # behind the welcome
            held += await rig.sql("SELECT COUNT(*) FROM outbox WHERE kind = 'session_update'")
            link.drop()

    assert held == [(4,), (4,), (1,)]
