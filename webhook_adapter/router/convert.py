"""What is handed in, as protocol buffers, and what became of it."""

import functools
from collections.abc import Iterable
from dataclasses import asdict
from operator import attrgetter

from agentlink.v1 import chat_link_pb2, types_pb2

from pointsman.client.convert import command_state, control_kind, form_answer
from pointsman.client.refusals import from_status
from webhook_adapter.model import PermissionAnswer, Submission, Submitted
from webhook_adapter.router.submit_stream import Answer, Item

# What has the same name and kind in a Submission and on the wire.
_PLAIN = (
    "actor", "text", "reply_to_message_id", "reply_to_ours", "session_id", "edited", "file_problem", "album", "user_id",
    "needs_pairing", "login_id", "passkey", "transcribe", "space", "context", "takes_back",
)  # fmt: skip
_plain = attrgetter(*_PLAIN)


def answer(item: chat_link_pb2.SubmitItemResponse) -> Answer:
    """What became of one item."""
    if item.HasField("error"):
        return item.item_id, from_status(item.error)
    done = item.response
    state = _state(done.state)
    wants = done.reason == types_pb2.REASON_SECOND_FACTOR_NEEDED
    reason = _reason(done.reason) if done.reason else ""
    return item.item_id, Submitted(done.command_id, state, done.session_id, done.answer, done.duplicate, wants, reason)


def batch(frame: Iterable[Item]) -> chat_link_pb2.SubmitBatch:
    """What goes in one frame. Each is written where it stands: a message that is handed to another is copied."""
    made = chat_link_pb2.SubmitBatch()
    for number, submission in frame:
        _write(submission, made.items.add(item_id=number).request)
    return made


def _write(submission: Submission, request: chat_link_pb2.SubmitRequest) -> None:
    request.update_key = submission.update_key
    chat = submission.chat
    request.chat.transport, request.chat.chat_id = chat.transport, chat.chat_id
    request.chat.thread_id, request.chat.message_id = chat.thread_id, chat.message_id
    for name, value in zip(_PLAIN, _plain(submission), strict=True):
        if value:  # of most there is none
            setattr(request, name, value)
    if submission.file is not None:
        request.file.CopyFrom(types_pb2.FileInput(**asdict(submission.file)))
    if submission.button is not None:
        request.button.data = submission.button
    if submission.control is not None:
        signal, value = submission.control
        request.control.CopyFrom(types_pb2.ControlSignal(kind=control_kind(signal), value=value))
    if submission.workspace is not None:
        request.workspace.CopyFrom(types_pb2.Workspace(**asdict(submission.workspace)))
    if (change := submission.change) is not None:
        request.chat_change.CopyFrom(chat_link_pb2.ChatChange(**asdict(change)))
    if submission.written_at is not None:
        request.written_at.FromDatetime(submission.written_at)
    if submission.answer is not None:
        request.answer.CopyFrom(_answer(submission.answer))


def _answer(given: PermissionAnswer) -> chat_link_pb2.PermissionAnswer:
    return chat_link_pb2.PermissionAnswer(
        input_digest=given.input_digest,
        option_id=given.option_id,
        text=given.text,
        updated_input=given.updated_input,
        answers=map(form_answer, given.answers),
    )


_state = functools.lru_cache(maxsize=64)(command_state)


@functools.lru_cache(maxsize=64)
def _reason(number: int) -> str:
    """Its name without the prefix; the number itself where only a newer router knows it."""
    known = types_pb2.Reason.DESCRIPTOR.values_by_number.get(number)
    name = known.name.removeprefix("REASON_") if known else str(number)
    return "" if name == "UNSPECIFIED" else name
