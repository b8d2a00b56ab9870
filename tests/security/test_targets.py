"""A bot reaches whoever ever wrote to it. Which of those a message may name."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of

HOME = types.ChatRef(transport="telegram", chat_id="4711")
STRANGER = types.ChatRef(transport="telegram", chat_id="6666")


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def queued(router: RouterUnderTest) -> list[str]:
    """Chats for which something waits."""
    return [note.chat.chat_id for note in router.control.ListNotifications(pb.ListNotificationsRequest()).notifications]


def test_a_machine_names_no_chat_that_nobody_let_in(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")
    session = router.session(machine)

    with machine.connected() as link:
        link.frame(
            notify=link_pb.Notify(
                upstream_seq=1, notification_id="n", session_id=session, text="secret", targets=[HOME, STRANGER]
            )
        )
        [rejection] = link.acked(1).rejected

    assert rejection.reason == types.REASON_ILLEGAL_STATE
    assert "Nobody who may wrote in the chat telegram:4711" in rejection.detail
    assert queued(router) == []


def test_nor_with_files(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")
    session = router.session(machine)

    photo = types.NotificationFile(file_id="f", name="photo.png", size=1)
    machine.put_part("f", data=b"p")

    with pytest.raises(grpc.RpcError) as error:
        machine.notify("n", session, "secret", photo, targets=[STRANGER])

    # With a code that ends it: what a machine is not allowed at all it would try again for ever.
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(error.value) == "ILLEGAL_STATE"


def test_nor_does_an_operator(router: RouterUnderTest) -> None:
    session = router.session(router.machine("devbox"))

    with pytest.raises(grpc.RpcError) as error:
        router.control.Notify(pb.NotifyRequest(session_id=session, text="secret", targets=[STRANGER]))

    assert reason_of(error.value) == "ILLEGAL_STATE"
    assert queued(router) == []


def test_a_stranger_who_wrote_stays_one(router: RouterUnderTest) -> None:
    session = router.session(router.machine("devbox"))
    told = types.Stranger(chat=STRANGER, user_id="6666")
    router.chat.ReportStranger(chat_pb.ReportStrangerRequest(stranger=told))

    with pytest.raises(grpc.RpcError):
        router.control.Notify(pb.NotifyRequest(session_id=session, text="secret", targets=[STRANGER]))


def test_a_chat_that_follows_can_be_named(router: RouterUnderTest) -> None:
    session = router.session(router.machine("devbox"))
    router.submit(HOME, f"/follow {session}")

    router.control.Notify(pb.NotifyRequest(session_id=session, text="hello", targets=[HOME]))

    assert "4711" in queued(router)


def test_a_chat_that_its_courier_names_can_be_named(router: RouterUnderTest) -> None:
    session = router.session(router.machine("devbox"))

    with router.courier("telegram", "4711"):
        router.control.Notify(pb.NotifyRequest(session_id=session, text="hello", targets=[HOME]))

        assert queued(router) == ["4711"]


def test_nor_is_anybody_told_there_what_becomes_of_a_command(router: RouterUnderTest) -> None:
    """Its status messages quote the text, which whoever sends the command chooses."""
    session = router.session(router.machine("devbox"))

    with pytest.raises(grpc.RpcError) as error:
        router.send(session, "secret", origin=types.Origin(source="cli", chat=STRANGER))

    assert reason_of(error.value) == "ILLEGAL_STATE"
    assert router.control.ListCommands(pb.ListCommandsRequest()).commands == []
