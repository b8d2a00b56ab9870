"""A session of which nothing was seen for 30 days ends, and its people are told; one that was seen goes on."""

from collections.abc import Callable

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.integration.router.permissions.asking import ask
from tests.rigs.thin_agent import ThinAgent, ids
from tests.rigs.thin_agent import session as named
from tests.waiting import wait_until

HOUR, DAY = 3600.0, 24 * 3600.0
CHAT = types.ChatRef(transport="test", chat_id="1")
ENDED = types.SESSION_STATE_ENDED


def state(router: RouterUnderTest, session: str) -> "types.SessionState.ValueType":
    found = router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions
    return next(each.state for each in found if each.session_id == session)


def lives_for(router: RouterUnderTest, seconds: float) -> None:
    """Time passes, its last hour awake, and what it brings has happened."""
    for part in (seconds - HOUR, HOUR + 1):
        router.advance(part)
        router.settle()


def has_ended(router: RouterUnderTest, session: str) -> bool:
    return state(router, session) == ENDED


def told(router: RouterUnderTest, session: str) -> list[str]:
    """What was said about it, newest first."""
    return [note.text for note in router.notifications(session)]


@pytest.fixture
def people(router: RouterUnderTest) -> None:
    """A chat that wants notifications."""
    with router.courier("test", "1") as courier:
        courier.connected()


@pytest.mark.usefixtures("people")
def test_it_ends_after_30_days_and_says_so(router: RouterUnderTest, session: str) -> None:
    lives_for(router, 30 * DAY - HOUR)
    before = state(router, session)
    lives_for(router, 3 * HOUR)

    assert before != ENDED
    assert wait_until(lambda: has_ended(router, session))
    [words] = told(router, session)
    assert "Nothing was heard of this session for 30 days" in words
    assert router.events(session)[-1] == "Ended"


@pytest.mark.usefixtures("people")
def test_what_waits_for_it_becomes_a_dead_letter(router: RouterUnderTest, session: str) -> None:
    lives_for(router, 30 * DAY - 2 * HOUR)
    waiting = router.submit(CHAT, "still there?", session_id=session).command_id
    lives_for(router, 3 * HOUR)
    ended = router.command(waiting, wait=10)

    assert (ended.state, ended.reason) == (types.COMMAND_STATE_DEAD, types.REASON_SESSION_ENDED)
    assert [c.command_id for c in router.control.ListDeadLetters(pb.ListDeadLettersRequest()).commands] == [waiting]
    assert "❌ Given up for session" in "".join(told(router, session))


def test_it_ends_where_no_chat_wants_to_hear_of_it(router: RouterUnderTest, session: str) -> None:
    lives_for(router, 31 * DAY)

    assert wait_until(lambda: has_ended(router, session))
    assert told(router, session) == []


def registered(router: RouterUnderTest, agent: ThinAgent, session: str, _seq: int) -> None:
    request = pb.RegisterSessionRequest(session_id=session, machine_id=agent.machine_id)
    router.control.RegisterSession(request)


def spoke(router: RouterUnderTest, _agent: ThinAgent, session: str, _seq: int) -> None:
    router.notify(session, CHAT)


def spoke_by_its_machine(router: RouterUnderTest, agent: ThinAgent, session: str, seq: int) -> None:
    let_follow(router.write, session, CHAT)
    with agent.connected() as link:
        told = {
            "upstream_seq": seq,
            "notification_id": f"n-{seq}",
            "session_id": session,
            "text": "x",
            "targets": [CHAT],
        }
        link.frame(notify=told)
        link.acked(seq)


def asked(_router: RouterUnderTest, agent: ThinAgent, session: str, seq: int) -> None:
    with agent.connected() as link:
        ask(link, session, seq, expires_in={"seconds": 60})


def was_typed_into(router: RouterUnderTest, agent: ThinAgent, session: str, seq: int) -> None:
    with agent.connected() as link:
        command = router.send(session)
        link.commands(1)
        link.receipt(command.command_id)
        link.result(seq, command.command_id)
        link.acked(seq)


def was_named(_router: RouterUnderTest, agent: ThinAgent, session: str, _seq: int) -> None:
    with agent.connected(sessions=[named(session)]):
        pass


@pytest.mark.parametrize("happens", [registered, spoke, spoke_by_its_machine, asked, was_typed_into, was_named])
def test_what_was_seen_meanwhile_lives_30_days_from_then(
    router: RouterUnderTest, agent: ThinAgent, session: str, happens: Callable[..., None]
) -> None:
    with agent.connected(sessions=[named(session)]):
        pass
    states = []
    for seq in (1, 2):
        lives_for(router, 20 * DAY)
        states.append(state(router, session))
        happens(router, agent, session, seq)
    lives_for(router, 29 * DAY)
    states.append(state(router, session))
    lives_for(router, 3 * DAY)

    assert ENDED not in states
    assert wait_until(lambda: has_ended(router, session))


def test_a_command_that_was_only_accepted_is_no_sight_of_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    lives_for(router, 20 * DAY)
    router.send(session)
    with agent.connected() as link:
        failing = router.send(session)
        link.commands(2)
        link.receipt(failing.command_id)
        link.result(1, failing.command_id, outcome=2, reason=types.REASON_SESSION_UNKNOWN)
        link.acked(1)
    lives_for(router, 11 * DAY)

    assert wait_until(lambda: has_ended(router, session))


def test_one_that_its_machine_does_not_name_is_not_seen(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    lives_for(router, 20 * DAY)
    with agent.connected(sessions=[named("another")]):
        pass
    lives_for(router, 11 * DAY)

    assert wait_until(lambda: has_ended(router, session))
    assert state(router, "another") != ENDED


@pytest.mark.usefixtures("people")
def test_a_router_that_slept_for_a_month_lets_machines_come_back_first(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    router.advance(31 * DAY)
    router.settle()
    with agent.connected(sessions=[named(session)]):
        pass
    lives_for(router, 3 * HOUR)

    assert state(router, session) != ENDED
    assert told(router, session) == []


@pytest.mark.usefixtures("people")
def test_it_ends_once_also_over_a_restart(router: RouterUnderTest, session: str) -> None:
    lives_for(router, 31 * DAY)
    wait_until(lambda: has_ended(router, session))
    router.restart()
    lives_for(router, 3 * HOUR)

    assert len(told(router, session)) == 1
    assert router.events(session).count("Ended") == 1


@pytest.mark.usefixtures("people")
def test_a_router_that_was_away_for_a_month_lets_machines_come_back_first(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    router.stop()
    router.time.skipped += 31 * DAY
    router.start()
    router.advance(600)
    router.settle()
    again = router.stranger(agent.machine_id)
    again.key = agent.key
    with again.connected(sessions=[named(session)]):
        pass
    lives_for(router, 3 * HOUR)

    assert state(router, session) != ENDED
    assert told(router, session) == []


@pytest.mark.usefixtures("people")
def test_a_machine_that_comes_back_brings_its_session_back(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected(sessions=[named(session)]):
        pass
    lives_for(router, 30 * DAY - HOUR)
    missed = router.send(session, "missed")
    lives_for(router, 3 * HOUR)
    wait_until(lambda: has_ended(router, session))
    with agent.connected(sessions=[named(session)]) as link:
        fresh = router.send(session, "fresh")
        [frame] = link.commands(1)

    assert state(router, session) == types.SESSION_STATE_IDLE
    assert ids([frame]) == [fresh.command_id]
    assert frame.sequence > missed.sequence
    assert router.command(missed.command_id).state == types.COMMAND_STATE_DEAD
    assert router.events(session)[-2:] == ["Ended", "Reported"]
