"""A key that was revoked is over: for the streams that it holds open, and for every later start of the router."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.duration_pb2 import Duration

from router.config import SettingsError
from tests.integration.router.harness import API_KEY, Caller, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1")


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


class Requests:
    """What a client says on a stream, when the test wants it to; the stream stays open meanwhile."""

    def __init__(self, *first: object) -> None:
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        for request in first:
            self.say(request)

    def say(self, request: object) -> None:
        self._queue.put(request)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._queue.get, None)


def submitted(key: str) -> chat_pb.SubmitBatch:
    request = chat_pb.SubmitRequest(update_key=key, chat=CHAT, actor="Ada", text="/help")
    return chat_pb.SubmitBatch(items=[chat_pb.SubmitItem(item_id=1, request=request)])


def watching(caller: Caller) -> Any:
    call = caller.control.WatchEvents(pb.WatchEventsRequest(from_now_on=True))
    call.initial_metadata()
    return call


def following(caller: Caller) -> Any:
    [session] = caller.control.ListSessions(pb.ListSessionsRequest()).sessions
    call = caller.control.WatchSession(pb.WatchSessionRequest(session_id=session.session_id))
    call.initial_metadata()
    return call


def submitting(caller: Caller) -> Any:
    requests = Requests(submitted("first"))
    call = caller.chat.SubmitStream(iter(requests))
    assert next(call).items[0].HasField("response")
    call.say = requests.say
    return call


def delivering(caller: Caller) -> Any:
    opening = chat_pb.DeliverOpen(transport="test", instance_id="i", default_chats=[CHAT])
    call = caller.chat.Deliver(iter(Requests(chat_pb.DeliveryReceipt(open=opening))))
    call.initial_metadata()
    return call


Opened = Callable[[Caller], Any]
STREAMS = [
    pytest.param(pb.ROLE_VIEWER, watching, id="WatchEvents"),
    pytest.param(pb.ROLE_VIEWER, following, id="WatchSession"),
    pytest.param(pb.ROLE_CHAT, submitting, id="SubmitStream"),
    pytest.param(pb.ROLE_CHAT, delivering, id="Deliver"),
]


def made(router: RouterUnderTest, role: "pb.Role.ValueType") -> pb.CreateApiKeyResponse:
    return router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=role))


def revoke(router: RouterUnderTest, key: pb.CreateApiKeyResponse) -> None:
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key.key.key_id))


@pytest.mark.parametrize(("role", "opened"), STREAMS)
def test_its_open_streams_end(router: RouterUnderTest, role: "pb.Role.ValueType", opened: Opened) -> None:
    key = made(router, role)
    router.session(router.machine())
    stream = opened(router.caller(key.secret))

    revoke(router, key)
    with pytest.raises(grpc.RpcError) as ended:
        next(stream)

    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(ended.value) == "UNAUTHENTICATED"


@pytest.mark.parametrize("method", ["SendCommand", "GetCommand", "WatchEvents"])
def test_a_request_that_comes_after_it_was_revoked_is_too_late(router: RouterUnderTest, method: str) -> None:
    """It is let in by its headers, and may keep its request back."""
    key, session_id = made(router, pb.ROLE_OPERATOR), router.session(router.machine())
    known, revoked = router.send(session_id).command_id, threading.Event()
    action = types.Action(key=types.KeyPress(name="esc"))
    late = {
        "SendCommand": pb.SendCommandRequest(session_id=session_id, action=action),
        "GetCommand": pb.GetCommandRequest(command_id=known, wait=Duration(seconds=30)),
        "WatchEvents": pb.WatchEventsRequest(from_now_on=True),
    }[method]

    def kept_back() -> Iterator[bytes]:
        revoked.wait(timeout=30)
        yield late.SerializeToString()

    with grpc.insecure_channel(router.address) as channel:
        call = channel.stream_stream(f"/agentlink.v1.Control/{method}", None, None)
        answers = call(kept_back(), metadata=[("x-api-key", key.secret)], timeout=20)
        wait_until(lambda: router.control.ListApiKeys(pb.ListApiKeysRequest()).keys[1].HasField("last_used_at"))
        revoke(router, key)
        revoked.set()
        with pytest.raises(grpc.RpcError) as ended:
            list(answers)

    assert reason_of(ended.value) == "UNAUTHENTICATED"
    commands = router.control.ListCommands(pb.ListCommandsRequest()).commands
    assert [each.command_id for each in commands] == [known]


def test_what_it_waits_for_ends(router: RouterUnderTest) -> None:
    key, command = made(router, pb.ROLE_VIEWER), router.send(router.session(router.machine()))
    request = pb.GetCommandRequest(command_id=command.command_id, wait=Duration(seconds=30))
    waiting = router.caller(key.secret).control.GetCommand.future(request)
    wait_until(lambda: router.control.ListApiKeys(pb.ListApiKeysRequest()).keys[1].HasField("last_used_at"))

    revoke(router, key)

    with pytest.raises(grpc.RpcError) as ended:
        waiting.result(timeout=20)
    assert reason_of(ended.value) == "UNAUTHENTICATED"


@pytest.mark.parametrize(("role", "opened"), STREAMS)
def test_those_of_other_keys_go_on(router: RouterUnderTest, role: "pb.Role.ValueType", opened: Opened) -> None:
    kept, gone = made(router, role), made(router, role)
    router.session(router.machine())
    stream = opened(router.caller(kept.secret))

    revoke(router, gone)
    router.settle()

    assert stream.is_active()
    stream.cancel()


def test_what_comes_on_its_stream_afterwards_is_not_stored(router: RouterUnderTest) -> None:
    key = made(router, pb.ROLE_CHAT)
    stream = submitting(router.caller(key.secret))

    revoke(router, key)
    stream.say(submitted("second"))
    with pytest.raises(grpc.RpcError):
        next(stream)

    known = [router.submit(CHAT, "/help", update_key=key).duplicate for key in ("first", "second")]
    assert known == [True, False]


def test_a_key_may_end_itself_and_is_told_so(router: RouterUnderTest) -> None:
    key = made(router, pb.ROLE_ADMIN)

    router.caller(key.secret).control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key.key.key_id))

    assert [each.revoked for each in router.control.ListApiKeys(pb.ListApiKeysRequest()).keys] == [False, True]


def test_the_settings_do_not_bring_it_back(router: RouterUnderTest) -> None:
    [key] = router.control.ListApiKeys(pb.ListApiKeysRequest()).keys
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key.key_id))

    with pytest.raises(SettingsError, match="the admin key in the settings was revoked") as refused:
        router.restart()

    assert API_KEY not in str(refused.value)
    assert "POINTSMAN_API_KEY" in str(refused.value)
    router.config = config(router.config.data_dir, api_key="pmk_" + "n" * 43)
    router.start()
    assert router.caller(router.config.api_key).control.ListMachines(pb.ListMachinesRequest()) is not None
