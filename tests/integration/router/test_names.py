"""Names instead of ids at the Control service: taken by calls that read, by none that types, ends or answers."""

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import session as reported
from tests.waiting import wait_until

READS = [
    ("ListCommands", lambda name: pb.ListCommandsRequest(session_id=name)),
    ("ListNotifications", lambda name: pb.ListNotificationsRequest(session_id=name)),
    ("ListPermissions", lambda name: pb.ListPermissionsRequest(session_id=name)),
]
TYPES = types.Action(input=types.Input(text="x", submit=True))
CHANGES = [
    ("SendCommand", lambda name: pb.SendCommandRequest(session_id=name, action=TYPES)),
    ("StopSession", lambda name: pb.StopSessionRequest(session_id=name)),
    ("RenameSession", lambda name: pb.RenameSessionRequest(session_id=name, label="x")),
    ("UnregisterSession", lambda name: pb.UnregisterSessionRequest(session_id=name)),
    ("Notify", lambda name: pb.NotifyRequest(session_id=name, text="x")),
]


@pytest.fixture
def named(router: RouterUnderTest) -> types.Session:
    """A session with a label of its own."""
    machine_id, identity, label = router.machine(fresh("devbox")).machine_id, fresh("longid"), fresh("label")
    request = pb.RegisterSessionRequest(session_id=identity, machine_id=machine_id, label=label)
    return router.control.RegisterSession(request).session


def test_commands_are_listed_by_a_session_s_label_or_part_of_its_id(
    router: RouterUnderTest, named: types.Session
) -> None:
    sent = router.send(named.session_id)

    for name in (named.session_id, named.label, named.label.upper()):
        found = router.control.ListCommands(pb.ListCommandsRequest(session_id=name)).commands
        assert [command.command_id for command in found] == [sent.command_id]


@pytest.mark.parametrize(("method", "request_of"), READS, ids=[method for method, _ in READS])
def test_a_name_that_fits_several_sessions_is_refused_with_them(
    router: RouterUnderTest, named: types.Session, method: str, request_of: object
) -> None:
    other = router.machine(fresh("laptop")).machine_id
    request = pb.RegisterSessionRequest(session_id=fresh("longid"), machine_id=other, label=named.label)
    router.control.RegisterSession(request)

    with pytest.raises(grpc.RpcError) as refused:
        getattr(router.control, method)(request_of(named.label))  # type: ignore[operator]

    assert reason_of(refused.value) == "INVALID_ARGUMENT"
    assert f"{named.label} ({named.session_id}) on {named.machine_id}" in str(refused.value.details())


@pytest.mark.parametrize(("method", "request_of"), CHANGES, ids=[method for method, _ in CHANGES])
def test_what_changes_something_goes_by_whole_ids_alone(
    router: RouterUnderTest, named: types.Session, method: str, request_of: object
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        getattr(router.control, method)(request_of(named.label))  # type: ignore[operator]

    assert reason_of(refused.value) == "SESSION_UNKNOWN"


def test_a_command_is_found_and_traced_by_the_end_of_its_id(router: RouterUnderTest, named: types.Session) -> None:
    sent = router.send(named.session_id)
    short = sent.command_id[-8:]

    assert router.control.GetCommand(pb.GetCommandRequest(command_id=short)).command == sent
    assert {step.subject_id for step in router.control.Trace(pb.TraceRequest(id=short)).steps} == {sent.command_id}


def test_commands_that_begin_alike_must_be_told_apart(router: RouterUnderTest, named: types.Session) -> None:
    first, second = (router.send(named.session_id) for _ in range(2))
    alike = first.command_id[:8]  # the time, in pieces of a minute
    assert second.command_id.startswith(alike)

    with pytest.raises(grpc.RpcError) as refused:
        router.control.GetCommand(pb.GetCommandRequest(command_id=alike))

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def test_a_command_is_taken_back_by_its_whole_id_alone(router: RouterUnderTest, named: types.Session) -> None:
    sent = router.send(named.session_id)

    with pytest.raises(grpc.RpcError) as refused:
        router.control.CancelCommand(pb.CancelCommandRequest(command_id=sent.command_id[-8:]))

    assert reason_of(refused.value) == "NOT_FOUND"


def test_a_name_that_people_gave_is_kept_whatever_its_machine_says(router: RouterUnderTest) -> None:
    machine, name, identity = router.machine(fresh("devbox")), fresh("the API"), fresh("longid")
    with machine.connected(sessions=[reported(identity, label="claude")]):
        wait_until(lambda: label_of(router, identity) == "claude")
        renamed = router.control.RenameSession(pb.RenameSessionRequest(session_id=identity, label=f"  {name} "))

    with machine.connected(sessions=[reported(identity, label="claude 2", generation=2)]):
        wait_until(lambda: session_of(router, identity).generation == 2)

        assert (renamed.session.label, label_of(router, identity)) == (name, name)
        assert router.control.ListCommands(pb.ListCommandsRequest(session_id=name)) == pb.ListCommandsResponse()
        router.control.RenameSession(pb.RenameSessionRequest(session_id=identity))
        assert label_of(router, identity) == "claude 2"


def test_a_name_that_is_too_long_is_refused(router: RouterUnderTest, named: types.Session) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.control.RenameSession(pb.RenameSessionRequest(session_id=named.session_id, label="x" * 201))

    assert reason_of(refused.value) == "TOO_LARGE"
    assert label_of(router, named.session_id) == named.label


def session_of(router: RouterUnderTest, session_id: str) -> types.Session:
    found = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return next((each for each in found if each.session_id == session_id), types.Session())


def label_of(router: RouterUnderTest, session_id: str) -> str:
    return session_of(router, session_id).label
