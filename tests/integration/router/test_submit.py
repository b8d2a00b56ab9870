"""Doors hand in updates, alone or in streams: each has its effect once, however often it comes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
ELSEWHERE = types.ChatRef(transport="test", chat_id="2", message_id="10")
SOON = {"seconds": 5}
OTHER_PLATFORM = types.ChatRef(transport="other", chat_id="1", message_id="10")


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def answers(router: RouterUnderTest, transport: str = "test") -> list[str]:
    """What waits in the outbox of a platform, oldest first."""
    request = pb.ListNotificationsRequest(transport=transport)
    return [note.text for note in router.control.ListNotifications(request).notifications][::-1]


@pytest.mark.rule("C1")
def test_an_update_that_comes_again_gets_the_first_answer(router: RouterUnderTest, session: str) -> None:
    first = router.submit(HERE, "x", session_id=session, update_key="test:1:77")
    again = router.submit(HERE, "another text", session_id=session, update_key="test:1:77")

    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.command_id == again.command_id
    assert len(router.control.ListCommands(pb.ListCommandsRequest()).commands) == 1


@pytest.mark.rule("C2")
def test_an_update_that_was_answered_is_answered_once(router: RouterUnderTest) -> None:
    for _ in range(2):
        router.submit(HERE, "/help", update_key="test:1:77")

    assert len(answers(router)) == 1


def test_the_same_update_ten_times_at_once_makes_one_command(router: RouterUnderTest, session: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        same = [pool.submit(router.submit, HERE, "x", session_id=session, update_key="test:1:77") for _ in range(10)]
        became = [one.result() for one in same]

    assert len({one.command_id for one in became}) == 1
    assert sum(not one.duplicate for one in became) == 1


def test_a_trace_can_be_asked_for_by_the_update(router: RouterUnderTest, session: str) -> None:
    became = router.submit(HERE, "x", session_id=session, update_key="test:1:77")

    assert router.trace("test:1:77") == router.trace(became.command_id)
    assert "test:1:77" in router.trace(became.command_id)[0].detail


@pytest.mark.parametrize(
    "request_",
    [
        chat_pb.SubmitRequest(chat=HERE, text="x"),
        chat_pb.SubmitRequest(chat=HERE, text="x", update_key="x" * 201),
        chat_pb.SubmitRequest(update_key="k", text="x"),
        chat_pb.SubmitRequest(update_key="k", text="x", chat=types.ChatRef(transport="test")),
    ],
    ids=["no key", "long key", "no chat", "half a chat"],
)
def test_a_door_must_say_what_and_where(router: RouterUnderTest, request_: chat_pb.SubmitRequest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.chat.Submit(request_)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def item(number: int, session: str, text: str = "x", key: str = "") -> chat_pb.SubmitItem:
    request = chat_pb.SubmitRequest(
        update_key=key or f"test:{number}", chat=HERE, actor="Ada", text=text, session_id=session
    )
    return chat_pb.SubmitItem(item_id=number, request=request)


def streamed(router: RouterUnderTest, *batches: list[chat_pb.SubmitItem]) -> dict[int, chat_pb.SubmitItemResponse]:
    """Hand in batches on one stream; the answers by item."""
    stream = router.chat.SubmitStream(chat_pb.SubmitBatch(items=batch) for batch in batches)
    return {answer.item_id: answer for response in stream for answer in response.items}


def test_a_stream_answers_each_item(router: RouterUnderTest, session: str) -> None:
    answered = streamed(router, [item(1, session), item(2, session)], [item(3, session)])

    assert sorted(answered) == [1, 2, 3]
    assert len({answer.response.command_id for answer in answered.values()}) == 3


def test_a_stream_keeps_the_order_of_its_items(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    streamed(router, *([item(n, session, f"{n}")] for n in range(20)))

    assert [frame.action.input.text for frame in link.commands(20)] == [f"{n}" for n in range(20)]


def test_one_bad_item_hurts_no_other(router: RouterUnderTest, session: str) -> None:
    bad = chat_pb.SubmitItem(item_id=2, request=chat_pb.SubmitRequest(update_key="k"))

    answered = streamed(router, [item(1, session), bad, item(3, session)])

    assert answered[2].WhichOneof("result") == "error"
    assert answered[1].response.command_id
    assert answered[3].response.command_id


def test_the_same_update_over_streams_and_calls_makes_one_command(router: RouterUnderTest, session: str) -> None:
    same = [item(n, session, key="test:1:77") for n in range(1, 6)]
    answered = streamed(router, same[:3], same[3:])
    again = router.submit(HERE, "x", session_id=session, update_key="test:1:77")

    assert {answer.response.command_id for answer in answered.values()} == {again.command_id}
    assert sum(not answer.response.duplicate for answer in answered.values()) == 1


def test_a_frame_that_is_no_batch_ends_the_stream_with_a_word(router: RouterUnderTest) -> None:
    raw = router.admin.raw(
        chat_pb.DESCRIPTOR.services_by_name["ChatLink"].methods_by_name["SubmitStream"], [b"\xff\xff"]
    )

    with pytest.raises(grpc.RpcError) as refused:
        next(raw)

    assert reason_of(refused.value) == "BAD_FRAME"
