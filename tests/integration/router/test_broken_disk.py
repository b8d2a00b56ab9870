"""A disk that fails in the middle of things: what was undone on it is undone in memory, too."""

import grpc
import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.sick_disk import failing
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ids
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1")


def test_a_command_that_was_not_stored_takes_no_place_in_the_window(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected(max_in_flight=1) as link:
        with failing(router, "INSERT ON steps"), pytest.raises(grpc.RpcError):
            router.send(session, "lost")
        stored = router.send(session, "stored")
        [frame] = link.commands(1)

    assert (frame.command_id, frame.sequence) == (stored.command_id, 1)


def test_a_link_that_was_not_stored_is_refused_and_may_come_again(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    waiting = router.send(session)
    with failing(router, "INSERT ON steps"):
        link = agent.dial()
        code, error = link.ended()
        link.lose()

    with agent.connected() as again:
        assert ids(again.commands(1)) == [waiting.command_id]
    assert code is grpc.StatusCode.UNAVAILABLE
    assert error
    assert reason_of(error) == "STORAGE_UNAVAILABLE"


def test_a_newer_link_that_was_not_stored_does_not_take_over(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        with failing(router, "INSERT ON steps"):
            newer = agent.dial()
            newer.ended()
            newer.lose()
        accepted = router.send(session)

        assert ids(link.commands(1)) == [accepted.command_id]


def test_a_backoff_whose_end_was_not_stored_ends_later_and_keeps_the_order(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    lost = agent.dial()
    lost.welcome()
    suspect = router.send(session, "suspect")
    lost.commands(1)
    lost.lose()
    wait_until(lambda: router.command(suspect.command_id).state == types.COMMAND_STATE_QUEUED)

    with agent.connected() as link:
        link.heard()
        with failing(router, "UPDATE ON commands"):
            router.advance(2.1)
            router.settle()
        behind = router.send(session, "behind")
        router.advance(40)
        link.heard()
        router.advance(40)
        frames = link.commands(2)

    assert ids(frames) == [suspect.command_id, behind.command_id]


def test_a_courier_that_was_not_stored_is_told_so(router: RouterUnderTest) -> None:
    with failing(router, "INSERT ON chats"):
        courier = ThinCourier(router.chat, "test", "1")
        error = courier.ended()

    assert error
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "STORAGE_UNAVAILABLE"


def test_a_courier_whose_end_was_not_stored_keeps_nothing(router: RouterUnderTest, session: str) -> None:
    with router.courier("test") as gone:
        [note] = router.notify(session, CHAT)
        gone.take()
        with failing(router, "UPDATE ON notifications"):
            gone.close()
            router.settle()

    with router.courier("test") as courier:
        again = courier.brought("1")
        [next_] = router.notify(session, CHAT)

        assert (again.notification.notification_id, again.attempt) == (note.notification_id, 2)
        assert courier.brought("2").notification.notification_id == next_.notification_id


def test_a_digest_whose_end_was_not_stored_goes_back_whole(router: RouterUnderTest, session: str) -> None:
    for number in range(5):
        router.notify(session, CHAT, text=f"word {number}")
    with router.courier("test") as gone:
        gone.take()
        with failing(router, "UPDATE ON notifications WHEN NEW.text = 'word 4'"):
            gone.close()
            router.settle()

    with router.courier("test") as courier:
        router.advance(2)
        again = courier.brought("1")
        router.reported(again)

    assert again.attempt == 2
    assert {(note.attempt, *note.message_ids) for note in router.notifications(session)} == {(2, "1")}


def test_a_lease_that_was_not_stored_is_given_later(router: RouterUnderTest, session: str) -> None:
    with router.courier("test", "1") as courier:
        with failing(router, "UPDATE ON notifications"), pytest.raises(grpc.RpcError):
            router.notify(session, CHAT)
        router.notify(session, CHAT, text="stored")

        assert courier.brought("1").notification.text == "stored"
