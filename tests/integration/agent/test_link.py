"""The link: who the agent says it is, what it confirms and when."""

from collections.abc import Awaitable, Callable

import jwt
import pytest
from agentlink.v1 import agent_link_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.link import identity
from tests.rigs.agent_rig import MACHINE, Rig, Rigs, eventually
from tests.rigs.scripted_link import duration, running_router, text_command


async def test_hello_introduces_the_machine_its_files_and_its_sessions(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        first = await router.welcomed()
        await rig.session("s1")
        await first.next("session_update")
        first.drop()

        hello = (await router.link()).hello

        assert (hello.machine_id, hello.last_link_epoch, hello.upstream_acked_seq) == (MACHINE, 1, 0)
        assert list(hello.capabilities) == [
            "command_batch",
            "control",
            "deltas",
            "files",
            "keys",
            "permissions",
            "screen",
            "text",
        ]
        assert (hello.protocol_min, hello.protocol_max) == (1, 1)
        assert [(one.session_id, one.upstream_seq) for one in hello.sessions] == [("s1", 0)]
        ids = ("instance_id", "inbox_id", "outbox_id")
        assert all(getattr(hello, name) == getattr(first.hello, name) != "" for name in ids)


async def test_a_new_process_has_a_new_instance_and_the_same_files(rigs: Rigs) -> None:
    async with running_router() as router:
        async with rigs.running(router.address):
            first = (await router.welcomed()).hello
        async with rigs.running(router.address):
            second = (await router.link()).hello

    assert second.instance_id != first.instance_id
    assert (second.inbox_id, second.outbox_id) == (first.inbox_id, first.outbox_id)


async def test_every_connect_carries_a_fresh_token_signed_by_the_machine(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        link = await router.link()

        public = Ed25519PublicKey.from_public_bytes(identity.public_bytes(identity.key_of(rigs.data_dir / "agent")))
        claims = jwt.decode(link.token, public, algorithms=["EdDSA"], audience="pointsman")

        assert claims["sub"] == MACHINE
        assert 0 < claims["exp"] - claims["iat"] <= 300


@pytest.mark.rule("A13")
async def test_commands_are_confirmed_carried_out_in_order_and_reported(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        texts = [f"line {number}" for number in range(50)]

        await link.commands([text_command(f"c{n}", "s1", text, sequence=n + 1) for n, text in enumerate(texts)])
        receipts, results = await link.receipts(50), await link.results(50)

        assert [item.command_id for item in receipts] == [f"c{n}" for n in range(50)]
        assert {item.outcome for item in receipts} == {pb.RECEIPT_OUTCOME_STORED}
        assert [result.command_id for result in results] == [f"c{n}" for n in range(50)]
        assert {result.outcome for result in results} == {pb.RESULT_OUTCOME_DONE}
        assert all(result.typed_at.seconds > 0 for result in results)
        assert rig.backend.typed("s1") == texts


def slow_has_begun(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return dict(await rig.sql("SELECT command_id, state FROM inbox"))["slow"] == "started"

    return look


@pytest.mark.rule("A11")
async def test_a_command_sent_again_is_a_duplicate_with_its_state_and_does_not_run_again(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        gate = rig.backend.block("slow")
        link = await router.welcomed()
        await link.commands([text_command("fast", "s1", "fast"), text_command("slow", "s1", "slow", sequence=2)])
        await link.commands([text_command("last", "s1", "last", sequence=3)])
        await link.receipts(3)
        await link.results(1)
        await eventually(slow_has_begun(rig))

        again = [text_command(name, "s1", name, sequence=n) for n, name in enumerate(("fast", "slow", "last"), 1)]
        await link.commands(again)
        receipts = await link.receipts(3)
        gate.set()
        await link.results(2)

        assert [(item.outcome, item.inbox_state) for item in receipts] == [
            (pb.RECEIPT_OUTCOME_DUPLICATE, pb.INBOX_STATE_FINISHED),
            (pb.RECEIPT_OUTCOME_DUPLICATE, pb.INBOX_STATE_STARTED),
            (pb.RECEIPT_OUTCOME_DUPLICATE, pb.INBOX_STATE_RECEIVED),
        ]
        await eventually(lambda: rig.agent.executor.depth == 0)
        assert rig.backend.typed() == ["fast", "slow", "last"]


async def test_a_command_twice_in_one_batch_runs_once(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()

        await link.commands([text_command("c1", "s1", "once"), text_command("c1", "s1", "once")])
        receipts = await link.receipts(2)
        await link.results(1)

        outcomes = [item.outcome for item in receipts]
        assert outcomes == [pb.RECEIPT_OUTCOME_STORED, pb.RECEIPT_OUTCOME_DUPLICATE]
        await eventually(lambda: rig.agent.executor.depth == 0)
        assert rig.backend.typed() == ["once"]


async def test_a_command_that_cannot_be_taken_is_refused_and_the_others_are_not(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        unknown_kind = pb.CommandFrame(command_id="odd", session_id="s1", sequence=1)

        await link.commands([unknown_kind, text_command("big", "s1", "x" * 65537), text_command("c1", "s1", "good")])
        receipts = await link.receipts(3)
        await link.results(1)

        refused, stored = pb.RECEIPT_OUTCOME_REFUSED, pb.RECEIPT_OUTCOME_STORED
        assert [(item.command_id, item.outcome) for item in receipts] == [
            ("odd", refused),
            ("big", refused),
            ("c1", stored),
        ]
        assert rig.backend.typed() == ["good"]


async def test_frames_of_another_epoch_are_ignored(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()

        await link.commands([text_command("stale", "s1", "stale")], epoch=link.epoch - 1)
        await link.commands([text_command("fresh", "s1", "fresh")])
        receipts = await link.receipts(1)
        await link.results(1)

        assert [item.command_id for item in receipts] == ["fresh"]
        assert rig.backend.typed() == ["fresh"]


async def test_commands_before_welcome_are_ignored(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.link()

        await link.commands([text_command("early", "s1", "early")])
        await link.welcome()
        await link.commands([text_command("c1", "s1", "in time")])
        await link.results(1)

        assert rig.backend.typed() == ["in time"]


async def test_a_frame_that_cannot_be_read_does_not_end_the_link_and_the_third_does(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()

        await link.send_raw(b"\xff\xff\xff")
        await link.send_raw(b"\x08")
        await link.commands([text_command("c1", "s1", "still here")])
        await link.results(1)
        await link.send_raw(b"\xff")

        await eventually(link.gone.is_set)


async def test_the_router_dictates_the_heartbeat_and_each_is_numbered(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        link = await router.welcomed(heartbeat_interval=duration(0.05), heartbeat_timeout=duration(5))

        beats = [await link.next("heartbeat") for _ in range(3)]

        assert [beat.nonce for beat in beats] == [1, 2, 3]


@pytest.mark.rule("A21")
async def test_results_wait_for_room_in_the_window_and_go_on_after_the_acknowledgement(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await link.commands([text_command(f"c{n}", "nowhere", sequence=n) for n in range(300)])
        await link.receipts(300)

        first = await link.results(256)
        await eventually(lambda: rig.agent.executor.depth == 0)
        held_back = link.came("result") + link.came("results")
        await link.ack(first[-1].upstream_seq)
        rest = await link.results(44)

        assert held_back == 0
        assert [result.upstream_seq for result in first + rest] == list(range(1, 301))


async def test_many_commands_of_one_frame_are_stored_in_turns_and_each_turn_is_confirmed(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        names = [f"c{n}" for n in range(600)]
        await link.commands([text_command(name, "nowhere", sequence=n) for n, name in enumerate(names)])

        turns = [[item.command_id for item in (await link.next("receipt")).items] for _ in range(3)]

        assert turns == [names[:256], names[256:512], names[512:]]
        assert [name for (name,) in await rig.sql("SELECT command_id FROM inbox ORDER BY position")] == names


async def test_what_the_router_acknowledged_leaves_the_outbox(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await link.commands([text_command(f"c{n}", "nowhere", sequence=n) for n in range(10)])
        results = await link.results(10)

        await link.ack(results[6].upstream_seq)
        left = await eventually(lambda: shorter_than(10, rig))

        assert left == [8, 9, 10]


async def test_cancel_takes_a_waiting_command_back_and_leaves_a_started_one(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        gate = rig.backend.block("first")
        link = await router.welcomed()
        await link.commands([text_command(name, "s1", name) for name in ("first", "second", "third")])
        await rig.backend.began.wait()

        await link.send(cancel=pb.Cancel(command_id="first"))
        await link.send(cancel=pb.Cancel(command_id="second"))
        (cancelled,) = await link.results(1)
        gate.set()
        others = await link.results(2)

        assert (cancelled.command_id, cancelled.outcome) == ("second", pb.RESULT_OUTCOME_CANCELLED)
        assert [(one.command_id, one.outcome) for one in others] == [
            ("first", pb.RESULT_OUTCOME_DONE),
            ("third", pb.RESULT_OUTCOME_DONE),
        ]
        assert rig.backend.typed() == ["first", "third"]


async def test_a_command_cancelled_before_it_came_does_not_run_when_it_comes(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()

        await link.send(cancel=pb.Cancel(command_id="c1"))
        (cancelled,) = await link.results(1)
        await link.commands([text_command("c1", "s1", "unwanted"), text_command("c2", "s1", "wanted")])
        receipts = await link.receipts(2)
        await link.results(1)

        assert cancelled.outcome == pb.RESULT_OUTCOME_CANCELLED
        assert receipts[0].outcome == pb.RECEIPT_OUTCOME_DUPLICATE
        assert rig.backend.typed() == ["wanted"]


async def test_stopping_says_goodbye_after_the_last_result(rigs: Rigs) -> None:
    async with running_router() as router:
        async with rigs.running(router.address) as rig:
            await rig.session("s1")
            gate = rig.backend.block("slow")
            link = await router.welcomed()
            await link.commands([text_command("slow", "s1", "slow")])
            await rig.backend.began.wait()
            rig.stop.set()
            gate.set()
            goodbye = await link.next("goodbye")
            results = await link.results(1)

        assert goodbye.will_return
        assert results[0].outcome == pb.RESULT_OUTCOME_DONE


async def shorter_than(length: int, rig: Rig) -> list[int]:
    """The outbox once it is shorter."""
    numbers = await rig.outbox()
    return numbers if len(numbers) < length else []
