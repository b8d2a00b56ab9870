"""One link a machine: the newest one acts, silence ends it, and nobody else's frames count."""

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink, ids
from tests.waiting import wait_until


def refused(link: ThinLink) -> tuple[grpc.StatusCode, str]:
    """How the router ended a stream: status and reason."""
    code, error = link.ended()
    link.lose()
    return code, reason_of(error) if error else ""


def is_connected(router: RouterUnderTest, agent: ThinAgent) -> bool:
    machines = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return {machine.machine_id: machine.connected for machine in machines}[agent.machine_id]


def test_welcome_dictates_the_terms(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    welcome = link.welcome()
    link.goodbye()

    assert welcome.link_epoch == 1
    assert welcome.router_id
    assert 18 <= welcome.heartbeat_interval.ToSeconds() <= 22
    assert 46 <= welcome.heartbeat_timeout.ToSeconds() <= 54
    assert (welcome.protocol, "command_batch" in welcome.capabilities) == (1, True)
    assert (welcome.max_in_flight, welcome.max_frame_bytes) == (32, 1024 * 1024)
    assert abs(welcome.router_time.ToMicroseconds() / 1e6 - router.time.now()) < 5


def test_a_machine_is_listed_with_the_folders_it_starts_sessions_in(router: RouterUnderTest, agent: ThinAgent) -> None:
    def folders() -> list[str]:
        found = router.control.ListMachines(pb.ListMachinesRequest()).machines
        return next(list(one.start_folders) for one in found if one.machine_id == agent.machine_id)

    with agent.connected(start_folders=["~/src", "/srv/x", "a\nb", "/" + "l" * 4096]):
        assert folders() == ["~/src", "/srv/x"]
    assert folders() == ["~/src", "/srv/x"]
    with agent.connected(start_folders=[f"/{number}" for number in range(60)]):
        assert folders() == [f"/{number}" for number in range(50)]
    with agent.connected():
        assert folders() == []


def test_every_link_has_a_greater_epoch(agent: ThinAgent) -> None:
    with agent.connected() as first:
        pass
    with agent.connected() as second:
        pass

    assert second.epoch > first.epoch


def test_an_epoch_is_greater_than_any_the_agent_remembers(agent: ThinAgent) -> None:
    with agent.connected(last_link_epoch=41) as link:
        assert link.epoch == 42


def test_a_machine_is_connected_while_its_link_is_open(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected():
        assert is_connected(router, agent)

    wait_until(lambda: not is_connected(router, agent))


def test_a_newer_link_takes_over(agent: ThinAgent) -> None:
    older = agent.dial()
    older.welcome()

    with agent.connected() as newer:
        ended = refused(older)
        newer.heard()

    assert ended == (grpc.StatusCode.ABORTED, "LINK_SUPERSEDED")


def test_what_the_older_link_had_goes_out_on_the_newer(router: RouterUnderTest, agent: ThinAgent) -> None:
    session = router.session(agent)
    older = agent.dial()
    older.welcome()
    accepted = router.send(session, "x")
    older.commands(1)

    with agent.connected() as newer:
        [frame] = newer.commands(1)
        refused(older)

    assert (frame.command_id, frame.attempt) == (accepted.command_id, 2)


def test_what_a_superseded_link_says_late_is_not_heard(router: RouterUnderTest, agent: ThinAgent) -> None:
    session = router.session(agent)
    older = agent.dial()
    older.welcome()
    accepted = router.send(session, "x")
    older.commands(1)

    with agent.connected() as newer:
        newer.commands(1)
        older.receipt(accepted.command_id)
        older.result(1, accepted.command_id)
        refused(older)
        newer.heard()

        assert router.command(accepted.command_id).state == types.COMMAND_STATE_SENT
        assert older.waiting("upstream_ack") == 0


def test_a_frame_of_another_epoch_is_answered_and_not_acted_on(router: RouterUnderTest, agent: ThinAgent) -> None:
    session = router.session(agent)

    with agent.connected() as link:
        accepted = router.send(session, "x")
        link.commands(1)
        link.receipt(accepted.command_id, epoch=link.epoch - 1)
        error = link.take("frame_error")
        link.heard()

        assert error.about == "frame"
        assert router.command(accepted.command_id).state == types.COMMAND_STATE_SENT


def test_the_third_frame_of_another_epoch_ends_the_link(agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()

    for _ in range(3):
        link.frame(link.epoch + 1, heartbeat=link_pb.Heartbeat(nonce=1))

    assert refused(link) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FRAME")


def test_a_frame_of_an_unknown_kind_is_answered_and_the_link_lives(agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame()
        error = link.take("frame_error")
        link.heard()

    assert "empty" in error.status.message


def test_a_frame_over_a_mebibyte_is_answered_and_the_link_lives(agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.frame(goodbye=link_pb.Goodbye(reason="x" * (1024 * 1024 + 1)))
        error = link.take("frame_error")
        link.heard()

    assert "1048576" in error.status.message


@pytest.mark.parametrize(
    ("hello", "ended"),
    [
        ({"machine_id": "another"}, (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")),
        ({"protocol_min": 2, "protocol_max": 3}, (grpc.StatusCode.FAILED_PRECONDITION, "PROTOCOL_VERSION")),
    ],
    ids=["another machine", "newer protocol"],
)
@pytest.mark.rule("A5")
def test_a_hello_that_does_not_fit_ends_the_stream(
    agent: ThinAgent, hello: dict[str, object], ended: tuple[grpc.StatusCode, str]
) -> None:
    assert refused(agent.dial(**hello)) == ended


def test_a_second_hello_ends_the_link(agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    link.frame(hello=agent.hello())

    assert refused(link) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FRAME")


def test_a_silent_link_is_closed_after_three_heartbeats(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    link.heard()
    router.advance(61)

    assert refused(link) == (grpc.StatusCode.DEADLINE_EXCEEDED, "SILENCE")


def test_heartbeats_keep_a_link_open(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        router.advance(40)
        link.heard(1)
        router.advance(40)
        link.heard(2)

        assert is_connected(router, agent)


def test_another_inbox_makes_what_was_sent_to_the_old_one_uncertain(router: RouterUnderTest, agent: ThinAgent) -> None:
    session = router.session(agent)
    with agent.connected() as link:
        sent, received = router.send(session, "1"), router.send(session, "2")
        link.commands(2)
        link.receipt(received.command_id)
        wait_until(lambda: router.command(received.command_id).state == types.COMMAND_STATE_RECEIVED)
    never_sent = router.send(session, "3")

    with agent.connected(inbox_id="another") as link:
        frames = link.commands(1)
        ended = [router.command(command.command_id) for command in (sent, received)]

    assert ids(frames) == [never_sent.command_id]
    assert {command.state for command in ended} == {types.COMMAND_STATE_UNCERTAIN}
    assert {command.reason for command in ended} == {types.REASON_INBOX_LOST}


@pytest.mark.rule("A7")
def test_an_inbox_that_went_back_in_time_makes_what_was_sent_uncertain(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    session = router.session(agent)
    with agent.connected():
        pass
    with agent.connected() as link:
        accepted = router.send(session, "x")
        link.commands(1)
        link.receipt(accepted.command_id)
        wait_until(lambda: router.command(accepted.command_id).state == types.COMMAND_STATE_RECEIVED)

    with agent.connected(last_link_epoch=1):
        ended = router.command(accepted.command_id)

    assert (ended.state, ended.reason) == (types.COMMAND_STATE_UNCERTAIN, types.REASON_INBOX_LOST)


def test_an_inbox_from_before_what_it_reported_last_makes_what_was_sent_uncertain(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    session = router.session(agent)
    with agent.connected():
        pass
    with agent.connected() as link:
        ended, open_ = router.send(session, "1"), router.send(session, "2")
        link.commands(2)
        link.receipt(ended.command_id)
        link.result(1, ended.command_id)
        link.acked(1)

    with agent.connected(last_link_epoch=1):
        doubtful = router.command(open_.command_id)

    assert router.command(ended.command_id).state == types.COMMAND_STATE_DONE
    assert (doubtful.state, doubtful.reason) == (types.COMMAND_STATE_UNCERTAIN, types.REASON_INBOX_LOST)


def test_an_agent_that_never_saw_its_welcome_has_lost_nothing(router: RouterUnderTest, agent: ThinAgent) -> None:
    session = router.session(agent)
    with agent.connected() as link:
        received = router.send(session, "x")
        link.commands(1)
        link.receipt(received.command_id)
        wait_until(lambda: router.command(received.command_id).state == types.COMMAND_STATE_RECEIVED)
    unseen = agent.dial()
    unseen.welcome()
    unseen.lose()

    with agent.connected():
        assert router.command(received.command_id).state == types.COMMAND_STATE_RECEIVED


def test_resend_floors_say_what_is_over(router: RouterUnderTest, agent: ThinAgent) -> None:
    session, idle = router.session(agent), router.session(agent)
    with agent.connected() as link:
        first, second = router.send(session, "1"), router.send(session, "2")
        link.commands(2)
        link.receipt(first.command_id, second.command_id)
        link.result(1, first.command_id)
        link.acked(1)

    link = agent.dial()
    floors = {floor.session_id: floor.sequence for floor in link.welcome().resend_floors}
    link.goodbye()

    assert floors == {session: 2, idle: 1}


def test_a_stopping_router_asks_its_agents_to_leave(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    router.begin_stop()
    drain = link.take("drain")
    link.goodbye()

    assert drain.deadline.seconds == 2
    assert 0 <= drain.reconnect_after.ToMilliseconds() <= 5_000


def test_an_agent_that_stays_is_put_out_with_a_word(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    router.begin_stop()
    link.take("drain")
    router.advance(2)

    assert refused(link) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
