"""The workers: order, lanes, and every reason for which a command is not typed."""

import os
from collections.abc import Awaitable, Callable

import pytest

from agent.backends.backend import Backends
from agent.backends.pty import PtyBackend
from agent.domain.command import Action, Command, Ending, Input, KeyPress, Lane, Outcome, Reason
from agent.domain.frames import CommandResult, Notify, SessionGone, Welcome
from agent.domain.session import Process, Session
from agent.processes import identify
from tests.rigs.agent_rig import Rig, Rigs, eventually

NOBODY = "127.0.0.1:1"  # no router: results stay in the outbox, where they can be looked at


def command(
    name: str,
    session_id: str = "s1",
    *,
    action: Action | None = None,
    lane: Lane = Lane.NORMAL,
    generation: int = 0,
    ttl: float | None = None,
) -> Command:
    return Command(name, session_id, generation, 1, lane, action or Input(name), ttl)


async def results(rig: Rig, count: int) -> list[CommandResult]:
    async def enough() -> list[CommandResult]:
        rows = await rig.agent.outbox.after(0, 1000)
        found = [row.item for row in rows if isinstance(row.item, CommandResult)]
        return found if len(found) >= count else []

    found: list[CommandResult] = await eventually(enough)
    return found


async def test_commands_of_a_session_run_one_at_a_time_in_order(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        gate = rig.backend.block("first")
        await rig.agent.link_handler.store((command("first"), command("second")))
        await rig.backend.began.wait()
        before = rig.backend.typed()
        gate.set()
        await results(rig, 2)

        assert before == []
        assert rig.backend.typed() == ["first", "second"]


async def test_a_command_that_a_mistake_of_ours_hits_is_in_doubt_and_those_behind_it_run(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.mistakes.add("first")
        await rig.agent.link_handler.store((command("first"), command("second")))
        first, second = await results(rig, 2)

        assert first.outcome == Outcome.uncertain(Reason.BACKEND_ERROR, "RuntimeError in the agent")
        assert second.outcome == Outcome.done()
        assert rig.backend.typed() == ["second"]


async def test_a_stuck_session_does_not_hold_up_another(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("stuck")
        await rig.session("s1")
        gate = rig.backend.block("slow")
        await rig.agent.link_handler.store((command("slow", "stuck"), command("quick")))

        (first,) = await results(rig, 1)
        gate.set()

        assert first.command_id == "quick"


async def test_an_urgent_command_does_not_wait_for_normal_ones(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        gate = rig.backend.block("slow")
        await rig.agent.link_handler.store((command("slow"), command("waits")))
        await rig.agent.link_handler.store((command("stop", action=KeyPress("esc"), lane=Lane.URGENT),))

        (first,) = await results(rig, 1)
        gate.set()
        await results(rig, 3)

        assert first.command_id == "stop"
        assert rig.backend.typed() == ["esc", "slow", "waits"]


async def test_a_dressed_session_id_is_the_same_session(rigs: Rigs) -> None:
    bare = "0189d3a0-0000-7000-8000-000000000001"
    async with rigs.running(NOBODY) as rig:
        await rig.session(f"session_{bare}")
        await rig.agent.link_handler.store((command("c1", bare), command("c2", f"cse_{bare}")))

        ended = await results(rig, 2)

    assert [one.outcome.ending for one in ended] == [Ending.DONE, Ending.DONE]


async def restarted(rig: Rig) -> None:
    await rig.session("s1")
    await rig.session("s1", "another program")


async def ended(rig: Rig) -> None:
    await rig.session("s1")
    await rig.agent.sessions.close("s1", "exit code 0")


async def failing(rig: Rig) -> None:
    await rig.session("s1")
    rig.backend.outcomes["c1"] = Outcome.failed(Reason.EXIT_CODE, "exit code 3")


async def broken(rig: Rig) -> None:
    await rig.session("s1")
    rig.backend.outcomes["c1"] = RuntimeError("a fault of ours")


async def without_backend(rig: Rig) -> None:
    session = Session("s1", "command", target={"command": "cat"})
    await rig.agent.sessions.register(session)
    rig.agent.executor.backends = Backends({})


async def without_host(rig: Rig) -> None:
    await rig.agent.sessions.register(Session("s1", "pty"))


async def nothing(rig: Rig) -> None:
    assert rig.agent.sessions.find("s1") is None


@pytest.mark.parametrize(
    ("arrange", "sent", "ending", "reason"),
    [
        (nothing, command("c1"), Ending.FAILED, Reason.SESSION_UNKNOWN),
        (restarted, command("c1", generation=1), Ending.FAILED, Reason.SESSION_RESTARTED),
        (ended, command("c1"), Ending.FAILED, Reason.SESSION_ENDED),
        (failing, command("c1"), Ending.FAILED, Reason.EXIT_CODE),
        (broken, command("c1"), Ending.UNCERTAIN, Reason.BACKEND_ERROR),
        (without_backend, command("c1"), Ending.FAILED, Reason.UNSUPPORTED),
        (without_host, command("c1"), Ending.FAILED, Reason.TARGET_GONE),
        (restarted, command("c1", ttl=0.0), Ending.EXPIRED, Reason.TTL_EXPIRED),
    ],
    ids=["unknown", "restarted", "ended", "failed", "fault", "no backend", "no host", "ttl"],
)
async def test_a_command_that_is_not_typed_says_why(
    rigs: Rigs, arrange: Callable[[Rig], Awaitable[None]], sent: Command, ending: Ending, reason: Reason
) -> None:
    async with rigs.running(NOBODY) as rig:
        await arrange(rig)
        await rig.agent.link_handler.store((sent,))

        (result,) = await results(rig, 1)

        assert (result.outcome.ending, result.outcome.reason, result.typed_at) == (ending, reason, None)
        assert rig.backend.typed() == []


async def test_a_command_for_the_present_generation_is_typed(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await restarted(rig)
        await rig.agent.link_handler.store((command("c1", generation=2), command("any", generation=0)))

        found = await results(rig, 2)

    assert [one.outcome.ending for one in found] == [Ending.DONE, Ending.DONE]


@pytest.mark.parametrize(
    ("behind", "ending", "typed"),
    [(command("next"), Ending.DONE, ["next"]), (command("next", generation=9), Ending.FAILED, [])],
    ids=["typed", "failed"],
)
async def test_one_that_was_queued_twice_costs_the_one_behind_it_nothing(
    rigs: Rigs, behind: Command, ending: Ending, typed: list[str]
) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        old, executor = command("old", generation=9), rig.agent.executor
        await rig.agent.link_handler.inbox.store([old, behind], rig.agent.link_handler.clock.now())
        for one in (old, old, behind):
            executor.submit(one, rig.agent.link_handler.clock.monotonic())

        found = await results(rig, 2)

        assert [(one.command_id, one.outcome.ending) for one in found] == [("old", Ending.FAILED), ("next", ending)]
        assert rig.backend.typed() == typed


async def test_while_the_disk_is_full_nothing_is_typed_and_it_goes_on_by_itself(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.outcomes["c1"] = Outcome.done("word " * 2000)
        gate = rig.backend.block("c1")
        await rig.agent.link_handler.store((command("c1"), command("c2")))
        await rig.backend.began.wait()
        await rig.fill_disk()
        gate.set()
        await eventually(lambda: rig.backend.typed() == ["c1"])
        await rig.free_disk()

        found = await results(rig, 2)

    assert [(one.command_id, one.outcome.ending) for one in found] == [("c1", Ending.DONE), ("c2", Ending.DONE)]
    assert rig.backend.typed() == ["c1", "c2"]


async def test_a_terminals_queue_waits_for_its_host_after_a_restart(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.agent.sessions.register(Session("s1", "pty", process=myself()))
        rig.agent.executor.writing.stopping.set()  # as if it was killed before it came to it
        await rig.agent.link_handler.store((command("c1"),))
    sent: list[dict[str, object]] = []
    async with rigs.running(NOBODY) as rig:
        pty = rig.agent.executor.backends.get("pty")
        assert isinstance(pty, PtyBackend)

        async def send(message: dict[str, object]) -> None:
            sent.append(message)
            attachment.outcome({"type": "outcome", "delivery": message["delivery"], "ending": "done"})

        attachment = pty.attach("s1", send)
        rig.agent.sessions.host_came("s1")
        await rig.agent.link_handler.welcomed(Welcome(1))
        (result,) = await results(rig, 1)

    assert result.outcome.ending is Ending.DONE
    assert [message["text"] for message in sent] == ["c1"]


async def test_a_session_that_ends_leaves_a_word_for_the_router(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await ended(rig)

        rows = await rig.agent.outbox.after(0, 10)

    assert rows[-1].item == SessionGone("s1", 1, "exit code 0")


def myself() -> Process:
    found = identify(os.getpid())
    assert found is not None
    return found


async def notifications(rig: Rig) -> list[Notify]:
    return [row.item for row in await rig.agent.outbox.after(0, 1000) if isinstance(row.item, Notify)]


async def test_a_text_waits_for_an_open_dialog_and_people_are_told_once(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.dialogs["s1"] = "a dialog is open"
        await rig.agent.link_handler.store((command("first"), command("second")))
        (told,) = await eventually(lambda: notifications(rig))
        before = rig.backend.typed()

        del rig.backend.dialogs["s1"]
        await results(rig, 2)

        assert before == []
        assert rig.backend.typed() == ["first", "second"]
        assert "a dialog is open" in told.text
        assert await notifications(rig) == [told]


async def test_a_key_does_not_wait_for_a_dialog(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.dialogs["s1"] = "a dialog is open"
        await rig.agent.link_handler.store((command("text"),))
        await rig.agent.link_handler.store((command("esc", action=KeyPress("esc"), lane=Lane.URGENT),))

        (result,) = await results(rig, 1)

        assert (result.command_id, rig.backend.typed()) == ("esc", ["esc"])


async def test_a_text_that_waits_can_be_taken_back(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.dialogs["s1"] = "a dialog is open"
        await rig.agent.link_handler.store((command("text"),))
        await rig.agent.link_handler.cancel("text")
        del rig.backend.dialogs["s1"]
        await rig.agent.link_handler.store((command("next"),))

        found = await results(rig, 2)

        assert [(one.command_id, one.outcome.ending) for one in found] == [
            ("text", Ending.CANCELLED),
            ("next", Ending.DONE),
        ]
        assert rig.backend.typed() == ["next"]


async def test_a_text_that_waits_when_the_agent_stops_is_typed_after_its_return(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.dialogs["s1"] = "a dialog is open"
        await rig.agent.link_handler.store((command("text"),))

    async with rigs.running(NOBODY) as rig:
        await rig.agent.link_handler.welcomed(Welcome(1))
        (result,) = await results(rig, 1)

        assert (result.outcome.ending, rig.backend.typed()) == (Ending.DONE, ["text"])


async def test_a_text_that_waits_too_long_expires(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.dialogs["s1"] = "a dialog is open"
        await rig.agent.link_handler.store((command("text", ttl=0.2),))

        (result,) = await results(rig, 1)

        assert (result.outcome.ending, rig.backend.typed()) == (Ending.EXPIRED, [])
