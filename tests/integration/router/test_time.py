"""A step of the wall clock, with or without a restart, makes nothing old before its time and keeps nothing waiting."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.thin_agent import ThinAgent, ids
from tests.waiting import wait_until

HOUR = 3600.0
STEPS = pytest.mark.parametrize("step", [25 * HOUR, -25 * HOUR, 365 * 24 * HOUR], ids=["+25h", "-25h", "+1y"])
CHAT = types.ChatRef(transport="test", chat_id="1")


def restarted(router: RouterUnderTest, *, away: float = 0.0, wall_step: float = 0.0, reboot: bool = False) -> None:
    """Stop the router, let time pass, do something to the machine's clock, and start it again."""
    router.stop()
    router.time.skipped += away
    router.time.wall_step += wall_step
    if reboot:
        router.time.reboot()
    router.start()
    router.advance(0)
    router.settle()


def state(router: RouterUnderTest, command: types.Command) -> "types.CommandState.ValueType":
    return router.command(command.command_id).state


def deadline(router: RouterUnderTest, command: types.Command) -> float:
    """What is on disk of it, in seconds since the epoch."""
    sql = "SELECT expires_at FROM commands WHERE command_id = ?"
    return float(router.read(lambda connection: connection.execute(sql, (command.command_id,)).fetchone()[0]))


@STEPS
@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_a_restart_after_a_step_expires_nothing(
    router: RouterUnderTest, session: str, step: float, *, reboot: bool
) -> None:
    command, limited = router.send(session), router.send(session, ttl={"seconds": 3600})
    restarted(router, wall_step=step, reboot=reboot)

    assert state(router, command) == types.COMMAND_STATE_QUEUED
    assert state(router, limited) == types.COMMAND_STATE_QUEUED


@STEPS
def test_what_is_due_after_a_step_is_due_on_time(router: RouterUnderTest, session: str, step: float) -> None:
    command, limited = router.send(session), router.send(session, ttl={"seconds": 3600})
    restarted(router, wall_step=step)
    router.advance(3601)
    wait_until(lambda: state(router, limited) == types.COMMAND_STATE_EXPIRED)
    before = state(router, command)
    router.advance(23 * HOUR)

    assert before == types.COMMAND_STATE_QUEUED
    assert wait_until(lambda: state(router, command) == types.COMMAND_STATE_DEAD)


def test_a_deadline_moves_along_with_less_than_a_second_too(router: RouterUnderTest, session: str) -> None:
    limited = router.send(session, ttl={"seconds": 3600})
    before = deadline(router, limited)
    restarted(router, wall_step=0.9)

    assert deadline(router, limited) - before == pytest.approx(0.9, abs=0.3)


def test_time_while_the_router_was_away_counts(router: RouterUnderTest, session: str) -> None:
    limited = router.send(session, ttl={"seconds": 3600})
    restarted(router, away=3601)

    assert wait_until(lambda: state(router, limited) == types.COMMAND_STATE_EXPIRED)


def test_time_while_the_machine_was_switched_off_does_not_count(router: RouterUnderTest, session: str) -> None:
    limited = router.send(session, ttl={"seconds": 3600})
    restarted(router, away=3601, reboot=True)
    before = state(router, limited)
    router.advance(3601)

    assert before == types.COMMAND_STATE_QUEUED
    assert wait_until(lambda: state(router, limited) == types.COMMAND_STATE_EXPIRED)


@pytest.mark.parametrize(("lived", "left"), [(HOUR, 23.2 * HOUR)])
def test_a_reboot_forgets_no_more_than_ten_minutes_of_waiting(
    router: RouterUnderTest, session: str, lived: float, left: float
) -> None:
    command = router.send(session)
    for _ in range(int(lived / 600)):
        router.advance(601)
        router.settle()
    restarted(router, away=HOUR, reboot=True)
    router.advance(left)

    assert wait_until(lambda: state(router, command) == types.COMMAND_STATE_DEAD)


@STEPS
def test_an_update_that_comes_again_after_a_step_is_known(router: RouterUnderTest, session: str, step: float) -> None:
    first = router.submit(CHAT, "x", session_id=session, update_key="bot:1")
    restarted(router, wall_step=step)
    router.control.Cleanup(pb.CleanupRequest())

    again = router.submit(CHAT, "x", session_id=session, update_key="bot:1")

    assert (again.duplicate, again.command_id) == (True, first.command_id)


@STEPS
@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_a_question_stays_open_for_its_time(
    router: RouterUnderTest, agent: ThinAgent, session: str, step: float, *, reboot: bool
) -> None:
    with agent.connected() as link:
        question = ask(link, session, expires_in={"seconds": 3600})
    restarted(router, wall_step=step, reboot=reboot)
    before = standing(router, question).state
    router.advance(3601)

    assert before == types.PERMISSION_STATE_OPEN
    assert wait_until(lambda: standing(router, question).state == types.PERMISSION_STATE_EXPIRED)


@STEPS
def test_a_file_waits_for_its_command_after_a_step(
    router: RouterUnderTest, agent: ThinAgent, session: str, step: float
) -> None:
    router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id="f1", number=0, data=b"whole"))
    file = types.FileInput(file_id="f1", name="a.txt", size=5)
    command_id = router.submit(CHAT, "look", session_id=session, file=file).command_id
    restarted(router, wall_step=step)
    router.control.Cleanup(pb.CleanupRequest())
    returned = router.stranger(agent.machine_id)
    returned.key = agent.key

    assert returned.part(command_id, 0) == b"whole"


@STEPS
def test_commands_go_out_after_a_step(router: RouterUnderTest, agent: ThinAgent, session: str, step: float) -> None:
    command = router.send(session)
    restarted(router, wall_step=step)
    returned = router.stranger(agent.machine_id)
    returned.key = agent.key

    with returned.connected() as link:
        assert ids(link.commands(1)) == [command.command_id]
