"""Somebody has an API key: what each role does with it, and what ends it. All calls: test_access_matrix.py."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import Caller, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.rpc_errors import reason_of

WORDS = types.Action(input=types.Input(text="rm -rf /", submit=True))

Call = Callable[[Caller], object]
MAKES = [
    pytest.param(lambda c: c.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_ADMIN)), id="a key"),
    pytest.param(lambda c: c.control.CreateJoinToken(pb.CreateJoinTokenRequest()), id="a machine"),
    pytest.param(lambda c: c.control.Backup(pb.BackupRequest(path="/tmp/stolen.db")), id="a backup"),
]
CHANGES = [
    *MAKES,
    pytest.param(lambda c: c.control.SendCommand(pb.SendCommandRequest(session_id="s", action=WORDS)), id="a command"),
    pytest.param(lambda c: c.control.StartSession(pb.StartSessionRequest()), id="a session"),
    pytest.param(lambda c: c.control.RespondPermission(pb.RespondPermissionRequest()), id="an answer"),
    pytest.param(lambda c: c.control.Cleanup(pb.CleanupRequest()), id="room"),
]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def stolen(router: RouterUnderTest, role: "pb.Role.ValueType") -> Caller:
    return router.caller(router.key(role))


@pytest.mark.parametrize("role", [pb.ROLE_OPERATOR, pb.ROLE_ADMIN], ids=["operator", "admin"])
def test_operators_and_admins_type_into_every_session_and_answer_questions(
    router: RouterUnderTest, role: "pb.Role.ValueType"
) -> None:
    caller = stolen(router, role)
    with router.machine().connected() as link:
        caller.control.RegisterSession(pb.RegisterSessionRequest(session_id="s", machine_id=link_machine(router)))
        caller.control.SendCommand(pb.SendCommandRequest(session_id="s", action=WORDS))
        assert link.commands(1)[0].action.input.text == "rm -rf /"
        question = ask(link, "s")
        answer = pb.RespondPermissionRequest(permission_id=question, option_id="allow", input_digest="d1")
        answered = caller.control.RespondPermission(answer).permission

    assert answered.state == types.PERMISSION_STATE_ALLOWED


def link_machine(router: RouterUnderTest) -> str:
    [machine] = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return machine.machine_id


@pytest.mark.parametrize("make", MAKES)
def test_operators_let_nobody_in(router: RouterUnderTest, make: Call) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        make(stolen(router, pb.ROLE_OPERATOR))

    assert reason_of(refused.value) == "PERMISSION_DENIED"


def test_viewers_read_what_is_said_as_it_happens(router: RouterUnderTest) -> None:
    caller = stolen(router, pb.ROLE_VIEWER)
    session_id = router.session(router.machine())
    seen = caller.control.WatchEvents(pb.WatchEventsRequest(from_now_on=True), timeout=30)
    seen.initial_metadata()

    command_id = router.send(session_id, "the secret plan").command_id

    assert command_id in str(next(seen))
    seen.cancel()
    [command] = caller.control.ListCommands(pb.ListCommandsRequest()).commands
    assert command.action.input.text == "the secret plan"


@pytest.mark.parametrize("role", [pb.ROLE_VIEWER, pb.ROLE_APPROVER], ids=["viewer", "approver"])
def test_who_may_press_no_button_is_not_shown_what_presses_it(
    router: RouterUnderTest, role: "pb.Role.ValueType"
) -> None:
    """With it and any chat that may write, a press would be a message as any other."""
    session_id = router.session(router.machine())
    [sent] = router.notify(session_id, types.ChatRef(transport="test", chat_id="1"))
    caller = stolen(router, role).control

    [listed] = caller.ListNotifications(pb.ListNotificationsRequest()).notifications
    got = caller.GetNotification(pb.GetNotificationRequest(notification_id=listed.notification_id)).notification

    assert sent.token
    assert (listed.notification_id, listed.token, got.token) == (sent.notification_id, "", "")


@pytest.mark.parametrize("change", CHANGES)
def test_viewers_change_nothing(router: RouterUnderTest, change: Call) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        change(stolen(router, pb.ROLE_VIEWER))

    assert reason_of(refused.value) == "PERMISSION_DENIED"


def test_a_key_is_no_machine(router: RouterUnderTest) -> None:
    """Not even an admin's."""
    agent = router.stranger("devbox")
    link = agent.dial(token=router.key(pb.ROLE_ADMIN))
    code, _ = link.ended()
    link.lose()

    assert code is grpc.StatusCode.UNAUTHENTICATED


def test_an_admin_who_finds_it_ends_it(router: RouterUnderTest) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="lost", role=pb.ROLE_ADMIN))
    thief = router.caller(made.secret)
    thief.control.ListMachines(pb.ListMachinesRequest())

    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=made.key.key_id))

    with pytest.raises(grpc.RpcError) as refused:
        thief.control.ListMachines(pb.ListMachinesRequest())
    assert reason_of(refused.value) == "UNAUTHENTICATED"
