"""What is handed in, as protocol buffers, and what became of it."""

import functools
from dataclasses import asdict

from agentlink.v1 import chat_link_pb2, types_pb2

from pointsman.client.convert import chat_ref, command_state, control_kind, form_answer
from pointsman.client.refusals import from_status
from webhook_adapter.model import PermissionAnswer, Submitted
from webhook_adapter.router.submit_stream import Answer, Item


def answer(item: chat_link_pb2.SubmitItemResponse) -> Answer:
    """What became of one item."""
    if item.HasField("error"):
        return item.item_id, from_status(item.error)
    done = item.response
    state = _state(done.state)
    wants = done.reason == types_pb2.REASON_SECOND_FACTOR_NEEDED
    reason = _reason(done.reason)
    return item.item_id, Submitted(done.command_id, state, done.session_id, done.answer, done.duplicate, wants, reason)


def item(item: Item) -> chat_link_pb2.SubmitItem:
    """One item of a batch, with its number."""
    number, submission = item
    request = chat_link_pb2.SubmitRequest(
        update_key=submission.update_key,
        chat=chat_ref(submission.chat),
        actor=submission.actor,
        text=submission.text,
        reply_to_message_id=submission.reply_to_message_id,
        reply_to_ours=submission.reply_to_ours,
        session_id=submission.session_id,
        edited=submission.edited,
        file_problem=submission.file_problem,
        album=submission.album,
        user_id=submission.user_id,
        needs_pairing=submission.needs_pairing,
        login_id=submission.login_id,
        passkey=submission.passkey,
        transcribe=submission.transcribe,
        space=submission.space,
        context=submission.context,
        takes_back=submission.takes_back,
        file=types_pb2.FileInput(**asdict(submission.file)) if submission.file else None,
    )
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
    return chat_link_pb2.SubmitItem(item_id=number, request=request)


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
