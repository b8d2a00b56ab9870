"""Somebody has a key of the role chat, as adapters of chat platforms have: they speak for people, and no more."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import Caller, RouterUnderTest, config, fresh, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_courier import ThinCourier

CHAT = types.ChatRef(transport="stolen", chat_id="1")


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def stolen(router: RouterUnderTest) -> Caller:
    return router.caller(router.key(pb.ROLE_CHAT))


def said(stolen: Caller, text: str, **request: object) -> chat_pb.SubmitResponse:
    asked = chat_pb.SubmitRequest(update_key=fresh("u"), chat=CHAT, actor="whoever", text=text, **request)  # type: ignore[arg-type]
    return stolen.chat.Submit(asked)


def test_they_type_as_any_person(router: RouterUnderTest, stolen: Caller) -> None:
    machine = router.machine()
    session_id = router.session(machine)

    command = router.command(said(stolen, "rm -rf /", session_id=session_id).command_id)

    assert command.action.input.text == "rm -rf /"


def test_they_read_what_goes_to_people(router: RouterUnderTest, stolen: Caller) -> None:
    session_id = router.session(router.machine())
    courier = ThinCourier(stolen.chat, "stolen", "1").connected()
    try:
        router.notify(session_id, CHAT, text="all done")
        assert courier.brought("5").notification.text.endswith("all done")
    finally:
        courier.close()


def test_what_they_claim_to_be_is_not_taken_for_who_they_are(router: RouterUnderTest, stolen: Caller) -> None:
    session_id = router.session(router.machine())
    command_id = said(stolen, "hello", session_id=session_id).command_id

    actors = " ".join(str(step) for step in router.trace(command_id))

    keys = router.control.ListApiKeys(pb.ListApiKeysRequest()).keys
    assert "whoever" in actors
    assert [key for key in keys if key.role == pb.ROLE_CHAT and (key.label in actors or key.key_id in actors)]


def test_a_message_is_not_typed_twice_whoever_hands_it_in(router: RouterUnderTest, stolen: Caller) -> None:
    session_id = router.session(router.machine())
    first = router.submit(CHAT, "once", session_id=session_id, update_key="the same")

    again = stolen.chat.Submit(
        chat_pb.SubmitRequest(update_key="the same", chat=CHAT, actor="x", text="twice", session_id=session_id)
    )

    assert again.duplicate
    assert again.command_id == first.command_id


@pytest.mark.parametrize(
    "call",
    [
        lambda caller: caller.control.CreateApiKey(pb.CreateApiKeyRequest(role=pb.ROLE_ADMIN, label="mine")),
        lambda caller: caller.control.CreateJoinToken(pb.CreateJoinTokenRequest()),
        lambda caller: caller.control.ListCommands(pb.ListCommandsRequest()),
        lambda caller: caller.control.ListMachines(pb.ListMachinesRequest()),
        lambda caller: caller.control.Backup(pb.BackupRequest(path="/tmp/mine.db")),
        lambda caller: next(iter(caller.control.WatchEvents(pb.WatchEventsRequest(from_now_on=True)))),
    ],
    ids=["make a key", "let a machine in", "list commands", "list machines", "take a backup", "watch"],
)  # fmt: skip
def test_they_reach_nothing_else(stolen: Caller, call: object) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        call(stolen)  # type: ignore[operator]

    assert reason_of(refused.value) == "PERMISSION_DENIED"
