"""What breaks a rule of the tables is a mistake of one operation: its caller is told, and nobody else suffers."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.rigs.thin_agent import ThinAgent, ids
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1")
MISTAKE = "The router made a mistake; its log says more. Nothing was stored."


@contextmanager
def forbidden(router: RouterUnderTest, change: str) -> Iterator[None]:
    """Inside the block the tables have a rule more: they do not take such a change ("INSERT ON steps")."""
    rule = f"CREATE TRIGGER rule BEFORE {change} BEGIN SELECT RAISE(ABORT, 'against the rule'); END"
    router.write(lambda tx: tx.execute(rule))
    try:
        yield
    finally:
        router.write(lambda tx: tx.execute("DROP TRIGGER rule"))


def writable(router: RouterUnderTest) -> bool:
    return router.control.GetStats(pb.GetStatsRequest()).writable


def charged(router: RouterUnderTest, command: types.Command) -> int:
    sql = "SELECT charged FROM commands WHERE command_id = ?"
    return int(router.read(lambda connection: connection.execute(sql, (command.command_id,)).fetchone()[0]))


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.exc_info and "against the rule" in str(record.exc_info[1])]


def test_its_caller_is_told_and_the_log_says_more_once(
    router: RouterUnderTest, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    with forbidden(router, "INSERT ON requests WHEN NEW.key LIKE '%/bad'"), pytest.raises(grpc.RpcError) as refused:
        router.send(session, request_id="bad")

    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.INTERNAL, MISTAKE)
    assert len(tracebacks(caplog)) == 1
    assert writable(router)
    assert router.send(session, request_id="bad").sequence == 1


def test_neighbours_in_its_group_are_accepted(router: RouterUnderTest, session: str) -> None:
    texts = ["bad" if number % 5 == 0 else f"good {number}" for number in range(40)]

    def sent(text: str) -> str:
        try:
            return router.send(session, text).action.input.text
        except grpc.RpcError as error:
            return error.code().name

    with forbidden(router, "INSERT ON commands WHEN NEW.text = 'bad'"), ThreadPoolExecutor(20) as callers:
        outcome = list(callers.map(sent, texts))

    assert outcome == ["INTERNAL" if text == "bad" else text for text in texts]
    assert writable(router)


def test_neighbours_in_its_frame_are_accepted(
    router: RouterUnderTest, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    def item(number: int, text: str) -> chat_pb.SubmitItem:
        request = chat_pb.SubmitRequest(update_key=f"u:{number}", chat=CHAT, text=text, session_id=session)
        return chat_pb.SubmitItem(item_id=number, request=request)

    batch = chat_pb.SubmitBatch(items=[item(1, "good"), item(2, "bad"), item(3, "good")])
    with forbidden(router, "INSERT ON commands WHEN NEW.text = 'bad'"):
        answers = [each for answer in router.chat.SubmitStream(iter([batch]), timeout=10) for each in answer.items]

    outcome = {answer.item_id: answer.WhichOneof("result") for answer in answers}
    assert outcome == {1: "response", 2: "error", 3: "response"}
    assert [(a.error.code, a.error.message) for a in answers if a.item_id == 2] == [
        (grpc.StatusCode.INTERNAL.value[0], MISTAKE)
    ]
    assert len(tracebacks(caplog)) == 1


def test_a_link_that_ends_by_it_says_so_and_blames_no_command(
    router: RouterUnderTest, agent: ThinAgent, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    link = agent.dial()
    link.welcome()
    command = router.send(session)
    link.commands(1)
    let_follow(router.write, session, CHAT)
    with forbidden(router, "INSERT ON notifications WHEN NEW.text = 'bad'"):
        link.frame(notify={"upstream_seq": 1, "notification_id": "n", "session_id": session, "text": "bad",
                           "targets": [CHAT]})  # fmt: skip
        code, error = link.ended()
        link.lose()

    with agent.connected() as again:
        [frame] = again.commands(1)
    assert code is grpc.StatusCode.INTERNAL
    assert error
    assert error.details() == MISTAKE
    assert len(tracebacks(caplog)) == 1
    assert writable(router)
    assert ids([frame]) == [command.command_id]
    assert charged(router, command) == 0


def test_a_hello_that_fails_by_it_is_told_so(router: RouterUnderTest, agent: ThinAgent) -> None:
    with forbidden(router, "INSERT ON steps"):
        link = agent.dial()
        code, _ = link.ended()
        link.lose()

    assert code is grpc.StatusCode.INTERNAL
    assert writable(router)
    with agent.connected() as again:
        assert again.epoch


def test_a_timer_that_fails_by_it_tries_again(router: RouterUnderTest, session: str) -> None:
    limited = router.send(session, ttl={"seconds": 60})
    with forbidden(router, "UPDATE ON commands WHEN NEW.state = 'expired'"):
        router.advance(61)
        router.settle()
        before = router.command(limited.command_id).state
    router.advance(61)

    assert before == types.COMMAND_STATE_QUEUED
    assert wait_until(lambda: router.command(limited.command_id).state == types.COMMAND_STATE_EXPIRED)
