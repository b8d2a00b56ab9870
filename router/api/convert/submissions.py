"""What chat platforms hand in, and what becomes of it."""

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.chats import MAX_CHAT_ID, chat_ref
from router.api.convert.commands import COMMAND_STATES
from router.api.convert.files import file_input
from router.api.convert.notifications import MAX_WORDS
from router.api.convert.permissions import answer
from router.api.convert.sessions import KINDS
from router.api.convert.times import duration, moment
from router.api.convert.workspaces import workspace
from router.domain.binding import MAX_CONTEXT, MAX_SPACE
from router.domain.control import ControlSignal, checked
from router.domain.errors import Reason, Refusal
from router.domain.passkey import MAX_CREDENTIAL
from router.domain.routing import ChatChange, Inbound
from router.domain.unicode_escapes import visible
from router.services.chat.submission import Submitted
from router.services.memory.embeddings import Text
from router.store.voices import Voice


def inbound(request: chat_pb.SubmitRequest) -> Inbound:
    """Raises Refusal when update_key or chat is missing."""
    if not 0 < len(request.update_key) <= 200:
        raise Refusal(Reason.INVALID_ARGUMENT, "update_key must have 1 to 200 characters")
    button = request.button.data if request.HasField("button") else None  # an empty one was pressed all the same
    answered = request.answer if request.HasField("answer") else None
    return Inbound(
        request.update_key, chat_ref(request.chat), request.actor[:200], request.text, request.reply_to_message_id,
        button, request.session_id, request.edited, file_input(request), request.file_problem[:MAX_WORDS],
        request.album[:MAX_CHAT_ID], request.reply_to_ours, request.user_id, request.needs_pairing, request.login_id,
        checked_credential(request.passkey), answer(answered) if answered is not None else None,
        answered.input_digest if answered is not None else "",
        _control(request.control) if request.HasField("control") else None, request.transcribe,
        request.space[:MAX_SPACE], request.context[:MAX_CONTEXT], request.takes_back[:200],
        moment(request.written_at) if request.HasField("written_at") else 0.0,
        workspace(request.workspace) if request.HasField("workspace") else None,
        _change(request) if request.HasField("chat_change") else None,
    )  # fmt: skip


def _change(request: chat_pb.SubmitRequest) -> ChatChange:
    """Raises Refusal for one of a chat that no binding is asked about."""
    told = request.chat_change
    if not request.space or len(told.moved_to) > MAX_CHAT_ID:
        text = f"chat_change needs space, and moved_to has {MAX_CHAT_ID} characters at most."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return ChatChange(told.moved_to, told.closed, visible(told.words)[:MAX_WORDS])


def _control(signal: pb.ControlSignal) -> ControlSignal:
    """Raises Refusal where it is malformed."""
    if signal.kind not in KINDS:
        raise Refusal(Reason.INVALID_ARGUMENT, "control must have a kind")
    return checked(KINDS[signal.kind], signal.value)


def submit_response(submitted: Submitted) -> chat_pb.SubmitResponse:
    state = COMMAND_STATES[submitted.state] if submitted.state else pb.COMMAND_STATE_UNSPECIFIED
    return chat_pb.SubmitResponse(
        command_id=submitted.command_id, state=state, session_id=submitted.session_id, answer=submitted.answer,
        reason=submitted.reason.value,  # type: ignore[arg-type]
    )  # fmt: skip


def seen_before(response: bytes) -> bytes:
    """An answer that was given before, for whoever hands the same in again."""
    again = chat_pb.SubmitResponse.FromString(response)
    again.duplicate = True
    return again.SerializeToString()


def checked_credential(credential: str) -> str:
    """Raises Refusal where it is longer than any browser makes it."""
    if len(credential) > MAX_CREDENTIAL:
        raise Refusal(Reason.TOO_LARGE, f"A passkey's answer has {MAX_CREDENTIAL} characters at most.")
    return credential


def voice_response(voice: Voice | None) -> chat_pb.TakeVoiceResponse:
    """What whoever turns recordings into text gets; nothing where there is none."""
    if voice is None:
        return chat_pb.TakeVoiceResponse()
    file = voice.file
    return chat_pb.TakeVoiceResponse(voice_id=voice.voice_id, file_id=file.file_id, name=file.name, size=file.size)


def text_response(text: Text | None, model: str) -> chat_pb.TakeTextResponse:
    """A text, or nothing yet."""
    if text is None:
        return chat_pb.TakeTextResponse()
    timeout = duration(text.within)
    return chat_pb.TakeTextResponse(text_id=text.text_id, text=text.text, model=model, timeout=timeout)
