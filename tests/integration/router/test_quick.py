"""Quick answers as the router sees them: one session for each chat, and so many questions a day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.quick import Daily
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
THERE = types.ChatRef(transport="test", chat_id="2", message_id="20")
MODEL = [types.ProgramVersion(name="model", version="")]
HAS_MODEL: dict[str, Any] = {"capabilities": ["text", "quick", "start"], "programs": MODEL}
DAY = 24 * 3600.0


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    """Two questions a day, and a hundred tokens."""
    with serving(config(data_dir, quick=Daily(2, 100))) as router:
        yield router


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine()


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(**HAS_MODEL) as link:
        yield link


def begun(link: ThinLink, seq: int = 1) -> str:
    """Take the next start and carry it out: the session."""
    [frame] = link.commands(1)
    assert frame.action.start_session.agent == "model"
    link.receipt(frame.command_id)
    link.frame(session_update=update(frame.session_id, upstream_seq=seq, label="quick", backend="model"))
    link.result(seq + 1, frame.command_id)
    link.acked(seq + 1)
    return frame.session_id


def answers(router: RouterUnderTest, chat: types.ChatRef, text: str) -> str:
    """What is said to a question that is not asked."""
    submitted = router.submit(chat, text)
    assert not submitted.command_id
    return submitted.answer


def test_a_chat_has_one_session_begun_with_its_first_question(router: RouterUnderTest, link: ThinLink) -> None:
    first = router.submit(HERE, "/ask What is a rebase?")
    session_id = begun(link)
    second = router.submit(HERE, "/ask And a merge?")
    [frame] = link.commands(1)
    wanted = router.command(first.command_id).action.start_session

    assert (wanted.prompt, wanted.folder, wanted.agent) == ("What is a rebase?", "", "model")
    assert wanted.platform == "test"  # what the model is told first depends on it
    assert (frame.command_id, frame.session_id) == (second.command_id, session_id)
    assert frame.action.input.text == "And a merge?"


def test_another_chat_has_its_own(router: RouterUnderTest, link: ThinLink) -> None:
    router.submit(HERE, "/ask one")
    first = begun(link)
    router.submit(THERE, "/ask two")

    assert begun(link, 3) != first


def test_where_nobody_has_a_model_it_is_said_how_to_set_one(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected():
        assert "POINTSMAN_MODEL_URL" in answers(router, HERE, "/ask one")
    assert "/ask How do I" in answers(router, HERE, "/ask")
    assert not router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions


def test_over_the_cap_nobody_is_asked_and_others_are(router: RouterUnderTest, link: ThinLink) -> None:
    router.submit(HERE, "/ask one")
    begun(link)
    router.submit(HERE, "/ask two")
    spent = answers(router, HERE, "/ask three")
    other = router.submit(THERE, "/ask one")

    assert "2 questions" in spent
    assert "POINTSMAN_QUICK_DAILY" in spent
    assert other.command_id
    assert [frame.action.WhichOneof("kind") for frame in link.commands(2)] == ["input", "start_session"]
    link.heard()
    assert link.waiting() == 0


def test_whichever_way_a_question_comes_it_counts(router: RouterUnderTest, link: ThinLink) -> None:
    router.submit(HERE, "/ask one")
    session_id = begun(link)
    router.submit(HERE, f"/use {session_id}")
    router.submit(HERE, "two, to the chosen session")
    with pytest.raises(grpc.RpcError) as refused:
        router.send(session_id, "three, from a script")

    assert reason_of(refused.value) == "QUICK_SPENT"
    assert router.control.SendCommand(  # a stop is no question
        pb.SendCommandRequest(session_id=session_id, action=types.Action(key=types.KeyPress(name="esc")))
    ).command.command_id


@pytest.mark.usefixtures("link")
def test_the_next_day_there_are_new_ones(router: RouterUnderTest) -> None:
    for number in range(2):
        router.submit(HERE, f"/ask {number}")
    assert answers(router, HERE, "/ask once more")
    router.advance(DAY)

    assert router.submit(HERE, "/ask tomorrow").command_id


def test_tokens_of_answers_count_and_each_answer_once(router: RouterUnderTest, link: ThinLink) -> None:
    router.submit(HERE, "/ask one")
    session_id = begun(link)
    told = {"session_id": session_id, "text": "It is.", "ends_turn": True, "output_tokens": 60}
    link.frame(notify=link_pb.Notify(upstream_seq=3, notification_id=ID.format(1), **told))
    link.frame(notify=link_pb.Notify(upstream_seq=4, notification_id=ID.format(1), **told))  # the same one again
    link.acked(4)
    assert router.submit(HERE, "/ask two").command_id
    link.frame(notify=link_pb.Notify(upstream_seq=5, notification_id=ID.format(2), **{**told, "output_tokens": 40}))
    link.acked(5)

    assert "100 tokens" in answers(router, HERE, "/ask three")


ID = "00000000-0000-4000-8000-{:012d}"


def test_what_was_asked_and_whose_it_is_outlives_the_router(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(**HAS_MODEL) as link:
        router.submit(HERE, "/ask one")
        session_id = begun(link)
    router.restart()
    second = router.submit(HERE, "/ask two")

    assert router.command(second.command_id).session_id == session_id
    assert "2 questions" in answers(router, HERE, "/ask three")


def test_a_session_that_is_over_is_followed_by_another(router: RouterUnderTest, link: ThinLink) -> None:
    router.submit(HERE, "/ask one")
    first = begun(link)
    link.frame(session_closed=link_pb.SessionClosed(upstream_seq=3, session_id=first, generation=1, detail="ended"))
    link.acked(3)
    router.submit(HERE, "/ask two")

    assert begun(link, 4) != first


@pytest.mark.usefixtures("link")
def test_a_machine_that_only_answers_begins_nothing_else(router: RouterUnderTest) -> None:
    assert "starts no sessions" in answers(router, HERE, "/new fix it")
