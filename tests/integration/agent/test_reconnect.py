"""How the agent comes back after every way in which a link can end, and what it resends."""

import asyncio
import shutil
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as pb

from agent.clock import SteadyClock
from agent.config import Tls
from agent.link import client
from tests.faults import certificates
from tests.ports import free_port
from tests.rigs.agent_rig import Rigs, eventually
from tests.rigs.scripted_link import Refusal, duration, running_router, text_command
from tests.waiting import PATIENCE


class StandingClock(SteadyClock):
    """Seconds pass when the test says so: those in which others have the cores count for nothing."""

    moved = 0.0

    def monotonic(self) -> float:
        return self.moved


async def test_what_was_not_acknowledged_goes_up_again_from_the_routers_mark(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        first = await router.welcomed()
        await first.commands([text_command(f"c{n}", "nowhere", sequence=n) for n in range(5)])
        results = await first.results(5)
        first.drop()

        second = await router.welcomed(upstream_acked_seq=2)
        again = await second.results(3)

        assert again == results[2:]


async def test_results_made_while_the_link_is_down_go_up_on_the_next(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        gate = rig.backend.block("slow")
        first = await router.welcomed()
        await first.commands([text_command("c1", "s1", "slow")])
        await first.receipts(1)
        first.drop()
        second = await router.link()
        gate.set()
        await eventually(lambda: rig.agent.executor.depth == 0)

        await second.welcome(upstream_acked_seq=1)
        (result,) = await second.results(1)

        assert [(one.command_id, one.inbox_state) for one in second.hello.unresolved] == [
            ("c1", pb.INBOX_STATE_STARTED)
        ]
        assert result.outcome == pb.RESULT_OUTCOME_DONE


async def test_commands_sent_again_on_a_new_link_run_once(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        batch = [text_command(f"c{n}", "s1", f"line {n}", sequence=n) for n in range(20)]
        first = await router.welcomed()
        await first.commands(batch)
        first.drop()
        second = await router.welcomed()
        await second.commands(batch)
        await second.receipts(20)
        await eventually(lambda: rig.agent.executor.depth == 0)

        assert rig.backend.typed() == [f"line {n}" for n in range(20)]


async def test_a_disk_that_does_not_say_how_full_it_is_holds_up_no_link(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        first = await router.welcomed()
        here = rigs.data_dir / "agent"
        here.rename(moved := rigs.data_dir / "moved")
        first.drop()
        second = await router.link()
        moved.rename(here)

        assert first.hello.free_bytes
        assert not second.hello.free_bytes


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.UNKNOWN],
    ids=lambda code: code.name,
)
async def test_however_a_link_ends_there_is_another(rigs: Rigs, code: grpc.StatusCode) -> None:
    async with running_router() as router, rigs.running(router.address):
        (await router.welcomed()).drop(code)

        second = await router.link()

        assert second.hello.last_link_epoch == 1


async def test_a_router_that_falls_silent_is_left(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        terms = {"heartbeat_interval": duration(0.1), "heartbeat_timeout": duration(0.3)}
        silent = await router.welcomed(**terms)

        second = await router.link()
        async with asyncio.timeout(PATIENCE):
            await silent.gone.wait()

        assert second.hello.last_link_epoch == silent.epoch


async def test_any_frame_counts_as_life(rigs: Rigs) -> None:
    clock = StandingClock()
    async with running_router() as router, rigs.running(router.address, clock=clock) as rig:
        terms = {"heartbeat_interval": duration(0.125), "heartbeat_timeout": duration(0.625)}
        link = await router.welcomed(**terms)
        await eventually(lambda: rig.agent.client.status.connected)
        for _ in range(12):
            clock.moved += 0.125
            beat = await link.next("heartbeat")
            await link.send(heartbeat_ack=pb.HeartbeatAck(nonce=beat.nonce))

        assert not link.gone.is_set()
        assert rig.agent.client.status.connected


@pytest.mark.rule("A25")
async def test_a_drained_agent_finishes_and_comes_back_when_it_was_told_to(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.welcomed()
        await link.commands([text_command("c1", "s1", "hello")])
        await link.send(drain=pb.Drain(deadline=duration(5), reconnect_after=duration(0.05)))

        receipts, goodbye = await link.receipts(1), await link.next("goodbye")
        link.drop()
        second = await router.link()

        assert receipts[0].outcome == pb.RECEIPT_OUTCOME_STORED
        assert goodbye.will_return
        assert second.hello.last_link_epoch == 1


async def test_a_router_that_says_when_is_obeyed(rigs: Rigs) -> None:
    async with running_router() as router:
        router.refusals += [Refusal(grpc.StatusCode.UNAVAILABLE, reason="BUSY", retry_after=0.02)] * 8
        async with rigs.running(router.address):
            await router.link()  # by itself it would try for the eighth time after two minutes

    assert not router.refusals


@pytest.mark.rule("A2")
async def test_a_wrong_clock_is_corrected_from_the_routers_answer(rigs: Rigs) -> None:
    skewed = Refusal(
        grpc.StatusCode.UNAUTHENTICATED,
        "The machine's clock is off.",
        "CLOCK_SKEW",
        {"router_time": "1000000000.000"},
        retry_after=0.0,
    )
    async with running_router() as router:
        router.refusals.append(skewed)
        async with rigs.running(router.address):
            link = await router.link()

    assert abs(issued_at(link.token) - 1_000_000_000) < 60


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED])
async def test_a_machine_that_is_not_accepted_keeps_its_sockets_and_says_so(
    rigs: Rigs, code: grpc.StatusCode, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_router() as router:
        router.refusals.append(Refusal(code, "This machine is unknown or revoked. Enrol it again."))
        async with rigs.running(router.address) as rig:
            await eventually(lambda: "revoked" in caplog.text)
            status = await rig.ask(op="status")

            assert status["connected"] is False
            assert not rig.task.done()


async def test_a_router_that_is_not_there_yet_is_found_when_it_comes(rigs: Rigs) -> None:
    port = free_port()
    async with rigs.running(f"127.0.0.1:{port}"), running_router(port) as router:
        link = await router.link()

        assert link.hello.machine_id == "devbox"


async def test_a_full_disk_drops_the_link_and_confirms_nothing(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        first = await router.welcomed()
        await rig.fill_disk()
        batch = [text_command(f"c{n}", "s1", "x" * 20_000, sequence=n) for n in range(3)]

        await first.commands(batch)
        goodbye = await first.next("goodbye")
        first.drop()
        with pytest.raises(TimeoutError):
            await router.link(patience=2)  # there would be no room for anything
        await rig.free_disk()
        second = await router.welcomed()
        await second.commands(batch)
        receipts = await second.receipts(3)

        assert goodbye.will_return
        assert first.came("receipt") == 0
        assert [item.outcome for item in receipts] == [pb.RECEIPT_OUTCOME_STORED] * 3


@pytest.mark.rule("A16")
async def test_the_floor_and_the_acknowledged_result_together_let_a_command_be_forgotten(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        first = await router.welcomed()
        await first.commands([text_command(f"c{n}", "s1", f"{n}", sequence=n) for n in (1, 2, 3)])
        seqs = [result.upstream_seq for result in await first.results(3)]
        first.drop()

        second = await router.welcomed(
            upstream_acked_seq=seqs[1], resend_floors=[pb.ResendFloor(session_id="s1", sequence=2)]
        )
        await second.results(1)

        left = await rig.sql("SELECT command_id FROM inbox ORDER BY position")
        assert left == [("c2",), ("c3",)]


async def test_an_outbox_older_than_the_routers_mark_is_numbered_anew_and_nothing_is_lost(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address) as rig:
        await rig.session("s1")
        link = await router.link()

        await link.welcome(upstream_acked_seq=1000)
        update = await link.next("session_update")
        await link.commands([text_command("c1", "s1", "hello")])
        (result,) = await link.results(1)

        assert (update.upstream_seq, result.upstream_seq) == (1001, 1002)


def issued_at(token: str) -> int:
    import jwt

    return int(jwt.decode(token, options={"verify_signature": False})["iat"])


async def test_files_of_tls_are_read_anew_and_may_be_gone_while_somebody_renews_them(
    rigs: Rigs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "FAILURES_PER_CHANNEL", 1)  # five take half a minute
    (tmp_path / "elsewhere").mkdir()
    trusted, _ = certificates.write(tmp_path / "elsewhere")
    authority = certificates.write(tmp_path)
    certificate, key = certificates.issue(tmp_path, "router", authority)
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    async with (
        running_router(credentials=credentials) as router,
        rigs.running(router.address, tls=Tls(ca=trusted)) as rig,
    ):
        trusted.unlink()
        await eventually(lambda: "cannot read a file of TLS" in caplog.text)
        assert not rig.task.done()

        shutil.copy(authority[0], trusted)

        assert await router.welcomed()
