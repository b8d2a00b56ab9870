"""What is past its time goes; what is young, or still needed, stays."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from grpc_health.v1 import health_pb2

from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
DAY = 24 * 3600


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


def count(router: RouterUnderTest) -> int:
    return len(router.control.ListCommands(pb.ListCommandsRequest(limit=1000)).commands)


def ended_things(router: RouterUnderTest, agent: ThinAgent) -> str:
    """One ended command, one delivered message with its mapping, one ended session; returns the session."""
    session_id = router.session(agent)
    router.send(session_id, request_id="r-1")
    router.submit(HERE, "x", session_id=session_id)
    with router.courier("test") as courier:
        courier.brought("500")
        router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session_id))
        router.reported(courier.brought("500"))
        assert router.submit(HERE, "y", reply_to_message_id="500").session_id == session_id
        courier.brought("501")
    return session_id


def test_cleaning_up_keeps_what_is_young(router: RouterUnderTest, agent: ThinAgent) -> None:
    ended_things(router, agent)

    assert router.control.Cleanup(pb.CleanupRequest()) == pb.CleanupResponse()


def age(tx: Transaction) -> None:
    """Make everything a month older than it is."""
    tx.execute(f"UPDATE commands SET ended_at = ended_at - {31 * DAY}")
    tx.execute(f"UPDATE notifications SET created_at = created_at - {31 * DAY}")
    tx.execute(f"UPDATE sessions SET updated_at = updated_at - {31 * DAY}")
    tx.execute(f"UPDATE requests SET created_at = created_at - {31 * DAY}")
    tx.execute(f"UPDATE steps SET at = at - {31 * DAY}")


def test_cleaning_up_removes_what_is_past_its_time(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    old = ended_things(router, agent)
    router.write(age)
    young = router.send(session, "young")
    removed = router.control.Cleanup(pb.CleanupRequest())

    assert (removed.commands, removed.sessions, removed.messages) == (2, 1, 2)
    assert removed.notifications >= 3
    assert removed.updates >= 2
    assert removed.steps >= 8
    assert old not in {one.session_id for one in all_sessions(router)}
    assert count(router) == 1
    assert router.events(young.command_id) == ["Accepted"]


def test_cleaning_up_goes_on_until_nothing_is_left(router: RouterUnderTest) -> None:
    router.write(
        lambda tx: tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
            " INSERT INTO requests (key, digest, response, created_at) SELECT i, '', '', 0 FROM n"
        )
    )

    assert router.control.Cleanup(pb.CleanupRequest()).updates == 1_200


def all_sessions(router: RouterUnderTest) -> list[types.Session]:
    return list(router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions)


def test_what_is_past_its_time_goes_by_itself(router: RouterUnderTest, agent: ThinAgent) -> None:
    ended_things(router, agent)
    router.advance(31 * DAY)

    wait_until(lambda: count(router) == 0)


MINUTE, HOUR = 60, 3600
REMEMBERED = 96 * HOUR  # longer than anyone repeats: GitHub does for 3 days


def test_a_request_is_remembered_for_96_hours(router: RouterUnderTest, session: str) -> None:
    first = router.send(session, request_id="r-1", ttl={"seconds": 90 * DAY})
    router.advance(REMEMBERED - MINUTE)
    router.control.Cleanup(pb.CleanupRequest())
    same = router.send(session, request_id="r-1", ttl={"seconds": 90 * DAY})
    router.advance(2 * MINUTE)
    router.control.Cleanup(pb.CleanupRequest())
    other = router.send(session, request_id="r-1", ttl={"seconds": 90 * DAY})

    assert same.command_id == first.command_id
    assert other.command_id != first.command_id


def test_an_update_is_remembered_for_96_hours(router: RouterUnderTest, session: str) -> None:
    def submitted() -> chat_pb.SubmitResponse:
        return router.submit(HERE, "x", session_id=session, update_key="github:1")

    first = submitted()
    router.advance(REMEMBERED - MINUTE)
    router.control.Cleanup(pb.CleanupRequest())
    again = submitted()
    router.advance(2 * MINUTE)
    router.control.Cleanup(pb.CleanupRequest())
    afresh = submitted()

    assert (again.duplicate, again.command_id) == (True, first.command_id)
    assert not afresh.duplicate
    assert afresh.command_id != first.command_id


def test_a_message_of_a_living_session_reaches_it_after_a_year(router: RouterUnderTest, session: str) -> None:
    router.notify(session, types.ChatRef(transport="test", chat_id="1"))
    with router.courier("test") as courier:
        router.reported(courier.brought("500"))
    router.advance(365 * DAY)
    router.control.Cleanup(pb.CleanupRequest())

    assert router.submit(HERE, "still there?", reply_to_message_id="500").session_id == session


def test_what_a_chat_had_for_a_session_goes_with_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    session_id, stays = router.session(agent, "old"), router.session(agent, "new")
    for wish in ("/use old", "/mute", "/use new", "/mute"):
        router.submit(HERE, wish)
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session_id))
    router.write(age)
    for _ in range(2):
        router.control.Cleanup(pb.CleanupRequest())

    left = router.read(lambda connection: connection.execute("SELECT session_id FROM places").fetchall())
    assert left == [(stays,)]


def put(router: RouterUnderTest, seconds: float) -> None:
    """Somebody sets the wall clock while no router runs."""
    router.stop()
    router.time.wall_step += seconds
    router.start()


def test_a_clock_that_is_put_forward_takes_no_history_with_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    ended_things(router, agent)
    before = count(router)
    put(router, 365 * DAY)
    at_once = router.control.Cleanup(pb.CleanupRequest())
    router.advance(29 * DAY)
    later = router.control.Cleanup(pb.CleanupRequest())
    kept = count(router)
    router.advance(2 * DAY)
    wait_until(lambda: count(router) == 0)

    assert (at_once.commands, at_once.notifications, at_once.steps, at_once.sessions) == (0, 0, 0, 0)
    assert (later.commands, later.steps) == (0, 0)
    assert kept == before > 0


def test_a_clock_that_is_put_right_again_keeps_it_no_longer(router: RouterUnderTest, agent: ThinAgent) -> None:
    ended_things(router, agent)
    put(router, 365 * DAY)
    put(router, -365 * DAY)
    router.advance(31 * DAY)

    wait_until(lambda: count(router) == 0)


def test_a_clock_that_was_behind_takes_no_history_when_it_is_put_right(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    put(router, -365 * DAY)
    again = router.stranger(agent.machine_id)
    again.key = agent.key
    ended_things(router, again)
    put(router, 365 * DAY)

    assert router.control.Cleanup(pb.CleanupRequest()).commands == 0
    assert count(router) > 0
