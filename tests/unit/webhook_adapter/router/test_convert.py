"""What is handed in is on the wire as it was said."""

from datetime import UTC, datetime

import msgspec
from agentlink.v1 import chat_link_pb2, types_pb2

from pointsman.client.records import Chat
from webhook_adapter.model import ChatChange, PermissionAnswer, StoredFile, Submission, Submitted, Workspace
from webhook_adapter.router import convert

CHAT = Chat("telegram", "99", "7", "50")
FULL = Submission(
    update_key="telegram:1:2", chat=CHAT, actor="telegram:99 (Ada)", text="go on", reply_to_message_id="40",
    reply_to_ours=True, button="cmd:T:yes", session_id="s1", edited=True, file=StoredFile("f1", "a.txt", 3),
    file_problem="too large", album="a1", user_id="99", needs_pairing=True, login_id="l1", passkey="p1",
    answer=PermissionAnswer("d1", "allow"), control=("model", "opus"), transcribe=True, space="space", context="issue",
    takes_back="telegram:1:1", written_at=datetime(2026, 1, 2, tzinfo=UTC), workspace=Workspace("w1", "ada/api"),
    change=ChatChange(closed=True),
)  # fmt: skip


def test_nothing_that_is_said_is_left_out() -> None:
    request = convert.batch([(7, FULL)]).items[0].request

    left_out = {field.name for field in request.DESCRIPTOR.fields} - {field.name for field, _ in request.ListFields()}
    assert not left_out
    same = set(Submission.__struct_fields__) & set(request.DESCRIPTOR.fields_by_name)
    plain = {name: value for name in same - {"button"} if isinstance(value := getattr(FULL, name), str | bool)}
    assert {name: getattr(request, name) for name in plain} == plain
    assert (request.chat.transport, request.chat.chat_id) == ("telegram", "99")
    assert (request.chat.thread_id, request.chat.message_id) == ("7", "50")


def test_what_is_not_said_is_not_there() -> None:
    items = convert.batch(
        [(7, Submission("k", CHAT, "ada")), (8, msgspec.structs.replace(FULL, update_key="k2"))]
    ).items

    assert [(item.item_id, item.request.update_key) for item in items] == [(7, "k"), (8, "k2")]
    assert {field.name for field, _ in items[0].request.ListFields()} == {"update_key", "chat", "actor"}


def test_an_empty_button_is_pressed_all_the_same() -> None:
    assert convert.batch([(7, Submission("k", CHAT, "ada", button=""))]).items[0].request.HasField("button")


def test_why_it_became_no_command_is_told_by_its_name() -> None:
    refused = chat_link_pb2.SubmitResponse(reason=types_pb2.REASON_SECOND_FACTOR_NEEDED)

    number, told = convert.answer(chat_link_pb2.SubmitItemResponse(item_id=7, response=refused))

    assert number == 7
    assert isinstance(told, Submitted)
    assert (told.reason, told.needs_second_factor) == ("SECOND_FACTOR_NEEDED", True)
    _, taken = convert.answer(chat_link_pb2.SubmitItemResponse(response=chat_link_pb2.SubmitResponse(command_id="c")))
    assert isinstance(taken, Submitted)
    assert (taken.command_id, taken.reason, taken.needs_second_factor) == ("c", "", False)
