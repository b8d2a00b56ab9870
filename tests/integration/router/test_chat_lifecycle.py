"""What a platform tells of a chat that a repository holds: it moves, it closes, and its people hear of it once."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.test_bindings import ISSUE, begin, bind, heard, write
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink

ADA = "7"


@pytest.fixture
def link(router: RouterUnderTest, agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(start_folders=["/src"]) as link:
        bind(router, agent.machine_id)
        yield link


def changed(router: RouterUnderTest, key: str = "", **change: Any) -> chat_pb.SubmitResponse:
    return write(router, "", chat_change=chat_pb.ChatChange(**change), **({"update_key": key} if key else {}))


def told(router: RouterUnderTest) -> list[str]:
    """What those hear who hear of all sessions, the first first, of no session in particular."""
    found = router.control.ListNotifications(pb.ListNotificationsRequest()).notifications
    return [each.text for each in reversed(found) if each.chat.transport == "test" and not each.session_id]


def test_an_issue_that_moved_keeps_its_session(router: RouterUnderTest, agent: ThinAgent, link: ThinLink) -> None:
    bind(router, agent.machine_id, space="6", name="acme/web")
    write(router, "go")
    session_id = begin(link).session_id
    changed(router, moved_to="6/1")

    moved = types.ChatRef(transport="github", chat_id="6/1", message_id="ic20")
    said = router.submit(moved, "and the docs", space="6", user_id=ADA, actor="github:7 (ada)")
    assert said.session_id == session_id
    assert heard(router, session_id) == ["6/1"]


def test_one_that_takes_nothing_is_told_of_once_and_elsewhere(router: RouterUnderTest, link: ThinLink) -> None:
    with router.courier("test", ADA):
        write(router, "go")
        begin(link)
        for _ in range(2):
            changed(router, closed=True, words="the App was removed from acme/api")
        closings = told(router)

        assert len(closings) == 1
        assert "github takes no messages for chat 5/3: the App was removed from acme/api" in closings[0]


def test_what_people_should_know_comes_once_for_each_key(router: RouterUnderTest, link: ThinLink) -> None:  # noqa: ARG001
    with router.courier("test", ADA):
        for _ in range(3):
            changed(router, "github:1:loop:5/3", words="two programs answer each other")

        assert told(router) == ["two programs answer each other"]
    assert not router.control.ListSessions(pb.ListSessionsRequest()).sessions


def test_nothing_is_believed_of_a_chat_that_is_not_bound(router: RouterUnderTest) -> None:
    with router.courier("test", ADA):
        for space, reason in (("9", "NOT_BOUND"), ("", "INVALID_ARGUMENT")):
            with pytest.raises(grpc.RpcError) as refused:
                write(router, "", space=space, chat_change=chat_pb.ChatChange(words="x"))
            assert reason_of(refused.value) == reason

        assert told(router) == []


def test_nothing_of_it_is_said_in_the_issue(router: RouterUnderTest, link: ThinLink) -> None:  # noqa: ARG001
    changed(router, closed=True, words="the issue was deleted")

    found = router.control.ListNotifications(pb.ListNotificationsRequest()).notifications
    assert [each for each in found if each.chat.chat_id == ISSUE.chat_id] == []
