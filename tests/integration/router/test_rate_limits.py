"""The platform's limits: what waits for them waits at the router, where it keeps its order and can still change."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent

A = types.ChatRef(transport="test", chat_id="a", message_id="1")
B = types.ChatRef(transport="test", chat_id="b", message_id="1")
REST = chat_pb.Rest(chat={"seconds": 30})
PAUSE = chat_pb.Rest(all={"seconds": 30})


def noted(router: RouterUnderTest, session: str, chat: types.ChatRef, *texts: str) -> None:
    for text in texts:
        router.notify(session, chat, text=text)


def test_a_chat_rests_as_long_as_the_receipt_says_and_no_other(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1", "a2")

    with router.time.slowly(), router.courier("test") as courier:
        first = courier.brought("1", rest=REST)
        router.reported(first)
        router.advance(29)
        noted(router, session, B, "b1")
        second = courier.brought("2")
        router.settle()
        early = courier.waiting()
        router.advance(1.1)
        third = courier.brought("3")

    assert [one.notification.text for one in (first, second, third)] == ["a1", "b1", "a2"]
    assert early == 0


def test_what_is_written_while_a_chat_rests_waits_too(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1")

    with router.courier("test") as courier:
        router.reported(courier.brought("1", rest=REST))
        noted(router, session, A, "a2")
        router.settle()
        early = courier.waiting()
        router.advance(31)
        late = courier.brought("2")

    assert (early, late.notification.text) == (0, "a2")


def test_a_pause_holds_all_chats(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1")

    with router.courier("test") as courier:
        router.reported(courier.brought("1", rest=PAUSE))
        noted(router, session, B, "b1")
        router.settle()
        early = courier.waiting()
        router.advance(31)
        late = courier.brought("2")

    assert (early, late.notification.text) == (0, "b1")


def test_a_rest_holds_also_where_another_courier_takes_over(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1", "a2")

    with router.courier("test") as courier:
        router.reported(courier.brought("1", rest=REST))
    with router.courier("test") as courier:
        router.settle()
        early = courier.waiting()
        router.advance(31)
        late = courier.brought("2")

    assert (early, late.notification.text) == (0, "a2")


def test_not_now_waits_for_the_longer_of_backoff_and_rest(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1")
    later = chat_pb.RetryLater(retry_after={"seconds": 5}, detail="429")

    with router.courier("test") as courier:
        first = courier.take()
        courier.answer(first, retry_later=later, rest=REST)
        router.reported(first)
        router.advance(6)
        router.settle()
        early = courier.waiting()
        router.advance(25)
        late = courier.brought("2")

    assert (early, late.attempt) == (0, 2)


def test_while_a_chat_rests_the_urgent_overtakes(router: RouterUnderTest, session: str) -> None:
    noted(router, session, A, "a1", "a2")

    with router.courier("test") as courier:
        router.reported(courier.brought("1", rest=REST))
        router.submit(A, "/help")
        router.advance(31)
        kinds = [courier.brought("2").kind, courier.brought("3").kind]

    assert kinds == [chat_pb.DELIVERY_KIND_ANSWER, chat_pb.DELIVERY_KIND_PROGRESS]


def test_a_receipt_that_changes_while_its_chat_rests_is_one_edit_with_the_last_word(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with router.courier("test") as courier:
        became = router.submit(A, "x", session_id=session)
        router.reported(courier.brought("500", rest=REST))
        with agent.connected() as link:
            link.commands(1)
            link.receipt(became.command_id)
            link.result(1, became.command_id)
            link.acked(1)
        router.advance(31)
        edit = courier.brought("500")
        router.settle()

        assert courier.waiting() == 0

    assert (edit.command_state, list(edit.edit_message_ids)) == (types.COMMAND_STATE_DONE, ["500"])


@pytest.mark.parametrize("chats", ["abc", "cba"])
def test_chats_are_served_by_urgency_then_by_age_not_by_name(router: RouterUnderTest, session: str, chats: str) -> None:
    for chat in chats:
        noted(router, session, types.ChatRef(transport="test", chat_id=chat), "x", "x")
    router.submit(types.ChatRef(transport="test", chat_id="z", message_id="1"), "/help")

    with router.courier("test", max_in_flight=1) as courier:
        order = [courier.brought(f"{n}", rest=REST).notification.chat.chat_id for n in range(4)]

    assert order == ["z", *chats]
