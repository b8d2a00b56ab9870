"""What comes from a repository's chats: its session alone is reached, and nothing else is told or done there."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.permissions.asking import ask
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update

ISSUE = types.ChatRef(transport="github", chat_id="5/3", message_id="ic11")
OTHER = types.ChatRef(transport="github", chat_id="5/4", message_id="ic12")


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(start_folders=["/src"]) as link:
        yield link


@pytest.fixture
def bound(router: RouterUnderTest, agent: ThinAgent, link: ThinLink) -> str:  # noqa: ARG001
    """The machine that works for the repository."""
    bind(router, agent.machine_id)
    return agent.machine_id


def bind(router: RouterUnderTest, machine_id: str, **fields: Any) -> pb.Binding:
    fields = {"space": "5", "name": "acme/api", "writers": True, "autostart": True, "folder": "/src"} | fields
    binding = pb.Binding(transport="github", machine_id=machine_id, **fields)
    return router.control.Bind(pb.BindRequest(binding=binding)).binding


def write(router: RouterUnderTest, text: str, chat: types.ChatRef = ISSUE, **request: Any) -> chat_pb.SubmitResponse:
    return router.submit(chat, text, **{"space": "5", "user_id": "7", "actor": "github:7 (ada)"} | request)


def begin(link: ThinLink) -> Any:
    """Take the next start and carry it out, as an agent does."""
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    link.frame(session_update=update(frame.session_id, upstream_seq=1, label="api", backend="headless"))
    link.result(2, frame.command_id)
    link.acked(2)
    return frame


def heard(router: RouterUnderTest, session_id: str) -> list[str]:
    sent = router.control.Notify(pb.NotifyRequest(session_id=session_id, text="done")).notifications
    return sorted(note.chat.chat_id for note in sent)


def test_it_is_listed_and_ended(router: RouterUnderTest, bound: str) -> None:
    bind(router, bound, space="6", name="acme/web", allowed=["7"], writers=False)
    names = [each.name for each in router.control.ListBindings(pb.ListBindingsRequest()).bindings]
    router.control.Unbind(pb.UnbindRequest(transport="github", space="5"))

    left = router.control.ListBindings(pb.ListBindingsRequest(transport="github")).bindings
    assert names == ["acme/api", "acme/web"]
    assert [(each.name, list(each.allowed), each.writers) for each in left] == [("acme/web", ["7"], False)]
    assert left[0].created_by
    assert not router.control.ListBindings(pb.ListBindingsRequest(transport="mail")).bindings


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"machine_id": "nowhere"}, "NOT_FOUND"),
        ({"writers": False}, "INVALID_ARGUMENT"),
        ({"space": ""}, "INVALID_ARGUMENT"),
        ({"name": "a\nb"}, "INVALID_ARGUMENT"),
        ({"allowed": [str(number) for number in range(51)]}, "INVALID_ARGUMENT"),
        ({"folder": "a\0b"}, "INVALID_ARGUMENT"),
    ],
)
def test_what_is_not_bound(router: RouterUnderTest, agent: ThinAgent, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        bind(router, **{"machine_id": agent.machine_id} | fields)

    assert reason_of(refused.value) == reason
    assert not router.control.ListBindings(pb.ListBindingsRequest()).bindings


def test_without_a_binding_nothing_is_taken_and_it_may_come_again(router: RouterUnderTest, agent: ThinAgent) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        write(router, "go", update_key="github:1:ic11:created")
    with agent.connected(start_folders=["/src"]):
        bind(router, agent.machine_id)
        taken = write(router, "go", update_key="github:1:ic11:created")

    assert reason_of(refused.value) == "NOT_BOUND"
    assert (bool(taken.command_id), taken.duplicate) == (True, False)


@pytest.mark.usefixtures("bound")
def test_words_begin_a_session_and_the_next_are_for_it(router: RouterUnderTest, link: ThinLink) -> None:
    first = write(router, "fix the tests", context="acme/api#3")
    frame = begin(link)
    second = write(router, "and the docs")
    [typed] = link.commands(1)

    begun = frame.action.start_session
    assert (begun.prompt, begun.folder) == ("fix the tests\n\nacme/api#3", "/src")
    assert second.session_id == first.session_id == typed.session_id
    assert typed.action.input.text == "and the docs"


@pytest.mark.usefixtures("bound")
def test_another_issue_has_another_session(router: RouterUnderTest) -> None:
    sessions = {write(router, "go", chat).session_id for chat in (ISSUE, OTHER)}

    assert len(sessions - {""}) == 2


@pytest.mark.usefixtures("bound")
def test_it_is_heard_of_there_and_by_those_who_hear_of_all(router: RouterUnderTest) -> None:
    with router.courier("telegram", "1"):
        session_id = write(router, "go").session_id

        assert heard(router, session_id) == ["1", "5/3"]


@pytest.mark.usefixtures("bound")
def test_nothing_of_other_sessions_is_heard_there(router: RouterUnderTest, session: str) -> None:
    write(router, "go")

    with router.courier("telegram", "1"):
        assert heard(router, session) == ["1"]


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize(
    "text",
    ["/sessions", "/use {other}", "/status {other}", "/cmd {other} rm", "/dead", "/policy", "/iam 1", "/notes",
     "/follow {other}", "/mode bypassPermissions", "/allow", "/later 9:00 x", "/recall secrets", "/escalate off"],
)  # fmt: skip
@pytest.mark.parametrize("runs", [False, True])
def test_no_command_reaches_beyond_it(
    router: RouterUnderTest, link: ThinLink, session: str, text: str, runs: bool
) -> None:
    own = write(router, "go").session_id if runs else ""
    told = write(router, text.format(other=session))

    assert session not in told.answer
    assert told.session_id in ("", own)
    assert not [each for each in link.commands(1 if runs else 0) if each.session_id == session]


@pytest.mark.usefixtures("bound")
def test_a_press_reaches_no_message_of_another_chat(router: RouterUnderTest, session: str) -> None:
    with router.courier("telegram", "1") as courier:
        courier.connected()
        router.control.Notify(
            pb.NotifyRequest(session_id=session, text="go on?", buttons=[types.Button(label="y", action="yes")])
        )
        token = courier.take().notification.token
        told = write(router, "", button=chat_pb.ButtonPress(data=f"cmd:{token}:yes"))

    assert not told.command_id


@pytest.mark.usefixtures("bound")
def test_it_ends_by_a_word_and_words_begin_another(router: RouterUnderTest, link: ThinLink) -> None:
    first = write(router, "go").session_id
    begin(link)
    write(router, "/end")
    [stop] = link.commands(1)
    link.receipt(stop.command_id)
    link.frame(
        session_update=update(first, upstream_seq=3, label="api", backend="headless", state=types.SESSION_STATE_ENDED)
    )
    link.result(4, stop.command_id)
    link.acked(4)

    assert stop.action.HasField("stop_session")
    assert write(router, "again").session_id not in ("", first)


def test_one_that_begins_nothing_says_so(router: RouterUnderTest, bound: str) -> None:
    bind(router, bound, autostart=False)
    told = write(router, "go")

    assert (told.command_id, told.session_id) == ("", "")
    assert "begin one themselves" in told.answer


@pytest.mark.usefixtures("bound")
def test_a_change_of_a_comment_does_nothing(router: RouterUnderTest) -> None:
    told = write(router, "go", edited=True)

    assert (told.command_id, told.answer) == ("", "")


def test_a_comment_that_is_gone_is_taken_back_where_it_has_not_begun(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(start_folders=["/src"]):
        bind(router, agent.machine_id)
    command = write(router, "go", update_key="github:1:ic11:created").command_id  # its machine is away
    elsewhere = write(router, "", OTHER, takes_back="github:1:ic11:created")
    told = write(router, "", takes_back="github:1:ic11:created")

    state = router.control.GetCommand(pb.GetCommandRequest(command_id=command)).command.state
    assert (elsewhere.command_id, told.command_id) == ("", command)
    assert state == types.COMMAND_STATE_CANCELLED
    assert not write(router, "", takes_back="github:1:ic99:created").command_id


def asked(router: RouterUnderTest, link: ThinLink) -> tuple[str, str]:
    session_id = write(router, "go").session_id
    begin(link)
    return session_id, ask(link, session_id, seq=3)


def at(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(int((time.time() + seconds) * 1e6))
    return stamp


def state_of(router: RouterUnderTest, permission_id: str) -> int:
    there = router.control.ListPermissions(pb.ListPermissionsRequest(include_closed=True)).permissions
    return next(each.state for each in there if each.permission_id == permission_id)


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("1", types.PERMISSION_STATE_ALLOWED),
        ("Allow", types.PERMISSION_STATE_ALLOWED),
        ("3", types.PERMISSION_STATE_DENIED),
    ],
)
def test_a_word_answers_what_its_session_asks(router: RouterUnderTest, link: ThinLink, word: str, state: int) -> None:
    _, permission_id = asked(router, link)
    told = write(router, word, written_at=at(60))

    assert told.command_id
    assert state_of(router, permission_id) == state


@pytest.mark.usefixtures("bound")
def test_a_word_from_before_the_question_does_not_answer_it(router: RouterUnderTest, link: ThinLink) -> None:
    _, permission_id = asked(router, link)
    for written_at in (at(-3600), None):
        write(router, "allow", written_at=written_at, update_key=fresh("update"))

    assert state_of(router, permission_id) == types.PERMISSION_STATE_OPEN


@pytest.mark.usefixtures("bound")
def test_other_words_are_for_the_session_and_leave_the_question(router: RouterUnderTest, link: ThinLink) -> None:
    session_id, permission_id = asked(router, link)
    told = write(router, "do not push", written_at=at(60))

    assert told.session_id == session_id
    assert state_of(router, permission_id) == types.PERMISSION_STATE_OPEN


CLONE = types.Workspace(key="github:acme/api#3", repository="https://github.com/acme/api.git", ref="refs/pull/3/head")


def test_where_no_folder_is_named_it_works_in_a_clone(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(start_folders=["/src"], capabilities=["start", "workspaces"]) as link:
        bind(router, agent.machine_id, folder="")
        write(router, "go", workspace=CLONE)
        [frame] = link.commands(1)

    begun = frame.action.start_session
    assert (begun.workspace.key, begun.workspace.ref, begun.folder) == (CLONE.key, CLONE.ref, "")


@pytest.mark.usefixtures("bound")
def test_where_one_is_named_it_works_there(router: RouterUnderTest, link: ThinLink) -> None:
    write(router, "go", workspace=CLONE)

    begun = link.commands(1)[0].action.start_session
    assert (begun.HasField("workspace"), begun.folder) == (False, "/src")
