"""Who wrote and is not allowed: kept for the operator, and never many."""

from collections.abc import Iterator

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh

DAY = 24 * 3600.0


def report(router: RouterUnderTest, user_id: str, name: str = "Eve", chat_id: str = "-5") -> bool:
    """Whether the router did not know them."""
    chat = types.ChatRef(transport="test", chat_id=chat_id)
    stranger = types.Stranger(chat=chat, user_id=user_id, name=name)
    return router.chat.ReportStranger(chat_pb.ReportStrangerRequest(stranger=stranger)).is_new


def listed(router: RouterUnderTest) -> Iterator[types.Stranger]:
    return iter(router.control.ListStrangers(pb.ListStrangersRequest()).strangers)


def test_a_stranger_is_new_once_and_counted(router: RouterUnderTest) -> None:
    eve = fresh("eve")

    assert [report(router, eve), report(router, eve, "Eve the second")] == [True, False]
    newest = next(listed(router))
    assert (newest.user_id, newest.name, newest.times) == (eve, "Eve the second", 2)
    assert (newest.chat.transport, newest.chat.chat_id) == ("test", "-5")
    assert newest.last_seen_at.ToSeconds() > 0


def test_the_same_person_in_another_chat_is_another_entry(router: RouterUnderTest) -> None:
    eve = fresh("eve")

    assert [report(router, eve, chat_id=chat) for chat in ("1", "2")] == [True, True]


def test_of_a_crowd_the_newest_twenty_are_kept(router: RouterUnderTest) -> None:
    crowd = [fresh("eve") for _ in range(25)]
    for user_id in crowd:
        report(router, user_id)

    assert [stranger.user_id for stranger in listed(router)] == crowd[:4:-1]


def test_a_hostile_name_arrives_without_what_moves_a_terminal(router: RouterUnderTest) -> None:
    report(router, fresh("eve"), "a\x1b[2Jb" + "x" * 5000)

    assert next(listed(router)).name == ("a[2Jb" + "x" * 5000)[:64]


@pytest.mark.parametrize(("user_id", "chat_id"), [("", "-5"), ("x" * 129, "-5"), ("1", ""), ("1", "x" * 129)])
def test_one_who_is_nobody_or_nowhere_is_refused(router: RouterUnderTest, user_id: str, chat_id: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        report(router, user_id, chat_id=chat_id)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_they_are_forgotten_after_a_month(router: RouterUnderTest) -> None:
    report(router, fresh("eve"))
    router.advance(31 * DAY)
    router.control.Cleanup(pb.CleanupRequest())

    assert list(listed(router)) == []
